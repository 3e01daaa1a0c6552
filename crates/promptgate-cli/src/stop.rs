//! One Ctrl-C stops cleanly, the second one at once.

use std::sync::atomic::{AtomicBool, Ordering};

use promptgate_core::exit::ExitCode;
use promptgate_runner::Stop;

use crate::error::Failure;

/// Connects the signals of this process with a run.
pub fn on_signals(stop: &Stop) -> Result<(), Failure> {
    static SECOND: AtomicBool = AtomicBool::new(false);
    let stop = stop.clone();
    let handler = move || {
        if SECOND.swap(true, Ordering::SeqCst) {
            // Nothing is lost: what counts is on disk already, and the next start repairs a torn line.
            std::process::exit(i32::from(ExitCode::Interrupted.code()));
        }
        stop.stop("interrupted; once more stops at once");
    };
    ctrlc::set_handler(handler)
        .map_err(|error| Failure::new(ExitCode::Bug, format!("cannot listen to signals: {error}")))
}
