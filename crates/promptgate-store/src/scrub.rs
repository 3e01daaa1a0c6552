//! Takes secrets out of JSON text without breaking it.

use promptgate_core::Digest;
use promptgate_core::secret::{SCRUBBED, Scrubber};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Adds the JSON of a value without any known secret.
pub(crate) fn put_scrubbed<T: Serialize + DeserializeOwned>(
    to: &mut Vec<u8>,
    value: &T,
    scrubber: &Scrubber,
) -> Result<(), String> {
    let start = to.len();
    serde_json::to_writer(&mut *to, value).map_err(|error| error.to_string())?;
    let json = std::str::from_utf8(&to[start..]).map_err(|error| error.to_string())?;
    if scrubber.finds(json) {
        let clean = scrub_json::<T>(json.to_owned(), scrubber)?;
        to.truncate(start);
        to.extend_from_slice(clean.as_bytes());
    }
    Ok(())
}

/// The JSON of a `T` without any known secret; still the JSON of a `T`.
///
/// Nearly always there is no secret in it and the text is handed back as it is. A secret of digits alone may sit where a
/// number or a digest stands; then the text is taken apart, and what only looks like the secret is left whole.
pub(crate) fn scrub_json<T: DeserializeOwned>(json: String, scrubber: &Scrubber) -> Result<String, String> {
    let clean = match scrubber.scrub(&json) {
        std::borrow::Cow::Borrowed(_) => return Ok(json),
        std::borrow::Cow::Owned(clean) => clean,
    };
    if serde_json::from_str::<T>(&clean).is_ok() {
        return Ok(clean);
    }
    let value: Value = serde_json::from_str(&json).map_err(|error| error.to_string())?;
    [Numbers::Scrub, Numbers::Keep]
        .into_iter()
        .map(|numbers| scrub_value(value.clone(), scrubber, numbers).to_string())
        .find(|text| serde_json::from_str::<T>(text).is_ok())
        .ok_or_else(|| "it holds a secret that cannot be taken out".to_owned())
}

#[derive(Clone, Copy, PartialEq)]
enum Numbers {
    Scrub,
    Keep,
}

fn scrub_value(value: Value, scrubber: &Scrubber, numbers: Numbers) -> Value {
    match value {
        Value::String(text) if text.parse::<Digest>().is_ok() => text.into(),
        Value::String(text) => scrubber.scrub(&text).into_owned().into(),
        Value::Number(number) if numbers == Numbers::Scrub && scrubber.finds(&number.to_string()) => SCRUBBED.into(),
        Value::Array(items) => items.into_iter().map(|item| scrub_value(item, scrubber, numbers)).collect(),
        Value::Object(map) => map
            .into_iter()
            .map(|(key, value)| (scrubber.scrub(&key).into_owned(), scrub_value(value, scrubber, numbers)))
            .collect(),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use promptgate_core::secret::Secret;
    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize)]
    struct Row {
        #[expect(dead_code, reason = "read only to see that it reads")]
        count: u64,
        #[expect(dead_code, reason = "read only to see that it reads")]
        digest: Digest,
        #[expect(dead_code, reason = "read only to see that it reads")]
        free: Value,
    }

    fn check(secret: &str, json: &str, expected: &str) {
        let scrubber = Scrubber::new();
        scrubber.learn(&Secret::new(secret));
        assert_eq!(scrub_json::<Row>(json.to_owned(), &scrubber).unwrap(), expected);
    }

    #[test]
    fn a_secret_goes_and_the_json_stays_readable() {
        let zeros = "0".repeat(56);
        let row = |count: &str, head: &str, free: &str| {
            format!(r#"{{"count":{count},"digest":"sha256:{head}{zeros}","free":{free}}}"#)
        };
        check("sk-canary-1", &row("1", "00000000", r#""a sk-canary-1 b""#), &row("1", "00000000", r#""a [secret] b""#));
        check("12345678", &row("1", "12345678", "[12345678]"), &row("1", "12345678", r#"["[secret]"]"#));
        check("12345678", &row("12345678", "00000000", r#""12345678""#), &row("12345678", "00000000", r#""[secret]""#));
        check("12345678", &row("1", "00000000", "7"), &row("1", "00000000", "7"));
    }
}
