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
const LED: &str = r#"(?:[\s:=*_`"'“„(\[{$]|\\boxed|\\text(?:bf|rm|it)?|\b(?:therefore|thus|then|hence|clearly|indeed|definitely|simply|probably|most|likely|still|also|the|correct|right|best|option|choice|answer|letter|output|response|statement|candidate)\b)*"#;

/// How a statement of what is chosen begins.
const STATED: [&str; 4] = [
    r#"\b(?:answers?|choice|option|solution|(?:correct|right|true|best)\s+(?:one|statement)|antwort|lösung|respuesta|réponse)\b(?:\s+here)?(?:\s+(?:to|of|for|zu|auf)\b[^.:!?\n]{0,60}?)?[\s*_"'”]{0,4}(?:\b(?:is|was|(?:would|should|must|will)\s+be|ist|est|es)\b|[:=])"#,
    r"\b(?:correct|right|best|final)\s+(?:option|choice)\b",
    r"\b(?:I|we)\b(?:\s+(?:would|will|have|must|had|to|can|should|therefore|thus|then|so|am|are|also)|['’](?:d|ll|m|re|ve))*\s+(?:choose|chose|prefer|pick(?:ed)?|select(?:ed)?|go\s+with|going\s+with|went\s+with|opt\s+for|vote\s+for)\b",
    r"\\boxed",
];

/// The same of a label or a grade, behind which an article may stand: "Score: 4", "the tone is positive", "it deserves a 4".
const GRADED: [&str; 4] = [
    r#"\b(?:label|category|class|classification|sentiment|tone|priority|verdict|rating|score|grade|decision)\b(?:\s+(?:of|for|in)\b[^.:!?\n]{0,60}?|\s+\([^)\n]{0,30}\))?[\s*_"'”]{0,4}(?:[:=]|\b(?:is|was|seems|(?:would|should|must)\s+be)\b)"#,
    r"(?:\b(?:is|are|was|were|be)\s+|\b(?:I|we)(?:['’](?:d|ll|ve))?(?:\s+(?:would|will|can|should|must|have))*\s+)(?:classif(?:y|ied)|categori[sz]ed?|label(?:l?ed)?)\b(?:\s+[a-z'’-]+){0,4}?\s+as\b",
    r"\b(?:I|we)(?:['’](?:d|ll|ve))?(?:\s+(?:would|will|can|should|must|have))*\s+(?:rate|give|grade|score)\b(?:\s+(?:it|this|that|the)\b(?:\s+[a-z-]+){0,3}?)?(?:\s+(?:as|at|with))?",
    r"\b(?:deserves|earns|merits)\b",
];

/// What names an answer and says nothing of it yet: "answer B describes meiosis".
const NAMED: &str = r"\b(?:answer|antwort|respuesta|réponse)\b";

/// What is said of the right option. "B is correct but too short" does not say that.
const PRAISED: &str = r"(?:is|seems|must\s+be)\s+(?:\w+ly\s+)?(?:the\s+(?:correct|right|best|better)\b|(?:correct|right|best|better)\s*(?:[.,;!\n]|\z|because\b|since\b|as\b|than\b)|(?:the|my)\s+(?:answer|choice|pick|solution)\s*(?:[.,;!\n]|\z|because\b|since\b|as\b|here\b))";

/// The same in a list that goes through all options: "B. Incorrect: too late. C. Correct: it fits."
const MARKED: &str = r"[.:–—-]\s*[*_]*correct\b[*_]*\s*(?:[.:!\n–—-]|\z)";

/// The same behind what the option says: "B) 4 – correct".
const MARKED_BEHIND: &str = r"[*_]*[.:)\]]*[ \t]+[^\n,;]{0,60}?[:(–—-]\s*[*_]*correct\b[*_]*\s*(?:[.:!)\n–—-]|\z)";

/// What leads to a conclusion.
const CONCLUDED: &str = r"(?:therefore|thus|hence|overall|in\s+conclusion|or\s+rather)\b,?";

/// What leads to one before a letter.
const SO: &str = r"so\b,?";

/// The same before a word, which "so" alone may only stress: "so positive".
const SO_WITH_COMMA: &str = "so,";

