//! What is said of a panic: that it is our bug, where, and what to do. The text passes the scrubber as everything does.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::panic::PanicHookInfo;

use promptgate_core::exit::ExitCode;

use crate::error::Failure;
use crate::output::Output;

/// Panics of every thread are told through the command's own standard error.
pub fn tell_of_panics(out: &Output) {
    let out = out.clone();
    std::panic::set_hook(Box::new(move |info| {
        out.complain(&told(&message(info), &place(info)));
        let trace = Backtrace::capture();
        if trace.status() == BacktraceStatus::Captured {
            out.say(&trace.to_string());
        }
    }));
}

fn message(info: &PanicHookInfo<'_>) -> String {
    info.payload_as_str().unwrap_or("no message").to_owned()
}

fn place(info: &PanicHookInfo<'_>) -> String {
    info.location().map_or_else(|| "an unknown place".to_owned(), ToString::to_string)
}

fn told(message: &str, place: &str) -> Failure {
    Failure::new(ExitCode::Bug, format!("a bug of promptgate, at {place}: {message}"))
        .help("please report it with the command that led here; what is settled is kept and can be resumed")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_told_as_our_bug_with_its_place() {
        insta::assert_snapshot!(told("it \u{1b}[31mbroke", "crates/x/src/y.rs:3:7").message, @r"
        error: a bug of promptgate, at crates/x/src/y.rs:3:7: it \u{1b}[31mbroke
          help: please report it with the command that led here; what is settled is kept and can be resumed
        ");
    }
}
