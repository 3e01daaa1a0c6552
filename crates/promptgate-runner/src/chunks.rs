//! One pass over many cases on all cores, in chunks; results arrive in the order of the cases whatever finished first.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::available_parallelism;

/// Cases in a chunk: large enough that handing it over costs nothing, small enough that all cores get some.
const CHUNK: usize = 256;

/// Does `work` on every chunk of `0..len` and gives what it yields to `take`, in order. The first mistake in that order
/// ends the pass.
pub(crate) fn in_chunks<T: Send, E: Send>(
    len: usize,
    work: impl Fn(Range<usize>) -> Result<T, E> + Sync,
    mut take: impl FnMut(T),
) -> Result<(), E> {
    let pass = Pass { len, next: AtomicUsize::new(0), over: AtomicBool::new(false), work };
    let threads = available_parallelism().map_or(1, usize::from).min(len.div_ceil(CHUNK)).max(1);
    std::thread::scope(|scope| {
        let (sender, receiver) = sync_channel(2 * threads);
        for _ in 0..threads {
            let (pass, sender) = (&pass, sender.clone());
            scope.spawn(move || pass.work_off(&sender));
        }
        drop(sender);
        let (mut early, mut due) = (BTreeMap::new(), 0);
        for (chunk, result) in receiver {
            early.insert(chunk, result);
            while let Some(result) = early.remove(&due) {
                take(result?);
                due += 1;
            }
        }
        Ok(())
    })
}

struct Pass<W> {
    len: usize,
    next: AtomicUsize,
    over: AtomicBool,
    work: W,
}

impl<W> Pass<W> {
    /// Takes chunks until there are none left, somebody failed, or nobody listens.
    fn work_off<T, E>(&self, sender: &SyncSender<(usize, Result<T, E>)>)
    where
        W: Fn(Range<usize>) -> Result<T, E>,
    {
        while !self.over.load(Ordering::Relaxed) {
            let chunk = self.next.fetch_add(1, Ordering::Relaxed);
            let start = chunk * CHUNK;
            if start >= self.len {
                return;
            }
            let result = (self.work)(start..self.len.min(start + CHUNK));
            if result.is_err() {
                self.over.store(true, Ordering::Relaxed);
            }
            if sender.send((chunk, result)).is_err() {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_arrive_in_order_whatever_finished_first() {
        for len in [0, 1, CHUNK, 10 * CHUNK + 1] {
            let mut seen = Vec::new();
            let work = |range: Range<usize>| Ok::<_, ()>(range.collect::<Vec<_>>());
            in_chunks(len, work, |part| seen.extend(part)).unwrap();
            assert!(seen.into_iter().eq(0..len));
        }
    }

    #[test]
    fn the_first_mistake_in_order_ends_the_pass() {
        let work = |range: Range<usize>| if range.contains(&(3 * CHUNK)) { Err(range.start) } else { Ok(()) };
        assert_eq!(in_chunks(100 * CHUNK, work, |()| ()), Err(3 * CHUNK));
    }
}
