//! What `--record` leaves behind: enough to run the same again without a call.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use promptgate_mock::{Said, Server, Wire};
use promptgate_testkit::Project;

const CASES: usize = 10;
const RECORDING: &str = "suites/s/recordings/m.jsonl";

/// A prompt that is held to what it is on main.
fn project(server: &Server) -> Project {
    let suite = "name = \"s\"\nprompt = \"say\"\n[[model]]\nid = \"openai/m\"\nrecording = \"recordings/m.jsonl\"\n\
        [cases]\nfile = \"cases.jsonl\"\n[[assert]]\nkind = \"contains\"\nvalue = \"a\"\n[gate]\nbaseline = \"say@git:main\"\n\
        [[gate.check]]\nmetric = \"pass_rate\"\nallowed_drop = 0.05\n";
    let cases: String = (0..CASES).map(|n| format!("{{\"id\":\"c{n}\",\"vars\":{{\"text\":\"{n}\"}}}}\n")).collect();
    let project = Project::new()
        .binary(env!("CARGO_BIN_EXE_promptgate"))
        .file("promptgate.toml", "")
        .file("suites/s/suite.toml", suite)
        .file("suites/s/prompts/say.prompt", "{{text}} old")
        .file("suites/s/cases.jsonl", cases)
        .variable("OPENAI_BASE_URL", &server.base_url())
        .variable("OPENAI_API_KEY", "k");
    let _ = project.commit("main");
    project.write("suites/s/prompts/say.prompt", "{{text}} new");
    project
}

/// Settled trials of the one run there is.
fn settled(project: &Project) -> usize {
    let files = project.files(".promptgate/runs");
    let run = files.iter().find(|file| file.ends_with(".jsonl"));
    run.map_or(0, |run| project.read(run).matches("\"trial\":{").count())
}

/// Runs the gate from its recording alone, and says how many calls that took.
fn replayed(project: &Project, server: &Server) -> usize {
    let before = server.count();
    std::fs::remove_dir_all(project.path(".promptgate")).unwrap();
    let said = project.run(["gate", "suites/s", "--cache=off"]);
    assert!([0, 100, 102].contains(&said.code), "{said:?}");
    server.count() - before
}

#[test]
fn both_versions_of_a_prompt_are_recorded() {
    let server = Server::start(|_| Wire::Chat.whole(&Said::text("m", "a")));
    let project = project(&server);
    let said = project.run(["gate", "suites/s", "--record"]);
    assert!(said.stderr.contains("calls"), "{said:?}");
    assert_eq!((server.count(), project.read(RECORDING).lines().count()), (2 * CASES, 2 * CASES));
    // As where it was killed when the run was complete and the recording not yet in its place.
    project.remove(RECORDING);
    let _ = project.run(["gate", "suites/s", "--record", "--resume"]);
    assert_eq!((server.count(), project.read(RECORDING).lines().count()), (2 * CASES, 2 * CASES));
    assert_eq!(replayed(&project, &server), 0);
}

