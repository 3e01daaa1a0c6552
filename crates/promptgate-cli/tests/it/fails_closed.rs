//! What must never look like success: each has its own message and exit code, and where nothing ran, nothing was called.

use std::fmt::Write;

use promptgate_testkit::Project;

use crate::triage::{CASES, OLD, PROMPT, RECORDING, SUITE, append, calls, cases, edit, promptgate, record, triage};

const RUN: &str = "run suites/triage";
const GATE: &str = "gate suites/triage";

/// A changed project refuses a command with a code and these words; no call is made, no run is left behind.
#[track_caller]
fn refused(change: impl Fn(&Project), line: &str, code: i32, words: &[&str]) {
    let project = triage();
    change(&project);
    let before = project.files(".promptgate");
    let output = promptgate(&project, line).expect_code(code);
    for word in words {
        assert!(output.stderr.contains(word), "`{word}` is not in:\n{}", output.stderr);
    }
    assert_eq!(output.stdout, "");
    assert_eq!(calls(&project), [""; 0]);
    assert_eq!(project.files(".promptgate"), before);
}

fn nothing(_: &Project) {}

fn editing<'a>(path: &'a str, from: &'a str, to: &'a str) -> impl Fn(&Project) + 'a {
    move |project| edit(project, path, from, to)
}

#[test]
fn nothing_to_do_is_never_a_success() {
    for line in [RUN, GATE, "compare triage.old triage --suite suites/triage"] {
        refused(|project| project.write(CASES, ""), line, 4, &["suites/triage/cases.jsonl", "holds no case"]);
        refused(|project| project.write(CASES, "\n\n"), line, 4, &["holds no case"]);
        let filter = ["`--filter tag=nope` matches no case", "20 cases"];
        refused(nothing, &format!("{line} --filter tag=nope"), 4, &filter);
    }
    refused(nothing, "run suites/triage --filter id=c1 --filter id=c2", 4, &["matches no case"]);
}

#[test]
fn a_suite_that_asserts_nothing_is_refused() {
    let none = editing(SUITE, "[[assert]]\nkind = \"equals\"\nvalue = \"{{expected}}\"\n", "");
    refused(&none, RUN, 4, &["no assertion looks at any case", "add an `[[assert]]`"]);
    refused(&none, GATE, 4, &["no assertion looks at any case"]);
    let value = "value = \"{{expected}}\"\n";
    let nowhere = format!("{value}when = {{ tag = \"vip\" }}\n");
    refused(editing(SUITE, value, &nowhere), RUN, 4, &["no assertion looks at any case", "loosen the `when`"]);
    let weightless = format!("{value}weight = 0\n");
    refused(editing(SUITE, value, &weightless), RUN, 2, &["`weight`", "is 0", "suite.toml:13:1", "above 0"]);
}

#[test]
fn what_is_not_known_is_refused_with_the_nearest_name() {
    let key = editing(SUITE, "name = \"triage\"\n", "name = \"triage\"\ntrails = 2\n");
    refused(key, RUN, 2, &["no key `trails`", "suite.toml:2:1", "did you mean `trials`?"]);
    let key = editing(CASES, "\"id\": \"c3\"", "\"id\": \"c3\", \"expcted\": 1");
    refused(key, RUN, 2, &["no key `expcted`", "cases.jsonl:3:14", "did you mean `expected`?"]);
    let kind = editing(SUITE, "\"equals\"", "\"equal\"");
    refused(kind, RUN, 2, &["no assertion `equal`", "suite.toml:10:", "did you mean `equals`?"]);
    refused(nothing, "run suites/triag", 2, &["no suite `suites/triag`", "did you mean `suites/triage`?"]);
    refused(nothing, "run suites/triage --candidate triage.odl", 2, &["no prompt `triage.odl`", "`triage.old`?"]);
    refused(nothing, "run suites/triage --model y", 2, &["no model `y`", "`scripted/x`"]);
    refused(nothing, "gate suites/triage --baseline triage@production", 2, &["names an environment", "no registry"]);
}

