//! `run`: answers and scores.

use promptgate_core::exit::ExitCode;
use promptgate_core::record::Purpose;

use crate::args::{RunArgs, Words};
use crate::error::Failure;
use crate::evaluate::{Intent, evaluate};
use crate::output::{Failing, Output};
use crate::session::Session;

pub fn run(args: &RunArgs, out: &Output) -> Result<ExitCode, Failure> {
    let session = Session::of_folder(&args.suite, out)?;
    let mut candidates = args.candidate.clone();
    if candidates.is_empty() {
        candidates.push(session.suite.candidate.clone());
    }
    let mut command = Words(vec!["run".to_owned(), session.suite_path.clone()]);
    command.each("--candidate", &candidates);
    command.0.extend(args.running.words());
    command.0.extend(args.no_fail.then(|| "--no-fail".to_owned()));
    let intent = Intent {
        purpose: Purpose::Run,
        command: command.0,
        candidates,
        baselines: Vec::new(),
        policy: None,
        control: false,
        loosened: Vec::new(),
    };
    evaluate(&session, intent, &args.running, Failing::of(args.no_fail), out)
}
