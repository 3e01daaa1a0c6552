//! Assertion tables, in a suite and in a case alike. What every assertion has is read here; everything else is kept with
//! its places for the kind to read, which scoring knows.

use serde_json::{Map, Value};

use super::extract::extract_spec;
use super::node::{Entry, Kind, Node};
use super::selection;
use super::source::Source;
use super::table::Fields;
use crate::assertion::{AssertionSpec, ExtractSpec, ExtractStep, Params};
use crate::diagnostic::Location;
use crate::gate::RESERVED_METRICS;
use crate::name::MetricName;
use crate::port::TreePath;
use crate::score::Tier;

/// The kinds whose `assert = [...]` holds members.
const SETS: [&str; 4] = ["all-of", "any-of", "weighted", "at-least"];

/// Sets within sets beyond this are refused.
const DEEPEST_SET: usize = 16;

/// The words of `tier`.
pub(crate) const TIERS: [(&str, Tier); 2] = [("critical", Tier::Critical), ("advisory", Tier::Advisory)];

/// Reads a file of the project; the error says why it cannot be read.
pub type ReadFile<'f> = dyn Fn(&TreePath) -> Result<String, String> + 'f;

/// Reads a list of assertions; names are unique in it.
pub(crate) fn list(source: &Source<'_>, items: &[Node]) -> Vec<AssertionSpec> {
    members(source, items, 0)
}

/// Reads a list of assertions in which `use = "FILE"` stands for those of a file.
pub(crate) fn list_with_files(source: &Source<'_>, items: &[Node], read: &ReadFile<'_>) -> Vec<AssertionSpec> {
    let mut found = Vec::with_capacity(items.len());
    for item in items {
        match item.entry("use") {
            Some(entry) => shared(source, item, entry, read, &mut found),
            None => add(source, item, 0, &mut found),
        }
    }
    found
}

fn members(source: &Source<'_>, items: &[Node], depth: usize) -> Vec<AssertionSpec> {
    let mut found = Vec::with_capacity(items.len());
    items.iter().for_each(|item| add(source, item, depth, &mut found));
    found
}

fn add(source: &Source<'_>, item: &Node, depth: usize, found: &mut Vec<AssertionSpec>) {
    let Some(spec) = assertion(source, item, found.len(), depth) else { return };
    if found.iter().any(|earlier| earlier.name == spec.name) {
        let at = item.entry("name").map_or(item.at, |entry| entry.at);
        source.mistake(at, format!("two assertions are called `{}`", spec.name), "give one of them another `name`");
    }
    found.push(spec);
}

/// The assertions of a file that several suites use.
fn shared(source: &Source<'_>, item: &Node, entry: &Entry, read: &ReadFile<'_>, found: &mut Vec<AssertionSpec>) {
    let Some(fields) = Fields::of(source, item, "`use`") else { return };
    let help = "write a path below the project's folder, such as \"suites/shared/polite.toml\"";
    let path = fields.parsed("use", help, TreePath::new);
    fields.finish_with(|_| Some("`use` stands alone; what an assertion says, its file says".to_owned()));
    let Some(path) = path else { return };
    let text = match read(&path) {
        Ok(text) => text,
        Err(problem) => return source.mistake(entry.value.at, format!("cannot read `{path}`: {problem}"), help),
    };
    let file = Source::new(path.as_str(), &text);
    let listed = Node::of_toml(&file).and_then(|node| {
        let fields = Fields::of(&file, &node, "a file of assertions")?;
        fields.require("assert", "write `[[assert]]` tables, as in a suite");
        let items = fields.list("assert", "`[[assert]]` tables").unwrap_or_default();
        items.iter().for_each(|item| add(&file, item, 0, found));
        fields.finish();
        Some(())
    });
    if let Err(mistakes) = file.finish(listed) {
        mistakes.0.into_iter().for_each(|mistake| source.push(entry.at, mistake));
    }
}

fn assertion(source: &Source<'_>, node: &Node, index: usize, depth: usize) -> Option<AssertionSpec> {
    let mut fields = Fields::of(source, node, "an assertion")?;
    fields.require("kind", "write `kind = \"equals\"` or another kind; `promptgate list` shows them");
    let kind = fields.line("kind");
    if let Some(kind) = &kind {
        fields.owner = format!("`{kind}`");
    }
    let name = fields.line("name");
    let spec = AssertionSpec {
        name: name.unwrap_or_else(|| format!("{}#{}", kind.as_deref().unwrap_or("?"), index + 1)),
        not: fields.flag("not").unwrap_or(false),
        weight: weight(&fields),
        threshold: threshold(&fields),
        extract: extract(&fields),
        metric: metric_name(&fields, "metric"),
        tier: fields.one_of("tier", &TIERS).unwrap_or_default(),
        when: fields.entry("when").and_then(|entry| selection::of_node(source, &entry.value, "`when`")),
        members: kind.as_deref().filter(|kind| SETS.contains(kind)).map_or_else(Vec::new, |_| set(&fields, depth)),
        params: params(&fields),
        kind: kind?,
    };
    Some(spec)
}

