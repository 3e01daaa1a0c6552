//! Records built in memory, for the folds: a header of two versions and a few models, and trials from small closures.

use promptgate_core::Digest;
use promptgate_core::answer::{Failure, FailureKind, Response, Usage};
use promptgate_core::gate::{Check, Limit, Policy, Rule, Sequential, Subject};
use promptgate_core::name::{CaseId, MetricName, ModelId, PromptId, RunId, SuiteName};
use promptgate_core::plan::{PlannedModel, PlannedVersion};
use promptgate_core::price::NanoUsd;
use promptgate_core::prompt::VersionIdentity;
use promptgate_core::record::{
    HeaderVolatile, LOG_SCHEMA, MetricKind, MetricSpec, PlannedComparison, Purpose, RecordInMemory, RunHeader,
    SettledCase, SettledTrial, TrialError, TrialVolatile, Units,
};
use promptgate_core::report::GateReport;
use promptgate_core::score::{Outcome, Tier};
use promptgate_core::selection::{Condition, Selection};
use promptgate_core::sequence;
use promptgate_scoring::fold::gate_report;

/// How one trial comes out in a test.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Came {
    /// Passed or failed.
    Out(bool),
    /// Passed, with the suite's metric `quality` at this value.
    Scored(f64),
    /// Passed, having used so many tokens in all.
    Used(u64),
    /// Answered, but the critical assertion is unscored.
    Unscored,
    /// No answer, for this reason: failed where it is the model's own, else errored.
    Lost(FailureKind),
    /// Skipped by `--max-fail`.
    Skipped,
}

/// Every kind of failure that a trial is settled with; what the budget refused is left for a resume.
pub fn failures() -> impl Iterator<Item = FailureKind> {
    use FailureKind::*;
    let next = |kind: &FailureKind| match kind {
        Connection => Some(RateLimit),
        RateLimit => Some(Quota),
        Quota => Some(Server),
        Server => Some(Credential),
        Credential => Some(Crash),
        Crash => Some(BadRequest),
        BadRequest => Some(NotFound),
        NotFound => Some(ContentFilter),
        ContentFilter => Some(ModelTimeout),
        ModelTimeout => Some(Malformed),
        Malformed => Some(MissingRecording),
        MissingRecording => Some(Bug),
        Bug | Budget => None,
    };
    std::iter::successors(Some(Connection), next)
}

/// A record under construction; version 0 is the candidate, version 1 the baseline.
pub struct Bench {
    pub header: RunHeader,
    pub cases: Vec<SettledCase>,
}

impl Bench {
    /// A gate over so many cases without clusters, one repeat, one model, no checks yet.
    pub fn gate(cases: usize) -> Self {
        let version = |name: &str| PlannedVersion {
            reference: name.to_owned(),
            identity: VersionIdentity {
                prompt: PromptId::new("judge").unwrap(),
                digest: Digest::of_bytes(name.as_bytes()),
                byte_digest: Digest::of_bytes(name.as_bytes()),
            },
            files: Vec::new(),
            stored: None,
            again: 0,
        };
        let header = RunHeader {
            schema: LOG_SCHEMA.to_owned(),
            purpose: Purpose::Gate,
            suite: SuiteName::new("bench").unwrap(),
            suite_path: "suites/bench".to_owned(),
            note: None,
            plan_digest: Digest::of_bytes(b"plan"),
            grading: Digest::of_bytes(b"grading"),
            versions: vec![version("judge.candidate"), version("judge.baseline")],
            models: vec![model("openai/gpt-4")],
            cases: cases as u64,
            trials: 1,
            confirm: 0,
            units: None,
            seed: 7,
            partition: None,
            filter: None,
            prices: None,
            metrics: vec![MetricSpec {
                name: metric("quality"),
                kind: MetricKind::Score,
                judged: false,
                labels_of: None,
                unlabelled: None,
            }],
            deciding_judges: Vec::new(),
            by: Vec::new(),
            choosing: Vec::new(),
            selections: Vec::new(),
            comparisons: vec![PlannedComparison::new(0, Some(1), 0)],
            policy: Some(Policy::default()),
            policy_digest: Some(Digest::of_bytes(b"policy")),
            notes: Vec::new(),
            settings: serde_json::Map::new(),
            volatile: HeaderVolatile {
                run: RunId::new("r1").unwrap(),
                started: "2026-11-23T10:00:00Z".to_owned(),
                promptgate: "0.1.0".to_owned(),
                command: Vec::new(),
            },
        };
        Self { header, cases: (0..cases).map(case).collect() }
    }

