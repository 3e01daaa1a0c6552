//! The keys that requests are signed with: from the environment, else from a profile of the shared files, else from the
//! container that this runs in. Those that end are asked for again before they do.
//!
//! Keys that a machine of AWS hands out are not looked for: that would call an address nobody named.

use std::sync::Arc;

use promptgate_core::Diagnostic;
use promptgate_core::secret::{Scrubber, Secret};
use tokio::sync::Mutex;

use super::lent::{Lender, Lent};
use super::profile::Profile;
use crate::key;
use crate::set::{BuildContext, Keys, SetupError};

/// How long before they end keys are asked for anew, so that no request is under way when they do; half of their time where
/// that is less.
const EARLY_MS: u64 = 300_000;

/// A pair of keys, and the token of a session.
#[derive(Debug, Clone)]
pub(crate) struct Credentials {
    pub(crate) id: Secret,
    pub(crate) secret: Secret,
    pub(crate) session: Option<Secret>,
}

impl Credentials {
    fn learnt_by(&self, scrubber: &Scrubber) {
        scrubber.learn(&self.secret);
        self.session.iter().for_each(|session| scrubber.learn(session));
    }
}

/// The credentials in use.
pub(crate) enum Held {
    /// They do not end.
    Fixed(Credentials),
    /// They were lent, for a time or for good.
    Lent(Loan),
}

/// What was lent, and who is asked again.
pub(crate) struct Loan {
    lender: Arc<Lender>,
    /// With when they were asked for.
    now: Mutex<(Lent, u64)>,
    scrubber: Scrubber,
}

impl Held {
    /// The credentials to sign with at a time. One caller at a time asks anew; the others wait for what it gets.
    pub(super) async fn at(&self, now_ms: u64) -> Result<Credentials, String> {
        match self {
            Self::Fixed(credentials) => Ok(credentials.clone()),
            Self::Lent(loan) => loan.at(now_ms).await,
        }
    }
}

impl Loan {
    async fn at(&self, now_ms: u64) -> Result<Credentials, String> {
        let mut now = self.now.lock().await;
        let (held, since_ms) = &*now;
        let early = |ends: u64| EARLY_MS.min(ends.saturating_sub(*since_ms) / 2);
        if held.ends_ms.is_none_or(|ends| now_ms < ends - early(ends)) {
            return Ok(held.credentials.clone());
        }
        let (lender, scrubber) = (self.lender.clone(), self.scrubber.clone());
        // It blocks: a program is waited for.
        let asked = tokio::task::spawn_blocking(move || lender.ask(&scrubber)).await;
        match asked.unwrap_or_else(|_| Err("asking for keys broke off".to_owned())) {
            Ok(lent) => {
                lent.credentials.learnt_by(&self.scrubber);
                let credentials = lent.credentials.clone();
                *now = (lent, now_ms);
                Ok(credentials)
            }
            // What is held may do for a few minutes yet.
            Err(_) if held.ends_ms.is_none_or(|ends| now_ms < ends) => Ok(held.credentials.clone()),
            Err(why) => Err(format!("its keys have ended, and {why}")),
        }
    }
}

/// The credentials of a provider, learnt by the scrubber; nothing where there are none, or none are needed.
pub(super) fn of(context: &BuildContext<'_>, profile: &Profile) -> Result<Option<Held>, SetupError> {
    if context.setup.keys == Keys::NotNeeded {
        return Ok(None);
    }
    let fixed = match from_environment(context) {
        Some(found) => Some(found),
        None => {
            can_be_used(context, profile)?;
            from_profile(profile)
        }
    };
    if let Some(credentials) = fixed {
        credentials.learnt_by(context.setup.scrubber);
        return Ok(Some(Held::Fixed(credentials)));
    }
    let lender = match profile.credential_process() {
        Some(command) => Some(Lender::of_program(command)),
        None => Lender::of_container(context),
    };
    lender.map(|lender| lent(context, profile, lender)).transpose()
}

fn from_environment(context: &BuildContext<'_>) -> Option<Credentials> {
    let set = |name| key::set(context, name).map(Secret::new);
    Some(Credentials {
        id: set("AWS_ACCESS_KEY_ID")?,
        secret: set("AWS_SECRET_ACCESS_KEY")?,
        session: set("AWS_SESSION_TOKEN"),
    })
}

fn from_profile(profile: &Profile) -> Option<Credentials> {
    let [id, secret, session] = profile.keys()?.map(|value| value.map(Secret::new));
    Some(Credentials { id: id?, secret: secret?, session })
}

/// Holds that a profile is there where it is named, and asks for nothing that is not done here.
fn can_be_used(context: &BuildContext<'_>, profile: &Profile) -> Result<(), SetupError> {
    let has_keys = profile.keys().is_some() || profile.credential_process().is_some();
    let asks_for = profile.asks_for_role().or_else(|| profile.asks_for_sign_on().filter(|_| !has_keys));
    if let Some((asking, what)) = asks_for {
        let why = format!("it asks for {what} (`{asking}`), which promptgate does not get");
        let help = format!(
            "set what `aws configure export-credentials --profile {} --format env` prints in the environment",
            profile.name
        );
        return Err(unusable(context, profile, &why, &help));
    }
    let help = "set AWS_PROFILE to a profile with keys, or unset it";
    match &profile.problem {
        Some(why) if profile.is_named => Err(unusable(context, profile, why, help)),
        // A profile that only names a region leaves the keys to the container.
        None if profile.is_named && !has_keys && Lender::of_container(context).is_none() => {
            let why = "it holds neither keys nor a `credential_process`";
            Err(unusable(context, profile, why, help))
        }
        _ => Ok(()),
    }
}

fn unusable(context: &BuildContext<'_>, profile: &Profile, why: &str, help: &str) -> SetupError {
    let message = format!("no keys of the profile `{}` for `{}`: {why}", profile.name, context.name);
    SetupError::Credential(Diagnostic::new(message).help(help).into())
}

/// Asks for the first time: whoever lends nothing is told before anything runs.
fn lent(context: &BuildContext<'_>, profile: &Profile, lender: Result<Lender, String>) -> Result<Held, SetupError> {
    let scrubber = &context.setup.scrubber;
    let first = lender.and_then(|lender| lender.ask(scrubber).map(|lent| (lender, lent)));
    let (lender, lent) = first.map_err(|why| match profile.credential_process() {
        Some(_) => unusable(context, profile, &why, "run it by hand to see why"),
        None => {
            let message = format!("no keys of the container for `{}`: {why}", context.name);
            let help = "look at AWS_CONTAINER_CREDENTIALS_FULL_URI and AWS_CONTAINER_CREDENTIALS_RELATIVE_URI";
            SetupError::Credential(Diagnostic::new(message).help(help).into())
        }
    })?;
    lent.credentials.learnt_by(scrubber);
    let now = Mutex::new((lent, context.setup.clock.now_ms()));
    Ok(Held::Lent(Loan { lender: Arc::new(lender), now, scrubber: context.setup.scrubber.clone() }))
}
