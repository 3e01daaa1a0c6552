//! Programs and endpoints of the user's own that assertions ask for a score. Off unless programs are allowed: an endpoint
//! gets outputs and cases, which are nobody else's business.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use promptgate_core::answer::{Failure, FailureKind};
use promptgate_core::ask::{Consultant, Consultation};
use promptgate_core::format::project::ProviderSettings;
use promptgate_core::python;
use promptgate_core::secret::Scrubber;
use promptgate_core::{Diagnostic, Digest};
use serde_json::{Map, Value};
use tokio::time::Instant;

use crate::FailedCall;
use crate::doubled::doubled_key;
use crate::endpoint::{Endpoint, Place};
use crate::exec::HOW_TO_ALLOW;
use crate::http::{self, Exchange, overslept};
use crate::middleware::{Guard, RetryPolicy, Told, scrubbed_json};
use crate::program::Program;
use crate::set::{BuildContext, Setup, SetupError};
use crate::stack::Calling;
use crate::wire::{parsed, refusal};

/// Those that the assertions of a run may ask.
#[derive(Clone, Default)]
pub(crate) struct Consultants {
    known: HashMap<Consultant, Arc<Known>>,
    scrubber: Scrubber,
    /// How an endpoint is asked again; a program that fails has no outage to wait for.
    retry: RetryPolicy,
}

enum Known {
    Program(Program),
    Endpoint(Arc<Endpoint>, Box<Guard>),
}

/// What an endpoint said in the end, and in how many attempts.
struct Said {
    result: Result<Value, Failure>,
    attempts: u32,
}

impl Told for Said {
    fn failure(&self) -> Option<&Failure> {
        self.result.as_ref().err()
    }

    fn attempts(&self) -> u32 {
        self.attempts
    }

    fn after(self, earlier: Self) -> Self {
        Self { attempts: self.attempts.saturating_add(earlier.attempts), ..self }
    }
}

impl Consultants {
    /// Makes them ready; nothing is started or called before it is asked.
    pub(crate) fn build(wanted: Vec<Consultant>, setup: &Setup<'_>) -> Result<Self, SetupError> {
        let mut known = HashMap::new();
        for consultant in wanted {
            if !setup.allow_exec {
                let message = format!("an assertion asks {}, and programs are off", named(&consultant));
                return Err(Diagnostic::new(message).help(HOW_TO_ALLOW).into());
            }
            let ready = ready(&consultant, setup)?;
            known.insert(consultant, Arc::new(ready));
        }
        Ok(Self { known, scrubber: setup.scrubber.clone(), retry: RetryPolicy::none() })
    }

    /// The same, where endpoints are called as models are.
    pub(crate) fn under(&self, calling: &Calling<'_>) -> Self {
        let guarded = |(whom, known): (&Consultant, &Arc<Known>)| {
            let known = match known.as_ref() {
                Known::Program(_) => known.clone(),
                Known::Endpoint(endpoint, _) => {
                    let guard = Box::new(Guard::new(named(whom), calling.fail_fast, calling.listener.clone()));
                    Arc::new(Known::Endpoint(endpoint.clone(), guard))
                }
            };
            (whom.clone(), known)
        };
        let known = self.known.iter().map(guarded).collect();
        Self { known, retry: calling.policy(), scrubber: self.scrubber.clone() }
    }

    /// Puts one question.
    pub(crate) async fn ask(&self, consultation: Consultation) -> Result<Value, Failure> {
        let limit = Duration::from_millis(consultation.timeout_ms);
        let input = match consultation.input {
            Value::Object(input) => input,
            other => Map::from_iter([("input".to_owned(), other)]),
        };
        let said = match self.known.get(&consultation.whom).map(Arc::as_ref) {
            Some(Known::Program(program)) => program.ask(input, limit).await.map_err(|failed| failed.failure),
            Some(Known::Endpoint(endpoint, guard)) => {
                let input = Value::from(input);
                let asked = Digest::of_json(&input);
                let said = guard.see_through(&asked, || self.posted(endpoint, &input, &asked, limit));
                said.await.and_then(|said| said.result)
            }
            None => {
                let message = format!("nothing was said of {} before the run", named(&consultation.whom));
                Err(Failure::new(FailureKind::BadRequest, message))
            }
        };
        match said {
            Ok(reply) => Ok(scrubbed_json(reply, &self.scrubber)),
            Err(failure) => {
                let message = self.scrubber.scrub(&failure.message).into_owned();
                Err(Failure { message, ..failure })
            }
        }
    }

