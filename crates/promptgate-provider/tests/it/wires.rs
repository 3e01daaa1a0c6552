//! How a conversation reads on each wire: earlier turns, tools, images, structure, parameters.

use promptgate_core::format::project::{ProviderSettings, WireApi};
use promptgate_core::message::Message;
use promptgate_core::name::ModelId;
use promptgate_core::request::{OutputFormat, RequestBody};
use promptgate_mock::{Reply, Server};
use serde_json::{Map, Value, json};

use crate::support::{World, ask, of_body};

fn conversation(model: &str, parameters: Value) -> RequestBody {
    let messages = json!([
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"text": "What is this?"}, {"media": {"url": "data:image/png;base64,iVBORw0K", "contentType": "image/png"}}]},
        {"role": "model", "content": [{"toolRequest": {"name": "look", "ref": "c1", "input": {"at": 7}}}]},
        {"role": "tool", "content": [{"toolResponse": {"name": "look", "ref": "c1", "output": {"seen": "a cat"}}}]},
        {"role": "user", "content": "And now?"},
    ]);
    let schema = json!({"type": "object", "properties": {"a": {"type": "string"}}});
    let Value::Object(parameters) = parameters else { panic!("parameters are an object") };
    RequestBody {
        tools: vec![json!({"name": "look", "description": "Looks.", "inputSchema": {"type": "object"}})],
        parameters,
        output: Some(OutputFormat { format: Some("json".to_owned()), schema: Some(schema) }),
        ..RequestBody::of(ModelId::new(model).unwrap(), serde_json::from_value::<Vec<Message>>(messages).unwrap())
    }
}

/// The path and the body that a server is sent.
fn sent(provider: &str, variable: &str, settings: ProviderSettings, parameters: Value) -> (String, Value) {
    let server = Server::start(|_| Reply::raw("not an answer"));
    let mut world = World::new();
    world.environment.insert(variable.to_owned(), server.origin());
    world.settings.insert(provider.to_owned(), settings);
    let model = format!("{provider}/a.model-v1:0");
    let _ = ask(&world.answerer(&model), of_body(conversation(&model, parameters), "a"));
    let received = server.received();
    (received[0].path.clone(), received[0].json())
}

fn common() -> Value {
    json!({"temperature": 0.5, "maxOutputTokens": 99, "topP": 0.9})
}

#[test]
fn responses() {
    let settings = ProviderSettings { api: Some(WireApi::Responses), ..Default::default() };
    let (path, body) = sent("openai", "OPENAI_BASE_URL", settings, common());
    insta::assert_json_snapshot!(json!({"path": path, "body": body}));
}

