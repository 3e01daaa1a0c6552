//! Money: integer nano-dollars, and prices per million tokens. An unknown price is unknown, never 0.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::answer::Usage;
use crate::name::ModelId;

/// An amount in billionths of a US dollar.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NanoUsd(pub u64);

impl NanoUsd {
    /// An amount in dollars, rounded to the nearest billionth; nothing below 0.
    pub fn of_dollars(dollars: f64) -> Self {
        Self((dollars * 1e9).round().max(0.0) as u64)
    }

    /// In dollars, for ratios and for people.
    pub fn dollars(self) -> f64 {
        self.0 as f64 / 1e9
    }

    /// What is left of it, nothing below 0.
    #[must_use]
    pub fn less(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// The sum of what is known; unknown where nothing is.
    pub fn known_sum(one: Option<Self>, other: Option<Self>) -> Option<Self> {
        match (one, other) {
            (Some(one), Some(other)) => Some(one.plus(other)),
            (one, other) => one.or(other),
        }
    }

    /// The sum, at most the largest amount that can be held.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// So many times as much.
    #[must_use]
    pub fn times(self, count: u32) -> Self {
        Self(self.0.saturating_mul(count.into()))
    }
}

impl fmt::Display for NanoUsd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.dollars() {
            0.0 => f.write_str("$0"),
            dollars if dollars < 0.01 => write!(f, "${dollars:.6}"),
            dollars if dollars < 1.0 => write!(f, "${dollars:.4}"),
            dollars => write!(f, "${dollars:.2}"),
        }
    }
}

/// What a model costs, in US dollars a million tokens.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Price {
    /// Per million tokens read.
    pub input: f64,
    /// Per million tokens written.
    pub output: f64,
    /// Per million tokens read from the provider's cache; the full input price where it is not given.
    #[serde(default)]
    pub cached_input: Option<f64>,
    /// Per million tokens read that are written to the provider's cache; the full input price where it is not given.
    #[serde(default)]
    pub cache_creation_input: Option<f64>,
}

impl Price {
    /// The cost of one call, rounded to the nearest nano-dollar.
    pub fn cost(&self, usage: &Usage) -> NanoUsd {
        let cached = usage.cached_input_tokens.min(usage.input_tokens);
        let kept = usage.cache_creation_input_tokens.min(usage.input_tokens - cached);
        let fresh = usage.input_tokens - cached - kept;
        // Dollars a million tokens are 1,000 nano-dollars a token.
        let nano = |tokens: u64, price: f64| tokens as f64 * price * 1_000.0;
        let total = nano(fresh, self.input)
            + nano(cached, self.cached_input.unwrap_or(self.input))
            + nano(kept, self.cache_creation_input.unwrap_or(self.input))
            + nano(usage.output_tokens, self.output);
        NanoUsd(total.round().max(0.0) as u64)
    }

    /// The most that a call of so many tokens can cost: what it reads may have to be written to the cache.
    pub fn most(&self, input_tokens: u64, output_tokens: u64) -> NanoUsd {
        let usage = |cache_creation_input_tokens| Usage {
            input_tokens,
            output_tokens,
            cache_creation_input_tokens,
            ..Usage::default()
        };
        self.cost(&usage(0)).max(self.cost(&usage(input_tokens)))
    }
}

/// The known prices, by model id.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Prices {
    /// The day the embedded table was last looked at, e.g. `2026-11-01`.
    pub as_of: String,
    models: BTreeMap<String, Price>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    as_of: String,
    model: BTreeMap<String, Price>,
}

impl Prices {
    /// The table that ships in the binary.
    #[expect(clippy::expect_used, reason = "the embedded table is read in a test")]
    pub fn embedded() -> Self {
        let table: Table = toml::from_str(include_str!("price.toml")).expect("the embedded price table is valid");
        Self { as_of: table.as_of, models: table.model }
    }

    /// Puts a user's prices over the known ones.
    #[must_use]
    pub fn overridden_by(mut self, prices: BTreeMap<String, Price>) -> Self {
        self.models.extend(prices);
        self
    }

    /// Those of some models, as far as they are known, for a record.
    pub fn of_all<'a>(&self, models: impl IntoIterator<Item = &'a ModelId>) -> BTreeMap<String, Price> {
        models.into_iter().filter_map(|model| Some((model.to_string(), *self.of(model)?))).collect()
    }

    /// The price of a model, if it is known.
    pub fn of(&self, model: &ModelId) -> Option<&Price> {
        self.models.get(&model.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_of_the_cache_have_prices_of_their_own() {
        let usage = Usage {
            input_tokens: 1_000,
            output_tokens: 10,
            cached_input_tokens: 300,
            cache_creation_input_tokens: 500,
            ..Usage::default()
        };
        let plain = Price { input: 2.0, output: 10.0, cached_input: Some(0.2), cache_creation_input: None };
        assert_eq!(plain.cost(&usage), NanoUsd(700 * 2_000 + 300 * 200 + 10 * 10_000));
        let price = Price { cache_creation_input: Some(2.5), ..plain };
        assert_eq!(price.cost(&usage), NanoUsd(200 * 2_000 + 300 * 200 + 500 * 2_500 + 10 * 10_000));
        // No more of a call can be of the cache than there is of it.
        let odd = Usage { cache_creation_input_tokens: 5_000, ..usage };
        assert_eq!(price.cost(&odd), NanoUsd(300 * 200 + 700 * 2_500 + 10 * 10_000));
        assert_eq!((price.most(1_000, 10), plain.most(1_000, 10)), (NanoUsd(2_600_000), NanoUsd(2_100_000)));
        let claude = *Prices::embedded().of(&ModelId::new("anthropic/claude-opus-4-8").unwrap()).unwrap();
        assert_eq!(claude.cache_creation_input, Some(claude.input * 1.25));
    }

    #[test]
    fn common_models_of_every_vendor_have_a_price() {
        let prices = Prices::embedded();
        for id in [
            "anthropic/claude-sonnet-4-5",
            "anthropic/claude-sonnet-4-5-20250929",
            "anthropic/claude-opus-4-1",
            "deepseek/deepseek-chat",
            "gemini/gemini-3-pro-preview",
            "groq/llama-3.3-70b-versatile",
            // A vendor's name for a model may hold its maker.
            "groq/openai/gpt-oss-120b",
            "mistral/mistral-large-latest",
            "moonshot/kimi-k2-thinking",
            "openai/o4-mini",
            "openrouter/anthropic/claude-sonnet-4.5",
            "openrouter/openai/gpt-4.1-mini",
            "xai/grok-4",
        ] {
            let price = prices.of(&ModelId::new(id).unwrap()).unwrap_or_else(|| panic!("no price of {id}"));
            assert!(price.input > 0.0 && price.output > 0.0, "{id}");
        }
    }

    #[test]
    fn a_call_costs_its_tokens_and_an_unknown_model_costs_nothing_known() {
        let prices = Prices::embedded();
        let usage = Usage { input_tokens: 1_000, output_tokens: 100, ..Usage::default() };
        let price = prices.of(&ModelId::new("openai/gpt-4.1-mini").unwrap()).unwrap();
        assert_eq!(price.cost(&usage), NanoUsd(560_000));
        assert_eq!(prices.of(&ModelId::new("nobody/knows").unwrap()), None);
    }
}
