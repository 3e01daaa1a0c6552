//! `exec`: a program of the user's own scores the answer.

use promptgate_core::Diagnostics;
use promptgate_core::ask::Consultant;
use promptgate_core::assertion::AssertionSpec;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::consult::{Consulting, PARAMS, TIMEOUT};
use super::kind::score;
use super::{Assertion, AssertionKind, BuildContext, CostClass, Example, Parameter};

/// The table entry.
pub(super) const KIND: AssertionKind = AssertionKind {
    name: "exec",
    summary: "a program scores the answer: it reads a line of JSON and prints `{\"id\", \"score\"}`; off unless allowed",
    cost: CostClass::Exec,
    yields: score,
    parameters: &[
        Parameter {
            name: "command",
            doc: "the program and its arguments, a list; run in the suite's folder, no shell",
        },
        TIMEOUT,
        PARAMS,
    ],
    passes: Example::of("command = [\"./tone\"]", "Yes, please.").replies(r#"[[{"json": {"score": 0.9}}]]"#),
    fails: Example::of("command = [\"./tone\"]", "No.").replies(r#"[[{"json": {"score": 0.2, "reason": "curt"}}]]"#),
    build,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    command: Vec<String>,
    timeout: Option<String>,
    #[serde(default)]
    params: Map<String, Value>,
}

fn build(spec: &AssertionSpec, context: &BuildContext<'_>) -> Result<Box<dyn Assertion>, Diagnostics> {
    let Params { command, timeout, params } = spec.params.read("`exec`")?;
    if command.iter().all(String::is_empty) {
        let mistake = spec.params.mistake("command", "`command` names no program");
        return Err(mistake.help("write `command = [\"./score\", \"--strict\"]`").into());
    }
    // What the words name of the suite's files belongs to the grading: another program grades anew.
    command.iter().for_each(|word| context.note_file(word));
    let whom = Consultant::Program { command, folder: context.folder() };
    Consulting::build(spec, whom, timeout.as_deref(), params)
}
