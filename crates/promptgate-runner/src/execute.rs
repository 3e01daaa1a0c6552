//! Carrying a plan out: answer -> score -> log, each stage bounded, so that memory stays flat whatever is slow.

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use promptgate_core::event::{Event, Listener};
use promptgate_core::port::{Clock, PortError, PortErrorKind, RunLog};
use promptgate_provider::Answerer;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use crate::failed::FailedCases;
use crate::log::{GroupCommit, Writer, Written};
use crate::outcome::{RunError, RunOutcome};
use crate::prepare::Prepared;
use crate::share::Share;
use crate::stop::Stop;
use crate::survey::{Counts, Supply};

mod answered;
mod answering;
mod put_off;
mod scoring;

use answered::Answered;
pub(crate) use answered::bug;
use answering::{Broken, Desk};
use scoring::Scoring;

/// A plan to be carried out, and all it takes.
pub struct Job {
    /// The plan.
    pub prepared: Arc<Prepared>,
    /// Which of its trials are carried out now.
    pub share: Share,
    /// Where answers come from, apart from calls; the same that was surveyed.
    pub supply: Supply,
    /// What the survey found.
    pub counts: Counts,
    /// Answers trials and asks.
    pub answerer: Arc<dyn Answerer>,
    /// The run's log: opened, its header written.
    pub log: Box<dyn RunLog>,
    /// The time of day.
    pub clock: Arc<dyn Clock>,
    /// Hears what happens.
    pub listener: Listener,
    /// Ends the run early.
    pub stop: Stop,
    /// Bounds.
    pub limits: Limits,
    /// Cases of the run that have failed before, where [`Limits::max_fail`] counts them.
    pub failed: FailedCases,
}

/// Bounds of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Trials being answered at a time, 1 to 10,000.
    pub concurrency: usize,
    /// Asks of assertions being answered at a time, beside the trials.
    pub asks: usize,
    /// Stop after so many failed cases of the run; the rest is skipped.
    pub max_fail: Option<u64>,
    /// How long calls under way are awaited after a stop.
    pub grace: Duration,
    /// When the log is committed.
    pub commit: GroupCommit,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            concurrency: 32,
            asks: 32,
            max_fail: None,
            // What is left of the two seconds after Ctrl-C is for the last commit.
            grace: Duration::from_millis(1_500),
            commit: GroupCommit::default(),
        }
    }
}

/// Carries the plan out and returns once everything settled is on disk.
///
/// Blocks; the threads it needs (a tokio runtime for waiting, one that scores, one that writes the log) are its own.
///
/// # Errors
///
/// A log that fails for another reason than room, a case that does not read any more, a bug of ours. What was settled
/// until then is on disk, and the run can be resumed.
pub fn execute(job: Job) -> Result<RunOutcome, RunError> {
    let runtime = Builder::new_multi_thread().enable_all().thread_name("promptgate-run").build();
    let runtime = runtime.map_err(RunError::Threads)?;
    let listener = job.listener.clone();
    listener(job.counts.planned());
    let outcome = carry_out(job, &runtime);
    // Whatever still waits was aborted; it must not hold the prompt back.
    runtime.shutdown_background();
    listener(Event::Finished);
    outcome
}

fn carry_out(job: Job, runtime: &Runtime) -> Result<RunOutcome, RunError> {
    let desk = Arc::new(Desk::new(&job));
    if job.failed.are_enough(job.limits.max_fail) {
        desk.skip_the_rest();
    }
    let Job { counts, log, limits, failed, .. } = job;
    let stages = Stages::start(&desk, log, (&limits, failed), runtime).map_err(RunError::Threads)?;
    // More tasks than trials would only be started to find nothing left.
    let crew = (limits.concurrency.max(1) as u64).min(counts.open());
    let (scored, written) = stages.see_through(&desk, crew, limits.grace, runtime);
    let written = written.map_err(|_| RunError::Bug("the log's thread panicked"))?;
    scored.map_err(|_| RunError::Bug("the scoring thread panicked"))?;
    conclude(&desk, &counts, written)
}

/// The threads behind the answering tasks. Each ends when all that feed it are gone: tasks, then scoring, then the log.
struct Stages {
    answered: mpsc::Sender<Answered>,
    scoring: JoinHandle<()>,
    is_scored: oneshot::Receiver<()>,
    writer: Writer,
    /// Turns true when nothing is awaited any more: the grace of a stop is over, or the log has failed.
    over: Arc<watch::Sender<bool>>,
}

