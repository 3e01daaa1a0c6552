//! `choice`: the option that an answer chooses, however it is written: `B`, `(B)`, `B.`, `**B**`, "the answer is B". What
//! is said outright decides before what is only mentioned, and an option that is called wrong is not chosen ([`forms`]).

mod forms;

use std::borrow::Cow;

use promptgate_core::Diagnostic;
use promptgate_core::assertion::ExtractStep;
use regex::Match;
use serde::Deserialize;
use serde_json::Value;

use self::forms::{Denials, Forms, Rung, Signs};
use super::{ExtractExample, Extractor, ExtractorKind, Which};
use crate::assertion::{Parameter, Subject};

/// The table entry.
pub(super) const KIND: ExtractorKind = ExtractorKind {
    name: "choice",
    summary: "the option that is chosen: the whole answer, spoken (\"the answer is B\"), begun with, bracketed, or standing alone; one that is called wrong is not chosen",
    parameters: &[
        Parameter { name: "choice", doc: "the options, a list such as `[\"A\", \"B\", \"C\"]`; `true` for A to E" },
        Parameter {
            name: "which",
            doc: "where several are written alike, the `first` or the `last`; default the last that is stated, and none where several are only mentioned",
        },
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
    signs: Signs,
    forms: Forms,
    denials: Denials,
    /// Which of several that are written alike; nothing where those that are only mentioned shall choose none.
    which: Option<Which>,
}

fn build(step: &ExtractStep) -> Result<Box<dyn Extractor>, Diagnostic> {
    let params: Params = step.params.read("the extractor `choice`")?;
    let options: Option<Vec<String>> = match &step.argument {
        Value::Bool(true) => Some(Choice::usual()),
        Value::Array(items) => items.iter().map(|item| item.as_str().map(str::to_owned)).collect(),
        _ => None,
    };
    let found = options.ok_or_else(|| "`choice` is no list of options".to_owned());
    let built = found.and_then(|options| Choice::of(options, params.which));
    let mistake = |problem| step.params.mistake("choice", problem).help("write `choice = [\"A\", \"B\"]`");
    Ok(Box::new(built.map_err(mistake)?))
}

impl Choice {
    /// The options where none are given.
    pub(crate) fn usual() -> Vec<String> {
        ["A", "B", "C", "D", "E"].map(str::to_owned).to_vec()
    }

    /// Options that can be told apart.
    pub(crate) fn of(options: Vec<String>, which: Option<Which>) -> Result<Self, String> {
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
        let signs = Signs::of(&options);
        let problem = |error: regex::Error| error.to_string();
        let forms = Forms::of(&any, signs).map_err(problem)?;
        let denials = Denials::of(&any, signs).map_err(problem)?;
        Ok(Self { options, signs, forms, denials, which })
    }

    /// The option chosen, as it is written among the options: by the surest of the rungs on which one is found. Reasons name
    /// the other options too.
    pub(crate) fn find(&self, text: &str) -> Option<&str> {
        for rung in Rung::ALL {
            let hits = self.on(rung, text);
            if self.which.is_none() && rung.is_only_mention() && self.differ(&hits) {
                return None;
            }
            if let Some(found) = self.pick(hits) {
                return self.option(found.as_str());
            }
        }
        None
    }

    /// Whether a text is one of the options.
    pub(crate) fn knows(&self, text: &str) -> bool {
        self.option(text).is_some()
    }

    /// What counts of what is found on a rung.
    fn on<'a>(&self, rung: Rung, text: &'a str) -> Vec<Match<'a>> {
        match rung {
            Rung::Whole => self.forms.hits(rung, text).collect(),
            Rung::Begun => self.beginning(text).into_iter().collect(),
            _ => self.mentions(rung, text).collect(),
        }
    }

    /// Whether several options are found.
    fn differ(&self, hits: &[Match<'_>]) -> bool {
        hits.iter().any(|hit| self.option(hit.as_str()) != self.option(hits[0].as_str()))
    }

    /// The first or the last of several that are written alike.
    fn pick<'a>(&self, hits: Vec<Match<'a>>) -> Option<Match<'a>> {
        match self.which.unwrap_or(Which::Last) {
            Which::First => hits.into_iter().min_by_key(Match::start),
            Which::Last => hits.into_iter().max_by_key(Match::start),
        }
    }

    /// Mentions that are not denied.
    fn mentions<'a>(&self, rung: Rung, text: &'a str) -> impl Iterator<Item = Match<'a>> {
        self.forms.hits(rung, text).filter(move |hit| self.denials.allow(text, hit))
    }

    /// The option that an answer begins with. A list of all of them begins so too, and chooses nothing yet.
    fn beginning<'a>(&self, text: &'a str) -> Option<Match<'a>> {
        let first = self.mentions(Rung::Begun, text).next()?;
        let is_other = |hit: Match<'_>| self.option(hit.as_str()) != self.option(first.as_str());
        let is_list = self.mentions(Rung::Line, text).any(is_other);
        let is_subject = self.signs != Signs::Words && self.denials.make_a_subject(&text[first.end()..]);
        Some(first).filter(|_| !is_list && !is_subject)
    }

    fn option(&self, text: &str) -> Option<&str> {
        let chosen = text.trim().to_lowercase();
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

    #[track_caller]
    fn check(options: &[&str], text: &str, expected: Option<&str>) {
        let choice = Choice::of(options.iter().map(|option| (*option).to_owned()).collect(), None).unwrap();
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
    fn a_statement_decides_before_the_words_of_its_reasons() {
        let sentiments = &["positive", "negative", "neutral"];
        for text in [
            "The sentiment is negative. Although the food was described in positive terms, the service was not.",
            "I would classify this as negative because the positive remarks are few.",
            "I'd classify the review as negative; positive words are rare.",
            "This review should be classified as negative despite a few positive words.",
            "The overall tone of the review is clearly negative, with one positive remark.",
            "The review is negative. Positive remarks are few.",
            "It cannot be classified as positive. It is negative.",
            "I wouldn't classify it as positive, since the food is called negative things.",
            "Overall, negative, though some words are positive.",
            "The tone isn't positive, it's negative",
            "While the food is positive, the sentiment overall is negative.",
        ] {
            check(sentiments, text, Some("negative"));
        }
        let grades = &["1", "2", "3", "4", "5"];
        for text in [
            "Score: 4\nReason: The response has 2 errors.",
            "Score: 4 (out of 5)",
            "4 (out of 5)",
            "4 (it has 2 errors)",
            "I would rate this a 4 on a scale of 1 to 5.",
            "I'd give the answer a **4**, as it has 2 errors.",
            "On a scale of 1 to 5: 4",
            "On a 1-5 scale it is a 4.",
            "Grade: 4\nThere are 3 reasons.",
            "The score is 4. There are 3 reasons.",
            "Score: 4.0",
            "Score (1 to 5): 4. It has 2 errors.",
            "This deserves a 4. It has 2 flaws.",
            "Final score: 4 (1 = worst, 5 = best)",
            "4.0/5",
        ] {
            check(grades, text, Some("4"));
        }
        check(&LETTERS, "B is the answer. Vitamin C prevents scurvy.", Some("B"));
        let listed = "A) 3\nB) 4\nC) 5\nD) 6\n\n2+2 = 4, so option B.";
        check(&LETTERS, listed, Some("B"));
        check(&LETTERS, "A) 3\nB) 4\n\nThe sum is 4, which is B", Some("B"));
        let marked = "A) 3 – incorrect\nB) 4 – correct\nC) 5 – incorrect\nD) 6 – incorrect";
        check(&LETTERS, marked, Some("B"));
    }

    #[test]
    fn articles_and_pronouns_are_no_options() {
        for text in ["It must be B. A mammal has hair.", "Option B. A bat is a mammal.", "B fits. A mammal has hair."] {
            check(&LETTERS, text, Some("B"));
        }
        check(&LETTERS, "A fits, as far as can be told", Some("A"));
        check(&["A", "B", "I", "J"], "It must be B, I think.", Some("B"));
        check(&["A", "B", "I", "J"], "I is the right one.", Some("I"));
        check(&["yes", "no"], "I think yes. There are no signs of fraud.", Some("yes"));
        check(&["yes", "no"], "Without a doubt, yes. There's no reason to wait.", Some("yes"));
        check(&["yes", "no"], "I'd say no because it rains.", Some("no"));
    }

    #[test]
    fn of_several_that_are_only_mentioned_none_is_chosen_unless_asked_for() {
        let text = "The account was charged twice, which concerns billing too.";
        let options = || ["billing", "account"].map(str::to_owned).to_vec();
        let found = |which| Choice::of(options(), which).unwrap().find(text).map(str::to_owned);
        assert_eq!(found(None), None);
        assert_eq!(found(Some(Which::Last)).as_deref(), Some("billing"));
        assert_eq!(found(Some(Which::First)).as_deref(), Some("account"));
        check(&LETTERS, "(A) is long and (B) is short.", None);
    }

    #[test]
    fn options_are_known_in_any_case() {
        let choice = Choice::of(["Ähnlich", "anders"].map(str::to_owned).to_vec(), None).unwrap();
        assert!(choice.knows(" ÄHNLICH") && !choice.knows("gleich"));
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
