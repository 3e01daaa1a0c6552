use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use promptgate_core::event::Event;
use promptgate_core::score::Outcome;
use promptgate_runner::{FailedCases, GroupCommit, RunError, RunOutcome};

use crate::world::{Act, Cases, Log, Model, Setting, World, cases, steady};

#[test]
fn a_trial_is_shown_only_after_the_commit_that_put_it_on_disk() {
    let world = World::of(&Setting::of(cases(300)), Model::steady());
    let (disk, shown) = (world.log.disk.clone(), Arc::new(AtomicU64::new(0)));
    let counted = shown.clone();
    let outcome = world.run_heard(Arc::new(move |event| {
        if matches!(event, Event::Settled { .. }) {
            let shown = counted.fetch_add(1, Ordering::SeqCst) + 1;
            assert!(disk.lock().unwrap().committed.len() as u64 >= shown);
        }
    }));
    assert!(matches!(outcome, Ok(RunOutcome::Complete(_))));
    assert_eq!(shown.load(Ordering::SeqCst), 300);
}

#[test]
fn commits_come_in_groups_by_size_and_by_time() {
    let quick = World::of(&Setting::of(cases(2_000)), Model::steady());
    quick.complete();
    let commits = quick.log.disk.lock().unwrap().commits;
    assert!(commits < 200, "{commits} commits for 2,000 trials");

    let mut small = World::of(&Setting::of(cases(100)), Model::steady());
    // The log counts 1,000 bytes a trial.
    small.limits.commit = GroupCommit { longest: Duration::from_secs(60), largest: 5_000 };
    small.complete();
    assert_eq!(small.log.disk.lock().unwrap().commits, 100 / 5 + 1);

    let slow = Model::new(|request, _| Act::SayAfter(Duration::from_millis(80), steady(request)));
    let mut slow = World::of(&Setting::of(cases(5)), slow);
    slow.limits.concurrency = 1;
    slow.complete();
    assert!(slow.log.disk.lock().unwrap().commits >= 5);
}

#[test]
fn a_full_disk_leaves_the_run_incomplete_with_all_that_was_committed() {
    for at in [1, 2, 50, 199] {
        let mut world = World::of(&Setting::of(cases(200)), Model::steady());
        world.log = Log { fails_at_append: Some(at), ..Log::default() };
        let outcome = world.run().unwrap();
        let RunOutcome::Incomplete { reason, tally } = outcome else { panic!("{outcome:?}") };
        assert!(reason.contains("no space left on device"), "{reason}");
        assert_eq!(tally.settled(), world.log.settled().len() as u64);
        assert!(!world.log.disk.lock().unwrap().finished);
    }
}

#[test]
fn a_full_disk_at_the_very_end_is_incomplete_too() {
    let mut world = World::of(&Setting::of(cases(3)), Model::steady());
    world.log = Log { fails_at_finish: true, ..Log::default() };
    assert!(matches!(world.run(), Ok(RunOutcome::Incomplete { .. })));
}

#[test]
fn a_log_that_fails_otherwise_is_an_error_and_says_what_is_safe() {
    let mut world = World::of(&Setting::of(cases(200)), Model::steady());
    world.log = Log { fails_at_append: Some(20), other_error: true, ..Log::default() };
    let error = world.run().unwrap_err();
    assert!(matches!(&error, RunError::Log { settled, .. } if *settled == world.log.settled().len() as u64));
}

#[test]
fn a_full_disk_ends_calls_that_would_be_in_vain() {
    let model = Model::new(|request, call| if call < 30 { Act::Say(steady(request)) } else { Act::Never });
    let mut world = World::of(&Setting::of(cases(200)), model);
    world.log = Log { fails_at_append: Some(10), ..Log::default() };
    assert!(matches!(world.run(), Ok(RunOutcome::Incomplete { .. })));
}

#[test]
fn after_enough_failed_cases_the_rest_is_skipped() {
    let mut world = World::of(&Setting::of(cases(500)), Model::new(|_, _| Act::Say("no".to_owned())));
    world.limits.max_fail = Some(3);
    world.limits.concurrency = 2;
    let settled = world.complete();
    assert_eq!(settled.len(), 500);
    let failed: Vec<_> = settled.iter().filter(|trial| trial.outcome == Outcome::Failed).collect();
    let skipped = settled.iter().filter(|trial| trial.outcome == Outcome::Skipped).count();
    assert!(failed.len() >= 3 && failed.len() + skipped == 500);
    assert_eq!(world.model.calls(), failed.len() as u64);
    assert!(settled.iter().all(|trial| trial.outcome != Outcome::Skipped || trial.key.is_none()));
}

#[test]
fn a_resumed_run_counts_the_cases_that_failed_before() {
    let mut first = World::of(
        &Setting::of(cases(50)),
        Model::new(|_, call| match call {
            0..4 => Act::Say("no".to_owned()),
            _ => Act::Spent { attempts: 1, wasted: 0 },
        }),
    );
    first.limits.concurrency = 1;
    assert_eq!(first.run().unwrap().tally().settled(), 4);
    for (most, calls) in [(4, 0), (6, 2)] {
        let mut again = first.resumed(Model::new(|_, _| Act::SayAfter(Duration::from_millis(20), "no".to_owned())));
        (again.limits.max_fail, again.limits.concurrency) = (Some(most), 1);
        let settled = again.complete();
        let failed = settled.iter().filter(|trial| trial.outcome == Outcome::Failed).count() as u64;
        // More may be under way while the last one is graded.
        let most_calls = if calls == 0 { 0 } else { 40 };
        assert!((calls..=most_calls).contains(&again.model.calls()), "{}", again.model.calls());
        assert_eq!((failed, settled.len()), (4 + again.model.calls(), 50));
    }
}

#[test]
fn no_more_failed_cases_are_kept_than_are_counted() {
    let world = World::of(&Setting::of(cases(20)), Model::new(|_, _| Act::Say("no".to_owned())));
    let settled = world.complete();
    let kept = |trials: usize, most: Option<u64>| {
        let mut failed = FailedCases::default();
        settled[..trials].iter().for_each(|trial| failed.add(&world.prepared.plan, trial, most));
        failed
    };
    assert_eq!(kept(20, None), FailedCases::default());
    assert_eq!(kept(20, Some(3)), kept(3, Some(3)));
    assert!(!kept(2, Some(3)).are_enough(Some(3)) && kept(20, Some(3)).are_enough(Some(3)));
}

#[test]
fn repeats_of_one_case_are_one_failed_case() {
    let setting = Setting { trials: 5, ..Setting::of(cases(2)) };
    let mut world = World::of(&setting, Model::new(|_, _| Act::Say("no".to_owned())));
    world.limits.max_fail = Some(3);
    world.limits.concurrency = 1;
    let settled = world.complete();
    assert!(settled.iter().all(|trial| trial.outcome == Outcome::Failed));
}

#[test]
fn a_case_that_does_not_read_any_more_stops_the_run_and_loses_nothing() {
    let setting = Setting {
        cases: Arc::new(Cases { cases: cases(100), vanishes_after: Some(150), ..Cases::default() }),
        ..Setting::of(Vec::new())
    };
    let world = World::of(&setting, Model::steady());
    let error = world.run().unwrap_err();
    assert!(matches!(error, RunError::Read(_)), "{error}");
    let settled: HashSet<u64> = world.log.settled().iter().map(|trial| trial.trial).collect();
    assert_eq!(settled.len() as u64, world.model.calls());
}
