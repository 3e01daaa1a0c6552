//! The normal form of an expression: a quotient of polynomials with exact coefficients. What a polynomial cannot say (a
//! variable, a prime under a root, a function of something) is an atom; atoms whose contents are equal are one. Products
//! of different primes to exponents between 0 and 1 are linearly independent over the rationals (Besicovitch 1940), so
//! sums of roots of numbers are 0 only where every term is. Roots are those of real numbers: `\sqrt[3]{-8}` is -2.
//!
//! Both sides of a comparison share one algebra, and with it one budget of steps: nothing an answer says takes long.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::Halt;
use super::parse::Tree;
use super::rational::{Rational, factors, gcd};

/// The most terms of a polynomial.
const MAX_TERMS: usize = 2_000;
/// The largest exponent that a sum is raised to.
const MAX_EXPONENT: i128 = 64;
/// The most products and sums of terms in a comparison.
const MAX_STEPS: usize = 50_000;
/// The most atoms in a comparison.
const MAX_ATOMS: usize = 100;
/// 33! is the last that fits 128 bits.
const MAX_FACTORIAL: i128 = 33;

type Id = usize;
/// Atoms with their exponents, by the atoms' order; none has the exponent 0.
type Monomial = Vec<(Id, Rational)>;

/// A product of monomials: what stays one, the factor that became a number, and the powers of sums left to multiply out.
type Joined = (Monomial, Rational, Vec<(Polynomial, i128)>);

/// What polynomials are made of.
#[derive(Debug, Clone, PartialEq)]
enum Atom {
    /// A prime or -1; its exponent is between 0 and 1.
    Prime(i128),
    Name(String),
    Pi,
    E,
    /// A primitive sum of terms; its exponent is between 0 and 1.
    Sum(Polynomial),
    Apply(&'static str, Quotient),
    /// An atom to a monomial without coefficient; its exponent is that coefficient.
    Power(Id, Monomial),
    /// Any other power.
    Raised(Quotient, Quotient),
}

/// A sum of terms; no coefficient is 0.
#[derive(Debug, Clone, PartialEq, Default)]
struct Polynomial(BTreeMap<Monomial, Rational>);

/// A quotient of polynomials.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Quotient {
    top: Polynomial,
    bottom: Polynomial,
}

/// Computes normal forms, within a budget.
#[derive(Debug, Default)]
pub(super) struct Algebra {
    atoms: Vec<Atom>,
    steps: usize,
}

type Result<T> = std::result::Result<T, Halt>;

impl Polynomial {
    fn constant(value: Rational) -> Self {
        Self::term(Vec::new(), value)
    }

    fn term(monomial: Monomial, coefficient: Rational) -> Self {
        let mut polynomial = Self::default();
        if !coefficient.is_zero() {
            polynomial.0.insert(monomial, coefficient);
        }
        polynomial
    }

    fn as_constant(&self) -> Option<Rational> {
        match self.0.len() {
            0 => Some(Rational::ZERO),
            _ => self.single().filter(|(monomial, _)| monomial.is_empty()).map(|(_, value)| value),
        }
    }

    /// The only term.
    fn single(&self) -> Option<(&Monomial, Rational)> {
        let mut terms = self.0.iter();
        terms.next().filter(|_| terms.next().is_none()).map(|(monomial, value)| (monomial, *value))
    }

    fn is_zero(&self) -> bool {
        self.0.is_empty()
    }
}

impl Quotient {
    fn constant(value: Rational) -> Self {
        Self::of(Polynomial::constant(value))
    }

    fn of(top: Polynomial) -> Self {
        Self { top, bottom: Polynomial::constant(Rational::ONE) }
    }

    /// The rational number it is.
    pub(super) fn as_constant(&self) -> Option<Rational> {
        self.top.as_constant().filter(|_| self.bottom.as_constant() == Some(Rational::ONE))
    }

    /// Whether it is 0.
    pub(super) fn is_zero(&self) -> bool {
        self.top.is_zero()
    }
}

