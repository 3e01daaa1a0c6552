//! The project around a folder: its root, and its settings over the user's.

use std::path::{Path, PathBuf};

use promptgate_core::format::project::{self, ProviderSettings, Settings};
use promptgate_core::port::{Tree, TreeError, TreePath};
use promptgate_core::{Diagnostic, Diagnostics};

use crate::calibrations::CalibrationFolder;
use crate::run::RunFolder;
use crate::tree::{DiskTree, GitTree};

/// The name of a project's file.
pub const PROJECT_FILE: &str = "promptgate.toml";

/// A project.
#[derive(Debug, Clone)]
pub struct Project {
    root: PathBuf,
    settings: Settings,
    allows_programs: bool,
}

/// Why a project cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum ProjectError {
    /// The folder cannot be entered.
    #[error("cannot enter {folder}: {cause}", folder = folder.display())]
    Folder {
        /// The folder.
        folder: PathBuf,
        /// Why.
        #[source]
        cause: std::io::Error,
    },
    /// A file is there, but it cannot be read.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// A file is not valid.
    #[error(transparent)]
    Settings(#[from] Diagnostics),
}

impl Project {
    /// The project around a folder. Its root is the nearest folder upwards with a `promptgate.toml`, else the nearest one
    /// with a git repository, else the folder itself. `env` gives the variables of the environment.
    pub fn find(folder: &Path, env: &dyn Fn(&str) -> Option<String>) -> Result<Self, ProjectError> {
        let entered = |cause| ProjectError::Folder { folder: folder.to_owned(), cause };
        let start = folder.canonicalize().map_err(entered)?;
        let upwards = |name: &str| start.ancestors().find(|folder| folder.join(name).exists());
        let root = upwards(PROJECT_FILE).or_else(|| upwards(".git")).unwrap_or(&start).to_owned();
        let own = read(&root, PROJECT_FILE, PROJECT_FILE)?;
        let users = match user_folder(env) {
            Some(folder) => read(&folder, "config.toml", &folder.join("config.toml").display().to_string())?,
            None => None,
        };
        let (own, users) = (own.unwrap_or_default(), users.unwrap_or_default());
        keys_inside(&own)?;
        // A project's file travels with the project: it may forbid programs, it cannot allow them by itself. In CI, where
        // there is no user, the file as the main branch has it speaks for those who may change that branch.
        let allowed = users.allow_exec == Some(true) || env("CI").is_some() && allowed_on_main(&root);
        let allows_programs = allowed && own.allow_exec != Some(false);
        Ok(Self { root, settings: own.over(users), allows_programs })
    }

    /// Its folder, without links.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// What its file says, over what the user's says.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Whether programs that its files name may be run: where the user's own file says so, or in CI the project's file on
    /// the main branch.
    pub fn allows_programs(&self) -> bool {
        self.allows_programs
    }

    /// Where the calibrations of its suites are kept.
    pub fn calibrations(&self) -> CalibrationFolder {
        let state = self.settings.store.as_deref().unwrap_or(".promptgate");
        CalibrationFolder::below(self.root.join(state))
    }

    /// Where its runs are kept.
    pub fn runs(&self) -> RunFolder {
        match &self.settings.store {
            Some(store) => RunFolder::below(self.root.join(store)),
            None => RunFolder::of(&self.root),
        }
    }
}

/// Whether the project's file on the main branch allows programs.
fn allowed_on_main(root: &Path) -> bool {
    let trees = ["origin/main", "origin/master", "main", "master"]
        .into_iter()
        .filter_map(|name| GitTree::open(root, name).ok());
    let mut files = trees.filter_map(|tree| tree.read_text(&TreePath::new(PROJECT_FILE).ok()?).ok());
    let parsed = files.next().and_then(|text| project::parse(&text, PROJECT_FILE).ok());
    parsed.is_some_and(|settings| settings.allow_exec == Some(true))
}

/// A project's file may not name a file outside of the project as a key: it names the address as well, which would get it.
fn keys_inside(own: &Settings) -> Result<(), Diagnostics> {
    let outside = |(_, provider): &(&String, &ProviderSettings)| {
        provider.key_file.as_deref().is_some_and(|file| file.starts_with('/'))
    };
    match own.providers.iter().find(outside) {
        None => Ok(()),
        Some((name, _)) => {
            let message = format!("{PROJECT_FILE}: `key_file` of [provider.{name}] is outside of the project");
            Err(Diagnostic::new(message).help("name it in your user file, or use `key_env`").into())
        }
    }
}

/// `$XDG_CONFIG_HOME/promptgate`, which is `~/.config/promptgate` where the variable does not say otherwise.
fn user_folder(env: &dyn Fn(&str) -> Option<String>) -> Option<PathBuf> {
    let absolute = |name: &str| env(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let config = absolute("XDG_CONFIG_HOME").or_else(|| Some(absolute("HOME")?.join(".config")))?;
    Some(config.join("promptgate"))
}

/// The settings of a file, if it is there. `name` is what messages call it.
fn read(folder: &Path, file: &str, name: &str) -> Result<Option<Settings>, ProjectError> {
    let Ok(tree) = DiskTree::new(folder) else { return Ok(None) };
    match tree.read_text(&TreePath::new(file)?) {
        Err(TreeError::Missing { .. }) => Ok(None),
        text => Ok(Some(project::parse(&text?, name)?)),
    }
}
