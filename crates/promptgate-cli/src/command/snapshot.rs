//! `snapshot accept`: what a run answered becomes what the suite accepts.

use std::collections::BTreeMap;

use promptgate_core::exit::ExitCode;
use promptgate_core::format::accepted::{AcceptedOutputs, parse, to_json_line};
use promptgate_core::format::prompt::from_sources;
use promptgate_core::name::CaseId;
use promptgate_core::port::TreeError;
use promptgate_core::record::SettledRecord;
use promptgate_core::report::words::counted;
use promptgate_report::escape::terminal_line;
use promptgate_scoring::accepting::{Acceptance, lacking};
use promptgate_store::atomic;
use promptgate_store::run::StoredRun;
use serde_json::Value;

use crate::args::AcceptArgs;
use crate::error::Failure;
use crate::output::Output;
use crate::session::Session;

/// What is to be accepted: by file, then by case, in the order of the run.
type Lacking = BTreeMap<String, Vec<AcceptedOutputs>>;

pub fn accept(args: &AcceptArgs, out: &Output) -> Result<ExitCode, Failure> {
    let session = Session::of_folder(&args.suite, out)?;
    let run = run_of(&session, args.run.as_deref())?;
    let found = what_it_lacks(&session, &run, &args.case)?;
    if found.is_empty() {
        let run = &run.header().volatile.run;
        let why = format!("in run {run} no snapshot of the suite failed or had nothing accepted, on these cases");
        return Err(Failure::new(ExitCode::NothingSelected, why)
            .help("a run answers first: `promptgate run SUITE`; then its outputs can be accepted"));
    }
    let lines: Result<String, Failure> =
        found.into_iter().map(|(file, new)| write(&session, &file, new, args.replace)).collect();
    Ok(out.print(&lines?))
}

/// The run that was named, or the last one of this suite.
fn run_of(session: &Session, wanted: Option<&str>) -> Result<StoredRun, Failure> {
    let runs = session.runs();
    let name = &session.suite.name;
    let Some(wanted) = wanted else {
        let entries = runs.list()?;
        let last = entries.iter().find(|entry| entry.header().is_some_and(|header| header.suite == *name));
        let none = || Failure::usage(format!("no run of `{name}` is stored")).help("`promptgate run SUITE` makes one");
        return Ok(runs.open(last.ok_or_else(none)?.id.as_str())?);
    };
    let run = runs.open(wanted)?;
    if run.header().suite != *name {
        let why = format!("run {} is one of `{}`, not of `{name}`", run.header().volatile.run, run.header().suite);
        return Err(Failure::usage(why).help("`promptgate list runs` says what each run was for"));
    }
    Ok(run)
}

fn what_it_lacks(session: &Session, run: &StoredRun, cases: &[CaseId]) -> Result<Lacking, Failure> {
    let versions = run.header().versions.iter();
    let versions = versions.map(|version| from_sources(&version.identity.prompt, &version.files));
    let versions = versions.collect::<Result<Vec<_>, _>>()?;
    let mut found = Lacking::new();
    for trial in run.trials() {
        let trial = trial?;
        if !(cases.is_empty() || cases.contains(&trial.case.id)) {
            continue;
        }
        let answer = versions.get(trial.version).and_then(|version| version.front.answer.as_ref());
        for Acceptance { file, output } in lacking(&session.suite.asserts, answer, &trial)? {
            add(found.entry(file).or_default(), &trial.case.id, output);
        }
    }
    Ok(found)
}

fn add(lines: &mut Vec<AcceptedOutputs>, case: &CaseId, output: Value) {
    match lines.iter_mut().find(|line| line.case == *case) {
        Some(line) if line.accepted.contains(&output) => {}
        Some(line) => line.accepted.push(output),
        None => lines.push(AcceptedOutputs { case: case.clone(), accepted: vec![output] }),
    }
}

/// Writes a file with what is new in it, and says so.
fn write(session: &Session, file: &str, new: Vec<AcceptedOutputs>, replace: bool) -> Result<String, Failure> {
    let path = session.folder().join(file)?;
    let mut lines = match promptgate_core::port::Tree::read_text(&**session.tree(), &path) {
        Ok(text) => parse(&text, path.as_str())?,
        Err(TreeError::Missing { .. }) => Vec::new(),
        Err(error) => return Err(error.into()),
    };
    let outputs: usize = new.iter().map(|line| line.accepted.len()).sum();
    let cases = new.len();
    if replace {
        lines.retain(|old| new.iter().all(|line| line.case != old.case));
    }
    for line in new {
        line.accepted.into_iter().for_each(|output| add(&mut lines, &line.case, output));
    }
    let text: String = lines.iter().map(|line| format!("{}\n", to_json_line(line))).collect();
    let written = atomic::write(&session.root().join(path.as_str()), text.as_bytes());
    written.map_err(|error| Failure::new(ExitCode::OutputNotWritten, error.to_string()))?;
    Ok(format!(
        "{}: {} of {} accepted\n",
        terminal_line(path.as_str()),
        counted(outputs as u64, "output", "outputs"),
        counted(cases as u64, "case", "cases")
    ))
}
