//! What people say of outputs, by case and output.

use std::collections::HashMap;

use promptgate_core::diagnostic::Location;
use promptgate_core::format::labels::{HumanLabel, parse};
use promptgate_core::name::CaseId;
use promptgate_core::{Diagnostic, Digest};
use serde_json::Value;

use super::BuildContext;
use super::judge::Shape;

/// Labels by case and output; several people may have labelled one.
pub(crate) struct Labels(HashMap<(CaseId, Digest), Vec<Value>>);

impl Labels {
    /// Reads a file from the suite's folder; its digest belongs to the grading. A label that the judge cannot give would be
    /// lost unseen, so it is a mistake.
    pub(crate) fn read(context: &BuildContext<'_>, path: &str, shape: &Shape) -> Result<Self, String> {
        let given: Vec<&str> = shape.labels().iter().map(|(label, _)| label.as_str()).collect();
        let labels = parse(&context.text_file(path)?, path, &given).map_err(|mistake| mistake.to_string())?;
        match labels.iter().find(|label| shape.score_of(&label.label).is_none()) {
            Some(label) => Err(not_given(label, path, &given).to_string()),
            None if labels.is_empty() => Err(format!("`{path}` holds no label")),
            None => Ok(Self::of_each(labels)),
        }
    }

    /// The same of a file in which nothing may stand yet, or that is not there yet.
    pub(crate) fn read_if_any(context: &BuildContext<'_>, path: &str) -> Result<Self, String> {
        let text = context.text_file_if_any(path)?.unwrap_or_default();
        parse(&text, path, &[]).map(Self::of_each).map_err(|mistake| mistake.to_string())
    }

    fn of_each(given: Vec<HumanLabel>) -> Self {
        let mut labels: HashMap<(CaseId, Digest), Vec<Value>> = HashMap::new();
        for label in given {
            labels.entry((label.case, Digest::of_bytes(label.output.as_bytes()))).or_default().push(label.label);
        }
        Self(labels)
    }

    /// The mean of what people say of an output, as a score; none where a label is none of those that count.
    pub(crate) fn of(&self, case: &CaseId, output: &str, score_of: impl Fn(&Value) -> Option<f64>) -> Option<f64> {
        let labels = self.0.get(&(case.clone(), Digest::of_bytes(output.as_bytes())))?;
        let scores = labels.iter().map(score_of).collect::<Option<Vec<f64>>>()?;
        Some(scores.iter().sum::<f64>() / scores.len() as f64)
    }

    /// All labels, in no order.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Value> {
        self.0.values().flatten()
    }
}

fn not_given(label: &HumanLabel, path: &str, given: &[&str]) -> Diagnostic {
    let message = format!("the judge gives no such label: {}", label.label);
    let help = match given {
        [] => "write a number from 0 to 1, true or false".to_owned(),
        given => format!("write a number from 0 to 1, true or false, or one of: {}", given.join(", ")),
    };
    Diagnostic::new(message).at(Location::of_line(path, label.line)).help(help)
}