#[test]
fn a_recorded_run_that_was_killed_leaves_a_whole_recording_once_it_is_gone_on_with() {
    let server = Server::start(|received| {
        let reply = Wire::Chat.whole(&Said::text("m", "a"));
        // The first half comes at once.
        if received.number > CASES { reply.after(Duration::from_secs(1)) } else { reply }
    });
    let project = project(&server);
    let mut child = project.spawn(["gate", "suites/s", "--record", "--concurrency=2"]);
    let begin = Instant::now();
    while settled(&project) < CASES {
        assert!(begin.elapsed() < Duration::from_secs(20), "the run does not begin");
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    let _ = child.wait().unwrap();
    assert!(!project.has(RECORDING));
    let _ = project.run(["gate", "suites/s", "--record", "--resume"]);
    assert_eq!(project.read(RECORDING).lines().count(), 2 * CASES);
    assert_eq!(replayed(&project, &server), 0);
}

#[test]
fn what_judges_said_before_a_run_was_killed_is_in_its_recording_too() {
    let asked = AtomicUsize::new(0);
    let server = Server::start(move |received| match received.json()["model"] == "judge" {
        true => {
            let reply = Wire::Chat.whole(&Said::text("m", "{\"reason\": \"it is\", \"score\": 5}"));
            // Half of what the first process asks comes at once, the other half when it is dead.
            let is_late = (CASES / 2..CASES).contains(&asked.fetch_add(1, Ordering::Relaxed));
            if is_late { reply.after(Duration::from_secs(5)) } else { reply }
        }
        false => Wire::Chat.whole(&Said::text("m", "a")),
    });
    let suite = "name = \"s\"\nprompt = \"say\"\n[[model]]\nid = \"openai/m\"\n[[judge]]\nid = \"openai/judge\"\n\
        [cases]\nfile = \"cases.jsonl\"\n[[assert]]\nkind = \"rubric\"\ncriteria = \"It is polite.\"\n";
    let project = project(&server).file("suites/s/suite.toml", suite);
    let run = ["run", "suites/s", "--record=all.jsonl", "--concurrency=1", "--cache=off"];
    let mut child = project.spawn(run);
    let begin = Instant::now();
    while settled(&project) < 3 {
        assert!(begin.elapsed() < Duration::from_secs(20), "the run does not begin");
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    let _ = child.wait().unwrap();
    assert!(!project.has("all.jsonl"));
    let _ = project.run(run.into_iter().chain(["--resume"])).expect_code(0);
    let recorded = project.read("all.jsonl");
    assert_eq!(recorded.matches("\"assertion\":\"rubric").count(), CASES, "{recorded}");
    assert_eq!(recorded.matches("\"prompt\":\"say\"").count(), CASES, "{recorded}");
    assert!(project.files(".promptgate/runs").iter().all(|file| file.ends_with(".jsonl")), "nothing is left behind");
}

/// A judge that first writes steps for all cases, each time others, and a model whose answer to the first case comes late.
fn with_steps() -> Server {
    let written = AtomicUsize::new(0);
    Server::start(move |received| {
        let asked = received.json().to_string();
        if asked.contains("No answer is graded yet") {
            let number = written.fetch_add(1, Ordering::Relaxed);
            Wire::Chat.whole(&Said::text("m", &format!("{{\"items\": [\"step {number}\"]}}")))
        } else if received.json()["model"] == "judge" {
            Wire::Chat.whole(&Said::text("m", "{\"reason\": \"it is\", \"score\": 5}"))
        } else {
            let reply = Wire::Chat.whole(&Said::text("m", "a"));
            if asked.contains("0 new") { reply.after(Duration::from_millis(300)) } else { reply }
        }
    })
}

const JUDGED: &str = "suites/s/recordings/judge.jsonl";

fn judged_by_steps(server: &Server) -> Project {
    let suite = "name = \"s\"\nprompt = \"say\"\n[[model]]\nid = \"openai/m\"\nrecording = \"recordings/m.jsonl\"\n\
        [[judge]]\nid = \"openai/judge\"\nrecording = \"recordings/judge.jsonl\"\n[cases]\nfile = \"cases.jsonl\"\n\
        [[assert]]\nkind = \"steps-rubric\"\ncriteria = \"It is polite.\"\n";
    project(server).file("suites/s/suite.toml", suite)
}

#[test]
fn a_case_that_is_recorded_anew_is_replayed_by_the_steps_that_were_written_anew() {
    let server = with_steps();
    let project = judged_by_steps(&server);
    for case in ["id=c0", "id=c1"] {
        let _ = project.run(["run", "suites/s", "--record", "--cache=off", "--filter", case]).expect_code(0);
    }
    let recorded = project.read(JUDGED);
    assert_eq!(recorded.matches("items").count(), 1, "{recorded}");
    let calls = server.count();
    std::fs::remove_dir_all(project.path(".promptgate")).unwrap();
    let _ = project.run(["run", "suites/s", "--cache=off", "--filter", "id=c1"]).expect_code(0);
    assert_eq!(server.count(), calls);
}

#[test]
fn steps_for_all_cases_are_recorded_under_the_first_of_them_whichever_asks_first() {
    let server = with_steps();
    let project = judged_by_steps(&server);
    let _ = project.run(["run", "suites/s", "--record"]).expect_code(0);
    let recorded = project.read(JUDGED);
    let steps = recorded.lines().find(|line| line.contains("items")).unwrap();
    assert!(steps.contains("\"case\":\"c0\""), "{steps}");
}

#[test]
fn a_recording_behind_a_link_is_written_and_the_link_stays() {
    let server = Server::start(|_| Wire::Chat.whole(&Said::text("m", "a")));
    let project = project(&server).file("kept/there.jsonl", "");
    for target in ["kept/there.jsonl", "kept/not-yet.jsonl"] {
        let link = project.path("link.jsonl");
        std::os::unix::fs::symlink(target, &link).unwrap();
        let _ = project.run(["run", "suites/s", "--live", "--fresh", "--record=link.jsonl"]).expect_code(0);
        assert_eq!(project.read(target).lines().count(), CASES, "{target}");
        assert!(link.is_symlink(), "{target}");
        std::fs::remove_file(link).unwrap();
    }
}
