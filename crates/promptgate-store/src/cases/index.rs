//! Where cases stand, and whether their file is still the one that was indexed.

use std::borrow::Cow;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::{FileExt, MetadataExt};

use crate::positioned::read_line;

/// Where a case stands: 12 bytes, since there may be a million of them.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    /// Its line in the file the user wrote, from 1.
    pub line: u32,
    offset: [u32; 2],
}

impl Place {
    pub(super) fn new(line: u32, offset: u64) -> Self {
        Self { line, offset: [(offset >> 32) as u32, offset as u32] }
    }

    /// The byte at which its line of JSONL begins.
    pub(super) fn offset(self) -> u64 {
        u64::from(self.offset[0]) << 32 | u64::from(self.offset[1])
    }
}

/// A file of lines that must not change while it is in use, unless it is small enough to be held. A new file put in its
/// place does no harm: the handle stays with the old one.
#[derive(Debug)]
pub(super) struct Watched {
    file: File,
    /// What it looked like when it was opened; absent for a file that nobody else knows.
    stamp: Option<Stamp>,
    /// All of it, where it is small: a trial reads its case twice, and a read of the disk costs more than the case.
    held: Option<Vec<u8>>,
}

/// Files up to this size are held: what several thousand cases take, and little beside what a run needs anyway.
const HELD_BYTES: u64 = 4 << 20;

/// Size and time of the last change. Not the time of the last change of its entry: putting a new file in its place
/// changes that, and nothing the old one says.
type Stamp = (u64, [i64; 2]);

impl Watched {
    pub(super) fn of(file: File) -> io::Result<Self> {
        let stamp = Some(stamp(&file)?);
        Self { file, stamp, held: None }.hold()
    }

    pub(super) fn own(file: File) -> io::Result<Self> {
        Self { file, stamp: None, held: None }.hold()
    }

    fn hold(mut self) -> io::Result<Self> {
        let meta = self.file.metadata()?;
        // What tells no size may have one all the same, as files of the system do.
        if meta.is_file() && (1..=HELD_BYTES).contains(&meta.len()) {
            let mut all = Vec::with_capacity(meta.len() as usize);
            self.on_disk().take(meta.len()).read_to_end(&mut all)?;
            self.check()?;
            self.held = Some(all);
        }
        Ok(self)
    }

    /// Reads from the first byte on.
    pub(super) fn reader(&self) -> Box<dyn Read + '_> {
        match &self.held {
            Some(all) => Box::new(&all[..]),
            None => Box::new(self.on_disk()),
        }
    }

    fn on_disk(&self) -> Reader<'_> {
        Reader { file: &self.file, at: 0 }
    }

    /// The line that begins at an offset, without its end.
    pub(super) fn line(&self, offset: u64) -> io::Result<Cow<'_, [u8]>> {
        let mut line = match &self.held {
            Some(all) => Cow::Borrowed(first_line(all, offset)),
            None => {
                let line = read_line(&self.file, offset)?;
                // Looked at afterwards, so that a change before the read is seen.
                self.check()?;
                Cow::Owned(line)
            }
        };
        match &mut line {
            Cow::Borrowed(line) => *line = line.strip_suffix(b"\r").unwrap_or(line),
            Cow::Owned(line) => drop(line.pop_if(|end| *end == b'\r')),
        }
        Ok(line)
    }

    fn check(&self) -> io::Result<()> {
        match self.stamp {
            Some(before) if stamp(&self.file)? != before => Err(changed()),
            _ => Ok(()),
        }
    }
}

/// The line that begins at an offset, without its line feed.
fn first_line(all: &[u8], offset: u64) -> &[u8] {
    let rest = usize::try_from(offset).ok().and_then(|offset| all.get(offset..)).unwrap_or_default();
    memchr::memchr(b'\n', rest).map_or(rest, |end| &rest[..end])
}

pub(super) fn changed() -> io::Error {
    io::Error::other("the file was changed while it was in use; run again")
}

fn stamp(file: &File) -> io::Result<Stamp> {
    let meta = file.metadata()?;
    Ok((meta.len(), [meta.mtime(), meta.mtime_nsec()]))
}

/// Reads without a shared position: clones of a handle have one, and threads read lines meanwhile.
struct Reader<'a> {
    file: &'a File,
    at: u64,
}

impl Read for Reader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(buffer, self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}
