//! `sizes`: where the lines are. Large functions and files are the first place to look for a noun that hides.

use std::fs;
use std::path::{Path, PathBuf};

use crate::chore::{Outcome, command, output, root};

/// How many of the longest are listed.
const LISTED: usize = 10;

/// `cargo xtask sizes`.
pub fn run(_arguments: &[String]) -> Outcome {
    report().into()
}

fn report() -> Result<(), String> {
    let files = sources()?;
    for (name, lines) in by_crate(&files) {
        println!("{lines:>7} {name}");
    }
    println!("\nlongest functions");
    let mut functions: Vec<Function> = files.iter().flat_map(functions).collect();
    functions.sort_by_key(|function| std::cmp::Reverse(function.lines));
    for function in functions.iter().take(LISTED) {
        println!("{:>7} {} ({}:{})", function.lines, function.name, function.file, function.line);
    }
    println!("\nlargest files");
    let mut sizes: Vec<(usize, &str)> =
        files.iter().map(|file| (file.code.lines().count(), file.name.as_str())).collect();
    sizes.sort_by_key(|(lines, _)| std::cmp::Reverse(*lines));
    for (lines, name) in sizes.iter().take(LISTED) {
        println!("{lines:>7} {name}");
    }
    binary();
    Ok(())
}

struct Source {
    name: String,
    /// Without the unit tests at the end of the file.
    code: String,
}

struct Function {
    name: String,
    file: String,
    line: usize,
    lines: usize,
}

fn sources() -> Result<Vec<Source>, String> {
    let listing = output(command("git", &["ls-files", "*.rs"]))?;
    let names = listing.lines().filter(|name| !name.contains("/tests/"));
    names
        .map(|name| {
            let text = fs::read_to_string(root().join(name)).map_err(|error| format!("{name}: {error}"))?;
            let code = text.split("\n#[cfg(test)]").next().unwrap_or_default().to_owned();
            Ok(Source { name: name.to_owned(), code })
        })
        .collect()
}

fn by_crate(files: &[Source]) -> Vec<(String, usize)> {
    let mut sums = std::collections::BTreeMap::new();
    for file in files {
        let mut parts = file.name.split('/');
        let name = parts.next().filter(|head| *head != "crates").or_else(|| parts.next()).unwrap_or_default();
        *sums.entry(name.to_owned()).or_default() += file.code.lines().count();
    }
    sums.into_iter().collect()
}

/// Functions by their indentation: rustfmt puts the closing brace under the `fn`.
fn functions(file: &Source) -> Vec<Function> {
    let lines: Vec<&str> = file.code.lines().collect();
    let mut found = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let trimmed = line.trim_start();
        let indent = line.len() - trimmed.len();
        let Some(name) = function_name(trimmed) else { continue };
        let closing = format!("{}}}", " ".repeat(indent));
        if let Some(length) = lines[start..].iter().position(|each| *each == closing) {
            found.push(Function { name: name.to_owned(), file: file.name.clone(), line: start + 1, lines: length + 1 });
        }
    }
    found
}

fn function_name(line: &str) -> Option<&str> {
    let words = ["pub(crate) ", "pub(super) ", "pub ", "const ", "async "];
    let line = words.iter().fold(line, |line, word| line.strip_prefix(word).unwrap_or(line));
    line.strip_prefix("fn ")?.split(['(', '<']).next()
}

fn binary() {
    for profile in ["debug", "release"] {
        let path: PathBuf = Path::new("target").join(profile).join("promptgate");
        if let Ok(metadata) = fs::metadata(root().join(&path)) {
            println!("\n{} is {:.1} MB", path.display(), metadata.len() as f64 / 1e6);
        }
    }
}
