//! Where keys come from: an environment variable, a file, or a command that prints one.

use std::path::Path;
use std::process::{Command, Stdio};

use promptgate_core::Diagnostic;
use promptgate_core::format::project::ProviderSettings;
use promptgate_core::port::TreePath;
use promptgate_core::secret::Secret;

use crate::endpoint::{Api, Place};
use crate::set::{BuildContext, Keys, SetupError};

/// A longer file is no key.
const LONGEST: u64 = 64 << 10;

/// The key of a provider, learnt by the scrubber. None where the place needs none, or may not see it.
pub(crate) fn of(context: &BuildContext<'_>, api: &Api, place: &Place) -> Result<Option<Secret>, SetupError> {
    let named = named(context)?;
    if named.is_none() && place.from_settings && !says_where(context.settings) {
        return Ok(None);
    }
    let found = named.or_else(|| match says_where(context.settings) {
        true => None,
        false => variables(context.name, api).into_iter().find_map(|name| set(context, &name)),
    });
    let Some(value) = found else {
        let is_local = (place.is_loopback() || api.is_open) && !says_where(context.settings);
        let is_optional = is_local || context.setup.keys == Keys::NotNeeded;
        return if is_optional { Ok(None) } else { Err(missing(context, api)) };
    };
    let secret = Secret::new(value);
    context.setup.scrubber.learn(&secret);
    Ok(Some(secret))
}

/// The key from where the settings say it is; nothing where they say nothing, or it is not there.
fn named(context: &BuildContext<'_>) -> Result<Option<String>, SetupError> {
    let settings = context.settings;
    if let Some(variable) = &settings.key_env {
        return Ok(set(context, variable));
    }
    if context.setup.keys == Keys::NotNeeded {
        return Ok(None);
    }
    if let Some(file) = &settings.key_file {
        return from_file(context, file).map(Some);
    }
    settings.key_command.as_deref().map(|command| from_command(context, command)).transpose()
}

/// Whether the settings say where the key is.
fn says_where(settings: &ProviderSettings) -> bool {
    settings.key_env.is_some() || settings.key_file.is_some() || settings.key_command.is_some()
}

fn from_file(context: &BuildContext<'_>, file: &str) -> Result<String, SetupError> {
    let wrong = |reason: &str| {
        let message = format!("no key for provider `{}`: `key_file` {reason}", context.name);
        SetupError::Credential(Diagnostic::new(message).help(format!("look at {file}")).into())
    };
    let text = match Path::new(file).is_absolute() {
        // Only the user's own file may name one outside of the project.
        true => {
            let length = std::fs::metadata(file).map_err(|error| wrong(&format!("cannot be read: {error}")))?;
            if !length.is_file() || length.len() > LONGEST {
                return Err(wrong("is not a small file"));
            }
            std::fs::read_to_string(file).map_err(|error| wrong(&format!("cannot be read: {error}")))?
        }
        false => {
            let inside = TreePath::new(file).and_then(|path| context.setup.tree.read_text(&path));
            inside.map_err(|error| wrong(&format!("cannot be read: {error}")))?
        }
    };
    only_line(&text).ok_or_else(|| wrong("does not hold exactly one line"))
}

fn from_command(context: &BuildContext<'_>, command: &[String]) -> Result<String, SetupError> {
    let wrong = |reason: &str| {
        let message = format!("no key for provider `{}`: `key_command` {reason}", context.name);
        let program = command.first().map(String::as_str).unwrap_or_default();
        SetupError::Credential(Diagnostic::new(message).help(format!("run `{program}` by hand to see why")).into())
    };
    if !context.setup.allow_exec {
        let message = format!("`key_command` of [provider.{}] is a program, and programs are off", context.name);
        let help = "put `allow_exec = true` into your user file, or name a variable with `key_env`";
        return Err(SetupError::Invalid(Diagnostic::new(message).help(help).into()));
    }
    let (program, arguments) = command.split_first().ok_or_else(|| wrong("names no program"))?;
    let mut run = Command::new(program);
    run.args(arguments).current_dir(context.setup.root).stdin(Stdio::null()).stderr(Stdio::inherit());
    let output = run.output().map_err(|error| wrong(&format!("cannot be run: {error}")))?;
    if !output.status.success() {
        return Err(wrong(&format!("ended with {}", output.status)));
    }
    let text = String::from_utf8(output.stdout).map_err(|_| wrong("printed no text"))?;
    only_line(&text).ok_or_else(|| wrong("did not print exactly one line"))
}

/// The one line of a text.
fn only_line(text: &str) -> Option<String> {
    let line = text.trim();
    (!line.is_empty() && !line.contains(['\n', '\r'])).then(|| line.to_owned())
}

fn missing(context: &BuildContext<'_>, api: &Api) -> SetupError {
    let variables = match &context.settings.key_env {
        Some(variable) => vec![variable.clone()],
        None => variables(context.name, api),
    };
    let provider = context.name;
    let first = variables.first().map(String::as_str).unwrap_or_default();
    let message = match variables.as_slice() {
        [only] => format!("no key for provider `{provider}`: the environment variable {only} is not set"),
        several => format!("no key for provider `{provider}`: none of {} is set", several.join(", ")),
    };
    let help = format!("set {first}, or answer from a recording (leave out --live)");
    SetupError::Credential(Diagnostic::new(message).help(help).into())
}

/// The variables that may hold the key of a provider: those of its kind, or the one made of a name of the user's own.
pub(crate) fn variables(name: &str, api: &Api) -> Vec<String> {
    match name == api.name {
        true => api.keys.iter().map(|name| (*name).to_owned()).collect(),
        false => vec![variable(name, "API_KEY")],
    }
}

/// `MY_PROXY_API_KEY` for `my-proxy`.
pub(crate) fn variable(provider: &str, what: &str) -> String {
    format!("{}_{what}", provider.to_ascii_uppercase().replace(['-', '.'], "_"))
}

/// The value of a variable that is set to something.
pub(crate) fn set(context: &BuildContext<'_>, variable: &str) -> Option<String> {
    let value = (context.setup.environment)(variable)?.trim().to_owned();
    (!value.is_empty()).then_some(value)
}
