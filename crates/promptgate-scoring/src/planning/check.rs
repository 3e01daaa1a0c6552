//! What one check can tell: the smallest evidence with which it passes, the smallest drop it blocks, how often it passes
//! when nothing changed, and what a rule does to cases that do not always pass.

use promptgate_core::calibration::{CalibratedMetric, Calibration};
use promptgate_core::gate::{Basis, Check, Limit, Policy, RATIO_METRICS, Rule, Scope, Subject};
use promptgate_core::name::MetricName;
use promptgate_core::record::{MetricKind, MetricSpec};
use promptgate_core::report::CheckKind;
use promptgate_core::report::plan::{Fewest, Flake, PlanCheck, RepeatsChoice, Scenario, Source, Unit};
use promptgate_core::score::Tier;

use super::noise::Noise;
use super::{Group, ModelFacts, POWER, PlanFacts, family, must_pass_blocks, no_new_break_blocks, words};
use crate::stats::tango::{self, Pairs};
use crate::stats::{dist, exact_noninf, hall, plan};

/// The chances to pass that a rule is told for where nothing was measured.
const PASS_CHANCES: [f64; 2] = [0.95, 0.99];

/// Repeats that are offered side by side.
const REPEATS: [u32; 3] = [1, 3, 5];

/// Fewer clusters than these settle nothing.
const FEWEST_CLUSTERS: u64 = 5;

/// A check of a metric, and all that its plan depends on.
pub(super) struct Setting<'a> {
    pub(super) policy: &'a Policy,
    pub(super) limit: Option<Limit>,
    pub(super) kind: CheckKind,
    pub(super) group: Group,
    pub(super) trials: u32,
    pub(super) tier: Tier,
    /// Whether it stands in the way of a verdict: a critical check on a critical model.
    pub(super) decides: bool,
}

/// How a metric check passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Method {
    /// One trial a side, no clusters.
    Tango,
    /// Hall and guard.
    Guard,
    /// CR1 and a guard on clusters.
    Clusters,
    /// Log ratios: no guard.
    Ratio,
    /// Permuted labels, a guard on calls.
    TheseCases,
}

pub(super) fn plan(
    facts: &PlanFacts<'_>,
    model: &ModelFacts,
    check: &Check,
    calibration: Option<&Calibration>,
) -> PlanCheck {
    let empty = Policy::default();
    let policy = facts.policy.unwrap_or(&empty);
    match &check.subject {
        Subject::Metric { metric, slice, limit } => {
            let setting = Setting {
                policy,
                limit: *limit,
                kind: kind(metric, facts.metrics),
                group: group(facts, model, slice.as_ref()),
                trials: facts.trials,
                tier: check.tier,
                decides: check.tier == Tier::Critical && model.tier == Tier::Critical,
            };
            let measured = calibration.and_then(|calibration| calibration.metric(&model.model, metric));
            let slice = slice.as_ref().map(ToString::to_string);
            setting.plan(PlanCheck { metric: Some(metric.clone()), slice, ..bare(check, &setting) }, measured)
        }
        Subject::Rule { rule, cases } => {
            let group = group(facts, model, cases.as_ref());
            let setting = Setting {
                policy,
                limit: None,
                kind: CheckKind::Rule,
                group,
                trials: facts.trials,
                tier: check.tier,
                decides: false,
            };
            let measured = calibration.and_then(|calibration| calibration.metric(&model.model, &pass_rate()));
            let slice = cases.as_ref().map(ToString::to_string);
            let bare = PlanCheck { rule: Some(rule.name().to_owned()), slice, ..bare(check, &setting) };
            of_rule(bare, *rule, facts.trials, measured)
        }
    }
}

#[expect(clippy::expect_used, reason = "a reserved name is a metric name")]
fn pass_rate() -> MetricName {
    MetricName::new("pass_rate").expect("a reserved name is a metric name")
}

