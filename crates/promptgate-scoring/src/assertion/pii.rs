//! `pii`: the answer holds no personal data that a pattern can tell.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::ops::RangeInclusive;
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
        Parameter {
            name: "only",
            doc: "a list of `email`, `phone`, `card`, `iban`, `ip` (version 4 and 6), `ssn`; default all of them",
        },
        Parameter { name: "except", doc: "those that do not count, a list" },
    ],
    passes: Example::of("", "Your parcel 4711 arrives on 2026-05-04 at 19:00."),
    fails: Example::of("only = [\"email\"]", "Write to jo.doe@example.org."),
    build,
};

/// A kind of personal data: a pattern, and how much of what it finds is such data.
struct Kind {
    name: &'static str,
    pattern: &'static str,
    /// How many bytes of what the pattern finds are such data.
    holds: fn(&Hit<'_>) -> Option<usize>,
}

/// What a pattern finds, and where.
struct Hit<'t> {
    text: &'t str,
    begin: usize,
    end: usize,
}

impl<'t> Hit<'t> {
    fn before(&self) -> &'t str {
        &self.text[..self.begin]
    }

    fn found(&self) -> &'t str {
        &self.text[self.begin..self.end]
    }

    fn behind(&self) -> &'t str {
        &self.text[self.end..]
    }

    /// Its first bytes alone.
    fn first(&self, length: usize) -> Self {
        Self { end: self.begin + length, ..*self }
    }
}

// Between groups of digits stands a space, perhaps one that does not break, or a hyphen.
const KINDS: [Kind; 6] = [
    Kind {
        name: "email",
        pattern: r"[\p{L}\p{N}._%+-]{1,64}@[\p{L}\p{N}-]{1,63}(?:\.[\p{L}\p{N}-]{1,63})*\.\p{L}{2,24}",
        holds: |hit| is_of_somebody(hit).then_some(hit.found().len()),
    },
    Kind {
        name: "phone",
        // The countries whose code is one digit, 1 and 7, have numbers of ten more.
        pattern: r"(?:\+|\b00)[2-689][0-9](?:[ \x{a0}\x{202f}./()\x{2011}-]{0,2}[0-9]){6,12}\b|(?:\+|\b00)[17](?:[ \x{a0}\x{202f}./()\x{2011}-]{0,2}[0-9]){10}\b|\(\d{3}\)\s?\d{3}[-. ]\d{4}\b|\b\d{3}[-.]\d{3}[-.]\d{4}\b",
        holds: |hit| begins_number(hit).then_some(hit.found().len()),
    },
    Kind {
        name: "card",
        // With a group more than a card has, which tells a list of numbers.
        pattern: r"\b[2-6][0-9](?:[ \x{a0}\x{202f}\x{2011}-]?[0-9]){10,21}\b",
        holds: |hit| {
            let is_card = |hit: &Hit<'_>| card(hit.found()) && !is_in_list(hit);
            beginnings(hit.found()).find(|length| is_card(&hit.first(*length)))
        },
    },
    Kind {
        name: "iban",
        pattern: r"\b[A-Za-z]{2}[0-9]{2}(?:[ \x{a0}\x{202f}\x{2011}-]?[A-Za-z0-9]){11,30}\b",
        holds: |hit| beginnings(hit.found()).find(|length| iban(hit.first(*length).found())),
    },
    Kind {
        name: "ip",
        pattern: r"\b(?:[0-9]{1,3}\.){3}[0-9]{1,3}\b|\b[23Ff][0-9A-Fa-f]{3}(?:::?[0-9A-Fa-f]{1,4}){1,7}\b",
        holds: |hit| (ip(hit.found()) && !is_version(hit)).then_some(hit.found().len()),
    },
    Kind {
        name: "ssn",
        pattern: r"\b[0-8][0-9]{2}-[0-9]{2}-[0-9]{4}\b",
        holds: |hit| ssn(hit.found()).then_some(hit.found().len()),
    },
];

