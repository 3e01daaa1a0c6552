//! `promptgate.toml`: what belongs to a project or a user and not to a suite. Settings lie over each other, flag over
//! environment over project over user: [`Settings::over`]. The complete example is `fixtures/formats/promptgate.toml`.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use super::amount::duration_of;
use super::node::{Kind, Node};
use super::source::Source;
use super::suite::{gate_settings, judges, models, path};
use super::table::Fields;
use crate::diagnostic::{Diagnostics, Location};
use crate::name::ModelId;
use crate::price::Price;
use crate::suite::SuiteDefaults;

/// Calls at once, attempts and repeats beyond these are a slip.
const MOST_CONCURRENCY: u32 = 100_000;
const MOST_ATTEMPTS: u32 = 100;
const MOST_A_MINUTE: u32 = 2_000_000_000;
const MOST_TRIALS: u32 = 10_000;

/// What a file (or the command line) says; what is absent is left to the next lower one.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Settings {
    /// Calls at once.
    pub concurrency: Option<u32>,
    /// Whether suites may run programs.
    pub allow_exec: Option<bool>,
    /// Where runs are kept, below the project's root.
    pub store: Option<String>,
    /// How the cache of answers is used.
    pub cache: Option<CacheMode>,
    /// How calls are tried again.
    pub retries: Retries,
    /// What a run may take at most.
    pub budget: Budget,
    /// Dollars above which a run asks before its first call.
    pub confirm_above: Option<f64>,
    /// Prices over the known ones, by model id.
    pub prices: BTreeMap<String, Price>,
    /// What is said of providers, by the name that stands in model ids.
    pub providers: BTreeMap<String, ProviderSettings>,
    /// Defaults for suites.
    pub suite: SuiteDefaults,
}

/// How calls are tried again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Retries {
    /// Attempts in all, from 1.
    pub attempts: Option<u32>,
    /// The wait after the first failure; it doubles from there, and grows faster where calls were one too many.
    pub first_wait: Option<Duration>,
    /// The longest wait of our own choosing.
    pub longest_wait: Option<Duration>,
    /// The longest wait that a provider may ask for.
    pub longest_retry_after: Option<Duration>,
}

/// What a run may take at most.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Budget {
    /// US dollars, judging included.
    pub cost: Option<f64>,
    /// Tokens, read and written.
    pub tokens: Option<u64>,
    /// Calls, failed ones included.
    pub calls: Option<u64>,
}

/// `[provider.<name>]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ProviderSettings {
    /// The kind, where the name in model ids is not a kind itself.
    pub kind: Option<String>,
    /// Where the API is, without a slash at the end.
    pub base_url: Option<String>,
    /// The environment variable that holds the key.
    pub key_env: Option<String>,
    /// The file that holds the key, from the project's root; absolute only in the user's file.
    pub key_file: Option<String>,
    /// The program that prints the key, and its arguments; off unless programs are allowed.
    pub key_command: Option<Vec<String>>,
    /// Which of OpenAI's APIs is spoken.
    pub api: Option<WireApi>,
    /// Whether answers are streamed, which tells the time to the first token.
    pub stream: Option<bool>,
    /// The region of a cloud.
    pub region: Option<String>,
    /// Requests a minute, at most.
    pub requests_per_minute: Option<u32>,
    /// Tokens a minute, at most, read and written.
    pub tokens_per_minute: Option<u32>,
    /// Calls at once, at most.
    pub concurrency: Option<u32>,
    /// How an application of one's own is asked: a file of JSON, a path from the project's root.
    pub request: Option<String>,
    /// Where its answer stands: a JSON pointer.
    pub answer: Option<String>,
    /// Where the steps it took stand: a JSON pointer to a list.
    pub steps: Option<String>,
    /// The program of `exec`, and its arguments; off unless programs are allowed.
    pub command: Option<Vec<String>>,
    /// The file of `python`, a path from the project's root; off unless programs are allowed.
    pub file: Option<String>,
    /// The function of `python`.
    pub function: Option<String>,
    /// The script of `scripted`, a path from the project's root.
    pub script: Option<String>,
    /// How long connecting may take.
    pub connect_timeout: Option<Duration>,
    /// How long the first byte may take.
    pub first_byte_timeout: Option<Duration>,
    /// How long a connection may stay silent after the first byte.
    pub idle_timeout: Option<Duration>,
    /// Where some of it stands, for who is told that something else is used.
    #[serde(skip)]
    pub at: Places,
}

