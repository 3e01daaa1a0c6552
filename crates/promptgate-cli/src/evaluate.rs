//! What `run`, `compare` and `gate` share: assemble, prepare, execute, fold, write.

mod assembly;
mod case_changes;
mod forecast;
mod recordings;
mod rounds;

use std::collections::BTreeSet;
use std::sync::Arc;

use promptgate_core::ask::Asked;
use promptgate_core::exit::ExitCode;
use promptgate_core::format::project::CacheMode;
use promptgate_core::gate::Policy;
use promptgate_core::name::RunId;
use promptgate_core::port::{Clock, IdSource, PortError, PortErrorKind, RecordingSink, ResponseCache};
use promptgate_core::record::{HeaderVolatile, Purpose, RunHeader, SettledRecord};
use promptgate_core::reference::Reference;
use promptgate_core::report::Report;
use promptgate_core::report::words::counted;
use promptgate_core::suite::SuiteModel;
use promptgate_provider::{Answerer, Budget, Caching, Calling, Recorder, RetryPolicy};
use promptgate_report::progress;
use promptgate_runner::{Counts, Estimate, Limits, Prepared, Questions, Reuse, Share, Stop, Supply, estimate, survey};
use promptgate_scoring::fold::{gate_report, run_report};
use promptgate_store::cache::{Access, Cache};
use promptgate_store::run::{Resumed, RunFile, StoredRun};
use promptgate_store::{SystemClock, SystemIds};

use crate::args::Running;
use crate::error::Failure;
use crate::output::{self, Failing, Output};
use crate::session::Session;
use crate::stop;

pub use assembly::{Assembly, grader};
use assembly::{DRAW_ANEW, RECORD};
use recordings::Recorded;
use rounds::{Ended, Rounds};

/// What is to be evaluated, and why.
pub struct Intent {
    /// What the run is for.
    pub purpose: Purpose,
    /// The versions judged; one for a gate.
    pub candidates: Vec<Reference>,
    /// The versions held to.
    pub baselines: Vec<Reference>,
    /// The policy, for a gate.
    pub policy: Option<Policy>,
    /// Whether each baseline is run against itself too, to show the noise.
    pub control: bool,
    /// What the change would have loosened of main's gate; told first in every report.
    pub loosened: Vec<String>,
    /// The arguments that ask for the same again; none where the run is no command's of its own.
    pub command: Vec<String>,
}

/// Carries an intent out, writes its reports, and says how it ended.
pub fn evaluate(
    session: &Session,
    intent: Intent,
    running: &Running,
    failing: Failing,
    out: &Output,
) -> Result<ExitCode, Failure> {
    let sinks = output::sinks(&running.reports.reports)?;
    let record = match answer(session, intent, running, out)? {
        Answered::Record(record) => *record,
        Answered::Not(code) => return Ok(code),
    };
    if record.header().partition.is_some() && record.header().purpose != Purpose::Run {
        return Ok(part_done(record.header(), out));
    }
    let report = fold(&record)?;
    Ok(output::write(&sinks, &report, &record, failing, out))
}

/// What an evaluation would do, found before its first call.
pub struct Outlook {
    /// Everything it takes, checked.
    pub assembly: Assembly,
    /// Where its answers would come from.
    pub counts: Counts,
}

/// What carrying an intent out came to.
pub enum Answered {
    /// The record of a run that came to its end.
    Record(Box<StoredRun>),
    /// It did not: the run can be resumed.
    Not(ExitCode),
}

/// Carries an intent out as far as its record.
pub fn answer(session: &Session, intent: Intent, running: &Running, out: &Output) -> Result<Answered, Failure> {
    let assembly = Assembly::new(session, intent, running, out)?;
    let (run, cache) = match open_run(session, &assembly, running, out)? {
        Opening::Finished(run) => {
            nothing_left(session, &run, out)?;
            (run, None)
        }
        Opening::ToDo(todo) => match carry_out(session, &assembly, *todo, running, out)? {
            Ending::Complete(run, cache) => (run, cache),
            Ending::Incomplete(code) => return Ok(Answered::Not(code)),
        },
    };
    // The record is read while the last answers are written.
    let record = std::thread::scope(|scope| {
        let kept = || keep(cache.as_deref(), out);
        if std::thread::Builder::new().spawn_scoped(scope, kept).is_err() {
            kept();
        }
        session.runs().open(run.as_str())
    });
    Ok(Answered::Record(Box::new(record?)))
}

