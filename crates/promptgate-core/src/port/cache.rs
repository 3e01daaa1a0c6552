//! Answers of providers, found by what was asked.

use serde::{Deserialize, Serialize};

use super::PortError;
use crate::answer::Response;
use crate::digest::Digest;
use crate::name::CaseId;
use crate::request::{Origin, Request};

/// What an answer is found by: nothing that could change it is left out.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct CacheKey {
    /// The digest of the request: messages, tools, provider, model, parameters.
    pub request: Digest,
    /// Which repeat it is, from 1.
    pub repeat: u32,
    /// The case that a judge's answer is about: equal questions of several cases are several draws.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case: Option<CaseId>,
    /// Where it was asked: the base URL, and the API where a provider has several.
    pub source: String,
}

impl CacheKey {
    /// What the answer to a request is found by, where it is asked at `source`.
    pub fn of(request: &Request, source: &str) -> Self {
        let case = match &request.origin {
            Origin::Ask { case, shared: false, .. } => Some(case.clone()),
            Origin::Ask { .. } | Origin::Trial { .. } => None,
        };
        Self { request: request.digest, repeat: request.repeat, case, source: source.to_owned() }
    }

    /// The address of an answer: the digest of all of the key.
    pub fn digest(&self) -> Digest {
        Digest::of_json(self)
    }

    /// The key with its address.
    pub fn addressed(self) -> AddressedKey {
        AddressedKey { address: self.digest(), key: self }
    }
}

/// A key with its address, which is taken once for looking an answer up and for keeping it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddressedKey {
    key: CacheKey,
    address: Digest,
}

impl AddressedKey {
    /// The digest of the key.
    pub fn address(&self) -> Digest {
        self.address
    }

    /// What it is the address of.
    pub fn key(&self) -> &CacheKey {
        &self.key
    }
}

/// Answers found by content, shared by all runs of a project. What cannot be read is not there.
pub trait ResponseCache: Send + Sync {
    /// The answer of a key, and when it was got (milliseconds since 1970); none that is older than `since_ms`. A damaged
    /// entry, or one of another key, is a miss.
    fn find(&self, key: &AddressedKey, since_ms: u64) -> Option<(Response, u64)>;

    /// Keeps an answer; one that is there already is replaced. Returns before it is on disk.
    fn keep(&self, key: AddressedKey, response: Response);

    /// Waits until all that was given to it is on disk.
    ///
    /// # Errors
    ///
    /// The first thing that went wrong since the last time.
    fn finish(&self) -> Result<(), PortError>;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{Message, Role};
    use crate::name::{ModelId, PromptId};
    use crate::request::RequestBody;

    fn key(origin: Origin) -> CacheKey {
        let model = ModelId::new("openai/judge").unwrap();
        let body = RequestBody::of(model, vec![Message::text(Role::User, "is it polite?")]);
        CacheKey::of(&Request { digest: body.digest(), body, repeat: 1, timeout_ms: 1_000, origin }, "https://a/v1")
    }

    #[test]
    fn a_judges_answer_is_of_one_case_and_what_holds_for_all_is_of_none() {
        let id = |name: &str| CaseId::new(name).unwrap();
        let ask = |case: &str, shared| key(Origin::Ask { assertion: "rubric#1".to_owned(), case: id(case), shared });
        let asked_of =
            |prompt: &str, case: &str| key(Origin::Trial { prompt: PromptId::new(prompt).unwrap(), case: id(case) });
        assert_ne!(ask("a", false).digest(), ask("b", false).digest());
        assert_eq!(ask("a", false), key(Origin::Ask { assertion: "renamed".to_owned(), case: id("a"), shared: false }));
        assert_eq!(ask("a", true), ask("b", true));
        assert_eq!(asked_of("triage", "a"), asked_of("triage.cot", "b"));
    }
}
