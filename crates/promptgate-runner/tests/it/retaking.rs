use promptgate_core::record::TrialError;
use promptgate_core::score::Outcome;
use promptgate_runner::Counts;
use serde_json::json;

use crate::world::{Model, Setting, World, assertion, case, cases, from_run, model, tagged, vars, version};

/// A run of `terse` over ten cases, then a comparison with it as a stored baseline.
fn stored() -> (World, Setting) {
    let old = Setting { candidate: version("terse", "Briefly: {{text}}"), trials: 2, ..Setting::of(cases(10)) };
    let world = World::of(&old, Model::steady());
    world.complete();
    let baseline = from_run(old.candidate.clone(), world.stored());
    (world, Setting { baselines: vec![baseline], trials: 2, ..Setting::compared(cases(10)) })
}

#[test]
fn a_stored_run_is_never_asked_again_and_is_graded_by_the_suite_of_today() {
    let (old, mut setting) = stored();
    setting.asserts = vec![assertion("contains", json!({"value": "never"}))];
    let world = World::of(&setting, Model::steady());
    assert_eq!(world.counts(), Counts { trials: 40, retaken: 20, calls: 20, ..Counts::default() });
    let settled = world.complete();
    assert_eq!(world.model.calls(), 20);
    for (before, now) in old.log.settled().iter().zip(settled.iter().filter(|trial| trial.version == 1)) {
        assert_eq!((&before.response, before.key, before.request), (&now.response, now.key, now.request));
        assert_eq!(now.outcome, Outcome::Failed);
    }
}

#[test]
fn cases_edited_removed_and_added_since_then_are_told_apart() {
    let (_, mut setting) = stored();
    let mut today = cases(12);
    today[3].vars = vars(json!({"text": "edited"}));
    today.remove(5);
    setting.cases = Setting::of(today).cases;
    let world = World::of(&setting, Model::steady());
    let stored = world.prepared.plan.versions[1].stored.clone().unwrap();
    assert_eq!((stored.run.as_str(), stored.cases, stored.new), ("earlier", 10, 2));
    assert_eq!(stored.changed, ["case-3", "case-5"]);
    assert_eq!(world.prepared.notes, ["2 cases not in run earlier: no answer there"]);
    let settled = world.complete();
    let missing: Vec<_> = settled.iter().filter(|trial| trial.version == 1 && trial.response.is_none()).collect();
    assert_eq!(missing.len(), 2 * 3);
    assert!(missing.iter().all(|trial| {
        matches!(&trial.error, Some(TrialError::Unanswered(failure)) if failure.message == "not in run earlier")
    }));
}

#[test]
fn what_a_filter_leaves_out_was_not_removed() {
    let (_, mut setting) = stored();
    setting.filter = Some(tagged("third"));
    let stored = setting.prepared().plan.versions[1].stored.clone().unwrap();
    assert!(stored.changed.is_empty() && stored.new == 0);
}

#[test]
fn a_model_that_the_stored_run_does_not_know_is_noted() {
    let (_, mut setting) = stored();
    setting.models.push(model("b/y"));
    assert_eq!(setting.prepared().notes, ["run earlier holds no answers of `b/y`"]);
}

#[test]
fn a_case_of_another_order_in_the_stored_run_is_found_by_its_id() {
    let (_, mut setting) = stored();
    let mut today: Vec<_> = cases(10).into_iter().rev().collect();
    today.push(case("new"));
    setting.cases = Setting::of(today).cases;
    let settled = World::of(&setting, Model::steady()).complete();
    let answered = settled.iter().filter(|trial| trial.version == 1 && trial.response.is_some()).count();
    assert_eq!(answered, 20);
}
