use insta::assert_snapshot;
use promptgate_core::case::Case;
use promptgate_runner::CaseChanges;
use serde_json::json;

use crate::world::{Cases, case, cases, vars};

fn changes(before: Vec<Case>, now: Vec<Case>) -> CaseChanges {
    let of = |cases| Cases { cases, ..Cases::default() };
    CaseChanges::between(&of(before), &of(now)).unwrap()
}

#[test]
fn added_edited_regraded_and_removed_cases_are_counted_and_named() {
    let mut now = cases(20);
    now[2].vars = vars(json!({"text": "edited"}));
    now[4].expected = json!({"queue": "billing"});
    now[5].tags.push("vip".to_owned());
    now.remove(9);
    now.extend((0..7).map(|number| case(&format!("new-{number}"))));
    now.reverse();
    assert_snapshot!(changes(cases(20), now).note("git:main").unwrap(), @"cases since git:main: 7 cases added (new-6, new-5, new-4, new-3, new-2, ...); 1 case edited (case-2); 1 case with another expectation (case-4); 1 case removed (case-9)");
}

#[test]
fn another_order_and_other_tags_are_no_change() {
    let mut now = cases(1_000);
    now.reverse();
    now[0].tags.push("vip".to_owned());
    assert!(changes(cases(1_000), now).is_empty());
}
