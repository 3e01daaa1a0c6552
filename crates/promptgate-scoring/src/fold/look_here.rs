//! What informs and never blocks: slices that no check names and that look worse (gate.md, 5), and the baseline against
//! itself.

use promptgate_core::gate::{Limit, Policy, Subject as Asks};
use promptgate_core::report::{Noise, SliceNote};

use super::check::{Weighed, natural};
use super::comparison::Scene;
use super::evidence::Evidence;
use super::pairs::Over;
use super::reason;
use super::subject::Subject;
use crate::stats::multiple;

/// Fewer pairs than this are not looked at as a slice.
const LEAST_PAIRS: usize = 10;

/// The share of false finds among what is listed.
const FALSE_FINDS: f64 = 0.10;

/// A slice of a metric, weighed.
struct Slice {
    name: String,
    subject: Subject,
    n: usize,
    difference: f64,
    p: f64,
}

impl Scene<'_> {
    /// The slices by tag and by field that no check names, and the advisory checks without a limit, as far as they look worse.
    pub(crate) fn look_here(&self) -> Vec<SliceNote> {
        if self.pairs.baseline.is_none() {
            return Vec::new();
        }
        let slices = self.slices();
        let p: Vec<f64> = slices.iter().map(|slice| slice.p).collect();
        let found = slices.into_iter().zip(multiple::benjamini_hochberg(&p));
        let mut notes: Vec<SliceNote> = found
            .filter(|(_, p_adjusted)| *p_adjusted <= FALSE_FINDS)
            .map(|(slice, p_value_adjusted)| SliceNote {
                slice: slice.name,
                metric: slice.subject.name(),
                n: slice.n as u64,
                difference: slice.difference,
                p_value_adjusted,
            })
            .collect();
        notes.sort_by(|one, other| {
            let key = |note: &SliceNote| (note.slice.clone(), note.metric.clone());
            one.p_value_adjusted.total_cmp(&other.p_value_adjusted).then_with(|| key(one).cmp(&key(other)))
        });
        notes
    }

    fn slices(&self) -> Vec<Slice> {
        let subjects = self.looked_at();
        let mut slices = Vec::new();
        for (name, positions) in self.setting.table.slices() {
            let is_named = self.setting.header.selections.iter().any(|selection| selection.to_string() == name);
            if is_named || positions.len() < LEAST_PAIRS {
                continue;
            }
            let mut sorted = positions.to_vec();
            sorted.sort_unstable();
            let weighed = subjects.iter().map(|subject| self.slice(&name, subject, Over::Positions(&sorted)));
            slices.extend(weighed.flatten());
        }
        slices.extend(self.without_limit());
        slices
    }

    /// The metrics that checks look at over all cases.
    fn looked_at(&self) -> Vec<Subject> {
        let header = self.setting.header;
        let mut subjects = vec![Subject::Outcome];
        for check in &self.policy.checks {
            let Asks::Metric { metric, limit, .. } = &check.subject else { continue };
            let alone = matches!(limit, Some(Limit::Min(..) | Limit::Max(..)));
            let subject = Subject::named(metric, header).filter(|_| !alone);
            subjects.extend(subject.filter(|subject| !subjects.contains(subject)));
        }
        subjects
    }

    /// Advisory checks without a limit join the list under their own slices.
    fn without_limit(&self) -> Vec<Slice> {
        let header = self.setting.header;
        let checks = self.policy.checks.iter().filter_map(|check| {
            let Asks::Metric { metric, slice, limit: None } = &check.subject else { return None };
            let subject = Subject::named(metric, header)?;
            let index = slice.as_ref().and_then(|slice| header.selections.iter().position(|each| each == slice));
            let name = slice.as_ref().map_or_else(|| "all cases".to_owned(), ToString::to_string);
            self.slice(&name, &subject, Over::Selection(index))
        });
        checks.collect()
    }

    fn slice(&self, name: &str, subject: &Subject, over: Over<'_>) -> Option<Slice> {
        let method = self.method(subject.kind(self.setting.header), 1);
        let sample = self.pairs.sample(subject, over);
        let evidence = Evidence::weigh(&sample, &method).ok().filter(|evidence| evidence.n >= LEAST_PAIRS)?;
        let (n, p) = (evidence.n, evidence.p);
        let difference = natural(method.kind, evidence.estimate);
        Some(Slice { name: name.to_owned(), subject: subject.clone(), n, difference, p })
    }

    /// The baseline against itself, metric by metric: what differs here means nothing.
    pub(crate) fn noise(&self) -> Vec<Noise> {
        let header = self.setting.header;
        let subjects = if self.setting.policy.is_some() { self.looked_at() } else { Subject::all(header) };
        subjects.iter().filter_map(|subject| self.noise_of(subject)).collect()
    }

    fn noise_of(&self, subject: &Subject) -> Option<Noise> {
        let method = self.method(subject.kind(self.setting.header), 1);
        let sample = self.pairs.sample(subject, Over::All);
        let differ = sample.baseline.iter().zip(&sample.candidate).filter(|(before, after)| before != after).count();
        let evidence = Evidence::weigh(&sample, &method);
        let evidence = evidence.ok()?;
        let (n, discordant) = (evidence.n as u64, differ as f64 / evidence.n as f64);
        let (metric, alpha, sd) = (subject.name(), method.alpha, evidence.variance.map(f64::sqrt));
        let weighed = Weighed::new(metric.clone(), method, sample, Ok(evidence));
        let report = weighed.judged(None, &Policy::default(), &self.stage);
        Some(Noise {
            metric,
            kind: method.kind.into(),
            n,
            difference: report.difference,
            interval: report.interval,
            interval_level: report.interval.map(|_| reason::clean(1.0 - 2.0 * alpha)),
            discordant,
            sd,
        })
    }
}
