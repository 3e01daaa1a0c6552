//! `judge calibrate`: a judge grades what people have labelled, and both are held against each other; and the judge against
//! what it gave before, so that one that changed is found.

mod drift;
mod heard;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::sync::Arc;

use promptgate_core::answer::{FailureKind, Response};
use promptgate_core::ask::Asked;
use promptgate_core::assertion::AssertionSpec;
use promptgate_core::case::Case;
use promptgate_core::digest::Digest;
use promptgate_core::exit::ExitCode;
use promptgate_core::format::labels::{HumanLabel, parse};
use promptgate_core::format::project::CacheMode;
use promptgate_core::name::{CaseId, ModelId, SuiteName};
use promptgate_core::port::{CaseSource, Tree};
use promptgate_core::report::OrderSummary;
use promptgate_core::report::words::{self, counted};
use promptgate_core::score::{BothOrders, Score, Tier};
use promptgate_core::suite::default_timeout;
use promptgate_report::escape::{shortened, terminal_line};
use promptgate_runner::{LoadedVersion, grade_outputs};
use promptgate_scoring::calibrating::drift::Finding;
use promptgate_scoring::calibrating::{Chosen, Comparison, Judged, are_names, compare};
use promptgate_scoring::fold::order_summary;
use promptgate_scoring::grader::{self, GradeInput, Grader, GraderSpec};
use serde_json::{Value, json};

use self::drift::{Earlier, Held};
use self::heard::Heard;
use crate::args::{CalibrateArgs, Running};
use crate::error::Failure;
use crate::evaluate::Judges;
use crate::output::Output;
use crate::session::Session;

/// Disagreements that are shown.
const SHOWN: usize = 10;

/// Letters of an output that are shown.
const OUTPUT_SHOWN: usize = 80;

/// A correlation with length from which a judge is said to look at it, and outputs that such a word needs.
const NOTABLE: (f64, usize) = (0.3, 20);

/// One assertion, ready to be calibrated: nothing was asked yet.
struct Ready {
    spec: AssertionSpec,
    grader: Arc<Grader>,
    asked: BTreeSet<Asked>,
    /// What people say, by case and output, and who says so.
    people: BTreeMap<(CaseId, String), Raters>,
}

/// What each person says of an output, as the judge would say it; one who has no name is the empty one.
type Raters = BTreeMap<String, Said>;

/// What a person says.
struct Said {
    score: f64,
    /// The label, where it is one that the judge gives too.
    label: Option<String>,
}

/// One assertion, held against people.
struct Calibrated {
    name: String,
    /// The digest of how it grades.
    judge: Digest,
    /// The models that it asks.
    models: Vec<String>,
    /// The models that answered, as they say themselves.
    answered_by: Vec<String>,
    /// The labelled outputs, by case and output.
    graded: Vec<Graded>,
    comparison: Comparison,
    judged: Vec<Judged>,
    /// Labelled outputs without a grade, and why the first one has none.
    unscored: (usize, Option<String>),
    /// Preferences judged in both orders.
    both_orders: OrderSummary,
    /// Why the judge could not be asked, where calls failed.
    failures: Vec<FailureKind>,
}

/// A labelled output.
struct Graded {
    case: CaseId,
    output: String,
    people: f64,
    judge: Option<f64>,
}

pub fn calibrate(args: &CalibrateArgs, out: &Output) -> Result<ExitCode, Failure> {
    let session = Session::of_folder(&args.suite, out)?;
    let version = session.version(&session.suite.candidate)?;
    let suite = &session.suite.name;
    let earlier = args.against.as_deref().map(|file| Earlier::read(file, suite)).transpose()?;
    let cases = by_id(&*session.cases()?)?;
    let mut ready = Vec::new();
    for (spec, path) in wanted(&session, args)? {
        ready.push(prepared(&session, &version, &spec, &labels(&session, args, &path)?, &cases)?);
    }
    if let Some(earlier) = &earlier {
        ready.iter().try_for_each(|each| must_be_asked(&session, each, args).and_then(|()| earlier.must_know(each)))?;
    }
    let judged = ready.into_iter().map(|each| judged(&session, each, &cases, args, out));
    let found = judged.collect::<Result<Vec<_>, _>>()?;
    let held: Vec<_> =
        found.iter().map(|each| earlier.as_ref().and_then(|earlier| earlier.held(each, found.len()))).collect();
    let written = out.print(&report(&found, &held, args.json));
    let code = exit_code(args, &found, &held).unwrap_or(written);
    match &args.save {
        Some(file) => keep(file, suite, (&found, &held), code, out),
        None => Ok(code),
    }
}

