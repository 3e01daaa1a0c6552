//! One file of a prompt as it was read, and the part of it that is template.

use std::ops::Range;

use super::syntax::{self, Mistake, Node};
use crate::diagnostic::{Diagnostic, Location};
use crate::prompt::SourceFile;

/// The longest file that is read as a prompt.
const MAX_FILE: usize = 2 << 20;

/// A file of a prompt.
#[derive(Debug, Clone)]
pub struct File {
    /// The path as messages show it.
    pub shown: String,
    /// The file as it is stored with a run.
    pub source: SourceFile,
}

impl File {
    /// The text.
    pub fn text(&self) -> &str {
        &self.source.text
    }

    /// A mistake at a byte offset.
    pub fn mistake(&self, offset: usize, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(message).at_offset(&self.shown, self.text(), offset)
    }

    /// What no file of a prompt may hold.
    pub fn check(&self) -> Result<(), Diagnostic> {
        if self.text().len() > MAX_FILE {
            let message = format!("the file is {} bytes long, and prompts may be {MAX_FILE}", self.text().len());
            return Err(self.mistake(0, message).help("pass long texts as variables"));
        }
        match self.text().find('\0') {
            Some(at) => Err(self.mistake(at, "the file holds a NUL character").help("remove it")),
            None => Ok(()),
        }
    }
}

/// A template in a file, parsed.
#[derive(Debug)]
pub struct Text {
    /// The file.
    pub file: File,
    /// The bytes of it that are template.
    pub range: Range<usize>,
    /// The template's tree; offsets count from the start of the range.
    pub nodes: Vec<Node>,
}

impl Text {
    /// Parses a range of a file.
    pub fn parse(file: File, range: Range<usize>) -> Result<Self, Diagnostic> {
        match syntax::parse(&file.text()[range.clone()]) {
            Ok(nodes) => Ok(Self { file, range, nodes }),
            Err(Mistake { at, diagnostic }) => Err(diagnostic.at_offset(&file.shown, file.text(), range.start + at)),
        }
    }

    /// The template's text.
    pub fn body(&self) -> &str {
        &self.file.text()[self.range.clone()]
    }

    /// A mistake at an offset of the template.
    pub fn mistake(&self, at: usize, message: impl Into<String>) -> Diagnostic {
        self.file.mistake(self.range.start + at, message)
    }

    /// The place of an offset of the template.
    pub fn place(&self, at: usize) -> Location {
        Location::of_offset(&self.file.shown, self.file.text(), self.range.start + at)
    }
}
