//! `replay`: answers from a recording, strictly. A bound line is served only for the very request it answered; a line
//! without a digest only where the model says `bound = false`; a miss is an error and never a call out. Which line answers
//! is the rule of [`pick`]; this module finds the lines it has to look at.
//!
//! A recording is read through once. What stays in memory is 32 bytes a line; lines are read again when they are asked
//! for, by position.

mod index;
mod lookup;
mod near;
mod read_at;

use std::fs::File;
use std::sync::{Arc, OnceLock};

use promptgate_core::answer::{Failure, FailureKind, Response};
use promptgate_core::format::recording::{Miss, RecordedLine, Wanted, parse_line, pick};
use promptgate_core::port::PortError;
use promptgate_core::request::{Origin, Request};
use promptgate_core::{Diagnostic, Diagnostics, Location};

use crate::registry::ProviderKind;
use crate::{BoxFuture, FailedCall, Provider};
use index::{Entry, Index};
pub use lookup::Lookup;

/// The line of the registry.
pub(crate) const KIND: ProviderKind = ProviderKind {
    name: "replay",
    summary: "serves recorded answers again: `recording = \"...\"` on a model",
    environment: &[],
    example: "openai/gpt-4.1-mini",
    api: None,
    build: |_| {
        let help = "keep the model's own id and add `recording = \"recordings/<model>.jsonl\"` to its `[[model]]`";
        Err(Diagnostic::new("`replay` is not a provider of its own").help(help).into())
    },
};

/// A recording that is open and indexed.
#[derive(Debug)]
pub struct Recording {
    name: String,
    file: File,
    bound: bool,
    index: Index,
    /// All lines by case, where some have a digest. Made when the first request finds no line by its digest: to tell stale
    /// from missing, or to find lines without one.
    by_case: OnceLock<Vec<Entry>>,
}

/// Which of the lines that were looked at answers.
enum Found {
    Line(Box<RecordedLine>),
    /// None, with the line or lines that tell why.
    Not(Lookup),
}

impl Recording {
    /// Reads a recording through once: every line is checked, indexed and digested. `name` is for messages; `bound` says
    /// whether lines must carry the digest of the request they answer.
    ///
    /// # Errors
    ///
    /// Lines that are not recorded answers, and bound lines that answer the same request for the same repeat twice.
    pub fn open(name: &str, file: File, bound: bool) -> Result<Self, Diagnostics> {
        let index = Index::read(name, &file)?;
        let recording = Self { name: name.to_owned(), file, bound, index, by_case: OnceLock::new() };
        recording.refuse_doubled_lines()?;
        Ok(recording)
    }

    /// Where answers come from, as a plan names it: `replay:` and the digest of the file.
    pub fn source(&self) -> String {
        format!("replay:{}", self.index.digest)
    }

    /// The name of the file, for messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Lines of the file that hold an answer.
    pub fn lines(&self) -> usize {
        self.index.bound.len() + self.index.unbound.len()
    }

    /// Bytes the index holds in memory.
    pub fn index_bytes(&self) -> usize {
        self.index.bytes()
    }

    /// What the recording holds for a request; for a plan, before anything runs.
    ///
    /// # Errors
    ///
    /// The file can no longer be read, or was changed since it was opened.
    pub fn check(&self, request: &Request) -> Result<Lookup, PortError> {
        Ok(match self.find(request)? {
            Found::Line(_) => Lookup::Found,
            Found::Not(lookup) => lookup,
        })
    }

    /// The recorded answer to a request.
    pub fn respond(&self, request: &Request) -> Result<Response, Failure> {
        let missing = |message| Failure::new(FailureKind::MissingRecording, message);
        match self.find(request).map_err(|error| missing(error.to_string()))? {
            Found::Line(line) => Ok(line.into_response()),
            Found::Not(lookup) => {
                let (case, repeat) = (request.origin.case(), request.repeat);
                let asker = match &request.origin {
                    Origin::Trial { .. } => String::new(),
                    Origin::Ask { assertion, .. } => format!(" asked by assertion `{assertion}`"),
                };
                let near = self.near_of_case(request, &lookup).map_err(|error| missing(error.to_string()))?;
                let what = format!("{}: no answer to case `{case}`{asker}, trial {repeat}", self.name);
                Err(missing(format!("{what}: {lookup}{near}; to record anew: --live --record")))
            }
        }
    }

    fn find(&self, request: &Request) -> Result<Found, PortError> {
        match (self.find_repeat(request, request.repeat)?, &request.origin) {
            // Where a judge was recorded for the first repeat alone, equal questions of the others get its answer.
            (Found::Not(_), Origin::Ask { .. }) if request.repeat > 1 => self.find_repeat(request, 1),
            (found, _) => Ok(found),
        }
    }

