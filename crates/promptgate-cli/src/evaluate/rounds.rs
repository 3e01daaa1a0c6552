//! Carrying a plan out share by share into one log: a gate that may stop early looks after each batch, and cases that are
//! about to break a rule are called again. What comes next is decided by the fold of what is on disk.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use promptgate_core::event::{Event, Listener};
use promptgate_core::name::RunId;
use promptgate_core::port::{PortError, RunLog};
use promptgate_core::record::{BegunTrial, Purpose, SettledRecord, SettledTrial};
use promptgate_core::report::words::counted;
use promptgate_provider::{Answerer, Saved};
use promptgate_runner::{
    Calls, Counts, FailedCases, Job, Limits, RunOutcome, Share, Stop, Supply, execute, survey, survey_confirmations,
};
use promptgate_scoring::fold::{confirmations, gate_report, is_settled};
use promptgate_store::SystemClock;
use promptgate_store::run::RunFile;

use super::assembly::Assembly;
use super::forecast::must_have_keys;
use super::run_failure;
use crate::error::Failure;
use crate::output::Output;
use crate::session::Session;

/// One log that several executions append to; it ends when the last one is over. It comes behind the run's recording.
#[derive(Clone)]
struct OpenEnd {
    log: Arc<Mutex<dyn RunLog>>,
    recorded: Option<Saved>,
}

impl RunLog for OpenEnd {
    fn append(&mut self, trial: &SettledTrial) -> Result<usize, PortError> {
        self.log().append(trial)
    }

    fn append_begun(&mut self, trial: &BegunTrial) -> Result<usize, PortError> {
        self.log().append_begun(trial)
    }

    fn commit(&mut self) -> Result<(), PortError> {
        self.behind_recording().commit()
    }

    /// An execution is over, the run may go on: only what is settled is made safe.
    fn finish(&mut self) -> Result<(), PortError> {
        self.commit()
    }
}

impl OpenEnd {
    fn log(&self) -> MutexGuard<'_, dyn RunLog + 'static> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn behind_recording(&self) -> MutexGuard<'_, dyn RunLog + 'static> {
        if let Some(recorded) = &self.recorded {
            recorded.wait();
        }
        self.log()
    }
}

/// What every round of a run has in common.
pub struct Rounds<'a> {
    pub session: &'a Session,
    pub assembly: &'a Assembly,
    pub run: RunId,
    pub supply: Supply,
    pub answerer: Arc<dyn Answerer>,
    pub listener: Listener,
    pub stop: Stop,
    pub limits: Limits,
    /// What must be on disk before the log says that a trial is settled.
    pub recorded: Option<Saved>,
    /// Planned trials that were settled before a resume.
    pub settled_before: u64,
    /// What to do where it is broken off.
    pub go_on: String,
}

/// How the rounds ended.
pub enum Ended {
    /// The run has come to its end, and its log says so.
    Complete,
    /// It was stopped: the reason, and the trials settled by this process.
    Incomplete(String, u64),
}

