//! `html`: the answer is HTML, or holds some. A browser reads any text as HTML, so being HTML means here what a person means:
//! markup from the first character to the last, of elements that HTML has, closed in the order in which they were opened.

use promptgate_core::Diagnostics;
use promptgate_core::assertion::AssertionSpec;
use promptgate_core::score::Scored;
use serde::Deserialize;

use super::kind::pass_fail;
use super::parses::parses;
use super::{Assertion, AssertionKind, BuildContext, CostClass, Example, Parameter, Step, Trial};

mod tags;

use tags::{Token, Tokens, is_foreign, is_known, is_void, may_stay_open};

/// The table entry.
pub(super) const KIND: AssertionKind = AssertionKind {
    name: "html",
    summary: "the answer begins and ends with markup, and each tag is of an element of HTML (or a custom one) and is closed in \
        order; end tags that HTML lets out may be left out; attributes, and which element may stand where, are not checked",
    cost: CostClass::Pure,
    yields: pass_fail,
    parameters: &[Parameter {
        name: "within",
        doc: "`true`: one element of HTML, opened and closed, or a document type, inside other text will do; default false",
    }],
    passes: Example::of("", "<!doctype html>\n<title>Hi</title>\n<p>One<br>two\n<p>Three"),
    fails: Example::of("", "Sure: <p>One</p>"),
    build,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    #[serde(default)]
    within: bool,
}

struct Html {
    within: bool,
}

fn build(spec: &AssertionSpec, _: &BuildContext<'_>) -> Result<Box<dyn Assertion>, Diagnostics> {
    let Params { within } = spec.params.read("`html`")?;
    Ok(Box::new(Html { within }))
}

impl Assertion for Html {
    fn start(&self, trial: &Trial<'_>) -> Step {
        let text = trial.subject().text();
        Step::Done(match self.within {
            true => some_html(&text),
            false => parses("HTML", &text, whole_problem(text.trim()).err()),
        })
    }
}

fn some_html(text: &str) -> Scored {
    let problem = (!holds_html(text)).then(|| "no element of HTML is opened and closed in it".to_owned());
    parses("some HTML", text, problem)
}

/// Whether an element that HTML knows is opened and closed, or a document type stands somewhere.
fn holds_html(text: &str) -> bool {
    let mut opened = std::collections::HashSet::new();
    Tokens::of(text).any(|token| match token {
        Token::Doctype(_) => true,
        Token::Comment(_) => false,
        Token::Open { name, .. } => {
            if is_known(&name) {
                opened.insert(name);
            }
            false
        }
        Token::Close { name, .. } => opened.contains(&name),
    })
}

/// What keeps a text from being HTML as a whole.
fn whole_problem(text: &str) -> Result<(), String> {
    let mut nesting = Nesting::default();
    let mut elements = 0;
    let mut last_end = None;
    for token in Tokens::of(text) {
        if last_end.is_none() && token.range().start > 0 {
            return Err("it does not begin with markup".to_owned());
        }
        last_end = Some(token.range().end);
        if let Token::Open { .. } = token {
            elements += 1;
        }
        nesting.take(token)?;
    }
    match last_end {
        Some(_) if elements == 0 => Err("there is no element in it".to_owned()),
        // An element whose end tag is left out ends with the text.
        Some(end) if end == text.len() || nesting.ends_open() => nesting.finish(),
        Some(_) => Err("it does not end with markup".to_owned()),
        None => Err("there is no markup in it".to_owned()),
    }
}

#[derive(Default)]
struct Nesting {
    /// The elements that are open.
    open: Vec<String>,
    /// How many of them have a language of their own inside.
    foreign: usize,
}

impl Nesting {
    fn take(&mut self, token: Token) -> Result<(), String> {
        match token {
            Token::Doctype(_) | Token::Comment(_) => Ok(()),
            Token::Open { name, closes_itself, .. } => self.open(name, closes_itself),
            Token::Close { name, .. } => self.close(&name),
        }
    }

    fn open(&mut self, name: String, closes_itself: bool) -> Result<(), String> {
        if self.foreign == 0 && !is_known(&name) {
            return Err(format!("`<{name}>` is no element of HTML"));
        }
        // Only void and foreign elements may close themselves; on others the slash means nothing.
        if !is_void(&name) && !(closes_itself && (self.foreign > 0 || is_foreign(&name))) {
            self.foreign += usize::from(is_foreign(&name));
            self.open.push(name);
        }
        Ok(())
    }

    /// Closes an element, and those in it whose end tag was left out.
    fn close(&mut self, name: &str) -> Result<(), String> {
        while let Some(open) = self.open.pop() {
            self.foreign -= usize::from(is_foreign(&open));
            if open == name {
                return Ok(());
            }
            if !may_stay_open(&open) {
                return Err(format!("`</{name}>` stands where `<{open}>` is open"));
            }
        }
        Err(format!("`</{name}>` closes nothing"))
    }

    fn ends_open(&self) -> bool {
        self.open.last().is_some_and(|open| may_stay_open(open))
    }

    fn finish(&self) -> Result<(), String> {
        match self.open.iter().find(|open| !may_stay_open(open)) {
            Some(open) => Err(format!("`<{open}>` is not closed")),
            None => Ok(()),
        }
    }
}
