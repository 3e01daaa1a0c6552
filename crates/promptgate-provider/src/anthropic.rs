//! `anthropic`: Messages of Anthropic.

mod fold;
mod reply;
mod request;

use std::sync::Arc;

use promptgate_core::answer::Response;
use promptgate_core::request::RequestBody;
use promptgate_core::secret::Scrubber;
use serde_json::Value;

use crate::FailedCall;
use crate::endpoint::{Api, Endpoint, Place};
use crate::registry::{Built, ProviderKind};
use crate::wire::{Fold, HttpModel, Wire};

const API: Api = Api {
    name: "anthropic",
    base_url: Some("https://api.anthropic.com"),
    base_urls: &["ANTHROPIC_BASE_URL"],
    keys: &["ANTHROPIC_API_KEY"],
    is_open: false,
    header: "x-api-key",
};

/// The version of the API that is spoken.
const VERSION: &str = "2023-06-01";

/// The line of the registry.
pub(crate) const KIND: ProviderKind = ProviderKind {
    name: API.name,
    summary: "Messages of Anthropic",
    environment: &["ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL"],
    example: "anthropic/claude-haiku-4-5",
    api: Some(&API),
    build: |context| {
        let place = Place::of(context, &API)?;
        let endpoint = Endpoint::at(context, &API, &place)?.with_header("anthropic-version", VERSION);
        let streamed = context.settings.stream.unwrap_or_default();
        // Its base URL is written with and without the `/v1` that belongs to the paths.
        let has_version = place.parsed.path().trim_end_matches('/').ends_with("/v1");
        let (wire, models) = (Messages { has_version }, if has_version { "/models" } else { "/v1/models" });
        let provider = HttpModel { wire, endpoint: Arc::new(endpoint), streamed };
        Ok(Built::remote(provider, place.source(&API), Some(models)))
    },
};

struct Messages {
    /// Whether the base URL ends with `/v1`.
    has_version: bool,
}

impl Wire for Messages {
    fn path(&self, _: &RequestBody, _: bool) -> String {
        if self.has_version { "/messages" } else { "/v1/messages" }.to_owned()
    }

    fn body(&self, request: &RequestBody, streamed: bool) -> Result<Value, String> {
        request::body(request, streamed)
    }

    fn read(&self, reply: Value, scrubber: &Scrubber) -> Result<Response, FailedCall> {
        reply::read(&reply, scrubber)
    }

    fn fold(&self) -> Box<dyn Fold> {
        Box::new(fold::Events::default())
    }
}