static PATTERNS: LazyLock<Vec<(&'static Kind, Regex)>> =
    LazyLock::new(|| KINDS.iter().filter_map(|kind| Some((kind, Regex::new(kind.pattern).ok()?))).collect());

/// Where groups end, the last one first: a pattern takes all that may belong to a number, and with it what stands behind.
fn beginnings(found: &str) -> impl Iterator<Item = usize> {
    let gaps = found.char_indices().rev().filter(|(_, c)| !c.is_alphanumeric()).map(|(at, _)| at);
    [found.len()].into_iter().chain(gaps)
}

/// Endings of files that are no country and no other domain: `icon@2x.png`.
const FILES: [&str; 14] =
    ["png", "jpg", "jpeg", "gif", "svg", "webp", "avif", "ico", "css", "js", "json", "html", "txt", "pdf"];

/// Whether an address of mail is no file and no repository (`git@example.org:team/project.git`, `ssh://git@example.org`).
fn is_of_somebody(hit: &Hit<'_>) -> bool {
    let ending = hit.found().rsplit('.').next().unwrap_or_default().to_lowercase();
    !is_repository(hit) && !FILES.contains(&ending.as_str())
}

/// Neither the name nor the path alone tells: `git@example.org` may be read by somebody, and `jo@example.org:yes/no` is.
fn is_repository(hit: &Hit<'_>) -> bool {
    let has_path = hit.behind().strip_prefix(':').is_some_and(|path| {
        let rest = path.trim_start_matches(is_of_name);
        rest.starts_with('/') || path[..path.len() - rest.len()].trim_end_matches('.').ends_with(".git")
    });
    hit.found().starts_with("git@") && (has_path || hit.before().ends_with("://"))
}

fn is_of_name(letter: char) -> bool {
    letter.is_alphanumeric() || matches!(letter, '_' | '.' | '-' | '~')
}

/// Whether a phone number is no part of a longer one, of a sum or of a time: `0.0012345678`, `5+1234567890`.
fn begins_number(hit: &Hit<'_>) -> bool {
    let mut before = hit.before().chars().rev();
    let is_in_word = |c: char| c.is_alphanumeric() || c == '_';
    match before.next() {
        Some(c) if is_in_word(c) => false,
        Some('.' | ',' | ':') if hit.found().starts_with("00") => before.next().is_none_or(|c| !c.is_ascii_digit()),
        _ => true,
    }
}

/// The first four digits of what issuers of cards give out, and how many digits it has.
const ISSUERS: [(RangeInclusive<u32>, &[usize]); 12] = [
    // Visa.
    (4000..=4999, &[13, 16, 19]),
    // Mastercard.
    (5100..=5599, &[16]),
    (2221..=2720, &[16]),
    // American Express.
    (3400..=3499, &[15]),
    (3700..=3799, &[15]),
    // JCB.
    (3528..=3589, &[16, 17, 18, 19]),
    // Diners Club.
    (3000..=3059, &[14, 15, 16, 17, 18, 19]),
    (3600..=3699, &[14, 15, 16, 17, 18, 19]),
    (3800..=3999, &[14, 15, 16, 17, 18, 19]),
    // Maestro, and among it Discover and UnionPay.
    (5000..=5099, &[12, 13, 14, 15, 16, 17, 18, 19]),
    (5600..=6999, &[12, 13, 14, 15, 16, 17, 18, 19]),
    // Mir.
    (2200..=2204, &[16, 17, 18, 19]),
];

/// The number of a card. The check digit alone fits every tenth row of numbers.
fn card(text: &str) -> bool {
    let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(10)).collect();
    let first = digits.iter().take(4).fold(0, |number, digit| number * 10 + digit);
    let is_given = ISSUERS.iter().any(|(firsts, lengths)| firsts.contains(&first) && lengths.contains(&digits.len()));
    is_given && is_grouped(text) && luhn(&digits)
}

/// Whether digits stand as on a card: in one block, or in its groups with one kind of gap between them.
fn is_grouped(text: &str) -> bool {
    let mut gaps = text.chars().filter(|c| !c.is_ascii_digit());
    let gap = gaps.next();
    let lengths: Vec<usize> = numbers(text).map(str::len).collect();
    gaps.all(|other| Some(other) == gap)
        && matches!(lengths[..], [_] | [4, 4, 4, 1..=4] | [4, 4, 4, 4, 1..=3] | [4, 6, 4 | 5])
}

/// What stands between characters that are no digits.
fn numbers(text: &str) -> impl DoubleEndedIterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_digit())
}

