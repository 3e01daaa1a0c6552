//! Bounds on a count: `min`, `max`, at least one of them.

use promptgate_core::Diagnostic;
use promptgate_core::assertion::AssertionSpec;
use promptgate_core::score::{Evidence, Scored};

/// A closed range of counts.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    min: Option<u64>,
    max: Option<u64>,
}

impl Bounds {
    /// Checked bounds.
    pub(super) fn read(spec: &AssertionSpec, min: Option<u64>, max: Option<u64>) -> Result<Self, Diagnostic> {
        match (min, max) {
            (None, None) => {
                let mistake =
                    spec.params.mistake("", format!("`{}` has neither `min` nor `max`, so all would pass", spec.kind));
                Err(mistake.help("give at least one of them"))
            }
            (Some(min), Some(max)) if min > max => Err(spec
                .params
                .mistake("min", format!("`min` is {min}, which is above `max` = {max}, so none would pass"))),
            (min, max) => Ok(Self { min, max }),
        }
    }

    /// Whether a count is within them.
    pub(super) fn decide(self, count: u64, unit: &str) -> Scored {
        let passed = self.min.is_none_or(|min| count >= min) && self.max.is_none_or(|max| count <= max);
        let evidence =
            Evidence { expected: Some(self.words(unit)), found: Some(format!("{count} {unit}")), note: None };
        Scored::decided(passed, evidence)
    }

    fn words(self, unit: &str) -> String {
        match (self.min, self.max) {
            (Some(min), Some(max)) => format!("{min} to {max} {unit}"),
            (Some(min), None) => format!("at least {min} {unit}"),
            (None, Some(max)) => format!("at most {max} {unit}"),
            (None, None) => format!("any number of {unit}"),
        }
    }
}
