//! The folder of run files: creating, finding, listing and resuming.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use promptgate_core::name::RunId;
use promptgate_core::nearest::nearest;
use promptgate_core::record::RunHeader;
use promptgate_core::secret::Scrubber;

use super::begun::Begun;
use super::error::RunError;
use super::file::{RunFile, header_line};
use super::scan::{Entry, Torn, scan, scan_header};
use super::stored::{StoredRun, ends_finished};

/// `.promptgate/runs/` of a project. The folder is made when the first run is created.
#[derive(Debug, Clone)]
pub struct RunFolder {
    state: PathBuf,
    runs: PathBuf,
}

/// A run of the folder, as far as its first and last line tell.
#[derive(Debug)]
pub struct RunEntry {
    /// Its id.
    pub id: RunId,
    /// Its file.
    pub path: PathBuf,
    /// How it stands.
    pub state: RunState,
}

/// How a stored run stands.
#[derive(Debug)]
pub enum RunState {
    /// It is complete.
    Finished(Box<RunHeader>),
    /// It was stopped, or is running.
    Open(Box<RunHeader>),
    /// Its header cannot be read.
    Unreadable(RunError),
}

impl RunEntry {
    /// The header, where it can be read.
    pub fn header(&self) -> Option<&RunHeader> {
        match &self.state {
            RunState::Finished(header) | RunState::Open(header) => Some(header),
            RunState::Unreadable(_) => None,
        }
    }
}

/// Which trials of a run are settled.
#[derive(Debug, Clone, Default)]
pub struct Settled(Vec<Entry>);

impl Settled {
    /// Whether a trial of the plan is settled.
    pub fn holds(&self, trial: u64) -> bool {
        self.0.binary_search_by_key(&trial, |entry| u64::from(entry.trial)).is_ok()
    }

    /// How many are.
    pub fn len(&self) -> u64 {
        self.0.len() as u64
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The settled trials' indexes, in plan order.
    pub fn iter(&self) -> impl Iterator<Item = u64> + '_ {
        self.0.iter().map(|entry| u64::from(entry.trial))
    }
}

/// A run opened to be continued.
#[derive(Debug)]
pub struct Resumed {
    /// Its header, as it was started.
    pub header: RunHeader,
    /// What is settled already.
    pub settled: Settled,
    /// What of the rest is paid for already.
    pub begun: Begun,
    /// Whether nothing is left to do.
    pub finished: bool,
    /// What was cut off its end, because it had never been synced as a whole.
    pub torn: Option<Torn>,
    /// The log to go on with.
    pub log: RunFile,
}

impl RunFolder {
    /// The run folder of a project; nothing is touched yet.
    pub fn of(project_root: &Path) -> Self {
        Self::below(project_root.join(".promptgate"))
    }

    /// The run folder below another state folder than `.promptgate`.
    pub fn below(state: PathBuf) -> Self {
        Self { runs: state.join("runs"), state }
    }

    /// Where the run files are.
    pub fn path(&self) -> &Path {
        &self.runs
    }

    /// Starts a run: its file appears with a whole, synced header or not at all.
    pub fn create(&self, header: &RunHeader, scrubber: Scrubber) -> Result<RunFile, RunError> {
        self.make()?;
        let path = self.path_of(header.volatile.run.as_str());
        let failed = || RunError::io(format!("create {}", path.display()));
        let line = header_line(header, &scrubber).map_err(|cause| failed()(std::io::Error::other(cause)))?;
        // Unnamed to every reader until it is whole: they look at `*.jsonl` alone.
        let mut file = tempfile::Builder::new().prefix(".new-").tempfile_in(&self.runs).map_err(failed())?;
        file.write_all(&line).and_then(|()| file.as_file().sync_all()).map_err(failed())?;
        lock(file.as_file(), &path)?;
        let file = file.persist_noclobber(&path).map_err(|error| failed()(error.error))?;
        sync_folder(&self.runs).map_err(failed())?;
        Ok(RunFile::append_to(path, file, scrubber, line.len() as u64, 0, false))
    }

