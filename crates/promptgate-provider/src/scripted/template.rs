//! The text of a scripted answer: `{{case}}` and friends are replaced once, values are never looked at again.

use promptgate_core::request::{Origin, Request};
use serde::Deserialize;

use crate::echo::last_user_text;

/// A text with places for what is known of a request.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) struct Template(Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Place(Place),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Case,
    Prompt,
    Model,
    Repeat,
    Input,
    Digest,
}

const PLACES: [(&str, Place); 6] = [
    ("case", Place::Case),
    ("prompt", Place::Prompt),
    ("model", Place::Model),
    ("repeat", Place::Repeat),
    ("input", Place::Input),
    ("digest", Place::Digest),
];

impl TryFrom<String> for Template {
    type Error = String;

    /// Reads a text. Braces around anything but a plain word are text, so that JSON needs no escaping.
    fn try_from(text: String) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut rest = text.as_str();
        let mut plain = String::new();
        while let Some(open) = rest.find("{{") {
            let (head, tail) = (&rest[..open], &rest[open + 2..]);
            plain.push_str(head);
            match tail.split_once("}}").map(|(word, after)| (word.trim(), after)) {
                Some((word, after)) if is_word(word) => {
                    pieces.push(Piece::Text(std::mem::take(&mut plain)));
                    pieces.push(Piece::Place(place(word)?));
                    rest = after;
                }
                _ => {
                    plain.push('{');
                    rest = &rest[open + 1..];
                }
            }
        }
        plain.push_str(rest);
        pieces.push(Piece::Text(plain));
        Ok(Self(pieces))
    }
}

impl Template {
    /// The text for one request.
    pub(crate) fn render(&self, request: &Request) -> String {
        let piece = |piece: &Piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Place(place) => place.value(request),
        };
        self.0.iter().map(piece).collect()
    }
}

impl Place {
    fn value(self, request: &Request) -> String {
        match (self, &request.origin) {
            (Self::Case, origin) => origin.case().to_string(),
            (Self::Prompt, Origin::Trial { prompt, .. }) => prompt.to_string(),
            (Self::Prompt, Origin::Ask { assertion, .. }) => assertion.clone(),
            (Self::Model, _) => request.body.model.to_string(),
            (Self::Repeat, _) => request.repeat.to_string(),
            (Self::Input, _) => last_user_text(request),
            (Self::Digest, _) => request.digest.to_string(),
        }
    }
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'_')
}

fn place(word: &str) -> Result<Place, String> {
    let found = PLACES.iter().find(|(name, _)| *name == word).map(|(_, place)| *place);
    found.ok_or_else(|| {
        let help = promptgate_core::nearest::did_you_mean(word, PLACES.iter().map(|(name, _)| *name));
        format!("`{{{{{word}}}}}` stands for nothing in an answer; {help}")
    })
}
