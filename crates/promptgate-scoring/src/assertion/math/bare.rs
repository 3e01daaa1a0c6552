//! What stands around a formula in an answer and is no part of it: delimiters, emphasis, boxes, units.

use super::token::{Placed, Token};

/// The text without what only marks it as an answer.
pub(super) fn unwrapped(text: &str) -> &str {
    let mut bare = text.trim();
    loop {
        let stripped = stripped(bare).trim();
        if stripped.len() == bare.len() {
            return bare;
        }
        bare = stripped;
    }
}

/// Environments that only set lines of formulas.
const ENVIRONMENTS: [&str; 6] = ["aligned", "align", "align*", "equation", "equation*", "gathered"];

/// What stands in an environment of a single line.
fn only_line<'t>(text: &'t str, environment: &str) -> Option<&'t str> {
    let rest = text.strip_prefix("\\begin{")?.strip_prefix(environment)?.strip_prefix('}')?;
    let line = rest.strip_suffix('}')?.strip_suffix(environment)?.strip_suffix("\\end{")?;
    (!line.contains("\\\\") && !line.contains("\\begin")).then_some(line)
}

fn stripped(text: &str) -> &str {
    let text = text.strip_suffix('.').unwrap_or(text);
    for (open, close) in [("$$", "$$"), ("$", "$"), ("\\(", "\\)"), ("\\[", "\\]"), ("**", "**"), ("`", "`")] {
        if let Some(inner) = text.strip_prefix(open).and_then(|rest| rest.strip_suffix(close))
            && !inner.contains(open)
        {
            return inner;
        }
    }
    if let Some(line) = ENVIRONMENTS.iter().find_map(|name| only_line(text, name)) {
        return line;
    }
    for open in ["\\boxed", "\\fbox"] {
        if let Some(rest) = text.strip_prefix(open).map(str::trim_start)
            && rest.starts_with('{')
            && closing_brace(rest) == Some(rest.len() - 1)
        {
            return &rest[1..rest.len() - 1];
        }
    }
    text
}

/// Where the brace closes that a text begins with.
fn closing_brace(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(at);
        }
    }
    None
}

/// A unit at the end is left out: a text, which may be raised to a power. A text that is all there is stays.
pub(super) fn drop_unit(found: &mut Vec<Placed>) {
    let Some(at) = found.iter().rposition(|(token, _)| matches!(token, Token::Text(_))) else { return };
    let is_power = |rest: &[Placed]| {
        matches!(rest, [] | [(Token::Power, _), (Token::Number(_), _)])
            || matches!(rest, [(Token::Power, _), (Token::Open('{'), _), (Token::Number(_), _), (Token::Close('}'), _)])
    };
    if let [(Token::Text(text), _)] = found.as_mut_slice() {
        // `\text{(A)}` is the same choice as `A`.
        let bare = text.trim_matches(['(', ')']);
        *text = bare.to_owned();
    }
    if at > 0 && is_power(&found[at + 1..]) {
        found.truncate(at);
        drop_unit(found);
    }
}
