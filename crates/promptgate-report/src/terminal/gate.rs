//! A gate, or a comparison without a policy, for people.

use std::io::{self, Write};

use promptgate_core::report::{CheckReport, Comparison, Flip, GateReport};
use promptgate_core::score::Tier;
use promptgate_core::verdict::Verdict;

use super::{NAMED, Paint, WIDTH};
use crate::escape::{shortened, terminal_line};
use crate::table::{Align, Table, wrap};
use crate::words::{self, Unit, count};

pub(super) fn render(report: &GateReport, paint: Paint, out: &mut dyn Write) -> io::Result<()> {
    headline(report, paint, out)?;
    for note in &report.notes {
        writeln!(out, "{}", wrap(&format!("note: {}", terminal_line(note)), "", WIDTH))?;
    }
    for comparison in &report.comparisons {
        writeln!(out)?;
        render_comparison(report, comparison, paint, out)?;
    }
    writeln!(out)?;
    closing(report, paint, out)
}

fn headline(report: &GateReport, paint: Paint, out: &mut dyn Write) -> io::Result<()> {
    let line = promptgate_core::report::headline(report);
    let word = if report.verdict.is_some() { "GATE  " } else { "" };
    writeln!(out, "{}{}", paint.bold(word), paint.verdict(report.verdict, &terminal_line(&line)))?;
    writeln!(out, "{}", paint.dim(&circumstances(report)))
}

/// `support-triage, 212 cases, 1 trial a side, 95 % one-sided, seed 7`.
fn circumstances(report: &GateReport) -> String {
    let cases = report.comparisons.iter().map(|comparison| comparison.pairs.complete).max().unwrap_or(0);
    format!(
        "{}: {}, {} a side, {:.4}% one-sided, seed {}",
        report.suite,
        count(cases, "complete pair"),
        count(u64::from(report.trials), "trial"),
        report.confidence * 100.0,
        report.seed
    )
    .replace(".0000%", "%")
}

fn render_comparison(
    report: &GateReport,
    comparison: &Comparison,
    paint: Paint,
    out: &mut dyn Write,
) -> io::Result<()> {
    writeln!(out, "{}", comparison_title(comparison, paint))?;
    let (head, rows) = checks_table(comparison).lines();
    writeln!(out, "  {}", paint.dim(&head))?;
    for (check, row) in comparison.checks.iter().zip(rows) {
        writeln!(out, "  {}", paint_verdict(check, &row, paint))?;
        if is_told(comparison, check) {
            writeln!(out, "{}", wrap(&terminal_line(&check.reason), "      ", WIDTH))?;
            name_cases(check, out)?;
        }
    }
    for note in &comparison.notes {
        writeln!(out, "{}", wrap(&format!("note: {}", terminal_line(note)), "  ", WIDTH))?;
    }
    render_pairs(comparison, out)?;
    render_flips(report, comparison, out)
}

/// Whether a check is told in words: what decides always is, what only informs when it did not pass.
fn is_told(comparison: &Comparison, check: &CheckReport) -> bool {
    let matters = check.tier == Tier::Critical || check.verdict != Some(Verdict::Pass);
    comparison.tier == Tier::Critical && matters && !check.reason.is_empty()
}

/// The cases that a rule names.
fn name_cases(check: &CheckReport, out: &mut dyn Write) -> io::Result<()> {
    if check.cases.is_empty() {
        return Ok(());
    }
    let names: Vec<String> = check.cases.iter().take(NAMED).map(|case| shortened(case.as_str(), 60)).collect();
    let more = check.cases.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(", and {more} more") } else { String::new() };
    writeln!(out, "{}", wrap(&format!("these: {}{more}", names.join(", ")), "      ", WIDTH))
}

fn comparison_title(comparison: &Comparison, paint: Paint) -> String {
    let against = match &comparison.baseline {
        Some(baseline) => format!(" against {}", terminal_line(&baseline.reference)),
        None => String::new(),
    };
    let tier = if comparison.tier == Tier::Advisory { " (advisory: informs, does not decide)" } else { "" };
    let verdict = comparison.verdict.map_or("", Verdict::as_str);
    let subject = format!("{}{against}", terminal_line(&comparison.candidate.reference));
    format!(
        "{} on {}{tier}  {}",
        paint.bold(&subject),
        terminal_line(&comparison.model.to_string()),
        paint.verdict(comparison.verdict, verdict)
    )
    .trim_end()
    .to_owned()
}

fn checks_table(comparison: &Comparison) -> Table {
    let level = comparison.checks.iter().find_map(|check| check.interval_level).unwrap_or(0.90);
    let range = format!("{:.4}% range", level * 100.0).replace(".0000%", "%");
    let mut table = Table::new(&[
        ("check", Align::Left),
        ("baseline", Align::Right),
        ("candidate", Align::Right),
        ("change", Align::Right),
        (&range, Align::Right),
        ("allowed", Align::Right),
        ("verdict", Align::Left),
    ]);
    for check in &comparison.checks {
        table.row(check_row(check));
    }
    table
}

