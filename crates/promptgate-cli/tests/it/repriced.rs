//! Answers that are used again once a price has changed: both sides of a comparison cost what they cost now.

use promptgate_mock::{Said, Server, Tokens, Wire};
use promptgate_testkit::{Output, Project};
use serde_json::Value;

use crate::resumed::{self, good};

/// Two versions whose answers take equal tokens, and a gate on cost.
fn project(server: &Server) -> Project {
    let suite = "name = \"s\"\nprompt = \"say\"\n[[model]]\nid = \"openai/m\"\n[cases]\nfile = \"cases.jsonl\"\n\
        [[assert]]\nkind = \"contains\"\nvalue = \"a\"\n[gate]\nbaseline = \"say.old\"\n\
        [[gate.check]]\nmetric = \"cost\"\nallowed_rise = \"25%\"\n";
    let cases: String = (0..20).map(|n| format!("{{\"id\":\"c{n}\",\"vars\":{{\"text\":\"{n}\"}}}}\n")).collect();
    resumed::project(server)
        .file("promptgate.toml", prices(1))
        .file("suites/s/suite.toml", suite)
        .file("suites/s/cases.jsonl", cases)
}

/// An answer costs 40 µ$ times the factor.
fn prices(factor: u32) -> String {
    format!("[prices.\"openai/m\"]\ninput = {factor}.0\noutput = {}.0\n", 2 * factor)
}

fn json(said: &Output) -> Value {
    serde_json::from_str(&said.stdout).unwrap_or_else(|error| panic!("{error}: {said:?}"))
}

/// The change of cost that a gate sees, and what its answers cost, in billionths of a dollar.
fn gate(project: &Project, more: &[&str]) -> (Value, Value) {
    let words = ["gate", "suites/s", "--report", "json"].iter().chain(more);
    let report = json(&project.run(words));
    (report["comparisons"][0]["checks"][0]["difference"].clone(), report["cost"]["nano_usd"].clone())
}

fn both(dollars_a_million: u32) -> (Value, Value) {
    (0.0.into(), (40 * 40_000 * dollars_a_million).into())
}

#[test]
fn both_sides_of_a_comparison_are_reckoned_at_one_price_table() {
    let server = good();
    let old = ["run", "suites/s", "--candidate", "say.old"];
    // Known before and after, and unknown before, as the note on unknown prices says to mend it.
    for before in [prices(1), String::new()] {
        let project = project(&server).file("promptgate.toml", before);
        let _ = project.run(old).expect_code(0);
        let run = json(&project.run(["report", "latest", "--report", "json"]))["volatile"]["run"].clone();
        let run = format!("run:{}", run.as_str().unwrap());
        project.write("promptgate.toml", prices(3));
        assert_eq!(gate(&project, &[]), both(3), "an earlier run's answers");
        assert_eq!(gate(&project, &["--baseline", &run]), both(3), "a stored run");
        project.write("promptgate.toml", prices(5));
        assert_eq!(gate(&project, &["--no-run"]), both(5));
        std::fs::remove_dir_all(project.path(".promptgate/runs")).unwrap();
        project.write("promptgate.toml", prices(7));
        assert_eq!(gate(&project, &["--no-run"]), both(7), "the cache's");
    }
    assert_eq!(server.count(), 2 * 40, "nothing is paid twice");
}

#[test]
fn a_finished_run_is_reported_as_it_was_and_scored_at_the_prices_of_today() {
    let server = good();
    let project = project(&server);
    let _ = project.run(["run", "suites/s"]).expect_code(0);
    let cost =
        |words: &[&str]| json(&project.run(words.iter().chain(&["--report", "json"])))["cost"]["nano_usd"].clone();
    project.write("promptgate.toml", prices(3));
    assert_eq!(cost(&["report", "latest"]), 20 * 40_000);
    assert_eq!(cost(&["score", "latest"]), 20 * 120_000);
    let run = project.files(".promptgate/runs").into_iter().rfind(|file| file.ends_with(".jsonl")).unwrap();
    let header: Value = serde_json::from_str(project.read(&run).lines().next().unwrap()).unwrap();
    assert_eq!(header["header"]["prices"]["openai/m"]["input"], 3.0, "the record tells which prices applied");
}

#[test]
fn a_run_that_is_resumed_goes_on_at_the_prices_it_was_started_with() {
    let server = good();
    let project = project(&server);
    let _ = project.run(["gate", "suites/s", "--max-calls", "20"]).expect_code(106);
    project.write("promptgate.toml", prices(3));
    let words = ["gate", "suites/s", "--resume", "--report", "json"];
    let said = project.run(words);
    assert!(said.stderr.contains("was started at other prices"), "{}", said.stderr);
    let report = json(&said);
    assert_eq!(report["cost"]["nano_usd"], 40 * 40_000, "{report:#}");
    assert_eq!(report["comparisons"][0]["checks"][0]["difference"], 0.0);
    assert_eq!(gate(&project, &[]), both(3), "a new run reckons all of it at today's");
    assert_eq!(server.count(), 40);
}

#[test]
fn an_earlier_draw_costs_what_the_later_one_does() {
    let server = good();
    let project = project(&server);
    let _ = project.run(["run", "suites/s"]).expect_code(0);
    project.write("promptgate.toml", prices(3));
    let _ = project.run(["run", "suites/s", "--fresh"]).expect_code(0);
    let said = project.run(["report", "latest", "--report", "jsonl"]).stdout;
    let trials: Vec<Value> = said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let costs = |trial: &Value| (trial["response"]["cost"].clone(), trial["earlier"][0]["cost"].clone());
    assert!(
        !trials.is_empty() && trials.iter().all(|trial| costs(trial) == (120_000.into(), 120_000.into())),
        "{said}"
    );
}

#[test]
fn what_a_judge_said_costs_what_its_tokens_cost_now() {
    let tokens = Tokens { input: 20, output: 10, ..Tokens::default() };
    let server = Server::start(move |_| {
        Wire::Chat.whole(&Said { tokens, ..Said::text("m", "{\"reason\": \"it is\", \"score\": 5}") })
    });
    let suite = "name = \"s\"\nprompt = \"say\"\n[[model]]\nid = \"echo/any\"\n[[judge]]\nid = \"openai/m\"\n\
        [cases]\nfile = \"cases.jsonl\"\n[[assert]]\nkind = \"rubric\"\ncriteria = \"It is polite.\"\n";
    let project = project(&server).file("suites/s/suite.toml", suite);
    let judging = || json(&project.run(["run", "suites/s", "--report", "json"]))["cost"]["judge_nano_usd"].clone();
    assert_eq!(judging(), 20 * 40_000);
    project.write("promptgate.toml", prices(3));
    assert_eq!(judging(), 20 * 120_000);
    assert_eq!(server.count(), 20);
}
