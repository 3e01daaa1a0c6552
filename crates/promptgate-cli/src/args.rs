//! What stands on the command line. Every flag of a command is documented here and nowhere else.

mod running;
mod values;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use promptgate_core::name::CaseId;
use promptgate_core::reference::Reference;
use promptgate_core::selection::Selection;

pub use running::{Reports, Running, Words};
use values::{age, agreement, case_id, dollars, filter};

/// Evaluates prompts and gates their promotion.
#[derive(Debug, Parser)]
#[command(
    name = "promptgate",
    version,
    about = "Evaluates prompts and gates their promotion.",
    long_about = "Evaluates prompts and gates their promotion: runs a suite of cases against models, compares a \
                  candidate version with a baseline, case by case, and answers with a verdict whose error rates are known.",
    after_help = EXIT_CODES
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// When to colour what is printed.
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub color: Color,
    /// No progress and no hints, only results and errors.
    #[arg(long, short, global = true)]
    pub quiet: bool,
}

const EXIT_CODES: &str = "Exit codes: 0 done or requirement met, 1 a bug of ours, 2 bad usage or input (nothing ran), \
4 nothing selected, 77 credential missing, 100 failed, 102 inconclusive, 103 invalid, 104 unavailable, 106 incomplete \
(resumable), 110 a report could not be written, 130 and 143 killed. `promptgate list exit-codes` says more.";

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, unless NO_COLOR is set.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Answer and score the cases of a suite with one version.
    Run(RunArgs),
    /// Compare two versions: the numbers of a gate, without a verdict.
    Compare(CompareArgs),
    /// Decide whether a candidate may replace its baseline.
    Gate(GateArgs),
    /// Say before any call what a gate would call, cost and be able to tell.
    Plan(PlanArgs),
    /// Show how a stored gate came to its verdicts, number by number.
    Explain(ExplainArgs),
    /// Grade what a stored run answered by the suite as it is now, without calling the model again.
    Score(ScoreArgs),
    /// Render a stored run again, or join the parts of a partitioned one.
    Report(ReportArgs),
    /// Check suites, prompts, cases and recordings without calling a model.
    Check(CheckArgs),
    /// List suites, stored runs, and the kinds that suites can use.
    List(ListArgs),
    /// Look whether everything is there: keys, providers, models, clock, state, disk. Asks no model.
    Doctor(DoctorArgs),
    /// Look at the cache of answers: stats, explain, prune, export.
    #[command(subcommand)]
    Cache(CacheCommand),
    /// Play the APIs of all providers on this machine, for rehearsals without a key.
    ServeMock(ServeMockArgs),
    /// Write the Python module with which programs of one's own talk to promptgate.
    Shim(ShimArgs),
    /// Hold judges against what people say: calibrate.
    #[command(subcommand)]
    Judge(JudgeCommand),
    /// Look at prompts: show, render, diff.
    #[command(subcommand)]
    Prompt(PromptCommand),
    /// Accept what a run answered, for the suite's `snapshot` assertions.
    #[command(subcommand)]
    Snapshot(SnapshotCommand),
}

/// `run`
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  promptgate run suites/support-triage\n  promptgate run suites/support-triage \
--candidate triage.terse --filter tag=injection\n  promptgate run suites/support-triage --report junit=out.xml")]
pub struct RunArgs {
    /// The suite's folder.
    pub suite: PathBuf,
    /// The version to answer with. Repeatable. Default: the suite's candidate.
    #[arg(long, value_name = "REF")]
    pub candidate: Vec<Reference>,
    #[command(flatten)]
    pub running: Running,
    /// Exit 0 even when a case failed. An outage is still 104, and what could not be scored 102.
    #[arg(long)]
    pub no_fail: bool,
}

/// `compare`
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  promptgate compare triage triage.terse --suite suites/support-triage\n  promptgate \
compare triage triage.guarded triage.terse --suite suites/support-triage"
)]
pub struct CompareArgs {
    /// The version to compare with: `triage`, `triage@git:main`, `run:<id>`, a path.
    pub baseline: Reference,
    /// The versions to look at, side by side.
    #[arg(required = true)]
    pub candidates: Vec<Reference>,
    /// The suite's folder.
    #[arg(long, value_name = "SUITE")]
    pub suite: PathBuf,
    /// Run the baseline against itself too, and show how large differences are that mean nothing.
    #[arg(long)]
    pub aa: bool,
    #[command(flatten)]
    pub running: Running,
}

