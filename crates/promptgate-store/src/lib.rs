//! Run logs, data sets, recordings and prompt versions, on disk and in git.
