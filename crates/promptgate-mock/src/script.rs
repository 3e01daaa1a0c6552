//! How a mock server behaves, as a TOML file says.

use std::collections::BTreeMap;
use std::time::Duration;

use globset::{Glob, GlobMatcher};
use serde::Deserialize;
use serde_json::Value;

/// How a mock server behaves. The default answers every request with its last user message, at once.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Script {
    /// What is answered; `{{input}}` is the last user message. The default is that message.
    pub answer: Option<String>,
    /// The model that is said to have answered; the one asked for by default.
    pub model: Option<String>,
    /// How likely tokens were to come first, each above 0 to 1, together at most 1: `{ A = 0.7, B = 0.2 }`. Told where
    /// token probabilities are asked for; by default the first word of the answer, for sure.
    #[serde(deserialize_with = "likely")]
    pub likely: BTreeMap<String, f64>,
    /// The time before the first byte.
    #[serde(deserialize_with = "span")]
    pub latency: Option<Span>,
    /// The pause between the pieces of a stream.
    #[serde(deserialize_with = "duration")]
    pub pace: Option<Duration>,
    /// Requests a minute; what comes faster is refused with 429.
    pub requests_per_minute: Option<u32>,
    /// Tokens a minute, read and written.
    pub tokens_per_minute: Option<u32>,
    /// Calls at a time; what comes on top is refused with 429.
    pub concurrency: Option<u32>,
    /// The only key that is taken; others are refused with 401.
    pub key: Option<String>,
    /// Decides which requests a rule with a `share` is for.
    pub seed: u64,
    /// What is different for some requests; the first one that fits counts.
    #[serde(rename = "rule")]
    pub rules: Vec<Rule>,
}

/// What is different for some requests.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Rule {
    /// Fits where the last user message contains this text.
    pub contains: Option<String>,
    /// Fits where the model asked for is like this glob.
    #[serde(deserialize_with = "glob")]
    pub model: Option<Pattern>,
    /// Fits this share of the requests, above 0 to 1.
    #[serde(deserialize_with = "share")]
    pub share: Option<f64>,
    /// Fits the first so many requests (of those that all else fits).
    pub first: Option<u64>,
    /// What is answered instead.
    pub answer: Option<String>,
    /// Why the model stopped: `stop`, `length`, `content_filter`, `tool_calls`, `refusal`.
    pub finish: Option<FinishWord>,
    /// How likely tokens were to come first.
    #[serde(deserialize_with = "likely")]
    pub likely: BTreeMap<String, f64>,
    /// Calls of tools: `{ name, arguments }`.
    pub calls: Vec<CallRule>,
    /// The model that is said to have answered.
    pub returned_model: Option<String>,
    /// The time before the first byte.
    #[serde(deserialize_with = "span")]
    pub latency: Option<Span>,
    /// An HTTP status that refuses the request.
    #[serde(deserialize_with = "status")]
    pub status: Option<u16>,
    /// The word for the refusal, in place of the wire's own.
    pub code: Option<String>,
    /// What the refusal says.
    pub message: Option<String>,
    /// `Retry-After` of the refusal, as it is sent: seconds, a date, anything.
    pub retry_after: Option<String>,
    /// How the reply is spoilt.
    pub fault: Option<Fault>,
}

/// A call of a tool.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallRule {
    /// The tool.
    pub name: String,
    /// Its arguments.
    #[serde(default)]
    pub arguments: Value,
}

/// Why a model stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FinishWord {
    /// It was done.
    Stop,
    /// It ran into the token limit.
    Length,
    /// A filter held the answer back.
    ContentFilter,
    /// It wants tools called.
    ToolCalls,
    /// It declined.
    Refusal,
}

