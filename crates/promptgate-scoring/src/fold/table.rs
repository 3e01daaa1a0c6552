//! The record as columns: what a gate has to remember of every case, and no text. One pass over the trials fills it; ids
//! are read again only for the few cases that a report names.

use std::collections::HashMap;

use promptgate_core::digest::Digest;
use promptgate_core::plan::case_key;
use promptgate_core::record::{RunHeader, SettledTrial, TrialError};
use promptgate_core::score::Outcome;
use promptgate_core::sequence;

use super::FoldError;
use super::answerers::Answerers;
use super::causes::Causes;
use super::groups::Groups;
use super::heard::{Heard, timed_out};
use super::orders::Orders;
use super::subject::{Cell, Reading, Subject, over_trials, unanswered};

/// What is remembered of the cases, by their position in the plan, and of every side.
pub(crate) struct Table {
    repeats: usize,
    /// Indices of one case on one side.
    stride: u64,
    words: usize,
    rows: Vec<Row>,
    /// `words` words a case: which of the header's selections hold.
    selections: Vec<u64>,
    /// By tag, the positions that carry it.
    tags: Groups,
    /// By field that reports group by, the positions by its values.
    fields: Vec<(String, Groups)>,
    subjects: Vec<Subject>,
    /// Those of them that hold what people say.
    labels: Vec<Subject>,
    sides: HashMap<(usize, usize), Side>,
    models: usize,
    cases: u64,
}

/// What both sides share about a case.
#[derive(Clone, Copy, Default)]
struct Row {
    /// The head of the digest of the id; 0 while no trial of the case was seen.
    key: u128,
    /// The head of the digest of the cluster; 0 for a case of its own.
    cluster: u64,
}

/// The calls of a side that came to nothing, those included that were made because a case was about to break a rule.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Lacking {
    pub(crate) answers: u64,
    pub(crate) scores: u64,
}

impl Lacking {
    fn add(&mut self, trial: &SettledTrial) {
        self.answers += u64::from(unanswered(trial).is_some());
        self.scores += u64::from(matches!(trial.error, Some(TrialError::Unscored { .. })));
    }
}

/// One version on one model.
#[derive(Default)]
pub(crate) struct Side {
    /// By position, the head of the input digest; 0 where no trial was seen.
    inputs: Vec<u128>,
    /// By subject, the cells by position and repeat.
    columns: Vec<Vec<Cell>>,
    /// Trials seen.
    pub(crate) trials: u64,
    /// Of these, errored.
    pub(crate) errored: u64,
    /// Whether an answer is not tied to its request.
    pub(crate) unbound: bool,
    /// The largest draw.
    pub(crate) draw: u32,
    /// When the answers with a latency were got, added up in seconds since 1970, and how many they are.
    answered: (u64, u64),
    /// Which models said that they answered.
    pub(crate) answerers: Answerers,
    /// Why trials got no answer, and why they got no score.
    pub(crate) causes: Causes,
    pub(crate) unscored: Causes,
    /// Why calls came to nothing that were made because a case was about to break a rule.
    pub(crate) unconfirmed: Causes,
    pub(crate) lacking: Lacking,
    /// What its calls came to, and those that ran into the model's time limit.
    pub(crate) heard: Heard,
    time_outs: Causes,
    /// Whether these are missing, since nothing was heard of the model on any side.
    pub(crate) is_silent: bool,
    /// How often judges changed their minds with the order.
    pub(crate) orders: Orders,
    /// By position, how the calls came out that were made because the case was about to break a rule.
    confirmations: HashMap<usize, Confirmed>,
    /// By position, the cells of earlier draws by subject.
    earlier: HashMap<usize, Vec<Vec<Cell>>>,
    /// By position and repeat, the head of the digest of an output that people labelled.
    labelled: HashMap<(usize, usize), u128>,
    /// Whether a trial stands where another version or model belongs.
    pub(crate) misplaced: bool,
}

impl Table {
    pub(crate) fn new(header: &RunHeader, subjects: Vec<Subject>) -> Self {
        Self {
            repeats: header.trials.max(1) as usize,
            stride: header.stride(),
            words: header.selections.len().div_ceil(64),
            rows: Vec::new(),
            selections: Vec::new(),
            tags: Groups::default(),
            fields: header.by.iter().map(|path| (path.clone(), Groups::default())).collect(),
            labels: subjects.iter().filter(|subject| is_label(header, subject)).cloned().collect(),
            subjects,
            sides: HashMap::new(),
            models: header.models.len(),
            cases: header.cases,
        }
    }

