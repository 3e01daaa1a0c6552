//! LLMBar as its repository holds it: a data set and a result file for each subset, judge and version.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::super::{DataError, Source};
use super::{Collection, Completion, JUDGES, Judged, Shown, VERSIONS};

/// The repository at the pinned commit.
const ROOT: &str = "princeton-nlp/LLMBar/900616bff90b6c6c8e1681f7d079250637c55992";

/// The subsets: our name, and their folder.
const SUBSETS: [(&str, &str); 5] = [
    ("natural", "Natural"),
    ("adversarial-neighbor", "Adversarial/Neighbor"),
    ("adversarial-gptinst", "Adversarial/GPTInst"),
    ("adversarial-gptout", "Adversarial/GPTOut"),
    ("adversarial-manual", "Adversarial/Manual"),
];

/// Both orders in which an instance is shown: ours, and upstream's key.
const ORDERS: [(&str, &str); 2] = [("ab", "swap = False"), ("ba", "swap = True")];

#[derive(Deserialize)]
struct Instance {
    input: String,
    output_1: String,
    output_2: String,
    label: u8,
}

#[derive(Deserialize)]
struct Outcome {
    results: Vec<Value>,
}

/// Reads the collection.
pub fn collect(source: &Source) -> Result<Collection, DataError> {
    let mut cases = Vec::new();
    for (subset, folder) in SUBSETS {
        let instances: Vec<Instance> = read(source, &format!("{ROOT}/Dataset/LLMBar/{folder}/dataset.json"))?;
        for (number, instance) in instances.iter().enumerate() {
            cases.extend(ORDERS.map(|(order, _)| shown(subset, number, order, instance)));
        }
    }
    let versions = VERSIONS.iter().map(|(version, _)| judged(source, version)).collect::<Result<_, _>>()?;
    Ok(Collection { cases, versions })
}

fn shown(subset: &str, number: usize, order: &str, instance: &Instance) -> Shown {
    let swapped = order == "ba";
    let Instance { input, output_1, output_2, label } = instance;
    let (first, second) = if swapped { (output_2, output_1) } else { (output_1, output_2) };
    let vars = Map::from_iter(
        [("input", input), ("output_1", first), ("output_2", second)].map(|(key, text)| (key.to_owned(), json!(text))),
    );
    let expected = if (*label == 1) == swapped { "b" } else { "a" };
    Shown {
        id: case_id(subset, number, order),
        group: format!("{subset}-{number:03}"),
        subset: subset.to_owned(),
        order: order.to_owned(),
        vars,
        expected: expected.to_owned(),
    }
}

fn case_id(subset: &str, number: usize, order: &str) -> String {
    format!("{subset}-{number:03}-{order}")
}

fn judged(source: &Source, version: &str) -> Result<Judged, DataError> {
    let evaluators = format!("{ROOT}/LLMEvaluator/evaluators");
    let template = source.read(&format!("{evaluators}/prompts/comparison/{version}.txt"))?;
    let (mut settings, mut completions) = (Vec::new(), Vec::new());
    for (judge, _) in JUDGES {
        settings.push(source.read(&format!("{evaluators}/config/{judge}/{version}.json"))?);
        completions.push(completions_of(source, judge, version)?);
    }
    Ok(Judged { template, settings, completions })
}

fn completions_of(source: &Source, judge: &str, version: &str) -> Result<Vec<Completion>, DataError> {
    let mut completions = Vec::new();
    for (subset, folder) in SUBSETS {
        let path = format!("{ROOT}/Dataset/LLMBar/{folder}/evaluators/{judge}/{version}/result.json");
        let outcomes: Vec<Outcome> = read(source, &path)?;
        for (number, outcome) in outcomes.iter().enumerate() {
            for (order, key) in ORDERS {
                let found = completion(case_id(subset, number, order), key, &outcome.results);
                completions
                    .push(found.ok_or_else(|| DataError::content(&path, format!("entry {number}: no `{key}`")))?);
            }
        }
    }
    Ok(completions)
}

/// The last result is the judgement; the ones before it, `[text, reason]`, are the outputs of the earlier step.
fn completion(id: String, key: &str, results: &[Value]) -> Option<Completion> {
    let (judgement, earlier) = results.split_last()?;
    let completion = judgement[key]["completion"].as_array()?;
    let vars = earlier
        .iter()
        .enumerate()
        .map(|(place, step)| Some((format!("auxiliary_input_{place}"), step.get(0)?.clone())));
    Some(Completion {
        id,
        output: completion.first()?.as_str()?.to_owned(),
        finish_reason: completion.get(1)?.as_str()?.to_owned(),
        vars: vars.collect::<Option<_>>()?,
        rendered: None,
    })
}

fn read<T: DeserializeOwned>(source: &Source, path: &str) -> Result<T, DataError> {
    serde_json::from_str(&source.read(path)?).map_err(|error| DataError::content(path, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_swapped_instance_shows_the_outputs_in_the_other_order_and_expects_the_other_one() {
        let instance = |label| Instance { input: "i".into(), output_1: "x".into(), output_2: "y".into(), label };
        let shape = |order, label| {
            let shown = shown("natural", 7, order, &instance(label));
            (shown.id, shown.vars["output_1"].as_str().unwrap().to_owned(), shown.expected)
        };
        assert_eq!(shape("ab", 1), ("natural-007-ab".to_owned(), "x".to_owned(), "a".to_owned()));
        assert_eq!(shape("ba", 1), ("natural-007-ba".to_owned(), "y".to_owned(), "b".to_owned()));
        assert_eq!(shape("ba", 2), ("natural-007-ba".to_owned(), "y".to_owned(), "a".to_owned()));
    }

    #[test]
    fn the_steps_before_the_judgement_are_the_auxiliary_inputs() {
        let results =
            json!([["questions", "stop"], {"swap = True": {"completion": ["Output (b)", "stop"], "winner": "1"}}]);
        let found = completion("x".to_owned(), "swap = True", results.as_array().unwrap()).unwrap();
        assert_eq!(
            (found.output.as_str(), found.vars["auxiliary_input_0"].as_str()),
            ("Output (b)", Some("questions"))
        );
        assert_eq!(completion("x".to_owned(), "swap = False", results.as_array().unwrap()), None);
    }
}
