//! How the cases of two sides pair, and what a check gets to see of them: complete pairs in normal order, and an account
//! of those that are not complete.

use promptgate_core::report::PairCounts;

use super::subject::{Reading, Subject};
use super::table::{Side, Table};

/// The planned pairs of a comparison: the cases both sides hold with the same input, in normal order.
pub(crate) struct Pairs<'a> {
    pub(crate) table: &'a Table,
    pub(crate) baseline: Option<&'a Side>,
    pub(crate) candidate: &'a Side,
    /// Positions in normal order.
    pub(crate) planned: Vec<usize>,
    /// By position, the place of its cluster among those of the comparison; what the sign streams go by.
    places: Vec<u32>,
}

/// The account of the planned pairs by their answers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Answers {
    pub(crate) counts: PairCounts,
    /// Pairs that lack an answer on one side or both for reasons of infrastructure.
    pub(crate) unanswered: u64,
    /// Pairs that lack one because trials were skipped.
    pub(crate) skipped: u64,
    /// Pairs whose baseline is not stored and may not be asked for.
    pub(crate) not_held: u64,
    /// Whether a pair lacks one because the quota is gone.
    pub(crate) no_quota: bool,
}

impl<'a> Pairs<'a> {
    /// Pairs two sides; without a baseline every case of the candidate is planned. `stored`: what the baseline does not
    /// hold was never planned.
    pub(crate) fn new(table: &'a Table, baseline: Option<&'a Side>, candidate: &'a Side, stored: bool) -> Self {
        let held = |position: usize| match baseline {
            None => candidate.input(position).is_some(),
            Some(side) => {
                let same = side.input(position).is_some() && side.input(position) == candidate.input(position);
                same && !(stored && table.reading(side, &Subject::Outcome, position) == Reading::NotHeld)
            }
        };
        let planned: Vec<usize> = table.in_normal_order().into_iter().filter(|position| held(*position)).collect();
        let places = places(table, &planned);
        Self { table, baseline, candidate, planned, places }
    }

    /// The planned pairs of a selection.
    pub(crate) fn selected(&self, selection: Option<usize>) -> impl Iterator<Item = usize> + '_ {
        let all = self.planned.iter().copied();
        all.filter(move |position| self.table.is_selected(*position, selection))
    }

    /// The candidate's cases of a selection, paired or not, in normal order.
    pub(crate) fn of_candidate(&self, selection: Option<usize>) -> impl Iterator<Item = usize> + '_ {
        let held = |position: &usize| self.candidate.input(*position).is_some();
        let all = self.table.in_normal_order().into_iter().filter(held);
        all.filter(move |position| self.table.is_selected(*position, selection))
    }

    /// The readings of a case on both sides.
    pub(crate) fn readings(&self, subject: &Subject, position: usize) -> (Reading, Reading) {
        let candidate = self.table.reading(self.candidate, subject, position);
        (self.baseline.map_or(Reading::Absent, |side| self.table.reading(side, subject, position)), candidate)
    }

    /// Who answered what.
    pub(crate) fn answers(&self) -> Answers {
        let mut answers = Answers::default();
        for position in &self.planned {
            let (baseline, candidate) = self.readings(&Subject::Outcome, *position);
            let sides = if self.baseline.is_some() { vec![baseline, candidate] } else { vec![candidate] };
            let lacks = |reading: Reading| reading.is_unanswered() || reading == Reading::Skipped;
            answers.counts.complete += u64::from(sides.iter().all(|reading| reading.value().is_some()));
            answers.counts.missing_candidate += u64::from(lacks(candidate));
            answers.counts.missing_baseline += u64::from(self.baseline.is_some() && lacks(baseline));
            answers.unanswered += u64::from(sides.iter().any(|reading| reading.is_unanswered()));
            answers.not_held += u64::from(baseline == Reading::NotHeld);
            answers.skipped += u64::from(sides.contains(&Reading::Skipped));
            answers.no_quota |= sides.contains(&Reading::NoQuota);
        }
        answers
    }

    /// What a check on a metric sees of a selection.
    pub(crate) fn sample(&self, subject: &Subject, selection: Option<usize>) -> Sample {
        let mut sample = Sample::default();
        let mut clusters = Vec::new();
        for position in self.selected(selection) {
            let cluster = self.table.cluster(position);
            let unit = Unit { cluster, place: self.places[position] };
            let (baseline, candidate) = self.readings(subject, position);
            if (baseline, candidate) == (Reading::NotFed, Reading::NotFed) {
                continue;
            }
            clusters.push(cluster);
            sample.take(unit, baseline, candidate);
        }
        sample.planned_in(clusters)
    }

    /// The candidate alone: every case it has a value for, paired or not, in normal order.
    pub(crate) fn candidate_alone(&self, subject: &Subject, selection: Option<usize>) -> Sample {
        let mut sample = Sample::default();
        let mut clusters = Vec::new();
        for position in self.of_candidate(selection) {
            let candidate = self.table.reading(self.candidate, subject, position);
            if candidate == Reading::NotFed {
                continue;
            }
            let cluster = self.table.cluster(position);
            clusters.push(cluster);
            // With the candidate on both sides what is said of absences holds, and the differences are not looked at.
            sample.take(Unit { cluster, place: 0 }, candidate, candidate);
        }
        sample.planned_in(clusters)
    }
}

