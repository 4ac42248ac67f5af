//! The bytes: how events, contexts, saved state and row keys are written and read back. Pure; the only home of bincode.
//!
//! Two kinds of bytes live here. Those of the log are for ever: their shapes are the frozen structs in [`wire`], their
//! golden bytes lie in `tests/golden`, and an old schema is lifted on read, never rewritten. Those of saved state
//! ([`saved`], [`past`]) are disposable: an error means that they are thrown away and rebuilt from the log.
//!
//! This module never decides anything and never touches a disk. Read in this order: [`event`], [`wire`], [`context`],
//! [`keys`], [`saved`], [`voucher`].

pub(crate) mod backup;
pub(crate) mod bytes;
pub(crate) mod context;
pub(crate) mod error;
pub(crate) mod event;
pub(crate) mod keys;
pub(crate) mod mark;
pub(crate) mod meta;
pub(crate) mod past;
pub(crate) mod saved;
pub(crate) mod voucher;
mod wire;

#[cfg(test)]
pub(crate) mod tests;
