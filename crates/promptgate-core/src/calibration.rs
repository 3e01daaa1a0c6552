//! What one version differs from itself by: found by running a baseline against itself, kept for planning.

use serde::{Deserialize, Serialize};

use crate::diagnostic::{Diagnostic, Location};
use crate::digest::Digest;
use crate::name::{MetricName, ModelId, RunId, SuiteName};
use crate::record::MetricKind;

/// The schema of a calibration's file. It grows, it never changes.
pub const CALIBRATION_SCHEMA: &str = "promptgate.calibration/1";

/// A calibration still says something about a suite with at most so many times its cases, or so many times fewer.
const MOST_GROWTH: u64 = 2;

/// The noise of a suite, by model and metric.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// [`CALIBRATION_SCHEMA`].
    pub schema: String,
    /// The suite.
    pub suite: SuiteName,
    /// The version that was run against itself.
    pub baseline: CalibratedVersion,
    /// The run that holds its answers.
    pub run: RunId,
    /// When that started, RFC 3339, UTC.
    pub started: String,
    /// Repeats per case, on each of the two arms.
    pub trials: u32,
    /// Cases it was run on.
    pub cases: u64,
    /// What was found.
    pub metrics: Vec<CalibratedMetric>,
}

/// The version of a calibration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CalibratedVersion {
    /// How the user named it.
    #[serde(rename = "ref")]
    pub reference: String,
    /// The version digest.
    pub digest: Digest,
}

/// The noise of one metric on one model. Variances are in squared score units, for ratios in squared log units.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CalibratedMetric {
    /// The model.
    pub model: ModelId,
    /// The metric.
    pub metric: MetricName,
    /// Its kind.
    pub kind: MetricKind,
    /// Cases with a value on both arms.
    pub n: u64,
    /// Clusters among them, where two cases share one.
    #[serde(default)]
    pub clusters: Option<u64>,
    /// The chance that one answer of each arm to the same case come out differently; binary metrics only.
    #[serde(default)]
    pub discordant: Option<f64>,
    /// The standard deviation of a case's difference, its trials averaged; absent for one case.
    #[serde(default)]
    pub sd: Option<f64>,
    /// The variance of one side's trials within a case; absent with one trial.
    #[serde(default)]
    pub within: Option<f64>,
    /// The variance of the true differences of cases. A version does not truly differ from itself, so this is near 0 unless
    /// something else changed between the arms; absent with one trial.
    #[serde(default)]
    pub between: Option<f64>,
    /// By how much clusters widen the variance of the mean: n CR1^2 / sd^2; absent where no two cases share one.
    #[serde(default)]
    pub design_effect: Option<f64>,
    /// Cases whose answers did not all come out alike, both arms together.
    pub flaky: u64,
}

/// Whether a calibration speaks for a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fit {
    /// It does.
    Fits,
    /// It does, but was made on another number of cases.
    OtherCases,
    /// Another suite's.
    OtherSuite,
    /// The baseline is another version by now.
    OtherVersion,
    /// The suite has grown or shrunk too much since.
    OtherSize,
}

impl Fit {
    /// Whether its figures are used.
    pub fn is_used(&self) -> bool {
        matches!(self, Self::Fits | Self::OtherCases)
    }
}

impl Calibration {
    /// Reads a calibration's file.
    ///
    /// # Errors
    ///
    /// What is no calibration, has a newer schema, or holds numbers that cannot be.
    pub fn parse(text: &str, file: &str) -> Result<Self, Diagnostic> {
        let mistake = |line: usize, message: String| {
            let line = u32::try_from(line.max(1)).unwrap_or(u32::MAX);
            let help = "remove the file, and calibrate anew";
            Diagnostic::new(message).at(Location::of_line(file, line)).help(help)
        };
        #[derive(Deserialize)]
        struct Schema {
            schema: String,
        }
        let unread = |error: serde_json::Error| mistake(error.line(), format!("this is no calibration: {error}"));
        let Schema { schema } = serde_json::from_str(text).map_err(unread)?;
        if schema != CALIBRATION_SCHEMA {
            let known = format!("the schema is `{schema}`; this version of promptgate knows `{CALIBRATION_SCHEMA}`");
            return Err(mistake(1, known));
        }
        let calibration: Self = serde_json::from_str(text).map_err(unread)?;
        match calibration.impossible() {
            Some(what) => Err(mistake(1, what)),
            None => Ok(calibration),
        }
    }

    /// The file's text.
    ///
    /// # Errors
    ///
    /// Numbers that are not finite are refused: JSON cannot say them.
    pub fn to_json(&self) -> Result<String, String> {
        if let Some(what) = self.impossible() {
            return Err(what);
        }
        serde_json::to_string_pretty(self).map(|text| text + "\n").map_err(|error| error.to_string())
    }

    /// The first number that cannot be.
    fn impossible(&self) -> Option<String> {
        if self.trials == 0 {
            return Some("`trials` is 0".to_owned());
        }
        self.metrics.iter().find_map(|metric| metric.impossible(self.cases))
    }

    /// Whether this speaks for so many cases of a suite whose baseline is the version of this digest.
    pub fn fit(&self, suite: &SuiteName, baseline: &Digest, cases: u64) -> Fit {
        match self.cases {
            _ if self.suite != *suite => Fit::OtherSuite,
            _ if self.baseline.digest != *baseline => Fit::OtherVersion,
            n if n == cases => Fit::Fits,
            n if n.max(cases) <= MOST_GROWTH.saturating_mul(n.min(cases)) => Fit::OtherCases,
            _ => Fit::OtherSize,
        }
    }

