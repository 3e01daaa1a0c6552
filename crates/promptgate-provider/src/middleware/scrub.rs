//! Takes secrets out of everything a provider hands on. Servers repeat what they were sent, and what is graded, recorded,
//! cut and logged afterwards must be one and the same text, so this happens before any of it.

use promptgate_core::answer::{FinishReason, Response, ToolCall, TraceStep};
use promptgate_core::request::Request;
use promptgate_core::secret::{SCRUBBED, Scrubber};
use serde_json::Value;

use crate::{BoxFuture, FailedCall, Provider};

/// A provider whose answers and failures hold no known secret.
pub(crate) struct Scrubbed<P> {
    pub(crate) inner: P,
    pub(crate) scrubber: Scrubber,
}

impl<P: Provider> Provider for Scrubbed<P> {
    fn call<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Response, FailedCall>> {
        Box::pin(async move {
            let scrub = |text: String| scrubbed(text, &self.scrubber);
            match self.inner.call(request).await {
                Ok(response) => Ok(Response {
                    output: scrub(response.output),
                    tool_calls: response.tool_calls.into_iter().map(|call| tool_call(call, &self.scrubber)).collect(),
                    steps: response.steps.into_iter().map(|step| trace_step(step, &self.scrubber)).collect(),
                    finish_reason: finish_reason(response.finish_reason, &self.scrubber),
                    returned_model: response.returned_model.map(scrub),
                    ..response
                }),
                Err(mut failed) => {
                    failed.failure.message = scrub(failed.failure.message);
                    Err(failed)
                }
            }
        })
    }
}

fn scrubbed(text: String, scrubber: &Scrubber) -> String {
    match scrubber.scrub(&text) {
        std::borrow::Cow::Borrowed(_) => text,
        std::borrow::Cow::Owned(clean) => clean,
    }
}

fn tool_call(call: ToolCall, scrubber: &Scrubber) -> ToolCall {
    ToolCall {
        name: scrubbed(call.name, scrubber),
        arguments: scrubbed_json(call.arguments, scrubber),
        id: call.id.map(|id| scrubbed(id, scrubber)),
    }
}

fn trace_step(step: TraceStep, scrubber: &Scrubber) -> TraceStep {
    let text = |text: String| scrubbed(text, scrubber);
    TraceStep {
        kind: text(step.kind),
        name: step.name.map(text),
        input: scrubbed_json(step.input, scrubber),
        output: scrubbed_json(step.output, scrubber),
        duration_ms: step.duration_ms,
        error: step.error.map(text),
    }
}

fn finish_reason(reason: FinishReason, scrubber: &Scrubber) -> FinishReason {
    match reason {
        FinishReason::Other(word) => FinishReason::Other(scrubbed(word, scrubber)),
        known => known,
    }
}

/// Keys and texts at any depth, and a number that is a secret.
pub(crate) fn scrubbed_json(value: Value, scrubber: &Scrubber) -> Value {
    let nested = |each: Value| scrubbed_json(each, scrubber);
    match value {
        Value::String(text) => scrubbed(text, scrubber).into(),
        Value::Number(number) if scrubber.finds(&number.to_string()) => SCRUBBED.into(),
        Value::Array(items) => items.into_iter().map(nested).collect(),
        Value::Object(map) => map.into_iter().map(|(key, each)| (scrubbed(key, scrubber), nested(each))).collect(),
        other => other,
    }
}
