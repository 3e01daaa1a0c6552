//! From a tree to its normal form.

use super::Halt;
use super::algebra::{Algebra, Atom, Polynomial, Quotient, Result};
use super::rational::Rational;
use super::tree::Tree;

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

    pub(super) fn named(&mut self, name: &str) -> Result<Quotient> {
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
}