    /// Takes in the next trial.
    pub(crate) fn add(&mut self, trial: &SettledTrial) -> Result<(), FoldError> {
        let (position, repeat) = self.place(trial)?;
        self.see(position, trial)?;
        let side = self.sides.entry((trial.version, trial.model)).or_default();
        side.misplaced |=
            trial.trial / (self.stride * self.cases.max(1)) != (trial.version * self.models + trial.model) as u64;
        if repeat >= self.repeats {
            side.confirm(position, trial);
            return Ok(());
        }
        side.count(trial);
        side.remember_earlier(position, &self.subjects, trial);
        if self.labels.iter().any(|subject| subject.read(trial).value().is_some()) {
            side.remember_text((position, repeat), trial);
        }
        side.put(position, repeat, self.repeats, &self.subjects, trial)
    }

    /// Sees all trials as taken in: where nothing was heard of a model on any of several sides, its time-outs are missing.
    pub(crate) fn close(&mut self) {
        for model in 0..self.models {
            let of_model = || self.sides.iter().filter(move |((_, of), _)| *of == model).map(|(_, side)| side);
            let heard = of_model().fold(Heard::default(), |heard, side| heard.plus(side.heard));
            if heard.is_silent() && of_model().count() > 1 {
                let sides = self.sides.iter_mut().filter(|((_, of), _)| *of == model);
                sides.for_each(|(_, side)| side.silence());
            }
        }
    }

    /// Where a trial stands: the position of its case, and its repeat from 0.
    fn place(&self, trial: &SettledTrial) -> Result<(usize, usize), FoldError> {
        let repeat = u64::from(trial.repeat).wrapping_sub(1);
        if repeat >= self.stride || repeat != trial.trial % self.stride {
            let said = format!("trial {} says it is repeat {} of {}", trial.trial, trial.repeat, self.repeats);
            return Err(FoldError::Contradiction(said));
        }
        Ok((self.position(trial), repeat as usize))
    }

    /// The position of a trial's case.
    pub(crate) fn position(&self, trial: &SettledTrial) -> usize {
        (trial.trial / self.stride % self.cases.max(1)) as usize
    }

    fn see(&mut self, position: usize, trial: &SettledTrial) -> Result<(), FoldError> {
        let case = &trial.case;
        if position >= self.rows.len() {
            self.rows.resize(position + 1, Row::default());
            self.selections.resize((position + 1) * self.words, 0);
        }
        let key = case_key(&case.id);
        let row = &mut self.rows[position];
        match row.key {
            0 => *row = Row { key, cluster: case.cluster.as_deref().map_or(0, sequence::cluster_unit) },
            seen if seen == key => return Ok(()),
            _ => {
                return Err(FoldError::Contradiction(format!(
                    "two cases share position {position}: one is `{}`",
                    case.id
                )));
            }
        }
        self.tags.add(position as u32, &case.tags);
        for (path, groups) in &mut self.fields {
            groups.add(position as u32, trial.volatile.groups.get(path).into_iter().flatten());
        }
        for selection in &case.selections {
            let (word, bit) = (usize::from(*selection) / 64, selection % 64);
            if word < self.words {
                self.selections[position * self.words + word] |= 1 << bit;
            }
        }
        Ok(())
    }

    pub(crate) fn side(&self, version: usize, model: usize) -> Option<&Side> {
        self.sides.get(&(version, model))
    }

