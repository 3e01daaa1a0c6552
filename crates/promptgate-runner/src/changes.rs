//! How the cases of today differ from those of the revision a baseline was taken from. Both sides of a gate are judged on
//! the cases of today; this says, in every report, what that means.

use std::ops::Range;

use promptgate_core::case::Case;
use promptgate_core::name::CaseId;
use promptgate_core::plan::{CaseSet, case_key};
use promptgate_core::port::{CaseSource, PortError};

use crate::chunks::in_chunks;
use crate::grading::grading;
use crate::prepare::counted;

/// Ids that a note names of each kind of change.
const NAMED: usize = 5;

/// What became of the cases.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CaseChanges {
    /// Not there before.
    pub added: Changed,
    /// With another input: nothing stored for them fits.
    pub edited: Changed,
    /// With the same input and another expectation: graded anew.
    pub regraded: Changed,
    /// Not there any more.
    pub removed: Changed,
}

/// Cases of one kind of change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changed {
    /// How many.
    pub count: u64,
    /// The first of them, in the order of the file.
    pub first: Vec<CaseId>,
}

impl CaseChanges {
    /// Compares two states of a suite's cases. Holds 52 bytes a case of the earlier one.
    pub fn between(before: &dyn CaseSource, now: &dyn CaseSource) -> Result<Self, PortError> {
        let mut earlier = Vec::with_capacity(before.len());
        in_chunks(before.len(), |range| fingerprints(before, range), |part| earlier.extend(part))?;
        let mut order: Vec<u32> = (0..earlier.len() as u32).collect();
        order.sort_unstable_by_key(|place| earlier[*place as usize].id);
        let find = |id: u128| {
            let found = order.binary_search_by_key(&id, |place| earlier[*place as usize].id);
            found.ok().map(|at| order[at] as usize)
        };
        let (mut changes, mut kept) = (Self::default(), CaseSet::default());
        let mut place = 0;
        let mut compare = |new: Fingerprint| -> Result<(), PortError> {
            let old = find(new.id);
            old.into_iter().for_each(|old| kept.insert(old));
            if let Some(changed) = changes.kind(old.map(|old| &earlier[old]), &new) {
                changed.add(|| Ok(now.case(place)?.id))?;
            }
            place += 1;
            Ok(())
        };
        let mut result = Ok(());
        in_chunks(
            now.len(),
            |range| fingerprints(now, range),
            |part| {
                for new in part {
                    if result.is_ok() {
                        result = compare(new);
                    }
                }
            },
        )?;
        result?;
        for gone in (0..earlier.len()).filter(|place| !kept.contains(*place)) {
            changes.removed.add(|| Ok(before.case(gone)?.id))?;
        }
        Ok(changes)
    }

    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The line for a report; `since` is how the user named the earlier state, e.g. `git:main`.
    pub fn note(&self, since: &str) -> Option<String> {
        let kinds = [
            ("added", &self.added),
            ("edited", &self.edited),
            ("with another expectation", &self.regraded),
            ("removed", &self.removed),
        ];
        let told: Vec<String> =
            kinds.iter().filter(|(_, changed)| changed.count > 0).map(|(word, changed)| changed.told(word)).collect();
        (!told.is_empty()).then(|| format!("cases since {since}: {}", told.join("; ")))
    }

    fn kind(&mut self, old: Option<&Fingerprint>, new: &Fingerprint) -> Option<&mut Changed> {
        match old {
            None => Some(&mut self.added),
            Some(old) if old.input != new.input => Some(&mut self.edited),
            Some(old) if old.grading != new.grading => Some(&mut self.regraded),
            Some(_) => None,
        }
    }
}

impl Changed {
    fn add(&mut self, id: impl FnOnce() -> Result<CaseId, PortError>) -> Result<(), PortError> {
        self.count += 1;
        if self.first.len() < NAMED {
            self.first.push(id()?);
        }
        Ok(())
    }

    fn told(&self, word: &str) -> String {
        let ids: Vec<&str> = self.first.iter().map(CaseId::as_str).collect();
        let more = if self.count > ids.len() as u64 { ", ..." } else { "" };
        format!("{} {word} ({}{more})", counted(self.count, "case"), ids.join(", "))
    }
}

/// What tells whether a case changed.
struct Fingerprint {
    id: u128,
    input: u128,
    grading: u128,
}

fn fingerprints(cases: &dyn CaseSource, range: Range<usize>) -> Result<Vec<Fingerprint>, PortError> {
    let of = |case: Case| -> Result<Fingerprint, PortError> {
        let input = cases.pairing_input(&case)?.digest().prefix128();
        Ok(Fingerprint { id: case_key(&case.id), input, grading: grading(&case).prefix128() })
    };
    range.map(|position| of(cases.case(position)?)).collect()
}
