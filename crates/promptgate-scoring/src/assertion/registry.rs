//! The table of kinds.

use super::AssertionKind;

/// Every shipped kind, in the order of the reference pages.
pub static KINDS: &[&AssertionKind] = &[];

/// The kinds that a suite may name: the shipped ones, and those a program adds (a test's, say).
#[derive(Debug, Clone, Default)]
pub struct Kinds {
    added: Vec<&'static AssertionKind>,
}

impl Kinds {
    /// The shipped kinds and some more.
    pub fn with(added: &[&'static AssertionKind]) -> Self {
        Self { added: added.to_vec() }
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &'static AssertionKind> + Clone + '_ {
        KINDS.iter().chain(&self.added).copied()
    }
}
