//! The bytes: how events, contexts, saved state and row keys are written and read back. It is pure, and the only home
//! of bincode.
//!
//! There are two kinds of bytes. Those of the log are kept forever: the frozen structs in [`wire`] define them, their
//! golden bytes are in `tests/golden`, and an old schema is lifted when it is read, never rewritten. Those of saved
//! state ([`saved`], [`past`]) are disposable: after an error they are discarded and rebuilt from the log.
//!
//! This module never decides anything and never uses a disk. Read in this order: [`event`], [`wire`], [`context`],
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
