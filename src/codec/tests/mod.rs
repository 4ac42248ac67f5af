//! Tests of the bytes: golden files, saved rows, measurements.

mod golden;
mod sample;
mod saved;
mod speed;
