//! `suite.toml`: read whole, with every mistake that can be told at its place. The complete example with every key is
//! `fixtures/formats/suite.toml`.

mod derived;
mod gate;
mod model;
mod report;

pub use super::assertion::ReadFile;
pub(crate) use gate::settings as gate_settings;
pub(crate) use model::{judges, list as models};

use std::collections::BTreeSet;

use super::assertion;
use super::cases::CasesFormat;
use super::node::Node;
use super::selection::PATH_ROOTS;
use super::source::Source;
use super::table::Fields;
use crate::assertion::AssertionSpec;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::name::{MetricName, PromptId, PromptName, SuiteName};
use crate::nearest::did_you_mean;
use crate::port::TreePath;
use crate::reference::Reference;
use crate::score::Tier;
use crate::suite::{CasesSpec, Suite, SuiteDefaults};

/// More repeats than this are a slip.
const MOST_TRIALS: u32 = 10_000;

/// Keys that users look for here and that `promptgate.toml` has.
const OF_THE_PROJECT: [&str; 9] =
    ["concurrency", "retries", "prices", "price", "provider", "providers", "allow_exec", "exec", "store"];

/// Whether a check may name a metric that no assertion of the suite feeds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Metrics {
    /// It may not: no case has assertions of its own.
    OfTheSuite,
    /// Cases may feed it; [`Suite::check_metrics`] says so once they are read.
    OfCasesToo,
}

/// Reads a suite none of whose cases feeds a metric of its own.
pub fn parse(text: &str, file: &str, defaults: &SuiteDefaults) -> Result<Suite, Diagnostics> {
    read(text, file, defaults, Metrics::OfTheSuite, &|_| Err("this text is read alone".to_owned()))
}

/// Reads a suite whose cases may have assertions that feed metrics. The names of metrics in `[[gate.check]]` are left to
/// [`Suite::check_metrics`], which must be called when the cases have been read. `files` reads the files of assertions
/// that the suite uses, by their paths below the project's folder.
pub fn parse_before_cases(
    text: &str,
    file: &str,
    defaults: &SuiteDefaults,
    files: &ReadFile<'_>,
) -> Result<Suite, Diagnostics> {
    read(text, file, defaults, Metrics::OfCasesToo, files)
}

fn read(
    text: &str,
    file: &str,
    defaults: &SuiteDefaults,
    metrics: Metrics,
    files: &ReadFile<'_>,
) -> Result<Suite, Diagnostics> {
    let source = Source::new(file, text);
    let suite = Node::of_toml(&source).and_then(|node| suite(&source, &node, defaults, metrics, files));
    source.finish(suite)
}

fn suite(
    source: &Source<'_>,
    node: &Node,
    defaults: &SuiteDefaults,
    metrics: Metrics,
    files: &ReadFile<'_>,
) -> Option<Suite> {
    let fields = Fields::of(source, node, "a suite")?;
    fields.require("name", "write `name = \"...\"`, the name of the suite's folder");
    fields.require("prompt", "write `prompt = \"...\"`, the name of the prompt under test");
    fields.require("cases", "write `[cases]` and below it `file = \"cases.jsonl\"`");
    let name = fields.parsed("name", "a suite is named like its folder", |text| SuiteName::new(text));
    let prompt = prompt(&fields);
    let candidate = fields.parsed("candidate", REFERENCE, str::parse::<Reference>);
    let trials = fields.small_count("trials", 1..=MOST_TRIALS).or(defaults.trials).unwrap_or(1);
    let seed = fields.count("seed", 0..=i64::MAX as u64).or(defaults.seed).unwrap_or(7);
    let (note, setup) = (fields.line("note"), fields.line("setup"));
    let vars = vars(&fields, defaults);
    let models = fields.entry("model").map_or_else(|| defaults.models.clone(), |entry| models(source, &entry.value));
    let judges = fields.entry("judge").map_or_else(|| defaults.judges.clone(), |entry| judges(source, &entry.value));
    let cases = fields.entry("cases").and_then(|entry| cases(Fields::of(source, &entry.value, "`[cases]`")?));
    let asserts = fields.list("assert", "`[[assert]]` tables").unwrap_or_default();
    let asserts = assertion::list_with_files(source, asserts, files);
    let of_cases_too = metrics == Metrics::OfCasesToo;
    let mut fed = fed_metrics(&asserts);
    let derived = fields.list("metric", "`[[metric]]` tables").unwrap_or_default();
    let derived = derived::list(source, derived, (&fed, of_cases_too));
    fed.extend(derived.iter().map(|metric| metric.name.clone()));
    let by = fields.entry("report").map(|entry| report::by(source, &entry.value)).unwrap_or_default();
    let known = gate::Known { fed, of_cases_too, trials };
    let gate = fields.entry("gate").and_then(|entry| gate::policy(source, &entry.value, &defaults.gate, &known));
    let (gate, warnings) = gate.map_or((None, Vec::new()), |(policy, warnings)| (Some(policy), warnings));
    if gate.is_some() {
        without_critical_model(&fields, &models);
    }
    fields.finish_with(belongs);
    let prompt = prompt?;
    let candidate = candidate.unwrap_or_else(|| Reference::File(PromptId { name: prompt.clone(), variant: None }));
    let places = node.places(source).into_iter().collect();
    Some(Suite {
        name: name?,
        note,
        setup,
        prompt,
        candidate,
        trials,
        seed,
        vars,
        models,
        judges,
        cases: cases?,
        asserts,
        metrics: derived,
        by,
        gate,
        warnings,
        places,
    })
}

