//! Secrets: a type that cannot be printed, and a scrubber by value that every sink is given.

use std::fmt;
use std::sync::{Arc, RwLock};

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
pub struct Scrubber(Arc<RwLock<Vec<Zeroizing<String>>>>);

impl Scrubber {
    /// A scrubber that knows nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Learns a secret: as it is, in base64 (three alignments), hex, URL and JSON encoding, and reversed.
    pub fn learn(&self, secret: &Secret) {
        let value = secret.expose();
        if value.len() < SHORTEST {
            return;
        }
        let mut forms = encodings(value);
        forms.sort_by_key(|form| std::cmp::Reverse(form.len()));
        if let Ok(mut known) = self.0.write() {
            for form in forms {
                if !known.iter().any(|each| **each == form) {
                    known.push(Zeroizing::new(form));
                }
            }
            // Longest first, so that a form that contains another is replaced whole.
            known.sort_by_key(|form| std::cmp::Reverse(form.len()));
        }
    }

    /// The text without any known secret. Borrowed when there was none.
    pub fn scrub<'a>(&self, text: &'a str) -> std::borrow::Cow<'a, str> {
        let mut clean = std::borrow::Cow::Borrowed(text);
        let Ok(known) = self.0.read() else { return SCRUBBED.into() };
        for form in known.iter() {
            if clean.contains(form.as_str()) {
                clean = clean.replace(form.as_str(), SCRUBBED).into();
            }
        }
        clean
    }

    /// Whether the text holds a known secret.
    pub fn finds(&self, text: &str) -> bool {
        matches!(self.scrub(text), std::borrow::Cow::Owned(_))
    }
}

impl fmt::Debug for Scrubber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Scrubber(..)")
    }
}

fn encodings(value: &str) -> Vec<String> {
    let bytes = value.as_bytes();
    let json = serde_json::Value::from(value).to_string();
    let mut forms = vec![
        value.to_owned(),
        value.chars().rev().collect(),
        json[1..json.len() - 1].to_owned(),
        bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
        bytes.iter().map(|byte| format!("{byte:02X}")).collect(),
        percent(bytes),
    ];
    for alphabet in [BASE64, BASE64_URL] {
        forms.extend((0..3).map(|shift| base64_core(bytes, shift, alphabet)));
    }
    forms.retain(|form| form.len() >= SHORTEST);
    forms.dedup();
    forms
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

fn percent(bytes: &[u8]) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'~');
    bytes.iter().map(|&b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
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
    fn text_without_a_secret_is_left_alone() {
        assert_eq!(knowing("sk-12345678").scrub("nothing here"), "nothing here");
        assert!(!knowing("short").finds("short"));
    }

    #[test]
    fn debug_shows_nothing() {
        assert_eq!(format!("{:?}", Secret::new("hunter2hunter2")), "Secret(..)");
    }
}
