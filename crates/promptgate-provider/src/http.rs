//! One HTTP exchange under our own clock: what every wire to a model API stands on.
//!
//! Connecting, the first byte, silence between bytes and a reset are infrastructure; a total beyond the model's `timeout`
//! after the first byte is the model's own failure. Bodies are capped, and a part of a body is never handed on. Nothing is
//! retried here, no redirect is followed, no body or header is logged.

mod connect;

use std::pin::pin;
use std::time::Duration;

use ::http::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderValue, USER_AGENT};
use ::http::{Method, Uri};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper_util::client::legacy::{Client, Error};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use promptgate_core::Diagnostic;
use promptgate_core::answer::{Failure, FailureKind};
use promptgate_core::format::project::ProviderSettings;
use promptgate_core::secret::Scrubber;
use serde_json::Value;
use tokio::time::error::Elapsed;
use tokio::time::{Instant, timeout_at};
use url::Url;

use crate::FailedCall;
use crate::wire::{Stream, comes_whole};
use connect::Connector;
pub(crate) use connect::{Proxy, proxy, proxy_secrets};

/// How long each stage of a call may take, and how much may come back.
#[derive(Debug, Clone)]
pub(crate) struct Limits {
    pub(crate) connect: Duration,
    /// None where nobody has set it: then a patient `timeout` of the model is patient here too, since an answer that is not
    /// streamed sends no byte until the model is done.
    pub(crate) first_byte: Option<Duration>,
    pub(crate) idle: Duration,
    /// Silence of a stream before the first piece of the answer, where somebody has set one; else the first byte's counts.
    pub(crate) thinking: Option<Duration>,
    pub(crate) body_bytes: usize,
}

impl Limits {
    /// The limits of a provider, with the defaults for what its settings leave open.
    pub(crate) fn of(settings: &ProviderSettings) -> Self {
        Self {
            connect: settings.connect_timeout.unwrap_or(Duration::from_secs(10)),
            first_byte: settings.first_byte_timeout,
            idle: settings.idle_timeout.unwrap_or(Duration::from_secs(30)),
            thinking: settings.idle_timeout,
            body_bytes: 32 << 20,
        }
    }

    fn first_byte(&self, model_timeout: Duration) -> Duration {
        self.first_byte.unwrap_or_else(|| model_timeout.max(Duration::from_secs(120)))
    }
}

/// How long what follows the end of a streamed answer is waited for.
const AFTER_THE_END: Duration = Duration::from_millis(100);

/// A reply that came in whole, whatever its status.
#[derive(Debug)]
pub(crate) struct Exchange {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    /// When it was sent.
    pub(crate) sent: Instant,
    /// From sending to the last byte.
    pub(crate) elapsed: Duration,
    /// Whether the body went to a stream, so that none is kept here.
    pub(crate) is_streamed: bool,
}

/// A request whose body is in memory, to a whole address.
pub(crate) type Request = ::http::Request<Bytes>;

/// A request for what is at an address. Nothing where that is none.
pub(crate) fn get(url: &str) -> Option<Request> {
    request(Method::GET, url, Bytes::new())
}

/// A request that posts JSON to an address. Nothing where that is none.
pub(crate) fn post(url: &str, body: &Value) -> Option<Request> {
    let mut request = request(Method::POST, url, json(body))?;
    request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Some(request)
}

/// A value as the bytes that are sent.
pub(crate) fn json(value: &Value) -> Bytes {
    // A value has string keys and writes into memory.
    serde_json::to_vec(value).unwrap_or_default().into()
}

fn request(method: Method, url: &str, body: Bytes) -> Option<Request> {
    let mut request = Request::new(body);
    *request.method_mut() = method;
    // What an address may not hold as it is written is encoded.
    *request.uri_mut() = Url::parse(url).ok()?.as_str().parse().ok()?;
    Some(request)
}

/// Sends requests. Clones share one pool of connections.
#[derive(Debug, Clone)]
pub(crate) struct Transport {
    client: Client<Connector, Full<Bytes>>,
    limits: Limits,
    scrubber: Scrubber,
    /// By which way connections are made, as messages say it.
    way: String,
}

impl Transport {
    /// A transport to a place, of its own pool.
    pub(crate) fn new(
        place: &Url,
        limits: Limits,
        scrubber: &Scrubber,
        proxy: Option<Proxy>,
    ) -> Result<Self, Diagnostic> {
        let way =
            proxy.as_ref().map_or_else(String::new, |proxy| format!(" (HTTPS goes through the proxy {})", proxy.named));
        let connector = Connector::new(place, limits.connect, proxy.map(|proxy| proxy.way))?;
        // A connection for each call in flight: over HTTP/2 calls beyond the server's stream limit would wait unseen, and
        // one broken connection would take all of them along. One that was closed before anything went over it is replaced,
        // which is no second attempt.
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(Duration::from_secs(60))
            .build(connector);
        Ok(Self { client, limits, scrubber: scrubber.clone(), way })
    }

    /// Knows the secrets that are sent.
    pub(crate) fn scrubber(&self) -> &Scrubber {
        &self.scrubber
    }

