//! How the cases of two sides pair, and what a check gets to see of them: complete pairs in normal order, and an account
//! of those that are not complete.

use promptgate_core::gate::Scope;
use promptgate_core::report::PairCounts;

use super::subject::{Cell, Reading, Subject, why_none};
use super::table::{Side, Table};
use crate::planning::AaCase;
use crate::stats::sum;
use crate::stats::these_cases::Case;

/// Trials of a case from which its noise is known.
const LEAST_TRIALS: usize = 2;

/// The planned pairs of a comparison: the cases both sides hold with the same input, in normal order.
pub(crate) struct Pairs<'a> {
    pub(crate) table: &'a Table,
    pub(crate) baseline: Option<&'a Side>,
    pub(crate) candidate: &'a Side,
    /// Positions in normal order.
    pub(crate) planned: Vec<usize>,
    /// By position, the place of its cluster among those of the comparison; what the sign streams go by.
    places: Vec<u32>,
    scope: Scope,
    /// By position, how many units come before its own; absent where all cases are looked at.
    seen: Option<(Vec<u32>, u32)>,
}

/// An output that people labelled.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Labelled {
    /// The head of the text's digest.
    pub(crate) text: u128,
    /// What the judge gave.
    pub(crate) grade: f64,
    /// What people say.
    pub(crate) label: f64,
}

