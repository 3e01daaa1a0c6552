//! The scoring stage alone, on one thread: grades as many answers of 200 bytes as its argument says. `cargo xtask bench
//! scoring` measures it; there is no clock in here.
#![allow(clippy::expect_used, reason = "a bench that cannot set up its world has failed")]

use std::sync::Arc;

use promptgate_core::answer::Response;
use promptgate_core::case::Case;
use promptgate_core::format::cases::{CasesFormat, read_cases};
use promptgate_core::port::{Tree, TreeError, TreePath};
use promptgate_core::score::Outcome;
use promptgate_scoring::grader::{GradeInput, Grader, GraderSpec, Grading};
use serde_json::Map;

const CASES: &str = r#"
[[case]]
id = "c1"
expected = "billing"
[[case.assert]]
kind = "equals"
value = "{{expected}}"
extract = { json = "/queue" }
[[case.assert]]
kind = "contains"
value = "because"
[[case.assert]]
kind = "regex"
pattern = '"queue":\s*"\w+"'
[[case.assert]]
kind = "json"
[[case.assert]]
kind = "length"
min = 1
"#;

/// A suite without files.
struct NoFiles;

impl Tree for NoFiles {
    fn read(&self, path: &TreePath) -> Result<Vec<u8>, TreeError> {
        Err(TreeError::Missing { tree: self.name(), path: path.to_string() })
    }

    fn list(&self, _: &TreePath) -> Result<Vec<TreePath>, TreeError> {
        Ok(Vec::new())
    }

    fn name(&self) -> String {
        "the bench".to_owned()
    }
}

fn main() {
    // Cargo hands its own flags to every bench.
    let trials: usize = std::env::args().skip(1).find_map(|word| word.parse().ok()).unwrap_or(1);
    let mut case: Case = read_cases(CasesFormat::Toml, CASES.as_bytes(), "bench.toml", Map::new())
        .next()
        .expect("one case")
        .expect("a valid case");
    let asserts = std::mem::take(&mut case.asserts);
    let folder = TreePath::new("").expect("the root");
    let grader = Grader::new(GraderSpec {
        asserts: &asserts,
        derived: &[],
        judges: &[],
        answers: &[None],
        tools: &[],
        tree: Arc::new(NoFiles),
        folder,
    });
    let grader = grader.expect("valid assertions");
    let case = Arc::new(case);
    for number in 0..trials {
        let input = GradeInput { version: 0, case: case.clone(), response: Ok(Arc::new(answer(number))) };
        let Grading::Done(graded) = grader.grade(input) else { unreachable!("none of these asks") };
        assert_eq!(graded.outcome, Outcome::Passed);
    }
}

/// 200 bytes that no other answer has.
fn answer(number: usize) -> Response {
    Response::text(format!(r#"{{"queue": "billing", "because": "{number:0>165}"}}"#))
}
