//! The data of the simulation, as the method describes it. Differences are oriented: positive is better; `delta` is the
//! true mean difference.

use super::random::Random;

/// A way in which scores differ between two versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scores {
    /// Normal, sd .15.
    Normal,
    /// Mostly ties, some larger changes, and breakage.
    Ties,
    /// Rare total failures and nothing else.
    Rare,
    /// Jitter, and rare total failures.
    Jitter,
    /// Beta scores around a case's own level.
    Beta,
}

impl Scores {
    pub const ALL: [Self; 5] = [Self::Normal, Self::Ties, Self::Rare, Self::Jitter, Self::Beta];

    /// The difference of one case.
    pub fn difference(self, delta: f64, random: &mut Random) -> f64 {
        let clip = |value: f64| value.clamp(-1.0, 1.0);
        match self {
            Self::Normal => clip(delta + 0.15 * random.normal()),
            Self::Ties => {
                let change = random.chance(0.15);
                let size = random.sign() * random.between(0.2, 1.0);
                match (random.chance(-delta), change) {
                    (true, _) => -1.0,
                    (false, true) => size,
                    (false, false) => 0.0,
                }
            }
            Self::Rare => {
                if random.chance(-delta) {
                    -1.0
                } else {
                    0.0
                }
            }
            Self::Jitter => {
                let broken = random.chance(-delta);
                clip(0.02 * random.normal() - f64::from(u8::from(broken)))
            }
            Self::Beta => {
                let q = random.beta(6.0, 2.0);
                let mut score = || random.beta(8.0 * q + 0.1, 8.0 * (1.0 - q) + 0.1);
                let (a, b) = (score(), score());
                clip(b - a + delta)
            }
        }
    }

    /// The differences of n cases.
    pub fn differences(self, n: usize, delta: f64, random: &mut Random) -> Vec<f64> {
        (0..n).map(|_| self.difference(delta, random)).collect()
    }
}

/// One pair of outcomes: -1 broken, 1 fixed, 0 the same.
pub fn outcome(psi: f64, delta: f64, random: &mut Random) -> f64 {
    let u = random.uniform();
    match u {
        u if u < (psi + delta) / 2.0 => 1.0,
        u if u < psi => -1.0,
        _ => 0.0,
    }
}

/// Seven metrics of n cases that share a factor: three binary, two scores, two log ratios (already oriented).
pub fn seven(n: usize, random: &mut Random) -> [Vec<f64>; 7] {
    let mut metrics: [Vec<f64>; 7] = std::array::from_fn(|_| Vec::with_capacity(n));
    for _ in 0..n {
        let factor = random.normal();
        for (at, metric) in metrics.iter_mut().enumerate() {
            // u > .88 and u > .4 by their normal quantiles.
            let g = 0.3_f64.sqrt() * factor + 0.7_f64.sqrt() * random.normal();
            metric.push(match at {
                0..3 => {
                    if g > 1.174_986_8 {
                        random.sign()
                    } else {
                        0.0
                    }
                }
                3..5 => {
                    if g > -0.253_347_1 {
                        (0.18 * random.normal()).clamp(-1.0, 1.0)
                    } else {
                        0.0
                    }
                }
                _ => 0.2 * random.t4() * (1.0 + 0.3 * factor.abs()),
            });
        }
    }
    metrics
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_scores_has_its_true_mean() {
        for kind in Scores::ALL {
            let mut random = Random::new(4, 4);
            let mean = kind.differences(200_000, -0.05, &mut random).iter().sum::<f64>() / 200_000.0;
            // Clipping and breakage on top of ties move the mean a little.
            assert!((mean + 0.05).abs() < 0.006, "{kind:?}: {mean}");
        }
    }

    #[test]
    fn outcomes_have_their_shares() {
        let mut random = Random::new(5, 5);
        let values: Vec<f64> = (0..200_000).map(|_| outcome(0.2, -0.05, &mut random)).collect();
        let share = |value: f64| values.iter().filter(|each| **each == value).count() as f64 / 200_000.0;
        assert!((share(-1.0) - 0.125).abs() < 0.003 && (share(1.0) - 0.075).abs() < 0.003);
    }

    #[test]
    fn a_fifth_part_of_the_cases_differs_in_a_binary_metric_of_the_seven() {
        let metrics = seven(100_000, &mut Random::new(6, 6));
        let moved = metrics[0].iter().filter(|value| **value != 0.0).count() as f64 / 100_000.0;
        assert!((moved - 0.12).abs() < 0.005, "{moved}");
    }
}
