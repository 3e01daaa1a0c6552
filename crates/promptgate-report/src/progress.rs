//! Progress on stderr: a bar on a terminal, a line now and then elsewhere. Listens to events and feeds nothing.

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use promptgate_core::event::{Event, Listener};
use promptgate_core::score::Outcome;

use crate::escape::terminal_line;
use crate::words::count;

/// Without a terminal, one line at most this often.
const SPARSE: Duration = Duration::from_secs(10);

/// What is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// A bar.
    Bar,
    /// Sparse lines.
    Lines,
    /// Nothing.
    Silent,
}

/// Listens to a run and shows how it goes on.
pub fn listener(progress: Progress) -> Listener {
    let state = Arc::new(Mutex::new(State::new(progress)));
    Arc::new(move |event| {
        if let Ok(mut state) = state.lock() {
            state.take(event);
        }
    })
}

struct State {
    progress: Progress,
    bar: ProgressBar,
    counts: [u64; 4],
    total: u64,
    last_line: Instant,
    /// Whether a trouble was told.
    is_troubled: bool,
}

impl State {
    fn new(progress: Progress) -> Self {
        let bar = ProgressBar::with_draw_target(Some(0), target(progress));
        let template = "{bar:30} {pos}/{len}  {msg}  {elapsed} (about {eta} left)";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Self { progress, bar, counts: [0; 4], total: 0, last_line: Instant::now(), is_troubled: false }
    }

    fn take(&mut self, event: Event) {
        match event {
            Event::Planned { trials, calls, replayed, reused } => self.planned(trials, calls, replayed, reused),
            Event::Settled { outcome, .. } => self.settled(outcome),
            Event::Retrying { model, attempt, wait, reason } => {
                let text = format!("{model}: {reason}; attempt {attempt} in {:.1} s", wait.as_secs_f64());
                self.attention(&text);
            }
            Event::Held { who, longest, reason } => {
                let longest = longest.as_secs();
                self.say(&format!("{who} does not answer ({reason}); its calls wait, {longest} s at most"));
            }
            Event::Gone { who, reason } => self.say(&format!("{who} is asked no more in this run: {reason}")),
            Event::InFlight(_) => {}
            Event::Stopping { reason } => self.say(&format!("stopping: {reason}; awaiting the calls under way")),
            Event::Finished => self.bar.finish_and_clear(),
        }
    }

    fn planned(&mut self, trials: u64, calls: u64, replayed: u64, reused: u64) {
        self.total = trials;
        self.bar.set_length(trials);
        let stored = if reused > 0 { format!(", {reused} reused") } else { String::new() };
        let recorded = if replayed > 0 { format!(", {replayed} from recordings") } else { String::new() };
        self.say(&format!("{}: {}{recorded}{stored}", count(trials, "trial"), count(calls, "call")));
    }

    fn settled(&mut self, outcome: Outcome) {
        self.counts[outcome as usize] += 1;
        self.bar.inc(1);
        let is_time = self.progress == Progress::Lines && self.is_time();
        match self.progress {
            Progress::Bar => self.bar.set_message(self.summary()),
            Progress::Lines if is_time => {
                let done: u64 = self.counts.iter().sum();
                self.say(&format!("{done} of {}: {}", self.total, self.summary()));
            }
            Progress::Lines | Progress::Silent => {}
        }
    }

    /// Whether the last line is long enough ago for another one.
    fn is_time(&mut self) -> bool {
        let is_time = self.last_line.elapsed() >= SPARSE;
        if is_time {
            self.last_line = Instant::now();
        }
        is_time
    }

    fn summary(&self) -> String {
        let [passed, failed, errored, _] = self.counts;
        format!("{passed} passed, {failed} failed, {errored} errored")
    }

    /// On a bar the newest trouble replaces the summary until the next result; a storm of retries is not a storm of lines.
    /// The first is told at once: it says why nothing goes on.
    fn attention(&mut self, text: &str) {
        if self.progress == Progress::Bar {
            return self.bar.set_message(terminal_line(text).into_owned());
        }
        if self.is_time() || !self.is_troubled {
            self.is_troubled = true;
            self.say(text);
        }
    }

    fn say(&self, text: &str) {
        if self.progress == Progress::Silent {
            return;
        }
        let line = terminal_line(text).into_owned();
        // A closed stderr is no reason to stop a run.
        self.bar.suspend(|| writeln!(std::io::stderr(), "{line}").ok());
    }
}

fn target(progress: Progress) -> ProgressDrawTarget {
    match progress {
        Progress::Bar => ProgressDrawTarget::stderr_with_hz(10),
        Progress::Lines | Progress::Silent => ProgressDrawTarget::hidden(),
    }
}