    /// Opens a run to be continued: by id, unique prefix, `latest` or path. A torn end is cut off.
    pub fn resume(&self, wanted: &str, scrubber: Scrubber) -> Result<Resumed, RunError> {
        self.check_rights()?;
        let path = self.find(wanted)?;
        let file = OpenOptions::new().read(true).write(true).open(&path);
        let file = file.map_err(RunError::io(format!("open {}", path.display())))?;
        lock(&file, &path)?;
        let scan = scan(&path, &file)?;
        if scan.torn.is_some() {
            let cut = file.set_len(scan.len).and_then(|()| file.sync_all());
            cut.map_err(RunError::io(format!("repair {}", path.display())))?;
        }
        let trials = scan.entries.len() as u64;
        let reader = file.try_clone().map_err(RunError::io(format!("open {}", path.display())))?;
        let begun = Begun { path: path.clone(), file: reader, entries: scan.begun, told: scan.told };
        let log = RunFile::append_to(path, file, scrubber, scan.len, trials, scan.finished);
        Ok(Resumed {
            header: scan.header,
            settled: Settled(scan.entries),
            begun,
            finished: scan.finished,
            torn: scan.torn,
            log,
        })
    }

    /// Opens a run for reading: by id, unique prefix, `latest` or path.
    pub fn open(&self, wanted: &str) -> Result<StoredRun, RunError> {
        self.check_rights()?;
        StoredRun::open(&self.find(wanted)?)
    }

    /// All runs, the newest first. A run that cannot be read is listed as such.
    pub fn list(&self) -> Result<Vec<RunEntry>, RunError> {
        self.check_rights()?;
        let mut entries: Vec<RunEntry> = self.ids()?.into_iter().map(|id| self.entry(id)).collect();
        entries.reverse();
        Ok(entries)
    }

    /// The files of all runs, the newest first.
    pub(crate) fn files(&self) -> Result<Vec<(RunId, PathBuf)>, RunError> {
        self.check_rights()?;
        Ok(self.ids()?.into_iter().rev().map(|id| (id.clone(), self.path_of(id.as_str()))).collect())
    }

    /// A file beside a run's, for what goes with it until it is complete. The folder is made.
    ///
    /// # Errors
    ///
    /// The folder cannot be made, or is not safe.
    pub fn beside(&self, run: &RunId, what: &str) -> Result<PathBuf, RunError> {
        self.make()?;
        Ok(self.runs.join(format!("{run}.{what}")))
    }

    fn entry(&self, id: RunId) -> RunEntry {
        let path = self.path_of(id.as_str());
        let read = || -> Result<RunState, RunError> {
            let file = File::open(&path).map_err(RunError::io(format!("open {}", path.display())))?;
            let header = Box::new(scan_header(&path, &file)?);
            Ok(if ends_finished(&path, &file)? { RunState::Finished(header) } else { RunState::Open(header) })
        };
        let state = read().unwrap_or_else(RunState::Unreadable);
        RunEntry { id, path, state }
    }

    fn find(&self, wanted: &str) -> Result<PathBuf, RunError> {
        if wanted.contains('/') || wanted.ends_with(".jsonl") {
            let path = PathBuf::from(wanted);
            return if path.is_file() { Ok(path) } else { Err(RunError::NoFile { path }) };
        }
        let ids = self.ids()?;
        if wanted == "latest" {
            return self.latest(&ids);
        }
        let found: Vec<&RunId> = ids.iter().filter(|id| id.as_str().starts_with(wanted)).collect();
        match found.as_slice() {
            _ if ids.iter().any(|id| id.as_str() == wanted) => Ok(self.path_of(wanted)),
            [one] => Ok(self.path_of(one.as_str())),
            [] => Err(self.not_found(wanted, &ids)),
            many => {
                let found = many.iter().map(ToString::to_string).collect();
                Err(RunError::Ambiguous { wanted: wanted.to_owned(), found })
            }
        }
    }

