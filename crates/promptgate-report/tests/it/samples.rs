//! `reports/sample.*` are what the formats print of one stored report, so they are the formats' documentation.

use std::fs;

use promptgate_report::FORMATS;

use crate::fixture::{rendered, root};

/// With `UPDATE_SAMPLES` set the samples are written anew, to be reviewed as a change of code is.
#[test]
fn every_format_has_a_sample_and_still_prints_it() {
    for format in FORMATS {
        let path = root().join(format!("reports/sample{}", format.suffix));
        let text = rendered("gate-fail-rule", format.name);
        if std::env::var_os("UPDATE_SAMPLES").is_some() {
            fs::write(&path, &text).unwrap();
        }
        let stored = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert_eq!(stored, text, "reports/sample{} is old: run this test with UPDATE_SAMPLES=1", format.suffix);
    }
}
