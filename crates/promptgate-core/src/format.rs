//! The text formats users write, one file a document. Each takes text (or a reader) and a file name, opens nothing, and
//! answers with valid values or with located mistakes.

pub mod accepted;
pub mod amount;
mod assertion;
pub mod cases;
pub mod csv;
pub mod extract;
pub mod inputs;
mod json_line;
pub mod labels;
pub mod lines;
mod node;
pub mod picoschema;
pub mod project;
pub mod prompt;
pub mod recording;
pub mod selection;
mod source;
pub mod suite;
mod table;
pub mod yaml;
