//! Programs of the user's own: long-lived processes that read a line of JSON and print a line of JSON.
//!
//! A request is one object on one line of standard input, with an `id` of our own; the reply is one object on one line of
//! standard output with the same `id`. A process is asked one thing at a time, so that it can be written without threads;
//! several processes of a program run at once. What a program prints to standard error is shown where it fails.
//!
//! A process that takes too long, dies or answers out of turn is killed with all that it has started, and the next
//! question gets a new one: nothing of a broken process reaches another trial.

mod process;

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use promptgate_core::answer::FailureKind;
use promptgate_core::python;
use serde_json::{Map, Value};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use crate::FailedCall;
use process::{Broken, Process};

/// The processes of one program.
pub(crate) struct Program {
    /// The program and its arguments.
    command: Vec<String>,
    /// Where it runs.
    folder: PathBuf,
    idle: Mutex<Vec<Process>>,
    permits: Semaphore,
}

impl Program {
    /// A program of which at most so many processes run at a time; none is started before it is asked.
    pub(crate) fn new(command: Vec<String>, folder: PathBuf, most: usize) -> Self {
        Self { command, folder, idle: Mutex::default(), permits: Semaphore::new(most.max(1)) }
    }

    /// The processes that run at a time unless somebody says otherwise: one a core.
    pub(crate) fn usual_most() -> usize {
        std::thread::available_parallelism().map_or(1, usize::from)
    }

    /// Puts a question to a process that has nothing to do, and says how long that took, without the wait for one. Dropping
    /// the future kills the process.
    pub(crate) async fn timed(
        &self,
        question: Map<String, Value>,
        limit: Duration,
    ) -> Result<(Value, Duration), FailedCall> {
        // The semaphore is never closed.
        let _permit = self.permits.acquire().await;
        let idle = self.idle().pop().filter(Process::is_fit);
        let mut process = match idle {
            Some(process) => process,
            None => Process::start(&self.command, &self.folder).map_err(|error| {
                let message = format!("cannot start `{}`: {error}", self.name());
                FailedCall::new(FailureKind::Crash, message)
            })?,
        };
        let began = Instant::now();
        match tokio::time::timeout(limit, process.ask(question)).await {
            Ok(Ok(reply)) => {
                let took = began.elapsed();
                self.idle().push(process);
                Ok((reply, took))
            }
            Ok(Err(reported @ Broken::Reports(_))) => {
                self.idle().push(process);
                Err(FailedCall::new(FailureKind::Crash, format!("`{}` {reported}", self.name())))
            }
            Ok(Err(broken)) => {
                let message = format!("`{}` {broken}", self.name());
                Err(FailedCall::new(FailureKind::Crash, process.last_words(message).await))
            }
            Err(_) => {
                let message = format!("`{}` took longer than {} ms", self.name(), limit.as_millis());
                Err(FailedCall::new(FailureKind::ModelTimeout, process.last_words(message).await))
            }
        }
    }

    /// The same without the time.
    pub(crate) async fn ask(&self, question: Map<String, Value>, limit: Duration) -> Result<Value, FailedCall> {
        self.timed(question, limit).await.map(|(reply, _)| reply)
    }

    /// What messages call it: the file and function of Python code, else the program.
    fn name(&self) -> String {
        match python::named(&self.command) {
            name if self.command.contains(&python::SHIM.to_owned()) => name,
            _ => self.command.first().cloned().unwrap_or_default(),
        }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Process>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
