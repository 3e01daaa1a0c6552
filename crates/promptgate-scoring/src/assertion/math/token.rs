//! The words of a formula, from plain text or LaTeX: marks that only set type (`\left`, `\,`, `$`) are left out here.

mod words;

use words::{BEYOND, BEYOND_FUNCTIONS, BEYOND_SIGNS, FRACTIONS, GREEK, SILENT, WORDS};

use super::Mistake;
use super::rational::Rational;
use super::tree::Unread;

/// A word of a formula.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    Number(Rational),
    /// A variable, with its subscript.
    Name(String),
    /// A function or a constant of several letters.
    Word(&'static str),
    /// Text set as such: a unit or a word.
    Text(String),
    Fraction,
    Binomial,
    Root,
    Power,
    Plus,
    Minus,
    PlusMinus,
    MinusPlus,
    Times,
    Over,
    Factorial,
    Percent,
    Degree,
    Comma,
    Relation(&'static str),
    /// `(`, `[`, `{` of LaTeX, `s` for a set's `\{`.
    Open(char),
    /// `)`, `]`, `}`, `s`.
    Close(char),
    Bar,
    BarOpen,
    BarClose,
    Infinity,
    Union,
    /// `\in`.
    In,
    Underscore,
}

/// A word and the byte it begins at.
pub(super) type Placed = (Token, usize);

/// Why a formula with one of them is not read.
const NOT_READ: Unread = Unread::Beyond("it has signs of mathematics that are not read here");

/// The longest run of letters that is taken for a product of variables rather than for a word.
const LONGEST_PRODUCT: usize = 3;

/// The words of a formula, or what is none.
pub(super) fn tokens(text: &str) -> Result<Vec<Placed>, Unread> {
    let mut lexer = Lexer { text, at: 0, found: Vec::new(), brackets: Vec::new() };
    while lexer.at < text.len() {
        lexer.next()?;
    }
    Ok(lexer.found)
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    found: Vec<Placed>,
    brackets: Vec<char>,
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn next(&mut self) -> Result<(), Unread> {
        let rest = self.rest();
        let Some(first) = rest.chars().next() else { return Ok(()) };
        let begin = self.at;
        match first {
            '0'..='9' => return self.number(),
            '.' if rest[1..].starts_with(|next: char| next.is_ascii_digit()) => return self.number(),
            '\\' => return self.command(),
            _ if first.is_ascii_alphabetic() => return self.letters(),
            _ => self.at += first.len_utf8(),
        }
        match sign(first) {
            Some(token) => self.push(token, begin),
            None if first.is_whitespace() || matches!(first, '$' | '~' | '&') => {}
            None if first == '*' => {
                // `**` is a power in many programs.
                let twice = self.rest().starts_with('*');
                self.at += usize::from(twice);
                self.push(if twice { Token::Power } else { Token::Times }, begin);
            }
            None if matches!(first, '<' | '>') => self.comparison(first, begin),
            None if matches!(first, 'ℝ' | 'ℕ' | 'ℤ' | 'ℚ' | 'ℂ') => self.name(first.to_string(), begin),
            None if first == '∅' => self.empty_set(begin),
            None if BEYOND_SIGNS.contains(&first) => return Err(NOT_READ),
            None if FRACTIONS.iter().any(|(known, ..)| *known == first) => self.one_character(first, begin),
            None if matches!(first, 'α'..='ω' | 'Α'..='Ω') => self.name(first.to_string(), begin),
            None => match superscript(first) {
                Some(digit) => {
                    self.push(Token::Power, begin);
                    self.push(Token::Number(Rational::whole(digit)), begin);
                }
                None => return Err(mistake(begin, format!("`{first}` is no mathematics"))),
            },
        }
        Ok(())
    }

    /// As `\frac`, so that `1½` is one and a half.
    fn one_character(&mut self, fraction: char, begin: usize) {
        for (_, top, bottom) in FRACTIONS.iter().filter(|(known, ..)| *known == fraction) {
            self.push(Token::Fraction, begin);
            self.push(Token::Number(Rational::whole(*top)), begin);
            self.push(Token::Number(Rational::whole(*bottom)), begin);
        }
    }

    fn empty_set(&mut self, begin: usize) {
        self.push(Token::Open('s'), begin);
        self.push(Token::Close('s'), begin);
    }

    fn comparison(&mut self, first: char, begin: usize) {
        let or_equal = self.rest().starts_with('=');
        self.at += usize::from(or_equal);
        let relation = match (first, or_equal) {
            ('<', false) => "<",
            ('<', true) => "<=",
            (_, false) => ">",
            (_, true) => ">=",
        };
        self.push(Token::Relation(relation), begin);
    }

    fn push(&mut self, token: Token, at: usize) {
        match token {
            Token::Open(bracket) => self.brackets.push(bracket),
            Token::Close(_) => {
                self.brackets.pop();
            }
            _ => {}
        }
        self.found.push((token, at));
    }

    fn after(&self, token: &Token) -> bool {
        self.found.last().is_some_and(|(last, _)| last == token)
    }

    /// Digits, a fraction, groups of three, a power of ten. A comma between brackets divides, unless written `{,}`.
    fn number(&mut self) -> Result<(), Unread> {
        let begin = self.at;
        // `\frac12` is a half.
        let single = self.after(&Token::Fraction) || self.after(&Token::Underscore) || self.is_second_of_fraction();
        let mut digits = if single { self.rest()[..1].to_owned() } else { self.digits().to_owned() };
        self.at += digits.len();
        if !single {
            if (1..=3).contains(&digits.len()) && !digits.starts_with('0') {
                while let Some((skipped, group)) = self.group() {
                    digits.push_str(group);
                    self.at += skipped + 3;
                }
            }
            self.fraction(&mut digits);
        }
        let period = digits.contains('.').then(|| self.period()).flatten();
        let number = match period {
            Some(period) => recurring(&digits, period),
            None => self.scaled(&digits),
        };
        let number = number.map_err(|problem| mistake(begin, problem))?;
        self.push(Token::Number(number), begin);
        Ok(())
    }

    /// Whether what comes is the denominator of `\frac1` whose numerator was a single digit.
    fn is_second_of_fraction(&self) -> bool {
        matches!(self.found.as_slice(), [.., (Token::Fraction, _), (Token::Number(number), _)]
            if number.as_whole().is_some_and(|digit| (0..10).contains(&digit)))
    }

    fn digits(&self) -> &'a str {
        let rest = self.rest();
        &rest[..rest.bytes().take_while(u8::is_ascii_digit).count()]
    }

    /// What stands before the next group of three, and the group.
    fn group(&self) -> Option<(usize, &'a str)> {
        let rest = self.rest();
        let divides = self.brackets.iter().any(|bracket| *bracket != '{');
        let signs: &[&str] = if divides { &["{,}", ",\\!", "\\,"] } else { &["{,}", ",\\!", "\\,", ","] };
        let skipped = signs.iter().find(|sign| rest.starts_with(**sign))?.len();
        let digits = rest[skipped..].bytes().take_while(u8::is_ascii_digit).count();
        (digits == 3).then(|| (skipped, &rest[skipped..skipped + 3]))
    }

    fn fraction(&mut self, digits: &mut String) {
        let Some(rest) = self.rest().strip_prefix('.') else { return };
        let length = rest.bytes().take_while(u8::is_ascii_digit).count();
        digits.push('.');
        digits.push_str(&rest[..length]);
        self.at += 1 + length;
    }

    /// The digits under the bar of `0.1\overline{6}`.
    fn period(&mut self) -> Option<&'a str> {
        let rest = self.rest();
        let inner = rest.strip_prefix("\\overline{").or_else(|| rest.strip_prefix("\\bar{"))?;
        let period = &inner[..inner.find('}')?];
        let is_number = !period.is_empty() && period.bytes().all(|byte| byte.is_ascii_digit());
        self.at += if is_number { rest.len() - inner.len() + period.len() + 1 } else { 0 };
        is_number.then_some(period)
    }

    /// The number of its digits and of the power of ten that follows, `1e-7`.
    fn scaled(&mut self, digits: &str) -> Result<Rational, String> {
        let power = self.power_of_ten();
        decimal(digits, power)
    }

    fn power_of_ten(&mut self) -> i128 {
        let Some(rest) = self.rest().strip_prefix(['e', 'E']) else { return 0 };
        let signed = usize::from(rest.starts_with(['+', '-']));
        let length = rest[signed..].bytes().take_while(u8::is_ascii_digit).count();
        let Ok(power) = rest[..signed + length].parse() else { return 0 };
        self.at += 1 + signed + length;
        power
    }

    fn letters(&mut self) -> Result<(), Unread> {
        let begin = self.at;
        let rest = self.rest();
        let run = &rest[..rest.bytes().take_while(u8::is_ascii_alphabetic).count()];
        let lowered = run.to_lowercase();
        if let Some(token) = word(run).or_else(|| word(&lowered).filter(|_| run.len() > 2)) {
            self.at += run.len();
            self.push(token, begin);
            return Ok(());
        }
        let is_called = rest[run.len()..].trim_start().starts_with('(');
        if run == "mod" || (is_called && BEYOND_FUNCTIONS.contains(&run)) {
            return Err(NOT_READ);
        }
        let pieces = pieces(run).ok_or_else(|| mistake(begin, format!("`{run}` is a word, no mathematics")))?;
        for piece in pieces {
            let at = self.at;
            self.at += piece.len();
            match word(piece) {
                Some(token) => self.push(token, at),
                None => self.name(piece.to_owned(), at),
            }
        }
        Ok(())
    }

    /// A variable, and the subscript that belongs to its name.
    fn name(&mut self, mut name: String, begin: usize) {
        if let Some(rest) = self.rest().strip_prefix('_') {
            let (subscript, length) = match rest.strip_prefix('{') {
                Some(inner) => inner.find('}').map_or(("", 0), |end| (&inner[..end], end + 2)),
                None => {
                    let letters = rest.bytes().take_while(u8::is_ascii_alphanumeric).count();
                    (&rest[..letters.min(1)], letters.min(1))
                }
            };
            if length > 0 {
                name.push('_');
                name.extend(subscript.chars().filter(|c| !c.is_whitespace()));
                self.at += 1 + length;
            }
        }
        self.push(Token::Name(name), begin);
    }

    fn command(&mut self) -> Result<(), Unread> {
        let begin = self.at;
        let rest = &self.rest()[1..];
        let length = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
        let name = &rest[..length.max(rest.chars().next().map_or(0, char::len_utf8))];
        self.at += 1 + name.len();
        if let Some((_, letter)) = GREEK.iter().find(|(known, _)| *known == name) {
            self.name(letter.to_string(), begin);
            return Ok(());
        }
        match name {
            "left" | "right" => self.delimiter(name == "left", begin),
            "emptyset" | "varnothing" => self.empty_set(begin),
            "mathbb" => return self.number_set(begin),
            _ if BEYOND.contains(&name) => return Err(NOT_READ),
            "text" | "mathrm" | "textbf" | "mbox" | "mathbf" | "operatorname" | "textrm" | "textit" | "mathit" => {
                self.set_text(begin)
            }
            _ => match self.plain_command(name).or_else(|| word(name)) {
                Some(token) => self.push(token, begin),
                None if SILENT.contains(&name) => {}
                None if matches!(
                    name,
                    "," | ";" | "!" | ":" | " " | "$" | "(" | ")" | "[" | "]" | "\\" | "\n" | ""
                ) => {}
                None => return Err(mistake(begin, format!("`\\{name}` is not known here"))),
            },
        }
        Ok(())
    }

    fn plain_command(&self, name: &str) -> Option<Token> {
        Some(match name {
            "binom" | "dbinom" | "tbinom" => Token::Binomial,
            "frac" | "dfrac" | "tfrac" | "cfrac" => Token::Fraction,
            "cdot" | "times" | "ast" => Token::Times,
            "div" => Token::Over,
            "pm" => Token::PlusMinus,
            "mp" => Token::MinusPlus,
            "infty" => Token::Infinity,
            "cup" => Token::Union,
            "in" => Token::In,
            "{" | "lbrace" => Token::Open('s'),
            "}" | "rbrace" => Token::Close('s'),
            "langle" => Token::Open('('),
            "rangle" => Token::Close(')'),
            "lvert" => Token::BarOpen,
            "rvert" => Token::BarClose,
            "vert" | "|" => Token::Bar,
            "%" => Token::Percent,
            "circ" | "degree" => Token::Degree,
            "le" | "leq" | "leqslant" => Token::Relation("<="),
            "ge" | "geq" | "geqslant" => Token::Relation(">="),
            "lt" => Token::Relation("<"),
            "gt" => Token::Relation(">"),
            "ne" | "neq" => Token::Relation("!="),
            _ => return None,
        })
    }

    /// `\left|` opens what `\right|` closes; any other bracket says itself which it does.
    fn delimiter(&mut self, opens: bool, begin: usize) {
        let rest = self.rest().trim_start();
        if rest.starts_with('|') {
            self.at = self.text.len() - rest.len() + 1;
            self.push(if opens { Token::BarOpen } else { Token::BarClose }, begin);
        } else if rest.starts_with('.') {
            self.at = self.text.len() - rest.len() + 1;
        }
    }

    /// `\mathbb{R}` is the name `ℝ`, so that it is not the variable `R`.
    fn number_set(&mut self, begin: usize) -> Result<(), Unread> {
        let known = [("R", 'ℝ'), ("N", 'ℕ'), ("Z", 'ℤ'), ("Q", 'ℚ'), ("C", 'ℂ')];
        let rest = self.rest();
        let inner = rest.strip_prefix('{').and_then(|inner| inner.split_once('}'));
        let (letter, length) = inner.map_or((rest.get(..1).unwrap_or(""), 1), |(letter, _)| (letter, letter.len() + 2));
        let (_, set) = known.iter().find(|(name, _)| *name == letter.trim()).ok_or(NOT_READ)?;
        self.at += length;
        self.name(set.to_string(), begin);
        Ok(())
    }

    /// The text in the braces; `and` and `or` divide as a comma does.
    fn set_text(&mut self, begin: usize) {
        let Some(inner) = self.rest().strip_prefix('{') else { return };
        let Some(end) = inner.find('}') else { return };
        let text = inner[..end].trim();
        // A number set as text is that number: what is in the braces is read as in any others.
        if text.starts_with(|c: char| c.is_ascii_digit()) && text.chars().all(|c| matches!(c, '0'..='9' | '.' | ',')) {
            return;
        }
        self.at += end + 2;
        match text {
            "" => {}
            "and" | "or" | ", and" | ", or" => self.push(Token::Comma, begin),
            _ => match word(text) {
                Some(token) => self.push(token, begin),
                None => self.push(Token::Text(text.to_owned()), begin),
            },
        }
    }
}

