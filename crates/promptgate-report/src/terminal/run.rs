//! One run, for people.

use std::io::{self, Write};

use promptgate_core::exit::ExitCode;
use promptgate_core::report::{AnsweredBy, CaseFailure, LabelSummary, RunReport, RunVolatile, SideSummary};
use promptgate_core::score::Tier;

use super::{NAMED, Paint, WIDTH};
use crate::escape::{shell_argument, shortened, terminal_line};
use crate::table::{Align, Table, wrap};
use crate::words::{self, Unit, count};
use crate::{groups, labels};

pub(super) fn render(report: &RunReport, paint: Paint, out: &mut dyn Write) -> io::Result<()> {
    headline(report, paint, out)?;
    for note in report.notes.iter().chain(&report.volatile.notes) {
        writeln!(out, "{}", wrap(&format!("note: {}", terminal_line(note)), "", WIDTH))?;
    }
    for side in &report.sides {
        writeln!(out)?;
        render_side(side, paint, out)?;
    }
    render_failures(report, paint, out)?;
    writeln!(out)?;
    closing(report, paint, out)
}

fn headline(report: &RunReport, paint: Paint, out: &mut dyn Write) -> io::Result<()> {
    let line = terminal_line(&words::run_headline(report)).into_owned();
    let painted = match report.exit_code {
        ExitCode::Done => paint.good(&line),
        ExitCode::Failed => paint.bad(&line),
        _ => paint.unsettled(&line),
    };
    writeln!(out, "{}  {painted}", paint.bold("RUN"))?;
    let part = report.partition.map(|part| format!(", part {part}")).unwrap_or_default();
    let trials = count(u64::from(report.trials), "trial");
    let about = format!("{}: {}, {trials} each, seed {}{part}", report.suite, count(report.cases, "case"), report.seed);
    writeln!(out, "{}", paint.dim(&about))
}

fn render_side(side: &SideSummary, paint: Paint, out: &mut dyn Write) -> io::Result<()> {
    let tier = if side.tier == Tier::Advisory { " (advisory)" } else { "" };
    let title = format!("{} on {}{tier}", shortened(&side.reference, 80), shortened(&side.model.to_string(), 80));
    writeln!(out, "{}: {}", paint.bold(&title), words::side_line(side))?;
    write_table(&metrics_table(side), paint, out)?;
    if let Some(repeats) = &side.repeats {
        writeln!(out, "  {}", words::repeats(repeats))?;
    }
    render_groups(side, paint, out)?;
    for assertion in side.assertions.iter().filter(|each| each.failed + each.unscored > 0) {
        writeln!(out, "  {}", assertion_line(assertion))?;
    }
    for orders in &side.both_orders {
        let line = format!("{}: {}", shortened(&orders.assertion, 60), words::flips(orders));
        writeln!(out, "{}", wrap(&line, "  ", WIDTH))?;
    }
    for summary in &side.labels {
        render_labels(summary, paint, out)?;
    }
    if side.unbound > 0 {
        writeln!(out, "  note: {} not tied to the prompt text", count(side.unbound, "output"))?;
    }
    if side.answered_by.len() > 1 {
        let note = format!("note: {}", AnsweredBy::sentence(&side.answered_by));
        writeln!(out, "{}", wrap(&terminal_line(&note), "  ", WIDTH))?;
    } else if !side.returned_models.is_empty() {
        let models: Vec<_> = side.returned_models.iter().map(|model| shortened(model, 80)).collect();
        writeln!(out, "  note: the provider answered as {}", models.join(", "))?;
    }
    Ok(())
}

fn write_table(table: &Table, paint: Paint, out: &mut dyn Write) -> io::Result<()> {
    let (head, rows) = table.lines();
    writeln!(out, "  {}", paint.dim(&head))?;
    rows.iter().try_for_each(|row| writeln!(out, "  {row}"))
}

fn render_groups(side: &SideSummary, paint: Paint, out: &mut dyn Write) -> io::Result<()> {
    if let Some(table) = groups::by_tag(side, shortened) {
        write_table(&table, paint, out)?;
    }
    for field in &side.fields {
        if let Some(table) = groups::by_field(field, shortened) {
            write_table(&table, paint, out)?;
        }
        if let Some(line) = groups::beside(field) {
            let line = format!("{}: {line}", shortened(&field.field, 60));
            writeln!(out, "{}", wrap(&line, "  ", WIDTH))?;
        }
    }
    Ok(())
}

