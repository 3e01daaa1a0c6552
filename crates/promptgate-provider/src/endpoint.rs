//! Where a provider's API is, and the key that belongs there.
//!
//! A key belongs to the origin it was given for: one that the environment holds for a provider is not sent to a base URL
//! that only the project's file names, unless that file says where the key comes from as well; and no request to another
//! origin carries it.

use std::sync::Arc;

use ::http::Uri;
use ::http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use promptgate_core::Diagnostic;
use promptgate_core::answer::FailureKind;
use promptgate_core::port::Clock;
use promptgate_core::secret::Secret;
use url::Url;

use crate::FailedCall;
use crate::bedrock::Signer;
use crate::http::{self, Limits, Request, Transport};
use crate::key;
use crate::openai;
use crate::registry;
use crate::set::{BuildContext, SetupError};

/// What a kind of provider knows of its API before anybody has said anything.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Api {
    /// The name that stands in model ids, where nobody chose another.
    pub(crate) name: &'static str,
    /// Where the API is by default.
    pub(crate) base_url: Option<&'static str>,
    /// Variables that name another place, the first one that is set.
    pub(crate) base_urls: &'static [&'static str],
    /// Variables that hold the key, the first one that is set.
    pub(crate) keys: &'static [&'static str],
    /// Whether it can be called without a key.
    pub(crate) is_open: bool,
    /// The header that carries the key; `authorization` carries it as a bearer token.
    pub(crate) header: &'static str,
}

impl Api {
    /// An API of the OpenAI shape: a bearer token.
    pub(crate) const fn bearer(
        name: &'static str,
        base_url: Option<&'static str>,
        base_urls: &'static [&'static str],
        keys: &'static [&'static str],
    ) -> Self {
        Self { name, base_url, base_urls, keys, is_open: false, header: "authorization" }
    }
}

/// Where the API is, and who said so.
pub(crate) struct Place {
    /// Without a slash at the end.
    pub(crate) url: String,
    /// As it was written.
    pub(crate) parsed: Url,
    /// Whether the project's file named it, rather than the environment that holds the key.
    pub(crate) from_settings: bool,
}

/// An API that is ready to be called.
pub(crate) struct Endpoint {
    /// The base URL as text, without a slash at the end.
    pub(crate) base: String,
    parsed: Url,
    key: Option<(HeaderName, HeaderValue)>,
    signer: Option<Signer>,
    /// Headers that every request carries.
    headers: HeaderMap,
    /// What stands behind the address of every call: name and value.
    pub(crate) query: Option<(&'static str, &'static str)>,
    pub(crate) transport: Transport,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Place {
    /// The place of an API: what the environment says, else the files, else the default. Settings come here without an
    /// address that the environment overrides.
    pub(crate) fn of(context: &BuildContext<'_>, api: &Api) -> Result<Self, Diagnostic> {
        let found = base_url_variables(context.name, api).into_iter().find_map(|name| {
            let url = key::set(context, &name)?;
            Some((name, url))
        });
        let (url, named_by, from_settings) = match (&context.settings.base_url, found, api.base_url) {
            (Some(url), ..) => (url.clone(), format!("`base_url` of [provider.{}]", context.name), true),
            (None, Some((name, url)), _) => (url, format!("`{name}`"), false),
            (None, None, Some(url)) if is_default(context.name, api) => (url.to_owned(), String::new(), false),
            (None, None, _) => return Err(nowhere(context, api)),
        };
        let parsed = plain_http_url(&url).map_err(|reason| {
            let help = "expected something like `https://host/v1`; keys belong in an environment variable";
            Diagnostic::new(format!("{named_by} {reason}")).help(help)
        })?;
        Ok(Self { url: url.trim_end_matches('/').to_owned(), parsed, from_settings })
    }

    /// The address as it was written: one that nothing is added to keeps its slash.
    pub(crate) fn whole(&self) -> String {
        let is_folder = self.parsed.path() != "/" && self.parsed.path().ends_with('/');
        if is_folder { format!("{}/", self.url) } else { self.url.clone() }
    }

    /// A place that a kind has made itself.
    pub(crate) fn at(url: &str) -> Result<Self, Diagnostic> {
        let parsed = plain_http_url(url).map_err(|reason| Diagnostic::new(format!("`{url}` {reason}")))?;
        Ok(Self { url: url.to_owned(), parsed, from_settings: false })
    }

    /// The same place with a path behind it where there is none yet.
    pub(crate) fn with_path(mut self, path: &str) -> Self {
        if self.parsed.path() == "/" {
            self.url.push_str(path);
            self.parsed.set_path(path);
        }
        self
    }

    /// Where the answers of an API at this place come from: the address, and which API is spoken there unless it is the one
    /// that is usually spoken there, so that two APIs at one address never answer for each other.
    pub(crate) fn source(&self, api: &Api) -> String {
        match registry::usual_api(&self.parsed).name == api.name {
            true => self.url.clone(),
            false => format!("{} as {}", self.url, api.name),
        }
    }

    pub(crate) fn is_loopback(&self) -> bool {
        let host = self.parsed.host_str().unwrap_or_default().trim_matches(['[', ']']);
        host == "localhost" || host.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback())
    }
}

/// Whether a provider is at its kind's own place where nobody says another. What speaks OpenAI's API under a name of one's own
/// is seldom OpenAI: it has to be said where.
fn is_default(name: &str, api: &Api) -> bool {
    name == api.name || api.name != openai::API.name
}

fn nowhere(context: &BuildContext<'_>, api: &Api) -> Diagnostic {
    let variables = base_url_variables(context.name, api);
    let variable = variables.first().map(String::as_str).unwrap_or_default();
    let help = format!("add `base_url` under [provider.{}], or set {variable}", context.name);
    Diagnostic::new(format!("provider `{}` has no base URL", context.name)).help(help)
}

