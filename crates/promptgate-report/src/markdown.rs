//! `markdown`: for a step summary or a pull request comment. Data stands in code spans; the length is capped.

use std::io::{self, Write};

use promptgate_core::exit::ExitCode;
use promptgate_core::name::CaseId;
use promptgate_core::report::{CheckReport, Comparison, FieldSummary, GateReport, LabelSummary, Report, RunReport};
use promptgate_core::score::Tier;
use promptgate_core::verdict::Verdict;

use crate::checks;
use crate::escape::{markdown_code, markdown_text};
use crate::registry::Rendering;
use crate::words::{self, Unit, count};
use crate::{groups, labels};

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
    let mut text = heading(mark, &promptgate_core::report::headline(report));
    let largest = report.comparisons.iter().max_by_key(|comparison| comparison.pairs.complete);
    text.push_str(&format!(
        "Suite {}: {}, {} a side, {} one-sided, seed {}.\n",
        markdown_code(report.suite.as_str(), 100),
        largest.map_or_else(|| "no comparison".to_owned(), checks::weight),
        count(u64::from(report.trials), "trial"),
        words::level(report.confidence),
        report.seed
    ));
    notes(report.notes.iter().chain(&report.volatile.notes), &mut text);
    let together = checks::side_by_side(report, |name| markdown_code(name, 80));
    if let Some(table) = &together {
        text.push_str(&format!("\n{}", table.markdown()));
    }
    for comparison in &report.comparisons {
        comparison_part(report, comparison, together.is_some(), &mut text);
    }
    if let Some(saved) = checks::saved(report) {
        text.push_str(&format!("\nEarly stop: {}.\n", saved.trim_start_matches("stopped early: ")));
    }
    text.push_str(&format!(
        "\nPlan `{}`, evidence `{}`.\n",
        report.plan_digest.short(),
        report.evidence_digest.short()
    ));
    text
}

/// `## ✅ PASS: shown not to be worse by 5 pt or more`: our word, then a sentence that may name a user's things.
fn heading(mark: &str, headline: &str) -> String {
    let (word, sentence) = headline.split_once(": ").unwrap_or((headline, ""));
    format!("## {mark}{word}: {}\n\n", markdown_text(sentence, 500))
}

fn notes<'a>(notes: impl IntoIterator<Item = &'a String>, text: &mut String) {
    for note in notes {
        text.push_str(&format!("\n> Note: {}\n", markdown_text(note, 2_000)));
    }
}

fn comparison_part(report: &GateReport, comparison: &Comparison, in_one_table: bool, text: &mut String) {
    let against = comparison.baseline.as_ref();
    let against = against.map(|side| format!(" against {}", markdown_code(&side.reference, 100))).unwrap_or_default();
    let tier = if comparison.tier == Tier::Advisory { " (advisory)" } else { "" };
    let verdict = comparison.verdict.map(|verdict| format!(": {}", verdict.as_str())).unwrap_or_default();
    let candidate = markdown_code(&comparison.candidate.reference, 100);
    let model = markdown_code(&comparison.model.to_string(), 100);
    text.push_str(&format!("\n### {candidate}{against} on {model}{tier}{verdict}\n"));
    if let Some(detail) = checks::detail(report, comparison) {
        text.push_str(&format!("\nWhy: {}\n", markdown_text(detail, 2_000)));
    }
    if let Some(look) = checks::look(comparison) {
        text.push_str(&format!("\nJudged at {look}.\n"));
    }
    if !comparison.checks.is_empty() && !in_one_table {
        text.push_str(&format!("\n{}", checks::table(comparison, |name| markdown_code(name, 80)).markdown()));
    }
    reasons(comparison, text);
    if let Some(why) = checks::why_open(report, comparison) {
        text.push_str(&format!("\nWhy: {why}\n"));
    }
    list("The baseline against itself, which is noise alone:", &checks::noise(comparison), text);
    list(
        "Look here (informs, never blocks; about 1 in 10 of such lines is chance):",
        &checks::look_here(comparison),
        text,
    );
    list("Judged in both orders:", &checks::both_orders(comparison), text);
    notes(checks::notes(report, comparison), text);
    if let Some(holes) = checks::holes(comparison) {
        text.push_str(&format!("\nPairs: {holes}.\n"));
    }
    flips(comparison, text);
}

fn list(title: &str, lines: &[String], text: &mut String) {
    if lines.is_empty() {
        return;
    }
    text.push_str(&format!("\n{title}\n\n"));
    for line in lines.iter().take(LISTED) {
        text.push_str(&format!("- {}\n", markdown_text(line, 500)));
    }
}

