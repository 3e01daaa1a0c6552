//! From the words of a formula to its tree. Descent is bounded, and nothing is ever run.

use super::bare::{drop_unit, unwrapped};
use super::rational::Rational;
use super::token::{Placed, Token, tokens};
use super::tree::{Formula, Item, Tree, Unread};
use super::{Halt, Mistake};

/// The longest formula, in characters.
const MAX_LENGTH: usize = 2_000;
/// The deepest nesting.
const MAX_DEPTH: usize = 64;

type Parsed<T> = Result<T, Unread>;

impl Formula {
    /// Reads a text.
    pub(super) fn read(text: &str) -> Parsed<Self> {
        if text.chars().nth(MAX_LENGTH).is_some() {
            return Err(Unread::Beyond("it is longer than 2,000 characters"));
        }
        let bare = unwrapped(text);
        let begin = bare.as_ptr() as usize - text.as_ptr() as usize;
        let placed = |unread| match unread {
            Unread::Mistake(mistake) => Unread::Mistake(Mistake { at: mistake.at + begin, ..mistake }),
            beyond => beyond,
        };
        let mut found = tokens(bare).map_err(placed)?;
        let end = bare.len();
        drop_unit(&mut found);
        let percent = matches!(found.last(), Some((Token::Percent, _)));
        let mut parser =
            Parser { tokens: found, at: 0, end, depth: 0, bars: 0, angles: 0, lower: false, signs: false, marks: 0 };
        let items = parser.items().map_err(placed)?;
        Ok(Self { items, percent })
    }
}

