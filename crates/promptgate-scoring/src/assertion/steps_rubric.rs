//! `steps-rubric`: criteria are turned into steps, and a judge grades the answer by these (G-Eval, arXiv 2303.16634).

use std::sync::Arc;

use promptgate_core::Diagnostics;
use promptgate_core::ask::{Ask, Asked, Reply};
use promptgate_core::assertion::AssertionSpec;
use promptgate_core::case::Case;
use promptgate_core::score::Scored;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::expected::{Expected, some_criteria};
use super::judge::{
    Filling, Judge, Judged, Progress, Question, Shape, Shipped, judged_parameters, judged_params, looked_at, scale,
    suspicion,
};
use super::kind::score;
use super::{Assertion, AssertionKind, BuildContext, CostClass, Example, Parameter, State, Step, Trial};

/// The table entry.
pub(super) const KIND: AssertionKind = AssertionKind {
    name: "steps-rubric",
    summary: "criteria are turned into steps by which a judge grades the answer (G-Eval); `threshold` 0.5 unless given",
    cost: CostClass::Judge,
    yields: score,
    parameters: judged_parameters![
        Parameter { name: "criteria", doc: "what a good answer has, in free text; may name parts of the case" },
        Parameter {
            name: "steps",
            doc: "the steps, a list; where absent the first judge writes them, once for all cases"
        },
        Parameter { name: "question", doc: "what was asked, where that helps; may name parts of the case" },
        Parameter { name: "scale", doc: "the lowest and the highest grade, default `[1, 5]`" },
    ],
    passes: Example::of("criteria = \"It is polite.\"", "Yes, please.").replies(
        r#"[["{\"items\": [\"Look for a word of thanks.\"]}"], ["{\"reason\": \"it says please\", \"score\": 5}"]]"#,
    ),
    fails: Example::of("criteria = \"It is polite.\"\nsteps = [\"Look for a word of thanks.\"]", "No.")
        .replies(r#"[["{\"reason\": \"curt\", \"score\": 1}"]]"#),
    build,
};

const PROMPT: Shipped = Shipped {
    name: "steps-rubric",
    text: include_str!("judge/prompts/steps-rubric.prompt"),
    variables: &["criteria", "steps", "min", "max"],
};

judged_params! {
    struct Params {
        criteria: Value,
        #[serde(default)]
        steps: Vec<String>,
        question: Option<Value>,
        scale: Option<[f64; 2]>,
    }
}

fn build(spec: &AssertionSpec, context: &BuildContext<'_>) -> Result<Box<dyn Assertion>, Diagnostics> {
    let params: Params = spec.params.read("`steps-rubric`")?;
    let criteria = Expected::read(&spec.params, "criteria", &params.criteria, some_criteria)?;
    let (min, max) = scale(spec, params.scale)?;
    let data = looked_at(spec, &[("question", "question", params.question.as_ref())])?;
    let shape = Shape::Scale { min, max };
    let judge = Judge::build(spec, context, &params.judge(), (&PROMPT, &shape))?;
    let judged = Judged {
        judge,
        shape,
        instructions: vec![
            ("criteria", Filling::OfCase(criteria)),
            ("min", Filling::Fixed(min.into())),
            ("max", Filling::Fixed(max.into())),
        ],
        data,
        each_of: None,
        of_answer: true,
        threshold: spec.threshold.unwrap_or(0.5),
    };
    Ok(Box::new(StepsRubric { judged, steps: params.steps }))
}

struct StepsRubric {
    judged: Judged,
    /// Those of the suite; none where they are to be made.
    steps: Vec<String>,
}

/// Where it is.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Stage {
    Planning(Value),
    Grading { steps: Vec<String>, state: Value },
}

impl StepsRubric {
    /// What the steps are made from: the criteria alone, so that they are the same for all cases.
    fn planning(&self, trial: &Trial<'_>) -> Result<Vec<Question>, String> {
        let mut questions = self.with_steps(trial, &[])?;
        questions.truncate(1);
        questions.iter_mut().for_each(|question| question.data = Arc::default());
        Ok(questions)
    }

