//! Tokens and dollars of calls that were not made yet. What is not known stays unknown.

use promptgate_core::answer::Usage;
use promptgate_core::media::IMAGE_TOKENS;
use promptgate_core::price::{NanoUsd, Price};
use promptgate_core::report::plan::{Basis, Spend, Unknown};

/// Characters a token where nothing was measured.
const CHARACTERS_PER_TOKEN: f64 = 4.0;

/// One version on one model.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SideCost {
    /// What is to be called for.
    pub asked: Asked,
    /// What is known of answers that are there.
    pub measured: Measured,
}

/// The calls of a side.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Asked {
    /// Calls.
    pub calls: u64,
    /// Characters of their requests.
    pub characters: u64,
    /// Files (images and the like) in them, whose tokens cannot be told from a length.
    pub files: u64,
    /// The most tokens that their parameters allow the answers, as far as they say so.
    pub most_output: u64,
    /// Calls whose parameters set no such limit.
    pub unlimited: u64,
}

/// Answers that tell their tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Measured {
    /// How many.
    pub answers: u64,
    /// Characters of their requests.
    pub characters: u64,
    /// Tokens read.
    pub input_tokens: u64,
    /// Tokens written.
    pub output_tokens: u64,
}

impl SideCost {
    /// Adds another one.
    pub fn add(&mut self, other: &Self) {
        self.asked.calls += other.asked.calls;
        self.asked.characters += other.asked.characters;
        self.asked.files += other.asked.files;
        self.asked.most_output += other.asked.most_output;
        self.asked.unlimited += other.asked.unlimited;
        self.measured.answers += other.measured.answers;
        self.measured.characters += other.measured.characters;
        self.measured.input_tokens = self.measured.input_tokens.saturating_add(other.measured.input_tokens);
        self.measured.output_tokens = self.measured.output_tokens.saturating_add(other.measured.output_tokens);
    }
}

/// What the calls of one model take, all its versions together.
pub fn spend(sides: &[SideCost], price: Option<&Price>) -> Spend {
    let mut model = SideCost::default();
    sides.iter().for_each(|side| model.add(side));
    let (characters_per_token, input_basis) = ratio(&model.measured);
    let input = (model.asked.characters as f64 / characters_per_token).round() as u64;
    let input = input + model.asked.files * IMAGE_TOKENS;
    let output = sides.iter().filter(|side| side.asked.calls > 0).map(|side| output(side, &model.measured));
    let (output_tokens, output_basis) = output.fold((Some(0), Basis::Measured), |(sum, basis), (tokens, of)| {
        (sum.zip(tokens).map(|(sum, tokens)| sum + tokens), weaker(basis, of))
    });
    let (nano_usd, unknown) = match (price, output_tokens) {
        _ if model.asked.calls == 0 => (Some(NanoUsd(0)), None),
        (None, _) => (None, Some(Unknown::Price)),
        (_, None) => (None, Some(Unknown::OutputTokens)),
        (Some(price), Some(output_tokens)) => {
            (Some(price.cost(&Usage { input_tokens: input, output_tokens, ..Usage::default() })), None)
        }
    };
    Spend {
        input_tokens: Some(input),
        input_basis,
        characters_per_token,
        output_tokens,
        output_basis,
        nano_usd,
        unknown,
    }
}

fn ratio(measured: &Measured) -> (f64, Basis) {
    if measured.input_tokens == 0 || measured.characters == 0 {
        return (CHARACTERS_PER_TOKEN, Basis::Assumed);
    }
    (measured.characters as f64 / measured.input_tokens as f64, Basis::Measured)
}

/// As many tokens an answer as the same version wrote, else as the model did, else at most as many as it may.
fn output(side: &SideCost, model: &Measured) -> (Option<u64>, Basis) {
    let known = if side.measured.answers > 0 { &side.measured } else { model };
    if known.answers > 0 {
        let mean = known.output_tokens as f64 / known.answers as f64;
        return (Some((mean * side.asked.calls as f64).round() as u64), Basis::Measured);
    }
    match side.asked.unlimited {
        0 => (Some(side.asked.most_output), Basis::AtMost),
        _ => (None, Basis::Unknown),
    }
}

fn weaker(one: Basis, other: Basis) -> Basis {
    let rank = |basis| match basis {
        Basis::Measured => 0,
        Basis::Assumed => 1,
        Basis::AtMost => 2,
        Basis::Unknown => 3,
    };
    if rank(one) >= rank(other) { one } else { other }
}

