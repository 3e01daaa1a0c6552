//! A gate that is loosened in the same change as the prompt it judges: the stricter of both policies holds, check by check,
//! until the looser one is on main by itself. Pure; what was loosened is told first in every report.

use crate::gate::{Basis, Check, Fresh, Limit, Policy, Rule, Scope, Subject};
use crate::report::words::percent;
use crate::score::Tier;
use crate::verdict::Requirement;

/// The policy that holds, and what of main's the change would have loosened.
#[derive(Debug, Clone, PartialEq)]
pub struct Stricter {
    /// The stricter of both.
    pub policy: Policy,
    /// One line for each loosening, such as `pass_rate: allowed drop 10 pt, on main 5 pt`.
    pub loosened: Vec<String>,
}

/// The stricter of a change's policy and main's. Early stop, baselines and the number of flips are the change's own: they
/// keep the error rates.
pub fn stricter(change: &Policy, main: &Policy) -> Stricter {
    let mut found = Stricter { policy: change.clone(), loosened: Vec::new() };
    found.settings(main);
    for check in &main.checks {
        found.check(check);
    }
    found
}

impl Stricter {
    fn settings(&mut self, main: &Policy) {
        let ours = &mut self.policy;
        let mut told = Vec::new();
        let mut tighten = |name: &str, looser: bool| {
            if looser {
                told.push(format!("`{name}` of `[gate]`"));
            }
            looser
        };
        let requires = |requirement: Requirement| requirement == Requirement::ShownNotWorse;
        if tighten("require", requires(main.require) && !requires(ours.require)) {
            ours.require = main.require;
        }
        if tighten("scope", main.scope == Scope::Population && ours.scope == Scope::TheseCases) {
            ours.scope = main.scope;
        }
        if tighten("confidence", ours.confidence < main.confidence) {
            ours.confidence = main.confidence;
        }
        if tighten("strict", main.strict && !ours.strict) {
            ours.strict = true;
        }
        if tighten("max_missing", ours.max_missing > main.max_missing) {
            ours.max_missing = main.max_missing;
        }
        let age = |policy: &Policy| policy.max_age.unwrap_or(u64::MAX);
        if tighten("max_age", age(ours) > age(main)) {
            ours.max_age = main.max_age;
        }
        if tighten("fresh", main.fresh == Fresh::Spend && ours.fresh == Fresh::Free) {
            ours.fresh = main.fresh;
        }
        let agreement = |policy: &Policy| policy.min_agreement.unwrap_or(0.0);
        if tighten("min_agreement", agreement(ours) < agreement(main)) {
            ours.min_agreement = main.min_agreement;
        }
        if tighten("judge_labels_min", ours.judge_labels_min < main.judge_labels_min) {
            ours.judge_labels_min = main.judge_labels_min;
        }
        self.loosened.extend(told);
    }

    /// Holds one check of main's against the change's check of the same thing.
    fn check(&mut self, main: &Check) {
        let Some(ours) = self.policy.checks.iter_mut().find(|check| same(check, main)) else {
            self.loosened.push(format!("{}: removed", name(main)));
            self.policy.checks.push(main.clone());
            return;
        };
        let was = (describe(ours), ours.tier);
        let mut looser = false;
        match (&mut ours.subject, &main.subject) {
            (Subject::Metric { limit: ours, .. }, Subject::Metric { limit: Some(main), .. }) => {
                let limit = ours.map_or(*main, |ours| tighter(ours, *main));
                looser |= *ours != Some(limit);
                *ours = Some(limit);
            }
            (Subject::Rule { rule: ours, .. }, Subject::Rule { rule: main, .. }) => {
                let rule = tighter_rule(*ours, *main);
                looser |= *ours != rule;
                *ours = rule;
            }
            _ => {}
        }
        if main.tier == Tier::Critical && ours.tier == Tier::Advisory {
            ours.tier = Tier::Critical;
            looser = true;
        }
        if looser {
            let tier = if was.1 == ours.tier { "" } else { ", advisory" };
            self.loosened.push(format!("{}: {}{tier}, on main {}", name(main), was.0, describe(main)));
        }
    }
}

/// Whether two checks hold the same thing to the same kind of limit.
fn same(one: &Check, other: &Check) -> bool {
    match (&one.subject, &other.subject) {
        (Subject::Metric { metric, slice, limit }, Subject::Metric { metric: name, slice: cases, limit: theirs }) => {
            let kind = |limit: &Option<Limit>| limit.map(|limit| std::mem::discriminant(&limit));
            let both = limit.is_none() || theirs.is_none() || kind(limit) == kind(theirs);
            metric == name && slice == cases && both
        }
        (Subject::Rule { rule, cases }, Subject::Rule { rule: name, cases: theirs }) => {
            rule.name() == name.name() && cases == theirs
        }
        _ => false,
    }
}

fn tighter(ours: Limit, main: Limit) -> Limit {
    let basis =
        |one: Basis, other: Basis| if one == Basis::Bound || other == Basis::Bound { Basis::Bound } else { one };
    match (ours, main) {
        (Limit::AllowedDrop(one), Limit::AllowedDrop(other)) => Limit::AllowedDrop(one.min(other)),
        (Limit::AllowedRise(one), Limit::AllowedRise(other)) => Limit::AllowedRise(one.min(other)),
        (Limit::Min(one, by), Limit::Min(other, from)) => Limit::Min(one.max(other), basis(by, from)),
        (Limit::Max(one, by), Limit::Max(other, from)) => Limit::Max(one.min(other), basis(by, from)),
        (ours, _) => ours,
    }
}

