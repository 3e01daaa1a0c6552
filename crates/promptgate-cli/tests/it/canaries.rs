//! A key in the environment is in no byte that any command leaves behind: not as it is, not encoded, not in part.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::path::Path;

use promptgate_mock::{Received, Reply, Said, Server, Wire};
use promptgate_testkit::{Output, Project};
use serde_json::json;

/// Keys of differing shape, each one that a header can carry.
const CANARIES: [&str; 16] = [
    "sk-proj-Zq7WvT3kLm9RxPd2HyNb",
    "sk-ant-api03-Hj5_Kd8-Wq1ZpXc6VtBnYm4",
    "kq\"dbl\"q'uo'teZx81Vw",
    "sla/sh/ba\\ck\\Qm37/Xv//",
    "Uk9XTUFHSUM0Mg+/x7Qz/9Ltb2Pn+A==",
    "per%25cent&amp=Wd4?k#frag%ZZ",
    "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJxdyJ9.Zm9vYmFyc2lnTkFU",
    "9f4c1e7ab83d5206e1f7c94ab02d68e3",
    "70319824650917",
    "6b1f2c9e-83d4-4a57-b0c6-19e7d52fa384",
    "t0psZx9w",
    "<tag attr=\"Vq81\">Lz93&lt;</tag>",
    "|`*_[pipe](Wm52)_*`|Kd77|",
    "=cmd|'/Qx'!Zt64Rk",
    "two words Gf29 and Hs83 more",
    LONG,
];

const LONG: &str = "long-Qh3Tz8Vb1Nc6Mx5Lk9Jd2Wp7Rf4Ys0Ga-Ue3Io8Pv1Bt6Zn5Xm9Cl2Kj7Hd4Sw0Qa-Er3Ty8Ui1Op6As5Df9Gh2Jk7Lz4Xc0Vb-\
Nm3Qw8Er1Ty6Ui5Op9As2Df7Gh4Jk0Lz-Xc3Vb8Nm1Qw6Er5Ty9Ui2Op7As4Df0Gh-Jk3Lz8Xc1Vb6Nm5Qw9Er2Ty7Ui4Op0As";

const SUITE: &str = r#"
name = "s"
prompt = "ask"
candidate = "ask.new"
[[model]]
id = "openai/m"
recording = "recordings/openai.jsonl"
[[model]]
id = "team/m"
recording = "recordings/team.jsonl"
[cases]
file = "cases.jsonl"
[[assert]]
kind = "equals"
value = "{{ask}}"
[[assert]]
name = "the end of it"
kind = "contains"
value = "nothing that is there"
extract = [{ regex = "(?s).{18}$" }]
tier = "advisory"
[[assert]]
kind = "json-schema"
schema = "schema.json"
tier = "advisory"
[gate]
baseline = "ask"
[[gate.check]]
metric = "pass_rate"
allowed_drop = "5pt"
"#;

/// What a case asks the server for, and how often with the key at another place: texts are cut somewhere.
const BEHAVIOURS: [(&str, usize); 8] = [
    ("echo", 30),
    ("encoded", 1),
    ("refused", 35),
    ("broken", 2),
    ("plain", 35),
    ("redirected", 1),
    ("quota", 1),
    ("unauthorised", 1),
];

fn cases() -> String {
    let mut lines = String::new();
    for (behaviour, times) in BEHAVIOURS {
        for n in 0..times {
            let line = json!({"id": format!("{behaviour}-{n}"), "vars": {"ask": behaviour, "pad": n * 9}, "tags": [behaviour]});
            writeln!(lines, "{line}").unwrap();
        }
    }
    lines
}

/// A server that repeats the key it was sent in every way that servers do.
fn echoing(received: &Received) -> Reply {
    let header = received.header("authorization").unwrap_or_default();
    let key = header.strip_prefix("Bearer ").unwrap_or_default();
    let asked = received.json()["messages"][0]["content"].as_str().unwrap_or_default().to_owned();
    let mut words = asked.split_whitespace().skip(1);
    let behaviour = words.next().unwrap_or_default();
    let padded = format!("{}{key}", "x".repeat(words.next().and_then(|pad| pad.parse().ok()).unwrap_or_default()));
    match behaviour {
        "echo" => answer(&padded, key),
        "encoded" => answer(&forms(header).join(" "), key),
        "refused" => Reply::error(400, key, &padded).header("x-request-id", &padded),
        "broken" => Reply::raw(format!("{{\"choices\": [\"{padded}")).header("x-request-id", key),
        "plain" => Reply::raw(padded).header("content-type", "text/plain").status(400),
        "redirected" => Reply::raw("").status(302).header("location", &format!("http://elsewhere/?key={key}")),
        "quota" => Reply::error(429, "insufficient_quota", header).header("x-ratelimit-key", key),
        _ => Reply::error(401, "invalid_api_key", &format!("Incorrect API key provided: {key}.")),
    }
}