    /// The positions of all cases in normal order: by the digest of their ids.
    pub(crate) fn in_normal_order(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.rows.len()).filter(|position| self.rows[*position].key != 0).collect();
        order.sort_unstable_by_key(|position| self.rows[*position].key);
        order
    }

    pub(crate) fn is_selected(&self, position: usize, selection: Option<usize>) -> bool {
        let holds = |index: usize| self.selections[position * self.words + index / 64] >> (index % 64) & 1 == 1;
        selection.is_none_or(holds)
    }

    /// The cluster of a case; a case without one is its own.
    pub(crate) fn cluster(&self, position: usize) -> u64 {
        match self.rows[position] {
            Row { cluster: 0, key } => sequence::case_unit(key),
            row => row.cluster,
        }
    }

    /// The cells of a case on a side, one a repeat.
    pub(crate) fn cells<'a>(&self, side: &'a Side, subject: &Subject, position: usize) -> &'a [Cell] {
        let column = self.subjects.iter().position(|each| each == subject).and_then(|at| side.columns.get(at));
        let from = position * self.repeats;
        column.and_then(|column| column.get(from..from + self.repeats)).unwrap_or(&[])
    }

    /// A case on a side, over its trials.
    pub(crate) fn reading(&self, side: &Side, subject: &Subject, position: usize) -> Reading {
        over_trials(self.cells(side, subject, position))
    }

    /// How the calls came out that were made on top of a case's trials.
    pub(crate) fn confirmed(&self, side: &Side, position: usize) -> Confirmed {
        side.confirmations.get(&position).copied().unwrap_or_default()
    }

    /// Passed and usable trials of the earlier draws of a case.
    pub(crate) fn earlier_passes(&self, side: &Side, position: usize) -> Passes {
        Passes::of(self.earlier_cells(side, &Subject::Outcome, position))
    }

    /// The cells of the earlier draws of a case.
    pub(crate) fn earlier_cells<'a>(&self, side: &'a Side, subject: &Subject, position: usize) -> &'a [Cell] {
        let column = self.subjects.iter().position(|each| each == subject);
        let columns = side.earlier.get(&position);
        column.zip(columns).and_then(|(at, columns)| columns.get(at)).map_or(&[], Vec::as_slice)
    }

    /// By tag, and by value of a field that reports group by, the positions it holds for, in the order in which they were
    /// seen. The names are those of selections: `tag=long`, `metadata.lang=de`.
    pub(crate) fn slices(&self) -> impl Iterator<Item = (String, &[u32])> {
        let tags = self.tags.iter().map(|(tag, positions)| (format!("tag={tag}"), positions.as_slice()));
        let values = self.fields.iter().flat_map(|(path, groups)| {
            groups.iter().map(move |(value, positions)| (format!("{path}={value}"), positions.as_slice()))
        });
        tags.chain(values)
    }

    /// How many units come before a case's own in the seeded order; by position.
    pub(crate) fn ranks(&self, seed: u64) -> Vec<u32> {
        let seen: Vec<usize> = (0..self.rows.len()).filter(|position| self.rows[*position].key != 0).collect();
        let units: Vec<u64> = seen.iter().map(|position| self.cluster(*position)).collect();
        let mut ranks = vec![u32::MAX; self.rows.len()];
        for (position, rank) in seen.iter().zip(sequence::ranks(&units, seed).0) {
            ranks[*position] = rank;
        }
        ranks
    }

    /// Passed and usable trials of a case on a side.
    pub(crate) fn passes(&self, side: &Side, position: usize) -> Passes {
        Passes::of(self.cells(side, &Subject::Outcome, position))
    }
}

