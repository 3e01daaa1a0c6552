//! Secrets: a type that cannot be printed, and a scrubber by value that every sink is given.

use std::fmt;
use std::ops::Range;
use std::sync::{Arc, RwLock};

use aho_corasick::{AhoCorasick, MatchKind};
use zeroize::Zeroizing;

/// A secret value. It has no `Display`, no `Serialize`, and its `Debug` shows nothing.
#[derive(Clone)]
pub struct Secret(Arc<Zeroizing<String>>);

impl Secret {
    /// Takes a value and keeps it from being shown.
    pub fn new(value: impl Into<String>) -> Self {
        Self(Arc::new(Zeroizing::new(value.into())))
    }

    /// The value, for the one place that sends it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// Secrets shorter than this are not scrubbed: they would blank out ordinary words.
const SHORTEST: usize = 8;

/// What stands where a secret stood.
pub const SCRUBBED: &str = "[secret]";

/// Replaces known secrets, and their usual encodings, in anything that is about to leave the process.
///
/// Clones share one list: a secret learned late is scrubbed everywhere from then on.
#[derive(Clone, Default)]
pub struct Scrubber(Arc<RwLock<Known>>);

#[derive(Default)]
struct Known {
    forms: Vec<Zeroizing<String>>,
    /// How the forms begin, so that a text without any of them is read once; nothing where that cannot be built. No more
    /// than the first [`SHORTEST`] bytes of a form are in there, since it is not wiped.
    beginnings: Option<AhoCorasick>,
}

impl Scrubber {
    /// A scrubber that knows nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Learns a secret: as it is, in base64 (three alignments), hex, URL, JSON and HTML encoding, and reversed.
    pub fn learn(&self, secret: &Secret) {
        let value = secret.expose();
        if value.len() < SHORTEST {
            return;
        }
        if let Ok(mut known) = self.0.write() {
            for form in encodings(value) {
                if !known.forms.iter().any(|each| **each == form) {
                    known.forms.push(Zeroizing::new(form));
                }
            }
            known.beginnings = beginnings(&known.forms);
        }
    }

    /// The text without any known secret: neither a whole one nor what two that overlap leave of each other.
    pub fn scrub<'a>(&self, text: &'a str) -> std::borrow::Cow<'a, str> {
        let Ok(known) = self.0.read() else { return SCRUBBED.into() };
        let found = known.found(text);
        if found.is_empty() {
            return text.into();
        }
        let mut clean = String::with_capacity(text.len());
        let mut end = 0;
        for place in found {
            if place.start >= end {
                clean.push_str(&text[end..place.start]);
                clean.push_str(SCRUBBED);
            }
            end = end.max(place.end);
        }
        clean.push_str(&text[end..]);
        clean.into()
    }

    /// Whether the text holds a known secret.
    pub fn finds(&self, text: &str) -> bool {
        self.0.read().map_or(true, |known| !known.found(text).is_empty())
    }
}

impl Known {
    /// Where secrets stand in a text, by where they begin.
    fn found(&self, text: &str) -> Vec<Range<usize>> {
        if self.forms.is_empty() || self.beginnings.as_ref().is_some_and(|beginnings| !beginnings.is_match(text)) {
            return Vec::new();
        }
        let places = |form: &Zeroizing<String>| -> Vec<Range<usize>> {
            text.match_indices(form.as_str()).map(|(start, form)| start..start + form.len()).collect()
        };
        let mut found: Vec<Range<usize>> = self.forms.iter().flat_map(places).collect();
        found.sort_by_key(|place| place.start);
        found
    }
}

/// Finds what begins as one of the forms does, with the vector instructions of the machine.
fn beginnings(forms: &[Zeroizing<String>]) -> Option<AhoCorasick> {
    let mut begin: Vec<&[u8]> = forms.iter().map(|form| &form.as_bytes()[..SHORTEST]).collect();
    begin.sort_unstable();
    begin.dedup();
    AhoCorasick::builder().match_kind(MatchKind::LeftmostFirst).build(begin).ok()
}

impl fmt::Debug for Scrubber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scrubber(..)")
    }
}

