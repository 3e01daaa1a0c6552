//! One process of a program, and the lines that go to and fro.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use promptgate_core::answer::FailureKind;
use promptgate_core::secret::Scrubber;
use rustix::io::ioctl_fionread;
use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::{Map, Value};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::unix::pipe::Receiver;
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout, timeout_at};

use crate::doubled::doubled_key;
use crate::http::overslept;
use crate::wire::parsed;

/// A longer line is no answer.
const LONGEST_LINE: u64 = 16 << 20;

/// How many characters of what it says about itself are shown.
const LAST_WORDS: usize = 2_000;

/// How many bytes of it are kept until they are shown: with room for any secret before what is shown.
const KEPT_WORDS: usize = 32 << 10;

/// How much of a line that is no answer is shown.
const SHOWN: usize = 200;

/// How long it may take until it reads its first question: it is starting up, which is nobody's answer.
const START: Duration = Duration::from_secs(60);

/// How often it is looked whether it has.
const LOOK: Duration = Duration::from_millis(2);

/// How long its last words are waited for once it is over.
const FAREWELL: Duration = Duration::from_millis(200);

/// The groups of all processes that run.
static GROUPS: Mutex<Vec<Pid>> = Mutex::new(Vec::new());

fn groups() -> MutexGuard<'static, Vec<Pid>> {
    GROUPS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Ends all programs with everything they have started, and lets none be started any more: for a process that is about to
/// exit without unwinding.
pub fn end_programs() {
    let groups = groups();
    for group in groups.iter() {
        let _ = kill_process_group(*group, Signal::KILL);
    }
    // Locked for good: whoever wants to start another waits for the exit.
    std::mem::forget(groups);
}

pub(super) struct Process {
    child: Child,
    /// Nothing once it was ended.
    group: Option<Pid>,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    stderr: Arc<Receiver>,
    said: Arc<Mutex<Vec<u8>>>,
    listening: JoinHandle<()>,
    scrubber: Scrubber,
    /// The id of the newest question. Each one is drawn, so that no line printed beforehand can carry it.
    id: u64,
    /// Questions so far.
    asked: u64,
}

/// Why a process is of no use any more.
#[derive(Debug, thiserror::Error)]
pub(super) enum Broken {
    #[error("ended without an answer ({0})")]
    Ended(String),
    #[error("printed a line that is no JSON object: {0}")]
    NotJson(String),
    #[error("printed a line longer than {} MiB", LONGEST_LINE >> 20)]
    TooLong,
    #[error("answered with the id {0}, which is not that of the question")]
    OtherId(String),
    #[error("answered with the key `{0}` twice")]
    SaysTwice(String),
    #[error("reports: {0}")]
    Reports(String),
    #[error("cannot be talked to: {0}")]
    Pipe(#[from] std::io::Error),
    #[error("took longer than {} ms", .0.as_millis())]
    Slow(Duration),
    #[error("did not read its question within {} s of its start", START.as_secs())]
    Unread,
    #[error("had no time to answer, since this machine stood still")]
    Overslept,
}

impl Broken {
    /// Whether it may be about an earlier question: the process was over already, or spoke late.
    pub(super) fn may_be_late(&self) -> bool {
        matches!(self, Self::Ended(_) | Self::NotJson(_) | Self::OtherId(_) | Self::Pipe(_))
    }

