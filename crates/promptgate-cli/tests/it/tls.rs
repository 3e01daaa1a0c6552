//! A server with a certificate of one's choice: whoever takes that for good gets one answer of a model, `x`.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
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
                // A client that does not like the certificate hangs up; that is its business.
                let connection = ServerConnection::new(config.clone()).unwrap();
                let _ = answer(rustls::StreamOwned::new(connection, stream));
            }
        });
        Self { port, issuer_pem }
    }
}

/// Reads a request, and answers it as a model would.
fn answer(mut tls: rustls::StreamOwned<ServerConnection, TcpStream>) -> std::io::Result<()> {
    let mut reader = BufReader::new(&mut tls);
    let mut length = 0;
    let mut line = String::new();
    while reader.read_line(&mut line)? > 2 {
        if let Some(value) = line.strip_prefix("content-length: ") {
            length = value.trim().parse().unwrap();
        }
        line.clear();
    }
    reader.read_exact(&mut vec![0; length])?;
    let body = r#"{"model":"m","choices":[{"message":{"content":"x"},"finish_reason":"stop"}]}"#;
    write!(tls, "HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len())?;
    tls.conn.send_close_notify();
    tls.flush()
}
