//! The front matter of a prompt: where it stands in the file, and what its keys say.

use std::ops::Range;

use serde_json::{Map, Value, json};

use super::shelf::Shelf;
use super::text::File;
use crate::diagnostic::{Diagnostic, Diagnostics, Location};
use crate::format::extract::extract_spec;
use crate::format::picoschema;
use crate::format::yaml::{self, Places};
use crate::name::ModelId;
use crate::nearest::nearest;
use crate::prompt::{FrontMatter, SourceFile};
use crate::request::OutputFormat;

/// The keys of Dotprompt, and those that say who is responsible and what the prompt is for.
const KEYS: [&str; 14] = [
    "config",
    "description",
    "ext",
    "input",
    "metadata",
    "model",
    "name",
    "output",
    "owners",
    "raw",
    "toolDefs",
    "tools",
    "variant",
    "version",
];
/// Our own keys, without the `promptgate.` in front.
const OWN_KEYS: [&str; 1] = ["answer"];

/// The two parts of a file.
#[derive(Debug, PartialEq, Eq)]
pub struct Split {
    /// The lines between the two `---`, where there are any.
    pub yaml: Option<Range<usize>>,
    /// The template.
    pub body: Range<usize>,
}

/// Finds front matter. It may stand behind blank lines and `#` comments; where there is some, white space around the body
/// is not part of it, as the format asks. A file without front matter is all body, untouched.
pub fn split(file: &File) -> Result<Split, Diagnostic> {
    let text = file.text();
    let whole = Split { yaml: None, body: byte_order_mark(text)..text.len() };
    let mut open = None;
    for line in lines(text, whole.body.start) {
        let content = text[line.clone()].trim_end();
        match (&open, content) {
            (None, "---") => open = Some(line),
            (None, _) if content.is_empty() || content.starts_with('#') => {}
            (None, _) => return Ok(whole),
            (Some(open), "---") => {
                let rest = &text[line.end..];
                let start = line.end + rest.len() - rest.trim_start().len();
                return Ok(Split { yaml: Some(open.end..line.start), body: start..start + rest.trim().len() });
            }
            (Some(_), _) => {}
        }
    }
    match open {
        None => Ok(whole),
        Some(open) => Err(file.mistake(open.start, "the front matter is never closed").help(
            "close it with a line `---`; a template that begins with such a line needs empty front matter before it",
        )),
    }
}

/// The length of a byte order mark, which is no part of any template.
pub fn byte_order_mark(text: &str) -> usize {
    if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 }
}

fn lines(text: &str, start: usize) -> impl Iterator<Item = Range<usize>> + '_ {
    let mut at = start;
    text[start..].split_inclusive('\n').map(move |line| {
        let range = at..at + line.len();
        at = range.end;
        range
    })
}

/// Front matter as read, with what was needed to read it.
#[derive(Debug, Default)]
pub struct Front {
    /// The values.
    pub matter: FrontMatter,
    /// Where its keys stand.
    pub places: Places,
    /// Files it names: schemas and tools.
    pub files: Vec<SourceFile>,
}

/// Reads the YAML of a file. What Dotprompt itself allows is read; what we ask beyond it is for [`house_rules`] to say.
pub fn read(file: &File, yaml: &Range<usize>, shelf: &Shelf<'_>) -> Result<Front, Diagnostics> {
    let text = file.text();
    let lines_before = text[..yaml.start].bytes().filter(|byte| *byte == b'\n').count() as u32;
    let block = yaml::Block { file: &file.shown, text, lines_before };
    let (raw, places) = yaml::read(&text[yaml.clone()], &block)?;
    let mut reader = Reader { file, shelf, places, files: Vec::new(), mistakes: Diagnostics::default() };
    let matter = reader.matter(raw);
    let Reader { places, files, mistakes, .. } = reader;
    mistakes.into_result(Front { matter, places, files })
}

struct Reader<'a> {
    file: &'a File,
    shelf: &'a Shelf<'a>,
    places: Places,
    files: Vec<SourceFile>,
    mistakes: Diagnostics,
}

