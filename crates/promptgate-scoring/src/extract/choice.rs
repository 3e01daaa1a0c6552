//! `choice`: the option that an answer chooses, however it is written: `B`, `(B)`, `B.`, `**B**`, "the answer is B". What
//! is said outright decides before what is only mentioned, and an option that is called wrong is not chosen ([`forms`]).

mod forms;

use std::borrow::Cow;

use promptgate_core::Diagnostic;
use promptgate_core::assertion::ExtractStep;
use regex::{Match, Regex};
use serde::Deserialize;
use serde_json::Value;

use self::forms::{Denials, Forms};
use super::{ExtractExample, Extractor, ExtractorKind, Which};
use crate::assertion::{Parameter, Subject};

/// The table entry.
pub(super) const KIND: ExtractorKind = ExtractorKind {
    name: "choice",
    summary: "the option that is chosen: the whole answer, spoken (\"the answer is B\"), begun with, bracketed, or standing alone; one that is called wrong is not chosen",
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
    /// Whether each option is a single letter.
    letters: bool,
    forms: Forms,
    denials: Denials,
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
        let problem = |error: regex::Error| error.to_string();
        let forms = Forms::of(&any, letters).map_err(problem)?;
        let denials = Denials::of(&any, highest(&folded)).map_err(problem)?;
        Ok(Self { options, letters, forms, denials, which })
    }

    /// The option chosen, as it is written among the options. What is said outright decides before what the answer begins
    /// with, and that before what it only mentions: reasons name the other options too.
    pub(crate) fn find(&self, text: &str) -> Option<&str> {
        let Forms { whole, closing, value, bold, named, bracketed, line, mentioned, .. } = &self.forms;
        let whole = whole.captures(text).and_then(|hit| hit.get(1));
        let found = whole
            .or_else(|| self.pick(text, closing))
            .or_else(|| self.said(text))
            .or_else(|| self.pick(text, value))
            .or_else(|| self.beginning(text))
            .or_else(|| [bold, named, bracketed, line, mentioned].into_iter().find_map(|form| self.pick(text, form)))?;
        self.option(found)
    }

    /// What is stated or praised: an answer that changes its mind may first do the one and then the other.
    fn said<'a>(&self, text: &'a str) -> Option<Match<'a>> {
        let said = [&self.forms.stated, &self.forms.praised].into_iter().filter_map(|form| self.pick(text, form));
        match self.which {
            Which::First => said.min_by_key(Match::start),
            Which::Last => said.max_by_key(Match::start),
        }
    }

    /// The first or the last mention in a form that is not denied.
    fn pick<'a>(&self, text: &'a str, form: &Regex) -> Option<Match<'a>> {
        let mut hits = self.mentions(text, form);
        match self.which {
            Which::First => hits.next(),
            Which::Last => hits.last(),
        }
    }

    fn mentions<'a>(&self, text: &'a str, form: &Regex) -> impl Iterator<Item = Match<'a>> {
        let hits = form.captures_iter(text).filter_map(|hit| hit.get(1));
        hits.filter(move |hit| self.denials.allow(text, hit))
    }

    /// The option that an answer begins with. A list of all of them begins so too, and chooses nothing yet.
    fn beginning<'a>(&self, text: &'a str) -> Option<Match<'a>> {
        let first = self.mentions(text, &self.forms.begun).next()?;
        let is_list = self.mentions(text, &self.forms.line).any(|hit| self.option(hit) != self.option(first));
        let is_subject = self.letters && self.denials.make_a_subject(&text[first.end()..]);
        Some(first).filter(|_| !is_list && !is_subject)
    }

    fn option(&self, found: Match<'_>) -> Option<&str> {
        let chosen = found.as_str().to_lowercase();
        self.options.iter().map(|option| option.trim()).find(|option| option.to_lowercase() == chosen)
    }
}

