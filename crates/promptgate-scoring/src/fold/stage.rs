//! At which levels the checks of a comparison are judged: the whole plan at once, at one of the planned looks, or on
//! evidence that may be looked at any time (gate.md, 5 and 6).

use promptgate_core::gate::Sequential;
use promptgate_core::record::Units;
use promptgate_core::sequence;

use crate::stats::{dist, looks, multiple, sequential};

/// How a comparison is judged now.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Stage {
    /// All at once: Holm at this level, bounds at it too.
    Whole {
        /// One-sided, each way.
        alpha: f64,
    },
    /// A planned look, with the boundary of O'Brien and Fleming.
    Look {
        /// Over all looks together.
        alpha: f64,
        /// This one, from 1.
        look: usize,
        /// How many there are.
        looks: usize,
        /// What this look alone spends on a single test.
        level: f64,
    },
    /// E-values, as long as the plan is not complete.
    Running {
        /// Their share of the error rate.
        alpha: f64,
        /// Cases of the largest unit.
        largest: u64,
        /// Whether the interval is wanted too: it is searched for, and looks that settle nothing do without.
        told: bool,
    },
}

/// A look at the first units of a plan.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Turn {
    pub(crate) stage: Stage,
    /// How it looks.
    pub(crate) how: Sequential,
    /// This look, from 1.
    pub(crate) look: usize,
    /// How many there are.
    pub(crate) looks: usize,
    /// Units looked at.
    pub(crate) units: usize,
    /// Whether the plan is complete.
    pub(crate) is_last: bool,
}

impl Stage {
    /// The same, with everything that a report tells.
    pub(crate) fn told(self) -> Self {
        match self {
            Self::Running { alpha, largest, .. } => Self::Running { alpha, largest, told: true },
            stage => stage,
        }
    }

    /// The level that a p on the scale of [`Stage::adjusted`] is compared with.
    pub(crate) fn alpha(&self) -> f64 {
        match self {
            Self::Whole { alpha } | Self::Look { alpha, .. } | Self::Running { alpha, .. } => *alpha,
        }
    }

    /// The level of bounds and intervals.
    pub(crate) fn level(&self) -> f64 {
        match self {
            Self::Whole { alpha } | Self::Running { alpha, .. } => *alpha,
            Self::Look { level, .. } => *level,
        }
    }

    /// The one-sided p of a family of tests on the scale of [`Stage::alpha`], in the order given.
    pub(crate) fn adjusted(&self, p: &[f64]) -> Vec<f64> {
        match self {
            Self::Whole { .. } => multiple::holm(p),
            Self::Running { .. } => multiple::bonferroni(p),
            Self::Look { look, looks, .. } => {
                let tests = p.len() as f64;
                p.iter().map(|p| (spent(*p, *look, *looks) * tests).min(1.0)).collect()
            }
        }
    }

    /// The p at which the test of this rank among `tests` (0 is the smallest p) is decided, for sharpening it.
    pub(crate) fn threshold(&self, rank: usize, tests: usize) -> f64 {
        match self {
            Self::Whole { alpha } => alpha / (tests - rank) as f64,
            Self::Running { alpha, .. } => alpha / tests as f64,
            Self::Look { alpha, look, looks, .. } => {
                let bounds = sequential::look_alphas(*looks, alpha / tests as f64);
                bounds.get(look - 1).copied().unwrap_or(*alpha)
            }
        }
    }
}

/// What all looks together spend whose boundary goes through this p at this look: the p of the whole sequence.
fn spent(p: f64, look: usize, looks: usize) -> f64 {
    let constant = dist::normal_quantile(1.0 - p) * (look as f64 / looks as f64).sqrt();
    // Far from any boundary the walk starts beyond it; the p itself is the better bound then.
    if constant <= 0.0 { 1.0 } else { looks::crossing(looks, constant).max(p) }
}

/// The looks at a plan of so many units, in order.
pub(crate) fn turns(how: Sequential, units: Units, alpha: f64) -> Vec<Turn> {
    let after = sequence::looks(how, units.count as usize);
    let split = sequential::split(alpha);
    let levels = if how == Sequential::Looks { sequential::look_alphas(after.len(), alpha) } else { Vec::new() };
    let stage = |at: usize, is_last: bool| match how {
        Sequential::Looks => Stage::Look { alpha, look: at + 1, looks: after.len(), level: levels[at] },
        Sequential::Anytime if is_last => Stage::Whole { alpha: split.complete },
        Sequential::Anytime => Stage::Running { alpha: split.running, largest: units.largest, told: false },
    };
    let turn = |(at, units): (usize, &usize)| {
        let is_last = at + 1 == after.len();
        Turn { stage: stage(at, is_last), how, look: at + 1, looks: after.len(), units: *units, is_last }
    };
    after.iter().enumerate().map(turn).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNITS: Units = Units { count: 200, largest: 1 };

    #[test]
    fn the_looks_of_a_plan_have_the_published_levels() {
        let turns = turns(Sequential::Looks, UNITS, 0.05);
        let units: Vec<usize> = turns.iter().map(|turn| turn.units).collect();
        assert_eq!(units, [40, 80, 120, 160, 200]);
        let z = |turn: &Turn| dist::normal_quantile(1.0 - turn.stage.level());
        let bounds: Vec<f64> = turns.iter().map(z).collect();
        for (bound, published) in bounds.iter().zip([3.915, 2.768, 2.260, 1.958, 1.751]) {
            assert!((bound - published).abs() < 1e-3, "{bounds:?}");
        }
    }

    #[test]
    fn a_p_at_the_level_of_a_look_has_spent_all_of_alpha() {
        for turn in turns(Sequential::Looks, UNITS, 0.05) {
            let adjusted = turn.stage.adjusted(&[turn.stage.level()]);
            assert!((adjusted[0] - 0.05).abs() < 1e-6, "{turn:?}: {adjusted:?}");
            assert!((turn.stage.threshold(0, 1) - turn.stage.level()).abs() < 1e-12);
        }
    }

    #[test]
    fn e_values_have_two_fifths_of_alpha_and_the_complete_plan_three() {
        let turns = turns(Sequential::Anytime, UNITS, 0.05);
        let (last, running) = turns.split_last().unwrap();
        assert_eq!(running.len(), 18);
        assert!(running.iter().all(|turn| (turn.stage.alpha() - 0.02).abs() < 1e-12));
        assert!((last.stage.alpha() - 0.03).abs() < 1e-12);
    }
}