/// All models together. The ratio is that of the whole, for orientation.
pub(super) fn total(models: impl Iterator<Item = Spend>) -> Spend {
    let both = |one: Option<u64>, other: Option<u64>| one.zip(other).map(|(one, other)| one + other);
    let nothing = Spend {
        input_tokens: Some(0),
        input_basis: Basis::Measured,
        characters_per_token: 0.0,
        output_tokens: Some(0),
        output_basis: Basis::Measured,
        nano_usd: Some(NanoUsd(0)),
        unknown: None,
    };
    let (mut characters, mut called) = (0.0, false);
    let mut sum = models.fold(nothing, |sum, one| {
        // A model that is not called says nothing of what the others take.
        if one.input_tokens == Some(0) && one.output_tokens == Some(0) {
            return sum;
        }
        called = true;
        characters += one.input_tokens.unwrap_or(0) as f64 * one.characters_per_token;
        Spend {
            input_tokens: both(sum.input_tokens, one.input_tokens),
            input_basis: weaker(sum.input_basis, one.input_basis),
            output_tokens: both(sum.output_tokens, one.output_tokens),
            output_basis: weaker(sum.output_basis, one.output_basis),
            nano_usd: sum.nano_usd.zip(one.nano_usd).map(|(sum, one)| sum.plus(one)),
            // A price is asked for first: without it no length helps.
            unknown: [sum.unknown, one.unknown].into_iter().flatten().min_by_key(|what| *what != Unknown::Price),
            ..sum
        }
    });
    let tokens = sum.input_tokens.unwrap_or(0) as f64;
    sum.characters_per_token = if called && tokens > 0.0 { characters / tokens } else { CHARACTERS_PER_TOKEN };
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRICE: Price = Price { input: 1.0, output: 10.0, cached_input: None, cache_creation_input: None };

    fn asked(calls: u64, characters: u64, limit: Option<u64>) -> SideCost {
        let (most_output, unlimited) = limit.map_or((0, calls), |limit| (limit * calls, 0));
        SideCost { asked: Asked { calls, characters, files: 0, most_output, unlimited }, ..SideCost::default() }
    }

    fn known(side: SideCost, answers: u64, output_tokens: u64) -> SideCost {
        let measured = Measured { answers, characters: 500 * answers, input_tokens: 100 * answers, output_tokens };
        SideCost { measured, ..side }
    }

    #[test]
    fn an_image_counts_as_in_a_budget() {
        let text = asked(2, 4_000, Some(300));
        let images = SideCost { asked: Asked { files: 3, ..text.asked }, ..text };
        let read = |side| spend(&[side], Some(&PRICE)).input_tokens.unwrap();
        assert_eq!(read(images) - read(text), 3 * 1_000);
    }

    #[test]
    fn without_any_answer_tokens_are_reckoned_from_length_and_the_limit_of_the_parameters() {
        let spend = spend(&[asked(10, 4_000, Some(300))], Some(&PRICE));
        assert_eq!((spend.input_tokens, spend.input_basis), (Some(1_000), Basis::Assumed));
        assert_eq!((spend.output_tokens, spend.output_basis), (Some(3_000), Basis::AtMost));
        assert_eq!(spend.nano_usd, Some(NanoUsd(1_000 * 1_000 + 3_000 * 10_000)));
    }

    #[test]
    fn answers_of_the_same_version_come_before_those_of_the_model() {
        let sides =
            [known(asked(10, 5_000, None), 4, 80), known(asked(10, 5_000, None), 4, 40), asked(10, 5_000, None)];
        let spend = spend(&sides, Some(&PRICE));
        assert_eq!((spend.input_tokens, spend.characters_per_token), (Some(3_000), 5.0));
        // 20 and 10 tokens an answer, and 15 where nothing of the version is known.
        assert_eq!((spend.output_tokens, spend.output_basis), (Some(450), Basis::Measured));
    }

    #[test]
    fn what_is_not_known_is_never_nothing() {
        let unlimited = spend(&[asked(10, 4_000, None)], Some(&PRICE));
        assert_eq!((unlimited.output_tokens, unlimited.nano_usd), (None, None));
        assert_eq!(unlimited.unknown, Some(Unknown::OutputTokens));
        let unpriced = spend(&[asked(10, 4_000, Some(5))], None);
        assert_eq!((unpriced.nano_usd, unpriced.unknown), (None, Some(Unknown::Price)));
        let both = total([spend(&[asked(10, 4_000, Some(5))], Some(&PRICE)), unpriced, unlimited].into_iter());
        assert_eq!((both.nano_usd, both.unknown, both.input_tokens), (None, Some(Unknown::Price), Some(3_000)));
    }

    #[test]
    fn without_a_call_nothing_is_spent_whatever_the_price() {
        let spent =
            total([spend(&[asked(0, 0, None)], None), spend(&[asked(10, 40, Some(1))], Some(&PRICE))].into_iter());
        assert_eq!((spent.nano_usd, spent.unknown), (Some(NanoUsd(10 * 1_000 + 10 * 10_000)), None));
    }
}
