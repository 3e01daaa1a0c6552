//! How a verdict came about, number by number, so that it can be checked with paper. Every number is computed again from
//! the same sample by the same statistics; nothing here decides.

use promptgate_core::gate::{Basis, Check, Limit, Rule, Scope, Subject as Asks};
use promptgate_core::record::{MetricKind, SettledRecord};
use promptgate_core::report::explain::{Derivation, Explanation, Step};
use promptgate_core::report::{CheckReport, words};
use promptgate_core::score::Tier;

use super::FoldError;
use super::check::Weighed;
use super::comparison::{Draft, Scene, Setting, Stand};
use super::evidence::Evidence;
use super::gate;
use super::stage::Stage;
use super::subject::Subject;
use crate::planning::{must_pass_blocks, no_new_break_blocks};
use crate::stats::calibration::Calibrated;
use crate::stats::these_cases::Case;
use crate::stats::{
    StatError, cluster, describe, dist, exact_noninf, hall, log_ratio, sequential, sum, tango, these_cases, trials,
};

/// The derivation of a gate's checks on a metric (or of a rule) by name; of all critical ones without a name.
///
/// # Errors
///
/// As the fold to a report. A name that no check has gives no derivation.
pub fn explanation(record: &dyn SettledRecord, metric: Option<&str>) -> Result<Explanation, FoldError> {
    let header = record.header();
    let policy = gate::policy(header)?;
    let (table, _) = gate::read(record, policy.as_ref())?;
    let setting = Setting::new(header, policy.as_ref(), &table);
    let mut derivations = Vec::new();
    for planned in header.comparisons.iter().filter(|planned| !planned.control) {
        let stand = setting.stand(planned)?;
        let against = planned.baseline.map(|version| format!(" against {}", header.versions[version].reference));
        let sides = format!(
            "{}{} on {}",
            header.versions[planned.candidate].reference,
            against.unwrap_or_default(),
            header.models[planned.model].id
        );
        for (at, check) in stand.scene.policy.checks.iter().enumerate() {
            if is_meant(check, metric) {
                derivations.push(derivation(&stand, check, at, &sides)?);
            }
        }
    }
    Ok(Explanation {
        schema: "promptgate.explain/1".to_owned(),
        suite: header.suite.clone(),
        run: header.volatile.run.to_string(),
        derivations,
    })
}

fn is_meant(check: &Check, metric: Option<&str>) -> bool {
    match (metric, &check.subject) {
        (None, _) => check.tier == Tier::Critical,
        (Some(name), Asks::Metric { metric, .. }) => metric.as_str() == name,
        (Some(name), Asks::Rule { rule, .. }) => rule.name() == name,
    }
}

fn derivation(stand: &Stand<'_>, check: &Check, at: usize, sides: &str) -> Result<Derivation, FoldError> {
    let (scene, report) = (&stand.scene, &stand.checked.0[at]);
    let family = report.p_value_adjusted.map(|_| family_of(scene, stand)).unwrap_or_default();
    let comparable =
        stand.found.as_ref().is_none_or(|found| found.verdict != promptgate_core::verdict::Verdict::Invalid);
    let mut steps = levels(stand);
    match (scene.draft(check, family.len().max(1), comparable)?, &check.subject) {
        (Draft::Weighed(weighed), _) => steps.extend(weighed_steps(&weighed, report, scene, &family)),
        (Draft::Done(..), Asks::Rule { rule, .. }) => {
            steps.extend(rule_steps(*rule, report, stand.checked.1[at].len(), scene))
        }
        (Draft::Done(..), Asks::Metric { limit, .. }) => steps.extend(floor_steps(*limit, report)),
    }
    if report.verdict == Some(promptgate_core::verdict::Verdict::Inconclusive) && report.rule.is_none() {
        let told =
            "that is another look: after j of them the risk is up to j alpha; `sequential` plans looks beforehand";
        steps.push(Step::words("if cases or trials are added and it is judged again", "", told));
    }
    if let Some(found) = &stand.found {
        steps.push(Step::words("the comparison's own state", found.code, found.words.clone()));
    }
    steps.push(Step::words("in words", "", report.reason.clone()));
    let name = report.metric.as_ref().map(ToString::to_string).or_else(|| report.rule.clone()).unwrap_or_default();
    let slice = report.slice.as_ref().map(|slice| format!(" [{slice}]")).unwrap_or_default();
    let verdict = report.verdict.map_or("no limit, no verdict", |verdict| verdict.as_str());
    Ok(Derivation { title: format!("{name}{slice}, {sides}: {verdict}"), steps })
}

