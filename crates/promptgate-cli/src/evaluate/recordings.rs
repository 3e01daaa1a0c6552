//! The recordings of a suite's models: opened for `replay`, written for `--record`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use promptgate_core::Digest;
use promptgate_core::answer::Response;
use promptgate_core::ask::Asked;
use promptgate_core::name::{ModelId, RunId};
use promptgate_core::port::{PortError, RecordingSink};
use promptgate_core::record::SettledRecord;
use promptgate_core::request::{Origin, Request};
use promptgate_core::suite::{RecordingSpec, SuiteJudge, SuiteModel};
use promptgate_provider::Recording;
use promptgate_runner::Prepared;
use promptgate_store::run::Begun;
use promptgate_store::{RecordingFile, atomic};
use serde_json::Value;

use super::assembly::Assembly;
use crate::error::Failure;
use crate::output::Output;
use crate::session::Session;

/// By model, the recording that stands in for it; none when models are called.
pub fn open(session: &Session, models: &[SuiteModel], live: bool) -> Result<Vec<Option<Arc<Recording>>>, Failure> {
    let of_model = |model: &SuiteModel| match &model.recording {
        Some(recording) if !live => open_one(session, recording).map(Some),
        _ => Ok(None),
    };
    models.iter().map(of_model).collect()
}

/// By judge that is asked, the recording that stands in for it.
pub fn of_judges(
    session: &Session,
    asked: &BTreeSet<Asked>,
    live: bool,
) -> Result<Vec<(ModelId, Arc<Recording>)>, Failure> {
    let is_asked =
        |judge: &&SuiteJudge| asked.iter().any(|asked| matches!(asked, Asked::Model(id, _) if *id == judge.id));
    let mut found = Vec::new();
    for judge in session.suite.judges.iter().filter(is_asked).filter(|_| !live) {
        if let Some(recording) = &judge.recording {
            found.push((judge.id.clone(), open_one(session, recording)?));
        }
    }
    Ok(found)
}

fn open_one(session: &Session, recording: &RecordingSpec) -> Result<Arc<Recording>, Failure> {
    let path = session.folder().join(&recording.file)?;
    let file = session.open_data(&path).map_err(|failure| failure.help(anew(session)))?;
    Ok(Arc::new(Recording::open(path.as_str(), file, recording.bound)?))
}

fn anew(session: &Session) -> String {
    format!("to record it: promptgate run {} --live --record", session.suite_path)
}

/// Refuses `--record` where a model has no file for it, before a run is begun.
pub fn must_have_files(models: &[SuiteModel]) -> Result<(), Failure> {
    models.iter().try_for_each(|model| file_of(model).map(drop))
}

fn file_of(model: &SuiteModel) -> Result<&str, Failure> {
    model.recording.as_ref().map(|recording| recording.file.as_str()).ok_or_else(|| {
        Failure::usage(format!("--record has no file to write for {}", model.id))
            .help("name one in suite.toml: [[model]] recording = \"recordings/<model>.jsonl\"")
    })
}

/// What a run's settings say of how it is recorded: the file, below the project where it is there, or that it is the suite's
/// own recordings.
pub fn setting(session: &Session, file: Option<&Path>) -> Value {
    let Some(file) = file else { return Value::Bool(true) };
    let file = std::path::absolute(file).unwrap_or_else(|_| file.to_owned());
    Value::from(file.strip_prefix(session.root()).unwrap_or(&file).display().to_string())
}

/// The flag that such a setting comes of.
pub fn flag(setting: &Value) -> String {
    setting.as_str().map_or_else(|| "--record".to_owned(), |file| format!("--record={file}"))
}

/// The run that is recorded.
pub struct Recorded<'a> {
    pub run: &'a RunId,
    /// Of one that is gone on with, what is answered and not settled.
    pub begun: Option<&'a Begun>,
}

/// What writes answers into the suite's recordings, or into one file, if that is wanted. What a resumed run holds already is
/// written first.
pub fn sink(
    session: &Session,
    assembly: &Assembly,
    wanted: Option<&Option<PathBuf>>,
    recorded: &Recorded<'_>,
    out: &Output,
) -> Result<Option<Box<dyn RecordingSink>>, Failure> {
    let Some(file) = wanted else { return Ok(None) };
    let targets = match file {
        // Its lines name their models.
        Some(file) => vec![Target::all(file, out)?],
        None => Target::of_suite(session, assembly, out)?,
    };
    // Every old file is checked by now: a command that is refused for one of them leaves nothing of the others.
    let kept = targets.into_iter().map(|target| target.kept(session, recorded.run)).collect::<Result<_, _>>()?;
    let mut sink = Box::new(Sorted(kept));
    if let Some(begun) = recorded.begun {
        record_held(session, &assembly.prepared, (recorded.run, begun), &mut *sink)?;
    }
    Ok(Some(sink))
}

