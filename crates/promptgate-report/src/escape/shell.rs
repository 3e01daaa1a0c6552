//! Shells: a name in a command that a reader may paste is one argument, whatever it holds.

/// The text as one argument of a POSIX shell: as it is where no shell acts on it, else in single quotes.
pub fn argument(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "._-/:@%+=,".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stays_one_argument() {
        assert_eq!(argument("triage@git:main"), "triage@git:main");
        assert_eq!(argument("a b; rm -rf $HOME `x`"), "'a b; rm -rf $HOME `x`'");
        assert_eq!(argument("it's"), "'it'\\''s'");
        assert_eq!(argument(""), "''");
    }
}
