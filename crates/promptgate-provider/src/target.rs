//! What an application under test is told of a request, whether it is asked over HTTP or as a program.

use promptgate_core::message::{Message, Part, Role};
use promptgate_core::request::RequestBody;
use serde_json::{Map, Value, json};

/// What there is to tell.
pub(crate) const NAMES: [&str; 5] = ["input", "system", "messages", "model", "parameters"];

/// A request by [`NAMES`]: the texts of the last user message, those of the system messages joined, all messages, the model's
/// name and the parameters.
pub(crate) fn said_to_target(request: &RequestBody) -> Map<String, Value> {
    let texts = |role: Role| request.messages.iter().filter(move |message| message.role == role);
    let said = |message: &Message| json!({"role": message.role.as_str(), "content": content(message)});
    let input = texts(Role::User).next_back().map(Message::joined_text).unwrap_or_default();
    let system: Vec<String> = texts(Role::System).map(Message::joined_text).collect();
    Map::from_iter([
        ("input".to_owned(), input.into()),
        ("system".to_owned(), system.join("\n\n").into()),
        ("messages".to_owned(), request.messages.iter().map(said).collect()),
        ("model".to_owned(), Value::from(&*request.model.model)),
        ("parameters".to_owned(), request.parameters.clone().into()),
    ])
}

/// Whether a message is told whole by its texts.
pub(crate) fn is_text(message: &Message) -> bool {
    message.content.iter().all(|part| matches!(part, Part::Text { .. } | Part::Pending { .. }))
}

/// A text, where it is no more than that; else the list of its parts, as cases write it.
fn content(message: &Message) -> Value {
    let is_sent = |part: &&Part| !matches!(part, Part::Pending { .. });
    match is_text(message) {
        true => message.joined_text().into(),
        false => message.content.iter().filter(is_sent).map(|part| json!(part)).collect(),
    }
}
