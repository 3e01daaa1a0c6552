//! `factuality`: a judge says how the facts of the answer relate to a reference.

use std::collections::BTreeMap;

use promptgate_core::Diagnostics;
use promptgate_core::assertion::AssertionSpec;
use serde_json::Value;

use super::judge::{
    BY, By, Judge, Judged, Shape, Shipped, check_by, judged_parameters, judged_params, label_scores, looked_at,
};
use super::kind::score;
use super::{Assertion, AssertionKind, BuildContext, CostClass, Example, Parameter};

/// The table entry.
pub(super) const KIND: AssertionKind = AssertionKind {
    name: "factuality",
    summary: "a judge says how the facts of the answer relate to a reference: five relations, each with a score; `threshold` 0.5 unless given",
    cost: CostClass::Judge,
    yields: score,
    parameters: judged_parameters![
        Parameter { name: "value", doc: "the reference that a person wrote; may name parts of the case" },
        Parameter { name: "question", doc: "what was asked, where that helps; may name parts of the case" },
        Parameter {
            name: "scores",
            doc: "scores by relation, over ours: `equal` 1, `superset` 1, `subset` 0.5, `differs-harmlessly` 1, `contradicts` 0"
        },
        BY,
    ],
    passes: Example::of("value = \"We close at six.\"", "Open until six.")
        .replies(r#"[["{\"reason\": \"as asked\", \"label\": \"equal\"}"]]"#),
    fails: Example::of("value = \"We close at six.\"", "Open until nine.")
        .replies(r#"[["{\"reason\": \"as asked\", \"label\": \"contradicts\"}"]]"#),
    build,
};

const PROMPT: Shipped =
    Shipped { name: "factuality", text: include_str!("judge/prompts/factuality.prompt"), variables: &[] };

judged_params! {
    struct Params {
        value: Value,
        question: Option<Value>,
        #[serde(default)]
        scores: BTreeMap<String, f64>,
        #[serde(default)]
        by: By,
    }
}

/// The relations, and what each is worth where the suite does not say it.
const RELATIONS: [(&str, f64); 5] =
    [("equal", 1.0), ("subset", 0.5), ("superset", 1.0), ("differs-harmlessly", 1.0), ("contradicts", 0.0)];

fn build(spec: &AssertionSpec, context: &BuildContext<'_>) -> Result<Box<dyn Assertion>, Diagnostics> {
    let params: Params = spec.params.read("`factuality`")?;
    let known = RELATIONS.map(|(relation, _)| relation);
    label_scores(spec, &params.scores, &known)?;
    let score =
        |(relation, score): (&str, f64)| (relation.to_owned(), params.scores.get(relation).copied().unwrap_or(score));
    let data = looked_at(
        spec,
        &[("question", "question", params.question.as_ref()), ("reference", "value", Some(&params.value))],
    )?;
    let shape = Shape::Label(RELATIONS.map(score).to_vec());
    check_by(spec, params.by, &shape)?;
    let judge = Judge::build(spec, context, &params.judge(), (&PROMPT, &shape))?;
    Ok(Box::new(Judged {
        judge: judge.by(params.by),
        shape,
        instructions: Vec::new(),
        data,
        each_of: None,
        of_answer: true,
        threshold: spec.threshold.unwrap_or(0.5),
    }))
}
