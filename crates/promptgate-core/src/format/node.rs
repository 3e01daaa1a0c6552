//! Values with their places, the same for TOML and JSON: what parsers of tables look at.

use serde_json::{Map, Number, Value};
use toml::Spanned;
use toml::de::{DeInteger, DeTable, DeValue};

use super::source::Source;
use crate::diagnostic::Location;

/// Nesting beyond this is refused, in JSON as in TOML.
const DEEPEST: usize = 128;

/// More syntax errors than this follow from the first ones.
const MOST_SYNTAX_ERRORS: usize = 10;

/// A value and the offset it begins at.
#[derive(Debug)]
pub(crate) struct Node {
    pub at: usize,
    pub kind: Kind,
}

#[derive(Debug)]
pub(crate) enum Kind {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Node>),
    /// In the order written.
    Table(Vec<Entry>),
    /// What has no JSON form; the mistake is noted already.
    Unfit,
}

/// A key of a table with its value.
#[derive(Debug)]
pub(crate) struct Entry {
    pub key: String,
    pub at: usize,
    pub value: Node,
}

impl Node {
    /// Reads a TOML document. Syntax errors are noted; then there is no document.
    pub fn of_toml(source: &Source<'_>) -> Option<Self> {
        let (table, errors) = DeTable::parse_recoverable(source.text);
        for error in errors.iter().take(MOST_SYNTAX_ERRORS) {
            let at = error.span().map_or(0, |span| span.start);
            source.mistake(at, format!("this is not TOML: {}", error.message()), toml_help(error.message()));
        }
        errors.is_empty().then(|| Self { at: 0, kind: Kind::Table(entries(table.into_inner(), source)) })
    }

    fn of_toml_value(value: Spanned<DeValue<'_>>, source: &Source<'_>) -> Self {
        let at = value.span().start;
        let kind = match value.into_inner() {
            DeValue::String(text) => Kind::Text(text.into_owned()),
            DeValue::Boolean(flag) => Kind::Bool(flag),
            DeValue::Datetime(time) => Kind::Text(time.to_string()),
            DeValue::Integer(integer) => integer_kind(&integer, at, source),
            DeValue::Float(float) => match float.as_str().parse().ok().and_then(Number::from_f64) {
                Some(number) => Kind::Number(number),
                None => unfit(source, at, "this number is not finite"),
            },
            DeValue::Array(items) => {
                Kind::List(items.into_iter().map(|item| Self::of_toml_value(item, source)).collect())
            }
            DeValue::Table(table) => Kind::Table(entries(table, source)),
        };
        Self { at, kind }
    }

    /// The JSON value.
    pub fn to_value(&self) -> Value {
        match &self.kind {
            Kind::Null | Kind::Unfit => Value::Null,
            Kind::Bool(flag) => Value::Bool(*flag),
            Kind::Number(number) => Value::Number(number.clone()),
            Kind::Text(text) => Value::String(text.clone()),
            Kind::List(items) => items.iter().map(Self::to_value).collect(),
            Kind::Table(entries) => Value::Object(to_map(entries)),
        }
    }

    /// What a message calls this kind of value.
    pub fn what(&self) -> &'static str {
        match self.kind {
            Kind::Null => "null",
            Kind::Bool(_) => "a true or false",
            Kind::Number(_) => "a number",
            Kind::Text(_) => "a text",
            Kind::List(_) => "a list",
            Kind::Table(_) => "a table",
            Kind::Unfit => "unfit",
        }
    }

    /// The entry of a key, if this is a table that has it.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        match &self.kind {
            Kind::Table(entries) => entries.iter().find(|entry| entry.key == key),
            _ => None,
        }
    }

    /// The offset of what a path such as `messages[1].role` names: of the key in a table, of the value in a list. As far
    /// as the path leads.
    pub fn place(&self, path: &str) -> usize {
        let segments = path.split(['.', '[']).map(|segment| segment.trim_end_matches(']')).filter(|s| !s.is_empty());
        let (mut node, mut at) = (self, self.at);
        for segment in segments {
            match &node.kind {
                Kind::List(items) => match segment.parse().ok().and_then(|index: usize| items.get(index)) {
                    Some(item) => (node, at) = (item, item.at),
                    None => break,
                },
                _ => match node.entry(segment) {
                    Some(entry) => (node, at) = (&entry.value, entry.at),
                    None => break,
                },
            }
        }
        at
    }

    /// Where every key below this one stands, by dotted path.
    pub fn places(&self, source: &Source<'_>) -> Vec<(String, Location)> {
        let mut found = Vec::new();
        self.collect_places(source, "", &mut found);
        found
    }

    fn collect_places(&self, source: &Source<'_>, path: &str, found: &mut Vec<(String, Location)>) {
        let below = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
        match &self.kind {
            Kind::Table(entries) => {
                for entry in entries {
                    let path = below(&entry.key);
                    found.push((path.clone(), source.location(entry.at)));
                    entry.value.collect_places(source, &path, found);
                }
            }
            Kind::List(items) => {
                for (index, item) in items.iter().enumerate() {
                    let path = below(&index.to_string());
                    found.push((path.clone(), source.location(item.at)));
                    item.collect_places(source, &path, found);
                }
            }
            _ => {}
        }
    }
}

