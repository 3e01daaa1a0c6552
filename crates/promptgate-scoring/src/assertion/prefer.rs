//! `prefer`: a judge compares the answer with another one, in both orders. A judge that prefers whatever stands first says
//! so twice, once for each side, and is taken for undecided.

use promptgate_core::Diagnostics;
use promptgate_core::ask::{Asked, Reply};
use promptgate_core::assertion::AssertionSpec;
use promptgate_core::case::Case;
use promptgate_core::score::{BothOrders, Evidence, Scored};
use serde_json::{Map, Value};

use super::expected::{Expected, some_criteria, something};
use super::judge::{
    Grade, Judge, Look, Progress, Question, Shape, Shipped, answer, judged_parameters, judged_params, suspicion,
};
use super::kind::score;
use super::text::excerpt;
use super::{Assertion, AssertionKind, BuildContext, CostClass, Example, Parameter, State, Step, Trial};

/// The table entry.
pub(super) const KIND: AssertionKind = AssertionKind {
    name: "prefer",
    summary: "a judge prefers the answer to another one: 1, tie 0.5, 0; both orders are judged, and where they differ it is a \
              tie; `threshold` 0.5 unless given",
    cost: CostClass::Judge,
    yields: score,
    parameters: judged_parameters![
        Parameter { name: "value", doc: "the other answer, such as the one in use: `\"{{expected.answer}}\"`" },
        Parameter { name: "criteria", doc: "what makes one answer better, in free text; may name parts of the case" },
        Parameter { name: "question", doc: "what was asked, where that helps; may name parts of the case" },
        Parameter {
            name: "orders",
            doc: "`both` (default), or `one`: the answer first; half the calls, and a bias stays in"
        },
    ],
    passes: Example::of("value = \"No.\"\ncriteria = \"Which is more polite?\"", "Yes, please.").replies(
        r#"[["{\"reason\": \"polite\", \"label\": \"first\"}", "{\"reason\": \"polite\", \"label\": \"second\"}"]]"#,
    ),
    fails: Example::of("value = \"Yes, please.\"\ncriteria = \"Which is more polite?\"", "No.").replies(
        r#"[["{\"reason\": \"curt\", \"label\": \"second\"}", "{\"reason\": \"curt\", \"label\": \"first\"}"]]"#,
    ),
    build,
};

const PROMPT: Shipped =
    Shipped { name: "prefer", text: include_str!("judge/prompts/prefer.prompt"), variables: &["criteria"] };

/// How the reason of a comparison begins whose judge changed its mind with the order.
const FLIPPED: &str = "a tie: the judge changed its mind with the order";

/// In which orders the answers are judged.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
enum Orders {
    #[default]
    Both,
    One,
}

judged_params! {
    struct Params {
        value: Value,
        criteria: Value,
        question: Option<Value>,
        #[serde(default)]
        orders: Orders,
    }
}

fn build(spec: &AssertionSpec, context: &BuildContext<'_>) -> Result<Box<dyn Assertion>, Diagnostics> {
    let params: Params = spec.params.read("`prefer`")?;
    // Of a person's label that is the score too.
    let shape = Shape::Label(
        [("first", 1.0), ("second", 0.0), ("tie", 0.5)].map(|(label, score)| (label.to_owned(), score)).to_vec(),
    );
    let judge = Judge::build(spec, context, &params.judge(), (&PROMPT, &shape))?;
    let read = |key: &'static str, value: &Value| Expected::read(&spec.params, key, value, something);
    Ok(Box::new(Prefer {
        judge,
        other: read("value", &params.value)?,
        criteria: Expected::read(&spec.params, "criteria", &params.criteria, some_criteria)?,
        question: params.question.as_ref().map(|question| read("question", question)).transpose()?,
        orders: params.orders,
        threshold: spec.threshold.unwrap_or(0.5),
        shape,
    }))
}

struct Prefer {
    judge: Judge,
    other: Expected,
    criteria: Expected,
    question: Option<Expected>,
    orders: Orders,
    threshold: f64,
    shape: Shape,
}

impl Prefer {
    /// By judge, the answer first, and then, where both orders are judged, the other one first.
    fn questions(&self, trial: &Trial<'_>) -> Result<Vec<Question>, String> {
        let criteria = self.criteria.value(trial.case)?.into_owned();
        let instructions = Map::from_iter([("criteria".to_owned(), criteria)]);
        let (own, other) = (answer(trial), self.other.value(trial.case)?.into_owned());
        let data = |first: &Value, second: &Value| -> Result<Map<String, Value>, String> {
            let mut data = Map::from_iter([("first".to_owned(), first.clone()), ("second".to_owned(), second.clone())]);
            if let Some(question) = &self.question {
                data.insert("question".to_owned(), question.value(trial.case)?.into_owned());
            }
            Ok(data)
        };
        let mut looks = vec![Look { data: data(&own, &other)?, each: None }];
        if self.orders == Orders::Both {
            looks.push(Look { data: data(&other, &own)?, each: None });
        }
        Ok(Question::of_judges(self.judge.count(), &instructions, looks))
    }

