//! Every statistic against its reference vectors. `PROMPTGATE_VECTORS` names another file of the same schema; a method that
//! is not known here fails the test.

use promptgate_core::gate::Policy;
use promptgate_core::verdict::{Finding, Verdict};
use promptgate_scoring::planning::{must_pass_blocks, no_new_break_blocks};
use promptgate_scoring::stats::sign_flip::{Flips, Units};
use promptgate_scoring::stats::tango::Pairs;
use promptgate_scoring::stats::these_cases::{Case, Labels};
use promptgate_scoring::stats::{
    StatError, agreement, bootstrap, calibration, cluster, describe, dist, drift, e_value, exact_noninf, hall,
    log_ratio, looks, mcnemar, multiple, paired_intervals, paired_t, plan, proportion, sequential, sign_flip, sum,
    tango, these_cases, trials, wilcoxon,
};
use serde_json::{Value, json};

type Outcome = Result<Value, StatError>;

/// The input of one vector.
struct Input<'a>(&'a Value);

impl Input<'_> {
    fn number(&self, key: &str) -> f64 {
        number(&self.0[key]).unwrap_or_else(|| panic!("`{key}` is a number"))
    }

    fn count(&self, key: &str) -> u64 {
        self.0[key].as_u64().unwrap_or_else(|| panic!("`{key}` is a count"))
    }

    fn text(&self, key: &str) -> &str {
        self.0[key].as_str().unwrap_or("")
    }

    /// A list of numbers; `null` stands for a NaN.
    fn list(&self, key: &str) -> Vec<f64> {
        list(&self.0[key])
    }

    fn categories(&self, key: &str) -> Vec<usize> {
        self.list(key).into_iter().map(|value| value as usize).collect()
    }

    fn alpha(&self) -> f64 {
        (1.0 - self.number("conf")) / 2.0
    }
}

fn list(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|each| number(each).unwrap_or(f64::NAN)).collect()
}

fn number(value: &Value) -> Option<f64> {
    match value.as_str() {
        Some("inf") => Some(f64::INFINITY),
        Some("-inf") => Some(f64::NEG_INFINITY),
        _ => value.as_f64(),
    }
}

/// A number as the file writes it: infinities as text.
fn out(value: f64) -> Value {
    match value {
        f64::INFINITY => json!("inf"),
        f64::NEG_INFINITY => json!("-inf"),
        value => json!(value),
    }
}

fn ends((low, high): (f64, f64)) -> Value {
    json!({"lo": low, "hi": high})
}

