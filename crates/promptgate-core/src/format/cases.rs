//! Cases as users write them: JSONL, CSV or TOML, one at a time. A line of JSONL is the form that others are spooled in.

mod csv;
mod toml;

use std::io::BufRead;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value};

pub use self::csv::CsvCases;
pub use self::toml::TomlCases;

use super::assertion;
use super::json_line::{Strict, StrictMap, at_key, read};
use super::lines::Lines;
use super::node::{Kind, Node, of_json};
use super::source::Source;
use crate::assertion::AssertionSpec;
use crate::case::Case;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::message::Message;
use crate::name::CaseId;
use crate::suite::CasesSpec;

/// In which form cases are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CasesFormat {
    /// One JSON object a line.
    Jsonl,
    /// A header and a row per case.
    Csv,
    /// `[[case]]` tables.
    Toml,
}

impl CasesFormat {
    /// The format of a file by its suffix; standard input (`-`) is JSONL.
    pub fn of_file(file: &str) -> Option<Self> {
        let suffix = file.rsplit('/').next().and_then(|name| name.rsplit_once('.'));
        match (file, suffix) {
            ("-", _) | (_, Some((_, "jsonl"))) => Some(Self::Jsonl),
            (_, Some((_, "csv"))) => Some(Self::Csv),
            (_, Some((_, "toml"))) => Some(Self::Toml),
            _ => None,
        }
    }
}

/// Streams cases of any format; `defaults` are the suite's `[vars]`.
pub fn read_cases<'r, R: BufRead + 'r>(
    format: CasesFormat,
    reader: R,
    file: &str,
    defaults: Map<String, Value>,
) -> Box<dyn Iterator<Item = Result<Case, Diagnostic>> + 'r> {
    match format {
        CasesFormat::Jsonl => Box::new(JsonCases::new(reader, file, defaults)),
        CasesFormat::Csv => Box::new(CsvCases::new(reader, file, defaults)),
        CasesFormat::Toml => Box::new(TomlCases::new(reader, file, defaults)),
    }
}

/// Streams cases from JSONL. After a wrong line it goes on with the next one.
#[derive(Debug)]
pub struct JsonCases<R> {
    lines: Lines<R>,
    file: String,
    defaults: Map<String, Value>,
    offset: u64,
    length: usize,
}

impl<R: BufRead> JsonCases<R> {
    /// Reads `reader`, which messages call `file`.
    pub fn new(reader: R, file: impl Into<String>, defaults: Map<String, Value>) -> Self {
        let file = file.into();
        Self { lines: Lines::new(reader, file.clone()), file, defaults, offset: 0, length: 0 }
    }

    /// Where the line of the last case begins, and how many bytes it has: what an index keeps.
    pub fn position(&self) -> (u64, usize) {
        (self.offset, self.length)
    }
}

impl<R: BufRead> Iterator for JsonCases<R> {
    type Item = Result<Case, Diagnostic>;

    fn next(&mut self) -> Option<Self::Item> {
        Some(self.lines.next_line()?.and_then(|line| {
            (self.offset, self.length) = (line.offset, line.bytes.len());
            parse_json_line(line.bytes, &self.file, line.number, &self.defaults)
        }))
    }
}

/// A case as its file says it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CaseFields {
    id: CaseId,
    #[serde(default)]
    vars: StrictMap,
    #[serde(default)]
    messages: Vec<Message>,
    #[serde(default)]
    expected: Strict,
    #[serde(default)]
    tags: Vec<String>,
    #[serde(default)]
    cluster: Option<String>,
    #[serde(default)]
    threshold: Option<f64>,
    /// Read apart, with places.
    #[serde(default)]
    assert: Option<IgnoredAny>,
    #[serde(default)]
    origin: Option<Strict>,
    #[serde(default)]
    metadata: StrictMap,
}

impl CaseFields {
    /// The key whose value no case may have, why, and what to write.
    fn mistake(&self) -> Option<(&'static str, String, &'static str)> {
        let threshold = self.threshold.filter(|threshold| !(*threshold > 0.0 && *threshold <= 1.0));
        if let Some(threshold) = threshold {
            let help = "write a number above 0 and at most 1; 0 would always pass";
            return Some(("threshold", format!("`threshold` of a case is {threshold}"), help));
        }
        if self.tags.iter().any(String::is_empty) {
            return Some(("tags", "a tag is empty".to_owned(), "leave it out"));
        }
        if self.cluster.as_deref() == Some("") {
            return Some((
                "cluster",
                "`cluster` is empty".to_owned(),
                "leave it out: the case is then a cluster of its own",
            ));
        }
        None
    }

