//! What a template may say: known helpers with the arguments they take, known partials, no partial within itself, nesting
//! that no stack minds. Structure is written out: a role or a section name is a quoted text, never a value.

use std::collections::{BTreeMap, BTreeSet};

use super::syntax::{Argument, ArgumentValue, Block, BlockKind, Call, MAX_DEPTH, Node};
use super::text::Text;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::nearest::did_you_mean;
use crate::prompt::{HELPERS, STRUCTURAL, role_named};

const BLOCKS: [&str; 6] = ["each", "if", "ifEquals", "unless", "unlessEquals", "with"];
const ROLES: [&str; 4] = ["system", "user", "model", "tool"];

/// Calls `visit` on every node, outer ones first.
pub fn walk<'a>(nodes: &'a [Node], visit: &mut dyn FnMut(&'a Node)) {
    for node in nodes {
        visit(node);
        if let Node::Block(block) = node {
            walk(&block.body, visit);
            block.branches.iter().for_each(|(_, branch)| walk(branch, visit));
        }
    }
}

/// The partials that nodes include, with the place of each name.
pub fn included(nodes: &[Node]) -> Vec<(&str, usize)> {
    let mut names = Vec::new();
    walk(nodes, &mut |node| match node {
        Node::Partial(_, call) => names.push((call.name.as_str(), call.at)),
        Node::Block(Block { kind: BlockKind::Partial, call, .. }) => names.push((call.name.as_str(), call.at)),
        _ => {}
    });
    names
}

/// The inline partials that nodes define, by name.
pub fn inline_partials(nodes: &[Node]) -> Vec<(&str, &Block)> {
    let mut found = Vec::new();
    walk(nodes, &mut |node| {
        if let Node::Block(block @ Block { kind: BlockKind::Decorator, call, .. }) = node
            && let [Argument { value: ArgumentValue::Text(name), .. }] = call.arguments.as_slice()
        {
            found.push((name.as_str(), block));
        }
    });
    found
}

/// The quoted texts of a template.
pub fn literals(nodes: &[Node]) -> Vec<String> {
    let mut found = Vec::new();
    walk(nodes, &mut |node| match node {
        Node::Statement(_, call) | Node::Partial(_, call) => call_literals(call, &mut found),
        Node::Block(block) => {
            call_literals(&block.call, &mut found);
            block
                .branches
                .iter()
                .filter_map(|(call, _)| call.as_ref())
                .for_each(|call| call_literals(call, &mut found));
        }
        _ => {}
    });
    found
}

fn call_literals(call: &Call, found: &mut Vec<String>) {
    for argument in arguments(call) {
        match &argument.value {
            ArgumentValue::Text(text) => found.push(text.clone()),
            ArgumentValue::Call(inner) => call_literals(inner, found),
            _ => {}
        }
    }
}

/// All arguments, by order and by key.
pub fn arguments(call: &Call) -> impl Iterator<Item = &Argument> {
    call.arguments.iter().chain(call.named.iter().map(|(_, argument)| argument))
}

/// Checks every tag of a text.
pub fn tags(text: &Text) -> Diagnostics {
    let mut check = Check { text, mistakes: Diagnostics::default() };
    walk(&text.nodes, &mut |node| check.node(node));
    check.mistakes
}

struct Check<'a> {
    text: &'a Text,
    mistakes: Diagnostics,
}

