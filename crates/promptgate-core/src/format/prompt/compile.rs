//! From the files of a prompt to a version: front matter, syntax, partials, checks, variables, sections, digest.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::front::{self, Front};
use super::shelf::Shelf;
use super::syntax::Node;
use super::text::{File, Text};
use super::{check, sections, variables};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::digest::Digest;
use crate::name::PromptId;
use crate::nearest::did_you_mean;
use crate::prompt::{
    FrontMatter, HELPERS, MAIN, SourceFile, Template, TemplateText, Variable, Version, VersionIdentity,
};

/// The two forms of prompt files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Front matter and Handlebars.
    Dotprompt,
    /// One user message with `{{var}}`.
    Plain,
}

/// What a file is held to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rules {
    /// The Dotprompt format alone.
    Format,
    /// Our own rules as well.
    House,
}

/// Makes a version of a prompt's file and of what stands beside it.
pub fn compile(id: &PromptId, main: File, kind: Kind, shelf: &Shelf<'_>, rules: Rules) -> Result<Version, Diagnostics> {
    let mut mistakes = Diagnostics::default();
    let (front, body) = match kind {
        Kind::Plain => (Front::default(), front::byte_order_mark(main.text())..main.text().len()),
        Kind::Dotprompt => {
            let split = front::split(&main)?;
            let front = match &split.yaml {
                Some(yaml) => front::read(&main, yaml, shelf).unwrap_or_else(|found| {
                    mistakes.extend(found);
                    Front::default()
                }),
                None => Front::default(),
            };
            (front, split.body)
        }
    };
    if rules == Rules::House {
        mistakes.extend(front::house_rules(&main, &front));
        if main.text()[body.clone()].trim().is_empty() {
            let help = "write below the front matter what the model is told";
            let end = main.text().trim_end().len();
            mistakes.push(main.mistake(end, "the prompt has no text").help(help));
        }
    }
    let root = match Text::parse(main, body) {
        Ok(root) => root,
        Err(mistake) => {
            mistakes.push(mistake);
            return Err(mistakes);
        }
    };
    mistakes.extend(tags(&root, kind));
    let partials = match partials(&root, shelf) {
        Ok(partials) => partials,
        Err(found) => {
            mistakes.extend(found);
            return Err(mistakes);
        }
    };
    partials.values().for_each(|partial| mistakes.extend(check::tags(partial)));
    mistakes.into_result(())?;
    assemble(id, front, root, partials)
}

fn tags(root: &Text, kind: Kind) -> Diagnostics {
    match kind {
        Kind::Dotprompt => check::tags(root),
        Kind::Plain => plain_tags(root),
    }
}

/// A plain text knows nothing but `{{name}}`.
fn plain_tags(root: &Text) -> Diagnostics {
    let mut mistakes = Diagnostics::default();
    check::walk(&root.nodes, &mut |node| {
        let at = match node {
            Node::Text(_) => return,
            Node::Statement(_, call) if call.is_bare() && !HELPERS.contains(&call.name.as_str()) => return,
            Node::Comment(range) | Node::Statement(range, _) | Node::Partial(range, _) => range.start,
            Node::Block(block) => block.open.start,
        };
        let help = "call the file `<name>.prompt` to use helpers, partials and roles, or write `\\{{` for braces that are text";
        mistakes.push(root.mistake(at, "a plain-text prompt knows `{{name}}` alone").help(help));
    });
    mistakes
}

/// All partials that the text reaches.
fn partials(root: &Text, shelf: &Shelf<'_>) -> Result<BTreeMap<String, Text>, Diagnostics> {
    let mut found: BTreeMap<String, Text> = BTreeMap::new();
    let mut inline = check::inline_names(std::iter::once(root));
    let mut wanted: Vec<(String, Diagnostic)> = wanted(root);
    let mut absent: Vec<(String, Diagnostic)> = Vec::new();
    while let Some((name, place)) = wanted.pop() {
        if found.contains_key(&name) || name == "@partial-block" {
            continue;
        }
        match shelf.read(&format!("_{name}.prompt"))? {
            Some(file) => {
                let range = 0..file.text().len();
                let text = Text::parse(file, range)?;
                wanted.extend(self::wanted(&text));
                inline.extend(check::inline_names(std::iter::once(&text)));
                found.insert(name, text);
            }
            None => absent.push((name, place)),
        }
    }
    let known: BTreeSet<String> = shelf.partials().into_iter().chain(inline.iter().cloned()).collect();
    let mut mistakes = Diagnostics::default();
    for (name, mistake) in absent.into_iter().filter(|(name, _)| !inline.contains(name)) {
        let help = match known.is_empty() {
            true => format!("write it into `_{name}.prompt` beside the prompt"),
            false => format!(
                "{}; a partial is a file `_{name}.prompt` beside the prompt",
                did_you_mean(&name, known.iter().map(String::as_str))
            ),
        };
        mistakes.push(mistake.help(help));
    }
    mistakes.into_result(found)
}

