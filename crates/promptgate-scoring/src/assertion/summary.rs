//! `summary`: the answer holds what matters in its source and nothing else.

use promptgate_core::Diagnostics;
use promptgate_core::assertion::AssertionSpec;
use serde_json::Value;

use super::judge::{Judge, Judged, Shape, Shipped, judged_parameters, judged_params, looked_at};
use super::kind::score;
use super::{Assertion, AssertionKind, BuildContext, CostClass, Example, Parameter};

/// The table entry.
pub(super) const KIND: AssertionKind = AssertionKind {
    name: "summary",
    summary: "the answer sums its source up: the score is the share of main points held and claims backed; `threshold` 0.8 unless given",
    cost: CostClass::Judge,
    yields: score,
    parameters: judged_parameters![Parameter {
        name: "source",
        doc: "the text that is summed up; may name parts of the case"
    },],
    passes: Example::of("source = \"We are open until six. Bring shoes.\"", "Open until six, with shoes.")
        .replies(r#"[["{\"items\": [{\"text\": \"open until six\", \"verdict\": true}]}"]]"#),
    fails: Example::of("source = \"We are open until six.\"", "Open until nine.")
        .replies(r#"[["{\"items\": [{\"text\": \"open until nine\", \"verdict\": false}]}"]]"#),
    build,
};

const PROMPT: Shipped = Shipped { name: "summary", text: include_str!("judge/prompts/summary.prompt"), variables: &[] };

judged_params! {
    struct Params {
        source: Value,
    }
}

fn build(spec: &AssertionSpec, context: &BuildContext<'_>) -> Result<Box<dyn Assertion>, Diagnostics> {
    let params: Params = spec.params.read("`summary`")?;
    let data = looked_at(spec, &[("source", "source", Some(&params.source))])?;
    let shape = Shape::Share { empty: None };
    let judge = Judge::build(spec, context, &params.judge(), (&PROMPT, &shape))?;
    Ok(Box::new(Judged {
        judge,
        shape,
        instructions: Vec::new(),
        data,
        each_of: None,
        of_answer: true,
        threshold: spec.threshold.unwrap_or(0.8),
    }))
}
