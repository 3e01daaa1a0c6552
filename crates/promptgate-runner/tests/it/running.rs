use std::sync::Arc;
use std::time::Duration;

use promptgate_core::answer::FailureKind;
use promptgate_core::event::Event;
use promptgate_core::record::TrialError;
use promptgate_core::score::Outcome;
use promptgate_runner::{Calls, Counts, Reuse, RunOutcome, Supply, survey};

use crate::world::{Act, Answers, Model, Setting, World, cases, model, steady};

#[test]
fn the_settled_record_is_the_same_for_any_concurrency_and_order_of_completion() {
    let setting = Setting { trials: 2, ..Setting::compared(cases(40)) };
    let plain = World::of(&setting, Model::steady()).complete();
    assert_eq!(plain.len(), 160);
    for concurrency in [1, 2, 8, 64] {
        let delayed = Model::new(|request, call| {
            Act::SayAfter(Duration::from_micros(call.wrapping_mul(2_654_435_761) % 3_000), steady(request))
        });
        let mut world = World::of(&setting, delayed);
        world.limits.concurrency = concurrency;
        assert_eq!(world.complete(), plain, "concurrency {concurrency}");
        assert!(world.model.most.load(std::sync::atomic::Ordering::Relaxed) <= concurrency);
    }
}

#[test]
fn every_trial_of_the_plan_is_settled_once_and_knows_its_place() {
    let setting = Setting { trials: 3, models: vec![model("a/x"), model("b/y")], ..Setting::compared(cases(10)) };
    let world = World::of(&setting, Model::steady());
    let settled = world.complete();
    assert!(settled.iter().map(|trial| trial.trial).eq(0..120));
    for trial in &settled {
        let address = world.prepared.plan.address(trial.trial);
        assert_eq!((trial.version, trial.model, trial.repeat), (address.version, address.model, address.repeat));
        assert_eq!(trial.case.id.as_str(), format!("case-{}", address.case));
        assert!(trial.key.is_some() && trial.request.is_some() && trial.response.is_some());
    }
    assert_eq!(world.model.calls(), 120);
}

#[test]
fn what_will_be_called_is_told_before_the_first_call() {
    let world = World::of(&Setting::compared(cases(5)), Model::steady());
    world.complete();
    let events = world.events.lock().unwrap();
    assert_eq!(events[0], Event::Planned { trials: 10, calls: 10, replayed: 0, reused: 0 });
    assert_eq!(events.last(), Some(&Event::Finished));
    let settled = events.iter().filter(|event| matches!(event, Event::Settled { called: true, .. }));
    assert_eq!(settled.count(), 10);
}

#[test]
fn a_thousand_calls_wait_side_by_side() {
    let slow = Model::new(|request, _| Act::SayOnceCalled(1_000, steady(request)));
    let mut world = World::of(&Setting::of(cases(1_000)), slow);
    world.limits.concurrency = 10_000;
    world.complete();
    assert_eq!(world.model.most.load(std::sync::atomic::Ordering::Relaxed), 1_000);
}

#[test]
fn stored_answers_are_taken_over_and_graded_anew() {
    let setting = Setting::compared(cases(10));
    let first = World::of(&setting, Model::steady());
    first.complete();
    let stored = first.log.settled();
    let stricter = Setting {
        asserts: vec![crate::world::assertion("contains", serde_json::json!({"value": "never"}))],
        ..Setting::compared(cases(12))
    };
    let mut second = World::of(&stricter, Model::steady());
    second.supply.stored = Some(Arc::new(Answers::of(&stored)));
    assert_eq!(second.counts(), Counts { trials: 24, reused: 20, calls: 4, ..Counts::default() });
    let settled = second.complete();
    assert_eq!(second.model.calls(), 4);
    assert!(settled.iter().all(|trial| trial.outcome == Outcome::Failed));
    let reused = second.log.settled().into_iter().filter(|trial| trial.volatile.reused.is_some());
    assert!(reused.clone().count() == 20 && reused.into_iter().all(|trial| trial.volatile.attempts == 0));
}

#[test]
fn fresh_answers_are_the_next_draw_and_old_ones_the_same_draw_again() {
    let setting = Setting::of(cases(3));
    let first = World::of(&setting, Model::steady());
    first.complete();
    let stored = Arc::new(Answers::of(&first.log.settled()));
    for (reuse, draw, calls) in
        [(Reuse::None, 2, 3), (Reuse::Since(43_200_001), 1, 3), (Reuse::Since(43_200_000), 1, 0)]
    {
        let mut world = World::of(&setting, Model::steady());
        world.supply = Supply { stored: Some(stored.clone()), reuse, ..Supply::default() };
        assert!(world.complete().iter().all(|trial| trial.draw == draw), "{reuse:?}");
        assert_eq!(world.model.calls(), calls, "{reuse:?}");
    }
}

