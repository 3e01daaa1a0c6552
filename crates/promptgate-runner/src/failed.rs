//! Which cases of a run have failed, as `--max-fail` counts them: on a critical model, each once for a version and model,
//! whatever part of the run it was in.

use std::collections::HashSet;

use promptgate_core::plan::{Plan, TrialAddress};
use promptgate_core::record::SettledTrial;
use promptgate_core::score::{Outcome, Tier};

/// Cases that have failed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FailedCases(HashSet<TrialAddress>);

impl FailedCases {
    /// Takes a settled trial in. Without a most nobody counts, and once it is reached no other case matters: a run of many
    /// failing cases keeps none of them in memory.
    pub fn add(&mut self, plan: &Plan, trial: &SettledTrial, most: Option<u64>) {
        if most.is_none() || self.are_enough(most) {
            return;
        }
        let address = plan.address(trial.trial);
        if trial.outcome == Outcome::Failed && plan.models[address.model].tier == Tier::Critical {
            self.0.insert(TrialAddress { repeat: 1, ..address });
        }
    }

    /// Whether they are enough to skip the rest.
    pub fn are_enough(&self, most: Option<u64>) -> bool {
        most.is_some_and(|most| self.0.len() as u64 >= most)
    }
}
