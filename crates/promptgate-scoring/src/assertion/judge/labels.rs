//! What people say of outputs, by case and output.

use std::collections::HashMap;

use promptgate_core::Digest;
use promptgate_core::format::labels::parse;
use promptgate_core::name::CaseId;
use serde_json::Value;

use super::Shape;
use crate::assertion::BuildContext;

/// Labels by case and output; several people may have labelled one.
pub(super) struct Labels(HashMap<(CaseId, Digest), Vec<Value>>);

impl Labels {
    /// Reads a file from the suite's folder; its digest belongs to the grading.
    pub(super) fn read(context: &BuildContext<'_>, path: &str) -> Result<Self, String> {
        let text = context.text_file(path)?;
        let mut labels: HashMap<(CaseId, Digest), Vec<Value>> = HashMap::new();
        for label in parse(&text, path).map_err(|mistake| mistake.to_string())? {
            labels.entry((label.case, Digest::of_bytes(label.output.as_bytes()))).or_default().push(label.label);
        }
        if labels.is_empty() { Err(format!("`{path}` holds no label")) } else { Ok(Self(labels)) }
    }

    /// The mean of what people say of an output, as a score; a word counts as the judge's label of that name.
    pub(super) fn of(&self, case: &CaseId, output: &str, shape: &Shape) -> Option<f64> {
        let labels = self.0.get(&(case.clone(), Digest::of_bytes(output.as_bytes())))?;
        let scores: Option<Vec<f64>> = labels.iter().map(|label| shape.score_of(label)).collect();
        let scores = scores?;
        Some(scores.iter().sum::<f64>() / scores.len() as f64)
    }
}
