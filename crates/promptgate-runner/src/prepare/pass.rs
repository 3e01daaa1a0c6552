//! The pass over the cases: on all cores, each case read once and let go. What stays is 32 bytes a case, and 16 more until
//! the grading digest is taken.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::ops::Range;

use promptgate_core::ask::Asked;
use promptgate_core::case::Case;
use promptgate_core::gate::{Policy, Subject};
use promptgate_core::media::image_files;
use promptgate_core::name::{CaseId, MetricName};
use promptgate_core::plan::PlannedCase;
use promptgate_core::port::PortError;
use promptgate_core::record::Purpose;
use promptgate_core::selection::Selection;
use promptgate_core::sequence;
use promptgate_core::{Diagnostic, Diagnostics, Digest, Location};
use promptgate_scoring::grader::LiveAssertions;
use serde_json::Value;

use super::{LoadedVersion, PlanRequest, PrepareError, counted, retake};
use crate::chunks::in_chunks;
use crate::grading::grading;

/// Mistakes that are listed; the others are counted.
const LISTED: usize = 20;

/// Looks at cases, one after the other, on any thread.
pub(super) struct Pass<'a> {
    request: &'a PlanRequest<'a>,
    selections: &'a [Selection],
    /// The file as the user would name it.
    pub(super) file: String,
    /// The ids and inputs that alone are looked at, where not all are.
    held: Option<HashSet<(u128, u128)>>,
}

/// What the pass found, in the order of the file.
#[derive(Default)]
pub(super) struct Found {
    /// The selected cases.
    pub(super) cases: Vec<PlannedCase>,
    /// Beside each, what its expectations contribute to the grading digest.
    pub(super) gradings: Vec<u128>,
    /// Beside each, where it is in the source; empty where none is left out.
    pub(super) positions: Vec<u32>,
    /// Keys of the ids that the filter left out.
    pub(super) left_out: Vec<u128>,
    /// Cases left out because a stored version holds no answers to them.
    pub(super) not_held: u64,
    /// Beside each, the unit it belongs to, where the gate may stop early.
    pub(super) units: Option<Vec<u64>>,
    /// By model, the places in `cases` that it answers, where it answers a selection.
    pub(super) chosen: Vec<Vec<usize>>,
    /// By selection of the gate, how many cases it holds for.
    pub(super) hits: Vec<u64>,
    /// By assertion of the suite, how many cases its `when` holds for.
    pub(super) looks: Vec<u64>,
    /// By field that the report groups by, how many cases have a value there.
    pub(super) valued: Vec<u64>,
    pub(super) live: Live,
    pub(super) mistakes: Mistakes,
}

/// What assertions look at the cases.
#[derive(Default)]
pub(super) struct Live {
    /// Cases some assertion looks at.
    pub(super) looked_at: u64,
    /// Selected cases that no critical assertion looks at.
    pub(super) undecided: u64,
    /// Whom cases' own assertions may ask.
    pub(super) asked: BTreeSet<Asked>,
    /// Metrics that cases' own assertions feed.
    pub(super) metrics: BTreeSet<MetricName>,
    /// Of these, those that judges feed.
    pub(super) judged: BTreeSet<MetricName>,
    /// The metric that each critical judge of cases feeds.
    pub(super) deciding_judges: BTreeSet<Option<MetricName>>,
    /// Files that cases' own assertions read.
    pub(super) files: BTreeMap<String, Digest>,
}

/// What is wrong with the cases.
#[derive(Default)]
pub(super) struct Mistakes {
    listed: Vec<Listed>,
    unlisted: u64,
    /// By version and variable, what some cases lack.
    undefined: BTreeMap<(usize, String), Undefined>,
}

/// A mistake of a case, or of the suite that every case meets anew.
struct Listed {
    diagnostic: Diagnostic,
    /// What is the same where the next case meets it.
    same: Option<(Location, String)>,
    cases: u64,
}

