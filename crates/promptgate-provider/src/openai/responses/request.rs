//! A request in the words of Responses.

use promptgate_core::message::{Message, Part, Role};
use promptgate_core::request::{OutputFormat, RequestBody};
use serde_json::{Map, Value, json};

use crate::openai::is_reserved;
use crate::wire::{image_url, may_begin, put, text_of_tool_result, tool_reference};

/// The JSON to post.
pub(super) fn body(request: &RequestBody, streamed: bool) -> Result<Value, String> {
    let mut body = Map::new();
    body.insert("model".to_owned(), Value::from(&*request.model.model));
    let mut input = Vec::new();
    for message in &request.messages {
        push(message, &mut input)?;
    }
    body.insert("input".to_owned(), input.into());
    body.insert("stream".to_owned(), streamed.into());
    body.insert("store".to_owned(), false.into());
    for (name, value) in &request.parameters {
        if name == "text" {
            may_begin(name, value, "format")?;
        }
        body.insert(parameter(name)?.to_owned(), value.clone());
    }
    if !request.tools.is_empty() {
        body.insert("tools".to_owned(), request.tools.iter().map(tool).collect());
    }
    if let Some(format) = request.output.as_ref().and_then(text_format) {
        put(&mut body, "text", "format", format);
    }
    Ok(body.into())
}

fn parameter(name: &str) -> Result<&str, String> {
    Ok(match name {
        "maxOutputTokens" => "max_output_tokens",
        "topP" => "top_p",
        "topK" | "stopSequences" | "seed" => {
            return Err(format!("the parameter `{name}` is not known to Responses; use `api = \"chat\"`"));
        }
        _ if is_reserved(name) => return Err(format!("the parameter `{name}` cannot be set in `config`")),
        other => other,
    })
}

/// Adds one message as items: calls of tools and their results are items of their own.
fn push(message: &Message, input: &mut Vec<Value>) -> Result<(), String> {
    let mut content = Vec::new();
    let mut calls = Vec::new();
    for part in &message.content {
        match part {
            Part::Text { text } => content.push(text_part(text)),
            Part::Data { data } => content.push(text_part(&data.to_string())),
            Part::Media { media } => {
                content.push(json!({"type": "input_image", "image_url": image_url(media)?, "detail": "auto"}));
            }
            Part::ToolRequest { tool_request } => calls.push(call(tool_request)),
            Part::ToolResponse { tool_response } => calls.push(json!({
                "type": "function_call_output", "call_id": tool_reference(tool_response),
                "output": text_of_tool_result(tool_response),
            })),
            Part::Pending { .. } => {}
        }
    }
    if !content.is_empty() || calls.is_empty() {
        input.push(json!({"type": "message", "role": role(message.role), "content": said(message.role, content)}));
    }
    input.extend(calls);
    Ok(())
}

fn role(role: Role) -> &'static str {
    match role {
        Role::System => "system",
        Role::User | Role::Tool => "user",
        Role::Model => "assistant",
    }
}

/// What a message says. An earlier answer is one text: parts of it would have to name the stored answer that they are of.
fn said(role: Role, parts: Vec<Value>) -> Value {
    let texts: Option<String> = parts.iter().map(|part| part["text"].as_str()).collect();
    texts.filter(|_| role == Role::Model).map_or_else(|| parts.into(), Value::from)
}

fn text_part(text: &str) -> Value {
    json!({"type": "input_text", "text": text})
}

fn call(call: &Value) -> Value {
    let arguments = call.get("input").map_or_else(|| "{}".to_owned(), Value::to_string);
    json!({"type": "function_call", "call_id": tool_reference(call), "name": call["name"], "arguments": arguments})
}

/// `{name, description, inputSchema}` as a function. Not strict: a strict one wants schemas of a narrower kind. Parameters
/// are demanded also of a tool that takes none.
fn tool(tool: &Value) -> Value {
    let mut function = json!({"type": "function", "name": tool["name"], "strict": false});
    if let Some(description) = tool.get("description") {
        function["description"] = description.clone();
    }
    let schema = tool.get("inputSchema").filter(|schema| !schema.is_null());
    function["parameters"] = schema.cloned().unwrap_or_else(|| json!({"type": "object", "properties": {}}));
    function
}

fn text_format(output: &OutputFormat) -> Option<Value> {
    match &output.schema {
        _ if !output.is_json() => None,
        Some(schema) => Some(json!({"type": "json_schema", "name": "output", "schema": schema})),
        None => Some(json!({"type": "json_object"})),
    }
}
