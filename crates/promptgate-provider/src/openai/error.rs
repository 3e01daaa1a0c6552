//! What an OpenAI-shaped server says when it does not answer, and of what class that is.

use promptgate_core::answer::{Failure, FailureKind};
use promptgate_core::secret::Scrubber;
use reqwest::header::HeaderMap;
use serde_json::Value;
use serde_json::value::RawValue;

use crate::FailedCall;
use crate::http::Exchange;
use crate::retry_after::retry_after_ms;

/// Codes and types that say the quota is gone for good, not for a moment.
const QUOTA: [&str; 4] =
    ["insufficient_quota", "billing_hard_limit_reached", "billing_not_active", "access_terminated"];

/// Longer texts of a server are cut in messages.
const LONGEST_TEXT: usize = 300;

/// Whether an exchange brought JSON under a status that means success. async-openai may see the reply only then: it logs
/// whatever it cannot read.
pub(super) fn check(exchange: &Exchange, now_ms: u64, scrubber: &Scrubber) -> Result<(), FailedCall> {
    if !(200..300).contains(&exchange.status) {
        return Err(refusal(exchange, now_ms, scrubber).into());
    }
    serde_json::from_slice::<&RawValue>(&exchange.body).map(drop).map_err(|error| {
        let kind = if exchange.body.is_empty() { "an empty reply" } else { "a reply that is not JSON" };
        let message =
            format!("{kind} of {} bytes{}: {error}", exchange.body.len(), request_id(&exchange.headers, scrubber));
        Failure { status: Some(exchange.status), ..Failure::new(FailureKind::Server, message) }.into()
    })
}

/// A failure from an error object inside a reply whose status meant success.
pub(super) fn inside(error: &Value, scrubber: &Scrubber) -> Failure {
    // Routers pass the status of the model's own server on as the code.
    let status = error["code"].as_u64().and_then(|code| u16::try_from(code).ok()).filter(|code| *code >= 400);
    let kind = kind(status.unwrap_or(500), error);
    Failure { status, ..Failure::new(kind, format!("a reply that holds an error: {}", text(error, scrubber))) }
}

fn refusal(exchange: &Exchange, now_ms: u64, scrubber: &Scrubber) -> Failure {
    let body: Value = serde_json::from_slice(&exchange.body).unwrap_or_default();
    let error = body.get("error").unwrap_or(&body);
    let told = if body.is_null() { unreadable(exchange, scrubber) } else { text(error, scrubber) };
    let message = format!("HTTP {}: {told}{}", exchange.status, request_id(&exchange.headers, scrubber));
    Failure {
        status: Some(exchange.status),
        retry_after_ms: retry_after_ms(&exchange.headers, now_ms),
        ..Failure::new(kind(exchange.status, error), message)
    }
}

fn kind(status: u16, error: &Value) -> FailureKind {
    let is_quota = ["code", "type"].iter().filter_map(|key| error[*key].as_str()).any(|word| QUOTA.contains(&word));
    match status {
        402 => FailureKind::Quota,
        429 if is_quota => FailureKind::Quota,
        429 => FailureKind::RateLimit,
        401 | 403 | 407 => FailureKind::Credential,
        // The server gave up waiting, or had something else under way: the same call may succeed later.
        408 | 409 | 425 => FailureKind::Server,
        500.. => FailureKind::Server,
        _ => FailureKind::BadRequest,
    }
}

/// The server's own words, from the places where servers put them.
fn text(error: &Value, scrubber: &Scrubber) -> String {
    let message = ["message", "detail"].iter().find_map(|key| error[*key].as_str()).or(error.as_str());
    let word = ["code", "type"].iter().find_map(|key| error[*key].as_str());
    match (message, word) {
        (Some(message), Some(word)) => format!("{} ({})", one_line(message, scrubber), one_line(word, scrubber)),
        (Some(text), None) | (None, Some(text)) => one_line(text, scrubber),
        (None, None) => "no reason given".to_owned(),
    }
}

/// What can be said of a body that is not JSON without showing markup of proxies.
fn unreadable(exchange: &Exchange, scrubber: &Scrubber) -> String {
    if let Some(target) = exchange.headers.get("location").and_then(|target| target.to_str().ok()) {
        return format!(
            "redirected to {}, which is not followed; set the base URL to where it leads",
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
    let id = ["x-request-id", "apim-request-id"].iter().find_map(|name| headers.get(*name)?.to_str().ok());
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
