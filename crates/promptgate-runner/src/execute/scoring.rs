//! The second stage: one thread takes what is answered in batches, grades it, on all cores where that takes longer than a
//! moment, serves what assertions ask through the same answerer, and hands the settled trials to the log.

use std::collections::{BTreeMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use promptgate_core::Digest;
use promptgate_core::answer::Response;
use promptgate_core::ask::{Ask, Reply};
use promptgate_core::record::{BegunTrial, TrialError};
use promptgate_core::score::Outcome;
use promptgate_scoring::grader::{GradeInput, Graded, Grader, Grading, Pending};
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::{JoinError, JoinSet};

use super::answered::{Answered, Asking, bug};
use super::answering::{Broken, Desk};
use super::{Limits, turned};
use crate::asking::{Asker, Counter, Served};
use crate::failed::FailedCases;
use crate::log::Entry;

/// Answers graded at once; also how many may wait to be graded.
pub(crate) const BATCH: usize = 256;

/// Fewer answers than this are worth a moment's wait for more: each batch wakes this thread, and the log's.
const FEW: usize = 32;
const MOMENT: Duration = Duration::from_millis(1);

/// What is graded so soon is not worth waking other cores for: they would be awake for longer than they are of use.
const BRIEF: Duration = Duration::from_micros(250);

/// Asks that may wait for replies before no more answers are taken, where no more than half of it may be under way: each
/// holds its whole request.
const ASKING: usize = 1_024;

/// The scoring thread.
pub(crate) struct Scoring {
    desk: Arc<Desk>,
    answered: mpsc::Receiver<Answered>,
    log: SyncSender<Entry>,
    /// Turns true when nothing is awaited any more.
    over: watch::Receiver<bool>,
    runtime: Handle,
    asks: Arc<Semaphore>,
    max_fail: Option<u64>,
    asking: JoinSet<Replied>,
    /// The asks of those, and how many there may be.
    asks_open: usize,
    most_asks: usize,
    failed: FailedCases,
    /// Questions for all cases whose replies are on record.
    told: HashSet<Digest>,
    /// Whether more answers may come.
    is_open: bool,
    is_over: bool,
}

/// A trial whose asks are answered.
pub(crate) struct Replied {
    answered: Answered,
    pending: Pending,
    replies: Vec<Reply>,
    /// Those that hold for all cases.
    told: BTreeMap<Digest, Response>,
    /// Whether one of them was not asked for, since the run may spend no more.
    is_cut_short: bool,
}

/// What the scoring thread does next.
enum Next {
    /// Grade what was answered.
    Answered,
    /// Go on with a trial whose asks are answered.
    Replied(Box<Result<Replied, JoinError>>),
    /// Await nothing more.
    Over,
}

/// The log takes no more.
struct LogClosed;

impl Scoring {
    pub(crate) fn new(
        desk: Arc<Desk>,
        answered: mpsc::Receiver<Answered>,
        log: SyncSender<Entry>,
        over: watch::Receiver<bool>,
        runtime: Handle,
        (limits, failed): (&Limits, FailedCases),
    ) -> Self {
        let asks = Arc::new(Semaphore::new(limits.asks.max(1)));
        Self {
            desk,
            answered,
            log,
            over,
            runtime,
            asks,
            max_fail: limits.max_fail,
            asking: JoinSet::new(),
            asks_open: 0,
            most_asks: ASKING.max(2 * limits.asks),
            failed,
            told: HashSet::new(),
            is_open: true,
            is_over: false,
        }
    }

    /// Scores until there is nothing left to score, or the log takes no more.
    pub(crate) fn run(mut self) {
        let runtime = self.runtime.clone();
        // An error means the log has failed, which its own thread tells.
        let _ = runtime.block_on(self.score_all());
    }

    async fn score_all(&mut self) -> Result<(), LogClosed> {
        let mut batch = Vec::with_capacity(BATCH);
        while self.is_open || !self.asking.is_empty() {
            match self.next(&mut batch).await {
                Next::Answered => self.score(&mut batch)?,
                Next::Replied(replied) => self.go_on_with(*replied)?,
                Next::Over => {
                    self.is_over = true;
                    self.asking.abort_all();
                }
            }
        }
        Ok(())
    }

    /// Waits for what comes first. While too much waits for replies, no answers are taken: the desk has to wait.
    async fn next(&mut self, batch: &mut Vec<Answered>) -> Next {
        tokio::select! {
            () = turned(&mut self.over), if !self.is_over => Next::Over,
            Some(replied) = self.asking.join_next(), if !self.asking.is_empty() => Next::Replied(Box::new(replied)),
            taken = gather(&mut self.answered, batch), if self.is_open && self.asks_open < self.most_asks => {
                self.is_open = taken > 0;
                Next::Answered
            }
        }
    }

    fn go_on_with(&mut self, replied: Result<Replied, JoinError>) -> Result<(), LogClosed> {
        match replied {
            Ok(replied) => self.resume(replied)?,
            Err(error) if error.is_cancelled() => {}
            Err(_) => self.desk.break_off(Broken::Bug("serving an assertion's asks panicked")),
        }
        Ok(())
    }

    fn score(&mut self, batch: &mut Vec<Answered>) -> Result<(), LogClosed> {
        let inputs: Vec<GradeInput> = batch.iter().filter_map(Answered::grade_input).collect();
        let mut gradings = grade(self.grader(), inputs).into_iter();
        for mut answered in batch.drain(..) {
            match answered.is_graded().then(|| gradings.next()).flatten() {
                Some(grading) => self.go_on(answered, grading)?,
                None if answered.is_cut_short() => self.put_down(&mut answered)?,
                None => self.settle(answered, None)?,
            }
        }
        Ok(())
    }

    fn grader(&self) -> &Grader {
        &self.desk.prepared.grader
    }

    fn resume(&mut self, replied: Replied) -> Result<(), LogClosed> {
        let Replied { mut answered, pending, replies, told, is_cut_short } = replied;
        self.asks_open -= replies.len();
        self.put_down_told(&answered, told)?;
        // Not settled: a resume asks again.
        if is_cut_short {
            return self.put_down(&mut answered);
        }
        let grader = self.grader();
        let grading = catch_unwind(AssertUnwindSafe(|| grader.resume(pending, replies)));
        self.go_on(answered, grading.unwrap_or_else(|panic| unscored(&*panic)))
    }

    fn go_on(&mut self, mut answered: Answered, grading: Grading) -> Result<(), LogClosed> {
        match grading {
            Grading::Done(graded) => self.settle(answered, Some(graded)),
            // Not settled: a resume asks again.
            Grading::Ask(..) if self.is_over => self.put_down(&mut answered),
            Grading::Ask(pending, asks) => {
                // Replies may be long in coming; whatever happens meanwhile, the answer is not paid for again. (Replies that
                // came to a trial whose others are given up are in the cache alone.) Once is enough: it may be long.
                if !answered.is_asked_about {
                    self.put_down(&mut answered)?;
                }
                self.asks_open += asks.len();
                let serving = serve(self.desk.clone(), self.asks.clone(), answered, pending, asks);
                self.asking.spawn_on(serving, &self.runtime);
                Ok(())
            }
        }
    }

    /// Puts on record what a trial that is not settled has come to.
    fn put_down(&self, answered: &mut Answered) -> Result<(), LogClosed> {
        match answered.news(self.desk.prepared.plan.index(answered.address)) {
            Some(begun) => self.log.send(Entry::Begun(Box::new(begun))).map_err(|_| LogClosed),
            None => Ok(()),
        }
    }

    /// Puts on record what holds for all cases, before a trial is settled by it: a resume grades the others by the same.
    fn put_down_told(&mut self, answered: &Answered, mut told: BTreeMap<Digest, Response>) -> Result<(), LogClosed> {
        told.retain(|question, _| self.told.insert(*question));
        if told.is_empty() {
            return Ok(());
        }
        let begun = answered.so_far(self.desk.prepared.plan.index(answered.address));
        self.log.send(Entry::Begun(Box::new(BegunTrial { told, ..begun }))).map_err(|_| LogClosed)
    }

    fn settle(&mut self, answered: Answered, graded: Option<Graded>) -> Result<(), LogClosed> {
        let (called, address) = (answered.called, answered.address);
        let trial = answered.settle(self.desk.prepared.plan.index(address), graded, self.grader());
        self.failed.add(&self.desk.prepared.plan, &trial, self.max_fail);
        if self.failed.are_enough(self.max_fail) {
            self.desk.skip_the_rest();
        }
        self.log.send(Entry::Settled { trial: Box::new(trial), called }).map_err(|_| LogClosed)
    }
}

/// Grades a batch: here for a moment, and on all cores what is left then.
fn grade(grader: &Grader, inputs: Vec<GradeInput>) -> Vec<Grading> {
    let since = Instant::now();
    let mut inputs = inputs.into_iter();
    let mut gradings = Vec::with_capacity(inputs.len());
    while since.elapsed() < BRIEF
        && let Some(input) = inputs.next()
    {
        gradings.push(grade_alone(grader, input));
    }
    if inputs.len() > 0 {
        gradings.extend(grade_on_all_cores(grader, inputs.collect()));
    }
    gradings
}

/// Grades many; where that panics, each answer by itself, so that one of them cannot take the others along.
fn grade_on_all_cores(grader: &Grader, inputs: Vec<GradeInput>) -> Vec<Grading> {
    let again = inputs.clone();
    catch_unwind(AssertUnwindSafe(|| grader.grade_batch(inputs)))
        .unwrap_or_else(|_| again.into_iter().map(|input| grade_alone(grader, input)).collect())
}

fn grade_alone(grader: &Grader, input: GradeInput) -> Grading {
    catch_unwind(AssertUnwindSafe(|| grader.grade(input))).unwrap_or_else(|panic| unscored(&*panic))
}

/// Takes what is answered; how many, 0 once no more can come. Where the wait for more is given up, what was taken stays in
/// the batch, and the next time nothing is waited for.
async fn gather(answered: &mut mpsc::Receiver<Answered>, batch: &mut Vec<Answered>) -> usize {
    if batch.is_empty() && answered.recv_many(batch, BATCH).await > 0 && batch.len() < FEW {
        // The thread is this stage's own; a timer would wake those that wait for replies.
        std::thread::sleep(MOMENT);
    }
    while batch.len() < BATCH
        && let Ok(more) = answered.try_recv()
    {
        batch.push(more);
    }
    batch.len()
}

/// What a panic of a scorer is to a trial: unscored, never failed.
fn unscored(panic: &(dyn std::any::Any + Send)) -> Grading {
    let reason = bug(panic).message;
    Grading::Done(Graded {
        outcome: Outcome::Errored,
        error: Some(TrialError::Unscored { assertion: "all of them".to_owned(), reason }),
        score: None,
        assertions: Vec::new(),
        metrics: Default::default(),
    })
}

/// Answers the asks of one trial, each bounded by the asks' own permits.
async fn serve(
    desk: Arc<Desk>,
    permits: Arc<Semaphore>,
    mut answered: Answered,
    pending: Pending,
    asks: Vec<Ask>,
) -> Replied {
    let counter = &Counter { answerer: &*desk.answerer, permits: &permits, questions: &desk.supply.questions };
    let askers = Asker::all(&pending, &asks, answered.address.repeat);
    let serving = asks.into_iter().zip(askers).map(|(ask, asker)| {
        let timeout_ms = ask.model().map(|model| desk.prepared.judge_timeout_ms(model));
        counter.serve(ask, asker, timeout_ms.unwrap_or_default())
    });
    let served = join_all(serving).await;
    let mut asking = Asking::default();
    let mut is_cut_short = false;
    for served in &served {
        let Some(answer) = &served.answer else { continue };
        asking.add(answer, served.bill, served.is_free);
        is_cut_short |= desk.stops_at(answer);
    }
    answered.add_asking(&asking);
    if served.iter().any(|served| matches!(served.reply, Reply::Failed(_))) {
        answered.volatile.refused_ms = Some(desk.clock.now_ms());
    }
    let told = served.iter().filter_map(Served::for_all).collect();
    let replies = served.into_iter().map(|served| served.reply).collect();
    Replied { answered, pending, replies, told, is_cut_short }
}
