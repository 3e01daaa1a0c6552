//! How a verdict came about, for people: one step a line, the number before the formula it follows from.

use promptgate_core::report::explain::{Derivation, Explanation, Step};

use crate::escape::terminal_line;
use crate::table::wrap;

/// Columns of a line.
const WIDTH: usize = 120;

/// A longer value is a sentence, and stands by itself.
const SHORT: usize = 20;

/// The text of an explanation.
pub fn explanation(explanation: &Explanation) -> String {
    let mut text =
        format!("EXPLAIN  {}, run {}\n", terminal_line(explanation.suite.as_str()), terminal_line(&explanation.run));
    for derivation in &explanation.derivations {
        text.push_str(&one(derivation));
    }
    text
}

fn one(derivation: &Derivation) -> String {
    let mut text = format!("\n{}\n", terminal_line(&derivation.title));
    let short = |step: &&Step| step.value.chars().count() <= SHORT;
    let width = |of: fn(&Step) -> &str| {
        derivation.steps.iter().filter(short).map(|step| terminal_line(of(step)).chars().count()).max().unwrap_or(0)
    };
    let (what, value) = (width(|step| &step.what), width(|step| &step.value));
    for step in &derivation.steps {
        text.push_str(&line(step, what, value));
    }
    text
}

/// `  what   value   how`; what does not fit goes below.
fn line(step: &Step, what: usize, value: usize) -> String {
    let (name, found, how) = (terminal_line(&step.what), terminal_line(&step.value), terminal_line(&step.how));
    if found.chars().count() > SHORT {
        return format!("{}\n", wrap(&format!("{name}: {found}"), "  ", WIDTH));
    }
    let head = format!("  {name:<what$}  {found:>value$}");
    match head.chars().count() + 3 + how.chars().count() {
        _ if how.is_empty() => format!("{head}\n"),
        ..=WIDTH => format!("{head}   {how}\n"),
        _ => format!("{head}\n{}\n", wrap(&how, "      ", WIDTH)),
    }
}
