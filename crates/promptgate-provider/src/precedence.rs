//! What the environment says of a provider's place lies over what the files say: flag > environment > project > user.

use std::collections::BTreeMap;

use promptgate_core::diagnostic::Location;
use promptgate_core::format::project::ProviderSettings;
use url::Url;

use crate::azure;
use crate::bedrock;
use crate::endpoint::{Api, base_url_variables, is_of_one_origin, plain_http_url};
use crate::registry;

/// A variable that is set, and its value.
struct Said {
    variable: String,
    value: String,
}

impl Said {
    /// The first of some variables that is set to something.
    fn by(variables: Vec<String>, environment: &dyn Fn(&str) -> Option<String>) -> Option<Self> {
        variables.into_iter().find_map(|variable| {
            let value = environment(&variable)?.trim().to_owned();
            (!value.is_empty()).then_some(Self { variable, value })
        })
    }

    fn base_url(name: &str, api: &Api, environment: &dyn Fn(&str) -> Option<String>) -> Option<Self> {
        Self::by(base_url_variables(name, api), environment)
    }

    /// A section by a name of one's own is one of several: the region that it says is what it is there for.
    fn region(
        name: &str,
        api: &Api,
        settings: &ProviderSettings,
        environment: &dyn Fn(&str) -> Option<String>,
    ) -> Option<Self> {
        let is_its_own = name != api.name && settings.region.is_some();
        let variables = if api.name == bedrock::NAME && !is_its_own { &bedrock::REGIONS[..] } else { &[] };
        Self::by(variables.iter().map(|name| (*name).to_owned()).collect(), environment)
    }

    /// How it is told, where a file says another thing.
    fn over(&self, key: &str, written: Option<&String>, at: Option<&Location>) -> Option<String> {
        let differs = written?.trim_end_matches('/') != self.value.trim_end_matches('/');
        let place = at.map_or_else(String::new, |at| format!(" of {}:{}", at.file, at.line));
        let (variable, value) = (&self.variable, &self.value);
        differs.then(|| format!("{variable}={value} of the environment is used, not {key}{place}"))
    }
}

/// The settings of a provider without what the environment says better.
///
/// A key that is named beside an address belongs there: where the environment names another origin it is not sent, and the
/// key is the one that the environment holds for the provider.
pub(crate) fn under_environment(
    name: &str,
    api: Option<&Api>,
    settings: &ProviderSettings,
    environment: &dyn Fn(&str) -> Option<String>,
) -> ProviderSettings {
    let mut settings = settings.clone();
    let Some(api) = api else { return settings };
    if let Some(said) = Said::base_url(name, api, environment)
        && settings.base_url.take().is_some_and(|written| moves_away(&written, &said.value))
    {
        (settings.key_env, settings.key_file, settings.key_command) = (None, None, None);
    }
    if let Some(said) = Said::region(name, api, &settings, environment) {
        settings.region = Some(said.value);
    }
    settings
}

/// Whether two addresses are of different origins. One that is no address is refused before a key goes anywhere.
fn moves_away(from: &str, to: &str) -> bool {
    let parsed = (Url::parse(from), Url::parse(to));
    !matches!(parsed, (Ok(from), Ok(to)) if is_of_one_origin(&from, &to))
}

/// What the environment says otherwise than the files of providers that are about to be called: one line each.
pub fn overridden<'a>(
    called: impl IntoIterator<Item = &'a str>,
    settings: &BTreeMap<String, ProviderSettings>,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Vec<String> {
    let unsaid = ProviderSettings::default();
    let of_provider = |name: &'a str| {
        let settings = settings.get(name).unwrap_or(&unsaid);
        let api = registry::kind_of(name, settings, environment).ok()?.api?;
        Some(told(name, api, settings, environment))
    };
    called.into_iter().filter_map(of_provider).flatten().collect()
}

fn told(
    name: &str,
    api: &Api,
    settings: &ProviderSettings,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Vec<String> {
    let says_where = settings.key_env.is_some() || settings.key_file.is_some() || settings.key_command.is_some();
    // An address that is refused may hold a secret: it is told by the error alone, without it.
    let base_url = Said::base_url(name, api, environment).filter(|said| plain_http_url(&said.value).is_ok());
    let base_url = base_url.and_then(|said| {
        let line = said.over("base_url", settings.base_url.as_ref(), settings.at.base_url.as_ref())?;
        let loses = says_where && settings.base_url.as_ref().is_some_and(|written| moves_away(written, &said.value));
        Some(if loses { format!("{line}, nor the key that is named there") } else { line })
    });
    let region = Said::region(name, api, settings, environment);
    let region = region.and_then(|said| said.over("region", settings.region.as_ref(), settings.at.region.as_ref()));
    base_url.into_iter().chain(region).chain(azure::unspoken_version(api, environment)).collect()
}
