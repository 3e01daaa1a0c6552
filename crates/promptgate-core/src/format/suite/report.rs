//! `[report]`: by which fields the report of a run groups its metrics.

use super::dotted_path;
use crate::format::node::{Kind, Node};
use crate::format::source::Source;
use crate::format::table::Fields;

/// More fields than this are a data set of their own.
const MOST: usize = 16;

const HELP: &str = "write dotted paths over the case: by = [\"metadata.lang\", \"vars.tier\"]";

/// The paths of `by`, each once.
pub(super) fn by(source: &Source<'_>, node: &Node) -> Vec<String> {
    let Some(fields) = Fields::of(source, node, "`[report]`") else { return Vec::new() };
    fields.require("by", HELP);
    let paths = fields.entry("by").map(|entry| paths(source, &entry.value)).unwrap_or_default();
    fields.finish();
    paths
}

fn paths(source: &Source<'_>, node: &Node) -> Vec<String> {
    let items = match &node.kind {
        Kind::List(items) => items.as_slice(),
        _ => std::slice::from_ref(node),
    };
    if items.is_empty() {
        source.mistake(node.at, "`by` lists nothing", HELP);
    }
    if items.len() > MOST {
        source.mistake(node.at, format!("`by` lists {} fields; {MOST} are the most", items.len()), "leave some out");
    }
    let mut paths: Vec<String> = Vec::new();
    for item in items {
        match path(item, &paths) {
            Ok(path) => paths.push(path),
            Err(problem) => source.mistake(item.at, problem, HELP),
        }
    }
    paths
}

fn path(item: &Node, before: &[String]) -> Result<String, String> {
    let Kind::Text(text) = &item.kind else { return Err(format!("`by` holds {}", item.what())) };
    if ["tag", "tags"].contains(&text.as_str()) {
        return Err(format!("`{text}` need not be named: metrics are told by tag in any case"));
    }
    match dotted_path(text)? {
        path if before.contains(&path) => Err(format!("`{path}` stands here twice")),
        path => Ok(path),
    }
}
