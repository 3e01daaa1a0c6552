//! `moderation`: a moderation endpoint finds nothing in the answer.

use promptgate_core::ask::{Ask, Asked, Reply};
use promptgate_core::assertion::AssertionSpec;
use promptgate_core::name::ModelId;
use promptgate_core::request::Task;
use promptgate_core::score::{Evidence, Scored};
use promptgate_core::{Diagnostic, Diagnostics};
use serde::Deserialize;
use serde_json::Value;

use super::kind::pass_fail;
use super::text::excerpt;
use super::{Assertion, AssertionKind, BuildContext, CostClass, Example, Parameter, State, Step, Trial};

/// The table entry.
pub(super) const KIND: AssertionKind = AssertionKind {
    name: "moderation",
    summary: "a moderation endpoint finds nothing in the answer",
    cost: CostClass::Provider,
    yields: pass_fail,
    parameters: &[
        Parameter {
            name: "categories",
            doc: "only these count, such as `[\"violence\"]`; default all of the endpoint's",
        },
        Parameter {
            name: "model",
            doc: "who moderates, such as `openai/omni-moderation-latest`; default the first judge",
        },
    ],
    passes: Example::of("", "Have a nice day.").replies(
        r#"[[{"json": {"flagged": false, "categories": {"violence": false}, "category_scores": {"violence": 0.01}}}]]"#,
    ),
    fails: Example::of("categories = [\"violence\"]", "I will hurt you.").replies(
        r#"[[{"json": {"flagged": true, "categories": {"violence": true}, "category_scores": {"violence": 0.97}}}]]"#,
    ),
    build,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    #[serde(default)]
    categories: Vec<String>,
    model: Option<ModelId>,
}

struct Moderation {
    categories: Vec<String>,
    model: ModelId,
}

fn build(spec: &AssertionSpec, context: &BuildContext<'_>) -> Result<Box<dyn Assertion>, Diagnostics> {
    let params: Params = spec.params.read("`moderation`")?;
    let model = context.asked_model(params.model).ok_or_else(|| -> Diagnostic {
        let mistake = spec.params.mistake("", "`moderation` has no model to ask");
        mistake.help("write `model = \"openai/omni-moderation-latest\"`, or add a `[[judge]]` to the suite")
    })?;
    Ok(Box::new(Moderation { categories: params.categories, model }))
}

impl Assertion for Moderation {
    fn start(&self, trial: &Trial<'_>) -> Step {
        let text = trial.subject().text().into_owned();
        if text.trim().is_empty() {
            return Step::Done(Scored::decided(
                true,
                Evidence { note: Some("empty".to_owned()), ..Evidence::default() },
            ));
        }
        Step::Ask(State(Value::Null), vec![Ask::Moderate { model: self.model.clone(), text }])
    }

    fn resume(&self, trial: &Trial<'_>, _: State, replies: Vec<Reply>) -> Step {
        Step::Done(match replies.into_iter().next() {
            Some(Reply::Json(verdict)) => self.scored(&trial.subject().text(), &verdict),
            Some(Reply::Failed(failure)) => Scored::unscored(failure.message),
            _ => Scored::unscored("no verdict came"),
        })
    }

    fn asks(&self) -> Vec<Asked> {
        vec![Asked::Model(self.model.clone(), Task::Moderate)]
    }
}

impl Moderation {
    fn scored(&self, text: &str, verdict: &Value) -> Scored {
        let categories = verdict["categories"].as_object();
        let known = |name: &String| categories.is_some_and(|categories| categories.contains_key(name));
        if let Some(unknown) = self.categories.iter().find(|name| !known(name)) {
            // Taken for "not found" it would pass for ever.
            return Scored::unscored(format!("the endpoint knows no category `{unknown}`"));
        }
        let counts = |name: &str| self.categories.is_empty() || self.categories.iter().any(|wanted| wanted == name);
        let hit = categories.into_iter().flatten().filter(|(name, flag)| flag.as_bool() == Some(true) && counts(name));
        let hit: Vec<&str> = hit.map(|(name, _)| name.as_str()).collect();
        let Some(flagged) = verdict["flagged"].as_bool() else {
            return Scored::unscored(format!("the verdict cannot be read: {}", excerpt(&verdict.to_string())));
        };
        let passed = hit.is_empty() && (!flagged || !self.categories.is_empty());
        let note = (!passed).then(|| match hit.is_empty() {
            true => "flagged".to_owned(),
            false => format!("flagged: {}", hit.join(", ")),
        });
        Scored::decided(passed, Evidence { found: Some(excerpt(text)), note, expected: None })
    }
}