fn encodings(value: &str) -> Vec<String> {
    let bytes = value.as_bytes();
    let hex = |upper| bytes.iter().map(|byte| hexadecimal(u32::from(*byte), 2, upper)).collect();
    let mut forms = vec![value.to_owned(), value.chars().rev().collect(), hex(false), hex(true)];
    for (upper, slash) in [(true, true), (true, false), (false, true), (false, false)] {
        forms.push(percent(bytes, upper, slash));
        forms.extend(JSON_ESCAPED.iter().map(|escaped| json(value, escaped, upper, slash)));
    }
    for quote in ["\"", "&quot;", "&#34;", "&#x22;"] {
        for apostrophe in ["'", "&#39;", "&#x27;", "&apos;"] {
            forms.extend(["+", "&#43;"].map(|plus| html(value, quote, apostrophe, plus)));
        }
    }
    for alphabet in [BASE64, BASE64_URL] {
        forms.extend((0..3).map(|shift| base64_core(bytes, shift, alphabet)));
    }
    forms.retain(|form| form.len() >= SHORTEST);
    forms.sort();
    forms.dedup();
    forms
}

/// What writers of JSON put as `\u0022` though they need not: nothing, quotes, what HTML reads (Go), what a script reads
/// (PHP), and more (.NET).
const JSON_ESCAPED: [&str; 5] = ["", "\"", "<>&", "\"<>&'", "\"<>&'+"];

/// As JSON, some characters by their number, slashes behind a backslash where they are escaped.
fn json(value: &str, escaped: &str, upper: bool, slash: bool) -> String {
    let one = |character: char| match character {
        '/' if slash => "\\/".to_owned(),
        _ if escaped.contains(character) => format!("\\u{}", hexadecimal(u32::from(character), 4, upper)),
        _ => {
            let quoted = serde_json::Value::from(character.to_string()).to_string();
            quoted[1..quoted.len() - 1].to_owned()
        }
    };
    value.chars().map(one).collect()
}

/// As text of a web page.
fn html(value: &str, quote: &str, apostrophe: &str, plus: &str) -> String {
    let one = |character: char| match character {
        '&' => "&amp;".to_owned(),
        '<' => "&lt;".to_owned(),
        '>' => "&gt;".to_owned(),
        '"' => quote.to_owned(),
        '\'' => apostrophe.to_owned(),
        '+' => plus.to_owned(),
        other => other.to_string(),
    };
    value.chars().map(one).collect()
}

fn hexadecimal(number: u32, digits: usize, upper: bool) -> String {
    if upper { format!("{number:0digits$X}") } else { format!("{number:0digits$x}") }
}

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const BASE64_URL: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// The base64 characters that the secret alone decides, when it starts `shift` bytes into a group of three.
fn base64_core(bytes: &[u8], shift: usize, alphabet: &[u8; 64]) -> String {
    let bits = |index: usize| -> Option<u8> {
        let mut value = 0;
        for bit in index * 6..index * 6 + 6 {
            let byte = (bit / 8).checked_sub(shift).and_then(|at| bytes.get(at))?;
            value = value << 1 | (byte >> (7 - bit % 8) & 1);
        }
        Some(value)
    };
    let characters = (shift + bytes.len()) * 8 / 6 + 1;
    (0..characters).filter_map(bits).map(|six| char::from(alphabet[usize::from(six)])).collect()
}

