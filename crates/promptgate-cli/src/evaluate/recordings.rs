//! The recordings of a suite's models: opened for `replay`, written for `--record`.

use std::path::PathBuf;
use std::sync::Arc;

use promptgate_core::answer::Response;
use promptgate_core::name::ModelId;
use promptgate_core::port::{PortError, RecordingSink};
use promptgate_core::request::Request;
use promptgate_core::suite::SuiteModel;
use promptgate_provider::{Recorder, Recording};
use promptgate_store::RecordingFile;

use super::assembly::Assembly;
use crate::error::Failure;
use crate::output::Output;
use crate::session::Session;

/// By model, the recording that stands in for it; none when models are called.
pub fn open(session: &Session, models: &[SuiteModel], live: bool) -> Result<Vec<Option<Arc<Recording>>>, Failure> {
    let open_one = |model: &SuiteModel| match &model.recording {
        Some(recording) if !live => {
            let path = session.folder().join(&recording.file)?;
            let file = session.open_data(&path).map_err(|failure| failure.help(anew(session)))?;
            Ok(Some(Arc::new(Recording::open(path.as_str(), file, recording.bound)?)))
        }
        _ => Ok(None),
    };
    models.iter().map(open_one).collect()
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

/// What writes answers into the suite's recordings, or into one file, if that is wanted.
pub fn recorder(
    session: &Session,
    assembly: &Assembly,
    wanted: Option<&Option<PathBuf>>,
    out: &Output,
) -> Result<Option<Recorder>, Failure> {
    let Some(file) = wanted else { return Ok(None) };
    if let Some(file) = file {
        // Its lines name their models.
        return Ok(Some(Recorder::start(Box::new(RecordingFile::create(file, out.scrubber.clone())?))));
    }
    let mut files = Vec::new();
    for model in &assembly.models {
        let path = session.tree().place(&session.folder().join(file_of(model)?)?)?;
        files.push((model.id.clone(), RecordingFile::create(&path, out.scrubber.clone())?));
    }
    Ok(Some(Recorder::start(Box::new(ByModel(files)))))
}

/// Each model's answers go into its own file.
struct ByModel(Vec<(ModelId, RecordingFile)>);

impl RecordingSink for ByModel {
    fn record(&mut self, request: &Request, response: &Response) -> Result<(), PortError> {
        match self.0.iter_mut().find(|(model, _)| *model == request.body.model) {
            Some((_, file)) => file.record(request, response),
            // Judges are asked too; a suite's recordings hold its models' answers.
            None => Ok(()),
        }
    }

    fn finish(&mut self) -> Result<(), PortError> {
        self.0.iter_mut().try_for_each(|(_, file)| file.finish())
    }
}
