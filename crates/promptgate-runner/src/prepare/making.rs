//! From what the pass over the cases found to a plan: what is wrong ends here, what is only worth knowing becomes a note.

use std::collections::BTreeSet;
use std::path::Path;

use promptgate_core::diagnostic::{Diagnostic, Location};
use promptgate_core::gate::{Policy, Subject};
use promptgate_core::nearest::did_you_mean;
use promptgate_core::plan::{CaseSet, ModelCases, Plan, PlannedModel, PlannedVersion};
use promptgate_core::record::{PlannedComparison, Purpose};
use promptgate_core::score::Tier;
use promptgate_core::selection::Selection;
use promptgate_core::sequence;
use serde_json::Value;

use super::pass::{self, Found, Pass};
use super::retake::{Retake, Today};
use super::{LoadedVersion, NothingSelected, PlanRequest, PrepareError, Prepared, counted};

/// Cases that are read again for a message: to see whether those of one input share a cluster, which fields there are.
const COMPARED: usize = 2_000;

/// Fields that a mistake names.
const LISTED: usize = 20;

/// Ids that a note names.
const NAMED: usize = 5;

/// Makes the plan.
pub(super) fn plan(request: PlanRequest<'_>) -> Result<Prepared, PrepareError> {
    let selections = pass::selections(request.policy.as_ref());
    let pass = Pass::new(&request, &selections)?;
    if request.cases.is_empty() {
        return Err(PrepareError::Nothing(NothingSelected::EmptyDataset { file: pass.file }));
    }
    let mut found = pass.run()?;
    let order = order_by_id(&found);
    refuse_blindness(&request, &mut found);
    refuse_idle_assertions(&request, &mut found);
    let metrics = request.suite.check_metrics(&found.live.metrics);
    metrics.0.into_iter().for_each(|mistake| found.mistakes.mistake(mistake));
    refuse_unknown_fields(&request, &mut found)?;
    refuse_doubled_ids(&request, &mut found, &order, &pass.file)?;
    if !found.mistakes.is_empty() {
        return Err(PrepareError::Wrong(pass.told(found.mistakes)));
    }
    let mut notes = Vec::new();
    let file = pass.file;
    refuse_emptiness(&request, &selections, &found, file, &mut notes)?;
    note_undecided(&found, &mut notes);
    note_ungrouped(&request, &found, &mut notes);
    note_equal_inputs(&request, &found, &mut notes)?;
    assemble(request, selections, found, &order, notes)
}

/// The places of the cases, in the normal order.
fn order_by_id(found: &Found) -> Vec<u32> {
    let mut order: Vec<u32> = (0..found.cases.len() as u32).collect();
    order.sort_unstable_by_key(|place| (found.cases[*place as usize].id, *place));
    order
}

/// A gate that no model decides could not block.
fn refuse_blindness(request: &PlanRequest<'_>, found: &mut Found) {
    let critical = request.models.iter().any(|model| model.planned.tier == Tier::Critical);
    if request.purpose == Purpose::Gate && !critical {
        let suite = format!("{}/suite.toml", request.suite_path.trim_end_matches('/'));
        let help = "make one of them `tier = \"critical\"`, or use `compare`, which gives no verdict";
        let message = "none of the gate's models is critical, so nothing could block";
        found.mistakes.mistake(Diagnostic::new(message).at(Location::of_line(&suite, 1)).help(help));
    }
}

/// An assertion whose `when` holds for no case of the whole data set is a slip, and would pass for a test. Those of a file
/// that several suites share are for the cases of some of them.
fn refuse_idle_assertions(request: &PlanRequest<'_>, found: &mut Found) {
    // Where none looks at anything there is nothing to do at all, which is told as such.
    if request.filter.is_some() || found.not_held > 0 || found.live.looked_at == 0 {
        return;
    }
    for (assertion, looks) in request.suite.asserts.iter().zip(&found.looks) {
        let is_own = |at: &&Location| Path::new(&at.file).file_name().is_some_and(|name| name == "suite.toml");
        let own = assertion.params.at.as_ref().filter(is_own);
        if let (0, Some(at), Some(when)) = (*looks, own, &assertion.when) {
            let message = format!("`{}` looks at no case: `when` is `{when}`, which holds for none", assertion.name);
            let mistake = Diagnostic::new(message).at(at.clone());
            found.mistakes.mistake(mistake.help("correct the selection, or tag the cases"));
        }
    }
}

