//! Which names SQL gives itself at a place, and whether one of them is all that can be meant there. Nothing is known of the
//! tables: beside one of them, a bare name may always be a column of it.

use sqlparser::ast::{
    Delete, Expr, FromTable, Ident, Insert, LateralView, ObjectName, Query, Select, SelectItem, SetExpr, Statement,
    TableAlias, TableFactor, TableObject, TableWithJoins, Update, UpdateTableFromKind,
};

use super::dialect::Dialect;
use super::withs::{Part, Withs};
use super::{functions, keywords};

/// Where the walk stands.
#[derive(Debug)]
pub(super) struct Scopes {
    dialect: Dialect,
    queries: Vec<Withs>,
    /// What each enclosing `from` reads, the innermost last.
    selects: Vec<Vec<Source>>,
}

/// Something that a `from` reads.
#[derive(Debug, Default)]
struct Source {
    name: Option<Ident>,
    /// The whole name of a table.
    whole: Vec<Ident>,
    /// Whether it has another name, which alone it is called by.
    renamed: bool,
    /// The names of columns that the SQL itself gives it; none of a table, whose columns are not known.
    gives: Option<Vec<Ident>>,
}

impl Scopes {
    pub(super) fn new(dialect: Dialect) -> Self {
        Self { dialect, queries: Vec::new(), selects: Vec::new() }
    }

    pub(super) fn enter_statement(&mut self, statement: &Statement) {
        let sources = match statement {
            Statement::Delete(delete) => self.deleted(delete),
            Statement::Insert(insert) => inserted(insert, self.dialect),
            Statement::Update(update) => self.updated(update),
            _ => Vec::new(),
        };
        self.selects.push(sources);
    }

    pub(super) fn leave_statement(&mut self) {
        self.selects.pop();
    }

    pub(super) fn enter_query(&mut self, query: &Query) {
        self.enter_part(Part::Query(query));
        let withs = query.with.as_ref().map(|with| Withs::of(with, self.dialect)).unwrap_or_default();
        // `order by` and `limit` stand behind the `select` whose `from` they look at, where all that `with` gives holds.
        self.queries.push(withs.clone().behind());
        let sources = if let SetExpr::Select(select) = &*query.body { self.selected(select) } else { Vec::new() };
        self.selects.push(sources);
        self.queries.pop();
        self.queries.push(withs);
    }

    pub(super) fn leave_query(&mut self, query: &Query) {
        self.selects.pop();
        self.queries.pop();
        self.leave_part(Part::Query(query));
        // The queries of `with` come first, in order, among those that stand directly in a query.
        if let Some(around) = self.queries.last_mut() {
            around.next();
        }
    }

    pub(super) fn enter_select(&mut self, select: &Select) {
        self.enter_part(Part::Select(select));
        let sources = self.selected(select);
        self.selects.push(sources);
    }

    pub(super) fn leave_select(&mut self, select: &Select) {
        self.selects.pop();
        self.leave_part(Part::Select(select));
    }

    fn enter_part(&mut self, part: Part) {
        self.queries.iter_mut().filter(|withs| withs.begins_with(part)).for_each(|withs| withs.beginning = true);
    }

    fn leave_part(&mut self, part: Part) {
        self.queries.iter_mut().filter(|withs| withs.begins_with(part)).for_each(|withs| withs.beginning = false);
    }

    /// The columns of what `with` calls so, where the name means that and no table.
    pub(super) fn common(&self, name: &ObjectName) -> Option<&[Ident]> {
        let [part] = name.0.as_slice() else { return None };
        let wanted = part.as_ident()?;
        self.queries.iter().rev().find_map(|withs| withs.columns(wanted))
    }

    /// Whether a name of several parts begins with something that the innermost `from` reads.
    pub(super) fn reads_part(&self, name: &ObjectName) -> bool {
        let first = name.0.first().filter(|_| name.0.len() > 1).and_then(|part| part.as_ident());
        let reads = |first: &Ident| self.selects.last()?.iter().find(|source| source.is_called(first));
        first.and_then(reads).is_some()
    }

    /// Whether a name is the other one of a table, and not of an array among the columns of one.
    pub(super) fn is_row(&self, name: &Ident) -> bool {
        let is_column = |sources: &[Source], source: &Source| match source.whole.as_slice() {
            [first, _, ..] => sources.iter().any(|other| other.is_called(first)),
            _ => false,
        };
        self.selects.iter().any(|sources| {
            let mut renamed = sources.iter().filter(|source| source.renamed && source.is_called(name));
            renamed.any(|source| !is_column(sources, source))
        })
    }

    /// How many queries and statements stand around a place.
    pub(super) fn depth(&self) -> usize {
        self.selects.len()
    }

