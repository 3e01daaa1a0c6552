//! What a gate will be able to tell, reckoned before its first call (`gate.md`, sections 2.4, 4.2, 4.4, 4.8 and 8): facts
//! in, a [`PlanReport`] out. Nothing here reads a case or knows a provider.

mod calibrate;
mod check;
mod cost;
mod flake;
mod noise;
mod words;

use promptgate_core::Digest;
use promptgate_core::calibration::{Calibration, Fit};
use promptgate_core::gate::{Limit, Policy, Rule, Subject};
use promptgate_core::media::IMAGE_TOKENS;
use promptgate_core::name::{ModelId, SuiteName};
use promptgate_core::price::Price;
use promptgate_core::record::MetricSpec;
use promptgate_core::report::plan::{CalibrationUse, PLAN_SCHEMA, PlanCalls, PlanModel, PlanReport, PlanSide};
use promptgate_core::report::words::counted;
use promptgate_core::score::Tier;
use promptgate_core::selection::Selection;

pub use calibrate::{AaCase, calibrated};
pub use cost::{Asked, Measured, SideCost, spend};
pub use flake::{must_pass_blocks, no_new_break_blocks};

/// How often a plan is to succeed: 4 times in 5.
pub const POWER: f64 = 0.80;

/// What is planned.
#[derive(Debug, Clone)]
pub struct PlanFacts<'a> {
    /// The suite.
    pub suite: SuiteName,
    /// Its folder as the user named it.
    pub suite_path: String,
    /// The flags that shape the plan, as they are typed.
    pub flags: Vec<String>,
    /// The plan digest.
    pub plan_digest: Digest,
    /// Repeats per case.
    pub trials: u32,
    /// All cases of the plan.
    pub all: Group,
    /// The gate, where there is one.
    pub policy: Option<&'a Policy>,
    /// The suite's own metrics.
    pub metrics: &'a [MetricSpec],
    /// The selections that checks name.
    pub selections: &'a [Selection],
    /// The version judged.
    pub candidate: PlanSide,
    /// The versions held to.
    pub baselines: Vec<PlanSide>,
    /// The models.
    pub models: Vec<ModelFacts>,
    /// The calibration that was found.
    pub calibration: Option<&'a Calibration>,
    /// The time, RFC 3339.
    pub now: &'a str,
    /// What was found before the first call.
    pub notes: Vec<String>,
}

/// One model of a plan.
#[derive(Debug, Clone)]
pub struct ModelFacts {
    /// The model.
    pub model: ModelId,
    /// Whether it decides.
    pub tier: Tier,
    /// Its cases: all of them first, then those of each selection.
    pub groups: Vec<Group>,
    /// Where its answers come from.
    pub calls: PlanCalls,
    /// By version, what is to be called for and what is known of answers that are there.
    pub sides: Vec<SideCost>,
    /// What the model costs, where that is known.
    pub price: Option<Price>,
}

/// Some cases of a plan.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Group {
    /// How many.
    pub cases: u64,
    /// Clusters among them, where two share one.
    pub clusters: Option<u64>,
}

/// Reckons what a plan takes and can tell.
pub fn plan_report(facts: &PlanFacts<'_>) -> PlanReport {
    let fit = facts.calibration.map(|calibration| (calibration, fit(facts, calibration)));
    let used = fit.as_ref().and_then(|(calibration, fit)| fit.is_used().then_some(*calibration));
    let models: Vec<PlanModel> = facts.models.iter().map(|model| plan_model(facts, model, used)).collect();
    let spend = cost::total(facts.models.iter().map(|model| cost::spend(&model.sides, model.price.as_ref())));
    let mut report = PlanReport {
        schema: PLAN_SCHEMA.to_owned(),
        suite: facts.suite.clone(),
        suite_path: facts.suite_path.clone(),
        plan_digest: facts.plan_digest,
        cases: facts.all.cases,
        clusters: facts.all.clusters,
        trials: facts.trials,
        scope: facts.policy.map(|policy| policy.scope),
        requirement: facts.policy.map(|policy| policy.require),
        confidence: facts.policy.map(|policy| policy.confidence),
        candidate: facts.candidate.clone(),
        baselines: facts.baselines.clone(),
        calls: calls(&facts.models),
        spend,
        models,
        calibration: fit.map(|(calibration, fit)| calibration_use(facts, calibration, &fit)),
        notes: facts.notes.clone(),
        next: Vec::new(),
    };
    report.notes.extend(notes(facts));
    report.next = words::next(facts, &report);
    report
}

