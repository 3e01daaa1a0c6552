//! `json-schema`: the answer is JSON that is valid under a schema.

use std::borrow::Cow;
use std::sync::Arc;

use promptgate_core::Diagnostics;
use promptgate_core::assertion::AssertionSpec;
use promptgate_core::score::{Evidence, Scored};
use serde::Deserialize;
use serde_json::Value;

use super::kind::pass_fail;
use super::schema::{Schema, Validity};
use super::text::excerpt;
use super::{Assertion, AssertionKind, BuildContext, CostClass, Example, Parameter, Step, Subject, Trial};
use crate::extract::json::first_within;

/// The table entry.
pub(super) const KIND: AssertionKind = AssertionKind {
    name: "json-schema",
    summary: "the answer is JSON that is valid under a JSON Schema (drafts up to 2020-12)",
    cost: CostClass::Pure,
    yields: pass_fail,
    parameters: &[
        Parameter {
            name: "schema",
            doc: "the schema as a table, or the path of its file from the suite's folder; nothing is fetched; never a template; `format` is held to in drafts 4, 6 and 7 (name one with `$schema`), and only describes in 2019-09 and 2020-12, as these say",
        },
        Parameter { name: "within", doc: "`true`: the first object or list inside other text; default false" },
    ],
    passes: Example::of("schema = { type = \"object\", required = [\"queue\"] }", "{\"queue\": \"billing\"}"),
    fails: Example::of("schema = { properties = { urgent = { type = \"boolean\" } } }", "{\"urgent\": \"yes\"}"),
    build,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    schema: Value,
    #[serde(default)]
    within: bool,
}

struct JsonSchema {
    schema: Arc<Schema>,
    within: bool,
}

fn build(spec: &AssertionSpec, context: &BuildContext<'_>) -> Result<Box<dyn Assertion>, Diagnostics> {
    let params: Params = spec.params.read("`json-schema`")?;
    let schema = match &params.schema {
        Value::String(path) => context.schema_file(path),
        Value::Object(_) => {
            Schema::compile(&params.schema).map(Arc::new).map_err(|problem| format!("the schema {problem}"))
        }
        other => Err(format!("`schema` is {other}; write a table, or the path of a file")),
    };
    let schema = schema.map_err(|problem| spec.params.mistake("schema", problem))?;
    context.warn_of_schema(spec, "schema", &schema);
    Ok(Box::new(JsonSchema { schema, within: params.within }))
}

impl Assertion for JsonSchema {
    fn start(&self, trial: &Trial<'_>) -> Step {
        let subject = trial.subject();
        let evidence = |note: String| Evidence {
            found: Some(excerpt(&subject.text())),
            note: Some(excerpt(&note)),
            expected: None,
        };
        Step::Done(match self.value(subject) {
            Err(problem) => Scored::decided(false, evidence(problem)),
            Ok(value) => match self.schema.check(&value) {
                Validity::Valid => Scored::decided(true, Evidence::default()),
                Validity::Invalid(reason) => Scored::decided(false, evidence(reason)),
                Validity::Undecided(reason) => Scored::unscored(reason),
            },
        })
    }
}

impl JsonSchema {
    fn value<'a>(&self, subject: &'a Subject<'_>) -> Result<Cow<'a, Value>, String> {
        let error = match subject.json() {
            Ok(value) => return Ok(value),
            Err(error) => error,
        };
        let within = if self.within { first_within(&subject.text(), |_| true) } else { None };
        within.map(Cow::Owned).ok_or_else(|| format!("the answer is not JSON: {error}"))
    }
}
