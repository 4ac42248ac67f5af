//! A kit that tries an issuer out: does it keep what its class promises when replies are lost, calls come twice, take long, or
//! are refused? For the tests of whoever writes an issuer, and for ours.
//!
//! [`check`] runs an issuer through everything that the rotation worker relies on, and gives a report with a line for each
//! property. [`ModelIssuer`] is the other half: an issuer with an outside system in memory and a script of faults, for
//! tests of what rotates.
//!
//! The kit never looks at a clock or draws anything at random; a trial with the same outside system gives the same report.
//! Read in this order: [`Trial`], [`check`], [`Report`], [`ModelIssuer`].

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
