//! What an assertion came to. Passed, failed, errored and unscored never mix.

use std::borrow::Borrow;

use serde::{Deserialize, Serialize};

/// A score in 0..=1, or the reason why there is none. Never NaN, never 0 for "broken".
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Score {
    /// A value in 0..=1.
    Value(f64),
    /// No value, and why.
    Unscored(String),
}

impl Score {
    /// A checked value: anything that is not in 0..=1 is unscored.
    pub fn checked(value: f64) -> Self {
        if (0.0..=1.0).contains(&value) {
            Self::Value(value)
        } else {
            Self::Unscored(format!("{value} is not in 0..=1"))
        }
    }

    /// The value, if there is one.
    pub fn value(&self) -> Option<f64> {
        match self {
            Self::Value(value) => Some(*value),
            Self::Unscored(_) => None,
        }
    }
}

/// What was looked for and what was found; shown to people, never interpreted.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    /// What the assertion expected, shortened for display.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected: Option<String>,
    /// What it found, shortened for display.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub found: Option<String>,
    /// One line more, such as the place in the document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// One assertion's decision on one output.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scored {
    /// The score, or why there is none.
    pub score: Score,
    /// Passed or failed; always `false` when unscored.
    pub passed: bool,
    /// What it rests on.
    #[serde(default, skip_serializing_if = "is_default")]
    pub evidence: Evidence,
    /// The one of several labels that it came to, where it chooses one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// What judging in both orders showed, where it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub both_orders: Option<BothOrders>,
    /// Whether the answer talks to its judge: then it is unscored, and so is every set that it stands in.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub suspect: bool,
    /// Whether it is unscored since whoever was asked is out: nothing came of the question, for reasons of infrastructure.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub outage: bool,
}

/// Preferences that were judged twice, with either answer first: one a judge.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BothOrders {
    /// How many.
    pub judged: u64,
    /// Of these the flips: one order came to something else than the other.
    pub flipped: u64,
    /// Of the flips, those to the answer that stood first.
    pub to_first: u64,
}

impl BothOrders {
    /// Both together.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self {
            judged: self.judged + other.judged,
            flipped: self.flipped + other.flipped,
            to_first: self.to_first + other.to_first,
        }
    }
}

/// Whether there is nothing to write.
pub(crate) fn is_default<E: Borrow<Evidence>>(evidence: &E) -> bool {
    *evidence.borrow() == Evidence::default()
}

impl Scored {
    /// Passed or failed, score 1 or 0.
    pub fn decided(passed: bool, evidence: Evidence) -> Self {
        let score = Score::Value(if passed { 1.0 } else { 0.0 });
        Self { score, passed, evidence, label: None, both_orders: None, suspect: false, outage: false }
    }

    /// A score that passes from `threshold` on.
    pub fn graded(value: f64, threshold: f64, evidence: Evidence) -> Self {
        let score = Score::checked(value);
        let passed = score.value().is_some_and(|value| value >= threshold - 1e-12);
        Self { score, passed, evidence, label: None, both_orders: None, suspect: false, outage: false }
    }

    /// No score, and why.
    pub fn unscored(reason: impl Into<String>) -> Self {
        let (evidence, label, both_orders) = Default::default();
        let score = Score::Unscored(reason.into());
        Self { score, passed: false, evidence, label, both_orders, suspect: false, outage: false }
    }

    /// No score, since the answer talks to its judge.
    pub fn suspect(reason: impl Into<String>) -> Self {
        Self { suspect: true, ..Self::unscored(reason) }
    }

    /// The same, after a question of which nothing came: what is unscored is so for that.
    #[must_use]
    pub fn after_outage(self) -> Self {
        Self { outage: self.score.value().is_none() && !self.suspect, ..self }
    }

    /// The same, with the label that it came to.
    #[must_use]
    pub fn labelled(self, label: Option<String>) -> Self {
        Self { label, ..self }
    }

    /// Pass for fail and `1 - s` for `s`; unscored stays unscored.
    #[must_use]
    pub fn inverted(mut self) -> Self {
        if let Score::Value(value) = self.score {
            self.score = Score::Value(1.0 - value);
            self.passed = !self.passed;
        }
        self
    }
}

/// How a trial, or a case over its trials, came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Every critical assertion passed (or the case's threshold was reached).
    Passed,
    /// It did not.
    Failed,
    /// No answer for reasons of infrastructure, or a critical assertion left it unscored.
    Errored,
    /// Not run (`--max-fail`).
    Skipped,
}

/// Whether something decides or only informs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    /// It decides.
    #[default]
    Critical,
    /// It is computed and printed, and changes no verdict.
    Advisory,
}
