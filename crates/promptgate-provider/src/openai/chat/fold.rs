//! The chunks of a streamed completion as a whole one.

use std::borrow::Cow;

use serde::de::IgnoredAny;
use serde_json::{Value, json};

use super::reply;
use crate::FailedCall;
use crate::wire::{Event, Fold, Progress, cut_short, error_in, object_of};

/// The chunks so far.
#[derive(Default)]
pub(super) struct Chunks {
    model: Value,
    provider: Value,
    content: String,
    refusal: String,
    calls: Vec<Called>,
    /// The one call that older servers have room for.
    function: Called,
    has_said: bool,
    finish: Value,
    usage: Value,
    error: Option<Value>,
}

/// A call of a tool, as far as it came.
#[derive(Default)]
struct Called {
    /// Which one it is, where the server says so.
    index: Option<u64>,
    id: String,
    name: String,
    arguments: String,
    /// Whether the tool takes any text, so that its arguments are called otherwise.
    is_custom: bool,
}

impl Fold for Chunks {
    fn take(&mut self, event: Event) -> Result<Progress, FailedCall> {
        if event.data.trim() == "[DONE]" {
            self.end();
            return Ok(Progress::Done);
        }
        let chunk = Value::Object(object_of(&event)?);
        let choice = &chunk["choices"][0];
        if let Some(error) = error_in(&chunk).or_else(|| error_in(choice)) {
            self.error = Some(error.clone());
            return Ok(Progress::Done);
        }
        let keep = |old: &mut Value, new: &Value| {
            if !new.is_null() {
                old.clone_from(new);
            }
        };
        keep(&mut self.model, &chunk["model"]);
        keep(&mut self.provider, &chunk["provider"]);
        keep(&mut self.usage, reply::counts(&chunk));
        keep(&mut self.finish, &choice["finish_reason"]);
        let said = self.delta(&choice["delta"]);
        self.has_said |= said;
        Ok(if said { Progress::Said } else { Progress::Nothing })
    }

    fn finish(self: Box<Self>) -> Result<Value, FailedCall> {
        if let Some(error) = self.error {
            return Ok(json!({"error": error, "usage": self.usage}));
        }
        if self.finish.is_null() {
            return Err(cut_short());
        }
        let calls: Vec<Value> = self.calls.into_iter().map(Called::whole).collect();
        let mut message = json!({"content": self.content, "refusal": self.refusal, "tool_calls": calls});
        if !self.function.name.is_empty() {
            message["function_call"] = self.function.whole()["function"].take();
        }
        let choice = json!({"message": message, "finish_reason": self.finish});
        Ok(json!({"model": self.model, "provider": self.provider, "choices": [choice], "usage": self.usage}))
    }
}

impl Chunks {
    /// The end by the server's own word, which is one also where it does not say why: as of an answer that comes whole.
    fn end(&mut self) {
        if self.has_said && self.finish.is_null() {
            self.finish = "stop".into();
        }
    }

    /// Adds a piece, and says whether there was one.
    fn delta(&mut self, delta: &Value) -> bool {
        let mut said = false;
        let mut add = |into: &mut String, piece: &str| {
            said |= !piece.is_empty();
            into.push_str(piece);
        };
        add(&mut self.content, &reply::content(&delta["content"]));
        add(&mut self.refusal, delta["refusal"].as_str().unwrap_or_default());
        for piece in delta["tool_calls"].as_array().into_iter().flatten().map(Piece::of) {
            let called = self.called(&piece);
            // Some servers say id and name again with each piece.
            if called.id.is_empty() {
                piece.id.clone_into(&mut called.id);
            }
            if called.name != piece.name {
                add(&mut called.name, piece.name);
            }
            add(&mut called.arguments, &piece.arguments);
            called.is_custom |= piece.is_custom;
        }
        let function = &delta["function_call"];
        add(&mut self.function.name, function["name"].as_str().unwrap_or_default());
        add(&mut self.function.arguments, &arguments(&function["arguments"]));
        said
    }

    /// The call that a piece belongs to.
    fn called(&mut self, piece: &Piece<'_>) -> &mut Called {
        let found = match piece.index {
            Some(_) => self.calls.iter().rposition(|called| called.index == piece.index),
            None => self.calls.len().checked_sub(1),
        };
        let at = found.filter(|at| !piece.begins_another(&self.calls[*at])).unwrap_or_else(|| {
            self.calls.push(Called { index: piece.index, ..Called::default() });
            self.calls.len() - 1
        });
        &mut self.calls[at]
    }
}

impl Called {
    fn whole(self) -> Value {
        match self.is_custom {
            true => json!({"id": self.id, "type": "custom", "custom": {"name": self.name, "input": self.arguments}}),
            false => {
                let function = json!({"name": self.name, "arguments": self.arguments});
                json!({"id": self.id, "type": "function", "function": function})
            }
        }
    }
}

