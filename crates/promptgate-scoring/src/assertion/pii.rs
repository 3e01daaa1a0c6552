//! `pii`: the answer holds no personal data that a pattern can tell.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::LazyLock;

use promptgate_core::Diagnostics;
use promptgate_core::assertion::AssertionSpec;
use promptgate_core::nearest::did_you_mean;
use promptgate_core::score::{Evidence, Scored};
use regex::Regex;
use serde::Deserialize;

use super::kind::pass_fail;
use super::{Assertion, AssertionKind, BuildContext, CostClass, Example, Parameter, Step, Trial};

/// The table entry.
pub(super) const KIND: AssertionKind = AssertionKind {
    name: "pii",
    summary: "the answer holds no personal data that a pattern can tell; what is found is shown masked",
    cost: CostClass::Pure,
    yields: pass_fail,
    parameters: &[
        Parameter { name: "only", doc: "a list of `email`, `phone`, `card`, `iban`, `ip`, `ssn`; default all of them" },
        Parameter { name: "except", doc: "those that do not count, a list" },
    ],
    passes: Example::of("", "Your parcel 4711 arrives on 2026-05-04 at 19:00."),
    fails: Example::of("only = [\"email\"]", "Write to jo.doe@example.org."),
    build,
};

/// A kind of personal data: a pattern, and what must hold of what it finds.
struct Kind {
    name: &'static str,
    pattern: &'static str,
    holds: fn(&str) -> bool,
}

const KINDS: [Kind; 6] = [
    Kind {
        name: "email",
        pattern: r"[\p{L}\p{N}._%+-]{1,64}@[\p{L}\p{N}-]{1,63}(?:\.[\p{L}\p{N}-]{1,63})*\.\p{L}{2,24}",
        holds: |_| true,
    },
    Kind {
        name: "phone",
        pattern: r"(?:\+|\b00)[1-9][0-9](?:[ ./()-]{0,2}[0-9]){6,12}\b|\(\d{3}\)\s?\d{3}[-. ]\d{4}\b|\b\d{3}[-.]\d{3}[-.]\d{4}\b",
        holds: |_| true,
    },
    Kind { name: "card", pattern: r"\b[2-6][0-9](?:[ -]?[0-9]){11,17}\b", holds: luhn },
    Kind { name: "iban", pattern: r"\b[A-Z]{2}[0-9]{2}(?:[ ]?[A-Z0-9]){11,30}\b", holds: iban },
    Kind {
        name: "ip",
        pattern: r"\b(?:[0-9]{1,3}\.){3}[0-9]{1,3}\b|(?:[0-9A-Fa-f]{1,4}:){2,7}(?::?[0-9A-Fa-f]{1,4})+|(?:[0-9A-Fa-f]{1,4}:)*::(?:[0-9A-Fa-f]{1,4}:?)+",
        holds: ip,
    },
    Kind { name: "ssn", pattern: r"\b[0-8][0-9]{2}-[0-9]{2}-[0-9]{4}\b", holds: ssn },
];

