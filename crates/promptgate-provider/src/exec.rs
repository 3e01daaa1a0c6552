//! `exec` and `python`: an application of the user's own that is under test, as a program that reads and prints lines of
//! JSON ([`Program`]), or as a function of a Python file. Off unless programs are allowed.

use std::time::Duration;

use promptgate_core::Diagnostic;
use promptgate_core::Digest;
use promptgate_core::answer::{FailureKind, FinishReason, Response, ToolCall, TraceStep, Usage};
use promptgate_core::port::TreePath;
use promptgate_core::python::python_command;
use promptgate_core::request::{Request, RequestBody};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::program::Program;
use crate::registry::{Built, ProviderKind};
use crate::set::{BuildContext, SetupError};
use crate::target::said_to_target;
use crate::{BoxFuture, FailedCall, Provider};

/// The line of the registry for programs.
pub(crate) const EXEC: ProviderKind = ProviderKind {
    name: "exec",
    summary: "a program of one's own that reads and prints lines of JSON; off unless programs are allowed",
    environment: &[],
    example: "exec/my-app",
    api: None,
    build: |context| {
        let Some(command) = context.settings.command.clone().filter(|command| !command.is_empty()) else {
            let help = format!("add `command = [\"./app\", \"--json\"]` under `[provider.{}]`", context.name);
            return Err(Diagnostic::new("the provider `exec` has no program").help(help).into());
        };
        build(context, command)
    },
};

/// The line of the registry for Python.
pub(crate) const PYTHON: ProviderKind = ProviderKind {
    name: "python",
    summary: "a function of a Python file of one's own; off unless programs are allowed",
    environment: &[],
    example: "python/my-app",
    api: None,
    build: |context| {
        let (Some(file), Some(function)) = (&context.settings.file, &context.settings.function) else {
            let help =
                format!("add `file = \"app.py\"` and `function = \"answer\"` under `[provider.{}]`", context.name);
            return Err(Diagnostic::new("the provider `python` has no function").help(help).into());
        };
        let built = build(context, python_command(file, function))?;
        // Where it runs, which need not be where the project's files are read.
        if !context.setup.root.join(file).is_file() {
            let message = format!("`file` of [provider.{}]: there is no file `{file}`", context.name);
            return Err(Diagnostic::new(message).help("name it as seen from the folder of promptgate.toml").into());
        }
        Ok(built)
    },
};

fn build(context: &BuildContext<'_>, command: Vec<String>) -> Result<Built, SetupError> {
    if !context.setup.allow_exec {
        let message = format!("[provider.{}] runs a program, and programs are off", context.name);
        return Err(Diagnostic::new(message).help(HOW_TO_ALLOW).into());
    }
    let source = source(context, &command);
    let most = context.settings.concurrency.map_or_else(Program::usual_most, |most| most as usize);
    let program = Program::new(command, context.setup.root.to_owned(), context.setup.scrubber.clone(), most);
    Ok(Built::new(Application { program }, source))
}

/// What is said where programs are not allowed.
pub(crate) const HOW_TO_ALLOW: &str =
    "allow them with --allow-exec, or with `allow_exec = true` in your user file; a project's own file cannot";

/// Where answers come from: the words of the command, and what is in those that are files of the project, so that an
/// edited program is asked anew.
fn source(context: &BuildContext<'_>, command: &[String]) -> String {
    let content = |word: &String| {
        let path = TreePath::new(word.strip_prefix("./").unwrap_or(word)).ok()?;
        context.setup.tree.read(&path).ok().map(|bytes| Digest::of_bytes(&bytes))
    };
    let words: Vec<(&String, Option<Digest>)> = command.iter().map(|word| (word, content(word))).collect();
    format!("{SOURCE}{}", Digest::of_json(&words))
}

/// What the source of a program's answers begins with.
pub(crate) const SOURCE: &str = "exec:";

/// An application.
struct Application {
    program: Program,
}

/// What an application says.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    output: Value,
    #[serde(default)]
    tool_calls: Vec<ToolCall>,
    #[serde(default)]
    steps: Vec<TraceStep>,
    #[serde(default)]
    finish_reason: Option<String>,
    #[serde(default)]
    usage: Option<Usage>,
    #[serde(default)]
    model: Option<String>,
}

impl Provider for Application {
    fn call<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Response, FailedCall>> {
        Box::pin(async move {
            let limit = Duration::from_millis(request.timeout_ms);
            let (reply, took) = self.program.timed(question(&request.body), limit).await?;
            let took = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
            Ok(Response { latency_ms: Some(took), ..read(reply)? })
        })
    }
}

fn question(body: &RequestBody) -> Map<String, Value> {
    let mut question = said_to_target(body);
    question.insert("ask".to_owned(), "answer".into());
    question
}

fn read(reply: Value) -> Result<Response, FailedCall> {
    let said: Said = serde_json::from_value(reply)
        .map_err(|error| FailedCall::new(FailureKind::Crash, format!("the reply of the program: {error}")))?;
    let output = match said.output {
        Value::String(text) => text,
        other => other.to_string(),
    };
    Ok(Response {
        tool_calls: said.tool_calls,
        steps: said.steps,
        finish_reason: said.finish_reason.map_or(FinishReason::Stop, |word| FinishReason::normalise(&word)),
        usage: said.usage,
        returned_model: said.model,
        ..Response::text(output)
    })
}
