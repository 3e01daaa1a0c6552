use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use promptgate_core::answer::Response;
use promptgate_core::plan::TrialKey;
use promptgate_core::port::{AnswerCache, RunLog};
use promptgate_core::record::SettledTrial;
use promptgate_core::score::Outcome;
use promptgate_core::secret::Scrubber;
use promptgate_store::StoredAnswers;

use crate::sample::{Runs, append, begun, digest, header, key, trial, unanswered};

fn answers(runs: &Runs) -> StoredAnswers {
    StoredAnswers::of(&runs.folder, &BTreeSet::from([digest("version")])).unwrap()
}

fn output(answers: &StoredAnswers, key: &TrialKey) -> Option<String> {
    answers.find(key).unwrap().map(|answer| answer.response.output)
}

fn drawn(index: u64, draw: u32, output: &str) -> SettledTrial {
    SettledTrial { draw, response: Some(Response::text(output)), ..trial(index) }
}

#[test]
fn a_stored_answer_is_found_by_its_whole_key() {
    let runs = Runs::new();
    runs.finished(&header("r1", 4), [trial(0), trial(1), unanswered(2)]);
    let answers = answers(&runs);
    let found = answers.find(&key(1)).unwrap().unwrap();
    assert_eq!((found.draw, found.run.as_str(), found.answered_ms), (1, "r1", 1_001));
    assert_eq!(Some(found.response), trial(1).response);
    assert_eq!(Some(found.request), trial(1).request);
    assert_eq!(output(&answers, &key(2)), None, "an error is asked again");
    assert_eq!(output(&answers, &TrialKey { repeat: 2, ..key(1) }), None);
    assert_eq!(answers.len(), 2);
}

#[test]
fn the_largest_draw_wins_and_of_one_draw_the_newest_run() {
    let runs = Runs::new();
    runs.finished(&header("r1", 2), [drawn(0, 2, "second draw"), drawn(1, 1, "older")]);
    runs.finished(&header("r2", 2), [drawn(0, 1, "first draw"), drawn(1, 1, "newer")]);
    let answers = answers(&runs);
    assert_eq!(output(&answers, &key(0)).unwrap(), "second draw");
    assert_eq!(output(&answers, &key(1)).unwrap(), "newer");
    assert_eq!(answers.find(&key(1)).unwrap().unwrap().run.as_str(), "r2");
}

#[test]
fn a_run_of_other_versions_is_passed_over() {
    let runs = Runs::new();
    let mut foreign = header("r1", 1);
    foreign.versions[0].identity.digest = digest("another version");
    runs.finished(&foreign, [trial(0)]);
    assert!(answers(&runs).is_empty());
    assert!(answers(&Runs::new()).is_empty());
}

#[test]
fn a_damaged_entry_is_a_miss_and_the_others_are_served() {
    let runs = Runs::new();
    runs.finished(&header("r1", 3), (0..3).map(trial));
    let path = runs.folder.path().join("r1.jsonl");
    let good = std::fs::read(&path).unwrap();
    for bit in (0..good.len() * 8).step_by(61) {
        let mut bad = good.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        std::fs::write(&path, &bad).unwrap();
        let before = answers(&runs);
        for index in 0..3 {
            let found = before.find(&key(index)).unwrap();
            assert!(found.is_none_or(|found| Some(found.response) == trial(index).response), "bit {bit}");
        }
    }
    // Damage that comes after the index was made is a miss too.
    std::fs::write(&path, &good).unwrap();
    let indexed = answers(&runs);
    std::fs::write(&path, String::from_utf8(good).unwrap().replace("output 1", "output 9")).unwrap();
    assert_eq!(output(&indexed, &key(1)), None);
    assert!(output(&indexed, &key(0)).is_some());
}

#[test]
fn an_unfinished_run_and_a_torn_line_give_what_is_whole() {
    let runs = Runs::new();
    runs.finished(&header("r1", 3), (0..3).map(trial));
    let path = runs.folder.path().join("r1.jsonl");
    let good = std::fs::read(&path).unwrap();
    std::fs::write(&path, &good[..good.len() - 300]).unwrap();
    let answers = answers(&runs);
    assert!(output(&answers, &key(0)).is_some() && output(&answers, &key(2)).is_none());
}

#[test]
fn ten_thousand_stored_answers_are_found_and_served_quickly() {
    const ANSWERS: u64 = 10_000;
    let runs = Runs::new();
    let mut log = runs.start(&header("r1", ANSWERS));
    for index in 0..ANSWERS {
        promptgate_core::port::RunLog::append(&mut log, &drawn(index, 1, &"word ".repeat(400))).unwrap();
    }
    promptgate_core::port::RunLog::finish(&mut log).unwrap();
    let keys: Vec<TrialKey> = (0..ANSWERS).map(key).collect();
    let start = Instant::now();
    let answers = answers(&runs);
    assert!(keys.iter().all(|key| output(&answers, key).is_some()));
    // Well under a second when optimised; the bound here only catches a change of order on a busy machine.
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
}

#[test]
fn an_answer_that_was_not_graded_is_found_until_its_trial_is_settled() {
    let runs = Runs::new();
    let mut log = runs.folder.create(&header("r1", 2), Scrubber::new()).unwrap();
    log.append_begun(&begun(0, 1, "of 0")).unwrap();
    log.append_begun(&begun(1, 1, "of 1")).unwrap();
    append(&mut log, [drawn(1, 1, "of 1")]);
    let answers = answers(&runs);
    let found = |index| answers.find(&key(index)).unwrap().unwrap();
    assert_eq!((found(0).response.output.as_str(), found(0).outcome, found(0).draw), ("of 0", Outcome::Errored, 1));
    assert_eq!((found(1).response.output.as_str(), found(1).outcome), ("of 1", Outcome::Passed));
    let before = answers.before(&key(1), 2).unwrap();
    assert_eq!((before.len(), before[0].outcome), (1, Outcome::Passed), "one draw, as it was settled");
}
