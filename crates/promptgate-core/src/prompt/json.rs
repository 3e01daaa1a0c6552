//! JSON as ECMAScript's `JSON.stringify` writes it, so that `{{json value}}` is the same text in every implementation.

use std::io;

use serde::Serialize;
use serde_json::Value;
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter, Serializer};

/// The text of a value, on one line, or with `indent` spaces a level.
pub fn text(value: &Value, indent: usize) -> String {
    let mut bytes = Vec::new();
    let spaces = " ".repeat(indent);
    let written = match indent {
        0 => value.serialize(&mut Serializer::with_formatter(&mut bytes, Plain(CompactFormatter))),
        _ => {
            let pretty = Plain(PrettyFormatter::with_indent(spaces.as_bytes()));
            value.serialize(&mut Serializer::with_formatter(&mut bytes, pretty))
        }
    };
    // Writing a JSON value into memory cannot fail, and JSON is UTF-8.
    written.ok().and_then(|()| String::from_utf8(bytes).ok()).unwrap_or_default()
}

/// Prints doubles as ECMAScript does: `1`, not `1.0`.
struct Plain<F>(F);

impl<F: Formatter> Formatter for Plain<F> {
    fn write_f64<W: ?Sized + io::Write>(&mut self, writer: &mut W, value: f64) -> io::Result<()> {
        let text = serde_json_canonicalizer::to_string(&value).map_err(io::Error::other)?;
        writer.write_all(text.as_bytes())
    }

    fn begin_array<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_array(writer)
    }

    fn end_array<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array(writer)
    }

    fn begin_array_value<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_array_value(writer, first)
    }

    fn end_array_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array_value(writer)
    }

    fn begin_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object(writer)
    }

    fn end_object<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object(writer)
    }

    fn begin_object_key<W: ?Sized + io::Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_object_key(writer, first)
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object_value(writer)
    }

    fn end_object_value<W: ?Sized + io::Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object_value(writer)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn check(value: Value, indent: usize, expected: &str) {
        assert_eq!(text(&value, indent), expected);
    }

    #[test]
    fn values_read_as_ecmascript_writes_them() {
        check(json!({"b": 1.0, "a": [1e21, 0.1, "é\u{7f}\n"]}), 0, "{\"b\":1,\"a\":[1e+21,0.1,\"é\u{7f}\\n\"]}");
        check(json!({"a": [1, {}], "b": []}), 2, "{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"b\": []\n}");
    }
}
