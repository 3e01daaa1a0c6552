//! The edges of the kinds and extractors that look at structure.

use promptgate_core::score::Score;
use serde_json::Value;

use crate::trial::{any_case, case, check, grader, mistakes, response, scored, spec, word};

#[track_caller]
fn refused(toml: &str, expected: &str) {
    let said = mistakes(toml);
    assert!(said.starts_with("suite.toml:"), "no place: {said}");
    assert!(said.contains(expected), "{toml}\n{said}");
}

/// The score of one assertion on an output, and its note.
fn score(toml: &str, output: &str) -> (f64, String) {
    let scored = scored(toml, any_case(), response(output, "{}"));
    let Score::Value(value) = scored.score else { panic!("{toml}: {scored:?}") };
    (value, scored.evidence.note.unwrap_or_default())
}

#[test]
fn json_match_compares_keys_and_values_wherever_they_stand() {
    let exact = |value: &str| format!("kind = \"json-match\"\nvalue = {value}");
    check(&exact("{ a = 1, b = [true, \"x\"] }"), "{\"b\": [true, \"x\"], \"a\": 1.0}\r\n", "passed");
    check(&exact("{ a = 1 }"), "{\"a\": 1, \"b\": 2}", "failed");
    check(&exact("[1, 2]"), "[2, 1]", "failed");
    check(&exact("\"x\""), "\"x\"", "passed");
    check(&exact("\"x\""), "x", "failed");
    check(&exact("\"a\\nb\""), "\"a\\r\\nb\"", "passed");
    check(&exact("\"é\""), "\"e\u{301}\"", "failed");
    check(&exact("9007199254740993"), "9007199254740992", "failed");
    check(&exact("{}"), "", "failed");
    check(&exact("{}"), "{\"a\": ", "failed");
    let subset = |value: &str| format!("kind = \"json-match\"\nvalue = {value}\nmode = \"subset\"");
    check(&subset("{ a = { b = 1 } }"), "{\"a\": {\"b\": 1, \"c\": 2}, \"d\": 3}", "passed");
    check(&subset("[{ a = 1 }]"), "[{\"a\": 1, \"b\": 2}]", "passed");
    check(&subset("[{ a = 1 }]"), "[{\"a\": 1}, {\"a\": 2}]", "failed");
    check(&subset("{ a = {} }"), "{\"a\": []}", "failed");
    check(&format!("{}\nnot = true", exact("{ a = 1 }")), "{\"a\": 2}", "passed");
}

