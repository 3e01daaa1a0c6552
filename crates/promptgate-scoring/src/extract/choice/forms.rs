//! The forms in which an answer names an option, and what makes a mention none: an option that is part of a longer word or
//! number, an article, an option that is said to be wrong.

use regex::{Match, Regex};

/// What may stand around an option that stands alone.
const AROUND: &str = r#"[\s*_`"'“”„()\[\]{}$#>.,:;!]*"#;

/// What opens an option: brackets, quotes, emphasis, LaTeX.
const OPENED: &str = r#"(?:[\s*_`"'“„(\[{$]|\\boxed|\\text(?:bf|rm|it)?)*"#;

/// What closes it.
const CLOSED: &str = r#"[\s*_`"'”)\]}$]*"#;

/// What stands between a statement and its option: what opens it, and words that change nothing.
const LED: &str = r#"(?:[\s:=*_`"'“„(\[{$]|\\boxed|\\text(?:bf|rm|it)?|\b(?:therefore|thus|then|hence|clearly|indeed|definitely|simply|probably|most|likely|still|also|the|correct|right|best|option|choice|answer|letter)\b)*"#;

/// How a statement of what is chosen begins.
const STATED: [&str; 6] = [
    r#"\b(?:answers?|choice|option|solution|(?:correct|right|true|best)\s+(?:one|statement)|antwort|lösung|respuesta|réponse)\b(?:\s+here)?(?:\s+(?:to|of|for|zu|auf)\b[^.:!?\n]{0,60}?)?[\s*_"'”]{0,4}(?:\b(?:is|was|(?:would|should|must|will)\s+be|ist|est|es)\b|[:=])"#,
    r#"\b(?:label|category|class|classification|sentiment|priority|verdict|rating|decision)\b[\s*_"'”]{0,4}[:=]"#,
    r"\b(?:is|are|was|were)\s+classified\s+as\b",
    r"\b(?:correct|right|best|final)\s+(?:option|choice)\b",
    r"\b(?:I|we)\b(?:\s+(?:would|will|have|must|had|to|can|should|therefore|thus|then|so|am|are|also)|['’](?:d|ll|m|re|ve))*\s+(?:choose|chose|prefer|pick(?:ed)?|select(?:ed)?|go\s+with|going\s+with|went\s+with|opt\s+for|vote\s+for)\b",
    r"\\boxed",
];

/// What names an answer and says nothing of it yet: "answer B describes meiosis".
const NAMED: &str = r"\b(?:answer|antwort|respuesta|réponse)\b";

/// What is said of the right option. "B is correct but too short" does not say that.
const PRAISED: &str = r"(?:is|seems|must\s+be)\s+(?:\w+ly\s+)?(?:the\s+(?:correct|right|best|better)\b|(?:correct|right|best|better)\s*(?:[.,;!\n]|\z|because\b|since\b|than\b))";

/// The same in a list that goes through all options: "B. Incorrect: too late. C. Correct: it fits."
const MARKED: &str = r"[.:–—-]\s*[*_]*correct\b[*_]*\s*(?:[.:!\n–—-]|\z)";

/// What stands between the option that an answer begins with and its reasons.
const TERMINATED: &str = r#"[\s*_`"'”)\]}$]*(?:[.,:;!)\]\n]|\*\*|[-–—]\s)"#;

/// The same behind an option that is a word: "Positive (it praises the food)". Behind a letter it may be an article's.
const EXPLAINED: &str = r"\s*\(";

/// Bytes before and behind an option that tell whether it is rejected; a list of others may stand between. A bound keeps
/// a long list from being read once for each of its options.
const LOOKED_AT: usize = 120;

/// What is said of an option that is rejected.
const WRONG: &str = r"(?:\w+ly\s+|all\s+|both\s+|also\s+|an?\s+|the\s+)*(?:not|wrong|incorrect|false|untrue|irrelevant|unrelated|invalid|inaccurate|too|out|unlikely|implausible|impossible|eliminated|excluded|rejected|ruled)\b";

/// What leads to that, and what else is said, behind one option.
const ONE: [&str; 2] = [
    r"is|was|seems|looks|would\s+be",
    r"(?:is|was|does|did|ca|wo|would|could)n['’]t\b|(?:cannot|can\s+not|(?:does|did)\s+not|fails|ignores|lacks|contradicts|omits|misses)\b|[:–—-]\s*(?:wrong|incorrect|too)\b",
];

/// The same behind several.
const MANY: [&str; 2] = [
    r"are|were|seem|look|would\s+be",
    r"(?:are|were|do|did|ca|wo|would|could)n['’]t\b|(?:cannot|can\s+not|(?:do|did)\s+not|fail|ignore|lack|contradict|omit|miss)\b",
];

