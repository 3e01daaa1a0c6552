use std::time::Duration;

use promptgate_core::Diagnostics;
use promptgate_core::answer::FailureKind;
use promptgate_core::ask::{Ask, Reply};
use promptgate_core::assertion::AssertionSpec;
use promptgate_core::message::{Message, Role};
use promptgate_core::name::ModelId;
use promptgate_core::price::NanoUsd;
use promptgate_core::record::TrialError;
use promptgate_core::request::{Origin, RequestBody};
use promptgate_core::score::{Evidence, Outcome, Scored};
use promptgate_scoring::assertion::{
    Assertion, AssertionKind, BuildContext, CostClass, Example, State, Step, Trial, Yields,
};
use promptgate_scoring::fold::run_report;
use serde_json::json;

use crate::world::{Act, Model, Setting, World, assertion, cases};

/// Asks a judge twice whether the output is good, one question after the other.
struct Judge;

fn question(text: &str) -> Ask {
    Ask::Model(Box::new(RequestBody::of(ModelId::new("judge/strict").unwrap(), vec![Message::text(Role::User, text)])))
}

impl Assertion for Judge {
    fn start(&self, trial: &Trial<'_>) -> Step {
        Step::Ask(State(json!(1)), vec![question(&trial.response.output), question("and the tone?")])
    }

    fn resume(&self, _: &Trial<'_>, state: State, replies: Vec<Reply>) -> Step {
        let says_yes = |reply: &Reply| matches!(reply, Reply::Model(response) if response.output == "yes");
        match (state.0.as_u64(), &replies[..]) {
            (_, [.., Reply::Failed(failure)]) => Step::Done(Scored::unscored(failure.message.clone())),
            (Some(1), _) => Step::Ask(State(json!(2)), vec![question("are you sure?")]),
            _ => Step::Done(Scored::decided(replies.iter().all(says_yes), Evidence::default())),
        }
    }
}

const EXAMPLE: Example = Example::of("", "");

static JUDGE: AssertionKind = AssertionKind {
    name: "judge",
    summary: "a judge says yes, and is sure",
    cost: CostClass::Judge,
    yields: |_| Yields::PassFail,
    parameters: &[],
    passes: EXAMPLE,
    fails: EXAMPLE,
    build,
};

fn build(_: &AssertionSpec, _: &BuildContext<'_>) -> Result<Box<dyn Assertion>, Diagnostics> {
    Ok(Box::new(Judge))
}

fn judged(count: usize) -> Setting {
    Setting { kinds: vec![&JUDGE], asserts: vec![assertion("judge", json!({}))], ..Setting::of(cases(count)) }
}

fn judge(verdict: impl Fn(u64) -> Act + Send + Sync + 'static) -> std::sync::Arc<Model> {
    Model::new(move |request, call| match &request.origin {
        Origin::Trial { .. } => Act::Say("an answer".to_owned()),
        Origin::Ask { .. } => verdict(call),
    })
}

#[test]
fn an_asking_assertion_is_served_through_the_same_answerer_and_resumed() {
    let world = World::of(&judged(5), judge(|_| Act::Say("yes".to_owned())));
    let settled = world.complete();
    assert!(settled.iter().all(|trial| trial.outcome == Outcome::Passed), "{settled:?}");
    assert_eq!(world.model.calls(), 5 * (1 + 2 + 1));
    assert!(world.log.settled().iter().all(|trial| trial.volatile.attempts == 4));
    let asked = world.model.asked.lock().unwrap();
    assert!(asked.iter().any(|(who, _)| who == "judge#1/case-4"));
}

#[test]
fn a_judge_that_tells_no_tokens_is_not_known_to_cost_nothing() {
    // `Say` comes without usage and cost; two questions, then one more.
    let settled = World::of(&judged(1), judge(|_| Act::Say("yes".to_owned()))).complete();
    assert_eq!((settled[0].judge_cost, settled[0].judge_unpriced), (None, 3));
    let settled = World::of(&judged(1), judge(|_| Act::Cost(7, "yes".to_owned()))).complete();
    assert_eq!((settled[0].judge_cost.unwrap().0, settled[0].judge_unpriced), (3 * 7, 0));
    let setting = Setting { kinds: vec![&MODERATED], ..judged(1) };
    let settled = World::of(&setting, judge(|_| Act::Say("{}".to_owned()))).complete();
    assert_eq!(settled[0].judge_unpriced, 0, "nobody charges for it");
}

