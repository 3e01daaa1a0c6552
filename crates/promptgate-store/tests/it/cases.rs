use std::io::Cursor;

use promptgate_core::case::{Case, CaseInput};
use promptgate_core::name::{ModelId, PromptId};
use promptgate_core::port::{CaseSource, TreePath};
use promptgate_core::suite::{CasesSpec, Suite, SuiteDefaults};
use promptgate_store::tree::{DiskTree, GitTree};
use promptgate_store::{CaseStore, CasesError};
use promptgate_testkit::Project;
use serde_json::json;

fn spec(file: &str) -> CasesSpec {
    CasesSpec { file: file.into(), inputs: None, cluster: None }
}

fn suite(cases: &CasesSpec) -> Suite {
    let text = r#"
        name = "x"
        prompt = "judge"
        vars = { team = "emea" }
        cases = { file = "cases.jsonl" }
        [[assert]]
        kind = "equals"
        value = "x"
    "#;
    let suite = promptgate_core::format::suite::parse(text, "suite.toml", &SuiteDefaults::default()).unwrap();
    Suite { cases: cases.clone(), ..suite }
}

fn folder() -> TreePath {
    TreePath::new("suites/x").unwrap()
}

fn open(project: &Project, spec: &CasesSpec, stdin: &str) -> Result<CaseStore, CasesError> {
    let tree = DiskTree::new(&project.root()).unwrap();
    CaseStore::open(&tree, &folder(), &suite(spec), Cursor::new(stdin.to_owned()))
}

fn cases(store: &CaseStore) -> Vec<Case> {
    (0..store.len()).map(|position| store.case(position).unwrap()).collect()
}

const JSONL: &str = r#"{"id": "a", "vars": {"email": "hi, \"you\"\nthere"}, "expected": "billing", "tags": ["vip", "de"], "cluster": "t1"}

{"id": "b", "vars": {"email": "ü", "team": "apac"}, "expected": "other", "threshold": 0.5, "metadata": {"lang": "de"}}
"#;

const CSV: &str = "id,email,team,expected,tags,cluster,threshold,metadata.lang\r\n\
                   a,\"hi, \"\"you\"\"\nthere\",,billing,vip;de,t1,,\r\n\
                   b,ü,apac,other,,,0.5,de\r\n";

const TOML: &str = r#"
[[case]]
id = "a"
vars = { email = "hi, \"you\"\nthere" }
expected = "billing"
tags = ["vip", "de"]
cluster = "t1"

[[case]]
id = "b"
vars = { email = "ü", team = "apac" }
expected = "other"
threshold = 0.5
metadata = { lang = "de" }
"#;

#[test]
fn the_same_cases_come_out_of_every_form() {
    let csv = CSV.replace("a,\"hi, \"\"you\"\"\nthere\",,", "a,\"hi, \"\"you\"\"\nthere\",emea,");
    let project = Project::new()
        .file("suites/x/cases.jsonl", JSONL)
        .file("suites/x/cases.csv", csv)
        .file("suites/x/cases.toml", TOML)
        .file("suites/x/crlf.jsonl", format!("\u{feff}{}", JSONL.replace('\n', "\r\n")));
    let plain = |file: &str| -> Vec<Case> {
        let store = open(&project, &spec(file), JSONL).unwrap();
        cases(&store).into_iter().map(|case| Case { line: 0, ..case }).collect()
    };
    let expected = plain("cases.jsonl");
    assert_eq!(expected.len(), 2);
    assert_eq!(expected[0].vars["team"], "emea");
    for file in ["cases.csv", "cases.toml", "-", "crlf.jsonl"] {
        assert_eq!(plain(file), expected, "{file}");
    }
}

#[test]
fn a_case_knows_its_line_in_the_file_the_user_wrote() {
    let project = Project::new().file("suites/x/cases.jsonl", JSONL).file("suites/x/cases.toml", TOML);
    let lines = |file: &str| -> Vec<u32> {
        cases(&open(&project, &spec(file), JSONL).unwrap()).iter().map(|case| case.line).collect()
    };
    assert_eq!(lines("cases.jsonl"), [1, 3]);
    assert_eq!(lines("-"), [1, 3]);
    assert_eq!(lines("cases.toml"), [2, 9]);
}

#[test]
fn a_suites_path_names_the_cluster() {
    let project = Project::new().file("suites/x/cases.jsonl", JSONL);
    let spec = CasesSpec { cluster: Some("metadata.lang".into()), ..spec("cases.jsonl") };
    let clusters: Vec<Option<String>> =
        cases(&open(&project, &spec, "").unwrap()).into_iter().map(|case| case.cluster).collect();
    assert_eq!(clusters, [None, Some("de".into())]);
}

