//! What a line of a recording is of, and which new line takes the place of an old one.

use std::collections::BTreeMap;

use promptgate_core::Digest;
use promptgate_core::format::recording::RecordedLine;
use promptgate_core::name::{CaseId, PromptId};

/// What a line is of: it takes the place of an old line of the same. The request belongs to it: two versions of one prompt are
/// both recorded, and recording one of them anew leaves the other.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    about: About,
    trial: u32,
    /// The model as the line names it: its id, or no more than the last part of it.
    model: String,
    /// Absent in a line that does not say what it answered.
    request: Option<Digest>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum About {
    /// A case, and whom the line answered.
    Case(CaseId, Asker),
    /// A question whose answer holds for all cases, whoever asked it first. A line of it names a case all the same.
    Question(Digest),
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Asker {
    Prompt(PromptId),
    Assertion(String),
}

impl Place {
    /// What a line is of; a line that fits several prompts or models is of none and stays.
    pub(super) fn of(line: &RecordedLine) -> Option<Self> {
        let asker = match &line.assertion {
            Some(assertion) => Asker::Assertion(assertion.clone()),
            None => Asker::Prompt(line.prompt.clone()?),
        };
        Self::about(About::Case(line.case.clone(), asker), line)
    }

    /// What a line is of that answers an assertion's question for all cases. No line says whether it does.
    pub(super) fn of_shared(line: &RecordedLine) -> Option<Self> {
        line.assertion.as_ref()?;
        Self::about(About::Question(line.request_digest?), line)
    }

    fn about(about: About, line: &RecordedLine) -> Option<Self> {
        let (model, trial) = (line.model.clone()?, line.trial.unwrap_or(1));
        Some(Self { about, trial, model, request: line.request_digest })
    }

    /// Whether both are of one trial or question, whichever model and request.
    fn is_near(&self, other: &Self) -> bool {
        (&self.about, self.trial) == (&other.about, other.trial)
    }

    /// Whether this new line is what an old one near it is of. An old line may have a short name of the model, and no request.
    fn takes(&self, old: &Self) -> bool {
        let is_short = !old.model.contains('/') && self.model.rsplit('/').next() == Some(&old.model);
        (self.model == old.model || is_short) && (old.request.is_none() || self.request == old.request)
    }
}

/// The new line that takes an old one's place.
pub(super) fn taken_by<V>(places: &BTreeMap<Place, V>, old: &RecordedLine) -> Option<Place> {
    let old = [Place::of_shared(old), Place::of(old)];
    old.into_iter().flatten().find_map(|old| taken(places, &old))
}

/// None where an old line's short name can mean several models.
fn taken<V>(places: &BTreeMap<Place, V>, old: &Place) -> Option<Place> {
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
