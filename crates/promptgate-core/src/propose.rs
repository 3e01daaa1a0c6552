//! A gate for a suite that has none: facts in, a policy out, and the text of it, with a line on what each limit means.
//!
//! `check` prints it, `init` and importers write it. What it proposes is `gate.md`, section 3: a small suite is the whole
//! requirement, answered several times over; from 100 cases on the suite stands for inputs like these.

use crate::gate::{Check, Limit, Policy, Rule, Scope, Subject};
use crate::name::MetricName;
use crate::reference::Reference;
use crate::report::words::counted;
use crate::score::Tier;
use crate::verdict::Requirement;

/// From so many cases on a suite is taken for a sample of the inputs to come.
pub const A_SAMPLE: u64 = 100;

/// Answers a side below which nothing passes at 5 points and 95 %, unless the candidate is better:
/// ln(0.05) / ln(1 - 0.05), rounded up.
pub const FEWEST_CALLS: u64 = 59;

/// Repeats that keep both promises under `these-cases`, and beyond which cases are the better buy.
const FEWEST_TRIALS: u64 = 3;
const MOST_TRIALS: u64 = 5;

const ALLOWED_DROP: f64 = 0.05;
const AMOUNTS: [(&str, f64); 3] = [("cost", 0.10), ("tokens", 0.10), ("latency", 0.20)];

/// What is known of a suite.
#[derive(Debug, Clone, PartialEq)]
pub struct Facts {
    /// Its cases.
    pub cases: u64,
    /// Its repeats per case as they are.
    pub trials: u32,
    /// The version to hold to: `<prompt>@git:main` in a git repository, else `<prompt>`.
    pub baseline: Reference,
    /// The version that is judged.
    pub candidate: Reference,
    /// The metrics that its assertions feed.
    pub metrics: Vec<MetricName>,
}

/// A gate that fits a suite.
#[derive(Debug, Clone, PartialEq)]
pub struct Proposal {
    /// Repeats per case, a key at the top of the suite.
    pub trials: u32,
    /// Whether that is another number than the suite has.
    pub other_trials: bool,
    /// The policy.
    pub policy: Policy,
    cases: u64,
    holds_to_itself: bool,
}

/// Proposes a gate.
pub fn propose(facts: &Facts) -> Proposal {
    let scope = if facts.cases < A_SAMPLE { Scope::TheseCases } else { Scope::Population };
    let trials = match scope {
        Scope::TheseCases => facts.trials.max(repeats(facts.cases)),
        Scope::Population => facts.trials,
    };
    let out_of_reach = scope == Scope::TheseCases && facts.cases * u64::from(trials) < FEWEST_CALLS;
    let require = if out_of_reach { Requirement::NoRegressionFound } else { Requirement::ShownNotWorse };
    let policy =
        Policy { baselines: vec![facts.baseline.clone()], require, scope, checks: checks(facts), ..Policy::default() };
    Proposal {
        trials,
        other_trials: trials != facts.trials,
        policy,
        cases: facts.cases,
        holds_to_itself: facts.baseline == facts.candidate,
    }
}

/// The fewest repeats with which so many cases can pass, from 3 to 5.
fn repeats(cases: u64) -> u32 {
    FEWEST_CALLS.div_ceil(cases.max(1)).clamp(FEWEST_TRIALS, MOST_TRIALS) as u32
}

/// The pass rate decides, and that nothing breaks; the rest is shown.
fn checks(facts: &Facts) -> Vec<Check> {
    let drop = Limit::AllowedDrop(ALLOWED_DROP);
    let rule = Subject::Rule { rule: Rule::NoNewBreak { max_broken: 0, confirm: 3 }, cases: None };
    let rule = (facts.cases < A_SAMPLE).then_some(Check { subject: rule, tier: Tier::Critical });
    let own = facts.metrics.iter().map(|metric| of_metric(metric.clone(), drop, Tier::Advisory));
    let amounts = AMOUNTS.map(|(name, rise)| of_metric(reserved(name), Limit::AllowedRise(rise), Tier::Advisory));
    let rate = of_metric(reserved("pass_rate"), drop, Tier::Critical);
    std::iter::once(rate).chain(rule).chain(own).chain(amounts).collect()
}

fn of_metric(metric: MetricName, limit: Limit, tier: Tier) -> Check {
    Check { subject: Subject::Metric { metric, slice: None, limit: Some(limit) }, tier }
}

