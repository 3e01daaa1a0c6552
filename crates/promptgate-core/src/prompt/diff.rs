//! What differs between two versions, section by section; the lines within a section are for the command line to draw.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::{Map, Value};

use super::{MAIN, Section, Version};
use crate::message::Role;

/// One difference between two versions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SectionChange {
    /// What differs.
    pub place: ChangePlace,
    /// The text on the old side; absent where it was added.
    pub old: Option<String>,
    /// The text on the new side; absent where it was removed.
    pub new: Option<String>,
}

/// What differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangePlace {
    /// A section of a message.
    Section {
        /// The message's role.
        role: Role,
        /// The heading without its `## `; empty for what stands before the first one.
        heading: String,
    },
    /// A setting of the front matter, as a dotted path.
    Setting(String),
    /// A partial, by name.
    Partial(String),
}

/// The differences between two versions: sections in the order of the new side (what was removed behind its
/// predecessor), then settings, then partials. Equal versions have none.
///
/// White space at the end of a section is looked at only where nothing else differs: a section that is appended ends the
/// line before it, and that changes nothing in the section above.
pub fn diff(old: &Version, new: &Version) -> Vec<SectionChange> {
    let mut changes = sections(&old.sections, &new.sections, str::trim_end);
    let setting = |name: &str| ChangePlace::Setting(name.to_owned());
    changes.extend(texts(settings(old), settings(new), setting));
    let partial = |name: &str| ChangePlace::Partial(name.to_owned());
    changes.extend(texts(partials(old), partials(new), partial));
    match changes.is_empty() {
        true => sections(&old.sections, &new.sections, |text| text),
        false => changes,
    }
}

/// Sections are the same ones where role and heading are, the first with the first, the second with the second.
type Key<'a> = (Role, &'a str, usize);

fn keyed(sections: &[Section]) -> Vec<(Key<'_>, &str)> {
    let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    let key = |section| {
        let Section { role, heading, text, .. }: &Section = section;
        let count = counts.entry((role.as_str(), heading)).or_default();
        *count += 1;
        ((*role, heading.as_str(), *count), text.as_str())
    };
    sections.iter().map(key).collect()
}

fn sections(old: &[Section], new: &[Section], looked_at: fn(&str) -> &str) -> Vec<SectionChange> {
    let (old, new) = (keyed(old), keyed(new));
    let text_in = |side: &[(Key<'_>, &str)], key: &Key<'_>| {
        side.iter().find(|(known, _)| known == key).map(|(_, text)| (*text).to_owned())
    };
    let mut keys: Vec<Key<'_>> = new.iter().map(|(key, _)| *key).collect();
    for (index, (key, _)) in old.iter().enumerate().filter(|(_, (key, _))| text_in(&new, key).is_none()) {
        let before = old[..index].last().and_then(|(before, _)| keys.iter().position(|known| known == before));
        keys.insert(before.map_or(0, |at| at + 1), *key);
    }
    let change = |key: Key<'_>| {
        let place = ChangePlace::Section { role: key.0, heading: key.1.to_owned() };
        SectionChange { place, old: text_in(&old, &key), new: text_in(&new, &key) }
    };
    let differs = |change: &SectionChange| change.old.as_deref().map(looked_at) != change.new.as_deref().map(looked_at);
    keys.into_iter().map(change).filter(differs).collect()
}

/// The settings that count in the version digest, by dotted path.
fn settings(version: &Version) -> BTreeMap<String, String> {
    let front = &version.front;
    let mut settings = BTreeMap::new();
    let mut set = |path: &str, value: Option<Value>| {
        if let Some(value) = value {
            settings.insert(path.to_owned(), shown(&value));
        }
    };
    set("model", front.raw.get("model").cloned());
    set("input.schema", front.input_schema.clone());
    set("output.format", front.output.as_ref().and_then(|output| output.format.clone()).map(Value::from));
    set("output.schema", front.output.as_ref().and_then(|output| output.schema.clone()));
    set("tools", (!front.tools.is_empty()).then(|| Value::Array(front.tools.clone())));
    set("promptgate.answer", front.answer.as_ref().and_then(|answer| serde_json::to_value(answer).ok()));
    let mut each = |table: &str, map: &Map<String, Value>| {
        map.iter().for_each(|(key, value)| set(&format!("{table}.{key}"), Some(value.clone())));
    };
    each("config", &front.config);
    each("input.default", &front.input_default);
    settings
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        _ => super::json::text(value, 2),
    }
}

fn partials(version: &Version) -> BTreeMap<String, String> {
    let partials = version.texts.iter().filter(|text| text.name != MAIN);
    partials.map(|text| (text.name.clone(), text.text.clone())).collect()
}

fn texts(
    old: BTreeMap<String, String>,
    new: BTreeMap<String, String>,
    place: impl Fn(&str) -> ChangePlace,
) -> Vec<SectionChange> {
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let change =
        |name: &String| SectionChange { place: place(name), old: old.get(name).cloned(), new: new.get(name).cloned() };
    names.into_iter().map(change).filter(|change| change.old != change.new).collect()
}
