//! The cache of answers: one SQLite file below the project's state folder, shared by all processes that work there.
//!
//! An entry carries its whole key and a check sum over key, answer and since when it is kept. Both are held against what was
//! asked whenever it is read, so a flipped bit, or an entry that was put under another key, is a miss and is set aside, never an answer. One
//! thread writes, a transaction for what has gathered; readers never wait for it (WAL). Nothing here is the record of a
//! run: the file can be deleted at any time.

mod look;

use std::collections::{HashMap, HashSet};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use foldhash::fast::RandomState;
use promptgate_core::answer::Response;
use promptgate_core::digest::{Digest, DigestWriter};
use promptgate_core::port::{AddressedKey, CacheKey, Clock, PortError, ResponseCache};
use promptgate_core::secret::Scrubber;
use rusqlite::{Connection, OpenFlags, OptionalExtension, TransactionBehavior, params};

use crate::run::RunFolder;
use crate::scrub::scrub_json;

pub use look::{Entry, Pruning, Stats};

/// The file, below the state folder.
pub const CACHE_FILE: &str = "cache.db";

/// How long another process is waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// Answers are written together once so many have gathered, or none came for so long, and no later than so long after the
/// first of them: what is not written is lost to a kill. Each time most pages of the index are written anew.
const BATCH: usize = 4_096;
const LULL: Duration = Duration::from_millis(50);
const LONGEST: Duration = Duration::from_millis(250);

/// How long the writing thread rests before it waits. Nobody has to wake it for each answer that comes meanwhile.
const REST: Duration = Duration::from_millis(2);

/// The version of the tables and of what is in them, in SQLite's `user_version`. What an older one holds is missing here.
const VERSION: i64 = 2;

const TABLES: &str = "
CREATE TABLE IF NOT EXISTS answer (
  number INTEGER PRIMARY KEY, address BLOB NOT NULL UNIQUE, key TEXT NOT NULL, response TEXT NOT NULL,
  sum BLOB NOT NULL, kept_ms INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS damaged (address BLOB PRIMARY KEY, noticed_ms INTEGER NOT NULL) WITHOUT ROWID;
";

/// Whether a cache may be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Answers are looked up and kept.
    ReadWrite,
    /// Answers are looked up only: a pull request does not write what main reads.
    ReadOnly,
}

/// A cache that is open.
pub struct Cache {
    path: PathBuf,
    reader: Mutex<Connection>,
    clock: Arc<dyn Clock>,
    writer: Option<Writer>,
    /// The first bytes of every address that was kept here since the cache was opened empty: others need no look at the
    /// file. What another process keeps meanwhile is not seen before the next time.
    since_empty: Option<Mutex<HashSet<u64, RandomState>>>,
    /// What was kept and is not in the file yet.
    unwritten: Unwritten,
}

/// By address, the newest answer on its way to the file. Who asks the same a moment later must get it too.
type Unwritten = Arc<Mutex<HashMap<Digest, Arc<Response>, RandomState>>>;

