//! `check`: suites, prompts, cases and recordings, without calling a model.

use std::path::PathBuf;

use promptgate_core::exit::ExitCode;
use promptgate_core::propose::{Facts, propose};
use promptgate_core::record::Purpose;
use promptgate_core::reference::Reference;
use promptgate_report::escape::terminal_line;

use crate::args::{CheckArgs, Running};
use crate::error::Failure;
use crate::evaluate::{Intent, Outlook, look};
use crate::output::Output;
use crate::session::{Opened, Session};

pub fn run(args: &CheckArgs, out: &Output) -> Result<ExitCode, Failure> {
    let mut worst = ExitCode::Done;
    for (name, session) in sessions(args, out)? {
        match session.and_then(|session| check(&session, out)) {
            Ok(text) => {
                out.print(&text);
            }
            Err(failure) => {
                out.print(&format!("{}: not right\n", terminal_line(&name)));
                out.complain(&failure);
                worst = worst.max(failure.code);
            }
        }
    }
    Ok(worst)
}

/// A suite as a user names it, if it can be read.
type Named = (String, Result<Session, Failure>);

/// The suites by the names a user knows them by; one that cannot be read does not keep the others from being checked.
fn sessions(args: &CheckArgs, out: &Output) -> Result<Vec<Named>, Failure> {
    if !args.suites.is_empty() {
        let named = |path: &PathBuf| (path.to_string_lossy().into_owned(), Session::of_folder(path, out));
        return Ok(args.suites.iter().map(named).collect());
    }
    let opened = Opened::here(out)?;
    let folders = opened.suites()?;
    if folders.is_empty() {
        return Err(Failure::new(ExitCode::NothingSelected, "there is no suite below `suites/`"));
    }
    Ok(folders.iter().map(|folder| (folder.to_string(), Session::open(opened.clone(), folder, out))).collect())
}

/// Every version is read; the candidate and the gate's baselines are held against every case and recording.
fn check(session: &Session, out: &Output) -> Result<String, Failure> {
    for prompt in session.prompts()? {
        session.version(&Reference::File(prompt))?;
    }
    let policy = session.suite.gate.clone();
    let baselines = policy.as_ref().map(|policy| policy.baselines.clone()).unwrap_or_default();
    let purpose = if policy.is_some() { Purpose::Gate } else { Purpose::Run };
    let intent = Intent {
        purpose,
        candidates: vec![session.suite.candidate.clone()],
        baselines,
        policy,
        control: false,
        loosened: Vec::new(),
        command: Vec::new(),
    };
    let seen = look(session, intent, &Running::default(), out)?;
    let mut text = format!("{}: {}\n", terminal_line(&session.suite_path), seen.line());
    if session.suite.gate.is_none() {
        text.push_str(&proposal(session, &seen));
    }
    Ok(text)
}

/// A gate for a suite that has none, indented, ready to be pasted.
fn proposal(session: &Session, seen: &Outlook) -> String {
    let prepared = &seen.assembly.prepared;
    let proposal = propose(&Facts {
        cases: prepared.plan.cases.len() as u64,
        trials: session.suite.trials,
        baseline: session.usual_baseline(),
        candidate: session.suite.candidate.clone(),
        metrics: prepared.metrics.iter().map(|metric| metric.name.clone()).collect(),
    });
    let mut text = String::from("  note: there is no [gate], so `gate` has nothing to decide by; one that fits:\n");
    if let Some(line) = proposal.trials_line() {
        let place = if session.suite.places.contains_key("trials") {
            format!("in suite.toml, in place of `trials = {}`", session.suite.trials)
        } else {
            "at the top of suite.toml, above its first table".to_owned()
        };
        text.push_str(&format!("\n  {place}:\n\n{}", indented(&line)));
    }
    text.push_str(&format!("\n  at the end of suite.toml:\n\n{}\n", indented(&proposal.to_toml())));
    text
}

fn indented(text: &str) -> String {
    let line = |line: &str| if line.is_empty() { "\n".to_owned() } else { format!("    {}\n", terminal_line(line)) };
    text.lines().map(line).collect()
}
