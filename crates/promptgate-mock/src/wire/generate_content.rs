//! generateContent of Gemini.

use serde_json::{Value, json};

use super::sse;
use crate::said::{Finish, Likely, Said, Tokens};

pub(super) fn whole(said: &Said) -> Value {
    let mut parts: Vec<Value> = (!said.text.is_empty()).then(|| json!({"text": said.text})).into_iter().collect();
    parts.extend(calls(said));
    let mut answer = answer(said, parts, Some(finish(said.finish)));
    if let Some(chosen) = said.likely.first() {
        let all: Vec<Value> = said.likely.iter().map(likely).collect();
        let told = json!({"topCandidates": [{"candidates": all}], "chosenCandidates": [likely(chosen)]});
        answer["candidates"][0]["logprobsResult"] = told;
    }
    answer
}

fn likely(likely: &Likely) -> Value {
    json!({"token": likely.token, "tokenId": 1, "logProbability": likely.logprob()})
}

fn calls(said: &Said) -> impl Iterator<Item = Value> {
    said.calls.iter().map(|called| json!({"functionCall": {"name": called.name, "args": called.arguments}}))
}

fn answer(said: &Said, parts: Vec<Value>, finish: Option<&str>) -> Value {
    let mut candidate = json!({"content": {"parts": parts, "role": "model"}, "index": 0});
    if let Some(finish) = finish {
        candidate["finishReason"] = finish.into();
    }
    json!({
        "candidates": [candidate], "usageMetadata": usage(&said.tokens), "modelVersion": said.model,
        "responseId": "mock",
    })
}

fn usage(tokens: &Tokens) -> Value {
    json!({
        "promptTokenCount": tokens.input, "cachedContentTokenCount": tokens.cached,
        "candidatesTokenCount": tokens.output - tokens.reasoning, "thoughtsTokenCount": tokens.reasoning,
        "totalTokenCount": tokens.total(),
    })
}

/// Calls of tools end with STOP here.
fn finish(finish: Finish) -> &'static str {
    match finish {
        Finish::Stop | Finish::ToolCalls => "STOP",
        Finish::Length => "MAX_TOKENS",
        Finish::ContentFilter | Finish::Refusal => "SAFETY",
    }
}

pub(super) fn streamed(said: &Said) -> Vec<String> {
    let mut events: Vec<String> =
        said.words().into_iter().map(|word| sse(None, &answer(said, vec![json!({"text": word})], None))).collect();
    events.extend(calls(said).map(|call| sse(None, &answer(said, vec![call], None))));
    events.push(sse(None, &answer(said, vec![json!({"text": ""})], Some(finish(said.finish)))));
    events
}