impl Algebra {
    /// The normal form of an expression.
    pub(super) fn quotient(&mut self, tree: &Tree) -> Result<Quotient> {
        match tree {
            Tree::Number(value) => Ok(Quotient::constant(*value)),
            Tree::Name(name) => self.named(name),
            Tree::Pi => self.atom(Atom::Pi),
            Tree::Negative(inner) => {
                let inner = self.quotient(inner)?;
                self.times(&Quotient::constant(Rational::whole(-1)), &inner)
            }
            Tree::Sum(terms) => {
                let mut sum = Quotient::constant(Rational::ZERO);
                for term in terms {
                    let term = self.quotient(term)?;
                    sum = self.plus(&sum, &term)?;
                }
                Ok(sum)
            }
            Tree::Product(parts) => {
                let mut product = Quotient::constant(Rational::ONE);
                for part in parts {
                    let part = self.quotient(part)?;
                    product = self.times(&product, &part)?;
                }
                Ok(product)
            }
            Tree::Quotient(top, bottom) => {
                let (top, bottom) = (self.quotient(top)?, self.quotient(bottom)?);
                let inverse = self.inverse(&bottom)?;
                self.times(&top, &inverse)
            }
            Tree::Power(base, exponent) => {
                let (base, exponent) = (self.quotient(base)?, self.quotient(exponent)?);
                self.raised(&base, &exponent)
            }
            Tree::Apply(function, argument) => {
                let argument = self.quotient(argument)?;
                self.apply(function, argument)
            }
            Tree::Infinity => Err(Halt::Undefined("it computes with infinity")),
            Tree::Group(..) | Tree::Set(_) | Tree::Union(_) => {
                Err(Halt::Undefined("it computes with a tuple, a set or an interval"))
            }
        }
    }

    /// Whether two normal forms are equal, by multiplying crosswise.
    pub(super) fn equal(&mut self, left: &Quotient, right: &Quotient) -> Result<bool> {
        if left == right {
            return Ok(true);
        }
        Ok(self.multiplied(&left.top, &right.bottom)? == self.multiplied(&right.top, &left.bottom)?)
    }

    /// The difference of two normal forms.
    pub(super) fn minus(&mut self, left: &Quotient, right: &Quotient) -> Result<Quotient> {
        let negative = self.times(&Quotient::constant(Rational::whole(-1)), right)?;
        self.plus(left, &negative)
    }

    /// Whether one is the other times a number other than 0, neither being a number itself.
    pub(super) fn proportional(&mut self, left: &Quotient, right: &Quotient) -> Result<bool> {
        let cross = (self.multiplied(&left.top, &right.bottom)?, self.multiplied(&right.top, &left.bottom)?);
        let numbers = left.as_constant().is_some() || right.as_constant().is_some();
        let (Some((first, lead)), Some((second, other))) = (cross.0.0.iter().next_back(), cross.1.0.iter().next_back())
        else {
            return Ok(false);
        };
        if numbers || first != second {
            return Ok(false);
        }
        let (lead, other) = (*lead, *other);
        Ok(self.scaled(&cross.0, other)? == self.scaled(&cross.1, lead)?)
    }

    fn spend(&mut self, steps: usize) -> Result<()> {
        self.steps = self.steps.saturating_add(steps);
        match self.steps > MAX_STEPS {
            true => Err(Halt::Beyond("it takes more steps than are allowed")),
            false => Ok(()),
        }
    }

    fn named(&mut self, name: &str) -> Result<Quotient> {
        match name {
            "e" => self.atom(Atom::E),
            "i" => {
                let id = self.id(Atom::Prime(-1))?;
                let half = Rational { top: 1, bottom: 2 };
                Ok(Quotient::of(Polynomial::term(vec![(id, half)], Rational::ONE)))
            }
            _ => self.atom(Atom::Name(name.to_owned())),
        }
    }

    fn atom(&mut self, atom: Atom) -> Result<Quotient> {
        let id = self.id(atom)?;
        Ok(Quotient::of(Polynomial::term(vec![(id, Rational::ONE)], Rational::ONE)))
    }

    /// The number of an atom; one whose contents are equal to those of a known one is that one.
    fn id(&mut self, atom: Atom) -> Result<Id> {
        self.spend(1)?;
        for at in 0..self.atoms.len() {
            if self.is_same_atom(at, &atom)? {
                return Ok(at);
            }
        }
        if self.atoms.len() >= MAX_ATOMS {
            return Err(Halt::Beyond("it has more than 100 different parts"));
        }
        self.atoms.push(atom);
        Ok(self.atoms.len() - 1)
    }

    fn is_same_atom(&mut self, at: Id, atom: &Atom) -> Result<bool> {
        match (&self.atoms[at], atom) {
            (known, atom) if known == atom => Ok(true),
            (Atom::Apply(left, first), Atom::Apply(right, second)) if left == right => {
                let first = first.clone();
                self.equal(&first, second)
            }
            (Atom::Raised(left, power), Atom::Raised(right, other)) => {
                let (left, power) = (left.clone(), power.clone());
                Ok(self.equal(&left, right)? && self.equal(&power, other)?)
            }
            _ => Ok(false),
        }
    }

