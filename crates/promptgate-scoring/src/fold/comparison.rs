//! One comparison: whether it can be made, its checks, its verdict, its notes, and the cases that changed.

use promptgate_core::gate::{Basis, Check, Fresh, Limit, Policy, Rule, Scope, Subject as Asks};
use promptgate_core::name::{CaseId, MetricName};
use promptgate_core::plan::{PlannedModel, PlannedVersion, StoredBaseline};
use promptgate_core::record::{MetricKind, PlannedComparison, RunHeader};
use promptgate_core::report::{CheckMethod, CheckReport, Comparison, Flip, Look, Noise, SideReport, words};
use promptgate_core::score::Tier;
use promptgate_core::selection::Selection;
use promptgate_core::verdict::Verdict;

use super::FoldError;
use super::answerers::Answerers;
use super::causes::Causes;
use super::check::Weighed;
use super::evidence::{Evidence, Method};
use super::pairs::{Answers, Over, Pairs};
use super::people::{Judges, People, Use, resting_on};
use super::stage::{self, Stage, Turn};
use super::subject::{Amount, Subject};
use super::table::{Side, Table};
use super::{floor, gate, reason, rule, state};
use crate::stats::sign_flip::Flips;
use crate::stats::{StatError, sum};

/// Seconds from which on two sides count as measured at different times.
const APART: u64 = 3_600;

/// What is said of a comparison that was open when the gate stopped.
const NOT_SETTLED: &str = "not settled when the gate stopped: run the whole plan, without early stop, to settle it";

/// What all comparisons of a gate have in common.
pub(crate) struct Setting<'a> {
    pub(crate) header: &'a RunHeader,
    /// Absent for `compare`.
    pub(crate) policy: Option<&'a Policy>,
    pub(crate) table: &'a Table,
    /// By position, how many units come before its own; empty where the gate looks once.
    ranks: Vec<u32>,
    /// The settings of a `compare`.
    without: Policy,
}

/// One comparison weighed and judged, with what it was judged by.
pub(crate) struct Stand<'a> {
    pub(crate) scene: Scene<'a>,
    pub(crate) look: Option<Look>,
    pub(crate) checked: Checked,
    pub(crate) found: Option<state::Found>,
    pub(crate) answers: Answers,
    pub(crate) draw: u32,
}

/// A comparison judged; the cases it names are still positions.
pub(crate) struct Judged {
    report: Comparison,
    /// When there is room again for what got no answer.
    pub(crate) rooms: Vec<String>,
    /// By check, the cases its rule found.
    by_rule: Vec<Vec<usize>>,
    /// The cases whose majority changed, broken ones first.
    flips: Vec<(usize, bool, String, String)>,
    /// Cases with the same input, where they share no cluster.
    twins: Vec<usize>,
}

impl Judged {
    /// The positions of the cases it names.
    pub(crate) fn positions(&self) -> impl Iterator<Item = usize> + '_ {
        let flips = self.flips.iter().map(|(position, ..)| *position);
        self.by_rule.iter().flatten().copied().chain(flips).chain(self.twins.iter().copied())
    }

    /// The report with ids for positions.
    pub(crate) fn named(mut self, id: &impl Fn(usize) -> Option<CaseId>) -> Comparison {
        for (check, positions) in self.report.checks.iter_mut().zip(&self.by_rule) {
            check.cases = positions.iter().filter_map(|position| id(*position)).collect();
            check.cases.sort();
        }
        let mut flips: Vec<(bool, Flip)> = Vec::new();
        for (position, broken, baseline, candidate) in self.flips {
            flips.extend(id(position).map(|case| (!broken, Flip { case, baseline, candidate })));
        }
        flips.sort_by(|(left, one), (right, other)| (left, &one.case).cmp(&(right, &other.case)));
        self.report.flips = flips.into_iter().map(|(_, flip)| flip).collect();
        let mut twins: Vec<CaseId> = self.twins.into_iter().filter_map(id).collect();
        twins.sort();
        if let [first, second, ..] = twins.as_slice() {
            self.report.notes.push(format!(
                "cases with the same input, such as {first} and {second}, count as independent: give them one `cluster`"
            ));
        }
        self.report
    }
}