    /// How many parts in front name what a `from` reads. A column is one more, and what then follows are its fields.
    pub(super) fn qualifier(&self, parts: &[Ident]) -> usize {
        let read = || self.selects.iter().rev().flatten();
        let longest = read().filter_map(|source| source.qualifies(parts)).max();
        longest.unwrap_or(0)
    }

    /// Whether a column can only be one that the SQL itself gives.
    pub(super) fn gives(&self, parts: &[Ident]) -> bool {
        match parts {
            [column] => self.gives_bare(column),
            [source, column] => self.gives_of(source, column),
            _ => false,
        }
    }

    fn gives_bare(&self, column: &Ident) -> bool {
        for sources in self.selects.iter().rev() {
            if sources.iter().any(Source::is_table) {
                return false;
            }
            if sources.iter().any(|source| source.gives(column)) {
                return true;
            }
        }
        false
    }

    fn gives_of(&self, name: &Ident, column: &Ident) -> bool {
        for sources in self.selects.iter().rev() {
            let mut called = sources.iter().filter(|source| source.is_called(name)).peekable();
            if called.peek().is_some() {
                return called.all(|source| source.gives(column));
            }
            // A table may have a column of that name, whose fields are then meant.
            if sources.iter().any(Source::is_table) {
                return false;
            }
        }
        false
    }

    fn selected(&self, select: &Select) -> Vec<Source> {
        let mut sources = self.all(&select.from);
        sources.extend(select.lateral_views.iter().map(Source::view));
        sources
    }

    fn deleted(&self, delete: &Delete) -> Vec<Source> {
        let (FromTable::WithFromKeyword(from) | FromTable::WithoutKeyword(from)) = &delete.from;
        let tables = from.iter().chain(delete.using.iter().flatten());
        tables.flat_map(|tables| self.joined(tables)).chain(changed_rows(self.dialect)).collect()
    }

    fn updated(&self, update: &Update) -> Vec<Source> {
        let tables = [&update.table].into_iter().chain(read_by(update));
        tables.flat_map(|tables| self.joined(tables)).chain(changed_rows(self.dialect)).collect()
    }

    fn all(&self, tables: &[TableWithJoins]) -> Vec<Source> {
        tables.iter().flat_map(|tables| self.joined(tables)).collect()
    }

    fn joined(&self, tables: &TableWithJoins) -> Vec<Source> {
        factors(tables).flat_map(|factor| self.sources(factor)).collect()
    }

    fn sources(&self, factor: &TableFactor) -> Vec<Source> {
        let source = match factor {
            TableFactor::NestedJoin { table_with_joins, alias: None } => return self.joined(table_with_joins),
            TableFactor::Table { name, alias, args, .. } => self.table(name, alias.as_ref(), args.is_some()),
            TableFactor::Function { name, alias, .. } => self.table(name, alias.as_ref(), true),
            TableFactor::Derived { subquery, alias, .. } => {
                Source::made(alias.as_ref(), || outputs(subquery).into_iter().cloned().collect())
            }
            TableFactor::UNNEST { alias, .. } => Source::row(alias.as_ref(), None),
            // Whatever else may stand there is read as a table.
            other => Source { name: alias(other).map(|alias| alias.name.clone()), ..Source::default() },
        };
        vec![source]
    }

    fn table(&self, name: &ObjectName, alias: Option<&TableAlias>, called: bool) -> Source {
        let own = name.0.last().and_then(|part| part.as_ident());
        let source = match self.common(name).filter(|_| !called) {
            Some(columns) => Source::made(alias, || columns.to_vec()),
            None if called && name.0.len() == 1 && own.is_some_and(|own| functions::makes_rows(&own.value)) => {
                Source::row(alias, own)
            }
            None => Source::table(name, alias.map(|alias| &alias.name)),
        };
        Source { name: source.name.or_else(|| own.cloned()), ..source }
    }
}

impl Source {
    fn table(name: &ObjectName, alias: Option<&Ident>) -> Self {
        let whole: Vec<Ident> = name.0.iter().filter_map(|part| part.as_ident().cloned()).collect();
        let own = name.0.last().and_then(|part| part.as_ident());
        Self { name: alias.or(own).cloned(), whole, renamed: alias.is_some(), gives: None }
    }

    /// The rows of `lateral view`.
    fn view(view: &LateralView) -> Self {
        Self::table(&view.lateral_view_name, None)
    }

    /// A query with a name, whose alias may name its columns anew.
    fn made(alias: Option<&TableAlias>, own: impl FnOnce() -> Vec<Ident>) -> Self {
        let named = alias.map(|alias| alias.columns.as_slice()).unwrap_or_default();
        let gives = if named.is_empty() { own() } else { named.iter().map(|column| column.name.clone()).collect() };
        Self { name: alias.map(|alias| alias.name.clone()), gives: Some(gives), ..Self::default() }
    }