/// The p of the critical checks of the comparison: the family that is corrected for.
fn family_of(scene: &Scene<'_>, stand: &Stand<'_>) -> Vec<f64> {
    let checks = scene.policy.checks.iter().zip(&stand.checked.0);
    checks.filter(|(_, report)| report.p_value_adjusted.is_some()).filter_map(|(_, report)| report.p_value).collect()
}

/// At which level it is judged, and why.
fn levels(stand: &Stand<'_>) -> Vec<Step> {
    let policy = stand.scene.policy;
    let mut steps =
        vec![Step::number("error rate, one-sided (alpha)", "1 - confidence", super::reason::clean(policy.alpha()))];
    if stand.draw > 1 {
        let how = "alpha / 2^draw: all draws together stay within 1.5 alpha";
        steps.push(Step::number("draw", how, f64::from(stand.draw)));
    }
    match &stand.scene.stage {
        Stage::Whole { alpha } if (*alpha - policy.alpha()).abs() > 1e-15 => {
            steps.push(Step::number("left for this judgement", "after draws, and e-values before the end", *alpha));
        }
        Stage::Whole { .. } => {}
        Stage::Look { look, looks, level, .. } => {
            let how = format!("1 - Phi(C sqrt({looks}/{look})), O'Brien and Fleming's boundary");
            steps.push(Step::number(&format!("level of look {look} of {looks}"), &how, *level));
        }
        Stage::Running { alpha, .. } => {
            steps.push(Step::number("level of the e-values", "0.4 alpha; 0.6 alpha are left for the end", *alpha));
        }
    }
    steps
}

fn weighed_steps(weighed: &Weighed, report: &CheckReport, scene: &Scene<'_>, family: &[f64]) -> Vec<Step> {
    let sample = &weighed.sample;
    let mut steps = vec![Step::number("complete pairs (n)", "", sample.n() as f64)];
    if sample.planned != sample.n() as u64 {
        let how = format!("{} unscored, {} not measured", sample.unscored, sample.not_measured);
        steps.push(Step::number("planned pairs", &how, sample.planned as f64));
    }
    steps.extend(repeat_steps(weighed, scene));
    let Ok(evidence) = &weighed.evidence else { return steps };
    // As it was judged: drawn from more replicates where it lay near its threshold.
    let mut evidence = evidence.clone();
    evidence.p = report.p_value.unwrap_or(evidence.p);
    let evidence = &evidence;
    let margin = weighed.margin();
    let numbers = if let Stage::Running { largest, .. } = scene.stage {
        running_steps(weighed, evidence, margin, largest)
    } else if evidence.is_by_people() {
        Ok(people_steps(weighed, evidence))
    } else if weighed.method.scope == Scope::TheseCases {
        these_cases_steps(weighed, evidence)
    } else if evidence.pass == "Tango" || evidence.pass == "exact unconditional" {
        Ok(table_steps(weighed, evidence, margin))
    } else if sample.clustered {
        cluster_steps(weighed, evidence)
    } else if weighed.method.kind == MetricKind::Ratio {
        ratio_steps(weighed, evidence)
    } else {
        score_steps(weighed, evidence)
    };
    // What cannot be computed is told by the check's own words.
    steps.extend(numbers.unwrap_or_default());
    steps.extend(judged_steps(weighed, evidence, report, scene, family));
    steps
}

