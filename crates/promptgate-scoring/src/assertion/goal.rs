//! `goal`: a judge reads the trace of an application, its steps, its calls of tools and its answer, and says whether the
//! goal was met.

use promptgate_core::Diagnostics;
use promptgate_core::answer::{Response, TraceStep};
use promptgate_core::ask::{Asked, Reply};
use promptgate_core::assertion::AssertionSpec;
use promptgate_core::case::Case;
use promptgate_core::record::Against;
use promptgate_core::score::{Evidence, Scored};
use serde::Serialize;
use serde_json::{Map, Value};

use super::expected::{Expected, some_criteria, text_of};
use super::judge::{
    Filling, Judge, Judged, Question, Shape, Shipped, judged_parameters, judged_params, suspicion, suspicion_of,
};
use super::{Assertion, AssertionKind, BuildContext, CostClass, Example, Parameter, State, Step, Trial, Yields};

/// The table entry.
pub(super) const KIND: AssertionKind = AssertionKind {
    name: "goal",
    summary: "a judge reads the trace (steps, calls of tools, answer) and says that the goal was met; unscored where \
              neither steps nor calls are told",
    cost: CostClass::Judge,
    // Several judges give something between yes and no.
    yields: |spec| match spec.params.values.contains_key("judges") {
        true => Yields::Score,
        false => Yields::PassFail,
    },
    parameters: judged_parameters![Parameter {
        name: "goal",
        doc: "what has to have come about, in free text; may name parts of the case"
    },],
    passes: Example::of("goal = \"A table for two is booked.\"", "Booked for seven.")
        .response(r#"{"steps": [{"type": "tool", "name": "book", "input": {"guests": 2}, "output": {"table": 7}}]}"#)
        .replies(r#"[["{\"reason\": \"step 1 booked table 7\", \"label\": \"met\"}"]]"#),
    fails: Example::of("goal = \"A table for two is booked.\"", "Booked for seven.")
        .response(r#"{"steps": [{"type": "tool", "name": "book", "input": {"guests": 2}, "error": "full"}]}"#)
        .replies(r#"[["{\"reason\": \"step 1 failed\", \"label\": \"not-met\"}"]]"#),
    build,
};

const PROMPT: Shipped = Shipped { name: "goal", text: include_str!("judge/prompts/goal.prompt"), variables: &["goal"] };

/// Of several judges half have to say that it was met.
const PASSES: f64 = 0.5;

/// Of more steps, or calls, than these the middle is left out: a judge's context is bounded, and what a goal comes to shows
/// at the end.
const MOST_ITEMS: usize = 60;

/// The characters that a text of the trace may keep: the most with which the trace fits [`FITS`], or else the least.
const TEXTS: [usize; 3] = [4_000, 1_000, 250];

/// A trace of so many bytes is read well: some 16,000 tokens.
const FITS: usize = 64 << 10;

judged_params! {
    struct Params {
        goal: Value,
    }
}

fn build(spec: &AssertionSpec, context: &BuildContext<'_>) -> Result<Box<dyn Assertion>, Diagnostics> {
    let params: Params = spec.params.read("`goal`")?;
    if params.calibration.is_some() {
        // The same words may end a trace that met the goal and one that did not.
        let message = "`goal` takes no `calibration`: people label outputs, and a goal is judged by the trace";
        return Err(spec.params.mistake("calibration", message).help("leave `calibration` out").into());
    }
    let shape = Shape::Label(vec![("met".to_owned(), 1.0), ("not-met".to_owned(), 0.0)]);
    let judge = Judge::build(spec, context, &params.judge(), (&PROMPT, &shape))?;
    let goal = Expected::read(&spec.params, "goal", &params.goal, some_criteria)?;
    Ok(Box::new(Goal(Judged {
        judge,
        shape,
        instructions: vec![("goal", Filling::OfCase(goal))],
        data: Vec::new(),
        each_of: None,
        of_answer: true,
        threshold: spec.threshold.unwrap_or(PASSES),
    })))
}

struct Goal(Judged);

impl Goal {
    /// Puts the questions about a trace, and says beside the decision what of it was not shown.
    fn look(&self, trial: &Trial<'_>, go: impl FnOnce(&[Question]) -> Step) -> Step {
        let looked =
            Trace::of(trial.response).and_then(|trace| Ok((self.0.questions_about(trial, trace.data())?, trace)));
        match looked {
            Err(problem) => Step::Done(Scored::unscored(problem)),
            Ok((questions, trace)) => match go(&questions) {
                Step::Done(scored) => Step::Done(trace.noted(scored)),
                asking => asking,
            },
        }
    }
}

impl Assertion for Goal {
    fn start(&self, trial: &Trial<'_>) -> Step {
        if let Some(suspect) = suspicion(trial).or_else(|| suspicion_of(&written(trial.response))) {
            return Step::Done(suspect);
        }
        self.look(trial, |questions| self.0.begin(trial, questions))
    }

    fn resume(&self, trial: &Trial<'_>, state: State, replies: Vec<Reply>) -> Step {
        self.look(trial, |questions| self.0.proceed(trial, questions, state, replies))
    }

    fn check(&self, case: &Case) -> Result<(), Diagnostics> {
        self.0.check(case)
    }

    fn labels(&self) -> &[(String, f64)] {
        self.0.labels()
    }

    fn threshold(&self) -> Option<f64> {
        self.0.threshold()
    }

    fn chooses(&self) -> Option<Against> {
        self.0.chooses()
    }

    fn asks(&self) -> Vec<Asked> {
        self.0.asks()
    }
}

/// What of a trace a judge is shown, and what not.
#[derive(Debug, Default)]
struct Trace {
    steps: Vec<Value>,
    calls: Vec<Value>,
    left_out: Vec<String>,
}

impl Trace {
    /// As much of it as fits. A response that tells of neither steps nor calls has no trace that could be judged.
    fn of(response: &Response) -> Result<Self, String> {
        if response.steps.is_empty() && response.tool_calls.is_empty() {
            return Err("no trace is told: the target reports neither `steps` nor calls of tools".to_owned());
        }
        let mut trace = Self::default();
        for limit in TEXTS {
            trace = Self::within(response, limit);
            if trace.bytes() <= FITS {
                break;
            }
        }
        Ok(trace)
    }

    fn within(response: &Response, limit: usize) -> Self {
        let mut left_out = Vec::new();
        let mut shortened = 0;
        let steps = ends("steps", &response.steps, limit, &mut shortened, &mut left_out);
        let calls = ends("calls", &response.tool_calls, limit, &mut shortened, &mut left_out);
        match shortened {
            0 => {}
            1 => left_out.push(format!("the end of a text longer than {limit} characters")),
            many => left_out.push(format!("the ends of {many} texts longer than {limit} characters")),
        }
        Self { steps, calls, left_out }
    }

    fn bytes(&self) -> usize {
        self.steps.iter().chain(&self.calls).map(|item| item.to_string().len()).sum()
    }

    fn data(&self) -> Map<String, Value> {
        let parts = [
            ("steps", Value::from(self.steps.clone())),
            ("calls", self.calls.clone().into()),
            ("left_out", self.left_out.clone().into()),
        ];
        let told = parts.into_iter().filter(|(_, items)| items.as_array().is_some_and(|items| !items.is_empty()));
        told.map(|(name, items)| (name.to_owned(), items)).collect()
    }

    fn noted(&self, scored: Scored) -> Scored {
        if self.left_out.is_empty() || scored.score.value().is_none() {
            return scored;
        }
        let note = scored.evidence.note.unwrap_or_default();
        let note = Some(format!("{note} (not shown: {})", self.left_out.join(", ")));
        Scored { evidence: Evidence { note, ..scored.evidence }, ..scored }
    }
}

/// The first and the last of some steps or calls, numbered from 1.
fn ends<T: Serialize>(
    what: &str,
    items: &[T],
    limit: usize,
    shortened: &mut usize,
    left_out: &mut Vec<String>,
) -> Vec<Value> {
    let half = MOST_ITEMS / 2;
    let middle = if items.len() > MOST_ITEMS { half..items.len() - half } else { 0..0 };
    if !middle.is_empty() {
        left_out.push(format!("{what} {} to {}", middle.start + 1, middle.end));
    }
    let shown = items.iter().enumerate().filter(|(at, _)| !middle.contains(at));
    shown.map(|(at, item)| seen(at + 1, item, limit, shortened)).collect()
}

/// A step or a call as a judge sees it. How long it took and what the provider named it differ from run to run and say
/// nothing of the goal: without them the same trace is the same question, and is asked once.
fn seen(number: usize, item: &impl Serialize, limit: usize, shortened: &mut usize) -> Value {
    let mut seen = Map::from_iter([("number".to_owned(), number.into())]);
    if let Ok(Value::Object(fields)) = serde_json::to_value(item) {
        let told = fields.into_iter().filter(|(key, _)| !["duration_ms", "id"].contains(&key.as_str()));
        seen.extend(told.map(|(key, value)| (key, short(value, limit, shortened))));
    }
    seen.into()
}

/// A value that is not longer than so many characters, or the beginning of its text.
fn short(value: Value, limit: usize, shortened: &mut usize) -> Value {
    let text = text_of(&value);
    let Some((end, _)) = text.char_indices().nth(limit) else { return value };
    *shortened += 1;
    format!("{}… ({} characters left out)", &text[..end], text[end..].chars().count()).into()
}

/// The texts of a trace that the candidate wrote: what its models gave, and what it gave to tools. What the world said (a
/// page that a tool read) may hold anything, and whether a candidate falls for it can be what the goal is about: it is
/// data, and makes nobody suspect.
fn written(response: &Response) -> String {
    let of_step = |step: &'_ TraceStep| if step.kind == "model" { step.output.clone() } else { step.input.clone() };
    let values =
        response.steps.iter().map(of_step).chain(response.tool_calls.iter().map(|call| call.arguments.clone()));
    let mut texts = Vec::new();
    values.for_each(|value| texts_in(value, &mut texts));
    texts.join("\n")
}

fn texts_in(value: Value, texts: &mut Vec<String>) {
    match value {
        Value::String(text) => texts.push(text),
        Value::Array(items) => items.into_iter().for_each(|item| texts_in(item, texts)),
        Value::Object(map) => map.into_iter().for_each(|(_, value)| texts_in(value, texts)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn response(steps: Value, calls: Value) -> Response {
        let mut response = Response::text("Done.");
        response.steps = serde_json::from_value(steps).unwrap();
        response.tool_calls = serde_json::from_value(calls).unwrap();
        response
    }

    #[test]
    fn a_short_trace_is_shown_whole_but_for_what_differs_from_run_to_run() {
        let steps =
            json!([{"type": "tool", "name": "book", "input": {"guests": 2}, "duration_ms": 90, "error": "full"}]);
        let calls = json!([{"name": "book", "arguments": {"guests": 2}, "id": "call_1"}]);
        let data = Trace::of(&response(steps, calls)).unwrap().data();
        let expected = json!({
            "steps": [{"number": 1, "type": "tool", "name": "book", "input": {"guests": 2}, "error": "full"}],
            "calls": [{"number": 1, "name": "book", "arguments": {"guests": 2}}],
        });
        assert_eq!(Value::from(data), expected);
    }

    #[test]
    fn a_long_trace_is_bounded_and_says_what_is_left_out() {
        let step = |at: usize| json!({"type": "tool", "name": format!("t{at}"), "output": "ä".repeat(5_000)});
        let trace = Trace::of(&response((1..=100).map(step).collect(), json!([]))).unwrap();
        assert!(trace.bytes() <= FITS, "{}", trace.bytes());
        assert_eq!(trace.left_out, ["steps 31 to 70", "the ends of 60 texts longer than 250 characters"]);
        let numbers: Vec<_> = trace.steps.iter().map(|step| step["number"].as_u64().unwrap()).collect();
        assert_eq!(numbers, (1..=30).chain(71..=100).collect::<Vec<_>>());
        let cut = trace.steps[0]["output"].as_str().unwrap();
        assert!(cut.ends_with("ä… (4750 characters left out)"), "{cut}");
        let trace = Trace::of(&response(json!([step(1)]), json!([]))).unwrap();
        assert_eq!(trace.left_out, ["the end of a text longer than 4000 characters"]);
    }
}
