//! `[[model]]` and `[[judge]]`: what answers, what grades, and where recorded answers stand in for it.

use std::time::Duration;

use super::super::amount::duration_of;
use super::super::assertion::TIERS;
use super::super::node::{Kind, Node};
use super::super::selection;
use super::super::source::Source;
use super::super::table::Fields;
use super::path;
use crate::name::ModelId;
use crate::suite::{RecordingSpec, SuiteJudge, SuiteModel, default_timeout};

/// No model is waited for longer than a day.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(86_400);

/// Reads a list of models; ids are unique in it.
pub(crate) fn list(source: &Source<'_>, node: &Node) -> Vec<SuiteModel> {
    unique(source, node, "model", model, |model| &model.id)
}

/// Reads a list of judges; ids are unique in it.
pub(crate) fn judges(source: &Source<'_>, node: &Node) -> Vec<SuiteJudge> {
    unique(source, node, "judge", judge, |judge| &judge.id)
}

fn unique<T>(
    source: &Source<'_>,
    node: &Node,
    key: &str,
    read: fn(&Source<'_>, &Node) -> Option<T>,
    id: fn(&T) -> &ModelId,
) -> Vec<T> {
    let Kind::List(items) = &node.kind else {
        source.mistake(node.at, format!("`{key}` is {}", node.what()), format!("write `[[{key}]]` tables"));
        return Vec::new();
    };
    let mut found: Vec<T> = Vec::with_capacity(items.len());
    for item in items {
        let Some(one) = read(source, item) else { continue };
        if found.iter().any(|earlier| id(earlier) == id(&one)) {
            let at = item.entry("id").map_or(item.at, |entry| entry.at);
            source.mistake(at, format!("the {key} `{}` stands here twice", id(&one)), "keep one of the two");
        }
        found.push(one);
    }
    found
}

fn judge(source: &Source<'_>, node: &Node) -> Option<SuiteJudge> {
    let fields = Fields::of(source, node, "`[[judge]]`")?;
    fields.require("id", "write `id = \"openai/gpt-4.1\"`: provider / model");
    let id = id(&fields);
    let config = fields.map("config").unwrap_or_default();
    let timeout = duration_of(&fields, "timeout", LONGEST_TIMEOUT).unwrap_or_else(default_timeout);
    let recording = recording(&fields);
    fields.finish();
    Some(SuiteJudge { id: id?, config, timeout, recording })
}

fn model(source: &Source<'_>, node: &Node) -> Option<SuiteModel> {
    let fields = Fields::of(source, node, "`[[model]]`")?;
    fields.require("id", "write `id = \"openai/gpt-4.1-mini\"`: provider / model");
    let id = id(&fields);
    let config = fields.map("config").unwrap_or_default();
    let timeout = duration_of(&fields, "timeout", LONGEST_TIMEOUT).unwrap_or_else(default_timeout);
    let tier = fields.one_of("tier", &TIERS).unwrap_or_default();
    let recording = recording(&fields);
    let cases = fields.entry("cases").and_then(|entry| selection::of_node(source, &entry.value, "`cases` of a model"));
    fields.finish();
    Some(SuiteModel { id: id?, config, timeout, tier, recording, cases })
}

fn id(fields: &Fields<'_, '_, '_>) -> Option<ModelId> {
    let provider = fields.text("provider");
    let help = "write `id = \"openai/gpt-4.1-mini\"`, or the model alone beside `provider = \"openai\"`";
    if provider.is_some_and(|provider| provider.is_empty() || provider.contains('/')) {
        fields.mistake("provider", "a provider has a name without `/`", help);
        return None;
    }
    fields.parsed("id", help, |id| match provider {
        Some(provider) => ModelId::new(format!("{provider}/{id}")),
        None => ModelId::new(id),
    })
}

fn recording(fields: &Fields<'_, '_, '_>) -> Option<RecordingSpec> {
    let entry = fields.entry("recording")?;
    let spec = match &entry.value.kind {
        Kind::Table(_) => {
            let table = Fields::of(fields.source, &entry.value, "`recording`")?;
            table.require("file", "write `recording = { file = \"recordings/x.jsonl\", bound = false }`");
            let (file, bound) = (path(&table, "file"), table.flag("bound").unwrap_or(true));
            table.finish();
            RecordingSpec { file: file?, bound }
        }
        _ => RecordingSpec { file: path(fields, "recording")?, bound: true },
    };
    if !spec.file.ends_with(".jsonl") {
        fields.mistake("recording", "this is no recording", "recordings are JSONL: one answer a line");
    }
    Some(spec)
}
