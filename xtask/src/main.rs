//! Chores of this repository: `cargo xtask` lists them.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a chore talks to the person who started it")]

mod bench;
mod chore;
mod ci;
mod cross_check;
mod data;
mod interop;
mod python;
mod real_data;
mod reference;
mod schema_suite;
mod similarity;
mod simulate;
mod sizes;
mod tidy;

use std::process::ExitCode;

use chore::{Chore, Outcome};

/// The program's own, so that what is measured is what a run takes.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The chores, in the order they are listed.
const CHORES: &[Chore] = &[
    Chore {
        name: "ci",
        summary: "everything that guards main: format, clippy, tests, docs, tidy, a clean tree",
        run: ci::run,
    },
    Chore { name: "test", summary: "the tests, as the README runs them", run: ci::test },
    Chore {
        name: "data",
        summary: "places the recorded data of suites/llmbar and suites/gsm8k; `data bind SUITE` binds recordings",
        run: |arguments| data::run(arguments).map_err(|error| error.to_string()).into(),
    },
    Chore {
        name: "real-data",
        summary: "counts and verdicts of the suites on recorded public data, by the real binary",
        run: real_data::run,
    },
    Chore {
        name: "cross-check",
        summary: "all pairs of suites/llmbar, beside an independent computation with scipy and statsmodels",
        run: cross_check::run,
    },
    Chore {
        name: "schema-suite",
        summary: "`json-schema` on the required tests of the official JSON-Schema-Test-Suite, by draft",
        run: schema_suite::run,
    },
    Chore {
        name: "interop",
        summary: "our clients against LiteLLM's proxy, the official SDKs against the mock server",
        run: interop::run,
    },
    Chore {
        name: "similarity",
        summary: "edit distance, ratios, ROUGE, BLEU, GLEU, chrF, kappa, alpha, beside the programs they are defined by",
        run: similarity::run,
    },
    Chore {
        name: "reference",
        summary: "writes fixtures/formats/assertions.md from the tables of kinds",
        run: reference::run,
    },
    Chore {
        name: "simulate",
        summary: "the promises of the gate on made data, reached beside allowed; `simulate NAME...`, `--full`",
        run: simulate::run,
    },
    Chore { name: "docs", summary: "the API documentation, warnings denied", run: ci::docs },
    Chore {
        name: "tidy",
        summary: "crate arrows, contained dependencies, paths named in the documents",
        run: tidy::run,
    },
    Chore {
        name: "bench",
        summary: "how fast and how small, beside what was promised; `bench NAME...`, `--full`",
        run: bench::run,
    },
    Chore { name: "sizes", summary: "lines by crate, the longest functions and files, the binary", run: sizes::run },
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let Some(name) = arguments.first() else {
        list();
        return ExitCode::SUCCESS;
    };
    let Some(chore) = CHORES.iter().find(|chore| chore.name == name) else {
        eprintln!("no chore is called `{name}`\n");
        list();
        return ExitCode::from(2);
    };
    match (chore.run)(&arguments[1..]) {
        Outcome::Done => ExitCode::SUCCESS,
        Outcome::Failed(why) => {
            eprintln!("cargo xtask {name}: {why}");
            ExitCode::FAILURE
        }
    }
}

fn list() {
    println!("cargo xtask CHORE [ARGUMENT...]\n");
    for chore in CHORES {
        println!("  {:<12} {}", chore.name, chore.summary);
    }
}
