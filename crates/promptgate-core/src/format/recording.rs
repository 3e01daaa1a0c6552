//! Recordings: stored real outputs, one JSON object a line, and which line answers which request.
//!
//! A line may leave out what it does not depend on: without `prompt` or `model` it fits any, without `trial` it is the
//! first one. The most specific line wins, a tie is an error. A line answers only the request whose digest it carries; one
//! without a digest answers nothing unless the suite says `bound = false`.

use serde::{Deserialize, Serialize};

use super::json_line::{not_at_least_one, read};
use crate::answer::{FinishReason, Response, ToolCall, TraceStep, Usage};
use crate::diagnostic::Diagnostic;
use crate::digest::Digest;
use crate::name::{CaseId, ModelId, PromptId};
use crate::request::{Origin, Request};

/// One recorded answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecordedLine {
    /// The case.
    pub case: CaseId,
    /// The prompt, exactly (`triage` is not `triage.cot`); any where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<PromptId>,
    /// The assertion that asked, in a line that answers an assertion and no prompt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assertion: Option<String>,
    /// The model, by its id or the last part of it; any where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The repeat, from 1; the first where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trial: Option<u32>,
    /// The digest of the request it answered; absent for outputs from elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_digest: Option<Digest>,
    /// The text.
    pub output: String,
    /// Calls of tools.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tool_calls: Vec<ToolCall>,
    /// What an application did on its way.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<TraceStep>,
    /// Why the model stopped; `stop` where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finish_reason: Option<FinishReason>,
    /// Tokens, where known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// How long it took, where measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency_ms: Option<u64>,
    /// How long the first piece of it took, where it was streamed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_token_ms: Option<u64>,
    /// The model that the provider said it was; `m at Server` where a router said to which server it went.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub returned_model: Option<String>,
}

/// Reads one line.
pub fn parse_line(bytes: &[u8], file: &str, line: u32) -> Result<RecordedLine, Diagnostic> {
    let recorded: RecordedLine = read(bytes, file, line, "a recorded line")?;
    match recorded.trial {
        Some(0) => Err(not_at_least_one(bytes, file, line, "trial")),
        _ => Ok(recorded),
    }
}

/// The line that reads back as this answer.
#[expect(clippy::expect_used, reason = "a plain value with string keys has a JSON form")]
pub fn to_json_line(line: &RecordedLine) -> String {
    serde_json::to_string(line).expect("a plain value has a JSON form")
}

impl RecordedLine {
    /// What is recorded of an answer.
    pub fn of(request: &Request, response: &Response) -> Self {
        let (prompt, assertion) = match &request.origin {
            Origin::Trial { prompt, .. } => (Some(prompt.clone()), None),
            Origin::Ask { assertion, .. } => (None, Some(assertion.clone())),
        };
        Self {
            case: request.origin.case().clone(),
            prompt,
            assertion,
            model: Some(request.body.model.to_string()),
            trial: Some(request.repeat),
            request_digest: Some(request.digest),
            output: response.output.clone(),
            tool_calls: response.tool_calls.clone(),
            steps: response.steps.clone(),
            finish_reason: Some(response.finish_reason.clone()),
            usage: response.usage,
            latency_ms: response.latency_ms,
            first_token_ms: response.first_token_ms,
            returned_model: response.returned_model.clone(),
        }
    }

    /// The response it holds. Whether that is tied to the prompt text is what the digest says.
    pub fn into_response(self) -> Response {
        Response {
            output: self.output,
            tool_calls: self.tool_calls,
            steps: self.steps,
            finish_reason: self.finish_reason.unwrap_or(FinishReason::Stop),
            usage: self.usage,
            latency_ms: self.latency_ms,
            first_token_ms: self.first_token_ms,
            returned_model: self.returned_model,
            cost: None,
            bound: self.request_digest.is_some(),
        }
    }

    /// Whether it is about this case, prompt, model and repeat, whatever request it answered.
    pub fn fits(&self, wanted: &Wanted<'_>) -> bool {
        let same_asker = match wanted.prompt {
            Some(wanted) => self.assertion.is_none() && self.prompt.as_ref().is_none_or(|prompt| prompt == wanted),
            // What an assertion asks is known by its digest; the assertion may have got another name.
            None => self.prompt.is_none(),
        };
        same_asker
            && wanted.case.is_none_or(|case| self.case == *case)
            && self.model.as_ref().is_none_or(|model| wanted.model.is_named(model))
            && self.trial.unwrap_or(1) == wanted.repeat
    }

