//! What people say of outputs, by case and output.

use std::collections::HashMap;

use promptgate_core::Digest;
use promptgate_core::format::labels::parse;
use promptgate_core::name::CaseId;
use serde_json::Value;

use super::BuildContext;

/// Labels by case and output; several people may have labelled one.
pub(crate) struct Labels(HashMap<(CaseId, Digest), Vec<Value>>);

impl Labels {
    /// Reads a file from the suite's folder; its digest belongs to the grading.
    pub(crate) fn read(context: &BuildContext<'_>, path: &str) -> Result<Self, String> {
        let labels = Self::parse(&context.text_file(path)?, path)?;
        if labels.0.is_empty() { Err(format!("`{path}` holds no label")) } else { Ok(labels) }
    }

    /// The same of a file in which nothing may stand yet, or that is not there yet.
    pub(crate) fn read_if_any(context: &BuildContext<'_>, path: &str) -> Result<Self, String> {
        Self::parse(&context.text_file_if_any(path)?.unwrap_or_default(), path)
    }

    fn parse(text: &str, path: &str) -> Result<Self, String> {
        let mut labels: HashMap<(CaseId, Digest), Vec<Value>> = HashMap::new();
        for label in parse(text, path).map_err(|mistake| mistake.to_string())? {
            labels.entry((label.case, Digest::of_bytes(label.output.as_bytes()))).or_default().push(label.label);
        }
        Ok(Self(labels))
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
