//! A compiled template: the `handlebars` engine with Dotprompt's helpers, bounded, and with structure that no value can
//! forge.
//!
//! The engine writes one text, so helpers that make structure (`role`, `history`, `media`, `section`) write a marker into
//! it. The marker is one character, chosen anew for each rendering so that it occurs in no template, no literal and no
//! value: what is one character cannot come about by joining texts that lack it. What stands between two markers is
//! therefore a value as it is, and the text is cut at markers, never searched for words.
//!
//! Before the engine sees a parsed template it is rewritten: every inserted value goes through `insert`, which writes
//! text and numbers and refuses lists and tables (implementations print those differently); `@name` is looked up in the
//! context from any depth; and bodies that may repeat charge the rendering's fuel.

use std::cell::Cell;
use std::collections::{BTreeSet, HashMap};

use handlebars::template::{DecoratorTemplate, HelperTemplate, Parameter, Subexpression, TemplateElement};
use handlebars::{
    Context, Handlebars, Helper, HelperDef, HelperResult, Output, Path, RenderContext, RenderError as EngineError,
    RenderErrorReason, Renderable, ScopedJson, Template as EngineTemplate, TemplateError,
};
use serde_json::{Map, Value};

use super::marked::{Mark, Marked};

/// The most a rendering may write.
pub const MAX_OUTPUT: usize = 16 << 20;
/// The work a rendering may do, in steps: one for each element of the template, and one for so many bytes that are
/// copied or written as JSON.
const FUEL: u64 = 500_000;
const BYTES_PER_STEP: u64 = 64;
/// Inside a partial the engine copies every value it looks at. What that may come to is charged by the size of the input.
const LOOKED_AT_PER_STEP: u64 = 4096;
/// What the engine calls the prompt's own template; no partial can be called so.
pub const MAIN: &str = "(main)";
/// Where the input and the context stand in the data the engine sees.
const INPUT: &str = "input";
const CONTEXT: &str = "context";

/// The helpers a template may use: those of Handlebars itself, and Dotprompt's.
pub const HELPERS: [&str; 12] = [
    "each",
    "history",
    "if",
    "ifEquals",
    "json",
    "lookup",
    "media",
    "role",
    "section",
    "unless",
    "unlessEquals",
    "with",
];
/// The helpers that make structure.
pub const STRUCTURAL: [&str; 4] = ["history", "media", "role", "section"];
/// What the engine brings along and other implementations do not have.
const FOREIGN: [&str; 13] = ["raw", "log", "eq", "ne", "gt", "gte", "lt", "lte", "and", "or", "not", "len", "inline"];

thread_local! {
    /// Marker, fuel and size of the input of the rendering under way on this thread. Helpers get no state of their own from the
    /// engine, and one rendering never runs inside another.
    static STATE: Cell<(char, u64, u64)> = const { Cell::new(('\0', 0, 0)) };
}

/// A template with its partials, ready to render from any thread.
#[derive(Debug)]
pub struct Template {
    registry: Handlebars<'static>,
    /// Markers that the texts or their literals hold, and that are therefore never chosen.
    taken: BTreeSet<char>,
}

/// Where a rendering failed, and why.
#[derive(Debug)]
pub struct Failure {
    /// The partial it failed in, or [`MAIN`].
    pub template: String,
    /// Line and column of the tag in that text, from 1.
    pub position: Option<(usize, usize)>,
    /// What happened.
    pub message: String,
    /// What to do.
    pub help: String,
}

