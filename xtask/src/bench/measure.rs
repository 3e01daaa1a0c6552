//! What a command costs: wall time, CPU time, peak memory. The system adds these up over all children of a process, so a
//! helper process starts the command as its only child and prints what it came to.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use nix::sys::resource::{Resource, UsageWho, getrlimit, getrusage, setrlimit};
use nix::sys::time::TimeVal;
use serde::{Deserialize, Serialize};

use super::World;

/// The word by which this program is started as the helper.
pub const ROLE: &str = "--measure";

/// What a command took.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Usage {
    /// From start to end, in seconds.
    pub wall: f64,
    /// On all cores, user and system, in seconds.
    pub cpu: f64,
    /// The most memory it held, in MB.
    pub peak_mb: f64,
}

impl World {
    /// Runs `promptgate` in a folder and measures it. Failed cases are no matter here, hence `--no-fail` where it runs.
    pub fn promptgate(&self, folder: &Path, arguments: &[&str]) -> Result<Usage, String> {
        self.measured(&self.promptgate, folder, arguments)
    }

    /// Runs a program in a folder and measures it.
    pub fn measured(&self, program: &Path, folder: &Path, arguments: &[&str]) -> Result<Usage, String> {
        let mut helper = Command::new(&self.xtask);
        helper.args(["bench", ROLE]).arg(program).args(arguments).current_dir(folder);
        // Neither keys nor settings of whoever measures.
        helper.env_clear().env("HOME", folder).envs(std::env::var_os("PATH").map(|path| ("PATH", path)));
        let output = helper.output().map_err(|error| format!("the helper could not be started: {error}"))?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned());
        }
        serde_json::from_slice(&output.stdout).map_err(|error| format!("the helper's figures: {error}"))
    }
}

/// The helper: runs the command and prints what it took.
pub fn play(line: &[&str]) -> Result<(), String> {
    let [program, arguments @ ..] = line else { return Err("no command to measure".to_owned()) };
    raise_descriptors()?;
    let begin = Instant::now();
    let mut command = Command::new(program);
    let output = command.args(arguments).stdout(Stdio::null()).output();
    let output = output.map_err(|error| format!("{program}: {error}"))?;
    let wall = begin.elapsed().as_secs_f64();
    if !output.status.success() {
        return Err(format!("{program} ended with {}: {}", output.status, String::from_utf8_lossy(&output.stderr)));
    }
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).map_err(|error| error.to_string())?;
    let cpu = seconds(usage.user_time()) + seconds(usage.system_time());
    let figures = Usage { wall, cpu, peak_mb: usage.max_rss() as f64 * RSS_UNIT / 1e6 };
    println!("{}", serde_json::to_string(&figures).map_err(|error| error.to_string())?);
    Ok(())
}

/// Bytes in the unit that peak memory is told in.
const RSS_UNIT: f64 = if cfg!(target_os = "macos") { 1.0 } else { 1024.0 };

fn seconds(time: TimeVal) -> f64 {
    time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6
}

/// A connection takes a descriptor on each side, and many systems start with fewer than are measured here.
pub fn raise_descriptors() -> Result<(), String> {
    let failed = |error| format!("the limit of open files: {error}");
    let (_, most) = getrlimit(Resource::RLIMIT_NOFILE).map_err(failed)?;
    setrlimit(Resource::RLIMIT_NOFILE, most, most).map_err(failed)
}
