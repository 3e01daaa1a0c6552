//! The fold to a gate's report: every comparison judged, the worst of the critical ones, and what meets the requirement.

use std::collections::HashMap;

use promptgate_core::gate::{Limit, Policy, Scope, Subject as Asks};
use promptgate_core::name::CaseId;
use promptgate_core::record::{PlannedComparison, Purpose, RunHeader, SettledRecord};
use promptgate_core::report::{Comparison, GateReport, GateVolatile, words};
use promptgate_core::score::Tier;
use promptgate_core::verdict::{self, Verdict};

use super::FoldError;
use super::comparison::{Judged, Setting};
use super::subject::Subject;
use super::table::Table;
use super::tally::Tally;

/// Folds the record of a `gate` or a `compare`.
pub fn gate_report(record: &dyn SettledRecord) -> Result<GateReport, FoldError> {
    let header = record.header();
    let policy = policy(header)?;
    let mut table = Table::new(header, subjects(header, policy.as_ref())?);
    let mut tally = Tally::new(header);
    for trial in record.trials() {
        let trial = trial?;
        tally.add(&trial);
        table.add(&trial)?;
    }
    let setting = Setting { header, policy: policy.as_ref(), table: &table };
    let judged: Vec<Judged> =
        header.comparisons.iter().map(|planned| setting.judged(planned)).collect::<Result<_, _>>()?;
    let comparisons = named(record, &table, judged)?;
    assembled(header, policy.as_ref(), tally, comparisons)
}

/// The policy in force, if this is a gate; what this version cannot do is an error before anything is judged.
fn policy(header: &RunHeader) -> Result<Option<Policy>, FoldError> {
    if header.purpose != Purpose::Gate {
        return Ok(None);
    }
    let none = || FoldError::Contradiction("the record is of a gate and has no policy".to_owned());
    let policy = header.policy.clone().ok_or_else(none)?;
    can_judge(&policy)?;
    Ok(Some(policy))
}

/// Whether this version does all that a policy asks for; to be asked before the first call.
///
/// # Errors
///
/// [`FoldError::NotYet`] with the setting and what to write instead.
pub fn can_judge(policy: &Policy) -> Result<(), FoldError> {
    let not_yet = |what: &str, help: &str| FoldError::NotYet { what: what.to_owned(), help: help.to_owned() };
    if policy.scope == Scope::TheseCases {
        return Err(not_yet("`scope = \"these-cases\"`", "leave the key out to judge inputs like these cases"));
    }
    if policy.sequential.is_some() {
        return Err(not_yet("`sequential`", "leave the key out to judge the whole plan at once"));
    }
    if policy.min_agreement.is_some() || policy.judge_labels_min > 0 {
        return Err(not_yet("`min_agreement` and `judge_labels_min`", "leave the keys out"));
    }
    Ok(())
}

/// The columns that the checks look at.
fn subjects(header: &RunHeader, policy: Option<&Policy>) -> Result<Vec<Subject>, FoldError> {
    let Some(policy) = policy else { return Ok(Subject::all(header)) };
    let mut subjects = vec![Subject::Outcome];
    for check in &policy.checks {
        let Asks::Metric { metric, .. } = &check.subject else { continue };
        let unknown = || FoldError::Contradiction(format!("no assertion of the suite feeds the metric `{metric}`"));
        let subject = Subject::named(metric, header).ok_or_else(unknown)?;
        if !subjects.contains(&subject) {
            subjects.push(subject);
        }
    }
    Ok(subjects)
}

/// Puts ids to the cases that the comparisons name: the trials are read again, up to the last one wanted.
fn named(record: &dyn SettledRecord, table: &Table, judged: Vec<Judged>) -> Result<Vec<Comparison>, FoldError> {
    let wanted = judged.iter().flat_map(Judged::positions);
    let mut ids: HashMap<usize, Option<CaseId>> = wanted.map(|position| (position, None)).collect();
    let mut left = ids.len();
    let mut trials = record.trials();
    while left > 0 {
        let Some(trial) = trials.next() else { break };
        let trial = trial?;
        if let Some(id @ None) = ids.get_mut(&table.position(&trial)) {
            *id = Some(trial.case.id);
            left -= 1;
        }
    }
    let id = |position: usize| ids.get(&position).cloned().flatten();
    Ok(judged.into_iter().map(|each| each.named(&id)).collect())
}

fn assembled(
    header: &RunHeader,
    policy: Option<&Policy>,
    tally: Tally,
    comparisons: Vec<Comparison>,
) -> Result<GateReport, FoldError> {
    let critical = || comparisons.iter().filter(|comparison| comparison.tier == Tier::Critical);
    let verdict = Verdict::worst(critical().filter_map(|comparison| comparison.verdict));
    if policy.is_some() && verdict.is_none() {
        return Err(FoldError::Contradiction("no critical model takes part, so the gate cannot block".to_owned()));
    }
    let blind = critical().any(Comparison::looked_at_nothing);
    let requirement = policy.map(|policy| policy.require);
    let met = verdict.zip(requirement).map(|(verdict, requirement)| requirement.is_met_by(verdict, blind));
    let exit_code =
        verdict.zip(met).map_or(promptgate_core::ExitCode::Done, |(verdict, met)| verdict::exit_code(verdict, met));
    Ok(GateReport {
        schema: "promptgate.gate/1".to_owned(),
        suite: header.suite.clone(),
        verdict,
        requirement,
        met,
        exit_code,
        scope: policy.map_or(Scope::Population, |policy| policy.scope),
        seed: header.seed,
        plan_digest: header.plan_digest,
        policy_digest: policy.and(header.policy_digest),
        notes: notes(header, policy, critical().count()),
        suite_path: header.suite_path.clone(),
        confidence: policy.map_or_else(|| Policy::default().confidence, |policy| policy.confidence),
        trials: header.trials,
        cost: tally.cost,
        volatile: GateVolatile {
            run: header.volatile.run.to_string(),
            started: header.volatile.started.clone(),
            attempts: tally.attempts,
            reused: tally.reused,
            wasted_nano_usd: tally.wasted,
        },
        evidence_digest: tally.evidence(),
        comparisons,
    })
}

fn notes(header: &RunHeader, policy: Option<&Policy>, critical: usize) -> Vec<String> {
    let mut notes: Vec<String> = header.note.iter().chain(&header.notes).cloned().collect();
    let drops = |policy: &&Policy| {
        policy.checks.iter().any(|check| {
            let Asks::Metric { limit, .. } = &check.subject else { return false };
            matches!(limit, Some(Limit::AllowedDrop(_) | Limit::AllowedRise(_)))
        })
    };
    if let Some(policy) = policy.filter(drops).filter(|_| critical > 1) {
        let (one, all) = (words::percent(policy.alpha()), words::percent((policy.alpha() * critical as f64).min(1.0)));
        notes.push(format!(
            "{critical} comparisons, each judged at {one}: where nothing changed, one of them is blocked falsely in up to {all} of gates"
        ));
    }
    notes
}

/// The model, versions and tier of a comparison, checked against the header.
pub(crate) fn in_header(header: &RunHeader, planned: &PlannedComparison) -> Result<(), FoldError> {
    let versions = [Some(planned.candidate), planned.baseline];
    let known = versions.into_iter().flatten().all(|version| version < header.versions.len());
    match known && planned.model < header.models.len() {
        true => Ok(()),
        false => {
            Err(FoldError::Contradiction("a comparison names a version or model that the header does not".to_owned()))
        }
    }
}
