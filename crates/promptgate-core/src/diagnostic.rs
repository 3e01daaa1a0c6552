//! Errors about something a user wrote: what, where (file, line, column), why, and what to do.

use std::fmt;

/// A place in a text; line and column count from 1, columns in Unicode scalar values.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Location {
    /// The file as the user would name it.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
    /// Column, from 1.
    pub column: u32,
}

impl Location {
    /// The place of a byte offset in a text. An offset past the end is the end.
    pub fn of_offset(file: &str, text: &str, offset: usize) -> Self {
        let mut end = offset.min(text.len());
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let head = &text[..end];
        let line_start = head.rfind('\n').map_or(0, |at| at + 1);
        Self {
            file: file.to_owned(),
            line: 1 + head.bytes().filter(|byte| *byte == b'\n').count() as u32,
            column: 1 + head[line_start..].chars().count() as u32,
        }
    }

    /// The first character of a line.
    pub fn of_line(file: &str, line: u32) -> Self {
        Self { file: file.to_owned(), line, column: 1 }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file, self.line, self.column)
    }
}

/// One mistake in something a user wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// What is wrong and why, a lower-case fragment.
    pub message: String,
    /// Where it is; absent only where there is no text to point into.
    pub at: Option<Location>,
    /// The offending line as written, to be shown under the location.
    pub excerpt: Option<String>,
    /// What to do about it.
    pub help: Option<String>,
}

impl Diagnostic {
    /// A mistake without a place yet.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), at: None, excerpt: None, help: None }
    }

    /// Puts the mistake at a byte offset of a text and keeps that line as the excerpt.
    #[must_use]
    pub fn at_offset(mut self, file: &str, text: &str, offset: usize) -> Self {
        let location = Location::of_offset(file, text, offset);
        self.excerpt = text.lines().nth(location.line as usize - 1).map(str::to_owned);
        self.at = Some(location);
        self
    }

    /// Puts the mistake at a known place.
    #[must_use]
    pub fn at(mut self, location: Location) -> Self {
        self.at = Some(location);
        self
    }

    /// Keeps the offending line.
    #[must_use]
    pub fn excerpt(mut self, line: impl Into<String>) -> Self {
        self.excerpt = Some(line.into());
        self
    }

    /// Says what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl fmt::Display for Diagnostic {
    /// `file:line:column: message; help`, on one line. The command line draws the long form.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(at) = &self.at {
            write!(f, "{at}: ")?;
        }
        f.write_str(&self.message)?;
        if let Some(help) = &self.help {
            write!(f, "; {help}")?;
        }
        Ok(())
    }
}

/// One or more mistakes, in the order they stand in the text.
#[derive(Debug, Clone, Default, PartialEq, Eq, thiserror::Error)]
pub struct Diagnostics(pub Vec<Diagnostic>);

impl Diagnostics {
    /// `Ok(value)` when nothing was found.
    pub fn into_result<T>(self, value: T) -> Result<T, Self> {
        if self.0.is_empty() { Ok(value) } else { Err(self) }
    }

    /// Adds one mistake.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        self.0.push(diagnostic);
    }

    /// Adds the mistakes of another list.
    pub fn extend(&mut self, other: Self) {
        self.0.extend(other.0);
    }
}

impl From<Diagnostic> for Diagnostics {
    fn from(diagnostic: Diagnostic) -> Self {
        Self(vec![diagnostic])
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, diagnostic) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{diagnostic}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_count_characters_not_bytes() {
        let text = "a = 1\nä = \"ü\" x\n";
        let offset = text.find('x').unwrap();
        assert_eq!(Location::of_offset("f", text, offset), Location { file: "f".into(), line: 2, column: 9 });
    }

    #[test]
    fn an_offset_past_the_end_is_the_end() {
        assert_eq!(Location::of_offset("f", "ab", 99).column, 3);
    }
}