/// The number of some digits, times a power of ten.
fn decimal(digits: &str, power: i128) -> Result<Rational, String> {
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let value: i128 = format!("0{whole}{part}").parse().map_err(|_| too_large())?;
    let power = power - i128::try_from(part.len()).map_err(|_| too_large())?;
    let scale = Rational::whole(10).power(power).map_err(|_| too_large())?;
    Rational::whole(value).times(scale).map_err(|_| too_large())
}

/// A decimal number whose last digits recur without end: with one period more, less the number, it has no end left.
fn recurring(digits: &str, period: &str) -> Result<Rational, String> {
    let length = i128::try_from(period.len()).map_err(|_| too_large())?;
    let shifted = decimal(&format!("{digits}{period}"), length)?;
    let tens = Rational::whole(10).power(length).map_err(|_| too_large())?;
    let difference = decimal(digits, 0)?.negated().and_then(|number| shifted.plus(number)).map_err(|_| too_large())?;
    let nines = tens.plus(Rational::whole(-1)).and_then(Rational::inverse).map_err(|_| too_large())?;
    difference.times(nines).map_err(|_| too_large())
}

fn mistake(at: usize, problem: String) -> Unread {
    Unread::Mistake(Mistake { at, problem })
}

fn too_large() -> String {
    "the number takes more than 128 bits".to_owned()
}

