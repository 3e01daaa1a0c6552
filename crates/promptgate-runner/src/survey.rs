//! Where every answer of a plan will come from, counted before the first call; a recording that does not hold what is
//! about to be asked is found here, while nothing has run.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use promptgate_core::answer::Response;
use promptgate_core::case::Case;
use promptgate_core::event::Event;
use promptgate_core::plan::{TrialAddress, TrialKey};
use promptgate_core::port::{AnswerCache, CacheKey, PortError, ResponseCache, StoredAnswer};
use promptgate_core::price::Price;
use promptgate_core::record::BegunTrial;
use promptgate_core::request::Request;
use promptgate_core::{Diagnostic, Diagnostics};
use promptgate_provider::{Lookup, Recording, Sides};

use crate::asking::Questions;
use crate::chunks::in_chunks;
use crate::prepare::{CallsForbidden, Gap, OpenTrial, PrepareError, Prepared, RecordingGaps};
use crate::share::Share;

/// Tells which trials are settled already, by index; for a resume.
pub type Settled = Arc<dyn Fn(u64) -> bool + Send + Sync>;

/// Tells what a trial that is not settled has come to, by index; for a resume.
pub type Begun = Arc<dyn Fn(u64) -> Result<Option<BegunTrial>, PortError> + Send + Sync>;

/// Where answers come from, apart from calls.
#[derive(Clone, Default)]
pub struct Supply {
    /// By model of the plan, the recording that stands in for it.
    pub recordings: Vec<Option<Arc<Recording>>>,
    /// Answers of earlier runs.
    pub stored: Option<Arc<dyn AnswerCache>>,
    /// Which of them are taken.
    pub reuse: Reuse,
    /// What is kept by content, whoever asked for it.
    pub kept: Option<Kept>,
    /// What is settled already.
    pub settled: Option<Settled>,
    /// What assertions have asked since the run began.
    pub questions: Arc<Questions>,
    /// What of the rest is paid for already.
    pub begun: Option<Begun>,
    /// Whether providers may be called.
    pub calls: Calls,
    /// The prices of the record, by model: whatever it takes in is reckoned at them. Nothing leaves each answer the cost that
    /// it comes with.
    pub prices: Option<Arc<BTreeMap<String, Price>>>,
}

/// Which stored answers are taken over.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Reuse {
    /// All that fit.
    #[default]
    All,
    /// Those got at or after this time, milliseconds since 1970; older ones are asked for again (`max_age`).
    Since(u64),
    /// None: every call is a new draw (`--fresh`). Recordings hold one draw only and are served as ever.
    None,
}

/// The cache that calls go through, as they will find it.
#[derive(Clone)]
pub struct Kept {
    /// Where answers are kept.
    pub cache: Arc<dyn ResponseCache>,
    /// Those got before this time are asked for again, milliseconds since 1970.
    pub since_ms: u64,
}

/// Whether providers may be called.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Calls {
    /// They may.
    #[default]
    Allowed,
    /// They may not (`--no-run`).
    Forbidden,
}

/// How many trials of this run's share are answered in which way. They add up to `trials`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Trials of the share.
    pub trials: u64,
    /// Settled before a resume.
    pub settled: u64,
    /// Answered before a resume, and not graded.
    pub begun: u64,
    /// Taken over from earlier runs.
    pub reused: u64,
    /// Taken from the stored run that is a baseline, or missing there.
    pub retaken: u64,
    /// Answered from recordings.
    pub replayed: u64,
    /// Found in the cache, where a call would look first.
    pub kept: u64,
    /// To be called for.
    pub calls: u64,
}

impl Counts {
    pub(crate) fn add(&mut self, other: Self) {
        self.trials += other.trials;
        self.settled += other.settled;
        self.begun += other.begun;
        self.reused += other.reused;
        self.retaken += other.retaken;
        self.replayed += other.replayed;
        self.kept += other.kept;
        self.calls += other.calls;
    }

    /// What there is to do, for whoever shows progress.
    pub fn planned(&self) -> Event {
        Event::Planned { trials: self.trials, calls: self.calls, replayed: self.replayed, reused: self.stored() }
    }

    /// What is there already, recordings apart.
    pub fn stored(&self) -> u64 {
        self.settled + self.begun + self.reused + self.retaken + self.kept
    }

    /// What a run of this plan has left to do.
    pub fn open(&self) -> u64 {
        self.trials - self.settled
    }
}

