//! A stored run as a baseline: its trials are taken as they are, by case id, input and repeat, graded anew and never asked
//! again. What of it still fits the cases of today is counted here.

use std::collections::HashSet;
use std::sync::Arc;

use promptgate_core::plan::{PlannedCase, PlannedModel, StoredBaseline, case_key};
use promptgate_core::port::PortError;
use promptgate_core::record::{SettledRecord, SettledTrial};

use super::StoredRun;

/// Finds the trials of a stored run.
pub(crate) struct Retake {
    record: Arc<dyn SettledRecord + Send + Sync>,
    version: usize,
    /// By model of the plan, the stored run's model of the same id.
    models: Vec<Option<usize>>,
    /// Sorted by id.
    cases: Vec<StoredCase>,
}

/// A case of the stored run.
struct StoredCase {
    id: u128,
    input: u128,
    /// Its place in the stored run's plan.
    position: u64,
}

/// The cases of today.
pub(super) struct Today<'a> {
    pub(super) cases: &'a [PlannedCase],
    /// The cases' places in `cases`, sorted by id.
    pub(super) order: &'a [u32],
    /// Ids that a filter left out, sorted: they are no longer looked at, not removed.
    pub(super) left_out: &'a [u128],
    pub(super) models: &'a [PlannedModel],
}

impl Today<'_> {
    fn case(&self, id: u128) -> Option<&PlannedCase> {
        let found = self.order.binary_search_by_key(&id, |position| self.cases[*position as usize].id);
        found.ok().map(|at| &self.cases[self.order[at] as usize])
    }

    fn left_out(&self, id: u128) -> bool {
        self.left_out.binary_search(&id).is_ok()
    }
}

/// Ids and inputs of the cases that a stored run holds.
pub(super) fn held(stored: &StoredRun) -> Result<HashSet<(u128, u128)>, PortError> {
    let of = |trial: SettledTrial| {
        (trial.version == stored.version).then(|| (case_key(&trial.case.id), trial.case.input.prefix128()))
    };
    stored.record.trials().filter_map(|trial| trial.map(of).transpose()).collect()
}

impl Retake {
    /// Reads the stored run through once.
    pub(super) fn open(stored: &StoredRun, today: &Today<'_>) -> Result<(Self, StoredBaseline), PortError> {
        let header = stored.record.header();
        let named = |model: &PlannedModel| header.models.iter().position(|each| each.id == model.id);
        let mut retake = Self {
            record: stored.record.clone(),
            version: stored.version,
            models: today.models.iter().map(named).collect(),
            cases: Vec::new(),
        };
        let changed = retake.read(today)?;
        let known = |case: &&PlannedCase| retake.stored_case(case.id).is_none();
        let baseline = StoredBaseline {
            run: header.volatile.run.to_string(),
            started: header.volatile.started.clone(),
            cases: retake.cases.len() as u64,
            changed,
            new: today.cases.iter().filter(known).count() as u64,
        };
        Ok((retake, baseline))
    }

    /// Collects the stored cases; yields the ids of those edited or removed since, in the stored run's order.
    fn read(&mut self, today: &Today<'_>) -> Result<Vec<String>, PortError> {
        let mut seen = promptgate_core::plan::CaseSet::default();
        let mut changed = Vec::new();
        for trial in self.record.trials() {
            let trial = trial?;
            let (_, position) = self.record.header().place(trial.trial);
            if trial.version != self.version || seen.contains(position as usize) {
                continue;
            }
            seen.insert(position as usize);
            let stored = StoredCase { id: case_key(&trial.case.id), input: trial.case.input.prefix128(), position };
            let kept = today.case(stored.id).is_some_and(|case| case.input == stored.input);
            if !kept && !today.left_out(stored.id) {
                changed.push(trial.case.id.to_string());
            }
            self.cases.push(stored);
        }
        self.cases.sort_unstable_by_key(|case| case.id);
        Ok(changed)
    }

    /// The stored trial of a case of today, if the stored run holds it with the same input.
    pub(crate) fn find(
        &self,
        model: usize,
        case: &PlannedCase,
        repeat: u32,
    ) -> Result<Option<SettledTrial>, PortError> {
        let header = self.record.header();
        let stored = self.stored_case(case.id).filter(|stored| stored.input == case.input);
        match (stored, self.models[model]) {
            (Some(stored), Some(model)) if repeat <= header.trials => {
                let side = (self.version * header.models.len() + model) as u64;
                let index = (side * header.cases + stored.position) * header.stride() + u64::from(repeat - 1);
                self.record.trial(index)
            }
            _ => Ok(None),
        }
    }

    /// The plan's models of which the stored run holds nothing.
    pub(super) fn unknown_models(&self) -> impl Iterator<Item = usize> {
        (0..self.models.len()).filter(|model| self.models[*model].is_none())
    }

    fn stored_case(&self, id: u128) -> Option<&StoredCase> {
        self.cases.binary_search_by_key(&id, |case| case.id).ok().map(|at| &self.cases[at])
    }
}
