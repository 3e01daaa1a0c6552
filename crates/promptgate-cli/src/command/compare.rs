//! `compare`: the numbers of a gate, without its policy; one baseline and any number of candidates.

use promptgate_core::exit::ExitCode;
use promptgate_core::record::Purpose;

use crate::args::CompareArgs;
use crate::error::Failure;
use crate::evaluate::{Intent, evaluate};
use crate::output::Output;
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
    };
    evaluate(&session, intent, &args.running, out)
}