    /// Rows of a function: a column that is called like them, unless the alias says how.
    fn row(alias: Option<&TableAlias>, function: Option<&Ident>) -> Self {
        let name = alias.map(|alias| &alias.name).or(function);
        Self::made(alias, || name.into_iter().cloned().collect())
    }

    fn is_table(&self) -> bool {
        self.gives.is_none()
    }

    fn is_called(&self, name: &Ident) -> bool {
        self.name.as_ref().is_some_and(|own| same(own, name))
    }

    /// How many parts of a longer name are the own one: its alias, or the end of its name.
    fn qualifies(&self, parts: &[Ident]) -> Option<usize> {
        let names =
            |own: &[Ident]| parts.len() > own.len() && own.iter().zip(parts).all(|(own, part)| reads(own, part));
        let whole: &[Ident] = if self.renamed { &[] } else { &self.whole };
        let whole = (0..whole.len()).map(|from| &whole[from..]).find(|own| names(own));
        whole
            .map(<[Ident]>::len)
            .or_else(|| self.name.as_ref().filter(|own| names(std::slice::from_ref(own))).map(|_| 1))
    }

    fn gives(&self, column: &Ident) -> bool {
        self.gives.iter().flatten().any(|given| same(given, column))
    }
}

/// What an `update` reads beside the table that it changes.
pub(super) fn read_by(update: &Update) -> impl Iterator<Item = &TableWithJoins> {
    update.from.iter().flat_map(|from| {
        let (UpdateTableFromKind::BeforeSet(tables) | UpdateTableFromKind::AfterSet(tables)) = from;
        tables
    })
}

/// What stands in a row of joins.
pub(super) fn factors(tables: &TableWithJoins) -> impl Iterator<Item = &TableFactor> {
    [&tables.relation].into_iter().chain(tables.joins.iter().map(|join| &join.relation))
}

fn alias(factor: &TableFactor) -> Option<&TableAlias> {
    match factor {
        TableFactor::TableFunction { alias, .. }
        | TableFactor::JsonTable { alias, .. }
        | TableFactor::OpenJsonTable { alias, .. }
        | TableFactor::NestedJoin { alias, .. }
        | TableFactor::Pivot { alias, .. }
        | TableFactor::Unpivot { alias, .. }
        | TableFactor::MatchRecognize { alias, .. }
        | TableFactor::XmlTable { alias, .. }
        | TableFactor::SemanticView { alias, .. } => alias.as_ref(),
        _ => None,
    }
}

/// What a table that rows are put into is called, and the rows.
fn inserted(insert: &Insert, dialect: Dialect) -> Vec<Source> {
    let alias = insert.table_alias.as_ref().map(|alias| &alias.alias);
    let table = match &insert.table {
        TableObject::TableName(name) => Some(Source::table(name, alias)),
        _ => None,
    };
    let rows = insert.insert_alias.as_ref().map(|rows| Source::table(&rows.row_alias, None));
    table.into_iter().chain(rows).chain(changed_rows(dialect)).collect()
}

/// The rows of a statement before and after it.
fn changed_rows(dialect: Dialect) -> impl Iterator<Item = Source> {
    let named = |name: &&str| Source { name: Some(Ident::new(*name)), ..Source::default() };
    keywords::changed_rows(dialect).iter().map(named)
}

/// The names of what a query gives, as its first `select` has them: those behind `as`, and those of columns that it hands on,
/// which count where they come from.
pub(super) fn outputs(query: &Query) -> Vec<&Ident> {
    let mut body = &*query.body;
    loop {
        body = match body {
            SetExpr::Select(select) => return select.projection.iter().flat_map(given).collect(),
            SetExpr::Query(query) => &query.body,
            SetExpr::SetOperation { left, .. } => left,
            _ => return Vec::new(),
        };
    }
}

fn given(item: &SelectItem) -> &[Ident] {
    match item {
        SelectItem::ExprWithAlias { alias, .. } => std::slice::from_ref(alias),
        SelectItem::ExprWithAliases { aliases, .. } => aliases,
        SelectItem::UnnamedExpr(Expr::Identifier(column)) => std::slice::from_ref(column),
        SelectItem::UnnamedExpr(Expr::CompoundIdentifier(parts)) => {
            parts.last().map(std::slice::from_ref).unwrap_or(&[])
        }
        _ => &[],
    }
}

/// Whether a name in front of a dot is that of a table: one in every dialect, or alike but for the quotes.
fn reads(own: &Ident, part: &Ident) -> bool {
    same(own, part) || own.value == part.value
}

/// Whether two names are one in every dialect: those without quotes are folded, some to capitals and some to small letters.
pub(super) fn same(one: &Ident, other: &Ident) -> bool {
    match (one.quote_style, other.quote_style) {
        (None, None) => one.value.eq_ignore_ascii_case(&other.value),
        (Some(_), Some(_)) => one.value == other.value,
        _ => false,
    }
}
