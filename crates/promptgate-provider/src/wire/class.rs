//! Of what class an error is, by its status and by the words that servers use: one table for all wires.

use promptgate_core::answer::FailureKind;
use serde_json::Value;

/// Where servers put the word for an error.
const WORDS: [&str; 4] = ["code", "type", "status", "__type"];

/// Words that say that a filter held the request back: it is about this request, and about no other.
const FILTERED: [&str; 10] = [
    "content_filter",
    "content_policy_violation",
    "image_content_policy_violation",
    "misalignment_policy_violation",
    "bio_policy",
    "cyber_policy",
    "ResponsibleAIPolicyViolation",
    "invalid_prompt",
    "data_inspection_failed",
    "moderation_blocked",
];

/// The same, where a server says it in its text only.
const FILTERED_TEXTS: [&str; 6] = [
    "blocked by content filtering policy",
    "Content Exists Risk",
    "Content violates usage guidelines",
    "Your input was flagged",
    "your input was flagged",
    "ContentPolicyViolationError",
];

/// Words that say that the model wrote what is not of the form that was asked for (Groq, and who passes its errors on).
const MALFORMED: [&str; 2] = ["json_validate_failed", "tool_use_failed"];

/// Words that say that an image cannot be had or read (Responses): it is as bad at the next try.
const BAD_IMAGE: [&str; 13] = [
    "invalid_image",
    "invalid_image_format",
    "invalid_image_mode",
    "invalid_image_url",
    "invalid_base64_image",
    "image_too_large",
    "image_too_small",
    "image_parse_error",
    "image_file_too_large",
    "image_file_not_found",
    "unsupported_image_media_type",
    "empty_image_file",
    "failed_to_download_image",
];

/// Words that say the quota is gone for good, not for a moment.
const QUOTA: [&str; 8] = [
    "insufficient_quota",
    "exceeded_current_quota_error",
    "billing_hard_limit_reached",
    "billing_not_active",
    "billing_error",
    "access_terminated",
    "insufficient_credits",
    "ServiceQuotaExceededException",
];

/// The same, where a server says it in its text only, under another status.
const QUOTA_TEXTS: [&str; 5] = [
    "credit balance is too low",
    "exceeded your current quota",
    "reached your specified API usage limits",
    "used all available credits",
    // Bedrock throttles by it; OpenAI and Groq write otherwise of a day's tokens, which come back bit by bit.
    "Too many tokens per day",
];

/// Words that refuse a credential under a status that says something else.
const CREDENTIAL: [&str; 3] = ["API_KEY_INVALID", "invalid_api_key", "ExpiredTokenException"];

/// Words for what may pass, under a status that says it will not.
const PASSING: [&str; 4] =
    ["ModelNotReadyException", "ModelTimeoutException", "ModelErrorException", "overloaded_error"];

/// Words for a model that is not there, under whatever status.
const NO_MODEL: [&str; 4] = ["model_not_found", "DeploymentNotFound", "invalid_model", "model_not_available"];

/// The same, where a server says it in its text only.
const NO_MODEL_TEXTS: [&str; 4] =
    ["Model Not Exist", "is not a valid model ID", "invalid model ID", "The provided model identifier is invalid"];

/// What is not found for one request and may be for another: a file that it names, a server that takes its images.
const NOT_FOUND_FOR_ONE: [&str; 2] = ["No such File", "endpoints found that support"];

/// The status that a word stands for, where an error comes inside a reply that had none of its own.
const STATUSES: [(&str, u16); 10] = [
    ("invalid_request_error", 400),
    ("BadRequestError", 400),
    ("authentication_error", 401),
    ("insufficient_quota", 429),
    ("billing_error", 402),
    ("permission_error", 403),
    ("not_found_error", 404),
    ("rate_limit_error", 429),
    ("rate_limit_exceeded", 429),
    ("overloaded_error", 529),
];

/// What Gemini calls every limit, the one of a minute and the one of a day; as do those who pass its errors on.
const EXHAUSTED: &str = "RESOURCE_EXHAUSTED";

/// The word of an error, the first one that there is.
pub(super) fn word(error: &Value) -> Option<&str> {
    WORDS.iter().find_map(|key| error[*key].as_str())
}

