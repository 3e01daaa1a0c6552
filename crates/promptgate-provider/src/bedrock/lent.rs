//! Keys that are lent for a time: by a program that a profile names (`credential_process`), or by the container.
//!
//! Asking blocks. What was said is never repeated: it may be half a key.

use std::io::Read;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::time::Duration;

use http::header::{ACCEPT, AUTHORIZATION, HeaderValue};
use promptgate_core::secret::{Scrubber, Secret};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use url::Url;

use super::credentials::Credentials;
use crate::http::{Limits, Transport, get};
use crate::key;
use crate::set::BuildContext;

/// How long a program may take: it may ask a person.
const PROGRAM: Duration = Duration::from_secs(60);

/// How long a container may take.
const CONTAINER: Duration = Duration::from_secs(10);

/// A longer reply holds no keys.
const LONGEST: u64 = 64 << 10;

/// Where containers of AWS find their keys: ECS, and EKS over both protocols.
const OF_AWS: [&str; 3] = ["169.254.170.2", "169.254.170.23", "[fd00:ec2::23]"];

/// Keys, and when they end, milliseconds since 1970.
pub(super) struct Lent {
    pub(super) credentials: Credentials,
    pub(super) ends_ms: Option<u64>,
}

/// Who lends keys.
pub(super) enum Lender {
    Program(Vec<String>),
    Container { url: Url, token: Token },
}

/// What a container is shown.
pub(super) enum Token {
    None,
    Said(Secret),
    /// It changes, so it is read each time.
    InFile(PathBuf),
}

impl Lender {
    /// The program of a profile, and its arguments.
    pub(super) fn of_program(command: &str) -> Result<Self, String> {
        match words(command) {
            Some(words) if !words.is_empty() => Ok(Self::Program(words)),
            _ => Err("its `credential_process` is no command: a quote is not closed, or there is no word".to_owned()),
        }
    }

    /// The container, where the environment says that this runs in one.
    pub(super) fn of_container(context: &BuildContext<'_>) -> Option<Result<Self, String>> {
        let url = match key::set(context, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI") {
            Some(path) if !path.starts_with('/') => Err("its relative address does not begin with `/`".to_owned()),
            Some(path) => may_be_asked(&format!("http://{}{path}", OF_AWS[0])),
            None => may_be_asked(&key::set(context, "AWS_CONTAINER_CREDENTIALS_FULL_URI")?),
        };
        let token = key::set(context, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE").map(|path| Token::InFile(path.into()));
        let said = || key::set(context, "AWS_CONTAINER_AUTHORIZATION_TOKEN").map(|said| Token::Said(Secret::new(said)));
        let token = token.or_else(said).unwrap_or(Token::None);
        Some(url.map(|url| Self::Container { url, token }))
    }

    /// Asks, and waits for what is lent.
    pub(super) fn ask(&self, scrubber: &Scrubber) -> Result<Lent, String> {
        match self {
            Self::Program(words) => {
                let said = run(words, PROGRAM).map_err(|why| format!("its `credential_process` {why}"))?;
                of_program(&said).map_err(|why| format!("what its `credential_process` printed {why}"))
            }
            Self::Container { url, token } => {
                let said = fetched(url, token.read(scrubber)?, scrubber)?;
                of_container(&said).map_err(|why| format!("what it answered {why}"))
            }
        }
    }
}

impl Token {
    fn read(&self, scrubber: &Scrubber) -> Result<Option<HeaderValue>, String> {
        let secret = match self {
            Self::None => return Ok(None),
            Self::Said(secret) => secret.clone(),
            Self::InFile(path) => {
                let text = std::fs::read_to_string(path);
                let text = text.map_err(|error| format!("the file of its token cannot be read: {error}"))?;
                Secret::new(text.trim())
            }
        };
        scrubber.learn(&secret);
        // Behind the name of a scheme (`Bearer`) stands what is secret by itself.
        secret.expose().split_once(' ').into_iter().for_each(|(_, bare)| scrubber.learn(&Secret::new(bare.trim())));
        let value = HeaderValue::try_from(secret.expose());
        let mut value = value.map_err(|_| "its token holds a line feed or a control character".to_owned())?;
        value.set_sensitive(true);
        Ok(Some(value))
    }
}

/// Keys are asked for on this machine, at the addresses of AWS's containers, or encrypted.
fn may_be_asked(address: &str) -> Result<Url, String> {
    let url = Url::parse(address).map_err(|_| "its address is not a URL".to_owned())?;
    let host = url.host_str().unwrap_or_default();
    let is_loopback = host == "localhost"
        || host.trim_matches(['[', ']']).parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback());
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_loopback || OF_AWS.contains(&host) => Ok(url),
        _ => Err("its address is neither https nor on this machine".to_owned()),
    }
}

