//! `report`: a stored run rendered again, or the parts of a partitioned one joined.

use promptgate_core::exit::ExitCode;
use promptgate_core::record::SettledRecord;
use promptgate_store::run::{MergeError, MergedRun, RunFolder, StoredRun};

use crate::args::ReportArgs;
use crate::error::Failure;
use crate::evaluate::fold;
use crate::output::{self, Failing, Output};
use crate::session::Opened;

pub fn run(args: &ReportArgs, out: &Output) -> Result<ExitCode, Failure> {
    let sinks = output::sinks(&args.reports.reports)?;
    let opened = Opened::here(out)?;
    let folder = opened.runs();
    let record: Box<dyn SettledRecord> = match args.merge.as_slice() {
        [] => Box::new(finished(open(&folder, &args.run)?)?),
        parts => Box::new(merged(&folder, parts)?),
    };
    let report = fold(record.as_ref())?;
    Ok(output::write(&sinks, &report, record.as_ref(), Failing::of(args.no_fail), out))
}

pub(super) fn open(folder: &RunFolder, wanted: &str) -> Result<StoredRun, Failure> {
    Ok(folder.open(wanted)?)
}

/// A run that did not come to its end has no report: what is missing would be read as absent.
pub(super) fn finished(run: StoredRun) -> Result<StoredRun, Failure> {
    if run.is_finished() {
        return Ok(run);
    }
    let header = run.header();
    let why = format!("run {} is not finished: {} trials are settled", header.volatile.run, run.settled());
    let help = match header.grades() {
        Some(graded) => format!("grade again with: promptgate score {graded}"),
        None => "go on with it: repeat its command with --resume".to_owned(),
    };
    Err(Failure::new(ExitCode::Incomplete, why).help(help))
}

fn merged(folder: &RunFolder, parts: &[String]) -> Result<MergedRun, Failure> {
    let runs = parts.iter().map(|part| open(folder, part)).collect::<Result<Vec<_>, _>>()?;
    MergedRun::merge(runs).map_err(|error| {
        let code = match error {
            MergeError::Nothing => ExitCode::Usage,
            _ => ExitCode::Invalid,
        };
        Failure::new(code, format!("INVALID, shard_missing: {error}"))
    })
}
