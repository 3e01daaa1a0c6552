//! Trials whose model answers nothing at present: others come first, so that one model's outage holds no other one up.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use promptgate_core::plan::TrialAddress;

/// Trials that were put off, by model, in the order in which they came.
pub(crate) struct PutOff {
    by_model: Mutex<Vec<VecDeque<TrialAddress>>>,
    /// How many there are, so that nobody waits for the lock to see that there are none.
    count: AtomicUsize,
}

impl PutOff {
    pub(crate) fn new(models: usize) -> Self {
        Self { by_model: Mutex::new(vec![VecDeque::new(); models]), count: AtomicUsize::new(0) }
    }

    pub(crate) fn push(&self, trial: TrialAddress) {
        self.open()[trial.model].push_back(trial);
        self.count.fetch_add(1, Ordering::Release);
    }

    /// The first trial of a model that is ready.
    pub(crate) fn take(&self, is_ready: impl Fn(usize) -> bool) -> Option<TrialAddress> {
        if self.count.load(Ordering::Acquire) == 0 {
            return None;
        }
        let mut by_model = self.open();
        let mut waiting = by_model.iter_mut().enumerate().filter(|(_, trials)| !trials.is_empty());
        let taken = waiting.find(|(model, _)| is_ready(*model))?.1.pop_front();
        self.count.fetch_sub(usize::from(taken.is_some()), Ordering::Release);
        taken
    }

    fn open(&self) -> MutexGuard<'_, Vec<VecDeque<TrialAddress>>> {
        self.by_model.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trial(model: usize, case: usize) -> TrialAddress {
        TrialAddress { version: 0, model, case, repeat: 1 }
    }

    #[test]
    fn what_was_put_off_comes_in_its_order_once_its_model_is_ready() {
        let put_off = PutOff::new(2);
        assert_eq!(put_off.take(|_| true), None);
        for each in [trial(0, 1), trial(1, 1), trial(0, 2)] {
            put_off.push(each);
        }
        assert_eq!(put_off.take(|model| model == 1), Some(trial(1, 1)));
        assert_eq!(put_off.take(|model| model == 1), None);
        assert_eq!(put_off.take(|_| true), Some(trial(0, 1)));
        assert_eq!(put_off.take(|_| true), Some(trial(0, 2)));
        assert_eq!(put_off.take(|_| true), None);
    }
}