impl Supply {
    /// Whether a trial is settled already.
    pub(crate) fn is_settled(&self, trial: u64) -> bool {
        self.settled.as_ref().is_some_and(|settled| settled(trial))
    }

    /// What a trial that is not settled has come to before a resume.
    pub(crate) fn begun(&self, trial: u64) -> Result<Option<BegunTrial>, PortError> {
        self.begun.as_ref().map_or(Ok(None), |begun| begun(trial))
    }

    /// Whether a trial was answered before a resume.
    pub(crate) fn is_answered(&self, trial: u64) -> Result<bool, PortError> {
        Ok(self.begun(trial)?.is_some_and(|begun| begun.response.is_some()))
    }

    /// The earlier draws of a trial that are stored.
    pub(crate) fn earlier(&self, key: &TrialKey, draw: u32) -> Result<Vec<StoredAnswer>, PortError> {
        match &self.stored {
            Some(cache) if draw > 1 => cache.before(key, draw),
            _ => Ok(Vec::new()),
        }
    }

    /// Whether a trial of a model may be answered without a call.
    fn must_be_searched(&self, model: usize) -> bool {
        self.stored.is_some() || self.kept.is_some() || self.recording(model).is_some()
    }

    /// The recording that stands in for a model.
    pub(crate) fn recording(&self, model: usize) -> Option<&Arc<Recording>> {
        self.recordings.get(model).and_then(Option::as_ref)
    }

    /// The stored answer of a trial, and whether it is taken over; one that is not still numbers the next draw.
    pub(crate) fn stored(&self, model: usize, key: &TrialKey) -> Result<Option<(StoredAnswer, bool)>, PortError> {
        let Some(cache) = &self.stored else { return Ok(None) };
        let replayed = self.recording(model).is_some();
        Ok(cache.find(key)?.map(|answer| {
            let taken = replayed || self.reuse.takes(answer.answered_ms);
            (answer, taken)
        }))
    }

    /// What the cache holds for a request to `source`.
    pub(crate) fn kept(&self, request: &Request, source: &str) -> Option<Response> {
        let Kept { cache, since_ms } = self.kept.as_ref()?;
        cache.find(&CacheKey::of(request, source).addressed(), *since_ms).map(|(response, _)| response)
    }
}

impl Reuse {
    /// Answers got before this time are asked for again, milliseconds since 1970; none where all are.
    pub fn since_ms(self) -> Option<u64> {
        match self {
            Self::All => Some(0),
            Self::Since(earliest) => Some(earliest),
            Self::None => None,
        }
    }

    fn takes(self, answered_ms: u64) -> bool {
        self.since_ms().is_some_and(|earliest| answered_ms >= earliest)
    }
}

/// Counts where the answers will come from.
///
/// # Errors
///
/// Recordings that are stale, missing or ambiguous; prompts that cannot be rendered; calls where they are forbidden.
pub fn survey(prepared: &Prepared, supply: &Supply, share: &Share) -> Result<Counts, PrepareError> {
    let surveyor = Surveyor { prepared, supply, share };
    let mut found = Found::default();
    in_chunks(prepared.plan.cases.len(), |range| surveyor.count_all(range), |part| found.append(part))?;
    if !found.unrendered.0.is_empty() {
        return Err(PrepareError::Wrong(found.unrendered));
    }
    if let Some(first) = found.first_version {
        found.gaps.command = prepared.record_command(first);
        found.gaps.first.iter_mut().try_for_each(|gap| surveyor.tell_nearest(gap))?;
        return Err(PrepareError::Recordings(found.gaps));
    }
    match found.counts {
        Counts { calls, trials, .. } if calls > 0 && supply.calls == Calls::Forbidden => {
            Err(PrepareError::CallsForbidden(CallsForbidden { calls, trials }))
        }
        counts => Ok(counts),
    }
}

