//! Building what answers: every mistake in settings and every missing credential is found here, before anything runs.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::Path;
use std::sync::Arc;

use promptgate_core::ask::Consultant;
use promptgate_core::format::project::ProviderSettings;
use promptgate_core::name::ModelId;
use promptgate_core::port::{Clock, Tree};
use promptgate_core::price::Prices;
use promptgate_core::request::{RequestBody, Task};
use promptgate_core::secret::{Scrubber, Secret};
use promptgate_core::{Diagnostic, Diagnostics, ExitCode};

use crate::checkup::Checkup;
use crate::consult::Consultants;
use crate::http::proxy_secrets;
use crate::middleware::{Limits, Pace};
use crate::precedence::under_environment;
use crate::registry::{self, Built};
use crate::replay::{Recording, Replay};
use crate::stack::Calling;
use crate::{Answerer, LocalAnswerer, exec, key, stack};

/// A model of a plan, and where its answers come from.
pub struct ModelSetup {
    /// Provider and model.
    pub id: ModelId,
    /// Where its answers come from.
    pub answers: AnswersFrom,
    /// What assertions ask it for; nothing where it is a model under test.
    pub asked: BTreeSet<Task>,
}

/// Where the answers of a model come from.
pub enum AnswersFrom {
    /// Its provider is called.
    Provider,
    /// A recording stands in for it.
    Recording(Arc<Recording>),
}

/// All that providers are built from. Nothing else is looked up: no environment, no clock, no file.
pub struct Setup<'a> {
    /// `[provider.<name>]` of the project, by name.
    pub settings: &'a BTreeMap<String, ProviderSettings>,
    /// Looks up an environment variable.
    pub environment: &'a dyn Fn(&str) -> Option<String>,
    /// The project's files, for the script of `scripted`.
    pub tree: &'a dyn Tree,
    /// The project's root on disk, for the calls log of `scripted`.
    pub root: &'a Path,
    /// Learns every secret that is read.
    pub scrubber: &'a Scrubber,
    /// What models cost.
    pub prices: &'a Prices,
    /// The time of day, for a `Retry-After` that is a date.
    pub clock: Arc<dyn Clock>,
    /// Whether programs may be run, for a key that one prints.
    pub allow_exec: bool,
    /// Whether a missing key is a mistake.
    pub keys: Keys,
}

/// Whether providers need their keys.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Keys {
    /// They are going to be called.
    #[default]
    Needed,
    /// They may be called: what is missing is kept for [`ProviderSet::must_have_keys`].
    NeededForCalls,
    /// They are looked at only, to plan calls.
    NotNeeded,
}

/// What a provider is built from.
pub(crate) struct BuildContext<'a> {
    /// The name in model ids, which may differ from the kind.
    pub(crate) name: &'a str,
    pub(crate) settings: &'a ProviderSettings,
    pub(crate) setup: &'a Setup<'a>,
}

/// Why providers could not be built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SetupError {
    /// Something the user wrote is wrong: exit 2.
    #[error("{0}")]
    Invalid(Diagnostics),
    /// A key is missing: exit 77.
    #[error("{0}")]
    Credential(Diagnostics),
}

impl SetupError {
    /// The code the command ends with.
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Invalid(_) => ExitCode::Usage,
            Self::Credential(_) => ExitCode::NoPermission,
        }
    }

    /// What is wrong.
    pub fn diagnostics(&self) -> &Diagnostics {
        match self {
            Self::Invalid(diagnostics) | Self::Credential(diagnostics) => diagnostics,
        }
    }
}

impl From<Diagnostic> for SetupError {
    fn from(diagnostic: Diagnostic) -> Self {
        Self::Invalid(diagnostic.into())
    }
}

impl From<Diagnostics> for SetupError {
    fn from(diagnostics: Diagnostics) -> Self {
        Self::Invalid(diagnostics)
    }
}

/// The providers of a plan's models, built once and shared: one connection pool a provider.
pub struct ProviderSet {
    models: Vec<ModelSetup>,
    built: HashMap<Arc<str>, Built>,
    /// By provider that was built without its key, why there is none.
    keyless: BTreeMap<Arc<str>, Diagnostics>,
    consultants: Consultants,
    prices: Prices,
    scrubber: Scrubber,
}

