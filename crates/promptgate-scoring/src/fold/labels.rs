//! Which labels came where which were expected: accuracy, precision, recall and F1, as text books define them for several
//! classes, and the confusion matrix they are taken from.

use std::collections::{BTreeMap, BTreeSet};

use promptgate_core::record::{Against, AssertionResult, Choosing, RunHeader, SettledTrial};
use promptgate_core::report::{Confused, LabelCounts, LabelSummary};
use promptgate_core::score::Scored;

/// Labels that are told apart. An assertion with more expects texts, not labels.
const MOST: usize = 50;

/// The longest text that is a label, in characters.
const LONGEST: usize = 60;

/// What was expected and what was found.
type Cell = (Option<String>, Option<String>);

/// The labels of one side, while its trials come in.
pub(crate) struct Labels<'a>(Vec<Chosen<'a>>);

/// The labels of one assertion.
struct Chosen<'a> {
    spec: &'a Choosing,
    /// Trials, by what was expected and what was found.
    cells: BTreeMap<Cell, u64>,
    expected: BTreeSet<String>,
    found: BTreeSet<String>,
    /// Whether what is expected turned out to be texts, not a few labels.
    are_texts: bool,
}

impl<'a> Labels<'a> {
    pub(crate) fn new(header: &'a RunHeader) -> Self {
        let chosen = |spec| Chosen {
            spec,
            cells: BTreeMap::new(),
            expected: BTreeSet::new(),
            found: BTreeSet::new(),
            are_texts: false,
        };
        Self(header.choosing.iter().map(chosen).collect())
    }

    pub(crate) fn add(&mut self, trial: &SettledTrial) {
        for chosen in self.0.iter_mut().filter(|chosen| !chosen.are_texts) {
            let result = trial.assertions.iter().find(|result| result.name == chosen.spec.name);
            if let Some(AssertionResult { scored, .. }) = result.filter(|result| result.scored.score.value().is_some())
            {
                chosen.add(scored);
            }
        }
    }

    /// Of those that turned out to be about a few labels.
    pub(crate) fn finish(self) -> Vec<LabelSummary> {
        self.0.into_iter().filter_map(Chosen::finish).collect()
    }
}

impl Chosen<'_> {
    fn add(&mut self, scored: &Scored) {
        let expected = match self.spec.against {
            Against::Nothing => None,
            Against::Expected => match scored.evidence.expected.as_deref().filter(|text| is_label(text)) {
                Some(label) => Some(label.to_owned()),
                None => return self.are_texts = true,
            },
        };
        // A label that passed is the right one, in whatever case it is written.
        let found = match &expected {
            Some(right) if scored.passed => Some(right.clone()),
            _ => self.known(found(scored)),
        };
        self.expected.extend(expected.clone());
        self.are_texts |= self.expected.len() > MOST;
        *self.cells.entry((expected, found)).or_default() += 1;
    }

    /// A label that is found, as far as there is room for one more.
    fn known(&mut self, found: Option<&str>) -> Option<String> {
        let label = found?.to_owned();
        if self.found.len() >= MOST && !self.found.contains(&label) {
            return None;
        }
        self.found.insert(label.clone());
        Some(label)
    }

    fn finish(self) -> Option<LabelSummary> {
        let against = self.spec.against == Against::Expected;
        let told_apart = if against { self.expected.len() } else { self.found.len() };
        if self.are_texts || told_apart < 2 {
            return None;
        }
        let others = self.found.iter().filter(|label| !self.expected.contains(*label));
        let labels: Vec<LabelCounts> = self.expected.iter().chain(others).map(|label| self.counted(label)).collect();
        let n = self.cells.values().sum();
        let correct: u64 = labels.iter().map(|label| label.correct).sum();
        let f1: Vec<f64> = labels.iter().filter_map(|label| label.f1).collect();
        let cell = |((expected, found), n): (&Cell, &u64)| Confused {
            expected: expected.clone(),
            found: found.clone(),
            n: *n,
        };
        Some(LabelSummary {
            assertion: self.spec.name.clone(),
            n,
            accuracy: against.then(|| correct as f64 / n as f64),
            macro_f1: against.then(|| f1.iter().sum::<f64>() / f1.len() as f64),
            confusion: self.cells.iter().map(cell).collect(),
            labels,
        })
    }

    fn counted(&self, label: &str) -> LabelCounts {
        let is = |side: &Option<String>| side.as_deref() == Some(label);
        let sum = |keep: &dyn Fn(&Cell) -> bool| -> u64 {
            self.cells.iter().filter(|(cell, _)| keep(cell)).map(|(_, n)| n).sum()
        };
        let expected = sum(&|(expected, _)| is(expected));
        let found = sum(&|(_, found)| is(found));
        let correct = sum(&|(expected, found)| is(expected) && is(found));
        let share = |of: u64| (self.spec.against == Against::Expected && of > 0).then(|| correct as f64 / of as f64);
        LabelCounts {
            label: label.to_owned(),
            expected,
            found,
            correct,
            precision: share(found),
            recall: share(expected),
            f1: (expected > 0).then(|| 2.0 * correct as f64 / (found + expected) as f64),
        }
    }
}

/// The label that was found: the one that was chosen, or else the answer. A note says that there is none.
fn found(scored: &Scored) -> Option<&str> {
    let evidence = &scored.evidence;
    let answer = evidence.found.as_deref().filter(|_| evidence.note.is_none());
    scored.label.as_deref().or(answer).filter(|text| is_label(text))
}

fn is_label(text: &str) -> bool {
    !text.is_empty() && !text.contains('\n') && text.chars().nth(LONGEST).is_none()
}
