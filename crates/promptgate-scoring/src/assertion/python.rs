//! `python`: a function of a Python file scores the answer.

use promptgate_core::Diagnostics;
use promptgate_core::ask::Consultant;
use promptgate_core::assertion::AssertionSpec;
use promptgate_core::python::python_command;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::consult::{Consulting, PARAMS, TIMEOUT};
use super::kind::score;
use super::{Assertion, AssertionKind, BuildContext, CostClass, Example, Parameter};

/// The table entry.
pub(super) const KIND: AssertionKind = AssertionKind {
    name: "python",
    summary: "a Python function scores the answer: it returns a number in 0..=1, True or False; off unless allowed",
    cost: CostClass::Exec,
    yields: score,
    parameters: &[
        Parameter { name: "file", doc: "the Python file, from the suite's folder" },
        Parameter { name: "function", doc: "the function: `def tone(output)` or `def tone(output, context)`" },
        TIMEOUT,
        PARAMS,
    ],
    passes: Example::of("file = \"metrics.py\"\nfunction = \"tone\"", "Yes, please.")
        .replies(r#"[[{"json": {"score": 0.9}}]]"#),
    fails: Example::of("file = \"metrics.py\"\nfunction = \"tone\"", "No.")
        .replies(r#"[[{"json": {"score": 0.2, "reason": "curt"}}]]"#),
    build,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    file: String,
    function: String,
    timeout: Option<String>,
    #[serde(default)]
    params: Map<String, Value>,
}

fn build(spec: &AssertionSpec, context: &BuildContext<'_>) -> Result<Box<dyn Assertion>, Diagnostics> {
    let Params { file, function, timeout, params } = spec.params.read("`python`")?;
    let is_name = |text: &str| {
        !text.starts_with(|c: char| c.is_ascii_digit()) && text.chars().all(|c| c.is_alphanumeric() || c == '_')
    };
    if function.is_empty() || !is_name(&function) {
        let mistake = spec.params.mistake("function", format!("`{function}` is not the name of a function"));
        return Err(mistake.help("write the name alone: `function = \"tone\"`").into());
    }
    context.text_file(&file).map_err(|problem| spec.params.mistake("file", problem))?;
    let whom = Consultant::Program { command: python_command(&file, &function), folder: context.folder() };
    Consulting::build(spec, whom, timeout.as_deref(), params)
}
