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
use hyper_util::client::proxy::matcher::Matcher;
use hyper_util::rt::TokioIo;
use promptgate_core::Diagnostic;
use promptgate_core::secret::{Scrubber, Secret};
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
    proxy: Option<Arc<Matcher>>,
}

impl Connector {
    pub(super) fn new(place: &Url, limit: Duration, proxy: Option<Matcher>) -> Result<Self, Diagnostic> {
        let tls = Arc::new(tls(place)?);
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(limit));
        tcp.set_keepalive(Some(Duration::from_secs(30)));
        tcp.set_keepalive_interval(Some(Duration::from_secs(15)));
        tcp.set_keepalive_retries(Some(3));
        let way = Way { tcp, tls: tls.clone(), proxy: proxy.map(Arc::new) };
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
            let Some(proxy) = way.proxy.and_then(|proxy| proxy.intercept(&to)) else {
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
            let message = format!("cannot set up HTTPS: {error}");
            Diagnostic::new(message).help("install the system's CA certificates (package `ca-certificates`)")
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
    pub(super) matcher: Matcher,
    pub(super) named: String,
}

/// The proxy that the environment names for HTTPS, its credentials learnt as secrets; none for a place of plain HTTP.
pub(crate) fn proxy(
    place: &Url,
    environment: &dyn Fn(&str) -> Option<String>,
    scrubber: &Scrubber,
) -> Result<Option<Proxy>, Diagnostic> {
    let set = |name: &&str| environment(name).filter(|value| !value.is_empty()).map(|value| (name.to_string(), value));
    let Some((name, url)) = ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"].iter().find_map(set) else {
        return Ok(None);
    };
    let unusable =
        || Diagnostic::new(format!("`{name}` is not the URL of a proxy")).help("expected `http://host:port`");
    // As elsewhere, `host:port` alone will do.
    let url = if url.contains("://") { url } else { format!("http://{url}") };
    let parsed = Url::parse(&url).map_err(|_| unusable())?;
    if let Some(password) = parsed.password() {
        scrubber.learn(&Secret::new(password));
    }
    if place.scheme() == "http" {
        return Ok(None);
    }
    if !matches!(parsed.scheme(), "http" | "https") {
        let message = format!("`{name}` names a proxy of the kind `{}`, which is not spoken here", parsed.scheme());
        return Err(
            Diagnostic::new(message).help("expected `http://host:port`; `NO_PROXY` names hosts to go to straight")
        );
    }
    let exceptions = ["NO_PROXY", "no_proxy"].iter().find_map(|name| environment(name)).unwrap_or_default();
    let matcher = Matcher::builder().https(parsed.as_str()).no(exceptions).build();
    Ok(Some(Proxy { matcher, named: named(parsed.host_str(), parsed.port()) }))
}
