//! What a user is told who has set something up wrongly. The table is `fixtures/misconfigurations.md`; with
//! `UPDATE_SAMPLES=1` it is written anew.

use promptgate_mock::{Received, Reply, Server, Wire};
use promptgate_testkit::Project;

use crate::tls::TlsServer;

const SUITE: &str = "name = \"one\"\nprompt = \"one\"\n[cases]\nfile = \"cases.jsonl\"\n[[assert]]\nkind = \"contains\"\nvalue = \"x\"\n";

/// A mistake: what is wrong, the model, the project's file, and the environment. `URL` is where the server is.
struct Mistake {
    what: &'static str,
    model: &'static str,
    settings: &'static str,
    environment: &'static [(&'static str, &'static str)],
}

const KEY: (&str, &str) = ("OPENAI_API_KEY", "sk-hunter2-hunter2");
const AT: (&str, &str) = ("OPENAI_BASE_URL", "URL/v1");

const fn of(what: &'static str, environment: &'static [(&'static str, &'static str)]) -> Mistake {
    Mistake { what, model: "openai/m", settings: "", environment }
}

const MISTAKES: [Mistake; 30] = [
    of("no key", &[]),
    of("a wrong key", &[AT, ("OPENAI_API_KEY", "sk-wrong-hunter2")]),
    Mistake {
        what: "the project names another address, and no key for it",
        settings: "[provider.openai]\nbase_url = \"URL/v1\"\n",
        ..of("", &[KEY])
    },
    of("a key with a line feed", &[AT, ("OPENAI_API_KEY", "sk-hunter2\nhunter2")]),
    Mistake {
        what: "a key file that is not there",
        settings: "[provider.openai]\nkey_file = \"no-such-file\"\n",
        ..of("", &[AT])
    },
    Mistake {
        what: "a key file outside of the project, named by its file",
        settings: "[provider.openai]\nbase_url = \"URL/v1\"\nkey_file = \"/etc/hostname\"\n",
        ..of("", &[])
    },
    Mistake {
        what: "a key command, where programs are off",
        settings: "[provider.openai]\nkey_command = [\"true\"]\n",
        ..of("", &[AT])
    },
    Mistake {
        what: "the key itself in the project's file",
        settings: "[provider.openai]\napi_key = \"sk-hunter2-hunter2\"\n",
        ..of("", &[])
    },
    of("the path of the API left out", &[KEY, ("OPENAI_BASE_URL", "URL")]),
    of("an address that is none", &[KEY, ("OPENAI_BASE_URL", "api.openai.com/v1")]),
    of("an address of another kind", &[KEY, ("OPENAI_BASE_URL", "ftp://127.0.0.1/v1")]),
    of("a password in the address", &[KEY, ("OPENAI_BASE_URL", "https://me:hunter2@127.0.0.1/v1")]),
    of("nobody listens there", &[KEY, ("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")]),
    of("TLS where none is spoken", &[KEY, ("OPENAI_BASE_URL", "TLS/v1")]),
    of("an expired certificate", &[KEY, ("OPENAI_BASE_URL", "EXPIRED/v1"), ("SSL_CERT_FILE", "ISSUERS")]),
    of("a certificate for another name", &[KEY, ("OPENAI_BASE_URL", "ELSEWHERE/v1"), ("SSL_CERT_FILE", "ISSUERS")]),
    of("a certificate signed by nobody known", &[KEY, ("OPENAI_BASE_URL", "UNSIGNED/v1")]),
    of(
        "a file of certificates that holds none",
        &[KEY, ("OPENAI_BASE_URL", "UNSIGNED/v1"), ("SSL_CERT_FILE", "/dev/null")],
    ),
    of("a proxy that is no address", &[KEY, ("HTTPS_PROXY", "::")]),
    of(
        "a proxy that nobody listens at",
        &[KEY, ("HTTPS_PROXY", "http://127.0.0.1:9"), ("OPENAI_BASE_URL", "https://api.invalid/v1")],
    ),
    of(
        "a proxy of another kind",
        &[KEY, ("ALL_PROXY", "socks5://127.0.0.1:9"), ("OPENAI_BASE_URL", "https://api.invalid/v1")],
    ),
    of(
        "no proxy for a host that is not there",
        &[
            KEY,
            ("HTTPS_PROXY", "http://127.0.0.1:9"),
            ("NO_PROXY", "127.0.0.1"),
            ("OPENAI_BASE_URL", "https://127.0.0.1:9/v1"),
        ],
    ),
    Mistake { what: "a model that is not there", model: "openai/gone", ..of("", &[KEY, AT]) },
    Mistake { what: "a provider that is not there", model: "opnai/m", ..of("", &[KEY, AT]) },
    Mistake {
        what: "a deployment without its resource",
        model: "azure/m",
        ..of("", &[("AZURE_API_KEY", "sk-hunter2-hunter2")])
    },
    Mistake {
        what: "a cloud without its region",
        model: "bedrock/m",
        ..of("", &[("AWS_BEARER_TOKEN_BEDROCK", "sk-hunter2-hunter2")])
    },
    Mistake { what: "a web page where the API should be", model: "openai/page", ..of("", &[KEY, AT]) },
    Mistake { what: "an address that has moved", model: "openai/moved", ..of("", &[KEY, AT]) },
    Mistake { what: "no money left", model: "openai/broke", ..of("", &[KEY, AT]) },
    Mistake { what: "a parameter that the model does not take", model: "openai/picky", ..of("", &[KEY, AT]) },
];

