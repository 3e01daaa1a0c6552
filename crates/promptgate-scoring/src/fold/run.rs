//! The fold to a run's report: one side (version on model) after the other, in plan order, so that only one side's numbers
//! are held at a time.

use promptgate_core::ExitCode;
use promptgate_core::plan::{PlannedModel, PlannedVersion};
use promptgate_core::record::{AssertionResult, RunHeader, SettledRecord, SettledTrial, TrialError};
use promptgate_core::report::{
    AssertionSummary, CaseCounts, CaseFailure, RepeatSummary, RunReport, RunVolatile, SideSummary,
};
use promptgate_core::score::{Outcome, Score, Tier};

use super::FoldError;
use super::answerers::Answerers;
use super::by_name::ByName;
use super::causes::Causes;
use super::heard::Heard;
use super::labels::Labels;
use super::measured::Measured;
use super::orders::Orders;
use super::subject::is_ungraded;
use super::tally::Tally;

/// More unanswered trials than this, and the run says nothing.
const MOST_UNANSWERED: f64 = 0.05;

/// Folds the record of a `run`.
///
/// Exit code: 100 when a case failed on a critical model; else 104 when more than 5 % of the trials there went unanswered, or
/// ungraded since a judge is out, or when no trial of a version there was answered; else 102 when a trial there could not be
/// scored (unscored is never green); else 0. What it is without the failed cases stands beside it, for `--no-fail`.
pub fn run_report(record: &dyn SettledRecord) -> Result<RunReport, FoldError> {
    let header = record.header();
    let mut tally = Tally::new(header);
    let mut sides = Sides { header, open: None, done: Vec::new(), notes: Vec::new() };
    let mut failures = Failures::default();
    let mut causes = Causes::default();
    for read in record.digested() {
        let (trial, digest) = read?;
        tally.add(&trial, &digest);
        failures.add(header, &trial);
        causes.add_trial(&trial);
        sides.add(&trial)?;
    }
    let Finished { sides, exit_code, exit_code_no_fail, notes } = sides.finish();
    Ok(RunReport {
        schema: "promptgate.run/1".to_owned(),
        suite: header.suite.clone(),
        exit_code,
        exit_code_no_fail,
        seed: header.seed,
        plan_digest: header.plan_digest,
        partition: header.partition,
        notes: header.note.iter().chain(&header.notes).cloned().chain(notes).collect(),
        suite_path: header.suite_path.clone(),
        cases: sides.iter().map(cases_of).max().unwrap_or(0),
        trials: header.trials,
        sides,
        failures: failures.first,
        failures_total: failures.total,
        cost: tally.cost,
        volatile: RunVolatile {
            run: header.volatile.run.to_string(),
            started: header.volatile.started.clone(),
            attempts: tally.attempts,
            reused: tally.reused,
            wasted_nano_usd: tally.wasted,
            wasted_unpriced: tally.wasted_unpriced,
            command: header.volatile.command.clone(),
            notes: Causes::rooms([&causes]),
        },
        evidence_digest: tally.evidence(),
    })
}

fn cases_of(side: &SideSummary) -> u64 {
    let CaseCounts { passed, failed, errored, skipped } = side.cases;
    passed + failed + errored + skipped
}

/// What the sides come to.
struct Finished {
    sides: Vec<SideSummary>,
    exit_code: ExitCode,
    /// What it is beside the cases that failed.
    exit_code_no_fail: Option<ExitCode>,
    notes: Vec<String>,
}

/// The sides in plan order: one open, the others closed.
struct Sides<'a> {
    header: &'a RunHeader,
    open: Option<Side<'a>>,
    done: Vec<(SideSummary, Unusable)>,
    notes: Vec<String>,
}

/// Trials of a side that say nothing about its prompt.
#[derive(Debug, Clone, Copy, Default)]
struct Unusable {
    unanswered: u64,
    unscored: u64,
    /// Whether none was answered.
    is_all: bool,
}

impl Sides<'_> {
    fn add(&mut self, trial: &SettledTrial) -> Result<(), FoldError> {
        let at = (trial.version, trial.model);
        if self.open.as_ref().is_none_or(|side| side.at != at) {
            self.close();
            self.open = Some(Side::new(self.header, at)?);
        }
        if let Some(side) = &mut self.open {
            side.add(trial);
        }
        Ok(())
    }

    fn close(&mut self) {
        let Some(side) = self.open.take() else { return };
        self.notes.extend(side.note());
        self.done.push(side.finish());
    }

    fn finish(mut self) -> Finished {
        self.close();
        let has_failed = critical(&self.done).any(|(side, _)| side.cases.failed > 0);
        let beside = beside_failures(&self.done);
        let exit_code = if has_failed { ExitCode::Failed } else { beside };
        Finished {
            sides: self.done.into_iter().map(|(side, _)| side).collect(),
            exit_code,
            exit_code_no_fail: Some(beside).filter(|beside| has_failed && *beside != ExitCode::Done),
            notes: self.notes,
        }
    }
}

