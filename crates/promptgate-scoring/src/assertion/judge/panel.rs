//! One decision of one or several judges.

use serde::Deserialize;

use super::Grade;

/// How several judges decide.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Vote {
    /// The mean of the scores decides.
    #[default]
    Mean,
    /// More than half must pass; the score is the median.
    Majority,
    /// All must pass; the score is the lowest.
    Unanimous,
}

/// The rule of a panel.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Panel {
    pub(crate) vote: Vote,
}

/// What a panel came to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Graded {
    /// In 0..=1.
    pub(crate) score: f64,
    pub(crate) passed: bool,
}

impl Panel {
    /// Decides by the grades of all judges; at least one.
    pub(crate) fn decide(self, grades: &[Grade], threshold: f64) -> Graded {
        let mut scores: Vec<f64> = grades.iter().map(|grade| grade.score).collect();
        scores.sort_by(f64::total_cmp);
        let passes = |score: f64| score >= threshold - 1e-12;
        let passed = scores.iter().filter(|score| passes(**score)).count();
        match self.vote {
            Vote::Mean => {
                let score = (scores.iter().sum::<f64>() / scores.len() as f64).clamp(0.0, 1.0);
                Graded { score, passed: passes(score) }
            }
            Vote::Majority => Graded { score: median(&scores), passed: 2 * passed > scores.len() },
            Vote::Unanimous => {
                let score = scores.first().copied().unwrap_or(f64::NAN);
                Graded { score, passed: passed == scores.len() }
            }
        }
    }
}

/// The median of sorted values.
fn median(sorted: &[f64]) -> f64 {
    let middle = sorted.len() / 2;
    match sorted.len() % 2 {
        1 => sorted[middle],
        _ => (sorted[middle - 1] + sorted[middle]) / 2.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn votes_count_what_they_say() {
        let check = |vote: Vote, scores: &[f64], score: f64, passed: bool| {
            let grades: Vec<Grade> = scores.iter().map(|score| Grade::of(*score, "")).collect();
            assert_eq!(Panel { vote }.decide(&grades, 0.5), Graded { score, passed }, "{vote:?} of {scores:?}");
        };
        check(Vote::Mean, &[1.0, 0.25], 0.625, true);
        check(Vote::Mean, &[0.5], 0.5, true);
        check(Vote::Majority, &[1.0, 0.0, 0.5], 0.5, true);
        check(Vote::Majority, &[1.0, 0.0], 0.5, false);
        check(Vote::Unanimous, &[1.0, 0.5], 0.5, true);
        check(Vote::Unanimous, &[1.0, 0.25], 0.25, false);
    }
}
