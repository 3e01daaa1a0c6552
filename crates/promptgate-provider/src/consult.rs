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
use crate::endpoint::{Endpoint, Place};
use crate::exec::HOW_TO_ALLOW;
use crate::http::overslept;
use crate::middleware::{Guard, RetryPolicy, Told, scrubbed_json};
use crate::program::Program;
use crate::set::{BuildContext, Setup, SetupError};
use crate::stack::Calling;
use crate::wire::Call;

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
    Endpoint(Arc<Endpoint>, Guard),
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
                    let guard = Guard::new(named(whom), calling.fail_fast, calling.listener.clone());
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
            Known::Endpoint(endpoint, Guard::new(named(consultant), false, Arc::new(|_| {})))
        }
    })
}

async fn post(endpoint: Arc<Endpoint>, input: Value, timeout: Duration) -> Result<Value, FailedCall> {
    let call = Call { endpoint, path: String::new(), timeout, stream: None };
    let deadline = Instant::now() + timeout;
    match tokio::time::timeout_at(deadline, call.post(input)).await {
        Ok(came) => Ok(came?.reply),
        Err(_) if overslept(deadline) => {
            Err(FailedCall::new(FailureKind::Connection, "the endpoint was cut off, since this machine stood still"))
        }
        Err(_) => {
            let message = format!("the endpoint took longer than {} ms", timeout.as_millis());
            Err(FailedCall::new(FailureKind::ModelTimeout, message))
        }
    }
}

fn named(consultant: &Consultant) -> String {
    match consultant {
        Consultant::Program { command, .. } => format!("the program `{}`", python::named(command)),
        Consultant::Endpoint(url) => format!("the endpoint {url}"),
    }
}