/// The partials a text includes, each with the mistake of its absence.
fn wanted(text: &Text) -> Vec<(String, Diagnostic)> {
    let mistake =
        |(name, at): (&str, usize)| (name.to_owned(), text.mistake(at, format!("there is no partial `{name}`")));
    check::included(&text.nodes).into_iter().map(mistake).collect()
}

fn assemble(id: &PromptId, front: Front, root: Text, partials: BTreeMap<String, Text>) -> Result<Version, Diagnostics> {
    check::inclusion(&root, &partials)?;
    let variables = variables::find(&root, &partials)?;
    let texts = texts(&root, &partials);
    let literals: Vec<String> =
        std::iter::once(&root).chain(partials.values()).flat_map(|text| check::literals(&text.nodes)).collect();
    let pairs = texts.iter().map(|text| (text.name.as_str(), text.text.as_str()));
    let template = Template::compile(pairs, &literals).map_err(|(name, error)| refused(&texts, &name, &error))?;
    let sections = sections::find(&root, &partials);
    let identity = VersionIdentity {
        prompt: id.clone(),
        digest: digest(&front.matter, &texts),
        byte_digest: Digest::of_bytes(root.file.text().as_bytes()),
    };
    let variable = |(name, at): (String, _)| Variable { optional: is_optional(&front.matter, &name), name, at };
    let variables = variables.into_iter().map(variable).collect();
    let mut files = vec![root.file.source];
    files.extend(partials.into_values().map(|partial| partial.file.source));
    let more: Vec<SourceFile> = front.files.into_iter().filter(|file| !files.contains(file)).collect();
    files.extend(more);
    Ok(Version { identity, front: front.matter, files, variables, sections, template, texts })
}

fn texts(root: &Text, partials: &BTreeMap<String, Text>) -> Vec<TemplateText> {
    let text = |name: &str, text: &Text| TemplateText {
        name: name.to_owned(),
        text: text.body().to_owned(),
        at: text.place(0),
    };
    let partials = partials.iter().map(|(name, partial)| text(name, partial));
    std::iter::once(text(MAIN, root)).chain(partials).collect()
}

/// The engine refuses what we accept: rare, and still a mistake with a place.
fn refused(texts: &[TemplateText], name: &str, error: &handlebars::TemplateError) -> Diagnostics {
    let reason = error.reason().to_string();
    let reason = reason.lines().next().unwrap_or("it does not read").to_owned();
    let diagnostic = Diagnostic::new(format!("the template does not read: {reason}")).help(
        "check the tag at this place: `{{name}}`, `{{helper argument key=value}}`, `{{#block argument}}...{{/block}}`",
    );
    match texts.iter().find(|text| text.name == name) {
        Some(text) => diagnostic.at(text.place(error.pos().unwrap_or((1, 1)))).into(),
        None => diagnostic.into(),
    }
}

/// Declared with `?` (not among the required properties), or with a default.
fn is_optional(front: &FrontMatter, name: &str) -> bool {
    if front.input_default.contains_key(name) {
        return true;
    }
    let Some(schema) = &front.input_schema else { return false };
    let Some(property) = schema.get("properties").and_then(|properties| properties.get(name)) else { return false };
    let required = schema.get("required").and_then(Value::as_array);
    let required = required.is_some_and(|required| required.iter().any(|item| item == name));
    !required || property.get("default").is_some()
}

/// The version digest: all that shapes a request or the reading of its answer. Comments, white space and key order of the
/// front matter are gone by now; names, descriptions and owners are left out.
fn digest(front: &FrontMatter, texts: &[TemplateText]) -> Digest {
    let texts: BTreeMap<&str, &str> = texts.iter().map(|text| (text.name.as_str(), text.text.as_str())).collect();
    Digest::of_json(&json!({
        "schema": "promptgate.version/1",
        "texts": texts,
        "model": front.raw.get("model"),
        "config": front.config,
        "input": { "schema": front.input_schema, "default": front.input_default },
        "output": front.output,
        "tools": front.tools,
        "answer": front.answer,
    }))
}
