//! `scripted`: answers, latencies and faults as a function of the case, by seed. The double that tests and users rehearse
//! with: the same script gives the same answers on any machine, in any order, for any number of calls at once.

mod calls;
mod script;
mod template;

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use promptgate_core::answer::{Failure, FailureKind, FinishReason, Response};
use promptgate_core::port::TreePath;
use promptgate_core::request::Request;
use promptgate_core::{Diagnostic, Digest};

use crate::registry::{Built, ProviderKind};
use crate::set::{BuildContext, SetupError};
use crate::{BoxFuture, FailedCall, Provider};
use calls::CallsLog;
use script::Script;

/// The line of the registry.
pub(crate) const KIND: ProviderKind = ProviderKind {
    name: "scripted",
    summary: "answers from a script: a function of the case, with latencies and faults by seed",
    environment: &[],
    example: "scripted/any",
    api: None,
    build,
};

fn build(context: &BuildContext<'_>) -> Result<Built, SetupError> {
    let section = format!("[provider.{}]", context.name);
    let Some(path) = &context.settings.script else {
        let help = format!("add `script = \"script.toml\"` under `{section}` in promptgate.toml");
        return Err(Diagnostic::new("the scripted provider has no script").help(help).into());
    };
    let unreadable =
        |error: promptgate_core::port::TreeError| Diagnostic::new(format!("`script` of {section}: {error}"));
    let text = context.setup.tree.read_text(&TreePath::new(path).map_err(unreadable)?).map_err(unreadable)?;
    let script = Script::parse(path, &text)?;
    let calls = script.calls_log.as_deref().map(|log| CallsLog::open(context.setup.root, log)).transpose()?;
    let source = format!("scripted:{}", Digest::of_bytes(text.as_bytes()));
    Ok(Built::new(Scripted { script, calls, attempts: Mutex::default() }, source))
}

/// Plays a script.
struct Scripted {
    script: Script,
    calls: Option<CallsLog>,
    /// Calls so far, by request and repeat; only kept where something depends on it.
    attempts: Mutex<HashMap<(u128, u32), u32>>,
}

impl Provider for Scripted {
    fn call<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Response, FailedCall>> {
        Box::pin(async move {
            let attempt = self.count(request);
            if let Some(calls) = &self.calls {
                calls.write(request, attempt)?;
            }
            let latency = self.script.latency(request);
            self.wait(request, latency).await?;
            match self.script.fault(request, attempt) {
                Some(failure) => Err(failure.into()),
                None => Ok(self.respond(request, latency)),
            }
        })
    }
}

impl Scripted {
    /// Which call of this request and repeat this is, from 1.
    fn count(&self, request: &Request) -> u32 {
        if self.calls.is_none() && !self.script.counts_attempts() {
            return 1;
        }
        let mut attempts = self.attempts.lock().unwrap_or_else(PoisonError::into_inner);
        let attempt = attempts.entry((request.digest.prefix128(), request.repeat)).or_default();
        *attempt += 1;
        *attempt
    }

    /// Takes as long as the script says, or as the model may.
    async fn wait(&self, request: &Request, latency: Option<Duration>) -> Result<(), Failure> {
        let Some(latency) = latency else { return Ok(()) };
        let allowed = Duration::from_millis(request.timeout_ms);
        if self.script.sleep {
            tokio::time::sleep(latency.min(allowed)).await;
        }
        if latency <= allowed {
            return Ok(());
        }
        let message = format!("the model took longer than its timeout of {} ms", request.timeout_ms);
        Err(Failure::new(FailureKind::ModelTimeout, message))
    }

    fn respond(&self, request: &Request, latency: Option<Duration>) -> Response {
        Response {
            finish_reason: self.script.finish_reason(request).map_or(FinishReason::Stop, FinishReason::normalise),
            usage: self.script.usage(request),
            latency_ms: latency.map(|latency| latency.as_millis() as u64),
            returned_model: self.script.returned_model(request).map(str::to_owned),
            ..Response::text(self.script.answer(request))
        }
    }
}
