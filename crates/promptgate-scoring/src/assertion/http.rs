//! `http`: an endpoint of the user's own scores the answer.

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
    name: "http",
    summary: "an endpoint scores the answer: it takes JSON and answers `{\"score\"}`; off unless programs are allowed",
    cost: CostClass::Exec,
    yields: score,
    parameters: &[
        Parameter { name: "url", doc: "where it is; what is posted is what a program reads" },
        TIMEOUT,
        PARAMS,
    ],
    passes: Example::of("url = \"http://127.0.0.1:8000/tone\"", "Yes, please.")
        .replies(r#"[[{"json": {"score": 0.9}}]]"#),
    fails: Example::of("url = \"http://127.0.0.1:8000/tone\"", "No.")
        .replies(r#"[[{"json": {"score": 0.2, "reason": "curt"}}]]"#),
    build,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    url: String,
    timeout: Option<String>,
    #[serde(default)]
    params: Map<String, Value>,
}

fn build(spec: &AssertionSpec, _: &BuildContext<'_>) -> Result<Box<dyn Assertion>, Diagnostics> {
    let Params { url, timeout, params } = spec.params.read("`http`")?;
    if !url.starts_with("http://") && !url.starts_with("https://") {
        let mistake = spec.params.mistake("url", "`url` is no address of an endpoint");
        return Err(mistake.help("write `url = \"https://scores.example/tone\"`").into());
    }
    Consulting::build(spec, Consultant::Endpoint(url), timeout.as_deref(), params)
}
