//! `plan`: what a gate would call, cost and be able to tell, before any call; `--calibrate` measures the noise first.

use promptgate_core::calibration::{CALIBRATION_SCHEMA, CalibratedVersion, Calibration};
use promptgate_core::exit::ExitCode;
use promptgate_core::gate::Policy;
use promptgate_core::port::Clock;
use promptgate_core::record::{Purpose, SettledRecord};
use promptgate_core::report::plan::{PlanCalls, PlanReport, PlanSide};
use promptgate_runner::{Counts, Estimate, Prepared};
use promptgate_scoring::fold::calibration;
use promptgate_scoring::planning::{Group, ModelFacts, PlanFacts, plan_report};
use promptgate_store::SystemClock;

use crate::args::{PlanArgs, Running, Words};
use crate::error::Failure;
use crate::evaluate::{Answered, Intent, Outlook, answer, look};
use crate::output::{self, Output};
use crate::session::Session;

pub fn run(args: &PlanArgs, out: &Output) -> Result<ExitCode, Failure> {
    let sinks = output::plan_sinks(&args.reports)?;
    let session = Session::of_folder(&args.suite, out)?;
    if args.calibrate
        && let Some(code) = calibrate(args, &session, out)?
    {
        return Ok(code);
    }
    let outlook = look(&session, intent(args, &session), &running(args), out)?;
    let report = report(args, &session, &outlook)?;
    Ok(output::write_plan(&sinks, &report, out))
}

/// Runs the baseline against itself and keeps what it differs from itself by; an exit code where that did not come to its
/// end.
fn calibrate(args: &PlanArgs, session: &Session, out: &Output) -> Result<Option<ExitCode>, Failure> {
    let Intent { candidates, baselines, .. } = intent(args, session);
    let baseline = baselines.into_iter().chain(candidates).take(1).collect::<Vec<_>>();
    let candidates = baseline.clone();
    let intent = Intent {
        purpose: Purpose::Compare,
        candidates,
        baselines: baseline,
        policy: None,
        control: true,
        loosened: Vec::new(),
        command: Vec::new(),
    };
    let record = match answer(session, intent, &Running { only_looks: false, ..running(args) }, out)? {
        Answered::Record(record) => record,
        Answered::Not(code) => return Ok(Some(code)),
    };
    let header = record.header();
    let version = &header.versions[0];
    let found = Calibration {
        schema: CALIBRATION_SCHEMA.to_owned(),
        suite: header.suite.clone(),
        baseline: CalibratedVersion { reference: version.reference.clone(), digest: version.identity.digest },
        run: header.volatile.run.clone(),
        started: header.volatile.started.clone(),
        trials: header.trials,
        cases: header.cases,
        metrics: calibration(record.as_ref())?,
    };
    session.calibrations().write(&found)?;
    out.say(&format!("calibrated with run {}: {} against itself", found.run, found.baseline.reference));
    Ok(None)
}

/// The gate's own, where the suite has one; else a comparison, or a run of the candidate alone.
fn intent(args: &PlanArgs, session: &Session) -> Intent {
    let mut policy: Option<Policy> = session.suite.gate.clone();
    let mut baselines = policy.as_ref().map(|policy| policy.baselines.clone()).unwrap_or_default();
    if !args.baseline.is_empty() {
        baselines.clone_from(&args.baseline);
    }
    if let Some(policy) = &mut policy {
        policy.baselines.clone_from(&baselines);
    }
    let purpose = match (&policy, baselines.as_slice()) {
        (Some(_), _) => Purpose::Gate,
        (None, [_, ..]) => Purpose::Compare,
        (None, []) => Purpose::Run,
    };
    let candidate = args.candidate.clone().unwrap_or_else(|| session.suite.candidate.clone());
    Intent {
        purpose,
        candidates: vec![candidate],
        baselines,
        policy,
        control: false,
        loosened: Vec::new(),
        command: Vec::new(),
    }
}

fn running(args: &PlanArgs) -> Running {
    Running {
        model: args.model.clone(),
        filter: args.filter.clone(),
        trials: args.trials,
        live: args.live,
        only_looks: true,
        ..Running::default()
    }
}

/// The flags that shape the plan; a gate takes the same.
fn flags(args: &PlanArgs) -> Vec<String> {
    let mut words = Words::default();
    words.each("--candidate", &args.candidate);
    words.each("--baseline", &args.baseline);
    words.0.extend(running(args).words());
    words.0
}

fn report(args: &PlanArgs, session: &Session, outlook: &Outlook) -> Result<PlanReport, Failure> {
    let prepared = &outlook.assembly.prepared;
    let estimate = outlook.estimate(session)?;
    let calibration = session.calibrations().read(&session.suite.name)?;
    let plan = &prepared.plan;
    let side = |version: usize| PlanSide {
        reference: plan.versions[version].reference.clone(),
        digest: plan.versions[version].identity.digest,
    };
    let mut baselines: Vec<usize> = prepared.comparisons.iter().filter_map(|comparison| comparison.baseline).collect();
    baselines.sort_unstable();
    baselines.dedup();
    Ok(plan_report(&PlanFacts {
        suite: plan.suite.clone(),
        suite_path: session.suite_path.clone(),
        flags: flags(args),
        plan_digest: plan.digest(),
        trials: plan.trials,
        all: all(&estimate, plan.cases.len() as u64),
        policy: session.suite.gate.as_ref(),
        metrics: &prepared.metrics,
        selections: &prepared.selections,
        candidate: side(0),
        baselines: baselines.into_iter().map(side).collect(),
        models: models(session, prepared, &estimate),
        calibration: calibration.as_ref(),
        now: &SystemClock.now_text(),
        notes: notes(outlook),
    }))
}

/// What was found on the way, and which comparison cannot be made.
fn notes(outlook: &Outlook) -> Vec<String> {
    let prepared = &outlook.assembly.prepared;
    let mut missing: Vec<String> = Vec::new();
    for why in prepared.comparisons.iter().filter_map(|comparison| comparison.baseline_missing.as_deref()) {
        let note =
            format!("no comparison can be made, the baseline {why}; what needs no baseline is judged all the same");
        if !missing.contains(&note) {
            missing.push(note);
        }
    }
    [missing.as_slice(), prepared.notes.as_slice(), outlook.assembly.notes.as_slice()].concat()
}

/// The cases of the plan: those of a model that answers all of them, where there is one.
fn all(estimate: &Estimate, cases: u64) -> Group {
    let whole = estimate.groups.iter().filter_map(|groups| groups.first()).find(|group| group.cases == cases);
    whole.copied().unwrap_or(Group { cases, clusters: None })
}

fn models(session: &Session, prepared: &Prepared, estimate: &Estimate) -> Vec<ModelFacts> {
    let prices = session.prices();
    let facts = |(index, model): (usize, &promptgate_core::plan::PlannedModel)| {
        let sides = || estimate.sides.iter().map(move |models| models[index]);
        ModelFacts {
            model: model.id.clone(),
            tier: model.tier,
            groups: estimate.groups[index].clone(),
            calls: sides().fold(PlanCalls::default(), |sum, side| add(sum, side.counts)),
            sides: sides().map(|side| side.cost).collect(),
            price: prices.of(&model.id).copied(),
        }
    };
    prepared.plan.models.iter().enumerate().map(facts).collect()
}

fn add(sum: PlanCalls, counts: Counts) -> PlanCalls {
    PlanCalls {
        trials: sum.trials + counts.trials,
        stored: sum.stored + counts.stored(),
        replayed: sum.replayed + counts.replayed,
        to_call: sum.to_call + counts.calls,
    }
}
