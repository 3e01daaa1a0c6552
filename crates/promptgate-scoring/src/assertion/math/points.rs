//! The values of expressions where their variables have numbers: to find two expressions different, never to find them
//! equal. Variables are real; where an expression has no real value, it has none, but what is written with `i` is complex.

use super::algebra::{Algebra, Atom, Monomial, Polynomial, Quotient};
use super::complex::Complex;
use super::rational::Rational;
use super::value::{DOUBT, Sized, applied, real_power};

/// How many points are looked at: three variables have each of their signs there.
const POINTS: usize = 8;
/// What variables are at the points, without signs: numbers that no identity is made for, near 1, where powers are small.
const MAGNITUDES: [f64; POINTS] =
    [0.731_059, 1.324_718, 1.646_760, 0.347_296, 0.567_143, 2.246_980, 1.902_161, 0.259_921];
/// A divisor nearer to 0 than this share of its terms is left out.
const TOO_SMALL: f64 = 1e-6;

/// What values at points tell of two expressions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seen {
    /// They differ at a point where both have a value.
    Different,
    /// They agree wherever both have one, or nowhere have both.
    Alike,
}

impl Algebra {
    /// Looks at two expressions where their variables have numbers.
    pub(super) fn seen(&self, left: &Quotient, right: &Quotient) -> Seen {
        let differ = |point: usize| {
            let atoms = self.atoms_at(point);
            let (left, right) = (self.quotient_at(left, &atoms), self.quotient_at(right, &atoms));
            // What has no value is at no distance.
            left.minus(right).is_apart(DOUBT)
        };
        if (0..POINTS).any(differ) { Seen::Different } else { Seen::Alike }
    }

    /// The values of all atoms at a point. What an atom is made of was there before it.
    fn atoms_at(&self, point: usize) -> Vec<Complex> {
        let mut values = Vec::with_capacity(self.atoms.len());
        let mut names = 0;
        for atom in &self.atoms {
            let value = match atom {
                Atom::Name(_) => {
                    names += 1;
                    let counts = self.counts(values.len());
                    Complex::real(if counts { (names + point) as f64 } else { variable(names - 1, point) })
                }
                atom => self.atom_at(atom, &values),
            };
            values.push(value);
        }
        values
    }

    fn atom_at(&self, atom: &Atom, values: &[Complex]) -> Complex {
        match atom {
            Atom::Prime(prime) => Complex::real(*prime as f64),
            Atom::Name(_) => Complex::NONE,
            Atom::Pi => Complex::real(std::f64::consts::PI),
            Atom::E => Complex::real(std::f64::consts::E),
            Atom::Sum(sum) => self.sum_at(sum, values).value,
            Atom::Apply(function, argument) => applied_to(function, self.quotient_at(argument, values).value),
            Atom::Power(base, exponent) => self.power_at(*base, self.monomial_at(exponent, values), values),
            Atom::Raised(base, exponent) => {
                self.quotient_at(base, values).value.to(self.quotient_at(exponent, values).value)
            }
        }
    }

    /// Whether -1 is raised to a name: it mostly counts something then, and stands for whole numbers.
    fn counts(&self, name: usize) -> bool {
        let raises = |atom: &Atom| match atom {
            Atom::Power(base, exponent) => {
                self.atoms[*base] == Atom::Prime(-1) && exponent.iter().any(|(id, _)| *id == name)
            }
            _ => false,
        };
        self.atoms.iter().any(raises)
    }

    fn quotient_at(&self, quotient: &Quotient, values: &[Complex]) -> Sized {
        let (top, bottom) = (self.sum_at(&quotient.top, values), self.sum_at(&quotient.bottom, values));
        match bottom.value.size() > TOO_SMALL * bottom.scale {
            true => top.over(bottom),
            false => Sized { value: Complex::NONE, scale: 0.0 },
        }
    }

    fn sum_at(&self, sum: &Polynomial, values: &[Complex]) -> Sized {
        let term = |(monomial, factor): (&Monomial, &Rational)| {
            self.monomial_at(monomial, values).times(Complex::real(factor.as_f64()))
        };
        Sized::sum(sum.0.iter().map(term))
    }

    fn monomial_at(&self, monomial: &Monomial, values: &[Complex]) -> Complex {
        let power = |(id, exponent): &(usize, Rational)| match values[*id] {
            Complex { re, im: 0.0 } if self.atoms[*id] != Atom::Prime(-1) => Complex::real(real_power(re, *exponent)),
            _ => self.power_at(*id, Complex::real(exponent.as_f64()), values),
        };
        monomial.iter().map(power).fold(Complex::real(1.0), Complex::times)
    }

    /// The roots of -1 are those in the upper half, as `i` is.
    fn power_at(&self, base: usize, exponent: Complex, values: &[Complex]) -> Complex {
        match &self.atoms[base] {
            Atom::Prime(-1) => exponent.times(Complex { re: 0.0, im: std::f64::consts::PI }).exp(),
            _ => values[base].to(exponent),
        }
    }
}

/// What a variable is at a point.
fn variable(name: usize, point: usize) -> f64 {
    let magnitude = MAGNITUDES[(5 * point + 3 * name) % POINTS] * (1.0 + 0.07 * name as f64);
    if point >> (name % 3) & 1 == 1 { -magnitude } else { magnitude }
}

/// The value of a function. One that the text gives only a name stands for all functions, so any will tell a difference.
fn applied_to(function: &str, Complex { re, im }: Complex) -> Complex {
    let (e, back) = (Complex { re: -im, im: re }.exp(), Complex { re: im, im: -re }.exp());
    match (function, im == 0.0) {
        ("sin", false) => e.plus(back.times(Complex::real(-1.0))).over(Complex { re: 0.0, im: 2.0 }),
        ("cos", false) => e.plus(back).over(Complex::real(2.0)),
        (_, false) => Complex::NONE,
        ("!", true) => Complex::real(statrs::function::gamma::gamma(re + 1.0)),
        ("f", true) => Complex::real((1.3 * re + 0.7).sin() + 2.0),
        ("g", true) => Complex::real((1.7 * re - 0.4).cos() + 3.0),
        ("h", true) => Complex::real((0.9 * re + 0.2).atan() + 5.0),
        (_, true) => applied(function, re).map_or(Complex::NONE, Complex::real),
    }
}
