//! What an instruction is told, checked when the suite is read or, where it names parts of the case, for every case.

use std::sync::LazyLock;

use promptgate_core::Diagnostic;
use promptgate_core::assertion::AssertionSpec;
use promptgate_core::case::Case;
use regex::Regex;
use serde_json::Value;

use super::{Instruction, superfluous};
use crate::assertion::expected::{Expected, Rule, some_text, some_texts};

/// An argument of an instruction.
pub(super) struct Argument {
    pub(super) name: &'static str,
    pub(super) rule: Rule,
    /// Whether the instruction has a default for it.
    pub(super) optional: bool,
}

impl Argument {
    const fn of(name: &'static str, rule: Rule) -> Self {
        Self { name, rule, optional: false }
    }
}

/// The arguments that several instructions share.
pub(super) const COUNT: Argument = Argument::of("count", whole_number);
pub(super) const RELATION: Argument = Argument::of("relation", relation);
pub(super) const NTH: Argument = Argument::of("nth", whole_number);
pub(super) const KEYWORDS: Argument = Argument::of("keywords", some_texts);
pub(super) const KEYWORD: Argument = Argument::of("keyword", text);
pub(super) const WORDS: Argument = Argument::of("words", some_texts);
pub(super) const WORD: Argument = Argument::of("word", text);
pub(super) const LETTER: Argument = Argument::of("letter", letter);
pub(super) const LANGUAGE: Argument = Argument::of("language", crate::assertion::language::known);
pub(super) const MARKER: Argument = Argument::of("marker", text);
pub(super) const SPLITTER: Argument = Argument::of("splitter", text);
pub(super) const TEXT: Argument = Argument::of("text", text);
pub(super) const VALUE: Argument = Argument::of("value", text);
pub(super) const VALUES: Argument = Argument { optional: true, ..Argument::of("values", some_texts) };

fn whole_number(value: &Value) -> Result<(), String> {
    match value.as_u64() {
        Some(1..=1_000_000) => Ok(()),
        _ => Err("is not a whole number from 1 to 1,000,000".to_owned()),
    }
}

fn relation(value: &Value) -> Result<(), String> {
    match value.as_str() {
        Some("at least" | "less than") => Ok(()),
        _ => Err("is neither \"at least\" nor \"less than\"".to_owned()),
    }
}

fn text(value: &Value) -> Result<(), String> {
    match value {
        Value::String(text) if text.trim().is_empty() => Err("is empty".to_owned()),
        Value::String(_) => some_text(value),
        _ => Err("is not a text".to_owned()),
    }
}

fn letter(value: &Value) -> Result<(), String> {
    match value.as_str().map(|text| text.chars().count()) {
        Some(1) => Ok(()),
        _ => Err("is not one letter".to_owned()),
    }
}

/// The arguments as the suite says them.
pub(super) struct Given(Vec<(&'static str, Expected)>);

impl Given {
    /// Those the instruction has, all that it needs and no other.
    pub(super) fn read(
        spec: &AssertionSpec,
        instruction: &Instruction,
        given: impl IntoIterator<Item = (&'static str, Option<Value>)>,
    ) -> Result<Self, Diagnostic> {
        let mut read = Vec::new();
        for (key, value) in given {
            let argument = instruction.arguments.iter().find(|argument| argument.name == key);
            match (argument, value) {
                (None, None) => {}
                (None, Some(_)) => return Err(superfluous(spec, instruction, key)),
                (Some(argument), None) if argument.optional => {}
                (Some(_), None) => {
                    let mistake = spec.params.mistake("", format!("`{}` needs `{key}`", instruction.id));
                    return Err(mistake.help(format!("add `{key} = ...`")));
                }
                (Some(argument), Some(value)) => {
                    read.push((key, Expected::read(&spec.params, key, &value, argument.rule)?));
                }
            }
        }
        Ok(Self(read))
    }

    pub(super) fn check(&self, case: &Case) -> Result<(), Diagnostic> {
        self.0.iter().try_for_each(|(_, expected)| expected.check(case))
    }

    /// The arguments for a case.
    pub(super) fn args(&self, case: &Case) -> Result<Args, String> {
        let of_case =
            |(name, expected): &(&'static str, Expected)| Ok::<_, String>((*name, expected.value(case)?.into_owned()));
        Ok(Args { values: self.0.iter().map(of_case).collect::<Result<_, _>>()? })
    }
}

/// The arguments for one case, each of which keeps its rule.
pub(super) struct Args {
    values: Vec<(&'static str, Value)>,
}

impl Args {
    fn get(&self, name: &str) -> Option<&Value> {
        self.values.iter().find(|(known, _)| *known == name).map(|(_, value)| value)
    }

    /// A text; empty where it is not given.
    pub(super) fn text(&self, name: &str) -> &str {
        self.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    /// A number; 0 where it is not given.
    pub(super) fn number(&self, name: &str) -> usize {
        self.get(name).and_then(Value::as_u64).and_then(|number| usize::try_from(number).ok()).unwrap_or_default()
    }

    /// A list of texts.
    pub(super) fn texts(&self, name: &str) -> Vec<&str> {
        self.get(name).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect()
    }

    /// Whether a list was given.
    pub(super) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Whether so many are as many as `relation` and `count` ask for.
    pub(super) fn holds(&self, found: usize) -> bool {
        match self.text("relation") {
            "less than" => found < self.number("count"),
            _ => found >= self.number("count"),
        }
    }

    /// The arguments in one line.
    pub(super) fn told(&self) -> String {
        self.values.iter().map(|(name, value)| format!("{name} = {value}")).collect::<Vec<_>>().join(", ")
    }
}

/// A text in which letter case does not count.
pub(super) fn folded(text: &str) -> String {
    text.to_lowercase()
}

/// What words are made of: letters with the marks upon them, digits and `_`. Without its marks a word of Hindi, or one whose
/// accents stand apart, would be several.
static OF_WORD: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^[\w\p{N}]$").ok());

/// Whether a character is part of a word.
pub(super) fn is_of_word(c: char) -> bool {
    if c.is_ascii() { c.is_ascii_alphanumeric() || c == '_' } else { is_one_of(&OF_WORD, c) }
}

/// Decimal digits of every script, which `①` and `½` are not.
static DECIMAL: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"^\d$").ok());

/// Whether a character is a decimal digit.
pub(super) fn is_decimal(c: char) -> bool {
    if c.is_ascii() { c.is_ascii_digit() } else { is_one_of(&DECIMAL, c) }
}

fn is_one_of(class: &Option<Regex>, c: char) -> bool {
    class.as_ref().is_some_and(|class| class.is_match(c.encode_utf8(&mut [0; 4])))
}

/// Whether a text has letters and none of them is small.
pub(super) fn is_upper(text: &str) -> bool {
    text.chars().any(char::is_uppercase) && !text.chars().any(char::is_lowercase)
}
