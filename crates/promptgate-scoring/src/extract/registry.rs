//! The table of extractors.

use super::{
    ExtractorKind, after, before, choice, code_block, json, json_path, labels, line, lowercase, map, number, regex,
    section, strip_articles, strip_punctuation, tool_call, trim, xml,
};

/// Every shipped extractor, in the order of the reference pages.
pub static EXTRACTORS: &[&ExtractorKind] = &[
    &json::KIND,
    &json_path::KIND,
    &regex::KIND,
    &line::KIND,
    &code_block::KIND,
    &after::KIND,
    &before::KIND,
    &number::KIND,
    &choice::KIND,
    &section::KIND,
    &xml::KIND,
    &tool_call::KIND,
    &trim::KIND,
    &lowercase::KIND,
    &strip_punctuation::KIND,
    &strip_articles::KIND,
    &labels::KIND,
    &map::KIND,
];
