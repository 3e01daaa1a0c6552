//! Parsing SQL that a model wrote. The parser recurses, with large frames, and drops what it built by recursion: it works on
//! a thread with a stack of its own, on so many tokens that the stack is enough whatever they are.

use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer};

use super::dialect::Dialect;
use super::doubts::doubt;
use super::names::Names;

/// The most tokens that are parsed, white space and comments aside.
const MAX_TOKENS: usize = 5_000;
/// The stack, in bytes. Without optimisation, 10,000 times `not` take less than half of it, and any other nesting is stopped
/// at 50 levels by the parser itself.
const STACK: usize = 64 << 20;

/// What a text is.
pub(super) enum Parsed {
    /// SQL: what it names.
    Right(Names),
    /// Not SQL, and why.
    Wrong(String),
    /// Not told, and why.
    Unread(String),
}

/// Parses a text.
pub(super) fn parse(dialect: Dialect, text: &str) -> Parsed {
    std::thread::scope(|scope| {
        let parser = std::thread::Builder::new().stack_size(STACK);
        match parser.spawn_scoped(scope, || parse_here(dialect, text)) {
            // A panic goes on where it is caught around every assertion.
            Ok(thread) => thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            Err(error) => Parsed::Unread(format!("no thread for the SQL parser: {error}")),
        }
    })
}

fn parse_here(dialect: Dialect, text: &str) -> Parsed {
    let tokens = match Tokenizer::new(dialect.words(), text).tokenize_with_location() {
        Ok(tokens) => tokens,
        Err(error) => return Parsed::Wrong(error.to_string()),
    };
    let doubt = doubt(dialect, text, &tokens);
    let meant: Vec<TokenWithSpan> =
        tokens.into_iter().filter(|token| !matches!(token.token, Token::Whitespace(_))).collect();
    if meant.len() > MAX_TOKENS {
        return Parsed::Unread(format!("the SQL has {} tokens, {MAX_TOKENS} are parsed", meant.len()));
    }
    match Parser::new(dialect.reading()).with_tokens_with_locations(meant).parse_statements() {
        Ok(statements) if statements.is_empty() => Parsed::Wrong("there is no statement in it".to_owned()),
        Ok(statements) => {
            let mut names = Names::of(&statements, dialect);
            names.other = names.other.or(doubt.map(str::to_owned));
            Parsed::Right(names)
        }
        Err(ParserError::RecursionLimitExceeded) => Parsed::Unread("the SQL is nested too deeply".to_owned()),
        Err(ParserError::TokenizerError(why) | ParserError::ParserError(why)) => Parsed::Wrong(why),
    }
}
