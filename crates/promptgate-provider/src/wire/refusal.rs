//! What a server says when it does not answer: one reading for all wires, since gateways speak for servers of another wire
//! than their own.

use http::header::{HeaderMap, HeaderName, HeaderValue};
use promptgate_core::answer::{Failure, FailureKind};
use promptgate_core::secret::Scrubber;
use serde_json::Value;

use super::class;
use super::json::parsed;
use crate::FailedCall;
use crate::http::Exchange;
use crate::retry_after::{reset_ms, retry_after_ms};

/// What says where a provider is.
pub(crate) const BASE_URL: &str = "base URL";

/// Longer texts of a server are cut in messages.
const LONGEST_TEXT: usize = 300;

/// The JSON of an exchange whose status means success; anything else is a failure.
pub(super) fn check(exchange: &Exchange, now_ms: u64, scrubber: &Scrubber) -> Result<Value, FailedCall> {
    if !(200..300).contains(&exchange.status) {
        return Err(refusal(exchange, now_ms, scrubber, BASE_URL).into());
    }
    parsed(&exchange.body).map_err(|error| {
        let encoding = exchange.headers.get("content-encoding").and_then(|encoding| encoding.to_str().ok());
        let what = match encoding {
            _ if exchange.body.is_empty() => "an empty reply".to_owned(),
            Some(encoding) => {
                format!("a reply in an encoding that was not asked for ({})", one_line(encoding, scrubber))
            }
            None if is_page(exchange) => "a web page where the API should be (look at the base URL),".to_owned(),
            None => "a reply that is not JSON".to_owned(),
        };
        let id = request_id(&exchange.headers, scrubber);
        let message = format!("{what} of {} bytes{id}: {error}", exchange.body.len());
        Failure { status: Some(exchange.status), ..Failure::new(FailureKind::Server, message) }.into()
    })
}

/// A failure from an error object inside a reply whose status meant success.
pub(crate) fn inside(error: &Value, scrubber: &Scrubber) -> Failure {
    let (kind, status) = class::kind_inside(error);
    Failure { status, ..Failure::new(kind, format!("a reply that holds an error: {}", text(error, scrubber))) }
}

/// The error of a reply, where it is one: under a key of its own, or the whole reply. Some servers send the key empty.
pub(crate) fn error_in(reply: &Value) -> Option<&Value> {
    let says_something = |error: &&Value| match error {
        Value::Null | Value::Bool(false) => false,
        // The code that means that there is none.
        Value::Number(code) => code.as_f64() != Some(0.0),
        Value::String(text) => !text.is_empty(),
        Value::Object(map) => !map.is_empty(),
        Value::Array(list) => !list.is_empty(),
        Value::Bool(true) => true,
    };
    let is_error = reply["object"] == "error";
    reply.get("error").filter(says_something).or_else(|| is_error.then_some(reply))
}

/// The error of a refusal. Where it is a text, its word stands beside it (xAI).
fn error_of(body: &Value) -> Value {
    match body.get("error") {
        Some(Value::String(text)) => {
            let mut error = body.clone();
            error["message"] = text.clone().into();
            error
        }
        Some(error) => error.clone(),
        None => body.clone(),
    }
}

/// What a refusal says, in one line.
pub(crate) fn refused(exchange: &Exchange, scrubber: &Scrubber) -> String {
    refusal(exchange, 0, scrubber, BASE_URL).message
}

/// What a server refuses, of what class that is, and why. `place` names what says where it is, to be looked at.
pub(crate) fn refusal(exchange: &Exchange, now_ms: u64, scrubber: &Scrubber, place: &str) -> Failure {
    let body: Value = parsed(&exchange.body).unwrap_or_else(|_| first_event(&exchange.body));
    // Some servers wrap their error into a list.
    let body = body.as_array().and_then(|list| list.first()).unwrap_or(&body);
    let mut error = error_of(body);
    if let Some(word) = exchange.headers.get("x-amzn-errortype").and_then(|word| word.to_str().ok())
        && error.is_object()
    {
        // AWS puts the word into a header, an address of its description behind it.
        error["__type"] = word.split(':').next().unwrap_or_default().into();
    }
    let mut told = if body.is_null() { unreadable(exchange, scrubber, place) } else { text(&error, scrubber) };
    if exchange.status == 404 && body.is_null() {
        told.push_str(&format!("; the API is not there, look at the {place}"));
    }
    // What stands before an API looks at texts, not at keys, and answers people.
    let is_held_back = exchange.status == 403 && body.is_null() && is_page(exchange);
    if is_held_back {
        told.push_str(
            ": a web page, as of a firewall before the API; it holds back this call and is not about the key",
        );
    }
    let message = format!("HTTP {}: {told}{}", exchange.status, request_id(&exchange.headers, scrubber));
    let kind = if is_held_back { FailureKind::BadRequest } else { class::kind(exchange.status, &error) };
    Failure {
        status: Some(exchange.status),
        retry_after_ms: wait_ms(exchange, kind, &error, now_ms),
        ..Failure::new(kind, message)
    }
}

/// The JSON of the first event, where a refusal comes as the stream that was asked for; else null.
fn first_event(body: &[u8]) -> Value {
    let text = std::str::from_utf8(body).unwrap_or_default();
    let data = text.lines().find_map(|line| line.strip_prefix("data:"));
    data.and_then(|data| parsed(data.as_bytes()).ok()).unwrap_or_default()
}

