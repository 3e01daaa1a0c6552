//! `choice`: the option that an answer chooses, however it is written: `B`, `(B)`, `B.`, `**B**`, "the answer is B".

use std::borrow::Cow;

use promptgate_core::Diagnostic;
use promptgate_core::assertion::ExtractStep;
use regex::Regex;
use serde::Deserialize;
use serde_json::Value;

use super::{ExtractExample, Extractor, ExtractorKind, Which};
use crate::assertion::{Parameter, Subject};

/// The table entry.
pub(super) const KIND: ExtractorKind = ExtractorKind {
    name: "choice",
    summary: "the option that is chosen: spoken (\"the answer is B\"), bracketed, or standing alone",
    parameters: &[
        Parameter { name: "choice", doc: "the options, a list such as `[\"A\", \"B\", \"C\"]`; `true` for A to E" },
        Parameter { name: "which", doc: "where several are written alike, the `first` or the `last` (default)" },
    ],
    finds: ExtractExample {
        table: "{ choice = [\"A\", \"B\", \"C\"] }",
        output: "A is wrong. So the answer is (B).",
        taken: Some("\"B\""),
    },
    misses: ExtractExample { table: "{ choice = [\"A\", \"B\"] }", output: "None of them.", taken: None },
    build,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    #[serde(default)]
    which: Option<Which>,
}

/// Finds one of some options.
pub(crate) struct Choice {
    options: Vec<String>,
    /// From the surest form to the least sure one; the first that is there decides.
    forms: Vec<Regex>,
    which: Which,
}

fn build(step: &ExtractStep) -> Result<Box<dyn Extractor>, Diagnostic> {
    let params: Params = step.params.read("the extractor `choice`")?;
    let options: Option<Vec<String>> = match &step.argument {
        Value::Bool(true) => Some(["A", "B", "C", "D", "E"].map(str::to_owned).to_vec()),
        Value::Array(items) => items.iter().map(|item| item.as_str().map(str::to_owned)).collect(),
        _ => None,
    };
    let found = options.ok_or_else(|| "`choice` is no list of options".to_owned());
    let built = found.and_then(|options| Choice::of(options, params.which.unwrap_or(Which::Last)));
    let mistake = |problem| step.params.mistake("choice", problem).help("write `choice = [\"A\", \"B\"]`");
    Ok(Box::new(built.map_err(mistake)?))
}

impl Choice {
    /// Options that can be told apart.
    pub(crate) fn of(options: Vec<String>, which: Which) -> Result<Self, String> {
        let folded: Vec<String> = options.iter().map(|option| option.trim().to_lowercase()).collect();
        if options.len() < 2 || folded.iter().any(String::is_empty) {
            return Err("there are fewer than two options".to_owned());
        }
        if let Some(at) = (1..folded.len()).find(|at| folded[..*at].contains(&folded[*at])) {
            return Err(format!("the option `{}` stands there twice", options[at]));
        }
        // The longest first, so that `AB` is not read as `A`.
        let mut by_length: Vec<&str> = options.iter().map(|option| option.trim()).collect();
        by_length.sort_by_key(|option| std::cmp::Reverse(option.len()));
        let any = by_length.iter().map(|option| regex::escape(option)).collect::<Vec<_>>().join("|");
        let letters = options.iter().all(|option| option.trim().chars().count() == 1);
        // A single small letter is mostly a word: alone it counts only as it is written.
        let case = if letters { "" } else { "(?i)" };
        let forms = [
            format!(
                r"(?i)\b(?:answer|choice|option|antwort|respuesta|réponse)\b\W{{0,4}}(?:(?:is|was|would be|ist|est|es)\b)?[\s:=*_]*[(\[\u{{201c}}'\x22*]*({any})\b"
            ),
            format!(r"[(\[]\s*({any})\s*[)\]]"),
            format!(r"(?m){case}^\s*[*_]*({any})[*_]*\s*(?:[.):]|$)"),
            format!(r"{case}(?:^|[^\p{{L}}\p{{N}}_'])({any})(?:$|[^\p{{L}}\p{{N}}_'])"),
        ];
        let compiled = forms.iter().map(|form| Regex::new(form).map_err(|error| error.to_string()));
        Ok(Self { options, forms: compiled.collect::<Result<_, _>>()?, which })
    }

    /// The option chosen, as it is written among the options.
    pub(crate) fn find(&self, text: &str) -> Option<&str> {
        let found = self.forms.iter().find_map(|form| {
            let mut hits = form.captures_iter(text).filter_map(|hit| hit.get(1));
            match self.which {
                Which::First => hits.next(),
                Which::Last => hits.last(),
            }
        })?;
        let chosen = found.as_str().to_lowercase();
        self.options.iter().map(|option| option.trim()).find(|option| option.to_lowercase() == chosen)
    }
}

impl Extractor for Choice {
    fn extract<'a>(&self, subject: Subject<'a>) -> Result<Subject<'a>, String> {
        let text = subject.text();
        let missing = || format!("none of the options {} is chosen", self.options.join(", "));
        Ok(Subject::Text(Cow::Owned(self.find(&text).ok_or_else(missing)?.to_owned())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_option_is_found_however_it_is_written() {
        let check = |options: &[&str], text: &str, expected: Option<&str>| {
            let choice = Choice::of(options.iter().map(|option| (*option).to_owned()).collect(), Which::Last).unwrap();
            assert_eq!(choice.find(text), expected, "{text}");
        };
        let letters = ["A", "B", "C"];
        check(&letters, "B", Some("B"));
        check(&letters, "(b)", None);
        check(&letters, "The answer is (C).", Some("C"));
        check(&letters, "Answer: **B**", Some("B"));
        check(&letters, "the correct option is\nB", Some("B"));
        check(&letters, "A cat sat. Answer: C", Some("C"));
        check(&letters, "B) because of the cat", Some("B"));
        check(&letters, "I think A, or rather B", Some("B"));
        check(&letters, "a banana", None);
        check(&letters, "ABC", None);
        check(&letters, "", None);
        check(&["yes", "no"], "Yes, that is right.", Some("yes"));
        check(&["yes", "no"], "Nothing.", None);
        check(&["billing", "billing support"], "It goes to Billing Support.", Some("billing support"));
        check(&["入金", "出金"], "答えは (出金) です", Some("出金"));
    }
}
