use std::io::{Seek, Write};
use std::sync::Arc;

use insta::assert_snapshot;
use promptgate_core::request::Request;
use promptgate_provider::Recording;
use promptgate_runner::{Counts, PrepareError, survey};
use serde_json::json;

use crate::world::{Answers, Model, Setting, World, cases, version};

/// Records what a run asked for, as `--record` would.
fn recorded(setting: &Setting) -> String {
    let lines = Arc::new(std::sync::Mutex::new(Vec::new()));
    let sink = lines.clone();
    let model = Model::new(move |request, _| {
        let output = crate::world::steady(request);
        sink.lock().unwrap().push(line(request, &output));
        crate::world::Act::Say(output)
    });
    World::of(setting, model).complete();
    let mut lines = lines.lock().unwrap().clone();
    lines.sort();
    lines.join("\n")
}

fn line(request: &Request, output: &str) -> String {
    let promptgate_core::request::Origin::Trial { prompt, case } = &request.origin else { panic!() };
    json!({"case": case, "prompt": prompt, "model": request.body.model, "trial": request.repeat,
        "request_digest": request.digest, "output": output})
    .to_string()
}

fn recording(text: &str) -> Arc<Recording> {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file.rewind().unwrap();
    Arc::new(Recording::open("recordings/one.jsonl", file, true).unwrap())
}

fn replaying(setting: &Setting, text: &str) -> World {
    let mut world = World::of(setting, Model::steady());
    world.supply.recordings = vec![Some(recording(text))];
    world
}

fn refusal(world: &World) -> String {
    let error = survey(&world.prepared, &world.supply, &promptgate_runner::Share::Planned).unwrap_err();
    assert!(matches!(error, PrepareError::Recordings(_)));
    format!("{}: {error}", error.exit_code().code())
}

#[test]
fn a_recording_that_holds_every_answer_needs_no_call() {
    let setting = Setting { trials: 2, ..Setting::compared(cases(20)) };
    let world = replaying(&setting, &recorded(&setting));
    assert_eq!(world.counts(), Counts { trials: 80, replayed: 80, ..Counts::default() });
}

#[test]
fn an_edited_prompt_makes_its_recording_stale_and_the_error_says_how_to_record_anew() {
    let before = Setting::compared(cases(12));
    let text = recorded(&before);
    let after = Setting { baselines: vec![version("terse", "Very briefly: {{text}}")], ..Setting::compared(cases(12)) };
    assert_snapshot!(refusal(&replaying(&after, &text)), @r#"
    2: recorded answers do not fit what is about to be asked: 12 stale (12 cases)
      case-0: triage.terse on scripted/one, trial 1: recordings/one.jsonl: line 2 answered another request
      case-1: triage.terse on scripted/one, trial 1: recordings/one.jsonl: line 4 answered another request
      case-2: triage.terse on scripted/one, trial 1: recordings/one.jsonl: line 10 answered another request
      case-3: triage.terse on scripted/one, trial 1: recordings/one.jsonl: line 12 answered another request
      case-4: triage.terse on scripted/one, trial 1: recordings/one.jsonl: line 14 answered another request
      and 7 more
    to record anew: promptgate run suites/triage --candidate triage.terse --live --record
    "#);
}

#[test]
fn a_missing_answer_is_an_error_and_never_a_call() {
    let text = recorded(&Setting::of(cases(3)));
    assert_snapshot!(refusal(&replaying(&Setting::of(cases(4)), &text)), @r#"
    2: recorded answer does not fit what is about to be asked: 1 missing (1 case)
      case-3: triage on scripted/one, trial 1: recordings/one.jsonl: no line; line 1 is nearest: case `case-0`
    to record anew: promptgate run suites/triage --candidate triage --live --record
    "#);
    assert_snapshot!(refusal(&replaying(&Setting { trials: 2, ..Setting::of(cases(1)) }, &text)), @r#"
    2: recorded answer does not fit what is about to be asked: 1 missing (1 case)
      case-0: triage on scripted/one, trial 2: recordings/one.jsonl: no line; line 1 is nearest: the same case, trial 1
    to record anew: promptgate run suites/triage --candidate triage --live --record --trials 2
    "#);
}

#[test]
fn what_is_stored_or_settled_needs_no_recording() {
    let setting = Setting::of(cases(4));
    let text = recorded(&Setting::of(cases(2)));
    let first = World::of(&setting, Model::steady());
    first.complete();
    let mut stored = replaying(&setting, &text);
    stored.supply.stored = Some(Arc::new(Answers::of(&first.log.settled())));
    assert_eq!(stored.counts(), Counts { trials: 4, reused: 4, ..Counts::default() });
    let mut settled = replaying(&setting, &text);
    settled.supply.settled = Some(Arc::new(|trial| trial >= 2));
    assert_eq!(settled.counts(), Counts { trials: 4, settled: 2, replayed: 2, ..Counts::default() });
}