/// Keeps what the judges gave, if a later night may be held against it.
fn keep(
    file: &Path,
    suite: &SuiteName,
    (found, held): (&[Calibrated], &[Option<Held<'_>>]),
    code: ExitCode,
    out: &Output,
) -> Result<ExitCode, Failure> {
    if let Some(why) = unfit(found, held) {
        out.say(&format!("{} is not written: {why}", file.display()));
        return Ok(if code == ExitCode::Done { ExitCode::Inconclusive } else { code });
    }
    match drift::save(file, suite, found, out) {
        Err(failure) if code != ExitCode::Done => {
            out.complain(&failure);
            Ok(code)
        }
        saved => saved.map(|()| code),
    }
}

/// Why no later night is to be held against what was found.
fn unfit(found: &[Calibrated], held: &[Option<Held<'_>>]) -> Option<String> {
    if held.iter().flatten().any(|held| held.drift.finding != Finding::Steady) {
        return Some(
            "what is not found steady would hide drift; to go by the judge as it is, leave out --against".into(),
        );
    }
    let without = found.iter().find(|each| each.judged.is_empty())?;
    Some(format!("no output of `{}` got a grade", without.name))
}

/// What decides the exit code beside a report that could not be written: the worst first.
fn exit_code(args: &CalibrateArgs, found: &[Calibrated], held: &[Option<Held<'_>>]) -> Option<ExitCode> {
    let low = |least: f64| {
        let graded = found.iter().filter(|each| !each.judged.is_empty());
        graded
            .map(|each| each.comparison.agreement)
            .any(|agreement| agreement.is_none_or(|agreement| agreement < least))
    };
    let drift = drift::exit_code(held);
    match drift {
        _ if args.min_agreement.is_some_and(low) => Some(ExitCode::Failed),
        Some(ExitCode::Invalid) => drift,
        _ => found.iter().filter_map(Calibrated::ungraded).min_by_key(|code| *code == ExitCode::Inconclusive).or(drift),
    }
}

impl Calibrated {
    /// Where no output got a grade: who could not be asked did not disagree.
    fn ungraded(&self) -> Option<ExitCode> {
        use FailureKind::{Budget, Connection, Quota, RateLimit, Server};
        let failed = |kinds: &[FailureKind]| self.failures.iter().any(|kind| kinds.contains(kind));
        self.judged.is_empty().then(|| match () {
            () if failed(&[Budget]) => ExitCode::Incomplete,
            () if failed(&[Connection, RateLimit, Quota, Server]) => ExitCode::Unavailable,
            () => ExitCode::Inconclusive,
        })
    }
}

fn report(found: &[Calibrated], held: &[Option<Held<'_>>], json: bool) -> String {
    let both = || found.iter().zip(held);
    if json {
        let value = |(found, held): (&Calibrated, &Option<Held<'_>>)| {
            let mut value = as_json(found);
            if let Some(held) = held {
                value["drift"] = held.as_json(found);
            }
            value
        };
        return format!("{:#}\n", both().map(value).collect::<Value>());
    }
    let text = |(found, held): (&Calibrated, &Option<Held<'_>>)| {
        told(found) + &held.as_ref().map(|held| held.told(found)).unwrap_or_default()
    };
    both().map(text).collect::<Vec<_>>().join("\n")
}

/// The judged assertions to be calibrated, each with the path of its labels.
fn wanted(session: &Session, args: &CalibrateArgs) -> Result<Vec<(AssertionSpec, String)>, Failure> {
    let own = |spec: &AssertionSpec| spec.params.values.get("calibration").and_then(Value::as_str).map(str::to_owned);
    let named = |spec: &&AssertionSpec| args.assertion.as_ref().is_none_or(|name| spec.name == *name);
    let given = args.labels.as_deref().map(|path| path.to_string_lossy().into_owned());
    let chosen: Vec<&AssertionSpec> = session.suite.asserts.iter().filter(named).collect();
    if chosen.is_empty() {
        let names: Vec<&str> = session.suite.asserts.iter().map(|spec| spec.name.as_str()).collect();
        return Err(Failure::usage("the suite has no such assertion").help(format!("it has {}", names.join(", "))));
    }
    if given.is_some() && args.assertion.is_none() {
        return Err(Failure::usage("--labels needs to know which assertion they are for").help("add --assertion NAME"));
    }
    let with = |spec: &AssertionSpec| Some((spec.clone(), given.clone().or_else(|| own(spec))?));
    let found: Vec<(AssertionSpec, String)> = chosen.into_iter().filter_map(with).collect();
    match found.is_empty() {
        true => Err(Failure::usage("no judged assertion has labels of people")
            .help("add `calibration = \"labels.jsonl\"` to it, or name them: --assertion NAME --labels FILE")),
        false => Ok(found),
    }
}

/// A file of labels: its path, and what stands in it.
struct LabelFile {
    path: String,
    text: String,
}

impl LabelFile {
    /// The labels, of a judge that gives these.
    fn read(&self, given: &[(String, f64)]) -> Result<Vec<HumanLabel>, Failure> {
        let given: Vec<&str> = given.iter().map(|(label, _)| label.as_str()).collect();
        let labels = parse(&self.text, &self.path, &given)
            .map_err(|mistake| Failure::from(promptgate_core::Diagnostics::from(mistake)))?;
        match labels.is_empty() {
            true => Err(Failure::new(ExitCode::NothingSelected, format!("{} holds no label", self.path))),
            false => Ok(labels),
        }
    }
}

fn labels(session: &Session, args: &CalibrateArgs, path: &str) -> Result<LabelFile, Failure> {
    let text = match &args.labels {
        Some(file) => std::fs::read_to_string(Path::new(file))
            .map_err(|error| Failure::usage(format!("cannot read {}: {error}", file.display())))?,
        None => session.tree().read_text(&session.folder().join(path)?)?,
    };
    Ok(LabelFile { path: path.to_owned(), text })
}

fn by_id(cases: &dyn CaseSource) -> Result<HashMap<CaseId, Case>, Failure> {
    let read = |position| {
        let case = cases.case(position)?;
        Ok((case.id.clone(), case))
    };
    (0..cases.len()).map(read).collect()
}

/// What one assertion takes to grade the labelled outputs.
fn prepared(
    session: &Session,
    version: &LoadedVersion,
    spec: &AssertionSpec,
    file: &LabelFile,
    cases: &HashMap<CaseId, Case>,
) -> Result<Ready, Failure> {
    let mut alone = AssertionSpec { tier: Tier::Critical, when: None, metric: None, ..spec.clone() };
    // What people say is read by the judge's own words, from the file that is asked about.
    alone.params.values.remove("calibration");
    let grader = Arc::new(Grader::new(GraderSpec {
        asserts: std::slice::from_ref(&alone),
        derived: &[],
        judges: &session.suite.judges,
        answers: std::slice::from_ref(&version.version.front.answer),
        tools: std::slice::from_ref(&version.version.front.tools),
        tree: session.tree().clone(),
        folder: session.folder().clone(),
    })?);
    let asked = grader.asked();
    if asked.is_empty() {
        return Err(Failure::usage(format!("`{}` asks no judge, so there is nothing to calibrate", spec.name)));
    }
    let labels = file.read(grader.labels())?;
    let people = people((spec, &file.path), &grader, by_output(&labels, cases)?)?;
    Ok(Ready { spec: spec.clone(), grader, asked, people })
}

/// What people say, as the judge would say it.
fn people(
    (spec, path): (&AssertionSpec, &str),
    grader: &Grader,
    by_output: BTreeMap<(CaseId, String), Vec<&HumanLabel>>,
) -> Result<BTreeMap<(CaseId, String), Raters>, Failure> {
    let score = |label: &HumanLabel| {
        let unknown = || {
            Failure::usage(format!("{path}:{}: `{}` gives no such label: {}", label.line, spec.name, label.label))
                .help("write a number from 0 to 1, true or false, or a label of the judge")
        };
        let score = grader.label_score(&label.label).ok_or_else(unknown)?;
        let named = label.label.as_str().map(str::to_owned);
        Ok((label.rater.clone().unwrap_or_default(), Said { score, label: named }))
    };
    let said = |(output, labels): ((CaseId, String), Vec<&HumanLabel>)| {
        Ok((output, labels.into_iter().map(score).collect::<Result<Raters, Failure>>()?))
    };
    by_output.into_iter().map(said).collect()
}

/// A judge that is held against itself must be asked: a recording says what it said.
fn must_be_asked(session: &Session, ready: &Ready, args: &CalibrateArgs) -> Result<(), Failure> {
    let asks =
        |model: &ModelId| ready.asked.iter().any(|asked| matches!(asked, Asked::Model(each, _) if each == model));
    let recorded = session.suite.judges.iter().find(|judge| judge.recording.is_some() && asks(&judge.id));
    match recorded.filter(|_| !args.live) {
        Some(judge) => Err(Failure::usage(format!("a recording stands in for {}, which cannot drift", judge.id))
            .help("add --live to ask the judge itself")),
        None => Ok(()),
    }
}

/// Has one assertion grade the labelled outputs.
fn judged(
    session: &Session,
    ready: Ready,
    cases: &HashMap<CaseId, Case>,
    args: &CalibrateArgs,
    out: &Output,
) -> Result<Calibrated, Failure> {
    let running = Running {
        live: args.live,
        no_run: args.no_run,
        max_cost: args.max_cost,
        allow_exec: args.allow_exec,
        // A kept reply is an earlier judge's, and what is drawn anew must not take its place.
        cache: (args.against.is_some() || args.save.is_some()).then_some(CacheMode::Off),
        ..Running::default()
    };
    let judges = Judges::new(session, &ready.asked, &running, out)?;
    let input = |(case, output): &(CaseId, String)| GradeInput {
        version: 0,
        case: Arc::new(cases[case].clone()),
        response: Ok(Arc::new(Response::text(output.clone()))),
    };
    let inputs = ready.people.keys().map(input).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::new(ExitCode::Bug, format!("cannot start: {error}")))?;
    let concurrency = session.settings().concurrency.map_or(32, |count| count as usize);
    let timeout = default_timeout().as_millis() as u64;
    let heard = Arc::new(Heard::new(judges.answerer.clone()));
    let grading = grade_outputs(ready.grader.clone(), heard.clone(), inputs, (concurrency, timeout));
    let results = runtime.block_on(grading);
    judges.finish(out);
    Ok(collect(ready, results, &heard))
}

/// What people say, by case and output. A label of a case that is not there would be lost unseen.
fn by_output<'a>(
    labels: &'a [HumanLabel],
    cases: &HashMap<CaseId, Case>,
) -> Result<BTreeMap<(CaseId, String), Vec<&'a HumanLabel>>, Failure> {
    let mut found: BTreeMap<(CaseId, String), Vec<&HumanLabel>> = BTreeMap::new();
    for label in labels {
        if !cases.contains_key(&label.case) {
            let why = format!("a label is of the case `{}`, which the suite does not have", label.case);
            return Err(Failure::usage(why).help("labels are of the suite's cases, by their ids"));
        }
        found.entry((label.case.clone(), label.output.clone())).or_default().push(label);
    }
    Ok(found)
}

fn collect(ready: Ready, results: Vec<grader::Graded>, heard: &Heard) -> Calibrated {
    let (mut judged, mut graded) = (Vec::new(), Vec::new());
    let (mut unscored, mut both_orders) = ((0, None), BothOrders::default());
    for (((case, output), raters), result) in ready.people.into_iter().zip(results) {
        let people = raters.values().map(|said| said.score).sum::<f64>() / raters.len() as f64;
        let Some(result) = result.assertions.into_iter().next() else { continue };
        both_orders = both_orders.plus(result.scored.both_orders.unwrap_or_default());
        let judge = result.scored.score.value();
        match result.scored.score {
            Score::Value(judge) => judged.push(Judged {
                case: case.to_string(),
                output: shown(&output, OUTPUT_SHOWN),
                people,
                chosen: chosen(&ready.grader, &raters, result.scored.label),
                raters: raters.into_iter().map(|(name, said)| (name, said.score)).collect(),
                judge,
                people_pass: ready.grader.passes(people).unwrap_or(people >= 0.5),
                judge_passes: result.scored.passed,
                reason: result.scored.evidence.note.unwrap_or_default(),
                length: output.chars().count(),
            }),
            Score::Unscored(why) => {
                unscored.0 += 1;
                unscored.1.get_or_insert(why);
            }
        }
        graded.push(Graded { case, output, people, judge });
    }
    let models: BTreeSet<String> = ready.asked.iter().filter_map(model_of).collect();
    Calibrated {
        judge: Digest::of_json(&ready.grader.digest_material()),
        models: models.into_iter().collect(),
        answered_by: heard.names(),
        graded,
        comparison: compare(&judged),
        both_orders: order_summary(&ready.spec.name, both_orders),
        name: ready.spec.name,
        judged,
        unscored,
        failures: heard.failures(),
    }
}

/// The labels behind the scores, where they are names and each person gave one.
fn chosen(grader: &Grader, raters: &Raters, judge: Option<String>) -> Option<Chosen> {
    let label = |(name, said): (&String, &Said)| Some((name.clone(), said.label.clone()?));
    let people = are_names(grader.labels()).then(|| raters.iter().map(label).collect::<Option<_>>())??;
    Some(Chosen { people, judge })
}

fn model_of(asked: &Asked) -> Option<String> {
    match asked {
        Asked::Model(model, _) => Some(model.to_string()),
        Asked::Consultant(_) => None,
    }
}

/// How an output begins, on one line.
fn shown(output: &str, width: usize) -> String {
    shortened(&output.split_whitespace().collect::<Vec<_>>().join(" "), width)
}

fn told(found: &Calibrated) -> String {
    let Calibrated { name, comparison, judged, unscored, both_orders, .. } = found;
    let number = |value: Option<f64>| value.map_or("cannot be told".to_owned(), |value| format!("{value:.2}"));
    let outputs = counted(comparison.outputs as u64, "output", "outputs");
    let mut text = format!("judge of `{}` against people: {outputs}\n", terminal_line(name));
    if let (count @ 1.., Some(why)) = unscored {
        text.push_str(&format!("  unscored          {count}: {}\n", terminal_line(why)));
    }
    let [both, people, judge, neither] = comparison.confusion;
    text.push_str(&format!(
        "  agreement         {} ({}; 1 is perfect, 0 is chance)\n",
        number(comparison.agreement),
        comparison.statistic.as_str()
    ));
    if let Some(raters) = comparison.raters {
        let (among, with) = (number(raters.among_people), number(raters.with_judge));
        text.push_str(&format!(
            "  {} people         {among} among them, {with} with the judge (alpha)\n",
            raters.count
        ));
    }
    text.push_str(&format!("  same verdict      {} of {}\n", both + neither, comparison.outputs));
    text.push_str(&format!("  only people pass  {people}\n  only judge passes {judge}\n"));
    if let Some(bias) = comparison.bias {
        text.push_str(&format!("  judge - people    {:+.1} points on average\n", bias * 100.0));
    }
    if let Some(correlation) = comparison.length_correlation {
        let notable = match correlation {
            _ if comparison.outputs < NOTABLE.1 || correlation.abs() < NOTABLE.0 => "",
            0.0.. => ": it favours long outputs",
            _ => ": it favours short outputs",
        };
        text.push_str(&format!("  with length       r = {correlation:+.2}{notable}\n"));
    }
    if both_orders.counts.judged > 0 {
        text.push_str(&format!("  both orders       {}\n", words::flips(both_orders)));
    }
    let shown: Vec<&Judged> = comparison.disagreements.iter().take(SHOWN).map(|at| &judged[*at]).collect();
    if !shown.is_empty() {
        text.push_str(&format!("  disagreements, the largest first ({} in all)\n", comparison.disagreements.len()));
    }
    for each in shown {
        let [case, output, reason] = [&each.case, &each.output, &each.reason].map(|text| terminal_line(text));
        let [people, judge] = both_said(each).map(|said| terminal_line(&said).into_owned());
        text.push_str(&format!("    {case}  people {people}, judge {judge}: {reason}\n"));
        text.push_str(&format!("      of \"{output}\"\n"));
    }
    text
}

/// What people and the judge say: names, or scores.
fn both_said(judged: &Judged) -> [String; 2] {
    match &judged.chosen {
        Some(Chosen { people, judge }) => {
            let people: BTreeSet<&str> = people.values().map(String::as_str).collect();
            let judge = judge.clone().unwrap_or_else(|| "several".to_owned());
            [people.into_iter().collect::<Vec<_>>().join(" and "), judge]
        }
        None => [judged.people, judged.judge].map(|score| format!("{score:.2}")),
    }
}

fn as_json(found: &Calibrated) -> Value {
    let listed = found.comparison.disagreements.iter().map(|at| {
        let each = &found.judged[*at];
        let mut value = json!({"case": each.case, "output": each.output, "people": each.people, "judge": each.judge, "reason": each.reason});
        if let Some(chosen) = &each.chosen {
            value["labels"] = json!(chosen);
        }
        value
    });
    json!({
        "assertion": found.name,
        "outputs": found.comparison.outputs,
        "unscored": found.unscored.0,
        "agreement": found.comparison.agreement,
        "statistic": found.comparison.statistic,
        "raters": found.comparison.raters,
        "same_verdict": found.comparison.same_verdict,
        "confusion": found.comparison.confusion,
        "bias": found.comparison.bias,
        "length_correlation": found.comparison.length_correlation,
        "flips": found.both_orders.counts.flipped,
        "both_orders": found.both_orders,
        "disagreements": listed.collect::<Vec<_>>(),
    })
}
