//! The recordings of a suite's models: opened for `replay`, written for `--record`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use promptgate_core::answer::Response;
use promptgate_core::ask::Asked;
use promptgate_core::name::{ModelId, RunId};
use promptgate_core::port::{PortError, RecordingSink};
use promptgate_core::record::SettledRecord;
use promptgate_core::request::{Origin, Request};
use promptgate_core::suite::{RecordingSpec, SuiteJudge, SuiteModel};
use promptgate_provider::{Recorder, Recording};
use promptgate_runner::Prepared;
use promptgate_store::RecordingFile;
use promptgate_store::run::Begun;

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

/// The run that is recorded.
pub struct Recorded<'a> {
    pub run: &'a RunId,
    /// Of one that is gone on with, what is answered and not settled.
    pub begun: Option<&'a Begun>,
}

/// What writes answers into the suite's recordings, or into one file, if that is wanted. What a resumed run holds already is
/// written first.
pub fn recorder(
    session: &Session,
    assembly: &Assembly,
    wanted: Option<&Option<PathBuf>>,
    recorded: &Recorded<'_>,
    out: &Output,
) -> Result<Option<Recorder>, Failure> {
    let Some(file) = wanted else { return Ok(None) };
    let mut sink = sink(session, assembly, file.as_ref(), recorded.run, out)?;
    if let Some(begun) = recorded.begun {
        record_held(session, &assembly.prepared, (recorded.run, begun), &mut *sink)?;
    }
    Ok(Some(Recorder::start(sink)))
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

fn sink(
    session: &Session,
    assembly: &Assembly,
    file: Option<&PathBuf>,
    run: &RunId,
    out: &Output,
) -> Result<Box<dyn RecordingSink>, Failure> {
    let mut number = 0;
    let mut create = |path: &Path| -> Result<RecordingFile, Failure> {
        number += 1;
        let spool = session.runs().beside(run, &format!("recording-{number}"))?;
        Ok(RecordingFile::create(path, out.scrubber.clone())?.kept_in(&spool)?)
    };
    if let Some(file) = file {
        // Its lines name their models.
        return Ok(Box::new(create(file)?));
    }
    let mut files = Vec::new();
    for model in &assembly.models {
        let path = session.tree().place(&session.folder().join(file_of(model)?)?)?;
        files.push((model.id.clone(), create(&path)?));
    }
    let mut judges = Vec::new();
    for judge in &session.suite.judges {
        if let Some(recording) = &judge.recording {
            let path = session.tree().place(&session.folder().join(&recording.file)?)?;
            judges.push((judge.id.clone(), create(&path)?));
        }
    }
    Ok(Box::new(ByModel { tested: files, judges }))
}

/// Each model's answers go into its own file.
struct ByModel {
    tested: Vec<(ModelId, RecordingFile)>,
    /// Those that assertions ask and that have a file; the replies of others are kept by the cache alone.
    judges: Vec<(ModelId, RecordingFile)>,
}

impl ByModel {
    fn of(&mut self, request: &Request) -> Option<&mut RecordingFile> {
        let files = match request.origin {
            Origin::Trial { .. } => &mut self.tested,
            Origin::Ask { .. } => &mut self.judges,
        };
        files.iter_mut().find(|(model, _)| *model == request.body.model).map(|(_, file)| file)
    }
}

impl RecordingSink for ByModel {
    fn record(&mut self, request: &Request, response: &Response) -> Result<(), PortError> {
        self.of(request).map_or(Ok(()), |file| file.record(request, response))
    }

    fn also_asked(&mut self, request: &Request) -> Result<(), PortError> {
        self.of(request).map_or(Ok(()), |file| file.also_asked(request))
    }

    fn finish(&mut self) -> Result<(), PortError> {
        let mut all = self.tested.iter_mut().chain(&mut self.judges);
        all.try_for_each(|(_, file)| file.finish())
    }
}
