//! `yaml`: the answer is one YAML document that holds a mapping or a list.

use promptgate_core::Diagnostics;
use promptgate_core::assertion::AssertionSpec;
use promptgate_core::format::yaml::{Shape, YamlError, shape};
use promptgate_core::score::Scored;

use super::kind::pass_fail;
use super::parses::{NoParams, parses};
use super::{Assertion, AssertionKind, BuildContext, CostClass, Example, Step, Trial};

/// The table entry.
pub(super) const KIND: AssertionKind = AssertionKind {
    name: "yaml",
    summary: "the answer as a whole is one YAML document that holds a mapping or a list (a plain sentence is YAML too, and \
        fails); no key stands twice; unscored beyond 100,000 events or 20 levels",
    cost: CostClass::Pure,
    yields: pass_fail,
    parameters: &[],
    passes: Example::of("", "queue: billing\ntags: [a, b]\n"),
    fails: Example::of("", "queue: [billing"),
    build,
};

struct Yaml;

fn build(spec: &AssertionSpec, _: &BuildContext<'_>) -> Result<Box<dyn Assertion>, Diagnostics> {
    let NoParams {} = spec.params.read("`yaml`")?;
    Ok(Box::new(Yaml))
}

impl Assertion for Yaml {
    fn start(&self, trial: &Trial<'_>) -> Step {
        let text = trial.subject().text();
        let problem = match shape(&text) {
            Ok(Shape::List | Shape::Table) => None,
            Ok(Shape::Scalar) => Some("it is a text or a single value, neither a mapping nor a list".to_owned()),
            Err(YamlError::Malformed(why)) => Some(why),
            Err(YamlError::TooLarge(why)) => {
                return Step::Done(Scored::unscored(format!("the YAML is not read: {why}")));
            }
        };
        Step::Done(parses("a YAML mapping or list", &text, problem))
    }
}
