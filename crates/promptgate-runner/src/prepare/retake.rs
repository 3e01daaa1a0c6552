//! A stored run as a baseline.

/// Finds the trials of a stored run.
pub(crate) struct Retake;
