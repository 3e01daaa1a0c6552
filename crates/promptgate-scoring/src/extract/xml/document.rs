//! XML as a list of elements: well-formed by XML 1.0 without a document type, in linear time. The reader leaves several
//! rules to its caller (one root, valid names, no attribute twice, known references), which are kept here. Nothing is
//! expanded but the five entities of XML and character references.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::LazyLock;

use quick_xml::Reader;
use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::{BytesRef, BytesStart, Event};
use regex::Regex;

/// A text that was read as XML.
#[derive(Debug, Default)]
pub(crate) struct Document {
    /// In the order in which they begin.
    elements: Vec<Element>,
    /// The text of all elements, in order.
    text: String,
}

#[derive(Debug)]
struct Element {
    parent: Option<usize>,
    /// As written, with its prefix.
    name: String,
    /// What stands between its tags, without the tags.
    text: Range<usize>,
}

/// A path of element names from the root: `order/item/name`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ElementPath(Vec<String>);

/// Why a text is not XML.
#[derive(Debug, PartialEq)]
struct Malformed {
    why: String,
    /// How many bytes were looked at.
    read: usize,
}

/// How much of the text is the document.
#[derive(Clone, Copy, PartialEq)]
enum Extent {
    Whole,
    FirstElement,
}

impl ElementPath {
    /// Reads `a/b/c`, with or without a slash before it.
    pub(crate) fn read(path: &str) -> Result<Self, String> {
        let names = path.strip_prefix('/').unwrap_or(path).split('/').map(str::to_owned);
        let names: Vec<String> = names.collect();
        match names.iter().all(|name| is_name(name)) {
            true => Ok(Self(names)),
            false => Err(format!("`{path}` is not a path of element names; write one such as `order/item`")),
        }
    }
}

impl std::fmt::Display for ElementPath {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0.join("/"))
    }
}

impl Document {
    /// Reads a text as a whole; white space around it does not count.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        let read = Reading::run(text.trim(), Extent::Whole);
        read.map(|(document, _)| document).map_err(|malformed| malformed.why)
    }

    /// The first element inside other text that is accepted. Work is bounded by a multiple of the text's length: a text of
    /// start tags alone would otherwise be read anew from each of them.
    pub(crate) fn first_within(text: &str, accept: impl Fn(&Self) -> bool) -> Option<Self> {
        let mut budget = 16 * text.len();
        let mut from = 0;
        while let Some(found) = text[from..].find('<') {
            let begin = from + found;
            let (read, document) = match Reading::run(&text[begin..], Extent::FirstElement) {
                Ok((document, end)) => (end, Some(document)),
                Err(malformed) => (malformed.read, None),
            };
            budget = budget.checked_sub(read.max(1))?;
            from = match document {
                Some(document) if accept(&document) => return Some(document),
                Some(_) => begin + read,
                None => begin + 1,
            };
        }
        None
    }

    /// Whether there is an element at a path.
    pub(crate) fn has(&self, path: &ElementPath) -> bool {
        self.text(path).is_some()
    }

    /// The text of the first element at a path, that of the elements in it included.
    pub(crate) fn text(&self, path: &ElementPath) -> Option<&str> {
        // How many names of the path end at each element; `None` off the path.
        let mut along: Vec<Option<usize>> = Vec::with_capacity(self.elements.len());
        for element in &self.elements {
            let before = element.parent.map_or(Some(0), |parent| along[parent]);
            let here = before.filter(|before| path.0.get(*before) == Some(&element.name)).map(|before| before + 1);
            if here == Some(path.0.len()) {
                return Some(&self.text[element.text.clone()]);
            }
            along.push(here);
        }
        None
    }
}

/// A document while it is read.
struct Reading {
    document: Document,
    /// The elements that are open.
    open: Vec<usize>,
}

impl Reading {
    /// The document and where it ends.
    fn run(text: &str, extent: Extent) -> Result<(Document, usize), Malformed> {
        let mut reader = Reader::from_str(text);
        reader.config_mut().expand_empty_elements = true;
        reader.config_mut().check_comments = true;
        let mut reading = Self { document: Document::default(), open: Vec::new() };
        loop {
            let begin = position(&reader, text);
            let event = reader.read_event().map_err(|error| malformed(error, &reader, text))?;
            let end = position(&reader, text);
            if event == Event::Eof {
                return reading.finish(text.len()).map_err(|why| Malformed { why, read: text.len() });
            }
            reading.event(&event, begin).map_err(|why| Malformed { why, read: end })?;
            let is_through = reading.open.is_empty();
            match extent {
                Extent::FirstElement if is_through && reading.document.elements.is_empty() => {
                    return Err(Malformed { why: "no element begins here".to_owned(), read: end });
                }
                Extent::FirstElement if is_through => return Ok((reading.document, end)),
                _ => {}
            }
        }
    }

