//! A server that behaves as a script says, on every wire.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::asked::Asked;
use crate::gzip;
use crate::reply::{Delivery, Reply};
use crate::said::{Called, Finish, Likely, Said, Tokens, tokens_of};
use crate::script::{Fault, FinishWord, Rule, Script, Span};
use crate::server::Received;

/// Plays a script.
#[derive(Debug)]
pub struct Play {
    script: Script,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    requests: Bucket,
    tokens: Bucket,
    /// When the calls under way will have been answered.
    under_way: Vec<Instant>,
    /// How often each rule has been fit.
    fits: Vec<u64>,
    /// How often each body has come, so that a repeated request is drawn for anew.
    seen: HashMap<u64, u32>,
}

impl Play {
    /// A play of this script.
    pub fn new(script: Script) -> Self {
        let state = State {
            requests: Bucket::of(script.requests_per_minute),
            tokens: Bucket::of(script.tokens_per_minute),
            under_way: Vec::new(),
            fits: vec![0; script.rules.len()],
            seen: HashMap::new(),
        };
        Self { script, state: Mutex::new(state) }
    }

    /// The reply to a request.
    pub fn reply(&self, received: &Received) -> Reply {
        let Some(asked) = Asked::of(received) else {
            let message = format!("promptgate serve-mock speaks no wire at {} {}", received.method, received.path);
            return Reply::error(404, "not_found", &message);
        };
        if self.script.key.as_deref().is_some_and(|key| !carries(received, key)) {
            return asked.wire.error(401, asked.wire.word(401), "this is not the key of the script");
        }
        let draw = self.draw(received);
        let rule = self.rule(&asked, draw);
        let latency = self.latency(rule, draw);
        if let Some(refusal) = self.too_much(&asked, latency) {
            return refusal;
        }
        let reply = match rule {
            Some(rule) if rule.status.is_some() => refusal(&asked, rule),
            rule => self.answer(&asked, rule),
        };
        let fault = rule.and_then(|rule| rule.fault);
        fault.map_or(reply.clone(), |fault| spoilt(reply, fault, &asked)).after(latency)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A number for this request, the same in each play of the script, another one for each time it is repeated.
    fn draw(&self, received: &Received) -> u64 {
        let body = hash(&(&received.path, &received.body));
        let mut state = self.lock();
        let times = state.seen.entry(body).or_default();
        *times += 1;
        hash(&(self.script.seed, body, *times))
    }

    fn rule(&self, asked: &Asked, draw: u64) -> Option<&Rule> {
        let mut state = self.lock();
        self.script.rules.iter().enumerate().find_map(|(index, rule)| {
            let fits = rule.contains.as_deref().is_none_or(|text| asked.input.contains(text))
                && rule.model.as_ref().is_none_or(|model| model.is_match(&asked.model))
                && rule.share.is_none_or(|share| uniform(hash(&(draw, index))) < share)
                && rule.first.is_none_or(|first| state.fits[index] < first);
            if fits {
                state.fits[index] += 1;
            }
            fits.then_some(rule)
        })
    }

    fn latency(&self, rule: Option<&Rule>, draw: u64) -> Duration {
        let span = rule.and_then(|rule| rule.latency).or(self.script.latency);
        let Some(Span { min, max }) = span else { return Duration::ZERO };
        min + (max - min).mul_f64(uniform(hash(&(draw, "latency"))))
    }

    /// A refusal where the request is more than the script's limits allow.
    fn too_much(&self, asked: &Asked, latency: Duration) -> Option<Reply> {
        let now = Instant::now();
        let mut state = self.lock();
        state.under_way.retain(|end| *end > now);
        if self.script.concurrency.is_some_and(|most| state.under_way.len() >= most as usize) {
            return Some(too_many(asked, "too many calls at a time", Duration::from_millis(100)));
        }
        let tokens = tokens_of(&asked.everything) as f64;
        let wait = state.requests.wait(1.0, now).max(state.tokens.wait(tokens, now));
        if !wait.is_zero() {
            return Some(too_many(asked, "rate limit reached", wait));
        }
        state.requests.take(1.0);
        state.tokens.take(tokens);
        if self.script.concurrency.is_some() {
            state.under_way.push(now + latency);
        }
        None
    }

    fn answer(&self, asked: &Asked, rule: Option<&Rule>) -> Reply {
        let said = self.said(asked, rule);
        let reply = match asked.streamed {
            true => asked.wire.streamed(&said, asked.with_usage),
            false => asked.wire.whole(&said),
        };
        reply.paced(self.script.pace.unwrap_or_default())
    }

    fn said(&self, asked: &Asked, rule: Option<&Rule>) -> Said {
        let calls: Vec<Called> = rule.map(|rule| rule.calls.iter().map(called).collect()).unwrap_or_default();
        let template = rule.and_then(|rule| rule.answer.as_deref()).or(self.script.answer.as_deref());
        let only_calls = template.is_none() && !calls.is_empty();
        let text = match template {
            _ if only_calls => String::new(),
            Some(template) if !asked.wire.reflects() => template.replace("{{input}}", &asked.input),
            _ => asked.input.clone(),
        };
        let default = if calls.is_empty() { Finish::Stop } else { Finish::ToolCalls };
        let model = rule.and_then(|rule| rule.returned_model.as_deref()).or(self.script.model.as_deref());
        Said {
            model: model.unwrap_or(&asked.model).to_owned(),
            finish: rule.and_then(|rule| rule.finish).map_or(default, finish),
            tokens: Tokens {
                input: tokens_of(&asked.everything),
                output: tokens_of(&text) + calls.iter().map(|call| tokens_of(&call.arguments.to_string())).sum::<u64>(),
                ..Tokens::default()
            },
            likely: self.likely(asked, rule, &text),
            text,
            calls,
        }
    }

    /// What could have come first, where that is asked for: as the script says, or surely the first word.
    fn likely(&self, asked: &Asked, rule: Option<&Rule>, text: &str) -> Vec<Likely> {
        let scripted = rule.map(|rule| &rule.likely).filter(|likely| !likely.is_empty()).unwrap_or(&self.script.likely);
        let mut likely: Vec<Likely> = scripted
            .iter()
            .map(|(token, probability)| Likely { token: token.clone(), probability: *probability })
            .collect();
        if likely.is_empty() {
            let token = text.split_whitespace().next().unwrap_or_default().to_owned();
            likely.push(Likely { token, probability: 1.0 });
        }
        likely.sort_by(|a, b| b.probability.total_cmp(&a.probability));
        likely.truncate(asked.probabilities);
        likely
    }
}

fn carries(received: &Received, key: &str) -> bool {
    let headers = ["authorization", "x-api-key", "api-key", "x-goog-api-key"];
    let sent = headers.iter().find_map(|name| received.header(name)).unwrap_or_default();
    sent.strip_prefix("Bearer ").unwrap_or(sent) == key
}

fn called(call: &crate::script::CallRule) -> Called {
    let arguments = if call.arguments.is_object() { call.arguments.clone() } else { json!({}) };
    Called { name: call.name.clone(), arguments }
}

fn finish(word: FinishWord) -> Finish {
    match word {
        FinishWord::Stop => Finish::Stop,
        FinishWord::Length => Finish::Length,
        FinishWord::ContentFilter => Finish::ContentFilter,
        FinishWord::ToolCalls => Finish::ToolCalls,
        FinishWord::Refusal => Finish::Refusal,
    }
}

fn refusal(asked: &Asked, rule: &Rule) -> Reply {
    let status = rule.status.unwrap_or(500);
    let code = rule.code.as_deref().unwrap_or_else(|| asked.wire.word(status));
    let message = rule.message.as_deref().unwrap_or("refused as the script says");
    let reply = asked.wire.error(status, code, message);
    match &rule.retry_after {
        Some(wait) => reply.header("retry-after", wait),
        None => reply,
    }
}

/// A refusal that says when to come back, in whole seconds and exactly.
fn too_many(asked: &Asked, message: &str, wait: Duration) -> Reply {
    let reply = asked.wire.error(429, asked.wire.word(429), message);
    let seconds = wait.as_secs_f64().ceil().to_string();
    reply.header("retry-after", &seconds).header("retry-after-ms", &wait.as_millis().max(1).to_string())
}

fn spoilt(reply: Reply, fault: Fault, asked: &Asked) -> Reply {
    let half = reply.body.len() / 2;
    let json = |body: Vec<u8>| Reply::raw(body).header("content-type", "application/json");
    match fault {
        Fault::Silence => reply.delivered(Delivery::Silence),
        Fault::Hangup => reply.delivered(Delivery::Hangup),
        Fault::Cut => reply.delivered(Delivery::CutAfter(half)),
        Fault::Stall => reply.delivered(Delivery::StallAfter(half)),
        Fault::Drip => reply.delivered(Delivery::Drip { bytes: 1, every: Duration::from_millis(100) }),
        Fault::Truncated => {
            let mut reply = reply;
            reply.body.truncate(half);
            reply.pieces = vec![half];
            reply
        }
        Fault::NotJson => Reply::raw("<html><body>Bad gateway</body></html>").header("content-type", "text/html"),
        Fault::InvalidUtf8 => json(b"{\"choices\":[{\"message\":{\"content\":\"\xff\xfe\"}}]}".to_vec()),
        Fault::Deep => json("[".repeat(10_000).into_bytes()),
        Fault::Huge => json(vec![b' '; 40 << 20]),
        Fault::GzipBomb => json(gzip::bomb(200)).header("content-encoding", "gzip"),
        Fault::ErrorInside if asked.streamed => {
            asked.wire.error_in_stream(asked.wire.word(500), "an error in the midst of a stream")
        }
        Fault::ErrorInside => {
            Reply { status: 200, ..asked.wire.error(500, asked.wire.word(500), "an error under status 200") }
        }
        Fault::WrongShape => json(b"{\"hello\":\"world\"}".to_vec()),
    }
}

fn hash(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// A number from 0 to below 1.
fn uniform(bits: u64) -> f64 {
    (bits >> 11) as f64 / (1_u64 << 53) as f64
}

/// Fills up with time to what a minute allows, and may be emptied at once up to a second's worth.
#[derive(Debug)]
struct Bucket {
    /// A second; without a limit nothing is counted.
    rate: Option<f64>,
    level: f64,
    filled: Instant,
}

impl Bucket {
    fn of(per_minute: Option<u32>) -> Self {
        let rate = per_minute.map(|count| f64::from(count) / 60.0);
        Self { rate, level: rate.unwrap_or_default().max(1.0), filled: Instant::now() }
    }

    /// How long until so much can be taken. What is more than the bucket holds is let through when it is full.
    fn wait(&mut self, amount: f64, now: Instant) -> Duration {
        let Some(rate) = self.rate else { return Duration::ZERO };
        let most = rate.max(1.0);
        let since = now.saturating_duration_since(self.filled).as_secs_f64();
        (self.level, self.filled) = ((self.level + since * rate).min(most), now);
        Duration::from_secs_f64(((amount.min(most) - self.level) / rate).max(0.0))
    }

    fn take(&mut self, amount: f64) {
        if self.rate.is_some() {
            self.level -= amount;
        }
    }
}
