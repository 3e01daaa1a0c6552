//! Programs of the user's own: long-lived processes that read a line of JSON and print a line of JSON.
//!
//! A request is one object on one line of standard input, with an `id` of our own; the reply is one object on one line of
//! standard output with the same `id`. A process is asked one thing at a time, so that it can be written without threads;
//! several processes of a program run at once. What a program prints to standard error is shown where it fails.
//!
//! A process that takes too long, dies or answers out of turn is killed with all that it has started, and the next
//! question gets a new one: nothing of a broken process reaches another trial. What a process that was asked before does
//! wrong may still be about the question before, so a fresh one is asked once more.

mod process;

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use promptgate_core::answer::FailureKind;
use promptgate_core::python;
use promptgate_core::secret::Scrubber;
use serde_json::{Map, Value};
use tokio::sync::Semaphore;

use crate::FailedCall;
pub use process::end_programs;
use process::{Broken, Process};

/// The processes of one program.
pub(crate) struct Program {
    /// The program and its arguments.
    command: Vec<String>,
    /// Where it runs.
    folder: PathBuf,
    scrubber: Scrubber,
    idle: Mutex<Vec<Process>>,
    permits: Semaphore,
}

impl Program {
    /// A program of which at most so many processes run at a time; none is started before it is asked.
    pub(crate) fn new(command: Vec<String>, folder: PathBuf, scrubber: Scrubber, most: usize) -> Self {
        Self { command, folder, scrubber, idle: Mutex::default(), permits: Semaphore::new(most.max(1)) }
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
        let mut process = match self.reusable() {
            Some(process) => process,
            None => self.start()?,
        };
        let mut said = process.ask(question.clone(), limit).await;
        if process.is_reused() && said.as_ref().is_err_and(Broken::may_be_late) {
            process = self.start()?;
            said = process.ask(question, limit).await;
        }
        match said {
            Ok(answered) => {
                self.idle().push(process);
                Ok(answered)
            }
            Err(reported @ Broken::Reports(_)) => {
                self.idle().push(process);
                Err(FailedCall::new(reported.kind(), format!("`{}` {reported}", self.name())))
            }
            Err(broken) => {
                let message = format!("`{}` {broken}", self.name());
                Err(FailedCall::new(broken.kind(), process.last_words(message).await))
            }
        }
    }

    /// A process that has nothing to do; those that are over, or speak unasked, end here.
    fn reusable(&self) -> Option<Process> {
        let mut idle = self.idle();
        std::iter::from_fn(|| idle.pop()).find_map(|mut process| process.is_fit().then_some(process))
    }

    fn start(&self) -> Result<Process, FailedCall> {
        Process::start(&self.command, &self.folder, &self.scrubber)
            .map_err(|error| FailedCall::new(FailureKind::Crash, format!("cannot start `{}`: {error}", self.name())))
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
