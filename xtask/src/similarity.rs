//! `similarity`: edit distance, ratios, ROUGE, BLEU, GLEU, chrF, TER, METEOR, kappa and alpha on made texts, held against the programs
//! they are defined by (rapidfuzz, rouge-score, sacreBLEU, NLTK, scikit-learn, krippendorff).

use std::fs;
use std::process::Command;

use promptgate_core::sequence::mix;
use promptgate_scoring::similarity::ratio::Ratio;
use promptgate_scoring::similarity::tokens::Tokenize;
use promptgate_scoring::similarity::{bits, bleu, chrf, gleu, meteor, rouge, ter};
use promptgate_scoring::stats::agreement::{Level, Weights, cohen_kappa, krippendorff};
use serde_json::{Value, json};

use crate::chore::{Outcome, pass, root};
use crate::python::python;

/// Pairs of plain English, and of what breaks programs.
const RANDOM: u64 = 1_000;
const NASTY: u64 = 200;

/// `cargo xtask similarity`.
pub fn run(_arguments: &[String]) -> Outcome {
    check().into()
}

/// Computes everything here, and has Python compute it again.
pub fn check() -> Result<(), String> {
    let python = python("similarity", "xtask/independent/similarity.txt")?;
    let pairs: Vec<Value> = (0..RANDOM)
        .map(|at| pair("random", random(at)))
        .chain((0..NASTY).map(|at| pair("nasty", nasty(at))))
        .collect::<Result<_, _>>()?;
    let ratings: Vec<Value> = (0..RANDOM + NASTY).map(ratings).collect::<Result<_, _>>()?;
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    let file = folder.path().join("ours.json");
    fs::write(&file, json!({"pairs": pairs, "ratings": ratings}).to_string()).map_err(|error| error.to_string())?;
    let mut judged = Command::new(python);
    judged.arg(root().join("xtask/independent/similarity.py")).arg(&file);
    pass(judged)
}

fn pair(class: &str, (said, reference): (String, String)) -> Result<Value, String> {
    let failed = |error: promptgate_scoring::similarity::TooLong| error.to_string();
    let google = |text: &str| Tokenize::RougeScore.tokens(text);
    let mteval = |text: &str| Tokenize::Mteval13a.tokens(text);
    let spaced = |text: &str| Tokenize::Whitespace.tokens(text);
    let lower = |text: &str| Tokenize::Whitespace.tokens(&text.to_lowercase());
    let (one, other) = (google(&said), google(&reference));
    let of = |overlap: rouge::Overlap| json!([overlap.precision, overlap.recall, overlap.f1()]);
    Ok(json!({
        "class": class, "said": said, "reference": reference,
        "levenshtein": bits::text_edits(&said, &reference).map_err(failed)?,
        "ratio": Ratio::Plain.of(&said, &reference).map_err(failed)?,
        "token_sort_ratio": Ratio::TokenSort.of(&said, &reference).map_err(failed)?,
        "token_set_ratio": Ratio::TokenSet.of(&said, &reference).map_err(failed)?,
        "rouge1": of(rouge::rouge_n(&one, &other, 1)),
        "rouge2": of(rouge::rouge_n(&one, &other, 2)),
        "rougeL": of(rouge::rouge_l(&one, &other).map_err(failed)?),
        "bleu": bleu::bleu(&mteval(&said), &[mteval(&reference)]),
        "bleu_of_two": bleu::bleu(&mteval(&said), &[mteval(&reference), mteval("the cat sat on the mat .")]),
        "chrf": chrf::chrf(&said, &reference),
        "ter": ter::ter(&lower(&said), &lower(&reference)).map_err(failed)?,
        "meteor": meteor::meteor(&lower(&said), &lower(&reference)),
        "gleu": gleu::gleu(&spaced(&said), &spaced(&reference)),
    }))
}

/// A number below `n`, drawn from a seed and a place.
fn drawn(seed: u64, place: u64, n: usize) -> usize {
    (mix(seed.wrapping_mul(0x9e37_79b9).wrapping_add(place)) % n as u64) as usize
}