impl Reader<'_> {
    fn wrong(&mut self, path: &str, message: impl Into<String>, help: impl Into<String>) {
        self.mistakes.push(at_key(self.file, &self.places, path, message).help(help));
    }

    fn matter(&mut self, raw: Map<String, Value>) -> FrontMatter {
        let input = self.table(&raw, "input", "write `schema:` and `default:` below it");
        let output = self.table(&raw, "output", "write `format:` and `schema:` below it");
        FrontMatter {
            model: raw.get("model").and_then(Value::as_str).and_then(|model| ModelId::new(model).ok()),
            config: self.table(&raw, "config", "write parameters below it, such as `temperature: 0`"),
            input_schema: self.schema(&input, "input/schema"),
            input_default: self.defaults(&input),
            output: self.output(&output),
            tools: self.tools(raw.get("tools")),
            answer: self.answer(&raw),
            extensions: extensions(&raw),
            raw,
        }
    }

    fn table(&mut self, map: &Map<String, Value>, key: &str, help: &str) -> Map<String, Value> {
        match map.get(key) {
            None | Some(Value::Null) => Map::new(),
            Some(Value::Object(table)) => table.clone(),
            Some(_) => {
                self.wrong(key, format!("`{key}` is not a mapping"), help);
                Map::new()
            }
        }
    }

    fn defaults(&mut self, input: &Map<String, Value>) -> Map<String, Value> {
        match input.get("default") {
            None | Some(Value::Null) => Map::new(),
            Some(Value::Object(defaults)) => defaults.clone(),
            Some(_) => {
                self.wrong("input/default", "`default` is not a mapping", "write `name: value` lines below it");
                Map::new()
            }
        }
    }

    fn schema(&mut self, table: &Map<String, Value>, path: &str) -> Option<Value> {
        let schema = table.get("schema").filter(|schema| !schema.is_null())?;
        self.expanded(schema, path)
    }

    fn expanded(&mut self, schema: &Value, path: &str) -> Option<Value> {
        let found = std::cell::RefCell::new(Vec::new());
        let named = |name: &str| {
            let Some(file) = self.shelf.read(&format!("{name}.schema.json")).map_err(|error| error.message)? else {
                return Ok(None);
            };
            let value: Value = serde_json::from_str(file.text()).map_err(|error| error.to_string())?;
            found.borrow_mut().push(file.source);
            Ok(Some(value))
        };
        let expanded = picoschema::expand(schema, &named);
        found.into_inner().into_iter().for_each(|file| self.keep(file));
        match expanded {
            Ok(schema) => Some(schema),
            Err(mistake) => {
                self.wrong(&format!("{path}{}", mistake.path), mistake.message, mistake.help);
                None
            }
        }
    }

    fn keep(&mut self, file: SourceFile) {
        if !self.files.contains(&file) {
            self.files.push(file);
        }
    }

    fn output(&mut self, table: &Map<String, Value>) -> Option<OutputFormat> {
        let schema = self.schema(table, "output/schema");
        let format = match table.get("format") {
            None | Some(Value::Null) => None,
            Some(Value::String(format)) => Some(format.clone()),
            Some(_) => {
                self.wrong("output/format", "`format` is not a text", "write `format: json` or `format: text`");
                None
            }
        };
        (schema.is_some() || format.is_some()).then_some(OutputFormat { format, schema })
    }

    fn tools(&mut self, tools: Option<&Value>) -> Vec<Value> {
        let help = "write a list; each item is `{name, description, inputSchema}` or the name of a `<name>.tool.json` beside the prompt";
        match tools {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(tools)) => {
                let tool = |(index, tool): (usize, &Value)| self.tool(tool, &format!("tools/{index}"), help);
                tools.iter().enumerate().filter_map(tool).collect()
            }
            Some(_) => {
                self.wrong("tools", "`tools` is not a list", help);
                Vec::new()
            }
        }
    }

    fn tool(&mut self, tool: &Value, path: &str, help: &str) -> Option<Value> {
        match tool {
            Value::String(name) => self.tool_file(name, path, help),
            Value::Object(tool) if tool.get("name").is_some_and(Value::is_string) => {
                let mut tool = tool.clone();
                for key in ["inputSchema", "outputSchema"] {
                    if let Some(schema) = tool.get(key).cloned() {
                        let expanded = self.expanded(&schema, &format!("{path}/{key}"))?;
                        tool.insert(key.to_owned(), expanded);
                    }
                }
                Some(Value::Object(tool))
            }
            _ => {
                self.wrong(path, "a tool without a name", help);
                None
            }
        }
    }

    fn tool_file(&mut self, name: &str, path: &str, help: &str) -> Option<Value> {
        let file_name = if name.ends_with(".json") { name.to_owned() } else { format!("{name}.tool.json") };
        let file = match self.shelf.read(&file_name) {
            Ok(Some(file)) => file,
            Ok(None) => {
                let known = self.shelf.names_with(".tool.json");
                let near =
                    nearest(name, known.iter().map(String::as_str)).map(|near| format!("did you mean `{near}`? "));
                self.wrong(
                    path,
                    format!("there is no `{file_name}` beside the prompt"),
                    format!("{}{help}", near.unwrap_or_default()),
                );
                return None;
            }
            Err(error) => {
                self.mistakes.push(error);
                return None;
            }
        };
        match serde_json::from_str::<Value>(file.text()) {
            Ok(tool @ Value::Object(_)) if tool.get("name").is_some_and(Value::is_string) => {
                self.keep(file.source);
                Some(tool)
            }
            Ok(_) => {
                self.mistakes.push(file.mistake(0, "a tool is an object with a name").help(help));
                None
            }
            Err(error) => {
                let place = Location {
                    file: file.shown.clone(),
                    line: error.line() as u32,
                    column: error.column().max(1) as u32,
                };
                self.mistakes.push(Diagnostic::new(format!("the tool does not read: {error}")).at(place).help(help));
                None
            }
        }
    }

    fn answer(&mut self, raw: &Map<String, Value>) -> Option<crate::assertion::ExtractSpec> {
        let (path, value) = match raw.get("promptgate.answer") {
            Some(value) => ("promptgate.answer", value),
            None => ("promptgate/answer", raw.get("promptgate")?.get("answer")?),
        };
        let place = |below: &str| match below {
            "" => self.places.of(path),
            _ => self.places.of(&format!("{path}/{}", below.replace('.', "/"))),
        };
        match extract_spec(value, place) {
            Ok(spec) => Some(spec),
            Err(mistake) => {
                self.mistakes.push(mistake);
                None
            }
        }
    }
}