fn computed(method: &str, input: &Input<'_>) -> Option<Outcome> {
    Some(match method {
        "dist" => Ok(distribution(input)),
        "describe" => describe::describe(&input.list("x"))
            .map(|d| json!({"n": d.n, "mean": d.mean, "var": d.variance, "sd": d.sd()})),
        "quantile7" => describe::quantile7(&input.list("x"), input.number("q")).map(|value| json!({"value": value})),
        "wilson_ci" => proportion::wilson(input.count("x"), input.count("n"), input.number("conf")).map(ends),
        "clopper_pearson_ci" => {
            proportion::clopper_pearson(input.count("x"), input.count("n"), input.number("conf")).map(ends)
        }
        "jeffreys_ci" => proportion::jeffreys(input.count("x"), input.count("n"), input.number("conf")).map(ends),
        "mcnemar" => Ok(mcnemar_all(input)),
        "tango" => Ok(tango_all(input)),
        "exact_noninf" => Ok(json!({"p": exact_noninf::p_noninferior(pairs(input), input.number("margin"), input.count("grid") as usize)})),
        "newcombe_paired" => paired_intervals::newcombe(
            input.count("both_pass"),
            input.count("fixed"),
            input.count("broken"),
            input.count("both_fail"),
            input.number("conf"),
        )
        .map(ends),
        "bonett_price" => paired_intervals::bonett_price(
            input.count("fixed"),
            input.count("broken"),
            input.count("n"),
            input.number("conf"),
        )
        .map(ends),
        "paired_t" => student(input),
        "hall_bounds" => hall_all(input),
        "tost_paired" => paired_t::tost(&input.list("diffs"), input.number("margin")).map(|both| {
            let (lower, upper) = both.unzip();
            json!({"p": lower.zip(upper).map(|(lower, upper)| lower.max(upper)), "p_lower": lower, "p_upper": upper})
        }),
        "log_ratio" => ratio(input),
        "signflip_exact" => flipped(&input.list("diffs")),
        "signflip_cluster" => {
            flipped(&cluster::totals(&input.list("diffs"), &input.categories("clusters")))
        }
        "wilcoxon" => ranked(input),
        "bca_from_replicates" => bca(input),
        "multiple_testing" => {
            let p = input.list("p");
            Ok(json!({
                "bonferroni": multiple::bonferroni(&p),
                "holm": multiple::holm(&p),
                "bh": multiple::benjamini_hochberg(&p),
                "by": multiple::benjamini_yekutieli(&p),
            }))
        }
        "clustered_mean" => clustered(input),
        "trials_variance" => components(input),
        "pass_k" => trials::pass_k(input.count("n"), input.count("c"), input.count("k"))
            .map(|(any, all)| json!({"pass_at_k": any, "pass_hat_k": all})),
        "cohen_kappa" => kappa(input),
        "krippendorff" => alpha(input),
        "rogan_gladen" => {
            let [observed, sensitivity, specificity] = ["observed", "sensitivity", "specificity"].map(|key| input.number(key));
            calibration::rogan_gladen(observed, sensitivity, specificity).map(|estimate| json!({"estimate": estimate}))
        }
        "ppi_mean" => calibration::ppi_mean(
            &input.list("labels"),
            &input.list("judge_labelled"),
            &input.list("judge_unlabelled"),
            input.number("conf"),
        )
        .map(|c| json!({"lambda_": c.lambda, "estimate": c.estimate, "se": c.se, "lo": c.interval.0, "hi": c.interval.1})),
        "e_drop_binary" => Ok(json!({"log_e": e_value::log_e_worse(input.count("fixed"), input.count("broken"))})),
        "e_mixture" => {
            let differences = input.list("diffs");
            let noninferior = e_value::log_e_mixture_noninferior(&differences, input.number("margin"), &input.list("stakes_noninf"));
            let worse = e_value::log_e_mixture_worse(&differences, &input.list("stakes_drop"));
            Ok(json!({"log_e_drop": worse, "log_e_noninferior": noninferior}))
        }
        "sprt_discordant" => Ok(sprt(input)),
        "these_cases" => small_suite(input),
        "these_cases_floor" => {
            let cases: Vec<Vec<f64>> = input.0["candidate"].as_array().unwrap().iter().map(list).collect();
            these_cases::bounds_of_candidate(&cases, input.number("alpha"), Some((0.0, 1.0))).map(|found| bounded(&found))
        }
        "no_new_break" => {
            let [trials, confirm] = ["trials", "confirm"].map(|key| input.count(key) as u32);
            let blocked = no_new_break_blocks(input.count("cases"), input.number("p"), trials, confirm, 0);
            Ok(json!({"blocked": blocked}))
        }
        "must_pass" => {
            let [trials, confirm] = ["trials", "confirm"].map(|key| input.count(key) as u32);
            Ok(json!({"blocked": must_pass_blocks(input.count("cases"), input.number("p"), trials, confirm)}))
        }
        "look_levels" => {
            Ok(json!({"levels": sequential::look_alphas(input.count("looks") as usize, input.number("alpha"))}))
        }
        "e_clusters" => {
            let units = sequential::units(&input.list("diffs"), &input.categories("clusters"));
            let largest = units.iter().map(|unit| unit.size).max().unwrap();
            let not = sequential::log_e_not_worse(&units, largest, input.number("margin"), 1.0);
            Ok(json!({"log_e_worse": sequential::log_e_worse(&units, largest, 1.0), "log_e_not_worse": not}))
        }
        "draw_level" => {
            let policy = Policy { confidence: 1.0 - input.number("alpha"), ..Policy::default() };
            Ok(json!({"level": policy.alpha_of_draw(input.count("draw") as u32)}))
        }
        "obf_bounds" => {
            let (constant, bounds) = looks::obrien_fleming(input.count("looks") as usize, input.number("alpha"));
            Ok(json!({"constant": constant, "bounds": bounds}))
        }
        "plan_binary" => {
            let [alpha, power, psi, drop] = ["alpha", "power", "discordant", "drop"].map(|key| input.number(key));
            let detect = plan::round_up(plan::detect_binary(psi, drop, alpha, power));
            Ok(json!({"n_detect": detect, "n_certify": plan::round_up(plan::certify(psi, drop, alpha, power))}))
        }
        "plan_mean" => {
            let [alpha, power, sd, drop] = ["alpha", "power", "sd_diff", "drop"].map(|key| input.number(key));
            Ok(json!({
                "n_normal": plan::round_up(plan::certify(sd * sd, drop, alpha, power)),
                "mde_at_n": plan::smallest_drop(sd, input.count("n"), alpha, power),
                "n_t": plan::detect_mean_t(sd, drop, alpha, power),
            }))
        }
        "plan_trials" => {
            let [alpha, power, drop, k] = ["alpha", "power", "drop", "trials"].map(|key| input.number(key));
            let [between, before, after] = ["between_var", "within_var_base", "within_var_cand"].map(|key| input.number(key));
            let variance = plan::variance_with_trials(between, before, after, k);
            Ok(json!({"n": plan::round_up(plan::certify(variance, drop, alpha, power))}))
        }
        "plan_min_n" => Ok(json!({"n": hall::fewest_units(input.number("margin"), input.number("alpha"), 1.0)})),
        "psi" => drift::psi(&input.list("expected_counts"), &input.list("actual_counts"), input.number("add"))
            .map(|(psi, p)| json!({"psi": psi, "p": p})),
        "ks_2samp" => drift::kolmogorov_smirnov(&input.list("a"), &input.list("b"))
            .map(|ks| json!({"d": ks.d, "p_exact": ks.p_exact, "p_asymp": ks.p_asymptotic})),
        "cusum" => {
            let [target, k, h] = ["target", "k", "h"].map(|key| input.number(key));
            let chart = drift::cusum(&input.list("x"), target, k, h);
            Ok(json!({"hi": chart.high, "lo": chart.low, "alarm_index": chart.alarm}))
        }
        "page_hinkley_drop" => {
            let (stat, alarm) = drift::page_hinkley_drop(&input.list("x"), input.number("delta"), input.number("threshold"));
            Ok(json!({"stat": stat, "alarm_index": alarm}))
        }
        "verdict_binary" => Ok(verdict_binary(input)),
        "verdict_continuous" => verdict_continuous(input),
        "verdict_family" => Ok(verdict_family(input)),
        _ => return None,
    })
}