    async fn posted(&self, endpoint: &Arc<Endpoint>, input: &Value, asked: &Digest, limit: Duration) -> Said {
        let (result, attempts) = self.retry.persist(asked, || post(endpoint.clone(), input.clone(), limit)).await;
        Said { result, attempts }
    }
}

fn ready(consultant: &Consultant, setup: &Setup<'_>) -> Result<Known, SetupError> {
    Ok(match consultant {
        Consultant::Program { command, folder } => Known::Program(Program::new(
            command.clone(),
            setup.root.join(folder),
            setup.scrubber.clone(),
            Program::usual_most(),
        )),
        Consultant::Endpoint(url) => {
            let settings = ProviderSettings::default();
            let context = BuildContext { name: "http", settings: &settings, setup };
            let endpoint = Arc::new(Endpoint::keyless(&context, &Place::at(url)?)?);
            Known::Endpoint(endpoint, Box::new(Guard::new(named(consultant), false, Arc::new(|_| {}))))
        }
    })
}

async fn post(endpoint: Arc<Endpoint>, input: Value, timeout: Duration) -> Result<Value, FailedCall> {
    let deadline = Instant::now() + timeout;
    match tokio::time::timeout_at(deadline, exchange(&endpoint, &input, timeout)).await {
        Ok(came) => read(&came?, &endpoint),
        Err(_) if overslept(deadline) => {
            Err(FailedCall::new(FailureKind::Connection, "the endpoint was cut off, since this machine stood still"))
        }
        Err(_) => {
            let message = format!("the endpoint took longer than {} ms", timeout.as_millis());
            Err(FailedCall::new(FailureKind::ModelTimeout, message))
        }
    }
}

async fn exchange(endpoint: &Endpoint, input: &Value, timeout: Duration) -> Result<Exchange, FailedCall> {
    let unbuilt = || FailedCall::new(FailureKind::BadRequest, "the question cannot be put into a request");
    let request = http::post(&endpoint.base, input).ok_or_else(unbuilt)?;
    endpoint.transport.send(request, timeout, None).await
}

/// What says where an endpoint is, and longer replies are cut in messages.
const PLACE: &str = "`url` of the assertion";
const SHOWN: usize = 120;

/// Strict, as a program is read: what says two things, or a number that none is, is no answer, and would be none if it were
/// asked for again.
fn read(exchange: &Exchange, endpoint: &Endpoint) -> Result<Value, FailedCall> {
    let scrubber = endpoint.transport.scrubber();
    if !(200..300).contains(&exchange.status) {
        let mut failure = refusal(exchange, endpoint.clock.now_ms(), scrubber, PLACE);
        if failure.kind == FailureKind::Credential {
            failure.message.push_str("; no key is sent to an endpoint that scores, so it must take calls without one");
        }
        return Err(failure.into());
    }
    let shown = || -> String {
        let text = String::from_utf8_lossy(&exchange.body);
        scrubber.scrub(&text).split_whitespace().collect::<Vec<_>>().join(" ").chars().take(SHOWN).collect()
    };
    let broken =
        |kind, why: String| Err(FailedCall::from(Failure::new(kind, format!("the endpoint {why}: {}", shown()))));
    if let Some(key) = doubled_key(&exchange.body) {
        return broken(FailureKind::Crash, format!("answered with the key `{}` twice", scrubber.scrub(&key)));
    }
    match parsed(&exchange.body) {
        Ok(reply) => Ok(reply),
        Err(error) if is_of_no_number(&exchange.body, &error) => {
            broken(FailureKind::Crash, "answered with a score that is no finite number".to_owned())
        }
        Err(_) if exchange.body.is_empty() => broken(FailureKind::Server, "answered with nothing".to_owned()),
        // A page of something that stands before it may be gone the next time.
        Err(error) => broken(FailureKind::Server, format!("answered with what is not JSON ({error})")),
    }
}

/// Whether a text would be JSON but for a number that is too large (`1e400`), or that is none (`NaN`, as Python writes it).
fn is_of_no_number(text: &[u8], error: &serde_json::Error) -> bool {
    let line = text.split(|byte| *byte == b'\n').nth(error.line().saturating_sub(1)).unwrap_or_default();
    let from = line.get(error.column().saturating_sub(2)..).unwrap_or_default();
    let words: [&[u8]; 3] = [b"NaN", b"Infinity", b"-Infinity"];
    let is_word = words.iter().any(|word| (0..2).any(|at| from.get(at..).is_some_and(|rest| rest.starts_with(word))));
    is_word || error.to_string().starts_with("number out of range")
}

fn named(consultant: &Consultant) -> String {
    match consultant {
        Consultant::Program { command, .. } => format!("the program `{}`", python::named(command)),
        Consultant::Endpoint(url) => format!("the endpoint {url}"),
    }
}
