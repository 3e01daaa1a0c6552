//! What is written reads back equal: cases, recorded lines, selections.

use promptgate_core::case::Case;
use promptgate_core::digest::Digest;
use promptgate_core::format::cases::{parse_json_line, to_json_line};
use promptgate_core::format::recording::{self, RecordedLine};
use promptgate_core::format::selection::parse_filter;
use promptgate_core::name::{CaseId, PromptId};
use proptest::prelude::*;
use serde_json::{Map, Value};

fn json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (-1e15..1e15).prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(".{0,6}", inner, 0..4).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn map() -> impl Strategy<Value = Map<String, Value>> {
    prop::collection::btree_map("[a-z_.]{1,8}", json(), 0..4).prop_map(|map| map.into_iter().collect())
}

fn case() -> impl Strategy<Value = Case> {
    let id = "[a-zé/ \"\\\\*]{1,20}".prop_map(|id| CaseId::new(id).unwrap());
    let tags = prop::collection::vec("[^;]{1,6}", 0..3);
    let rest = (prop::option::of(".{1,6}"), prop::option::of(0.001..1.0), prop::option::of(json()));
    let parts = (id, map(), json(), tags, map(), rest);
    parts.prop_map(|(id, vars, expected, tags, metadata, (cluster, threshold, origin))| Case {
        vars,
        expected,
        tags,
        metadata,
        cluster,
        threshold,
        origin: origin.filter(|origin| !origin.is_null()),
        ..Case::new(id)
    })
}

proptest! {
    #[test]
    fn a_case_reads_back_from_its_line(case in case()) {
        let line = to_json_line(&case);
        prop_assert!(!line.contains('\n'));
        prop_assert_eq!(parse_json_line(line.as_bytes(), "c", 1, &Map::new()).unwrap(), case);
    }

    #[test]
    fn a_recorded_line_reads_back(
        output in ".{0,40}",
        case in "[a-zé/ \"\\\\]{1,9}",
        trial in 1_u32..,
        bound: bool,
        latency: Option<u64>,
    ) {
        let line = RecordedLine {
            case: CaseId::new(case).unwrap(),
            prompt: Some(PromptId::new("triage.cot").unwrap()),
            assertion: None,
            model: None,
            trial: Some(trial),
            request_digest: bound.then(|| Digest::of_bytes(output.as_bytes())),
            output,
            tool_calls: Vec::new(),
            steps: Vec::new(),
            finish_reason: None,
            usage: None,
            latency_ms: latency,
            first_token_ms: None,
            returned_model: None,
        };
        let text = recording::to_json_line(&line);
        prop_assert_eq!(recording::parse_line(text.as_bytes(), "r", 1).unwrap(), line);
    }

    #[test]
    fn a_filter_reads_back_from_what_it_prints(
        key in "(tag|id|metadata\\.[a-z]{1,5}|vars\\.[a-z]{1,5})",
        values in prop::collection::vec("[a-z0-9-]{1,6}", 1..4),
        not: bool,
    ) {
        let text = format!("{}{key}={}", if not { "!" } else { "" }, values.join("|"));
        let filter = parse_filter(&text).unwrap();
        prop_assert_eq!(filter.to_string(), text);
    }

    #[test]
    fn any_bytes_are_a_case_or_a_mistake(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        if let Err(mistake) = parse_json_line(&bytes, "c", 1, &Map::new()) {
            prop_assert!(mistake.at.is_some() && mistake.help.is_some());
        }
    }
}
