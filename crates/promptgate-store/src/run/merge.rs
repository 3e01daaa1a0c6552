//! Joins the runs of a plan's partitions into one record: complete, disjoint, one plan; else it is refused.

use promptgate_core::plan::{Partition, PartitionBy, PlannedModel};
use promptgate_core::port::PortError;
use promptgate_core::record::{Digested, RunHeader, SettledRecord, SettledTrial};

use super::stored::StoredRun;

/// All parts of one plan, read as the run that was never split.
#[derive(Debug)]
pub struct MergedRun {
    header: RunHeader,
    parts: Vec<StoredRun>,
}

/// Why runs cannot be joined. None of them says anything about the prompt: the gate is invalid.
#[derive(Debug, PartialEq, thiserror::Error)]
pub enum MergeError {
    /// No part was given.
    #[error("there is nothing to merge; name the run files of all partitions")]
    Nothing,
    /// Parts are missing, or did not come to their end.
    #[error("{} of {of} partitions {}: {}{}", missing.len(), if missing.len() == 1 { "is missing" } else { "are missing" },
        numbers(missing), shard_help(unfinished))]
    ShardMissing {
        /// Which parts, from 1.
        missing: Vec<u32>,
        /// Of how many.
        of: u32,
        /// Of these, the files that are there but not finished.
        unfinished: Vec<String>,
    },
    /// Some parts are there, but trials of the plan are in none of them.
    #[error("{missing} of {of} trials of the plan are in none of the parts")]
    TrialsMissing {
        /// How many.
        missing: u64,
        /// Of how many.
        of: u64,
    },
    /// The parts do not belong to one plan.
    #[error(
        "{left} and {right} are not parts of one plan: their {what} differ; run all partitions on the same commit and settings"
    )]
    PlansDiffer {
        /// One file.
        left: String,
        /// The other.
        right: String,
        /// What differs.
        what: &'static str,
    },
    /// A trial is in two parts.
    #[error("{left} and {right} hold the same trials; name each partition's file once")]
    Overlap {
        /// One file.
        left: String,
        /// The other.
        right: String,
    },
}

fn numbers(parts: &[u32]) -> String {
    parts.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn shard_help(unfinished: &[String]) -> String {
    match unfinished {
        [] => "; run what is missing with the same command and --partition, then join all parts".to_owned(),
        files => format!(" ({} not finished: resume it first)", files.join(", ")),
    }
}

impl MergedRun {
    /// Joins the parts, in any order.
    pub fn merge(mut parts: Vec<StoredRun>) -> Result<Self, MergeError> {
        parts.sort_by_key(|part| part.header().partition.map(|partition| partition.part));
        let first = parts.first().ok_or(MergeError::Nothing)?;
        for part in &parts[1..] {
            must_fit(first, part)?;
        }
        must_be_disjoint(&parts)?;
        must_have_all_parts(&parts)?;
        must_have_all_trials(&parts)?;
        let mut header = first.header().clone();
        take_partition(&mut header);
        Ok(Self { header, parts })
    }
}

/// A joined run is about the whole plan, and so is the command that asks for it again.
fn take_partition(header: &mut RunHeader) {
    header.partition = None;
    header.settings.remove("partition");
    let command = &mut header.volatile.command;
    if let Some(at) = command.iter().position(|word| word == "--partition") {
        command.drain(at..(at + 2).min(command.len()));
    }
}

fn must_fit(left: &StoredRun, right: &StoredRun) -> Result<(), MergeError> {
    match difference(left.header(), right.header()) {
        None => Ok(()),
        Some(what) => Err(MergeError::PlansDiffer { left: name(left), right: name(right), what }),
    }
}

/// What of two headers differs that a report would show. Where and when they ran may differ.
fn difference(left: &RunHeader, right: &RunHeader) -> Option<&'static str> {
    let deal = |header: &RunHeader| header.partition.map(|partition| (partition.by, partition.of));
    let checks = [
        (left.plan_digest == right.plan_digest, "plan digests"),
        (left.purpose == right.purpose, "commands"),
        (left.policy_digest == right.policy_digest && left.policy == right.policy, "policies"),
        (left.selections == right.selections && left.filter == right.filter, "selections"),
        (left.prices == right.prices, "prices"),
        (left.metrics == right.metrics, "metrics"),
        (left.by == right.by, "groupings"),
        (left.comparisons == right.comparisons, "comparisons"),
        (left.cases == right.cases && left.stride() == right.stride() && left.seed == right.seed, "plans"),
        (deal(left) == deal(right), "partitions"),
    ];
    checks.into_iter().find(|(equal, _)| !equal).map(|(_, what)| what)
}