/// What is said before an option that is rejected, or only supposed.
const NOT: &str = r"\b(?:not|nor|neither|unlike|if|whether|suppos(?:e|ing)|assum(?:e|ing)|(?:rather|other)\s+than|instead\s+of|rul(?:es?|ed|ing)\s+out|eliminat(?:es?|ed|ing)|exclud(?:es?|ed|ing))\s+(?:(?:the|an?|options?|answers?|choices?|either|both)\s+)*";

/// What praises though it begins like a denial: "B is not only plausible but also supported".
const NOT_ONLY: &str = r"\s*(?:is|are|was|were|does|do)\s+not\s+(?:only|just|merely)\b";

/// What leads to a choice that is only supposed where a [`CONDITION`] follows it.
const WOULD: &str = r"(?:\bwould|['’]d)\b[^.!?\n]*\z";

/// The condition: "I would choose A only if it were new". "I would choose B if I had to" is a choice all the same.
const CONDITION: &str = r"\s*(?:only\s+if|if\s+(?:the|an?|its?|th(?:at|is|ese|ose|ere|ey)|he|she|no|not|all))\b";

/// The highest of a scale, behind a grade: "4/5", "4 out of 5".
const OF_SCALE: &str = r"\d\s*(?:/|out\s+of\b)\s*";

/// The ways to name an option, from the surest to the least sure. Each captures the option.
pub(super) struct Forms {
    /// The option is the whole answer.
    pub(super) whole: Regex,
    /// The answer ends with a line of the option alone.
    pub(super) closing: Regex,
    /// The answer says which it chooses: "the answer is B", "Label: B", "I choose B", `\boxed{B}`.
    pub(super) stated: Regex,
    /// The option is called the right one: "B is correct".
    pub(super) praised: Regex,
    /// The option is a whole value of a JSON object.
    pub(super) value: Regex,
    /// The answer begins with the option: `B) because`, "Yes, there is".
    pub(super) begun: Regex,
    /// The answer ends with the option in bold, in the midst of a line.
    pub(super) bold: Regex,
    /// The option is called an answer: "answer B".
    pub(super) named: Regex,
    /// The option in brackets.
    pub(super) bracketed: Regex,
    /// A line begins with the option, as in a list of them.
    pub(super) line: Regex,
    /// The option anywhere.
    pub(super) mentioned: Regex,
}

