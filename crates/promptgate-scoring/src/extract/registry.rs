//! The table of extractors.

use super::{ExtractorKind, after, code_block, json, json_path, labels, lowercase, number, regex, trim, xml};

/// Every shipped extractor, in the order of the reference pages.
pub static EXTRACTORS: &[&ExtractorKind] = &[
    &json::KIND,
    &json_path::KIND,
    &regex::KIND,
    &labels::KIND,
    &number::KIND,
    &after::KIND,
    &code_block::KIND,
    &xml::KIND,
    &trim::KIND,
    &lowercase::KIND,
];
