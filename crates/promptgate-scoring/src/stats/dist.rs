//! Distributions, through statrs within its limits: quantile arguments are clamped to [1e-12, 1 - 1e-12], quantiles are
//! polished by bisection on the distribution function, and tails of Binomial(n, 1/2) are summed from exact log terms
//! (the beta route loses digits from shapes near 1e4 on).

use statrs::distribution::{Beta, ChiSquared, ContinuousCDF, Normal, StudentsT};
use statrs::function::gamma::ln_gamma;

fn clamped(p: f64) -> f64 {
    p.clamp(1e-12, 1.0 - 1e-12)
}

/// The standard normal distribution function.
pub fn normal_cdf(x: f64) -> f64 {
    Normal::standard().cdf(x)
}

/// Its upper tail.
pub fn normal_sf(x: f64) -> f64 {
    Normal::standard().sf(x)
}

/// The standard normal quantile z_p.
pub fn normal_quantile(p: f64) -> f64 {
    let p = clamped(p);
    let z = Normal::standard().inverse_cdf(p);
    // One Newton step: the inverse is good to nine digits, the distribution function to fifteen.
    let density = (-0.5 * z * z).exp() / (2.0 * std::f64::consts::PI).sqrt();
    if z < 0.0 { z - (normal_cdf(z) - p) / density } else { z + (normal_sf(z) - (1.0 - p)) / density }
}

fn students_t(df: f64) -> StudentsT {
    #[expect(clippy::expect_used, reason = "degrees of freedom are made positive here")]
    StudentsT::new(0.0, 1.0, df.max(1e-6)).expect("a positive number of degrees of freedom")
}

/// Student's t distribution function.
pub fn t_cdf(x: f64, df: f64) -> f64 {
    students_t(df).cdf(x)
}

/// Its upper tail.
pub fn t_sf(x: f64, df: f64) -> f64 {
    students_t(df).cdf(-x)
}

/// The quantile t_{p, df}.
pub fn t_quantile(p: f64, df: f64) -> f64 {
    let p = clamped(p);
    if p > 0.5 {
        return -t_quantile(1.0 - p, df);
    }
    let t = students_t(df);
    let mut low = -2.0;
    while t.cdf(low) > p {
        low *= 2.0;
    }
    bisect(low, 0.0, |x| t.cdf(x) >= p)
}

fn beta(a: f64, b: f64) -> Beta {
    #[expect(clippy::expect_used, reason = "shapes are made positive here")]
    Beta::new(a.max(1e-9), b.max(1e-9)).expect("positive shapes")
}

/// The beta distribution function I_x(a, b).
pub fn beta_cdf(x: f64, a: f64, b: f64) -> f64 {
    beta(a, b).cdf(x.clamp(0.0, 1.0)).clamp(0.0, 1.0)
}

/// Its upper tail.
pub fn beta_sf(x: f64, a: f64, b: f64) -> f64 {
    beta_cdf(1.0 - x, b, a)
}

/// The beta quantile, by bisection: the library's own inverse may not return for tiny arguments.
pub fn beta_quantile(p: f64, a: f64, b: f64) -> f64 {
    let p = clamped(p);
    let beta = beta(a, b);
    bisect(0.0, 1.0, |x| beta.cdf(x) >= p)
}

fn chi_squared(df: f64) -> ChiSquared {
    #[expect(clippy::expect_used, reason = "degrees of freedom are made positive here")]
    ChiSquared::new(df.max(1e-6)).expect("a positive number of degrees of freedom")
}

/// The chi-square distribution function.
pub fn chi2_cdf(x: f64, df: f64) -> f64 {
    chi_squared(df).cdf(x.max(0.0))
}

/// Its upper tail.
pub fn chi2_sf(x: f64, df: f64) -> f64 {
    chi_squared(df).sf(x.max(0.0))
}

/// The chi-square quantile.
pub fn chi2_quantile(p: f64, df: f64) -> f64 {
    let p = clamped(p);
    let chi = chi_squared(df);
    let mut high = df.max(1.0);
    while chi.cdf(high) < p {
        high *= 2.0;
    }
    bisect(0.0, high, |x| chi.cdf(x) >= p)
}

/// ln C(n, k).
pub fn ln_choose(n: u64, k: u64) -> f64 {
    ln_factorial(n) - ln_factorial(k) - ln_factorial(n - k)
}

fn ln_factorial(n: u64) -> f64 {
    ln_gamma(n as f64 + 1.0)
}

