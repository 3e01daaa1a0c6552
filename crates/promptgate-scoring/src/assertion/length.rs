//! `length`: the answer is as long as asked for.

use promptgate_core::Diagnostics;
use promptgate_core::assertion::AssertionSpec;
use promptgate_core::score::Scored;
use serde::Deserialize;

use super::bounds::Bounds;
use super::kind::pass_fail;
use super::segments::{paragraphs, sentences, words};
use super::{Assertion, AssertionKind, BuildContext, CostClass, Example, Parameter, Step, Trial};

/// The table entry.
pub(super) const KIND: AssertionKind = AssertionKind {
    name: "length",
    summary: "the answer has as many characters, words, lines, sentences, paragraphs or tokens as asked for",
    cost: CostClass::Pure,
    yields: pass_fail,
    parameters: &[
        Parameter {
            name: "unit",
            doc: "`characters` (default; Unicode scalar values), `words` and `sentences` (Unicode text segmentation, abbreviations kept; a line that is \
                only wrapped ends no sentence), `lines`, `paragraphs` (between blank lines), or `tokens` (as the provider reported them for the whole output; unscored where it did not)",
        },
        Parameter { name: "min", doc: "at least so many" },
        Parameter { name: "max", doc: "at most so many" },
    ],
    passes: Example::of("unit = \"words\"\nmax = 4", "It's on its way!"),
    fails: Example::of("min = 10", "äöü"),
    build,
};

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Unit {
    #[default]
    Characters,
    Words,
    Lines,
    Sentences,
    Paragraphs,
    Tokens,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    #[serde(default)]
    unit: Unit,
    #[serde(default)]
    min: Option<u64>,
    #[serde(default)]
    max: Option<u64>,
}

struct Length {
    unit: Unit,
    bounds: Bounds,
}

fn build(spec: &AssertionSpec, _: &BuildContext<'_>) -> Result<Box<dyn Assertion>, Diagnostics> {
    let params: Params = spec.params.read("`length`")?;
    Ok(Box::new(Length { unit: params.unit, bounds: Bounds::read(spec, params.min, params.max)? }))
}

impl Assertion for Length {
    fn start(&self, trial: &Trial<'_>) -> Step {
        let count = |count: usize, unit| self.bounds.decide(count as u64, unit);
        let text = trial.subject().text();
        Step::Done(match self.unit {
            Unit::Characters => count(text.chars().count(), "characters"),
            Unit::Words => count(words(&text).count(), "words"),
            Unit::Lines => count(text.lines().count(), "lines"),
            Unit::Paragraphs => count(paragraphs(&text).count(), "paragraphs"),
            Unit::Sentences => count(sentences(&text).len(), "sentences"),
            Unit::Tokens => match trial.response.usage {
                Some(usage) => self.bounds.decide(usage.output_tokens, "tokens"),
                None => Scored::unscored("no token count was reported"),
            },
        })
    }

    fn needs_answer(&self) -> bool {
        self.unit != Unit::Tokens
    }
}
