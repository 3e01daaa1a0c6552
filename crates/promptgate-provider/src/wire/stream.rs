//! Streams: bytes are cut into events, events are folded into a whole reply.

use promptgate_core::answer::FailureKind;
use serde_json::{Map, Value};
use tokio::time::{Duration, Instant};

use super::aws_events;
use super::json::parsed;
use super::sse::{self, Event};
use crate::FailedCall;

/// Makes a whole reply of the events of a stream.
pub(crate) trait Fold: Send {
    /// Takes one event. An error inside the stream is a failure.
    fn take(&mut self, event: Event) -> Result<Progress, FailedCall>;

    /// The reply as it would have come whole. A stream that broke off is a failure: a part is never an answer.
    fn finish(self: Box<Self>) -> Result<Value, FailedCall>;
}

/// What an event brought.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Nothing of the answer.
    Nothing,
    /// A piece of the answer.
    Said,
    /// The end; nothing more is awaited.
    Done,
}

/// How a stream is cut into events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Frames {
    /// `text/event-stream`.
    ServerSent,
    /// AWS's binary event stream.
    Aws,
}

impl Frames {
    pub(crate) fn content_type(self) -> &'static str {
        match self {
            Self::ServerSent => "text/event-stream",
            Self::Aws => "application/vnd.amazon.eventstream",
        }
    }
}

enum Decoder {
    ServerSent(sse::Decoder),
    Aws(aws_events::Decoder),
}

/// A stream that is being read.
pub(crate) struct Stream {
    decoder: Decoder,
    fold: Box<dyn Fold>,
    first: Option<Instant>,
    /// When the end of the answer came, where the stream says that it did.
    ended: Option<Instant>,
}

impl Stream {
    pub(crate) fn new(frames: Frames, fold: Box<dyn Fold>) -> Self {
        let decoder = match frames {
            Frames::ServerSent => Decoder::ServerSent(sse::Decoder::default()),
            Frames::Aws => Decoder::Aws(aws_events::Decoder::default()),
        };
        Self { decoder, fold, first: None, ended: None }
    }

    /// Takes bytes as they come.
    pub(crate) fn take(&mut self, bytes: &[u8]) -> Result<(), FailedCall> {
        let events = match &mut self.decoder {
            Decoder::ServerSent(decoder) => decoder.push(bytes),
            Decoder::Aws(decoder) => decoder.push(bytes),
        };
        let unreadable = |reason: String| FailedCall::new(FailureKind::Server, format!("a stream that {reason}"));
        for event in events.map_err(unreadable)? {
            match self.fold.take(event)? {
                Progress::Nothing => {}
                Progress::Said => drop(self.first.get_or_insert_with(Instant::now)),
                Progress::Done => drop(self.ended.get_or_insert_with(Instant::now)),
            }
        }
        Ok(())
    }

    /// Whether the answer is whole, though the connection may stay open.
    pub(crate) fn is_done(&self) -> bool {
        self.ended.is_some()
    }

    /// Whether a piece of the answer has come.
    pub(crate) fn has_begun(&self) -> bool {
        self.first.is_some()
    }

    pub(crate) fn first_token(&self, sent: Instant) -> Option<Duration> {
        self.first.map(|first| first.saturating_duration_since(sent))
    }

    /// How long the answer took; what a server does after its end is no part of it.
    pub(crate) fn took(&self, sent: Instant) -> Option<Duration> {
        self.ended.map(|ended| ended.saturating_duration_since(sent))
    }

    pub(crate) fn finish(self) -> Result<Value, FailedCall> {
        self.fold.finish()
    }
}

/// The JSON object of an event.
pub(crate) fn object_of(event: &Event) -> Result<Map<String, Value>, FailedCall> {
    parsed(event.data.as_bytes()).map_err(|error| {
        FailedCall::new(FailureKind::Server, format!("a stream with an event that cannot be read: {error}"))
    })
}

/// The value under a key, taken out; null where there is none.
pub(crate) fn taken(object: &mut Map<String, Value>, key: &str) -> Value {
    object.remove(key).unwrap_or_default()
}

/// The failure of a stream that ended before the answer did.
pub(crate) fn cut_short() -> FailedCall {
    FailedCall::new(FailureKind::Connection, "the stream ended before the answer did")
}