/// Checks all that an evaluation would check before its first call.
pub fn look(session: &Session, intent: Intent, running: &Running, out: &Output) -> Result<Outlook, Failure> {
    let assembly = Assembly::new(session, intent, running, out)?;
    let counts = survey(&assembly.prepared, &assembly.supply, &Share::Planned)?;
    forecast::must_have_keys(&assembly, &counts)?;
    Ok(Outlook { assembly, counts })
}

impl Outlook {
    /// Reckons what the calls take. Recordings tell how many tokens an answer has, also where the models are called.
    pub fn estimate(&self, session: &Session) -> Result<Estimate, Failure> {
        let Assembly { prepared, supply, models, .. } = &self.assembly;
        let open = |model: &SuiteModel| recordings::open(session, std::slice::from_ref(model), false).ok()?.pop()?;
        let known: Vec<_> = models.iter().map(open).collect();
        Ok(estimate(prepared, supply, &known)?)
    }

    /// In one line.
    pub fn line(&self) -> String {
        let (plan, counts) = (&self.assembly.prepared.plan, &self.counts);
        format!(
            "right; {}, {}, {}, {}: {} from recordings, {} stored, {} to be called",
            counted(plan.versions.len() as u64, "version", "versions"),
            counted(plan.models.len() as u64, "model", "models"),
            counted(plan.cases.len() as u64, "case", "cases"),
            counted(counts.trials, "trial", "trials"),
            counts.replayed,
            counts.stored(),
            counts.calls
        )
    }
}

/// The report of a settled record.
pub fn fold(record: &dyn SettledRecord) -> Result<Report, Failure> {
    Ok(match record.header().purpose {
        Purpose::Run => Report::Run(Box::new(run_report(record)?)),
        Purpose::Compare | Purpose::Gate => Report::Gate(Box::new(gate_report(record)?)),
    })
}

/// How a run stands before its first call.
enum Opening {
    /// A resumed run had nothing left to do.
    Finished(RunId),
    /// There is something to do.
    ToDo(Box<ToDo>),
}

/// A run whose file is open, and where its answers come from.
struct ToDo {
    run: RunId,
    log: RunFile,
    supply: Supply,
    counts: Counts,
    means: Means,
    /// Planned trials that were settled before a resume.
    settled: u64,
}

/// What a run may spend, and where its answers are kept.
struct Means {
    budget: Option<Budget>,
    cache: Option<Arc<Cache>>,
    recording: Option<Box<dyn RecordingSink>>,
}

impl Means {
    /// Agrees on the calls and opens what answers are kept in.
    fn open(
        session: &Session,
        assembly: &Assembly,
        (supply, counts): (&Supply, &Counts),
        recorded: &Recorded<'_>,
        running: &Running,
        out: &Output,
    ) -> Result<Self, Failure> {
        // What is wrong with a cache is told before the calls are agreed on that it might have saved.
        let known = match &assembly.cache {
            Some(cache) => Some(Some(cache.clone())),
            None if Cache::is_there(&session.runs()) => Some(cache(session, running, out)?),
            None => None,
        };
        let budget = forecast::agree(session, assembly, (supply, counts), running, out)?;
        let cache = known.map_or_else(|| cache(session, running, out), Ok)?;
        let recording = recordings::sink(session, assembly, running.record.as_ref(), recorded, out)?;
        Ok(Self { budget, cache, recording })
    }
}