fn kind(metric: &MetricName, specs: &[MetricSpec]) -> CheckKind {
    match metric.as_str() {
        "pass_rate" => CheckKind::Binary,
        name if RATIO_METRICS.contains(&name) => CheckKind::Ratio,
        _ => specs.iter().find(|spec| spec.name == *metric).map_or(MetricKind::Score, |spec| spec.kind).into(),
    }
}

/// The cases of a check on a model.
fn group(
    facts: &PlanFacts<'_>,
    model: &ModelFacts,
    selection: Option<&promptgate_core::selection::Selection>,
) -> Group {
    let place = selection.map(|selection| facts.selections.iter().position(|each| each == selection));
    let place = place.map_or(Some(0), |place| place.map(|place| place + 1));
    place.and_then(|place| model.groups.get(place).copied()).unwrap_or_default()
}

fn bare(check: &Check, setting: &Setting<'_>) -> PlanCheck {
    let (limit, limit_key) = match &check.subject {
        Subject::Metric { limit, .. } => of_limit(*limit),
        Subject::Rule { rule: Rule::MustPass { .. }, .. } => (Some(0.0), Some("max_broken")),
        Subject::Rule { rule: Rule::NoNewBreak { max_broken, .. }, .. } => {
            (Some(f64::from(*max_broken)), Some("max_broken"))
        }
    };
    PlanCheck {
        metric: None,
        rule: None,
        slice: None,
        tier: check.tier,
        kind: setting.kind,
        limit,
        limit_key: limit_key.map(str::to_owned),
        cases: setting.group.cases,
        clusters: setting.group.clusters,
        level: None,
        fewest: None,
        scenarios: Vec::new(),
        repeats: Vec::new(),
        flakes: Vec::new(),
        words: Vec::new(),
    }
}

fn of_limit(limit: Option<Limit>) -> (Option<f64>, Option<&'static str>) {
    match limit {
        Some(Limit::AllowedDrop(drop)) => (Some(-drop), Some("allowed_drop")),
        Some(Limit::AllowedRise(rise)) => (Some(rise), Some("allowed_rise")),
        Some(Limit::Min(min, _)) => (Some(min), Some("min")),
        Some(Limit::Max(max, _)) => (Some(max), Some("max")),
        None => (None, None),
    }
}

