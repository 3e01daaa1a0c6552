//! `http`: an application of the user's own that is under test. A template says how it is asked, a pointer where its answer
//! stands.

use std::sync::Arc;

use promptgate_core::Diagnostic;
use promptgate_core::answer::{FailureKind, Response, TraceStep};
use promptgate_core::digest::Digest;
use promptgate_core::nearest::did_you_mean;
use promptgate_core::port::TreePath;
use promptgate_core::request::RequestBody;
use promptgate_core::secret::Scrubber;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::FailedCall;
use crate::endpoint::{Api, Endpoint, Place};
use crate::registry::{Built, ProviderKind};
use crate::set::{BuildContext, SetupError};
use crate::target::{NAMES, is_text, said_to_target};
use crate::wire::{Fold, HttpModel, Wire, cut_short, error_in, inside};

const API: Api = Api {
    name: "http",
    base_url: None,
    base_urls: &["HTTP_TARGET_URL"],
    keys: &["HTTP_TARGET_API_KEY"],
    is_open: true,
    header: "authorization",
};

/// The line of the registry.
pub(crate) const KIND: ProviderKind = ProviderKind {
    name: API.name,
    summary: "an application of one's own: a request template, and a pointer to the answer",
    environment: &["HTTP_TARGET_URL", "HTTP_TARGET_API_KEY"],
    example: "http/my-app",
    api: Some(&API),
    build,
};

fn build(context: &BuildContext<'_>) -> Result<Built, SetupError> {
    let section = format!("[provider.{}]", context.name);
    let place = Place::of(context, &API)?;
    if context.settings.stream == Some(true) {
        let message = format!("`stream` of {section}: the answers of an application are not streamed");
        return Err(Diagnostic::new(message).help("leave it out").into());
    }
    let template = match &context.settings.request {
        Some(path) => template(context, path)?,
        None => json!({"input": "{{input}}"}),
    };
    let answer = context.settings.answer.clone().unwrap_or_else(|| "/output".to_owned());
    let steps = context.settings.steps.clone();
    for (key, pointer) in [("answer", Some(&answer)), ("steps", steps.as_ref())] {
        if let Some(pointer) = pointer.filter(|pointer| !pointer.is_empty() && !pointer.starts_with('/')) {
            let message = format!("`{key}` of {section} is `{pointer}`, which is no JSON pointer");
            return Err(Diagnostic::new(message).help("write `/output`, or an empty text for the whole reply").into());
        }
    }
    // How it is asked and where its answer stands are a part of where the answer comes from: another template is another
    // question, though the request is the same.
    let asked = Digest::of_json(&(&template, &answer, &steps));
    let source = format!("{} asked as {}", place.whole(), asked.short());
    let mut endpoint = Endpoint::at(context, &API, &place)?;
    endpoint.base = place.whole();
    let wire = Target { template, answer, steps };
    let provider = HttpModel { wire, endpoint: Arc::new(endpoint), streamed: false };
    Ok(Built::remote(provider, source, None))
}

/// The template of a file, every name in it known.
fn template(context: &BuildContext<'_>, path: &str) -> Result<Value, SetupError> {
    let unreadable = |error: promptgate_core::port::TreeError| {
        Diagnostic::new(format!("`request` of [provider.{}]: {error}", context.name))
    };
    let text = context.setup.tree.read_text(&TreePath::new(path).map_err(unreadable)?).map_err(unreadable)?;
    let template: Value = serde_json::from_str(&text).map_err(|error| {
        let offset = text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum::<usize>();
        Diagnostic::new(error.to_string()).at_offset(path, &text, offset + error.column().saturating_sub(1))
    })?;
    let mut rest = text.as_str();
    while let Some((before, after)) = rest.split_once("{{") {
        let name = after.split("}}").next().unwrap_or_default().trim();
        if !NAMES.contains(&name) {
            let offset = text.len() - rest.len() + before.len();
            let unknown =
                Diagnostic::new(format!("a request has no `{name}`")).help(did_you_mean(name, NAMES.iter().copied()));
            return Err(unknown.at_offset(path, &text, offset).into());
        }
        rest = after;
    }
    Ok(template)
}

