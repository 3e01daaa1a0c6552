//! `tool-schema`: every call of a tool satisfies what the tool declares.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use promptgate_core::assertion::AssertionSpec;
use promptgate_core::score::{Evidence, Scored};
use promptgate_core::{Diagnostics, Digest};
use serde::Deserialize;
use serde_json::Value;
use std::sync::Arc;

use super::kind::pass_fail;
use super::schema::{Schema, Validity};
use super::text::excerpt;
use super::tool_call::told;
use super::{Assertion, AssertionKind, BuildContext, CostClass, Example, Parameter, Step, Trial};

/// The table entry.
pub(super) const KIND: AssertionKind = AssertionKind {
    name: "tool-schema",
    summary: "every call names a tool that is offered, and its arguments are valid under the schema of that tool",
    cost: CostClass::Pure,
    yields: pass_fail,
    parameters: &[Parameter {
        name: "tools",
        doc: "the tools, a list of `{ name, inputSchema }`; `parameters` and `input_schema` are other names of the schema, without \
            which any arguments are valid, and all may stand within `function`, as in `{ type = \"function\", function = { name, \
            parameters } }`; default those that the prompt offers",
    }],
    passes: Example::of(
        "tools = [{ name = \"look\", inputSchema = { type = \"object\", required = [\"city\"] } }]",
        "",
    )
    .response(r#"{"tool_calls": [{"name": "look", "arguments": {"city": "Paris"}}]}"#),
    fails: Example::of("tools = [{ name = \"look\", inputSchema = { type = \"object\" } }]", "")
        .response(r#"{"tool_calls": [{"name": "walk", "arguments": {}}]}"#),
    build,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    tools: Option<Vec<Value>>,
}

struct ToolSchema {
    own: Option<Vec<Tool>>,
    /// Schemas of tools that versions offer, by their digest: a version's tools are the same for all its trials.
    known: Mutex<HashMap<Digest, Result<Arc<Schema>, String>>>,
}

struct Tool {
    name: String,
    schema: Arc<Schema>,
}

fn build(spec: &AssertionSpec, context: &BuildContext<'_>) -> Result<Box<dyn Assertion>, Diagnostics> {
    let Params { tools } = spec.params.read("`tool-schema`")?;
    let own = match tools {
        Some(tools) if tools.is_empty() => {
            let mistake = spec.params.mistake("tools", "`tools` is empty, so no call could be valid");
            return Err(mistake.help("leave it out to take the tools of the prompt").into());
        }
        Some(tools) => {
            let tool = |tool: &Value| named(tool).and_then(|name| Ok(Tool { name, schema: compiled(tool)? }));
            let tools: Result<Vec<Tool>, String> = tools.iter().map(tool).collect();
            let tools = tools.map_err(|problem| spec.params.mistake("tools", problem))?;
            tools.iter().for_each(|tool| context.warn_of_schema(spec, "tools", &tool.schema));
            Some(tools)
        }
        None => None,
    };
    Ok(Box::new(ToolSchema { own, known: Mutex::default() }))
}

/// Where a tool declares itself: OpenAI's Chat Completions wrap it.
fn declared(tool: &Value) -> &Value {
    tool.get("function").filter(|function| function.is_object() && tool.get("name").is_none()).unwrap_or(tool)
}

fn name(tool: &Value) -> Option<&str> {
    declared(tool)["name"].as_str()
}

fn named(tool: &Value) -> Result<String, String> {
    name(tool).map(str::to_owned).ok_or_else(|| format!("a tool has no name: {}", excerpt(&tool.to_string())))
}

fn compiled(tool: &Value) -> Result<Arc<Schema>, String> {
    let schema = ["inputSchema", "parameters", "input_schema"].into_iter().find_map(|key| declared(tool).get(key));
    let anything = Value::Object(Default::default());
    Schema::compile(schema.unwrap_or(&anything))
        .map(Arc::new)
        .map_err(|problem| format!("the schema of `{}` {problem}", name(tool).unwrap_or_default()))
}

impl ToolSchema {
    fn schema(&self, tool: &Value) -> Result<Arc<Schema>, String> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.entry(Digest::of_json(tool)).or_insert_with(|| compiled(tool)).clone()
    }

    /// The schema of a tool; nothing where none of that name is offered.
    fn of(&self, name: &str, offered: &[Value]) -> Result<Option<Arc<Schema>>, String> {
        match &self.own {
            Some(own) => Ok(own.iter().find(|tool| tool.name == name).map(|tool| tool.schema.clone())),
            None => {
                offered.iter().find(|tool| self::name(tool) == Some(name)).map(|tool| self.schema(tool)).transpose()
            }
        }
    }
}

impl Assertion for ToolSchema {
    fn start(&self, trial: &Trial<'_>) -> Step {
        Step::decide(|| {
            if self.own.is_none() && trial.tools.is_empty() {
                return Err("the prompt offers no tools; name them with `tools`".to_owned());
            }
            let calls = &trial.response.tool_calls;
            let evidence =
                |note: String| Evidence { found: Some(told(calls)), note: Some(excerpt(&note)), expected: None };
            for call in calls {
                let Some(schema) = self.of(&call.name, trial.tools)? else {
                    return Ok(Scored::decided(false, evidence(format!("`{}` is none of the tools", call.name))));
                };
                match schema.check(&call.arguments) {
                    Validity::Valid => {}
                    Validity::Invalid(reason) => {
                        return Ok(Scored::decided(false, evidence(format!("{}: {reason}", call.name))));
                    }
                    Validity::Undecided(reason) => return Err(reason),
                }
            }
            Ok(Scored::decided(true, Evidence { found: Some(told(calls)), ..Evidence::default() }))
        })
    }

    fn needs_answer(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn tools_that_a_prompt_offers_are_read_as_any_provider_writes_them() {
        let kind = ToolSchema { own: None, known: Mutex::default() };
        let schema = json!({"type": "object", "required": ["city"]});
        for tool in [
            json!({"name": "look", "inputSchema": schema}),
            json!({"name": "look", "input_schema": schema}),
            json!({"type": "function", "name": "look", "parameters": schema}),
            json!({"type": "function", "function": {"name": "look", "parameters": schema}}),
        ] {
            let offered = [json!({"name": "walk"}), tool];
            let found = kind.of("look", &offered).unwrap().expect("the tool is offered");
            assert!(matches!(found.check(&json!({"city": "Paris"})), Validity::Valid));
            assert!(matches!(found.check(&json!({})), Validity::Invalid(_)), "{offered:?}");
            assert!(kind.of("book", &offered).unwrap().is_none());
        }
    }
}
