//! `interop`: our clients against a server nobody here wrote (LiteLLM's proxy), and clients nobody here wrote (the official
//! SDKs) against our mock server. Both are real processes on loopback, started and stopped here.

use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::chore::{Outcome, command, pass, root};
use crate::python::python;

/// A process that ends with this value.
struct Service(Child);

impl Drop for Service {
    fn drop(&mut self) {
        // An error means that it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The key that the proxy wants.
const KEY: &str = "sk-interop-1234";

/// A call of ours, by the name of a provider of the project below and a model of the proxy: the outcome of its trial, and
/// what its answer or its error holds.
struct Call {
    model: &'static str,
    outcome: &'static str,
    holds: &'static str,
}

const PARIS: &str = "The capital of France is Paris.";

const CALLS: [Call; 15] = [
    Call { model: "plain/gpt-mock", outcome: "passed", holds: PARIS },
    Call { model: "streamed/gpt-mock", outcome: "passed", holds: PARIS },
    Call { model: "responses/gpt-mock", outcome: "passed", holds: PARIS },
    // Its own mock cannot be streamed here (1.106.2 answers 500): it passes on the stream of ours, as it does of others.
    Call { model: "responses-streamed/passed-on", outcome: "passed", holds: PARIS },
    Call { model: "responses-streamed/gpt-mock", outcome: "errored", holds: "\"kind\":\"server\"" },
    Call { model: "claude-streamed/passed-on-claude", outcome: "passed", holds: PARIS },
    Call { model: "claude/claude-mock", outcome: "passed", holds: PARIS },
    Call { model: "claude-streamed/claude-bridge", outcome: "passed", holds: PARIS },
    // It answers a stream with plain JSON here, which is read all the same.
    Call { model: "claude-streamed/claude-mock", outcome: "passed", holds: PARIS },
    Call { model: "plain/tool-mock", outcome: "failed", holds: "\"arguments\":{\"city\":\"Paris\"}" },
    Call { model: "streamed/passed-on", outcome: "passed", holds: PARIS },
    Call { model: "plain/mock-429", outcome: "errored", holds: "\"kind\":\"rate_limit\"" },
    Call { model: "plain/mock-500", outcome: "errored", holds: "\"kind\":\"server\"" },
    Call { model: "plain/mock-ctx", outcome: "errored", holds: "\"kind\":\"bad_request\"" },
    Call { model: "plain/no-such-model", outcome: "errored", holds: "\"kind\":\"bad_request\"" },
];

/// `cargo xtask interop`.
pub fn run(_arguments: &[String]) -> Outcome {
    check().into()
}

/// Both directions.
pub fn check() -> Result<(), String> {
    pass(command("cargo", &["build", "--locked", "--package", "promptgate-cli"]))?;
    let python = python("interop", "xtask/interop/requirements.txt")?;
    let (_mock, origin) = mock()?;
    let mut sdks = Command::new(&python);
    sdks.arg(root().join("xtask/interop/sdks.py")).arg(&origin);
    pass(sdks)?;
    foreign_server(&python, &origin)
}

fn promptgate() -> Command {
    Command::new(root().join("target/debug/promptgate"))
}

/// Our mock server, and where it is.
fn mock() -> Result<(Service, String), String> {
    let mut serve = promptgate();
    serve.args(["serve-mock", "--script"]).arg(root().join("xtask/interop/mock.toml"));
    let failed = |error: std::io::Error| format!("serve-mock cannot be started: {error}");
    let mut mock = Service(serve.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().map_err(failed)?);
    let stdout = mock.0.stdout.take().ok_or("serve-mock has no output")?;
    let lines: Vec<String> = BufReader::new(stdout).lines().take(5).map_while(Result::ok).collect();
    let origin = lines.iter().find_map(|line| line.strip_prefix("export ANTHROPIC_BASE_URL="));
    let origin = origin.ok_or_else(|| format!("serve-mock did not say where it is: {lines:?}"))?.to_owned();
    Ok((mock, origin))
}

/// Our clients against LiteLLM.
fn foreign_server(python: &Path, mock: &str) -> Result<(), String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let port = free_port()?;
    let _proxy = proxy(python, folder.path(), port, mock)?;
    project(folder.path(), port).map_err(|error| error.to_string())?;
    let trials = answered(folder.path())?;
    for call in &CALLS {
        let trial = trials.iter().find(|(model, _)| model == call.model);
        let (_, trial) = trial.ok_or_else(|| format!("{} was not asked", call.model))?;
        let text = trial.to_string();
        if trial["outcome"] != call.outcome || !text.contains(call.holds) {
            return Err(format!("{}: expected {} with {}, got {text}", call.model, call.outcome, call.holds));
        }
        let is_streamed = trial["response"]["first_token_ms"].is_u64();
        let is_expected = call.model.contains("streamed/") && call.model != "claude-streamed/claude-mock";
        if call.outcome == "passed" && is_streamed != is_expected {
            return Err(format!("{}: streamed is {is_streamed}: {text}", call.model));
        }
        if call.outcome == "passed" && !trial["response"]["usage"]["output_tokens"].is_u64() {
            return Err(format!("{}: no usage in {text}", call.model));
        }
    }
    println!("{} calls to LiteLLM's proxy came out as they should", CALLS.len());
    Ok(())
}

fn free_port() -> Result<u16, String> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).and_then(|listener| listener.local_addr());
    listener.map(|address| address.port()).map_err(|error| format!("no free port: {error}"))
}

