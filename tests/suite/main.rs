//! The store as a whole, through its public interface, on a real disk. One binary; a file per area.
#![allow(clippy::pedantic, missing_docs)]

mod audit;
mod canary;
mod conditions;
mod idempotency;
mod keys;
mod kinds;
mod life;
mod locks;
mod metadata;
mod opening;
mod pressure;
mod proofs;
mod support;
mod threads;
mod time;
mod walk;
