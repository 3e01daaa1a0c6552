use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use promptgate_core::answer::{Response, Usage};
use promptgate_core::case::Case;
use promptgate_core::gate::{Check, Policy, Rule, Subject};
use promptgate_core::port::{AddressedKey, CacheKey, PortError, ResponseCache};
use promptgate_core::record::Purpose;
use promptgate_core::score::Tier;
use promptgate_runner::{Counts, Estimate, Kept, Share, Supply, estimate, survey};
use promptgate_scoring::planning::{Group, Measured};
use serde_json::json;

use crate::world::{Answers, Model, Setting, World, case, cases, model, tagged, vars};

fn estimated(setting: &Setting, supply: &Supply) -> Estimate {
    let prepared = setting.prepared();
    let found = estimate(&prepared, supply, &[]).unwrap();
    let mut sum = Counts::default();
    for counts in found.sides.iter().flatten().map(|side| side.counts) {
        sum.trials += counts.trials;
        sum.reused += counts.reused;
        sum.kept += counts.kept;
        sum.calls += counts.calls;
    }
    assert_eq!(sum, survey(&prepared, supply, &Share::Planned).unwrap());
    found
}

#[test]
fn requests_are_measured_by_version_and_model() {
    let mut capped = model("scripted/two");
    capped.planned.config = vars(json!({"maxOutputTokens": 50}));
    let setting = Setting { models: vec![model("scripted/one"), capped], trials: 3, ..Setting::compared(cases(600)) };
    let found = estimated(&setting, &Supply::default());
    // `text of case-0`, once without and once with `Briefly: ` before it.
    let text: u64 = (0..600).map(|n| format!("text of case-{n}").len() as u64).sum();
    let [candidate, baseline] = found.sides.as_slice() else { panic!() };
    assert_eq!((candidate[0].cost.asked.calls, candidate[0].cost.asked.characters), (1_800, 3 * text));
    assert_eq!(baseline[0].cost.asked.characters, 3 * (text + 600 * "Briefly: ".len() as u64));
    assert_eq!((candidate[0].cost.asked.unlimited, candidate[0].cost.asked.most_output), (1_800, 0));
    assert_eq!((candidate[1].cost.asked.unlimited, candidate[1].cost.asked.most_output), (0, 1_800 * 50));
}

#[test]
fn stored_answers_tell_what_tokens_a_character_takes() {
    let setting = Setting::of(cases(20));
    let first = World::of(&setting, Model::steady());
    first.complete();
    let mut settled = first.log.settled();
    settled.truncate(8);
    for trial in &mut settled {
        let usage = Usage { input_tokens: 5, output_tokens: 2, ..Usage::default() };
        trial.response.as_mut().unwrap().usage = Some(usage);
    }
    let supply = Supply { stored: Some(Arc::new(Answers::of(&settled))), ..Supply::default() };
    let found = estimated(&setting, &supply);
    let side = found.sides[0][0];
    assert_eq!((side.counts.reused, side.cost.asked.calls), (8, 12));
    let characters = settled.iter().map(|trial| format!("text of {}", trial.case.id).len() as u64).sum();
    assert_eq!(side.cost.measured, Measured { answers: 8, characters, input_tokens: 40, output_tokens: 16 });
}

#[test]
fn cases_and_clusters_are_counted_for_each_selection() {
    let clustered = |(n, case): (usize, Case)| Case { cluster: (n >= 20).then(|| format!("{}", n / 2)), ..case };
    let cases: Vec<Case> = cases(30).into_iter().enumerate().map(clustered).collect();
    let rule = Subject::Rule { rule: Rule::MustPass { confirm: 0 }, cases: Some(tagged("third")) };
    let policy = Policy { checks: vec![Check { subject: rule, tier: Tier::Critical }], ..Policy::default() };
    let setting = Setting { policy: Some(policy), purpose: Purpose::Gate, ..Setting::of(cases) };
    let found = estimated(&setting, &Supply::default());
    let group = |cases, clusters| Group { cases, clusters };
    assert_eq!(found.groups, [[group(30, Some(25)), group(10, None)]]);
}

/// A cache in memory; what is kept in it was answered at 1,000 ms.
#[derive(Default)]
struct InMemory(Mutex<HashMap<CacheKey, Response>>);

impl ResponseCache for InMemory {
    fn find(&self, key: &AddressedKey, since_ms: u64) -> Option<(Response, u64)> {
        let found = self.0.lock().unwrap().get(key.key()).cloned();
        found.map(|response| (response, 1_000)).filter(|(_, answered_ms)| *answered_ms >= since_ms)
    }

    fn keep(&self, key: AddressedKey, response: Response) {
        self.0.lock().unwrap().insert(key.key().clone(), response);
    }

    fn finish(&self) -> Result<(), PortError> {
        Ok(())
    }
}

#[test]
fn what_the_cache_holds_is_no_call_and_tells_what_tokens_a_character_takes() {
    let setting = Setting { trials: 2, ..Setting::of(cases(20)) };
    let first = World::of(&setting, Model::steady());
    first.complete();
    let cache = Arc::new(InMemory::default());
    let source = &setting.prepared().plan.models[0].source;
    let usage = Some(Usage { input_tokens: 5, output_tokens: 2, ..Usage::default() });
    for trial in first.log.settled().into_iter().filter(|trial| trial.repeat == 1).take(8) {
        let key = CacheKey { request: trial.request.unwrap(), repeat: 1, case: None, source: source.clone() };
        cache.keep(key.addressed(), Response { usage, ..trial.response.unwrap() });
    }
    let kept = |since_ms| Supply { kept: Some(Kept { cache: cache.clone(), since_ms }), ..Supply::default() };
    let side = estimated(&setting, &kept(1_000)).sides[0][0];
    assert_eq!((side.counts.kept, side.counts.calls, side.cost.asked.calls), (8, 32, 32));
    assert_eq!((side.cost.measured.answers, side.cost.measured.input_tokens), (8, 40));
    let side = estimated(&setting, &kept(1_001)).sides[0][0];
    assert_eq!((side.counts.kept, side.counts.calls), (0, 40), "too old");
    // What cannot be rendered is found out by the run, whatever the cache holds.
    let table = Case { vars: vars(json!({"text": {"a": 1}})), ..case("odd") };
    let broken = Setting { trials: 2, ..Setting::of(vec![table]) };
    assert!(estimate(&broken.prepared(), &kept(1_000), &[]).is_err());
    let counts = survey(&broken.prepared(), &kept(1_000), &Share::Planned).unwrap();
    assert_eq!((counts.kept, counts.calls), (0, 2));
}
