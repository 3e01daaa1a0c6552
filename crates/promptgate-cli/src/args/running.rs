//! What commands that answer cases have in common.

use std::path::PathBuf;

use clap::Args;
use promptgate_core::format::project::CacheMode;
use promptgate_core::plan::Partition;
use promptgate_core::selection::Selection;

use super::values::{cache_mode, dollars, filter};

/// Where cases are answered and how; shared by `run`, `compare` and `gate`.
#[derive(Debug, Default, Args)]
pub struct Running {
    /// Only this model: its id or the last part of it. Repeatable.
    #[arg(long, value_name = "ID")]
    pub model: Vec<String>,
    /// Only these cases: `tag=vip`, `id=order-*`, `metadata.lang=de|fr`, `!tag=slow`. Repeatable; all must hold.
    #[arg(long, value_name = "KEY=VALUE", value_parser = filter, allow_hyphen_values = true)]
    pub filter: Vec<Selection>,
    /// Repeats per case, over the suite's own.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub trials: Option<u32>,
    /// Trials under way at once, and as many questions to judges.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub concurrency: Option<u32>,
    /// Call the models, even where the suite names recordings.
    #[arg(long)]
    pub live: bool,
    /// Write the answers into the suite's recordings, or all of them into one file. Implies --live and --fresh.
    #[arg(long, value_name = "FILE", num_args = 0..=1, require_equals = true)]
    pub record: Option<Option<PathBuf>>,
    /// Answer again what is stored already. Counted: every further draw is judged more strictly.
    #[arg(long)]
    pub fresh: bool,
    /// Make no call: what is not stored or recorded is missing.
    #[arg(long, conflicts_with_all = ["live", "record", "fresh"])]
    pub no_run: bool,
    /// Only a share of the cases: `hash:1/4` (stable under edits) or `slice:1/4`. Join with `report --merge`.
    #[arg(long, value_name = "HOW:M/N")]
    pub partition: Option<Partition>,
    /// Go on with an interrupted run: its id, a unique prefix, or `latest`.
    #[arg(long, value_name = "RUN", num_args = 0..=1, default_missing_value = "latest", conflicts_with = "fresh")]
    pub resume: Option<String>,
    /// Stop before the run takes more than so many US dollars, judging included.
    #[arg(long, value_name = "USD", value_parser = dollars)]
    pub max_cost: Option<f64>,
    /// Stop before the run takes more tokens, read and written.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub max_tokens: Option<u64>,
    /// Stop before the run makes more calls, failed ones included.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub max_calls: Option<u64>,
    /// Make one attempt a trial; a call that fails is not tried again.
    #[arg(long)]
    pub no_retry: bool,
    /// Stop calling a model once a call to it was given up, which takes some seconds, or none where a rate limit is hours away.
    #[arg(long)]
    pub fail_fast: bool,
    /// How the cache of answers is used: `read-write`, `read` (as a pull request should), `off`.
    #[arg(long, value_name = "MODE", value_parser = cache_mode)]
    pub cache: Option<CacheMode>,
    /// Let suites and settings run the programs they name: `exec` and `python` targets and scorers, `key_command`.
    #[arg(long)]
    pub allow_exec: bool,
    /// Do not ask before a run that takes more than `confirm_above`.
    #[arg(long, short)]
    pub yes: bool,
    /// Stop after this many failed cases.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub max_fail: Option<u64>,
    #[command(flatten)]
    pub reports: Reports,
    /// Nothing is going to be called, so no key is needed: `plan`.
    #[arg(skip)]
    pub only_looks: bool,
    /// What goes on with it is the same command once more, for this run: `score`, with the run as it was named.
    #[arg(skip)]
    pub graded: Option<(String, String)>,
}

impl Running {
    /// Whether answers are recorded.
    pub fn records(&self) -> bool {
        self.record.is_some()
    }

    /// The flags with which a command asks for the same again. What is drawn anew would be drawn once more, so that is left
    /// out, as are how many are asked at a time, which changes no report, the consent to one run and the reports of it. A
    /// recording calls the models, and so does its repetition.
    pub fn words(&self) -> Vec<String> {
        let record = self.record.is_some();
        let cache = self.cache.and_then(|mode| CacheMode::WORDS.iter().find(|(_, known)| *known == mode));
        let set = [
            ("--live", self.live || record),
            ("--no-run", self.no_run),
            ("--no-retry", self.no_retry),
            ("--fail-fast", self.fail_fast),
            ("--allow-exec", self.allow_exec),
        ];
        let mut words = Words::default();
        words.each("--model", &self.model);
        words.each("--filter", &self.filter);
        words.each("--partition", self.partition);
        words.each("--trials", self.trials);
        words.each("--max-cost", self.max_cost);
        words.each("--max-tokens", self.max_tokens);
        words.each("--max-calls", self.max_calls);
        words.each("--cache", cache.map(|(word, _)| word));
        words.each("--max-fail", self.max_fail);
        words.0.extend(set.into_iter().filter(|(_, is_set)| *is_set).map(|(flag, _)| flag.to_owned()));
        words.0
    }
}

/// Arguments as they are typed.
#[derive(Debug, Default)]
pub struct Words(pub Vec<String>);

impl Words {
    /// A flag, once for each value.
    pub fn each<T: ToString>(&mut self, flag: &str, values: impl IntoIterator<Item = T>) {
        for value in values {
            self.0.extend([flag.to_owned(), value.to_string()]);
        }
    }
}

/// What is written at the end.
#[derive(Debug, Default, Args)]
pub struct Reports {
    /// A report: `terminal`, `json`, `jsonl`, `junit`, `markdown`, `csv`, to standard output or, with `=PATH`, to a file.
    /// A path alone tells its format by its suffix. Repeatable.
    #[arg(long = "report", value_name = "FORMAT[=PATH]")]
    pub reports: Vec<String>,
}
