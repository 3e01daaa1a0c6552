//! The statistics of a gate: sign flips on one core beside scipy's, and a gate with many metrics and slices on all cores,
//! through the fold that a gate goes through.

use std::collections::BTreeMap;
use std::process::Command;
use std::time::Instant;

use promptgate_core::Digest;
use promptgate_core::answer::Response;
use promptgate_core::gate::{Check, Limit, Policy, Subject};
use promptgate_core::name::{CaseId, MetricName, ModelId, PromptId, RunId, SuiteName};
use promptgate_core::plan::{PlannedModel, PlannedVersion};
use promptgate_core::prompt::VersionIdentity;
use promptgate_core::record::{
    HeaderVolatile, LOG_SCHEMA, MetricKind, MetricSpec, PlannedComparison, Purpose, RecordInMemory, RunHeader,
    SettledCase, SettledTrial, TrialVolatile,
};
use promptgate_core::score::{Outcome, Tier};
use promptgate_core::selection::{Condition, Selection};
use promptgate_core::sequence::mix;
use promptgate_scoring::fold::gate_report;
use promptgate_scoring::stats::sign_flip::{Flips, Units};

use super::table::Row;
use super::{World, median_of};
use crate::chore::{output, root};
use crate::python::python;

/// The word by which this program measures the statistics in a process of its own.
pub const ROLE: &str = "statistics-of";

const PAIRS: usize = 10_000;
const METRICS: usize = 20;
const SLICES: usize = 10;

pub fn rows(world: &World) -> Result<Vec<Row>, String> {
    let measured = |what: &str, threads: Option<&str>| {
        let mut command = Command::new(&world.xtask);
        command.args(["bench", ROLE, what]);
        command.envs(threads.map(|threads| ("RAYON_NUM_THREADS", threads)));
        number(&output(command)?)
    };
    let flips = median_of(|| measured("flips", Some("1")), |took| *took)?;
    let whole = median_of(|| measured("gate", None), |took| *took)?;
    let exact = median_of(|| measured("lattice", Some("1")), |took| *took)?;
    let mut scipy = Command::new(python("independent", "xtask/independent/requirements.txt")?);
    scipy.arg(root().join("xtask/independent/permutation.py"));
    let scipy = number(&output(scipy)?)?;
    let note = format!("scipy's permutation_test in the same run: {scipy:.0} ms, {:.0}x", scipy / flips);
    let gate = format!("{PAIRS} pairs, {METRICS} score metrics, {SLICES} slices each, 9,999 flips, the whole fold");
    Ok(vec![
        Row::at_most("1,000 pairs, 9,999 flips, one core", flips, 15.0, "ms", &note),
        Row::at_most("a gate of many metrics and slices", whole / 1_000.0, 5.0, "s", &gate),
        Row::at_most("838 pass/fail pairs, exact, one core", exact, 15.0, "ms", "150 of them differ"),
    ])
}

fn number(text: &str) -> Result<f64, String> {
    text.trim().parse().map_err(|_| format!("`{}` is not a number", text.trim()))
}

/// Measures one thing and prints the milliseconds.
pub fn play(what: &str) -> Result<(), String> {
    let took = match what {
        "flips" => flips(),
        "lattice" => lattice(),
        "gate" => gate()?,
        other => return Err(format!("nothing to measure is called `{other}`")),
    };
    println!("{took}");
    Ok(())
}

/// The best of several, in milliseconds: what is measured is too short for one.
fn best_of(runs: usize, mut once: impl FnMut()) -> f64 {
    let time = |_| {
        let start = Instant::now();
        once();
        start.elapsed().as_secs_f64() * 1_000.0
    };
    (0..runs).map(time).fold(f64::INFINITY, f64::min)
}

fn uniform(at: u64) -> f64 {
    (mix(at) >> 11) as f64 / (1_u64 << 53) as f64
}

fn flips() -> f64 {
    let differences: Vec<f64> = (0..1_000).map(|at| uniform(at) - 0.5).collect();
    let units = Units::of(&differences);
    let flips = Flips { seed: 7, replicates: 9_999 };
    best_of(20, || assert!(flips.monte_carlo(&units, 9_999) > 0.0))
}

fn lattice() -> f64 {
    let differences: Vec<f64> = (0..838)
        .map(|at| {
            if at < 70 {
                1.0
            } else if at < 150 {
                -1.0
            } else {
                0.0
            }
        })
        .collect();
    let units = Units::of(&differences);
    best_of(20, || assert!(Flips { seed: 7, replicates: 9_999 }.p_worse(&units) > 0.0))
}

fn gate() -> Result<f64, String> {
    let record = record()?;
    let start = Instant::now();
    let report = gate_report(&record).map_err(|error| error.to_string())?;
    let took = start.elapsed().as_secs_f64() * 1_000.0;
    let checks = report.comparisons[0].checks.len();
    if checks == METRICS * (1 + SLICES) { Ok(took) } else { Err(format!("{checks} checks were judged")) }
}

