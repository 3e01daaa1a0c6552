use std::fs;
use std::os::unix::fs::PermissionsExt;

use promptgate_core::Digest;
use promptgate_core::answer::Response;
use promptgate_core::port::RunLog;
use promptgate_core::record::{BegunTrial, RecordInMemory, SettledRecord, SettledTrial};
use promptgate_core::secret::{Scrubber, Secret};
use promptgate_store::run::{RunError, RunState};

use crate::sample::{Runs, append, begun, header, indexes, trial, unanswered};

#[test]
fn a_finished_run_reads_back_in_plan_order_whatever_the_order_of_completion() {
    let runs = Runs::new();
    let header = header("20260101-000000-aaaaaa", 5);
    let trials = || [3, 0, 4].map(trial).into_iter().chain([unanswered(1), trial(2)]);
    runs.finished(&header, trials());
    let run = runs.folder.open("latest").unwrap();
    assert_eq!(*run.header(), header);
    let mut expected: Vec<SettledTrial> = trials().collect();
    expected.sort_by_key(|trial| trial.trial);
    assert_eq!(run.trials().map(Result::unwrap).collect::<Vec<_>>(), expected);
    assert_eq!(run.trial(4).unwrap().unwrap(), trial(4));
    assert!(run.trial(9).unwrap().is_none() && run.is_finished() && run.torn().is_none());
}

#[test]
fn what_a_trial_is_evidence_of_is_digested_as_it_is_written() {
    let runs = Runs::new();
    let header = header("r1", 1);
    let settled = |edit: fn(&mut SettledTrial)| {
        let mut trial = trial(0);
        edit(&mut trial);
        let memory = RecordInMemory { header: header.clone(), trials: vec![trial] };
        memory.digested().next().unwrap().unwrap().1
    };
    runs.finished(&header, [trial(0)]);
    let stored = runs.folder.open("r1").unwrap().digested().next().unwrap().unwrap().1;
    assert_eq!(stored, settled(|_| {}));
    assert_eq!(stored, settled(|trial| trial.volatile.attempts += 1));
    let field = |trial: &mut SettledTrial| _ = trial.volatile.groups.insert("volatile".into(), ["{".into()].into());
    assert_eq!(stored, settled(field));
    assert_ne!(stored, settled(|trial| trial.draw += 1));
    // A text that looks like the member that is left out does not end what is digested.
    let [one, other] =
        [settled(|trial| trial.case.tags = looks_like_it("a")), settled(|trial| trial.case.tags = looks_like_it("b"))];
    assert_ne!(one, other);
}

