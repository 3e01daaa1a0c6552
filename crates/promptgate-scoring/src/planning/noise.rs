//! By how much one version differs from itself: measured, or assumed and called so.

use promptgate_core::calibration::CalibratedMetric;
use promptgate_core::report::CheckKind;
use promptgate_core::report::plan::Source;

use super::Group;

/// The shares of cases that come out differently where nothing was measured.
const DISCORDANT: [f64; 2] = [0.1, 0.2];

/// The standard deviation of a score's difference, and of a log ratio, where nothing was measured.
const SD: f64 = 0.3;

/// The share of that noise which is the model's own and so falls with repeats, where nothing was measured.
const OWN: f64 = 0.5;

/// How alike cases of one cluster differ (the intraclass correlation), where nothing was measured.
const ALIKE: f64 = 0.2;

/// The variance of one case's difference, in parts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Noise {
    pub(super) source: Source,
    /// The share of cases that differ with one trial a side; binary metrics only.
    pub(super) discordant: Option<f64>,
    /// The variance that falls with repeats: that of one trial of each side.
    pub(super) own: f64,
    /// The variance that does not.
    pub(super) between: f64,
    /// By how much clusters widen the variance of the mean.
    pub(super) design: f64,
    /// Whether the two parts were told apart by measuring.
    pub(super) parted: bool,
}

impl Noise {
    /// The noises to plan with: the measured one, else those that are assumed.
    pub(super) fn of(kind: CheckKind, group: Group, measured: Option<&CalibratedMetric>) -> Vec<Self> {
        match measured.and_then(|metric| Self::measured(metric, group)) {
            Some(noise) => vec![noise],
            None => Self::assumed(kind, group),
        }
    }

    fn measured(metric: &CalibratedMetric, group: Group) -> Option<Self> {
        let parts = match (metric.within, metric.between) {
            (Some(within), Some(between)) => Some((2.0 * within, between)),
            _ => None,
        };
        // With one trial the parts cannot be told apart; a version does not truly differ from itself.
        let (own, between) = parts.or_else(|| {
            let sd = || Some((metric.sd?.powi(2), 0.0));
            metric.discordant.map(|share| (share, 0.0)).or_else(sd)
        })?;
        let design = metric.design_effect.unwrap_or_else(|| assumed_design(group));
        let source = Source::Calibrated;
        Some(Self { source, discordant: metric.discordant, own, between, design, parted: parts.is_some() })
    }

    fn assumed(kind: CheckKind, group: Group) -> Vec<Self> {
        let of = |discordant: Option<f64>, variance: f64| Self {
            source: Source::Assumed,
            discordant,
            own: OWN * variance,
            between: (1.0 - OWN) * variance,
            design: assumed_design(group),
            parted: false,
        };
        match kind {
            CheckKind::Binary => DISCORDANT.iter().map(|share| of(Some(*share), *share)).collect(),
            CheckKind::Score | CheckKind::Ratio => vec![of(None, SD * SD)],
            CheckKind::Rule => Vec::new(),
        }
    }

    /// The variance of one case's difference with so many repeats a side.
    pub(super) fn variance(&self, trials: u32) -> f64 {
        self.design * (self.between + self.own / f64::from(trials.max(1)))
    }

    /// The same under `these-cases`: the cases are fixed, so only the model's own noise is left. What is assumed of one run
    /// is then all its own.
    pub(super) fn of_calls(&self) -> f64 {
        if self.source == Source::Assumed { self.own + self.between } else { self.own }
    }
}

/// 1 + (cluster size - 1) * ICC.
fn assumed_design(group: Group) -> f64 {
    let size = group.clusters.map_or(1.0, |clusters| group.cases as f64 / clusters.max(1) as f64);
    1.0 + (size - 1.0) * ALIKE
}
