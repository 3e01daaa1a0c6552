//! What a command costs before it does anything.

use super::project::Project;
use super::table::Row;
use super::{World, median_of};

pub fn rows(world: &World) -> Result<Vec<Row>, String> {
    let project = Project::echoed()?;
    let version = median_of(|| world.promptgate(project.root(), &["--version"]), |usage| usage.cpu)?;
    let one = || {
        project.forget()?;
        world.promptgate(project.root(), &["run", "suites/bench"])
    };
    let one = median_of(one, |usage| usage.cpu)?;
    let note = |usage: &super::measure::Usage| format!("wall {:.3} s, peak {:.0} MB", usage.wall, usage.peak_mb);
    Ok(vec![
        Row::at_most("start: `--version`", version.cpu, 0.01, "CPU s", &note(&version)),
        Row::at_most("start: one case", one.cpu, 0.03, "CPU s", &note(&one)),
    ])
}
