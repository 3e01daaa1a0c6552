//! A gate, or a comparison without a policy, for people.

use std::io::{self, Write};

use promptgate_core::report::{CheckReport, Comparison, Flip, GateReport, GateVolatile, Mend, SideReport};
use promptgate_core::score::Tier;
use promptgate_core::verdict::Verdict;

use super::{NAMED, Paint, WIDTH};
use crate::checks;
use crate::escape::{shell_argument, shortened, terminal_line};
use crate::table::wrap;
use crate::words::{self, count};

pub(super) fn render(report: &GateReport, paint: Paint, out: &mut dyn Write) -> io::Result<()> {
    headline(report, paint, out)?;
    for note in report.notes.iter().chain(&report.volatile.notes) {
        writeln!(out, "{}", wrap(&format!("note: {}", terminal_line(note)), "", WIDTH))?;
    }
    let together = checks::side_by_side(report, |name| shortened(name, 40));
    if let Some(table) = &together {
        let (head, rows) = table.lines();
        writeln!(out, "\n{}", paint.dim(&head))?;
        rows.iter().try_for_each(|row| writeln!(out, "{row}"))?;
    }
    for comparison in &report.comparisons {
        writeln!(out)?;
        render_comparison(report, comparison, together.is_some(), paint, out)?;
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
    let largest = report.comparisons.iter().max_by_key(|comparison| comparison.pairs.complete);
    format!(
        "{}: {}, {} a side, {} one-sided, seed {}",
        report.suite,
        largest.map_or_else(|| "no comparison".to_owned(), checks::weight),
        count(u64::from(report.trials), "trial"),
        words::level(report.confidence),
        report.seed
    )
}

fn render_comparison(
    report: &GateReport,
    comparison: &Comparison,
    in_one_table: bool,
    paint: Paint,
    out: &mut dyn Write,
) -> io::Result<()> {
    writeln!(out, "{}", comparison_title(comparison, paint))?;
    if let Some(look) = checks::look(comparison) {
        writeln!(out, "{}", wrap(&look, "  ", WIDTH))?;
    }
    if !in_one_table {
        render_checks(report, comparison, paint, out)?;
    }
    told(report, comparison, out)?;
    render_flips(report, comparison, out)
}

fn render_checks(report: &GateReport, comparison: &Comparison, paint: Paint, out: &mut dyn Write) -> io::Result<()> {
    if let Some(detail) = checks::detail(report, comparison) {
        writeln!(out, "{}", wrap(&format!("why: {}", terminal_line(detail)), "  ", WIDTH))?;
    }
    let (head, rows) = checks::table(comparison, |name| shortened(name, 40)).lines();
    if !rows.is_empty() {
        writeln!(out, "  {}", paint.dim(&head))?;
    }
    for (check, row) in comparison.checks.iter().zip(rows) {
        writeln!(out, "  {}", paint_verdict(check, &row, paint))?;
        if checks::is_told(comparison, check) {
            writeln!(out, "{}", wrap(&terminal_line(&check.reason), "      ", WIDTH))?;
            name_cases(check, out)?;
        }
    }
    Ok(())
}

/// What stands below the checks of a comparison.
fn told(report: &GateReport, comparison: &Comparison, out: &mut dyn Write) -> io::Result<()> {
    let notes = checks::notes(report, comparison).map(|note| format!("note: {note}"));
    let why = checks::why_open(report, comparison).map(|why| format!("why: {why}"));
    let noise = checks::noise(comparison).into_iter().map(|line| format!("baseline against itself: {line}"));
    let orders = checks::both_orders(comparison);
    let here = match (checks::look_here(comparison).as_slice(), comparison.tier) {
        ([], _) | (_, Tier::Advisory) => None,
        (slices, _) => Some(format!(
            "look here (informs, never blocks; about 1 in 10 of such lines is chance): {}",
            slices.iter().take(NAMED).cloned().collect::<Vec<_>>().join("; ")
        )),
    };
    let holes = checks::holes(comparison).map(|holes| format!("pairs: {holes}"));
    for line in notes.chain(why).chain(noise).chain(orders).chain(here).chain(holes) {
        writeln!(out, "{}", wrap(&terminal_line(&line), "  ", WIDTH))?;
    }
    Ok(())
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
        Some(baseline) => format!(" against {}", shortened(&baseline.reference, 80)),
        None => String::new(),
    };
    let tier = if comparison.tier == Tier::Advisory { " (advisory: informs, does not decide)" } else { "" };
    let subject = paint.bold(&format!("{}{against}", shortened(&comparison.candidate.reference, 80)));
    let model = shortened(&comparison.model.to_string(), 80);
    match comparison.verdict {
        None => format!("{subject} on {model}{tier}"),
        Some(verdict) => format!("{subject} on {model}{tier}  {}", paint.verdict(Some(verdict), verdict.as_str())),
    }
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

fn render_flips(report: &GateReport, comparison: &Comparison, out: &mut dyn Write) -> io::Result<()> {
    if comparison.tier == Tier::Advisory {
        return Ok(());
    }
    let (broken, fixed) = checks::flips(comparison);
    let every = if report.trials > 1 && broken.iter().take(NAMED).all(|flip| checks::is_whole(flip)) {
        " (passed -> failed on every trial)"
    } else {
        ""
    };
    for (word, flips, every) in [("look first", broken, every), ("fixed", fixed, "")] {
        if !flips.is_empty() {
            writeln!(out, "{}", wrap(&format!("{word}: {}{every}", named(report, &flips)), "  ", WIDTH))?;
        }
    }
    Ok(())
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
    let tokens = words::thousands(cost.input_tokens.saturating_add(cost.output_tokens));
    let spent = format!("these answers: {tokens} tokens, {}", words::spent(&cost));
    let GateVolatile { attempts, reused, wasted_nano_usd: wasted, wasted_unpriced, .. } = report.volatile;
    let this_run = words::this_run(attempts, reused, wasted, wasted_unpriced);
    writeln!(out, "{}", paint.dim(&format!("{spent}; {this_run}")))?;
    if let Some(saved) = checks::saved(report) {
        writeln!(out, "{saved}")?;
    }
    for step in next_steps(report) {
        writeln!(out, "next: {step}")?;
    }
    Ok(())
}

fn next_steps(report: &GateReport) -> Vec<String> {
    let all = step(&["report", &report.volatile.run, "--report", "csv=cases.csv"], "every case with its output");
    match report.verdict {
        Some(Verdict::Pass) => vec![all],
        Some(Verdict::Invalid) => mend(report).into_iter().collect(),
        Some(Verdict::Unavailable) => {
            again(report, None, "asks only for what got no answer").into_iter().chain([all]).collect()
        }
        Some(Verdict::Inconclusive) => settling(report).into_iter().chain([all]).collect(),
        Some(Verdict::Fail) | None => diff(report).into_iter().chain([all]).collect(),
    }
}

/// What may settle a verdict that is open. Where no case broke, a look at the prompts settles nothing.
fn settling(report: &GateReport) -> Vec<String> {
    let lacks = |count: fn(&SideReport) -> u64| critical_sides(report).any(|side| count(side) > 0);
    let lacks_answers = lacks(|side| side.unanswered);
    let asks = again(report, None, "asks only for what got no answer").filter(|_| lacks_answers);
    let more = match () {
        () if has_broken(report) => diff(report),
        () if lacks_answers => None,
        () if lacks(|side| side.unscored) => {
            again(report, None, "once what left answers without a score is mended; stored answers are used again")
        }
        () => again(report, None, "once suite or gate are changed; stored answers are used again"),
    };
    asks.into_iter().chain(more).collect()
}

/// The sides of the comparisons that decide.
fn critical_sides(report: &GateReport) -> impl Iterator<Item = &SideReport> {
    let critical = report.comparisons.iter().filter(|comparison| comparison.tier == Tier::Critical);
    critical.flat_map(|comparison| comparison.baseline.iter().chain([&comparison.candidate]))
}

/// Whether a case that a critical check looks at is broken.
fn has_broken(report: &GateReport) -> bool {
    let checks = report.comparisons.iter().flat_map(|comparison| &comparison.checks);
    checks.filter(|check| check.tier == Tier::Critical).any(|check| check.broken.is_some_and(|broken| broken > 0))
}

/// A command and what it is good for. Names in it are a user's, so they are quoted where a shell would act on them.
fn step(command: &[&str], what: &str) -> String {
    let command: Vec<String> = command.iter().map(|part| shell_argument(part)).collect();
    format!("promptgate {}   ({what})", terminal_line(&command.join(" ")))
}

fn critical(report: &GateReport) -> Option<&Comparison> {
    report.comparisons.iter().find(|comparison| comparison.tier == Tier::Critical)
}

fn diff(report: &GateReport) -> Option<String> {
    let comparison = critical(report)?;
    let (from, to) = (&comparison.baseline.as_ref()?.reference, &comparison.candidate.reference);
    let command = ["prompt", "diff", from, to, "--suite", &report.suite_path];
    Some(step(&command, "what changed, section by section"))
}

/// What makes a comparison possible that was not, by its reason code; the sentence beside the code says what is wrong.
fn mend(report: &GateReport) -> Option<String> {
    let reason = report.comparisons.iter().find(|comparison| comparison.verdict == Some(Verdict::Invalid));
    match reason.and_then(|comparison| comparison.reason.as_deref()) {
        Some("shard_missing") => {
            Some(step(&["report", "--merge", "PART..."], "PART: the run of each part of the plan"))
        }
        _ if reason.is_some_and(|comparison| comparison.mend == Some(Mend::AnswerCandidate)) => {
            again(report, Some((CANDIDATE, "VERSION")), "VERSION: the version itself, such as NAME, answered anew")
        }
        Some("cases_changed" | "wrong_version") => {
            again(report, Some((BASELINE, "VERSION")), "VERSION: a version such as NAME@git:main, answered anew")
        }
        _ => again(report, None, "once that is mended; stored answers are used again"),
    }
}

/// The same gate again, of the same versions or with another one.
fn again(report: &GateReport, other: Option<(&str, &str)>, what: &str) -> Option<String> {
    let mut command = same(report)?;
    if says_to_call(report) {
        command.retain(|word| *word != NO_RUN);
    }
    if let Some((flag, version)) = other {
        while let Some(at) = command.iter().position(|word| *word == flag) {
            command.drain(at..(at + 2).min(command.len()));
        }
        command.extend([flag, version]);
    }
    Some(step(&command, what))
}

/// Forbids calls.
const NO_RUN: &str = "--no-run";

/// Whether what keeps a comparison from being made is that nobody may be called.
fn says_to_call(report: &GateReport) -> bool {
    report.comparisons.iter().any(|comparison| comparison.mend == Some(Mend::AllowCalls))
}

/// Names the version to judge.
const CANDIDATE: &str = "--candidate";

/// Names a version to hold to.
const BASELINE: &str = "--baseline";

/// The command of the same gate. Older records do not hold it: of their flags only the versions are known.
fn same(report: &GateReport) -> Option<Vec<&str>> {
    if !report.volatile.command.is_empty() {
        return Some(report.volatile.command.iter().map(String::as_str).collect());
    }
    let comparison = critical(report)?;
    let mut command = vec!["gate", &report.suite_path, CANDIDATE, &comparison.candidate.reference];
    if let Some(baseline) = &comparison.baseline {
        command.extend([BASELINE, &baseline.reference]);
    }
    Some(command)
}
