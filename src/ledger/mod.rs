//! The bytes of the log and the proofs over them: pure functions that an auditor can run without a store.
//!
//! It knows no disk, clock or thread, and it does not look into bodies. Read in this order: [`header`] and [`record`]
//! (what a record is), [`chain`] (each record binds those before it), [`tree`] and [`proof`] (short proofs), [`note`] and
//! [`checkpoint`] (signed statements about the log).

#![cfg_attr(not(test), warn(clippy::arithmetic_side_effects, clippy::as_conversions))]

mod cursor;
pub mod fault;
#[cfg(test)]
mod golden;
pub mod hash;
pub mod header;
pub mod record;
