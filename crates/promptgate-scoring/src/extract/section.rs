//! `section`: what stands under a Markdown heading.

use std::borrow::Cow;
use std::ops::Range;

use promptgate_core::Diagnostic;
use promptgate_core::assertion::ExtractStep;
use pulldown_cmark::{Event, HeadingLevel, OffsetIter, Parser, Tag, TagEnd};

use super::{ExtractExample, Extractor, ExtractorKind, NoParams, part, text_argument};
use crate::assertion::{Parameter, Subject};

/// The table entry.
pub(super) const KIND: ExtractorKind = ExtractorKind {
    name: "section",
    summary: "the text under a Markdown heading, up to the next one of its level or above",
    parameters: &[Parameter { name: "section", doc: "the heading without its `#`; letter case does not count" }],
    finds: ExtractExample {
        table: "{ section = \"answer\" }",
        output: "# Plan\nx\n## Answer\n42\n### Note\ny\n## End\nz",
        taken: Some("\"42\\n### Note\\ny\\n\""),
    },
    misses: ExtractExample { table: "{ section = \"answer\" }", output: "answer: 42", taken: None },
    build,
};

struct Section(String);

fn build(step: &ExtractStep) -> Result<Box<dyn Extractor>, Diagnostic> {
    let NoParams {} = step.params.read("the extractor `section`")?;
    let asked = text_argument(step)?.trim().trim_start_matches('#').trim();
    // As a heading, so that marks of emphasis do not count on either side.
    let marked = format!("# {asked}");
    let heading = headings(&marked).next().map(|heading| heading.words).filter(|words| !words.is_empty());
    match heading {
        Some(heading) => Ok(Box::new(Section(heading))),
        None => Err(step.params.mistake("section", "`section` names no heading")),
    }
}

/// A heading of a text.
struct Heading {
    level: HeadingLevel,
    /// Its text in small letters, without marks.
    words: String,
    /// The byte its first line begins at.
    begin: usize,
    /// The byte behind its last line.
    end: usize,
    /// Whether it is a line with `---` below. Mostly that is a paragraph before a rule.
    is_underlined: bool,
}

/// The headings of a text, without those in lists and quotes.
fn headings(text: &str) -> impl Iterator<Item = Heading> {
    let mut events = Parser::new(text).into_offset_iter();
    let mut depth = 0_usize;
    std::iter::from_fn(move || {
        while let Some((event, range)) = events.next() {
            match event {
                Event::Start(Tag::Item | Tag::BlockQuote(_)) => depth += 1,
                Event::End(TagEnd::Item | TagEnd::BlockQuote(_)) => depth -= 1,
                Event::Start(Tag::Heading { level, .. }) if depth == 0 => {
                    let begin = text[..range.start].rfind('\n').map_or(0, |feed| feed + 1);
                    let inside = text[begin..range.end].trim_end();
                    let end = text[begin + inside.len()..]
                        .find('\n')
                        .map_or(text.len(), |feed| begin + inside.len() + feed + 1);
                    let is_underlined = inside.contains('\n') && inside.ends_with('-');
                    return Some(Heading { level, words: words(&mut events), begin, end, is_underlined });
                }
                _ => {}
            }
        }
        None
    })
}

/// The text of the heading that the parser stands in.
fn words(events: &mut OffsetIter<'_>) -> String {
    let mut words = String::new();
    for (event, _) in events {
        match event {
            Event::End(TagEnd::Heading(_)) => break,
            Event::Text(text) | Event::Code(text) => words.push_str(&text),
            Event::SoftBreak | Event::HardBreak => words.push(' '),
            _ => {}
        }
    }
    words.trim().to_lowercase()
}

/// The text, byte for byte, without blocks of HTML: a heading below a tag of a model (`</think>`) is one all the same.
fn without_html(text: &str) -> Cow<'_, str> {
    let begins = |line: &str| line.trim_start_matches(' ').starts_with('<');
    if !text.lines().any(begins) {
        return Cow::Borrowed(text);
    }
    let lines = text.split_inclusive('\n');
    Cow::Owned(lines.map(|line| if begins(line) { line.replacen('<', "(", 1) } else { line.to_owned() }).collect())
}

impl Extractor for Section {
    fn extract<'a>(&self, subject: Subject<'a>) -> Result<Subject<'a>, String> {
        let text = subject.into_text();
        let range = self.range(&text).ok_or_else(|| format!("there is no heading `{}`", self.0))?;
        Ok(Subject::Text(part(text, range)))
    }
}

impl Section {
    fn range(&self, text: &str) -> Option<Range<usize>> {
        let text = without_html(text);
        let mut headings = headings(&text);
        let own = headings.find(|heading| heading.words == self.0)?;
        let ends = |heading: &Heading| heading.level <= own.level && (own.is_underlined || !heading.is_underlined);
        Some(own.end..headings.find(ends).map_or(text.len(), |heading| heading.begin))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        assert_eq!(Section("answer".to_owned()).range(text).map(|range| &text[range]), expected, "{text}");
    }

    #[test]
    fn a_heading_is_found_however_markdown_writes_it() {
        check("## **Answer**\n42", Some("42"));
        check(" ## Answer ##\n42\n", Some("42\n"));
        check("Answer\n======\n42\n", Some("42\n"));
        check("Answer\n---\n42\n\nNote\n---\nx", Some("42\n\n"));
        check("## `Answer`", Some(""));
        check("    ## Answer\n42", None);
        check("<think>\nso\n</think>\n## Answer\n<b>42</b>", Some("<b>42</b>"));
        check("##Answer\n42", None);
        check("> ## Answer\n> 42", None);
        check("####### Answer\n42", None);
    }

    #[test]
    fn what_only_looks_like_a_heading_or_a_fence_ends_nothing() {
        check("## Answer\n``` x ``` is code\n## Note\ny", Some("``` x ``` is code\n"));
        check("## Answer\n```\n# comment\n```\n# End", Some("```\n# comment\n```\n"));
        check("## Answer\n42\n---\nSource: x", Some("42\n---\nSource: x"));
        check("## Answer\n42\n==\nx", Some(""));
        check("```\n## Answer\n```\n", None);
    }
}
