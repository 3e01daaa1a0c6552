//! Words that a dialect keeps for itself: what the parser reads as the name of a column or a table though no table can have
//! it there, and what names columns though it does not look so.

use sqlparser::ast::{Ident, Value};

/// Functions with a unit of time among their arguments, which is a word and never an expression.
struct DateFunctions {
    dialects: &'static [&'static str],
    names: &'static [&'static str],
    arguments: usize,
    unit: usize,
}

const DATE_FUNCTIONS: [DateFunctions; 13] = [
    DateFunctions {
        dialects: &["mssql", "snowflake", "redshift", "databricks", "spark"],
        names: &["datediff", "dateadd"],
        arguments: 3,
        unit: 0,
    },
    DateFunctions {
        dialects: &["mysql", "snowflake", "databricks", "spark"],
        names: &["timestampdiff", "timestampadd"],
        arguments: 3,
        unit: 0,
    },
    DateFunctions { dialects: &["databricks", "spark"], names: &["date_diff", "date_add"], arguments: 3, unit: 0 },
    DateFunctions { dialects: &["snowflake"], names: &["timediff", "timeadd"], arguments: 3, unit: 0 },
    DateFunctions { dialects: &["mssql"], names: &["datediff_big", "date_bucket"], arguments: 3, unit: 0 },
    DateFunctions { dialects: &["mssql"], names: &["date_bucket"], arguments: 4, unit: 0 },
    DateFunctions { dialects: &["mssql"], names: &["datepart", "datename", "datetrunc"], arguments: 2, unit: 0 },
    DateFunctions { dialects: &["redshift", "snowflake"], names: &["date_part"], arguments: 2, unit: 0 },
    DateFunctions { dialects: &["redshift"], names: &["datepart"], arguments: 2, unit: 0 },
    DateFunctions { dialects: &["snowflake"], names: &["date_trunc"], arguments: 2, unit: 0 },
    DateFunctions {
        dialects: &["bigquery"],
        names: &["date_diff", "datetime_diff", "timestamp_diff", "time_diff"],
        arguments: 3,
        unit: 2,
    },
    DateFunctions {
        dialects: &["bigquery"],
        names: &["date_trunc", "datetime_trunc", "timestamp_trunc", "time_trunc"],
        arguments: 2,
        unit: 1,
    },
    DateFunctions { dialects: &["bigquery", "snowflake"], names: &["last_day"], arguments: 2, unit: 1 },
];

/// Which argument of a function is a unit of time.
pub(super) fn date_unit(dialect: &str, function: &str, arguments: usize) -> Option<usize> {
    let is_meant = |functions: &&DateFunctions| {
        functions.arguments == arguments
            && functions.dialects.contains(&dialect)
            && functions.names.iter().any(|name| name.eq_ignore_ascii_case(function))
    };
    DATE_FUNCTIONS.iter().find(is_meant).map(|functions| functions.unit)
}

/// What a dialect calls without brackets: the name means that and no column unless it is quoted.
const VALUES: [(&str, &[&str]); 2] =
    [("oracle", &["level", "rownum", "sysdate", "systimestamp", "uid", "user"]), ("redshift", &["sysdate"])];

/// Whether a name is a value of the database and no column.
pub(super) fn is_value(dialect: &str, name: &Ident) -> bool {
    let mut values = VALUES.iter().filter(|(of, _)| *of == dialect).flat_map(|(_, values)| *values);
    name.quote_style.is_none() && values.any(|value| name.value.eq_ignore_ascii_case(value))
}

/// Whether what the parser takes for a name in quotes is a text.
pub(super) fn is_text(dialect: &str, name: &Ident) -> bool {
    dialect == "hive" && name.quote_style == Some('"')
}

/// Whether a value is the number of a column: `$1` in Snowflake, where other dialects have a parameter.
pub(super) fn is_place(dialect: &str, value: &Value) -> bool {
    dialect == "snowflake" && matches!(value, Value::Placeholder(place) if place.starts_with('$'))
}

/// Whether a function gives all columns that a pattern fits, and not what its arguments are.
pub(super) fn gives_columns(function: &str) -> bool {
    function.eq_ignore_ascii_case("columns")
}

/// Whether a function names a column or a table by a text, which a session may also hold.
pub(super) fn names_by_text(function: &str) -> bool {
    function.eq_ignore_ascii_case("identifier")
}

/// Whether a colon behind a value begins the path to a field of it.
pub(super) fn has_paths(dialect: &str) -> bool {
    ["snowflake", "databricks"].contains(&dialect)
}

/// Functions that make rows of their arguments alone. Any other one where a table stands may read one.
const ROW_FUNCTIONS: [&str; 17] = [
    "flatten",
    "generate_series",
    "generate_subscripts",
    "json_array_elements",
    "json_array_elements_text",
    "json_each",
    "json_each_text",
    "json_tree",
    "jsonb_array_elements",
    "jsonb_array_elements_text",
    "jsonb_each",
    "jsonb_each_text",
    "openjson",
    "regexp_split_to_table",
    "string_split",
    "string_to_table",
    "unnest",
];

/// Whether a function that stands where a table does reads none.
pub(super) fn makes_rows(function: &str) -> bool {
    ROW_FUNCTIONS.iter().any(|name| name.eq_ignore_ascii_case(function))
}

/// Functions of Snowflake that make rows within `table(...)`; elsewhere, anything may be called so.
const SNOWFLAKE_ROW_FUNCTIONS: [&str; 2] = ["generator", "split_to_table"];

/// Whether a function within `table(...)` reads no table.
pub(super) fn makes_rows_within(dialect: &str, function: &str) -> bool {
    let is_snowflakes = || SNOWFLAKE_ROW_FUNCTIONS.iter().any(|name| name.eq_ignore_ascii_case(function));
    makes_rows(function) || (dialect == "snowflake" && is_snowflakes())
}
