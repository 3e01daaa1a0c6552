//! Serving what assertions ask, through the answerer that trials use.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::join_all;
use promptgate_core::Digest;
use promptgate_core::answer::{Answer, Failure, FailureKind, Response};
use promptgate_core::ask::{Ask, Consultation, Reply};
use promptgate_core::name::{CaseId, ModelId};
use promptgate_core::request::{Origin, Request, RequestBody, Task};
use promptgate_provider::{Answerer, CalledFor};
use promptgate_scoring::grader::{GradeInput, Graded, Grader, Grading, Pending};
use tokio::sync::{OnceCell, Semaphore, SemaphorePermit};
use tokio::time::sleep;

use crate::execute::bug;

/// How soon a question to a model that answers nothing at present is looked at again.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// What came of one ask.
pub(crate) struct Served {
    pub(crate) reply: Reply,
    /// What a model answered.
    pub(crate) answer: Option<Answer>,
    pub(crate) bill: Bill,
    /// Whether nobody charges for it (moderation), so that no price is no unknown cost.
    pub(crate) is_free: bool,
    /// The question, where the reply holds for the whole run.
    lasts: Option<Digest>,
}

impl Served {
    /// A reply that holds for all cases, and its question.
    pub(crate) fn for_all(&self) -> Option<(Digest, Response)> {
        let response = self.answer.as_ref()?.result.as_ref().ok()?;
        Some((self.lasts?, response.clone()))
    }
}

/// Who bears what a reply cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bill {
    /// The trial.
    Trial,
    /// All cases together; the question.
    All(Digest),
}

/// Where asks are served.
pub(crate) struct Counter<'a> {
    pub(crate) answerer: &'a dyn Answerer,
    /// How many may be under way.
    pub(crate) permits: &'a Semaphore,
    pub(crate) questions: &'a Questions,
}

/// Who asks.
pub(crate) struct Asker {
    assertion: String,
    case: CaseId,
    /// Which draw of an equal question it is, from 1.
    draw: u32,
}

impl Asker {
    /// The askers of a trial's questions. A question that one assertion asks twice is drawn twice, and again by the next
    /// repeat of the trial; so each draw has its own number, whatever is asked first.
    pub(crate) fn all(pending: &Pending, asks: &[Ask], repeat: u32) -> Vec<Self> {
        let name = |index: usize| pending.askers().get(index).cloned().unwrap_or_default();
        let question = |(index, ask): (usize, &Ask)| (name(index), Digest::of_json(ask));
        let questions: Vec<(String, Digest)> = asks.iter().enumerate().map(question).collect();
        let mut equal: HashMap<&(String, Digest), u32> = HashMap::new();
        questions.iter().for_each(|question| *equal.entry(question).or_default() += 1);
        let mut before: HashMap<&(String, Digest), u32> = HashMap::new();
        let asker = |question| {
            let (before, equal) = (before.entry(question).or_default(), equal.get(question).copied().unwrap_or(1));
            *before += 1;
            let draw = repeat.saturating_sub(1).saturating_mul(equal).saturating_add(*before);
            Self { assertion: question.0.clone(), case: pending.case().id.clone(), draw }
        };
        questions.iter().map(asker).collect()
    }
}

impl Counter<'_> {
    /// Answers one ask, once there is a permit.
    pub(crate) async fn serve(&self, ask: Ask, asker: Asker, timeout_ms: u64) -> Served {
        let (shared, lasts) = (ask.is_shared(), matches!(ask, Ask::Once(_)));
        let body = match ask {
            Ask::Model(body) | Ask::Once(body) => *body,
            Ask::Embed { model, texts } => RequestBody::embed(model, &texts),
            Ask::Moderate { model, text } => RequestBody::moderate(model, &text),
            Ask::Consult(consultation) => return self.consult(consultation).await,
        };
        let Asker { assertion, case, draw } = asker;
        let task = body.task;
        let origin = Origin::Ask { assertion, case, shared };
        let repeat = if shared { 1 } else { draw };
        let request = Request { digest: body.digest(), body, repeat, timeout_ms, origin };
        let digest = request.digest;
        let bill = if shared { Bill::All(digest) } else { Bill::Trial };
        let answer = self.answer(request, shared, lasts).await;
        let is_free = task == Task::Moderate;
        Served { reply: reply(task, &answer), answer: Some(answer), bill, is_free, lasts: lasts.then_some(digest) }
    }

    async fn answer(&self, request: Request, shared: bool, lasts: bool) -> Answer {
        let (key, cell) = self.questions.cell(&request, shared, lasts);
        let mut asked = None;
        let equal = shared.then(|| request.clone());
        let answer = cell.get_or_init(|| async {
            let _permit = self.permit(&request.body.model).await;
            let answer = AssertUnwindSafe(self.answerer.answer(request)).catch_unwind().await;
            asked.insert(answer.unwrap_or_else(|panic| Answer::failed(bug(&*panic)))).clone()
        });
        let answer = answer.await.clone();
        self.questions.leave(key, cell);
        if let Some(request) = equal.filter(|_| asked.is_none()) {
            self.answerer.also_asked(&request);
        }
        // Whoever came later has called nobody.
        asked.unwrap_or(Answer { attempts: 0, wasted: None, wasted_unpriced: 0, ..answer })
    }

    /// Waits until a model may be asked. One that answers nothing at present leaves the permits to others.
    async fn permit(&self, model: &ModelId) -> Option<SemaphorePermit<'_>> {
        loop {
            // The semaphore is never closed.
            let permit = self.permits.acquire().await.ok();
            if !self.answerer.is_held(model, CalledFor::Ask) {
                return permit;
            }
            drop(permit);
            sleep(LOOK_AGAIN).await;
        }
    }

    async fn consult(&self, consultation: Consultation) -> Served {
        let _permit = self.permits.acquire().await;
        let said = AssertUnwindSafe(self.answerer.consult(consultation)).catch_unwind().await;
        let said = said.unwrap_or_else(|panic| Err(bug(&*panic)));
        let reply = said.map_or_else(Reply::Failed, Reply::Json);
        Served { reply, answer: None, bill: Bill::Trial, is_free: true, lasts: None }
    }
}