struct Parser {
    tokens: Vec<Placed>,
    at: usize,
    end: usize,
    depth: usize,
    /// How many `|` are open.
    bars: usize,
    /// How many functions of an angle are open: degrees count there, and are left out elsewhere.
    angles: usize,
    /// Whether `±` and `∓` now stand for their lower signs.
    lower: bool,
    /// Whether one of them was read.
    signs: bool,
    /// How many marks such as `!` were read.
    marks: usize,
}

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at).map(|(token, _)| token)
    }

    fn take(&mut self, wanted: &Token) -> bool {
        let found = self.peek() == Some(wanted);
        self.at += usize::from(found);
        found
    }

    fn mistake<T>(&self, problem: &str) -> Parsed<T> {
        let at = self.tokens.get(self.at).map_or(self.end, |(_, at)| *at);
        Err(Unread::Mistake(Mistake { at, problem: problem.to_owned() }))
    }

    fn items(&mut self) -> Parsed<Vec<Item>> {
        let mut items = Vec::new();
        loop {
            let begin = self.at;
            (self.signs, self.lower) = (false, false);
            items.push(self.item()?);
            if self.signs {
                (self.at, self.lower) = (begin, true);
                items.push(self.item()?);
            }
            let mut comma = false;
            while self.take(&Token::Comma) {
                comma = true;
            }
            match (self.peek(), comma) {
                (None, _) => return Ok(items),
                (Some(_), true) => {}
                (Some(_), false) => return self.mistake("nothing more can stand here"),
            }
        }
    }

    fn item(&mut self) -> Parsed<Item> {
        if let Some((Token::In, _)) = self.tokens.get(self.at + 1) {
            self.at += 2;
        }
        let (mut sides, mut relations) = (vec![self.union()?], Vec::new());
        while let Some(Token::Relation(relation)) = self.peek() {
            relations.push(*relation);
            self.at += 1;
            sides.push(self.union()?);
        }
        Ok(Item { sides, relations })
    }

    fn union(&mut self) -> Parsed<Tree> {
        let mut parts = vec![self.sum()?];
        while self.take(&Token::Union) {
            parts.push(self.sum()?);
        }
        Ok(one_or(parts, Tree::Union))
    }

    fn sum(&mut self) -> Parsed<Tree> {
        let mut terms = Vec::new();
        loop {
            let negative = match self.sign() {
                Some(negative) => negative,
                None if terms.is_empty() => false,
                None => return Ok(one_or(terms, Tree::Sum)),
            };
            let term = self.product()?;
            terms.push(if negative { Tree::Negative(Box::new(term)) } else { term });
        }
    }

    /// A run of signs, and whether it makes a minus.
    fn sign(&mut self) -> Option<bool> {
        let mut negative = None;
        loop {
            let minus = match self.peek() {
                Some(Token::Plus) => false,
                Some(Token::Minus) => true,
                Some(sign @ (Token::PlusMinus | Token::MinusPlus)) => {
                    let is_upper_minus = *sign == Token::MinusPlus;
                    self.signs = true;
                    self.lower != is_upper_minus
                }
                _ => return negative,
            };
            self.at += 1;
            negative = Some(negative.unwrap_or(false) != minus);
        }
    }

    fn product(&mut self) -> Parsed<Tree> {
        let mut product = self.factor()?;
        loop {
            if self.take(&Token::Over) {
                // A factor beside the others, so that a long run of divisions is no deep tree.
                let divisor = self.signed_factor()?;
                let inverse = Tree::Number(Rational::whole(-1));
                product = times(product, Tree::Power(Box::new(divisor), Box::new(inverse)));
            } else if self.take(&Token::Times) {
                let factor = self.signed_factor()?;
                product = times(product, factor);
            } else if self.begins_factor() {
                let factor = self.factor()?;
                product = times(product, factor);
            } else {
                return Ok(product);
            }
        }
    }

    /// Whether what comes is multiplied without a sign. Two numbers side by side are none of that.
    fn begins_factor(&self) -> bool {
        match self.peek() {
            Some(Token::Number(_)) => !matches!(self.tokens.get(self.at.wrapping_sub(1)), Some((Token::Number(_), _))),
            Some(Token::Bar) => self.bars == 0,
            Some(
                Token::Name(_)
                | Token::Word(_)
                | Token::Fraction
                | Token::Binomial
                | Token::Root
                | Token::Open(_)
                | Token::BarOpen,
            ) => true,
            _ => false,
        }
    }

    /// What a sign may stand before: `2 \cdot -3`.
    fn signed_factor(&mut self) -> Parsed<Tree> {
        let negative = self.sign().unwrap_or(false);
        let factor = self.factor()?;
        Ok(if negative { Tree::Negative(Box::new(factor)) } else { factor })
    }

    /// A primary with what stands behind it: powers, `!`, `%`, degrees.
    fn factor(&mut self) -> Parsed<Tree> {
        self.deeper()?;
        let mut tree = self.primary()?;
        loop {
            tree = match self.peek() {
                Some(Token::Power) => {
                    self.at += 1;
                    if self.degree_follows() {
                        self.degrees(tree)
                    } else {
                        Tree::Power(Box::new(tree), Box::new(self.exponent()?))
                    }
                }
                Some(Token::Factorial) => {
                    self.mark()?;
                    Tree::Apply("!", Box::new(tree))
                }
                Some(Token::Percent) => {
                    self.mark()?;
                    let hundred = Tree::Number(Rational::whole(100));
                    Tree::Quotient(Box::new(tree), Box::new(hundred))
                }
                Some(Token::Degree) => {
                    self.mark()?;
                    self.degrees(tree)
                }
                _ => break,
            };
        }
        self.depth -= 1;
        Ok(tree)
    }

    /// What stands behind `^`: further powers belong to it, and a `!` where it has no braces (`2^3!` is `2^6`).
    fn exponent(&mut self) -> Parsed<Tree> {
        self.deeper()?;
        let negative = self.sign().unwrap_or(false);
        let braced = self.peek() == Some(&Token::Open('{'));
        let mut tree = self.primary()?;
        while !braced && self.peek() == Some(&Token::Factorial) {
            self.mark()?;
            tree = Tree::Apply("!", Box::new(tree));
        }
        if self.take(&Token::Power) {
            tree = Tree::Power(Box::new(tree), Box::new(self.exponent()?));
        }
        self.depth -= 1;
        Ok(if negative { Tree::Negative(Box::new(tree)) } else { tree })
    }

    /// Goes a level deeper, where there is one.
    fn deeper(&mut self) -> Parsed<()> {
        self.depth += 1;
        if self.depth > MAX_DEPTH { Err(Unread::Beyond("it is nested deeper than 64 levels")) } else { Ok(()) }
    }

    /// Takes a mark behind a factor; each makes the tree deeper.
    fn mark(&mut self) -> Parsed<()> {
        (self.at, self.marks) = (self.at + 1, self.marks + 1);
        if self.marks > MAX_DEPTH { Err(Unread::Beyond("it has more than 64 marks such as `!`")) } else { Ok(()) }
    }

    /// Takes `\circ` or `{\circ}` of a power.
    fn degree_follows(&mut self) -> bool {
        let rest = &self.tokens[self.at..];
        let length = match rest {
            [(Token::Degree, _), ..] => 1,
            [(Token::Open('{'), _), (Token::Degree, _), (Token::Close('}'), _), ..] => 3,
            _ => 0,
        };
        self.at += length;
        length > 0
    }

    fn degrees(&self, tree: Tree) -> Tree {
        if self.angles == 0 {
            return tree;
        }
        let straight = Tree::Number(Rational::whole(180));
        Tree::Quotient(Box::new(times(tree, Tree::Pi)), Box::new(straight))
    }

    fn primary(&mut self) -> Parsed<Tree> {
        let Some(token) = self.peek().cloned() else { return self.mistake("something is missing at the end") };
        self.at += 1;
        match token {
            Token::Number(number) => self.mixed(number),
            Token::Name(name) if self.peek() == Some(&Token::Open('(')) => self.called(name),
            Token::Name(name) | Token::Text(name) => Ok(Tree::Name(name)),
            Token::Word("pi") => Ok(Tree::Pi),
            Token::Word(function) => self.apply(function),
            Token::Infinity => Ok(Tree::Infinity),
            Token::Fraction => {
                let (top, bottom) = (self.argument()?, self.argument()?);
                Ok(Tree::Quotient(Box::new(top), Box::new(bottom)))
            }
            Token::Binomial => {
                let (all, some) = (self.argument()?, self.argument()?);
                Ok(binomial(all, some))
            }
            Token::Root => self.root(),
            Token::Open('s') => self.set(),
            Token::Open(open) => self.group(open),
            Token::Bar | Token::BarOpen => self.absolute(&token),
            _ => {
                self.at -= 1;
                self.mistake("a number, a variable or a bracket should stand here")
            }
        }
    }

    /// `f(2)` is a function's value, while `x(2)` is a product.
    fn called(&mut self, name: String) -> Parsed<Tree> {
        let Some(function) = ["f", "g", "h"].into_iter().find(|known| *known == name) else {
            return Ok(Tree::Name(name));
        };
        self.deeper()?;
        let argument = self.primary()?;
        self.depth -= 1;
        Ok(match argument {
            several @ Tree::Group(..) => times(Tree::Name(name), several),
            argument => Tree::Apply(function, Box::new(argument)),
        })
    }

    /// `1\frac{1}{2}` and `1 1/2` are one and a half.
    fn mixed(&mut self, whole: Rational) -> Parsed<Tree> {
        let number = |place: usize| match self.tokens.get(self.at + place) {
            Some((Token::Number(number), _)) => number.as_whole(),
            _ => None,
        };
        let is =
            |place: usize, token: Token| self.tokens.get(self.at + place).is_some_and(|(found, _)| *found == token);
        let (part, length) = if is(0, Token::Fraction) {
            let braced = [1, 4].iter().all(|place| is(*place, Token::Open('{')))
                && [3, 6].iter().all(|place| is(*place, Token::Close('}')));
            match braced {
                true => (number(2).zip(number(5)), 7),
                false => (number(1).zip(number(2)), 3),
            }
        } else if is(1, Token::Over) {
            (number(0).zip(number(2)), 3)
        } else {
            (None, 0)
        };
        let (Some((top, bottom)), Some(_)) = (part, whole.as_whole()) else { return Ok(Tree::Number(whole)) };
        let sum = Rational::new(top, bottom).and_then(|part| part.plus(whole));
        match sum {
            Ok(sum) => {
                self.at += length;
                Ok(Tree::Number(sum))
            }
            Err(Halt::Beyond(reason)) => Err(Unread::Beyond(reason)),
            Err(Halt::Undefined(reason)) => self.mistake(reason),
        }
    }

    /// What a LaTeX command takes: a group, or the next factor without its powers.
    fn argument(&mut self) -> Parsed<Tree> {
        self.deeper()?;
        let tree = match self.peek().cloned() {
            Some(Token::Number(number)) => {
                self.at += 1;
                Tree::Number(number)
            }
            _ => self.primary()?,
        };
        self.depth -= 1;
        Ok(tree)
    }

    fn root(&mut self) -> Parsed<Tree> {
        let degree = match self.take(&Token::Open('[')) {
            true => {
                let degree = self.sum()?;
                if !self.take(&Token::Close(']')) {
                    return self.mistake("the degree of the root is not closed");
                }
                degree
            }
            false => Tree::Number(Rational::whole(2)),
        };
        let base = self.argument()?;
        let one = Tree::Number(Rational::ONE);
        Ok(Tree::Power(Box::new(base), Box::new(Tree::Quotient(Box::new(one), Box::new(degree)))))
    }

    fn apply(&mut self, function: &'static str) -> Parsed<Tree> {
        let base = match self.take(&Token::Underscore) {
            true => Some(self.argument()?),
            false => None,
        };
        let power = match self.take(&Token::Power) {
            true => Some(self.argument_with_sign()?),
            false => None,
        };
        let (function, power) = inverse(function, power)?;
        let angle = matches!(function, "sin" | "cos" | "tan" | "sec" | "csc" | "cot");
        self.angles += usize::from(angle);
        let argument = self.bare_argument()?;
        self.angles -= usize::from(angle);
        let applied = match base {
            Some(base) => Tree::Quotient(Box::new(natural(argument)), Box::new(natural(base))),
            None => Tree::Apply(function, Box::new(argument)),
        };
        Ok(match power {
            Some(power) => Tree::Power(Box::new(applied), Box::new(power)),
            None => applied,
        })
    }

    fn argument_with_sign(&mut self) -> Parsed<Tree> {
        let negative = self.sign().unwrap_or(false);
        let argument = self.argument()?;
        Ok(if negative { Tree::Negative(Box::new(argument)) } else { argument })
    }

    /// Brackets hold all of a function's argument; without them it is the product that follows: `\sin 2x`.
    fn bare_argument(&mut self) -> Parsed<Tree> {
        if matches!(self.peek(), Some(Token::Open(_) | Token::Bar | Token::BarOpen)) {
            return self.argument();
        }
        let mut product = self.signed_factor()?;
        while self.begins_factor() && !matches!(self.peek(), Some(Token::Word(word)) if *word != "pi") {
            let factor = self.factor()?;
            product = times(product, factor);
        }
        Ok(product)
    }

    fn set(&mut self) -> Parsed<Tree> {
        if self.take(&Token::Close('s')) {
            return Ok(Tree::Set(Vec::new()));
        }
        let members = self.members()?;
        match self.take(&Token::Close('s')) {
            true => Ok(Tree::Set(members)),
            false => self.mistake("the set is not closed"),
        }
    }

    fn members(&mut self) -> Parsed<Vec<Tree>> {
        let bars = std::mem::take(&mut self.bars);
        let mut members = vec![self.sum()?];
        while self.take(&Token::Comma) {
            members.push(self.sum()?);
        }
        self.bars = bars;
        Ok(members)
    }

    fn group(&mut self, open: char) -> Parsed<Tree> {
        let mut members = self.members()?;
        let Some(Token::Close(close)) = self.peek().cloned() else { return self.mistake("a bracket is not closed") };
        let fits = matches!((open, close), ('(', ')') | ('[', ']') | ('{', '}'));
        self.at += 1;
        match (members.len(), open) {
            (1, _) if fits => Ok(members.remove(0)),
            (_, '{') if fits => Ok(Tree::Set(members)),
            (2, '(' | '[') if matches!(close, ')' | ']') => Ok(Tree::Group(open, members, close)),
            (_, '(' | '[') if fits => Ok(Tree::Group(open, members, close)),
            _ => {
                self.at -= 1;
                self.mistake("the bracket that closes is another than the one that opens")
            }
        }
    }

    fn absolute(&mut self, open: &Token) -> Parsed<Tree> {
        let outer = std::mem::replace(&mut self.bars, usize::from(*open == Token::Bar));
        let inner = self.sum()?;
        self.bars = outer;
        let close = if *open == Token::Bar { Token::Bar } else { Token::BarClose };
        match self.take(&close) {
            true => Ok(Tree::Apply("abs", Box::new(inner))),
            false => self.mistake("a `|` is not closed"),
        }
    }
}

