//! What a command has opened: the project it stands in, and the suite it is about.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use promptgate_core::case::Case;
use promptgate_core::exit::ExitCode;
use promptgate_core::format;
use promptgate_core::format::project::Settings;
use promptgate_core::format::suite::fed_metrics;
use promptgate_core::gate::{Check, Policy, RESERVED_METRICS};
use promptgate_core::name::{CaseId, MetricName, ModelId, PromptId};
use promptgate_core::nearest::did_you_mean;
use promptgate_core::port::{CaseSource, Tree, TreeError, TreePath};
use promptgate_core::price::Prices;
use promptgate_core::prompt::Version;
use promptgate_core::reference::Reference;
use promptgate_core::stricter::stricter;
use promptgate_core::suite::{Suite, SuiteModel};
use promptgate_provider::learn_keys;
use promptgate_runner::{LoadedVersion, StoredRun};
use promptgate_store::run::RunFolder;
use promptgate_store::tree::{DiskTree, GitTree};
use promptgate_store::versions::{self, Places, VersionError};
use promptgate_store::{CalibrationFolder, CaseStore, CasesError, Project};

use crate::diagnose;
use crate::error::Failure;
use crate::output::Output;

/// The project a command stands in.
#[derive(Clone)]
pub struct Opened {
    project: Arc<Project>,
    tree: Arc<DiskTree>,
}

impl Opened {
    /// The project around the current folder.
    pub fn here(out: &Output) -> Result<Self, Failure> {
        Self::around(Path::new("."), out)
    }

    /// The project around a folder. Every key that its providers could use is known to the scrubber from here on.
    pub fn around(folder: &Path, out: &Output) -> Result<Self, Failure> {
        let environment = |name: &str| std::env::var(name).ok();
        let project = Project::find(folder, &environment)?;
        learn_keys(&project.settings().providers, &environment, &out.scrubber);
        let tree = DiskTree::new(project.root()).map_err(|error| Failure::usage(error.to_string()))?;
        Ok(Self { project: Arc::new(project), tree: Arc::new(tree) })
    }

    /// The project's folder.
    pub fn root(&self) -> &Path {
        self.project.root()
    }

    /// Where its runs are kept.
    pub fn runs(&self) -> RunFolder {
        self.project.runs()
    }

    /// What its file and the user's say.
    pub fn settings(&self) -> &Settings {
        self.project.settings()
    }

    /// Its files.
    pub fn tree(&self) -> &Arc<DiskTree> {
        &self.tree
    }

    /// Whether programs that its files name may be run.
    pub fn allows_programs(&self) -> bool {
        self.project.allows_programs()
    }

    /// The folders below `suites/` that hold a suite, sorted.
    pub fn suites(&self) -> Result<Vec<TreePath>, Failure> {
        let mut found = Vec::new();
        for entry in std::fs::read_dir(self.root().join("suites")).into_iter().flatten().flatten() {
            if entry.path().join("suite.toml").is_file() {
                found.push(TreePath::new(&format!("suites/{}", entry.file_name().to_string_lossy()))?);
            }
        }
        found.sort();
        Ok(found)
    }
}

/// Reads a suite; the files of assertions that it uses come from the tree it stands in.
fn read_suite(opened: &Opened, tree: &dyn Tree, text: &str, file: &str) -> Result<Suite, promptgate_core::Diagnostics> {
    let read = |path: &TreePath| tree.read_text(path).map_err(|error| error.to_string());
    format::suite::parse_before_cases(text, file, &opened.project.settings().suite, &read)
}

/// A baseline that a reference names.
pub enum Baseline {
    /// It is there.
    Found(Box<LoadedVersion>),
    /// It is not, and why.
    Missing(String),
}

/// A suite of a project, read and checked.
pub struct Session {
    opened: Opened,
    /// The suite.
    pub suite: Suite,
    /// Its folder as the user named it.
    pub suite_path: String,
    folder: TreePath,
}

impl Session {
    /// The suite in a folder, as the command line names it.
    pub fn of_folder(path: &Path, out: &Output) -> Result<Self, Failure> {
        // Both `suites/x` and `suites/x/suite.toml` are what people type.
        let folder = if path.ends_with("suite.toml") { path.parent().unwrap_or(Path::new(".")) } else { path };
        if !folder.is_dir() {
            return Err(no_such_suite(folder, out));
        }
        if !folder.join("suite.toml").exists() {
            return Err(no_suite_file(&folder.to_string_lossy()));
        }
        let opened = Opened::around(folder, out)?;
        let inside = inside(opened.root(), folder)?;
        let mut session = Self::open(opened, &inside, out)?;
        session.suite_path = folder.to_string_lossy().trim_end_matches('/').to_owned();
        Ok(session)
    }

