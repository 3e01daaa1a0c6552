//! What people say beside a judge (gate.md, 7): how many outputs they labelled, how far the judge agrees, and the calibrated
//! mean of the differences where enough pairs are labelled.

use promptgate_core::name::MetricName;
use promptgate_core::record::RunHeader;

use super::evidence::{Evidence, Method};
use super::pairs::Pairs;
use super::subject::Subject;
use crate::calibrating::agreement;
use crate::stats::{calibration, dist, sum};

/// Labelled pairs from which the calibrated mean decides.
pub(crate) const ENOUGH: usize = 30;

/// What people say of a judged metric on the outputs of a comparison.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct People {
    /// Outputs with a label and a grade.
    pub(crate) labels: usize,
    /// How far the judge agrees with people on them ([`agreement`]).
    pub(crate) agreement: Option<f64>,
    /// Differences of pairs labelled on both sides, by people and by the judge.
    by_people: Vec<f64>,
    by_judge: Vec<f64>,
    /// Differences of the other pairs, by the judge.
    others: Vec<f64>,
}

impl People {
    /// What the record holds of a metric; nothing where no labels belong to it.
    pub(crate) fn of(
        header: &RunHeader,
        pairs: &Pairs<'_>,
        metric: &MetricName,
        selection: Option<usize>,
    ) -> Option<Self> {
        let labels = header.metrics.iter().find(|spec| spec.labels_of.as_ref() == Some(metric))?;
        let (judged, labelled) = (Subject::Metric(metric.clone()), Subject::Metric(labels.name.clone()));
        let mut people = Self::default();
        let (mut said, mut graded) = (Vec::new(), Vec::new());
        for position in pairs.selected(selection) {
            let (grades, labels) = (pairs.trials(&judged, position), pairs.trials(&labelled, position));
            for (grades, labels) in [(&grades.baseline, &labels.baseline), (&grades.candidate, &labels.candidate)] {
                // Trials are matched by their order, so all of a case have to be labelled.
                if !labels.is_empty() && grades.len() == labels.len() {
                    graded.extend(grades);
                    said.extend(labels);
                }
            }
            people.add_pair(pairs.readings(&judged, position), pairs.readings(&labelled, position));
        }
        people.labels = said.len();
        people.agreement = agreement(&said, &graded).map(|agreement| agreement.value);
        Some(people)
    }

    fn add_pair(
        &mut self,
        (before, after): (super::subject::Reading, super::subject::Reading),
        (said_before, said_after): (super::subject::Reading, super::subject::Reading),
    ) {
        let (Some(before), Some(after)) = (before.value(), after.value()) else { return };
        match (said_before.value(), said_after.value()) {
            (Some(said_before), Some(said_after)) => {
                self.by_people.push(said_after - said_before);
                self.by_judge.push(after - before);
            }
            _ => self.others.push(after - before),
        }
    }

    /// Pairs that are labelled on both sides.
    pub(crate) fn pairs(&self) -> usize {
        self.by_people.len()
    }

    /// The evidence by the calibrated mean, in place of the judge's alone, where enough pairs are labelled.
    pub(crate) fn calibrated(&self, raw: &Evidence, method: &Method) -> Option<Evidence> {
        if self.pairs() < ENOUGH {
            return None;
        }
        let (estimate, se) = self.mean(method.alpha)?;
        let half = dist::normal_quantile(1.0 - method.alpha) * se;
        let p = if se > 0.0 { dist::normal_cdf(estimate / se) } else { f64::from(u8::from(estimate >= 0.0)) };
        Some(raw.replaced(estimate, (estimate - half, estimate + half), p))
    }

    fn mean(&self, alpha: f64) -> Option<(f64, f64)> {
        if !self.others.is_empty() {
            let conf = 1.0 - 2.0 * alpha;
            let found = calibration::ppi_mean(&self.by_people, &self.by_judge, &self.others, conf).ok()?;
            return Some((found.estimate, found.se));
        }
        // Where all pairs are labelled the judge adds nothing.
        let n = self.by_people.len() as f64;
        let mean = sum::mean(&self.by_people)?;
        let variance = self.by_people.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>() / n;
        Some((mean, (variance / n).sqrt()))
    }

    /// One line under the verdict.
    pub(crate) fn note(&self, metric: &MetricName, raw: Option<f64>) -> String {
        let agreement = self.agreement.map_or("cannot be told".to_owned(), |agreement| format!("{agreement:.2}"));
        if self.pairs() < ENOUGH {
            return format!(
                "judge of `{metric}` not checked against people ({} labels, {} pairs labelled on both sides, agreement {agreement})",
                self.labels,
                self.pairs()
            );
        }
        let alone = raw.map_or(String::new(), |raw| format!("; the judge alone says {:+.1} points", raw * 100.0));
        format!(
            "judge of `{metric}` corrected by people ({} pairs labelled on both sides, agreement {agreement}){alone}",
            self.pairs()
        )
    }
}