impl ProviderSet {
    /// Builds the providers of the models that are called. Recordings need none, and no credential.
    ///
    /// # Errors
    ///
    /// All mistakes at once; wrong settings come before missing credentials.
    pub fn build(models: Vec<ModelSetup>, setup: &Setup<'_>) -> Result<Self, SetupError> {
        let set = Self {
            models: Vec::new(),
            built: HashMap::new(),
            keyless: BTreeMap::new(),
            consultants: Consultants::default(),
            prices: setup.prices.clone(),
            scrubber: setup.scrubber.clone(),
        };
        set.with(models, Vec::new(), setup)
    }

    /// The same, and whom assertions ask.
    ///
    /// # Errors
    ///
    /// As for [`Self::build`]; and a provider that does not serve what it is asked for, and a program where none is
    /// allowed.
    pub fn with(
        mut self,
        models: Vec<ModelSetup>,
        consultants: Vec<Consultant>,
        setup: &Setup<'_>,
    ) -> Result<Self, SetupError> {
        let (mut invalid, mut missing) = (Diagnostics::default(), Diagnostics::default());
        let mut called: Vec<&Arc<str>> =
            models.iter().filter(|model| model.is_called()).map(ModelSetup::name).collect();
        called.sort();
        called.dedup();
        for name in called {
            if self.built.contains_key(name) {
                continue;
            }
            let built = match build(name, setup) {
                Err(SetupError::Credential(mistakes)) if setup.keys == Keys::NeededForCalls => {
                    self.keyless.insert(name.clone(), mistakes);
                    build(name, &Setup { keys: Keys::NotNeeded, clock: setup.clock.clone(), ..*setup })
                }
                built => built,
            };
            match built {
                Ok(provider) => drop(self.built.insert(name.clone(), provider)),
                Err(SetupError::Invalid(mistakes)) => invalid.extend(mistakes),
                Err(SetupError::Credential(mistakes)) => missing.extend(mistakes),
            }
        }
        models.iter().filter_map(|model| self.unserved(model)).for_each(|mistake| invalid.push(mistake));
        match Consultants::build(consultants, setup) {
            Ok(consultants) => self.consultants = consultants,
            Err(error) => invalid.extend(error.diagnostics().clone()),
        }
        invalid.into_result(()).map_err(SetupError::Invalid)?;
        missing.into_result(()).map_err(SetupError::Credential)?;
        self.models.extend(models);
        Ok(self)
    }