fn reasons(comparison: &Comparison, text: &mut String) {
    let told: Vec<&CheckReport> = comparison.checks.iter().filter(|check| checks::is_told(comparison, check)).collect();
    for (index, check) in told.iter().enumerate() {
        let name = markdown_code(&words::check_name(check), 80);
        let before = if index == 0 { "\n" } else { "" };
        let cases = listed(&check.cases);
        text.push_str(&format!("{before}- {name}: {}{cases}\n", markdown_text(&check.reason, 2_000)));
    }
}

/// The cases that a rule names.
fn listed(cases: &[CaseId]) -> String {
    let names: Vec<String> = cases.iter().take(LISTED).map(|case| markdown_code(case.as_str(), 120)).collect();
    match cases.len().saturating_sub(LISTED) {
        _ if cases.is_empty() => String::new(),
        0 => format!(" These: {}.", names.join(", ")),
        more => format!(" These: {}, and {more} more.", names.join(", ")),
    }
}

fn flips(comparison: &Comparison, text: &mut String) {
    if comparison.flips.is_empty() {
        return;
    }
    text.push_str("\nCases that changed, the broken ones first:\n\n| case | baseline | candidate |\n|:--|--:|--:|\n");
    let (broken, fixed) = checks::flips(comparison);
    for flip in broken.into_iter().chain(fixed).take(LISTED) {
        text.push_str(&format!(
            "| {} | {} | {} |\n",
            markdown_code(flip.case.as_str(), 120),
            markdown_text(&flip.baseline, 40),
            markdown_text(&flip.candidate, 40)
        ));
    }
    if comparison.flips.len() > LISTED {
        text.push_str(&format!("\n{} more.\n", comparison.flips.len() - LISTED));
    }
}

fn run(report: &RunReport) -> String {
    let mark = match report.exit_code {
        ExitCode::Done => "✅ ",
        ExitCode::Failed => "❌ ",
        _ => "⚠️ ",
    };
    let mut text = heading(mark, &words::run_headline(report));
    text.push_str(&format!(
        "Suite {}: {}, {} each, seed {}.\n",
        markdown_code(report.suite.as_str(), 100),
        count(report.cases, "case"),
        count(u64::from(report.trials), "trial"),
        report.seed
    ));
    notes(report.notes.iter().chain(&report.volatile.notes), &mut text);
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
    for side in &report.sides {
        if let Some(repeats) = &side.repeats {
            text.push_str(&format!("\n{}: {}.\n", markdown_code(&side.reference, 100), words::repeats(repeats)));
        }
    }
    for side in &report.sides {
        side.fields.iter().for_each(|field| by_field(&side.reference, field, &mut text));
    }
    for (side, orders) in report.sides.iter().flat_map(|side| side.both_orders.iter().map(move |each| (side, each))) {
        let (reference, name) = (markdown_code(&side.reference, 100), markdown_code(&orders.assertion, 80));
        text.push_str(&format!("\n{reference}, {name}: {}.\n", words::flips(orders)));
    }
    for side in &report.sides {
        side.labels.iter().for_each(|summary| by_label(&side.reference, summary, &mut text));
    }
    failures(report, &mut text);
    text
}

fn by_field(reference: &str, field: &FieldSummary, text: &mut String) {
    let (reference, name) = (markdown_code(reference, 100), markdown_code(&field.field, 80));
    let beside = groups::beside(field).map(|line| format!(": {}", markdown_text(&line, 500))).unwrap_or_default();
    text.push_str(&format!("\n{reference}, by {name}{beside}.\n"));
    if let Some(table) = groups::by_field(field, markdown_code) {
        text.push_str(&format!("\n{}", table.markdown()));
    }
}

fn by_label(reference: &str, summary: &LabelSummary, text: &mut String) {
    let headline = markdown_text(&labels::headline(summary), 500);
    text.push_str(&format!("\n{}, {headline}.\n", markdown_code(reference, 100)));
    if let Some(table) = labels::table(summary, markdown_code) {
        text.push_str(&format!("\n{}", table.markdown()));
    }
    if let Some(line) = labels::mixed_up(summary) {
        text.push_str(&format!("\n{}.\n", markdown_text(&line, 500)));
    }
}

fn failures(report: &RunReport, text: &mut String) {
    if report.failures.is_empty() {
        return;
    }
    text.push_str("\n| case | version | model | outcome | why |\n|:--|:--|:--|:--|:--|\n");
    for failure in report.failures.iter().take(LISTED) {
        text.push_str(&format!(
            "| {} | {} | {} | {} | {} |\n",
            markdown_code(failure.case.as_str(), 120),
            markdown_code(&failure.reference, 100),
            markdown_code(&failure.model.to_string(), 100),
            words::outcome(failure.outcome),
            markdown_code(&words::case_failure(failure), 300),
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