    fn into_case(self, asserts: Vec<AssertionSpec>, line: u32, defaults: &Map<String, Value>) -> Case {
        Case {
            id: self.id,
            vars: over_defaults(self.vars.0, defaults),
            messages: self.messages,
            expected: self.expected.0,
            tags: self.tags,
            cluster: self.cluster,
            threshold: self.threshold,
            asserts,
            origin: self.origin.map(|origin| origin.0),
            metadata: self.metadata.0,
            line,
        }
    }
}

/// The suite's defaults under a case's own variables.
fn over_defaults(mut vars: Map<String, Value>, defaults: &Map<String, Value>) -> Map<String, Value> {
    for (name, value) in defaults {
        if !vars.contains_key(name) {
            vars.insert(name.clone(), value.clone());
        }
    }
    vars
}

/// Reads a case from one line of JSONL.
pub fn parse_json_line(bytes: &[u8], file: &str, line: u32, defaults: &Map<String, Value>) -> Result<Case, Diagnostic> {
    let fields: CaseFields = read(bytes, file, line, "a case")?;
    if let Some((key, message, help)) = fields.mistake() {
        return Err(at_key(bytes, file, line, key, message, help));
    }
    let asserts = match fields.assert {
        Some(_) => line_asserts(bytes, file, line)?,
        None => Vec::new(),
    };
    Ok(fields.into_case(asserts, line, defaults))
}

/// The assertions of a line that reads well otherwise.
fn line_asserts(bytes: &[u8], file: &str, line: u32) -> Result<Vec<AssertionSpec>, Diagnostic> {
    let text = std::str::from_utf8(bytes).unwrap_or_default();
    let source = Source::of_line(file, text, line);
    let specs = of_json(&source).map(|node| case_asserts(&node, &source));
    source.finish(specs).map_err(first)
}

fn case_asserts(case: &Node, source: &Source<'_>) -> Vec<AssertionSpec> {
    let Some(entry) = case.entry("assert") else { return Vec::new() };
    match &entry.value.kind {
        Kind::List(items) => assertion::list(source, items),
        _ => {
            let message = format!("`assert` of a case is {}", entry.value.what());
            source.mistake(entry.at, message, "write a list of assertions");
            Vec::new()
        }
    }
}

fn first(mistakes: Diagnostics) -> Diagnostic {
    let first = mistakes.0.into_iter().next();
    first.unwrap_or_else(|| Diagnostic::new("this case cannot be read").help("write one JSON object a line"))
}

/// The line of JSONL that reads back as this case, default variables included.
pub fn to_json_line(case: &Case) -> String {
    let text = |text: &Option<String>| text.as_deref().map(Value::from);
    let list = |list: Vec<Value>| (!list.is_empty()).then_some(Value::Array(list));
    let map = |map: &Map<String, Value>| (!map.is_empty()).then(|| Value::Object(map.clone()));
    let messages = case.messages.iter().map(|message| serde_json::to_value(message).unwrap_or_default()).collect();
    let entries = [
        ("id", Some(case.id.as_str().into())),
        ("vars", map(&case.vars)),
        ("messages", list(messages)),
        ("expected", (!case.expected.is_null()).then(|| case.expected.clone())),
        ("tags", list(case.tags.iter().map(|tag| tag.as_str().into()).collect())),
        ("cluster", text(&case.cluster)),
        ("threshold", case.threshold.map(Value::from)),
        ("assert", list(case.asserts.iter().map(assertion::to_table).collect())),
        ("origin", case.origin.clone()),
        ("metadata", map(&case.metadata)),
    ];
    let entries = entries.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?)));
    Value::Object(entries.collect()).to_string()
}

