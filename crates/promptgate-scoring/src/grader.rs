//! The grader: runs a suite's and a case's assertions on one answer and says how the trial came out. It never waits: an
//! assertion that asks makes the grading pending, and the caller resumes it with the replies. Passed, failed, errored and
//! unscored never mix, and a panic inside one assertion leaves that one unscored and all others alone.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use promptgate_core::answer::{Failure, Response};
use promptgate_core::ask::{Ask, Asked, Reply};
use promptgate_core::assertion::{AssertionSpec, ExtractSpec};
use promptgate_core::case::Case;
use promptgate_core::digest::Digest;
use promptgate_core::name::MetricName;
use promptgate_core::port::{Tree, TreePath};
use promptgate_core::record::{
    AssertionResult, Choosing, MetricKind, MetricSpec, TrialError, Unlabelled, people_metric,
};
use promptgate_core::score::{Outcome, Tier};
use promptgate_core::suite::{DerivedMetric, SuiteJudge};
use promptgate_core::{Diagnostic, Diagnostics};
use rayon::prelude::*;
use serde_json::{Value, json};

use crate::assertion::files::Files;
use crate::assertion::registry::Kinds;
use crate::assertion::{AssertionKind, State, Yields};

mod live;
mod settle;

use live::{Answers, Chains, Entries, Entry, Slot};
use settle::{Fed, derive, settle};

/// Waking another core and having it look for more takes longer than grading a few answers by cheap assertions.
const FEW: usize = 64;
const NO_TIME: Duration = Duration::from_micros(300);

/// What a grader is made of.
pub struct GraderSpec<'a> {
    /// The suite's assertions.
    pub asserts: &'a [AssertionSpec],
    /// The suite's metrics that are reckoned from others.
    pub derived: &'a [DerivedMetric],
    /// The models that assertions may ask, the one asked by default first.
    pub judges: &'a [SuiteJudge],
    /// How the answer is read from each version's output, in the order of the plan's versions; the output where absent.
    pub answers: &'a [Option<ExtractSpec>],
    /// The tools that each version offers, in the same order.
    pub tools: &'a [Vec<Value>],
    /// Where files that assertions name (schemas) are read.
    pub tree: Arc<dyn Tree>,
    /// The suite's folder in that tree.
    pub folder: TreePath,
}

/// Grades answers. Shared freely between threads.
pub struct Grader {
    kinds: Kinds,
    files: Files,
    judges: Vec<SuiteJudge>,
    chains: Chains,
    /// The chain of each version's answer.
    answers: Vec<usize>,
    /// The tools that each version offers.
    tools: Vec<Vec<Value>>,
    suite: Vec<Entry>,
    derived: Vec<DerivedMetric>,
    material: Value,
    /// What is no mistake in the suite's assertions and likely not meant.
    warnings: Vec<Diagnostic>,
}

/// One answer to be graded.
#[derive(Debug, Clone)]
pub struct GradeInput {
    /// Index into the plan's versions.
    pub version: usize,
    /// The case.
    pub case: Arc<Case>,
    /// What the model said, or why there is nothing.
    pub response: Result<Arc<Response>, Failure>,
}

/// Where a grading is.
#[derive(Debug)]
pub enum Grading {
    /// Every assertion has decided.
    Done(Graded),
    /// Some assertions ask; one reply for each ask, in order, resumes them.
    Ask(Pending, Vec<Ask>),
}

/// A grading that waits for replies.
pub struct Pending {
    version: usize,
    case: Arc<Case>,
    response: Arc<Response>,
    /// The case's own assertions.
    own: Entries,
    /// One for each live assertion.
    slots: Vec<Slot>,
    askers: Vec<String>,
}

impl Pending {
    /// The name of the assertion that asks each ask, in the order of the asks.
    pub fn askers(&self) -> &[String] {
        &self.askers
    }

    /// The case that is graded.
    pub fn case(&self) -> &Arc<Case> {
        &self.case
    }
}

