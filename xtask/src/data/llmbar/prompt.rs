//! An LLMBar template and its settings as a `.prompt` file.

use serde_json::{Map, Value, json};

use super::super::DataError;
use super::super::template::Template;
use super::Judged;

/// The text of the `.prompt` file of a version. Both judges must have been asked with the same settings.
pub fn convert(upstream: &str, judged: &Judged) -> Result<String, DataError> {
    let wrong = |reason: String| DataError::content(upstream, reason);
    let template = Template::parse(&judged.template).map_err(wrong)?;
    let mut settings = judged.settings.iter().map(|text| front(text, &template));
    let first = settings.next().ok_or_else(|| wrong("has no settings".to_owned()))?.map_err(wrong)?;
    for other in settings {
        if other.map_err(wrong)? != first {
            return Err(wrong("the judges were asked with different settings".to_owned()));
        }
    }
    Ok(format!(
        "---\n# LLMBar's `comparison/{upstream}.txt` (MIT, see README.md), converted by `cargo xtask data`: do not edit.\n\
         {first}---\n{}",
        template.prompt_body()
    ))
}

/// The front matter, from the last step of the settings: the ones before made the auxiliary inputs.
fn front(settings: &str, template: &Template) -> Result<String, String> {
    let steps: Vec<Value> = serde_json::from_str(settings).map_err(|error| error.to_string())?;
    let step = steps.last().ok_or("the settings are empty")?;
    let config = config(step["openai_kwargs"].as_object().ok_or("no `openai_kwargs`")?);
    let labels = labels(step["parsing"].as_object().ok_or("no `parsing`")?)?;
    let schema: Map<String, Value> =
        template.placeholders().into_iter().map(|name| (name.to_owned(), json!("string"))).collect();
    let mut front = String::from("config:\n");
    config.iter().for_each(|(key, value)| front.push_str(&format!("  {key}: {value}\n")));
    front.push_str(&format!("input: {}\n", json!({"schema": schema})));
    front.push_str(&format!("promptgate.answer: {}\n", json!([{"labels": labels}])));
    Ok(front)
}

/// The parameters in Dotprompt's spelling. `engine` names a deployment of the service, which the suite's model stands for.
fn config(given: &Map<String, Value>) -> Map<String, Value> {
    let spelt = |key: &String| if key == "max_tokens" { "maxOutputTokens".to_owned() } else { key.clone() };
    given.iter().filter(|(key, _)| *key != "engine").map(|(key, value)| (spelt(key), value.clone())).collect()
}

/// The patterns in their order: the first that matches wins.
fn labels(parsing: &Map<String, Value>) -> Result<Vec<Value>, String> {
    let label = |(winner, pattern): (&String, &Value)| match winner.as_str() {
        "1" => Ok(json!({"pattern": pattern, "label": "a"})),
        "2" => Ok(json!({"pattern": pattern, "label": "b"})),
        other => Err(format!("unknown winner `{other}`")),
    };
    parsing.iter().map(label).collect()
}