/// How much of the spread lies within cases, where they have several trials (gate.md, 4.4).
fn repeat_steps(weighed: &Weighed, scene: &Scene<'_>) -> Vec<Step> {
    let Some(subject) = Subject::named(&weighed.metric, scene.setting.header).filter(|_| weighed.method.trials > 1)
    else {
        return Vec::new();
    };
    let both: Vec<Case> = scene.pairs.planned.iter().map(|position| scene.pairs.trials(&subject, *position)).collect();
    let k = weighed.method.trials as usize;
    let mut steps = Vec::new();
    for (side, of) in
        [("baseline", (|case| &case.baseline) as fn(&Case) -> &Vec<f64>), ("candidate", |case| &case.candidate)]
    {
        let rows: Vec<Vec<f64>> = both.iter().map(of).filter(|row| row.len() == k).cloned().collect();
        let Ok(found) = trials::components(&rows) else { continue };
        let number = |what: &str, how: &str, value: Option<f64>| {
            value.map(|value| Step::number(&format!("{what}, {side}"), how, value))
        };
        steps.extend(number(
            "within cases (w)",
            "mean over cases of the variance of their trials, k - 1",
            found.within,
        ));
        steps.extend(number("between cases", "max(0, variance of case means - w/k)", found.between));
        steps.extend(number("ICC", "(k v - w) / (k v + (k - 1) w), v = variance of case means", found.icc1));
        steps.push(Step::number(&format!("cases that waver, {side}"), "their trials disagree", found.flaky as f64));
    }
    steps
}

/// McNemar and Tango on the 2x2 table.
fn table_steps(weighed: &Weighed, evidence: &Evidence, margin: Option<f64>) -> Vec<Step> {
    let Some(table) = evidence.table else { return Vec::new() };
    let tango::Pairs { fixed, broken, n } = table;
    let (b, c, size) = (fixed as f64, broken as f64, n as f64);
    let mut steps = vec![
        Step::number("fixed (b): failed before, passes now", "", b),
        Step::number("broken (c): passed before, fails now", "", c),
        Step::number("estimate", "(b - c) / n", table.estimate()),
    ];
    let how = match weighed.method.strict {
        true => "P(X >= c), X ~ Bin(b + c, 1/2)",
        false => "P(X > c) + P(X = c)/2, X ~ Bin(b + c, 1/2); 1 when b + c = 0",
    };
    steps.push(Step::number("p of a result this bad without a drop", how, evidence.p));
    if let Some(margin) = margin {
        let theta = -margin;
        let half = -b - c + (2.0 * size - b + c) * theta;
        let constant = -c * theta * (1.0 - theta);
        let q = ((half * half - 8.0 * size * constant).max(0.0).sqrt() - half) / (4.0 * size);
        steps.extend([
            Step::number("theta0, the drop to be excluded", "-m", theta),
            Step::number("A", "2n", 2.0 * size),
            Step::number("B", "-b - c + (2n - b + c) theta0", half),
            Step::number("C", "-c theta0 (1 - theta0)", constant),
            Step::number("q", "(sqrt(B^2 - 4AC) - B) / (2A)", q),
            Step::number("z", "(b - c - n theta0) / sqrt(n (2q + theta0 (1 - theta0)))", table.z(theta)),
            Step::number("z to reach", "z_{1-level}", dist::normal_quantile(1.0 - weighed.method.alpha)),
        ]);
        if weighed.method.strict {
            let p = exact_noninf::p_noninferior(table, margin, 201);
            steps.push(Step::number("exact p of a drop of m", "sup over the share of pairs that differ", p));
        }
    }
    steps.extend(interval_steps(evidence, "where |z(theta)| <= z_{1-level}"));
    steps
}

fn interval_steps(evidence: &Evidence, how: &str) -> Vec<Step> {
    let ends = evidence.interval.map(|(low, high)| [("lower end", low), ("upper end", high)]);
    ends.into_iter().flatten().map(|(what, end)| Step::number(what, how, end)).collect()
}

