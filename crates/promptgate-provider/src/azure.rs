//! `azure`: OpenAI's models on Azure, by the undated `/openai/v1/`.

use crate::endpoint::{Api, Place};
use crate::openai;
use crate::openai::chat::Dialect;
use crate::registry::{Built, ProviderKind};

const API: Api = Api {
    name: "azure",
    base_url: None,
    base_urls: &["AZUREAI_OPENAI_BASE_URL", "AZURE_API_BASE"],
    keys: &["AZUREAI_OPENAI_API_KEY", "AZURE_OPENAI_API_KEY", "AZURE_API_KEY"],
    is_open: false,
    header: "api-key",
};

/// The line of the registry.
pub(crate) const KIND: ProviderKind = ProviderKind {
    name: API.name,
    summary: "OpenAI's models on Azure; the model is the name of the deployment",
    environment: &[
        "AZUREAI_OPENAI_API_KEY",
        "AZURE_OPENAI_API_KEY",
        "AZURE_API_KEY",
        "AZUREAI_OPENAI_BASE_URL",
        "AZURE_API_BASE",
    ],
    example: "azure/my-deployment",
    api: Some(&API),
    build: |context| {
        // The address of a resource is given with or without the path.
        let place = Place::of(context, &API)?.with_path("/openai/v1");
        openai::built(context, &API, place, Dialect::OPENAI).map(Built::of_deployments)
    },
};
