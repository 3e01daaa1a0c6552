//! A grade by the probabilities of a judge's first token: every grade has a letter, and the score is the mean of the grades
//! weighted by how likely the model was to say their letters. One call says how sure the judge is, and nothing is parsed.
//! The reckoning is that of G-Eval (Liu et al. 2023, section 2.3), over labels as well as over a scale.

use promptgate_core::assertion::AssertionSpec;
use promptgate_core::{Diagnostic, Diagnostics};
use serde::Deserialize;
use serde_json::Value;

use super::{Grade, Shape};
use crate::assertion::Parameter;

/// The key of the kinds whose grade can be one letter.
pub(crate) const BY: Parameter = Parameter {
    name: "by",
    doc: "`words` (default), or `probabilities`: the score is the mean of the grades, weighted by the probabilities that the \
          judge's first token has; for models that tell them",
};

/// More grades than these have no letters of their own among the likeliest tokens.
const MOST_GRADES: usize = 12;

/// Below this share of all probability the letters say nothing: the judge meant to say something else.
const LEAST_SHARE: f64 = 0.5;

/// What a grade is read from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum By {
    /// What the judge writes.
    #[default]
    Words,
    /// How likely its first token was.
    Probabilities,
}

/// A grade that a letter stands for.
struct Choice {
    letter: char,
    label: String,
    score: f64,
}

/// The grades of a form, each with its letter; none where it has too many or no single ones.
fn choices(shape: &Shape) -> Option<Vec<Choice>> {
    let grades: Vec<(String, f64)> = match shape {
        Shape::Label(labels) => labels.clone(),
        Shape::Scale { min, max } if min.fract() == 0.0 && max.fract() == 0.0 && max - min < MOST_GRADES as f64 => {
            let steps = (max - min) as u32;
            (0..=steps).map(|step| ((min + f64::from(step)).to_string(), f64::from(step) / f64::from(steps))).collect()
        }
        _ => return None,
    };
    let fits = (2..=MOST_GRADES).contains(&grades.len());
    let choice = |(letter, (label, score))| Choice { letter, label, score };
    fits.then(|| ('A'..='Z').zip(grades).map(choice).collect())
}

/// Refuses a form whose grades have no letters.
pub(crate) fn check(spec: &AssertionSpec, by: By, shape: &Shape) -> Result<(), Diagnostics> {
    if by == By::Words || choices(shape).is_some() {
        return Ok(());
    }
    let message = format!("`by = \"probabilities\"` needs 2 to {MOST_GRADES} grades");
    let mistake: Diagnostic = spec.params.mistake("by", message);
    Err(mistake.help("use fewer labels, or a scale of whole numbers such as `[1, 5]`").into())
}

/// What the judge is told in place of how to write its reply.
pub(super) fn instruction(shape: &Shape) -> String {
    let choices = choices(shape).unwrap_or_default();
    let letters: Vec<String> =
        choices.iter().map(|choice| format!("{} for `{}`", choice.letter, choice.label)).collect();
    format!(
        "Do not write the JSON object and give no reason. Reply with one letter and nothing else: {}.",
        letters.join(", ")
    )
}

/// The grade in `[[token, natural logarithm of its probability], ...]`, or why there is none.
pub(super) fn grade(reply: &Value, shape: &Shape) -> Result<Grade, String> {
    let tokens: Vec<(String, f64)> =
        serde_json::from_value(reply.clone()).map_err(|error| format!("no token probabilities: {error}"))?;
    let choices = choices(shape).unwrap_or_default();
    let weight = |choice: &Choice| -> f64 {
        let is_it = |token: &str| {
            let mut letters = token.trim().chars();
            letters.next() == Some(choice.letter) && letters.next().is_none()
        };
        // A probability may be rounded to above 1 on its way here.
        let its = tokens.iter().filter(|(token, _)| is_it(token)).map(|(_, logarithm)| logarithm.min(0.0).exp());
        // The sum of nothing is -0, which would be shown.
        its.fold(0.0, |sum, probability| sum + probability)
    };
    let weights: Vec<f64> = choices.iter().map(weight).collect();
    let share: f64 = weights.iter().sum();
    if !(LEAST_SHARE..).contains(&share) {
        return Err(format!("the letters of the grades had only {:.0}% of the probability", share * 100.0));
    }
    let score = choices.iter().zip(&weights).map(|(choice, weight)| choice.score * weight).sum::<f64>() / share;
    let mut told: Vec<(f64, &str)> =
        weights.iter().map(|weight| weight / share).zip(choices.iter().map(|choice| choice.label.as_str())).collect();
    told.sort_by(|a, b| b.0.total_cmp(&a.0));
    let shown: Vec<String> = told
        .iter()
        .take(3)
        .filter(|(share, _)| *share >= 0.005)
        .map(|(share, label)| format!("{label} {:.0}%", share * 100.0))
        .collect();
    let label = told.first().map(|(_, label)| (*label).to_owned());
    let label = label.filter(|_| matches!(shape, Shape::Label(_)));
    Ok(Grade { score: score.clamp(0.0, 1.0), label, reason: shown.join(", ") })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn grades_are_weighted_by_the_probabilities_of_their_letters() {
        let yes_no = Shape::Label(vec![("yes".to_owned(), 1.0), ("no".to_owned(), 0.0)]);
        let ln = f64::ln;
        let of = |tokens: Value| grade(&tokens, &yes_no);
        let sure = of(json!([["A", ln(0.9)], ["B", ln(0.1)]])).unwrap();
        assert!((sure.score - 0.9).abs() < 1e-12);
        assert_eq!((sure.label.as_deref(), sure.reason.as_str()), (Some("yes"), "yes 90%, no 10%"));
        // Blanks around a letter, other tokens, and a letter twice.
        let mixed = of(json!([[" A", ln(0.3)], ["A", ln(0.3)], ["B", ln(0.2)], ["Answer", ln(0.2)]])).unwrap();
        assert!((mixed.score - 0.75).abs() < 1e-12, "{mixed:?}");
        assert!(of(json!([["A", ln(0.3)], ["The", ln(0.7)]])).unwrap_err().contains("only 30%"));
        assert!(of(json!([["The", 0.0]])).unwrap_err().contains("only 0%"));
        assert!(of(json!([["a", 0.0], ["AB", 0.0]])).is_err(), "neither is a letter of a grade");
        assert!(of(json!([])).is_err() && of(json!({"A": 1})).is_err() && of(json!([["A", "x"]])).is_err());
        let scale = Shape::Scale { min: 1.0, max: 5.0 };
        let four = grade(&json!([["D", ln(0.5)], ["E", ln(0.5)]]), &scale).unwrap();
        assert!((four.score - 0.875).abs() < 1e-12 && four.label.is_none());
        assert_eq!(four.reason, "4 50%, 5 50%");
        assert!(instruction(&scale).contains("A for `1`, B for `2`"));
    }

    #[test]
    fn only_a_few_single_grades_have_letters() {
        let labels = |count: usize| Shape::Label((0..count).map(|at| (at.to_string(), 0.0)).collect());
        let scale = |min: f64, max: f64| Shape::Scale { min, max };
        for (shape, fits) in [
            (labels(2), true),
            (labels(12), true),
            (labels(13), false),
            (scale(0.0, 10.0), true),
            (scale(0.0, 100.0), false),
            (scale(0.0, 0.5), false),
            (Shape::Ranked, false),
        ] {
            assert_eq!(choices(&shape).is_some(), fits, "{shape:?}");
        }
    }
}
