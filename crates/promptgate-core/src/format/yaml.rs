//! YAML: front matter as JSON values with the place of every key, and whether any text is YAML. Budgets hold against alias
//! bombs, deep nesting and long documents; doubled keys and merge keys are mistakes.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{self, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Number, Value};
use serde_saphyr::Spanned;
use serde_saphyr::budget::BudgetBreach;
use serde_saphyr::options::{DuplicateKeyPolicy, MergeKeyPolicy, NonFiniteFloatPolicy};

use crate::diagnostic::{Diagnostic, Location};

/// Mappings and lists within each other. The reader recurses, and takes up to 50 KiB of stack a level without
/// optimisation; threads have 2 MiB.
const MAX_DEPTH: usize = 20;

/// The place of a YAML block in its file.
pub(crate) struct Block<'a> {
    /// The file as messages name it.
    pub(crate) file: &'a str,
    /// The whole file.
    pub(crate) text: &'a str,
    /// The lines before the block.
    pub(crate) lines_before: u32,
}

/// Where keys and items stand, by path: `input/schema`, `tools/0/name`.
#[derive(Debug, Default)]
pub(crate) struct Places(BTreeMap<String, Location>);

impl Places {
    /// The place of the nearest thing on a path that has one.
    pub(crate) fn of(&self, path: &str) -> Option<Location> {
        let mut path = path;
        loop {
            match (self.0.get(path), path.rsplit_once('/')) {
                (Some(location), _) => return Some(location.clone()),
                (None, Some((head, _))) => path = head,
                (None, None) => return self.0.get("").cloned(),
            }
        }
    }
}

/// What a YAML document is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// A text, a number, nothing: any plain line of words is one.
    Scalar,
    /// A list.
    List,
    /// A mapping.
    Table,
}

/// Why the shape of a text cannot be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum YamlError {
    /// It is not one document of YAML: the line, the column, and why.
    Malformed(String),
    /// It is larger or deeper than is read.
    TooLarge(String),
}

/// Reads one document, and says what it is.
pub fn shape(yaml: &str) -> Result<Shape, YamlError> {
    let mut options = options();
    // Both are YAML, though they are nothing that front matter may say.
    options.non_finite_float_policy = NonFiniteFloatPolicy::PassThrough;
    options.merge_keys = MergeKeyPolicy::AsOrdinary;
    serde_saphyr::from_str_with_options(yaml, options).map_err(|error| {
        let why = one_line(&error);
        if is_limit(&error) { YamlError::TooLarge(why) } else { YamlError::Malformed(why) }
    })
}

/// Whether it is a limit of ours that a text goes beyond.
fn is_limit(error: &serde_saphyr::Error) -> bool {
    use serde_saphyr::Error;
    match error {
        Error::AliasError { error, .. } | Error::WithSnippet { error, .. } => is_limit(error),
        Error::Budget { breach, .. } => !matches!(breach, BudgetBreach::Documents { .. }),
        Error::AliasReplayLimitExceeded { .. }
        | Error::AliasExpansionLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. } => true,
        // The scanner under the reader has no kind of its own for it.
        other => other.without_snippet().to_string().starts_with("recursion limit"),
    }
}

fn options() -> serde_saphyr::Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: MAX_DEPTH,
            max_events: 100_000,
            max_nodes: 50_000,
            max_aliases: 100,
            max_anchors: 100,
            max_documents: 1,
            flow_nesting_limit: MAX_DEPTH,
        },
        duplicate_keys: DuplicateKeyPolicy::Error,
        merge_keys: MergeKeyPolicy::Error,
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: 10_000,
            max_replay_stack_depth: 16,
            max_alias_expansions_per_anchor: 100,
        },
        strict_booleans: true,
        with_snippet: false,
    }
}

/// Reads a block of YAML that holds a mapping, or nothing.
pub(crate) fn read(yaml: &str, block: &Block<'_>) -> Result<(Map<String, Value>, Places), Diagnostic> {
    if yaml.lines().all(|line| line.trim_start().is_empty() || line.trim_start().starts_with('#')) {
        let places = BTreeMap::from([(String::new(), Location::of_line(block.file, block.lines_before + 1))]);
        return Ok((Map::new(), Places(places)));
    }
    let node: Spanned<Node> =
        serde_saphyr::from_str_with_options(yaml, options()).map_err(|error| refused(&error, block))?;
    let mut places = BTreeMap::new();
    let value = settle(node, String::new(), block, &mut places);
    match value {
        Value::Object(map) => Ok((map, Places(places))),
        Value::Null => Ok((Map::new(), Places(places))),
        _ => Err(at(block, 1, 1, "the front matter is not a mapping")
            .help("write `key: value` lines, such as `model: openai/gpt-4.1-mini`")),
    }
}

