//! Quotients of polynomials with exact coefficients. What a polynomial cannot say (a variable, a prime under a root, a
//! function of something) is an atom; atoms whose contents are equal are one. Products of different primes to exponents
//! between 0 and 1 are linearly independent over the rationals (Besicovitch 1940), so a sum of roots of numbers is 0
//! only where every term is.
//!
//! Both sides of a comparison share one algebra, and with it one budget of steps: nothing an answer says takes long.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::Halt;
use super::rational::Rational;

/// The most terms of a polynomial.
const MAX_TERMS: usize = 2_000;
/// The largest exponent that a sum is raised to, and the largest degree of a root.
pub(super) const MAX_EXPONENT: i128 = 64;
/// The most products and sums of terms in a comparison.
const MAX_STEPS: usize = 50_000;
/// The most atoms in a comparison.
const MAX_ATOMS: usize = 100;

pub(super) type Id = usize;
/// Atoms with their exponents, by the atoms' order; none has the exponent 0.
pub(super) type Monomial = Vec<(Id, Rational)>;

/// What polynomials are made of.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Atom {
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
pub(super) struct Polynomial(pub(super) BTreeMap<Monomial, Rational>);

/// A quotient of polynomials.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Quotient {
    pub(super) top: Polynomial,
    pub(super) bottom: Polynomial,
}

/// A product of monomials: what stays one, and the whole powers that do not.
pub(super) struct Joined {
    pub(super) monomial: Monomial,
    /// The whole powers of primes.
    pub(super) factor: Rational,
    /// The sums with their whole powers, to be multiplied out.
    pub(super) sums: Vec<(Polynomial, i128)>,
}

/// Computes normal forms, within a budget.
#[derive(Debug, Default)]
pub(super) struct Algebra {
    pub(super) atoms: Vec<Atom>,
    steps: usize,
}

pub(super) type Result<T> = std::result::Result<T, Halt>;

impl Polynomial {
    pub(super) fn constant(value: Rational) -> Self {
        Self::term(Vec::new(), value)
    }

    pub(super) fn term(monomial: Monomial, coefficient: Rational) -> Self {
        let mut polynomial = Self::default();
        if !coefficient.is_zero() {
            polynomial.0.insert(monomial, coefficient);
        }
        polynomial
    }

    pub(super) fn as_constant(&self) -> Option<Rational> {
        match self.0.len() {
            0 => Some(Rational::ZERO),
            _ => self.single().filter(|(monomial, _)| monomial.is_empty()).map(|(_, value)| value),
        }
    }

    /// The only term.
    pub(super) fn single(&self) -> Option<(&Monomial, Rational)> {
        let mut terms = self.0.iter();
        terms.next().filter(|_| terms.next().is_none()).map(|(monomial, value)| (monomial, *value))
    }

    pub(super) fn is_zero(&self) -> bool {
        self.0.is_empty()
    }
}

impl Quotient {
    pub(super) fn constant(value: Rational) -> Self {
        Self::of(Polynomial::constant(value))
    }

