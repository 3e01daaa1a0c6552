//! RFC 8785 JSON: keys sorted by their UTF-16 units, no space, numbers as ECMAScript prints them. Every trial is digested
//! several times, so objects are sorted where they lie in one buffer; a member costs no allocation of its own.

use std::cmp::Ordering;
use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{CharEscape, Formatter, Serializer};

/// Writes the canonical form. A number that is not finite is `null`, as in all our JSON.
pub(crate) fn write<T: Serialize + ?Sized>(value: &T, writer: impl Write) -> serde_json::Result<()> {
    let room =
        Canonical { buffer: Vec::with_capacity(1 << 10), members: Vec::with_capacity(16), ..Canonical::default() };
    value.serialize(&mut Serializer::with_formatter(writer, room))
}

/// Integers up to here are the same to ECMAScript.
const EXACT: u64 = 1 << 53;

/// What is open. Outside of objects everything goes straight to the writer.
#[derive(Default)]
struct Canonical {
    buffer: Vec<u8>,
    /// Of each open object, where it begins in `buffer`, and its first member in `members`.
    objects: Vec<(usize, usize)>,
    members: Vec<Member>,
    sorted: Vec<u8>,
}

/// A member of an open object: `"key":value` from `start` to `end`, the key up to `colon`.
#[derive(Clone, Copy)]
struct Member {
    start: usize,
    colon: usize,
    end: usize,
    /// Whether the key is ASCII without an escape, so that its bytes sort as its UTF-16 units do.
    plain: bool,
}

impl Canonical {
    fn put<W: ?Sized + Write>(&mut self, writer: &mut W, bytes: &[u8]) -> io::Result<()> {
        if self.objects.is_empty() {
            return writer.write_all(bytes);
        }
        self.buffer.extend_from_slice(bytes);
        Ok(())
    }

    fn whole<W: ?Sized + Write>(&mut self, writer: &mut W, negative: bool, size: u64) -> io::Result<()> {
        if size > EXACT {
            return self.float(writer, if negative { -(size as f64) } else { size as f64 });
        }
        let (mut digits, mut at, mut rest) = ([0; 20], 20, size);
        loop {
            at -= 1;
            digits[at] = b'0' + (rest % 10) as u8;
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        if negative {
            at -= 1;
            digits[at] = b'-';
        }
        self.put(writer, &digits[at..])
    }

    fn float<W: ?Sized + Write>(&mut self, writer: &mut W, value: f64) -> io::Result<()> {
        // Scores are mostly 0 and 1, and ECMAScript prints a whole number without a point.
        if value.trunc() == value && value.abs() < EXACT as f64 {
            return self.whole(writer, value < 0.0, value.abs() as u64);
        }
        let text = serde_json_canonicalizer::to_vec(&value)?;
        self.put(writer, &text)
    }

    /// Sorts the members of the object that begins at `begin`, where they are not sorted already.
    fn sort(&mut self, begin: usize, first: usize) {
        let Self { buffer, members, sorted, .. } = self;
        let members = &mut members[first..];
        let key = |member: &Member| &buffer[member.start..member.colon];
        let by_key = |one: &Member, other: &Member| match one.plain && other.plain {
            // Without the closing quote, which sorts behind a space and an exclamation mark.
            true => buffer[one.start..one.colon - 1].cmp(&buffer[other.start..other.colon - 1]),
            false => compare(key(one), key(other)),
        };
        if members.is_sorted_by(|one, other| by_key(one, other).is_le()) {
            return;
        }
        members.sort_by(by_key);
        sorted.clear();
        sorted.reserve(buffer.len() - begin);
        for (index, member) in members.iter().enumerate() {
            sorted.extend_from_slice(if index == 0 { b"{" } else { b"," });
            sorted.extend_from_slice(&buffer[member.start..member.end]);
        }
        buffer.truncate(begin);
        buffer.extend_from_slice(sorted);
    }
}

/// The order of two keys as they are written, quotes included.
fn compare(one: &[u8], other: &[u8]) -> Ordering {
    let text = |key: &[u8]| serde_json::from_slice::<String>(key).unwrap_or_default();
    text(one).encode_utf16().cmp(text(other).encode_utf16())
}

macro_rules! unsigned {
    ($($name:ident: $type:ty),*) => {
        $(fn $name<W: ?Sized + Write>(&mut self, writer: &mut W, value: $type) -> io::Result<()> {
            self.whole(writer, false, u64::from(value))
        })*
    };
}

macro_rules! signed {
    ($($name:ident: $type:ty),*) => {
        $(fn $name<W: ?Sized + Write>(&mut self, writer: &mut W, value: $type) -> io::Result<()> {
            self.whole(writer, value < 0, u64::from(value.unsigned_abs()))
        })*
    };
}

impl Formatter for Canonical {
    unsigned!(write_u8: u8, write_u16: u16, write_u32: u32, write_u64: u64);
    signed!(write_i8: i8, write_i16: i16, write_i32: i32, write_i64: i64);

