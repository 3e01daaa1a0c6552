//! `list`: suites, stored runs, and the kinds that suites can use.

use promptgate_core::exit::ExitCode;
use promptgate_core::nearest::did_you_mean;
use promptgate_report::FORMATS;
use promptgate_report::escape::terminal_line;
use promptgate_scoring::assertion::{AssertionKind, Example, Parameter};
use promptgate_scoring::extract::ExtractExample;
use promptgate_scoring::{assertion, extract};
use promptgate_store::run::RunState;

use crate::args::{ListArgs, Listing};
use crate::error::Failure;
use crate::output::Output;
use crate::session::{Opened, Session};

pub fn run(args: &ListArgs, out: &Output) -> Result<ExitCode, Failure> {
    let text = match (args.what, args.kind.as_deref()) {
        (Listing::Assertions, Some(kind)) => assertion_page(kind)?,
        (Listing::Extractors, Some(kind)) => extractor_page(kind)?,
        (_, Some(kind)) => {
            return Err(Failure::usage(format!("only assertions and extractors have pages, not `{kind}`")));
        }
        (Listing::Suites, None) => suites(out)?,
        (Listing::Runs, None) => runs(out)?,
        (Listing::Assertions, None) => assertions(),
        (Listing::Instructions, None) => columns(assertion::instructions().map(|entry| (entry.id, entry.summary))),
        (Listing::Extractors, None) => {
            columns(extract::registry::EXTRACTORS.iter().map(|kind| (kind.name, kind.summary)))
        }
        (Listing::Providers, None) => columns(promptgate_provider::kinds().map(|kind| (kind.name, kind.summary))),
        (Listing::Reports, None) => columns(FORMATS.iter().map(|format| (format.name, format.summary))),
        (Listing::ExitCodes, None) => exit_codes(),
    };
    Ok(out.print(&text))
}

/// The assertions, group by group.
fn assertions() -> String {
    let width = assertion::registry::KINDS.iter().map(|kind| kind.name.len()).max().unwrap_or(0);
    let mut text = String::new();
    let mut groups = assertion::registry::GROUPS.iter().peekable();
    for kind in assertion::registry::KINDS {
        if let Some((title, _)) = groups.next_if(|(_, first)| *first == kind.name) {
            let gap = if text.is_empty() { "" } else { "\n" };
            text.push_str(&format!("{gap}{title}\n"));
        }
        text.push_str(&format!("  {:<width$}  {}\n", kind.name, kind.summary));
    }
    text
}

/// Names under each other, what they mean beside them.
fn columns<'a>(rows: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let rows: Vec<(&str, &str)> = rows.collect();
    let width = rows.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
    rows.iter().map(|(name, meaning)| format!("{name:<width$}  {meaning}\n")).collect()
}

fn exit_codes() -> String {
    ExitCode::ALL.iter().map(|(_, number, meaning)| format!("{number:>3}  {meaning}\n")).collect()
}

fn suites(out: &Output) -> Result<String, Failure> {
    let opened = Opened::here(out)?;
    let folders = opened.suites()?;
    if folders.is_empty() {
        return Err(Failure::new(ExitCode::NothingSelected, "there is no suite below `suites/`")
            .help("a suite is a folder with a `suite.toml`: suites/<name>/suite.toml"));
    }
    folders.iter().map(|folder| suite_block(&Session::open(opened.clone(), folder, out)?)).collect()
}

fn suite_block(session: &Session) -> Result<String, Failure> {
    let versions: Vec<String> = session.prompts()?.iter().map(ToString::to_string).collect();
    let models: Vec<String> = session.suite.models.iter().map(|model| model.id.to_string()).collect();
    let mut text = format!("{}\n  versions: {}\n", session.suite_path, versions.join(", "));
    if !models.is_empty() {
        text.push_str(&format!("  models: {}\n", models.join(", ")));
    }
    if let Some(note) = &session.suite.note {
        text.push_str(&format!("  note: {}\n", terminal_line(note)));
    }
    Ok(text)
}