/// A process that was killed may have put on record what it had not recorded yet.
fn record_held(
    session: &Session,
    prepared: &Prepared,
    (run, begun): (&RunId, &Begun),
    sink: &mut dyn RecordingSink,
) -> Result<(), Failure> {
    let run = session.runs().open(run.as_str())?;
    let settled = run.trials().map(|trial| trial.map(|it| (it.trial, it.request, it.response, it.volatile)));
    let begun = begun.iter().map(|trial| trial.map(|it| (it.trial, it.request, it.response, it.volatile)));
    for trial in settled.chain(begun) {
        let (trial, digest, response, volatile) = trial?;
        // What stands in for a version that is not called is recorded nowhere.
        let Some(response) = response.filter(|_| volatile.reused.is_none()) else { continue };
        if let Some(request) = prepared.request_of(trial)?.filter(|request| Some(request.digest) == digest) {
            sink.record(&request, &response)?;
        }
    }
    Ok(())
}

/// A file, and whose answers go into it.
struct Target {
    whose: Whose,
    file: RecordingFile,
}

enum Whose {
    All,
    /// Of a model under test.
    Tested(ModelId),
    /// Of one that assertions ask. The same model may be both, each with a recording of its own.
    Judge(ModelId),
}

impl Target {
    fn of(whose: Whose, path: &Path, out: &Output) -> Result<Self, Failure> {
        Ok(Self { whose, file: RecordingFile::create(path, out.scrubber.clone())? })
    }

    fn all(file: &Path, out: &Output) -> Result<Self, Failure> {
        // Through a link, which stays one: it is the user who named it. A suite's own recording may be a link of anybody's.
        let file = atomic::followed(&std::path::absolute(file).unwrap_or_else(|_| file.to_owned()));
        Self::of(Whose::All, &file, out)
    }

    /// Those of the suite. The replies of judges that have none are kept by the cache alone.
    fn of_suite(session: &Session, assembly: &Assembly, out: &Output) -> Result<Vec<Self>, Failure> {
        let place =
            |file: &str| -> Result<PathBuf, Failure> { Ok(session.tree().place(&session.folder().join(file)?)?) };
        let mut targets = Vec::new();
        for model in &assembly.models {
            targets.push(Self::of(Whose::Tested(model.id.clone()), &place(file_of(model)?)?, out)?);
        }
        for judge in &session.suite.judges {
            if let Some(recording) = &judge.recording {
                targets.push(Self::of(Whose::Judge(judge.id.clone()), &place(&recording.file)?, out)?);
            }
        }
        Ok(targets)
    }

    /// The same, with a file beside the run's until the recording is in place.
    fn kept(self, session: &Session, run: &RunId) -> Result<Self, Failure> {
        let spool = session.runs().beside(run, &self.spool())?;
        Ok(Self { file: self.file.kept_in(&spool)?, ..self })
    }

    /// Named for what goes where, so that nobody who goes on with a run takes up the lines of another recording.
    fn spool(&self) -> String {
        let whose = match &self.whose {
            Whose::All => ("all", None),
            Whose::Tested(model) => ("tested", Some(model)),
            Whose::Judge(model) => ("judge", Some(model)),
        };
        let digest = Digest::of_json(&(whose, self.file.path().display().to_string()));
        format!("recording-{}", &digest.hex()[..16])
    }

    fn takes(&self, request: &Request) -> bool {
        match (&self.whose, &request.origin) {
            (Whose::All, _) => true,
            (Whose::Tested(model), Origin::Trial { .. }) | (Whose::Judge(model), Origin::Ask { .. }) => {
                *model == request.body.model
            }
            _ => false,
        }
    }
}

/// Each answer goes into its own file.
struct Sorted(Vec<Target>);

impl Sorted {
    fn file(&mut self, request: &Request) -> Option<&mut RecordingFile> {
        self.0.iter_mut().find(|target| target.takes(request)).map(|target| &mut target.file)
    }
}

impl RecordingSink for Sorted {
    fn record(&mut self, request: &Request, response: &Response) -> Result<(), PortError> {
        self.file(request).map_or(Ok(()), |file| file.record(request, response))
    }

    fn also_asked(&mut self, request: &Request) -> Result<(), PortError> {
        self.file(request).map_or(Ok(()), |file| file.also_asked(request))
    }

    fn sync(&mut self) -> Result<(), PortError> {
        self.0.iter_mut().try_for_each(|target| target.file.sync())
    }

    fn finish(&mut self) -> Result<(), PortError> {
        self.0.iter_mut().try_for_each(|target| target.file.finish())
    }
}