    fn added(&mut self, mut left: Polynomial, right: &Polynomial) -> Result<Polynomial> {
        self.spend(right.0.len())?;
        for (monomial, value) in &right.0 {
            add_term(&mut left, monomial.clone(), *value)?;
        }
        Ok(left)
    }

    fn scaled(&mut self, polynomial: &Polynomial, factor: Rational) -> Result<Polynomial> {
        self.multiplied(polynomial, &Polynomial::constant(factor))
    }

    fn multiplied(&mut self, left: &Polynomial, right: &Polynomial) -> Result<Polynomial> {
        self.spend(left.0.len().saturating_mul(right.0.len()))?;
        let mut product = Polynomial::default();
        for (first, value) in &left.0 {
            for (second, other) in &right.0 {
                let (monomial, factor, sums) = self.joined(first, second)?;
                let coefficient = value.times(*other)?.times(factor)?;
                if sums.is_empty() {
                    add_term(&mut product, monomial, coefficient)?;
                    continue;
                }
                let mut expanded = Polynomial::term(monomial, coefficient);
                for (sum, exponent) in sums {
                    let raised = self.whole_power(&sum, exponent)?;
                    expanded = self.multiplied(&expanded, &raised)?;
                }
                product = self.added(product, &expanded)?;
            }
        }
        Ok(product)
    }

    /// The product of two monomials. Whole powers of primes become a factor, those of sums are left to multiply out.
    fn joined(&self, left: &Monomial, right: &Monomial) -> Result<Joined> {
        let mut exponents: BTreeMap<Id, Rational> = left.iter().copied().collect();
        for (id, exponent) in right {
            let sum = exponents.get(id).copied().unwrap_or(Rational::ZERO).plus(*exponent)?;
            exponents.insert(*id, sum);
        }
        let (mut factor, mut sums) = (Rational::ONE, Vec::new());
        for (id, exponent) in &mut exponents {
            let (whole, part) = exponent.split();
            match &self.atoms[*id] {
                _ if whole == 0 => {}
                Atom::Prime(prime) => {
                    factor = factor.times(Rational::whole(*prime).power(whole)?)?;
                    *exponent = part;
                }
                Atom::Sum(sum) => {
                    sums.push((sum.clone(), whole));
                    *exponent = part;
                }
                // The square of |x| is that of x, where x is real.
                Atom::Apply("abs", inner) if whole >= 2 && self.is_real_sum(inner) => {
                    sums.push((inner.top.clone(), whole - whole % 2));
                    *exponent = part.plus(Rational::whole(whole % 2))?;
                }
                _ => {}
            }
        }
        let monomial = exponents.into_iter().filter(|(_, exponent)| !exponent.is_zero()).collect();
        Ok((monomial, factor, sums))
    }

    fn is_real_sum(&self, quotient: &Quotient) -> bool {
        let real = |monomial: &Monomial| monomial.iter().all(|(id, _)| self.atoms[*id] != Atom::Prime(-1));
        quotient.bottom.as_constant() == Some(Rational::ONE) && quotient.top.0.keys().all(real)
    }

    fn whole_power(&mut self, base: &Polynomial, exponent: i128) -> Result<Polynomial> {
        if exponent > MAX_EXPONENT {
            return Err(Halt::Beyond("a sum in it is raised to more than the 64th power"));
        }
        let mut power = Polynomial::constant(Rational::ONE);
        for _ in 0..exponent {
            power = self.multiplied(&power, base)?;
        }
        Ok(power)
    }

    fn plus(&mut self, left: &Quotient, right: &Quotient) -> Result<Quotient> {
        if left.bottom == right.bottom {
            let top = self.added(left.top.clone(), &right.top)?;
            return self.reduced(top, left.bottom.clone());
        }
        let first = self.multiplied(&left.top, &right.bottom)?;
        let second = self.multiplied(&right.top, &left.bottom)?;
        let top = self.added(first, &second)?;
        let bottom = self.multiplied(&left.bottom, &right.bottom)?;
        self.reduced(top, bottom)
    }

    fn times(&mut self, left: &Quotient, right: &Quotient) -> Result<Quotient> {
        let top = self.multiplied(&left.top, &right.top)?;
        let bottom = self.multiplied(&left.bottom, &right.bottom)?;
        self.reduced(top, bottom)
    }

