//! `language`: the answer is in a language.

use promptgate_core::Diagnostics;
use promptgate_core::assertion::AssertionSpec;
use promptgate_core::case::Case;
use promptgate_core::nearest::did_you_mean;
use promptgate_core::score::{Evidence, Scored};
use serde::Deserialize;
use serde_json::Value;
use whatlang::{Detector, Lang};

use super::expected::Expected;
use super::kind::pass_fail;
use super::text::excerpt;
use super::{Assertion, AssertionKind, BuildContext, CostClass, Example, Parameter, Step, Trial};

/// The table entry.
pub(super) const KIND: AssertionKind = AssertionKind {
    name: "language",
    summary: "the answer is in a language; unscored where it is too short to tell",
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
    match named(name) {
        Some(_) => Ok(()),
        None => Err(format!("names no language that can be told; {}", did_you_mean(name, CODES.map(|(code, _)| code)))),
    }
}

/// What a text is in.
enum Told {
    /// This language.
    Surely(Lang),
    /// Most likely this one: the text is short.
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

/// Whether a text is in a language, or too short to tell; for instructions, which have no third answer.
pub(crate) fn is_or_may_be(text: &str, name: &str) -> bool {
    // Letters all in capitals say the same in small ones, and are told more surely.
    match (told(&text.to_lowercase()), named(name)) {
        (Told::Surely(found), Some(wanted)) => found == wanted,
        _ => true,
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
            let evidence = |found: Lang| Evidence {
                expected: Some(wanted.eng_name().to_owned()),
                found: Some(format!("{}: {}", found.eng_name(), excerpt(&text))),
                note: None,
            };
            match told(&text) {
                Told::Surely(found) => Ok(Scored::decided(found == wanted, evidence(found))),
                Told::Maybe(found) if found == wanted => Ok(Scored::decided(true, evidence(found))),
                Told::Maybe(_) | Told::Nothing => Err("the answer is too short to tell its language".to_owned()),
            }
        })
    }

    fn check(&self, case: &Case) -> Result<(), Diagnostics> {
        Ok(self.0.check(case)?)
    }
}