static MODERATED: AssertionKind = AssertionKind {
    build: |_, _| {
        Ok(Box::new(Asks(|| vec![Ask::Moderate { model: ModelId::new("other/m").unwrap(), text: "x".to_owned() }])))
    },
    ..JUDGE
};

/// What a kind of the test asks of each trial.
struct Asks(fn() -> Vec<Ask>);

impl Assertion for Asks {
    fn start(&self, _: &Trial<'_>) -> Step {
        Step::Ask(State(json!(1)), (self.0)())
    }

    fn resume(&self, _: &Trial<'_>, _: State, _: Vec<Reply>) -> Step {
        Step::Done(Scored::decided(true, Evidence::default()))
    }
}

static EQUAL: AssertionKind = AssertionKind {
    build: |_, _| Ok(Box::new(Asks(|| vec![question("is it good?"), question("is it good?")]))),
    ..JUDGE
};

static STEPS: AssertionKind =
    AssertionKind { build: |_, _| Ok(Box::new(Asks(|| vec![question("which steps?").once()]))), ..JUDGE };

fn questions(world: &World) -> Vec<(String, u32)> {
    let asked = world.model.asked.lock().unwrap();
    let mut asked: Vec<_> = asked.iter().filter(|(who, _)| who.starts_with("judge#")).cloned().collect();
    asked.sort();
    asked
}

#[test]
fn equal_questions_are_a_draw_for_each_case_and_repeat_and_have_the_same_number_in_every_run() {
    let setting = Setting { kinds: vec![&EQUAL], trials: 2, ..judged(3) };
    let runs = [1, 2].map(|_| {
        let world = World::of(&setting, judge(|_| Act::Say("yes".to_owned())));
        world.complete();
        questions(&world)
    });
    let of = |case: usize| (1..=4).map(move |draw| (format!("judge#1/case-{case}"), draw));
    assert_eq!(runs[0], (0..3).flat_map(of).collect::<Vec<_>>());
    assert_eq!(runs[0], runs[1]);
}

#[test]
fn what_holds_for_all_cases_is_asked_once() {
    let setting = Setting { kinds: vec![&STEPS], ..judged(20) };
    let world = World::of(&setting, judge(|_| Act::Say("one".to_owned())));
    world.complete();
    assert_eq!(questions(&world).len(), 1);
    assert_eq!(world.log.settled().iter().map(|trial| u64::from(trial.volatile.attempts)).sum::<u64>(), 21);
}

#[test]
fn what_holds_for_all_cases_is_paid_once() {
    let setting = Setting { kinds: vec![&STEPS], ..judged(20) };
    let world = World::of(&setting, judge(|_| Act::Cost(7, "one".to_owned())));
    let settled = world.complete();
    assert!(settled.iter().all(|trial| trial.judge_cost.is_none()), "no trial bears it alone");
    let shared: Vec<_> = world.log.settled().into_iter().map(|trial| trial.volatile.shared).collect();
    assert!(shared.iter().all(|told| *told == shared[0] && told.values().map(|cost| cost.0).eq([7])), "{shared:?}");
}

fn vectors() -> Ask {
    Ask::Embed { model: ModelId::new("judge/vectors").unwrap(), texts: vec!["the same".to_owned()] }
}

static VECTORS: AssertionKind = AssertionKind { build: |_, _| Ok(Box::new(Asks(|| vec![vectors()]))), ..JUDGE };

/// The judging cost of a run whose vectors cost 7 a call, and what the calls for them came to.
fn paid_for_vectors(setting: &Setting) -> (u64, u64) {
    let world = World::of(setting, judge(|_| Act::Cost(7, "[[1.0]]".to_owned())));
    let settled = world.complete();
    assert!(settled.iter().all(|trial| trial.judge_cost.is_none()), "no trial bears it alone");
    let report = run_report(&*world.stored()).unwrap();
    (report.cost.judge_nano_usd.0, 7 * questions(&world).len() as u64)
}

