//! One comparison: whether it can be made, its checks, its verdict, its notes, and the cases that changed.

use promptgate_core::gate::{Check, Fresh, Limit, Policy, Subject as Asks};
use promptgate_core::name::CaseId;
use promptgate_core::plan::{PlannedModel, PlannedVersion};
use promptgate_core::record::{MetricKind, PlannedComparison, RunHeader};
use promptgate_core::report::{CheckMethod, CheckReport, Comparison, Flip, SideReport, words};
use promptgate_core::score::Tier;
use promptgate_core::selection::Selection;
use promptgate_core::verdict::Verdict;

use super::FoldError;
use super::check::Weighed;
use super::evidence::{Evidence, Method};
use super::pairs::{Answers, Pairs};
use super::subject::{Amount, Subject};
use super::table::{Side, Table};
use super::{floor, gate, rule, state};
use crate::stats::multiple;
use crate::stats::sign_flip::Flips;

/// What all comparisons of a gate have in common.
pub(crate) struct Setting<'a> {
    pub(crate) header: &'a RunHeader,
    /// Absent for `compare`.
    pub(crate) policy: Option<&'a Policy>,
    pub(crate) table: &'a Table,
}

/// A comparison judged; the cases it names are still positions.
pub(crate) struct Judged {
    report: Comparison,
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
struct Scene<'a> {
    setting: &'a Setting<'a>,
    policy: &'a Policy,
    pairs: Pairs<'a>,
    /// The error rate of this comparison's draw.
    alpha: f64,
}

impl Setting<'_> {
    /// Judges one planned comparison.
    pub(crate) fn judged(&self, planned: &PlannedComparison) -> Result<Judged, FoldError> {
        gate::in_header(self.header, planned)?;
        let nobody = Side::default();
        let side = |version: usize| self.table.side(version, planned.model);
        let candidate = side(planned.candidate).unwrap_or(&nobody);
        let baseline = planned.baseline.map(|version| side(version).unwrap_or(&nobody));
        let version = |version: usize| &self.header.versions[version];
        let before = planned.baseline.map(version);
        let stored = before.and_then(|version| version.stored.as_ref());
        let default = Policy::default();
        let policy = self.policy.unwrap_or(&default);
        let draw = baseline.map_or(0, |side| side.draw).max(candidate.draw).max(1);
        let alpha = alpha_of(policy, draw);
        let pairs = Pairs::new(self.table, baseline, candidate, stored.is_some());
        let answers = pairs.answers();
        let model = &self.header.models[planned.model];
        let found = state::State {
            header: self.header,
            policy: self.policy,
            model,
            baseline: before,
            candidate_is_stored: version(planned.candidate).stored.is_some(),
            pairs: &pairs,
            answers: &answers,
        }
        .find();
        let scene = Scene { setting: self, policy, pairs, alpha };
        let (checks, by_rule) = match self.policy {
            None => (scene.compared(), Vec::new()),
            Some(policy) => scene.checked(&policy.checks, found.as_ref())?,
        };
        let mut counts = answers.counts;
        counts.changed_cases = stored.map_or(0, |stored| stored.changed.len() as u64);
        let verdict = self.policy.map(|_| overall(&checks, found.as_ref()));
        let mut report = Comparison {
            model: model.id.clone(),
            tier: model.tier,
            verdict,
            reason: found.as_ref().map(|found| found.code.to_owned()),
            detail: found.as_ref().map(|found| found.words.clone()),
            draw,
            promotable: false,
            notes: scene.notes(draw, before, &answers),
            baseline: before.zip(baseline).map(|(version, side)| self.side(version, side, model)),
            candidate: self.side(version(planned.candidate), candidate, model),
            pairs: counts,
            checks,
            look_here: Vec::new(),
            flips: Vec::new(),
        };
        let bound = !candidate.unbound && !baseline.is_some_and(|side| side.unbound);
        report.promotable = report.meets(policy.require) == Some(true) && bound;
        Ok(Judged { report, by_rule, flips: scene.flips(), twins: scene.twins() })
    }

    fn side(&self, version: &PlannedVersion, side: &Side, model: &PlannedModel) -> SideReport {
        let cases = model.cases.as_ref().map_or(self.header.cases, |share| share.count);
        SideReport {
            reference: version.reference.clone(),
            digest: version.identity.digest,
            trials: cases * u64::from(self.header.trials),
            errored: side.errored,
        }
    }

    /// The index of a check's selection among the header's, by which settled trials name it.
    fn selection(&self, selection: Option<&Selection>) -> Result<Option<usize>, FoldError> {
        let Some(selection) = selection else { return Ok(None) };
        let found = self.header.selections.iter().position(|each| each == selection);
        let missing = || FoldError::Contradiction(format!("the header does not list the selection `{selection}`"));
        found.map(Some).ok_or_else(missing)
    }
}

