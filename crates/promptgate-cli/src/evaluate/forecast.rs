//! What is said before the first call: how many there will be, what they may cost, and whether that is wanted.

use std::collections::BTreeSet;
use std::io::{BufRead, IsTerminal};

use promptgate_core::name::ModelId;
use promptgate_core::price::{NanoUsd, Price};
use promptgate_core::report::plan::{Basis, Unknown};
use promptgate_core::report::words::counted;
use promptgate_provider::{Budget, BudgetLimits};
use promptgate_runner::{Calls, Counts, Estimate, Supply, called_sides, estimate};
use promptgate_scoring::planning::{Asked, SideCost, spend};

use super::Assembly;
use super::assembly::setup_failure;
use crate::args::Running;
use crate::error::Failure;
use crate::output::Output;
use crate::session::Session;

/// Dollars of the calls of a run, as far as they can be told.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Forecast {
    /// About so much.
    About(NanoUsd),
    /// At most so much.
    AtMost(NanoUsd),
    /// Not known, and why.
    Unknown(Unknown),
}

/// Calls that may come on top, where cases are about to break a rule.
#[derive(Debug, Clone, Copy, PartialEq)]
struct OnTop {
    /// The most there may be.
    calls: u64,
    /// What so many may cost, where that can be told.
    cost: Option<NanoUsd>,
}

/// The budget of a run, once nothing is in the way of its first call: says what the calls may cost, and asks where that is
/// more than the user wants to be asked for.
pub fn agree(
    session: &Session,
    assembly: &Assembly,
    (supply, counts): (&Supply, &Counts),
    running: &Running,
    out: &Output,
) -> Result<Option<Budget>, Failure> {
    let limits = limits(session, running);
    let judges = assembly.called_judges.as_slice();
    let judges_are_called = !judges.is_empty() && !running.no_run && counts.open() > 0;
    must_have_keys(assembly, counts)?;
    let may_confirm = may_confirm(assembly, supply);
    let is_wanted = counts.calls > 0 || judges_are_called || may_confirm;
    let found = if is_wanted { reckoned(session, assembly, supply)? } else { None };
    let on_top = found.as_ref().filter(|_| may_confirm).map(|found| on_top(session, assembly, found));
    let on_top = on_top.filter(|on_top| on_top.calls > 0);
    if counts.calls > 0 || judges_are_called || on_top.is_some() {
        must_be_priced(session, assembly, counts.calls > 0 || on_top.is_some(), &limits)?;
        let forecast = forecast(session, assembly, counts, found.as_ref());
        out.say(&line(counts, forecast, on_top, assembly));
        confirm(costs_more(session, forecast, on_top, judges), &limits, running, out)?;
    }
    Ok(match (limits.is_empty(), assembly.prepared.compares()) {
        (true, _) => None,
        (false, true) => Some(Budget::of_sides(limits, called_sides(&assembly.prepared, supply)?)),
        (false, false) => Some(Budget::new(limits)),
    })
}

/// Flags over settings.
pub fn limits(session: &Session, running: &Running) -> BudgetLimits {
    let settings = session.settings().budget;
    BudgetLimits {
        cost: running.max_cost.or(settings.cost).map(NanoUsd::of_dollars),
        tokens: running.max_tokens.or(settings.tokens),
        calls: running.max_calls.or(settings.calls),
    }
}

/// Nothing is called without its key; where nothing is called, none is needed. What judges will be asked is not known before
/// answers are graded.
pub fn must_have_keys(assembly: &Assembly, counts: &Counts) -> Result<(), Failure> {
    let tested = assembly.called_models.iter().filter(|_| counts.calls > 0);
    let asked = assembly.called_judges.iter().filter(|_| counts.open() > 0);
    assembly.providers.must_have_keys(tested.chain(asked)).map_err(setup_failure)
}

/// Whether calls that confirm a break may come, also where the plan itself calls nobody: which cases fail is not known before
/// answers are graded, stored ones too.
fn may_confirm(assembly: &Assembly, supply: &Supply) -> bool {
    supply.calls == Calls::Allowed && assembly.prepared.plan.confirm > 0 && !assembly.called_models.is_empty()
}

