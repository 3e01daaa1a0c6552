//! What a converted suite is made of, and how it gets to disk: all of it or nothing.

use std::path::Path;

use promptgate_core::answer::FinishReason;
use promptgate_core::format::recording::{self, RecordedLine};
use promptgate_core::name::{BadName, CaseId, PromptId};

use super::{DataError, bind};

/// Files of a suite, as text, by their path in its folder.
#[derive(Debug, Default)]
pub struct Files(Vec<(String, String)>);

impl Files {
    /// Adds a file.
    pub fn add(&mut self, path: impl Into<String>, text: String) {
        self.0.push((path.into(), text));
    }

    /// Adds a file of one JSON object a line.
    pub fn add_lines(&mut self, path: impl Into<String>, lines: impl IntoIterator<Item = String>) {
        let text = lines.into_iter().flat_map(|line| [line, "\n".to_owned()]).collect();
        self.add(path, text);
    }

    /// Writes them into the folder of the suite and binds its recordings; how many lines were bound.
    pub fn place(self, folder: &Path) -> Result<u64, DataError> {
        for (path, text) in self.0 {
            let path = folder.join(path);
            let parent = path.parent().unwrap_or(folder);
            std::fs::create_dir_all(parent).map_err(|cause| DataError::file(parent, cause))?;
            std::fs::write(&path, text).map_err(|cause| DataError::file(&path, cause))?;
        }
        bind::bind(folder)
    }
}

/// An answer that is not bound yet.
#[derive(Debug)]
pub struct Unbound<'a> {
    /// The case.
    pub case: &'a str,
    /// The prompt with its variant.
    pub prompt: &'a str,
    /// The model's whole id.
    pub model: &'a str,
    /// What it said.
    pub output: &'a str,
    /// Why it stopped.
    pub finish_reason: FinishReason,
}

impl Unbound<'_> {
    /// The recorded line, without a digest.
    pub fn line(self) -> Result<String, DataError> {
        let wrong = |error: BadName| DataError::content(self.case, error);
        Ok(recording::to_json_line(&RecordedLine {
            case: CaseId::new(self.case).map_err(wrong)?,
            prompt: Some(PromptId::new(self.prompt).map_err(wrong)?),
            assertion: None,
            model: Some(self.model.to_owned()),
            trial: None,
            request_digest: None,
            output: self.output.to_owned(),
            tool_calls: Vec::new(),
            steps: Vec::new(),
            finish_reason: Some(self.finish_reason),
            usage: None,
            latency_ms: None,
            first_token_ms: None,
            returned_model: None,
        }))
    }
}