fn check_row(check: &CheckReport) -> Vec<String> {
    let unit = Unit::of(check.metric.as_ref().map_or("", |metric| metric.as_str()));
    let value = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| unit.value(value));
    let advisory = if check.tier == Tier::Advisory { " (advisory)" } else { "" };
    vec![
        shortened(&words::check_name(check), 40),
        value(check.baseline),
        value(check.candidate),
        check.difference.map_or_else(|| "-".to_owned(), |difference| words::change(check, difference)),
        check.interval.map_or_else(|| "-".to_owned(), |interval| words::range(check, interval)),
        words::limit(check),
        format!("{}{advisory}", check.verdict.map_or("-", Verdict::as_str)),
    ]
}

/// Colours the verdict word at the end of a row.
fn paint_verdict(check: &CheckReport, row: &str, paint: Paint) -> String {
    let Some(verdict) = check.verdict else { return row.to_owned() };
    match row.rfind(verdict.as_str()) {
        Some(at) => {
            let (head, tail) = row.split_at(at);
            let (word, rest) = tail.split_at(verdict.as_str().len());
            format!("{head}{}{rest}", paint.verdict(Some(verdict), word))
        }
        None => row.to_owned(),
    }
}

fn render_pairs(comparison: &Comparison, out: &mut dyn Write) -> io::Result<()> {
    let pairs = comparison.pairs;
    let holes = [
        (pairs.missing_baseline, "without an answer on the baseline"),
        (pairs.missing_candidate, "without an answer on the candidate"),
        (pairs.changed_cases, "changed since the stored baseline"),
    ];
    let holes: Vec<String> =
        holes.iter().filter(|(number, _)| *number > 0).map(|(number, what)| format!("{number} {what}")).collect();
    if holes.is_empty() {
        return Ok(());
    }
    writeln!(out, "  pairs: {} complete; {}", pairs.complete, holes.join(", "))
}

fn render_flips(report: &GateReport, comparison: &Comparison, out: &mut dyn Write) -> io::Result<()> {
    if comparison.tier == Tier::Advisory {
        return Ok(());
    }
    let (broken, fixed): (Vec<&Flip>, Vec<&Flip>) = comparison.flips.iter().partition(|flip| is_broken(flip));
    for (word, flips) in [("broke", broken), ("fixed", fixed)] {
        if !flips.is_empty() {
            writeln!(out, "{}", wrap(&format!("{word}: {}", named(report, &flips)), "  ", WIDTH))?;
        }
    }
    Ok(())
}

/// Whether the share of passed trials fell.
fn is_broken(flip: &Flip) -> bool {
    share(&flip.candidate) < share(&flip.baseline)
}

fn share(fraction: &str) -> f64 {
    let (passed, of) = fraction.split_once('/').unwrap_or(("0", "1"));
    passed.parse::<f64>().unwrap_or(0.0) / of.parse::<f64>().unwrap_or(1.0).max(1.0)
}

fn named(report: &GateReport, flips: &[&Flip]) -> String {
    let name = |flip: &&Flip| {
        let id = shortened(flip.case.as_str(), 60);
        if report.trials > 1 { format!("{id} ({} -> {})", flip.baseline, flip.candidate) } else { id }
    };
    let names: Vec<String> = flips.iter().take(NAMED).map(name).collect();
    match flips.len().saturating_sub(NAMED) {
        0 => names.join(", "),
        more => format!("{}, and {more} more", names.join(", ")),
    }
}

fn closing(report: &GateReport, paint: Paint, out: &mut dyn Write) -> io::Result<()> {
    let cost = report.cost;
    let unpriced = if cost.unpriced > 0 { format!(", {} without a known price", cost.unpriced) } else { String::new() };
    let tokens = words::thousands(cost.input_tokens + cost.output_tokens);
    let spent = format!("these answers: {tokens} tokens, {}{unpriced}", cost.nano_usd);
    let calls = count(report.volatile.attempts, "call");
    writeln!(out, "{}", paint.dim(&format!("{spent}; this run: {calls}, {} reused", report.volatile.reused)))?;
    for step in next_steps(report) {
        writeln!(out, "next: {step}")?;
    }
    Ok(())
}

fn next_steps(report: &GateReport) -> Vec<String> {
    let run = terminal_line(&report.volatile.run).into_owned();
    let all = format!("promptgate report {run} --report csv=cases.csv   (every case with its output)");
    let first = report.comparisons.iter().find(|comparison| comparison.tier == Tier::Critical);
    let diff = first.and_then(|comparison| {
        let baseline = comparison.baseline.as_ref()?;
        let (from, to) = (terminal_line(&baseline.reference), terminal_line(&comparison.candidate.reference));
        Some(format!(
            "promptgate prompt diff {from} {to} --suite {}   (what changed, section by section)",
            report.suite_path
        ))
    });
    match report.verdict {
        Some(Verdict::Pass) => vec![all],
        _ => diff.into_iter().chain([all]).collect(),
    }
}
