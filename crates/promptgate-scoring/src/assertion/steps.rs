//! What the kinds share that look at the steps of an application: which steps, and what is said where there are none.

use promptgate_core::Diagnostic;
use promptgate_core::answer::TraceStep;
use promptgate_core::assertion::AssertionSpec;

use super::names::Names;
use super::text::excerpt;
use super::{Parameter, Trial};

/// The parameters.
pub(super) const TYPE: Parameter = Parameter { name: "type", doc: "only steps of this type, such as `tool`; a glob" };
/// See [`TYPE`].
pub(super) const PATTERN: Parameter = Parameter { name: "pattern", doc: "only steps of such a name; a glob" };

/// Which steps are looked at.
pub(super) struct Steps {
    kind: Names,
    pattern: Names,
}

impl Steps {
    pub(super) fn read(
        spec: &AssertionSpec,
        kind: Option<String>,
        pattern: Option<String>,
    ) -> Result<Self, Diagnostic> {
        Ok(Self { kind: Names::read(spec, "type", kind)?, pattern: Names::read(spec, "pattern", pattern)? })
    }

    /// The steps of a response. One that tells of none is no response without steps.
    pub(super) fn of<'a>(&self, trial: &Trial<'a>) -> Result<Vec<&'a TraceStep>, String> {
        let steps = &trial.response.steps;
        if steps.is_empty() {
            return Err("no steps are told: the target reports none (`steps` of its answer)".to_owned());
        }
        let fits = |step: &&TraceStep| {
            self.kind.hold(&step.kind) && self.pattern.hold(step.name.as_deref().unwrap_or_default())
        };
        Ok(steps.iter().filter(fits).collect())
    }
}

/// Steps for people.
pub(super) fn told(steps: &[&TraceStep]) -> String {
    let one = |step: &&TraceStep| match &step.name {
        Some(name) => format!("{} {name}", step.kind),
        None => step.kind.clone(),
    };
    excerpt(&steps.iter().map(one).collect::<Vec<_>>().join(", "))
}
