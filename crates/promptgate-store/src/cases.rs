//! The cases of a suite on disk: checked in one pass, then read one at a time by offset. 12 bytes a case stay in
//! memory; so does a file of a few megabytes, which may then change without harm, and a larger one must not.
//!
//! JSONL is read where it lies. CSV, TOML and standard input are spooled as JSONL into an unnamed temporary file first, so
//! that there is one way to read a case.

mod files;
mod index;
mod joined;

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::sync::Arc;

use promptgate_core::case::{Case, CaseInput};
use promptgate_core::format::cases::{CasesFormat, JsonCases, cluster_of, parse_json_line, read_cases, to_json_line};
use promptgate_core::media::image_files;
use promptgate_core::name::{ModelId, PromptId};
use promptgate_core::port::{CaseSource, PortError, Tree, TreeError, TreePath};
use promptgate_core::suite::{CasesSpec, Suite};
use promptgate_core::{Diagnostic, Diagnostics};
use serde_json::{Map, Value};

use crate::positioned::spool;
use crate::tree::{DiskTree, GitTree};
use files::CaseFiles;
use index::{Place, Watched};
use joined::JoinedInputs;

/// Mistakes that are listed before giving up on a file.
const MISTAKES: usize = 20;

/// A suite's cases, with the inputs joined to them.
#[derive(Debug)]
pub struct CaseStore {
    name: String,
    lines: Watched,
    places: Vec<Place>,
    spec: CasesSpec,
    vars: Map<String, Value>,
    joined: Option<JoinedInputs>,
    files: Option<CaseFiles>,
}

/// Why a suite's cases cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CasesError {
    /// A file of the suite is missing or cannot be read.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// What is written in it is wrong.
    #[error(transparent)]
    Invalid(#[from] Diagnostics),
}

impl CaseStore {
    /// Reads all cases of a suite of the working tree through once. `folder` is the suite's, `stdin` what is read where
    /// the suite says `-`.
    pub fn open(tree: &DiskTree, folder: &TreePath, suite: &Suite, stdin: impl BufRead) -> Result<Self, CasesError> {
        let open = |path: &TreePath| tree.open(path);
        let source = match suite.cases.file.as_str() {
            "-" => Source::of_stdin(stdin)?,
            file => Source::of_file(file, folder, open)?,
        };
        Self::of(source, folder, suite, open)
    }

    /// The cases as they were in a revision, read with the suite's settings of today; none where the file was not there.
    pub fn at_revision(tree: &GitTree, folder: &TreePath, suite: &Suite) -> Result<Option<Self>, CasesError> {
        let open = |path: &TreePath| tree.spool(path);
        match Source::of_file(&suite.cases.file, folder, open).and_then(|source| Self::of(source, folder, suite, open))
        {
            Err(CasesError::Tree(TreeError::Missing { .. })) => Ok(None),
            store => store.map(Some),
        }
    }

    fn of(
        source: Source,
        folder: &TreePath,
        suite: &Suite,
        open: impl Fn(&TreePath) -> Opened,
    ) -> Result<Self, CasesError> {
        let lines = source.lines(&suite.vars)?;
        let inputs = suite.cases.inputs.as_deref().map(|inputs| folder.join(inputs)).transpose()?;
        let joined = inputs.map(|path| JoinedInputs::of(&path, open(&path)?)).transpose()?;
        Ok(Self {
            name: source.name,
            lines: lines.file,
            places: lines.places,
            spec: suite.cases.clone(),
            vars: suite.vars.clone(),
            joined,
            files: None,
        })
    }

    /// The same cases, whose images are read from a tree, below the suite's folder.
    #[must_use]
    pub fn with_files(self, tree: Arc<dyn Tree>, folder: TreePath) -> Self {
        Self { files: Some(CaseFiles::new(tree, folder)), ..self }
    }

    fn read(&self, position: usize) -> io::Result<Case> {
        let place = self.places.get(position).ok_or(io::ErrorKind::NotFound)?;
        let line = self.lines.line(place.offset())?;
        let mut case = parse_json_line(&line, &self.name, place.line, &self.vars).map_err(|_| index::changed())?;
        case.cluster = cluster_of(&case, &self.spec);
        Ok(case)
    }

    fn files(&self) -> Result<&CaseFiles, PortError> {
        self.files.as_ref().ok_or_else(|| PortError::other("read an image that a case names", "no files are read here"))
    }

    fn joined(&self, case: &Case, side: Option<(&PromptId, &ModelId)>) -> Result<CaseInput, PortError> {
        let mut input = CaseInput { vars: case.vars.clone(), messages: case.messages.clone(), files: Vec::new() };
        if let Some(joined) = &self.joined {
            joined.join(case, side, &mut input.vars)?;
        }
        for path in image_files(&input.vars, &input.messages) {
            let digest = self.files()?.digest(&path)?;
            input.files.push((path, digest));
        }
        Ok(input)
    }
}

