//! The writer thread: the one owner of the run's log. It commits in groups, and a trial counts, and is shown, after the
//! commit that put it on disk.

use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use promptgate_core::event::{Event, Listener};
use promptgate_core::port::{PortError, RunLog};
use promptgate_core::record::{BegunTrial, SettledTrial};
use promptgate_core::score::Outcome;

use crate::outcome::Tally;

/// When an open batch is committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GroupCommit {
    /// A batch is open no longer than this.
    pub longest: Duration,
    /// Nor does it grow beyond this many bytes.
    pub largest: usize,
}

impl Default for GroupCommit {
    fn default() -> Self {
        Self { longest: Duration::from_millis(50), largest: 1 << 20 }
    }
}

/// A trial on its way to the log.
#[derive(Debug)]
pub(crate) enum Entry {
    /// It is settled.
    Settled {
        trial: Box<SettledTrial>,
        /// Whether a provider was called for it in this run.
        called: bool,
    },
    /// It is not, and something was paid for it.
    Begun(Box<BegunTrial>),
}

/// Trials that may wait for the writer.
const QUEUE: usize = 256;

/// How long the writer rests before it waits for more of an open batch. Nobody has to wake it for each trial that comes
/// meanwhile.
const REST: Duration = Duration::from_millis(2);

/// The sending side of the writer thread.
pub(crate) struct Writer {
    sender: SyncSender<Entry>,
    thread: JoinHandle<Written>,
}

/// What the writer came to.
pub(crate) struct Written {
    /// The trials that are on disk.
    pub(crate) tally: Tally,
    /// The log, unless writing failed: to be marked as complete, or dropped as it is.
    pub(crate) log: Result<Box<dyn RunLog>, PortError>,
}

impl Writer {
    /// Starts the thread. `failed` is called at once when the log takes no more, so that no call is made in vain.
    pub(crate) fn start(
        log: Box<dyn RunLog>,
        commit: GroupCommit,
        listener: Listener,
        failed: impl FnOnce(&PortError) + Send + 'static,
    ) -> std::io::Result<Self> {
        let (sender, receiver) = sync_channel(QUEUE);
        let batch = Batch { log, commit, listener, tally: Tally::default(), open: Vec::new(), since: None };
        let thread =
            std::thread::Builder::new().name("promptgate-log".into()).spawn(move || batch.run(&receiver, failed))?;
        Ok(Self { sender, thread })
    }

    /// A handle to send trials by; sending waits while the queue is full and fails once the log has.
    pub(crate) fn sender(&self) -> SyncSender<Entry> {
        self.sender.clone()
    }

    /// Waits until everything sent is on disk. All senders must be gone by then.
    pub(crate) fn join(self) -> std::thread::Result<Written> {
        drop(self.sender);
        self.thread.join()
    }
}

struct Batch {
    log: Box<dyn RunLog>,
    commit: GroupCommit,
    listener: Listener,
    tally: Tally,
    /// Appended, not committed: what is shown after the commit.
    open: Vec<(Outcome, bool)>,
    since: Option<Instant>,
}

impl Batch {
    fn run(mut self, receiver: &Receiver<Entry>, failed: impl FnOnce(&PortError)) -> Written {
        let result = self.take_all(receiver);
        if let Err(error) = &result {
            failed(error);
        }
        Written { tally: self.tally, log: result.map(|()| self.log) }
    }

    fn take_all(&mut self, receiver: &Receiver<Entry>) -> Result<(), PortError> {
        loop {
            match self.next(receiver) {
                Ok(entry) => self.append(&entry)?,
                Err(RecvTimeoutError::Timeout) => self.write()?,
                Err(RecvTimeoutError::Disconnected) => return self.write(),
            }
        }
    }

    fn next(&self, receiver: &Receiver<Entry>) -> Result<Entry, RecvTimeoutError> {
        let Some(since) = self.since else { return receiver.recv().map_err(|_| RecvTimeoutError::Disconnected) };
        let left = || self.commit.longest.saturating_sub(since.elapsed());
        match receiver.try_recv() {
            Ok(entry) => return Ok(entry),
            Err(TryRecvError::Disconnected) => return Err(RecvTimeoutError::Disconnected),
            Err(TryRecvError::Empty) => std::thread::sleep(REST.min(left())),
        }
        receiver.recv_timeout(left())
    }

    fn append(&mut self, entry: &Entry) -> Result<(), PortError> {
        let bytes = match entry {
            Entry::Settled { trial, called } => {
                self.open.push((trial.outcome, *called));
                self.log.append(trial)?
            }
            Entry::Begun(trial) => self.log.append_begun(trial)?,
        };
        let since = *self.since.get_or_insert_with(Instant::now);
        // A queue that never runs dry would otherwise keep the batch open until it is large.
        if bytes >= self.commit.largest || since.elapsed() >= self.commit.longest { self.write() } else { Ok(()) }
    }

    fn write(&mut self) -> Result<(), PortError> {
        if self.since.take().is_some() {
            self.log.commit()?;
            for (outcome, called) in self.open.drain(..) {
                self.tally.add(outcome, called);
                (self.listener)(Event::Settled { outcome, called });
            }
        }
        Ok(())
    }
}