fn answer(text: &str, key: &str) -> Reply {
    let call = json!({"id": key, "type": "function", "function": {"name": "tool", "arguments": format!("{{\"a\":{}}}", json!(text))}});
    Reply::json(&json!({
        "id": key,
        "model": key,
        "choices": [{"index": 0, "finish_reason": key, "message": {"role": "assistant", "content": text, "tool_calls": [call]}}],
        "usage": {"prompt_tokens": 11, "completion_tokens": 7},
    }))
    .header("x-request-id", key)
    .header("set-cookie", key)
}

/// A key as it is and as it is usually encoded.
fn forms(key: &str) -> Vec<String> {
    let hex: String = key.bytes().map(|byte| format!("{byte:02x}")).collect();
    let quoted = json!(key).to_string();
    let percent = |byte: u8| match byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    };
    let encoded = base64(key.as_bytes());
    vec![
        key.to_owned(),
        key.chars().rev().collect(),
        quoted[1..quoted.len() - 1].to_owned(),
        hex.to_uppercase(),
        hex,
        key.bytes().map(percent).collect(),
        encoded.replace('+', "-").replace('/', "_"),
        encoded,
    ]
}

/// Without the padding, and without the last character, which holds other bits where more text follows.
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bits: Vec<u8> = bytes.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1)).collect();
    let six = |bits: &[u8]| ALPHABET[bits.iter().fold(0, |value, bit| value << 1 | usize::from(*bit))];
    bits.chunks_exact(6).map(|bits| char::from(six(bits))).collect()
}

/// All that must not be found: every piece of so many bytes of every form of every key.
const PIECE: usize = 12;

struct Forbidden(HashSet<Vec<u8>>);

impl Forbidden {
    fn of(keys: &[&str]) -> Self {
        let header = |key: &str| forms(&format!("Bearer {key}")).into_iter().skip(6);
        let forms = keys.iter().flat_map(|key| forms(key).into_iter().chain(header(key)).chain([key.to_lowercase()]));
        let pieces = forms.flat_map(|form| match form.len() {
            0..PIECE => vec![form.into_bytes()],
            _ => form.as_bytes().windows(PIECE).map(<[u8]>::to_vec).collect(),
        });
        // What every `Bearer ...` begins with is no secret.
        let harmless = base64(b"Bearer ").into_bytes();
        Self(
            pieces.filter(|piece| !piece.windows(6).any(|part| harmless.windows(6).any(|each| each == part))).collect(),
        )
    }

    #[track_caller]
    fn check(&self, place: &str, bytes: &[u8]) {
        let lengths: HashSet<usize> = self.0.iter().map(Vec::len).collect();
        for length in lengths {
            if let Some(at) = bytes.windows(length).position(|piece| self.0.contains(piece)) {
                let around = &bytes[at.saturating_sub(200)..(at + 100).min(bytes.len())];
                panic!("{place}: a key or a part of it at byte {at}: {}", String::from_utf8_lossy(around));
            }
        }
    }

    #[track_caller]
    fn check_output(&self, words: &[&str], output: &Output) {
        self.check(&format!("stdout of {words:?}"), output.stdout.as_bytes());
        self.check(&format!("stderr of {words:?}"), output.stderr.as_bytes());
    }

    #[track_caller]
    fn check_folder(&self, folder: &Path) {
        for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let path = entry.path();
            self.check("the name of a file", path.as_os_str().as_encoded_bytes());
            if path.is_dir() {
                self.check_folder(&path);
            } else {
                self.check(&path.display().to_string(), &std::fs::read(&path).unwrap());
            }
        }
    }
}

const REPORTS: &str = "--report json=NAME.json --report jsonl=NAME.jsonl --report junit=NAME.xml --report csv=NAME.csv \
--report markdown=NAME.md --report terminal=NAME.txt";

