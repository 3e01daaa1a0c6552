//! One call of a wire: sends a request once, and turns everything but an answer into a failure.

use std::sync::Arc;
use std::time::Duration;

use ::http::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue};
use promptgate_core::answer::FailureKind;
use serde_json::Value;

use super::refusal;
use super::stream::{Fold, Frames, Stream};
use crate::FailedCall;
use crate::endpoint::Endpoint;
use crate::http::{self, Request};

/// A call that is about to be made.
pub(crate) struct Call {
    pub(crate) endpoint: Arc<Endpoint>,
    /// Below the base URL.
    pub(crate) path: String,
    /// How long the model may take after the first byte.
    pub(crate) timeout: Duration,
    /// How a stream is read; nothing where the reply comes whole.
    pub(crate) stream: Option<(Frames, Box<dyn Fold>)>,
}

/// What came back: a whole reply, and when.
#[derive(Debug)]
pub(crate) struct Came {
    pub(crate) reply: Value,
    /// From sending to the last byte, or to the end of a streamed answer.
    pub(crate) elapsed: Duration,
    /// From sending to the first piece of the answer, where that was streamed.
    pub(crate) first_token: Option<Duration>,
}

impl Call {
    /// Posts JSON to the path.
    pub(crate) async fn post(self, body: Value) -> Result<Came, FailedCall> {
        let unbuilt = || FailedCall::new(FailureKind::BadRequest, "the request cannot be built");
        let query = self.endpoint.query.map_or_else(String::new, |(name, value)| format!("?{name}={value}"));
        let url = format!("{}{}{query}", self.endpoint.base, self.path);
        self.send(http::post(&url, &body).ok_or_else(unbuilt)?).await
    }

    /// Sends a request that somebody else has built.
    pub(crate) async fn send(self, mut request: Request) -> Result<Came, FailedCall> {
        let endpoint = self.endpoint;
        if let Some((frames, _)) = &self.stream {
            request.headers_mut().insert(ACCEPT, HeaderValue::from_static(frames.content_type()));
        }
        endpoint.authorise(&mut request).await?;
        let mut stream = self.stream.map(|(frames, fold)| Stream::new(frames, fold));
        let exchange = endpoint.transport.send(request, self.timeout, stream.as_mut()).await?;
        let (now, scrubber) = (endpoint.clock.now_ms(), endpoint.transport.scrubber());
        if exchange.is_streamed
            && let Some(stream) = stream
        {
            let first_token = stream.first_token(exchange.sent);
            let elapsed = stream.took(exchange.sent).unwrap_or(exchange.elapsed);
            let reply = stream.finish().map_err(FailedCall::untold)?;
            return Ok(Came { reply, elapsed, first_token });
        }
        let reply = refusal::check(&exchange, now, scrubber).map_err(|failed| endpoint.explained(failed))?;
        Ok(Came { reply, elapsed: exchange.elapsed, first_token: None })
    }
}

/// Whether a reply is JSON or a web page by its own account, though a stream was asked for.
pub(crate) fn comes_whole(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    ["application/json", "text/html"].iter().any(|whole| kind.starts_with(whole))
}
