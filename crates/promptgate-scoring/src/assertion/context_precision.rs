//! `context-precision`: the pieces of the context that are of use come first.

use promptgate_core::Diagnostics;
use promptgate_core::assertion::AssertionSpec;
use serde_json::Value;

use super::judge::{Judge, Judged, Shape, Shipped, judged_parameters, judged_params, looked_at};
use super::kind::score;
use super::{Assertion, AssertionKind, BuildContext, CostClass, Example, Parameter};

/// The table entry.
pub(super) const KIND: AssertionKind = AssertionKind {
    name: "context-precision",
    summary: "the pieces of the context that are of use come first; the score is the average precision; the answer is not looked at; `threshold` 0.7 unless given",
    cost: CostClass::Judge,
    yields: score,
    parameters: judged_parameters![
        Parameter { name: "context", doc: "the pieces in their order, a list; may name parts of the case" },
        Parameter { name: "value", doc: "a right answer that a person wrote; may name parts of the case" },
        Parameter { name: "question", doc: "what was asked, where that helps; may name parts of the case" },
    ],
    passes: Example::of("context = [\"Open until six.\"]\nvalue = \"We close at six.\"", "")
        .replies(r#"[["{\"items\": [{\"text\": \"open until six\", \"verdict\": true}]}"]]"#),
    fails: Example::of("context = [\"Shoes are left.\"]\nvalue = \"We close at six.\"", "")
        .replies(r#"[["{\"items\": [{\"text\": \"open until nine\", \"verdict\": false}]}"]]"#),
    build,
};

const PROMPT: Shipped =
    Shipped { name: "context-precision", text: include_str!("judge/prompts/context-precision.prompt"), variables: &[] };

judged_params! {
    struct Params {
        context: Value,
        value: Value,
        question: Option<Value>,
    }
}

fn build(spec: &AssertionSpec, context: &BuildContext<'_>) -> Result<Box<dyn Assertion>, Diagnostics> {
    let params: Params = spec.params.read("`context-precision`")?;
    let data = looked_at(
        spec,
        &[
            ("context", "context", Some(&params.context)),
            ("reference", "value", Some(&params.value)),
            ("question", "question", params.question.as_ref()),
        ],
    )?;
    let shape = Shape::Ranked;
    let judge = Judge::build(spec, context, &params.judge(), (&PROMPT, &shape))?;
    Ok(Box::new(Judged {
        judge,
        shape,
        instructions: Vec::new(),
        data,
        each_of: Some("context"),
        of_answer: false,
        threshold: spec.threshold.unwrap_or(0.7),
    }))
}
