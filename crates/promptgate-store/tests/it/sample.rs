//! Headers and trials to store.

use std::path::Path;

use promptgate_core::Digest;
use promptgate_core::answer::{Failure, FailureKind, Response};
use promptgate_core::name::{CaseId, ModelId, PromptId, RunId, SuiteName};
use promptgate_core::plan::{Partition, PlannedCase, PlannedModel, PlannedVersion, TrialKey};
use promptgate_core::port::RunLog;
use promptgate_core::prompt::{SourceFile, VersionIdentity};
use promptgate_core::record::*;
use promptgate_core::score::{Outcome, Tier};
use promptgate_core::secret::Scrubber;
use promptgate_store::run::{RunFile, RunFolder};
use serde_json::Map;

pub fn digest(text: &str) -> Digest {
    Digest::of_bytes(text.as_bytes())
}

/// A header of one version, one model, `cases` cases and one trial each.
pub fn header(run: &str, cases: u64) -> RunHeader {
    let prompt = PromptId::new("triage").unwrap();
    let identity = VersionIdentity { prompt, digest: digest("version"), byte_digest: digest("bytes") };
    let files = vec![SourceFile { path: "prompts/triage.txt".into(), text: "Route {{email}}".into() }];
    let model = PlannedModel {
        id: ModelId::new("scripted/one").unwrap(),
        config: Map::new(),
        tier: Tier::Critical,
        source: "scripted".into(),
        timeout_ms: 60_000,
        cases: None,
    };
    RunHeader {
        schema: LOG_SCHEMA.into(),
        purpose: Purpose::Run,
        suite: SuiteName::new("support").unwrap(),
        suite_path: "suites/support".into(),
        note: None,
        plan_digest: digest("plan"),
        grading: digest("grading"),
        versions: vec![PlannedVersion { reference: "triage".into(), identity, files, stored: None, again: 0 }],
        models: vec![model],
        cases,
        trials: 1,
        confirm: 0,
        units: None,
        seed: 7,
        partition: None,
        filter: None,
        prices: None,
        metrics: Vec::new(),
        deciding_judges: Vec::new(),
        by: Vec::new(),
        choosing: Vec::new(),
        selections: Vec::new(),
        comparisons: Vec::new(),
        policy: None,
        policy_digest: None,
        notes: Vec::new(),
        settings: Map::new(),
        volatile: HeaderVolatile {
            run: RunId::new(run).unwrap(),
            started: "2026-11-23T15:55:02Z".into(),
            promptgate: "0.1.0".into(),
            command: Vec::new(),
        },
    }
}

pub fn key(case: u64) -> TrialKey {
    TrialKey { digest: digest(&format!("key {case}")), repeat: 1 }
}

/// A trial that passed.
pub fn trial(index: u64) -> SettledTrial {
    SettledTrial {
        trial: index,
        version: 0,
        model: 0,
        case: SettledCase {
            id: CaseId::new(format!("case-{index}")).unwrap(),
            input: digest(&format!("input {index}")),
            cluster: None,
            tags: vec!["vip".into()],
            selections: Vec::new(),
        },
        repeat: 1,
        draw: 1,
        key: Some(key(index)),
        request: Some(digest(&format!("request {index}"))),
        outcome: Outcome::Passed,
        error: None,
        response: Some(Response::text(format!("output {index}: \"ü\"\n\u{2028}"))),
        failure: None,
        score: Some(0.1 * index as f64),
        assertions: Vec::new(),
        metrics: Default::default(),
        judge_cost: None,
        judge_unpriced: 0,
        earlier: Vec::new(),
        volatile: TrialVolatile { attempts: 1, answered_ms: 1_000 + index, ..TrialVolatile::default() },
    }
}

/// A trial that was answered so and waits to be graded.
pub fn begun(index: u64, draw: u32, output: &str) -> BegunTrial {
    BegunTrial {
        trial: index,
        draw,
        key: Some(key(index)),
        request: Some(digest(&format!("request {index}"))),
        response: Some(Response::text(output)),
        asked: None,
        told: Default::default(),
        volatile: TrialVolatile { attempts: 1, answered_ms: 2_000 + index, ..TrialVolatile::default() },
    }
}

/// A trial that got no answer.
pub fn unanswered(index: u64) -> SettledTrial {
    let failure = Failure::new(FailureKind::Connection, "refused");
    let error = Some(TrialError::Unanswered(failure));
    SettledTrial { outcome: Outcome::Errored, error, response: None, score: None, ..trial(index) }
}

/// A folder of runs that goes when it is dropped.
pub struct Runs {
    root: tempfile::TempDir,
    pub folder: RunFolder,
}

impl Runs {
    pub fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        Self { folder: RunFolder::of(root.path()), root }
    }

    pub fn root(&self) -> &Path {
        self.root.path()
    }

    pub fn start(&self, header: &RunHeader) -> RunFile {
        self.folder.create(header, Scrubber::new()).unwrap()
    }

    /// A finished run of these trials in one batch, where syncing many would take long.
    pub fn finished_at_once(&self, header: &RunHeader, trials: impl IntoIterator<Item = SettledTrial>) {
        let mut log = self.start(header);
        trials.into_iter().for_each(|trial| assert!(log.append(&trial).is_ok()));
        log.finish().unwrap();
    }

    /// A finished run of these trials, three to a batch.
    pub fn finished(&self, header: &RunHeader, trials: impl IntoIterator<Item = SettledTrial>) {
        let mut log = self.start(header);
        append(&mut log, trials);
        log.finish().unwrap();
    }
}

/// Appends in batches of three.
pub fn append(log: &mut RunFile, trials: impl IntoIterator<Item = SettledTrial>) {
    let mut trials = trials.into_iter().peekable();
    while trials.peek().is_some() {
        for trial in trials.by_ref().take(3) {
            log.append(&trial).unwrap();
        }
        log.commit().unwrap();
    }
}

pub fn indexes(record: &dyn SettledRecord) -> Vec<u64> {
    record.trials().map(|trial| trial.unwrap().trial).collect()
}

/// Whether a case of a plan belongs to a part.
pub fn belongs(partition: Partition, index: u64) -> bool {
    let case = PlannedCase::new(&trial(index).case.id, &trial(index).case.input);
    partition.holds(&case, index as usize)
}
