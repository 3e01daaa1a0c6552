//! Which models said that they answered: an alias that begins to mean another model in the middle of a run shows here.

use std::collections::BTreeMap;

use promptgate_core::answer::Response;
use promptgate_core::report::AnsweredBy;

/// Names that are told apart; an application under test may name each of its answers.
const MOST: usize = 16;

/// Answers by the name of the model that the provider says it was.
#[derive(Debug, Default)]
pub(crate) struct Answerers {
    named: BTreeMap<String, u64>,
    others: u64,
}

impl Answerers {
    pub(crate) fn add(&mut self, response: &Response) {
        let Some(name) = &response.returned_model else { return };
        let room = self.named.len() < MOST;
        match self.named.get_mut(name) {
            Some(answers) => *answers += 1,
            None if room => drop(self.named.insert(name.clone(), 1)),
            None => self.others += 1,
        }
    }

    /// By name; those that are not told apart come last.
    pub(crate) fn told(&self) -> Vec<AnsweredBy> {
        let others = (self.others > 0).then_some((AnsweredBy::OTHERS, &self.others));
        let named = self.named.iter().map(|(model, answers)| (model.as_str(), answers)).chain(others);
        named.map(|(model, answers)| AnsweredBy { model: model.to_owned(), answers: *answers }).collect()
    }

    /// The names other than the one asked for.
    pub(crate) fn other_than(&self, asked: &str) -> Vec<String> {
        self.named.keys().filter(|name| *name != asked).cloned().collect()
    }

    /// What to say of two sides of a comparison: that the models are several on a side, or another one on each.
    pub(crate) fn notes(before: Option<&Self>, after: &Self) -> Vec<String> {
        let sides = [("baseline", before), ("candidate", Some(after))];
        let several = |(side, answerers): &(&str, Option<&Self>)| {
            let told = answerers.filter(|answerers| answerers.named.len() > 1)?.told();
            Some(format!("the {side} was {}", AnsweredBy::sentence(&told)))
        };
        let mut notes: Vec<String> = sides.iter().filter_map(several).collect();
        if let Some([before, after]) = before.and_then(|before| Some([before.only()?, after.only()?]))
            && before != after
        {
            let [before, after] = [before, after].map(AnsweredBy::short);
            notes.push(format!(
                "the baseline was answered by {before}, the candidate by {after}: not only the prompt differs"
            ));
        }
        notes
    }

    fn only(&self) -> Option<&str> {
        let mut names = self.named.keys();
        names.next().filter(|_| names.next().is_none()).map(String::as_str)
    }
}