/// A budget in dollars says nothing about a model without a price.
fn must_be_priced(
    session: &Session,
    assembly: &Assembly,
    may_be_called: bool,
    limits: &BudgetLimits,
) -> Result<(), Failure> {
    let prices = session.prices();
    let unpriced = |id: &&ModelId| prices.of(id).is_none();
    let tested = assembly.called_models.iter().filter(|_| may_be_called);
    match tested.chain(assembly.called_judges.iter()).find(unpriced) {
        Some(id) if limits.cost.is_some() => Err(Failure::usage(format!(
            "a budget in dollars needs the price of `{id}`"
        ))
        .help(format!("add [prices.\"{id}\"] with `input` and `output` to promptgate.toml, or limit calls or tokens"))),
        _ => Ok(()),
    }
}

/// What the calls will be like; nothing where neither a price nor a rule makes that worth a look at each request.
fn reckoned(session: &Session, assembly: &Assembly, supply: &Supply) -> Result<Option<Estimate>, Failure> {
    let prices = session.prices();
    let is_priced = assembly.models.iter().any(|model| prices.of(&model.id).is_some());
    let is_wanted = is_priced || assembly.prepared.plan.confirm > 0;
    Ok(if is_wanted { Some(estimate(&assembly.prepared, supply, &supply.recordings)?) } else { None })
}

fn forecast(session: &Session, assembly: &Assembly, counts: &Counts, found: Option<&Estimate>) -> Forecast {
    // Where only calls on top may come, the plan costs nothing at any price.
    if counts.calls == 0 {
        return Forecast::About(NanoUsd::default());
    }
    let prices = session.prices();
    let is_priced = assembly.models.iter().any(|model| prices.of(&model.id).is_some());
    let Some(found) = found.filter(|_| is_priced) else { return Forecast::Unknown(Unknown::Price) };
    let (mut sum, mut is_at_most) = (NanoUsd::default(), false);
    for (index, model) in assembly.models.iter().enumerate() {
        let sides: Vec<_> = found.sides.iter().map(|models| models[index].cost).collect();
        let spend = spend(&sides, prices.of(&model.id));
        let Some(cost) = spend.nano_usd else {
            return Forecast::Unknown(spend.unknown.unwrap_or(Unknown::Price));
        };
        sum = sum.plus(cost);
        is_at_most |= spend.output_basis == Basis::AtMost;
    }
    if is_at_most { Forecast::AtMost(sum) } else { Forecast::About(sum) }
}

/// What may be called on top of the plan.
fn on_top(session: &Session, assembly: &Assembly, found: &Estimate) -> OnTop {
    let (prepared, prices) = (&assembly.prepared, session.prices());
    let judged = prepared.comparisons.iter().filter(|comparison| !comparison.control);
    let judged: BTreeSet<(usize, usize)> = judged.map(|each| (each.candidate, each.model)).collect();
    let mut on_top = OnTop { calls: 0, cost: Some(NanoUsd::default()) };
    for (candidate, model) in judged {
        let id = &assembly.models[model].id;
        // A stored run is not called again.
        if !assembly.called_models.contains(id) || prepared.plan.versions[candidate].stored.is_some() {
            continue;
        }
        let cases: Vec<u64> = found.groups[model].iter().map(|group| group.cases).collect();
        let calls = prepared.most_confirming(&cases);
        let sides = found.sides.iter().map(|models| models[model].cost).collect();
        let cost = of_a_call(sides, candidate, prices.of(id)).map(|cost| NanoUsd::of_dollars(cost * calls as f64));
        on_top.calls += calls;
        on_top.cost = on_top.cost.zip(cost).map(|(sum, cost)| sum.plus(cost));
    }
    on_top
}

/// Dollars of one more call of a version: as the plan's calls of it, else as its answers that are there.
fn of_a_call(mut sides: Vec<SideCost>, version: usize, price: Option<&Price>) -> Option<f64> {
    for (index, side) in sides.iter_mut().enumerate() {
        let there = Asked { calls: side.measured.answers, characters: side.measured.characters, ..Asked::default() };
        side.asked = match side.asked {
            // What the others were answered still tells how long answers of the model are.
            _ if index != version => Asked::default(),
            Asked { calls: 0, .. } => there,
            planned => planned,
        };
    }
    let calls = sides[version].asked.calls;
    spend(&sides, price).nano_usd.filter(|_| calls > 0).map(|cost| cost.dollars() / calls as f64)
}

