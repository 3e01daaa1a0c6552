//! A version of a prompt: immutable content, identified by its digest. [`format::prompt`](crate::format::prompt) makes one
//! from files; here it is rendered, asked for its variables and sections, and compared.

mod diff;
mod json;
mod marked;
mod template;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::assertion::ExtractSpec;
use crate::case::CaseInput;
use crate::diagnostic::{Diagnostic, Location};
use crate::digest::Digest;
use crate::message::{Message, Role};
use crate::name::{ModelId, PromptId};
use crate::request::{OutputFormat, RequestBody};

pub use diff::{ChangePlace, SectionChange, diff};
pub(crate) use marked::role_named;
pub(crate) use template::{Failure, HELPERS, MAIN, STRUCTURAL, Template};

/// A version of a prompt, compiled once, never changed.
#[derive(Debug)]
pub struct Version {
    /// Which version it is.
    pub identity: VersionIdentity,
    /// What its front matter says.
    pub front: FrontMatter,
    /// The files it is made of, the prompt's own first; `format::prompt::from_sources` makes it anew from them.
    pub files: Vec<SourceFile>,
    pub(crate) variables: Vec<Variable>,
    pub(crate) sections: Vec<Section>,
    pub(crate) template: Template,
    pub(crate) texts: Vec<TemplateText>,
}

/// One text of a version's template: the prompt's own, or a partial's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TemplateText {
    /// The partial's name, or [`MAIN`].
    pub name: String,
    /// The text.
    pub text: String,
    /// Where it begins in its file.
    pub at: Location,
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
        if let Some(variable) = self.check_input(&input.vars).first() {
            return Err(RenderError { diagnostic: variable.undefined() });
        }
        let mut vars = self.front.input_default.clone();
        vars.extend(input.vars.iter().map(|(name, value)| (name.clone(), value.clone())));
        let marked = self.template.render(vars, context.clone()).map_err(|failure| self.failed(failure))?;
        Ok(marked.into_messages(&input.messages))
    }

    fn failed(&self, failure: Failure) -> RenderError {
        let text = self.texts.iter().find(|text| text.name == failure.template);
        let diagnostic = Diagnostic::new(failure.message).help(failure.help);
        let diagnostic = match text.or(self.texts.first()) {
            Some(text) => diagnostic.at(text.place(failure.position.unwrap_or((1, 1)))),
            None => diagnostic,
        };
        RenderError { diagnostic }
    }

    /// What is asked of a model for an input: the rendered messages, the tools, the output format and the parameters.
    pub fn request_body(
        &self,
        model: &ModelId,
        config: &Map<String, Value>,
        input: &CaseInput,
    ) -> Result<RequestBody, RenderError> {
        Ok(RequestBody {
            tools: self.front.tools.clone(),
            parameters: self.effective_parameters(config),
            output: self.front.output.clone(),
            ..RequestBody::of(model.clone(), self.render(input)?)
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

impl Variable {
    /// The mistake that it is neither given nor optional.
    pub fn undefined(&self) -> Diagnostic {
        let name = &self.name;
        Diagnostic::new(format!("the variable `{name}` is not defined"))
            .at(self.at.clone())
            .help(format!("give it in the case or in `[vars]`, or mark it as optional: `{name}?` in `input.schema`"))
    }
}

impl TemplateText {
    /// The place in the file of a line and column of the text.
    pub fn place(&self, (line, column): (usize, usize)) -> Location {
        let column = if line <= 1 { self.at.column as usize - 1 + column } else { column };
        let line = self.at.line + u32::try_from(line.saturating_sub(1)).unwrap_or(0);
        Location { file: self.at.file.clone(), line, column: u32::try_from(column.max(1)).unwrap_or(u32::MAX) }
    }
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
