//! The scoring stage alone: grades as many answers of 200 bytes as its first argument says, on as many threads as its second
//! one, in the batches that a run makes. `cargo xtask bench scoring` measures it; there is no clock in here.
#![allow(clippy::expect_used, reason = "a bench that cannot set up its world has failed")]

use std::sync::Arc;

use promptgate_core::answer::Response;
use promptgate_core::case::Case;
use promptgate_core::format::cases::{CasesFormat, read_cases};
use promptgate_core::port::{Tree, TreeError, TreePath};
use promptgate_core::score::Outcome;
use promptgate_scoring::grader::{GradeInput, Grader, GraderSpec, Grading};
use rayon::prelude::*;
use serde_json::Map;

/// The program's own, so that what is measured is what a run takes.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

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

/// Answers that are graded at a time, as many as in a run.
const BATCH: usize = 256;

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
    let mut numbers = std::env::args().skip(1).filter_map(|word| word.parse::<usize>().ok());
    let (trials, threads) = (numbers.next().unwrap_or(1), numbers.next().unwrap_or(1));
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
    // As in a run, answers that are graded at once belong to different cases.
    let cases: Vec<Arc<Case>> = (0..BATCH).map(|_| Arc::new(case.clone())).collect();
    let input = |number: usize| {
        let case = cases[number % BATCH].clone();
        GradeInput { version: 0, case, response: Ok(Arc::new(answer(number))) }
    };
    if threads == 1 {
        return (0..trials).for_each(|number| passed(grader.grade(input(number))));
    }
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
    for begin in (0..trials).step_by(BATCH) {
        let batch = || {
            let inputs = (begin..trials.min(begin + BATCH)).into_par_iter().map(input).collect();
            grader.grade_batch(inputs).into_par_iter().for_each(passed);
        };
        pool.install(batch);
    }
}

fn passed(grading: Grading) {
    let Grading::Done(graded) = grading else { unreachable!("none of these asks") };
    assert_eq!(graded.outcome, Outcome::Passed);
}

/// 200 bytes that no other answer has.
fn answer(number: usize) -> Response {
    Response::text(format!(r#"{{"queue": "billing", "because": "{number:0>165}"}}"#))
}