    fn finish(self, end: usize) -> Result<(Document, usize), String> {
        match self.open.last() {
            Some(open) => Err(format!("the element `{}` is not closed", self.document.elements[*open].name)),
            None if self.document.elements.is_empty() => Err("there is no element".to_owned()),
            None => Ok((self.document, end)),
        }
    }

    fn event(&mut self, event: &Event<'_>, begin: usize) -> Result<(), String> {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(_) => {
                self.end();
                Ok(())
            }
            Event::Text(text) => self.characters(utf8(text)?),
            Event::CData(text) => self.inside("a CDATA section").and_then(|()| self.push(utf8(text)?)),
            Event::GeneralRef(reference) => self.reference(reference),
            Event::Comment(text) => legal(utf8(text)?),
            Event::PI(instruction) => instruction_target(utf8(instruction.target())?),
            Event::Decl(declaration) if begin == 0 => declared(utf8(declaration)?),
            Event::Decl(_) => Err("an XML declaration stands at the very beginning".to_owned()),
            Event::DocType(_) => Err("a document type (`<!DOCTYPE`) is not read".to_owned()),
            Event::Empty(_) | Event::Eof => Ok(()),
        }
    }

    fn start(&mut self, tag: &BytesStart<'_>) -> Result<(), String> {
        let name = utf8(tag.name().0)?.to_owned();
        if !is_name(&name) {
            return Err(format!("`{name}` is not the name of an element"));
        }
        if self.open.is_empty() && !self.document.elements.is_empty() {
            return Err(format!("`{name}` is a second root element"));
        }
        attributes(tag).map_err(|why| format!("the element `{name}`: {why}"))?;
        let at = self.document.text.len();
        self.open.push(self.document.elements.len());
        let parent = self.open.len().checked_sub(2).map(|above| self.open[above]);
        self.document.elements.push(Element { parent, name, text: at..at });
        Ok(())
    }

    /// The reader has seen to it that the end tag is that of the last element opened.
    fn end(&mut self) {
        if let Some(element) = self.open.pop() {
            self.document.elements[element].text.end = self.document.text.len();
        }
    }

    fn characters(&mut self, text: &str) -> Result<(), String> {
        if text.contains("]]>") {
            return Err("`]]>` stands outside of a CDATA section".to_owned());
        }
        if self.open.is_empty() && text.chars().all(is_space) {
            return Ok(());
        }
        self.inside("text")?;
        self.push(text)
    }

    fn reference(&mut self, reference: &BytesRef<'_>) -> Result<(), String> {
        self.inside("a reference")?;
        let name = utf8(reference)?;
        let character = reference.resolve_char_ref().map_err(|_| format!("`&{name};` is no character"))?;
        match (character, resolve_xml_entity(name)) {
            (Some(character), _) => self.push(character.encode_utf8(&mut [0; 4])),
            (None, Some(text)) => self.push(text),
            (None, None) => Err(format!("`&{name};` is not one of the five entities of XML")),
        }
    }

    fn inside(&self, what: &str) -> Result<(), String> {
        if self.open.is_empty() { Err(format!("{what} stands outside of the root element")) } else { Ok(()) }
    }

    fn push(&mut self, text: &str) -> Result<(), String> {
        legal(text)?;
        self.document.text.push_str(text);
        Ok(())
    }
}

fn position(reader: &Reader<&[u8]>, text: &str) -> usize {
    usize::try_from(reader.buffer_position()).unwrap_or(text.len())
}

fn malformed(error: quick_xml::Error, reader: &Reader<&[u8]>, text: &str) -> Malformed {
    // What is not closed was looked for to the end of the text, wherever the reader says it is.
    let read = match error {
        quick_xml::Error::Syntax(_) => text.len(),
        _ => position(reader, text),
    };
    Malformed { why: error.to_string(), read }
}

