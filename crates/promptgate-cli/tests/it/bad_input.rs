//! Every command held wrong, in its arguments and in every file it reads: none panics, each says what is wrong, where,
//! and what to do.

use promptgate_testkit::Project;

use crate::triage::{CASES, PROMPT, RECORDING, SUITE, calls, edit, promptgate, record, triage};

/// A command line over the project as it is ends with a code and these words; nothing is called.
#[track_caller]
fn refused(project: &Project, line: &str, code: i32, words: &[&str]) {
    let output = promptgate(project, line).expect_code(code);
    assert!(output.stderr.contains("error: "), "{line}: {}", output.stderr);
    for word in words {
        assert!(output.stderr.contains(word), "{line}: `{word}` is not in:\n{}", output.stderr);
    }
    assert_eq!(calls(project), [""; 0], "{line}");
}

#[test]
fn arguments_that_make_no_sense_are_refused() {
    let project = triage();
    let wrong = [
        ("frobnicate", "unrecognized subcommand"),
        ("run", "<SUITE>"),
        ("run suites", "`suites` holds no suite.toml"),
        ("run .", "`.` holds no suite.toml"),
        ("run suites/triage/prompts", "`promptgate list` shows those there are"),
        ("run promptgate.toml", "known: `suites/triage`"),
        ("run suites/triage suites/triage", "unexpected argument"),
        ("run suites/triage --trials 0", "0 is not in 1..=1000"),
        ("run suites/triage --concurrency many", "--concurrency"),
        ("run suites/triage --filter vip", "there is no `=`"),
        ("run suites/triage --filter id=[", "not a glob"),
        ("run suites/triage --partition hash:3/2", "1 <= m <= n"),
        ("run suites/triage --partition half", "`hash:m/n`"),
        ("run suites/triage --resume nope", "there is no run `nope`"),
        ("run suites/triage --resume", "no run is stored there yet"),
        ("run suites/triage --resume --fresh", "cannot be used with"),
        ("run suites/triage --no-run --live", "cannot be used with"),
        ("run suites/triage --record", "[[model]] recording ="),
        ("run suites/triage --report pdf", "known: `terminal`, `json`"),
        ("run suites/triage --report json --report csv", "two reports are for standard output"),
        ("run suites/triage --report json=", "write FORMAT=FILE"),
        ("run suites/triage --candidate a..b", "not a reference"),
        ("run suites/triage --candidate ../../etc/nothing", "cannot be read"),
        ("run suites/triage --candidate /etc/passwd", "prompts end in .prompt, .txt or .md"),
        ("run suites/triage --candidate run:suites/triage", "no run's file"),
        ("run suites/triage --candidate triage@git:main", "not in a git repository"),
        ("gate suites/triage --baseline", "a value is required"),
        ("gate suites/triage --baseline triage@git:", "a revision stands behind"),
        ("gate suites/triage --baseline triage@git:--help", "a revision stands behind"),
        ("gate suites/triage --baseline triage@sha256:xy", "hex digits"),
        ("gate suites/triage --model gpt", "known: `scripted/x`"),
        ("gate suites/triag", "did you mean `suites/triage`?"),
        ("compare triage triage.old", "--suite <SUITE>"),
        ("compare triage nope --suite suites/triage", "known: `triage`, `triage.old`"),
        ("compare triage triage.old --suite nope", "no suite `nope`"),
        ("report", "no run is stored there yet"),
        ("report nope", "there is no run `nope`"),
        ("report ../nothing.jsonl", "no run's file `../nothing.jsonl`"),
        ("report suites/triage", "no run's file"),
        ("report promptgate.toml", "there is no run `promptgate.toml`"),
        ("report ./promptgate.toml", "not one of our lines"),
        ("report --merge", "a value is required"),
        ("report --merge nope", "there is no run `nope`"),
        ("check nope", "known: `suites/triage`"),
        ("list nope", "possible values: suites, runs"),
        ("list assertions equal", "did you mean `equals`?"),
        ("list extractors jso", "did you mean `json`?"),
        ("list suites x", "only assertions and extractors have pages"),
        ("prompt show", "<VERSION>"),
        ("prompt show nope", "`promptgate list` shows those there are"),
        ("prompt show triage --suite nope", "no suite `nope`"),
        ("prompt show suites/triage/suite.toml", "prompts end in .prompt, .txt or .md"),
        ("prompt render triage --model gpt", "known: `scripted/x`"),
        ("prompt render triage@production", "no registry"),
        ("prompt diff triage", "<TO>"),
        ("prompt diff triage triage.odl", "did you mean `triage.old`?"),
    ];
    for (line, word) in wrong {
        refused(&project, line, 2, &[word]);
    }
    refused(&project, "run suites/triage --no-run", 103, &["`--no-run` forbids calls"]);
    refused(&project, "prompt render triage --case nope", 4, &["no case `nope`"]);
    assert_eq!(project.files(".promptgate"), [""; 0]);
}

