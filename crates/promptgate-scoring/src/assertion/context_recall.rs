//! `context-recall`: the context holds the facts of the reference.

use promptgate_core::Diagnostics;
use promptgate_core::assertion::AssertionSpec;
use serde_json::Value;

use super::judge::{Judge, Judged, Shape, Shipped, judged_parameters, judged_params, looked_at};
use super::kind::score;
use super::{Assertion, AssertionKind, BuildContext, CostClass, Example, Parameter};

/// The table entry.
pub(super) const KIND: AssertionKind = AssertionKind {
    name: "context-recall",
    summary: "the context holds the facts of the reference; the score is the share of them; the answer is not looked at; `threshold` 1 unless given",
    cost: CostClass::Judge,
    yields: score,
    parameters: judged_parameters![
        Parameter {
            name: "context",
            doc: "what the program was given, a text or a list of texts; may name parts of the case"
        },
        Parameter { name: "value", doc: "a right answer that a person wrote; may name parts of the case" },
    ],
    passes: Example::of("context = \"Open until six.\"\nvalue = \"We close at six.\"", "")
        .replies(r#"[["{\"items\": [{\"text\": \"open until six\", \"verdict\": true}]}"]]"#),
    fails: Example::of("context = \"Open on Mondays.\"\nvalue = \"We close at six.\"", "")
        .replies(r#"[["{\"items\": [{\"text\": \"open until nine\", \"verdict\": false}]}"]]"#),
    build,
};

const PROMPT: Shipped =
    Shipped { name: "context-recall", text: include_str!("judge/prompts/context-recall.prompt"), variables: &[] };

judged_params! {
    struct Params {
        context: Value,
        value: Value,
    }
}

fn build(spec: &AssertionSpec, context: &BuildContext<'_>) -> Result<Box<dyn Assertion>, Diagnostics> {
    let params: Params = spec.params.read("`context-recall`")?;
    let data =
        looked_at(spec, &[("context", "context", Some(&params.context)), ("reference", "value", Some(&params.value))])?;
    let shape = Shape::Share { empty: None };
    let judge = Judge::build(spec, context, &params.judge(), (&PROMPT, &shape))?;
    Ok(Box::new(Judged {
        judge,
        shape,
        instructions: Vec::new(),
        data,
        each_of: None,
        of_answer: false,
        threshold: spec.threshold.unwrap_or(1.0),
    }))
}