    pub(super) fn kind(&self) -> FailureKind {
        match self {
            Self::Slow(_) => FailureKind::ModelTimeout,
            Self::Overslept => FailureKind::Connection,
            _ => FailureKind::Crash,
        }
    }
}

/// Below 2^48, so that every language takes it for the integer it is.
fn drawn() -> u64 {
    RandomState::new().build_hasher().finish() >> 16
}

impl Process {
    /// Starts a process in a group of its own, so that whatever it starts ends with it.
    pub(super) fn start(command: &[String], folder: &Path, scrubber: &Scrubber) -> std::io::Result<Self> {
        let (program, arguments) = command.split_first().ok_or(std::io::ErrorKind::InvalidInput)?;
        // A path with a folder in it is meant from where the program runs, wherever promptgate runs.
        let program = if program.contains('/') { folder.join(program) } else { program.into() };
        let mut command = Command::new(program);
        command.args(arguments).current_dir(folder).process_group(0).kill_on_drop(true);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let (mut child, group) = spawn(&mut command)?;
        let missing = || std::io::Error::other("a pipe is missing");
        let stdin = child.stdin.take().ok_or_else(missing)?;
        let stdout = BufReader::new(child.stdout.take().ok_or_else(missing)?);
        let stderr = child.stderr.take().ok_or_else(missing)?;
        let stderr = Arc::new(Receiver::from_owned_fd(stderr.into_owned_fd()?)?);
        let said = Arc::new(Mutex::default());
        let listening = tokio::spawn(listen(Arc::clone(&stderr), Arc::clone(&said), scrubber.clone()));
        let scrubber = scrubber.clone();
        Ok(Self { child, group, stdin, stdout, stderr, said, listening, scrubber, id: 0, asked: 0 })
    }

    /// Whether it runs and has said nothing that it was not asked.
    pub(super) fn is_fit(&mut self) -> bool {
        let is_silent = self.stdout.buffer().is_empty() && ioctl_fionread(self.stdout.get_ref()).is_ok_and(|n| n == 0);
        is_silent && matches!(self.child.try_wait(), Ok(None))
    }

    /// Whether it was asked before its newest question.
    pub(super) fn is_reused(&self) -> bool {
        self.asked > 1
    }

    /// One question, one answer, and how long that took; what the process took to start up is not counted.
    pub(super) async fn ask(
        &mut self,
        mut question: Map<String, Value>,
        limit: Duration,
    ) -> Result<(Value, Duration), Broken> {
        (self.id, self.asked) = (drawn(), self.asked + 1);
        question.insert("id".to_owned(), self.id.into());
        let mut line = Value::from(question).to_string();
        line.push('\n');
        let began = match self.is_reused() {
            true => Instant::now(),
            false => timeout(START, self.started(&std::mem::take(&mut line))).await.map_err(|_| Broken::Unread)?,
        };
        let deadline = began + limit;
        match timeout_at(deadline, self.exchanged(&line)).await {
            Ok(reply) => {
                let (answer, took) = (self.read(&reply?)?, began.elapsed());
                self.forget();
                Ok((answer, took))
            }
            Err(_) if overslept(deadline) => Err(Broken::Overslept),
            Err(_) => Err(Broken::Slow(limit)),
        }
    }

    /// Hands the first question over. Since when the process has it, no later than that.
    async fn started(&mut self, line: &str) -> Instant {
        self.write(line).await;
        loop {
            let looked = Instant::now();
            let is_unread = ioctl_fionread(&self.stdin).is_ok_and(|unread| unread > 0);
            // Whatever it says, or its end, is read by those who wait for the answer.
            if !is_unread || timeout(LOOK, self.stdout.fill_buf()).await.is_ok() {
                return looked;
            }
        }
    }

    async fn write(&mut self, line: &str) {
        // A program that is over reads no more: what it said before, or how it ended, tells more than the broken pipe.
        let _ = self.stdin.write_all(line.as_bytes()).await;
        let _ = self.stdin.flush().await;
    }

    /// Writes what is not written yet, and waits for a line.
    async fn exchanged(&mut self, unwritten: &str) -> Result<Vec<u8>, Broken> {
        self.write(unwritten).await;
        let mut line = Vec::new();
        (&mut self.stdout).take(LONGEST_LINE).read_until(b'\n', &mut line).await?;
        if line.is_empty() {
            let status = self.child.wait().await?;
            return Err(Broken::Ended(status.to_string()));
        }
        if line.last() != Some(&b'\n') && line.len() as u64 >= LONGEST_LINE {
            return Err(Broken::TooLong);
        }
        Ok(line)
    }

    /// Forgets what it said so far about itself, also what is still in the pipe: it is of the question that was answered, and
    /// the words of one case do not belong in the message of another.
    fn forget(&self) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        // As much as a pipe holds; what comes while it is read is of nobody knows which question.
        let mut piece = [0; 4096];
        let _ = (0..16).find(|_| !matches!(self.stderr.try_read(&mut piece), Ok(1..)));
        said.clear();
    }

