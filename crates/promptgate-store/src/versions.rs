//! From a reference to the version it names: a file of the working tree, a git revision, a digest, a stored run, a path.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use promptgate_core::format::prompt;
use promptgate_core::name::PromptId;
use promptgate_core::nearest::did_you_mean;
use promptgate_core::port::{Tree, TreeError, TreePath};
use promptgate_core::prompt::Version;
use promptgate_core::record::SettledRecord;
use promptgate_core::reference::Reference;
use promptgate_core::{Diagnostic, Diagnostics};

use crate::run::{RunError, RunFolder, StoredRun};
use crate::tree::{DiskTree, GitError, GitRepo, GitTree};

/// Commits that are looked through for a digest, the newest first.
const COMMITS: usize = 1_000;

/// Where references are looked up.
#[derive(Debug, Clone, Copy)]
pub struct Places<'a> {
    /// The working tree of the project.
    pub tree: &'a DiskTree,
    /// The folder of the suite in it; its prompts are in `prompts/`.
    pub suite: &'a TreePath,
    /// The stored runs.
    pub runs: &'a RunFolder,
    /// The folder that paths of the command line begin at. Without it, for what a suite says, they begin at the suite's
    /// folder and cannot leave the project.
    pub current: Option<&'a Path>,
}

/// A version that was found.
#[derive(Debug)]
pub struct Found {
    /// The version.
    pub version: Version,
    /// The stored run the reference names, and which of its versions this is.
    pub run: Option<(StoredRun, usize)>,
}

