//! I-1: however a run is ended, the programs it has started end with it.

use std::process::{Child, Command};
use std::time::{Duration, Instant};

use promptgate_testkit::Project;

const SUITE: &str = "name = \"app\"\nprompt = \"say\"\n[[model]]\nid = \"exec/app\"\n[cases]\nfile = \"cases.jsonl\"\n\
    [[assert]]\nkind = \"contains\"\nvalue = \"a\"\n";

const CASE: &str = "{\"id\":\"ID\",\"vars\":{\"text\":\"x\"}}\n";

/// Never answers, and has started another that would outlive it.
const PROGRAM: &str = "sleep 77 & echo $$ $! > pids; while read -r line; do sleep 78; done";

fn signal(child: &Child, name: &str) {
    let status = Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status().unwrap();
    assert!(status.success());
}

fn waited_for<T>(what: &str, look: impl Fn() -> Option<T>) -> T {
    let begin = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begin.elapsed() < Duration::from_secs(20), "{what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Whether a process is over, though nobody may have asked how it ended.
fn is_over(process: &str) -> bool {
    std::fs::read_to_string(format!("/proc/{process}/stat")).map_or(true, |stat| stat.contains(") Z"))
}

/// A run that was started with `nohup` outlives the terminal.
#[cfg(target_os = "linux")]
#[test]
fn a_hang_up_that_is_to_be_passed_over_is() {
    let project = Project::new()
        .binary("env")
        .file("promptgate.toml", "[provider.scripted]\nscript = \"script.toml\"\n")
        .file("script.toml", "answer = \"a\"\n[[rule]]\nlatency = \"1500ms\"\n")
        .file("suites/app/suite.toml", SUITE.replace("exec/app", "scripted/m"))
        .file("suites/app/prompts/say.prompt", "{{text}}")
        .file("suites/app/cases.jsonl", ["c", "d"].map(|id| CASE.replace("ID", id)).concat());
    // Whoever runs the tests may have set the one or the other.
    for (says, code) in [("--ignore-signal=HUP", 0), ("--default-signal=HUP", 106)] {
        let (program, runs) = (env!("CARGO_BIN_EXE_promptgate"), project.files(".promptgate/runs").len());
        let mut child = project.spawn([says, program, "run", "suites/app", "--fresh", "--concurrency", "1"]);
        waited_for("the run does not begin", || (project.files(".promptgate/runs").len() > runs).then_some(()));
        std::thread::sleep(Duration::from_millis(200));
        signal(&child, "HUP");
        assert_eq!(child.wait().unwrap().code(), Some(code), "{says}");
    }
}

#[test]
fn the_second_signal_ends_all_programs_and_says_which_one_it_was_and_how_to_go_on() {
    for (name, code) in [("INT", 130), ("TERM", 143)] {
        let project = Project::new()
            .binary(env!("CARGO_BIN_EXE_promptgate"))
            .file("promptgate.toml", format!("[provider.exec]\ncommand = [\"sh\", \"-c\", \"{PROGRAM}\"]\n"))
            .file("suites/app/suite.toml", SUITE)
            .file("suites/app/prompts/say.prompt", "{{text}}")
            .file("suites/app/cases.jsonl", CASE);
        let child = project.spawn(["run", "suites/app", "--allow-exec"]);
        let pids = waited_for("the program does not start", || {
            let text = project.has("pids").then(|| project.read("pids"))?;
            let pids: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
            (pids.len() == 2).then_some(pids)
        });
        signal(&child, name);
        // Two signals at once may come as one.
        std::thread::sleep(Duration::from_millis(100));
        signal(&child, name);
        let ended = child.wait_with_output().unwrap();
        assert_eq!(ended.status.code(), Some(code), "{name}");
        let run = project.files(".promptgate/runs")[0].replace(".promptgate/runs/", "").replace(".jsonl", "");
        let told = format!("go on with: promptgate run suites/app --allow-exec --resume={run}\n");
        let said = String::from_utf8(ended.stderr).unwrap();
        assert!(said.contains("stopped at once; what is settled is kept; ") && said.ends_with(&told), "{said}");
        for process in pids {
            waited_for("a program lives on", || is_over(&process).then_some(()));
        }
    }
}