/// `gate`
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  promptgate gate suites/support-triage --candidate triage.guarded\n  promptgate gate \
suites/support-triage --baseline triage@git:main --report junit=gate.xml --report markdown=gate.md"
)]
pub struct GateArgs {
    /// The suite's folder.
    pub suite: PathBuf,
    /// The version to judge. Default: the suite's candidate.
    #[arg(long, value_name = "REF")]
    pub candidate: Option<Reference>,
    /// The version to hold to, over the gate's own. Repeatable.
    #[arg(long, value_name = "REF")]
    pub baseline: Vec<Reference>,
    /// Stop as soon as the verdict is settled: after five planned `looks`, or `anytime` (e-values). Both keep the error
    /// rates. Default: the gate's own `sequential`, else `looks`.
    #[arg(long, value_name = "HOW", num_args = 0..=1, default_missing_value = "own", require_equals = true,
        hide_possible_values = true)]
    pub stop_early: Option<StopEarly>,
    /// Run the baseline against itself too, and show how large differences are that mean nothing.
    #[arg(long)]
    pub aa: bool,
    #[command(flatten)]
    pub running: Running,
}

/// How a gate may stop early.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum StopEarly {
    /// As the suite says, else by planned looks.
    #[value(hide = true)]
    Own,
    /// Five planned looks.
    Looks,
    /// E-values.
    Anytime,
}

/// `plan`
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  promptgate plan suites/support-triage\n  promptgate plan suites/support-triage --live \
--trials 3 --report json=plan.json"
)]
pub struct PlanArgs {
    /// The suite's folder.
    pub suite: PathBuf,
    /// The version to judge. Default: the suite's candidate.
    #[arg(long, value_name = "REF")]
    pub candidate: Option<Reference>,
    /// The version to hold to, over the gate's own. Repeatable.
    #[arg(long, value_name = "REF")]
    pub baseline: Vec<Reference>,
    /// Only this model: its id or the last part of it. Repeatable.
    #[arg(long, value_name = "ID")]
    pub model: Vec<String>,
    /// Only these cases: `tag=vip`, `id=order-*`, `metadata.lang=de|fr`, `!tag=slow`. Repeatable; all must hold.
    #[arg(long, value_name = "KEY=VALUE", value_parser = filter, allow_hyphen_values = true)]
    pub filter: Vec<Selection>,
    /// Repeats per case, over the suite's own.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub trials: Option<u32>,
    /// Plan calls of the models, even where the suite names recordings.
    #[arg(long)]
    pub live: bool,
    /// First run the baseline against itself, which calls models, and plan with the noise found there. It is kept.
    #[arg(long)]
    pub calibrate: bool,
    /// A report: `terminal` or `json`, to standard output or, with `=PATH`, to a file. Repeatable.
    #[arg(long = "report", value_name = "FORMAT[=PATH]")]
    pub reports: Vec<String>,
}

/// `explain`
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  promptgate explain latest\n  promptgate explain latest pass_rate")]
pub struct ExplainArgs {
    /// The run: its id, a unique prefix, `latest`, or a run's file.
    #[arg(default_value = "latest")]
    pub run: String,
    /// One metric or rule of the gate. Default: every critical check.
    pub metric: Option<String>,
    /// As JSON.
    #[arg(long)]
    pub json: bool,
}

/// `report`
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  promptgate report latest --report csv=cases.csv\n  promptgate report --merge \
part1.jsonl part2.jsonl part3.jsonl")]
pub struct ReportArgs {
    /// The run: its id, a unique prefix, `latest`, or a run's file.
    #[arg(default_value = "latest", conflicts_with = "merge")]
    pub run: String,
    /// Join the parts of a partitioned run: ids or files.
    #[arg(long, value_name = "RUN", num_args = 1..)]
    pub merge: Vec<String>,
    #[command(flatten)]
    pub reports: Reports,
    /// Exit 0 even when a case failed. An outage is still 104, and what could not be scored 102.
    #[arg(long)]
    pub no_fail: bool,
}