pub(crate) const REFERENCE: &str =
    "write `triage`, `triage.cot`, `triage@git:main`, `triage@sha256:ab12`, `run:<id>` or a path";

fn prompt(fields: &Fields<'_, '_, '_>) -> Option<PromptName> {
    let help = "write the file name before its first dot; a variant is chosen with `candidate = \"triage.cot\"`";
    fields.parsed("prompt", help, |text| PromptName::new(text))
}

fn vars(fields: &Fields<'_, '_, '_>, defaults: &SuiteDefaults) -> serde_json::Map<String, serde_json::Value> {
    let mut vars = defaults.vars.clone();
    vars.extend(fields.map("vars").unwrap_or_default());
    vars
}

fn without_critical_model(fields: &Fields<'_, '_, '_>, models: &[crate::suite::SuiteModel]) {
    if !models.is_empty() && models.iter().all(|model| model.tier == Tier::Advisory) {
        let help = "make one model critical (the default); without one the gate could not block";
        fields.mistake("model", "every model of this suite is advisory", help);
    }
}

fn belongs(key: &str) -> Option<String> {
    let of_project = OF_THE_PROJECT.contains(&key);
    of_project.then(|| "settings of that kind belong to promptgate.toml, not to a suite".to_owned())
}

fn cases(fields: Fields<'_, '_, '_>) -> Option<CasesSpec> {
    fields.require("file", "write `file = \"cases.jsonl\"`, or \"-\" for standard input");
    let file = path(&fields, "file");
    if file.as_deref().is_some_and(|file| CasesFormat::of_file(file).is_none()) {
        fields.mistake(
            "file",
            "this is no file of cases",
            "known: `.jsonl`, `.csv`, `.toml`, and `-` for standard input",
        );
    }
    let inputs = path(&fields, "inputs");
    if inputs.as_deref().is_some_and(|inputs| !inputs.ends_with(".jsonl")) {
        fields.mistake("inputs", "this is no file of inputs", "inputs are JSONL: {case, prompt?, model?, vars} a line");
    }
    let cluster = fields.parsed("cluster", "write a dotted path such as \"metadata.thread\"", cluster_path);
    fields.finish();
    Some(CasesSpec { file: file?, inputs, cluster })
}

fn cluster_path(text: &str) -> Result<String, String> {
    if text == "id" { Ok(text.to_owned()) } else { dotted_path(text) }
}

/// A path to a value that several cases may share.
fn dotted_path(text: &str) -> Result<String, String> {
    let root = text.split('.').next().unwrap_or(text);
    if text.split('.').any(str::is_empty) {
        return Err(format!("`{text}` is not a dotted path"));
    }
    if PATH_ROOTS.contains(&root) {
        return Ok(text.to_owned());
    }
    Err(format!("a case has no `{root}`: {}", did_you_mean(root, PATH_ROOTS)))
}

/// A path below the suite's folder (or, in `promptgate.toml`, the project's).
pub(crate) fn path(fields: &Fields<'_, '_, '_>, key: &'static str) -> Option<String> {
    let help = "write a path below this file's folder, with `/` between folders and without `..`";
    fields.parsed(key, help, |text| match TreePath::new(text) {
        Ok(path) if path.as_str().is_empty() => Err("this names no file".to_owned()),
        Ok(path) if text.chars().any(char::is_control) => Err(format!("`{path}` holds a control character")),
        Ok(path) => Ok(path.as_str().to_owned()),
        Err(error) => Err(error.to_string()),
    })
}

/// The metrics that assertions feed, members of sets included.
pub fn fed_metrics(asserts: &[AssertionSpec]) -> BTreeSet<MetricName> {
    let mut fed = BTreeSet::new();
    for assert in asserts {
        fed.extend(assert.metric.clone());
        fed.extend(fed_metrics(&assert.members));
    }
    fed
}