    fn find_repeat(&self, request: &Request, repeat: u32) -> Result<Found, PortError> {
        let (prompt, of) = match &request.origin {
            Origin::Trial { prompt, case } => (Some(prompt), Some(case)),
            Origin::Ask { case, shared, .. } => (None, Some(case).filter(|_| !shared)),
        };
        let (model, case) = (&request.body.model, request.origin.case());
        let wanted = Wanted { case: of, prompt, model, repeat, digest: &request.digest, bound: self.bound };
        // The rule prefers lines that answered this very request, so they can be looked at alone.
        let answered = index::fitting(&self.index.bound, request.digest.prefix128(), repeat);
        match self.pick(answered, &wanted)? {
            Found::Not(Lookup::Missing | Lookup::Stale { .. }) => {
                self.pick(index::fitting(self.by_case()?, index::case_key(case), repeat), &wanted)
            }
            found => Ok(found),
        }
    }

    fn pick(&self, entries: &[Entry], wanted: &Wanted<'_>) -> Result<Found, PortError> {
        let mut lines = entries.iter().map(|entry| self.line(entry)).collect::<Result<Vec<_>, _>>()?;
        let number = |index: usize| self.line_number(&entries[index]);
        // A line that fits is there, or the rule would have said that none is.
        let fitting = |is_bound: bool| {
            let fits = |line: &RecordedLine| line.fits(wanted) && line.request_digest.is_some() == is_bound;
            number(lines.iter().position(fits).unwrap_or_default())
        };
        Ok(Found::Not(match pick(&lines, wanted) {
            Ok(index) => return Ok(Found::Line(Box::new(lines.swap_remove(index)))),
            Err(Miss::Missing) => Lookup::Missing,
            Err(Miss::Stale) => Lookup::Stale { line: fitting(true)? },
            Err(Miss::Unbound) => Lookup::Unbound { line: fitting(false)? },
            Err(Miss::Tie(first, second)) => Lookup::Ambiguous { lines: [number(first)?, number(second)?] },
        }))
    }

    fn by_case(&self) -> Result<&[Entry], PortError> {
        if self.index.bound.is_empty() {
            return Ok(&self.index.unbound);
        }
        if let Some(entries) = self.by_case.get() {
            return Ok(entries);
        }
        let mut entries = self.index.unbound.clone();
        entries.reserve_exact(self.index.bound.len());
        for entry in &self.index.bound {
            entries.push(Entry { key: index::case_key(&self.line(entry)?.case), ..*entry });
        }
        entries.sort_unstable();
        Ok(self.by_case.get_or_init(|| entries))
    }

    /// Two bound lines equal in request, repeat, case, prompt and model: which one holds cannot be known.
    fn refuse_doubled_lines(&self) -> Result<(), Diagnostics> {
        let mut doubled = Diagnostics::default();
        let same = |a: &Entry, b: &Entry| (a.key, a.trial) == (b.key, b.trial);
        for entries in self.index.bound.chunk_by(same).filter(|entries| entries.len() > 1) {
            self.doubled_among(entries, &mut doubled).map_err(|error| Diagnostic::new(error.to_string()))?;
        }
        doubled.into_result(())
    }

    fn doubled_among(&self, entries: &[Entry], doubled: &mut Diagnostics) -> Result<(), PortError> {
        let mut seen: Vec<(RecordedLine, &Entry)> = Vec::new();
        for entry in entries {
            let line = self.line(entry)?;
            let address = |line: &RecordedLine| {
                (line.case.clone(), line.prompt.clone(), line.assertion.clone(), line.model.clone())
            };
            let Some((_, first)) = seen.iter().find(|(other, _)| address(other) == address(&line)) else {
                seen.push((line, entry));
                continue;
            };
            let (first, second) = (self.line_number(first)?, self.line_number(entry)?);
            let message = format!("lines {first} and {second} both answer case `{}`, trial {}", line.case, entry.trial);
            let at = Location::of_line(&self.name, u32::try_from(second).unwrap_or(u32::MAX));
            doubled.push(Diagnostic::new(message).at(at).help("remove one of the two"));
        }
        Ok(())
    }

    fn line(&self, entry: &Entry) -> Result<RecordedLine, PortError> {
        let action = || format!("read the recording {} at byte {}", self.name, entry.offset);
        let mut bytes = vec![0; entry.length as usize];
        read_at::exact(&self.file, &mut bytes, entry.offset).map_err(|cause| PortError::io(action(), cause))?;
        // Every line was read once already, so this fails only when the file is changed underneath.
        parse_line(&bytes, &self.name, 1)
            .map_err(|_| PortError::corrupt(action(), "it was changed since it was opened"))
    }

    fn line_number(&self, entry: &Entry) -> Result<u64, PortError> {
        read_at::line_number(&self.file, entry.offset)
            .map_err(|cause| PortError::io(format!("read the recording {}", self.name), cause))
    }
}

/// Serves a recording.
pub(crate) struct Replay(pub(crate) Arc<Recording>);

impl Provider for Replay {
    fn call<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Response, FailedCall>> {
        // One positioned read of a file just read through: microseconds, so it does not go to a blocking thread.
        Box::pin(std::future::ready(self.0.respond(request).map_err(FailedCall::from)))
    }
}