/// Sign flip, Hall, guard.
fn score_steps(weighed: &Weighed, evidence: &Evidence) -> Result<Vec<Step>, StatError> {
    let differences = weighed.sample.differences();
    let plain = describe::describe(&differences)?;
    let (n, alpha) = (plain.n as f64, weighed.method.alpha);
    let mut steps = vec![Step::number("estimate", "mean of d_i = candidate_i - baseline_i", plain.mean)];
    steps.extend(flip_steps(weighed, evidence, "cases"));
    if let Some(sd) = plain.sd() {
        let skew = hall::skewness(&differences, plain.mean);
        let t = dist::t_quantile(1.0 - alpha, n - 1.0);
        let y = t / n.sqrt();
        let u = (plain.mean - hall::hall(&differences, alpha)?.map_or(plain.mean, |bounds| bounds.lower)) / sd;
        steps.extend([
            Step::number("s", "standard deviation of d_i, n - 1", sd),
            Step::number("g", "skewness m3 / m2^1.5, divisor n", skew),
            Step::number("y", "t_{1-level, n-1} / sqrt(n)", y),
            Step::number("u(y)", "(3/g)(cbrt(1 + g (y - g/(6n))) - 1); y where g is 0", u),
            Step::number("Hall's lower bound", "mean - s u(y)", plain.mean - sd * u),
        ]);
    }
    steps.extend(guard_steps(plain.mean, plain.n, alpha, "n"));
    steps.extend(interval_steps(evidence, "the wider of Hall's and the guard's"));
    Ok(steps)
}

/// The calibrated mean (gate.md, 7); the guard where nothing varies.
fn people_steps(weighed: &Weighed, evidence: &Evidence) -> Vec<Step> {
    let alpha = weighed.method.alpha;
    let Some(people) = weighed.judges.people() else { return Vec::new() };
    let Some(found) = people.mean(alpha) else { return Vec::new() };
    let (labelled, z) = (people.pairs(), dist::normal_quantile(1.0 - alpha));
    let of_people = sum::mean(&people.by_people).map(|mean| Step::number("people's difference", "mean(Y)", mean));
    let mut steps =
        vec![Step::number("pairs labelled on both sides (n)", "people's Y, the judge's f", labelled as f64)];
    steps.extend(of_people);
    match people.others.len() {
        0 => steps.push(Step::words("the judge", "every pair is labelled: lambda is 0", "adds nothing")),
        others => steps.extend(judge_steps(others, &found, sum::mean(&people.by_judge))),
    }
    steps.extend([
        Step::number("correction", "mean(Y - lambda f)", found.terms.rest_mean),
        Step::number("estimate", "lambda mean(F) + the correction", found.estimate),
        Step::number("variance of Y - lambda f", "divisor n", found.terms.rest_variance),
        Step::number("standard error (SE)", "sqrt(lambda^2 var(F) / N + var(Y - lambda f) / n)", found.se),
        Step::number("z", "z_{1-level}", z),
    ]);
    match evidence.guarded {
        Some(labelled) => {
            steps.extend(guard_steps(found.estimate, labelled, alpha, "n"));
            steps.extend(interval_steps(evidence, "the guard's: nothing varies"));
        }
        None => steps.extend(interval_steps(evidence, "estimate - z SE and estimate + z SE")),
    }
    let how = "Phi(estimate / SE); where SE is 0, 0 if the estimate is below 0, else 1";
    steps.push(Step::number("p of a result this bad without a drop", how, evidence.p));
    steps
}

