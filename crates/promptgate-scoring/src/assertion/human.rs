//! `human`: people say of the output what it is worth. An output that nobody has labelled is unscored, so that a critical
//! assertion keeps the gate open until somebody has.

use promptgate_core::Diagnostics;
use promptgate_core::assertion::AssertionSpec;
use promptgate_core::score::{Evidence, Scored};
use serde::Deserialize;
use serde_json::Value;

use super::kind::score_with_threshold;
use super::labels::Labels;
use super::text::excerpt;
use super::{Assertion, AssertionKind, BuildContext, CostClass, Example, Parameter, Step, Trial};

/// Where labels stand unless the assertion says otherwise.
const FILE: &str = "labels.jsonl";

/// The table entry.
pub(super) const KIND: AssertionKind = AssertionKind {
    name: "human",
    summary: "people say that the output is good, or with `threshold` how good; unscored until somebody has labelled it",
    cost: CostClass::Pure,
    yields: score_with_threshold,
    parameters: &[Parameter {
        name: "labels",
        doc: "labels of people, `.jsonl` or `.csv`, from the suite's folder: `case`, `output`, `label` (true, false, or a \
              number from 0 to 1), `rater`; several people count by their mean; default `labels.jsonl`",
    }],
    passes: Example::of("labels = \"labels.jsonl\"", "Good morning.").case(r#"{"id": "greeting"}"#),
    fails: Example::of("labels = \"labels.jsonl\"", "Well.").case(r#"{"id": "greeting"}"#),
    build,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    #[serde(default)]
    labels: Option<String>,
}

struct Human {
    file: String,
    labels: Labels,
    threshold: Option<f64>,
}

fn build(spec: &AssertionSpec, context: &BuildContext<'_>) -> Result<Box<dyn Assertion>, Diagnostics> {
    let params: Params = spec.params.read("`human`")?;
    let file = params.labels.unwrap_or_else(|| FILE.to_owned());
    let labels = Labels::read_if_any(context, &file).map_err(|problem| spec.params.mistake("labels", problem))?;
    if let Some(word) = labels.all().find(|label| worth(label).is_none()) {
        let mistake = spec.params.mistake("labels", format!("`{file}` has the label {word}, which is no grade"));
        return Err(mistake.help("write true, false, or a number from 0 to 1").into());
    }
    Ok(Box::new(Human { file, labels, threshold: spec.threshold }))
}

fn worth(label: &Value) -> Option<f64> {
    label.as_bool().map(|label| f64::from(u8::from(label))).or_else(|| label.as_f64())
}

impl Assertion for Human {
    fn start(&self, trial: &Trial<'_>) -> Step {
        let (case, output) = (&trial.case.id, &trial.response.output);
        let Some(said) = self.labels.of(case, output, worth) else {
            let how = format!(
                "add a line to it: {{\"case\": \"{}\", \"output\": ..., \"label\": ...}}",
                excerpt(case.as_str())
            );
            return Step::Done(Scored::unscored(format!("`{}` holds no label of this output; {how}", self.file)));
        };
        let note = Some(format!("people say {said:.2}"));
        let evidence = Evidence { found: Some(excerpt(output)), note, ..Evidence::default() };
        Step::Done(match self.threshold {
            Some(threshold) => Scored::graded(said, threshold, evidence),
            // Half of the people are not enough.
            None => Scored::decided(said > 0.5, evidence),
        })
    }

    fn needs_answer(&self) -> bool {
        false
    }
}
