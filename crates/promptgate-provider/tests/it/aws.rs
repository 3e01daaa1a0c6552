//! Where the keys and the region of `bedrock` come from: the environment, the files of AWS's own tools, a container.

use promptgate_core::format::project::ProviderSettings;
use promptgate_mock::{Received, Reply, Server};
use promptgate_provider::SetupError;
use serde_json::json;

use crate::support::{World, ask, request};

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

/// A world with AWS's files and some variables.
fn world(credentials: &str, config: &str, variables: &[(&str, &str)]) -> World {
    let mut world = World::new();
    for (name, text) in [("credentials", credentials), ("config", config)] {
        let path = world.root.path().join(name);
        std::fs::write(&path, text).unwrap();
        let variable = if name == "config" { "AWS_CONFIG_FILE" } else { "AWS_SHARED_CREDENTIALS_FILE" };
        world.environment.insert(variable.to_owned(), path.display().to_string());
    }
    world.environment.extend(variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    world
}

/// The one request that a model server gets, whatever it answers.
fn sent(world: &World, server: &Server) -> Received {
    let _ = ask(&world.answerer("bedrock/m"), request("bedrock/m", "a", "hello"));
    server.received().last().unwrap().clone()
}

#[track_caller]
fn check(credentials: &str, config: &str, variables: &[(&str, &str)], signed: &str) {
    let server = Server::answering("hi");
    let mut world = world(credentials, config, variables);
    world.environment.insert("AWS_ENDPOINT_URL".to_owned(), server.origin());
    let sent = sent(&world, &server);
    let scope = sent.header("authorization").unwrap().split('/').take(3).collect::<Vec<_>>();
    assert_eq!([scope[0].rsplit('=').next().unwrap(), scope[2]].join(" in "), signed);
    assert!(world.scrubber.finds(SECRET));
}

#[test]
fn keys_and_region_come_from_the_files_of_aws() {
    let keys = |id: &str| format!("aws_access_key_id = {id}\naws_secret_access_key = {SECRET}\n");
    let credentials = format!("[default]\n{}[work]\n{}", keys("AKDEFAULT"), keys("AKWORK"));
    let config = format!(
        "[default]\nregion = eu-west-1\n[profile work]\nregion = eu-west-2\n[profile alone]\nregion = eu-west-3\n{}",
        keys("AKALONE")
    );
    check(&credentials, &config, &[], "AKDEFAULT in eu-west-1");
    check(&credentials, &config, &[("AWS_PROFILE", "work")], "AKWORK in eu-west-2");
    check(&credentials, &config, &[("AWS_PROFILE", "alone")], "AKALONE in eu-west-3");
    check(&credentials, &config, &[("AWS_PROFILE", "work"), ("AWS_REGION", "us-east-1")], "AKWORK in us-east-1");
}

#[test]
fn keys_of_the_environment_sign_for_an_address_that_a_file_names_where_that_is_of_aws() {
    let keys = [("AWS_ACCESS_KEY_ID", "AK"), ("AWS_SECRET_ACCESS_KEY", SECRET), ("AWS_REGION", "eu-west-1")];
    for (url, is_signed) in [
        ("https://vpce-0a1b.bedrock-runtime.eu-west-1.vpce.amazonaws.com", true),
        ("https://bedrock.amazonaws.com.evil.example", false),
        ("http://bedrock.amazonaws.com", false),
    ] {
        let mut world = world("", "", &keys);
        let settings = ProviderSettings { base_url: Some(url.to_owned()), ..Default::default() };
        world.settings.insert("bedrock".to_owned(), settings);
        world.build("bedrock/m").unwrap();
        // Keys that are looked up are learnt.
        assert_eq!(world.scrubber.finds(SECRET), is_signed, "{url}");
    }
}

#[test]
fn a_profiles_region_is_where_its_models_are() {
    let world = world("", "[default]\nregion = ap-southeast-2\n", &[("AWS_BEARER_TOKEN_BEDROCK", "token-0123456789")]);
    let id = promptgate_core::name::ModelId::new("bedrock/m").unwrap();
    let source = world.build("bedrock/m").unwrap().source(&id);
    assert_eq!(source.as_deref(), Some("https://bedrock-runtime.ap-southeast-2.amazonaws.com"));
}

#[test]
fn a_program_that_a_profile_names_lends_keys() {
    let folder = tempfile::tempdir().unwrap();
    let keys = folder.path().join("my keys.json");
    let said = json!({"Version": 1, "AccessKeyId": "AKLENT", "SecretAccessKey": SECRET, "SessionToken": "session-1"});
    std::fs::write(&keys, said.to_string()).unwrap();
    let config = format!("[default]\nregion = eu-west-1\ncredential_process = cat '{}'\n", keys.display());
    check("", &config, &[], "AKLENT in eu-west-1");
    std::fs::remove_file(&keys).unwrap();
    let wrong = told(&world("", &config, &[]));
    assert!(wrong.starts_with("no keys of the profile `default` for `bedrock`: its `credential_process` ended with"));
}

/// Keys that have ended are asked for again; what a container lends is told apart by its id.
#[test]
fn a_container_lends_keys_and_is_asked_again_once_they_end() {
    let token_file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&token_file, "Bearer pod-token-1\n").unwrap();
    let container = Server::start(|received| {
        let keys = json!({"AccessKeyId": format!("AKLENT{}", received.number), "SecretAccessKey": SECRET,
            "Token": "session-token-1", "Expiration": if received.number == 1 { "1990-01-01T00:00:00Z" } else { "2100-01-01T00:00:00Z" }});
        Reply::json(&keys)
    });
    let url = format!("{}/v1/credentials", container.origin());
    let variables = [
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", url.as_str()),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", token_file.path().to_str().unwrap()),
        ("AWS_REGION", "eu-west-1"),
    ];
    let server = Server::answering("hi");
    let mut world = world("", "", &variables);
    world.environment.insert("AWS_ENDPOINT_URL_BEDROCK_RUNTIME".to_owned(), server.origin());
    let answerer = world.answerer("bedrock/m");
    for case in ["a", "b"] {
        let _ = ask(&answerer, request("bedrock/m", case, case));
    }
    for sent in server.received() {
        assert!(sent.header("authorization").unwrap().contains("Credential=AKLENT2/"), "{sent:?}");
        assert_eq!(sent.header("x-amz-security-token"), Some("session-token-1"));
    }
    assert_eq!((server.count(), container.count()), (2, 2));
    assert_eq!(container.received()[1].header("authorization"), Some("Bearer pod-token-1"));
    for secret in [SECRET, "session-token-1", "pod-token-1"] {
        assert!(world.scrubber.finds(secret), "{secret}");
    }
}