impl Template {
    /// Compiles the prompt's text (under [`MAIN`]) and its partials. `literals` are the quoted texts in all of them,
    /// unescaped.
    pub fn compile<'a>(
        texts: impl IntoIterator<Item = (&'a str, &'a str)>,
        literals: &[String],
    ) -> Result<Self, (String, TemplateError)> {
        let mut registry = Handlebars::new();
        registry.register_escape_fn(handlebars::no_escape);
        FOREIGN.iter().for_each(|name| registry.unregister_helper(name));
        register_helpers(&mut registry);
        let mut taken: BTreeSet<char> = literals.iter().flat_map(|literal| candidates_in(literal)).collect();
        for (name, text) in texts {
            taken.extend(candidates_in(text));
            let compiled = EngineTemplate::compile_with_name(text, name.to_owned());
            let mut template = compiled.map_err(|error| (name.to_owned(), error))?;
            let in_partial = name != MAIN;
            rewrite(&mut template, in_partial);
            if in_partial {
                charge(&mut template, Body::Partial);
            }
            registry.register_template(name, template);
        }
        Ok(Self { registry, taken })
    }

    /// Renders an input with `@`-values into marked text.
    pub fn render(&self, input: Map<String, Value>, context: Map<String, Value>) -> Result<Marked, Failure> {
        let data = Value::Object(Map::from_iter([
            (INPUT.to_owned(), Value::Object(input)),
            (CONTEXT.to_owned(), Value::Object(context)),
        ]));
        let marker = self.free_marker(&data)?;
        let size = weight(&data);
        STATE.set((marker, FUEL, size));
        let mut output = Bounded { text: String::with_capacity(4096) };
        let context = Context::from(data);
        let mut scope = RenderContext::new(None);
        if let Some(block) = scope.block_mut() {
            block.base_path_mut().push(INPUT.to_owned());
        }
        let Some(template) = self.registry.get_template(MAIN) else { return Ok(Marked::new(String::new(), marker)) };
        template.render(&self.registry, &context, &mut scope, &mut output).map_err(failure)?;
        Ok(Marked::new(output.text, marker))
    }

    /// The first candidate that occurs nowhere.
    fn free_marker(&self, data: &Value) -> Result<char, Failure> {
        let mut free = candidates().filter(|candidate| !self.taken.contains(candidate));
        match free.next() {
            Some(first) if !occurs(first, data) => return Ok(first),
            _ => {}
        }
        let mut taken = BTreeSet::new();
        collect_candidates(data, &mut taken);
        free.find(|candidate| !taken.contains(candidate)).ok_or_else(|| Failure {
            template: MAIN.to_owned(),
            position: None,
            message: "the values hold every private-use character of Unicode".to_owned(),
            help: "remove some of them".to_owned(),
        })
    }
}

/// Characters without a meaning of their own: noncharacters first, then the private-use planes.
fn candidates() -> impl Iterator<Item = char> {
    ('\u{fdd0}'..='\u{fdef}').chain('\u{f0000}'..='\u{ffffd}').chain('\u{100000}'..='\u{10fffd}')
}

fn is_candidate(c: char) -> bool {
    matches!(c, '\u{fdd0}'..='\u{fdef}' | '\u{f0000}'..='\u{ffffd}' | '\u{100000}'..='\u{10fffd}')
}

fn candidates_in(text: &str) -> impl Iterator<Item = char> + '_ {
    text.chars().filter(|c| is_candidate(*c))
}

fn occurs(marker: char, data: &Value) -> bool {
    match data {
        Value::String(text) => text.contains(marker),
        Value::Array(items) => items.iter().any(|item| occurs(marker, item)),
        Value::Object(map) => map.iter().any(|(key, value)| key.contains(marker) || occurs(marker, value)),
        _ => false,
    }
}

fn collect_candidates(data: &Value, taken: &mut BTreeSet<char>) {
    match data {
        Value::String(text) => taken.extend(candidates_in(text)),
        Value::Array(items) => items.iter().for_each(|item| collect_candidates(item, taken)),
        Value::Object(map) => {
            for (key, value) in map {
                taken.extend(candidates_in(key));
                collect_candidates(value, taken);
            }
        }
        _ => {}
    }
}

/// About how many bytes a value takes; what copying it costs.
fn weight(data: &Value) -> u64 {
    match data {
        Value::String(text) => 16 + text.len() as u64,
        Value::Array(items) => 16 + items.iter().map(weight).sum::<u64>(),
        Value::Object(map) => 16 + map.iter().map(|(key, value)| key.len() as u64 + weight(value)).sum::<u64>(),
        _ => 16,
    }
}

/// Rewrites a parsed template for the engine; see the head of the module.
fn rewrite(template: &mut EngineTemplate, in_partial: bool) {
    for element in &mut template.elements {
        match element {
            TemplateElement::Expression(helper) | TemplateElement::HtmlExpression(helper) => {
                rewrite_helper(helper, in_partial);
                through_insert(helper);
            }
            TemplateElement::HelperBlock(helper) => rewrite_helper(helper, in_partial),
            TemplateElement::PartialExpression(partial)
            | TemplateElement::PartialBlock(partial)
            | TemplateElement::DecoratorExpression(partial)
            | TemplateElement::DecoratorBlock(partial) => rewrite_decorator(partial),
            _ => {}
        }
    }
}

