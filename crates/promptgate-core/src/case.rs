//! A case: one input with what is expected of the output.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::assertion::AssertionSpec;
use crate::digest::Digest;
use crate::message::Message;
use crate::name::CaseId;

/// One case of a suite, as its file says it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Case {
    /// Unique in the suite.
    pub id: CaseId,
    /// The input variables; the suite's `[vars]` are already under them.
    pub vars: Map<String, Value>,
    /// Earlier turns, tool results included.
    pub messages: Vec<Message>,
    /// What is expected; any JSON.
    pub expected: Value,
    /// Words to select by.
    pub tags: Vec<String>,
    /// Cases of one cluster are not independent.
    pub cluster: Option<String>,
    /// The case passes when the weighted mean of its assertions reaches this; in (0, 1].
    pub threshold: Option<f64>,
    /// Assertions of this case alone, beside the suite's.
    pub asserts: Vec<AssertionSpec>,
    /// Where the case came from.
    pub origin: Option<Value>,
    /// Anything else.
    pub metadata: Map<String, Value>,
    /// The line of the file it stands on, from 1.
    pub line: u32,
}

impl Case {
    /// A case of nothing but its id, on line 1.
    pub fn new(id: CaseId) -> Self {
        Self {
            id,
            vars: Map::new(),
            messages: Vec::new(),
            expected: Value::Null,
            tags: Vec::new(),
            cluster: None,
            threshold: None,
            asserts: Vec::new(),
            origin: None,
            metadata: Map::new(),
            line: 1,
        }
    }

    /// The value a dotted path names: `metadata.thread`, `vars.email`, `expected.queue`, `origin.file`, `cluster`, `id`.
    pub fn path(&self, path: &str) -> Option<Value> {
        let (head, rest) = path.split_once('.').map_or((path, None), |(head, rest)| (head, Some(rest)));
        let root = match head {
            "id" => Value::from(self.id.as_str()),
            "cluster" => Value::from(self.cluster.clone()?),
            "tags" => Value::from(self.tags.clone()),
            "threshold" => Value::from(self.threshold?),
            "expected" => self.expected.clone(),
            "origin" => self.origin.clone()?,
            "vars" => return map_path(&self.vars, rest),
            "metadata" => return map_path(&self.metadata, rest),
            _ => return None,
        };
        match rest {
            Some(rest) => walk(&root, rest).cloned(),
            None => Some(root),
        }
    }

    /// The groups that a case belongs to by the value at a dotted path, as texts: of a list each item, as a selection takes
    /// it, and none where there is no value. Of more than 80 characters 60 stay, and a digest, so that no two fall together.
    pub fn groups(&self, path: &str) -> BTreeSet<String> {
        match self.path(path) {
            None | Some(Value::Null) => BTreeSet::new(),
            Some(Value::Array(items)) => items.iter().filter(|item| !item.is_null()).map(group).collect(),
            Some(value) => BTreeSet::from([group(&value)]),
        }
    }
}

/// The longest text that names a group whole, and what is kept of a longer one, in characters.
const GROUP_NAME: (usize, usize) = (80, 60);

fn group(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    if text.chars().nth(GROUP_NAME.0).is_none() {
        return text;
    }
    let head: String = text.chars().take(GROUP_NAME.1).collect();
    format!("{head}... ({})", Digest::of_bytes(text.as_bytes()).short())
}

fn map_path(map: &Map<String, Value>, rest: Option<&str>) -> Option<Value> {
    let Some(rest) = rest else { return Some(Value::Object(map.clone())) };
    let (head, tail) = rest.split_once('.').map_or((rest, None), |(head, tail)| (head, Some(tail)));
    let value = map.get(head)?;
    tail.map_or(Some(value), |tail| walk(value, tail)).cloned()
}

/// Follows a dotted path into a JSON value; list items by number.
pub fn walk<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.').try_fold(value, |value, key| match value {
        Value::Object(map) => map.get(key),
        Value::Array(list) => list.get(key.parse::<usize>().ok()?),
        _ => None,
    })
}

/// What a case gives a prompt to render: its own input, with the outputs of an earlier step joined in.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct CaseInput {
    /// Variables: the suite's defaults, the case's own, then the joined ones.
    pub vars: Map<String, Value>,
    /// Earlier turns.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub messages: Vec<Message>,
    /// Digests of the files the variables name, by path.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<(String, Digest)>,
}

impl CaseInput {
    /// The input digest: vars, messages, files they name, joined inputs; not expected, not tags.
    pub fn digest(&self) -> Digest {
        Digest::of_json(self)
    }
}

/// One line of `inputs`: outputs of an earlier step, joined into the variables of the cases, prompts and models it fits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JoinedInput {
    /// The case.
    pub case: CaseId,
    /// The prompt (`judge` for all its variants, `judge.cot` for one); any where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
    /// The model; any where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The variables to join.
    pub vars: Map<String, Value>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_case_belongs_to_the_groups_of_its_values() {
        let mut case = Case::new(CaseId::new("c").unwrap());
        let long = "ü".repeat(81);
        case.metadata = json!({"lang": "de", "level": 3, "ok": true, "who": ["x", "y", "x", null], "of": {"a": 1},
            "none": null, "empty": [], "long": long, "other": format!("{}!", "ü".repeat(80)), "fits": "ü".repeat(80)})
        .as_object()
        .unwrap()
        .clone();
        let groups = |key: &str| case.groups(&format!("metadata.{key}")).into_iter().collect::<Vec<_>>();
        assert_eq!(
            (groups("lang"), groups("level"), groups("ok")),
            (vec!["de".into()], vec!["3".into()], vec!["true".into()])
        );
        assert_eq!((groups("who"), groups("of")), (vec!["x".into(), "y".into()], vec![r#"{"a":1}"#.into()]));
        assert!([groups("none"), groups("empty"), groups("absent")].iter().all(Vec::is_empty));
        let (long, other) = (groups("long").remove(0), groups("other").remove(0));
        assert!(long != other && long.starts_with(&format!("{}... (", "ü".repeat(60))), "{long} {other}");
        assert_eq!(groups("fits"), ["ü".repeat(80)]);
    }
}