    /// The suite in a folder of the project.
    pub fn open(opened: Opened, folder: &TreePath, out: &Output) -> Result<Self, Failure> {
        let file = folder.join("suite.toml")?;
        let text = opened.tree.read_text(&file).map_err(|error| match error {
            TreeError::Missing { .. } => no_suite_file(folder.as_str()),
            other => other.into(),
        })?;
        let suite = read_suite(&opened, opened.tree().as_ref(), &text, file.as_str())?;
        for warning in &suite.warnings {
            out.say(&diagnose::draw_warning(warning));
        }
        Ok(Self { suite_path: folder.to_string(), suite, folder: folder.clone(), opened })
    }

    /// The suite a `prompt` command is about: the named one, or the only one that has the prompt.
    pub fn around(reference: &Reference, suite: Option<&Path>, out: &Output) -> Result<Self, Failure> {
        if let Some(folder) = suite {
            return Self::of_folder(folder, out);
        }
        let opened = Opened::here(out)?;
        let mut fitting = Vec::new();
        for folder in opened.suites()? {
            let session = Self::open(opened.clone(), &folder, out)?;
            if has_prompt(&session, reference)? {
                fitting.push(session);
            }
        }
        match fitting.len() {
            1 => fitting.pop().ok_or_else(|| Failure::usage("no suite")),
            0 => Err(Failure::usage(format!("no suite below `suites/` has the prompt `{reference}`"))
                .help("name the suite: --suite FOLDER; `promptgate list` shows those there are")),
            _ => {
                let names: Vec<_> = fitting.iter().map(|session| session.suite_path.as_str()).collect();
                Err(Failure::usage(format!("several suites have the prompt `{reference}`: {}", names.join(", ")))
                    .help("name the suite: --suite FOLDER"))
            }
        }
    }

    /// The project's folder.
    pub fn root(&self) -> &Path {
        self.opened.root()
    }

    /// The suite's folder inside the project.
    pub fn folder(&self) -> &TreePath {
        &self.folder
    }

    /// The project's files.
    pub fn tree(&self) -> &Arc<DiskTree> {
        &self.opened.tree
    }

    /// Where the project's runs are kept.
    pub fn runs(&self) -> RunFolder {
        self.opened.runs()
    }

    /// The project's settings.
    pub fn settings(&self) -> &Settings {
        self.opened.project.settings()
    }

    /// Whether programs that the project's files name may be run.
    pub fn allows_programs(&self) -> bool {
        self.opened.project.allows_programs()
    }

    /// The folder of the suite's prompts.
    pub fn prompts_folder(&self) -> Result<TreePath, Failure> {
        Ok(self.folder.join("prompts")?)
    }

    /// The prompts and variants of the suite.
    pub fn prompts(&self) -> Result<Vec<PromptId>, Failure> {
        Ok(format::prompt::list(self.tree().as_ref(), &self.prompts_folder()?)?)
    }
}

impl Session {
    /// The version a reference names.
    pub fn version(&self, reference: &Reference) -> Result<LoadedVersion, Failure> {
        self.find(reference).map_err(|error| self.version_failure(error))
    }

    /// The prices that are known, the user's over the embedded ones.
    pub fn prices(&self) -> Prices {
        Prices::embedded().overridden_by(self.settings().prices.clone())
    }

    /// Where the project keeps calibrations.
    pub fn calibrations(&self) -> CalibrationFolder {
        self.opened.project.calibrations()
    }

    /// What a gate is held to unless a user says otherwise: the prompt as the main branch has it, outside of git the
    /// prompt's file.
    pub fn usual_baseline(&self) -> Reference {
        let prompt = PromptId { name: self.suite.prompt.clone(), variant: None };
        // Some repositories still call it `master`; an empty one will have a `main`.
        let branch = ["main", "master"].into_iter().find(|branch| GitTree::open(self.root(), branch).is_ok());
        match branch {
            Some(branch) => Reference::Git(prompt, branch.to_owned()),
            None if self.root().ancestors().any(|folder| folder.join(".git").exists()) => {
                Reference::Git(prompt, "main".to_owned())
            }
            None => Reference::File(prompt),
        }
    }

    /// The version a reference names as a baseline: one that is not there makes the comparison invalid, and what needs no
    /// baseline is judged all the same.
    pub fn baseline(&self, reference: &Reference) -> Result<Baseline, Failure> {
        match self.find(reference) {
            Ok(version) => Ok(Baseline::Found(Box::new(version))),
            Err(error) if error.is_missing() && self.suite.setup.is_none() => {
                Ok(Baseline::Missing(format!("`{reference}` cannot be had: {error}")))
            }
            Err(error) => Err(self.version_failure(error)),
        }
    }

