//! Random numbers of one replicate: a counter-based stream, so that a replicate draws the same on any thread.

use promptgate_core::sequence::mix;

/// The stream of one replicate.
pub struct Random {
    key: u64,
    counter: u64,
}

impl Random {
    /// The stream of a replicate of a cell.
    pub fn new(cell: u64, replicate: u64) -> Self {
        Self { key: mix(mix(cell) ^ replicate.wrapping_mul(0x2545_f491_4f6c_dd1d)), counter: 0 }
    }

    fn next(&mut self) -> u64 {
        self.counter += 1;
        mix(self.key.wrapping_add(self.counter.wrapping_mul(0xd134_2543_de82_ef95)))
    }

    /// Uniform in (0, 1).
    pub fn uniform(&mut self) -> f64 {
        ((self.next() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    /// Uniform between two numbers.
    pub fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.uniform()
    }

    /// True with a chance.
    pub fn chance(&mut self, p: f64) -> bool {
        self.uniform() < p
    }

    /// -1 or 1.
    pub fn sign(&mut self) -> f64 {
        if self.chance(0.5) { 1.0 } else { -1.0 }
    }

    /// Standard normal (Box and Muller 1958).
    pub fn normal(&mut self) -> f64 {
        (-2.0 * self.uniform().ln()).sqrt() * (std::f64::consts::TAU * self.uniform()).cos()
    }

    /// Student's t with 4 degrees of freedom.
    pub fn t4(&mut self) -> f64 {
        let chi2 = -2.0 * (self.uniform() * self.uniform()).ln();
        self.normal() / (chi2 / 4.0).sqrt()
    }

    /// Gamma with this shape and scale 1 (Marsaglia and Tsang 2000; shapes below 1 by a power of a uniform).
    fn gamma(&mut self, shape: f64) -> f64 {
        if shape < 1.0 {
            return self.gamma(shape + 1.0) * self.uniform().powf(1.0 / shape);
        }
        let d = shape - 1.0 / 3.0;
        loop {
            let x = self.normal();
            let v = (1.0 + x / (9.0 * d).sqrt()).powi(3);
            if v > 0.0 && self.uniform().ln() < 0.5 * x * x + d - d * v + d * v.ln() {
                return d * v;
            }
        }
    }

    /// Beta.
    pub fn beta(&mut self, a: f64, b: f64) -> f64 {
        let (x, y) = (self.gamma(a), self.gamma(b));
        x / (x + y)
    }
}

/// What a replicate comes to, added up over all replicates on all cores; integers, so that no order matters.
pub fn counts<const N: usize>(cell: u64, runs: u64, once: impl Fn(&mut Random) -> [u64; N] + Sync) -> [u64; N] {
    let threads = std::thread::available_parallelism().map_or(1, usize::from) as u64;
    std::thread::scope(|scope| {
        let part = |first: u64| {
            let once = &once;
            scope.spawn(move || {
                let mut total = [0; N];
                for replicate in (first..runs).step_by(threads as usize) {
                    let found = once(&mut Random::new(cell, replicate));
                    total.iter_mut().zip(found).for_each(|(total, found)| *total += found);
                }
                total
            })
        };
        let parts: Vec<_> = (0..threads).map(part).collect();
        parts.into_iter().fold([0; N], |mut total, part| {
            let found = part.join().unwrap_or([0; N]);
            total.iter_mut().zip(found).for_each(|(total, found)| *total += found);
            total
        })
    })
}

/// The shares of the replicates for which each of some things held.
pub fn shares<const N: usize>(cell: u64, runs: u64, once: impl Fn(&mut Random) -> [bool; N] + Sync) -> [f64; N] {
    counts(cell, runs, |random| once(random).map(u64::from)).map(|count| count as f64 / runs as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moments(draw: impl Fn(&mut Random) -> f64) -> (f64, f64) {
        let mut random = Random::new(1, 2);
        let values: Vec<f64> = (0..200_000).map(|_| draw(&mut random)).collect();
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        (mean, values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / values.len() as f64)
    }

    #[track_caller]
    fn check(draw: impl Fn(&mut Random) -> f64, mean: f64, variance: f64) {
        let found = moments(draw);
        assert!((found.0 - mean).abs() < 0.02 && (found.1 - variance).abs() < 0.05 * variance.max(0.05), "{found:?}");
    }

    #[test]
    fn the_distributions_have_their_moments() {
        check(Random::uniform, 0.5, 1.0 / 12.0);
        check(Random::normal, 0.0, 1.0);
        check(Random::sign, 0.0, 1.0);
        check(|random| random.gamma(2.5), 2.5, 2.5);
        check(|random| random.gamma(0.3), 0.3, 0.3);
        check(|random| random.beta(6.0, 2.0), 0.75, 12.0 / (64.0 * 9.0));
    }

    #[test]
    fn a_replicate_draws_the_same_wherever_it_runs() {
        let total = counts(3, 1_000, |random| [u64::from(random.chance(0.3))]);
        let one: u64 = (0..1_000).map(|replicate| u64::from(Random::new(3, replicate).chance(0.3))).sum();
        assert_eq!(total, [one]);
        assert!((250..350).contains(&one));
    }
}
