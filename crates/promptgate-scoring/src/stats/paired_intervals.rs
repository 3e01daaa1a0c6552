//! Other intervals for a paired difference of proportions: Newcombe's method 10 (1998) and Bonett and Price (2012). For
//! reports and cross-checks only; the gate passes by Tango.

use super::{StatError, dist, proportion};

/// Newcombe's square-and-add interval: Wilson's for both rates, joined through the correlation phi with its continuity
/// correction.
pub fn newcombe(both_pass: u64, fixed: u64, broken: u64, both_fail: u64, conf: f64) -> Result<(f64, f64), StatError> {
    let n = both_pass + fixed + broken + both_fail;
    let (after, before) = (both_pass + fixed, both_pass + broken);
    let (after_low, after_high) = proportion::wilson(after, n, conf)?;
    let (before_low, before_high) = proportion::wilson(before, n, conf)?;
    let (p_after, p_before) = (after as f64 / n as f64, before as f64 / n as f64);
    let phi = phi(both_pass as f64, fixed as f64, broken as f64, both_fail as f64);
    let reach = |one: f64, other: f64| (one * one - 2.0 * phi * one * other + other * other).max(0.0).sqrt();
    let estimate = p_after - p_before;
    let low = estimate - reach(p_after - after_low, before_high - p_before);
    let high = estimate + reach(after_high - p_after, p_before - before_low);
    Ok((low, high))
}

fn phi(a: f64, b: f64, c: f64, d: f64) -> f64 {
    let margins = (a + b) * (c + d) * (a + c) * (b + d);
    let product = a * d - b * c;
    let half = (a + b + c + d) / 2.0;
    let corrected = if product > 0.0 { (product - half).max(0.0) } else { product };
    if margins > 0.0 { corrected / margins.sqrt() } else { 0.0 }
}

/// Bonett and Price: Wald's with one pair added to each discordant cell.
pub fn bonett_price(fixed: u64, broken: u64, n: u64, conf: f64) -> Result<(f64, f64), StatError> {
    if n == 0 {
        return Err(StatError::NoData);
    }
    let size = n as f64 + 2.0;
    let (gain, loss) = ((fixed as f64 + 1.0) / size, (broken as f64 + 1.0) / size);
    let estimate = gain - loss;
    let half = dist::normal_quantile(0.5 + conf / 2.0) * ((gain + loss - estimate * estimate) / size).sqrt();
    Ok(((estimate - half).max(-1.0), (estimate + half).min(1.0)))
}