fn refused(error: &serde_saphyr::Error, block: &Block<'_>) -> Diagnostic {
    let (line, column) = error.location().map_or((1, 1), |place| (place.line(), place.column()));
    let message = one_line(error);
    at(block, line, column, format!("the front matter does not read as YAML: {message}"))
        .help(format!("between the two `---` lines stands YAML, each key once, nested {MAX_DEPTH} levels at most"))
}

fn one_line(error: &serde_saphyr::Error) -> String {
    let message = error.without_snippet().to_string();
    let message = message.lines().next().unwrap_or("it does not read");
    // The library's advice is for those who write Rust.
    let message = message.split("; use Option<").next().unwrap_or(message);
    match breach(error) {
        // The library writes what was breached as Rust does.
        Some(breach) => message.replace(&format!("budget breached: {breach:?}"), &in_words(breach)),
        None => message.to_owned(),
    }
}

fn breach(error: &serde_saphyr::Error) -> Option<&BudgetBreach> {
    use serde_saphyr::Error;
    match error {
        Error::AliasError { error, .. } | Error::WithSnippet { error, .. } => breach(error),
        Error::Budget { breach, .. } => Some(breach),
        _ => None,
    }
}

fn in_words(breach: &BudgetBreach) -> String {
    match breach {
        BudgetBreach::Documents { .. } => "there is more than one document".to_owned(),
        BudgetBreach::Depth { .. } => format!("it is nested more than {MAX_DEPTH} levels"),
        BudgetBreach::Aliases { .. } | BudgetBreach::Anchors { .. } | BudgetBreach::AliasAnchorRatio { .. } => {
            "it has too many anchors and aliases".to_owned()
        }
        _ => "it is too large".to_owned(),
    }
}

/// A mistake at a line and column of the block.
fn at(block: &Block<'_>, line: u64, column: u64, message: impl Into<String>) -> Diagnostic {
    let line = block.lines_before + u32::try_from(line.max(1)).unwrap_or(u32::MAX - block.lines_before);
    let diagnostic = Diagnostic::new(message).at(place(block, line, column));
    match block.text.lines().nth(line as usize - 1) {
        Some(excerpt) => diagnostic.excerpt(excerpt),
        None => diagnostic,
    }
}

fn place(block: &Block<'_>, line: u32, column: u64) -> Location {
    Location { file: block.file.to_owned(), line, column: u32::try_from(column.max(1)).unwrap_or(u32::MAX) }
}

/// A YAML node.
enum Node {
    Scalar(Value),
    List(Vec<Spanned<Node>>),
    Table(Vec<(Spanned<String>, Spanned<Node>)>),
}