/// The JSON object of a table's entries.
pub(crate) fn to_map(entries: &[Entry]) -> Map<String, Value> {
    entries.iter().map(|entry| (entry.key.clone(), entry.value.to_value())).collect()
}

fn entries(table: DeTable<'_>, source: &Source<'_>) -> Vec<Entry> {
    let entry = |(key, value): (Spanned<std::borrow::Cow<'_, str>>, _)| {
        let at = key.span().start;
        Entry { key: key.into_inner().into_owned(), at, value: Node::of_toml_value(value, source) }
    };
    let mut entries: Vec<Entry> = table.into_iter().map(entry).collect();
    entries.sort_by_key(|entry| entry.at);
    entries
}

fn integer_kind(integer: &DeInteger<'_>, at: usize, source: &Source<'_>) -> Kind {
    match i64::from_str_radix(integer.as_str(), integer.radix()) {
        Ok(number) => Kind::Number(number.into()),
        Err(_) => unfit(source, at, "this integer does not fit 64 bits"),
    }
}

fn unfit(source: &Source<'_>, at: usize, message: &str) -> Kind {
    source.mistake(at, message, "write a smaller number, or a text in quotes");
    Kind::Unfit
}

fn toml_help(message: &str) -> &'static str {
    match message {
        "duplicate key" => "keep one of the two",
        "recursion limit" => "nest less deeply",
        _ => "texts stand in quotes, one `key = value` a line; the syntax is at https://toml.io",
    }
}

/// Reads JSON whose syntax `serde_json` has found right, for the sake of its places. Doubled keys are noted.
pub(crate) fn of_json(source: &Source<'_>) -> Option<Node> {
    let mut reader = JsonReader { source, at: 0 };
    reader.value(0)
}

struct JsonReader<'s, 't> {
    source: &'s Source<'t>,
    at: usize,
}

impl JsonReader<'_, '_> {
    fn peek(&mut self) -> Option<u8> {
        let rest = &self.source.text.as_bytes()[self.at..];
        self.at += rest.iter().position(|byte| !byte.is_ascii_whitespace())?;
        Some(self.source.text.as_bytes()[self.at])
    }

    fn eat(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    fn value(&mut self, depth: usize) -> Option<Node> {
        let first = self.peek()?;
        let at = self.at;
        let kind = match first {
            _ if depth > DEEPEST => {
                self.source.mistake(at, "this is nested too deeply", "nest less deeply");
                return None;
            }
            b'{' => self.table(depth)?,
            b'[' => self.list(depth)?,
            b'"' => Kind::Text(self.text()?),
            _ => self.word()?,
        };
        Some(Node { at, kind })
    }

    fn table(&mut self, depth: usize) -> Option<Kind> {
        self.eat(b'{')?;
        let mut entries: Vec<Entry> = Vec::new();
        while self.peek()? != b'}' {
            let at = self.at;
            let key = self.text()?;
            self.eat(b':')?;
            entries.push(Entry { key, at, value: self.value(depth + 1)? });
            if self.peek()? == b',' {
                self.at += 1;
            }
        }
        self.eat(b'}')?;
        self.note_doubled(&entries);
        Some(Kind::Table(entries))
    }

    fn note_doubled(&self, entries: &[Entry]) {
        let mut seen = std::collections::HashSet::with_capacity(entries.len());
        for entry in entries.iter().filter(|entry| !seen.insert(entry.key.as_str())) {
            self.source.mistake(entry.at, format!("the key `{}` stands here twice", entry.key), "keep one of the two");
        }
    }

    fn list(&mut self, depth: usize) -> Option<Kind> {
        self.eat(b'[')?;
        let mut items = Vec::new();
        while self.peek()? != b']' {
            items.push(self.value(depth + 1)?);
            if self.peek()? == b',' {
                self.at += 1;
            }
        }
        self.eat(b']')?;
        Some(Kind::List(items))
    }

    fn text(&mut self) -> Option<String> {
        self.eat(b'"')?;
        let start = self.at - 1;
        let bytes = self.source.text.as_bytes();
        while *bytes.get(self.at)? != b'"' {
            self.at += if bytes[self.at] == b'\\' { 2 } else { 1 };
        }
        self.at += 1;
        serde_json::from_str(self.source.text.get(start..self.at)?).ok()
    }

    fn word(&mut self) -> Option<Kind> {
        let rest = &self.source.text[self.at..];
        let length = rest.find([',', '}', ']', ' ', '\t', '\n', '\r']).unwrap_or(rest.len());
        self.at += length;
        Some(match serde_json::from_str(&rest[..length]).ok()? {
            Value::Bool(flag) => Kind::Bool(flag),
            Value::Number(number) => Kind::Number(number),
            _ => Kind::Null,
        })
    }
}
