//! What an assertion came to on one trial, and its one form in JSON.

use std::borrow::Borrow;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::score::{BothOrders, Evidence, Score, Scored, Tier, is_default};

/// One assertion on one trial. In JSON what it came to stands beside its name.
#[derive(Debug, Clone, PartialEq)]
pub struct AssertionResult {
    /// Its name.
    pub name: String,
    /// Whether it decides the case.
    pub tier: Tier,
    /// Its weight.
    pub weight: f64,
    /// What it came to.
    pub scored: Scored,
}

/// The same with everything side by side, owned where it is read and borrowed where it is written. Several of these stand in
/// every trial, and flattening would buffer each of them on its way.
#[derive(Serialize, Deserialize)]
struct Flat<Text, OfScore, OfEvidence: Borrow<Evidence>> {
    name: Text,
    tier: Tier,
    weight: f64,
    score: OfScore,
    passed: bool,
    #[serde(default, skip_serializing_if = "is_default")]
    evidence: OfEvidence,
    #[serde(skip_serializing_if = "Option::is_none")]
    label: Option<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    both_orders: Option<BothOrders>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    suspect: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    outage: bool,
}

impl Serialize for AssertionResult {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { name, tier, weight, scored } = self;
        let Scored { score, passed, evidence, label, both_orders, suspect, outage } = scored;
        let (name, label) = (name.as_str(), label.as_deref());
        let (tier, weight, passed, both_orders) = (*tier, *weight, *passed, *both_orders);
        let (suspect, outage) = (*suspect, *outage);
        Flat { name, tier, weight, score, passed, evidence, label, both_orders, suspect, outage }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for AssertionResult {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Flat { name, tier, weight, score, passed, evidence, label, both_orders, suspect, outage } =
            Flat::<String, Score, Evidence>::deserialize(deserializer)?;
        let scored = Scored { score, passed, evidence, label, both_orders, suspect, outage };
        Ok(Self { name, tier, weight, scored })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_an_assertion_came_to_stands_beside_its_name() {
        let plain = json!({
            "name": "polite", "tier": "critical", "weight": 2.0, "score": {"value": 1.0}, "passed": true,
        });
        let full = json!({
            "name": "a", "tier": "advisory", "weight": 1.0, "score": {"unscored": "why"}, "passed": false,
            "evidence": {"expected": "x", "note": "y"}, "label": "billing",
            "both_orders": {"judged": 2, "flipped": 1, "to_first": 1}, "suspect": true, "outage": true,
        });
        for json in [plain, full] {
            let read: AssertionResult = serde_json::from_value(json.clone()).unwrap();
            assert_eq!(serde_json::to_value(&read).unwrap(), json);
        }
        assert!(serde_json::from_value::<AssertionResult>(json!({"name": "a"})).is_err());
    }
}