/// `check`
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// The suites' folders. Default: every suite below `suites/`.
    pub suites: Vec<PathBuf>,
}

/// `score`
#[derive(Debug, Args)]
pub struct ScoreArgs {
    /// The run: its id, a unique prefix, `latest`, or a run's file.
    pub run: String,
    /// The suite to grade by; default the one of the run.
    #[arg(long, value_name = "FOLDER")]
    pub suite: Option<PathBuf>,
    /// Ask no judge and no program either: what is not kept is unscored.
    #[arg(long)]
    pub no_run: bool,
    /// Let the suite run the programs it names.
    #[arg(long)]
    pub allow_exec: bool,
    /// Stop before judging takes more than so many US dollars.
    #[arg(long, value_name = "USD", value_parser = dollars)]
    pub max_cost: Option<f64>,
    /// Do not ask before judging that takes more than `confirm_above`.
    #[arg(long, short)]
    pub yes: bool,
    /// Exit 0 even where cases fail. An outage is still 104, and what could not be scored 102.
    #[arg(long)]
    pub no_fail: bool,
    #[command(flatten)]
    pub reports: Reports,
}

/// `judge`
#[derive(Debug, Subcommand)]
pub enum JudgeCommand {
    /// Have a judge grade what people have labelled, and say how far both agree.
    Calibrate(CalibrateArgs),
}

/// `judge calibrate`
#[derive(Debug, Args)]
pub struct CalibrateArgs {
    /// The suite's folder.
    pub suite: PathBuf,
    /// Only this assertion, by its name. Default: every judged one with labels.
    #[arg(long, value_name = "NAME")]
    pub assertion: Option<String>,
    /// Labels of people, `.jsonl` or `.csv`: case, output, label, rater. Default: the assertion's `calibration`.
    #[arg(long, value_name = "FILE")]
    pub labels: Option<PathBuf>,
    /// Exit 100 where a judge agrees less with people (kappa or alpha).
    #[arg(long, value_name = "KAPPA", value_parser = agreement, allow_hyphen_values = true)]
    pub min_agreement: Option<f64>,
    /// Ask the judge anew, and keep what it gives each output, to hold it against itself later.
    #[arg(long, value_name = "FILE", conflicts_with = "no_run")]
    pub save: Option<PathBuf>,
    /// Ask the judge anew and compare, output by output, with what it gave in a kept file. Exit 103 where it grades
    /// otherwise (falsely in at most 1 of 100 nights), 102 where that cannot be told.
    #[arg(long, value_name = "FILE", conflicts_with = "no_run")]
    pub against: Option<PathBuf>,
    /// Call the judge, also where a recording stands in for it.
    #[arg(long)]
    pub live: bool,
    /// Ask no judge: what is not kept is unscored.
    #[arg(long)]
    pub no_run: bool,
    /// Allow judges that are programs of the project.
    #[arg(long)]
    pub allow_exec: bool,
    /// Stop before judging takes more than so many US dollars.
    #[arg(long, value_name = "USD", value_parser = dollars)]
    pub max_cost: Option<f64>,
    /// Print the numbers as JSON.
    #[arg(long)]
    pub json: bool,
}

/// `shim`
#[derive(Debug, Args)]
pub struct ShimArgs {
    /// Where to write it; default standard output.
    pub file: Option<PathBuf>,
    /// Overwrite a file that is there.
    #[arg(long)]
    pub replace: bool,
}

/// `list`
#[derive(Debug, Args)]
pub struct ListArgs {
    /// What to list.
    #[arg(default_value = "suites")]
    pub what: Listing,
    /// One kind in full: parameters, an example that passes and one that fails.
    pub kind: Option<String>,
}

/// What can be listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Listing {
    /// The suites below `suites/`, with their prompts and models.
    Suites,
    /// The stored runs.
    Runs,
    /// The assertion kinds.
    Assertions,
    /// The answer extractors.
    Extractors,
    /// The instructions of the assertion `instruction`.
    Instructions,
    /// The providers.
    Providers,
    /// The report formats.
    Reports,
    /// The exit codes.
    ExitCodes,
}

/// `doctor`
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// Call nobody: look at what is on this machine only.
    #[arg(long)]
    pub offline: bool,
}