#[test]
fn every_mistake_is_listed_with_its_place_up_to_twenty() {
    let bad = "{\"id\": 1}\n{\"id\": \"ok\"}\n{\"idd\": \"x\"}\n";
    let check = |project: &Project, file: &str, mistakes: usize| match open(project, &spec(file), bad) {
        Err(CasesError::Invalid(found)) => {
            assert_eq!(found.0.len(), mistakes, "{found}");
            assert!(found.0.iter().all(|mistake| mistake.at.is_some() && mistake.help.is_some()), "{found}");
        }
        other => panic!("{other:?}"),
    };
    let project = Project::new()
        .file("suites/x/bad.jsonl", bad)
        .file("suites/x/many.jsonl", "{\n".repeat(50))
        .file("suites/x/bad.csv", "id,threshold\na,x\nb,1\n,1\n");
    check(&project, "bad.jsonl", 2);
    check(&project, "-", 2);
    check(&project, "many.jsonl", 20);
    check(&project, "bad.csv", 2);
}

#[test]
fn a_file_that_is_not_there_outside_or_of_no_known_form_is_refused() {
    let project = Project::new().file("secret.jsonl", "{\"id\":\"a\"}").file("suites/x/cases.yaml", "");
    std::os::unix::fs::symlink("/etc/passwd", project.path("suites/x/link.jsonl")).unwrap();
    let error = |file: &str| open(&project, &spec(file), "").unwrap_err().to_string();
    assert!(error("cases.jsonl").contains("has no file `suites/x/cases.jsonl`"), "{}", error("cases.jsonl"));
    assert!(error("../../secret.jsonl").contains("`..` is not allowed"));
    assert!(error("link.jsonl").contains("a link leads out of it"));
    assert!(error("cases.yaml").contains("write them as .jsonl, .csv or .toml"));
}

#[test]
fn no_cases_are_no_mistake_here() {
    let project = Project::new().file("suites/x/cases.jsonl", "\n\n");
    assert!(open(&project, &spec("cases.jsonl"), "").unwrap().is_empty());
}

#[test]
fn a_large_file_that_changes_while_it_is_in_use_is_an_error() {
    let large = format!("{JSONL}{{\"id\":\"large\",\"vars\":{{\"x\":\"{}\"}}}}\n", "x".repeat(5 << 20));
    let project = Project::new().file("suites/x/cases.jsonl", &*large);
    let store = open(&project, &spec("cases.jsonl"), "").unwrap();
    assert_eq!(store.case(0).unwrap(), cases(&open(&project, &spec("cases.jsonl"), "").unwrap())[0]);
    project.write("suites/x/cases.jsonl", large.replace("billing", "BILLING"));
    let error = store.case(0).unwrap_err().to_string();
    assert!(error.contains("case 1 of suites/x/cases.jsonl") && error.contains("was changed"), "{error}");
}

#[test]
fn a_small_file_may_change_while_it_is_in_use() {
    let project = Project::new().file("suites/x/cases.jsonl", JSONL.replace('\n', "\r\n"));
    let store = open(&project, &spec("cases.jsonl"), "").unwrap();
    let before = cases(&store);
    project.write("suites/x/cases.jsonl", JSONL.replace("billing", "BILLING"));
    assert_eq!(cases(&store), before);
}

#[test]
fn a_new_file_put_in_its_place_does_no_harm() {
    let project = Project::new().file("suites/x/cases.jsonl", JSONL);
    let store = open(&project, &spec("cases.jsonl"), "").unwrap();
    let before = cases(&store);
    project.write("new", "{\"id\":\"z\"}\n");
    assert_eq!(cases(&store), before);
}

#[test]
fn the_cases_of_a_revision_are_read_as_they_were() {
    let project = Project::new().file("suites/x/cases.jsonl", JSONL).file("suites/x/inputs.jsonl", "");
    project.commit("first");
    let before = cases(&open(&project, &spec("cases.jsonl"), "").unwrap());
    project.write("suites/x/cases.jsonl", "{\"id\":\"z\"}\n");
    let tree = GitTree::open(&project.root(), "main").unwrap();
    let at = |spec: &CasesSpec| CaseStore::at_revision(&tree, &folder(), &suite(spec)).unwrap();
    let with_inputs = CasesSpec { inputs: Some("inputs.jsonl".into()), ..spec("cases.jsonl") };
    assert_eq!(cases(&at(&with_inputs).unwrap()), before);
    assert!(at(&spec("cases.csv")).is_none());
}

