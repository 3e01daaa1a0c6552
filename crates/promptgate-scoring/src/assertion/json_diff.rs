//! `json-diff`: how similar the answer is to a JSON value, from 0 to 1, part by part.

use std::collections::BTreeSet;

use promptgate_core::Diagnostics;
use promptgate_core::assertion::AssertionSpec;
use promptgate_core::case::Case;
use promptgate_core::score::{Evidence, Scored};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::difference::{Difference, Mode};
use super::equality::same_value;
use super::expected::{Expected, anything};
use super::kind::score;
use super::text::{TextRule, evidence, excerpt, line_feeds};
use super::{Assertion, AssertionKind, BuildContext, CostClass, Example, Parameter, Step, Trial};

/// The most steps that comparing the texts of one answer may take: characters of one side times those of the other.
const MAX_STEPS: usize = 25_000_000;

/// The table entry.
pub(super) const KIND: AssertionKind = AssertionKind {
    name: "json-diff",
    summary: "the answer is JSON similar to the value: objects by the mean over the keys of both, lists by the mean \
        over the items of the longer, texts by 1 - edit distance / longer length, numbers by 1 - |a - b| / (|a| + |b|), \
        anything else 1 or 0; `threshold` is 1 unless it is given",
    cost: CostClass::Pure,
    yields: score,
    parameters: &[Parameter { name: "value", doc: "the value asked for; may name parts of the case" }],
    passes: Example::of(
        "value = { queue = \"billing\", tags = [\"a\", \"b\"] }\nthreshold = 0.75",
        "{\"queue\": \"billing\", \"tags\": [\"a\"]}",
    ),
    fails: Example::of(
        "value = { queue = \"billing\", urgent = true }\nthreshold = 0.75",
        "{\"queue\": \"billing\", \"urgent\": false}",
    ),
    build,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    value: Value,
}

struct JsonDiff {
    value: Expected,
    threshold: f64,
}

fn build(spec: &AssertionSpec, _: &BuildContext<'_>) -> Result<Box<dyn Assertion>, Diagnostics> {
    let params: Params = spec.params.read("`json-diff`")?;
    let value = Expected::read(&spec.params, "value", &params.value, anything)?;
    Ok(Box::new(JsonDiff { value, threshold: spec.threshold.unwrap_or(1.0) }))
}

impl Assertion for JsonDiff {
    fn start(&self, trial: &Trial<'_>) -> Step {
        Step::decide(|| {
            let value = self.value.value(trial.case)?;
            let shown = evidence(&value.to_string(), &trial.subject().text());
            let (similarity, note) = match trial.subject().json() {
                Err(error) => (0.0, Some(format!("the answer is not JSON: {error}"))),
                Ok(found) => {
                    let similarity = Comparison { steps_left: MAX_STEPS }.values(&found, &value)?;
                    (similarity, Difference::first(&found, &value, Mode::Exact).map(|found| found.words()))
                }
            };
            Ok(Scored::graded(similarity, self.threshold, Evidence { note: note.map(|note| excerpt(&note)), ..shown }))
        })
    }

    fn check(&self, case: &Case) -> Result<(), Diagnostics> {
        Ok(self.value.check(case)?)
    }
}

/// A comparison of two values, the work on texts being counted: an edit distance takes quadratic time.
struct Comparison {
    steps_left: usize,
}

impl Comparison {
    /// The similarity in 0..=1; 1 for values that are the same, and for them alone but for rounding.
    fn values(&mut self, left: &Value, right: &Value) -> Result<f64, String> {
        match (left, right) {
            (Value::Object(left), Value::Object(right)) => self.objects(left, right),
            (Value::Array(left), Value::Array(right)) => self.lists(left, right),
            _ if same_value(left, right, TextRule::default()) => Ok(1.0),
            (Value::String(left), Value::String(right)) => self.texts(&line_feeds(left), &line_feeds(right)),
            (Value::Number(left), Value::Number(right)) => Ok(numbers(left.as_f64(), right.as_f64())),
            _ => Ok(0.0),
        }
    }