fn plan_model(facts: &PlanFacts<'_>, model: &ModelFacts, calibration: Option<&Calibration>) -> PlanModel {
    let checks = facts.policy.map_or(&[][..], |policy| &policy.checks);
    let plan = |check| check::plan(facts, model, check, calibration);
    let all = model.groups.first().copied().unwrap_or_default();
    PlanModel {
        model: model.model.clone(),
        tier: model.tier,
        cases: all.cases,
        clusters: all.clusters,
        calls: model.calls,
        spend: cost::spend(&model.sides, model.price.as_ref()),
        checks: checks.iter().map(plan).collect(),
    }
}

fn calls(models: &[ModelFacts]) -> PlanCalls {
    models.iter().fold(PlanCalls::default(), |sum, model| PlanCalls {
        trials: sum.trials + model.calls.trials,
        stored: sum.stored + model.calls.stored,
        replayed: sum.replayed + model.calls.replayed,
        to_call: sum.to_call + model.calls.to_call,
    })
}

/// A calibration is one baseline's; with several the first that it was made on is meant.
fn fit(facts: &PlanFacts<'_>, calibration: &Calibration) -> Fit {
    let fits = facts.baselines.iter().map(|side| calibration.fit(&facts.suite, &side.digest, facts.all.cases));
    let mut found = Fit::OtherVersion;
    for fit in fits {
        if fit.is_used() {
            return fit;
        }
        found = if fit == Fit::OtherVersion { found } else { fit };
    }
    found
}

fn calibration_use(facts: &PlanFacts<'_>, calibration: &Calibration, fit: &Fit) -> CalibrationUse {
    let baseline = PlanSide { reference: calibration.baseline.reference.clone(), digest: calibration.baseline.digest };
    let age_days = age(&calibration.started, facts.now);
    CalibrationUse {
        used: fit.is_used(),
        baseline,
        started: calibration.started.clone(),
        age_days,
        cases: calibration.cases,
        trials: calibration.trials,
        words: words::calibration(calibration, fit, facts.all.cases, age_days),
    }
}

/// Days between two times in RFC 3339; absent where one cannot be read.
fn age(from: &str, to: &str) -> Option<f64> {
    let seconds = |text: &str| text.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_second);
    let passed = seconds(to)? - seconds(from)?;
    (passed >= 0).then(|| (passed as f64 / 864.0).round() / 100.0)
}

/// How many critical checks of one comparison share the error rate of a false block.
fn family(policy: &Policy) -> u64 {
    let in_family = |subject: &Subject| {
        matches!(subject, Subject::Metric { limit: Some(Limit::AllowedDrop(_) | Limit::AllowedRise(_)), .. })
    };
    policy.checks.iter().filter(|check| check.tier == Tier::Critical && in_family(&check.subject)).count() as u64
}

fn notes(facts: &PlanFacts<'_>) -> Vec<String> {
    let Some(policy) = facts.policy else { return Vec::new() };
    let mut notes = Vec::new();
    let confirm = policy.checks.iter().filter_map(|check| match check.subject {
        Subject::Rule { rule: Rule::NoNewBreak { confirm, .. } | Rule::MustPass { confirm }, .. } => Some(confirm),
        Subject::Metric { .. } => None,
    });
    if let Some(confirm @ 1..) = confirm.max() {
        let more = counted(u64::from(confirm), "more call", "more calls");
        notes.push(format!("a case that is about to break a rule is confirmed by {more}; those are not counted above"));
    }
    if let share @ 2.. = family(policy) {
        let level = promptgate_core::report::words::percent(policy.alpha() / share as f64);
        notes.push(format!(
            "{share} critical checks share the risk of blocking by chance, so each of them must be surer: {level} a check"
        ));
    }
    let critical = facts.models.iter().filter(|model| model.tier == Tier::Critical).count();
    if let comparisons @ 2.. = critical * facts.baselines.len() {
        let risk = promptgate_core::report::words::percent((comparisons as f64 * policy.alpha()).min(1.0));
        notes.push(format!(
            "{comparisons} comparisons decide, each with its own risk: together they block an unchanged candidate by chance \
             in up to {risk} of the runs"
        ));
    }
    if policy.sequential.is_some() {
        notes.push("it may stop early: these calls are the most it makes".to_owned());
    }
    let files: u64 = facts.models.iter().flat_map(|model| &model.sides).map(|side| side.asked.files).sum();
    if files > 0 {
        let files = counted(files, "image or other file is", "images and other files are");
        notes.push(format!(
            "{files} counted as {} tokens each: their number cannot be told from a length",
            IMAGE_TOKENS
        ));
    }
    notes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_in_days_and_never_negative() {
        let age = |from| age(from, "2026-01-15T12:00:00Z");
        assert_eq!(age("2026-01-14T00:00:00Z"), Some(1.5));
        assert_eq!((age("2026-01-16T00:00:00Z"), age("yesterday")), (None, None));
    }
}
