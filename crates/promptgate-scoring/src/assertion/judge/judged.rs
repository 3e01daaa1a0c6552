//! The assertion that most judged kinds are: each judge is asked once, and the panel decides.

use std::borrow::Cow;

use promptgate_core::Diagnostics;
use promptgate_core::ask::{Asked, Reply};
use promptgate_core::case::Case;
use promptgate_core::record::Against;
use promptgate_core::score::{Evidence, Scored};
use serde_json::{Map, Value};

use super::{Grade, Judge, Look, Progress, Question, Shape, injection};
use crate::assertion::expected::Expected;
use crate::assertion::text::excerpt;
use crate::assertion::{Assertion, State, Step, Subject, Trial};

/// What a judged kind is made of.
pub(crate) struct Judged {
    pub(crate) judge: Judge,
    pub(crate) shape: Shape,
    /// What the prompt is filled with.
    pub(crate) instructions: Vec<(&'static str, Filling)>,
    /// What is looked at beside the answer.
    pub(crate) data: Vec<(&'static str, Expected)>,
    /// What of that has an item of its own for each of its parts, where it is a list.
    pub(crate) each_of: Option<&'static str>,
    /// Whether the answer is looked at.
    pub(crate) of_answer: bool,
    /// From where on it passes.
    pub(crate) threshold: f64,
}

/// What a variable of a judge's prompt is filled with.
pub(crate) enum Filling {
    /// The same for all cases.
    Fixed(Value),
    /// May name parts of the case.
    OfCase(Expected),
}

impl Judged {
    /// The questions of a trial, one for each judge.
    pub(crate) fn questions(&self, trial: &Trial<'_>) -> Result<Vec<Question>, String> {
        self.questions_about(trial, Map::new())
    }

    /// The same, where more is looked at.
    pub(crate) fn questions_about(&self, trial: &Trial<'_>, more: Map<String, Value>) -> Result<Vec<Question>, String> {
        let mut instructions = Map::new();
        for (name, filling) in &self.instructions {
            let value = match filling {
                Filling::Fixed(value) => value.clone(),
                Filling::OfCase(expected) => expected.value(trial.case)?.into_owned(),
            };
            instructions.insert((*name).to_owned(), value);
        }
        let mut data = Map::new();
        for (name, expected) in &self.data {
            data.insert((*name).to_owned(), expected.value(trial.case)?.into_owned());
        }
        if self.of_answer {
            data.insert("answer".to_owned(), answer(trial));
        }
        let each = self.each_of.and_then(|name| data.get(name)?.as_array()).map(Vec::len);
        data.extend(more);
        Ok(Question::of_judges(self.judge.count(), &instructions, vec![Look { data, each }]))
    }

    /// Asks these questions.
    pub(crate) fn begin(&self, trial: &Trial<'_>, questions: &[Question]) -> Step {
        self.go_on(trial, self.judge.begin(questions, &self.shape))
    }

    /// Goes on with the replies to them.
    pub(crate) fn proceed(&self, trial: &Trial<'_>, questions: &[Question], state: State, replies: Vec<Reply>) -> Step {
        self.go_on(trial, self.judge.proceed(questions, &self.shape, state, replies))
    }

    fn go_on(&self, trial: &Trial<'_>, progress: Progress) -> Step {
        match progress {
            Progress::Ask(state, asks) => Step::Ask(state, asks),
            Progress::Unscored(reason) => Step::Done(Scored::unscored(reason)),
            Progress::Done(grades) => Step::Done(self.decided(trial, &grades)),
        }
    }

    /// What grades come to.
    pub(crate) fn decided(&self, trial: &Trial<'_>, grades: &[Grade]) -> Scored {
        let looked_at = self.of_answer.then_some(trial);
        let scored = self.judge.decided((grades, self.threshold), looked_at, told(&self.judge, grades));
        scored.labelled(agreed(grades))
    }
}

impl Judge {
    /// What the grades of all judges come to by a threshold; `note` says what they rest on, beside the answer where that
    /// was looked at.
    pub(crate) fn decided(
        &self,
        (grades, threshold): (&[Grade], f64),
        looked_at: Option<&Trial<'_>>,
        note: String,
    ) -> Scored {
        let graded = self.panel.decide(grades, threshold);
        let evidence = Evidence {
            expected: Some(format!("at least {threshold}")),
            found: looked_at.map(|trial| excerpt(&trial.subject().text())),
            note: Some(note),
        };
        Scored { passed: graded.passed, ..Scored::graded(graded.score, threshold, evidence) }
    }
}

/// Whether a case gives all of these a value that will do, or all that is wrong.
pub(crate) fn check_all<'e>(expected: impl IntoIterator<Item = &'e Expected>, case: &Case) -> Result<(), Diagnostics> {
    let mistakes = expected.into_iter().filter_map(|expected| expected.check(case).err());
    Diagnostics(mistakes.collect()).into_result(())
}

/// The label that all judges chose, where there is one.
fn agreed(grades: &[Grade]) -> Option<String> {
    let first = grades.first()?.label.as_ref()?;
    grades.iter().all(|grade| grade.label.as_ref() == Some(first)).then(|| first.clone())
}

/// The answer as a judge sees it.
pub(crate) fn answer(trial: &Trial<'_>) -> Value {
    match trial.subject() {
        Subject::Text(text) => Value::from(&**text),
        Subject::Value(value) => value.clone().into_owned(),
    }
}

/// Why an answer is not graded, where it talks to its judge.
pub(crate) fn suspicion(trial: &Trial<'_>) -> Option<Scored> {
    let text = trial.subject().text();
    let found = injection::suspect(&text).or_else(|| {
        let value = match trial.subject() {
            Subject::Value(value) => value.clone(),
            Subject::Text(text) => Cow::Owned(serde_json::from_str(text).ok()?),
        };
        in_strings(&value)
    });
    found.map(suspected)
}

/// The same of any text that the candidate wrote, JSON or not.
pub(crate) fn suspicion_of(text: &str) -> Option<Scored> {
    let found = injection::suspect(text).or_else(|| in_strings(&serde_json::from_str(text).ok()?));
    found.map(suspected)
}

fn suspected((family, words): (&'static str, String)) -> Scored {
    let shown = if words.is_empty() { String::new() } else { format!(": {}", excerpt(&words)) };
    Scored::suspect(format!("suspect: the answer talks to its judge ({family}){shown}"))
}

/// The first string of a value that talks to a judge, keys too: JSON has escapes where a text has lines and quotes.
fn in_strings(value: &Value) -> Option<(&'static str, String)> {
    match value {
        Value::String(text) => injection::suspect(text),
        Value::Array(items) => items.iter().find_map(in_strings),
        Value::Object(map) => map.iter().find_map(|(key, item)| injection::suspect(key).or_else(|| in_strings(item))),
        _ => None,
    }
}

/// What the judges said, in one line.
pub(crate) fn told(judge: &Judge, grades: &[Grade]) -> String {
    let one = |(seat, grade): (usize, &Grade)| {
        let label = grade.label.as_ref().map(|label| format!("{label}: ")).unwrap_or_default();
        match grades.len() {
            1 => format!("{label}{}", grade.reason),
            _ => format!("{} {:.2}: {label}{}", judge.model(seat), grade.score, grade.reason),
        }
    };
    excerpt(&grades.iter().enumerate().map(one).collect::<Vec<_>>().join("; ").replace('\n', " "))
}

impl Assertion for Judged {
    fn start(&self, trial: &Trial<'_>) -> Step {
        if let Some(suspect) = self.of_answer.then(|| suspicion(trial)).flatten() {
            return Step::Done(suspect);
        }
        match self.questions(trial) {
            Ok(questions) => self.begin(trial, &questions),
            Err(problem) => Step::Done(Scored::unscored(problem)),
        }
    }

    fn resume(&self, trial: &Trial<'_>, state: State, replies: Vec<Reply>) -> Step {
        match self.questions(trial) {
            Ok(questions) => self.proceed(trial, &questions, state, replies),
            Err(problem) => Step::Done(Scored::unscored(problem)),
        }
    }

    fn check(&self, case: &Case) -> Result<(), Diagnostics> {
        let instructions = self.instructions.iter().filter_map(|(_, filling)| match filling {
            Filling::OfCase(expected) => Some(expected),
            Filling::Fixed(_) => None,
        });
        check_all(instructions.chain(self.data.iter().map(|(_, expected)| expected)), case)
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

    fn chooses(&self) -> Option<Against> {
        matches!(self.shape, Shape::Label(_)).then_some(Against::Nothing)
    }

    fn asks(&self) -> Vec<Asked> {
        self.judge.asks()
    }

    fn needs_answer(&self) -> bool {
        self.of_answer
    }
}
