//! `number`: the answer is a number near a value or within a range, with the unit it should carry.

use promptgate_core::assertion::AssertionSpec;
use promptgate_core::case::Case;
use promptgate_core::nearest::{did_you_mean, nearest};
use promptgate_core::score::{Evidence, Scored};
use promptgate_core::{Diagnostic, Diagnostics};
use serde::Deserialize;
use serde_json::Value;

use super::expected::{Expected, Rule, text_of};
use super::kind::pass_fail;
use super::text::{evidence, excerpt};
use super::units::{Converted, Unit};
use super::{Assertion, AssertionKind, BuildContext, CostClass, Example, Parameter, Step, Subject, Trial};
use crate::extract::locale::Locale;
use crate::extract::number::Numeric;

/// The table entry.
pub(super) const KIND: AssertionKind = AssertionKind {
    name: "number",
    summary: "the answer as a whole is a number (`$1,350.00` and `1350 €.` are 1350) equal to the value within a tolerance, or within \
        a range, in the unit asked for; to find a number in other text, extract it first",
    cost: CostClass::Pure,
    yields: pass_fail,
    parameters: &[
        Parameter { name: "value", doc: "a number, or a text that is one; may name a part of the case" },
        Parameter {
            name: "min",
            doc: "the smallest number that passes, in place of `value`; may name a part of the case",
        },
        Parameter {
            name: "max",
            doc: "the largest number that passes, in place of `value`; may name a part of the case",
        },
        Parameter { name: "abs", doc: "the largest difference allowed; default 0" },
        Parameter {
            name: "rel",
            doc: "the largest difference allowed as a share of the value; default 0; the wider holds",
        },
        Parameter {
            name: "unit",
            doc: "the unit of all these; the answer must carry it or one that converts to it (`5000 m` is 5 `km`)",
        },
        Parameter {
            name: "locale",
            doc: "how texts write numbers: `en` 1,234.5 (default), `de` 1.234,5 or 1 234,5, `fr` 1 234,5, `ch` 1'234.5",
        },
    ],
    passes: Example::of("value = 5\nunit = \"km\"", "5,000 metres"),
    fails: Example::of("value = \"{{expected}}\"", "41").case(r#"{"expected": "42"}"#),
    build,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    value: Option<Value>,
    min: Option<Value>,
    max: Option<Value>,
    abs: Option<f64>,
    rel: Option<f64>,
    unit: Option<String>,
    #[serde(default)]
    locale: Locale,
}

struct Number {
    wanted: Wanted,
    unit: Option<&'static Unit>,
    locale: Locale,
}

/// Which numbers pass.
enum Wanted {
    Near { value: Expected, abs: f64, rel: f64 },
    Within { min: Option<Expected>, max: Option<Expected> },
}

fn build(spec: &AssertionSpec, _: &BuildContext<'_>) -> Result<Box<dyn Assertion>, Diagnostics> {
    let params: Params = spec.params.read("`number`")?;
    let unit = params.unit.as_deref().map(|name| known_unit(spec, name)).transpose()?;
    Ok(Box::new(Number { wanted: wanted(spec, &params)?, unit, locale: params.locale }))
}

fn known_unit(spec: &AssertionSpec, name: &str) -> Result<&'static Unit, Diagnostic> {
    Unit::of(name).ok_or_else(|| {
        let mistake = spec.params.mistake("unit", format!("there is no unit `{name}`"));
        mistake.help(match nearest(name, Unit::names()) {
            Some(name) => format!("did you mean `{name}`?"),
            None => did_you_mean(name, Unit::symbols()),
        })
    })
}

