//! Functions in normal form: what is known exactly is written out, the rest stays an atom.

use super::Halt;
use super::algebra::{Algebra, Atom, Id, Monomial, Polynomial, Quotient, Result};
use super::rational::Rational;

/// 33! is the last that fits 128 bits.
const MAX_FACTORIAL: i128 = 33;

impl Algebra {
    pub(super) fn apply(&mut self, function: &'static str, argument: Quotient) -> Result<Quotient> {
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

    pub(super) fn ratio(&mut self, above: &'static str, below: &'static str, argument: Quotient) -> Result<Quotient> {
        let (above, below) = (self.angle(above, argument.clone())?, self.angle(below, argument)?);
        let inverse = self.inverse(&below)?;
        self.times(&above, &inverse)
    }

    pub(super) fn factorial(&mut self, argument: Quotient) -> Result<Quotient> {
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
    pub(super) fn absolute(&mut self, argument: Quotient) -> Result<Quotient> {
        if argument.is_zero() {
            return Ok(argument);
        }
        if let Some(negative) = self.is_negative(&argument) {
            let sign = Quotient::constant(Rational::whole(if negative { -1 } else { 1 }));
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

    /// Whether it is a single term of even powers and of what is never negative, its coefficient being 1.
    pub(super) fn is_never_negative(&self, sum: &Polynomial) -> bool {
        let never = |(id, exponent): &(Id, Rational)| match exponent.top % 2 == 0 {
            true => self.atoms[*id] != Atom::Prime(-1),
            false => self.is_positive(*id),
        };
        sum.single().is_some_and(|(monomial, _)| monomial.iter().all(never))
    }

    /// The logarithm of a number is the sum of those of its primes; `e` has 1.
    pub(super) fn logarithm(&mut self, argument: Quotient) -> Result<Quotient> {
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
            let found = self.primes(number.unsigned_abs())?;
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
    pub(super) fn angle(&mut self, function: &'static str, argument: Quotient) -> Result<Quotient> {
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
}