/// Whether groups are numbers of a list of which some have the form of a card: they rise or fall, and go on so before or
/// behind, or more than one other of four digits stands beside them.
fn is_in_list(hit: &Hit<'_>) -> bool {
    let (before, text, behind) = (hit.before(), hit.found(), hit.behind());
    let Some(gap) = text.chars().find(|c| !c.is_ascii_digit()) else { return false };
    let fours = |groups: &mut dyn Iterator<Item = &str>| groups.take_while(|group| group.len() == 4).take(2).count();
    let others = before.strip_suffix(gap).map_or(0, |before| fours(&mut before.rsplit(gap).map(digits_at_end)))
        + behind.strip_prefix(gap).map_or(0, |behind| fours(&mut behind.split(gap).map(digits_at_beginning)));
    if others > 1 {
        return true;
    }
    let previous = before.strip_suffix(gap).and_then(|before| numbers(before).next_back());
    let next = behind.strip_prefix(gap).and_then(|behind| numbers(behind).next());
    let is_ordered = |groups: Vec<u64>| groups.is_sorted_by(|a, b| a < b) || groups.is_sorted_by(|a, b| a > b);
    let parsed = |groups: &mut dyn Iterator<Item = &str>| groups.map(|group| group.parse().ok()).collect();
    let with_previous = previous.and_then(|previous| parsed(&mut [previous].into_iter().chain(numbers(text))));
    let with_next = next.and_then(|next| parsed(&mut numbers(text).chain([next])));
    with_previous.is_some_and(is_ordered) || with_next.is_some_and(is_ordered)
}

fn digits_at_end(text: &str) -> &str {
    numbers(text).next_back().unwrap_or_default()
}

fn digits_at_beginning(text: &str) -> &str {
    numbers(text).next().unwrap_or_default()
}

/// The check digit of card numbers (ISO/IEC 7812).
fn luhn(digits: &[u32]) -> bool {
    let double = |(at, digit): (usize, &u32)| match at % 2 {
        0 => *digit,
        _ => digit * 2 - if *digit > 4 { 9 } else { 0 },
    };
    digits.iter().rev().enumerate().map(double).sum::<u32>() % 10 == 0
}

/// How long the account numbers of each country are (registry of ISO 13616).
const IBAN_LENGTHS: [(usize, &str); 18] = [
    (15, "NO"),
    (16, "BE"),
    (18, "DK FI FK FO GL NL SD"),
    (19, "MK SI"),
    (20, "AT BA EE KZ LT LU MN XK"),
    (21, "CH HR LI LV"),
    (22, "BG BH CR DE GB GE IE ME RS VA"),
    (23, "AE GI IL IQ OM SO TL"),
    (24, "AD CZ ES MD PK RO SA SE SK TN VG"),
    (25, "LY PT ST"),
    (26, "IS TR"),
    (27, "BI DJ FR GR IT MC MR SM"),
    (28, "AL AZ BY CY DO GT HN HU LB NI PL SV"),
    (29, "BR EG PS QA UA"),
    (30, "JO KW MU YE"),
    (31, "MT SC"),
    (32, "LC"),
    (33, "RU"),
];

/// An account number (ISO 13616): as long as its country's are, and, its beginning moved to the end, 1 modulo 97. Without the
/// length, every hundredth sentence behind two letters and two digits would be one.
fn iban(text: &str) -> bool {
    let bare: Vec<char> = text.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_uppercase()).collect();
    let country: String = bare.iter().take(2).collect();
    if !IBAN_LENGTHS.iter().any(|(length, countries)| *length == bare.len() && countries.contains(&country)) {
        return false;
    }
    let rest = bare[4..].iter().chain(&bare[..4]).try_fold(0_u32, |rest, c| {
        let value = c.to_digit(36)?;
        Some(if value < 10 { (rest * 10 + value) % 97 } else { (rest * 100 + value) % 97 })
    });
    rest == Some(1)
}

