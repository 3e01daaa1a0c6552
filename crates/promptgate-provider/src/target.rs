//! What an application under test is told of a request, whether it is asked over HTTP or as a program.

use promptgate_core::message::{Message, Role};
use promptgate_core::request::RequestBody;
use serde_json::{Map, Value, json};

/// What there is to tell.
pub(crate) const NAMES: [&str; 5] = ["input", "system", "messages", "model", "parameters"];

/// A request by [`NAMES`]: the last user message, the system messages joined, all messages, the model's name and the
/// parameters.
pub(crate) fn said_to_target(request: &RequestBody) -> Map<String, Value> {
    let texts = |role: Role| request.messages.iter().filter(move |message| message.role == role);
    let said = |message: &Message| json!({"role": message.role.as_str(), "content": message.joined_text()});
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
