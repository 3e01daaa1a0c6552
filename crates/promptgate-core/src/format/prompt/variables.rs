//! The variables that a template reads, found without rendering: in every branch, through every partial, with the scopes
//! that blocks and partials open.

use std::collections::{BTreeMap, BTreeSet};

use super::check::{arguments, inline_partials};
use super::syntax::{Argument, ArgumentValue, Block, BlockKind, Call, Node};
use super::text::Text;
use crate::diagnostic::{Diagnostics, Location};
use crate::prompt::HELPERS;

/// Inclusions of partials, counted as often as they are written out; bounds the walk where partials fan out.
const MAX_INCLUSIONS: usize = 10_000;

/// What a relative path starts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Base {
    /// The input itself: a first segment is a variable.
    Input,
    /// Something inside a variable.
    Inside,
}

#[derive(Debug, Clone)]
struct Scope {
    base: Base,
    /// Names that shadow variables: `as |item|`, and the keys handed to a partial.
    names: BTreeSet<String>,
}

/// Finds the variables of a template and of the partials it includes, in the order they are read.
pub fn find(root: &Text, partials: &BTreeMap<String, Text>) -> Result<Vec<(String, Location)>, Diagnostics> {
    let mut inline: BTreeMap<&str, Vec<(&Text, &Block)>> = BTreeMap::new();
    for text in std::iter::once(root).chain(partials.values()) {
        for (name, block) in inline_partials(&text.nodes) {
            inline.entry(name).or_default().push((text, block));
        }
    }
    let scopes = vec![Scope { base: Base::Input, names: BTreeSet::new() }];
    let mut finder = Finder {
        partials,
        inline,
        scopes,
        found: Vec::new(),
        seen: BTreeSet::new(),
        inclusions: 0,
        mistakes: Diagnostics::default(),
    };
    finder.nodes(root, &root.nodes);
    finder.mistakes.into_result(finder.found)
}

struct Finder<'a> {
    partials: &'a BTreeMap<String, Text>,
    inline: BTreeMap<&'a str, Vec<(&'a Text, &'a Block)>>,
    scopes: Vec<Scope>,
    found: Vec<(String, Location)>,
    seen: BTreeSet<String>,
    inclusions: usize,
    mistakes: Diagnostics,
}

impl<'a> Finder<'a> {
    fn nodes(&mut self, text: &'a Text, nodes: &'a [Node]) {
        for node in nodes {
            match node {
                Node::Text(_) | Node::Comment(_) => {}
                Node::Statement(_, call) => self.call(text, call),
                Node::Partial(_, call) => self.partial(text, call, None),
                Node::Block(block) => self.block(text, block),
            }
        }
    }

    /// The name of a statement is a variable unless it is a helper's; arguments are read in any case.
    fn call(&mut self, text: &'a Text, call: &'a Call) {
        if call.is_bare() && !HELPERS.contains(&call.name.as_str()) {
            self.path(text, &call.name, call.at);
        }
        self.arguments(text, call);
    }

    fn arguments(&mut self, text: &'a Text, call: &'a Call) {
        for Argument { at, value } in arguments(call) {
            match value {
                ArgumentValue::Path(path) => {
                    self.path(text, path, *at);
                }
                ArgumentValue::Call(inner) => self.arguments(text, inner),
                ArgumentValue::Text(_) | ArgumentValue::Literal => {}
            }
        }
    }

    fn block(&mut self, text: &'a Text, block: &'a Block) {
        match block.kind {
            BlockKind::Decorator => return,
            BlockKind::Partial => return self.partial(text, &block.call, Some(&block.body)),
            BlockKind::Helper => {}
        }
        self.arm(text, &block.call, &block.body);
        for (condition, branch) in &block.branches {
            match condition {
                Some(call) => self.arm(text, call, branch),
                None => self.nodes(text, branch),
            }
        }
    }

    /// A condition and the body behind it. `each` and `with` open a scope.
    fn arm(&mut self, text: &'a Text, call: &'a Call, body: &'a [Node]) {
        self.arguments(text, call);
        if !matches!(call.name.as_str(), "each" | "with") {
            return self.nodes(text, body);
        }
        let whole = call.name == "with" && call.arguments.first().is_some_and(|argument| self.is_input(argument));
        let base = if whole { Base::Input } else { Base::Inside };
        self.scopes.push(Scope { base, names: call.block_names.iter().cloned().collect() });
        self.nodes(text, body);
        self.scopes.pop();
    }