/// An address that may be a machine's: no loopback, no network or its mask, none of many machines at once, none for
/// documents. What begins below 10 is more likely to be a version.
fn ip(text: &str) -> bool {
    if let Ok(address) = text.parse::<Ipv4Addr>() {
        let [first, _, third, last] = address.octets();
        let is_network = (third, last) == (0, 0);
        // From 224 on stand addresses of groups, and from 240 on none that is given, masks among them.
        return (10..224).contains(&first) && !address.is_loopback() && !address.is_documentation() && !is_network;
    }
    text.parse::<Ipv6Addr>().is_ok_and(|address| is_given(address) && text.contains(|c: char| c.is_ascii_digit()))
}

/// Words before a number of parts that is no address.
const NUMBERED: [&str; 13] = [
    "section",
    "sections",
    "sec",
    "chapter",
    "clause",
    "article",
    "paragraph",
    "version",
    "ver",
    "v",
    "release",
    "build",
    "firmware",
];

/// What stands before an address in paths, and is the name of no product: `host/84.12.7.9`.
const PLACES: [&str; 12] =
    ["host", "hosts", "ip", "ips", "addr", "address", "addresses", "server", "servers", "node", "client", "peer"];

/// Whether what stands before four numbers makes them a version or a place in a text: `Chrome/120.0.1.1`, "section
/// 12.1.1.1".
fn is_version(hit: &Hit<'_>) -> bool {
    if let Some(before) = hit.before().strip_suffix('/') {
        return !hit.behind().starts_with(['/', ':']) && ends_with_product(before);
    }
    let before = hit.before().trim_end_matches([' ', '\u{a0}', ':', '.']);
    let word = before.rsplit(|c: char| !c.is_alphanumeric()).next().unwrap_or_default().to_lowercase();
    // "Build: 84.12.7.9 is down" tells of a machine.
    let is_label = word == "build" && hit.before()[before.len()..].contains(':');
    before.ends_with('§') || (NUMBERED.contains(&word.as_str()) && !is_label)
}

/// Whether a text ends with a word that stands alone, and not in an address of the web or in a path.
fn ends_with_product(before: &str) -> bool {
    let is_of_address = |c: char| is_of_name(c) || matches!(c, '/' | ':' | '@' | '\\');
    let word = &before[before.trim_end_matches(is_of_address).len()..];
    word.starts_with(char::is_alphabetic)
        && word.chars().all(is_of_name)
        && !PLACES.contains(&word.to_lowercase().as_str())
}

/// Whether an address lies where addresses are given to machines: those of the world, of a site, of a link. Anything else,
/// such as `de::ad`, is more likely to be source text.
fn is_given(address: Ipv6Addr) -> bool {
    let is_for_documents = address.segments().starts_with(&[0x2001, 0xdb8]);
    let is_of_the_world = address.segments()[0] >> 13 == 1;
    (is_of_the_world && !is_for_documents) || address.is_unique_local() || address.is_unicast_link_local()
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
            hits(kind, pattern, text).into_iter().map(|hit| format!("{} {}", kind.name, masked(hit)))
        });
        hits.collect()
    }
}

/// What is data of a kind. Behind one, and behind each gap of what is none, another may begin.
fn hits<'t>(kind: &Kind, pattern: &Regex, text: &'t str) -> Vec<&'t str> {
    let (mut hits, mut at) = (Vec::new(), 0);
    while let Some(found) = pattern.find_at(text, at) {
        let begin = found.start();
        at = match (kind.holds)(&Hit { text, begin, end: found.end() }) {
            Some(length) => {
                hits.push(&text[begin..begin + length]);
                begin + length
            }
            None => begin + next_gap(found.as_str()),
        };
    }
    hits
}