/// Fewer broken cases, and fewer chances to recover.
fn tighter_rule(ours: Rule, main: Rule) -> Rule {
    match (ours, main) {
        (Rule::MustPass { confirm: one }, Rule::MustPass { confirm: other }) => {
            Rule::MustPass { confirm: one.min(other) }
        }
        (Rule::NoNewBreak { max_broken, confirm }, Rule::NoNewBreak { max_broken: fewer, confirm: calls }) => {
            Rule::NoNewBreak { max_broken: max_broken.min(fewer), confirm: confirm.min(calls) }
        }
        (ours, _) => ours,
    }
}

fn name(check: &Check) -> String {
    let (name, cases) = match &check.subject {
        Subject::Metric { metric, slice, .. } => (metric.to_string(), slice),
        Subject::Rule { rule, cases } => (rule.name().to_owned(), cases),
    };
    cases.as_ref().map_or_else(|| name.clone(), |cases| format!("{name} [{cases}]"))
}

fn describe(check: &Check) -> String {
    match &check.subject {
        Subject::Metric { limit, .. } => match limit {
            None => "no limit".to_owned(),
            Some(Limit::AllowedDrop(drop)) => format!("allowed drop {}", crate::report::words::points(*drop)),
            Some(Limit::AllowedRise(rise)) => format!("allowed rise {}", percent(*rise)),
            Some(Limit::Min(value, basis)) => format!("min {value} by {}", by(*basis)),
            Some(Limit::Max(value, basis)) => format!("max {value} by {}", by(*basis)),
        },
        Subject::Rule { rule: Rule::MustPass { confirm }, .. } => format!("confirm {confirm}"),
        Subject::Rule { rule: Rule::NoNewBreak { max_broken, confirm }, .. } => {
            format!("max_broken {max_broken}, confirm {confirm}")
        }
    }
}

fn by(basis: Basis) -> &'static str {
    match basis {
        Basis::Value => "value",
        Basis::Bound => "bound",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::MetricName;

    fn metric(name: &str, limit: Option<Limit>, tier: Tier) -> Check {
        let metric = MetricName::new(name).unwrap();
        Check { subject: Subject::Metric { metric, slice: None, limit }, tier }
    }

    fn policy(checks: Vec<Check>) -> Policy {
        Policy { checks, ..Policy::default() }
    }

    fn drop(allowed: f64) -> Check {
        metric("pass_rate", Some(Limit::AllowedDrop(allowed)), Tier::Critical)
    }

    #[track_caller]
    fn check(change: Policy, main: Policy, held: &Policy, loosened: &[&str]) {
        let found = stricter(&change, &main);
        assert_eq!(
            (&found.policy, found.loosened.as_slice()),
            (held, loosened.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>().as_slice())
        );
        // Main's own policy loosens nothing, and what holds is no looser than either.
        assert!(stricter(&found.policy, &main).loosened.is_empty());
        assert!(stricter(&main, &main).loosened.is_empty());
    }

    #[test]
    fn a_larger_limit_another_tier_and_a_removed_check_do_not_count_yet() {
        let main = || policy(vec![drop(0.05)]);
        check(policy(vec![drop(0.10)]), main(), &main(), &["pass_rate: allowed drop 10 pt, on main allowed drop 5 pt"]);
        let advisory = Check { tier: Tier::Advisory, ..drop(0.05) };
        check(
            policy(vec![advisory]),
            main(),
            &main(),
            &["pass_rate: allowed drop 5 pt, advisory, on main allowed drop 5 pt"],
        );
        check(policy(Vec::new()), main(), &main(), &["pass_rate: removed"]);
        let unlimited = metric("pass_rate", None, Tier::Advisory);
        check(policy(vec![unlimited]), main(), &main(), &["pass_rate: no limit, advisory, on main allowed drop 5 pt"]);
    }

    #[test]
    fn what_a_change_tightens_counts_at_once() {
        let tight = policy(vec![drop(0.02), metric("queue", Some(Limit::Min(0.9, Basis::Bound)), Tier::Critical)]);
        check(tight.clone(), policy(vec![drop(0.05)]), &tight, &[]);
    }

    #[test]
    fn every_setting_is_held() {
        let main = Policy {
            strict: true,
            max_age: Some(60),
            min_agreement: Some(0.6),
            judge_labels_min: 30,
            ..policy(vec![drop(0.05)])
        };
        let change = Policy {
            require: Requirement::NoRegressionFound,
            scope: Scope::TheseCases,
            confidence: 0.9,
            strict: false,
            max_missing: 0.2,
            max_age: None,
            fresh: Fresh::Free,
            min_agreement: None,
            judge_labels_min: 0,
            ..main.clone()
        };
        let found = stricter(&change, &main);
        assert_eq!((&found.policy, found.loosened.len()), (&main, 9));
    }

    #[test]
    fn rules_floors_and_ceilings_keep_their_stricter_side() {
        let rule = |rule: Rule| Check { subject: Subject::Rule { rule, cases: None }, tier: Tier::Critical };
        let floor = |value: f64, basis| metric("pass_rate", Some(Limit::Min(value, basis)), Tier::Critical);
        let ceiling = |value: f64| metric("cost", Some(Limit::Max(value, Basis::Value)), Tier::Critical);
        let broken = |max_broken, confirm| rule(Rule::NoNewBreak { max_broken, confirm });
        let main = policy(vec![broken(0, 3), floor(0.9, Basis::Bound), ceiling(0.01)]);
        let change = policy(vec![broken(5, 9), floor(0.8, Basis::Value), ceiling(0.1)]);
        assert_eq!(stricter(&change, &main).policy, main);
        assert_eq!(stricter(&change, &main).loosened.len(), 3);
    }
}