/// The class of an error that came with a status.
pub(super) fn kind(status: u16, error: &Value) -> FailureKind {
    let words = words(error);
    let says = |known: &[&str]| words.iter().any(|word| known.contains(word));
    let message = error["message"].as_str().or(error.as_str()).unwrap_or_default();
    let tells = |known: &[&str]| known.iter().any(|text| message.contains(text));
    if let (400..500, Some(kind)) = (status, behind(error)) {
        return kind;
    }
    match status {
        402 => FailureKind::Quota,
        400 if says(&MALFORMED) || tells(&MALFORMED) => FailureKind::Malformed,
        400..500 if says(&FILTERED) || tells(&FILTERED_TEXTS) || is_flagged(error) => FailureKind::ContentFilter,
        400..500 if says(&BAD_IMAGE) => FailureKind::BadRequest,
        400..500 if says(&QUOTA) => FailureKind::Quota,
        429 if says(&[EXHAUSTED]) || message.contains(EXHAUSTED) => exhausted(error),
        400..500 if tells(&QUOTA_TEXTS) => FailureKind::Quota,
        400..500 if says(&CREDENTIAL) => FailureKind::Credential,
        400..500 if says(&PASSING) => FailureKind::Server,
        429 => FailureKind::RateLimit,
        400..500 if tells(&NOT_FOUND_FOR_ONE) => FailureKind::BadRequest,
        400..500 if says(&NO_MODEL) || tells(&NO_MODEL_TEXTS) => FailureKind::NotFound,
        404 | 410 => FailureKind::NotFound,
        401 | 403 | 407 => FailureKind::Credential,
        // The server gave up waiting, or had something else under way, or had no room: the same call may succeed later.
        408 | 409 | 425 | 498 => FailureKind::Server,
        500.. => FailureKind::Server,
        _ => FailureKind::BadRequest,
    }
}

/// The class of an error inside a reply whose status meant success, and the status that it names itself.
pub(super) fn kind_inside(error: &Value) -> (FailureKind, Option<u16>) {
    let code = &error["code"];
    // Routers pass the status of the model's own server on as the code, some of them as a text.
    let code = code.as_u64().or_else(|| code.as_str()?.parse().ok());
    let status = code.and_then(|code| u16::try_from(code).ok()).filter(|code| (400..600).contains(code));
    let words = words(error);
    let of_word = || STATUSES.iter().find(|(word, _)| words.contains(word)).map(|(_, status)| *status);
    let is_the_requests =
        |word: &&str| [&FILTERED[..], &MALFORMED, &BAD_IMAGE].iter().any(|known| known.contains(word));
    let of_request = || words.iter().any(is_the_requests).then_some(400);
    (kind(status.or_else(of_request).or_else(of_word).unwrap_or(500), error), status)
}

fn words(error: &Value) -> Vec<&str> {
    let reasons = error["details"].as_array().into_iter().flatten().filter_map(|detail| detail["reason"].as_str());
    // Azure puts what its filter says one level deeper.
    let inner = ["innererror", "inner_error"].iter().filter_map(|key| error[*key]["code"].as_str());
    WORDS.iter().filter_map(|key| error[*key].as_str()).chain(inner).chain(reasons).collect()
}

/// OpenRouter names what its moderation found, beside a status that says no more than that the call is forbidden.
fn is_flagged(error: &Value) -> bool {
    let metadata = &error["metadata"];
    metadata["flagged_input"].is_string() || metadata["reasons"].as_array().is_some_and(|reasons| !reasons.is_empty())
}

/// The class of what a router was told by the server behind it, where it is about this request: its other errors the router
/// has a status for.
fn behind(error: &Value) -> Option<FailureKind> {
    let raw: Value = serde_json::from_str(error["metadata"]["raw"].as_str()?).ok()?;
    let kind = kind(400, raw.get("error").unwrap_or(&raw));
    matches!(kind, FailureKind::ContentFilter | FailureKind::Malformed).then_some(kind)
}

