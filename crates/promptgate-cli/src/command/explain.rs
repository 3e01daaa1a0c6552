//! `explain`: how a stored gate came to its verdicts, number by number.

use promptgate_core::exit::ExitCode;
use promptgate_core::nearest::did_you_mean;
use promptgate_core::record::{Purpose, SettledRecord};
use promptgate_report::explanation as rendered;
use promptgate_scoring::fold::explanation;

use super::report::{finished, open};
use crate::args::ExplainArgs;
use crate::error::Failure;
use crate::output::Output;
use crate::session::Opened;

pub fn run(args: &ExplainArgs, out: &Output) -> Result<ExitCode, Failure> {
    let record = finished(open(&Opened::here(out)?.runs(), &args.run)?)?;
    let header = record.header();
    if header.purpose != Purpose::Gate {
        let why = format!("run {} is no gate, so there is no verdict to explain", header.volatile.run);
        return Err(Failure::usage(why).help("`promptgate list runs` says what each run was for"));
    }
    let found = explanation(&record, args.metric.as_deref())?;
    if let (true, Some(metric)) = (found.derivations.is_empty(), &args.metric) {
        return Err(unknown(metric, header));
    }
    let text = if args.json {
        let json = serde_json::to_string_pretty(&found).map_err(|error| Failure::usage(error.to_string()))?;
        format!("{json}\n")
    } else {
        rendered(&found)
    };
    Ok(out.print(&text))
}

fn unknown(metric: &str, header: &promptgate_core::record::RunHeader) -> Failure {
    use promptgate_core::gate::Subject;
    let checks = header.policy.iter().flat_map(|policy| &policy.checks);
    let names: std::collections::BTreeSet<&str> = checks
        .map(|check| match &check.subject {
            Subject::Metric { metric, .. } => metric.as_str(),
            Subject::Rule { rule, .. } => rule.name(),
        })
        .collect();
    Failure::usage(format!("no check of run {} is about `{metric}`", header.volatile.run))
        .help(did_you_mean(metric, names))
}
