//! Names and ids as types of their own, so that two of them never swap by accident.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// Why a text cannot be the name it was meant to be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a {kind}: {reason}")]
pub struct BadName {
    /// What it was meant to be.
    pub kind: &'static str,
    /// The text as written.
    pub text: String,
    /// The rule it breaks.
    pub reason: &'static str,
}

macro_rules! name {
    ($(#[$doc:meta])* $type:ident, $kind:literal, $rule:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
        #[serde(transparent)]
        pub struct $type(Arc<str>);

        impl $type {
            #[doc = concat!("A checked ", $kind, ".")]
            pub fn new(text: impl AsRef<str>) -> Result<Self, BadName> {
                let text = text.as_ref();
                let rule: fn(&str) -> Result<(), &'static str> = $rule;
                match rule(text) {
                    Ok(()) => Ok(Self(text.into())),
                    Err(reason) => Err(BadName { kind: $kind, text: text.to_owned(), reason }),
                }
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::new(String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
            }
        }
    };
}

fn file_stem(text: &str) -> Result<(), &'static str> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    match text {
        "" => Err("it is empty"),
        _ if text.starts_with(['-', '_']) => Err("it begins with a sign"),
        _ if !text.chars().all(allowed) => Err("only ASCII letters, digits, `-` and `_` are allowed"),
        _ if text.len() > 100 => Err("it is longer than 100 characters"),
        _ => Ok(()),
    }
}

fn any_line(text: &str) -> Result<(), &'static str> {
    match text {
        "" => Err("it is empty"),
        _ if text.chars().any(char::is_control) => Err("it holds a control character"),
        _ if text.len() > 512 => Err("it is longer than 512 bytes"),
        _ => Ok(()),
    }
}

name!(
    /// The name of a suite, which is also its folder's.
    SuiteName, "suite name", file_stem
);
name!(
    /// The name of a prompt: the file name before its first dot.
    PromptName, "prompt name", file_stem
);
name!(
    /// The id of a case, unique in its suite.
    CaseId, "case id", any_line
);
name!(
    /// The name a score is averaged under.
    MetricName, "metric name", any_line
);
name!(
    /// The id of a run; sorts by time.
    RunId, "run id", file_stem
);

/// A model: provider and the model's own name, written `provider/model`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ModelId {
    /// The registered provider, e.g. `openai`.
    pub provider: Arc<str>,
    /// The model's name as the provider knows it; may hold slashes.
    pub model: Arc<str>,
}

impl ModelId {
    /// Splits `provider/model` at the first slash.
    pub fn new(text: impl AsRef<str>) -> Result<Self, BadName> {
        let text = text.as_ref();
        let fail = |reason| BadName { kind: "model id", text: text.to_owned(), reason };
        any_line(text).map_err(fail)?;
        match text.split_once('/') {
            Some((provider, model)) if !provider.is_empty() && !model.is_empty() => {
                Ok(Self { provider: provider.into(), model: model.into() })
            }
            _ => Err(fail("expected `provider/model`, such as `openai/gpt-4.1-mini`")),
        }
    }

    /// Whether `text` names this model: the whole id, or what stands after its last slash.
    pub fn is_named(&self, text: &str) -> bool {
        self.to_string() == text || &*self.model == text || self.model.rsplit('/').next() == Some(text)
    }
}

impl fmt::Display for ModelId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.provider, self.model)
    }
}

impl Serialize for ModelId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ModelId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// Which file of a prompt: `triage`, or its variant `triage.cot`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PromptId {
    /// The prompt.
    pub name: PromptName,
    /// The variant, if it is not the plain file.
    pub variant: Option<PromptName>,
}

impl PromptId {
    /// Splits `name` or `name.variant`.
    pub fn new(text: impl AsRef<str>) -> Result<Self, BadName> {
        let (name, variant) = match text.as_ref().split_once('.') {
            Some((name, variant)) => (name, Some(PromptName::new(variant)?)),
            None => (text.as_ref(), None),
        };
        Ok(Self { name: PromptName::new(name)?, variant })
    }
}

impl fmt::Display for PromptId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.variant {
            Some(variant) => write!(f, "{}.{variant}", self.name),
            None => write!(f, "{}", self.name),
        }
    }
}

impl Serialize for PromptId {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PromptId {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}