struct Writer {
    jobs: Mutex<Sender<Job>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

enum Job {
    Keep(Box<(AddressedKey, Arc<Response>)>),
    SetAside(Digest),
    Finish(Sender<Result<(), PortError>>),
}

/// Key, answer, check sum, and since when they are kept.
type Row = (String, String, Vec<u8>, i64);

impl Cache {
    /// Opens the cache of a state folder, and makes one where there is none and it may be written. Without a file, and in
    /// one of an older promptgate, there is nothing to read.
    ///
    /// # Errors
    ///
    /// A file that is no cache, or a newer one's; no room.
    pub fn open(
        folder: &RunFolder,
        access: Access,
        clock: Arc<dyn Clock>,
        scrubber: Scrubber,
    ) -> Result<Option<Self>, PortError> {
        let unsafe_folder = |error| PortError::other("open the cache", error);
        let path = folder.state().join(CACHE_FILE);
        must_be_a_file(&path)?;
        if access == Access::ReadOnly {
            if !path.exists() {
                return Ok(None);
            }
            folder.check_rights().map_err(unsafe_folder)?;
            let (reader, version) = to_read(&path)?;
            return Ok((version == VERSION).then(|| Self::of(path, reader, clock, None)));
        }
        folder.make().map_err(unsafe_folder)?;
        private_file(&path).map_err(|error| PortError::io(format!("create {}", path.display()), error))?;
        let mut connection = connect(&path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        set_up(&path, &mut connection)?;
        let reader = connect(&path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        let (jobs, inbox) = channel();
        let unwritten = Unwritten::default();
        let (writing, waiting, now) = (path.clone(), unwritten.clone(), clock.clone());
        let thread = std::thread::Builder::new()
            .name("promptgate-cache".into())
            .spawn(move || write(&writing, connection, &inbox, (now.as_ref(), &scrubber), &waiting))
            .map_err(|error| PortError::io("start the cache's thread", error))?;
        let writer = Writer { jobs: Mutex::new(jobs), thread: Mutex::new(Some(thread)) };
        Ok(Some(Self::of(path, reader, clock, Some((writer, unwritten)))))
    }

    /// Whether a state folder has a cache, be it of an older promptgate.
    pub fn is_there(folder: &RunFolder) -> bool {
        folder.state().join(CACHE_FILE).exists()
    }

    /// Takes the file of a cache away that cannot be read; the next one begins empty. Who has it open keeps what they have.
    ///
    /// # Errors
    ///
    /// What stands there is no file; no rights.
    pub fn discard(folder: &RunFolder) -> Result<(), PortError> {
        let path = folder.state().join(CACHE_FILE);
        must_be_a_file(&path)?;
        // What SQLite keeps beside a file goes first: it would be taken for a part of the next one.
        for suffix in ["-wal", "-shm", ""] {
            let mut file = path.clone().into_os_string();
            file.push(suffix);
            match std::fs::remove_file(&file) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(PortError::io(format!("remove {}", file.display()), error));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn of(path: PathBuf, reader: Connection, clock: Arc<dyn Clock>, writing: Option<(Writer, Unwritten)>) -> Self {
        let (writer, unwritten) = writing.unzip();
        let unwritten = unwritten.unwrap_or_default();
        let mut cache = Self { path, reader: Mutex::new(reader), clock, writer, since_empty: None, unwritten };
        cache.since_empty = cache.is_empty().then(Mutex::default);
        cache
    }

    /// Its file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether it is known to hold nothing.
    pub fn is_empty(&self) -> bool {
        let any = self.reader().query_row("SELECT 1 FROM answer LIMIT 1", [], |_| Ok(())).optional();
        matches!(any, Ok(None))
    }

    fn reader(&self) -> MutexGuard<'_, Connection> {
        self.reader.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a look at the file is worth it.
    fn may_hold(&self, address: &Digest) -> bool {
        let holds = |kept: &Mutex<HashSet<u64, RandomState>>| {
            kept.lock().unwrap_or_else(PoisonError::into_inner).contains(&head(address))
        };
        self.since_empty.as_ref().is_none_or(holds)
    }

    fn send(&self, job: Job) {
        if let Some(writer) = &self.writer {
            // Fails only when the thread has panicked; `finish` says so.
            let _ = writer.jobs.lock().unwrap_or_else(PoisonError::into_inner).send(job);
        }
    }

    fn read(&self, address: &Digest) -> rusqlite::Result<Option<Row>> {
        let reader = self.reader();
        let mut found = reader.prepare_cached("SELECT key, response, sum, kept_ms FROM answer WHERE address = ?1")?;
        found.query_row([address.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))).optional()
    }
}

impl ResponseCache for Cache {
    fn find(&self, key: &AddressedKey, since_ms: u64) -> Option<(Response, u64)> {
        let address = key.address();
        if !self.may_hold(&address) {
            return None;
        }
        if let Some(response) = self.unwritten.lock().unwrap_or_else(PoisonError::into_inner).get(&address) {
            return Some((Response::clone(response), self.clock.now_ms())).filter(|(_, now)| *now >= since_ms);
        }
        // What cannot be read is asked again: a cache is never a reason to fail.
        let (stored, response, sum, kept_ms) = self.read(&address).ok().flatten()?;
        let is_whole = sum == check_sum(&stored, &response, kept_ms)
            && serde_json::from_str::<CacheKey>(&stored).ok().as_ref() == Some(key.key());
        let found = is_whole.then(|| serde_json::from_str(&response).ok()).flatten();
        let found = found.zip(u64::try_from(kept_ms).ok());
        if found.is_none() {
            self.send(Job::SetAside(address));
        }
        found.filter(|(_, kept_ms)| *kept_ms >= since_ms)
    }

    fn keep(&self, key: AddressedKey, response: Response) {
        if self.writer.is_none() {
            return;
        }
        let (address, response) = (key.address(), Arc::new(response));
        if let Some(kept) = &self.since_empty {
            kept.lock().unwrap_or_else(PoisonError::into_inner).insert(head(&address));
        }
        self.unwritten.lock().unwrap_or_else(PoisonError::into_inner).insert(address, response.clone());
        self.send(Job::Keep(Box::new((key, response))));
    }

    fn finish(&self) -> Result<(), PortError> {
        if self.writer.is_none() {
            return Ok(());
        }
        let (done, outcome) = channel();
        self.send(Job::Finish(done));
        outcome.recv().unwrap_or_else(|_| Err(PortError::other("write the cache", "its thread panicked")))
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let (nobody, _) = channel();
        *self.jobs.lock().unwrap_or_else(PoisonError::into_inner) = nobody;
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        // A panic there has been told by `finish`.
        let _ = thread.map(JoinHandle::join);
    }
}

/// The first bytes of an address.
fn head(address: &Digest) -> u64 {
    (address.prefix128() >> 64) as u64
}

/// A folder is no cache, and a pipe would be waited for.
fn must_be_a_file(path: &Path) -> Result<(), PortError> {
    match std::fs::metadata(path) {
        Ok(found) if !found.is_file() => {
            let what = if found.is_dir() { "it is a folder" } else { "it is no regular file" };
            let why = format!("{what}, and the cache is a file; move it away");
            Err(PortError::corrupt(format!("open the cache {}", path.display()), why))
        }
        _ => Ok(()),
    }
}

/// SQLite gives its other files the rights of this one.
fn private_file(path: &Path) -> std::io::Result<()> {
    let file = std::fs::OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
    drop(file);
    Ok(())
}

/// What to do where a file is damaged.
const EMPTY_IT: &str =
    "`promptgate cache prune --all` puts an empty one in its place, it holds nothing that cannot be asked again";

fn failed(path: &Path, what: &str, error: rusqlite::Error) -> PortError {
    let action = format!("{what} {}", path.display());
    match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::DiskFull | rusqlite::ErrorCode::ReadOnly) => {
            PortError::io(action, std::io::Error::new(std::io::ErrorKind::StorageFull, error.to_string()))
        }
        Some(rusqlite::ErrorCode::NotADatabase | rusqlite::ErrorCode::DatabaseCorrupt) => {
            PortError::corrupt(action, format!("{error}; {EMPTY_IT}"))
        }
        _ => PortError::other(action, error),
    }
}

fn connect(path: &Path, flags: OpenFlags) -> Result<Connection, PortError> {
    let open = || -> rusqlite::Result<Connection> {
        let connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
        connection.busy_timeout(PATIENCE)?;
        // Damage in a mapped file would be a signal, not an error.
        connection.pragma_update(None, "mmap_size", 0)?;
        Ok(connection)
    };
    open().map_err(|error| failed(path, "open the cache", error))
}

/// A connection that only reads, and the version of the file. SQLite writes beside a file that it reads, to know of those
/// who write meanwhile; where it may not, nobody does, and the file is read as it stands.
fn to_read(path: &Path) -> Result<(Connection, i64), PortError> {
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    match version_of(&connection) {
        Err(error) if is_refused(&error) => {
            let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
            let connection = connect(Path::new(&immutable(path)), flags)?;
            let version = known_version(path, &connection)?;
            Ok((connection, version))
        }
        _ => {
            let version = known_version(path, &connection)?;
            Ok((connection, version))
        }
    }
}

/// Whether SQLite may not write where it wants to.
fn is_refused(error: &rusqlite::Error) -> bool {
    matches!(error.sqlite_error_code(), Some(rusqlite::ErrorCode::ReadOnly | rusqlite::ErrorCode::CannotOpen))
}

/// The address of a file that nobody changes.
fn immutable(path: &Path) -> String {
    let mut address = "file:".to_owned();
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => address.push(char::from(*byte)),
            other => address.push_str(&format!("%{other:02X}")),
        }
    }
    address + "?immutable=1"
}