/// `cache`
#[derive(Debug, Subcommand)]
pub enum CacheCommand {
    /// What it holds, from where, how old, and whether its file is whole.
    Stats,
    /// Which answers are kept of a request: its digest or the beginning of one, as `prompt render` shows it.
    Explain {
        /// The request's digest, or at least 6 characters of it.
        request: String,
    },
    /// Take answers out and give the room back.
    Prune {
        /// Those that are older: `30d`, `12h`.
        #[arg(long, value_name = "AGE", value_parser = age)]
        older_than: Option<Duration>,
        /// All but the newest so many.
        #[arg(long, value_name = "N")]
        keep: Option<u64>,
        /// All; also removes a file that is damaged.
        #[arg(long, conflicts_with_all = ["older_than", "keep"])]
        all: bool,
    },
    /// Every answer as a line of JSON, to standard output or a file.
    Export {
        /// The file.
        file: Option<PathBuf>,
    },
}

/// `serve-mock`
#[derive(Debug, Args)]
#[command(after_help = SERVE_MOCK_HELP)]
pub struct ServeMockArgs {
    /// The port on 127.0.0.1; a free one by default.
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    pub port: u16,
    /// How it behaves; without one it answers every request with its last user message.
    #[arg(long, value_name = "FILE")]
    pub script: Option<PathBuf>,
}

const SERVE_MOCK_HELP: &str = "A script is TOML: `answer`, `model`, `likely = { A = 0.7 }` (token probabilities), \
`latency = \"50ms..2s\"`, `pace`, `requests_per_minute`, `tokens_per_minute`, `concurrency`, `key`, `seed`, and rules \
(`[[rule]]`) for some requests: `contains`, `model`, `share`, `first` choose them; `answer`, `likely`, `finish`, `calls`, \
`returned_model`, `latency`, `status`, `code`, `message`, `retry_after`, `fault` say what happens.";

/// `snapshot`
#[derive(Debug, Subcommand)]
pub enum SnapshotCommand {
    /// Accept the outputs of a run on which a snapshot failed, or for which nothing was accepted yet.
    Accept(AcceptArgs),
}

/// `snapshot accept`
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  promptgate snapshot accept suites/support-triage\n  promptgate snapshot accept \
suites/support-triage --case c7 --replace")]
pub struct AcceptArgs {
    /// The suite's folder.
    pub suite: PathBuf,
    /// Only the outputs of this case. Repeatable.
    #[arg(long, value_name = "ID", value_parser = case_id)]
    pub case: Vec<CaseId>,
    /// The run: its id, a unique prefix, or a file. Default: the last one of the suite.
    #[arg(long, value_name = "RUN")]
    pub run: Option<String>,
    /// Take away what was accepted for these cases before.
    #[arg(long)]
    pub replace: bool,
}

/// `prompt`
#[derive(Debug, Subcommand)]
pub enum PromptCommand {
    /// Show a version: digests, model, parameters, variables, sections.
    Show {
        /// The version.
        version: Reference,
        /// The suite's folder. Default: the one suite that has the prompt.
        #[arg(long, value_name = "SUITE")]
        suite: Option<PathBuf>,
    },
    /// Render a version for a case, as it is sent.
    Render(RenderArgs),
    /// Compare two versions section by section.
    Diff {
        /// The version before.
        from: Reference,
        /// The version after.
        to: Reference,
        /// The suite's folder. Default: the one suite that has the prompt.
        #[arg(long, value_name = "SUITE")]
        suite: Option<PathBuf>,
    },
}

/// `prompt render`
#[derive(Debug, Args)]
pub struct RenderArgs {
    /// The version.
    pub version: Reference,
    /// The suite's folder. Default: the one suite that has the prompt.
    #[arg(long, value_name = "SUITE")]
    pub suite: Option<PathBuf>,
    /// The case. Default: the first one.
    #[arg(long, value_name = "ID", value_parser = case_id)]
    pub case: Option<CaseId>,
    /// The model. Default: the first one.
    #[arg(long, value_name = "ID")]
    pub model: Option<String>,
    /// The request as JSON, with its digest.
    #[arg(long)]
    pub json: bool,
}

/// Reads the command line; usage errors end the process with 2, help and version with 0.
pub fn parse() -> Cli {
    Cli::parse()
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }
}