    pub(super) fn of(top: Polynomial) -> Self {
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
    /// Whether two normal forms are equal, by multiplying crosswise.
    pub(super) fn equal(&mut self, left: &Quotient, right: &Quotient) -> Result<bool> {
        if left == right {
            return Ok(true);
        }
        Ok(self.multiplied(&left.top, &right.bottom)? == self.multiplied(&right.top, &left.bottom)?)
    }

    /// Why nothing is said of two expressions, where a letter is a function in one place and a number in another.
    pub(super) fn ambiguous(&self) -> Option<&'static str> {
        let is_function =
            |name: &str| self.atoms.iter().any(|atom| matches!(atom, Atom::Apply(known, _) if *known == name));
        let both = self.atoms.iter().any(|atom| matches!(atom, Atom::Name(name) if is_function(name)));
        both.then_some("a letter in it may be a function or a factor")
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

    pub(super) fn spend(&mut self, steps: usize) -> Result<()> {
        self.steps = self.steps.saturating_add(steps);
        match self.steps > MAX_STEPS {
            true => Err(Halt::Beyond("it takes more steps than are allowed")),
            false => Ok(()),
        }
    }

    pub(super) fn atom(&mut self, atom: Atom) -> Result<Quotient> {
        let id = self.id(atom)?;
        Ok(Quotient::of(Polynomial::term(vec![(id, Rational::ONE)], Rational::ONE)))
    }

    /// The number of an atom; one whose contents are equal to those of a known one is that one.
    pub(super) fn id(&mut self, atom: Atom) -> Result<Id> {
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

    pub(super) fn is_same_atom(&mut self, at: Id, atom: &Atom) -> Result<bool> {
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

    pub(super) fn added(&mut self, mut left: Polynomial, right: &Polynomial) -> Result<Polynomial> {
        self.spend(right.0.len())?;
        for (monomial, value) in &right.0 {
            add_term(&mut left, monomial.clone(), *value)?;
        }
        Ok(left)
    }

    pub(super) fn scaled(&mut self, polynomial: &Polynomial, factor: Rational) -> Result<Polynomial> {
        self.multiplied(polynomial, &Polynomial::constant(factor))
    }

    pub(super) fn multiplied(&mut self, left: &Polynomial, right: &Polynomial) -> Result<Polynomial> {
        self.spend(left.0.len().saturating_mul(right.0.len()))?;
        let mut product = Polynomial::default();
        for (first, value) in &left.0 {
            for (second, other) in &right.0 {
                let Joined { monomial, factor, sums } = self.joined(first, second)?;
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

    /// The product of two monomials. Only exponents that must stay below 1 are reduced.
    pub(super) fn joined(&self, left: &Monomial, right: &Monomial) -> Result<Joined> {
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
        Ok(Joined { monomial, factor, sums })
    }

    pub(super) fn is_real_sum(&self, quotient: &Quotient) -> bool {
        let real = |monomial: &Monomial| monomial.iter().all(|(id, _)| self.atoms[*id] != Atom::Prime(-1));
        quotient.bottom.as_constant() == Some(Rational::ONE) && quotient.top.0.keys().all(real)
    }

    pub(super) fn whole_power(&mut self, base: &Polynomial, exponent: i128) -> Result<Polynomial> {
        if exponent > MAX_EXPONENT {
            return Err(Halt::Beyond("a sum in it is raised to more than the 64th power"));
        }
        let mut power = Polynomial::constant(Rational::ONE);
        for _ in 0..exponent {
            power = self.multiplied(&power, base)?;
        }
        Ok(power)
    }

    pub(super) fn plus(&mut self, left: &Quotient, right: &Quotient) -> Result<Quotient> {
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

    pub(super) fn times(&mut self, left: &Quotient, right: &Quotient) -> Result<Quotient> {
        let top = self.multiplied(&left.top, &right.top)?;
        let bottom = self.multiplied(&left.bottom, &right.bottom)?;
        self.reduced(top, bottom)
    }

    pub(super) fn inverse(&mut self, quotient: &Quotient) -> Result<Quotient> {
        if quotient.is_zero() {
            return Err(Halt::Undefined("it divides by zero"));
        }
        self.reduced(quotient.bottom.clone(), quotient.top.clone())
    }

    /// A quotient whose parts share no monomial, and whose divisor is 1 where it is a single term without variables.
    pub(super) fn reduced(&mut self, top: Polynomial, bottom: Polynomial) -> Result<Quotient> {
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
        let Joined { monomial: inverse, factor, .. } = self.joined(&inverse, &Vec::new())?;
        let scale = Polynomial::term(inverse, scale.times(factor)?);
        let (top, bottom) = (self.multiplied(&top, &scale)?, self.multiplied(&bottom, &scale)?);
        self.without_common(top, bottom)
    }

    /// Divides both by the monomial that all their terms share.
    pub(super) fn without_common(&mut self, top: Polynomial, bottom: Polynomial) -> Result<Quotient> {
        let mut terms = bottom.0.keys().chain(top.0.keys());
        let mut common: Monomial = terms.next().cloned().unwrap_or_default();
        for term in terms {
            common = common
                .iter()
                .filter_map(|(id, exponent)| {
                    let other = term.iter().find(|(other, _)| other == id)?.1;
                    Some(other.least(*exponent).map(|least| (*id, least)))
                })
                .collect::<Result<_>>()?;
            if common.is_empty() {
                return Ok(Quotient { top, bottom });
            }
        }
        let inverse: Monomial =
            common.iter().map(|(id, exponent)| Ok((*id, exponent.negated()?))).collect::<Result<_>>()?;
        let divided = |polynomial: &Polynomial| -> Result<Polynomial> {
            let mut divided = Polynomial::default();
            for (monomial, value) in &polynomial.0 {
                let Joined { monomial, factor, .. } = self.joined(monomial, &inverse)?;
                add_term(&mut divided, monomial, value.times(factor)?)?;
            }
            Ok(divided)
        };
        Ok(Quotient { top: divided(&top)?, bottom: divided(&bottom)? })
    }
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