    /// How much of its key it names.
    fn specificity(&self) -> usize {
        usize::from(self.prompt.is_some()) + usize::from(self.model.is_some()) + usize::from(self.trial.is_some())
    }
}

/// What is about to be asked.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// The case; none where an answer to any fits.
    pub case: Option<&'a CaseId>,
    /// The prompt; none where an assertion asks.
    pub prompt: Option<&'a PromptId>,
    /// The model.
    pub model: &'a ModelId,
    /// The repeat, from 1.
    pub repeat: u32,
    /// The digest of the request.
    pub digest: &'a Digest,
    /// Whether a line must carry that digest (`bound`, the default).
    pub bound: bool,
}

/// Why no line answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Miss {
    /// No line fits.
    Missing,
    /// A line fits, but it answered another request: prompt, parameters or input were edited since.
    Stale,
    /// A line fits, but it carries no digest and the suite does not say `bound = false`.
    Unbound,
    /// Two lines fit equally well; their places among the candidates.
    Tie(usize, usize),
}

/// The line that answers, by its place among the candidates.
///
/// Lines that answered this very request come first; among what is left the most specific line wins.
pub fn pick(lines: &[RecordedLine], wanted: &Wanted<'_>) -> Result<usize, Miss> {
    let fitting: Vec<usize> = (0..lines.len()).filter(|index| lines[*index].fits(wanted)).collect();
    let having = |digest: Option<&Digest>| -> Vec<usize> {
        fitting.iter().copied().filter(|index| lines[*index].request_digest.as_ref() == digest).collect()
    };
    let answers = having(Some(wanted.digest));
    match answers.first() {
        // Two assertions that ask the very same get the very same.
        Some(first) if wanted.prompt.is_none() => return Ok(*first),
        Some(_) => return most_specific(lines, &answers),
        None => {}
    }
    let unbound = having(None);
    match (fitting.is_empty(), unbound.is_empty(), wanted.bound) {
        (true, ..) => Err(Miss::Missing),
        (_, true, _) => Err(Miss::Stale),
        (_, false, true) => Err(Miss::Unbound),
        (_, false, false) => most_specific(lines, &unbound),
    }
}