fn distribution(input: &Input<'_>) -> Value {
    let x = input.number("x");
    let value = match (input.text("dist"), input.text("fn")) {
        ("normal", "ppf") => dist::normal_quantile(x),
        ("normal", "cdf") => dist::normal_cdf(x),
        ("normal", "sf") => dist::normal_sf(x),
        ("t", "ppf") => dist::t_quantile(x, input.number("df")),
        ("t", "cdf") => dist::t_cdf(x, input.number("df")),
        ("t", "sf") => dist::t_sf(x, input.number("df")),
        ("beta", "ppf") => dist::beta_quantile(x, input.number("a"), input.number("b")),
        ("beta", "cdf") => dist::beta_cdf(x, input.number("a"), input.number("b")),
        ("beta", "sf") => dist::beta_sf(x, input.number("a"), input.number("b")),
        ("chi2", "ppf") => dist::chi2_quantile(x, input.number("df")),
        ("chi2", "cdf") => dist::chi2_cdf(x, input.number("df")),
        ("chi2", "sf") => dist::chi2_sf(x, input.number("df")),
        ("binom", "sf") => dist::binomial_sf(x as i64, input.count("n"), input.number("p")),
        ("binom", "cdf") => dist::binomial_cdf(x as i64, input.count("n"), input.number("p")),
        ("binom", "pmf") => dist::binomial_pmf(x as u64, input.count("n"), input.number("p")),
        other => panic!("the distribution {other:?} is unknown"),
    };
    json!({"value": out(value)})
}

