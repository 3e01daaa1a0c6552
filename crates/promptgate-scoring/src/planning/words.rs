//! A plan in words, for somebody who knows no statistics: what stands in the way of a verdict, and each way around it.

use promptgate_core::calibration::{Calibration, Fit};
use promptgate_core::gate::{Basis, Limit, Rule, Scope};
use promptgate_core::report::CheckKind;
use promptgate_core::report::plan::{
    Fewest, Flake, PlanCheck, PlanReport, PlanStep, RepeatsChoice, Scenario, Source, Unit,
};
use promptgate_core::report::words::{chance, counted, percent, points, thousands};

use super::check::Setting;
use super::{POWER, PlanFacts};
use crate::stats::plan;

/// A rule that blocks an unchanged candidate more often than this needs a word.
const OFTEN: f64 = 0.1;

/// A check that settles an unchanged candidate less often than this needs a word; the figures are approximate.
const SELDOM: f64 = 0.75;

/// What a metric check needs said beside its figures.
pub(super) fn of_metric(setting: &Setting<'_>, check: &PlanCheck) -> Vec<String> {
    match setting.limit {
        None => Vec::new(),
        Some(Limit::Min(_, Basis::Value) | Limit::Max(_, Basis::Value)) => vec![
            "as measured, without an error rate: a candidate that is truly just at the limit misses it about every \
             second time"
                .to_owned(),
        ],
        Some(Limit::Min(_, Basis::Bound) | Limit::Max(_, Basis::Bound)) => {
            check.fewest.filter(|fewest| !fewest.is_reached()).map(floor_out_of_reach).into_iter().collect()
        }
        Some(Limit::AllowedDrop(0.0) | Limit::AllowedRise(0.0)) => {
            vec!["only a candidate that is proven better can pass; allow a little, such as \"5pt\"".to_owned()]
        }
        Some(Limit::AllowedDrop(_) | Limit::AllowedRise(_)) => compared(setting, check),
    }
}

fn floor_out_of_reach(fewest: Fewest) -> String {
    format!(
        "cannot be shown with {}: even if every answer passes it takes {}; `basis = \"value\"` judges what was measured, \
         without an error rate",
        amount(fewest.unit, fewest.have),
        amount(fewest.unit, fewest.needed),
    )
}

fn compared(setting: &Setting<'_>, check: &PlanCheck) -> Vec<String> {
    let mut words = Vec::new();
    if setting.decides {
        match check.fewest {
            Some(fewest) if !fewest.is_reached() => words.push(out_of_reach(setting, fewest)),
            _ => words.extend(check.scenarios.first().and_then(|scenario| seldom_settled(setting, scenario))),
        }
        if !check.scenarios.is_empty() && check.scenarios.iter().all(|scenario| scenario.smallest_drop.is_none()) {
            words.push(
                "no drop, however large, is sure to be found by this check; the rule `no-new-break` looks at each case by \
                 itself and needs no such size"
                    .to_owned(),
            );
        }
    }
    words.extend(repeats(&check.repeats));
    words
}

/// It cannot pass without a gain: by how much it misses, and each way to a suite that can.
fn out_of_reach(setting: &Setting<'_>, fewest: Fewest) -> String {
    let (needed, have) = (amount(fewest.unit, fewest.needed), amount(fewest.unit, fewest.have));
    let mut ways = Vec::new();
    let cases = setting.group.cases;
    let trials = fewest.needed.div_ceil(cases.max(1));
    match fewest.unit {
        Unit::Call if trials <= 20 => ways.push(format!("`trials = {trials}` with the cases there are")),
        Unit::Case | Unit::Cluster if (1..=10).contains(&trials) && cases < 100 => ways.push(format!(
            "`scope = \"these-cases\"` with `trials = {}`, for a verdict about these cases alone",
            trials.max(3)
        )),
        _ => {}
    }
    if let Some(drop) = allowed_for(setting) {
        ways.push(format!("`allowed_drop = \"{}\"`", points(drop).replace(' ', "")));
    }
    ways.push("`require = \"no-regression-found\"`, which blocks only what is found to be worse".to_owned());
    ways.push(format!("{} more", amount(fewest.unit, fewest.needed - fewest.have)));
    format!(
        "cannot pass unless the candidate is better: it takes {needed} in which nothing got worse, and there are {have}. \
         Ways out: {}",
        ways.join("; ")
    )
}

/// The smallest whole number of points that the evidence at hand can rule out.
fn allowed_for(setting: &Setting<'_>) -> Option<f64> {
    (1..=30_u32).map(|points| f64::from(points) / 100.0).find(|drop| setting.clears(*drop))
}

