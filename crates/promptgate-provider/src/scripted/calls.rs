//! The calls log: one JSON line per call that was started, so that a test counts calls exactly, whatever was killed since.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::Path;

use promptgate_core::Diagnostic;
use promptgate_core::answer::{Failure, FailureKind};
use promptgate_core::port::TreePath;
use promptgate_core::request::{Origin, Request};
use serde_json::json;

/// An append-only file below the project's root.
pub(crate) struct CallsLog(File);

impl CallsLog {
    /// Opens it for appending. Paths that leave the project and links are refused.
    pub(crate) fn open(root: &Path, path: &str) -> Result<Self, Diagnostic> {
        let inside = TreePath::new(path).map_err(|error| Diagnostic::new(format!("`calls_log`: {error}")))?;
        let file = root.join(inside.as_str());
        if file.is_symlink() {
            return Err(Diagnostic::new(format!("`calls_log`: `{path}` is a link")).help("name a plain file"));
        }
        let opened = OpenOptions::new().create(true).append(true).open(&file);
        opened.map(Self).map_err(|error| Diagnostic::new(format!("cannot open the calls log `{path}`: {error}")))
    }

    /// Adds one call with its token: request, repeat, and which call of the two it is. One write, so lines never mix.
    pub(crate) fn write(&self, request: &Request, attempt: u32) -> Result<(), Failure> {
        let prompt = match &request.origin {
            Origin::Trial { prompt, .. } => Some(prompt.to_string()),
            Origin::Ask { .. } => None,
        };
        let line = json!({
            "token": format!("{}:{}:{attempt}", request.digest.hex(), request.repeat),
            "request": request.digest,
            "repeat": request.repeat,
            "attempt": attempt,
            "case": request.origin.case(),
            "prompt": prompt,
            "model": request.body.model,
        });
        let mut file = &self.0;
        file.write_all(format!("{line}\n").as_bytes())
            .map_err(|error| Failure::new(FailureKind::BadRequest, format!("cannot write the calls log: {error}")))
    }
}
