//! The digests of published files, in the form `sha256sum` writes.

/// The files of a prepared data folder, relative to it.
pub const PREPARED: &str = include_str!("prepared.sha256");

/// The public files: `<owner>/<repository>/<commit>/<path>`.
pub const PUBLIC: &str = include_str!("public.sha256");

/// The digest of a path in a list.
pub fn of<'a>(list: &'a str, path: &str) -> Option<&'a str> {
    entries(list).find(|(_, listed)| *listed == path).map(|(digest, _)| digest)
}

/// All paths of a list.
#[cfg(test)]
pub fn paths(list: &str) -> impl Iterator<Item = &str> {
    entries(list).map(|(_, path)| path)
}

fn entries(list: &str) -> impl Iterator<Item = (&str, &str)> {
    list.lines().filter_map(|line| line.split_once("  "))
}
