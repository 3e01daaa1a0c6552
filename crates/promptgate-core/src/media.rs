//! Images that cases name: `file:` and a path below the suite's folder, such as `file:images/receipt.png`. Their bytes belong
//! to the input digest, and go to the model inside the request.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::message::{Message, Part};

/// The types of images, by the suffix of their files.
const TYPES: [(&str, &str); 5] = [
    (".png", "image/png"),
    (".jpg", "image/jpeg"),
    (".jpeg", "image/jpeg"),
    (".gif", "image/gif"),
    (".webp", "image/webp"),
];

/// Tokens that an image counts as before a provider has counted it, whatever its bytes.
pub const IMAGE_TOKENS: u64 = 1_000;

/// The path and the media type of an image that a text names; a text that only begins alike names none.
pub fn image_file(text: &str) -> Option<(&str, &'static str)> {
    let path = text.strip_prefix("file:").filter(|path| !path.chars().any(char::is_whitespace))?;
    let suffix = path.rfind('.').map(|at| path[at..].to_ascii_lowercase())?;
    TYPES.iter().find(|(known, _)| *known == suffix).map(|(_, kind)| (path, *kind))
}

/// The paths of all images that variables and messages name.
pub fn image_files(vars: &Map<String, Value>, messages: &[Message]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    vars.values().for_each(|value| add(value, &mut found));
    for part in messages.iter().flat_map(|message| &message.content) {
        if let Part::Media { media } = part {
            found.extend(image_file(&media.url).map(|(path, _)| path.to_owned()));
        }
    }
    found
}

fn add(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => found.extend(image_file(text).map(|(path, _)| path.to_owned())),
        Value::Array(items) => items.iter().for_each(|item| add(item, found)),
        Value::Object(map) => map.values().for_each(|value| add(value, found)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn images_are_named_by_path_and_suffix() {
        for (text, expected) in [
            ("file:a.png", Some(("a.png", "image/png"))),
            ("file:a/b.c.JPG", Some(("a/b.c.JPG", "image/jpeg"))),
            ("file:a.txt", None),
            ("file: a.png", None),
            ("file:png", None),
            ("a.png", None),
            ("see file:a.png", None),
            ("file:my complaint about a.png", None),
        ] {
            assert_eq!(image_file(text), expected, "{text}");
        }
        let vars = json!({"a": "file:2.png", "b": [{"c": "file:1.webp"}], "d": 1, "e": "file:2.png"});
        let found = image_files(vars.as_object().unwrap(), &[]);
        assert_eq!(Vec::from_iter(found), ["1.webp", "2.png"]);
    }
}
