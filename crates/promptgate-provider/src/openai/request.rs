//! A request in the words of Chat Completions.

use promptgate_core::message::{Media, Message, Part, Role};
use promptgate_core::request::{OutputFormat, RequestBody};
use serde_json::{Map, Value, json};

/// What the request itself decides, so that no parameter may.
const RESERVED: [&str; 6] = ["model", "messages", "stream", "stream_options", "tools", "response_format"];

/// The JSON to post. `is_openai`: OpenAI's own server knows `max_completion_tokens` and refuses `max_tokens` for newer
/// models; the servers that speak its dialect know `max_tokens`, not all of them the other.
pub(super) fn body(request: &RequestBody, is_openai: bool) -> Result<Value, String> {
    let mut body = Map::new();
    body.insert("model".to_owned(), Value::from(&*request.model.model));
    let mut messages = Vec::new();
    for message in &request.messages {
        push(message, &mut messages)?;
    }
    body.insert("messages".to_owned(), messages.into());
    body.insert("stream".to_owned(), false.into());
    for (name, value) in &request.parameters {
        body.insert(parameter(name, is_openai)?.to_owned(), value.clone());
    }
    if !request.tools.is_empty() {
        body.insert("tools".to_owned(), request.tools.iter().map(tool).collect());
    }
    if let Some(format) = request.output.as_ref().and_then(response_format) {
        body.insert("response_format".to_owned(), format);
    }
    Ok(body.into())
}

fn parameter(name: &str, is_openai: bool) -> Result<&str, String> {
    Ok(match name {
        "maxOutputTokens" if is_openai => "max_completion_tokens",
        "maxOutputTokens" => "max_tokens",
        "topP" => "top_p",
        "topK" => "top_k",
        "stopSequences" => "stop",
        "n" => return Err("the parameter `n` is not supported; ask for repeats with `trials`".to_owned()),
        _ if RESERVED.contains(&name) => return Err(format!("the parameter `{name}` cannot be set in `config`")),
        other => other,
    })
}

/// Adds one message as the one or more it is on the wire: each tool result is a message of its own.
fn push(message: &Message, messages: &mut Vec<Value>) -> Result<(), String> {
    let results = message.content.iter().filter_map(|part| match part {
        Part::ToolResponse { tool_response } => Some(tool_result(tool_response)),
        _ => None,
    });
    let before = messages.len();
    messages.extend(results);
    let only_results = messages.len() > before;
    let calls: Vec<Value> = message.content.iter().filter_map(tool_request).collect();
    let content = content(&message.content)?;
    let nothing_else = content.as_array().is_some_and(Vec::is_empty);
    if only_results && nothing_else {
        return Ok(());
    }
    let mut plain = json!({"role": role(message.role), "content": content});
    if nothing_else {
        plain["content"] = if calls.is_empty() { "".into() } else { Value::Null };
    }
    if !calls.is_empty() {
        plain["tool_calls"] = calls.into();
    }
    messages.push(plain);
    Ok(())
}

fn role(role: Role) -> &'static str {
    match role {
        Role::System => "system",
        Role::User => "user",
        Role::Model => "assistant",
        Role::Tool => "tool",
    }
}

/// One text as a string, which every server understands; anything more as a list of parts.
fn content(parts: &[Part]) -> Result<Value, String> {
    let mut sent = Vec::new();
    for part in parts {
        match part {
            Part::Text { text } => sent.push(json!({"type": "text", "text": text})),
            Part::Data { data } => sent.push(json!({"type": "text", "text": data.to_string()})),
            Part::Media { media } => sent.push(image(media)?),
            Part::ToolRequest { .. } | Part::ToolResponse { .. } | Part::Pending { .. } => {}
        }
    }
    match sent.as_slice() {
        [only] if only["type"] == "text" => Ok(only["text"].clone()),
        _ => Ok(sent.into()),
    }
}

fn image(media: &Media) -> Result<Value, String> {
    let kind = media.content_type.as_deref().unwrap_or("image/*");
    if !kind.starts_with("image/") {
        return Err(format!("media of type `{kind}` cannot be sent to this provider; only images can"));
    }
    if !["data:", "https://", "http://"].iter().any(|scheme| media.url.starts_with(scheme)) {
        return Err(format!("the image `{}` is a path; give a data URL or an https URL", media.url));
    }
    Ok(json!({"type": "image_url", "image_url": {"url": media.url}}))
}

/// An earlier call by the model. Where the case gives no reference, the tool's name ties call and result.
fn tool_request(part: &Part) -> Option<Value> {
    let Part::ToolRequest { tool_request: call } = part else { return None };
    let input = call.get("input").map_or_else(|| "{}".to_owned(), Value::to_string);
    let function = json!({"name": call["name"], "arguments": input});
    Some(json!({"id": reference(call), "type": "function", "function": function}))
}

fn tool_result(result: &Value) -> Value {
    let output = match &result["output"] {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    json!({"role": "tool", "tool_call_id": reference(result), "content": output})
}

fn reference(call: &Value) -> &Value {
    call.get("ref").filter(|reference| reference.is_string()).unwrap_or(&call["name"])
}

/// `{name, description, inputSchema}` as a function.
fn tool(tool: &Value) -> Value {
    let mut function = json!({"name": tool["name"]});
    for (ours, theirs) in [("description", "description"), ("inputSchema", "parameters")] {
        if let Some(value) = tool.get(ours) {
            function[theirs] = value.clone();
        }
    }
    json!({"type": "function", "function": function})
}

fn response_format(output: &OutputFormat) -> Option<Value> {
    let asks_json = output.format.as_deref() == Some("json") || (output.format.is_none() && output.schema.is_some());
    match &output.schema {
        _ if !asks_json => None,
        Some(schema) => Some(json!({"type": "json_schema", "json_schema": {"name": "output", "schema": schema}})),
        None => Some(json!({"type": "json_object"})),
    }
}
