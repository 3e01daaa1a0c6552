//! A metric check with an allowed drop or rise: its evidence, its verdict, and the words for both.

use promptgate_core::gate::{Limit, Policy, Scope};
use promptgate_core::name::MetricName;
use promptgate_core::record::MetricKind;
use promptgate_core::report::{Better, CheckMethod, CheckReport, words};
use promptgate_core::score::Tier;
use promptgate_core::verdict::{Finding, Verdict};

use super::evidence::{Evidence, Method};
use super::pairs::Sample;
use super::people::{Judges, Use};
use super::reason;
use super::stage::Stage;
use crate::stats::{StatError, hall, mcnemar, plan, sum};

/// Power that planning speaks of: "4 times in 5".
pub(crate) const POWER: f64 = 0.8;
/// Fewer clusters than this cannot give a small p.
const LEAST_CLUSTERS: usize = 5;

/// A check on the difference of a metric, weighed but not yet judged: its p waits for the others of its family.
pub(crate) struct Weighed {
    pub(crate) metric: MetricName,
    pub(crate) slice: Option<String>,
    pub(crate) tier: Tier,
    /// Absent for `compare`, and for an advisory check without one.
    pub(crate) limit: Option<Limit>,
    /// The judges that it rests on.
    pub(crate) judges: Judges,
    pub(crate) method: Method,
    pub(crate) sample: Sample,
    pub(crate) evidence: Result<Evidence, StatError>,
}

/// Why a check can be at best inconclusive, as reason code and words.
pub(crate) struct Cap {
    pub(crate) code: CapCode,
    pub(crate) words: String,
    /// What settles it, where more cases do not.
    pub(crate) way: Option<&'static str>,
}

/// What keeps a check from passing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CapCode {
    TooFewClusters,
    OnePair,
    Unscored,
    TooFewLabels,
    JudgeDisagrees,
    LopsidedMissing,
}

impl CapCode {
    /// As reasons begin.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::TooFewClusters => "too_few_clusters",
            Self::OnePair => "one_pair",
            Self::Unscored => "unscored",
            Self::TooFewLabels => "too_few_labels",
            Self::JudgeDisagrees => "judge_disagrees",
            Self::LopsidedMissing => "lopsided_missing",
        }
    }

    /// Whether there is too little to prove a regression, too.
    fn proves_nothing(self) -> bool {
        matches!(self, Self::TooFewClusters | Self::OnePair)
    }
}

impl Cap {
    /// Where more lack a score than the policy lets pass; `what` there is so many of.
    pub(crate) fn unscored(sample: &Sample, policy: &Policy, what: &str) -> Option<Self> {
        let (unscored, planned) = (sample.unscored, sample.planned);
        (unscored as f64 > policy.max_missing * planned as f64).then(|| {
            let [unscored, planned] = [unscored, planned].map(words::thousands);
            let share = words::percent(policy.max_missing);
            let words = format!("{unscored} of {planned} {what} lack a score, more than {share}");
            Self { code: CapCode::Unscored, words, way: None }
        })
    }
}

impl Weighed {
    /// A metric over all cases that is looked at and holds to no limit.
    pub(crate) fn new(
        metric: MetricName,
        method: Method,
        sample: Sample,
        evidence: Result<Evidence, StatError>,
    ) -> Self {
        Self {
            metric,
            slice: None,
            tier: Tier::Critical,
            limit: None,
            judges: Judges::default(),
            method,
            sample,
            evidence,
        }
    }

    /// The p that enters the family; what cannot be weighed has no evidence against it.
    pub(crate) fn p(&self) -> f64 {
        self.evidence.as_ref().map_or(1.0, |evidence| evidence.p)
    }

    /// Whether it belongs to the family that Holm corrects for.
    pub(crate) fn is_in_family(&self) -> bool {
        self.tier == Tier::Critical && self.limit.is_some()
    }

    /// The allowed drop on the scale of the evidence: as it is, or as a log ratio.
    pub(crate) fn margin(&self) -> Option<f64> {
        match self.limit {
            Some(Limit::AllowedDrop(margin)) => Some(margin),
            Some(Limit::AllowedRise(rise)) => Some(rise.ln_1p()),
            _ => None,
        }
    }

