//! Reads a template into a tree with the place of every name. The template engine parses the same text again to render
//! it; this reading comes first because it bounds nesting before a recursive parser sees the text, because it knows columns
//! where the engine knows lines at best, and because variables, sections and partials are found in it without rendering.
//!
//! It accepts less than the engine: no `{{` inside a tag, no list or table literals, no raw blocks, no computed names. What
//! both accept, both read the same way.

use std::ops::Range;

use crate::diagnostic::Diagnostic;

/// Blocks and `else` branches within each other, partials included.
pub const MAX_DEPTH: usize = 64;
/// Tags of one text: the engine counts lines anew for each.
const MAX_TAGS: usize = 5_000;
const MAX_PARENTHESES: usize = 16;

/// A piece of a template.
#[derive(Debug, Clone, PartialEq)]
pub enum Node {
    /// Text as written.
    Text(Range<usize>),
    /// `{{! ... }}`.
    Comment(Range<usize>),
    /// `{{name}}`, `{{helper argument key=value}}`.
    Statement(Range<usize>, Call),
    /// `{{> name}}`.
    Partial(Range<usize>, Call),
    /// `{{#name}}...{{/name}}`.
    Block(Block),
}

/// A tag with an end.
#[derive(Debug, Clone, PartialEq)]
pub struct Block {
    /// What kind of block it is.
    pub kind: BlockKind,
    /// The opening tag.
    pub open: Range<usize>,
    /// What the opening tag says.
    pub call: Call,
    /// What stands before the first `else`.
    pub body: Vec<Node>,
    /// The `else` branches, with their condition in `{{else if x}}`.
    pub branches: Vec<(Option<Call>, Vec<Node>)>,
    /// The closing tag.
    pub close: Range<usize>,
}

/// What kind of block it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BlockKind {
    /// `{{#helper}}`.
    Helper,
    /// `{{#> partial}}`.
    Partial,
    /// `{{#*inline "name"}}`.
    Decorator,
}

/// A name with arguments.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// The name.
    pub name: String,
    /// Its byte offset.
    pub at: usize,
    /// The arguments in order.
    pub arguments: Vec<Argument>,
    /// The arguments by key.
    pub named: Vec<(String, Argument)>,
    /// `as |item index|`.
    pub block_names: Vec<String>,
}

impl Call {
    /// Whether it is a name alone.
    pub fn is_bare(&self) -> bool {
        self.arguments.is_empty() && self.named.is_empty()
    }
}

/// An argument and its byte offset.
#[derive(Debug, Clone, PartialEq)]
pub struct Argument {
    /// Where it begins.
    pub at: usize,
    /// What it is.
    pub value: ArgumentValue,
}

/// What an argument is.
#[derive(Debug, Clone, PartialEq)]
pub enum ArgumentValue {
    /// A quoted text, unescaped.
    Text(String),
    /// A number, `true`, `false` or `null`.
    Literal,
    /// A path to a value.
    Path(String),
    /// `(helper argument)`.
    Call(Call),
}

/// A mistake at a byte offset of the template.
pub struct Mistake {
    /// Where.
    pub at: usize,
    /// What and what to do; without a place.
    pub diagnostic: Diagnostic,
}

fn mistake(at: usize, message: impl Into<String>, help: impl Into<String>) -> Mistake {
    Mistake { at, diagnostic: Diagnostic::new(message).help(help) }
}

type Parsed<T> = Result<T, Mistake>;

/// Reads a whole template.
pub fn parse(text: &str) -> Parsed<Vec<Node>> {
    let mut builder = Builder { text, frames: vec![Frame::root()], tags: 0 };
    let mut at = 0;
    while at < text.len() {
        let open = next_open(text, at);
        builder.text(at..open);
        if open == text.len() {
            break;
        }
        at = builder.tag(open)?;
    }
    builder.finish()
}

/// The offset of the next `{{` that is not escaped, or the end. One backslash escapes; of more, the engine drops one and
/// reads the tag. An escape takes a second pair of braces with it.
fn next_open(text: &str, from: usize) -> usize {
    let bytes = text.as_bytes();
    let mut at = from;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => {
                let run = bytes[at..].iter().take_while(|byte| **byte == b'\\').count();
                let behind = at + run;
                let escaped = run == 1 && bytes[behind..].starts_with(b"{{");
                at = match escaped {
                    true if bytes[behind..].starts_with(b"{{{{") => behind + 4,
                    true => behind + 2,
                    false => behind,
                };
            }
            b'{' if bytes[at..].starts_with(b"{{") => return at,
            _ => at += 1,
        }
    }
    text.len()
}

