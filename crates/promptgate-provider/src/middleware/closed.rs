//! What stands in the place of a call where none may be made: what is kept is still served by what stands above.

use promptgate_core::answer::{Answer, Failure, FailureKind};
use promptgate_core::request::Request;

use crate::{Answerer, BoxFuture};

/// Refuses.
pub(crate) struct Closed;

impl Answerer for Closed {
    fn answer(&self, _: Request) -> BoxFuture<'_, Answer> {
        let failure = Failure::new(FailureKind::MissingRecording, "not stored, and `--no-run` forbids calls");
        let answer = Answer::uncalled(Err(failure));
        Box::pin(std::future::ready(answer))
    }
}