impl Check<'_> {
    fn wrong(&mut self, at: usize, message: impl Into<String>, help: impl Into<String>) {
        self.mistakes.push(self.text.mistake(at, message).help(help));
    }

    fn node(&mut self, node: &Node) {
        match node {
            Node::Statement(_, call) => self.statement(call),
            Node::Partial(_, call) => self.partial(call),
            Node::Block(block) => self.block(block),
            Node::Text(_) | Node::Comment(_) => {}
        }
    }

    fn statement(&mut self, call: &Call) {
        if !call.block_names.is_empty() {
            self.wrong(call.at, "`as |name|` belongs to a block", "write `{{#each items as |item|}}`");
        }
        let name = call.name.as_str();
        if BLOCKS.contains(&name) {
            let help = format!("open it with `{{{{#{name} ...}}}}` and close it with `{{{{/{name}}}}}`");
            return self.wrong(call.at, format!("`{name}` is a block"), help);
        }
        match name {
            _ if call.is_bare() && !HELPERS.contains(&name) => {}
            "history" => self.expect(call, 0, &[], "{{history}}"),
            "role" => self.role(call),
            "section" => self.one_quoted(call, "{{section \"name\"}}"),
            "media" => self.media(call),
            _ => self.value_helper(call),
        }
        self.inner(call);
    }

    /// A helper that yields a value: `json` and `lookup`.
    fn value_helper(&mut self, call: &Call) {
        match call.name.as_str() {
            "json" => self.expect(call, 1, &["indent"], "{{json value}} or {{json value indent=2}}"),
            "lookup" => self.expect(call, 2, &[], "{{lookup table key}}"),
            name => {
                let known = HELPERS.into_iter().filter(|known| !BLOCKS.contains(known));
                self.wrong(call.at, format!("there is no helper `{name}`"), did_you_mean(name, known));
            }
        }
    }

    fn role(&mut self, call: &Call) {
        self.one_quoted(call, "{{role \"user\"}}");
        if let [Argument { at, value: ArgumentValue::Text(role) }] = call.arguments.as_slice()
            && role_named(role).is_none()
        {
            self.wrong(*at, format!("there is no role `{role}`"), did_you_mean(role, ROLES));
        }
    }

    fn one_quoted(&mut self, call: &Call, usage: &str) {
        let quoted = matches!(call.arguments.as_slice(), [Argument { value: ArgumentValue::Text(_), .. }]);
        if !quoted || !call.named.is_empty() {
            let message = format!("`{}` takes one quoted text, so that no value decides on structure", call.name);
            self.wrong(call.at, message, format!("write `{usage}`"));
        }
    }

    fn media(&mut self, call: &Call) {
        let usage = "{{media url=name}} or {{media url=name contentType=\"image/png\"}}";
        self.expect(call, 0, &["url", "contentType"], usage);
        if !call.named.iter().any(|(key, _)| key == "url") {
            self.wrong(call.at, "`media` without a url", format!("write `{usage}`"));
        }
    }

    fn expect(&mut self, call: &Call, count: usize, keys: &[&str], usage: &str) {
        if call.arguments.len() != count {
            let takes = match count {
                0 => "no arguments".to_owned(),
                1 => "one argument".to_owned(),
                _ => format!("{count} arguments"),
            };
            self.wrong(call.at, format!("`{}` takes {takes}", call.name), format!("write `{usage}`"));
        }
        for (key, argument) in call.named.iter().filter(|(key, _)| !keys.contains(&key.as_str())) {
            self.wrong(argument.at, format!("`{}` has no argument `{key}`", call.name), format!("write `{usage}`"));
        }
    }

    fn block(&mut self, block: &Block) {
        let call = &block.call;
        match block.kind {
            BlockKind::Helper => self.block_helper(call),
            BlockKind::Partial => self.partial(call),
            BlockKind::Decorator => {
                if call.name != "inline" {
                    self.wrong(
                        call.at,
                        format!("there is no decorator `{}`", call.name),
                        "only `{{#*inline \"name\"}}` is read",
                    );
                }
                self.one_quoted(call, "{{#*inline \"name\"}}");
            }
        }
        block.branches.iter().filter_map(|(condition, _)| condition.as_ref()).for_each(|call| self.block_helper(call));
    }

    fn block_helper(&mut self, call: &Call) {
        let name = call.name.as_str();
        match name {
            "ifEquals" | "unlessEquals" => self.expect(call, 2, &[], &format!("{{{{#{name} left right}}}}")),
            "if" | "unless" => self.expect(call, 1, &["includeZero"], &format!("{{{{#{name} value}}}}")),
            "each" | "with" => self.expect(call, 1, &[], &format!("{{{{#{name} value}}}}")),
            _ => {
                let help = match crate::nearest::nearest(name, BLOCKS) {
                    Some(near) => format!("did you mean `{{{{#{near}}}}}`?"),
                    None => format!("write `{{{{#if {name}}}}}` or `{{{{#each {name}}}}}`"),
                };
                self.wrong(call.at, format!("there is no block `{name}`"), help);
            }
        }
        self.inner(call);
    }

    fn partial(&mut self, call: &Call) {
        let plain = call.name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
        if !plain && call.name != "@partial-block" {
            self.wrong(
                call.at,
                format!("`{}` is not the name of a partial", call.name),
                "`{{> name}}` includes `_name.prompt`",
            );
        }
        if call.arguments.len() > 1 {
            self.wrong(call.at, "a partial takes one context", "write `{{> name context key=value}}`");
        }
        self.inner(call);
    }

    /// Calls in parentheses yield values.
    fn inner(&mut self, call: &Call) {
        for argument in arguments(call) {
            let ArgumentValue::Call(inner) = &argument.value else { continue };
            if STRUCTURAL.contains(&inner.name.as_str()) || BLOCKS.contains(&inner.name.as_str()) {
                self.wrong(inner.at, format!("`{}` yields no value", inner.name), "give it a tag of its own");
            } else if inner.is_bare() {
                self.wrong(inner.at, "parentheses around a name", "write the name without them");
            } else {
                self.value_helper(inner);
            }
            self.inner(inner);
        }
    }
}

