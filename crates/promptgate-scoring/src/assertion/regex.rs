//! `regex`: a pattern matches somewhere in the answer.

use promptgate_core::assertion::AssertionSpec;
use promptgate_core::score::{Evidence, Scored};
use promptgate_core::{Diagnostic, Diagnostics};
use regex::Regex;
use serde::Deserialize;

use super::kind::pass_fail;
use super::text::excerpt;
use super::{Assertion, AssertionKind, BuildContext, CostClass, Example, Parameter, Step, Trial};
use crate::extract::pattern;

/// The table entry.
pub(super) const KIND: AssertionKind = AssertionKind {
    name: "regex",
    summary: "the pattern matches somewhere in the answer",
    cost: CostClass::Pure,
    yields: pass_fail,
    parameters: &[
        Parameter { name: "pattern", doc: "linear time: no look-around, no back-references; never a template" },
        Parameter {
            name: "flags",
            doc: "of `i` (letter case), `m` (`^` and `$` at each line), `s` (`.` also a line feed), `x` (spaced); default none",
        },
    ],
    passes: Example::of("pattern = '^INV-\\d{4}$'\nflags = \"m\"", "Invoice:\nINV-2041"),
    fails: Example::of("pattern = '^INV-\\d{4}$'", "INV-41"),
    build,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    pattern: String,
    #[serde(default)]
    flags: String,
}

struct Matches(Regex);

fn build(spec: &AssertionSpec, _: &BuildContext<'_>) -> Result<Box<dyn Assertion>, Diagnostics> {
    let params: Params = spec.params.read("`regex`")?;
    let compiled = pattern::compile(&params.pattern, &params.flags);
    Ok(Box::new(Matches(compiled.map_err(|problem| mistake(spec, &params.pattern, &problem))?)))
}

fn mistake(spec: &AssertionSpec, pattern: &str, problem: &str) -> Diagnostic {
    let mistake = spec.params.mistake("pattern", format!("the pattern {problem}"));
    match pattern.contains("{{") {
        true => mistake.help("a pattern is never a template; to look for a part of the case, use `contains`"),
        false => mistake,
    }
}

impl Assertion for Matches {
    fn start(&self, trial: &Trial<'_>) -> Step {
        let text = trial.subject().text();
        let hit = self.0.find(&text);
        let found = hit.as_ref().map_or(&*text, |hit| hit.as_str());
        let evidence = Evidence { expected: Some(excerpt(self.0.as_str())), found: Some(excerpt(found)), note: None };
        Step::Done(Scored::decided(hit.is_some(), evidence))
    }
}