#[test]
fn an_undefined_variable_is_refused_wherever_it_stands() {
    let told = ["reads the variable `txt`", "case `c1` does not set, nor do 19 more", "cases.jsonl:1:1", "`txt?`"];
    for used in ["{{txt}}", "{{#if false}}{{txt}}{{/if}}", "{{#if text}}{{else}}{{txt}}{{/if}}"] {
        refused(editing(PROMPT, "Sort", used), RUN, 2, &told);
        refused(editing(OLD, "Where", used), GATE, 2, &told);
    }
    refused(editing(CASES, "{\"text\": \"letter 7\"}", "{}"), RUN, 2, &["`text`", "case `c7`", "cases.jsonl:7:1"]);
    let value = "value = \"{{expected}}\"\n";
    let told = ["`{{vars.nope}}` is not defined for case `c1`, and 19 more cases likewise", "suite.toml:12:1"];
    for asserted in ["value = \"{{vars.nope}}\"\n", "value = \"{{vars.nope}}\"\nnot = true\n"] {
        refused(editing(SUITE, value, asserted), RUN, 2, &told);
    }
}

#[test]
fn a_recording_that_does_not_fit_is_refused_with_the_command_that_records_anew() {
    let anew = "promptgate run suites/triage --candidate triage --live --record";
    let edited = |project: &Project| {
        record(project);
        edit(project, PROMPT, "Sort", "Please sort");
    };
    refused(edited, RUN, 2, &["20 stale (20 cases)", "c1: triage on scripted/x", RECORDING, anew]);
    let line_gone = |project: &Project| {
        record(project);
        let kept: String =
            project.read(RECORDING).split_inclusive('\n').filter(|line| !line.contains("\"c7\"")).collect();
        project.write(RECORDING, kept);
    };
    refused(line_gone, RUN, 2, &["1 missing (1 case)", "c7: triage on scripted/x", "no line", anew]);
    let file_gone = |project: &Project| {
        record(project);
        project.remove(RECORDING);
    };
    refused(file_gone, RUN, 2, &["no file", RECORDING, "--live --record"]);
    refused(record, GATE, 2, &["20 missing", "triage.old on scripted/x", "--candidate triage.old --live --record"]);
}

#[test]
fn a_baseline_that_cannot_be_had_makes_the_comparison_invalid() {
    let committed = |project: &Project| drop(project.commit("all"));
    let told = |reference: &str| format!("INVALID, baseline_missing: the baseline `{reference}`");
    refused(committed, "gate suites/triage --baseline triage@git:nope", 103, &[&told("triage@git:nope"), "fetch it"]);
    refused(nothing, "gate suites/triage --baseline run:nope", 103, &[&told("run:nope"), "no run `nope`"]);
    refused(nothing, "gate suites/triage --baseline triage.odl", 103, &[&told("triage.odl"), "`triage.old`?"]);
    let unknown = "triage@sha256:abcdef12";
    refused(nothing, &format!("gate suites/triage --baseline {unknown}"), 103, &[&told(unknown), "begins with"]);
}

#[test]
fn a_dataset_that_cannot_be_read_is_refused_at_its_place() {
    let broken = editing(CASES, "\"id\": \"c4\",", "\"id\": \"c4\";");
    refused(broken, RUN, 2, &["not JSON", "suites/triage/cases.jsonl:4:12", "one whole JSON object a line"]);
    let twice = editing(CASES, "\"c9\"", "\"c4\"");
    refused(twice, RUN, 2, &["the id `c4`", "lines 4 and 9", "cases.jsonl:9:"]);
    let gone = |project: &Project| project.remove(CASES);
    refused(gone, RUN, 2, &["no file `suites/triage/cases.jsonl`"]);
}

#[test]
fn a_gate_that_could_not_block_is_refused() {
    let policy = "[gate]\nbaseline = \"triage.old\"\n[[gate.check]]\nmetric = \"pass_rate\"\nallowed_drop = \"15pt\"\n";
    refused(editing(SUITE, policy, ""), GATE, 2, &["no `[gate]`", "promptgate compare"]);
    let told = ["no critical check", "suite.toml:14:1", "add a check that decides"];
    refused(editing(SUITE, policy, "[gate]\nbaseline = \"triage.old\"\n"), GATE, 2, &told);
    let advisory = "allowed_drop = \"15pt\"\ntier = \"advisory\"\n";
    refused(editing(SUITE, "allowed_drop = \"15pt\"\n", advisory), GATE, 2, &told);
}

