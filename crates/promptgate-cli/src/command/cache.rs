//! `cache`: what is kept of earlier answers.

use std::path::Path;
use std::sync::Arc;

use promptgate_core::exit::ExitCode;
use promptgate_core::port::{Clock, PortError, PortErrorKind};
use promptgate_report::escape::terminal_line;
use promptgate_store::cache::{Access, Cache, Entry, Pruning, Stats};
use promptgate_store::{SystemClock, atomic};
use serde_json::json;

use crate::args::CacheCommand;
use crate::error::Failure;
use crate::output::Output;
use crate::session::Opened;

const OLDER: &str = "the cache is of an older promptgate, whose answers are asked for again; the next run empties it\n";

/// Shorter beginnings of digests fit too much.
const SHORTEST: usize = 6;

pub fn run(command: &CacheCommand, out: &Output) -> Result<ExitCode, Failure> {
    let opened = Opened::here(out)?;
    match carried_out(command, &opened, out) {
        Err(Trouble::Cache(error)) if takes_all(command) && error.kind == PortErrorKind::Corrupt => {
            Cache::discard(&opened.runs()).map_err(told)?;
            Ok(out.print(
                "what was there could not be read as a cache and was removed, the next run begins an empty one\n",
            ))
        }
        Err(Trouble::Cache(error)) => Err(told(error)),
        Err(Trouble::Other(failure)) => Err(failure),
        Ok(code) => Ok(code),
    }
}

/// Why a command ends: a file that is not as it should be, or anything else.
enum Trouble {
    Cache(PortError),
    Other(Failure),
}

impl From<PortError> for Trouble {
    fn from(error: PortError) -> Self {
        Self::Cache(error)
    }
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        Self::Other(failure)
    }
}

/// A file that cannot be opened is no bug of ours.
fn told(error: PortError) -> Failure {
    match error.kind {
        PortErrorKind::Other => Failure::usage(error.to_string()),
        _ => error.into(),
    }
}

fn takes_all(command: &CacheCommand) -> bool {
    matches!(command, CacheCommand::Prune { all: true, .. })
}

fn carried_out(command: &CacheCommand, opened: &Opened, out: &Output) -> Result<ExitCode, Trouble> {
    let access = if matches!(command, CacheCommand::Prune { .. }) { Access::ReadWrite } else { Access::ReadOnly };
    let Some(cache) = Cache::open(&opened.runs(), access, Arc::new(SystemClock), out.scrubber.clone())? else {
        let older = Cache::is_there(&opened.runs());
        return Ok(out.print(if older { OLDER } else { "no answer is kept yet\n" }));
    };
    match command {
        CacheCommand::Stats => Ok(out.print(&stats(&cache, &cache.stats()?))),
        CacheCommand::Explain { request } => explain(&cache, request, out),
        CacheCommand::Prune { older_than, keep, all } => {
            if older_than.is_none() && keep.is_none() && !all {
                let nothing = Failure::usage("nothing was said to be taken out");
                return Err(nothing.help("--older-than 30d, --keep 1000, or --all").into());
            }
            let before = |age: &std::time::Duration| {
                SystemClock.now_ms().saturating_sub(u64::try_from(age.as_millis()).unwrap_or(u64::MAX))
            };
            let pruning =
                Pruning { before_ms: older_than.as_ref().map(before), keep: if *all { Some(0) } else { *keep } };
            let gone = cache.prune(&pruning)?;
            Ok(out.print(&format!("{gone} answers were taken out, {} are left\n", cache.stats()?.answers)))
        }
        CacheCommand::Export { file } => export(&cache, file.as_deref(), out),
    }
}

fn stats(cache: &Cache, stats: &Stats) -> String {
    let day = |ms: u64| SystemClock::text_of(ms);
    let mut text = format!("{}\n", terminal_line(&cache.path().display().to_string()));
    text.push_str(&format!("  answers   {}\n  size      {:.1} MB\n", stats.answers, stats.bytes as f64 / 1e6));
    if let Some((oldest, newest)) = stats.kept_ms {
        text.push_str(&format!("  kept      from {} to {}\n", day(oldest), day(newest)));
    }
    text.push_str(&format!("  damaged   {} set aside\n  file      {}\n", stats.damaged, terminal_line(&stats.health)));
    for (source, count) in &stats.sources {
        text.push_str(&format!("  {count:>7}   from {}\n", terminal_line(source)));
    }
    text
}

fn explain(cache: &Cache, request: &str, out: &Output) -> Result<ExitCode, Trouble> {
    let wanted = request.strip_prefix("sha256:").unwrap_or(request).to_lowercase();
    if wanted.len() < SHORTEST || !wanted.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(Failure::usage(format!("`{request}` is not the digest of a request"))
            .help("give at least 6 of its hexadecimal characters; `promptgate prompt render --json` shows it")
            .into());
    }
    let mut found: Vec<Entry> = Vec::new();
    cache.entries(|entry| {
        if entry.key.request.hex().starts_with(&wanted) {
            found.push(entry);
        }
    })?;
    if found.is_empty() {
        return Ok(out.print(&format!(
            "no answer to {wanted} is kept: any change of messages, tools, provider, model or parameters is another request\n"
        )));
    }
    let line = |entry: &Entry| {
        // Before it is cut: half a key is found no more.
        let shown: String = out.scrubber.scrub(&entry.response.output).chars().take(60).collect();
        let case = entry.key.case.as_ref().map(|case| format!("  case {}", terminal_line(case.as_str())));
        format!(
            "{}  repeat {}{}  {}  {}  {}\n",
            entry.key.request.short(),
            entry.key.repeat,
            case.unwrap_or_default(),
            SystemClock::text_of(entry.kept_ms),
            terminal_line(&entry.key.source),
            terminal_line(&shown)
        )
    };
    Ok(out.print(&found.iter().map(line).collect::<String>()))
}

fn export(cache: &Cache, file: Option<&Path>, out: &Output) -> Result<ExitCode, Trouble> {
    let mut lines = String::new();
    cache.entries(|entry| {
        let line = json!({"request_digest": entry.key.request, "repeat": entry.key.repeat, "case": entry.key.case,
            "source": entry.key.source, "kept_ms": entry.kept_ms, "response": entry.response});
        lines.push_str(&format!("{line}\n"));
    })?;
    let Some(file) = file else { return Ok(out.print(&lines)) };
    let written = atomic::write(file, out.scrubber.scrub(&lines).as_bytes());
    written.map_err(|error| Failure::new(ExitCode::OutputNotWritten, error.to_string()))?;
    Ok(ExitCode::Done)
}