fn most_specific(lines: &[RecordedLine], among: &[usize]) -> Result<usize, Miss> {
    let most = among.iter().map(|index| lines[*index].specificity()).max();
    let mut best = among.iter().copied().filter(|index| Some(lines[*index].specificity()) == most);
    match (best.next(), best.next()) {
        (Some(first), Some(second)) => Err(Miss::Tie(first, second)),
        (Some(only), None) => Ok(only),
        (None, _) => Err(Miss::Missing),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<RecordedLine> {
        let line = |(index, line): (usize, &str)| parse_line(line.as_bytes(), "r.jsonl", index as u32 + 1).unwrap();
        text.lines().enumerate().map(line).collect()
    }

    /// Asks for case `a`, prompt `judge.cot`, model `openai/gpt-4`, request `abc`.
    fn picked(text: &str, repeat: u32, bound: bool) -> Result<usize, Miss> {
        let (case, prompt) = (CaseId::new("a").unwrap(), PromptId::new("judge.cot").unwrap());
        let (model, digest) = (ModelId::new("openai/gpt-4").unwrap(), Digest::of_bytes(b"abc"));
        pick(
            &lines(text),
            &Wanted { case: Some(&case), prompt: Some(&prompt), model: &model, repeat, digest: &digest, bound },
        )
    }

    fn check(text: &str, expected: Result<usize, Miss>) {
        assert_eq!(picked(text, 1, false), expected, "{text}");
    }

    #[test]
    fn the_most_specific_line_wins_and_a_tie_is_an_error() {
        check(r#"{"case":"b","output":""}"#, Err(Miss::Missing));
        check(r#"{"case":"a","output":""}"#, Ok(0));
        check("{\"case\":\"a\",\"output\":\"\"}\n{\"case\":\"a\",\"model\":\"gpt-4\",\"output\":\"\"}", Ok(1));
        check("{\"case\":\"a\",\"prompt\":\"judge.cot\",\"output\":\"\"}\n{\"case\":\"a\",\"output\":\"\"}", Ok(0));
        let tie = "{\"case\":\"a\",\"model\":\"gpt-4\",\"output\":\"\"}\n{\"case\":\"a\",\"prompt\":\"judge.cot\",\"output\":\"\"}";
        check(tie, Err(Miss::Tie(0, 1)));
        check("{\"case\":\"a\",\"output\":\"\"}\n{\"case\":\"a\",\"output\":\"\"}", Err(Miss::Tie(0, 1)));
    }

    #[test]
    fn another_prompt_variant_model_or_trial_does_not_fit() {
        check(r#"{"case":"a","prompt":"judge","output":""}"#, Err(Miss::Missing));
        check(r#"{"case":"a","model":"gpt-3","output":""}"#, Err(Miss::Missing));
        check(r#"{"case":"a","trial":2,"output":""}"#, Err(Miss::Missing));
        assert_eq!(picked(r#"{"case":"a","output":""}"#, 2, false), Err(Miss::Missing));
        assert_eq!(picked(r#"{"case":"a","trial":2,"output":""}"#, 2, false), Ok(0));
    }

    #[test]
    fn a_bound_recording_answers_only_the_request_it_was_made_of() {
        let with = |bytes: &[u8]| {
            format!("{{\"case\":\"a\",\"request_digest\":\"{}\",\"output\":\"\"}}", Digest::of_bytes(bytes))
        };
        let bare = r#"{"case":"a","model":"gpt-4","output":""}"#;
        assert_eq!(picked(&with(b"abc"), 1, true), Ok(0));
        assert_eq!(picked(&with(b"old"), 1, true), Err(Miss::Stale));
        assert_eq!(picked(&with(b"old"), 1, false), Err(Miss::Stale));
        assert_eq!(picked(bare, 1, true), Err(Miss::Unbound));
        assert_eq!(picked(&format!("{}\n{bare}", with(b"abc")), 1, true), Ok(0));
        assert_eq!(picked(&format!("{}\n{}", with(b"old"), with(b"abc")), 1, true), Ok(1));
    }

    #[test]
    fn who_answered_is_given_back() {
        let recorded = lines(r#"{"case":"a","output":"x","returned_model":"m-B at Groq"}"#).remove(0);
        assert_eq!(recorded.into_response().returned_model.as_deref(), Some("m-B at Groq"));
        let older = lines(r#"{"case":"a","output":"x"}"#).remove(0);
        assert_eq!(to_json_line(&older), r#"{"case":"a","output":"x"}"#);
        assert_eq!(older.into_response().returned_model, None);
    }

    #[test]
    fn a_wrong_line_is_an_error_at_its_place() {
        let error = |line: &str| parse_line(line.as_bytes(), "r.jsonl", 7).unwrap_err().to_string();
        insta::assert_snapshot!(error(r#"{"case":"a","output":"x","latency":3}"#), @"r.jsonl:7:26: a recorded line has no key `latency`; did you mean `latency_ms`?");
        insta::assert_snapshot!(error(r#"{"case":"a","output":"x","trial":0}"#), @"r.jsonl:7:26: `trial` is 0; count from 1");
        insta::assert_snapshot!(error(r#"{"case":"a","output":7}"#), @"r.jsonl:7:13: `output` of a recorded line: invalid type: integer `7`, expected a text; give `output` a value of that form");
        insta::assert_snapshot!(error(r#"{"case":"a","output":"x","request_digest":"sha256:12"}"#), @"r.jsonl:7:26: `request_digest` of a recorded line: `sha256:12` is not a digest: expected `sha256:` and 64 hex digits; give `request_digest` a value of that form");
        insta::assert_snapshot!(error(r#"{"case":"a","output":"x","output":"y"}"#), @"r.jsonl:7:26: the key `output` stands here twice; keep one of the two");
        insta::assert_snapshot!(error(r#"{"case":"a","output":"x""#), @"r.jsonl:7:24: this is not JSON: EOF while parsing an object; write one whole JSON object a line: keys and texts in double quotes, no comma behind the last value");
    }
}
