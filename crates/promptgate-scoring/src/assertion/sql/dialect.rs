//! The dialects of SQL, by name, and how the parser reads each.

use sqlparser::dialect::{self, Dialect as Reading, HiveDialect};

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

    /// How the parser divides a text into words, where strings end above all.
    pub(super) fn words(self) -> &'static dyn Reading {
        match self {
            // The two have one grammar of words. As `spark`, the parser does not know that `\` escapes in strings.
            Self::Spark => Self::Databricks.reading(),
            Self::Hive => &HiveWords,
            other => other.reading(),
        }
    }
}

/// The words of Hive as they are: `\` escapes in strings, and `"` begins one.
#[derive(Debug)]
struct HiveWords;

impl Reading for HiveWords {
    fn is_delimited_identifier_start(&self, char: char) -> bool {
        char == '`'
    }

    fn is_identifier_start(&self, char: char) -> bool {
        HiveDialect {}.is_identifier_start(char)
    }

    fn is_identifier_part(&self, char: char) -> bool {
        HiveDialect {}.is_identifier_part(char)
    }

    fn supports_hash_comment(&self) -> bool {
        HiveDialect {}.supports_hash_comment()
    }

    fn supports_numeric_prefix(&self) -> bool {
        HiveDialect {}.supports_numeric_prefix()
    }

    fn supports_string_literal_backslash_escape(&self) -> bool {
        true
    }
}