#[expect(clippy::expect_used, reason = "reserved names are valid metric names")]
fn reserved(name: &str) -> MetricName {
    MetricName::new(name).expect("a reserved name is a metric name")
}

impl Proposal {
    /// The line for the top of `suite.toml`, above its first table; nothing where the suite says so already.
    pub fn trials_line(&self) -> Option<String> {
        let calls = u64::from(self.trials) * self.cases;
        let each = counted(u64::from(self.trials), "time", "times");
        let cases = counted(self.cases, "case", "cases");
        self.other_trials.then(|| {
            format!("trials = {}   # each case is answered {each}: {cases}, {calls} answers a side", self.trials)
        })
    }

    /// `[gate]` as it stands in `suite.toml`, a comment on every line that decides something.
    pub fn to_toml(&self) -> String {
        let mut text = String::from("[gate]\n");
        text.push_str(&self.baseline());
        text.push_str(&self.requirement());
        text.push_str(match self.policy.scope {
            Scope::TheseCases => {
                "scope = \"these-cases\"   # the verdict is about these cases alone; the repeats show the model's own \
                 noise\n"
            }
            Scope::Population => "scope = \"population\"   # the verdict is about inputs like these\n",
        });
        self.policy.checks.iter().for_each(|check| text.push_str(&of_check(check)));
        text
    }

    fn baseline(&self) -> String {
        let line: String = self.policy.baselines.iter().map(|one| quoted(&one.to_string())).collect();
        let comment = if self.holds_to_itself {
            "the version to hold to; this is the candidate itself: name another, such as a variant"
        } else {
            "the version to hold to"
        };
        format!("baseline = {line}   # {comment}\n")
    }

    fn requirement(&self) -> String {
        match self.policy.require {
            Requirement::ShownNotWorse => {
                "require = \"shown-not-worse\"   # only a pass opens the gate; not settled does not\n".to_owned()
            }
            Requirement::NoRegressionFound => {
                let cases = FEWEST_CALLS.div_ceil(MOST_TRIALS);
                format!(
                    "# {} are too few to show that nothing got worse: that takes {FEWEST_CALLS} answers a side. From \
                     {cases} cases on write\n# \"shown-not-worse\" here.\nrequire = \"no-regression-found\"   # what is \
                     found to be worse blocks; not settled does not\n",
                    counted(self.cases * u64::from(self.trials), "answer a side", "answers a side"),
                )
            }
        }
    }
}

fn of_check(check: &Check) -> String {
    let tier = if check.tier == Tier::Advisory { "tier = \"advisory\"   # shown, decides nothing\n" } else { "" };
    let body = match &check.subject {
        Subject::Metric { metric, limit, .. } => {
            format!("metric = {}\n{}", quoted(metric.as_str()), of_limit(metric.as_str(), *limit))
        }
        Subject::Rule { rule, .. } => of_rule(*rule),
    };
    format!("\n[[gate.check]]\n{body}{tier}")
}

/// Limits of proposals are whole points and percent.
fn of_limit(metric: &str, limit: Option<Limit>) -> String {
    match limit {
        Some(Limit::AllowedDrop(drop)) if metric == "pass_rate" => format!(
            "allowed_drop = \"{0:.0}pt\"   # a candidate whose pass rate is {0:.0} points lower, or worse, must not get \
             through\n",
            drop * 100.0
        ),
        Some(Limit::AllowedDrop(drop)) => {
            format!("allowed_drop = \"{0:.0}pt\"   # {0:.0} points of this score's 100\n", drop * 100.0)
        }
        Some(Limit::AllowedRise(rise)) => {
            let what = match metric {
                "cost" => "dearer",
                "latency" => "slower",
                _ => "longer",
            };
            format!("allowed_rise = \"{0:.0}%\"   # a typical answer may be {0:.0} % {what}\n", rise * 100.0)
        }
        Some(Limit::Min(..) | Limit::Max(..)) | None => String::new(),
    }
}

fn of_rule(rule: Rule) -> String {
    let name = quoted(rule.name());
    match rule {
        Rule::MustPass { confirm } => format!("rule = {name}\nconfirm = {confirm}\n"),
        Rule::NoNewBreak { max_broken, confirm } => format!(
            "rule = {name}   # what passed before passes now; a rule, without an error rate\nmax_broken = {max_broken}   \
             # so many cases may break\nconfirm = {confirm}   # a case that looks broken is asked so many times more \
             before it counts\n"
        ),
    }
}

