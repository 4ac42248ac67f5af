//! Tests of the bytes: golden files, round trips, hostile input, and a schema that does not exist yet.

mod answers;
mod clocks;
mod evolution;
pub(crate) mod golden;
mod hostile;
mod parts;
mod restated;
mod rotations;
mod round_trip;
mod sample;
mod saved;
mod speed;
mod strategy;
