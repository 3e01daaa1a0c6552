//! The edges of each kind: what passes, what fails, what is unscored, and which parameters are refused.

use std::fs;
use std::time::{Duration, Instant};

use promptgate_core::assertion::{AssertionSpec, ExtractSpec};
use promptgate_core::score::{Outcome, Score};
use promptgate_scoring::assertion::registry::KINDS;
use promptgate_scoring::extract::{Chain, Extraction, Subject};
use promptgate_scoring::grader::Grader;
use promptgate_testkit::data_dir;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::trial::{
    any_case, case, check, done, grader, grader_with, input, mistakes, response, scored, spec, specs, unanswered, word,
};

#[test]
fn equals_compares_text_letter_by_letter_after_line_ends() {
    check("kind = \"equals\"\nvalue = \"a\\nb\"", "a\r\nb", "passed");
    check("kind = \"equals\"\nvalue = \"a\\r\\nb\"", "a\nb", "passed");
    check("kind = \"equals\"\nvalue = \"yes\"", " yes", "failed");
    check("kind = \"equals\"\nvalue = \"yes\"\ntrim = true", "\tyes\r\n", "passed");
    check("kind = \"equals\"\nvalue = \"é\"", "e\u{301}", "failed");
    check("kind = \"equals\"\nvalue = \"\"", "", "passed");
    check("kind = \"equals\"\nvalue = \"STRASSE\"\nignore_case = true", "straße", "passed");
    check("kind = \"equals\"\nvalue = \"yes\"\nnot = true", "no", "passed");
    check("kind = \"equals\"\nvalue = \"3\"", "3", "passed");
}

#[test]
fn equals_compares_structured_values_deeply() {
    check("kind = \"equals\"\nvalue = { a = [1, 2], b = true }", "{\"b\": true, \"a\": [1.0, 2]}", "passed");
    check("kind = \"equals\"\nvalue = { a = 1 }", "{\"a\": 1, \"b\": 2}", "failed");
    check("kind = \"equals\"\nvalue = 1", " 1.0 ", "passed");
    check("kind = \"equals\"\nvalue = 1", "one", "failed");
    check("kind = \"equals\"\nvalue = true", "true", "passed");
    check("kind = \"equals\"\nvalue = [\"A\"]\nignore_case = true", "[\"a\"]", "passed");
    check("kind = \"equals\"\nvalue = \"{\\\"a\\\": 1}\"", "{\"a\":1}", "failed");
}