fn looks_like_it(more: &str) -> Vec<String> {
    vec![format!(r#"","volatile":{{{more}"#)]
}

/// So many that they are read ahead.
const MANY: u64 = 1_000;

#[test]
fn a_long_run_reads_back_in_plan_order_and_may_be_left_half_read() {
    let runs = Runs::new();
    runs.finished_at_once(&header("r1", MANY), (0..MANY).rev().map(trial));
    let run = runs.folder.open("r1").unwrap();
    let first: Vec<SettledTrial> = run.trials().take(3).map(Result::unwrap).collect();
    assert_eq!(first, [0, 1, 2].map(trial));
    let read: Vec<SettledTrial> = run.trials().map(Result::unwrap).collect();
    assert!(read.into_iter().eq((0..MANY).map(trial)));
}

#[test]
fn damage_to_a_long_run_while_it_is_read_is_an_error_in_its_place() {
    let runs = Runs::new();
    runs.finished_at_once(&header("r1", MANY), (0..MANY).map(trial));
    let path = runs.folder.path().join("r1.jsonl");
    let run = runs.folder.open("r1").unwrap();
    let text = fs::read_to_string(&path).unwrap();
    let line = text.lines().position(|line| line.contains("\"trial\":700,")).unwrap();
    fs::write(&path, text.replacen("\"trial\":700,", "\"trial\":701,", 1)).unwrap();
    let read: Vec<_> = run.trials().collect();
    assert_eq!(read.len() as u64, MANY);
    let wrong: Vec<usize> = (0..read.len()).filter(|index| read[*index].is_err()).collect();
    assert_eq!(wrong, [700]);
    let error = read[700].as_ref().unwrap_err().to_string();
    assert!(error.contains(&format!("r1.jsonl:{}:", line + 1)), "{error}");
}

#[test]
fn every_line_is_json_for_other_tools() {
    let runs = Runs::new();
    runs.finished(&header("r1", 2), [trial(0), trial(1)]);
    let text = fs::read_to_string(runs.folder.path().join("r1.jsonl")).unwrap();
    let kinds: Vec<String> = text
        .lines()
        .map(|line| {
            let value: serde_json::Map<String, serde_json::Value> = serde_json::from_str(line).unwrap();
            value.keys().nth(1).unwrap().clone()
        })
        .collect();
    assert_eq!(kinds, ["header", "synced", "trial", "trial", "finished"]);
}

#[test]
fn a_run_goes_on_where_it_stopped() {
    let runs = Runs::new();
    let mut log = runs.start(&header("r1", 6));
    append(&mut log, [trial(5), trial(0)]);
    log.append(&trial(3)).unwrap();
    drop(log);

    let mut resumed = runs.folder.resume("r1", Scrubber::new()).unwrap();
    assert_eq!(resumed.settled.iter().collect::<Vec<_>>(), [0, 5]);
    assert!(resumed.settled.holds(5) && !resumed.settled.holds(3) && !resumed.finished);
    append(&mut resumed.log, [1, 2, 3, 4].map(trial));
    resumed.log.finish().unwrap();
    drop(resumed);

    let run = runs.folder.open("r1").unwrap();
    assert_eq!(indexes(&run), [0, 1, 2, 3, 4, 5]);
    let mut resumed = runs.folder.resume("r1", Scrubber::new()).unwrap();
    assert!(resumed.finished && resumed.log.finish().is_ok() && resumed.log.append(&trial(0)).is_err());
}

#[test]
fn nothing_is_on_disk_before_its_commit() {
    let runs = Runs::new();
    let mut log = runs.start(&header("r1", 2));
    assert!(log.append(&trial(0)).unwrap() > 100);
    assert_eq!(runs.folder.open("r1").unwrap().settled(), 0);
    log.commit().unwrap();
    assert_eq!(runs.folder.open("r1").unwrap().settled(), 1);
}

#[test]
fn two_processes_never_append_to_one_run() {
    let runs = Runs::new();
    let log = runs.start(&header("r1", 2));
    assert!(matches!(runs.folder.resume("r1", Scrubber::new()), Err(RunError::Locked { .. })));
    drop(log);
    assert!(runs.folder.resume("r1", Scrubber::new()).is_ok());
}

#[test]
fn an_id_is_given_once() {
    let runs = Runs::new();
    runs.finished(&header("r1", 1), [trial(0)]);
    assert!(runs.folder.create(&header("r1", 1), Scrubber::new()).is_err());
    assert_eq!(runs.folder.open("r1").unwrap().settled(), 1);
}

#[test]
fn a_run_is_found_by_id_prefix_latest_and_path() {
    let runs = Runs::new();
    for id in ["20260101-a", "20260102-b", "20260102-bc"] {
        runs.finished(&header(id, 1), [trial(0)]);
    }
    let found = |wanted: &str| runs.folder.open(wanted).map(|run| run.header().volatile.run.to_string());
    assert_eq!(found("20260101").unwrap(), "20260101-a");
    assert_eq!(found("20260102-b").unwrap(), "20260102-b");
    assert_eq!(found("latest").unwrap(), "20260102-bc");
    let path = runs.folder.path().join("20260101-a.jsonl");
    assert_eq!(found(path.to_str().unwrap()).unwrap(), "20260101-a");
    assert!(matches!(found("20260102"), Err(RunError::Ambiguous { found, .. }) if found.len() == 2));
    let error = found("20260103-a").unwrap_err().to_string();
    assert!(error.contains("did you mean"), "{error}");
}

#[test]
fn runs_are_listed_from_the_newest_and_a_damaged_one_hides_none() {
    let runs = Runs::new();
    assert!(runs.folder.list().unwrap().is_empty());
    runs.finished(&header("r1", 1), [trial(0)]);
    drop(runs.start(&header("r2", 1)));
    fs::write(runs.folder.path().join("r3.jsonl"), "{}\n").unwrap();
    fs::write(runs.folder.path().join("r4.jsonl"), "").unwrap();
    fs::write(runs.folder.path().join("notes.txt"), "").unwrap();
    let states: Vec<(String, &str)> = runs
        .folder
        .list()
        .unwrap()
        .into_iter()
        .map(|entry| {
            let state = match entry.state {
                RunState::Finished(_) => "finished",
                RunState::Open(_) => "open",
                RunState::Unreadable(_) => "unreadable",
            };
            (entry.id.to_string(), state)
        })
        .collect();
    let expected = [("r4", "unreadable"), ("r3", "unreadable"), ("r2", "open"), ("r1", "finished")];
    assert_eq!(states, expected.map(|(id, state)| (id.to_owned(), state)));
    assert_eq!(runs.folder.open("latest").unwrap().header().volatile.run.as_str(), "r2");
}

#[test]
fn a_newer_schema_is_refused_and_says_so() {
    let runs = Runs::new();
    let mut newer = header("r1", 1);
    newer.schema = "promptgate.log/2".into();
    drop(runs.start(&newer));
    let error = runs.folder.open("r1").unwrap_err();
    assert!(matches!(&error, RunError::NewerSchema { schema, .. } if schema == "promptgate.log/2"), "{error}");
}

#[test]
fn files_and_folders_are_private_and_a_folder_others_may_write_is_refused() {
    let runs = Runs::new();
    runs.finished(&header("r1", 1), [trial(0)]);
    let mode = |path: &str| fs::metadata(runs.root().join(path)).unwrap().permissions().mode() & 0o777;
    assert_eq!(
        [mode(".promptgate"), mode(".promptgate/runs"), mode(".promptgate/runs/r1.jsonl")],
        [0o700, 0o700, 0o600]
    );
    for (folder, mode, refused) in
        [(".promptgate", 0o720, true), (".promptgate/runs", 0o702, true), (".promptgate", 0o755, false)]
    {
        let path = runs.root().join(folder);
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let unsafe_folder = |error: RunError| matches!(error, RunError::UnsafeFolder { .. });
        assert_eq!(runs.folder.open("r1").is_err_and(unsafe_folder), refused, "{folder} {mode:o}");
        assert_eq!(runs.folder.create(&header("r2", 1), Scrubber::new()).is_err_and(unsafe_folder), refused);
        assert_eq!(runs.folder.resume("r1", Scrubber::new()).is_err_and(unsafe_folder), refused);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
    }
}

#[test]
fn no_secret_reaches_a_run_file() {
    let runs = Runs::new();
    let scrubber = Scrubber::new();
    scrubber.learn(&Secret::new("sk-canary-0001"));
    let mut header = header("r1", 1);
    header.notes.push("key sk-canary-0001".into());
    let mut log = runs.folder.create(&header, scrubber).unwrap();
    let response = Some(Response::text("my key is sk-canary-0001, really"));
    log.append(&SettledTrial { response, ..trial(0) }).unwrap();
    log.finish().unwrap();
    let text = fs::read_to_string(log.path()).unwrap();
    assert!(!text.contains("canary") && text.contains("my key is [secret], really"));
    assert!(runs.folder.open("r1").is_ok());
}

#[test]
fn a_begun_trial_is_not_settled_and_a_resume_finds_what_it_came_to_last() {
    let runs = Runs::new();
    let mut log = runs.folder.create(&header("r1", 4), Scrubber::new()).unwrap();
    log.append_begun(&begun(2, 1, "first")).unwrap();
    log.append_begun(&begun(0, 1, "of 0")).unwrap();
    append(&mut log, [trial(0)]);
    log.append_begun(&begun(2, 1, "last")).unwrap();
    log.commit().unwrap();
    drop(log);
    let run = runs.folder.open("r1").unwrap();
    assert_eq!((indexes(&run), run.settled(), run.is_finished()), (vec![0], 1, false));
    let mut resumed = runs.folder.resume("r1", Scrubber::new()).unwrap();
    assert!(resumed.settled.holds(0) && !resumed.settled.holds(2));
    let found = |trial| resumed.begun.find(trial).unwrap();
    assert_eq!((found(2), found(0), found(1)), (Some(begun(2, 1, "last")), None, None));
    assert_eq!(resumed.begun.iter().map(|trial| trial.unwrap().trial).collect::<Vec<_>>(), [2]);
    append(&mut resumed.log, [1, 2, 3].map(trial));
    resumed.log.finish().unwrap();
    let run = runs.folder.open("r1").unwrap();
    assert_eq!((indexes(&run), run.is_finished()), (vec![0, 1, 2, 3], true));
}

#[test]
fn what_was_replied_for_all_cases_is_found_by_a_resume_also_where_its_trial_is_settled() {
    let (runs, question) = (Runs::new(), Digest::of_bytes(b"which steps?"));
    let mut log = runs.start(&header("r1", 4));
    for steps in ["first", "later"] {
        let told = [(question, Response::text(steps))].into();
        log.append_begun(&BegunTrial { told, ..begun(2, 1, "a") }).unwrap();
    }
    append(&mut log, [trial(2)]);
    drop(log);
    let told = runs.folder.resume("r1", Scrubber::new()).unwrap().begun.told().unwrap();
    assert_eq!(
        told.into_iter().map(|(asked, said)| (asked, said.output)).collect::<Vec<_>>(),
        [(question, "first".to_owned())]
    );
}

#[test]
fn a_damaged_begun_line_is_named() {
    let runs = Runs::new();
    let mut log = runs.folder.create(&header("r1", 4), Scrubber::new()).unwrap();
    log.append_begun(&begun(2, 1, "first")).unwrap();
    log.commit().unwrap();
    append(&mut log, [trial(0)]);
    drop(log);
    let path = runs.folder.path().join("r1.jsonl");
    fs::write(&path, fs::read_to_string(&path).unwrap().replace("first", "forst")).unwrap();
    let error = runs.folder.resume("r1", Scrubber::new()).unwrap_err();
    assert!(matches!(error, RunError::Corrupt { line: 3, .. }), "{error}");
}