fn told(world: &World) -> String {
    match world.build("bedrock/m").err().unwrap() {
        error @ SetupError::Credential(_) => error.to_string(),
        SetupError::Invalid(mistakes) => panic!("{mistakes}"),
    }
}

#[test]
fn what_a_profile_asks_for_and_is_not_done_is_named() {
    let of = |lines: &str, more: &[(&str, &str)]| {
        let config = format!("[profile work]\n{lines}");
        told(&world("", &config, &[&[("AWS_PROFILE", "work"), ("AWS_REGION", "eu-west-1")], more].concat()))
    };
    insta::assert_snapshot!(of("role_arn = arn:aws:iam::1:role/r\nsource_profile = default\n", &[]), @"no keys of the profile `work` for `bedrock`: it asks for an assumed role (`role_arn`), which promptgate does not get; set what `aws configure export-credentials --profile work --format env` prints in the environment");
    insta::assert_snapshot!(of("sso_session = corp\n", &[]), @"no keys of the profile `work` for `bedrock`: it asks for a single sign-on (`sso_session`), which promptgate does not get; set what `aws configure export-credentials --profile work --format env` prints in the environment");
    insta::assert_snapshot!(of("sso_start_url = https://x\n", &[]), @"no keys of the profile `work` for `bedrock`: it asks for a single sign-on (`sso_start_url`), which promptgate does not get; set what `aws configure export-credentials --profile work --format env` prints in the environment");
    insta::assert_snapshot!(of("output = json\n", &[]), @"no keys of the profile `work` for `bedrock`: it holds neither keys nor a `credential_process`; set AWS_PROFILE to a profile with keys, or unset it");
    insta::assert_snapshot!(of("credential_process = echo hunter2\n", &[]), @"no keys of the profile `work` for `bedrock`: what its `credential_process` printed is not JSON; run it by hand to see why");
    let container = |url| [("AWS_CONTAINER_CREDENTIALS_FULL_URI", url)];
    insta::assert_snapshot!(of("", &container("http://keys.example/")), @"no keys of the container for `bedrock`: its address is neither https nor on this machine; look at AWS_CONTAINER_CREDENTIALS_FULL_URI and AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
}
