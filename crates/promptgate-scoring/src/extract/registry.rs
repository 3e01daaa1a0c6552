//! The table of extractors.

use super::{ExtractorKind, after, code_block, json, labels, lowercase, number, regex, trim};

/// Every shipped extractor, in the order of the reference pages.
pub static EXTRACTORS: &[&ExtractorKind] = &[
    &json::KIND,
    &regex::KIND,
    &labels::KIND,
    &number::KIND,
    &after::KIND,
    &code_block::KIND,
    &trim::KIND,
    &lowercase::KIND,
];
