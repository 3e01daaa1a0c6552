//! Python programs in virtual environments of their own, for what others have written.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::chore::{command, pass, root};

/// A Python with what a list of requirements names, in a folder below `target`. What is installed is left as it is.
pub fn python(folder: &str, requirements: &str) -> Result<PathBuf, String> {
    let folder = root().join("target").join(folder);
    let (python, marker) = (folder.join("bin/python"), folder.join("installed.txt"));
    let wanted = root().join(requirements);
    let read = |path: &Path| fs::read_to_string(path).unwrap_or_default();
    if python.exists() && read(&marker) == read(&wanted) {
        return Ok(python);
    }
    let path = folder.to_string_lossy().into_owned();
    pass(command("python3", &["-m", "venv", &path]))?;
    let mut install = Command::new(&python);
    install.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"]).arg(&wanted);
    pass(install)?;
    fs::copy(&wanted, &marker).map_err(|error| error.to_string())?;
    Ok(python)
}
