//! The forms of a grade: what is asked for as a JSON Schema, and how strictly a reply is read. The whole reply is one JSON
//! object of exactly these keys, or it is no grade.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// More items than these are not a list of claims but a way to fill a reply.
const MOST_ITEMS: usize = 200;

/// What one judge says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Grade {
    /// In 0..=1.
    pub(crate) score: f64,
    /// The label, where it chose one.
    pub(crate) label: Option<String>,
    /// Why.
    pub(crate) reason: String,
}

impl Grade {
    /// A grade without a label.
    pub(crate) fn of(score: f64, reason: impl Into<String>) -> Self {
        Self { score, label: None, reason: reason.into() }
    }
}

/// The form of a grade.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Shape {
    /// `{"reason", "score"}`, the score from `min` to `max`.
    Scale {
        /// The lowest.
        min: f64,
        /// The highest.
        max: f64,
    },
    /// `{"reason", "label"}`, one of these labels, each with its score.
    Label(Vec<(String, f64)>),
    /// `{"items": [{"text", "verdict"}]}`: the score is the share of true ones; of no items `empty`, or none.
    Share {
        /// The score where there is nothing to look at.
        empty: Option<f64>,
    },
    /// The same of things that are known: one item for each, no more and no fewer.
    Each,
    /// The same, where earlier items weigh more: the mean of the precision at each true one.
    Ranked,
    /// `{"items": ["..."]}`: what has to be looked at, not graded yet.
    List,
}

/// Why a reply is no grade.
#[derive(Debug, PartialEq)]
pub(crate) struct Unfit {
    /// What the judge is told when it is asked again. It holds no word of the reply, which may repeat what it looked at:
    /// outside of the marks that would be an instruction.
    pub(crate) lacked: &'static str,
    /// The same for people, with what was said.
    pub(crate) words: String,
}

impl Unfit {
    /// What is said of it without the reply.
    pub(crate) fn of(lacked: &'static str) -> Self {
        Self { lacked, words: lacked.to_owned() }
    }
}