/// What the judge contributes to a calibrated mean, with so many pairs that only it graded.
fn judge_steps(others: usize, found: &Calibrated, on_labelled: Option<f64>) -> Vec<Step> {
    let terms = found.terms;
    let on_labelled = on_labelled.map(|mean| Step::number("the judge's difference on labelled pairs", "mean(f)", mean));
    let mut steps = vec![Step::number("pairs that only the judge graded (N)", "its F", others as f64)];
    steps.extend(on_labelled);
    steps.extend([
        Step::number("the judge's difference on the others", "mean(F)", terms.judge_mean),
        Step::number("variance of F", "divisor N", terms.others_variance),
        Step::number("covariance of Y and f", "divisor n", terms.covariance),
        Step::number("variance of f and F together", "divisor n + N", terms.judge_variance),
        Step::number("lambda", "cov(Y, f) / (var(f and F) (1 + n/N)), clipped to 0..1", found.lambda),
    ]);
    steps
}

/// How the sign flip was carried out.
fn flip_steps(weighed: &Weighed, evidence: &Evidence, units: &str) -> Vec<Step> {
    let how = format!(
        "share of sign vectors over {units} with a sum at most the one seen (ties within 1e-9), seed {}: exact for at most \
         16 {units} that differ or values on one lattice, else (1 + count) / (B + 1) with B = {} or more",
        weighed.method.flips.seed, weighed.method.flips.replicates
    );
    vec![Step::number("p of a result this bad without a drop", &how, evidence.p)]
}

fn guard_steps(mean: f64, units: usize, alpha: f64, name: &str) -> Vec<Step> {
    let q = alpha.powf(1.0 / units.max(1) as f64);
    vec![
        Step::number("q", &format!("level^(1/{name}), {name} = {units}"), q),
        Step::number("guard's lower bound", "q estimate - (1 - q)", hall::guard(mean, units, alpha, -1.0, 1.0).lower),
    ]
}

/// Cluster sign flip, CR1, guard on clusters.
fn cluster_steps(weighed: &Weighed, evidence: &Evidence) -> Result<Vec<Step>, StatError> {
    let ratio = weighed.method.kind == MetricKind::Ratio;
    let differences = if ratio { log_differences(weighed)? } else { weighed.sample.differences() };
    let mean = cluster::clustered_mean(&differences, &weighed.sample.clusters())?;
    let alpha = weighed.method.alpha;
    let mut steps = Vec::new();
    if let Some(table) = evidence.table {
        steps.push(Step::number("fixed (b), by majority of trials", "", table.fixed as f64));
        steps.push(Step::number("broken (c), by majority of trials", "", table.broken as f64));
    }
    let what = if ratio { "mean of -ln(candidate_i / baseline_i)" } else { "mean of d_i = candidate_i - baseline_i" };
    steps.push(Step::number("estimate", what, mean.mean));
    steps.push(Step::number("clusters (G)", "", mean.clusters as f64));
    steps.extend(flip_steps(weighed, evidence, "clusters"));
    if let Some(se) = mean.se_cr1 {
        let t = dist::t_quantile(1.0 - alpha, (mean.clusters - 1) as f64);
        steps.extend([
            Step::number("CR1", "sqrt(G/(G-1)) sqrt(sum over clusters of (sum of d_i - mean)^2) / n", se),
            Step::number("t", "t_{1-level, G-1}", t),
            Step::number("lower bound", "estimate - t CR1", mean.mean - t * se),
        ]);
    }
    if !ratio {
        steps.extend(guard_steps(mean.mean, mean.clusters, alpha, "G"));
    }
    steps.extend(interval_steps(evidence, "estimate -/+ t CR1"));
    Ok(steps)
}

fn log_differences(weighed: &Weighed) -> Result<Vec<f64>, StatError> {
    let ratios = log_ratio::log_ratios(&weighed.sample.baseline, &weighed.sample.candidate)?;
    Ok(ratios.into_iter().map(|ratio| -ratio).collect())
}