/// The cluster of a case: the value at the suite's path where it names one, else the case's own. `None` is a cluster of
/// its own.
pub fn cluster_of(case: &Case, spec: &CasesSpec) -> Option<String> {
    let Some(path) = &spec.cluster else { return case.cluster.clone() };
    match case.path(path)? {
        Value::Null => None,
        Value::String(text) => Some(text),
        other => Some(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn parse(line: &str) -> Result<Case, Diagnostic> {
        let defaults = json!({"team": "emea", "email": "default"});
        parse_json_line(line.as_bytes(), "cases.jsonl", 4, defaults.as_object().unwrap())
    }

    const WHOLE: &str = r#"{"id":"a","vars":{"email":"hi","n":[1,{"b":null}]},"messages":[{"role":"user","content":"x"},{"role":"model","content":[{"toolRequest":{"name":"t"}}]}],"expected":{"queue":"billing"},"tags":["vip"],"cluster":"t1","threshold":0.5,"assert":[{"kind":"all-of","assert":[{"kind":"equals","value":"{{expected.queue}}","extract":[{"json":"/queue","within":true,"on_missing":"unscored"}],"when":{"tag":"vip","not":{"metadata.lang":"de"}}},{"kind":"contains","not":true,"weight":2,"value":"x"}]},{"kind":"regex","name":"r","pattern":"a","tier":"advisory","metric":"m","extract":"output"}],"origin":{"file":"x"},"metadata":{"lang":"de"}}"#;

    #[test]
    fn a_case_takes_the_suites_defaults_under_its_own_variables() {
        let case = parse(WHOLE).unwrap();
        assert_eq!(case.vars["email"], "hi");
        assert_eq!(case.vars["team"], "emea");
        assert_eq!(case.line, 4);
        assert_eq!(case.asserts[0].members[1].name, "contains#2");
        assert_eq!(case.asserts[0].members[0].params.place("value").unwrap().to_string(), "cases.jsonl:4:284");
    }

    #[test]
    fn a_case_reads_back_from_the_line_it_is_spooled_as() {
        for line in [WHOLE, r#"{"id":"b"}"#, r#"{"id":"c","expected":[1.5,"x"],"vars":{"team":null}}"#] {
            let case = parse(line).unwrap();
            assert_eq!(parse(&to_json_line(&case)).unwrap(), case);
        }
    }

    #[test]
    fn a_wrong_line_is_named_with_its_place_and_what_to_do() {
        let error = |line: &str| parse(line).unwrap_err().to_string();
        insta::assert_snapshot!(error(r#"{"id":"a","expectd":1}"#), @"cases.jsonl:4:11: a case has no key `expectd`; did you mean `expected`?");
        insta::assert_snapshot!(error(r#"{"vars":{}}"#), @"cases.jsonl:4:1: a case: missing field `id`; add it");
        insta::assert_snapshot!(error(r#"{"id":7}"#), @"cases.jsonl:4:2: `id` of a case: invalid type: integer `7`, expected a text; an id is a text in quotes, of one line and at most 512 bytes");
        insta::assert_snapshot!(error(r#"{"id":""}"#), @"cases.jsonl:4:2: `id` of a case: `` is not a case id: it is empty; an id is a text in quotes, of one line and at most 512 bytes");
        insta::assert_snapshot!(error(r#"{"id":"a","tags":"vip"}"#), @r#"cases.jsonl:4:11: `tags` of a case: invalid type: the text "vip", expected a list; give `tags` a value of that form"#);
        insta::assert_snapshot!(error(r#"{"id":"a","tags":[""]}"#), @"cases.jsonl:4:11: a tag is empty; leave it out");
        insta::assert_snapshot!(error(r#"{"id":"a","threshold":0}"#), @"cases.jsonl:4:11: `threshold` of a case is 0; write a number above 0 and at most 1; 0 would always pass");
        insta::assert_snapshot!(error(r#"{"id":"a","vars":{"x":1,"y":{"z":1,"z":2}}}"#), @"cases.jsonl:4:36: the key `z` stands here twice; keep one of the two");
        insta::assert_snapshot!(error(r#"{"id":"a","id":"b"}"#), @"cases.jsonl:4:11: the key `id` stands here twice; keep one of the two");
        insta::assert_snapshot!(error(r#"{"id":"a","messages":[{"role":"bot","content":"x"}]}"#), @r#"cases.jsonl:4:24: `messages[0].role` of a case: unknown variant `bot`, expected one of `system`, `user`, `assistant`, `model`, `tool`; a message is {"role": "user", "content": "..."}; roles are system, user, model and tool; content is a text or a list of parts such as {"text": "..."}"#);
        insta::assert_snapshot!(error(r#"{"id":"a","messages":[{"role":"user","content":7}]}"#), @r#"cases.jsonl:4:38: `messages[0].content` of a case: neither a text nor a list of parts; a message is {"role": "user", "content": "..."}; roles are system, user, model and tool; content is a text or a list of parts such as {"text": "..."}"#);
        insta::assert_snapshot!(error(r#"{"id":"a","messages":[{"role":"user","content":"x","name":"y"}]}"#), @"cases.jsonl:4:52: `messages[0]` of a case has no key `name`; known: `role`, `content`, `metadata`");
        insta::assert_snapshot!(error(r#"{"id":"a","assert":{}}"#), @"cases.jsonl:4:11: `assert` of a case is a table; write a list of assertions");
        insta::assert_snapshot!(error(r#"{"id":"a","assert":[{"kind":"x","weight":0}]}"#), @r#"cases.jsonl:4:33: `weight` in `x` is 0; write a number above 0; an assertion that shall not decide says `tier = "advisory"`"#);
        insta::assert_snapshot!(error(r#"{"id":"a","assert":[{"kind":"x","metric":"cost"}]}"#), @r#"cases.jsonl:4:33: `cost` is the name of a metric that every suite has; choose another name, such as "cost_score""#);
        insta::assert_snapshot!(error(r#"{"id":"a"} x"#), @"cases.jsonl:4:12: this is not JSON: trailing characters; write one whole JSON object a line: keys and texts in double quotes, no comma behind the last value");
        insta::assert_snapshot!(error(r#"["a"]"#), @r#"cases.jsonl:4:1: a case is one JSON object a line; write {"key": value, ...}"#);
        insta::assert_snapshot!(error(r#"{"id":"a",}"#), @"cases.jsonl:4:11: this is not JSON: trailing comma; write one whole JSON object a line: keys and texts in double quotes, no comma behind the last value");
        let bytes = b"{\"id\":\"\xff\"}";
        let error = parse_json_line(bytes, "cases.jsonl", 4, &Map::new()).unwrap_err().to_string();
        insta::assert_snapshot!(error, @"cases.jsonl:4:8: this is not UTF-8; save the file as UTF-8");
    }

    #[test]
    fn nesting_of_100_000_levels_is_refused() {
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            let deep = format!("{}1{}", open.repeat(100_000), close.repeat(100_000));
            for line in
                [format!("{{\"id\":\"a\",\"vars\":{{\"x\":{deep}}}}}"), format!("{{\"id\":\"a\",\"assert\":{deep}}}")]
            {
                assert!(parse(&line).unwrap_err().to_string().contains("nest"), "{open}");
            }
        }
    }

    #[test]
    fn lines_are_read_one_by_one_with_their_offsets_and_a_wrong_one_stops_nothing() {
        let text = "{\"id\":\"a\"}\n\n{\"id\":}\n  {\"id\":\"b\"}\n";
        let mut cases = JsonCases::new(text.as_bytes(), "c.jsonl", Map::new());
        assert_eq!(cases.next().unwrap().unwrap().line, 1);
        assert!(cases.next().unwrap().is_err());
        assert_eq!(cases.next().unwrap().unwrap().line, 4);
        assert_eq!(cases.position(), (20, 12));
        assert!(cases.next().is_none());
    }

    #[test]
    fn a_cluster_is_the_suites_path_or_else_the_cases_own() {
        let case = parse(r#"{"id":"a","cluster":"own","metadata":{"thread":7}}"#).unwrap();
        let spec = |path: Option<&str>| CasesSpec { file: "-".into(), inputs: None, cluster: path.map(str::to_owned) };
        assert_eq!(cluster_of(&case, &spec(None)), Some("own".into()));
        assert_eq!(cluster_of(&case, &spec(Some("metadata.thread"))), Some("7".into()));
        assert_eq!(cluster_of(&case, &spec(Some("metadata.other"))), None);
    }
}
