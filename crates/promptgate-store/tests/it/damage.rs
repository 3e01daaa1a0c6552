//! Cuts and flipped bits: whatever happens to a file, what is read of it was written, and what is lost is told.

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use promptgate_core::port::RunLog;
use promptgate_core::record::{SettledRecord, SettledTrial};
use promptgate_core::secret::Scrubber;
use promptgate_store::run::{RunError, StoredRun};

use crate::sample::{Runs, append, header, trial};

const TRIALS: u64 = 8;

/// A stopped run of eight trials in batches of three, and its file.
fn stopped(runs: &Runs) -> PathBuf {
    let mut log = runs.start(&header("r1", TRIALS));
    append(&mut log, (0..TRIALS).map(trial));
    log.path().to_owned()
}

fn finished(runs: &Runs) -> PathBuf {
    runs.finished(&header("r1", TRIALS), (0..TRIALS).map(trial));
    runs.folder.path().join("r1.jsonl")
}

/// Puts other bytes into a file. Truncating it first, as `fs::write` does, makes some file systems write to disk at once.
fn overwrite(path: &Path, bytes: &[u8]) {
    let file = fs::OpenOptions::new().write(true).open(path).unwrap();
    file.write_all_at(bytes, 0).unwrap();
    file.set_len(bytes.len() as u64).unwrap();
}

/// The trials that read back; panics if one of them is not as it was written.
fn whole_trials(run: &StoredRun) -> usize {
    let trials: Vec<SettledTrial> = run.trials().map(Result::unwrap).collect();
    for each in &trials {
        assert_eq!(*each, trial(each.trial));
    }
    trials.len()
}

#[test]
fn a_file_cut_anywhere_behind_its_header_is_repaired_and_goes_on() {
    let runs = Runs::new();
    let path = finished(&runs);
    let bytes = fs::read(&path).unwrap();
    let header_end = bytes.iter().position(|byte| *byte == b'\n').unwrap() + 1;
    // Every byte of the last lines, and some of those before.
    let last = bytes.len() - 1_500;
    for cut in (header_end..last).step_by(13).chain(last..bytes.len()) {
        overwrite(&path, &bytes[..cut]);
        let run = StoredRun::open(&path).unwrap();
        let lines = bytes[header_end..cut].split_inclusive(|byte| *byte == b'\n');
        let whole =
            lines.filter(|line| line.ends_with(b"\n") && line.windows(7).any(|part| part == b"\"trial\"")).count();
        assert_eq!((whole_trials(&run), run.is_finished()), (whole, false), "cut at {cut}");
        assert_eq!(run.torn().is_some(), bytes[cut - 1] != b'\n', "cut at {cut}");
    }
    // A few of them are gone on with, to the end.
    for cut in (header_end..bytes.len()).step_by(97) {
        overwrite(&path, &bytes[..cut]);
        let mut resumed = runs.folder.resume("r1", Scrubber::new()).unwrap();
        let rest: Vec<SettledTrial> = (0..TRIALS).filter(|index| !resumed.settled.holds(*index)).map(trial).collect();
        append(&mut resumed.log, rest);
        resumed.log.finish().unwrap();
        let run = StoredRun::open(&path).unwrap();
        assert_eq!((whole_trials(&run), run.is_finished(), run.torn()), (TRIALS as usize, true, None));
    }
}

#[test]
fn a_file_cut_in_its_header_is_named() {
    let runs = Runs::new();
    let path = finished(&runs);
    let bytes = fs::read(&path).unwrap();
    let header_end = bytes.iter().position(|byte| *byte == b'\n').unwrap();
    for cut in (0..header_end).step_by(31).chain([header_end]) {
        overwrite(&path, &bytes[..cut]);
        assert!(matches!(StoredRun::open(&path), Err(RunError::Corrupt { line: 1, .. })), "cut at {cut}");
    }
}

/// Flips bits all over a file and says for each what became of it.
fn flip_bits(path: &PathBuf, flips: usize, mut check: impl FnMut(usize, Result<StoredRun, RunError>)) {
    let bytes = fs::read(path).unwrap();
    // Weyl's sequence: spread over the file, the same on every machine.
    let bits = (0..flips).map(|n| (n * 2_654_435_761) % (bytes.len() * 8));
    for bit in bits {
        let mut bad = bytes.clone();
        bad[bit / 8] ^= 1 << (bit % 8);
        overwrite(path, &bad);
        check(bit, StoredRun::open(path));
    }
}

