//! Ties the lines of a suite's recordings to the requests that its prompts make today, by writing their digests in. It is
//! for answers that are known to belong to these prompts; a recorder writes the digest of what it really asked.

use std::collections::HashMap;
use std::path::Path;

use promptgate_core::Digest;
use promptgate_core::diagnostic::Diagnostic;
use promptgate_core::format::lines::Lines;
use promptgate_core::format::recording::{RecordedLine, parse_line, to_json_line};
use promptgate_core::format::{prompt, suite};
use promptgate_core::name::{CaseId, PromptId};
use promptgate_core::port::{CaseSource, TreePath};
use promptgate_core::prompt::Version;
use promptgate_core::suite::{Suite, SuiteDefaults, SuiteModel};
use promptgate_store::CaseStore;
use promptgate_store::tree::DiskTree;

use super::DataError;

/// Binds every recording of the suite in a folder; how many lines there are.
pub fn bind(folder: &Path) -> Result<u64, DataError> {
    let mut binder = Binder::open(folder)?;
    let models = std::mem::take(&mut binder.suite.models);
    let mut bound = 0;
    for model in &models {
        if let Some(recording) = &model.recording {
            bound += binder.bind(model, &folder.join(&recording.file))?;
        }
    }
    Ok(bound)
}

/// A suite, open.
struct Binder {
    tree: DiskTree,
    suite: Suite,
    cases: CaseStore,
    places: HashMap<CaseId, usize>,
    versions: HashMap<PromptId, Version>,
}

impl Binder {
    fn open(folder: &Path) -> Result<Self, DataError> {
        let wrong = |error: &dyn std::fmt::Display| DataError::content(folder.display().to_string(), error);
        let file = folder.join("suite.toml");
        let text = std::fs::read_to_string(&file).map_err(|cause| DataError::file(&file, cause))?;
        let suite = suite::parse_before_cases(&text, &file.display().to_string(), &SuiteDefaults::default(), &|_| {
            Err("only cases are bound".to_owned())
        })?;
        let tree = DiskTree::new(folder).map_err(|cause| DataError::file(folder, cause))?;
        let root = TreePath::new("").map_err(|error| wrong(&error))?;
        let cases = CaseStore::open(&tree, &root, &suite, std::io::empty()).map_err(|error| wrong(&error))?;
        let id = |place| cases.case(place).map(|case| (case.id, place)).map_err(|error| wrong(&error));
        let places = (0..cases.len()).map(id).collect::<Result<_, _>>()?;
        Ok(Self { tree, suite, cases, places, versions: HashMap::new() })
    }

    /// Binds the recording of one model; how many lines it has.
    fn bind(&mut self, model: &SuiteModel, path: &Path) -> Result<u64, DataError> {
        let name = path.display().to_string();
        let text = std::fs::read(path).map_err(|cause| DataError::file(path, cause))?;
        let (mut lines, mut bound, mut count) = (Lines::new(text.as_slice(), name.as_str()), String::new(), 0);
        while let Some(line) = lines.next_line() {
            let line = line.map_err(one)?;
            let mut recorded = parse_line(line.bytes, &name, line.number).map_err(one)?;
            let digest = self.digest(model, &recorded);
            recorded.request_digest =
                Some(digest.map_err(|why| DataError::content(format!("{name}:{}", line.number), why))?);
            bound.push_str(&to_json_line(&recorded));
            bound.push('\n');
            count += 1;
        }
        promptgate_store::atomic::write(path, bound.as_bytes()).map_err(|error| DataError::content(name, error))?;
        Ok(count)
    }

    /// The digest of the request that a line answers.
    fn digest(&mut self, model: &SuiteModel, line: &RecordedLine) -> Result<Digest, String> {
        let id = line.prompt.clone().ok_or("the line names no prompt, so there is no one request it answers")?;
        let place = self.places.get(&line.case).ok_or_else(|| format!("there is no case `{}`", line.case))?;
        let case = self.cases.case(*place).map_err(|error| error.to_string())?;
        let input = self.cases.input(&case, &id, &model.id).map_err(|error| error.to_string())?;
        let body = self.version(id)?.request_body(&model.id, &model.config, &input);
        Ok(body.map_err(|error| error.to_string())?.digest())
    }

    fn version(&mut self, id: PromptId) -> Result<&Version, String> {
        if !self.versions.contains_key(&id) {
            let folder = TreePath::new("prompts").map_err(|error| error.to_string())?;
            let version = prompt::load(&self.tree, &folder, &id).map_err(|error| error.to_string())?;
            self.versions.insert(id.clone(), version);
        }
        self.versions.get(&id).ok_or_else(|| format!("there is no prompt `{id}`"))
    }
}

fn one(diagnostic: Diagnostic) -> DataError {
    DataError::Suite(diagnostic.into())
}
