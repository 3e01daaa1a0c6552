//! Names as globs: `*` any text, `?` one character.

use promptgate_core::Diagnostic;
use promptgate_core::assertion::AssertionSpec;
use promptgate_core::selection::IdGlob;

/// A glob over the names of tools and steps; one that matches all where none is given.
pub(super) struct Names {
    text: Option<String>,
    glob: Option<IdGlob>,
}

impl Names {
    /// The glob of a key.
    pub(super) fn read(spec: &AssertionSpec, key: &str, text: Option<String>) -> Result<Self, Diagnostic> {
        let glob = text.as_deref().map(IdGlob::new).transpose();
        let glob = glob.map_err(|problem| spec.params.mistake(key, format!("`{key}`: {problem}")))?;
        Ok(Self { text, glob })
    }

    /// Whether a name matches.
    pub(super) fn hold(&self, name: &str) -> bool {
        self.glob.as_ref().is_none_or(|glob| glob.matches(name))
    }

    /// The glob for people.
    pub(super) fn told(&self) -> &str {
        self.text.as_deref().unwrap_or("*")
    }
}
