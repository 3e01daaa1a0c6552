//! What databases that read one dialect take for code or not: an allow-list would hold the one reading against its names, and
//! the database might run the other.

use sqlparser::tokenizer::{Token, TokenWithSpan, Whitespace};

use super::dialect::Dialect;

/// Comments that MySQL or MariaDB run as code, each from some version on.
const RUN: [&str; 2] = ["/*!", "/*M!"];

/// The first of what a text has of that.
pub(super) fn doubt(dialect: Dialect, text: &str, tokens: &[TokenWithSpan]) -> Option<&'static str> {
    let mut tokens = tokens.iter().map(|token| &token.token);
    match dialect {
        Dialect::MySql => run(text).or_else(|| tokens.find_map(of_hex)),
        Dialect::Generic => run(text).or_else(|| tokens.find_map(|token| of_hex(token).or_else(|| of_token(token)))),
        _ => tokens.find_map(of_hex),
    }
}

/// The tokenizer lets `\` escape in `x'...'` in every dialect. No number has a quote, and some dialects have no such numbers.
fn of_hex(token: &Token) -> Option<&'static str> {
    matches!(token, Token::HexStringLiteral(text) if text.contains('\'')).then_some("x'")
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
        // Their escapes are resolved, or there are none.
        Token::EscapedStringLiteral(text) => text.contains('\''),
        Token::QuoteDelimitedStringLiteral(text) | Token::NationalQuoteDelimitedStringLiteral(text) => {
            text.value.contains('\'')
        }
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
