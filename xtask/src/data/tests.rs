//! The chore on the recorded data, placed into a throw-away folder beside the suites' own files.

use std::path::{Path, PathBuf};

use promptgate_testkit::data_dir;
use tempfile::TempDir;

use super::{DataError, Source, digests, gsm8k, llmbar, place_all};
use crate::chore::root;

/// The folder of the data, or nothing where the test is to be left out.
fn prepared() -> Option<Source> {
    data_dir().map(Source::Prepared)
}

/// A copy of what the repository holds of two suites.
fn suites() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for file in ["llmbar/suite.toml", "gsm8k/suite.toml", "gsm8k/prompts/solve.prompt"] {
        let to = folder.path().join(file);
        std::fs::create_dir_all(to.parent().unwrap()).unwrap();
        std::fs::copy(root().join("suites").join(file), to).unwrap();
    }
    folder
}

fn lines(path: PathBuf) -> usize {
    std::fs::read_to_string(path).unwrap().lines().count()
}

#[test]
fn every_rendering_of_the_converted_prompts_is_the_published_one() {
    let Some(source) = prepared() else { return };
    let (_, proved) = llmbar::convert(&llmbar::collect(&source).unwrap()).unwrap();
    assert_eq!(proved, 13_408);
}

#[test]
fn placed_recordings_are_whole_and_every_line_is_bound() {
    let Some(source) = prepared() else { return };
    let folder = suites();
    place_all(&source, folder.path()).unwrap();
    for (file, expected) in [
        ("llmbar/data/cases.jsonl", 838),
        ("llmbar/data/inputs.jsonl", 6 * 838),
        ("llmbar/data/gpt-4.jsonl", 8 * 838),
        ("llmbar/data/chatgpt.jsonl", 8 * 838),
        ("gsm8k/data/cases.jsonl", 1_319),
        ("gsm8k/data/175b_verification.jsonl", 1_319),
    ] {
        assert_eq!(lines(folder.path().join(file)), expected, "{file}");
    }
    let recorded = std::fs::read_to_string(folder.path().join("llmbar/data/gpt-4.jsonl")).unwrap();
    assert!(recorded.lines().all(|line| line.contains("\"request_digest\":\"sha256:")));
}

#[test]
fn a_file_that_is_not_the_published_one_is_refused() {
    let Some(Source::Prepared(data)) = prepared() else { return };
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("gsm8k")).unwrap();
    let text = std::fs::read_to_string(data.join("gsm8k/cases.jsonl")).unwrap();
    std::fs::write(folder.path().join("gsm8k/cases.jsonl"), text.replacen("16 eggs", "17 eggs", 1)).unwrap();
    let refused = gsm8k::collect(&Source::Prepared(folder.path().to_owned()));
    assert!(matches!(refused, Err(DataError::Digest { .. })), "{refused:?}");
}

#[test]
fn a_file_that_cannot_be_had_is_named_with_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let base = format!("file://{}", folder.path().display());
    let source = Source::Public { base, cache: folder.path().join("cache") };
    let refused = gsm8k::collect(&source).unwrap_err().to_string();
    assert!(refused.contains("example_model_solutions.jsonl") && refused.contains("PROMPTGATE_DATA"), "{refused}");
}

#[test]
fn every_public_file_is_pinned_to_a_commit() {
    let commit = |path: &str| path.split('/').nth(2).is_some_and(|part| part.len() == 40);
    assert!(digests::paths(digests::PUBLIC).all(commit));
    assert_eq!(digests::paths(digests::PUBLIC).count(), 5 + 8 + 2 * 8 + 5 * 2 * 8 + 1);
}

#[test]
fn the_recordings_that_ship_are_bound_to_the_prompts_that_ship() {
    let folder = tempfile::tempdir().unwrap();
    let suite = root().join("suites/support-triage");
    copy(&suite, folder.path());
    super::bind::bind(folder.path()).unwrap();
    for recording in ["recordings/gpt-4.1-mini.jsonl", "recordings/gpt-4.1-nano.jsonl"] {
        let [here, anew] =
            [&suite, folder.path()].map(|root: &Path| std::fs::read_to_string(root.join(recording)).unwrap());
        assert!(here == anew, "{recording} is stale: cargo xtask data bind suites/support-triage");
    }
}

fn copy(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.path().is_dir() {
            std::fs::create_dir(&to).unwrap();
            copy(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
}