/// Draw 1 is judged at alpha, draw r >= 2 at alpha / 2^r, so that all draws together stay within 1.5 alpha.
fn alpha_of(policy: &Policy, draw: u32) -> f64 {
    match (draw, policy.fresh) {
        (0 | 1, _) | (_, Fresh::Free) => policy.alpha(),
        (draw, Fresh::Spend) => policy.alpha() / 2_f64.powi(draw.min(1_000) as i32),
    }
}

/// The worst of the critical checks and the comparison's own state.
fn overall(checks: &[CheckReport], found: Option<&state::Found>) -> Verdict {
    let critical = checks.iter().filter(|check| check.tier == Tier::Critical).filter_map(|check| check.verdict);
    Verdict::worst(critical.chain(found.map(|found| found.verdict))).unwrap_or(Verdict::Inconclusive)
}

impl Scene<'_> {
    fn method(&self, kind: MetricKind, tests: usize) -> Method {
        let flips = Flips { seed: self.setting.header.seed, replicates: self.policy.flips };
        Method {
            kind,
            trials: self.setting.header.trials,
            alpha: self.alpha,
            strict: self.policy.strict,
            flips: flips.enough_for(tests, self.alpha),
        }
    }

    /// The rows of `compare`: every metric that has a value, no limit, no verdict.
    fn compared(&self) -> Vec<CheckReport> {
        let header = self.setting.header;
        let rows = Subject::all(header).into_iter().map(|subject| {
            let method = self.method(subject.kind(header), 1);
            let sample = self.pairs.sample(&subject, None);
            let evidence = Evidence::weigh(&sample, &method);
            let metric = subject.name();
            (subject, Weighed { metric, slice: None, tier: Tier::Critical, limit: None, method, sample, evidence })
        });
        let told = rows.filter(|(subject, row)| !matches!(subject, Subject::Amount(_)) || row.sample.n() > 0);
        told.map(|(_, row)| row.judged(None, self.policy)).collect()
    }

    /// The checks of a policy, in its order, and the cases that rules found, check by check.
    fn checked(
        &self,
        checks: &[Check],
        found: Option<&state::Found>,
    ) -> Result<(Vec<CheckReport>, Vec<Vec<usize>>), FoldError> {
        let comparable = found.is_none_or(|found| found.verdict != Verdict::Invalid);
        let critical = |check: &&Check| check.tier == Tier::Critical && is_difference(check);
        let family = checks.iter().filter(critical).count();
        let drafts: Vec<Draft> =
            checks.iter().map(|check| self.draft(check, family, comparable)).collect::<Result<_, _>>()?;
        Ok(self.family(drafts).into_iter().unzip())
    }

    fn draft(&self, check: &Check, family: usize, comparable: bool) -> Result<Draft, FoldError> {
        match &check.subject {
            Asks::Rule { rule, cases } => {
                let index = self.setting.selection(cases.as_ref())?;
                let cases = index.zip(cases.as_ref().map(ToString::to_string));
                let asked = rule::Asked { rule: *rule, cases, tier: check.tier };
                let judged = asked.judged(&self.pairs);
                let needs_baseline = matches!(rule, promptgate_core::gate::Rule::NoNewBreak { .. });
                match needs_baseline && !comparable {
                    true => Ok(Draft::Done(Box::new(not_comparable(judged.report)), Vec::new())),
                    false => Ok(Draft::Done(Box::new(judged.report), judged.named)),
                }
            }
            Asks::Metric { metric, slice, limit } => {
                let unknown = || FoldError::Contradiction(format!("nothing feeds the metric `{metric}`"));
                let subject = Subject::named(metric, self.setting.header).ok_or_else(unknown)?;
                let index = self.setting.selection(slice.as_ref())?;
                let alone = matches!(limit, Some(Limit::Min(..) | Limit::Max(..)));
                let sample = if alone {
                    self.pairs.candidate_alone(&subject, index)
                } else {
                    self.pairs.sample(&subject, index)
                };
                let tests = if check.tier == Tier::Critical { family } else { 1 };
                let method = self.method(subject.kind(self.setting.header), tests);
                let evidence =
                    if alone { Err(crate::stats::StatError::NoData) } else { Evidence::weigh(&sample, &method) };
                let (metric, slice) = (metric.clone(), slice.as_ref().map(ToString::to_string));
                let weighed = Weighed { metric, slice, tier: check.tier, limit: *limit, method, sample, evidence };
                Ok(match (alone, comparable) {
                    (true, _) => Draft::Done(Box::new(floor::judged(&weighed, self.policy.max_missing)), Vec::new()),
                    (false, false) => Draft::Done(Box::new(not_comparable(weighed.bare())), Vec::new()),
                    (false, true) => Draft::Weighed(Box::new(weighed)),
                })
            }
        }
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
            let threshold = rank.map_or(self.alpha, |rank| self.alpha / (members.len() - rank) as f64);
            if let Draft::Weighed(weighed) = draft
                && let Ok(evidence) = &mut weighed.evidence
            {
                evidence.sharpen(&weighed.method, threshold);
            }
        }
        let p: Vec<f64> = members.iter().map(|at| p_of(&drafts[*at])).collect();
        let adjusted = multiple::holm(&p);
        let judged = drafts.into_iter().enumerate().map(|(at, draft)| match draft {
            Draft::Done(report, named) => (*report, named),
            Draft::Weighed(weighed) => {
                let place = members.iter().position(|member| *member == at);
                (weighed.judged(place.map(|place| adjusted[place]), self.policy), Vec::new())
            }
        });
        judged.collect()
    }

    fn notes(&self, draw: u32, baseline: Option<&PlannedVersion>, answers: &Answers) -> Vec<String> {
        let mut notes = Vec::new();
        let (before, after) = (self.pairs.baseline, self.pairs.candidate);
        if after.unbound || before.is_some_and(|side| side.unbound) {
            notes.push("outputs are not tied to the prompt text".to_owned());
        }
        notes.extend(draw_note(self.policy, draw, self.alpha));
        if let Some(stored) = baseline.and_then(|version| version.stored.as_ref()) {
            let day = stored.started.split('T').next().unwrap_or_default();
            notes.push(format!("the baseline is run {} of {day}", stored.run));
        }
        if answers.unanswered > 0 {
            let pairs = words::counted(answers.unanswered, "pair has", "pairs have");
            notes.push(format!("{pairs} no answer on a side for reasons of infrastructure"));
        }
        notes.extend(self.unmeasured());
        notes
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
        let counted = amounts.map(|amount| (amount, self.pairs.sample(&Subject::Amount(amount), None).not_measured));
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

/// A check on its way to a verdict.
enum Draft {
    /// Judged: a rule, a floor, a ceiling; with the cases it names.
    Done(Box<CheckReport>, Vec<usize>),
    /// Weighed; its p waits for the others.
    Weighed(Box<Weighed>),
}
