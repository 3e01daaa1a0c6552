//! `language`: the answer is in a language.

use promptgate_core::Diagnostics;
use promptgate_core::assertion::AssertionSpec;
use promptgate_core::case::Case;
use promptgate_core::nearest::did_you_mean;
use promptgate_core::score::{Evidence, Scored};
use serde::Deserialize;
use serde_json::Value;
use whatlang::{Detector, Lang, Script, detect_script};

use super::expected::Expected;
use super::kind::pass_fail;
use super::text::excerpt;
use super::{Assertion, AssertionKind, BuildContext, CostClass, Example, Parameter, Step, Trial};

/// The table entry.
pub(super) const KIND: AssertionKind = AssertionKind {
    name: "language",
    summary: "the answer is in a language; unscored where it is in a script of the language and cannot be told surely",
    cost: CostClass::Pure,
    yields: pass_fail,
    parameters: &[Parameter {
        name: "value",
        doc: "the language: its code (`de`, `deu`) or English name (`German`); may name parts of the case",
    }],
    passes: Example::of("value = \"de\"", "Ihr Paket ist leider verspätet und kommt erst am Montag an."),
    fails: Example::of(
        "value = \"German\"",
        "Your parcel will unfortunately arrive two days late, and we are very sorry about that.",
    ),
    build,
};

/// Codes of two letters (ISO 639-1) for the languages that can be told apart.
const CODES: [(&str, Lang); 69] = [
    ("eo", Lang::Epo),
    ("en", Lang::Eng),
    ("ru", Lang::Rus),
    ("zh", Lang::Cmn),
    ("es", Lang::Spa),
    ("pt", Lang::Por),
    ("it", Lang::Ita),
    ("bn", Lang::Ben),
    ("fr", Lang::Fra),
    ("de", Lang::Deu),
    ("uk", Lang::Ukr),
    ("ka", Lang::Kat),
    ("ar", Lang::Ara),
    ("hi", Lang::Hin),
    ("ja", Lang::Jpn),
    ("he", Lang::Heb),
    ("yi", Lang::Yid),
    ("pl", Lang::Pol),
    ("am", Lang::Amh),
    ("jv", Lang::Jav),
    ("ko", Lang::Kor),
    ("nb", Lang::Nob),
    ("da", Lang::Dan),
    ("sv", Lang::Swe),
    ("fi", Lang::Fin),
    ("tr", Lang::Tur),
    ("nl", Lang::Nld),
    ("hu", Lang::Hun),
    ("cs", Lang::Ces),
    ("el", Lang::Ell),
    ("bg", Lang::Bul),
    ("be", Lang::Bel),
    ("mr", Lang::Mar),
    ("kn", Lang::Kan),
    ("ro", Lang::Ron),
    ("sl", Lang::Slv),
    ("hr", Lang::Hrv),
    ("sr", Lang::Srp),
    ("mk", Lang::Mkd),
    ("lt", Lang::Lit),
    ("lv", Lang::Lav),
    ("et", Lang::Est),
    ("ta", Lang::Tam),
    ("vi", Lang::Vie),
    ("ur", Lang::Urd),
    ("th", Lang::Tha),
    ("gu", Lang::Guj),
    ("uz", Lang::Uzb),
    ("pa", Lang::Pan),
    ("az", Lang::Aze),
    ("id", Lang::Ind),
    ("te", Lang::Tel),
    ("fa", Lang::Pes),
    ("ml", Lang::Mal),
    ("or", Lang::Ori),
    ("my", Lang::Mya),
    ("ne", Lang::Nep),
    ("si", Lang::Sin),
    ("km", Lang::Khm),
    ("tk", Lang::Tuk),
    ("ak", Lang::Aka),
    ("zu", Lang::Zul),
    ("sn", Lang::Sna),
    ("af", Lang::Afr),
    ("la", Lang::Lat),
    ("sk", Lang::Slk),
    ("ca", Lang::Cat),
    ("tl", Lang::Tgl),
    ("hy", Lang::Hye),
];

/// The language of a code or an English name.
fn named(name: &str) -> Option<Lang> {
    let name = name.trim().to_lowercase();
    let short = match name.as_str() {
        "no" | "norwegian" => "nb",
        "zh-cn" | "zh-tw" | "chinese" => "zh",
        other => other,
    };
    let of_code = CODES.iter().find(|(code, _)| *code == short).map(|(_, language)| *language);
    of_code
        .or_else(|| Lang::from_code(short))
        .or_else(|| Lang::all().iter().copied().find(|language| language.eng_name().to_lowercase() == short))
}

/// Whether a value names a language that can be told.
pub(crate) fn known(value: &Value) -> Result<(), String> {
    let Some(name) = value.as_str() else { return Err("is not the name of a language".to_owned()) };
    match (named(name), name.trim().to_lowercase().as_str()) {
        (Some(_), _) => Ok(()),
        // IFEval's own data asks for it.
        (None, "sw" | "swa" | "swahili") => Err("is Swahili, which cannot be told; leave it to a judge".to_owned()),
        (None, _) => Err(format!("names no language that can be told; {}", help(name))),
    }
}

/// Every code is like some other one, so only a name is taken for a slip.
fn help(name: &str) -> String {
    let unlike = if name.chars().count() > 3 { name } else { "" };
    did_you_mean(unlike, CODES.map(|(code, _)| code))
}

/// Scripts of languages that the library tells in another one.
const OTHER_SCRIPTS: [(Lang, Script); 6] = [
    (Lang::Jpn, Script::Mandarin),
    (Lang::Srp, Script::Latin),
    (Lang::Uzb, Script::Cyrillic),
    (Lang::Aze, Script::Cyrillic),
    (Lang::Tuk, Script::Cyrillic),
    (Lang::Pan, Script::Arabic),
];