/// Where settings stand that the environment can override.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Places {
    /// Of `base_url`.
    pub base_url: Option<Location>,
    /// Of `region`.
    pub region: Option<Location>,
}

/// How the cache of answers is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum CacheMode {
    /// Answers are looked up and kept.
    ReadWrite,
    /// Answers are looked up only.
    Read,
    /// It is not used.
    Off,
}

impl CacheMode {
    /// The words for the modes.
    pub const WORDS: [(&'static str, Self); 3] =
        [("read-write", Self::ReadWrite), ("read", Self::Read), ("off", Self::Off)];
}

/// An API of OpenAI.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum WireApi {
    /// Chat Completions.
    Chat,
    /// Responses.
    Responses,
}

impl Settings {
    /// These settings, and below them others.
    #[must_use]
    pub fn over(self, lower: Self) -> Self {
        let mut prices = lower.prices;
        prices.extend(self.prices);
        let mut providers = lower.providers;
        for (name, settings) in self.providers {
            let below = providers.remove(&name).unwrap_or_default();
            providers.insert(name, settings.over(below));
        }
        Self {
            concurrency: self.concurrency.or(lower.concurrency),
            allow_exec: self.allow_exec.or(lower.allow_exec),
            store: self.store.or(lower.store),
            cache: self.cache.or(lower.cache),
            retries: self.retries.over(lower.retries),
            budget: self.budget.over(lower.budget),
            confirm_above: self.confirm_above.or(lower.confirm_above),
            prices,
            providers,
            suite: self.suite.over(lower.suite),
        }
    }
}

impl Retries {
    fn over(self, lower: Self) -> Self {
        Self {
            attempts: self.attempts.or(lower.attempts),
            first_wait: self.first_wait.or(lower.first_wait),
            longest_wait: self.longest_wait.or(lower.longest_wait),
            longest_retry_after: self.longest_retry_after.or(lower.longest_retry_after),
        }
    }
}

impl Budget {
    fn over(self, lower: Self) -> Self {
        Self { cost: self.cost.or(lower.cost), tokens: self.tokens.or(lower.tokens), calls: self.calls.or(lower.calls) }
    }
}

impl ProviderSettings {
    fn over(self, lower: Self) -> Self {
        // A key goes to the address it was named for: who changes the address names the key anew. Who names one source of
        // it means that one.
        let says_where = self.key_env.is_some() || self.key_file.is_some() || self.key_command.is_some();
        let below = if self.base_url.is_none() && !says_where { lower.clone() } else { Self::default() };
        let at = Places {
            base_url: if self.base_url.is_some() { self.at.base_url } else { lower.at.base_url },
            region: if self.region.is_some() { self.at.region } else { lower.at.region },
        };
        Self {
            kind: self.kind.or(lower.kind),
            key_env: self.key_env.or(below.key_env),
            key_file: self.key_file.or(below.key_file),
            key_command: self.key_command.or(below.key_command),
            base_url: self.base_url.or(lower.base_url),
            api: self.api.or(lower.api),
            stream: self.stream.or(lower.stream),
            region: self.region.or(lower.region),
            requests_per_minute: self.requests_per_minute.or(lower.requests_per_minute),
            tokens_per_minute: self.tokens_per_minute.or(lower.tokens_per_minute),
            concurrency: self.concurrency.or(lower.concurrency),
            request: self.request.or(lower.request),
            answer: self.answer.or(lower.answer),
            steps: self.steps.or(lower.steps),
            command: self.command.or(lower.command),
            file: self.file.or(lower.file),
            function: self.function.or(lower.function),
            script: self.script.or(lower.script),
            connect_timeout: self.connect_timeout.or(lower.connect_timeout),
            first_byte_timeout: self.first_byte_timeout.or(lower.first_byte_timeout),
            idle_timeout: self.idle_timeout.or(lower.idle_timeout),
            at,
        }
    }
}

/// Reads a project's or a user's file.
pub fn parse(text: &str, file: &str) -> Result<Settings, Diagnostics> {
    let source = Source::new(file, text).without_excerpts();
    let settings = Node::of_toml(&source).and_then(|node| settings(&source, &node));
    source.finish(settings)
}

fn settings(source: &Source<'_>, node: &Node) -> Option<Settings> {
    let fields = Fields::of(source, node, "promptgate.toml")?;
    let settings = Settings {
        concurrency: fields.small_count("concurrency", 1..=MOST_CONCURRENCY),
        allow_exec: fields.flag("allow_exec"),
        store: path(&fields, "store"),
        cache: fields.one_of("cache", &CacheMode::WORDS),
        retries: table(&fields, "retries", "`[retries]`").map(retries).unwrap_or_default(),
        budget: table(&fields, "budget", "`[budget]`").map(budget).unwrap_or_default(),
        confirm_above: fields.number("confirm_above", "US dollars, at least 0", |x| (0.0..1e9).contains(&x)),
        prices: each(&fields, "prices", price),
        providers: each(&fields, "provider", provider),
        suite: table(&fields, "suite", "`[suite]`").map(suite).unwrap_or_default(),
    };
    fields.finish_with(belongs);
    Some(settings)
}

fn belongs(key: &str) -> Option<String> {
    match key {
        "trials" | "seed" | "vars" | "model" | "judge" | "gate" => Some(format!("put `{key}` under `[suite]`")),
        "assert" | "cases" | "prompt" | "candidate" => Some("that belongs to a suite.toml".to_owned()),
        "max_cost" | "max_tokens" | "max_calls" => Some(format!("write `{}` under `[budget]`", &key[4..])),
        _ => None,
    }
}

fn table<'s, 't, 'n>(fields: &Fields<'s, 't, 'n>, key: &'static str, owner: &str) -> Option<Fields<'s, 't, 'n>> {
    Fields::of(fields.source, &fields.entry(key)?.value, owner)
}

/// The tables below a key, by their names.
fn each<T>(
    fields: &Fields<'_, '_, '_>,
    key: &'static str,
    read: fn(&str, Fields<'_, '_, '_>) -> Option<T>,
) -> BTreeMap<String, T> {
    let Some(entry) = fields.entry(key) else { return BTreeMap::new() };
    let Kind::Table(entries) = &entry.value.kind else {
        let message = format!("`{key}` is {}", entry.value.what());
        fields.source.mistake(entry.at, message, format!("write `[{key}.\"...\"]` tables"));
        return BTreeMap::new();
    };
    let one = |entry: &super::node::Entry| {
        let table = Fields::of(fields.source, &entry.value, format!("`[{key}.{}]`", entry.key))?;
        Some((entry.key.clone(), read(&entry.key, table)?))
    };
    entries.iter().filter_map(one).collect()
}

fn retries(fields: Fields<'_, '_, '_>) -> Retries {
    const LONGEST: Duration = Duration::from_secs(86_400);
    let retries = Retries {
        attempts: fields.small_count("attempts", 1..=MOST_ATTEMPTS),
        first_wait: duration_of(&fields, "first_wait", LONGEST),
        longest_wait: duration_of(&fields, "longest_wait", LONGEST),
        longest_retry_after: duration_of(&fields, "longest_retry_after", LONGEST),
    };
    fields.finish();
    retries
}

fn budget(fields: Fields<'_, '_, '_>) -> Budget {
    let budget = Budget {
        cost: fields.number("cost", "US dollars, above 0", |x| x > 0.0 && x < 1e9),
        tokens: fields.count("tokens", 1..=i64::MAX as u64),
        calls: fields.count("calls", 1..=i64::MAX as u64),
    };
    fields.finish();
    budget
}

fn price(model: &str, fields: Fields<'_, '_, '_>) -> Option<Price> {
    if let Err(error) = ModelId::new(model) {
        let help = "name the model as `provider/model`, in quotes: [prices.\"openai/gpt-4.1-mini\"]";
        fields.source.mistake(fields.at, error.to_string(), help);
    }
    fields.require("input", "write `input = ...`, US dollars a million tokens read");
    fields.require("output", "write `output = ...`, US dollars a million tokens written");
    let dollars = |key| fields.number(key, "US dollars a million tokens, at least 0", |x| (0.0..1e9).contains(&x));
    let (input, output) = (dollars("input"), dollars("output"));
    let (cached_input, cache_creation_input) = (dollars("cached_input"), dollars("cache_creation_input"));
    fields.finish();
    Some(Price { input: input?, output: output?, cached_input, cache_creation_input })
}

fn provider(name: &str, fields: Fields<'_, '_, '_>) -> Option<ProviderSettings> {
    const LONGEST: Duration = Duration::from_secs(86_400);
    if name.is_empty() || name.contains('/') || name.chars().any(char::is_control) {
        let help = "the name is what stands before the first slash of a model id";
        fields.source.mistake(fields.at, "this is not the name of a provider", help);
    }
    let place = |key: &str| fields.has(key).then(|| fields.source.location(fields.place(key)));
    let settings = ProviderSettings {
        kind: fields.line("kind"),
        base_url: fields.parsed("base_url", "write an address such as \"https://api.openai.com/v1\"", base_url),
        key_env: fields.parsed("key_env", "write the name of an environment variable, never the key", variable),
        key_file: fields.line("key_file"),
        key_command: fields.words("key_command", "a program and its arguments, as a list of texts"),
        api: fields.one_of("api", &[("chat", WireApi::Chat), ("responses", WireApi::Responses)]),
        stream: fields.flag("stream"),
        region: fields.line("region"),
        requests_per_minute: fields.small_count("requests_per_minute", 1..=MOST_A_MINUTE),
        tokens_per_minute: fields.small_count("tokens_per_minute", 1..=MOST_A_MINUTE),
        concurrency: fields.small_count("concurrency", 1..=MOST_CONCURRENCY),
        request: path(&fields, "request"),
        answer: fields.text("answer").map(str::to_owned),
        steps: fields.text("steps").map(str::to_owned),
        command: fields.words("command", "a program and its arguments, as a list of texts"),
        file: path(&fields, "file"),
        function: fields.line("function"),
        script: path(&fields, "script"),
        connect_timeout: duration_of(&fields, "connect_timeout", LONGEST),
        first_byte_timeout: duration_of(&fields, "first_byte_timeout", LONGEST),
        idle_timeout: duration_of(&fields, "idle_timeout", LONGEST),
        at: Places { base_url: place("base_url"), region: place("region") },
    };
    fields.finish_with(|key| {
        let key_like = matches!(key, "key" | "api_key" | "token" | "secret" | "password");
        key_like.then(|| "keys never stand in a file: name the variable that holds it, `key_env = \"...\"`".to_owned())
    });
    Some(settings)
}

fn base_url(text: &str) -> Result<String, String> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let host = rest.and_then(|rest| rest.split(['/', '?', '#']).next()).unwrap_or_default();
    // The text is not repeated where it may hold a password.
    match host {
        "" => Err("this is no address of a service".to_owned()),
        host if host.contains('@') => {
            Err("a name or password stands in the address; it belongs to `key_env`".to_owned())
        }
        _ if text.contains(['?', '#']) || text.chars().any(|c| c.is_whitespace() || c.is_control()) => {
            Err("the address holds more than scheme, host and path".to_owned())
        }
        _ => Ok(text.to_owned()),
    }
}

fn variable(text: &str) -> Result<String, String> {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_';
    // The text is not repeated: it may be the key itself.
    if text.is_empty() || text.starts_with(|c: char| c.is_ascii_digit()) || !text.chars().all(fits) {
        return Err("this is not the name of an environment variable".to_owned());
    }
    Ok(text.to_owned())
}

fn suite(fields: Fields<'_, '_, '_>) -> SuiteDefaults {
    let gate = table(&fields, "gate", "`[suite.gate]`").map(|gate| {
        let settings = gate_settings(&gate);
        gate.finish_with(|key| {
            matches!(key, "baseline" | "check").then(|| "baselines and checks belong to each suite".to_owned())
        });
        settings
    });
    let defaults = SuiteDefaults {
        trials: fields.small_count("trials", 1..=MOST_TRIALS),
        seed: fields.count("seed", 0..=i64::MAX as u64),
        vars: fields.map("vars").unwrap_or_default(),
        models: fields.entry("model").map(|entry| models(fields.source, &entry.value)).unwrap_or_default(),
        judges: fields.entry("judge").map(|entry| judges(fields.source, &entry.value)).unwrap_or_default(),
        gate: gate.unwrap_or_default(),
    };
    fields.finish();
    defaults
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        let mistakes = parse(text, "promptgate.toml").unwrap_err();
        assert!(!format!("{mistakes:?}").contains("hunter2"), "a secret is repeated: {mistakes:?}");
        mistakes.to_string()
    }