    fn inverse(&mut self, quotient: &Quotient) -> Result<Quotient> {
        if quotient.is_zero() {
            return Err(Halt::Undefined("it divides by zero"));
        }
        self.reduced(quotient.bottom.clone(), quotient.top.clone())
    }

    /// A quotient whose divisor has no common monomial with the top, and is 1 where it is a single term without variables.
    fn reduced(&mut self, top: Polynomial, bottom: Polynomial) -> Result<Quotient> {
        if top.is_zero() {
            return Ok(Quotient::constant(Rational::ZERO));
        }
        let Some((lead, value)) = bottom.0.iter().next_back() else {
            return Err(Halt::Undefined("it divides by zero"));
        };
        // Primes under roots have an inverse, so they never stay below; the lead's coefficient becomes 1.
        let single = bottom.0.len() == 1;
        let inverse: Monomial = match single {
            true => lead.iter().filter(|(id, _)| matches!(self.atoms[*id], Atom::Prime(_))).copied().collect(),
            false => Vec::new(),
        };
        let inverse: Monomial =
            inverse.into_iter().map(|(id, exponent)| Ok((id, exponent.negated()?))).collect::<Result<_>>()?;
        let scale = value.inverse()?;
        // The prime's negative exponents are made positive by the product itself.
        let (inverse, factor, _) = self.joined(&inverse, &Vec::new())?;
        let scale = Polynomial::term(inverse, scale.times(factor)?);
        let (top, bottom) = (self.multiplied(&top, &scale)?, self.multiplied(&bottom, &scale)?);
        self.without_common(top, bottom)
    }

    /// Divides both by the monomial that all their terms share.
    fn without_common(&mut self, top: Polynomial, bottom: Polynomial) -> Result<Quotient> {
        let mut terms = bottom.0.keys().chain(top.0.keys());
        let mut common: Monomial = terms.next().cloned().unwrap_or_default();
        for term in terms {
            common = common
                .iter()
                .filter_map(|(id, exponent)| {
                    let other = term.iter().find(|(other, _)| other == id)?.1;
                    Some((*id, if other.as_f64() < exponent.as_f64() { other } else { *exponent }))
                })
                .collect();
            if common.is_empty() {
                return Ok(Quotient { top, bottom });
            }
        }
        let inverse: Monomial =
            common.iter().map(|(id, exponent)| Ok((*id, exponent.negated()?))).collect::<Result<_>>()?;
        let divided = |polynomial: &Polynomial| -> Result<Polynomial> {
            let mut divided = Polynomial::default();
            for (monomial, value) in &polynomial.0 {
                let (monomial, factor, _) = self.joined(monomial, &inverse)?;
                add_term(&mut divided, monomial, value.times(factor)?)?;
            }
            Ok(divided)
        };
        Ok(Quotient { top: divided(&top)?, bottom: divided(&bottom)? })
    }

    fn raised(&mut self, base: &Quotient, exponent: &Quotient) -> Result<Quotient> {
        if let Some(exponent) = exponent.as_constant() {
            return self.rational_power(base, exponent);
        }
        let constant = exponent.bottom.as_constant() == Some(Rational::ONE);
        match (base.top.single(), base.bottom.single()) {
            (Some((top, value)), Some((bottom, _))) if constant => {
                self.symbolic_power(top.clone(), bottom.clone(), value, exponent)
            }
            _ => self.atom(Atom::Raised(base.clone(), exponent.clone())),
        }
    }

    /// `(c x^k / y)^{s + t}` is a product of the powers of each factor to each term.
    fn symbolic_power(
        &mut self,
        top: Monomial,
        bottom: Monomial,
        value: Rational,
        exponent: &Quotient,
    ) -> Result<Quotient> {
        let mut parts: Vec<(Id, Rational)> = top;
        for (id, power) in bottom {
            parts.push((id, power.negated()?));
        }
        for (number, sign) in [(value.top, 1), (value.bottom, -1)] {
            for (prime, times) in factors(number.unsigned_abs())? {
                parts.push((self.id(Atom::Prime(prime))?, Rational::whole(times * sign)));
            }
        }
        if value.top < 0 {
            parts.push((self.id(Atom::Prime(-1))?, Rational::ONE));
        }
        let mut product = Quotient::constant(Rational::ONE);
        for (monomial, coefficient) in &exponent.top.0 {
            for (id, power) in &parts {
                let power = power.times(*coefficient)?;
                let factor = match (monomial.is_empty(), self.atoms[*id].clone()) {
                    (true, _) => self.atom_power(*id, power)?,
                    (false, Atom::Power(inner, outer)) => {
                        let (joined, factor, _) = self.joined(&outer, monomial)?;
                        let id = self.id(Atom::Power(inner, joined))?;
                        self.atom_power(id, power.times(factor)?)?
                    }
                    (false, _) => {
                        let id = self.id(Atom::Power(*id, monomial.clone()))?;
                        self.atom_power(id, power)?
                    }
                };
                product = self.times(&product, &factor)?;
            }
        }
        Ok(product)
    }