    /// Sends a request and waits for the whole reply. `model_timeout` counts from the first byte. An answer goes to the
    /// stream as it comes, where there is one; a refusal, and an answer that is no stream all the same, comes back whole.
    pub(crate) async fn send(
        &self,
        mut request: Request,
        model_timeout: Duration,
        stream: Option<&mut Stream>,
    ) -> Result<Exchange, FailedCall> {
        let sent = Instant::now();
        let uri = request.uri().clone();
        let host = uri.host().unwrap_or(NAMELESS);
        let headers = request.headers_mut();
        headers.insert(USER_AGENT, HeaderValue::from_static(concat!("promptgate/", env!("CARGO_PKG_VERSION"))));
        headers.entry(ACCEPT).or_insert(HeaderValue::from_static("*/*"));
        let first_byte = self.limits.first_byte(model_timeout);
        let (reply, _) = by(sent + first_byte, self.client.request(request.map(Full::new))).await;
        let reply = match reply {
            Ok(Ok(reply)) => reply,
            Ok(Err(error)) if error.is_connect() => return Err(self.unreached(&uri, &error).into()),
            Ok(Err(error)) => {
                return Err(FailedCall::from(self.broken(&named(uri.host(), uri.port_u16()), &error)).untold());
            }
            Err(_) => return Err(FailedCall::from(silent(host, "sent nothing", first_byte)).untold()),
        };
        let (head, body) = reply.into_parts();
        let (status, headers) = (head.status, head.headers);
        let stream = stream.filter(|_| status.is_success() && !comes_whole(&headers));
        let is_streamed = stream.is_some();
        let body = self.body(body, host, model_timeout, stream).await;
        // A refusal took nothing, even where it broke off.
        let body = body.map_err(|failed| if status.is_success() { failed.untold() } else { failed })?;
        Ok(Exchange { status: status.as_u16(), headers, body, sent, elapsed: sent.elapsed(), is_streamed })
    }

    async fn body(
        &self,
        mut incoming: Incoming,
        host: &str,
        model_timeout: Duration,
        mut stream: Option<&mut Stream>,
    ) -> Result<Vec<u8>, FailedCall> {
        let mut deadline = Instant::now() + model_timeout;
        let mut has_stood_still = false;
        let mut body = Vec::new();
        let mut taken = 0;
        loop {
            // What follows the end of an answer only lets the connection be used again; it is not waited for.
            let is_done = stream.as_ref().is_some_and(|stream| stream.is_done());
            // A model that thinks before its first word is as silent as one that sends no header before it is done.
            let thinks = stream.as_ref().map_or(taken == 0, |stream| !stream.has_begun());
            let patience = match () {
                () if is_done => AFTER_THE_END,
                () if thinks => self.limits.thinking.unwrap_or_else(|| self.limits.first_byte(model_timeout)),
                () => self.limits.idle,
            };
            let since = Instant::now();
            let (silence, is_last) = (since + patience, deadline <= since + patience);
            let limit = patience.min(deadline.saturating_duration_since(since));
            let (came, lost) = by(silence.min(deadline), chunk(&mut incoming)).await;
            deadline += lost;
            has_stood_still |= !lost.is_zero();
            let chunk = match came {
                Ok(Ok(Some(chunk))) => chunk,
                Ok(Ok(None)) => return Ok(body),
                _ if is_done => return Ok(body),
                Ok(Err(error)) => return Err(self.broken(host, &error).into()),
                // Whoever said nothing for so long is not known to be at work.
                Err(_) if thinks && limit >= self.limits.idle => {
                    return Err(silent(host, "fell silent", limit).into());
                }
                // Who was not there for all of it cannot say that the model took so long.
                Err(_) if is_last && has_stood_still => return Err(stood_still(host).into()),
                Err(_) if is_last => return Err(too_slow(model_timeout).into()),
                Err(_) => return Err(silent(host, "fell silent", patience).into()),
            };
            taken += chunk.len();
            if taken > self.limits.body_bytes {
                let message = format!("{host} sent more than {} MB", self.limits.body_bytes >> 20);
                return Err(FailedCall::new(FailureKind::Server, message));
            }
            match &mut stream {
                Some(stream) => stream.take(&chunk)?,
                None => body.extend_from_slice(&chunk),
            }
        }
    }

    fn unreached(&self, uri: &Uri, error: &Error) -> Failure {
        let (place, cause) = (named(uri.host(), uri.port_u16()), cause(error));
        self.connection(&format!("cannot connect to {place}{}: {cause}{}", self.way, guess(&cause)))
    }

    fn broken(&self, place: &str, error: &dyn std::error::Error) -> Failure {
        self.connection(&format!("the connection broke off: {place}: {}", cause(error)))
    }

    fn connection(&self, message: &str) -> Failure {
        Failure::new(FailureKind::Connection, self.scrubber.scrub(message))
    }
}

/// The next piece of a body; nothing at its end.
async fn chunk(body: &mut Incoming) -> Result<Option<Bytes>, hyper::Error> {
    while let Some(frame) = body.frame().await {
        // What is no data is a trailer.
        if let Ok(data) = frame?.into_data() {
            return Ok(Some(data));
        }
    }
    Ok(None)
}

