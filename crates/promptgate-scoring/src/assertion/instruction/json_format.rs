//! `detectable_format:json_format`.

use super::Instruction;
use super::args::Args;

/// The line of the table.
pub(super) const ID: Instruction = Instruction {
    id: "detectable_format:json_format",
    summary: "the whole output is JSON, a fence around it allowed",
    arguments: &[],
    follows,
};

fn follows(_: &Args, text: &str) -> bool {
    let text = text.trim();
    let opened = ["```json", "```Json", "```JSON", "```"].into_iter().find_map(|fence| text.strip_prefix(fence));
    let text = opened.unwrap_or(text);
    let text = text.strip_suffix("```").unwrap_or(text);
    serde_json::from_str::<serde::de::IgnoredAny>(text.trim()).is_ok()
}
