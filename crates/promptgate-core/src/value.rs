//! The values of assertions as templates: `"{{expected.queue}}"` takes what the case expects. Only dotted paths over
//! `expected` and `vars`; no helpers, no blocks, and what is inserted is never expanded again.

use std::fmt;

use serde_json::{Map, Value};

use crate::case::{Case, walk};
use crate::nearest::did_you_mean;

/// A value that may name parts of a case, at any depth of lists and tables.
#[derive(Debug, Clone, PartialEq)]
pub struct Template(Node);

#[derive(Debug, Clone, PartialEq)]
enum Node {
    /// Nothing to insert.
    Constant(Value),
    /// Exactly one `{{path}}`: the JSON value itself.
    Whole(Path),
    /// Text around paths.
    Text(Vec<Piece>),
    List(Vec<Node>),
    Table(Vec<(String, Node)>),
}

#[derive(Debug, Clone, PartialEq)]
enum Piece {
    Literal(String),
    Insert(Path),
}

/// A dotted path into `expected` or `vars`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Path {
    /// As written, without white space.
    text: String,
    of: Root,
    /// What stands behind the root; empty for the root itself.
    rest: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Root {
    Expected,
    Vars,
}

/// A path that a case does not define.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{{{{{path}}}}}` is not defined for case `{case}`")]
pub struct UndefinedName {
    /// The path as written.
    pub path: String,
    /// The case.
    pub case: String,
    /// The names that are defined where the path broke off.
    pub known: Vec<String>,
}

impl UndefinedName {
    /// What to do: the nearest defined name, or all of them.
    pub fn help(&self) -> String {
        let last = self.path.rsplit('.').next().unwrap_or(&self.path);
        match self.known.as_slice() {
            [] => "add it to the case, or give the assertion a `when` that leaves the case out".to_owned(),
            known => did_you_mean(last, known.iter().map(String::as_str)),
        }
    }
}

impl Template {
    /// Reads a value. The error says what is wrong with which text, and what to write instead.
    pub fn parse(value: &Value) -> Result<Self, String> {
        node(value).map(Self)
    }

    /// The value itself, where nothing is to be inserted.
    pub fn constant(&self) -> Option<&Value> {
        match &self.0 {
            Node::Constant(value) => Some(value),
            _ => None,
        }
    }

    /// The paths it names, as written.
    pub fn paths(&self) -> Vec<&str> {
        let mut found = Vec::new();
        self.0.collect(&mut found);
        found
    }

    /// The value for one case.
    pub fn resolve(&self, case: &Case) -> Result<Value, UndefinedName> {
        self.0.resolve(case)
    }
}

fn node(value: &Value) -> Result<Node, String> {
    Ok(match value {
        Value::String(text) => text_node(text)?,
        Value::Array(items) => {
            let nodes = items.iter().map(node).collect::<Result<Vec<_>, _>>()?;
            if nodes.iter().all(Node::is_constant) { constant_list(nodes) } else { Node::List(nodes) }
        }
        Value::Object(map) => {
            let nodes = map.iter().map(|(key, value)| Ok((key.clone(), node(value)?)));
            let nodes = nodes.collect::<Result<Vec<_>, String>>()?;
            if nodes.iter().all(|(_, node)| node.is_constant()) { constant_table(nodes) } else { Node::Table(nodes) }
        }
        other => Node::Constant(other.clone()),
    })
}

// Rebuilt from the parsed nodes, not taken as written: an escaped `\{{` has become `{{`.
fn constant_list(nodes: Vec<Node>) -> Node {
    Node::Constant(nodes.into_iter().filter_map(Node::into_constant).collect())
}

fn constant_table(nodes: Vec<(String, Node)>) -> Node {
    let entries = nodes.into_iter().filter_map(|(key, node)| Some((key, node.into_constant()?)));
    Node::Constant(Value::Object(entries.collect()))
}

fn text_node(text: &str) -> Result<Node, String> {
    let mut pieces = pieces(text)?;
    Ok(match pieces.as_mut_slice() {
        [] => Node::Constant(Value::String(String::new())),
        [Piece::Literal(literal)] => Node::Constant(Value::String(std::mem::take(literal))),
        [Piece::Insert(path)] => Node::Whole(path.clone()),
        _ => Node::Text(pieces),
    })
}

