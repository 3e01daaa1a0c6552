//! One Ctrl-C stops cleanly, the second one at once.

use std::time::Duration;

use promptgate_core::exit::ExitCode;
use promptgate_provider::end_programs;
use promptgate_runner::Stop;
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::error::Failure;
use crate::output::Output;

/// The signals that stop a run, and what a second one ends with.
const STOPPING: [(SignalKind, ExitCode); 3] = [
    (SignalKind::interrupt(), ExitCode::Interrupted),
    (SignalKind::terminate(), ExitCode::Terminated),
    (SignalKind::hangup(), ExitCode::Terminated),
];

/// The signals that stop this process, caught.
pub struct Signals {
    /// Of its own, so that a run that is stuck can be ended too.
    runtime: Runtime,
    signals: Vec<(Signal, ExitCode)>,
}

impl Signals {
    /// Catches them from now on.
    ///
    /// # Errors
    ///
    /// Signals that cannot be listened to.
    pub fn caught() -> Result<Self, Failure> {
        let runtime = Builder::new_current_thread().enable_io().build().map_err(unheard)?;
        let signals = {
            let _inside = runtime.enter();
            let heard = STOPPING.into_iter().filter(|(kind, _)| !is_nohup(*kind));
            heard.map(|(kind, code)| Ok((signal(kind)?, code))).collect::<Result<_, _>>().map_err(unheard)?
        };
        Ok(Self { runtime, signals })
    }

    /// Waits for the next one; the code that it ends with.
    pub fn next(&mut self) -> ExitCode {
        let signals = &mut self.signals;
        self.runtime.block_on(std::future::poll_fn(|context| {
            let mut codes = signals.iter_mut();
            let come = codes.find_map(|(signal, code)| signal.poll_recv(context).is_ready().then_some(*code));
            come.map_or(std::task::Poll::Pending, std::task::Poll::Ready)
        }))
    }
}

fn unheard(error: std::io::Error) -> Failure {
    Failure::new(ExitCode::Bug, format!("cannot listen to signals: {error}"))
}

/// Connects the signals of this process with a run; `go_on` says how it is gone on with.
///
/// # Errors
///
/// Signals that cannot be listened to.
pub fn on_signals(stop: &Stop, go_on: &str, out: &Output) -> Result<(), Failure> {
    let (stop, mut signals) = (stop.clone(), Signals::caught()?);
    let (go_on, out) = (go_on.to_owned(), out.clone());
    let listen = move || {
        signals.next();
        stop.stop("interrupted; once more stops at once");
        let code = signals.next();
        // Nothing is lost: what counts is on disk already, and the next start repairs a torn line.
        end_programs();
        let told = Failure::new(code, format!("stopped at once; what is settled is kept; {go_on}"));
        at_most(LAST_WORD, move || out.complain_last(&told));
        std::process::exit(i32::from(code.code()));
    };
    std::thread::Builder::new().name("promptgate-signals".into()).spawn(listen).map_err(unheard)?;
    Ok(())
}

/// How long the last line may take: whoever reads it may be stuck, or a thread that holds the stream.
const LAST_WORD: Duration = Duration::from_millis(200);

/// Waits for something, but no longer than so long.
fn at_most(time: Duration, work: impl FnOnce() + Send + 'static) {
    let (done, is_done) = std::sync::mpsc::channel();
    let work = move || {
        work();
        done.send(()).ok();
    };
    if std::thread::Builder::new().spawn(work).is_ok() {
        is_done.recv_timeout(time).ok();
    }
}

/// Whether it is a hang-up that whoever started us wants to be passed over (`nohup`). Told on Linux alone. An interrupt is
/// heard whatever they say: a shell has it ignored by all that scripts start in the background.
fn is_nohup(kind: SignalKind) -> bool {
    let ignored = || {
        let status = std::fs::read_to_string("/proc/self/status").ok()?;
        let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"))?;
        u64::from_str_radix(mask.trim(), 16).ok()
    };
    kind == SignalKind::hangup() && ignored().is_some_and(|mask| mask >> (kind.as_raw_value() - 1) & 1 == 1)
}
