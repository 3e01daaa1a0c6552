//! Metrics by tag and by the value of a field, for people: the groups with the lowest pass rates. `json` has all of them.

use promptgate_core::report::{FieldSummary, RunReport, SideSummary, TagMetric};

use crate::table::{Align, Table};
use crate::words::{Unit, count, thousands};

/// Tags that are named.
const TAGS: usize = 5;

/// Values of a field that are named; they were asked for.
const VALUES: usize = 10;

/// A tag or a value may be any text.
const WIDTH: usize = 40;

/// How a text of a user's is written in a format, at most so many characters of it.
type Escape = fn(&str, usize) -> String;

/// A group by its name, with the cases that it rests on and their pass rate.
type Rate<'a> = (&'a str, u64, f64);

/// The tags with the lowest pass rates; nothing where all cases passed, or none has a tag.
pub(crate) fn by_tag(side: &SideSummary, escape: Escape) -> Option<Table> {
    let mut rates = lowest_first(side.tags.iter().map(|tag| (tag.tag.as_str(), tag.metrics.as_slice())));
    rates.retain(|(.., rate)| *rate < 1.0);
    rates.truncate(TAGS);
    (!rates.is_empty()).then(|| table("lowest by tag", &rates, escape))
}

/// The values of a field, those with the lowest pass rates first; nothing where there is no pass rate.
pub(crate) fn by_field(field: &FieldSummary, escape: Escape) -> Option<Table> {
    let mut rates = rates_of(field);
    let head = if rates.len() > VALUES { "lowest by" } else { "by" };
    rates.truncate(VALUES);
    (!rates.is_empty()).then(|| table(&format!("{head} {}", escape(&field.field, WIDTH)), &rates, escape))
}

/// What the table of a field leaves out: `2 more values; 3 cases without one`.
pub(crate) fn beside(field: &FieldSummary) -> Option<String> {
    let rated = rates_of(field).len();
    let (more, unrated) = (rated.saturating_sub(VALUES) as u64, (field.values.len() - rated) as u64);
    let told = [
        (more, format!("{} in the JSON report", count(more, "more value"))),
        (unrated, format!("{} without a pass rate", count(unrated, "value"))),
        (field.without, format!("{} without a value", count(field.without, "case"))),
        (
            field.left_out,
            format!("{} with other values than the first {}", count(field.left_out, "case"), RunReport::TAGS),
        ),
    ];
    let told: Vec<String> = told.into_iter().filter(|(number, _)| *number > 0).map(|(_, words)| words).collect();
    (!told.is_empty()).then(|| told.join("; "))
}

fn rates_of(field: &FieldSummary) -> Vec<Rate<'_>> {
    lowest_first(field.values.iter().map(|value| (value.value.as_str(), value.metrics.as_slice())))
}

fn lowest_first<'a>(groups: impl Iterator<Item = (&'a str, &'a [TagMetric])>) -> Vec<Rate<'a>> {
    let rate = |(name, metrics): (&'a str, &'a [TagMetric])| {
        let metric = metrics.iter().find(|metric| metric.name.as_str() == "pass_rate")?;
        Some((name, metric.n, metric.value))
    };
    let mut rates: Vec<Rate<'a>> = groups.filter_map(rate).collect();
    rates.sort_by(|(.., one), (.., other)| one.total_cmp(other));
    rates
}

fn table(head: &str, rates: &[Rate<'_>], escape: Escape) -> Table {
    let mut table = Table::new(&[(head, Align::Left), ("pass_rate", Align::Right), ("cases", Align::Right)]);
    for (name, n, rate) in rates {
        table.row(vec![escape(name, WIDTH), Unit::Share.value(*rate), thousands(*n)]);
    }
    table
}
