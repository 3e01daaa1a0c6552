//! A request in the words of Chat Completions.

use promptgate_core::message::{Message, Part, Role};
use promptgate_core::request::{OutputFormat, RequestBody};
use serde_json::{Map, Value, json};

use crate::openai::is_reserved;
use crate::wire::{image_url, text_of_tool_result, tool_reference};

/// How servers of this shape differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Dialect {
    /// What the limit of an answer is called: OpenAI refuses `max_tokens` for newer models; the servers that speak its
    /// dialect know that name, not all of them the other.
    pub(crate) max_tokens: &'static str,
    /// What the seed is called.
    pub(crate) seed: &'static str,
    /// Whether `stream_options` may be sent.
    pub(crate) stream_options: bool,
    /// Whether a schema may be asked for; else JSON of any shape is.
    pub(crate) schema: bool,
}

impl Dialect {
    /// What most servers understand.
    pub(crate) const COMMON: Self = Self { max_tokens: "max_tokens", seed: "seed", stream_options: true, schema: true };

    /// OpenAI's own.
    pub(crate) const OPENAI: Self = Self { max_tokens: "max_completion_tokens", ..Self::COMMON };

    /// The same for one model: whoever passes requests on to a reasoning model of OpenAI's takes its name for the limit,
    /// since the model refuses the other.
    fn of_model(self, model: &str) -> Self {
        let name = model.rsplit('/').next().unwrap_or(model);
        let name = name.strip_prefix("ft:").unwrap_or(name);
        if is_reasoning(name) { Self { max_tokens: Self::OPENAI.max_tokens, ..self } } else { self }
    }
}

/// Whether a model of OpenAI's is one that reasons, by its name: `o1` and those after it, `gpt-5` and those after it.
fn is_reasoning(name: &str) -> bool {
    let number_of = |family: &str| {
        let rest = name.strip_prefix(family)?;
        let (number, rest) = rest.split_at(rest.bytes().take_while(u8::is_ascii_digit).count());
        let number: u32 = number.parse().ok()?;
        (rest.is_empty() || rest.starts_with(['-', '.', ':'])).then_some(number)
    };
    // 3.5 and 4.1 are 35 and 41 where a name may hold no dot (Azure).
    let is_late = |number| number >= 5 && !(30..50).contains(&number);
    number_of("o").is_some_and(|number| number >= 1) || number_of("gpt-").is_some_and(is_late)
}

/// The JSON to post.
pub(super) fn body(request: &RequestBody, dialect: &Dialect, streamed: bool) -> Result<Value, String> {
    let mut body = Map::new();
    body.insert("model".to_owned(), Value::from(&*request.model.model));
    let mut messages = Vec::new();
    for message in &request.messages {
        push(message, &mut messages)?;
    }
    body.insert("messages".to_owned(), messages.into());
    body.insert("stream".to_owned(), streamed.into());
    if streamed && dialect.stream_options {
        body.insert("stream_options".to_owned(), json!({"include_usage": true}));
    }
    let dialect = &dialect.of_model(&request.model.model);
    for (name, value) in &request.parameters {
        body.insert(parameter(name, dialect)?.to_owned(), value.clone());
    }
    if !request.tools.is_empty() {
        body.insert("tools".to_owned(), request.tools.iter().map(tool).collect());
    }
    if let Some(format) = request.output.as_ref().and_then(|output| response_format(output, dialect)) {
        body.insert("response_format".to_owned(), format);
    }
    Ok(body.into())
}

fn parameter<'a>(name: &'a str, dialect: &Dialect) -> Result<&'a str, String> {
    Ok(match name {
        "maxOutputTokens" => dialect.max_tokens,
        "seed" => dialect.seed,
        "topP" => "top_p",
        "topK" => "top_k",
        "stopSequences" => "stop",
        "n" => return Err("the parameter `n` is not supported; ask for repeats with `trials`".to_owned()),
        _ if is_reserved(name) => return Err(format!("the parameter `{name}` cannot be set in `config`")),
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
    if let [Part::Text { text }] = parts {
        return Ok(Value::from(&**text));
    }
    let mut sent = Vec::new();
    for part in parts {
        match part {
            Part::Text { text } => sent.push(json!({"type": "text", "text": text})),
            Part::Data { data } => sent.push(json!({"type": "text", "text": data.to_string()})),
            Part::Media { media } => sent.push(json!({"type": "image_url", "image_url": {"url": image_url(media)?}})),
            Part::ToolRequest { .. } | Part::ToolResponse { .. } | Part::Pending { .. } => {}
        }
    }
    match sent.as_slice() {
        [only] if only["type"] == "text" => Ok(only["text"].clone()),
        _ => Ok(sent.into()),
    }
}

/// An earlier call by the model.
fn tool_request(part: &Part) -> Option<Value> {
    let Part::ToolRequest { tool_request: call } = part else { return None };
    let input = call.get("input").map_or_else(|| "{}".to_owned(), Value::to_string);
    let function = json!({"name": call["name"], "arguments": input});
    Some(json!({"id": tool_reference(call), "type": "function", "function": function}))
}

fn tool_result(result: &Value) -> Value {
    json!({"role": "tool", "tool_call_id": tool_reference(result), "content": text_of_tool_result(result)})
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

fn response_format(output: &OutputFormat, dialect: &Dialect) -> Option<Value> {
    match &output.schema {
        _ if !output.is_json() => None,
        Some(schema) if dialect.schema => {
            Some(json!({"type": "json_schema", "json_schema": {"name": "output", "schema": schema}}))
        }
        _ => Some(json!({"type": "json_object"})),
    }
}
