//! One Ctrl-C stops cleanly, the second one at once.

use promptgate_core::exit::ExitCode;
use promptgate_provider::end_programs;
use promptgate_runner::Stop;
use tokio::runtime::Builder;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::error::Failure;

/// The signals that stop a run, and what a second one ends with.
const STOPPING: [(SignalKind, ExitCode); 3] = [
    (SignalKind::interrupt(), ExitCode::Interrupted),
    (SignalKind::terminate(), ExitCode::Terminated),
    (SignalKind::hangup(), ExitCode::Terminated),
];

/// Connects the signals of this process with a run.
///
/// # Errors
///
/// Signals that cannot be listened to.
pub fn on_signals(stop: &Stop) -> Result<(), Failure> {
    let stop = stop.clone();
    let unheard = |error| Failure::new(ExitCode::Bug, format!("cannot listen to signals: {error}"));
    // A thread and a runtime of their own, so that a run that is stuck can be ended too.
    let runtime = Builder::new_current_thread().enable_io().build().map_err(unheard)?;
    let signals = {
        let _inside = runtime.enter();
        STOPPING.into_iter().map(|(kind, code)| Ok((signal(kind)?, code))).collect::<Result<Vec<_>, _>>()
    };
    let mut signals = signals.map_err(unheard)?;
    let listen = move || {
        runtime.block_on(next(&mut signals));
        stop.stop("interrupted; once more stops at once");
        let code = runtime.block_on(next(&mut signals));
        // Nothing is lost: what counts is on disk already, and the next start repairs a torn line.
        end_programs();
        std::process::exit(i32::from(code.code()));
    };
    std::thread::Builder::new().name("promptgate-signals".into()).spawn(listen).map_err(unheard)?;
    Ok(())
}

/// The next signal, as the code that it ends with.
async fn next(signals: &mut [(Signal, ExitCode)]) -> ExitCode {
    std::future::poll_fn(|context| {
        let come = signals.iter_mut().find_map(|(signal, code)| signal.poll_recv(context).is_ready().then_some(*code));
        come.map_or(std::task::Poll::Pending, std::task::Poll::Ready)
    })
    .await
}