/// Whether it is a day's limit, or no limit but none at all, that is reached; else it is one that passes.
fn exhausted(error: &Value) -> FailureKind {
    let whole = error.to_string();
    let is_none = |(_, rest): (&str, &str)| !rest.starts_with(|next: char| next.is_ascii_digit() || next == '.');
    let for_long = whole.contains("PerDay") || whole.split_once("limit: 0").is_some_and(is_none);
    if for_long { FailureKind::Quota } else { FailureKind::RateLimit }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_filter_held_back_is_about_one_request() {
        let check = |status, error: Value| assert_eq!(kind(status, &error), FailureKind::ContentFilter, "{error}");
        check(400, json!({"code": "content_filter", "message": "The response was filtered"}));
        check(400, json!({"code": null, "innererror": {"code": "ResponsibleAIPolicyViolation"}}));
        check(400, json!({"type": "invalid_request_error", "message": "Output blocked by content filtering policy"}));
        check(403, json!({"code": 403, "message": "forbidden", "metadata": {"flagged_input": "…"}}));
        let raw = json!({"error": {"code": "content_filter"}}).to_string();
        check(400, json!({"code": 400, "message": "Provider returned error", "metadata": {"raw": raw}}));
        check(403, json!({"message": "Content violates usage guidelines. Failed check: SAFETY_CHECK_TYPE_BIO"}));
        for code in ["invalid_prompt", "bio_policy", "misalignment_policy_violation", "image_content_policy_violation"]
        {
            check(400, json!({"code": code, "type": "invalid_request_error"}));
            assert_eq!(kind_inside(&json!({"code": code})), (FailureKind::ContentFilter, None));
        }
        assert_eq!(kind(403, &json!({"message": "no access to this model"})), FailureKind::Credential);
    }

    #[test]
    fn an_image_that_cannot_be_read_is_as_bad_at_the_next_try() {
        for code in BAD_IMAGE {
            let error = json!({"code": code, "message": "the image cannot be taken"});
            assert_eq!(kind_inside(&error), (FailureKind::BadRequest, None), "{code}");
            assert_eq!(kind(404, &error), FailureKind::BadRequest, "{code}");
        }
    }

    #[test]
    fn what_the_model_wrote_in_another_form_is_its_own_failure() {
        let check = |error: Value| assert_eq!(kind(400, &error), FailureKind::Malformed, "{error}");
        let json =
            json!({"type": "invalid_request_error", "code": "json_validate_failed", "failed_generation": "{ bad"});
        let tool = json!({"type": "invalid_request_error", "code": "tool_use_failed", "message": "Failed to call a function."});
        assert_eq!(kind_inside(&json).0, FailureKind::Malformed);
        assert_eq!(kind_inside(&json!({"code": "tool_use_failed"})), (FailureKind::Malformed, None));
        let raw = json!({"error": tool}).to_string();
        check(json!({"message": format!("litellm.BadRequestError: GroqException - {raw}"), "code": "400"}));
        check(json!({"code": 400, "message": "Provider returned error", "metadata": {"raw": raw}}));
        check(json);
        check(tool);
    }

    #[test]
    fn a_model_that_is_not_there_holds_for_every_request() {
        let check = |status, error: Value| assert_eq!(kind(status, &error), FailureKind::NotFound, "{error}");
        check(404, json!({"code": "model_not_found", "message": "The model `gone` does not exist"}));
        check(404, json!({"type": "not_found_error", "message": "model: claude-0"}));
        check(404, json!({"status": "NOT_FOUND", "message": "models/gone is not found for API version v1beta"}));
        check(400, json!({"message": "Model Not Exist", "type": "invalid_request_error"}));
        check(400, json!({"code": 400, "message": "x/y is not a valid model ID"}));
        check(404, Value::Null);
        let images = json!({"code": 404, "message": "No endpoints found that support image input"});
        assert_eq!(kind(404, &images), FailureKind::BadRequest, "another request has no image");
    }

    #[test]
    fn a_limit_of_a_minute_passes_and_one_of_a_day_does_not() {
        let gemini = |quota: &str, message: &str| {
            let violation = json!({"quotaId": quota});
            let details = json!([{"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [violation]}]);
            kind(429, &json!({"code": 429, "status": "RESOURCE_EXHAUSTED", "message": message, "details": details}))
        };
        let said = "You exceeded your current quota, please check your plan and billing details.";
        assert_eq!(gemini("GenerateRequestsPerMinutePerProjectPerModel", said), FailureKind::RateLimit);
        assert_eq!(gemini("GenerateRequestsPerDayPerProjectPerModel-FreeTier", said), FailureKind::Quota);
        let limited = |limit: &str| format!("{said}\n* Quota exceeded for metric: x, limit: {limit}");
        for (limit, kind) in
            [("0, model: y", FailureKind::Quota), ("0", FailureKind::Quota), ("0.5", FailureKind::RateLimit)]
        {
            assert_eq!(gemini("GenerateContentInputTokensPerModelPerMinute", &limited(limit)), kind, "{limit}");
        }
        let passed_on = json!({"message": "litellm.RateLimitError: exceeded your current quota … RESOURCE_EXHAUSTED"});
        assert_eq!(kind(429, &passed_on), FailureKind::RateLimit);
        assert_eq!(kind(429, &json!({"message": said})), FailureKind::Quota);
    }

    #[test]
    fn bedrock_says_what_passes_and_what_a_day_brings_back_under_its_own_words() {
        let check = |status, word: &str, message: &str, expected: FailureKind| {
            assert_eq!(kind(status, &json!({"__type": word, "message": message})), expected, "{message}");
        };
        let slow_down = "Too many tokens, please wait before trying again.";
        check(429, "ThrottlingException", slow_down, FailureKind::RateLimit);
        let of_the_day = "Too many tokens per day, please wait before trying again.";
        check(429, "ThrottlingException", of_the_day, FailureKind::Quota);
        let error = json!({"type": "throttlingException", "message": of_the_day, "code": 429});
        assert_eq!(kind_inside(&error).0, FailureKind::Quota);
        check(424, "ModelErrorException", "The model failed.", FailureKind::Server);
        check(424, "ValidationException", "Malformed input request.", FailureKind::BadRequest);
    }

    #[test]
    fn an_error_inside_a_reply_has_the_class_that_its_words_have() {
        let check = |error: Value, expected: FailureKind| assert_eq!(kind_inside(&error).0, expected, "{error}");
        check(json!({"code": "429", "message": "slow down"}), FailureKind::RateLimit);
        check(json!({"code": "400"}), FailureKind::BadRequest);
        check(json!({"code": 502}), FailureKind::Server);
        check(json!({"type": "invalid_request_error"}), FailureKind::BadRequest);
        check(json!({"code": "rate_limit_exceeded"}), FailureKind::RateLimit);
        check(json!({"code": "insufficient_quota"}), FailureKind::Quota);
        check(json!({"type": "overloaded_error"}), FailureKind::Server);
        check(json!({"message": "who knows"}), FailureKind::Server);
    }
}