    fn read(&self, line: &[u8]) -> Result<Value, Broken> {
        let Ok(Value::Object(mut reply)) = parsed(line) else {
            return Err(Broken::NotJson(self.shown(&String::from_utf8_lossy(line))));
        };
        if let Some(key) = doubled_key(line) {
            return Err(Broken::SaysTwice(self.shown(&key)));
        }
        match reply.remove("id") {
            Some(id) if id.as_u64() == Some(self.id) => {}
            Some(id) => return Err(Broken::OtherId(self.shown(&id.to_string()))),
            None => return Err(Broken::OtherId("(none)".to_owned())),
        }
        match reply.get("error") {
            Some(Value::String(error)) => Err(Broken::Reports(self.reported(error))),
            Some(error) if !error.is_null() => Err(Broken::Reports(self.reported(&error.to_string()))),
            _ => Ok(reply.into()),
        }
    }

    /// The beginning of what it printed in place of an answer.
    fn shown(&self, text: &str) -> String {
        one_line(&self.scrubbed(text)).chars().take(SHOWN).collect()
    }

    /// The end of an error that it tells.
    fn reported(&self, error: &str) -> String {
        end(&one_line(&self.scrubbed(error)), LAST_WORDS).to_owned()
    }

    /// Before anything is cut: half a secret is a leak that no scrubber finds any more.
    fn scrubbed(&self, text: &str) -> String {
        self.scrubber.scrub(text).into_owned()
    }

    /// A message with the end of what it printed to standard error. Ends the process.
    pub(super) async fn last_words(mut self, message: String) -> String {
        self.kill();
        let _ = timeout(FAREWELL, &mut self.listening).await;
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        match one_line(&self.scrubbed(&String::from_utf8_lossy(&said))) {
            said if said.is_empty() => message,
            said => format!("{message}; it said: {}", end(&said, LAST_WORDS)),
        }
    }

    /// With all that it has started, also where it is over itself. Once: afterwards its number may be another's.
    fn kill(&mut self) {
        if let Some(group) = self.group.take() {
            let _ = kill_process_group(group, Signal::KILL);
            groups().retain(|each| *each != group);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
        self.listening.abort();
    }
}

/// Under the lock, so that no process is missed by [`end_programs`].
fn spawn(command: &mut Command) -> std::io::Result<(Child, Option<Pid>)> {
    let mut groups = groups();
    let child = command.spawn()?;
    let group = child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
    groups.extend(group);
    Ok((child, group))
}

fn one_line(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines.join(" | ")
}

/// The last characters of a text.
fn end(text: &str, characters: usize) -> &str {
    let begin = text.char_indices().rev().nth(characters - 1).map_or(0, |(at, _)| at);
    &text[begin..]
}

/// Keeps the end of what a process says about itself. It is read under the lock, so that nothing that was read before is
/// added after it was to be forgotten.
async fn listen(stderr: Arc<Receiver>, said: Arc<Mutex<Vec<u8>>>, scrubber: Scrubber) {
    while stderr.readable().await.is_ok() {
        let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
        let mut piece = [0; 4096];
        match stderr.try_read(&mut piece) {
            Ok(0) => return,
            Ok(count) => said.extend_from_slice(&piece[..count]),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
            Err(_) => return,
        }
        if said.len() > 2 * KEPT_WORDS {
            shorten(&mut said, &scrubber);
        }
    }
}

/// Cuts what is kept from the front, no secret in it: one that was halved would be found no more. Its very end waits for the
/// rest of a character.
fn shorten(said: &mut Vec<u8>, scrubber: &Scrubber) {
    let open = said.iter().rev().take(3).take_while(|byte| !byte.is_ascii()).count();
    let rest = said.split_off(said.len() - open);
    let text = String::from_utf8_lossy(said);
    let clean = scrubber.scrub(&text);
    let short = end(&clean, KEPT_WORDS).as_bytes().to_vec();
    *said = [short, rest].concat();
}
