//! The lines of a text that may be larger than memory: with their numbers and offsets, blank ones left out, none longer
//! than a cap.

use std::io::{self, BufRead, Read};

use super::source::Source;
use crate::diagnostic::{Diagnostic, Location};

/// The longest line that is read: 64 MiB.
pub const LONGEST_LINE: usize = 64 << 20;

/// One line that is not blank.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line<'a> {
    /// The bytes, without the line's end.
    pub bytes: &'a [u8],
    /// The number, from 1.
    pub number: u32,
    /// Where its first byte stands in the whole text.
    pub offset: u64,
}

/// Reads lines one at a time into one buffer.
#[derive(Debug)]
pub struct Lines<R> {
    reader: R,
    file: String,
    longest: usize,
    buffer: Vec<u8>,
    number: u32,
    offset: u64,
    next_offset: u64,
    broken: bool,
}

impl<R: BufRead> Lines<R> {
    /// Reads `reader`, which messages call `file`.
    pub fn new(reader: R, file: impl Into<String>) -> Self {
        Self {
            reader,
            file: file.into(),
            longest: LONGEST_LINE,
            buffer: Vec::new(),
            number: 0,
            offset: 0,
            next_offset: 0,
            broken: false,
        }
    }

    /// With another cap than [`LONGEST_LINE`].
    #[must_use]
    pub fn with_longest(mut self, bytes: usize) -> Self {
        self.longest = bytes;
        self
    }

    /// What messages call the text.
    pub fn file(&self) -> &str {
        &self.file
    }

    /// The next line that is not blank. A line that is too long is an error and skipped; after a read error there is
    /// nothing more.
    pub fn next_line(&mut self) -> Option<Result<Line<'_>, Diagnostic>> {
        while !self.broken {
            match self.fill() {
                Ok(None) => return None,
                Ok(Some(too_long)) if too_long => return Some(Err(self.too_long())),
                Ok(Some(_)) if self.buffer.trim_ascii().is_empty() => {}
                Ok(Some(_)) => {
                    let bytes = self.buffer.strip_suffix(b"\r").unwrap_or(&self.buffer);
                    return Some(Ok(Line { bytes, number: self.number, offset: self.offset }));
                }
                Err(error) => return Some(Err(self.unreadable(&error))),
            }
        }
        None
    }

    /// The next line, blank or not, a `\r` at its end included.
    pub(crate) fn next_raw(&mut self) -> Option<Result<Line<'_>, Diagnostic>> {
        if self.broken {
            return None;
        }
        Some(match self.fill() {
            Ok(None) => return None,
            Ok(Some(true)) => Err(self.too_long()),
            Ok(Some(false)) => Ok(Line { bytes: &self.buffer, number: self.number, offset: self.offset }),
            Err(error) => Err(self.unreadable(&error)),
        })
    }

    #[cold]
    fn unreadable(&mut self, error: &io::Error) -> Diagnostic {
        self.broken = true;
        let at = Location::of_line(&self.file, self.number.saturating_add(1));
        Diagnostic::new(format!("cannot read on: {error}"))
            .at(at)
            .help("see whether the file can be read, then run again")
    }

    /// Reads one line into the buffer. `None` at the end; whether the line was too long.
    fn fill(&mut self) -> io::Result<Option<bool>> {
        self.buffer.clear();
        self.offset = self.next_offset;
        let most = self.longest as u64 + 1;
        let read = (&mut self.reader).take(most).read_until(b'\n', &mut self.buffer)?;
        if read == 0 {
            return Ok(None);
        }
        let is_whole = self.buffer.pop_if(|byte| *byte == b'\n').is_some();
        let too_long = !is_whole && read as u64 == most;
        let skipped = if too_long { self.reader.skip_until(b'\n')? } else { 0 };
        self.next_offset += (read + skipped) as u64;
        self.begin();
        Ok(Some(too_long))
    }

    fn begin(&mut self) {
        self.number = self.number.saturating_add(1);
        if self.offset == 0 && self.buffer.starts_with(b"\xef\xbb\xbf") {
            self.buffer.drain(..3);
            self.offset = 3;
        }
    }

    #[cold]
    fn too_long(&mut self) -> Diagnostic {
        // What was gathered of a line that is refused is not worth keeping.
        self.buffer = Vec::new();
        let message = format!("this line is longer than {} MiB", self.longest >> 20);
        Source::of_line(&self.file, "", self.number).diagnostic(0, message, "put large content into files of their own")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &[u8], expected: &[(&str, u32, u64)]) {
        let mut lines = Lines::new(io::BufReader::with_capacity(3, text), "f").with_longest(8);
        let mut found = Vec::new();
        while let Some(line) = lines.next_line() {
            found.push(match line {
                Ok(line) => (String::from_utf8(line.bytes.to_vec()).unwrap(), line.number, line.offset),
                Err(error) => (error.to_string(), 0, 0),
            });
        }
        let found: Vec<_> = found.iter().map(|(text, number, offset)| (text.as_str(), *number, *offset)).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn lines_carry_their_number_and_offset_and_blank_ones_are_left_out() {
        check(b"", &[]);
        check(b"a", &[("a", 1, 0)]);
        check(b"a\r\n\n  \nbcd\n", &[("a", 1, 0), ("bcd", 4, 7)]);
        check(b"\xef\xbb\xbfa\nb", &[("a", 1, 3), ("b", 2, 5)]);
    }

    #[test]
    fn a_line_that_is_too_long_is_an_error_and_the_next_one_is_read() {
        let error = "f:1:1: this line is longer than 0 MiB; put large content into files of their own";
        check(b"123456789\nnext\n", &[(error, 0, 0), ("next", 2, 10)]);
    }
}
