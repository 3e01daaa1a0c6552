//! What a formula says, as a tree.

use super::Mistake;
use super::rational::Rational;

/// An expression.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Tree {
    Number(Rational),
    /// A variable, or a word set as text.
    Name(String),
    Pi,
    Infinity,
    Negative(Box<Tree>),
    Sum(Vec<Tree>),
    Product(Vec<Tree>),
    Quotient(Box<Tree>, Box<Tree>),
    Power(Box<Tree>, Box<Tree>),
    Apply(&'static str, Box<Tree>),
    /// A point, a tuple or an interval, by its brackets.
    Group(char, Vec<Tree>, char),
    Set(Vec<Tree>),
    Union(Vec<Tree>),
}

/// One of the answers of a list: expressions, and the relations between them.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Item {
    pub(super) sides: Vec<Tree>,
    pub(super) relations: Vec<&'static str>,
}

/// What a text says.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Formula {
    pub(super) items: Vec<Item>,
    /// Whether it ends in a percent sign.
    pub(super) percent: bool,
}

/// Why a text is no formula.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Unread {
    /// It is no mathematics that is known here.
    Mistake(Mistake),
    /// It is beyond the bounds.
    Beyond(&'static str),
}

impl Formula {
    /// The formula with the percent sign at its end read as a unit.
    pub(super) fn without_percent(&self) -> Self {
        let mut formula = self.clone();
        let last = formula.items.last_mut().and_then(|item| item.sides.last_mut());
        if let Some(side) = last {
            drop_percent(side);
        }
        formula
    }
}

fn drop_percent(tree: &mut Tree) {
    match tree {
        Tree::Quotient(top, _) => *tree = (**top).clone(),
        Tree::Negative(inner) => drop_percent(inner),
        Tree::Product(factors) => factors.last_mut().into_iter().for_each(drop_percent),
        _ => {}
    }
}
