//! A plan, for people and as JSON: what would be called and what it costs, what each check can tell, and what to do next.

use std::io::{self, Write};

use promptgate_core::gate::Scope;
use promptgate_core::report::CheckKind;
use promptgate_core::report::plan::{
    Basis, Fewest, PlanCheck, PlanModel, PlanReport, PlanStep, Scenario, Source, Spend, Unit, Unknown,
};
use promptgate_core::report::words::{chance, points};
use promptgate_core::score::Tier;
use promptgate_core::verdict::Requirement;
use serde::Serialize;
use serde_json::Serializer;

use crate::escape::{PrettyJson, shell_argument, shortened, terminal_line};
use crate::table::{Align, Table, wrap};
use crate::terminal::{Paint, WIDTH};
use crate::words::{self, count, thousands};

/// What the columns mean, for somebody who knows no statistics.
const LEGEND: &str = "how to read it: `can pass from`: the fewest with which a check passes when nothing at all changed. \
    `noise`: how many cases come out differently when the same version is run twice (for scores and amounts, how far a case \
    moves). `blocks from`: a true change of that size is blocked 4 times in 5. `unchanged passes`: how often a candidate \
    passes that is neither better nor worse; in the other runs the check stays unsettled. `4 in 5 at`: what it takes to \
    pass 4 times in 5. * is advisory: shown, decides nothing. The figures are approximate.";

/// The contract, `promptgate.plan/1`, indented.
pub(crate) fn json(report: &PlanReport, _: bool, out: &mut dyn Write) -> io::Result<()> {
    report.serialize(&mut Serializer::with_formatter(&mut *out, PrettyJson::default()))?;
    out.write_all(b"\n")
}

/// For people.
pub(crate) fn terminal(report: &PlanReport, colour: bool, out: &mut dyn Write) -> io::Result<()> {
    let paint = Paint(colour);
    headline(report, paint, out)?;
    writeln!(out)?;
    calls(report, paint, out)?;
    for model in report.models.iter().filter(|model| !model.checks.is_empty()) {
        writeln!(out)?;
        of_model(report, model, paint, out)?;
    }
    writeln!(out)?;
    closing(report, out)
}

fn headline(report: &PlanReport, paint: Paint, out: &mut dyn Write) -> io::Result<()> {
    let against: Vec<_> = report.baselines.iter().map(|side| shortened(&side.reference, 80)).collect();
    let against = if against.is_empty() { String::new() } else { format!(" against {}", against.join(", ")) };
    let candidate = shortened(&report.candidate.reference, 80);
    writeln!(out, "{}{}", paint.bold("PLAN  "), paint.bold(&format!("{candidate}{against}: nothing is called yet")))?;
    if let Some(obstacle) = obstacle(report) {
        writeln!(out, "{}", paint.unsettled(&wrap(&obstacle, "", WIDTH)))?;
    }
    let scope = match report.scope {
        Some(Scope::TheseCases) => ", judged on these cases alone",
        Some(Scope::Population) => ", judged on inputs like these",
        None => "",
    };
    let level = report.confidence.map_or(String::new(), |level| format!(", {} one-sided", words::level(level)));
    let cases = of_group(report.cases, report.clusters);
    let trials = count(u64::from(report.trials), "trial");
    writeln!(out, "{}", paint.dim(&format!("{}: {cases}, {trials} a side{level}{scope}", report.suite)))
}

/// What keeps a gate from ever passing, before anything else is said.
fn obstacle(report: &PlanReport) -> Option<String> {
    if report.requirement != Some(Requirement::ShownNotWorse) {
        return None;
    }
    let decides =
        |check: &&PlanCheck| check.tier == Tier::Critical && check.fewest.is_some_and(|few| !few.is_reached());
    let models = report.models.iter().filter(|model| model.tier == Tier::Critical);
    let mut names: Vec<String> = models.flat_map(|model| model.checks.iter().filter(decides).map(name)).collect();
    names.sort();
    names.dedup();
    let names = if names.is_empty() { return None } else { names.join(", ") };
    Some(format!("as it is this gate can pass only a candidate that is better: too little is looked at for {names}"))
}

fn of_group(cases: u64, clusters: Option<u64>) -> String {
    match clusters {
        Some(clusters) => format!("{} in {}", count(cases, "case"), count(clusters, "cluster")),
        None => count(cases, "case"),
    }
}

