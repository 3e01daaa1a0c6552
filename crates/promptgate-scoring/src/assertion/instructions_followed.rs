//! `instructions-followed`: the answer obeys its instructions.

use promptgate_core::Diagnostics;
use promptgate_core::assertion::AssertionSpec;
use serde_json::Value;

use super::judge::{Judge, Judged, Shape, Shipped, judged_parameters, judged_params, looked_at};
use super::kind::score;
use super::{Assertion, AssertionKind, BuildContext, CostClass, Example, Parameter};

/// The table entry.
pub(super) const KIND: AssertionKind = AssertionKind {
    name: "instructions-followed",
    summary: "the answer obeys its instructions; the score is the share of them; `threshold` 1 unless given",
    cost: CostClass::Judge,
    yields: score,
    parameters: judged_parameters![Parameter {
        name: "instructions",
        doc: "what the answer has to obey, a text or a list; may name parts of the case"
    },],
    passes: Example::of("instructions = [\"Answer in one sentence.\"]", "Open until six.")
        .replies(r#"[["{\"items\": [{\"text\": \"open until six\", \"verdict\": true}]}"]]"#),
    fails: Example::of("instructions = [\"Answer in French.\"]", "Open until six.")
        .replies(r#"[["{\"items\": [{\"text\": \"open until nine\", \"verdict\": false}]}"]]"#),
    build,
};

const PROMPT: Shipped = Shipped {
    name: "instructions-followed",
    text: include_str!("judge/prompts/instructions-followed.prompt"),
    variables: &[],
};

judged_params! {
    struct Params {
        instructions: Value,
    }
}

fn build(spec: &AssertionSpec, context: &BuildContext<'_>) -> Result<Box<dyn Assertion>, Diagnostics> {
    let params: Params = spec.params.read("`instructions-followed`")?;
    let data = looked_at(spec, &[("instructions", "instructions", Some(&params.instructions))])?;
    let shape = Shape::Share { empty: None };
    let judge = Judge::build(spec, context, &params.judge(), (&PROMPT, &shape))?;
    Ok(Box::new(Judged {
        judge,
        shape,
        instructions: Vec::new(),
        data,
        each_of: Some("instructions"),
        of_answer: true,
        threshold: spec.threshold.unwrap_or(1.0),
    }))
}
