//! Calls of tools and steps of an application, on one recorded trajectory made for this test.

use serde_json::{Value, json};

use crate::trial::{any_case, case, mistakes, response, scored, word};

/// Someone asks for a table for two: the application looks twice, once in vain, then books and writes a mail.
const RECORDED: &str = r#"{
    "tool_calls": [
        {"name": "find_table", "arguments": {"guests": 2, "time": "19:00", "smoking": false, "near": {"city": "Paris", "m": 500.0}}},
        {"name": "find_table", "arguments": {"guests": 2, "time": "20:00"}},
        {"name": "book", "arguments": {"table": 7, "id": "x-1"}},
        {"name": "send_mail", "arguments": "not JSON"}
    ],
    "steps": [
        {"type": "model", "name": "planner", "duration_ms": 1200},
        {"type": "tool", "name": "find_table", "input": {"time": "19:00"}, "duration_ms": 300, "error": "full"},
        {"type": "tool", "name": "find_table", "input": {"time": "20:00"}, "duration_ms": 200},
        {"type": "tool", "name": "find_table", "input": {"time": "20:00"}, "duration_ms": 210},
        {"type": "tool", "name": "book", "input": {"table": 7}, "duration_ms": 90},
        {"type": "model", "name": "writer"}
    ]
}"#;

#[track_caller]
fn check(toml: &str, expected: &str) {
    let scored = scored(toml, any_case(), response("Booked.", RECORDED));
    assert_eq!(word(&scored), expected, "{toml}: {scored:?}");
}

#[test]
fn calls_are_counted_by_name_and_arguments() {
    check("kind = \"tool-call\"\ntool = \"book\"", "passed");
    check("kind = \"tool-call\"\ntool = \"Book\"", "failed");
    check("kind = \"tool-call\"\ntool = \"find_*\"\nmin = 2\nmax = 2", "passed");
    check("kind = \"tool-call\"\ntool = \"*\"\nmax = 3", "failed");
    check("kind = \"tool-call\"\ntool = \"delete*\"\nmax = 0", "passed");
    check("kind = \"tool-call\"\ntool = \"find_table\"\narguments = { guests = 2.0 }\nmin = 2", "passed");
    check("kind = \"tool-call\"\ntool = \"find_table\"\narguments = { near = { city = \"Paris\" } }", "passed");
    check("kind = \"tool-call\"\ntool = \"find_table\"\narguments = { near = { city = \"Rome\" } }", "failed");
    check("kind = \"tool-call\"\ntool = \"book\"\narguments = { table = 7 }\nmode = \"exact\"", "failed");
    check(
        "kind = \"tool-call\"\ntool = \"book\"\narguments = { table = 7 }\nmode = \"exact\"\nignore = [\"id\"]",
        "passed",
    );
    let defaults = "kind = \"tool-call\"\ntool = \"find_table\"\narguments = { guests = 2, time = \"19:00\" }\nmode = \"exact\"\nignore = [\"near\"]";
    check(defaults, "failed");
    check(&format!("{defaults}\ndefaults = {{ smoking = false }}"), "passed");
    check("kind = \"tool-call\"\ntool = \"send_mail\"\narguments = { to = \"x\" }", "failed");
    check("kind = \"tool-call\"\ntool = \"book\"\nnot = true", "failed");
    let toml = "kind = \"tool-call\"\ntool = \"book\"\narguments = { table = \"{{expected.table}}\" }";
    let with = |table: u32| case(&format!("{{\"expected\": {{\"table\": {table}}}}}"));
    assert_eq!(word(&scored(toml, with(7), response("", RECORDED))), "passed");
    assert_eq!(word(&scored(toml, with(8), response("", RECORDED))), "failed");
}