fn calls(report: &PlanReport, paint: Paint, out: &mut dyn Write) -> io::Result<()> {
    let right = Align::Right;
    let mut table = Table::new(&[
        ("answers", Align::Left),
        ("trials", right),
        ("stored", right),
        ("recorded", right),
        ("to call", right),
        ("tokens in", right),
        ("tokens out", right),
        ("cost", right),
    ]);
    let rows = report.models.iter().map(|model| (shortened(&model.model.to_string(), 50), model.calls, model.spend));
    let all = (report.models.len() > 1).then(|| ("all".to_owned(), report.calls, report.spend));
    for (name, calls, spend) in rows.chain(all) {
        let counts = [calls.trials, calls.stored, calls.replayed, calls.to_call].map(thousands);
        let cells = [name].into_iter().chain(counts).chain(spent(&spend, calls.to_call));
        table.row(cells.collect());
    }
    let (head, rows) = table.lines();
    writeln!(out, "{}", paint.dim(&head))?;
    for row in rows {
        writeln!(out, "{row}")?;
    }
    if report.calls.to_call > 0 {
        writeln!(out, "{}", wrap(&basis(report), "", WIDTH))?;
    }
    Ok(())
}

fn spent(spend: &Spend, calls: u64) -> [String; 3] {
    if calls == 0 {
        return ["0", "0", "$0"].map(str::to_owned);
    }
    let least = if spend.output_basis == Basis::AtMost { "at most " } else { "" };
    let tokens = |tokens: Option<u64>, before: &str| {
        tokens.map_or_else(|| "unknown".to_owned(), |tokens| format!("{before}{}", thousands(tokens)))
    };
    let cost = spend.nano_usd.map_or_else(|| "unknown".to_owned(), |cost| format!("{least}{cost}"));
    [tokens(spend.input_tokens, ""), tokens(spend.output_tokens, least), cost]
}

/// What the figures of the table rest on, for the models that are called.
fn basis(report: &PlanReport) -> String {
    let called: Vec<&PlanModel> = report.models.iter().filter(|model| model.calls.to_call > 0).collect();
    let any = |fits: fn(&Spend) -> bool| called.iter().any(|model| fits(&model.spend));
    let named = |fits: fn(&Spend) -> bool| {
        let names: Vec<_> =
            called.iter().filter(|model| fits(&model.spend)).map(|model| model.model.to_string()).collect();
        terminal_line(&names.join(", ")).into_owned()
    };
    let mut words = Vec::new();
    if any(|spend| spend.input_basis == Basis::Measured) {
        words.push(
            "tokens are reckoned from the length of the prompts, as earlier answers of the model counted them"
                .to_owned(),
        );
    }
    if any(|spend| spend.input_basis == Basis::Assumed) {
        words
            .push("where no answer of a model is there yet, 4 characters of a prompt are taken for a token".to_owned());
    }
    if any(|spend| spend.output_basis == Basis::AtMost) {
        words.push("\"at most\": no answer is there yet, so as much as `maxOutputTokens` allows".to_owned());
    }
    if any(|spend| spend.output_basis == Basis::Unknown) {
        let help =
            "how long answers will be is not known: no answer is there yet, and the prompt sets no `maxOutputTokens`";
        words.push(help.to_owned());
    }
    if any(|spend| spend.unknown == Some(Unknown::Price)) {
        let models = named(|spend| spend.unknown == Some(Unknown::Price));
        words.push(format!("no price is known for {models}: write it under [prices] in promptgate.toml"));
    }
    words.join("; ")
}

fn of_model(report: &PlanReport, model: &PlanModel, paint: Paint, out: &mut dyn Write) -> io::Result<()> {
    let tier = if model.tier == Tier::Advisory { " (advisory: informs, does not decide)" } else { "" };
    let name = paint.bold(&shortened(&model.model.to_string(), 80));
    writeln!(out, "{name}{tier}: what {} can tell", of_group(model.cases, model.clusters))?;
    let (head, rows) = table(report, model).lines();
    if !rows.is_empty() {
        writeln!(out, "  {}", paint.dim(&head))?;
    }
    for row in rows {
        writeln!(out, "  {row}")?;
    }
    let told: Vec<&PlanCheck> = model.checks.iter().filter(|check| !check.words.is_empty()).collect();
    // Checks of which the same is said share a paragraph.
    for checks in told.chunk_by(|one, other| one.words == other.words) {
        let names: Vec<String> = checks.iter().map(|check| title(check)).collect();
        writeln!(out, "  {}", paint.bold(&names.join(", ")))?;
        for line in &checks[0].words {
            writeln!(out, "{}", wrap(&terminal_line(line), "      ", WIDTH))?;
        }
    }
    Ok(())
}

/// A star marks what decides nothing.
fn title(check: &PlanCheck) -> String {
    let star = if check.tier == Tier::Advisory { " *" } else { "" };
    format!("{}{star}", name(check))
}

