//! `replay`: answers from a recording, strictly. A bound line is served only for the very request it answered; a line
//! without a digest only where the model says `bound = false`; a miss is an error and never a call out.
//!
//! A recording is read through once. What stays in memory is 32 bytes a line; lines are read again when they are asked
//! for, by position.

mod index;
mod line;
mod read_at;

use std::fs::File;
use std::io::BufReader;
use std::sync::OnceLock;

use promptgate_core::answer::{Failure, FailureKind, FinishReason, Response};
use promptgate_core::name::{CaseId, ModelId, PromptId};
use promptgate_core::port::PortError;
use promptgate_core::request::{Origin, Request};
use promptgate_core::{Diagnostic, Diagnostics, Digest, Location};

use crate::registry::ProviderKind;
use crate::set::SetupError;
use crate::{BoxFuture, FailedCall, Provider};
use index::{Entry, Index};
use line::RecordedLine;

/// The line of the registry.
pub(crate) const KIND: ProviderKind = ProviderKind {
    name: "replay",
    summary: "serves recorded answers again: `recording = \"...\"` on a model",
    environment: &[],
    example: "openai/gpt-4.1-mini",
    build: |_| {
        let help = "keep the model's own id and add `recording = \"recordings/<model>.jsonl\"` to its `[[model]]`";
        Err(SetupError::Invalid(Diagnostic::new("`replay` is not a provider of its own").help(help).into()))
    },
};

/// A recording that is open and indexed.
#[derive(Debug)]
pub struct Recording {
    name: String,
    file: File,
    bound: bool,
    index: Index,
    /// Bound lines by case; read only when a request finds no line, to tell stale from missing.
    by_case: OnceLock<Vec<Entry>>,
}

/// What a recording holds for a request. Anything but `Found` is an error before anything runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lookup {
    /// One line, and only one, fits best.
    Found,
    /// There is a line for this case, recorded for another request.
    Stale {
        /// The digest it carries.
        recorded: Digest,
        /// Its line, from 1.
        line: u64,
    },
    /// There is no line for this case, prompt, model and repeat.
    Missing,
    /// Several lines fit equally well.
    Ambiguous {
        /// Their lines, from 1.
        lines: Vec<u64>,
    },
}

/// What was found: with the line itself where there is one.
enum Fit {
    One(Box<RecordedLine>),
    Several(Vec<Entry>),
    None,
}