/// Checks how texts include each other: no circles, and no deeper than blocks may nest. `root` is the prompt's own text.
pub fn inclusion(root: &Text, partials: &BTreeMap<String, Text>) -> Result<(), Diagnostic> {
    let mut graph = Graph { inline: BTreeMap::new(), partials, depths: BTreeMap::new() };
    for text in std::iter::once(root).chain(partials.values()) {
        for (name, block) in inline_partials(&text.nodes) {
            graph.inline.entry(name).or_default().push((text, block));
        }
    }
    let depth = graph.depth(root, &root.nodes, &mut Vec::new())?;
    match depth > MAX_DEPTH {
        true => Err(root
            .mistake(0, format!("blocks and partials stand {depth} deep in each other, and {MAX_DEPTH} are allowed"))
            .help("include fewer partials from within partials")),
        false => Ok(()),
    }
}

struct Graph<'a> {
    inline: BTreeMap<&'a str, Vec<(&'a Text, &'a Block)>>,
    partials: &'a BTreeMap<String, Text>,
    depths: BTreeMap<&'a str, usize>,
}

impl<'a> Graph<'a> {
    fn depth(&mut self, text: &'a Text, nodes: &'a [Node], path: &mut Vec<&'a str>) -> Result<usize, Diagnostic> {
        let mut deepest = 0;
        for node in nodes {
            let below = match node {
                Node::Text(_) | Node::Comment(_) | Node::Statement(..) => 0,
                Node::Partial(_, call) => self.partial(text, call, path)?,
                Node::Block(block) => {
                    let mut below = self.depth(text, &block.body, path)?;
                    for (index, (_, branch)) in block.branches.iter().enumerate() {
                        below = below.max(index + self.depth(text, branch, path)?);
                    }
                    match block.kind {
                        BlockKind::Partial => below.max(self.partial(text, &block.call, path)?),
                        _ => below,
                    }
                }
            };
            let own = usize::from(matches!(node, Node::Partial(..) | Node::Block(_)));
            deepest = deepest.max(own + below);
        }
        Ok(deepest)
    }

    fn partial(&mut self, text: &'a Text, call: &'a Call, path: &mut Vec<&'a str>) -> Result<usize, Diagnostic> {
        let name = call.name.as_str();
        if path.contains(&name) {
            let circle = path.iter().skip_while(|step| **step != name).chain([&name]).copied();
            let circle = circle.collect::<Vec<_>>().join("` -> `");
            return Err(text
                .mistake(call.at, format!("the partial includes itself: `{circle}`"))
                .help("take one of these partials out of the circle"));
        }
        if let Some(depth) = self.depths.get(name) {
            return Ok(*depth);
        }
        if path.len() > MAX_DEPTH {
            return Err(text
                .mistake(call.at, format!("more than {MAX_DEPTH} partials within each other"))
                .help("include fewer partials from within partials"));
        }
        path.push(name);
        let bodies: Vec<(&'a Text, &'a [Node])> = match self.partials.get(name) {
            Some(text) => vec![(text, text.nodes.as_slice())],
            None => Vec::new(),
        };
        let inline = self.inline.get(name).cloned().unwrap_or_default();
        let mut deepest = 0;
        for (text, nodes) in
            bodies.into_iter().chain(inline.into_iter().map(|(text, block)| (text, block.body.as_slice())))
        {
            deepest = deepest.max(self.depth(text, nodes, path)?);
        }
        path.pop();
        self.depths.insert(name, deepest);
        Ok(deepest)
    }
}

/// The names of all partials that are defined inline.
pub fn inline_names<'a>(texts: impl Iterator<Item = &'a Text>) -> BTreeSet<String> {
    texts.flat_map(|text| inline_partials(&text.nodes)).map(|(name, _)| name.to_owned()).collect()
}
