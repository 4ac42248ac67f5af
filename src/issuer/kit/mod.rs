//! A kit that tests an issuer: does it keep the promises of its class when replies are lost, or calls are repeated,
//! slow or refused? It is for the tests of issuer authors, and for ours.
//!
//! [`check`] runs an issuer through everything that the rotation worker relies on, and returns a report with a line for
//! each property. [`ModelIssuer`] is an issuer with an outside system in memory and a script of faults, for tests of
//! hosts.
//!
//! The kit uses no clock and no randomness; a trial with the same outside system gives the same report. Read in this
//! order: [`Trial`], [`check`], [`Report`], [`ModelIssuer`].

mod bench;
mod by_jobs;
mod model;
mod properties;
mod report;
mod trial;

#[cfg(test)]
mod tests;

pub use model::{ModelCall, ModelFault, ModelIssuer, ModelMethod};
pub use properties::check;
pub use report::{Finding, Report};
pub use trial::Trial;
