//! Calls to a server on loopback, in a process of its own, beside a bare client that keeps its connections, in turns with
//! it. What the bare client takes is what the machine makes of it; the rest is ours.

use std::path::Path;

use super::measure::Usage;
use super::project::Project;
use super::table::Row;
use super::wire::{Server, question};
use super::{World, built, median_of};
use crate::chore::root;

/// Calls under way at once.
const IN_FLIGHT: usize = 1_000;

/// One of ours and one of the bare client's, measured one after the other.
struct Pair {
    ours: Usage,
    bare: Usage,
}

/// Trials to be answered by a server.
struct Load<'a> {
    world: &'a World,
    server: Server,
    project: Project,
    trials: usize,
    in_flight: usize,
}

pub fn rows(world: &World) -> Result<Vec<Row>, String> {
    let patient = Load::new(world, 500, 10_000, IN_FLIGHT)?.pair()?;
    let brisk = Load::new(world, 50, 20_000, IN_FLIGHT)?.pair()?;
    let ideal = 10_000.0 / IN_FLIGHT as f64 * 0.5;
    let walls = |pair: &Pair| format!("{:.2} s, bare client {:.2} s", pair.ours.wall, pair.bare.wall);
    let of_ideal = 100.0 * ideal / patient.ours.wall;
    let mut rows = vec![
        Row::at_least("10000 trials at 500 ms: of the ideal", of_ideal, 95.0, "%", &walls(&patient)),
        Row::at_most(
            "10000 trials at 500 ms: of the bare client's wall",
            patient.ours.wall / patient.bare.wall,
            1.05,
            "x",
            "",
        ),
        Row::at_least(
            "20000 trials at 50 ms: of the bare client's rate",
            brisk.bare.wall / brisk.ours.wall,
            0.8,
            "x",
            &walls(&brisk),
        ),
    ];
    rows.extend(zero_latency(world)?);
    rows.push(memory(world)?);
    Ok(rows)
}

/// What a call in flight holds, by what many of them hold more than few.
fn memory(world: &World) -> Result<Row, String> {
    const TRIALS: usize = 2_000;
    const FEW: usize = 10;
    let peak = |latency_ms, in_flight| {
        let load = Load::new(world, latency_ms, TRIALS, in_flight)?;
        Ok::<_, String>(median_of(|| load.ours(), |usage| usage.peak_mb)?.peak_mb)
    };
    let (many, few) = (peak(500, IN_FLIGHT)?, peak(10, FEW)?);
    let each = (many - few) * 1e3 / (IN_FLIGHT - FEW) as f64;
    let note = format!("peak {many:.1} MB with {IN_FLIGHT} in flight, {few:.1} MB with {FEW}, {TRIALS} trials each");
    Ok(Row::beside("memory a call in flight", each, "KB", &note))
}

/// CPU time of a trial beyond start-up, log and scoring included, beside that of a call by the bare client and by the HTTP
/// library alone. With one call in flight and with as many as a run has, held to the same target, which names no number: with
/// many, what the system takes to wake somebody is shared, and the bare client takes little else.
fn zero_latency(world: &World) -> Result<Vec<Row>, String> {
    let (alone, many) = (CpuTimes::with(world, 1)?, CpuTimes::with(world, MANY)?);
    let what = |in_flight: usize| format!("CPU a trial at zero latency, {in_flight} in flight");
    let of_bare = |in_flight: usize| format!("{}: of the bare client's", what(in_flight));
    Ok(vec![
        Row::at_most(&of_bare(1), alone.ours / alone.bare, 2.5, "x", &alone.told()),
        Row::at_most(&of_bare(MANY), many.ours / many.bare, 2.5, "x", &many.told()),
        Row::beside(
            &format!("{}: of the HTTP library's alone", what(MANY)),
            many.ours / many.library,
            "x",
            "reqwest, as async-openai has it: JSON there and back, nothing else",
        ),
    ])
}

/// Calls in flight of a run where nobody says how many.
const MANY: usize = 32;

/// Milliseconds of CPU time a trial, beyond start-up.
struct CpuTimes {
    ours: f64,
    bare: f64,
    library: f64,
}

impl CpuTimes {
    fn with(world: &World, in_flight: usize) -> Result<Self, String> {
        const TRIALS: usize = 20_000;
        let (one, many) = (Load::new(world, 0, 1, in_flight)?, Load::new(world, 0, TRIALS, in_flight)?);
        let per_trial = |one: f64, many: f64| (many - one) * 1e3 / TRIALS as f64;
        let library = built("promptgate-provider", "bare")?;
        let library = |load: &Load| median_of(|| load.by(&library), |usage| usage.cpu);
        let library = per_trial(library(&one)?.cpu, library(&many)?.cpu);
        let (one, many) = (one.pair()?, many.pair()?);
        Ok(Self { ours: per_trial(one.ours.cpu, many.ours.cpu), bare: per_trial(one.bare.cpu, many.bare.cpu), library })
    }

    fn told(&self) -> String {
        format!("{:.3} ms, bare client {:.3} ms, HTTP library {:.3} ms", self.ours, self.bare, self.library)
    }
}

impl<'a> Load<'a> {
    fn new(world: &'a World, latency_ms: u64, trials: usize, in_flight: usize) -> Result<Self, String> {
        let server = Server::start(world, latency_ms)?;
        let project = Project::called(trials, server.address())?;
        Ok(Self { world, server, project, trials, in_flight })
    }

    fn pair(&self) -> Result<Pair, String> {
        let once = || Ok(Pair { ours: self.ours()?, bare: self.server.call(self.world, self.trials, self.in_flight)? });
        median_of(once, |pair: &Pair| pair.ours.wall / pair.bare.wall)
    }

    /// Has another client ask as often, and measures it.
    fn by(&self, client: &Path) -> Result<Usage, String> {
        let (trials, in_flight) = (self.trials.to_string(), self.in_flight.to_string());
        self.world.measured(client, &root(), &[self.server.address(), &trials, &in_flight, &question()])
    }

    fn ours(&self) -> Result<Usage, String> {
        self.project.forget()?;
        let in_flight = self.in_flight.to_string();
        self.world.promptgate(self.project.root(), &["run", "suites/bench", "--concurrency", &in_flight])
    }
}
