//! A git revision as a tree, read through one `git cat-file --batch` a repository. The `git` command is the only git we
//! know; it gets no shell, none of the caller's `GIT_*` variables, and may call out to nobody.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Output, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use promptgate_core::port::{Tree, TreeError, TreePath};

use super::{LARGEST_FILE, leads_outside, missing, too_large, unreadable};
use crate::positioned::spool;

/// Why a revision cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum GitError {
    /// The command is not installed.
    #[error("the `git` command was not found; `@git:` references need it: install git, or name a file")]
    NoGit,
    /// The project is not in a repository.
    #[error("{folder} is not in a git repository, so no revision of it can be read", folder = folder.display())]
    NotARepository {
        /// The project.
        folder: PathBuf,
    },
    /// The text cannot name a revision.
    #[error("`{rev}` is not a revision: {reason}")]
    BadRevision {
        /// The revision as written.
        rev: String,
        /// The rule it breaks.
        reason: &'static str,
    },
    /// The repository does not know it.
    #[error("the repository has no revision `{rev}`; {help}")]
    UnknownRevision {
        /// The revision as written.
        rev: String,
        /// What to do.
        help: String,
    },
    /// The project's folder does not exist there.
    #[error("the revision `{rev}` has no folder `{folder}`")]
    NoProject {
        /// The revision as written.
        rev: String,
        /// The project's folder in the repository.
        folder: String,
    },
    /// git failed in another way.
    #[error("git: {0}")]
    Git(String),
}

/// A repository that the project is in.
#[derive(Debug)]
pub struct GitRepo {
    folder: PathBuf,
    /// The project's folder in the repository; empty for its top.
    prefix: String,
    batch: Mutex<Batch>,
}

impl GitRepo {
    /// The repository around a project's folder.
    pub fn around(project_root: &Path) -> Result<Arc<Self>, GitError> {
        let output = run(project_root, &["rev-parse", "--show-prefix"])?;
        let prefix = text_of(project_root, &output)?.trim_end_matches('\n').trim_end_matches('/').to_owned();
        let batch = Mutex::new(Batch::start(project_root)?);
        Ok(Arc::new(Self { folder: project_root.to_owned(), prefix, batch }))
    }

    /// The project in a revision: a branch, a tag, a commit, `HEAD~1`.
    pub fn tree(self: &Arc<Self>, rev: &str) -> Result<GitTree, GitError> {
        check_revision(rev)?;
        let commit = self.object(&format!("{rev}^{{commit}}"))?.ok_or_else(|| self.unknown(rev))?;
        let spec = format!("{}:{}", commit.id, self.prefix);
        let folder = || GitError::NoProject { rev: rev.to_owned(), folder: self.prefix.clone() };
        let root = self.object(&spec)?.filter(|object| object.kind == "tree").ok_or_else(folder)?;
        Ok(GitTree { repo: Arc::clone(self), rev: rev.to_owned(), commit: commit.id, root: root.id })
    }

    /// The commits that changed a folder of the project, in any branch, the newest first, at most `most` of them.
    pub fn history(&self, folder: &TreePath, most: usize) -> Result<Vec<String>, GitError> {
        let folder = if folder.as_str().is_empty() { "." } else { folder.as_str() };
        let most = format!("--max-count={most}");
        let output = run(&self.folder, &["log", "--all", "--format=%H", &most, "--", folder])?;
        Ok(text_of(&self.folder, &output)?.lines().map(str::to_owned).collect())
    }

    fn object(&self, spec: &str) -> Result<Option<Object>, GitError> {
        match self.ask(spec, &mut io::sink()).map_err(|error| GitError::Git(error.to_string()))? {
            Reply::Object(object) => Ok(Some(object)),
            _ => Ok(None),
        }
    }

    fn ask(&self, spec: &str, into: &mut dyn Write) -> io::Result<Reply> {
        self.batch.lock().unwrap_or_else(PoisonError::into_inner).ask(spec, into)
    }

    fn unknown(&self, rev: &str) -> GitError {
        let remote = format!("origin/{rev}");
        let help = match self.object(&format!("{remote}^{{commit}}")) {
            Ok(Some(_)) => format!("did you mean `git:{remote}`?"),
            _ => "fetch it first; a CI checkout often holds the newest commit alone".to_owned(),
        };
        GitError::UnknownRevision { rev: rev.to_owned(), help }
    }
}

/// A revision is one word of one line, and no option: it goes to `cat-file` as one line of its input.
fn check_revision(rev: &str) -> Result<(), GitError> {
    let reason = match rev {
        "" => "it is empty",
        _ if rev.starts_with('-') => "it begins with `-`",
        _ if rev.len() > 256 => "it is longer than 256 bytes",
        _ if rev.chars().any(|c| c.is_control() || c.is_whitespace()) => "it holds white space",
        _ if rev.contains(':') => "`:` stands between a revision and a path",
        _ if rev.contains("..") => "`..` names a range",
        _ => return Ok(()),
    };
    Err(GitError::BadRevision { rev: rev.to_owned(), reason })
}