/// Where the first gap stands behind the first letter, or the end. A gap that begins what was found leads nowhere new: the
/// same would be found again.
fn next_gap(found: &str) -> usize {
    let first = found.chars().next().map_or(0, char::len_utf8);
    let gap = found[first..].find([' ', '\u{a0}', '\u{202f}', '\u{2011}', '-']);
    gap.map_or(found.len(), |gap| first + gap)
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
    use rand_chacha::ChaCha8Rng;
    use rand_chacha::rand_core::{Rng, SeedableRng};

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

    #[track_caller]
    fn check(only: &'static str, text: &str, expected: usize) {
        let found = Pii(vec![only]).found(text);
        assert_eq!(found.len(), expected, "{text}: {found:?}");
    }

    #[test]
    fn what_stands_beside_a_number_does_not_hide_it() {
        check("iban", "IBAN: DE89370400440532013000 BIC COBADEFFXXX", 1);
        check("iban", "DE89 3704 0044 0532 0130 00 AND GB82 WEST 1234 5698 7654 32", 2);
        check("iban", "FR14 2004 1010 0505 0001 3M02 606 PARIS", 1);
        check("iban", "ref 12 de89-3704-0044-0532-0130-00, gb82west12345698765432", 2);
        check("iban", "DE89\u{a0}3704\u{a0}0044\u{a0}0532\u{a0}0130\u{a0}00", 1);
        check("iban", "DE89 3704 0044 0532 0130", 0);
        check("iban", "co20 we then went on to the next of the points that are open", 0);
        check("card", "Card 4111 1111 1111 1111 123", 1);
        check("card", "4111111111111111 12/27", 1);
        check("card", "6011 1111 1111 1117 01/30", 1);
        check("card", "4711 4111 1111 1111 1111 and 4111-1111-1111-1111", 2);
        check("card", "4111 1111 1111 1112 123", 0);
    }

    #[test]
    fn cards_have_the_groups_and_the_beginning_of_an_issuer() {
        for text in ["378282246310005", "3782 822463 10005", "3056-930902-5904", "5555\u{a0}5555\u{a0}5555\u{a0}4444"] {
            check("card", text, 1);
        }
        let lists = ["10 20 30 40 50 60 70 80 90 100", "2024-04-01 2024-04-08 2024-04-15", "4111 1111-1111 1111"];
        let primes = "2 3 5 7 11 13 17 19 23 29 31 37 41 43 47 53 59 61 67 71 73 79 83 89 97";
        for text in lists.into_iter().chain([primes, &row(1..=30, " "), &row(10..=30, " ")]) {
            check("card", text, 0);
        }
    }

    fn row(numbers: impl IntoIterator<Item = u32>, gap: &str) -> String {
        numbers.into_iter().map(|number| number.to_string()).collect::<Vec<_>>().join(gap)
    }

    /// In how many of 500 texts a card is found.
    fn taken_for_cards(mut draw: impl FnMut(&mut ChaCha8Rng) -> String) -> usize {
        let (mut rng, pii) = (ChaCha8Rng::seed_from_u64(4711), Pii(vec!["card"]));
        (0..500).filter(|_| !pii.found(&draw(&mut rng)).is_empty()).count()
    }

    #[test]
    fn lists_of_numbers_are_no_cards() {
        fn sorted(rng: &mut ChaCha8Rng, from: u32, to: u32) -> Vec<u32> {
            let mut numbers: Vec<u32> = (0..20).map(|_| from + rng.next_u32() % (to - from)).collect();
            numbers.sort_unstable();
            numbers
        }
        for (from, to) in [(0, 100), (0, 1_000), (0, 10_000), (1_000, 10_000), (0, 1_000_000), (1_900, 2_100)] {
            for gap in [" ", "-"] {
                let rising = taken_for_cards(|rng| row(sorted(rng, from, to), gap));
                let falling = taken_for_cards(|rng| row(sorted(rng, from, to).into_iter().rev(), gap));
                assert!(rising <= 5 && falling <= 5, "{from} to {to}: {rising} and {falling} of 500");
            }
        }
        let years = taken_for_cards(|rng| row((0..20).map(|_| 1_900 + rng.next_u32() % 200), " "));
        assert!(years <= 5, "{years} of 500");
        let date = |rng: &mut ChaCha8Rng| {
            let [year, month, day] = [200, 12, 28].map(|count| rng.next_u32() % count);
            format!("{}-{:02}-{:02}", 1_900 + year, month + 1, day + 1)
        };
        let dates = taken_for_cards(|rng| (0..20).map(|_| date(rng)).collect::<Vec<_>>().join(" "));
        assert!(dates <= 5, "{dates} of 500");
    }

    #[test]
    fn numbers_beside_others_of_four_digits_are_no_card() {
        check("card", "4111 1111 1111 1111", 1);
        check("card", "4111 1111 1111 1111 2027", 1);
        check("card", "8302 4111 1111 1111 1111 5093", 0);
        check("card", "4111 1111 1111 1111 5093 1207", 0);
        let listed = taken_for_cards(|rng| row((0..20).map(|_| 1_000 + rng.next_u32() % 9_000), " "));
        assert!(listed <= 5, "{listed} of 500");
    }

    #[test]
    fn files_and_repositories_are_no_addresses_of_mail() {
        for text in ["git@github.com:org/repo.git", "ssh://git@example.org", "icon@2x.png", "git@acme.de:app.git."] {
            check("email", text, 0);
        }
        for text in ["jo@example.org: hello", "mailto:jo@example.org", "jo@example.org/home", "jo@pdf.example.org"] {
            check("email", text, 1);
        }
        for text in ["git@acme.de", "git@acme.de: hello", "bob@acme.de:see/this", "me@example.org:~/notes/a"] {
            check("email", text, 1);
        }
    }

    #[test]
    fn an_address_with_hyphens_that_is_none_ends_no_search() {
        check("email", "see app-icon@2x.png here", 0);
        check("email", "-icon@2x.png --a-@b.png and jo-doe@example.org", 1);
        for kind in KINDS.map(|kind| kind.name) {
            for text in ["-", "-- -", "+- 1", "\u{2011}a@b.png", " -1-1-@x.css-y@x.org", "\u{a0}-\u{202f}-a@a.a.png"] {
                Pii(vec![kind]).found(text);
            }
        }
    }

    #[test]
    fn phone_numbers_begin_with_the_code_of_a_country() {
        for text in ["+1 555 123 4567", "+1 5551234567", "+7 495 123-45-67", "+7 (495) 123-45-67", "+15551234567"] {
            check("phone", text, 1);
        }
        for text in
            ["tel:+49 30 1234567", "Tel.:0049 30 1234567", "jo,+49301234567", "(0049) 30 123456", "001 555 123 4567"]
        {
            check("phone", text, 1);
        }
        let numbers = ["p = 0.00123456789", "1.0012345678", "order 0012345678", "12:0012345678", "0.0049301234567"];
        for text in numbers.into_iter().chain(["5+1234567890", "B2+12345678", "x+4930123456"]) {
            check("phone", text, 0);
        }
        for text in ["+5 10 15 20 25 30", "+1 2 3", "4 + 1 555 123 4567"] {
            check("phone", text, 0);
        }
    }

    #[test]
    fn addresses_are_told_from_source_text() {
        for text in ["2a00::1", "fe80::1", "IP:2a00:1450:4001:81b::200e.", "fd12:3456::1", "to 84.12.7.9:80"] {
            check("ip", text, 1);
        }
        for text in ["http://84.12.7.9/a", "host 192.168.0.7", "10.0.0.1"] {
            check("ip", text, 1);
        }
        for text in ["https://shodan.io/host/84.12.7.9", "host/84.12.7.9", "/var/log/84.12.7.9", "a/b/84.12.7.9"] {
            check("ip", text, 1);
        }
        for text in ["firewall rule 84.12.7.9", "Build: 84.12.7.9 is down", "nginx/84.12.7.9/log", "api/84.12.7.9:80"] {
            check("ip", text, 1);
        }
        for text in ["nginx/11.2.3.4", "(curl/18.0.0.1)", "X11; Safari/84.12.7.9", "build 84.12.7.9", "v11.2.3.4"] {
            check("ip", text, 0);
        }
        for text in ["Chrome/120.0.0.0", "Chrome/120.0.6099.71", "Section 12.1.1.1", "§ 12.1.1.1", "version: 10.2.3.4"]
        {
            check("ip", text, 0);
        }
        for text in
            ["255.255.255.0", "255.255.255.255", "224.0.0.1", "240.1.2.3", "120.0.0.0", "10.12.0.0", "192.0.2.1"]
        {
            check("ip", text, 0);
        }
        for text in
            ["at 12:30:45", "3c:22:fb:00:11:22", "2a:00:14:50:40:01", "f0f0:1234", "xs[1::2]", "2a00-1450", "fed1:2:3"]
        {
            check("ip", text, 0);
        }
        for text in ["foo::bad", "a::b", "de::ad", "::1", "2001:db8::1", "std::fade::1", "2026:05:04", "face::b00c"] {
            check("ip", text, 0);
        }
    }
}