    pub fn policy(&mut self) -> &mut Policy {
        self.header.policy.as_mut().unwrap()
    }

    /// Adds a check on the pass rate.
    pub fn drop(self, allowed: f64) -> Self {
        self.limit("pass_rate", Limit::AllowedDrop(allowed))
    }

    pub fn limit(mut self, name: &str, limit: Limit) -> Self {
        let subject = Subject::Metric { metric: metric(name), slice: None, limit: Some(limit) };
        self.policy().checks.push(Check { subject, tier: Tier::Critical });
        self
    }

    pub fn rule(mut self, rule: Rule) -> Self {
        self.policy().checks.push(Check { subject: Subject::Rule { rule, cases: None }, tier: Tier::Critical });
        self
    }

    pub fn with(mut self, change: impl FnOnce(&mut RunHeader)) -> Self {
        change(&mut self.header);
        self
    }

    pub fn trials(self, repeats: u32) -> Self {
        self.with(|header| header.trials = repeats)
    }

    /// A gate that may stop early.
    pub fn sequential(self, how: Sequential) -> Self {
        let units: std::collections::BTreeSet<u64> =
            self.cases.iter().map(|case| sequence::unit(&case.id, case.cluster.as_deref())).collect();
        let largest = (self.cases.len() / units.len()) as u64;
        self.with(|header| {
            header.policy.as_mut().unwrap().sequential = Some(how);
            header.units = Some(Units { count: units.len() as u64, largest });
        })
    }

    /// A record of the first looks alone, as a run that stopped there leaves it.
    pub fn up_to(&self, units: usize, record: RecordInMemory) -> RecordInMemory {
        let keys: Vec<u64> = self.cases.iter().map(|case| sequence::unit(&case.id, case.cluster.as_deref())).collect();
        let (ranks, _) = sequence::ranks(&keys, self.header.seed);
        let position = |trial: &SettledTrial| self.header.place(trial.trial).1 as usize;
        let trials = record.trials.into_iter().filter(|trial| (ranks[position(trial)] as usize) < units).collect();
        RecordInMemory { trials, ..record }
    }

    /// Adds what a case came to when it was called again.
    pub fn confirmed(&self, record: &mut RecordInMemory, side: (usize, usize), at: usize, passed: &[bool]) {
        let came: Vec<Came> = passed.iter().map(|passed| Came::Out(*passed)).collect();
        self.called_again(record, side, at, &came);
    }

    /// The same for calls of which not all were answered.
    pub fn called_again(&self, record: &mut RecordInMemory, side: (usize, usize), at: usize, came: &[Came]) {
        for (more, came) in came.iter().enumerate() {
            let repeat = self.header.trials + 1 + more as u32;
            let place = (side.0 * self.header.models.len() + side.1) as u64 * self.header.cases + at as u64;
            let index = place * self.header.stride() + u64::from(repeat - 1);
            record.trials.push(trial(index, side, &self.cases[at], repeat, *came));
        }
        record.trials.sort_by_key(|trial| trial.trial);
    }

    /// Gives every case a cluster.
    pub fn clustered(mut self, cluster: impl Fn(usize) -> usize) -> Self {
        for (at, case) in self.cases.iter_mut().enumerate() {
            case.cluster = Some(format!("g{}", cluster(at)));
        }
        self
    }

    /// A selection of the header that holds for some cases, and how checks name it.
    pub fn selection(&mut self, tag: &str, holds: impl Fn(usize) -> bool) -> Selection {
        let selection = Selection { all: vec![Condition::Tag(vec![tag.to_owned()])] };
        let index = self.header.selections.len() as u16;
        self.header.selections.push(selection.clone());
        for (at, case) in self.cases.iter_mut().enumerate() {
            if holds(at) {
                case.selections.push(index);
            }
        }
        selection
    }

