//! The labels that an assertion chose, for people: how often the right one, label by label, and what is mixed up most.

use promptgate_core::report::words::cut;
use promptgate_core::report::{Confused, LabelSummary};

use crate::table::{Align, Table};
use crate::words::{Unit, thousands};

/// A label may be any short text that a model wrote.
const WIDTH: usize = 40;

/// Labels that are listed; of more the totals say enough.
const LISTED: usize = 12;

/// Confusions that are named.
const NAMED: usize = 3;

/// `queue by label: 91.2% right, mean F1 90.1%`, or how often each came where none is the right one.
pub(crate) fn headline(summary: &LabelSummary) -> String {
    let name = cut(&summary.assertion, 60);
    let share = |value: f64| Unit::Share.value(value);
    match (summary.accuracy, summary.macro_f1) {
        (Some(accuracy), Some(f1)) => format!("{name} by label: {} right, mean F1 {}", share(accuracy), share(f1)),
        _ => {
            let each = summary.labels.iter().take(LISTED);
            let each: Vec<String> =
                each.map(|label| format!("{} {}", cut(&label.label, WIDTH), thousands(label.found))).collect();
            format!("{name} by label: {}", each.join(", "))
        }
    }
}

/// A row a label, escaped as the format does; nothing where all are right, none is the right one, or there are many.
pub(crate) fn table(summary: &LabelSummary, escape: fn(&str, usize) -> String) -> Option<Table> {
    let some_are_wrong = summary.accuracy.is_some_and(|accuracy| accuracy < 1.0);
    if !some_are_wrong || summary.labels.len() > LISTED {
        return None;
    }
    let mut table = Table::new(&[
        ("label", Align::Left),
        ("expected", Align::Right),
        ("found", Align::Right),
        ("precision", Align::Right),
        ("recall", Align::Right),
        ("F1", Align::Right),
    ]);
    let share = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| Unit::Share.value(value));
    for label in &summary.labels {
        table.row(vec![
            escape(&label.label, WIDTH),
            thousands(label.expected),
            thousands(label.found),
            share(label.precision),
            share(label.recall),
            share(label.f1),
        ]);
    }
    Some(table)
}

/// `mixed up most: billing taken for refund (3)`; nothing where nothing is.
pub(crate) fn mixed_up(summary: &LabelSummary) -> Option<String> {
    let wrong = |cell: &&Confused| cell.expected.is_some() && cell.expected != cell.found;
    let mut wrong: Vec<&Confused> = summary.confusion.iter().filter(wrong).collect();
    wrong.sort_by_key(|cell| std::cmp::Reverse(cell.n));
    let named = wrong.iter().take(NAMED).map(|cell| {
        let [expected, found] =
            [&cell.expected, &cell.found].map(|label| label.as_deref().map(|label| cut(label, WIDTH)));
        let how = found.map_or_else(|| "without a label".to_owned(), |found| format!("taken for {found}"));
        format!("{} {how} ({})", expected.unwrap_or_default(), thousands(cell.n))
    });
    let named: Vec<String> = named.collect();
    (!named.is_empty()).then(|| format!("mixed up most: {}", named.join(", ")))
}
