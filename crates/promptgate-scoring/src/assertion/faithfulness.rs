//! `faithfulness`: each claim of the answer is backed by the context.

use promptgate_core::Diagnostics;
use promptgate_core::assertion::AssertionSpec;
use serde_json::Value;

use super::judge::{Judge, Judged, Shape, Shipped, judged_parameters, judged_params, looked_at};
use super::kind::score;
use super::{Assertion, AssertionKind, BuildContext, CostClass, Example, Parameter};

/// The table entry.
pub(super) const KIND: AssertionKind = AssertionKind {
    name: "faithfulness",
    summary: "each claim of the answer is backed by the context; the score is the share of such claims, 1 where there is none; `threshold` 1 unless given",
    cost: CostClass::Judge,
    yields: score,
    parameters: judged_parameters![Parameter {
        name: "context",
        doc: "what the program was given, a text or a list of texts; may name parts of the case"
    },],
    passes: Example::of("context = \"We are open until six.\"", "Open until six.")
        .replies(r#"[["{\"items\": [{\"text\": \"open until six\", \"verdict\": true}]}"]]"#),
    fails: Example::of("context = \"We are open until six.\"", "Open until nine.")
        .replies(r#"[["{\"items\": [{\"text\": \"open until nine\", \"verdict\": false}]}"]]"#),
    build,
};

const PROMPT: Shipped =
    Shipped { name: "faithfulness", text: include_str!("judge/prompts/faithfulness.prompt"), variables: &[] };

judged_params! {
    struct Params {
        context: Value,
    }
}

fn build(spec: &AssertionSpec, context: &BuildContext<'_>) -> Result<Box<dyn Assertion>, Diagnostics> {
    let params: Params = spec.params.read("`faithfulness`")?;
    let data = looked_at(spec, &[("context", "context", Some(&params.context))])?;
    let shape = Shape::Share { empty: Some(1.0) };
    let judge = Judge::build(spec, context, &params.judge(), (&PROMPT, &shape))?;
    Ok(Box::new(Judged {
        judge,
        shape,
        instructions: Vec::new(),
        data,
        each_of: None,
        of_answer: true,
        threshold: spec.threshold.unwrap_or(1.0),
    }))
}