    fn partial(&mut self, text: &'a Text, call: &'a Call, body: Option<&'a Vec<Node>>) {
        self.arguments(text, call);
        self.inclusions += 1;
        if self.inclusions > MAX_INCLUSIONS {
            if self.inclusions == MAX_INCLUSIONS + 1 {
                let message = format!("partials are included more than {MAX_INCLUSIONS} times");
                self.mistakes.push(text.mistake(call.at, message).help("include a partial in a loop instead"));
            }
            return;
        }
        let base = match call.arguments.first() {
            Some(argument) if self.is_input(argument) => Base::Input,
            Some(_) => Base::Inside,
            None => self.scopes.last().map_or(Base::Input, |scope| scope.base),
        };
        self.scopes.push(Scope { base, names: call.named.iter().map(|(key, _)| key.clone()).collect() });
        if let Some(body) = body {
            self.nodes(text, body);
        }
        let partials = self.partials;
        if let Some(partial) = partials.get(&call.name) {
            self.nodes(partial, &partial.nodes);
        }
        for (text, block) in self.inline.get(call.name.as_str()).cloned().unwrap_or_default() {
            self.nodes(text, &block.body);
        }
        self.scopes.pop();
    }

    /// Whether an argument is the whole input: `this`, `../this`, `@root`, from where that is so.
    fn is_input(&self, argument: &Argument) -> bool {
        let ArgumentValue::Path(path) = &argument.value else { return false };
        if path == "@root" {
            return true;
        }
        let (rest, up) = climbed(path);
        let base = self.scopes.len().checked_sub(1 + up).map(|index| self.scopes[index].base);
        segments(rest).next().is_none() && base == Some(Base::Input)
    }

    fn path(&mut self, text: &'a Text, path: &str, at: usize) {
        if let Some(rest) = path.strip_prefix('@') {
            let below = rest.strip_prefix("root").filter(|below| below.starts_with(['.', '/']));
            if let Some(first) = below.and_then(|below| segments(below).next()) {
                self.read(text, first, at);
            }
            return;
        }
        let (rest, up) = climbed(path);
        let Some(index) = self.scopes.len().checked_sub(1 + up) else {
            let mistake = text.mistake(at, format!("`{path}` climbs above the input"));
            return self.mistakes.push(mistake.help("take a `../` away"));
        };
        let Some(first) = segments(rest).next() else { return };
        let local = up == 0 && !rest.starts_with("this") && !rest.starts_with("./");
        let shadowed = |scope: &Scope| scope.names.contains(first);
        let named = self.scopes.iter().any(shadowed) && local || self.scopes[index].names.contains(first);
        if self.scopes[index].base == Base::Input && !named {
            self.read(text, first, at);
        }
    }

    fn read(&mut self, text: &Text, name: &str, at: usize) {
        if self.seen.insert(name.to_owned()) {
            self.found.push((name.to_owned(), text.place(at)));
        }
    }
}

/// The path without its leading `../`s, and how many there were.
fn climbed(path: &str) -> (&str, usize) {
    let mut rest = path;
    let mut up = 0;
    while let Some(shorter) = rest.strip_prefix("..") {
        rest = shorter.strip_prefix(['/', '.']).unwrap_or(shorter);
        up += 1;
    }
    (rest, up)
}

/// The segments of a path without `this` and `.`; `[first name]` is one.
fn segments(path: &str) -> impl Iterator<Item = &str> {
    let mut rest = path;
    std::iter::from_fn(move || {
        rest = rest.trim_start_matches(['.', '/']);
        if rest.is_empty() {
            return None;
        }
        let (segment, behind) = match rest.strip_prefix('[') {
            Some(inner) => inner.split_once(']').unwrap_or((inner, "")),
            None => rest.split_at(rest.find(['.', '/']).unwrap_or(rest.len())),
        };
        rest = behind;
        Some(segment)
    })
    .filter(|segment| *segment != "this")
}