impl fmt::Debug for Pending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pending").field("case", &self.case.id).field("askers", &self.askers).finish_non_exhaustive()
    }
}

/// How a trial came out.
#[derive(Debug, Clone, PartialEq)]
pub struct Graded {
    /// Passed, failed or errored.
    pub outcome: Outcome,
    /// Why it errored.
    pub error: Option<TrialError>,
    /// The weighted mean of the critical assertions that are scored.
    pub score: Option<f64>,
    /// The assertions that look at this case, in the order of suite and case.
    pub assertions: Vec<AssertionResult>,
    /// The value of each metric fed on this trial; `None` where it is unscored.
    pub metrics: BTreeMap<MetricName, Option<f64>>,
}

/// What looks at a case, known before anything runs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LiveAssertions {
    /// Critical assertions, the case's own included. A case without any is errored when it is graded: nothing says that
    /// it passed.
    pub critical: usize,
    /// Advisory ones.
    pub advisory: usize,
    /// Whom the case's own assertions may ask.
    pub asked: BTreeSet<Asked>,
    /// Metrics that the case's own assertions feed.
    pub metrics: BTreeSet<MetricName>,
    /// Of these, those that judges feed.
    pub judged: BTreeSet<MetricName>,
    /// The metric that each critical judge of the case feeds; `None` is of one that feeds no metric.
    pub deciding_judges: BTreeSet<Option<MetricName>>,
    /// Digests of the files that the case's own assertions read, by path; they belong to the grading digest.
    pub files: BTreeMap<String, Digest>,
}

impl Grader {
    /// A grader of the shipped kinds. Every mistake in the suite's assertions is found here.
    pub fn new(spec: GraderSpec<'_>) -> Result<Self, Diagnostics> {
        Self::with_kinds(spec, &[])
    }