/// Log ratios.
fn ratio_steps(weighed: &Weighed, evidence: &Evidence) -> Result<Vec<Step>, StatError> {
    let plain = describe::describe(&log_differences(weighed)?)?;
    let mut steps = vec![
        Step::number("mean log ratio", "mean of r_i = ln(candidate_i / baseline_i)", -plain.mean),
        Step::number("geometric mean ratio", "exp(mean r)", (-plain.mean).exp()),
    ];
    steps.extend(flip_steps(weighed, evidence, "cases"));
    if let Some(se) = plain.se() {
        let t = dist::t_quantile(1.0 - weighed.method.alpha, (plain.n - 1) as f64);
        steps.extend([
            Step::number("standard error", "s / sqrt(n)", se),
            Step::number("t", "t_{1-level, n-1}", t),
            Step::number("upper bound of mean r", "mean r + t s/sqrt(n)", -plain.mean + t * se),
        ]);
    }
    Ok(steps)
}

/// The cases themselves.
fn these_cases_steps(weighed: &Weighed, evidence: &Evidence) -> Result<Vec<Step>, StatError> {
    let ratio = weighed.method.kind == MetricKind::Ratio;
    let cases =
        if ratio { super::evidence::log_amounts(&weighed.sample.trials)? } else { weighed.sample.trials.clone() };
    let found = these_cases::bounds(&cases, weighed.method.alpha, (!ratio).then_some(1.0))?;
    let places: Vec<usize> = (0..cases.len()).collect();
    let how = match these_cases::Labels::new(&cases, &places).how() {
        these_cases::How::Hypergeometric => "exact: hypergeometric counts of all cases convolved",
        these_cases::How::Enumerated => "exact: over all relabellings of trials within cases",
        these_cases::How::Drawn => "(1 + relabellings at or below what was seen) / (B + 1)",
    };
    let mut steps = vec![
        Step::number("estimate", "mean over cases of candidate mean - baseline mean", found.estimate),
        Step::number("p of a result this bad without a drop", how, evidence.p),
        Step::number("SE", "sqrt(sum of w/k over case sides) / n", found.se),
    ];
    if let Some(df) = found.df {
        steps.extend([
            Step::number("df", "(sum v)^2 / sum(v^2 / (k - 1)), v = w/k", df),
            Step::number("t", "t_{1-level, df}", found.t),
            Step::number("M3", "sum of (c3/k^2 candidate - baseline) / n^3", found.third_moment),
            Step::number("h", "max(0, -M3) / SE^2", found.jump_low),
            Step::number("t bound", "estimate - t SE - t^2/2 h", found.t_lower),
        ]);
    }
    if let Some(guard) = found.guard {
        let q = weighed.method.alpha.powf(1.0 / found.calls.max(1) as f64);
        steps.push(Step::number("q", &format!("level^(1/N), N = {} calls of the candidate", found.calls), q));
        steps.push(Step::number("guard's lower bound", "q estimate - (1 - q)", guard.lower));
    }
    steps.extend(interval_steps(evidence, "the wider of both"));
    Ok(steps)
}

/// E-values.
fn running_steps(
    weighed: &Weighed,
    evidence: &Evidence,
    margin: Option<f64>,
    largest: u64,
) -> Result<Vec<Step>, StatError> {
    if weighed.method.kind == MetricKind::Ratio {
        return Ok(vec![Step::words("amounts", "no known range", "decide once the plan is complete")]);
    }
    let differences = weighed.sample.differences();
    let units = sequential::units(&differences, &weighed.sample.clusters());
    let mut steps = vec![
        Step::number("estimate", "mean of d_i", describe::describe(&differences)?.mean),
        Step::number("units", &format!("cases or clusters; the largest in the plan has {largest}"), units.len() as f64),
        Step::number(
            "log E against no drop",
            "counts of pairs, or the mean over stakes of prod(1 - l T/M)",
            -evidence.p.ln(),
        ),
    ];
    if let Some(margin) = margin {
        let log_e = sequential::log_e_not_worse(&units, largest, margin, 1.0);
        steps.push(Step::number(
            "log E against a drop of m",
            "mean over stakes of prod(1 + l/(1-m) (T + m n)/M)",
            log_e,
        ));
        steps.push(Step::number("log E to reach", "ln(1/level)", -weighed.method.alpha.ln()));
    }
    steps.extend(interval_steps(evidence, "what neither e-value excludes"));
    Ok(steps)
}

