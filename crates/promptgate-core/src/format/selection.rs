//! Selections as users write them: a table in a file, a text on the command line.
//!
//! A table holds `tag`, `id` (a glob), dotted paths over the case (`metadata.lang`, written quoted, dotted or nested) and
//! `not = {...}`; a list means any of its values, several keys mean all. On the command line: `tag=vip`, `tag=vip|gold` for
//! any, `!tag=vip` (or `not:tag=vip`) for the opposite; `\|` is a plain `|`.

use super::node::{Entry, Kind, Node};
use super::source::Source;
use crate::diagnostic::Diagnostic;
use crate::nearest::nearest;
use crate::selection::{Condition, IdGlob, Selection};

/// What the first segment of a dotted path may be.
pub(crate) const PATH_ROOTS: [&str; 6] = ["vars", "metadata", "expected", "cluster", "origin", "threshold"];

const SHAPE: &str = "write a table such as { tag = \"vip\" } or { id = \"fr-*\", not = { tag = \"slow\" } }";

/// Reads a table; `owner` is what messages call it: "`when`".
pub(crate) fn of_node(source: &Source<'_>, node: &Node, owner: &str) -> Option<Selection> {
    let Kind::Table(entries) = &node.kind else {
        source.mistake(node.at, format!("{owner} is {}, not a selection", node.what()), SHAPE);
        return None;
    };
    let mut all = Vec::new();
    let read = |whole, entry| condition(source, entry, owner, &mut all).is_some() && whole;
    let whole = entries.iter().fold(true, read);
    if entries.is_empty() {
        let help = format!("leave it out to mean every case, or {SHAPE}");
        source.mistake(node.at, format!("{owner} is empty"), help);
    }
    (whole && !all.is_empty()).then_some(Selection { all })
}

fn condition(source: &Source<'_>, entry: &Entry, owner: &str, all: &mut Vec<Condition>) -> Option<()> {
    match entry.key.as_str() {
        "tag" => all.push(Condition::Tag(texts(source, entry)?)),
        "id" => all.push(Condition::Id(globs(source, entry)?)),
        "not" => all.push(Condition::Not(of_node(source, &entry.value, &format!("`not` in {owner}"))?)),
        key => {
            if let Some(help) = unknown_root(key) {
                source.mistake(entry.at, format!("{owner} has no key `{key}`"), help);
                return None;
            }
            path(source, entry, key, all)?;
        }
    }
    Some(())
}

/// A path, or a table of paths below one.
fn path(source: &Source<'_>, entry: &Entry, path: &str, all: &mut Vec<Condition>) -> Option<()> {
    if path.split('.').any(str::is_empty) {
        source.mistake(entry.at, format!("`{path}` is not a dotted path"), "write one such as \"metadata.lang\"");
        return None;
    }
    match &entry.value.kind {
        Kind::Table(entries) if entries.is_empty() => empty(source, entry),
        Kind::Table(entries) => {
            entries.iter().try_for_each(|below| self::path(source, below, &format!("{path}.{}", below.key), all))
        }
        Kind::List(items) if items.is_empty() => empty(source, entry),
        Kind::List(items) => {
            all.push(Condition::Path(path.to_owned(), items.iter().map(Node::to_value).collect()));
            Some(())
        }
        _ => {
            all.push(Condition::Path(path.to_owned(), vec![entry.value.to_value()]));
            Some(())
        }
    }
}

fn texts(source: &Source<'_>, entry: &Entry) -> Option<Vec<String>> {
    let items = match &entry.value.kind {
        Kind::List(items) if items.is_empty() => return empty(source, entry),
        Kind::List(items) => items.as_slice(),
        _ => std::slice::from_ref(&entry.value),
    };
    items.iter().map(|item| text(source, entry, item)).collect()
}

fn text(source: &Source<'_>, entry: &Entry, item: &Node) -> Option<String> {
    match &item.kind {
        Kind::Text(text) if !text.is_empty() => Some(text.clone()),
        _ => {
            let message = format!(
                "`{}` holds {}",
                entry.key,
                if item.what() == "a text" { "an empty text" } else { item.what() }
            );
            source.mistake(item.at, message, "write a text in quotes, or a list of texts");
            None
        }
    }
}

