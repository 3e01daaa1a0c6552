//! A set of providers from settings, an environment and files that a test writes down.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use promptgate_core::answer::{Answer, Failure, Response};
use promptgate_core::ask::Consultant;
use promptgate_core::event::{Event, Listener};
use promptgate_core::format::project::ProviderSettings;
use promptgate_core::message::{Message, Role};
use promptgate_core::name::{CaseId, ModelId, PromptId};
use promptgate_core::port::{Clock, Tree, TreeError, TreePath};
use promptgate_core::price::Prices;
use promptgate_core::request::{Origin, Request, RequestBody};
use promptgate_core::secret::Scrubber;
use promptgate_provider::{
    Answerer, AnswersFrom, Calling, LocalAnswerer, ModelSetup, ProviderSet, Recorder, Recording, RetryPolicy, Setup,
    SetupError,
};

/// Everything a set is built from; tests change what they are about.
pub struct World {
    pub settings: BTreeMap<String, ProviderSettings>,
    pub environment: BTreeMap<String, String>,
    pub files: BTreeMap<String, String>,
    pub root: tempfile::TempDir,
    pub scrubber: Scrubber,
    pub retry: RetryPolicy,
    pub events: Arc<Mutex<Vec<Event>>>,
    pub allow_exec: bool,
}

impl World {
    pub fn new() -> Self {
        Self {
            settings: BTreeMap::new(),
            environment: BTreeMap::new(),
            files: BTreeMap::new(),
            root: tempfile::tempdir().unwrap(),
            scrubber: Scrubber::new(),
            retry: RetryPolicy::none(),
            events: Arc::default(),
            allow_exec: false,
        }
    }

    /// With a script for `scripted`.
    pub fn scripted(script: &str) -> Self {
        let mut world = Self::new();
        world.files.insert("script.toml".to_owned(), script.to_owned());
        world.settings.insert("scripted".to_owned(), settings(|settings| settings.script = Some("script.toml".into())));
        world
    }

    /// With an OpenAI-shaped server.
    pub fn openai(base_url: &str) -> Self {
        let mut world = Self::new();
        world.environment.insert("OPENAI_BASE_URL".to_owned(), base_url.to_owned());
        world.settings.insert("openai".to_owned(), settings(|_| {}));
        world
    }

    /// With a program that may be run.
    pub fn exec(command: &[&str]) -> Self {
        let command = Some(command.iter().map(|word| (*word).to_owned()).collect());
        let mut world = Self { allow_exec: true, ..Self::new() };
        world.settings.insert("exec".to_owned(), settings(|settings| settings.command = command));
        world
    }

    /// With limits that a stalled connection runs into soon.
    pub fn impatient(mut self) -> Self {
        let short = Some(Duration::from_millis(50));
        let settings = settings(|settings| (settings.first_byte_timeout, settings.idle_timeout) = (short, short));
        self.settings.insert("openai".to_owned(), settings);
        self
    }

    pub fn key(mut self, key: &str) -> Self {
        self.environment.insert("OPENAI_API_KEY".to_owned(), key.to_owned());
        self
    }

    pub fn retrying(mut self, attempts: u32) -> Self {
        self.retry = RetryPolicy { attempts, ..RetryPolicy::default() };
        self
    }

    pub fn set(&self, models: Vec<ModelSetup>) -> Result<ProviderSet, SetupError> {
        self.asking(models, Vec::new(), Vec::new())
    }

    /// A set whose assertions ask models and consultants as well.
    pub fn asking(
        &self,
        models: Vec<ModelSetup>,
        asked: Vec<ModelSetup>,
        consultants: Vec<Consultant>,
    ) -> Result<ProviderSet, SetupError> {
        let environment = |name: &str| self.environment.get(name).cloned();
        let setup = Setup {
            settings: &self.settings,
            environment: &environment,
            tree: &Files(&self.files),
            root: self.root.path(),
            scrubber: &self.scrubber,
            prices: &Prices::embedded(),
            clock: Arc::new(Noon),
            allow_exec: self.allow_exec,
            keys: Default::default(),
        };
        ProviderSet::build(models, &setup)?.with(asked, consultants, &setup)
    }

