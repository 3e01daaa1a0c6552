//! `classify`: a judge gives the answer one of several labels, each with a score.

use std::collections::BTreeMap;

use promptgate_core::Diagnostics;
use promptgate_core::assertion::AssertionSpec;
use serde_json::Value;

use super::expected::{Expected, some_criteria};
use super::judge::{
    BY, By, Filling, Judge, Judged, Shape, Shipped, check_by, judged_parameters, judged_params, label_scores, looked_at,
};
use super::kind::score;
use super::{Assertion, AssertionKind, BuildContext, CostClass, Example, Parameter};

/// The table entry.
pub(super) const KIND: AssertionKind = AssertionKind {
    name: "classify",
    summary: "a judge gives the answer one of several labels, each with a score; `threshold` 1 unless given",
    cost: CostClass::Judge,
    yields: score,
    parameters: judged_parameters![
        Parameter { name: "task", doc: "what is to be sorted and by what, in free text; may name parts of the case" },
        Parameter { name: "labels", doc: "the labels, at least two" },
        Parameter { name: "scores", doc: "the score of each label, 0 to 1; a label without one has 0" },
        Parameter { name: "question", doc: "what was asked, where that helps; may name parts of the case" },
        BY,
    ],
    passes: Example::of(
        "task = \"How polite is it?\"\nlabels = [\"polite\", \"curt\"]\nscores = { polite = 1 }",
        "Yes, please.",
    )
    .replies(r#"[["{\"reason\": \"as asked\", \"label\": \"polite\"}"]]"#),
    fails: Example::of("task = \"How polite is it?\"\nlabels = [\"polite\", \"curt\"]\nscores = { polite = 1 }", "No.")
        .replies(r#"[["{\"reason\": \"as asked\", \"label\": \"curt\"}"]]"#),
    build,
};

const PROMPT: Shipped =
    Shipped { name: "classify", text: include_str!("judge/prompts/classify.prompt"), variables: &["task", "labels"] };

judged_params! {
    struct Params {
        task: Value,
        labels: Vec<String>,
        scores: BTreeMap<String, f64>,
        question: Option<Value>,
        #[serde(default)]
        by: By,
    }
}

fn build(spec: &AssertionSpec, context: &BuildContext<'_>) -> Result<Box<dyn Assertion>, Diagnostics> {
    let params: Params = spec.params.read("`classify`")?;
    let task = Expected::read(&spec.params, "task", &params.task, some_criteria)?;
    let labels = params.labels.clone();
    if labels.len() < 2 || (1..labels.len()).any(|at| labels[..at].contains(&labels[at])) {
        let mistake = spec.params.mistake("labels", "`labels` are at least two, each of them once");
        return Err(mistake.help("write `labels = [\"polite\", \"curt\"]`").into());
    }
    label_scores(spec, &params.scores, &labels.iter().map(String::as_str).collect::<Vec<_>>())?;
    let score = |label: &String| (label.clone(), params.scores.get(label).copied().unwrap_or(0.0));
    let data = looked_at(spec, &[("question", "question", params.question.as_ref())])?;
    let shape = Shape::Label(labels.iter().map(score).collect());
    check_by(spec, params.by, &shape)?;
    let judge = Judge::build(spec, context, &params.judge(), (&PROMPT, &shape))?;
    Ok(Box::new(Judged {
        judge: judge.by(params.by),
        shape,
        instructions: vec![("task", Filling::OfCase(task)), ("labels", Filling::Fixed(labels.into()))],
        data,
        each_of: None,
        of_answer: true,
        threshold: spec.threshold.unwrap_or(1.0),
    }))
}