/// The sides that decide the exit code.
fn critical(sides: &[(SideSummary, Unusable)]) -> impl Iterator<Item = &(SideSummary, Unusable)> {
    sides.iter().filter(|(side, _)| side.tier == Tier::Critical)
}

/// What the exit code is, whatever the cases that failed say.
fn beside_failures(sides: &[(SideSummary, Unusable)]) -> ExitCode {
    let critical = || critical(sides);
    let trials: u64 = critical().map(|(side, _)| side.trials.passed + side.trials.failed + side.trials.errored).sum();
    let unanswered: u64 = critical().map(|(_, unusable)| unusable.unanswered).sum();
    match () {
        () if unanswered as f64 > MOST_UNANSWERED * trials as f64 => ExitCode::Unavailable,
        () if critical().any(|(_, unusable)| unusable.is_all) => ExitCode::Unavailable,
        () if critical().any(|(_, unusable)| unusable.unscored > 0) => ExitCode::Inconclusive,
        () => ExitCode::Done,
    }
}

/// One version on one model, while its trials come in.
struct Side<'a> {
    at: (usize, usize),
    version: &'a PlannedVersion,
    model: &'a PlannedModel,
    case: Option<(u64, CaseCounts)>,
    cases: CaseCounts,
    trials: CaseCounts,
    unusable: Unusable,
    heard: Heard,
    repeats: Repeats,
    measured: Measured<'a>,
    labels: Labels<'a>,
    orders: Orders,
    assertions: ByName<AssertionSummary>,
    unbound: u64,
    answerers: Answerers,
}

impl<'a> Side<'a> {
    fn new(header: &'a RunHeader, at: (usize, usize)) -> Result<Self, FoldError> {
        let unknown =
            || FoldError::Contradiction("a trial names a version or model that the header does not".to_owned());
        Ok(Self {
            at,
            version: header.versions.get(at.0).ok_or_else(unknown)?,
            model: header.models.get(at.1).ok_or_else(unknown)?,
            case: None,
            cases: CaseCounts::default(),
            trials: CaseCounts::default(),
            unusable: Unusable::default(),
            heard: Heard::default(),
            repeats: Repeats::of(header.trials),
            measured: Measured::new(header),
            labels: Labels::new(header),
            orders: Orders::default(),
            assertions: ByName::default(),
            unbound: 0,
            answerers: Answerers::default(),
        })
    }

    fn add(&mut self, trial: &SettledTrial) {
        let position = (trial.trial + 1).saturating_sub(u64::from(trial.repeat));
        if self.case.as_ref().is_none_or(|(open, _)| *open != position) {
            self.close_case();
            self.case = Some((position, CaseCounts::default()));
            self.measured.open(trial);
        }
        count(&mut self.trials, trial.outcome);
        if let Some((_, counts)) = &mut self.case {
            count(counts, trial.outcome);
        }
        match &trial.error {
            Some(TrialError::Unanswered(_)) => self.unusable.unanswered += 1,
            Some(TrialError::Unscored { .. }) if is_ungraded(trial) => {
                self.unusable.unanswered += 1;
                self.unusable.unscored += 1;
            }
            Some(TrialError::Unscored { .. }) => self.unusable.unscored += 1,
            None => {}
        }
        self.heard.add(trial);
        self.measured.add(trial);
        self.labels.add(trial);
        self.orders.add(trial);
        self.assertions_of(trial);
        if let Some(response) = &trial.response {
            self.unbound += u64::from(!response.bound);
            self.answerers.add(response);
        }
    }

    fn assertions_of(&mut self, trial: &SettledTrial) {
        for result in &trial.assertions {
            let new = || {
                let (name, tier) = (result.name.clone(), result.tier);
                AssertionSummary { name, tier, passed: 0, failed: 0, unscored: 0 }
            };
            let summary = self.assertions.of(&result.name, new);
            match (&result.scored.score, result.scored.passed) {
                (Score::Unscored(_), _) => summary.unscored += 1,
                (Score::Value(_), true) => summary.passed += 1,
                (Score::Value(_), false) => summary.failed += 1,
            }
        }
    }

    fn close_case(&mut self) {
        if let Some((_, counts)) = self.case.take() {
            count(&mut self.cases, majority(&counts));
            self.repeats.add(&counts);
            self.measured.close();
        }
    }

    /// That many calls ran into the model's time limit.
    fn note(&self) -> Option<String> {
        self.heard.time_outs(MOST_UNANSWERED, self.model, &format!(" for {}", self.version.reference))
    }