/// The variables that may name the place of a provider: those of its kind, or those made of a name of the user's own.
pub(crate) fn base_url_variables(name: &str, api: &Api) -> Vec<String> {
    match name == api.name {
        true => api.base_urls.iter().map(|name| (*name).to_owned()).collect(),
        false => vec![key::variable(name, "BASE_URL")],
    }
}

/// Messages do not repeat the URL: what is wrong with it may be the secret in it.
pub(crate) fn plain_http_url(url: &str) -> Result<Url, &'static str> {
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

impl Endpoint {
    /// The endpoint of an API at a place, with the key that belongs there.
    pub(crate) fn at(context: &BuildContext<'_>, api: &Api, place: &Place) -> Result<Self, SetupError> {
        let key = match key::of(context, api, place)? {
            Some(secret) => Some(header(api, &secret)?),
            None => None,
        };
        Self::keyless(context, place).map(|endpoint| Self { key, ..endpoint })
    }

    /// The same without a key.
    pub(crate) fn keyless(context: &BuildContext<'_>, place: &Place) -> Result<Self, SetupError> {
        let setup = context.setup;
        let proxy = http::proxy(&place.parsed, setup.environment)?;
        Ok(Self {
            base: place.url.clone(),
            parsed: place.parsed.clone(),
            key: None,
            signer: None,
            headers: HeaderMap::new(),
            query: None,
            transport: Transport::new(&place.parsed, Limits::of(context.settings), setup.scrubber, proxy)?,
            clock: setup.clock.clone(),
        })
    }

    /// Whether a key was found.
    pub(crate) fn has_key(&self) -> bool {
        self.key.is_some()
    }

    /// Whether requests carry a key or are signed.
    pub(crate) fn has_credentials(&self) -> bool {
        self.key.is_some() || self.signer.is_some()
    }

    /// With a header on every request.
    pub(crate) fn with_header(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.insert(name, HeaderValue::from_static(value));
        self
    }

    /// With requests that are signed rather than carrying a key.
    pub(crate) fn signed(self, signer: Signer) -> Self {
        Self { signer: Some(signer), ..self }
    }

    /// Adds what every request carries; the key only where the request goes to the origin it belongs to.
    pub(crate) async fn authorise(&self, request: &mut Request) -> Result<(), FailedCall> {
        request.headers_mut().extend(self.headers.clone());
        if !goes_to(request.uri(), &self.parsed) {
            return Ok(());
        }
        if let Some((name, value)) = &self.key {
            request.headers_mut().insert(name.clone(), value.clone());
        }
        let Some(signer) = &self.signer else { return Ok(()) };
        let unsigned =
            |reason| FailedCall::new(FailureKind::Credential, format!("the request cannot be signed: {reason}"));
        signer.sign(request, self.clock.now_ms()).await.map_err(unsigned)
    }

    /// A refused credential that was never sent is a matter of settings.
    pub(crate) fn explained(&self, mut failed: FailedCall) -> FailedCall {
        if failed.failure.kind == FailureKind::Credential && self.key.is_none() && self.signer.is_none() {
            failed.failure.message.push_str("; no key was sent: name its variable with `key_env` beside `base_url`");
        }
        failed
    }
}

/// Whether a request goes to the origin of a URL. Looked at for each call, so without the copies that `Url::origin` makes.
fn goes_to(uri: &Uri, origin: &Url) -> bool {
    let usual = if uri.scheme_str() == Some("https") { 443 } else { 80 };
    (uri.scheme_str(), uri.host(), Some(uri.port_u16().unwrap_or(usual)))
        == (Some(origin.scheme()), origin.host_str(), origin.port_or_known_default())
}

/// Whether two URLs are of one origin.
pub(crate) fn is_of_one_origin(one: &Url, other: &Url) -> bool {
    (one.scheme(), one.host(), one.port_or_known_default())
        == (other.scheme(), other.host(), other.port_or_known_default())
}

/// A text (the ARN of a model, say) as one part of an address.
pub(crate) fn encoded(model: &str) -> String {
    let mut path = String::with_capacity(model.len());
    for byte in model.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => path.push(char::from(byte)),
            other => path.push_str(&format!("%{other:02X}")),
        }
    }
    path
}

/// The key as the header that the API wants. Its value is marked, so that no debug output shows it.
fn header(api: &Api, secret: &Secret) -> Result<(HeaderName, HeaderValue), SetupError> {
    let name = HeaderName::from_static(api.header);
    let value = match name == AUTHORIZATION {
        true => HeaderValue::try_from(format!("Bearer {}", secret.expose())),
        false => HeaderValue::try_from(secret.expose()),
    };
    let mut value = value.map_err(|_| {
        let message = format!("the key of `{}` cannot be one: it holds a line feed or a control character", api.name);
        SetupError::Credential(Diagnostic::new(message).into())
    })?;
    value.set_sensitive(true);
    Ok((name, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_scheme_host_and_port() {
        let base = Url::parse("https://Host.example/v1").unwrap();
        for (url, is_one) in [
            ("https://host.example:443/other?x=1", true),
            ("http://host.example/v1", false),
            ("https://host.example:8443/v1", false),
            ("https://host.example.evil/v1", false),
            ("https://host.example@evil.example/v1", false),
        ] {
            let url = Url::parse(url).unwrap();
            let uri: Uri = url.as_str().parse().unwrap();
            assert_eq!(goes_to(&uri, &base), is_one, "{uri}");
            assert_eq!(is_of_one_origin(&url, &base), is_one, "{url}");
            assert_eq!(url.origin() == base.origin(), is_one, "{url}");
        }
    }
}
