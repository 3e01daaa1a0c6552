//! `markdown`: the answer has the headings, lists, tables and code blocks asked for. Any text is Markdown, so the kind asks
//! for something in it.

use promptgate_core::Diagnostics;
use promptgate_core::assertion::AssertionSpec;
use promptgate_core::score::{Evidence, Scored};
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use serde::Deserialize;

use super::kind::pass_fail;
use super::text::excerpt;
use super::{Assertion, AssertionKind, BuildContext, CostClass, Example, Parameter, Step, Trial};

/// The table entry.
pub(super) const KIND: AssertionKind = AssertionKind {
    name: "markdown",
    summary: "the answer, read as CommonMark with tables, has the headings, lists, tables and code blocks asked for",
    cost: CostClass::Pure,
    yields: pass_fail,
    parameters: &[
        Parameter {
            name: "headings",
            doc: "headings in the order in which they stand: a text (`\"Summary\"`, of any level) or with its level (`\"## Summary\"`); \
                others may stand between them",
        },
        Parameter { name: "lists", doc: "at least so many lists; one in another counts too" },
        Parameter { name: "tables", doc: "at least so many tables" },
        Parameter { name: "code_blocks", doc: "at least so many code blocks, fenced or indented" },
    ],
    passes: Example::of(
        "headings = [\"# Plan\", \"Steps\"]\nlists = 1",
        "# Plan\n\nSoon.\n\n## Steps\n\n1. Look\n2. Leap\n",
    ),
    fails: Example::of("tables = 1", "```\n| a | b |\n|---|---|\n| 1 | 2 |\n```\n"),
    build,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    #[serde(default)]
    headings: Vec<String>,
    #[serde(default)]
    lists: usize,
    #[serde(default)]
    tables: usize,
    #[serde(default)]
    code_blocks: usize,
}

/// A heading; as asked for, the level may be left open.
#[derive(Debug, PartialEq)]
struct Heading {
    level: Option<usize>,
    text: String,
}

struct Markdown {
    headings: Vec<Heading>,
    wanted: Params,
}

fn build(spec: &AssertionSpec, _: &BuildContext<'_>) -> Result<Box<dyn Assertion>, Diagnostics> {
    let params: Params = spec.params.read("`markdown`")?;
    if params.headings.is_empty() && [params.lists, params.tables, params.code_blocks] == [0; 3] {
        let mistake = spec.params.mistake("", "`markdown` asks for nothing, and any text is Markdown");
        return Err(mistake.help("give `headings`, `lists`, `tables` or `code_blocks`").into());
    }
    let headings: Vec<Heading> = params.headings.iter().map(|heading| Heading::asked(heading)).collect();
    if let Some(empty) = headings.iter().position(|heading| heading.text.is_empty()) {
        let message = format!("`headings` asks for `{}`, which has no text", params.headings[empty]);
        return Err(spec.params.mistake("headings", message).into());
    }
    Ok(Box::new(Markdown { headings, wanted: params }))
}

impl Heading {
    /// As a suite asks for it: `## Steps`, or the text alone.
    fn asked(heading: &str) -> Self {
        let text = heading.trim_start_matches('#');
        let level = heading.len() - text.len();
        let is_marked = (1..=6).contains(&level) && (text.is_empty() || text.starts_with(' '));
        match is_marked {
            true => Self { level: Some(level), text: text.trim().to_owned() },
            false => Self { level: None, text: heading.trim().to_owned() },
        }
    }

    fn fits(&self, found: &Self) -> bool {
        self.text == found.text && self.level.is_none_or(|level| Some(level) == found.level)
    }

    fn words(&self) -> String {
        match self.level {
            Some(level) => format!("{} {}", "#".repeat(level), self.text),
            None => self.text.clone(),
        }
    }
}

/// What stands in a text.
#[derive(Default)]
struct Outline {
    headings: Vec<Heading>,
    lists: usize,
    tables: usize,
    code_blocks: usize,
}

impl Outline {
    fn of(text: &str) -> Self {
        let mut outline = Self::default();
        let mut in_heading = false;
        for event in Parser::new_ext(text, Options::ENABLE_TABLES) {
            match event {
                Event::Start(Tag::Heading { level, .. }) => {
                    in_heading = true;
                    outline.headings.push(Heading { level: Some(level as usize), text: String::new() });
                }
                Event::End(TagEnd::Heading(_)) => in_heading = false,
                Event::Text(text) | Event::Code(text) if in_heading => {
                    outline
                        .headings
                        .iter_mut()
                        .next_back()
                        .into_iter()
                        .for_each(|heading| heading.text.push_str(&text));
                }
                Event::Start(Tag::List(_)) => outline.lists += 1,
                Event::Start(Tag::Table(_)) => outline.tables += 1,
                Event::Start(Tag::CodeBlock(_)) => outline.code_blocks += 1,
                _ => {}
            }
        }
        outline
    }

    fn words(&self) -> String {
        let headings: Vec<String> = self.headings.iter().map(Heading::words).collect();
        let counts = format!("lists: {}, tables: {}, code blocks: {}", self.lists, self.tables, self.code_blocks);
        excerpt(&format!("{counts}, headings: {}", headings.join(" / ")))
    }
}

impl Assertion for Markdown {
    fn start(&self, trial: &Trial<'_>) -> Step {
        let outline = Outline::of(&trial.subject().text());
        let problems = self.problems(&outline);
        let note = (!problems.is_empty()).then(|| excerpt(&format!("missing: {}", problems.join("; "))));
        let evidence = Evidence { expected: Some(self.words()), found: Some(outline.words()), note };
        Step::Done(Scored::decided(problems.is_empty(), evidence))
    }
}

impl Markdown {
    fn counts(&self) -> [(&'static str, usize); 3] {
        [("lists", self.wanted.lists), ("tables", self.wanted.tables), ("code blocks", self.wanted.code_blocks)]
    }

    fn words(&self) -> String {
        let counts = self.counts().into_iter().filter(|(_, least)| *least > 0);
        let counts = counts.map(|(what, least)| format!("at least {least} {what}"));
        let headings = self.headings.iter().map(|heading| format!("`{}`", heading.words()));
        excerpt(&counts.chain(headings).collect::<Vec<_>>().join(", "))
    }

    fn problems(&self, outline: &Outline) -> Vec<String> {
        let found = [outline.lists, outline.tables, outline.code_blocks];
        let counts = self.counts().into_iter().zip(found);
        let too_few = counts.filter(|((_, least), found)| found < least);
        let too_few = too_few.map(|((what, least), found)| format!("{found} of {least} {what}"));
        too_few.chain(self.missing_heading(outline)).collect()
    }

    /// The first heading asked for that does not stand behind those before it.
    fn missing_heading(&self, outline: &Outline) -> Option<String> {
        let mut found = outline.headings.iter();
        let missing = self.headings.iter().find(|wanted| !found.any(|found| wanted.fits(found)))?;
        let is_anywhere = outline.headings.iter().any(|found| missing.fits(found));
        let order = if is_anywhere { ", which stands before the one asked for before it" } else { "" };
        Some(format!("the heading `{}`{order}", missing.words()))
    }
}
