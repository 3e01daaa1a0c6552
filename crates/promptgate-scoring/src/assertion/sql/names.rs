//! The tables and columns that SQL names. What it gives a name itself is free, where that cannot hide a real one.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use sqlparser::ast::{
    AssignmentTarget, Expr, FunctionArg, FunctionArgExpr, FunctionArguments, Ident, Insert, ObjectName, Query, Select,
    SelectItem, SetExpr, Statement, Visit, Visitor, With, visit_expressions, visit_relations,
};

/// What statements name.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// As written, by their form in lower case.
    tables: BTreeMap<String, String>,
    columns: BTreeMap<String, String>,
    /// Names of columns that the statements give themselves, in lower case.
    given: Vec<String>,
    /// The names that `with` gives, by the query that they hold in.
    scopes: Vec<Vec<String>>,
    /// A statement that is neither a query nor a change of rows.
    pub(super) other: Option<String>,
}

impl Names {
    /// Those of some statements.
    pub(super) fn of(statements: &[Statement]) -> Self {
        let mut names = Self::default();
        for statement in statements {
            // Nothing here breaks off.
            let _ = statement.visit(&mut names);
        }
        let Self { columns, given, .. } = &mut names;
        given.iter().for_each(|name| drop(columns.remove(name)));
        names
    }

    /// The tables, without those of `with`.
    pub(super) fn tables(&self) -> Vec<&str> {
        self.tables.values().map(String::as_str).collect()
    }

    /// The columns; `*` where all of a table are meant.
    pub(super) fn columns(&self) -> Vec<&str> {
        self.columns.values().map(String::as_str).collect()
    }

    fn table(&mut self, name: String) {
        self.tables.entry(name.to_lowercase()).or_insert(name);
    }

    fn column(&mut self, name: &str) {
        self.columns.entry(name.to_lowercase()).or_insert_with(|| name.to_owned());
    }

    fn target(&mut self, name: &ObjectName) {
        if let Some(column) = name.0.last().and_then(|part| part.as_ident()) {
            self.column(&column.value);
        }
    }

    /// The names that `with` gives hold in its query, and in the queries behind them; where none is recursive, one that
    /// stands before means a real table of that name.
    fn with(&mut self, with: &With) {
        let names: Vec<String> = with.cte_tables.iter().map(|cte| cte.alias.name.value.to_lowercase()).collect();
        if !with.recursive {
            for (index, cte) in with.cte_tables.iter().enumerate() {
                let _ = visit_relations(&cte.query, |relation| {
                    let name = written(relation);
                    if names[index..].contains(&name.to_lowercase()) {
                        self.table(name);
                    }
                    ControlFlow::<()>::Continue(())
                });
            }
        }
        for cte in &with.cte_tables {
            self.given.extend(cte.alias.columns.iter().map(|column| column.name.value.to_lowercase()));
        }
        self.scopes.push(names);
    }

    /// `TABLE orders` reads a table without a `from`.
    fn body(&mut self, body: &SetExpr) {
        let mut waiting = vec![body];
        while let Some(body) = waiting.pop() {
            match body {
                SetExpr::SetOperation { left, right, .. } => waiting.extend([&**left, &**right]),
                SetExpr::Table(table) => {
                    let parts = [&table.schema_name, &table.table_name].into_iter().flatten();
                    self.table(parts.map(|part| part.value.as_str()).collect::<Vec<_>>().join("."));
                    self.column("*");
                }
                _ => {}
            }
        }
    }

    fn insert(&mut self, insert: &Insert) {
        let named = insert.columns.len() + insert.after_columns.len() + insert.assignments.len();
        if named == 0 {
            self.column("*");
        }
        insert.columns.iter().for_each(|column| self.target(column));
        insert.after_columns.iter().for_each(|column| self.column(&column.value));
    }

    fn item(&mut self, item: &SelectItem) {
        match item {
            SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..) => self.column("*"),
            SelectItem::ExprWithAlias { expr, alias } if !names_column(expr, alias) => {
                self.given.push(alias.value.to_lowercase());
            }
            _ => {}
        }
    }

    /// `to_json(t.*)` takes every column; `count(*)` takes none.
    fn argument(&mut self, function: &ObjectName, argument: &FunctionArg) {
        let (FunctionArg::Named { arg, .. } | FunctionArg::ExprNamed { arg, .. } | FunctionArg::Unnamed(arg)) =
            argument;
        let counts = written(function).eq_ignore_ascii_case("count");
        if !(matches!(arg, FunctionArgExpr::Expr(_)) || (counts && matches!(arg, FunctionArgExpr::Wildcard))) {
            self.column("*");
        }
    }
}

/// A name as written, without its quotes.
fn written(name: &ObjectName) -> String {
    let part = |part: &sqlparser::ast::ObjectNamePart| match part.as_ident() {
        Some(ident) => ident.value.clone(),
        None => part.to_string(),
    };
    name.0.iter().map(part).collect::<Vec<_>>().join(".")
}

/// Whether an expression names a column that is called so: `secret as secret` gives no new name.
fn names_column(expr: &Expr, alias: &Ident) -> bool {
    visit_expressions(expr, |expr| {
        let column = match expr {
            Expr::Identifier(column) => Some(column),
            Expr::CompoundIdentifier(parts) => parts.last(),
            _ => None,
        };
        match column.is_some_and(|column| column.value.eq_ignore_ascii_case(&alias.value)) {
            true => ControlFlow::Break(()),
            false => ControlFlow::Continue(()),
        }
    })
    .is_break()
}

impl Visitor for Names {
    type Break = ();

    fn pre_visit_statement(&mut self, statement: &Statement) -> ControlFlow<()> {
        match statement {
            Statement::Query(_) | Statement::Delete(_) => {}
            Statement::Insert(insert) => self.insert(insert),
            Statement::Update(update) => {
                for assignment in &update.assignments {
                    match &assignment.target {
                        AssignmentTarget::ColumnName(name) => self.target(name),
                        AssignmentTarget::Tuple(names) => names.iter().for_each(|name| self.target(name)),
                    }
                }
            }
            other => self.other = other.to_string().split_whitespace().next().map(str::to_owned),
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        match &query.with {
            Some(with) => self.with(with),
            None => self.scopes.push(Vec::new()),
        }
        self.body(&query.body);
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
        self.scopes.pop();
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<()> {
        if select.into.is_some() {
            self.other = Some("SELECT INTO".to_owned());
        }
        select.projection.iter().for_each(|item| self.item(item));
        ControlFlow::Continue(())
    }

    fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<()> {
        let name = written(relation);
        let lower = name.to_lowercase();
        if !self.scopes.iter().flatten().any(|given| *given == lower) {
            self.table(name);
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        match expr {
            Expr::Identifier(column) => self.column(&column.value),
            Expr::CompoundIdentifier(parts) => {
                if let Some(column) = parts.last() {
                    self.column(&column.value);
                }
            }
            Expr::Wildcard(_) | Expr::QualifiedWildcard(..) => self.column("*"),
            Expr::Function(function) => {
                if let FunctionArguments::List(list) = &function.args {
                    list.args.iter().for_each(|argument| self.argument(&function.name, argument));
                }
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}
