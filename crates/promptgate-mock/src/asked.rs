//! What a request asks for, read from whatever wire it came over.

use serde_json::Value;

use crate::server::Received;
use crate::wire::Wire;

/// What a request asks for.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked {
    /// The wire it came over.
    pub wire: Wire,
    /// The model asked for.
    pub model: String,
    /// Whether the answer is to be streamed.
    pub streamed: bool,
    /// Whether a stream ends with what it took.
    pub with_usage: bool,
    /// The text of the last user message.
    pub input: String,
    /// All texts of the request, for counting.
    pub everything: String,
    /// Names of the tools offered.
    pub tools: Vec<String>,
    /// Of how many first tokens the probabilities are asked for.
    pub probabilities: usize,
}

impl Asked {
    /// Reads a request; nothing where the path belongs to no wire.
    pub fn of(received: &Received) -> Option<Self> {
        let (wire, model_in_path, streamed_in_path) = Wire::of(&received.method, &received.path)?;
        let body = received.json();
        let mut everything = String::new();
        texts(&body, &mut everything);
        Some(Self {
            wire,
            model: model_in_path.or_else(|| body["model"].as_str().map(str::to_owned)).unwrap_or_default(),
            streamed: streamed_in_path || body["stream"] == true,
            with_usage: wire != Wire::Chat || body["stream_options"]["include_usage"] == true,
            input: match wire {
                Wire::Embeddings | Wire::Moderations => inputs(&body["input"]).join(SEPARATOR),
                Wire::BatchEmbedContents => contents(&body["requests"]).join(SEPARATOR),
                Wire::EmbedContent => text_of(&body["content"]),
                _ => last_user_text(&body),
            },
            tools: tool_names(&body),
            probabilities: probabilities(wire, &body),
            everything,
        })
    }
}

/// Of how many first tokens the probabilities are asked for: as many as named, or the chosen one.
fn probabilities(wire: Wire, body: &Value) -> usize {
    let (wanted, count) = match wire {
        Wire::Chat => (body["logprobs"] == true, &body["top_logprobs"]),
        Wire::Responses => {
            let is_included = |all: &Vec<Value>| all.iter().any(|each| each == "message.output_text.logprobs");
            (body["include"].as_array().is_some_and(is_included), &body["top_logprobs"])
        }
        Wire::GenerateContent => {
            let generation = &body["generationConfig"];
            (generation["responseLogprobs"] == true, &generation["logprobs"])
        }
        _ => return 0,
    };
    if wanted { count.as_u64().unwrap_or_default().max(1) as usize } else { 0 }
}

/// The texts of a batch of Gemini.
fn contents(requests: &Value) -> Vec<String> {
    requests.as_array().into_iter().flatten().map(|request| text_of(&request["content"])).collect()
}

/// Where the wires keep their turns.
const TURNS: [&str; 3] = ["messages", "contents", "input"];

/// What stands between the texts of a request that has several.
pub(crate) const SEPARATOR: &str = "\u{1e}";

/// The texts to embed or to moderate.
fn inputs(input: &Value) -> Vec<&str> {
    match input {
        Value::Array(items) => {
            items.iter().map(|item| item.as_str().or(item["text"].as_str()).unwrap_or_default()).collect()
        }
        single => vec![single.as_str().unwrap_or_default()],
    }
}

fn last_user_text(body: &Value) -> String {
    let turns = TURNS.iter().find_map(|key| body.get(*key));
    match turns {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(turns)) => {
            let is_user = |turn: &&Value| turn["role"].as_str().is_none_or(|role| role == "user");
            turns.iter().rev().find(is_user).map(text_of).unwrap_or_default()
        }
        _ => String::new(),
    }
}

fn text_of(turn: &Value) -> String {
    let content = turn.get("content").or_else(|| turn.get("parts")).unwrap_or(turn);
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => parts.iter().filter_map(|part| part["text"].as_str().or(part.as_str())).collect(),
        _ => String::new(),
    }
}

fn tool_names(body: &Value) -> Vec<String> {
    let tools = body.get("tools").or_else(|| body["toolConfig"].get("tools")).and_then(Value::as_array);
    let nested = |tool: &Value| -> Vec<String> {
        let declared = tool["functionDeclarations"].as_array().cloned().unwrap_or_default();
        let single = [&tool["function"], &tool["toolSpec"], tool];
        let names = single.into_iter().chain(&declared).filter_map(|each| each["name"].as_str());
        names.map(str::to_owned).collect()
    };
    tools.into_iter().flatten().flat_map(nested).collect()
}

/// Adds every text below a value, images left out.
fn texts(value: &Value, into: &mut String) {
    match value {
        Value::String(text) if !text.starts_with("data:") => {
            into.push_str(text);
            into.push('\n');
        }
        Value::Array(items) => items.iter().for_each(|item| texts(item, into)),
        Value::Object(map) => map.values().for_each(|item| texts(item, into)),
        _ => {}
    }
}
