//! Judges: a model grades the answer. What all judged kinds share is here; a kind adds its prompt, what it puts to the
//! judge, and the form of the grade.
//!
//! A judge is told what to look for by a `.prompt` file, ours or the suite's own. What it looks at (the answer, and
//! whatever the case says) is data: JSON in a message of its own, between two marks that nobody can foresee
//! ([`data`]). It answers in a structure that is read strictly ([`shape`]); a reply that does not read is asked for again,
//! and then the assertion is unscored, never failed. An answer that talks to its judge is suspect and never passes
//! ([`injection`]).

mod data;
pub(crate) mod injection;
mod interview;
mod judged;
mod panel;
mod probabilities;
mod shape;

use std::collections::BTreeMap;

use promptgate_core::ask::Asked;
use promptgate_core::assertion::AssertionSpec;
use promptgate_core::case::CaseInput;
use promptgate_core::format::prompt;
use promptgate_core::message::{Message, Role};
use promptgate_core::name::{ModelId, PromptId};
use promptgate_core::nearest::did_you_mean;
use promptgate_core::prompt::{SourceFile, Version};
use promptgate_core::request::{OutputFormat, RequestBody, Task};
use promptgate_core::{Diagnostic, Diagnostics, Digest};
use serde::Serialize;
use serde_json::{Map, Value};

use super::expected::{Expected, something};
use super::labels::Labels;
use super::{BuildContext, Parameter, Trial};

pub(super) use interview::{Look, Progress, Question};
pub(super) use judged::{Filling, Judged, answer, check_all, suspicion, suspicion_of, told};
pub(super) use panel::{Panel, Vote};
pub(super) use probabilities::{BY, By, check as check_by};
pub(super) use shape::{Grade, Shape};

/// Tokens that a judge may write where nobody says otherwise: a reason and a grade, never an essay.
const MAX_TOKENS: u64 = 1_024;

/// The keys that every judged kind has beside its own.
pub(super) const MODEL: Parameter =
    Parameter { name: "model", doc: "who judges, such as `openai/gpt-4.1`; default the suite's first `[[judge]]`" };
/// See [`MODEL`].
pub(super) const JUDGES: Parameter =
    Parameter { name: "judges", doc: "instead of `model`: several models, each of which judges" };
/// See [`MODEL`].
pub(super) const VOTE: Parameter = Parameter {
    name: "vote",
    doc: "how several decide: `mean` of the scores (default), `majority` of the passes with the median score, `unanimous` with the lowest",
};
/// See [`MODEL`].
pub(super) const PROMPT: Parameter =
    Parameter { name: "prompt", doc: "the judge's prompt, a `.prompt` file from the suite's folder; default ours" };
/// See [`MODEL`].
pub(super) const TOKENS: Parameter =
    Parameter { name: "max_tokens", doc: "tokens that a judge may write, 16 to 16,384; default 1,024" };
/// See [`MODEL`].
pub(super) const TEMPERATURE: Parameter = Parameter {
    name: "temperature",
    doc: "over that of the judge's prompt and of `[[judge]]`; default the model's own",
};

/// See [`MODEL`].
pub(super) const CALIBRATION: Parameter = Parameter {
    name: "calibration",
    doc: "labels of people for outputs, a `.jsonl` or `.csv` file from the suite's folder: `case`, `output`, `label`, `rater`",
};

/// The parameters of a judged kind: its own, and those of every judge.
macro_rules! judged_parameters {
    ($($parameter:expr),* $(,)?) => {
        &[
            $($parameter,)*
            crate::assertion::judge::MODEL,
            crate::assertion::judge::JUDGES,
            crate::assertion::judge::VOTE,
            crate::assertion::judge::PROMPT,
            crate::assertion::judge::TOKENS,
            crate::assertion::judge::TEMPERATURE,
            crate::assertion::judge::CALIBRATION,
        ]
    };
}