/// An open block, or the whole template.
struct Frame {
    block: Option<Block>,
    nodes: Vec<Node>,
    depth: usize,
}

impl Frame {
    fn root() -> Self {
        Self { block: None, nodes: Vec::new(), depth: 0 }
    }
}

struct Builder<'a> {
    text: &'a str,
    frames: Vec<Frame>,
    tags: usize,
}

impl Builder<'_> {
    fn top(&mut self) -> &mut Frame {
        let last = self.frames.len() - 1;
        &mut self.frames[last]
    }

    fn text(&mut self, range: Range<usize>) {
        if !range.is_empty() {
            self.top().nodes.push(Node::Text(range));
        }
    }

    /// Reads the tag that opens at `open`, and says where it ends.
    fn tag(&mut self, open: usize) -> Parsed<usize> {
        self.tags += 1;
        if self.tags > MAX_TAGS {
            return Err(mistake(open, format!("more than {MAX_TAGS} tags"), "split the prompt"));
        }
        let rest = &self.text[open..];
        if rest.starts_with("{{!") {
            return self.comment(open);
        }
        if rest.starts_with("{{{{") {
            return Err(mistake(open, "raw blocks are not read", "write `\\{{` for braces that are text"));
        }
        let triple = rest.starts_with("{{{");
        let inner = open + if triple { 3 } else { 2 };
        let end = end_of_tag(self.text, open, inner)?;
        let closer = if triple { "}}}" } else { "}}" };
        if !self.text[end..].starts_with(closer) {
            return Err(mistake(open, "`{{{` is closed by `}}`", "close it with `}}}`, or open it with `{{`"));
        }
        let close = end + closer.len();
        let content = trim_controls(self.text, inner..end);
        self.content(open..close, content, triple)?;
        Ok(close)
    }

    fn comment(&mut self, open: usize) -> Parsed<usize> {
        let body = open + 3;
        let dashed = self.text[body..].trim_start_matches(is_space).starts_with("--");
        let long = if dashed { self.text[body..].find("--}}").map(|at| body + at + 4) } else { None };
        let end = long.or_else(|| self.text[body..].find("}}").map(|at| body + at + 2));
        let end = end.ok_or_else(|| mistake(open, "the comment is never closed", "close it with `}}` or `--}}`"))?;
        self.top().nodes.push(Node::Comment(open..end));
        Ok(end)
    }

    fn content(&mut self, tag: Range<usize>, content: Range<usize>, triple: bool) -> Parsed<()> {
        let body = &self.text[content.clone()];
        let sigil = body.chars().next().unwrap_or(' ');
        if triple || !matches!(sigil, '#' | '/' | '>' | '^' | '*' | '&') {
            return self.statement(tag, content);
        }
        let after = content.start + 1;
        match sigil {
            '#' => self.open_block(tag, after..content.end),
            '/' => self.close_block(tag, after..content.end),
            '>' => {
                let call = parse_call(self.text, after..content.end, Head::Partial)?;
                self.top().nodes.push(Node::Partial(tag, call));
                Ok(())
            }
            '^' => self.branch(tag, after..content.end),
            '&' => self.statement(tag, after..content.end),
            _ => Err(mistake(tag.start, "decorators are not read", "only `{{#*inline \"name\"}}` is")),
        }
    }

    fn statement(&mut self, tag: Range<usize>, content: Range<usize>) -> Parsed<()> {
        let body = &self.text[content.clone()];
        if let Some(rest) = body.strip_prefix("else") {
            let next = rest.chars().next();
            if next.is_none_or(is_space) {
                return self.branch(tag, content.start + 4..content.end);
            }
            if next.is_some_and(is_name_char) {
                let help = "the template engine reads the word as `{{else}}`; rename the variable";
                return Err(mistake(content.start, "a name in a tag cannot begin with `else`", help));
            }
        }
        let call = parse_call(self.text, content, Head::Name)?;
        self.top().nodes.push(Node::Statement(tag, call));
        Ok(())
    }

    fn open_block(&mut self, tag: Range<usize>, content: Range<usize>) -> Parsed<()> {
        let skipped = self.text[content.clone()].len() - self.text[content.clone()].trim_start_matches(is_space).len();
        let start = content.start + skipped;
        let (kind, start) = match self.text[start..content.end].chars().next() {
            Some('>') => (BlockKind::Partial, start + 1),
            Some('*') => (BlockKind::Decorator, start + 1),
            _ => (BlockKind::Helper, start),
        };
        let head = if kind == BlockKind::Partial { Head::Partial } else { Head::Name };
        let call = parse_call(self.text, start..content.end, head)?;
        let depth = self.deeper(tag.start)?;
        let close = tag.end..tag.end;
        let block = Block { kind, open: tag, call, body: Vec::new(), branches: Vec::new(), close };
        self.frames.push(Frame { block: Some(block), nodes: Vec::new(), depth });
        Ok(())
    }

    /// One level more than the open block's; an error where that is too many.
    fn deeper(&mut self, at: usize) -> Parsed<usize> {
        let depth = self.top().depth + 1;
        if depth > MAX_DEPTH {
            let message = format!("more than {MAX_DEPTH} blocks or `else` branches within each other");
            return Err(mistake(at, message, "take the inner ones out into partials, or flatten them"));
        }
        Ok(depth)
    }

    fn branch(&mut self, tag: Range<usize>, content: Range<usize>) -> Parsed<()> {
        let condition = match self.text[content.clone()].trim_matches(is_space) {
            "" => None,
            _ => Some(parse_call(self.text, content, Head::Name)?),
        };
        if condition.is_some() {
            let depth = self.deeper(tag.start)?;
            self.top().depth = depth;
        }
        let frame = self.top();
        let nodes = std::mem::take(&mut frame.nodes);
        match &mut frame.block {
            Some(block) if block.kind == BlockKind::Helper => settle_branch(block, nodes, condition, tag.start),
            _ => Err(mistake(tag.start, "`{{else}}` stands in no block", "open one with `{{#if name}}`")),
        }
    }

    fn close_block(&mut self, tag: Range<usize>, content: Range<usize>) -> Parsed<()> {
        let name = self.text[content].trim_matches(is_space).trim_matches('\'');
        let frame = self.frames.pop().filter(|frame| frame.block.is_some());
        let Some(Frame { block: Some(mut block), nodes, .. }) = frame else {
            let message = format!("`{{{{/{name}}}}}` closes nothing");
            return Err(mistake(tag.start, message, format!("open it with `{{{{#{name} ...}}}}`, or remove it")));
        };
        let unnamed = name.is_empty() && block.kind != BlockKind::Helper;
        if block.call.name != name && !unnamed {
            let message = format!("`{{{{/{name}}}}}` closes a block that `{{{{#{}}}}}` opened", block.call.name);
            return Err(mistake(tag.start, message, format!("write `{{{{/{}}}}}` before it", block.call.name)));
        }
        block.close = tag;
        match block.branches.last_mut() {
            Some((_, branch)) => *branch = nodes,
            None => block.body = nodes,
        }
        self.top().nodes.push(Node::Block(block));
        Ok(())
    }

    fn finish(mut self) -> Parsed<Vec<Node>> {
        match self.frames.pop() {
            Some(Frame { block: Some(block), .. }) => {
                let name = block.call.name;
                let message = format!("`{{{{#{name}}}}}` is never closed");
                Err(mistake(block.open.start, message, format!("close it with `{{{{/{name}}}}}`")))
            }
            Some(frame) => Ok(frame.nodes),
            None => Ok(Vec::new()),
        }
    }
}

