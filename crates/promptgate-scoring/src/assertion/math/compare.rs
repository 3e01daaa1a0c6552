//! Whether two formulas say the same: expressions by their normal forms, tuples and intervals in their order and with
//! their brackets, sets, unions and lists in any order, relations read from either side.

use super::Halt;
use super::algebra::{Algebra, Quotient, Result};
use super::points::Seen;
use super::tree::{Formula, Item, Tree};

/// The most members of a list or set.
const MAX_MEMBERS: usize = 100;
/// Where two values agree to such a share of their terms, only a proof could tell them apart.
const TOO_CLOSE: f64 = 1e-12;
/// How much of its terms rounding may make out of a difference that is held to a tolerance.
const ROUNDING: f64 = 4.0 * f64::EPSILON;

/// Letters that may name functions beside `f`, `g` and `h`: `p(x) = 5` says 5, where `xy = 5` does not.
const FUNCTIONS: [&str; 7] = ["p", "q", "F", "G", "H", "P", "Q"];

/// Whether two members are the same.
type Same<T> = fn(&mut Comparison, &T, &T) -> Result<bool>;

/// Compares two formulas.
#[derive(Debug)]
pub(super) struct Comparison {
    algebra: Algebra,
    /// The largest difference allowed between two values.
    abs: f64,
}

impl Comparison {
    pub(super) fn within(abs: f64) -> Self {
        Self { algebra: Algebra::default(), abs }
    }

    /// Whether two formulas say the same. A percent sign that only one of them ends in may be a unit.
    pub(super) fn same(&mut self, answer: &Formula, value: &Formula) -> Result<bool> {
        if answer == value || self.same_items(&answer.items, &value.items)? {
            return Ok(true);
        }
        match (answer.percent, value.percent) {
            (true, false) => self.same_items(&answer.without_percent().items, &value.items),
            (false, true) => self.same_items(&answer.items, &value.without_percent().items),
            _ => Ok(false),
        }
    }

    /// What a formula computes with must have a value.
    pub(super) fn check(&mut self, formula: &Formula) -> Result<()> {
        formula.items.iter().flat_map(|item| &item.sides).try_for_each(|side| self.check_tree(side))
    }

    fn check_tree(&mut self, tree: &Tree) -> Result<()> {
        match tree {
            Tree::Group(_, members, _) | Tree::Set(members) | Tree::Union(members) => {
                members.iter().try_for_each(|member| self.check_tree(member))
            }
            _ if is_infinite(tree) => Ok(()),
            _ => self.algebra.quotient(tree).map(|_| ()),
        }
    }

    fn same_items(&mut self, answer: &[Item], value: &[Item]) -> Result<bool> {
        if let ([answer], [value]) = (answer, value) {
            return self.same_item(answer, value);
        }
        // A list and a set of the same members are the same answer.
        let (members, others) = (set_members(answer), set_members(value));
        let is_set = members.is_some() || others.is_some();
        let (members, others) = (members.unwrap_or_else(|| answer.to_vec()), others.unwrap_or_else(|| value.to_vec()));
        match is_set {
            true => self.same_members(&members, &others, Self::same_item),
            false => self.same_list(&members, &others),
        }
    }

    /// Whether each member of either set is one of the other.
    fn same_members<T>(&mut self, left: &[T], right: &[T], same: Same<T>) -> Result<bool> {
        let Some(alike) = self.alike(left, right, same)? else { return Ok(false) };
        Ok((0..right.len()).all(|place| alike.iter().any(|places| places.contains(&place))))
    }

    /// Whether each member of either list has one of the other to itself.
    fn same_list(&mut self, left: &[Item], right: &[Item]) -> Result<bool> {
        if left.len() != right.len() {
            return Ok(false);
        }
        let Some(alike) = self.alike(left, right, Self::same_item)? else { return Ok(false) };
        let mut partners = vec![None; right.len()];
        Ok((0..left.len()).all(|member| pair(member, &alike, &mut partners, &mut vec![false; right.len()])))
    }

    /// For each member on the left the places of those on the right that are the same; nothing where one has none.
    fn alike<T>(&mut self, left: &[T], right: &[T], same: Same<T>) -> Result<Option<Vec<Vec<usize>>>> {
        if left.len().max(right.len()) > MAX_MEMBERS {
            return Err(Halt::Beyond("it lists more than 100 members"));
        }
        let mut alike = Vec::with_capacity(left.len());
        for member in left {
            let mut places = Vec::new();
            for (place, other) in right.iter().enumerate() {
                if same(self, member, other)? {
                    places.push(place);
                }
            }
            if places.is_empty() {
                return Ok(None);
            }
            alike.push(places);
        }
        Ok(Some(alike))
    }

    fn same_item(&mut self, left: &Item, right: &Item) -> Result<bool> {
        match (left.relations.is_empty(), right.relations.is_empty()) {
            (true, true) => self.same_tree(&left.sides[0], &right.sides[0]),
            (false, true) => self.names_value(left, &right.sides[0]),
            (true, false) => self.names_value(right, &left.sides[0]),
            (false, false) => self.same_relation(left, right),
        }
    }

    /// Whether an equation gives a name to a value: `x = 5` says 5.
    fn names_value(&mut self, equation: &Item, value: &Tree) -> Result<bool> {
        let (Some(first), Some(last)) = (equation.sides.first(), equation.sides.last()) else { return Ok(false) };
        if equation.relations.iter().any(|relation| *relation != "=") {
            return Ok(false);
        }
        if is_label(first) {
            return self.same_tree(last, value);
        }
        Ok(is_label(last) && self.same_tree(first, value)?)
    }

