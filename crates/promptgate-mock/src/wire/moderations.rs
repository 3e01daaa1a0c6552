//! Moderations: a text is flagged by the words `violence`, `hate` and `harassment`.

use serde_json::{Map, Value, json};

use crate::asked::SEPARATOR;
use crate::said::Said;

const CATEGORIES: [&str; 4] = ["violence", "hate", "harassment", "self-harm"];

pub(super) fn reply(said: &Said) -> Value {
    let results: Vec<Value> = said.text.split(SEPARATOR).map(result).collect();
    json!({"id": "modr-mock", "model": said.model, "results": results})
}

fn result(text: &str) -> Value {
    let text = text.to_lowercase();
    let hit = |category: &str| text.contains(category);
    let categories: Map<String, Value> = CATEGORIES.iter().map(|each| ((*each).to_owned(), hit(each).into())).collect();
    let scores: Map<String, Value> =
        CATEGORIES.iter().map(|each| ((*each).to_owned(), if hit(each) { 0.97 } else { 0.01 }.into())).collect();
    let flagged = CATEGORIES.iter().any(|each| hit(each));
    json!({"flagged": flagged, "categories": categories, "category_scores": scores})
}