fn answer(received: &Received) -> Reply {
    let body = received.json();
    if !received.path.starts_with("/v1/") {
        return Reply::raw("not found").status(404).header("content-type", "text/plain");
    }
    let sent = received.header("authorization").unwrap_or("none");
    if sent != "Bearer sk-hunter2-hunter2" {
        return Wire::Chat.error(401, "invalid_api_key", &format!("Incorrect API key provided: {sent}."));
    }
    match body["model"].as_str() {
        Some("gone") => {
            Wire::Chat.error(404, "model_not_found", "The model `gone` does not exist or you do not have access to it.")
        }
        Some("page") => Reply::raw("<html><body>Sign in</body></html>").header("content-type", "text/html"),
        Some("moved") => Reply::raw("").status(301).header("location", "https://elsewhere.invalid/v1"),
        Some("broke") => {
            Wire::Chat.error(429, "insufficient_quota", "You exceeded your current quota, please check your plan.")
        }
        Some("picky") => Wire::Chat.error(400, "unsupported_parameter", "Unsupported parameter: 'top_k'."),
        _ => Reply::answer("x"),
    }
}

/// The servers that mistakes name.
struct Servers {
    plain: Server,
    expired: TlsServer,
    elsewhere: TlsServer,
    unsigned: TlsServer,
    /// The issuers of the first two, as a file.
    issuers: Project,
}

impl Servers {
    fn start() -> Self {
        let (expired, elsewhere) = (TlsServer::start("127.0.0.1", 2020), TlsServer::start("elsewhere.invalid", 2099));
        let issuers = Project::new().file("issuers.pem", format!("{}{}", expired.issuer_pem, elsewhere.issuer_pem));
        let unsigned = TlsServer::start("127.0.0.1", 2099);
        Self { plain: Server::start(answer), expired, elsewhere, unsigned, issuers }
    }

    fn place(&self, text: &str) -> String {
        let origin = self.plain.origin();
        text.replace("URL", &origin)
            .replace("TLS", &origin.replace("http:", "https:"))
            .replace("EXPIRED", &format!("https://127.0.0.1:{}", self.expired.port))
            .replace("ELSEWHERE", &format!("https://127.0.0.1:{}", self.elsewhere.port))
            .replace("UNSIGNED", &format!("https://127.0.0.1:{}", self.unsigned.port))
            .replace("ISSUERS", &self.issuers.path("issuers.pem").to_string_lossy())
    }

    /// A message without the ports, which are others each time.
    fn without_ports(&self, message: &str) -> String {
        let ports =
            [self.expired.port, self.elsewhere.port, self.unsigned.port].map(|port| format!("127.0.0.1:{port}"));
        let plain = self.plain.origin()["http://".len()..].to_owned();
        [plain].iter().chain(&ports).fold(message.to_owned(), |text, port| text.replace(port, "127.0.0.1:PORT"))
    }
}

/// Exit code and message.
fn told(mistake: &Mistake, servers: &Servers) -> (i32, String) {
    let place = |text: &str| servers.place(text);
    let suite = format!("{SUITE}[[model]]\nid = \"{}\"\n", mistake.model);
    let mut project = Project::new()
        .binary(env!("CARGO_BIN_EXE_promptgate"))
        .file("promptgate.toml", place(mistake.settings))
        .file("suites/one/suite.toml", suite)
        .file("suites/one/prompts/one.prompt", "hello")
        .file("suites/one/cases.jsonl", "{\"id\":\"a\"}\n");
    for (name, value) in mistake.environment {
        project = project.variable(name, &place(value));
    }
    let output = project.run(["run", "suites/one", "--live", "--no-retry", "--report", "jsonl=trials.jsonl"]);
    assert!(!format!("{output:?}").contains("hunter2"), "{}: {output:?}", mistake.what);
    let message = match project.has("trials.jsonl") {
        true => {
            let trial: serde_json::Value = serde_json::from_str(project.read("trials.jsonl").trim()).unwrap();
            trial["error"]["unanswered"]["message"].as_str().unwrap_or("answered").to_owned()
        }
        false => output.stderr.trim().lines().map(str::trim).collect::<Vec<_>>().join(" ").replacen("error: ", "", 1),
    };
    (output.code, servers.without_ports(&message))
}

#[test]
fn each_mistake_has_its_message() {
    let servers = Servers::start();
    let mut table = "# What a wrong set-up is told\n\nWritten and checked by a test (`crates/promptgate-cli/tests/it/misconfigured.rs`).\n\n\
                     | what is wrong | exit | what is said |\n|---|---|---|\n"
        .to_owned();
    for mistake in &MISTAKES {
        let (code, message) = told(mistake, &servers);
        assert_ne!(code, 0, "{}: {message}", mistake.what);
        table.push_str(&format!("| {} | {code} | {} |\n", mistake.what, message.replace('|', "\\|")));
    }
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/misconfigurations.md");
    if std::env::var_os("UPDATE_SAMPLES").is_some() {
        std::fs::write(&file, &table).unwrap();
    }
    assert_eq!(table, std::fs::read_to_string(&file).unwrap_or_default(), "UPDATE_SAMPLES=1 writes it anew");
}
