//! Proofs over the log.
