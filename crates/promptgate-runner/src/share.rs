//! Which trials of a plan one execution carries out. A plan is carried out in one go, or share by share where what comes
//! next depends on what came before: a gate that may stop early looks after each batch, and a case that is about to break
//! a rule is called again.

use std::ops::Range;
use std::sync::Arc;

use promptgate_core::plan::TrialAddress;

use crate::prepare::Prepared;

/// Some trials of a plan.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Share {
    /// All that are planned.
    #[default]
    Planned,
    /// The planned trials of the units with these ranks.
    Batch(Range<u32>),
    /// Calls on top of the plan.
    Confirmations(Arc<[TrialAddress]>),
}

impl Share {
    /// Whether a trial belongs to it; calls on top of the plan are listed and not looked for.
    pub(crate) fn holds(&self, prepared: &Prepared, address: TrialAddress) -> bool {
        match self {
            Self::Planned | Self::Confirmations(_) => true,
            Self::Batch(range) => {
                let rank = prepared.ranks.as_ref().and_then(|ranks| ranks.get(address.case));
                rank.is_some_and(|rank| range.contains(rank))
            }
        }
    }
}
