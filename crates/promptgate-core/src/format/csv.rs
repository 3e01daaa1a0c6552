//! CSV by RFC 4180. The reader is our own and strict: a quote that is never closed would otherwise swallow the rows behind
//! it unseen.

use std::io::BufRead;

use super::lines::{LONGEST_LINE, Lines};
use crate::diagnostic::{Diagnostic, Location};

/// Reads rows by RFC 4180: commas, cells in double quotes where they must be, a doubled quote for one.
#[derive(Debug)]
pub struct Rows<R> {
    lines: Lines<R>,
    file: String,
    /// The cells of the last row.
    pub(crate) cells: Vec<Cell>,
    /// A quote was opened and the text ended.
    pub(crate) open: bool,
}

/// A cell and where it begins.
#[derive(Debug, Default, Clone, PartialEq)]
pub(crate) struct Cell {
    pub(crate) text: String,
    pub(crate) line: u32,
    pub(crate) column: u32,
}

impl<R> Rows<R> {
    /// The cells of the last row, as text.
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.cells.iter().map(|cell| cell.text.as_str())
    }

    pub(crate) fn mistake(&self, cell: &Cell, message: impl Into<String>, help: impl Into<String>) -> Diagnostic {
        let at = Location { file: self.file.clone(), line: cell.line.max(1), column: cell.column.max(1) };
        Diagnostic::new(message).at(at).help(help)
    }
}

impl<R: BufRead> Rows<R> {
    /// Reads `reader`, which messages call `file`.
    pub fn new(reader: R, file: impl Into<String>) -> Self {
        let file = file.into();
        Self { lines: Lines::new(reader, file.clone()), file, cells: Vec::new(), open: false }
    }

    /// Reads the next row that is not blank; false at the end. Behind a quote that is never closed nothing can be trusted.
    pub fn next_row(&mut self) -> Result<bool, Diagnostic> {
        self.cells.clear();
        let mut quoted = false;
        let mut size = 0;
        while let Some(line) = self.lines.next_raw() {
            let line = line?;
            let text = std::str::from_utf8(line.bytes).map_err(|_| {
                let at = Location::of_line(&self.file, line.number);
                Diagnostic::new("this is not UTF-8").at(at).help("save the file as UTF-8")
            })?;
            if !quoted && text.trim().is_empty() {
                continue;
            }
            size += text.len();
            let mut row =
                Row { file: &self.file, cells: &mut self.cells, line: line.number, text, at: 0, column: 1, counted: 0 };
            quoted = row.read(quoted)?;
            if !quoted {
                return Ok(true);
            }
            if size > LONGEST_LINE {
                break;
            }
        }
        self.open = quoted;
        match self.cells.last().filter(|_| quoted).cloned() {
            Some(cell) => {
                Err(self.mistake(&cell, "this quote is never closed", "close it, or double it to mean a quote"))
            }
            None => Ok(false),
        }
    }
}

/// One line of a row under examination.
struct Row<'a> {
    file: &'a str,
    cells: &'a mut Vec<Cell>,
    line: u32,
    text: &'a str,
    at: usize,
    /// The column of the byte up to which characters are counted.
    column: u32,
    counted: usize,
}

impl Row<'_> {
    /// Reads the line; `quoted` says whether it begins inside quotes. Whether it ends inside them.
    fn read(&mut self, mut quoted: bool) -> Result<bool, Diagnostic> {
        loop {
            if !quoted {
                self.begin_cell();
                quoted = self.text[self.at..].starts_with('"');
                self.at += usize::from(quoted);
            }
            if quoted && !self.quoted_part() {
                return Ok(true);
            }
            if quoted {
                self.after_quote()?;
            } else {
                self.bare_cell()?;
            }
            quoted = false;
            if self.at >= self.text.len() {
                return Ok(false);
            }
            self.at += 1;
        }
    }

    fn begin_cell(&mut self) {
        let column = self.column();
        self.cells.push(Cell { text: String::new(), line: self.line, column });
    }

    /// The column of the cursor, from 1. Only what is new is counted: a line may hold many cells.
    fn column(&mut self) -> u32 {
        self.column += self.text[self.counted..self.at].chars().count() as u32;
        self.counted = self.at;
        self.column
    }

    fn push(&mut self, text: &str) {
        if let Some(cell) = self.cells.last_mut() {
            cell.text.push_str(text);
        }
    }

    /// Takes what stands before the closing quote; false when the line ends first.
    fn quoted_part(&mut self) -> bool {
        loop {
            let rest = &self.text[self.at..];
            let Some(quote) = rest.find('"') else {
                let whole = format!("{rest}\n");
                self.push(&whole);
                return false;
            };
            let inside = rest[..quote].to_owned();
            self.push(&inside);
            self.at += quote + 1;
            if !self.text[self.at..].starts_with('"') {
                return true;
            }
            self.push("\"");
            self.at += 1;
        }
    }

    fn after_quote(&mut self) -> Result<(), Diagnostic> {
        match self.text[self.at..].chars().next() {
            None | Some(',') => Ok(()),
            Some('\r') if self.at + 1 == self.text.len() => {
                self.at += 1;
                Ok(())
            }
            Some(_) => Err(self.mistake("something stands behind a closing quote")),
        }
    }

    fn bare_cell(&mut self) -> Result<(), Diagnostic> {
        let rest = &self.text[self.at..];
        let end = rest.find(',').unwrap_or(rest.len());
        if let Some(quote) = rest[..end].find('"') {
            self.at += quote;
            return Err(self.mistake("a quote stands inside a cell without quotes"));
        }
        let cell = rest[..end].trim_end_matches('\r').to_owned();
        self.push(&cell);
        self.at += end;
        Ok(())
    }

    fn mistake(&mut self, message: &str) -> Diagnostic {
        let column = self.column();
        let at = Location { file: self.file.to_owned(), line: self.line, column };
        Diagnostic::new(message).at(at).help("put the whole cell in double quotes, and double each quote inside it")
    }
}