    /// A grader that knows some more kinds.
    pub fn with_kinds(spec: GraderSpec<'_>, added: &[&'static AssertionKind]) -> Result<Self, Diagnostics> {
        let mut mistakes = Diagnostics::default();
        let mut chains = Chains::default();
        let mut answers = Vec::new();
        for answer in spec.answers {
            match chains.intern(answer.as_ref().unwrap_or(&ExtractSpec::Output)) {
                Ok(chain) => answers.push(chain),
                Err(mistake) => mistakes.push(mistake),
            }
        }
        let mut grader = Self {
            kinds: Kinds::with(added),
            files: Files::new(spec.tree, spec.folder),
            judges: spec.judges.to_vec(),
            chains: Chains::default(),
            answers,
            tools: spec.tools.to_vec(),
            suite: Vec::new(),
            derived: spec.derived.to_vec(),
            material: Value::Null,
            warnings: Vec::new(),
        };
        let Built { entries: suite, files, warnings } = grader.build(spec.asserts, &mut chains, &mut mistakes);
        grader.warnings = warnings;
        grader.material = json!({"assertions": spec.asserts, "files": files});
        if !spec.derived.is_empty() {
            grader.material["derived"] = json!(spec.derived);
        }
        mistakes.into_result(Self { chains, suite, ..grader })
    }

    /// What is no mistake in the suite's assertions and likely not meant.
    pub fn warnings(&self) -> &[Diagnostic] {
        &self.warnings
    }

    /// Which assertions look at a case, or what is wrong with it: its own assertions, and names its values lack. Called
    /// for every case of a plan before anything runs.
    pub fn check_case(&self, case: &Case) -> Result<LiveAssertions, Diagnostics> {
        let (own, files, mut mistakes) = self.own_entries(case);
        let mut live = LiveAssertions { files, ..LiveAssertions::default() };
        for entry in self.live(case, &own.entries) {
            match entry.tier {
                Tier::Critical => live.critical += 1,
                Tier::Advisory => live.advisory += 1,
            }
            if let Err(found) = entry.check(case) {
                mistakes.extend(found);
            }
        }
        live.asked = own.entries.iter().flat_map(|entry| entry.prepared.asks()).collect();
        live.metrics = own.entries.iter().filter_map(|entry| entry.metric.clone()).collect();
        live.judged =
            own.entries.iter().filter(|entry| entry.is_judge()).filter_map(|entry| entry.metric.clone()).collect();
        live.deciding_judges = deciding_judges(&own.entries).collect();
        mistakes.into_result(live)
    }

    /// What a label of people is as a score of the first assertion, in 0..=1; absent where its judge gives no such label.
    pub fn label_score(&self, label: &Value) -> Option<f64> {
        self.suite.first()?.prepared.label_score(label)
    }

    /// The labels that the first assertion's judge chooses from, each with its score; none where it grades otherwise.
    pub fn labels(&self) -> &[(String, f64)] {
        self.suite.first().map(|entry| entry.prepared.labels()).unwrap_or_default()
    }

    /// Whether a score is one with which the first assertion passes; absent where no score decides it.
    pub fn passes(&self, score: f64) -> Option<bool> {
        self.suite.first()?.prepared.passes(score)
    }

    /// Whom the suite's assertions may ask; those of cases are in [`LiveAssertions::asked`].
    pub fn asked(&self) -> BTreeSet<Asked> {
        self.suite.iter().flat_map(|entry| entry.prepared.asks()).collect()
    }

    /// The metrics of the run, in the order of the suite. `case_level` are those that cases' own assertions feed
    /// ([`LiveAssertions::metrics`]), and of these judges feed `judged`; a metric fed by a case's own assertion is a score.
    pub fn metrics(&self, case_level: &BTreeSet<MetricName>, judged: &BTreeSet<MetricName>) -> Vec<MetricSpec> {
        let mut names: Vec<&MetricName> = Vec::new();
        for name in self.suite.iter().filter_map(|entry| entry.metric.as_ref()).chain(case_level) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let has_own = |name: &MetricName| case_level.contains(name);
        let people = names.iter().filter_map(|name| self.people(name, has_own(name)));
        let people: Vec<MetricSpec> = people.collect();
        let mut specs: Vec<MetricSpec> = names
            .iter()
            .map(|name| MetricSpec {
                name: (*name).clone(),
                kind: self.metric_kind(name, case_level),
                judged: judged.contains(*name) || self.feeders(name).any(Entry::is_judge),
                labels_of: None,
                unlabelled: (self.has_labels(name) && !self.is_labelled(name, has_own(name)))
                    .then_some(Unlabelled::SeveralFeed),
            })
            .collect();
        for metric in &self.derived {
            specs.push(derived_spec(metric, &specs, &people));
        }
        specs.into_iter().chain(people).collect()
    }

    /// The metric of what people say of a metric's outputs.
    fn people(&self, name: &MetricName, has_own: bool) -> Option<MetricSpec> {
        let labels_of = self.is_labelled(name, has_own).then(|| name.clone());
        labels_of.as_ref()?;
        let name = people_metric(name)?;
        Some(MetricSpec { name, kind: MetricKind::Score, judged: false, labels_of, unlabelled: None })
    }

    /// The metric that each critical judge feeds, `None` for those that feed no metric; `case_level` are those of cases
    /// ([`LiveAssertions::deciding_judges`]).
    pub fn deciding_judges(&self, case_level: &BTreeSet<Option<MetricName>>) -> Vec<Option<MetricName>> {
        let all: BTreeSet<_> = deciding_judges(&self.suite).chain(case_level.iter().cloned()).collect();
        all.into_iter().collect()
    }

    /// The suite's assertions that choose one of several labels, in their order.
    pub fn choosing(&self) -> Vec<Choosing> {
        let of = |entry: &Entry| {
            let against = entry.prepared.chooses()?;
            Some(Choosing { name: entry.prepared.name.clone(), against })
        };
        self.suite.iter().filter_map(of).collect()
    }

    /// The suite's assertions that feed a metric.
    fn feeders(&self, name: &MetricName) -> impl Iterator<Item = &Entry> {
        self.suite.iter().filter(move |entry| entry.metric.as_ref() == Some(name))
    }

    /// Whether people have labelled outputs for some assertion that feeds a metric.
    fn has_labels(&self, name: &MetricName) -> bool {
        self.feeders(name).any(|entry| entry.prepared.has_labels())
    }

    /// Whether people have labelled outputs for the one assertion that feeds a metric. What they say of it says nothing of
    /// the mean over several, so an assertion that a case adds (`has_own`) leaves the metric without labels.
    fn is_labelled(&self, name: &MetricName, has_own: bool) -> bool {
        !has_own && self.has_labels(name) && self.feeders(name).count() == 1
    }

    fn metric_kind(&self, name: &MetricName, case_level: &BTreeSet<MetricName>) -> MetricKind {
        let mut feeders = self.feeders(name);
        match (feeders.next(), feeders.next()) {
            (Some(only), None)
                if only.when.is_none() && only.prepared.yields == Yields::PassFail && !case_level.contains(name) =>
            {
                MetricKind::Binary
            }
            _ => MetricKind::Score,
        }
    }

    /// Grades one answer.
    pub fn grade(&self, input: GradeInput) -> Grading {
        let (own, _, mistakes) = self.own_entries(&input.case);
        if let Some(mistake) = mistakes.0.first() {
            // Cases are checked before anything runs, so that this is a case nobody checked.
            return Grading::Done(Graded::unscored("the case's own assertions", &mistake.to_string()));
        }
        match input.response {
            Ok(response) => self.start(input.version, input.case, response, own),
            Err(failure) => Grading::Done(self.without_response(&input.case, &own, failure)),
        }
    }

    /// Grades a batch on all cores; the results are in the order of the inputs. A few that are graded in no time leave the
    /// other cores alone.
    pub fn grade_batch(&self, inputs: Vec<GradeInput>) -> Vec<Grading> {
        let (is_small, begun) = (inputs.len() <= FEW, Instant::now());
        let mut graded = Vec::with_capacity(inputs.len());
        let mut inputs = inputs.into_iter();
        while is_small && begun.elapsed() < NO_TIME {
            let Some(input) = inputs.next() else { return graded };
            graded.push(self.grade(input));
        }
        let rest: Vec<GradeInput> = inputs.collect();
        graded.par_extend(rest.into_par_iter().map(|input| self.grade(input)));
        graded
    }

    /// Goes on with the replies to the asks, in their order. A reply that is missing leaves its assertion unscored.
    pub fn resume(&self, mut pending: Pending, replies: Vec<Reply>) -> Grading {
        let mut replies = replies.into_iter();
        let slots = std::mem::take(&mut pending.slots);
        let answers = self.answers(pending.version, &pending.response, &pending.own);
        let live = self.live(&pending.case, &pending.own.entries);
        let resume = |(entry, slot): (&Entry, Slot)| match slot {
            Slot::Done(scored) => Slot::Done(scored),
            Slot::Waiting(waiting) => {
                let own = replies.by_ref().take(waiting.asks.len()).collect();
                entry.resume(&pending.case, &pending.response, &answers, waiting, own)
            }
        };
        let slots = live.zip(slots).map(resume).collect();
        drop(answers);
        self.go_on(Pending { slots, ..pending })
    }

    /// What the suite's assertions contribute to the grading digest: kinds, parameters, the files they read. The
    /// versions' answers are left out, since they are in the version digests.
    pub fn digest_material(&self) -> Value {
        self.material.clone()
    }

    fn start(&self, version: usize, case: Arc<Case>, response: Arc<Response>, own: Entries) -> Grading {
        let answers = self.answers(version, &response, &own);
        let slots = self.live(&case, &own.entries).map(|entry| entry.start(&case, &response, &answers)).collect();
        drop(answers);
        self.go_on(Pending { version, case, response, own, slots, askers: Vec::new() })
    }

    /// Done, or the asks of all assertions that wait, in order.
    fn go_on(&self, mut pending: Pending) -> Grading {
        let mut asks = Vec::new();
        pending.askers.clear();
        for (entry, slot) in self.live(&pending.case, &pending.own.entries).zip(&pending.slots) {
            if let Slot::Waiting(waiting) = slot {
                pending.askers.extend(waiting.asks.iter().map(|_| entry.prepared.name.clone()));
                asks.extend(waiting.asks.iter().cloned());
            }
        }
        if !asks.is_empty() {
            return Grading::Ask(pending, asks);
        }
        let slots = std::mem::take(&mut pending.slots);
        let answers = self.answers(pending.version, &pending.response, &pending.own);
        let fed = |(entry, slot): (&Entry, Slot)| {
            let label = entry.label(&pending.case, &pending.response, &answers);
            Fed { label, ..entry.fed(slot) }
        };
        let fed = self.live(&pending.case, &pending.own.entries).zip(slots).map(fed);
        Grading::Done(settle(&pending.case, fed.collect(), &self.derived))
    }

    /// A model's own failure fails whatever looked at the case; a failure of infrastructure says nothing about it.
    fn without_response(&self, case: &Case, own: &Entries, failure: Failure) -> Graded {
        let live = self.live(case, &own.entries);
        if failure.kind.is_the_models() {
            return settle(case, live.map(|entry| entry.failed(&failure.message)).collect(), &self.derived);
        }
        let mut metrics = live.filter_map(|entry| Some((entry.metric.clone()?, None))).collect();
        derive(&mut metrics, &self.derived);
        let error = Some(TrialError::Unanswered(failure));
        Graded { outcome: Outcome::Errored, error, score: None, assertions: Vec::new(), metrics }
    }

    /// The assertions that look at a case, in the order of suite and case.
    fn live<'a>(&'a self, case: &'a Case, own: &'a [Entry]) -> impl Iterator<Item = &'a Entry> {
        self.suite.iter().chain(own).filter(|entry| entry.when.as_ref().is_none_or(|when| when.selects(case)))
    }

    fn answers<'a>(&'a self, version: usize, response: &'a Response, own: &'a Entries) -> Answers<'a> {
        // A version nobody announced has no chain: looking for it panics, and the panic leaves its assertions unscored.
        let answer = self.answers.get(version).copied().unwrap_or(usize::MAX);
        let tools = self.tools.get(version).map_or(&[][..], Vec::as_slice);
        Answers::new(response, (answer, tools), &self.chains, &own.chains)
    }

    /// A case's own assertions. Nothing of them outlives the case, but for the schemas in files.
    fn own_entries(&self, case: &Case) -> (Entries, BTreeMap<String, Digest>, Diagnostics) {
        let mut mistakes = Diagnostics::default();
        if case.asserts.is_empty() {
            return (Entries::default(), BTreeMap::new(), mistakes);
        }
        let mut chains = self.chains.beyond();
        let Built { entries, files, .. } = self.build(&self.named_apart(&case.asserts), &mut chains, &mut mistakes);
        (Entries { entries, chains }, files, mistakes)
    }

    /// A case's own assertions. Where an unnamed one would be called as one of the suite's, or as a named one beside it, the
    /// numbers of all unnamed ones go on behind the suite's: a report tells of each by its name.
    fn named_apart<'c>(&self, own: &'c [AssertionSpec]) -> Cow<'c, [AssertionSpec]> {
        let numbered = |spec: &AssertionSpec, number: usize| format!("{}#{number}", spec.kind);
        let is_unnamed = |(index, spec): &(usize, &AssertionSpec)| spec.name == numbered(spec, index + 1);
        let (unnamed, named): (Vec<_>, Vec<_>) = own.iter().enumerate().partition(is_unnamed);
        let of_suite = self.suite.iter().map(|entry| entry.prepared.name.as_str());
        let taken: BTreeSet<&str> = of_suite.chain(named.iter().map(|(_, spec)| spec.name.as_str())).collect();
        let is_free = |more: &usize| unnamed.iter().all(|(at, spec)| !taken.contains(&*numbered(spec, at + 1 + more)));
        let mut begins = std::iter::once(0).chain(self.suite.len()..);
        match begins.find(is_free) {
            None | Some(0) => Cow::Borrowed(own),
            Some(more) => {
                let mut own = own.to_vec();
                unnamed.iter().for_each(|(at, spec)| own[*at].name = numbered(spec, at + 1 + more));
                Cow::Owned(own)
            }
        }
    }

    fn build(&self, specs: &[AssertionSpec], chains: &mut Chains, mistakes: &mut Diagnostics) -> Built {
        let (read, warnings) = (RefCell::new(BTreeMap::new()), RefCell::new(Vec::new()));
        let context = crate::assertion::BuildContext {
            kinds: &self.kinds,
            files: &self.files,
            judges: &self.judges,
            read: &read,
            warnings: &warnings,
            depth: 0,
            inverted: false,
            score_counts: false,
        };
        let mut entries = Vec::new();
        for spec in specs {
            match Entry::build(spec, &context, chains) {
                Ok(entry) => entries.push(entry),
                Err(found) => mistakes.extend(named(&spec.name, found)),
            }
        }
        Built { entries, files: read.into_inner(), warnings: warnings.into_inner() }
    }
}