fn runs(out: &Output) -> Result<String, Failure> {
    let opened = Opened::here(out)?;
    let entries = opened.runs().list().map_err(|error| Failure::usage(error.to_string()))?;
    if entries.is_empty() {
        return Ok("no run is stored yet\n".to_owned());
    }
    let line = |entry: &promptgate_store::run::RunEntry| match &entry.state {
        RunState::Unreadable(error) => format!("{}  unreadable: {}\n", entry.id, terminal_line(&error.to_string())),
        RunState::Finished(header) => format!("{}  {}  {}\n", entry.id, header.volatile.started, what(header)),
        RunState::Open(header) => {
            format!("{}  {}  {} (not finished)\n", entry.id, header.volatile.started, what(header))
        }
    };
    Ok(entries.iter().map(line).collect())
}

fn what(header: &promptgate_core::record::RunHeader) -> String {
    use promptgate_core::record::Purpose;
    let verb = match header.purpose {
        Purpose::Run => "run",
        Purpose::Compare => "compare",
        Purpose::Gate => "gate",
    };
    let versions: Vec<_> = header.versions.iter().map(|version| terminal_line(&version.reference)).collect();
    format!("{verb} {}: {}", terminal_line(&header.suite_path), versions.join(" against "))
}

fn assertion_page(name: &str) -> Result<String, Failure> {
    let kinds = assertion::registry::KINDS;
    let found: Option<&&AssertionKind> = kinds.iter().find(|kind| kind.name == name);
    let kind = found.ok_or_else(|| {
        let names = kinds.iter().map(|kind| kind.name);
        Failure::usage(format!("no assertion is called `{name}`")).help(did_you_mean(name, names))
    })?;
    let mut page = format!("{}: passes when {}\ncost: {}\n", kind.name, kind.summary, kind.cost.as_str());
    page.push_str(&parameters(kind.parameters));
    page.push_str(&example("passes", &kind.passes));
    page.push_str(&example("fails", &kind.fails));
    Ok(page)
}

fn extractor_page(name: &str) -> Result<String, Failure> {
    let kinds = extract::registry::EXTRACTORS;
    let kind = kinds.iter().find(|kind| kind.name == name).ok_or_else(|| {
        let names = kinds.iter().map(|kind| kind.name);
        Failure::usage(format!("no extractor is called `{name}`")).help(did_you_mean(name, names))
    })?;
    let mut page = format!("{}: takes {}\n{}", kind.name, kind.summary, parameters(kind.parameters));
    page.push_str(&extraction("finds", &kind.finds));
    page.push_str(&extraction("misses", &kind.misses));
    Ok(page)
}

fn parameters(parameters: &[Parameter]) -> String {
    if parameters.is_empty() {
        return "parameters: none\n".to_owned();
    }
    let rows = parameters.iter().map(|parameter| format!("  {:<12} {}\n", parameter.name, parameter.doc));
    format!("parameters:\n{}", rows.collect::<String>())
}

fn example(word: &str, example: &Example) -> String {
    let mut text = format!("\nexample that {word}:\n");
    for line in example.params.lines() {
        text.push_str(&format!("  {line}\n"));
    }
    let parts = [
        ("output", example.output),
        ("response", example.response),
        ("case", example.case),
        ("replies", example.replies),
    ];
    for (label, value) in parts {
        if !matches!(value, "" | "{}" | "[]") {
            text.push_str(&format!("  # {label}: {}\n", terminal_line(value)));
        }
    }
    text
}

fn extraction(word: &str, example: &ExtractExample) -> String {
    let taken = example.taken.unwrap_or("nothing");
    let output = terminal_line(example.output).into_owned();
    format!("\nexample that {word}:\n  {}\n  # output: {output}\n  # takes: {}\n", example.table, terminal_line(taken))
}
