//! The parameters of lambda functions, which are no columns within their body.

use std::collections::HashSet;

use sqlparser::ast::{
    Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Ident, LambdaFunction, LambdaSyntax,
};

use super::dialect::Dialect;
use super::scopes::same;

/// Functions of DuckDB whose second argument is a lambda function. Anywhere else, its arrow takes a field of a column.
const DUCKDB_FUNCTIONS: [&str; 11] = [
    "apply",
    "array_apply",
    "array_filter",
    "array_reduce",
    "array_transform",
    "filter",
    "list_apply",
    "list_filter",
    "list_reduce",
    "list_transform",
    "reduce",
];

/// The lambda functions around a place.
#[derive(Debug, Default)]
pub(super) struct Lambdas {
    /// The parameters of each, and how many queries stand around it: within one more, a name may be a column again.
    around: Vec<(Vec<Ident>, usize)>,
    /// What stands where DuckDB has a lambda function.
    meant: HashSet<*const Expr>,
}

impl Lambdas {
    pub(super) fn note(&mut self, function: &Function) {
        if let FunctionArguments::List(list) = &function.args
            && let Some(FunctionArg::Unnamed(FunctionArgExpr::Expr(lambda))) = list.args.get(1)
            && DUCKDB_FUNCTIONS.contains(&function.name.to_string().to_lowercase().as_str())
        {
            self.meant.insert(&raw const *lambda);
        }
    }

    /// Enters an expression that the parser takes for a lambda function, and tells whether it is one.
    pub(super) fn enter(&mut self, dialect: Dialect, expr: &Expr, lambda: &LambdaFunction, queries: usize) -> bool {
        let is_one = dialect != Dialect::DuckDb
            || lambda.syntax == LambdaSyntax::LambdaKeyword
            || self.meant.contains(&std::ptr::from_ref(expr));
        let parameters = if is_one { parameters(lambda) } else { Vec::new() };
        self.around.push((parameters, queries));
        is_one
    }

    pub(super) fn leave(&mut self) {
        self.around.pop();
    }

    /// Whether a name is a parameter.
    pub(super) fn gives(&self, name: &Ident, queries: usize) -> bool {
        let here = self.around.iter().filter(|(_, around)| *around == queries);
        here.flat_map(|(parameters, _)| parameters).any(|parameter| same(parameter, name))
    }
}

pub(super) fn parameters(lambda: &LambdaFunction) -> Vec<Ident> {
    lambda.params.iter().map(|parameter| parameter.name.clone()).collect()
}
