//! Assertions that suites share, and metrics that are reckoned from others, from the file to the verdict.

use promptgate_testkit::Project;
use serde_json::Value;

#[test]
fn suites_share_assertions_and_a_gate_checks_what_is_reckoned_from_them() {
    let suite = "name = \"tone\"\nprompt = \"say\"\n[[model]]\nid = \"echo/any\"\n[cases]\nfile = \"cases.jsonl\"\n\
        [[assert]]\nuse = \"suites/shared/polite.toml\"\n[[assert]]\nkind = \"contains\"\nvalue = \"bye\"\nmetric = \"end\"\n\
        tier = \"advisory\"\n[[metric]]\nname = \"tone\"\nformula = \"(polite + end) / 2\"\n\
        [gate]\nbaseline = \"say.old\"\n[[gate.check]]\nmetric = \"tone\"\nallowed_drop = 0.05\n";
    let cases: String = (0..60).map(|n| format!("{{\"id\":\"c{n}\",\"vars\":{{\"text\":\"{n}\"}}}}\n")).collect();
    let project = Project::new()
        .binary(env!("CARGO_BIN_EXE_promptgate"))
        .file("promptgate.toml", "")
        .file("suites/shared/polite.toml", "[[assert]]\nkind = \"contains\"\nvalue = \"please\"\nmetric = \"polite\"\n")
        .file("suites/tone/suite.toml", suite)
        .file("suites/tone/prompts/say.prompt", "{{text}} please")
        .file("suites/tone/prompts/say.old.prompt", "{{text}} please, bye")
        .file("suites/tone/cases.jsonl", &cases);
    let gate = ["gate", "suites/tone", "--report", "json=out.json"];
    let _ = project.run(gate).expect_code(100);
    let report: Value = serde_json::from_str(&project.read("out.json")).unwrap();
    let check = &report["comparisons"][0]["checks"][0];
    assert_eq!((&check["metric"], &check["difference"]), (&Value::from("tone"), &Value::from(-0.5)), "{check:#}");
    // Another assertion in the shared file is another grading, and the answers are taken over.
    let polite = project.read("suites/shared/polite.toml");
    project.write("suites/shared/polite.toml", polite.replace("please", "nothing"));
    let _ = project.run(gate).expect_code(100);
    project.write("suites/shared/polite.toml", "[[assert]]\nkind = \"contian\"\n");
    let said = project.run(gate).expect_code(2);
    assert!(said.stderr.contains("suites/shared/polite.toml:1:1"), "{}", said.stderr);
    project.write("suites/tone/suite.toml", suite.replace("(polite + end)", "(polite + ent)"));
    project.write("suites/shared/polite.toml", polite);
    let said = project.run(gate).expect_code(2);
    assert!(said.stderr.contains("feeds the metric `ent`"), "{}", said.stderr);
    assert!(said.stderr.contains("suites/tone/suite.toml:16:"), "{}", said.stderr);
}
