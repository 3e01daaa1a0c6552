//! `[[metric]]`: metrics that are reckoned from others.

use std::collections::BTreeSet;

use super::super::assertion::metric_name;
use super::super::node::Node;
use super::super::source::Source;
use super::super::table::Fields;
use crate::formula::Formula;
use crate::name::MetricName;
use crate::nearest::did_you_mean;
use crate::suite::DerivedMetric;

/// Reads the tables; a name stands once, and is none that an assertion feeds. `fed` are the metrics of the suite's
/// assertions, and whether cases may feed others.
pub(super) fn list(
    source: &Source<'_>,
    items: &[Node],
    (fed, of_cases_too): (&BTreeSet<MetricName>, bool),
) -> Vec<DerivedMetric> {
    let mut known = fed.clone();
    let mut found: Vec<DerivedMetric> = Vec::new();
    for item in items {
        let Some(fields) = Fields::of(source, item, "a derived metric") else { continue };
        fields.require("name", "write `name = \"f1\"`");
        fields.require("formula", "write `formula = \"2 * precision * recall / (precision + recall)\"`");
        let name = metric_name(&fields, "name");
        let help = "write numbers, metrics, + - * /, comparisons and parentheses; a name with blanks in single quotes";
        let formula = fields.parsed("formula", help, Formula::parse);
        if let Some(name) = name.as_ref().filter(|name| known.contains(*name)) {
            fields.mistake("name", format!("there is a metric `{name}` already"), "choose another name");
        }
        if let Some(metric) = name.zip(formula).map(|(name, formula)| DerivedMetric { name, formula }) {
            if let Some((message, help)) = mistake(&metric, &known).filter(|_| !of_cases_too) {
                fields.mistake("formula", message, help);
            }
            known.insert(metric.name.clone());
            found.push(metric);
        }
        fields.finish();
    }
    found
}

/// What is wrong with a formula where only these metrics are known, and what to do.
pub(super) fn mistake(metric: &DerivedMetric, known: &BTreeSet<MetricName>) -> Option<(String, String)> {
    let names = metric.formula.names();
    if names.is_empty() {
        let message = format!("the formula of `{}` names no metric", metric.name);
        return Some((message, "name one that an assertion feeds".to_owned()));
    }
    let unknown = names.iter().find(|name| !known.contains(*name))?;
    let message = format!("nothing before `{}` feeds the metric `{unknown}`", metric.name);
    Some((message, did_you_mean(unknown.as_str(), known.iter().map(MetricName::as_str))))
}