/// The project in one revision.
#[derive(Debug)]
pub struct GitTree {
    repo: Arc<GitRepo>,
    rev: String,
    commit: String,
    root: String,
}

impl GitTree {
    /// The project around a folder, in a revision.
    pub fn open(project_root: &Path, rev: &str) -> Result<Self, GitError> {
        GitRepo::around(project_root)?.tree(rev)
    }

    /// The id of the commit.
    pub fn commit(&self) -> &str {
        &self.commit
    }

    /// A regular file of any size, in an unnamed temporary file; the way to stream one.
    pub fn spool(&self, path: &TreePath) -> Result<File, TreeError> {
        let failed = |cause| unreadable(&self.name(), path, cause);
        let mut file = spool().map_err(failed)?;
        self.blob(path, &mut file)?;
        file.rewind().map_err(failed)?;
        Ok(file)
    }

    /// The id of a folder's content; equal content has one id.
    pub(crate) fn folder_id(&self, folder: &TreePath) -> Option<String> {
        self.object(folder, &mut io::sink()).ok().filter(|object| object.kind == "tree").map(|object| object.id)
    }

    fn blob(&self, path: &TreePath, into: &mut dyn Write) -> Result<Object, TreeError> {
        let object = self.object(path, into)?;
        if object.kind == "blob" { Ok(object) } else { Err(unreadable(&self.name(), path, "it is not a regular file")) }
    }

    /// Looks a path up and writes the object's content to `into`.
    fn object(&self, path: &TreePath, into: &mut dyn Write) -> Result<Object, TreeError> {
        // A line feed would end the question early; no such file can be asked for.
        if path.as_str().contains(['\n', '\r']) {
            return Err(missing(&self.name(), path));
        }
        let spec = format!("{}:{path}", self.root, path = path.as_str());
        match self.repo.ask(&spec, into).map_err(|cause| unreadable(&self.name(), path, cause))? {
            Reply::Object(object) => Ok(object),
            Reply::Outside => Err(leads_outside(path)),
            Reply::Missing => Err(missing(&self.name(), path)),
            Reply::Loop => Err(unreadable(&self.name(), path, "its links run in a circle")),
        }
    }
}