fn settle_branch(block: &mut Block, nodes: Vec<Node>, condition: Option<Call>, at: usize) -> Parsed<()> {
    if matches!(block.branches.last(), Some((None, _))) {
        return Err(mistake(at, "a branch stands after the last `{{else}}`", "put it before, or remove it"));
    }
    match block.branches.last_mut() {
        Some((_, branch)) => *branch = nodes,
        None => block.body = nodes,
    }
    block.branches.push((condition, Vec::new()));
    Ok(())
}

/// Where the `}}` of the tag is; strings and `[...]` may hold braces of their own, but never a `{{`.
fn end_of_tag(text: &str, open: usize, inner: usize) -> Parsed<usize> {
    let bytes = text.as_bytes();
    let mut at = inner;
    while at < bytes.len() {
        match bytes[at] {
            b'}' if bytes[at..].starts_with(b"}}") => return Ok(at),
            b'"' | b'\'' => at = end_of_string(text, at)?,
            b'[' => at = end_of_bracket(text, at)?,
            b'{' => return Err(brace(at)),
            _ => at += 1,
        }
    }
    Err(mistake(open, "the tag is never closed", "close it with `}}`, or write `\\{{` for braces that are text"))
}

fn brace(at: usize) -> Mistake {
    mistake(at, "a brace inside a tag", "close the tag before with `}}`; tables cannot be written in a template")
}