/// As a part of an address; a slash may stay, as Python's `quote` has it.
fn percent(bytes: &[u8], upper: bool, slash: bool) -> String {
    let stays = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) || (byte == b'/' && !slash);
    let one = |&byte: &u8| match stays(byte) {
        true => char::from(byte).to_string(),
        false => format!("%{}", hexadecimal(u32::from(byte), 2, upper)),
    };
    bytes.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn knowing(value: &str) -> Scrubber {
        let scrubber = Scrubber::new();
        scrubber.learn(&Secret::new(value));
        scrubber
    }

    #[test]
    fn a_secret_is_scrubbed_in_every_usual_form() {
        let scrubber = knowing("sk-Test/\"42\"+canary");
        let forms = [
            "sk-Test/\"42\"+canary",
            r#"sk-Test/\"42\"+canary"#,
            "736b2d546573742f223432222b63616e617279",
            "sk-Test%2F%2242%22%2Bcanary",
            "c2stVGVzdC8iNDIiK2NhbmFyeQ==",
            "eHNrLVRlc3QvIjQyIitjYW5hcnk=",
            "eHhzay1UZXN0LyI0MiIrY2FuYXJ5",
            "yranac+\"24\"/tseT-ks",
        ];
        for form in forms {
            let text = format!("before {form} after");
            assert!(scrubber.finds(&text), "{form}");
            assert!(!scrubber.scrub(&text).contains("canary"), "{form}");
        }
    }

    #[test]
    fn a_secret_is_scrubbed_however_servers_escape_it() {
        let scrubber = knowing(r#"sk-Can+ary/"42"&=xyz"#);
        let forms = [
            "sk-Can%2Bary/%2242%22%26%3Dxyz",
            "sk-Can%2bary/%2242%22%26%3dxyz",
            "sk-Can%2bary%2f%2242%22%26%3dxyz",
            r#"sk-Can+ary\/\"42\"&=xyz"#,
            r#"sk-Can+ary/\u002242\u0022&=xyz"#,
            r#"sk-Can+ary/\"42\"\u0026=xyz"#,
            r#"sk-Can+ary\/\u002242\u0022\u0026=xyz"#,
            r#"sk-Can\u002Bary/\u002242\u0022\u0026=xyz"#,
            r#"sk-Can\u002bary/\u002242\u0022\u0026=xyz"#,
            r#"sk-Can+ary/"42"&amp;=xyz"#,
            "sk-Can+ary/&quot;42&quot;&amp;=xyz",
            "sk-Can+ary/&#34;42&#34;&amp;=xyz",
            "sk-Can&#43;ary/&#x22;42&#x22;&amp;=xyz",
        ];
        for form in forms {
            assert_eq!(scrubber.scrub(&format!("before {form} after")), "before [secret] after", "{form}");
        }
        assert!(knowing("it's-a-secret").finds("it&#39;s-a-secret and more"));
        // A key without anything to escape has no more forms than before.
        assert_eq!(encodings("sk-12345678").len(), 7);
    }

    #[test]
    fn secrets_that_overlap_leave_nothing_of_each_other() {
        let scrubber = knowing("abcdefgh12345678");
        scrubber.learn(&Secret::new("12345678ijklmnop"));
        assert_eq!(scrubber.scrub("x abcdefgh12345678ijklmnop y"), "x [secret] y");
        assert_eq!(scrubber.scrub("abcdefgh1234567812345678ijklmnop"), "[secret][secret]");
        // One within another, learnt after it.
        scrubber.learn(&Secret::new("fgh12345"));
        assert_eq!(scrubber.scrub("abcdefgh12345678 and fgh12345"), "[secret] and [secret]");
    }

    #[test]
    fn no_more_than_the_beginning_of_a_form_is_looked_for_first() {
        // Both begin alike, as keys of one provider do.
        let scrubber = knowing("sk-proj-first-key");
        scrubber.learn(&Secret::new("sk-proj-other-key"));
        assert_eq!(scrubber.scrub("sk-proj- is how keys begin"), "sk-proj- is how keys begin");
        assert_eq!(scrubber.scrub("sk-proj-other-key, ü sk-proj-first-key"), "[secret], ü [secret]");
        // A beginning that ends within a character.
        assert_eq!(knowing("sk-1234üäö").scrub("ü sk-1234üäö sk-1234ü"), "ü [secret] sk-1234ü");
    }

    #[test]
    fn text_without_a_secret_is_left_alone() {
        assert_eq!(knowing("sk-12345678").scrub("nothing here"), "nothing here");
        assert!(!knowing("short").finds("short"));
    }

    #[test]
    fn debug_shows_nothing() {
        assert_eq!(format!("{:?}", Secret::new("hunter2hunter2")), "Secret(..)");
    }
}
