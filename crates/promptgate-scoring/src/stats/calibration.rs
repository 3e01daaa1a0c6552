//! What a judge's grades say once some of them were checked by people: Rogan and Gladen's correction (1978), and the
//! prediction-powered mean (Angelopoulos and others 2023) with its tuned weight.

use super::{StatError, dist, finite, sum};

/// (p + specificity - 1) / (sensitivity + specificity - 1), clipped to [0, 1].
pub fn rogan_gladen(observed: f64, sensitivity: f64, specificity: f64) -> Result<f64, StatError> {
    let power = sensitivity + specificity - 1.0;
    if power <= 1e-12 {
        return Err(StatError::JudgeUninformative);
    }
    Ok(((observed + specificity - 1.0) / power).clamp(0.0, 1.0))
}

/// A calibrated mean.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Calibrated {
    /// The weight of the judge, 0 to 1.
    pub lambda: f64,
    /// The mean.
    pub estimate: f64,
    /// Its standard error.
    pub se: f64,
    /// The two-sided interval.
    pub interval: (f64, f64),
    /// What they are reckoned from.
    pub terms: Terms,
}

/// What a calibrated mean is reckoned from; zero where the judge has no part in it.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Terms {
    /// cov(Y, f).
    pub covariance: f64,
    /// var(f and F).
    pub judge_variance: f64,
    /// mean(F).
    pub judge_mean: f64,
    /// var(F).
    pub others_variance: f64,
    /// mean(Y - lambda f).
    pub rest_mean: f64,
    /// var(Y - lambda f).
    pub rest_variance: f64,
}

/// The prediction-powered mean of labels that people gave (Y), the judge's on the same items (f) and on others (F):
/// lambda = clip(cov(Y, f) / (var(f and F) (1 + n/N)), 0, 1), estimate = lambda mean(F) + mean(Y - lambda f). Population
/// variances throughout.
pub fn ppi_mean(labels: &[f64], judged: &[f64], unlabelled: &[f64], conf: f64) -> Result<Calibrated, StatError> {
    for values in [labels, judged, unlabelled] {
        finite(values)?;
    }
    let (n, others) = (labels.len() as f64, unlabelled.len() as f64);
    let pooled: Vec<f64> = judged.iter().chain(unlabelled).copied().collect();
    let (covariance, judge_variance) = (covariance(labels, judged), variance(&pooled));
    let spread = judge_variance * (1.0 + n / others);
    let lambda = if spread > 0.0 { (covariance / spread).clamp(0.0, 1.0) } else { 0.0 };
    let rest: Vec<f64> = labels.iter().zip(judged).map(|(label, grade)| label - lambda * grade).collect();
    let terms = Terms {
        covariance,
        judge_variance,
        judge_mean: mean(unlabelled),
        others_variance: variance(unlabelled),
        rest_mean: mean(&rest),
        rest_variance: variance(&rest),
    };
    let se = (lambda * lambda * terms.others_variance / others + terms.rest_variance / n).sqrt();
    Ok(Calibrated::of(lambda, lambda * terms.judge_mean + terms.rest_mean, se, conf, terms))
}

/// The mean of labels alone, by the same variance: what the calibrated mean comes to without the judge (lambda = 0).
pub fn people_alone(labels: &[f64], conf: f64) -> Result<Calibrated, StatError> {
    finite(labels)?;
    let terms = Terms { rest_mean: mean(labels), rest_variance: variance(labels), ..Terms::default() };
    let se = (terms.rest_variance / labels.len() as f64).sqrt();
    Ok(Calibrated::of(0.0, terms.rest_mean, se, conf, terms))
}

impl Calibrated {
    fn of(lambda: f64, estimate: f64, se: f64, conf: f64, terms: Terms) -> Self {
        let half = dist::normal_quantile(0.5 + conf / 2.0) * se;
        Self { lambda, estimate, se, interval: (estimate - half, estimate + half), terms }
    }
}

fn mean(values: &[f64]) -> f64 {
    sum::mean(values).unwrap_or(0.0)
}

fn variance(values: &[f64]) -> f64 {
    covariance(values, values)
}

fn covariance(one: &[f64], other: &[f64]) -> f64 {
    let (one_mean, other_mean) = (mean(one), mean(other));
    let products: Vec<f64> = one.iter().zip(other).map(|(x, y)| (x - one_mean) * (y - other_mean)).collect();
    mean(&products)
}
