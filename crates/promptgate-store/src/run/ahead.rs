//! Trials of a long record, read by threads of their own while those before them are folded.

use std::num::NonZero;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{Builder, available_parallelism};

use promptgate_core::port::PortError;
use promptgate_core::record::Digested;

use super::stored::TrialLines;

/// A shorter record is read faster than a thread is started.
const LONG: usize = 512;

/// More threads than this read no faster: folding is the work of one.
const MOST_THREADS: usize = 4;

/// Trials that a thread reads in a row before the next thread's turn comes.
const TURN: usize = 64;

/// A turn is handed over in parts, each as soon as its lines pass so many bytes.
const MOST_BYTES: usize = 128 << 10;

/// Parts of each thread that may wait to be folded.
const WAITING: usize = 2;

struct Part {
    trials: Vec<Digested>,
    /// Whether the turn goes on in the next part.
    more: bool,
}

/// The trials in plan order.
pub(super) struct ReadAhead {
    /// Of each thread, in the order of their turns.
    parts: Vec<Receiver<Part>>,
    /// Whose turn it is.
    turn: usize,
    part: std::vec::IntoIter<Digested>,
    /// Trials that are still to come.
    left: usize,
}

impl ReadAhead {
    /// Starts to read; nothing where the record is short, or where there is no thread to be had.
    pub(super) fn of(lines: &TrialLines) -> Option<Self> {
        let left = lines.entries().len();
        if left < LONG {
            return None;
        }
        let threads = available_parallelism().map_or(1, NonZero::get).min(MOST_THREADS);
        let start = |first: usize| {
            let (sender, parts) = sync_channel(WAITING);
            let lines = lines.clone();
            let read = move || read(&lines, first, threads, &sender);
            Builder::new().name("promptgate-read".into()).spawn(read).ok().map(|_| parts)
        };
        let parts = (0..threads).map(start).collect::<Option<_>>()?;
        Some(Self { parts, turn: 0, part: Vec::new().into_iter(), left })
    }

    /// The next part that was read; nothing where its thread is gone.
    fn next_part(&mut self) -> Option<Vec<Digested>> {
        let part = self.parts[self.turn].recv().ok()?;
        if !part.more {
            self.turn = (self.turn + 1) % self.parts.len();
        }
        Some(part.trials)
    }
}

/// Reads every turn of one thread, until all are read or nobody takes more.
fn read(lines: &TrialLines, first: usize, threads: usize, parts: &SyncSender<Part>) {
    let mut text = Vec::new();
    for turn in lines.entries().chunks(TURN).skip(first).step_by(threads) {
        let (mut trials, mut bytes) = (Vec::with_capacity(turn.len()), 0);
        for (at, entry) in turn.iter().enumerate() {
            trials.push(lines.read(*entry, &mut text));
            bytes += text.len();
            let more = at + 1 < turn.len();
            if !more || bytes > MOST_BYTES {
                if parts.send(Part { trials: std::mem::take(&mut trials), more }).is_err() {
                    return;
                }
                bytes = 0;
            }
        }
    }
}

impl Iterator for ReadAhead {
    type Item = Digested;

    fn next(&mut self) -> Option<Self::Item> {
        while self.left > 0 {
            if let Some(trial) = self.part.next() {
                self.left -= 1;
                return Some(trial);
            }
            let Some(trials) = self.next_part() else {
                // Trials that do not come must not look like trials that are not there.
                self.left = 0;
                return Some(Err(PortError::other("read the run", "its thread panicked")));
            };
            self.part = trials.into_iter();
        }
        None
    }
}
