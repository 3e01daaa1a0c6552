//! Arithmetic over metrics: numbers, names, `+ - * /`, comparisons and parentheses. A formula never fails while it is
//! reckoned: where a part has no value, or the result is no number, it has no value either.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Serialize, Serializer};

use crate::name::MetricName;

/// A longer text, or deeper parentheses, are a slip.
const LONGEST: usize = 1_000;
const DEEPEST: usize = 32;

/// A formula, read.
#[derive(Debug, Clone, PartialEq)]
pub struct Formula {
    text: String,
    root: Term,
}

/// Why a text is no formula.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message} (character {at})")]
pub struct FormulaError {
    /// The character at which it stops being one, from 1.
    pub at: usize,
    /// What is wrong there.
    pub message: String,
}

#[derive(Debug, Clone, PartialEq)]
enum Term {
    Number(f64),
    Metric(MetricName),
    Minus(Box<Term>),
    Both(Operator, Box<(Term, Term)>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Add,
    Subtract,
    Multiply,
    Divide,
    Below,
    AtMost,
    Above,
    AtLeast,
    Equal,
    Unequal,
}

impl Operator {
    /// By sign, the longer ones first.
    const COMPARISONS: [(&'static str, Self); 6] = [
        ("<=", Self::AtMost),
        (">=", Self::AtLeast),
        ("==", Self::Equal),
        ("!=", Self::Unequal),
        ("<", Self::Below),
        (">", Self::Above),
    ];
    const SUMS: [(&'static str, Self); 2] = [("+", Self::Add), ("-", Self::Subtract)];
    const PRODUCTS: [(&'static str, Self); 2] = [("*", Self::Multiply), ("/", Self::Divide)];

    /// Comparisons are 1 or 0, and forgive what rounding does.
    fn apply(self, a: f64, b: f64) -> f64 {
        let near = (a - b).abs() <= 1e-12 * a.abs().max(b.abs()).max(1.0);
        let truth = |holds: bool| f64::from(u8::from(holds));
        match self {
            Self::Add => a + b,
            Self::Subtract => a - b,
            Self::Multiply => a * b,
            Self::Divide => a / b,
            Self::Below => truth(a < b && !near),
            Self::AtMost => truth(a < b || near),
            Self::Above => truth(a > b && !near),
            Self::AtLeast => truth(a > b || near),
            Self::Equal => truth(near),
            Self::Unequal => truth(!near),
        }
    }
}

impl Formula {
    /// Reads a formula. A metric is named by letters, digits and `_`, or by anything between single quotes.
    ///
    /// # Errors
    ///
    /// What is no formula, and where.
    pub fn parse(text: &str) -> Result<Self, FormulaError> {
        let mut parser = Parser { text, at: 0, depth: 0 };
        if text.len() > LONGEST {
            return Err(parser.error(format!("a formula has at most {LONGEST} characters")));
        }
        let root = parser.comparison()?;
        match parser.rest() {
            "" => Ok(Self { text: text.to_owned(), root }),
            rest => Err(parser.error(format!("`{}` does not belong here", rest.chars().next().unwrap_or(' ')))),
        }
    }

    /// The metrics it names.
    pub fn names(&self) -> BTreeSet<MetricName> {
        let mut names = BTreeSet::new();
        self.root.names(&mut names);
        names
    }

    /// The value, given that of each metric; absent where one that counts is absent, or the result is not finite.
    pub fn value(&self, of: &dyn Fn(&MetricName) -> Option<f64>) -> Option<f64> {
        self.root.value(of).filter(|value| value.is_finite())
    }
}

impl fmt::Display for Formula {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for Formula {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl Term {
    fn names(&self, names: &mut BTreeSet<MetricName>) {
        match self {
            Self::Number(_) => {}
            Self::Metric(name) => drop(names.insert(name.clone())),
            Self::Minus(term) => term.names(names),
            Self::Both(_, terms) => {
                terms.0.names(names);
                terms.1.names(names);
            }
        }
    }

    fn value(&self, of: &dyn Fn(&MetricName) -> Option<f64>) -> Option<f64> {
        Some(match self {
            Self::Number(number) => *number,
            Self::Metric(name) => of(name)?,
            Self::Minus(term) => -term.value(of)?,
            Self::Both(operator, terms) => {
                // A comparison would make 1 or 0 of what is no number.
                let finite = |term: &Term| term.value(of).filter(|value| value.is_finite());
                operator.apply(finite(&terms.0)?, finite(&terms.1)?)
            }
        })
    }
}

struct Parser<'t> {
    text: &'t str,
    at: usize,
    depth: usize,
}

impl<'t> Parser<'t> {
    fn error(&self, message: impl Into<String>) -> FormulaError {
        FormulaError { at: self.text[..self.at].chars().count() + 1, message: message.into() }
    }

    /// What is left, blanks skipped.
    fn rest(&mut self) -> &'t str {
        let rest = &self.text[self.at..];
        let trimmed = rest.trim_start();
        self.at += rest.len() - trimmed.len();
        trimmed
    }

    /// One of some signs.
    fn sign(&mut self, signs: &[(&'static str, Operator)]) -> Option<Operator> {
        let rest = self.rest();
        let (sign, operator) = signs.iter().find(|(sign, _)| rest.starts_with(sign))?;
        self.at += sign.len();
        Some(*operator)
    }

    fn comparison(&mut self) -> Result<Term, FormulaError> {
        let left = self.chain(&Operator::SUMS, Self::product)?;
        let Some(operator) = self.sign(&Operator::COMPARISONS) else { return Ok(left) };
        let right = self.chain(&Operator::SUMS, Self::product)?;
        match self.sign(&Operator::COMPARISONS) {
            None => Ok(Term::Both(operator, Box::new((left, right)))),
            Some(_) => Err(self.error("comparisons do not chain; put one in parentheses")),
        }
    }

    fn product(&mut self) -> Result<Term, FormulaError> {
        self.chain(&Operator::PRODUCTS, Self::factor)
    }

    /// Terms joined by operators of one rank, from the left.
    fn chain(
        &mut self,
        signs: &[(&'static str, Operator)],
        mut next: impl FnMut(&mut Self) -> Result<Term, FormulaError>,
    ) -> Result<Term, FormulaError> {
        let mut left = next(self)?;
        while let Some(operator) = self.sign(signs) {
            left = Term::Both(operator, Box::new((left, next(self)?)));
        }
        Ok(left)
    }

    fn factor(&mut self) -> Result<Term, FormulaError> {
        let rest = self.rest();
        match rest.chars().next() {
            Some('-') => {
                self.at += 1;
                self.deeper(|parser| Ok(Term::Minus(Box::new(parser.factor()?))))
            }
            Some('(') => {
                self.at += 1;
                let inner = self.deeper(Self::comparison)?;
                if !self.rest().starts_with(')') {
                    return Err(self.error("a `)` is missing"));
                }
                self.at += 1;
                Ok(inner)
            }
            Some('\'') => self.quoted(&rest[1..]),
            Some(c) if c.is_ascii_digit() || c == '.' => self.number(rest),
            Some(c) if c.is_alphabetic() || c == '_' => self.name(rest),
            Some(c) => Err(self.error(format!("`{c}` stands where a number or a metric belongs"))),
            None => Err(self.error("the formula ends where a number or a metric belongs")),
        }
    }

    fn deeper<T>(&mut self, inner: impl FnOnce(&mut Self) -> Result<T, FormulaError>) -> Result<T, FormulaError> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(self.error(format!("a formula is at most {DEEPEST} levels deep")));
        }
        let found = inner(self);
        self.depth -= 1;
        found
    }

    fn number(&mut self, rest: &str) -> Result<Term, FormulaError> {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let number = rest[..end].parse().map_err(|_| self.error(format!("`{}` is no number", &rest[..end])))?;
        self.at += end;
        Ok(Term::Number(number))
    }

    fn name(&mut self, rest: &str) -> Result<Term, FormulaError> {
        let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        let name = self.metric(&rest[..end])?;
        self.at += end;
        Ok(Term::Metric(name))
    }

    fn quoted(&mut self, rest: &str) -> Result<Term, FormulaError> {
        let end = rest.find('\'').ok_or_else(|| self.error("a `'` is missing"))?;
        let name = self.metric(&rest[..end])?;
        self.at += end + 2;
        Ok(Term::Metric(name))
    }

    fn metric(&self, name: &str) -> Result<MetricName, FormulaError> {
        MetricName::new(name).map_err(|error| self.error(error.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Option<f64> {
        Formula::parse(text).unwrap().value(&|name| match name.as_str() {
            "precision" => Some(0.5),
            "recall" => Some(1.0),
            "the tone" => Some(0.25),
            "zero" => Some(0.0),
            _ => None,
        })
    }

    #[test]
    fn formulas_are_reckoned_as_arithmetic_is() {
        let cases = [
            ("2 * precision * recall / (precision + recall)", Some(2.0 / 3.0)),
            ("1 - precision - 0.25", Some(0.25)),
            ("1 - (precision - 0.25)", Some(0.75)),
            ("8 / 2 / 2", Some(2.0)),
            ("-precision + 1", Some(0.5)),
            ("--recall", Some(1.0)),
            ("'the tone' * 2", Some(0.5)),
            ("precision >= 0.5", Some(1.0)),
            ("0.1 + 0.2 == 0.3", Some(1.0)),
            ("0.1 + 0.2 > 0.3", Some(0.0)),
            ("(precision < recall) * .5", Some(0.5)),
            ("precision != recall", Some(1.0)),
            // What has no value, and what is no number.
            ("precision + unknown", None),
            ("precision / zero", None),
            ("zero / zero", None),
            ("(zero / zero) >= 0.5", None),
            ("(precision / zero) == 0.5", None),
            ("(precision / zero) != 0.5", None),
            ("1 / (precision / zero)", None),
        ];
        for (text, expected) in cases {
            let found = value(text);
            let same = found.zip(expected).map_or(found == expected, |(a, b)| (a - b).abs() < 1e-12);
            assert!(same, "{text}: {found:?} instead of {expected:?}");
        }
        let names = Formula::parse("a + 'b c' * a").unwrap().names();
        assert_eq!(names.iter().map(MetricName::as_str).collect::<Vec<_>>(), ["a", "b c"]);
    }

    #[test]
    fn what_is_no_formula_is_told_with_its_place() {
        let deep = format!("{}1{}", "(".repeat(100), ")".repeat(100));
        let long = "1+".repeat(1_000);
        let cases = [
            ("", "ends where", 1),
            ("a +", "ends where", 4),
            ("a b", "`b` does not belong here", 3),
            ("(a + b", "a `)` is missing", 7),
            ("a + * b", "`*` stands where", 5),
            ("a < b < c", "comparisons do not chain", 8),
            ("1.2.3", "is no number", 1),
            ("'a", "a `'` is missing", 1),
            ("a ** 2", "`*` stands where", 4),
            ("system(1)", "`(` does not belong here", 7),
            ("a; b", "`;` does not belong here", 2),
            ("é $", "`$` does not belong here", 3),
            (deep.as_str(), "levels deep", 34),
            (long.as_str(), "at most 1000 characters", 1),
        ];
        for (text, says, at) in cases {
            let error = Formula::parse(text).unwrap_err();
            assert!(error.message.contains(says) && error.at == at, "{text}: {error}");
        }
    }
}