#[test]
fn a_default_stands_for_an_argument_that_is_left_out() {
    let check = |toml: &str, arguments: &str, expected: &str| {
        let recorded = format!(r#"{{"tool_calls": [{{"name": "look", "arguments": {arguments}}}]}}"#);
        let toml = format!("kind = \"tool-call\"\ntool = \"look\"\ndefaults = {{ unit = \"C\" }}\n{toml}");
        let scored = scored(&toml, any_case(), response("", &recorded));
        assert_eq!(word(&scored), expected, "{toml} {arguments}: {scored:?}");
    };
    for mode in ["partial", "exact"] {
        let asked = format!("arguments = {{ city = \"Paris\", unit = \"C\" }}\nmode = \"{mode}\"");
        check(&asked, r#"{"city": "Paris", "unit": "F"}"#, "failed");
        check(&asked, r#"{"city": "Paris", "unit": "C"}"#, "passed");
        check(&asked, r#"{"city": "Paris"}"#, "passed");
        let other = asked.replace("\"C\"", "\"F\"");
        check(&other, r#"{"city": "Paris"}"#, "failed");
        check(&other, r#"{"city": "Paris", "unit": "F"}"#, "passed");
    }
    check("arguments = { city = \"Paris\" }", r#"{"city": "Paris", "unit": "F"}"#, "passed");
    let exact = "arguments = { city = \"Paris\" }\nmode = \"exact\"";
    check(exact, r#"{"city": "Paris", "unit": "C"}"#, "passed");
    check(exact, r#"{"city": "Paris", "unit": "F"}"#, "failed");
    check(&format!("{exact}\nignore = [\"unit\"]"), r#"{"city": "Paris", "unit": "F"}"#, "passed");
}

#[test]
fn arguments_are_compared_as_json_is_anywhere_else() {
    let called = |arguments: &str| format!(r#"{{"tool_calls": [{{"name": "book", "arguments": {arguments}}}]}}"#);
    let check = |toml: &str, arguments: &str, expected: &str| {
        let toml = format!("kind = \"tool-call\"\ntool = \"book\"\n{toml}");
        let scored = scored(&toml, any_case(), response("", &called(arguments)));
        assert_eq!(word(&scored), expected, "{toml} and {arguments}");
    };
    for mode in ["partial", "exact"] {
        let id = format!("arguments = {{ id = 9007199254740993 }}\nmode = \"{mode}\"");
        check(&id, r#"{"id": 9007199254740992}"#, "failed");
        check(&id, r#"{"id": 9007199254740993}"#, "passed");
        let lines = format!("arguments = {{ text = \"a\\nb\", n = 1 }}\nmode = \"{mode}\"");
        check(&lines, r#"{"text": "a\r\nb", "n": 1.0}"#, "passed");
    }
    let defaults = "arguments = { id = 1 }\nmode = \"exact\"\ndefaults = { u = 1, v = { w = \"a\\nb\" } }";
    check(defaults, r#"{"id": 1, "u": 1.0, "v": {"w": "a\r\nb"}}"#, "passed");
    check(defaults, r#"{"id": 1, "u": 2}"#, "failed");
}

#[test]
fn the_set_and_order_of_tools_are_held_to_what_is_expected() {
    check("kind = \"tool-f1\"\nvalues = [\"find_table\", \"book\", \"send_mail\"]", "passed");
    check("kind = \"tool-f1\"\nvalues = [\"find_table\", \"book\"]", "failed");
    check("kind = \"tool-f1\"\nvalues = [\"find_table\", \"book\"]\nthreshold = 0.8", "passed");
    check("kind = \"tool-f1\"\nvalues = []", "failed");
    check("kind = \"tool-sequence\"\nvalues = [\"find_table\", \"book\"]", "passed");
    check("kind = \"tool-sequence\"\nvalues = [\"book\", \"find_table\"]", "failed");
    check("kind = \"tool-sequence\"\nmode = \"exact\"\nvalues = [\"find_table\", \"book\"]", "failed");
    check(
        "kind = \"tool-sequence\"\nmode = \"exact\"\nvalues = [\"find_table\", \"find_table\", \"book\", \"send_mail\"]",
        "passed",
    );
    check("kind = \"tool-allowed\"\nvalues = [\"find_table\", \"book\", \"send_mail\", \"more\"]", "passed");
    check("kind = \"tool-allowed\"\nvalues = [\"find_table\", \"book\"]", "failed");
    assert_eq!(word(&scored("kind = \"tool-f1\"\nvalues = []", any_case(), response("", "{}"))), "passed");
    assert_eq!(word(&scored("kind = \"tool-allowed\"\nvalues = [\"x\"]", any_case(), response("", "{}"))), "passed");
}

#[test]
fn calls_are_held_to_the_schemas_of_their_tools() {
    let tools = |rest: &str| {
        format!(
            "kind = \"tool-schema\"\ntools = [{{ name = \"find_table\", inputSchema = {{ required = [\"guests\"] }} }}, {{ name = \"book\" }}{rest}]"
        )
    };
    check(&tools(""), "failed");
    check(&tools(", { name = \"send_mail\", parameters = { type = \"object\" } }"), "failed");
    check(&tools(", { name = \"send_mail\" }"), "passed");
    let wrapped =
        |schema: &str| format!(", {{ type = \"function\", function = {{ name = \"send_mail\", {schema} }} }}");
    check(&tools(&wrapped("parameters = { type = \"object\" }")), "failed");
    check(&tools(&wrapped("strict = true")), "passed");
    check("kind = \"tool-schema\"", "unscored");
}

#[test]
fn steps_are_counted_timed_and_looked_at_for_errors_and_loops() {
    check("kind = \"step-count\"\ntype = \"tool\"\nmax = 4", "passed");
    check("kind = \"step-count\"\ntype = \"tool\"\nmax = 3", "failed");
    check("kind = \"step-count\"\ntype = \"tool\"\npattern = \"find*\"\nmin = 3\nmax = 3", "passed");
    check("kind = \"span-count\"\npattern = \"b?ok\"\nmin = 1", "passed");
    check("kind = \"span-duration\"\nmax = \"1s\"", "failed");
    check("kind = \"span-duration\"\nmax = \"1s\"\npercentile = 66", "passed");
    check("kind = \"span-duration\"\npattern = \"find*\"\nmax = \"299ms\"\npercentile = 66", "passed");
    check("kind = \"span-duration\"\npattern = \"writer\"\nmax = \"1s\"", "unscored");
    check("kind = \"span-errors\"", "failed");
    check("kind = \"span-errors\"\nmax = 1", "passed");
    check("kind = \"span-errors\"\npattern = \"find*\"\nmax_share = 0.3", "failed");
    check("kind = \"loop\"\nmax = 1", "failed");
    check("kind = \"loop\"\nmax = 2", "passed");
}

#[test]
fn steps_are_the_same_by_value_and_where_there_is_none_no_loop_is_told() {
    let check = |toml: &str, steps: Value, expected: &str| {
        let scored = scored(toml, any_case(), response("", &json!({"steps": steps}).to_string()));
        assert_eq!(word(&scored), expected, "{toml} {steps}");
    };
    let step = |input: &str| -> Value {
        serde_json::from_str(&format!(r#"{{"type": "tool", "name": "look", "input": {input}}}"#)).unwrap()
    };
    let twice = |one: &str, other: &str| json!([step(one), step(other)]);
    check("kind = \"loop\"\nmax = 1", twice(r#"{"a": 1, "b": 2}"#, r#"{"b": 2, "a": 1.0}"#), "failed");
    check("kind = \"loop\"\nmax = 1", twice("1", "2"), "passed");
    check("kind = \"loop\"\ntype = \"search\"", twice("1", "1"), "unscored");
    check("kind = \"loop\"\npattern = \"typo*\"", twice("1", "1"), "unscored");
}

#[test]
fn a_span_without_a_time_leaves_open_what_hangs_on_it() {
    let check = |toml: &str, times: &[Option<u64>], expected: &str| {
        let step = |time: &Option<u64>| match time {
            Some(time) => json!({"type": "tool", "duration_ms": time}),
            None => json!({"type": "tool"}),
        };
        let steps = json!({"steps": times.iter().map(step).collect::<Vec<_>>()});
        let scored = scored(&format!("kind = \"span-duration\"\n{toml}"), any_case(), response("", &steps.to_string()));
        assert_eq!(word(&scored), expected, "{toml} {times:?}: {scored:?}");
    };
    check("max = \"1s\"", &[Some(5), None], "unscored");
    check("max = \"1s\"", &[None], "unscored");
    check("max = \"1s\"", &[Some(1_001), None], "failed");
    check("max = \"1s\"\npercentile = 50", &[Some(5), None], "passed");
    check("max = \"1s\"\npercentile = 50", &[Some(5), None, None], "unscored");
    check("max = \"1s\"\npercentile = 75", &[Some(1_001), Some(1_001), None], "failed");
    let hundred: Vec<Option<u64>> = (1..=100).map(Some).collect();
    for percentile in 1..=100 {
        check(&format!("max = \"{percentile}ms\"\npercentile = {percentile}"), &hundred, "passed");
        if percentile > 1 {
            check(&format!("max = \"{}ms\"\npercentile = {percentile}", percentile - 1), &hundred, "failed");
        }
    }
}

/// A suite that asks for traces and gets none must not come out green.
#[test]
fn a_response_that_tells_of_no_steps_leaves_all_of_them_unscored() {
    for toml in [
        "kind = \"step-count\"\nmax = 4",
        "kind = \"span-count\"\nmax = 4",
        "kind = \"span-duration\"\nmax = \"4s\"",
        "kind = \"span-errors\"",
        "kind = \"loop\"",
        "kind = \"loop\"\nnot = true",
    ] {
        assert_eq!(word(&scored(toml, any_case(), response("Done.", "{}"))), "unscored", "{toml}");
    }
}

#[test]
fn arguments_of_a_call_are_extracted() {
    check(
        "kind = \"equals\"\nvalue = \"20:00\"\nextract = { tool-call = \"find_table\", pointer = \"/time\", which = \"last\" }",
        "passed",
    );
    check(
        "kind = \"equals\"\nvalue = \"send_mail\"\nextract = { tool-call = \"\", pointer = \"name\", which = \"last\" }",
        "passed",
    );
    check(
        "kind = \"number\"\nvalue = 500\nextract = [{ tool-call = \"find_table\" }, { json = \"/near/m\" }]",
        "passed",
    );
    check("kind = \"equals\"\nvalue = \"x\"\nextract = { tool-call = \"cancel\" }", "failed");
    check(
        "kind = \"equals\"\nvalue = \"x\"\nextract = { tool-call = \"cancel\", on_missing = \"unscored\" }",
        "unscored",
    );
}

#[test]
fn wrong_parameters_are_refused() {
    let check = |toml: &str, part: &str| assert!(mistakes(toml).contains(part), "{toml}: {}", mistakes(toml));
    check("kind = \"tool-call\"", "missing field `tool`");
    check("kind = \"tool-call\"\ntool = \"x\"\nmin = 0", "all would pass");
    check("kind = \"tool-call\"\ntool = \"x\"\nmin = 3\nmax = 2", "none would pass");
    check("kind = \"tool-call\"\ntool = \"x\"\narguments = 3", "no table of arguments");
    check("kind = \"tool-call\"\ntool = \"[\"", "not a glob");
    check("kind = \"tool-f1\"\nvalues = \"x\"", "not a list of names");
    check("kind = \"tool-sequence\"\nvalues = []", "empty list");
    check("kind = \"tool-schema\"\ntools = []", "`tools` is empty");
    check("kind = \"tool-schema\"\ntools = [{ inputSchema = {} }]", "has no name");
    check("kind = \"step-count\"", "neither `min` nor `max`");
    check("kind = \"span-duration\"\nmax = \"fast\"", "not a time");
    check("kind = \"span-duration\"\nmax = \"1s\"\npercentile = 0", "from 1 to 100");
    check("kind = \"span-errors\"\nmax_share = 2", "from 0 to 1");
    check("kind = \"loop\"\nmax = 0", "no step at all");
    check("kind = \"at-least\"\nk = 3\nassert = [{ kind = \"json\" }]", "from 1 to 1");
}