/// A mistake at a key of the front matter, its line shown.
fn at_key(file: &File, places: &Places, path: &str, message: impl Into<String>) -> Diagnostic {
    let at = places.of(path).unwrap_or_else(|| Location::of_line(&file.shown, 1));
    let line = file.text().lines().nth(at.line as usize - 1);
    let diagnostic = Diagnostic::new(message).at(at);
    match line {
        Some(line) => diagnostic.excerpt(line),
        None => diagnostic,
    }
}

/// Keys with a dot: the last segment below what stands before it.
fn extensions(raw: &Map<String, Value>) -> Map<String, Value> {
    let mut extensions = Map::new();
    for (key, value) in raw {
        if let Some((space, name)) = key.rsplit_once('.') {
            let table = extensions.entry(space).or_insert_with(|| json!({}));
            table[name] = value.clone();
        }
    }
    extensions
}

/// What we ask of front matter beyond the format: a model that names its provider, no slips in keys.
pub fn house_rules(file: &File, front: &Front) -> Diagnostics {
    let mut mistakes = Diagnostics::default();
    let raw = &front.matter.raw;
    let mut wrong = |path: &str, message: String, help: String| {
        mistakes.push(at_key(file, &front.places, path, message).help(help));
    };
    match raw.get("model") {
        None | Some(Value::Null) => {}
        Some(Value::String(model)) => {
            if let Err(error) = ModelId::new(model) {
                wrong("model", error.to_string(), "name the provider, as in `openai/gpt-4.1-mini`".to_owned());
            }
        }
        Some(_) => wrong("model", "`model` is not a text".to_owned(), "write `model: openai/gpt-4.1-mini`".to_owned()),
    }
    for key in raw.keys() {
        if let Some((message, help)) = slip(key) {
            wrong(key, message, help);
        }
    }
    let tables = [("promptgate", &OWN_KEYS[..]), ("input", &["default", "schema"]), ("output", &["format", "schema"])];
    for (table, known) in tables {
        let Some(Value::Object(map)) = raw.get(table) else { continue };
        for key in map.keys().filter(|key| !known.contains(&key.as_str())) {
            let help = crate::nearest::did_you_mean(key, known.iter().copied());
            wrong(&format!("{table}/{key}"), format!("`{table}` has no key `{key}`"), help);
        }
    }
    mistakes
}

/// Why a key is a mistake: one of ours that does not exist, or nearly one of Dotprompt's. Any other is carried along.
fn slip(key: &str) -> Option<(String, String)> {
    if let Some(own) = key.strip_prefix("promptgate.") {
        let known = OWN_KEYS.contains(&own);
        return (!known).then(|| (format!("there is no key `{key}`"), crate::nearest::did_you_mean(key, OWN_NAMES)));
    }
    if key.contains('.') || key == "promptgate" || KEYS.contains(&key) {
        return None;
    }
    let near = nearest(key, KEYS.into_iter().filter(|known| known.len() > 3))?;
    let help = format!("did you mean `{near}`? Keys of your own have a dot, such as `team.{key}`");
    Some((format!("there is no key `{key}`"), help))
}

const OWN_NAMES: [&str; 1] = ["promptgate.answer"];
