//! Powers and roots in normal form. Roots are those of real numbers: `\sqrt[3]{-8}` is -2, and the root of a square is
//! the absolute value.

use super::Halt;
use super::algebra::{Algebra, Atom, Id, Joined, MAX_EXPONENT, Monomial, Polynomial, Quotient, Result};
use super::rational::{Rational, factors, gcd};

impl Algebra {
    pub(super) fn raised(&mut self, base: &Quotient, exponent: &Quotient) -> Result<Quotient> {
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
    pub(super) fn symbolic_power(
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
            for (prime, times) in self.primes(number.unsigned_abs())? {
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
                    (false, Atom::Power(inner, outer)) => self.power_of_power(*id, (inner, &outer), monomial, power)?,
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

    /// `(b^s)^{c t}` is `b^{c s t}`, where the product of s and t is a single term again.
    fn power_of_power(
        &mut self,
        id: Id,
        (base, inner): (Id, &Monomial),
        outer: &Monomial,
        coefficient: Rational,
    ) -> Result<Quotient> {
        let Joined { monomial, factor, sums } = self.joined(inner, outer)?;
        let (atom, exponent) = match (sums.is_empty(), monomial.is_empty()) {
            (false, _) => (Atom::Power(id, outer.clone()), coefficient),
            (true, true) => return self.atom_power(base, coefficient.times(factor)?),
            (true, false) => (Atom::Power(base, monomial), coefficient.times(factor)?),
        };
        let id = self.id(atom)?;
        self.atom_power(id, exponent)
    }

    /// The primes of a whole number; looking for them is paid for.
    pub(super) fn primes(&mut self, number: u128) -> Result<Vec<(i128, i128)>> {
        self.spend(1 + number.min(1 << 32).isqrt() as usize / 100)?;
        factors(number)
    }

    /// An atom to a rational exponent.
    pub(super) fn atom_power(&mut self, id: Id, exponent: Rational) -> Result<Quotient> {
        let positive = Rational { top: exponent.top.abs(), bottom: exponent.bottom };
        let Joined { monomial, factor, sums } = self.joined(&vec![(id, positive)], &Vec::new())?;
        let mut power = Polynomial::term(monomial, factor);
        for (sum, exponent) in sums {
            let raised = self.whole_power(&sum, exponent)?;
            power = self.multiplied(&power, &raised)?;
        }
        let power = Quotient::of(power);
        if exponent.top < 0 { self.inverse(&power) } else { Ok(power) }
    }

    pub(super) fn rational_power(&mut self, base: &Quotient, exponent: Rational) -> Result<Quotient> {
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

    pub(super) fn polynomial_power(&mut self, base: &Polynomial, exponent: Rational) -> Result<Quotient> {
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

    /// The square root of `a + b sqrt(c)`, where `d = sqrt(a^2 - b^2 c)` is rational: `sqrt((a + d) / 2)` plus
    /// `sqrt((a - d) / 2)`, or minus where b is negative.
    pub(super) fn denested(&mut self, sum: &Polynomial) -> Result<Option<Quotient>> {
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
    pub(super) fn primitive(&mut self, sum: &Polynomial) -> Result<(Rational, Polynomial)> {
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

    pub(super) fn term_power(&mut self, monomial: &Monomial, value: Rational, exponent: Rational) -> Result<Quotient> {
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

    pub(super) fn is_positive(&self, id: Id) -> bool {
        match &self.atoms[id] {
            Atom::Prime(prime) => *prime > 0,
            Atom::Pi | Atom::E => true,
            Atom::Power(base, _) => self.is_positive(*base),
            Atom::Apply(function, _) => *function == "abs",
            _ => false,
        }
    }

    /// A number to a rational exponent: whole powers of its primes, and what stays under roots.
    pub(super) fn number_power(&mut self, number: Rational, exponent: Rational) -> Result<Quotient> {
        if let Some(whole) = exponent.as_whole() {
            return Ok(Quotient::constant(number.power(whole)?));
        }
        let mut power = Quotient::constant(Rational::ONE);
        for (part, sign) in [(number.top, 1), (number.bottom, -1)] {
            for (prime, times) in self.primes(part.unsigned_abs())? {
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

    pub(super) fn number_power_or_zero(&mut self, number: Rational, exponent: Rational) -> Result<Quotient> {
        if number.is_zero() { Ok(Quotient::constant(number)) } else { self.number_power(number, exponent) }
    }
}

/// The largest fraction that both are whole multiples of, without sign.
fn common(left: Rational, right: Rational) -> Result<Rational> {
    let too_large = Halt::Beyond("a number in it takes more than 128 bits");
    let top = i128::try_from(gcd(left.top.unsigned_abs(), right.top.unsigned_abs())).map_err(|_| too_large.clone())?;
    let shared =
        i128::try_from(gcd(left.bottom.unsigned_abs(), right.bottom.unsigned_abs())).map_err(|_| too_large.clone())?;
    Rational::new(top, (left.bottom / shared).checked_mul(right.bottom).ok_or(too_large)?)
}
