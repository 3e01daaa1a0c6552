//! Recording: real answers reach the sink, a broken sink is told at the end, recordings are not recorded again.

use std::sync::{Arc, Mutex};

use promptgate_core::answer::Response;
use promptgate_core::port::{PortError, RecordingSink};
use promptgate_core::request::Request;
use promptgate_provider::Recorder;

use crate::support::{World, ask, request};

#[derive(Clone, Default)]
struct Sink {
    written: Arc<Mutex<Vec<String>>>,
    breaks_after: Option<usize>,
}

impl RecordingSink for Sink {
    fn record(&mut self, request: &Request, response: &Response) -> Result<(), PortError> {
        let mut written = self.written.lock().unwrap();
        if self.breaks_after == Some(written.len()) {
            return Err(PortError::other("write the recording", "the disk is gone"));
        }
        written.push(format!("{}: {}", request.origin.case(), response.output));
        Ok(())
    }

    fn also_asked(&mut self, _request: &Request) -> Result<(), PortError> {
        Ok(())
    }

    fn sync(&mut self) -> Result<(), PortError> {
        self.written.lock().unwrap().push("synced".to_owned());
        Ok(())
    }

    fn finish(&mut self) -> Result<(), PortError> {
        self.written.lock().unwrap().push("finished".to_owned());
        Ok(())
    }
}

fn record(world: &World, sink: &Sink) -> Result<(), PortError> {
    let recorder = Recorder::start(Box::new(sink.clone()));
    let answerer = world.recording_answerer("scripted/m", &recorder);
    for case in ["a", "b", "c"] {
        let _ = ask(&answerer, request("scripted/m", case, "hello"));
    }
    recorder.finish()
}

#[test]
fn answers_are_recorded_and_failures_are_not() {
    let sink = Sink::default();
    record(&World::scripted("answer = \"{{case}}!\"\n[[rule]]\ncase = \"b\"\nfault = \"server\""), &sink).unwrap();
    assert_eq!(*sink.written.lock().unwrap(), ["a: a!", "c: c!", "finished"]);
}

#[test]
fn a_sink_that_breaks_is_told_at_the_end_and_puts_nothing_in_place() {
    let sink = Sink { breaks_after: Some(1), ..Sink::default() };
    let error = record(&World::scripted("answer = \"{{case}}!\""), &sink).unwrap_err();
    assert_eq!(error.to_string(), "write the recording: the disk is gone");
    assert_eq!(*sink.written.lock().unwrap(), ["a: a!"]);
}

#[test]
fn who_waits_for_what_was_recorded_waits_until_it_is_synced() {
    let sink = Sink::default();
    let recorder = Recorder::start(Box::new(sink.clone()));
    let saved = recorder.saved();
    let answerer = World::scripted("answer = \"{{case}}!\"").recording_answerer("scripted/m", &recorder);
    for case in ["a", "b"] {
        let _ = ask(&answerer, request("scripted/m", case, "hello"));
        saved.wait();
        assert_eq!(sink.written.lock().unwrap().last().unwrap(), "synced");
    }
    recorder.finish().unwrap();
    assert_eq!(*sink.written.lock().unwrap(), ["a: a!", "synced", "b: b!", "synced", "finished"]);
    // Nobody is waited for that is gone.
    saved.wait();
}