fn rewrite_helper(helper: &mut HelperTemplate, in_partial: bool) {
    rewrite_parameter(&mut helper.name);
    rewrite_arguments(&mut helper.params, &mut helper.hash);
    helper.template.iter_mut().chain(helper.inverse.iter_mut()).for_each(|body| rewrite(body, in_partial));
    if helper.block && named(&helper.name) == Some("each") {
        let kind = if in_partial { Body::LoopInPartial } else { Body::Loop };
        helper.template.iter_mut().for_each(|body| charge(body, kind));
    }
}

fn rewrite_decorator(decorator: &mut DecoratorTemplate) {
    rewrite_arguments(&mut decorator.params, &mut decorator.hash);
    if let Some(body) = &mut decorator.template {
        rewrite(body, true);
        charge(body, Body::Partial);
    }
}

fn rewrite_arguments(params: &mut [Parameter], hash: &mut HashMap<String, Parameter>) {
    params.iter_mut().chain(hash.values_mut()).for_each(rewrite_parameter);
}

fn rewrite_parameter(parameter: &mut Parameter) {
    match parameter {
        Parameter::Path(path) => {
            if let Some(moved) = moved(path) {
                *path = moved;
            }
        }
        Parameter::Subexpression(inner) => {
            if let TemplateElement::Expression(helper) = inner.element.as_mut() {
                rewrite_helper(helper, false);
            }
        }
        _ => {}
    }
}

/// Where `@root` and `@name` are in our data; other paths stay. The engine knows `@name` of the innermost block alone,
/// and drops what follows a dot.
fn moved(path: &Path) -> Option<Path> {
    let (Path::Relative((_, raw)) | Path::Local((_, _, raw))) = path;
    let rest = raw.strip_prefix('@')?;
    if let Some(below) = rest.strip_prefix("root").filter(|below| below.is_empty() || below.starts_with(['.', '/'])) {
        return Path::parse(&format!("@root/{INPUT}{below}")).ok();
    }
    match path {
        Path::Local((_, name, _)) if matches!(name.as_str(), "index" | "key" | "first" | "last") => None,
        _ => Path::parse(&format!("@root/{CONTEXT}/{}", rest.trim_start_matches("../"))).ok(),
    }
}

fn named(name: &Parameter) -> Option<&str> {
    name.as_name()
}

/// `{{path}}` becomes `{{insert path}}`, `{{lookup a b}}` becomes `{{insert (lookup a b)}}`.
fn through_insert(helper: &mut HelperTemplate) {
    let bare = helper.params.is_empty() && helper.hash.is_empty();
    let name = named(&helper.name).unwrap_or_default();
    if HELPERS.contains(&name) && name != "lookup" {
        return;
    }
    let inserted = match bare {
        true => helper.name.clone(),
        false => {
            let (params, hash) = (std::mem::take(&mut helper.params), std::mem::take(&mut helper.hash));
            Parameter::Subexpression(Subexpression::new(helper.name.clone(), params, hash))
        }
    };
    helper.name = Parameter::Name("insert".to_owned());
    helper.params = vec![inserted];
}

/// A body that may run more than once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Body {
    Loop,
    LoopInPartial,
    Partial,
}

/// Puts a charge for the size of a body in front of it.
fn charge(body: &mut EngineTemplate, kind: Body) {
    let elements = body.elements.len() + 1;
    let (looks, copies) = (kind != Body::Loop, kind == Body::Partial);
    let Ok(tick) = EngineTemplate::compile(&format!("{{{{tick {elements} {looks} {copies}}}}}")) else { return };
    body.elements.splice(0..0, tick.elements);
    body.mapping.splice(0..0, tick.mapping);
}

/// The output of a rendering, capped.
struct Bounded {
    text: String,
}

impl Output for Bounded {
    fn write(&mut self, text: &str) -> Result<(), std::io::Error> {
        if self.text.len() + text.len() > MAX_OUTPUT {
            return Err(std::io::Error::other(TOO_LONG));
        }
        self.text.push_str(text);
        Ok(())
    }
}

const TOO_LONG: &str = "the rendered prompt is longer than 16 MiB";
const TOO_MUCH: &str = "rendering takes too many steps";

