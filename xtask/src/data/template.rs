//! Chat templates as LLMBar writes them (`<|im_start|>role`, text, `<|im_end|>`, placeholders in braces): read, filled as
//! upstream fills them, written as a `.prompt` body, and put together again from rendered messages.

use promptgate_core::message::{Message, Role};
use serde_json::{Map, Value};

const START: &str = "<|im_start|>";
const END: &str = "\n<|im_end|>";

/// A chat template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    text: String,
    turns: Vec<(Role, String)>,
}

impl Template {
    /// Reads a template; what would not come back the same is an error.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.contains("{{") || text.contains('\\') {
            return Err("holds `{{` or `\\`, which mean something in a prompt file".to_owned());
        }
        let turns = text.split("\n<|im_start|>").map(turn).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { text: text.to_owned(), turns })
    }

    /// The placeholders, each once, in the order of the text.
    pub fn placeholders(&self) -> Vec<&str> {
        let mut names = Vec::new();
        for (name, _) in pieces(&self.text) {
            if !name.is_empty() && !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }

    /// The whole text with its placeholders filled; what is filled in is not looked at again.
    pub fn fill(&self, vars: &Map<String, Value>) -> Result<String, String> {
        let mut filled = String::new();
        for (name, text) in pieces(&self.text) {
            if !name.is_empty() {
                let value = vars.get(name).and_then(Value::as_str);
                filled.push_str(value.ok_or_else(|| format!("no text for the placeholder `{name}`"))?);
            }
            filled.push_str(text);
        }
        Ok(filled)
    }

    /// The body of a `.prompt` file that renders to the same messages. It ends without a line feed, which would be sent.
    pub fn prompt_body(&self) -> String {
        let mut body = String::new();
        for (place, (role, text)) in self.turns.iter().enumerate() {
            if place > 0 {
                body.push('\n');
            }
            // The sign in `{{~` takes the line feed away that stands before it, and `~}}` the one behind.
            body.push_str(&format!("{{{{~role \"{}\"~}}}}\n", role.as_str()));
            for (name, text) in pieces(text) {
                if !name.is_empty() {
                    body.push_str(&format!("{{{{{name}}}}}"));
                }
                body.push_str(text);
            }
        }
        body
    }
}

/// The filled template that these messages are.
pub fn assemble(messages: &[Message]) -> String {
    let turn = |message: &Message| {
        let role = if message.role == Role::Model { "assistant" } else { message.role.as_str() };
        format!("{START}{role}\n{}{END}", message.joined_text())
    };
    messages.iter().map(turn).collect::<Vec<_>>().join("\n")
}

fn turn(text: &str) -> Result<(Role, String), String> {
    let text = text.strip_prefix(START).unwrap_or(text);
    let shape =
        || format!("expected a role, a text and `<|im_end|>`, found `{}`", text.chars().take(40).collect::<String>());
    let (role, rest) = text.split_once('\n').ok_or_else(shape)?;
    let text = rest.strip_suffix(END).ok_or_else(shape)?;
    let role = match role {
        "system" => Role::System,
        "user" => Role::User,
        "assistant" => Role::Model,
        other => return Err(format!("unknown role `{other}`")),
    };
    if text.trim() != text {
        return Err(format!("the {} text begins or ends with white space", role.as_str()));
    }
    Ok((role, text.to_owned()))
}

/// The text in pieces: each the name of the placeholder before it (empty for the first) and the text up to the next one.
fn pieces(text: &str) -> Vec<(&str, &str)> {
    let mut pieces = Vec::new();
    let (mut name, mut begin, mut at) = ("", 0, 0);
    while let Some(open) = text[at..].find('{').map(|found| at + found) {
        let inner = &text[open + 1..];
        let length = inner.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(inner.len());
        at = open + 1;
        if length > 0 && inner[length..].starts_with('}') {
            pieces.push((name, &text[begin..open]));
            name = &inner[..length];
            begin = open + length + 2;
            at = begin;
        }
    }
    pieces.push((name, &text[begin..]));
    pieces
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const TEXT: &str =
        "<|im_start|>system\nBe brief.\n<|im_end|>\n<|im_start|>user\nWhich {of} these?\n{a}\n{b}!\n<|im_end|>";

    fn vars(value: &Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    #[test]
    fn what_is_filled_in_is_not_looked_at_again() {
        let template = Template::parse(TEXT).unwrap();
        assert_eq!(template.placeholders(), ["of", "a", "b"]);
        let filled = template.fill(&vars(&json!({"of": "{a}", "a": "{{b}}", "b": "x"}))).unwrap();
        assert!(filled.contains("Which {a} these?\n{{b}}\nx!"), "{filled}");
    }

    #[test]
    fn messages_are_put_together_to_the_template_again() {
        let messages =
            [Message::text(Role::System, "Be brief."), Message::text(Role::User, "Which {of} these?\n{a}\n{b}!")];
        assert_eq!(assemble(&messages), TEXT);
    }

    #[test]
    fn a_template_that_would_not_come_back_the_same_is_refused() {
        for text in
            ["", "<|im_start|>user\nx", "<|im_start|>user\n x\n<|im_end|>", "<|im_start|>user\n{{x}}\n<|im_end|>"]
        {
            assert!(Template::parse(text).is_err(), "{text}");
        }
    }
}
