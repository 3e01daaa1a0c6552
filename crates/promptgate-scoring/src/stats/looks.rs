//! Planned looks with O'Brien and Fleming's boundary (1979): critical z at look k of K is C sqrt(K/k), with C such that
//! the chance to cross at any look is alpha. In steps S_k = sqrt(k) Z_k that boundary is the constant C sqrt(K), so the
//! chance follows from the density of a random walk that has not crossed yet.

use super::dist;

/// The constant C and the critical z of each look.
pub fn obrien_fleming(looks: usize, alpha: f64) -> (f64, Vec<f64>) {
    let looks = looks.max(1);
    // The last look alone crosses with chance alpha at the one end; at the other all of them together cannot.
    let (low, high) = (dist::normal_quantile(1.0 - alpha), dist::normal_quantile(1.0 - alpha / looks as f64));
    let constant = falling_root(low, high, |constant| crossing(looks, constant) - alpha);
    let bounds = (1..=looks).map(|look| constant * (looks as f64 / look as f64).sqrt()).collect();
    (constant, bounds)
}

/// Where a falling function is 0, by false position with Illinois' weighting (Dowell and Jarratt 1971): a walk is costly,
/// and this takes a tenth of the steps of bisection.
fn falling_root(low: f64, high: f64, f: impl Fn(f64) -> f64) -> f64 {
    let (mut low, mut high) = ((low, f(low)), (high, f(high)));
    let mut last = 0.0;
    for _ in 0..100 {
        if high.0 - low.0 < 1e-13 || low.1 <= 0.0 || high.1 >= 0.0 {
            break;
        }
        let next = (low.0 * high.1 - high.0 * low.1) / (high.1 - low.1);
        let value = f(next);
        if value.abs() < 1e-15 {
            return next;
        }
        // The end that stays twice is weighted down, or it would stay for good.
        let (fresh, stale) = if value > 0.0 { (&mut low, &mut high) } else { (&mut high, &mut low) };
        if value * last > 0.0 {
            stale.1 *= 0.5;
        }
        *fresh = (next, value);
        last = value;
    }
    if low.1 <= 0.0 { low.0 } else { high.0 }
}

/// The chance that a walk of `looks` standard normal steps ever reaches C sqrt(K).
pub fn crossing(looks: usize, constant: f64) -> f64 {
    const STEPS: usize = 300;
    let high = constant * (looks as f64).sqrt();
    let low = -7.0 * (looks as f64).sqrt();
    let step = (high - low) / STEPS as f64;
    let density = |x: f64| (-0.5 * x * x).exp() / (2.0 * std::f64::consts::PI).sqrt();
    let by_distance: Vec<f64> = (0..=STEPS).map(|at| density(step * at as f64)).collect();
    let simpson = |at: usize| match at {
        0 | STEPS => step / 3.0,
        odd if odd % 2 == 1 => 4.0 * step / 3.0,
        _ => 2.0 * step / 3.0,
    };
    let mut alive: Vec<f64> = (0..=STEPS).map(|at| density(low + step * at as f64)).collect();
    for _ in 1..looks {
        let weighted: Vec<f64> = alive.iter().enumerate().map(|(at, value)| value * simpson(at)).collect();
        alive = (0..=STEPS)
            .map(|to| weighted.iter().enumerate().map(|(from, value)| value * by_distance[to.abs_diff(from)]).sum())
            .collect();
    }
    1.0 - alive.iter().enumerate().map(|(at, value)| value * simpson(at)).sum::<f64>()
}