impl Forms {
    /// The forms for options, of which `any` is the pattern; `letters` where each is a single one.
    pub(super) fn of(any: &str, letters: bool) -> Result<Self, regex::Error> {
        let option = format!(r"\b{{start-half}}({any})\b{{end-half}}");
        // A single small letter is mostly a word: in the midst of a text it counts only as it is written.
        let case = if letters { "" } else { "(?i)" };
        let stated = STATED.join("|");
        let terminated = if letters { TERMINATED.to_owned() } else { format!("(?:{TERMINATED}|{EXPLAINED})") };
        let form = |pattern: String| Regex::new(&pattern);
        Ok(Self {
            whole: form(format!(
                r"(?i)\A{AROUND}(?:(?:the\s+)?(?:option|answer|choice)\b{AROUND})?{option}{AROUND}\z"
            ))?,
            closing: form(format!(r"(?i)\n{AROUND}{option}{AROUND}\z"))?,
            stated: form(format!(r"(?i)(?:{stated}){LED}{option}"))?,
            praised: form(format!(r"(?i){option}{CLOSED}(?:{PRAISED}|{MARKED})"))?,
            value: form(format!(r#"(?i)"\s*:\s*"\s*{option}\s*""#))?,
            begun: form(format!(r"(?i)\A{OPENED}{option}{terminated}"))?,
            bold: form(format!(r"(?i)\*\*[(\[]?{option}{AROUND}\z"))?,
            named: form(format!(r"(?i){NAMED}{LED}{option}"))?,
            bracketed: form(format!(r"{case}[(\[]\s*{option}\s*[)\]]"))?,
            line: form(format!(r"(?im)^{OPENED}{option}[*_]*[ \t]*(?:[.:)\]]|$)"))?,
            mentioned: form(format!("{case}{option}"))?,
        })
    }
}

/// What makes a mention of an option no choice.
pub(super) struct Denials {
    before: Regex,
    behind: Regex,
    subject: Regex,
    not_only: Regex,
    would: Regex,
    condition: Regex,
    /// The end of a scale, of which an option may be written as a fraction.
    highest: Option<u32>,
}

impl Denials {
    /// The denials of options, of which `any` is the pattern and `highest` the end of the scale that they are.
    pub(super) fn of(any: &str, highest: Option<u32>) -> Result<Self, regex::Error> {
        let other = format!(r"{OPENED}\b{{start-half}}(?:{any})\b{{end-half}}{CLOSED}");
        let list = format!(r"(?:(?:,|,?\s*\b(?:and|or|nor)\b|&){other})*");
        let (one, many) = (rejected(ONE), rejected(MANY));
        Ok(Self {
            before: Regex::new(&format!(r"(?i)(?:{NOT}(?:{other}(?:or|nor)\s+)*{OPENED}|{OF_SCALE})\z"))?,
            behind: Regex::new(&format!(r"(?i)\A{CLOSED}(?:\?|{one}|{list}(?:{many}))"))?,
            subject: Regex::new(&format!(
                r"(?i)\A(?:,\s*(?:and|or)?{other}|[*_ ]*[)\]][*_]*\s+(?:is|are|was|were|has|would|could|does|says|and|or)\b)"
            ))?,
            not_only: Regex::new(&format!(r"(?i)\A{CLOSED}{NOT_ONLY}"))?,
            would: Regex::new(&format!("(?i){WOULD}"))?,
            condition: Regex::new(&format!(r"(?i)\A{CLOSED}{CONDITION}"))?,
            highest,
        })
    }

    /// Whether an option is named and not rejected there.
    pub(super) fn allow(&self, text: &str, option: &Match<'_>) -> bool {
        let (before, behind) = (&text[..option.start()], &text[option.end()..]);
        let near = &before[before.ceil_char_boundary(before.len().saturating_sub(LOOKED_AT))..];
        let next = &behind[..behind.floor_char_boundary(LOOKED_AT)];
        let denied = self.before.is_match(near) || (self.behind.is_match(next) && !self.not_only.is_match(next));
        let supposed = self.condition.is_match(next) && self.would.is_match(near);
        stands_alone(before, option.as_str(), self.behind_fraction(behind))
            && !is_word(option.as_str(), behind)
            && !denied
            && !supposed
    }

    /// What stands behind an option and the end of its scale: `4/5` is 4 where 5 is the highest, and `4/50` is no option.
    fn behind_fraction<'a>(&self, behind: &'a str) -> &'a str {
        let highest = self.highest.map(|highest| format!("/{highest}"));
        let rest = highest.and_then(|fraction| behind.strip_prefix(&fraction));
        rest.filter(|rest| !rest.starts_with(|c: char| c.is_ascii_digit())).unwrap_or(behind)
    }

    /// Whether what follows an option makes it a subject and no answer: "A, B and C", "(A) is the first".
    pub(super) fn make_a_subject(&self, behind: &str) -> bool {
        self.subject.is_match(behind)
    }
}

fn rejected([leads, others]: [&str; 2]) -> String {
    format!(r"(?:{leads})\s+{WRONG}|{others}")
}

/// Whether an option is no part of a longer word or number: `1` of `1.5`, `yes` of `yes-man`, `A` of `A's`.
fn stands_alone(before: &str, option: &str, behind: &str) -> bool {
    let mut next = behind.chars();
    let (joint, after) = (next.next(), next.next());
    let mut previous = before.chars().rev();
    let (joined, earlier) = (previous.next(), previous.next());
    let is = |c: Option<char>, class: fn(char) -> bool| c.is_some_and(class);
    if option.ends_with(|c: char| c.is_ascii_digit()) {
        let goes_on = is(joint, |c| matches!(c, '.' | ',' | '/')) && is(after, |c| c.is_ascii_digit());
        let began = is(joined, |c| matches!(c, '.' | ',' | '/')) && is(earlier, |c| c.is_ascii_digit());
        return !goes_on && !began && !is(joined, |c| matches!(c, '-' | '−'));
    }
    let goes_on = is(joint, |c| matches!(c, '-' | '\'' | '’')) && is(after, char::is_alphanumeric);
    let began = is(joined, |c| matches!(c, '-' | '\'' | '’')) && is(earlier, char::is_alphanumeric);
    !goes_on && !began
}

/// Whether a small letter is a word of the text: "the answer is a matter of taste", "a **prime**", but not "the answer is
/// a."
fn is_word(option: &str, behind: &str) -> bool {
    let mut letters = option.chars();
    let small = letters.next().is_some_and(char::is_lowercase) && letters.next().is_none();
    let opens = |c: char| c.is_whitespace() || matches!(c, '$' | '*' | '_' | '"' | '“' | '`');
    small && behind.starts_with(' ') && behind.trim_start_matches(opens).starts_with(char::is_alphanumeric)
}
