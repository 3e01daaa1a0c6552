//! What is wrong with settings or credentials is found when the set is built, and says what to do.

use promptgate_core::ExitCode;
use promptgate_core::answer::FailureKind;
use promptgate_core::format::project::ProviderSettings;
use promptgate_core::name::ModelId;
use promptgate_mock::{Reply, Server};
use promptgate_provider::{Checkup, SetupError, kinds};
use serde_json::json;

use crate::support::{World, ask, called, failure, request, settings};

fn error(world: &World, model: &str) -> (String, ExitCode) {
    let error: SetupError = world.build(model).err().expect("this cannot be built");
    (error.to_string(), error.exit_code())
}

fn with_base_url(url: &str) -> World {
    let mut world = World::new();
    world.settings.insert("openai".into(), ProviderSettings { base_url: Some(url.into()), ..Default::default() });
    world
}

#[test]
fn a_missing_key_is_named_before_anything_runs() {
    let (message, code) = error(&World::new(), "openai/gpt-4.1");
    assert_eq!(code, ExitCode::NoPermission);
    insta::assert_snapshot!(message, @"no key for provider `openai`: the environment variable OPENAI_API_KEY is not set; set OPENAI_API_KEY, or answer from a recording (leave out --live)");
    let mut world = with_base_url("https://gateway.example/v1");
    world.settings.get_mut("openai").unwrap().key_env = Some("GATEWAY_KEY".into());
    insta::assert_snapshot!(error(&world, "openai/gpt-4.1").0, @"no key for provider `openai`: the environment variable GATEWAY_KEY is not set; set GATEWAY_KEY, or answer from a recording (leave out --live)");
}