/// Questions that are being asked, and answers that hold for all cases. Whoever asks the same draw of the same meanwhile
/// gets the same answer, as whoever asks later gets what the cache has kept of it: so a second run that has the cache has the
/// grades of the first.
#[derive(Default)]
pub struct Questions(Mutex<HashMap<Digest, Question>>);

struct Question {
    answer: Weak<OnceCell<Answer>>,
    /// Holds an answer that later cases get too.
    kept: Option<Arc<OnceCell<Answer>>>,
}

impl Questions {
    fn open(&self) -> MutexGuard<'_, HashMap<Digest, Question>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Holds what was replied before, so that it is not asked again: to a question for all cases, by its digest.
    pub fn hold(&self, question: Digest, response: Response) {
        let answer = Answer { attempts: 0, ..Answer::of(response) };
        let cell = Arc::new(OnceCell::new_with(Some(answer)));
        let key = key_of(question, 1, None);
        self.open().insert(key, Question { answer: Arc::downgrade(&cell), kept: Some(cell) });
    }

    /// The place of a question's answer, which stays there where it lasts.
    fn cell(&self, request: &Request, shared: bool, lasts: bool) -> (Digest, Arc<OnceCell<Answer>>) {
        let case = Some(request.origin.case()).filter(|_| !shared);
        let key = key_of(request.digest, request.repeat, case);
        let mut questions = self.open();
        if let Some(cell) = questions.get(&key).and_then(|question| question.answer.upgrade()) {
            return (key, cell);
        }
        let cell = Arc::new(OnceCell::new());
        let kept = lasts.then(|| cell.clone());
        questions.insert(key, Question { answer: Arc::downgrade(&cell), kept });
        (key, cell)
    }

    /// Forgets what nobody waits for; an answer that holds for all cases stays, unless there was none.
    fn leave(&self, key: Digest, cell: Arc<OnceCell<Answer>>) {
        let mut questions = self.open();
        let failed = cell.get().is_none_or(|answer| answer.result.is_err());
        drop(cell);
        if let Some(question) = questions.get_mut(&key) {
            question.kept.take_if(|_| failed);
            if question.answer.strong_count() == 0 {
                questions.remove(&key);
            }
        }
    }
}

/// A question is the same for a draw, and for a case unless all share it.
fn key_of(question: Digest, draw: u32, case: Option<&CaseId>) -> Digest {
    Digest::of_json(&(question, draw, case))
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
    let (permits, questions) = (Semaphore::new(concurrency.max(1)), Questions::default());
    let counter = &Counter { answerer: &*answerer, permits: &permits, questions: &questions };
    let one = |mut grading: Grading| async {
        loop {
            let (pending, asks) = match grading {
                Grading::Done(graded) => return graded,
                Grading::Ask(pending, asks) => (pending, asks),
            };
            let askers = Asker::all(&pending, &asks, 1);
            let serving = asks.into_iter().zip(askers).map(|(ask, asker)| counter.serve(ask, asker, timeout_ms));
            let replies = join_all(serving).await.into_iter().map(|served| served.reply).collect();
            grading = grader.resume(pending, replies);
        }
    };
    join_all(grader.grade_batch(inputs).into_iter().map(one)).await
}

#[cfg(test)]
mod tests {
    use promptgate_core::message::{Message, Role};

    use super::*;

    /// Memory stays flat however many outputs are embedded: what is equal later is found in the cache.
    #[test]
    fn an_answer_stays_only_where_it_holds_for_all_cases() {
        let body = RequestBody::of(ModelId::new("judge/m").unwrap(), vec![Message::text(Role::User, "which steps?")]);
        let case = CaseId::new("a").unwrap();
        let origin = Origin::Ask { assertion: "steps".to_owned(), case, shared: true };
        let request = Request { digest: body.digest(), body, repeat: 1, timeout_ms: 1_000, origin };
        for (lasts, held) in [(false, 0), (true, 1)] {
            let questions = Questions::default();
            let (key, cell) = questions.cell(&request, true, lasts);
            let (_, waiting) = questions.cell(&request, true, lasts);
            cell.set(Answer::of(Response::text("one"))).unwrap();
            assert!(waiting.get().is_some(), "who waits meanwhile gets the same");
            questions.leave(key, cell);
            questions.leave(key, waiting);
            assert_eq!(questions.open().len(), held, "{lasts}");
        }
    }
}