/// P(X = k) for X ~ Bin(n, p).
pub fn binomial_pmf(k: u64, n: u64, p: f64) -> f64 {
    if k > n {
        return 0.0;
    }
    match p {
        p if p <= 0.0 => f64::from(u8::from(k == 0)),
        p if p >= 1.0 => f64::from(u8::from(k == n)),
        _ => (ln_choose(n, k) + k as f64 * p.ln() + (n - k) as f64 * (-p).ln_1p()).exp(),
    }
}

/// P(X > k) for X ~ Bin(n, p), summed from its terms, the smaller tail first.
pub fn binomial_sf(k: i64, n: u64, p: f64) -> f64 {
    if k < 0 {
        return 1.0;
    }
    let k = k as u64;
    if k >= n {
        return 0.0;
    }
    if (k as f64) < n as f64 * p { 1.0 - tail(0, k, n, p) } else { tail(k + 1, n, n, p) }
}

/// P(X <= k) for X ~ Bin(n, p).
pub fn binomial_cdf(k: i64, n: u64, p: f64) -> f64 {
    if k < 0 {
        return 0.0;
    }
    let k = k as u64;
    if k >= n {
        return 1.0;
    }
    if (k as f64) < n as f64 * p { tail(0, k, n, p) } else { 1.0 - tail(k + 1, n, n, p) }
}

/// The sum of the terms from..=to, from the largest term outwards by the ratio of neighbours: exact to rounding.
fn tail(from: u64, to: u64, n: u64, p: f64) -> f64 {
    if p <= 0.0 || p >= 1.0 {
        return (from..=to).map(|k| binomial_pmf(k, n, p)).sum();
    }
    let mode = ((n as f64 * p) as u64).clamp(from, to);
    let peak = binomial_pmf(mode, n, p);
    let odds = p / (1.0 - p);
    let up = run(mode + 1..=to, |k| (n - k + 1) as f64 / k as f64 * odds);
    let down = run((from..mode).rev(), |k| (k + 1) as f64 / (n - k) as f64 / odds);
    (peak * (1.0 + up + down)).min(1.0)
}

/// 1 * r1 + 1 * r1 * r2 + ..., until the terms no longer count.
fn run(steps: impl Iterator<Item = u64>, ratio: impl Fn(u64) -> f64) -> f64 {
    let (mut term, mut total) = (1.0, 0.0);
    for k in steps {
        term *= ratio(k);
        if term < total * 1e-18 {
            break;
        }
        total += term;
    }
    total
}

/// The smallest x in [low, high] at which `reached` holds, to the last bit that bisection can give.
pub fn bisect(mut low: f64, mut high: f64, reached: impl Fn(f64) -> bool) -> f64 {
    for _ in 0..200 {
        let middle = 0.5 * (low + high);
        if middle <= low.min(high) || middle >= low.max(high) {
            break;
        }
        if reached(middle) { high = middle } else { low = middle }
    }
    high
}

/// ln P(X > k) for X ~ Bin(n, 1/2), exact also where the tail itself underflows.
pub fn ln_half_tail(k: u64, n: u64) -> f64 {
    if k >= n {
        return f64::NEG_INFINITY;
    }
    let mode = (n / 2).clamp(k + 1, n);
    let up = run(mode + 1..=n, |k| (n - k + 1) as f64 / k as f64);
    let down = run((k + 1..mode).rev(), |k| (k + 1) as f64 / (n - k) as f64);
    ln_choose(n, mode) - n as f64 * std::f64::consts::LN_2 + (1.0 + up + down).ln()
}

/// P(T > x) for the noncentral t distribution: the normal tail averaged over the chi-square of the denominator.
pub fn noncentral_t_sf(x: f64, df: f64, shift: f64) -> f64 {
    const STEPS: usize = 2_000;
    // In s = sqrt(V / df) the density is smooth; twelve standard deviations hold all of it.
    let width = 12.0 / (2.0 * df).sqrt();
    let (low, high) = ((1.0 - width).max(0.0), 1.0 + width);
    let step = (high - low) / STEPS as f64;
    let ln_constant = 2.0_f64.ln() + 0.5 * df * (0.5 * df).ln() - ln_gamma(0.5 * df);
    let density = |s: f64| if s > 0.0 { (ln_constant + (df - 1.0) * s.ln() - 0.5 * df * s * s).exp() } else { 0.0 };
    let term = |at: usize| {
        let s = low + step * at as f64;
        let weight = if at == 0 || at == STEPS {
            1.0
        } else if at % 2 == 1 {
            4.0
        } else {
            2.0
        };
        weight * density(s) * normal_sf(x * s - shift)
    };
    (0..=STEPS).map(term).sum::<f64>() * step / 3.0
}
