//! The table of extractors.

use super::ExtractorKind;

/// Every shipped extractor, in the order of the reference pages.
pub static EXTRACTORS: &[&ExtractorKind] = &[];
