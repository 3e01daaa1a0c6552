//! What people say beside a judge (gate.md, 7): how many outputs they labelled, how far the judge agrees, and the calibrated
//! mean of the differences where enough pairs are labelled.

use std::collections::BTreeSet;

use promptgate_core::gate::{Limit, Policy, Scope};
use promptgate_core::name::MetricName;
use promptgate_core::record::{RunHeader, Unlabelled};

use super::check::{Cap, CapCode};
use super::evidence::{Evidence, Method};
use super::pairs::{Pairs, Sample};
use super::subject::{Reading, Subject};
use crate::calibrating::{Agreement, agreement};
use crate::stats::calibration::{self, Calibrated};
use crate::stats::{dist, hall};

/// A standard error that is nothing but rounding.
const NO_SPREAD: f64 = 1e-12;

/// Labelled pairs from which the calibrated mean decides.
pub(crate) const ENOUGH: usize = 30;

/// The judges that a metric rests on, each with what people say of it where they labelled outputs; nothing where no model
/// grades.
#[derive(Debug, Default)]
pub(crate) struct Judges(Vec<Judge>);

/// A judge, by the metric that it feeds.
#[derive(Debug)]
struct Judge {
    metric: Option<MetricName>,
    people: Option<People>,
    /// Why labels of what feeds the metric say nothing of it.
    unlabelled: Option<Unlabelled>,
}

/// What people say of a judged metric on the outputs of a comparison.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct People {
    /// Distinct outputs of cases with a label and a grade: repeats of a text, on whatever side, are labelled once.
    pub(crate) labels: usize,
    /// How far the judge agrees with people on them ([`agreement`]).
    pub(crate) agreement: Option<Agreement>,
    /// Differences of pairs labelled on both sides, by people and by the judge.
    pub(crate) by_people: Vec<f64>,
    pub(crate) by_judge: Vec<f64>,
    /// Differences of the other pairs, by the judge.
    pub(crate) others: Vec<f64>,
}

