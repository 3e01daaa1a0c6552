//! How often judges changed their minds with the order of the two answers, assertion by assertion.

use promptgate_core::record::SettledTrial;
use promptgate_core::report::OrderSummary;
use promptgate_core::score::BothOrders;

use super::by_name::ByName;

/// The preferences of one side, while its trials come in; by assertion, in the order in which they were seen.
#[derive(Default)]
pub(crate) struct Orders(ByName<(String, BothOrders)>);

impl Orders {
    pub(crate) fn add(&mut self, trial: &SettledTrial) {
        for result in &trial.assertions {
            let Some(more) = result.scored.both_orders else { continue };
            let (_, counts) = self.0.of(&result.name, || (result.name.clone(), BothOrders::default()));
            *counts = counts.plus(more);
        }
    }

    pub(crate) fn told(&self) -> Vec<OrderSummary> {
        let judged = self.0.values().iter().filter(|(_, counts)| counts.judged > 0);
        let summary = |(assertion, counts): &(String, BothOrders)| OrderSummary {
            assertion: assertion.clone(),
            counts: *counts,
            flip_rate: counts.flipped as f64 / counts.judged as f64,
        };
        judged.map(summary).collect()
    }
}
