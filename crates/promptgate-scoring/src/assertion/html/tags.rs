//! The tags of a text as an HTML tokenizer sees them (HTML Standard, section 13.2.5, without its error recovery), and what is
//! known of the elements they name.

use std::ops::Range;

/// A part of a text.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    /// `<!doctype html>`.
    Doctype(Range<usize>),
    /// `<!-- ... -->`.
    Comment(Range<usize>),
    /// A start tag.
    Open { name: String, range: Range<usize>, closes_itself: bool },
    /// An end tag.
    Close { name: String, range: Range<usize> },
}

impl Token {
    /// Where it stands.
    pub(super) fn range(&self) -> &Range<usize> {
        match self {
            Self::Doctype(range) | Self::Comment(range) | Self::Open { range, .. } | Self::Close { range, .. } => range,
        }
    }
}

/// The tags, comments and document types of a text, in order. What stands in a script, a style sheet, a title or a text area
/// is text up to its end tag. Each byte is looked at a few times at most.
pub(super) struct Tokens<'a> {
    text: &'a str,
    at: usize,
    /// The end tag that ends raw text.
    raw: Option<String>,
}

impl<'a> Tokens<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        Self { text, at: 0, raw: None }
    }

    fn token(&mut self, begin: usize) -> Option<Token> {
        let rest = &self.text[begin..];
        if let Some(comment) = rest.strip_prefix("<!--") {
            let end = comment.find("-->").map_or(self.text.len(), |end| begin + 4 + end + 3);
            return Some(Token::Comment(begin..end));
        }
        if rest.get(..9).is_some_and(|head| head.eq_ignore_ascii_case("<!doctype")) {
            let end = rest[1..].find(['<', '>']).filter(|end| rest[1 + end..].starts_with('>'))?;
            return Some(Token::Doctype(begin..begin + 1 + end + 1));
        }
        let is_close = rest.starts_with("</");
        let name_at = 1 + usize::from(is_close);
        let name = rest[name_at..].split(|c: char| c.is_ascii_whitespace() || matches!(c, '/' | '>' | '<')).next()?;
        if !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
            return None;
        }
        let end = begin + name_at + name.len() + end_of_tag(&rest[name_at + name.len()..])?;
        let (name, range) = (name.to_ascii_lowercase(), begin..end);
        match is_close {
            true => Some(Token::Close { name, range }),
            false => Some(Token::Open { name, closes_itself: self.text[..end].ends_with("/>"), range }),
        }
    }

    /// Where raw text ends: at its end tag, or with the text.
    fn end_of_raw(&self, name: &str) -> usize {
        let ends = |at: &usize| {
            let behind = self.text[at + 2..].get(..name.len());
            behind.is_some_and(|behind| behind.eq_ignore_ascii_case(name))
        };
        let closings = self.text[self.at..].match_indices("</").map(|(at, _)| self.at + at);
        { closings }.find(ends).unwrap_or(self.text.len())
    }
}

impl Iterator for Tokens<'_> {
    type Item = Token;

    fn next(&mut self) -> Option<Token> {
        if let Some(name) = self.raw.take() {
            self.at = self.end_of_raw(&name);
        }
        while let Some(found) = self.text.get(self.at..)?.find('<') {
            let begin = self.at + found;
            let Some(token) = self.token(begin) else {
                self.at = begin + 1;
                continue;
            };
            self.at = token.range().end;
            if let Token::Open { name, .. } = &token {
                self.raw = Some(name.clone()).filter(|name| RAW.contains(&name.as_str()));
            }
            return Some(token);
        }
        None
    }
}

/// The bytes from behind a tag's name up to its `>`, which does not count inside a quoted value. A second `<` means that the
/// first one was no tag; it also keeps a text of tags that never end from being read anew from each of them.
fn end_of_tag(rest: &str) -> Option<usize> {
    let mut quote = None;
    let mut before = ' ';
    for (at, c) in rest.char_indices() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (Some(_), _) => {}
            (None, '>') => return Some(at + 1),
            (None, '<') => return None,
            (None, '"' | '\'') if before == '=' => quote = Some(c),
            (None, _) => {}
        }
        if !c.is_ascii_whitespace() {
            before = c;
        }
    }
    None
}

/// Elements without an end tag.
pub(super) fn is_void(name: &str) -> bool {
    VOID.contains(&name)
}

/// Elements whose end tag may be left out.
pub(super) fn may_stay_open(name: &str) -> bool {
    OPTIONAL_END.contains(&name)
}

/// Elements of HTML, obsolete ones that are still written, and custom ones (with a hyphen).
pub(super) fn is_known(name: &str) -> bool {
    ELEMENTS.contains(&name) || is_void(name) || may_stay_open(name) || name.contains('-')
}

/// Elements with a language of their own inside.
pub(super) fn is_foreign(name: &str) -> bool {
    matches!(name, "svg" | "math")
}

const RAW: [&str; 4] = ["script", "style", "textarea", "title"];

const VOID: [&str; 14] =
    ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr"];

const OPTIONAL_END: [&str; 18] = [
    "html", "head", "body", "p", "li", "dt", "dd", "option", "optgroup", "thead", "tbody", "tfoot", "tr", "td", "th",
    "colgroup", "rp", "rt",
];

const ELEMENTS: [&str; 89] = [
    "a",
    "abbr",
    "acronym",
    "address",
    "article",
    "aside",
    "audio",
    "b",
    "bdi",
    "bdo",
    "big",
    "blockquote",
    "button",
    "canvas",
    "caption",
    "center",
    "cite",
    "code",
    "data",
    "datalist",
    "del",
    "details",
    "dfn",
    "dialog",
    "div",
    "dl",
    "em",
    "fieldset",
    "figcaption",
    "figure",
    "font",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hgroup",
    "i",
    "iframe",
    "ins",
    "kbd",
    "label",
    "legend",
    "main",
    "map",
    "mark",
    "math",
    "menu",
    "meter",
    "nav",
    "noscript",
    "object",
    "ol",
    "output",
    "picture",
    "pre",
    "progress",
    "q",
    "ruby",
    "s",
    "samp",
    "script",
    "search",
    "section",
    "select",
    "slot",
    "small",
    "span",
    "strike",
    "strong",
    "style",
    "sub",
    "summary",
    "sup",
    "svg",
    "table",
    "template",
    "textarea",
    "time",
    "title",
    "tt",
    "u",
    "ul",
    "var",
    "video",
];
