//! `bench`: how fast and how small promptgate is, beside what was promised. Every ratio is measured in one run beside its
//! reference, and every figure is the median of several runs. Traffic stays on loopback; what is generated goes again.
//!
//! The chore builds the command as users build it and itself with optimisation, and measures with the latter. A command is
//! measured by a helper process of its own ([`measure`]), so that peak memory is that command's alone.

mod dispatch;
mod measure;
mod project;
mod promptfoo;
mod replay;
mod scoring;
mod similarity;
mod start;
mod statistics;
mod table;
mod wire;

use std::path::PathBuf;

use cargo_metadata::Message;

use crate::chore::{Outcome, command, optimised, output, pass, release};
use table::Row;

/// Runs of which the median is told.
const RUNS: usize = 3;

/// The word for what takes minutes.
const FULL: &str = "--full";

/// One group of rows.
struct Bench {
    name: &'static str,
    run: fn(&World) -> Result<Vec<Row>, String>,
}

const BENCHES: &[Bench] = &[
    Bench { name: "start", run: start::rows },
    Bench { name: "scoring", run: scoring::rows },
    Bench { name: "statistics", run: statistics::rows },
    Bench { name: "similarity", run: similarity::rows },
    Bench { name: "replay", run: replay::rows },
    Bench { name: "log", run: replay::log_rows },
    Bench { name: "memory", run: replay::memory_rows },
    Bench { name: "dispatch", run: dispatch::rows },
    Bench { name: "promptfoo", run: promptfoo::rows },
];

/// What is measured, and with what.
struct World {
    /// The command, as users build it.
    promptgate: PathBuf,
    /// This program, optimised.
    xtask: PathBuf,
    /// Whether what takes minutes is measured too.
    full: bool,
}

/// `cargo xtask bench [--full] [NAME...]`.
pub fn run(arguments: &[String]) -> Outcome {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match words.as_slice() {
        [measure::ROLE, line @ ..] => measure::play(line),
        [statistics::ROLE, what] => statistics::play(what),
        [similarity::ROLE, file] => similarity::play(file),
        [wire::SERVER, latency] => wire::play_server(latency),
        [wire::CLIENT, address, trials, in_flight] => wire::play_client(address, trials, in_flight),
        words => chosen(words).and_then(|benches| match cfg!(debug_assertions) {
            true => optimised_bench(arguments),
            false => bench(&benches, words.contains(&FULL)),
        }),
    };
    result.into()
}

/// The same chore in a build whose server and client are worth a comparison.
fn optimised_bench(arguments: &[String]) -> Result<(), String> {
    // In two commands: in one, the chores' features would reach into the command that is measured.
    pass(command("cargo", &["build", "--quiet", "--release", "--package", "promptgate-cli"]))?;
    optimised("bench", arguments)
}

/// The benches that are named, all where none is; told before minutes of building.
fn chosen(words: &[&str]) -> Result<Vec<&'static Bench>, String> {
    let names: Vec<&str> = words.iter().copied().filter(|word| *word != FULL).collect();
    if let Some(unknown) = names.iter().find(|name| BENCHES.iter().all(|bench| bench.name != **name)) {
        let known: Vec<&str> = BENCHES.iter().map(|bench| bench.name).collect();
        return Err(format!("nothing is called `{unknown}`; there are {} and {FULL}", known.join(", ")));
    }
    Ok(BENCHES.iter().filter(|bench| names.is_empty() || names.contains(&bench.name)).collect())
}

fn bench(benches: &[&Bench], full: bool) -> Result<(), String> {
    let xtask = std::env::current_exe().map_err(|error| error.to_string())?;
    let world = World { promptgate: release("promptgate")?, xtask, full };
    println!("{}\n", table::machine());
    table::head();
    let mut missed = 0;
    for bench in benches {
        for row in (bench.run)(&world)? {
            row.print();
            missed += usize::from(!row.met());
        }
    }
    println!("\n{}", if missed == 0 { "all met".to_owned() } else { format!("{missed} not met") });
    Ok(())
}

/// The program of a bench that belongs to a crate.
fn built(package: &str, bench: &str) -> Result<PathBuf, String> {
    let line = ["bench", "--quiet", "--package", package, "--bench", bench, "--no-run", "--message-format=json"];
    let told = output(command("cargo", &line))?;
    let messages = Message::parse_stream(told.as_bytes()).filter_map(Result::ok);
    let executable = messages.filter_map(|message| match message {
        Message::CompilerArtifact(artifact) if artifact.target.name == bench => artifact.executable,
        _ => None,
    });
    executable.last().map(Into::into).ok_or_else(|| format!("cargo built no bench called `{bench}`"))
}

/// The median of several runs of a measurement, by the figure that counts.
fn median_of<T>(mut once: impl FnMut() -> Result<T, String>, figure: impl Fn(&T) -> f64) -> Result<T, String> {
    let mut runs = (0..RUNS).map(|_| once()).collect::<Result<Vec<T>, String>>()?;
    runs.sort_by(|one, other| figure(one).total_cmp(&figure(other)));
    Ok(runs.swap_remove(RUNS / 2))
}