/// Why a reference names no version.
#[derive(Debug, thiserror::Error)]
pub enum VersionError {
    /// It is not there.
    #[error("{what}; {help}")]
    Missing {
        /// What is not there.
        what: String,
        /// What to do.
        help: String,
    },
    /// Several versions have digests that begin like this.
    #[error("`sha256:{prefix}` is the beginning of several digests: {list}; give more of it", list = found.join(", "))]
    Ambiguous {
        /// The prefix as written.
        prefix: String,
        /// The digests it fits.
        found: Vec<String>,
    },
    /// Environments need a registry.
    #[error(
        "`{0}` names an environment, and this project has no registry; name a file, `@git:<rev>`, `@sha256:<prefix>` or `run:<id>`"
    )]
    NoRegistry(String),
    /// The git revision cannot be read.
    #[error(transparent)]
    Git(#[from] GitError),
    /// The stored run cannot be read.
    #[error(transparent)]
    Run(#[from] RunError),
    /// A path cannot be read.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// The prompt is there, but it is not valid.
    #[error(transparent)]
    Prompt(#[from] Diagnostics),
}

impl VersionError {
    /// Whether the version is simply not there: as a baseline it is then missing, rather than wrong.
    pub fn is_missing(&self) -> bool {
        match self {
            Self::Missing { .. } | Self::Tree(TreeError::Missing { .. }) => true,
            Self::Git(error) => matches!(error, GitError::UnknownRevision { .. } | GitError::NoProject { .. }),
            Self::Run(RunError::Io { cause, .. }) => cause.kind() == std::io::ErrorKind::NotFound,
            Self::Run(error) => matches!(error, RunError::NotFound { .. } | RunError::NoFile { .. }),
            _ => false,
        }
    }
}

/// Finds the version a reference names.
pub fn resolve(reference: &Reference, places: &Places) -> Result<Found, VersionError> {
    match reference {
        Reference::File(id) => in_tree(places.tree, places, id).map(Found::plain),
        Reference::Git(id, rev) => {
            let tree = GitTree::open(places.tree.root(), rev)?;
            in_tree(&tree, places, id).map(Found::plain)
        }
        Reference::Digest(id, hex) => by_digest(places, id, hex).map(Found::plain),
        Reference::Environment(..) => Err(VersionError::NoRegistry(reference.to_string())),
        Reference::Run(wanted) => of_run(places.runs.open(wanted)?),
        Reference::Path(path) => by_path(places, path),
    }
}

impl Found {
    fn plain(version: Version) -> Self {
        Self { version, run: None }
    }
}

fn in_tree(tree: &dyn Tree, places: &Places, id: &PromptId) -> Result<Version, VersionError> {
    let folder = places.suite.join("prompts")?;
    let known = prompt::list(tree, &folder)?;
    if known.contains(id) {
        return Ok(prompt::load(tree, &folder, id)?);
    }
    let names: Vec<String> = known.iter().map(ToString::to_string).collect();
    let help = match names.as_slice() {
        [] => "there are no prompts in that folder".to_owned(),
        names => did_you_mean(&id.to_string(), names.iter().map(String::as_str)),
    };
    Err(VersionError::Missing { what: format!("`{folder}` of {} has no prompt `{id}`", tree.name()), help })
}

/// The candidate's version of a stored run: the first of its header.
fn of_run(run: StoredRun) -> Result<Found, VersionError> {
    let header = run.header();
    let stored = header.versions.first().ok_or_else(|| VersionError::Missing {
        what: format!("the run `{}` holds no version", header.volatile.run),
        help: "name another run".to_owned(),
    })?;
    let version = prompt::from_sources(&stored.identity.prompt, &stored.files)?;
    if version.identity.digest != stored.identity.digest {
        let message = format!(
            "the files that the run `{}` keeps of `{}` do not make up the version {} it names",
            header.volatile.run, stored.identity.prompt, stored.identity.digest
        );
        return Err(Diagnostics::from(Diagnostic::new(message).help("name the version by its file or revision")).into());
    }
    Ok(Found { version, run: Some((run, 0)) })
}

fn by_path(places: &Places, path: &str) -> Result<Found, VersionError> {
    let Some(current) = places.current else {
        let inside = places.suite.join(path)?;
        places.tree.open(&inside)?;
        return match path.ends_with(".jsonl") {
            true => of_run(StoredRun::open(&places.tree.root().join(places.tree.resolve(&inside)?))?),
            false => Ok(Found::plain(prompt::load_path(places.tree, &inside)?)),
        };
    };
    let file = current.join(path);
    if path.ends_with(".jsonl") {
        return of_run(StoredRun::open(&file)?);
    }
    prompt_outside(places, &file, path).map(Found::plain)
}

/// A prompt file that the command line names; in the project it finds its partials there, elsewhere in its own folder.
fn prompt_outside(places: &Places, file: &Path, path: &str) -> Result<Version, VersionError> {
    let missing = |error: std::io::Error| VersionError::Missing {
        what: format!("`{path}` cannot be read: {error}"),
        help: "name a prompt file, or a prompt of the suite".to_owned(),
    };
    let file = file.canonicalize().map_err(missing)?;
    if let Ok(inside) = file.strip_prefix(places.tree.root()) {
        return Ok(prompt::load_path(places.tree, &TreePath::new(&inside.to_string_lossy())?)?);
    }
    let folder = DiskTree::new(file.parent().unwrap_or(Path::new("/"))).map_err(missing)?;
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    Ok(prompt::load_path(&folder, &TreePath::new(&name)?)?)
}

/// The versions a digest's beginning fits, each digest once.
type Fitting = BTreeMap<String, Version>;

fn by_digest(places: &Places, id: &PromptId, hex: &str) -> Result<Version, VersionError> {
    let mut fitting = Fitting::new();
    search_tree(places.tree, places, id, hex, &mut fitting)?;
    search_runs(places, id, hex, &mut fitting)?;
    if fitting.is_empty() {
        search_history(places, id, hex, &mut fitting)?;
    }
    if fitting.len() > 1 {
        let found = fitting.into_keys().map(|digest| digest[..12].to_owned()).collect();
        return Err(VersionError::Ambiguous { prefix: hex.to_owned(), found });
    }
    fitting.pop_first().map(|(_, version)| version).ok_or_else(|| VersionError::Missing {
        what: format!("no version of `{id}` has a digest that begins with `{hex}`"),
        help: "looked at the working tree, the stored runs and the git history of the suite's prompts".to_owned(),
    })
}

/// `triage` stands for all its variants, `triage.cot` for itself.
fn is_meant(wanted: &PromptId, id: &PromptId) -> bool {
    wanted.name == id.name && (wanted.variant.is_none() || wanted.variant == id.variant)
}

fn keep(version: Version, hex: &str, fitting: &mut Fitting) {
    let digest = version.identity.digest.hex();
    if digest.starts_with(hex) {
        fitting.insert(digest, version);
    }
}

fn search_tree(
    tree: &dyn Tree,
    places: &Places,
    id: &PromptId,
    hex: &str,
    fitting: &mut Fitting,
) -> Result<(), VersionError> {
    let folder = places.suite.join("prompts")?;
    for each in prompt::list(tree, &folder)?.iter().filter(|each| is_meant(id, each)) {
        // Another variant that is broken has no digest; it is not the one that is meant.
        if let Ok(version) = prompt::load(tree, &folder, each) {
            keep(version, hex, fitting);
        }
    }
    Ok(())
}

fn search_runs(places: &Places, id: &PromptId, hex: &str, fitting: &mut Fitting) -> Result<(), VersionError> {
    for entry in places.runs.list()? {
        for stored in entry.header().into_iter().flat_map(|header| &header.versions) {
            let fits = is_meant(id, &stored.identity.prompt) && stored.identity.digest.hex().starts_with(hex);
            if fits && let Ok(version) = prompt::from_sources(&stored.identity.prompt, &stored.files) {
                keep(version, hex, fitting);
            }
        }
    }
    Ok(())
}

fn search_history(places: &Places, id: &PromptId, hex: &str, fitting: &mut Fitting) -> Result<(), VersionError> {
    let repo = match GitRepo::around(places.tree.root()) {
        Err(GitError::NoGit | GitError::NotARepository { .. }) => return Ok(()),
        repo => repo?,
    };
    let folder = places.suite.join("prompts")?;
    let mut seen = BTreeSet::new();
    for commit in repo.history(&folder, COMMITS)? {
        // A commit from before the project was there holds none of its prompts.
        let Ok(tree) = repo.tree(&commit) else { continue };
        if tree.folder_id(&folder).is_some_and(|folder| seen.insert(folder)) {
            search_tree(&tree, places, id, hex, fitting)?;
        }
    }
    Ok(())
}