    /// The record in which `came(version, case, repeat)` says how each trial comes out.
    pub fn record(&self, came: impl Fn(usize, usize, u32) -> Came) -> RecordInMemory {
        let mut trials = Vec::new();
        for version in 0..self.header.versions.len() {
            for model in 0..self.header.models.len() {
                for (at, case) in self.cases.iter().enumerate() {
                    for repeat in 1..=self.header.trials {
                        // Calls that confirm a broken case have indices too.
                        let index = trials.len() as u64 / u64::from(self.header.trials) * self.header.stride()
                            + u64::from(repeat - 1);
                        trials.push(trial(index, (version, model), case, repeat, came(version, at, repeat)));
                    }
                }
            }
        }
        RecordInMemory { header: self.header.clone(), trials }
    }

    /// The report of that record.
    pub fn report(&self, came: impl Fn(usize, usize, u32) -> Came) -> GateReport {
        gate_report(&self.record(came)).unwrap()
    }

    /// The report where the candidate breaks the first `broken` cases, fixes the next `fixed`, and the rest passes.
    pub fn split(&self, fixed: usize, broken: usize) -> GateReport {
        self.report(|version, at, _| {
            Came::Out(if version == 0 { at >= broken } else { !(broken..broken + fixed).contains(&at) })
        })
    }
}

pub fn metric(name: &str) -> MetricName {
    MetricName::new(name).unwrap()
}

pub fn model(id: &str) -> PlannedModel {
    PlannedModel {
        id: ModelId::new(id).unwrap(),
        config: serde_json::Map::new(),
        tier: Tier::Critical,
        source: "replay:x".to_owned(),
        timeout_ms: 60_000,
        cases: None,
    }
}

fn case(at: usize) -> SettledCase {
    let id = format!("c-{at:04}");
    SettledCase {
        input: Digest::of_bytes(format!("input {at}").as_bytes()),
        id: CaseId::new(id).unwrap(),
        cluster: None,
        tags: Vec::new(),
        selections: Vec::new(),
    }
}

fn trial(index: u64, side: (usize, usize), case: &SettledCase, repeat: u32, came: Came) -> SettledTrial {
    let (outcome, error) = match came {
        Came::Out(false) => (Outcome::Failed, None),
        Came::Out(true) | Came::Scored(_) | Came::Used(_) => (Outcome::Passed, None),
        Came::Unscored => {
            let error = TrialError::Unscored { assertion: "judge".to_owned(), reason: "no reply".to_owned() };
            (Outcome::Errored, Some(error))
        }
        Came::Lost(kind) if kind.is_the_models() => (Outcome::Failed, None),
        Came::Lost(kind) => (Outcome::Errored, Some(TrialError::Unanswered(Failure::new(kind, "lost")))),
        Came::Skipped => (Outcome::Skipped, None),
    };
    let answered = !matches!(came, Came::Lost(_) | Came::Skipped);
    let tokens = if let Came::Used(tokens) = came { tokens } else { 100 };
    let usage = Usage { input_tokens: 0, output_tokens: tokens, ..Usage::default() };
    let response = Response { usage: Some(usage), cost: Some(NanoUsd(tokens * 10)), ..Response::text("a") };
    let quality = match came {
        Came::Scored(value) => Some(Some(value)),
        Came::Lost(kind) if kind.is_the_models() => Some(Some(0.0)),
        Came::Unscored | Came::Lost(_) => Some(None),
        Came::Out(passed) => Some(Some(f64::from(u8::from(passed)))),
        _ => None,
    };
    let failure = match came {
        Came::Lost(kind) if kind.is_the_models() => Some(Failure::new(kind, "lost")),
        _ => None,
    };
    SettledTrial {
        trial: index,
        version: side.0,
        model: side.1,
        case: case.clone(),
        repeat,
        draw: 1,
        key: None,
        request: None,
        outcome,
        error,
        response: answered.then_some(response),
        failure,
        score: None,
        assertions: Vec::new(),
        metrics: quality.into_iter().map(|value| (metric("quality"), value)).collect(),
        judge_cost: None,
        judge_unpriced: 0,
        earlier: Vec::new(),
        volatile: TrialVolatile::default(),
    }
}
