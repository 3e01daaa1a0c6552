//! Whole runs without a network: replay, render, score, log, report. And the log alone.

use std::time::{Duration, Instant};

use promptgate_core::port::RunLog;
use promptgate_core::record::{SettledRecord, SettledTrial};
use promptgate_core::secret::Scrubber;
use promptgate_store::run::RunFolder;

use super::measure::Usage;
use super::project::Project;
use super::table::Row;
use super::{World, median_of};

/// The trials of a run that is timed.
const TRIALS: usize = 20_000;

/// What the runner commits after; the writer thread's own defaults.
const COMMIT: (usize, Duration) = (1 << 20, Duration::from_millis(50));

pub fn rows(world: &World) -> Result<Vec<Row>, String> {
    [200, 2_000].map(|bytes| end_to_end(world, bytes)).into_iter().collect()
}

fn end_to_end(world: &World, bytes: usize) -> Result<Row, String> {
    let project = Project::replayed(TRIALS, bytes)?;
    let usage = median_of(|| cold(world, &project), |usage| usage.wall)?;
    let what = format!("end to end: {TRIALS} replayed trials of {bytes} B");
    let note = format!("CPU {:.3} ms a trial, peak {:.0} MB", usage.cpu * 1e3 / TRIALS as f64, usage.peak_mb);
    Ok(Row::at_least(&what, TRIALS as f64 / usage.wall, 15_000.0, "trials/s", &note))
}

fn cold(world: &World, project: &Project) -> Result<Usage, String> {
    project.forget()?;
    world.promptgate(project.root(), &["run", "suites/bench"])
}

pub fn memory_rows(world: &World) -> Result<Vec<Row>, String> {
    let mut rows = vec![memory(world, 20_000, 64.0)?, memory(world, 100_000, 128.0)?];
    if world.full {
        rows.push(memory(world, 1_000_000, 256.0)?);
    }
    Ok(rows)
}

fn memory(world: &World, trials: usize, most_mb: f64) -> Result<Row, String> {
    let project = Project::replayed(trials, 2_000)?;
    let usage = cold(world, &project)?;
    let note = format!("wall {:.1} s, CPU {:.1} s, one run", usage.wall, usage.cpu);
    Ok(Row::at_most(&format!("peak memory: {trials} replayed trials of 2 KB"), usage.peak_mb, most_mb, "MB", &note))
}

pub fn log_rows(world: &World) -> Result<Vec<Row>, String> {
    let project = Project::replayed(10_000, 200)?;
    cold(world, &project)?;
    let warm = median_of(|| world.promptgate(project.root(), &["run", "suites/bench"]), |usage| usage.wall)?;
    let (rate, syncs) = median_of(|| append_again(&project), |(rate, _)| *rate)?;
    let note = format!("CPU {:.2} s, peak {:.0} MB", warm.cpu, warm.peak_mb);
    Ok(vec![
        // What a run settles a second must not be bounded by the log.
        Row::at_least("log alone: append and group commit", rate, 15_000.0, "trials/s", &format!("{syncs} syncs")),
        Row::at_most("warm rerun of 10000 stored trials", warm.wall, 1.0, "s", &note),
    ])
}

/// Appends the trials of a stored run to a new one, committed in groups as the runner does.
fn append_again(project: &Project) -> Result<(f64, usize), String> {
    let text = |error: &dyn std::fmt::Display| error.to_string();
    let stored = RunFolder::of(project.root()).open("latest").map_err(|error| text(&error))?;
    let trials: Vec<SettledTrial> = stored.trials().collect::<Result<_, _>>().map_err(|error| text(&error))?;
    let folder = tempfile::tempdir().map_err(|error| text(&error))?;
    let copies = RunFolder::below(folder.path().to_path_buf());
    let mut log = copies.create(stored.header(), Scrubber::default()).map_err(|error| text(&error))?;
    let (begin, mut since, mut syncs) = (Instant::now(), Instant::now(), 0);
    for trial in &trials {
        let bytes = log.append(trial).map_err(|error| text(&error))?;
        if bytes >= COMMIT.0 || since.elapsed() >= COMMIT.1 {
            log.commit().map_err(|error| text(&error))?;
            (since, syncs) = (Instant::now(), syncs + 1);
        }
    }
    log.finish().map_err(|error| text(&error))?;
    Ok((trials.len() as f64 / begin.elapsed().as_secs_f64(), syncs + 1))
}
