//! A version of a prompt: immutable content, identified by its digest. `format::prompt` makes one from files.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::assertion::ExtractSpec;
use crate::diagnostic::Location;
use crate::digest::Digest;
use crate::message::Role;
use crate::name::{ModelId, PromptId};
use crate::request::OutputFormat;

/// A file a version is made of, as read; a run's header keeps these, so that a version can be had again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceFile {
    /// The path from the suite's folder.
    pub path: String,
    /// The text.
    pub text: String,
}

/// What the front matter says, parsed.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct FrontMatter {
    /// The model, where the prompt names one.
    pub model: Option<ModelId>,
    /// Parameters of the call.
    pub config: Map<String, Value>,
    /// The JSON Schema of the input variables, Picoschema expanded.
    pub input_schema: Option<Value>,
    /// Default values of input variables.
    pub input_default: Map<String, Value>,
    /// The structure asked for, Picoschema expanded.
    pub output: Option<OutputFormat>,
    /// Tools, resolved: `{name, description, inputSchema}`.
    pub tools: Vec<Value>,
    /// How the answer is read from this version's output (`promptgate.answer`).
    pub answer: Option<ExtractSpec>,
    /// Everything the format does not know, by namespace (`ext` of Dotprompt).
    pub extensions: Map<String, Value>,
    /// The front matter as it was read.
    pub raw: Map<String, Value>,
}

/// A variable that the template reads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// The first segment of its path.
    pub name: String,
    /// Whether it may be absent: declared with `?`, or with a default.
    pub optional: bool,
    /// Where the template reads it first.
    pub at: Location,
}

/// A part of a message under a level-2 heading.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Section {
    /// Which message of the template it stands in, from 0.
    pub message: usize,
    /// That message's role.
    pub role: Role,
    /// The heading without its `## `; empty for what stands before the first one.
    pub heading: String,
    /// The template text, heading line included.
    pub text: String,
    /// The line of the file where it begins.
    pub line: u32,
}

/// The identity of a version, as plans, logs and reports carry it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionIdentity {
    /// Prompt and variant.
    pub prompt: PromptId,
    /// The version digest.
    pub digest: Digest,
    /// The digest of the prompt file's bytes.
    pub byte_digest: Digest,
}