/// An application.
struct Target {
    template: Value,
    /// A JSON pointer.
    answer: String,
    /// A JSON pointer to a list of steps.
    steps: Option<String>,
}

impl Wire for Target {
    fn has_models(&self) -> bool {
        false
    }

    fn path(&self, _: &RequestBody, _: bool) -> String {
        String::new()
    }

    fn body(&self, request: &RequestBody, _: bool) -> Result<Value, String> {
        if !self.tells_messages() && !request.messages.iter().all(is_text) {
            return Err(NOT_TOLD.to_owned());
        }
        let values = said_to_target(request);
        Ok(filled(&self.template, &values))
    }

    fn read(&self, reply: Value, scrubber: &Scrubber) -> Result<Response, FailedCall> {
        if let Some(error) = self.error_beside(&reply) {
            return Err(inside(error, scrubber).into());
        }
        let missing = || FailedCall::new(FailureKind::Server, format!("the reply has nothing at `{}`", self.answer));
        let output = match reply.pointer(&self.answer).filter(|answer| !answer.is_null()).ok_or_else(missing)? {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let steps = match self.steps.as_ref().and_then(|pointer| reply.pointer(pointer)) {
            Some(steps) => Vec::<TraceStep>::deserialize(steps).map_err(|error| {
                FailedCall::new(FailureKind::Server, format!("the steps of the reply cannot be read: {error}"))
            })?,
            None => Vec::new(),
        };
        Ok(Response { steps, ..Response::text(output) })
    }

    fn fold(&self) -> Box<dyn Fold> {
        Box::new(Never)
    }
}

/// What is said where parts of messages would be left out.
const NOT_TOLD: &str = "the messages hold more than texts, such as an image or a call of a tool, and `{{messages}}` is \
                        not in the request's template; put it there (`request` of the provider), or leave those parts \
                        out";

impl Target {
    /// Whether the template hands all messages on, and not some of their texts.
    fn tells_messages(&self) -> bool {
        let template = self.template.to_string();
        let mut behind = template.split("{{").skip(1);
        behind.any(|behind| behind.split("}}").next().is_some_and(|name| name.trim() == "messages"))
    }

    /// The error that a reply holds beside the answer or around it, unless it is what the pointer names.
    fn error_beside<'r>(&self, reply: &'r Value) -> Option<&'r Value> {
        let (around, _) = self.answer.rsplit_once('/')?;
        let objects = [("", Some(reply)), (around, reply.pointer(around))];
        let is_named = |at: &str| format!("{}/", self.answer).starts_with(&format!("{at}/error/"));
        objects.into_iter().filter(|(at, _)| !is_named(at)).find_map(|(_, object)| error_in(object?))
    }
}

/// Nothing is streamed.
struct Never;

impl Fold for Never {
    fn take(&mut self, _: crate::wire::Event) -> Result<crate::wire::Progress, FailedCall> {
        Err(cut_short())
    }

    fn finish(self: Box<Self>) -> Result<Value, FailedCall> {
        Err(cut_short())
    }
}

/// A text that is exactly one name is its value; in any other, names are replaced by texts. What is put in is never looked
/// at again.
fn filled(template: &Value, values: &Map<String, Value>) -> Value {
    match template {
        Value::String(text) => {
            let only = text.strip_prefix("{{").and_then(|rest| rest.strip_suffix("}}"));
            match only.and_then(|name| values.get(name.trim())) {
                Some(value) => value.clone(),
                None => replaced(text, values).into(),
            }
        }
        Value::Array(items) => items.iter().map(|item| filled(item, values)).collect(),
        Value::Object(map) => map.iter().map(|(key, item)| (key.clone(), filled(item, values))).collect(),
        other => other.clone(),
    }
}

fn replaced(text: &str, values: &Map<String, Value>) -> String {
    let mut whole = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        whole.push_str(before);
        let (name, behind) = after.split_once("}}").unwrap_or((after, ""));
        match values.get(name.trim()) {
            Some(Value::String(text)) => whole.push_str(text),
            Some(other) => whole.push_str(&other.to_string()),
            None => {}
        }
        rest = behind;
    }
    whole + rest
}
