//! How far a judge agrees with people on the same outputs (gate.md, 7).

pub mod drift;

use serde::Serialize;

use crate::stats::agreement::{Level, Weights, cohen_kappa, krippendorff};
use crate::stats::sum;

/// Grades that a scale has at most; a finer one is an amount.
const MOST_CATEGORIES: usize = 11;

/// How far two raters agree: Cohen's kappa with quadratic weights, or Krippendorff's alpha of an interval scale where the
/// grades are too fine for categories. Absent where there is no label, or neither side ever varies.
pub fn agreement(people: &[f64], judge: &[f64]) -> Option<f64> {
    let mut levels: Vec<f64> = people.iter().chain(judge).copied().collect();
    levels.sort_by(f64::total_cmp);
    levels.dedup_by(|a, b| (*a - *b).abs() < 1e-9);
    if levels.len() > MOST_CATEGORIES {
        let table = [people, judge].map(|rater| rater.iter().map(|value| Some(*value)).collect());
        return krippendorff(&table, Level::Interval).ok()?;
    }
    let category = |value: &f64| levels.iter().position(|level| (level - value).abs() < 1e-9).unwrap_or(0);
    let (people, judge): (Vec<usize>, Vec<usize>) =
        (people.iter().map(category).collect(), judge.iter().map(category).collect());
    cohen_kappa(&people, &judge, levels.len().max(2), Weights::Quadratic).ok()?.kappa
}

/// An output that people and a judge have graded.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// The case.
    pub case: String,
    /// The output, or how it begins.
    pub output: String,
    /// What people say, the mean where several do, in 0..=1.
    pub people: f64,
    /// What the judge says, in 0..=1.
    pub judge: f64,
    /// The judge's reason.
    pub reason: String,
    /// Letters of the output.
    pub length: usize,
}

/// A judge held against people.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// Outputs graded by both.
    pub outputs: usize,
    /// [`agreement`].
    pub agreement: Option<f64>,
    /// Share of outputs on which both pass or both fail.
    pub same_verdict: Option<f64>,
    /// Counts: people pass and judge passes, pass and fails, fail and passes, fail and fails.
    pub confusion: [u64; 4],
    /// The mean of judge minus people.
    pub bias: Option<f64>,
    /// Pearson's correlation of judge minus people with the length of the output; absent where one does not vary.
    pub length_correlation: Option<f64>,
    /// The largest disagreements first, as indices into what was given.
    pub disagreements: Vec<usize>,
}

/// Compares a judge with people; from `threshold` on an output passes.
pub fn compare(judged: &[Judged], threshold: f64) -> Comparison {
    let (people, judge): (Vec<f64>, Vec<f64>) = judged.iter().map(|each| (each.people, each.judge)).unzip();
    let passes = |value: f64| value >= threshold - 1e-12;
    let mut confusion = [0; 4];
    for each in judged {
        confusion[2 * usize::from(!passes(each.people)) + usize::from(!passes(each.judge))] += 1;
    }
    let gaps: Vec<f64> = judged.iter().map(|each| each.judge - each.people).collect();
    let lengths: Vec<f64> = judged.iter().map(|each| each.length as f64).collect();
    let mut disagreements: Vec<usize> = (0..judged.len()).filter(|at| gaps[*at].abs() > 1e-9).collect();
    disagreements.sort_by(|a, b| gaps[*b].abs().total_cmp(&gaps[*a].abs()).then(judged[*a].case.cmp(&judged[*b].case)));
    let same = (confusion[0] + confusion[3]) as f64;
    Comparison {
        outputs: judged.len(),
        agreement: agreement(&people, &judge),
        same_verdict: (!judged.is_empty()).then(|| same / judged.len() as f64),
        confusion,
        bias: sum::mean(&gaps),
        length_correlation: pearson(&gaps, &lengths),
        disagreements,
    }
}

/// Pearson's correlation.
fn pearson(one: &[f64], other: &[f64]) -> Option<f64> {
    let (one_mean, other_mean) = (sum::mean(one)?, sum::mean(other)?);
    let (mut both, mut first, mut second) = (0.0, 0.0, 0.0);
    for (x, y) in one.iter().zip(other) {
        let (x, y) = (x - one_mean, y - other_mean);
        both += x * y;
        first += x * x;
        second += y * y;
    }
    (first > 1e-12 && second > 1e-12).then(|| both / (first * second).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(pairs: &[(f64, f64)]) -> Vec<Judged> {
        let one = |(at, (people, judge)): (usize, &(f64, f64))| Judged {
            case: format!("c{at}"),
            output: String::new(),
            people: *people,
            judge: *judge,
            reason: String::new(),
            length: 10 * (at + 1),
        };
        pairs.iter().enumerate().map(one).collect()
    }

    #[test]
    fn a_judge_is_held_against_people() {
        let found = compare(&judged(&[(1.0, 1.0), (1.0, 0.0), (0.0, 0.0), (0.0, 0.0)]), 0.5);
        assert_eq!((found.confusion, found.same_verdict), ([1, 1, 0, 2], Some(0.75)));
        assert_eq!((found.agreement, found.bias, found.disagreements), (Some(0.5), Some(-0.25), vec![1]));
        // A lenient judge says nothing: it never varies, and agreement beyond chance is none.
        let lenient = compare(&judged(&[(1.0, 1.0), (0.0, 1.0), (0.0, 1.0), (1.0, 1.0)]), 0.5);
        assert_eq!((lenient.agreement, lenient.bias), (Some(0.0), Some(0.5)));
        // Longer answers get more than people give them.
        let longer = compare(&judged(&[(0.5, 0.5), (0.5, 0.6), (0.5, 0.7), (0.5, 0.8)]), 0.5);
        assert!((longer.length_correlation.unwrap() - 1.0).abs() < 1e-9);
        let nothing = compare(&[], 0.5);
        assert_eq!((nothing.agreement, nothing.same_verdict, nothing.length_correlation), (None, None, None));
        let constant = compare(&judged(&[(1.0, 1.0), (1.0, 1.0)]), 0.5);
        assert_eq!((constant.agreement, constant.same_verdict), (None, Some(1.0)));
    }
}
