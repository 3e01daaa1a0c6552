//! `bleu`: the answer is close to one of several wordings, by the runs of words they share.

use promptgate_core::Diagnostics;
use promptgate_core::assertion::AssertionSpec;
use promptgate_core::case::Case;
use promptgate_core::score::Scored;
use serde::Deserialize;
use serde_json::Value;

use super::kind::score;
use super::references::{References, VALUE, VALUES};
use super::text::evidence;
use super::{Assertion, AssertionKind, BuildContext, CostClass, Example, Parameter, Step, Trial};
use crate::similarity::bleu::bleu;
use crate::similarity::tokens::{Tokenize, Tokens};

/// The table entry.
pub(super) const KIND: AssertionKind = AssertionKind {
    name: "bleu",
    summary: "the answer shares its runs of up to 4 words with what was expected (BLEU of sacreBLEU, by sentence; all of \
              `values` count together); `threshold` 0.5 unless given",
    cost: CostClass::Pure,
    yields: score,
    parameters: &[
        VALUE,
        VALUES,
        Parameter { name: "tokenize", doc: "`13a` (default), `words`, `rouge-score` or `whitespace`" },
    ],
    passes: Example::of("value = \"the cat sat on the mat\"", "the cat sat on the mat today"),
    fails: Example::of("value = \"the cat sat on the mat\"", "a dog"),
    build,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    value: Option<Value>,
    values: Option<Value>,
    tokenize: Option<Tokenize>,
}

struct Bleu {
    references: References,
    tokenize: Tokenize,
    threshold: f64,
}

fn build(spec: &AssertionSpec, _: &BuildContext<'_>) -> Result<Box<dyn Assertion>, Diagnostics> {
    let params: Params = spec.params.read("`bleu`")?;
    let references = References::read(spec, params.value.as_ref(), params.values.as_ref())?;
    let tokenize = params.tokenize.unwrap_or(Tokenize::Mteval13a);
    Ok(Box::new(Bleu { references, tokenize, threshold: spec.threshold.unwrap_or(0.5) }))
}

impl Assertion for Bleu {
    fn start(&self, trial: &Trial<'_>) -> Step {
        Step::decide(|| {
            let (found, texts) = (trial.subject().text(), self.references.texts(trial.case)?);
            let references: Vec<Tokens> = texts.iter().map(|text| self.tokenize.tokens(text)).collect();
            let score = bleu(&self.tokenize.tokens(&found), &references);
            Ok(Scored::graded(score, self.threshold, evidence(&texts.join(" | "), &found)))
        })
    }

    fn check(&self, case: &Case) -> Result<(), Diagnostics> {
        Ok(self.references.check(case)?)
    }
}
