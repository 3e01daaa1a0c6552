use std::sync::Arc;

use insta::assert_snapshot;
use promptgate_core::case::Case;
use promptgate_core::gate::{Check, Policy, Rule, Subject};
use promptgate_core::record::Purpose;
use promptgate_core::score::Tier;
use serde_json::json;

use crate::world::{Cases, Setting, World, assertion, case, cases, model, tagged, vars, version};

/// What preparing says, and the code it ends with.
fn refusal(setting: &Setting) -> String {
    let Err(error) = setting.prepare() else { panic!("it was prepared") };
    format!("{}: {error}", error.exit_code().code())
}

fn on_line(id: &str, line: u32) -> Case {
    Case { line, ..case(id) }
}

fn must_pass(tag: &str, tier: Tier) -> Policy {
    let rule = Subject::Rule { rule: Rule::MustPass { confirm: 0 }, cases: Some(tagged(tag)) };
    Policy { checks: vec![Check { subject: rule, tier }], ..Policy::default() }
}

#[test]
fn an_empty_dataset_selects_nothing() {
    assert_snapshot!(refusal(&Setting::of(Vec::new())), @"4: `suites/triage/cases.jsonl` holds no case; add one, or name another file in `[cases]`");
}

#[test]
fn a_filter_that_matches_nothing_says_so() {
    assert_snapshot!(refusal(&Setting { filter: Some(tagged("vip")), ..Setting::of(cases(3)) }), @"4: `--filter tag=vip` matches no case of `suites/triage/cases.jsonl`, which holds 3 cases");
}

#[test]
fn no_live_assertion_is_no_test() {
    assert_snapshot!(refusal(&Setting { asserts: Vec::new(), ..Setting::of(cases(3)) }), @"4: no assertion looks at any case; add an `[[assert]]`, or loosen the `when` of those there are");
    let mut blind = assertion("contains", json!({"value": "ok"}));
    blind.when = Some(tagged("vip"));
    assert_snapshot!(refusal(&Setting { asserts: vec![blind], ..Setting::of(cases(1)) }), @"4: no assertion looks at any case; add an `[[assert]]`, or loosen the `when` of those there are");
}

#[test]
fn a_case_id_that_stands_twice_is_named_with_both_lines() {
    let doubled = vec![on_line("a", 1), on_line("b", 2), on_line("a", 7)];
    assert_snapshot!(refusal(&Setting::of(doubled)), @"2: suites/triage/cases.jsonl:7:1: two cases have the id `a`: lines 1 and 7; give each case an id of its own");
}

#[test]
fn an_undefined_variable_is_found_for_each_version_and_counted() {
    let mut setting = Setting::compared(cases(4));
    setting.baselines = vec![version("old", "{{#if text}}{{text}}{{else}}{{product}}{{/if}}")];
    assert_snapshot!(refusal(&setting), @"2: suites/triage/cases.jsonl:1:1: `triage.old` reads the variable `product` (prompts/triage.old.prompt:1:31), which case `case-0` does not set, nor do 3 more; set `product` in the case's `vars` or the suite's `[vars]`, or declare it as `product?`");
}

#[test]
fn a_variable_that_only_one_version_gets_joined_is_defined_for_that_version() {
    let mut setting = Setting::compared(cases(2));
    setting.baselines = vec![version("old", "{{text}} {{hint}}")];
    let joined = [("triage.old".to_owned(), vars(json!({"hint": "look twice"})))].into();
    setting.cases = Arc::new(Cases { cases: cases(2), joined, ..Cases::default() });
    let world = World::of(&setting, crate::world::Model::steady());
    let settled = world.complete();
    let [candidate, baseline] = [&settled[0], &settled[2]];
    assert_eq!(candidate.case.input, baseline.case.input, "they pair");
    assert_ne!(candidate.key, baseline.key);
}

#[test]
fn a_value_of_an_assertion_that_a_case_lacks_is_found_before_anything_runs() {
    let setting = Setting {
        asserts: vec![assertion("equals", json!({"value": "{{expected.queue}}"}))],
        ..Setting::of(vec![on_line("a", 3)])
    };
    assert_snapshot!(refusal(&setting), @"2: suites/triage/cases.jsonl:3:1: assertion `equals#1`: `value`: `{{expected.queue}}` is not defined for case `a`; add it to the case, or give the assertion a `when` that leaves the case out");
}

#[test]
fn a_critical_check_over_no_case_is_an_error_and_an_advisory_one_a_note() {
    let mut setting = Setting::compared(cases(2));
    setting.purpose = Purpose::Gate;
    setting.policy = Some(must_pass("safety", Tier::Critical));
    assert_snapshot!(refusal(&setting), @"4: the rule `must-pass` is about `tag=safety`, which holds for no case; correct the selection or tag the cases");
    setting.policy = Some(must_pass("safety", Tier::Advisory));
    assert_snapshot!(setting.prepared().notes.join("\n"), @"the rule `must-pass` is about `tag=safety`, which holds for no case (advisory)");
}