const NO_OBJECT: &str = "it is not the JSON object asked for";
const NO_SCORE: &str = "its score is not on the scale";
const NO_LABEL: &str = "its label is none of those asked for";
const NO_ITEMS: &str = "the list is empty";
const TOO_MANY: &str = "the list is too long";
const NOT_EACH: &str = "the list does not have one item for each";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Scaled {
    reason: String,
    score: f64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Labelled {
    reason: String,
    label: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Items<T> {
    items: Vec<T>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Item {
    text: String,
    verdict: bool,
}

impl Shape {
    /// The labels that the judge chooses from, each with its score.
    pub(crate) fn labels(&self) -> &[(String, f64)] {
        match self {
            Self::Label(labels) => labels,
            _ => &[],
        }
    }

    /// What a label of a person is worth.
    pub(crate) fn score_of(&self, label: &Value) -> Option<f64> {
        match (label, self) {
            (Value::Bool(label), _) => Some(if *label { 1.0 } else { 0.0 }),
            (Value::Number(label), _) => label.as_f64(),
            (Value::String(label), Self::Label(labels)) => {
                labels.iter().find(|(known, _)| known == label).map(|(_, score)| *score)
            }
            _ => None,
        }
    }

    /// As a JSON Schema that every provider's strict mode takes.
    pub(crate) fn schema(&self) -> Value {
        let object = |properties: Value| {
            let required: Vec<&String> = properties.as_object().into_iter().flat_map(|map| map.keys()).collect();
            json!({"type": "object", "properties": properties, "required": required, "additionalProperties": false})
        };
        let reason = json!({"type": "string"});
        match self {
            Self::Scale { .. } => object(json!({"reason": reason, "score": {"type": "number"}})),
            Self::Label(labels) => {
                let labels: Vec<&String> = labels.iter().map(|(label, _)| label).collect();
                object(json!({"reason": reason, "label": {"type": "string", "enum": labels}}))
            }
            Self::Share { .. } | Self::Each | Self::Ranked => {
                let item = object(json!({"text": {"type": "string"}, "verdict": {"type": "boolean"}}));
                object(json!({"items": {"type": "array", "items": item}}))
            }
            Self::List => object(json!({"items": {"type": "array", "items": {"type": "string"}}})),
        }
    }

    /// Reads a reply, or says what is wrong with it. Where items are wanted for `each` of so many things, a list that
    /// leaves one out is no grade: what is left out would count as if it held. Things may be taken apart into several
    /// items in a [`Shape::Share`] alone.
    pub(crate) fn read(&self, reply: &str, each: Option<usize>) -> Result<Grade, Unfit> {
        match self {
            Self::Scale { min, max } => scaled(reply, *min, *max),
            Self::Label(labels) => labelled(reply, labels),
            Self::Share { empty } => shared(reply, each, *empty),
            Self::Each => one_by_one(reply, each, share),
            Self::Ranked => one_by_one(reply, each, average_precision),
            Self::List => listed(reply),
        }
    }
}

fn scaled(reply: &str, min: f64, max: f64) -> Result<Grade, Unfit> {
    let Scaled { reason, score } = parsed(reply)?;
    if !(min..=max).contains(&score) {
        return Err(Unfit { lacked: NO_SCORE, words: format!("the score {score} is not in {min}..={max}") });
    }
    Ok(Grade::of((score - min) / (max - min), reason))
}

fn labelled(reply: &str, labels: &[(String, f64)]) -> Result<Grade, Unfit> {
    let Labelled { reason, label } = parsed(reply)?;
    match labels.iter().find(|(known, _)| *known == label) {
        Some((_, score)) => Ok(Grade { score: *score, label: Some(label), reason }),
        None => Err(Unfit { lacked: NO_LABEL, words: format!("`{label}` is none of the labels") }),
    }
}

fn shared(reply: &str, each: Option<usize>, empty: Option<f64>) -> Result<Grade, Unfit> {
    let items = items(reply)?;
    each.map_or(Ok(()), |each| complete(&items, each, items.len() >= each))?;
    match (items.is_empty(), empty) {
        (true, Some(score)) => Ok(Grade::of(score, "there was nothing to look at")),
        (true, None) => Err(Unfit::of(NO_ITEMS)),
        (false, _) => Ok(Grade::of(share(&items), missed(&items))),
    }
}

fn one_by_one(reply: &str, each: Option<usize>, score: fn(&[Item]) -> f64) -> Result<Grade, Unfit> {
    let items = items(reply)?;
    if items.is_empty() {
        return Err(Unfit::of(NO_ITEMS));
    }
    each.map_or(Ok(()), |each| complete(&items, each, items.len() == each))?;
    Ok(Grade::of(score(&items), missed(&items)))
}

fn listed(reply: &str) -> Result<Grade, Unfit> {
    let Items { items }: Items<String> = parsed(reply)?;
    if items.is_empty() || items.len() > MOST_ITEMS {
        let words = format!("{} items came; 1 to {MOST_ITEMS} are wanted", items.len());
        return Err(Unfit { lacked: if items.is_empty() { NO_ITEMS } else { TOO_MANY }, words });
    }
    Ok(Grade::of(1.0, items.join("\n")))
}

/// Numbers beyond what a double holds, doubled keys and anything behind the object are refused.
fn parsed<'a, T: Deserialize<'a>>(reply: &'a str) -> Result<T, Unfit> {
    let unfit = |error| Unfit { lacked: NO_OBJECT, words: format!("{NO_OBJECT} ({error})") };
    serde_json::from_str(reply.trim()).map_err(unfit)
}

fn items(reply: &str) -> Result<Vec<Item>, Unfit> {
    let Items { items }: Items<Item> = parsed(reply)?;
    if items.len() > MOST_ITEMS {
        let words = format!("{} items came; at most {MOST_ITEMS} are wanted", items.len());
        return Err(Unfit { lacked: TOO_MANY, words });
    }
    Ok(items)
}

fn complete(items: &[Item], each: usize, is_complete: bool) -> Result<(), Unfit> {
    let words = || format!("{} items came for {each}: {NOT_EACH}", items.len());
    if is_complete { Ok(()) } else { Err(Unfit { lacked: NOT_EACH, words: words() }) }
}

fn share(items: &[Item]) -> f64 {
    items.iter().filter(|item| item.verdict).count() as f64 / items.len() as f64
}

/// The mean over the true items of the share of true ones up to each; 0 where none is true.
fn average_precision(items: &[Item]) -> f64 {
    let (mut hits, mut sum) = (0.0, 0.0);
    for (at, _) in items.iter().enumerate().filter(|(_, item)| item.verdict) {
        hits += 1.0;
        sum += hits / (at as f64 + 1.0);
    }
    if hits > 0.0 { sum / hits } else { 0.0 }
}

/// Which items are false, as the reason.
fn missed(items: &[Item]) -> String {
    let missed: Vec<&str> = items.iter().filter(|item| !item.verdict).map(|item| item.text.as_str()).collect();
    match missed.as_slice() {
        [] => format!("all {} hold", items.len()),
        missed => format!("{} of {} do not hold: {}", missed.len(), items.len(), missed.join("; ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(shape: &Shape, reply: &str, expected: Result<f64, &str>) {
        match (shape.read(reply, None), expected) {
            (Ok(grade), Ok(score)) => assert!((grade.score - score).abs() < 1e-12, "{reply}: {grade:?}"),
            (Err(unfit), Err(part)) => assert!(unfit.words.contains(part), "{reply}: {unfit:?}"),
            (read, expected) => panic!("{reply}: {read:?}, not {expected:?}"),
        }
    }

    #[test]
    fn a_grade_is_the_whole_reply_or_none() {
        let scale = Shape::Scale { min: 1.0, max: 5.0 };
        check(&scale, r#"{"reason": "good", "score": 4}"#, Ok(0.75));
        check(&scale, " {\"score\": 1, \"reason\": \"\"}\n", Ok(0.0));
        for junk in [
            "",
            "4",
            "good",
            r#"{"score": 4}"#,
            r#"{"reason": "x", "score": "4"}"#,
            r#"{"reason": "x", "score": 4} {"reason": "y", "score": 1}"#,
            r#"{"reason": "x", "score": 4, "score": 5}"#,
            r#"{"reason": "x", "score": 4, "passed": true}"#,
            r#"The grade: {"reason": "x", "score": 4}"#,
            "```json\n{\"reason\": \"x\", \"score\": 4}\n```",
            r#"{"reason": "x", "score": NaN}"#,
            r#"{"reason": "x", "score": null}"#,
            r#"[{"reason": "x", "score": 4}]"#,
            r#"{"reason": "x", "score": 1e999}"#,
        ] {
            check(&scale, junk, Err("it is not the JSON object asked for"));
        }
        check(&scale, r#"{"reason": "x", "score": 5.1}"#, Err("the score 5.1 is not in 1..=5"));
        check(&scale, r#"{"reason": "x", "score": 0}"#, Err("is not in 1..=5"));
    }

    #[test]
    fn labels_shares_and_ranks_have_their_scores() {
        let label = Shape::Label(vec![("yes".to_owned(), 1.0), ("partly".to_owned(), 0.5)]);
        check(&label, r#"{"reason": "", "label": "partly"}"#, Ok(0.5));
        check(&label, r#"{"reason": "", "label": "Yes"}"#, Err("`Yes` is none of the labels"));
        let items = |verdicts: &[bool]| {
            let items: Vec<Value> = verdicts.iter().map(|verdict| json!({"text": "t", "verdict": verdict})).collect();
            json!({"items": items}).to_string()
        };
        let share = Shape::Share { empty: Some(1.0) };
        check(&share, &items(&[true, false, true, true]), Ok(0.75));
        check(&share, &items(&[]), Ok(1.0));
        check(&Shape::Share { empty: None }, &items(&[]), Err("the list is empty"));
        check(&share, &items(&[true; 201]), Err("201 items came"));
        // Precision at the true ones: 1/1 and 2/3.
        check(&Shape::Ranked, &items(&[true, false, true]), Ok(5.0 / 6.0));
        check(&Shape::Ranked, &items(&[false, false]), Ok(0.0));
        check(&Shape::Each, &items(&[true, false, true]), Ok(2.0 / 3.0));
    }

    #[test]
    fn a_list_that_leaves_something_out_is_no_grade() {
        let items = |count: usize| json!({"items": vec![json!({"text": "t", "verdict": true}); count]}).to_string();
        let read = |shape: &Shape, count| shape.read(&items(count), Some(3)).map(|grade| grade.score);
        let left_out = |count| Err(Unfit { lacked: NOT_EACH, words: format!("{count} items came for 3: {NOT_EACH}") });
        let share = Shape::Share { empty: None };
        assert_eq!([1, 3, 4].map(|count| read(&share, count)), [left_out(1), Ok(1.0), Ok(1.0)]);
        for shape in [Shape::Each, Shape::Ranked] {
            assert_eq!([1, 3, 4].map(|count| read(&shape, count)), [left_out(1), Ok(1.0), left_out(4)]);
        }
    }

    #[test]
    fn what_a_judge_is_told_of_its_reply_holds_no_word_of_it() {
        let shapes = [Shape::Scale { min: 1.0, max: 5.0 }, Shape::Label(Vec::new()), Shape::Ranked, Shape::List];
        for shape in shapes {
            for reply in ["PLANTED", r#"{"PLANTED": 1}"#, r#"{"reason": "", "label": "PLANTED"}"#] {
                let unfit = shape.read(reply, None).unwrap_err();
                assert!(!unfit.lacked.contains("PLANTED"), "{unfit:?}");
            }
        }
    }

    #[test]
    fn what_is_asked_for_is_what_is_read() {
        let shapes = [
            Shape::Scale { min: 0.0, max: 1.0 },
            Shape::Label(vec![("a".to_owned(), 1.0)]),
            Shape::Share { empty: None },
            Shape::Each,
            Shape::Ranked,
            Shape::List,
        ];
        for shape in shapes {
            let schema = crate::assertion::schema::Schema::compile(&shape.schema()).map_err(|e| panic!("{e}")).unwrap();
            let reply = match &shape {
                Shape::Scale { .. } => json!({"reason": "", "score": 1}),
                Shape::Label(_) => json!({"reason": "", "label": "a"}),
                Shape::Share { .. } | Shape::Each | Shape::Ranked => json!({"items": [{"text": "", "verdict": true}]}),
                Shape::List => json!({"items": ["x"]}),
            };
            assert!(matches!(schema.check(&reply), crate::assertion::schema::Validity::Valid), "{shape:?}");
            assert!(shape.read(&reply.to_string(), None).is_ok(), "{shape:?}");
        }
    }
}
