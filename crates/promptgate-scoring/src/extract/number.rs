//! `number`: the first or last number of a text, as people write numbers: `1,234.50`, `-$3`, `50%`, `.5`, `1e6`.

use std::borrow::Cow;
use std::ops::Range;

use promptgate_core::Diagnostic;
use promptgate_core::assertion::ExtractStep;
use serde::Deserialize;
use serde_json::Value;

use super::locale::Locale;
use super::{ExtractExample, Extractor, ExtractorKind, Which};
use crate::assertion::{Parameter, Subject};

/// The table entry.
pub(super) const KIND: ExtractorKind = ExtractorKind {
    name: "number",
    summary: "the first or last number; `,` between groups of three digits, `$`, `€`, `£`, `¥` and `%` do not count, so \
        `50%` is 50; an en dash before it is a minus where `-` would be",
    parameters: &[
        Parameter { name: "number", doc: "`\"first\"`, `\"last\"`, or `true` together with `which`" },
        Parameter { name: "which", doc: "`first` (default) or `last`" },
        Parameter {
            name: "locale",
            doc: "how numbers are written: `en` 1,234.5 (default), `de` 1.234,5 or 1 234,5, `fr` 1 234,5, `ch` 1'234.5",
        },
    ],
    finds: ExtractExample {
        table: "{ number = \"last\" }",
        output: "3 boxes of 450 make $1,350.00 in all.",
        taken: Some("1350"),
    },
    misses: ExtractExample { table: "{ number = \"last\" }", output: "a dozen, or NaN", taken: None },
    build,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    which: Option<Which>,
    #[serde(default)]
    locale: Locale,
}

struct TakeNumber {
    which: Which,
    locale: Locale,
}

fn build(step: &ExtractStep) -> Result<Box<dyn Extractor>, Diagnostic> {
    let Params { which, locale } = step.params.read("the extractor `number`")?;
    let which = match (step.argument.as_str(), which) {
        (Some("first"), None) => Which::First,
        (Some("last"), None) => Which::Last,
        (None, which) if step.argument == Value::Bool(true) => which.unwrap_or_default(),
        _ => {
            let message = format!("`number` is {}", step.argument);
            let help = "write `number = \"first\"`, `number = \"last\"`, or `number = true` beside `which`";
            return Err(step.params.mistake("number", message).help(help));
        }
    };
    Ok(Box::new(TakeNumber { which, locale }))
}

impl Extractor for TakeNumber {
    fn extract<'a>(&self, subject: Subject<'a>) -> Result<Subject<'a>, String> {
        if let Subject::Value(value) = &subject
            && value.is_number()
        {
            return Ok(subject);
        }
        let text = subject.text();
        let mut numbers = Numbers { text: &text, at: 0, locale: self.locale };
        let found = match self.which {
            Which::First => numbers.next(),
            Which::Last => numbers.last(),
        };
        let (_, number) = found.ok_or("there is no number in the text")?;
        Ok(Subject::Value(Cow::Owned(number.to_json())))
    }
}

/// A number, exact where it is whole.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Numeric {
    /// A whole number.
    Whole(i128),
    /// Any other; never NaN, never infinite.
    Real(f64),
}

impl Numeric {
    /// The number a JSON value is, or that its text is as a whole.
    pub(crate) fn of_value(value: &Value, locale: Locale) -> Option<Self> {
        match value {
            Value::Number(number) => Self::of_json(number),
            Value::String(text) => Self::of_text(text, locale),
            _ => None,
        }
    }

    fn of_json(number: &serde_json::Number) -> Option<Self> {
        let whole = number.as_i64().map(i128::from).or_else(|| number.as_u64().map(i128::from));
        whole.map(Self::Whole).or_else(|| number.as_f64().and_then(Self::real))
    }

    /// The number a text is as a whole, white space at its ends left out.
    pub(crate) fn of_text(text: &str, locale: Locale) -> Option<Self> {
        let text = text.trim();
        // The answer may be a sentence.
        let text = text.strip_suffix('.').unwrap_or(text);
        let (range, number) = Numbers { text, at: 0, locale }.next()?;
        (range == (0..text.len())).then_some(number)
    }

    /// The number a text begins with, and what stands behind its digits, white space at both ends left out.
    pub(crate) fn with_rest(text: &str, locale: Locale) -> Option<(Self, &str)> {
        let text = text.trim();
        let mut numbers = Numbers { text, at: 0, locale };
        let (range, number) = numbers.next()?;
        (range.start == 0).then(|| (number, text[numbers.at..].trim_start()))
    }

    /// As a double, rounded where it must be.
    pub(crate) fn as_f64(self) -> f64 {
        match self {
            Self::Whole(value) => value as f64,
            Self::Real(value) => value,
        }
    }

    /// Whether it is larger than another.
    pub(crate) fn is_above(self, other: Self) -> bool {
        match (self, other) {
            (Self::Whole(this), Self::Whole(other)) => this > other,
            _ => self.as_f64() > other.as_f64(),
        }
    }