impl CaseSource for CaseStore {
    fn len(&self) -> usize {
        self.places.len()
    }

    fn case(&self, position: usize) -> Result<Case, PortError> {
        self.read(position)
            .map_err(|error| PortError::io(format!("read case {} of {}", position + 1, self.name), error))
    }

    fn input(&self, case: &Case, prompt: &PromptId, model: &ModelId) -> Result<CaseInput, PortError> {
        self.joined(case, Some((prompt, model)))
    }

    fn pairing_input(&self, case: &Case) -> Result<CaseInput, PortError> {
        self.joined(case, None)
    }

    fn is_joined(&self) -> bool {
        self.joined.is_some()
    }

    fn file(&self, path: &str) -> Result<Vec<u8>, PortError> {
        self.files()?.read(path)
    }
}

/// A file of a tree.
type Opened = Result<File, TreeError>;

/// The file as the suite names it, opened.
struct Source {
    name: String,
    format: CasesFormat,
    file: File,
    /// Whether nobody else can write to it.
    own: bool,
}

/// Checked lines of JSONL.
struct Checked {
    file: Watched,
    places: Vec<Place>,
}

impl Source {
    fn of_stdin(stdin: impl BufRead) -> Result<Self, CasesError> {
        let name = "standard input".to_owned();
        let file = spooled(stdin).map_err(|error| cannot("read", &name, &error))?;
        Ok(Self { name, format: CasesFormat::Jsonl, file, own: true })
    }

    fn of_file(file: &str, folder: &TreePath, open: impl Fn(&TreePath) -> Opened) -> Result<Self, CasesError> {
        let format = CasesFormat::of_file(file).filter(|_| file != "-").ok_or_else(|| {
            let message = format!("`{file}` is no form of cases");
            Diagnostics::from(
                Diagnostic::new(message).help("write them as .jsonl, .csv or .toml, or `-` for standard input"),
            )
        })?;
        let path = folder.join(file)?;
        Ok(Self { name: path.to_string(), format, file: open(&path)?, own: false })
    }

    fn lines(&self, vars: &Map<String, Value>) -> Result<Checked, CasesError> {
        let failed = |error| cannot("read", &self.name, &error);
        let file = self.file.try_clone().map_err(failed)?;
        match self.format {
            CasesFormat::Jsonl => {
                // Watched from before the first byte is read.
                let watched = if self.own { Watched::own(file) } else { Watched::of(file) };
                let watched = watched.map_err(failed)?;
                let places = self.index(&watched, vars)?;
                Ok(Checked { file: watched, places })
            }
            format => self.spool(format, vars),
        }
    }

    fn index(&self, file: &Watched, vars: &Map<String, Value>) -> Result<Vec<Place>, CasesError> {
        let mut mistakes = Diagnostics::default();
        let mut places = Vec::new();
        let mut cases = JsonCases::new(BufReader::with_capacity(256 << 10, file.reader()), &self.name, vars.clone());
        while mistakes.0.len() < MISTAKES
            && let Some(case) = cases.next()
        {
            match case {
                Ok(case) => places.push(Place::new(case.line, cases.position().0)),
                Err(mistake) => mistakes.push(mistake),
            }
        }
        Ok(mistakes.into_result(places)?)
    }

    fn spool(&self, format: CasesFormat, vars: &Map<String, Value>) -> Result<Checked, CasesError> {
        let failed = |error| cannot("spool", &self.name, &error);
        let mut mistakes = Diagnostics::default();
        let (mut places, mut offset) = (Vec::new(), 0);
        let mut spool = BufWriter::new(spool().map_err(failed)?);
        let reader = BufReader::new(self.file.try_clone().map_err(failed)?);
        for case in read_cases(format, reader, &self.name, vars.clone()) {
            match case {
                Ok(case) => {
                    let line = to_json_line(&case);
                    writeln!(spool, "{line}").map_err(failed)?;
                    places.push(Place::new(case.line, offset));
                    offset += line.len() as u64 + 1;
                }
                Err(mistake) => mistakes.push(mistake),
            }
            if mistakes.0.len() == MISTAKES {
                break;
            }
        }
        mistakes.into_result(())?;
        let file = spool.into_inner().map_err(|error| failed(error.into_error()))?;
        Ok(Checked { file: Watched::own(file).map_err(failed)?, places })
    }
}

fn cannot(action: &str, name: &str, error: &io::Error) -> Diagnostics {
    Diagnostic::new(format!("cannot {action} {name}: {error}")).into()
}

/// Standard input as a file that can be read again.
fn spooled(mut stdin: impl BufRead) -> io::Result<File> {
    let mut file = spool()?;
    io::copy(&mut stdin, &mut file)?;
    Ok(file)
}