fn settle(node: Spanned<Node>, path: String, block: &Block<'_>, places: &mut BTreeMap<String, Location>) -> Value {
    let spot = |location: serde_saphyr::Location| {
        let line = u32::try_from(location.line().max(1)).unwrap_or(1);
        place(block, block.lines_before + line, location.column())
    };
    places.entry(path.clone()).or_insert_with(|| spot(node.referenced));
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}/{name}") };
    match node.value {
        Node::Scalar(value) => value,
        Node::List(items) => {
            let item = |(index, item)| settle(item, below(&usize::to_string(&index)), block, places);
            Value::Array(items.into_iter().enumerate().map(item).collect())
        }
        Node::Table(entries) => {
            let mut map = Map::new();
            for (key, value) in entries {
                let path = below(&key.value);
                places.insert(path.clone(), spot(key.referenced));
                map.insert(key.value, settle(value, path, block, places));
            }
            Value::Object(map)
        }
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(Node::Scalar(Value::Bool(value)))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(Node::Scalar(Value::from(value)))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Node, E> {
        Ok(Node::Scalar(Value::from(value)))
    }

    fn visit_i128<E: de::Error>(self, value: i128) -> Result<Node, E> {
        Err(E::custom(format!("the number {value} is too large; write it in quotes")))
    }

    fn visit_u128<E: de::Error>(self, value: u128) -> Result<Node, E> {
        Err(E::custom(format!("the number {value} is too large; write it in quotes")))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Node, E> {
        let number = Number::from_f64(value).ok_or_else(|| E::custom(format!("{value} is not a number of JSON")))?;
        Ok(Node::Scalar(Value::Number(number)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Node, E> {
        Ok(Node::Scalar(Value::from(value)))
    }

    fn visit_string<E>(self, value: String) -> Result<Node, E> {
        Ok(Node::Scalar(Value::from(value)))
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Scalar(Value::Null))
    }

    fn visit_none<E>(self) -> Result<Node, E> {
        Ok(Node::Scalar(Value::Null))
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        Node::deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Node, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(Node::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Node, A::Error> {
        let mut entries: Vec<(Spanned<String>, Spanned<Node>)> = Vec::new();
        let mut seen = std::collections::HashSet::new();
        while let Some((key, value)) = access.next_entry::<Spanned<String>, _>()? {
            if !seen.insert(key.value.clone()) {
                return Err(de::Error::custom(format!("the key `{}` stands twice", key.value)));
            }
            entries.push((key, value));
        }
        Ok(Node::Table(entries))
    }
}

impl<'de> Deserialize<'de> for Shape {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ShapeVisitor)
    }
}

struct ShapeVisitor;

/// What is inside is read and dropped.
impl<'de> Visitor<'de> for ShapeVisitor {
    type Value = Shape;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a YAML value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Shape, E> {
        Ok(Shape::Scalar)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Shape, E> {
        Ok(Shape::Scalar)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Shape, E> {
        Ok(Shape::Scalar)
    }

    fn visit_i128<E>(self, _: i128) -> Result<Shape, E> {
        Ok(Shape::Scalar)
    }

    fn visit_u128<E>(self, _: u128) -> Result<Shape, E> {
        Ok(Shape::Scalar)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Shape, E> {
        Ok(Shape::Scalar)
    }

    fn visit_str<E>(self, _: &str) -> Result<Shape, E> {
        Ok(Shape::Scalar)
    }

    fn visit_unit<E>(self) -> Result<Shape, E> {
        Ok(Shape::Scalar)
    }

    fn visit_none<E>(self) -> Result<Shape, E> {
        Ok(Shape::Scalar)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Shape, D::Error> {
        Shape::deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Shape, A::Error> {
        while access.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Shape::List)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Shape, A::Error> {
        while access.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Shape::Table)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(yaml: &str, expected: &str) {
        let said = match shape(yaml) {
            Ok(shape) => format!("{shape:?}"),
            Err(error) => format!("{error:?}"),
        };
        assert!(said.starts_with(expected), "{yaml}\n{said}");
    }

    #[test]
    fn a_document_is_a_scalar_a_list_or_a_table() {
        check("a: 1\nb:\n  - x\n  - {c: .nan, 3: 123456789012345678901234567890}\n", "Table");
        check("---\n- a\n- b\n...\n", "List");
        check("{\"a\": [1]}", "Table");
        check("just words", "Scalar");
        check("~", "Scalar");
        check("a: &a {x: 1}\nb: {<<: *a}\n", "Table");
        check("größe: |\n  ü\n", "Table");
    }

    #[test]
    fn what_does_not_read_is_malformed_or_too_large() {
        check("a: [1", "Malformed");
        check("a: 1\n b: 2\n", "Malformed");
        check("a: 1\na: 2\n", "Malformed");
        check("x:\n  a: 1\n  a: 2\n", "Malformed");
        check("a: 1\n---\nb: 2\n", "Malformed");
        check("a: *b", "Malformed");
        check(&format!("a: {}{}", "[".repeat(1_000), "]".repeat(1_000)), "TooLarge");
        check(&"- a\n".repeat(200_000), "TooLarge");
        let bomb = "a: &a [x,x,x,x]\nb: &b [*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c]\n\
                    e: &e [*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e]\ng: [*f,*f,*f,*f,*f,*f]\n";
        check(bomb, "TooLarge");
    }

    #[test]
    fn limits_are_told_in_words() {
        let said = |yaml: &str| match shape(yaml) {
            Err(YamlError::Malformed(why) | YamlError::TooLarge(why)) => why,
            Ok(shape) => format!("{shape:?}"),
        };
        let two = said("a: 1\n---\nb: 2\n");
        assert!(two.contains("there is more than one document") && !two.contains('{'), "{two}");
        let long = said(&"- a\n".repeat(200_000));
        assert!(long.contains("it is too large") && !long.contains('{'), "{long}");
    }
}