    fn real(value: f64) -> Option<Self> {
        match value.fract() == 0.0 && value.abs() < 1e38 {
            true => Some(Self::Whole(value as i128)),
            false => value.is_finite().then_some(Self::Real(value)),
        }
    }

    fn to_json(self) -> Value {
        match self {
            Self::Whole(value) => match (i64::try_from(value), u64::try_from(value)) {
                (Ok(value), _) => Value::from(value),
                (_, Ok(value)) => Value::from(value),
                _ => Value::from(value as f64),
            },
            Self::Real(value) => Value::from(value),
        }
    }
}

/// The numbers of a text, each with where it stands, its sign and signs of currency and percent included.
struct Numbers<'a> {
    text: &'a str,
    /// The end of the last number's digits.
    at: usize,
    locale: Locale,
}

impl Iterator for Numbers<'_> {
    type Item = (Range<usize>, Numeric);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let begin = self.digits_from(self.at)?;
            let end = begin + number_length(&self.text[begin..], self.locale);
            self.at = end;
            let (sign_begin, negative) = sign_before(self.text, begin);
            if let Some(number) = read(&self.text[begin..end], negative, self.locale) {
                return Some((sign_begin..end_of_signs(self.text, end), number));
            }
        }
    }
}

impl Numbers<'_> {
    /// Where the next number's digits, or the point before them, begin.
    fn digits_from(&self, from: usize) -> Option<usize> {
        let bytes = self.text.as_bytes();
        let first = from + bytes[from..].iter().position(u8::is_ascii_digit)?;
        let point = first > from
            && char::from(bytes[first - 1]) == self.locale.decimal()
            && (first < 2 || !bytes[first - 2].is_ascii_alphanumeric());
        Some(if point { first - 1 } else { first })
    }
}