/// How long to wait: as it is asked for; else, of a rate limit, until it is reset. OpenRouter says that in the body. A quota
/// that is gone comes with the resets of limits that have nothing to do with it.
fn wait_ms(exchange: &Exchange, kind: FailureKind, error: &Value, now_ms: u64) -> Option<u64> {
    let asked = retry_after_ms(&exchange.headers, now_ms).or_else(|| retry_info_ms(error));
    let reset = || reset_ms(&exchange.headers, now_ms).or_else(|| reset_ms(&headers_inside(error), now_ms));
    asked.or_else(|| if kind == FailureKind::RateLimit { reset() } else { None })
}

/// The headers that a router tells in its error.
fn headers_inside(error: &Value) -> HeaderMap {
    let told = error["metadata"]["headers"].as_object().into_iter().flatten();
    let header = |(name, value): (&String, &Value)| -> Option<(HeaderName, HeaderValue)> {
        Some((name.parse().ok()?, value.as_str()?.parse().ok()?))
    };
    told.filter_map(header).collect()
}

/// Gemini says how long to wait in the body: `{"@type": ".../RetryInfo", "retryDelay": "3.5s"}`.
fn retry_info_ms(error: &Value) -> Option<u64> {
    let delay = error["details"].as_array()?.iter().find_map(|detail| detail["retryDelay"].as_str())?;
    let seconds: f64 = delay.strip_suffix('s')?.parse().ok()?;
    (seconds.is_finite() && seconds >= 0.0).then(|| (seconds * 1_000.0).round() as u64)
}

/// The server's own words, from the places where servers put them.
fn text(error: &Value, scrubber: &Scrubber) -> String {
    let told = ["message", "detail", "Message"].iter().map(|key| &error[*key]).find_map(told);
    let told = told.or_else(|| error.as_str().map(str::to_owned));
    let mut line = match (told, class::word(error)) {
        (Some(told), Some(word)) => format!("{} ({})", one_line(&told, scrubber), one_line(word, scrubber)),
        (Some(text), None) => one_line(&text, scrubber),
        (None, Some(word)) => one_line(word, scrubber),
        (None, None) => "no reason given".to_owned(),
    };
    // What a router was told by the server behind it.
    match &error["metadata"]["raw"] {
        Value::Null => {}
        Value::String(raw) => line.push_str(&format!(": {}", one_line(raw, scrubber))),
        raw => line.push_str(&format!(": {}", one_line(&raw.to_string(), scrubber))),
    }
    // What the model wrote, where a server hands that on as an error alone (Groq).
    if let Some(wrote) = error["failed_generation"].as_str() {
        line.push_str(&format!("; the model wrote: {}", one_line(wrote, scrubber)));
    }
    line
}

/// A text; or the list of what is wrong with a request, each with its place (`[{"loc": ["body", "n"], "msg": "..."}]`).
fn told(message: &Value) -> Option<String> {
    if let Some(text) = message.as_str() {
        return Some(text.to_owned());
    }
    let place = |problem: &Value| -> Option<String> {
        let steps = problem["loc"].as_array()?.iter();
        let step = |step: &Value| step.as_str().map_or_else(|| step.to_string(), str::to_owned);
        Some(steps.map(step).collect::<Vec<_>>().join("."))
    };
    let problem = |problem: &Value| {
        let text = problem["msg"].as_str()?;
        Some(place(problem).map_or_else(|| text.to_owned(), |place| format!("{place}: {text}")))
    };
    let problems = message.as_array().or_else(|| message["detail"].as_array())?;
    let problems: Vec<String> = problems.iter().filter_map(problem).collect();
    (!problems.is_empty()).then(|| problems.join("; "))
}

fn is_page(exchange: &Exchange) -> bool {
    let kind = exchange.headers.get("content-type").and_then(|kind| kind.to_str().ok());
    let begins = |word: &[u8]| {
        let body = exchange.body.trim_ascii_start();
        body.get(..word.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(word))
    };
    kind.is_some_and(|kind| kind.starts_with("text/html")) || begins(b"<!doctype html") || begins(b"<html")
}

/// What can be said of a body that is not JSON without showing markup of proxies.
fn unreadable(exchange: &Exchange, scrubber: &Scrubber, place: &str) -> String {
    if let Some(target) = exchange.headers.get("location").and_then(|target| target.to_str().ok()) {
        return format!(
            "redirected to {}, which is not followed; set the {place} to where it leads",
            one_line(target, scrubber)
        );
    }
    let kind = exchange.headers.get("content-type").and_then(|kind| kind.to_str().ok()).unwrap_or("no content type");
    match std::str::from_utf8(&exchange.body) {
        Ok(text) if kind.starts_with("text/plain") && !text.trim().is_empty() => one_line(text, scrubber),
        _ => format!("a body of {} bytes ({}) that is not JSON", exchange.body.len(), one_line(kind, scrubber)),
    }
}

/// Under which the provider's support finds the call.
fn request_id(headers: &HeaderMap, scrubber: &Scrubber) -> String {
    let id = ["x-request-id", "request-id", "apim-request-id", "x-amzn-requestid"]
        .iter()
        .find_map(|name| headers.get(*name)?.to_str().ok());
    id.map_or_else(String::new, |id| format!(" [request {}]", one_line(id, scrubber)))
}

/// Servers repeat what they were sent. Scrubbed before it is cut: half a key is a leak that no scrubber finds any more.
fn one_line(text: &str, scrubber: &Scrubber) -> String {
    let text = scrubber.scrub(text);
    let words = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    let mut line = words.collect::<Vec<_>>().join(" ");
    if let Some((end, _)) = line.char_indices().nth(LONGEST_TEXT) {
        line.truncate(end);
        line.push('…');
    }
    line
}