fn wanted(spec: &AssertionSpec, params: &Params) -> Result<Wanted, Diagnostic> {
    let rule = a_number_of(params.locale);
    let expected = |key, value: &Value| Expected::read(&spec.params, key, value, rule);
    let within = || -> Result<Wanted, Diagnostic> {
        let min = params.min.as_ref().map(|min| expected("min", min)).transpose()?;
        let max = params.max.as_ref().map(|max| expected("max", max)).transpose()?;
        in_order(spec, min.as_ref(), max.as_ref(), params.locale)?;
        Ok(Wanted::Within { min, max })
    };
    match (&params.value, params.min.is_some() || params.max.is_some()) {
        (Some(value), false) => {
            let (abs, rel) = (tolerance(spec, "abs", params.abs)?, tolerance(spec, "rel", params.rel)?);
            Ok(Wanted::Near { value: expected("value", value)?, abs, rel })
        }
        (Some(_), true) => {
            let mistake = spec.params.mistake("value", "`value` stands beside `min` or `max`");
            Err(mistake.help("write either a value, with a tolerance, or a range"))
        }
        (None, false) => {
            let mistake = spec.params.mistake("", "`number` has none of `value`, `min` and `max`, so all would pass");
            Err(mistake.help("write `value`, or `min`, `max` or both"))
        }
        (None, true) => match params.abs.map(|_| "abs").or(params.rel.map(|_| "rel")) {
            Some(key) => Err(spec.params.mistake(key, format!("`{key}` belongs to `value`")).help("widen the range")),
            None => within(),
        },
    }
}

fn tolerance(spec: &AssertionSpec, key: &str, given: Option<f64>) -> Result<f64, Diagnostic> {
    let tolerance = given.unwrap_or(0.0);
    match tolerance.is_finite() && tolerance >= 0.0 {
        true => Ok(tolerance),
        false => Err(spec.params.mistake(key, format!("`{key}` is {tolerance}; a tolerance is 0 or more"))),
    }
}

/// That some number is within constant bounds.
fn in_order(
    spec: &AssertionSpec,
    min: Option<&Expected>,
    max: Option<&Expected>,
    locale: Locale,
) -> Result<(), Diagnostic> {
    let constant = |bound: Option<&Expected>| Numeric::of_value(bound?.constant()?, locale);
    match (constant(min), constant(max)) {
        (Some(min), Some(max)) if min.is_above(max) => {
            let (min, max) = (min.as_f64(), max.as_f64());
            let message = format!("`min` is {min}, which is above `max` = {max}, so none would pass");
            Err(spec.params.mistake("min", message))
        }
        _ => Ok(()),
    }
}

/// A rule holds nothing, so there is one for each locale.
fn a_number_of(locale: Locale) -> Rule {
    fn keeps(value: &Value, locale: Locale) -> Result<(), String> {
        Numeric::of_value(value, locale).map(|_| ()).ok_or_else(|| format!("is {value}, which is not a number"))
    }
    match locale {
        Locale::En => |value| keeps(value, Locale::En),
        Locale::De => |value| keeps(value, Locale::De),
        Locale::Fr => |value| keeps(value, Locale::Fr),
        Locale::Ch => |value| keeps(value, Locale::Ch),
    }
}

impl Assertion for Number {
    fn start(&self, trial: &Trial<'_>) -> Step {
        Step::decide(|| {
            let shown = evidence(&self.words(trial.case)?, &trial.subject().text());
            Ok(match self.found(trial.subject()) {
                Ok(found) => Scored::decided(self.accepts(&found, trial.case)?, shown),
                Err(note) => Scored::decided(false, Evidence { note: Some(excerpt(&note)), ..shown }),
            })
        })
    }

    fn check(&self, case: &Case) -> Result<(), Diagnostics> {
        let bounds = match &self.wanted {
            Wanted::Near { value, .. } => [Some(value), None],
            Wanted::Within { min, max } => [min.as_ref(), max.as_ref()],
        };
        let mistakes: Vec<Diagnostic> = bounds.iter().flatten().filter_map(|bound| bound.check(case).err()).collect();
        if mistakes.is_empty() { Ok(()) } else { Err(Diagnostics(mistakes)) }
    }
}

/// How much of the numbers compared rounding may make out: doubles hold neither 2.3 nor 0.1, and a tolerance is a
/// difference of such.
const ROUNDING: f64 = 4.0 * f64::EPSILON;

/// A number of the answer, in the unit asked for; one that was converted is no longer exact.
enum Found {
    AsWritten(Numeric),
    Converted(Converted),
}

