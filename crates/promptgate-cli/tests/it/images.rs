//! Images that cases name by file.

use promptgate_mock::{Said, Server, Wire};
use promptgate_testkit::Project;
use serde_json::Value;

const SUITE: &str = "name = \"look\"\nprompt = \"look\"\n[[model]]\nid = \"openai/gpt-4.1\"\n\
    [cases]\nfile = \"cases.jsonl\"\n[[assert]]\nkind = \"contains\"\nvalue = \"cat\"\n";

fn project() -> Project {
    Project::new()
        .binary(env!("CARGO_BIN_EXE_promptgate"))
        .file("promptgate.toml", "")
        .file("suites/look/suite.toml", SUITE)
        .file("suites/look/prompts/look.prompt", "{{role \"user\"}}\nWhat is it?\n{{media url=image}}\n")
        .file("suites/look/cases.jsonl", "{\"id\":\"a\",\"vars\":{\"image\":\"file:images/cat.png\"}}\n")
        .file("suites/look/images/cat.png", "not really a picture")
}

#[test]
fn an_image_goes_to_the_model_and_belongs_to_the_input() {
    let server = Server::start(|received| {
        let sent = received.json()["messages"].to_string();
        // "not really a picture", and later "another", in base64.
        let cat = sent.contains("data:image/png;base64,bm90IHJlYWxseSBhIHBpY3R1cmU=");
        Wire::Chat.whole(&Said::text("m", if cat { "a cat" } else { "a dog" }))
    });
    let project = project().variable("OPENAI_BASE_URL", &server.base_url()).variable("OPENAI_API_KEY", "k");
    let run = ["run", "suites/look", "--report", "json=out.json"];
    let _ = project.run(run).expect_code(0);
    let _ = project.run(run).expect_code(0);
    assert_eq!(server.count(), 1, "the same picture is the same question");
    project.write("suites/look/images/cat.png", "another");
    let _ = project.run(run).expect_code(100);
    assert_eq!(server.count(), 2, "another picture is another question");
    let report: Value = serde_json::from_str(&project.read("out.json")).unwrap();
    assert!(report.to_string().contains("a dog"), "{report:#}");
    let shown = project.run(["prompt", "render", "look"]).expect_code(0);
    assert!(shown.stdout.contains("[image/png, about 7 bytes]") || shown.stdout.contains("[image/png, about 9 bytes]"));
}

#[test]
fn an_image_that_is_not_there_is_told_before_anything_runs() {
    let refused = |case: &str, says: &str| {
        let project = project().variable("OPENAI_API_KEY", "k").variable("OPENAI_BASE_URL", "http://127.0.0.1:9");
        project.write("suites/look/cases.jsonl", case);
        let said = project.run(["run", "suites/look"]).expect_code(2);
        let words: Vec<&str> = said.stderr.split_whitespace().collect();
        assert!(words.join(" ").contains(says), "{case}: {}", said.stderr);
        assert!(said.stderr.contains("cases.jsonl:1"), "{}", said.stderr);
    };
    refused("{\"id\":\"a\",\"vars\":{\"image\":\"file:images/dog.png\"}}\n", "`images/dog.png`");
    refused("{\"id\":\"a\",\"vars\":{\"image\":\"file:../../../dog.png\"}}\n", "leaves the project");
    refused("{\"id\":\"a\",\"vars\":{\"image\":\"file:/etc/dog.png\"}}\n", "/etc/dog.png");
}
