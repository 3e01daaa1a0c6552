//! `compare`: the numbers of a gate, without its policy; one baseline and any number of candidates.

use promptgate_core::exit::ExitCode;
use promptgate_core::record::Purpose;

use crate::args::{CompareArgs, Words};
use crate::error::Failure;
use crate::evaluate::{Intent, evaluate};
use crate::output::{Failing, Output};
use crate::session::Session;

pub fn run(args: &CompareArgs, out: &Output) -> Result<ExitCode, Failure> {
    let session = Session::of_folder(&args.suite, out)?;
    let intent = Intent {
        purpose: Purpose::Compare,
        candidates: args.candidates.clone(),
        baselines: vec![args.baseline.clone()],
        policy: None,
        control: args.aa,
        loosened: Vec::new(),
        command: again(args, &session.suite_path),
    };
    evaluate(&session, intent, &args.running, Failing::Counts, out)
}

/// The same comparison again.
fn again(args: &CompareArgs, suite: &str) -> Vec<String> {
    let versions = std::iter::once(&args.baseline).chain(&args.candidates).map(ToString::to_string);
    let mut words = Words(std::iter::once("compare".to_owned()).chain(versions).collect());
    words.each("--suite", [suite]);
    words.0.extend(args.aa.then(|| "--aa".to_owned()));
    words.0.extend(args.running.words());
    words.0
}
