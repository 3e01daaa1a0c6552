//! A text under examination: where its offsets stand, and the mistakes found in it so far. Parsers go on after a mistake,
//! so that a user sees all of them at once.

use std::cell::RefCell;

use crate::diagnostic::{Diagnostic, Diagnostics, Location};

/// Lines longer than this are not repeated under a message.
const LONGEST_EXCERPT: usize = 400;

/// More mistakes than this help nobody.
const MOST_MISTAKES: usize = 50;

/// A text with its name, and what is wrong with it.
pub(crate) struct Source<'t> {
    pub file: &'t str,
    pub text: &'t str,
    first_line: u32,
    /// Whether messages may repeat lines of the text.
    excerpts: bool,
    /// The offset at which each line begins.
    starts: Vec<usize>,
    mistakes: RefCell<Vec<(usize, Diagnostic)>>,
}

impl<'t> Source<'t> {
    /// A whole document.
    pub fn new(file: &'t str, text: &'t str) -> Self {
        let starts = std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { file, text, first_line: 1, excerpts: true, starts, mistakes: RefCell::default() }
    }

    /// Never repeats a line under a message: the text may hold a secret that stands where none should.
    pub fn without_excerpts(self) -> Self {
        Self { excerpts: false, ..self }
    }

    /// One line of a document.
    pub fn of_line(file: &'t str, text: &'t str, line: u32) -> Self {
        Self { file, text, first_line: line, excerpts: true, starts: vec![0], mistakes: RefCell::default() }
    }

    /// Where an offset stands.
    pub fn location(&self, at: usize) -> Location {
        let (line, start) = self.line_of(at);
        let head = self.text.get(start..self.floor(at)).unwrap_or_default();
        Location {
            file: self.file.to_owned(),
            line: self.first_line.saturating_add(line as u32),
            column: 1 + head.chars().count() as u32,
        }
    }

    fn line_of(&self, at: usize) -> (usize, usize) {
        let line = self.starts.partition_point(|start| *start <= at).saturating_sub(1);
        (line, self.starts[line])
    }

    fn floor(&self, at: usize) -> usize {
        let mut at = at.min(self.text.len());
        while !self.text.is_char_boundary(at) {
            at -= 1;
        }
        at
    }

    /// A mistake at an offset, with what to do about it.
    pub fn diagnostic(&self, at: usize, message: impl Into<String>, help: impl Into<String>) -> Diagnostic {
        let diagnostic = Diagnostic::new(message).at(self.location(at)).help(help);
        let (line, start) = self.line_of(at);
        let end = self.starts.get(line + 1).map_or(self.text.len(), |next| next - 1);
        match self.text.get(start..end) {
            Some(excerpt) if self.excerpts && excerpt.len() <= LONGEST_EXCERPT => {
                diagnostic.excerpt(excerpt.trim_end_matches('\r'))
            }
            _ => diagnostic,
        }
    }

    /// Notes a mistake and goes on.
    pub fn mistake(&self, at: usize, message: impl Into<String>, help: impl Into<String>) {
        self.push(at, self.diagnostic(at, message, help));
    }

    /// Notes a mistake that is worded already.
    pub fn push(&self, at: usize, diagnostic: Diagnostic) {
        self.mistakes.borrow_mut().push((at, diagnostic));
    }

    /// The first mistake in the text, where it stands and what it is.
    pub fn first_mistake(&self) -> Option<(usize, String)> {
        let mistakes = self.mistakes.borrow();
        mistakes.iter().min_by_key(|(at, _)| *at).map(|(at, diagnostic)| (*at, diagnostic.message.clone()))
    }

    /// The value, unless something is wrong; the mistakes in the order they stand in the text.
    pub fn finish<T>(self, value: Option<T>) -> Result<T, Diagnostics> {
        let mut mistakes = self.mistakes.into_inner();
        mistakes.sort_by_key(|(at, _)| *at);
        mistakes.truncate(MOST_MISTAKES);
        let mistakes: Vec<Diagnostic> = mistakes.into_iter().map(|(_, diagnostic)| diagnostic).collect();
        match value {
            Some(value) if mistakes.is_empty() => Ok(value),
            _ => Err(Diagnostics(mistakes)),
        }
    }
}
