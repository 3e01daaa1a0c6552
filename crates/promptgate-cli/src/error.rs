//! How a command can end before it has a report: what to say, and the exit code.

use promptgate_core::diagnostic::{Diagnostic, Diagnostics};
use promptgate_core::exit::ExitCode;
use promptgate_core::port::{PortError, PortErrorKind, TreeError};

use promptgate_runner::PrepareError;
use promptgate_scoring::fold::FoldError;
use promptgate_store::run::RunError;
use promptgate_store::{CalibrationError, ProjectError};

use crate::diagnose;

/// An end without a report.
#[derive(Debug)]
pub struct Failure {
    /// The exit code.
    pub code: ExitCode,
    /// What is printed on stderr, escaped already.
    pub message: String,
}

impl Failure {
    /// A one-line message.
    pub fn new(code: ExitCode, message: impl AsRef<str>) -> Self {
        let lines = message.as_ref().lines().map(|line| promptgate_report::escape::terminal_line(line).into_owned());
        Self { code, message: format!("error: {}", lines.collect::<Vec<_>>().join("\n  ")) }
    }

    /// Bad usage or input: nothing ran.
    pub fn usage(message: impl AsRef<str>) -> Self {
        Self::new(ExitCode::Usage, message)
    }

    /// Adds a line that says what to do.
    #[must_use]
    pub fn help(mut self, help: impl AsRef<str>) -> Self {
        self.message.push_str(&format!("\n  help: {}", promptgate_report::escape::terminal_line(help.as_ref())));
        self
    }
}

impl From<Diagnostics> for Failure {
    fn from(diagnostics: Diagnostics) -> Self {
        Self { code: ExitCode::Usage, message: diagnose::draw(&diagnostics) }
    }
}

impl From<Diagnostic> for Failure {
    fn from(diagnostic: Diagnostic) -> Self {
        Diagnostics::from(diagnostic).into()
    }
}

impl From<TreeError> for Failure {
    fn from(error: TreeError) -> Self {
        Self::usage(error.to_string())
    }
}

impl From<PortError> for Failure {
    fn from(error: PortError) -> Self {
        let code = match error.kind {
            PortErrorKind::NoRoom => ExitCode::Incomplete,
            PortErrorKind::Corrupt | PortErrorKind::Newer => ExitCode::Usage,
            PortErrorKind::Other => ExitCode::Bug,
        };
        Self::new(code, error.to_string())
    }
}

impl From<PrepareError> for Failure {
    fn from(error: PrepareError) -> Self {
        match error {
            PrepareError::Wrong(diagnostics) => diagnostics.into(),
            other => Self::new(other.exit_code(), other.to_string()),
        }
    }
}

impl From<RunError> for Failure {
    fn from(error: RunError) -> Self {
        match error {
            RunError::Io { action, cause } => PortError::io(action, cause).into(),
            other => Self::usage(other.to_string()),
        }
    }
}

impl From<CalibrationError> for Failure {
    fn from(error: CalibrationError) -> Self {
        match error {
            CalibrationError::Wrong(diagnostic) => diagnostic.into(),
            other => Self::usage(other.to_string()),
        }
    }
}

impl From<FoldError> for Failure {
    fn from(error: FoldError) -> Self {
        match error {
            FoldError::Record(error) => error.into(),
            FoldError::Contradiction(_) => Self::new(ExitCode::Bug, error.to_string()),
        }
    }
}

impl From<ProjectError> for Failure {
    fn from(error: ProjectError) -> Self {
        match error {
            ProjectError::Settings(diagnostics) => diagnostics.into(),
            other => Self::usage(other.to_string()),
        }
    }
}
