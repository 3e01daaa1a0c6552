//! Lines of a file by their offset, read without moving a shared position, so that threads may read one file at once.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

/// The longest line that is read; a longer one can only be damage.
pub(crate) const LONGEST_LINE: usize = 256 << 20;

/// The line that begins at an offset, without its line feed.
pub(crate) fn read_line(file: &File, offset: u64) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    read_line_into(file, offset, &mut text)?;
    Ok(text)
}

/// The same in the place of what the text was.
pub(crate) fn read_line_into(file: &File, offset: u64, text: &mut Vec<u8>) -> io::Result<()> {
    const STEP: usize = 2 << 10;
    text.clear();
    while text.len() < LONGEST_LINE {
        let start = text.len();
        text.resize(start + STEP.max(start), 0);
        let read = read_some(file, &mut text[start..], offset + start as u64)?;
        text.truncate(start + read);
        if let Some(end) = memchr::memchr(b'\n', &text[start..]) {
            text.truncate(start + end);
            return Ok(());
        }
        if read == 0 {
            return Ok(());
        }
    }
    Ok(())
}

fn read_some(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    loop {
        match file.read_at(buffer, offset) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            read => return read,
        }
    }
}

/// An unnamed temporary file, which goes with its handle.
pub(crate) fn spool() -> io::Result<File> {
    tempfile::tempfile()
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_line_of_any_length_is_read_whole() {
        let mut file = spool().unwrap();
        let long = "x".repeat(100_000);
        for length in [0, 1, 2_047, 2_048, 2_049, 4_096, 100_000] {
            writeln!(file, "{}", &long[..length]).unwrap();
        }
        write!(file, "no end").unwrap();
        let mut offset = 0;
        for length in [0, 1, 2_047, 2_048, 2_049, 4_096, 100_000] {
            assert_eq!(read_line(&file, offset).unwrap().len(), length);
            offset += length as u64 + 1;
        }
        assert_eq!(read_line(&file, offset).unwrap(), b"no end");
        assert_eq!(read_line(&file, offset + 100).unwrap(), b"");
    }
}
