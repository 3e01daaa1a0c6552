//! Values by name, in the order in which the names were first seen: every trial brings its results under them.

use std::collections::HashMap;

/// Values by name.
#[derive(Debug)]
pub(crate) struct ByName<T> {
    values: Vec<T>,
    places: HashMap<String, usize>,
}

impl<T> Default for ByName<T> {
    fn default() -> Self {
        Self { values: Vec::new(), places: HashMap::new() }
    }
}

impl<T> ByName<T> {
    /// The value of a name, made where the name is new.
    pub(crate) fn of(&mut self, name: &str, new: impl FnOnce() -> T) -> &mut T {
        let place = self.places.get(name).copied().unwrap_or_else(|| {
            self.places.insert(name.to_owned(), self.values.len());
            self.values.push(new());
            self.values.len() - 1
        });
        &mut self.values[place]
    }

    pub(crate) fn values(&self) -> &[T] {
        &self.values
    }

    pub(crate) fn into_values(self) -> Vec<T> {
        self.values
    }
}
