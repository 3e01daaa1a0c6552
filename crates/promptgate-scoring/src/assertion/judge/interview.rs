//! Putting questions to judges and reading what they say. A reply that does not read is asked for again, a bounded number
//! of times; then the whole is unscored, with the reply kept.

use std::sync::Arc;

use promptgate_core::answer::FinishReason;
use promptgate_core::ask::{Ask, Reply};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::shape::Unfit;
use super::{Grade, Judge, Shape, probabilities};
use crate::assertion::State;
use crate::assertion::text::excerpt;

/// How often a reply that cannot be read is asked for.
const MOST_ATTEMPTS: u32 = 3;

/// One question to one judge.
#[derive(Debug, Clone)]
pub(crate) struct Question {
    /// Which of the judges.
    pub(crate) seat: usize,
    /// What the prompt's template is filled with; the suite's own words.
    pub(crate) instructions: Map<String, Value>,
    /// What is looked at. It can be long, and several judges look at the same.
    pub(crate) data: Arc<Map<String, Value>>,
    /// Of how many things each has an item in the grade's list, where that is known.
    pub(crate) each: Option<usize>,
}

/// What is put to each judge.
pub(crate) struct Look {
    /// See [`Question::data`].
    pub(crate) data: Map<String, Value>,
    /// See [`Question::each`].
    pub(crate) each: Option<usize>,
}

impl Question {
    /// All that so many judges are asked who look at the same, by judge.
    pub(crate) fn of_judges(judges: usize, instructions: &Map<String, Value>, looks: Vec<Look>) -> Vec<Self> {
        let looks: Vec<_> = looks.into_iter().map(|Look { data, each }| (Arc::new(data), each)).collect();
        let of_seat = |seat: usize| {
            let question = |(data, each): &(Arc<_>, _)| Self {
                seat,
                instructions: instructions.clone(),
                data: Arc::clone(data),
                each: *each,
            };
            looks.iter().map(question).collect::<Vec<_>>()
        };
        (0..judges).flat_map(of_seat).collect()
    }
}

/// Where an interview is.
pub(crate) enum Progress {
    /// Replies are awaited.
    Ask(State, Vec<Ask>),
    /// Every question has its grade, in their order.
    Done(Vec<Grade>),
    /// There is no grade, and why.
    Unscored(String),
}

/// Where one question is.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Slot {
    /// Asked so often.
    Asked(u32),
    Graded(Grade),
}

impl Judge {
    /// Asks all questions.
    pub(crate) fn begin(&self, questions: &[Question], shape: &Shape) -> Progress {
        let mut asks = Vec::new();
        for question in questions {
            match self.request(question, shape, None) {
                Ok(body) => asks.push(Ask::Model(Box::new(body))),
                Err(problem) => return Progress::Unscored(problem),
            }
        }
        waiting(questions.iter().map(|_| Slot::Asked(1)).collect(), asks)
    }

    /// Goes on with the replies to what was asked last. The questions are those it began with.
    pub(crate) fn proceed(
        &self,
        questions: &[Question],
        shape: &Shape,
        State(state): State,
        replies: Vec<Reply>,
    ) -> Progress {
        let Ok(mut slots) = serde_json::from_value::<Vec<Slot>>(state) else {
            return Progress::Unscored("the judge's state cannot be read".to_owned());
        };
        let mut replies = replies.into_iter();
        let mut asks = Vec::new();
        for (slot, question) in slots.iter_mut().zip(questions) {
            let Slot::Asked(attempts) = *slot else { continue };
            match read(replies.next(), shape, question.each) {
                Ok(grade) => *slot = Slot::Graded(grade),
                Err(Unread::Gone(reason)) => {
                    return Progress::Unscored(format!("{}: {reason}", self.model(question.seat)));
                }
                Err(Unread::Junk(Unfit { words, .. })) if attempts >= MOST_ATTEMPTS => {
                    let judge = self.model(question.seat);
                    return Progress::Unscored(format!("no grade of {judge} in {attempts} replies: {words}"));
                }
                Err(Unread::Junk(Unfit { lacked, .. })) => {
                    match self.request(question, shape, Some((attempts, lacked))) {
                        Ok(body) => {
                            asks.push(Ask::Model(Box::new(body)));
                            *slot = Slot::Asked(attempts + 1);
                        }
                        Err(problem) => return Progress::Unscored(problem),
                    }
                }
            }
        }
        waiting(slots, asks)
    }
}

fn waiting(slots: Vec<Slot>, asks: Vec<Ask>) -> Progress {
    if !asks.is_empty() {
        return match serde_json::to_value(&slots) {
            Ok(state) => Progress::Ask(State(state), asks),
            Err(error) => Progress::Unscored(format!("the judge's state cannot be kept: {error}")),
        };
    }
    let grade = |slot| match slot {
        Slot::Graded(grade) => Some(grade),
        Slot::Asked(_) => None,
    };
    let grades: Option<Vec<Grade>> = slots.into_iter().map(grade).collect();
    grades.map_or_else(|| Progress::Unscored("a judge was not asked".to_owned()), Progress::Done)
}

/// Why there is no grade in a reply.
enum Unread {
    /// Asking again would not help.
    Gone(String),
    /// What came is no grade; asked again it may be.
    Junk(Unfit),
}

fn read(reply: Option<Reply>, shape: &Shape, each: Option<usize>) -> Result<Grade, Unread> {
    let response = match reply {
        Some(Reply::Model(response)) => response,
        Some(Reply::Failed(failure)) => return Err(Unread::Gone(failure.message)),
        // The same question has the same probabilities: asking again would not help.
        Some(Reply::Json(told)) => return probabilities::grade(&told, shape).map_err(Unread::Gone),
        _ => return Err(Unread::Gone("no reply came".to_owned())),
    };
    match response.finish_reason {
        FinishReason::Length => Err(Unread::Junk(Unfit::of("it was cut off at the token limit"))),
        FinishReason::ContentFilter => Err(Unread::Gone("the judge declined, or was held back by a filter".to_owned())),
        _ => shape.read(&response.output, each).map_err(|unfit| Unread::Junk(shown(unfit, &response.output))),
    }
}

/// What is wrong with a reply, and the reply, for people.
fn shown(Unfit { lacked, words }: Unfit, reply: &str) -> Unfit {
    let shown = excerpt(reply);
    let shown = if shown.is_empty() { "an empty reply" } else { &shown };
    Unfit { lacked, words: format!("{words}: {shown}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_judges_look_at_the_same_data_and_not_at_copies_of_it() {
        let look = |answer: &str| {
            let data = Map::from_iter([("answer".to_owned(), answer.into())]);
            Look { data, each: Some(2) }
        };
        let questions = Question::of_judges(3, &Map::new(), vec![look("one"), look("two")]);
        let seats: Vec<usize> = questions.iter().map(|question| question.seat).collect();
        assert_eq!(seats, [0, 0, 1, 1, 2, 2]);
        for question in 0..2 {
            let of_judge = |judge: usize| &questions[2 * judge + question].data;
            assert!(Arc::ptr_eq(of_judge(0), of_judge(1)) && Arc::ptr_eq(of_judge(0), of_judge(2)));
        }
        assert_eq!((&questions[3].data["answer"], questions[3].each), (&Value::from("two"), Some(2)));
    }
}