    fn finish(mut self) -> (SideSummary, Unusable) {
        self.close_case();
        self.unusable.is_all = self.heard.has_no_answer();
        let summary = SideSummary {
            reference: self.version.reference.clone(),
            version: self.version.identity.clone(),
            model: self.model.id.clone(),
            tier: self.model.tier,
            cases: self.cases,
            trials: self.trials,
            repeats: self.repeats.summary(),
            tags: self.measured.by_tag(),
            fields: self.measured.by_field(),
            metrics: self.measured.finish(),
            assertions: self.assertions.into_values(),
            labels: self.labels.finish(),
            both_orders: self.orders.told(),
            unbound: self.unbound,
            returned_models: self.answerers.other_than(&self.model.id.model),
            answered_by: self.answerers.told(),
        };
        (summary, self.unusable)
    }
}

/// Cases by how many of their trials passed, from none to all.
struct Repeats(Vec<u64>);

impl Repeats {
    fn of(trials: u32) -> Self {
        Self(vec![0; trials as usize + 1])
    }

    /// Takes in a case whose trials all passed or failed.
    fn add(&mut self, case: &CaseCounts) {
        let k = self.0.len() as u64 - 1;
        if case.passed + case.failed == k {
            self.0[case.passed as usize] += 1;
        }
    }

    /// pass@k and pass^k (`stats::trials`) where k is the number of trials: no draw of k leaves one out.
    fn summary(&self) -> Option<RepeatSummary> {
        let (k, n): (usize, u64) = (self.0.len() - 1, self.0.iter().sum());
        let from = |passed: usize| self.0[passed..].iter().sum::<u64>() as f64 / n as f64;
        (k > 1 && n > 0).then(|| RepeatSummary {
            k: k as u32,
            n,
            pass_at_k: from(1),
            pass_hat_k: from(k),
            at_least: (1..=k).map(from).collect(),
            majority: from(k / 2 + 1),
        })
    }
}

fn count(counts: &mut CaseCounts, outcome: Outcome) {
    match outcome {
        Outcome::Passed => counts.passed += 1,
        Outcome::Failed => counts.failed += 1,
        Outcome::Errored => counts.errored += 1,
        Outcome::Skipped => counts.skipped += 1,
    }
}

/// A case over its trials: passed when more than half of those that decided did; an even split has not passed.
fn majority(trials: &CaseCounts) -> Outcome {
    match trials {
        CaseCounts { passed, failed, .. } if passed > failed => Outcome::Passed,
        CaseCounts { failed: 1.., .. } => Outcome::Failed,
        CaseCounts { errored: 1.., .. } => Outcome::Errored,
        _ => Outcome::Skipped,
    }
}

/// What failed or errored, the first ones in full.
#[derive(Default)]
struct Failures {
    first: Vec<CaseFailure>,
    total: u64,
}

impl Failures {
    fn add(&mut self, header: &RunHeader, trial: &SettledTrial) {
        if !matches!(trial.outcome, Outcome::Failed | Outcome::Errored) {
            return;
        }
        self.total += 1;
        let known = header.versions.get(trial.version).zip(header.models.get(trial.model));
        if let Some((version, model)) = known.filter(|_| self.first.len() < RunReport::FAILURES) {
            self.first.push(failure(version, model, trial));
        }
    }
}

fn failure(version: &PlannedVersion, model: &PlannedModel, trial: &SettledTrial) -> CaseFailure {
    let decided = trial.assertions.iter().find(|result| decides(result, trial.outcome));
    let evidence = decided.map(|result| result.scored.evidence.clone()).unwrap_or_default();
    let (named, reason) = match (&trial.error, &trial.failure) {
        (Some(TrialError::Unanswered(failure)), _) | (None, Some(failure)) => (None, failure.message.clone()),
        (Some(TrialError::Unscored { assertion, reason }), _) => (Some(assertion.clone()), reason.clone()),
        (None, None) => (decided.map(|result| result.name.clone()), said(decided)),
    };
    CaseFailure {
        case: trial.case.id.clone(),
        reference: version.reference.clone(),
        model: model.id.clone(),
        repeat: trial.repeat,
        outcome: trial.outcome,
        assertion: named,
        expected: evidence.expected,
        found: evidence.found,
        reason,
    }
}

fn decides(result: &AssertionResult, outcome: Outcome) -> bool {
    let scored = result.scored.score.value().is_some();
    result.tier == Tier::Critical && !result.scored.passed && scored == (outcome == Outcome::Failed)
}

fn said(decided: Option<&AssertionResult>) -> String {
    let note = decided.and_then(|result| result.scored.evidence.note.clone());
    note.unwrap_or_else(|| CaseFailure::NOT_PASSED.to_owned())
}