/// What OpenAI's types demand; vLLM refuses parts of an earlier answer that name no answer.
#[test]
fn an_earlier_answer_and_a_tool_without_parameters_are_whole_in_responses() {
    let server = Server::start(|_| Reply::raw("not an answer"));
    let mut world = World::openai(&server.base_url());
    let settings = ProviderSettings { api: Some(WireApi::Responses), ..Default::default() };
    world.settings.insert("openai".to_owned(), settings);
    let messages = json!([
        {"role": "user", "content": "Hello"},
        {"role": "model", "content": [{"text": "Good "}, {"text": "day"}, {"toolRequest": {"name": "now", "ref": "c1"}}]},
        {"role": "model", "content": ""},
    ]);
    let messages = serde_json::from_value::<Vec<Message>>(messages).unwrap();
    let tools = vec![json!({"name": "now"})];
    let body = RequestBody { tools, ..RequestBody::of(ModelId::new("openai/m").unwrap(), messages) };
    let _ = ask(&world.answerer("openai/m"), of_body(body, "a"));
    let sent = server.received()[0].json();
    assert_eq!(
        sent["input"],
        json!([
            {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hello"}]},
            {"type": "message", "role": "assistant", "content": "Good day"},
            {"type": "function_call", "call_id": "c1", "name": "now", "arguments": "{}"},
            {"type": "message", "role": "assistant", "content": ""},
        ])
    );
    let parameters = json!({"type": "object", "properties": {}});
    assert_eq!(sent["tools"], json!([{"type": "function", "name": "now", "strict": false, "parameters": parameters}]));
}

#[test]
fn messages() {
    let (path, body) = sent("anthropic", "ANTHROPIC_BASE_URL", ProviderSettings::default(), common());
    insta::assert_json_snapshot!(json!({"path": path, "body": body}));
}

#[test]
fn generate_content() {
    let (path, body) = sent("gemini", "GOOGLE_BASE_URL", ProviderSettings::default(), common());
    insta::assert_json_snapshot!(json!({"path": path, "body": body}));
}

#[test]
fn converse() {
    let parameters =
        json!({"temperature": 0.5, "maxOutputTokens": 99, "topK": 5, "guardrailConfig": {"guardrailVersion": "1"}});
    let (path, body) = sent("bedrock", "AWS_ENDPOINT_URL_BEDROCK_RUNTIME", ProviderSettings::default(), parameters);
    insta::assert_json_snapshot!(json!({"path": path, "body": body}));
}

/// Gemini refuses a turn that holds another number of results than the one before it holds calls.
#[test]
fn results_of_parallel_calls_stand_in_one_turn_of_gemini_with_what_ties_them_to_their_calls() {
    let server = Server::start(|_| Reply::raw("not an answer"));
    let mut world = World::new();
    world.environment.insert("GOOGLE_BASE_URL".to_owned(), server.origin());
    let messages = json!([
        {"role": "user", "content": "Paris and Rome?"},
        {"role": "model", "content": [{"toolRequest": {"name": "look", "ref": "c1", "input": {"at": 1}}},
                                      {"toolRequest": {"name": "look", "input": {"at": 2}}}]},
        {"role": "tool", "content": [{"toolResponse": {"name": "look", "ref": "c1", "output": "rain"}}]},
        {"role": "tool", "content": [{"toolResponse": {"name": "look", "output": "sun"}}]},
        {"role": "user", "content": "So?"},
    ]);
    let messages = serde_json::from_value::<Vec<Message>>(messages).unwrap();
    let body = RequestBody::of(ModelId::new("gemini/m").unwrap(), messages);
    let _ = ask(&world.answerer("gemini/m"), of_body(body, "a"));
    assert_eq!(
        server.received()[0].json()["contents"],
        json!([
            {"role": "user", "parts": [{"text": "Paris and Rome?"}]},
            {"role": "model", "parts": [{"functionCall": {"name": "look", "args": {"at": 1}, "id": "c1"}},
                                        {"functionCall": {"name": "look", "args": {"at": 2}}}]},
            {"role": "user", "parts": [{"functionResponse": {"name": "look", "response": {"result": "rain"}, "id": "c1"}},
                                       {"functionResponse": {"name": "look", "response": {"result": "sun"}}}]},
            {"role": "user", "parts": [{"text": "So?"}]},
        ])
    );
}

#[test]
fn what_a_wire_cannot_say_is_refused_and_nothing_is_sent() {
    let refusal = |provider: &str, variable: &str, api: Option<WireApi>, name: &str| {
        let server = Server::answering("x");
        let mut world = World::new();
        world.environment.insert(variable.to_owned(), server.origin());
        world.settings.insert(provider.to_owned(), ProviderSettings { api, ..Default::default() });
        let model = format!("{provider}/m");
        let parameters = Value::Object(Map::from_iter([(name.to_owned(), json!(1))]));
        let answer = ask(&world.answerer(&model), of_body(conversation(&model, parameters), "a"));
        assert_eq!(server.count(), 0);
        answer.result.unwrap_err().message
    };
    let responses = Some(WireApi::Responses);
    insta::assert_snapshot!(refusal("openai", "OPENAI_BASE_URL", responses, "seed"), @"the parameter `seed` is not known to Responses; use `api = \"chat\"`");
    insta::assert_snapshot!(refusal("anthropic", "ANTHROPIC_BASE_URL", None, "seed"), @"the parameter `seed` is not known to this provider; leave it out of `config`");
    insta::assert_snapshot!(refusal("anthropic", "ANTHROPIC_BASE_URL", None, "system"), @"the parameter `system` cannot be set in `config`");
    insta::assert_snapshot!(refusal("gemini", "GOOGLE_BASE_URL", None, "contents"), @"the parameter `contents` cannot be set in `config`");
    insta::assert_snapshot!(refusal("gemini", "GOOGLE_BASE_URL", None, "candidateCount"), @"the parameter `candidateCount` is not supported; ask for repeats with `trials`");
    insta::assert_snapshot!(refusal("bedrock", "AWS_ENDPOINT_URL_BEDROCK_RUNTIME", None, "toolConfig"), @"the parameter `toolConfig` is no object");
    insta::assert_snapshot!(refusal("http", "HTTP_TARGET_URL", None, "seed"), @"the messages hold more than texts, such as an image or a call of a tool, and `{{messages}}` is not in the request's template; put it there (`request` of the provider), or leave those parts out");
}

#[test]
fn an_application_is_told_all_parts_of_a_message_that_is_more_than_a_text() {
    let server = Server::answering("x");
    let mut world = World::new();
    world.environment.insert("HTTP_TARGET_URL".to_owned(), server.origin());
    world.files.insert("ask.json".to_owned(), r#"{"all": "{{ messages }}"}"#.to_owned());
    let request = Some("ask.json".to_owned());
    world.settings.insert("http".to_owned(), ProviderSettings { request, ..Default::default() });
    let _ = ask(&world.answerer("http/m"), of_body(conversation("http/m", json!({})), "a"));
    assert_eq!(
        server.received()[0].json()["all"],
        json!([
            {"role": "system", "content": "Be brief."},
            {"role": "user", "content": [{"text": "What is this?"}, {"media": {"url": "data:image/png;base64,iVBORw0K", "contentType": "image/png"}}]},
            {"role": "model", "content": [{"toolRequest": {"name": "look", "ref": "c1", "input": {"at": 7}}}]},
            {"role": "tool", "content": [{"toolResponse": {"name": "look", "ref": "c1", "output": {"seen": "a cat"}}}]},
            {"role": "user", "content": "And now?"},
        ])
    );
}

#[test]
fn what_is_ours_stands_beside_what_config_says_in_the_same_object() {
    let check = |provider: &str, variable: &str, settings: ProviderSettings, parameters: Value, pointer: &str| {
        let (_, body) = sent(provider, variable, settings, parameters);
        let object = body.pointer(pointer).and_then(Value::as_object).unwrap();
        object.keys().cloned().collect::<Vec<_>>()
    };
    let responses = ProviderSettings { api: Some(WireApi::Responses), ..Default::default() };
    let effort = json!({"output_config": {"effort": "low"}});
    let found = check("anthropic", "ANTHROPIC_BASE_URL", ProviderSettings::default(), effort, "/output_config");
    assert_eq!(found, ["effort", "format"]);
    let verbosity = json!({"text": {"verbosity": "low"}});
    assert_eq!(check("openai", "OPENAI_BASE_URL", responses, verbosity, "/text"), ["verbosity", "format"]);
    let choice = json!({"toolConfig": {"toolChoice": {"any": {}}}});
    let variable = "AWS_ENDPOINT_URL_BEDROCK_RUNTIME";
    let found = check("bedrock", variable, ProviderSettings::default(), choice, "/toolConfig");
    assert_eq!(found, ["toolChoice", "tools"]);
}

#[test]
fn the_limit_of_a_reasoning_model_has_its_own_name_wherever_it_is_served() {
    let limit = |provider: &str, variable: &str, model: &str| {
        let server = Server::start(|_| Reply::raw("not an answer"));
        let mut world = World::new();
        world.environment.insert(variable.to_owned(), server.base_url());
        let model = format!("{provider}/{model}");
        let mut body = conversation(&model, json!({"maxOutputTokens": 9}));
        body.output = None;
        let _ = ask(&world.answerer(&model), of_body(body, "a"));
        let sent = server.received()[0].json();
        ["max_tokens", "max_completion_tokens"].into_iter().find(|name| !sent[*name].is_null()).unwrap()
    };
    assert_eq!(limit("litellm", "LITELLM_BASE_URL", "openai/gpt-5-mini"), "max_completion_tokens");
    assert_eq!(limit("litellm", "LITELLM_BASE_URL", "o3"), "max_completion_tokens");
    for model in
        ["ft:gpt-5-mini:org::id", "openai/ft:o4-mini-2025-04-16:org::id", "gpt-6", "gpt-6.1-mini", "gpt-10", "o5-mini"]
    {
        assert_eq!(limit("litellm", "LITELLM_BASE_URL", model), "max_completion_tokens", "{model}");
    }
    for model in ["o3x", "ft:gpt-4.1-mini:org::id", "gpt-4o", "gpt-5x", "gpt-oss-120b", "gpt-35-turbo", "olmo-2"] {
        assert_eq!(limit("litellm", "LITELLM_BASE_URL", model), "max_tokens", "{model}");
    }
    assert_eq!(limit("ollama", "OLLAMA_BASE_URL", "gpt-4.1"), "max_tokens");
}