    fn write_u128<W: ?Sized + Write>(&mut self, writer: &mut W, value: u128) -> io::Result<()> {
        self.float(writer, value as f64)
    }

    fn write_i128<W: ?Sized + Write>(&mut self, writer: &mut W, value: i128) -> io::Result<()> {
        self.float(writer, value as f64)
    }

    fn write_f32<W: ?Sized + Write>(&mut self, writer: &mut W, value: f32) -> io::Result<()> {
        self.float(writer, f64::from(value))
    }

    fn write_f64<W: ?Sized + Write>(&mut self, writer: &mut W, value: f64) -> io::Result<()> {
        self.float(writer, value)
    }

    fn write_null<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.put(writer, b"null")
    }

    fn write_bool<W: ?Sized + Write>(&mut self, writer: &mut W, value: bool) -> io::Result<()> {
        self.put(writer, if value { b"true" } else { b"false" })
    }

    fn begin_string<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.put(writer, b"\"")
    }

    fn end_string<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.put(writer, b"\"")
    }

    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        self.put(writer, fragment.as_bytes())
    }

    fn write_char_escape<W: ?Sized + Write>(&mut self, writer: &mut W, escape: CharEscape) -> io::Result<()> {
        self.put(
            writer,
            match escape {
                CharEscape::Quote => b"\\\"",
                CharEscape::ReverseSolidus => b"\\\\",
                CharEscape::Solidus => b"/",
                CharEscape::Backspace => b"\\b",
                CharEscape::FormFeed => b"\\f",
                CharEscape::LineFeed => b"\\n",
                CharEscape::CarriageReturn => b"\\r",
                CharEscape::Tab => b"\\t",
                CharEscape::AsciiControl(byte) => return self.put(writer, format!("\\u{byte:04x}").as_bytes()),
            },
        )
    }

    fn begin_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.put(writer, b"[")
    }

    fn end_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.put(writer, b"]")
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { self.put(writer, b",") }
    }

    fn begin_object<W: ?Sized + Write>(&mut self, _: &mut W) -> io::Result<()> {
        self.objects.push((self.buffer.len(), self.members.len()));
        self.buffer.push(b'{');
        Ok(())
    }

    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        let Some((begin, first)) = self.objects.pop() else { return Ok(()) };
        self.sort(begin, first);
        self.members.truncate(first);
        self.buffer.push(b'}');
        if self.objects.is_empty() {
            writer.write_all(&self.buffer)?;
            self.buffer.clear();
        }
        Ok(())
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, _: &mut W, first: bool) -> io::Result<()> {
        if !first {
            self.buffer.push(b',');
        }
        let start = self.buffer.len();
        self.members.push(Member { start, colon: start, end: start, plain: false });
        Ok(())
    }

    fn end_object_key<W: ?Sized + Write>(&mut self, _: &mut W) -> io::Result<()> {
        let colon = self.buffer.len();
        if let Some(member) = self.members.last_mut() {
            let key = &self.buffer[member.start..colon];
            (member.colon, member.plain) = (colon, key.is_ascii() && !key.contains(&b'\\'));
        }
        Ok(())
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, _: &mut W) -> io::Result<()> {
        self.buffer.push(b':');
        Ok(())
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, _: &mut W) -> io::Result<()> {
        let end = self.buffer.len();
        self.members.last_mut().into_iter().for_each(|member| member.end = end);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    /// A second implementation says the same.
    fn check(value: &Value) {
        let mut ours = Vec::new();
        write(value, &mut ours).unwrap();
        let theirs = serde_json_canonicalizer::to_string(value).unwrap();
        assert_eq!(String::from_utf8(ours).unwrap(), theirs);
    }

    #[test]
    fn keys_are_sorted_by_their_utf_16_units() {
        check(&json!({"\u{fb33}": 1, "\u{1f600}": 2, "\u{20ac}": 3, "\r": 4, "1": 5, "\u{80}": 6, "\u{f6}": 7}));
        check(&json!({"a b": 1, "a": 2, "a!": 3, "a\"": 4, "ab": 5, "": 6, "a\\": 7, "a/": 8}));
    }

    #[test]
    fn numbers_are_those_of_ecmascript() {
        let most = 1_u64 << 53;
        check(&json!([0, -1, most, most + 1, most + 2, u64::MAX, i64::MIN, i64::MAX, -0.0, 1e21, 1e-7, 0.1, 1.0]));
        check(&json!({"b": {"z": -7, "a": [{"y": 1.5, "x": 10}]}, "a": [[], {}, null, true]}));
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<f64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 48, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                prop::collection::vec((any::<String>(), inner), 0..6)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_value_has_the_form_that_a_second_implementation_gives_it(value in any_json()) {
            check(&value);
        }
    }
}