fn name<T, E: std::fmt::Display>(made: Result<T, E>) -> Result<T, String> {
    made.map_err(|error| error.to_string())
}

fn record() -> Result<RecordInMemory, String> {
    let metrics = (0..METRICS).map(|at| name(MetricName::new(format!("m{at}")))).collect::<Result<Vec<_>, _>>()?;
    let header = header(&metrics)?;
    let mut trials = Vec::with_capacity(2 * PAIRS);
    for version in 0..2 {
        for at in 0..PAIRS {
            trials.push(trial(version, at, &metrics)?);
        }
    }
    Ok(RecordInMemory { header, trials })
}

fn header(metrics: &[MetricName]) -> Result<RunHeader, String> {
    let version = |reference: &str| -> Result<PlannedVersion, String> {
        let digest = Digest::of_bytes(reference.as_bytes());
        let identity = VersionIdentity { prompt: name(PromptId::new("p"))?, digest, byte_digest: digest };
        Ok(PlannedVersion { reference: reference.to_owned(), identity, files: Vec::new(), stored: None, again: 0 })
    };
    let selections: Vec<Selection> =
        (0..SLICES).map(|at| Selection { all: vec![Condition::Tag(vec![format!("s{at}")])] }).collect();
    let check = |metric: &MetricName, slice: Option<&Selection>| Check {
        subject: Subject::Metric {
            metric: metric.clone(),
            slice: slice.cloned(),
            limit: Some(Limit::AllowedDrop(0.05)),
        },
        tier: if slice.is_some() { Tier::Advisory } else { Tier::Critical },
    };
    let of_metric =
        |metric| std::iter::once(check(metric, None)).chain(selections.iter().map(move |s| check(metric, Some(s))));
    let checks: Vec<Check> = metrics.iter().flat_map(of_metric).collect();
    let spec = |metric: &MetricName| MetricSpec {
        name: metric.clone(),
        kind: MetricKind::Score,
        judged: false,
        labels_of: None,
        unlabelled: None,
    };
    Ok(RunHeader {
        schema: LOG_SCHEMA.to_owned(),
        purpose: Purpose::Gate,
        suite: name(SuiteName::new("bench"))?,
        suite_path: "suites/bench".to_owned(),
        note: None,
        plan_digest: Digest::of_bytes(b"plan"),
        grading: Digest::of_bytes(b"grading"),
        versions: vec![version("p.candidate")?, version("p")?],
        models: vec![PlannedModel {
            id: name(ModelId::new("openai/bench"))?,
            config: serde_json::Map::new(),
            tier: Tier::Critical,
            source: String::new(),
            timeout_ms: 1_000,
            cases: None,
        }],
        cases: PAIRS as u64,
        trials: 1,
        confirm: 0,
        units: None,
        seed: 7,
        partition: None,
        filter: None,
        prices: None,
        metrics: metrics.iter().map(spec).collect(),
        deciding_judges: Vec::new(),
        by: Vec::new(),
        choosing: Vec::new(),
        selections: selections.clone(),
        comparisons: vec![PlannedComparison::new(0, Some(1), 0)],
        policy: Some(Policy { checks, ..Policy::default() }),
        policy_digest: Some(Digest::of_bytes(b"policy")),
        notes: Vec::new(),
        settings: serde_json::Map::new(),
        volatile: HeaderVolatile {
            run: name(RunId::new("bench"))?,
            started: "2026-11-23T10:00:00Z".to_owned(),
            promptgate: String::new(),
            command: Vec::new(),
        },
    })
}

fn trial(version: usize, at: usize, metrics: &[MetricName]) -> Result<SettledTrial, String> {
    let score = |metric: usize| uniform(((version * PAIRS + at) * METRICS + metric) as u64);
    let scores: BTreeMap<MetricName, Option<f64>> =
        metrics.iter().enumerate().map(|(index, metric)| (metric.clone(), Some(score(index)))).collect();
    Ok(SettledTrial {
        trial: (version * PAIRS + at) as u64,
        version,
        model: 0,
        case: SettledCase {
            id: name(CaseId::new(format!("c{at}")))?,
            input: Digest::of_bytes(format!("{at}").as_bytes()),
            cluster: None,
            tags: Vec::new(),
            selections: vec![(at % SLICES) as u16],
        },
        repeat: 1,
        draw: 1,
        key: None,
        request: None,
        outcome: Outcome::Passed,
        error: None,
        response: Some(Response::text("a")),
        failure: None,
        score: None,
        assertions: Vec::new(),
        metrics: scores,
        judge_cost: None,
        judge_unpriced: 0,
        earlier: Vec::new(),
        volatile: TrialVolatile::default(),
    })
}
