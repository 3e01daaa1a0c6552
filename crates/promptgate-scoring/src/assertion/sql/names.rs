//! The tables and columns that SQL names. A name that it gives itself is free only where nothing else can be meant: a list of
//! what may be named is a guard, and what is in doubt is a column.

use std::collections::{BTreeMap, HashSet};
use std::ops::ControlFlow;

use sqlparser::ast::{
    Assignment, AssignmentTarget, ConflictTarget, Delete, Expr, FromTable, Function, FunctionArg, FunctionArgExpr,
    FunctionArguments, Ident, InTarget, Insert, JoinConstraint, JoinOperator, JsonPath, JsonPathElem, LambdaFunction,
    ObjectName, ObjectNamePart, OnConflict, OnConflictAction, OnInsert, OrderByKind, OutputClause, Query, Select,
    SelectFlavor, SelectItem, SetExpr, Statement, Table, TableFactor, TableObject, TableWithJoins, Update, Visit,
    Visitor,
};

use super::dialect::Dialect;
use super::lambdas::{Lambdas, parameters};
use super::scopes::{Scopes, factors, outputs, read_by, same};
use super::{by_text, functions, keywords};

/// What statements name.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// As written, by their form in lower case.
    tables: BTreeMap<String, String>,
    columns: BTreeMap<String, String>,
    /// A statement, or a part of one, that the lists say nothing of.
    pub(super) other: Option<String>,
}

