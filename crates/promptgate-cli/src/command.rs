//! One file a command, one line here.

use std::panic::{AssertUnwindSafe, catch_unwind};

use promptgate_core::exit::ExitCode;

use crate::args::{Cli, Command, JudgeCommand, PromptCommand, SnapshotCommand};
use crate::bug;
use crate::error::Failure;
use crate::output::Output;

mod cache;
mod check;
mod compare;
mod doctor;
mod explain;
mod gate;
mod judge;
mod list;
mod plan;
mod prompt;
mod report;
mod run;
mod score;
mod serve_mock;
mod shim;
mod snapshot;

/// Carries out what the command line asks, and says how it ended.
pub fn dispatch(cli: Cli) -> ExitCode {
    let out = Output::new(cli.color, cli.quiet);
    bug::tell_of_panics(&out);
    // A panic has been told by then.
    catch_unwind(AssertUnwindSafe(|| carry_out(cli.command, &out))).unwrap_or(ExitCode::Bug)
}

fn carry_out(command: Command, out: &Output) -> ExitCode {
    let result = match command {
        Command::Run(args) => run::run(&args, out),
        Command::Compare(args) => compare::run(&args, out),
        Command::Gate(args) => gate::run(&args, out),
        Command::Plan(args) => plan::run(&args, out),
        Command::Explain(args) => explain::run(&args, out),
        Command::Score(args) => score::run(&args, out),
        Command::Report(args) => report::run(&args, out),
        Command::Check(args) => check::run(&args, out),
        Command::List(args) => list::run(&args, out),
        Command::Doctor(args) => doctor::run(&args, out),
        Command::Cache(command) => cache::run(&command, out),
        Command::Shim(args) => shim::run(&args, out),
        Command::Judge(JudgeCommand::Calibrate(args)) => judge::calibrate(&args, out),
        Command::ServeMock(args) => serve_mock::run(&args, out),
        Command::Snapshot(SnapshotCommand::Accept(args)) => snapshot::accept(&args, out),
        Command::Prompt(PromptCommand::Show { version, suite }) => prompt::show(&version, suite.as_deref(), out),
        Command::Prompt(PromptCommand::Render(args)) => prompt::render(&args, out),
        Command::Prompt(PromptCommand::Diff { from, to, suite }) => prompt::diff(&from, &to, suite.as_deref(), out),
    };
    result.unwrap_or_else(|failure: Failure| {
        out.complain(&failure);
        failure.code
    })
}