/// One edit of the suite makes `gate` and `check` refuse it, at a line and column.
#[track_caller]
fn suite(from: &str, to: &str, place: &str, words: &[&str]) {
    let project = triage();
    edit(&project, SUITE, from, to);
    for line in ["gate suites/triage", "check"] {
        refused(&project, line, 2, words);
        refused(&project, line, 2, &[&format!("--> {SUITE}:{place}")]);
    }
}

#[test]
fn a_suite_that_is_wrong_is_refused_at_its_place() {
    suite("name = \"triage\"", "name = ", "1:8", &["not TOML", "quotes"]);
    suite("name = \"triage\"", "name = 3", "1:1", &["`name` in a suite is a number", "name = \"...\""]);
    suite("[[model]]", "trials = \"x\"\n[[model]]", "4:1", &["is a text", "a whole number"]);
    suite("scripted/x", "x", "5:1", &["not a model id", "openai/gpt-4.1-mini"]);
    suite("[[model]]\n", "[[model]]\nid = \"scripted/x\"\n[[model]]\n", "7:1", &["stands here twice", "keep one"]);
    suite("cases.jsonl", "../../../etc/passwd", "8:1", &["leaves the project", "without `..`"]);
    suite("cases.jsonl", "/etc/passwd", "8:1", &["leaves the project", "only relative paths"]);
    suite("cases.jsonl", "cases.txt", "8:1", &["no file of cases", "`.jsonl`"]);
    suite("allowed_drop = \"15pt\"", "allowed_drop = \"15%\"", "18:1", &["a percentage could be of", "\"5pt\""]);
    suite("15pt", "500pt", "18:1", &["nothing could fail", "below 1"]);
    suite("allowed_drop = \"15pt\"\n", "", "17:1", &["no limit", "`allowed_drop = \"5pt\"`"]);
    suite("\"pass_rate\"\n", "\"accuracy\"\n", "17:1", &["no assertion feeds", "known: `pass_rate`"]);
    suite("metric =", "rule = \"must-pass\"\nmetric =", "16:1", &["both `metric` and `rule`", "one of the two"]);
    let equals = "kind = \"equals\"\nvalue = \"{{expected}}\"";
    let idle = format!("{equals}\n[[assert]]\nkind = \"contains\"\nvalue = \"x\"\nwhen = {{ tag = \"typo\" }}");
    suite(equals, &idle, "13:1", &["`contains#2` looks at no case", "`tag=typo`", "tag the cases"]);
    suite(equals, &format!("{equals}\nwieght = 2"), "13:1", &["has no key `wieght`", "did you mean `weight`?"]);
    suite(equals, "kind = \"regex\"\npattern = \"((\"", "12:1", &["unclosed group"]);
    suite(equals, "kind = \"json-schema\"\nschema = \"no.json\"", "12:1", &["no file `suites/triage/no.json`"]);
    suite(equals, "kind = \"json-schema\"\nschema = \"../../../x\"", "12:1", &["leaves the project"]);
}

