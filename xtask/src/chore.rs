//! What a chore is, and the few things all of them do.

use std::path::PathBuf;
use std::process::Command;

/// One line of the list.
pub struct Chore {
    /// What stands behind `cargo xtask`.
    pub name: &'static str,
    /// One line for the list.
    pub summary: &'static str,
    /// Does it.
    pub run: fn(&[String]) -> Outcome,
}

/// How a chore ended.
pub enum Outcome {
    /// It is done.
    Done,
    /// It failed, and why.
    Failed(String),
}

impl From<Result<(), String>> for Outcome {
    fn from(result: Result<(), String>) -> Self {
        result.map_or_else(Self::Failed, |()| Self::Done)
    }
}

/// The root of the repository.
pub fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).parent().map(PathBuf::from).unwrap_or_default()
}

/// A command at the root of the repository.
pub fn command(program: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(root());
    command
}

/// Runs a command, its output on ours; an error names it.
pub fn pass(mut command: Command) -> Result<(), String> {
    let line = format!("{command:?}").replace('"', "");
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("`{line}` ended with {status}")),
        Err(error) => Err(format!("`{line}` could not be started: {error}")),
    }
}

/// Runs a command and returns what it printed.
pub fn output(mut command: Command) -> Result<String, String> {
    let line = format!("{command:?}").replace('"', "");
    let output = command.output().map_err(|error| format!("`{line}` could not be started: {error}"))?;
    if !output.status.success() {
        return Err(format!("`{line}` ended with {}: {}", output.status, String::from_utf8_lossy(&output.stderr)));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// The same chore in an optimised build of this program.
pub fn optimised(chore: &str, arguments: &[String]) -> Result<(), String> {
    pass(command("cargo", &["build", "--quiet", "--release", "--package", "xtask"]))?;
    let mut again = Command::new(release("xtask")?);
    again.arg(chore).args(arguments);
    pass(again)
}

/// Where an optimised program of ours is built.
pub fn release(program: &str) -> Result<PathBuf, String> {
    let metadata = cargo_metadata::MetadataCommand::new().current_dir(root()).no_deps().exec();
    let target = metadata.map_err(|error| error.to_string())?.target_directory;
    Ok(target.join("release").join(program).into_std_path_buf())
}
