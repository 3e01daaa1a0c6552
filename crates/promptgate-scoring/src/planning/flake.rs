//! How often a rule on cases blocks although nothing changed (`gate.md`, 2.4): cases that do not always pass, on both
//! sides alike.

use crate::stats::dist;

/// The chance that `no-new-break` blocks an unchanged candidate: each of `cases` passes one trial with chance `p`, a case
/// has `trials` a side and `confirm` more calls when it looks broken, and more than `max_broken` must be broken.
pub fn no_new_break_blocks(cases: u64, p: f64, trials: u32, confirm: u32, max_broken: u32) -> f64 {
    let broken = majority(trials, p) * confirmed_failure(trials, confirm, p, u64::from(trials) / 2 + 1);
    dist::binomial_sf(i64::from(max_broken), cases, broken)
}

/// The chance that `must-pass` blocks a candidate whose cases pass one trial with chance `p` each.
pub fn must_pass_blocks(cases: u64, p: f64, trials: u32, confirm: u32) -> f64 {
    let failing = confirmed_failure(trials, confirm, p, 1);
    dist::binomial_sf(0, cases, failing)
}

/// P(Bin(k, p) > k/2).
fn majority(trials: u32, p: f64) -> f64 {
    dist::binomial_sf(i64::from(trials / 2), u64::from(trials), p)
}

/// The chance that at least `suspect` of k trials fail, and then more than (k + c)/2 of all k + c calls.
fn confirmed_failure(trials: u32, confirm: u32, p: f64, suspect: u64) -> f64 {
    let (k, c) = (u64::from(trials), u64::from(confirm));
    let fails = 1.0 - p;
    let one = |x: u64| {
        // Without confirmation what looks broken is broken.
        let more = ((k + c) / 2) as i64 - x as i64;
        let holds = if confirm == 0 { 1.0 } else { dist::binomial_sf(more, c, fails) };
        dist::binomial_pmf(x, k, fails) * holds
    };
    (suspect..=k).map(one).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn near(found: f64, expected: f64) {
        assert!((found - expected).abs() < 5e-4, "{found} for {expected}");
    }

    #[test]
    fn the_figures_of_the_document_are_reached() {
        near(no_new_break_blocks(25, 0.95, 1, 0, 0), 0.704);
        near(no_new_break_blocks(25, 0.95, 1, 3, 0), 0.0086);
        near(no_new_break_blocks(25, 0.90, 1, 0, 0), 0.905);
        near(no_new_break_blocks(25, 0.90, 1, 3, 0), 0.061);
        near(must_pass_blocks(20, 0.99, 1, 0), 0.182);
    }

    #[test]
    fn the_formula_for_one_trial_is_reached() {
        for p in [0.5, 0.8, 0.95, 0.99] {
            let q = 1.0_f64 - p;
            near(no_new_break_blocks(1, p, 1, 3, 0), p * q * (3.0 * q * q * p + q * q * q));
        }
    }

    #[test]
    fn more_allowed_breaks_and_surer_cases_block_less() {
        let blocks = |p, max| no_new_break_blocks(170, p, 1, 0, max);
        assert!(blocks(0.95, 10) < blocks(0.95, 0) && blocks(0.99, 0) < blocks(0.95, 0));
        assert_eq!((no_new_break_blocks(25, 1.0, 3, 0, 0), must_pass_blocks(25, 1.0, 3, 0)), (0.0, 0.0));
        assert!(must_pass_blocks(20, 0.99, 3, 0) > must_pass_blocks(20, 0.99, 1, 0));
    }
}
