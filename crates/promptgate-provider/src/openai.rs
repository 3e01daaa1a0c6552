//! `openai`: Chat Completions and Responses of OpenAI, through async-openai.
//!
//! async-openai builds the request; everything below it is ours. Its own transport, with retries that cannot be seen and
//! replies that are logged whole when they do not parse, is replaced by one [`Call`]; it never holds the key; and of a
//! reply it is told only that there was one, since ours has read it already.

pub(crate) mod chat;
mod embeddings;
mod moderations;
pub(crate) mod responses;

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use ::http::header::HeaderMap;
use async_openai::Client;
use async_openai::config::Config;
use async_openai::error::OpenAIError;
use async_openai::middleware::HttpRequestFactory;
use hyper::body::Bytes;
use promptgate_core::answer::FailureKind;
use promptgate_core::format::project::WireApi;
use promptgate_core::request::Task;
use secrecy::SecretString;
use serde::de::IgnoredAny;
use serde_json::Value;

use crate::endpoint::{Api, Endpoint, Place};
use crate::http::{Request, json};
use crate::registry::{Built, ProviderKind};
use crate::set::{BuildContext, SetupError};
use crate::wire::{Call, Came, HttpModel, Side};
use crate::{BoxFuture, FailedCall};
use chat::{Chat, Dialect};
use responses::Responses;

pub(crate) const API: Api =
    Api::bearer("openai", Some("https://api.openai.com/v1"), &["OPENAI_BASE_URL"], &["OPENAI_API_KEY"]);

/// The line of the registry.
pub(crate) const KIND: ProviderKind = ProviderKind {
    name: API.name,
    summary: "Chat Completions and Responses of OpenAI, and of every server that speaks the same",
    environment: &["OPENAI_API_KEY", "OPENAI_BASE_URL"],
    example: "openai/gpt-4.1-mini",
    api: Some(&API),
    build: |context| {
        let place = Place::of(context, &API)?;
        // Regions have hosts of their own: eu.api.openai.com.
        let host = place.parsed.host_str().unwrap_or_default();
        let is_openai = host == "api.openai.com" || host.ends_with(".api.openai.com");
        let dialect = if is_openai { Dialect::OPENAI } else { Dialect::COMMON };
        built(context, &API, place, dialect, None)
    },
};

/// Where the models are listed.
const MODELS: Option<&str> = Some("/models");

/// A provider that speaks Chat Completions, or Responses where the settings ask for them.
pub(crate) fn built(
    context: &BuildContext<'_>,
    api: &Api,
    place: Place,
    dialect: Dialect,
    query: Option<(&'static str, &'static str)>,
) -> Result<Built, SetupError> {
    let mut endpoint = Endpoint::at(context, api, &place)?;
    endpoint.query = query;
    let endpoint = Arc::new(endpoint);
    let config = Keyless { base: place.url.clone(), query, key: SecretString::from(String::new()) };
    let requests = Requests::new(Client::build(reqwest::Client::new(), config));
    let streamed = context.settings.stream.unwrap_or_default();
    let source = place.source(api) + &query.map_or_else(String::new, |(name, value)| format!("?{name}={value}"));
    Ok(match context.settings.api {
        None | Some(WireApi::Chat) => {
            let wire = Chat { requests, dialect };
            Built::remote(HttpModel { wire, endpoint, streamed }, source, MODELS)
        }
        Some(WireApi::Responses) => {
            let source = source.replacen(&place.url, &format!("{}/responses", place.url), 1);
            Built::remote(HttpModel { wire: Responses { requests }, endpoint, streamed }, source, MODELS)
        }
    })
}

/// What async-openai is told of the place: a URL, and a key that is always empty. Ours are added to the request below it.
#[derive(Debug, Clone)]
pub(crate) struct Keyless {
    base: String,
    query: Option<(&'static str, &'static str)>,
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
        self.query.into_iter().collect()
    }

    fn api_base(&self) -> &str {
        &self.base
    }

    fn api_key(&self) -> &SecretString {
        &self.key
    }
}

