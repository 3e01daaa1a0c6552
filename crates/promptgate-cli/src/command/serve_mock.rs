//! `serve-mock`: a model server on this machine that speaks the wires of all providers.

use promptgate_core::Diagnostic;
use promptgate_core::exit::ExitCode;
use promptgate_mock::{Keep, Play, Script, Server};

use crate::args::ServeMockArgs;
use crate::error::Failure;
use crate::output::Output;
use crate::stop::Signals;

/// The variable that sends each provider to the server, and the path it wants there.
const VARIABLES: [(&str, &str); 5] = [
    ("OPENAI_BASE_URL", "/v1"),
    ("AZUREAI_OPENAI_BASE_URL", "/openai/v1"),
    ("ANTHROPIC_BASE_URL", ""),
    ("GOOGLE_BASE_URL", "/v1beta"),
    ("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", ""),
];

pub fn run(args: &ServeMockArgs, out: &Output) -> Result<ExitCode, Failure> {
    let play = Play::new(script(args)?);
    let server = Server::listen(args.port, Keep::Count, move |received| play.reply(received)).map_err(|error| {
        Failure::usage(format!("cannot listen on 127.0.0.1:{}: {error}", args.port))
            .help("leave --port out for a free one, or name another")
    })?;
    let mut signals = Signals::caught()?;
    let code = out.print(&places(&server.origin()));
    out.say("any key is taken unless the script names one; Ctrl-C stops");
    signals.next();
    out.say(&format!("{} requests were answered", server.count()));
    Ok(code)
}

fn script(args: &ServeMockArgs) -> Result<Script, Failure> {
    let Some(path) = &args.script else { return Ok(Script::default()) };
    let name = path.display().to_string();
    let text = std::fs::read_to_string(path).map_err(|error| Failure::usage(format!("cannot read {name}: {error}")))?;
    let wrong =
        |error: promptgate_mock::ScriptError| Diagnostic::new(error.message).at_offset(&name, &text, error.offset);
    Ok(Script::parse(&text).map_err(wrong)?)
}

/// Lines that a shell can take as they are.
fn places(origin: &str) -> String {
    VARIABLES.iter().map(|(variable, path)| format!("export {variable}={origin}{path}\n")).collect()
}