impl Recording {
    /// Reads a recording through once: every line is checked, indexed and digested. `name` is for messages.
    ///
    /// # Errors
    ///
    /// Lines that are not recorded answers, and bound lines that answer the same request for the same repeat twice.
    pub fn open(name: &str, file: File, bound: bool) -> Result<Self, Diagnostics> {
        let reader = BufReader::with_capacity(1 << 18, &file);
        let index = Index::read(name, reader, bound)?;
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

    /// Lines of the file.
    pub fn lines(&self) -> u64 {
        self.index.lines
    }

    /// Lines that carry no request digest.
    pub fn unbound_lines(&self) -> u64 {
        self.index.without_digest
    }

    /// Bytes the index holds in memory.
    pub fn index_bytes(&self) -> usize {
        self.index.bytes()
    }

    /// What the recording holds for a request; for a plan, before anything runs.
    pub fn check(&self, request: &Request) -> Result<Lookup, PortError> {
        match self.find(request)? {
            Fit::One(_) => Ok(Lookup::Found),
            Fit::Several(entries) => Ok(Lookup::Ambiguous { lines: self.line_numbers(&entries)? }),
            Fit::None => self.stale_or_missing(request),
        }
    }

    /// The recorded answer to a request.
    pub fn respond(&self, request: &Request) -> Result<Response, Failure> {
        let unreadable = |error: PortError| Failure::new(FailureKind::MissingRecording, error.to_string());
        match self.find(request).map_err(unreadable)? {
            Fit::One(line) => Ok(response(*line)),
            Fit::Several(_) | Fit::None => Err(self.miss(request, &self.check(request).map_err(unreadable)?)),
        }
    }

    fn find(&self, request: &Request) -> Result<Fit, PortError> {
        let wanted = Wanted::of(request);
        let entries = index::fitting(&self.index.bound, request.digest.prefix128(), request.repeat);
        let bound =
            self.best(entries, |line| (line.request_digest == Some(request.digest)).then(|| wanted.agreement(line)))?;
        match bound {
            Fit::None if !self.bound => {
                let entries = index::fitting(&self.index.unbound, index::case_key(wanted.case), request.repeat);
                self.best(entries, |line| wanted.specificity(line))
            }
            found => Ok(found),
        }
    }

    /// The line that ranks highest, if it is alone there.
    fn best(&self, entries: &[Entry], rank: impl Fn(&RecordedLine) -> Option<u8>) -> Result<Fit, PortError> {
        let mut highest = None;
        let mut best: Vec<(Entry, RecordedLine)> = Vec::new();
        for entry in entries {
            let line = self.line(entry)?;
            let Some(rank) = rank(&line) else { continue };
            if Some(rank) > highest {
                (highest, best) = (Some(rank), Vec::new());
            }
            if Some(rank) == highest {
                best.push((*entry, line));
            }
        }
        Ok(match best.len() {
            0 => Fit::None,
            1 => best.pop().map_or(Fit::None, |(_, line)| Fit::One(Box::new(line))),
            _ => Fit::Several(best.into_iter().map(|(entry, _)| entry).collect()),
        })
    }

    fn stale_or_missing(&self, request: &Request) -> Result<Lookup, PortError> {
        let wanted = Wanted::of(request);
        for entry in index::fitting(self.by_case()?, index::case_key(wanted.case), request.repeat) {
            let line = self.line(entry)?;
            if let (Some(recorded), Some(_)) = (line.request_digest, wanted.specificity(&line)) {
                return Ok(Lookup::Stale { recorded, line: self.line_number(entry)? });
            }
        }
        Ok(Lookup::Missing)
    }

    fn by_case(&self) -> Result<&[Entry], PortError> {
        if let Some(entries) = self.by_case.get() {
            return Ok(entries);
        }
        let mut entries = Vec::with_capacity(self.index.bound.len());
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
            let Some((_, first)) = seen.iter().find(|(other, _)| other.is_addressed_as(&line)) else {
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
        // It was read through once already, so this happens only when the file is changed underneath.
        serde_json::from_slice(&bytes).map_err(|cause| PortError::corrupt(action(), cause.to_string()))
    }

    fn line_number(&self, entry: &Entry) -> Result<u64, PortError> {
        read_at::line_number(&self.file, entry.offset)
            .map_err(|cause| PortError::io(format!("read the recording {}", self.name), cause))
    }

    fn line_numbers(&self, entries: &[Entry]) -> Result<Vec<u64>, PortError> {
        let mut lines: Vec<u64> = entries.iter().map(|entry| self.line_number(entry)).collect::<Result<_, _>>()?;
        lines.sort_unstable();
        Ok(lines)
    }

    fn miss(&self, request: &Request, lookup: &Lookup) -> Failure {
        let what = format!("case `{}`, trial {}", request.origin.case(), request.repeat);
        let message = match lookup {
            Lookup::Stale { recorded, line } => {
                format!(
                    "{}:{line}: the answer to {what} was recorded for another request ({})",
                    self.name,
                    recorded.short()
                )
            }
            Lookup::Ambiguous { lines } => format!("{}: lines {lines:?} fit {what} equally well", self.name),
            Lookup::Missing | Lookup::Found => format!("{} holds no answer to {what}", self.name),
        };
        Failure::new(FailureKind::MissingRecording, message)
    }
}

/// Whose answer is wanted, for lines that name a case, a prompt or a model.
struct Wanted<'a> {
    case: &'a CaseId,
    prompt: Option<&'a PromptId>,
    model: &'a ModelId,
}

impl<'a> Wanted<'a> {
    fn of(request: &'a Request) -> Self {
        let prompt = match &request.origin {
            Origin::Trial { prompt, .. } => Some(prompt),
            Origin::Ask { .. } => None,
        };
        Self { case: request.origin.case(), prompt, model: &request.body.model }
    }

    /// How many of case, prompt and model a line shares. Ranks lines that answered the same request.
    fn agreement(&self, line: &RecordedLine) -> u8 {
        let prompt = line.prompt.as_ref().is_some_and(|prompt| Some(prompt) == self.prompt);
        let model = line.model.as_ref().is_some_and(|model| self.model.is_named(model));
        u8::from(line.case == *self.case) + u8::from(prompt) + u8::from(model)
    }

    /// How much a line that fits says about what it fits; nothing where it does not fit.
    fn specificity(&self, line: &RecordedLine) -> Option<u8> {
        let prompt_fits = line.prompt.as_ref().is_none_or(|prompt| Some(prompt) == self.prompt);
        let model_fits = line.model.as_ref().is_none_or(|model| self.model.is_named(model));
        (line.case == *self.case && prompt_fits && model_fits)
            .then(|| u8::from(line.prompt.is_some()) + u8::from(line.model.is_some()))
    }
}

fn response(line: RecordedLine) -> Response {
    Response {
        bound: line.request_digest.is_some(),
        tool_calls: line.tool_calls,
        finish_reason: line.finish_reason.map_or(FinishReason::Stop, |word| FinishReason::normalise(&word)),
        usage: line.usage,
        latency_ms: line.latency_ms,
        ..Response::text(line.output)
    }
}

/// Serves a recording.
pub(crate) struct Replay(pub(crate) std::sync::Arc<Recording>);

impl Provider for Replay {
    fn call<'a>(&'a self, request: &'a Request) -> BoxFuture<'a, Result<Response, FailedCall>> {
        // One positioned read of a file just read through: microseconds, so it does not go to a blocking thread.
        Box::pin(std::future::ready(self.0.respond(request).map_err(FailedCall::from)))
    }
}
