//! The text formats users write, one file a document. Each takes text (or a reader) and a file name, opens nothing, and
//! answers with valid values or with located mistakes.

pub mod extract;
pub mod prompt;
