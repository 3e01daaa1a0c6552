//! The value of what has no variable, in doubles: for tolerances and signs, never to find two expressions equal.

use super::algebra::{Algebra, Atom, Id, Monomial, Polynomial, Quotient};
use super::complex::Complex;
use super::rational::Rational;

/// A value nearer to 0 than this share of its terms may be 0, or have either sign.
pub(super) const DOUBT: f64 = 1e-9;

/// A value, and how large the terms are that it is the sum of: it is rounded to a share of those, however small it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sized {
    pub(super) value: Complex,
    pub(super) scale: f64,
}

impl Sized {
    pub(super) fn sum(terms: impl IntoIterator<Item = Complex>) -> Self {
        let nothing = Self { value: Complex::real(0.0), scale: 0.0 };
        let plus = |sum: Self, term: Complex| Self { value: sum.value.plus(term), scale: sum.scale + term.size() };
        terms.into_iter().fold(nothing, plus)
    }

    pub(super) fn minus(self, other: Self) -> Self {
        Self { value: self.value.plus(other.value.times(Complex::real(-1.0))), scale: self.scale + other.scale }
    }

    /// The quotient: as doubtful as what is divided, and as its divisor.
    pub(super) fn over(self, bottom: Self) -> Self {
        let (value, size) = (self.value.over(bottom.value), bottom.value.size());
        Self { value, scale: (self.scale + value.size() * bottom.scale) / size }
    }

    /// Whether it is further from 0 than a share of its terms.
    pub(super) fn is_apart(self, share: f64) -> bool {
        let size = self.value.size();
        size.is_finite() && size > share * self.scale
    }
}

impl Algebra {
    /// The value of what has no variable, rounded.
    pub(super) fn numeric(&self, quotient: &Quotient) -> Option<Sized> {
        let quotient = self.sum_value(&quotient.top)?.over(self.sum_value(&quotient.bottom)?);
        quotient.value.size().is_finite().then_some(quotient)
    }

    /// Whether a value is below 0, where rounding leaves no doubt.
    pub(super) fn is_negative(&self, quotient: &Quotient) -> Option<bool> {
        let negative = |sum: &Polynomial| {
            let sum = self.sum_value(sum)?;
            sum.is_apart(DOUBT).then_some(sum.value.re < 0.0)
        };
        Some(negative(&quotient.top)? != negative(&quotient.bottom)?)
    }

    pub(super) fn sum_value(&self, sum: &Polynomial) -> Option<Sized> {
        let term = |(monomial, value): (&Monomial, &Rational)| {
            Some(Complex::real(self.monomial_value(monomial)? * value.as_f64()))
        };
        Some(Sized::sum(sum.0.iter().map(term).collect::<Option<Vec<_>>>()?))
    }

    pub(super) fn monomial_value(&self, monomial: &Monomial) -> Option<f64> {
        monomial.iter().map(|(id, exponent)| Some(real_power(self.atom_value(*id)?, *exponent))).product()
    }

    pub(super) fn atom_value(&self, id: Id) -> Option<f64> {
        match &self.atoms[id] {
            Atom::Prime(prime) => (*prime > 0).then_some(*prime as f64),
            Atom::Name(_) => None,
            Atom::Pi => Some(std::f64::consts::PI),
            Atom::E => Some(std::f64::consts::E),
            Atom::Sum(sum) => Some(self.sum_value(sum)?.value.re),
            Atom::Apply(function, argument) => applied(function, self.numeric(argument)?.value.re),
            Atom::Power(base, exponent) => Some(self.atom_value(*base)?.powf(self.monomial_value(exponent)?)),
            Atom::Raised(base, exponent) => Some(self.numeric(base)?.value.re.powf(self.numeric(exponent)?.value.re)),
        }
    }
}

/// The real power; an odd root of a negative number is negative, an even one no number.
pub(super) fn real_power(base: f64, exponent: Rational) -> f64 {
    let power = base.abs().powf(exponent.as_f64());
    match (base < 0.0, exponent.bottom % 2 == 0, exponent.top % 2 == 0) {
        (true, true, _) => f64::NAN,
        (true, false, false) => -power,
        _ => power,
    }
}

/// The value of a function at a number.
pub(super) fn applied(function: &str, value: f64) -> Option<f64> {
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
