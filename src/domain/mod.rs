//! The rules of the product, and nothing else: no disk, clock, thread or randomness. Commands go in, events or a
//! refusal come out.
//!
//! Read in this order: [`secret`], [`version`], [`lock`], then [`touch`] (the one rule), [`decide`] (what is refused and
//! why) and [`evolve`] (what an event changes).

mod code;
pub(crate) mod id;
pub(crate) mod invalid;
pub(crate) mod json;
pub mod limits;
pub(crate) mod name;
pub(crate) mod position;
pub(crate) mod time;
