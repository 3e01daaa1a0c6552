//! `tidy`: the house is as ARCHITECTURE.md says it is.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};

use crate::chore::{Outcome, command, output, root};
use crate::ci::TEST_COMMAND;

/// Dependencies that one crate alone may use, and which.
const CONTAINED: &[(&str, &str)] = &[
    ("clap", "promptgate-cli"),
    ("async-openai", "promptgate-provider"),
    ("indicatif", "promptgate-report"),
    ("statrs", "promptgate-scoring"),
    ("rayon", "promptgate-scoring"),
];

/// `cargo xtask tidy`.
pub fn run(_arguments: &[String]) -> Outcome {
    check().into()
}

/// Every rule; all that is found, at once.
pub fn check() -> Result<(), String> {
    let metadata = MetadataCommand::new().current_dir(root()).exec().map_err(|error| error.to_string())?;
    let architecture = read("ARCHITECTURE.md")?;
    let mut problems = Vec::new();
    problems.extend(arrows(&metadata, &architecture));
    problems.extend(contained(&metadata));
    problems.extend(named_paths(&architecture));
    problems.extend(readme_test_command());
    problems.extend(private_traces()?);
    problems.extend(crate::reference::check().err());
    if problems.is_empty() { Ok(()) } else { Err(problems.join("\n")) }
}

/// The two commands of the README: the first lines of its first two code blocks.
pub fn readme_commands() -> Result<(String, String), String> {
    let text = read("README.md")?;
    let mut blocks = text.split("\n```").skip(1).step_by(2);
    let mut next = || {
        let block = blocks.next()?;
        block.lines().skip(1).find(|line| !line.is_empty()).map(|line| line.trim_start_matches("$ ").to_owned())
    };
    match (next(), next()) {
        (Some(first), Some(second)) => Ok((first, second)),
        _ => Err("README.md has fewer than two code blocks".to_owned()),
    }
}

fn read(name: &str) -> Result<String, String> {
    fs::read_to_string(root().join(name)).map_err(|error| format!("{name}: {error}"))
}

/// The arrows between our crates equal the table in ARCHITECTURE.md.
fn arrows(metadata: &Metadata, architecture: &str) -> Vec<String> {
    let real = real_arrows(metadata);
    let written = written_arrows(architecture);
    let names: BTreeSet<&String> = real.keys().chain(written.keys()).collect();
    let none = BTreeSet::new();
    let mut problems = Vec::new();
    for name in names {
        let (real, written) = (real.get(name).unwrap_or(&none), written.get(name).unwrap_or(&none));
        for arrow in real.difference(written) {
            problems.push(format!("{name} -> {arrow} is not in the table of ARCHITECTURE.md"));
        }
        for arrow in written.difference(real) {
            problems.push(format!("ARCHITECTURE.md has {name} -> {arrow}, the manifest does not"));
        }
    }
    problems
}

type Arrows = BTreeMap<String, BTreeSet<String>>;

fn real_arrows(metadata: &Metadata) -> Arrows {
    let ours = |name: &str| name.starts_with("promptgate-") || name == "xtask";
    let packages = metadata.workspace_packages();
    let arrows = packages.iter().map(|package| {
        let normal = package.dependencies.iter().filter(|each| each.kind == DependencyKind::Normal);
        (package.name.to_string(), normal.map(|each| each.name.clone()).filter(|name| ours(name)).collect())
    });
    arrows.collect()
}

/// Rows such as ``| `promptgate-store` | core | ... |``: the crate, the crates it leans on (`-` for none), the rest.
fn written_arrows(architecture: &str) -> Arrows {
    let rows = architecture.lines().filter_map(|line| {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let name = cells.get(1)?.strip_prefix('`')?.strip_suffix('`')?;
        let is_crate = name.starts_with("promptgate-") || name == "xtask";
        let leans_on = cells.get(2).filter(|_| is_crate && cells.len() >= 5)?;
        let targets = leans_on.split(',').map(str::trim).filter(|target| !matches!(*target, "-" | ""));
        Some((name.to_owned(), targets.map(|target| format!("promptgate-{target}")).collect()))
    });
    rows.collect()
}

fn contained(metadata: &Metadata) -> Vec<String> {
    let mut problems = Vec::new();
    for package in metadata.workspace_packages() {
        for (dependency, owner) in CONTAINED {
            let uses = package.dependencies.iter().any(|each| each.name == *dependency);
            if uses && package.name.as_str() != *owner {
                problems.push(format!("{} uses {dependency}, which only {owner} may", package.name));
            }
        }
    }
    problems
}

/// Every path named in ARCHITECTURE.md between backticks exists; `<kind>` stands for any name.
fn named_paths(architecture: &str) -> Vec<String> {
    let tops = ["crates/", "suites/", "fixtures/", "reports/", "xtask/", ".ci/"];
    let quoted = architecture.split('`').skip(1).step_by(2);
    let paths = quoted.filter(|text| tops.iter().any(|top| text.starts_with(top)) && !text.contains(['\n', ' ']));
    let missing = paths.filter(|path| {
        let fixed = path.split(['<', '{', '*']).next().unwrap_or(path);
        let fixed =
            if fixed.len() == path.len() { fixed } else { fixed.rsplit_once('/').map_or("", |(folder, _)| folder) };
        !root().join(fixed).exists()
    });
    missing.map(|path| format!("ARCHITECTURE.md names `{path}`, which does not exist")).collect()
}

fn readme_test_command() -> Option<String> {
    let wanted = TEST_COMMAND.join(" ");
    match readme_commands() {
        Ok((_, second)) if second == wanted => None,
        Ok((_, second)) => Some(format!("the README's second command is `{second}`, CI runs `{wanted}`")),
        Err(why) => Some(why),
    }
}

/// No committed text holds a path of somebody's machine.
fn private_traces() -> Result<Vec<String>, String> {
    let pattern = "(^|[^A-Za-z0-9_.])/(work|farm|root|home|Users)/[A-Za-z.]";
    let mut search = command(
        "git",
        &["grep", "-nIE", pattern, "--", ".", ":!Cargo.lock", ":!suites/*/recordings", ":!suites/*/*.jsonl"],
    );
    let found = search.output().map_err(|error| error.to_string())?;
    let lines = String::from_utf8_lossy(&found.stdout).into_owned();
    let ours = lines.lines().filter(|line| !line.starts_with("xtask/src/tidy.rs:"));
    let traces: Vec<String> = ours.map(|line| format!("a path of a machine: {line}")).collect();
    // An unreadable repository must not pass for a clean one.
    output(command("git", &["rev-parse", "HEAD"])).map(|_| traces)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_house_is_as_its_documents_say() {
        if let Err(problems) = check() {
            panic!("{problems}");
        }
    }

    #[test]
    fn a_table_row_is_read_as_arrows() {
        let table = "| crate | leans on | knows |\n|---|---|---|\n| `promptgate-runner` | core, scoring | tokio |\n| `promptgate-core` | - | words |\n";
        let arrows = written_arrows(table);
        assert_eq!(arrows["promptgate-runner"].len(), 2);
        assert!(arrows["promptgate-core"].is_empty());
    }
}