    /// An atom to a rational exponent.
    fn atom_power(&mut self, id: Id, exponent: Rational) -> Result<Quotient> {
        let positive = Rational { top: exponent.top.abs(), bottom: exponent.bottom };
        let (monomial, factor, sums) = self.joined(&vec![(id, positive)], &Vec::new())?;
        let mut power = Polynomial::term(monomial, factor);
        for (sum, exponent) in sums {
            let raised = self.whole_power(&sum, exponent)?;
            power = self.multiplied(&power, &raised)?;
        }
        let power = Quotient::of(power);
        if exponent.top < 0 { self.inverse(&power) } else { Ok(power) }
    }

    fn rational_power(&mut self, base: &Quotient, exponent: Rational) -> Result<Quotient> {
        if exponent.top < 0 {
            let inverse = self.inverse(base)?;
            return self.rational_power(&inverse, exponent.negated()?);
        }
        if exponent.is_zero() && base.is_zero() {
            return Err(Halt::Undefined("it has 0 to the power 0"));
        }
        if exponent.bottom > MAX_EXPONENT {
            return Err(Halt::Beyond("it has a root of a degree above 64"));
        }
        let top = self.polynomial_power(&base.top, exponent)?;
        let bottom = self.polynomial_power(&base.bottom, exponent)?;
        let inverse = self.inverse(&bottom)?;
        self.times(&top, &inverse)
    }

    fn polynomial_power(&mut self, base: &Polynomial, exponent: Rational) -> Result<Quotient> {
        if base.is_zero() {
            return Ok(Quotient::of(base.clone()));
        }
        if let Some((monomial, value)) = base.single() {
            return self.term_power(&monomial.clone(), value, exponent);
        }
        if let Some(whole) = exponent.as_whole() {
            return Ok(Quotient::of(self.whole_power(base, whole)?));
        }
        if exponent.bottom == 2
            && let Some(root) = self.denested(base)?
        {
            return self.rational_power(&root, Rational::whole(exponent.top));
        }
        let (content, primitive) = self.primitive(base)?;
        // An odd root of a negative number is negative, so the sign of the sum can be fixed; an even one keeps it.
        let (content, primitive) = match exponent.bottom % 2 != 0 {
            true => (content, primitive),
            false if content.top < 0 => (content.negated()?, self.scaled(&primitive, Rational::whole(-1))?),
            false => (content, primitive),
        };
        let outer = self.number_power(content, exponent)?;
        let id = self.id(Atom::Sum(primitive))?;
        let inner = self.atom_power(id, exponent)?;
        self.times(&outer, &inner)
    }

    /// The square root of `a + b sqrt(c)`, where `d = sqrt(a^2 - b^2 c)` is rational: `sqrt((a + d) / 2)` plus, or minus
    /// where b is negative, `sqrt((a - d) / 2)`.
    fn denested(&mut self, sum: &Polynomial) -> Result<Option<Quotient>> {
        let half = Rational { top: 1, bottom: 2 };
        let terms: Vec<(&Monomial, Rational)> = sum.0.iter().map(|(monomial, value)| (monomial, *value)).collect();
        let [(constant, a), (surd, b)] = terms[..] else { return Ok(None) };
        let mut square = b.times(b)?;
        for (id, exponent) in surd {
            match self.atoms[*id] {
                Atom::Prime(prime) if *exponent == half => square = square.times(Rational::whole(prime))?,
                _ => return Ok(None),
            }
        }
        let rest = a.times(a)?.plus(square.negated()?)?;
        if !constant.is_empty() || a.top <= 0 || rest.top < 0 {
            return Ok(None);
        }
        // Where the factors cannot be found, the root stays as it is.
        let root = self.number_power_or_zero(rest, half).ok().and_then(|root| root.as_constant());
        let Some(root) = root else { return Ok(None) };
        let larger = self.number_power(a.plus(root)?.times(half)?, half)?;
        let smaller = self.number_power_or_zero(a.plus(root.negated()?)?.times(half)?, half)?;
        match b.top < 0 {
            true => self.minus(&larger, &smaller).map(Some),
            false => self.plus(&larger, &smaller).map(Some),
        }
    }