/// What may stand before the option of a conclusion.
const IT_IS: &str = r"(?:it|this|that)\s+(?:is|was|must\s+be|has\s+to\s+be)\b";

/// What tells what something is.
const COPULA: &str = r"(?:['’]s|\bis|\bwas|\bbe|\bseems|\bsounds|\bfeels|\breads\s+as)(?:\s+(?:\w+ly|overall|very|rather|quite|more|most|still|an?|the|option|answer|choice))*\s+";

/// What stands between the option that an answer begins with and its reasons.
const TERMINATED: &str = r#"[\s*_`"'”)\]}$]*(?:[.,:;!)\]\n]|\*\*|[-–—]\s)"#;

/// The same behind an option that is no letter: "Positive (it praises the food)". Behind a letter it may be an article's.
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
const NOT: &str = r"\b(?:not|[a-z]*n['’]t|nor|neither|unlike|if|whether|suppos(?:e|ing)|assum(?:e|ing)|(?:rather|other)\s+than|instead\s+of|rul(?:es?|ed|ing)\s+out|eliminat(?:es?|ed|ing)|exclud(?:es?|ed|ing)|(?:if|whether|unless)\s+(?:it|this|that|the\s+\w+)\s+(?:is|was|were)|(?:not|never|cannot|[a-z]*n['’]t)\s+(?:be\s+)?(?:classif|categori|label)\w+(?:\s+[a-z'’-]+){0,4}?\s+as)\s+(?:(?:the|an?|options?|answers?|choices?|either|both)\s+)*";

/// What praises though it begins like a denial: "B is not only plausible but also supported".
const NOT_ONLY: &str = r"\s*(?:is|are|was|were|does|do)\s+not\s+(?:only|just|merely)\b";

/// What leads to a choice that is only supposed where a [`CONDITION`] follows it.
const WOULD: &str = r"(?:\bwould|['’]d)\b[^.!?\n]*\z";

/// The condition: "I would choose A only if it were new". "I would choose B if I had to" is a choice all the same.
const CONDITION: &str = r"\s*(?:only\s+if|if\s+(?:the|an?|its?|th(?:at|is|ese|ose|ere|ey)|he|she|no|not|all))\b";

/// What a grade is one of: "4/5", "4 (out of 5)", "4 on a scale of 1 to 5".
const OF_SCALE: &str = r"(?:\d\s*/|\bout\s+of\b|\bscale\s+(?:of|from)\b(?:\s+\d+\s*(?:to|through|[-–—])?)?)\s*";

/// The first of a scale: "1-5".
const TO_SCALE: &str = r"[-–—]\d";

/// The ways to name an option, the surest first: what is found on one decides before what is found on a later one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rung {
    /// The option is the whole answer.
    Whole,
    /// The answer ends with a line of the option alone.
    Closing,
    /// The answer says which it chooses ("the answer is B", "Label: B", "I choose B", `\boxed{B}`), or calls it the right
    /// one ("B is correct").
    Said,
    /// The option is a whole value of a JSON object.
    Value,
    /// The answer begins with the option: `B) because`, "Yes, there is".
    Begun,
    /// The answer ends with the option in bold or behind a colon, in the midst of a line.
    Ended,
    /// A conclusion: "so B", "therefore (B)".
    Concluded,
    /// The option is called an answer: "answer B".
    Named,
    /// The option is what something is: "it must be B", "the review is negative".
    Predicate,
    /// The option in brackets.
    Bracketed,
    /// A line begins with the option, as in a list of them.
    Line,
    /// The option anywhere.
    Mentioned,
}

impl Rung {
    pub(super) const ALL: [Self; 12] = [
        Self::Whole,
        Self::Closing,
        Self::Said,
        Self::Value,
        Self::Begun,
        Self::Ended,
        Self::Concluded,
        Self::Named,
        Self::Predicate,
        Self::Bracketed,
        Self::Line,
        Self::Mentioned,
    ];

    /// Whether nothing says that an option found so is chosen: of several none is.
    pub(super) fn is_only_mention(self) -> bool {
        matches!(self, Self::Bracketed | Self::Line | Self::Mentioned)
    }
}

