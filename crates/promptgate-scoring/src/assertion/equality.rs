//! Deep equality of JSON values: numbers by value, texts by a rule, objects whatever the order of their keys.

use std::collections::BTreeMap;

use promptgate_core::number::{same_number, whole};
use serde_json::Value;

use super::text::{TextRule, line_feeds};

/// Whether two values are the same.
pub(crate) fn same_value(left: &Value, right: &Value, rule: TextRule) -> bool {
    match (left, right) {
        (Value::String(left), Value::String(right)) => rule.same(&line_feeds(left), &line_feeds(right)),
        (Value::Number(left), Value::Number(right)) => same_number(left, right),
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| same_value(left, right, rule))
        }
        (Value::Object(left), Value::Object(right)) => {
            let same = |(key, value)| right.get(key).is_some_and(|other| same_value(value, other, rule));
            left.len() == right.len() && left.iter().all(same)
        }
        _ => left == right,
    }
}

/// A form of a value that is equal for two values exactly where they are the same by a rule, for looking them up.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) enum Form {
    Null,
    Bool(bool),
    Whole(i128),
    /// The bits of a double that is no whole number, or is beyond those.
    Double(u64),
    Text(String),
    List(Vec<Form>),
    Object(BTreeMap<String, Form>),
}

impl Form {
    /// The form of a value.
    pub(crate) fn of(value: &Value, rule: TextRule) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Bool(value) => Self::Bool(*value),
            Value::Number(number) => match whole(number) {
                Some(whole) => Self::Whole(whole),
                None => Self::Double(number.as_f64().unwrap_or_default().to_bits()),
            },
            Value::String(text) => Self::Text(rule.form(&line_feeds(text)).into_owned()),
            Value::Array(items) => Self::List(items.iter().map(|item| Self::of(item, rule)).collect()),
            Value::Object(map) => {
                Self::Object(map.iter().map(|(key, value)| (key.clone(), Self::of(value, rule))).collect())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(left: &str, right: &str, expected: bool) {
        let value = |text| serde_json::from_str(text).unwrap();
        assert_eq!(same_value(&value(left), &value(right), TextRule::default()), expected, "{left} and {right}");
        assert_eq!(same_value(&value(right), &value(left), TextRule::default()), expected, "{right} and {left}");
        let form = |text| Form::of(&value(text), TextRule::default());
        assert_eq!(form(left) == form(right), expected, "the forms of {left} and {right}");
    }

    #[test]
    fn numbers_are_the_same_by_value_and_nothing_else_is_a_number() {
        check("1", "1.0", true);
        check("-0.0", "0", true);
        check("9007199254740993", "9007199254740992.0", false);
        check("18446744073709551615", "18446744073709551615", true);
        check("1e300", "1e300", true);
        check("1", "\"1\"", false);
        check("0", "false", false);
        check("null", "false", false);
    }

    #[test]
    fn keys_have_no_order_and_items_have() {
        check(r#"{"a":1,"b":[1,2]}"#, r#"{"b":[1.0,2],"a":1}"#, true);
        check(r#"{"a":1}"#, r#"{"a":1,"b":2}"#, false);
        check("[1,2]", "[2,1]", false);
        check("[]", "{}", false);
    }
}