fn mcnemar_all(input: &Input<'_>) -> Value {
    let (fixed, broken) = (input.count("fixed"), input.count("broken"));
    let (chi2, p_chi2) = mcnemar::chi_square(fixed, broken, 0.0).unzip();
    let (chi2_cc, p_chi2_cc) = mcnemar::chi_square(fixed, broken, 1.0).unzip();
    json!({
        "p_two_exact": mcnemar::p_two_exact(fixed, broken),
        "p_two_mid": mcnemar::p_two_mid(fixed, broken),
        "p_drop_exact": mcnemar::p_worse_exact(fixed, broken),
        "p_drop_mid": mcnemar::p_worse_mid(fixed, broken),
        "chi2": chi2, "p_chi2": p_chi2, "chi2_cc": chi2_cc, "p_chi2_cc": p_chi2_cc,
    })
}

fn pairs(input: &Input<'_>) -> Pairs {
    let rest = ["both_pass", "both_fail"].map(|key| input.0[key].as_u64().unwrap_or(0));
    let (fixed, broken) = (input.count("fixed"), input.count("broken"));
    let n = input.0["n"].as_u64().unwrap_or(rest.iter().sum::<u64>() + fixed + broken);
    Pairs { fixed, broken, n }
}

fn tango_all(input: &Input<'_>) -> Value {
    let (pairs, margin) = (pairs(input), input.number("margin"));
    let (low, high) = pairs.interval(dist::normal_quantile(1.0 - input.alpha()));
    json!({
        "n": pairs.n, "est": pairs.estimate(), "lo": low, "hi": high,
        "z_at_margin": out(pairs.z(-margin)), "p_noninferior": pairs.p_noninferior(margin),
    })
}

fn student(input: &Input<'_>) -> Outcome {
    let differences: Vec<f64> =
        input.list("cand").iter().zip(input.list("base")).map(|(after, before)| after - before).collect();
    let test = paired_t::paired_t(&differences)?;
    let bounds = log_ratio::t_bounds(&differences, input.alpha())?.filter(|(low, high)| high > low);
    let (low, high) = bounds.unzip();
    Ok(json!({
        "n": test.n, "mean": test.mean, "se": test.se, "t": test.t, "df": (test.n > 1).then(|| test.n - 1),
        "p_drop": test.p_worse, "p_two": test.p_two, "lo": low, "hi": high,
    }))
}

fn hall_all(input: &Input<'_>) -> Outcome {
    let differences = input.list("diffs");
    let (alpha, range) = (input.number("alpha"), input.number("range"));
    let bounds = hall::hall(&differences, alpha)?;
    let mean = describe::describe(&differences)?.mean;
    let guard = hall::guard(mean, differences.len(), alpha, -range, range);
    Ok(json!({
        "lower": bounds.map(|bounds| bounds.lower), "upper": bounds.map(|bounds| bounds.upper),
        "skew": hall::skewness(&differences, mean), "guard_lower": guard.lower, "guard_upper": guard.upper,
    }))
}

fn ratio(input: &Input<'_>) -> Outcome {
    let ratios = log_ratio::log_ratios(&input.list("base"), &input.list("cand"))?;
    let bounds = log_ratio::t_bounds(&ratios, input.alpha())?;
    let (low, high) = bounds.map(|(low, high)| (low.exp(), high.exp())).unzip();
    let ratio = describe::describe(&ratios)?.mean.exp();
    Ok(json!({"ratio": ratio, "lo": low, "hi": high, "p_increase": log_ratio::p_increase(&ratios)?}))
}

fn flipped(differences: &[f64]) -> Outcome {
    let units = Units::of(differences);
    Ok(json!({"p_drop": sign_flip::exact(&units), "p_two": sign_flip::exact_two_sided(&units)}))
}

