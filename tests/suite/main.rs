//! The store as a whole, through its public interface, on a real disk. One binary; a file per area.
#![allow(clippy::pedantic, missing_docs)]

mod life;
mod proofs;
mod support;
