//! A request in the words of Converse.

use promptgate_core::message::{Message, Part, Role};
use promptgate_core::request::RequestBody;
use serde_json::{Map, Value, json};

use crate::wire::{Image, image, may_begin, merged_turns, put, tool_reference};

const RESERVED: [&str; 5] = ["modelId", "messages", "system", "inferenceConfig", "additionalModelRequestFields"];

/// Parameters that stand beside the others under their own names.
const BESIDE: [&str; 4] = ["guardrailConfig", "performanceConfig", "serviceTier", TOOLS];

/// Holds the tools, and which of them is to be called.
const TOOLS: &str = "toolConfig";

/// The JSON to post.
pub(super) fn body(request: &RequestBody) -> Result<Value, String> {
    let (system, turns): (Vec<&Message>, Vec<&Message>) =
        request.messages.iter().partition(|message| message.role == Role::System);
    let mut body = Map::new();
    body.insert("messages".to_owned(), merged_turns(turns.into_iter(), block)?.into());
    if !system.is_empty() {
        body.insert("system".to_owned(), system.iter().map(|message| json!({"text": message.joined_text()})).collect());
    }
    let (mut inference, mut additional) = (Map::new(), Map::new());
    for (name, value) in &request.parameters {
        let (into, name) = match name.as_str() {
            "maxOutputTokens" => (&mut inference, "maxTokens"),
            "temperature" | "topP" | "stopSequences" => (&mut inference, name.as_str()),
            "topK" => (&mut additional, "top_k"),
            name if BESIDE.contains(&name) => {
                if name == TOOLS {
                    may_begin(name, value, "tools")?;
                }
                (&mut body, name)
            }
            name if RESERVED.contains(&name) => {
                return Err(format!("the parameter `{name}` cannot be set in `config`"));
            }
            name => (&mut additional, name),
        };
        into.insert(name.to_owned(), value.clone());
    }
    for (key, part) in [("inferenceConfig", inference), ("additionalModelRequestFields", additional)] {
        if !part.is_empty() {
            body.insert(key.to_owned(), part.into());
        }
    }
    if !request.tools.is_empty() {
        let tools: Value = request.tools.iter().map(tool).collect();
        put(&mut body, TOOLS, "tools", tools);
    }
    let output = request.output.as_ref().filter(|output| output.is_json());
    if let Some(schema) = output.and_then(|output| output.schema.as_ref()) {
        // The schema is handed over as a text.
        let structure = json!({"jsonSchema": {"name": "output", "schema": schema.to_string()}});
        body.insert("outputConfig".to_owned(), json!({"textFormat": {"type": "json_schema", "structure": structure}}));
    }
    Ok(body.into())
}

fn block(part: &Part) -> Result<Option<Value>, String> {
    Ok(match part {
        // An empty text is refused there.
        Part::Text { text } if text.is_empty() => None,
        Part::Text { text } => Some(json!({"text": text})),
        Part::Data { data } => Some(json!({"text": data.to_string()})),
        Part::Media { media } => Some(match image(media)? {
            Image::Inline { kind, data } => {
                let format = kind.trim_start_matches("image/");
                json!({"image": {"format": format, "source": {"bytes": data}}})
            }
            Image::Url(_) => return Err("an image for Bedrock is a file or a data URL; it fetches none".to_owned()),
        }),
        Part::ToolRequest { tool_request: call } => {
            let input = call.get("input").filter(|input| input.is_object()).cloned().unwrap_or_else(|| json!({}));
            Some(json!({"toolUse": {"toolUseId": tool_reference(call), "name": call["name"], "input": input}}))
        }
        Part::ToolResponse { tool_response: result } => {
            let content = match &result["output"] {
                Value::String(text) => json!({"text": text}),
                object @ Value::Object(_) => json!({"json": object}),
                other => json!({"text": other.to_string()}),
            };
            Some(json!({"toolResult": {"toolUseId": tool_reference(result), "content": [content]}}))
        }
        Part::Pending { .. } => None,
    })
}

/// `{name, description, inputSchema}` in its words.
fn tool(tool: &Value) -> Value {
    let schema = tool.get("inputSchema").cloned().unwrap_or_else(|| json!({"type": "object"}));
    let mut spec = json!({"name": tool["name"], "inputSchema": {"json": schema}});
    if let Some(description) = tool.get("description") {
        spec["description"] = description.clone();
    }
    json!({"toolSpec": spec})
}
