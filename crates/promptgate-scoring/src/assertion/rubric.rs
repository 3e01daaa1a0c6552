//! `rubric`: a judge grades the answer by criteria in free text.

use promptgate_core::Diagnostics;
use promptgate_core::assertion::AssertionSpec;
use serde_json::Value;

use super::expected::{Expected, some_criteria};
use super::judge::{
    BY, By, Filling, Judge, Judged, Shape, Shipped, check_by, judged_parameters, judged_params, looked_at, scale,
};
use super::kind::score;
use super::{Assertion, AssertionKind, BuildContext, CostClass, Example, Parameter};

/// The table entry.
pub(super) const KIND: AssertionKind = AssertionKind {
    name: "rubric",
    summary: "a judge grades the answer by criteria in free text; `threshold` 0.5 of the scale unless given",
    cost: CostClass::Judge,
    yields: score,
    parameters: judged_parameters![
        Parameter { name: "criteria", doc: "what a good answer has, in free text; may name parts of the case" },
        Parameter { name: "question", doc: "what was asked, where that helps; may name parts of the case" },
        Parameter { name: "scale", doc: "the lowest and the highest grade, default `[1, 5]`" },
        BY,
    ],
    passes: Example::of("criteria = \"It is polite.\"", "Yes, please.")
        .replies(r#"[["{\"reason\": \"as asked\", \"score\": 5}"]]"#),
    fails: Example::of("criteria = \"It is polite.\"", "No.")
        .replies(r#"[["{\"reason\": \"as asked\", \"score\": 2}"]]"#),
    build,
};

const PROMPT: Shipped = Shipped {
    name: "rubric",
    text: include_str!("judge/prompts/rubric.prompt"),
    variables: &["criteria", "min", "max"],
};

judged_params! {
    struct Params {
        criteria: Value,
        question: Option<Value>,
        scale: Option<[f64; 2]>,
        #[serde(default)]
        by: By,
    }
}

fn build(spec: &AssertionSpec, context: &BuildContext<'_>) -> Result<Box<dyn Assertion>, Diagnostics> {
    let params: Params = spec.params.read("`rubric`")?;
    let criteria = Expected::read(&spec.params, "criteria", &params.criteria, some_criteria)?;
    let (min, max) = scale(spec, params.scale)?;
    let data = looked_at(spec, &[("question", "question", params.question.as_ref())])?;
    let shape = Shape::Scale { min, max };
    check_by(spec, params.by, &shape)?;
    let judge = Judge::build(spec, context, &params.judge(), (&PROMPT, &shape))?;
    Ok(Box::new(Judged {
        judge: judge.by(params.by),
        shape,
        instructions: vec![
            ("criteria", Filling::OfCase(criteria)),
            ("min", Filling::Fixed(min.into())),
            ("max", Filling::Fixed(max.into())),
        ],
        data,
        each_of: None,
        of_answer: true,
        threshold: spec.threshold.unwrap_or(0.5),
    }))
}
