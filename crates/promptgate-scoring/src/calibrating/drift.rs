//! Whether a judge grades as it did: the same outputs, graded on two occasions (fault J-4). If nothing changed, the two
//! grades of an output could as well have come the other way round, so the signs of their differences are free: the sign-flip
//! test, which for grades of pass and fail is McNemar's exact one. Two things are looked at, that the grades went up or
//! down, and that they came nearer to people or went away from them: a judge that starts to guess need not shift.

use serde::Serialize;

use crate::stats::sign_flip::{Flips, Units};
use crate::stats::sum;

/// The chance that anything of what is looked at together is taken for drift where nothing changed.
pub const FALSE_ALARMS: f64 = 0.01;

/// What is tested of an assertion.
const TESTS: usize = 2;

/// A larger share of outputs that had a grade and have none says nothing about the judge's grades.
const MOST_LOST: f64 = 0.05;

/// Seeds the drawing of signs where they are too many to enumerate; a constant, so that a night reads the same again.
const FLIPS: Flips = Flips { seed: 7, replicates: 9_999 };

/// An output that people labelled and a judge graded twice; all in 0..=1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Twice {
    /// What people say.
    pub people: f64,
    /// The earlier grade, where there was one.
    pub before: Option<f64>,
    /// The grade now, where there is one.
    pub now: Option<f64>,
}

/// What the comparison of two gradings comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// The judge grades otherwise than it did.
    Drifted,
    /// Nothing is found.
    Steady,
    /// Too few outputs are graded on both occasions to find anything.
    TooFew,
    /// Too many outputs that had a grade have none now.
    Ungraded,
}

/// A judge held against itself.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Drift {
    /// What it comes to.
    pub finding: Finding,
    /// Outputs graded on both occasions.
    pub outputs: usize,
    /// The fewest of them with which drift could be found.
    pub outputs_needed: usize,
    /// Outputs that had a grade and have none now.
    pub ungraded: usize,
    /// The mean of now minus before; absent without outputs.
    pub shift: Option<f64>,
    /// Two-sided p of the shift.
    pub shift_p_value: f64,
    /// The mean change of the distance to people, above 0 where the judge went away from them; absent without outputs.
    pub distance: Option<f64>,
    /// Two-sided p of the distance.
    pub distance_p_value: f64,
    /// The level that each p is held to.
    pub level: f64,
    /// The outputs whose grade differs, the largest difference first, as indices into what was given.
    pub moved: Vec<usize>,
}

/// Compares two gradings of the same outputs. `assertions` are looked at together and share [`FALSE_ALARMS`].
pub fn drift(outputs: &[Twice], assertions: usize) -> Drift {
    let graded = |(at, each): (usize, &Twice)| Some((at, each.people, each.before?, each.now?));
    let graded: Vec<(usize, f64, f64, f64)> = outputs.iter().enumerate().filter_map(graded).collect();
    let shifts: Vec<f64> = graded.iter().map(|(_, _, before, now)| rounded(now - before)).collect();
    let away =
        |(_, people, before, now): &(usize, f64, f64, f64)| rounded((now - people).abs() - (before - people).abs());
    let distances: Vec<f64> = graded.iter().map(away).collect();
    let mut moved: Vec<(usize, f64)> = graded.iter().zip(&shifts).map(|((at, ..), shift)| (*at, shift.abs())).collect();
    moved.retain(|(_, by)| *by > 0.0);
    moved.sort_by(|(one, by), (other, more)| more.total_cmp(by).then(one.cmp(other)));
    let level = FALSE_ALARMS / (TESTS * assertions.max(1)) as f64;
    let ungraded = outputs.iter().filter(|each| each.before.is_some() && each.now.is_none()).count();
    let drift = Drift {
        finding: Finding::Steady,
        outputs: graded.len(),
        outputs_needed: needed(level),
        ungraded,
        shift: sum::mean(&shifts),
        shift_p_value: p_two(&shifts, level),
        distance: sum::mean(&distances),
        distance_p_value: p_two(&distances, level),
        level,
        moved: moved.into_iter().map(|(at, _)| at).collect(),
    };
    Drift { finding: drift.found(), ..drift }
}

impl Drift {
    fn found(&self) -> Finding {
        let graded_before = (self.outputs + self.ungraded) as f64;
        match () {
            () if self.shift_p_value.min(self.distance_p_value) <= self.level => Finding::Drifted,
            () if self.ungraded as f64 > MOST_LOST * graded_before => Finding::Ungraded,
            () if self.outputs < self.outputs_needed => Finding::TooFew,
            () => Finding::Steady,
        }
    }
}

/// Grades that differ by less than a billionth are the same.
fn rounded(difference: f64) -> f64 {
    (difference * 1e9).round() / 1e9
}

/// Twice the smaller tail, at most 1.
fn p_two(differences: &[f64], level: f64) -> f64 {
    let flips = FLIPS.enough_for(TESTS, level);
    let other: Vec<f64> = differences.iter().map(|difference| -difference).collect();
    let [less, more] = [differences, &other].map(|signed| flips.p_worse(&Units::of(signed)));
    (2.0 * less.min(more)).min(1.0)
}

