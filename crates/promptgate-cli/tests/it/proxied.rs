//! Calls over HTTPS, straight and through a proxy: what a proxy is told, and that it is told no more.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use promptgate_testkit::Project;

use crate::tls::TlsServer;

/// A proxy that leads where it is asked to, and keeps every byte that a client sends.
struct Proxy {
    port: u16,
    heard: Arc<Mutex<Vec<u8>>>,
}

impl Proxy {
    /// The threads end with the test process.
    fn start(status: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let heard: Arc<Mutex<Vec<u8>>> = Arc::default();
        let keeps = heard.clone();
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let keeps = keeps.clone();
                // Either side may hang up at any time.
                std::thread::spawn(move || drop(lead(client, status, &keeps)));
            }
        });
        Self { port, heard }
    }

    fn heard(&self) -> String {
        String::from_utf8_lossy(&self.heard.lock().unwrap()).into_owned()
    }
}

fn lead(mut client: TcpStream, status: &str, heard: &Mutex<Vec<u8>>) -> std::io::Result<()> {
    let mut reader = BufReader::new(client.try_clone()?);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head)? == 0 {
            return Ok(());
        }
    }
    heard.lock().unwrap().extend_from_slice(head.as_bytes());
    write!(client, "HTTP/1.1 {status}\r\n\r\n")?;
    if !status.starts_with("200") {
        return Ok(());
    }
    let mut target = TcpStream::connect(head.split(' ').nth(1).unwrap_or_default())?;
    let (mut back, mut to_client) = (target.try_clone()?, client.try_clone()?);
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut back, &mut to_client);
        let _ = to_client.shutdown(Shutdown::Write);
    });
    let mut piece = [0; 4_096];
    loop {
        let read = reader.read(&mut piece)?;
        if read == 0 {
            return target.shutdown(Shutdown::Write);
        }
        heard.lock().unwrap().extend_from_slice(&piece[..read]);
        target.write_all(&piece[..read])?;
    }
}

/// Exit code, and what is said of the one trial: its output, or why there is none.
fn asked(server: &TlsServer, environment: &[(&str, &str)]) -> (i32, String) {
    let suite = "name = \"one\"\nprompt = \"one\"\n[cases]\nfile = \"cases.jsonl\"\n[[assert]]\nkind = \"contains\"\n\
                 value = \"x\"\n[[model]]\nid = \"openai/m\"\n";
    let mut project = Project::new()
        .binary(env!("CARGO_BIN_EXE_promptgate"))
        .file("issuer.pem", &server.issuer_pem)
        .file("suites/one/suite.toml", suite)
        .file("suites/one/prompts/one.prompt", "hello")
        .file("suites/one/cases.jsonl", "{\"id\":\"a\"}\n")
        .variable("OPENAI_API_KEY", "sk-hunter2-hunter2")
        .variable("OPENAI_BASE_URL", &format!("https://localhost:{}/v1", server.port));
    let issuer = project.path("issuer.pem").to_string_lossy().into_owned();
    for (name, value) in [("SSL_CERT_FILE", issuer.as_str())].iter().chain(environment) {
        project = project.variable(name, value);
    }
    let output = project.run(["run", "suites/one", "--live", "--no-retry", "--report", "jsonl=trials.jsonl"]);
    let trial: serde_json::Value = serde_json::from_str(project.read("trials.jsonl").trim()).unwrap();
    let said = trial["response"]["output"].as_str().or(trial["error"]["unanswered"]["message"].as_str());
    (output.code, said.unwrap_or_default().to_owned())
}

#[test]
fn https_goes_straight_or_through_a_proxy_that_learns_nothing_but_where_to() {
    let (server, proxy) = (TlsServer::start("localhost", 2099), Proxy::start("200 OK"));
    assert_eq!(asked(&server, &[]), (0, "x".to_owned()));
    let at = format!("http://me:swordfish@127.0.0.1:{}", proxy.port);
    assert_eq!(asked(&server, &[("HTTPS_PROXY", &at), ("NO_PROXY", "localhost")]), (0, "x".to_owned()));
    assert_eq!(proxy.heard(), "");
    assert_eq!(asked(&server, &[("HTTPS_PROXY", &at), ("NO_PROXY", "elsewhere")]), (0, "x".to_owned()));
    let heard = proxy.heard();
    assert!(heard.starts_with(&format!("CONNECT localhost:{} HTTP/1.1\r\n", server.port)), "{heard}");
    // `me:swordfish`, as HTTP has it.
    assert!(heard.contains("Basic bWU6c3dvcmRmaXNo\r\n"), "{heard}");
    assert!(!heard.contains("hunter2") && !heard.contains("authorization: Bearer"), "{heard}");
}

#[test]
fn a_proxy_may_be_named_without_its_scheme_and_its_refusal_is_told() {
    let (server, proxy) = (TlsServer::start("localhost", 2099), Proxy::start("407 Proxy Authentication Required"));
    let at = format!("127.0.0.1:{}", proxy.port);
    let (code, said) = asked(&server, &[("HTTPS_PROXY", &at)]);
    assert_ne!(code, 0);
    let expected = format!(
        "cannot connect to localhost:{} (HTTPS goes through the proxy {at}): tunnel error: proxy authorization required; \
         name it as `http://user:password@host:port`",
        server.port
    );
    assert_eq!(said, expected);
}
