//! The script: a TOML file with a default answer and `[[rule]]`s. Each thing a rule can say (an answer, a latency, a
//! fault...) is taken from the first rule that fits the request and says it; a rule without conditions fits all.

use std::time::Duration;

use globset::{Glob, GlobMatcher};
use promptgate_core::answer::{Failure, FailureKind, Usage};
use promptgate_core::format::amount;
use promptgate_core::request::{Origin, Request};
use promptgate_core::{Diagnostic, Diagnostics, Digest};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use super::template::Template;
use crate::echo::last_user_text;

/// A script, every value checked.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Script {
    /// Seeds shares and latencies.
    #[serde(default)]
    seed: u64,
    /// The answer where no rule gives one.
    #[serde(default)]
    answer: Template,
    /// Whether calls take as long as they report.
    #[serde(default = "yes")]
    pub(crate) sleep: bool,
    /// Where each started call is noted, from the project's root.
    #[serde(default)]
    pub(crate) calls_log: Option<String>,
    #[serde(default, rename = "rule")]
    rules: Vec<Rule>,
}

fn yes() -> bool {
    true
}

/// When something holds, and what it says.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Rule {
    /// Glob over case ids.
    #[serde(deserialize_with = "glob")]
    case: Option<GlobMatcher>,
    /// Glob over prompts, `triage.*`; an ask of an assertion has none.
    #[serde(deserialize_with = "glob")]
    prompt: Option<GlobMatcher>,
    /// Glob over model ids.
    #[serde(deserialize_with = "glob")]
    model: Option<GlobMatcher>,
    /// Text in the last user message.
    contains: Option<String>,
    /// Which repeat.
    repeat: Option<u32>,
    /// The share of (case, repeat) pairs it holds for, drawn by seed.
    #[serde(deserialize_with = "share")]
    share: Option<f64>,

    answer: Option<Template>,
    latency: Option<Latency>,
    usage: Option<ScriptedUsage>,
    finish_reason: Option<String>,
    returned_model: Option<String>,
    fault: Option<Fault>,
    /// How many attempts at a request fail; all of them where it is not given.
    fault_times: Option<u32>,
    /// How long a fault asks to wait.
    #[serde(deserialize_with = "duration")]
    retry_after: Option<Duration>,
}

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Fault {
    Connection,
    RateLimit,
    Quota,
    Server,
    Credential,
    BadRequest,
    ModelTimeout,
}

/// How long a call takes: `"50ms"`, or evenly spread over `["10ms", "90ms"]`.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(try_from = "LatencyText")]
struct Latency {
    least: Duration,
    most: Duration,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum LatencyText {
    Fixed(String),
    Range([String; 2]),
}

/// The tokens a call reports.
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ScriptedUsage {
    input_tokens: u64,
    output_tokens: u64,
    cached_input_tokens: u64,
    cache_creation_input_tokens: u64,
    reasoning_tokens: u64,
}

impl Script {
    /// Reads a script.
    pub(crate) fn parse(file: &str, text: &str) -> Result<Self, Diagnostics> {
        toml::from_str(text).map_err(|error| {
            let offset = error.span().map_or(0, |span| span.start);
            Diagnostic::new(error.message()).at_offset(file, text, offset).into()
        })
    }

    /// Whether anything depends on how often a request was made before.
    pub(crate) fn counts_attempts(&self) -> bool {
        self.rules.iter().any(|rule| rule.fault_times.is_some())
    }

    /// The answer to a request.
    pub(crate) fn answer(&self, request: &Request) -> String {
        self.first(request, |rule| rule.answer.as_ref()).unwrap_or(&self.answer).render(request)
    }

    /// How long it takes, where the script says.
    pub(crate) fn latency(&self, request: &Request) -> Option<Duration> {
        let Latency { least, most } = *self.first(request, |rule| rule.latency.as_ref())?;
        Some(least + (most - least).mul_f64(self.draw(request, "latency")))
    }

    /// The tokens it reports, where the script says.
    pub(crate) fn usage(&self, request: &Request) -> Option<Usage> {
        let usage = self.first(request, |rule| rule.usage.as_ref())?;
        Some(Usage {
            input_tokens: usage.input_tokens,
            output_tokens: usage.output_tokens,
            cached_input_tokens: usage.cached_input_tokens,
            cache_creation_input_tokens: usage.cache_creation_input_tokens,
            reasoning_tokens: usage.reasoning_tokens,
        })
    }

    /// Why it ended, where the script says.
    pub(crate) fn finish_reason(&self, request: &Request) -> Option<&str> {
        self.first(request, |rule| rule.finish_reason.as_deref())
    }

