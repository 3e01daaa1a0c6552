//! JSON as servers write it: with a mark of the encoding before it, or with half of a surrogate pair where a text was cut
//! inside an emoji. Both are looked for only in what cannot be read as it is, so that the usual reply costs nothing more.

use std::borrow::Cow;

use serde::de::DeserializeOwned;
use serde_json::Error;

/// What U+FEFF is in UTF-8.
const MARK: &[u8] = b"\xef\xbb\xbf";

/// What stands for a character that is none.
const REPLACEMENT: &[u8] = b"\\ufffd";

/// Reads JSON; halves of surrogate pairs become U+FFFD. The error is of the text as it came.
pub(crate) fn parsed<T: DeserializeOwned>(text: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(text).or_else(|error| {
        let unmarked = text.strip_prefix(MARK).unwrap_or(text);
        match whole_pairs(unmarked) {
            Cow::Borrowed(same) if same.len() == text.len() => Err(error),
            mended => serde_json::from_slice(&mended).map_err(|_| error),
        }
    })
}

/// A text in which every surrogate that is escaped alone is replaced. A backslash stands in strings only.
fn whole_pairs(text: &[u8]) -> Cow<'_, [u8]> {
    let mut mended = Vec::new();
    let (mut at, mut kept) = (0, 0);
    while let Some(next) = text[at..].iter().position(|byte| *byte == b'\\').map(|offset| at + offset) {
        at = match (escaped(&text[next..]), text.get(next + 6..).and_then(escaped)) {
            (Some(0xd800..=0xdbff), Some(0xdc00..=0xdfff)) => next + 12,
            (Some(0xd800..=0xdfff), _) => {
                mended.extend_from_slice(&text[kept..next]);
                mended.extend_from_slice(REPLACEMENT);
                kept = next + 6;
                kept
            }
            // What it escapes is no other backslash.
            _ => (next + 2).min(text.len()),
        };
    }
    if kept == 0 {
        return Cow::Borrowed(text);
    }
    mended.extend_from_slice(&text[kept..]);
    Cow::Owned(mended)
}

/// The code that a text begins with the escape of.
fn escaped(text: &[u8]) -> Option<u16> {
    let digits = text.strip_prefix(b"\\u")?.get(..4)?;
    let digits =
        std::str::from_utf8(digits).ok().filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
    u16::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn check(text: &str, expected: Value) {
        assert_eq!(parsed::<Value>(text.as_bytes()).unwrap(), expected, "{text}");
    }

    #[test]
    fn half_of_a_pair_is_a_character_that_is_none() {
        check(r#"{"a": "Hi \ud83d"}"#, json!({"a": "Hi \u{fffd}"}));
        check(r#"["\ud83d\ude00 \uDE00", "\uD83D\uD83D\uDE00"]"#, json!(["😀 \u{fffd}", "\u{fffd}😀"]));
        check(r#"["\ud83d\n", "\\ud83d", "\\\ud83d"]"#, json!(["\u{fffd}\n", "\\ud83d", "\\\u{fffd}"]));
        check(r#"{"\udead": 1}"#, json!({"\u{fffd}": 1}));
    }

    #[test]
    fn a_mark_of_the_encoding_is_passed_over() {
        check("\u{feff}{\"a\": 1}", json!({"a": 1}));
        check("\u{feff}[\"\\ud83d\"]", json!(["\u{fffd}"]));
    }

    #[test]
    fn what_is_no_json_is_told_as_it_came() {
        for text in ["", "\u{feff}", "\u{feff}nope", "[\"\\ud83d\", ]", "\\", "[\"\\ud8\"]", "[\"\\u", "{\"a\": 1"] {
            let (ours, theirs) = (parsed::<Value>(text.as_bytes()), serde_json::from_str::<Value>(text));
            assert_eq!(ours.unwrap_err().to_string(), theirs.unwrap_err().to_string(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn it_never_panics_and_reads_every_string_of_escapes(
            text in r#"(\\u[dD][89abcdefABCDEF][0-9a-f]{2}|\\\\|\\n|a|é|\\u00e9){0,12}"#,
            junk in proptest::collection::vec(any::<u8>(), 0..40),
        ) {
            prop_assert!(parsed::<Value>(format!("[\"{text}\"]").as_bytes()).is_ok(), "{}", text);
            let _ = parsed::<Value>(&junk);
            let _ = whole_pairs(&junk);
        }
    }
}
