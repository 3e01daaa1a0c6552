//! Patterns a user writes: the linear-time engine only, with bounds on length, nesting and compiled size, so that no
//! pattern and no output can make a run hang.

use regex::{Regex, RegexBuilder};

/// The longest pattern, in bytes.
const MAX_LENGTH: usize = 4_096;
/// The largest compiled program, in bytes. Search time grows with it: what fits stays well under a second a megabyte.
const MAX_COMPILED: usize = 256 << 10;
/// The most memory a lazily built automaton may take, in bytes.
const MAX_AUTOMATON: usize = 2 << 20;
/// The deepest nesting.
const MAX_NESTING: u32 = 50;

/// Compiles a pattern. `flags` are those that may stand in `(?flags)`.
pub(crate) fn compile(pattern: &str, flags: &str) -> Result<Regex, String> {
    if pattern.len() > MAX_LENGTH {
        return Err(format!("is {} bytes long; at most {MAX_LENGTH} are allowed", pattern.len()));
    }
    let mut builder = RegexBuilder::new(pattern);
    builder.size_limit(MAX_COMPILED).dfa_size_limit(MAX_AUTOMATON).nest_limit(MAX_NESTING);
    for flag in flags.chars() {
        match flag {
            'i' => builder.case_insensitive(true),
            'm' => builder.multi_line(true),
            's' => builder.dot_matches_new_line(true),
            'x' => builder.ignore_whitespace(true),
            other => return Err(format!("has the flag `{other}`; known: `i`, `m`, `s`, `x`")),
        };
    }
    builder.build().map_err(|error| explained(&error))
}

fn explained(error: &regex::Error) -> String {
    match error {
        regex::Error::CompiledTooBig(_) => {
            "is too large once compiled; use smaller repetitions, and `[0-9]` or `[A-Za-z0-9_]` \
            in place of `\\d` or `\\w`, which mean all of Unicode"
                .to_owned()
        }
        other => format!("cannot be read: {}", last_line(&other.to_string())),
    }
}

/// The engine draws the pattern over several lines; the reason stands on the last one.
fn last_line(message: &str) -> String {
    let reason = message.lines().last().unwrap_or(message).trim_start_matches("error: ");
    match reason.contains("look-around") || reason.contains("backreferences") {
        true => format!("{reason}; patterns run in linear time, which leaves these out"),
        false => reason.to_owned(),
    }
}