/// Which cases of a comparison a metric is taken over.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Over<'a> {
    /// All.
    All,
    /// Those of one of the header's selections.
    Selection(Option<usize>),
    /// Those at these positions, which are sorted.
    Positions(&'a [u32]),
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
    pub(crate) fn new(
        table: &'a Table,
        baseline: Option<&'a Side>,
        candidate: &'a Side,
        stored: bool,
        scope: Scope,
    ) -> Self {
        let held = |position: usize| match baseline {
            None => candidate.input(position).is_some(),
            Some(side) => {
                let same = side.input(position).is_some() && side.input(position) == candidate.input(position);
                same && !(stored && table.reading(side, &Subject::Outcome, position) == Reading::NotHeld)
            }
        };
        let planned: Vec<usize> = table.in_normal_order().into_iter().filter(|position| held(*position)).collect();
        let places = places(table, &planned);
        Self { table, baseline, candidate, planned, places, scope, seen: None }
    }

    /// The pairs of the first units alone.
    pub(crate) fn first(&self, ranks: &[u32], units: usize) -> Self {
        let seen = |position: &usize| (ranks[*position] as usize) < units;
        Self {
            planned: self.planned.iter().copied().filter(seen).collect(),
            places: self.places.clone(),
            seen: Some((ranks.to_vec(), units as u32)),
            ..*self
        }
    }

    fn is_seen(&self, position: usize) -> bool {
        self.seen.as_ref().is_none_or(|(ranks, units)| ranks[position] < *units)
    }

    /// The planned pairs of a selection.
    pub(crate) fn selected(&self, selection: Option<usize>) -> impl Iterator<Item = usize> + '_ {
        let all = self.planned.iter().copied();
        all.filter(move |position| self.table.is_selected(*position, selection))
    }

    /// The candidate's cases of a selection, paired or not, in normal order.
    pub(crate) fn of_candidate(&self, selection: Option<usize>) -> impl Iterator<Item = usize> + '_ {
        let held = |position: &usize| self.candidate.input(*position).is_some() && self.is_seen(*position);
        let all = self.table.in_normal_order().into_iter().filter(held);
        all.filter(move |position| self.table.is_selected(*position, selection))
    }

    /// The readings of a case on both sides.
    pub(crate) fn readings(&self, subject: &Subject, position: usize) -> (Reading, Reading) {
        let baseline = self.baseline.map_or(Reading::Absent, |side| self.reading(side, subject, position));
        (baseline, self.reading(self.candidate, subject, position))
    }

    /// A case on a side, over its trials. Where the cases themselves are the question, the noise of the model is known
    /// from two trials on: with fewer the case is incomplete.
    fn reading(&self, side: &Side, subject: &Subject, position: usize) -> Reading {
        let reading = self.table.reading(side, subject, position);
        if self.scope == Scope::Population || reading.value().is_none() {
            return reading;
        }
        let cells = self.table.cells(side, subject, position);
        let usable = cells.iter().filter(|cell| cell.read().value().is_some()).count();
        if usable >= LEAST_TRIALS { reading } else { why_none(cells) }
    }

    fn is_over(&self, over: Over<'_>, position: usize) -> bool {
        match over {
            Over::All => true,
            Over::Selection(selection) => self.table.is_selected(position, selection),
            Over::Positions(positions) => positions.binary_search(&(position as u32)).is_ok(),
        }
    }

    /// The values of a case's trials on both sides.
    pub(crate) fn trials(&self, subject: &Subject, position: usize) -> Case {
        let values = |side: &Side| {
            self.table.cells(side, subject, position).iter().filter_map(|cell| cell.read().value()).collect()
        };
        Case { baseline: self.baseline.map(values).unwrap_or_default(), candidate: values(self.candidate) }
    }

    /// The outputs of a case that people labelled and a judge graded, the baseline's first; `subjects` are the judged metric
    /// and its labels.
    pub(crate) fn labelled(&self, subjects: (&Subject, &Subject), position: usize) -> Vec<Labelled> {
        let of_side = |side: &Side| {
            let (grades, labels) =
                (self.table.cells(side, subjects.0, position), self.table.cells(side, subjects.1, position));
            let output = |(repeat, (grade, label)): (usize, (&Cell, &Cell))| {
                let (grade, label) = (grade.read().value()?, label.read().value()?);
                Some(Labelled { text: side.labelled_text(position, repeat)?, grade, label })
            };
            grades.iter().zip(labels).enumerate().filter_map(output).collect::<Vec<_>>()
        };
        self.baseline.into_iter().chain([self.candidate]).flat_map(of_side).collect()
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

    /// Of the planned pairs of a selection that feed a subject, those that lack a grade since whoever grades is out; and how
    /// many they are. `both`: the baseline is looked at too.
    pub(crate) fn ungraded(&self, subject: &Subject, selection: Option<usize>, both: bool) -> (u64, u64) {
        let (mut ungraded, mut fed) = (0, 0);
        for position in self.selected(selection) {
            let (baseline, candidate) = self.readings(subject, position);
            let sides = [Some(candidate), Some(baseline).filter(|_| both && self.baseline.is_some())];
            let is = |which: Reading| sides.contains(&Some(which));
            fed += u64::from(sides.iter().flatten().any(|reading| *reading != Reading::NotFed));
            ungraded +=
                u64::from(is(Reading::Ungraded) && !sides.iter().flatten().any(|reading| reading.is_unanswered()));
        }
        (ungraded, fed)
    }

    /// What a check on a metric sees of a selection.
    pub(crate) fn sample(&self, subject: &Subject, over: Over<'_>) -> Sample {
        let mut sample = Sample::default();
        let mut clusters = Vec::new();
        for position in self.planned.iter().copied().filter(|position| self.is_over(over, *position)) {
            let cluster = self.table.cluster(position);
            let unit = Unit { cluster, place: self.places[position] };
            let (baseline, candidate) = self.readings(subject, position);
            if (baseline, candidate) == (Reading::NotFed, Reading::NotFed) {
                continue;
            }
            clusters.push(cluster);
            let before = sample.n();
            sample.take(unit, baseline, candidate);
            if self.scope == Scope::TheseCases && sample.n() > before {
                sample.trials.push(self.trials(subject, position));
            }
        }
        sample.planned_in(clusters, self.scope)
    }

    /// The trials of both sides, where they are one version.
    pub(crate) fn against_itself(&self, subject: &Subject) -> Vec<AaCase> {
        let case = |position: &usize| {
            let Case { baseline, candidate } = self.trials(subject, *position);
            AaCase { a: baseline, b: candidate, cluster: Some(self.table.cluster(*position).to_string()) }
        };
        self.planned.iter().map(case).collect()
    }

    /// The candidate alone: every case it has a value for, paired or not, in normal order.
    pub(crate) fn candidate_alone(&self, subject: &Subject, selection: Option<usize>) -> Sample {
        let mut sample = Sample::default();
        let mut clusters = Vec::new();
        for position in self.of_candidate(selection) {
            let candidate = self.reading(self.candidate, subject, position);
            if candidate == Reading::NotFed {
                continue;
            }
            let cluster = self.table.cluster(position);
            clusters.push(cluster);
            let before = sample.n();
            // With the candidate on both sides what is said of absences holds, and the differences are not looked at.
            sample.take(Unit { cluster, place: 0 }, candidate, candidate);
            if self.scope == Scope::TheseCases && sample.n() > before {
                sample.trials.push(self.trials(subject, position));
            }
        }
        sample.planned_in(clusters, self.scope)
    }

    /// The candidate's mean over the calls of all draws together; absent where no case was answered.
    pub(crate) fn over_all_draws(&self, subject: &Subject, selection: Option<usize>) -> Option<f64> {
        let of_case = |position: usize| {
            let now = self.table.cells(self.candidate, subject, position);
            let earlier = self.table.earlier_cells(self.candidate, subject, position);
            let values: Vec<f64> = now.iter().chain(earlier).filter_map(|cell| cell.read().value()).collect();
            sum::mean(&values)
        };
        let means: Vec<f64> = self.of_candidate(selection).filter_map(of_case).collect();
        sum::mean(&means)
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
    /// The trials of the complete pairs, where the cases themselves are the question; else nothing.
    pub(crate) trials: Vec<Case>,
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
    fn planned_in(mut self, mut clusters: Vec<u64>, scope: Scope) -> Self {
        self.planned = clusters.len() as u64;
        clusters.sort_unstable();
        // Where the cases themselves are the question, only the model's noise is uncertain: clusters play no part.
        self.clustered = scope == Scope::Population && clusters.windows(2).any(|pair| pair[0] == pair[1]);
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
                let unscored = |reading| matches!(reading, Reading::Unscored | Reading::Ungraded | Reading::NotFed);
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
        let trials = self.trials.iter().map(|case| case.candidate.len()).max();
        for (unit, before) in &self.only_candidate_lacks {
            sample.take(*unit, Reading::Value(*before), Reading::Value(0.0));
            let all = |value: f64| vec![value; trials.unwrap_or_default()];
            sample.trials.extend(trials.map(|_| Case { baseline: all(*before), candidate: all(0.0) }));
        }
        sample
    }
}