    /// A sum as a number times a sum of whole coefficients without a common divisor, the last of them positive.
    fn primitive(&mut self, sum: &Polynomial) -> Result<(Rational, Polynomial)> {
        let mut content = Rational::ZERO;
        for value in sum.0.values() {
            content = common(content, *value)?;
        }
        if sum.0.values().next_back().is_some_and(|last| last.top < 0) {
            content = content.negated()?;
        }
        let inverse = content.inverse()?;
        Ok((content, self.scaled(sum, inverse)?))
    }

    fn term_power(&mut self, monomial: &Monomial, value: Rational, exponent: Rational) -> Result<Quotient> {
        let mut power = self.number_power(value, exponent)?;
        for (id, inner) in monomial {
            let joined = inner.times(exponent)?;
            // An even power under an even root is that of the absolute value: the root of x squared is |x|.
            let even = |value: Rational| value.top % 2 == 0;
            let plain = exponent.bottom % 2 != 0 || !even(*inner) || even(joined);
            let factor = match plain || self.is_positive(*id) {
                true => self.atom_power(*id, joined)?,
                false => {
                    let argument = Quotient::of(Polynomial::term(vec![(*id, Rational::ONE)], Rational::ONE));
                    let absolute = self.id(Atom::Apply("abs", argument))?;
                    self.atom_power(absolute, joined)?
                }
            };
            power = self.times(&power, &factor)?;
        }
        Ok(power)
    }

    fn is_positive(&self, id: Id) -> bool {
        match &self.atoms[id] {
            Atom::Prime(prime) => *prime > 0,
            Atom::Pi | Atom::E => true,
            Atom::Power(base, _) => self.is_positive(*base),
            Atom::Apply(function, _) => *function == "abs",
            _ => false,
        }
    }

    /// Whether it is a single term of even powers and of what is never negative, its coefficient being 1.
    fn is_never_negative(&self, sum: &Polynomial) -> bool {
        let never = |(id, exponent): &(Id, Rational)| match exponent.top % 2 == 0 {
            true => self.atoms[*id] != Atom::Prime(-1),
            false => self.is_positive(*id),
        };
        sum.single().is_some_and(|(monomial, _)| monomial.iter().all(never))
    }

    /// A number to a rational exponent: whole powers of its primes, and what stays under roots.
    fn number_power(&mut self, number: Rational, exponent: Rational) -> Result<Quotient> {
        if let Some(whole) = exponent.as_whole() {
            return Ok(Quotient::constant(number.power(whole)?));
        }
        let mut power = Quotient::constant(Rational::ONE);
        for (part, sign) in [(number.top, 1), (number.bottom, -1)] {
            for (prime, times) in factors(part.unsigned_abs())? {
                let id = self.id(Atom::Prime(prime))?;
                let factor = self.atom_power(id, exponent.times(Rational::whole(times * sign))?)?;
                power = self.times(&power, &factor)?;
            }
        }
        if number.top >= 0 {
            return Ok(power);
        }
        let sign = match exponent.bottom % 2 == 0 {
            true => {
                let id = self.id(Atom::Prime(-1))?;
                self.atom_power(id, exponent)?
            }
            false => Quotient::constant(Rational::whole(if exponent.top % 2 == 0 { 1 } else { -1 })),
        };
        self.times(&power, &sign)
    }

    fn apply(&mut self, function: &'static str, argument: Quotient) -> Result<Quotient> {
        match function {
            "exp" => {
                let base = self.atom(Atom::E)?;
                self.raised(&base, &argument)
            }
            "!" => self.factorial(argument),
            "abs" => self.absolute(argument),
            "ln" => self.logarithm(argument),
            "log" | "lg" => {
                let (top, ten) = (self.logarithm(argument)?, self.logarithm(Quotient::constant(Rational::whole(10)))?);
                let inverse = self.inverse(&ten)?;
                self.times(&top, &inverse)
            }
            "tan" => self.ratio("sin", "cos", argument),
            "cot" => self.ratio("cos", "sin", argument),
            "sec" | "csc" => {
                let below = self.apply(if function == "sec" { "cos" } else { "sin" }, argument)?;
                self.inverse(&below)
            }
            "sin" | "cos" => self.angle(function, argument),
            _ => self.atom(Atom::Apply(function, argument)),
        }
    }

