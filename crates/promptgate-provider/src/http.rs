//! One HTTP exchange under our own clock: what every wire to a model API stands on.
//!
//! Connecting, the first byte, silence between bytes and a reset are infrastructure; a total beyond the model's `timeout`
//! after the first byte is the model's own failure. Bodies are capped, and a part of a body is never handed on. Nothing is
//! retried here, no redirect is followed, no body or header is logged.

use std::sync::Once;
use std::time::Duration;

use promptgate_core::Diagnostic;
use promptgate_core::answer::{Failure, FailureKind};
use promptgate_core::format::project::ProviderSettings;
use promptgate_core::secret::{Scrubber, Secret};
use reqwest::header::HeaderMap;
use tokio::time::{Instant, timeout, timeout_at};

use crate::FailedCall;
use crate::wire::{Stream, comes_whole};

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

/// Sends requests. Clones share one pool of connections.
#[derive(Debug, Clone)]
pub(crate) struct Transport {
    client: reqwest::Client,
    limits: Limits,
    scrubber: Scrubber,
    /// By which way connections are made, as messages say it.
    way: String,
}

impl Transport {
    /// A transport to a place, of its own pool. `proxy` tunnels HTTPS; plain HTTP never takes one, since it would read the
    /// key.
    pub(crate) fn new(
        place: &reqwest::Url,
        limits: Limits,
        scrubber: &Scrubber,
        proxy: Option<Proxy>,
    ) -> Result<Self, Diagnostic> {
        install_tls();
        let builder = reqwest::Client::builder()
            .user_agent(concat!("promptgate/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            // Not even the copy of a request that could be sent again is made: retries live in one place.
            .retry(reqwest::retry::never().max_retries_per_request(0))
            .connect_timeout(limits.connect)
            // A connection for each call in flight: over HTTP/2 calls beyond the server's stream limit would wait unseen,
            // and one broken connection would take all of them along.
            .http1_only()
            .pool_max_idle_per_host(usize::MAX)
            .pool_idle_timeout(Duration::from_secs(60))
            .tcp_keepalive(Duration::from_secs(30))
            .no_proxy();
        let way =
            proxy.as_ref().map_or_else(String::new, |proxy| format!(" (HTTPS goes through the proxy {})", proxy.named));
        let builder = proxy.into_iter().map(|proxy| proxy.proxy).fold(builder, reqwest::ClientBuilder::proxy);
        // Plain HTTP asks nobody whom this machine trusts, and no redirect leads elsewhere; reading that takes a while.
        let builder = if place.scheme() == "http" { builder.tls_certs_only([]) } else { builder };
        let client = builder.build().map_err(|error| {
            let message = format!("cannot set up HTTPS: {}", cause(&error));
            Diagnostic::new(message).help("install the system's CA certificates (package `ca-certificates`)")
        })?;
        Ok(Self { client, limits, scrubber: scrubber.clone(), way })
    }

    /// The client that requests are built with.
    pub(crate) fn client(&self) -> &reqwest::Client {
        &self.client
    }

    /// Knows the secrets that are sent.
    pub(crate) fn scrubber(&self) -> &Scrubber {
        &self.scrubber
    }

    /// Sends a request and waits for the whole reply. `model_timeout` counts from the first byte. An answer goes to the
    /// stream as it comes, where there is one; a refusal, and an answer that is no stream all the same, comes back whole.
    pub(crate) async fn send(
        &self,
        request: reqwest::Request,
        model_timeout: Duration,
        stream: Option<&mut Stream>,
    ) -> Result<Exchange, FailedCall> {
        let sent = Instant::now();
        let host = request.url().host_str().unwrap_or("the provider").to_owned();
        let place = named(request.url());
        let first_byte = self.limits.first_byte(model_timeout);
        let mut head = match timeout(first_byte, self.client.execute(request)).await {
            Ok(Ok(head)) => head,
            Ok(Err(error)) if error.is_connect() => return Err(self.broken(&place, &error).into()),
            Ok(Err(error)) => return Err(FailedCall::from(self.broken(&place, &error)).untold()),
            Err(_) => return Err(FailedCall::from(silent(&host, "sent nothing", first_byte)).untold()),
        };
        // The body is read without them.
        let (status, headers) = (head.status().as_u16(), std::mem::take(head.headers_mut()));
        let stream = stream.filter(|_| head.status().is_success() && !comes_whole(&headers));
        let is_streamed = stream.is_some();
        let is_success = head.status().is_success();
        let body = self.body(head, &host, model_timeout, stream).await;
        // A refusal took nothing, even where it broke off.
        let body = body.map_err(|failed| if is_success { failed.untold() } else { failed })?;
        Ok(Exchange { status, headers, body, sent, elapsed: sent.elapsed(), is_streamed })
    }

    async fn body(
        &self,
        mut head: reqwest::Response,
        host: &str,
        model_timeout: Duration,
        mut stream: Option<&mut Stream>,
    ) -> Result<Vec<u8>, FailedCall> {
        let deadline = Instant::now() + model_timeout;
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
            let silence = since + patience;
            let chunk = match timeout_at(silence.min(deadline), head.chunk()).await {
                Ok(Ok(Some(chunk))) => chunk,
                Ok(Ok(None)) => return Ok(body),
                _ if is_done => return Ok(body),
                Ok(Err(error)) => return Err(self.broken(host, &error).into()),
                // Whoever said nothing for so long is not known to be at work.
                Err(_) if thinks && since.elapsed() >= self.limits.idle => {
                    return Err(silent(host, "fell silent", patience.min(deadline - since)).into());
                }
                Err(_) if deadline <= silence && overslept(deadline) => return Err(stood_still(host).into()),
                Err(_) if deadline <= silence => return Err(too_slow(model_timeout).into()),
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

    fn broken(&self, host: &str, error: &reqwest::Error) -> Failure {
        let cause = cause(error);
        let message = match error.is_connect() {
            true => format!("cannot connect to {host}{}: {cause}{}", self.way, guess(&cause)),
            false => format!("the connection broke off: {host}: {cause}"),
        };
        Failure::new(FailureKind::Connection, self.scrubber.scrub(&message))
    }
}

/// Host and port, the port only where it is not the usual one.
fn named(url: &reqwest::Url) -> String {
    let host = url.host_str().unwrap_or("the provider");
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// What a cause that says little mostly comes from.
fn guess(cause: &str) -> &'static str {
    match cause {
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

fn stood_still(host: &str) -> Failure {
    let message = format!("the answer of {host} was cut off, since this machine stood still");
    Failure::new(FailureKind::Connection, message)
}

fn too_slow(limit: Duration) -> Failure {
    Failure::new(FailureKind::ModelTimeout, format!("the model took longer than its timeout of {limit:?}"))
}

/// The innermost cause: what the outer layers say ("error sending request for url") helps nobody, and names the URL.
fn cause(error: &reqwest::Error) -> String {
    let mut innermost: &dyn std::error::Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    let said = innermost.to_string();
    // The seconds since 1970 of an expired certificate help nobody.
    said.split(": verification time").next().unwrap_or_default().to_owned()
}

/// rustls wants exactly one cryptography provider for the process. Ours is ring; one that is there already stays.
fn install_tls() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
}

/// A proxy, and what it is called in messages.
pub(crate) struct Proxy {
    proxy: reqwest::Proxy,
    named: String,
}

/// The proxy that the environment names for HTTPS, its credentials learnt as secrets.
pub(crate) fn proxy(
    environment: &dyn Fn(&str) -> Option<String>,
    scrubber: &Scrubber,
) -> Result<Option<Proxy>, Diagnostic> {
    let set = |name: &&str| environment(name).filter(|value| !value.is_empty()).map(|value| (name.to_string(), value));
    let Some((name, url)) = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"].iter().find_map(set) else {
        return Ok(None);
    };
    let unusable =
        || Diagnostic::new(format!("`{name}` is not the URL of a proxy")).help("expected `http://host:port`");
    let parsed = reqwest::Url::parse(&url).map_err(|_| unusable())?;
    if let Some(password) = parsed.password() {
        scrubber.learn(&Secret::new(password));
    }
    let exceptions = ["NO_PROXY", "no_proxy"].iter().find_map(|name| environment(name)).unwrap_or_default();
    let named = named(&parsed);
    let proxy = reqwest::Proxy::https(parsed).map_err(|_| unusable())?;
    Ok(Some(Proxy { proxy: proxy.no_proxy(reqwest::NoProxy::from_string(&exceptions)), named }))
}
