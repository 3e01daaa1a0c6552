//! `serve-mock`, as a user starts it: the real binary serves, the real binary calls.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use promptgate_testkit::Project;

/// A mock server in a process of its own; it ends with this value.
struct Mock {
    process: Child,
    places: Vec<(String, String)>,
}

impl Mock {
    fn start(script: Option<&str>) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_promptgate"));
        command.arg("serve-mock").stdout(Stdio::piped()).stderr(Stdio::null());
        if let Some(script) = script {
            std::fs::write(folder.path().join("mock.toml"), script).unwrap();
            command.arg("--script").arg(folder.path().join("mock.toml"));
        }
        let mut process = command.spawn().unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines().take(5).map(Result::unwrap);
        let place = |line: String| {
            let (name, url) = line.strip_prefix("export ").unwrap().split_once('=').unwrap();
            (name.to_owned(), url.to_owned())
        };
        let places = lines.map(place).collect();
        Self { process, places }
    }
}

impl Drop for Mock {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

const SUITE: &str = r#"
name = "words"
prompt = "words"
[[model]]
id = "openai/m"
[[model]]
id = "azure/m"
[[model]]
id = "anthropic/m"
[[model]]
id = "gemini/m"
[[model]]
id = "bedrock/m"
[cases]
file = "cases.jsonl"
[[assert]]
kind = "equals"
value = "{{expected}}"
"#;

const KEYS: [&str; 5] =
    ["OPENAI_API_KEY", "AZUREAI_OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GOOGLE_API_KEY", "AWS_BEARER_TOKEN_BEDROCK"];

/// A project whose providers all are the mock server.
fn project(mock: &Mock, settings: &str) -> Project {
    let cases = [("a", "zwei Wörter"), ("b", "x")]
        .map(|(id, word)| format!("{{\"id\":\"{id}\",\"vars\":{{\"word\":\"{word}\"}},\"expected\":\"{word}\"}}\n"));
    let mut project = Project::new().binary(env!("CARGO_BIN_EXE_promptgate"));
    for (name, url) in &mock.places {
        project = project.variable(name, url);
    }
    for key in KEYS {
        project = project.variable(key, "sk-any-key-will-do");
    }
    project
        .file("promptgate.toml", settings)
        .file("suites/words/suite.toml", SUITE)
        .file("suites/words/prompts/words.prompt", "{{word}}")
        .file("suites/words/cases.jsonl", cases.concat())
}

#[test]
fn one_suite_over_every_wire_whole_and_streamed() {
    let mock = Mock::start(None);
    for stream in [false, true] {
        let provider = |name: &str| format!("[provider.{name}]\nstream = {stream}\n");
        let project = project(&mock, &["openai", "azure", "anthropic", "gemini", "bedrock"].map(provider).concat());
        let output = project.run(["run", "suites/words", "--live", "--report", "jsonl=trials.jsonl"]).expect_code(0);
        assert!(output.stderr.contains("10 calls to be made, 0 answers are there; at an unknown price"), "{output:?}");
        let trials = project.read("trials.jsonl");
        assert_eq!(trials.matches("\"outcome\":\"passed\"").count(), 10, "{trials}");
        assert_eq!(trials.matches("first_token_ms").count(), if stream { 10 } else { 0 }, "{trials}");
    }
}

#[test]
fn a_script_decides_what_some_requests_get() {
    let mock = Mock::start(Some("key = \"sk-the-only-one\"\n[[rule]]\ncontains = \"x\"\nfault = \"not-json\"\n"));
    let project = project(&mock, "");
    let output =
        project.run(["run", "suites/words", "--live", "--no-retry", "--model", "anthropic/m"]).expect_code(104);
    assert!(output.stdout.contains("this is not the key of the script (authentication_error)"), "{output:?}");
}

#[test]
fn a_model_that_changes_underneath_is_told() {
    let mock = Mock::start(Some("[[rule]]\ncontains = \"Wörter\"\nreturned_model = \"m-2026-11\"\n"));
    let project = project(&mock, "");
    let said = project.run(["run", "suites/words", "--live", "--model", "openai/m"]).expect_code(0);
    assert!(said.stdout.contains("note: answered by 2 models: m (1), m-2026-11 (1)"), "{}", said.stdout);
}

#[test]
fn a_recording_tells_which_models_answered() {
    let mock = Mock::start(Some("[[rule]]\ncontains = \"Wörter\"\nreturned_model = \"m-B at Groq\"\n"));
    let project = project(&mock, "");
    let recorded = "id = \"openai/m\"\nrecording = \"recordings/m.jsonl\"";
    project.write("suites/words/suite.toml", SUITE.replace("id = \"openai/m\"", recorded));
    let run = ["run", "suites/words", "--model", "openai/m", "--cache=off"];
    let note = "note: answered by 2 models: m (1), m-B at Groq (1)";
    for more in [&["--live", "--record"][..], &[]] {
        let said = project.run(run.iter().chain(more)).expect_code(0);
        assert!(said.stdout.contains(note), "{more:?}: {}", said.stdout);
    }
}

#[test]
fn what_was_answered_is_not_asked_again_even_where_the_prompt_only_reads_the_same() {
    let mock = Mock::start(None);
    let project = project(&mock, "");
    let run = |more: &[&str]| {
        let arguments = ["run", "suites/words", "--live", "--report", "jsonl=trials.jsonl"];
        let _ = project.run(arguments.iter().chain(more)).expect_code(0);
        project.read("trials.jsonl").matches("\"attempts\":1").count()
    };
    assert_eq!(run(&[]), 10);
    // Another version, whose requests are the same.
    project.write("suites/words/prompts/words.prompt", "{{#if word}}{{word}}{{/if}}");
    assert_eq!(run(&["--cache", "off"]), 10, "without the cache all is asked");
    project.write("suites/words/prompts/words.prompt", "{{#if word}}{{word}}{{else}}{{word}}{{/if}}");
    let planned = |more: &[&str]| {
        let arguments = ["plan", "suites/words", "--live", "--report", "json=plan.json"];
        let _ = project.run(arguments.iter().chain(more)).expect_code(0);
        let plan: serde_json::Value = serde_json::from_str(&project.read("plan.json")).unwrap();
        let models = plan["models"].as_array().unwrap();
        let sum = |key| models.iter().filter_map(|model| model["calls"][key].as_u64()).sum::<u64>();
        [sum("trials"), sum("stored"), sum("to_call")]
    };
    assert_eq!(planned(&[]), [10, 10, 0], "what the cache holds is foreseen");
    assert_eq!(planned(&["--trials", "2"]), [20, 10, 10]);
    let said = project.run(["run", "suites/words", "--live", "--trials", "2", "--max-calls", "1"]).expect_code(106);
    assert!(said.stderr.contains("10 calls to be made, 10 answers are there"), "{}", said.stderr);
    assert_eq!(run(&["--fresh"]), 10, "drawn anew on purpose");
    let stats = project.run(["cache", "stats"]).expect_code(0).stdout;
    assert!(stats.contains("answers   11\n") && stats.contains("damaged   0 set aside\n  file      ok\n"), "{stats}");
    let exported = project.run(["cache", "export"]).expect_code(0).stdout;
    let line: serde_json::Value = serde_json::from_str(exported.lines().next().unwrap()).unwrap();
    let digest = line["request_digest"].as_str().unwrap();
    let explained = project.run(["cache", "explain", &digest[..20]]).expect_code(0).stdout;
    assert!(explained.contains("repeat 1"), "{explained}");
    let _ = project.run(["cache", "prune"]).expect_code(2);
    let pruned = project.run(["cache", "prune", "--keep", "3"]).expect_code(0).stdout;
    assert_eq!(pruned, "8 answers were taken out, 3 are left\n");
    let _ = project.run(["cache", "explain", "xyz"]).expect_code(2);
}

#[test]
fn what_the_cache_holds_is_served_where_no_call_may_be_made() {
    let mock = Mock::start(None);
    let project = project(&mock, "");
    let _ = project.run(["run", "suites/words", "--live"]).expect_code(0);
    drop(mock);
    // Only the cache is left, as in a job that restores nothing else.
    std::fs::remove_dir_all(project.root().join(".promptgate/runs")).unwrap();
    let said = project.run(["run", "suites/words", "--no-run"]).expect_code(0);
    assert!(said.stderr.contains("10 trials: 0 calls, 10 reused"), "{}", said.stderr);
    // One that cannot be read is no matter to who only looks, and told where it is needed.
    project.write(".promptgate/cache.db", "no cache at all, and long enough to be looked at as one: ".repeat(20));
    let _ = project.run(["check", "suites/words"]).expect_code(0);
    let said = project.run(["run", "suites/words", "--no-run"]).expect_code(2);
    assert!(said.stderr.contains("`promptgate cache prune --all`"), "{said:?}");
}

#[test]
fn a_script_that_says_too_much_is_refused_where_it_does() {
    for (script, place) in [
        ("likely = { A = 0.6, B = 0.6 }", "1:10"),
        ("seed = 1\n[[rule]]\nlikely = { A = 0.0 }", "3:10"),
        ("likely = { A = nan }", "1:10"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("mock.toml"), script).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_promptgate"));
        let said = command.args(["serve-mock", "--script", "mock.toml"]).current_dir(folder.path()).output().unwrap();
        let told = String::from_utf8(said.stderr).unwrap();
        assert_eq!(said.status.code(), Some(2), "{told}");
        let says = "probabilities in `likely` are above 0 and together at most 1";
        assert!(told.contains(says) && told.contains(&format!("mock.toml:{place}")), "{script}: {told}");
    }
}

#[test]
fn a_budget_stops_a_run_that_can_be_resumed() {
    let mock = Mock::start(None);
    let project = project(&mock, "[budget]\ncalls = 4\n");
    let arguments = ["run", "suites/words", "--live", "--concurrency", "1"];
    let output = project.run(arguments).expect_code(106);
    assert!(
        output.stderr.contains("the budget of 4 calls is spent: 4 were made; 4 of 10 trials are settled"),
        "{output:?}"
    );
    let resumed = project.run(arguments.iter().chain(&["--resume", "--max-calls", "6"])).expect_code(0);
    assert!(resumed.stderr.contains("6 calls to be made, 4 answers are there"), "{resumed:?}");
    let unpriced = project.run(arguments.iter().chain(&["--fresh", "--max-cost", "1"])).expect_code(2);
    assert!(unpriced.stderr.contains("a budget in dollars needs the price of `openai/m`"), "{unpriced:?}");
}

#[test]
fn a_run_that_costs_more_than_is_agreed_to_is_not_begun() {
    let mock = Mock::start(None);
    let price = |model: &str| format!("[prices.\"{model}/m\"]\ninput = 1000.0\noutput = 1000.0\n");
    let prices = ["openai", "azure", "anthropic", "gemini", "bedrock"].map(price).concat();
    let project = project(&mock, &format!("confirm_above = 0.001\n{prices}"));
    project.write("suites/words/prompts/words.prompt", "---\nconfig: { maxOutputTokens: 50 }\n---\n{{word}}");
    let run = |more: &[&str]| project.run(["run", "suites/words", "--live"].iter().chain(more));
    let refused = run(&[]).expect_code(2);
    assert!(refused.stderr.contains("that is above `confirm_above` ($0.001000)"), "{refused:?}");
    assert!(refused.stderr.contains("10 calls to be made") && !project.has(".promptgate/runs"), "{refused:?}");
    // What cannot be reckoned is not known to be below.
    project.write("suites/words/prompts/words.prompt", "{{word}}");
    let untold = run(&[]).expect_code(2);
    assert!(untold.stderr.contains("no answer is there to go by, and `maxOutputTokens` is not set"), "{untold:?}");
    assert!(untold.stderr.contains("that may be above `confirm_above` ($0.001000)"), "{untold:?}");
    let _ = run(&["--yes"]).expect_code(0);
}

#[test]
fn calls_that_confirm_need_their_key_too() {
    let mock = Mock::start(None);
    let project = project(&mock, "");
    let judged = "name = \"words\"\nprompt = \"words\"\n[[model]]\nid = \"openai/m\"\n[cases]\nfile = \"cases.jsonl\"\n\
                  [[assert]]\nkind = \"equals\"\nvalue = \"{{expected}}\"\n[gate]\nbaseline = \"words.old\"\n\
                  [[gate.check]]\nrule = \"no-new-break\"\n";
    project.write("suites/words/suite.toml", judged);
    project.write("suites/words/prompts/words.old.prompt", "{{word}}");
    project.write("suites/words/prompts/words.prompt", "it is {{word}}");
    let _ = project.run(["compare", "--suite", "suites/words", "words.old", "words"]).expect_code(0);
    project.write("promptgate.toml", "[provider.openai]\nkey_env = \"NOT_THERE\"\n");
    let refused = project.run(["gate", "suites/words"]).expect_code(77);
    assert!(refused.stderr.contains("NOT_THERE"), "{refused:?}");
    let open = project.run(["gate", "suites/words", "--no-run"]).expect_code(102);
    assert!(!open.stderr.contains("NOT_THERE"), "{open:?}");
    project.write("promptgate.toml", "");
    let _ = project.run(["gate", "suites/words"]).expect_code(100);
}

#[test]
fn calls_that_may_confirm_are_a_part_of_what_is_agreed_to() {
    let mock = Mock::start(None);
    let project = project(&mock, "confirm_above = 0.4\n[prices.\"openai/m\"]\ninput = 1000.0\noutput = 1000.0\n");
    let suite = "name = \"words\"\nprompt = \"words\"\n[[model]]\nid = \"openai/m\"\n[cases]\nfile = \"cases.jsonl\"\n\
                 [[assert]]\nkind = \"equals\"\nvalue = \"{{expected}}\"\n[gate]\nbaseline = \"words.old\"\n\
                 [[gate.check]]\nrule = \"no-new-break\"\n";
    project.write("suites/words/suite.toml", suite);
    let prompt = |text: &str| format!("---\nconfig: {{ maxOutputTokens: 50 }}\n---\n{text}");
    project.write("suites/words/prompts/words.old.prompt", prompt("{{word}}"));
    project.write("suites/words/prompts/words.prompt", prompt("it is {{word}}"));
    let refused = project.run(["gate", "suites/words"]).expect_code(2);
    assert!(
        refused.stderr.contains("4 calls to be made") && refused.stderr.contains("up to 6 calls on top ($"),
        "{refused:?}"
    );
    assert!(
        refused.stderr.contains("with the calls that may come on top that is above `confirm_above`"),
        "{refused:?}"
    );
    project.write("suites/words/suite.toml", suite.replace("no-new-break\"\n", "no-new-break\"\nconfirm = 0\n"));
    let without = project.run(["gate", "suites/words"]).expect_code(100);
    assert!(!without.stderr.contains("on top"), "{without:?}");
}

#[test]
fn calls_that_may_confirm_are_agreed_to_where_the_plan_calls_nobody() {
    let mock = Mock::start(None);
    let project = project(&mock, "");
    let suite = "name = \"words\"\nprompt = \"words\"\n[[model]]\nid = \"openai/m\"\n[cases]\nfile = \"cases.jsonl\"\n\
                 [[assert]]\nkind = \"equals\"\nvalue = \"{{expected}}\"\n[gate]\nbaseline = \"words.old\"\n\
                 [[gate.check]]\nrule = \"no-new-break\"\n";
    project.write("suites/words/suite.toml", suite);
    project.write("suites/words/prompts/words.old.prompt", "{{word}}");
    project.write("suites/words/prompts/words.prompt", "it is {{word}}");
    let _ = project.run(["compare", "--suite", "suites/words", "words.old", "words"]).expect_code(0);
    let gate = |settings: &str, more: &[&str], code: i32| {
        project.write("promptgate.toml", settings);
        project.run(["gate", "suites/words"].iter().chain(more)).expect_code(code)
    };
    let untold = gate("confirm_above = 0.001\n", &[], 2);
    assert!(untold.stderr.contains("0 calls to be made, 4 answers are there"), "{untold:?}");
    assert!(untold.stderr.contains("; up to 6 calls on top, where cases are about to break a rule"), "{untold:?}");
    assert!(untold.stderr.contains("on top cost is not known, and may be above `confirm_above`"), "{untold:?}");
    let unpriced = gate("", &["--max-cost", "1"], 2);
    assert!(unpriced.stderr.contains("a budget in dollars needs the price of `openai/m`"), "{unpriced:?}");
    // What the answers that are there took tells what more of them take.
    let prices = "[prices.\"openai/m\"]\ninput = 1000.0\noutput = 1000.0\n";
    let above = gate(&format!("confirm_above = 0.001\n{prices}"), &[], 2);
    assert!(above.stderr.contains("; up to 6 calls on top ($"), "{above:?}");
    assert!(above.stderr.contains("with the calls that may come on top that is above `confirm_above`"), "{above:?}");
    let none = gate("confirm_above = 0.001\n", &["--no-run"], 102);
    assert!(!none.stderr.contains("to be made"), "{none:?}");
    let below = gate(&format!("confirm_above = 100\n{prices}"), &[], 100);
    assert!(below.stderr.contains("6 calls on top: cases that are about to break a rule"), "{below:?}");
}

#[test]
fn what_assertions_ask_asks_for_agreement_too() {
    let mock = Mock::start(Some("answer = '{\"score\": 5, \"reason\": \"good\"}'\n"));
    let project = project(&mock, "confirm_above = 0.001\n[provider.scripted]\nscript = \"script.toml\"\n");
    project.write("script.toml", "answer = \"fine\"\n");
    let judged = "name = \"words\"\nprompt = \"words\"\n[[model]]\nid = \"echo/m\"\n[cases]\nfile = \"cases.jsonl\"\n\
                  [[judge]]\nid = \"openai/m\"\n[[assert]]\nkind = \"rubric\"\ncriteria = \"be kind\"\nmodel = \"openai/m\"\n";
    project.write("suites/words/suite.toml", judged);
    let refused = project.run(["run", "suites/words"]).expect_code(2);
    assert!(refused.stderr.contains("apart from it what assertions ask of openai/m"), "{refused:?}");
    assert!(refused.stderr.contains("may be above `confirm_above` ($0.001000)"), "{refused:?}");
    let agreed = project.run(["run", "suites/words", "--yes"]);
    assert!(agreed.stdout.contains("judging: cost unknown (2 without a known price)"), "{agreed:?}");
}

#[test]
fn what_a_wire_has_no_word_for_is_told_before_a_call() {
    let mock = Mock::start(None);
    let project = project(&mock, "");
    project.write("suites/words/prompts/words.prompt", "---\nconfig: { seed: 7 }\n---\n{{word}}");
    for command in [&["run", "suites/words", "--live"][..], &["check", "suites/words"]] {
        let refused = project.run(command).expect_code(2);
        let why = "`anthropic/m` cannot be asked what `words` says: the parameter `seed` is not known to this provider";
        assert!(refused.stderr.contains(why) && !project.has(".promptgate/runs"), "{refused:?}");
    }
    project.write("suites/words/prompts/words.prompt", "{{word}}");
    let judged = format!(
        "{SUITE}[[judge]]\nid = \"anthropic/j\"\nconfig = {{ seed = 7 }}\n[[assert]]\nkind = \"rubric\"\ncriteria = \"x\"\n"
    );
    project.write("suites/words/suite.toml", judged);
    let refused = project.run(["check", "suites/words"]).expect_code(2);
    assert!(refused.stderr.contains("`anthropic/j` cannot be asked what its `[[judge]]` says"), "{refused:?}");
}

#[test]
fn a_doctor_tells_what_will_be_in_the_way_and_shows_no_key() {
    let mock = Mock::start(Some("key = \"sk-any-key-will-do\"\nmodel = \"m\"\n"));
    let project = project(&mock, "");
    let healthy = project.run(["doctor"]).expect_code(0);
    for line in [
        "ok  suites       1 below `suites/`",
        "ok  openai       http://127.0.0.1:",
        "with a key: answered in",
        "`m` is",
    ] {
        assert!(healthy.stdout.contains(line), "{line}: {healthy:?}");
    }
    // The environment names the mock server: it lies over the project's file, and that is told.
    project.write("promptgate.toml", "[provider.openai]\nbase_url = \"http://127.0.0.1:9/v1\"\n");
    let other = "of the environment is used, not base_url of promptgate.toml:2";
    let overridden = project.run(["doctor"]).expect_code(0);
    assert!(overridden.stdout.contains("-   openai       OPENAI_BASE_URL=http://127.0.0.1:"), "{overridden:?}");
    assert!(overridden.stdout.contains(other), "{overridden:?}");
    let run = project.run(["run", "suites/words", "--live", "--model", "openai/m"]).expect_code(0);
    assert_eq!(run.stderr.matches(other).count(), 1, "{run:?}");
    let project = project.variable("OPENAI_BASE_URL", "");
    let sick = project.run(["doctor"]).expect_code(104);
    assert!(sick.stdout.contains("NO  openai       http://127.0.0.1:9/v1, without a key: cannot connect"), "{sick:?}");
    assert!(sick.stdout.contains("ok  anthropic    http://"), "one does not hide the others: {sick:?}");
    let keyless = project.variable("ANTHROPIC_API_KEY", "").variable("ANTHROPIC_BASE_URL", "https://api.invalid");
    let output = keyless.run(["doctor", "--offline"]).expect_code(77);
    assert!(output.stdout.contains("ANTHROPIC_API_KEY is not set"), "{output:?}");
    // A model that only a prompt names is one that will be called.
    keyless.write("suites/words/prompts/words.prompt", "---\nmodel: mistral/small\n---\n{{word}}");
    let suite = SUITE.split("[[model]]").next().unwrap();
    keyless.write("suites/words/suite.toml", format!("{suite}[cases]{}", SUITE.split("[cases]").nth(1).unwrap()));
    let named = keyless.run(["doctor", "--offline"]).expect_code(77);
    assert!(named.stdout.contains("MISTRAL_API_KEY is not set"), "{named:?}");
    for output in [healthy, sick, output, named] {
        assert!(!format!("{output:?}").contains("sk-any-key"), "{output:?}");
    }
}

#[test]
fn a_doctor_runs_no_program_that_only_the_project_names() {
    let mock = Mock::start(None);
    let project = project(&mock, "[provider.openai]\nkey_command = [\"touch\", \"was-run\"]\n");
    for words in [&["doctor"][..], &["doctor", "--offline"]] {
        let output = project.run(words).expect_code(0);
        assert!(
            output.stdout.contains("-   openai       its key comes from a command, which was not run"),
            "{output:?}"
        );
        assert!(!project.has("was-run"));
    }
    std::fs::create_dir_all(project.home().join(".config/promptgate")).unwrap();
    std::fs::write(project.home().join(".config/promptgate/config.toml"), "allow_exec = true\n").unwrap();
    let output = project.run(["doctor"]).expect_code(77);
    assert!(
        output.stdout.contains("`key_command` did not print exactly one line") && project.has("was-run"),
        "{output:?}"
    );
}

#[test]
fn what_was_recorded_into_one_file_answers_for_every_wire() {
    let mock = Mock::start(None);
    let project = project(&mock, "");
    let _ = project.run(["run", "suites/words", "--record=suites/words/all.jsonl"]).expect_code(0);
    let recorded = project.read("suites/words/all.jsonl");
    assert_eq!(recorded.lines().filter(|line| line.contains("\"request_digest\":\"sha256:")).count(), 10, "{recorded}");
    assert!(!recorded.contains("sk-any-key"), "{recorded}");
    project.write("suites/words/suite.toml", SUITE.replace("/m\"\n", "/m\"\nrecording = \"all.jsonl\"\n"));
    project.remove(".promptgate/cache.db");
    drop(mock);
    let output = project.run(["run", "suites/words", "--fresh"]).expect_code(0);
    assert!(output.stdout.contains("0 calls"), "{output:?}");
}
