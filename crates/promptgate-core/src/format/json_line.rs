//! One JSON object on one line: read fast when it is right, explained with its place when it is not.

use serde::de::{Deserialize, DeserializeOwned, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::node::{Node, of_json};
use super::source::Source;
use crate::assertion::unknown_field;
use crate::diagnostic::Diagnostic;
use crate::nearest::did_you_mean;

/// Reads a line into a type that says `deny_unknown_fields`; `owner` is what messages call it: "a case".
pub(crate) fn read<T: DeserializeOwned>(bytes: &[u8], file: &str, line: u32, owner: &str) -> Result<T, Diagnostic> {
    let text = std::str::from_utf8(bytes).map_err(|error| not_utf8(bytes, error, file, line))?;
    // A derived type would read a list as its fields in order.
    if !text.trim_ascii_start().starts_with('{') {
        let at = text.len() - text.trim_ascii_start().len();
        let source = Source::of_line(file, text, line);
        return Err(source.diagnostic(at, format!("{owner} is one JSON object a line"), "write {\"key\": value, ...}"));
    }
    serde_json::from_str(text).map_err(|error| explain::<T>(&error, &Source::of_line(file, text, line), owner))
}

fn not_utf8(bytes: &[u8], error: std::str::Utf8Error, file: &str, line: u32) -> Diagnostic {
    let head = std::str::from_utf8(&bytes[..error.valid_up_to()]).unwrap_or_default();
    Source::of_line(file, head, line).diagnostic(head.len(), "this is not UTF-8", "save the file as UTF-8")
}

/// A count that is 0.
pub(crate) fn not_at_least_one(bytes: &[u8], file: &str, line: u32, key: &str) -> Diagnostic {
    at_key(bytes, file, line, key, format!("`{key}` is 0"), "count from 1")
}

/// A mistake in the value of a line that reads well, at one of its keys.
#[cold]
pub(crate) fn at_key(bytes: &[u8], file: &str, line: u32, key: &str, message: String, help: &str) -> Diagnostic {
    let text = std::str::from_utf8(bytes).unwrap_or_default();
    let source = Source::of_line(file, text, line);
    let at = of_json(&source).map_or(0, |node| node.place(key));
    source.diagnostic(at, message, help)
}

/// Reads the line again, slowly, for the place of what is wrong.
#[cold]
fn explain<T: DeserializeOwned>(error: &serde_json::Error, source: &Source<'_>, owner: &str) -> Diagnostic {
    if !error.is_data() {
        return syntax(error, source);
    }
    let again = Source::of_line(source.file, source.text, 1);
    let Some(node) = of_json(&again) else {
        // Something behind the first mistake is no JSON; that comes first.
        let whole: Result<Value, _> = serde_json::from_str(source.text);
        return syntax(whole.as_ref().err().unwrap_or(error), source);
    };
    if let Some((at, message)) = again.first_mistake() {
        return source.diagnostic(at, message, "keep one of the two");
    }
    let mut deserializer = serde_json::Deserializer::from_str(source.text);
    match serde_path_to_error::deserialize::<_, T>(&mut deserializer) {
        Ok(_) => source.diagnostic(0, without_position(error), "write one JSON object a line"),
        Err(error) => at_path(&node, source, &error.path().to_string(), &without_position(error.inner()), owner),
    }
}

fn syntax(error: &serde_json::Error, source: &Source<'_>) -> Diagnostic {
    let help = match error.to_string() {
        text if text.contains("recursion limit") => "nest less deeply",
        text if text.contains("control character") => "write a line feed inside a text as \\n, a tab as \\t",
        _ => "write one whole JSON object a line: keys and texts in double quotes, no comma behind the last value",
    };
    source.diagnostic(error.column().saturating_sub(1), format!("this is not JSON: {}", without_position(error)), help)
}

/// A mistake that serde found, at the place of its path.
pub(crate) fn at_path(node: &Node, source: &Source<'_>, path: &str, message: &str, owner: &str) -> Diagnostic {
    let parent = if path == "." || path == "?" { "" } else { path };
    if let Some((unknown, known)) = unknown_field(message) {
        let inside = parent.strip_suffix(unknown.as_str()).map_or(parent, |head| head.trim_end_matches('.'));
        let at = node.place(&format!("{inside}.{unknown}"));
        let owner = if inside.is_empty() { owner.to_owned() } else { format!("`{inside}` of {owner}") };
        let help = did_you_mean(&unknown, known.iter().map(String::as_str));
        return source.diagnostic(at, format!("{owner} has no key `{unknown}`"), help);
    }
    let at = node.place(parent);
    let plain = in_our_words(message);
    let message =
        if parent.is_empty() { format!("{owner}: {plain}") } else { format!("`{parent}` of {owner}: {plain}") };
    source.diagnostic(at, message, help_for(parent, &plain))
}

fn help_for(path: &str, message: &str) -> String {
    match path {
        _ if message.contains("missing field") => "add it".to_owned(),
        path if path.starts_with("messages") => {
            "a message is {\"role\": \"user\", \"content\": \"...\"}; roles are system, user, model and tool; content is a text or a \
             list of parts such as {\"text\": \"...\"}"
                .to_owned()
        }
        "id" | "case" => "an id is a text in quotes, of one line and at most 512 bytes".to_owned(),
        "" => "write one JSON object a line".to_owned(),
        path => format!("give `{path}` a value of that form"),
    }
}

fn in_our_words(message: &str) -> String {
    let words = [
        ("a sequence", "a list"),
        ("sequence", "a list"),
        ("a map", "an object"),
        ("map", "an object"),
        ("a string", "a text"),
        ("string", "the text"),
        ("unit variant", "a word"),
        ("data did not match any variant of untagged enum Content", "neither a text nor a list of parts"),
    ];
    let mut text = message.to_owned();
    for (theirs, ours) in words {
        text = text.replace(&format!("expected {theirs}"), &format!("expected {ours}"));
        text = text.replace(&format!("invalid type: {theirs}"), &format!("invalid type: {ours}"));
    }
    text.replace("data did not match any variant of untagged enum Content", "neither a text nor a list of parts")
}

/// serde_json's message without its own "at line 1 column 7".
pub(crate) fn without_position(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rsplit_once(" at line ") {
        Some((message, _)) => message.to_owned(),
        None => text,
    }
}

/// Any JSON in which no key stands twice, at any depth.
#[derive(Debug, Default)]
pub(crate) struct Strict(pub Value);

/// An object in which no key stands twice, at any depth.
#[derive(Debug, Default)]
pub(crate) struct StrictMap(pub Map<String, Value>);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue).map(Self)
    }
}

impl<'de> Deserialize<'de> for StrictMap {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Map<String, Value>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a map")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                object(map)
            }
        }
        deserializer.deserialize_map(Object).map(Self)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Value;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("any JSON")
    }

    fn visit_bool<E>(self, flag: bool) -> Result<Value, E> {
        Ok(Value::Bool(flag))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::from(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(Value::from(number))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Value, E> {
        Ok(Number::from_f64(number).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::String(text.to_owned()))
    }

    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(Value::String(text))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Strict(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Value, A::Error> {
        object(map).map(Value::Object)
    }
}

fn object<'de, A: MapAccess<'de>>(mut entries: A) -> Result<Map<String, Value>, A::Error> {
    let mut map = Map::new();
    while let Some((key, Strict(value))) = entries.next_entry::<String, Strict>()? {
        if map.insert(key, value).is_some() {
            // Which one, and where, is found by the slow reader.
            return Err(serde::de::Error::custom("a key stands here twice"));
        }
    }
    Ok(map)
}
