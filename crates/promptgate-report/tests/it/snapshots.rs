//! Every stored report in every format. `json` and `jsonl` give back the fixture itself, byte for byte; the others are
//! snapshots. What acts on a screen is shown as an escape in the snapshot files, so that they can be read.

use promptgate_core::report::{Comparison, GateReport, Mend, Report};
use promptgate_core::score::Tier;
use promptgate_report::Rendering;
use promptgate_report::escape::acts;
use promptgate_report::registry::by_name;

use crate::fixture::{names, record, record_of, rendered, rendered_with, report, text};

fn visible(text: &str) -> String {
    let shown = |c: char| if acts(c) && c != '\n' { c.escape_unicode().to_string() } else { c.to_string() };
    text.chars().map(shown).collect()
}

fn check(format: &str, names: &[String]) {
    for name in names {
        insta::assert_snapshot!(format!("{format}-{name}"), visible(&rendered(name, format)));
    }
}

#[test]
fn for_people_the_verdict_comes_first() {
    check("terminal", &names());
}

#[test]
fn colour_only_repeats_what_the_words_say() {
    for name in names() {
        let (plain, coloured) = (rendered(&name, "terminal"), rendered_with(&name, "terminal", true));
        assert!(coloured.contains('\x1b'), "{name}");
        assert_eq!(anstream::adapter::strip_str(&coloured).to_string(), plain, "{name}");
    }
}

#[test]
fn markdown_says_the_same() {
    check("markdown", &names());
}

#[test]
fn junit_lists_trials_and_comparisons() {
    check("junit", &names());
}

#[test]
fn csv_depends_on_the_record_alone() {
    check("csv", &["gate-fail-rule".to_owned(), "run-failed".to_owned(), "gate-hostile".to_owned()]);
}

#[test]
fn json_gives_back_the_stored_report() {
    for name in names() {
        assert_eq!(rendered(&name, "json"), text(&format!("{name}.json")), "{name}");
    }
}

#[test]
fn jsonl_gives_back_the_stored_trials() {
    for name in names() {
        let stored = text(record_of(&name));
        let (_, trials) = stored.split_once('\n').unwrap();
        assert_eq!(rendered(&name, "jsonl"), trials, "{name}");
    }
}

/// The command that a gate says to run next, where the run was asked for with `--no-run`.
#[track_caller]
fn check_next(name: &str, change: &dyn Fn(&mut GateReport), expected: &str) {
    let (mut report, record) = (report(name), record(record_of(name)));
    let Report::Gate(gate) = &mut report else { panic!("{name} is no gate") };
    let words = "gate suites/s --candidate new --baseline old --baseline b --trials 2 --no-run";
    gate.volatile.command = words.split(' ').map(str::to_owned).collect();
    change(gate);
    let mut bytes = Vec::new();
    let rendering = Rendering { report: &report, record: &record, colour: false };
    (by_name("terminal").unwrap().render)(&rendering, &mut bytes).unwrap();
    let printed = String::from_utf8(bytes).unwrap();
    assert!(printed.contains(&format!("next: promptgate {expected}   (")), "{printed}");
}

/// What is said to be run next after a gate that is not settled, without the commands.
fn next_after_open(change: impl Fn(&mut Comparison), broken: u64) -> Vec<String> {
    let (mut report, record) = (report("gate-inconclusive"), record("gate.jsonl"));
    let Report::Gate(gate) = &mut report else { panic!("it is no gate") };
    // An advisory one beside it, which nothing was heard of, changes nothing.
    let mut comparison = gate.comparisons.remove(0);
    comparison.checks.iter_mut().for_each(|check| check.broken = Some(broken));
    let mut advisory = Comparison { tier: Tier::Advisory, ..comparison.clone() };
    advisory.candidate.unanswered = 1;
    change(&mut comparison);
    gate.comparisons = vec![comparison, advisory];
    let mut bytes = Vec::new();
    let rendering = Rendering { report: &report, record: &record, colour: false };
    (by_name("terminal").unwrap().render)(&rendering, &mut bytes).unwrap();
    let printed = String::from_utf8(bytes).unwrap();
    let next = printed.lines().filter(|line| line.starts_with("next: "));
    next.map(|line| line.split_once("   (").unwrap().1.trim_end_matches(')').to_owned()).collect()
}

#[test]
fn what_to_run_next_says_whether_running_again_is_enough() {
    let (all, diff) = ("every case with its output", "what changed, section by section");
    let (asks, mended) = ("asks only for what got no answer", "once what left answers without a score is mended");
    let starts = |found: Vec<String>, expected: &[&str]| {
        let fits = found.iter().zip(expected).all(|(found, expected)| found.starts_with(expected));
        assert!(fits && found.len() == expected.len(), "{found:?} is not {expected:?}");
    };
    let unanswered = |comparison: &mut Comparison| comparison.candidate.unanswered = 1;
    starts(next_after_open(unanswered, 0), &[asks, all]);
    starts(next_after_open(unanswered, 1), &[asks, diff, all]);
    starts(next_after_open(|comparison| comparison.candidate.unscored = 60, 0), &[mended, all]);
    starts(next_after_open(|_| {}, 1), &[diff, all]);
    starts(next_after_open(|_| {}, 0), &["once suite or gate are changed", all]);
}

#[test]
fn what_to_run_next_is_the_command_that_was_run_without_what_keeps_it_from_an_answer() {
    let same = "gate suites/s --candidate new --baseline old --baseline b --trials 2 --no-run";
    check_next("gate-unavailable", &|_| {}, same);
    check_next("gate-invalid", &|_| {}, "gate suites/s --candidate new --trials 2 --no-run --baseline VERSION");
    let not_asked = |gate: &mut GateReport| {
        let reason = Some("judge_changed".to_owned());
        gate.comparisons
            .iter_mut()
            .for_each(|each| (each.reason, each.mend) = (reason.clone(), Some(Mend::AllowCalls)));
    };
    check_next("gate-invalid", &not_asked, "gate suites/s --candidate new --baseline old --baseline b --trials 2");
    // The words of a detail decide nothing.
    let told = |gate: &mut GateReport| {
        let words = "of the stored candidate, `--no-run`".to_owned();
        gate.comparisons.iter_mut().for_each(|each| each.detail = Some(words.clone()));
    };
    check_next("gate-invalid", &told, "gate suites/s --candidate new --trials 2 --no-run --baseline VERSION");
}
