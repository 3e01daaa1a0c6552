//! Evidence that may be looked at any time: e-values (Ramdas and others 2023) for "worse" and for "not worse by the
//! allowed drop", and the sequential probability ratio test (Wald 1945). Natural logarithms; no data is 0.

use super::dist;

/// log E against "no drop" from counts: E = 2^(N+1) Beta(c+1, b+1) I_{1/2}(b+1, c+1), with b fixed and c broken.
pub fn log_e_worse(fixed: u64, broken: u64) -> f64 {
    let n = fixed + broken;
    // Beta(c+1, b+1) = 1 / ((N+1) C(N, c)), and I_{1/2}(b+1, c+1) = P(Bin(N+1, 1/2) > b).
    let ln_beta = -((n + 1) as f64).ln() - dist::ln_choose(n, broken);
    (n + 1) as f64 * std::f64::consts::LN_2 + ln_beta + dist::ln_half_tail(fixed, n + 1)
}

/// log of the mean over stakes of prod(1 - l d_i): evidence for "worse".
pub fn log_e_mixture_worse(differences: &[f64], stakes: &[f64]) -> f64 {
    log_mean_of_products(stakes, differences, |stake, d| -stake * d)
}

/// log of the mean over stakes of prod(1 + l/(1-m) (d_i + m)): evidence for "not worse by m".
pub fn log_e_mixture_noninferior(differences: &[f64], margin: f64, stakes: &[f64]) -> f64 {
    log_mean_of_products(stakes, differences, |stake, d| stake / (1.0 - margin) * (d + margin))
}

/// log of the mean over stakes of prod(1 + gain(stake, unit)).
pub(crate) fn log_mean_of_products<U>(stakes: &[f64], units: &[U], gain: impl Fn(f64, &U) -> f64) -> f64 {
    log_mean_exp(stakes.iter().map(|stake| units.iter().map(|unit| gain(*stake, unit).ln_1p()).sum()))
}

fn log_mean_exp(logs: impl Iterator<Item = f64>) -> f64 {
    let logs: Vec<f64> = logs.collect();
    let most = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if !most.is_finite() {
        return if logs.is_empty() { 0.0 } else { most };
    }
    most + (logs.iter().map(|log| (log - most).exp()).sum::<f64>() / logs.len() as f64).ln()
}

/// Where a sequential test stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Worse.
    Worse,
    /// No drop.
    NoDrop,
    /// Go on.
    Open,
}

/// A sequential probability ratio test over discordant pairs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sprt {
    /// The log likelihood ratio when it stopped.
    pub log_ratio: f64,
    /// Pairs it looked at when it decided; absent while open.
    pub stopped_at: Option<usize>,
    /// What it decided.
    pub decision: Decision,
}

/// Steps ln(theta1/0.5) for a broken and ln((1-theta1)/0.5) for a fixed pair, until ln((1-beta)/alpha) or
/// ln(beta/(1-alpha)) is reached.
pub fn sprt(broken: &[bool], theta1: f64, alpha: f64, beta: f64) -> Sprt {
    let (upper, lower) = (((1.0 - beta) / alpha).ln(), (beta / (1.0 - alpha)).ln());
    let mut log_ratio = 0.0;
    for (at, broken) in broken.iter().enumerate() {
        log_ratio += if *broken { (theta1 / 0.5).ln() } else { ((1.0 - theta1) / 0.5).ln() };
        let decision = match log_ratio {
            ratio if ratio >= upper => Decision::Worse,
            ratio if ratio <= lower => Decision::NoDrop,
            _ => continue,
        };
        return Sprt { log_ratio, stopped_at: Some(at + 1), decision };
    }
    Sprt { log_ratio, stopped_at: None, decision: Decision::Open }
}