fn ranked(input: &Input<'_>) -> Outcome {
    let zeros = if input.text("zero_method") == "pratt" { wilcoxon::Zeros::Ranked } else { wilcoxon::Zeros::Dropped };
    let correction = input.0["correction"].as_bool().unwrap_or(false);
    let found = wilcoxon::signed_rank(&input.list("diffs"), zeros, input.text("mode") == "exact", correction)?;
    Ok(json!({"w_plus": found.w_plus, "p_drop": found.p_worse, "p_two": found.p_two}))
}

fn bca(input: &Input<'_>) -> Outcome {
    let found = bootstrap::bca(&input.list("diffs"), &input.list("replicates"), input.number("conf"))?;
    Ok(json!({
        "z0": found.z0, "accel": found.acceleration, "p_lo": found.p.0, "p_hi": found.p.1, "lo": found.limits.0,
        "hi": found.limits.1, "pct_lo": found.percentile.0, "pct_hi": found.percentile.1,
    }))
}

fn clustered(input: &Input<'_>) -> Outcome {
    let found = cluster::clustered_mean(&input.list("values"), &input.categories("clusters"))?;
    let (low, high) = found.bounds(input.alpha()).unzip();
    Ok(json!({
        "n": found.n, "n_clusters": found.clusters, "mean": found.mean, "se_iid": found.se_iid, "se_cr0": found.se_cr0,
        "se_cr1": found.se_cr1, "df": (found.clusters > 1).then(|| found.clusters - 1), "lo": low, "hi": high,
    }))
}

fn components(input: &Input<'_>) -> Outcome {
    let rows: Vec<Vec<f64>> = input.0["scores"].as_array().unwrap().iter().map(list).collect();
    let found = trials::components(&rows)?;
    Ok(json!({
        "mean": found.mean, "within_var": found.within, "var_of_case_means": found.of_case_means,
        "between_var": found.between, "se_mean": found.se_mean, "icc1": found.icc1, "flaky_cases": found.flaky,
    }))
}

fn kappa(input: &Input<'_>) -> Outcome {
    let weights = match input.text("weights") {
        "linear" => agreement::Weights::Linear,
        "quadratic" => agreement::Weights::Quadratic,
        _ => agreement::Weights::None,
    };
    let categories = input.count("categories") as usize;
    let found = agreement::cohen_kappa(&input.categories("a"), &input.categories("b"), categories, weights)?;
    Ok(json!({"kappa": found.kappa, "agreement": found.agreement}))
}

fn alpha(input: &Input<'_>) -> Outcome {
    let level = match input.text("level") {
        "nominal" => agreement::Level::Nominal,
        "ordinal" => agreement::Level::Ordinal,
        _ => agreement::Level::Interval,
    };
    let rows = input.0["ratings"].as_array().unwrap();
    let rows: Vec<Vec<Option<f64>>> =
        rows.iter().map(|row| row.as_array().unwrap().iter().map(Value::as_f64).collect()).collect();
    Ok(json!({"alpha": agreement::krippendorff(&rows, level)?}))
}

fn sprt(input: &Input<'_>) -> Value {
    let flags: Vec<bool> = input.list("broken_flags").into_iter().map(|flag| flag != 0.0).collect();
    let [theta1, alpha, beta] = ["theta1", "alpha", "beta"].map(|key| input.number(key));
    let found = e_value::sprt(&flags, theta1, alpha, beta);
    let decision = match found.decision {
        e_value::Decision::Worse => "regressed",
        e_value::Decision::NoDrop => "no_drop",
        e_value::Decision::Open => "continue",
    };
    json!({"llr": found.log_ratio, "stopped_at": found.stopped_at, "decision": decision})
}

fn word(verdict: Verdict) -> &'static str {
    if verdict == Verdict::Fail { "regressed" } else { verdict.as_str() }
}

fn verdict_binary(input: &Input<'_>) -> Value {
    let (pairs, margin, alpha) = (pairs(input), input.number("margin"), input.number("alpha"));
    if pairs.n == 0 {
        return json!({"verdict": "inconclusive", "reason": "no_data"});
    }
    let p_worse = mcnemar::p_worse_mid(pairs.fixed, pairs.broken);
    let cleared = pairs.z(-margin) >= dist::normal_quantile(1.0 - alpha);
    let found = Finding { p_worse, alpha, estimate: pairs.estimate(), margin, cleared };
    json!({"verdict": word(found.verdict()), "p_drop": p_worse, "est": pairs.estimate()})
}