    /// Judges the check, its p adjusted for the family.
    pub(crate) fn judged(&self, p_adjusted: Option<f64>, policy: &Policy, stage: &Stage) -> CheckReport {
        let mut report = self.bare();
        match &self.evidence {
            Err(error) => {
                report.verdict = self.limit.map(|_| Verdict::Inconclusive);
                report.reason = reason::nothing(*error, &self.sample, self.metric.as_str());
            }
            Ok(evidence) => {
                self.fill(&mut report, evidence, p_adjusted);
                self.decide(&mut report, evidence, p_adjusted, policy, stage);
            }
        }
        report
    }

    /// The report with nothing weighed: what the check is about.
    pub(crate) fn bare(&self) -> CheckReport {
        let ratio = self.method.kind == MetricKind::Ratio;
        let better = if ratio { Better::Lower } else { Better::Higher };
        CheckReport {
            metric: Some(self.metric.clone()),
            slice: self.slice.clone(),
            n: self.sample.n() as u64,
            baseline: sum::mean(&self.sample.baseline),
            candidate: sum::mean(&self.sample.candidate),
            limit: self.limit.and_then(natural_limit),
            limit_key: self.limit.map(|limit| limit_key(limit).to_owned()),
            ..CheckReport::blank(self.tier, self.method.kind.into(), better)
        }
    }

    fn fill(&self, report: &mut CheckReport, evidence: &Evidence, p_adjusted: Option<f64>) {
        let these_cases = self.method.scope == Scope::TheseCases;
        report.clusters = evidence.clusters.map(|clusters| clusters as u64);
        report.difference = Some(self.natural(evidence.estimate));
        report.interval = evidence
            .interval
            .filter(|_| evidence.n > 1 || these_cases)
            .map(|(low, high)| self.natural_interval(low, high));
        report.interval_level = report.interval.map(|_| reason::clean(1.0 - 2.0 * self.method.alpha));
        let bounded = evidence.lower.filter(|_| report.interval.is_some());
        report.ruled_out = bounded.map(|lower| self.natural(lower).abs() * f64::from(u8::from(lower < 0.0)));
        report.p_value = Some(evidence.p);
        report.p_value_adjusted = p_adjusted;
        report.fixed = evidence.table.map(|table| table.fixed);
        report.broken = evidence.table.map(|table| table.broken);
        report.method = CheckMethod { block: Some(evidence.block.to_owned()), pass: Some(evidence.pass.to_owned()) };
    }

    fn natural(&self, oriented: f64) -> f64 {
        natural(self.method.kind, oriented)
    }

    /// The interval in the metric's own unit; a score cannot change by more than its range.
    fn natural_interval(&self, low: f64, high: f64) -> [f64; 2] {
        let (one, other) = (self.natural(low), self.natural(high));
        let most = if self.method.kind == MetricKind::Ratio { f64::INFINITY } else { 1.0 };
        [one.min(other).max(-most), one.max(other).min(most)]
    }

    fn decide(
        &self,
        report: &mut CheckReport,
        evidence: &Evidence,
        p_adjusted: Option<f64>,
        policy: &Policy,
        stage: &Stage,
    ) {
        let Some(margin) = self.margin() else {
            report.reason = reason::numbers(report, evidence, &self.method, &self.sample);
            return;
        };
        let p_worse = p_adjusted.unwrap_or_else(|| stage.adjusted(&[evidence.p])[0]);
        let (alpha, estimate) = (stage.alpha(), evidence.estimate);
        let cleared = evidence.clears(margin, &self.method);
        let found = Finding { p_worse, alpha, estimate, margin, cleared }.verdict();
        let cap = self.cap(evidence, policy);
        let verdict = capped(found, cap.as_ref());
        let needed = if verdict == Verdict::Inconclusive { self.cases_needed(evidence, margin) } else { None };
        report.verdict = Some(verdict);
        report.cases_needed = needed;
        let method = &self.method;
        report.reason = reason::of_check(&reason::Told {
            report,
            evidence,
            margin,
            cap: cap.as_ref(),
            method,
            sample: &self.sample,
        });
        if cap.is_some_and(|cap| cap.code == CapCode::LopsidedMissing) {
            let worst = self.if_missing_failed(margin);
            report
                .reason
                .push_str(&format!(" Were every missing value of the candidate a failure: {}.", worst.as_str()));
        }
    }

