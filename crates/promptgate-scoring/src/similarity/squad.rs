//! Answers as SQuAD's evaluation compares them: lower case, without ASCII punctuation, without English articles.

use std::collections::HashMap;

use super::tokens::split;

/// The tokens that are left.
pub fn normalised(text: &str) -> Vec<String> {
    let lower = text.to_lowercase();
    let bare: String = lower.chars().filter(|c| !c.is_ascii_punctuation()).collect();
    split(&without_articles(&bare)).map(str::to_owned).collect()
}

/// Without the words `a`, `an` and `the`, which stand between letters, digits and `_` of no other word.
fn without_articles(text: &str) -> String {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        let (word, behind) = rest.split_at(end);
        out.push_str(if matches!(word, "a" | "an" | "the") { " " } else { word });
        let next = behind.find(is_word).unwrap_or(behind.len());
        out.push_str(&behind[..next]);
        rest = &behind[next..];
    }
    out
}

/// F1 of the tokens of two answers, in 0..=1; two that have none are the same.
pub fn f1(said: &str, reference: &str) -> f64 {
    let (said, reference) = (normalised(said), normalised(reference));
    if said.is_empty() || reference.is_empty() {
        return if said == reference { 1.0 } else { 0.0 };
    }
    let mut left: HashMap<&str, i64> = HashMap::new();
    reference.iter().for_each(|token| *left.entry(token).or_default() += 1);
    let mut shared = 0.0;
    for token in &said {
        if let Some(count) = left.get_mut(token.as_str()).filter(|count| **count > 0) {
            *count -= 1;
            shared += 1.0;
        }
    }
    2.0 * shared / (said.len() + reference.len()) as f64
}

/// Whether one answer contains the other once both are normalised (OpenAI evals, FuzzyMatch); nothing contains only
/// nothing.
pub fn contains_either_way(said: &str, reference: &str) -> bool {
    let (said, reference) = (normalised(said).join(" "), normalised(reference).join(" "));
    if said.is_empty() || reference.is_empty() {
        return said == reference;
    }
    said.contains(&reference) || reference.contains(&said)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_compared_without_what_does_not_matter() {
        assert_eq!(normalised("The quick, a-n brown THEfox!"), ["quick", "brown", "thefox"]);
        let near = |said: &str, reference: &str, expected: f64| {
            assert!((f1(said, reference) - expected).abs() < 1e-12, "{said} / {reference}: {}", f1(said, reference));
        };
        near("the Eiffel Tower", "Eiffel tower.", 1.0);
        near("in Paris, France", "Paris", 0.5);
        near("", "the", 1.0);
        near("", "x", 0.0);
        near("a b b", "b b b", 0.8);
        assert!(contains_either_way("It is Paris.", "paris") && contains_either_way("an", ""));
        assert!(!contains_either_way("", "x") && !contains_either_way("Rome", "Paris"));
    }
}