    #[test]
    fn what_a_higher_file_says_lies_over_the_lower_one() {
        let project = parse(
            "concurrency = 4\n[provider.x]\nkind = \"openai\"\n[suite]\nvars.a = 1\ngate.confidence = 0.9\n",
            "p",
        );
        let user = "concurrency = 9\nstore = \"runs\"\n[provider.x]\nkey_env = \"K\"\n[suite]\nseed = 3\nvars.a = 2\nvars.b = 2\n";
        let merged = project.unwrap().over(parse(user, "u").unwrap());
        assert_eq!((merged.concurrency, merged.store.as_deref()), (Some(4), Some("runs")));
        assert_eq!(merged.providers["x"].key_env.as_deref(), Some("K"));
        assert_eq!((merged.suite.seed, merged.suite.gate.confidence), (Some(3), Some(0.9)));
        assert_eq!(serde_json::to_string(&merged.suite.vars).unwrap(), r#"{"a":1,"b":2}"#);
    }

    #[test]
    fn a_key_does_not_follow_a_changed_address() {
        let user = parse("[provider.x]\nbase_url = \"https://a\"\nkey_env = \"K\"\n", "u").unwrap();
        let merged = parse("[provider.x]\nbase_url = \"https://b\"\n", "p").unwrap().over(user);
        assert_eq!(merged.providers["x"].key_env, None);
    }

    #[test]
    fn mistakes_are_told_at_their_place_and_secrets_are_not_repeated() {
        insta::assert_snapshot!(error("concurency = 4\nbudget = 5\nmax_cost = 5\ntrials = 2\n"), @r"
        promptgate.toml:1:1: promptgate.toml has no key `concurency`; did you mean `concurrency`?
        promptgate.toml:2:10: `[budget]` is a number, not a table; write `key = value` pairs
        promptgate.toml:3:1: promptgate.toml has no key `max_cost`; write `cost` under `[budget]`
        promptgate.toml:4:1: promptgate.toml has no key `trials`; put `trials` under `[suite]`
        ");
        insta::assert_snapshot!(error("concurrency = 0\nallow_exec = \"yes\"\nstore = \"../x\"\n"), @r"
        promptgate.toml:1:1: `concurrency` in promptgate.toml is 0; write a whole number from 1 to 100000
        promptgate.toml:2:1: `allow_exec` in promptgate.toml is a text; write `true` or `false`, without quotes
        promptgate.toml:3:1: `store` in promptgate.toml: `../x` leaves the project: `..` is not allowed; write a path below this file's folder, with `/` between folders and without `..`
        ");
        insta::assert_snapshot!(error("[provider.x]\nbase_url = \"https://u:hunter2@h/v1\"\napi_key = \"sk-hunter2\"\nkey_env = \"sk-hunter2\"\n"), @r#"
        promptgate.toml:2:1: `base_url` in `[provider.x]`: a name or password stands in the address; it belongs to `key_env`; write an address such as "https://api.openai.com/v1"
        promptgate.toml:3:1: `[provider.x]` has no key `api_key`; keys never stand in a file: name the variable that holds it, `key_env = "..."`
        promptgate.toml:4:1: `key_env` in `[provider.x]`: this is not the name of an environment variable; write the name of an environment variable, never the key
        "#);
        insta::assert_snapshot!(error("[prices.gpt]\ninput = -1\n"), @r#"
        promptgate.toml:1:1: `gpt` is not a model id: expected `provider/model`, such as `openai/gpt-4.1-mini`; name the model as `provider/model`, in quotes: [prices."openai/gpt-4.1-mini"]
        promptgate.toml:1:1: `[prices.gpt]` has no `output`; write `output = ...`, US dollars a million tokens written
        promptgate.toml:2:1: `input` in `[prices.gpt]` is -1; write US dollars a million tokens, at least 0
        "#);
        insta::assert_snapshot!(error("[suite.gate]\nbaseline = \"x\"\nconfidence = 95\n"), @r"
        promptgate.toml:2:1: `[suite.gate]` has no key `baseline`; baselines and checks belong to each suite
        promptgate.toml:3:1: `confidence` in `[suite.gate]` is 95; write a number above 0.5 and below 1, such as 0.95
        ");
        insta::assert_snapshot!(error("prices = 3\nretries = 3\n"), @r#"
        promptgate.toml:1:1: `prices` is a number; write `[prices."..."]` tables
        promptgate.toml:2:11: `[retries]` is a number, not a table; write `key = value` pairs
        "#);
    }
}