#[test]
fn vectors_of_equal_texts_are_paid_once() {
    let (told, called) = paid_for_vectors(&Setting { kinds: vec![&VECTORS], ..judged(20) });
    assert_eq!(told, called, "once for all that ask meanwhile, as often as it is called for");
}

/// Asks for the same vectors again once it has them.
struct AsksAgain;

impl Assertion for AsksAgain {
    fn start(&self, _: &Trial<'_>) -> Step {
        Step::Ask(State(json!(1)), vec![vectors()])
    }

    fn resume(&self, _: &Trial<'_>, state: State, _: Vec<Reply>) -> Step {
        match state.0.as_u64() {
            Some(1) => Step::Ask(State(json!(2)), vec![vectors()]),
            _ => Step::Done(Scored::decided(true, Evidence::default())),
        }
    }
}

static VECTORS_AGAIN: AssertionKind = AssertionKind { build: |_, _| Ok(Box::new(AsksAgain)), ..JUDGE };

#[test]
fn vectors_that_nobody_kept_are_paid_again() {
    let setting = |cases| Setting { kinds: vec![&VECTORS_AGAIN], ..judged(cases) };
    assert_eq!(paid_for_vectors(&setting(1)), (14, 14));
    let (told, called) = paid_for_vectors(&setting(20));
    assert_eq!(told, called);
}

#[test]
fn what_holds_for_all_cases_is_asked_again_where_there_was_no_answer() {
    let setting = Setting { kinds: vec![&STEPS], ..judged(20) };
    let fails = |call| if call < 15 { Act::Fail(FailureKind::Server) } else { Act::Say("one".to_owned()) };
    let world = World::of(&setting, judge(fails));
    let settled = world.complete();
    assert!(settled.last().is_some() && questions(&world).len() < 20);
    assert!(settled.iter().any(|trial| trial.outcome == Outcome::Passed), "{settled:?}");
}

#[test]
fn a_judge_that_does_not_answer_leaves_the_trial_unscored() {
    let world = World::of(&judged(2), judge(|_| Act::Fail(FailureKind::Server)));
    let settled = world.complete();
    assert!(settled.iter().all(|trial| trial.outcome == Outcome::Errored));
    assert!(settled.iter().all(|trial| matches!(trial.error, Some(TrialError::Unscored { .. }))));
    assert!(world.log.settled().iter().all(|trial| trial.volatile.refused_ms.is_some()), "when, beside what it says");
}

#[test]
fn a_judge_that_panics_leaves_the_trial_unscored_and_the_run_complete() {
    let world = World::of(&judged(2), judge(|_| Act::Panic));
    assert!(world.complete().iter().all(|trial| trial.outcome == Outcome::Errored));
}

#[test]
fn a_slow_judge_holds_back_answers_rather_than_filling_memory() {
    let setting = judged(3_000);
    let world = World::of(&setting, judge(|_| Act::SayAfter(Duration::from_millis(1), "yes".to_owned())));
    assert_eq!(world.complete().len(), 3_000);
    let limits = world.limits;
    assert!(world.model.most.load(std::sync::atomic::Ordering::Relaxed) <= limits.concurrency + limits.asks);
}

#[test]
fn a_stop_gives_up_judges_that_do_not_answer() {
    let mut world = World::of(&judged(50), judge(|_| Act::Never));
    world.limits.grace = Duration::from_millis(100);
    let stop = world.stop.clone();
    let model = world.model.clone();
    let watcher = std::thread::spawn(move || {
        while model.most.load(std::sync::atomic::Ordering::Relaxed) < 32 {
            std::thread::yield_now();
        }
        stop.stop("Ctrl-C");
    });
    let outcome = world.run().unwrap();
    watcher.join().unwrap();
    assert_eq!(outcome.tally().settled(), 0);
    let second = world.resumed(judge(|_| Act::Say("yes".to_owned())));
    assert_eq!(second.complete().len(), 50);
}

