//! The fold to a gate's report: every comparison judged, the worst of the critical ones, and what meets the requirement.

use std::collections::{BTreeSet, HashMap};

use promptgate_core::calibration::CalibratedMetric;
use promptgate_core::gate::{Limit, Policy, Scope, Subject as Asks};
use promptgate_core::name::CaseId;
use promptgate_core::plan::{PlannedModel, TrialAddress};
use promptgate_core::record::{PlannedComparison, Purpose, RunHeader, SettledRecord};
use promptgate_core::report::{Comparison, GateReport, GateVolatile, Saved, words};
use promptgate_core::score::Tier;
use promptgate_core::verdict::{self, Verdict};

use super::FoldError;
use super::comparison::{Judged, Setting};
use super::subject::Subject;
use super::table::Table;
use super::tally::Tally;
use super::{people, rule};
use crate::planning::calibrated;
use crate::stats::multiple;

/// Folds the record of a `gate` or a `compare`.
pub fn gate_report(record: &dyn SettledRecord) -> Result<GateReport, FoldError> {
    let header = record.header();
    let policy = policy(header)?;
    let (table, tally) = read(record, policy.as_ref())?;
    let setting = Setting::new(header, policy.as_ref(), &table);
    let judged: Vec<Judged> = judged_alone(header).map(|planned| setting.judged(planned)).collect::<Result<_, _>>()?;
    let rooms: BTreeSet<String> = judged.iter().flat_map(|judged| &judged.rooms).cloned().collect();
    let mut comparisons = named(record, &table, judged)?;
    for (planned, comparison) in judged_alone(header).zip(&mut comparisons) {
        let same = |control: &&PlannedComparison| {
            control.control && (control.model, control.baseline) == (planned.model, planned.baseline)
        };
        if let Some(control) = header.comparisons.iter().find(same) {
            comparison.noise = setting.noise(control)?;
        }
    }
    if policy.is_none() {
        side_by_side(&mut comparisons);
    }
    let mut report = assembled(header, policy.as_ref(), tally, comparisons)?;
    report.volatile.notes = rooms.into_iter().collect();
    Ok(report)
}

/// The comparisons that are reported; those of a baseline with itself stand beside them.
fn judged_alone(header: &RunHeader) -> impl Iterator<Item = &PlannedComparison> {
    header.comparisons.iter().filter(|planned| !planned.control)
}

/// The record as columns, and its sums.
pub(crate) fn read(record: &dyn SettledRecord, policy: Option<&Policy>) -> Result<(Table, Tally), FoldError> {
    let header = record.header();
    let mut table = Table::new(header, subjects(header, policy)?);
    let mut tally = Tally::new(header);
    for read in record.digested() {
        let (trial, digest) = read?;
        tally.add(&trial, &digest);
        table.add(&trial)?;
    }
    table.close();
    Ok((table, tally))
}

/// The calls that a record still lacks: cases that are about to break a rule are called again (`confirm`). Each by version,
/// model, position of the case, and repeat; sorted, each once.
pub fn confirmations(record: &dyn SettledRecord) -> Result<Vec<TrialAddress>, FoldError> {
    let header = record.header();
    let Some(policy) = policy(header)?.filter(|_| header.confirm > 0) else { return Ok(Vec::new()) };
    let (table, _) = read(record, Some(&policy))?;
    let setting = Setting::new(header, Some(&policy), &table);
    let mut wanted = BTreeSet::new();
    for planned in judged_alone(header) {
        in_header(header, planned)?;
        let pairs = setting.pairs(planned);
        for check in &policy.checks {
            let Asks::Rule { rule, cases } = &check.subject else { continue };
            let asked = rule::Asked { rule: *rule, cases: setting.selected(cases.as_ref())?, tier: check.tier };
            for position in asked.unconfirmed(&pairs) {
                let repeats = header.trials + 1..=header.trials + rule.confirm();
                wanted.extend(repeats.map(|repeat| (planned.candidate, planned.model, position, repeat)));
            }
        }
    }
    let address = |(version, model, case, repeat)| TrialAddress { version, model, case, repeat };
    Ok(wanted.into_iter().map(address).collect())
}