    /// Why it can be at best inconclusive, the weightiest reason first.
    fn cap(&self, evidence: &Evidence, policy: &Policy) -> Option<Cap> {
        let sample = &self.sample;
        let few = evidence.clusters.filter(|clusters| *clusters < LEAST_CLUSTERS);
        if let Some(clusters) = few {
            let words = format!("too few clusters: {clusters}, and at least {LEAST_CLUSTERS} are needed");
            return Some(Cap { code: CapCode::TooFewClusters, words, way: None });
        }
        if evidence.n == 1 && self.method.scope == Scope::Population {
            let words = "one pair alone shows no spread".to_owned();
            return Some(Cap { code: CapCode::OnePair, words, way: None });
        }
        let unscored = || Cap::unscored(sample, policy, "pairs");
        if let Some(cap) = unscored().or_else(|| self.judges.cap(policy, self.labels())) {
            return Some(cap);
        }
        let (baseline, candidate) = (sample.only_baseline_lacks, sample.only_candidate_lacks.len() as u64);
        (mcnemar::p_two_exact(baseline, candidate) < 0.05).then(|| Cap {
            code: CapCode::LopsidedMissing,
            words: format!("{candidate} values are missing on the candidate alone, {baseline} on the baseline alone"),
            way: None,
        })
    }

    /// How far labels of people go into it.
    pub(crate) fn labels(&self) -> Use {
        Use::of(self.limit, &self.metric, &self.sample, &self.method)
    }

    fn if_missing_failed(&self, margin: f64) -> Verdict {
        let worst = Evidence::weigh(&self.sample.with_failures(), &self.method);
        worst.map_or(Verdict::Inconclusive, |evidence| {
            let cleared = evidence.clears(margin, &self.method);
            Finding { p_worse: evidence.p, alpha: self.method.alpha, estimate: evidence.estimate, margin, cleared }
                .verdict()
        })
    }

    /// Cases in all that would settle it 4 times in 5 if there is no real drop (gate.md, section 8); absent where the
    /// observed drop, not the sample, is in the way.
    fn cases_needed(&self, evidence: &Evidence, margin: f64) -> Option<u64> {
        if margin <= 0.0 || self.method.scope == Scope::TheseCases || evidence.estimate <= -margin / 2.0 + 1e-12 {
            return None;
        }
        let certify = plan::round_up(plan::certify(evidence.variance?, margin, self.method.alpha, POWER));
        let units = evidence.guarded.map(|_| hall::fewest_units(margin, self.method.alpha, 1.0));
        let a_unit = evidence.n as f64 / evidence.clusters.unwrap_or(evidence.n) as f64;
        let guard = units.map_or(0, |units| plan::round_up(units as f64 * a_unit));
        Some(certify.max(guard)).filter(|needed| *needed > evidence.n as u64)
    }
}

/// An oriented difference in the metric's own unit and direction.
pub(crate) fn natural(kind: MetricKind, oriented: f64) -> f64 {
    // Adding 0 makes a 0 of either sign a plain one.
    (if kind == MetricKind::Ratio { (-oriented).exp_m1() } else { oriented }) + 0.0
}

/// What caps a check leaves a failure standing: a proven regression never hides. Too few clusters prove nothing.
fn capped(found: Verdict, cap: Option<&Cap>) -> Verdict {
    match (found, cap) {
        (_, Some(cap)) if cap.code.proves_nothing() => Verdict::Inconclusive,
        (Verdict::Pass, Some(_)) => Verdict::Inconclusive,
        (found, _) => found,
    }
}

/// The limit in natural units, as the contract has it.
pub(crate) fn natural_limit(limit: Limit) -> Option<f64> {
    Some(match limit {
        Limit::AllowedDrop(drop) => -drop,
        Limit::AllowedRise(value) | Limit::Min(value, _) | Limit::Max(value, _) => value,
    })
}

/// The key that set the limit.
pub(crate) fn limit_key(limit: Limit) -> &'static str {
    match limit {
        Limit::AllowedDrop(_) => "allowed_drop",
        Limit::AllowedRise(_) => "allowed_rise",
        Limit::Min(..) => "min",
        Limit::Max(..) => "max",
    }
}
