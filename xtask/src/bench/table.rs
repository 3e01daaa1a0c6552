//! The table: what is measured, the figure, the target, whether it is met.

use std::fs;

/// One line of the table.
pub struct Row {
    what: String,
    measured: String,
    target: String,
    met: bool,
}

impl Row {
    /// A figure that may be at most so much. `note` tells what stands beside it.
    pub fn at_most(what: &str, figure: f64, most: f64, unit: &str, note: &str) -> Self {
        Self::of(what, (figure, note), &format!("<= {}", short(most)), unit, figure <= most)
    }

    /// A figure that must be at least so much.
    pub fn at_least(what: &str, figure: f64, least: f64, unit: &str, note: &str) -> Self {
        Self::of(what, (figure, note), &format!(">= {}", short(least)), unit, figure >= least)
    }

    /// A figure that stands beside ours, and has no target.
    pub fn beside(what: &str, figure: f64, unit: &str, note: &str) -> Self {
        Self { target: "-".to_owned(), ..Self::of(what, (figure, note), "", unit, true) }
    }

    fn of(what: &str, (figure, note): (f64, &str), bound: &str, unit: &str, met: bool) -> Self {
        let note = if note.is_empty() { String::new() } else { format!(" ({note})") };
        let (measured, target) = (format!("{} {unit}{note}", short(figure)), format!("{bound} {unit}"));
        Self { what: what.to_owned(), measured, target, met }
    }

    /// Whether the target is met.
    pub fn met(&self) -> bool {
        self.met
    }

    fn answer(&self) -> &'static str {
        match (self.target.as_str(), self.met) {
            ("-", _) => "-",
            (_, true) => "yes",
            (_, false) => "NO",
        }
    }

    /// Prints the line.
    pub fn print(&self) {
        println!("| {} | {} | {} | {} |", self.what, self.measured, self.target, self.answer());
    }
}

/// Prints the head of the table.
pub fn head() {
    println!("| what | measured | target | met |\n|---|---|---|---|");
}

/// The machine, and how busy it is with other things: figures of a busy machine say little.
pub fn machine() -> String {
    let read = |path: &str| fs::read_to_string(path).map(|text| text.trim().to_owned()).unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let load: Vec<String> = read("/proc/loadavg").split(' ').take(1).map(str::to_owned).collect();
    let (system, kernel) = (std::env::consts::OS, read("/proc/sys/kernel/osrelease"));
    format!("{cores} cores, {system} {kernel}, load {} before the first measurement", load.join(""))
}

/// A figure with three digits that count.
fn short(figure: f64) -> String {
    match figure.abs() {
        size if size >= 100.0 => format!("{figure:.0}"),
        size if size >= 10.0 => format!("{figure:.1}"),
        size if size >= 1.0 => format!("{figure:.2}"),
        _ => format!("{figure:.4}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_at_its_target_is_met() {
        assert!(Row::at_most("start", 0.03, 0.03, "CPU s", "").met());
        assert!(!Row::at_least("replay", 14_999.0, 15_000.0, "trials/s", "").met());
    }

    #[test]
    fn figures_keep_three_digits() {
        let row = Row::at_most("start", 0.01234, 0.03, "CPU s", "3 runs");
        assert_eq!((row.measured.as_str(), row.target.as_str()), ("0.0123 CPU s (3 runs)", "<= 0.0300 CPU s"));
    }
}
