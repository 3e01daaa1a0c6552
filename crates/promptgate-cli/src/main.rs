//! The promptgate command: arguments in, one call, a rendered report and an exit code out.

mod args;
mod bug;
mod command;
mod diagnose;
mod error;
mod evaluate;
mod output;
mod session;
mod stop;

use std::process::ExitCode;

fn main() -> ExitCode {
    let code = command::dispatch(args::parse());
    ExitCode::from(code.code())
}
