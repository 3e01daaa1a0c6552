//! Outputs of an earlier step that are joined into the variables of the cases, prompts and models they name.

use std::fs::File;
use std::io::{self, BufReader};

use promptgate_core::Diagnostics;
use promptgate_core::case::{Case, JoinedInput};
use promptgate_core::diagnostic::{Diagnostic, Location};
use promptgate_core::format::inputs::parse_line;
use promptgate_core::format::lines::Lines;
use promptgate_core::name::{CaseId, ModelId, PromptId};
use promptgate_core::plan::case_key;
use promptgate_core::port::{PortError, TreePath};
use serde_json::{Map, Value};

use super::index::{self, Place, Watched};
use super::{CasesError, MISTAKES};

/// An `inputs` file, indexed by case: 24 bytes a line.
#[derive(Debug)]
pub(super) struct JoinedInputs {
    name: String,
    lines: Watched,
    /// Sorted by the head of the case's key, then by line.
    index: Vec<(u64, Place)>,
}

/// A line that fits, and how much of its key it names.
struct Fitting {
    rank: u8,
    line: u32,
    vars: Map<String, Value>,
}

impl JoinedInputs {
    /// Reads a file through once; every line is checked.
    pub(super) fn of(path: &TreePath, file: File) -> Result<Self, CasesError> {
        let name = path.to_string();
        let cannot = |error: io::Error| Diagnostics::from(Diagnostic::new(format!("cannot read {name}: {error}")));
        let lines = Watched::of(file).map_err(cannot)?;
        let mut index = Vec::new();
        let mut mistakes = Diagnostics::default();
        let mut reader = Lines::new(BufReader::with_capacity(256 << 10, lines.reader()), name.clone());
        while mistakes.0.len() < MISTAKES
            && let Some(line) = reader.next_line()
        {
            let read = line.and_then(|line| {
                let input = parse_line(line.bytes, &name, line.number)?;
                Ok((head(&input.case), Place::new(line.number, line.offset)))
            });
            match read {
                Ok(entry) => index.push(entry),
                Err(mistake) => mistakes.push(mistake),
            }
        }
        drop(reader);
        index.sort_by_key(|(case, _)| *case);
        mistakes.into_result(())?;
        Ok(Self { name, lines, index })
    }

    /// Joins all lines that fit into `vars`, from the least to the most specific. Without a side only lines that name
    /// neither prompt nor model fit.
    pub(super) fn join(
        &self,
        case: &Case,
        side: Option<(&PromptId, &ModelId)>,
        vars: &mut Map<String, Value>,
    ) -> Result<(), PortError> {
        let failed = |error| PortError::io(format!("join {} into case `{}`", self.name, case.id), error);
        let mut fitting = self.fitting(&case.id, side).map_err(failed)?;
        fitting.sort_by_key(|line| line.rank);
        for (at, line) in fitting.iter().enumerate() {
            let rivals = fitting[..at].iter().filter(|rival| rival.rank == line.rank);
            if let Some(clash) = rivals.filter_map(|rival| self.clash(rival, line)).next() {
                return Err(PortError::other(format!("join inputs into case `{}`", case.id), clash.to_string()));
            }
            vars.extend(line.vars.clone());
        }
        Ok(())
    }

    fn fitting(&self, case: &CaseId, side: Option<(&PromptId, &ModelId)>) -> io::Result<Vec<Fitting>> {
        let wanted = head(case);
        let first = self.index.partition_point(|(case, _)| *case < wanted);
        let mut fitting = Vec::new();
        for (_, place) in self.index[first..].iter().take_while(|(case, _)| *case == wanted) {
            let line = self.lines.line(place.offset())?;
            let input = parse_line(&line, &self.name, place.line).map_err(|_| index::changed())?;
            if input.case == *case
                && let Some(rank) = rank(&input, side)
            {
                fitting.push(Fitting { rank, line: place.line, vars: input.vars });
            }
        }
        Ok(fitting)
    }

    /// Two lines that fit equally well and give one variable two values.
    fn clash(&self, one: &Fitting, other: &Fitting) -> Option<Diagnostic> {
        let differs = |name: &&String| other.vars.get(*name).is_some_and(|value| *value != one.vars[*name]);
        let name = one.vars.keys().find(differs)?;
        let message = format!("`{name}` has another value on line {}, which fits as well", one.line);
        let help = "keep one of the two, or name the prompt or the model on one of them";
        Some(Diagnostic::new(message).at(Location::of_line(&self.name, other.line)).help(help))
    }
}

fn head(case: &CaseId) -> u64 {
    (case_key(case) >> 64) as u64
}

/// How much of its key a line names, if it fits: a variant counts for more than its prompt.
fn rank(input: &JoinedInput, side: Option<(&PromptId, &ModelId)>) -> Option<u8> {
    let prompt = match (&input.prompt, side) {
        (None, _) => 0,
        (Some(text), Some((prompt, _))) if *text == prompt.to_string() && prompt.variant.is_some() => 2,
        (Some(text), Some((prompt, _))) if *text == prompt.name.as_str() => 1,
        _ => return None,
    };
    let model = match (&input.model, side) {
        (None, _) => 0,
        (Some(text), Some((_, model))) if model.is_named(text) => 1,
        _ => return None,
    };
    Some(prompt + model)
}
