//! Carries a plan out: bounded concurrency, typed events, the run log.