/// Whether a text is in a script of a language, or has no letters. A quarter of it is enough: an answer in Chinese that names
/// things of a program has more letters of ours.
fn is_in_script_of(language: Lang, text: &str) -> bool {
    let is_written_so =
        |script: Script| script.langs().contains(&language) || OTHER_SCRIPTS.contains(&(language, script));
    let fitting = text.split_whitespace().filter(|word| detect_script(word).is_some_and(is_written_so));
    fitting.map(letters).sum::<usize>() * 4 >= letters(text)
}

fn letters(text: &str) -> usize {
    text.chars().filter(|c| c.is_alphabetic()).count()
}

/// What a text is in.
enum Told {
    /// This language.
    Surely(Lang),
    /// Most likely this one.
    Maybe(Lang),
    Nothing,
}

fn told(text: &str) -> Told {
    match Detector::new().detect(text) {
        Some(info) if info.is_reliable() => Told::Surely(info.lang()),
        Some(info) => Told::Maybe(info.lang()),
        None => Told::Nothing,
    }
}

/// The letters from which on a text is long enough that the best guess counts, sure or not.
const LONG: usize = 200;

/// Whether a text is in a language, or too short to tell; for instructions, which have no third answer. What cannot be told
/// has followed, as for the checkers of the benchmark, but not a text that is in another script or long.
pub(crate) fn is_or_may_be(text: &str, name: &str) -> bool {
    // Letters all in capitals say the same in small ones, and are told more surely.
    let text = text.to_lowercase();
    let Some(wanted) = named(name) else { return true };
    match told(&text) {
        Told::Surely(found) => found == wanted,
        Told::Maybe(_) | Told::Nothing if !is_in_script_of(wanted, &text) => false,
        Told::Maybe(found) => found == wanted || letters(&text) < LONG,
        Told::Nothing => true,
    }
}

/// Why nothing is said of an answer.
fn untold(text: &str, guess: Option<Lang>) -> String {
    match guess.filter(|_| letters(text) >= LONG) {
        Some(guess) => format!("the language of the answer cannot be told surely; {} is most likely", guess.eng_name()),
        None => "the answer is too short to tell its language".to_owned(),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    value: Value,
}

struct Language(Expected);

fn build(spec: &AssertionSpec, _: &BuildContext<'_>) -> Result<Box<dyn Assertion>, Diagnostics> {
    let params: Params = spec.params.read("`language`")?;
    Ok(Box::new(Language(Expected::read(&spec.params, "value", &params.value, known)?)))
}

impl Assertion for Language {
    fn start(&self, trial: &Trial<'_>) -> Step {
        Step::decide(|| {
            let (text, name) = (trial.subject().text(), self.0.text(trial.case)?);
            let wanted = named(&name).ok_or_else(|| format!("`{name}` names no language that can be told"))?;
            let evidence = |found: &str| Evidence {
                expected: Some(wanted.eng_name().to_owned()),
                found: Some(format!("{found}: {}", excerpt(&text))),
                note: None,
            };
            let told = told(&text);
            if !matches!(told, Told::Surely(_)) && !is_in_script_of(wanted, &text) {
                return Ok(Scored::decided(false, evidence("another script")));
            }
            match told {
                Told::Surely(found) => Ok(Scored::decided(found == wanted, evidence(found.eng_name()))),
                Told::Maybe(found) if found == wanted => Ok(Scored::decided(true, evidence(found.eng_name()))),
                Told::Maybe(found) => Err(untold(&text, Some(found))),
                Told::Nothing => Err(untold(&text, None)),
            }
        })
    }

    fn check(&self, case: &Case) -> Result<(), Diagnostics> {
        Ok(self.0.check(case)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NEPALI: &str = "सबै व्यक्तिहरू जन्मजात स्वतन्त्र हुन् ती सबैको समान अधिकार र महत्व छ। निजहरूमा विचार शक्ति र सद्विचार \
        भएकोले निजहरूले आपसमा भातृत्वको भावनाबाट व्यवहार गर्नु पर्छ। ";
    const SWAHILI: &str = "Watu wote wamezaliwa huru, hadhi na haki zao ni sawa. ";

    #[track_caller]
    fn check(text: &str, followed: &[&str], not: &[&str]) {
        followed.iter().for_each(|name| assert!(is_or_may_be(text, name), "{name}: {text}"));
        not.iter().for_each(|name| assert!(!is_or_may_be(text, name), "{name}: {text}"));
    }

    #[test]
    fn a_text_in_another_script_follows_in_no_length() {
        check("привет, как дела", &["ru"], &["en", "de", "el", "ar"]);
        check(&NEPALI.repeat(6), &["ne"], &["en", "de", "fi", "fr", "pt"]);
        check(SWAHILI, &["en", "de"], &["ru", "ar", "hi", "ja"]);
        check("寿司", &["zh"], &["ko", "en"]);
        check("寿司は東京の有名な料理です", &["ja"], &["ko", "en"]);
        check("用 HashMap 和 TreeMap 都可以", &["zh"], &["ru"]);
        check("1 + 1 = 2", &["en", "ru"], &[]);
        check("བོད་ཡིག", &[], &["en"]);
    }

    #[test]
    fn a_long_text_follows_where_the_best_guess_is_the_language() {
        check(&SWAHILI.repeat(6), &[], &["en", "de", "fr"]);
    }

    #[test]
    fn a_long_text_is_not_called_short() {
        assert_eq!(untold("ab", Some(Lang::Nep)), "the answer is too short to tell its language");
        let long = untold(&NEPALI.repeat(4), Some(Lang::Nep));
        assert_eq!(long, "the language of the answer cannot be told surely; Nepali is most likely");
    }
}
