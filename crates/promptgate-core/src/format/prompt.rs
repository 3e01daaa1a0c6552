//! Prompts as files: the Dotprompt format, and plain text.
//!
//! `name.prompt` and `name.variant.prompt` hold YAML front matter and a Handlebars body; `name.txt` and `name.md` are one
//! user message with `{{var}}`. Partials are `_name.prompt`, named schemas `Name.schema.json`, tools `name.tool.json`, all
//! in the same folder. [`compile`] reads what the format allows, and no more is asked of the conformance corpus;
//! [`load`], [`load_path`] and [`from_sources`] also hold files to the house rules: a model names its provider, a key that
//! is nearly a known one is a slip.
//!
//! # White space
//!
//! What a body says is sent byte for byte, with these rules of Dotprompt and Handlebars:
//! - Behind front matter, white space at both ends of the body is dropped. A message that ends in a line feed is written
//!   with a last line `{{!-- end --}}`: a tag of its own line (comment, block, partial) takes its line with it and leaves
//!   the line feed before. Without front matter nothing is dropped, and in `.txt` and `.md` nothing ever is.
//! - `{{role}}`, `{{history}}`, `{{media}}` and `{{section}}` are no such tags: the line feed behind `{{role "user"}}` is
//!   the first character of the message, and the one before it the last of the message before. Text that begins right
//!   behind the tag begins the message; `{{role "user"~}}` drops all white space up to it, `{{~role "user"}}` all before.
//! - Between two structural tags, text of white space alone is dropped; a message or part that holds a value is kept even
//!   where that value is blank, so that the number of messages never hangs on the bytes of a value.
//! - Braces that are text are written `\{{`.

mod check;
mod compile;
mod front;
mod sections;
mod shelf;
mod syntax;
mod text;
mod variables;

use self::compile::{Kind, Rules};
use self::shelf::Shelf;
use self::text::File;
use crate::diagnostic::{Diagnostic, Diagnostics, Location};
use crate::name::PromptId;
use crate::nearest::nearest;
use crate::port::{Tree, TreePath};
use crate::prompt::{SourceFile, Version};

/// The suffixes of prompts, the native one first.
const SUFFIXES: [&str; 3] = [".prompt", ".txt", ".md"];

/// The version of a prompt in a folder: `<name>.prompt`, `<name>.<variant>.prompt`, or the same with `.txt` or `.md`.
pub fn load(tree: &dyn Tree, folder: &TreePath, id: &PromptId) -> Result<Version, Diagnostics> {
    let shelf = Shelf::of_folder(tree, folder)?;
    let wanted: Vec<String> = SUFFIXES.iter().map(|suffix| format!("{id}{suffix}")).collect();
    let present: Vec<&String> = wanted.iter().filter(|name| shelf.names().contains(name)).collect();
    match present.as_slice() {
        [] => Err(missing(tree, folder, &shelf, id).into()),
        [name] => compile_named(id, name, &shelf),
        [first, second, ..] => Err(Diagnostic::new(format!("both `{first}` and `{second}` are the prompt `{id}`"))
            .at(Location::of_line(&shown(folder, second), 1))
            .help("keep one of them")
            .into()),
    }
}

/// The version in a file named by its path.
pub fn load_path(tree: &dyn Tree, path: &TreePath) -> Result<Version, Diagnostics> {
    let (folder, name) = path.as_str().rsplit_once('/').unwrap_or(("", path.as_str()));
    let refuse = |message: String, help: &str| {
        Diagnostics::from(Diagnostic::new(message).at(Location::of_line(path.as_str(), 1)).help(help))
    };
    let Some(stem) = stem_of(name) else {
        return Err(refuse(format!("`{path}` is not a prompt's file"), "prompts end in .prompt, .txt or .md"));
    };
    let id = PromptId::new(stem).map_err(|error| {
        refuse(
            error.to_string(),
            "a prompt's file is called <name>.prompt or <name>.<variant>.prompt; `_name.prompt` is a partial",
        )
    })?;
    let folder = TreePath::new(folder).map_err(|error| refuse(error.to_string(), "name a file of the project"))?;
    let shelf = Shelf::of_folder(tree, &folder)?;
    match shelf.names().iter().any(|known| known == name) {
        true => compile_named(&id, name, &shelf),
        false => Err(missing(tree, &folder, &shelf, &id).into()),
    }
}

/// The version made of stored files, the prompt's own first.
pub fn from_sources(id: &PromptId, files: &[SourceFile]) -> Result<Version, Diagnostics> {
    of_sources(id, files, Rules::House)
}

/// The version made of files, the prompt's own first, held to the Dotprompt format alone.
pub fn compile(id: &PromptId, files: &[SourceFile]) -> Result<Version, Diagnostics> {
    of_sources(id, files, Rules::Format)
}

fn of_sources(id: &PromptId, files: &[SourceFile], rules: Rules) -> Result<Version, Diagnostics> {
    let Some(main) = files.first() else {
        return Err(Diagnostic::new(format!("no files are stored of the prompt `{id}`")).help("run it anew").into());
    };
    let main = File { shown: main.path.clone(), source: main.clone() };
    main.check()?;
    let kind = kind_of(&main.source.path);
    compile::compile(id, main, kind, &Shelf::of_sources(files), rules)
}

/// The prompts of a folder, sorted.
pub fn list(tree: &dyn Tree, folder: &TreePath) -> Result<Vec<PromptId>, Diagnostics> {
    Ok(prompts_of(&Shelf::of_folder(tree, folder)?))
}

fn prompts_of(shelf: &Shelf<'_>) -> Vec<PromptId> {
    let stems = shelf.names().iter().filter_map(|name| stem_of(name));
    let mut ids: Vec<PromptId> = stems.filter_map(|stem| PromptId::new(stem).ok()).collect();
    ids.sort();
    ids.dedup();
    ids
}

/// A file name without its suffix, where it may be a prompt's.
fn stem_of(name: &str) -> Option<&str> {
    let stem = SUFFIXES.iter().find_map(|suffix| name.strip_suffix(suffix))?;
    (!name.eq_ignore_ascii_case("readme.md")).then_some(stem)
}

fn kind_of(name: &str) -> Kind {
    if name.ends_with(".txt") || name.ends_with(".md") { Kind::Plain } else { Kind::Dotprompt }
}

fn compile_named(id: &PromptId, name: &str, shelf: &Shelf<'_>) -> Result<Version, Diagnostics> {
    match shelf.read(name)? {
        Some(main) => compile::compile(id, main, kind_of(name), shelf, Rules::House),
        None => Err(Diagnostic::new(format!("there is no file `{name}`")).into()),
    }
}

fn shown(folder: &TreePath, name: &str) -> String {
    if folder.as_str().is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

fn missing(tree: &dyn Tree, folder: &TreePath, shelf: &Shelf<'_>, id: &PromptId) -> Diagnostic {
    let known: Vec<String> = prompts_of(shelf).iter().map(PromptId::to_string).collect();
    let listed = match known.as_slice() {
        [] => "the folder holds no prompts".to_owned(),
        _ => format!("prompts there: `{}`", known.join("`, `")),
    };
    let help = match nearest(&id.to_string(), known.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`? {listed}"),
        None => listed,
    };
    Diagnostic::new(format!("{} has no prompt `{id}` in `{folder}`", tree.name()))
        .at(Location::of_line(&shown(folder, &format!("{id}.prompt")), 1))
        .help(help)
}
