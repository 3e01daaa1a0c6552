//! `sql`: the answer is SQL that parses in a dialect, and names only what it may.

use std::borrow::Cow;

use promptgate_core::Diagnostics;
use promptgate_core::assertion::AssertionSpec;
use promptgate_core::nearest::did_you_mean;
use promptgate_core::score::{Evidence, Scored};
use serde::Deserialize;

use super::kind::pass_fail;
use super::text::excerpt;
use super::{Assertion, AssertionKind, BuildContext, CostClass, Example, Parameter, Step, Trial};
use crate::extract::code_block::blocks;

mod by_text;
mod dialect;
mod doubts;
mod functions;
mod keywords;
mod lambdas;
mod names;
mod scopes;
mod statements;
mod withs;

use dialect::Dialect;
use names::Names;
use statements::{Parsed, parse};

/// The table entry.
pub(super) const KIND: AssertionKind = AssertionKind {
    name: "sql",
    summary: "the answer is SQL that parses in a dialect, and names only the tables and columns it may (letter case does not \
        count); nothing is run, and no database is asked what it has; unscored beyond 5,000 tokens",
    cost: CostClass::Pure,
    yields: pass_fail,
    parameters: &[
        Parameter {
            name: "dialect",
            doc: "`generic` (default), `ansi`, `bigquery`, `clickhouse`, `databricks`, `duckdb`, `hive`, `mssql`, `mysql`, `oracle`, \
                `postgresql`, `redshift`, `snowflake`, `spark`, `sqlite` or `teradata`; with a list, what some databases of the dialect run and others do not is refused: a `\\` before \
                a quote and a comment in a comment (`generic`), and `/*!` and `/*M!` (`generic`, `mysql`)",
        },
        Parameter {
            name: "tables",
            doc: "the tables that may be named, as written (`orders`, `public.orders`); names that `with` gives are free, \
                and so are functions that only make rows, such as `generate_series`; with a list, only SELECT, INSERT, UPDATE and DELETE pass, \
                and nothing that reads what a text names: functions that run a query or read a table (`query_to_xml`, `dblink`, \
                `ts_stat`, `crosstab`, `dictGet`, `joinGet`, `remote`, `openquery`, `openrowset`, `dbms_xmlgen`, `xmltype`, \
                `external_query`, `query_table`, `identifier` and their like), and, where a value stands, a file or another server \
                (`pg_read_file`, `lo_import`, `load_file`, `readfile`, `read_csv`, `httpuritype`, `reflect` and their like)",
        },
        Parameter {
            name: "columns",
            doc: "the columns that may be named, without their table, and the fields of columns, which are named beside their \
                column; `*` is none of them but in `count(*)`; parameters (`?`, `$1`, `:id`, `@id`) are free; a name that `as` gives is free where no column of a table can be meant: alone in the `order by` of its query, and around it behind the \
                name of the query or where no table is read; with a list, the same is refused as with `tables`",
        },
        Parameter {
            name: "within",
            doc: "`true`: where the whole is not SQL, the first Markdown code block marked `sql`, or else the first one, will do; \
                default false",
        },
    ],
    passes: Example::of(
        "dialect = \"postgresql\"\ntables = [\"orders\"]\nwithin = true",
        "Here:\n```sql\nselect count(*) from orders where total > 10;\n```",
    ),
    fails: Example::of("tables = [\"orders\"]", "select name from orders join users using (id)"),
    build,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    #[serde(default)]
    dialect: Option<String>,
    #[serde(default)]
    tables: Option<Vec<String>>,
    #[serde(default)]
    columns: Option<Vec<String>>,
    #[serde(default)]
    within: bool,
}

struct Sql {
    dialect: Dialect,
    tables: Option<Vec<String>>,
    columns: Option<Vec<String>>,
    within: bool,
}

fn build(spec: &AssertionSpec, _: &BuildContext<'_>) -> Result<Box<dyn Assertion>, Diagnostics> {
    let params: Params = spec.params.read("`sql`")?;
    let Some(dialect) = Dialect::named(params.dialect.as_deref()) else {
        let wanted = params.dialect.unwrap_or_default();
        let mistake = spec.params.mistake("dialect", format!("there is no dialect `{wanted}`"));
        return Err(mistake.help(did_you_mean(&wanted, Dialect::names())).into());
    };
    Ok(Box::new(Sql { dialect, tables: params.tables, columns: params.columns, within: params.within }))
}

impl Assertion for Sql {
    fn start(&self, trial: &Trial<'_>) -> Step {
        let text = trial.subject().text();
        let mut parsed = parse(self.dialect, &text);
        let mut found = Cow::Borrowed(&*text);
        // A long answer in words, too, has SQL only in its block.
        if let (Parsed::Wrong(_) | Parsed::Unread(_), true, Some(block)) = (&parsed, self.within, sql_block(&text)) {
            parsed = parse(self.dialect, &block);
            found = block;
        }
        let problem = match parsed {
            Parsed::Unread(why) => return Step::Done(Scored::unscored(why)),
            Parsed::Wrong(why) => Some(format!("it does not parse: {why}")),
            Parsed::Right(names) => self.problem(&names),
        };
        let note = problem.as_deref().map(excerpt);
        let evidence = Evidence { expected: Some(self.words()), found: Some(excerpt(&found)), note };
        Step::Done(Scored::decided(problem.is_none(), evidence))
    }
}

/// The first code block marked as SQL, or else the first one.
fn sql_block(text: &str) -> Option<Cow<'_, str>> {
    let marked = blocks(text).find(|(language, _)| language.eq_ignore_ascii_case("sql"));
    marked.or_else(|| blocks(text).next()).map(|(_, inside)| inside)
}

impl Sql {
    fn words(&self) -> String {
        let list = |what: &str, names: &Option<Vec<String>>| {
            names.as_ref().map_or_else(String::new, |names| format!(", {what}: {}", names.join(", ")))
        };
        excerpt(&format!(
            "SQL ({}){}{}",
            self.dialect.name(),
            list("tables", &self.tables),
            list("columns", &self.columns)
        ))
    }

    fn problem(&self, names: &Names) -> Option<String> {
        if self.tables.is_none() && self.columns.is_none() {
            return None;
        }
        if let Some(other) = &names.other {
            return Some(format!("`{other}` is not held against `tables` and `columns`"));
        }
        let not_allowed = |what: &str, named: Vec<&str>, allowed: &Option<Vec<String>>| {
            let is_allowed = |name: &str| allowed.iter().flatten().any(|allowed| allowed.eq_ignore_ascii_case(name));
            let others: Vec<&str> = named.into_iter().filter(|name| !is_allowed(name)).collect();
            (allowed.is_some() && !others.is_empty()).then(|| format!("{what} not allowed: {}", others.join(", ")))
        };
        let tables = not_allowed("tables", names.tables(), &self.tables);
        let columns = not_allowed("columns", names.columns(), &self.columns);
        let problems: Vec<String> = tables.into_iter().chain(columns).collect();
        (!problems.is_empty()).then(|| problems.join("; "))
    }
}