fn pieces(text: &str) -> Result<Vec<Piece>, String> {
    let mut pieces = Vec::new();
    let mut literal = String::new();
    let mut rest = text;
    while let Some(open) = rest.find("{{") {
        if let Some(before) = rest[..open].strip_suffix('\\') {
            literal.push_str(before);
            literal.push_str("{{");
            rest = &rest[open + 2..];
            continue;
        }
        literal.push_str(&rest[..open]);
        let inside = &rest[open + 2..];
        let close = inside.find("}}").ok_or_else(|| {
            format!("`{{{{` without `}}}}` in `{text}`; write `\\{{{{` for two braces that are meant as they are")
        })?;
        if !literal.is_empty() {
            pieces.push(Piece::Literal(std::mem::take(&mut literal)));
        }
        pieces.push(Piece::Insert(path(&inside[..close])?));
        rest = &inside[close + 2..];
    }
    literal.push_str(rest);
    if !literal.is_empty() {
        pieces.push(Piece::Literal(literal));
    }
    Ok(pieces)
}

fn path(written: &str) -> Result<Path, String> {
    let text = written.trim();
    let allowed = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '$');
    if !text.split('.').all(|segment| !segment.is_empty() && segment.chars().all(allowed)) {
        return Err(format!(
            "`{{{{{written}}}}}` is not a dotted path: only names such as `{{{{expected.queue}}}}` or `{{{{email}}}}` stand \
             here, no helpers and no blocks; write `\\{{{{` for two braces that are meant as they are"
        ));
    }
    let (head, tail) = text.split_once('.').unwrap_or((text, ""));
    let (of, rest) = match head {
        "expected" => (Root::Expected, tail),
        "vars" => (Root::Vars, tail),
        _ => (Root::Vars, text),
    };
    Ok(Path { text: text.to_owned(), of, rest: rest.to_owned() })
}

impl Node {
    fn is_constant(&self) -> bool {
        matches!(self, Self::Constant(_))
    }

    fn into_constant(self) -> Option<Value> {
        match self {
            Self::Constant(value) => Some(value),
            _ => None,
        }
    }

    fn collect<'a>(&'a self, found: &mut Vec<&'a str>) {
        match self {
            Self::Constant(_) => {}
            Self::Whole(path) => found.push(&path.text),
            Self::Text(pieces) => found.extend(pieces.iter().filter_map(Piece::path)),
            Self::List(nodes) => nodes.iter().for_each(|node| node.collect(found)),
            Self::Table(nodes) => nodes.iter().for_each(|(_, node)| node.collect(found)),
        }
    }

    fn resolve(&self, case: &Case) -> Result<Value, UndefinedName> {
        Ok(match self {
            Self::Constant(value) => value.clone(),
            Self::Whole(path) => path.of(case)?.into_owned(),
            Self::Text(pieces) => {
                let mut text = String::new();
                for piece in pieces {
                    piece.write(case, &mut text)?;
                }
                Value::String(text)
            }
            Self::List(nodes) => nodes.iter().map(|node| node.resolve(case)).collect::<Result<_, _>>()?,
            Self::Table(nodes) => {
                let entries = nodes.iter().map(|(key, node)| Ok((key.clone(), node.resolve(case)?)));
                Value::Object(entries.collect::<Result<Map<_, _>, UndefinedName>>()?)
            }
        })
    }
}

impl Piece {
    fn path(&self) -> Option<&str> {
        match self {
            Self::Literal(_) => None,
            Self::Insert(path) => Some(&path.text),
        }
    }

    fn write(&self, case: &Case, text: &mut String) -> Result<(), UndefinedName> {
        match self {
            Self::Literal(literal) => text.push_str(literal),
            Self::Insert(path) => {
                let value = path.of(case)?;
                text.push_str(&as_text(&value));
            }
        }
        Ok(())
    }
}

/// A value inside a text: text as it is, anything else as compact JSON.
fn as_text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

impl Path {
    fn of<'a>(&self, case: &'a Case) -> Result<std::borrow::Cow<'a, Value>, UndefinedName> {
        use std::borrow::Cow;
        let found = match self.of {
            // A case that expects nothing and one that says `null` are the same: there is nothing to compare with.
            Root::Expected if case.expected.is_null() => None,
            Root::Expected if self.rest.is_empty() => Some(Cow::Borrowed(&case.expected)),
            Root::Expected => walk(&case.expected, &self.rest).map(Cow::Borrowed),
            Root::Vars if self.rest.is_empty() => Some(Cow::Owned(Value::Object(case.vars.clone()))),
            Root::Vars => {
                let (head, tail) = self.rest.split_once('.').unwrap_or((&self.rest, ""));
                let value = case.vars.get(head);
                if tail.is_empty() { value } else { value.and_then(|value| walk(value, tail)) }.map(Cow::Borrowed)
            }
        };
        found.ok_or_else(|| self.undefined(case))
    }

    fn undefined(&self, case: &Case) -> UndefinedName {
        UndefinedName { path: self.text.clone(), case: case.id.to_string(), known: self.siblings(case) }
    }

    /// The names beside the one that is missing.
    fn siblings(&self, case: &Case) -> Vec<String> {
        let parent = self.rest.rsplit_once('.').map_or("", |(parent, _)| parent);
        let names = |map: &Map<String, Value>| map.keys().cloned().collect();
        let within = |value: &Value| value.as_object().map(names);
        let found = match (self.of, parent) {
            (Root::Vars, "") => Some(names(&case.vars)),
            (Root::Expected, "") => within(&case.expected),
            (Root::Vars, parent) => {
                let (head, tail) = parent.split_once('.').unwrap_or((parent, ""));
                let value = case.vars.get(head);
                if tail.is_empty() { value } else { value.and_then(|value| walk(value, tail)) }.and_then(within)
            }
            (Root::Expected, parent) => walk(&case.expected, parent).and_then(within),
        };
        found.unwrap_or_default()
    }
}

