//! Reads by position, which need neither a lock nor a second handle.

use std::fs::File;
use std::io;

/// Fills the buffer from an offset on.
pub(crate) fn exact(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<()> {
    let mut filled = 0;
    while filled < buffer.len() {
        match some(file, &mut buffer[filled..], offset + filled as u64)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            read => filled += read,
        }
    }
    Ok(())
}

/// The number of the line that begins at an offset, from 1.
pub(crate) fn line_number(file: &File, offset: u64) -> io::Result<u64> {
    let mut buffer = vec![0; 1 << 16];
    let (mut at, mut feeds) = (0, 0);
    while at < offset {
        let length = buffer.len().min((offset - at) as usize);
        exact(file, &mut buffer[..length], at)?;
        feeds += buffer[..length].iter().filter(|byte| **byte == b'\n').count() as u64;
        at += length as u64;
    }
    Ok(feeds + 1)
}

fn some(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    loop {
        match read_once(file, buffer, offset) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            read => return read,
        }
    }
}

#[cfg(unix)]
fn read_once(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buffer, offset)
}

#[cfg(windows)]
fn read_once(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, buffer, offset)
}