#[test]
fn without_calls_a_missing_answer_is_an_error_before_anything_runs() {
    let setting = Setting::of(cases(3));
    let world = World::of(&setting, Model::steady());
    let supply = Supply { calls: Calls::Forbidden, ..Supply::default() };
    let error = survey(&world.prepared, &supply, &promptgate_runner::Share::Planned).unwrap_err();
    assert_eq!(error.exit_code().code(), 103);
    assert_eq!(
        error.to_string(),
        "3 answers of 3 would have to be asked for, and `--no-run` forbids calls; run it without `--no-run`"
    );
}

#[test]
fn a_failure_of_infrastructure_is_missing_and_the_models_own_is_a_failed_trial() {
    let script = |kind| Model::new(move |_, _| Act::Fail(kind));
    let missing = World::of(&Setting::of(cases(1)), script(FailureKind::Server)).complete();
    assert_eq!(missing[0].outcome, Outcome::Errored);
    assert!(matches!(&missing[0].error, Some(TrialError::Unanswered(failure)) if failure.kind == FailureKind::Server));
    let late = World::of(&Setting::of(cases(1)), script(FailureKind::ModelTimeout)).complete();
    assert_eq!(late[0].outcome, Outcome::Failed);
    assert!(late[0].failure.is_some() && late[0].error.is_none());
}

#[test]
fn a_model_that_answers_nothing_at_present_holds_no_other_one_up() {
    for (until, first) in [(50, 50), (u64::MAX, 100)] {
        let setting = Setting { models: vec![model("a/x"), model("b/y")], ..Setting::compared(cases(50)) };
        let mut held = Model::new(|request, call| Act::Say(format!("{} {call}", request.body.model)));
        std::sync::Arc::get_mut(&mut held).unwrap().held = Some(("x", until));
        let mut world = World::of(&setting, held);
        world.limits.concurrency = 1;
        let settled = world.complete();
        let calls = settled.iter().map(|trial| &trial.response.as_ref().unwrap().output);
        let of_x = calls.filter_map(|output| output.strip_prefix("a/x "));
        assert_eq!(of_x.map(|call| call.parse::<u64>().unwrap()).min(), Some(first), "others come first");
        assert_eq!(settled.len(), 200);
    }
}

#[test]
fn a_panic_errors_one_trial_and_leaves_the_others_alone() {
    let shaky = Model::new(|request, _| match request.origin.case().as_str() {
        "case-3" => Act::Panic,
        _ => Act::Say(steady(request)),
    });
    let settled = World::of(&Setting::of(cases(20)), shaky).complete();
    let (broken, others): (Vec<_>, Vec<_>) = settled.iter().partition(|trial| trial.case.id.as_str() == "case-3");
    assert!(others.iter().all(|trial| trial.response.is_some()));
    assert_eq!(broken[0].outcome, Outcome::Errored);
    let error = serde_json::to_string(&broken[0].error).unwrap();
    assert!(error.contains("a bug of promptgate: as scripted"), "{error}");
}

#[test]
fn a_partition_settles_its_share_and_all_shares_make_the_whole() {
    let whole = World::of(&Setting::compared(cases(30)), Model::steady());
    let mut parts = Vec::new();
    for part in ["hash:1/3", "hash:2/3", "hash:3/3"] {
        let partition = Some(part.parse().unwrap());
        let world = World::of(&Setting { partition, ..Setting::compared(cases(30)) }, Model::steady());
        assert_eq!(world.header().plan_digest, whole.header().plan_digest);
        parts.extend(world.complete());
    }
    parts.sort_by_key(|trial| trial.trial);
    assert_eq!(parts, whole.complete());
}

#[test]
fn a_model_with_a_selection_answers_its_cases_alone() {
    let mut few = model("b/y");
    few.cases = Some(crate::world::tagged("third"));
    let setting = Setting { models: vec![model("a/x"), few], ..Setting::of(cases(9)) };
    let world = World::of(&setting, Model::steady());
    assert_eq!(world.counts().trials, 12);
    let settled = world.complete();
    assert_eq!(settled.iter().filter(|trial| trial.model == 1).count(), 3);
    assert_eq!(world.prepared.plan.models[1].cases.as_ref().map(|cases| cases.count), Some(3));
}

#[test]
fn the_order_of_an_ordinary_run_is_complete() {
    let world = World::of(&Setting::of(cases(4)), Model::steady());
    let outcome = world.run().unwrap();
    assert!(matches!(outcome, RunOutcome::Complete(tally) if tally.settled() == 4 && tally.called == 4));
    assert!(world.log.disk.lock().unwrap().finished);
}