fn line(counts: &Counts, forecast: Forecast, on_top: Option<OnTop>, assembly: &Assembly) -> String {
    let there = counts.stored() + counts.replayed;
    let calls = counted(counts.calls, "call", "calls");
    let cost = match forecast {
        Forecast::About(cost) => format!("about {cost}"),
        Forecast::AtMost(cost) => format!("at most {cost}"),
        Forecast::Unknown(why) => unknown(why).to_owned(),
    };
    let judging = match assembly.called_judges.as_slice() {
        [] => "retries apart".to_owned(),
        judges => {
            let names: Vec<String> = judges.iter().map(ModelId::to_string).collect();
            format!("retries apart, and apart from it what assertions ask of {}", names.join(", "))
        }
    };
    let there = counted(there, "answer is", "answers are");
    let on_top = on_top.map_or_else(String::new, |OnTop { calls, cost }| {
        let cost = cost.filter(|cost| *cost > NanoUsd::default()).map(|cost| format!(" ({cost})")).unwrap_or_default();
        let calls = counted(calls, "call", "calls");
        format!("; up to {calls} on top{cost}, where cases are about to break a rule (`confirm`)")
    });
    format!("{calls} to be made, {there} there; {cost}, {judging}{on_top}")
}

/// Why the price of the calls cannot be told.
fn unknown(why: Unknown) -> &'static str {
    match why {
        Unknown::Price => "at an unknown price",
        Unknown::OutputTokens => {
            "at a cost that cannot be told (no answer is there to go by, and `maxOutputTokens` is not set)"
        }
    }
}

/// What is known to cost more than `confirm_above`, or not known to cost less; nothing where that asks for no question.
fn costs_more(session: &Session, forecast: Forecast, on_top: Option<OnTop>, judges: &[ModelId]) -> Option<String> {
    let limit = NanoUsd::of_dollars(session.settings().confirm_above?);
    match (forecast, judges) {
        (Forecast::About(cost) | Forecast::AtMost(cost), _) if cost > limit => {
            Some(format!("that is above `confirm_above` ({limit})"))
        }
        (Forecast::About(cost) | Forecast::AtMost(cost), _)
            if on_top.and_then(|on_top| on_top.cost).is_some_and(|more| cost.plus(more) > limit) =>
        {
            Some(format!("with the calls that may come on top that is above `confirm_above` ({limit})"))
        }
        (Forecast::About(_) | Forecast::AtMost(_), _) if on_top.is_some_and(|on_top| on_top.cost.is_none()) => {
            Some(format!(
                "what the calls that may come on top cost is not known, and may be above `confirm_above` ({limit})"
            ))
        }
        (Forecast::Unknown(_), _) => Some(format!("that may be above `confirm_above` ({limit})")),
        (_, [judge, ..]) => {
            Some(format!("what assertions ask of {judge} is not reckoned, and may be above `confirm_above` ({limit})"))
        }
        (_, []) => None,
    }
}

/// Asks where it costs, or may cost, more than the user wants to be asked for. Without a terminal only a budget, or `--yes`,
/// is an answer.
fn confirm(above: Option<String>, limits: &BudgetLimits, running: &Running, out: &Output) -> Result<(), Failure> {
    let Some(above) = above.filter(|_| !running.yes && limits.cost.is_none()) else { return Ok(()) };
    let refused = |why: String| Failure::usage(why).help("set a limit with --max-cost, or agree with --yes");
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return Err(refused(above));
    }
    out.say(&format!("{above}: go on? [y/N]"));
    let mut answer = String::new();
    let _ = std::io::stdin().lock().read_line(&mut answer);
    match answer.trim().to_lowercase().as_str() {
        "y" | "yes" => Ok(()),
        _ => Err(refused("not agreed to; nothing was called".to_owned())),
    }
}
