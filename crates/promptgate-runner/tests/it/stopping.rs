use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use promptgate_core::event::Event;
use promptgate_runner::RunOutcome;

use crate::world::{Act, Model, Setting, World, cases, steady};

/// A run whose model takes its time, and that is stopped by the call of that number.
fn stopped_at(mut world: World, call: u64) -> (World, RunOutcome) {
    let stop = world.stop.clone();
    world.model = Model::new(move |request, this| {
        if this == call {
            stop.stop("Ctrl-C");
        }
        Act::SayAfter(Duration::from_micros(200 + this % 7 * 300), steady(request))
    });
    world.limits.concurrency = 8;
    world.limits.commit.longest = Duration::from_millis(1);
    let outcome = world.run().unwrap();
    (world, outcome)
}

#[test]
fn a_stop_at_any_point_loses_nothing_and_a_resume_repeats_nothing() {
    let setting = Setting { trials: 2, ..Setting::compared(cases(60)) };
    let undisturbed = World::of(&setting, Model::steady()).complete();
    for point in [0, 1, 17, 40, 99, 160, 225] {
        let (first, outcome) = stopped_at(World::of(&setting, Model::steady()), point);
        let RunOutcome::Incomplete { reason, tally } = outcome else { panic!("stopped too late: {outcome:?}") };
        assert_eq!((reason.as_str(), tally.settled()), ("Ctrl-C", first.log.settled().len() as u64));
        assert_eq!(first.model.calls(), tally.settled(), "every call under way was awaited and settled");

        let second = first.resumed(Model::steady());
        assert_eq!(second.counts().settled, tally.settled());
        assert_eq!(second.complete(), undisturbed);
        assert_eq!(first.model.calls() + second.model.calls(), 240, "no call was made twice");
    }
}

#[test]
fn stopped_again_and_again_a_run_still_comes_out_the_same() {
    let setting = Setting::compared(cases(50));
    let undisturbed = World::of(&setting, Model::steady()).complete();
    let mut next = World::of(&setting, Model::steady());
    let mut calls = 0;
    let world = loop {
        let (world, outcome) = stopped_at(next, 9);
        calls += world.model.calls();
        match outcome {
            RunOutcome::Complete(_) => break world,
            RunOutcome::Incomplete { .. } => next = world.resumed(Model::steady()),
        }
    };
    assert_eq!(world.log.stable(), undisturbed);
    assert_eq!(calls, 100);
}

#[test]
fn calls_that_do_not_end_are_given_up_after_the_grace_and_left_unsettled() {
    let model = Model::new(|request, call| if call < 20 { Act::Say(steady(request)) } else { Act::Never });
    let mut world = World::of(&Setting::of(cases(100)), model);
    world.limits.grace = Duration::from_millis(100);
    let stop = world.stop.clone();
    let before = Instant::now();
    let outcome = world.run_heard(Arc::new(move |event| {
        if matches!(event, Event::InFlight(32)) {
            stop.stop("Ctrl-C");
        }
    }));
    let Ok(RunOutcome::Incomplete { tally, .. }) = outcome else { panic!("{outcome:?}") };
    assert_eq!(tally.settled(), 20);
    assert!(before.elapsed() < Duration::from_secs(5));
    let second = world.resumed(Model::steady());
    assert_eq!(second.complete(), World::of(&Setting::of(cases(100)), Model::steady()).complete());
}

#[test]
fn a_stop_before_the_start_makes_no_call() {
    let world = World::of(&Setting::of(cases(10)), Model::steady());
    world.stop.stop("SIGTERM");
    assert!(matches!(world.run(), Ok(RunOutcome::Incomplete { reason, .. }) if reason == "SIGTERM"));
    assert_eq!(world.model.calls(), 0);
    assert!(world.events.lock().unwrap().contains(&Event::Stopping { reason: "SIGTERM".to_owned() }));
}

#[test]
fn wherever_a_run_stops_both_sides_were_asked_about_the_same_cases() {
    let (world, _) = stopped_at(World::of(&Setting::compared(cases(300)), Model::steady()), 120);
    let side = |version| -> HashSet<String> {
        let trials = world.log.settled().into_iter().filter(|trial| trial.version == version);
        trials.map(|trial| trial.case.id.to_string()).collect()
    };
    let alone = side(0).symmetric_difference(&side(1)).count();
    assert!(alone <= 8, "{alone} cases were answered on one side only");
}

#[test]
fn a_resume_of_a_complete_run_calls_nothing() {
    let first = World::of(&Setting::of(cases(10)), Model::steady());
    let settled = first.complete();
    let second = first.resumed(Model::steady());
    assert_eq!(second.complete(), settled);
    assert_eq!(second.model.calls(), 0);
}
