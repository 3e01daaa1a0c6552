//! `csv`: one row per trial, every cell safe for a spreadsheet. Outcomes are those of the record: a time-out is `failed` also
//! where a gate takes it for missing, since neither side heard anything of the model.

use std::io::{self, Write};

use promptgate_core::record::{RunHeader, SettledTrial, TrialError};
use promptgate_core::score::Outcome;

use crate::escape::csv_cell;
use crate::registry::Rendering;
use crate::words;

const COLUMNS: [&str; 15] = [
    "case",
    "version",
    "model",
    "repeat",
    "outcome",
    "score",
    "failed_assertions",
    "reason",
    "output",
    "finish_reason",
    "input_tokens",
    "output_tokens",
    "cost_usd",
    "latency_ms",
    "tags",
];

pub(crate) fn render(rendering: &Rendering<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record(COLUMNS)?;
    for trial in rendering.record.trials() {
        let row = row(rendering.record.header(), &trial.map_err(io::Error::other)?);
        writer.write_record(row.iter().map(|cell| csv_cell(cell).into_owned()))?;
    }
    writer.flush()
}

fn row(header: &RunHeader, trial: &SettledTrial) -> [String; 15] {
    let response = trial.response.as_ref();
    let usage = response.and_then(|response| response.usage);
    let number = |value: Option<u64>| value.map(|value| value.to_string()).unwrap_or_default();
    [
        trial.case.id.to_string(),
        header.versions.get(trial.version).map(|version| version.reference.clone()).unwrap_or_default(),
        header.models.get(trial.model).map(|model| model.id.to_string()).unwrap_or_default(),
        trial.repeat.to_string(),
        words::outcome(trial.outcome).to_owned(),
        trial.score.map(|score| score.to_string()).unwrap_or_default(),
        failed_assertions(trial),
        reason(trial),
        response.map(|response| response.output.clone()).unwrap_or_default(),
        response.map(|response| response.finish_reason.as_str().to_owned()).unwrap_or_default(),
        number(usage.map(|usage| usage.input_tokens)),
        number(usage.map(|usage| usage.output_tokens)),
        response.and_then(|response| response.cost).map(|cost| cost.dollars().to_string()).unwrap_or_default(),
        number(response.and_then(|response| response.latency_ms)),
        trial.case.tags.join(";"),
    ]
}

fn failed_assertions(trial: &SettledTrial) -> String {
    let failed = trial.assertions.iter().filter(|each| !each.scored.passed && each.scored.score.value().is_some());
    failed.map(|each| each.name.as_str()).collect::<Vec<_>>().join(";")
}

fn reason(trial: &SettledTrial) -> String {
    match (&trial.error, &trial.failure) {
        (Some(TrialError::Unanswered(failure)), _) => failure.message.clone(),
        (Some(TrialError::Unscored { assertion, reason }), _) => format!("{assertion}: {reason}"),
        (None, Some(failure)) => failure.message.clone(),
        (None, None) if trial.outcome == Outcome::Failed => words::first_failure(trial).unwrap_or_default(),
        (None, None) => String::new(),
    }
}