#[test]
fn a_prompt_that_is_wrong_is_refused_at_its_place() {
    let prompt = |text: &str, place: &str, words: &[&str]| {
        let project = triage().file(PROMPT, text);
        for line in ["run suites/triage", "prompt show triage", "prompt render triage", "prompt diff triage.old triage"]
        {
            refused(&project, line, 2, words);
            refused(&project, line, 2, &[&format!("--> {PROMPT}:{place}")]);
        }
    };
    prompt("---\n: : {[\n---\nx\n", "2:1", &["does not read as YAML"]);
    prompt("---\ninptu: 3\n---\nx\n", "2:1", &["no key `inptu`", "did you mean `input`?"]);
    prompt("{{#if text}} {{text}}\n", "1:1", &["is never closed", "`{{/if}}`"]);
    prompt("x {{foo text}}\n", "1:5", &["no helper `foo`", "known: `history`"]);
    prompt("x {{>foo}}\n", "1:6", &["no partial `foo`", "`_foo.prompt`"]);
    prompt("", "1:1", &["the prompt has no text"]);
    prompt("---\nmodel: scripted/x\n---\n \n", "3:4", &["the prompt has no text"]);
}

#[test]
fn cases_that_are_wrong_are_refused_at_their_place() {
    let added = |line: &[u8], place: &str, words: &[&str]| {
        let project = triage();
        let text = [project.read(CASES).as_bytes(), line].concat();
        project.write(CASES, text);
        refused(&project, "run suites/triage", 2, words);
        refused(&project, "prompt render triage", 2, &[&format!("--> {CASES}:{place}")]);
    };
    added(b"[1, 2]\n", "21:1", &["one JSON object a line"]);
    added(b"{\"vars\": {}}\n", "21:1", &["missing field `id`"]);
    added(b"{\"id\": \"\xff\"}\n", "21:9", &["not UTF-8", "save the file as UTF-8"]);
    added(b"\0\0\n", "21:1", &["one JSON object a line"]);
    added(b"{\"id\": \"d\", \"id\": \"e\"}\n", "21:", &["`id`"]);
    let deep = format!("{{\"id\": \"d\", \"vars\": {{\"text\": {}1{}}}}}\n", "[".repeat(500), "]".repeat(500));
    added(deep.as_bytes(), "21:", &["nest less deeply"]);
    let csv = |text: &str, place: &str, words: &[&str]| {
        let project = triage().file("suites/triage/cases.csv", text);
        edit(&project, SUITE, "cases.jsonl", "cases.csv");
        refused(&project, "run suites/triage", 2, words);
        refused(&project, "run suites/triage", 2, &[&format!("--> suites/triage/cases.csv:{place}")]);
    };
    csv("id,text,expected\na,\"x,billing\n", "2:3", &["never closed"]);
    csv("id,text,expected\na,x,billing,9\n", "2:1", &["4 cells, the header has 3"]);
    csv("text,expected\nx,billing\n", "1:1", &["no column `id`"]);
}

#[test]
fn files_that_are_no_files_of_the_project_are_refused() {
    for path in [SUITE, CASES, PROMPT, "promptgate.toml", "script.toml"] {
        let project = triage();
        project.remove(path);
        std::fs::create_dir(project.path(path)).unwrap();
        refused(&project, "run suites/triage", 2, &[]);
    }
    for path in [SUITE, CASES, "script.toml"] {
        let project = triage();
        project.remove(path);
        std::os::unix::fs::symlink("/etc/passwd", project.path(path)).unwrap();
        refused(&project, "run suites/triage", 2, &["a link leads out of it"]);
    }
}

