//! `markdown`: for a step summary or a pull request comment. Data stands in code spans; the length is capped.

use std::io::{self, Write};

use promptgate_core::report::{CheckReport, Comparison, GateReport, Report, RunReport};
use promptgate_core::score::Tier;
use promptgate_core::verdict::Verdict;

use crate::escape::markdown_code;
use crate::registry::Rendering;
use crate::words::{self, Unit, count};

/// A step summary may hold 1 MiB; we stop earlier, and say what was cut.
const MOST_BYTES: usize = 1_000_000;

/// Cases listed in a comparison or a run.
const LISTED: usize = 50;

pub(crate) fn render(rendering: &Rendering<'_>, out: &mut dyn Write) -> io::Result<()> {
    let text = match rendering.report {
        Report::Run(report) => run(report),
        Report::Gate(report) => gate(report),
    };
    out.write_all(capped(&text).as_bytes())
}

fn capped(text: &str) -> String {
    if text.len() <= MOST_BYTES {
        return text.to_owned();
    }
    // Cut between lines, so that no code span or table row is left open.
    let end = text[..text.floor_char_boundary(MOST_BYTES - 100)].rfind('\n').map_or(0, |at| at + 1);
    format!("{}\n{} more lines were cut.\n", &text[..end], text[end..].lines().count())
}

fn gate(report: &GateReport) -> String {
    let mark = match report.verdict {
        Some(Verdict::Pass) => "✅ ",
        Some(Verdict::Fail) => "❌ ",
        Some(_) => "⚠️ ",
        None => "",
    };
    let mut text = format!("## {mark}{}\n\n", promptgate_core::report::headline(report));
    text.push_str(&format!(
        "Suite {}, {} a side, {}% one-sided, seed {}.\n",
        markdown_code(report.suite.as_str(), 100),
        count(u64::from(report.trials), "trial"),
        report.confidence * 100.0,
        report.seed
    ));
    notes(&report.notes, &mut text);
    for comparison in &report.comparisons {
        comparison_part(comparison, &mut text);
    }
    text.push_str(&format!(
        "\nPlan `{}`, evidence `{}`.\n",
        report.plan_digest.short(),
        report.evidence_digest.short()
    ));
    text
}

fn notes(notes: &[String], text: &mut String) {
    for note in notes {
        text.push_str(&format!("\n> {}\n", markdown_code(note, 2_000)));
    }
}

fn comparison_part(comparison: &Comparison, text: &mut String) {
    let against = comparison.baseline.as_ref();
    let against = against.map(|side| format!(" against {}", markdown_code(&side.reference, 100))).unwrap_or_default();
    let tier = if comparison.tier == Tier::Advisory { " (advisory)" } else { "" };
    let verdict = comparison.verdict.map(|verdict| format!(": {}", verdict.as_str())).unwrap_or_default();
    let candidate = markdown_code(&comparison.candidate.reference, 100);
    let model = markdown_code(&comparison.model.to_string(), 100);
    text.push_str(&format!("\n### {candidate}{against} on {model}{tier}{verdict}\n\n"));
    text.push_str("| check | baseline | candidate | change | range | allowed | verdict |\n");
    text.push_str("|:--|--:|--:|--:|--:|--:|:--|\n");
    for check in &comparison.checks {
        text.push_str(&check_row(check));
    }
    for check in comparison.checks.iter().filter(|check| !check.reason.is_empty()) {
        let name = markdown_code(&words::check_name(check), 80);
        text.push_str(&format!("\n- {name}: {}", markdown_code(&check.reason, 2_000)));
    }
    text.push('\n');
    notes(&comparison.notes, text);
    flips(comparison, text);
}

fn check_row(check: &CheckReport) -> String {
    let unit = Unit::of(check.metric.as_ref().map_or("", |metric| metric.as_str()));
    let value = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| unit.value(value));
    let advisory = if check.tier == Tier::Advisory { " (advisory)" } else { "" };
    format!(
        "| {} | {} | {} | {} | {} | {} | {}{advisory} |\n",
        markdown_code(&words::check_name(check), 80),
        value(check.baseline),
        value(check.candidate),
        check.difference.map_or_else(|| "-".to_owned(), |difference| words::change(check, difference)),
        check.interval.map_or_else(|| "-".to_owned(), |interval| words::range(check, interval)),
        words::limit(check),
        check.verdict.map_or("-", Verdict::as_str),
    )
}

fn flips(comparison: &Comparison, text: &mut String) {
    if comparison.flips.is_empty() {
        return;
    }
    text.push_str("\n| case | baseline | candidate |\n|:--|--:|--:|\n");
    for flip in comparison.flips.iter().take(LISTED) {
        text.push_str(&format!(
            "| {} | {} | {} |\n",
            markdown_code(flip.case.as_str(), 120),
            flip.baseline,
            flip.candidate
        ));
    }
    if comparison.flips.len() > LISTED {
        text.push_str(&format!("\n{} more.\n", comparison.flips.len() - LISTED));
    }
}

fn run(report: &RunReport) -> String {
    let mut text = format!("## Run of {}\n", markdown_code(report.suite.as_str(), 100));
    notes(&report.notes, &mut text);
    text.push_str(
        "\n| version | model | passed | failed | errored | skipped | pass rate |\n|:--|:--|--:|--:|--:|--:|--:|\n",
    );
    for side in &report.sides {
        let rate =
            side.metrics.iter().find(|metric| metric.name.as_str() == "pass_rate").and_then(|metric| metric.value);
        text.push_str(&format!(
            "| {} | {} | {} | {} | {} | {} | {} |\n",
            markdown_code(&side.reference, 100),
            markdown_code(&side.model.to_string(), 100),
            side.cases.passed,
            side.cases.failed,
            side.cases.errored,
            side.cases.skipped,
            rate.map_or_else(|| "-".to_owned(), |rate| Unit::Share.value(rate)),
        ));
    }
    failures(report, &mut text);
    text
}

fn failures(report: &RunReport, text: &mut String) {
    if report.failures.is_empty() {
        return;
    }
    text.push_str("\n| case | version | outcome | why |\n|:--|:--|:--|:--|\n");
    for failure in report.failures.iter().take(LISTED) {
        text.push_str(&format!(
            "| {} | {} | {} | {} |\n",
            markdown_code(failure.case.as_str(), 120),
            markdown_code(&failure.reference, 100),
            words::outcome(failure.outcome),
            markdown_code(&failure.reason, 300),
        ));
    }
    let listed = report.failures.len().min(LISTED) as u64;
    if report.failures_total > listed {
        text.push_str(&format!("\n{} more.\n", report.failures_total - listed));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summary_stops_below_its_limit_between_lines() {
        let text = "| `x` |\n".repeat(200_000);
        let cut = capped(&text);
        assert!(cut.len() <= MOST_BYTES && cut.ends_with("more lines were cut.\n"));
    }
}
