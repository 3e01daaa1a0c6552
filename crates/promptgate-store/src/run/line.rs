//! The form of a line: `{"c":"<crc32 of the rest, 8 hex digits>",` and then one member that says what the line is, so
//! that a run's file is JSON Lines to every other tool. The sum covers everything behind the comma.

use serde::{Deserialize, Serialize};

/// What a line begins with.
const OPEN: &[u8] = b"{\"c\":\"";
/// What stands between the sum and the member.
const COMMA: &[u8] = b"\",";
/// Where the member begins.
const BODY: usize = OPEN.len() + 8 + COMMA.len();

/// What a line says, borrowed from its text; the values are not read yet.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Line<'a> {
    /// The JSON of the header.
    Header(&'a str),
    /// The JSON of a settled trial.
    Trial(&'a str),
    /// The JSON of what a trial that is not settled has come to.
    Begun(&'a str),
    /// Everything before this line was on disk before this line was written; how many bytes that is.
    Synced(u64),
    /// The run is complete.
    Finished(Finished),
}

/// The last line of a complete run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Finished {
    /// Trial lines before this one.
    pub trials: u64,
    /// Bytes before this one.
    pub bytes: u64,
}

/// Adds the line of one member to a batch, with its line feed. `put` adds the member's JSON; where it fails, the batch is
/// left as it was.
pub(crate) fn write<E>(
    batch: &mut Vec<u8>,
    kind: &str,
    put: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
) -> Result<(), E> {
    let start = batch.len();
    for part in [OPEN, &[b'0'; 8], COMMA, b"\"", kind.as_bytes(), b"\":"] {
        batch.extend_from_slice(part);
    }
    put(batch).inspect_err(|_| batch.truncate(start))?;
    batch.push(b'}');
    let sum = sum(&batch[start + BODY..]);
    batch[start + OPEN.len()..][..8].copy_from_slice(&sum);
    batch.push(b'\n');
    Ok(())
}

/// Adds the line of a member that is there as JSON.
pub(crate) fn write_json(batch: &mut Vec<u8>, kind: &str, json: &str) {
    let Ok(()) = write(batch, kind, |batch| {
        batch.extend_from_slice(json.as_bytes());
        Ok::<_, std::convert::Infallible>(())
    });
}

/// The check sum as it is written.
fn sum(body: &[u8]) -> [u8; 8] {
    let sum = crc32fast::hash(body);
    std::array::from_fn(|digit| b"0123456789abcdef"[(sum >> (28 - 4 * digit)) as usize & 15])
}

/// Reads a line without its line feed. The error says what is wrong with it, a lower-case fragment.
pub(crate) fn read(bytes: &[u8]) -> Result<Line<'_>, &'static str> {
    let body = checked_body(bytes)?;
    let body = std::str::from_utf8(body).map_err(|_| "it is not UTF-8")?;
    let (kind, json) = member(body).ok_or("it is not one of our lines")?;
    match kind {
        "header" => Ok(Line::Header(json)),
        "trial" => Ok(Line::Trial(json)),
        "begun" => Ok(Line::Begun(json)),
        "synced" => json.parse().map(Line::Synced).map_err(|_| "its number of bytes cannot be read"),
        "finished" => serde_json::from_str(json).map(Line::Finished).map_err(|_| "its counts cannot be read"),
        _ => Err("its kind is unknown"),
    }
}

fn checked_body(bytes: &[u8]) -> Result<&[u8], &'static str> {
    let framed = bytes.len() > BODY
        && bytes.starts_with(OPEN)
        && bytes[OPEN.len() + 8..].starts_with(COMMA)
        && bytes.ends_with(b"}");
    if !framed {
        return Err("it is not one of our lines");
    }
    // Compared as text, not as a number: an upper-case digit is damage too.
    if bytes[OPEN.len()..OPEN.len() + 8] == sum(&bytes[BODY..]) {
        Ok(&bytes[BODY..])
    } else {
        Err("its check sum does not fit")
    }
}

fn member(body: &str) -> Option<(&str, &str)> {
    let (kind, json) = body.strip_prefix('"')?.split_once("\":")?;
    Some((kind, json.strip_suffix('}')?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(kind: &str, json: &str) -> Vec<u8> {
        let mut line = Vec::new();
        write_json(&mut line, kind, json);
        line
    }

    #[test]
    fn a_line_that_cannot_be_written_leaves_the_batch_as_it_was() {
        let mut batch = written("trial", "{}");
        let before = batch.clone();
        let broken = write(&mut batch, "trial", |batch| {
            batch.extend_from_slice(b"half a");
            Err("no")
        });
        assert_eq!((broken, batch), (Err("no"), before));
    }

    #[test]
    fn every_kind_reads_back_from_what_is_written() {
        let check = |kind, json: &str, expected| {
            let text = written(kind, json);
            assert_eq!(read(text.strip_suffix(b"\n").unwrap()), Ok(expected));
            assert!(serde_json::from_slice::<serde_json::Value>(&text).is_ok(), "{text:?}");
        };
        check("header", r#"{"a":"ü"}"#, Line::Header(r#"{"a":"ü"}"#));
        check("trial", "{}", Line::Trial("{}"));
        check("begun", "{}", Line::Begun("{}"));
        check("synced", "42", Line::Synced(42));
        check("finished", r#"{"trials":2,"bytes":9}"#, Line::Finished(Finished { trials: 2, bytes: 9 }));
    }

    #[test]
    fn no_single_flipped_bit_goes_unseen() {
        let good = written("trial", r#"{"trial":7,"output":"some text"}"#);
        let good = good.trim_ascii_end();
        for bit in 0..good.len() * 8 {
            let mut bad = good.to_vec();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(read(&bad).is_err(), "bit {bit}");
        }
    }
}