/// It can pass, and seldom would: what it takes to pass 4 times in 5.
fn seldom_settled(setting: &Setting<'_>, scenario: &Scenario) -> Option<String> {
    let passes = scenario.chance_to_pass.filter(|passes| *passes < SELDOM)?;
    let mut ways = Vec::new();
    if let Some(trials) = scenario.trials_to_pass {
        ways.push(format!("`trials = {trials}`"));
    }
    if let Some(cases) = scenario.cases_to_pass {
        ways.push(format!("{} in all", counted(cases, "case", "cases")));
    }
    ways.extend(allowance(setting, scenario));
    if let Some(trials) = repeats_for(setting, scenario) {
        ways.push(format!("`scope = \"these-cases\"` with `trials = {trials}`, for a verdict about these cases alone"));
    }
    let ways = ways.join("; or ");
    Some(match scenario.source {
        Source::Assumed => format!(
            "if the noise is as assumed, an unchanged candidate passes in about {} of the runs and is left unsettled in the \
             others; if answers never vary, it passes always. To pass 4 times in 5 at the assumed noise takes {ways}",
            chance(passes)
        ),
        Source::Calibrated => format!(
            "an unchanged candidate passes in about {} of the runs and is left unsettled in the others. To pass 4 times in \
             5 takes {ways}",
            chance(passes)
        ),
    })
}

/// The change to allow so that the evidence at hand settles it: the margin that planning asks for at this noise.
fn allowance(setting: &Setting<'_>, scenario: &Scenario) -> Option<String> {
    let se = scenario.sd / (setting.group.cases.max(1) as f64).sqrt();
    let margin = plan::z_sum_squared(setting.policy.alpha(), POWER).sqrt() * se;
    match setting.kind {
        CheckKind::Ratio => {
            let rise = (margin.exp_m1() * 100.0).ceil();
            (rise <= 100.0).then(|| format!("`allowed_rise = \"{rise}%\"`"))
        }
        _ => {
            let drop = (margin * 100.0).ceil();
            (drop <= 30.0).then(|| format!("`allowed_drop = \"{drop}pt\"`"))
        }
    }
}

/// Repeats with which a small suite settles itself; for checks of shares on the population.
fn repeats_for(setting: &Setting<'_>, scenario: &Scenario) -> Option<u64> {
    let Some(Limit::AllowedDrop(drop)) = setting.limit else { return None };
    if setting.policy.scope == Scope::TheseCases || setting.group.cases >= 100 || setting.kind != CheckKind::Binary {
        return None;
    }
    let share = scenario.discordant?;
    let trials = plan::certify(share, drop, setting.policy.alpha(), POWER) / setting.group.cases as f64;
    Some(plan::round_up(trials).max(3)).filter(|trials| *trials <= 20)
}

fn repeats(choices: &[RepeatsChoice]) -> Option<String> {
    let first = choices.first()?;
    let one = |choice: &RepeatsChoice| {
        let each = counted(u64::from(choice.trials), "trial", "trials");
        format!("{} at {each} ({} answers a side)", counted(choice.cases, "case", "cases"), thousands(choice.calls))
    };
    let all: Vec<String> = choices.iter().map(one).collect();
    let least = choices.iter().min_by_key(|choice| (choice.calls, choice.trials)).unwrap_or(first);
    let buys = if least.trials == first.trials {
        "more cases buy more than more repeats".to_owned()
    } else {
        format!("{} trials a case are worth their calls", least.trials)
    };
    Some(format!("more cases or more repeats? To pass 4 times in 5 it takes {}: {buys}", listed(&all)))
}

/// What a rule does to cases that do not always pass.
pub(super) fn of_rule(check: &PlanCheck, rule: Rule) -> Vec<String> {
    let (known, assumed): (Vec<&Flake>, Vec<&Flake>) =
        check.flakes.iter().partition(|flake| flake.source == Source::Calibrated);
    let telling = known.first().or(assumed.last());
    let mut words: Vec<String> = known.iter().map(|flake| measured(check, flake)).collect();
    words.extend(if_flaky(check, &assumed));
    if let Some(flake) = telling.filter(|flake| flake.false_block > OFTEN) {
        words.push(match (rule, flake.with_confirm) {
            (Rule::NoNewBreak { .. }, Some(confirmed)) => {
                format!("with `confirm = 3` it would be {}: a case that looks broken is asked again", chance(confirmed))
            }
            (Rule::NoNewBreak { .. }, None) => {
                "allow a few with `max_broken`, or leave out the cases that do not always pass".to_owned()
            }
            (Rule::MustPass { .. }, _) => {
                "keep here only cases that pass every time; `run --trials 5` on the baseline shows which do not"
                    .to_owned()
            }
        });
    }
    words
}

fn measured(check: &PlanCheck, flake: &Flake) -> String {
    if flake.cases == 0 {
        return "measured: every case came out alike each time, so this rule does not block an unchanged candidate"
            .to_owned();
    }
    format!(
        "measured: about {} of {} do not always pass (each of these {} of the time); this rule blocks an unchanged \
         candidate in {} of the runs",
        thousands(flake.cases),
        counted(check.cases, "case", "cases"),
        chance(flake.pass_chance),
        chance(flake.false_block)
    )
}

