//! The one form in which cases are selected: `slice`, `cases`, `when` and `--filter`.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::case::Case;

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
    Id(Vec<String>),
    /// The value at a dotted path equals one of these, or is a list that holds one.
    Path(String, Vec<Value>),
    /// The inner selection does not hold.
    Not(Selection),
}

impl Selection {
    /// Whether the case is selected.
    pub fn selects(&self, case: &Case) -> bool {
        self.all.iter().all(|condition| condition.holds(case))
    }
}

impl Condition {
    fn holds(&self, case: &Case) -> bool {
        match self {
            Self::Tag(tags) => case.tags.iter().any(|tag| tags.contains(tag)),
            Self::Id(globs) => globs.iter().any(|glob| glob_matches(glob, case.id.as_str())),
            Self::Path(path, values) => case.path(path).is_some_and(|found| values.iter().any(|v| fits(&found, v))),
            Self::Not(inner) => !inner.selects(case),
        }
    }
}

fn fits(found: &Value, wanted: &Value) -> bool {
    match found {
        Value::Array(items) if !wanted.is_array() => items.iter().any(|item| fits(item, wanted)),
        // The command line knows text only: `--filter metadata.level=3` means the number too.
        Value::Number(_) | Value::Bool(_) => found == wanted || wanted.as_str() == Some(&found.to_string()),
        _ => found == wanted,
    }
}

fn glob_matches(glob: &str, text: &str) -> bool {
    globset::Glob::new(glob).is_ok_and(|glob| glob.compile_matcher().is_match(text))
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
            Self::Tag(tags) => write!(f, "tag={}", tags.join("|")),
            Self::Id(globs) => write!(f, "id={}", globs.join("|")),
            Self::Path(path, values) => write!(f, "{path}={}", values.iter().map(text).collect::<Vec<_>>().join("|")),
            Self::Not(inner) => write!(f, "not({inner})"),
        }
    }
}
