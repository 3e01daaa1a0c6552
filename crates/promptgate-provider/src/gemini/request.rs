//! A request in the words of generateContent.

use promptgate_core::message::{Message, Part, Role};
use promptgate_core::request::RequestBody;
use serde_json::{Map, Value, json};

use crate::wire::{Image, image};

const RESERVED: [&str; 4] = ["contents", "systemInstruction", "tools", "generationConfig"];

/// Parameters that stand beside the generation's configuration rather than in it.
const BESIDE: [&str; 3] = ["safetySettings", "toolConfig", "cachedContent"];

/// The JSON to post.
pub(super) fn body(request: &RequestBody) -> Result<Value, String> {
    let (system, turns): (Vec<&Message>, Vec<&Message>) =
        request.messages.iter().partition(|message| message.role == Role::System);
    let mut body = Map::new();
    body.insert("contents".to_owned(), contents(&turns)?.into());
    if !system.is_empty() {
        let parts: Value = system.iter().map(|message| json!({"text": message.joined_text()})).collect();
        body.insert("systemInstruction".to_owned(), json!({"parts": parts}));
    }
    let mut generation = Map::new();
    for (name, value) in &request.parameters {
        // Its names are the ones that Dotprompt uses.
        let into = if BESIDE.contains(&name.as_str()) { &mut body } else { &mut generation };
        if ["candidateCount", "candidate_count"].contains(&name.as_str()) {
            return Err(format!("the parameter `{name}` is not supported; ask for repeats with `trials`"));
        }
        if RESERVED.contains(&name.as_str()) {
            return Err(format!("the parameter `{name}` cannot be set in `config`"));
        }
        into.insert(name.clone(), value.clone());
    }
    if let Some(output) = request.output.as_ref().filter(|output| output.is_json()) {
        generation.insert("responseMimeType".to_owned(), "application/json".into());
        if let Some(schema) = &output.schema {
            generation.insert("responseJsonSchema".to_owned(), schema.clone());
        }
    }
    if !generation.is_empty() {
        body.insert("generationConfig".to_owned(), generation.into());
    }
    if !request.tools.is_empty() {
        let declared: Value = request.tools.iter().map(tool).collect();
        body.insert("tools".to_owned(), json!([{"functionDeclarations": declared}]));
    }
    Ok(body.into())
}

/// The turns. Neighbours of the model's are one, and so are neighbours that hold results of tools: Gemini refuses a turn
/// that holds another number of results than the one before it holds calls.
fn contents(turns: &[&Message]) -> Result<Vec<Value>, String> {
    let mut contents: Vec<(Turn, Vec<Value>)> = Vec::new();
    for message in turns {
        let turn = Turn::of(message);
        let parts = message.content.iter().map(part).collect::<Result<Vec<_>, _>>()?;
        let parts = parts.into_iter().flatten();
        match contents.last_mut().filter(|(last, _)| *last == turn && turn != Turn::User) {
            Some((_, before)) => before.extend(parts),
            None => contents.push((turn, parts.collect())),
        }
    }
    Ok(contents.into_iter().map(|(turn, parts)| json!({"role": turn.role(), "parts": parts})).collect())
}

/// Whose turn it is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Turn {
    User,
    Model,
    /// The results of tools, which the user says.
    Results,
}

impl Turn {
    fn of(message: &Message) -> Self {
        let is_result = |part: &Part| matches!(part, Part::ToolResponse { .. });
        match message.role {
            Role::Model => Self::Model,
            Role::Tool => Self::Results,
            _ if message.content.iter().any(is_result) => Self::Results,
            _ => Self::User,
        }
    }

    fn role(self) -> &'static str {
        if self == Self::Model { "model" } else { "user" }
    }
}

fn part(part: &Part) -> Result<Option<Value>, String> {
    Ok(match part {
        Part::Text { text } => Some(json!({"text": text})),
        Part::Data { data } => Some(json!({"text": data.to_string()})),
        Part::Media { media } => Some(match image(media)? {
            Image::Inline { kind, data } => json!({"inlineData": {"mimeType": kind, "data": data}}),
            Image::Url(url) => json!({"fileData": {"fileUri": url}}),
        }),
        Part::ToolRequest { tool_request: call } => {
            let arguments = call.get("input").cloned().unwrap_or_else(|| json!({}));
            Some(json!({"functionCall": tied(call, json!({"name": call["name"], "args": arguments}))}))
        }
        Part::ToolResponse { tool_response: result } => {
            let output = &result["output"];
            let response = if output.is_object() { output.clone() } else { json!({"result": output}) };
            let response = json!({"name": result["name"], "response": response});
            Some(json!({"functionResponse": tied(result, response)}))
        }
        Part::Pending { .. } => None,
    })
}

/// With what ties a call to its result, where the case says it: without, calls and results go by their order.
fn tied(ours: &Value, mut theirs: Value) -> Value {
    if let Some(reference) = ours["ref"].as_str() {
        theirs["id"] = reference.into();
    }
    theirs
}

/// `{name, description, inputSchema}` in its words.
fn tool(tool: &Value) -> Value {
    let mut declared = json!({"name": tool["name"]});
    for (ours, theirs) in [("description", "description"), ("inputSchema", "parametersJsonSchema")] {
        if let Some(value) = tool.get(ours) {
            declared[theirs] = value.clone();
        }
    }
    declared
}