    fn ratio(&mut self, above: &'static str, below: &'static str, argument: Quotient) -> Result<Quotient> {
        let (above, below) = (self.angle(above, argument.clone())?, self.angle(below, argument)?);
        let inverse = self.inverse(&below)?;
        self.times(&above, &inverse)
    }

    fn factorial(&mut self, argument: Quotient) -> Result<Quotient> {
        match argument.as_constant().map(|value| value.as_whole().filter(|whole| *whole >= 0)) {
            Some(Some(whole)) if whole <= MAX_FACTORIAL => {
                Ok(Quotient::constant(Rational::whole((1..=whole).product())))
            }
            Some(Some(_)) => Err(Halt::Beyond("it has a factorial above 33!")),
            Some(None) => Err(Halt::Undefined("it has a factorial of what is no whole number from 0 on")),
            None => self.atom(Atom::Apply("!", argument)),
        }
    }

    /// `|c s|` is `|c| |s|`, with the sign of the sum fixed.
    fn absolute(&mut self, argument: Quotient) -> Result<Quotient> {
        if argument.is_zero() {
            return Ok(argument);
        }
        if let Some(value) = self.numeric(&argument).filter(|value| value.abs() > 1e-9) {
            let sign = Quotient::constant(Rational::whole(if value < 0.0 { -1 } else { 1 }));
            return self.times(&sign, &argument);
        }
        let (content, top) = self.primitive(&argument.top)?;
        let content = Rational { top: content.top.abs(), bottom: content.bottom };
        if [&top, &argument.bottom].iter().all(|sum| self.is_never_negative(sum)) {
            return self.times(&Quotient::constant(content), &Quotient { top, bottom: argument.bottom });
        }
        let inner = self.atom(Atom::Apply("abs", Quotient { top, bottom: argument.bottom }))?;
        self.times(&Quotient::constant(content), &inner)
    }

    /// The logarithm of a number is the sum of those of its primes; `e` has 1.
    fn logarithm(&mut self, argument: Quotient) -> Result<Quotient> {
        let single = argument.top.single().map(|(monomial, value)| (monomial.clone(), value));
        let known = |id: Id| matches!(&self.atoms[id], Atom::Prime(prime) if *prime > 0) || self.atoms[id] == Atom::E;
        let of_numbers = |monomial: &Monomial| monomial.iter().all(|(id, _)| known(*id));
        let bottom = argument.bottom.single().map(|(monomial, _)| monomial.clone()).filter(of_numbers);
        let (Some((monomial, value)), Some(bottom)) = (single.filter(|(monomial, _)| of_numbers(monomial)), bottom)
        else {
            if argument.is_zero() {
                return Err(Halt::Undefined("it has a logarithm of 0"));
            }
            return self.atom(Atom::Apply("ln", argument));
        };
        if value.top < 0 {
            return Err(Halt::Undefined("it has a logarithm of a negative number"));
        }
        let mut parts: Vec<(Atom, Rational)> = Vec::new();
        for (number, sign) in [(value.top, 1), (value.bottom, -1)] {
            let found = factors(number.unsigned_abs())?;
            parts.extend(found.into_iter().map(|(prime, times)| (Atom::Prime(prime), Rational::whole(times * sign))));
        }
        parts.extend(monomial.iter().map(|(id, exponent)| (self.atoms[*id].clone(), *exponent)));
        for (id, exponent) in bottom {
            parts.push((self.atoms[id].clone(), exponent.negated()?));
        }
        let mut sum = Quotient::constant(Rational::ZERO);
        for (atom, exponent) in parts {
            let logarithm = match atom {
                Atom::Prime(prime) => self.atom(Atom::Apply("ln", Quotient::constant(Rational::whole(prime))))?,
                _ => Quotient::constant(Rational::ONE),
            };
            let part = self.times(&logarithm, &Quotient::constant(exponent))?;
            sum = self.plus(&sum, &part)?;
        }
        Ok(sum)
    }