fn failure(error: EngineError) -> Failure {
    let (message, help) = match error.reason() {
        RenderErrorReason::IOError(cause) => (cause.to_string(), "shorten the values or the template"),
        RenderErrorReason::Other(message) => (message.clone(), help_for(message)),
        RenderErrorReason::InvalidJsonIndex(key) => (
            format!("a list has no `{key}`"),
            "items of a list are numbered: `items.[0]`; `{{#each items}}` walks them",
        ),
        other => (other.to_string().to_lowercase(), "see the tag it stands in"),
    };
    Failure {
        template: error.template_name.clone().unwrap_or_else(|| MAIN.to_owned()),
        position: error.line_no.zip(error.column_no),
        message,
        help: help.to_owned(),
    }
}

fn help_for(message: &str) -> &'static str {
    match message {
        TOO_MUCH => "loop over less, or take loops out of each other",
        _ if message.contains("is a list") => "write `{{json name}}` for its JSON, or walk it with `{{#each name}}`",
        _ if message.contains("is a table") => "write `{{json name}}` for its JSON, or name a field of it",
        _ => "see the tag it stands in",
    }
}

fn refuse(message: impl Into<String>) -> EngineError {
    RenderErrorReason::Other(message.into()).into()
}

fn register_helpers(registry: &mut Handlebars<'static>) {
    registry.register_helper("insert", Box::new(Insert));
    registry.register_helper("json", Box::new(Json));
    registry.register_helper("tick", Box::new(tick));
    registry.register_helper("role", Box::new(role));
    registry.register_helper("history", Box::new(history));
    registry.register_helper("media", Box::new(media));
    registry.register_helper("section", Box::new(section));
    registry.register_helper("ifEquals", Box::new(Equals { wanted: true }));
    registry.register_helper("unlessEquals", Box::new(Equals { wanted: false }));
}

type Scope<'a, 'reg, 'rc> = &'a mut RenderContext<'reg, 'rc>;

fn spend(amount: u64) -> Result<(), EngineError> {
    let (marker, fuel, size) = STATE.get();
    let left = fuel.checked_sub(amount).ok_or_else(|| refuse(TOO_MUCH))?;
    STATE.set((marker, left, size));
    Ok(())
}

fn tick(
    helper: &Helper<'_>,
    _: &Handlebars<'_>,
    _: &Context,
    _: Scope<'_, '_, '_>,
    _: &mut dyn Output,
) -> HelperResult {
    let is_true = |index: usize| helper.param(index).is_some_and(|flag| flag.value() == &Value::Bool(true));
    let elements = helper.param(0).and_then(|elements| elements.value().as_u64()).unwrap_or(1);
    let (_, _, size) = STATE.get();
    let each = 1 + if is_true(1) { size / LOOKED_AT_PER_STEP } else { 0 };
    spend(elements * each + if is_true(2) { size / BYTES_PER_STEP } else { 0 })
}

fn write_mark(mark: Mark<'_>, out: &mut dyn Output) -> HelperResult {
    mark.write(STATE.get().0, &mut |text| out.write(text))?;
    Ok(())
}

fn role(
    helper: &Helper<'_>,
    _: &Handlebars<'_>,
    _: &Context,
    _: Scope<'_, '_, '_>,
    out: &mut dyn Output,
) -> HelperResult {
    let name = helper.param(0).and_then(|name| name.value().as_str()).unwrap_or_default();
    write_mark(Mark::Role(name), out)
}

fn history(
    _: &Helper<'_>,
    _: &Handlebars<'_>,
    _: &Context,
    _: Scope<'_, '_, '_>,
    out: &mut dyn Output,
) -> HelperResult {
    write_mark(Mark::History, out)
}

fn section(
    helper: &Helper<'_>,
    _: &Handlebars<'_>,
    _: &Context,
    _: Scope<'_, '_, '_>,
    out: &mut dyn Output,
) -> HelperResult {
    let name = helper.param(0).and_then(|name| name.value().as_str()).unwrap_or_default();
    write_mark(Mark::Section(name), out)
}

