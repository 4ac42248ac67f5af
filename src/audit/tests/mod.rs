//! Tests of the audit, a file per noun. A [`scenario::Scenario`] makes logs as the writer does, legal or not, always with
//! right hashes.

mod restores;
mod scenario;

mod bodies;
mod erasing;
mod export;
mod golden;
mod hostile;
mod illegal;
mod legal;
mod lock_report;
mod mutation;
mod signed;
mod speed;