    fn go_on(&self, trial: &Trial<'_>, progress: Progress) -> Step {
        match progress {
            Progress::Ask(state, asks) => Step::Ask(state, asks),
            Progress::Unscored(reason) => Step::Done(Scored::unscored(reason)),
            Progress::Done(grades) => Step::Done(self.decided(trial, &grades)),
        }
    }

    fn decided(&self, trial: &Trial<'_>, grades: &[Grade]) -> Scored {
        let rounds: Vec<&[Grade]> = grades.chunks(if self.orders == Orders::Both { 2 } else { 1 }).collect();
        let of_judge: Vec<Grade> = rounds.iter().map(|round| preference(round)).collect();
        let graded = self.judge.panel.decide(&of_judge, self.threshold);
        let notes: Vec<&str> = of_judge.iter().map(|grade| grade.reason.as_str()).collect();
        let evidence = Evidence {
            expected: self.other.text(trial.case).ok().map(|text| excerpt(&text)),
            found: Some(excerpt(&trial.subject().text())),
            note: Some(excerpt(&notes.join("; "))),
        };
        let scored = Scored::graded(graded.score, self.threshold, evidence);
        let both_orders = (self.orders == Orders::Both).then(|| both_orders(&rounds));
        Scored { passed: graded.passed, both_orders, ..scored }
    }
}

/// How often the judges changed their minds with the order.
fn both_orders(rounds: &[&[Grade]]) -> BothOrders {
    let flips = || rounds.iter().filter(|round| is_flipped(round));
    let to_first = flips().filter(|round| round.iter().any(|grade| label(grade) == "first")).count();
    BothOrders { judged: rounds.len() as u64, flipped: flips().count() as u64, to_first: to_first as u64 }
}

/// What one judge says in all orders: a preference is one that both have, all else is a tie.
fn preference(round: &[Grade]) -> Grade {
    let said: Vec<String> = round.iter().map(|grade| format!("{}: {}", label(grade), grade.reason)).collect();
    let said = said.join("; in the other order ");
    match by_order(round).first() {
        Some(score) if !is_flipped(round) => Grade::of(*score, said),
        _ => Grade::of(0.5, format!("{FLIPPED}: {said}")),
    }
}

/// Whether one order says something else than the other.
fn is_flipped(round: &[Grade]) -> bool {
    by_order(round).windows(2).any(|scores| scores[0] != scores[1])
}

/// What each order gives the answer; in the second it stands second.
fn by_order(round: &[Grade]) -> Vec<f64> {
    let of_order = |(order, grade): (usize, &Grade)| match (label(grade), order) {
        ("first", 0) | ("second", 1) => 1.0,
        ("second", 0) | ("first", 1) => 0.0,
        _ => 0.5,
    };
    round.iter().enumerate().map(of_order).collect()
}

fn label(grade: &Grade) -> &str {
    grade.label.as_deref().unwrap_or_default()
}

impl Assertion for Prefer {
    fn start(&self, trial: &Trial<'_>) -> Step {
        if let Some(suspect) = suspicion(trial) {
            return Step::Done(suspect);
        }
        match self.questions(trial) {
            Ok(questions) => self.go_on(trial, self.judge.begin(&questions, &self.shape)),
            Err(problem) => Step::Done(Scored::unscored(problem)),
        }
    }

    fn resume(&self, trial: &Trial<'_>, state: State, replies: Vec<Reply>) -> Step {
        match self.questions(trial) {
            Ok(questions) => self.go_on(trial, self.judge.proceed(&questions, &self.shape, state, replies)),
            Err(problem) => Step::Done(Scored::unscored(problem)),
        }
    }

    fn check(&self, case: &Case) -> Result<(), Diagnostics> {
        self.other.check(case)?;
        self.criteria.check(case)?;
        Ok(self.question.iter().try_for_each(|question| question.check(case))?)
    }

    fn label(&self, trial: &Trial<'_>) -> Option<f64> {
        self.judge.label(trial, &self.shape)
    }

    fn label_score(&self, label: &Value) -> Option<f64> {
        self.shape.score_of(label)
    }

    fn labels(&self) -> &[(String, f64)] {
        self.shape.labels()
    }

    fn threshold(&self) -> Option<f64> {
        Some(self.threshold)
    }

    fn has_labels(&self) -> bool {
        self.judge.has_labels()
    }

    fn asks(&self) -> Vec<Asked> {
        self.judge.asks()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_preference_is_what_both_orders_say_and_the_note_tells_of_both() {
        let check = |labels: &[&str], score: f64, reason: &str| {
            let grade = |label: &&str| Grade { label: Some((*label).to_owned()), ..Grade::of(0.0, "so") };
            let found = preference(&labels.iter().map(grade).collect::<Vec<_>>());
            assert_eq!((found.score, found.reason.as_str()), (score, reason));
        };
        check(&["first"], 1.0, "first: so");
        check(&["first", "second"], 1.0, "first: so; in the other order second: so");
        check(&["second", "first"], 0.0, "second: so; in the other order first: so");
        check(&["tie", "tie"], 0.5, "tie: so; in the other order tie: so");
        let flipped = |said: &str| format!("{FLIPPED}: {said}");
        check(&["first", "tie"], 0.5, &flipped("first: so; in the other order tie: so"));
        check(&["first", "first"], 0.5, &flipped("first: so; in the other order first: so"));
    }
}
