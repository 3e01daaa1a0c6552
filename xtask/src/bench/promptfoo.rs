//! The dispatch rows for promptfoo, where it is on the path: the same server, the same cases, the same checks. It takes
//! fewer trials than we do, or the bench would take an hour; every figure is one of a trial or a share.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::World;
use super::measure::Usage;
use super::project::question;
use super::table::Row;
use super::wire::Server;

const TRIALS: usize = 1_000;
const IN_FLIGHT: usize = 1_000;

/// Nothing it might send home, look up or ask; no log files, over which 0.121 falls with 1,000 calls in flight; and no
/// key, since the server wants none.
const SETTINGS: &[&str] = &[
    "PROMPTFOO_DISABLE_TELEMETRY=1",
    "PROMPTFOO_DISABLE_UPDATE=1",
    "PROMPTFOO_DISABLE_REMOTE_GENERATION=1",
    "PROMPTFOO_DISABLE_SHARING=1",
    "PROMPTFOO_DISABLE_DEBUG_LOG=1",
    "PROMPTFOO_DISABLE_ERROR_LOG=1",
    "OPENAI_API_KEY=none",
];

/// Empty where it is not installed.
pub fn rows(world: &World) -> Result<Vec<Row>, String> {
    let Some(program) = installed() else { return Ok(Vec::new()) };
    let named = |what: &str| format!("promptfoo, {what}");
    let of =
        |latency_ms, trials, in_flight| Load { world, program: &program, latency_ms, trials, in_flight }.measured();
    let (one, _) = of(0, 1, 1)?;
    let (many, bare) = of(0, TRIALS, 32)?;
    let cpu = (many.cpu - one.cpu) * 1e3 / TRIALS as f64;
    let bare_cpu = bare.cpu * 1e3 / TRIALS as f64;
    let (patient, _) = of(500, TRIALS, IN_FLIGHT)?;
    let (brisk, brisk_bare) = of(50, TRIALS, IN_FLIGHT)?;
    let share = |wall: f64, ideal: f64| 100.0 * ideal / wall;
    Ok(vec![
        Row::beside(&named("start and one case: CPU"), one.cpu, "s", ""),
        Row::beside(&named("CPU a trial at zero latency"), cpu, "ms", &format!("bare client {bare_cpu:.3} ms")),
        Row::beside(&named("1000 trials at 500 ms: of the ideal"), share(patient.wall, 0.5), "%", &told(patient)),
        Row::beside(
            &named("1000 trials at 50 ms: of the bare client's rate"),
            brisk_bare.wall / brisk.wall,
            "x",
            &format!("{}, bare client {:.2} s", told(brisk), brisk_bare.wall),
        ),
    ])
}

fn told(usage: Usage) -> String {
    format!("{:.2} s, peak {:.0} MB", usage.wall, usage.peak_mb)
}

fn installed() -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join("promptfoo")).find(|program| program.is_file())
}

/// Trials to be answered by a server.
struct Load<'a> {
    world: &'a World,
    program: &'a Path,
    latency_ms: u64,
    trials: usize,
    in_flight: usize,
}

impl Load<'_> {
    /// Once each: promptfoo, and the bare client on the same server.
    fn measured(&self) -> Result<(Usage, Usage), String> {
        let server = Server::start(self.world, self.latency_ms)?;
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        let written = fs::write(folder.path().join("promptfooconfig.json"), self.config(server.address()));
        written.map_err(|error| error.to_string())?;
        let program = self.program.to_string_lossy();
        let in_flight = self.in_flight.to_string();
        let line =
            ["eval", "-c", "promptfooconfig.json", "--no-cache", "--no-table", "--no-progress-bar", "--no-write"];
        let line = [SETTINGS, &[&program], &line, &["--max-concurrency", &in_flight]].concat();
        let theirs = self.world.measured(Path::new("env"), folder.path(), &line)?;
        Ok((theirs, server.call(self.world, self.trials, self.in_flight)?))
    }

    /// The suite of [`super::project`] in promptfoo's words.
    fn config(&self, address: &str) -> String {
        let tests = (0..self.trials).map(|number| json!({"vars": {"question": question(number)}}));
        let prompt = json!([
            {"role": "system", "content": "Sort the message into a queue. Answer with JSON: `queue`, `because`."},
            {"role": "user", "content": "{{question}}"},
        ]);
        json!({
            "prompts": [prompt.to_string()],
            "providers": [{"id": "openai:chat:bench", "config": {"apiBaseUrl": format!("http://{address}/v1")}}],
            "defaultTest": {"assert": [
                {"type": "is-json"},
                {"type": "contains", "value": "billing"},
                {"type": "contains", "value": "because"},
                {"type": "regex", "value": "\"queue\":\\s*\"\\w+\""},
                {"type": "word-count", "value": {"min": 1}},
            ]},
            "tests": tests.collect::<Vec<_>>(),
        })
        .to_string()
    }
}
