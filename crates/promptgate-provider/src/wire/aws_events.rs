//! AWS's binary event stream: length, length of the headers, check sum, headers, payload, check sum.

use super::sse::Event;

/// Longer messages are refused; AWS's own limit is 16 MB.
const LONGEST: usize = 16 << 20;

/// Lengths and the check sum over them.
const PRELUDE: usize = 12;

/// Cuts bytes into events, wherever they were cut before. The name is the event's type, or `exception:` and its type.
#[derive(Debug, Default)]
pub(crate) struct Decoder {
    pending: Vec<u8>,
}

impl Decoder {
    /// Takes bytes and gives the events that they end.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<Vec<Event>, String> {
        self.pending.extend_from_slice(bytes);
        let mut events = Vec::new();
        while let Some(total) = self.next_length()? {
            if self.pending.len() < total {
                break;
            }
            let rest = self.pending.split_off(total);
            let message = std::mem::replace(&mut self.pending, rest);
            events.push(event(&message)?);
        }
        Ok(events)
    }

    /// The length of the message that comes next, once enough of it is there.
    fn next_length(&self) -> Result<Option<usize>, String> {
        let Some(prelude) = self.pending.get(..PRELUDE) else { return Ok(None) };
        if crc32fast::hash(&prelude[..8]) != number(&prelude[8..]) {
            return Err("fails its check sum".to_owned());
        }
        let (total, headers) = (number(prelude) as usize, number(&prelude[4..]) as usize);
        if total > LONGEST || total < PRELUDE + headers + 4 {
            return Err("has a message of an impossible length".to_owned());
        }
        Ok(Some(total))
    }
}

/// The first four bytes as a number. Callers have at least four.
fn number(bytes: &[u8]) -> u32 {
    bytes.iter().take(4).fold(0, |number, byte| number << 8 | u32::from(*byte))
}

fn event(message: &[u8]) -> Result<Event, String> {
    let (body, sum) = message.split_at(message.len() - 4);
    if crc32fast::hash(body) != number(sum) {
        return Err("fails its check sum".to_owned());
    }
    let headers = number(&body[4..]) as usize;
    let (headers, payload) = body[PRELUDE..].split_at(headers);
    let named = texts(headers).ok_or("has headers that cannot be read")?;
    let find = |name: &str| named.iter().find(|(each, _)| *each == name).map(|(_, value)| *value);
    let name = match (find(":event-type"), find(":exception-type").or(find(":error-code"))) {
        (_, Some(exception)) => format!("exception:{exception}"),
        (event, None) => event.unwrap_or_default().to_owned(),
    };
    let data = match find(":error-message") {
        // An error has no payload: what it says stands in its headers.
        message if payload.is_empty() && name.starts_with("exception:") => {
            serde_json::json!({"message": message}).to_string()
        }
        _ => String::from_utf8(payload.to_vec()).map_err(|_| "holds bytes that are not UTF-8".to_owned())?,
    };
    Ok(Event { name, data })
}

/// The headers that are texts; the others are passed over. Nothing where they are malformed.
fn texts(mut bytes: &[u8]) -> Option<Vec<(&str, &str)>> {
    let mut headers = Vec::new();
    while !bytes.is_empty() {
        let (name, rest) = bytes.get(1..)?.split_at_checked(usize::from(bytes[0]))?;
        let (kind, rest) = rest.split_first()?;
        // By type: true, false, byte, short, integer, long; bytes and text carry their length; time stamp, UUID.
        let (value, rest) = match kind {
            0 | 1 => rest.split_at_checked(0)?,
            2 => rest.split_at_checked(1)?,
            3 => rest.split_at_checked(2)?,
            4 => rest.split_at_checked(4)?,
            5 | 8 => rest.split_at_checked(8)?,
            6 | 7 => {
                let (length, rest) = rest.split_at_checked(2)?;
                rest.split_at_checked(usize::from(length[0]) << 8 | usize::from(length[1]))?
            }
            9 => rest.split_at_checked(16)?,
            _ => return None,
        };
        if *kind == 7 {
            headers.push((std::str::from_utf8(name).ok()?, std::str::from_utf8(value).ok()?));
        }
        bytes = rest;
    }
    Some(headers)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A message with the headers `:event-type: a` (a text) and `n: 7` (a byte), and the payload `{}`.
    fn message() -> Vec<u8> {
        let (headers, payload) = (b"\x0b:event-type\x07\0\x01a\x01n\x02\x07", b"{}");
        let total = PRELUDE + headers.len() + payload.len() + 4;
        let mut message = [(total as u32).to_be_bytes(), (headers.len() as u32).to_be_bytes()].concat();
        message.extend(crc32fast::hash(&message).to_be_bytes());
        message.extend(headers);
        message.extend(payload);
        message.extend(crc32fast::hash(&message).to_be_bytes());
        message
    }

    #[test]
    fn a_message_is_read_wherever_it_is_cut() {
        let message = message();
        for cut in 0..=message.len() {
            let mut decoder = Decoder::default();
            let mut events = decoder.push(&message[..cut]).unwrap();
            events.extend(decoder.push(&message[cut..]).unwrap());
            assert_eq!(events, [Event { name: "a".to_owned(), data: "{}".to_owned() }], "cut at {cut}");
        }
    }

    proptest! {
        #[test]
        fn a_flipped_bit_is_found_and_any_bytes_are_survived(at in 0_usize..37, bit in 0..8, junk: Vec<u8>) {
            let mut message = message();
            let at = at % message.len();
            message[at] ^= 1_u8 << bit;
            let found = Decoder::default().push(&message);
            prop_assert!(found.is_err() || found.unwrap().is_empty());
            let _ = Decoder::default().push(&junk);
        }
    }
}
