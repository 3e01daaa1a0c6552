//! `gate`: a verdict.

use promptgate_core::exit::ExitCode;
use promptgate_core::gate::Sequential;
use promptgate_core::record::Purpose;
use promptgate_core::reference::Reference;

use crate::args::{GateArgs, StopEarly, Words};
use crate::error::Failure;
use crate::evaluate::{Intent, evaluate};
use crate::output::{Failing, Output};
use crate::session::Session;

pub fn run(args: &GateArgs, out: &Output) -> Result<ExitCode, Failure> {
    let session = Session::of_folder(&args.suite, out)?;
    let mut policy = session.suite.gate.clone().ok_or_else(|| {
        Failure::usage(format!("the suite `{}` has no `[gate]`, so there is nothing to decide by", session.suite.name))
            .help("add a `[gate]` with a `[[gate.check]]`, or look at the numbers with `promptgate compare`")
    })?;
    if !args.baseline.is_empty() {
        policy.baselines = args.baseline.clone();
    }
    let loosened = session.hold_to_main(&mut policy)?;
    if let Some(how) = args.stop_early {
        policy.sequential = Some(match how {
            StopEarly::Own => policy.sequential.unwrap_or(Sequential::Looks),
            StopEarly::Looks => Sequential::Looks,
            StopEarly::Anytime => Sequential::Anytime,
        });
    }
    let candidate = args.candidate.clone().unwrap_or_else(|| session.suite.candidate.clone());
    let intent = Intent {
        purpose: Purpose::Gate,
        command: again(args, &session.suite_path, &candidate, &policy.baselines),
        candidates: vec![candidate],
        baselines: policy.baselines.clone(),
        policy: Some(policy),
        control: args.aa,
        loosened,
    };
    evaluate(&session, intent, &args.running, Failing::Counts, out)
}

/// The same gate again: versions by name, whatever the suite says by then.
fn again(args: &GateArgs, suite: &str, candidate: &Reference, baselines: &[Reference]) -> Vec<String> {
    let mut words = Words(vec!["gate".to_owned(), suite.to_owned()]);
    words.each("--candidate", [candidate]);
    words.each("--baseline", baselines);
    let early = args.stop_early.map(|how| match how {
        StopEarly::Own => "--stop-early",
        StopEarly::Looks => "--stop-early=looks",
        StopEarly::Anytime => "--stop-early=anytime",
    });
    words.0.extend(early.into_iter().chain(args.aa.then_some("--aa")).map(str::to_owned));
    words.0.extend(args.running.words());
    words.0
}