impl Rounds<'_> {
    /// Carries out what the plan and its looks ask for. `counts` are those of the whole plan.
    pub fn carry_out(&self, log: RunFile, counts: &Counts, out: &Output) -> Result<Ended, Failure> {
        (self.listener)(counts.planned());
        let log = OpenEnd { log: Arc::new(Mutex::new(log)), recorded: self.recorded.clone() };
        let mut tally = 0;
        let ended = self.all(&log, counts, &mut tally, out);
        (self.listener)(Event::Finished);
        match ended? {
            Some(reason) => Ok(Ended::Incomplete(reason, tally)),
            None => match log.behind_recording().finish() {
                Ok(()) => Ok(Ended::Complete),
                Err(cause) => Ok(Ended::Incomplete(cause.to_string(), tally)),
            },
        }
    }

    /// Round after round; the reason where the run was stopped.
    fn all(&self, log: &OpenEnd, counts: &Counts, tally: &mut u64, out: &Output) -> Result<Option<String>, Failure> {
        let shares = self.assembly.prepared.shares();
        let (looks, mut reached) = (shares.len(), 0);
        for (look, share) in shares.into_iter().enumerate() {
            let counts = if looks == 1 { *counts } else { survey(&self.assembly.prepared, &self.supply, &share)? };
            reached += counts.trials;
            if let Some(reason) = self.round(log, share, counts, tally)? {
                return Ok(Some(reason));
            }
            // A resumed run has passed this look before: it was not settled then.
            if self.settled_before + *tally > reached {
                continue;
            }
            if let Some(reason) = self.confirm(log, out)? {
                return Ok(Some(reason));
            }
            if look + 1 < looks && self.is_settled()? {
                out.say(&format!("settled at look {} of {looks}: no more is asked", look + 1));
                break;
            }
        }
        Ok(None)
    }

    fn round(&self, log: &OpenEnd, share: Share, counts: Counts, tally: &mut u64) -> Result<Option<String>, Failure> {
        if counts.open() == 0 {
            return Ok(None);
        }
        let outcome = self.execute(log, share, counts)?;
        *tally += outcome.tally().settled();
        Ok(match outcome {
            RunOutcome::Complete(_) => None,
            RunOutcome::Incomplete { reason, .. } => Some(reason),
        })
    }

    /// Calls again what is about to break a rule; these calls come on top of the plan.
    fn confirm(&self, log: &OpenEnd, out: &Output) -> Result<Option<String>, Failure> {
        if self.assembly.prepared.plan.confirm == 0 {
            return Ok(None);
        }
        let record = self.session.runs().open(self.run.as_str())?;
        if record.header().purpose != Purpose::Gate {
            return Ok(None);
        }
        // What is on record was asked and got no answer: it is not asked twice in one run.
        let plan = &self.assembly.prepared.plan;
        let mut open = Vec::new();
        for address in confirmations(&record)? {
            if record.trial(plan.index(address))?.is_none() {
                open.push(address);
            }
        }
        let counts = survey_confirmations(&self.assembly.prepared, &self.supply, &open)?;
        // The plan may have called nobody.
        must_have_keys(self.assembly, &counts)?;
        if counts.calls > 0 && self.supply.calls == Calls::Allowed {
            let calls = counted(counts.calls, "call", "calls");
            out.say(&format!("{calls} on top: cases that are about to break a rule are called again (`confirm`)"));
        }
        let mut on_top = 0;
        self.round(log, Share::Confirmations(open.into()), counts, &mut on_top)
    }

    /// The cases that have failed so far, in this round or another, by this process or the one before it.
    fn failed(&self) -> Result<FailedCases, Failure> {
        let (mut failed, most) = (FailedCases::default(), self.limits.max_fail);
        if most.is_some() {
            for trial in self.session.runs().open(self.run.as_str())?.trials() {
                failed.add(&self.assembly.prepared.plan, &trial?, most);
            }
        }
        Ok(failed)
    }

    fn is_settled(&self) -> Result<bool, Failure> {
        let record = self.session.runs().open(self.run.as_str())?;
        Ok(is_settled(&gate_report(&record)?))
    }

    fn execute(&self, log: &OpenEnd, share: Share, counts: Counts) -> Result<RunOutcome, Failure> {
        let job = Job {
            prepared: self.assembly.prepared.clone(),
            share,
            supply: self.supply.clone(),
            counts,
            answerer: self.answerer.clone(),
            log: Box::new(log.clone()),
            clock: Arc::new(SystemClock),
            listener: within_a_run(self.listener.clone()),
            stop: self.stop.clone(),
            limits: self.limits,
            failed: self.failed()?,
        };
        execute(job).map_err(|error| run_failure(&error, self.go_on.clone()))
    }
}

/// Rounds are one run to whoever watches: it is planned once, and finished once.
fn within_a_run(listener: Listener) -> Listener {
    Arc::new(move |event| {
        if !matches!(event, Event::Planned { .. } | Event::Finished) {
            listener(event);
        }
    })
}

#[cfg(test)]
mod tests {
    use promptgate_core::answer::Response;
    use promptgate_core::port::RecordingSink;
    use promptgate_core::request::Request;
    use promptgate_provider::Recorder;

    use super::*;

    /// A log and a recording that note what is put on disk.
    #[derive(Clone, Default)]
    struct Disk(Arc<Mutex<Vec<&'static str>>>);

    impl Disk {
        fn note(&self, what: &'static str) -> Result<(), PortError> {
            self.0.lock().unwrap().push(what);
            Ok(())
        }
    }

    impl RunLog for Disk {
        fn append(&mut self, _trial: &SettledTrial) -> Result<usize, PortError> {
            Ok(0)
        }

        fn append_begun(&mut self, _trial: &BegunTrial) -> Result<usize, PortError> {
            Ok(0)
        }

        fn commit(&mut self) -> Result<(), PortError> {
            self.note("log")
        }

        fn finish(&mut self) -> Result<(), PortError> {
            self.note("end")
        }
    }

    impl RecordingSink for Disk {
        fn record(&mut self, _request: &Request, _response: &Response) -> Result<(), PortError> {
            Ok(())
        }

        fn also_asked(&mut self, _request: &Request) -> Result<(), PortError> {
            Ok(())
        }

        fn sync(&mut self) -> Result<(), PortError> {
            self.note("recording")
        }

        fn finish(&mut self) -> Result<(), PortError> {
            Ok(())
        }
    }

    #[test]
    fn a_recording_is_on_disk_before_the_log_says_that_a_trial_is_settled() {
        let disk = Disk::default();
        let recorder = Recorder::start(Box::new(disk.clone()));
        let mut log = OpenEnd { log: Arc::new(Mutex::new(disk.clone())), recorded: Some(recorder.saved()) };
        log.commit().unwrap();
        RunLog::finish(&mut log).unwrap();
        assert_eq!(*disk.0.lock().unwrap(), ["recording", "log", "recording", "log"]);
    }
}
