//! The value of what has no variable, in doubles: for tolerances and signs, never to find two expressions equal.

use super::algebra::{Algebra, Atom, Id, Monomial, Polynomial, Quotient};
use super::rational::Rational;

/// A sum nearer to 0 than this share of its terms may be 0, or have either sign.
const DOUBT: f64 = 1e-9;

impl Algebra {
    /// The value of what has no variable, rounded.
    pub(super) fn numeric(&self, quotient: &Quotient) -> Option<f64> {
        let value = self.sum_value(&quotient.top)? / self.sum_value(&quotient.bottom)?;
        value.is_finite().then_some(value)
    }

    /// Whether a value is below 0, where rounding leaves no doubt.
    pub(super) fn is_negative(&self, quotient: &Quotient) -> Option<bool> {
        let negative = |sum: &Polynomial| {
            let terms = sum.0.iter().map(|(monomial, value)| Some(self.monomial_value(monomial)? * value.as_f64()));
            let terms: Vec<f64> = terms.collect::<Option<_>>()?;
            let (sum, scale) = (terms.iter().sum::<f64>(), terms.iter().map(|term| term.abs()).sum::<f64>());
            (scale.is_finite() && sum.abs() > DOUBT * scale).then_some(sum < 0.0)
        };
        Some(negative(&quotient.top)? != negative(&quotient.bottom)?)
    }

    pub(super) fn sum_value(&self, sum: &Polynomial) -> Option<f64> {
        let term = |(monomial, value): (&Monomial, &Rational)| Some(self.monomial_value(monomial)? * value.as_f64());
        sum.0.iter().map(term).sum()
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
            Atom::Sum(sum) => self.sum_value(sum),
            Atom::Apply(function, argument) => applied(function, self.numeric(argument)?),
            Atom::Power(base, exponent) => Some(self.atom_value(*base)?.powf(self.monomial_value(exponent)?)),
            Atom::Raised(base, exponent) => Some(self.numeric(base)?.powf(self.numeric(exponent)?)),
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
