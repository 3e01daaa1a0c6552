//! No text of a report acts in the sink it is written to.

use promptgate_report::escape::{acts, csv_value};

use crate::fixture::{names, record, record_of, rendered};

#[test]
fn nothing_acts_on_a_terminal() {
    for name in names() {
        for format in ["terminal", "markdown", "json", "jsonl"] {
            let text = rendered(&name, format);
            let acting = text.chars().find(|c| acts(*c) && *c != '\n');
            assert_eq!(acting, None, "{name} as {format}");
        }
    }
}

#[test]
fn no_line_is_a_command_of_a_ci_system() {
    for name in names() {
        for format in ["terminal", "markdown"] {
            for line in rendered(&name, format).lines() {
                let acts = line.trim_start().starts_with("::") || line.contains("##[") || line.contains("##vso[");
                assert!(!acts, "{name} as {format}: {line}");
            }
        }
    }
}

#[test]
fn no_cell_is_a_formula_and_all_read_back() {
    for name in names() {
        let text = rendered(&name, "csv");
        let rows: Vec<csv::StringRecord> =
            csv::Reader::from_reader(text.as_bytes()).records().map(Result::unwrap).collect();
        for cell in rows.iter().flatten() {
            let number = cell.parse::<f64>().is_ok_and(f64::is_finite);
            let first = cell.trim_start_matches([' ', '"']).chars().next();
            let acts = first.is_some_and(|c| "=+-@\t\r\n＝＋－＠".contains(c));
            assert!(number || !acts, "{name}: {cell:?}");
        }
        for (row, trial) in rows.iter().zip(record(record_of(&name)).trials) {
            assert_eq!(csv_value(&row[0]), trial.case.id.as_str());
            assert_eq!(csv_value(&row[8]), trial.response.map(|response| response.output).unwrap_or_default());
        }
    }
}
