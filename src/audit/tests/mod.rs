//! Tests of the audit, a file per noun. A [`scenario::Scenario`] makes logs as the writer does, legal or not, always with
//! right hashes.

mod proved_event;
mod reads;
mod restated;
mod restores;
mod rotations;
mod scenario;

mod adoption;
mod bodies;
mod erasing;
mod export;
mod golden;
mod hostile;
mod illegal;
mod issued;
mod keys;
mod legal;
mod lock_report;
mod mutation;
mod seen;
mod signed;
mod speed;
mod story;
mod witnesses;
