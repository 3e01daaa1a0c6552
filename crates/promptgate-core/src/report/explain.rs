//! How a verdict came about, number by number: schema `promptgate.explain/1`. It grows, it never changes.

use serde::{Deserialize, Serialize};

use crate::name::SuiteName;

/// The whole derivation of one or more checks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Explanation {
    /// `promptgate.explain/1`.
    pub schema: String,
    /// The suite.
    pub suite: SuiteName,
    /// The run it was read from.
    pub run: String,
    /// One for each check, in the order of the policy, comparison after comparison.
    pub derivations: Vec<Derivation>,
}

/// How one check came to its verdict.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Derivation {
    /// `pass_rate, triage.terse against triage on openai/gpt-4.1-mini: fail`.
    pub title: String,
    /// What was done, in the order in which it can be checked.
    pub steps: Vec<Step>,
}

/// One step: what it is, by which formula, and what it came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Step {
    /// `cases broken (c)`.
    pub what: String,
    /// `c` in terms of what stands above; empty where it was counted.
    pub how: String,
    /// The number, or the words, it came to.
    pub value: String,
}

impl Step {
    /// A number with eight digits that count.
    pub fn number(what: &str, how: &str, value: f64) -> Self {
        let value = match value.abs() {
            _ if value == value.trunc() && value.abs() < 1e9 => format!("{value}"),
            size if !(1e-4..1e9).contains(&size) => format!("{value:.7e}"),
            size => {
                let digits = (7 - size.log10().floor() as i32).clamp(0, 12) as usize;
                format!("{value:.digits$}")
            }
        };
        Self::words(what, how, value)
    }

    /// Words.
    pub fn words(what: &str, how: &str, value: impl Into<String>) -> Self {
        Self { what: what.to_owned(), how: how.to_owned(), value: value.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_keeps_the_digits_that_count() {
        let shown = |value: f64| Step::number("", "", value).value;
        assert_eq!([shown(12.0), shown(-0.05), shown(0.261_733_531_95)], ["12", "-0.050000000", "0.26173353"]);
        assert_eq!([shown(1.5e-7), shown(1_234.567_891)], ["1.5000000e-7", "1234.5679"]);
    }
}
