//! Reading a table key by key: each accessor says what it expects, and what was never asked for is an unknown key.

use std::cell::RefCell;
use std::fmt::Display;
use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use super::node::{Entry, Kind, Node, to_map};
use super::source::Source;
use crate::nearest::did_you_mean;

/// A table being read.
pub(crate) struct Fields<'s, 't, 'n> {
    pub source: &'s Source<'t>,
    /// What messages call the table, e.g. "`[gate]`".
    pub owner: String,
    /// Where it begins.
    pub at: usize,
    entries: &'n [Entry],
    asked: RefCell<Vec<&'static str>>,
}

impl<'s, 't, 'n> Fields<'s, 't, 'n> {
    /// The table of a node; anything else is a mistake.
    pub fn of(source: &'s Source<'t>, node: &'n Node, owner: impl Into<String>) -> Option<Self> {
        let owner = owner.into();
        match &node.kind {
            Kind::Table(entries) => Some(Self { source, owner, at: node.at, entries, asked: RefCell::default() }),
            Kind::Unfit => None,
            _ => {
                source.mistake(
                    node.at,
                    format!("{owner} is {}, not a table", node.what()),
                    "write `key = value` pairs",
                );
                None
            }
        }
    }

    /// Makes a key known without reading it.
    pub fn know(&self, key: &'static str) {
        self.asked.borrow_mut().push(key);
    }

    /// The entry of a key, which is thereby known.
    pub fn entry(&self, key: &'static str) -> Option<&'n Entry> {
        self.know(key);
        self.entries.iter().find(|entry| entry.key == key)
    }

    /// Whether a key is there.
    pub fn has(&self, key: &str) -> bool {
        self.entries.iter().any(|entry| entry.key == key)
    }

    /// Where a key stands, or else the table.
    pub fn place(&self, key: &str) -> usize {
        self.entries.iter().find(|entry| entry.key == key).map_or(self.at, |entry| entry.at)
    }

    /// Notes a mistake at a key.
    pub fn mistake(&self, key: &str, message: impl Into<String>, help: impl Into<String>) {
        self.source.mistake(self.place(key), message, help);
    }

    fn wrong_type(&self, entry: &Entry, expected: &str) {
        if !matches!(entry.value.kind, Kind::Unfit) {
            let message = format!("`{}` in {} is {}", entry.key, self.owner, entry.value.what());
            self.source.mistake(entry.at, message, format!("write {expected}"));
        }
    }

    /// A text.
    pub fn text(&self, key: &'static str) -> Option<&'n str> {
        let entry = self.entry(key)?;
        match &entry.value.kind {
            Kind::Text(text) => Some(text),
            _ => {
                self.wrong_type(entry, &format!("a text in quotes: {key} = \"...\""));
                None
            }
        }
    }

    /// A text of one line that is not empty.
    pub fn line(&self, key: &'static str) -> Option<String> {
        let text = self.text(key)?;
        if text.trim().is_empty() || text.chars().any(char::is_control) {
            self.mistake(
                key,
                format!("`{key}` in {} is not one line of text", self.owner),
                "write one line, or leave it out",
            );
            return None;
        }
        Some(text.to_owned())
    }

    /// A text that is read into something; `help` says what to write when it does not read.
    pub fn parsed<T, E: Display>(
        &self,
        key: &'static str,
        help: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let text = self.text(key)?;
        parse(text).map_err(|error| self.mistake(key, format!("`{key}` in {}: {error}", self.owner), help)).ok()
    }

    /// A true or false.
    pub fn flag(&self, key: &'static str) -> Option<bool> {
        let entry = self.entry(key)?;
        match entry.value.kind {
            Kind::Bool(flag) => Some(flag),
            _ => {
                self.wrong_type(entry, "`true` or `false`, without quotes");
                None
            }
        }
    }

    /// A number that fulfils a condition; `expected` is the condition in words.
    pub fn number(&self, key: &'static str, expected: &str, fits: impl Fn(f64) -> bool) -> Option<f64> {
        let entry = self.entry(key)?;
        let Kind::Number(number) = &entry.value.kind else {
            self.wrong_type(entry, expected);
            return None;
        };
        let number = number.as_f64().filter(|number| fits(*number));
        if number.is_none() {
            let message = format!("`{key}` in {} is {}", self.owner, entry.value.to_value());
            self.source.mistake(entry.at, message, format!("write {expected}"));
        }
        number
    }

    /// A whole number in a range.
    pub fn count(&self, key: &'static str, range: RangeInclusive<u64>) -> Option<u64> {
        let entry = self.entry(key)?;
        let expected = match (*range.start(), *range.end()) {
            (start, end) if end >= i64::MAX as u64 => format!("a whole number of at least {start}"),
            (start, end) => format!("a whole number from {start} to {end}"),
        };
        let Kind::Number(number) = &entry.value.kind else {
            self.wrong_type(entry, &expected);
            return None;
        };
        let found = number.as_u64().filter(|count| range.contains(count));
        if found.is_none() {
            self.source.mistake(
                entry.at,
                format!("`{key}` in {} is {number}", self.owner),
                format!("write {expected}"),
            );
        }
        found
    }

    /// A whole number that fits 32 bits.
    pub fn small_count(&self, key: &'static str, range: RangeInclusive<u32>) -> Option<u32> {
        let count = self.count(key, u64::from(*range.start())..=u64::from(*range.end()))?;
        u32::try_from(count).ok()
    }

    /// One of some words.
    pub fn one_of<T: Copy>(&self, key: &'static str, words: &[(&'static str, T)]) -> Option<T> {
        let text = self.text(key)?;
        let found = words.iter().find(|(word, _)| *word == text);
        if found.is_none() {
            let message = format!("`{key}` in {} is \"{text}\"", self.owner);
            self.mistake(key, message, did_you_mean(text, words.iter().map(|(word, _)| *word)));
        }
        found.map(|(_, value)| *value)
    }

