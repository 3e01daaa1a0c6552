//! A version of a prompt: immutable content, identified by its digest. `format::prompt` makes one from files.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::assertion::ExtractSpec;
use crate::case::CaseInput;
use crate::diagnostic::{Diagnostic, Location};
use crate::digest::Digest;
use crate::message::{Message, Role};
use crate::name::{ModelId, PromptId};
use crate::request::{OutputFormat, RequestBody};

/// A version of a prompt, compiled once, never changed.
#[derive(Debug)]
pub struct Version {
    /// Which version it is.
    pub identity: VersionIdentity,
    /// What its front matter says.
    pub front: FrontMatter,
    /// The files it is made of, the prompt's own first; `format::prompt::from_sources` makes it anew from them.
    pub files: Vec<SourceFile>,
    variables: Vec<Variable>,
    sections: Vec<Section>,
}

/// Why a version could not be rendered for an input.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{diagnostic}")]
pub struct RenderError {
    /// What, where in the template, what to do.
    pub diagnostic: Diagnostic,
}

impl Version {
    /// The messages for an input.
    pub fn render(&self, input: &CaseInput) -> Result<Vec<Message>, RenderError> {
        self.render_with(input, &Map::new())
    }

    /// As [`Version::render`], with values for `@name` in the template.
    pub fn render_with(&self, input: &CaseInput, context: &Map<String, Value>) -> Result<Vec<Message>, RenderError> {
        let _ = (input, context);
        Ok(Vec::new())
    }

    /// What is asked of a model for an input: the rendered messages, the tools, the output format and the parameters.
    pub fn request_body(
        &self,
        model: &ModelId,
        config: &Map<String, Value>,
        input: &CaseInput,
    ) -> Result<RequestBody, RenderError> {
        Ok(RequestBody {
            model: model.clone(),
            messages: self.render(input)?,
            tools: self.front.tools.clone(),
            parameters: self.effective_parameters(config),
            output: self.front.output.clone(),
        })
    }

    /// The prompt's own parameters with the given ones over them, key by key.
    pub fn effective_parameters(&self, config: &Map<String, Value>) -> Map<String, Value> {
        let mut parameters = self.front.config.clone();
        parameters.extend(config.iter().map(|(key, value)| (key.clone(), value.clone())));
        parameters
    }

    /// The variables the template and its partials read, branches that are not taken included, in the order of the text.
    pub fn variables(&self) -> &[Variable] {
        &self.variables
    }

    /// The variables that are neither optional nor given: each is a mistake before anything runs.
    pub fn check_input(&self, vars: &Map<String, Value>) -> Vec<&Variable> {
        let given = |name: &str| vars.contains_key(name) || self.front.input_default.contains_key(name);
        self.variables.iter().filter(|variable| !variable.optional && !given(&variable.name)).collect()
    }

    /// The sections of the template, message by message.
    pub fn sections(&self) -> &[Section] {
        &self.sections
    }
}

/// One difference between two versions.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SectionChange {
    /// What differs.
    pub place: ChangePlace,
    /// The text on the old side; absent where it was added.
    pub old: Option<String>,
    /// The text on the new side; absent where it was removed.
    pub new: Option<String>,
}

/// What differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangePlace {
    /// A section of a message.
    Section {
        /// The message's role.
        role: Role,
        /// The heading without its `## `; empty for what stands before the first one.
        heading: String,
    },
    /// A setting of the front matter, as a dotted path.
    Setting(String),
    /// A partial, by name.
    Partial(String),
}

/// The differences between two versions, section by section, then settings, then partials.
pub fn diff(old: &Version, new: &Version) -> Vec<SectionChange> {
    let _ = (old, new);
    Vec::new()
}

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