#[test]
fn a_million_cases_take_twelve_bytes_each() {
    let project = Project::new();
    let text: String =
        (0..5_000).map(|case| format!("{{\"id\":\"case-{case}\",\"vars\":{{\"n\":{case}}}}}\n")).collect();
    project.write("suites/x/cases.jsonl", text);
    let store = open(&project, &spec("cases.jsonl"), "").unwrap();
    assert_eq!(store.len(), 5_000);
    for position in [0, 4_999, 2_500] {
        assert_eq!(store.case(position).unwrap().id.as_str(), format!("case-{position}"));
    }
    assert!(store.case(5_000).is_err());
}

fn joined(inputs: &str) -> (Project, CaseStore) {
    let project = Project::new().file("suites/x/cases.jsonl", JSONL).file("suites/x/inputs.jsonl", inputs);
    let spec = CasesSpec { inputs: Some("inputs.jsonl".into()), ..spec("cases.jsonl") };
    let store = open(&project, &spec, "").unwrap();
    (project, store)
}

fn side(store: &CaseStore, prompt: &str, model: &str) -> Result<CaseInput, String> {
    let case = store.case(0).unwrap();
    let (prompt, model) = (PromptId::new(prompt).unwrap(), ModelId::new(model).unwrap());
    store.input(&case, &prompt, &model).map_err(|error| error.to_string())
}

#[test]
fn inputs_are_joined_from_the_least_to_the_most_specific_line() {
    let (_project, store) = joined(
        r#"{"case":"a","prompt":"judge.cot","model":"gpt-4","vars":{"x":"both"}}
{"case":"a","model":"openai/gpt-4","vars":{"x":"model","m":"model"}}
{"case":"a","vars":{"x":"any","email":"joined"}}
{"case":"a","prompt":"judge.cot","vars":{"x":"variant"}}
{"case":"b","vars":{"x":"of b"}}
"#,
    );
    let x = |prompt: &str, model: &str| side(&store, prompt, model).unwrap().vars["x"].clone();
    assert_eq!(x("judge.cot", "openai/gpt-4"), "both");
    assert_eq!(x("judge.cot", "openai/chatgpt"), "variant");
    assert_eq!(x("judge", "openai/gpt-4"), "model");
    assert_eq!(x("judge", "openai/chatgpt"), "any");
    let input = side(&store, "judge", "openai/gpt-4").unwrap();
    assert_eq!(
        (&input.vars["email"], &input.vars["m"], &input.vars["team"]),
        (&json!("joined"), &json!("model"), &json!("emea"))
    );
    let pairing = store.pairing_input(&store.case(0).unwrap()).unwrap();
    assert_eq!((&pairing.vars["x"], pairing.vars.get("m")), (&json!("any"), None));
}

#[test]
fn a_prompt_without_a_variant_stands_for_all_of_them() {
    let (_project, store) = joined(r#"{"case":"a","prompt":"judge","vars":{"x":"all"}}"#);
    for prompt in ["judge", "judge.cot", "judge.metrics"] {
        assert_eq!(side(&store, prompt, "openai/gpt-4").unwrap().vars["x"], "all", "{prompt}");
    }
    assert!(!side(&store, "other", "openai/gpt-4").unwrap().vars.contains_key("x"));
}

#[test]
fn two_lines_that_fit_equally_well_must_agree() {
    let same = r#"{"case":"a","prompt":"judge","vars":{"x":1}}
{"case":"a","model":"gpt-4","vars":{"x":1,"y":2}}
"#;
    let (_project, store) = joined(same);
    assert_eq!(side(&store, "judge", "openai/gpt-4").unwrap().vars["y"], 2);
    let (_project, store) = joined(&same.replace("\"x\":1,", "\"x\":9,"));
    let error = side(&store, "judge", "openai/gpt-4").unwrap_err();
    assert!(error.contains("suites/x/inputs.jsonl:2:1: `x` has another value on line 1"), "{error}");
    assert!(side(&store, "judge", "openai/chatgpt").is_ok());
}

#[test]
fn a_wrong_line_of_inputs_is_named() {
    let project =
        Project::new().file("suites/x/cases.jsonl", JSONL).file("suites/x/inputs.jsonl", "{\"case\":\"a\"}\n");
    let spec = CasesSpec { inputs: Some("inputs.jsonl".into()), ..spec("cases.jsonl") };
    let error = open(&project, &spec, "").unwrap_err().to_string();
    assert!(error.starts_with("suites/x/inputs.jsonl:1:"), "{error}");
}
