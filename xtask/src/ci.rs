//! `ci`, `test`, `docs`: what guards main, in the order of what fails fastest.

use std::time::Instant;

use crate::chore::{Outcome, command, output, pass};
use crate::{cross_check, interop, real_data, schema_suite, similarity, simulate, tidy};

/// The README's second command; a tidy test holds the README to it.
pub const TEST_COMMAND: [&str; 3] = ["cargo", "test", "--workspace"];

/// One step of `ci`.
struct Step {
    name: &'static str,
    run: fn() -> Result<(), String>,
}

const STEPS: &[Step] = &[
    Step { name: "format", run: format },
    Step { name: "tidy", run: tidy::check },
    Step { name: "clippy", run: clippy },
    Step { name: "tests", run: tests },
    Step { name: "documentation", run: documentation },
    Step { name: "first command", run: first_command },
    Step { name: "real data", run: real_data::check },
    Step { name: "cross-check", run: cross_check::check },
    Step { name: "similarity", run: similarity::check },
    Step { name: "schema suite", run: schema_suite::check },
    Step { name: "interop", run: interop::check },
    Step { name: "simulation", run: simulate::check },
    Step { name: "clean tree", run: clean_tree },
];

/// `cargo xtask ci`: every step, stopping at the first that fails.
pub fn run(_arguments: &[String]) -> Outcome {
    for step in STEPS {
        let start = Instant::now();
        println!("== {}", step.name);
        if let Err(why) = (step.run)() {
            return Outcome::Failed(format!("{}: {why}", step.name));
        }
        println!("== {} passed in {:.0} s", step.name, start.elapsed().as_secs_f64());
    }
    Outcome::Done
}

/// `cargo xtask test`.
pub fn test(_arguments: &[String]) -> Outcome {
    tests().into()
}

/// `cargo xtask docs`.
pub fn docs(_arguments: &[String]) -> Outcome {
    documentation().into()
}

fn format() -> Result<(), String> {
    pass(command("cargo", &["fmt", "--all", "--check"]))
}

fn clippy() -> Result<(), String> {
    pass(command("cargo", &["clippy", "--locked", "--workspace", "--all-targets", "--", "-D", "warnings"]))
}

fn tests() -> Result<(), String> {
    pass(command(TEST_COMMAND[0], &TEST_COMMAND[1..]))
}

fn documentation() -> Result<(), String> {
    let mut command = command("cargo", &["doc", "--locked", "--workspace", "--no-deps"]);
    command.env("RUSTDOCFLAGS", "-D warnings");
    pass(command)
}

/// The README's first command, as it stands there.
fn first_command() -> Result<(), String> {
    let line = tidy::readme_commands()?.0;
    pass(command("sh", &["-c", &line]))
}

fn clean_tree() -> Result<(), String> {
    let status = output(command("git", &["status", "--porcelain"]))?;
    if status.is_empty() { Ok(()) } else { Err(format!("these files are changed or new:\n{status}")) }
}
