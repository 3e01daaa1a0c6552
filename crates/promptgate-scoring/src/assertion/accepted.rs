//! What a person has accepted, by case: the content of a file in `snapshots/`.

use std::collections::HashMap;

use promptgate_core::Diagnostic;
use promptgate_core::format::accepted::parse;
use promptgate_core::name::CaseId;
use serde_json::Value;

/// Accepted outputs by case.
#[derive(Debug, Default)]
pub(crate) struct Accepted(HashMap<CaseId, Vec<Value>>);

impl Accepted {
    /// Reads the text of a file.
    pub(crate) fn read(text: &str, file: &str) -> Result<Self, Diagnostic> {
        Ok(Self(parse(text, file)?.into_iter().map(|outputs| (outputs.case, outputs.accepted)).collect()))
    }

    /// What is accepted for a case; nothing where nobody has accepted anything.
    pub(crate) fn of(&self, case: &CaseId) -> &[Value] {
        self.0.get(case).map_or(&[], Vec::as_slice)
    }
}
