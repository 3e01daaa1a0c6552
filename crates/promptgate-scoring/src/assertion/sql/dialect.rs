//! The dialects of SQL, by name, and how the parser reads each.

use sqlparser::dialect::{self, Dialect as Reading};

/// A dialect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    Generic,
    Ansi,
    BigQuery,
    ClickHouse,
    Databricks,
    DuckDb,
    Hive,
    Mssql,
    MySql,
    Oracle,
    PostgreSql,
    Redshift,
    Snowflake,
    Spark,
    Sqlite,
    Teradata,
}

/// The names of the dialects, the default first.
const NAMES: [(&str, Dialect); 16] = [
    ("generic", Dialect::Generic),
    ("ansi", Dialect::Ansi),
    ("bigquery", Dialect::BigQuery),
    ("clickhouse", Dialect::ClickHouse),
    ("databricks", Dialect::Databricks),
    ("duckdb", Dialect::DuckDb),
    ("hive", Dialect::Hive),
    ("mssql", Dialect::Mssql),
    ("mysql", Dialect::MySql),
    ("oracle", Dialect::Oracle),
    ("postgresql", Dialect::PostgreSql),
    ("redshift", Dialect::Redshift),
    ("snowflake", Dialect::Snowflake),
    ("spark", Dialect::Spark),
    ("sqlite", Dialect::Sqlite),
    ("teradata", Dialect::Teradata),
];

impl Dialect {
    /// The dialect of a name; without one, the default.
    pub(super) fn named(name: Option<&str>) -> Option<Self> {
        let name = name.unwrap_or(NAMES[0].0);
        NAMES.iter().find(|(known, _)| *known == name).map(|(_, dialect)| *dialect)
    }

    pub(super) fn names() -> [&'static str; NAMES.len()] {
        NAMES.map(|(name, _)| name)
    }

    pub(super) fn name(self) -> &'static str {
        NAMES.iter().find(|(_, dialect)| *dialect == self).map_or(NAMES[0].0, |(name, _)| name)
    }

    /// How the parser reads statements.
    pub(super) fn reading(self) -> &'static dyn Reading {
        match self {
            Self::Generic => &dialect::GenericDialect,
            Self::Ansi => &dialect::AnsiDialect {},
            Self::BigQuery => &dialect::BigQueryDialect,
            Self::ClickHouse => &dialect::ClickHouseDialect {},
            Self::Databricks => &dialect::DatabricksDialect,
            Self::DuckDb => &dialect::DuckDbDialect,
            Self::Hive => &dialect::HiveDialect {},
            Self::Mssql => &dialect::MsSqlDialect {},
            Self::MySql => &dialect::MySqlDialect {},
            Self::Oracle => &dialect::OracleDialect,
            Self::PostgreSql => &dialect::PostgreSqlDialect {},
            Self::Redshift => &dialect::RedshiftSqlDialect {},
            Self::Snowflake => &dialect::SnowflakeDialect,
            Self::Spark => &dialect::SparkSqlDialect,
            Self::Sqlite => &dialect::SQLiteDialect {},
            Self::Teradata => &dialect::TeradataDialect,
        }
    }
}
