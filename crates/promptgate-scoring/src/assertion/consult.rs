//! What the kinds share that put an output to a program or an endpoint of the user's own: the question, and how strictly
//! the reply is read.

use promptgate_core::ask::{Ask, Asked, Consultant, Consultation, Reply};
use promptgate_core::assertion::AssertionSpec;
use promptgate_core::score::{Evidence, Scored};
use promptgate_core::{Diagnostic, Diagnostics};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::duration::milliseconds;
use super::text::excerpt;
use super::{Assertion, Parameter, State, Step, Subject, Trial};

/// The parameters that all of them have.
pub(super) const TIMEOUT: Parameter =
    Parameter { name: "timeout", doc: "how long one answer may take; default `\"30s\"`" };
/// See [`TIMEOUT`].
pub(super) const PARAMS: Parameter =
    Parameter { name: "params", doc: "a table that is handed on as it is, to tune what scores" };

/// From where on a score passes where neither the suite nor the reply says it.
const THRESHOLD: f64 = 0.5;

/// An assertion that asks a consultant.
pub(super) struct Consulting {
    whom: Consultant,
    timeout_ms: u64,
    params: Map<String, Value>,
    threshold: Option<f64>,
}

/// What a consultant says.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Verdict {
    score: Option<f64>,
    passed: Option<bool>,
    reason: Option<String>,
}

impl Consulting {
    /// An assertion that asks `whom`.
    pub(super) fn build(
        spec: &AssertionSpec,
        whom: Consultant,
        timeout: Option<&str>,
        params: Map<String, Value>,
    ) -> Result<Box<dyn Assertion>, Diagnostics> {
        let wrong = |text: &str| -> Diagnostic {
            let message = format!("`timeout` is `{text}`, which is not a time above zero");
            spec.params
                .mistake("timeout", message)
                .help("write a number and a unit: `\"800ms\"`, `\"4s\"` or `\"1.5m\"`")
        };
        let timeout = timeout.unwrap_or("30s");
        let timeout_ms = milliseconds(timeout).ok_or_else(|| wrong(timeout))?;
        Ok(Box::new(Self { whom, timeout_ms, params, threshold: spec.threshold }))
    }

    fn question(&self, trial: &Trial<'_>) -> Value {
        let (case, response) = (trial.case, trial.response);
        let value = match trial.subject() {
            Subject::Text(text) => Value::from(&**text),
            Subject::Value(value) => value.clone().into_owned(),
        };
        json!({
            "ask": "score",
            "output": response.output,
            "value": value,
            "case": {"id": case.id, "vars": case.vars, "expected": case.expected, "tags": case.tags, "metadata": case.metadata},
            "response": response,
            "params": self.params,
        })
    }

    /// Strict: a reply that says two things, or nothing that is a score, is none.
    fn scored(&self, reply: Value) -> Scored {
        let shown = excerpt(&reply.to_string());
        let verdict: Verdict = match serde_json::from_value(reply) {
            Ok(verdict) => verdict,
            Err(error) => return Scored::unscored(format!("the reply is no score: {error}: {shown}")),
        };
        let evidence = Evidence { note: verdict.reason.as_deref().map(excerpt), ..Evidence::default() };
        match (verdict.score, verdict.passed) {
            (None, None) => Scored::unscored(format!("the reply has neither `score` nor `passed`: {shown}")),
            (None, Some(passed)) => Scored::decided(passed, evidence),
            (Some(score), passed) => {
                let threshold = self.threshold.unwrap_or(THRESHOLD);
                // What the suite asks for stands above what the program thinks of its own score.
                let passed = passed.filter(|_| self.threshold.is_none());
                let told = || match passed {
                    Some(true) => format!("the score is {score}, and the reply says that it passed"),
                    Some(false) => format!("the score is {score}, and the reply says that it did not pass"),
                    None => format!("the score is {score}, and {threshold} passes"),
                };
                let evidence = Evidence { note: evidence.note.or_else(|| Some(told())), ..evidence };
                let scored = Scored::graded(score, threshold, evidence);
                match passed.filter(|_| scored.score.value().is_some()) {
                    Some(passed) => Scored { passed, ..scored },
                    None => scored,
                }
            }
        }
    }
}

impl Assertion for Consulting {
    fn start(&self, trial: &Trial<'_>) -> Step {
        let (whom, timeout_ms) = (self.whom.clone(), self.timeout_ms);
        let consultation = Consultation { whom, input: self.question(trial), timeout_ms };
        Step::Ask(State(Value::Null), vec![Ask::Consult(consultation)])
    }

    fn resume(&self, _: &Trial<'_>, _: State, replies: Vec<Reply>) -> Step {
        Step::Done(match replies.into_iter().next() {
            Some(Reply::Json(reply)) => self.scored(reply),
            Some(Reply::Failed(failure)) => Scored::unscored(failure.message),
            _ => Scored::unscored("no reply came"),
        })
    }

    fn asks(&self) -> Vec<Asked> {
        vec![Asked::Consultant(self.whom.clone())]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_says_who_decided() {
        let check = |threshold: Option<f64>, reply: Value, passed: bool, note: &str| {
            let whom = Consultant::Endpoint("http://localhost/".to_owned());
            let scored = Consulting { whom, timeout_ms: 1, params: Map::new(), threshold }.scored(reply);
            assert_eq!((scored.passed, scored.evidence.note.as_deref()), (passed, Some(note)));
        };
        check(None, json!({"score": 0.9}), true, "the score is 0.9, and 0.5 passes");
        let said = "the score is 0.9, and the reply says that it did not pass";
        check(None, json!({"score": 0.9, "passed": false}), false, said);
        check(Some(0.8), json!({"score": 0.9, "passed": false}), true, "the score is 0.9, and 0.8 passes");
    }
}
