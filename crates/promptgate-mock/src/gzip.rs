//! Compressed bodies that nobody asked for.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

/// So many megabytes of blanks, in about a thousandth of that.
pub(crate) fn bomb(megabytes: usize) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    let block = vec![b' '; 1 << 20];
    // Writing to memory does not fail.
    (0..megabytes).for_each(|_| drop(encoder.write_all(&block)));
    encoder.finish().unwrap_or_default()
}