/// Runs a program, without a shell, and gives what it printed.
fn run(words: &[String], limit: Duration) -> Result<Vec<u8>, String> {
    let (program, arguments) = words.split_first().ok_or("names no program")?;
    let mut run = Command::new(program);
    run.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit());
    let mut child = run.spawn().map_err(|error| format!("cannot be run: {error}"))?;
    let Some(stdout) = child.stdout.take() else { return Err("has no output".to_owned()) };
    let process = Pid::from_child(&child);
    let (done, over) = channel();
    // A thread of its own: whoever the program has left behind may hold the pipe open for ever.
    std::thread::spawn(move || {
        let mut said = Vec::new();
        let read = stdout.take(LONGEST).read_to_end(&mut said);
        let ended = read.and_then(|_| child.wait()).map(|status| (status, said));
        // Nobody waits any more where it took too long.
        let _ = done.send(ended);
    });
    match over.recv_timeout(limit) {
        Ok(Ok((status, said))) if status.success() => Ok(said),
        Ok(Ok((status, _))) => Err(format!("ended with {status}")),
        Ok(Err(error)) => Err(format!("cannot be read: {error}")),
        Err(_) => {
            // It may have ended by itself just now.
            let _ = kill_process(process, Signal::KILL);
            Err(format!("took longer than {} s", limit.as_secs()))
        }
    }
}

/// Asks a container, on a thread and a runtime of its own: this may be called with and without one around it.
fn fetched(url: &Url, token: Option<HeaderValue>, scrubber: &Scrubber) -> Result<Vec<u8>, String> {
    let ask = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.map_err(|error| format!("it cannot be asked: {error}"))?.block_on(fetch(url, token, scrubber))
    };
    let broken = || Err("asking it broke off".to_owned());
    std::thread::scope(|scope| scope.spawn(ask).join().unwrap_or_else(|_| broken()))
}

async fn fetch(url: &Url, token: Option<HeaderValue>, scrubber: &Scrubber) -> Result<Vec<u8>, String> {
    let limits = Limits {
        connect: CONTAINER,
        first_byte: Some(CONTAINER),
        idle: CONTAINER,
        thinking: Some(CONTAINER),
        body_bytes: LONGEST as usize,
    };
    let transport = Transport::new(url, limits, scrubber, None).map_err(|mistake| mistake.to_string())?;
    let mut request = get(url.as_str()).ok_or("it cannot be asked")?;
    request.headers_mut().insert(ACCEPT, HeaderValue::from_static("application/json"));
    token.into_iter().for_each(|token| drop(request.headers_mut().insert(AUTHORIZATION, token)));
    let came = transport.send(request, CONTAINER, None).await.map_err(|failed| failed.to_string())?;
    match came.status {
        200..300 => Ok(came.body),
        status => Err(format!("it answered HTTP {status}")),
    }
}

fn of_program(said: &[u8]) -> Result<Lent, String> {
    let said = json(said)?;
    match said["Version"].as_u64() {
        Some(1) => lent(&said, "SessionToken"),
        _ => Err("is not of `Version` 1".to_owned()),
    }
}

fn of_container(said: &[u8]) -> Result<Lent, String> {
    lent(&json(said)?, "Token")
}