const WORDS: [&str; 24] = [
    "the",
    "cat",
    "sat",
    "on",
    "a",
    "mat",
    "Paris",
    "is",
    "capital",
    "of",
    "France",
    "it's",
    "3.5",
    "km",
    "1,000",
    "no",
    "not",
    "very",
    "well-known",
    "U.S.",
    "refund",
    "parcel",
    "late",
    "(see",
];

const MARKS: [&str; 10] = [" ", " ", " ", " ", ", ", ". ", " - ", "! ", "\n", "; "];

/// A sentence, and what edits make of it.
pub(crate) fn random(at: u64) -> (String, String) {
    let count = drawn(at, 1, 60);
    let word = |seed: u64, place: usize| {
        let place = place as u64;
        format!("{}{}", WORDS[drawn(seed, 2 * place + 7, WORDS.len())], MARKS[drawn(seed, 2 * place + 8, MARKS.len())])
    };
    let said: String = (0..count).map(|place| word(at, place)).collect();
    let keep = 20 + drawn(at, 3, 80);
    let edited = |place: usize| match drawn(at, 500 + place as u64, 100) {
        lot if lot < keep => word(at, place),
        lot if lot % 3 == 0 => String::new(),
        _ => word(at + 1_000_000, place),
    };
    let reference = (0..count + drawn(at, 4, 5)).map(edited).collect();
    (said, reference)
}

const PIECES: [&str; 32] = [
    "",
    " ",
    "\u{a0}",
    "\u{2003}",
    "\u{200b}",
    "\u{feff}",
    "\u{1c}",
    "\t",
    "\r\n",
    "\0",
    "e\u{301}",
    "é",
    "ß",
    "ẞ",
    "İ",
    "ı",
    "ﬁ",
    "Σίσυφος",
    "ΣΑΣ",
    "Москва",
    "שלום",
    "\u{202e}abc\u{202c}",
    "مرحبا",
    "東京",
    "한국어",
    "👩\u{200d}👩\u{200d}👧",
    "🇩🇪",
    "𝔘𝔫𝔦",
    "&amp;&lt;",
    "a.b,c-d 1-2",
    "<skipped>",
    "\u{85}x\u{2028}y",
];

/// Texts of what breaks programs: marks, directions, signs, controls, nothing, and now and then a very long one.
fn nasty(at: u64) -> (String, String) {
    let long = if at % 25 == 24 { 400 } else { 1 };
    let text = |seed: u64| -> String {
        let count = drawn(seed, 1, 12) * long;
        (0..count).map(|place| PIECES[drawn(seed, 9 + place as u64, PIECES.len())]).collect()
    };
    (text(at * 2 + 77), text(at * 2 + 78 - at % 3 % 2))
}

/// Labels of two raters, and of three with gaps.
fn ratings(at: u64) -> Result<Value, String> {
    let (items, categories) = (2 + drawn(at, 1, 40), 2 + drawn(at, 2, 4));
    let agree = drawn(at, 3, 100);
    let one: Vec<usize> = (0..items).map(|item| drawn(at, 10 + item as u64, categories)).collect();
    let other: Vec<usize> = one
        .iter()
        .enumerate()
        .map(|(item, label)| {
            let item = item as u64;
            if drawn(at, 200 + item, 100) < agree { *label } else { drawn(at, 400 + item, categories) }
        })
        .collect();
    let third =
        (0..items).map(|item| (drawn(at, 600 + item as u64, 4) > 0).then(|| drawn(at, 800 + item as u64, categories)));
    let third: Vec<Option<usize>> = third.collect();
    let kappa = |weights| cohen_kappa(&one, &other, categories, weights).map_err(|error| error.to_string());
    let table: Vec<Vec<Option<f64>>> = [
        one.iter().map(|label| Some(*label as f64)).collect(),
        other.iter().map(|label| Some(*label as f64)).collect(),
        third.iter().map(|label| label.map(|label| label as f64)).collect(),
    ]
    .into();
    let alpha = |level| krippendorff(&table, level).map_err(|error| error.to_string());
    Ok(json!({
        "one": one, "other": other, "third": third, "categories": categories,
        "kappa": kappa(Weights::None)?.kappa, "kappa_quadratic": kappa(Weights::Quadratic)?.kappa,
        "nominal": alpha(Level::Nominal)?, "ordinal": alpha(Level::Ordinal)?, "interval": alpha(Level::Interval)?,
    }))
}
