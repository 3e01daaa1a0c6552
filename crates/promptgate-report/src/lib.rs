//! Renders run and gate reports; shows progress.
