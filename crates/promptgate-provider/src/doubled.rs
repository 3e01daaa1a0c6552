//! Keys that stand twice in a reply. A map would keep the last one, and so choose between two scores.

use std::collections::HashSet;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};

use crate::wire::parsed;

/// The first key that stands twice in the object of a JSON text, if one does.
pub(crate) fn doubled_key(json: &[u8]) -> Option<String> {
    parsed(json).ok().and_then(|Keys(twice)| twice)
}

struct Keys(Option<String>);

impl<'de> Deserialize<'de> for Keys {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(KeysVisitor)
    }
}

struct KeysVisitor;

impl<'de> Visitor<'de> for KeysVisitor {
    type Value = Keys;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Keys, A::Error> {
        let (mut seen, mut twice) = (HashSet::new(), None);
        while let Some((key, IgnoredAny)) = map.next_entry::<String, IgnoredAny>()? {
            if !seen.insert(key.clone()) {
                twice.get_or_insert(key);
            }
        }
        Ok(Keys(twice))
    }
}
