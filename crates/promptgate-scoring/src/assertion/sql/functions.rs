//! What functions read beside the values of their arguments: units of time, which are words, and the columns and
//! tables around them.

use super::dialect::Dialect;

/// Functions with a unit of time among their arguments, which is a word and never an expression.
struct DateFunctions {
    dialects: &'static [Dialect],
    names: &'static [&'static str],
    arguments: usize,
    unit: usize,
}

/// With a time zone or without.
const CLICKHOUSE_DIFFERENCES: [&str; 4] = ["date_diff", "datediff", "timestamp_diff", "timestampdiff"];

const DATE_FUNCTIONS: [DateFunctions; 17] = [
    DateFunctions {
        dialects: &[Dialect::Mssql, Dialect::Snowflake, Dialect::Redshift, Dialect::Databricks, Dialect::Spark],
        names: &["datediff", "dateadd"],
        arguments: 3,
        unit: 0,
    },
    DateFunctions {
        dialects: &[Dialect::MySql, Dialect::Snowflake, Dialect::Databricks, Dialect::Spark],
        names: &["timestampdiff", "timestampadd"],
        arguments: 3,
        unit: 0,
    },
    DateFunctions {
        dialects: &[Dialect::Databricks, Dialect::Spark],
        names: &["date_diff", "date_add"],
        arguments: 3,
        unit: 0,
    },
    DateFunctions { dialects: &[Dialect::Snowflake], names: &["timediff", "timeadd"], arguments: 3, unit: 0 },
    DateFunctions { dialects: &[Dialect::Mssql], names: &["datediff_big", "date_bucket"], arguments: 3, unit: 0 },
    DateFunctions { dialects: &[Dialect::Mssql], names: &["date_bucket"], arguments: 4, unit: 0 },
    DateFunctions { dialects: &[Dialect::Mssql], names: &["datepart", "datename", "datetrunc"], arguments: 2, unit: 0 },
    DateFunctions { dialects: &[Dialect::Redshift, Dialect::Snowflake], names: &["date_part"], arguments: 2, unit: 0 },
    DateFunctions { dialects: &[Dialect::Redshift], names: &["datepart"], arguments: 2, unit: 0 },
    DateFunctions { dialects: &[Dialect::Snowflake], names: &["date_trunc"], arguments: 2, unit: 0 },
    DateFunctions {
        dialects: &[Dialect::BigQuery],
        names: &["date_diff", "datetime_diff", "timestamp_diff", "time_diff"],
        arguments: 3,
        unit: 2,
    },
    DateFunctions {
        dialects: &[Dialect::BigQuery],
        names: &["date_trunc", "datetime_trunc", "timestamp_trunc", "time_trunc"],
        arguments: 2,
        unit: 1,
    },
    DateFunctions {
        dialects: &[Dialect::BigQuery],
        names: &["date_trunc", "datetime_trunc", "timestamp_trunc"],
        arguments: 3,
        unit: 1,
    },
    DateFunctions { dialects: &[Dialect::ClickHouse], names: &CLICKHOUSE_DIFFERENCES, arguments: 3, unit: 0 },
    DateFunctions { dialects: &[Dialect::ClickHouse], names: &CLICKHOUSE_DIFFERENCES, arguments: 4, unit: 0 },
    DateFunctions {
        dialects: &[Dialect::ClickHouse],
        names: &[
            "date_add",
            "date_sub",
            "dateadd",
            "datesub",
            "timestamp_add",
            "timestamp_sub",
            "timestampadd",
            "timestampsub",
        ],
        arguments: 3,
        unit: 0,
    },
    DateFunctions { dialects: &[Dialect::BigQuery, Dialect::Snowflake], names: &["last_day"], arguments: 2, unit: 1 },
];

/// Which argument of a function is a unit of time.
pub(super) fn date_unit(dialect: Dialect, function: &str, arguments: usize) -> Option<usize> {
    let is_meant = |functions: &&DateFunctions| {
        functions.arguments == arguments
            && functions.dialects.contains(&dialect)
            && functions.names.iter().any(|name| name.eq_ignore_ascii_case(function))
    };
    DATE_FUNCTIONS.iter().find(is_meant).map(|functions| functions.unit)
}

/// Whether a function gives all columns that a pattern fits, and not what its arguments are.
pub(super) fn gives_columns(function: &str) -> bool {
    function.eq_ignore_ascii_case("columns")
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
pub(super) fn makes_rows_within(dialect: Dialect, function: &str) -> bool {
    let is_snowflakes = || SNOWFLAKE_ROW_FUNCTIONS.iter().any(|name| name.eq_ignore_ascii_case(function));
    makes_rows(function) || (dialect == Dialect::Snowflake && is_snowflakes())
}
