use promptgate_core::plan::{Partition, PartitionBy};
use promptgate_core::record::{EvidenceWriter, RunHeader, SettledRecord};
use promptgate_store::run::{MergeError, MergedRun, StoredRun};

use crate::sample::{Runs, append, belongs, digest, header, indexes, trial};

const CASES: u64 = 40;

fn part_header(by: PartitionBy, part: u32, of: u32) -> RunHeader {
    RunHeader { partition: Some(Partition { by, part, of }), ..header(&format!("part-{part:02}"), CASES) }
}

fn store_part(runs: &Runs, header: &RunHeader) -> StoredRun {
    let partition = header.partition.unwrap();
    // Completion order differs between machines.
    runs.finished_at_once(header, (0..CASES).rev().filter(|index| belongs(partition, *index)).map(trial));
    runs.folder.open(header.volatile.run.as_str()).unwrap()
}

fn parts(runs: &Runs, by: PartitionBy, of: u32) -> Vec<StoredRun> {
    (1..=of).map(|part| store_part(runs, &part_header(by, part, of))).collect()
}

fn evidence(record: &dyn SettledRecord) -> promptgate_core::Digest {
    let mut writer = EvidenceWriter::new(record.header());
    record.digested().for_each(|read| writer.trial(&read.unwrap().1));
    writer.finish()
}

#[test]
fn any_split_merges_to_the_run_that_was_never_split() {
    let whole = Runs::new();
    whole.finished(&header("whole", CASES), (0..CASES).map(trial));
    let whole = whole.folder.open("whole").unwrap();
    for by in [PartitionBy::Hash, PartitionBy::Slice] {
        let most = if by == PartitionBy::Hash { 16 } else { 5 };
        for of in 1..=most {
            let mut parts = parts(&Runs::new(), by, of);
            parts.reverse();
            let merged = MergedRun::merge(parts).unwrap();
            assert_eq!(indexes(&merged), (0..CASES).collect::<Vec<_>>(), "{by:?} {of}");
            assert_eq!(evidence(&merged), evidence(&whole), "{by:?} {of}");
            assert_eq!(
                RunHeader { volatile: whole.header().volatile.clone(), ..merged.header().clone() },
                *whole.header()
            );
            assert_eq!(merged.trial(17).unwrap(), Some(trial(17)));
        }
    }
}

#[test]
fn a_missing_part_is_named() {
    for (of, gone) in [(2, 2), (3, 1), (16, 9)] {
        let mut parts = parts(&Runs::new(), PartitionBy::Hash, of);
        parts.remove(gone as usize - 1);
        let error = MergedRun::merge(parts).unwrap_err();
        assert_eq!(error, MergeError::ShardMissing { missing: vec![gone], of, unfinished: Vec::new() });
    }
    let error = MergedRun::merge(Vec::new()).unwrap_err();
    assert_eq!(error, MergeError::Nothing);
}

#[test]
fn a_part_that_did_not_come_to_its_end_is_missing() {
    let runs = Runs::new();
    let done = store_part(&runs, &part_header(PartitionBy::Slice, 1, 2));
    let mut log = runs.start(&part_header(PartitionBy::Slice, 2, 2));
    append(&mut log, [trial(1)]);
    let error = MergedRun::merge(vec![done, runs.folder.open("part-02").unwrap()]).unwrap_err();
    assert!(error.to_string().contains("part-02.jsonl not finished: resume it first"), "{error}");
}

#[test]
fn a_part_given_twice_is_refused() {
    let runs = Runs::new();
    let mut twice = parts(&runs, PartitionBy::Hash, 3);
    twice.push(runs.folder.open("part-02").unwrap());
    assert!(matches!(MergedRun::merge(twice), Err(MergeError::Overlap { .. })));
}

#[test]
fn two_parts_that_share_a_trial_are_refused() {
    let runs = Runs::new();
    let one = store_part(&runs, &part_header(PartitionBy::Slice, 1, 2));
    runs.finished(
        &part_header(PartitionBy::Slice, 2, 2),
        (0..CASES).filter(|index| index % 2 == 1 || *index == 6).map(trial),
    );
    let error = MergedRun::merge(vec![one, runs.folder.open("part-02").unwrap()]).unwrap_err();
    assert!(matches!(error, MergeError::Overlap { .. }), "{error}");
}

#[test]
fn finished_parts_that_lack_a_trial_are_refused() {
    let runs = Runs::new();
    let one = store_part(&runs, &part_header(PartitionBy::Slice, 1, 2));
    runs.finished(&part_header(PartitionBy::Slice, 2, 2), (0..CASES - 1).filter(|index| index % 2 == 1).map(trial));
    let error = MergedRun::merge(vec![one, runs.folder.open("part-02").unwrap()]).unwrap_err();
    assert_eq!(error, MergeError::TrialsMissing { missing: 1, of: CASES });
}

#[test]
fn parts_of_two_plans_or_two_ways_of_dealing_are_refused() {
    let check = |change: fn(&mut RunHeader), says: &str| {
        let runs = Runs::new();
        let one = store_part(&runs, &part_header(PartitionBy::Slice, 1, 2));
        let mut foreign = part_header(PartitionBy::Slice, 2, 2);
        change(&mut foreign);
        let error = MergedRun::merge(vec![one, store_part(&runs, &foreign)]).unwrap_err();
        assert!(matches!(&error, MergeError::PlansDiffer { what, .. } if *what == says), "{error}");
    };
    check(|header| header.plan_digest = digest("other"), "plan digests");
    check(|header| header.policy_digest = Some(digest("other")), "policies");
    check(|header| header.prices = Some(Default::default()), "prices");
    check(|header| header.by = vec!["metadata.lang".to_owned()], "groupings");
    check(|header| header.partition.as_mut().unwrap().of = 3, "partitions");
    check(|header| header.partition.as_mut().unwrap().by = PartitionBy::Hash, "partitions");
}

#[test]
fn a_run_that_was_never_split_merges_to_itself() {
    let runs = Runs::new();
    runs.finished(&header("whole", CASES), (0..CASES).map(trial));
    let merged = MergedRun::merge(vec![runs.folder.open("whole").unwrap()]).unwrap();
    assert_eq!(indexes(&merged).len() as u64, CASES);
}