impl Side {
    /// A side of which nothing is known.
    pub(crate) fn nobody() -> &'static Self {
        static NOBODY: std::sync::OnceLock<Side> = std::sync::OnceLock::new();
        NOBODY.get_or_init(Self::default)
    }

    fn count(&mut self, trial: &SettledTrial) {
        self.trials += 1;
        self.errored += u64::from(trial.outcome == Outcome::Errored);
        self.unbound |= trial.response.as_ref().is_some_and(|response| !response.bound);
        self.draw = self.draw.max(trial.draw);
        trial.response.iter().for_each(|response| self.answerers.add(response));
        let answered_ms = trial.volatile.answered_ms;
        unanswered(trial).into_iter().for_each(|failure| self.causes.add(failure, answered_ms));
        self.heard.add(trial);
        self.lacking.add(trial);
        timed_out(trial).into_iter().for_each(|failure| self.time_outs.add(failure, answered_ms));
        if let Some(TrialError::Unscored { reason, .. }) = &trial.error {
            self.unscored.add_reason(reason, trial.volatile.refused_ms.unwrap_or(answered_ms));
        }
        self.orders.add(trial);
        if trial.response.as_ref().is_some_and(|response| response.latency_ms.is_some()) {
            self.answered = (self.answered.0 + trial.volatile.answered_ms / 1_000, self.answered.1 + 1);
        }
    }

    /// Counts what failed by a time-out as missing: all that has a value did, since nothing was answered.
    fn silence(&mut self) {
        self.is_silent = true;
        let missing = |cell: &mut Cell| match cell.read() {
            Reading::Absent | Reading::NotFed | Reading::Skipped => {}
            reading if reading.is_unanswered() => {}
            _ => *cell = Cell::new(Reading::Unanswered),
        };
        self.columns.iter_mut().flatten().for_each(missing);
        self.errored += self.time_outs.trials();
        self.lacking.answers += self.time_outs.trials();
        self.causes.absorb(std::mem::take(&mut self.time_outs));
        self.confirmations.values_mut().for_each(|confirmed| confirmed.fared = Passes::default());
    }

    fn confirm(&mut self, position: usize, trial: &SettledTrial) {
        self.heard.add(trial);
        self.lacking.add(trial);
        self.unconfirmed.add_trial(trial);
        self.unbound |= trial.response.as_ref().is_some_and(|response| !response.bound);
        trial.response.iter().for_each(|response| self.answerers.add(response));
        let confirmed = self.confirmations.entry(position).or_default();
        let reading = Subject::Outcome.read(trial);
        let is_in_vain = reading.value().is_none() && !matches!(reading, Reading::NotHeld | Reading::Skipped);
        confirmed.in_vain += u32::from(is_in_vain);
        confirmed.fared = confirmed.fared.with(reading.value());
    }

    fn remember_earlier(&mut self, position: usize, subjects: &[Subject], trial: &SettledTrial) {
        if trial.earlier.is_empty() {
            return;
        }
        let columns = self.earlier.entry(position).or_insert_with(|| vec![Vec::new(); subjects.len()]);
        for (subject, column) in subjects.iter().zip(columns) {
            column.extend(trial.earlier.iter().map(|draw| Cell::new(subject.read_earlier(draw))));
        }
    }

    fn remember_text(&mut self, place: (usize, usize), trial: &SettledTrial) {
        let head = |output: &str| Digest::of_bytes(output.as_bytes()).prefix128();
        self.labelled.extend(trial.response.as_ref().map(|response| (place, head(&response.output))));
    }

    /// The head of the digest of what a case's trial said, where people labelled it.
    pub(crate) fn labelled_text(&self, position: usize, repeat: usize) -> Option<u128> {
        self.labelled.get(&(position, repeat)).copied()
    }

    fn put(
        &mut self,
        position: usize,
        repeat: usize,
        repeats: usize,
        subjects: &[Subject],
        trial: &SettledTrial,
    ) -> Result<(), FoldError> {
        if position >= self.inputs.len() {
            self.inputs.resize(position + 1, 0);
            self.columns.resize(subjects.len(), Vec::new());
        }
        let input = head(&trial.case.input);
        match self.inputs[position] {
            0 => self.inputs[position] = input,
            seen if seen == input => {}
            _ => return Err(FoldError::Contradiction(format!("case `{}` has two inputs on one side", trial.case.id))),
        }
        let at = position * repeats + repeat;
        for (subject, column) in subjects.iter().zip(&mut self.columns) {
            if at >= column.len() {
                column.resize((position + 1) * repeats, Cell::ABSENT);
            }
            if column[at].read() != Reading::Absent {
                return Err(FoldError::Contradiction(format!("trial {} is there twice", trial.trial)));
            }
            column[at] = Cell::new(subject.read(trial));
        }
        Ok(())
    }

    /// When its answers with a latency were got, on average, in seconds since 1970.
    pub(crate) fn answered_at(&self) -> Option<u64> {
        self.answered.0.checked_div(self.answered.1)
    }

    /// The input a case had on this side; absent where no trial of it was seen.
    pub(crate) fn input(&self, position: usize) -> Option<u128> {
        self.inputs.get(position).copied().filter(|input| *input != 0)
    }
}

/// Whether a subject holds what people say of another.
fn is_label(header: &RunHeader, subject: &Subject) -> bool {
    matches!(subject, Subject::Metric(name) if header.metrics.iter().any(|spec| spec.name == *name && spec.labels_of.is_some()))
}

fn head(input: &Digest) -> u128 {
    input.prefix128().max(1)
}

/// How a case fared over its trials.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Passes {
    /// Trials that passed.
    pub(crate) passed: u32,
    /// Trials that passed or failed.
    pub(crate) usable: u32,
}

/// How the calls of a case came out that were made because it was about to break a rule.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Confirmed {
    /// Calls that were made and came to neither.
    pub(crate) in_vain: u32,
    /// How those fared that passed or failed.
    pub(crate) fared: Passes,
}

impl Passes {
    fn of(cells: &[Cell]) -> Self {
        cells.iter().fold(Self::default(), |passes, cell| passes.with(cell.read().value()))
    }

    fn with(self, value: Option<f64>) -> Self {
        let passed = u32::from(value == Some(1.0));
        Self { passed: self.passed + passed, usable: self.usable + u32::from(value.is_some()) }
    }

    /// Both together.
    pub(crate) fn plus(self, other: Self) -> Self {
        Self { passed: self.passed + other.passed, usable: self.usable + other.usable }
    }

    /// Trials that failed.
    pub(crate) fn failed(self) -> u32 {
        self.usable - self.passed
    }

    /// Whether more than half passed (`Some(true)`) or failed (`Some(false)`); an even split is neither.
    pub(crate) fn majority(self) -> Option<bool> {
        (self.passed != self.failed()).then_some(self.passed > self.failed())
    }
}

impl std::fmt::Display for Passes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.passed, self.usable)
    }
}