#[test]
fn a_missing_credential_has_its_own_code() {
    let live = editing(SUITE, "scripted/x", "openai/gpt-4.1-mini");
    refused(live, RUN, 77, &["no key for provider `openai`", "OPENAI_API_KEY"]);
}

/// Cases and, of those, the candidate's and the baseline's that get no answer.
#[track_caller]
fn outage(count: u32, candidate: &[u32], baseline: &[u32], line: &str, code: i32, verdict: &str) {
    let project = triage();
    project.write(CASES, cases(1..=count));
    let mut rules = String::new();
    for (prompt, numbers) in [("triage", candidate), ("triage.old", baseline)] {
        for number in numbers {
            writeln!(rules, "[[rule]]\ncase = \"c{number}\"\nprompt = \"{prompt}\"\nfault = \"connection\"").unwrap();
        }
    }
    append(&project, "script.toml", &rules);
    let output = promptgate(&project, line).expect_code(code);
    assert!(output.stdout.starts_with(verdict), "{}", output.stdout);
}

#[test]
fn an_outage_is_unavailable_above_five_percent_and_not_at_five() {
    let unavailable = "GATE  UNAVAILABLE: 2 of 20 pairs got no answer; this says nothing about the prompt\n";
    outage(20, &[1], &[], RUN, 0, "RUN  PASSED: 19 of 20 cases passed, 1 errored\n");
    outage(20, &[1, 2], &[], RUN, 104, "RUN  UNAVAILABLE: 18 of 20 cases passed, 2 errored\n");
    outage(19, &[1], &[], RUN, 104, "RUN  UNAVAILABLE: 18 of 19 cases passed, 1 errored\n");
    outage(20, &[1], &[], GATE, 0, "GATE  PASS");
    outage(20, &[], &[1], GATE, 0, "GATE  PASS");
    outage(20, &[1], &[1], GATE, 0, "GATE  PASS");
    outage(20, &[1, 2], &[], GATE, 104, unavailable);
    outage(20, &[1], &[2], GATE, 104, unavailable);
    outage(19, &[1], &[], GATE, 104, "GATE  UNAVAILABLE: 1 of 19 pairs");
}

/// An API that sends its headers and then next to nothing makes every call run into the model's own time limit.
#[test]
fn an_outage_that_looks_like_a_slow_model_is_neither_a_pass_nor_a_regression() {
    let check = |whose: &str, line: &str, code: i32, verdict: &str| {
        let project = triage();
        append(&project, "script.toml", &format!("[[rule]]\n{whose}fault = \"model-timeout\"\n"));
        let output = promptgate(&project, line).expect_code(code);
        let said = output.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(said.starts_with(verdict), "{said}");
        let again = if line.contains("--no-fail") { "report --no-fail" } else { "report" };
        assert_eq!(promptgate(&project, again).expect_code(code).stdout, output.stdout);
        said
    };
    let silent = "GATE UNAVAILABLE: 20 of 20 pairs got no answer, since all 40 calls of scripted/x ran into its timeout of \
                  60s; this says nothing about the prompt";
    assert!(check("", GATE, 104, silent).contains("(asks only for what got no answer)"));
    // A candidate that takes too long where its baseline does not has failed, as the design has it; the note says what else
    // it may be.
    let said = check("prompt = \"triage\"\n", GATE, 100, "GATE FAIL");
    assert!(said.contains("they count as failed, though an outage may look so"), "{said}");
    check("prompt = \"triage.old\"\n", GATE, 104, "GATE UNAVAILABLE: scripted/x answered no call of the baseline");
    check("", RUN, 100, "RUN FAILED: 0 of 20 cases passed, 20 failed");
    check("", "run suites/triage --no-fail", 104, "RUN FAILED: 0 of 20 cases passed, 20 failed");
}

