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

/// Trials are many small values that one thread makes and another drops, which the system's allocator is slow at.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let code = command::dispatch(args::parse());
    ExitCode::from(code.code())
}