#[test]
fn a_model_that_answers_no_case_is_an_error() {
    let mut few = model("a/x");
    few.cases = Some(tagged("vip"));
    assert_snapshot!(refusal(&Setting { models: vec![few], ..Setting::of(cases(2)) }), @"4: the model `a/x` answers `tag=vip`, which holds for no case; correct the selection or tag the cases");
}

#[test]
fn a_gate_without_a_critical_model_cannot_block() {
    let mut advisory = model("a/x");
    advisory.planned.tier = Tier::Advisory;
    let setting = Setting { models: vec![advisory], purpose: Purpose::Gate, ..Setting::of(cases(2)) };
    assert_snapshot!(refusal(&setting), @r#"2: suites/triage/suite.toml:1:1: none of the gate's models is critical, so nothing could block; make one of them `tier = "critical"`, or use `compare`, which gives no verdict"#);
}

#[test]
fn cases_of_one_input_are_named_unless_they_share_a_cluster() {
    let same = |id: &str, cluster: Option<&str>| Case {
        vars: vars(json!({"text": "the same"})),
        cluster: cluster.map(str::to_owned),
        ..case(id)
    };
    let apart = Setting::of(vec![same("a", None), case("b"), same("c", None), same("d", Some("x"))]);
    assert_snapshot!(apart.prepared().notes.join("\n"), @"3 cases have the input of another case (a, c, d): give them one cluster, or they count as independent");
    let together = Setting::of(vec![same("a", Some("x")), case("b"), same("c", Some("x"))]);
    assert!(together.prepared().notes.is_empty());
}

#[test]
fn cases_that_no_critical_assertion_looks_at_are_noted() {
    let mut some = assertion("contains", json!({"value": "ok"}));
    some.when = Some(tagged("third"));
    assert_snapshot!(Setting { asserts: vec![some], ..Setting::of(cases(6)) }.prepared().notes.join("\n"), @"no critical assertion looks at 4 cases, so nothing there can pass: their trials err");
}

#[test]
fn a_version_that_is_its_own_baseline_shares_its_trials() {
    let mut setting = Setting::compared(cases(3));
    setting.baselines = vec![setting.candidate.clone()];
    let prepared = setting.prepared();
    assert_eq!((prepared.plan.versions.len(), prepared.plan.len()), (1, 3));
    assert_eq!((prepared.comparisons[0].candidate, prepared.comparisons[0].baseline), (0, Some(0)));
}

#[test]
fn there_is_one_comparison_for_each_model_and_baseline() {
    let mut setting = Setting::compared(cases(3));
    setting.baselines.push(version("older", "Once: {{text}}"));
    setting.models.push(model("b/y"));
    let pairs: Vec<_> = setting.prepared().comparisons.iter().map(|each| (each.model, each.baseline)).collect();
    assert_eq!(pairs, [(0, Some(1)), (0, Some(2)), (1, Some(1)), (1, Some(2))]);
}

#[test]
fn the_order_of_the_file_changes_neither_the_plan_digest_nor_the_grading() {
    let there = Setting::compared(cases(700)).prepared();
    let back = Setting::compared(cases(700).into_iter().rev().collect()).prepared();
    assert_eq!(there.plan.grading, back.plan.grading);
    assert_eq!(there.plan.digest(), back.plan.digest());
}

#[test]
fn what_a_case_expects_is_in_the_grading_digest_and_its_tags_are_not() {
    let with = |change: fn(&mut Case)| {
        let mut cases = cases(5);
        change(&mut cases[2]);
        Setting::of(cases).prepared().plan.grading
    };
    let plain = with(|_| {});
    assert_eq!(plain, with(|case| case.tags.push("new".to_owned())));
    assert_eq!(plain, with(|case| case.cluster = Some("new".to_owned())));
    assert_eq!(plain, with(|case| case.vars = vars(json!({"text": "new"}))));
    assert_ne!(plain, with(|case| case.expected = json!("new")));
    assert_ne!(plain, with(|case| case.threshold = Some(0.5)));
    assert_ne!(plain, with(|case| case.asserts = vec![assertion("contains", json!({"value": "new"}))]));
    assert_ne!(plain, with(|case| case.id = promptgate_core::name::CaseId::new("new").unwrap()));
}

#[test]
fn what_a_filter_leaves_out_is_not_in_the_plan() {
    let setting = Setting { filter: Some(tagged("third")), ..Setting::of(cases(9)) };
    let settled = World::of(&setting, crate::world::Model::steady()).complete();
    let ids: Vec<&str> = settled.iter().map(|trial| trial.case.id.as_str()).collect();
    assert_eq!(ids, ["case-0", "case-3", "case-6"]);
}

#[test]
fn settled_trials_name_the_gates_selections_that_hold_for_their_case() {
    let mut setting = Setting::compared(cases(4));
    setting.policy = Some(must_pass("third", Tier::Critical));
    let world = World::of(&setting, crate::world::Model::steady());
    let held: Vec<_> = world.complete().iter().take(4).map(|trial| trial.case.selections.clone()).collect();
    assert_eq!(held, [vec![0], vec![], vec![], vec![0]]);
    assert_eq!(world.header().selections, [tagged("third")]);
}