/// The fields of the report's `by` at which no case has a value, with their places in it.
fn without_value<'a>(request: &'a PlanRequest<'_>, found: &Found) -> Vec<(usize, &'a String)> {
    let fields = request.suite.by.iter().enumerate().zip(&found.valued);
    fields.filter(|(_, valued)| **valued == 0).map(|(field, _)| field).collect()
}

/// A field that no case of the whole data set has is a slip.
fn refuse_unknown_fields(request: &PlanRequest<'_>, found: &mut Found) -> Result<(), PrepareError> {
    if request.filter.is_some() || !found.mistakes.is_empty() {
        return Ok(());
    }
    for (at, path) in without_value(request, found) {
        let message = format!("the report is to group by `{path}`, and no case has a value there");
        let mistake = Diagnostic::new(message).help(fields_beside(request, found, path)?);
        let item = format!("report.by.{at}");
        let key = if request.suite.places.contains_key(&item) { &item } else { "report.by" };
        found.mistakes.mistake(request.suite.at(key, mistake));
    }
    Ok(())
}

/// The cases that a filter selects may all lack what others have.
fn note_ungrouped(request: &PlanRequest<'_>, found: &Found, notes: &mut Vec<String>) {
    let note = |(_, path)| format!("no selected case has a value at `{path}`, so nothing is told by it");
    notes.extend(without_value(request, found).into_iter().map(note));
}

/// What cases have where a field was looked for.
fn fields_beside(request: &PlanRequest<'_>, found: &Found, path: &str) -> Result<String, PrepareError> {
    let Some((parent, _)) = path.rsplit_once('.') else {
        return Ok("name a field that cases have, or leave it out".to_owned());
    };
    let mut known = BTreeSet::new();
    for place in 0..found.cases.len().min(COMPARED) {
        if let Some(Value::Object(fields)) = read(request, found, place)?.path(parent) {
            known.extend(fields.keys().map(|key| format!("{parent}.{key}")));
        }
    }
    Ok(match known.is_empty() {
        true => format!("cases have nothing at `{parent}`"),
        false => did_you_mean(path, known.iter().take(LISTED).map(String::as_str)),
    })
}

/// Two cases of one id: found by the heads of their digests, then read again and compared.
fn refuse_doubled_ids(
    request: &PlanRequest<'_>,
    found: &mut Found,
    order: &[u32],
    file: &str,
) -> Result<(), PrepareError> {
    for pair in order.windows(2) {
        let [one, other] = [pair[0] as usize, pair[1] as usize];
        if found.cases[one].id != found.cases[other].id {
            continue;
        }
        let [one, other] = [read(request, found, one)?, read(request, found, other)?];
        if one.id == other.id {
            let message = format!("two cases have the id `{}`: lines {} and {}", one.id, one.line, other.line);
            let mistake = Diagnostic::new(message).at(Location::of_line(file, other.line));
            found.mistakes.mistake(mistake.help("give each case an id of its own"));
        }
    }
    Ok(())
}

fn read(request: &PlanRequest<'_>, found: &Found, place: usize) -> Result<promptgate_core::case::Case, PrepareError> {
    let position = found.positions.get(place).map_or(place, |position| *position as usize);
    Ok(request.cases.case(position)?)
}

/// What is about nothing must not pass for a test: it is an error where it decides, and a note where it informs.
fn refuse_emptiness(
    request: &PlanRequest<'_>,
    selections: &[Selection],
    found: &Found,
    file: String,
    notes: &mut Vec<String>,
) -> Result<(), PrepareError> {
    if found.cases.is_empty() && found.not_held > 0 {
        return Err(PrepareError::Nothing(NothingSelected::NoneHeld { file }));
    }
    if let (true, Some(filter)) = (found.cases.is_empty(), &request.filter) {
        let filter = filter.to_string();
        let cases = request.cases.len();
        return Err(PrepareError::Nothing(NothingSelected::FilterMatchesNothing { filter, file, cases }));
    }
    if found.live.looked_at == 0 {
        return Err(PrepareError::Nothing(NothingSelected::NoLiveAssertion));
    }
    for (tier, owner, selection) in empty_selections(request, selections, found) {
        let selection = selection.to_string();
        if tier == Tier::Critical {
            return Err(PrepareError::Nothing(NothingSelected::EmptySelection { owner, selection }));
        }
        notes.push(format!("{owner} `{selection}`, which holds for no case (advisory)"));
    }
    Ok(())
}

