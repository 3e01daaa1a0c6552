//! The files that stand beside a prompt: its partials, named schemas and tools, from a folder of a tree or from a stored
//! run's header.

use super::text::File;
use crate::diagnostic::{Diagnostic, Location};
use crate::port::{Tree, TreePath};
use crate::prompt::SourceFile;

type Read<'a> = dyn Fn(&str) -> Result<File, Diagnostic> + 'a;

/// Files by name.
pub struct Shelf<'a> {
    names: Vec<String>,
    read: Box<Read<'a>>,
}

impl<'a> Shelf<'a> {
    /// The files of a folder.
    pub fn of_folder(tree: &'a dyn Tree, folder: &TreePath) -> Result<Self, Diagnostic> {
        let listed = tree.list(folder).map_err(|error| Diagnostic::new(error.to_string()).help("check the folder"))?;
        let names = listed.iter().map(|path| path.file_name().to_owned()).collect();
        let folder = folder.clone();
        let read = move |name: &str| {
            let unreadable = |error: &dyn std::fmt::Display| {
                let shown = if folder.as_str().is_empty() { name.to_owned() } else { format!("{folder}/{name}") };
                Diagnostic::new(error.to_string())
                    .at(Location::of_line(&shown, 1))
                    .help("a prompt is a UTF-8 text file")
            };
            let path = folder.join(name).map_err(|error| unreadable(&error))?;
            let text = tree.read_text(&path).map_err(|error| unreadable(&error))?;
            let parent = folder.file_name();
            let stored = if parent.is_empty() { name.to_owned() } else { format!("{parent}/{name}") };
            Ok(File { shown: path.as_str().to_owned(), source: SourceFile { path: stored, text } })
        };
        Ok(Self { names, read: Box::new(read) })
    }

    /// Stored files.
    pub fn of_sources(files: &'a [SourceFile]) -> Self {
        let name_of = |file: &SourceFile| file.path.rsplit('/').next().unwrap_or(&file.path).to_owned();
        let read = move |name: &str| match files.iter().find(|file| name_of(file) == name) {
            Some(file) => Ok(File { shown: file.path.clone(), source: file.clone() }),
            None => Err(Diagnostic::new(format!("there is no file `{name}`"))),
        };
        Self { names: files.iter().map(name_of).collect(), read: Box::new(read) }
    }

    /// The file of that name, where there is one.
    pub fn read(&self, name: &str) -> Result<Option<File>, Diagnostic> {
        if !self.names.iter().any(|known| known == name) {
            return Ok(None);
        }
        let file = (self.read)(name)?;
        file.check()?;
        Ok(Some(file))
    }

    /// All names.
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// What stands before a suffix, of the names that have it.
    pub fn names_with(&self, suffix: &str) -> Vec<String> {
        self.names.iter().filter_map(|name| name.strip_suffix(suffix)).map(str::to_owned).collect()
    }

    /// The partials, without the `_` and the suffix.
    pub fn partials(&self) -> Vec<String> {
        self.names_with(".prompt").iter().filter_map(|name| name.strip_prefix('_')).map(str::to_owned).collect()
    }
}
