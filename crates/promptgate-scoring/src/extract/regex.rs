//! `regex`: a capture group of a match, or of all of them.

use std::borrow::Cow;

use promptgate_core::Diagnostic;
use promptgate_core::assertion::ExtractStep;
use regex::Regex;
use serde::Deserialize;
use serde_json::Value;

use super::{ExtractExample, Extractor, ExtractorKind, part, pattern, text_argument};
use crate::assertion::{Parameter, Subject};

/// The most matches a list may hold.
const MAX_MATCHES: usize = 10_000;

/// The table entry.
pub(super) const KIND: ExtractorKind = ExtractorKind {
    name: "regex",
    summary: "the text of a capture group of a match, or a list of them",
    parameters: &[
        Parameter { name: "regex", doc: "the pattern, linear time: no look-around, no back-references" },
        Parameter {
            name: "group",
            doc: "number or name of the group; default the first group, or the whole match where there is none",
        },
        Parameter { name: "which", doc: "`first` (default), `last`, or `all`: a list of texts, at most 10,000" },
    ],
    finds: ExtractExample {
        table: "{ regex = 'answer is (\\w+)', which = \"last\" }",
        output: "The answer is A. No, the answer is B.",
        taken: Some("\"B\""),
    },
    misses: ExtractExample { table: "{ regex = '\\d+' }", output: "none", taken: None },
    build,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    #[serde(default)]
    group: Option<Value>,
    #[serde(default)]
    which: Matches,
}

/// Which of the matches are taken.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Matches {
    #[default]
    First,
    Last,
    All,
}

struct Capture {
    pattern: Regex,
    group: usize,
    which: Matches,
}

fn build(step: &ExtractStep) -> Result<Box<dyn Extractor>, Diagnostic> {
    let params: Params = step.params.read("the extractor `regex`")?;
    let pattern = pattern::compile(text_argument(step)?, "")
        .map_err(|problem| step.params.mistake("regex", format!("the pattern {problem}")))?;
    let group = group_index(&pattern, params.group.as_ref())
        .ok_or_else(|| step.params.mistake("group", "`group` names no group of the pattern"))?;
    Ok(Box::new(Capture { pattern, group, which: params.which }))
}

fn group_index(pattern: &Regex, group: Option<&Value>) -> Option<usize> {
    let index = match group {
        None => usize::from(pattern.captures_len() > 1),
        Some(Value::String(name)) => pattern.capture_names().position(|known| known == Some(name))?,
        Some(number) => usize::try_from(number.as_u64()?).ok()?,
    };
    (index < pattern.captures_len()).then_some(index)
}

impl Extractor for Capture {
    fn extract<'a>(&self, subject: Subject<'a>) -> Result<Subject<'a>, String> {
        let text = subject.into_text();
        let mut matches = self.pattern.captures_iter(&text).filter_map(|captures| captures.get(self.group));
        let found = match self.which {
            Matches::First => matches.next(),
            Matches::Last => matches.last(),
            Matches::All => return self.all(matches.map(|found| found.as_str())),
        };
        let range = found.ok_or_else(|| self.nowhere())?.range();
        Ok(Subject::Text(part(text, range)))
    }
}

impl Capture {
    /// A list that were cut short would pass for the whole, so one that is too long is none.
    fn all<'a, 't>(&self, matches: impl Iterator<Item = &'t str>) -> Result<Subject<'a>, String> {
        let found: Vec<Value> = matches.take(MAX_MATCHES + 1).map(Value::from).collect();
        match found.len() {
            0 => Err(self.nowhere()),
            1..=MAX_MATCHES => Ok(Subject::Value(Cow::Owned(Value::Array(found)))),
            _ => Err(format!("`{}` matches more than {MAX_MATCHES} times", self.pattern.as_str())),
        }
    }

    fn nowhere(&self) -> String {
        format!("`{}` matches nowhere", self.pattern.as_str())
    }
}