fn verdict_continuous(input: &Input<'_>) -> Outcome {
    let (differences, margin) = (input.list("diffs"), input.number("margin"));
    let (alpha, range) = (input.number("alpha"), input.number("range"));
    let Some(estimate) = sum::mean(&differences) else {
        return Ok(json!({"verdict": "inconclusive", "reason": "no_data"}));
    };
    let guard = hall::guard(estimate, differences.len(), alpha, -range, range);
    let lower = hall::hall(&differences, alpha)?.map_or(guard, |bounds| bounds.wider(guard)).lower;
    let p_worse = Flips { seed: 7, replicates: 9_999 }.p_worse(&Units::of(&differences));
    let found = Finding { p_worse, alpha, estimate, margin, cleared: lower > -margin };
    Ok(json!({"verdict": word(found.verdict()), "p_drop": p_worse, "est": estimate, "lower": lower}))
}

fn verdict_family(input: &Input<'_>) -> Value {
    let metrics = input.0["metrics"].as_array().unwrap();
    let p: Vec<f64> = metrics.iter().map(|metric| metric["p_drop"].as_f64().unwrap()).collect();
    let holm = multiple::holm(&p);
    let flag = |metric: &Value, key: &str| metric[key].as_bool().unwrap();
    // Flags in place of numbers: past the allowed drop is an estimate of -1, short of it one of 1.
    let verdicts: Vec<Verdict> = metrics
        .iter()
        .zip(&holm)
        .map(|(metric, p_worse)| {
            let estimate = if flag(metric, "est_past_margin") { -1.0 } else { 1.0 };
            let cleared = flag(metric, "certified");
            Finding { p_worse: *p_worse, alpha: input.number("alpha"), estimate, margin: 0.5, cleared }.verdict()
        })
        .collect();
    let blocked: Vec<bool> = verdicts.iter().map(|verdict| *verdict == Verdict::Fail).collect();
    json!({"holm": holm, "blocked": blocked, "gate": word(Verdict::worst(verdicts).unwrap())})
}

/// Where two values differ beyond the tolerance, if they do.
fn difference(got: &Value, wanted: &Value, (absolute, relative): (f64, f64)) -> Option<String> {
    let differ = || Some(format!("got {got}, wanted {wanted}"));
    match (got, wanted) {
        (Value::Object(got), Value::Object(wanted)) => wanted.iter().find_map(|(key, wanted)| {
            let missing = Value::Null;
            let got = got.get(key).unwrap_or(&missing);
            difference(got, wanted, (absolute, relative)).map(|text| format!("{key}: {text}"))
        }),
        (Value::Array(got), Value::Array(wanted)) if got.len() == wanted.len() => {
            got.iter().zip(wanted).find_map(|(got, wanted)| difference(got, wanted, (absolute, relative)))
        }
        (Value::Number(got), Value::Number(wanted)) => {
            let (got, wanted) = (got.as_f64().unwrap(), wanted.as_f64().unwrap());
            if (got - wanted).abs() <= absolute + relative * wanted.abs() { None } else { differ() }
        }
        (got, wanted) if got == wanted => None,
        _ => differ(),
    }
}

/// A small suite judged on its own cases.
fn small_suite(input: &Input<'_>) -> Outcome {
    let sides = ["baseline", "candidate"].map(|key| input.0[key].as_array().unwrap().iter().map(list));
    let [baseline, candidate] = sides;
    let cases: Vec<Case> = baseline.zip(candidate).map(|(baseline, candidate)| Case { baseline, candidate }).collect();
    let found = these_cases::bounds(&cases, input.number("alpha"), Some(1.0))?;
    let labels = Labels::new(&cases, &(0..cases.len()).collect::<Vec<_>>());
    let mut value = bounded(&found);
    value["p"] = json!(labels.p_worse(Flips { seed: 7, replicates: 9_999 }));
    Ok(value)
}