/// What one comparison is judged by.
pub(crate) struct Scene<'a> {
    pub(crate) setting: &'a Setting<'a>,
    pub(crate) policy: &'a Policy,
    pub(crate) pairs: Pairs<'a>,
    pub(crate) stage: Stage,
}

/// The checks of a comparison, in the order of the policy, and the cases that rules found, check by check.
pub(crate) type Checked = (Vec<CheckReport>, Vec<Vec<usize>>);

impl<'a> Setting<'a> {
    pub(crate) fn new(header: &'a RunHeader, policy: Option<&'a Policy>, table: &'a Table) -> Self {
        let ranks = if header.units.is_some() { table.ranks(header.seed) } else { Vec::new() };
        Self { header, policy, table, ranks, without: Policy::default() }
    }

    /// The policy in force; the defaults for `compare`.
    fn in_force(&self) -> &Policy {
        self.policy.unwrap_or(&self.without)
    }

    /// The sides of a planned comparison; one that nothing is known of is empty.
    fn sides(&self, planned: &PlannedComparison) -> (Option<&'a Side>, &'a Side) {
        let side = |version: usize| self.table.side(version, planned.model).unwrap_or(Side::nobody());
        (planned.baseline.map(side), side(planned.candidate))
    }

    /// How the cases of a planned comparison pair.
    pub(crate) fn pairs(&self, planned: &PlannedComparison) -> Pairs<'a> {
        let (baseline, candidate) = self.sides(planned);
        let stored = planned.baseline.is_some_and(|version| self.header.versions[version].stored.is_some());
        let scope = self.policy.map_or(Scope::Population, |policy| policy.scope);
        Pairs::new(self.table, baseline, candidate, stored, scope)
    }

    /// Weighs and judges one planned comparison.
    pub(crate) fn stand(&'a self, planned: &PlannedComparison) -> Result<Stand<'a>, FoldError> {
        gate::in_header(self.header, planned)?;
        let (baseline, candidate) = self.sides(planned);
        let version = |version: usize| &self.header.versions[version];
        let policy = self.in_force();
        let draw = baseline.map_or(0, |side| side.draw).max(candidate.draw).max(1);
        let alpha = policy.alpha_of_draw(draw) / self.candidates() as f64;
        let pairs = self.pairs(planned);
        let answers = pairs.answers();
        let found = state::State {
            header: self.header,
            policy: self.policy,
            model: &self.header.models[planned.model],
            baseline: planned.baseline.map(version),
            why_missing: planned.baseline_missing.as_deref(),
            stored_candidate: version(planned.candidate).stored.as_ref(),
            pairs: &pairs,
            answers: &answers,
        }
        .find();
        let scene = Scene { setting: self, policy, pairs, stage: Stage::Whole { alpha } };
        let (scene, look, checked) = match self.policy {
            None => {
                let compared = (scene.compared(), Vec::new());
                (scene, None, compared)
            }
            Some(policy) => self.looked_at(scene, policy, alpha, found.as_ref())?,
        };
        Ok(Stand { scene, look, checked, found, answers, draw })
    }

    /// The report of one planned comparison.
    pub(crate) fn judged(&'a self, planned: &PlannedComparison) -> Result<Judged, FoldError> {
        let Stand { scene, look, checked: (checks, by_rule), found, answers, draw } = self.stand(planned)?;
        let (baseline, candidate) = self.sides(planned);
        let version = |version: usize| &self.header.versions[version];
        let before = planned.baseline.map(version);
        let stored = before.and_then(|version| version.stored.as_ref());
        let (policy, model) = (self.in_force(), &self.header.models[planned.model]);
        let mut counts = scene.pairs.answers().counts;
        counts.changed_cases = stored.map_or(0, |stored| stored.changed.len() as u64);
        let mut notes = scene.notes(draw, before, model, &answers);
        notes.extend(version(planned.candidate).stored.as_ref().and_then(changed_since));
        let open = look.filter(|look| !look.settled).map(|_| Verdict::Inconclusive);
        let verdict = self.policy.map(|_| overall(&checks, found.as_ref()).max(open.unwrap_or(Verdict::Pass)));
        let mut report = Comparison {
            model: model.id.clone(),
            tier: model.tier,
            verdict,
            reason: found.as_ref().map(|found| found.code.to_owned()).or(open.map(|_| "stopped".to_owned())),
            detail: found.as_ref().map(|found| found.words.clone()).or(open.map(|_| NOT_SETTLED.to_owned())),
            mend: found.as_ref().and_then(|found| found.mend),
            draw,
            promotable: false,
            notes,
            look_here: if found.as_ref().is_none_or(|found| found.verdict != Verdict::Invalid) {
                scene.look_here()
            } else {
                Vec::new()
            },
            look,
            noise: Vec::new(),
            baseline: before.zip(baseline).map(|(version, side)| self.side(version, side, model)),
            candidate: self.side(version(planned.candidate), candidate, model),
            pairs: counts,
            checks,
            flips: Vec::new(),
        };
        let bound = !candidate.unbound && !baseline.is_some_and(|side| side.unbound);
        report.promotable = report.meets(policy.require) == Some(true) && bound;
        Ok(Judged { report, rooms: scene.rooms(&answers), by_rule, flips: scene.flips(), twins: scene.twins() })
    }

    /// Judges at each look that the record reaches, until one settles the comparison; once where the gate looks once.
    fn looked_at(
        &'a self,
        scene: Scene<'a>,
        policy: &Policy,
        alpha: f64,
        found: Option<&state::Found>,
    ) -> Result<(Scene<'a>, Option<Look>, Checked), FoldError> {
        let (Some(how), Some(units)) = (policy.sequential, self.header.units) else {
            let checked = scene.checked(&policy.checks, found)?;
            return Ok((scene, None, checked));
        };
        let seen = self.ranks.iter().filter(|rank| **rank != u32::MAX).max().map_or(0, |rank| *rank as usize + 1);
        let mut last = None;
        for turn in stage::turns(how, units, alpha).into_iter().filter(|turn| turn.units <= seen) {
            let pairs = scene.pairs.first(&self.ranks, turn.units);
            let at = Scene { setting: self, policy: scene.policy, pairs, stage: turn.stage.clone() };
            let checked = at.checked(&policy.checks, found)?;
            let settled = turn.is_last || is_settled_at(policy, &checked.0, &turn.stage);
            last = Some((at, Some(look(&turn, units.count, settled)), checked));
            if settled {
                break;
            }
        }
        match last {
            Some((scene @ Scene { stage: Stage::Running { .. }, .. }, look, _)) => {
                let scene = Scene { stage: scene.stage.told(), ..scene };
                let checked = scene.checked(&policy.checks, found)?;
                Ok((scene, look, checked))
            }
            Some(last) => Ok(last),
            None => {
                let checked = scene.checked(&policy.checks, found)?;
                Ok((scene, None, checked))
            }
        }
    }

    /// Candidates that are compared side by side; each takes its share of the error rate.
    fn candidates(&self) -> usize {
        let judged = self.header.comparisons.iter().filter(|planned| !planned.control);
        let candidates: std::collections::BTreeSet<usize> = judged.map(|planned| planned.candidate).collect();
        candidates.len().max(1)
    }

    /// What the baseline against itself shows of each metric that the gate looks at.
    pub(crate) fn noise(&self, planned: &PlannedComparison) -> Result<Vec<Noise>, FoldError> {
        gate::in_header(self.header, planned)?;
        let policy = self.in_force();
        let stage = Stage::Whole { alpha: policy.alpha() };
        Ok(Scene { setting: self, policy, pairs: self.pairs(planned), stage }.noise())
    }

    fn side(&self, version: &PlannedVersion, side: &Side, model: &PlannedModel) -> SideReport {
        let cases = model.cases.as_ref().map_or(self.header.cases, |share| share.count);
        SideReport {
            reference: version.reference.clone(),
            digest: version.identity.digest,
            trials: cases * u64::from(self.header.trials),
            errored: side.errored,
            silent: side.is_silent,
            // A stored run is never asked again.
            unanswered: if version.stored.is_some() { 0 } else { side.lacking.answers },
            unscored: side.lacking.scores,
            both_orders: side.orders.told(),
        }
    }

    /// A check's selection, by index and in words; nothing where it is about all cases.
    pub(crate) fn selected(&self, selection: Option<&Selection>) -> Result<Option<(usize, String)>, FoldError> {
        Ok(self.selection(selection)?.zip(selection.map(ToString::to_string)))
    }

    /// The index of a check's selection among the header's, by which settled trials name it.
    fn selection(&self, selection: Option<&Selection>) -> Result<Option<usize>, FoldError> {
        let Some(selection) = selection else { return Ok(None) };
        let found = self.header.selections.iter().position(|each| each == selection);
        let missing = || FoldError::Contradiction(format!("the header does not list the selection `{selection}`"));
        found.map(Some).ok_or_else(missing)
    }
}

