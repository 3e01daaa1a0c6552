//! How much room a disk has.

use std::path::Path;

/// Bytes that are free for us on the disk of a folder.
///
/// # Errors
///
/// A folder that cannot be looked at.
pub fn disk_room(folder: &Path) -> std::io::Result<u64> {
    let disk = rustix::fs::statvfs(folder)?;
    Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
}
