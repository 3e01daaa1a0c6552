//! What the kinds share that only ask whether a text is in a format.

use promptgate_core::score::{Evidence, Scored};
use serde::Deserialize;

use super::text::excerpt;

/// The parameters of a kind that has none.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NoParams {}

/// Passed where there is no problem.
pub(super) fn parses(expected: &str, found: &str, problem: Option<String>) -> Scored {
    let passed = problem.is_none();
    let note = problem.map(|problem| excerpt(&problem));
    Scored::decided(passed, Evidence { expected: Some(excerpt(expected)), found: Some(excerpt(found)), note })
}
