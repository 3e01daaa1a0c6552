//! What is always true of a gate, on random data: mirrored sides, one verdict at a time, pairs that say nothing.

use promptgate_core::gate::{Limit, Scope};
use promptgate_core::report::GateReport;
use promptgate_core::verdict::{Finding, Verdict};
use proptest::prelude::*;

use crate::bench::{Bench, Came};

/// Scores of both sides, and amounts.
type Pair = ((f64, f64), (u64, u64));

fn outcomes(most: usize) -> impl Strategy<Value = Vec<Pair>> {
    proptest::collection::vec(((0.0..1.0, 0.0..1.0), (1_u64..2_000, 1_u64..2_000)), 2..most)
}

fn quick(bench: Bench) -> Bench {
    bench.with(|header| header.policy.as_mut().unwrap().flips = 999)
}

/// Every difference and interval of one report is minus that of the other, ratios on a log scale.
fn mirrored(one: &GateReport, other: &GateReport) -> Result<(), TestCaseError> {
    let oriented = |ratio: bool, value: f64| if ratio { value.ln_1p() } else { value };
    for (left, right) in one.comparisons[0].checks.iter().zip(&other.comparisons[0].checks) {
        let ratio = left.kind == promptgate_core::report::CheckKind::Ratio;
        let close = |one: f64, other: f64| (oriented(ratio, one) + oriented(ratio, other)).abs() < 1e-8;
        prop_assert!(close(left.difference.unwrap(), right.difference.unwrap()), "{left:?} {right:?}");
        prop_assert_eq!(left.interval.is_some(), right.interval.is_some());
        if let (Some([low, high]), Some([other_low, other_high])) = (left.interval, right.interval) {
            prop_assert!(close(low, other_high) && close(high, other_low), "{left:?} {right:?}");
        }
        prop_assert_eq!((left.fixed, left.broken), (right.broken, right.fixed));
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    #[test]
    fn swapping_the_sides_mirrors_scores_outcomes_and_amounts_with_and_without_clusters(
        outcomes in outcomes(60), clusters in 0_usize..30, trials in 1_u32..4, these in any::<bool>()
    ) {
        let scope = if these && trials > 1 { Scope::TheseCases } else { Scope::Population };
        let gate = |limit: &str| {
            let allowed = if limit == "tokens" { Limit::AllowedRise(0.1) } else { Limit::AllowedDrop(0.05) };
            let bench = quick(Bench::gate(outcomes.len()).limit(limit, allowed)).trials(trials);
            let bench = bench.with(|header| header.policy.as_mut().unwrap().scope = scope);
            if clusters == 0 { bench } else { bench.clustered(move |at| at % clusters) }
        };
        // Repeats of a case lie around its own value.
        let shift = |repeat: u32| f64::from(repeat) * 0.001;
        for metric in ["quality", "tokens", "pass_rate"] {
            let came = |swapped: bool| move |outcomes: &[Pair], version: usize, at: usize, repeat: u32| {
                let first = (version == 0) != swapped;
                let ((a, b), (x, y)) = outcomes[at];
                let (score, amount) = if first { (a, x) } else { (b, y) };
                match metric {
                    "quality" => Came::Scored((score * 0.99 + shift(repeat)).min(1.0)),
                    "tokens" => Came::Used(amount + u64::from(repeat)),
                    _ => Came::Out(score > 0.2 + 0.1 * f64::from(repeat)),
                }
            };
            let bench = gate(metric);
            let one = bench.report(|version, at, repeat| came(false)(&outcomes, version, at, repeat));
            let other = bench.report(|version, at, repeat| came(true)(&outcomes, version, at, repeat));
            mirrored(&one, &other)?;
        }
    }

    #[test]
    fn what_fails_has_not_cleared_its_bound_and_what_passes_has_not_dropped(
        outcomes in outcomes(120), margin in 0.01_f64..0.3, confidence in 0.6_f64..0.99, strict in any::<bool>(),
        clusters in 0_usize..40
    ) {
        let bench = quick(Bench::gate(outcomes.len()).drop(margin).limit("quality", Limit::AllowedDrop(margin)));
        let bench = bench.with(|header| {
            let policy = header.policy.as_mut().unwrap();
            (policy.confidence, policy.strict) = (confidence, strict);
        });
        let bench = if clusters == 0 { bench } else { bench.clustered(move |at| at % clusters) };
        let report = bench.report(|version, at, _| {
            let ((before, after), _) = outcomes[at];
            let score = if version == 0 { after } else { before };
            // Half of the metric's data are outcomes, half are scores.
            if at % 2 == 0 { Came::Out(score > 0.4) } else { Came::Scored(score) }
        });
        for check in &report.comparisons[0].checks {
            let (difference, low) = (check.difference.unwrap(), check.interval.map(|[low, _]| low));
            match check.verdict.unwrap() {
                Verdict::Fail => prop_assert!(
                    difference <= -margin + 1e-9 && low.is_none_or(|low| low <= -margin + 1e-9), "{check:?}"
                ),
                Verdict::Pass => prop_assert!(difference > -margin, "{check:?}"),
                _ => {}
            }
        }
    }

    #[test]
    fn a_pair_that_did_not_change_never_turns_a_fail_into_a_pass(
        outcomes in outcomes(80), margin in 0.01_f64..0.2, level in 0.0_f64..1.0
    ) {
        let verdict = |cases: usize| {
            let bench = quick(Bench::gate(cases).limit("quality", Limit::AllowedDrop(margin)));
            let report = bench.report(|version, at, _| match outcomes.get(at) {
                Some(((before, after), _)) => Came::Scored(if version == 0 { after * 0.8 } else { *before }),
                None => Came::Scored(level),
            });
            report.verdict.unwrap()
        };
        let n = outcomes.len();
        prop_assert!(!(verdict(n) == Verdict::Fail && verdict(n + 1) == Verdict::Pass));
    }

    #[test]
    fn slices_that_part_the_cases_part_the_pairs(outcomes in outcomes(90), parts in 1_usize..6) {
        let mut bench = Bench::gate(outcomes.len());
        for part in 0..parts {
            let slice = bench.selection(&format!("part{part}"), move |at| at % parts == part);
            let subject = promptgate_core::gate::Subject::Metric {
                metric: crate::bench::metric("quality"),
                slice: Some(slice),
                limit: Some(Limit::AllowedDrop(0.1)),
            };
            bench.policy().checks.push(promptgate_core::gate::Check { subject, tier: promptgate_core::score::Tier::Critical });
        }
        let report = quick(bench).report(|version, at, _| {
            Came::Scored(if version == 0 { outcomes[at].0.1 } else { outcomes[at].0.0 })
        });
        let pairs: u64 = report.comparisons[0].checks.iter().map(|check| check.n).sum();
        prop_assert_eq!(pairs, outcomes.len() as u64);
    }
}

#[test]
fn a_p_exactly_at_the_level_counts_and_a_drop_exactly_at_the_limit_too() {
    let finding = Finding { p_worse: 0.05, alpha: 0.05, estimate: -0.05, margin: 0.05, cleared: false };
    assert_eq!(finding.verdict(), Verdict::Fail);
    assert_eq!(Finding { p_worse: 0.050_000_000_1, ..finding }.verdict(), Verdict::Inconclusive);
    assert_eq!(Finding { estimate: -0.05 + 1e-13, ..finding }.verdict(), Verdict::Fail);
    assert_eq!(Finding { estimate: -0.049_999, ..finding }.verdict(), Verdict::Inconclusive);
}