fn globs(source: &Source<'_>, entry: &Entry) -> Option<Vec<IdGlob>> {
    let glob = |text: String| {
        let help = "`*` is any text, `?` one character, `[0-9]` one of a range, `{a,b}` either; `\\` before a sign takes it as it is";
        IdGlob::new(&text).map_err(|error| source.mistake(entry.value.at, error, help)).ok()
    };
    texts(source, entry)?.into_iter().map(glob).collect()
}

fn empty<T>(source: &Source<'_>, entry: &Entry) -> Option<T> {
    source.mistake(entry.at, format!("`{}` lists nothing, so no case could fit", entry.key), "name at least one value");
    None
}

/// What to write instead, if a path cannot begin like this.
fn unknown_root(path: &str) -> Option<String> {
    let root = path.split('.').next().unwrap_or(path);
    if PATH_ROOTS.contains(&root) {
        return None;
    }
    let known = ["tag", "id", "not"].into_iter().chain(PATH_ROOTS);
    Some(match nearest(root, known) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("known: `tag`, `id`, `not`, and dotted paths such as `metadata.{root}` or `vars.{root}`"),
    })
}

/// Reads one `--filter`; several are joined by [`Selection::all_of`].
pub fn parse_filter(text: &str) -> Result<Selection, Diagnostic> {
    let inner = text.strip_prefix('!').or_else(|| text.strip_prefix("not:"));
    let condition = filter_condition(inner.unwrap_or(text))
        .map_err(|(reason, help)| Diagnostic::new(format!("`{text}` is not a filter: {reason}")).help(help))?;
    let selection = Selection { all: vec![condition] };
    Ok(match inner {
        Some(_) => Selection { all: vec![Condition::Not(selection)] },
        None => selection,
    })
}

fn filter_condition(text: &str) -> Result<Condition, (String, String)> {
    const FORM: &str =
        "write `tag=vip`, `id=fr-*` or a path such as `metadata.lang=de`; `a|b` means any, a leading `!` the opposite";
    let fail = |reason: &str| (reason.to_owned(), FORM.to_owned());
    let (key, values) = text.split_once('=').ok_or_else(|| fail("there is no `=`"))?;
    let values = any_of(values);
    if values.iter().any(String::is_empty) {
        return Err(fail("a value is empty"));
    }
    match key {
        "tag" => Ok(Condition::Tag(values)),
        "id" => {
            let globs = values.iter().map(|glob| IdGlob::new(glob)).collect::<Result<_, _>>();
            Ok(Condition::Id(globs.map_err(|error| fail(&error))?))
        }
        _ if key.ends_with('!') => Err(fail("the `!` stands in front: `!tag=vip`")),
        _ => match unknown_root(key) {
            Some(help) => Err((format!("there is no `{key}`"), help)),
            None if key.split('.').any(str::is_empty) => Err(fail("the path has an empty part")),
            None => Ok(Condition::Path(key.to_owned(), values.into_iter().map(Into::into).collect())),
        },
    }
}

