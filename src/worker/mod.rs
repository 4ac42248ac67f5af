//! The rotation worker: sees what is due, asks issuers outside, and submits commands. It never appends.
//!
//! What is due is a pure function of state and time (`domain/due.rs`); what may be done is decided by the writer, in log
//! order, as for everybody. Between two appends the worker makes one call outside, with a time limit, on a thread that can
//! be given up. Whatever happens to it in between, the next one goes on from what the log says. Read in this order:
//! [`options`], [`worker`], [`look`], [`taken`], [`stopped`], [`steps`], [`here`], [`creating`], [`unread`], [`ending`], [`jobs`],
//! [`calls`], [`presence`], [`single_run`], [`failure`], [`sweep`], [`strangers`], [`adoption`], [`swept`], [`verifying`].

mod adoption;
mod calls;
mod creating;
mod ending;
mod failure;
mod here;
mod jobs;
mod later;
mod look;
pub(crate) mod options;
mod presence;
mod single_run;
mod steps;
mod stopped;
mod strangers;
pub(crate) mod sweep;
mod swept;
mod taken;
mod unread;
pub(crate) mod verifying;
#[expect(clippy::module_inception, reason = "the handle is what the module is named for")]
pub(crate) mod worker;

#[cfg(test)]
mod tests;