/// The requests of one API method, as async-openai builds them. They differ in their bodies alone, so the first is kept.
pub(crate) struct Requests {
    client: Client<Keyless>,
    /// Without its body.
    first: Arc<OnceLock<Request>>,
}

impl Requests {
    fn new(client: Client<Keyless>) -> Self {
        Self { client, first: Arc::default() }
    }

    /// Makes a call with a body. `method` is what async-openai builds the request by.
    pub(crate) fn call<'a, F, R>(&self, call: Call, body: Value, method: F) -> BoxFuture<'a, Result<Came, FailedCall>>
    where
        F: FnOnce(Client<Keyless>, Value) -> R,
        R: Future<Output = Result<IgnoredAny, OpenAIError>> + Send + 'a,
    {
        if let Some(first) = self.first.get() {
            let mut request = first.clone();
            *request.body_mut() = json(&body);
            return Box::pin(call.send(request));
        }
        let slot = Arc::new(Slot { call: Mutex::new(Some(call)), came: Mutex::new(None) });
        let made = method(self.client.clone().with_http_service(service(slot.clone(), self.first.clone())), body);
        Box::pin(async move {
            let answered = made.await;
            // Ours says more than what async-openai makes of it.
            let came = slot.came.lock().unwrap_or_else(PoisonError::into_inner).take();
            match (came, answered) {
                (Some(came), _) => came,
                (None, _) => Err(FailedCall::new(FailureKind::BadRequest, "the request cannot be built")),
            }
        })
    }
}

/// A request of async-openai's as one of ours.
fn ours(built: &reqwest::Request) -> Option<Request> {
    let body = built.body().and_then(|body| body.as_bytes()).unwrap_or_default();
    let mut request = Request::new(Bytes::copy_from_slice(body));
    *request.method_mut() = built.method().clone();
    *request.uri_mut() = built.url().as_str().parse().ok()?;
    request.headers_mut().clone_from(built.headers());
    Some(request)
}

/// Method, address and headers of a request.
fn bodiless(request: &Request) -> Request {
    let mut copy = request.clone();
    *copy.body_mut() = Bytes::new();
    copy
}

/// A call that is to be made, and what came of it.
struct Slot {
    call: Mutex<Option<Call>>,
    came: Mutex<Option<Result<Came, FailedCall>>>,
}

/// The service under async-openai for one call: sends once, and keeps what came out of async-openai's hands, and the
/// request for those that follow.
fn service(
    slot: Arc<Slot>,
    first: Arc<OnceLock<Request>>,
) -> impl tower::Service<HttpRequestFactory, Response = reqwest::Response, Error = OpenAIError, Future: Send>
+ Clone
+ Send
+ Sync
+ 'static {
    tower::service_fn(move |factory: HttpRequestFactory| {
        let (slot, first) = (slot.clone(), first.clone());
        async move {
            let request = ours(&factory.build().await?);
            let call = slot.call.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let (Some(request), Some(call)) = (request, call) {
                first.get_or_init(|| bodiless(&request));
                let came = call.send(request).await;
                *slot.came.lock().unwrap_or_else(PoisonError::into_inner) = Some(came);
            }
            Ok(::http::Response::new("null").into())
        }
    })
}

/// What the API has beside messages.
pub(crate) fn side(task: Task) -> Option<&'static dyn Side> {
    match task {
        Task::Embed => Some(&embeddings::Embeddings),
        Task::Moderate => Some(&moderations::Moderations),
        Task::Generate | Task::Probabilities => None,
    }
}

/// A parameter that the request itself decides, so that no `config` may.
pub(crate) fn is_reserved(name: &str) -> bool {
    ["model", "messages", "input", "stream", "stream_options", "tools", "response_format", "store"].contains(&name)
}
