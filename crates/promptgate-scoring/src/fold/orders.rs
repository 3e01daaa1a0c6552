//! How often judges changed their minds with the order of the two answers, assertion by assertion.

use promptgate_core::record::SettledTrial;
use promptgate_core::report::OrderSummary;
use promptgate_core::score::BothOrders;

/// The preferences of one side, while its trials come in; by assertion, in the order in which they were seen.
#[derive(Default)]
pub(crate) struct Orders(Vec<(String, BothOrders)>);

impl Orders {
    pub(crate) fn add(&mut self, trial: &SettledTrial) {
        for result in &trial.assertions {
            let Some(more) = result.scored.both_orders else { continue };
            match self.0.iter_mut().find(|(name, _)| *name == result.name) {
                Some((_, counts)) => *counts = counts.plus(more),
                None => self.0.push((result.name.clone(), more)),
            }
        }
    }

    pub(crate) fn told(&self) -> Vec<OrderSummary> {
        let judged = self.0.iter().filter(|(_, counts)| counts.judged > 0);
        let summary = |(assertion, counts): &(String, BothOrders)| OrderSummary {
            assertion: assertion.clone(),
            counts: *counts,
            flip_rate: counts.flipped as f64 / counts.judged as f64,
        };
        judged.map(summary).collect()
    }
}
