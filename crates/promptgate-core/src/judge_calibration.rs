//! What judges gave the labelled outputs of a suite, kept in a file so that a judge can be held against itself later.

use serde::{Deserialize, Serialize};

use crate::diagnostic::{Diagnostic, Location};
use crate::digest::Digest;
use crate::name::{CaseId, SuiteName};

/// The schema of the file. It grows, it never changes.
pub const JUDGE_CALIBRATION_SCHEMA: &str = "promptgate.judge-calibration/1";

/// The grades of all judged assertions that were calibrated together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JudgeCalibration {
    /// [`JUDGE_CALIBRATION_SCHEMA`].
    pub schema: String,
    /// The suite.
    pub suite: SuiteName,
    /// One per assertion, each name once.
    pub assertions: Vec<AssertionGrades>,
}

/// The grades of one assertion.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AssertionGrades {
    /// Its name.
    pub assertion: String,
    /// The digest of how it grades: parameters, prompt and models of its judges.
    pub judge: Digest,
    /// The models that it asks, as the suite names them.
    pub models: Vec<String>,
    /// The models that answered, as their providers name them; empty where none said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answered_by: Vec<String>,
    /// One per labelled output, by case and output.
    pub grades: Vec<OutputGrade>,
}

/// What one labelled output got.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OutputGrade {
    /// The case.
    pub case: CaseId,
    /// The digest of the output.
    pub output: Digest,
    /// What people say, the mean where several do, in 0..=1.
    pub people: f64,
    /// What the judge says, in 0..=1; absent where it gave no grade.
    pub judge: Option<f64>,
}

impl JudgeCalibration {
    /// The calibration of a suite.
    pub fn new(suite: SuiteName, assertions: Vec<AssertionGrades>) -> Self {
        Self { schema: JUDGE_CALIBRATION_SCHEMA.to_owned(), suite, assertions }
    }

    /// Reads the file.
    ///
    /// # Errors
    ///
    /// What is no calibration of a judge, has another schema, or holds grades that are not from 0 to 1.
    pub fn parse(text: &str, file: &str) -> Result<Self, Diagnostic> {
        let mistake = |(line, column): (usize, usize), message: String| {
            let [line, column] = [line, column].map(|number| u32::try_from(number.max(1)).unwrap_or(u32::MAX));
            let at = Location { column, ..Location::of_line(file, line) };
            let help = "write it anew: promptgate judge calibrate SUITE --save FILE";
            Diagnostic::new(message).at(at).help(help)
        };
        #[derive(Deserialize)]
        struct Schema {
            schema: String,
        }
        let unread = |error: serde_json::Error| {
            mistake((error.line(), error.column()), format!("this is no calibration of a judge: {error}"))
        };
        let Schema { schema } = serde_json::from_str(text).map_err(unread)?;
        if schema != JUDGE_CALIBRATION_SCHEMA {
            let known =
                format!("the schema is `{schema}`; this version of promptgate knows `{JUDGE_CALIBRATION_SCHEMA}`");
            return Err(mistake((1, 1), known));
        }
        let calibration: Self = serde_json::from_str(text).map_err(unread)?;
        match calibration.assertions.iter().find_map(AssertionGrades::impossible) {
            Some(what) => Err(mistake((1, 1), what)),
            None => Ok(calibration),
        }
    }

    /// The file's text.
    ///
    /// # Errors
    ///
    /// Grades that are not from 0 to 1 are refused.
    pub fn to_json(&self) -> Result<String, String> {
        if let Some(what) = self.assertions.iter().find_map(AssertionGrades::impossible) {
            return Err(what);
        }
        serde_json::to_string_pretty(self).map(|text| text + "\n").map_err(|error| error.to_string())
    }

    /// The grades of an assertion.
    pub fn of(&self, assertion: &str) -> Option<&AssertionGrades> {
        self.assertions.iter().find(|grades| grades.assertion == assertion)
    }
}

impl AssertionGrades {
    /// The first grade that cannot be.
    fn impossible(&self) -> Option<String> {
        let is_score = |score: &f64| (0.0..=1.0).contains(score);
        let wrong = self.grades.iter().find(|grade| !is_score(&grade.people) || !grade.judge.iter().all(is_score))?;
        Some(format!("`{}` grades an output of the case `{}` outside 0 to 1", self.assertion, wrong.case))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calibration(judge: Option<f64>) -> JudgeCalibration {
        let (case, output) = (CaseId::new("a").unwrap(), Digest::of_bytes(b"please"));
        let grades = AssertionGrades {
            assertion: "polite".to_owned(),
            judge: Digest::of_bytes(b"judge"),
            models: vec!["openai/gpt-4.1".to_owned()],
            answered_by: Vec::new(),
            grades: vec![OutputGrade { case, output, people: 1.0, judge }],
        };
        JudgeCalibration::new(SuiteName::new("judged").unwrap(), vec![grades])
    }

    #[test]
    fn a_calibration_reads_back_and_what_cannot_be_is_refused_at_its_place() {
        for judge in [Some(0.25), None] {
            let text = calibration(judge).to_json().unwrap();
            assert_eq!(JudgeCalibration::parse(&text, "j.json"), Ok(calibration(judge)));
        }
        assert!(calibration(Some(f64::NAN)).to_json().is_err());
        let refused = |from: &str, to: &str, says: &str| {
            let text = calibration(Some(0.25)).to_json().unwrap();
            assert!(text.contains(from), "{text}");
            let error = JudgeCalibration::parse(&text.replace(from, to), "j.json").unwrap_err().to_string();
            assert!(error.starts_with("j.json:") && error.contains(says), "{error}");
        };
        refused("judge-calibration/1", "judge-calibration/2", "the schema is `promptgate.judge-calibration/2`");
        refused("\"people\": 1.0", "\"people\": 1.5", "grades an output of the case `a` outside 0 to 1");
        refused("\"people\": 1.0,", "", "j.json:17:9: this is no calibration of a judge: missing field `people`");
    }
}