    /// What was found for a metric on a model.
    pub fn metric(&self, model: &ModelId, metric: &MetricName) -> Option<&CalibratedMetric> {
        self.metrics.iter().find(|each| each.model == *model && each.metric == *metric)
    }
}

impl CalibratedMetric {
    fn impossible(&self, cases: u64) -> Option<String> {
        let name = || format!("`{}` on {}", self.metric, self.model);
        let counts =
            [("n", self.n, cases), ("flaky", self.flaky, self.n), ("clusters", self.clusters.unwrap_or(0), self.n)];
        if let Some((key, count, most)) = counts.into_iter().find(|(_, count, most)| count > most) {
            return Some(format!("`{key}` of {} is {count}, of at most {most}", name()));
        }
        let amounts = [
            ("discordant", self.discordant, 1.0),
            ("sd", self.sd, f64::INFINITY),
            ("within", self.within, f64::INFINITY),
            ("between", self.between, f64::INFINITY),
            ("design_effect", self.design_effect, f64::INFINITY),
        ];
        let wrong = |(_, amount, most): &(&str, Option<f64>, f64)| {
            amount.is_some_and(|amount| !amount.is_finite() || !(0.0..=*most).contains(&amount))
        };
        let (key, amount, _) = amounts.into_iter().find(wrong)?;
        Some(format!("`{key}` of {} is {}", name(), amount.unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calibration() -> Calibration {
        Calibration {
            schema: CALIBRATION_SCHEMA.to_owned(),
            suite: SuiteName::new("triage").unwrap(),
            baseline: CalibratedVersion { reference: "triage@git:main".to_owned(), digest: Digest::of_bytes(b"v") },
            run: RunId::new("20260114").unwrap(),
            started: "2026-01-14T10:00:00Z".to_owned(),
            trials: 2,
            cases: 180,
            metrics: vec![CalibratedMetric {
                model: ModelId::new("openai/x").unwrap(),
                metric: MetricName::new("pass_rate").unwrap(),
                kind: MetricKind::Binary,
                n: 180,
                clusters: Some(170),
                discordant: Some(0.08),
                sd: Some(0.2),
                within: Some(0.04),
                between: Some(0.0),
                design_effect: Some(1.1),
                flaky: 12,
            }],
        }
    }

    #[test]
    fn a_calibration_reads_back_and_what_a_later_version_adds_is_passed_over() {
        let text = calibration().to_json().unwrap();
        assert_eq!(Calibration::parse(&text, "x.json").unwrap(), calibration());
        let more = text.replacen("\"trials\"", "\"later\": [1], \"trials\"", 1);
        assert_eq!(Calibration::parse(&more, "x.json").unwrap(), calibration());
    }

    #[test]
    fn a_file_that_cannot_be_is_refused_with_its_place() {
        let text = calibration().to_json().unwrap();
        let refused = |from: &str, to: &str| {
            assert!(text.contains(from), "{from}");
            Calibration::parse(&text.replacen(from, to, 1), "x.json").unwrap_err().to_string()
        };
        insta::assert_snapshot!(refused("calibration/1", "calibration/2"), @"x.json:1:1: the schema is `promptgate.calibration/2`; this version of promptgate knows `promptgate.calibration/1`; remove the file, and calibrate anew");
        insta::assert_snapshot!(refused("0.08", "1.08"), @"x.json:1:1: `discordant` of `pass_rate` on openai/x is 1.08; remove the file, and calibrate anew");
        insta::assert_snapshot!(refused("0.2", "-0.2"), @"x.json:1:1: `sd` of `pass_rate` on openai/x is -0.2; remove the file, and calibrate anew");
        insta::assert_snapshot!(refused("\"flaky\": 12", "\"flaky\": 181"), @"x.json:1:1: `flaky` of `pass_rate` on openai/x is 181, of at most 180; remove the file, and calibrate anew");
        insta::assert_snapshot!(refused("\"trials\": 2", "\"trials\": 0"), @"x.json:1:1: `trials` is 0; remove the file, and calibrate anew");
        insta::assert_snapshot!(refused("\"n\": 180", "\"n\": \"many\""), @"x.json:17:1: this is no calibration: invalid type: string \"many\", expected u64 at line 17 column 17; remove the file, and calibrate anew");
        assert!(Calibration::parse("", "x.json").is_err() && Calibration::parse("{}", "x.json").is_err());
        let mut endless = calibration();
        endless.metrics[0].sd = Some(f64::NAN);
        assert!(endless.to_json().is_err());
    }

    #[test]
    fn a_calibration_speaks_for_its_version_and_for_about_its_number_of_cases() {
        let (calibration, digest) = (calibration(), Digest::of_bytes(b"v"));
        let suite = &calibration.suite;
        let fit = |cases| calibration.fit(suite, &digest, cases);
        assert_eq!([180, 227, 360, 361, 90, 89, 0].map(fit), {
            use Fit::{Fits, OtherCases, OtherSize};
            [Fits, OtherCases, OtherCases, OtherSize, OtherCases, OtherSize, OtherSize]
        });
        assert_eq!(calibration.fit(suite, &Digest::of_bytes(b"w"), 180), Fit::OtherVersion);
        assert_eq!(calibration.fit(&SuiteName::new("other").unwrap(), &digest, 180), Fit::OtherSuite);
    }
}