/// From p and bound to the verdict.
fn judged_steps(
    weighed: &Weighed,
    evidence: &Evidence,
    report: &CheckReport,
    scene: &Scene<'_>,
    family: &[f64],
) -> Vec<Step> {
    let mut steps = Vec::new();
    if let Some(adjusted) = report.p_value_adjusted {
        let mut sorted = family.to_vec();
        sorted.sort_by(f64::total_cmp);
        let listed: Vec<String> = sorted.iter().map(|p| format!("{p:.6}")).collect();
        let how = match scene.stage {
            Stage::Whole { .. } => format!("Holm over {}: running maximum of (K - i + 1) p_(i)", listed.join(", ")),
            Stage::Running { .. } => format!("K p, K = {}", family.len()),
            Stage::Look { .. } => format!("K times what all looks spend at this boundary, K = {}", family.len()),
        };
        steps.push(Step::number("p, adjusted", &how, adjusted));
    }
    let Some(margin) = weighed.margin() else { return steps };
    let kind = if weighed.method.kind == MetricKind::Ratio { "ln(1 + allowed rise)" } else { "the allowed drop" };
    let yes = |holds: bool| if holds { "yes" } else { "no" };
    let p = report.p_value_adjusted.unwrap_or_else(|| scene.stage.adjusted(&[evidence.p])[0]);
    let dropped = evidence.estimate <= -margin + 1e-12;
    steps.extend([
        Step::number("m", kind, margin),
        Step::words("worse?", &format!("p <= {:.6}", scene.stage.alpha()), yes(p <= scene.stage.alpha())),
        Step::words("drop at least m?", "estimate <= -m", yes(dropped)),
        Step::words("drop of m excluded?", "the bound clears -m", yes(evidence.clears(margin, &weighed.method))),
        Step::words("so", "both of the first two: fail; the third: pass; else inconclusive", verdict(report)),
    ]);
    steps
}

fn verdict(report: &CheckReport) -> &'static str {
    report.verdict.map_or("no verdict", |verdict| verdict.as_str())
}

/// A rule, and how often it blocks what did not change.
fn rule_steps(rule: Rule, report: &CheckReport, broken: usize, scene: &Scene<'_>) -> Vec<Step> {
    let trials = scene.setting.header.trials;
    let mut steps = vec![
        Step::number("cases selected", "", report.n as f64),
        Step::number("cases that break it", "", broken as f64),
        Step::number("allowed", "", report.limit.unwrap_or(0.0)),
        Step::number("called again before a case counts", "`confirm`", f64::from(rule.confirm())),
    ];
    for p in [0.99, 0.95, 0.90] {
        let blocks = match rule {
            Rule::MustPass { .. } => must_pass_blocks(report.n, p, trials, rule.confirm()),
            Rule::NoNewBreak { max_broken, confirm } => no_new_break_blocks(report.n, p, trials, confirm, max_broken),
        };
        let what = format!("blocked by chance where each case passes {} of the time", words::percent(p));
        steps.push(Step::number(&what, "the rule promises no error rate", blocks));
    }
    steps
}

/// A floor or ceiling.
fn floor_steps(limit: Option<Limit>, report: &CheckReport) -> Vec<Step> {
    let (what, basis) = match limit {
        Some(Limit::Min(_, basis)) => ("floor", basis),
        Some(Limit::Max(_, basis)) => ("ceiling", basis),
        _ => return vec![Step::words("not compared", "", report.reason.clone())],
    };
    let how = match basis {
        Basis::Value => "the value as measured, over the calls of all draws; no error rate",
        Basis::Bound => report.method.pass.as_deref().unwrap_or("bound"),
    };
    let value = report.candidate.map(|value| Step::number("the candidate's value", how, value));
    let limit = report.limit.map(|limit| Step::number(what, "", limit));
    value.into_iter().chain(limit).chain([Step::words("so", "", verdict(report))]).collect()
}