/// A check of a metric, and how many tests share its error rate.
struct OnMetric<'a> {
    metric: &'a MetricName,
    slice: Option<&'a Selection>,
    limit: Option<Limit>,
    tier: Tier,
    tests: usize,
}

impl OnMetric<'_> {
    /// Whether it is a floor or ceiling, which looks at no baseline.
    fn is_of_candidate_alone(&self) -> bool {
        matches!(self.limit, Some(Limit::Min(..) | Limit::Max(..)))
    }
}

/// Whether a look that is not the last one settles a comparison: it is worse, or everything that decides is shown. What
/// more cases could still turn is not settled: a rule that is kept so far, a floor as measured.
fn is_settled_at(policy: &Policy, checks: &[CheckReport], stage: &Stage) -> bool {
    let bounds = matches!(stage, Stage::Look { .. });
    let by_bound = |check: &Check| match &check.subject {
        Asks::Metric { limit: Some(Limit::Min(_, basis) | Limit::Max(_, basis)), .. } => {
            Some(bounds && *basis == Basis::Bound)
        }
        Asks::Metric { .. } => Some(true),
        Asks::Rule { .. } => None,
    };
    let critical = || policy.checks.iter().zip(checks).filter(|(check, _)| check.tier == Tier::Critical);
    let failed = |(check, report): (&Check, &CheckReport)| {
        report.verdict == Some(Verdict::Fail) && by_bound(check).unwrap_or(true)
    };
    let passed = |(check, report): (&Check, &CheckReport)| {
        report.verdict == Some(Verdict::Pass) && by_bound(check) == Some(true)
    };
    critical().any(failed) || critical().all(passed)
}