    fn same_relation(&mut self, left: &Item, right: &Item) -> Result<bool> {
        let reversed = Item {
            sides: right.sides.iter().rev().cloned().collect(),
            relations: right.relations.iter().rev().map(|relation| turned(relation)).collect(),
        };
        for right in [right, &reversed] {
            if left.relations == right.relations && self.same_sides(&left.sides, &right.sides)? {
                return Ok(true);
            }
        }
        match (left.sides.as_slice(), right.sides.as_slice()) {
            ([a, b], [c, d]) if left.relations == ["="] && right.relations == ["="] => self.same_line([a, b], [c, d]),
            _ => Ok(false),
        }
    }

    fn same_sides(&mut self, left: &[Tree], right: &[Tree]) -> Result<bool> {
        for (left, right) in left.iter().zip(right) {
            if !self.same_tree(left, right)? {
                return Ok(false);
            }
        }
        Ok(left.len() == right.len())
    }

    /// Whether one equation is the other multiplied by a number.
    fn same_line(&mut self, left: [&Tree; 2], right: [&Tree; 2]) -> Result<bool> {
        if left.iter().chain(&right).any(|side| is_structure(side) || is_infinite(side)) {
            return Ok(false);
        }
        let mut difference = |[left, right]: [&Tree; 2]| -> Result<Quotient> {
            let (left, right) = (self.algebra.quotient(left)?, self.algebra.quotient(right)?);
            self.algebra.minus(&left, &right)
        };
        let (left, right) = (difference(left)?, difference(right)?);
        self.algebra.proportional(&left, &right)
    }

    fn same_tree(&mut self, left: &Tree, right: &Tree) -> Result<bool> {
        match (left, right) {
            (left, right) if left == right => Ok(true),
            (Tree::Group(open, left, close), Tree::Group(other, right, end)) => {
                Ok((open, close) == (other, end) && self.same_sides(left, right)?)
            }
            (Tree::Set(left), Tree::Set(right)) | (Tree::Union(left), Tree::Union(right)) => {
                self.same_members(left, right, Self::same_tree)
            }
            (left, right) if is_structure(left) || is_structure(right) => Ok(false),
            (left, right) if is_infinite(left) || is_infinite(right) => Ok(false),
            _ => self.same_expression(left, right),
        }
    }

    fn same_expression(&mut self, left: &Tree, right: &Tree) -> Result<bool> {
        let (left, right) = (self.algebra.quotient(left)?, self.algebra.quotient(right)?);
        if self.algebra.equal(&left, &right)? {
            return Ok(true);
        }
        if let Some(reason) = self.algebra.ambiguous() {
            return Err(Halt::Beyond(reason));
        }
        let (Some(first), Some(second)) = (self.algebra.numeric(&left), self.algebra.numeric(&right)) else {
            return match self.algebra.seen(&left, &right) {
                Seen::Different => Ok(false),
                Seen::Alike => {
                    Err(Halt::Beyond("it agrees at every point, and no rule here proves it equal or different"))
                }
            };
        };
        let difference = first.minus(second);
        let rounding = ROUNDING * difference.scale.max(self.abs);
        if self.abs > 0.0 && difference.value.size() <= self.abs + rounding {
            return Ok(true);
        }
        let exact = left.as_constant().is_some() && right.as_constant().is_some();
        match !exact && !difference.is_apart(TOO_CLOSE) {
            true => Err(Halt::Beyond("it agrees to 12 digits, and no rule here proves it equal or different")),
            false => Ok(false),
        }
    }
}

/// Gives a member a partner of its own; one that has it already moves where it can. Within a tolerance one may be like two,
/// so the first that fits need not be the right one (Kuhn 1955).
fn pair(member: usize, alike: &[Vec<usize>], partners: &mut [Option<usize>], asked: &mut [bool]) -> bool {
    alike[member].iter().any(|&place| {
        if std::mem::replace(&mut asked[place], true) {
            return false;
        }
        let free = partners[place].is_none_or(|other| pair(other, alike, partners, asked));
        if free {
            partners[place] = Some(member);
        }
        free
    })
}

/// The members of a single set.
fn set_members(items: &[Item]) -> Option<Vec<Item>> {
    match items {
        [Item { sides, relations }] if relations.is_empty() => match sides.as_slice() {
            [Tree::Set(members)] => {
                let item = |member: &Tree| Item { sides: vec![member.clone()], relations: Vec::new() };
                Some(members.iter().map(item).collect())
            }
            _ => None,
        },
        _ => None,
    }
}

fn is_structure(tree: &Tree) -> bool {
    matches!(tree, Tree::Group(..) | Tree::Set(_) | Tree::Union(_))
}

fn is_infinite(tree: &Tree) -> bool {
    match tree {
        Tree::Infinity => true,
        Tree::Negative(inner) => **inner == Tree::Infinity,
        _ => false,
    }
}

/// A variable, or a function of one as `f(x)`.
fn is_label(tree: &Tree) -> bool {
    match tree {
        Tree::Name(_) => true,
        Tree::Apply("f" | "g" | "h", argument) => matches!(**argument, Tree::Name(_)),
        Tree::Product(factors) => match factors.as_slice() {
            [Tree::Name(function), Tree::Name(_)] => FUNCTIONS.contains(&function.as_str()),
            _ => false,
        },
        _ => false,
    }
}

fn turned(relation: &'static str) -> &'static str {
    match relation {
        "<" => ">",
        "<=" => ">=",
        ">" => "<",
        ">=" => "<=",
        same => same,
    }
}