    pub fn build(&self, model: &str) -> Result<ProviderSet, SetupError> {
        self.set(vec![called(model)])
    }

    pub fn answerer(&self, model: &str) -> LocalAnswerer {
        self.build(model).unwrap().answerer(&Calling::retrying(self.retry.clone(), self.listener()))
    }

    pub fn recording_answerer(&self, model: &str, recorder: &Recorder) -> LocalAnswerer {
        let calling = Calling { recorder: Some(recorder), ..Calling::retrying(self.retry.clone(), self.listener()) };
        self.build(model).unwrap().answerer(&calling)
    }

    pub fn listener(&self) -> Listener {
        let events = self.events.clone();
        Arc::new(move |event| events.lock().unwrap().push(event))
    }

    /// How long each retry waited.
    pub fn waits(&self) -> Vec<Duration> {
        let wait = |event: &Event| match event {
            Event::Retrying { wait, .. } => Some(*wait),
            _ => None,
        };
        self.events.lock().unwrap().iter().filter_map(wait).collect()
    }
}

/// Settings whose limits no test runs into by accident, on however busy a machine.
pub fn settings(change: impl FnOnce(&mut ProviderSettings)) -> ProviderSettings {
    let patient = Some(Duration::from_secs(60));
    let mut settings = ProviderSettings { first_byte_timeout: patient, idle_timeout: patient, ..Default::default() };
    change(&mut settings);
    settings
}

pub fn called(model: &str) -> ModelSetup {
    ModelSetup { id: ModelId::new(model).unwrap(), answers: AnswersFrom::Provider, asked: Default::default() }
}

pub fn recorded(model: &str, recording: Recording) -> ModelSetup {
    ModelSetup {
        id: ModelId::new(model).unwrap(),
        answers: AnswersFrom::Recording(Arc::new(recording)),
        asked: Default::default(),
    }
}

/// What `triage` asks a model about a case.
pub fn request(model: &str, case: &str, text: &str) -> Request {
    let messages = vec![Message::text(Role::System, "Sort."), Message::text(Role::User, text)];
    of_body(RequestBody::of(ModelId::new(model).unwrap(), messages), case)
}

pub fn of_body(body: RequestBody, case: &str) -> Request {
    let origin = Origin::Trial { prompt: PromptId::new("triage").unwrap(), case: CaseId::new(case).unwrap() };
    Request { digest: body.digest(), body, repeat: 1, timeout_ms: 2_000, origin }
}

/// Asks on a runtime of its own with a real clock.
pub fn ask(answerer: &LocalAnswerer, request: Request) -> Answer {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(answerer.answer(request))
}

pub fn response(answer: Answer) -> Response {
    answer.result.unwrap()
}

pub fn failure(answer: Answer) -> Failure {
    answer.result.unwrap_err()
}

struct Files<'a>(&'a BTreeMap<String, String>);

impl Tree for Files<'_> {
    fn read(&self, path: &TreePath) -> Result<Vec<u8>, TreeError> {
        let missing = || TreeError::Missing { tree: self.name(), path: path.to_string() };
        self.0.get(path.as_str()).map(|text| text.clone().into_bytes()).ok_or_else(missing)
    }

    fn list(&self, _: &TreePath) -> Result<Vec<TreePath>, TreeError> {
        Ok(Vec::new())
    }

    fn name(&self) -> String {
        "the test".to_owned()
    }
}

/// 1994-11-06 at 08:49:37 UTC, the date of the examples in RFC 9110.
struct Noon;

impl Clock for Noon {
    fn now_ms(&self) -> u64 {
        784_111_777_000
    }

    fn now_text(&self) -> String {
        "1994-11-06T08:49:37Z".to_owned()
    }
}