#[test]
fn an_answer_that_waits_for_its_judge_is_not_asked_for_again() {
    let mut world = World::of(&judged(50), judge(|_| Act::Never));
    world.limits.grace = Duration::from_millis(100);
    let stop = world.stop.clone();
    let model = world.model.clone();
    let watcher = std::thread::spawn(move || {
        // All are answered, and as many judges as may are being asked.
        while model.calls() < 50 + 32 {
            std::thread::yield_now();
        }
        stop.stop("Ctrl-C");
    });
    assert_eq!(world.run().unwrap().tally().settled(), 0);
    watcher.join().unwrap();
    let second = world.resumed(judge(|_| Act::Say("yes".to_owned())));
    assert_eq!((second.counts().begun, second.counts().calls), (50, 0));
    let settled = second.complete();
    assert!(settled.iter().all(|trial| trial.outcome == Outcome::Passed && trial.draw == 1));
    assert_eq!(second.model.calls(), 50 * 3, "judges alone are asked");
    assert!(second.log.settled().iter().all(|trial| trial.volatile.attempts == 1 + 3), "all calls are counted");
}

#[test]
fn what_a_judge_was_paid_before_the_budget_was_spent_is_told() {
    let spent = |request: &promptgate_core::request::Request, call: u64| match &request.origin {
        Origin::Ask { .. } if call > 1 => Act::Fail(FailureKind::Budget),
        Origin::Ask { .. } => Act::Cost(7, "yes".to_owned()),
        Origin::Trial { .. } => Act::Say("an answer".to_owned()),
    };
    let world = World::of(&judged(1), Model::new(spent));
    assert_eq!(world.run().unwrap().tally().settled(), 0);
    let second = world.resumed(judge(|_| Act::Cost(5, "yes".to_owned())));
    let settled = second.complete();
    assert_eq!(settled[0].judge_cost.unwrap().0, 3 * 5, "what the grade rests on");
    assert_eq!(second.log.settled()[0].volatile.wasted.unwrap().0, 7, "the reply that served none");
}

#[test]
fn what_was_paid_for_an_answer_that_is_skipped_is_told() {
    // The first five get no answer; the others have one that waits for its judge.
    let mut world = World::of(
        &judged(20),
        Model::new(|request, call| match &request.origin {
            Origin::Trial { .. } if call >= 5 => Act::Cost(9, "an answer".to_owned()),
            _ => Act::Never,
        }),
    );
    world.limits.grace = Duration::from_millis(100);
    let (stop, model) = (world.stop.clone(), world.model.clone());
    let watcher = std::thread::spawn(move || {
        while model.calls() < 20 + 15 * 2 {
            std::thread::yield_now();
        }
        stop.stop("Ctrl-C");
    });
    assert_eq!(world.run().unwrap().tally().settled(), 0);
    watcher.join().unwrap();
    let slow = |request: &promptgate_core::request::Request, _: u64| match &request.origin {
        Origin::Trial { .. } => Act::SayAfter(Duration::from_millis(100), "an answer".to_owned()),
        Origin::Ask { .. } => Act::Say("no".to_owned()),
    };
    let mut second = world.resumed(Model::new(slow));
    (second.limits.max_fail, second.limits.concurrency) = (Some(1), 1);
    let settled = second.complete();
    let skipped = settled.iter().filter(|trial| trial.outcome == Outcome::Skipped).count();
    let told = second.log.settled().iter().filter(|trial| trial.volatile.wasted == Some(NanoUsd(9))).count();
    assert!(skipped > 10 && told > 10, "{skipped} skipped, {told} told");
}

#[test]
fn attempts_before_the_budget_was_spent_are_told() {
    let world = World::of(&Setting::of(cases(1)), Model::new(|_, _| Act::Spent { attempts: 2, wasted: 3 }));
    assert_eq!(world.run().unwrap().tally().settled(), 0);
    let again = world.resumed(Model::new(|_, _| Act::Spent { attempts: 1, wasted: 4 }));
    assert_eq!(again.run().unwrap().tally().settled(), 0);
    let last = again.resumed(Model::steady());
    let _ = last.complete();
    let volatile = &last.log.settled()[0].volatile;
    assert_eq!((volatile.attempts, volatile.wasted.unwrap().0), (2 + 1 + 1, 3 + 4));
    assert_eq!(volatile.wasted_unpriced, 2 + 1, "those of the last call are known");
}