#[test]
fn a_value_that_names_a_part_of_the_case_takes_it_as_it_is() {
    let case = || case(r#"{"vars": {"n": 3}, "expected": {"list": [1, {"a": null}], "queue": "billing"}}"#);
    let passes = |toml: &str, output: &str| word(&scored(toml, case(), response(output, "{}"))) == "passed";
    assert!(passes("kind = \"equals\"\nvalue = \"{{expected.list}}\"", "[1.0, {\"a\": null}]"));
    assert!(passes("kind = \"equals\"\nvalue = { queue = \"{{expected.queue}}\" }", "{\"queue\": \"billing\"}"));
    assert!(passes("kind = \"contains\"\nvalue = \"{{n}} of {{vars.n}}\"", "that is 3 of 3."));
    assert!(passes("kind = \"contains\"\nvalue = \"{{n}}\"", "3 items"));
    assert!(!passes("kind = \"equals-any\"\nvalues = \"{{expected.list}}\"", "2"));
}

#[test]
fn texts_are_looked_for_as_they_are_written() {
    check("kind = \"contains\"\nvalue = 1.50", "costs 1.5 now", "passed");
    check("kind = \"contains\"\nvalue = \"ÄRGER\"\nignore_case = true", "viel ärger", "passed");
    check("kind = \"contains\"\nvalue = \"a\\nb\"", "xa\r\nby", "passed");
    check("kind = \"contains\"\nvalue = \".*\"", "anything", "failed");
    check("kind = \"starts-with\"\nvalue = \"a\"", "", "failed");
    check("kind = \"ends-with\"\nvalue = \"ß\"\nignore_case = true", "FUSS", "passed");
    check("kind = \"ends-with\"\nvalue = \"ss\"\nignore_case = true", "Fuß", "passed");
    check("kind = \"contains-any\"\nvalues = [\"x\", 7]", "is 7", "passed");
    check("kind = \"equals-any\"\nvalues = [\"x\", 7]", "7.0", "passed");
    check("kind = \"equals-any\"\nvalues = [\"x\", {}]", "{}", "passed");
}

#[test]
fn contains_all_scores_the_share_found() {
    let toml = "kind = \"contains-all\"\nvalues = [\"a\", \"b\", \"c\"]\nthreshold = 0.6";
    let scored = scored(toml, any_case(), response("a b", "{}"));
    assert_eq!((scored.score, scored.passed), (Score::Value(2.0 / 3.0), true));
    assert_eq!(scored.evidence.note.as_deref(), Some("missing: c"));
}

#[test]
fn patterns_match_somewhere_in_linear_time() {
    check("kind = \"regex\"\npattern = \"^b$\"", "a\nb", "failed");
    check("kind = \"regex\"\npattern = \"^b$\"\nflags = \"m\"", "a\r\nb", "passed");
    check("kind = \"regex\"\npattern = \"A.B\"\nflags = \"is\"", "a\nb", "passed");
    check("kind = \"regex\"\npattern = \"\"", "", "passed");
}

#[test]
fn json_is_the_whole_answer_unless_it_may_stand_within() {
    check("kind = \"json\"", " [1, 2]\r\n", "passed");
    check("kind = \"json\"", "null", "passed");
    check("kind = \"json\"", "", "failed");
    check("kind = \"json\"", "NaN", "failed");
    check("kind = \"json\"", "{\"a\": 1} x", "failed");
    check("kind = \"json\"\nwithin = true", "x {\"a\": 1} x", "passed");
    check("kind = \"json\"\nwithin = true", "x 12 x", "failed");
    check("kind = \"json\"\nextract = { json = \"/a\" }", "{\"a\": \"text\"}", "passed");
    check("kind = \"json-schema\"\nschema = \"ticket.schema.json\"", "{\"queue\": 1}", "passed");
    check("kind = \"json-schema\"\nschema = \"ticket.schema.json\"\nwithin = true", "so {\"queue\": 1}.", "passed");
    check("kind = \"json-schema\"\nschema = \"ticket.schema.json\"", "so {\"queue\": 1}.", "failed");
    check(
        "kind = \"json-schema\"\nschema = { type = \"string\" }\nextract = { json = \"/a\" }",
        "{\"a\": \"x\"}",
        "passed",
    );
}

#[test]
fn a_schema_says_where_a_value_breaks_it() {
    let toml = "kind = \"json-schema\"\nschema = { properties = { items = { items = { type = \"number\" } } } }";
    let scored = scored(toml, any_case(), response(r#"{"items": [1, "2"]}"#, "{}"));
    let note = scored.evidence.note.unwrap();
    assert!(note.starts_with("/items/1: \"2\" is not of type \"number\""), "{note}");
}

#[test]
fn numbers_are_equal_within_a_tolerance() {
    check("kind = \"number\"\nvalue = 1350", "$1,350.00", "passed");
    check("kind = \"number\"\nvalue = \"1,350\"", "1350", "passed");
    check("kind = \"number\"\nvalue = 9007199254740993", "9007199254740992", "failed");
    check("kind = \"number\"\nvalue = 100\nrel = 0.05", "95", "passed");
    check("kind = \"number\"\nvalue = 100\nrel = 0.05", "94.9", "failed");
    check("kind = \"number\"\nvalue = 0\nabs = 0.1", "-0.1", "passed");
    for (params, text) in [
        ("value = 2.3\nabs = 0.1", "2.4"),
        ("value = 2.3\nabs = 0.1", "2.2"),
        ("value = 0.3\nabs = 0.1", "0.4"),
        ("value = 0.7\nrel = 0.1", "0.77"),
        ("value = -0.7\nrel = 0.1", "-0.77"),
    ] {
        check(&format!("kind = \"number\"\n{params}"), text, "passed");
    }
    check("kind = \"number\"\nvalue = 2.3\nabs = 0.1", "2.4000000001", "failed");
    check("kind = \"number\"\nvalue = 50", "50%", "passed");
    for text in ["NaN", "inf", "", "about 5", "1e999", "5 5"] {
        check("kind = \"number\"\nvalue = 5\nabs = 1e300", text, "failed");
    }
    check("kind = \"number\"\nvalue = 5\nextract = { number = \"last\" }", "4 and 5.", "passed");
    check("kind = \"number\"\nvalue = 5\nextract = { number = true, which = \"last\" }", "none", "failed");
    check("kind = \"number\"\nvalue = 5\nextract = { json = \"/n\" }", "{\"n\": 5.0}", "passed");
    check("kind = \"number\"\nvalue = 5\nextract = { json = \"/n\" }", "{\"n\": true}", "failed");
}

#[test]
fn numbers_are_within_a_range_that_holds_its_ends() {
    let check = |params: &str, output, expected| check(&format!("kind = \"number\"\n{params}"), output, expected);
    check("min = 1\nmax = 3", "1", "passed");
    check("min = 1\nmax = 3", "3.0", "passed");
    check("min = 1\nmax = 3", "3.01", "failed");
    check("min = -1", "-1,000", "failed");
    check("max = \"1,000\"", "$999", "passed");
    check("min = 9007199254740993", "9007199254740992", "failed");
    check("min = 1\nnot = true", "0", "passed");
    check("min = 0", "NaN", "failed");
    check("min = 1\nmax = 1", "1", "passed");
    let templated = "kind = \"number\"\nmin = \"{{expected.low}}\"\nmax = \"{{expected.high}}\"";
    let passes =
        |output| word(&scored(templated, case(r#"{"expected": {"low": 2, "high": "4"}}"#), response(output, "{}")));
    assert_eq!((passes("4"), passes("5"), passes("1")), ("passed", "failed", "failed"));
}

#[test]
fn numbers_carry_the_unit_asked_for_or_one_that_converts_to_it() {
    let check = |params: &str, output, expected| check(&format!("kind = \"number\"\n{params}"), output, expected);
    for answer in ["5 km", "5000 m", "5,000 metres", "5km", " 5.0 Kilometers. ", "5e3 m", "500000\u{a0}cm"] {
        check("value = 5\nunit = \"km\"", answer, "passed");
    }
    for answer in ["5", "$5", "5 kg", "5 Km/h", "5 bananas", "km", "", "5 mM", "5 km or so", "5 KmS", "5 ٣"] {
        check("value = 5\nunit = \"km\"", answer, "failed");
    }
    check("value = 0.25\nunit = \"s\"", "250 ms", "passed");
    check("value = 0.3\nunit = \"s\"", "300 ms", "passed");
    check("value = 5.4\nunit = \"MJ\"", "1.5 kWh", "passed");
    check("value = 50\nunit = \"%\"", "50 %", "passed");
    check("value = 50\nunit = \"%\"", "50 percent", "passed");
    check("value = 50\nunit = \"%\"", "0.5", "failed");
    check("value = 0\nunit = \"°C\"", "32 °F", "passed");
    check("value = 0\nunit = \"°C\"", "273.15 K", "passed");
    check("value = 0\nunit = \"°C\"", "273.16 K", "failed");
    check("value = 1\nunit = \"GB\"", "1 GiB", "failed");
    check("value = 1\nunit = \"GB\"\nrel = 0.08", "1 GiB", "passed");
    check("value = 1\nunit = \"MW\"", "1 mW", "failed");
    check("min = 1\nmax = 2\nunit = \"mi\"", "2 km", "passed");
    check("min = 1\nmax = 2\nunit = \"mi\"", "4 km", "failed");
    check("max = 300\nunit = \"ms\"", "0.3 s", "passed");
    check("value = 100\nabs = 1\nunit = \"m\"", "0.1009 km", "passed");
    check("value = 5\nunit = \"km\"\nextract = { json = \"/d\" }", "{\"d\": \"5000 m\"}", "passed");
    check("value = 5\nunit = \"km\"\nextract = { json = \"/d\" }", "{\"d\": 5}", "failed");
    let note = |output| {
        let scored = scored("kind = \"number\"\nvalue = 5\nunit = \"km\"", any_case(), response(output, "{}"));
        scored.evidence.note.unwrap()
    };
    assert_eq!(note("5"), "the answer carries no unit, and should be a length such as in `km`");
    assert_eq!(note("5 kg"), "`kg` is the unit of a mass, and `km` of a length");
    assert_eq!(note("5 bananas"), "`bananas` is no unit that is known");
}

#[test]
fn numbers_are_read_as_their_locale_writes_them() {
    let check = |params: &str, output, expected| check(&format!("kind = \"number\"\n{params}"), output, expected);
    check("value = 1234.5\nlocale = \"de\"", "1.234,50", "passed");
    check("value = \"1.234,5\"\nlocale = \"de\"", "1\u{a0}234,5", "passed");
    check("value = 1234.5\nlocale = \"de\"", "1,234.5", "failed");
    check("value = 1234.5\nlocale = \"fr\"", "1\u{202f}234,5", "passed");
    check("value = 1234.5\nlocale = \"ch\"", "1\u{2019}234.5", "passed");
    check("value = 1234.5", "1.234,5", "failed");
    check("value = 2.5\nunit = \"km\"\nlocale = \"de\"", "2.500 m", "passed");
    check(
        "value = 1234.5\nextract = { number = true, which = \"last\", locale = \"de\" }",
        "zuerst 1, dann 1.234,5 Euro",
        "passed",
    );
}

#[test]
fn every_match_of_a_pattern_is_a_list() {
    let check = |value: &str, output: &str, expected| {
        let extract = "extract = { regex = '#(\\w+)|;', which = \"all\" }";
        check(&format!("kind = \"equals\"\nvalue = {value}\n{extract}"), output, expected);
    };
    check("[\"a\", \"ß\"]", "#a and\r\n#ß; #", "passed");
    check("[\"a\"]", "#a", "passed");
    check("[]", "none", "failed");
    check("[]", "", "failed");
    check("[\"a\"]\nnot = true", &"#a".repeat(10_000), "passed");
    check("[\"a\"]\nnot = true", &"#a".repeat(10_001), "failed");
}

#[test]
fn lengths_are_counted_as_unicode_does() {
    check("kind = \"length\"\nmax = 3", "äöü", "passed");
    check("kind = \"length\"\nmin = 1", "", "failed");
    check("kind = \"length\"\nunit = \"lines\"\nmin = 2\nmax = 2", "a\r\nb\n", "passed");
    check("kind = \"length\"\nunit = \"lines\"\nmax = 0", "", "passed");
    check("kind = \"length\"\nunit = \"words\"\nmin = 3\nmax = 3", "don't — stop, 2", "passed");
    check("kind = \"length\"\nunit = \"sentences\"\nmax = 2\nmin = 2", "One. Two!", "passed");
    check("kind = \"length\"\nunit = \"tokens\"\nmax = 2", "x", "unscored");
}

#[test]
fn what_was_not_measured_is_unscored_and_not_makes_nothing_of_it() {
    let measures = ["kind = \"latency\"\nmax = \"1s\"", "kind = \"cost\"\nmax = 1", "kind = \"tokens\"\nmax = 1"];
    for toml in measures {
        check(toml, "x", "unscored");
        check(&format!("{toml}\nnot = true"), "x", "unscored");
    }
}

#[test]
fn a_reason_is_one_of_four_words_however_a_provider_spells_it() {
    let toml = "kind = \"finish-reason\"\nvalue = \"max_tokens\"";
    assert_eq!(word(&scored(toml, any_case(), response("", r#"{"finish_reason": "length"}"#))), "passed");
    let toml = "kind = \"finish-reason\"\nvalue = \"stop\"";
    assert_eq!(word(&scored(toml, any_case(), response("", r#"{"finish_reason": "odd"}"#))), "failed");
}

#[test]
fn a_set_is_unscored_unless_its_result_no_longer_depends_on_what_is() {
    let (yes, no, open) = (
        "{ kind = \"length\", min = 0 }",
        "{ name = \"n\", kind = \"length\", min = 9 }",
        "{ kind = \"cost\", max = 1 }",
    );
    let set = |kind: &str, members: &[&str], more: &str| {
        format!("kind = \"{kind}\"\nassert = [{}]\n{more}", members.join(", "))
    };
    check(&set("all-of", &[yes, open], ""), "x", "unscored");
    check(&set("all-of", &[open, no], ""), "x", "failed");
    check(&set("all-of", &[no, open], "not = true"), "x", "passed");
    check(&set("any-of", &[open, yes], ""), "x", "passed");
    check(&set("any-of", &[open, no], ""), "x", "unscored");
    check(&set("any-of", &[open, no], "not = true"), "x", "unscored");
    for threshold in ["threshold = 0.5", "threshold = 0.6"] {
        check(&set("weighted", &[open, yes], threshold), "x", "unscored");
        check(&set("weighted", &[open, no], threshold), "x", "unscored");
    }
    check(&set("weighted", &[yes, no], "threshold = 0.5"), "x", "passed");
}

#[test]
fn no_score_is_made_up_where_something_is_made_of_it() {
    let (no, open) = ("{ name = \"n\", kind = \"length\", min = 9 }", "{ kind = \"cost\", max = 1 }");
    let half = "{ kind = \"contains-all\", values = [\"x\", \"y\"], threshold = 0.5 }";
    let yes = "{ name = \"y\", kind = \"length\", min = 0 }";
    let (all, any) = (format!("\"all-of\", assert = [{no}, {open}]"), format!("\"any-of\", assert = [{half}, {open}]"));
    let certain = format!("\"any-of\", assert = [{yes}, {open}]");
    for (set, alone, counted) in
        [(&all, "failed", "unscored"), (&any, "passed", "unscored"), (&certain, "passed", "passed")]
    {
        let inner = format!("{{ name = \"inner\", kind = {set} }}");
        let top = format!("kind = {}", set.replacen(", assert", "\nassert", 1));
        check(&top, "x", alone);
        check(&format!("{top}\nmetric = \"m\""), "x", counted);
        check(
            &format!("kind = \"weighted\"\nthreshold = 0.1\nassert = [{yes}, {inner}]"),
            "x",
            match counted {
                "passed" => "passed",
                _ => "unscored",
            },
        );
        check(&format!("kind = \"at-least\"\nmetric = \"m\"\nk = 1\nassert = [{inner}]"), "x", alone);
    }
}

#[test]
fn members_look_at_the_sets_answer_unless_they_name_their_own() {
    let toml = |own: &str| {
        format!(
            "kind = \"all-of\"\nextract = {{ json = \"/a\" }}\nassert = [{{ kind = \"equals\", value = \"x\"{own} }}]"
        )
    };
    check(&toml(""), "{\"a\": \"x\"}", "passed");
    check(&toml(""), "x", "failed");
    check(&toml(", extract = \"output\""), "x", "passed");
    check(&toml(", not = true"), "x", "failed");
}

#[track_caller]
fn refused(toml: &str, expected: &str) {
    let said = mistakes(toml);
    assert!(said.starts_with("suite.toml:"), "no place: {said}");
    assert!(said.contains(expected), "{toml}\n{said}");
}

#[test]
fn bad_parameters_are_refused_with_their_place_and_what_to_do() {
    refused("kind = \"equal\"\nvalue = 1", "there is no assertion `equal`; did you mean `equals`?");
    refused(
        "kind = \"equals\"\nvalu = 1",
        "suite.toml:5:1: assertion `equals#1`: `equals` has no key `valu`; did you mean `value`?",
    );
    refused("kind = \"equals\"", "missing field `value`");
    refused(
        "kind = \"equals\"\nvalue = 1\nignore_case = \"yes\"",
        "suite.toml:6:1: assertion `equals#1`: `equals`, `ignore_case`: invalid type",
    );
    refused("kind = \"equals\"\nvalue = \"{{#if x}}\"", "is not a dotted path");
    refused("kind = \"equals\"\nvalue = \"x\"\nthreshold = 0.5", "takes no `threshold`");
    refused("kind = \"contains\"\nvalue = \"\"", "`value` is empty, and every text contains the empty text");
    refused("kind = \"contains-any\"\nvalues = []", "`values` is an empty list");
    refused("kind = \"contains-all\"\nvalues = \"x\"", "`values` is not a list");
    refused("kind = \"contains-all\"\nvalues = [\"a\", \"\"]", "holds a text that is empty");
    refused("kind = \"equals-any\"\nvalues = []", "empty list");
    refused(
        "kind = \"regex\"\npattern = \"(a\"",
        "suite.toml:5:1: assertion `regex#1`: the pattern cannot be read: unclosed group",
    );
    refused("kind = \"regex\"\npattern = \"{{expected}}\"", "a pattern is never a template");
    refused("kind = \"regex\"\npattern = \"(?=a)\"", "linear time");
    refused("kind = \"regex\"\npattern = '(a)\\1'", "linear time");
    refused("kind = \"regex\"\npattern = \"a\"\nflags = \"g\"", "has the flag `g`");
    refused("kind = \"regex\"\npattern = '\\w{1,900}'", "too large once compiled");
    refused(&format!("kind = \"regex\"\npattern = \"{}\"", "a".repeat(5_000)), "5000 bytes long");
    refused("kind = \"json\"\nschema = {}", "`json` has no key `schema`");
    refused("kind = \"json-schema\"\nschema = \"missing.json\"", "the test has no file `suites/s/missing.json`");
    refused("kind = \"json-schema\"\nschema = \"../x.json\"", "leaves the project");
    refused("kind = \"json-schema\"\nschema = \"broken.json\"", "`broken.json` is not JSON");
    refused("kind = \"json-schema\"\nschema = 1", "write a table, or the path of a file");
    refused("kind = \"json-schema\"\nschema = { type = \"strin\" }", "is not a JSON Schema that can be used");
    refused(
        "kind = \"json-schema\"\nschema = { \"$ref\" = \"https://example.com/x\" }",
        "refers to https://example.com/x, which is not in it",
    );
    refused("kind = \"number\"\nvalue = \"x\"", "which is not a number");
    refused("kind = \"number\"\nvalue = 1\nabs = -1", "a tolerance is 0 or more");
    refused("kind = \"number\"\nvalue = 1\nrel = inf", "");
    refused("kind = \"number\"", "none of `value`, `min` and `max`");
    refused("kind = \"number\"\nvalue = 1\nmax = 2", "`value` stands beside `min` or `max`");
    refused("kind = \"number\"\nmin = 3\nmax = 2.5", "`min` is 3, which is above `max` = 2.5");
    refused("kind = \"number\"\nmin = \"x\"", "`min` is \"x\", which is not a number");
    refused("kind = \"number\"\nmin = 3\nabs = 1", "`abs` belongs to `value`");
    refused("kind = \"number\"\nvalue = 3\nunit = \"kilometrs\"", "no unit `kilometrs`; did you mean `kilometre`?");
    refused("kind = \"number\"\nvalue = \"1,5\"", "which is not a number");
    refused("kind = \"length\"\nunit = \"words\"", "neither `min` nor `max`");
    refused("kind = \"length\"\nmin = 3\nmax = 2", "so none would pass");
    refused("kind = \"length\"\nmax = -1", "`max`");
    refused("kind = \"length\"\nmax = 3\nunit = \"word\"", "unknown variant `word`");
    refused("kind = \"latency\"\nmax = \"4\"", "is not a time above zero");
    refused("kind = \"latency\"\nmax = \"4s\"\nextract = { trim = true }", "`extract` changes nothing");
    refused("kind = \"cost\"\nmax = -0.1", "0 or more US dollars");
    refused("kind = \"tokens\"\nof = \"all\"\nmax = 1", "unknown variant `all`");
    refused("kind = \"finish-reason\"\nvalue = \"lenth\"", "did you mean `length`?");
    refused("kind = \"finish-reason\"", "exactly one of `value` and `values`");
    refused("kind = \"all-of\"\nassert = [{ kind = \"json\" }]\nthreshold = 0.5", "write `kind = \"weighted\"`");
    refused("kind = \"weighted\"\nassert = [{ kind = \"json\" }]", "has no `threshold`");
    refused("kind = \"any-of\"\nassert = [{ kind = \"jso\" }]", "did you mean `json`?");
    refused("kind = \"any-of\"\nassert = [{ kind = \"json\", metric = \"m\" }]", "a member of a set has no `metric`");
    refused(
        "kind = \"any-of\"\nassert = [{ kind = \"json\", tier = \"advisory\" }]",
        "a member of a set has no `tier`",
    );
    refused(
        "kind = \"any-of\"\nassert = [{ kind = \"rubric\", criteria = \"x\", calibration = \"labels.jsonl\" }]",
        "a member of a set has no `calibration`",
    );
    refused("kind = \"any-of\"\nassert = [{ kind = \"json\" }]\nmembers = 1", "has no key `members`");
}

#[test]
fn bad_extractors_are_refused_with_their_place() {
    let refused = |extract: &str, expected: &str| {
        refused(&format!("kind = \"json\"\nextract = {extract}"), expected);
    };
    refused("{ jsn = \"/a\" }", "there is no extractor `jsn`; did you mean `json`?");
    refused("{ json = \"queue\" }", "is not a JSON Pointer, which begins with `/`; write `/queue`");
    refused("{ json = 1 }", "`json` must be a text, not 1");
    refused("{ regex = \"(\" }", "the pattern cannot be read");
    refused("{ regex = \"a\", group = 1 }", "names no group of the pattern");
    refused("{ regex = \"a\", group = \"x\" }", "names no group of the pattern");
    refused("{ regex = \"a\", which = \"both\" }", "unknown variant `both`");
    refused("{ after = \"a\", which = \"all\" }", "unknown variant `all`");
    refused("{ number = \"last\", locale = \"it\" }", "unknown variant `it`");
    refused("{ labels = [] }", "empty list");
    refused("{ labels = [{ pattern = \"(\", label = \"x\" }] }", "the pattern of label 1 (`x`) cannot be read");
    refused("{ labels = [{ pattern = \"a\" }] }", "label 1: missing field `label`");
    refused("{ number = 1 }", "write `number = \"first\"`");
    refused("{ after = \"\" }", "the marker is empty");
    refused("{ trim = false }", "either `true` or left out");
    refused("{ trim = true, within = true }", "the extractor `trim` has no key `within`");
}

#[test]
fn every_mistake_of_a_suite_is_told_at_once() {
    let specs = specs("[[assert]]\nkind = \"regex\"\npattern = \"(\"\n[[assert]]\nkind = \"any-of\"\nassert = [{ kind = \"x\" }, { kind = \"json\", no = 1 }]").unwrap();
    assert_eq!(grader(&specs).err().unwrap().0.len(), 3);
}

/// Patterns known to make backtracking engines hang, and repetitions that blow up when compiled.
const EVIL: [&str; 16] = [
    "(a+)+$",
    "(a|aa)+$",
    "(a|a?)+$",
    "(x+x+)+y",
    "(.*)*$",
    "(.*,){20}P",
    "([a-zA-Z]+)*$",
    "(a*)*b",
    "^(([a-z])+.)+[A-Z]([a-z])+$",
    "(a?){50}a{50}",
    "(?:a{0,30}){0,30}b",
    "[ab]*a[ab]{100}",
    "((a{1,10}){1,10}){1,10}b",
    "(\\w+\\s?)*$",
    ".{1,200}b.{1,200}c",
    "(?i)(ſ|s)+$",
];

#[test]
fn no_pattern_takes_long_on_a_megabyte() {
    let texts = [format!("{}!", "a".repeat(1 << 20)), "ab ".repeat(1 << 18), "x,".repeat(1 << 19)];
    for pattern in EVIL {
        let specs = match spec(&format!("kind = \"regex\"\npattern = '{pattern}'")).map(|spec| [spec]) {
            Ok(specs) => specs,
            Err(error) => panic!("{error}"),
        };
        let Ok(grader) = grader(&specs) else { continue };
        for text in &texts {
            let begin = Instant::now();
            done(grader.grade(input(any_case(), response(text, "{}"))));
            // The bound of an optimised build is 250 ms; these tests are built without optimisation.
            assert!(begin.elapsed() < Duration::from_secs(4), "{pattern}: {:?}", begin.elapsed());
        }
    }
}

#[test]
fn long_and_deep_outputs_neither_overflow_nor_swell_the_evidence() {
    let specs = every_shipped_assertion();
    let grader = grader(&specs).unwrap();
    for piece in ["[", "{\"a\":", "1,", "$-", "```\n", "\r", "ß", "{}", "A: "] {
        let output = piece.repeat((1 << 16) / piece.len());
        let input = input(case(r#"{"expected": {"queue": "billing"}}"#), response(&output, "{}"));
        let graded = unanswered(&grader, grader.grade(input));
        assert_eq!(graded.assertions.len(), specs.len(), "{piece}");
        let size = serde_json::to_string(&graded.assertions).unwrap().len();
        assert!(size < 1_000 * specs.len(), "evidence is an excerpt: {size} bytes on {piece}");
    }
}

// Real data.

fn lines(path: &std::path::Path) -> impl Iterator<Item = Value> {
    let text = fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect::<Vec<Value>>().into_iter()
}

#[test]
fn the_labels_of_published_patterns_are_those_of_all_llmbar_recordings() {
    let Some(data) = data_dir() else { return };
    let mut outputs = 0;
    for judge in ["GPT-4", "ChatGPT"] {
        for entry in fs::read_dir(data.join("llmbar/recordings").join(judge)).unwrap() {
            let recording = entry.unwrap().path();
            let config =
                data.join("llmbar/config").join(judge).join(recording.with_extension("json").file_name().unwrap());
            let chain = published_patterns(&config);
            for line in lines(&recording) {
                let output = line["output"].as_str().unwrap();
                let label = match chain.take(output) {
                    Extraction::Found(Subject::Text(label)) => Some(label.into_owned()),
                    Extraction::Found(other) => panic!("{other:?}"),
                    Extraction::Missing { .. } => None,
                };
                assert_eq!(label.as_deref(), line["parsed"].as_str(), "{}: {output}", line["id"]);
                outputs += 1;
            }
        }
    }
    assert_eq!(outputs, 13_408);
}

fn published_patterns(config: &std::path::Path) -> Chain {
    let config: Value = serde_json::from_str(&fs::read_to_string(config).unwrap()).unwrap();
    let patterns = config.as_array().unwrap().last().unwrap()["parsing"].as_object().unwrap().clone();
    let label =
        |(key, pattern): (&String, &Value)| json!({"pattern": pattern, "label": if key == "1" { "a" } else { "b" }});
    let labels: Vec<Value> = patterns.iter().map(label).collect();
    let spec = promptgate_core::format::extract::extract_spec(&json!({"labels": labels}), |_| None).unwrap();
    Chain::build(&spec).unwrap()
}

/// Judges that explain themselves at length: "Output (a) is correct but lacks detail ... Therefore, Output (b) is better."
#[test]
fn the_choice_of_a_letter_is_the_label_of_all_llmbar_recordings() {
    let Some(data) = data_dir() else { return };
    let chain = Chain::build(&crate::trial::chain("{ choice = [\"a\", \"b\"] }")).unwrap();
    let mut outputs = 0;
    for judge in ["GPT-4", "ChatGPT"] {
        for entry in fs::read_dir(data.join("llmbar/recordings").join(judge)).unwrap() {
            for line in lines(&entry.unwrap().path()) {
                let (output, Some(label)) = (line["output"].as_str().unwrap(), line["parsed"].as_str()) else {
                    continue;
                };
                assert_eq!(
                    chain.take(output),
                    Extraction::Found(Subject::Text(label.into())),
                    "{}: {output}",
                    line["id"]
                );
                outputs += 1;
            }
        }
    }
    assert!(outputs > 10_000, "{outputs}");
}

#[test]
fn the_last_number_and_the_marked_one_agree_with_all_gsm8k_labels() {
    let Some(data) = data_dir() else { return };
    let value = "kind = \"number\"\nvalue = \"{{expected}}\"\nextract = ";
    let readings = ["{ number = \"last\" }", "[{ after = \"A:\", which = \"last\" }, { number = \"first\" }]"];
    let graders: Vec<Grader> =
        readings.iter().map(|extract| grader(&[spec(&format!("{value}{extract}")).unwrap()]).unwrap()).collect();
    let mut outputs = 0;
    for line in lines(&data.join("gsm8k/cases.jsonl")) {
        let case = case(&json!({"expected": line["expected"]}).to_string());
        for (model, said) in line["outputs"].as_object().unwrap() {
            for (grader, reading) in graders.iter().zip(readings) {
                let graded = done(grader.grade(input(case.clone(), response(said["output"].as_str().unwrap(), "{}"))));
                let correct = graded.outcome == Outcome::Passed;
                assert_eq!(
                    Some(correct),
                    said["is_correct"].as_bool(),
                    "{} {model} {reading}: {:?}",
                    line["id"],
                    graded.assertions
                );
            }
            outputs += 1;
        }
    }
    assert_eq!(outputs, 5_276);
}

// Random input.

/// The kinds with the parameters of both their examples, and under every common twist.
fn every_shipped_assertion() -> Vec<AssertionSpec> {
    let twists = [
        "",
        "not = true",
        "extract = { json = \"\", within = true }",
        "extract = [{ number = \"last\" }, { trim = true }]",
    ];
    let mut specs = Vec::new();
    for kind in KINDS {
        for params in [kind.passes.params, kind.fails.params] {
            for twist in twists {
                let spec = spec(&format!("kind = \"{}\"\n{twist}\n{params}", kind.name)).unwrap();
                if grader(std::slice::from_ref(&spec)).is_ok() {
                    specs.push(AssertionSpec { name: format!("a{}", specs.len()), ..spec });
                }
            }
        }
    }
    specs
}

fn any_output() -> impl Strategy<Value = String> {
    let hard = prop::sample::select(vec![
        "",
        "\r\n",
        "\u{feff}{\"queue\": \"billing\"}",
        "NaN",
        "-$1,2,3.4e999%",
        "```json\n{\"a\":[1,{\"b\":2}]}\n```",
        "{\"queue\":",
        "[[[[[[",
        "ß\u{301}İK\u{200d}",
        "1e5\u{2212}3",
        "\0",
        "A: 18\nA: 19",
        "{\"n\": 123456789012345678901234567890}",
        "~~~\n~~~",
    ]);
    prop_oneof![".{0,60}", "[-+$%.,0-9eE ()]{0,40}", "[\\[\\]{}\":,a1 \\\\]{0,40}", hard.prop_map(str::to_owned)]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_output_makes_a_kind_panic_and_the_four_outcomes_never_mix(output in any_output(), second in any_output()) {
        thread_local! {
            static GRADER: Grader = grader(&every_shipped_assertion()).unwrap();
        }
        let output = format!("{output}{second}");
        let case = case(r#"{"expected": {"queue": "billing"}}"#);
        GRADER.with(|grader| {
            let graded = unanswered(grader, grader.grade(input(case, response(&output, "{}"))));
            for result in &graded.assertions {
                let scored = &result.scored;
                prop_assert_ne!(word(scored), "unscored and passed");
                match &scored.score {
                    Score::Value(score) => prop_assert!((0.0..=1.0).contains(score)),
                    Score::Unscored(reason) => prop_assert!(!reason.contains("a bug of promptgate"), "{}", reason),
                }
            }
            let unscored = graded.assertions.iter().any(|result| word(&result.scored) == "unscored");
            let failed = graded.assertions.iter().any(|result| word(&result.scored) == "failed");
            let expected = if unscored { Outcome::Errored } else if failed { Outcome::Failed } else { Outcome::Passed };
            prop_assert_eq!(graded.outcome, expected);
            prop_assert_eq!(graded.error.is_some(), unscored);
            Ok(())
        })?;
    }
}

// Speed.

/// A suite of five cheap assertions, two of them on one extraction.
const CHEAP: &str = r#"
[[assert]]
kind = "equals"
value = "{{expected.queue}}"
extract = { json = "/queue" }
[[assert]]
kind = "contains"
value = "billing"
[[assert]]
kind = "regex"
pattern = '"urgent":\s*(true|false)'
[[assert]]
kind = "json"
[[assert]]
kind = "length"
max = 400
"#;

/// Trials a second on one core: run with `cargo test --release -p promptgate-scoring --test it speed -- --nocapture`.
#[test]
fn speed_of_five_cheap_assertions() {
    let output = format!("{{\"queue\": \"billing\", \"urgent\": false, \"note\": \"{}\"}}", "x".repeat(150));
    let grader = grader_with(&specs(CHEAP).unwrap(), Some(ExtractSpec::Output), &[]).unwrap();
    let one = input(case(r#"{"expected": {"queue": "billing"}}"#), response(&output, "{}"));
    let trials = if cfg!(debug_assertions) { 200 } else { 200_000 };
    let begin = Instant::now();
    for _ in 0..trials {
        assert_eq!(done(grader.grade(one.clone())).outcome, Outcome::Passed);
    }
    let rate = f64::from(trials) / begin.elapsed().as_secs_f64();
    assert!(cfg!(debug_assertions) || rate > 100_000.0, "{rate:.0} trials a second");
}