/// The end of the scale, where the options are one.
fn highest(options: &[String]) -> Option<u32> {
    let grades: Option<Vec<u32>> = options.iter().map(|option| option.parse().ok()).collect();
    grades?.into_iter().max()
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

    #[track_caller]
    fn check(options: &[&str], text: &str, expected: Option<&str>) {
        let choice = Choice::of(options.iter().map(|option| (*option).to_owned()).collect(), Which::Last).unwrap();
        assert_eq!(choice.find(text), expected, "{text}");
    }

    const LETTERS: [&str; 4] = ["A", "B", "C", "D"];

    #[test]
    fn an_option_is_found_however_it_is_written() {
        let letters = &LETTERS;
        check(letters, "The answer is (C).", Some("C"));
        check(letters, "Answer: **B**", Some("B"));
        check(letters, "the correct option is\nB", Some("B"));
        check(letters, "A cat sat. Answer: C", Some("C"));
        check(letters, "B) because of the cat", Some("B"));
        check(letters, "b) because of the cat", Some("B"));
        check(letters, "I think A, or rather B", Some("B"));
        check(letters, "a banana", None);
        check(letters, "so (a) goes to (b)", None);
        check(letters, "ABC", None);
        check(letters, "", None);
        check(&["yes", "no"], "Yes, that is right.", Some("yes"));
        check(&["yes", "no"], "Nothing.", None);
        check(&["billing", "billing support"], "It goes to Billing Support.", Some("billing support"));
        check(&["入金", "出金"], "答えは (出金) です", Some("出金"));
    }

    #[test]
    fn an_answer_that_is_nothing_but_an_option_is_that_option_in_any_case() {
        for text in ["B", "b", "b)", "(b)", "(B).", " **b** ", "`B`", "\"b\"", "Option B", "answer: b", "$\\boxed{B}$"]
        {
            check(&LETTERS, text, Some("B"));
        }
        check(&["C", "C++"], "C++.", Some("C++"));
    }

    #[test]
    fn what_is_said_outright_decides_before_what_is_mentioned() {
        let letters = &LETTERS;
        check(letters, "The answer is B. Option A is wrong because it ignores X. Option C is irrelevant.", Some("B"));
        check(letters, "Answer: B\n\nExplanation: Option A is false, option D is too small.", Some("B"));
        check(letters, "The answer is a matter of taste, but I choose C.", Some("C"));
        check(letters, "The answer is a.", Some("A"));
        check(letters, "The best answer to this question is therefore option (D), not (A).", Some("D"));
        check(letters, "I'd go with B, though C is close and (D) is closer.", Some("B"));
        check(letters, "Answer: A. No, wait. The correct answer is: **C**", Some("C"));
        check(letters, "It is $\\boxed{\\text{B}}$, as (A) shows.", Some("B"));
        check(letters, "A and B differ in (C).\n\n**B**", Some("B"));
        check(letters, "First (A), then (C).\nD", Some("D"));
        check(letters, "Look at (A) and (D): B is the correct one, unlike (A).", Some("B"));
        check(letters, "(A) is correct but short. (B) is complete. So (B) is better.", Some("B"));
        check(letters, "Answer B is wrong. I would pick D over A.", Some("D"));
        check(letters, "The answer is **B**. The distractor is **A**.", Some("B"));
        check(letters, "The answer is B.\n\nKey terms: **osmosis** and vitamin **A**.", Some("B"));
        check(letters, "Unlike (A) it is short, so **B**.", Some("B"));
        check(letters, "(A) False (B) True (C) False (D) False. The true one is (B).", Some("B"));
        check(letters, "Initially I'd choose A. But after reconsidering, B is right.", Some("B"));
        check(letters, "A is right. But after reconsidering, I choose B.", Some("B"));
        check(letters, "I prefer B over A.", Some("B"));
        check(letters, "The best choice here is B since A lacks context.", Some("B"));
        check(letters, "A. Incorrect: x\nB. Incorrect: y\nC. Correct: z\nD. Incorrect: w", Some("C"));
    }

    #[test]
    fn an_answer_that_is_named_is_not_yet_the_one_that_is_given() {
        let named = "The answer is C.\n\nAnswer A describes mitosis, answer B meiosis and answer D osmosis.";
        check(&LETTERS, named, Some("C"));
        check(&LETTERS, "C\n\nThe answer B is a common mistake.", Some("C"));
        check(&LETTERS, "Looking at (A), answer B fits.", Some("B"));
    }

    #[test]
    fn a_label_is_a_statement() {
        let sentiments = &["positive", "negative"];
        check(sentiments, "Label: positive\nReason: no negative words", Some("positive"));
        check(sentiments, "{\"sentiment\": \"positive\", \"reason\": \"no negative words\"}", Some("positive"));
        check(sentiments, "{\"tone\": \"positive\", \"reason\": \"no negative words\"}", Some("positive"));
        check(sentiments, "Positive (no negative words)", Some("positive"));
        check(sentiments, "It is classified as positive: no negative words", Some("positive"));
        for label in ["Category", "Class", "Classification", "**Sentiment**", "Verdict", "Rating", "Decision"] {
            check(sentiments, &format!("{label}: positive\nReason: no negative words"), Some("positive"));
        }
        check(&["billing", "account"], "Category: billing\nReason: the account was charged twice", Some("billing"));
        check(&["high", "low"], "Priority: High\nReason: low battery", Some("high"));
    }

    #[test]
    fn a_grade_may_be_a_fraction_of_the_highest() {
        let grades = &["1", "2", "3", "4", "5"];
        for text in ["Rating: 4/5", "4/5", "4 / 5", "I give it 4 out of 5."] {
            check(grades, text, Some("4"));
        }
        check(grades, "4/50", None);
        check(grades, "3/4", None);
    }

    #[test]
    fn an_answer_may_begin_with_its_option() {
        let letters = &LETTERS;
        check(letters, "B\n\nA is wrong because (A) uses a cat.", Some("B"));
        check(letters, "C) Paris is right since options (A) and (B) are wrong.", Some("C"));
        check(letters, "(B) because D comes later", Some("B"));
        check(letters, "**B**: so (A) goes", Some("B"));
        check(letters, "A, B and C are too small", None);
        check(letters, "A) a cat\nB) a dog\nSo it must be a dog: B", Some("B"));
        check(letters, "(A) is 5, (B) is 6, and 6 is asked for, so (B).", Some("B"));
        check(&["yes", "no"], "Yes, there is no problem.", Some("yes"));
        check(&["true", "false"], "True, the other statement is false", Some("true"));
        check(&["true", "false"], "**True** since the other one is false", Some("true"));
    }

    #[test]
    fn an_option_that_is_rejected_is_not_chosen() {
        let letters = &LETTERS;
        check(letters, "Option A is too small. Therefore (B).", Some("B"));
        check(letters, "So B, as A is clearly too small, and (C) and (D) are wrong", Some("B"));
        check(letters, "B fits. A doesn’t, C isn't, D does not.", Some("B"));
        check(letters, "B rather than C, and neither A nor D", Some("B"));
        check(letters, "If A is correct, then the sum is odd. So B.", Some("B"));
        check(letters, "Is the answer A? It has no legs. It must be B then.", Some("B"));
        check(letters, "(A) is wrong.", None);
        check(letters, "I rule out A", None);
        check(&["positive", "negative"], "It is positive, not negative", Some("positive"));
        check(letters, "B is not only plausible but also supported by the text.", Some("B"));
        check(letters, "Answer: C. We would choose A only if friction were absent.", Some("C"));
        check(letters, "I would choose B if I had to.", Some("B"));
        check(&["yes", "no"], "No\n\nThe answer would be yes if the item was sealed.", Some("no"));
    }

    #[test]
    fn a_part_of_a_word_or_of_a_number_is_no_option() {
        check(&["1", "2"], "The answer is 1.5", None);
        check(&["1", "2"], "It costs 2,500 or -1.", None);
        check(&["1", "2"], "The answer is 1.", Some("1"));
        check(&["yes", "no"], "a no-brainer", None);
        check(&LETTERS, "The A-level and D's end", None);
        check(&LETTERS, r"The solution is a $2\times 2$ matrix, so (B).", Some("B"));
        check(&LETTERS, "The answer is a **prime number**, which is option C.", Some("C"));
        check(&LETTERS, "I'd pick a \"safe\" approach here, so C.", Some("C"));
    }
}