fn render_labels(summary: &LabelSummary, paint: Paint, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{}", wrap(&terminal_line(&labels::headline(summary)), "  ", WIDTH))?;
    if let Some(table) = labels::table(summary, shortened) {
        write_table(&table, paint, out)?;
    }
    match labels::mixed_up(summary) {
        Some(line) => writeln!(out, "{}", wrap(&terminal_line(&line), "  ", WIDTH)),
        None => Ok(()),
    }
}

fn assertion_line(assertion: &promptgate_core::report::AssertionSummary) -> String {
    let total = assertion.passed + assertion.failed + assertion.unscored;
    let unscored = if assertion.unscored > 0 { format!(", {} unscored", assertion.unscored) } else { String::new() };
    let advisory = if assertion.tier == Tier::Advisory { " (advisory)" } else { "" };
    format!("{}{advisory}: {} of {total} failed{unscored}", shortened(&assertion.name, 60), assertion.failed)
}

fn metrics_table(side: &SideSummary) -> Table {
    let level = side.metrics.iter().find_map(|metric| metric.interval).map_or(0.95, |interval| interval.level);
    let range = format!("{:.0}% range", level * 100.0);
    let mut table = Table::new(&[
        ("metric", Align::Left),
        ("value", Align::Right),
        (&range, Align::Right),
        ("cases", Align::Right),
    ]);
    for metric in &side.metrics {
        let unit = Unit::of(metric.name.as_str());
        let range = metric.interval.map(|range| format!("{} .. {}", unit.value(range.low), unit.value(range.high)));
        table.row(vec![
            shortened(metric.name.as_str(), 40),
            metric.value.map_or_else(|| "-".to_owned(), |value| unit.value(value)),
            range.unwrap_or_else(|| "-".to_owned()),
            words::thousands(metric.n),
        ]);
    }
    table
}

fn render_failures(report: &RunReport, paint: Paint, out: &mut dyn Write) -> io::Result<()> {
    if report.failures.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{}", paint.bold("first to look at"))?;
    for failure in report.failures.iter().take(NAMED) {
        render_failure(report, failure, paint, out)?;
    }
    match report.failures_total.saturating_sub(NAMED as u64) {
        0 => Ok(()),
        more => writeln!(out, "  and {} more", words::thousands(more)),
    }
}

fn render_failure(report: &RunReport, failure: &CaseFailure, paint: Paint, out: &mut dyn Write) -> io::Result<()> {
    let repeat = if report.trials > 1 { format!(", trial {}", failure.repeat) } else { String::new() };
    let side =
        if report.sides.len() > 1 { format!(", {} on {}", failure.reference, failure.model) } else { String::new() };
    let place = format!("{}{repeat}{}", shortened(failure.case.as_str(), 60), terminal_line(&side));
    let reason = shortened(&words::case_failure(failure), 240);
    writeln!(out, "  {}  {}", paint.bold(&place), words::outcome(failure.outcome))?;
    writeln!(out, "{}", wrap(&reason, "      ", WIDTH))
}

fn closing(report: &RunReport, paint: Paint, out: &mut dyn Write) -> io::Result<()> {
    let cost = report.cost;
    let tokens = words::thousands(cost.input_tokens.saturating_add(cost.output_tokens));
    let RunVolatile { attempts, reused, wasted_nano_usd: wasted, wasted_unpriced, .. } = report.volatile;
    let this_run = words::this_run(attempts, reused, wasted, wasted_unpriced);
    let line = format!("these answers: {tokens} tokens, {}; {this_run}", words::spent(&cost));
    writeln!(out, "{}", paint.dim(&line))?;
    if report.exit_code == ExitCode::Unavailable && !report.volatile.command.is_empty() {
        let words: Vec<String> = report.volatile.command.iter().map(|word| shell_argument(word)).collect();
        let command = terminal_line(&words.join(" ")).into_owned();
        writeln!(out, "next: promptgate {command}   (asks only for what got no answer)")?;
    }
    let run = shell_argument(&report.volatile.run);
    writeln!(
        out,
        "next: promptgate report {} --report csv=cases.csv   (every case with its output)",
        terminal_line(&run)
    )
}
