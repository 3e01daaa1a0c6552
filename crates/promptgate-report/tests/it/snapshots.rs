//! Every stored report in every format. `json` and `jsonl` give back the fixture itself, byte for byte; the others are
//! snapshots. What acts on a screen is shown as an escape in the snapshot files, so that they can be read.

use promptgate_report::escape::acts;

use crate::fixture::{names, record_of, rendered, rendered_with, text};

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
