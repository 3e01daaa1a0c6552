//! The record as columns: what a gate has to remember of every case, and no text. One pass over the trials fills it; ids
//! are read again only for the few cases that a report names.

use std::collections::HashMap;

use promptgate_core::digest::{Digest, DigestWriter};
use promptgate_core::plan::case_key;
use promptgate_core::record::{RunHeader, SettledCase, SettledTrial};
use promptgate_core::score::Outcome;

use super::FoldError;
use super::subject::{Cell, Reading, Subject, over_trials};

/// What is remembered of the cases, by their position in the plan, and of every side.
pub(crate) struct Table {
    repeats: usize,
    words: usize,
    rows: Vec<Row>,
    /// `words` words a case: which of the header's selections hold.
    selections: Vec<u64>,
    subjects: Vec<Subject>,
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
    /// Whether a trial stands where another version or model belongs.
    pub(crate) misplaced: bool,
}

impl Table {
    pub(crate) fn new(header: &RunHeader, subjects: Vec<Subject>) -> Self {
        Self {
            repeats: header.trials.max(1) as usize,
            words: header.selections.len().div_ceil(64),
            rows: Vec::new(),
            selections: Vec::new(),
            subjects,
            sides: HashMap::new(),
            models: header.models.len(),
            cases: header.cases,
        }
    }

    /// Takes in the next trial.
    pub(crate) fn add(&mut self, trial: &SettledTrial) -> Result<(), FoldError> {
        let (position, repeat) = self.place(trial)?;
        self.see(position, &trial.case)?;
        let side = self.sides.entry((trial.version, trial.model)).or_default();
        side.misplaced |= trial.trial / (self.repeats as u64 * self.cases.max(1))
            != (trial.version * self.models + trial.model) as u64;
        side.count(trial);
        side.put(position, repeat, self.repeats, &self.subjects, trial)
    }

    /// Where a trial stands: the position of its case, and its repeat from 0.
    fn place(&self, trial: &SettledTrial) -> Result<(usize, usize), FoldError> {
        let repeats = self.repeats as u64;
        let repeat = u64::from(trial.repeat).wrapping_sub(1);
        if repeat >= repeats || repeat != trial.trial % repeats {
            let said = format!("trial {} says it is repeat {} of {repeats}", trial.trial, trial.repeat);
            return Err(FoldError::Contradiction(said));
        }
        Ok((self.position(trial), repeat as usize))
    }

    /// The position of a trial's case.
    pub(crate) fn position(&self, trial: &SettledTrial) -> usize {
        (trial.trial / self.repeats as u64 % self.cases.max(1)) as usize
    }

    fn see(&mut self, position: usize, case: &SettledCase) -> Result<(), FoldError> {
        if position >= self.rows.len() {
            self.rows.resize(position + 1, Row::default());
            self.selections.resize((position + 1) * self.words, 0);
        }
        let key = case_key(&case.id);
        let row = &mut self.rows[position];
        match row.key {
            0 => *row = Row { key, cluster: case.cluster.as_deref().map_or(0, cluster_key) },
            seen if seen == key => return Ok(()),
            _ => {
                return Err(FoldError::Contradiction(format!(
                    "two cases share position {position}: one is `{}`",
                    case.id
                )));
            }
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
            Row { cluster: 0, key } => (key >> 64) as u64 ^ key as u64,
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

    /// Passed and usable trials of a case on a side.
    pub(crate) fn passes(&self, side: &Side, position: usize) -> Passes {
        let values = self.cells(side, &Subject::Outcome, position).iter().filter_map(|cell| cell.read().value());
        values.fold(Passes::default(), |passes, value| Passes {
            passed: passes.passed + u32::from(value == 1.0),
            usable: passes.usable + 1,
        })
    }
}

fn cluster_key(cluster: &str) -> u64 {
    let mut writer = DigestWriter::default();
    writer.line("cluster");
    writer.line(cluster);
    (writer.finish().prefix128() as u64).max(1)
}

impl Side {
    fn count(&mut self, trial: &SettledTrial) {
        self.trials += 1;
        self.errored += u64::from(trial.outcome == Outcome::Errored);
        self.unbound |= trial.response.as_ref().is_some_and(|response| !response.bound);
        self.draw = self.draw.max(trial.draw);
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

    /// The input a case had on this side; absent where no trial of it was seen.
    pub(crate) fn input(&self, position: usize) -> Option<u128> {
        self.inputs.get(position).copied().filter(|input| *input != 0)
    }
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

impl Passes {
    /// Whether more than half passed (`Some(true)`) or failed (`Some(false)`); an even split is neither.
    pub(crate) fn majority(self) -> Option<bool> {
        let failed = self.usable - self.passed;
        (self.passed != failed).then_some(self.passed > failed)
    }
}

impl std::fmt::Display for Passes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.passed, self.usable)
    }
}