fn set_up(path: &Path, connection: &mut Connection) -> Result<(), PortError> {
    known_version(path, connection)?;
    let mut set_up = || -> rusqlite::Result<()> {
        // Many an answer is as long as a usual page, so of larger ones fewer are written. A file keeps what it was made with.
        connection.pragma_update(None, "page_size", 8_192)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        // What a power cut takes can be asked again.
        connection.pragma_update(None, "synchronous", "NORMAL")?;
        // In KiB: a batch finds room, so that no page of it is written twice.
        connection.pragma_update(None, "cache_size", -8_192)?;
        // In pages: what is written again and again is moved to the file less often.
        connection.pragma_update(None, "wal_autocheckpoint", 8_000)?;
        bring_up_to_date(connection)
    };
    set_up().map_err(|error| failed(path, "set up the cache", error))
}

/// Makes the tables, anew where an older version made them. The version is read where nobody else writes: who waited here for
/// another process must not drop what that one has kept since.
fn bring_up_to_date(connection: &mut Connection) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if (1..VERSION).contains(&version_of(&transaction)?) {
        transaction.execute_batch("DROP TABLE IF EXISTS answer")?;
    }
    transaction.execute_batch(TABLES)?;
    transaction.pragma_update(None, "user_version", VERSION)?;
    transaction.commit()
}