fn utf8(bytes: &[u8]) -> Result<&str, String> {
    std::str::from_utf8(bytes).map_err(|error| error.to_string())
}

/// Attributes have valid names, none twice, and values without `<` and with known references only.
fn attributes(tag: &BytesStart<'_>) -> Result<(), String> {
    spaced(utf8(tag.attributes_raw())?)?;
    let mut names = HashSet::new();
    let mut attributes = tag.attributes();
    for attribute in attributes.with_checks(false) {
        let attribute = attribute.map_err(|error| error.to_string())?;
        let (name, value) = (utf8(attribute.key.0)?.to_owned(), utf8(&attribute.value)?);
        if !is_name(&name) {
            return Err(format!("`{name}` is not the name of an attribute"));
        }
        if value.contains('<') {
            return Err(format!("the attribute `{name}` holds `<`"));
        }
        let value = quick_xml::escape::unescape(value).map_err(|error| error.to_string())?;
        legal(&value)?;
        if let Some(name) = names.replace(name) {
            return Err(format!("the attribute `{name}` stands twice"));
        }
    }
    Ok(())
}

/// White space stands between attributes.
fn spaced(attributes: &str) -> Result<(), String> {
    let mut open = None;
    let mut characters = attributes.chars().peekable();
    while let Some(c) = characters.next() {
        match open {
            None if matches!(c, '"' | '\'') => open = Some(c),
            Some(quote) if c == quote => {
                open = None;
                if characters.peek().is_some_and(|behind| !is_space(*behind)) {
                    return Err("no space stands between two attributes".to_owned());
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// `XMLDecl` of XML 1.0, without its angle brackets.
static DECLARATION: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let quoted = |value: &str| format!("[ \t\r\n]*=[ \t\r\n]*(?:\"{value}\"|'{value}')");
    let (version, encoding, standalone) =
        (quoted("1\\.[0-9]+"), quoted("[A-Za-z][A-Za-z0-9._-]*"), quoted("(?:yes|no)"));
    let space = "[ \t\r\n]+";
    Regex::new(&format!(
        "^xml{space}version{version}(?:{space}encoding{encoding})?(?:{space}standalone{standalone})?[ \t\r\n]*$"
    ))
    .ok()
});

fn declared(declaration: &str) -> Result<(), String> {
    match DECLARATION.as_ref().is_some_and(|pattern| pattern.is_match(declaration)) {
        true => Ok(()),
        false => Err(format!("`<?{declaration}?>` is no XML declaration, such as `<?xml version=\"1.0\"?>`")),
    }
}

fn instruction_target(target: &str) -> Result<(), String> {
    match is_name(target) && !target.eq_ignore_ascii_case("xml") {
        true => Ok(()),
        false => Err(format!("`<?{target}` is no processing instruction")),
    }
}

/// Only the characters of XML 1.0.
fn legal(text: &str) -> Result<(), String> {
    match text.chars().find(|c| (*c < ' ' && !is_space(*c)) || matches!(c, '\u{fffe}' | '\u{ffff}')) {
        None => Ok(()),
        Some(c) => Err(format!("the character U+{:04X} is not allowed in XML", u32::from(c))),
    }
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r')
}

/// `Name` of XML 1.0, fifth edition.
fn is_name(text: &str) -> bool {
    let mut characters = text.chars();
    characters.next().is_some_and(is_name_start) && characters.all(is_name_character)
}

fn is_name_start(c: char) -> bool {
    matches!(c, ':' | '_' | 'A'..='Z' | 'a'..='z' | '\u{c0}'..='\u{d6}' | '\u{d8}'..='\u{f6}' | '\u{f8}'..='\u{2ff}'
        | '\u{370}'..='\u{37d}' | '\u{37f}'..='\u{1fff}' | '\u{200c}'..='\u{200d}' | '\u{2070}'..='\u{218f}'
        | '\u{2c00}'..='\u{2fef}' | '\u{3001}'..='\u{d7ff}' | '\u{f900}'..='\u{fdcf}' | '\u{fdf0}'..='\u{fffd}'
        | '\u{10000}'..='\u{effff}')
}

fn is_name_character(c: char) -> bool {
    is_name_start(c) || matches!(c, '-' | '.' | '0'..='9' | '\u{b7}' | '\u{300}'..='\u{36f}' | '\u{203f}'..='\u{2040}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let said = Document::read(text).map_or_else(|why| why, |document| document.text);
        assert!(said.starts_with(expected), "{text}\n{said}");
    }

    #[test]
    fn what_xml_allows_is_read() {
        check("<a/>", "");
        check(
            "\n<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!-- c --><a b='1' c=\"&lt;2\">x<b/>y</a>\n<?pi x?>\n",
            "xy",
        );
        check("<a>&amp;&#65;&#x42;<![CDATA[<&]]></a>", "&AB<&");
        check("<größe>ü\u{301}🎉</größe>", "ü\u{301}🎉");
        check("<s:a xmlns:s=\"u\"><s:b/></s:a>", "");
        check("<?xml version = '1.1' standalone='no' ?><a b=\"'\"\tc='\"' />", "");
    }

    #[test]
    fn what_is_not_well_formed_says_why() {
        check("", "there is no element");
        check("text", "text stands outside of the root element");
        check("<a>", "the element `a` is not closed");
        check("<a></b>", "ill-formed document");
        check("</a>", "ill-formed document");
        check("<a/><b/>", "`b` is a second root element");
        check("<a/>x", "text stands outside");
        check("<a b=1/>", "the element `a`:");
        check("<a b/>", "the element `a`:");
        check("<a b=\"1\"c=\"2\"/>", "the element `a`: no space stands between two attributes");
        check("<a b='1'c='2'></a>", "the element `a`: no space stands between two attributes");
        for declaration in [
            "version='1.0' standalone='maybe'",
            "version=\"1.0\" encoding\"UTF-8\"",
            "version=\"/.0\"",
            "version='1.0\"",
            "version='1.0' standalone='yes' encoding='UTF-8'",
            "version='1.0'encoding='UTF-8'",
            "encoding='UTF-8'",
            "version='1.0' x='1'",
        ] {
            check(&format!("<?xml {declaration}?><a/>"), "`<?xml ");
        }
        check("<a b='1' b='2'/>", "the element `a`: the attribute `b` stands twice");
        check("<a b='<'/>", "the element `a`: the attribute `b` holds `<`");
        check("<a b='&x;'/>", "the element `a`:");
        check("<1a/>", "`1a` is not the name of an element");
        check("< a/>", "`` is not the name of an element");
        check("<a>&nbsp;</a>", "`&nbsp;` is not one of the five entities of XML");
        check("<a>&#0;</a>", "`&#0;` is no character");
        check("<a>&#1;</a>", "the character U+0001 is not allowed in XML");
        check("<a>\u{b}</a>", "the character U+000B is not allowed in XML");
        check("<a>AT&T</a>", "ill-formed document");
        check("<a>]]></a>", "`]]>` stands outside");
        check("<a><!-- a -- b --></a>", "ill-formed document");
        check("<a/><?xml version='1.0'?>", "an XML declaration stands at the very beginning");
        check("<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>", "a document type (`<!DOCTYPE`) is not read");
        check("<a", "syntax error");
    }

    #[track_caller]
    fn within(text: &str, path: &str, expected: Option<&str>) {
        let path = ElementPath::read(path).unwrap();
        let found = Document::first_within(text, |document| document.has(&path));
        assert_eq!(found.as_ref().and_then(|document| document.text(&path)), expected, "{text}");
    }

    #[test]
    fn the_first_element_in_other_text_is_found() {
        within("if x <y then <a>1</a> & <a>2</a>", "a", Some("1"));
        within("use <br> and </p>, so <b>x</b> or <a><c>3</c></a>.", "a/c", Some("3"));
        within("```xml\n<a>\n1</a>\n```", "/a", Some("\n1"));
        within("<a>1", "a", None);
        within("1 < 2", "a", None);
        within("<!-- <a>1</a> -->", "a", Some("1"));
    }

    #[test]
    fn a_text_of_tags_alone_is_given_up_soon() {
        for piece in ["<", "<a", "<a>", "<a b='", "<!--", "<a/", "<![CDATA[", "</a>", "<a b=''>"] {
            within(&piece.repeat(200_000 / piece.len()), "b", None);
        }
        let deep = format!("{}{}", "<a>".repeat(50_000), "</a>".repeat(50_000));
        assert!(Document::read(&deep).is_ok());
        let wide: String = (0..20_000).map(|n| format!(" a{n}='' xmlns:n{n}='u{n}'")).collect();
        assert!(Document::read(&format!("<a{wide}/>")).is_ok());
    }
}
