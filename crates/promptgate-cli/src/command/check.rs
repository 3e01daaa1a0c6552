//! `check`: suites, prompts, cases and recordings, without calling a model.

use std::path::PathBuf;

use promptgate_core::exit::ExitCode;
use promptgate_core::record::Purpose;
use promptgate_core::reference::Reference;
use promptgate_report::escape::terminal_line;

use crate::args::CheckArgs;
use crate::error::Failure;
use crate::evaluate::{Intent, look};
use crate::output::Output;
use crate::session::{Opened, Session};

pub fn run(args: &CheckArgs, out: &Output) -> Result<ExitCode, Failure> {
    let folders = folders(args, out)?;
    let mut worst = ExitCode::Done;
    for folder in &folders {
        match check(folder, out) {
            Ok(text) => {
                out.print(&text);
            }
            Err(failure) => {
                out.print(&format!("{}: not right\n", terminal_line(&folder.to_string_lossy())));
                out.complain(&failure);
                worst = worst.max(failure.code);
            }
        }
    }
    Ok(worst)
}

fn folders(args: &CheckArgs, out: &Output) -> Result<Vec<PathBuf>, Failure> {
    if !args.suites.is_empty() {
        return Ok(args.suites.clone());
    }
    let opened = Opened::here(out)?;
    let found: Vec<PathBuf> = opened.suites()?.iter().map(|suite| opened.root().join(suite.as_str())).collect();
    if found.is_empty() {
        return Err(Failure::new(ExitCode::NothingSelected, "there is no suite below `suites/`"));
    }
    Ok(found)
}

/// Every version is read; the candidate and the gate's baselines are held against every case and recording.
fn check(folder: &std::path::Path, out: &Output) -> Result<String, Failure> {
    let session = Session::of_folder(folder, out)?;
    for prompt in session.prompts()? {
        session.version(&Reference::File(prompt))?;
    }
    let policy = session.suite.gate.clone();
    let baselines = policy.as_ref().map(|policy| policy.baselines.clone()).unwrap_or_default();
    let purpose = if policy.is_some() { Purpose::Gate } else { Purpose::Run };
    let intent = Intent { purpose, candidates: vec![session.suite.candidate.clone()], baselines, policy };
    let seen = look(&session, intent, out)?;
    let mut text = format!("{}: {seen}\n", terminal_line(&session.suite_path));
    if session.suite.gate.is_none() {
        text.push_str("  note: there is no [gate], so `gate` has nothing to decide by\n");
    }
    Ok(text)
}