/// What options are, which tells what else their signs may mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Signs {
    /// Each is a single letter.
    Letters,
    /// Each is a whole number, up to the highest.
    Grades(u32),
    Words,
}

impl Signs {
    pub(super) fn of(options: &[String]) -> Self {
        let grades: Option<Vec<u32>> = options.iter().map(|option| option.trim().parse().ok()).collect();
        match grades.and_then(|grades| grades.into_iter().max()) {
            Some(highest) => Self::Grades(highest),
            None if options.iter().all(|option| option.trim().chars().count() == 1) => Self::Letters,
            None => Self::Words,
        }
    }
}

/// The forms of each rung. Each captures the option.
pub(super) struct Forms(Vec<(Rung, Regex)>);

impl Forms {
    /// The forms for options, of which `any` is the pattern.
    pub(super) fn of(any: &str, signs: Signs) -> Result<Self, regex::Error> {
        let option = format!(r"\b{{start-half}}({any})\b{{end-half}}");
        let single = signs != Signs::Words;
        // A single small letter is mostly a word: in the midst of a text it counts only as it is written.
        let cased = if single { option.clone() } else { format!("(?i:{option})") };
        let (stated, graded) = (STATED.join("|"), GRADED.join("|"));
        let terminated = match signs {
            Signs::Letters => TERMINATED.to_owned(),
            Signs::Grades(_) | Signs::Words => format!("(?:{TERMINATED}|{EXPLAINED})"),
        };
        let so = if signs == Signs::Letters { SO } else { SO_WITH_COMMA };
        let patterns = [
            (
                Rung::Whole,
                format!(r"(?i)\A{AROUND}(?:(?:the\s+)?(?:option|answer|choice)\b{AROUND})?{option}{AROUND}\z"),
            ),
            (Rung::Closing, format!(r"(?i)\n{AROUND}{option}{AROUND}\z")),
            (Rung::Said, format!(r"(?i)(?:{stated}){LED}{option}")),
            (Rung::Said, format!(r"(?i)(?:{graded}){LED}(?:\ban?\s+{OPENED})?{option}")),
            (Rung::Said, format!(r"(?i){option}{CLOSED}(?:{PRAISED}|{MARKED})")),
            (Rung::Said, format!(r"(?im)^{OPENED}{option}{MARKED_BEHIND}")),
            (Rung::Value, format!(r#"(?i)"\s*:\s*"\s*{option}\s*""#)),
            (Rung::Begun, format!(r"(?i)\A{OPENED}{option}{terminated}")),
            (Rung::Ended, format!(r"(?i)(?:\*\*|:\s){OPENED}{option}{AROUND}\z")),
            (Rung::Concluded, format!(r"(?i:\b(?:{so}|{CONCLUDED})(?:\s+{IT_IS})?{LED}){cased}")),
            (Rung::Named, format!(r"(?i){NAMED}{LED}{option}")),
            (Rung::Predicate, format!(r"(?i:{COPULA}){OPENED}{cased}")),
            (Rung::Bracketed, format!(r"[(\[]\s*{cased}\s*[)\]]")),
            (Rung::Line, format!(r"(?im)^{OPENED}{option}[*_]*[ \t]*(?:[.:)\]]|$)")),
            (Rung::Mentioned, cased.clone()),
        ];
        // "There are 3 reasons": what is counted is no grade.
        let fits = |rung: Rung| rung != Rung::Predicate || !matches!(signs, Signs::Grades(_));
        let forms = patterns.into_iter().filter(|(rung, _)| fits(*rung));
        Ok(Self(forms.map(|(rung, form)| Ok((rung, Regex::new(&form)?))).collect::<Result<_, _>>()?))
    }

    /// What the forms of a rung find.
    pub(super) fn hits<'a>(&self, rung: Rung, text: &'a str) -> impl Iterator<Item = Match<'a>> {
        let forms = self.0.iter().filter(move |(of, _)| *of == rung);
        forms.flat_map(move |(_, form)| form.captures_iter(text).filter_map(|hit| hit.get(1)))
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
    signs: Signs,
}

impl Denials {
    /// The denials of options, of which `any` is the pattern.
    pub(super) fn of(any: &str, signs: Signs) -> Result<Self, regex::Error> {
        let other = format!(r"{OPENED}\b{{start-half}}(?:{any})\b{{end-half}}{CLOSED}");
        let list = format!(r"(?:(?:,|,?\s*\b(?:and|or|nor)\b|&){other})*");
        let (one, many) = (rejected(ONE), rejected(MANY));
        Ok(Self {
            before: Regex::new(&format!(r"(?i)(?:{NOT}(?:{other}(?:or|nor)\s+)*{OPENED}|{OF_SCALE})\z"))?,
            behind: Regex::new(&format!(r"(?i)\A{CLOSED}(?:\?|{TO_SCALE}|{one}|{list}(?:{many}))"))?,
            subject: Regex::new(&format!(
                r"(?i)\A(?:,\s*(?:and|or)?{other}|[*_ ]*[)\]][*_]*\s+(?:is|are|was|were|has|would|could|does|says|and|or)\b)"
            ))?,
            not_only: Regex::new(&format!(r"(?i)\A{CLOSED}{NOT_ONLY}"))?,
            would: Regex::new(&format!("(?i){WOULD}"))?,
            condition: Regex::new(&format!(r"(?i)\A{CLOSED}{CONDITION}"))?,
            signs,
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
            && !is_word(before, option.as_str(), behind)
            && !denied
            && !supposed
    }

    /// What stands behind a grade and the end of its scale: `4/5` is 4 where 5 is the highest, `4.0` is 4, and `4/50` is no
    /// option.
    fn behind_fraction<'a>(&self, behind: &'a str) -> &'a str {
        let Signs::Grades(highest) = self.signs else { return behind };
        let without = |text: &'a str, end: &str| {
            let rest = text.strip_prefix(end);
            rest.filter(|rest| !rest.starts_with(|c: char| c.is_ascii_digit())).unwrap_or(text)
        };
        without(without(behind, ".0"), &format!("/{highest}"))
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

/// Whether what an option is written with is a word of the text: an article, a pronoun, the "no" of "no signs".
fn is_word(before: &str, option: &str, behind: &str) -> bool {
    let next = behind.strip_prefix(' ').map(|rest| rest.split(|c: char| !c.is_alphanumeric()).next().unwrap_or(""));
    let next = next.filter(|next| next.starts_with(char::is_lowercase));
    match option {
        "A" => begins_sentence(before) && next.is_some_and(|next| !follows_option(next)),
        "I" => next.is_some_and(|next| next == "was" || !follows_option(next)),
        _ if option.eq_ignore_ascii_case("no") => next.is_some_and(|next| !FOLLOWS_NO.contains(&next)),
        _ => is_small_word(option, behind),
    }
}

/// Words that follow a "no" which is an answer; before others it is an article.
const FOLLOWS_NO: [&str; 26] = [
    "it", "he", "she", "they", "we", "you", "this", "that", "these", "those", "there", "because", "since", "as", "but",
    "and", "or", "to", "for", "in", "on", "with", "at", "if", "when", "is",
];

/// Words that follow an option, and neither an article nor a pronoun, beside verbs in the third person.
const FOLLOWS_OPTION: [&str; 18] = [
    "and", "or", "because", "since", "but", "if", "then", "would", "could", "should", "can", "will", "must", "may",
    "might", "over", "than", "to",
];

fn follows_option(word: &str) -> bool {
    FOLLOWS_OPTION.contains(&word) || (word.ends_with('s') && !word.ends_with("ss"))
}

fn begins_sentence(before: &str) -> bool {
    let before = before.trim_end_matches(['*', '_', '"', '“', '(']);
    before.is_empty() || before.ends_with('\n') || before.trim_end().ends_with(['.', '!', '?', ':'])
}

/// Whether a small letter is a word of the text: "the answer is a matter of taste", "a **prime**", but not "the answer is
/// a."
fn is_small_word(option: &str, behind: &str) -> bool {
    let mut letters = option.chars();
    let small = letters.next().is_some_and(char::is_lowercase) && letters.next().is_none();
    let opens = |c: char| c.is_whitespace() || matches!(c, '$' | '*' | '_' | '"' | '“' | '`');
    small && behind.starts_with(' ') && behind.trim_start_matches(opens).starts_with(char::is_alphanumeric)
}