impl fmt::Display for Template {
    /// As written, near enough for a message: the paths in place.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Constant(value) => f.write_str(&as_text(value)),
            Self::Whole(path) => write!(f, "{{{{{}}}}}", path.text),
            Self::Text(pieces) => pieces.iter().try_for_each(|piece| match piece {
                Piece::Literal(literal) => f.write_str(literal),
                Piece::Insert(path) => write!(f, "{{{{{}}}}}", path.text),
            }),
            Self::List(nodes) => {
                let texts: Vec<String> = nodes.iter().map(ToString::to_string).collect();
                write!(f, "[{}]", texts.join(", "))
            }
            Self::Table(nodes) => {
                let texts: Vec<String> = nodes.iter().map(|(key, node)| format!("{key}: {node}")).collect();
                write!(f, "{{{}}}", texts.join(", "))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::name::CaseId;
    use serde_json::json;

    fn case() -> Case {
        let mut case = Case::new(CaseId::new("c1").unwrap());
        case.vars =
            json!({"email": "hi {{expected.queue}}", "n": 3, "user": {"name": "Ada"}}).as_object().unwrap().clone();
        case.expected = json!({"queue": "billing", "items": [1, {"k": true}], "none": null});
        case
    }

    fn check(template: Value, expected: Value) {
        assert_eq!(Template::parse(&template).unwrap().resolve(&case()).unwrap(), expected, "{template}");
    }

    #[test]
    fn exactly_one_path_is_the_value_itself_and_anything_else_is_text() {
        check(json!("{{expected.items}}"), json!([1, {"k": true}]));
        check(json!("{{ expected.queue }}"), json!("billing"));
        check(json!("{{expected.items.1.k}}"), json!(true));
        check(json!("{{expected.none}}"), json!(null));
        check(json!(" {{n}}"), json!(" 3"));
        check(json!("{{n}} of {{expected.items}}"), json!("3 of [1,{\"k\":true}]"));
        check(json!("{{vars.user.name}}, {{user.name}}"), json!("Ada, Ada"));
        check(json!({"a": ["{{n}}", "x"], "b": 1}), json!({"a": [3, "x"], "b": 1}));
    }

    #[test]
    fn what_is_inserted_is_never_expanded_again() {
        check(json!("{{email}}"), json!("hi {{expected.queue}}"));
        check(json!("> {{email}}"), json!("> hi {{expected.queue}}"));
    }

    #[test]
    fn escaped_and_closing_braces_stay_as_they_are() {
        check(json!("\\{{n}} and }} and {"), json!("{{n}} and }} and {"));
        check(json!(["\\{{n}}"]), json!(["{{n}}"]));
    }

    #[test]
    fn a_name_the_case_does_not_define_is_an_error_that_names_it() {
        let undefined = |text: &str| Template::parse(&json!(text)).unwrap().resolve(&case()).unwrap_err();
        let error = undefined("{{expected.queu}}");
        assert_eq!(error.to_string(), "`{{expected.queu}}` is not defined for case `c1`");
        assert_eq!(error.help(), "did you mean `queue`?");
        assert_eq!(undefined("a {{mail}} b").help(), "did you mean `email`?");
        assert_eq!(undefined("{{user.nam}}").known, ["name"]);
        let mut bare = case();
        bare.expected = Value::Null;
        assert!(Template::parse(&json!("{{expected}}")).unwrap().resolve(&bare).is_err());
    }

    #[test]
    fn helpers_blocks_and_open_braces_are_refused() {
        for text in ["{{#if a}}", "{{a b}}", "{{{a}}}", "{{}}", "{{a..b}}", "{{a", "{{../a}}", "{{a|upper}}"] {
            assert!(Template::parse(&json!(text)).is_err(), "{text}");
        }
    }
}