#[test]
fn an_unavailable_gate_tells_the_cause_and_when_there_is_room_again() {
    let project = triage();
    append(&project, "script.toml", "[[rule]]\nprompt = \"triage\"\nfault = \"quota\"\nretry_after = \"6h\"\n");
    let output = promptgate(&project, GATE).expect_code(104);
    let said = output.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    let room = "note: scripted fault: the quota is used up; there is room again at 20";
    let (_, time) = said.split_once(room).unwrap_or_else(|| panic!("{said}"));
    assert!(time[14..].starts_with(" UTC"), "to the minute: {said}");
    // How many of the other version's calls went before the first was refused is chance.
    let cause = "no answer on a side since: scripted fault: the quota is used up (";
    let (_, trials) = said.split_once(cause).unwrap_or_else(|| panic!("{said}"));
    let trials: u32 = trials.split(' ').next().unwrap().parse().unwrap();
    assert!((20..=40).contains(&trials), "{said}");
    let again = promptgate(&project, "report").expect_code(104);
    assert_eq!(again.stdout, output.stdout, "the stored run says the same");
    let stored = project.read(&project.files(".promptgate/runs")[0]);
    assert!(stored.contains("there is room again in 6 h") && !stored.contains("room again at"), "{stored}");
}

#[test]
fn a_run_says_by_the_clock_when_there_is_room_again_as_its_stored_report_does() {
    let project = triage();
    append(&project, "script.toml", "[[rule]]\nprompt = \"triage\"\nfault = \"quota\"\nretry_after = \"6h\"\n");
    let output = promptgate(&project, RUN).expect_code(104);
    let said = output.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
    let room = "note: scripted fault: the quota is used up; there is room again at 20";
    assert_eq!(said.matches(room).count(), 1, "{said}");
    assert_eq!(promptgate(&project, "report").expect_code(104).stdout, output.stdout);
}

#[test]
fn a_stored_candidate_passes_no_gate_on_the_cases_that_are_left() {
    let gate = |left: u32| {
        let project = triage();
        let _ = promptgate(&project, RUN).expect_code(0);
        let run = project.files(".promptgate/runs")[0].replace(".promptgate/runs/", "").replace(".jsonl", "");
        project.write(CASES, cases(1..=left));
        let output = promptgate(&project, &format!("{GATE} --candidate run:{run}"));
        (output.code, output.stdout.split_whitespace().collect::<Vec<_>>().join(" "), run)
    };
    let (code, said, _) = gate(15);
    assert!(said.starts_with("GATE INVALID: 5 of 20 cases of the stored candidate were changed"), "{said}");
    assert!(said.contains("--baseline triage.old --candidate VERSION (VERSION: the version itself"), "{said}");
    assert_eq!(code, 103);
    let (code, said, run) = gate(19);
    assert!(said.contains(&format!("note: 1 case of the candidate, run {run}, changed or gone since then")), "{said}");
    assert_eq!(code, 0, "{said}");
}

#[test]
fn a_missing_shard_makes_a_joined_gate_invalid() {
    let project = triage();
    let part = |which: &str| {
        let output = promptgate(&project, &format!("{GATE} --partition {which}")).expect_code(0);
        assert!(output.stdout.contains("there is no verdict before all parts are joined"), "{}", output.stdout);
    };
    let joined = || promptgate(&project, &format!("report --merge {}", project.files(".promptgate/runs").join(" ")));
    part("hash:1/3");
    part("hash:3/3");
    let output = joined().expect_code(103);
    assert_eq!(output.stdout, "");
    assert!(
        output.stderr.contains("INVALID, shard_missing: 1 of 3 partitions is missing: 2; run what is missing"),
        "{}",
        output.stderr
    );
    part("hash:2/3");
    assert!(joined().expect_code(0).stdout.starts_with("GATE  PASS"));
    part("hash:2/3");
    assert!(joined().expect_code(103).stderr.contains("hold the same trials"));
}

