//! One process of a program, and the lines that go to and fro.

use std::collections::HashSet;
use std::fmt;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::{Map, Value};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::task::JoinHandle;

/// A longer line is no answer.
const LONGEST_LINE: u64 = 16 << 20;

/// How much of what it says about itself is kept.
const LAST_WORDS: usize = 2_000;

/// How long its last words are waited for once it is over.
const FAREWELL: Duration = Duration::from_millis(200);

pub(super) struct Process {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    /// The same pipe that is listened to.
    stderr: OwnedFd,
    said: Arc<Mutex<Vec<u8>>>,
    listening: JoinHandle<()>,
    /// The id of the newest question. The first one is drawn, so that no line printed beforehand can carry it.
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
}

/// Below 2^48, so that every language takes it for the integer it is.
fn drawn() -> u64 {
    RandomState::new().build_hasher().finish() >> 16
}

impl Process {
    /// Starts a process in a group of its own, so that whatever it starts ends with it.
    pub(super) fn start(command: &[String], folder: &Path) -> std::io::Result<Self> {
        let (program, arguments) = command.split_first().ok_or(std::io::ErrorKind::InvalidInput)?;
        // A path with a folder in it is meant from where the program runs, wherever promptgate runs.
        let program = if program.contains('/') { folder.join(program) } else { program.into() };
        let mut child = Command::new(program)
            .args(arguments)
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        let missing = || std::io::Error::other("a pipe is missing");
        let stdin = child.stdin.take().ok_or_else(missing)?;
        let stdout = BufReader::new(child.stdout.take().ok_or_else(missing)?);
        let stderr = child.stderr.take().ok_or_else(missing)?;
        let heard = stderr.as_fd().try_clone_to_owned()?;
        let said = Arc::new(Mutex::default());
        let listening = tokio::spawn(listen(stderr, Arc::clone(&said)));
        Ok(Self { child, stdin, stdout, stderr: heard, said, listening, asked: drawn() })
    }

    /// Whether it has said nothing that it was not asked.
    pub(super) fn is_fit(&self) -> bool {
        self.stdout.buffer().is_empty()
    }

    /// One question, one answer.
    pub(super) async fn ask(&mut self, mut question: Map<String, Value>) -> Result<Value, Broken> {
        self.asked += 1;
        question.insert("id".to_owned(), self.asked.into());
        let mut line = Value::from(question).to_string();
        line.push('\n');
        // A program that is over reads no more: what it said before, or how it ended, tells more than the broken pipe.
        let _ = self.stdin.write_all(line.as_bytes()).await;
        let _ = self.stdin.flush().await;
        let mut line = Vec::new();
        (&mut self.stdout).take(LONGEST_LINE).read_until(b'\n', &mut line).await?;
        if line.is_empty() {
            let status = self.child.wait().await?;
            return Err(Broken::Ended(status.to_string()));
        }
        if line.last() != Some(&b'\n') && line.len() as u64 >= LONGEST_LINE {
            return Err(Broken::TooLong);
        }
        let answer = self.read(&line)?;
        self.forget();
        Ok(answer)
    }

    /// Forgets what it said so far about itself, also what is still in the pipe: it is of the question that was answered, and
    /// the words of one case do not belong in the message of another.
    fn forget(&self) {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let mut piece = [0; 4096];
        while let Ok(1..) = rustix::io::read(&self.stderr, &mut piece) {}
        said.clear();
    }

    fn read(&self, line: &[u8]) -> Result<Value, Broken> {
        let shown = || String::from_utf8_lossy(line).trim().chars().take(200).collect::<String>();
        let Ok(Value::Object(mut reply)) = serde_json::from_slice(line) else { return Err(Broken::NotJson(shown())) };
        if let Ok(Keys(Some(key))) = serde_json::from_slice(line) {
            return Err(Broken::SaysTwice(one_line(&key)));
        }
        match reply.remove("id") {
            Some(id) if id.as_u64() == Some(self.asked) => {}
            Some(id) => return Err(Broken::OtherId(id.to_string())),
            None => return Err(Broken::OtherId("(none)".to_owned())),
        }
        match reply.get("error") {
            Some(Value::String(error)) => Err(Broken::Reports(one_line(error))),
            Some(error) if !error.is_null() => Err(Broken::Reports(one_line(&error.to_string()))),
            _ => Ok(reply.into()),
        }
    }

    /// A message with the end of what it printed to standard error. Ends the process.
    pub(super) async fn last_words(mut self, message: String) -> String {
        self.kill();
        let _ = tokio::time::timeout(FAREWELL, &mut self.listening).await;
        let said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        match one_line(&String::from_utf8_lossy(&said)) {
            said if said.is_empty() => message,
            said => format!("{message}; it said: {said}"),
        }
    }

    fn kill(&self) {
        // Without an id it has been waited for already.
        if let Some(id) = self.child.id().and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw) {
            let _ = kill_process_group(id, Signal::KILL);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
        self.listening.abort();
    }
}

/// The first key of an object that stands in it twice. A map would keep the last one, and so choose between two scores.
struct Keys(Option<String>);

impl<'de> Deserialize<'de> for Keys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(KeysVisitor)
    }
}

struct KeysVisitor;

impl<'de> Visitor<'de> for KeysVisitor {
    type Value = Keys;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Keys, A::Error> {
        let (mut seen, mut twice) = (HashSet::new(), None);
        while let Some((key, IgnoredAny)) = map.next_entry::<String, IgnoredAny>()? {
            if !seen.insert(key.clone()) {
                twice.get_or_insert(key);
            }
        }
        Ok(Keys(twice))
    }
}

fn one_line(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines.join(" | ")
}

/// Keeps the end of what a process says about itself.
async fn listen(mut stderr: ChildStderr, said: Arc<Mutex<Vec<u8>>>) {
    let mut piece = [0; 4096];
    while let Ok(count @ 1..) = stderr.read(&mut piece).await {
        let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
        said.extend_from_slice(&piece[..count]);
        let surplus = said.len().saturating_sub(LAST_WORDS);
        said.drain(..surplus);
    }
}