fn media(
    helper: &Helper<'_>,
    _: &Handlebars<'_>,
    _: &Context,
    _: Scope<'_, '_, '_>,
    out: &mut dyn Output,
) -> HelperResult {
    let text = |key: &str| match helper.hash_get(key).map(|value| value.value()) {
        None | Some(Value::Null) => Ok(""),
        Some(Value::String(text)) => Ok(text.as_str()),
        Some(_) => Err(refuse(format!("`{key}` of media is not a text"))),
    };
    write_mark(Mark::Media { url: text("url")?, content_type: text("contentType")? }, out)
}

/// Writes a value: text as it is, numbers as ECMAScript prints them.
struct Insert;

impl HelperDef for Insert {
    fn call_inner<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        _: &'reg Handlebars<'reg>,
        _: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
    ) -> Result<ScopedJson<'rc>, EngineError> {
        let Some(param) = helper.param(0) else { return Ok(ScopedJson::Missing) };
        let name = || param.relative_path().map_or("the value", String::as_str);
        let text = match param.value() {
            Value::Null => return Ok(ScopedJson::Missing),
            Value::String(text) => text.clone(),
            Value::Bool(flag) => flag.to_string(),
            Value::Number(number) => number_text(number),
            Value::Array(_) => {
                return Err(refuse(format!("`{}` is a list, and lists have no text of their own", shown(name()))));
            }
            Value::Object(_) => {
                return Err(refuse(format!("`{}` is a table, and tables have no text of their own", shown(name()))));
            }
        };
        Ok(ScopedJson::Derived(Value::String(marked_if_blank(text))))
    }
}

/// The path as the user wrote it.
fn shown(path: &str) -> String {
    match path.strip_prefix("@root/context/") {
        Some(rest) => format!("@{rest}"),
        None => path.replacen(&format!("@root/{INPUT}"), "@root", 1),
    }
}

/// A blank value is marked as one, so that the message it stands in is kept: whether a message is sent must not hang on
/// the bytes of a value.
fn marked_if_blank(text: String) -> String {
    if !text.trim().is_empty() {
        return text;
    }
    let mut marked = String::new();
    let Ok(()) = Mark::Value.write::<std::convert::Infallible>(STATE.get().0, &mut |mark| {
        marked.push_str(mark);
        Ok(())
    });
    marked + &text
}

fn number_text(number: &serde_json::Number) -> String {
    match number.as_i64() {
        Some(whole) => whole.to_string(),
        None => serde_json_canonicalizer::to_string(number).unwrap_or_else(|_| number.to_string()),
    }
}

/// `{{json value indent=2}}`.
struct Json;

impl HelperDef for Json {
    fn call_inner<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        _: &'reg Handlebars<'reg>,
        _: &'rc Context,
        _: &mut RenderContext<'reg, 'rc>,
    ) -> Result<ScopedJson<'rc>, EngineError> {
        let Some(param) = helper.param(0).filter(|param| !param.is_value_missing()) else {
            return Ok(ScopedJson::Missing);
        };
        let indent = helper.hash_get("indent").and_then(|indent| indent.value().as_u64()).unwrap_or(0).min(10) as usize;
        let text = super::json::text(param.value(), indent);
        spend(1 + text.len() as u64 / BYTES_PER_STEP)?;
        if text.len() > MAX_OUTPUT {
            return Err(refuse(TOO_LONG));
        }
        Ok(ScopedJson::Derived(Value::String(text)))
    }
}

/// `{{#ifEquals a b}}` and `{{#unlessEquals a b}}`: the same type and the same value.
struct Equals {
    wanted: bool,
}

impl HelperDef for Equals {
    fn call<'reg: 'rc, 'rc>(
        &self,
        helper: &Helper<'rc>,
        registry: &'reg Handlebars<'reg>,
        context: &'rc Context,
        scope: &mut RenderContext<'reg, 'rc>,
        out: &mut dyn Output,
    ) -> HelperResult {
        let equal = match (helper.param(0), helper.param(1)) {
            (Some(left), Some(right)) => {
                spend(1 + weight(left.value()) / BYTES_PER_STEP)?;
                left.is_value_missing() == right.is_value_missing() && same(left.value(), right.value())
            }
            _ => false,
        };
        let branch = if equal == self.wanted { helper.template() } else { helper.inverse() };
        branch.map_or(Ok(()), |branch| branch.render(registry, context, scope, out))
    }
}

fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => left == right || left.as_f64() == right.as_f64(),
        _ => left == right,
    }
}