/// Behind the closing quote.
fn end_of_string(text: &str, open: usize) -> Parsed<usize> {
    let bytes = text.as_bytes();
    let mut at = open + 1;
    while at < bytes.len() {
        match bytes[at] {
            byte if byte == bytes[open] => return Ok(at + 1),
            b'\\' => at += 2,
            b'{' if bytes[at..].starts_with(b"{{") => return Err(brace(at)),
            _ => at += 1,
        }
    }
    Err(mistake(open, "the quoted text is never closed", "close it with the quote it began with"))
}

/// Behind the closing bracket of a path segment such as `[0]` or `[first name]`.
fn end_of_bracket(text: &str, open: usize) -> Parsed<usize> {
    let length = text[open..].find([']', '{', '}', '"', '\'', '\n']);
    match length {
        Some(length) if text[open + length..].starts_with(']') => Ok(open + length + 1),
        _ => Err(mistake(
            open,
            "a bracket that is no path segment",
            "write `items.[0]`; lists cannot be written in a template",
        )),
    }
}

/// The content without white space and the `~` that trims white space around the tag.
fn trim_controls(text: &str, range: Range<usize>) -> Range<usize> {
    let trim = |range: Range<usize>| {
        let body = &text[range.clone()];
        let start = range.start + body.len() - body.trim_start_matches(is_space).len();
        start..start + body.trim_matches(is_space).len()
    };
    let mut range = trim(range);
    if text[range.clone()].starts_with('~') {
        range = trim(range.start + 1..range.end);
    }
    if text[range.clone()].ends_with('~') {
        range = trim(range.start..range.end - 1);
    }
    range
}

#[derive(Clone, Copy, PartialEq)]
enum Head {
    Name,
    Partial,
}

fn parse_call(text: &str, range: Range<usize>, head: Head) -> Parsed<Call> {
    let mut lexer = Lexer { text, at: range.start, end: range.end };
    let call = lexer.call(head, 0)?;
    match lexer.skip_space() {
        None => Ok(call),
        Some(c) => Err(mistake(
            lexer.at,
            format!("`{c}` is not expected here"),
            "see the tag's syntax: {{helper argument key=value}}",
        )),
    }
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    end: usize,
}