#[test]
fn settings_and_scripts_that_are_wrong_are_refused_at_their_place() {
    let file = |path: &str, text: &str, words: &[&str]| {
        refused(&triage().file(path, text), "run suites/triage", 2, words);
    };
    file("promptgate.toml", "concurency = 3\n", &["promptgate.toml:1:1", "did you mean `concurrency`?"]);
    file("promptgate.toml", "[provider.scripted]\nscript = \"no.toml\"\n", &["no file `no.toml`"]);
    file("promptgate.toml", "", &["no script", "add `script = "]);
    file("script.toml", "[[rule]]\nanswr = 3\n", &["script.toml:2:1", "`answr`", "`answer`"]);
    file("script.toml", "[[rule]]\nshare = 3.0\n", &["script.toml:2:9", "0 to 1"]);
    file("script.toml", "calls_log = \"../calls\"\n", &["`calls_log`", "leaves the project"]);
}

/// Cuts, wrong bytes at several places, lines twice, away and swapped.
fn mutants(text: &[u8]) -> Vec<Vec<u8>> {
    let at = |eighth: usize| text.len() * eighth / 8;
    let mut all: Vec<Vec<u8>> = [1, 4, 7].map(|eighth| text[..at(eighth)].to_vec()).into();
    for (eighth, byte) in [(1, b'"'), (2, b'{'), (3, 0), (4, 0xff), (5, b'\n'), (6, b'}'), (7, b'='), (4, b'-')] {
        let mut other = text.to_vec();
        other[at(eighth)] = byte;
        all.push(other);
    }
    let lines: Vec<&[u8]> = text.split_inclusive(|byte| *byte == b'\n').collect();
    let (first, rest) = lines.split_first().unwrap();
    all.push([&lines[..], &lines[..]].concat().concat());
    all.push(rest.concat());
    all.push([rest, &[first]].concat().concat());
    all
}

#[test]
fn mutated_files_never_panic_and_what_is_refused_is_told() {
    for path in [SUITE, PROMPT, CASES, RECORDING, "promptgate.toml", "script.toml"] {
        let project = triage();
        if path == RECORDING {
            record(&project);
        }
        let text = project.read(path).into_bytes();
        for mutant in mutants(&text) {
            project.write(path, &mutant);
            let output = promptgate(&project, "run suites/triage --quiet");
            let shown = || format!("{path}: {}\n{}{}", String::from_utf8_lossy(&mutant), output.stdout, output.stderr);
            match output.code {
                0 | 100 => assert_ne!(output.stdout, "", "{}", shown()),
                2 | 4 | 77 => assert!(output.stderr.starts_with("error: ") && output.stdout.is_empty(), "{}", shown()),
                code => panic!("{code}: {}", shown()),
            }
        }
    }
}

#[test]
fn a_keyword_of_a_schema_that_is_likely_a_slip_is_told_where_it_stands() {
    let project = triage();
    let more = "[[assert]]\nkind = \"json-schema\"\nschema = \"x.json\"\ntier = \"advisory\"\n\
                [[assert]]\nkind = \"json-schema\"\nschema = \"x.json\"\nname = \"again\"\ntier = \"advisory\"\n\
                [[assert]]\nkind = \"json-schema\"\nschema = { anyOf = [{ tpye = \"string\" }] }\ntier = \"advisory\"\n";
    project.write(SUITE, project.read(SUITE).replacen("[[assert]]", &format!("{more}[[assert]]"), 1));
    project.write(
        "suites/triage/x.json",
        "{\n  \"type\": \"object\",\n  \"requried\": [\"queue\"],\n  \"x-note\": 1\n}\n",
    );
    let said = promptgate(&project, "check suites/triage").expect_code(0).stderr;
    for words in
        ["suites/triage/x.json:3:3", "`requried` is no keyword", "did you mean `required`?", "`tpye` at `/anyOf/0`"]
    {
        assert_eq!(said.matches(words).count(), 1, "`{words}` in:\n{said}");
    }
    assert!(said.contains("suites/triage/suite.toml:") && !said.contains("x-note` is"), "{said}");
}