    fn find(&self, reference: &Reference) -> Result<LoadedVersion, VersionError> {
        let runs = self.runs();
        let current = std::env::current_dir().ok();
        let places =
            Places { tree: self.tree().as_ref(), suite: &self.folder, runs: &runs, current: current.as_deref() };
        let found = versions::resolve(reference, &places)?;
        let stored = found.run.map(|(record, version)| StoredRun { record: Arc::new(record), version });
        Ok(LoadedVersion { reference: reference.to_string(), version: Arc::new(found.version), stored, again: 0 })
    }

    /// The models to be answered on: the suite's, or the prompt's own; `wanted` chooses among them.
    pub fn models(&self, wanted: &[String], version: Option<&Version>) -> Result<Vec<SuiteModel>, Failure> {
        let models = self.all_models(version)?;
        if wanted.is_empty() {
            return Ok(models);
        }
        let named = wanted.iter().map(|name| self.model_named(name, &models));
        let named = named.collect::<Result<Vec<_>, _>>()?;
        // The suite's order, each model once, however often it was named.
        Ok(models.iter().filter(|model| named.contains(&model.id)).cloned().collect())
    }

    fn all_models(&self, version: Option<&Version>) -> Result<Vec<SuiteModel>, Failure> {
        if !self.suite.models.is_empty() {
            return Ok(self.suite.models.clone());
        }
        let own = version.and_then(|version| version.front.model.clone());
        let id = own.ok_or_else(|| {
            Failure::usage("neither the suite nor the prompt names a model")
                .help("add `[[model]] id = \"openai/gpt-4.1-mini\"` to suite.toml, or `model:` to the prompt")
        })?;
        Ok(vec![SuiteModel::of(id)])
    }

    fn model_named(&self, name: &str, models: &[SuiteModel]) -> Result<ModelId, Failure> {
        let fitting: Vec<&ModelId> = models.iter().map(|model| &model.id).filter(|id| id.is_named(name)).collect();
        let known: Vec<String> = models.iter().map(|model| model.id.to_string()).collect();
        match fitting.as_slice() {
            [id] => Ok((*id).clone()),
            [] => Err(Failure::usage(format!("the suite has no model `{name}`"))
                .help(did_you_mean(name, known.iter().map(String::as_str)))),
            _ => Err(Failure::usage(format!("`{name}` names several models: {}", known.join(", ")))
                .help("write the whole id")),
        }
    }

    /// The suite's cases.
    pub fn cases(&self) -> Result<Arc<dyn CaseSource>, Failure> {
        match CaseStore::open(self.tree(), &self.folder, &self.suite, std::io::stdin().lock()) {
            Ok(store) => Ok(Arc::new(store.with_files(self.tree().clone(), self.folder.clone()))),
            Err(error) => Err(self.cases_failure(error)),
        }
    }

    /// The cases as they are at a git revision; nothing where the suite has none there.
    pub fn cases_at(&self, revision: &str) -> Result<Option<CaseStore>, Failure> {
        let tree = GitTree::open(self.root(), revision).map_err(|error| Failure::usage(error.to_string()))?;
        let cases = CaseStore::at_revision(&tree, &self.folder, &self.suite);
        let cases = cases.map_err(|error| self.cases_failure(error))?;
        Ok(cases.map(|cases| cases.with_files(Arc::new(tree), self.folder.clone())))
    }

    /// Makes a policy no looser than that of the git revisions which its baselines name; what would have been loosened. A
    /// suite or gate that a revision does not hold, or that cannot be read there, asks for nothing.
    pub fn hold_to_main(&self, policy: &mut Policy) -> Result<Vec<String>, Failure> {
        let mut loosened = Vec::new();
        for reference in policy.baselines.clone() {
            let Reference::Git(_, revision) = &reference else { continue };
            if let Some(main) = self.policy_at(revision)? {
                let found = stricter(policy, &main);
                *policy = found.policy;
                loosened.extend(found.loosened.into_iter().filter(|line| !loosened.contains(line)).collect::<Vec<_>>());
            }
        }
        self.must_be_fed(policy)?;
        Ok(loosened)
    }

    /// The gate of the suite at a revision.
    fn policy_at(&self, revision: &str) -> Result<Option<Policy>, Failure> {
        let Ok(tree) = GitTree::open(self.root(), revision) else { return Ok(None) };
        let file = self.folder.join("suite.toml")?;
        let Ok(text) = tree.read_text(&file) else { return Ok(None) };
        let parsed = read_suite(&self.opened, &tree, &text, file.as_str());
        Ok(parsed.ok().and_then(|suite| suite.gate))
    }

