//! Where two JSON values first differ, by JSON Pointer (RFC 6901). Numbers are compared by value, keys have no order.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::equality::same_value;
use super::text::TextRule;

/// How much must be the same.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Mode {
    /// The same keys and values everywhere.
    #[default]
    Exact,
    /// An object may have more keys than asked for, at any depth; lists are still as long as asked for.
    Subset,
}

/// The first difference, in the order of what is asked for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Difference {
    /// Where, as a JSON Pointer; empty for the whole value.
    pub(crate) pointer: String,
    /// What was expected and found there.
    pub(crate) what: String,
}

impl Difference {
    /// Looks for it; `None` where the values are the same in that mode.
    pub(crate) fn first(found: &Value, wanted: &Value, mode: Mode) -> Option<Self> {
        Search { mode, pointer: String::new() }.values(found, wanted)
    }

    /// One line for people.
    pub(crate) fn words(&self) -> String {
        match self.pointer.as_str() {
            "" => format!("the whole value: {}", self.what),
            pointer => format!("{pointer}: {}", self.what),
        }
    }
}

struct Search {
    mode: Mode,
    /// The place the search is at.
    pointer: String,
}

impl Search {
    fn values(&mut self, found: &Value, wanted: &Value) -> Option<Difference> {
        match (found, wanted) {
            (Value::Object(found), Value::Object(wanted)) => self.objects(found, wanted),
            (Value::Array(found), Value::Array(wanted)) => self.lists(found, wanted),
            _ if same_value(found, wanted, TextRule::default()) => None,
            _ => self.here(format!("expected {wanted}, found {found}")),
        }
    }

    fn objects(&mut self, found: &Map<String, Value>, wanted: &Map<String, Value>) -> Option<Difference> {
        for (key, value) in wanted {
            let difference = match found.get(key) {
                Some(other) => self.below(key, |search| search.values(other, value)),
                None => self.below(key, |search| search.here(format!("expected {value}, found no such key"))),
            };
            if difference.is_some() {
                return difference;
            }
        }
        let (key, value) = found.iter().find(|(key, _)| !wanted.contains_key(*key))?;
        match self.mode {
            Mode::Exact => self.below(key, |search| search.here(format!("found {value}, expected no such key"))),
            Mode::Subset => None,
        }
    }

    fn lists(&mut self, found: &[Value], wanted: &[Value]) -> Option<Difference> {
        let pairs = found.iter().zip(wanted).enumerate();
        for (index, (found, wanted)) in pairs {
            let difference = self.below(&index.to_string(), |search| search.values(found, wanted));
            if difference.is_some() {
                return difference;
            }
        }
        (found.len() != wanted.len())
            .then(|| self.here(format!("expected a list of {}, found one of {}", wanted.len(), found.len())))
            .flatten()
    }

    fn below(&mut self, key: &str, look: impl FnOnce(&mut Self) -> Option<Difference>) -> Option<Difference> {
        let length = self.pointer.len();
        self.pointer.push('/');
        self.pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
        let difference = look(self);
        self.pointer.truncate(length);
        difference
    }

    fn here(&self, what: String) -> Option<Difference> {
        Some(Difference { pointer: self.pointer.clone(), what })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(found: &str, wanted: &str, exact: &str, subset: &str) {
        let value = |text| serde_json::from_str(text).unwrap();
        let (found, wanted): (Value, Value) = (value(found), value(wanted));
        for (mode, expected) in [(Mode::Exact, exact), (Mode::Subset, subset)] {
            let words = Difference::first(&found, &wanted, mode).map(|difference| difference.words());
            assert_eq!(words.as_deref().unwrap_or("same"), expected, "{found} and {wanted}, {mode:?}");
        }
    }

    #[test]
    fn the_first_difference_has_a_pointer() {
        check("{\"b\": [1.0], \"a\": 2}", "{\"a\": 2, \"b\": [1]}", "same", "same");
        check("{\"a\": 1, \"b\": 2}", "{\"a\": 1}", "/b: found 2, expected no such key", "same");
        check(
            "{\"a\": [{\"b\": 1, \"c\": 2}]}",
            "{\"a\": [{\"b\": 1}]}",
            "/a/0/c: found 2, expected no such key",
            "same",
        );
        check(
            "{}",
            "{\"a/b~\": 1}",
            "/a~1b~0: expected 1, found no such key",
            "/a~1b~0: expected 1, found no such key",
        );
        let words = "the whole value: expected a list of 2, found one of 3";
        check("[1, 2, 3]", "[1, 2]", words, words);
        let words = "/1: expected \"2\", found 2";
        check("[1, 2]", "[1, \"2\"]", words, words);
        let words = "the whole value: expected {}, found []";
        check("[]", "{}", words, words);
    }
}
