//! `score`: what a stored run answered, graded by the suite as it is now. The model is not called; judges are.

use std::collections::HashMap;

use promptgate_core::exit::ExitCode;
use promptgate_core::name::CaseId;
use promptgate_core::record::{Purpose, SettledRecord, SettledTrial};
use promptgate_core::reference::Reference;
use promptgate_core::report::words::counted;
use promptgate_core::score::Outcome;
use promptgate_report::escape::terminal_line;
use promptgate_store::run::StoredRun;

use super::report;
use crate::args::{Running, ScoreArgs, Words};
use crate::error::Failure;
use crate::evaluate::{Answered, Intent, answer, fold};
use crate::output::{self, Failing, Output};
use crate::session::{Opened, Session};

/// Changed trials that are named.
const NAMED: usize = 5;

pub fn run(args: &ScoreArgs, out: &Output) -> Result<ExitCode, Failure> {
    let sinks = output::sinks(&args.reports.reports)?;
    let opened = Opened::here(out)?;
    let before = report::finished(report::open(&opened.runs(), &args.run)?)?;
    let header = before.header();
    let folder = args.suite.clone().unwrap_or_else(|| opened.root().join(&header.suite_path));
    let session = Session::of_folder(&folder, out)?;
    if session.suite.name != header.suite {
        let why = format!("run {} is one of `{}`, not of `{}`", header.volatile.run, header.suite, session.suite.name);
        return Err(Failure::usage(why).help("`promptgate list runs` says what each run was for"));
    }
    let intent = Intent {
        purpose: Purpose::Run,
        candidates: vec![Reference::Run(header.volatile.run.to_string())],
        baselines: Vec::new(),
        policy: None,
        control: false,
        loosened: Vec::new(),
        command: again(args, header.volatile.run.as_str()),
    };
    let models = header.models.iter().map(|model| model.id.to_string()).collect();
    let running = Running {
        model: models,
        trials: Some(header.trials),
        filter: header.filter.clone().into_iter().collect(),
        no_run: args.no_run,
        allow_exec: args.allow_exec,
        max_cost: args.max_cost,
        yes: args.yes,
        graded: Some((args.run.clone(), header.volatile.run.to_string())),
        ..Running::default()
    };
    let after = match answer(&session, intent, &running, out)? {
        Answered::Record(record) => *record,
        Answered::Not(code) => return Ok(code),
    };
    out.say(&changes(&before, &after)?);
    Ok(output::write(&sinks, &fold(&after)?, &after, Failing::of(args.no_fail), out))
}

/// The same once more, for the run by its id: `latest` is another one by then.
fn again(args: &ScoreArgs, run: &str) -> Vec<String> {
    let mut words = Words(vec!["score".to_owned(), run.to_owned()]);
    words.each("--suite", args.suite.iter().map(|folder| folder.to_string_lossy()));
    words.each("--max-cost", args.max_cost);
    let set = [("--no-run", args.no_run), ("--allow-exec", args.allow_exec), ("--no-fail", args.no_fail)];
    words.0.extend(set.into_iter().filter(|(_, is_set)| *is_set).map(|(flag, _)| flag.to_owned()));
    words.0
}

/// Which trial: case, model, repeat.
type Key = (CaseId, String, u32);

fn key(record: &StoredRun, trial: &SettledTrial) -> Key {
    let model = record.header().models.get(trial.model).map(|model| model.id.to_string());
    (trial.case.id.clone(), model.unwrap_or_default(), trial.repeat)
}

/// What the grading changed, in one line, with the first trials of it.
fn changes(before: &StoredRun, after: &StoredRun) -> Result<String, Failure> {
    let mut old: HashMap<Key, Outcome> = HashMap::new();
    for trial in before.trials() {
        let trial = trial?;
        if trial.version == 0 {
            old.insert(key(before, &trial), trial.outcome);
        }
    }
    let (mut trials, mut changed, mut named) = (0, 0, Vec::new());
    for trial in after.trials() {
        let trial = trial?;
        trials += 1;
        let key = key(after, &trial);
        if let Some(was) = old.get(&key).filter(|was| **was != trial.outcome) {
            changed += 1;
            if named.len() < NAMED {
                named.push(format!("{} ({} -> {})", terminal_line(key.0.as_str()), word(*was), word(trial.outcome)));
            }
        }
    }
    let run = &before.header().volatile.run;
    let told = format!("run {run} graded anew: {changed} of {} changed", counted(trials, "trial", "trials"));
    let more = if changed as usize > named.len() { ", ..." } else { "" };
    Ok(match named.is_empty() {
        true => told,
        false => format!("{told}: {}{more}", named.join(", ")),
    })
}

fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Passed => "passed",
        Outcome::Failed => "failed",
        Outcome::Errored => "errored",
        Outcome::Skipped => "skipped",
    }
}
