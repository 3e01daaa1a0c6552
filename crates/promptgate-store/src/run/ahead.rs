//! Trials of a long record, read by a thread of their own while those before them are folded.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use promptgate_core::port::PortError;
use promptgate_core::record::SettledTrial;

use super::stored::TrialLines;

/// A shorter record is read faster than a thread is started.
const LONG: usize = 512;

/// Trials that are handed over at once: so many, or the first at which their lines pass so many bytes.
const MOST_TRIALS: usize = 64;
const MOST_BYTES: usize = 128 << 10;

/// Such parts that may wait to be folded.
const WAITING: usize = 4;

type Part = Vec<Result<SettledTrial, PortError>>;

/// The trials in plan order.
pub(super) struct ReadAhead {
    parts: Receiver<Part>,
    part: std::vec::IntoIter<Result<SettledTrial, PortError>>,
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
        let (sender, parts) = sync_channel(WAITING);
        let lines = lines.clone();
        std::thread::Builder::new().name("promptgate-read".into()).spawn(move || read(&lines, &sender)).ok()?;
        Some(Self { parts, part: Vec::new().into_iter(), left })
    }
}

/// Reads until all is read, or nobody takes more.
fn read(lines: &TrialLines, parts: &SyncSender<Part>) {
    let (mut part, mut bytes) = (Part::new(), 0);
    for entry in lines.entries() {
        let text = lines.text(*entry);
        bytes += text.as_ref().map_or(0, Vec::len);
        part.push(text.and_then(|text| lines.trial(*entry, &text)));
        if part.len() == MOST_TRIALS || bytes > MOST_BYTES {
            if parts.send(std::mem::take(&mut part)).is_err() {
                return;
            }
            bytes = 0;
        }
    }
    // Nobody is there any more where this fails.
    let _ = parts.send(part);
}

impl Iterator for ReadAhead {
    type Item = Result<SettledTrial, PortError>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.left > 0 {
            if let Some(trial) = self.part.next() {
                self.left -= 1;
                return Some(trial);
            }
            let Ok(part) = self.parts.recv() else {
                // Trials that do not come must not look like trials that are not there.
                self.left = 0;
                return Some(Err(PortError::other("read the run", "its thread panicked")));
            };
            self.part = part.into_iter();
        }
        None
    }
}