impl Number {
    /// The number of the answer, or what it lacks.
    fn found(&self, subject: &Subject<'_>) -> Result<Found, String> {
        let not_a_number = || "the answer is not a number".to_owned();
        let Some(unit) = self.unit else {
            return self.numeric(subject).map(Found::AsWritten).ok_or_else(not_a_number);
        };
        let text = match subject {
            Subject::Text(text) => text,
            Subject::Value(value) => value.as_str().ok_or_else(|| lacks(unit))?,
        };
        let (number, rest) = Numeric::with_rest(text, self.locale).ok_or_else(not_a_number)?;
        let carried = Unit::of(rest).or_else(|| Unit::of(rest.strip_suffix('.')?));
        match carried {
            Some(carried) if carried == unit => Ok(Found::AsWritten(number)),
            Some(carried) if carried.dimension == unit.dimension => {
                Ok(Found::Converted(carried.convert(number.as_f64(), unit)))
            }
            Some(carried) => {
                let (its, wanted) = (carried.dimension.as_str(), unit.dimension.as_str());
                Err(format!("`{}` is the unit of {its}, and `{}` of {wanted}", carried.symbol(), unit.symbol()))
            }
            None if rest.trim_matches('.').is_empty() => Err(lacks(unit)),
            None => Err(format!("`{rest}` is no unit that is known")),
        }
    }

    fn numeric(&self, subject: &Subject<'_>) -> Option<Numeric> {
        match subject {
            Subject::Text(text) => Numeric::of_text(text, self.locale),
            Subject::Value(value) => Numeric::of_value(value, self.locale),
        }
    }

    fn accepts(&self, found: &Found, case: &Case) -> Result<bool, String> {
        let read = |bound: &Expected| {
            let value = bound.value(case)?;
            Numeric::of_value(&value, self.locale).ok_or_else(|| format!("{value} is not a number"))
        };
        Ok(match &self.wanted {
            Wanted::Near { value, abs, rel } => {
                let wanted = read(value)?;
                found.is_near(wanted, abs.max(rel * wanted.as_f64().abs()))
            }
            Wanted::Within { min, max } => {
                let min = min.as_ref().map(read).transpose()?;
                let max = max.as_ref().map(read).transpose()?;
                min.is_none_or(|min| found.is_at_least(min)) && max.is_none_or(|max| found.is_at_most(max))
            }
        })
    }

    /// What passes, for people.
    fn words(&self, case: &Case) -> Result<String, String> {
        let text = |bound: &Expected| bound.value(case).map(|value| text_of(&value).into_owned());
        let words = match &self.wanted {
            Wanted::Near { value, .. } => text(value)?,
            Wanted::Within { min: Some(min), max: Some(max) } => format!("{} to {}", text(min)?, text(max)?),
            Wanted::Within { min: Some(min), .. } => format!("at least {}", text(min)?),
            Wanted::Within { max, .. } => {
                format!("at most {}", max.as_ref().map(text).transpose()?.unwrap_or_default())
            }
        };
        Ok(self.unit.map_or_else(|| words.clone(), |unit| format!("{words} {}", unit.symbol())))
    }
}

fn lacks(unit: &Unit) -> String {
    format!("the answer carries no unit, and should be {} such as in `{}`", unit.dimension.as_str(), unit.symbol())
}

impl Found {
    fn is_near(&self, wanted: Numeric, allowed: f64) -> bool {
        let near = |value: f64, slack: f64| (value - wanted.as_f64()).abs() <= allowed + slack;
        match self {
            Self::AsWritten(found) if allowed > 0.0 => {
                let value = found.as_f64();
                near(value, ROUNDING * value.abs().max(wanted.as_f64().abs()).max(allowed))
            }
            Self::AsWritten(found) => *found == wanted,
            Self::Converted(found) => near(found.value, found.slack),
        }
    }

    fn is_at_least(&self, min: Numeric) -> bool {
        match self {
            Self::AsWritten(found) => !min.is_above(*found),
            Self::Converted(found) => found.value >= min.as_f64() - found.slack,
        }
    }

    fn is_at_most(&self, max: Numeric) -> bool {
        match self {
            Self::AsWritten(found) => !found.is_above(max),
            Self::Converted(found) => found.value <= max.as_f64() + found.slack,
        }
    }
}
