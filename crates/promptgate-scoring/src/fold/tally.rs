//! What is summed over a record whatever it is folded to: cost, calls, evidence.

use std::collections::BTreeSet;

use promptgate_core::digest::Digest;
use promptgate_core::price::NanoUsd;
use promptgate_core::record::{EvidenceWriter, RunHeader, SettledTrial, TrialVolatile};
use promptgate_core::report::Cost;

/// Sums over the trials of a record.
pub(crate) struct Tally {
    evidence: EvidenceWriter,
    pub(crate) cost: Cost,
    pub(crate) attempts: u64,
    pub(crate) reused: u64,
    /// What failed attempts cost, as far as that is known, and of how many it is not.
    pub(crate) wasted: NanoUsd,
    pub(crate) wasted_unpriced: u64,
    /// Planned trials on record; calls that confirm a broken case come on top.
    pub(crate) planned: u64,
    trials: u32,
    /// Questions whose reply is the same for all cases, of which one call is counted.
    shared: BTreeSet<u128>,
    /// Of these, those that were called for: the first call is the one that is counted.
    paid: BTreeSet<u128>,
}

impl Tally {
    pub(crate) fn new(header: &RunHeader) -> Self {
        let evidence = EvidenceWriter::new(header);
        Self {
            evidence,
            cost: Cost::default(),
            attempts: 0,
            reused: 0,
            wasted: NanoUsd::default(),
            wasted_unpriced: 0,
            planned: 0,
            trials: header.trials,
            shared: BTreeSet::new(),
            paid: BTreeSet::new(),
        }
    }

    /// Takes in the next trial in plan order.
    pub(crate) fn add(&mut self, trial: &SettledTrial, digest: &Digest) {
        self.evidence.trial(digest);
        self.planned += u64::from(trial.repeat <= self.trials);
        if let Some(response) = &trial.response {
            match response.cost {
                Some(cost) => self.cost.nano_usd = self.cost.nano_usd.plus(cost),
                None => self.cost.unpriced += 1,
            }
            if let Some(usage) = &response.usage {
                self.cost.input_tokens = self.cost.input_tokens.saturating_add(usage.input_tokens);
                self.cost.output_tokens = self.cost.output_tokens.saturating_add(usage.output_tokens);
            }
        }
        let shared = self.shared_cost(&trial.volatile);
        self.cost.judge_nano_usd =
            shared.into_iter().chain(trial.judge_cost).fold(self.cost.judge_nano_usd, NanoUsd::plus);
        self.cost.judge_unpriced += u64::from(trial.judge_unpriced);
        self.attempts += u64::from(trial.volatile.attempts);
        self.reused += u64::from(trial.volatile.reused.is_some() || trial.volatile.kept);
        self.wasted = self.wasted.plus(trial.volatile.wasted.unwrap_or_default());
        self.wasted_unpriced += u64::from(trial.volatile.wasted_unpriced);
    }

    /// What a trial's shared questions add: each is counted once a run for whoever gets its reply, which covers the first
    /// call for it, and then for each call.
    fn shared_cost(&mut self, volatile: &TrialVolatile) -> Option<NanoUsd> {
        let costs = volatile.shared.iter().map(|(question, cost)| {
            let calls = volatile.paid.get(question).copied().unwrap_or_default();
            let once = u32::from(self.shared.insert(question.prefix128()));
            let covered = u32::from(calls > 0 && self.paid.insert(question.prefix128()));
            cost.times(once + calls - covered)
        });
        costs.reduce(NanoUsd::plus)
    }

    /// The evidence digest.
    pub(crate) fn evidence(self) -> Digest {
        self.evidence.finish()
    }
}