/// `\sin^{-1}` is the inverse function, where `\sin^2` is a power.
fn inverse(function: &'static str, power: Option<Tree>) -> Parsed<(&'static str, Option<Tree>)> {
    let one = Tree::Negative(Box::new(Tree::Number(Rational::ONE)));
    if power.as_ref() != Some(&one) {
        return Ok((function, power));
    }
    match function {
        "sin" => Ok(("arcsin", None)),
        "cos" => Ok(("arccos", None)),
        "tan" => Ok(("arctan", None)),
        "sec" | "csc" | "cot" | "sinh" | "cosh" | "tanh" => {
            Err(Unread::Beyond("it has an inverse function that is not known here"))
        }
        _ => Ok((function, power)),
    }
}

/// How many ways there are to choose some of all.
fn binomial(all: Tree, some: Tree) -> Tree {
    let factorial = |tree: Tree| Tree::Apply("!", Box::new(tree));
    let others = Tree::Sum(vec![all.clone(), Tree::Negative(Box::new(some.clone()))]);
    let below = times(factorial(some), factorial(others));
    Tree::Quotient(Box::new(factorial(all)), Box::new(below))
}

fn natural(argument: Tree) -> Tree {
    Tree::Apply("ln", Box::new(argument))
}

fn times(left: Tree, right: Tree) -> Tree {
    match left {
        Tree::Product(mut factors) => {
            factors.push(right);
            Tree::Product(factors)
        }
        left => Tree::Product(vec![left, right]),
    }
}

fn one_or(mut parts: Vec<Tree>, many: fn(Vec<Tree>) -> Tree) -> Tree {
    if parts.len() == 1 { parts.remove(0) } else { many(parts) }
}
