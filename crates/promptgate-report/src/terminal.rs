//! `terminal`: the verdict first, then the checks with change, range and limit, then what broke, then what to do next.

mod gate;
mod run;

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use promptgate_core::report::Report;
use promptgate_core::verdict::Verdict;

use crate::registry::Rendering;

/// Lines of prose break here.
pub(crate) const WIDTH: usize = 110;

/// How many cases a line names before it only counts.
const NAMED: usize = 8;

pub(crate) fn render(rendering: &Rendering<'_>, out: &mut dyn Write) -> io::Result<()> {
    let paint = Paint(rendering.colour);
    match rendering.report {
        Report::Run(report) => run::render(report, paint, out),
        Report::Gate(report) => gate::render(report, paint, out),
    }
}

/// Puts colour on words that say the same without it.
#[derive(Clone, Copy)]
pub(crate) struct Paint(pub(crate) bool);

impl Paint {
    fn with(self, style: Style, text: &str) -> String {
        if self.0 { format!("{style}{text}{style:#}") } else { text.to_owned() }
    }

    pub(crate) fn bold(self, text: &str) -> String {
        self.with(Style::new().bold(), text)
    }

    pub(crate) fn dim(self, text: &str) -> String {
        self.with(Style::new().dimmed(), text)
    }

    fn good(self, text: &str) -> String {
        self.with(AnsiColor::Green.on_default().bold(), text)
    }

    fn bad(self, text: &str) -> String {
        self.with(AnsiColor::Red.on_default().bold(), text)
    }

    pub(crate) fn unsettled(self, text: &str) -> String {
        self.with(AnsiColor::Yellow.on_default().bold(), text)
    }

    fn verdict(self, verdict: Option<Verdict>, text: &str) -> String {
        match verdict {
            Some(Verdict::Pass) => self.good(text),
            Some(Verdict::Fail) => self.bad(text),
            Some(_) => self.unsettled(text),
            None => self.bold(text),
        }
    }
}
