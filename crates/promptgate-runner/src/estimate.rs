//! What the calls of a plan will be like, reckoned before the first one: how long the requests are, by version and model,
//! and how many tokens answers of the same kind took. Beside it, how many cases and clusters each check is about.
//!
//! One pass over the cases that renders each request once. Nothing is called and nothing is decided here.

use std::ops::Range;
use std::sync::Arc;

use promptgate_core::answer::Usage;
use promptgate_core::case::Case;
use promptgate_core::digest::Digest;
use promptgate_core::message::Part;
use promptgate_core::plan::TrialAddress;
use promptgate_core::port::PortError;
use promptgate_core::request::{Request, RequestBody};
use promptgate_core::{Diagnostic, Diagnostics};
use promptgate_provider::Recording;
use promptgate_scoring::planning::{Group, SideCost};
use serde_json::Value;

use crate::chunks::in_chunks;
use crate::prepare::{OpenTrial, PrepareError, Prepared};
use crate::share::Share;
use crate::survey::{Counts, Supply};

/// What a plan takes and is about.
#[derive(Debug, Clone, PartialEq)]
pub struct Estimate {
    /// By version, then by model.
    pub sides: Vec<Vec<SideEstimate>>,
    /// By model: all its cases first, then those of each selection of the gate.
    pub groups: Vec<Vec<Group>>,
}

/// One version on one model.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SideEstimate {
    /// Where its answers come from.
    pub counts: Counts,
    /// What is to be called for, and what is known of answers that are there.
    pub cost: SideCost,
}

/// Reckons what a plan takes. `known` are recordings by model that are looked at for their usage alone, also where the
/// models are called.
///
/// # Errors
///
/// Prompts that cannot be rendered; cases, answers and recordings that can no longer be read.
pub fn estimate(
    prepared: &Prepared,
    supply: &Supply,
    known: &[Option<Arc<Recording>>],
) -> Result<Estimate, PrepareError> {
    let estimator = Estimator { prepared, supply, known };
    let mut found = Found::of(prepared);
    let mut unrendered = Diagnostics::default();
    in_chunks(
        prepared.plan.cases.len(),
        |range| estimator.all(range),
        |part| match part {
            Ok(part) => found.append(part),
            Err(mistake) => unrendered.push(mistake),
        },
    )?;
    match unrendered.0.is_empty() {
        true => Ok(found.finish()),
        false => Err(PrepareError::Wrong(unrendered)),
    }
}

struct Estimator<'a> {
    prepared: &'a Prepared,
    supply: &'a Supply,
    known: &'a [Option<Arc<Recording>>],
}

/// Sums of a part of the cases.
struct Found {
    sides: Vec<Vec<SideEstimate>>,
    /// By model and group, the cluster of each case. A case without one is its own.
    clusters: Vec<Vec<Vec<u128>>>,
}

impl Found {
    fn of(prepared: &Prepared) -> Self {
        let (versions, models) = (prepared.plan.versions.len(), prepared.plan.models.len());
        Self {
            sides: vec![vec![SideEstimate::default(); models]; versions],
            clusters: vec![vec![Vec::new(); 1 + prepared.selections.len()]; models],
        }
    }

    fn append(&mut self, part: Self) {
        for (side, more) in self.sides.iter_mut().flatten().zip(part.sides.iter().flatten()) {
            side.add(more);
        }
        for (group, more) in self.clusters.iter_mut().flatten().zip(part.clusters.into_iter().flatten()) {
            group.extend(more);
        }
    }

    fn finish(self) -> Estimate {
        let groups = self.clusters.into_iter().map(|model| model.into_iter().map(group).collect());
        Estimate { sides: self.sides, groups: groups.collect() }
    }
}

fn group(mut clusters: Vec<u128>) -> Group {
    let cases = clusters.len() as u64;
    clusters.sort_unstable();
    clusters.dedup();
    let distinct = clusters.len() as u64;
    Group { cases, clusters: (distinct < cases).then_some(distinct) }
}

impl SideEstimate {
    fn add(&mut self, other: &Self) {
        self.counts.add(other.counts);
        self.cost.add(&other.cost);
    }

    fn call(&mut self, length: Length, body: &RequestBody) {
        let asked = &mut self.cost.asked;
        self.counts.calls += 1;
        asked.calls += 1;
        asked.characters += length.characters;
        asked.files += length.files;
        match body.parameters.get("maxOutputTokens").and_then(Value::as_u64) {
            Some(most) => asked.most_output += most,
            None => asked.unlimited += 1,
        }
    }

    fn answered(&mut self, length: Length, usage: &Usage) {
        // What holds a file tells nothing about the length of text.
        if length.files == 0 {
            let measured = &mut self.cost.measured;
            measured.answers += 1;
            measured.characters += length.characters;
            measured.input_tokens = measured.input_tokens.saturating_add(usage.input_tokens);
            measured.output_tokens = measured.output_tokens.saturating_add(usage.output_tokens);
        }
    }
}

