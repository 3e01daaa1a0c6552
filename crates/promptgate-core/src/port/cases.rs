//! The cases of a suite, read one at a time.

use super::PortError;
use crate::case::{Case, CaseInput};
use crate::name::{ModelId, PromptId};

/// Access to cases by position, without holding them all.
pub trait CaseSource: Send + Sync {
    /// How many there are, in the order of the file.
    fn len(&self) -> usize;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The case at a position, the suite's `[vars]` under its own.
    fn case(&self, position: usize) -> Result<Case, PortError>;

    /// What a version gets to render for a case on a model: the case's input with all joined inputs that fit.
    fn input(&self, case: &Case, prompt: &PromptId, model: &ModelId) -> Result<CaseInput, PortError>;

    /// The bytes of a file that a case names, by its path below the suite's folder.
    fn file(&self, path: &str) -> Result<Vec<u8>, PortError> {
        Err(PortError::other(format!("read `{path}`"), "these cases have no files"))
    }

    /// The input by which both sides pair: as [`CaseSource::input`], without joined inputs that name a prompt or a model.
    fn pairing_input(&self, case: &Case) -> Result<CaseInput, PortError>;

    /// Whether inputs are joined to the cases; where none are, both kinds of input are one.
    fn is_joined(&self) -> bool;
}
