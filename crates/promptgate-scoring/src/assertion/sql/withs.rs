//! The names that the `with` of a query gives, and where each holds: a name that does not hold may be that of a table.

use sqlparser::ast::{Ident, Query, Select, SetExpr, SetOperator, SetQuantifier, TableAlias, With};

use super::dialect::Dialect;
use super::scopes::{outputs, same};

/// The names of one `with`.
#[derive(Debug, Clone, Default)]
pub(super) struct Withs {
    names: Vec<Common>,
    /// How many of the queries are behind the place. It stands in the next one, if there is one.
    done: usize,
    /// Whether the later names hold too.
    forward: bool,
    /// Whether the place stands where the query around it begins, which does not see itself.
    pub(super) beginning: bool,
}

/// A name with its columns.
#[derive(Debug, Clone)]
struct Common {
    name: Ident,
    columns: Vec<Ident>,
    /// The parts that its query begins with, where the others see itself.
    begin: Option<Vec<Part>>,
}

/// A part of a `union`, by its place in the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Select(*const Select),
    Query(*const Query),
}

impl Withs {
    pub(super) fn of(with: &With, dialect: Dialect) -> Self {
        let named = |alias: &TableAlias, query: &Query| Common {
            name: alias.name.clone(),
            columns: match alias.columns.as_slice() {
                [] => outputs(query).into_iter().cloned().collect(),
                columns => columns.iter().map(|column| column.name.clone()).collect(),
            },
            begin: beginning(&query.body, with.recursive, dialect),
        };
        let names = with.cte_tables.iter().map(|cte| named(&cte.alias, &cte.query)).collect();
        Self { names, forward: with.recursive && sees_later(dialect), ..Self::default() }
    }

    /// As behind all queries.
    pub(super) fn behind(self) -> Self {
        Self { done: self.names.len(), ..self }
    }

    /// Goes on behind a query.
    pub(super) fn next(&mut self) {
        self.done = (self.done + 1).min(self.names.len());
    }

    /// Whether the query around the place begins with a part.
    pub(super) fn begins_with(&self, part: Part) -> bool {
        let begin = self.names.get(self.done).and_then(|here| here.begin.as_ref());
        begin.is_some_and(|begin| begin.contains(&part))
    }

    /// The columns of what is called so, where the name holds.
    pub(super) fn columns(&self, wanted: &Ident) -> Option<&[Ident]> {
        let (before, rest) = self.names.split_at(self.done);
        let itself = rest.first().filter(|here| here.begin.is_some() && !self.beginning);
        let later = rest.iter().skip(1).filter(|_| self.forward);
        let mut holding = itself.into_iter().chain(before.iter().rev()).chain(later);
        holding.find(|common| same(&common.name, wanted)).map(|common| common.columns.as_slice())
    }
}

/// Whether `with recursive` lets a query read those behind it. MySQL forbids it, and others read a table of that name.
fn sees_later(dialect: Dialect) -> bool {
    matches!(dialect, Dialect::PostgreSql | Dialect::Sqlite | Dialect::BigQuery)
}

/// The parts that a query begins with which sees itself behind them; `None` where it sees itself nowhere. Some dialects have no
/// word for it, or need none.
fn beginning(body: &SetExpr, recursive: bool, dialect: Dialect) -> Option<Vec<Part>> {
    let SetExpr::SetOperation { op: SetOperator::Union, set_quantifier, left, .. } = body else { return None };
    let without_the_word = match dialect {
        Dialect::Sqlite => true,
        Dialect::Mssql | Dialect::Oracle | Dialect::Snowflake => *set_quantifier == SetQuantifier::All,
        _ => false,
    };
    let parts = parts(left).filter(|_| recursive || without_the_word)?;
    Some(match dialect {
        // DuckDB reads a table wherever the name stands on the left.
        Dialect::DuckDb | Dialect::Generic => parts,
        _ => parts.into_iter().take(1).collect(),
    })
}

/// The parts of a `union`, the first one first; `None` with `TABLE users`, which reads a table at no place of its own.
fn parts(body: &SetExpr) -> Option<Vec<Part>> {
    let (mut parts, mut waiting) = (Vec::new(), vec![body]);
    while let Some(body) = waiting.pop() {
        match body {
            SetExpr::SetOperation { left, right, .. } => waiting.extend([&**right, &**left]),
            SetExpr::Select(select) => parts.push(Part::Select(&raw const **select)),
            SetExpr::Query(query) => parts.push(Part::Query(&raw const **query)),
            SetExpr::Table(_) => return None,
            _ => {}
        }
    }
    Some(parts)
}