fn version_of(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("PRAGMA user_version", [], |row| row.get(0))
}

/// The version of a file; refuses one that a newer promptgate has written.
fn known_version(path: &Path, connection: &Connection) -> Result<i64, PortError> {
    match version_of(connection).map_err(|error| failed(path, "open the cache", error))? {
        version @ 0..=VERSION => Ok(version),
        damaged @ ..0 => Err(PortError::corrupt(
            format!("open the cache {}", path.display()),
            format!("it is of version {damaged}; {EMPTY_IT}"),
        )),
        newer => Err(PortError::newer(
            format!("open the cache {}", path.display()),
            format!(
                "a newer promptgate has written it, in version {newer} where this one knows {VERSION}; use the newer \
                 one, or delete the file"
            ),
        )),
    }
}

/// Over key, answer and time, so that none can be exchanged for another.
fn check_sum(key: &str, response: &str, kept_ms: i64) -> Vec<u8> {
    let mut sum = DigestWriter::default();
    sum.bytes(format!("{kept_ms}\n{}\n", key.len()).as_bytes());
    for part in [key, "\n", response] {
        sum.bytes(part.as_bytes());
    }
    sum.finish().as_bytes().to_vec()
}

/// The thread that writes: what has gathered goes into one transaction.
fn write(
    path: &Path,
    mut connection: Connection,
    inbox: &Receiver<Job>,
    with: (&dyn Clock, &Scrubber),
    unwritten: &Unwritten,
) {
    let mut outcome = Ok(());
    let mut waiting: Vec<Job> = Vec::new();
    let mut since = Instant::now();
    loop {
        let (is_due, is_over) = match next(inbox) {
            Ok(Job::Finish(done)) => {
                let written = commit(path, &mut connection, &mut waiting, with, unwritten);
                let _ = done.send(std::mem::replace(&mut outcome, Ok(())).and(written));
                continue;
            }
            Ok(job) => {
                if waiting.is_empty() {
                    since = Instant::now();
                }
                waiting.push(job);
                (waiting.len() >= BATCH || since.elapsed() >= LONGEST, false)
            }
            Err(RecvTimeoutError::Timeout) => (true, false),
            Err(RecvTimeoutError::Disconnected) => (true, true),
        };
        if is_due && !waiting.is_empty() {
            let written = commit(path, &mut connection, &mut waiting, with, unwritten);
            outcome = outcome.and(written);
        }
        if is_over {
            return;
        }
    }
}