/// By position, the place of its cluster, counted by the first planned case of each in normal order.
fn places(table: &Table, planned: &[usize]) -> Vec<u32> {
    let mut by_cluster: Vec<u32> = (0..planned.len() as u32).collect();
    let cluster = |order: u32| table.cluster(planned[order as usize]);
    by_cluster.sort_unstable_by_key(|order| (cluster(*order), *order));
    let mut places = vec![0; planned.iter().max().map_or(0, |last| last + 1)];
    for group in by_cluster.chunk_by(|one, other| cluster(*one) == cluster(*other)) {
        group.iter().for_each(|order| places[planned[*order as usize]] = group[0]);
    }
    places
}

/// What a case belongs to when it is resampled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unit {
    /// Its cluster.
    pub(crate) cluster: u64,
    /// The place of the cluster among those of the comparison.
    pub(crate) place: u32,
}

/// Complete pairs in normal order, and the account of the others.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Sample {
    /// Pairs the metric is fed on.
    pub(crate) planned: u64,
    /// Whether two of them share a cluster.
    pub(crate) clustered: bool,
    pub(crate) units: Vec<Unit>,
    pub(crate) baseline: Vec<f64>,
    pub(crate) candidate: Vec<f64>,
    /// Pairs that lack a score on a side that answered.
    pub(crate) unscored: u64,
    /// Pairs whose amount was not measured on a side.
    pub(crate) not_measured: u64,
    /// Pairs that only the baseline lacks.
    pub(crate) only_baseline_lacks: u64,
    /// Baseline values of the pairs that only the candidate lacks.
    pub(crate) only_candidate_lacks: Vec<(Unit, f64)>,
}

impl Sample {
    /// The sample of pairs planned in these clusters.
    fn planned_in(mut self, mut clusters: Vec<u64>) -> Self {
        self.planned = clusters.len() as u64;
        clusters.sort_unstable();
        self.clustered = clusters.windows(2).any(|pair| pair[0] == pair[1]);
        self
    }

    fn take(&mut self, unit: Unit, baseline: Reading, candidate: Reading) {
        match (baseline, candidate) {
            (Reading::Value(before), Reading::Value(after)) => {
                self.units.push(unit);
                self.baseline.push(before);
                self.candidate.push(after);
            }
            (Reading::NotMeasured, _) | (_, Reading::NotMeasured) => self.not_measured += 1,
            (before, after) => {
                let unscored = |reading| matches!(reading, Reading::Unscored | Reading::NotFed);
                self.unscored += u64::from(unscored(before) || unscored(after));
                match (before.value(), after.value()) {
                    (Some(before), None) => self.only_candidate_lacks.push((unit, before)),
                    (None, Some(_)) => self.only_baseline_lacks += 1,
                    _ => {}
                }
            }
        }
    }

    /// Complete pairs.
    pub(crate) fn n(&self) -> usize {
        self.units.len()
    }

    /// Candidate minus baseline.
    pub(crate) fn differences(&self) -> Vec<f64> {
        self.candidate.iter().zip(&self.baseline).map(|(after, before)| after - before).collect()
    }

    /// The clusters of the complete pairs.
    pub(crate) fn clusters(&self) -> Vec<u64> {
        self.units.iter().map(|unit| unit.cluster).collect()
    }

    /// The same with every value that only the candidate lacks taken as a failure.
    pub(crate) fn with_failures(&self) -> Self {
        let mut sample = Self { only_candidate_lacks: Vec::new(), ..self.clone() };
        for (unit, before) in &self.only_candidate_lacks {
            sample.take(*unit, Reading::Value(*before), Reading::Value(0.0));
        }
        sample
    }
}