/// `pass_rate`, `queue [tag=vip]`, `must-pass [tag=safety]`.
fn name(check: &PlanCheck) -> String {
    let name = check.metric.as_ref().map(|metric| metric.as_str()).or(check.rule.as_deref()).unwrap_or_default();
    match &check.slice {
        Some(slice) => shortened(&format!("{name} [{slice}]"), 40),
        None => shortened(name, 40),
    }
}

/// One row for each check and noise; rules are told in words.
fn table(report: &PlanReport, model: &PlanModel) -> Table {
    let right = Align::Right;
    let sure = if report.scope == Some(Scope::TheseCases) { "4 in 5 at trials" } else { "4 in 5 at cases" };
    let mut table = Table::new(&[
        ("check", Align::Left),
        ("allowed", right),
        ("can pass from", right),
        ("noise", right),
        ("blocks from", right),
        ("unchanged passes", right),
        (sure, right),
    ]);
    for check in model.checks.iter().filter(|check| check.kind != CheckKind::Rule) {
        let first = [title(check), allowed(check), check.fewest.map(fewest).unwrap_or_default()];
        if check.scenarios.is_empty() {
            table.row(first.to_vec());
        }
        for (index, scenario) in check.scenarios.iter().enumerate() {
            // A second noise of the same check says only what differs.
            let head = if index == 0 { first.clone() } else { [const { String::new() }; 3].map(|_| " ".to_owned()) };
            table.row(head.into_iter().chain(of_scenario(check, scenario)).collect());
        }
    }
    table.without_empty_columns()
}

fn allowed(check: &PlanCheck) -> String {
    let Some(limit) = check.limit else { return String::new() };
    match check.limit_key.as_deref() {
        Some("allowed_rise") => format!("{:+.0}%", limit * 100.0),
        Some(key @ ("min" | "max")) => {
            let metric = check.metric.as_ref().map_or("", |metric| metric.as_str());
            format!("{key} {}", words::Unit::of(metric).value(limit))
        }
        _ => points(limit),
    }
}

fn fewest(fewest: Fewest) -> String {
    let unit = match fewest.unit {
        Unit::Case => count(fewest.needed, "case"),
        Unit::Cluster => count(fewest.needed, "cluster"),
        Unit::Call => count(fewest.needed, "answer"),
    };
    format!("{unit} (has {})", thousands(fewest.have))
}

fn of_scenario(check: &PlanCheck, scenario: &Scenario) -> Vec<String> {
    let source = if scenario.source == Source::Assumed { " assumed" } else { "" };
    let noise = match scenario.discordant {
        Some(share) => format!("{}{source}", promptgate_core::report::words::percent(share)),
        None => format!("{:.2}{source}", scenario.sd),
    };
    let drop = scenario.smallest_drop.map_or_else(
        || "none".to_owned(),
        |change| match check.kind {
            CheckKind::Ratio => format!("{:+.1}%", change * 100.0),
            _ => points(-change),
        },
    );
    let passes = match (scenario.chance_to_pass, check.limit) {
        (_, None) => String::new(),
        (None, _) => "only if better".to_owned(),
        (Some(passes), _) => chance(passes),
    };
    let sure = scenario.cases_to_pass.or(scenario.trials_to_pass).map(thousands).unwrap_or_default();
    vec![noise, drop, passes, sure]
}

fn closing(report: &PlanReport, out: &mut dyn Write) -> io::Result<()> {
    let has_figures = report.models.iter().flat_map(|model| &model.checks).any(|check| !check.scenarios.is_empty());
    if has_figures {
        writeln!(out, "{}", wrap(LEGEND, "", WIDTH))?;
    }
    if let Some(calibration) = &report.calibration {
        let bound =
            "a changed prompt differs from its baseline on more cases than a version from itself, so expect no less";
        let words =
            if calibration.used { format!("{}; {bound}", calibration.words) } else { calibration.words.clone() };
        writeln!(out, "{}", wrap(&format!("calibration: {}", terminal_line(&words)), "", WIDTH))?;
    }
    for note in &report.notes {
        writeln!(out, "{}", wrap(&format!("note: {}", terminal_line(note)), "", WIDTH))?;
    }
    for step in &report.next {
        writeln!(out, "next: {}", next(step))?;
    }
    Ok(())
}

fn next(step: &PlanStep) -> String {
    let command: Vec<String> = step.command.iter().map(|part| shell_argument(part)).collect();
    terminal_line(&format!("promptgate {}   ({})", command.join(" "), step.words)).into_owned()
}