impl Lexer<'_> {
    fn peek(&self) -> Option<char> {
        self.text[self.at..self.end].chars().next()
    }

    fn skip_space(&mut self) -> Option<char> {
        while self.peek().is_some_and(is_space) {
            self.at += self.peek().map_or(0, char::len_utf8);
        }
        self.peek()
    }

    fn call(&mut self, head: Head, depth: usize) -> Parsed<Call> {
        let (at, name) = self.head(head)?;
        let mut call = Call { name, at, arguments: Vec::new(), named: Vec::new(), block_names: Vec::new() };
        while let Some(c) = self.skip_space() {
            if matches!(c, ')') {
                break;
            }
            let at = self.at;
            let argument = self.argument(depth)?;
            match argument.value {
                ArgumentValue::Path(word) if word == "as" => call.block_names = self.block_names(at)?,
                ArgumentValue::Path(key) if self.peek() == Some('=') => {
                    self.at += 1;
                    self.skip_space();
                    call.named.push((key, self.argument(depth)?));
                }
                value => call.arguments.push(Argument { at, value }),
            }
        }
        Ok(call)
    }

    fn head(&mut self, head: Head) -> Parsed<(usize, String)> {
        let first = self.skip_space();
        let at = self.at;
        match first {
            None => Err(mistake(at, "an empty tag", "name a variable, as in `{{name}}`")),
            Some('(') => Err(mistake(at, "a computed name", "names of helpers and partials are written out")),
            Some('"' | '\'') if head == Head::Partial => Ok((at, self.quoted()?)),
            Some('"' | '\'') => Err(mistake(at, "a quoted text is not a name", "write the text outside of the tag")),
            Some(_) => Ok((at, self.path()?)),
        }
    }

    fn argument(&mut self, depth: usize) -> Parsed<Argument> {
        let at = self.at;
        let value = match self.peek() {
            Some('"' | '\'') => ArgumentValue::Text(self.quoted()?),
            Some('(') => ArgumentValue::Call(self.parenthesis(depth)?),
            _ => match self.path()? {
                word if is_literal(&word) => ArgumentValue::Literal,
                word => ArgumentValue::Path(word),
            },
        };
        Ok(Argument { at, value })
    }

    fn parenthesis(&mut self, depth: usize) -> Parsed<Call> {
        let open = self.at;
        if depth >= MAX_PARENTHESES {
            let message = format!("more than {MAX_PARENTHESES} parentheses within each other");
            return Err(mistake(open, message, "compute it before, and pass it as a variable"));
        }
        self.at += 1;
        let call = self.call(Head::Name, depth + 1)?;
        match self.skip_space() {
            Some(')') => self.at += 1,
            _ => return Err(mistake(open, "the parenthesis is never closed", "close it with `)`")),
        }
        Ok(call)
    }

    fn quoted(&mut self) -> Parsed<String> {
        let open = self.at;
        let end = end_of_string(&self.text[..self.end], open)?;
        self.at = end;
        let quote = &self.text[open..=open];
        let inner = &self.text[open + 1..end - 1];
        let json = if quote == "'" { inner.replace("\\'", "'").replace('"', "\\\"") } else { inner.to_owned() };
        serde_json::from_str(&format!("\"{json}\"")).map_err(|error| {
            let help = "escape as in JSON: \\\" \\\\ \\n \\t \\u00e9";
            mistake(open, format!("the quoted text does not read: {error}"), help)
        })
    }

    fn path(&mut self) -> Parsed<String> {
        let start = self.at;
        while let Some(c) = self.peek() {
            if c == '[' {
                self.at = end_of_bracket(&self.text[..self.end], self.at)?;
            } else if is_name_char(c) || matches!(c, '.' | '/' | '@') {
                self.at += c.len_utf8();
            } else {
                break;
            }
        }
        let word = &self.text[start..self.at];
        match (word, self.peek()) {
            ("", Some(c)) => Err(mistake(
                start,
                format!("`{c}` is not expected here"),
                "write `{{name}}` or `{{helper argument key=value}}`",
            )),
            ("", None) => Err(mistake(start, "an argument is missing", "write `{{helper argument key=value}}`")),
            (".", _) => Err(mistake(start, "`.` is not a name", "write `this`")),
            _ => Ok(word.to_owned()),
        }
    }

    fn block_names(&mut self, at: usize) -> Parsed<Vec<String>> {
        let help = "write `as |item|` or `as |item index|`";
        let rest = &self.text[self.at..self.end];
        let inner = rest.trim_start_matches(is_space).strip_prefix('|').and_then(|rest| rest.split_once('|'));
        let Some((names, behind)) = inner else { return Err(mistake(at, "names stand between bars", help)) };
        let names: Vec<String> = names.split_whitespace().map(str::to_owned).collect();
        if names.is_empty() || names.len() > 2 || !names.iter().all(|name| name.chars().all(is_name_char)) {
            return Err(mistake(at, "one or two names stand between the bars", help));
        }
        self.at = self.end - behind.len();
        Ok(names)
    }
}

/// White space inside tags, as the engine's grammar has it.
fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r')
}

/// The characters the engine's grammar has in names.
fn is_name_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '$' | ':') || c as u32 >= 0x80
}

fn is_literal(word: &str) -> bool {
    matches!(word, "true" | "false" | "null")
        || (word.trim_start_matches('-').starts_with(|c: char| c.is_ascii_digit()) && word.parse::<f64>().is_ok())
}
