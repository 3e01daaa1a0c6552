//! JSON: characters that act on a screen are written as `\u` escapes. The value stays the same; only the bytes are safe to
//! print and to embed.

use std::io::{self, Write};

use serde_json::ser::{Formatter, PrettyFormatter};

/// On one line.
pub struct Compact;

/// Indented by two blanks.
#[derive(Default)]
pub struct Pretty(PrettyFormatter<'static>);

impl Formatter for Compact {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, out: &mut W, fragment: &str) -> io::Result<()> {
        write_escaped(out, fragment)
    }
}

macro_rules! as_pretty {
    ($($method:ident($($argument:ident: $type:ty),*)),* $(,)?) => {
        $(fn $method<W: ?Sized + Write>(&mut self, out: &mut W $(, $argument: $type)*) -> io::Result<()> {
            self.0.$method(out $(, $argument)*)
        })*
    };
}

impl Formatter for Pretty {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, out: &mut W, fragment: &str) -> io::Result<()> {
        write_escaped(out, fragment)
    }

    as_pretty!(
        begin_array(),
        end_array(),
        begin_array_value(first: bool),
        end_array_value(),
        begin_object(),
        end_object(),
        begin_object_key(first: bool),
        begin_object_value(),
        end_object_value(),
    );
}

fn write_escaped<W: ?Sized + Write>(out: &mut W, fragment: &str) -> io::Result<()> {
    let mut plain = 0;
    for (at, c) in fragment.char_indices().filter(|(_, c)| super::acts(*c)) {
        out.write_all(&fragment.as_bytes()[plain..at])?;
        for unit in c.encode_utf16(&mut [0; 2]) {
            write!(out, "\\u{unit:04x}")?;
        }
        plain = at + c.len_utf8();
    }
    out.write_all(&fragment.as_bytes()[plain..])
}

#[cfg(test)]
mod tests {
    use serde::Serialize;
    use serde_json::{Serializer, Value, json};

    use super::*;

    #[test]
    fn what_acts_is_escaped_and_the_value_stays_the_same() {
        let value = json!({"a\u{202e}": ["\x1b[2J\u{9b}31m\u{e0041}", "naïve ✓", {}]});
        let mut bytes = Vec::new();
        value.serialize(&mut Serializer::with_formatter(&mut bytes, Pretty::default())).unwrap();
        let text = String::from_utf8(bytes).unwrap();
        let expected =
            "{\n  \"a\\u202e\": [\n    \"\\u001b[2J\\u009b31m\\udb40\\udc41\",\n    \"naïve ✓\",\n    {}\n  ]\n}";
        assert_eq!(text, expected);
        assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
    }
}
