//! `list-contains`: the answer is a list, and its items are the expected ones.

use std::collections::HashMap;

use promptgate_core::Diagnostics;
use promptgate_core::assertion::AssertionSpec;
use promptgate_core::case::Case;
use promptgate_core::score::{Evidence, Scored};
use serde::Deserialize;
use serde_json::Value;

use super::equality::Form;
use super::expected::{Expected, some_values, text_of};
use super::kind::score;
use super::text::{TextRule, evidence, excerpt};
use super::{Assertion, AssertionKind, BuildContext, CostClass, Example, Parameter, Step, Trial};

/// The table entry.
pub(super) const KIND: AssertionKind = AssertionKind {
    name: "list-contains",
    summary: "the items of the answer, a JSON list, are the expected ones in any order, each matched once; `threshold` is \
        1 unless it is given",
    cost: CostClass::Pure,
    yields: score,
    parameters: &[
        Parameter { name: "values", doc: "the expected items, or one `{{path}}` that names a list of the case" },
        Parameter { name: "ignore_case", doc: "letter case does not count (Unicode case folding); default false" },
        Parameter {
            name: "score",
            doc: "`f1` (default), `recall` (the share of the expected items that is there), or `precision` (the share of \
                the answer's items that is expected)",
        },
    ],
    passes: Example::of("values = [\"a\", \"b\"]\nscore = \"recall\"", "[\"c\", \"b\", \"a\"]"),
    fails: Example::of("values = [\"a\", \"b\"]", "[\"c\", \"b\", \"a\"]"),
    build,
};

/// Which share is the score.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Share {
    #[default]
    F1,
    Recall,
    Precision,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    values: Value,
    #[serde(default)]
    ignore_case: bool,
    #[serde(default)]
    score: Share,
}

struct ListContains {
    values: Expected,
    rule: TextRule,
    share: Share,
    threshold: f64,
}

fn build(spec: &AssertionSpec, _: &BuildContext<'_>) -> Result<Box<dyn Assertion>, Diagnostics> {
    let params: Params = spec.params.read("`list-contains`")?;
    let values = Expected::read(&spec.params, "values", &params.values, some_values)?;
    let threshold = spec.threshold.unwrap_or(1.0);
    Ok(Box::new(ListContains { values, rule: TextRule::case(params.ignore_case), share: params.score, threshold }))
}

impl Assertion for ListContains {
    fn start(&self, trial: &Trial<'_>) -> Step {
        Step::decide(|| {
            let values = self.values.value(trial.case)?;
            let shown = evidence(&text_of(&values), &trial.subject().text());
            let (share, note) = match trial.subject().json().as_deref() {
                Ok(Value::Array(found)) => self.compare(found, values.as_array().map_or(&[], Vec::as_slice)),
                Ok(_) => (0.0, Some("the answer is not a list".to_owned())),
                Err(error) => (0.0, Some(format!("the answer is not JSON: {error}"))),
            };
            Ok(Scored::graded(share, self.threshold, Evidence { note: note.map(|note| excerpt(&note)), ..shown }))
        })
    }

    fn check(&self, case: &Case) -> Result<(), Diagnostics> {
        Ok(self.values.check(case)?)
    }
}

impl ListContains {
    fn compare(&self, found: &[Value], wanted: &[Value]) -> (f64, Option<String>) {
        let (missing, extra) = unmatched(found, wanted, self.rule);
        let matched = (wanted.len() - missing.len()) as f64;
        let share = match self.share {
            Share::Recall => matched / wanted.len() as f64,
            Share::Precision if found.is_empty() => 0.0,
            Share::Precision => matched / found.len() as f64,
            Share::F1 => 2.0 * matched / (found.len() + wanted.len()) as f64,
        };
        let part = |word: &str, items: Vec<&Value>| {
            let texts: Vec<_> = items.into_iter().map(Value::to_string).collect();
            (!texts.is_empty()).then(|| format!("{word}: {}", texts.join(", ")))
        };
        let parts: Vec<String> =
            [part("missing", missing), part("not expected", extra)].into_iter().flatten().collect();
        (share, (!parts.is_empty()).then(|| parts.join("; ")))
    }
}

/// The expected items that are not there, and the items that are there beyond them. Since being the same is an equivalence,
/// matching item by item finds as many pairs as any matching could.
fn unmatched<'a>(found: &'a [Value], wanted: &'a [Value], rule: TextRule) -> (Vec<&'a Value>, Vec<&'a Value>) {
    let mut open: HashMap<Form, Vec<usize>> = HashMap::new();
    for (index, item) in wanted.iter().enumerate().rev() {
        open.entry(Form::of(item, rule)).or_default().push(index);
    }
    let mut matched = vec![false; wanted.len()];
    let mut extra = Vec::new();
    for item in found {
        match open.get_mut(&Form::of(item, rule)).and_then(Vec::pop) {
            Some(index) => matched[index] = true,
            None => extra.push(item),
        }
    }
    let missing = wanted.iter().zip(matched).filter(|(_, matched)| !matched).map(|(item, _)| item).collect();
    (missing, extra)
}
