//! Whether a provider can be reached, and what it says of itself: for `doctor`. Nothing is asked of a model.

use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use serde_json::Value;

use crate::endpoint::{Endpoint, encoded};
use crate::http::{Exchange, get};

/// How long a provider may take to say who it is.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a provider is asked without costing anything.
pub(crate) struct Probe {
    pub(crate) endpoint: Arc<Endpoint>,
    /// Where it lists its models, below the base URL; nothing where it has no such list.
    pub(crate) models: Option<&'static str>,
    /// Whether they are called by the names that are listed; a deployment has one of its own.
    pub(crate) lists_names: bool,
}

/// What was found of a provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkup {
    /// Its name in model ids.
    pub provider: String,
    /// Where it is.
    pub base_url: String,
    /// Whether a key, or credentials to sign with, was found. It is never shown.
    pub has_key: bool,
    /// How far its clock is ahead of ours, in seconds; nothing where it does not tell the time. It may be why it refuses.
    pub clock_ahead_s: Option<i64>,
    /// What it said; why not, where it did not.
    pub reached: Result<Reached, String>,
}

/// What a provider said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reached {
    /// How long that took.
    pub took: Duration,
    /// The models it lists; nothing where it has no list.
    pub models: Option<Vec<ListedModel>>,
    /// What was found where APIs of its kind list their models, where that was no list: the base URL may be wrong.
    pub no_list: Option<String>,
}

impl Reached {
    /// The model of a name in the list: by itself, else the newest one that the name is a shorter one of.
    pub fn model(&self, name: &str) -> Option<&ListedModel> {
        let listed = self.models.as_ref()?;
        let exactly = listed.iter().find(|model| model.id == name);
        exactly.or_else(|| listed.iter().filter(|model| is_short_for(name, &model.id)).max_by_key(|model| &model.id))
    }
}

/// Whether a name stands for one with a date or a number behind it, or for the latest.
fn is_short_for(name: &str, id: &str) -> bool {
    let Some(rest) = id.strip_prefix(name) else { return false };
    let is_number = |rest: &str| rest.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    // `-5` behind `-4` is another model, with a date behind it too; dates and versions begin with more digits.
    let is_long = |rest: &str| rest.split('-').next().is_some_and(|first| first.len() >= 3);
    rest == ":latest" || rest.strip_prefix('-').is_some_and(|rest| is_long(rest) && is_number(rest))
}

/// A model that a provider lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedModel {
    /// Its name.
    pub id: String,
    /// When it is shut down, as the provider writes it.
    pub retires: Option<String>,
}

/// What providers call the day on which a model is shut down.
const RETIREMENT: [&str; 4] = ["shutdown_date", "deprecation_date", "retirement_date", "deprecation"];

/// Longer lists are read as far as this.
const MOST_PAGES: usize = 20;

/// How Anthropic and Gemini are asked for the page behind this one; nothing where it is the last.
fn next_page(page: &Value) -> Option<String> {
    let after = page["last_id"].as_str().filter(|_| page["has_more"] == true).map(|id| ("after_id", id));
    let (name, value) = after.or_else(|| Some(("pageToken", page["nextPageToken"].as_str()?)))?;
    (!value.is_empty()).then(|| format!("{name}={}", encoded(value)))
}

impl Probe {
    /// Asks.
    pub(crate) async fn checkup(&self, provider: &str) -> Checkup {
        let endpoint = &self.endpoint;
        let said = self.get(self.models.unwrap_or("/")).await;
        let clock_ahead_s = said.as_ref().ok().and_then(|exchange| self.clock_ahead_s(exchange));
        let reached = match (said, self.models) {
            (Err(why), _) => Err(why),
            (Ok(exchange), Some(path)) => self.list(path, &exchange).await,
            (Ok(exchange), None) => self.knock(&exchange),
        };
        Checkup {
            provider: provider.to_owned(),
            base_url: endpoint.base.clone(),
            has_key: endpoint.has_credentials(),
            clock_ahead_s,
            reached,
        }
    }

    async fn list(&self, path: &str, exchange: &Exchange) -> Result<Reached, String> {
        let reached = Reached { took: exchange.elapsed, models: None, no_list: None };
        match exchange.status {
            200..300 => {
                let listed = self.pages(path, &exchange.body).await?;
                let says_something = self.lists_names && !listed.is_empty();
                let is_list = list(&serde_json::from_slice(&exchange.body).unwrap_or_default()).is_some();
                let no_list = (!is_list).then(|| format!("what is at {path} is no list of models"));
                Ok(Reached { models: says_something.then_some(listed), no_list, ..reached })
            }
            // Whoever has no list is reached all the same.
            status @ (404 | 405) => {
                Ok(Reached { no_list: Some(format!("no list of models is at {path} (HTTP {status})")), ..reached })
            }
            _ => Err(self.refused(exchange)),
        }
    }

    /// The models of the first page and of those behind it.
    async fn pages(&self, path: &str, first: &[u8]) -> Result<Vec<ListedModel>, String> {
        let mut page: Value = serde_json::from_slice(first).unwrap_or_default();
        let mut listed = models(&page);
        for _ in 1..MOST_PAGES {
            let Some(query) = next_page(&page) else { break };
            let exchange = self.get(&format!("{path}?{query}")).await?;
            if !(200..300).contains(&exchange.status) {
                return Err(self.refused(&exchange));
            }
            page = serde_json::from_slice(&exchange.body).unwrap_or_default();
            listed.extend(models(&page));
        }
        Ok(listed)
    }

