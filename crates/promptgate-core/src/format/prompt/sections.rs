//! The sections of a template: what stands under each level-2 heading, message by message. Headings count where the
//! template itself writes them at the start of a line outside code fences; what values hold is never looked at.

use std::collections::BTreeMap;
use std::ops::Range;

use super::syntax::{Argument, ArgumentValue, Block, BlockKind, Call, Node};
use super::text::Text;
use crate::message::Role;
use crate::prompt::{Section, role_named};

/// Finds the sections of a template. A partial that holds headings or roles is read in its place; others stay as the tag
/// that includes them.
pub fn find(root: &Text, partials: &BTreeMap<String, Text>) -> Vec<Section> {
    let mut flat = Flat { partials, message: 0, role: Role::User, pieces: Vec::new(), sections: Vec::new(), depth: 0 };
    flat.nodes(root, &root.nodes, None);
    flat.end_message(None);
    flat.sections
}

/// Text of a message with the line it stands on; only written text can hold headings.
struct Piece<'a> {
    text: &'a str,
    line: u32,
    /// Whether each line feed counts; what a partial wrote stands on the line of the tag that included it.
    counts: bool,
    written: bool,
}

struct Flat<'a> {
    partials: &'a BTreeMap<String, Text>,
    message: usize,
    role: Role,
    pieces: Vec<Piece<'a>>,
    sections: Vec<Section>,
    depth: usize,
}

impl<'a> Flat<'a> {
    /// `line` is the line of the tag that included the text, where one did.
    fn nodes(&mut self, text: &'a Text, nodes: &'a [Node], line: Option<u32>) {
        for node in nodes {
            match node {
                Node::Text(range) => self.piece(text, range, line, true),
                Node::Comment(range) => self.piece(text, range, line, false),
                Node::Statement(range, call) => self.statement(text, range, call, line),
                Node::Partial(range, call) => self.partial(text, range, call, line),
                Node::Block(block) => self.block(text, block, line),
            }
        }
    }

    fn piece(&mut self, text: &'a Text, range: &Range<usize>, line: Option<u32>, written: bool) {
        let counts = line.is_none();
        let line = line.unwrap_or_else(|| text.place(range.start).line);
        self.pieces.push(Piece { text: &text.body()[range.clone()], line, counts, written });
    }

    fn statement(&mut self, text: &'a Text, range: &Range<usize>, call: &Call, line: Option<u32>) {
        match (call.name.as_str(), call.arguments.first()) {
            ("role", Some(Argument { value: ArgumentValue::Text(role), .. })) => {
                self.end_message(role_named(role));
            }
            ("history", None) if call.is_bare() => self.end_message(Some(Role::Model)),
            _ => self.piece(text, range, line, false),
        }
    }

    fn partial(&mut self, text: &'a Text, range: &Range<usize>, call: &Call, line: Option<u32>) {
        let partials = self.partials;
        match partials.get(&call.name) {
            Some(partial) if self.depth < super::syntax::MAX_DEPTH && is_structured(partial) => {
                let line = line.unwrap_or_else(|| text.place(range.start).line);
                self.depth += 1;
                self.nodes(partial, &partial.nodes, Some(line));
                self.depth -= 1;
            }
            _ => self.piece(text, range, line, false),
        }
    }

    fn block(&mut self, text: &'a Text, block: &'a Block, line: Option<u32>) {
        if block.kind != BlockKind::Helper {
            let whole = block.open.start..block.close.end;
            return self.piece(text, &whole, line, false);
        }
        self.piece(text, &block.open, line, false);
        self.nodes(text, &block.body, line);
        let mut end = end_of(&block.body).unwrap_or(block.open.end);
        for (_, branch) in &block.branches {
            let start = branch.first().map_or(block.close.start, start_of);
            self.piece(text, &(end..start), line, false);
            self.nodes(text, branch, line);
            end = end_of(branch).unwrap_or(start);
        }
        if end < block.close.end {
            self.piece(text, &(end..block.close.end), line, false);
        }
    }

    /// Ends the message under way and begins one with the next role.
    fn end_message(&mut self, next: Option<Role>) {
        let pieces = std::mem::take(&mut self.pieces);
        let found = split(&pieces, self.message, self.role);
        if !found.is_empty() {
            self.message += 1;
        }
        self.sections.extend(found);
        self.role = next.unwrap_or(self.role);
    }
}

fn start_of(node: &Node) -> usize {
    match node {
        Node::Text(range) | Node::Comment(range) | Node::Statement(range, _) | Node::Partial(range, _) => range.start,
        Node::Block(block) => block.open.start,
    }
}

fn end_of(nodes: &[Node]) -> Option<usize> {
    Some(match nodes.last()? {
        Node::Text(range) | Node::Comment(range) | Node::Statement(range, _) | Node::Partial(range, _) => range.end,
        Node::Block(block) => block.close.end,
    })
}

/// Whether a partial writes headings or roles of its own.
fn is_structured(text: &Text) -> bool {
    let mut found = text.body().starts_with("## ") || text.body().contains("\n## ");
    super::check::walk(&text.nodes, &mut |node| {
        found |= matches!(node, Node::Statement(_, call) if call.name == "role");
    });
    found
}

/// Splits the text of one message at its headings.
fn split(pieces: &[Piece<'_>], message: usize, role: Role) -> Vec<Section> {
    let mut splitter =
        Splitter { message, role, fence: None, sections: Vec::new(), at_line_start: true, in_heading: false };
    pieces.iter().for_each(|piece| splitter.piece(piece));
    splitter.sections.retain(|section| !section.heading.is_empty() || !section.text.trim().is_empty());
    splitter.sections
}

struct Splitter {
    message: usize,
    role: Role,
    /// The sign of the code fence that is open.
    fence: Option<char>,
    sections: Vec<Section>,
    at_line_start: bool,
    in_heading: bool,
}

impl Splitter {
    fn piece(&mut self, piece: &Piece<'_>) {
        for (index, line) in piece.text.split_inclusive('\n').enumerate() {
            let number = piece.line + if piece.counts { index as u32 } else { 0 };
            if self.at_line_start && piece.written {
                self.line_start(line, number);
            }
            self.write(line, number);
            self.at_line_start = line.ends_with('\n');
        }
    }

    fn line_start(&mut self, line: &str, number: u32) {
        let trimmed = line.trim_start_matches(' ');
        if line.len() - trimmed.len() > 3 {
            return;
        }
        let fence = ['`', '~'].into_iter().find(|sign| trimmed.chars().take_while(|c| c == sign).count() >= 3);
        match (fence, self.fence) {
            (Some(sign), None) => self.fence = Some(sign),
            (Some(sign), Some(open)) if sign == open => self.fence = None,
            (None, None) if trimmed.starts_with("## ") => {
                self.open(number);
                self.in_heading = true;
            }
            _ => {}
        }
    }

    fn open(&mut self, line: u32) {
        let (message, role) = (self.message, self.role);
        self.sections.push(Section { message, role, heading: String::new(), text: String::new(), line });
    }

    fn write(&mut self, text: &str, line: u32) {
        if self.sections.is_empty() {
            self.open(line);
        }
        let Some(section) = self.sections.last_mut() else { return };
        section.text.push_str(text);
        // A heading may hold tags, so its line may come in several pieces.
        if self.in_heading {
            let line = section.text.trim_start_matches(' ').trim_start_matches("## ");
            section.heading = line.trim().to_owned();
            self.in_heading = !text.ends_with('\n');
        }
    }
}
