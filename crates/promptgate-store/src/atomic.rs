//! Output files that appear whole or not at all.

use std::io::Write;
use std::path::{Path, PathBuf};

/// An output file could not be written; the command ends with exit code 110 where it would have ended with 0.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {file}: {cause}", file = file.display())]
pub struct NotWritten {
    /// The file.
    pub file: PathBuf,
    /// Why.
    #[source]
    pub cause: std::io::Error,
}

/// Writes a file beside its place and puts it there when it is whole. Missing folders are made.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), NotWritten> {
    write_with(path, |out| out.write_all(bytes))
}

/// As [`write()`], for what is streamed.
pub fn write_with(path: &Path, fill: impl FnOnce(&mut dyn Write) -> std::io::Result<()>) -> Result<(), NotWritten> {
    try_write(path, fill).map_err(|cause| NotWritten { file: path.to_owned(), cause })
}

/// Whether a file could be put there: the folder, or the one that the missing ones are made in, takes new files.
pub fn may_write(path: &Path) -> std::io::Result<()> {
    let folders =
        path.ancestors().skip(1).map(|folder| if folder.as_os_str().is_empty() { Path::new(".") } else { folder });
    let there = folders.into_iter().find(|folder| folder.exists()).unwrap_or(Path::new("."));
    tempfile::Builder::new().prefix(".promptgate-").tempfile_in(there).map(drop)
}

/// Where a path leads if links are followed, whether or not a file is there. For what a user names themselves: a link that
/// lies in a project may lead out of it.
pub fn followed(path: &Path) -> PathBuf {
    let mut path = path.to_owned();
    // As many as Linux follows; a circle is left to whoever opens it.
    for _ in 0..40 {
        let Ok(target) = std::fs::read_link(&path) else { break };
        path = path.parent().unwrap_or(Path::new("")).join(target);
    }
    path
}

fn try_write(path: &Path, fill: impl FnOnce(&mut dyn Write) -> std::io::Result<()>) -> std::io::Result<()> {
    // What is no regular file (`/dev/stdout`, a pipe) is written to, never replaced.
    if path.metadata().is_ok_and(|meta| !meta.is_file()) {
        let mut out = std::io::BufWriter::new(std::fs::OpenOptions::new().write(true).open(path)?);
        fill(&mut out)?;
        return out.flush();
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder)?;
    let file = tempfile::Builder::new().prefix(".promptgate-").permissions(readable()).tempfile_in(folder)?;
    let mut out = std::io::BufWriter::with_capacity(256 << 10, file);
    fill(&mut out)?;
    let file = out.into_inner().map_err(std::io::IntoInnerError::into_error)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

/// As any program writes a file: the umask takes away what the user does not want. Temporary files are private else.
fn readable() -> std::fs::Permissions {
    std::os::unix::fs::PermissionsExt::from_mode(0o666)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_cannot_be_filled_leaves_the_old_one_and_no_litter() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("deep/report.json");
        write(&path, b"old").unwrap();
        let failed = write_with(&path, |out| {
            out.write_all(b"ne")?;
            Err(std::io::ErrorKind::StorageFull.into())
        });
        assert!(failed.unwrap_err().to_string().contains("report.json"));
        assert_eq!(std::fs::read(&path).unwrap(), b"old");
        assert_eq!(std::fs::read_dir(path.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn links_are_followed_to_where_they_end() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        for (link, target) in [("one", "two"), ("two", "sub/three"), ("round", "round")] {
            std::os::unix::fs::symlink(target, at(link)).unwrap();
        }
        assert_eq!(followed(&at("one")), at("sub/three"));
        assert_eq!(followed(&at("plain")), at("plain"));
        assert_eq!(followed(&at("round")), at("round"));
    }

    #[test]
    fn a_device_is_written_to_and_not_replaced() {
        write(Path::new("/dev/null"), b"gone").unwrap();
        assert!(write(Path::new("/dev/full"), b"no room").is_err());
        assert!(write(Path::new("/proc/nowhere/report.json"), b"x").is_err());
    }
}