/// A variable that a version reads and some cases do not set.
struct Undefined {
    read_at: Location,
    first: CaseId,
    line: u32,
    cases: u64,
}

impl<'a> Pass<'a> {
    pub(super) fn new(request: &'a PlanRequest<'a>, selections: &'a [Selection]) -> Result<Self, PortError> {
        let file = match request.suite.cases.file.as_str() {
            "-" => "standard input".to_owned(),
            file => format!("{}/{file}", request.suite_path.trim_end_matches('/')),
        };
        // A stored run that is graded anew, and held against nothing, is all there is to look at.
        let held = match request.lineup.versions.as_slice() {
            [LoadedVersion { stored: Some(stored), .. }] if request.purpose == Purpose::Run => {
                Some(retake::held(stored)?)
            }
            _ => None,
        };
        Ok(Self { request, selections, file, held })
    }

    /// Looks at all cases.
    pub(super) fn run(&self) -> Result<Found, PrepareError> {
        let mut found = self.nothing();
        if !self.is_chosen() {
            // Grown step by step, they would be held twice at the last step.
            found.cases.reserve_exact(self.request.cases.len());
            found.gradings.reserve_exact(self.request.cases.len());
        }
        in_chunks(self.request.cases.len(), |range| self.look_at_all(range), |part| found.append(part))?;
        Ok(found)
    }

    fn nothing(&self) -> Found {
        Found {
            chosen: vec![Vec::new(); self.request.models.len()],
            hits: vec![0; self.selections.len()],
            looks: vec![0; self.request.suite.asserts.len()],
            valued: vec![0; self.request.suite.by.len()],
            units: self.request.policy.as_ref().and_then(|policy| policy.sequential).map(|_| Vec::new()),
            ..Found::default()
        }
    }

    fn look_at_all(&self, range: Range<usize>) -> Result<Found, PortError> {
        let mut part = self.nothing();
        for position in range {
            let case = self.request.cases.case(position)?;
            if self.request.filter.as_ref().is_some_and(|filter| !filter.selects(&case)) {
                part.left_out.push(promptgate_core::plan::case_key(&case.id));
                continue;
            }
            if !self.is_held(&case)? {
                part.not_held += 1;
                continue;
            }
            if self.is_chosen() {
                part.positions.push(position as u32);
            }
            match self.missing_image(&case) {
                Some(mistake) => part.mistakes.list(self.listed(mistake, &case)),
                None => self.look_at(&case, &mut part)?,
            }
        }
        Ok(part)
    }

    /// Whether some cases may be left out, so that their places have to be noted.
    fn is_chosen(&self) -> bool {
        self.request.filter.is_some() || self.held.is_some()
    }

    fn is_held(&self, case: &Case) -> Result<bool, PortError> {
        let Some(held) = &self.held else { return Ok(true) };
        let input = self.request.cases.pairing_input(case)?.digest().prefix128();
        Ok(held.contains(&(promptgate_core::plan::case_key(&case.id), input)))
    }

    /// What is wrong with an image that a case names: without it there is no input.
    fn missing_image(&self, case: &Case) -> Option<Diagnostic> {
        let unreadable = |path: String| self.request.cases.file(&path).err();
        let error = image_files(&case.vars, &case.messages).into_iter().find_map(unreadable)?;
        let help = "write `file:` and a path below the suite's folder, such as \"file:images/receipt.png\"";
        Some(Diagnostic::new(format!("case `{}`: {error}", case.id)).help(help))
    }

