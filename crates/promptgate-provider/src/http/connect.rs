//! How a connection comes about: straight to the place, or, for HTTPS, through the tunnel of a proxy; TLS on top; and one
//! time limit around all of it.

use std::error::Error;
use std::io;
use std::sync::{Arc, Once};
use std::task::{Context, Poll};
use std::time::Duration;

use ::http::Uri;
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use hyper_util::rt::TokioIo;
use percent_encoding::percent_decode_str;
use promptgate_core::Diagnostic;
use promptgate_core::secret::Secret;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::ConfigVerifierExt;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tower::{Service, ServiceExt};
use url::Url;

use super::named;
use crate::BoxFuture;

/// Bytes to and from a place or its proxy, before any TLS with the place.
type Path = MaybeHttpsStream<TokioIo<TcpStream>>;

type Made<T> = BoxFuture<'static, Result<T, Box<dyn Error + Send + Sync>>>;

/// Makes the connections of a transport.
#[derive(Debug, Clone)]
pub(super) struct Connector(Arc<Means>);

#[derive(Debug)]
struct Means {
    https: HttpsConnector<Way>,
    /// For all of it: finding the address, reaching it, the proxy's consent, TLS.
    limit: Duration,
}

/// What a path is made by.
#[derive(Debug, Clone)]
struct Way {
    tcp: HttpConnector,
    tls: Arc<ClientConfig>,
    proxy: Option<Intercept>,
}

impl Connector {
    pub(super) fn new(place: &Url, limit: Duration, proxy: Option<Intercept>) -> Result<Self, Diagnostic> {
        let tls = Arc::new(tls(place)?);
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        // Shared out among the addresses of a host, so that one that is dead leaves time for the others.
        tcp.set_connect_timeout(Some(limit));
        tcp.set_keepalive(Some(Duration::from_secs(30)));
        tcp.set_keepalive_interval(Some(Duration::from_secs(15)));
        tcp.set_keepalive_retries(Some(3));
        let way = Way { tcp, tls: tls.clone(), proxy };
        let https = HttpsConnector::from((way, tls));
        Ok(Self(Arc::new(Means { https, limit })))
    }
}

impl Service<Uri> for Connector {
    type Response = MaybeHttpsStream<Path>;
    type Error = Box<dyn Error + Send + Sync>;
    type Future = Made<Self::Response>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, to: Uri) -> Self::Future {
        let means = self.0.clone();
        Box::pin(async move {
            let late = |_| io::Error::new(io::ErrorKind::TimedOut, format!("no connection within {:?}", means.limit));
            timeout(means.limit, means.https.clone().oneshot(to)).await.map_err(late)?
        })
    }
}

impl Service<Uri> for Way {
    type Response = Path;
    type Error = Box<dyn Error + Send + Sync>;
    type Future = Made<Path>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, to: Uri) -> Self::Future {
        let way = self.clone();
        Box::pin(async move {
            let Some(proxy) = way.proxy else {
                return Ok(MaybeHttpsStream::Http(way.tcp.oneshot(to).await?));
            };
            let tunnel = Tunnel::new(proxy.uri().clone(), HttpsConnector::from((way.tcp, way.tls)));
            let tunnel = proxy.basic_auth().cloned().into_iter().fold(tunnel, Tunnel::with_auth);
            Ok(tunnel.oneshot(to).await?)
        })
    }
}

/// Whom HTTPS trusts: who this machine does. Plain HTTP asks nobody, and no redirect leads elsewhere; reading that takes a
/// while.
fn tls(place: &Url) -> Result<ClientConfig, Diagnostic> {
    install_tls();
    let mut config = match place.scheme() {
        "http" => ClientConfig::builder().with_root_certificates(RootCertStore::empty()).with_no_client_auth(),
        _ => ClientConfig::with_platform_verifier().map_err(|error| {
            let help = match ["SSL_CERT_FILE", "SSL_CERT_DIR"].into_iter().find(|name| std::env::var_os(name).is_some())
            {
                Some(name) => format!("look at what `{name}` names: certificates in PEM form"),
                None => "install the system's CA certificates (package `ca-certificates`)".to_owned(),
            };
            Diagnostic::new(format!("cannot set up HTTPS: {error}")).help(help)
        })?,
    };
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// rustls wants exactly one cryptography provider for the process. Ours is ring; one that is there already stays.
fn install_tls() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| drop(rustls::crypto::ring::default_provider().install_default()));
}

/// A proxy for HTTPS, and what it is called in messages. Plain HTTP never takes one, since it would read the key.
pub(crate) struct Proxy {
    pub(super) way: Intercept,
    pub(super) named: String,
}

/// The variables that name proxies: for HTTPS the first ones, for everything the last, for plain HTTP others' business.
const HTTPS_PROXIES: [&str; 4] = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];
const OTHER_PROXIES: [&str; 2] = ["HTTP_PROXY", "http_proxy"];

/// The proxy that the environment names for a place; none for plain HTTP, and for a place that is reached straight.
pub(crate) fn proxy(place: &Url, environment: &dyn Fn(&str) -> Option<String>) -> Result<Option<Proxy>, Diagnostic> {
    let set = |name: &&str| environment(name).filter(|value| !value.is_empty());
    let Some((name, value)) = HTTPS_PROXIES.iter().find_map(|name| Some((name, set(name)?))) else { return Ok(None) };
    let exceptions = ["NO_PROXY", "no_proxy"].iter().find_map(set).unwrap_or_default();
    if place.scheme() == "http" || is_straight(place, &exceptions) {
        return Ok(None);
    }
    let unusable =
        || Diagnostic::new(format!("`{name}` is not the URL of a proxy")).help("expected `http://host:port`");
    let parsed = proxy_url(&value).ok_or_else(unusable)?;
    if !matches!(parsed.scheme(), "http" | "https") {
        let message = format!("`{name}` names a proxy of the kind `{}`, which is not spoken here", parsed.scheme());
        return Err(
            Diagnostic::new(message).help("expected `http://host:port`; `NO_PROXY` names hosts to go to straight")
        );
    }
    let any = Matcher::builder().all(parsed.as_str()).build();
    let way = place.as_str().parse().ok().and_then(|uri| any.intercept(&uri)).ok_or_else(unusable)?;
    Ok(Some(Proxy { way, named: named(parsed.host_str(), parsed.port()) }))
}

/// Whether a place is among the exceptions.
fn is_straight(place: &Url, exceptions: &str) -> bool {
    let any = Matcher::builder().all("http://proxy.invalid").no(exceptions).build();
    place.as_str().parse().is_ok_and(|uri| any.intercept(&uri).is_none())
}

/// As elsewhere, `host:port` alone will do.
fn proxy_url(value: &str) -> Option<Url> {
    let whole = if value.contains("://") { value } else { &format!("http://{value}") };
    Url::parse(whole).ok()
}

/// The passwords of all proxies, as they are written and as they are meant; of one without a password the name, which is a
/// token then.
pub(crate) fn proxy_secrets(environment: &dyn Fn(&str) -> Option<String>) -> Vec<Secret> {
    let proxies = HTTPS_PROXIES.iter().chain(&OTHER_PROXIES).filter_map(|name| proxy_url(&environment(name)?));
    let secrets = proxies.flat_map(|proxy| {
        let secret = proxy.password().unwrap_or(proxy.username()).to_owned();
        let meant = percent_decode_str(&secret).decode_utf8_lossy().into_owned();
        [secret, meant]
    });
    secrets.filter(|secret| !secret.is_empty()).map(Secret::new).collect()
}