fn bounded(found: &these_cases::Bounds) -> Value {
    json!({"estimate": found.estimate, "se": found.se, "df": found.df, "lower": found.lower, "upper": found.upper})
}

#[test]
fn every_statistic_meets_its_reference_vectors() {
    let shipped = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/vectors/stats.json");
    check_file(&std::env::var("PROMPTGATE_VECTORS").unwrap_or_else(|_| shipped.to_owned()));
}

#[test]
fn what_the_reference_file_lacks_meets_vectors_of_another_computation() {
    check_file(concat!(env!("CARGO_MANIFEST_DIR"), "/../../fixtures/vectors/ours.json"));
}

#[track_caller]
fn check_file(path: &str) {
    let file: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert_eq!(file["schema_version"], 1, "{path}");
    let mut wrong = Vec::new();
    for vector in file["vectors"].as_array().unwrap() {
        let (id, method) = (vector["id"].as_str().unwrap(), vector["method"].as_str().unwrap());
        let Some(outcome) = computed(method, &Input(&vector["input"])) else {
            wrong.push(format!("{id}: the method `{method}` is unknown"));
            continue;
        };
        let got = outcome.unwrap_or_else(|error| json!({"error": error.code()}));
        let tolerance = ["abs", "rel"].map(|key| vector["tol"][key].as_f64().unwrap());
        let found = difference(&got, &vector["expected"], (tolerance[0], tolerance[1]));
        wrong.extend(found.map(|text| format!("{id}: {text}")));
    }
    assert!(wrong.is_empty(), "{} of {path} differ\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn the_monte_carlo_sign_flip_agrees_with_enumeration() {
    let check = |differences: &[f64]| {
        let units = Units::of(differences);
        let exact = sign_flip::exact(&units).unwrap();
        let simulated = Flips { seed: 11, replicates: 9_999 }.monte_carlo(&units, 9_999);
        let error = (exact * (1.0 - exact) / 10_000.0).sqrt() + 1e-4;
        assert!((exact - simulated).abs() <= 4.0 * error, "{exact} {simulated}");
    };
    check(&[0.3, -0.2, 0.1, -0.45, 0.05, -0.31, 0.22, -0.18, 0.09, -0.4]);
    check(&[-0.1, -0.2, -0.3, 0.4, 0.5, -0.6, 0.7, -0.8, 0.9, 0.15, -0.25, 0.35, -0.45, 0.55]);
    check(&[1.0, -1.0, -1.0, 1.0, -1.0, -1.0, -1.0, 1.0, -1.0, -1.0, 1.0, -1.0]);
    // Far beyond enumeration a symmetric sample has a p of one half and a bit, for its ties.
    let many: Vec<f64> = (0..600).map(|at| if at % 2 == 0 { 0.5 } else { -0.5 }).collect();
    let p = Flips { seed: 3, replicates: 9_999 }.p_worse(&Units::of(&many));
    assert!((p - 0.516).abs() < 0.02, "{p}");
}

#[test]
fn the_table_of_drops_ruled_out_is_as_published() {
    let ruled_out = |n: u64, broken: u64| {
        let (low, _) = Pairs { fixed: 0, broken, n }.interval(dist::normal_quantile(0.95));
        format!("{:.1}", -low * 100.0)
    };
    let table = [25, 30, 40, 60, 100].map(|n| [0, 1, 2].map(|broken| ruled_out(n, broken)));
    let wanted = [
        ["9.8", "16.1", "21.5"],
        ["8.3", "13.6", "18.3"],
        ["6.3", "10.5", "14.0"],
        ["4.3", "7.1", "9.6"],
        ["2.6", "4.4", "5.9"],
    ];
    assert_eq!(table, wanted.map(|row| row.map(str::to_owned)));
    assert_eq!(tango::fewest_identical(0.05, dist::normal_quantile(0.95)), 52);
    assert_eq!([0.01, 0.02, 0.03, 0.05, 0.10].map(|m| hall::fewest_units(m, 0.05, 1.0)), [299, 149, 99, 59, 29]);
}
