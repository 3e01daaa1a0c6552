//! How often judges changed their minds with the order of the two answers, assertion by assertion.

use promptgate_core::record::SettledTrial;
use promptgate_core::report::OrderSummary;
use promptgate_core::score::BothOrders;

use super::by_name::ByName;
use crate::stats::mcnemar;

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
        judged.map(|(assertion, counts)| order_summary(assertion, *counts)).collect()
    }
}

/// What is told of an assertion's preferences. A damaged record may have more that went to the first than changed at all.
pub fn order_summary(assertion: &str, counts: BothOrders) -> OrderSummary {
    let BothOrders { judged, flipped, to_first } = counts;
    OrderSummary {
        assertion: assertion.to_owned(),
        counts,
        flip_rate: flipped as f64 / judged.max(1) as f64,
        first_p_value: (flipped > 0).then(|| mcnemar::p_two_exact(to_first, flipped.saturating_sub(to_first))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_of_a_damaged_record_are_told_as_far_as_they_go() {
        let told = order_summary("better", BothOrders { judged: 4, flipped: 1, to_first: 3 });
        assert_eq!(told.flip_rate, 0.25);
        assert!((told.first_p_value.unwrap() - 0.25).abs() < 1e-9);
    }
}