fn must_be_disjoint(parts: &[StoredRun]) -> Result<(), MergeError> {
    let overlap =
        |left: &StoredRun, right: &StoredRun| Err(MergeError::Overlap { left: name(left), right: name(right) });
    for pair in parts.windows(2) {
        if pair[0].header().partition == pair[1].header().partition {
            return overlap(&pair[0], &pair[1]);
        }
    }
    let mut holders: Option<(u32, usize)> = None;
    for (trial, part) in in_plan_order(parts) {
        if let Some((before, holder)) = holders
            && before == trial
        {
            return overlap(&parts[holder], &parts[part]);
        }
        holders = Some((trial, part));
    }
    Ok(())
}

fn must_have_all_parts(parts: &[StoredRun]) -> Result<(), MergeError> {
    let whole = Partition { by: PartitionBy::Hash, part: 1, of: 1 };
    let number = |run: &StoredRun| run.header().partition.unwrap_or(whole);
    let of = parts.first().map_or(1, |run| number(run).of);
    let finished = |part: u32| parts.iter().any(|run| number(run).part == part && run.is_finished());
    let missing: Vec<u32> = (1..=of).filter(|part| !finished(*part)).collect();
    let unfinished = parts.iter().filter(|run| !run.is_finished()).map(name).collect();
    if missing.is_empty() { Ok(()) } else { Err(MergeError::ShardMissing { missing, of, unfinished }) }
}

fn must_have_all_trials(parts: &[StoredRun]) -> Result<(), MergeError> {
    let Some(header) = parts.first().map(SettledRecord::header) else { return Ok(()) };
    let cases = |model: &PlannedModel| model.cases.as_ref().map_or(header.cases, |cases| cases.count);
    let cases: u64 = header.models.iter().map(cases).sum();
    let of = header.versions.len() as u64 * cases * u64::from(header.trials);
    // Calls that confirm a broken case come on top of the plan.
    let planned = |trial: u32| u64::from(trial) % header.stride() < u64::from(header.trials);
    let entries = parts.iter().flat_map(|part| part.entries());
    let held = entries.filter(|entry| planned(entry.trial)).count() as u64;
    if held == of { Ok(()) } else { Err(MergeError::TrialsMissing { missing: of.saturating_sub(held), of }) }
}

fn name(run: &StoredRun) -> String {
    run.path().display().to_string()
}

/// The trials of all parts in plan order, each with the part that holds it. There are few parts, so the next one is found
/// by looking at each.
fn in_plan_order(parts: &[StoredRun]) -> impl Iterator<Item = (u32, usize)> + '_ {
    let mut next = vec![0_usize; parts.len()];
    std::iter::from_fn(move || {
        let heads =
            parts.iter().enumerate().filter_map(|(part, run)| Some((run.entries().get(next[part])?.trial, part)));
        let head = heads.min()?;
        next[head.1] += 1;
        Some(head)
    })
}

impl SettledRecord for MergedRun {
    fn header(&self) -> &RunHeader {
        &self.header
    }

    fn digested(&self) -> Box<dyn Iterator<Item = Digested> + '_> {
        let mut next = vec![0_usize; self.parts.len()];
        Box::new(in_plan_order(&self.parts).map(move |(_, part)| {
            let run = &self.parts[part];
            next[part] += 1;
            run.read(run.entries()[next[part] - 1])
        }))
    }

    fn trial(&self, index: u64) -> Result<Option<SettledTrial>, PortError> {
        let found = self.parts.iter().find_map(|part| part.trial(index).transpose());
        found.transpose()
    }
}