/// Every command, with the code it ends with. `REPORTS` is every format.
const COMMANDS: [(&str, i32); 22] = [
    ("run suites/s --live --filter tag=echo|encoded REPORTS", 100),
    ("report latest REPORTS", 100),
    ("report latest --report jsonl", 100),
    ("run suites/s --live --filter tag=refused|broken|plain|redirected REPORTS", 104),
    ("run suites/s --live --filter tag=quota", 104),
    ("run suites/s --live --filter tag=unauthorised", 104),
    ("gate suites/s --record --fresh --filter tag=echo|encoded REPORTS", 102),
    ("gate suites/s --filter tag=echo|encoded REPORTS", 102),
    ("compare ask ask.new --suite suites/s --live --fresh --filter tag=encoded REPORTS", 0),
    ("gate suites/s", 2),
    ("check", 2),
    ("list suites", 0),
    ("list runs", 0),
    ("prompt show ask", 0),
    ("prompt render ask", 0),
    ("prompt render ask --json", 0),
    ("prompt diff ask ask.new", 0),
    ("run suites/none", 2),
    ("doctor", 104),
    ("cache stats", 0),
    ("cache export", 0),
    ("cache explain abcdef12", 0),
];

fn project(server: &Server, keys: [&str; 2]) -> Project {
    let settings = format!(
        "[retries]\nattempts = 2\nfirst_wait = \"1ms\"\n[provider.team]\nkind = \"openai\"\nbase_url = \"{}\"\nkey_env = \"TEAM_SECRET\"\n",
        server.base_url()
    );
    Project::new()
        .binary(env!("CARGO_BIN_EXE_promptgate"))
        .variable("OPENAI_BASE_URL", &server.base_url())
        .variable("OPENAI_API_KEY", keys[0])
        .variable("TEAM_SECRET", keys[1])
        .variable("RUST_LOG", "trace")
        .variable("RUST_BACKTRACE", "full")
        .file("promptgate.toml", settings)
        .file("suites/s/suite.toml", SUITE)
        .file("suites/s/schema.json", r#"{"type": "string", "maxLength": 3}"#)
        .file("suites/s/cases.jsonl", cases())
        .file("suites/s/prompts/ask.prompt", "Say {{ask}} {{pad}}\n")
        .file("suites/s/prompts/ask.new.prompt", "Say {{ask}} {{pad}} please\n")
}

fn words<'a>(command: &'a str, reports: &'a str) -> Vec<&'a str> {
    command
        .split(' ')
        .flat_map(|word| if word == "REPORTS" { reports.split_whitespace().collect() } else { vec![word] })
        .collect()
}

fn no_command_shows(keys: [&str; 2]) {
    let server = Server::start(echoing);
    let project = project(&server, keys);
    let forbidden = Forbidden::of(&keys);
    for (number, (command, code)) in COMMANDS.into_iter().enumerate() {
        let reports = REPORTS.replace("NAME", &format!("out-{number}"));
        let words = words(command, &reports);
        let output = project.run(&words);
        forbidden.check_output(&words, &output);
        assert_eq!(output.code, code, "{words:?}\n{}\n{}", output.stdout, output.stderr);
    }
    forbidden.check_folder(project.root().parent().unwrap());
    let sent: HashSet<String> =
        server.received().iter().filter_map(|each| each.header("authorization").map(str::to_owned)).collect();
    assert_eq!(sent, keys.map(|key| format!("Bearer {key}")).into(), "both keys were sent, and nothing else");
}

#[test]
fn no_command_leaves_a_key_in_any_byte() {
    let (first, second) = CANARIES.split_at(CANARIES.len() / 2);
    // Each key once for the provider's own variable and once for a `key_env`.
    for (one, other) in first.iter().zip(second) {
        no_command_shows([one, other]);
    }
}

#[test]
fn a_key_that_cannot_be_sent_is_not_shown_either() {
    let server = Server::start(echoing);
    let check = |variables: &[(&str, &str)], code: i32| {
        let project = project(&server, ["sk-good-but-unused", "sk-good-too-unused"]);
        let project = variables.iter().fold(project, |project, (name, value)| project.variable(name, value));
        let words = ["run", "suites/s", "--live"];
        let output = project.run(words).expect_code(code);
        Forbidden::of(&["Qz81-canary-Wm52"]).check_output(&words, &output);
        Forbidden::of(&["Qz81-canary-Wm52"]).check_folder(&project.root());
    };
    check(&[("OPENAI_API_KEY", "one\nQz81-canary-Wm52")], 77);
    check(&[("OPENAI_BASE_URL", "http://user:Qz81-canary-Wm52@127.0.0.1:1/v1")], 2);
    check(&[("OPENAI_BASE_URL", "http://127.0.0.1:1/v1?key=Qz81-canary-Wm52")], 2);
    let proxied = ("OPENAI_BASE_URL", "https://127.0.0.1:1/v1");
    check(&[proxied, ("HTTPS_PROXY", "not a proxy Qz81-canary-Wm52")], 2);
    check(&[proxied, ("ALL_PROXY", "socks5://user:Qz81-canary-Wm52@127.0.0.1:1")], 2);
    assert_eq!(server.count(), 0);
}

/// A provider that is given a key, by the wire it speaks.
const ON_WIRES: [(&str, &str); 8] = [
    ("chat", "kind = \"openai\""),
    ("responses", "kind = \"openai\"\napi = \"responses\""),
    ("streamed", "kind = \"openai\"\nstream = true"),
    ("azure", ""),
    ("anthropic", ""),
    ("gemini", ""),
    ("bedrock", "region = \"us-east-1\""),
    ("mistral", "stream = true"),
];

const WIRE_SUITE: &str = r#"
name = "w"
prompt = "ask"
candidate = "ask.new"
[[judge]]
id = "chat/judge"
[cases]
file = "cases.jsonl"
[[assert]]
kind = "contains"
name = "said"
value = "nothing that is there"
[[assert]]
kind = "rubric"
name = "polite"
criteria = "It is polite."
calibration = "labels.jsonl"
tier = "advisory"
[[assert]]
kind = "snapshot"
tier = "advisory"
[gate]
baseline = "ask"
[[gate.check]]
metric = "pass_rate"
allowed_drop = "5pt"
"#;

/// What is run with the keys of all wires at once, and the code it ends with.
const ON_WIRES_COMMANDS: [(&str, i32); 18] = [
    ("run suites/w --live --record=all.jsonl --no-fail REPORTS", 104),
    ("score latest REPORTS", 100),
    ("snapshot accept suites/w", 0),
    ("report latest REPORTS", 100),
    ("gate suites/w --live --fresh REPORTS", 104),
    ("explain latest", 0),
    ("compare ask ask.new --suite suites/w --live --fresh --no-retry REPORTS", 0),
    ("judge calibrate suites/w --live", 102),
    ("judge calibrate suites/w --json", 102),
    ("plan suites/w", 0),
    ("check suites/w", 0),
    ("doctor", 0),
    ("cache stats", 0),
    ("cache export", 0),
    ("cache prune --older-than 0s", 0),
    ("list providers", 0),
    ("list runs", 0),
    ("shim", 0),
];

/// Key number `n` of 64: eight shapes, each with letters of its own.
fn canary(n: u64) -> String {
    let letters = |place: u64, count: usize| -> String {
        const ALPHABET: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz23456789";
        let letter = |at: usize| {
            let drawn = promptgate_core::sequence::mix(n * 1_000 + place * 100 + at as u64) as usize;
            char::from(ALPHABET[drawn % ALPHABET.len()])
        };
        (0..count).map(letter).collect()
    };
    match n % 8 {
        0 => format!("sk-proj-{}", letters(0, 40)),
        1 => format!("sk-ant-api03-{}_{}-{}", letters(0, 20), letters(1, 20), letters(2, 8)),
        2 => format!("{}/{}+{}==", letters(0, 12), letters(1, 12), letters(2, 12)),
        3 => format!("{}%25{}&{}=1", letters(0, 10), letters(1, 10), letters(2, 10)),
        4 => format!("eyJ{}.eyJ{}.{}", letters(0, 18), letters(1, 18), letters(2, 24)),
        5 => format!("{}\"{}\\{}", letters(0, 14), letters(1, 14), letters(2, 14)),
        6 => format!("AIza{}", letters(0, 35)),
        _ => letters(0, 24),
    }
}

/// The key that a request carries, under whichever header its wire has for it.
fn carried(received: &Received) -> Option<String> {
    let bearer = received.header("authorization").and_then(|header| header.strip_prefix("Bearer "));
    let own = || ["x-api-key", "api-key", "x-goog-api-key"].iter().find_map(|name| received.header(name));
    bearer.or_else(own).map(str::to_owned)
}

/// A server of all wires that says the key back: as answer, as model, as error, and as what is no reply at all.
fn echoing_on_wires(received: &Received) -> Reply {
    let key = carried(received).unwrap_or_default();
    let end = |end: &str| received.path.ends_with(end);
    let wire = match () {
        () if end("/responses") => Wire::Responses,
        () if end("/messages") => Wire::Messages,
        () if received.path.contains("enerateContent") => Wire::GenerateContent,
        () if received.path.contains("/converse") => Wire::Converse,
        () if end("/models") => Wire::Models,
        () => Wire::Chat,
    };
    let asked = String::from_utf8_lossy(&received.body);
    let said = Said::text(&key, &format!("{key} and {}", forms(&key).join(" ")));
    let stream = received.path.contains("stream") || asked.contains("\"stream\":true");
    match () {
        () if asked.contains("refused") => wire.error(400, &key, &format!("no {key}")).header("x-request-id", &key),
        () if asked.contains("unauthorised") => wire.error(401, "invalid", &format!("Incorrect API key: {key}")),
        () if asked.contains("overloaded") => wire.error(503, "overloaded", &key),
        () if asked.contains("broken") => Reply::raw(format!("{{\"{key}")),
        () if asked.contains("page") => Reply::raw(format!("<html>{key}</html>")).status(502),
        () if asked.contains("inside") && stream => wire.error_in_stream(&key, &key),
        () if stream => wire.streamed(&said, true),
        () => wire.whole(&said),
    }
}

fn on_wires(server: &Server, keys: &[String]) -> Project {
    let mut settings = "[retries]\nattempts = 2\nfirst_wait = \"1ms\"\n".to_owned();
    let mut suite = WIRE_SUITE.to_owned();
    let mut project = Project::new()
        .binary(env!("CARGO_BIN_EXE_promptgate"))
        .variable("RUST_LOG", "trace")
        .variable("RUST_BACKTRACE", "full");
    for (at, ((name, more), key)) in ON_WIRES.iter().zip(keys).enumerate() {
        let base_url = if *name == "bedrock" || *name == "azure" { server.origin() } else { server.base_url() };
        settings += &format!("[provider.{name}]\n{more}\nbase_url = \"{base_url}\"\nkey_env = \"CANARY_{at}\"\n");
        project = project.variable(&format!("CANARY_{at}"), key);
        suite += &format!("[[model]]\nid = \"{name}/m\"\n");
    }
    let cases = ["plain", "refused", "unauthorised", "overloaded", "broken", "page", "inside"];
    let cases = cases.map(|ask| json!({"id": ask, "vars": {"ask": ask}}).to_string() + "\n").concat();
    let labels = json!({"case": "plain", "output": "Fine.", "label": 1}).to_string() + "\n";
    project
        .file("promptgate.toml", settings)
        .file("suites/w/suite.toml", suite)
        .file("suites/w/cases.jsonl", cases)
        .file("suites/w/labels.jsonl", labels)
        .file("suites/w/prompts/ask.prompt", "Say {{ask}}\n")
        .file("suites/w/prompts/ask.new.prompt", "Say {{ask}} please\n")
}

#[test]
fn no_wire_leaves_a_key_in_any_byte() {
    let canaries: Vec<String> = (0..64).map(canary).collect();
    for keys in canaries.chunks(ON_WIRES.len()) {
        let server = Server::start(echoing_on_wires);
        let project = on_wires(&server, keys);
        let forbidden = Forbidden::of(&keys.iter().map(String::as_str).collect::<Vec<_>>());
        for (number, (command, code)) in ON_WIRES_COMMANDS.into_iter().enumerate() {
            let reports = REPORTS.replace("NAME", &format!("out-{number}"));
            let words = words(command, &reports);
            let output = project.run(&words);
            forbidden.check_output(&words, &output);
            assert_eq!(output.code, code, "{words:?}\n{}\n{}", output.stdout, output.stderr);
        }
        forbidden.check_folder(project.root().parent().unwrap());
        let sent: HashSet<String> = server.received().iter().filter_map(carried).collect();
        assert_eq!(sent, keys.iter().cloned().collect(), "every key was sent, and nothing else");
    }
}