/// A kind's own parameters as a type, with those of every judge.
macro_rules! judged_params {
    (struct Params { $($(#[$attribute:meta])* $field:ident: $type:ty,)* }) => {
        #[derive(serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Params {
            $($(#[$attribute])* $field: $type,)*
            model: Option<promptgate_core::name::ModelId>,
            #[serde(default)]
            judges: Vec<promptgate_core::name::ModelId>,
            #[serde(default)]
            vote: crate::assertion::judge::Vote,
            prompt: Option<String>,
            max_tokens: Option<u64>,
            temperature: Option<f64>,
            calibration: Option<String>,
        }

        impl Params {
            fn judge(&self) -> crate::assertion::judge::Keys<'_> {
                crate::assertion::judge::Keys {
                    model: self.model.as_ref(),
                    judges: &self.judges,
                    vote: self.vote,
                    prompt: self.prompt.as_deref(),
                    max_tokens: self.max_tokens,
                    temperature: self.temperature,
                    calibration: self.calibration.as_deref(),
                }
            }
        }
    };
}

pub(super) use {judged_parameters, judged_params};

/// What a suite says of a judge.
pub(super) struct Keys<'a> {
    pub(super) model: Option<&'a ModelId>,
    pub(super) judges: &'a [ModelId],
    pub(super) vote: Vote,
    pub(super) prompt: Option<&'a str>,
    pub(super) max_tokens: Option<u64>,
    pub(super) temperature: Option<f64>,
    pub(super) calibration: Option<&'a str>,
}

/// A prompt that ships with a kind, and the variables that it and its replacements may read.
pub(super) struct Shipped {
    /// The kind's name.
    pub(super) name: &'static str,
    /// The text of the file.
    pub(super) text: &'static str,
    /// What the kind fills in.
    pub(super) variables: &'static [&'static str],
}

/// One or several models with a prompt.
pub(super) struct Judge {
    seats: Vec<Seat>,
    pub(super) panel: Panel,
    prompt: Version,
    labels: Option<Labels>,
    by: By,
}

/// A model, and the parameters it is called with.
#[derive(Serialize)]
struct Seat {
    model: ModelId,
    parameters: Map<String, Value>,
}

impl Judge {
    /// The judge of an assertion, whose grades have a shape. Its digest (models, parameters, prompt) belongs to the grading.
    pub(super) fn build(
        spec: &AssertionSpec,
        context: &BuildContext<'_>,
        keys: &Keys<'_>,
        (shipped, shape): (&Shipped, &Shape),
    ) -> Result<Self, Diagnostics> {
        let prompt = prompt_of(spec, context, keys, shipped)?;
        let models = models(spec, context, keys)?;
        if let Some(temperature) = keys.temperature.filter(|t| !(0.0..=2.0).contains(t)) {
            let message = format!("`temperature` is {temperature}; write a number from 0 to 2");
            return Err(spec.params.mistake("temperature", message).into());
        }
        if let Some(tokens) = keys.max_tokens.filter(|tokens| !(16..=16_384).contains(tokens)) {
            let message = format!("`max_tokens` is {tokens}; a judge may write 16 to 16,384 tokens");
            return Err(spec.params.mistake("max_tokens", message).into());
        }
        let seats: Vec<Seat> = models
            .into_iter()
            .map(|model| Seat { parameters: parameters(&model, &prompt, context, keys), model })
            .collect();
        context.note_judge(&spec.name, Digest::of_json(&(prompt.identity.digest, &seats)));
        let panel = Panel { vote: keys.vote };
        let read = |path: &str| {
            Labels::read(context, path, shape).map_err(|problem| spec.params.mistake("calibration", problem))
        };
        let labels = keys.calibration.map(read).transpose()?;
        Ok(Self { seats, panel, prompt, labels, by: By::Words })
    }

    /// The same, its grades read in this way.
    pub(super) fn by(self, by: By) -> Self {
        Self { by, ..self }
    }

    /// What people say of an output, as a score.
    pub(super) fn label(&self, trial: &Trial<'_>, shape: &Shape) -> Option<f64> {
        self.labels.as_ref()?.of(&trial.case.id, &trial.response.output, |label| shape.score_of(label))
    }

    /// Whether labels of people are known.
    pub(super) fn has_labels(&self) -> bool {
        self.labels.is_some()
    }

    /// How many models judge.
    pub(super) fn count(&self) -> usize {
        self.seats.len()
    }

    /// The name of a model that judges.
    pub(super) fn model(&self, seat: usize) -> String {
        self.seats.get(seat).map(|seat| seat.model.to_string()).unwrap_or_default()
    }

    /// Whom it asks.
    pub(super) fn asks(&self) -> Vec<Asked> {
        self.seats.iter().map(|seat| Asked::Model(seat.model.clone(), self.task())).collect()
    }

    fn task(&self) -> Task {
        match self.by {
            By::Words => Task::Generate,
            By::Probabilities => Task::Probabilities,
        }
    }

    /// The request of a question; what the newest of so many replies lacked is said in one more message, in words of ours
    /// alone.
    fn request(
        &self,
        question: &Question,
        shape: &Shape,
        lacked: Option<(u32, &'static str)>,
    ) -> Result<RequestBody, String> {
        let seat = self.seats.get(question.seat).ok_or("a judge that is not there is asked")?;
        let mark = data::mark(&self.prompt.identity.digest, question);
        let mut vars = question.instructions.clone();
        vars.insert("mark".to_owned(), mark.clone().into());
        let input = CaseInput { vars, ..CaseInput::default() };
        let mut messages = self.prompt.render(&input).map_err(|error| format!("the judge's prompt: {error}"))?;
        messages.push(Message::text(Role::User, data::message(&mark, &question.data)));
        if let Some((replies, lacked)) = lacked {
            // No two requests are the same: an equal one would get the reply that is kept.
            let which = if replies > 1 { format!("Reply {replies}, too,") } else { "Your reply".to_owned() };
            let again = format!("{which} could not be used: {lacked}. Reply with the JSON object alone.");
            messages.push(Message::text(Role::User, again));
        }
        if self.by == By::Probabilities {
            messages.push(Message::text(Role::User, probabilities::instruction(shape)));
            let parameters = seat.parameters.clone();
            return Ok(RequestBody { task: self.task(), parameters, ..RequestBody::of(seat.model.clone(), messages) });
        }
        Ok(RequestBody {
            parameters: seat.parameters.clone(),
            output: Some(OutputFormat { format: Some("json".to_owned()), schema: Some(shape.schema()) }),
            ..RequestBody::of(seat.model.clone(), messages)
        })
    }
}

/// What is looked at beside the answer: for each its name for the judge, its key in the suite, and the value where the
/// suite gives one.
pub(super) fn looked_at(
    spec: &AssertionSpec,
    given: &[(&'static str, &'static str, Option<&Value>)],
) -> Result<Vec<(&'static str, Expected)>, Diagnostic> {
    let read = |(name, key, value): &(&'static str, &'static str, Option<&Value>)| {
        value.map(|value| Ok((*name, Expected::read(&spec.params, key, value, something)?)))
    };
    given.iter().filter_map(read).collect()
}

/// The lowest and the highest grade of a scale.
pub(super) fn scale(spec: &AssertionSpec, scale: Option<[f64; 2]>) -> Result<(f64, f64), Diagnostic> {
    let [min, max] = scale.unwrap_or([1.0, 5.0]);
    if min.is_finite() && max.is_finite() && min < max {
        return Ok((min, max));
    }
    let mistake = spec.params.mistake("scale", format!("`scale` goes from {min} to {max}"));
    Err(mistake.help("write the lowest grade and then the highest: `scale = [1, 5]`"))
}

/// Scores of labels: each of a known label, each in 0..=1, and not all of them the same.
pub(super) fn label_scores(
    spec: &AssertionSpec,
    scores: &BTreeMap<String, f64>,
    known: &[&str],
) -> Result<(), Diagnostic> {
    if let Some(unknown) = scores.keys().find(|label| !known.contains(&label.as_str())) {
        let mistake = spec.params.mistake("scores", format!("`scores` names `{unknown}`, which is none of the labels"));
        return Err(mistake.help(did_you_mean(unknown, known.iter().copied())));
    }
    match scores.iter().find(|(_, score)| !(0.0..=1.0).contains(*score)) {
        Some((label, score)) => {
            Err(spec.params.mistake("scores", format!("the score of `{label}` is {score}; write a number from 0 to 1")))
        }
        None => Ok(()),
    }
}

/// What an aspect means.
pub(super) fn aspect(
    spec: &AssertionSpec,
    name: &str,
    known: &[(&str, &'static str)],
) -> Result<&'static str, Diagnostic> {
    known.iter().find(|(aspect, _)| *aspect == name).map(|(_, meaning)| *meaning).ok_or_else(|| {
        let mistake = spec.params.mistake("aspect", format!("there is no aspect `{name}`"));
        mistake.help(did_you_mean(name, known.iter().map(|(aspect, _)| *aspect)))
    })
}

/// The prompt's own parameters, over them the `[[judge]]`'s, over them the assertion's.
fn parameters(model: &ModelId, prompt: &Version, context: &BuildContext<'_>, keys: &Keys<'_>) -> Map<String, Value> {
    let of_judge = context.judges.iter().find(|judge| judge.id == *model).map(|judge| judge.config.clone());
    let mut parameters = prompt.effective_parameters(&of_judge.unwrap_or_default());
    if let Some(temperature) = keys.temperature {
        parameters.insert("temperature".to_owned(), temperature.into());
    }
    let tokens = keys.max_tokens.map(Value::from);
    let tokens = tokens.or_else(|| parameters.get("maxOutputTokens").cloned()).unwrap_or_else(|| MAX_TOKENS.into());
    parameters.insert("maxOutputTokens".to_owned(), tokens);
    parameters
}

fn models(spec: &AssertionSpec, context: &BuildContext<'_>, keys: &Keys<'_>) -> Result<Vec<ModelId>, Diagnostic> {
    if let (Some(_), [_, ..]) = (keys.model, keys.judges) {
        return Err(spec.params.mistake("judges", "`model` and `judges` are both given").help("keep one of the two"));
    }
    let mut models = keys.judges.to_vec();
    if models.is_empty() {
        models.extend(context.asked_model(keys.model.cloned()));
    }
    if models.is_empty() {
        let mistake = spec.params.mistake("", format!("`{}` has no judge", spec.kind));
        return Err(mistake.help("write `model = \"openai/gpt-4.1\"`, or add a `[[judge]]` to the suite"));
    }
    let doubled = (1..models.len()).find(|at| models[..*at].contains(&models[*at]));
    match doubled {
        Some(at) => Err(spec.params.mistake("judges", format!("`{}` stands in `judges` twice", models[at]))),
        None => Ok(models),
    }
}

fn prompt_of(
    spec: &AssertionSpec,
    context: &BuildContext<'_>,
    keys: &Keys<'_>,
    shipped: &Shipped,
) -> Result<Version, Diagnostics> {
    let (path, text) = match keys.prompt {
        Some(path) => {
            let text = context.text_file(path).map_err(|problem| spec.params.mistake("prompt", problem))?;
            (path.to_owned(), text)
        }
        None => (format!("{}.prompt", shipped.name), shipped.text.to_owned()),
    };
    let id = PromptId::new(shipped.name).map_err(|error| Diagnostic::new(error.to_string()))?;
    let version = prompt::from_sources(&id, &[SourceFile { path: path.clone(), text }])?;
    let known = |name: &str| name == "mark" || shipped.variables.contains(&name);
    let unknown = version.variables().iter().find(|variable| !variable.optional && !known(&variable.name));
    if let Some(variable) = unknown {
        let message = format!("`{}` is not known to the prompt of a `{}` judge", variable.name, shipped.name);
        let help = format!("known: mark, {}", shipped.variables.join(", "));
        return Err(Diagnostic::new(message).at(variable.at.clone()).help(help).into());
    }
    Ok(version)
}
