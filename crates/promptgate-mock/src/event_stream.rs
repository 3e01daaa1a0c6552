//! The binary event stream of AWS: length, length of the headers, check sum, headers, payload, check sum.

use serde_json::Value;

/// One event with its type as header and JSON as payload.
pub(crate) fn event(kind: &str, payload: &Value) -> Vec<u8> {
    message(&[(":event-type", kind), (":content-type", "application/json"), (":message-type", "event")], payload)
}

/// An error that comes in the midst of a stream.
pub(crate) fn exception(kind: &str, payload: &Value) -> Vec<u8> {
    message(
        &[(":exception-type", kind), (":content-type", "application/json"), (":message-type", "exception")],
        payload,
    )
}

fn message(named: &[(&str, &str)], payload: &Value) -> Vec<u8> {
    let mut headers = Vec::new();
    for (name, value) in named {
        headers.push(name.len() as u8);
        headers.extend(name.as_bytes());
        // 7 is the type of a text.
        headers.push(7);
        headers.extend((value.len() as u16).to_be_bytes());
        headers.extend(value.as_bytes());
    }
    let payload = payload.to_string();
    let total = 12 + headers.len() + payload.len() + 4;
    let mut message = Vec::with_capacity(total);
    message.extend((total as u32).to_be_bytes());
    message.extend((headers.len() as u32).to_be_bytes());
    message.extend(crc32fast::hash(&message).to_be_bytes());
    message.extend(headers);
    message.extend(payload.as_bytes());
    message.extend(crc32fast::hash(&message).to_be_bytes());
    message
}
