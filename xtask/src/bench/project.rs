//! Generated projects: one suite of so many cases, answered from a recording that is bound by digest, or by a server.

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use promptgate_core::case::CaseInput;
use promptgate_core::format::prompt;
use promptgate_core::format::recording::{RecordedLine, to_json_line};
use promptgate_core::name::{CaseId, ModelId, PromptId};
use promptgate_core::port::TreePath;
use promptgate_core::prompt::Version;
use promptgate_store::tree::DiskTree;
use serde_json::{Map, Value, json};

const PROMPT: &str = r#"---
input:
  schema:
    question: string
---
{{role "system"}}
Sort the message into a queue. Answer with JSON: `queue`, `because`.
{{role "user"}}
{{question}}
"#;

/// The five kinds that the target for scoring names; the promise for a whole run names none, so it has all of them.
const SUITE: &str = r#"name = "bench"
prompt = "ask"
[[model]]
id = "openai/bench"
RECORDING
[cases]
file = "cases.jsonl"
[[assert]]
kind = "json"
[[assert]]
kind = "equals"
value = "{{expected}}"
extract = { json = "/queue" }
[[assert]]
kind = "contains"
value = "because"
[[assert]]
kind = "regex"
pattern = '"queue":\s*"\w+"'
[[assert]]
kind = "length"
min = 1
"#;

/// A project in a temporary folder that goes with it.
pub struct Project {
    folder: tempfile::TempDir,
}

impl Project {
    /// So many cases, answered from a recording with outputs of so many bytes, each bound to its request by digest.
    pub fn replayed(cases: usize, output_bytes: usize) -> Result<Self, String> {
        let project = Self::new(r#"recording = "recorded.jsonl""#)?;
        project.write_cases(cases)?;
        project.write_recording(cases, &answer(output_bytes)).map_err(|error| error.to_string())?;
        Ok(project)
    }

    /// So many cases, answered by a server.
    pub fn called(cases: usize, address: &str) -> Result<Self, String> {
        let project = Self::new("")?;
        project.write_cases(cases)?;
        let settings = format!("[provider.openai]\nbase_url = \"http://{address}/v1\"\n");
        project.write("promptgate.toml", &settings)?;
        Ok(project)
    }

    /// One case, answered by its own prompt.
    pub fn echoed() -> Result<Self, String> {
        let project = Self::new("")?;
        let suite = project.suite().join("suite.toml");
        let text = SUITE.replace("openai/bench", "echo/bench").replace("RECORDING", "");
        let kept = text.split("[[assert]]").next().unwrap_or_default();
        fs::write(suite, format!("{kept}[[assert]]\nkind = \"length\"\nmin = 1\n"))
            .map_err(|error| error.to_string())?;
        project.write_cases(1)?;
        Ok(project)
    }

    /// The project's folder.
    pub fn root(&self) -> &Path {
        self.folder.path()
    }

    /// Forgets the runs, so that the next one finds nothing stored.
    pub fn forget(&self) -> Result<(), String> {
        match fs::remove_dir_all(self.root().join(".promptgate")) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.to_string()),
            _ => Ok(()),
        }
    }

    fn new(recording: &str) -> Result<Self, String> {
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        let project = Self { folder };
        fs::create_dir_all(project.suite().join("prompts")).map_err(|error| error.to_string())?;
        project.write("promptgate.toml", "")?;
        project.write("suites/bench/prompts/ask.prompt", PROMPT)?;
        project.write("suites/bench/suite.toml", &SUITE.replace("RECORDING", recording))?;
        Ok(project)
    }

    fn suite(&self) -> PathBuf {
        self.root().join("suites/bench")
    }

    fn write(&self, path: &str, text: &str) -> Result<(), String> {
        fs::write(self.root().join(path), text).map_err(|error| format!("{path}: {error}"))
    }

    fn write_cases(&self, cases: usize) -> Result<(), String> {
        let lines = |file: File| {
            let mut file = BufWriter::new(file);
            for number in 0..cases {
                writeln!(file, "{}", json!({"id": id(number), "vars": vars(number), "expected": "billing"}))?;
            }
            file.flush()
        };
        let written = File::create(self.suite().join("cases.jsonl")).and_then(lines);
        written.map_err(|error| error.to_string())
    }

    fn write_recording(&self, cases: usize, output: &str) -> Result<(), Box<dyn std::error::Error>> {
        let tree = DiskTree::new(&self.suite())?;
        let id_of_prompt = PromptId::new("ask")?;
        let version = prompt::load(&tree, &TreePath::new("prompts")?, &id_of_prompt)?;
        let mut file = BufWriter::new(File::create(self.suite().join("recorded.jsonl"))?);
        for number in 0..cases {
            let line = recorded(&version, &id_of_prompt, number, output)?;
            writeln!(file, "{}", to_json_line(&line))?;
        }
        Ok(file.flush()?)
    }
}

/// The recorded answer to a case: it carries the digest of the request that the prompt makes of it.
fn recorded(
    version: &Version,
    prompt: &PromptId,
    number: usize,
    output: &str,
) -> Result<RecordedLine, Box<dyn std::error::Error>> {
    let input = CaseInput { vars: vars(number), ..CaseInput::default() };
    let body = version.request_body(&ModelId::new("openai/bench")?, &Map::new(), &input)?;
    Ok(RecordedLine {
        case: CaseId::new(id(number))?,
        prompt: Some(prompt.clone()),
        assertion: None,
        model: Some("openai/bench".to_owned()),
        trial: Some(1),
        request_digest: Some(body.digest()),
        output: output.to_owned(),
        tool_calls: Vec::new(),
        steps: Vec::new(),
        finish_reason: None,
        usage: None,
        latency_ms: None,
        first_token_ms: None,
        returned_model: None,
    })
}

fn id(number: usize) -> String {
    format!("case-{number:07}")
}

fn vars(number: usize) -> Map<String, Value> {
    Map::from_iter([("question".to_owned(), question(number).into())])
}

/// What a case asks.
pub fn question(number: usize) -> String {
    format!("Message {number}: the invoice of last month was charged twice, please have a look at it.")
}

/// An output of so many bytes that passes.
pub fn answer(bytes: usize) -> String {
    let (head, tail) = (r#"{"queue": "billing", "because": ""#, r#""}"#);
    format!("{head}{}{tail}", "x".repeat(bytes.saturating_sub(head.len() + tail.len())))
}