impl Suite {
    /// The mistakes of checks that name a metric which neither the suite's assertions nor `of_cases` (what the cases' own
    /// assertions feed, [`fed_metrics`]) feed.
    pub fn check_metrics(&self, of_cases: &BTreeSet<MetricName>) -> Diagnostics {
        let mut fed = fed_metrics(&self.asserts);
        fed.extend(of_cases.iter().cloned());
        let mut mistakes = self.check_formulas(&mut fed, of_cases);
        let checks = self.gate.iter().flat_map(|gate| gate.checks.iter().enumerate());
        let unknown = checks.filter_map(|(index, check)| {
            let (message, help) = gate::unknown_metric(check.metric()?.as_str(), &fed)?;
            let diagnostic = Diagnostic::new(message).help(help);
            Some(self.at(&format!("gate.check.{index}.metric"), diagnostic))
        });
        mistakes.extend(Diagnostics(unknown.collect()));
        mistakes
    }

    /// The mistakes of formulas that name what nothing before them feeds; adds what they feed.
    fn check_formulas(&self, fed: &mut BTreeSet<MetricName>, of_cases: &BTreeSet<MetricName>) -> Diagnostics {
        let mut mistakes = Diagnostics::default();
        for (index, metric) in self.metrics.iter().enumerate() {
            if let Some((message, help)) = derived::mistake(metric, fed) {
                let mistake = Diagnostic::new(message).help(help);
                mistakes.push(self.at(&format!("metric.{index}.formula"), mistake));
            }
            if of_cases.contains(&metric.name) {
                let message = format!("an assertion of a case feeds the metric `{}` already", metric.name);
                let mistake = Diagnostic::new(message).help("choose another name");
                mistakes.push(self.at(&format!("metric.{index}.name"), mistake));
            }
            fed.insert(metric.name.clone());
        }
        mistakes
    }