/// Whom messages mean where an address names no host.
const NAMELESS: &str = "the provider";

/// Host and port, the port only where it is not the usual one.
fn named(host: Option<&str>, port: Option<u16>) -> String {
    let host = host.unwrap_or(NAMELESS);
    port.map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// What a cause that says little mostly comes from.
fn guess(cause: &str) -> &'static str {
    match cause {
        _ if cause.contains("tunnel error: unsuccessful") => "; it answered, and does not lead there",
        _ if cause.contains("proxy authorization required") => "; name it as `http://user:password@host:port`",
        _ if cause.contains("InvalidContentType") => "; does it speak http, not https?",
        _ if cause.contains("certificate expired") => "; or this machine's clock is wrong",
        _ if cause.contains("not valid for name") => "; is the address right?",
        _ if cause.contains("UnknownIssuer") => {
            "; nobody whom this machine trusts has signed it: SSL_CERT_FILE names a file of others"
        }
        _ => "",
    }
}

fn silent(host: &str, what: &str, limit: Duration) -> Failure {
    let limit = if limit.as_secs() > 0 { Duration::from_secs(limit.as_secs()) } else { limit };
    Failure::new(FailureKind::Connection, format!("{host} {what} for {limit:?}"))
}

/// A timer that goes off so much later than it was set for was not late on its own.
const JUMP: Duration = Duration::from_secs(1);

/// Whether this process or its machine stood still when a time limit ran out, so that whoever had to keep it may have had
/// no time at all.
pub(crate) fn overslept(deadline: Instant) -> bool {
    deadline.elapsed() > JUMP
}

/// How often it is looked whether this process stood still.
const TICK: Duration = Duration::from_secs(1);

/// How long what came meanwhile is looked for at least once this process runs again: others of its tasks have to hand it on.
const CATCH_UP: Duration = Duration::from_secs(1);

/// What a future comes to before a deadline, and by how much that was put off: time in which this process or its machine stood
/// still is not counted.
async fn by<T>(deadline: Instant, future: impl Future<Output = T>) -> (Result<T, Elapsed>, Duration) {
    let mut future = pin!(future);
    let mut until = deadline;
    loop {
        let tick = until.min(Instant::now() + TICK);
        match timeout_at(tick, future.as_mut()).await {
            Err(_) if overslept(tick) => until = (until + tick.elapsed()).max(Instant::now() + CATCH_UP),
            Err(_) if tick < until => {}
            came => return (came, until - deadline),
        }
    }
}

fn stood_still(host: &str) -> Failure {
    let message = format!("the answer of {host} was cut off, since this machine stood still");
    Failure::new(FailureKind::Connection, message)
}

fn too_slow(limit: Duration) -> Failure {
    Failure::new(FailureKind::ModelTimeout, format!("the model took longer than its timeout of {limit:?}"))
}

/// The innermost cause: what the outer layers say ("error sending request for url") helps nobody, and names the URL.
fn cause(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    let said = innermost.to_string();
    // The seconds since 1970 of an expired certificate help nobody.
    said.split(": verification time").next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use std::task::Poll;

    use futures_util::poll;
    use tokio::sync::oneshot;
    use tokio::time::{advance, sleep};

    use super::*;

    /// B-3: suspended time is not counted.
    #[tokio::test(start_paused = true)]
    async fn what_came_while_this_process_stood_still_is_taken() {
        let (send, sent) = oneshot::channel();
        let mut reply = pin!(by(Instant::now() + Duration::from_secs(2), sent));
        assert!(poll!(reply.as_mut()).is_pending());
        for _ in 0..2 {
            advance(Duration::from_secs(4)).await;
            assert!(poll!(reply.as_mut()).is_pending(), "the task that hands it on has not run yet");
        }
        send.send("here").unwrap();
        assert!(matches!(poll!(reply.as_mut()), Poll::Ready((Ok(Ok("here")), _))));
    }

    #[tokio::test(start_paused = true)]
    async fn a_limit_is_put_off_by_the_time_that_this_process_stood_still() {
        let (started, limit) = (Instant::now(), Duration::from_secs(60));
        let mut reply = pin!(by(started + limit, sleep(Duration::from_secs(600))));
        assert!(poll!(reply.as_mut()).is_pending());
        // It runs again shortly before the limit, and there is nearly as much time as before.
        advance(Duration::from_millis(59_500)).await;
        let (came, lost) = reply.await;
        assert!(came.is_err() && lost > Duration::from_secs(58), "{lost:?}");
        assert!(started.elapsed() > Duration::from_secs(118), "{:?}", started.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn what_does_not_come_is_waited_for_until_its_limit_and_little_longer() {
        let (started, limit) = (Instant::now(), Duration::from_secs(2));
        let (came, lost) = by(started + limit, sleep(Duration::from_secs(60))).await;
        assert!(came.is_err() && lost.is_zero());
        assert!(started.elapsed() < limit + Duration::from_millis(10));
    }
}