/// A way to spoil a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// Nothing is sent, and the connection stays open.
    Silence,
    /// The connection is closed before the first byte.
    Hangup,
    /// The connection is closed in the midst of the body.
    Cut,
    /// Nothing more comes after half of the body, and the connection stays open.
    Stall,
    /// One byte at a time, ten a second.
    Drip,
    /// The body ends early, and says that it is whole.
    Truncated,
    /// Markup under status 200.
    NotJson,
    /// Bytes that are no text.
    InvalidUtf8,
    /// Brackets ten thousand deep.
    Deep,
    /// Forty megabytes of blanks.
    Huge,
    /// The same, compressed, though nobody asked for that.
    GzipBomb,
    /// An error object under status 200.
    ErrorInside,
    /// JSON of another shape.
    WrongShape,
}

/// A time, or a range that one is drawn from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// The least.
    pub min: Duration,
    /// The most.
    pub max: Duration,
}

/// A glob over model names.
#[derive(Debug, Clone)]
pub struct Pattern(GlobMatcher);

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.0.glob() == other.0.glob()
    }
}

impl Pattern {
    pub(crate) fn is_match(&self, model: &str) -> bool {
        self.0.is_match(model)
    }
}

/// A script that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ScriptError {
    /// Where, in bytes from the start.
    pub offset: usize,
    /// What is wrong.
    pub message: String,
}

impl Script {
    /// Reads a script.
    ///
    /// # Errors
    ///
    /// What is not TOML, an unknown key, a value out of range.
    pub fn parse(text: &str) -> Result<Self, ScriptError> {
        toml::from_str(text).map_err(|error: toml::de::Error| ScriptError {
            offset: error.span().map_or(0, |span| span.start),
            message: error.message().lines().next().unwrap_or_default().to_owned(),
        })
    }
}

fn parsed<'de, D: serde::Deserializer<'de>, T>(
    deserializer: D,
    expected: &str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<Option<T>, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse(&text).map(Some).ok_or_else(|| serde::de::Error::custom(format!("`{text}` is not {expected}")))
}

fn duration<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
    parsed(deserializer, "a duration like \"250ms\" or \"2s\"", duration_of)
}

fn span<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Span>, D::Error> {
    parsed(deserializer, "a duration like \"250ms\", or a range like \"50ms..2s\"", |text| {
        let (min, max) = text.split_once("..").unwrap_or((text, text));
        let (min, max) = (duration_of(min)?, duration_of(max)?);
        (min <= max).then_some(Span { min, max })
    })
}

/// A whole or fractional number of milliseconds, seconds or minutes, at most an hour.
pub(crate) fn duration_of(text: &str) -> Option<Duration> {
    let text = text.trim();
    let (number, unit) = text.split_at(text.find(|each: char| each.is_ascii_alphabetic())?);
    let seconds = match unit {
        "ms" => 1e-3,
        "s" => 1.0,
        "m" => 60.0,
        _ => return None,
    };
    let seconds = number.trim().parse::<f64>().ok()? * seconds;
    (0.0..=3_600.0).contains(&seconds).then(|| Duration::from_secs_f64(seconds))
}

fn glob<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Pattern>, D::Error> {
    parsed(deserializer, "a glob", |text| Some(Pattern(Glob::new(text).ok()?.compile_matcher())))
}

fn share<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    let share = f64::deserialize(deserializer)?;
    let is_one = share > 0.0 && share <= 1.0;
    is_one.then_some(Some(share)).ok_or_else(|| serde::de::Error::custom("`share` is above 0 and at most 1"))
}

fn likely<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, f64>, D::Error> {
    let likely = BTreeMap::<String, f64>::deserialize(deserializer)?;
    // A third thrice is a little more than one.
    let fits = likely.values().all(|each| *each > 0.0) && likely.values().sum::<f64>() <= 1.0 + 1e-9;
    let why = "probabilities in `likely` are above 0 and together at most 1";
    fits.then_some(likely).ok_or_else(|| serde::de::Error::custom(why))
}

fn status<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<u16>, D::Error> {
    let status = u16::deserialize(deserializer)?;
    let is_one = (300..600).contains(&status);
    is_one.then_some(Some(status)).ok_or_else(|| serde::de::Error::custom("`status` refuses: 300 to 599"))
}