    fn look_at(&self, case: &Case, part: &mut Found) -> Result<(), PortError> {
        let place = part.cases.len();
        part.cases.push(PlannedCase::new(&case.id, &self.request.cases.pairing_input(case)?.digest()));
        part.gradings.push(grading(case).prefix128());
        if let Some(units) = &mut part.units {
            units.push(sequence::unit(&case.id, case.cluster.as_deref()));
        }
        for (model, chosen) in self.request.models.iter().zip(&mut part.chosen) {
            if model.cases.as_ref().is_some_and(|selection| selection.selects(case)) {
                chosen.push(place);
            }
        }
        for (selection, hits) in self.selections.iter().zip(&mut part.hits) {
            *hits += u64::from(selection.selects(case));
        }
        for (assertion, looks) in self.request.suite.asserts.iter().zip(&mut part.looks) {
            *looks += u64::from(assertion.when.as_ref().is_none_or(|when| when.selects(case)));
        }
        for (path, valued) in self.request.suite.by.iter().zip(&mut part.valued) {
            *valued += u64::from(!case.groups(path).is_empty());
        }
        self.check_variables(case, &mut part.mistakes)?;
        match self.request.grader.check_case(case) {
            Ok(live) => part.live.add(live),
            Err(mistakes) => mistakes.0.into_iter().for_each(|each| part.mistakes.list(self.listed(each, case))),
        }
        Ok(())
    }

    /// Every variable that a version reads, also in a branch not taken, must be set. A stored run is not rendered.
    fn check_variables(&self, case: &Case, mistakes: &mut Mistakes) -> Result<(), PortError> {
        for (index, loaded) in
            self.request.lineup.versions.iter().enumerate().filter(|(_, loaded)| loaded.stored.is_none())
        {
            let mut lacking = BTreeMap::new();
            for model in &self.request.models {
                let input = self.request.cases.input(case, &loaded.version.identity.prompt, &model.planned.id)?;
                let undefined = loaded.version.check_input(&input.vars);
                lacking.extend(undefined.into_iter().map(|variable| (&variable.name, &variable.at)));
            }
            for (name, read_at) in lacking {
                let this = Undefined { read_at: read_at.clone(), first: case.id.clone(), line: case.line, cases: 1 };
                mistakes.lack((index, name.clone()), this);
            }
        }
        Ok(())
    }

    fn listed(&self, diagnostic: Diagnostic, case: &Case) -> Listed {
        let Some(at) = diagnostic.at.clone() else {
            return Listed::once(diagnostic.at(Location::of_line(&self.file, case.line)));
        };
        let same = diagnostic.message.replace(&format!("`{}`", case.id), "");
        Listed { diagnostic, same: Some((at, same)), cases: 1 }
    }

    /// The mistakes for people, those of single cases first.
    pub(super) fn told(&self, mistakes: Mistakes) -> Diagnostics {
        let mut told: Vec<Diagnostic> = mistakes.listed.into_iter().map(Listed::told).collect();
        if mistakes.unlisted > 0 {
            told.push(Diagnostic::new(format!("and {} more mistakes in the cases", mistakes.unlisted)));
        }
        told.extend(mistakes.undefined.iter().map(|((version, name), undefined)| {
            let reference = &self.request.lineup.versions[*version].reference;
            let others = match undefined.cases - 1 {
                0 => String::new(),
                more => format!(", nor do {more} more"),
            };
            let (read_at, case) = (&undefined.read_at, &undefined.first);
            Diagnostic::new(format!(
                "`{reference}` reads the variable `{name}` ({read_at}), which case `{case}` does not set{others}"
            ))
            .at(Location::of_line(&self.file, undefined.line))
            .help(format!("set `{name}` in the case's `vars` or the suite's `[vars]`, or declare it as `{name}?`"))
        }));
        Diagnostics(told)
    }
}

impl Found {
    /// Adds what was found in the next cases of the file.
    fn append(&mut self, mut part: Self) {
        let before = self.cases.len();
        self.cases.append(&mut part.cases);
        self.gradings.append(&mut part.gradings);
        self.positions.append(&mut part.positions);
        if let (Some(units), Some(more)) = (&mut self.units, &mut part.units) {
            units.append(more);
        }
        self.left_out.append(&mut part.left_out);
        self.not_held += part.not_held;
        for (all, new) in self.chosen.iter_mut().zip(part.chosen) {
            all.extend(new.into_iter().map(|place| before + place));
        }
        for (all, new) in self.hits.iter_mut().zip(part.hits) {
            *all += new;
        }
        for (all, new) in self.looks.iter_mut().zip(part.looks) {
            *all += new;
        }
        for (all, new) in self.valued.iter_mut().zip(part.valued) {
            *all += new;
        }
        self.live.append(part.live);
        self.mistakes.append(part.mistakes);
    }
}

