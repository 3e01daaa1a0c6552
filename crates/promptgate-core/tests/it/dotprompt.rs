//! The Dotprompt conformance corpus, walked whole: every case of every file.

use std::io::Write;
use std::path::{Path, PathBuf};

use promptgate_core::case::CaseInput;
use promptgate_core::format::prompt;
use promptgate_core::message::Message;
use promptgate_core::name::PromptId;
use promptgate_core::prompt::{SourceFile, Version};
use promptgate_testkit::data_dir;
use serde_json::{Map, Value, json};

/// What the corpus holds at the pinned commit; fewer means that the walk went wrong.
const CASES: usize = 117;

/// One case with the template it belongs to.
pub struct CorpusCase {
    pub name: String,
    pub files: Vec<SourceFile>,
    pub data: Value,
    pub default: Map<String, Value>,
    pub expected: Value,
}

impl CorpusCase {
    pub fn version(&self) -> Version {
        let id = PromptId::new("corpus").unwrap();
        prompt::compile(&id, &self.files).unwrap_or_else(|error| panic!("{}: {error}", self.name))
    }

    pub fn input(&self) -> CaseInput {
        let mut vars = self.default.clone();
        vars.extend(table(&self.data["input"]));
        let messages: Vec<Message> = match &self.data["messages"] {
            Value::Null => Vec::new(),
            messages => serde_json::from_value(messages.clone()).unwrap(),
        };
        CaseInput { vars, messages, files: Vec::new() }
    }

    pub fn context(&self) -> Map<String, Value> {
        table(&self.data["context"])
    }
}

fn table(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

/// All cases, or nothing where the data is absent.
pub fn corpus() -> Vec<CorpusCase> {
    let Some(data) = data_dir() else { return Vec::new() };
    let mut cases = Vec::new();
    for file in yaml_files(&data.join("dotprompt-spec")) {
        let groups: Vec<Value> = serde_saphyr::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
        for group in &groups {
            for (index, case) in group["tests"].as_array().unwrap().iter().enumerate() {
                cases.push(corpus_case(&file, group, index, case));
            }
        }
    }
    cases
}

fn yaml_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.extension().and_then(|extension| extension.to_str()) {
            _ if path.is_dir() => files.extend(yaml_files(&path)),
            Some("yaml") => files.push(path),
            _ => {}
        }
    }
    files.sort();
    files
}

fn corpus_case(file: &Path, group: &Value, index: usize, case: &Value) -> CorpusCase {
    let source = |path: String, text: String| SourceFile { path, text };
    let mut files = vec![source("corpus.prompt".to_owned(), group["template"].as_str().unwrap().to_owned())];
    for registry in ["partials", "resolverPartials"] {
        for (name, text) in table(&group[registry]) {
            files.push(source(format!("_{name}.prompt"), text.as_str().unwrap().to_owned()));
        }
    }
    for registry in ["schemas", "resolverSchemas"] {
        for (name, schema) in table(&group[registry]) {
            files.push(source(format!("{name}.schema.json"), schema.to_string()));
        }
    }
    let mut data = table(&group["data"]);
    data.extend(table(&case["data"]));
    CorpusCase {
        name: format!("{}: {} [{index}]", file.file_name().unwrap().to_string_lossy(), group["name"].as_str().unwrap()),
        files,
        data: Value::Object(data),
        default: table(&case["options"]["input"]["default"]),
        expected: case["expect"].clone(),
    }
}

/// What the version says under a key of the corpus's expectation.
fn said(case: &CorpusCase, version: &Version, key: &str) -> Value {
    let front = &version.front;
    let without_nulls = |map: [(&str, Option<Value>); 2]| {
        let pairs = map.into_iter().filter_map(|(key, value)| Some((key.to_owned(), value?)));
        Value::Object(pairs.collect())
    };
    match key {
        "messages" => {
            let messages = version.render_with(&case.input(), &case.context());
            serde_json::to_value(messages.unwrap_or_else(|error| panic!("{}: {error}", case.name))).unwrap()
        }
        "config" => Value::Object(front.config.clone()),
        "raw" => Value::Object(front.raw.clone()),
        "ext" => Value::Object(front.extensions.clone()),
        "input" => {
            let default = (!case.default.is_empty()).then(|| Value::Object(case.default.clone()));
            without_nulls([("schema", front.input_schema.clone()), ("default", default)])
        }
        "output" => serde_json::to_value(&front.output).unwrap(),
        _ => front.raw.get(key).cloned().unwrap_or(Value::Null),
    }
}

#[test]
fn every_case_of_the_corpus_comes_out_as_it_says() {
    let cases = corpus();
    if cases.is_empty() {
        return;
    }
    let mut wrong = Vec::new();
    for case in &cases {
        let version = case.version();
        for (key, expected) in table(&case.expected) {
            let said = said(case, &version, &key);
            if said != expected {
                wrong.push(format!("{}, {key}:\n  expected {expected}\n  said     {said}", case.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {} cases are wrong:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
    assert!(cases.len() >= CASES, "only {} cases were found", cases.len());
    say(&format!("dotprompt corpus: {} of {} cases", cases.len(), cases.len()));
}

/// Past the test harness's capture, or nobody would read it.
fn say(line: &str) {
    let mut stderr = std::io::stderr();
    writeln!(stderr, "{line}").unwrap();
}

#[test]
fn the_corpus_is_read_alike_from_stored_files() {
    for case in corpus() {
        let version = case.version();
        let again = prompt::compile(&version.identity.prompt, &version.files).unwrap();
        assert_eq!(again.identity, version.identity, "{}", case.name);
        assert_eq!(json!(again.front), json!(version.front));
    }
}