fn if_flaky(check: &PlanCheck, flakes: &[&Flake]) -> Option<String> {
    let (first, more) = flakes.split_first()?;
    let more = more
        .iter()
        .map(|flake| format!("; at {} of the time in {}", percent(flake.pass_chance), chance(flake.false_block)));
    let all = counted(check.cases, "case", "cases");
    Some(format!(
        "if each of its {all} passes {} of the time, this rule blocks an unchanged candidate in {} of the runs{}",
        percent(first.pass_chance),
        chance(first.false_block),
        more.collect::<String>()
    ))
}

/// What a calibration rests on, or why its figures are not used.
pub(super) fn calibration(calibration: &Calibration, fit: &Fit, cases: u64, age_days: Option<f64>) -> String {
    let reference = &calibration.baseline.reference;
    let age = age_days.map_or(String::new(), |days| format!(", {}", ago(days)));
    let each = counted(u64::from(calibration.trials), "trial", "trials");
    let made = format!("{reference} run against itself{age}, {each} a side");
    match fit {
        Fit::Fits => format!("{made}, {}", counted(calibration.cases, "case", "cases")),
        Fit::OtherCases if calibration.cases < cases => {
            format!("{made}, calibrated with {} of today's {cases} cases", calibration.cases)
        }
        Fit::OtherCases => {
            format!("{made}, calibrated with {} cases; today there are {cases}", calibration.cases)
        }
        Fit::OtherSuite => format!("not used: it was made for the suite `{}`", calibration.suite),
        Fit::OtherVersion => format!("not used: the baseline is another version by now than the one measured ({made})"),
        Fit::OtherSize => format!("not used: it was made with {} cases, and there are {cases}", calibration.cases),
    }
}

fn ago(days: f64) -> String {
    match days {
        days if days < 1.0 => "today".to_owned(),
        days => format!("{} ago", counted(days as u64, "day", "days")),
    }
}

/// What to do with the plan.
pub(super) fn next(facts: &PlanFacts<'_>, report: &PlanReport) -> Vec<PlanStep> {
    let step = |command: &[&str], words: &str| PlanStep {
        command: command.iter().map(|word| (*word).to_owned()).collect(),
        words: words.to_owned(),
    };
    // The same plan, with what a step asks for itself over its own flags.
    let same = |command: &[&str], over: &[&str], words: &str| {
        let own = without(&facts.flags, over.first().copied());
        step(&[command, &own, over].concat(), words)
    };
    let suite = facts.suite_path.as_str();
    if facts.policy.is_none() {
        return vec![step(&["check", suite], "there is no [gate]: it proposes one that fits")];
    }
    let used = report.calibration.as_ref().filter(|calibration| calibration.used);
    let measure = match used {
        None if facts.baselines.is_empty() => None,
        None => Some(same(
            &["plan", suite, "--calibrate"],
            &[],
            "measures the noise that is assumed here: the baseline against itself",
        )),
        Some(calibration) if calibration.trials < 2 => Some(same(
            &["plan", suite, "--calibrate"],
            &["--trials", "2"],
            "says whether more cases or more repeats buy more, which one trial cannot",
        )),
        Some(_) => None,
    };
    measure.into_iter().chain([same(&["gate", suite], &[], "carries this plan out")]).collect()
}

/// Flags without one that has a value.
fn without<'f>(flags: &'f [String], left_out: Option<&str>) -> Vec<&'f str> {
    let mut words: Vec<&str> = flags.iter().map(String::as_str).collect();
    if let Some(at) = words.iter().position(|word| Some(*word) == left_out) {
        words.drain(at..(at + 2).min(words.len()));
    }
    words
}

fn amount(unit: Unit, number: u64) -> String {
    match unit {
        Unit::Case => counted(number, "case", "cases"),
        Unit::Cluster => counted(number, "cluster of cases", "clusters of cases"),
        Unit::Call => counted(number, "answer a side", "answers a side"),
    }
}

/// `a`, `a or b`, `a, b or c`.
fn listed(ways: &[String]) -> String {
    match ways {
        [] => String::new(),
        [one] => one.clone(),
        [head @ .., last] => format!("{} or {last}", head.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ways_are_listed_as_people_do() {
        let ways: Vec<String> = ["a", "b", "c"].map(str::to_owned).to_vec();
        assert_eq!(
            (listed(&ways), listed(&ways[..2]), listed(&ways[..1])),
            ("a, b or c".into(), "a or b".into(), "a".into())
        );
    }

    #[test]
    fn an_age_is_told_in_whole_days() {
        assert_eq!([0.4, 1.0, 13.9].map(ago), ["today", "1 day ago", "13 days ago"]);
    }
}