/// How far labels of people go into a check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Use {
    /// They correct it once enough pairs are labelled.
    Corrects,
    /// They tell how far the judge can be trusted, and correct nothing, for this reason.
    Told(&'static str),
    /// They would have to correct it, and no correction is known, for this reason.
    Unknown(&'static str),
}

impl Use {
    /// In a check. The calibrated mean is one of differences, of independent pairs, and of all of them at once.
    pub(crate) fn of(limit: Option<Limit>, metric: &MetricName, sample: &Sample, method: &Method) -> Self {
        match limit {
            Some(Limit::Min(..) | Limit::Max(..)) => Self::Told("a floor or ceiling is held to the judge's own grades"),
            _ if metric.as_str() == "pass_rate" => Self::Told("a pass rate counts the judge's own verdicts"),
            _ if method.running.is_some() => Self::Unknown("the plan is not complete"),
            _ if method.scope == Scope::TheseCases => Self::Unknown("these cases are the whole question"),
            _ if sample.clustered => Self::Unknown("cases share clusters"),
            _ => Self::Corrects,
        }
    }
}

impl Judges {
    /// Those that a metric rests on: the one that feeds it; each critical one for the pass rate.
    pub(crate) fn of(header: &RunHeader, pairs: &Pairs<'_>, subject: &Subject, selection: Option<usize>) -> Self {
        let judge = |metric: Option<&MetricName>| Judge {
            people: metric.and_then(|metric| People::of(header, pairs, metric, selection)),
            unlabelled: metric.and_then(|metric| header.metrics.iter().find(|spec| spec.name == *metric)?.unlabelled),
            metric: metric.cloned(),
        };
        Self(resting_on(header, subject).into_iter().map(judge).collect())
    }

    /// What people say of the judge of a metric of its own.
    pub(crate) fn people(&self) -> Option<&People> {
        match self.0.as_slice() {
            [judge] => judge.people.as_ref(),
            _ => None,
        }
    }

    /// Why a check that rests on them can be at best inconclusive, where the policy asks for labels of people.
    pub(crate) fn cap(&self, policy: &Policy, labels: Use) -> Option<Cap> {
        self.0.iter().find_map(|judge| judge.unchecked(policy, labels))
    }

    /// One line under the verdict for each; `raw` is what the judges alone say.
    pub(crate) fn notes(&self, slice: Option<&str>, raw: Option<f64>, labels: Use) -> Vec<String> {
        self.0.iter().map(|judge| judge.note(slice, raw, labels)).collect()
    }
}

/// The metrics that the judges behind a subject feed.
pub(crate) fn resting_on<'a>(header: &'a RunHeader, subject: &'a Subject) -> Vec<Option<&'a MetricName>> {
    match subject {
        Subject::Outcome => header.deciding_judges.iter().map(Option::as_ref).collect(),
        Subject::Metric(name) => {
            let judged = header.metrics.iter().any(|spec| spec.judged && spec.name == *name);
            judged.then_some(Some(name)).into_iter().collect()
        }
        Subject::Amount(_) => Vec::new(),
    }
}

impl Judge {
    /// A judge that nobody checked (gate.md, 7).
    fn unchecked(&self, policy: &Policy, labels: Use) -> Option<Cap> {
        // What is corrected rests on pairs: labels of one side alone correct nothing.
        let (count, what) = match (&self.people, labels) {
            (Some(people), Use::Corrects) => (people.pairs(), "pairs are labelled by people on both sides"),
            (people, _) => (people.as_ref().map_or(0, |people| people.labels), "answers are labelled by people"),
        };
        let few = |words: String, way| Some(Cap { code: CapCode::TooFewLabels, words, way: Some(way) });
        match (policy.judge_labels_min, labels) {
            (least, _) if (count as u64) < u64::from(least) => {
                let words = format!("{count} {what}, and at least {least} are asked for");
                few(words, "have people label more answers")
            }
            (1.., Use::Unknown(why)) => {
                let words = format!("labels of people are asked for, and do not correct the judge where {why}");
                few(
                    words,
                    "no correction by labels is known for this gate; without `judge_labels_min` the judge alone decides",
                )
            }
            _ => self.disagrees(policy.min_agreement?),
        }
    }

    fn disagrees(&self, least: f64) -> Option<Cap> {
        let labels = self.people.as_ref().map_or(0, |people| people.labels);
        let (code, words, way) = match (self.people.as_ref().and_then(|people| people.agreement), labels) {
            (Some(agreement), _) if agreement.value >= least => return None,
            (Some(agreement), _) => (
                CapCode::JudgeDisagrees,
                // The record holds what labels are worth. Of labels that share a score `judge calibrate` tells another kappa.
                format!(
                    "the judge agrees with people to {:.2} ({} of the scores)",
                    agreement.value,
                    agreement.statistic.as_str()
                ),
                "mend the judge's prompt, or take another model (`promptgate judge calibrate` tells how far it agrees)",
            ),
            (None, 0) => (
                CapCode::TooFewLabels,
                "no label says how far the judge agrees with people".to_owned(),
                "have people label answers",
            ),
            // By chance alone raters who only ever say the same agree fully, so that kappa is 0 / 0.
            (None, labels) => (
                CapCode::TooFewLabels,
                format!("all {labels} labels and grades are the same, so how far the judge agrees cannot be measured"),
                "have people label answers of the other kind, such as bad ones where all are good",
            ),
        };
        Some(Cap { code, words: format!("{words}, and at least {least} is asked for"), way: Some(way) })
    }

    fn note(&self, slice: Option<&str>, raw: Option<f64>, labels: Use) -> String {
        let slice = slice.map(|slice| format!(" [{slice}]")).unwrap_or_default();
        let name = self.metric.as_ref().map_or("judge".to_owned(), |metric| format!("judge of `{metric}`")) + &slice;
        match (&self.people, self.unlabelled) {
            (Some(people), _) => format!("{name} {}", people.told(raw, labels)),
            (None, Some(Unlabelled::SeveralFeed)) => {
                format!("{name} not corrected by people: several assertions feed it, and the labels are of one alone")
            }
            (None, Some(Unlabelled::Derived)) => {
                format!("{name} not corrected by people: it is reckoned from metrics, and the labels are of those")
            }
            (None, None) => format!("{name} not checked against people (0 labels)"),
        }
    }
}

impl People {
    /// What the record holds of a metric; nothing where no labels belong to it.
    fn of(header: &RunHeader, pairs: &Pairs<'_>, metric: &MetricName, selection: Option<usize>) -> Option<Self> {
        let labels = header.metrics.iter().find(|spec| spec.labels_of.as_ref() == Some(metric))?;
        let (judged, labelled) = (Subject::Metric(metric.clone()), Subject::Metric(labels.name.clone()));
        let mut people = Self::default();
        let (mut said, mut graded, mut seen) = (Vec::new(), Vec::new(), BTreeSet::new());
        for position in pairs.selected(selection) {
            for output in pairs.labelled((&judged, &labelled), position) {
                if seen.insert((position, output.text)) {
                    said.push(output.label);
                    graded.push(output.grade);
                }
            }
            people.add_pair(pairs.readings(&judged, position), pairs.readings(&labelled, position));
        }
        people.labels = said.len();
        people.agreement = agreement(&said, &graded);
        Some(people)
    }

    fn add_pair(&mut self, (before, after): (Reading, Reading), (said_before, said_after): (Reading, Reading)) {
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

    /// The evidence by the calibrated mean, in place of the judge's alone, where enough pairs are labelled. Where nothing
    /// varies the formula has no width, and the guard stands in (gate.md, the degenerate cases): it counts the labelled
    /// pairs, since a judge shows no failure that it does not see.
    pub(crate) fn calibrated(&self, raw: &Evidence, method: &Method) -> Option<Evidence> {
        if self.pairs() < ENOUGH {
            return None;
        }
        let Calibrated { estimate, se, interval: (lower, upper), .. } = self.mean(method.alpha)?;
        let guarded = (se <= NO_SPREAD).then_some(self.pairs());
        let guard = guarded.map(|pairs| hall::guard(estimate, pairs, method.alpha, -1.0, 1.0));
        let bounds = guard.unwrap_or(hall::Bounds { lower, upper });
        let p = if se > NO_SPREAD { dist::normal_cdf(estimate / se) } else { f64::from(u8::from(estimate >= 0.0)) };
        Some(raw.by_people(estimate, bounds, p, guarded))
    }

    /// The calibrated mean. Where all pairs are labelled the judge adds nothing.
    pub(crate) fn mean(&self, alpha: f64) -> Option<Calibrated> {
        let conf = 1.0 - 2.0 * alpha;
        if self.others.is_empty() {
            return calibration::people_alone(&self.by_people, conf).ok();
        }
        calibration::ppi_mean(&self.by_people, &self.by_judge, &self.others, conf).ok()
    }

    /// What they say, and what came of it.
    fn told(&self, raw: Option<f64>, labels: Use) -> String {
        let agreement =
            self.agreement.map_or("cannot be told".to_owned(), |agreement| format!("{:.2}", agreement.value));
        let (labelled, pairs) = (self.labels, self.pairs());
        let is_checked = if let Use::Told(_) = labels { labelled } else { pairs } >= ENOUGH;
        match labels {
            _ if !is_checked => format!(
                "not checked against people ({labelled} labels, {pairs} pairs labelled on both sides, agreement {agreement})"
            ),
            Use::Corrects => {
                let alone =
                    raw.map_or(String::new(), |raw| format!("; the judge alone says {:+.1} points", raw * 100.0));
                format!("corrected by people ({pairs} pairs labelled on both sides, agreement {agreement}){alone}")
            }
            Use::Told(why) | Use::Unknown(why) => {
                format!("labelled by people ({labelled} labels, agreement {agreement}), which corrects nothing: {why}")
            }
        }
    }
}