    /// A diagnostic at the place of a key (`gate.check.0.metric`), where the suite's file has it.
    pub fn at(&self, key: &str, diagnostic: Diagnostic) -> Diagnostic {
        match self.places.get(key) {
            Some(at) => diagnostic.at(at.clone()),
            None => diagnostic,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::gate::{Basis, Limit, Rule, Subject};

    const HEAD: &str = "name = \"s\"\nprompt = \"p\"\ncases.file = \"c.jsonl\"\n";

    fn errors(rest: &str) -> String {
        let parsed = parse(&format!("{HEAD}{rest}"), "suite.toml", &SuiteDefaults::default());
        parsed.map(|suite| panic!("{rest} was read: {suite:?}")).unwrap_err().to_string()
    }

    /// Checks under a gate with a baseline.
    fn check_errors(checks: &str) -> String {
        errors(&format!(
            "gate.baseline = \"p\"\n[[assert]]\nkind = \"json\"\nmetric = \"tone\"\n[[gate.check]]\n{checks}"
        ))
    }

    fn suite(rest: &str) -> Suite {
        parse(&format!("{HEAD}{rest}"), "suite.toml", &SuiteDefaults::default()).unwrap()
    }

    #[test]
    fn the_least_suite_has_the_documented_defaults() {
        let suite =
            suite("[gate]\nbaseline = \"p@git:main\"\n[[gate.check]]\nmetric = \"pass_rate\"\nallowed_drop = 0.05\n");
        assert_eq!((suite.trials, suite.seed, suite.candidate.to_string()), (1, 7, "p".into()));
        let gate = suite.gate.unwrap();
        assert_eq!((gate.confidence, gate.max_missing, gate.flips), (0.95, 0.05, 9_999));
        assert_eq!(suite.places["gate.check.0.metric"].line, 7);
    }

    #[test]
    fn every_form_of_a_limit_is_read() {
        let limit = |check: &str| {
            let suite = suite(&format!("gate.baseline = \"p\"\n[[gate.check]]\n{check}"));
            match &suite.gate.unwrap().checks[0].subject {
                Subject::Metric { limit, .. } => *limit,
                Subject::Rule { .. } => None,
            }
        };
        assert_eq!(limit("metric = \"pass_rate\"\nallowed_drop = \"5pt\""), Some(Limit::AllowedDrop(0.05)));
        assert_eq!(limit("metric = \"cost\"\nallowed_rise = \"25%\""), Some(Limit::AllowedRise(0.25)));
        assert_eq!(limit("metric = \"cost\"\nallowed_rise = 0.25"), Some(Limit::AllowedRise(0.25)));
        assert_eq!(limit("metric = \"pass_rate\"\nmin = \"90%\""), Some(Limit::Min(0.9, Basis::Value)));
        let latency = "metric = \"latency\"\nmax = \"4s\"\nbasis = \"bound\"\ntier = \"critical\"";
        assert_eq!(limit(latency), Some(Limit::Max(4_000.0, Basis::Bound)));
    }

    #[test]
    fn rules_have_their_own_defaults() {
        let suite = suite(
            "gate.baseline = \"p\"\n[[gate.check]]\nrule = \"must-pass\"\n[[gate.check]]\nrule = \"no-new-break\"",
        );
        let rules: Vec<Rule> = suite
            .gate
            .unwrap()
            .checks
            .iter()
            .filter_map(|check| match check.subject {
                Subject::Rule { rule, .. } => Some(rule),
                Subject::Metric { .. } => None,
            })
            .collect();
        assert_eq!(rules, [Rule::MustPass { confirm: 0 }, Rule::NoNewBreak { max_broken: 0, confirm: 3 }]);
    }

    #[test]
    fn a_latency_check_is_advisory_unless_it_says_otherwise() {
        let error = errors("gate.baseline = \"p\"\n[[gate.check]]\nmetric = \"latency\"\nallowed_rise = \"20%\"");
        insta::assert_snapshot!(error, @r#"suite.toml:4:1: this gate has no critical check, so it could not block; add a check that decides, such as `metric = "pass_rate"` with `allowed_drop = "5pt"`"#);
    }

    #[test]
    fn an_allowed_drop_of_0_is_legal_and_warned_of() {
        let suite = suite("gate.baseline = \"p\"\n[[gate.check]]\nmetric = \"pass_rate\"\nallowed_drop = 0");
        insta::assert_snapshot!(suite.warnings[0], @"suite.toml:7:1: `allowed_drop` is 0; only a candidate that is proven better can pass; allow a little, or mean it");
    }

    #[test]
    fn a_gate_without_a_baseline_is_legal_with_floors_and_must_pass_alone() {
        suite("[[gate.check]]\nmetric = \"pass_rate\"\nmin = 0.9\n[[gate.check]]\nrule = \"must-pass\"");
        insta::assert_snapshot!(errors("[[gate.check]]\nmetric = \"pass_rate\"\nallowed_drop = \"5pt\""), @r#"suite.toml:4:1: this check compares with a baseline, and the gate has none; write `baseline = "..."` under `[gate]`; floors (`min`), ceilings (`max`) and `must-pass` do without"#);
        insta::assert_snapshot!(errors("[[gate.check]]\nrule = \"no-new-break\""), @r#"suite.toml:4:1: this check compares with a baseline, and the gate has none; write `baseline = "..."` under `[gate]`; floors (`min`), ceilings (`max`) and `must-pass` do without"#);
    }

    #[test]
    fn a_metric_that_cases_feed_is_settled_when_they_are_read() {
        let text = format!("{HEAD}[[gate.check]]\nmetric = \"tone\"\nmin = 0.9");
        let suite =
            parse_before_cases(&text, "suite.toml", &SuiteDefaults::default(), &|_| Err(String::new())).unwrap();
        assert_eq!(suite.check_metrics(&BTreeSet::from([MetricName::new("tone").unwrap()])), Diagnostics::default());
        insta::assert_snapshot!(suite.check_metrics(&BTreeSet::new()), @r#"suite.toml:5:1: no assertion feeds the metric `tone`; did you mean `tokens`?; an assertion feeds a metric by `metric = "tone"`"#);
        assert!(parse(&text, "suite.toml", &SuiteDefaults::default()).is_err());
    }

    #[test]
    fn a_projects_defaults_hold_where_a_suite_says_nothing() {
        let text = "[suite]\ntrials = 5\nvars = { a = 1, b = 1 }\n[[suite.model]]\nid = \"x/y\"\n[suite.gate]\nconfidence = 0.9\nstrict = true";
        let defaults = crate::format::project::parse(text, "promptgate.toml").unwrap().suite;
        let text = format!("{HEAD}vars.b = 2\n[gate]\nstrict = false\n[[gate.check]]\nrule = \"must-pass\"");
        let suite = parse(&text, "suite.toml", &defaults).unwrap();
        assert_eq!((suite.trials, suite.models.len()), (5, 1));
        assert_eq!(serde_json::to_string(&suite.vars).unwrap(), r#"{"a":1,"b":2}"#);
        let gate = suite.gate.unwrap();
        assert_eq!((gate.confidence, gate.strict), (0.9, false));
    }

    #[test]
    fn mistakes_in_the_head_are_told_at_once() {
        let parsed = parse(
            "nam = 1\ntrials = 0\nseed = -1\nconcurrency = 3\n[vars]\nx = nan\n",
            "suite.toml",
            &SuiteDefaults::default(),
        );
        insta::assert_snapshot!(parsed.unwrap_err(), @r#"
        suite.toml:1:1: a suite has no `name`; write `name = "..."`, the name of the suite's folder
        suite.toml:1:1: a suite has no `prompt`; write `prompt = "..."`, the name of the prompt under test
        suite.toml:1:1: a suite has no `cases`; write `[cases]` and below it `file = "cases.jsonl"`
        suite.toml:1:1: a suite has no key `nam`; did you mean `name`?
        suite.toml:2:1: `trials` in a suite is 0; write a whole number from 1 to 10000
        suite.toml:3:1: `seed` in a suite is -1; write a whole number of at least 0
        suite.toml:4:1: a suite has no key `concurrency`; settings of that kind belong to promptgate.toml, not to a suite
        suite.toml:6:5: this number is not finite; write a smaller number, or a text in quotes
        "#);
        insta::assert_snapshot!(errors("name = \"t\"\n"), @"suite.toml:4:1: this is not TOML: duplicate key; keep one of the two");
        insta::assert_snapshot!(errors("candidate = \"a b\"\nnote = \"\"\nsetup = \"\"\"a\nb\"\"\"\n"), @r"
        suite.toml:4:1: `candidate` in a suite: `a b` is not a reference to a version: only ASCII letters, digits, `-` and `_` are allowed; write `triage`, `triage.cot`, `triage@git:main`, `triage@sha256:ab12`, `run:<id>` or a path
        suite.toml:5:1: `note` in a suite is not one line of text; write one line, or leave it out
        suite.toml:6:1: `setup` in a suite is not one line of text; write one line, or leave it out
        ");
        insta::assert_snapshot!(errors("report.by = [\"meta.lang\", \"tags\", 3, \"vars..x\", \"vars.a\", \"vars.a\"]\n"), @r#"
        suite.toml:4:14: a case has no `meta`: known: `vars`, `metadata`, `expected`, `cluster`, `origin`, `threshold`; write dotted paths over the case: by = ["metadata.lang", "vars.tier"]
        suite.toml:4:27: `tags` need not be named: metrics are told by tag in any case; write dotted paths over the case: by = ["metadata.lang", "vars.tier"]
        suite.toml:4:35: `by` holds a number; write dotted paths over the case: by = ["metadata.lang", "vars.tier"]
        suite.toml:4:38: `vars..x` is not a dotted path; write dotted paths over the case: by = ["metadata.lang", "vars.tier"]
        suite.toml:4:59: `vars.a` stands here twice; write dotted paths over the case: by = ["metadata.lang", "vars.tier"]
        "#);
        for (text, says) in [("[]", "lists nothing"), ("3", "holds a number"), ("\"id\"", "a case has no `id`")] {
            let told = errors(&format!("report.by = {text}\n"));
            assert!(told.contains(says), "{told}");
        }
        let by = |text: &str| suite(&format!("report.by = {text}\n")).by;
        assert_eq!(by("\"cluster\""), ["cluster"]);
        assert_eq!(by("[\"vars.a\", \"metadata.b.c\"]"), ["vars.a", "metadata.b.c"]);
        insta::assert_snapshot!(errors("cases.cluster = \"meta.thread\"\ncases.inputs = \"/etc/passwd\"\n"), @r#"
        suite.toml:4:7: `cluster` in `[cases]`: a case has no `meta`: known: `vars`, `metadata`, `expected`, `cluster`, `origin`, `threshold`; write a dotted path such as "metadata.thread"
        suite.toml:5:7: `inputs` in `[cases]`: `/etc/passwd` leaves the project: only relative paths with `/` between segments are allowed; write a path below this file's folder, with `/` between folders and without `..`
        "#);
        let paths = |file: &str| {
            parse(&format!("name = \"s\"\nprompt = \"p\"\ncases.file = {file:?}"), "s", &SuiteDefaults::default())
        };
        for file in
            ["../c.jsonl", "/c.jsonl", "a/../../c.jsonl", "..\\c.jsonl", "C:c.jsonl", "c.json", "", "a\u{0}.jsonl"]
        {
            assert!(paths(file).is_err(), "{file}");
        }
        assert_eq!(paths("./a//c.csv").unwrap().cases.file, "a/c.csv");
        assert_eq!(paths("-").unwrap().cases.file, "-");
    }

    #[test]
    fn mistakes_in_models_are_told_at_once() {
        insta::assert_snapshot!(errors("[[model]]\nid = \"gpt\"\ntimeout = \"0s\"\ntier = \"minor\"\nrecording = { fil = \"x\" }\n"), @r#"
        suite.toml:5:1: `id` in `[[model]]`: `gpt` is not a model id: expected `provider/model`, such as `openai/gpt-4.1-mini`; write `id = "openai/gpt-4.1-mini"`, or the model alone beside `provider = "openai"`
        suite.toml:6:1: `timeout` in `[[model]]`: `0s` is no time at all; write a number with its unit: "500ms", "60s", "5m", "2h" or "14d"
        suite.toml:7:1: `tier` in `[[model]]` is "minor"; known: `critical`, `advisory`
        suite.toml:8:13: `recording` has no `file`; write `recording = { file = "recordings/x.jsonl", bound = false }`
        suite.toml:8:15: `recording` has no key `fil`; did you mean `file`?
        "#);
        insta::assert_snapshot!(errors("[[model]]\nid = \"a/b\"\n[[model]]\nprovider = \"a\"\nid = \"b\"\nrecording = \"../r.jsonl\"\ncases = {}\n"), @r#"
        suite.toml:8:1: the model `a/b` stands here twice; keep one of the two
        suite.toml:9:1: `recording` in `[[model]]`: `../r.jsonl` leaves the project: `..` is not allowed; write a path below this file's folder, with `/` between folders and without `..`
        suite.toml:10:9: `cases` of a model is empty; leave it out to mean every case, or write a table such as { tag = "vip" } or { id = "fr-*", not = { tag = "slow" } }
        "#);
        insta::assert_snapshot!(errors("[[model]]\nid = \"a/b\"\ntier = \"advisory\"\n[[gate.check]]\nrule = \"must-pass\""), @"suite.toml:4:3: every model of this suite is advisory; make one model critical (the default); without one the gate could not block");
    }

    #[test]
    fn mistakes_in_assertions_are_told_at_once() {
        insta::assert_snapshot!(errors("[[assert]]\nname = \"a\"\n[[assert]]\nkind = \"equals\"\nname = \"a\"\nweight = 0\nthreshold = 0\nnot = 1\n[[assert]]\nkind = \"json\"\nname = \"a\"\nmetric = \"latency\"\nwhen = {}\nextract = 3\n"), @r#"
        suite.toml:4:1: an assertion has no `kind`; write `kind = "equals"` or another kind; `promptgate list` shows them
        suite.toml:9:1: `weight` in `equals` is 0; write a number above 0; an assertion that shall not decide says `tier = "advisory"`
        suite.toml:10:1: `threshold` in `equals` is 0; write a number above 0 and at most 1; 0 would always pass
        suite.toml:11:1: `not` in `equals` is a number; write `true` or `false`, without quotes
        suite.toml:14:1: two assertions are called `a`; give one of them another `name`
        suite.toml:15:1: `latency` is the name of a metric that every suite has; choose another name, such as "latency_score"
        suite.toml:16:8: `when` is empty; leave it out to mean every case, or write a table such as { tag = "vip" } or { id = "fr-*", not = { tag = "slow" } }
        suite.toml:17:1: an extractor is a table; write "output", a table such as { json = "/queue" }, or a list of such tables
        "#);
        insta::assert_snapshot!(errors("[[assert]]\nkind = \"all-of\"\n[[assert]]\nkind = \"any-of\"\nassert = []\n[[assert]]\nkind = \"weighted\"\nassert = [{ kind = \"a\", name = \"x\" }, { kind = \"b\", name = \"x\", weight = -1 }]\n"), @r#"
        suite.toml:4:1: `all-of` has no `assert`; write `assert = [{ kind = "..." }, ...]`
        suite.toml:8:1: `any-of` has no members; a set holds at least one assertion
        suite.toml:11:53: two assertions are called `x`; give one of them another `name`
        suite.toml:11:65: `weight` in `b` is -1; write a number above 0; an assertion that shall not decide says `tier = "advisory"`
        "#);
    }

    #[test]
    fn mistakes_in_a_gate_are_told_at_once() {
        insta::assert_snapshot!(errors("[gate]\nbaseline = []\nrequire = \"not-worse\"\nscope = \"these-cases\"\nconfidence = 95\nmax_missing = 1\nmax_age = \"14\"\nflips = 0\nstrikt = true\n"), @r#"
        suite.toml:4:1: this gate has no critical check, so it could not block; add a check that decides, such as `metric = "pass_rate"` with `allowed_drop = "5pt"`
        suite.toml:5:1: `baseline` lists nothing; name a version, or leave it out
        suite.toml:6:1: `require` in `[gate]` is "not-worse"; did you mean `shown-not-worse`?
        suite.toml:7:1: `these-cases` needs at least two trials a case; write `trials = 3` or more at the top of the suite
        suite.toml:8:1: `confidence` in `[gate]` is 95; write a number above 0.5 and below 1, such as 0.95
        suite.toml:9:1: `max_missing` in `[gate]` is 1; write a share from 0 to below 1, such as 0.05
        suite.toml:10:1: `max_age` in `[gate]`: `14` is not a duration; write a number with its unit: "500ms", "60s", "5m", "2h" or "14d"
        suite.toml:11:1: `flips` in `[gate]` is 0; write a whole number from 1 to 10000000
        suite.toml:12:1: `[gate]` has no key `strikt`; did you mean `strict`?
        "#);
        insta::assert_snapshot!(errors("gate.baseline = [\"p\", \"p\", 3, \"p@svn:1\"]\n[[gate.check]]\nrule = \"must-pass\""), @r"
        suite.toml:4:23: the baseline `p` stands here twice; keep one of the two
        suite.toml:4:28: a baseline is a number; write `triage`, `triage.cot`, `triage@git:main`, `triage@sha256:ab12`, `run:<id>` or a path
        suite.toml:4:31: `baseline`: `p@svn:1` is not a reference to a version: known forms are `@git:<rev>`, `@sha256:<prefix>` and `@<environment>`; write `triage`, `triage.cot`, `triage@git:main`, `triage@sha256:ab12`, `run:<id>` or a path
        ");
    }

    #[test]
    fn a_check_is_of_one_kind_and_has_one_limit_that_fits() {
        let metric = |rest: &str| check_errors(&format!("metric = \"pass_rate\"\n{rest}"));
        insta::assert_snapshot!(check_errors("tier = \"critical\""), @"suite.toml:8:1: this check has neither `metric` nor `rule`; a check holds a metric to a limit, or cases to a rule: write one of the two");
        insta::assert_snapshot!(check_errors("metric = \"tone\"\nrule = \"must-pass\"\nmin = 0.5"), @"suite.toml:8:1: this check has both `metric` and `rule`; a check holds a metric to a limit, or cases to a rule: write one of the two");
        insta::assert_snapshot!(check_errors("metric = \"tona\"\nmin = 0.5"), @r#"suite.toml:9:1: no assertion feeds the metric `tona`; did you mean `tone`?; an assertion feeds a metric by `metric = "tona"`"#);
        insta::assert_snapshot!(metric(""), @r#"suite.toml:9:1: this critical check has no limit; write `allowed_drop = "5pt"`, `min` or `max`; or `tier = "advisory"` to have it shown only"#);
        insta::assert_snapshot!(metric("min = 0.5\nmax = 0.9"), @"suite.toml:11:1: this check has two limits, `min` and `max`; write a check for each");
        insta::assert_snapshot!(metric("allowed_drop = 5"), @r#"suite.toml:10:1: `allowed_drop` is 5, the whole range or more; did you mean "5pt"? write points such as "5pt", or a share such as 0.05: at least 0 and below 1"#);
        insta::assert_snapshot!(metric("allowed_drop = \"5%\""), @r#"suite.toml:10:1: a percentage could be of the baseline or of the whole; write points such as "5pt", or a share such as 0.05: at least 0 and below 1"#);
        insta::assert_snapshot!(metric("allowed_drop = \"100pt\""), @r#"suite.toml:10:1: `allowed_drop` is the whole range or more, so nothing could fail; write points such as "5pt", or a share such as 0.05: at least 0 and below 1"#);
        insta::assert_snapshot!(metric("allowed_drop = -0.1"), @r#"suite.toml:10:1: `allowed_drop` is below 0; write points such as "5pt", or a share such as 0.05: at least 0 and below 1"#);
        insta::assert_snapshot!(metric("allowed_drop = true"), @r#"suite.toml:10:1: `allowed_drop` in `[[gate.check]]` is true; write points such as "5pt", or a share such as 0.05: at least 0 and below 1"#);
        insta::assert_snapshot!(metric("allowed_rise = \"5%\""), @r#"suite.toml:10:1: only cost, tokens and latency have an `allowed_rise`; for pass rates and scores write `allowed_drop = "5pt"`"#);
        insta::assert_snapshot!(metric("allowed_drop = 0.05\nbasis = \"bound\"\nmax_broken = 1\ncases = { tag = \"x\" }"), @r"
        suite.toml:11:1: `basis` belongs to `min` or `max`; leave it out; comparisons always rest on a bound
        suite.toml:12:1: `max_broken` belongs to a check with `rule`; a check of a metric has `slice` and one limit
        suite.toml:13:1: `cases` belongs to a check with `rule`; a check of a metric has `slice` and one limit
        ");
        insta::assert_snapshot!(metric("min = 0"), @r#"suite.toml:10:1: `min` cannot be that for pass_rate; write a share such as 0.9 or "90%": above 0 and at most 1"#);
        insta::assert_snapshot!(check_errors("metric = \"cost\"\nallowed_drop = 0.05"), @r#"suite.toml:10:1: an amount has no `allowed_drop`: less is better; for cost, tokens and latency write `allowed_rise = "10%"`"#);
        insta::assert_snapshot!(check_errors("metric = \"cost\"\nallowed_rise = 10"), @r#"suite.toml:10:1: `allowed_rise` is 10; did you mean "10%"? To double and more, write it in percent: "1000%""#);
        insta::assert_snapshot!(check_errors("metric = \"tokens\"\nmax = \"4s\""), @"suite.toml:10:1: `max` cannot be that for tokens; write a number of tokens above 0");
        insta::assert_snapshot!(check_errors("rule = \"must-pass\"\nmax_broken = 1\nslice = { tag = \"a\" }\nallowed_drop = 0.05"), @r#"
        suite.toml:10:1: `must-pass` is absolute and has no `max_broken`; leave it out, or use `rule = "no-new-break"`
        suite.toml:11:1: `slice` belongs to a check with `metric`; a rule has `cases`, `confirm` and `tier`
        suite.toml:12:1: `allowed_drop` belongs to a check with `metric`; a rule has `cases`, `confirm` and `tier`
        "#);
        insta::assert_snapshot!(check_errors("rule = \"never-break\"\nconfirm = -1"), @r#"
        suite.toml:9:1: `rule` in `[[gate.check]]` is "never-break"; did you mean `no-new-break`?
        suite.toml:10:1: `confirm` in `[[gate.check]]` is -1; write a whole number from 0 to 1000
        "#);
        insta::assert_snapshot!(check_errors("metric = \"tone\"\nallowed_drop = 0.05\nslice = { tag = [] }\nslicee = 1"), @r"
        suite.toml:11:11: `tag` lists nothing, so no case could fit; name at least one value
        suite.toml:12:1: `[[gate.check]]` has no key `slicee`; did you mean `slice`?
        ");
    }

    #[test]
    fn derived_metrics_name_what_stands_before_them() {
        let fed = "[[assert]]\nkind = \"json\"\nmetric = \"tone\"\n";
        let read = suite(&format!(
            "{fed}[[metric]]\nname = \"a\"\nformula = \"1 - tone\"\n[[metric]]\nname = \"b\"\nformula = \"a * tone\"\n\
             [gate]\nbaseline = \"p\"\n[[gate.check]]\nmetric = \"b\"\nallowed_drop = 0.05\n"
        ));
        let told: Vec<String> =
            read.metrics.iter().map(|metric| format!("{} = {}", metric.name, metric.formula)).collect();
        assert_eq!(told, ["a = 1 - tone", "b = a * tone"]);
        for (metric, says) in [
            ("name = \"a\"\nformula = \"1 - tome\"", "nothing before `a` feeds the metric `tome`"),
            ("name = \"a\"\nformula = \"a + tone\"", "nothing before `a` feeds the metric `a`"),
            ("name = \"tone\"\nformula = \"tone\"", "there is a metric `tone` already"),
            ("name = \"cost\"\nformula = \"tone\"", "`cost` is the name of a metric that every suite has"),
            ("name = \"a\"\nformula = \"1 +\"", "the formula ends where a number or a metric belongs (character 4)"),
            ("name = \"a\"\nformula = \"1 + 1\"", "names no metric"),
            ("name = \"a\"", "has no `formula`"),
            ("formula = \"tone\"", "has no `name`"),
            ("name = \"a\"\nformula = \"tone\"\nweight = 1", "has no key `weight`"),
            ("name = \"a\"\nformula = 7", "`formula` in a derived metric is a number"),
        ] {
            let told = errors(&format!("{fed}[[metric]]\n{metric}\n"));
            assert!(told.contains(says) && told.contains("suite.toml:"), "{metric}: {told}");
        }
    }

    #[test]
    fn assertions_of_a_file_stand_where_it_is_used() {
        let polite =
            "[[assert]]\nkind = \"contains\"\nvalue = \"please\"\n[[assert]]\nkind = \"json\"\nname = \"form\"\n";
        let files = |path: &TreePath| match path.as_str() {
            "suites/shared/polite.toml" => Ok(polite.to_owned()),
            "broken.toml" => Ok("[[assert]]\nkind = \"json\"\nweigth = 0\nweight = 0\n".to_owned()),
            "empty.toml" => Ok("note = \"x\"\n".to_owned()),
            "nested.toml" => Ok("[[assert]]\nuse = \"nested.toml\"\n".to_owned()),
            _ => Err("there is no such file".to_owned()),
        };
        let read = |asserts: &str| {
            parse_before_cases(&format!("{HEAD}{asserts}"), "suite.toml", &SuiteDefaults::default(), &files)
        };
        let used = "[[assert]]\nuse = \"suites/shared/polite.toml\"\n";
        let suite = read(&format!("[[assert]]\nkind = \"json\"\n{used}[[assert]]\nkind = \"json\"\n")).unwrap();
        let names: Vec<&str> = suite.asserts.iter().map(|assert| assert.name.as_str()).collect();
        assert_eq!(names, ["json#1", "contains#2", "form", "json#4"]);
        assert_eq!(suite.asserts[1].params.place("value").unwrap().to_string(), "suites/shared/polite.toml:3:1");
        for (asserts, says) in [
            ("[[assert]]\nuse = \"nowhere.toml\"", "cannot read `nowhere.toml`: there is no such file"),
            ("[[assert]]\nuse = \"../up.toml\"", "`use` in `use`"),
            ("[[assert]]\nuse = 7", "is a number"),
            ("[[assert]]\nuse = \"broken.toml\"", "broken.toml:4:"),
            ("[[assert]]\nuse = \"empty.toml\"", "a file of assertions has no `assert`"),
            ("[[assert]]\nuse = \"nested.toml\"", "nested.toml:1:"),
            ("[[assert]]\nuse = \"suites/shared/polite.toml\"\nweight = 2", "`use` stands alone"),
            (
                "[[assert]]\nkind = \"json\"\nname = \"form\"\n[[assert]]\nuse = \"suites/shared/polite.toml\"",
                "two assertions are called `form`",
            ),
        ] {
            let told = read(asserts).unwrap_err().to_string();
            assert!(told.contains(says), "{asserts}: {told}");
        }
    }
}
