//! What databases that read one dialect take for code or not: an allow-list would hold the one reading against its names, and
//! the database might run the other.

use sqlparser::tokenizer::{Token, TokenWithSpan, Whitespace};

use super::dialect::Dialect;

/// Comments that MySQL or MariaDB run as code, each from some version on.
const RUN: [&str; 2] = ["/*!", "/*M!"];

/// The first of what a text has of that.
pub(super) fn doubt(dialect: Dialect, text: &str, tokens: &[TokenWithSpan]) -> Option<&'static str> {
    match dialect {
        Dialect::MySql => run(text),
        Dialect::Generic => run(text).or_else(|| tokens.iter().find_map(|token| of_token(&token.token))),
        _ => None,
    }
}

/// The tokenizer has already put the code of one of them in its place, so that only the text has both.
fn run(text: &str) -> Option<&'static str> {
    RUN.into_iter().find(|begin| text.contains(begin))
}

fn of_token(token: &Token) -> Option<&'static str> {
    let ends_otherwise = match token {
        Token::SingleQuotedString(text)
        | Token::NationalStringLiteral(text)
        | Token::SingleQuotedByteStringLiteral(text)
        | Token::SingleQuotedRawStringLiteral(text) => escapes(text, '\''),
        Token::DoubleQuotedByteStringLiteral(text) | Token::DoubleQuotedRawStringLiteral(text) => escapes(text, '"'),
        Token::Word(word) => word.quote_style == Some('"') && escapes(&word.value, '"'),
        // Its escapes are resolved.
        Token::EscapedStringLiteral(text) => text.contains('\''),
        // Comments end at the first `*/` in some databases.
        Token::Whitespace(Whitespace::MultiLineComment(comment)) => return comment.contains("/*").then_some("/*"),
        _ => false,
    };
    ends_otherwise.then_some("\\'")
}

/// Whether a text in quotes ends elsewhere where `\` escapes a quote.
fn escapes(text: &str, quote: char) -> bool {
    let mut escaped = false;
    for char in text.chars() {
        if escaped && char == quote {
            return true;
        }
        escaped = char == '\\' && !escaped;
    }
    escaped
}
