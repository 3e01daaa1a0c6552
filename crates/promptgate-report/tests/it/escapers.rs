//! Random texts, rich in what acts, through every escaper.

use promptgate_report::escape::{
    acts, csv_cell, csv_value, markdown_code, markdown_text, shortened, terminal_line, xml_text,
};
use proptest::prelude::*;
use quick_junit::{Report as Document, TestCase, TestCaseStatus, TestSuite};

/// Pieces that act somewhere, between any characters at all.
fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        3 => any::<char>().prop_map(String::from),
        2 => prop::sample::select(vec!['\x1b', '\u{9b}', '\0', '\r', '\n', '\t', '\u{202e}', '\u{200b}', '\u{a0}', '\u{3000}', '`', '|', '\\', '\'', '"', ' ', '=', '+', '-', '@', '＝', '1', '\u{fffe}', '&', '<', '>']).prop_map(String::from),
        1 => prop::sample::select(vec!["::error::", "##[", "##vso[", "]]>", "<![CDATA[", "--", "&amp;", "&#x1b;", "\u{1b}]8;;x\u{7}", "www.", "a"]).prop_map(String::from),
    ];
    prop::collection::vec(piece, 0..16).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_terminal_line_has_nothing_that_acts(text in hostile(), width in 0_usize..40) {
        for line in [terminal_line(&text).into_owned(), shortened(&text, width)] {
            prop_assert!(!line.chars().any(acts), "{:?}", line);
            let command = line.trim_start().starts_with("::") || line.contains("##[") || line.contains("##vso[");
            prop_assert!(!command, "{:?}", line);
        }
    }

    #[test]
    fn a_cell_is_no_formula_and_reads_back(text in hostile()) {
        let cell = csv_cell(&text);
        prop_assert_eq!(csv_value(&cell), text.as_str());
        let number = cell.parse::<f64>().is_ok_and(f64::is_finite);
        let first = cell.trim_start_matches(|c: char| c == '"' || c.is_whitespace()).chars().next();
        prop_assert!(number || !first.is_some_and(|c| "=+-@＝＋－＠".contains(c)), "{:?}", cell);
        prop_assert!(!cell.starts_with(['\t', '\r', '\n']));
    }

    #[test]
    fn a_code_span_holds_its_text_and_closes(text in hostile()) {
        let code = markdown_code(&text, 60);
        let fence: String = code.chars().take_while(|c| *c == '`').collect();
        let inside = code.strip_prefix(&fence).and_then(|rest| rest.strip_suffix(&fence));
        let inside = inside.unwrap();
        prop_assert!(!inside.split(|c| c != '`').any(|run| run == fence), "{:?}", code);
        prop_assert!(!inside.starts_with('`') && !inside.ends_with('`'));
        let bare = inside.char_indices().any(|(at, c)| c == '|' && !inside[..at].ends_with('\\'));
        prop_assert!(!bare && !code.contains("\\\\|") && !code.chars().any(acts), "{:?}", code);
    }

    #[test]
    fn prose_that_could_act_is_code(text in hostile()) {
        let shown = markdown_text(&text, 60);
        let acting = shown.contains(['<', '>', '@', '[', ']', '!', '&', '|', '*', '\\', '`', '#', '~', '\n', '$']);
        prop_assert!(shown.starts_with('`') || !acting && shown == text, "{:?}", shown);
    }

    #[test]
    fn xml_reads_back_what_it_was_given(text in hostile()) {
        let clean = format!("[{}]", xml_text(&text));
        let mut suite = TestSuite::new("s");
        let mut case = TestCase::new("c", TestCaseStatus::success());
        case.set_system_out(clean.clone());
        suite.add_test_case(case);
        let mut document = Document::new("d");
        document.add_test_suite(suite);
        let read = Document::deserialize_from_str(&document.to_string().unwrap()).unwrap();
        let found = read.test_suites[0].test_cases[0].system_out.clone().map(|text| text.as_str().to_owned());
        prop_assert_eq!(found, Some(clean));
    }
}
