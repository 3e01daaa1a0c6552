//! Values of arguments, from the words they are given in.

use std::time::Duration;

use promptgate_core::format::amount;
use promptgate_core::format::project::CacheMode;
use promptgate_core::name::CaseId;
use promptgate_core::nearest::did_you_mean;
use promptgate_core::selection::Selection;

pub fn age(text: &str) -> Result<Duration, String> {
    amount::duration(text)
}

pub fn filter(text: &str) -> Result<Selection, String> {
    promptgate_core::format::selection::parse_filter(text).map_err(|error| error.to_string())
}

pub fn case_id(text: &str) -> Result<CaseId, String> {
    CaseId::new(text).map_err(|error| error.to_string())
}

pub fn cache_mode(text: &str) -> Result<CacheMode, String> {
    let found = CacheMode::WORDS.iter().find(|(word, _)| *word == text);
    let known = || did_you_mean(text, CacheMode::WORDS.iter().map(|(word, _)| *word));
    found.map(|(_, mode)| *mode).ok_or_else(known)
}

pub fn agreement(text: &str) -> Result<f64, String> {
    let number = text.parse::<f64>().ok().filter(|number| (-1.0..=1.0).contains(number));
    number.ok_or_else(|| "write a number from -1 to 1, such as 0.6".to_owned())
}

pub fn dollars(text: &str) -> Result<f64, String> {
    let dollars: f64 =
        text.trim_start_matches('$').parse().map_err(|_| "expected US dollars, such as 2.50".to_owned())?;
    if dollars > 0.0 && dollars < 1e9 { Ok(dollars) } else { Err("expected US dollars above 0".to_owned()) }
}