impl Stages {
    fn start(
        desk: &Arc<Desk>,
        log: Box<dyn RunLog>,
        (limits, failed): (&Limits, FailedCases),
        runtime: &Runtime,
    ) -> std::io::Result<Self> {
        let over = Arc::new(watch::Sender::new(false));
        let given_up = over.clone();
        let writer = Writer::start(log, limits.commit, desk.listener.clone(), move |_| {
            let _ = given_up.send_replace(true);
        })?;
        let (answered, to_score) = mpsc::channel(scoring::BATCH);
        let handle = runtime.handle().clone();
        let scorer = Scoring::new(desk.clone(), to_score, writer.sender(), over.subscribe(), handle, (limits, failed));
        let (done, is_scored) = oneshot::channel::<()>();
        let scoring = std::thread::Builder::new().name("promptgate-score".into()).spawn(move || {
            // Dropped when scoring ends, however it ends.
            let _done = done;
            scorer.run();
        })?;
        Ok(Self { answered, scoring, is_scored, writer, over })
    }

    /// Answers, scores and logs until nothing is left or the run is stopped.
    fn see_through(
        self,
        desk: &Arc<Desk>,
        crew: u64,
        grace: Duration,
        runtime: &Runtime,
    ) -> (std::thread::Result<()>, std::thread::Result<Written>) {
        let Self { answered, scoring, is_scored, writer, over } = self;
        runtime.block_on(async {
            let mut tasks = JoinSet::new();
            (0..crew).for_each(|_| drop(tasks.spawn(desk.clone().work(answered.clone()))));
            drop(answered);
            supervise(desk, tasks, &over, grace, is_scored).await;
        });
        (scoring.join(), writer.join())
    }
}

/// Waits until all is scored. After a stop, what is under way has the grace to end.
async fn supervise(
    desk: &Desk,
    mut tasks: JoinSet<()>,
    over: &watch::Sender<bool>,
    grace: Duration,
    mut is_scored: oneshot::Receiver<()>,
) {
    let mut is_over = over.subscribe();
    let mut deadline = None;
    loop {
        tokio::select! {
            _ = &mut is_scored => return,
            Some(ended) = tasks.join_next(), if !tasks.is_empty() => if ended.is_err() {
                desk.break_off(Broken::Bug("an answering task panicked"));
            },
            () = desk.stop.pulled(), if deadline.is_none() => {
                deadline = Some(Instant::now() + grace);
                desk.answerer.halt();
                (desk.listener)(Event::Stopping { reason: desk.stop.reason().unwrap_or_default() });
            }
            () = sleep_until(deadline.unwrap_or_else(Instant::now)), if deadline.is_some() && !*over.borrow() => {
                over.send_replace(true);
            }
            () = turned(&mut is_over), if !tasks.is_empty() => tasks.shutdown().await,
        }
    }
}

/// Waits until the flag is true.
async fn turned(flag: &mut watch::Receiver<bool>) {
    // Its sender outlives everyone who waits.
    let _ = flag.wait_for(|flag| *flag).await;
}

fn conclude(desk: &Desk, counts: &Counts, written: Written) -> Result<RunOutcome, RunError> {
    let tally = written.tally;
    let incomplete = |cause: PortError| match cause.kind {
        PortErrorKind::NoRoom => Ok(RunOutcome::Incomplete { reason: cause.to_string(), tally }),
        PortErrorKind::Corrupt | PortErrorKind::Newer | PortErrorKind::Other => {
            Err(RunError::Log { settled: tally.settled(), cause })
        }
    };
    let mut log = match written.log {
        Ok(log) => log,
        Err(cause) => return incomplete(cause),
    };
    match (desk.broken(), desk.stop.reason()) {
        (Some(Broken::Read(cause)), _) => Err(RunError::Read(cause)),
        (Some(Broken::Bug(what)), _) => Err(RunError::Bug(what)),
        (None, _) if tally.settled() == counts.open() => match log.finish() {
            Ok(()) => Ok(RunOutcome::Complete(tally)),
            Err(cause) => incomplete(cause),
        },
        (None, Some(reason)) => Ok(RunOutcome::Incomplete { reason, tally }),
        (None, None) => Err(RunError::Bug("trials were lost on their way to the log")),
    }
}
