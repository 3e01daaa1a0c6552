//! Reads how an answer is taken from an output: `"output"`, a table naming one extractor, or a list of such tables. The
//! same words serve `extract` in a suite and `promptgate.answer` in a prompt. Whether an extractor exists and whether its
//! argument fits is for scoring to say; here only the shape is settled.

use serde_json::{Map, Value};

use crate::assertion::{ExtractSpec, ExtractStep, Params};
use crate::diagnostic::{Diagnostic, Location};
use crate::nearest::did_you_mean;

/// The extractors that ship; only used to tell an extractor's key from its parameters.
const KINDS: [&str; 18] = [
    "json",
    "json-path",
    "regex",
    "line",
    "code-block",
    "after",
    "before",
    "number",
    "choice",
    "section",
    "xml",
    "tool-call",
    "trim",
    "lowercase",
    "strip-punctuation",
    "strip-articles",
    "labels",
    "map",
];
/// Keys that stand beside an extractor's own.
const PARAMS: [&str; 10] =
    ["on_missing", "within", "all", "group", "which", "locale", "language", "ignore_case", "multiline", "default"];

const SHAPE: &str = "write \"output\", a table such as { json = \"/queue\" }, or a list of such tables";

/// Reads an extractor chain. `place` says where a dotted path below the value stands: `""` is the value itself, `"0"` its
/// first table, `"0.json"` a key of that.
pub fn extract_spec(value: &Value, place: impl Fn(&str) -> Option<Location>) -> Result<ExtractSpec, Diagnostic> {
    let steps = match value {
        Value::String(word) if word == "output" => return Ok(ExtractSpec::Output),
        Value::Object(table) => vec![step(table, "", &place)?],
        Value::Array(list) if !list.is_empty() => list_steps(list, &place)?,
        Value::Array(_) => return Err(mistake("the list of extractors is empty", "", &place).help(SHAPE)),
        Value::String(word) => {
            let message = format!("`{word}` is not an extractor");
            return Err(mistake(message, "", &place).help(format!("{}; {SHAPE}", did_you_mean(word, ["output"]))));
        }
        _ => return Err(mistake("an extractor is a table", "", &place).help(SHAPE)),
    };
    Ok(ExtractSpec::Chain(steps))
}

fn list_steps(list: &[Value], place: &impl Fn(&str) -> Option<Location>) -> Result<Vec<ExtractStep>, Diagnostic> {
    let item = |(index, item): (usize, &Value)| match item {
        Value::Object(table) => step(table, &index.to_string(), place),
        _ => Err(mistake("each extractor of the list is a table", &index.to_string(), place).help(SHAPE)),
    };
    list.iter().enumerate().map(item).collect()
}

fn step(
    table: &Map<String, Value>,
    path: &str,
    place: &impl Fn(&str) -> Option<Location>,
) -> Result<ExtractStep, Diagnostic> {
    let below = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    let Some(kind) = kind_of(table) else {
        return Err(mistake("the table names no extractor", path, place).help(format!(
            "{}; known extractors: {}",
            SHAPE,
            KINDS.join(", ")
        )));
    };
    let missing_is_unscored = match table.get("on_missing") {
        None => false,
        Some(Value::String(word)) if word == "unscored" => true,
        Some(Value::String(word)) if word == "failed" => false,
        Some(other) => {
            return Err(mistake(format!("`on_missing` is {other}"), &below("on_missing"), place)
                .help("write \"failed\" (the default: no match means the assertion fails) or \"unscored\""));
        }
    };
    let others = table.iter().filter(|(key, _)| *key != kind && *key != "on_missing");
    let values: Map<String, Value> = others.map(|(key, value)| (key.clone(), value.clone())).collect();
    let places = table.keys().filter_map(|key| Some((key.clone(), place(&below(key))?))).collect();
    Ok(ExtractStep {
        kind: kind.clone(),
        argument: table[kind].clone(),
        params: Params { values, at: place(path), places },
        missing_is_unscored,
    })
}

/// The key that names the extractor: a known one, or else the first that is no parameter.
fn kind_of(table: &Map<String, Value>) -> Option<&String> {
    let known = table.keys().find(|key| KINDS.contains(&key.as_str()));
    known.or_else(|| table.keys().find(|key| !PARAMS.contains(&key.as_str())))
}

fn mistake(message: impl Into<String>, path: &str, place: &impl Fn(&str) -> Option<Location>) -> Diagnostic {
    let diagnostic = Diagnostic::new(message);
    match place(path).or_else(|| place("")) {
        Some(at) => diagnostic.at(at),
        None => diagnostic,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(value: Value, expected: &str) {
        let said = match extract_spec(&value, |_| None) {
            Ok(ExtractSpec::Output) => "output".to_owned(),
            Ok(ExtractSpec::Chain(steps)) => {
                let shown = |step: &ExtractStep| {
                    let missing = if step.missing_is_unscored { " unscored" } else { "" };
                    format!("{}={}{}{missing}", step.kind, step.argument, Value::Object(step.params.values.clone()))
                };
                steps.iter().map(shown).collect::<Vec<_>>().join(" > ")
            }
            Err(diagnostic) => format!("error: {}", diagnostic.message),
        };
        assert_eq!(said, expected);
    }

    #[test]
    fn the_whole_output_a_table_and_a_list_are_read() {
        check(json!("output"), "output");
        check(json!({"json": "/queue", "within": true}), r#"json="/queue"{"within":true}"#);
        check(json!([{"after": "Answer:"}, {"trim": true}]), r#"after="Answer:"{} > trim=true{}"#);
        check(json!({"group": 1, "regex": "x", "on_missing": "unscored"}), r#"regex="x"{"group":1} unscored"#);
    }

    #[test]
    fn an_extractor_nobody_knows_keeps_its_name_for_scoring_to_judge() {
        check(json!({"within": true, "jsn": "/queue"}), r#"jsn="/queue"{"within":true}"#);
    }

    #[test]
    fn a_shape_that_is_no_chain_says_so() {
        check(json!([]), "error: the list of extractors is empty");
        check(json!("outputs"), "error: `outputs` is not an extractor");
        check(json!({"within": true}), "error: the table names no extractor");
        check(json!([1]), "error: each extractor of the list is a table");
        check(json!(1), "error: an extractor is a table");
        check(json!({"trim": true, "on_missing": "skip"}), "error: `on_missing` is \"skip\"");
    }

    #[test]
    fn a_step_remembers_where_its_keys_stand() {
        let place = |path: &str| (path == "0.json").then(|| Location::of_line("suite.toml", 7));
        let Ok(ExtractSpec::Chain(steps)) = extract_spec(&json!([{"json": "/a"}]), place) else { panic!("a chain") };
        assert_eq!(steps[0].params.place("json"), Some(Location::of_line("suite.toml", 7)));
    }
}
