//! One escaper per sink. Data stays readable: what could act is shown as text, never dropped.

mod csv;
mod json;
mod markdown;
mod shell;
mod terminal;
mod xml;

pub use csv::{cell as csv_cell, value as csv_value};
pub(crate) use json::{Compact as CompactJson, Pretty as PrettyJson};
pub use markdown::{code as markdown_code, text as markdown_text};
pub use shell::argument as shell_argument;
pub use terminal::{line as terminal_line, shortened};
pub use xml::text as xml_text;

/// Whether a character could act on a reader's screen instead of being read: controls, direction overrides, zero width,
/// and letters that show nothing.
pub fn acts(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
        || matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}')
        || matches!(c, '\u{180b}'..='\u{180f}' | '\u{3164}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}')
        || matches!(c, '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}
