//! One trial from a few lines of text: assertions as a suite writes them, a case as JSON, an output.

use std::sync::Arc;
use std::time::Duration;

use promptgate_core::answer::{Failure, FailureKind, Response};
use promptgate_core::ask::{Ask, Reply};
use promptgate_core::assertion::{AssertionSpec, ExtractSpec};
use promptgate_core::case::Case;
use promptgate_core::format::cases::{CasesFormat, read_cases};
use promptgate_core::name::{CaseId, ModelId};
use promptgate_core::port::{Tree, TreeError, TreePath};
use promptgate_core::score::Scored;
use promptgate_core::suite::SuiteJudge;
use promptgate_core::{Diagnostic, Diagnostics};
use promptgate_scoring::assertion::AssertionKind;
use promptgate_scoring::grader::{GradeInput, Graded, Grader, GraderSpec, Grading};
use serde_json::{Map, Value};

/// The files of a suite.
pub struct Files(pub &'static [(&'static str, &'static str)]);

impl Tree for Files {
    fn read(&self, path: &TreePath) -> Result<Vec<u8>, TreeError> {
        let file = self.0.iter().find(|(name, _)| *name == path.as_str());
        let missing = || TreeError::Missing { tree: self.name(), path: path.to_string() };
        file.map(|(_, text)| text.as_bytes().to_vec()).ok_or_else(missing)
    }

    fn list(&self, _: &TreePath) -> Result<Vec<TreePath>, TreeError> {
        Ok(Vec::new())
    }

    fn name(&self) -> String {
        "the test".to_owned()
    }
}

/// The assertions of `[[assert]]` tables; lines count as in `suite.toml`, with line 1 before the first.
pub fn specs(toml: &str) -> Result<Vec<AssertionSpec>, Diagnostics> {
    let text =
        format!("[[case]] id=\"c\"\n{}", toml.replace("[[assert]]", "[[case.assert]]")).replacen(" id=", "\nid=", 1);
    let cases = read_cases(CasesFormat::Toml, text.as_bytes(), "suite.toml", Map::new());
    let cases: Result<Vec<Case>, Diagnostic> = cases.collect();
    Ok(cases?.remove(0).asserts)
}

/// One assertion from the keys of its table.
pub fn spec(toml: &str) -> Result<AssertionSpec, Diagnostics> {
    Ok(specs(&format!("[[assert]]\n{toml}"))?.remove(0))
}

/// A chain of extractors from what stands behind `extract =`.
pub fn chain(toml: &str) -> ExtractSpec {
    spec(&format!("kind = \"equals\"\nvalue = \"x\"\nextract = {toml}")).unwrap().extract.unwrap()
}

/// A case from the keys of its JSON form.
pub fn case(json: &str) -> Case {
    let mut table: Map<String, Value> = serde_json::from_str(json).unwrap();
    table.entry("id").or_insert_with(|| "c1".into());
    let line = Value::Object(table).to_string();
    read_cases(CasesFormat::Jsonl, line.as_bytes(), "cases.jsonl", Map::new()).next().unwrap().unwrap()
}

/// A case of nothing but its id.
pub fn any_case() -> Case {
    Case::new(CaseId::new("c1").unwrap())
}

/// A response that says `output`, with other fields from JSON.
pub fn response(output: &str, fields: &str) -> Response {
    let mut response = serde_json::to_value(Response::text(output)).unwrap();
    let fields: Map<String, Value> = serde_json::from_str(fields).unwrap();
    response.as_object_mut().unwrap().extend(fields);
    serde_json::from_value(response).unwrap()
}

/// A grader of one version whose answer is the output.
pub fn grader(asserts: &[AssertionSpec]) -> Result<Grader, Diagnostics> {
    grader_with(asserts, None, &[])
}

/// A grader of one version.
pub fn grader_with(
    asserts: &[AssertionSpec],
    answer: Option<ExtractSpec>,
    added: &[&'static AssertionKind],
) -> Result<Grader, Diagnostics> {
    let tree = Arc::new(Files(&[
        ("suites/s/ticket.schema.json", r#"{"type": "object", "required": ["queue"]}"#),
        ("suites/s/broken.json", "{"),
        (
            "suites/s/labels.jsonl",
            concat!(
                "{\"case\": \"greeting\", \"output\": \"Good morning.\", \"label\": true}\n",
                "{\"case\": \"greeting\", \"output\": \"What?\", \"label\": 0.25, \"rater\": \"a\"}\n",
                "{\"case\": \"greeting\", \"output\": \"What?\", \"label\": true, \"rater\": \"b\"}\n",
                "{\"case\": \"greeting\", \"output\": \"Well.\", \"label\": true, \"rater\": \"a\"}\n",
                "{\"case\": \"greeting\", \"output\": \"Well.\", \"label\": false, \"rater\": \"b\"}\n",
            ),
        ),
        ("suites/s/words.csv", "case,output,label\ngreeting,x,nice\n"),
        ("suites/s/metrics.py", "def tone(output): return 1"),
        ("suites/s/judge.prompt", "{{role \"system\"}}\nLook at {{criterion}}."),
        ("suites/s/snapshots/greetings.jsonl", "{\"case\": \"greeting\", \"accepted\": [\"Good morning.\"]}\n"),
        (
            "suites/s/snapshots/accepted.jsonl",
            concat!(
                "{\"case\": \"c1\", \"accepted\": [\"{\\\"a\\\": 1}\", {\"b\": [1, \"Ä\"]}, \"x\\r\\ny\"]}\n",
                "{\"case\": \"c2\", \"accepted\": [\"\"]}\n",
            ),
        ),
        ("suites/s/snapshots/broken.jsonl", "{\"case\": \"c1\", \"accepted\": []}\n"),
    ]));
    let folder = TreePath::new("suites/s").unwrap();
    let id = ModelId::new("openai/gpt-4.1").unwrap();
    let judges = [SuiteJudge { id, config: Map::new(), timeout: Duration::from_secs(60), recording: None }];
    Grader::with_kinds(
        GraderSpec { asserts, derived: &[], judges: &judges, answers: &[answer], tools: &[], tree, folder },
        added,
    )
}

/// What a grader is given.
pub fn input(case: Case, response: Response) -> GradeInput {
    GradeInput { version: 0, case: Arc::new(case), response: Ok(Arc::new(response)) }
}

/// A grading that asks nothing.
pub fn done(grading: Grading) -> Graded {
    match grading {
        Grading::Done(graded) => graded,
        Grading::Ask(_, asks) => panic!("asks {asks:?}"),
    }
}

/// A grading in which nobody who is asked replies.
pub fn unanswered(grader: &Grader, mut grading: Grading) -> Graded {
    while let Grading::Ask(pending, asks) = grading {
        let failed = || Reply::Failed(Failure::new(FailureKind::Connection, "nobody is there"));
        grading = grader.resume(pending, asks.iter().map(|_| failed()).collect());
    }
    done(grading)
}

/// What one assertion comes to.
pub fn scored(toml: &str, case: Case, response: Response) -> Scored {
    replied(toml, case, response, "[]").0
}

/// What one assertion comes to that is replied to, and what it asked; `replies` as in [`Example`].
pub fn replied(toml: &str, case: Case, response: Response, replies: &str) -> (Scored, Vec<Ask>) {
    let spec = spec(toml).unwrap_or_else(|error| panic!("{error}\n{toml}"));
    let grader = grader(&[spec]).unwrap_or_else(|error| panic!("{error}\n{toml}"));
    grader.check_case(&case).unwrap_or_else(|error| panic!("{error}\n{toml}"));
    let rounds: Vec<Vec<Value>> = serde_json::from_str(replies).unwrap();
    let mut rounds = rounds.into_iter();
    let (mut grading, mut asked) = (grader.grade(input(case, response)), Vec::new());
    while let Grading::Ask(pending, asks) = grading {
        let round = rounds.next().unwrap_or_else(|| panic!("no reply to {asks:?}\n{toml}"));
        assert_eq!(round.len(), asks.len(), "{toml}: {asks:?}");
        asked.extend(asks);
        grading = grader.resume(pending, round.into_iter().map(reply).collect());
    }
    assert!(rounds.next().is_none(), "more replies than questions\n{toml}");
    (done(grading).assertions.remove(0).scored, asked)
}

/// A text is a model's; anything else is a reply as it is logged.
fn reply(value: Value) -> Reply {
    match value {
        Value::String(text) => Reply::Model(Response::text(text)),
        other => serde_json::from_value(other).unwrap(),
    }
}

/// `passed`, `failed` or `unscored`.
pub fn word(scored: &Scored) -> &'static str {
    match (scored.score.value(), scored.passed) {
        (None, false) => "unscored",
        (Some(_), true) => "passed",
        (Some(_), false) => "failed",
        (None, true) => "unscored and passed",
    }
}

/// What one assertion says of an output: `passed`, `failed` or `unscored`.
#[track_caller]
pub fn check(toml: &str, output: &str, expected: &str) {
    let scored = scored(toml, any_case(), response(output, "{}"));
    assert_eq!(word(&scored), expected, "{toml}\non {output:?}: {scored:?}");
}

/// What is wrong with one assertion.
pub fn mistakes(toml: &str) -> String {
    let found = spec(toml).and_then(|spec| grader(&[spec]).map(|_| ()));
    found.expect_err(toml).to_string()
}
