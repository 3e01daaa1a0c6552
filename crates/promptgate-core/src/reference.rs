//! References to versions: how a user names one.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::name::PromptId;

/// A version as a user names it. It names the prompt with its partials and tools; cases, assertions and gate are always
/// the working tree's.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Reference {
    /// `triage`, `triage.cot`: the file as it is now.
    File(PromptId),
    /// `triage@git:main`: the file in a git revision.
    Git(PromptId, String),
    /// `triage@sha256:ab12`: a version by a unique prefix of its digest, in hex digits.
    Digest(PromptId, String),
    /// `triage@production`: what an environment points to.
    Environment(PromptId, String),
    /// `run:<id>`: the versions a stored run holds, by id or unique prefix of it.
    Run(String),
    /// A path: a prompt file or a stored run's file.
    Path(String),
}

/// Why a text is not a reference.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a reference to a version: {reason}")]
pub struct BadReference {
    /// The text as written.
    pub text: String,
    /// The rule it breaks.
    pub reason: String,
}

impl std::str::FromStr for Reference {
    type Err = BadReference;

    fn from_str(text: &str) -> Result<Self, BadReference> {
        let fail = |reason: &dyn fmt::Display| BadReference { text: text.to_owned(), reason: reason.to_string() };
        if let Some(run) = text.strip_prefix("run:") {
            let reason = "a run id, a unique prefix of one or `latest` stands behind `run:`";
            return if run.is_empty() { Err(fail(&reason)) } else { Ok(Self::Run(run.to_owned())) };
        }
        if text.contains(['/', '\\']) || text.ends_with(".prompt") || text.ends_with(".txt") || text.ends_with(".md") {
            return Ok(Self::Path(text.to_owned()));
        }
        let (prompt, at) = text.split_once('@').map_or((text, None), |(prompt, at)| (prompt, Some(at)));
        let prompt = PromptId::new(prompt).map_err(|error| fail(&error.reason))?;
        match at {
            None => Ok(Self::File(prompt)),
            Some(at) => Self::version_of(prompt, at).map_err(|reason| fail(&reason)),
        }
    }
}

impl Reference {
    fn version_of(prompt: PromptId, at: &str) -> Result<Self, &'static str> {
        match at.split_once(':') {
            Some(("git", rev)) if !rev.is_empty() && !rev.starts_with('-') => Ok(Self::Git(prompt, rev.to_owned())),
            Some(("git", _)) => Err("a revision stands behind `@git:`, such as `@git:main`"),
            Some(("sha256", hex)) if hex.len() >= 4 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()) => {
                Ok(Self::Digest(prompt, hex.to_ascii_lowercase()))
            }
            Some(("sha256", _)) => Err("at least four hex digits stand behind `@sha256:`"),
            Some(_) => Err("known forms are `@git:<rev>`, `@sha256:<prefix>` and `@<environment>`"),
            None if at.is_empty() => Err("nothing stands behind `@`"),
            None => Ok(Self::Environment(prompt, at.to_owned())),
        }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(prompt) => write!(f, "{prompt}"),
            Self::Git(prompt, rev) => write!(f, "{prompt}@git:{rev}"),
            Self::Digest(prompt, hex) => write!(f, "{prompt}@sha256:{hex}"),
            Self::Environment(prompt, name) => write!(f, "{prompt}@{name}"),
            Self::Run(id) => write!(f, "run:{id}"),
            Self::Path(path) => f.write_str(path),
        }
    }
}

impl Serialize for Reference {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Reference {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_reads_back_from_what_it_prints() {
        for text in [
            "triage",
            "triage.cot",
            "triage@git:main",
            "triage.cot@git:HEAD~1",
            "triage@sha256:ab12",
            "triage@production",
            "run:latest",
            "prompts/x.prompt",
        ] {
            assert_eq!(text.parse::<Reference>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_reference_that_is_none_says_which_rule_it_breaks() {
        for text in
            ["", "run:", "triage@", "triage@git:", "triage@git:--upload", "triage@sha256:xy", "triage@svn:1", "tri age"]
        {
            assert!(text.parse::<Reference>().is_err(), "{text}");
        }
    }
}
