//! `gemini`: generateContent of Gemini.

mod embeddings;
mod fold;
mod probabilities;
mod reply;
mod request;

use std::sync::Arc;

use promptgate_core::answer::Response;
use promptgate_core::request::{RequestBody, Task};
use promptgate_core::secret::Scrubber;
use serde_json::Value;

use crate::FailedCall;
use crate::endpoint::{Api, Endpoint, Place};
use crate::registry::{Built, ProviderKind};
use crate::wire::{Fold, HttpModel, Side, Wire};

const API: Api = Api {
    name: "gemini",
    base_url: Some("https://generativelanguage.googleapis.com/v1beta"),
    base_urls: &["GOOGLE_BASE_URL"],
    keys: &["GOOGLE_API_KEY", "GEMINI_API_KEY"],
    is_open: false,
    header: "x-goog-api-key",
};

/// The line of the registry.
pub(crate) const KIND: ProviderKind = ProviderKind {
    name: API.name,
    summary: "generateContent of Gemini",
    environment: &["GOOGLE_API_KEY", "GEMINI_API_KEY", "GOOGLE_BASE_URL"],
    example: "gemini/gemini-2.5-flash",
    api: Some(&API),
    build: |context| {
        let place = Place::of(context, &API)?.with_path("/v1beta");
        let endpoint = Endpoint::at(context, &API, &place)?;
        let streamed = context.settings.stream.unwrap_or_default();
        let provider = HttpModel { wire: GenerateContent, endpoint: Arc::new(endpoint), streamed };
        Ok(Built::remote(provider, place.source(&API), Some("/models")))
    },
};

struct GenerateContent;

impl Wire for GenerateContent {
    fn path(&self, request: &RequestBody, streamed: bool) -> String {
        match streamed {
            true => format!("/models/{}:streamGenerateContent?alt=sse", request.model.model),
            false => path(request),
        }
    }

    fn body(&self, request: &RequestBody, _: bool) -> Result<Value, String> {
        request::body(request)
    }

    fn read(&self, reply: Value, scrubber: &Scrubber) -> Result<Response, FailedCall> {
        reply::read(&reply, scrubber)
    }

    fn fold(&self) -> Box<dyn Fold> {
        Box::new(fold::Chunks::default())
    }

    fn side(&self, task: Task) -> Option<&'static dyn Side> {
        match task {
            Task::Embed => Some(&embeddings::BatchEmbedContents),
            Task::Probabilities => Some(&probabilities::Probabilities),
            Task::Generate | Task::Moderate => None,
        }
    }
}

/// Where an answer in one piece is asked for.
fn path(request: &RequestBody) -> String {
    format!("/models/{}:generateContent", request.model.model)
}