fn weight(fields: &Fields<'_, '_, '_>) -> f64 {
    let expected = "a number above 0; an assertion that shall not decide says `tier = \"advisory\"`";
    fields.number("weight", expected, |weight| weight > 0.0 && weight.is_finite()).unwrap_or(1.0)
}

/// A threshold of a case or an assertion.
pub(crate) fn threshold(fields: &Fields<'_, '_, '_>) -> Option<f64> {
    let expected = "a number above 0 and at most 1; 0 would always pass";
    fields.number("threshold", expected, |threshold| threshold > 0.0 && threshold <= 1.0)
}

fn extract(fields: &Fields<'_, '_, '_>) -> Option<ExtractSpec> {
    let entry = fields.entry("extract")?;
    let source = fields.source;
    let place = |path: &str| {
        let at = if path.is_empty() { entry.at } else { entry.value.place(path) };
        Some(source.location(at))
    };
    let spec = extract_spec(&entry.value.to_value(), place);
    spec.map_err(|diagnostic| source.push(entry.at, diagnostic)).ok()
}

/// The name of a metric of one's own.
pub(crate) fn metric_name(fields: &Fields<'_, '_, '_>, key: &'static str) -> Option<MetricName> {
    let metric = fields.parsed(key, "a metric name is one line of text, not empty", |text| MetricName::new(text))?;
    if RESERVED_METRICS.contains(&metric.as_str()) {
        let message = format!("`{metric}` is the name of a metric that every suite has");
        fields.mistake(key, message, format!("choose another name, such as \"{metric}_score\""));
        return None;
    }
    Some(metric)
}

fn set(fields: &Fields<'_, '_, '_>, depth: usize) -> Vec<AssertionSpec> {
    let owner = &fields.owner;
    fields.require("assert", "write `assert = [{ kind = \"...\" }, ...]`");
    let Some(items) = fields.list("assert", "a list of assertions: assert = [{ kind = \"...\" }]") else {
        return Vec::new();
    };
    if depth >= DEEPEST_SET {
        fields.mistake("assert", format!("{owner} stands in too many sets"), "nest sets less deeply");
        return Vec::new();
    }
    if items.is_empty() {
        fields.mistake("assert", format!("{owner} has no members"), "a set holds at least one assertion");
    }
    members(fields.source, items, depth + 1)
}

fn params(fields: &Fields<'_, '_, '_>) -> Params {
    let mut params = Params { at: Some(fields.source.location(fields.at)), ..Params::default() };
    for Entry { key, at, value } in fields.rest() {
        params.values.insert(key.clone(), value.to_value());
        params.places.push((key.clone(), fields.source.location(*at)));
        if matches!(value.kind, Kind::Table(_) | Kind::List(_)) {
            let below = value.places(fields.source).into_iter();
            params.places.extend(below.map(|(path, at): (String, Location)| (format!("{key}.{path}"), at)));
        }
    }
    params
}

/// The table that reads back as this assertion.
pub(crate) fn to_table(spec: &AssertionSpec) -> Value {
    let mut table = Map::new();
    table.insert("kind".into(), spec.kind.as_str().into());
    table.insert("name".into(), spec.name.as_str().into());
    let optional = [
        ("not", spec.not.then_some(Value::Bool(true))),
        ("weight", Some(Value::from(spec.weight))),
        ("threshold", spec.threshold.map(Value::from)),
        ("extract", spec.extract.as_ref().map(extract_to_value)),
        ("metric", spec.metric.as_ref().map(|metric| metric.as_str().into())),
        ("tier", (spec.tier == Tier::Advisory).then(|| "advisory".into())),
        ("when", spec.when.as_ref().map(crate::selection::Selection::to_table)),
    ];
    table.extend(optional.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?))));
    table.extend(spec.params.values.clone());
    if !spec.members.is_empty() {
        table.insert("assert".into(), spec.members.iter().map(to_table).collect());
    }
    Value::Object(table)
}

fn extract_to_value(spec: &ExtractSpec) -> Value {
    match spec {
        ExtractSpec::Output => "output".into(),
        ExtractSpec::Chain(steps) => steps.iter().map(step_to_value).collect(),
    }
}

fn step_to_value(step: &ExtractStep) -> Value {
    let mut table = Map::from_iter([(step.kind.clone(), step.argument.clone())]);
    table.extend(step.params.values.clone());
    if step.missing_is_unscored {
        table.insert("on_missing".into(), "unscored".into());
    }
    Value::Object(table)
}