    /// Holds that the providers of models that are about to be called have their keys.
    ///
    /// # Errors
    ///
    /// [`SetupError::Credential`] for those that [`Keys::NeededForCalls`] let pass without one.
    pub fn must_have_keys<'a>(&self, models: impl IntoIterator<Item = &'a ModelId>) -> Result<(), SetupError> {
        let called: BTreeSet<&Arc<str>> = models.into_iter().map(|model| &model.provider).collect();
        let mut missing = Diagnostics::default();
        called.into_iter().filter_map(|name| self.keyless.get(name)).for_each(|why| missing.extend(why.clone()));
        missing.into_result(()).map_err(SetupError::Credential)
    }

    /// What a model is asked for and its provider does not have.
    fn unserved(&self, model: &ModelSetup) -> Option<Diagnostic> {
        let built = self.built.get(&model.id.provider).filter(|_| model.is_called())?;
        let task = model.asked.iter().find(|task| !built.provider.serves(**task))?;
        let message = format!("`{}` is asked for {}, which its provider does not serve", model.id, task.as_str());
        let help = "OpenAI, Azure and the servers of OpenAI's shape do; Gemini does embeddings and token probabilities";
        Some(Diagnostic::new(message).help(help))
    }

    /// Where a model's answers come from, as [`promptgate_core::plan::PlannedModel::source`] wants it: a base URL (and
    /// ` as <kind>` where another API than the usual one is spoken there), `replay:<digest>`, `scripted:<digest>`, `echo`.
    /// Nothing for a model that is not of this set.
    pub fn source(&self, id: &ModelId) -> Option<String> {
        let model = self.models.iter().find(|model| model.asked.is_empty() && model.id == *id)?;
        Some(match &model.answers {
            AnswersFrom::Recording(recording) => recording.source(),
            AnswersFrom::Provider => self.built.get(&id.provider)?.source.clone(),
        })
    }

    /// Whether a provider is a program of the user's own.
    pub fn is_program(&self, name: &str) -> bool {
        self.built.get(name).is_some_and(|built| built.source.starts_with(exec::SOURCE))
    }

    /// Whether a provider answers on this machine, without a network.
    pub fn is_local(&self, name: &str) -> bool {
        self.built.get(name).is_some_and(|built| built.probe.is_none())
    }

    /// Why a request cannot be put into the words of the provider that will be called with it; nothing where it can, or
    /// where none is.
    pub fn unsayable(&self, request: &RequestBody) -> Option<String> {
        self.models.iter().find(|model| model.id == request.model && model.is_called())?;
        self.built.get(&request.model.provider)?.provider.can_say(request).err()
    }

    /// What the providers that are somewhere else say of themselves, by name.
    pub async fn checkups(&self) -> Vec<Checkup> {
        let mut names: Vec<&Arc<str>> = self.built.keys().collect();
        names.sort();
        let mut found = Vec::new();
        for name in names {
            if let Some(probe) = self.built.get(name).and_then(|built| built.probe.as_ref()) {
                found.push(probe.checkup(name).await);
            }
        }
        found
    }

    /// The answerer over these providers. Models of one provider share the limits of its settings, and each has its own pace.
    pub fn answerer(&self, calling: &Calling<'_>) -> LocalAnswerer {
        let longest_hold = calling.retry.longest_retry_after;
        let limits: HashMap<&Arc<str>, Arc<Limits>> =
            self.built.iter().map(|(name, built)| (name, Arc::new(Limits::of(&built.settings)))).collect();
        let pace = |id: &ModelId| Some(Pace::within(limits.get(&id.provider)?.clone(), longest_hold));
        // One and the same for a model that is under test and asked by assertions as well.
        let paces: HashMap<&ModelId, Arc<Pace>> =
            self.models.iter().filter_map(|model| Some((&model.id, Arc::new(pace(&model.id)?)))).collect();
        let stack = |model: &ModelSetup| -> Option<Box<dyn Answerer>> {
            let price = self.prices.of(&model.id).copied();
            Some(match &model.answers {
                AnswersFrom::Recording(recording) => stack::stored(Replay(recording.clone()), price),
                AnswersFrom::Provider => {
                    let (built, pace) = (self.built.get(&model.id.provider)?, paces.get(&model.id)?);
                    stack::live(&model.id, built, pace.clone(), self.scrubber.clone(), price, calling)
                }
            })
        };
        let stacks = |models: &[&ModelSetup]| {
            models.iter().filter_map(|model| Some((model.id.clone(), stack(model)?))).collect()
        };
        let (tested, asked): (Vec<_>, Vec<_>) = self.models.iter().partition(|model| model.asked.is_empty());
        LocalAnswerer::new(
            stacks(&tested),
            stacks(&asked),
            self.consultants.under(calling),
            limits.into_values().collect(),
        )
    }
}

impl ModelSetup {
    fn is_called(&self) -> bool {
        matches!(self.answers, AnswersFrom::Provider)
    }

    fn name(&self) -> &Arc<str> {
        &self.id.provider
    }
}

/// Learns every key that the environment holds for a provider or a proxy, whether that will be called or not: an answer that
/// was stored or recorded elsewhere may repeat it, and so may a program.
pub fn learn_keys(
    settings: &BTreeMap<String, ProviderSettings>,
    environment: &dyn Fn(&str) -> Option<String>,
    scrubber: &Scrubber,
) {
    let of_kinds = registry::kinds().filter_map(|kind| kind.api).flat_map(|api| key::variables(api.name, api));
    let of_names = settings.keys().map(|name| key::variable(name, "API_KEY"));
    let named = settings.values().filter_map(|provider| provider.key_env.clone());
    for variable in of_kinds.chain(of_names).chain(named).chain(MORE_SECRETS.map(str::to_owned)) {
        if let Some(value) = environment(&variable) {
            scrubber.learn(&Secret::new(value.trim()));
        }
    }
    proxy_secrets(environment).iter().for_each(|secret| scrubber.learn(secret));
}

/// Variables that hold secrets without being the key of an API.
const MORE_SECRETS: [&str; 3] = ["AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN"];

fn build(name: &str, setup: &Setup<'_>) -> Result<Built, SetupError> {
    let default = ProviderSettings::default();
    let settings = setup.settings.get(name).unwrap_or(&default);
    let kind = registry::kind_of(name, settings, setup.environment)?;
    let settings = under_environment(name, kind.api, settings, setup.environment);
    let built = (kind.build)(&BuildContext { name, settings: &settings, setup })?;
    Ok(Built { settings, ..built })
}
