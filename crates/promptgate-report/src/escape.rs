//! One escaper per sink. Data stays readable: what could act is shown as text, never dropped.

mod csv;
mod markdown;
mod terminal;
mod xml;

pub use csv::cell as csv_cell;
pub use markdown::code as markdown_code;
pub use terminal::{line as terminal_line, shortened};
pub use xml::text as xml_text;

/// Whether a character could act on a reader's screen instead of being read: controls, direction overrides, zero width.
fn acts(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
        || matches!(c, '\u{061c}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}
