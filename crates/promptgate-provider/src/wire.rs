//! What the wires have in common: a wire is the words of one API, [`HttpModel`] makes a provider of it.
//!
//! A wire says where a request goes and how it reads there, and reads the reply. A streamed reply is folded back into the
//! whole one first, so that each wire reads one form only.

mod aws_events;
mod call;
mod class;
mod json;
mod parts;
mod refusal;
mod side;
mod sse;
mod stream;

use std::sync::Arc;
use std::time::Duration;

use promptgate_core::answer::{FailureKind, FinishReason, Response};
use promptgate_core::request::{Request, RequestBody, Task};
use promptgate_core::secret::Scrubber;
use serde_json::Value;

use crate::endpoint::Endpoint;
use crate::{BoxFuture, FailedCall, Provider};

pub(crate) use call::{Call, Came, comes_whole};
pub(crate) use json::parsed;
pub(crate) use parts::{Image, image, image_url, may_begin, merged_turns, put, text_of_tool_result, tool_reference};
pub(crate) use refusal::{BASE_URL, error_in, inside, refusal, refused};
pub(crate) use side::{Side, TOLD, numbers, probabilities, short, texts, vectors};
pub(crate) use sse::Event;
pub(crate) use stream::{Fold, Frames, Progress, Stream, cut_short, object_of, taken};

/// The words of one API.
pub(crate) trait Wire: Send + Sync + 'static {
    /// Where a request goes, below the base URL.
    fn path(&self, request: &RequestBody, streamed: bool) -> String;

    /// The JSON to post; the error says which parameter or part cannot be said on this wire.
    fn body(&self, request: &RequestBody, streamed: bool) -> Result<Value, String>;

    /// Reads a whole reply that is JSON and was not refused. Time is not its business.
    fn read(&self, reply: Value, scrubber: &Scrubber) -> Result<Response, FailedCall>;

    /// Folds a stream into a whole reply.
    fn fold(&self) -> Box<dyn Fold>;

    /// How a stream is cut into events.
    fn frames(&self) -> Frames {
        Frames::ServerSent
    }

    /// Whether what is not found is the model, for every request; an application may find nothing for one of them.
    fn has_models(&self) -> bool {
        true
    }

    /// What the API has beside messages.
    fn side(&self, task: Task) -> Option<&'static dyn Side> {
        let _ = task;
        None
    }

    /// Makes the call. A wire that goes through a client of its own has that client build the request.
    fn post<'a>(&'a self, call: Call, body: Value) -> BoxFuture<'a, Result<Came, FailedCall>> {
        Box::pin(call.post(body))
    }
}

/// A provider that speaks a wire.
pub(crate) struct HttpModel<W> {
    pub(crate) wire: W,
    pub(crate) endpoint: Arc<Endpoint>,
    /// Whether answers are streamed, which tells the time to the first token.
    pub(crate) streamed: bool,
}

impl<W: Wire> Provider for HttpModel<W> {
    fn call<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Response, FailedCall>> {
        if request.body.task != Task::Generate {
            return Box::pin(self.call_side(request));
        }
        Box::pin(async move { self.generate(request).await.or_else(held_back) })
    }

    fn serves(&self, task: Task) -> bool {
        task == Task::Generate || self.wire.side(task).is_some()
    }

    fn can_say(&self, request: &RequestBody) -> Result<(), String> {
        self.wire.body(request, self.streamed).map(drop)
    }
}

/// Some services refuse what their filter holds back, others answer with nothing: one outcome for both, since what a prompt
/// is refused for is the prompt's.
fn held_back(failed: FailedCall) -> Result<Response, FailedCall> {
    match failed.failure.kind {
        FailureKind::ContentFilter => Ok(Response {
            finish_reason: FinishReason::ContentFilter,
            usage: failed.usage,
            ..Response::text(String::new())
        }),
        _ => Err(failed),
    }
}

impl<W: Wire> HttpModel<W> {
    async fn generate(&self, request: &Request) -> Result<Response, FailedCall> {
        let wire = &self.wire;
        let unsayable = |reason: String| FailedCall::new(FailureKind::BadRequest, reason);
        let body = wire.body(&request.body, self.streamed).map_err(unsayable)?;
        let call = Call {
            endpoint: self.endpoint.clone(),
            path: wire.path(&request.body, self.streamed),
            timeout: Duration::from_millis(request.timeout_ms),
            stream: self.streamed.then(|| (wire.frames(), wire.fold())),
        };
        let came = wire.post(call, body).await.map_err(|failed| {
            let is_written = failed.failure.kind == FailureKind::Malformed;
            if is_written { failed.untold() } else { self.not_found(failed) }
        })?;
        let began = came.first_token.is_some();
        let response = wire.read(came.reply, self.endpoint.transport.scrubber()).map_err(|failed| {
            // What was written until then is counted in no reply; an answer that broke off may have no count at all.
            let is_written = matches!(failed.failure.kind, FailureKind::Server | FailureKind::Malformed);
            let untold = began || (failed.usage.is_none() && is_written);
            if untold { failed.untold() } else { failed }
        })?;
        Ok(Response {
            latency_ms: Some(milliseconds(came.elapsed)),
            first_token_ms: came.first_token.map(milliseconds),
            ..response
        })
    }

    /// What is not found, and where to look what there is.
    fn not_found(&self, mut failed: FailedCall) -> FailedCall {
        let failure = &mut failed.failure;
        match failure.kind {
            FailureKind::NotFound if !self.wire.has_models() => failure.kind = FailureKind::BadRequest,
            FailureKind::NotFound if !failure.message.contains(BASE_URL) => {
                failure.message.push_str("; `promptgate doctor` tells whether the model and its API are there");
            }
            _ => {}
        }
        failed
    }

    async fn call_side(&self, request: &Request) -> Result<Response, FailedCall> {
        let body = &request.body;
        let unserved = || FailedCall::new(FailureKind::BadRequest, format!("no {} are served", body.task.as_str()));
        let side = self.wire.side(body.task).ok_or_else(unserved)?;
        let timeout = Duration::from_millis(request.timeout_ms);
        let call = Call { endpoint: self.endpoint.clone(), path: side.path(body), timeout, stream: None };
        let json = side.body(body).map_err(|why| FailedCall::new(FailureKind::BadRequest, why))?;
        let came = call.post(json).await.map_err(|failed| self.not_found(failed))?;
        side::not_refused(&came.reply, self.endpoint.transport.scrubber())?;
        Ok(Response { latency_ms: Some(milliseconds(came.elapsed)), ..side.read(body, &came.reply)? })
    }
}

fn milliseconds(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