    /// Sine and cosine are known at every twelfth of half a turn that has a simple root.
    fn angle(&mut self, function: &'static str, argument: Quotient) -> Result<Quotient> {
        let pi = self.atom(Atom::Pi)?;
        let inverse = self.inverse(&pi)?;
        let turns = match argument.is_zero() {
            true => Some(Rational::ZERO),
            false => self.times(&argument, &inverse)?.as_constant(),
        };
        let Some(twelfths) = turns.and_then(|turns| turns.times(Rational::whole(12)).ok()?.as_whole()) else {
            return self.atom(Atom::Apply(function, argument));
        };
        let twelfths = if function == "cos" { twelfths.saturating_add(6) } else { twelfths }.rem_euclid(24);
        let (sign, twelfths) = if twelfths >= 12 { (-1, twelfths - 12) } else { (1, twelfths) };
        // The square of the sine, in quarters.
        let quarters = match twelfths.min(12 - twelfths) {
            0 => 0,
            2 => 1,
            3 => 2,
            4 => 3,
            6 => 4,
            _ => return self.atom(Atom::Apply(function, argument)),
        };
        let root = self.number_power_or_zero(Rational::new(quarters, 4)?, Rational { top: 1, bottom: 2 })?;
        self.times(&Quotient::constant(Rational::whole(sign)), &root)
    }

    fn number_power_or_zero(&mut self, number: Rational, exponent: Rational) -> Result<Quotient> {
        if number.is_zero() { Ok(Quotient::constant(number)) } else { self.number_power(number, exponent) }
    }

    /// The value of what has no variable, rounded.
    pub(super) fn numeric(&self, quotient: &Quotient) -> Option<f64> {
        let value = self.sum_value(&quotient.top)? / self.sum_value(&quotient.bottom)?;
        value.is_finite().then_some(value)
    }

    fn sum_value(&self, sum: &Polynomial) -> Option<f64> {
        let term = |(monomial, value): (&Monomial, &Rational)| Some(self.monomial_value(monomial)? * value.as_f64());
        sum.0.iter().map(term).sum()
    }

    fn monomial_value(&self, monomial: &Monomial) -> Option<f64> {
        monomial.iter().map(|(id, exponent)| Some(real_power(self.atom_value(*id)?, *exponent))).product()
    }

    fn atom_value(&self, id: Id) -> Option<f64> {
        match &self.atoms[id] {
            Atom::Prime(prime) => (*prime > 0).then_some(*prime as f64),
            Atom::Name(_) => None,
            Atom::Pi => Some(std::f64::consts::PI),
            Atom::E => Some(std::f64::consts::E),
            Atom::Sum(sum) => self.sum_value(sum),
            Atom::Apply(function, argument) => applied(function, self.numeric(argument)?),
            Atom::Power(base, exponent) => Some(self.atom_value(*base)?.powf(self.monomial_value(exponent)?)),
            Atom::Raised(base, exponent) => Some(self.numeric(base)?.powf(self.numeric(exponent)?)),
        }
    }
}

/// The real power; an odd root of a negative number is negative, an even one no number.
fn real_power(base: f64, exponent: Rational) -> f64 {
    let power = base.abs().powf(exponent.as_f64());
    match (base < 0.0, exponent.bottom % 2 == 0, exponent.top % 2 == 0) {
        (true, true, _) => f64::NAN,
        (true, false, false) => -power,
        _ => power,
    }
}

fn applied(function: &str, value: f64) -> Option<f64> {
    Some(match function {
        "sin" => value.sin(),
        "cos" => value.cos(),
        "arcsin" => value.asin(),
        "arccos" => value.acos(),
        "arctan" => value.atan(),
        "sinh" => value.sinh(),
        "cosh" => value.cosh(),
        "tanh" => value.tanh(),
        "ln" => value.ln(),
        "abs" => value.abs(),
        _ => return None,
    })
}

fn add_term(sum: &mut Polynomial, monomial: Monomial, value: Rational) -> Result<()> {
    if sum.0.len() >= MAX_TERMS && !sum.0.contains_key(&monomial) {
        return Err(Halt::Beyond("it multiplies out to more than 2,000 terms"));
    }
    match sum.0.entry(monomial) {
        Entry::Vacant(place) if !value.is_zero() => {
            place.insert(value);
        }
        Entry::Vacant(_) => {}
        Entry::Occupied(mut place) => {
            let total = place.get().plus(value)?;
            if total.is_zero() {
                place.remove();
            } else {
                place.insert(total);
            }
        }
    }
    Ok(())
}

/// The largest fraction that both are whole multiples of, without sign.
fn common(left: Rational, right: Rational) -> Result<Rational> {
    let too_large = Halt::Beyond("a number in it takes more than 128 bits");
    let top = i128::try_from(gcd(left.top.unsigned_abs(), right.top.unsigned_abs())).map_err(|_| too_large.clone())?;
    let shared =
        i128::try_from(gcd(left.bottom.unsigned_abs(), right.bottom.unsigned_abs())).map_err(|_| too_large.clone())?;
    Rational::new(top, (left.bottom / shared).checked_mul(right.bottom).ok_or(too_large)?)
}
