//! Words that a dialect keeps for itself: what the parser reads as the name of a column or a table where the dialect means
//! neither.

use sqlparser::ast::{Ident, ObjectName, Value};

use super::dialect::Dialect;

/// What a dialect calls without brackets: the name means that and no column unless it is quoted.
const VALUES: [(Dialect, &[&str]); 2] = [
    (Dialect::Oracle, &["level", "rownum", "sysdate", "systimestamp", "uid", "user"]),
    (Dialect::Redshift, &["sysdate"]),
];

/// Whether a name is a value of the database and no column.
pub(super) fn is_value(dialect: Dialect, name: &Ident) -> bool {
    let mut values = VALUES.iter().filter(|(of, _)| *of == dialect).flat_map(|(_, values)| *values);
    name.quote_style.is_none() && values.any(|value| name.value.eq_ignore_ascii_case(value))
}

/// Whether a name is a parameter of the query, as `?`, `$1` and `:id` are. With `@@`, it is a variable of the server.
pub(super) fn is_parameter(dialect: Dialect, name: &Ident) -> bool {
    let has_them = matches!(dialect, Dialect::Generic | Dialect::Mssql | Dialect::BigQuery | Dialect::MySql);
    has_them && name.quote_style.is_none() && name.value.starts_with('@') && !name.value.starts_with("@@")
}

/// Whether a table is none: `dual` has one row where a dialect wants a `from`.
pub(super) fn is_no_table(dialect: Dialect, name: &ObjectName) -> bool {
    let [part] = name.0.as_slice() else { return false };
    let is_dual = |part: &Ident| part.quote_style.is_none() && part.value.eq_ignore_ascii_case("dual");
    matches!(dialect, Dialect::Oracle | Dialect::MySql) && part.as_ident().is_some_and(is_dual)
}

/// What a dialect calls the rows of a statement before and after it. Elsewhere it is a column of that name.
pub(super) fn changed_rows(dialect: Dialect) -> &'static [&'static str] {
    match dialect {
        Dialect::Generic => &["deleted", "excluded", "inserted", "new", "old"],
        Dialect::Mssql => &["deleted", "inserted"],
        Dialect::PostgreSql => &["excluded", "new", "old"],
        Dialect::DuckDb | Dialect::Sqlite => &["excluded"],
        _ => &[],
    }
}

/// Whether a value is the number of a column: `$1` in Snowflake, where other dialects have a parameter.
pub(super) fn is_place(dialect: Dialect, value: &Value) -> bool {
    dialect == Dialect::Snowflake && matches!(value, Value::Placeholder(place) if place.starts_with('$'))
}

/// Whether a colon behind a value begins the path to a field of it.
pub(super) fn has_paths(dialect: Dialect) -> bool {
    [Dialect::Snowflake, Dialect::Databricks].contains(&dialect)
}

/// Whether the other name of a table is also its row, where no column is called so.
pub(super) fn has_rows(dialect: Dialect) -> bool {
    matches!(dialect, Dialect::Generic | Dialect::PostgreSql | Dialect::Redshift | Dialect::DuckDb | Dialect::BigQuery)
}
