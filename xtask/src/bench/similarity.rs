//! Similarity on one core, beside the programs it is defined by, on the same pairs: what a pair takes.

use std::fs;
use std::hint::black_box;
use std::process::Command;
use std::time::Instant;

use promptgate_scoring::similarity::tokens::Tokenize;
use promptgate_scoring::similarity::{bits, bleu, rouge};
use serde_json::Value;

use super::World;
use super::table::Row;
use crate::chore::{output, root};
use crate::python::python;
use crate::similarity::random;

/// The word by which this program measures in a process of its own.
pub const ROLE: &str = "similarity-of";

const PAIRS: u64 = 2_000;

/// What is measured, how many times faster it is to be, and what with.
const MEASURES: [(&str, f64, &str); 3] = [
    ("rouge-l", 50.0, "rouge-score"),
    ("bleu", 20.0, "sacreBLEU"),
    ("edit-distance", 1.0, "rapidfuzz's C++, many pairs a call"),
];

pub fn rows(world: &World) -> Result<Vec<Row>, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let file = folder.path().join("pairs.json");
    let pairs: Vec<(String, String)> = (0..PAIRS).map(random).collect();
    let text = serde_json::to_string(&pairs).map_err(|error| error.to_string())?;
    fs::write(&file, text).map_err(|error| error.to_string())?;
    let mut ours = Command::new(&world.xtask);
    ours.args(["bench", ROLE]).arg(&file);
    let mut theirs = Command::new(python("similarity", "xtask/independent/similarity.txt")?);
    theirs.arg(root().join("xtask/independent/similarity_speed.py")).arg(&file);
    let (ours, theirs) = (times(&output(ours)?)?, times(&output(theirs)?)?);
    let row = |(name, least, with): (&str, f64, &str)| -> Result<Row, String> {
        let of = |times: &Value| times[name].as_f64().ok_or_else(|| format!("{name} was not measured"));
        let (us, them) = (of(&ours)?, of(&theirs)?);
        let note = format!("{us:.2} us a pair, {with} {them:.2} us; about 30 words, tokens made anew each time");
        Ok(Row::at_least(&format!("{name}, times as fast"), them / us, least, "x", &note))
    };
    MEASURES.into_iter().map(row).collect()
}

fn times(text: &str) -> Result<Value, String> {
    serde_json::from_str(text.trim()).map_err(|error| format!("{error}: {text}"))
}

/// Measures all of them and prints microseconds a pair.
pub fn play(file: &str) -> Result<(), String> {
    let text = fs::read_to_string(file).map_err(|error| error.to_string())?;
    let pairs: Vec<(String, String)> = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    let google = |text: &str| Tokenize::RougeScore.tokens(text);
    let mteval = |text: &str| Tokenize::Mteval13a.tokens(text);
    let rouge = time(&pairs, |said, reference| {
        let _ = black_box(rouge::rouge_l(&google(said), &google(reference)));
    });
    let bleu = time(&pairs, |said, reference| {
        black_box(bleu::bleu(&mteval(said), &[mteval(reference)]));
    });
    let edits = time(&pairs, |said, reference| {
        let _ = black_box(bits::text_edits(said, reference));
    });
    println!("{}", serde_json::json!({"rouge-l": rouge, "bleu": bleu, "edit-distance": edits}));
    Ok(())
}

/// Microseconds a pair, the best of five rounds.
fn time(pairs: &[(String, String)], mut once: impl FnMut(&str, &str)) -> f64 {
    let round = |_| {
        let begin = Instant::now();
        pairs.iter().for_each(|(said, reference)| once(said, reference));
        begin.elapsed().as_secs_f64() * 1e6 / pairs.len() as f64
    };
    (0..5).map(round).fold(f64::INFINITY, f64::min)
}
