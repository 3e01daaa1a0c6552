//! What the grading of a run is made of, as one digest: assertions, the files they read, what each case expects.

use promptgate_core::case::Case;
use promptgate_core::digest::Digest;

/// What a case says of its own grading: expectation, assertions, threshold; not tags, not cluster.
pub(crate) fn grading(case: &Case) -> Digest {
    Digest::of_json(&(&case.id, &case.expected, &case.asserts, case.threshold))
}
