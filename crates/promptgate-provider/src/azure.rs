//! `azure`: OpenAI's models on Azure, by the undated `/openai/v1/`.

use crate::endpoint::{Api, Place};
use crate::key;
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

/// The version that is asked for: the undated API has one more, which holds what is not finished.
const VERSION: &str = "AZURE_API_VERSION";
const PREVIEW: &str = "preview";

/// A version that is asked for and not spoken.
pub(crate) fn unspoken_version(api: &Api, environment: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    let asked = environment(VERSION).filter(|asked| api.name == API.name && !asked.trim().is_empty())?;
    let is_spoken = [PREVIEW, "v1", "latest"].contains(&asked.trim());
    (!is_spoken)
        .then(|| format!("{VERSION}={} is not used: what is spoken is the undated API below /openai/v1", asked.trim()))
}

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
        VERSION,
    ],
    example: "azure/my-deployment",
    api: Some(&API),
    build: |context| {
        // The address of a resource is given with or without the path.
        let place = Place::of(context, &API)?.with_path("/openai/v1");
        let is_preview = key::set(context, VERSION).is_some_and(|version| version == PREVIEW);
        let query = is_preview.then_some(("api-version", PREVIEW));
        openai::built(context, &API, place, Dialect::OPENAI, query).map(Built::of_deployments)
    },
};