/// If all of n outputs move the same way, p is 2 / 2^n.
fn needed(level: f64) -> usize {
    (2.0 / level).log2().ceil() as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::mcnemar;
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::{Rng, SeedableRng};

    fn twice(people: f64, before: f64, now: f64) -> Twice {
        Twice { people, before: Some(before), now: Some(now) }
    }

    #[test]
    fn of_passes_and_failures_it_is_mcnemars_exact_test() {
        let outputs = |up: usize, down: usize| -> Vec<Twice> {
            let moves = std::iter::repeat_n((0.0, 1.0), up).chain(std::iter::repeat_n((1.0, 0.0), down));
            moves.chain([(1.0, 1.0); 30]).map(|(before, now)| twice(1.0, before, now)).collect()
        };
        for (up, down) in [(0, 0), (1, 0), (9, 0), (3, 14), (20, 21)] {
            let found = drift(&outputs(up, down), 1);
            let exact = mcnemar::p_two_exact(up as u64, down as u64);
            assert!((found.shift_p_value - exact).abs() < 1e-12, "{up} {down}: {found:?}");
            assert_eq!(found.moved.len(), up + down);
        }
        assert_eq!(drift(&outputs(9, 0), 1).finding, Finding::Drifted);
        assert_eq!(drift(&outputs(8, 0), 1).finding, Finding::Steady);
        // Two assertions share the false alarms.
        assert_eq!(drift(&outputs(9, 0), 2).finding, Finding::Steady);
    }

    #[test]
    fn what_could_find_nothing_does_not_say_that_nothing_changed() {
        let same = |n: usize| vec![twice(1.0, 1.0, 1.0); n];
        assert_eq!((drift(&same(8), 1).finding, drift(&same(9), 1).finding), (Finding::TooFew, Finding::Steady));
        assert_eq!(drift(&[], 1).outputs_needed, 9);
        let lost = Twice { now: None, ..twice(1.0, 1.0, 1.0) };
        let with_lost = |n: usize| drift(&[same(38), vec![lost; n]].concat(), 1);
        assert_eq!((with_lost(2).finding, with_lost(3).finding), (Finding::Steady, Finding::Ungraded));
        // What had no grade before is not lost now, and an alarm is not hidden by what is.
        let never = Twice { before: None, ..lost };
        assert_eq!(drift(&[same(38), vec![never; 9]].concat(), 1).finding, Finding::Steady);
        let moved = vec![twice(1.0, 1.0, 0.0); 12];
        assert_eq!(drift(&[moved, vec![lost; 12]].concat(), 1).finding, Finding::Drifted);
    }

    #[test]
    fn a_judge_that_starts_to_guess_is_found_though_its_grades_do_not_shift() {
        let guesses = |at: usize| {
            let people = f64::from(u8::from(at.is_multiple_of(2)));
            twice(people, people, if at % 4 < 2 { people } else { 1.0 - people })
        };
        let found = drift(&(0..48).map(guesses).collect::<Vec<_>>(), 1);
        assert_eq!((found.shift, found.distance, found.finding), (Some(0.0), Some(0.5), Finding::Drifted));
        assert!(found.shift_p_value > 0.5 && found.distance_p_value < 1e-6, "{found:?}");
    }

    /// A judge of five grades with noise: what people say, and in one of `noise` calls a grade beside it; it may have become
    /// `stricter` by a grade in so many of 100 calls.
    fn night(rng: &mut ChaCha8Rng, people: &[f64], (noise, stricter): (u32, u32)) -> Vec<f64> {
        let mut below = |n: u32| rng.next_u32() % n;
        let grade = |people: &f64| {
            let beside = match below(2 * noise) {
                0 => 0.25,
                1 => -0.25,
                _ => 0.0,
            };
            let harsh = if below(100) < stricter { -0.25 } else { 0.0 };
            (people + beside + harsh).clamp(0.0, 1.0)
        };
        people.iter().map(grade).collect()
    }

    /// How many of some nights raise an alarm; each is held against an earlier grading of its own.
    fn alarms(nights: u32, outputs: usize, stricter: u32) -> u32 {
        let mut rng = ChaCha8Rng::seed_from_u64(44);
        let people: Vec<f64> = (0..outputs).map(|at| f64::from(at as u32 % 5) * 0.25).collect();
        let mut count = 0;
        for _ in 0..nights {
            let (before, now) = (night(&mut rng, &people, (4, 0)), night(&mut rng, &people, (4, stricter)));
            let twice =
                people.iter().zip(before.iter().zip(&now)).map(|(people, (before, now))| twice(*people, *before, *now));
            count += u32::from(drift(&twice.collect::<Vec<_>>(), 1).finding == Finding::Drifted);
        }
        count
    }

    #[test]
    fn over_simulated_nights_a_shift_is_found_in_the_first_and_false_alarms_stay_within_one_in_a_hundred() {
        let (nights, outputs) = (1_000, 100);
        let false_alarms = alarms(nights, outputs, 0);
        assert!(f64::from(false_alarms) <= FALSE_ALARMS * f64::from(nights), "{false_alarms} of {nights}");
        // A judge that has become stricter by a grade on half of the outputs.
        let found = alarms(200, outputs, 50);
        assert!(found >= 198, "{found} of 200");
    }
}
