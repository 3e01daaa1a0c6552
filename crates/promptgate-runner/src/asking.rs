//! Serving what assertions ask, through the answerer that trials use.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::join_all;
use promptgate_core::answer::{Answer, Failure, FailureKind};
use promptgate_core::ask::{Ask, Consultation, Reply};
use promptgate_core::request::{Origin, Request, RequestBody, Task};
use promptgate_provider::Answerer;
use promptgate_scoring::grader::{GradeInput, Graded, Grader, Grading};
use tokio::sync::Semaphore;

use crate::execute::bug;

/// What came of one ask.
pub(crate) struct Served {
    pub(crate) reply: Reply,
    /// What a model answered.
    pub(crate) answer: Option<Answer>,
}

/// Answers one ask, once there is a permit.
pub(crate) async fn serve(
    answerer: &dyn Answerer,
    permits: &Semaphore,
    ask: Ask,
    origin: Origin,
    timeout_ms: u64,
) -> Served {
    let body = match ask {
        Ask::Model(body) => *body,
        Ask::Embed { model, texts } => RequestBody::embed(model, &texts),
        Ask::Moderate { model, text } => RequestBody::moderate(model, &text),
        Ask::Consult(consultation) => return consult(answerer, permits, consultation).await,
    };
    // The semaphore is never closed.
    let _permit = permits.acquire().await;
    let task = body.task;
    let request = Request { digest: body.digest(), body, repeat: 1, timeout_ms, origin };
    let answer = AssertUnwindSafe(answerer.answer(request)).catch_unwind().await;
    let answer = answer.unwrap_or_else(|panic| Answer::failed(bug(&*panic)));
    Served { reply: reply(task, &answer), answer: Some(answer) }
}

async fn consult(answerer: &dyn Answerer, permits: &Semaphore, consultation: Consultation) -> Served {
    let _permit = permits.acquire().await;
    let said = AssertUnwindSafe(answerer.consult(consultation)).catch_unwind().await;
    let said = said.unwrap_or_else(|panic| Err(bug(&*panic)));
    Served { reply: said.map_or_else(Reply::Failed, Reply::Json), answer: None }
}

/// An answer as the assertion wants it: vectors and verdicts come as JSON in a text.
fn reply(task: Task, answer: &Answer) -> Reply {
    let response = match &answer.result {
        Ok(response) => response.clone(),
        Err(failure) => return Reply::Failed(failure.clone()),
    };
    let unread = |error: serde_json::Error| {
        Reply::Failed(Failure::new(FailureKind::Server, format!("{} that cannot be read: {error}", task.as_str())))
    };
    match task {
        Task::Generate => Reply::Model(response),
        Task::Embed => serde_json::from_str(&response.output).map_or_else(unread, Reply::Embedding),
        Task::Moderate | Task::Probabilities => serde_json::from_str(&response.output).map_or_else(unread, Reply::Json),
    }
}

/// Grades outputs that no run has answered: everything that is asked for is served. In the order of the inputs.
pub async fn grade_outputs(
    grader: Arc<Grader>,
    answerer: Arc<dyn Answerer>,
    inputs: Vec<GradeInput>,
    (concurrency, timeout_ms): (usize, u64),
) -> Vec<Graded> {
    let permits = Semaphore::new(concurrency.max(1));
    let (answerer, permits) = (&*answerer, &permits);
    let one = |mut grading: Grading| async {
        loop {
            let (pending, asks) = match grading {
                Grading::Done(graded) => return graded,
                Grading::Ask(pending, asks) => (pending, asks),
            };
            let serving = asks.into_iter().enumerate().map(|(index, ask)| {
                let assertion = pending.askers().get(index).cloned().unwrap_or_default();
                let origin = Origin::Ask { assertion, case: pending.case().id.clone() };
                serve(answerer, permits, ask, origin, timeout_ms)
            });
            let replies = join_all(serving).await.into_iter().map(|served| served.reply).collect();
            grading = grader.resume(pending, replies);
        }
    };
    join_all(grader.grade_batch(inputs).into_iter().map(one)).await
}
