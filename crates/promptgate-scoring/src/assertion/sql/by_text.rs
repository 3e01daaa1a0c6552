//! Functions that read what their arguments only name: the text of a query, a table, a file, another server. What stands in a
//! text is not parsed, so that no list can be held against it.

use sqlparser::ast::ObjectName;

use super::dialect::Dialect;

/// The functions of some dialects, in lower case; `*` stands for any beginning or end.
struct Functions {
    dialects: &'static [Dialect],
    /// Those that read a table or run a query.
    queries: &'static [&'static str],
    /// Those that read or write files, secrets, variables or other servers.
    files: &'static [&'static str],
}

const BY_TEXT: [Functions; 12] = [
    Functions { dialects: &[], queries: &["identifier"], files: &[] },
    Functions {
        dialects: &[Dialect::PostgreSql, Dialect::Redshift],
        queries: &[
            "connectby",
            "crosstab*",
            "cursor_to_xml*",
            "database_to_xml*",
            "dblink*",
            "get_raw_page*",
            "pg_logical_slot_*",
            "query_to_xml*",
            "schema_to_xml*",
            "table_to_xml*",
            "ts_rewrite",
            "ts_stat",
            "xpath_table",
        ],
        files: &["lo_*", "loread", "lowrite", "pg_file_*", "pg_ls_*", "pg_read_*", "pg_stat_file"],
    },
    Functions { dialects: &[Dialect::MySql], queries: &[], files: &["load_file", "sys_eval", "sys_exec"] },
    Functions {
        dialects: &[Dialect::ClickHouse],
        queries: &[
            "cluster",
            "clusterallreplicas",
            "dictget*",
            "dicthas",
            "dictionary",
            "dictisin",
            "joinget*",
            "loop",
            "merge",
            "mergetree*",
            "remote",
            "remotesecure",
            "timeseriesdata",
            "timeseriesmetrics",
            "timeseriestags",
            "view",
            "viewifpermitted",
        ],
        files: &[
            "arrowflight",
            "azureblobstorage*",
            "catboostevaluate",
            "deltalake*",
            "executable",
            "file",
            "filecluster",
            "gcs",
            "hdfs*",
            "hive",
            "hudi*",
            "iceberg",
            "icebergazure*",
            "icebergcluster",
            "iceberghdfs*",
            "iceberglocal*",
            "icebergs3*",
            "jdbc",
            "mongodb",
            "mysql",
            "odbc",
            "postgresql",
            "redis",
            "s3*",
            "sqlite",
            "url",
            "urlcluster",
            "ytsaurus",
        ],
    },
    Functions {
        dialects: &[Dialect::Sqlite],
        queries: &["eval"],
        files: &["edit", "fsdir", "load_extension", "lsmode", "readfile", "writefile", "zipfile"],
    },
    Functions {
        dialects: &[Dialect::DuckDb],
        queries: &["*_query", "json_execute_serialized_sql", "query", "query_table"],
        files: &["*_scan", "getenv", "parquet_*", "read_*", "sniff_csv", "st_read*"],
    },
    Functions {
        dialects: &[Dialect::Mssql],
        queries: &["opendatasource", "openquery", "openrowset"],
        files: &["fn_dblog", "fn_dump_dblog", "fn_get_audit_file", "fn_trace_gettable", "fn_xe_file_target_read_file"],
    },
    Functions {
        dialects: &[Dialect::Oracle],
        queries: &["dbms_sql", "dbms_xmlgen", "dbms_xmlquery", "dbms_xmlstore", "dburitype", "xdburitype", "xmltype"],
        files: &["bfilename", "dbms_xslprocessor", "httpuritype", "urifactory", "utl_file", "utl_http"],
    },
    Functions { dialects: &[Dialect::BigQuery], queries: &["external_query"], files: &[] },
    Functions {
        dialects: &[Dialect::Snowflake],
        queries: &["system$query_reference", "system$reference", "to_query"],
        files: &[
            "build_scoped_file_url",
            "build_stage_file_url",
            "get_presigned_url",
            "get_stage_location",
            "infer_schema",
            "to_file",
        ],
    },
    Functions {
        dialects: &[Dialect::Databricks, Dialect::Spark, Dialect::Hive],
        queries: &["get_llap_splits", "get_splits", "remote_query", "table_changes"],
        files: &[
            "cloud_files",
            "http_request",
            "in_file",
            "java_method",
            "read_*",
            "reflect",
            "reflect2",
            "secret",
            "try_reflect",
            "try_secret",
        ],
    },
    Functions { dialects: &[Dialect::Teradata], queries: &[], files: &["read_nos", "script"] },
];

/// Whether a function that stands where a value does reads what a text names.
pub(super) fn reads_by_text(dialect: Dialect, function: &ObjectName) -> bool {
    of(dialect).any(|of| are_called(of.queries, function) || are_called(of.files, function))
}

/// Whether a function that stands where a table does reads another table than itself. One that reads a file is the table.
pub(super) fn queries_by_text(dialect: Dialect, function: &ObjectName) -> bool {
    of(dialect).any(|of| are_called(of.queries, function))
}

/// The functions of a dialect; in the default one, any may be meant.
fn of(dialect: Dialect) -> impl Iterator<Item = &'static Functions> {
    BY_TEXT
        .iter()
        .filter(move |of| of.dialects.is_empty() || dialect == Dialect::Generic || of.dialects.contains(&dialect))
}

/// Whether a name has one of the functions, or the package of some, among its parts.
fn are_called(functions: &[&str], name: &ObjectName) -> bool {
    let parts = name.0.iter().filter_map(|part| part.as_ident());
    let mut parts = parts.map(|part| part.value.to_lowercase());
    parts.any(|part| functions.iter().any(|function| fits(function, &part)))
}

fn fits(function: &str, name: &str) -> bool {
    match (function.strip_prefix('*'), function.strip_suffix('*')) {
        (Some(end), _) => name.ends_with(end),
        (_, Some(begin)) => name.starts_with(begin),
        (None, None) => name == function,
    }
}