fn look(turn: &Turn, planned: u64, settled: bool) -> Look {
    Look {
        method: turn.how,
        look: turn.look as u64,
        looks: turn.looks as u64,
        units: turn.units as u64,
        planned,
        level: reason::clean(turn.stage.level()),
        settled,
    }
}

/// The worst of the critical checks and the comparison's own state.
fn overall(checks: &[CheckReport], found: Option<&state::Found>) -> Verdict {
    let critical = checks.iter().filter(|check| check.tier == Tier::Critical).filter_map(|check| check.verdict);
    Verdict::worst(critical.chain(found.map(|found| found.verdict))).unwrap_or(Verdict::Inconclusive)
}

impl Scene<'_> {
    pub(crate) fn method(&self, kind: MetricKind, tests: usize) -> Method {
        let flips = Flips { seed: self.setting.header.seed, replicates: self.policy.flips };
        Method {
            kind,
            trials: self.setting.header.trials,
            alpha: self.stage.level(),
            strict: self.policy.strict,
            flips: flips.enough_for(tests, self.stage.alpha()),
            scope: self.policy.scope,
            running: match self.stage {
                Stage::Running { largest, told, .. } => Some((largest, told)),
                Stage::Whole { .. } | Stage::Look { .. } => None,
            },
        }
    }

    /// The rows of `compare`: every metric that has a value, no limit, no verdict.
    fn compared(&self) -> Vec<CheckReport> {
        let header = self.setting.header;
        let rows = Subject::all(header).into_iter().map(|subject| {
            let method = self.method(subject.kind(header), 1);
            let sample = self.pairs.sample(&subject, Over::All);
            let evidence = Evidence::weigh(&sample, &method);
            let metric = subject.name();
            (subject, Weighed::new(metric, method, sample, evidence))
        });
        let told = rows.filter(|(subject, row)| !matches!(subject, Subject::Amount(_)) || row.sample.n() > 0);
        told.map(|(_, row)| row.judged(None, self.policy, &self.stage)).collect()
    }

    fn checked(&self, checks: &[Check], found: Option<&state::Found>) -> Result<Checked, FoldError> {
        let comparable = found.is_none_or(|found| found.verdict != Verdict::Invalid);
        let critical = |check: &&Check| check.tier == Tier::Critical && is_difference(check);
        let family = checks.iter().filter(critical).count();
        let drafts: Vec<Draft> =
            checks.iter().map(|check| self.draft(check, family, comparable)).collect::<Result<_, _>>()?;
        Ok(self.family(drafts).into_iter().unzip())
    }

    pub(crate) fn draft(&self, check: &Check, family: usize, comparable: bool) -> Result<Draft, FoldError> {
        match &check.subject {
            Asks::Rule { rule, cases } => {
                let cases = self.setting.selected(cases.as_ref())?;
                Ok(self.draft_rule(rule::Asked { rule: *rule, cases, tier: check.tier }, comparable))
            }
            Asks::Metric { metric, slice, limit } => {
                let (slice, tests) = (slice.as_ref(), if check.tier == Tier::Critical { family } else { 1 });
                self.draft_metric(&OnMetric { metric, slice, limit: *limit, tier: check.tier, tests }, comparable)
            }
        }
    }

    fn draft_rule(&self, asked: rule::Asked, comparable: bool) -> Draft {
        let needs_baseline = matches!(asked.rule, Rule::NoNewBreak { .. });
        let judged = asked.judged(&self.pairs);
        match needs_baseline && !comparable {
            true => Draft::Done(Box::new(not_comparable(judged.report)), Vec::new()),
            false => Draft::Done(Box::new(judged.report), judged.named),
        }
    }

    fn draft_metric(&self, asked: &OnMetric<'_>, comparable: bool) -> Result<Draft, FoldError> {
        let unknown = || FoldError::Contradiction(format!("nothing feeds the metric `{}`", asked.metric));
        let subject = Subject::named(asked.metric, self.setting.header).ok_or_else(unknown)?;
        let index = self.setting.selection(asked.slice)?;
        let weighed = self.weighed(asked, &subject, index);
        Ok(match (asked.is_of_candidate_alone(), comparable) {
            (true, _) => {
                let as_measured = self.pairs.over_all_draws(&subject, index);
                Draft::Done(Box::new(floor::judged(&weighed, as_measured, self.policy)), Vec::new())
            }
            (false, false) => Draft::Done(Box::new(not_comparable(weighed.bare())), Vec::new()),
            (false, true) => Draft::Weighed(Box::new(weighed)),
        })
    }

    fn weighed(&self, asked: &OnMetric<'_>, subject: &Subject, index: Option<usize>) -> Weighed {
        let alone = asked.is_of_candidate_alone();
        let sample = match alone {
            true => self.pairs.candidate_alone(subject, index),
            false => self.pairs.sample(subject, Over::Selection(index)),
        };
        let method = self.method(subject.kind(self.setting.header), asked.tests);
        let judges = Judges::of(self.setting.header, &self.pairs, subject, index);
        let evidence = match alone {
            true => Err(StatError::NoData),
            false => {
                let labels = Use::of(asked.limit, asked.metric, &sample, &method);
                let raw = Evidence::weigh(&sample, &method);
                raw.map(|raw| corrected(raw, judges.people(), labels, &method))
            }
        };
        let (metric, slice) = (asked.metric.clone(), asked.slice.map(ToString::to_string));
        Weighed { metric, slice, tier: asked.tier, limit: asked.limit, judges, method, sample, evidence }
    }

    /// Judges what waited: sharpens each p against its own threshold, then adjusts the critical ones by Holm.
    fn family(&self, mut drafts: Vec<Draft>) -> Vec<(CheckReport, Vec<usize>)> {
        let in_family = |draft: &Draft| matches!(draft, Draft::Weighed(weighed) if weighed.is_in_family());
        let p_of = |draft: &Draft| match draft {
            Draft::Weighed(weighed) => weighed.p(),
            Draft::Done(..) => 1.0,
        };
        let members: Vec<usize> = (0..drafts.len()).filter(|at| in_family(&drafts[*at])).collect();
        let mut ranked = members.clone();
        ranked.sort_by(|left, right| p_of(&drafts[*left]).total_cmp(&p_of(&drafts[*right])));
        for (at, draft) in drafts.iter_mut().enumerate() {
            let rank = ranked.iter().position(|member| *member == at);
            let threshold =
                rank.map_or_else(|| self.stage.threshold(0, 1), |rank| self.stage.threshold(rank, members.len()));
            if let Draft::Weighed(weighed) = draft
                && let Ok(evidence) = &mut weighed.evidence
            {
                evidence.sharpen(&weighed.method, threshold);
            }
        }
        let p: Vec<f64> = members.iter().map(|at| p_of(&drafts[*at])).collect();
        let adjusted = self.stage.adjusted(&p);
        let judged = drafts.into_iter().enumerate().map(|(at, draft)| match draft {
            Draft::Done(report, named) => (*report, named),
            Draft::Weighed(weighed) => {
                let place = members.iter().position(|member| *member == at);
                (weighed.judged(place.map(|place| adjusted[place]), self.policy, &self.stage), Vec::new())
            }
        });
        judged.collect()
    }

    fn notes(
        &self,
        draw: u32,
        baseline: Option<&PlannedVersion>,
        model: &PlannedModel,
        answers: &Answers,
    ) -> Vec<String> {
        let mut notes = Vec::new();
        let (before, after) = (self.pairs.baseline, self.pairs.candidate);
        if after.unbound || before.is_some_and(|side| side.unbound) {
            notes.push("outputs are not tied to the prompt text".to_owned());
        }
        notes.extend(draw_note(self.policy, draw, self.policy.alpha_of_draw(draw)));
        if let Some(stored) = baseline.and_then(|version| version.stored.as_ref()) {
            let day = stored.started.split('T').next().unwrap_or_default();
            notes.push(format!("the baseline is run {} of {day}", stored.run));
        }
        if answers.unanswered > 0 {
            let pairs = words::counted(answers.unanswered, "pair has", "pairs have");
            let causes = Causes::told(self.both().map(|side| &side.causes));
            let why =
                causes.map_or_else(|| "for reasons of infrastructure".to_owned(), |causes| format!("since: {causes}"));
            notes.push(format!("{pairs} no answer on a side {why}"));
        }
        notes.extend(self.time_outs(model));
        let unscored = Causes::told(self.both().map(|side| &side.unscored));
        notes.extend(unscored.map(|causes| format!("answers without a score: {causes}")));
        let unconfirmed = Causes::told(self.both().map(|side| &side.unconfirmed));
        notes.extend(unconfirmed.map(|causes| format!("calls that confirm broken cases came to nothing: {causes}")));
        notes.extend(Answerers::notes(before.map(|side| &side.answerers), &after.answerers));
        notes.extend(self.unmeasured());
        notes.extend(self.at_other_times());
        notes.extend(self.judges());
        notes
    }

    /// When there is room again, for the causes that the notes tell.
    fn rooms(&self, answers: &Answers) -> Vec<String> {
        let unanswered = (answers.unanswered > 0).then(|| Causes::rooms(self.both().map(|side| &side.causes)));
        let unscored = Causes::rooms(self.both().map(|side| &side.unscored));
        let unconfirmed = Causes::rooms(self.both().map(|side| &side.unconfirmed));
        unanswered.into_iter().flatten().chain(unscored).chain(unconfirmed).collect()
    }

    /// Time-outs that count as failures, where they are as many as would be too many to be missing.
    fn time_outs(&self, model: &PlannedModel) -> Vec<String> {
        let baseline = self.pairs.baseline.map(|side| (" on the baseline", side));
        let sides = baseline.into_iter().chain([(" on the candidate", self.pairs.candidate)]);
        let most = self.policy.max_missing;
        let failing = sides.filter(|(_, side)| !side.is_silent);
        failing.filter_map(|(name, side)| side.heard.time_outs(most, model, name)).collect()
    }

    /// The sides that there are.
    fn both(&self) -> impl Iterator<Item = &Side> {
        self.pairs.baseline.into_iter().chain([self.pairs.candidate])
    }

    /// Of each metric that is checked and rests on judges, how far they were held against people, and what came of it.
    fn judges(&self) -> Vec<String> {
        let mut notes: Vec<String> =
            self.policy.checks.iter().filter_map(|check| self.judges_of(check)).flatten().collect();
        notes.sort();
        notes.dedup();
        notes
    }

    fn judges_of(&self, check: &Check) -> Option<Vec<String>> {
        let Asks::Metric { metric, slice, limit } = &check.subject else { return None };
        let header = self.setting.header;
        let subject = Subject::named(metric, header).filter(|subject| !resting_on(header, subject).is_empty())?;
        let selection = self.setting.selection(slice.as_ref()).ok()?;
        let sample = self.pairs.sample(&subject, Over::Selection(selection));
        let labels = Use::of(*limit, metric, &sample, &self.method(subject.kind(header), 1));
        let slice = slice.as_ref().map(ToString::to_string);
        let judges = Judges::of(header, &self.pairs, &subject, selection);
        Some(judges.notes(slice.as_deref(), sum::mean(&sample.differences()), labels))
    }

    /// Latencies of two sides that were measured at different times say as much about the times as about the versions.
    fn at_other_times(&self) -> Option<String> {
        let name = Amount::Latency.name();
        self.policy.checks.iter().filter_map(Check::metric).find(|metric| metric.as_str() == name)?;
        let (before, after) = (self.pairs.baseline?.answered_at()?, self.pairs.candidate.answered_at()?);
        (before.abs_diff(after) > APART).then(|| {
            "latencies of the two sides were measured at different times: measure both in one run with `--fresh`"
                .to_owned()
        })
    }

    /// Amounts that were not measured on some pairs, for the amounts that a check looks at.
    fn unmeasured(&self) -> Vec<String> {
        let looked_at = |amount: &Amount| {
            self.policy
                .checks
                .iter()
                .any(|check| matches!(&check.subject, Asks::Metric { metric, .. } if metric.as_str() == amount.name()))
        };
        let amounts = Amount::ALL.into_iter().filter(looked_at);
        let counted =
            amounts.map(|amount| (amount, self.pairs.sample(&Subject::Amount(amount), Over::All).not_measured));
        let told = counted.filter(|(_, pairs)| *pairs > 0);
        told.map(|(amount, pairs)| {
            format!("{} was not measured on {}", amount.name(), words::counted(pairs, "pair", "pairs"))
        })
        .collect()
    }

    /// The cases whose majority changed: position, whether broken, and the fractions.
    fn flips(&self) -> Vec<(usize, bool, String, String)> {
        let Some(baseline) = self.pairs.baseline else { return Vec::new() };
        let flip = |position: usize| {
            let before = self.pairs.table.passes(baseline, position);
            let after = self.pairs.table.passes(self.pairs.candidate, position);
            let broken = before.majority()?;
            (after.majority() == Some(!broken)).then(|| (position, broken, before.to_string(), after.to_string()))
        };
        self.pairs.planned.iter().filter_map(|position| flip(*position)).collect()
    }

    /// The first cases in normal order that have another's input and not its cluster.
    fn twins(&self) -> Vec<usize> {
        let input = |position: usize| self.pairs.candidate.input(position);
        let mut order: Vec<usize> = self.pairs.planned.clone();
        order.sort_by_key(|position| input(*position));
        let cluster = |position: usize| self.pairs.table.cluster(position);
        let same = |pair: &&[usize]| input(pair[0]) == input(pair[1]) && cluster(pair[0]) != cluster(pair[1]);
        order.windows(2).find(same).map(<[usize]>::to_vec).unwrap_or_default()
    }
}

