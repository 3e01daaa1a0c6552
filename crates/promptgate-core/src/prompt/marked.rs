//! Text with markers, and the messages it is cut into. What the marker is and why no value can hold it stands in
//! [`template`](super::template).

use serde_json::{Map, Value};

use crate::message::{Media, Message, Part, Role};

/// One piece of structure in rendered text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark<'a> {
    /// `{{role "system"}}`: what follows is a message of that role.
    Role(&'a str),
    /// `{{history}}`: the earlier turns stand here.
    History,
    /// `{{media url=x contentType=y}}`.
    Media { url: &'a str, content_type: &'a str },
    /// `{{section "name"}}`.
    Section(&'a str),
    /// A blank value stands behind it.
    Value,
}

impl<'a> Mark<'a> {
    /// Writes marker, kind, arguments, each ended by the marker.
    pub fn write<E>(self, marker: char, write: &mut dyn FnMut(&str) -> Result<(), E>) -> Result<(), E> {
        let (kind, arguments): (&str, [&str; 2]) = match self {
            Self::Role(name) => ("r", [name, ""]),
            Self::History => ("h", ["", ""]),
            Self::Media { url, content_type } => ("m", [url, content_type]),
            Self::Section(name) => ("s", [name, ""]),
            Self::Value => ("v", ["", ""]),
        };
        let mut buffer = [0; 4];
        let marker: &str = marker.encode_utf8(&mut buffer);
        for text in [marker, kind, marker, arguments[0], marker, arguments[1], marker] {
            write(text)?;
        }
        Ok(())
    }

    fn read(kind: &str, first: &'a str, second: &'a str) -> Option<Self> {
        Some(match kind {
            "r" => Self::Role(first),
            "h" => Self::History,
            "m" => Self::Media { url: first, content_type: second },
            "s" => Self::Section(first),
            "v" => Self::Value,
            _ => return None,
        })
    }
}

/// Rendered text with its marker.
#[derive(Debug)]
pub struct Marked {
    text: String,
    marker: char,
}

/// A mark or the text between two.
enum Piece<'a> {
    Mark(Mark<'a>),
    Text(&'a str),
}

impl Marked {
    /// Text in which the marker occurs in marks alone.
    pub fn new(text: String, marker: char) -> Self {
        Self { text, marker }
    }

    /// The messages, with the earlier turns where `{{history}}` stands, or else before a last user message.
    pub fn into_messages(self, history: &[Message]) -> Vec<Message> {
        let mut assembly = Assembly { done: Vec::new(), open: Draft::new(Role::User), history, placed: false };
        self.pieces().for_each(|piece| assembly.take(piece));
        assembly.finish()
    }

    /// Text and marks by turns: text, then (kind, first, second, text) again and again.
    fn pieces(&self) -> impl Iterator<Item = Piece<'_>> {
        let mut parts = self.text.split(self.marker);
        let mut pending = parts.next().map(Piece::Text);
        std::iter::from_fn(move || {
            if let Some(piece) = pending.take() {
                return Some(piece);
            }
            let (kind, first, second) = (parts.next()?, parts.next()?, parts.next()?);
            pending = parts.next().map(Piece::Text);
            Mark::read(kind, first, second).map(Piece::Mark)
        })
    }
}

/// A message being put together.
struct Draft {
    role: Role,
    parts: Vec<Part>,
    text: String,
    /// Whether the text holds a value, and is therefore kept though it be blank.
    holds_value: bool,
}

impl Draft {
    fn new(role: Role) -> Self {
        Self { role, parts: Vec::new(), text: String::new(), holds_value: false }
    }

    /// Ends the text part under way; blank text of the template alone is dropped, as the format asks.
    fn end_text(&mut self) {
        let text = std::mem::take(&mut self.text);
        if std::mem::take(&mut self.holds_value) || !text.trim().is_empty() {
            self.parts.push(Part::text(text));
        }
    }

    fn push(&mut self, part: Part) {
        self.end_text();
        self.parts.push(part);
    }
}

struct Assembly<'a> {
    done: Vec<Message>,
    open: Draft,
    history: &'a [Message],
    placed: bool,
}

impl Assembly<'_> {
    fn take(&mut self, piece: Piece<'_>) {
        match piece {
            Piece::Text(text) => self.open.text.push_str(text),
            Piece::Mark(Mark::Value) => self.open.holds_value = true,
            Piece::Mark(Mark::Role(name)) => self.begin(role_named(name).unwrap_or(Role::User)),
            Piece::Mark(Mark::History) => self.place_history(),
            Piece::Mark(Mark::Media { url, content_type }) => {
                let content_type = (!content_type.is_empty()).then(|| content_type.to_owned());
                self.open.push(Part::Media { media: Media { url: url.to_owned(), content_type } });
            }
            Piece::Mark(Mark::Section(name)) => {
                let pairs = [("purpose".to_owned(), Value::from(name)), ("pending".to_owned(), Value::from(true))];
                self.open.push(Part::Pending { metadata: Map::from_iter(pairs) });
            }
        }
    }

    fn begin(&mut self, role: Role) {
        let mut draft = std::mem::replace(&mut self.open, Draft::new(role));
        draft.end_text();
        if !draft.parts.is_empty() {
            self.done.push(Message { role: draft.role, content: draft.parts, metadata: Map::new() });
        }
    }

    fn place_history(&mut self) {
        self.begin(Role::Model);
        self.placed = true;
        for message in self.history {
            let mut message = message.clone();
            message.metadata.insert("purpose".to_owned(), Value::from("history"));
            self.done.push(message);
        }
    }

    fn finish(mut self) -> Vec<Message> {
        self.begin(Role::User);
        if !self.placed && !self.history.is_empty() {
            let last_is_user = self.done.last().is_some_and(|message| message.role == Role::User);
            let at = self.done.len() - usize::from(last_is_user);
            self.done.splice(at..at, self.history.iter().cloned());
        }
        self.done
    }
}

/// The role a word names.
pub fn role_named(word: &str) -> Option<Role> {
    Some(match word {
        "system" => Role::System,
        "user" => Role::User,
        "model" | "assistant" => Role::Model,
        "tool" => Role::Tool,
        _ => return None,
    })
}