    fn objects(&mut self, left: &Map<String, Value>, right: &Map<String, Value>) -> Result<f64, String> {
        let keys: BTreeSet<&String> = left.keys().chain(right.keys()).collect();
        let mut sum = 0.0;
        for key in &keys {
            if let (Some(left), Some(right)) = (left.get(*key), right.get(*key)) {
                sum += self.values(left, right)?;
            }
        }
        Ok(mean(sum, keys.len()))
    }

    fn lists(&mut self, left: &[Value], right: &[Value]) -> Result<f64, String> {
        let mut sum = 0.0;
        for (left, right) in left.iter().zip(right) {
            sum += self.values(left, right)?;
        }
        Ok(mean(sum, left.len().max(right.len())))
    }

    fn texts(&mut self, left: &str, right: &str) -> Result<f64, String> {
        let steps = left.len().saturating_mul(right.len());
        let left_over = self.steps_left.checked_sub(steps);
        self.steps_left = left_over.ok_or("the texts to compare are too long to tell how similar they are")?;
        Ok(strsim::normalized_levenshtein(left, right))
    }
}

/// The mean of parts; two values without any part are the same.
fn mean(sum: f64, parts: usize) -> f64 {
    if parts == 0 { 1.0 } else { sum / parts as f64 }
}

/// 1 - |a - b| / (|a| + |b|): 0 for numbers on different sides of zero. Halves, since the sum of two doubles may overflow.
fn numbers(left: Option<f64>, right: Option<f64>) -> f64 {
    let (Some(left), Some(right)) = (left.map(|left| left / 2.0), right.map(|right| right / 2.0)) else { return 0.0 };
    let whole = left.abs() + right.abs();
    if whole == 0.0 { 1.0 } else { (1.0 - (left - right).abs() / whole).clamp(0.0, 1.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(left: &str, right: &str, expected: f64) {
        let value = |text| serde_json::from_str(text).unwrap();
        let (left, right): (Value, Value) = (value(left), value(right));
        for (left, right) in [(&left, &right), (&right, &left)] {
            let similarity = Comparison { steps_left: 1_000 }.values(left, right).unwrap();
            assert!((similarity - expected).abs() < 1e-12, "{left} and {right}: {similarity}");
        }
    }

    #[test]
    fn similarity_is_the_mean_over_the_parts_of_both() {
        check("{}", "{}", 1.0);
        check("[]", "[]", 1.0);
        check("[]", "{}", 0.0);
        check("{\"a\": 1}", "{\"b\": 1}", 0.0);
        check("{\"a\": 1, \"b\": 2}", "{\"b\": 2.0, \"c\": 3}", 1.0 / 3.0);
        check("[1, 2, 3, 4]", "[1, 2]", 0.5);
        check("[1, 2]", "[2, 1]", 2.0 / 3.0);
        check("{\"a\": {\"b\": [\"x\", \"y\"]}, \"c\": null}", "{\"a\": {\"b\": [\"x\"]}, \"c\": null}", 0.75);
    }

    #[test]
    fn texts_are_similar_by_edit_distance_and_numbers_by_their_ratio() {
        check("\"kitten\"", "\"sitting\"", 1.0 - 3.0 / 7.0);
        check("\"\"", "\"abc\"", 0.0);
        check("\"\"", "\"\"", 1.0);
        check("\"a\\r\\nb\"", "\"a\\nb\"", 1.0);
        check("\"müde\"", "\"muede\"", 0.6);
        check("100", "300", 0.5);
        check("-1", "1", 0.0);
        check("0", "-0.0", 1.0);
        check("0", "5", 0.0);
        check("1.7e308", "1.7e308", 1.0);
        check("1.7e308", "-1.7e308", 0.0);
        check("1", "\"1\"", 0.0);
        check("true", "1", 0.0);
    }

    #[test]
    fn texts_that_take_too_long_are_not_compared() {
        let long = Value::from("a".repeat(40));
        let other = Value::from("b".repeat(40));
        assert!(Comparison { steps_left: 1_000 }.values(&long, &other).is_err());
    }
}