fn empty_selections<'a>(
    request: &'a PlanRequest<'_>,
    selections: &'a [Selection],
    found: &'a Found,
) -> impl Iterator<Item = (Tier, String, &'a Selection)> {
    let empty =
        |selection: &Selection| selections.iter().zip(&found.hits).any(|(each, hits)| each == selection && *hits == 0);
    let checks = request.policy.iter().flat_map(|policy| &policy.checks).filter_map(move |check| {
        let selection = pass::selection_of(&check.subject).filter(|selection| empty(selection))?;
        Some((check.tier, owner(&check.subject), selection))
    });
    let models = request.models.iter().zip(&found.chosen).filter_map(|(model, chosen)| {
        let selection = model.cases.as_ref().filter(|_| chosen.is_empty())?;
        Some((model.planned.tier, format!("the model `{}` answers", model.planned.id), selection))
    });
    checks.chain(models)
}

fn owner(subject: &Subject) -> String {
    match subject {
        Subject::Metric { metric, .. } => format!("the check of `{metric}` is about"),
        Subject::Rule { rule, .. } => format!("the rule `{}` is about", rule.name()),
    }
}

fn note_undecided(found: &Found, notes: &mut Vec<String>) {
    if found.live.undecided > 0 {
        let cases = counted(found.live.undecided, "case");
        notes.push(format!("no critical assertion looks at {cases}, so nothing there can pass: their trials err"));
    }
}

/// Cases of one input count as independent evidence unless they share a cluster.
fn note_equal_inputs(request: &PlanRequest<'_>, found: &Found, notes: &mut Vec<String>) -> Result<(), PrepareError> {
    let mut order: Vec<u32> = (0..found.cases.len() as u32).collect();
    order.sort_unstable_by_key(|place| (found.cases[*place as usize].input, *place));
    let same = |one: &u32, other: &u32| found.cases[*one as usize].input == found.cases[*other as usize].input;
    let (mut equal, mut compared, mut first) = (0, 0, Vec::new());
    for group in order.chunk_by(same).filter(|group| group.len() > 1) {
        compared += group.len();
        if compared > COMPARED {
            break;
        }
        let cases = group.iter().map(|place| read(request, found, *place as usize)).collect::<Result<Vec<_>, _>>()?;
        if cases.iter().any(|case| case.cluster.is_none() || case.cluster != cases[0].cluster) {
            equal += cases.len() as u64;
            first.extend(cases.iter().take(NAMED.saturating_sub(first.len())).map(|case| case.id.to_string()));
        }
    }
    if equal > 0 {
        let bound = if compared > COMPARED { "at least " } else { "" };
        let more = if equal > first.len() as u64 { ", ..." } else { "" };
        notes.push(format!(
            "{bound}{} have the input of another case ({}{more}): give them one cluster, or they count as independent",
            counted(equal, "case"),
            first.join(", "),
        ));
    }
    Ok(())
}

fn assemble(
    request: PlanRequest<'_>,
    selections: Vec<Selection>,
    mut found: Found,
    order: &[u32],
    mut notes: Vec<String>,
) -> Result<Prepared, PrepareError> {
    let grading = pass::grading_digest(&request.grader.digest_material(), &found, order);
    found.gradings = Vec::new();
    found.left_out.sort_unstable();
    let (models, chosen) = models(&request, &found.chosen);
    let seed = request.seed;
    let (ranks, units) = found.units.take().map(|units| sequence::ranks(&units, seed)).unzip();
    let today = Today { cases: &found.cases, order, left_out: &found.left_out, models: &models };
    let mut versions = Vec::new();
    let mut retakes = Vec::new();
    for loaded in &request.lineup.versions {
        let (version, retake) = planned_version(loaded, &today, &mut notes)?;
        notes.extend(version.stored.as_ref().and_then(|stored| left_out(&request, found.not_held, stored)));
        versions.push(version);
        retakes.push(retake);
    }
    Ok(Prepared {
        comparisons: comparisons(&request),
        ranks,
        units,
        metrics: request.grader.metrics(&found.live.metrics, &found.live.judged),
        deciding_judges: request.grader.deciding_judges(&found.live.deciding_judges),
        judges: request.suite.judges.clone(),
        asked: request.grader.asked().into_iter().chain(found.live.asked).collect(),
        parameters: parameters(&request),
        versions: request.lineup.versions.iter().map(|loaded| loaded.version.clone()).collect(),
        retakes,
        plan: Plan {
            suite: request.suite.name.clone(),
            grading,
            versions,
            models,
            cases: found.cases,
            chosen,
            trials: request.trials,
            confirm: confirm(request.policy.as_ref()),
            seed: request.seed,
        },
        selections,
        by: request.suite.by.clone(),
        notes,
        partition: request.partition,
        suite_path: request.suite_path,
        grader: request.grader,
        cases: request.cases,
        positions: (!found.positions.is_empty()).then_some(found.positions),
        purpose: request.purpose,
        note: request.suite.note.clone(),
        filter: request.filter,
        policy: request.policy,
        settings: request.settings,
    })
}