#[test]
fn json_match_names_the_first_difference() {
    let toml = "kind = \"json-match\"\nvalue = { items = [{ \"a/b\" = 1 }, { \"a/b\" = 2 }] }";
    let scored = scored(toml, any_case(), response(r#"{"items": [{"a/b": 1}, {"a/b": "2"}]}"#, "{}"));
    assert_eq!(scored.evidence.note.as_deref(), Some("/items/1/a~1b: expected 2, found \"2\""));
}

#[test]
fn json_match_takes_the_value_of_the_case() {
    let case = || case(r#"{"expected": {"queue": "billing", "n": [1, 2]}}"#);
    let passes = |toml: &str, output: &str| word(&scored(toml, case(), response(output, "{}"))) == "passed";
    assert!(passes("kind = \"json-match\"\nvalue = \"{{expected}}\"", "{\"n\": [1.0, 2], \"queue\": \"billing\"}"));
    assert!(!passes("kind = \"json-match\"\nvalue = \"{{expected}}\"", "{\"n\": [1], \"queue\": \"billing\"}"));
    assert!(passes(
        "kind = \"json-diff\"\nvalue = \"{{expected}}\"\nthreshold = 0.75",
        "{\"n\": [1], \"queue\": \"billing\"}"
    ));
    assert!(passes("kind = \"list-contains\"\nvalues = \"{{expected.n}}\"", "[2, 1]"));
    assert!(passes("kind = \"list-contains\"\nvalues = [\"{{expected.queue}}\"]", "[\"billing\"]"));
}

#[test]
fn json_diff_scores_the_similarity() {
    let toml = "kind = \"json-diff\"\nvalue = { a = 1, b = \"xy\" }";
    assert_eq!(score(toml, "{\"a\": 1, \"b\": \"xz\"}"), (0.75, "/b: expected \"xy\", found \"xz\"".to_owned()));
    assert_eq!(score(toml, "{\"b\": \"xy\", \"a\": 1.0}"), (1.0, String::new()));
    assert_eq!(score(toml, "[]").0, 0.0);
    assert_eq!(score(toml, "no json").0, 0.0);
    assert_eq!(score(toml, "").0, 0.0);
    check(&format!("{toml}\nthreshold = 0.75"), "{\"a\": 1, \"b\": \"xz\"}", "passed");
    check(toml, "{\"a\": 1, \"b\": \"xz\"}", "failed");
    let long = "x".repeat(1 << 20);
    check(&format!("kind = \"json-diff\"\nvalue = \"{}\"", "ab".repeat(100)), &format!("\"{long}\""), "unscored");
}

#[test]
fn list_contains_matches_each_item_once() {
    let toml = |more: &str| format!("kind = \"list-contains\"\nvalues = [\"a\", \"a\", \"b\", 1]\n{more}");
    assert_eq!(score(&toml(""), "[1.0, \"b\", \"a\", \"a\"]"), (1.0, String::new()));
    assert_eq!(
        score(&toml("score = \"recall\""), "[\"a\", \"A\", 1]"),
        (0.5, "missing: \"a\", \"b\"; not expected: \"A\"".to_owned())
    );
    assert_eq!(score(&toml("ignore_case = true\nscore = \"recall\""), "[\"a\", \"A\", 1]").0, 0.75);
    assert_eq!(score(&toml("score = \"precision\""), "[\"a\", \"A\", 1]").0, 2.0 / 3.0);
    assert_eq!(score(&toml(""), "[\"a\", \"x\", \"y\", \"z\"]").0, 0.25);
    for share in ["f1", "recall", "precision"] {
        assert_eq!(score(&toml(&format!("score = \"{share}\"")), "[]").0, 0.0);
        assert_eq!(score(&toml(&format!("score = \"{share}\"")), "a, b"), (0.0, score(&toml(""), "a, b").1));
    }
    assert_eq!(score(&toml(""), "{\"a\": 1}"), (0.0, "the answer is not a list".to_owned()));
    let objects = "kind = \"list-contains\"\nvalues = [{ a = 1, b = 2 }]\nignore_case = true";
    check(objects, "[{\"b\": 2.0, \"a\": 1}]", "passed");
    check("kind = \"list-contains\"\nvalues = [\"STRASSE\"]\nignore_case = true", "[\"straße\"]", "passed");
}

#[test]
fn a_long_list_is_matched_in_linear_time() {
    let items: Vec<Value> = (0..100_000).map(Value::from).collect();
    let case = case(&format!("{{\"expected\": {}}}", Value::from(items.clone())));
    let toml = "kind = \"list-contains\"\nvalues = \"{{expected}}\"";
    let output = Value::from(items.into_iter().rev().collect::<Vec<_>>()).to_string();
    let begin = std::time::Instant::now();
    assert_eq!(word(&scored(toml, case, response(&output, "{}"))), "passed");
    assert!(begin.elapsed().as_secs() < 10, "{:?}", begin.elapsed());
}

#[test]
fn bad_parameters_of_structure_are_refused() {
    refused(
        "kind = \"json-match\"\nvalue = 1\nmode = \"part\"",
        "unknown variant `part`, expected `exact` or `subset`",
    );
    refused("kind = \"json-match\"\nvalue = \"{{x.y.}}\"", "`value`");
    refused("kind = \"json-match\"\nvalue = 1\nthreshold = 0.5", "takes no `threshold`");
    refused("kind = \"json-diff\"\nvalue = 1\nmode = \"exact\"", "`json-diff` has no key `mode`");
    refused("kind = \"list-contains\"\nvalues = []", "`values` is an empty list");
    refused("kind = \"list-contains\"\nvalues = [1]\nscore = \"f2\"", "unknown variant `f2`");
    refused(
        "kind = \"xml\"\nrequired = [\"a b\"]",
        "`a b` is not a path of element names; write one such as `order/item`",
    );
    refused("kind = \"xml\"\nrequired = \"a\"", "`required`");
}

#[test]
fn values_are_taken_by_jsonpath() {
    let take = |extract: &str, value: &str| format!("kind = \"json-match\"\nvalue = {value}\nextract = {extract}");
    let output = r#"{"items": [{"n": 1, "tag": "a"}, {"n": 2.5, "tag": "ß"}], "limit": 2}"#;
    check(&take("{ json-path = '$.items[*].n', all = true }", "[1.0, 2.5]"), output, "passed");
    check(&take("{ json-path = '$.items[*].n' }", "1"), output, "passed");
    check(&take("{ json-path = '$.items[-1].tag' }", "\"ß\""), output, "passed");
    check(&take("{ json-path = '$.items[?@.n < $.limit].tag', all = true }", "[\"a\"]"), output, "passed");
    check(&take("{ json-path = '$..tag', all = true }", "[\"a\", \"ß\"]"), output, "passed");
    check(&take("{ json-path = '$[\"items\"][?length(@.tag) == 1].n', all = true }", "[1, 2.5]"), output, "passed");
    check(&take("{ json-path = '$' }", "[]"), "[]", "passed");
    check(&take("{ json-path = '$.x', all = true }", "[]"), output, "failed");
    check(&take("{ json-path = '$.x', on_missing = \"unscored\" }", "[]"), output, "unscored");
    check(&take("{ json-path = '$.x' }", "[]"), "no json", "failed");
    check(&take("[{ json = \"\", within = true }, { json-path = '$.a' }]", "1"), "so {\"a\": 1}.", "passed");
}

#[test]
fn values_taken_by_pointer_and_path_are_compared_as_values() {
    let output = r#"{"order": {"total": "$1,350.00", "lines": [{"price": 1349.5}, {"price": 0.5}], "paid": true}}"#;
    for (kind, extract, expected) in [
        ("kind = \"number\"\nvalue = 1350", "{ json-path = '$.order.total' }", "passed"),
        ("kind = \"number\"\nvalue = 1349\nabs = 0.5", "{ json-path = '$..price' }", "passed"),
        ("kind = \"number\"\nvalue = 1349\nabs = 0.5", "{ json = \"/order/lines/1/price\" }", "failed"),
        ("kind = \"number\"\nvalue = 1", "{ json-path = '$..price', all = true }", "failed"),
        ("kind = \"equals\"\nvalue = true", "{ json = \"/order/paid\" }", "passed"),
        ("kind = \"equals\"\nvalue = \"true\"", "{ json-path = '$.order.paid' }", "passed"),
        ("kind = \"equals\"\nvalue = [1349.5, 0.5]", "{ json-path = '$..price', all = true }", "passed"),
        ("kind = \"equals\"\nvalue = [0.5, 1349.5]", "{ json-path = '$..price', all = true }", "failed"),
        ("kind = \"list-contains\"\nvalues = [0.50, 1349.5]", "{ json-path = '$..price', all = true }", "passed"),
        ("kind = \"json-match\"\nvalue = { paid = true }\nmode = \"subset\"", "{ json = \"/order\" }", "passed"),
        ("kind = \"json-match\"\nvalue = { paid = true }\nmode = \"subset\"", "{ json-path = '$' }", "failed"),
        (
            "kind = \"json-diff\"\nvalue = [1349.5, 1]\nthreshold = 0.8",
            "{ json-path = '$..price', all = true }",
            "passed",
        ),
    ] {
        check(&format!("{kind}\nextract = {extract}"), output, expected);
    }
}

#[test]
fn a_path_that_searches_twice_is_bounded() {
    let toml = "kind = \"json\"\nextract = { json-path = '$..a..b' }";
    check(toml, "{\"a\": {\"b\": 1}}", "passed");
    let wide = format!("{{\"a\": {{\"b\": 1}}, \"c\": [{}0]}}", "0,".repeat(3_000));
    let scored = scored(toml, any_case(), response(&wide, "{}"));
    assert!(scored.evidence.note.unwrap().contains("more than 3000 values"));
    check("kind = \"json\"\nextract = { json-path = '$..b' }", &wide, "passed");
}

#[test]
fn xml_is_well_formed_and_has_the_elements_asked_for() {
    let xml = |more: &str| format!("kind = \"xml\"\n{more}");
    check(&xml(""), "\r\n<?xml version=\"1.0\"?>\r\n<a>\r\n<b c=\"1\"/></a>\r\n", "passed");
    check(&xml(""), "", "failed");
    check(&xml(""), "so <a/>", "failed");
    check(&xml(""), "<!DOCTYPE a SYSTEM \"http://127.0.0.1:9/x\"><a/>", "failed");
    check(&xml("within = true"), "so <a/>, and", "passed");
    check(&xml("within = true"), "a < b", "failed");
    check(&xml("within = true\nrequired = [\"b/c\"]"), "so <a/>, and <b><c/></b>.", "passed");
    check(&xml("required = [\"a/b\", \"a/b/größe\"]"), "<a><b/><b><größe/></b></a>", "passed");
    check(&xml("required = [\"b\"]"), "<a><b/></a>", "failed");
    check(&xml("extract = { code-block = \"xml\" }"), "```xml\n<a/>\n```", "passed");
    let missing = scored(&xml("required = [\"a/b\", \"a/c\"]"), any_case(), response("<a><b/></a>", "{}"));
    assert_eq!(missing.evidence.note.as_deref(), Some("missing: a/c"));
    let take =
        |path: &str| format!("kind = \"equals\"\nvalue = \"1 < 2\"\nextract = {{ xml = \"{path}\", within = true }}");
    check(&take("r/answer"), "So:\n<r>\n<answer>1 &lt; 2</answer></r>", "passed");
    check(&take("answer"), "<br> <answer><b>1</b> &#60; <![CDATA[2]]></answer>", "passed");
    check(&take("answer"), "<answer>1 < 2</answer>", "failed");
}

#[test]
fn bad_paths_are_refused() {
    let refused = |extract: &str, expected: &str| refused(&format!("kind = \"json\"\nextract = {extract}"), expected);
    refused("{ json-path = 'items[0]' }", "is not a JSONPath");
    refused("{ json-path = 'items[0]' }", "a path begins with `$`");
    refused("{ json-path = '$.a[' }", "is not a JSONPath");
    refused("{ json-path = '$.a[?match(@.b, \"x\")]' }", "function name 'match' is not defined");
    refused("{ json-path = '$..a..b..c' }", "searches 3 times");
    refused("{ json-path = 1 }", "`json-path` must be a text, not 1");
    refused("{ json-path = '$', within = true }", "the extractor `json-path` has no key `within`");
    refused("{ xml = 'a//b' }", "is not a path of element names");
    refused("{ xml = '' }", "is not a path of element names");
}

#[test]
fn an_answer_is_held_to_what_was_accepted_for_its_case() {
    let snapshot = |more: &str| format!("kind = \"snapshot\"\n{more}");
    check(&snapshot(""), "{\"a\": 1}", "passed");
    check(&snapshot(""), "{\"a\":1}", "failed");
    check(&snapshot("normalise = [\"json\"]"), " {\"a\":1.0}", "passed");
    check(&snapshot("normalise = [\"json\"]"), "no json", "failed");
    check(&snapshot(""), "{\"b\": [1.0, \"Ä\"]}", "passed");
    check(&snapshot(""), "{\"b\": [1.0, \"ä\"]}", "failed");
    check(&snapshot("normalise = [\"case\"]"), "{\"b\": [1.0, \"ä\"]}", "passed");
    check(&snapshot(""), "x\ny", "passed");
    check(&snapshot(""), "X\n y", "failed");
    check(&snapshot("normalise = [\"whitespace\", \"case\"]"), "\u{a0}X  y\n", "passed");
    check(&snapshot("extract = { json = \"/v\" }"), "{\"v\": {\"b\": [1, \"Ä\"]}}", "passed");
    check(&snapshot("not = true"), "x\ny", "failed");
    let on =
        |id: &str, output: &str| scored(&snapshot(""), case(&format!("{{\"id\": \"{id}\"}}")), response(output, "{}"));
    assert_eq!(word(&on("c2", "")), "passed");
    assert_eq!(word(&on("c2", " ")), "failed");
    let nothing = on("c3", "x");
    let Score::Unscored(reason) = nothing.score else { panic!("{nothing:?}") };
    assert_eq!(
        reason,
        "`snapshots/accepted.jsonl` accepts no output for `c3`; `promptgate snapshot accept SUITE` accepts what the last run \
         answered"
    );
    check(&snapshot("file = \"snapshots/none.jsonl\""), "x", "unscored");
    check(&snapshot("file = \"snapshots/none.jsonl\"\nnot = true"), "x", "unscored");
    refused(&snapshot("file = \"../x.jsonl\""), "leaves the project");
    refused(&snapshot("file = \"snapshots/broken.jsonl\""), "snapshots/broken.jsonl:1:16: `accepted` is an empty list");
    refused(&snapshot("normalise = [\"lower\"]"), "unknown variant `lower`");
}

#[test]
fn accepting_another_output_changes_the_grading() {
    use promptgate_scoring::grader::Grader;
    let material = |file: &str| {
        let spec = spec(&format!("kind = \"snapshot\"\nfile = \"snapshots/{file}.jsonl\"")).unwrap();
        Grader::digest_material(&grader(&[spec]).unwrap())["files"].clone()
    };
    assert_eq!(material("none"), serde_json::json!({}));
    assert!(material("greetings")["snapshots/greetings.jsonl"].is_string());
}

#[test]
fn yaml_is_one_document_of_a_mapping_or_a_list() {
    check("kind = \"yaml\"", "- a\r\n- b: {c: 1}\r\n", "passed");
    check("kind = \"yaml\"", "größe: \u{1f389}", "passed");
    check("kind = \"yaml\"", "{\"a\": 1}", "passed");
    check("kind = \"yaml\"", "Sure, here it is.", "failed");
    check("kind = \"yaml\"", "", "failed");
    check("kind = \"yaml\"", "a: 1\n---\nb: 2\n", "failed");
    check("kind = \"yaml\"", "a: 1\na: 2\n", "failed");
    check("kind = \"yaml\"\nextract = { code-block = \"yaml\" }", "Here:\n```yaml\na: 1\n```", "passed");
    check("kind = \"yaml\"", &"- a\n".repeat(100_000), "unscored");
    check("kind = \"yaml\"", &"[".repeat(100_000), "unscored");
    refused("kind = \"yaml\"\nwithin = true", "`yaml` has no key `within`");
}

#[test]
fn toml_is_a_document_with_a_key() {
    check("kind = \"toml\"", "a = 1\r\n[b]\r\n\"ü\" = \"\u{1f389}\"\r\n", "passed");
    check("kind = \"toml\"", "", "failed");
    check("kind = \"toml\"", "# nothing\n", "failed");
    check("kind = \"toml\"", "a = 1\na = 2\n", "failed");
    check("kind = \"toml\"", "Sure, here it is.", "failed");
    let broken = scored("kind = \"toml\"", any_case(), response("a = 1\nb = \n", "{}"));
    assert!(broken.evidence.note.clone().unwrap().starts_with("line 2: "), "{broken:?}");
    for piece in ["[", "a.", "[[a]]\n", "{a=", "\"\"\""] {
        check("kind = \"toml\"", &format!("a = 1\n{}", piece.repeat(20_000)), "failed");
    }
}

#[test]
fn csv_has_a_header_and_rows_as_long_as_it() {
    let csv = |columns: &str| format!("kind = \"csv\"\n{columns}");
    check(&csv(""), "a,b\r\n1,\"x,\r\ny\"\"\"\r\n\r\n", "passed");
    check(&csv("columns = [\"größe\", \"a\"]"), "a, größe ,c\n1,2,3\n", "passed");
    check(&csv("columns = [\"A\"]"), "a,b\n1,2\n", "failed");
    check(&csv(""), "a,b\n1,2,3\n", "failed");
    check(&csv(""), "a,b\n1,\"2\n", "failed");
    check(&csv(""), "a,b\n1,2\"\n", "failed");
    check(&csv(""), "a,b\n  \n1,2\n", "failed");
    check(&csv(""), "a,b\n\n1,\"x\n  \ny\"\n  ", "passed");
    check(&csv(""), "a\n  \n1\n", "passed");
    check(&csv(""), "", "failed");
    check(&csv(""), "a,b\n", "failed");
    check(&csv(""), "Sure. Here it is.\nNo, not, really.\n", "failed");
    let wide = ",".repeat(200_000);
    check(&csv(""), &format!("{wide}\n{wide}\n"), "passed");
    let short = scored(&csv(""), any_case(), response("a,b\n1,2\n3\n", "{}"));
    assert_eq!(short.evidence.note.as_deref(), Some("row 2 has 1 cell, the header has 2"));
}

#[test]
fn markdown_has_what_is_asked_for() {
    let markdown = |more: &str| format!("kind = \"markdown\"\n{more}");
    let text = "Über uns\n=======\n\n- a\n  - b\n\n## The *big* `x` ##\r\n\n| a | b |\n|---|:-:|\n| 1 | 2 |\n\n~~~sql\n# no heading\n~~~\n";
    check(&markdown("headings = [\"# Über uns\", \"The big x\"]"), text, "passed");
    check(&markdown("headings = [\"### The big x\"]"), text, "failed");
    check(&markdown("headings = [\"The big x\", \"Über uns\"]"), text, "failed");
    check(&markdown("headings = [\"no heading\"]"), text, "failed");
    check(&markdown("lists = 2\ntables = 1\ncode_blocks = 1"), text, "passed");
    check(&markdown("lists = 3"), text, "failed");
    check(&markdown("tables = 2"), text, "failed");
    check(&markdown("lists = 1"), "", "failed");
    check(&markdown("headings = [\"#hash\"]"), "# #hash\n", "passed");
    let order = scored(&markdown("headings = [\"b\", \"a\"]\ntables = 1"), any_case(), response("# a\n# b\n", "{}"));
    let note = "missing: 0 of 1 tables; the heading `a`, which stands before the one asked for before it";
    assert_eq!(order.evidence.note.as_deref(), Some(note));
    for piece in ["> ", "- ", "[a](", "*_", "|a", "#", "`", "<", "![", "&", "1. "] {
        check(&markdown("tables = 1"), &piece.repeat(100_000 / piece.len()), "failed");
    }
    refused(&markdown(""), "`markdown` asks for nothing, and any text is Markdown");
    refused(&markdown("headings = [\"##\"]"), "which has no text");
    refused(&markdown("lists = -1"), "`lists`");
}

#[test]
fn html_is_markup_from_end_to_end() {
    let html = |output: &str, expected: &str| check("kind = \"html\"", output, expected);
    html("\r\n<!DOCTYPE html>\r\n<html><head><title>a < b</title></head><body><p>x<p>y</body></html>\r\n", "passed");
    html("<!-- c --><UL><LI>ä<LI>b</UL>", "passed");
    html("<p>one</p> and <b class='a>b' hidden>two</b>", "passed");
    html("<div><br/><img src=x alt=\"a > b\"></div>", "passed");
    html("<p>\u{1f389}<svg viewBox=\"0 0 1 1\"><path d=\"M0\"/><g><linearGradient/></g></svg></p>", "passed");
    html("<script>if (a < b && '</p>') {}</script>", "passed");
    html("<my-tag>x</my-tag>", "passed");
    html("<ul><li>a<li>b", "failed");
    html("<p>One<br>two\n<p>Three", "passed");
    html("", "failed");
    html("no markup", "failed");
    html("<!-- only a comment -->", "failed");
    html("Here: <p>x</p>", "failed");
    html("<p>x</p> I hope that helps", "failed");
    html("<b><i>x</b></i>", "failed");
    html("<b>x", "failed");
    html("</p>", "failed");
    html("<order><item>1</item></order>", "failed");
    html("```html\n<p>x</p>\n```", "failed");
    html("1 < 2 and 3 > 2", "failed");
    check("kind = \"html\"\nextract = { code-block = \"html\" }", "```html\n<p>x</p>\n```", "passed");
    let within = |output: &str, expected: &str| check("kind = \"html\"\nwithin = true", output, expected);
    within("so <b>this</b> and that", "passed");
    within("if x<b and c>d", "failed");
    within("a <br> b", "failed");
    within("<order>1</order>", "failed");
    within("<P>x</p> <", "passed");
    within("", "failed");
}

#[test]
fn html_is_looked_through_in_linear_time() {
    for piece in ["<", "<b", "<b>", "<b a='", "<!--", "<!doctype ", "<script>", "</", "</b>", "<b a=\"><", "<svg>", "&"]
    {
        let output = piece.repeat((1 << 20) / piece.len());
        let begin = std::time::Instant::now();
        check(
            "kind = \"any-of\"\nassert = [{ kind = \"html\" }, { kind = \"html\", name = \"w\", within = true }]",
            &output,
            "failed",
        );
        assert!(begin.elapsed().as_secs() < 10, "{piece}: {:?}", begin.elapsed());
    }
}

#[test]
fn sql_parses_in_its_dialect() {
    let sql = |more: &str| format!("kind = \"sql\"\n{more}");
    check(&sql(""), "SELECT a, count(*) AS n\r\nFROM t -- é\r\nGROUP BY a;", "passed");
    check(&sql(""), "", "failed");
    check(&sql(""), ";", "failed");
    check(&sql(""), "Sure! select 1", "failed");
    check(&sql(""), "select from where", "failed");
    check(&sql(""), "select 'open", "failed");
    check(&sql("dialect = \"mysql\""), "select `a b` from t limit 3, 4", "passed");
    check(&sql("dialect = \"postgresql\""), "select `a b` from t", "failed");
    check(&sql("dialect = \"postgresql\""), "select a::int, b->>'x' from t where c ilike 'é%'", "passed");
    check(&sql(""), "```sql\nselect 1\n```", "failed");
    let fenced = "First:\n```\nnpm i\n```\nthen\n```SQL\nselect 1\n```";
    check(&sql("within = true"), fenced, "passed");
    check(&sql("within = true"), "select 1", "passed");
    check(&sql("within = true"), "```\nselect 1\n```", "passed");
    check(&sql("within = true"), "no code", "failed");
    refused(&sql("dialect = \"postgres\""), "there is no dialect `postgres`; did you mean `postgresql`?");
    refused(&sql("tables = \"t\""), "`tables`");
}

#[test]
fn sql_names_only_what_it_may() {
    let note = |output: &str| {
        let toml = "kind = \"sql\"\ndialect = \"postgresql\"\ntables = [\"orders\", \"s.items\"]\ncolumns = [\"id\", \"total\"]";
        let scored = scored(toml, any_case(), response(output, "{}"));
        let note = scored.evidence.note.clone().unwrap_or_default();
        assert_eq!(scored.passed, note.is_empty(), "{scored:?}");
        note
    };
    for fine in [
        "select id, sum(total) as t from ORDERS group by id order by t",
        "select o.id from orders o join s.items i on i.id = o.id",
        "with big as (select id from orders where total > 9) select count(*) from big",
        "with recursive r as (select id from orders union all select id from r) select id from r",
        "select n from (select count(*) as n from orders) as counted",
        "insert into orders (id, total) values (1, 2.5)",
        "update orders set total = 0 where \"ID\" = 1",
        "delete from orders where id = 1",
        "select 1",
    ] {
        assert_eq!(note(fine), "", "{fine}");
    }
    for (output, expected) in [
        ("select id from users", "tables not allowed: users"),
        ("select id from items", "tables not allowed: items"),
        ("select id from orders union table users", "tables not allowed: users; columns not allowed: *"),
        ("select id from orders where id in (select id from users)", "tables not allowed: users"),
        ("with users as (select id from users) select id from users", "tables not allowed: users"),
        ("select id from users where id in (with users as (select 1) select 1)", "tables not allowed: users"),
        ("select * from orders", "columns not allowed: *"),
        ("select o.* from orders o", "columns not allowed: *"),
        ("select to_json(o.*) from orders o", "columns not allowed: *"),
        ("select o from orders o", "columns not allowed: *, o"),
        ("select secret as secret from orders", "columns not allowed: secret"),
        ("select id from orders where secret = 1", "columns not allowed: secret"),
        ("insert into orders values (1)", "columns not allowed: *"),
        ("insert into orders (secret) values (1)", "columns not allowed: secret"),
        ("update orders set secret = 1", "columns not allowed: secret"),
        ("delete from users", "tables not allowed: users"),
        ("drop table orders", "`DROP` is not held against `tables` and `columns`"),
        ("select id into copy from orders", "`SELECT INTO` is not held against `tables` and `columns`"),
        ("select 1; truncate orders", "`TRUNCATE` is not held against `tables` and `columns`"),
    ] {
        assert_eq!(note(output), expected, "{output}");
    }
}

#[track_caller]
fn sql_may_name(dialect: &str, columns: &[&str], output: &str, expected: &str) {
    let toml = format!("kind = \"sql\"\ndialect = \"{dialect}\"\ncolumns = {columns:?}");
    check(&toml, output, expected);
}

#[test]
fn a_name_that_sql_gives_hides_no_column_of_a_table() {
    for output in [
        "select 1 as ssn, u.ssn as x from users u",
        "select name from (select 1 as ssn) t, users where ssn = 2",
        "select name from (select 1 as ssn) t, users u where u.ssn = 2",
        "select 1 as ssn from t order by (select ssn from users limit 1)",
        "select 1 as ssn from users where ssn = 2",
        "select 1 as ssn, count(*) from users group by ssn",
        "select 1 as ssn from users order by ssn + 1",
        "select 1 as ssn from users order by \"SSN\"",
        "select 1 as ssn union select ssn from users order by ssn",
        "with t as (select 1 as ssn) select t.ssn from users t",
        "with t as (select 1 as ssn) select name from t, users where ssn = 1",
        "with t as (select ssn from t), u as (select 1 as ssn) select 1",
        "select name from users where t.ssn = 1 or exists (select 1 from (select 1 as ssn) t)",
        "select name from a join b using (ssn)",
        "select name from (a join b using (ssn))",
        "select name from a natural join b",
        "select x.name from users as x (name)",
        "select name from users u, u.ssn as name",
        "select name from users |> select ssn",
    ] {
        sql_may_name("generic", &["name"], output, "failed");
    }
    for output in [
        "delete from t where name = 'x' returning *",
        "delete from t using a join b using (ssn) where t.name = 'x'",
        "update t set name = 'x' returning ssn",
        "update t set name = 'x' from (select 1 as name) a natural join b",
        "insert into t (name) values ('x') returning *",
        "insert into t (name) values ('x') on conflict (name) do update set ssn = 'y'",
        "insert into t (name) values ('x') on conflict (ssn) do nothing",
    ] {
        sql_may_name("postgresql", &["name"], output, "failed");
    }
    for output in [
        "insert into t (name) values ('x') on duplicate key update ssn = '1'",
        "insert into t set ssn = 1",
        "select name from t where match (ssn) against ('x')",
    ] {
        sql_may_name("mysql", &["name"], output, "failed");
    }
    sql_may_name("mssql", &["name"], "delete from t output deleted.* where name = 'x'", "failed");
    sql_may_name("snowflake", &["name"], "select $1 from users", "failed");
    sql_may_name(
        "snowflake",
        &["name"],
        "insert all into t (ssn) values (1) into u (name) values (2) select 1",
        "failed",
    );
    sql_may_name("snowflake", &["name"], "select u.$1 from users u", "failed");
    sql_may_name("duckdb", &["name"], "select columns('s.*') from users", "failed");
    sql_may_name("clickhouse", &["name"], "select name from t array join ssn as name", "failed");
}

#[test]
fn a_query_of_with_sees_what_its_dialect_lets_it_see() {
    let later = "with recursive a as (select id from users), users as (select 1 as id) select id from a";
    let same = "with recursive users as (select id from users) select id from users";
    let first = "with recursive users as (select id from users union all select 1) select id from users";
    for dialect in ["mysql", "duckdb", "generic", "snowflake", "databricks"] {
        sql_may_read(dialect, &[], later, "failed");
    }
    for dialect in ["postgresql", "sqlite", "bigquery"] {
        sql_may_read(dialect, &[], later, "passed");
    }
    for dialect in ["mysql", "duckdb", "generic", "postgresql", "sqlite"] {
        for output in [same, first, &first.replace("select id from users union", "(select id from users) union")] {
            sql_may_read(dialect, &[], output, "failed");
            sql_may_read(dialect, &["users"], output, "passed");
        }
        let itself = "with recursive r as (select 1 as n union all select n + 1 from r where n < 9) select n from r";
        sql_may_read(dialect, &[], itself, "passed");
        let parts =
            "with recursive r as ((select 1 as n) union (select n from (select n from r) as s)) select n from r";
        sql_may_read(dialect, &[], parts, "passed");
    }
    let second =
        "with recursive r as (select 1 as n union all select n from r union all select n from r) select n from r";
    sql_may_read("mysql", &[], second, "passed");
    sql_may_read("duckdb", &[], second, "failed");
}

#[test]
fn a_dialect_without_the_word_recursive_has_queries_that_see_themselves() {
    let org = "with org (id) as (select id from employees where boss is null union all \
        select e.id from employees e join org on e.boss = org.id) select id from org";
    for dialect in ["mssql", "oracle", "snowflake", "sqlite"] {
        sql_may_read(dialect, &["employees"], org, "passed");
        sql_may_read(dialect, &["employees"], &org.replace("union all", "intersect"), "failed");
        sql_may_read(dialect, &["org"], org, "failed");
    }
    for dialect in ["postgresql", "mysql", "duckdb", "generic"] {
        sql_may_read(dialect, &["employees"], org, "failed");
    }
    sql_may_read("snowflake", &["employees"], &org.replace("union all", "union"), "failed");
    sql_may_read("mssql", &["a"], "with users as (select id from users) select id from users", "failed");
}

#[test]
fn the_other_name_of_a_table_is_its_row() {
    for dialect in ["postgresql", "duckdb", "generic"] {
        for output in [
            "select to_json(name) from orders name",
            "select id from orders name where name::text like '%x%'",
            "select (select to_json(name)) from s.orders as name",
        ] {
            sql_may_name(dialect, &["id", "name"], output, "failed");
            sql_may_name(dialect, &["id", "name", "*"], output, "passed");
        }
        sql_may_name(dialect, &["id", "name"], "select name.id from orders name", "passed");
        sql_may_name(dialect, &["name"], "select name from (select name from orders) name", "passed");
    }
    sql_may_name("mysql", &["name"], "select name from orders name", "passed");
    sql_may_name("bigquery", &["items"], "select items from orders o, o.items items", "passed");
}

#[test]
fn what_a_text_names_is_not_held_against_a_list() {
    for (dialect, value) in [
        ("postgresql", "query_to_xml('select password from users', true, true, '')"),
        ("postgresql", "pg_catalog.table_to_xml_and_xmlschema('users', true, true, '')"),
        ("postgresql", "SCHEMA_TO_XML('public', true, true, '')"),
        ("postgresql", "pg_read_file('/etc/passwd')"),
        ("postgresql", "pg_read_binary_file('/etc/passwd')"),
        ("postgresql", "pg_ls_dir('/')"),
        ("postgresql", "lo_import('/etc/passwd')"),
        ("postgresql", "dblink_exec('x', 'delete from users')"),
        ("mysql", "load_file('/etc/passwd')"),
        ("clickhouse", "dictGetString('users', 'password', id)"),
        ("clickhouse", "joinGetOrNull('users', 'password', id)"),
        ("clickhouse", "id in remote('h', 'd', 'users')"),
        ("sqlite", "readfile('/etc/passwd')"),
        ("sqlite", "load_extension('x')"),
        ("duckdb", "getenv('KEY')"),
        ("oracle", "dbms_xmlgen.getxml('select password from users')"),
        ("oracle", "httpuritype('http://x').getclob()"),
        ("oracle", "xmltype(bfilename('D', 'f'), 1)"),
        ("snowflake", "system$reference('table', 'users')"),
        ("spark", "reflect('java.lang.System', 'getenv')"),
        ("generic", "query_to_xml('select password from users', true, true, '')"),
        ("generic", "load_file('/etc/passwd')"),
    ] {
        let output = format!("select {value} from orders");
        sql_may_read(dialect, &["orders"], &output, "failed");
        sql_may_name(dialect, &["id"], &output, "failed");
        check(&format!("kind = \"sql\"\ndialect = \"{dialect}\""), &output, "passed");
    }
    for (dialect, table) in [
        ("duckdb", "query('select password as id from users')"),
        ("duckdb", "query_table('users')"),
        ("postgresql", "dblink('x', 'select 1') as d (id)"),
        ("bigquery", "external_query('c', 'select password as id from users')"),
        ("clickhouse", "remote('h', 'd', 'users')"),
        ("mssql", "openquery(s, 'select password as id from users')"),
    ] {
        sql_may_name(dialect, &["id", "s", "*"], &format!("select id from {table}"), "failed");
    }
    sql_may_read("duckdb", &["read_csv"], "select id from read_csv('orders.csv')", "passed");
    sql_may_read("duckdb", &["orders"], "select id from read_csv('orders.csv')", "failed");
    sql_may_read("postgresql", &["orders"], "select load_file(id), reflect(id) from orders", "passed");
}

#[test]
fn a_parameter_is_no_column() {
    for dialect in ["mssql", "bigquery", "mysql", "generic"] {
        sql_may_name(dialect, &["id"], "select id from orders where id = @id or id > @Least", "passed");
        sql_may_name(dialect, &["id"], "select @@version from orders", "failed");
    }
    sql_may_name("mssql", &["id"], "select [@id] from orders", "failed");
    sql_may_name("postgresql", &["id"], "select @ssn from orders", "failed");
}

#[test]
fn a_row_before_or_after_a_change_is_one_where_the_dialect_has_it() {
    for dialect in ["bigquery", "duckdb", "spark", "clickhouse"] {
        for row in ["old", "new", "inserted", "deleted"] {
            let output = format!("update users set name = {row}.name where name = 'x'");
            sql_may_name(dialect, &["name"], &output, "failed");
            sql_may_name(dialect, &["name", row], &output, "passed");
        }
    }
    let upsert = "insert into t (name) values (1) on conflict (name) do update set name = excluded.name";
    for dialect in ["postgresql", "sqlite", "duckdb", "generic"] {
        sql_may_name(dialect, &["name"], upsert, "passed");
    }
    sql_may_name("postgresql", &["name"], "update t set name = 'x' returning old.name, new.name", "passed");
    sql_may_name("mssql", &["name"], "update t set name = 'x' output deleted.name, inserted.name", "passed");
}

#[test]
fn a_table_read_whole_may_be_a_query_of_with() {
    sql_may_read("postgresql", &["orders"], "with x as (select id from orders) table x", "passed");
    sql_may_read("postgresql", &["orders"], "with x as (select id from orders) table s.x", "failed");
    sql_may_read("postgresql", &["orders"], "with x as (select id from orders) table y", "failed");
    sql_may_read("duckdb", &[], "with recursive users as (table users union all select 1) table users", "failed");
    sql_may_name("postgresql", &["id"], "with x as (select id from orders) table x union table x", "passed");
    sql_may_name("postgresql", &["id"], "table orders", "failed");
}

#[test]
fn sql_is_taken_from_its_block_in_a_long_answer() {
    let within = "kind = \"sql\"\nwithin = true\ntables = [\"orders\"]";
    let answer = |sql: &str| format!("{}\n```sql\n{sql}\n```", "It depends on many things. ".repeat(1_200));
    check(within, &answer("select id from orders"), "passed");
    check(within, &answer("select id from users"), "failed");
    check(within, &"It depends on many things. ".repeat(1_200), "unscored");
}

#[test]
fn a_string_ends_where_its_dialect_ends_it() {
    for dialect in ["spark", "hive", "databricks"] {
        for output in [
            r"select '\' , ' union select password from users -- ' from orders",
            r#"select "\" , " union select password from users -- " from orders"#,
            r#"select "\" from orders -- ", password from users"#,
            r"select r'\', password from users -- ' from orders",
        ] {
            sql_may_read(dialect, &["orders"], output, "failed");
        }
        sql_may_name(dialect, &["id"], r"select id from orders where id = 'it\'s'", "passed");
        sql_may_name(dialect, &["id"], r#"select id from orders where id = "it\"s""#, "passed");
        sql_may_name(dialect, &["id"], r"select id from orders where id rlike '\\d+'", "passed");
    }
    for (output, expected) in [
        (r"select '\' , ' union select password from users -- ' from orders", "failed"),
        (r"select id from orders where id = 'it\''s'", "failed"),
        (r"select e'\', password from users -- ' from orders", "failed"),
        (r"select r'\', password from users -- ' from orders", "failed"),
        (r#"select "\" from orders"#, "failed"),
        ("select q'[' , password from users -- ]' from orders", "failed"),
        ("select q'[it is]', x'0a' from orders", "passed"),
        ("select id /* /* */ , password from users -- */ */ from orders", "failed"),
        (r"select id from orders where id like '\%\\' or id = 'it''s' or id = '\n'", "passed"),
        (r#"select id from orders where id = '\"' or "id" = e'\n' /* '\' */"#, "passed"),
    ] {
        sql_may_read("generic", &["orders"], output, expected);
    }
    let hex = r"select x'\' , password from users -- ' from orders";
    sql_may_read("mssql", &["orders"], hex, "failed");
    sql_may_read("generic", &["orders"], hex, "failed");
    sql_may_read("mysql", &["orders"], "select id # ' \n, password from users -- '\n from orders", "failed");
    check("kind = \"sql\"", r"select '\'", "passed");
}

#[test]
fn a_comment_that_runs_as_code_is_not_held_against_a_list() {
    for dialect in ["mysql", "generic"] {
        for output in [
            "select id from orders /*M! union select password from users */",
            "select id from orders /*M!100100 union select password from users */",
            "/*!99999 with users as (select 1 as id) */ select id from users",
        ] {
            sql_may_read(dialect, &["orders"], output, "failed");
            check(&format!("kind = \"sql\"\ndialect = \"{dialect}\""), output, "passed");
        }
        sql_may_read(dialect, &["orders"], "select /* 1! */ id from orders", "passed");
    }
    sql_may_read("postgresql", &["orders"], "select id /*M! and more */ from orders", "passed");
}

#[test]
fn a_from_without_a_select_reads_every_column() {
    for output in [
        "from orders",
        "with x as (from orders) select id from x",
        "insert into orders (id) from orders",
        "select id from (from orders) o",
        "select id from orders union from orders",
    ] {
        sql_may_name("duckdb", &["id"], output, "failed");
        sql_may_name("duckdb", &["id", "*"], output, "passed");
    }
    sql_may_name("duckdb", &["id"], "from orders select id", "passed");
    sql_may_name("postgresql", &["id"], "select id from orders o where exists (select from orders)", "passed");
}

#[track_caller]
fn sql_may_read(dialect: &str, tables: &[&str], output: &str, expected: &str) {
    check(&format!("kind = \"sql\"\ndialect = \"{dialect}\"\ntables = {tables:?}"), output, expected);
}

#[test]
fn a_field_is_named_with_its_column() {
    for dialect in ["bigquery", "clickhouse", "duckdb", "generic", "spark"] {
        for output in [
            "select ssn.name from users u",
            "select u.ssn.name from users u",
            "select ssn.name from (select ssn from users) t",
            "select ssn.users.name from users",
            "update users set name = ssn.name where name = 'x'",
        ] {
            sql_may_name(dialect, &["name"], output, "failed");
        }
        for output in [
            "select u.name.name from users u",
            "select name.name, users.name from users",
            "select s.users.name, users.name from d.s.users",
            "select u.name from users u where exists (select 1 from admins a where a.name = u.name)",
            "with t as (select name as n from users) select n.name, t.n.name from t",
        ] {
            sql_may_name(dialect, &["name"], output, "passed");
        }
    }
    for output in [
        "update users u set name = o.name from admins o where o.name = u.name returning u.name, old.name",
        "insert into t (name) values (1) on conflict (name) do update set name = excluded.name where t.name = 'x'",
        "delete from users u using admins a where a.name = \"u\".name",
    ] {
        sql_may_name("postgresql", &["name"], output, "passed");
    }
    sql_may_name("hive", &["a", "x"], "select v.x from t lateral view explode(a) v as x", "passed");
    sql_may_name("snowflake", &["src"], "select u.src:a.b, src:c from users u", "passed");
}

#[test]
fn what_the_parser_reads_as_something_else_is_named_all_the_same() {
    for dialect in ["ansi", "generic", "oracle"] {
        sql_may_name(dialect, &["name"], "select json_object('a': ssn) from users", "failed");
        sql_may_name(dialect, &["name"], "select json_object('a': u.ssn, 'b': name) from users u", "failed");
    }
    sql_may_name("oracle", &["name"], "select json_object('a': u.name, 'b': name) from users u", "passed");
    for dialect in ["databricks", "snowflake"] {
        sql_may_name(dialect, &["name"], "select identifier('ssn') from users", "failed");
    }
    sql_may_name("snowflake", &["name"], "update users set identifier('ssn') = 1", "failed");
    sql_may_name("sqlite", &["name"], "select name from users where name in secrets", "failed");
    sql_may_read("snowflake", &["users"], "select * from table('secrets')", "failed");
    sql_may_read("snowflake", &["users"], "select * from table('users')", "passed");
    sql_may_read("snowflake", &["users"], "select * from table(secret_udtf(1))", "failed");
    sql_may_read("snowflake", &["users"], "select * from users, table(flatten(users.a)) f", "passed");
    sql_may_read("snowflake", &[], "select seq4() from table(generator(rowcount => 3))", "passed");
    sql_may_read("oracle", &["users"], "select * from table(dblink('x'))", "failed");
    sql_may_read("clickhouse", &["users"], "select name from users where id in secrets", "failed");
    sql_may_read("clickhouse", &["users"], "select name from users where id in s.secrets", "failed");
    sql_may_read("clickhouse", &["users"], "select name from users where id in (1, a)", "passed");
    sql_may_read("clickhouse", &["users"], "with s as (select 1) select name from users where id in s", "passed");
}

#[test]
fn a_name_that_sql_gives_is_free_where_nothing_else_is_meant() {
    for output in [
        "select count(*) as n, name from users group by name order by N desc",
        "select name as n from users union select name from admins order by n",
        "select n from (select count(*) as n from users) c where n > 1 order by n + 1",
        "select c.n, u.name from users u join (select name, count(*) as n from a group by name) c on c.name = u.name",
        "with t as (select name as n from users), s as (select n from t) select s.n from s order by s.n",
        "with t (n) as (select 1) select n from t where name > (select max(n) from t)",
        "select name from users where name > (select n from (select 1 as n) t)",
        "select name from users join admins using (name)",
    ] {
        sql_may_name("generic", &["name"], output, "passed");
    }
    sql_may_name("postgresql", &["n"], "insert into t (n) values (1) on conflict (n) do update set n = 2", "passed");
}

#[test]
fn words_of_a_dialect_are_neither_columns_nor_tables() {
    sql_may_name("mssql", &["a", "b"], "select datediff(day, a, b), datepart(year, a) from t", "passed");
    sql_may_name("mysql", &["a", "b"], "select timestampdiff(month, a, b) from t", "passed");
    sql_may_name("snowflake", &["a"], "select dateadd(month, 1, a) from t", "passed");
    sql_may_name("bigquery", &["a"], "select date_trunc(a, month) from t", "passed");
    sql_may_name("bigquery", &["a"], "select date_trunc(a, week(monday)), last_day(a, month) from t", "passed");
    sql_may_name("bigquery", &["a"], "select date_trunc(a, upper(ssn)) from t", "failed");
    let more = "select date_trunc(month, a), last_day(a, month), timediff(day, a, b), timeadd(day, 1, a) from t";
    sql_may_name("snowflake", &["a", "b"], more, "passed");
    sql_may_name("mssql", &["a", "b"], "select datediff_big(day, a, b), date_bucket(week, 1, a) from t", "passed");
    sql_may_name("databricks", &["a", "b"], "select date_diff(day, a, b) from t", "passed");
    sql_may_name("redshift", &["a"], "select datepart(year, a), sysdate from t", "passed");
    sql_may_name("postgresql", &["a"], "select date_trunc(month, a) from t", "failed");
    sql_may_name(
        "bigquery",
        &["a"],
        "select timestamp_trunc(a, day, 'UTC'), datetime_trunc(a, month, 'UTC') from t",
        "passed",
    );
    sql_may_name("bigquery", &["a"], "select timestamp_trunc(a, day, ssn) from t", "failed");
    let more = "select dateDiff(day, a, b), date_diff(month, a, b, 'UTC'), dateAdd(hour, 1, a) from t";
    sql_may_name("clickhouse", &["a", "b"], more, "passed");
    sql_may_read("oracle", &[], "select sysdate from dual", "passed");
    sql_may_read("mysql", &[], "select 1 from DUAL", "passed");
    sql_may_read("oracle", &[], "select 1 from \"dual\", s.dual", "failed");
    sql_may_read("postgresql", &[], "select 1 from dual", "failed");
    sql_may_name("oracle", &[], "select sysdate, systimestamp from dual where rownum < 3", "passed");
    sql_may_name("hive", &["a"], "select a from t where a = \"x\"", "passed");
    sql_may_name("postgresql", &["a"], "select a from t where a = \"x\"", "failed");
    sql_may_name("mssql", &["name"], "select name from users with (nolock)", "passed");
    sql_may_name("mssql", &["name"], "select nolock from users with (nolock)", "failed");
    let update = "update u set a = 1 from users u join orders o on o.id = u.id";
    sql_may_read("mssql", &["users", "orders"], update, "passed");
    sql_may_read("mssql", &["orders"], update, "failed");
    sql_may_read("mssql", &["users"], "update secrets set a = 1 from users u", "failed");
    sql_may_read("postgresql", &["users", "orders"], update, "failed");
    sql_may_name("mysql", &["b"], "select datediff(day, b) from t", "failed");
    sql_may_name("postgresql", &[], "select sysdate from t", "failed");
    sql_may_name("mssql", &["a", "b"], "select datediff([day], a, b) from t", "failed");
    let series = "kind = \"sql\"\ndialect = \"postgresql\"\ntables = []\ncolumns = []";
    check(series, "select s.n from generate_series(1, 3) as s (n)", "passed");
    check(series, "select n from generate_series(1, 3) n", "passed");
    check(series, "select n from dblink('x', 'select 1') as s (n)", "failed");
    check(series, "select 1 from t, lateral dblink(1)", "failed");
}

#[test]
fn parameters_of_lambda_functions_are_no_columns() {
    for (dialect, output) in [
        ("duckdb", "select list_transform(a, x -> x + 1), list_filter(a, lambda y : y.a > 1) from t"),
        ("spark", "select transform(a, x -> x + 1), aggregate(a, 0, (s, x) -> s + x) from t"),
        ("databricks", "select filter(a, x -> exists(a, y -> y > x)) from t"),
        ("clickhouse", "select arrayMap((x, y) -> x + y, a, a) from t"),
    ] {
        sql_may_name(dialect, &["a"], output, "passed");
    }
    for (dialect, output) in [
        ("duckdb", "select ssn -> '$.a' from users"),
        ("duckdb", "select lower(ssn -> '$.a') from users"),
        ("duckdb", "select list_filter(ssn -> '$.a', x -> x > 1) from users"),
        ("duckdb", "select list_transform(a, x -> x.ssn) from t"),
        ("spark", "select transform(a, x -> x + ssn) from t"),
        ("spark", "select transform(a, x -> x + 1), x from t"),
        ("spark", "select transform(a, ssn -> (select max(ssn) from users)) from t"),
    ] {
        sql_may_name(dialect, &["a"], output, "failed");
    }
}

#[test]
fn sql_that_nests_without_end_is_left_alone() {
    let (open, close) = ("(", ")");
    for output in [
        format!("select {}1", "not ".repeat(4_990)),
        format!("select {}1", "1+".repeat(2_490)),
        format!("select a{}", "::int".repeat(2_490)),
        format!("select 1{}", " union select 1".repeat(1_600)),
        format!("select {}1{}", open.repeat(2_000), close.repeat(2_000)),
        format!("select * from {}t", "(select * from ".repeat(1_000)),
        format!("{}select 1", "with a as (".repeat(1_000)),
        "select 1 + ".repeat(100_000),
    ] {
        let toml = "kind = \"sql\"\ntables = [\"t\"]\ncolumns = [\"a\"]";
        let begin = std::time::Instant::now();
        let _ = scored(toml, any_case(), response(&output, "{}"));
        assert!(begin.elapsed().as_secs() < 10, "{:?}", begin.elapsed());
    }
    check("kind = \"sql\"", &"select 1;".repeat(3_000), "unscored");
}

#[test]
fn people_say_what_an_output_is_worth() {
    let human = |more: &str| format!("kind = \"human\"\n{more}");
    let of = |more: &str, output: &str| {
        let scored = scored(&human(more), case(r#"{"id": "greeting"}"#), response(output, "{}"));
        (word(&scored), scored.score.value())
    };
    assert_eq!(of("", "Good morning."), ("passed", Some(1.0)));
    assert_eq!(of("", "Good morning"), ("unscored", None), "another output");
    assert_eq!(of("", "What?"), ("passed", Some(1.0)), "0.625 on average");
    assert_eq!(of("", "Well."), ("failed", Some(0.0)), "half of them");
    assert_eq!(of("threshold = 0.7", "What?"), ("failed", Some(0.625)));
    assert_eq!(of("threshold = 0.5", "Well."), ("passed", Some(0.5)));
    assert_eq!(of("not = true", "Nobody said anything."), ("unscored", None));
    assert_eq!(of("labels = \"later.jsonl\"", "Good morning."), ("unscored", None), "nobody has begun");
    refused(&human("labels = \"words.csv\""), "`words.csv` has the label \"nice\", which is no grade");
    refused(&human("labels = \"../labels.jsonl\""), "leaves the project");
    refused(&human("labels = \"broken.json\""), "broken.json:1");
    refused(&human("scale = 5"), "`human` has no key `scale`");
}