/// How long a request is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Length {
    characters: u64,
    files: u64,
}

impl Length {
    fn of(body: &RequestBody) -> Self {
        let mut length = Self::default();
        for part in body.messages.iter().flat_map(|message| &message.content) {
            match part {
                Part::Text { text } => length.text(text),
                Part::Media { .. } => length.files += 1,
                Part::ToolRequest { tool_request: value }
                | Part::ToolResponse { tool_response: value }
                | Part::Data { data: value } => length.text(&value.to_string()),
                Part::Pending { .. } => {}
            }
        }
        let schema = body.output.iter().filter_map(|output| output.schema.as_ref());
        body.tools.iter().chain(schema).for_each(|value| length.text(&value.to_string()));
        length
    }

    fn text(&mut self, text: &str) {
        self.characters += text.chars().count() as u64;
    }
}

impl Estimator<'_> {
    fn all(&self, range: Range<usize>) -> Result<Result<Found, Diagnostic>, PortError> {
        let mut part = Found::of(self.prepared);
        for position in range {
            if let Err(mistake) = self.case(position, &mut part)? {
                return Ok(Err(mistake));
            }
        }
        Ok(Ok(part))
    }

    fn case(&self, position: usize, part: &mut Found) -> Result<Result<(), Diagnostic>, PortError> {
        let plan = &self.prepared.plan;
        let case = Arc::new(self.prepared.case(position)?);
        for model in 0..plan.models.len() {
            let mut grouped = false;
            for version in 0..plan.versions.len() {
                let side = TrialAddress { version, model, case: position, repeat: 1 };
                if !self.prepared.is_due(&Share::Planned, side) {
                    continue;
                }
                if !std::mem::replace(&mut grouped, true) {
                    self.group(position, &case, &mut part.clusters[model]);
                }
                if let Err(mistake) = self.side(side, &case, &mut part.sides[version][model])? {
                    return Ok(Err(mistake));
                }
            }
        }
        Ok(Ok(()))
    }

    /// Puts a case into the groups it belongs to.
    fn group(&self, position: usize, case: &Case, groups: &mut [Vec<u128>]) {
        let id = self.prepared.plan.cases[position].id;
        let cluster = match &case.cluster {
            Some(name) => Digest::of_bytes(name.as_bytes()).prefix128(),
            None => id,
        };
        groups[0].push(cluster);
        for (selection, group) in self.prepared.selections.iter().zip(&mut groups[1..]) {
            if selection.selects(case) {
                group.push(cluster);
            }
        }
    }

    fn side(
        &self,
        side: TrialAddress,
        case: &Arc<Case>,
        sum: &mut SideEstimate,
    ) -> Result<Result<(), Diagnostic>, PortError> {
        let plan = &self.prepared.plan;
        let mut trial = self.prepared.open(side, case)?;
        if self.prepared.retakes[side.version].is_some() {
            sum.counts.trials += u64::from(plan.trials);
            sum.counts.retaken += u64::from(plan.trials);
            return Ok(Ok(()));
        }
        let mut request = match self.prepared.request(&trial) {
            Ok(request) => request,
            Err(error) => return Ok(Err(error.diagnostic)),
        };
        let length = Length::of(&request.body);
        for repeat in 1..=plan.trials {
            trial = trial.repeated(repeat);
            request.repeat = trial.key.repeat;
            self.repeat(&trial, &request, length, sum)?;
        }
        Ok(Ok(()))
    }

    fn repeat(
        &self,
        trial: &OpenTrial,
        request: &Request,
        length: Length,
        sum: &mut SideEstimate,
    ) -> Result<(), PortError> {
        let model = trial.address.model;
        let stored = self.supply.stored(model, &trial.key)?;
        let recorded = || self.known.get(model)?.as_ref()?.respond(request).ok()?.usage;
        let is_reused = stored.as_ref().is_some_and(|(_, taken)| *taken);
        let is_replayed = self.supply.recording(model).is_some();
        let kept = || self.supply.kept(request, &self.prepared.plan.models[model].source);
        let kept = if is_reused || is_replayed { None } else { kept() };
        let usage = stored.as_ref().and_then(|(answer, _)| answer.response.usage);
        let usage = usage.or_else(|| kept.as_ref()?.usage).or_else(recorded);
        if let Some(usage) = usage {
            sum.answered(length, &usage);
        }
        sum.counts.trials += 1;
        let index = self.prepared.plan.index(trial.address);
        if self.supply.is_settled(index) {
            sum.counts.settled += 1;
        } else if self.supply.is_answered(index)? {
            sum.counts.begun += 1;
        } else if is_reused {
            sum.counts.reused += 1;
        } else if is_replayed {
            sum.counts.replayed += 1;
        } else if kept.is_some() {
            sum.counts.kept += 1;
        } else {
            sum.call(length, &request.body);
        }
        Ok(())
    }
}