impl Live {
    fn add(&mut self, live: LiveAssertions) {
        self.looked_at += u64::from(live.critical + live.advisory > 0);
        self.undecided += u64::from(live.critical == 0);
        self.asked.extend(live.asked);
        self.metrics.extend(live.metrics);
        self.judged.extend(live.judged);
        self.deciding_judges.extend(live.deciding_judges);
        self.files.extend(live.files);
    }

    fn append(&mut self, part: Self) {
        self.looked_at += part.looked_at;
        self.undecided += part.undecided;
        self.asked.extend(part.asked);
        self.metrics.extend(part.metrics);
        self.judged.extend(part.judged);
        self.deciding_judges.extend(part.deciding_judges);
        self.files.extend(part.files);
    }
}

impl Listed {
    fn once(diagnostic: Diagnostic) -> Self {
        Self { diagnostic, same: None, cases: 1 }
    }

    fn told(mut self) -> Diagnostic {
        if let Some(more @ 1..) = self.cases.checked_sub(1) {
            self.diagnostic.message.push_str(&format!(", and {} likewise", counted(more, "more case")));
        }
        self.diagnostic
    }
}

impl Mistakes {
    pub(super) fn is_empty(&self) -> bool {
        self.listed.is_empty() && self.undefined.is_empty()
    }

    /// One that stands alone.
    pub(super) fn mistake(&mut self, diagnostic: Diagnostic) {
        self.list(Listed::once(diagnostic));
    }

    fn list(&mut self, mistake: Listed) {
        if let Some(known) = self.listed.iter_mut().find(|known| known.same.is_some() && known.same == mistake.same) {
            known.cases += mistake.cases;
        } else if self.listed.len() < LISTED {
            self.listed.push(mistake);
        } else {
            self.unlisted += 1;
        }
    }

    fn lack(&mut self, variable: (usize, String), undefined: Undefined) {
        match self.undefined.get_mut(&variable) {
            Some(known) => known.cases += undefined.cases,
            None => drop(self.undefined.insert(variable, undefined)),
        }
    }

    fn append(&mut self, part: Self) {
        part.listed.into_iter().for_each(|mistake| self.list(mistake));
        self.unlisted += part.unlisted;
        part.undefined.into_iter().for_each(|(variable, undefined)| self.lack(variable, undefined));
    }
}

/// The selections a policy makes, each once, in the order of its checks.
pub(super) fn selections(policy: Option<&Policy>) -> Vec<Selection> {
    let mut selections: Vec<Selection> = Vec::new();
    for check in policy.map_or(&[][..], |policy| &policy.checks) {
        if let Some(selection) = selection_of(&check.subject)
            && !selections.contains(selection)
        {
            selections.push(selection.clone());
        }
    }
    selections
}

/// What a check selects, if it does not look at all cases.
pub(super) fn selection_of(subject: &Subject) -> Option<&Selection> {
    match subject {
        Subject::Metric { slice, .. } => slice.as_ref(),
        Subject::Rule { cases, .. } => cases.as_ref(),
    }
}

/// The grading digest: the suite's assertions and the files they read, then every case's own grading, by id.
pub(super) fn grading_digest(material: &Value, found: &Found, order: &[u32]) -> Digest {
    let mut writer = promptgate_core::digest::DigestWriter::default();
    writer.line("promptgate.grading/1");
    writer.line(material);
    writer.line(&found.live.files);
    for position in order {
        writer.line(&format!("{:032x}", found.gradings[*position as usize]));
    }
    writer.finish()
}
