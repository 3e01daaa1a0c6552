//! `closed-qa`: a judge says yes or no to one criterion.

use promptgate_core::Diagnostics;
use promptgate_core::assertion::AssertionSpec;
use serde_json::Value;

use super::expected::{Expected, some_criteria};
use super::judge::{
    BY, By, Filling, Judge, Judged, Shape, Shipped, check_by, judged_parameters, judged_params, looked_at,
};
use super::{Assertion, AssertionKind, BuildContext, CostClass, Example, Parameter, Yields};

/// The table entry.
pub(super) const KIND: AssertionKind = AssertionKind {
    name: "closed-qa",
    summary: "a judge says whether the answer meets one criterion, yes or no",
    cost: CostClass::Judge,
    // Several judges, and probabilities, give something between yes and no.
    yields: |spec| {
        let between = ["judges", "by"].iter().any(|key| spec.params.values.contains_key(*key));
        if between { Yields::Score } else { Yields::PassFail }
    },
    parameters: judged_parameters![
        Parameter { name: "criteria", doc: "what a good answer has, in free text; may name parts of the case" },
        Parameter { name: "question", doc: "what was asked, where that helps; may name parts of the case" },
        BY,
    ],
    passes: Example::of("criteria = \"It names a time.\"", "Open until six.")
        .replies(r#"[["{\"reason\": \"as asked\", \"label\": \"yes\"}"]]"#),
    fails: Example::of("criteria = \"It names a time.\"", "We are open.")
        .replies(r#"[["{\"reason\": \"as asked\", \"label\": \"no\"}"]]"#),
    build,
};

const PROMPT: Shipped =
    Shipped { name: "closed-qa", text: include_str!("judge/prompts/closed-qa.prompt"), variables: &["criteria"] };

judged_params! {
    struct Params {
        criteria: Value,
        question: Option<Value>,
        #[serde(default)]
        by: By,
    }
}

fn build(spec: &AssertionSpec, context: &BuildContext<'_>) -> Result<Box<dyn Assertion>, Diagnostics> {
    let params: Params = spec.params.read("`closed-qa`")?;
    let criteria = Expected::read(&spec.params, "criteria", &params.criteria, some_criteria)?;
    let data = looked_at(spec, &[("question", "question", params.question.as_ref())])?;
    let shape = Shape::Label(vec![("yes".to_owned(), 1.0), ("no".to_owned(), 0.0)]);
    check_by(spec, params.by, &shape)?;
    let judge = Judge::build(spec, context, &params.judge(), (&PROMPT, &shape))?;
    Ok(Box::new(Judged {
        judge: judge.by(params.by),
        shape,
        instructions: vec![("criteria", Filling::OfCase(criteria))],
        data,
        each_of: None,
        of_answer: true,
        threshold: PASSES,
    }))
}

/// Of several judges half have to say yes.
const PASSES: f64 = 0.5;
