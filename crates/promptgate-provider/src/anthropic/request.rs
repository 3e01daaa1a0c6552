//! A request in the words of Messages.

use promptgate_core::message::{Message, Part, Role};
use promptgate_core::request::RequestBody;
use serde_json::{Map, Value, json};

use crate::wire::{Image, image, may_begin, merged_turns, put, text_of_tool_result, tool_reference};

/// The wire demands a limit for answers; this one is sent where the prompt names none.
const MAX_TOKENS: u64 = 4_096;

const RESERVED: [&str; 5] = ["model", "messages", "system", "stream", "tools"];

/// The JSON to post.
pub(super) fn body(request: &RequestBody, streamed: bool) -> Result<Value, String> {
    let mut body = Map::new();
    body.insert("model".to_owned(), Value::from(&*request.model.model));
    body.insert("max_tokens".to_owned(), MAX_TOKENS.into());
    let system: Vec<String> =
        request.messages.iter().filter(|message| message.role == Role::System).map(Message::joined_text).collect();
    if !system.is_empty() {
        body.insert("system".to_owned(), system.join("\n\n").into());
    }
    let turns = request.messages.iter().filter(|message| message.role != Role::System);
    body.insert("messages".to_owned(), merged_turns(turns, block)?.into());
    if streamed {
        body.insert("stream".to_owned(), true.into());
    }
    for (name, value) in &request.parameters {
        if name == "output_config" {
            may_begin(name, value, "format")?;
        }
        body.insert(parameter(name)?.to_owned(), value.clone());
    }
    if !request.tools.is_empty() {
        body.insert("tools".to_owned(), request.tools.iter().map(tool).collect());
    }
    let output = request.output.as_ref().filter(|output| output.is_json());
    if let Some(schema) = output.and_then(|output| output.schema.as_ref()) {
        put(&mut body, "output_config", "format", json!({"type": "json_schema", "schema": schema}));
    }
    Ok(body.into())
}

fn parameter(name: &str) -> Result<&str, String> {
    Ok(match name {
        "maxOutputTokens" => "max_tokens",
        "topP" => "top_p",
        "topK" => "top_k",
        "stopSequences" => "stop_sequences",
        "seed" => return Err("the parameter `seed` is not known to this provider; leave it out of `config`".to_owned()),
        _ if RESERVED.contains(&name) => return Err(format!("the parameter `{name}` cannot be set in `config`")),
        other => other,
    })
}

fn block(part: &Part) -> Result<Option<Value>, String> {
    Ok(match part {
        // An empty text is refused there.
        Part::Text { text } if text.is_empty() => None,
        Part::Text { text } => Some(json!({"type": "text", "text": text})),
        Part::Data { data } => Some(json!({"type": "text", "text": data.to_string()})),
        Part::Media { media } => Some(json!({"type": "image", "source": match image(media)? {
            Image::Inline { kind, data } => json!({"type": "base64", "media_type": kind, "data": data}),
            Image::Url(url) => json!({"type": "url", "url": url}),
        }})),
        Part::ToolRequest { tool_request: call } => {
            let input = call.get("input").filter(|input| input.is_object()).cloned().unwrap_or_else(|| json!({}));
            Some(json!({"type": "tool_use", "id": tool_reference(call), "name": call["name"], "input": input}))
        }
        Part::ToolResponse { tool_response: result } => Some(json!({
            "type": "tool_result", "tool_use_id": tool_reference(result), "content": text_of_tool_result(result),
        })),
        Part::Pending { .. } => None,
    })
}

/// `{name, description, inputSchema}` in its words.
fn tool(tool: &Value) -> Value {
    let schema = tool.get("inputSchema").cloned().unwrap_or_else(|| json!({"type": "object"}));
    let mut sent = json!({"name": tool["name"], "input_schema": schema});
    if let Some(description) = tool.get("description") {
        sent["description"] = description.clone();
    }
    sent
}
