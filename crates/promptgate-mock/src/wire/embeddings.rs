//! Embeddings of OpenAI and Gemini: a vector per text, a function of its letters, so that like texts have like vectors.

use serde_json::{Value, json};

use crate::asked::SEPARATOR;
use crate::said::Said;

const DIMENSIONS: usize = 32;

pub(super) fn reply(said: &Said) -> Value {
    let data: Vec<Value> = said.text.split(SEPARATOR).enumerate().map(|(index, text)| row(index, text)).collect();
    let usage = json!({"prompt_tokens": said.tokens.input, "total_tokens": said.tokens.input});
    json!({"object": "list", "data": data, "model": said.model, "usage": usage})
}

pub(super) fn of_gemini(said: &Said) -> Value {
    let values = |text: &str| json!({"values": vector(text)});
    json!({"embeddings": said.text.split(SEPARATOR).map(values).collect::<Vec<_>>()})
}

pub(super) fn one_of_gemini(said: &Said) -> Value {
    json!({"embedding": {"values": vector(&said.text)}})
}

fn row(index: usize, text: &str) -> Value {
    json!({"object": "embedding", "index": index, "embedding": vector(text)})
}

/// Counts of pairs of letters, folded into so many buckets and brought to length 1.
fn vector(text: &str) -> Vec<f64> {
    let letters: Vec<u32> = text.chars().flat_map(char::to_lowercase).map(u32::from).collect();
    let mut counts = [0.0; DIMENSIONS];
    // The first bucket keeps an empty text from having no direction.
    counts[0] = 1e-3;
    for pair in letters.windows(2) {
        counts[(pair[0].wrapping_mul(31).wrapping_add(pair[1])) as usize % DIMENSIONS] += 1.0;
    }
    let length = counts.iter().map(|count: &f64| count * count).sum::<f64>().sqrt();
    counts.iter().map(|count| count / length).collect()
}
