//! What a recording holds that is nearest to a request it cannot answer: the same case of another prompt, model or trial,
//! another question of the same assertion, or a case whose id is much like the one asked for.

use std::fmt;

use promptgate_core::format::recording::RecordedLine;
use promptgate_core::nearest::nearest;
use promptgate_core::port::PortError;
use promptgate_core::request::{Origin, Request};

use super::index::{Entry, Index, case_key, of_case};
use super::{Lookup, Recording};

/// Lines that are compared with what is missing; a hint is not worth a reading of more.
const MOST_COMPARED: usize = 20_000;

/// A line that does not answer, and in what it differs. Parts that are the same are absent.
#[derive(Debug, Default, PartialEq, Eq)]
struct Differs {
    /// Whose answer it is: "prompt `x`", "assertion `x`".
    asker: Option<String>,
    model: Option<String>,
    trial: Option<u32>,
    /// Whether it answered another request.
    request: bool,
}

impl Recording {
    /// What to say after the reason of a request that no line answers, beginning with "; ": the line that is nearest, and
    /// in what it differs. Empty where the reason itself names a line, or where nothing is near.
    ///
    /// # Errors
    ///
    /// The file can no longer be read, or was changed since it was opened.
    pub fn near(&self, request: &Request, lookup: &Lookup) -> Result<String, PortError> {
        if *lookup != Lookup::Missing {
            return Ok(String::new());
        }
        let of_case = self.near_of_case(request, lookup)?;
        if *lookup != Lookup::Missing || !of_case.is_empty() {
            return Ok(of_case);
        }
        Ok(self.near_case(request)?.unwrap_or_default())
    }

    /// The same among the lines of the case alone: few enough to be read for every answer that is missing.
    pub(super) fn near_of_case(&self, request: &Request, lookup: &Lookup) -> Result<String, PortError> {
        let found = if *lookup == Lookup::Missing { self.near_key(request)? } else { None };
        Ok(found.map_or_else(String::new, |(line, differs)| format!("; line {line} is nearest: {differs}")))
    }

    /// The line of the same case that differs in the fewest parts of the key; the first one of several.
    fn near_key(&self, request: &Request) -> Result<Option<(u64, Differs)>, PortError> {
        let mut best: Option<(&Entry, Differs)> = None;
        let mut entries: Vec<&Entry> = of_case(self.by_case()?, case_key(request.origin.case())).iter().collect();
        entries.sort_unstable_by_key(|entry| entry.offset);
        for entry in entries.into_iter().take(MOST_COMPARED) {
            let line = self.line(entry)?;
            let differs = Differs::of(&line, request);
            if line.case == *request.origin.case()
                && best.as_ref().is_none_or(|(_, best)| differs.parts() < best.parts())
            {
                best = Some((entry, differs));
            }
        }
        best.map(|(entry, differs)| Ok((self.line_number(entry)?, differs))).transpose()
    }

    /// The line of a case with the nearest id.
    fn near_case(&self, request: &Request) -> Result<Option<String>, PortError> {
        let Index { bound, unbound, .. } = &self.index;
        let mut entries: Vec<&Entry> = bound.iter().chain(unbound).collect();
        entries.sort_unstable_by_key(|entry| entry.offset);
        let asks = matches!(request.origin, Origin::Ask { .. });
        let mut cases: Vec<(String, &Entry)> = Vec::new();
        for entry in entries.into_iter().take(MOST_COMPARED) {
            let line = self.line(entry)?;
            if line.assertion.is_some() == asks {
                cases.push((line.case.to_string(), entry));
            }
        }
        let Some(case) = nearest(request.origin.case().as_str(), cases.iter().map(|(case, _)| case.as_str())) else {
            return Ok(None);
        };
        let line = cases.iter().find(|(each, _)| each == case).map(|(_, entry)| self.line_number(entry)).transpose()?;
        Ok(line.map(|line| format!("; line {line} is nearest: case `{case}`")))
    }
}

impl Differs {
    fn of(line: &RecordedLine, request: &Request) -> Self {
        let trial = line.trial.unwrap_or(1);
        let model = line.model.as_ref().filter(|model| !request.body.model.is_named(model));
        Self {
            asker: other_asker(line, &request.origin),
            model: model.cloned(),
            trial: (trial != request.repeat).then_some(trial),
            request: line.request_digest.is_some_and(|digest| digest != request.digest),
        }
    }

    /// In how many parts of the key it differs; the same request is nearest whatever it was asked for.
    fn parts(&self) -> (bool, usize) {
        let parts = [self.asker.is_some(), self.model.is_some(), self.trial.is_some()];
        (self.request, parts.into_iter().filter(|differs| *differs).count())
    }
}

fn other_asker(line: &RecordedLine, origin: &Origin) -> Option<String> {
    let named = match (&line.prompt, &line.assertion) {
        (_, Some(assertion)) => format!("assertion `{assertion}`"),
        (Some(prompt), None) => format!("prompt `{prompt}`"),
        (None, None) => return None,
    };
    let same = match origin {
        Origin::Trial { prompt, .. } => line.assertion.is_none() && line.prompt.as_ref() == Some(prompt),
        Origin::Ask { assertion, .. } => line.assertion.as_ref() == Some(assertion),
    };
    (!same).then_some(named)
}

impl fmt::Display for Differs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [
            self.asker.clone(),
            self.model.as_ref().map(|model| format!("model `{model}`")),
            self.trial.map(|trial| format!("trial {trial}")),
        ];
        let parts: Vec<String> = parts.into_iter().flatten().collect();
        write!(f, "the same case, {}", if parts.is_empty() { "another request".to_owned() } else { parts.join(", ") })
    }
}