/// Opens the run's file, a new one or one to be resumed, once nothing stands in the way: a command that is refused must not
/// leave an empty run, which would be the latest.
fn open_run(session: &Session, assembly: &Assembly, running: &Running, out: &Output) -> Result<Opening, Failure> {
    let folder = session.runs();
    let prepared = &assembly.prepared;
    let Some(wanted) = &running.resume else {
        let header = header(session, assembly);
        let supply = Supply { prices: header.prices.clone().map(Arc::new), ..assembly.supply.clone() };
        let counts = survey(prepared, &supply, &Share::Planned)?;
        let run = header.volatile.run.clone();
        let recorded = Recorded { run: &run, begun: None };
        let means = Means::open(session, assembly, (&supply, &counts), &recorded, running, out)?;
        let log = folder.create(&header, out.scrubber.clone())?;
        return Ok(Opening::ToDo(Box::new(ToDo { run, log, supply, counts, means, settled: 0 })));
    };
    let resumed = folder.resume(wanted, out.scrubber.clone())?;
    must_be_the_same(&resumed, prepared)?;
    must_record_as_before(&resumed, session, running)?;
    if let Some(torn) = &resumed.torn {
        out.say(&format!("repaired the run's file: its last {} bytes had not been written whole", torn.bytes));
    }
    let run = resumed.header.volatile.run.clone();
    let (settled, begun) = (resumed.settled, Arc::new(resumed.begun));
    let recorded = Recorded { run: &run, begun: Some(&begun) };
    if resumed.finished {
        // It may have been killed before its recording was in place.
        if let Some(mut sink) = recordings::sink(session, assembly, running.record.as_ref(), &recorded, out)? {
            sink.finish()?;
        }
        return Ok(Opening::Finished(run));
    }
    if resumed.header.prices.as_ref().is_some_and(|prices| *prices != assembly.prices(session)) {
        out.say(&format!(
            "note: run {run} was started at other prices, and the answers of its models are reckoned at those to its end \
             (judging at today's); a new run reckons all at today's, those of this one too"
        ));
    }
    let supply = supply_of(&resumed.header, assembly);
    let questions = Questions::default();
    begun.told()?.into_iter().for_each(|(question, response)| questions.hold(question, response));
    let supply = Supply {
        questions: Arc::new(questions),
        settled: Some(Arc::new(move |trial| settled.holds(trial))),
        begun: Some(Arc::new({
            let begun = begun.clone();
            move |trial| begun.find(trial)
        })),
        prices: resumed.header.prices.map(Arc::new),
        ..supply
    };
    let counts = survey(prepared, &supply, &Share::Planned)?;
    let means = Means::open(session, assembly, (&supply, &counts), &recorded, running, out)?;
    Ok(Opening::ToDo(Box::new(ToDo { run, log: resumed.log, supply, counts, means, settled: counts.settled })))
}

/// Where the answers of a resumed run come from. How it was started decides: half a fresh draw and half an old one is no
/// draw, whatever the flags are now.
fn supply_of(resumed: &RunHeader, assembly: &Assembly) -> Supply {
    let supply = assembly.supply.clone();
    if DRAW_ANEW.iter().any(|flag| resumed.settings.contains_key(*flag)) {
        Supply { reuse: Reuse::None, kept: None, ..supply }
    } else {
        supply
    }
}

/// A recording is whole only where everything is answered for it, and what judges said before a run was broken off is beside
/// that one recording.
fn must_record_as_before(resumed: &Resumed, session: &Session, running: &Running) -> Result<(), Failure> {
    let (run, before) = (&resumed.header.volatile.run, resumed.header.settings.get(RECORD));
    let now = running.record.as_ref().map(|file| recordings::setting(session, file.as_deref()));
    // Where nothing is left to answer, nothing is left out of a recording either.
    if before == now.as_ref() || resumed.finished && now.is_none() {
        return Ok(());
    }
    let (started, help) = match before.map(recordings::flag) {
        Some(flag) => (format!("with {flag}"), format!("go on with {flag}, or start anew without --resume")),
        None => {
            let help = "go on without --record, or start anew with it and without --resume";
            ("without --record".to_owned(), help.to_owned())
        }
    };
    let why = format!("run {run} was started {started}, and a recording holds all answers of a run");
    Err(Failure::usage(why).help(help))
}

fn header(session: &Session, assembly: &Assembly) -> RunHeader {
    let clock = SystemClock;
    let volatile = HeaderVolatile {
        run: SystemIds::default().run_id(),
        started: clock.now_text(),
        promptgate: env!("CARGO_PKG_VERSION").to_owned(),
        command: assembly.command.clone(),
    };
    let mut header = assembly.prepared.header(volatile);
    header.prices = Some(assembly.prices(session));
    header.notes.splice(0..0, assembly.first_notes.iter().cloned());
    header.notes.extend_from_slice(&assembly.notes);
    header
}

