//! The scoring stage alone: the bench of the scoring crate, in a process of its own, on one thread.

use super::measure::Usage;
use super::table::Row;
use super::{World, built, median_of};
use crate::chore::root;

/// Trials in a measurement.
const TRIALS: usize = 500_000;

pub fn rows(world: &World) -> Result<Vec<Row>, String> {
    let bench = built("promptgate-scoring", "stage")?;
    let took =
        |trials: usize, threads: usize| world.measured(&bench, &root(), &[&trials.to_string(), &threads.to_string()]);
    let rate = || Ok(TRIALS as f64 / (took(TRIALS, 1)?.cpu - took(1, 1)?.cpu).max(f64::EPSILON));
    let rate = median_of(rate, |rate| *rate)?;
    let note = "200 B; equals, contains, regex, json, length; by CPU time";
    let speedups = || {
        let wall = |threads| Ok::<_, String>((took(TRIALS, threads)?.wall - took(1, threads)?.wall).max(f64::EPSILON));
        let alone = wall(1)?;
        Ok((alone / wall(2)?, 2.0 * alone / at_once(|| took(TRIALS, 1))?))
    };
    let (speedup, most) = median_of(speedups, |(speedup, _)| *speedup)?;
    let machine = "two processes that share nothing: what the machine gives";
    Ok(vec![
        Row::at_least("scoring stage, one core", rate, 100_000.0, "trials/s", note),
        Row::at_least("scoring stage, two cores over one", speedup, 1.8, "x", "the same trials, in batches"),
        Row::beside("two scoring stages at once over one after the other", most, "x", machine),
    ])
}

/// The wall time of the same twice at once.
fn at_once(once: impl Fn() -> Result<Usage, String> + Sync) -> Result<f64, String> {
    let (one, other) = std::thread::scope(|scope| {
        let other = scope.spawn(&once);
        (once(), other.join())
    });
    let other = other.map_err(|_| "a measurement panicked".to_owned())?;
    Ok(one?.wall.max(other?.wall))
}