/// How many versions of each case will be called by each model, for a budget that keeps room for whole pairs.
///
/// # Errors
///
/// A case or a stored answer that cannot be read. What a recording lacks is [`survey`]'s business.
pub fn called_sides(prepared: &Prepared, supply: &Supply) -> Result<Sides, PortError> {
    let surveyor = Surveyor { prepared, supply, share: &Share::Planned };
    let versions = prepared.plan.versions.len();
    let again = prepared.plan.versions.iter().map(|version| version.again).max().unwrap_or_default();
    let (mut sides, mut is_called) = (Sides { again, ..Sides::default() }, vec![false; versions]);
    let take = |part: Vec<CalledVersions>| {
        for (case, model, called) in part {
            is_called.iter_mut().zip(&called).for_each(|(any, called)| *any |= called);
            let count = called.iter().filter(|called| **called).count();
            if (1..versions).contains(&count) {
                sides.fewer.insert((case, prepared.plan.models[model].id.clone()), count as u32);
            }
        }
    };
    in_chunks(prepared.plan.cases.len(), |range| surveyor.called_versions(range), take)?;
    let usual = is_called.iter().filter(|called| **called).count() as u32;
    sides.fewer.retain(|_, count| *count < usual);
    Ok(Sides { usual, ..sides })
}

/// A case by its key, a model by its place, and whether each version is called.
type CalledVersions = (u128, usize, Vec<bool>);

/// Counts what confirming takes. What neither a recording nor a store holds and may not be called for is no mistake there:
/// the rule stays open and says so.
pub fn survey_confirmations(
    prepared: &Prepared,
    supply: &Supply,
    wanted: &[TrialAddress],
) -> Result<Counts, PortError> {
    let mut counts = Counts::default();
    for address in wanted {
        counts.trials += 1;
        let case = Arc::new(prepared.case(address.case)?);
        let trial = prepared.open(*address, &case)?;
        let source = &prepared.plan.models[address.model].source;
        let is_kept = |request: &Request| supply.kept(request, source).is_some();
        let index = prepared.plan.index(*address);
        *if supply.is_settled(index) {
            &mut counts.settled
        } else if supply.is_answered(index)? {
            &mut counts.begun
        } else if matches!(supply.stored(address.model, &trial.key)?, Some((_, true))) {
            &mut counts.reused
        } else if supply.recording(address.model).is_some() {
            &mut counts.replayed
        } else if supply.kept.is_some() && prepared.request(&trial).is_ok_and(|request| is_kept(&request)) {
            &mut counts.kept
        } else {
            &mut counts.calls
        } += 1;
    }
    Ok(counts)
}

struct Surveyor<'a> {
    prepared: &'a Prepared,
    supply: &'a Supply,
    share: &'a Share,
}

#[derive(Default)]
struct Found {
    counts: Counts,
    gaps: RecordingGaps,
    /// The version of the first gap: the one to record anew.
    first_version: Option<usize>,
    unrendered: Diagnostics,
}

impl Found {
    fn append(&mut self, part: Self) {
        self.counts.add(part.counts);
        self.gaps.append(part.gaps);
        self.first_version = self.first_version.or(part.first_version);
        let room = LISTED.saturating_sub(self.unrendered.0.len());
        self.unrendered.0.extend(part.unrendered.0.into_iter().take(room));
    }

    fn gap(&mut self, version: usize, gap: Gap, lookup: &Lookup) {
        self.first_version.get_or_insert(version);
        self.gaps.add(gap, lookup);
    }
}

/// Prompts that cannot be rendered; the rest is not worth listing.
const LISTED: usize = 20;

