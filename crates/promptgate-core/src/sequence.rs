//! In which order the units of a gate are looked at, and when, where it may stop early: a seeded random order that does
//! not depend on the order of the file, in batches that are fixed before the first call (gate.md, 6.1).
//!
//! A unit is a case, or a cluster whose cases come together. Runner and fold both go by this module, so that what was run
//! up to a look is exactly what that look is judged on.

use std::ops::Range;

use crate::digest::DigestWriter;
use crate::gate::Sequential;
use crate::name::CaseId;
use crate::plan::case_key;
use crate::record::Units;

/// Planned looks.
pub const LOOKS: usize = 5;

/// Units before the first look of an e-process, and at least so many between two of them.
pub const FIRST_LOOK: usize = 20;

/// Looks of an e-process at the most: each reads the record again.
const MOST_LOOKS: usize = 100;

/// The unit that a case belongs to: its cluster, else the case itself.
pub fn unit(case: &CaseId, cluster: Option<&str>) -> u64 {
    match cluster {
        Some(cluster) => cluster_unit(cluster),
        None => case_unit(case_key(case)),
    }
}

/// The unit of a case of its own, by the case's key.
pub fn case_unit(key: u128) -> u64 {
    (key >> 64) as u64 ^ key as u64
}

/// The unit of a cluster; never 0.
pub fn cluster_unit(cluster: &str) -> u64 {
    let mut writer = DigestWriter::default();
    writer.line("cluster");
    writer.line(cluster);
    (writer.finish().prefix128() as u64).max(1)
}

/// Where a unit stands among all of them: the smaller, the earlier. The seed makes it random, the unit makes it the same
/// in any order of the file.
pub fn turn(unit: u64, seed: u64) -> u64 {
    mix(unit ^ mix(seed))
}

/// The finaliser of SplitMix64 (Steele, Lea and Flood 2014): every input bit reaches every output bit, and no two inputs
/// share an output.
pub fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ value >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ value >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ value >> 31
}

/// The rank of each case: how many units come before its own. Cases of one unit share it.
pub fn ranks(units: &[u64], seed: u64) -> (Vec<u32>, Units) {
    let mut order: Vec<u32> = (0..units.len() as u32).collect();
    let key = |at: u32| (turn(units[at as usize], seed), units[at as usize]);
    order.sort_unstable_by_key(|at| key(*at));
    let mut ranks = vec![0; units.len()];
    let (mut count, mut largest) = (0, 0);
    for group in order.chunk_by(|one, other| key(*one) == key(*other)) {
        group.iter().for_each(|at| ranks[*at as usize] = count);
        count += 1;
        largest = largest.max(group.len() as u64);
    }
    (ranks, Units { count: u64::from(count), largest })
}

/// After how many units each look is; the last one is after all of them.
pub fn looks(how: Sequential, units: usize) -> Vec<usize> {
    let mut looks: Vec<usize> = match how {
        Sequential::Looks => (1..=LOOKS).map(|look| (units * look).div_ceil(LOOKS)).collect(),
        Sequential::Anytime => {
            let step = FIRST_LOOK.max(units.div_ceil(MOST_LOOKS));
            (step..units).step_by(step).chain([units]).collect()
        }
    };
    looks.dedup();
    looks
}

/// The ranks that each look adds.
pub fn batches(how: Sequential, units: usize) -> Vec<Range<u32>> {
    let mut from = 0;
    let batch = |look: usize| {
        let batch = from..look as u32;
        from = look as u32;
        batch
    };
    looks(how, units).into_iter().map(batch).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_are_fixed_before_the_first_call_and_end_with_the_plan() {
        assert_eq!(looks(Sequential::Looks, 227), [46, 91, 137, 182, 227]);
        assert_eq!(looks(Sequential::Looks, 3), [1, 2, 3]);
        assert_eq!(looks(Sequential::Anytime, 50), [20, 40, 50]);
        assert_eq!(looks(Sequential::Anytime, 20), [20]);
        assert_eq!(looks(Sequential::Anytime, 7), [7]);
        let many = looks(Sequential::Anytime, 100_000);
        assert!(many.len() <= 100 && many[0] == 1_000, "{}", many.len());
        assert_eq!(batches(Sequential::Anytime, 50), [0..20, 20..40, 40..50]);
    }

    #[test]
    fn ranks_do_not_depend_on_the_order_of_the_file_and_clusters_stay_together() {
        let units: Vec<u64> = (0..100).map(|case| mix(case / 3)).collect();
        let (ranks_of, found) = ranks(&units, 7);
        assert_eq!(found, Units { count: 34, largest: 3 });
        let reversed: Vec<u64> = units.iter().rev().copied().collect();
        let (again, _) = ranks(&reversed, 7);
        assert!(ranks_of.iter().eq(again.iter().rev()));
        assert!(ranks_of.chunks(3).all(|cluster| cluster.iter().all(|rank| *rank == cluster[0])));
        assert_ne!(ranks(&units, 8).0, ranks_of);
    }
}