    /// Any reply will do, but for one that refuses what it was shown.
    fn knock(&self, exchange: &Exchange) -> Result<Reached, String> {
        let is_refused = matches!(exchange.status, 401 | 403) && self.endpoint.has_credentials();
        let reached = Reached { took: exchange.elapsed, models: None, no_list: None };
        if is_refused { Err(self.refused(exchange)) } else { Ok(reached) }
    }

    fn refused(&self, exchange: &Exchange) -> String {
        crate::wire::refused(exchange, self.endpoint.transport.scrubber())
    }

    async fn get(&self, path: &str) -> Result<Exchange, String> {
        let url = format!("{}{path}", self.endpoint.base);
        let mut request = get(&url).ok_or("the address cannot be asked")?;
        self.endpoint.authorise(&mut request).await.map_err(|failed| failed.to_string())?;
        let sent = tokio::time::timeout(PATIENCE, self.endpoint.transport.send(request, PATIENCE, None));
        let silent = || format!("nothing was said within {} s", PATIENCE.as_secs());
        sent.await.map_err(|_| silent())?.map_err(|failed| failed.to_string())
    }

    fn clock_ahead_s(&self, exchange: &Exchange) -> Option<i64> {
        let date = exchange.headers.get("date").and_then(|date| httpdate::parse_http_date(date.to_str().ok()?).ok());
        let theirs = date.and_then(|date| i64::try_from(date.duration_since(UNIX_EPOCH).ok()?.as_secs()).ok())?;
        let ours = i64::try_from(self.endpoint.clock.now_ms() / 1_000).unwrap_or(i64::MAX);
        Some(theirs - ours)
    }
}

/// The list of a page: under a key of OpenAI and Anthropic (`data`) or Gemini (`models`), or all there is.
fn list(body: &Value) -> Option<&Vec<Value>> {
    ["data", "models"].iter().find_map(|key| body[*key].as_array()).or(body.as_array())
}

/// The models of a page, called by `id` or by `name` (Gemini).
fn models(body: &Value) -> Vec<ListedModel> {
    let model = |model: &Value| {
        let id = model["id"].as_str().or(model["name"].as_str())?;
        let retires = RETIREMENT.iter().find_map(|key| model[*key].as_str());
        Some(ListedModel { id: id.trim_start_matches("models/").to_owned(), retires: retires.map(str::to_owned) })
    };
    list(body).into_iter().flatten().filter_map(model).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_lists_of_all_wires_are_read() {
        let found = |body: Value| models(&body).into_iter().map(|model| (model.id, model.retires)).collect::<Vec<_>>();
        let date = Some("2027-01-31".to_owned());
        assert_eq!(
            found(json!({"data": [{"id": "a", "shutdown_date": "2027-01-31"}, {"id": "b"}]})),
            [("a".to_owned(), date.clone()), ("b".to_owned(), None)]
        );
        assert_eq!(found(json!({"models": [{"name": "models/g"}]})), [("g".to_owned(), None)]);
        assert_eq!(found(json!([{"id": "t", "deprecation": "2027-01-31"}])), [("t".to_owned(), date)]);
        assert_eq!((found(json!({})), found(Value::Null)), (vec![], vec![]));
    }

    #[test]
    fn a_name_without_its_date_is_the_newest_that_is_listed() {
        let listed = |ids: &[&str]| {
            let model = |id: &&str| ListedModel { id: (*id).to_owned(), retires: None };
            Reached { models: Some(ids.iter().map(model).collect()), ..Reached::default() }
        };
        let check = |ids: &[&str], name: &str, expected: Option<&str>| {
            assert_eq!(listed(ids).model(name).map(|model| model.id.as_str()), expected, "{name} of {ids:?}");
        };
        check(&["llama3.2:latest", "llama3.2:1b"], "llama3.2", Some("llama3.2:latest"));
        check(&["claude-haiku-4-5-20251001"], "claude-haiku-4-5", Some("claude-haiku-4-5-20251001"));
        check(&["gpt-4o-2024-05-13", "gpt-4o-2024-11-20", "gpt-4o"], "gpt-4o", Some("gpt-4o"));
        check(&["gpt-4o-2024-05-13", "gpt-4o-2024-11-20"], "gpt-4o", Some("gpt-4o-2024-11-20"));
        check(&["gemini-2.0-flash-001"], "gemini-2.0-flash", Some("gemini-2.0-flash-001"));
        check(&["gpt-4o-mini", "gpt-4o-audio-2024-11-20", "gpt-4"], "gpt-4o", None);
        check(&["claude-haiku-4-5"], "claude-haiku-4", None);
        let opus = ["claude-opus-4-20250514", "claude-opus-4-5-20251101"];
        check(&opus, "claude-opus-4", Some(opus[0]));
        check(&opus[1..], "claude-opus-4", None);
    }

    #[test]
    fn the_next_page_is_asked_for_as_each_wire_wants_it() {
        let check = |page: Value, query: Option<&str>| assert_eq!(next_page(&page).as_deref(), query, "{page}");
        check(json!({"has_more": true, "last_id": "claude-x"}), Some("after_id=claude-x"));
        check(json!({"has_more": false, "last_id": "claude-x"}), None);
        check(json!({"nextPageToken": "Ab_9"}), Some("pageToken=Ab_9"));
        check(json!({"nextPageToken": "a&key=b/+"}), Some("pageToken=a%26key%3Db%2F%2B"));
        check(json!({}), None);
    }
}
