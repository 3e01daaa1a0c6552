//! `snapshot`: the answer is one that a person has accepted. A case for which nothing is accepted is unscored: there is
//! nothing to hold the answer to.

use std::borrow::Cow;
use std::sync::Arc;

use promptgate_core::assertion::AssertionSpec;
use promptgate_core::score::{Evidence, Scored};
use promptgate_core::{Diagnostic, Diagnostics};
use serde::Deserialize;
use serde_json::Value;

use super::accepted::Accepted;
use super::equality::same_value;
use super::expected::text_of;
use super::kind::pass_fail;
use super::text::{TextRule, evidence, excerpt};
use super::{Assertion, AssertionKind, BuildContext, CostClass, Example, Parameter, Step, Subject, Trial};

/// Where accepted outputs stand unless the assertion says otherwise.
const FILE: &str = "snapshots/accepted.jsonl";

/// The table entry.
pub(super) const KIND: AssertionKind = AssertionKind {
    name: "snapshot",
    summary: "the answer is the accepted output of its case, or one of the accepted; unscored where none is accepted",
    cost: CostClass::Pure,
    yields: pass_fail,
    parameters: &[
        Parameter {
            name: "file",
            doc: "the file of accepted outputs, from the suite's folder; default `snapshots/accepted.jsonl`, with lines such as \
                `{\"case\": \"c1\", \"accepted\": [\"yes\"]}`",
        },
        Parameter {
            name: "normalise",
            doc: "what does not count, a list of: `whitespace` (how much of it, and any at the ends), `case` (Unicode case \
                folding), `json` (both are read as JSON: order of keys, spelling of numbers); default none",
        },
    ],
    passes: Example::of("file = \"snapshots/greetings.jsonl\"\nnormalise = [\"whitespace\"]", "Good\nmorning. ")
        .case(r#"{"id": "greeting"}"#),
    fails: Example::of("file = \"snapshots/greetings.jsonl\"", "Good night.").case(r#"{"id": "greeting"}"#),
    build,
};

/// What does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Normaliser {
    Whitespace,
    Case,
    Json,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    #[serde(default)]
    file: Option<String>,
    #[serde(default)]
    normalise: Vec<Normaliser>,
}

struct Snapshot {
    file: String,
    accepted: Arc<Accepted>,
    normalise: Vec<Normaliser>,
}

fn build(spec: &AssertionSpec, context: &BuildContext<'_>) -> Result<Box<dyn Assertion>, Diagnostics> {
    let params: Params = spec.params.read("`snapshot`")?;
    let file = params.file();
    let accepted = context.accepted_file(&file).map_err(|problem| spec.params.mistake("file", problem))?;
    Ok(Box::new(Snapshot { file, accepted, normalise: params.normalise }))
}

/// The file in which an assertion's accepted outputs stand; `None` for another kind.
pub(crate) fn file(spec: &AssertionSpec) -> Result<Option<String>, Diagnostic> {
    if spec.kind != KIND.name {
        return Ok(None);
    }
    let params: Params = spec.params.read("`snapshot`")?;
    Ok(Some(params.file()))
}

impl Params {
    fn file(&self) -> String {
        self.file.clone().unwrap_or_else(|| FILE.to_owned())
    }
}

impl Assertion for Snapshot {
    fn start(&self, trial: &Trial<'_>) -> Step {
        let accepted = self.accepted.of(&trial.case.id);
        let Some(first) = accepted.first() else {
            return Step::Done(Scored::unscored(self.nothing_accepted(trial.case.id.as_str())));
        };
        let subject = trial.subject();
        let passed = accepted.iter().any(|accepted| self.is_same(subject, accepted));
        let note = (accepted.len() > 1).then(|| format!("the first of {} accepted outputs is shown", accepted.len()));
        let shown = evidence(&text_of(first), &subject.text());
        Step::Done(Scored::decided(passed, Evidence { note: note.filter(|_| !passed), ..shown }))
    }
}

impl Snapshot {
    fn nothing_accepted(&self, case: &str) -> String {
        let how = "`promptgate snapshot accept SUITE` accepts what the last run answered";
        format!("`{}` accepts no output for `{}`; {how}", self.file, excerpt(case))
    }

    fn ignores(&self, normaliser: Normaliser) -> bool {
        self.normalise.contains(&normaliser)
    }

    fn is_same(&self, subject: &Subject<'_>, accepted: &Value) -> bool {
        let rule = TextRule::case(self.ignores(Normaliser::Case));
        let is_json = self.ignores(Normaliser::Json);
        match accepted {
            Value::String(text) if is_json && matches!(subject, Subject::Text(_)) => {
                let (found, wanted) = (subject.json(), serde_json::from_str::<Value>(text));
                found.is_ok_and(|found| wanted.is_ok_and(|wanted| same_value(&found, &wanted, rule)))
            }
            Value::String(_) => rule.same(&self.form(&subject.text()), &self.form(&text_of(accepted))),
            structured => subject.json().is_ok_and(|found| same_value(&found, structured, rule)),
        }
    }

    fn form<'a>(&self, text: &'a str) -> Cow<'a, str> {
        if !self.ignores(Normaliser::Whitespace) {
            return Cow::Borrowed(text);
        }
        Cow::Owned(text.split_whitespace().collect::<Vec<_>>().join(" "))
    }
}