/// A run goes on only with the plan it was started with.
fn must_be_the_same(resumed: &Resumed, prepared: &Prepared) -> Result<(), Failure> {
    let header = &resumed.header;
    let now = prepared.header(header.volatile.clone());
    let same_rules = header.policy_digest == now.policy_digest && header.stride() == now.stride();
    // The cases on record carry the values that its report groups by.
    let same_rules = same_rules && header.by == now.by;
    if header.plan_digest == now.plan_digest && header.partition == now.partition && same_rules {
        return Ok(());
    }
    let why = format!(
        "run {} was started with another plan: suite, gate, prompts, cases or flags differ",
        header.volatile.run
    );
    Err(Failure::usage(why).help("start anew without --resume: what is stored and still fits is reused"))
}

enum Ending {
    /// The run, and the cache that may not have written all yet.
    Complete(RunId, Option<Arc<Cache>>),
    Incomplete(ExitCode),
}

fn carry_out(
    session: &Session,
    assembly: &Assembly,
    todo: ToDo,
    running: &Running,
    out: &Output,
) -> Result<Ending, Failure> {
    let stop = Stop::new();
    let go_on = go_on(running, &todo.run);
    stop::on_signals(&stop, &go_on, out)?;
    let listener = progress::listener(out.progress());
    let Means { budget, cache, recording } = todo.means;
    let recorder = recording.map(Recorder::start);
    let since_ms = todo.supply.reuse.since_ms();
    let mut retry = RetryPolicy::of(&session.settings().retries, session.suite.seed);
    if running.no_retry {
        retry.attempts = 1;
    }
    let answerer = assembly.providers.answerer(&Calling {
        retry,
        fail_fast: running.fail_fast,
        budget,
        forbidden: running.no_run,
        caching: cache.clone().map(|cache| Caching { cache, since_ms }),
        listener: listener.clone(),
        recorder: recorder.as_ref(),
    });
    let rounds = Rounds {
        session,
        assembly,
        run: todo.run.clone(),
        supply: todo.supply,
        answerer: Arc::new(answerer),
        listener,
        stop,
        limits: limits(session, running),
        recorded: recorder.as_ref().map(Recorder::saved),
        settled_before: todo.settled,
        go_on,
    };
    let ended = rounds.carry_out(todo.log, &todo.counts, out);
    if let Some(recorder) = recorder {
        recorder.finish()?;
    }
    match ended? {
        Ended::Complete => Ok(Ending::Complete(todo.run, cache)),
        Ended::Incomplete(reason, tally) => {
            keep(cache.as_deref(), out);
            let settled = todo.counts.settled + tally;
            out.complain(&incomplete(&reason, settled, todo.counts.trials, rounds.go_on));
            Ok(Ending::Incomplete(ExitCode::Incomplete))
        }
    }
}

/// Whom assertions ask, without a run.
pub struct Judges {
    /// Answers what is asked.
    pub answerer: Arc<dyn Answerer>,
    cache: Option<Arc<Cache>>,
}

impl Judges {
    /// What the suite's settings and the flags make of them.
    pub fn new(session: &Session, asked: &BTreeSet<Asked>, running: &Running, out: &Output) -> Result<Self, Failure> {
        let providers = assembly::of_judges(session, asked, running, out)?;
        let cache = cache(session, running, out)?;
        let limits = forecast::limits(session, running);
        let answerer = providers.answerer(&Calling {
            retry: RetryPolicy::of(&session.settings().retries, session.suite.seed),
            fail_fast: running.fail_fast,
            budget: (!limits.is_empty()).then(|| Budget::new(limits)),
            forbidden: running.no_run,
            caching: cache.clone().map(|cache| Caching { cache, since_ms: Some(0) }),
            listener: progress::listener(out.progress()),
            recorder: None,
        });
        Ok(Self { answerer: Arc::new(answerer), cache })
    }

    /// Keeps what was answered.
    pub fn finish(self, out: &Output) {
        keep(self.cache.as_deref(), out);
    }
}

/// Writes what the cache has not written yet. What is not kept is only asked again.
fn keep(cache: Option<&Cache>, out: &Output) {
    if let Some(Err(error)) = cache.map(|cache| cache.finish()) {
        out.say(&format!("answers were not all kept in the cache: {error}"));
    }
}