/// Splits at `|`, but not at `\|`.
fn any_of(text: &str) -> Vec<String> {
    let mut values: Vec<String> = Vec::new();
    let mut joins = false;
    for piece in text.split('|') {
        match values.last_mut() {
            Some(last) if joins => {
                last.pop();
                last.push('|');
                last.push_str(piece);
            }
            _ => values.push(piece.to_owned()),
        }
        joins = piece.ends_with('\\');
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::Case;
    use crate::name::CaseId;
    use serde_json::json;

    fn case() -> Case {
        let mut case = Case::new(CaseId::new("fr-12").unwrap());
        case.tags = vec!["vip".into(), "a|b".into()];
        case.metadata = json!({"lang": "fr", "level": 3, "who": ["x", "y"]}).as_object().unwrap().clone();
        case
    }

    fn check_filter(text: &str, selected: bool) {
        assert_eq!(parse_filter(text).unwrap().selects(&case()), selected, "{text}");
    }

    #[test]
    fn a_filter_selects_by_tag_id_and_path_and_may_be_turned_round() {
        check_filter("tag=vip", true);
        check_filter("tag=gold|vip", true);
        check_filter("!tag=vip", false);
        check_filter("not:tag=gold", true);
        check_filter("tag=a\\|b", true);
        check_filter("id=fr-*", true);
        check_filter("id=de-*|fr-13", false);
        check_filter("metadata.level=3", true);
        check_filter("metadata.who=y", true);
        check_filter("metadata.lang=de", false);
    }

    #[test]
    fn a_filter_is_told_as_it_is_typed() {
        for text in ["tag=a\\|b|c", "!tag=slow", "id=fr-*|de-?", "metadata.lang=de|a\\|b"] {
            assert_eq!(parse_filter(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn a_filter_that_cannot_mean_anything_says_what_to_write() {
        for text in ["", "vip", "tag=", "tag=a||b", "id=[", "lang=de", "tags=vip", "tag!=vip", "metadata.=1", "=x"] {
            let error = parse_filter(text).unwrap_err();
            assert!(error.help.is_some(), "{text}");
        }
        assert_eq!(
            parse_filter("tags=vip").unwrap_err().to_string(),
            "`tags=vip` is not a filter: there is no `tags`; did you mean `tag`?"
        );
    }

    fn table(text: &str) -> Result<Selection, String> {
        let source = Source::new("f", text);
        let node = Node::of_toml(&source).unwrap();
        let selection = of_node(&source, &node, "`when`");
        source.finish(selection).map_err(|mistakes| mistakes.to_string())
    }

    fn check_table(text: &str, shown: &str) {
        let selection = table(text).unwrap();
        assert_eq!(selection.to_string(), shown);
        let back: Selection = serde_json::from_str(&serde_json::to_string(&selection).unwrap()).unwrap();
        assert_eq!(back, selection);
    }

    #[test]
    fn a_table_reads_quoted_dotted_and_nested_paths_alike() {
        check_table("tag = \"vip\"", "tag=vip");
        check_table("tag = [\"a\", \"b\"]\nid = \"x*\"", "tag=a|b id=x*");
        check_table("\"metadata.lang\" = \"de\"", "metadata.lang=de");
        check_table("metadata.lang = [\"de\", \"fr\"]", "metadata.lang=de|fr");
        check_table("metadata = { lang = \"de\", level = 3 }", "metadata.lang=de metadata.level=3");
        check_table("not = { tag = \"slow\" }", "!tag=slow");
        check_table("not = { tag = \"slow\", id = \"a\" }", "not(tag=slow id=a)");
    }

    #[test]
    fn a_table_that_selects_nothing_or_everything_is_refused_at_its_place() {
        let error = |text: &str| table(text).unwrap_err();
        insta::assert_snapshot!(error("tags = \"vip\"\ntag = []"), @r"
        f:1:1: `when` has no key `tags`; did you mean `tag`?
        f:2:1: `tag` lists nothing, so no case could fit; name at least one value
        ");
        insta::assert_snapshot!(error("not = {}"), @r#"f:1:7: `not` in `when` is empty; leave it out to mean every case, or write a table such as { tag = "vip" } or { id = "fr-*", not = { tag = "slow" } }"#);
        insta::assert_snapshot!(error("id = \"[a\""), @r"f:1:6: `[a` is not a glob: unclosed character class; missing ']'; `*` is any text, `?` one character, `[0-9]` one of a range, `{a,b}` either; `\` before a sign takes it as it is");
        insta::assert_snapshot!(error("colour = 1"), @"f:1:1: `when` has no key `colour`; known: `tag`, `id`, `not`, and dotted paths such as `metadata.colour` or `vars.colour`");
        insta::assert_snapshot!(error("tag = 3"), @"f:1:7: `tag` holds a number; write a text in quotes, or a list of texts");
    }
}