impl Surveyor<'_> {
    fn count_all(&self, range: Range<usize>) -> Result<Found, PortError> {
        let mut part = Found::default();
        for position in range {
            self.count_case(position, &mut part)?;
        }
        Ok(part)
    }

    fn count_case(&self, position: usize, part: &mut Found) -> Result<(), PortError> {
        let plan = &self.prepared.plan;
        let mut case = None;
        for version in 0..plan.versions.len() {
            for model in 0..plan.models.len() {
                let side = TrialAddress { version, model, case: position, repeat: 1 };
                if self.prepared.is_due(self.share, side) {
                    self.count_side(side, &mut case, part)?;
                }
            }
        }
        Ok(())
    }

    fn called_versions(&self, range: Range<usize>) -> Result<Vec<CalledVersions>, PortError> {
        let plan = &self.prepared.plan;
        let mut found = Vec::new();
        for position in range {
            let mut case = None;
            for model in 0..plan.models.len() {
                let is_called = |version| {
                    let side = TrialAddress { version, model, case: position, repeat: 1 };
                    let mut part = Found::default();
                    if self.prepared.is_due(self.share, side) {
                        self.count_side(side, &mut case, &mut part)?;
                    }
                    Ok(part.counts.calls > 0)
                };
                let called = (0..plan.versions.len()).map(is_called).collect::<Result<_, PortError>>()?;
                found.push((plan.cases[position].id, model, called));
            }
        }
        Ok(found)
    }

    /// Counts the repeats of one case on one side. The case is read once, and only where something must be looked up.
    fn count_side(&self, side: TrialAddress, case: &mut Option<Arc<Case>>, part: &mut Found) -> Result<(), PortError> {
        let plan = &self.prepared.plan;
        let mut repeats: Vec<u32> = Vec::new();
        for repeat in 1..=plan.trials {
            part.counts.trials += 1;
            let index = plan.index(TrialAddress { repeat, ..side });
            if self.supply.is_settled(index) {
                part.counts.settled += 1;
            } else if self.supply.is_answered(index)? {
                part.counts.begun += 1;
            } else {
                repeats.push(repeat);
            }
        }
        let open = repeats.len() as u64;
        if self.prepared.retakes[side.version].is_some() {
            part.counts.retaken += open;
        } else if !self.supply.must_be_searched(side.model) {
            part.counts.calls += open;
        } else if open > 0 {
            let case = match case {
                Some(case) => case,
                None => case.insert(Arc::new(self.prepared.case(side.case)?)),
            };
            self.look_up(self.prepared.open(side, case)?, &repeats, part)?;
        }
        Ok(())
    }

    fn look_up(&self, mut trial: OpenTrial, repeats: &[u32], part: &mut Found) -> Result<(), PortError> {
        let model = trial.address.model;
        let mut request = None;
        for repeat in repeats {
            trial = trial.repeated(*repeat);
            if let Some((_, true)) = self.supply.stored(model, &trial.key)? {
                part.counts.reused += 1;
            } else if let Some(recording) = self.supply.recording(model) {
                let Some(request) = self.rendered(&mut request, &trial, part) else { return Ok(()) };
                request.repeat = trial.key.repeat;
                part.counts.replayed += 1;
                let lookup = recording.check(request)?;
                if lookup != Lookup::Found {
                    part.gap(trial.address.version, self.gap(&trial, recording, &lookup), &lookup);
                }
            } else if self.is_kept(&mut request, &trial) {
                part.counts.kept += 1;
            } else {
                part.counts.calls += 1;
            }
        }
        Ok(())
    }

    /// Whether the cache holds the answer of a trial that would be called for. A prompt that cannot be rendered is no
    /// mistake here: it is with a full cache what it is with an empty one, a call that comes to nothing.
    fn is_kept(&self, request: &mut Option<Request>, trial: &OpenTrial) -> bool {
        if self.supply.kept.is_some() && request.is_none() {
            *request = self.prepared.request(trial).ok();
        }
        let Some(request) = request else { return false };
        request.repeat = trial.key.repeat;
        self.supply.kept(request, &self.prepared.plan.models[trial.address.model].source).is_some()
    }

    /// The request of a side, rendered once for all repeats.
    fn rendered<'r>(
        &self,
        request: &'r mut Option<Request>,
        trial: &OpenTrial,
        part: &mut Found,
    ) -> Option<&'r mut Request> {
        if request.is_none() {
            match self.prepared.request(trial) {
                Ok(rendered) => *request = Some(rendered),
                Err(error) => part.unrendered.push(of_case(error.diagnostic, trial)),
            }
        }
        request.as_mut()
    }

    fn gap(&self, trial: &OpenTrial, recording: &Recording, lookup: &Lookup) -> Gap {
        let plan = &self.prepared.plan;
        Gap {
            case: trial.case.id.clone(),
            reference: plan.versions[trial.address.version].reference.clone(),
            model: plan.models[trial.address.model].id.clone(),
            repeat: trial.key.repeat,
            reason: format!("{}: {lookup}", recording.name()),
            lookup: lookup.clone(),
            address: trial.address,
        }
    }

    /// Adds what the recording holds nearest. Only gaps that are shown are worth reading it for.
    fn tell_nearest(&self, gap: &mut Gap) -> Result<(), PortError> {
        let Some(recording) = self.supply.recording(gap.address.model) else { return Ok(()) };
        let trial = self.prepared.open(gap.address, &Arc::new(self.prepared.case(gap.address.case)?))?;
        if let Ok(request) = self.prepared.request(&trial) {
            gap.reason.push_str(&recording.near(&request, &gap.lookup)?);
        }
        Ok(())
    }
}

fn of_case(mut diagnostic: Diagnostic, trial: &OpenTrial) -> Diagnostic {
    diagnostic.message = format!("case `{}` (line {}): {}", trial.case.id, trial.case.line, diagnostic.message);
    diagnostic
}