fn json(said: &[u8]) -> Result<Value, String> {
    serde_json::from_slice(said).map_err(|_| "is not JSON".to_owned())
}

fn lent(said: &Value, session: &str) -> Result<Lent, String> {
    let of = |key: &str| said[key].as_str().filter(|value| !value.is_empty()).map(Secret::new);
    let must = |key: &str| of(key).ok_or_else(|| format!("has no `{key}`"));
    let credentials = Credentials { id: must("AccessKeyId")?, secret: must("SecretAccessKey")?, session: of(session) };
    let ends = said["Expiration"].as_str().map(|text| text.parse::<jiff::Timestamp>());
    let ends = ends.transpose().map_err(|_| "has an `Expiration` that is no time".to_owned())?;
    // What ended before 1970 has ended.
    Ok(Lent { credentials, ends_ms: ends.map(|ends| u64::try_from(ends.as_millisecond()).unwrap_or(0)) })
}

/// The words of a command as a shell splits them, with nothing expanded; nothing where a quote is not closed.
fn words(command: &str) -> Option<Vec<String>> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    let mut rest = command.chars();
    while let Some(next) = rest.next() {
        match (quote, next) {
            (None, ' ' | '\t') => words.extend(word.take()),
            (None, '"' | '\'') => {
                quote = Some(next);
                word.get_or_insert_default();
            }
            (Some(open), _) if next == open => quote = None,
            (None | Some('"'), '\\') => word.get_or_insert_default().push(rest.next()?),
            _ => word.get_or_insert_default().push(next),
        }
    }
    words.extend(word);
    quote.is_none().then_some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_split_as_a_shell_would_and_nothing_is_expanded() {
        let check = |command: &str, expected: &[&str]| assert_eq!(words(command).unwrap(), expected, "{command}");
        check("/bin/get keys", &["/bin/get", "keys"]);
        check("  \"/a b/get\"  --x='y z' ''", &["/a b/get", "--x=y z", ""]);
        check(r#"a\ b "c\"d" 'e\f' $HOME `id`"#, &["a b", "c\"d", "e\\f", "$HOME", "`id`"]);
        check("", &[]);
        assert_eq!(words("a 'b"), None);
    }

    #[test]
    fn a_program_that_takes_too_long_is_ended() {
        let told = run(&["sleep".to_owned(), "60".to_owned()], Duration::from_millis(50));
        assert_eq!(told.unwrap_err(), "took longer than 0 s");
    }

    #[test]
    fn a_container_is_asked_on_this_machine_at_addresses_of_aws_or_encrypted() {
        for url in ["http://127.0.0.1:80/x", "http://[::1]/", "http://169.254.170.23/v1", "https://keys.example/x"] {
            assert!(may_be_asked(url).is_ok(), "{url}");
        }
        for url in ["http://keys.example/", "http://127.0.0.1.example/", "ftp://127.0.0.1/", "x"] {
            assert!(may_be_asked(url).is_err(), "{url}");
        }
    }

    #[test]
    fn what_is_lent_has_both_keys_and_may_end() {
        let text = r#"{"Version":1,"AccessKeyId":"A","SecretAccessKey":"s","SessionToken":"t","Expiration":"1970-01-01T00:00:07Z"}"#;
        let lent = of_program(text.as_bytes()).unwrap();
        assert_eq!((lent.credentials.session.unwrap().expose(), lent.ends_ms), ("t", Some(7_000)));
        let why = |text: &str| of_program(text.as_bytes()).err().unwrap();
        assert_eq!(why("{}"), "is not of `Version` 1");
        assert_eq!(why("hunter2"), "is not JSON");
        assert_eq!(why(r#"{"Version":1,"AccessKeyId":"A"}"#), "has no `SecretAccessKey`");
        assert_eq!(why(&text.replace("1970", "soon")), "has an `Expiration` that is no time");
        let of_container = of_container(br#"{"AccessKeyId":"A","SecretAccessKey":"s","Token":"t"}"#).unwrap();
        assert_eq!((of_container.credentials.session.unwrap().expose(), of_container.ends_ms), ("t", None));
    }
}
