//! The kinds of providers there are. A new one is a file and a line here; it passes the conformance suite.

use std::sync::Arc;

use promptgate_core::format::project::ProviderSettings;
use promptgate_core::nearest::did_you_mean;
use promptgate_core::{Diagnostic, Diagnostics};
use url::Url;

use crate::checkup::Probe;
use crate::endpoint::{Api, is_of_one_origin};
use crate::key;
use crate::set::{BuildContext, SetupError};
use crate::wire::{HttpModel, Wire};
use crate::{Provider, anthropic, azure, bedrock, echo, exec, gemini, http_target, openai, replay, scripted, shaped};

/// Every kind of provider: the wires, the servers of OpenAI's shape, and what needs no network.
pub fn kinds() -> impl Iterator<Item = &'static ProviderKind> + Clone {
    WIRES.iter().chain(&shaped::KINDS).chain(LOCAL)
}

const WIRES: &[ProviderKind] = &[anthropic::KIND, azure::KIND, bedrock::KIND, gemini::KIND, openai::KIND];
const LOCAL: &[ProviderKind] = &[echo::KIND, exec::EXEC, http_target::KIND, exec::PYTHON, replay::KIND, scripted::KIND];

/// One kind of provider: what is printed about it, and how it is built.
pub struct ProviderKind {
    /// What stands before the slash of a model id.
    pub name: &'static str,
    /// One line about it.
    pub summary: &'static str,
    /// The environment variables it reads.
    pub environment: &'static [&'static str],
    /// A model id.
    pub example: &'static str,
    /// The API it speaks, where it speaks one.
    pub(crate) api: Option<&'static Api>,
    /// Builds it from settings and environment.
    pub(crate) build: fn(&BuildContext<'_>) -> Result<Built, SetupError>,
}

/// A provider that is ready, and where its answers come from.
pub(crate) struct Built {
    pub(crate) provider: Arc<dyn Provider>,
    /// As [`promptgate_core::plan::PlannedModel::source`] wants it.
    pub(crate) source: String,
    /// How it is asked who it is, where it is somewhere else; then its answers are worth keeping too.
    pub(crate) probe: Option<Probe>,
    /// What was said of it, for its pace.
    pub(crate) settings: ProviderSettings,
}

impl Built {
    /// A provider of this process, and where its answers come from.
    pub(crate) fn new(provider: impl Provider + 'static, source: impl Into<String>) -> Self {
        let (provider, source) = (Arc::new(provider), source.into());
        Self { provider, source, probe: None, settings: ProviderSettings::default() }
    }

    /// One that is called over a network.
    pub(crate) fn remote<W: Wire>(
        model: HttpModel<W>,
        source: impl Into<String>,
        models: Option<&'static str>,
    ) -> Self {
        let probe = Some(Probe { endpoint: model.endpoint.clone(), models, lists_names: true });
        Self { probe, ..Self::new(model, source) }
    }

    /// The same, where models are called by other names than the listed ones.
    pub(crate) fn of_deployments(self) -> Self {
        Self { probe: self.probe.map(|probe| Probe { lists_names: false, ..probe }), ..self }
    }
}

/// The API that is usually spoken at an address: that of a service which is known to be there, else that of OpenAI, whose
/// shape most servers have.
pub(crate) fn usual_api(url: &Url) -> &'static Api {
    let host = url.host_str().unwrap_or_default();
    let is_there = |api: &&Api| {
        let known = api.base_url.and_then(|known| Url::parse(known).ok());
        known.is_some_and(|known| is_of_one_origin(&known, url))
    };
    match host {
        _ if host.ends_with(".amazonaws.com") => bedrock::KIND.api,
        _ if host.ends_with(".azure.com") => azure::KIND.api,
        _ => kinds().filter_map(|kind| kind.api).find(is_there),
    }
    .unwrap_or(&openai::API)
}

/// The kind of a provider: the one that its settings say or its name, else an API of OpenAI's shape where the environment
/// says where that is (`ACME_BASE_URL` for `acme`).
pub(crate) fn kind_of(
    name: &str,
    settings: &ProviderSettings,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<&'static ProviderKind, SetupError> {
    let wanted = settings.kind.as_deref().unwrap_or(name);
    if let Some(kind) = kinds().find(|kind| kind.name == wanted) {
        return Ok(kind);
    }
    if settings.kind.is_some() {
        return Err(unknown(wanted, did_you_mean(wanted, kinds().map(|kind| kind.name))));
    }
    let variable = key::variable(name, "BASE_URL");
    if environment(&variable).is_some_and(|url| !url.trim().is_empty()) {
        return Ok(&openai::KIND);
    }
    let nearest = did_you_mean(name, kinds().map(|kind| kind.name));
    let key = key::variable(name, "API_KEY");
    let both_ways = format!(
        "for an API of OpenAI's shape, set {variable} (and {key}), or write `kind = \"openai\"` and `base_url` under \
         [provider.{name}]"
    );
    let then = if nearest.ends_with('?') { " Or," } else { "; or," };
    Err(unknown(name, format!("{nearest}{then} {both_ways}")))
}

/// An unknown kind, with what to do.
fn unknown(name: &str, help: String) -> SetupError {
    SetupError::Invalid(Diagnostics::from(Diagnostic::new(format!("unknown provider `{name}`")).help(help)))
}
