//! `xml`: the answer is well-formed XML with the elements asked for.

use promptgate_core::Diagnostics;
use promptgate_core::assertion::AssertionSpec;
use promptgate_core::score::{Evidence, Scored};
use serde::Deserialize;

use super::kind::pass_fail;
use super::text::excerpt;
use super::{Assertion, AssertionKind, BuildContext, CostClass, Example, Parameter, Step, Trial};
use crate::extract::xml::{Document, ElementPath};

/// The table entry.
pub(super) const KIND: AssertionKind = AssertionKind {
    name: "xml",
    summary: "the answer is well-formed XML 1.0 with the elements asked for; a document type is refused, and no entity is \
        expanded but the five of XML",
    cost: CostClass::Pure,
    yields: pass_fail,
    parameters: &[
        Parameter {
            name: "required",
            doc: "paths of elements that are there, such as `[\"order/item\"]`: names from the root element on, as written",
        },
        Parameter { name: "within", doc: "`true`: an element inside other text will do; default false" },
    ],
    passes: Example::of("required = [\"order/item\"]\nwithin = true", "Here: <order><item>tea</item></order>"),
    fails: Example::of("", "<order><item>tea</order>"),
    build,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    #[serde(default)]
    required: Vec<String>,
    #[serde(default)]
    within: bool,
}

struct Xml {
    required: Vec<ElementPath>,
    within: bool,
}

fn build(spec: &AssertionSpec, _: &BuildContext<'_>) -> Result<Box<dyn Assertion>, Diagnostics> {
    let params: Params = spec.params.read("`xml`")?;
    let required = params.required.iter().map(|path| ElementPath::read(path)).collect::<Result<_, _>>();
    let required = required.map_err(|problem| spec.params.mistake("required", problem))?;
    Ok(Box::new(Xml { required, within: params.within }))
}

impl Assertion for Xml {
    fn start(&self, trial: &Trial<'_>) -> Step {
        let text = trial.subject().text();
        let problem = match Document::read(&text) {
            Ok(document) => self.missing(&document),
            Err(_) if self.within => self.problem_within(&text),
            Err(why) => Some(format!("the answer is not XML: {why}")),
        };
        let note = problem.as_deref().map(excerpt);
        let evidence = Evidence { expected: Some(self.words()), found: Some(excerpt(&text)), note };
        Step::Done(Scored::decided(problem.is_none(), evidence))
    }
}

impl Xml {
    fn words(&self) -> String {
        let paths: Vec<String> = self.required.iter().map(ElementPath::to_string).collect();
        match (self.within, paths.is_empty()) {
            (false, true) => "XML".to_owned(),
            (true, true) => "an XML element somewhere".to_owned(),
            (false, false) => excerpt(&format!("XML with {}", paths.join(", "))),
            (true, false) => excerpt(&format!("an XML element somewhere, with {}", paths.join(", "))),
        }
    }

    fn missing(&self, document: &Document) -> Option<String> {
        let missing: Vec<String> =
            self.required.iter().filter(|path| !document.has(path)).map(ElementPath::to_string).collect();
        (!missing.is_empty()).then(|| format!("missing: {}", missing.join(", ")))
    }

    fn problem_within(&self, text: &str) -> Option<String> {
        let found = Document::first_within(text, |document| self.missing(document).is_none());
        found.is_none().then(|| "no well-formed element of the answer has what is asked for".to_owned())
    }
}