    /// A list.
    pub fn list(&self, key: &'static str, expected: &str) -> Option<&'n [Node]> {
        let entry = self.entry(key)?;
        match &entry.value.kind {
            Kind::List(items) => Some(items),
            _ => {
                self.wrong_type(entry, expected);
                None
            }
        }
    }

    /// A list of texts, at least one.
    pub fn words(&self, key: &'static str, expected: &str) -> Option<Vec<String>> {
        let entry = self.entry(key)?;
        let word = |node: &Node| match &node.kind {
            Kind::Text(text) => Some(text.clone()),
            _ => None,
        };
        let words = match &entry.value.kind {
            Kind::List(items) if !items.is_empty() => items.iter().map(word).collect(),
            _ => None,
        };
        if words.is_none() {
            self.wrong_type(entry, expected);
        }
        words
    }

    /// A table of any JSON values.
    pub fn map(&self, key: &'static str) -> Option<Map<String, Value>> {
        let entry = self.entry(key)?;
        match &entry.value.kind {
            Kind::Table(entries) => Some(to_map(entries)),
            _ => {
                self.wrong_type(entry, "a table of `key = value` pairs");
                None
            }
        }
    }

    /// A key that must be there; `help` says what to write.
    pub fn require(&self, key: &'static str, help: &str) {
        if !self.has(key) {
            self.source.mistake(self.at, format!("{} has no `{key}`", self.owner), help);
        }
    }

    /// The entries that were not asked for.
    pub fn rest(&self) -> impl Iterator<Item = &'n Entry> {
        let asked = self.asked.borrow().clone();
        self.entries.iter().filter(move |entry| !asked.contains(&entry.key.as_str()))
    }

    /// Every key that was not asked for is unknown.
    pub fn finish(self) {
        self.finish_with(|_| None);
    }

    /// As [`Fields::finish`]; `belongs` knows where some unknown keys belong.
    pub fn finish_with(self, belongs: impl Fn(&str) -> Option<String>) {
        for entry in self.rest() {
            let asked = self.asked.borrow();
            let help = belongs(&entry.key).unwrap_or_else(|| did_you_mean(&entry.key, asked.iter().copied()));
            self.source.mistake(entry.at, format!("{} has no key `{}`", self.owner, entry.key), help);
        }
    }
}