impl Setting<'_> {
    fn plan(&self, bare: PlanCheck, measured: Option<&CalibratedMetric>) -> PlanCheck {
        let mut check = PlanCheck { fewest: self.fewest(), ..bare };
        if !matches!(self.limit, Some(Limit::Min(..) | Limit::Max(..))) {
            let noises = Noise::of(self.kind, self.group, measured);
            check.level = Some(rounded(self.level()));
            check.scenarios = noises.iter().map(|noise| self.scenario(noise, check.fewest)).collect();
            check.repeats = noises.first().map_or(Vec::new(), |noise| self.repeats(noise));
        }
        check.words = words::of_metric(self, &check);
        check
    }

    /// The level at which a drop blocks: in a family the first step of Holm, the hardest.
    fn level(&self) -> f64 {
        let share = if self.tier == Tier::Critical { family(self.policy).max(1) } else { 1 };
        self.policy.alpha() / share as f64
    }

    fn method(&self, trials: u32) -> Method {
        match (self.kind, self.policy.scope) {
            (CheckKind::Ratio, Scope::Population) => Method::Ratio,
            (_, Scope::TheseCases) => Method::TheseCases,
            _ if self.group.clusters.is_some() => Method::Clusters,
            (CheckKind::Binary, _) if trials == 1 => Method::Tango,
            _ => Method::Guard,
        }
    }

    /// The allowed change in the unit that is tested: points of the range, or the logarithm of a ratio.
    fn margin(&self) -> Option<f64> {
        match self.limit {
            Some(Limit::AllowedDrop(drop)) => Some(drop),
            Some(Limit::AllowedRise(rise)) => Some(rise.ln_1p()),
            Some(Limit::Min(..) | Limit::Max(..)) | None => None,
        }
    }

    fn fewest(&self) -> Option<Fewest> {
        match self.limit? {
            Limit::AllowedDrop(drop) => self.fewest_for(drop, self.method(self.trials)),
            Limit::Min(min, Basis::Bound) => self.fewest_above(min),
            Limit::Max(max, Basis::Bound) => self.fewest_above(1.0 - max),
            Limit::AllowedRise(_) | Limit::Min(..) | Limit::Max(..) => None,
        }
    }

    /// Whether the evidence at hand clears a drop when nothing changed at all.
    pub(super) fn clears(&self, drop: f64) -> bool {
        self.fewest_for(drop, self.method(self.trials)).is_some_and(Fewest::is_reached)
    }

    /// The smallest evidence that clears a drop when nothing changed at all.
    fn fewest_for(&self, drop: f64, method: Method) -> Option<Fewest> {
        let alpha = self.policy.alpha();
        let needed = match method {
            _ if drop <= 0.0 => return None,
            Method::Ratio => return None,
            Method::Tango if self.policy.strict => fewest_exact(drop, alpha)?,
            Method::Tango => tango::fewest_identical(drop, dist::normal_quantile(1.0 - alpha)),
            Method::Guard | Method::TheseCases => hall::fewest_units(drop, alpha, 1.0),
            Method::Clusters => hall::fewest_units(drop, alpha, 1.0).max(FEWEST_CLUSTERS),
        };
        if self.kind == CheckKind::Ratio {
            return None;
        }
        let (unit, have) = self.evidence(method);
        Some(Fewest { unit, needed, have })
    }

    /// The smallest evidence that shows a floor when everything passes: Wilson, or the guard.
    fn fewest_above(&self, floor: f64) -> Option<Fewest> {
        if self.kind == CheckKind::Ratio || !(0.0..1.0).contains(&floor) {
            return None;
        }
        let (alpha, method) = (self.policy.alpha(), self.method(self.trials));
        let z = dist::normal_quantile(1.0 - alpha);
        let needed = match method {
            Method::Tango if !self.policy.strict => plan::round_up(z * z * floor / (1.0 - floor)).max(1),
            _ => plan::round_up(alpha.ln() / floor.ln()).max(1),
        };
        let (unit, have) = self.evidence(method);
        Some(Fewest { unit, needed, have })
    }

    /// What a method counts, and how much of it there is.
    fn evidence(&self, method: Method) -> (Unit, u64) {
        match (method, self.group.clusters) {
            (Method::TheseCases, _) => (Unit::Call, self.group.cases * u64::from(self.trials)),
            (Method::Clusters, Some(clusters)) => (Unit::Cluster, clusters),
            _ => (Unit::Case, self.group.cases),
        }
    }

    fn scenario(&self, noise: &Noise, fewest: Option<Fewest>) -> Scenario {
        let variance = self.variance(noise, self.trials);
        let n = self.group.cases as f64;
        let drop = self.smallest_drop(noise, variance);
        let se = (variance / n.max(1.0)).sqrt();
        let z = dist::normal_quantile(1.0 - self.policy.alpha());
        let can_pass = self.margin().is_some_and(|margin| margin > 0.0) && fewest.is_none_or(Fewest::is_reached);
        let chance = |margin: f64| if se > 0.0 { dist::normal_cdf(margin / se - z) } else { 1.0 };
        Scenario {
            source: noise.source,
            discordant: noise.discordant,
            sd: rounded(variance.sqrt()),
            smallest_drop: drop.map(rounded),
            chance_to_pass: self.margin().filter(|_| can_pass && n > 1.0).map(chance).map(rounded),
            cases_to_pass: self.cases_to_pass(noise, self.trials),
            trials_to_pass: self.trials_to_pass(noise),
        }
    }

    /// The variance of one case's difference; under `these-cases` of its calls alone.
    fn variance(&self, noise: &Noise, trials: u32) -> f64 {
        match self.method(trials) {
            Method::TheseCases => noise.of_calls() / f64::from(trials),
            _ => noise.variance(trials),
        }
    }

    /// The smallest true drop that blocks 4 times in 5: it is significant, and seen to be the allowed one at least. For a
    /// ratio the smallest rise. A drop of D makes at least a share D of 0/1 outcomes differ.
    fn smallest_drop(&self, noise: &Noise, variance: f64) -> Option<f64> {
        let n = self.group.cases as f64;
        let least = self.fewest_changed()?;
        let (z_a, z_b) = (dist::normal_quantile(1.0 - self.level()), dist::normal_quantile(POWER));
        let margin = self.margin().unwrap_or(0.0);
        let outcomes = self.kind == CheckKind::Binary;
        let found = |drop: f64| {
            let (under_drop, spread) =
                if outcomes { self.under_drop(noise, variance, drop) } else { (variance, variance) };
            let threshold = margin.max(z_a * (under_drop / n).sqrt()).max(least);
            drop - z_b * (spread / n).sqrt() >= threshold
        };
        let most = if self.kind == CheckKind::Ratio { 10.0 } else { 1.0 };
        if !found(most) {
            return None;
        }
        let drop = dist::bisect(0.0, most, found);
        Some(if self.kind == CheckKind::Ratio { drop.exp_m1() } else { drop })
    }

    /// A drop of D in 0/1 outcomes is itself noise: the second moment and the variance of one case's difference under it.
    fn under_drop(&self, noise: &Noise, variance: f64, drop: f64) -> (f64, f64) {
        let square = drop * drop;
        if self.method(self.trials) == Method::TheseCases {
            // Spread over all calls, which is harder to see than whole cases that break.
            let all = variance + (drop - square) / f64::from(self.trials);
            return (all, all);
        }
        // A share D of the cases differs at least, clusters of them together.
        let moment = variance.max(square + (drop - square) * noise.design);
        (moment, (moment - square).max(0.0))
    }

    /// The share of cases that must have changed before any test can say so; absent where not even all would do.
    fn fewest_changed(&self) -> Option<f64> {
        let (level, n) = (self.level(), self.group.cases);
        let halvings = |slack: f64| plan::round_up(-level.log2() - slack);
        let (units, least) = match self.method(self.trials) {
            Method::Tango if self.policy.strict => (n, halvings(0.0)),
            // The mid-p of c broken cases and none fixed is a half of 2^-c.
            Method::Tango => (n, halvings(1.0)),
            Method::Clusters => (self.group.clusters.unwrap_or(n), halvings(0.0).max(FEWEST_CLUSTERS)),
            Method::TheseCases => {
                let k = u64::from(self.trials);
                (n, plan::round_up(-level.ln() / dist::ln_choose(2 * k, k)))
            }
            Method::Guard | Method::Ratio => (n, halvings(0.0)),
        };
        // An amount changes everywhere at once, a score may.
        let share = if self.kind == CheckKind::Binary { least as f64 / units.max(1) as f64 } else { 0.0 };
        (units >= least.max(1)).then_some(share)
    }

    fn cases_to_pass(&self, noise: &Noise, trials: u32) -> Option<u64> {
        let margin = self.margin().filter(|margin| *margin > 0.0)?;
        let method = self.method(trials);
        if method == Method::TheseCases {
            return None;
        }
        let by_noise = plan::round_up(plan::certify(self.variance(noise, trials), margin, self.policy.alpha(), POWER));
        let fewest = self.fewest_for(margin, method).map_or(2, |fewest| match (fewest.unit, self.group.clusters) {
            (Unit::Cluster, Some(clusters)) => {
                plan::round_up(fewest.needed as f64 * self.group.cases as f64 / clusters.max(1) as f64)
            }
            _ => fewest.needed,
        });
        Some(by_noise.max(fewest))
    }

    /// k = (z_a + z_b)^2 (w_A + w_B) / (n m^2), and what the guard asks for.
    fn trials_to_pass(&self, noise: &Noise) -> Option<u64> {
        let margin = self.margin().filter(|margin| *margin > 0.0)?;
        let n = self.group.cases;
        if self.method(self.trials) != Method::TheseCases || n == 0 {
            return None;
        }
        let by_noise = plan::certify(noise.of_calls(), margin, self.policy.alpha(), POWER) / n as f64;
        let fewest = self.fewest().map_or(2, |fewest| fewest.needed.div_ceil(n));
        Some(plan::round_up(by_noise).max(fewest).max(2))
    }

    /// More cases or more repeats, side by side; only where measuring has told their noises apart.
    fn repeats(&self, noise: &Noise) -> Vec<RepeatsChoice> {
        if !noise.parted {
            return Vec::new();
        }
        let choice = |trials: &u32| {
            let cases = self.cases_to_pass(noise, *trials)?;
            Some(RepeatsChoice { trials: *trials, cases, calls: cases * u64::from(*trials) })
        };
        REPEATS.iter().filter_map(choice).collect()
    }
}