/// The cases of a stored candidate that the suite no longer has as they were; those of a stored baseline are among the pairs.
fn changed_since(stored: &StoredBaseline) -> Option<String> {
    let changed = stored.changed.len() as u64;
    let cases = words::counted(changed, "case", "cases");
    (changed > 0).then(|| format!("{cases} of the candidate, run {}, changed or gone since then", stored.run))
}

fn draw_note(policy: &Policy, draw: u32, alpha: f64) -> Option<String> {
    match (draw, policy.fresh) {
        (0 | 1, _) => None,
        (draw, Fresh::Spend) => Some(format!("draw {draw} of this comparison, judged at {}", words::percent(alpha))),
        (draw, Fresh::Free) => Some(format!("draw {draw} of this comparison, not paid for")),
    }
}

fn is_difference(check: &Check) -> bool {
    let Asks::Metric { limit, .. } = &check.subject else { return false };
    matches!(limit, Some(Limit::AllowedDrop(_) | Limit::AllowedRise(_)))
}

/// A check that needs a comparison which cannot be made: no number is shown as evidence.
fn not_comparable(report: CheckReport) -> CheckReport {
    CheckReport {
        n: 0,
        baseline: None,
        candidate: None,
        fixed: None,
        broken: None,
        method: CheckMethod::default(),
        verdict: report.limit.map(|_| Verdict::Inconclusive),
        reason: "not comparable: see the comparison's reason.".to_owned(),
        cases: Vec::new(),
        ..report
    }
}

/// The evidence by people's labels in place of the judge's alone, where they can correct it and enough pairs have them.
fn corrected(raw: Evidence, people: Option<&People>, labels: Use, method: &Method) -> Evidence {
    let people = people.filter(|_| labels == Use::Corrects);
    people.and_then(|people| people.calibrated(&raw, method)).unwrap_or(raw)
}

/// A check on its way to a verdict.
pub(crate) enum Draft {
    /// Judged: a rule, a floor, a ceiling; with the cases it names.
    Done(Box<CheckReport>, Vec<usize>),
    /// Weighed; its p waits for the others.
    Weighed(Box<Weighed>),
}