/// The cache of the project, as far as it is to be used; told where there is one of which nothing can be read. One that is
/// damaged is done without, unless nothing may be called: then there is nowhere else to look.
fn cache(session: &Session, running: &Running, out: &Output) -> Result<Option<Arc<Cache>>, Failure> {
    let cache = match open_cache(session, running, out) {
        Err(error) if error.kind != PortErrorKind::NoRoom && !running.no_run => {
            out.say(&format!("the cache is not used in this run: {error}"));
            return Ok(None);
        }
        opened => opened?,
    };
    let may_read = running.cache.or(session.settings().cache) != Some(CacheMode::Off);
    if cache.is_none() && may_read && Cache::is_there(&session.runs()) {
        out.say("the cache is of an older promptgate and not read; the next run that may write it empties it");
    }
    Ok(cache)
}

fn open_cache(session: &Session, running: &Running, out: &Output) -> Result<Option<Arc<Cache>>, PortError> {
    let access = match running.cache.or(session.settings().cache).unwrap_or(CacheMode::ReadWrite) {
        CacheMode::Off => return Ok(None),
        CacheMode::Read => Access::ReadOnly,
        CacheMode::ReadWrite => Access::ReadWrite,
    };
    let cache = Cache::open(&session.runs(), access, Arc::new(SystemClock), out.scrubber.clone())?;
    Ok(cache.map(Arc::new))
}

fn limits(session: &Session, running: &Running) -> Limits {
    let default = Limits::default();
    let concurrency =
        running.concurrency.or(session.settings().concurrency).map_or(default.concurrency, |n| n as usize);
    Limits { concurrency, asks: concurrency, max_fail: running.max_fail, ..default }
}

fn incomplete(reason: &str, settled: u64, trials: u64, go_on: String) -> Failure {
    let what = format!("INCOMPLETE: {reason}; {settled} of {trials} trials are settled and kept, there is no verdict");
    Failure::new(ExitCode::Incomplete, what).help(go_on)
}

fn run_failure(error: &promptgate_runner::RunError, go_on: String) -> Failure {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        text.push_str(&format!(": {inner}"));
        cause = inner.source();
    }
    Failure::new(ExitCode::Bug, text).help(go_on)
}

/// How a run that was broken off is gone on with. Grading is not resumed: it is done again, and what was asked is kept.
fn go_on(running: &Running, run: &RunId) -> String {
    let Some((named, before)) = &running.graded else { return resume_line(run) };
    let word = |word: String| if word == *named { before.clone() } else { word };
    let words: Vec<String> = std::env::args().skip(1).map(|each| quoted(&word(each))).collect();
    format!("what judges said is kept in the cache; grade again with: promptgate {}", words.join(" "))
}

/// The command of this process, with `--resume` for this run.
fn resume_line(run: &RunId) -> String {
    format!("go on with: promptgate {} --resume={run}", without_resume().join(" "))
}

/// Says why a run that is complete is not gone on with, and what asks for the answers that it lacks: a new run, since what
/// is settled stays as it is.
fn nothing_left(session: &Session, run: &RunId, out: &Output) -> Result<(), Failure> {
    let (mut trials, mut lacking) = (0, 0);
    for trial in session.runs().open(run.as_str())?.trials() {
        trials += 1;
        lacking += u64::from(trial?.lacks_reply());
    }
    let trials = counted(trials, "trial", "trials");
    out.say(&match lacking {
        0 => format!("run {run} is complete: nothing is left to be asked"),
        _ => format!(
            "run {run} is complete, though {lacking} of {trials} got no answer; ask for these with: promptgate {}",
            without_resume().join(" ")
        ),
    });
    Ok(())
}

/// The arguments of this process without those that say which draw they are about, as a shell takes them.
fn without_resume() -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let mut arguments = std::env::args().skip(1).peekable();
    while let Some(word) = arguments.next() {
        if word == "--resume" {
            arguments.next_if(|value| !value.starts_with('-'));
        } else if !word.starts_with("--resume=") && word != "--fresh" {
            words.push(quoted(&word));
        }
    }
    words
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:@,+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// A part of a gate has no verdict of its own.
fn part_done(header: &RunHeader, out: &Output) -> ExitCode {
    let part = header.partition.map(|part| part.to_string()).unwrap_or_default();
    out.print(&format!(
        "part {part} is answered as run {}; there is no verdict before all parts are joined:\n  \
         promptgate report --merge RUN...   (the run files of all parts)\n",
        header.volatile.run
    ))
}