/// What each baseline differs from itself by, by model and metric: from a record in which it stands a second time.
pub fn calibration(record: &dyn SettledRecord) -> Result<Vec<CalibratedMetric>, FoldError> {
    let header = record.header();
    let (table, _) = read(record, None)?;
    let setting = Setting::new(header, None, &table);
    let mut found = Vec::new();
    for planned in header.comparisons.iter().filter(|planned| planned.control) {
        in_header(header, planned)?;
        let (pairs, model) = (setting.pairs(planned), &header.models[planned.model].id);
        let metrics = Subject::all(header)
            .into_iter()
            .map(|subject| calibrated(model, &subject.name(), subject.kind(header), &pairs.against_itself(&subject)));
        found.extend(metrics.filter(|metric| metric.n > 0));
    }
    Ok(found)
}

/// Whether a gate that may stop early can stop with what was looked at so far: something that decides is worse, or all
/// that decides is settled.
pub fn is_settled(report: &GateReport) -> bool {
    let critical = || report.comparisons.iter().filter(|comparison| comparison.tier == Tier::Critical);
    let settled = |comparison: &Comparison| comparison.look.is_some_and(|look| look.settled);
    critical().any(|comparison| settled(comparison) && comparison.verdict == Some(Verdict::Fail))
        || critical().all(settled)
}

/// Several candidates against one baseline: the chance of a result this bad is adjusted by Holm over the candidates,
/// metric by metric; their bounds have shared the error rate already.
fn side_by_side(comparisons: &mut [Comparison]) {
    let mut families: std::collections::BTreeMap<(String, String, String), Vec<(usize, usize)>> = Default::default();
    for (at, comparison) in comparisons.iter().enumerate() {
        let baseline = comparison.baseline.as_ref().map(|side| side.digest.to_string()).unwrap_or_default();
        for (row, check) in comparison.checks.iter().enumerate() {
            let metric = check.metric.as_ref().map(ToString::to_string).unwrap_or_default();
            families.entry((comparison.model.to_string(), baseline.clone(), metric)).or_default().push((at, row));
        }
    }
    for family in families.into_values().filter(|family| family.len() > 1) {
        let p: Option<Vec<f64>> = family.iter().map(|(at, row)| comparisons[*at].checks[*row].p_value).collect();
        for ((at, row), adjusted) in family.into_iter().zip(p.iter().flat_map(|p| multiple::holm(p))) {
            comparisons[at].checks[row].p_value_adjusted = Some(adjusted);
        }
    }
}

/// The policy in force, if this is a gate.
pub(crate) fn policy(header: &RunHeader) -> Result<Option<Policy>, FoldError> {
    if header.purpose != Purpose::Gate {
        return Ok(None);
    }
    let none = || FoldError::Contradiction("the record is of a gate and has no policy".to_owned());
    header.policy.clone().ok_or_else(none).map(Some)
}

/// The columns that the checks look at.
fn subjects(header: &RunHeader, policy: Option<&Policy>) -> Result<Vec<Subject>, FoldError> {
    let Some(policy) = policy else { return Ok(Subject::all(header)) };
    let mut subjects = vec![Subject::Outcome];
    for check in &policy.checks {
        let Asks::Metric { metric, .. } = &check.subject else { continue };
        let unknown = || FoldError::Contradiction(format!("no assertion of the suite feeds the metric `{metric}`"));
        let subject = Subject::named(metric, header).ok_or_else(unknown)?;
        let judged = people::resting_on(header, &subject).into_iter().flatten().cloned().map(Subject::Metric);
        let judged: Vec<Subject> =
            judged.flat_map(|judged| [labels_of(header, &judged), Some(judged)]).flatten().collect();
        for subject in std::iter::once(subject).chain(judged) {
            if !subjects.contains(&subject) {
                subjects.push(subject);
            }
        }
    }
    Ok(subjects)
}