/// How long the number is that a text begins with: digits with groups of three, a fraction, an exponent.
fn number_length(text: &str, locale: Locale) -> usize {
    let bytes = text.as_bytes();
    let digits = |from: usize| from + bytes[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let mut end = digits(0);
    if (1..=3).contains(&end) {
        end = end_of_groups(text, end, locale, digits);
    }
    if text[end..].starts_with(locale.decimal()) && bytes.get(end + 1).is_some_and(u8::is_ascii_digit) {
        end = digits(end + 1);
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let signed = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        let exponent = end + 1 + signed;
        if bytes.get(exponent).is_some_and(u8::is_ascii_digit) {
            end = digits(exponent);
        }
    }
    end
}

/// What a text begins with, where it may stand between groups; `{,}` is how LaTeX writes a comma without a space behind it.
fn group_sign(text: &str, locale: Locale) -> Option<&str> {
    if text.starts_with("{,}") && locale.groups().contains(&',') {
        return Some(&text[..3]);
    }
    let sign = text.chars().next().filter(|sign| locale.groups().contains(sign))?;
    Some(&text[..sign.len_utf8()])
}

/// Signs of currency, before a number or behind it.
const CURRENCIES: [char; 4] = ['$', '€', '£', '¥'];

/// Where a sign of percent or of currency ends that stands behind a number, or the number itself.
fn end_of_signs(text: &str, end: usize) -> usize {
    let behind = text[end..].trim_start_matches([' ', '\u{a0}', '\u{202f}']);
    let sign = behind.chars().next().filter(|sign| *sign == '%' || CURRENCIES.contains(sign));
    sign.map_or(end, |sign| text.len() - behind.len() + sign.len_utf8())
}

/// Where the groups of three end that follow the first digits, all behind the same sign.
fn end_of_groups(text: &str, mut end: usize, locale: Locale, digits: impl Fn(usize) -> usize) -> usize {
    let Some(sign) = group_sign(&text[end..], locale) else { return end };
    while text[end..].starts_with(sign) && digits(end + sign.len()) == end + sign.len() + 3 {
        end += sign.len() + 3;
    }
    end
}

/// The sign and the currency before a number, in either order, and whether the sign is a minus. What stands between two
/// operands (`16-3`, `a-3`, `3–5`) is no sign.
fn sign_before(text: &str, begin: usize) -> (usize, bool) {
    let currency = |head: &str| head.strip_suffix(CURRENCIES).map_or(head.len(), str::len);
    let head = &text[..currency(&text[..begin])];
    let is_sign = |sign: &char| matches!(sign, '-' | '+' | '\u{2011}' | '\u{2013}' | '\u{2212}');
    let Some(sign) = head.chars().next_back().filter(is_sign) else {
        return (head.len(), false);
    };
    let before = &head[..head.len() - sign.len_utf8()];
    if before.chars().next_back().is_some_and(|c| c.is_alphanumeric() || matches!(c, ')' | ']' | '.' | '%')) {
        return (head.len(), false);
    }
    (currency(before), sign != '+')
}

fn read(digits: &str, negative: bool, locale: Locale) -> Option<Numeric> {
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    let digits: Cow<'_, str> = match plain {
        true => digits.into(),
        false => digits.replace(['{', '}'], "").replace(locale.groups(), "").replace(locale.decimal(), ".").into(),
    };
    let sign = if negative { -1 } else { 1 };
    match digits.parse::<i128>() {
        Ok(value) => Some(Numeric::Whole(sign * value)),
        Err(_) => Numeric::real(f64::from(sign as i8) * digits.parse::<f64>().ok()?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(text: &str, locale: Locale) -> impl Iterator<Item = (Range<usize>, Numeric)> {
        Numbers { text, at: 0, locale }
    }

    fn of_text(text: &str) -> Option<Numeric> {
        Numeric::of_text(text, Locale::En)
    }

    #[track_caller]
    fn check(text: &str, expected: &[f64]) {
        let found: Vec<f64> = numbers(text, Locale::En).map(|(_, number)| number.as_f64()).collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn numbers_are_read_as_people_write_them() {
        check("$1,234.50 or 1234,5", &[1234.5, 1234.0, 5.0]);
        check("-$3, $-4, +5, \u{2212}6 and - 7", &[-3.0, -4.0, 5.0, -6.0, 7.0]);
        check("16-3=13, a-1, (2)-3", &[16.0, 3.0, 13.0, 1.0, 2.0, 3.0]);
        check("50%, 7 %, .5 and -.25.", &[50.0, 7.0, 0.5, -0.25]);
        check("1e6 2E-2 3e x", &[1e6, 0.02, 3.0]);
        check("<<48/2=24>>24 clips.", &[48.0, 2.0, 24.0, 24.0]);
        check("12,34,567 1,2345 1234,567", &[12.0, 34567.0, 1.0, 2345.0, 1234.0, 567.0]);
        check("v1.2.3", &[1.2, 3.0]);
        check("\u{2013}5, \u{2011}6 and pages 3\u{2013}5, 3 \u{2013} 5", &[-5.0, -6.0, 3.0, 5.0, 3.0, 5.0]);
        check("1{,}000{,}000 and 1{,}00, 1{2", &[1_000_000.0, 1.0, 0.0, 1.0, 2.0]);
        check("-€3, £-4, 5 €", &[-3.0, -4.0, 5.0]);
    }

    #[test]
    fn what_is_no_number_or_beyond_all_numbers_is_none() {
        check("NaN, inf, -Infinity, x", &[]);
        check("", &[]);
        check("1e999 2", &[2.0]);
        check("٣ ½", &[]);
    }

    #[test]
    fn a_text_is_a_number_only_as_a_whole() {
        let of = |text| of_text(text).map(Numeric::as_f64);
        assert_eq!(of(" $1,200 "), Some(1200.0));
        assert_eq!(of("-5 %"), Some(-5.0));
        assert_eq!(of("€1,200.50"), Some(1200.5));
        assert_eq!(of("\u{2013}£3"), Some(-3.0));
        assert_eq!(of("12\u{a0}€."), Some(12.0));
        assert_eq!(of("42."), Some(42.0));
        assert_eq!(of("42.."), None);
        assert_eq!(of("."), None);
        assert_eq!(of("5 apples"), None);
        assert_eq!(of("1 2"), None);
        assert_eq!(of("--1"), None);
        assert_eq!(of(""), None);
    }

    #[test]
    fn whole_numbers_are_exact_beyond_a_double() {
        assert_eq!(of_text("9007199254740993"), Some(Numeric::Whole(9_007_199_254_740_993)));
        assert_ne!(of_text("9007199254740993"), of_text("9007199254740992"));
        assert_eq!(of_text("18.00"), Some(Numeric::Whole(18)));
    }

    #[test]
    fn each_locale_has_its_own_signs() {
        let check = |locale, text: &str, expected: &[f64]| {
            let found: Vec<f64> = numbers(text, locale).map(|(_, number)| number.as_f64()).collect();
            assert_eq!(found, expected, "{text}");
        };
        check(Locale::De, "1.234,50 und 1\u{a0}234\u{202f}5, -0,5 ,25", &[1234.5, 1234.0, 5.0, -0.5, 0.25]);
        check(Locale::De, "1.234 567 1.5 1.234.567,8e2", &[1234.0, 567.0, 1.0, 5.0, 123_456_780.0]);
        check(Locale::Fr, "1 234,5 1\u{202f}234\u{202f}567 1.234", &[1234.5, 1_234_567.0, 1.0, 234.0]);
        check(Locale::Ch, "1'234.50 1\u{2019}234 12'34", &[1234.5, 1234.0, 12.0, 34.0]);
        check(Locale::En, "1 234,567.5 1'234", &[1.0, 234_567.5, 1.0, 234.0]);
        for locale in Locale::ALL {
            check(locale, "", &[]);
            check(locale, "1\u{301}e\u{202f}\u{2019}", &[1.0]);
        }
    }

    #[test]
    fn what_stands_behind_a_number_is_told() {
        assert_eq!(Numeric::with_rest(" -5,000.5\u{a0}m/s ", Locale::En), Some((Numeric::Real(-5000.5), "m/s")));
        assert_eq!(Numeric::with_rest("5 %", Locale::En), Some((Numeric::Whole(5), "%")));
        assert_eq!(Numeric::with_rest("about 5 m", Locale::En), None);
    }
}