/// A piece of a call; what it does not hold is empty.
struct Piece<'a> {
    index: Option<u64>,
    id: &'a str,
    name: &'a str,
    arguments: Cow<'a, str>,
    is_custom: bool,
}

/// A piece of the arguments: a piece of their text, or all of them as the value that they are (MiniMax).
fn arguments(arguments: &Value) -> Cow<'_, str> {
    match arguments {
        Value::Null => Cow::default(),
        Value::String(text) => text.into(),
        whole => whole.to_string().into(),
    }
}

impl<'a> Piece<'a> {
    fn of(piece: &'a Value) -> Self {
        let text = |value: &'a Value| value.as_str().unwrap_or_default();
        let is_custom = piece["custom"].is_object();
        let (called, key) = if is_custom { ("custom", "input") } else { ("function", "arguments") };
        let called = &piece[called];
        let (name, arguments) = (text(&called["name"]), arguments(&called[key]));
        Self { index: piece["index"].as_u64(), id: text(&piece["id"]), name, arguments, is_custom }
    }

    /// A call begins with its name. Servers that give all calls one index, or none, begin another with another id, or once
    /// the arguments of the last one are whole; an id alone that changes is no other call.
    fn begins_another(&self, called: &Called) -> bool {
        if self.name.is_empty() || called.name.is_empty() {
            return false;
        }
        if !self.id.is_empty() && !called.id.is_empty() {
            return self.id != called.id;
        }
        !self.arguments.is_empty() && serde_json::from_str::<IgnoredAny>(&called.arguments).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use promptgate_core::answer::{FailureKind, FinishReason, Response};
    use promptgate_core::secret::Scrubber;

    use super::*;

    fn read(chunks: &[Value]) -> Result<Response, FailedCall> {
        read_events(chunks.iter().map(Value::to_string))
    }

    fn read_events(events: impl IntoIterator<Item = String>) -> Result<Response, FailedCall> {
        let mut fold = Box::new(Chunks::default());
        for data in events {
            fold.take(Event { name: String::new(), data })?;
        }
        reply::read(&fold.finish()?, &Scrubber::new())
    }

    fn calls(pieces: &[Value]) -> Vec<(String, Value, Option<String>)> {
        let chunk = |piece: &Value| json!({"choices": [{"delta": {"tool_calls": piece}}]});
        let end = json!({"choices": [{"delta": {}, "finish_reason": "tool_calls"}]});
        let chunks: Vec<Value> = pieces.iter().map(chunk).chain([end]).collect();
        let response = read(&chunks).unwrap();
        response.tool_calls.into_iter().map(|call| (call.name, call.arguments, call.id)).collect()
    }

    #[test]
    fn calls_of_tools_are_told_apart_however_a_server_numbers_them() {
        let whole = |index: Value, id: Value, name: &str, arguments: &str| json!({"index": index, "id": id, "function": {"name": name, "arguments": arguments}});
        let expected = |ids: [Option<&str>; 2]| {
            let [one, other] = ids.map(|id| id.map(str::to_owned));
            vec![("look".to_owned(), json!({"at": 1}), one), ("time".to_owned(), json!({}), other)]
        };
        let (one, other) = ((json!("a"), "look", r#"{"at":1}"#), (json!("b"), "time", "{}"));
        for (first, second) in [(json!(0), json!(1)), (json!(0), json!(0)), (Value::Null, Value::Null)] {
            let pieces = [
                json!([whole(first, one.0.clone(), one.1, one.2)]),
                json!([whole(second, other.0.clone(), other.1, other.2)]),
            ];
            assert_eq!(calls(&pieces), expected([Some("a"), Some("b")]));
        }
        let same =
            [json!([whole(json!(0), json!(""), one.1, one.2)]), json!([whole(json!(0), json!(""), other.1, other.2)])];
        assert_eq!(calls(&same), expected([None, None]));
        let nameless = [
            json!([whole(Value::Null, Value::Null, one.1, one.2)]),
            json!([whole(Value::Null, Value::Null, other.1, other.2)]),
        ];
        assert_eq!(calls(&nameless), expected([None, None]));
    }

    #[test]
    fn a_call_in_pieces_is_one_whether_its_id_comes_once_each_time_or_changes() {
        for (id, name) in [(Value::Null, "look"), (json!("a"), "look"), (json!("x"), "")] {
            let pieces = [
                json!([{"index": 0, "id": "a", "function": {"name": "look", "arguments": "{\"at\""}}]),
                json!([{"index": 0, "id": id, "function": {"name": name, "arguments": ":1}"}}]),
            ];
            assert_eq!(calls(&pieces), [("look".to_owned(), json!({"at": 1}), Some("a".to_owned()))]);
        }
    }

    #[test]
    fn arguments_that_come_as_a_value_are_kept() {
        for arguments in [json!({"at": 1}), json!({})] {
            let piece = json!([{"index": 0, "id": "a", "function": {"name": "look", "arguments": arguments}}]);
            assert_eq!(calls(&[piece]), [("look".to_owned(), arguments, Some("a".to_owned()))]);
        }
        let called = json!({"name": "look", "arguments": {"at": 1}});
        let chunk = json!({"choices": [{"delta": {"function_call": called}, "finish_reason": "function_call"}]});
        assert_eq!(read(&[chunk]).unwrap().tool_calls[0].arguments, json!({"at": 1}));
    }

    #[test]
    fn calls_of_every_form_come_in_pieces() {
        let pieces = [
            json!([{"index": 0, "id": "a", "type": "custom", "custom": {"name": "run", "input": "print("}}]),
            json!([{"index": 0, "custom": {"input": "42)"}}]),
            json!([{"index": 1, "id": "b", "type": "custom", "custom": {"name": "run", "input": "7"}}]),
        ];
        let run = |input: &str, id: &str| ("run".to_owned(), json!(input), Some(id.to_owned()));
        assert_eq!(calls(&pieces), [run("print(42)", "a"), run("7", "b")]);
        let chunk = |function: Value| json!({"choices": [{"delta": {"function_call": function}}]});
        let end = json!({"choices": [{"delta": {}, "finish_reason": "function_call"}]});
        let pieces =
            [json!({"name": "look", "arguments": ""}), json!({"arguments": "{\"at\""}), json!({"arguments": ":1}"})];
        let response = read(&pieces.into_iter().map(chunk).chain([end]).collect::<Vec<_>>()).unwrap();
        let [call] = response.tool_calls.as_slice() else { panic!("{response:?}") };
        assert_eq!((call.name.as_str(), &call.arguments, &call.id), ("look", &json!({"at": 1}), &None));
    }

    #[test]
    fn thoughts_in_a_list_of_parts_are_no_part_of_the_answer() {
        let thought = json!([{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}]);
        let chunk = |content: Value| json!({"choices": [{"delta": {"content": content}}]});
        let said = json!([{"type": "text", "text": "Paris"}]);
        let end = json!({"choices": [{"delta": {}, "finish_reason": "stop", "usage": {"prompt_tokens": 7, "completion_tokens": 2}}]});
        let response = read(&[chunk(thought), chunk(said), end]).unwrap();
        assert_eq!((response.output.as_str(), response.usage.unwrap().input_tokens), ("Paris", 7));
    }

    #[test]
    fn an_answer_ends_by_its_reason_or_by_the_servers_own_word() {
        let chunk = |delta: Value| json!({"choices": [{"delta": delta, "finish_reason": null}]}).to_string();
        let done = || "[DONE]".to_owned();
        let said = || chunk(json!({"content": "Paris"}));
        let response = read_events([said(), done()]).unwrap();
        assert_eq!((response.output.as_str(), response.finish_reason), ("Paris", FinishReason::Stop));
        let called = chunk(json!({"tool_calls": [{"index": 0, "function": {"name": "look", "arguments": "{}"}}]}));
        assert_eq!(read_events([called, done()]).unwrap().finish_reason, FinishReason::ToolCalls);
        let cut = json!({"choices": [{"delta": {}, "finish_reason": "length"}]}).to_string();
        assert_eq!(read_events([said(), cut, done()]).unwrap().finish_reason, FinishReason::Length);
        let failed = |events: Vec<String>| read_events(events).unwrap_err().failure.kind;
        assert_eq!(failed(vec![said()]), FailureKind::Connection);
        assert_eq!(failed(vec![chunk(json!({"role": "assistant"})), done()]), FailureKind::Connection);
    }

    #[test]
    fn an_answer_that_the_server_broke_off_is_none() {
        let begun = json!({"choices": [{"delta": {"content": "The answer is"}}]});
        let failed = |end: Value| read(&[begun.clone(), end]).unwrap_err().failure.kind;
        assert_eq!(failed(json!({"choices": [{"delta": {}, "finish_reason": "abort"}]})), FailureKind::Server);
        let error = json!({"code": 429, "message": "slow down"});
        assert_eq!(
            failed(json!({"choices": [{"delta": {}, "finish_reason": "error", "error": error}]})),
            FailureKind::RateLimit
        );
        assert_eq!(failed(json!({"object": "error", "message": "no room", "code": 400})), FailureKind::BadRequest);
    }
}