#[test]
fn no_flipped_bit_of_a_finished_run_is_used_and_each_is_told() {
    let runs = Runs::new();
    let path = finished(&runs);
    let bytes = fs::read(&path).unwrap();
    let line_of = |bit: usize| 1 + bytes[..bit / 8].iter().filter(|byte| **byte == b'\n').count() as u64;
    let last = bytes.iter().filter(|byte| **byte == b'\n').count() as u64;
    flip_bits(&path, 2_000, |bit, opened| match opened {
        Err(RunError::Corrupt { line, .. }) => assert_eq!(line, line_of(bit), "bit {bit}"),
        Err(other) => panic!("bit {bit}: {other}"),
        // Only the line that ends the run has none behind it; with the line feed before it, it takes a trial along.
        Ok(run) => {
            let torn = run.torn().unwrap().line;
            assert!(torn == line_of(bit) && torn >= last - 1 && !run.is_finished(), "bit {bit}");
            assert_eq!(whole_trials(&run) as u64, TRIALS - (last - torn), "bit {bit}");
        }
    });
}

#[test]
fn a_flipped_bit_of_a_stopped_run_costs_at_most_its_last_batch() {
    let runs = Runs::new();
    let path = stopped(&runs);
    flip_bits(&path, 500, |bit, opened| match opened {
        Err(RunError::Corrupt { .. }) => {}
        Err(other) => panic!("bit {bit}: {other}"),
        Ok(run) => {
            assert!(run.torn().is_some(), "bit {bit}");
            assert!(whole_trials(&run) >= 6, "bit {bit}");
        }
    });
}

#[test]
fn sectors_lost_in_the_open_batch_are_repaired_and_in_an_older_one_named() {
    let runs = Runs::new();
    let path = stopped(&runs);
    let bytes = fs::read(&path).unwrap();
    let last_batch = bytes.windows(8).rposition(|part| part == b"\"synced\"").unwrap() - "{\"c\":\"12345678\",".len();
    for start in (0..bytes.len()).step_by(128) {
        let mut bad = bytes.clone();
        let end = (start + 128).min(bad.len());
        bad[start..end].fill(0);
        overwrite(&path, &bad);
        match StoredRun::open(&path) {
            // A sector on the border takes the line before the batch along.
            Ok(run) => assert!(end > last_batch && run.torn().is_some() && whole_trials(&run) >= 5, "at {start}"),
            Err(RunError::Corrupt { .. }) => assert!(start < last_batch, "at {start}"),
            Err(other) => panic!("at {start}: {other}"),
        }
    }
}

#[test]
fn lines_that_were_removed_doubled_or_moved_are_noticed() {
    let runs = Runs::new();
    let path = finished(&runs);
    let text = fs::read_to_string(&path).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let check = |lines: Vec<&str>, says: &str| {
        fs::write(&path, lines.join("\n") + "\n").unwrap();
        let error = StoredRun::open(&path).unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    };
    let without = |line: usize| [&lines[..line], &lines[line + 1..]].concat();
    check(without(2), "lines before it are missing");
    check(without(1), "lines before it are missing");
    check([&lines[..3], &lines[2..]].concat(), "lines before it are missing");
    check([&lines[..], &lines[2..3]].concat(), "behind the line that ends the run");
    check([&lines[..4], &lines[2..3]].concat(), "trial 0 was settled before, on line 3");
    check([&lines[..1], &lines[..1]].concat(), "second header");
}

#[test]
fn a_trial_that_is_not_in_the_plan_is_named() {
    let runs = Runs::new();
    let mut log = runs.start(&header("r1", 2));
    log.append(&trial(2)).unwrap();
    log.finish().unwrap();
    let error = StoredRun::open(log.path()).unwrap_err().to_string();
    assert!(error.contains("r1.jsonl:3: ") && error.contains("trial 2 is not in the plan of 2 trials"), "{error}");
}

#[test]
fn a_line_that_rots_between_opening_and_reading_is_named() {
    let runs = Runs::new();
    let path = finished(&runs);
    let run = StoredRun::open(&path).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("output 5", "output 6")).unwrap();
    let errors: Vec<String> = run.trials().filter_map(|trial| Some(trial.err()?.to_string())).collect();
    assert_eq!(errors.len(), 1);
    assert!(errors[0].contains("r1.jsonl:9: ") && errors[0].contains("check sum"), "{}", errors[0]);
}