    /// The newest run whose header can be read: a damaged one must not hide the good one before it. Nor must one that grades
    /// another anew and has not come to its end: it is not gone on with.
    fn latest(&self, ids: &[RunId]) -> Result<PathBuf, RunError> {
        let counts = |path: &PathBuf| {
            let Ok(file) = File::open(path) else { return false };
            let header = scan_header(path, &file);
            header.is_ok_and(|header| header.grades().is_none() || ends_finished(path, &file).unwrap_or(false))
        };
        let newest = ids.iter().rev().map(|id| self.path_of(id.as_str())).find(counts);
        newest.ok_or_else(|| self.not_found("latest", &[]))
    }

    fn not_found(&self, wanted: &str, ids: &[RunId]) -> RunError {
        let help = match nearest(wanted, ids.iter().map(RunId::as_str)) {
            Some(id) => format!("did you mean `{id}`?"),
            None if ids.is_empty() => "no run is stored there yet".to_owned(),
            None => "`promptgate list runs` shows those there are".to_owned(),
        };
        RunError::NotFound { wanted: wanted.to_owned(), folder: self.runs.clone(), help }
    }

    /// The ids of all runs; they sort by time.
    fn ids(&self) -> Result<Vec<RunId>, RunError> {
        let listing = match fs::read_dir(&self.runs) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            listing => listing.map_err(RunError::io(format!("list {}", self.runs.display())))?,
        };
        let names = listing.filter_map(|item| item.ok()?.file_name().into_string().ok());
        let mut ids: Vec<RunId> = names.filter_map(|name| RunId::new(name.strip_suffix(".jsonl")?).ok()).collect();
        ids.sort_unstable();
        Ok(ids)
    }

    fn path_of(&self, id: &str) -> PathBuf {
        self.runs.join(format!("{id}.jsonl"))
    }

    pub(crate) fn make(&self) -> Result<(), RunError> {
        let failed = || RunError::io(format!("create {}", self.runs.display()));
        if !self.runs.is_dir() {
            DirBuilder::new().recursive(true).mode(0o700).create(&self.runs).map_err(failed())?;
            // A folder whose own entry is lost in a power cut takes every synced run along.
            let above = self.runs.ancestors().skip(1).take(2);
            above.filter(|folder| folder.is_dir()).try_for_each(sync_folder).map_err(failed())?;
        }
        self.check_rights()?;
        let ignore = self.state.join(".gitignore");
        // Run files hold prompts and outputs: nobody should commit them by accident.
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(ignore) {
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
            file => file.and_then(|mut file| file.write_all(b"*\n")).map_err(failed()),
        }
    }

    /// The folder that runs and all other state are kept in.
    pub(crate) fn state(&self) -> &Path {
        &self.state
    }

    pub(crate) fn check_rights(&self) -> Result<(), RunError> {
        for folder in [&self.state, &self.runs] {
            check_folder(folder)?;
        }
        Ok(())
    }
}

fn check_folder(folder: &Path) -> Result<(), RunError> {
    let refuse = |reason: &str, help: String| {
        Err(RunError::UnsafeFolder { folder: folder.to_owned(), reason: reason.to_owned(), help })
    };
    match fs::symlink_metadata(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(RunError::io(format!("look at {}", folder.display()))(error)),
        Ok(meta) if !meta.is_dir() => refuse("is not a folder", "move it away".to_owned()),
        Ok(meta) if meta.permissions().mode() & 0o022 != 0 => {
            refuse("is writable by others", format!("run `chmod go-w {}`", folder.display()))
        }
        Ok(_) => Ok(()),
    }
}

fn sync_folder(folder: &Path) -> std::io::Result<()> {
    File::open(folder)?.sync_all()
}

/// How often, and how long each time, a lock is waited for. A process that is being started holds the files of the one that
/// starts it for a moment, until it becomes another program.
const LOCK_TRIES: u32 = 20;
const LOCK_WAIT: Duration = Duration::from_millis(15);

fn lock(file: &File, path: &Path) -> Result<(), RunError> {
    for _ in 1..LOCK_TRIES {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) => std::thread::sleep(LOCK_WAIT),
            Err(TryLockError::Error(cause)) => return Err(RunError::io(format!("lock {}", path.display()))(cause)),
        }
    }
    Err(RunError::Locked { file: path.to_owned() })
}