/// LiteLLM's proxy, once it listens.
fn proxy(python: &Path, folder: &Path, port: u16, mock: &str) -> Result<Service, String> {
    let failed = |error: std::io::Error| format!("LiteLLM's proxy cannot be started: {error}");
    let config = std::fs::read_to_string(root().join("xtask/interop/litellm.yaml")).map_err(failed)?;
    let file = folder.join("litellm.yaml");
    std::fs::write(&file, config.replace("PORT", &port.to_string()).replace("MOCK", mock)).map_err(failed)?;
    let log = std::fs::File::create(folder.join("litellm.log")).map_err(failed)?;
    let mut command = Command::new(python.with_file_name("litellm"));
    command.arg("--config").arg(&file).args(["--host", "127.0.0.1", "--port", &port.to_string(), "--num_workers", "1"]);
    command.env("LITELLM_TELEMETRY", "False").env("LITELLM_LOCAL_MODEL_COST_MAP", "True").current_dir(folder);
    command.stdout(log.try_clone().map_err(failed)?).stderr(log).stdin(Stdio::null());
    let mut service = Service(command.spawn().map_err(failed)?);
    let patience = Instant::now() + Duration::from_secs(180);
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        if let Ok(Some(status)) = service.0.try_wait() {
            return Err(format!("LiteLLM's proxy ended with {status}: {}", tail(folder)));
        }
        if Instant::now() > patience {
            return Err(format!("LiteLLM's proxy does not listen: {}", tail(folder)));
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    Ok(service)
}

/// The last lines of the proxy's log.
fn tail(folder: &Path) -> String {
    let log = std::fs::read_to_string(folder.join("litellm.log")).unwrap_or_default();
    let lines: Vec<&str> = log.lines().rev().take(15).collect();
    lines.into_iter().rev().collect::<Vec<_>>().join("\n")
}

/// A suite of one case over every call; a provider of each name for each way to speak.
fn project(folder: &Path, port: u16) -> std::io::Result<()> {
    let provider = |name: &str, kind: &str, path: &str, more: &str| {
        format!(
            "[provider.{name}]\nkind = \"{kind}\"\nbase_url = \"http://127.0.0.1:{port}{path}\"\nkey_env = \"INTEROP_KEY\"\n{more}"
        )
    };
    let settings = [
        provider("plain", "openai", "/v1", ""),
        provider("streamed", "openai", "/v1", "stream = true\n"),
        provider("responses", "openai", "/v1", "api = \"responses\"\n"),
        provider("responses-streamed", "openai", "/v1", "api = \"responses\"\nstream = true\n"),
        provider("claude", "anthropic", "", ""),
        provider("claude-streamed", "anthropic", "", "stream = true\n"),
    ];
    let models: String = CALLS.iter().map(|call| format!("[[model]]\nid = \"{}\"\n", call.model)).collect();
    let assert = format!("[[assert]]\nkind = \"equals\"\nvalue = \"{PARIS}\"\n");
    let suite = format!("name = \"interop\"\nprompt = \"ask\"\n{models}[cases]\nfile = \"cases.jsonl\"\n{assert}");
    std::fs::create_dir_all(folder.join("suites/interop/prompts"))?;
    std::fs::write(folder.join("promptgate.toml"), settings.concat())?;
    std::fs::write(folder.join("suites/interop/suite.toml"), suite)?;
    std::fs::write(folder.join("suites/interop/prompts/ask.prompt"), "What is the capital of {{country}}?")?;
    std::fs::write(folder.join("suites/interop/cases.jsonl"), "{\"id\":\"france\",\"vars\":{\"country\":\"France\"}}\n")
}

/// The trials of a run over the project, each with its model.
fn answered(folder: &Path) -> Result<Vec<(String, Value)>, String> {
    let mut run = promptgate();
    run.args(["run", "suites/interop", "--no-fail", "--no-retry", "--report", "jsonl=trials.jsonl"]);
    run.current_dir(folder).env("INTEROP_KEY", KEY).stdout(Stdio::null()).stderr(Stdio::null());
    // Its exit code says that models could not be asked, which is what is looked at below.
    run.status().map_err(|error| format!("promptgate cannot be run: {error}"))?;
    let text = std::fs::read_to_string(folder.join("trials.jsonl")).map_err(|error| format!("no trials: {error}"))?;
    let trials = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let named = |trial: Value| {
        let model = &trial["model"];
        let index = model.as_u64().and_then(|index| usize::try_from(index).ok());
        let name = index.map(|index| CALLS[index].model).or(model.as_str())?.to_owned();
        Some((name, trial))
    };
    Ok(trials.filter_map(named).collect())
}
