//! Programs and endpoints of the user's own that assertions ask for a score. Off unless programs are allowed: an endpoint
//! gets outputs and cases, which are nobody else's business.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use promptgate_core::Diagnostic;
use promptgate_core::answer::{Failure, FailureKind};
use promptgate_core::ask::{Consultant, Consultation};
use promptgate_core::format::project::ProviderSettings;
use promptgate_core::python;
use promptgate_core::secret::Scrubber;
use serde_json::{Map, Value};

use crate::FailedCall;
use crate::endpoint::{Endpoint, Place};
use crate::exec::HOW_TO_ALLOW;
use crate::middleware::scrubbed_json;
use crate::program::Program;
use crate::set::{BuildContext, Setup, SetupError};
use crate::wire::Call;

/// Those that the assertions of a run may ask.
#[derive(Clone, Default)]
pub(crate) struct Consultants {
    known: HashMap<Consultant, Arc<Known>>,
    scrubber: Scrubber,
}

enum Known {
    Program(Program),
    Endpoint(Arc<Endpoint>),
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
        Ok(Self { known, scrubber: setup.scrubber.clone() })
    }

    /// Puts one question.
    pub(crate) async fn ask(&self, consultation: Consultation) -> Result<Value, Failure> {
        let limit = Duration::from_millis(consultation.timeout_ms);
        let input = match consultation.input {
            Value::Object(input) => input,
            other => Map::from_iter([("input".to_owned(), other)]),
        };
        let said = match self.known.get(&consultation.whom).map(Arc::as_ref) {
            Some(Known::Program(program)) => program.ask(input, limit).await,
            Some(Known::Endpoint(endpoint)) => post(endpoint.clone(), input, limit).await,
            None => {
                let message = format!("nothing was said of {} before the run", named(&consultation.whom));
                Err(FailedCall::new(FailureKind::BadRequest, message))
            }
        };
        match said {
            Ok(reply) => Ok(scrubbed_json(reply, &self.scrubber)),
            Err(failed) => {
                let message = self.scrubber.scrub(&failed.failure.message).into_owned();
                Err(Failure { message, ..failed.failure })
            }
        }
    }
}

fn ready(consultant: &Consultant, setup: &Setup<'_>) -> Result<Known, SetupError> {
    Ok(match consultant {
        Consultant::Program { command, folder } => {
            Known::Program(Program::new(command.clone(), setup.root.join(folder), Program::usual_most()))
        }
        Consultant::Endpoint(url) => {
            let settings = ProviderSettings::default();
            let context = BuildContext { name: "http", settings: &settings, setup };
            Known::Endpoint(Arc::new(Endpoint::keyless(&context, &Place::at(url)?)?))
        }
    })
}

async fn post(endpoint: Arc<Endpoint>, input: Map<String, Value>, timeout: Duration) -> Result<Value, FailedCall> {
    let call = Call { endpoint, path: String::new(), timeout, stream: None };
    match tokio::time::timeout(timeout, call.post(input.into())).await {
        Ok(came) => Ok(came?.reply),
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
