//! A kind of assertion that asks a model: what a judge will be, as small as it can be. It proves that scoring needs no
//! provider, and lets the runner's serving of asks be tested.

use promptgate_core::Diagnostics;
use promptgate_core::answer::Response;
use promptgate_core::ask::{Ask, Reply};
use promptgate_core::assertion::AssertionSpec;
use promptgate_core::message::{Message, Role};
use promptgate_core::name::ModelId;
use promptgate_core::request::{OutputFormat, RequestBody};
use promptgate_core::score::{Evidence, Scored};
use promptgate_scoring::assertion::{
    Assertion, AssertionKind, BuildContext, CostClass, Example, Parameter, State, Step, Trial, Yields,
};
use serde::Deserialize;
use serde_json::{Value, json};

/// `scripted-ask`: puts a question about the answer to a model as often as `rounds` says, and scores by the last reply,
/// which must be exactly `{"score": <0..=1>}`. Anything else leaves it unscored.
pub static SCRIPTED_ASK: AssertionKind = AssertionKind {
    name: "scripted-ask",
    summary: "a model's structured reply gives the score",
    cost: CostClass::Judge,
    yields: |_| Yields::Score,
    parameters: &[
        Parameter { name: "model", doc: "whom to ask; default `scripted/judge`" },
        Parameter { name: "question", doc: "what to ask" },
        Parameter { name: "rounds", doc: "how often to ask; default 1" },
    ],
    passes: Example::of("question = \"Is it polite?\"", "Yes, please."),
    fails: Example::of("question = \"Is it polite?\"", "No."),
    build,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asking {
    #[serde(default = "judge")]
    model: ModelId,
    question: String,
    #[serde(default = "once")]
    rounds: u64,
    #[serde(skip, default = "half")]
    threshold: f64,
}

fn judge() -> ModelId {
    ModelId::new("scripted/judge").unwrap()
}

fn once() -> u64 {
    1
}

fn half() -> f64 {
    0.5
}

/// What a reply must be.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Grade {
    score: f64,
}

fn build(spec: &AssertionSpec, _: &BuildContext<'_>) -> Result<Box<dyn Assertion>, Diagnostics> {
    let asking: Asking = spec.params.read("`scripted-ask`")?;
    Ok(Box::new(Asking { threshold: spec.threshold.unwrap_or(asking.threshold), ..asking }))
}

impl Asking {
    /// The ask of one round: the answer is data in a message of its own.
    fn ask(&self, trial: &Trial<'_>, round: u64) -> Step {
        let data = json!({"answer": trial.subject().text(), "round": round});
        let messages = vec![Message::text(Role::System, &*self.question), Message::text(Role::User, data.to_string())];
        let body = RequestBody {
            output: Some(OutputFormat { format: Some("json".to_owned()), schema: None }),
            ..RequestBody::of(self.model.clone(), messages)
        };
        Step::Ask(State(Value::from(round)), vec![Ask::Model(Box::new(body))])
    }

    fn grade(&self, reply: &Response) -> Scored {
        match serde_json::from_str::<Grade>(&reply.output) {
            Ok(Grade { score }) => Scored::graded(score, self.threshold, Evidence::default()),
            Err(error) => Scored::unscored(format!("the reply cannot be read: {error}: {}", reply.output)),
        }
    }
}

impl Assertion for Asking {
    fn start(&self, trial: &Trial<'_>) -> Step {
        self.ask(trial, 1)
    }

    fn resume(&self, trial: &Trial<'_>, State(round): State, replies: Vec<Reply>) -> Step {
        let round = round.as_u64().unwrap_or(self.rounds);
        Step::Done(match replies.as_slice() {
            [Reply::Model(_)] if round < self.rounds => return self.ask(trial, round + 1),
            [Reply::Model(reply)] => self.grade(reply),
            [Reply::Failed(failure)] => Scored::unscored(failure.message.clone()),
            _ => Scored::unscored("not a model's reply"),
        })
    }
}
