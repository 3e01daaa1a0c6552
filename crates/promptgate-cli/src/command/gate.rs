//! `gate`: a verdict.

use promptgate_core::exit::ExitCode;
use promptgate_core::record::Purpose;

use promptgate_scoring::fold::can_judge;

use crate::args::GateArgs;
use crate::error::Failure;
use crate::evaluate::{Intent, evaluate};
use crate::output::Output;
use crate::session::Session;

pub fn run(args: &GateArgs, out: &Output) -> Result<ExitCode, Failure> {
    let session = Session::of_folder(&args.suite, out)?;
    let mut policy = session.suite.gate.clone().ok_or_else(|| {
        Failure::usage(format!("the suite `{}` has no `[gate]`, so there is nothing to decide by", session.suite.name))
            .help("add a `[gate]` with a `[[gate.check]]`, or look at the numbers with `promptgate compare`")
    })?;
    can_judge(&policy)?;
    if !args.baseline.is_empty() {
        policy.baselines = args.baseline.clone();
    }
    let intent = Intent {
        purpose: Purpose::Gate,
        candidates: vec![args.candidate.clone().unwrap_or_else(|| session.suite.candidate.clone())],
        baselines: policy.baselines.clone(),
        policy: Some(policy),
    };
    evaluate(&session, intent, &args.running, out)
}