impl Names {
    /// Those of some statements in a dialect.
    pub(super) fn of(statements: &[Statement], dialect: Dialect) -> Self {
        let mut walk = Walk {
            names: Self::default(),
            dialect,
            scopes: Scopes::new(dialect),
            lambdas: Lambdas::default(),
            no_columns: HashSet::new(),
            no_tables: HashSet::new(),
        };
        for statement in statements {
            // Nothing here breaks off.
            let _ = statement.visit(&mut walk);
        }
        walk.names
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

    /// The last part of a name, where a column stands.
    fn target(&mut self, name: &ObjectName) {
        match name.0.last().map(ObjectNamePart::as_ident) {
            Some(Some(column)) => self.column(&column.value),
            Some(None) => self.other = Some(written(name)),
            None => {}
        }
    }

    fn items(&mut self, items: &[SelectItem]) {
        if items.iter().any(|item| matches!(item, SelectItem::Wildcard(_) | SelectItem::QualifiedWildcard(..))) {
            self.column("*");
        }
    }

    fn assignments(&mut self, assignments: &[Assignment]) {
        for assignment in assignments {
            match &assignment.target {
                AssignmentTarget::ColumnName(name) => self.target(name),
                AssignmentTarget::Tuple(names) => names.iter().for_each(|name| self.target(name)),
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
        self.assignments(&insert.assignments);
        self.returned(insert.returning.as_deref(), insert.output.as_ref());
        match &insert.on {
            Some(OnInsert::DuplicateKeyUpdate(assignments)) => self.assignments(assignments),
            Some(OnInsert::OnConflict(conflict)) => self.conflict(conflict),
            Some(_) => self.other = Some("INSERT ON".to_owned()),
            None => {}
        }
        if insert.multi_table_insert_type.is_some() {
            self.other = Some("INSERT ALL".to_owned());
        }
        if !matches!(insert.table, TableObject::TableName(_)) {
            self.other = Some("INSERT INTO FUNCTION".to_owned());
        }
    }

    fn conflict(&mut self, conflict: &OnConflict) {
        if let Some(ConflictTarget::Columns { columns, .. }) = &conflict.conflict_target {
            columns.iter().for_each(|column| self.column(&column.value));
        }
        if let OnConflictAction::DoUpdate(update) = &conflict.action {
            self.assignments(&update.assignments);
        }
    }

    fn update(&mut self, update: &Update) {
        self.joins([&update.table].into_iter().chain(read_by(update)));
        self.assignments(&update.assignments);
        self.returned(update.returning.as_deref(), update.output.as_ref());
    }

    fn delete(&mut self, delete: &Delete) {
        let (FromTable::WithFromKeyword(from) | FromTable::WithoutKeyword(from)) = &delete.from;
        self.joins(from.iter().chain(delete.using.iter().flatten()));
        self.returned(delete.returning.as_deref(), delete.output.as_ref());
    }

    /// What a change of rows gives back.
    fn returned(&mut self, returning: Option<&[SelectItem]>, output: Option<&OutputClause>) {
        self.items(returning.unwrap_or_default());
        match output {
            Some(OutputClause::Output { into_table: Some(_), .. }) => self.other = Some("OUTPUT INTO".to_owned()),
            Some(OutputClause::Output { select_items, .. } | OutputClause::Returning { select_items, .. }) => {
                self.items(select_items);
            }
            None => {}
        }
    }

    /// What joins compare without an expression, and the arrays of ClickHouse, which stand where tables do.
    fn joins<'a>(&mut self, tables: impl Iterator<Item = &'a TableWithJoins>) {
        for join in tables.flat_map(|table| &table.joins) {
            match constraint(&join.join_operator) {
                Some(JoinConstraint::Using(columns) | JoinConstraint::UsingAlias(columns, _)) => {
                    columns.iter().for_each(|column| self.target(column));
                }
                // Whatever both tables have is compared.
                Some(JoinConstraint::Natural) => self.column("*"),
                Some(JoinConstraint::On(_) | JoinConstraint::None) => {}
                None => {
                    if let TableFactor::Table { name, .. } = &join.relation {
                        self.target(name);
                    }
                }
            }
        }
    }

    /// `to_json(t.*)` takes every column; `count(*)` takes none.
    fn argument(&mut self, function: &ObjectName, argument: &FunctionArg) {
        let counts = written(function).eq_ignore_ascii_case("count");
        let argument = value(argument);
        if !(matches!(argument, FunctionArgExpr::Expr(_)) || (counts && matches!(argument, FunctionArgExpr::Wildcard)))
        {
            self.column("*");
        }
    }
}

/// The constraint of a join; none where an array is joined.
fn constraint(join: &JoinOperator) -> Option<&JoinConstraint> {
    match join {
        JoinOperator::Join(constraint)
        | JoinOperator::Inner(constraint)
        | JoinOperator::Left(constraint)
        | JoinOperator::LeftOuter(constraint)
        | JoinOperator::Right(constraint)
        | JoinOperator::RightOuter(constraint)
        | JoinOperator::FullOuter(constraint)
        | JoinOperator::CrossJoin(constraint)
        | JoinOperator::Semi(constraint)
        | JoinOperator::LeftSemi(constraint)
        | JoinOperator::RightSemi(constraint)
        | JoinOperator::Anti(constraint)
        | JoinOperator::LeftAnti(constraint)
        | JoinOperator::RightAnti(constraint)
        | JoinOperator::StraightJoin(constraint)
        | JoinOperator::AsOf { constraint, .. } => Some(constraint),
        JoinOperator::CrossApply | JoinOperator::OuterApply => Some(&JoinConstraint::None),
        JoinOperator::ArrayJoin | JoinOperator::LeftArrayJoin | JoinOperator::InnerArrayJoin => None,
    }
}

fn value(argument: &FunctionArg) -> &FunctionArgExpr {
    let (FunctionArg::Named { arg, .. } | FunctionArg::ExprNamed { arg, .. } | FunctionArg::Unnamed(arg)) = argument;
    arg
}

/// A name as written, without its quotes.
fn written(name: &ObjectName) -> String {
    let part = |part: &ObjectNamePart| match part.as_ident() {
        Some(ident) => ident.value.clone(),
        None => part.to_string(),
    };
    name.0.iter().map(part).collect::<Vec<_>>().join(".")
}

/// One pass over the statements.
struct Walk {
    names: Names,
    dialect: Dialect,
    scopes: Scopes,
    lambdas: Lambdas,
    /// What looks like a column and is none, by its place in the tree, since the same name may be one elsewhere.
    no_columns: HashSet<*const Expr>,
    /// What looks like a table and is none: functions that make rows, and other names of tables.
    no_tables: HashSet<*const ObjectName>,
}

impl Walk {
    /// A name alone in `order by` is the query's own before it is a table's, in every dialect. In `group by` and elsewhere
    /// dialects differ.
    fn order(&mut self, query: &Query) {
        let Some(OrderByKind::Expressions(orders)) = query.order_by.as_ref().map(|order| &order.kind) else { return };
        let given = outputs(query);
        for order in orders {
            if matches!(&order.expr, Expr::Identifier(name) if given.iter().any(|given| same(given, name))) {
                self.no_columns.insert(&raw const order.expr);
            }
        }
    }

    /// `TABLE orders` reads a table without a `from`.
    fn body(&mut self, body: &SetExpr) {
        let mut waiting = vec![body];
        while let Some(body) = waiting.pop() {
            match body {
                SetExpr::SetOperation { left, right, .. } => waiting.extend([&**left, &**right]),
                SetExpr::Table(table) => self.whole(table),
                _ => {}
            }
        }
    }

    fn whole(&mut self, table: &Table) {
        let parts = [&table.schema_name, &table.table_name].into_iter().flatten().cloned();
        let name = ObjectName::from(parts.collect::<Vec<_>>());
        if self.scopes.common(&name).is_none() {
            self.names.table(written(&name));
            self.names.column("*");
        }
    }

    /// `with (nolock)` is a word of SQL Server and no expression.
    fn hints(&mut self, factor: &TableFactor) {
        let TableFactor::Table { with_hints, .. } = factor else { return };
        let words = with_hints.iter().filter(|hint| matches!(hint, Expr::Identifier(_)));
        self.no_columns.extend(words.map(std::ptr::from_ref));
    }

    /// A function that stands where a table does.
    fn called(&mut self, factor: &TableFactor) {
        if let TableFactor::Table { name, args: Some(_), .. } | TableFactor::Function { name, .. } = factor
            && by_text::queries_by_text(self.dialect, name)
        {
            self.names.other = Some(written(name));
        }
    }

    /// `update u ... from users u` changes what `from` reads in SQL Server.
    fn changed(&mut self, update: &Update) {
        let TableFactor::Table { name, alias: None, .. } = &update.table.relation else { return };
        let [part] = name.0.as_slice() else { return };
        let is_alias = |factor: &TableFactor| match factor {
            TableFactor::Table { alias: Some(alias), .. } => part.as_ident().is_some_and(|own| same(own, &alias.name)),
            _ => false,
        };
        if self.dialect == Dialect::Mssql && read_by(update).flat_map(factors).any(is_alias) {
            self.no_tables.insert(&raw const *name);
        }
    }

    /// What is no table in front of a dot is a column, and what stands behind it its fields.
    fn column(&mut self, parts: &[Ident]) {
        let is_parameter = parts.first().is_some_and(|name| self.lambdas.gives(name, self.scopes.depth()));
        let qualifier = if is_parameter { 0 } else { self.scopes.qualifier(parts) };
        let (given, fields) = parts.split_at(parts.len().min(qualifier + 1));
        if let Some(column) = given.last()
            && !(is_parameter || self.scopes.gives(given))
        {
            self.names.column(&column.value);
        }
        fields.iter().for_each(|field| self.names.column(&field.value));
    }

    /// `a: b` is a field of a value where the dialect has such paths, and the parser reads it so where it is a key of
    /// `json_object` and a column.
    fn path(&mut self, value: &Expr, path: &JsonPath) {
        if keywords::has_paths(self.dialect) && !matches!(value, Expr::Value(_)) {
            return;
        }
        let part = |element: &JsonPathElem| match element {
            JsonPathElem::Dot { key, quoted: true } => Some(Ident::with_quote('"', key)),
            JsonPathElem::Dot { key, quoted: false } => Some(Ident::new(key)),
            JsonPathElem::Bracket { .. } | JsonPathElem::ColonBracket { .. } => None,
        };
        self.column(&path.path.iter().map_while(part).collect::<Vec<_>>());
    }

    /// `a in t` reads a table, which ClickHouse also means where the parser sees a list of one name.
    fn target_of_in(&mut self, target: &InTarget) {
        match target {
            InTarget::Table { .. } => self.names.column("*"),
            InTarget::List(list) if self.dialect == Dialect::ClickHouse => {
                let parts = match list.as_slice() {
                    [Expr::Identifier(name)] => std::slice::from_ref(name),
                    [Expr::CompoundIdentifier(parts)] => parts,
                    _ => return,
                };
                let table = ObjectName::from(parts.to_vec());
                if self.scopes.common(&table).is_none() {
                    self.names.table(written(&table));
                }
            }
            InTarget::List(_) | InTarget::Subquery(_) | InTarget::Unnest(_) => {}
        }
    }

    /// `table(...)` reads what a text names or a function gives.
    fn table_of(&mut self, expr: &Expr) {
        let name = match expr {
            Expr::Function(Function { name, .. }) if functions::makes_rows_within(self.dialect, &written(name)) => {
                return;
            }
            Expr::Function(Function { name, .. }) => written(name),
            Expr::Value(value) => value.value.clone().into_string().unwrap_or_else(|| value.to_string()),
            other => other.to_string(),
        };
        self.names.table(name);
    }

    fn lambda(&mut self, expr: &Expr, lambda: &LambdaFunction) {
        if !self.lambdas.enter(self.dialect, expr, lambda, self.scopes.depth()) {
            parameters(lambda).iter().for_each(|column| self.column(std::slice::from_ref(column)));
        }
    }

    fn function(&mut self, function: &Function) {
        if functions::gives_columns(&written(&function.name)) {
            self.names.column("*");
        }
        if by_text::reads_by_text(self.dialect, &function.name) {
            self.names.other = Some(written(&function.name));
        }
        self.lambdas.note(function);
        let FunctionArguments::List(list) = &function.args else { return };
        list.args.iter().for_each(|argument| self.names.argument(&function.name, argument));
        let unit = functions::date_unit(self.dialect, &written(&function.name), list.args.len());
        if let Some(FunctionArgExpr::Expr(unit)) = unit.map(|unit| value(&list.args[unit])) {
            self.unit(unit);
        }
    }

    /// A unit of time, which is a word, or in BigQuery `week(monday)`.
    fn unit(&mut self, unit: &Expr) {
        match unit {
            Expr::Identifier(Ident { quote_style: None, .. }) => {
                self.no_columns.insert(&raw const *unit);
            }
            Expr::Function(Function { name, args: FunctionArguments::List(list), .. })
                if self.dialect == Dialect::BigQuery && written(name).eq_ignore_ascii_case("week") =>
            {
                if let [FunctionArg::Unnamed(FunctionArgExpr::Expr(day @ Expr::Identifier(_)))] = list.args.as_slice() {
                    self.no_columns.insert(&raw const *day);
                }
            }
            _ => {}
        }
    }
}

impl Visitor for Walk {
    type Break = ();

    fn pre_visit_statement(&mut self, statement: &Statement) -> ControlFlow<()> {
        self.scopes.enter_statement(statement);
        match statement {
            Statement::Query(_) => {}
            Statement::Delete(delete) => self.names.delete(delete),
            Statement::Insert(insert) => self.names.insert(insert),
            Statement::Update(update) => {
                self.changed(update);
                self.names.update(update);
            }
            other => self.names.other = other.to_string().split_whitespace().next().map(str::to_owned),
        }
        ControlFlow::Continue(())
    }

    fn post_visit_statement(&mut self, _: &Statement) -> ControlFlow<()> {
        self.scopes.leave_statement();
        ControlFlow::Continue(())
    }

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        self.order(query);
        self.scopes.enter_query(query);
        if !query.pipe_operators.is_empty() {
            self.names.other = Some("|>".to_owned());
        }
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        // Behind the queries of `with`, whose names hold here.
        self.body(&query.body);
        self.scopes.leave_query(query);
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<()> {
        if select.into.is_some() {
            self.names.other = Some("SELECT INTO".to_owned());
        }
        self.names.items(&select.projection);
        // `from orders` alone gives every column; `select from orders`, in PostgreSQL, gives none.
        if select.flavor == SelectFlavor::FromFirstNoSelect {
            self.names.column("*");
        }
        self.names.joins(select.from.iter());
        self.scopes.enter_select(select);
        ControlFlow::Continue(())
    }

    fn post_visit_select(&mut self, select: &Select) -> ControlFlow<()> {
        self.scopes.leave_select(select);
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        self.hints(factor);
        self.called(factor);
        match factor {
            TableFactor::Table { name, args: Some(_), .. } if functions::makes_rows(&written(name)) => {
                self.no_tables.insert(&raw const *name);
            }
            // `t (name)` gives the first column of `t` another name, whichever that is.
            TableFactor::Table { name, alias: Some(alias), .. }
                if !alias.columns.is_empty() && self.scopes.common(name).is_none() =>
            {
                self.names.column("*");
            }
            TableFactor::Function { name, .. } if !functions::makes_rows(&written(name)) => {
                self.names.table(written(name));
            }
            TableFactor::TableFunction { expr, .. } => self.table_of(expr),
            TableFactor::NestedJoin { table_with_joins, .. } => self.names.joins([&**table_with_joins].into_iter()),
            _ => {}
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_relation(&mut self, relation: &ObjectName) -> ControlFlow<()> {
        let is_none =
            self.no_tables.contains(&std::ptr::from_ref(relation)) || keywords::is_no_table(self.dialect, relation);
        if is_none || self.scopes.common(relation).is_some() {
            return ControlFlow::Continue(());
        }
        self.names.table(written(relation));
        // `from users u, u.tags` reads a column of `u` as a table, in the dialects that unnest arrays so.
        if self.scopes.reads_part(relation) {
            self.names.target(relation);
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        match expr {
            Expr::Identifier(name)
                if keywords::is_value(self.dialect, name) || keywords::is_parameter(self.dialect, name) => {}
            Expr::Identifier(_) if self.no_columns.contains(&std::ptr::from_ref(expr)) => {}
            Expr::Identifier(column) => {
                self.column(std::slice::from_ref(column));
                if keywords::has_rows(self.dialect) && self.scopes.is_row(column) {
                    self.names.column("*");
                }
            }
            Expr::CompoundIdentifier(parts) => self.column(parts),
            Expr::Wildcard(_) | Expr::QualifiedWildcard(..) => self.names.column("*"),
            Expr::Value(value) if keywords::is_place(self.dialect, &value.value) => self.names.column("*"),
            Expr::MatchAgainst { columns, .. } => columns.iter().for_each(|column| self.names.target(column)),
            Expr::Function(function) => self.function(function),
            Expr::JsonAccess { value, path } => self.path(value, path),
            Expr::Lambda(lambda) => self.lambda(expr, lambda),
            Expr::In { target, .. } => self.target_of_in(target),
            _ => {}
        }
        ControlFlow::Continue(())
    }

    fn post_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        if matches!(expr, Expr::Lambda(_)) {
            self.lambdas.leave();
        }
        ControlFlow::Continue(())
    }
}