/// The next job, or that none came for a while.
fn next(inbox: &Receiver<Job>) -> Result<Job, RecvTimeoutError> {
    match inbox.try_recv() {
        Ok(job) => return Ok(job),
        Err(TryRecvError::Disconnected) => return Err(RecvTimeoutError::Disconnected),
        Err(TryRecvError::Empty) => std::thread::sleep(REST),
    }
    inbox.recv_timeout(LULL)
}

fn commit(
    path: &Path,
    connection: &mut Connection,
    waiting: &mut Vec<Job>,
    (clock, scrubber): (&dyn Clock, &Scrubber),
    unwritten: &Unwritten,
) -> Result<(), PortError> {
    let now = i64::try_from(clock.now_ms()).unwrap_or(i64::MAX);
    let mut all = || -> rusqlite::Result<()> {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for job in &*waiting {
            match job {
                Job::Keep(kept) => insert(&transaction, kept, now, scrubber)?,
                Job::SetAside(address) => set_aside(&transaction, address, now)?,
                Job::Finish(_) => {}
            }
        }
        transaction.commit()
    };
    let written = all().map_err(|error| failed(path, "write the cache", error));
    let mut unwritten = unwritten.lock().unwrap_or_else(PoisonError::into_inner);
    for job in waiting.drain(..) {
        let Job::Keep(kept) = job else { continue };
        // A newer one of the same key may be on its way.
        let (address, response) = (kept.0.address(), &kept.1);
        if unwritten.get(&address).is_some_and(|newest| Arc::ptr_eq(newest, response)) {
            unwritten.remove(&address);
        }
    }
    written
}

fn insert(
    connection: &Connection,
    (key, response): &(AddressedKey, Arc<Response>),
    now: i64,
    scrubber: &Scrubber,
) -> rusqlite::Result<()> {
    // Both are plain values with string keys, which have a JSON form.
    let (key_text, text) = (serde_json::to_string(key.key()), serde_json::to_string(&**response));
    let (Ok(key_text), Ok(text)) = (key_text, text) else { return Ok(()) };
    let Ok(text) = scrub_json::<Response>(text, scrubber) else { return Ok(()) };
    let sum = check_sum(&key_text, &text, now);
    let statement = "INSERT OR REPLACE INTO answer (address, key, response, sum, kept_ms) VALUES (?1, ?2, ?3, ?4, ?5)";
    let mut insert = connection.prepare_cached(statement)?;
    insert.execute(params![key.address().as_bytes(), key_text, text, sum, now])?;
    Ok(())
}

/// Takes a damaged entry out, and notes that there was one.
fn set_aside(connection: &Connection, address: &Digest, now: i64) -> rusqlite::Result<()> {
    connection.execute("DELETE FROM answer WHERE address = ?1", [address.as_bytes()])?;
    connection.execute(
        "INSERT OR REPLACE INTO damaged (address, noticed_ms) VALUES (?1, ?2)",
        params![address.as_bytes(), now],
    )?;
    Ok(())
}