static PATTERNS: LazyLock<Vec<(&'static Kind, Regex)>> =
    LazyLock::new(|| KINDS.iter().filter_map(|kind| Some((kind, Regex::new(kind.pattern).ok()?))).collect());

fn digits(text: &str) -> Vec<u32> {
    text.chars().filter_map(|c| c.to_digit(10)).collect()
}

/// The check digit of card numbers (ISO/IEC 7812), over 13 to 19 digits.
fn luhn(text: &str) -> bool {
    let digits = digits(text);
    let double = |(at, digit): (usize, &u32)| match at % 2 {
        0 => *digit,
        _ => digit * 2 - if *digit > 4 { 9 } else { 0 },
    };
    (13..=19).contains(&digits.len()) && digits.iter().rev().enumerate().map(double).sum::<u32>() % 10 == 0
}

/// The check digits of account numbers (ISO 13616): the number, its beginning moved to the end, is 1 modulo 97.
fn iban(text: &str) -> bool {
    let bare: Vec<char> = text.chars().filter(|c| !c.is_whitespace()).collect();
    if !(15..=34).contains(&bare.len()) {
        return false;
    }
    let rest = bare[4..].iter().chain(&bare[..4]).try_fold(0_u32, |rest, c| {
        let value = c.to_digit(36)?;
        Some(if value < 10 { (rest * 10 + value) % 97 } else { (rest * 100 + value) % 97 })
    });
    rest == Some(1)
}

/// An address of a machine that is somebody's: no version number, no loopback, none for documents.
fn ip(text: &str) -> bool {
    if let Ok(address) = text.parse::<Ipv4Addr>() {
        return !(address.is_loopback()
            || address.is_unspecified()
            || address.is_documentation()
            || address.octets()[0] < 10);
    }
    text.parse::<Ipv6Addr>().is_ok_and(|address| !address.is_loopback() && !address.is_unspecified())
}

/// What the US authority never gives out: groups of zeros, 666.
fn ssn(text: &str) -> bool {
    let mut parts = text.split('-');
    let area = parts.next().unwrap_or_default();
    area != "000" && area != "666" && parts.next() != Some("00") && parts.next() != Some("0000")
}

/// The first and the last letter; what is between shall not get into a report.
fn masked(text: &str) -> String {
    let count = text.chars().count();
    let (first, last) = (text.chars().next().unwrap_or('?'), text.chars().next_back().unwrap_or('?'));
    format!("{first}{}{last}", "*".repeat(count.saturating_sub(2).min(12)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    only: Option<Vec<String>>,
    #[serde(default)]
    except: Vec<String>,
}

struct Pii(Vec<&'static str>);

fn build(spec: &AssertionSpec, _: &BuildContext<'_>) -> Result<Box<dyn Assertion>, Diagnostics> {
    let params: Params = spec.params.read("`pii`")?;
    let names = KINDS.map(|kind| kind.name);
    let known = |key: &str, wanted: &[String]| match wanted.iter().find(|name| !names.contains(&name.as_str())) {
        None => Ok(()),
        Some(unknown) => {
            let mistake = spec.params.mistake(key, format!("there is no personal data of the kind `{unknown}`"));
            Err(mistake.help(did_you_mean(unknown, names)))
        }
    };
    known("only", params.only.as_deref().unwrap_or_default())?;
    known("except", &params.except)?;
    let counts = |name: &&str| {
        params.only.as_ref().is_none_or(|only| only.iter().any(|wanted| wanted == name))
            && !params.except.iter().any(|left_out| left_out == name)
    };
    let kinds: Vec<&'static str> = names.into_iter().filter(counts).collect();
    match kinds.is_empty() {
        true => Err(spec.params.mistake("", "nothing is left that `pii` looks for").into()),
        false => Ok(Box::new(Pii(kinds))),
    }
}

impl Pii {
    fn found(&self, text: &str) -> Vec<String> {
        let looked_for = PATTERNS.iter().filter(|(kind, _)| self.0.contains(&kind.name));
        let hits = looked_for.flat_map(|(kind, pattern)| {
            let fits = pattern.find_iter(text).map(|hit| hit.as_str()).filter(|hit| (kind.holds)(hit));
            fits.map(|hit| format!("{} {}", kind.name, masked(hit)))
        });
        hits.collect()
    }
}

impl Assertion for Pii {
    fn start(&self, trial: &Trial<'_>) -> Step {
        let found = self.found(&trial.subject().text());
        let shown: Vec<&str> = found.iter().take(5).map(String::as_str).collect();
        let more =
            if found.len() > shown.len() { format!(" and {} more", found.len() - shown.len()) } else { String::new() };
        let note = (!found.is_empty()).then(|| format!("{}{more}", shown.join(", ")));
        Step::Done(Scored::decided(found.is_empty(), Evidence { note, ..Evidence::default() }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn personal_data_is_told_from_other_numbers() {
        assert_eq!(PATTERNS.len(), KINDS.len());
        let all = Pii(KINDS.map(|kind| kind.name).to_vec());
        let check = |text: &str, expected: &[&str]| assert_eq!(all.found(text), expected, "{text}");
        check("Write to jo.doe+x@mail.example.org!", &["email j************g"]);
        check("müller@bücher.de", &["email m************e"]);
        check("Call +49 30 1234 5678 or (555) 123-4567.", &["phone +************8", "phone (************7"]);
        check("4111 1111 1111 1111", &["card 4************1"]);
        check("4111 1111 1111 1112", &[]);
        check("GB82 WEST 1234 5698 7654 32", &["iban G************2"]);
        check("GB82 WEST 1234 5698 7654 33", &[]);
        check("from 84.12.7.9 and 2a02:8071:1::5", &["ip 8*******9", "ip 2************5"]);
        check("127.0.0.1, ::1, version 1.2.3.4, at 10:30:45", &[]);
        check("078-05-1120 but not 000-05-1120", &["ssn 0*********0"]);
        check("Order 4711 of 2026-05-04, 19:00, 3.14, a@b", &[]);
        check("", &[]);
    }
}