/// The fewest pairs, none of them discordant, that pass the exact test.
fn fewest_exact(drop: f64, alpha: f64) -> Option<u64> {
    let first = hall::fewest_units(drop, alpha, 1.0);
    let passes = |n: &u64| exact_noninf::p_noninferior(Pairs { fixed: 0, broken: 0, n: *n }, drop, 201) <= alpha;
    (first..=first.saturating_add(20)).find(passes)
}

fn of_rule(bare: PlanCheck, rule: Rule, trials: u32, measured: Option<&CalibratedMetric>) -> PlanCheck {
    let cases = bare.cases;
    let blocks = |cases: u64, p: f64, confirm: u32| match rule {
        Rule::MustPass { .. } => must_pass_blocks(cases, p, trials, confirm),
        Rule::NoNewBreak { max_broken, .. } => no_new_break_blocks(cases, p, trials, confirm, max_broken),
    };
    let confirm = match rule {
        Rule::MustPass { confirm } | Rule::NoNewBreak { confirm, .. } => confirm,
    };
    // A case that must always pass is not asked again until it does.
    let offered = matches!(rule, Rule::NoNewBreak { .. }) && confirm == 0;
    let flake = |source: Source, cases: u64, p: f64| Flake {
        source,
        pass_chance: rounded(p),
        cases,
        false_block: rounded(blocks(cases, p, confirm)),
        with_confirm: offered.then(|| rounded(blocks(cases, p, 3))),
    };
    let assumed = PASS_CHANCES.iter().map(|p| flake(Source::Assumed, cases, *p));
    let known = measured.and_then(|metric| flaky(metric, cases)).map(|(cases, p)| flake(Source::Calibrated, cases, p));
    let mut check = PlanCheck { flakes: known.into_iter().chain(assumed).collect(), ..bare };
    check.words = words::of_rule(&check, rule);
    check
}

/// A figure of a plan is approximate: more digits would differ from machine to machine and say nothing.
fn rounded(figure: f64) -> f64 {
    (figure * 1e6).round() / 1e6
}

/// How many of so many cases are flaky as measured, and the chance of one to pass a trial: that whose variance is theirs.
fn flaky(metric: &CalibratedMetric, cases: u64) -> Option<(u64, f64)> {
    let within = metric.within.or(metric.discordant.map(|share| share / 2.0))?;
    if metric.n == 0 || metric.flaky == 0 {
        return (metric.n > 0).then_some((0, 1.0));
    }
    let share = metric.flaky as f64 / metric.n as f64;
    let variance = (within / share).min(0.25);
    let p = 0.5 * (1.0 + (1.0 - 4.0 * variance).max(0.0).sqrt());
    Some((((cases as f64) * share).round().max(1.0) as u64, p))
}
