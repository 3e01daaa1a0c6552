//! `answer-relevance`: the answer keeps to the question.

use promptgate_core::Diagnostics;
use promptgate_core::assertion::AssertionSpec;
use serde_json::Value;

use super::judge::{Judge, Judged, Shape, Shipped, judged_parameters, judged_params, looked_at};
use super::kind::score;
use super::{Assertion, AssertionKind, BuildContext, CostClass, Example, Parameter};

/// The table entry.
pub(super) const KIND: AssertionKind = AssertionKind {
    name: "answer-relevance",
    summary: "the answer keeps to the question; the score is the share of its statements that bear on it; `threshold` 0.7 unless given",
    cost: CostClass::Judge,
    yields: score,
    parameters: judged_parameters![Parameter { name: "question", doc: "what was asked; may name parts of the case" },],
    passes: Example::of("question = \"When do you close?\"", "We are open until six.")
        .replies(r#"[["{\"items\": [{\"text\": \"open until six\", \"verdict\": true}]}"]]"#),
    fails: Example::of("question = \"When do you close?\"", "Shoes are on the left.")
        .replies(r#"[["{\"items\": [{\"text\": \"open until nine\", \"verdict\": false}]}"]]"#),
    build,
};

const PROMPT: Shipped =
    Shipped { name: "answer-relevance", text: include_str!("judge/prompts/answer-relevance.prompt"), variables: &[] };

judged_params! {
    struct Params {
        question: Value,
    }
}

fn build(spec: &AssertionSpec, context: &BuildContext<'_>) -> Result<Box<dyn Assertion>, Diagnostics> {
    let params: Params = spec.params.read("`answer-relevance`")?;
    let data = looked_at(spec, &[("question", "question", Some(&params.question))])?;
    let shape = Shape::Share { empty: None };
    let judge = Judge::build(spec, context, &params.judge(), (&PROMPT, &shape))?;
    Ok(Box::new(Judged {
        judge,
        shape,
        instructions: Vec::new(),
        data,
        each_of: None,
        of_answer: true,
        threshold: spec.threshold.unwrap_or(0.7),
    }))
}
