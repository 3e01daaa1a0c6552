//! What a line of a recording is of, and which new line takes the place of an old one.

use std::collections::BTreeMap;

use promptgate_core::Digest;
use promptgate_core::format::recording::RecordedLine;
use promptgate_core::name::{CaseId, PromptId};

/// What a line is of: it takes the place of an old line of the same. The request belongs to it: two versions of one prompt are
/// both recorded, and recording one of them anew leaves the other.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    case: CaseId,
    asker: Asker,
    trial: u32,
    /// The model as the line names it: its id, or no more than the last part of it.
    model: String,
    /// Absent in a line that does not say what it answered.
    request: Option<Digest>,
}

/// Whom a line answered.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Asker {
    Prompt(PromptId),
    Assertion(String),
}

impl Place {
    /// What a line is of; a line that fits several prompts or models is of none and stays.
    pub(super) fn of(line: &RecordedLine) -> Option<Self> {
        let model = line.model.as_deref()?;
        let asker = match &line.assertion {
            Some(assertion) => Asker::Assertion(assertion.clone()),
            None => Asker::Prompt(line.prompt.clone()?),
        };
        Some(Self {
            case: line.case.clone(),
            asker,
            trial: line.trial.unwrap_or(1),
            model: model.to_owned(),
            request: line.request_digest,
        })
    }

    /// Whether both are of one trial, whichever model and request.
    fn is_near(&self, other: &Self) -> bool {
        (&self.case, &self.asker, self.trial) == (&other.case, &other.asker, other.trial)
    }

    /// Whether this new line is what an old one near it is of. An old line may have a short name of the model, and no request.
    fn takes(&self, old: &Self) -> bool {
        let is_short = !old.model.contains('/') && self.model.rsplit('/').next() == Some(&old.model);
        (self.model == old.model || is_short) && (old.request.is_none() || self.request == old.request)
    }
}

/// The new line that takes an old one's place; none where an old line's short name can mean several models.
pub(super) fn taken_by<V>(places: &BTreeMap<Place, V>, old: &Place) -> Option<Place> {
    if places.contains_key(old) {
        return Some(old.clone());
    }
    // The few that are near stand in a row: a look at all places for each old line takes minutes for a large recording.
    let least = Place { model: String::new(), request: None, ..old.clone() };
    let near = places.range(least..).map(|(new, _)| new).take_while(|new| new.is_near(old));
    let mut meant = near.filter(|new| new.takes(old));
    let first = meant.next()?;
    meant.all(|other| other.model == first.model).then(|| first.clone())
}
