//! `tool-call`: the arguments of a call of a tool, or a part of them.

use std::borrow::Cow;

use promptgate_core::Diagnostic;
use promptgate_core::answer::{Response, ToolCall};
use promptgate_core::assertion::ExtractStep;
use serde::Deserialize;
use serde_json::Value;

use super::{ExtractExample, Extractor, ExtractorKind, Which, text_argument};
use crate::assertion::{Parameter, Subject};

/// The table entry. It looks at the response and not at the text, so its examples have none to find.
pub(super) const KIND: ExtractorKind = ExtractorKind {
    name: "tool-call",
    summary: "the arguments of a call of a tool, or a part of them; the first step of a chain",
    parameters: &[
        Parameter { name: "tool-call", doc: "the name of the tool; empty for any" },
        Parameter { name: "pointer", doc: "the part of the arguments, a JSON Pointer; `name` for the tool's name" },
        Parameter { name: "which", doc: "the `first` (default) or the `last` such call" },
    ],
    finds: ExtractExample {
        table: "{ tool-call = \"look\", pointer = \"/city\" }",
        output: r#"{"tool_calls": [{"name": "look", "arguments": {"city": "Paris"}}]}"#,
        taken: Some("\"Paris\""),
    },
    misses: ExtractExample { table: "{ tool-call = \"look\" }", output: "I would look at Paris.", taken: None },
    build,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    #[serde(default)]
    pointer: String,
    #[serde(default)]
    which: Option<Which>,
}

struct Call {
    name: String,
    pointer: String,
    which: Which,
}

fn build(step: &ExtractStep) -> Result<Box<dyn Extractor>, Diagnostic> {
    let params: Params = step.params.read("the extractor `tool-call`")?;
    if !(params.pointer.is_empty() || params.pointer == "name" || params.pointer.starts_with('/')) {
        let message = format!("`pointer` is `{}`, which is no JSON Pointer", params.pointer);
        return Err(step.params.mistake("pointer", message).help("write `/city`, or `name` for the tool's name"));
    }
    let name = text_argument(step)?.to_owned();
    Ok(Box::new(Call { name, pointer: params.pointer, which: params.which.unwrap_or_default() }))
}

impl Call {
    fn take<'a>(&self, calls: &'a [ToolCall]) -> Result<Cow<'a, Value>, String> {
        let mut fitting = calls.iter().filter(|call| self.name.is_empty() || call.name == self.name);
        let call = match self.which {
            Which::First => fitting.next(),
            Which::Last => fitting.next_back(),
        };
        let call = call.ok_or_else(|| match self.name.as_str() {
            "" => "no tool is called".to_owned(),
            name => format!("the tool `{name}` is not called"),
        })?;
        if self.pointer == "name" {
            return Ok(Cow::Owned(Value::from(&*call.name)));
        }
        let found = call.arguments.pointer(&self.pointer).map(Cow::Borrowed);
        found.ok_or_else(|| format!("the call of `{}` has nothing at `{}`", call.name, self.pointer))
    }
}

impl Extractor for Call {
    /// Behind another step, and of a text that holds a response as JSON.
    fn extract<'a>(&self, subject: Subject<'a>) -> Result<Subject<'a>, String> {
        #[derive(Deserialize)]
        struct Calls {
            tool_calls: Vec<ToolCall>,
        }
        let json = subject.json().map_err(|_| "no tool is called".to_owned())?.into_owned();
        let Calls { tool_calls } = serde_json::from_value(json).map_err(|_| "no tool is called".to_owned())?;
        let taken = self.take(&tool_calls)?.into_owned();
        Ok(Subject::Value(Cow::Owned(taken)))
    }

    fn begin<'a>(&self, response: &'a Response) -> Option<Result<Subject<'a>, String>> {
        Some(self.take(&response.tool_calls).map(Subject::Value))
    }
}
