use promptgate_core::answer::Response;
use promptgate_core::message::{Message, Role};
use promptgate_core::name::{CaseId, ModelId, PromptId};
use promptgate_core::port::RecordingSink;
use promptgate_core::request::{Origin, Request, RequestBody};
use promptgate_core::secret::{Scrubber, Secret};
use promptgate_store::RecordingFile;
use promptgate_testkit::Project;
use serde_json::Value;

fn request(case: &str, prompt: &str) -> Request {
    let body = RequestBody::of(ModelId::new("openai/gpt-4").unwrap(), vec![Message::text(Role::User, case)]);
    let origin = Origin::Trial { prompt: PromptId::new(prompt).unwrap(), case: CaseId::new(case).unwrap() };
    Request { digest: body.digest(), body, repeat: 1, timeout_ms: 1_000, origin }
}

/// Records answers over a file and gives its lines.
fn record(project: &Project, answers: &[(&str, &str, &str)]) -> Vec<Value> {
    let mut file = RecordingFile::create(&project.path("recordings/r.jsonl"), Scrubber::new()).unwrap();
    for (case, prompt, output) in answers {
        file.record(&request(case, prompt), &Response::text(*output)).unwrap();
    }
    file.finish().unwrap();
    project.read("recordings/r.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn outputs(lines: &[Value]) -> Vec<&str> {
    lines.iter().map(|line| line["output"].as_str().unwrap()).collect()
}

#[test]
fn a_new_recording_is_ordered_by_case_whatever_the_order_of_completion() {
    let project = Project::new();
    let lines =
        record(&project, &[("b", "p", "of b"), ("a", "p", "first"), ("a", "p.x", "of x"), ("a", "p", "second")]);
    assert_eq!(outputs(&lines), ["second", "of x", "of b"]);
    assert_eq!(lines[0]["request_digest"], request("a", "p").digest.to_string());
    assert_eq!(lines[0]["model"], "openai/gpt-4");
}

#[test]
fn old_lines_that_are_not_recorded_anew_stay_as_they_are() {
    let old = [
        r#"{"output":"of c",   "case":"c","prompt":"p","model":"openai/gpt-4"}"#,
        r#"{"case":"a","prompt":"p","model":"gpt-4","output":"old a"}"#,
        r#"{"case":"a","output":"of any prompt"}"#,
        r#"{"case":"a","prompt":"p","model":"gpt-4","trial":2,"output":"of trial 2"}"#,
    ];
    let project = Project::new().file("recordings/r.jsonl", old.join("\n"));
    let lines = record(&project, &[("d", "p", "of d"), ("a", "p", "new a")]);
    assert_eq!(outputs(&lines), ["of c", "new a", "of any prompt", "of trial 2", "of d"]);
    let text = project.read("recordings/r.jsonl");
    assert!(text.starts_with(&format!("{}\n", old[0])) && text.contains(old[3]));
}

#[test]
fn a_run_that_is_not_finished_leaves_the_old_recording() {
    let project = Project::new().file("recordings/r.jsonl", "{\"case\":\"a\",\"output\":\"old\"}\n");
    let mut file = RecordingFile::create(&project.path("recordings/r.jsonl"), Scrubber::new()).unwrap();
    file.record(&request("a", "p"), &Response::text("new")).unwrap();
    drop(file);
    assert_eq!(project.files("recordings"), ["recordings/r.jsonl"]);
    assert!(project.read("recordings/r.jsonl").contains("old"));
}

#[test]
fn a_broken_old_recording_is_refused_before_anything_is_paid_for() {
    let project = Project::new().file("recordings/r.jsonl", "{\"case\":\"a\",\"output\":\"old\"}\n{\"cas\n");
    let error = RecordingFile::create(&project.path("recordings/r.jsonl"), Scrubber::new()).unwrap_err().to_string();
    assert!(error.contains("r.jsonl:2:"), "{error}");
}

#[test]
fn no_secret_reaches_a_recording() {
    let project = Project::new();
    let scrubber = Scrubber::new();
    scrubber.learn(&Secret::new("sk-canary-0001"));
    let mut file = RecordingFile::create(&project.path("r.jsonl"), scrubber).unwrap();
    file.record(&request("a", "p"), &Response::text("it is sk-canary-0001")).unwrap();
    file.finish().unwrap();
    assert!(project.read("r.jsonl").contains("it is [secret]"));
}

#[test]
fn what_an_assertion_asks_is_recorded_question_by_question() {
    let project = Project::new();
    let mut file = RecordingFile::create(&project.path("r.jsonl"), Scrubber::new()).unwrap();
    let origin = Origin::Ask { assertion: "rubric".into(), case: CaseId::new("a").unwrap(), shared: false };
    let asks = |case: &str| Request { origin: origin.clone(), ..request(case, "p") };
    file.record(&asks("a"), &Response::text("4 of 5")).unwrap();
    file.record(&asks("b"), &Response::text("5 of 5")).unwrap();
    file.finish().unwrap();
    assert_eq!(project.read("r.jsonl").matches(r#""assertion":"rubric""#).count(), 2);
    let mut again = RecordingFile::create(&project.path("r.jsonl"), Scrubber::new()).unwrap();
    again.record(&asks("b"), &Response::text("3 of 5")).unwrap();
    again.finish().unwrap();
    let text = project.read("r.jsonl");
    assert!(text.contains("4 of 5") && !text.contains("5 of 5") && text.contains("3 of 5"), "{text}");
}

#[test]
fn two_versions_of_a_prompt_are_both_recorded_and_one_anew_leaves_the_other() {
    let asks = |text: &str| {
        let mut request = request("a", "p");
        request.body.messages = vec![Message::text(Role::User, text)];
        Request { digest: request.body.digest(), ..request }
    };
    let bare = r#"{"case":"a","prompt":"p","model":"gpt-4","output":"of neither"}"#;
    let project = Project::new().file("r.jsonl", bare);
    let record = |answers: &[(&str, &str)]| {
        let mut file = RecordingFile::create(&project.path("r.jsonl"), Scrubber::new()).unwrap();
        answers.iter().for_each(|(text, said)| file.record(&asks(text), &Response::text(*said)).unwrap());
        file.finish().unwrap();
        let text = project.read("r.jsonl");
        let mut said: Vec<String> = text
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap()["output"].as_str().unwrap().to_owned())
            .collect();
        said.sort_unstable();
        said
    };
    assert_eq!(record(&[("old", "of old"), ("new", "of new")]), ["of new", "of old"]);
    assert_eq!(record(&[("new", "of new again")]), ["of new again", "of old"]);
    assert_eq!(record(&[("newer", "of newer")]), ["of new again", "of newer", "of old"]);
}

#[test]
fn what_a_prompt_asked_before_it_was_edited_stays_recorded() {
    let project = Project::new();
    let record = |text: &str| {
        let mut file = RecordingFile::create(&project.path("r.jsonl"), Scrubber::new()).unwrap();
        for case in 0..50 {
            let mut request = request(&format!("c{case}"), "p");
            request.body.messages = vec![Message::text(Role::User, text)];
            request.digest = request.body.digest();
            file.record(&request, &Response::text("said")).unwrap();
        }
        file.finish().unwrap();
        project.read("r.jsonl").lines().count()
    };
    assert_eq!([record("old"), record("old"), record("new")], [50, 50, 100]);
}

#[cfg(target_os = "linux")]
#[test]
fn where_nothing_can_be_written_is_told_before_anything_is_recorded() {
    let error = RecordingFile::create("/proc/r.jsonl".as_ref(), Scrubber::new()).unwrap_err().to_string();
    assert!(error.contains("cannot record into /proc/r.jsonl: "), "{error}");
    assert!(RecordingFile::create(&Project::new().path("a/b/r.jsonl"), Scrubber::new()).is_ok());
}

#[test]
fn what_is_no_file_is_not_recorded_into() {
    for path in ["/dev/full", "/dev/zero", "/tmp"] {
        let error = RecordingFile::create(path.as_ref(), Scrubber::new()).unwrap_err().to_string();
        assert!(error.contains("is no file"), "{error}");
    }
}

#[test]
fn what_a_killed_process_recorded_is_gone_on_with() {
    let project = Project::new();
    let spool = project.path("spool");
    let file = || RecordingFile::create(&project.path("r.jsonl"), Scrubber::new()).unwrap().kept_in(&spool).unwrap();
    let mut first = file();
    first.record(&request("a", "p"), &Response::text("of a")).unwrap();
    first.record(&request("b", "p"), &Response::text("of b")).unwrap();
    // As a kill leaves it: nothing is finished, and the last line is torn.
    std::mem::forget(first);
    let whole = std::fs::read(&spool).unwrap();
    std::fs::write(&spool, &whole[..whole.len() - 3]).unwrap();
    let mut second = file();
    second.record(&request("c", "p"), &Response::text("of c")).unwrap();
    second.finish().unwrap();
    let text = project.read("r.jsonl");
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(outputs(&lines), ["of a", "of c"]);
    assert!(!spool.exists());
}

#[test]
fn what_is_dropped_before_anything_is_recorded_leaves_no_file() {
    let project = Project::new();
    let spool = project.path("spool");
    let file = || RecordingFile::create(&project.path("r.jsonl"), Scrubber::new()).unwrap().kept_in(&spool).unwrap();
    drop(file());
    assert!(!spool.exists());
    let mut begun = file();
    begun.record(&request("a", "p"), &Response::text("of a")).unwrap();
    drop(begun);
    assert!(spool.exists());
}

/// What an assertion of a case asks for all cases, told apart by `text`.
fn for_all(case: &str, text: &str) -> Request {
    let origin = Origin::Ask { assertion: "steps-rubric".into(), case: CaseId::new(case).unwrap(), shared: true };
    Request { origin, ..request(text, "p") }
}

/// The cases and outputs of a recording's lines.
fn cases_and_outputs(text: &str) -> Vec<(String, String)> {
    let line = |line: &str| serde_json::from_str::<Value>(line).unwrap();
    let of = |line: Value| ["case", "output"].map(|key| line[key].as_str().unwrap().to_owned());
    text.lines().map(|text| of(line(text)).into()).collect()
}

#[test]
fn what_holds_for_all_cases_is_recorded_once_whichever_case_asks() {
    let project = Project::new();
    let record = |asked: &[(&str, &str, &str)]| {
        let mut file = RecordingFile::create(&project.path("r.jsonl"), Scrubber::new()).unwrap();
        asked.iter().for_each(|(case, text, said)| file.record(&for_all(case, text), &Response::text(*said)).unwrap());
        file.finish().unwrap();
        cases_and_outputs(&project.read("r.jsonl"))
    };
    let lines = |lines: &[(&str, &str)]| -> Vec<(String, String)> {
        lines.iter().map(|(case, output)| ((*case).to_owned(), (*output).to_owned())).collect()
    };
    assert_eq!(record(&[("a", "steps", "old")]), lines(&[("a", "old")]));
    assert_eq!(record(&[("b", "steps", "new")]), lines(&[("b", "new")]));
    assert_eq!(record(&[("c", "other steps", "of another")]), lines(&[("b", "new"), ("c", "of another")]));
    // As recordings from before hold it, and with a short name of the model.
    let line = project.read("r.jsonl").lines().next().unwrap().replace("openai/gpt-4", "gpt-4");
    project.write("r.jsonl", format!("{line}\n{}\n", line.replace(r#""case":"b""#, r#""case":"a""#)));
    assert_eq!(record(&[("d", "steps", "newest")]), lines(&[("d", "newest")]));
}

#[test]
fn what_holds_for_all_cases_names_the_least_of_those_that_asked_also_after_a_kill() {
    let project = Project::new();
    let spool = project.path("spool");
    let open = || RecordingFile::create(&project.path("r.jsonl"), Scrubber::new()).unwrap().kept_in(&spool).unwrap();
    for order in [["a", "b", "c"], ["c", "a", "b"], ["b", "c", "a"]] {
        let mut file = open();
        file.record(&for_all(order[0], "steps"), &Response::text("first")).unwrap();
        file.also_asked(&for_all(order[1], "steps")).unwrap();
        file.also_asked(&for_all("z", "what was not answered")).unwrap();
        std::mem::forget(file);
        let mut file = open();
        file.record(&for_all(order[2], "steps"), &Response::text("said")).unwrap();
        file.finish().unwrap();
        assert_eq!(cases_and_outputs(&project.read("r.jsonl")), [("a".to_owned(), "said".to_owned())], "{order:?}");
        project.remove("r.jsonl");
    }
}