/// A text as TOML writes it, whatever is in it.
fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::format::suite::parse;
    use crate::suite::SuiteDefaults;

    fn facts(cases: u64, metrics: &[&str]) -> Facts {
        Facts {
            cases,
            trials: 1,
            baseline: "triage@git:main".parse().unwrap(),
            candidate: "triage".parse().unwrap(),
            metrics: metrics.iter().map(|name| MetricName::new(name).unwrap()).collect(),
        }
    }

    /// The suite with its proposal in it, as a user would paste it.
    fn pasted(facts: &Facts, proposal: &Proposal) -> String {
        let trials = proposal.trials_line().unwrap_or_else(|| format!("trials = {}", facts.trials));
        let asserts = facts.metrics.iter().map(|name| {
            let name = toml::Value::from(name.as_str());
            format!("[[assert]]\nkind = \"json\"\nmetric = {name}\n")
        });
        let asserts: String = asserts.collect();
        format!(
            "name = \"s\"\nprompt = \"triage\"\n{trials}\n[cases]\nfile = \"c.jsonl\"\n{asserts}{}",
            proposal.to_toml()
        )
    }

    #[track_caller]
    fn reads_back(facts: &Facts) -> Proposal {
        let proposal = propose(facts);
        let text = pasted(facts, &proposal);
        let suite = parse(&text, "suite.toml", &SuiteDefaults::default()).unwrap_or_else(|e| panic!("{e}\n{text}"));
        assert_eq!((suite.trials, suite.gate.as_ref()), (proposal.trials, Some(&proposal.policy)), "{text}");
        assert!(suite.warnings.is_empty(), "{:?}", suite.warnings);
        proposal
    }

    #[test]
    fn a_proposal_reads_back_as_the_policy_it_is() {
        for cases in [1, 11, 12, 25, 40, 60, 99, 100, 838] {
            reads_back(&facts(cases, &[]));
            reads_back(&facts(cases, &["queue", "tone"]));
        }
    }

    #[test]
    fn names_that_need_quoting_are_quoted() {
        let names = ["a \"quoted\" one", "it's", "both ' and \"", "back\\slash", "# no comment", "größe", "]", "'''"];
        reads_back(&facts(25, &names));
        reads_back(&Facts { baseline: "dir/it's a \"#.prompt".parse().unwrap(), ..facts(25, &[]) });
    }

    #[test]
    fn a_small_suite_gets_the_fewest_repeats_with_which_it_can_pass() {
        let trials = |cases| propose(&facts(cases, &[])).trials;
        assert_eq!([1, 11, 12, 15, 19, 20, 25, 60, 99].map(trials), [5, 5, 5, 4, 4, 3, 3, 3, 3]);
        assert_eq!(propose(&Facts { trials: 8, ..facts(25, &[]) }).trials, 8);
        assert_eq!((trials(100), trials(838)), (1, 1));
        let exact = 0.05_f64.ln() / 0.95_f64.ln();
        assert_eq!(FEWEST_CALLS, exact.ceil() as u64);
    }

    #[test]
    fn one_metric_decides_and_a_suite_that_cannot_pass_says_so() {
        for cases in [1, 11, 12, 25, 99, 100, 838] {
            let policy = propose(&facts(cases, &["queue"])).policy;
            let critical = policy.checks.iter().filter(|check| check.tier == Tier::Critical);
            let metrics: Vec<_> = critical.filter_map(Check::metric).map(MetricName::as_str).collect();
            assert_eq!(metrics, ["pass_rate"]);
            assert_eq!(policy.require == Requirement::NoRegressionFound, cases < 12);
            assert_eq!(policy.checks.iter().any(|check| check.metric().is_none()), cases < 100);
        }
    }

    #[test]
    fn the_text_says_what_each_limit_means() {
        let proposal = reads_back(&facts(25, &["queue"]));
        insta::assert_snapshot!(proposal.trials_line().unwrap(), @"trials = 3   # each case is answered 3 times: 25 cases, 75 answers a side");
        insta::assert_snapshot!("of_25_cases", proposal.to_toml());
        let itself = Facts { baseline: "triage".parse().unwrap(), ..facts(4, &[]) };
        insta::assert_snapshot!("of_4_cases", reads_back(&itself).to_toml());
        let large = reads_back(&facts(838, &[]));
        assert_eq!(large.trials_line(), None);
        insta::assert_snapshot!("of_838_cases", large.to_toml());
    }
}
