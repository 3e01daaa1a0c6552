//! `tool-call`: a tool is called, so often and with these arguments.

use promptgate_core::Diagnostics;
use promptgate_core::answer::ToolCall as Called;
use promptgate_core::assertion::AssertionSpec;
use promptgate_core::case::Case;
use promptgate_core::score::{Evidence, Scored};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::difference::{self, Difference};
use super::expected::Expected;
use super::kind::pass_fail;
use super::names::Names;
use super::text::excerpt;
use super::{Assertion, AssertionKind, BuildContext, CostClass, Example, Parameter, Step, Trial};

/// The table entry.
pub(super) const KIND: AssertionKind = AssertionKind {
    name: "tool-call",
    summary: "a tool is called, so often and with these arguments",
    cost: CostClass::Pure,
    yields: pass_fail,
    parameters: &[
        Parameter { name: "tool", doc: "the tool, or a glob over its name" },
        Parameter { name: "min", doc: "calls that fit, at least; default 1, or 0 where `max` alone is given" },
        Parameter { name: "max", doc: "calls that fit, at most" },
        Parameter { name: "arguments", doc: "the arguments expected, a table; may name parts of the case" },
        Parameter {
            name: "mode",
            doc: "`partial` (default): the arguments hold at least these, at any depth; `exact`: these alone",
        },
        Parameter {
            name: "defaults",
            doc: "the values that arguments have where a call, or `arguments`, leaves them out, a table",
        },
        Parameter { name: "ignore", doc: "names of arguments that do not count" },
    ],
    passes: Example::of("tool = \"look*\"\narguments = { city = \"Paris\" }", "")
        .response(r#"{"tool_calls": [{"name": "look_up", "arguments": {"city": "Paris", "days": 3}}]}"#),
    fails: Example::of("tool = \"look\"\nmax = 0", "")
        .response(r#"{"tool_calls": [{"name": "look", "arguments": {}}]}"#),
    build,
};

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Mode {
    #[default]
    Partial,
    Exact,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    tool: String,
    min: Option<u64>,
    max: Option<u64>,
    arguments: Option<Value>,
    #[serde(default)]
    mode: Mode,
    #[serde(default)]
    defaults: Map<String, Value>,
    #[serde(default)]
    ignore: Vec<String>,
}

struct ToolCall {
    names: Names,
    min: u64,
    max: Option<u64>,
    arguments: Option<Expected>,
    mode: Mode,
    defaults: Map<String, Value>,
    ignore: Vec<String>,
}

fn a_table(value: &Value) -> Result<(), String> {
    if value.is_object() { Ok(()) } else { Err("is no table of arguments".to_owned()) }
}

fn build(spec: &AssertionSpec, _: &BuildContext<'_>) -> Result<Box<dyn Assertion>, Diagnostics> {
    let params: Params = spec.params.read("`tool-call`")?;
    let min = params.min.unwrap_or(u64::from(params.max.is_none()));
    if let Some(max) = params.max.filter(|max| *max < min) {
        return Err(spec
            .params
            .mistake("max", format!("`max` is {max}, below `min` = {min}, so none would pass"))
            .into());
    }
    if min == 0 && params.max.is_none() {
        return Err(spec.params.mistake("min", "`min` is 0 and there is no `max`, so all would pass").into());
    }
    let read = |arguments: &Value| Expected::read(&spec.params, "arguments", arguments, a_table);
    Ok(Box::new(ToolCall {
        names: Names::read(spec, "tool", Some(params.tool))?,
        min,
        max: params.max,
        arguments: params.arguments.as_ref().map(read).transpose()?,
        mode: params.mode,
        defaults: params.defaults,
        ignore: params.ignore,
    }))
}

impl ToolCall {
    fn fits(&self, call: &Called, wanted: Option<&Value>) -> bool {
        if !self.names.hold(&call.name) {
            return false;
        }
        let Some(wanted) = wanted else { return true };
        let (mode, wanted) = match self.mode {
            // What is not asked for may have any value, so that a default adds nothing to it.
            Mode::Partial => (difference::Mode::Subset, self.counted(wanted)),
            Mode::Exact => (difference::Mode::Exact, self.filled(wanted)),
        };
        Difference::first(&self.filled(&call.arguments), &wanted, mode).is_none()
    }

    /// The arguments that count, with the defaults of those that are left out.
    fn filled(&self, arguments: &Value) -> Value {
        let Value::Object(map) = arguments else { return arguments.clone() };
        let mut all = self.defaults.clone();
        all.extend(map.clone());
        self.counted(&Value::Object(all))
    }

    /// The arguments that count.
    fn counted(&self, arguments: &Value) -> Value {
        let Value::Object(map) = arguments else { return arguments.clone() };
        let counts = |(name, _): &(&String, &Value)| !self.ignore.contains(name);
        Value::Object(map.iter().filter(counts).map(|(name, value)| (name.clone(), value.clone())).collect())
    }
}

/// The calls of a response for people.
pub(super) fn told(calls: &[Called]) -> String {
    match calls {
        [] => "no tool is called".to_owned(),
        calls => excerpt(
            &calls.iter().map(|call| format!("{}({})", call.name, call.arguments)).collect::<Vec<_>>().join(", "),
        ),
    }
}

impl Assertion for ToolCall {
    fn start(&self, trial: &Trial<'_>) -> Step {
        Step::decide(|| {
            let wanted = self.arguments.as_ref().map(|expected| expected.value(trial.case)).transpose()?;
            let calls = &trial.response.tool_calls;
            let count = calls.iter().filter(|call| self.fits(call, wanted.as_deref())).count() as u64;
            let passed = count >= self.min && self.max.is_none_or(|max| count <= max);
            let with = wanted.map(|wanted| format!(" with {wanted}")).unwrap_or_default();
            let bound = match self.max {
                None => format!("at least {}", self.min),
                Some(max) if max == self.min => format!("{max}"),
                Some(max) => format!("{} to {max}", self.min),
            };
            let expected = Some(excerpt(&format!("{bound} of {}{with}", self.names.told())));
            Ok(Scored::decided(passed, Evidence { expected, found: Some(told(calls)), note: None }))
        })
    }

    fn check(&self, case: &Case) -> Result<(), Diagnostics> {
        Ok(self.arguments.iter().try_for_each(|arguments| arguments.check(case))?)
    }

    fn needs_answer(&self) -> bool {
        false
    }
}
