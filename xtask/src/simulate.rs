//! `simulate`: the promises of the gate, seen. Every acceptance criterion of the method is run on data made for it, with
//! the same statistics that a gate uses, and what was reached stands beside what is allowed. Analyses that are known to
//! break a promise run in the same program, and must break it: so the simulation is seen to have teeth.
//!
//! Reduced by default (2,000 runs a cell, limits with the Monte Carlo allowance of that size); `--full` takes 10,000.
//! Seeded: a replicate draws from its own stream, so neither threads nor order change a figure.

mod cells;
mod generate;
mod looking;
mod random;
mod small;
mod structure;
mod whole;

use std::time::Instant;

use crate::chore::{Outcome, optimised};

/// One criterion.
struct Criterion {
    name: &'static str,
    /// Its number in the method's list.
    number: u32,
    run: fn(Size) -> Vec<Row>,
}

const CRITERIA: &[Criterion] = &[
    Criterion { name: "whole-gate", number: 1, run: whole::seven_metrics },
    Criterion { name: "binary-block", number: 2, run: cells::binary_block },
    Criterion { name: "pass-at-limit", number: 3, run: cells::pass_at_the_limit },
    Criterion { name: "power", number: 4, run: cells::power },
    Criterion { name: "anytime", number: 5, run: looking::after_every_case },
    Criterion { name: "early-stop", number: 6, run: looking::early_stop },
    Criterion { name: "structure", number: 7, run: structure::trials_and_clusters },
    Criterion { name: "holm", number: 8, run: whole::holm },
    Criterion { name: "calibration", number: 9, run: structure::calibrated_mean },
    Criterion { name: "drift", number: 10, run: structure::stability },
    Criterion { name: "looks-family", number: 13, run: looking::family_and_clusters },
    Criterion { name: "these-cases", number: 14, run: small::these_cases },
];

/// How much is simulated.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Size {
    /// Runs a cell.
    pub runs: u64,
    /// Whether all cells are taken.
    pub full: bool,
}

impl Size {
    /// What a limit near 5 % is allowed beyond the one that holds at 10,000 runs.
    fn allowance(self) -> f64 {
        if self.full { 0.0 } else { 0.0081 }
    }
}

/// What a figure is held to.
#[derive(Clone, Copy)]
pub enum Limit {
    /// At most this.
    AtMost(f64),
    /// At least this.
    AtLeast(f64),
    /// Between the two.
    Within(f64, f64),
    /// Above this: an analysis that is known to break its promise.
    Breaks(f64),
}

/// One line of the table.
pub struct Row {
    what: String,
    /// The cell in which the figure was reached.
    cell: String,
    reached: f64,
    limit: Limit,
}

impl Row {
    /// A row about one cell.
    pub fn new(what: &str, cell: impl Into<String>, reached: f64, limit: Limit) -> Self {
        Self { what: what.to_owned(), cell: cell.into(), reached, limit }
    }

    /// The worst of some cells: the largest figure, or the smallest where it must be at least something.
    pub fn worst(what: &str, cells: impl IntoIterator<Item = (String, f64)>, limit: Limit) -> Self {
        let least = matches!(limit, Limit::AtLeast(_));
        let worse = |one: &(String, f64), other: &(String, f64)| {
            if least { other.1.total_cmp(&one.1) } else { one.1.total_cmp(&other.1) }
        };
        let (cell, reached) = cells.into_iter().max_by(worse).unwrap_or_else(|| ("no cell".to_owned(), f64::NAN));
        Self::new(what, cell, reached, limit)
    }

    fn holds(&self) -> bool {
        match self.limit {
            Limit::AtMost(most) => self.reached <= most,
            Limit::AtLeast(least) => self.reached >= least,
            Limit::Within(low, high) => (low..=high).contains(&self.reached),
            Limit::Breaks(most) => self.reached > most,
        }
    }

    fn print(&self, number: u32) {
        let limit = match self.limit {
            Limit::AtMost(most) => format!("<= {most:.4}"),
            Limit::AtLeast(least) => format!(">= {least:.4}"),
            Limit::Within(low, high) => format!("{low:.3} .. {high:.3}"),
            Limit::Breaks(most) => format!("> {most:.2} (must break)"),
        };
        let mark = if self.holds() { "ok" } else { "NOT MET" };
        println!("{number:>2}  {:<52} {:>8.4}  {limit:<20} {mark:<8} {}", self.what, self.reached, self.cell);
    }
}

/// `cargo xtask simulate [--full] [NAME...]`.
pub fn run(arguments: &[String]) -> Outcome {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    if cfg!(debug_assertions) { optimised("simulate", arguments) } else { simulate(&words) }.into()
}

/// The reduced form, as a step of `ci`.
pub fn check() -> Result<(), String> {
    optimised("simulate", &[])
}

fn simulate(words: &[&str]) -> Result<(), String> {
    let full = words.contains(&"--full");
    let names: Vec<&str> = words.iter().copied().filter(|word| *word != "--full").collect();
    if let Some(unknown) = names.iter().find(|name| CRITERIA.iter().all(|criterion| criterion.name != **name)) {
        let known: Vec<&str> = CRITERIA.iter().map(|criterion| criterion.name).collect();
        return Err(format!("nothing is called `{unknown}`; there are {}", known.join(", ")));
    }
    let size = Size { runs: if full { 10_000 } else { 2_000 }, full };
    println!("{} runs a cell, seeded; the worst cell of each row is told\n", size.runs);
    println!(" #  {:<52} {:>8}  {:<20} {:<8} worst cell", "what", "reached", "allowed", "");
    let (start, mut missed) = (Instant::now(), 0);
    for criterion in CRITERIA.iter().filter(|each| names.is_empty() || names.contains(&each.name)) {
        for row in (criterion.run)(size) {
            row.print(criterion.number);
            missed += usize::from(!row.holds());
        }
    }
    println!("\n11 is shown by the tests of promptgate-scoring, 12 by `cargo xtask bench statistics`.");
    println!("{:.0} s", start.elapsed().as_secs_f64());
    if missed == 0 { Ok(()) } else { Err(format!("{missed} rows are not met")) }
}
