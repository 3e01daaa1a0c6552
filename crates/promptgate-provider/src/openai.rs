//! `openai`: Chat Completions against any base URL, through async-openai.
//!
//! async-openai builds the request and reads the answer into JSON; everything between is ours. Its own transport, with
//! retries that cannot be seen and replies that are logged whole when they do not parse, is replaced by one call of
//! [`Transport`]; it never holds the key; and it is handed a reply only when that is known to be JSON.

mod error;
mod reply;
mod request;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_openai::Client;
use async_openai::config::Config;
use async_openai::error::OpenAIError;
use async_openai::middleware::HttpRequestFactory;
use promptgate_core::Diagnostic;
use promptgate_core::answer::{FailureKind, Response};
use promptgate_core::port::Clock;
use promptgate_core::request::Request;
use promptgate_core::secret::Secret;
use reqwest::Url;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use secrecy::SecretString;
use serde_json::value::RawValue;

use crate::http::{self, Exchange, Limits, Transport};
use crate::registry::{Built, ProviderKind};
use crate::set::{BuildContext, Keys, SetupError};
use crate::{BoxFuture, FailedCall, Provider};

/// The line of the registry.
pub(crate) const KIND: ProviderKind = ProviderKind {
    name: "openai",
    summary: "Chat Completions of OpenAI, and of every server that speaks the same",
    environment: &["OPENAI_API_KEY", "OPENAI_BASE_URL"],
    example: "openai/gpt-4.1-mini",
    build,
};

const OPENAI: &str = "https://api.openai.com/v1";

fn build(context: &BuildContext<'_>) -> Result<Built, SetupError> {
    let place = Place::of(context)?;
    let key = key(context, &place)?;
    let setup = context.setup;
    let proxy = http::proxy(setup.environment, setup.scrubber)?;
    let transport = Transport::new(Limits::of(context.settings), setup.scrubber, proxy)?;
    let config = Keyless { base: place.url.clone(), key: SecretString::from(String::new()) };
    let client = Client::build(transport.client().clone(), config);
    let is_openai = place.parsed.host_str() == Some("api.openai.com");
    let endpoint = Endpoint { key, base: place.parsed, is_openai, transport, clock: setup.clock.clone() };
    Ok(Built { provider: Arc::new(OpenAi { client, endpoint: Arc::new(endpoint) }), source: place.url })
}

/// Where the API is, and who said so.
struct Place {
    url: String,
    parsed: Url,
    /// Whether the project's file named it, rather than the environment that holds the key.
    from_settings: bool,
}

impl Place {
    fn of(context: &BuildContext<'_>) -> Result<Self, Diagnostic> {
        let variable = variable(context.name, "BASE_URL");
        let (url, named_by, from_settings) = match (&context.settings.base_url, set(context, &variable)) {
            (Some(url), _) => (url.clone(), format!("`base_url` of [provider.{}]", context.name), true),
            (None, Some(url)) => (url, format!("`{variable}`"), false),
            (None, None) if context.name == KIND.name => (OPENAI.to_owned(), String::new(), false),
            (None, None) => {
                let help = format!("add `base_url` under [provider.{}], or set {variable}", context.name);
                return Err(Diagnostic::new(format!("provider `{}` has no base URL", context.name)).help(help));
            }
        };
        let url = url.trim_end_matches('/').to_owned();
        let parsed = plain_http_url(&url).map_err(|reason| {
            let help = "expected something like `https://host/v1`; keys belong in an environment variable";
            Diagnostic::new(format!("{named_by} {reason}")).help(help)
        })?;
        Ok(Self { url, parsed, from_settings })
    }

    fn is_loopback(&self) -> bool {
        let host = self.parsed.host_str().unwrap_or_default().trim_matches(['[', ']']);
        host == "localhost" || host.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback())
    }
}

/// Messages do not repeat the URL: what is wrong with it may be the secret in it.
fn plain_http_url(url: &str) -> Result<Url, &'static str> {
    let parsed = Url::parse(url).map_err(|_| "is not a URL")?;
    match parsed.scheme() {
        "http" | "https" => {}
        _ => return Err("is neither http nor https"),
    }
    if !parsed.username().is_empty() || parsed.password().is_some() {
        return Err("holds a user name or password");
    }
    if parsed.query().is_some() || parsed.fragment().is_some() {
        return Err("holds a query");
    }
    Ok(parsed)
}

/// The key as a header. A key belongs to the origin it was given for: one that the environment holds for the provider is
/// not sent to a base URL that only the project's file names, unless that file names the key as well.
fn key(context: &BuildContext<'_>, place: &Place) -> Result<Option<HeaderValue>, SetupError> {
    let variable = match &context.settings.key_env {
        Some(variable) => variable.clone(),
        None if place.from_settings => return Ok(None),
        None => key_variable(context.name),
    };
    let Some(value) = set(context, &variable) else {
        let is_local = place.is_loopback() && context.settings.key_env.is_none();
        let is_optional = is_local || context.setup.keys == Keys::NotNeeded;
        return if is_optional { Ok(None) } else { Err(missing(context.name, &variable)) };
    };
    context.setup.scrubber.learn(&Secret::new(value.as_str()));
    let mut header = HeaderValue::try_from(format!("Bearer {value}")).map_err(|_| {
        let message = format!("the value of {variable} cannot be a key: it holds a line feed or a control character");
        SetupError::Credential(Diagnostic::new(message).into())
    })?;
    header.set_sensitive(true);
    Ok(Some(header))
}

