//! Cases by what they have in common: a tag, the value of a field.

use std::collections::BTreeMap;

use promptgate_core::report::RunReport;

/// Groups of cases, which may overlap.
#[derive(Default)]
pub(crate) struct Groups {
    /// By name, the cases in the order in which they came; at most [`RunReport::TAGS`] names.
    cases: BTreeMap<String, Vec<u32>>,
    left_out: u64,
}

impl Groups {
    /// Puts a case into the groups of these names. A name that it has twice counts once.
    pub(crate) fn add<'a>(&mut self, at: u32, names: impl IntoIterator<Item = &'a String>) {
        let mut left_out = false;
        for name in names {
            let room = self.cases.len() < RunReport::TAGS;
            match self.cases.get_mut(name) {
                Some(cases) if cases.last() == Some(&at) => {}
                Some(cases) => cases.push(at),
                None if room => drop(self.cases.insert(name.clone(), vec![at])),
                None => left_out = true,
            }
        }
        self.left_out += u64::from(left_out);
    }

    /// By name, the cases.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&String, &Vec<u32>)> {
        self.cases.iter()
    }

    /// Cases with a name that there was no room for.
    pub(crate) fn left_out(&self) -> u64 {
        self.left_out
    }
}