#[test]
fn a_full_disk_leaves_a_run_that_can_be_resumed() {
    let project = triage();
    project.write(CASES, cases(1..=400));
    project.write("script.toml", "[[rule]]\nanswer = \"billing\"\nlatency = \"10ms\"\n");
    // A limit on file sizes is a full disk that needs no privilege: with its signal ignored, a write fails with EFBIG.
    let binary = env!("CARGO_BIN_EXE_promptgate");
    let script = format!("trap '' XFSZ; ulimit -f 100; exec '{binary}' {RUN} --concurrency 8");
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", &script]).current_dir(project.root()).env("HOME", project.home());
    let shell = shell.output().unwrap();
    let talk = String::from_utf8(shell.stderr).unwrap();
    assert_eq!(shell.status.code(), Some(106), "{talk}");
    assert_eq!(shell.stdout, b"");
    let kept = talk.split_once(" of 400 trials are settled and kept, there is no verdict").unwrap().0;
    let kept: u32 = kept.rsplit(' ').next().unwrap().parse().unwrap();
    let run = project.files(".promptgate/runs")[0].replace(".promptgate/runs/", "").replace(".jsonl", "");
    assert!(talk.contains(&format!("promptgate {RUN} --concurrency 8 --resume={run}")), "{talk}");
    let output = promptgate(&project, "run suites/triage --resume").expect_code(0);
    assert!(output.stdout.starts_with("RUN  PASSED: 400 of 400 cases passed\n"), "{}", output.stdout);
    assert!(kept > 0 && output.stderr.contains(&format!("{} calls", 400 - kept)), "{}", output.stderr);
}

#[test]
fn a_report_that_cannot_be_written_does_not_hide_the_verdict() {
    let unwritten = |change: &dyn Fn(&Project), line: &str, code: i32, verdict: &str| {
        let project = triage().file("gate.json/taken", "a folder stands where the report shall go");
        change(&project);
        let output =
            promptgate(&project, &format!("{line} --report json=gate.json --report csv=gate.csv")).expect_code(code);
        assert!(output.stdout.starts_with(verdict), "{}", output.stdout);
        assert!(output.stderr.contains("cannot write gate.json"), "{}", output.stderr);
        assert!(project.has("gate.csv"));
    };
    unwritten(&nothing, RUN, 110, "RUN  PASSED");
    unwritten(&nothing, GATE, 110, "GATE  PASS");
    let worse = "[[rule]]\nprompt = \"triage\"\nanswer = \"technical\"\n";
    let fails = |project: &Project| append(project, "script.toml", worse);
    unwritten(&fails, RUN, 100, "RUN  FAILED");
    unwritten(&fails, GATE, 100, "GATE  FAIL");
    let stricter = editing(SUITE, "15pt", "5pt");
    unwritten(&stricter, GATE, 102, "GATE  INCONCLUSIVE");
}

#[test]
fn a_failed_case_fails_a_run_unless_that_is_not_wanted() {
    let project = triage();
    edit(&project, CASES, "\"letter 1\"}, \"expected\": \"billing\"", "\"letter 1\"}, \"expected\": \"technical\"");
    let verdict = "RUN  FAILED: 19 of 20 cases passed, 1 failed\n";
    for (line, code) in [(RUN, 100), ("run suites/triage --no-fail", 0), ("report", 100), ("report --no-fail", 0)] {
        let output = promptgate(&project, line).expect_code(code);
        assert!(output.stdout.starts_with(verdict), "{}", output.stdout);
    }
}

#[test]
fn an_outage_is_not_let_through_with_the_failed_cases() {
    let project = triage();
    edit(&project, CASES, "\"letter 1\"}, \"expected\": \"billing\"", "\"letter 1\"}, \"expected\": \"technical\"");
    append(&project, "script.toml", "[[rule]]\ncontains = \"letter 2\"\nfault = \"server\"\n");
    let line = "run suites/triage --no-retry";
    for (more, code) in [("", 100), (" --no-fail", 104)] {
        let _ = promptgate(&project, &format!("{line}{more}")).expect_code(code);
    }
    let said = promptgate(&project, "report --no-fail").expect_code(104);
    assert_eq!(said.stderr, "exit 104 with --no-fail: too many trials went unanswered, which is no failed case\n");
}

#[test]
fn cases_are_read_from_standard_input() {
    let from_stdin = |text: &str| {
        let project = triage().stdin(text);
        edit(&project, SUITE, "cases.jsonl", "-");
        project
    };
    let output = promptgate(&from_stdin(&cases(1..=3)), RUN).expect_code(0);
    assert!(output.stdout.starts_with("RUN  PASSED: 3 of 3 cases passed\n"), "{}", output.stdout);
    let output = promptgate(&from_stdin(""), RUN).expect_code(4);
    assert!(output.stderr.contains("standard input"), "{}", output.stderr);
    let output = promptgate(&from_stdin("{\"id\": \"a\"\n"), RUN).expect_code(2);
    assert!(output.stderr.contains(":1:"), "{}", output.stderr);
}