/// Assertions that can look at answers.
struct Built {
    entries: Vec<Entry>,
    /// Digests of the files they read, by path.
    files: BTreeMap<String, Digest>,
    /// What is likely not meant.
    warnings: Vec<Diagnostic>,
}

/// A metric that is reckoned from others. No label is of it, also where labels are of what it is reckoned from.
fn derived_spec(metric: &DerivedMetric, specs: &[MetricSpec], people: &[MetricSpec]) -> MetricSpec {
    let names = metric.formula.names();
    let used = || specs.iter().filter(|spec| names.contains(&spec.name));
    let labelled = |spec: &MetricSpec| {
        spec.unlabelled.is_some() || people.iter().any(|people| people.labels_of.as_ref() == Some(&spec.name))
    };
    MetricSpec {
        name: metric.name.clone(),
        kind: MetricKind::Score,
        judged: used().any(|spec| spec.judged),
        labels_of: None,
        unlabelled: used().any(labelled).then_some(Unlabelled::Derived),
    }
}

/// The metric that each critical judge among these feeds.
fn deciding_judges(entries: &[Entry]) -> impl Iterator<Item = Option<MetricName>> {
    let deciding = entries.iter().filter(|entry| entry.tier == Tier::Critical && entry.is_judge());
    deciding.map(|entry| entry.metric.clone())
}