/// The functions and variables of a run of letters: `xlnx` is `x`, `ln` and `x`. Between functions stands a variable alone,
/// since words have names of functions in them too; without one the run is a product, or else a word.
fn pieces(run: &str) -> Option<Vec<&str>> {
    let (mut pieces, mut rest) = (Vec::new(), run);
    while !rest.is_empty() {
        let known = WORDS.iter().filter(|known| rest.starts_with(**known)).map(|known| known.len()).max();
        let (piece, behind) = rest.split_at(known.unwrap_or(1));
        pieces.push(piece);
        rest = behind;
    }
    let is_variable = |piece: &&str| piece.len() == 1;
    match pieces.iter().all(is_variable) {
        true => (pieces.len() <= LONGEST_PRODUCT).then_some(pieces),
        false => (!pieces.windows(2).any(|pair| pair.iter().all(is_variable))).then_some(pieces),
    }
}

/// What a run of letters means as a whole.
fn word(run: &str) -> Option<Token> {
    match run {
        "and" | "or" => Some(Token::Comma),
        "infinity" | "inf" | "oo" => Some(Token::Infinity),
        "sqrt" => Some(Token::Root),
        _ => WORDS.iter().find(|known| **known == run).map(|known| Token::Word(known)),
    }
}

fn sign(sign: char) -> Option<Token> {
    Some(match sign {
        '+' => Token::Plus,
        '-' | '\u{2212}' | '\u{2013}' => Token::Minus,
        '±' => Token::PlusMinus,
        '∓' => Token::MinusPlus,
        '×' | '·' | '⋅' => Token::Times,
        '/' | '÷' => Token::Over,
        '^' => Token::Power,
        '!' => Token::Factorial,
        '%' => Token::Percent,
        '°' => Token::Degree,
        ',' | ';' => Token::Comma,
        '=' => Token::Relation("="),
        '≤' => Token::Relation("<="),
        '≥' => Token::Relation(">="),
        '≠' => Token::Relation("!="),
        '(' | '[' | '{' => Token::Open(sign),
        ')' | ']' | '}' => Token::Close(sign),
        '|' => Token::Bar,
        '√' => Token::Root,
        '∞' => Token::Infinity,
        '∪' => Token::Union,
        '∈' => Token::In,
        '_' => Token::Underscore,
        'π' => Token::Word("pi"),
        _ => return None,
    })
}

fn superscript(sign: char) -> Option<i128> {
    let digits = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];
    digits.iter().position(|digit| *digit == sign).map(|digit| digit as i128)
}