/// The column of what people say of a metric's outputs.
fn labels_of(header: &RunHeader, judged: &Subject) -> Option<Subject> {
    let Subject::Metric(judged) = judged else { return None };
    let people = header.metrics.iter().find(|spec| spec.labels_of.as_ref() == Some(judged));
    people.map(|spec| Subject::Metric(spec.name.clone()))
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
    let (verdict, met) = came_to(policy, &comparisons)?;
    let exit_code =
        verdict.zip(met).map_or(promptgate_core::ExitCode::Done, |(verdict, met)| verdict::exit_code(verdict, met));
    Ok(GateReport {
        schema: "promptgate.gate/1".to_owned(),
        suite: header.suite.clone(),
        verdict,
        requirement: policy.map(|policy| policy.require),
        met,
        exit_code,
        scope: policy.map_or(Scope::Population, |policy| policy.scope),
        seed: header.seed,
        plan_digest: header.plan_digest,
        policy_digest: policy.and(header.policy_digest),
        notes: notes(header, policy, &comparisons),
        suite_path: header.suite_path.clone(),
        confidence: policy.map_or_else(|| Policy::default().confidence, |policy| policy.confidence),
        trials: header.trials,
        saved: saved(header, &tally),
        cost: tally.cost,
        volatile: volatile(header, &tally),
        evidence_digest: tally.evidence(),
        comparisons,
    })
}

/// The verdict of the comparisons that decide, and whether it is the one that the policy requires.
fn came_to(policy: Option<&Policy>, comparisons: &[Comparison]) -> Result<(Option<Verdict>, Option<bool>), FoldError> {
    let critical = || comparisons.iter().filter(|comparison| comparison.tier == Tier::Critical);
    let verdict = Verdict::worst(critical().filter_map(|comparison| comparison.verdict));
    if policy.is_some() && verdict.is_none() {
        return Err(FoldError::Contradiction("no critical model takes part, so the gate cannot block".to_owned()));
    }
    let blind = critical().any(Comparison::looked_at_nothing);
    let met = verdict.zip(policy).map(|(verdict, policy)| policy.require.is_met_by(verdict, blind));
    Ok((verdict, met))
}

fn volatile(header: &RunHeader, tally: &Tally) -> GateVolatile {
    GateVolatile {
        run: header.volatile.run.to_string(),
        started: header.volatile.started.clone(),
        attempts: tally.attempts,
        reused: tally.reused,
        wasted_nano_usd: tally.wasted,
        wasted_unpriced: tally.wasted_unpriced,
        command: header.volatile.command.clone(),
        notes: Vec::new(),
    }
}

/// What stopping early left undone, and about what it would have cost.
fn saved(header: &RunHeader, tally: &Tally) -> Option<Saved> {
    header.units?;
    let cases = |model: &PlannedModel| model.cases.as_ref().map_or(header.cases, |share| share.count);
    let cases: u64 = header.models.iter().map(cases).sum();
    let planned = header.versions.len() as u64 * cases * u64::from(header.trials);
    let trials = planned.saturating_sub(tally.planned);
    let known = tally.planned.saturating_sub(tally.cost.unpriced);
    let mean = (known > 0).then(|| tally.cost.nano_usd.0 as f64 / known as f64);
    (trials > 0).then(|| Saved { trials, planned, nano_usd: mean.map(|mean| (mean * trials as f64) as u64) })
}

fn notes(header: &RunHeader, policy: Option<&Policy>, comparisons: &[Comparison]) -> Vec<String> {
    let critical = comparisons.iter().filter(|comparison| comparison.tier == Tier::Critical).count();
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
    let candidates: BTreeSet<_> = comparisons.iter().map(|comparison| comparison.candidate.digest).collect();
    if policy.is_none() && candidates.len() > 1 {
        let level = words::percent(1.0 - (1.0 - Policy::default().confidence) / candidates.len() as f64);
        notes.push(format!(
            "{} candidates side by side: ranges are taken at {level} each way, so that all of them hold together; chances \
             are adjusted by Holm over the candidates",
            candidates.len()
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
