//! A server with a certificate of one's choice: it does no more than a handshake, after which a client knows all.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection};

/// A server, and the certificate of who signed its own.
pub struct TlsServer {
    pub port: u16,
    pub issuer_pem: String,
}

impl TlsServer {
    /// Serves with a certificate for a name that was or is good until the first day of a year. The thread ends with the test
    /// process.
    pub fn start(name: &str, until: i32) -> Self {
        let mut issuer = CertificateParams::new(Vec::new()).unwrap();
        issuer.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer_key = KeyPair::generate().unwrap();
        let issuer_pem = issuer.self_signed(&issuer_key).unwrap().pem();
        let mut own = CertificateParams::new(vec![name.to_owned()]).unwrap();
        (own.not_before, own.not_after) = (date_time_ymd(2001, 1, 1), date_time_ymd(until, 1, 1));
        let key = KeyPair::generate().unwrap();
        let certificate = own.signed_by(&key, &Issuer::new(issuer, issuer_key)).unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let ring = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(ring).with_safe_default_protocol_versions().unwrap();
        let config = config.with_no_client_auth().with_single_cert(vec![certificate.der().clone()], key).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let config = Arc::new(config);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let mut connection = ServerConnection::new(config.clone()).unwrap();
                let mut stream = stream;
                // The client hangs up when it has seen the certificate; whatever comes of that is its business.
                let mut tls = rustls::Stream::new(&mut connection, &mut stream);
                let _ = tls.read(&mut [0; 64]).and_then(|_| tls.write(b"HTTP/1.1 204 No Content\r\n\r\n"));
            }
        });
        Self { port, issuer_pem }
    }
}