    fn with_steps(&self, trial: &Trial<'_>, steps: &[String]) -> Result<Vec<Question>, String> {
        let mut questions = self.judged.questions(trial)?;
        for question in &mut questions {
            question.instructions.insert("steps".to_owned(), steps.into());
        }
        Ok(questions)
    }

    fn plan(&self, trial: &Trial<'_>, progress: Progress) -> Result<Step, String> {
        match progress {
            Progress::Ask(State(state), asks) => {
                let asks = asks.into_iter().map(Ask::once).collect();
                Ok(Step::Ask(kept(&Stage::Planning(state))?, asks))
            }
            Progress::Unscored(reason) => Err(format!("no steps: {reason}")),
            Progress::Done(grades) => {
                let steps = grades.first().map(|grade| grade.reason.lines().map(str::to_owned).collect());
                self.grade(trial, steps.unwrap_or_default())
            }
        }
    }

    fn grade(&self, trial: &Trial<'_>, steps: Vec<String>) -> Result<Step, String> {
        let questions = self.with_steps(trial, &steps)?;
        let progress = self.judged.judge.begin(&questions, &self.judged.shape);
        self.go_on(trial, steps, progress)
    }

    fn go_on(&self, trial: &Trial<'_>, steps: Vec<String>, progress: Progress) -> Result<Step, String> {
        match progress {
            Progress::Ask(State(state), asks) => Ok(Step::Ask(kept(&Stage::Grading { steps, state })?, asks)),
            Progress::Unscored(reason) => Err(reason),
            Progress::Done(grades) => Ok(Step::Done(self.judged.decided(trial, &grades))),
        }
    }

    fn resumed(&self, trial: &Trial<'_>, state: Value, replies: Vec<Reply>) -> Result<Step, String> {
        let judge = &self.judged.judge;
        match serde_json::from_value(state).map_err(|error| format!("its state cannot be read: {error}"))? {
            Stage::Planning(state) => {
                let progress = judge.proceed(&self.planning(trial)?, &Shape::List, State(state), replies);
                self.plan(trial, progress)
            }
            Stage::Grading { steps, state } => {
                let questions = self.with_steps(trial, &steps)?;
                let progress = judge.proceed(&questions, &self.judged.shape, State(state), replies);
                self.go_on(trial, steps, progress)
            }
        }
    }
}

fn kept(stage: &Stage) -> Result<State, String> {
    serde_json::to_value(stage).map(State).map_err(|error| format!("its state cannot be kept: {error}"))
}

impl Assertion for StepsRubric {
    fn start(&self, trial: &Trial<'_>) -> Step {
        if let Some(suspect) = suspicion(trial) {
            return Step::Done(suspect);
        }
        let step = match self.steps.is_empty() {
            true => self
                .planning(trial)
                .and_then(|questions| self.plan(trial, self.judged.judge.begin(&questions, &Shape::List))),
            false => self.grade(trial, self.steps.clone()),
        };
        step.unwrap_or_else(|problem| Step::Done(Scored::unscored(problem)))
    }

    fn resume(&self, trial: &Trial<'_>, State(state): State, replies: Vec<Reply>) -> Step {
        self.resumed(trial, state, replies).unwrap_or_else(|problem| Step::Done(Scored::unscored(problem)))
    }

    fn check(&self, case: &Case) -> Result<(), Diagnostics> {
        self.judged.check(case)
    }

    fn label(&self, trial: &Trial<'_>) -> Option<f64> {
        self.judged.label(trial)
    }

    fn label_score(&self, label: &Value) -> Option<f64> {
        self.judged.label_score(label)
    }

    fn threshold(&self) -> Option<f64> {
        self.judged.threshold()
    }

    fn has_labels(&self) -> bool {
        self.judged.has_labels()
    }

    fn asks(&self) -> Vec<Asked> {
        self.judged.asks()
    }
}