/// Keeps what is written to it, unless it becomes too large.
#[derive(Default)]
struct Kept {
    bytes: Vec<u8>,
    too_large: bool,
}

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.too_large |= (self.bytes.len() + bytes.len()) as u64 > LARGEST_FILE;
        if self.too_large {
            self.bytes = Vec::new();
        } else {
            self.bytes.extend_from_slice(bytes);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Tree for GitTree {
    fn read(&self, path: &TreePath) -> Result<Vec<u8>, TreeError> {
        let mut kept = Kept::default();
        let object = self.blob(path, &mut kept)?;
        if kept.too_large { Err(too_large(&self.name(), path, object.size)) } else { Ok(kept.bytes) }
    }

    fn list(&self, folder: &TreePath) -> Result<Vec<TreePath>, TreeError> {
        let mut kept = Kept::default();
        let object = match self.object(folder, &mut kept) {
            Ok(object) if object.kind == "tree" => object,
            Ok(_) | Err(TreeError::Missing { .. }) => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let entries = entries(&kept.bytes, object.id.len() / 2);
        let paths = entries.into_iter().filter_map(|(name, mode)| Some((folder.join(&name).ok()?, mode)));
        let files = paths.filter(|(path, mode)| match mode {
            Mode::File => true,
            Mode::Link => self.blob(path, &mut io::sink()).is_ok(),
            Mode::Other => false,
        });
        let mut files: Vec<TreePath> = files.map(|(path, _)| path).collect();
        files.sort_unstable();
        Ok(files)
    }

    fn name(&self) -> String {
        format!("git:{}", self.rev)
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Mode {
    File,
    Link,
    Other,
}

/// The names in a tree object: `<mode> <name> NUL <id>`, again and again. Names that are not UTF-8 are left out.
fn entries(mut bytes: &[u8], id_len: usize) -> BTreeMap<String, Mode> {
    let mut entries = BTreeMap::new();
    while let Some(nul) = bytes.iter().position(|byte| *byte == 0) {
        if let Some((mode, name)) = std::str::from_utf8(&bytes[..nul]).ok().and_then(|head| head.split_once(' ')) {
            let mode = match mode {
                "100644" | "100755" | "100664" => Mode::File,
                "120000" => Mode::Link,
                _ => Mode::Other,
            };
            entries.insert(name.to_owned(), mode);
        }
        bytes = bytes.get(nul + 1 + id_len..).unwrap_or_default();
    }
    entries
}

/// An object of the repository.
#[derive(Debug)]
struct Object {
    id: String,
    kind: String,
    size: u64,
}

#[derive(Debug)]
enum Reply {
    Object(Object),
    Missing,
    Outside,
    Loop,
}

/// The child process that answers one line of input with one object.
#[derive(Debug)]
struct Batch {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Batch {
    fn start(folder: &Path) -> Result<Self, GitError> {
        let mut command = git(folder, &["cat-file", "--batch", "--follow-symlinks"]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().map_err(spawn_error)?;
        let (input, output) = (child.stdin.take(), child.stdout.take());
        let output = output.ok_or_else(|| GitError::Git("its output is not connected".to_owned()))?;
        Ok(Self { child, input, output: BufReader::new(output) })
    }

    fn ask(&mut self, spec: &str, into: &mut dyn Write) -> io::Result<Reply> {
        let input = self.input.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        input.write_all(format!("{spec}\n").as_bytes())?;
        let mut head = String::new();
        self.output.read_line(&mut head)?;
        let words: Vec<&str> = head.split_whitespace().collect();
        match words.as_slice() {
            [] => Err(io::Error::other("git ended without an answer")),
            // These repeat the question, or say where the link leads, on a line of that length.
            ["symlink", size] => self.take_text(size).map(|()| Reply::Outside),
            ["dangling" | "notdir", size] => self.take_text(size).map(|()| Reply::Missing),
            ["loop", size] => self.take_text(size).map(|()| Reply::Loop),
            [.., "missing" | "ambiguous"] => Ok(Reply::Missing),
            [id, kind, size] => {
                let size = size.parse().map_err(io::Error::other)?;
                let object = Object { id: (*id).to_owned(), kind: (*kind).to_owned(), size };
                self.take(size, into).map(|()| Reply::Object(object))
            }
            _ => Err(io::Error::other(format!("git answered `{}`", head.trim_end()))),
        }
    }

    fn take_text(&mut self, size: &str) -> io::Result<()> {
        self.take(size.parse().map_err(io::Error::other)?, &mut io::sink())
    }

    /// Takes the content and the line feed behind it. The content is read to its end even where it cannot be written, or
    /// the next answer would begin in the middle of this one.
    fn take(&mut self, size: u64, into: &mut dyn Write) -> io::Result<()> {
        let mut content = (&mut self.output).take(size);
        let written = io::copy(&mut content, into);
        io::copy(&mut content, &mut io::sink())?;
        let mut feed = [0];
        self.output.read_exact(&mut feed)?;
        if feed != *b"\n" {
            return Err(io::ErrorKind::InvalidData.into());
        }
        written.map(|_| ())
    }
}

impl Drop for Batch {
    fn drop(&mut self) {
        // Without input it ends by itself.
        self.input = None;
        let _ = self.child.wait();
    }
}

fn run(folder: &Path, arguments: &[&str]) -> Result<Output, GitError> {
    git(folder, arguments).stdin(Stdio::null()).output().map_err(spawn_error)
}

fn spawn_error(error: io::Error) -> GitError {
    if error.kind() == io::ErrorKind::NotFound { GitError::NoGit } else { GitError::Git(error.to_string()) }
}

fn text_of(folder: &Path, output: &Output) -> Result<String, GitError> {
    if output.status.success() {
        return String::from_utf8(output.stdout.clone()).map_err(|error| GitError::Git(error.to_string()));
    }
    let said = String::from_utf8_lossy(&output.stderr);
    if said.contains("not a git repository") {
        return Err(GitError::NotARepository { folder: folder.to_owned() });
    }
    Err(GitError::Git(said.lines().next().unwrap_or("it failed without a word").to_owned()))
}

/// A git command that nothing in the environment or the repository can turn into another one.
fn git(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new("git");
    for (name, _) in std::env::vars_os() {
        // GIT_DIR, GIT_EXTERNAL_DIFF, GIT_CONFIG_COUNT and their like point git elsewhere or run programs.
        if name.to_string_lossy().starts_with("GIT_") {
            command.env_remove(name);
        }
    }
    command
        .current_dir(folder)
        .args(["--no-pager", "--literal-pathspecs", "-c", "core.fsmonitor=false", "-c", "log.showSignature=false"])
        .args(arguments)
        // A partial clone must not fetch, a replaced object must not stand in for the real one, nobody is asked anything.
        .env("GIT_ALLOW_PROTOCOL", "none")
        .env("GIT_NO_LAZY_FETCH", "1")
        .env("GIT_NO_REPLACE_OBJECTS", "1")
        .env("GIT_TERMINAL_PROMPT", "0")
        .env("GIT_OPTIONAL_LOCKS", "0")
        .env("LC_ALL", "C");
    command
}