    /// A check of main's whose metric nothing feeds any more cannot be judged: it goes on main first.
    fn must_be_fed(&self, policy: &Policy) -> Result<(), Failure> {
        let mut own = fed_metrics(&self.suite.asserts);
        own.extend(self.suite.metrics.iter().map(|metric| metric.name.clone()));
        let fed = |name: &MetricName| own.contains(name) || RESERVED_METRICS.contains(&name.as_str());
        let own = self.suite.gate.iter().flat_map(|gate| &gate.checks).filter_map(Check::metric);
        let known: Vec<&MetricName> = own.collect();
        let lost = policy.checks.iter().filter_map(Check::metric).find(|name| !known.contains(name) && !fed(name));
        match lost {
            None => Ok(()),
            Some(name) => Err(Failure::usage(format!(
                "main's gate has a check of `{name}`, and in this change no assertion feeds it"
            ))
            .help("keep the assertion, or take the check out of main's gate first, by itself")),
        }
    }

    fn cases_failure(&self, error: CasesError) -> Failure {
        match error {
            CasesError::Tree(error) => self.with_setup(error.into()),
            CasesError::Invalid(diagnostics) => diagnostics.into(),
        }
    }

    /// The case of an id, or the first one.
    pub fn case(&self, cases: &dyn CaseSource, id: Option<&CaseId>) -> Result<Case, Failure> {
        for position in 0..cases.len() {
            let case = cases.case(position)?;
            if id.is_none_or(|id| case.id == *id) {
                return Ok(case);
            }
        }
        let what = id.map_or_else(|| "the suite has no case".to_owned(), |id| format!("the suite has no case `{id}`"));
        Err(Failure::new(ExitCode::NothingSelected, what))
    }

    /// A file of the suite's data, opened for reading.
    pub fn open_data(&self, path: &TreePath) -> Result<File, Failure> {
        self.tree().open(path).map_err(|error| self.with_setup(error.into()))
    }

    fn version_failure(&self, error: VersionError) -> Failure {
        // A suite whose prompts are placed by a command has none before that: the data is missing, not the version.
        if error.is_missing() && self.suite.setup.is_some() {
            return self.with_setup(Failure::usage(error.to_string()));
        }
        match error {
            VersionError::Prompt(diagnostics) => diagnostics.into(),
            other => Failure::usage(other.to_string()),
        }
    }

    /// A suite whose data is placed by a command says which.
    fn with_setup(&self, failure: Failure) -> Failure {
        match &self.suite.setup {
            Some(command) => failure.help(format!("place this suite's data first: {command}")),
            None => failure,
        }
    }
}

fn has_prompt(session: &Session, reference: &Reference) -> Result<bool, Failure> {
    let prompts = session.prompts()?;
    Ok(match reference {
        Reference::File(id) => prompts.contains(id),
        Reference::Git(id, _) | Reference::Digest(id, _) | Reference::Environment(id, _) => {
            prompts.iter().any(|prompt| prompt.name == id.name)
        }
        Reference::Run(_) | Reference::Path(_) => true,
    })
}

/// The folder's path from the project's root.
fn inside(root: &Path, folder: &Path) -> Result<TreePath, Failure> {
    let failed = |error: std::io::Error| Failure::usage(format!("cannot read `{}`: {error}", folder.display()));
    let (root, folder) = (root.canonicalize().map_err(failed)?, folder.canonicalize().map_err(failed)?);
    let path = folder.strip_prefix(&root).map_err(|_| {
        Failure::usage(format!("`{}` is outside of the project `{}`", folder.display(), root.display()))
    })?;
    Ok(TreePath::new(&path.to_string_lossy())?)
}

fn no_suite_file(folder: &str) -> Failure {
    Failure::usage(format!("`{folder}` holds no suite.toml"))
        .help("a suite is a folder with a `suite.toml`; `promptgate list` shows those there are")
}

fn no_such_suite(folder: &Path, out: &Output) -> Failure {
    let name = folder.to_string_lossy().into_owned();
    let known = Opened::here(out).and_then(|opened| opened.suites()).unwrap_or_default();
    let known: Vec<&str> = known.iter().map(TreePath::as_str).collect();
    let failure = Failure::usage(format!("there is no suite `{name}`"));
    if known.is_empty() {
        return failure.help("a suite is a folder with a `suite.toml`, named by its path");
    }
    failure.help(did_you_mean(&name, known.iter().copied()))
}
