//! `toml`: the answer is a TOML document.

use promptgate_core::Diagnostics;
use promptgate_core::assertion::AssertionSpec;

use super::kind::pass_fail;
use super::parses::{NoParams, parses};
use super::{Assertion, AssertionKind, BuildContext, CostClass, Example, Step, Trial};

/// The table entry.
pub(super) const KIND: AssertionKind = AssertionKind {
    name: "toml",
    summary: "the answer as a whole is a TOML document with at least one key",
    cost: CostClass::Pure,
    yields: pass_fail,
    parameters: &[],
    passes: Example::of("", "queue = \"billing\"\n[limits]\nmax = 3\n"),
    fails: Example::of("", "queue = billing"),
    build,
};

struct Toml;

fn build(spec: &AssertionSpec, _: &BuildContext<'_>) -> Result<Box<dyn Assertion>, Diagnostics> {
    let NoParams {} = spec.params.read("`toml`")?;
    Ok(Box::new(Toml))
}

impl Assertion for Toml {
    fn start(&self, trial: &Trial<'_>) -> Step {
        let text = trial.subject().text();
        let problem = match text.parse::<::toml::Table>() {
            Ok(table) if table.is_empty() => Some("there is no key in it".to_owned()),
            Ok(_) => None,
            Err(error) => Some(located(&text, &error)),
        };
        Step::Done(parses("a TOML document", &text, problem))
    }
}

fn located(text: &str, error: &::toml::de::Error) -> String {
    let before = error.span().and_then(|span| text.get(..span.start));
    let line = before.map(|before| format!("line {}: ", before.matches('\n').count() + 1));
    format!("{}{}", line.unwrap_or_default(), error.message())
}