#[test]
fn wrong_settings_say_what_to_write() {
    insta::assert_snapshot!(error(&World::new(), "opanai/x").0, @r#"unknown provider `opanai`; did you mean `openai`? Or, for an API of OpenAI's shape, set OPANAI_BASE_URL (and OPANAI_API_KEY), or write `kind = "openai"` and `base_url` under [provider.opanai]"#);
    insta::assert_snapshot!(error(&World::new(), "replay/x").0, @r#"`replay` is not a provider of its own; keep the model's own id and add `recording = "recordings/<model>.jsonl"` to its `[[model]]`"#);
    insta::assert_snapshot!(error(&World::new(), "scripted/x").0, @r#"the scripted provider has no script; add `script = "script.toml"` under `[provider.scripted]` in promptgate.toml"#);
    for url in
        ["not a url", "ftp://host/v1", "https://user:hunter2hunter2@host/v1", "https://host/v1?key=hunter2hunter2"]
    {
        let (message, code) = error(&with_base_url(url), "openai/x");
        assert_eq!(code, ExitCode::Usage);
        assert!(!message.contains("hunter2"), "{message}");
    }
    insta::assert_snapshot!(error(&with_base_url("https://user:pw@host/v1"), "openai/x").0, @"`base_url` of [provider.openai] holds a user name or password; expected something like `https://host/v1`; keys belong in an environment variable");
    let mut world = World::new();
    world.settings.insert("local".into(), ProviderSettings { kind: Some("openai".into()), ..Default::default() });
    insta::assert_snapshot!(error(&world, "local/llama").0, @"provider `local` has no base URL; add `base_url` under [provider.local], or set LOCAL_BASE_URL");
}

#[test]
fn a_key_that_cannot_be_sent_is_refused_without_being_shown() {
    let world = World::new().key("sk-hunter2\nhunter2");
    let (message, code) = error(&world, "openai/x");
    assert_eq!(code, ExitCode::NoPermission);
    insta::assert_snapshot!(message, @"the key of `openai` cannot be one: it holds a line feed or a control character");
}

#[test]
fn all_mistakes_are_told_at_once_and_wrong_settings_before_missing_keys() {
    let world = World::new();
    let error = world.set(vec![called("openai/x"), called("opanai/x"), called("scripted/x")]).err().unwrap();
    assert_eq!((error.exit_code(), error.diagnostics().0.len()), (ExitCode::Usage, 2));
}

#[test]
fn a_server_on_loopback_needs_no_key_and_another_name_has_its_own_variables() {
    let server = Server::answering("hi");
    let mut world = World::new();
    world.settings.insert("local".into(), ProviderSettings { kind: Some("openai".into()), ..Default::default() });
    world.environment.insert("LOCAL_BASE_URL".into(), server.base_url());
    let set = world.build("local/llama").unwrap();
    assert_eq!(set.source(&ModelId::new("local/llama").unwrap()), Some(server.base_url()));
    ask(&world.answerer("local/llama"), request("local/llama", "a", "x")).result.unwrap();
    assert_eq!(server.received()[0].json()["model"], "llama");
    assert_eq!(server.received()[0].header("authorization"), None);
}

#[test]
fn any_name_is_an_api_of_openais_shape_where_the_environment_says_where() {
    let server = Server::answering("hi");
    let mut world = World::new();
    let both_ways = "; or, for an API of OpenAI's shape, set ACME_BASE_URL (and ACME_API_KEY), or write `kind = \"openai\"` and \
        `base_url` under [provider.acme]";
    let told = error(&world, "acme/m").0;
    assert!(told.starts_with("unknown provider `acme`; known: `anthropic`, ") && told.ends_with(both_ways), "{told}");
    world.environment.insert("ACME_BASE_URL".into(), server.base_url());
    world.environment.insert("ACME_API_KEY".into(), "sk-acme-0123456789".into());
    world.environment.insert("OPENAI_API_KEY".into(), "sk-openai-0123456789".into());
    ask(&world.answerer("acme/m"), request("acme/m", "a", "x")).result.unwrap();
    assert_eq!(server.received()[0].header("authorization"), Some("Bearer sk-acme-0123456789"));
    assert!(world.scrubber.finds("sk-acme-0123456789"));
    world.environment.remove("ACME_API_KEY");
    world.environment.insert("ACME_BASE_URL".into(), "https://acme.example/v1".into());
    insta::assert_snapshot!(error(&world, "acme/m").0, @"no key for provider `acme`: the environment variable ACME_API_KEY is not set; set ACME_API_KEY, or answer from a recording (leave out --live)");
    world.settings.insert("acme".into(), ProviderSettings { kind: Some("opanai".into()), ..Default::default() });
    insta::assert_snapshot!(error(&world, "acme/m").0, @"unknown provider `opanai`; did you mean `openai`?");
}

#[test]
fn the_environments_key_is_not_sent_to_a_place_that_only_the_project_names() {
    let server = Server::answering("hi");
    let mut world = with_base_url(&server.base_url()).key("sk-environment-1");
    ask(&world.answerer("openai/x"), request("openai/x", "a", "x")).result.unwrap();
    assert_eq!(server.received()[0].header("authorization"), None);
    world.settings.get_mut("openai").unwrap().key_env = Some("OPENAI_API_KEY".into());
    ask(&world.answerer("openai/x"), request("openai/x", "a", "x")).result.unwrap();
    assert_eq!(server.received()[1].header("authorization"), Some("Bearer sk-environment-1"));
}

#[test]
fn the_environment_names_the_place_before_a_file_does() {
    let (servers, file) = (Server::answering("hi"), Server::answering("no"));
    let mut world = with_base_url(&file.base_url()).key("sk-environment-1");
    world.settings.get_mut("openai").unwrap().key_env = Some("FILES_KEY".into());
    world.environment.insert("FILES_KEY".into(), "sk-of-the-file-1".into());
    world.environment.insert("OPENAI_BASE_URL".into(), servers.base_url());
    ask(&world.answerer("openai/x"), request("openai/x", "a", "x")).result.unwrap();
    assert_eq!(file.count(), 0);
    // The key that the file names is for the address that stands beside it.
    assert_eq!(servers.received()[0].header("authorization"), Some("Bearer sk-environment-1"));
    world.environment.insert("OPENAI_BASE_URL".into(), format!("{}/other", file.origin()));
    ask(&world.answerer("openai/x"), request("openai/x", "a", "x")).result.unwrap();
    assert_eq!(file.received()[0].header("authorization"), Some("Bearer sk-of-the-file-1"));
}

#[test]
fn the_environments_region_is_the_one_that_is_called() {
    let mut world = World::new();
    let region = Some("eu-west-1".to_owned());
    world.settings.insert("bedrock".into(), ProviderSettings { region, ..Default::default() });
    world.environment.insert("AWS_BEARER_TOKEN_BEDROCK".into(), "token-0123456789".into());
    let source = |world: &World| world.build("bedrock/m").unwrap().source(&ModelId::new("bedrock/m").unwrap()).unwrap();
    assert_eq!(source(&world), "https://bedrock-runtime.eu-west-1.amazonaws.com");
    world.environment.insert("AWS_REGION".into(), "us-east-2".into());
    assert_eq!(source(&world), "https://bedrock-runtime.us-east-2.amazonaws.com");
}

#[test]
fn what_the_environment_overrides_is_told_with_its_place() {
    let text =
        "[provider.openai]\nkey_env = \"K\"\nbase_url = \"https://a/v1\"\n[provider.bedrock]\nregion = \"eu-west-1\"\n";
    let settings = promptgate_core::format::project::parse(text, "promptgate.toml").unwrap().providers;
    let told = |variables: &[(&str, &str)]| {
        let environment =
            |name: &str| variables.iter().find(|(variable, _)| *variable == name).map(|(_, value)| (*value).to_owned());
        promptgate_provider::overridden(["bedrock", "echo", "openai"], &settings, &environment)
    };
    assert_eq!(told(&[]), [""; 0]);
    assert_eq!(told(&[("OPENAI_BASE_URL", "https://a/v1/"), ("AWS_REGION", "eu-west-1")]), [""; 0]);
    assert_eq!(
        told(&[("OPENAI_BASE_URL", "https://b/v1"), ("AWS_DEFAULT_REGION", "us-east-1")]),
        [
            "AWS_DEFAULT_REGION=us-east-1 of the environment is used, not region of promptgate.toml:5",
            "OPENAI_BASE_URL=https://b/v1 of the environment is used, not base_url of promptgate.toml:3, nor the key that is \
             named there",
        ]
    );
    let moved = told(&[("OPENAI_BASE_URL", "https://a/v2")]);
    assert_eq!(moved, ["OPENAI_BASE_URL=https://a/v2 of the environment is used, not base_url of promptgate.toml:3"]);
    assert_eq!(told(&[("OPENAI_BASE_URL", "https://me:hunter2@b/v1")]), [""; 0]);
}

#[test]
fn a_server_that_wants_a_key_it_was_not_sent_is_told_with_what_to_do() {
    let server = Server::start(|_| Reply::error(401, "no_key", "who are you?"));
    let world = with_base_url(&server.base_url()).key("sk-environment-1");
    let failed = failure(ask(&world.answerer("openai/x"), request("openai/x", "a", "x")));
    insta::assert_snapshot!(failed, @"HTTP 401: who are you? (no_key); no key was sent: name its variable with `key_env` beside `base_url`");
}

#[test]
fn sources_name_where_answers_come_from() {
    let world = World::new().key("sk-environment-1");
    let source = |model: &str| world.build(model).unwrap().source(&ModelId::new(model).unwrap());
    assert_eq!(source("openai/x").as_deref(), Some("https://api.openai.com/v1"));
    assert_eq!(source("echo/x").as_deref(), Some("echo"));
    let set = world.build("echo/x").unwrap();
    assert_eq!(set.source(&ModelId::new("echo/other").unwrap()), None);
}

#[test]
fn a_kind_by_another_name_is_where_the_kind_is_and_openais_shape_must_be_told_where() {
    let source =
        |world: &World, model: &str| world.build(model).unwrap().source(&ModelId::new(model).unwrap()).unwrap();
    let mut world = World::new();
    for (name, kind, region) in [("second", "anthropic", None), ("aws-eu", "bedrock", Some("eu-west-1".to_owned()))] {
        let settings = ProviderSettings { kind: Some(kind.into()), region, ..Default::default() };
        world.settings.insert(name.into(), settings);
    }
    world.environment.insert("SECOND_API_KEY".into(), "sk-0123456789".into());
    assert_eq!(source(&world, "second/m"), "https://api.anthropic.com");
    // The region that is said under the name is what the name is there for.
    for (name, value) in
        [("AWS_ACCESS_KEY_ID", "AK"), ("AWS_SECRET_ACCESS_KEY", "s3cret-0123"), ("AWS_REGION", "us-east-1")]
    {
        world.environment.insert(name.into(), value.into());
    }
    assert_eq!(source(&world, "aws-eu/m"), "https://bedrock-runtime.eu-west-1.amazonaws.com");
    assert_eq!(source(&world, "bedrock/m"), "https://bedrock-runtime.us-east-1.amazonaws.com");
    world.settings.get_mut("aws-eu").unwrap().region = None;
    assert_eq!(source(&world, "aws-eu/m"), "https://bedrock-runtime.us-east-1.amazonaws.com");
    world.environment.remove("AWS_REGION");
    insta::assert_snapshot!(error(&world, "aws-eu/m").0, @"`aws-eu` has no region; set AWS_REGION, or add `region = \"us-east-1\"` under [provider.aws-eu]");
}

#[test]
fn every_kind_has_a_name_of_its_own_a_summary_and_an_example() {
    let mut names = std::collections::BTreeSet::new();
    for kind in kinds() {
        assert!(names.insert(kind.name), "{} is there twice", kind.name);
        assert!(!kind.summary.is_empty() && ModelId::new(kind.example).is_ok(), "{}", kind.name);
    }
}

#[test]
fn an_application_is_asked_by_a_template_whose_names_are_known() {
    let asked = |template: &str, answer: &str| {
        let mut world = World::new();
        world.environment.insert("HTTP_TARGET_URL".to_owned(), "http://127.0.0.1:1".to_owned());
        world.files.insert("ask.json".to_owned(), template.to_owned());
        let settings = settings(|settings| {
            settings.request = Some("ask.json".to_owned());
            settings.answer = Some(answer.to_owned());
        });
        world.settings.insert("http".to_owned(), settings);
        error(&world, "http/m").0
    };
    insta::assert_snapshot!(asked("{\n \"q\": \"{{inptu}}\"}", "/a"), @"ask.json:2:8: a request has no `inptu`; did you mean `input`?");
    insta::assert_snapshot!(asked("{\"q\": }", "/a"), @"ask.json:1:7: expected value at line 1 column 7");
    insta::assert_snapshot!(asked("{}", "a.b"), @"`answer` of [provider.http] is `a.b`, which is no JSON pointer; write `/output`, or an empty text for the whole reply");
}

/// Invariant 10: what could change an answer is a part of its key.
#[test]
fn how_an_application_is_asked_is_a_part_of_where_its_answers_come_from() {
    let source = |template: &str, answer: &str, url: &str| {
        let mut world = World::new();
        world.environment.insert("HTTP_TARGET_URL".to_owned(), url.to_owned());
        world.files.insert("ask.json".to_owned(), template.to_owned());
        let settings = settings(|settings| {
            settings.request = Some("ask.json".to_owned());
            settings.answer = Some(answer.to_owned());
        });
        world.settings.insert("http".to_owned(), settings);
        world.build("http/m").unwrap().source(&ModelId::new("http/m").unwrap()).unwrap()
    };
    let one = source("{\"q\": \"{{input}}\"}", "/a", "http://127.0.0.1:1/chat");
    assert_eq!(source("{ \"q\": \"{{input}}\" }", "/a", "http://127.0.0.1:1/chat"), one);
    assert_ne!(source("{\"question\": \"{{input}}\"}", "/a", "http://127.0.0.1:1/chat"), one);
    assert_ne!(source("{\"q\": \"{{input}}\"}", "/b", "http://127.0.0.1:1/chat"), one);
    assert!(source("{}", "/a", "http://127.0.0.1:1/chat/").starts_with("http://127.0.0.1:1/chat/ "));
}

/// B-4: a reply that tells of an error is no answer, unless the error is what was asked for.
#[test]
fn an_error_beside_the_answer_of_an_application_is_no_answer() {
    let said = |reply: serde_json::Value, pointer: &str| {
        let server = Server::start(move |_| Reply::json(&reply));
        let mut world = World::new();
        world.environment.insert("HTTP_TARGET_URL".to_owned(), server.origin());
        world.settings.insert("http".to_owned(), settings(|settings| settings.answer = Some(pointer.to_owned())));
        let answer = ask(&world.answerer("http/m"), request("http/m", "a", "hello"));
        answer.result.map(|response| response.output).map_err(|failure| failure.kind)
    };
    let broken = Err(FailureKind::Server);
    assert_eq!(said(json!({"output": "", "error": "upstream timeout"}), "/output"), broken);
    assert_eq!(said(json!({"output": "half an ans", "error": {"code": 7}}), "/output"), broken);
    assert_eq!(said(json!({"output": "hello", "error": 7}), "/output"), broken);
    assert_eq!(said(json!({"data": {"said": "x", "error": true}}), "/data/said"), broken);
    for nothing in [json!(null), json!(false), json!(0), json!(""), json!([]), json!({})] {
        assert_eq!(said(json!({"output": "hello", "error": nothing}), "/output"), Ok("hello".to_owned()));
    }
    assert_eq!(said(json!({"error": "E42"}), "/error"), Ok("E42".to_owned()));
    assert_eq!(said(json!({"error": {"code": "E42"}}), "/error/code"), Ok("E42".to_owned()));
}

/// Invariant 10: two APIs at one address are two places; the usual one of a known host keeps its plain name.
#[test]
fn no_two_kinds_have_one_source() {
    let source = |kind: &str, url: &str| {
        let mut world = World::new();
        world.environment.insert("PX_API_KEY".to_owned(), "k".to_owned());
        world.environment.insert("AWS_REGION".to_owned(), "eu-west-1".to_owned());
        let settings = settings(|settings| {
            settings.kind = Some(kind.to_owned());
            settings.base_url = Some(url.to_owned());
            settings.key_env = Some("PX_API_KEY".to_owned());
        });
        world.settings.insert("px".to_owned(), settings);
        world.build("px/m").unwrap().source(&ModelId::new("px/m").unwrap()).unwrap()
    };
    for url in ["https://gateway.example/v1", "https://api.mistral.ai/v1", "https://api.anthropic.com"] {
        let of_an_api =
            kinds().filter(|kind| !["echo", "exec", "http", "python", "replay", "scripted"].contains(&kind.name));
        let sources: Vec<String> = of_an_api.map(|kind| source(kind.name, url)).collect();
        let distinct: std::collections::BTreeSet<&String> = sources.iter().collect();
        assert_eq!(distinct.len(), sources.len(), "{sources:#?}");
    }
    assert_eq!(source("openai", "https://gateway.example/v1"), "https://gateway.example/v1");
    assert_eq!(source("anthropic", "https://gateway.example/v1"), "https://gateway.example/v1 as anthropic");
    assert_eq!(source("mistral", "https://api.mistral.ai/v1"), "https://api.mistral.ai/v1");
    assert_eq!(source("openai", "https://api.mistral.ai/v1"), "https://api.mistral.ai/v1 as openai");
}

#[test]
fn azures_preview_is_asked_for_where_it_is_wanted_and_a_dated_version_is_told_as_not_used() {
    let server = Server::answering("hi");
    let mut world = World::new();
    for (name, value) in [("AZURE_API_BASE", server.origin()), ("AZURE_API_KEY", "sk-0123456789".to_owned())] {
        world.environment.insert(name.to_owned(), value);
    }
    let id = ModelId::new("azure/m").unwrap();
    let mut called = |version: &str| {
        world.environment.insert("AZURE_API_VERSION".to_owned(), version.to_owned());
        // The first call is built by other means than those that follow.
        for case in ["a", "b"] {
            ask(&world.answerer("azure/m"), request("azure/m", case, "x")).result.unwrap();
        }
        let environment = |name: &str| world.environment.get(name).cloned();
        let told = promptgate_provider::overridden(["azure"], &[].into(), &environment);
        let source = world.build("azure/m").unwrap().source(&id).unwrap();
        (server.received().last().unwrap().query.clone(), source.replace(&server.origin(), ""), told)
    };
    assert_eq!(
        called("preview"),
        ("api-version=preview".to_owned(), "/openai/v1 as azure?api-version=preview".to_owned(), vec![])
    );
    assert_eq!(called(""), (String::new(), "/openai/v1 as azure".to_owned(), vec![]));
    let told =
        "AZURE_API_VERSION=2024-10-21 is not used: what is spoken is the undated API below /openai/v1".to_owned();
    assert_eq!(called("2024-10-21"), (String::new(), "/openai/v1 as azure".to_owned(), vec![told]));
}

/// What a doctor finds of a server that always replies so.
fn checkup(reply: Reply) -> Checkup {
    let server = Server::start(move |_| reply.clone());
    let set = World::openai(&server.base_url()).build("openai/m").unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(set.checkups()).remove(0)
}

#[test]
fn a_clock_that_differs_is_seen_also_where_a_request_is_refused() {
    let date = |reply: Reply| checkup(reply.header("date", "Sat, 01 Jan 2000 00:00:00 GMT"));
    let refused = date(Reply::error(403, "RequestTimeTooSkewed", "Signature expired"));
    assert!(refused.reached.is_err() && refused.clock_ahead_s.unwrap().abs() > 1_000_000, "{refused:?}");
    let listed = date(Reply::json(&json!({"data": [{"id": "m"}]})));
    assert!(listed.reached.is_ok() && listed.clock_ahead_s.unwrap().abs() > 1_000_000, "{listed:?}");
}

#[test]
fn a_place_that_lists_no_models_is_told() {
    let told = |reply: Reply| checkup(reply).reached.unwrap().no_list;
    assert_eq!(told(Reply::json(&json!({"data": [{"id": "m"}]}))), None);
    assert_eq!(told(Reply::json(&json!({"data": []}))), None);
    let missing = told(Reply::error(404, "not_found", "no such page"));
    assert_eq!(missing.as_deref(), Some("no list of models is at /models (HTTP 404)"));
    let page = told(Reply::raw("<html>welcome</html>").header("content-type", "text/html"));
    assert_eq!(page.as_deref(), Some("what is at /models is no list of models"));
}