    /// The model it says it was, where the script says.
    pub(crate) fn returned_model(&self, request: &Request) -> Option<&str> {
        self.first(request, |rule| rule.returned_model.as_deref())
    }

    /// What goes wrong at an attempt, counted from 1.
    pub(crate) fn fault(&self, request: &Request, attempt: u32) -> Option<Failure> {
        let rule = self.first(request, |rule| rule.fault.map(|_| rule))?;
        let fault = rule.fault.filter(|_| rule.fault_times.is_none_or(|times| attempt <= times))?;
        let retry_after_ms = rule.retry_after.map(|wait| wait.as_millis() as u64);
        Some(Failure { retry_after_ms, ..fault.failure() })
    }

    /// What the first rule says that fits and says anything.
    fn first<'a, T: ?Sized>(&'a self, request: &Request, say: impl Fn(&'a Rule) -> Option<&'a T>) -> Option<&'a T> {
        let said = self.rules.iter().enumerate().filter_map(|(index, rule)| Some((index, rule, say(rule)?)));
        said.filter(|(index, rule, _)| self.fits(*index, rule, request)).map(|(.., value)| value).next()
    }

    fn fits(&self, index: usize, rule: &Rule, request: &Request) -> bool {
        let glob = |glob: &Option<GlobMatcher>, text: &dyn Fn() -> Option<String>| {
            glob.as_ref().is_none_or(|glob| text().is_some_and(|text| glob.is_match(text)))
        };
        glob(&rule.case, &|| Some(request.origin.case().to_string()))
            && glob(&rule.prompt, &|| prompt(&request.origin))
            && glob(&rule.model, &|| Some(request.body.model.to_string()))
            && rule.repeat.is_none_or(|repeat| repeat == request.repeat)
            && rule.contains.as_ref().is_none_or(|text| last_user_text(request).contains(text))
            && rule.share.is_none_or(|share| self.draw(request, &format!("share {index}")) < share)
    }

    /// In 0..1, drawn from seed, case, repeat and purpose alone: neither the order of calls nor the prompt matters.
    fn draw(&self, request: &Request, purpose: &str) -> f64 {
        let drawn = (self.seed.to_string(), request.origin.case(), request.repeat, purpose);
        (Digest::of_json(&drawn).prefix128() >> 75) as f64 / (1_u64 << 53) as f64
    }
}

fn prompt(origin: &Origin) -> Option<String> {
    match origin {
        Origin::Trial { prompt, .. } => Some(prompt.to_string()),
        Origin::Ask { .. } => None,
    }
}

impl Fault {
    fn failure(self) -> Failure {
        let (kind, status, message) = match self {
            Self::Connection => (FailureKind::Connection, None, "scripted fault: the connection was reset"),
            Self::RateLimit => (FailureKind::RateLimit, Some(429), "scripted fault: too many requests"),
            Self::Quota => (FailureKind::Quota, Some(429), "scripted fault: the quota is used up"),
            Self::Server => (FailureKind::Server, Some(500), "scripted fault: the server failed"),
            Self::Credential => (FailureKind::Credential, Some(401), "scripted fault: the key is refused"),
            Self::BadRequest => (FailureKind::BadRequest, Some(400), "scripted fault: the request is refused"),
            Self::ModelTimeout => (FailureKind::ModelTimeout, None, "scripted fault: the model took too long"),
        };
        Failure { status, ..Failure::new(kind, message) }
    }
}

impl TryFrom<LatencyText> for Latency {
    type Error = String;

    fn try_from(text: LatencyText) -> Result<Self, String> {
        let (least, most) = match &text {
            LatencyText::Fixed(text) => (parse_duration(text)?, parse_duration(text)?),
            LatencyText::Range([least, most]) => (parse_duration(least)?, parse_duration(most)?),
        };
        if least > most { Err("a latency's range ends before it begins".to_owned()) } else { Ok(Self { least, most }) }
    }
}

fn parse_duration(text: &str) -> Result<Duration, String> {
    amount::duration(text).map_err(|error| format!("{error}; write \"50ms\", \"2s\" or \"1m\""))
}

fn duration<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse_duration(&text).map(Some).map_err(D::Error::custom)
}

fn glob<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<GlobMatcher>, D::Error> {
    let text = String::deserialize(deserializer)?;
    Glob::new(&text).map(|glob| Some(glob.compile_matcher())).map_err(D::Error::custom)
}

fn share<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    let share = f64::deserialize(deserializer)?;
    if (0.0..=1.0).contains(&share) { Ok(Some(share)) } else { Err(D::Error::custom("a share lies in 0 to 1")) }
}
