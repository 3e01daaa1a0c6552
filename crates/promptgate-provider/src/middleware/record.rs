//! Writes real answers down for `replay`. One thread owns the sink, so that a slow disk never holds up the runtime.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use promptgate_core::answer::{Answer, Response};
use promptgate_core::name::ModelId;
use promptgate_core::port::{PortError, RecordingSink};
use promptgate_core::request::Request;

use crate::{Answerer, BoxFuture, CalledFor};

/// The writer of a recording. [`Recorder::finish`] puts the new recording in place; without it the old one stays.
pub struct Recorder {
    jobs: Sender<Job>,
    thread: JoinHandle<Result<(), PortError>>,
}

enum Job {
    Record(Box<(Request, Response)>),
    AlsoAsked(Box<Request>),
    Sync(Sender<()>),
    Finish,
}

impl Recorder {
    /// Starts the thread that owns the sink.
    pub fn start(sink: Box<dyn RecordingSink>) -> Self {
        // Unbounded: a line is written far faster than a model answers, and blocking here would stall every call.
        let (jobs, inbox) = channel();
        Self { jobs, thread: std::thread::spawn(move || write(sink, &inbox)) }
    }

    /// What waits for everything recorded so far.
    pub fn saved(&self) -> Saved {
        Saved(self.jobs.clone())
    }

    /// Waits for everything recorded so far, then puts the recording in place. The first error stands for all.
    pub fn finish(self) -> Result<(), PortError> {
        // A send fails only when the thread is gone, and then joining says why.
        let _ = self.jobs.send(Job::Finish);
        let gone = || PortError::other("record answers", "the recording thread panicked");
        self.thread.join().unwrap_or_else(|_| Err(gone()))
    }
}

/// A run's log comes behind its recording: a trial must not be settled while what its judges said could still be lost.
#[derive(Clone)]
pub struct Saved(Sender<Job>);

impl Saved {
    /// Waits until everything recorded so far would outlive a power cut. Where it cannot be had, [`Recorder::finish`] tells.
    pub fn wait(&self) {
        let (done, over) = channel();
        if self.0.send(Job::Sync(done)).is_ok() {
            // Nothing comes after an earlier error, and this ends all the same: the other end is gone.
            let _ = over.recv();
        }
    }
}

fn write(mut sink: Box<dyn RecordingSink>, inbox: &Receiver<Job>) -> Result<(), PortError> {
    let mut written = Ok(());
    for job in inbox {
        written = written.and_then(|()| match &job {
            Job::Record(pair) => sink.record(&pair.0, &pair.1),
            Job::AlsoAsked(request) => sink.also_asked(request),
            Job::Sync(done) => {
                let synced = sink.sync();
                let _ = done.send(());
                synced
            }
            Job::Finish => sink.finish(),
        });
        if matches!(job, Job::Finish) {
            break;
        }
    }
    written
}

/// An answerer whose responses are recorded.
pub(crate) struct Recorded<A> {
    inner: A,
    jobs: Sender<Job>,
}

impl<A> Recorded<A> {
    pub(crate) fn new(inner: A, recorder: &Recorder) -> Self {
        Self { inner, jobs: recorder.jobs.clone() }
    }
}

impl<A: Answerer> Answerer for Recorded<A> {
    fn answer(&self, request: Request) -> BoxFuture<'_, Answer> {
        Box::pin(async move {
            let answer = self.inner.answer(request.clone()).await;
            if let Ok(response) = &answer.result {
                // Fails only after an error that `Recorder::finish` reports.
                let _ = self.jobs.send(Job::Record(Box::new((request, response.clone()))));
            }
            answer
        })
    }

    fn is_held(&self, model: &ModelId, called_for: CalledFor) -> bool {
        self.inner.is_held(model, called_for)
    }

    fn also_asked(&self, request: &Request) {
        // Fails only as above.
        let _ = self.jobs.send(Job::AlsoAsked(Box::new(request.clone())));
    }
}
