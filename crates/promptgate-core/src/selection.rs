//! The one form in which cases are selected: `slice`, `cases`, `when` and `--filter`.

use globset::{GlobBuilder, GlobMatcher};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::case::Case;
use crate::number::same_number;

/// A selection: all its conditions hold.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Selection {
    /// The conditions, in the order written.
    pub all: Vec<Condition>,
}

/// One condition of a selection.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// The case has one of these tags.
    Tag(Vec<String>),
    /// The id matches one of these globs.
    Id(Vec<IdGlob>),
    /// The value at a dotted path equals one of these, or is a list that holds one.
    Path(String, Vec<Value>),
    /// The inner selection does not hold.
    Not(Selection),
}

/// A glob over case ids, compiled once: `*` any text, `?` one character, `[a-z]` one of a range, `{a,b}` either.
#[derive(Debug, Clone)]
pub struct IdGlob {
    text: String,
    matcher: GlobMatcher,
}

/// The longest glob; a longer one is no pattern but a list of ids.
const LONGEST_GLOB: usize = 1_000;

impl IdGlob {
    /// A checked glob.
    pub fn new(text: &str) -> Result<Self, String> {
        let fail = |reason: &str| format!("`{text}` is not a glob: {reason}");
        if text.is_empty() {
            return Err(fail("it is empty"));
        }
        if text.len() > LONGEST_GLOB {
            return Err(format!("a glob is longer than {LONGEST_GLOB} bytes"));
        }
        let glob = GlobBuilder::new(text).backslash_escape(true).build();
        let glob = glob.map_err(|error| fail(&error.kind().to_string()))?;
        Ok(Self { text: text.to_owned(), matcher: glob.compile_matcher() })
    }

    /// The glob as written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it matches a whole id.
    pub fn matches(&self, id: &str) -> bool {
        self.matcher.is_match(id)
    }
}

impl PartialEq for IdGlob {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Serialize for IdGlob {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for IdGlob {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

impl Selection {
    /// The cases that every one of some selections selects: repeated `--filter`.
    pub fn all_of(selections: impl IntoIterator<Item = Self>) -> Self {
        Self { all: selections.into_iter().flat_map(|selection| selection.all).collect() }
    }

    /// Whether the case is selected.
    pub fn selects(&self, case: &Case) -> bool {
        self.all.iter().all(|condition| condition.holds(case))
    }

    /// The table that reads back as this selection, as a suite writes it.
    pub fn to_table(&self) -> Value {
        let mut table = Map::new();
        for condition in &self.all {
            let (key, value) = condition.to_entry();
            table.insert(key, value);
        }
        Value::Object(table)
    }
}

impl Condition {
    fn holds(&self, case: &Case) -> bool {
        match self {
            Self::Tag(tags) => case.tags.iter().any(|tag| tags.contains(tag)),
            Self::Id(globs) => globs.iter().any(|glob| glob.matches(case.id.as_str())),
            Self::Path(path, values) => case.path(path).is_some_and(|found| values.iter().any(|v| fits(&found, v))),
            Self::Not(inner) => !inner.selects(case),
        }
    }

    fn to_entry(&self) -> (String, Value) {
        match self {
            Self::Tag(tags) => ("tag".to_owned(), Value::from(tags.clone())),
            Self::Id(globs) => ("id".to_owned(), globs.iter().map(IdGlob::as_str).collect()),
            Self::Path(path, values) => (path.clone(), Value::from(values.clone())),
            Self::Not(inner) => ("not".to_owned(), inner.to_table()),
        }
    }
}

fn fits(found: &Value, wanted: &Value) -> bool {
    match found {
        Value::Array(items) if !wanted.is_array() => items.iter().any(|item| fits(item, wanted)),
        // The command line knows text only: `--filter metadata.level=3` means the number too.
        Value::Number(number) => match wanted {
            Value::Number(wanted) => same_number(number, wanted),
            Value::String(text) => serde_json::from_str(text).is_ok_and(|wanted| same_number(number, &wanted)),
            _ => false,
        },
        Value::Bool(_) => found == wanted || wanted.as_str() == Some(&found.to_string()),
        _ => found == wanted,
    }
}

impl std::fmt::Display for Selection {
    /// As on the command line: `tag=vip metadata.lang=de`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let words: Vec<String> = self.all.iter().map(ToString::to_string).collect();
        f.write_str(&words.join(" "))
    }
}

impl std::fmt::Display for Condition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        match self {
            Self::Tag(tags) => write!(f, "tag={}", any_of(tags.iter().cloned())),
            Self::Id(globs) => write!(f, "id={}", any_of(globs.iter().map(|glob| glob.text.clone()))),
            Self::Path(path, values) => write!(f, "{path}={}", any_of(values.iter().map(text))),
            Self::Not(inner) if inner.all.len() == 1 => write!(f, "!{inner}"),
            Self::Not(inner) => write!(f, "not({inner})"),
        }
    }
}

/// Values as the command line joins them: a `|` within one is none between two.
fn any_of(values: impl Iterator<Item = String>) -> String {
    values.map(|value| value.replace('|', "\\|")).collect::<Vec<_>>().join("|")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_are_selected_by_value() {
        let check = |found: Value, wanted: Value, expected: bool| {
            assert_eq!(fits(&found, &wanted), expected, "{found} by {wanted}");
        };
        check(json!(1.0), json!(1), true);
        check(json!(1), json!(1.0), true);
        check(json!([2, 1.0]), json!(1), true);
        check(json!(1.0), json!("1"), true);
        check(json!(9_007_199_254_740_993_u64), json!(9_007_199_254_740_992_u64), false);
        check(json!(9_007_199_254_740_993_u64), json!(9_007_199_254_740_992.0), false);
        check(json!(1.5), json!(1), false);
        check(json!(1), json!(true), false);
        check(json!("1"), json!(1), false);
    }

    #[test]
    fn a_glob_matches_whole_ids_and_a_broken_one_is_refused() {
        let matches = |glob: &str, id: &str| IdGlob::new(glob).unwrap().matches(id);
        assert!(matches("vip-*", "vip-7/a") && matches("case-[0-9]", "case-4") && matches("{a,b}?", "b1"));
        assert!(!matches("vip", "vip-7") && !matches("vip-?", "vip-"));
        for broken in ["", "[a", "{a", "a\\"] {
            assert!(IdGlob::new(broken).is_err(), "{broken}");
        }
    }
}
