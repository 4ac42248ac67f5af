//! Tests of the bytes: golden files, round trips, hostile input.

mod golden;
mod hostile;
mod round_trip;
mod sample;
mod saved;
mod speed;
mod strategy;