fn missing(provider: &str, variable: &str) -> SetupError {
    let message = format!("no key for provider `{provider}`: the environment variable {variable} is not set");
    let help = format!("set {variable}, or answer from a recording (leave out --live)");
    SetupError::Credential(Diagnostic::new(message).help(help).into())
}

/// Which variable holds the key of a provider that names none: `OPENAI_API_KEY` for `openai`, `MY_PROXY_API_KEY` for
/// `my-proxy`.
pub(crate) fn key_variable(provider: &str) -> String {
    variable(provider, "API_KEY")
}

fn variable(provider: &str, what: &str) -> String {
    format!("{}_{what}", provider.to_ascii_uppercase().replace('-', "_"))
}

fn set(context: &BuildContext<'_>, variable: &str) -> Option<String> {
    let value = (context.setup.environment)(variable)?.trim().to_owned();
    (!value.is_empty()).then_some(value)
}

/// What async-openai is told of the place: a URL, and a key that is always empty. Ours are added to the request below it.
#[derive(Debug, Clone)]
struct Keyless {
    base: String,
    key: SecretString,
}

impl Config for Keyless {
    fn headers(&self) -> HeaderMap {
        HeaderMap::new()
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    fn query(&self) -> Vec<(&str, &str)> {
        Vec::new()
    }

    fn api_base(&self) -> &str {
        &self.base
    }

    fn api_key(&self) -> &SecretString {
        &self.key
    }
}

/// Calls an OpenAI-shaped server.
struct OpenAi {
    client: Client<Keyless>,
    endpoint: Arc<Endpoint>,
}

/// What a call needs below async-openai.
struct Endpoint {
    key: Option<HeaderValue>,
    /// The base URL; the key is sent to its origin alone.
    base: Url,
    /// Whether it is OpenAI's own server, which refuses the older names of parameters.
    is_openai: bool,
    transport: Transport,
    clock: Arc<dyn Clock>,
}

impl Provider for OpenAi {
    fn call<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Response, FailedCall>> {
        Box::pin(async move {
            let body = request::body(&request.body, self.endpoint.is_openai)
                .map_err(|reason| FailedCall::new(FailureKind::BadRequest, reason))?;
            let latency = Arc::new(Mutex::new(Duration::ZERO));
            let client = self.client.clone().with_http_service(self.service(request, latency.clone()));
            let reply: Result<Box<RawValue>, OpenAIError> = client.chat().create_byot(body).await;
            let reply = reply.map_err(failed)?;
            let elapsed = *latency.lock().unwrap_or_else(PoisonError::into_inner);
            reply::read(reply.get(), elapsed, self.endpoint.transport.scrubber())
        })
    }
}

impl OpenAi {
    /// The service under async-openai for one call: sends once, times it, and turns everything but an answer into a
    /// failure before async-openai sees it.
    fn service(
        &self,
        request: &Request,
        latency: Arc<Mutex<Duration>>,
    ) -> impl tower::Service<HttpRequestFactory, Response = reqwest::Response, Error = OpenAIError, Future: Send>
    + Clone
    + Send
    + Sync
    + 'static
    + use<> {
        let (endpoint, timeout) = (self.endpoint.clone(), Duration::from_millis(request.timeout_ms));
        tower::service_fn(move |factory: HttpRequestFactory| {
            let (endpoint, latency) = (endpoint.clone(), latency.clone());
            async move {
                let exchange = endpoint.exchange(factory.build().await?, timeout).await.map_err(boxed)?;
                *latency.lock().unwrap_or_else(PoisonError::into_inner) = exchange.elapsed;
                Ok(::http::Response::new(exchange.body).into())
            }
        })
    }
}

impl Endpoint {
    async fn exchange(&self, mut request: reqwest::Request, timeout: Duration) -> Result<Exchange, FailedCall> {
        if let Some(key) = self.key.as_ref().filter(|_| request.url().origin() == self.base.origin()) {
            request.headers_mut().insert(AUTHORIZATION, key.clone());
        }
        let exchange = self.transport.send(request, timeout).await?;
        error::check(&exchange, self.clock.now_ms(), self.transport.scrubber())
            .map_err(|failed| self.explained(failed))?;
        Ok(exchange)
    }

    /// A refused credential that was never sent is a matter of settings.
    fn explained(&self, mut failed: FailedCall) -> FailedCall {
        if failed.failure.kind == FailureKind::Credential && self.key.is_none() {
            failed.failure.message.push_str("; no key was sent: name its variable with `key_env` beside `base_url`");
        }
        failed
    }
}

fn boxed(failed: FailedCall) -> OpenAIError {
    OpenAIError::Boxed(Box::new(failed))
}

/// Ours comes back as it went in. Anything else is said without async-openai's text, which quotes whole bodies.
fn failed(error: OpenAIError) -> FailedCall {
    match error {
        OpenAIError::Boxed(ours) => match ours.downcast::<FailedCall>() {
            Ok(failed) => *failed,
            Err(_) => FailedCall::new(FailureKind::Server, "the call failed below the client"),
        },
        OpenAIError::Reqwest(_) | OpenAIError::InvalidArgument(_) => {
            FailedCall::new(FailureKind::BadRequest, "the request cannot be built")
        }
        _ => FailedCall::new(FailureKind::Server, "the reply cannot be read"),
    }
}