fn models(request: &PlanRequest<'_>, chosen: &[Vec<usize>]) -> (Vec<PlannedModel>, Vec<Option<CaseSet>>) {
    let plan = |(loaded, chosen): (&super::LoadedModel, &Vec<usize>)| {
        let set = loaded.cases.is_some().then(|| chosen.iter().copied().collect::<CaseSet>());
        let count = chosen.len() as u64;
        let cases = loaded.cases.clone().map(|selection| ModelCases { selection, count });
        (PlannedModel { cases, ..loaded.planned.clone() }, set)
    };
    request.models.iter().zip(chosen).map(plan).unzip()
}

fn planned_version(
    loaded: &LoadedVersion,
    today: &Today<'_>,
    notes: &mut Vec<String>,
) -> Result<(PlannedVersion, Option<Retake>), PrepareError> {
    let opened = loaded.stored.as_ref().map(|stored| Retake::open(stored, today)).transpose()?;
    let (retake, stored) = opened.unzip();
    if let (Some(retake), Some(stored)) = (&retake, &stored) {
        note_stored(retake, stored, today, notes);
    }
    let version = PlannedVersion {
        reference: loaded.reference.clone(),
        identity: loaded.version.identity.clone(),
        files: loaded.version.files.clone(),
        stored,
        again: loaded.again,
    };
    Ok((version, retake))
}

/// What of a run that is graded anew no longer fits, and what of today's cases it does not hold.
fn left_out(
    request: &PlanRequest<'_>,
    not_held: u64,
    stored: &promptgate_core::plan::StoredBaseline,
) -> Option<String> {
    let changed = stored.changed.len() as u64;
    if request.purpose != Purpose::Run || not_held + changed == 0 {
        return None;
    }
    let (new, run) = (counted(not_held, "case"), &stored.run);
    Some(format!("left out: {new} not in run {run} as it is now; {changed} of the run's own are edited or gone"))
}

fn note_stored(
    retake: &Retake,
    stored: &promptgate_core::plan::StoredBaseline,
    today: &Today<'_>,
    notes: &mut Vec<String>,
) {
    if stored.new > 0 {
        notes.push(format!("{} not in run {}: no answer there", counted(stored.new, "case"), stored.run));
    }
    for model in retake.unknown_models() {
        notes.push(format!("run {} holds no answers of `{}`", stored.run, today.models[model].id));
    }
}

/// The most calls that a rule may ask for on top of a case's trials.
fn confirm(policy: Option<&Policy>) -> u32 {
    let rules = policy.iter().flat_map(|policy| &policy.checks).filter_map(|check| match &check.subject {
        Subject::Rule { rule, .. } => Some(rule.confirm()),
        Subject::Metric { .. } => None,
    });
    rules.max().unwrap_or(0)
}

/// One comparison for each model, candidate and baseline, floors and rules alone where there is no baseline; and each
/// baseline against its other side.
fn comparisons(request: &PlanRequest<'_>) -> Vec<PlannedComparison> {
    if request.purpose == Purpose::Run {
        return Vec::new();
    }
    let lineup = &request.lineup;
    let of_model = |model: usize| {
        let mut made = Vec::new();
        for candidate in &lineup.candidates {
            made.extend(
                lineup.baselines.iter().map(|baseline| PlannedComparison::new(model, Some(*baseline), *candidate)),
            );
            made.extend(lineup.missing.iter().map(|why| PlannedComparison {
                baseline_missing: Some(why.clone()),
                ..PlannedComparison::new(model, None, *candidate)
            }));
            if lineup.baselines.is_empty() && lineup.missing.is_empty() {
                made.push(PlannedComparison::new(model, None, *candidate));
            }
        }
        made.extend(lineup.controls.iter().map(|(baseline, other)| PlannedComparison {
            control: true,
            ..PlannedComparison::new(model, Some(*baseline), *other)
        }));
        made
    };
    (0..request.models.len()).flat_map(of_model).collect()
}

fn parameters(request: &PlanRequest<'_>) -> Vec<Vec<serde_json::Map<String, serde_json::Value>>> {
    let of = |loaded: &LoadedVersion| {
        request.models.iter().map(|model| loaded.version.effective_parameters(&model.planned.config)).collect()
    };
    request.lineup.versions.iter().map(of).collect()
}
