//! Every table is walked, and what it shows to users is run.

use promptgate_core::assertion::ExtractStep;
use promptgate_core::score::Score;
use promptgate_scoring::assertion::registry::{GROUPS, KINDS};
use promptgate_scoring::assertion::{AssertionKind, CostClass, Example, Yields};
use promptgate_scoring::extract::registry::EXTRACTORS;
use promptgate_scoring::extract::{Chain, ExtractExample, Extraction, ExtractorKind, Subject};
use serde_json::Value;

use crate::trial::{case, chain, replied, response, spec, word};

#[test]
fn the_examples_of_every_kind_do_what_they_say() {
    for kind in KINDS {
        run(kind, &kind.passes, "passed");
        run(kind, &kind.fails, "failed");
    }
}

fn run(kind: &AssertionKind, example: &Example, expected: &str) {
    let toml = format!("kind = \"{}\"\n{}", kind.name, example.params);
    let (scored, asked) =
        replied(&toml, case(example.case), response(example.output, example.response), example.replies);
    assert_eq!(asked.is_empty(), kind.cost == CostClass::Pure, "{toml}");
    assert_eq!(word(&scored), expected, "{toml}: {scored:?}");
    let Score::Value(score) = scored.score else { panic!("{toml}: unscored") };
    if (kind.yields)(&spec(&toml).unwrap()) == Yields::PassFail {
        assert!(score == 0.0 || score == 1.0, "{toml}: {score}");
    }
}

#[test]
fn the_examples_of_every_extractor_do_what_they_say() {
    for kind in EXTRACTORS {
        take(kind, &kind.finds);
        take(kind, &kind.misses);
        assert!(kind.finds.taken.is_some(), "{}", kind.name);
    }
}

fn take(kind: &ExtractorKind, example: &ExtractExample) {
    let spec = chain(example.table);
    let taken = match Chain::build(&spec).unwrap().take(example.output) {
        Extraction::Found(Subject::Text(text)) => Some(Value::from(&*text)),
        Extraction::Found(Subject::Value(value)) => Some(value.into_owned()),
        Extraction::Missing { .. } => None,
    };
    let expected: Option<Value> = example.taken.map(|taken| serde_json::from_str(taken).unwrap());
    assert_eq!(taken, expected, "{}: {}", kind.name, example.table);
}

#[test]
fn entries_have_a_name_of_their_own_and_say_what_they_do() {
    let kinds = KINDS.iter().map(|kind| (kind.name, kind.summary, kind.parameters));
    let extractors = EXTRACTORS.iter().map(|kind| (kind.name, kind.summary, kind.parameters));
    for entries in [kinds.collect::<Vec<_>>(), extractors.collect()] {
        let mut names: Vec<&str> = entries.iter().map(|(name, ..)| *name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), entries.len());
        for (name, summary, parameters) in entries {
            assert!(!summary.is_empty() && !summary.ends_with('.'), "{name}: {summary}");
            assert!(parameters.iter().all(|parameter| !parameter.doc.is_empty()), "{name}");
        }
    }
}

#[test]
fn every_group_begins_with_a_kind_in_the_order_of_the_table() {
    let places = GROUPS.map(|(_, first)| KINDS.iter().position(|kind| kind.name == first).expect(first));
    assert_eq!(places[0], 0);
    assert!(places.is_sorted() && places.windows(2).all(|pair| pair[0] != pair[1]), "{places:?}");
}

#[test]
fn every_parameter_a_kind_takes_stands_in_its_entry_and_the_other_way_round() {
    for kind in KINDS {
        let mut listed: Vec<String> = kind.parameters.iter().map(|parameter| parameter.name.to_owned()).collect();
        let mut taken = known_keys(kind);
        if kind.parameters.iter().any(|parameter| parameter.name == "assert") {
            taken.push("assert".to_owned());
        }
        listed.sort();
        taken.sort();
        assert_eq!(taken, listed, "{}", kind.name);
    }
}

/// The keys that the error about an unknown key lists.
fn known_keys(kind: &AssertionKind) -> Vec<String> {
    let mut spec = spec(&format!("kind = \"{}\"\n{}", kind.name, kind.passes.params)).unwrap();
    spec.params.values.insert("zzzzzzzzzzzzzzzz".to_owned(), Value::Null);
    let mistakes = crate::trial::grader(&[spec]).err().expect(kind.name);
    let help = mistakes.0[0].help.clone().unwrap_or_default();
    help.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn a_kind_that_asks_says_whom_before_anything_runs() {
    for kind in KINDS {
        let spec = spec(&format!("kind = \"{}\"\n{}", kind.name, kind.passes.params)).unwrap();
        let asked = crate::trial::grader(&[spec]).unwrap().asked();
        assert_eq!(asked.is_empty(), kind.cost == CostClass::Pure, "{}: {asked:?}", kind.name);
    }
}

#[test]
fn an_extractor_nobody_ships_is_answered_with_the_nearest_name() {
    let promptgate_core::assertion::ExtractSpec::Chain(mut steps) = chain("{ json = \"/a\" }") else {
        panic!("a chain")
    };
    steps[0] = ExtractStep { kind: "jsn".to_owned(), ..steps[0].clone() };
    let error = Chain::build(&promptgate_core::assertion::ExtractSpec::Chain(steps)).err().unwrap();
    assert!(error.to_string().contains("there is no extractor `jsn`; did you mean `json`?"), "{error}");
}