/// Mistakes that say which assertion they are in.
fn named(name: &str, found: Diagnostics) -> Diagnostics {
    let named = |diagnostic: Diagnostic| Diagnostic {
        message: format!("assertion `{name}`: {}", diagnostic.message),
        ..diagnostic
    };
    Diagnostics(found.0.into_iter().map(named).collect())
}

#[cfg(test)]
mod tests {
    use promptgate_core::formula::Formula;

    use super::*;

    #[test]
    fn a_metric_reckoned_from_a_labelled_one_has_no_labels_and_says_so() {
        let name = |name: &str| MetricName::new(name).unwrap();
        let spec = |of: &str, judged: bool, unlabelled| MetricSpec {
            name: name(of),
            kind: MetricKind::Score,
            judged,
            labels_of: None,
            unlabelled,
        };
        let specs = [spec("tone", true, None), spec("form", false, None), spec("mix", true, Some(Unlabelled::Derived))];
        let people = [MetricSpec { labels_of: Some(name("tone")), ..spec("tone (people)", false, None) }];
        let told = |formula: &str| {
            let metric = DerivedMetric { name: name("d"), formula: Formula::parse(formula).unwrap() };
            let spec = derived_spec(&metric, &specs, &people);
            (spec.judged, spec.unlabelled)
        };
        assert_eq!(told("tone * form"), (true, Some(Unlabelled::Derived)));
        assert_eq!(told("mix * form"), (true, Some(Unlabelled::Derived)), "from one that is itself reckoned");
        assert_eq!(told("1 - form"), (false, None));
    }
}
