//! Rotation by the worker: it sees what is due, asks issuers outside, and submits commands. It never appends.
//!
//! What is due is a pure function of state and time (`domain/due.rs`); what may be done is decided by the writer, in log
//! order, as for everybody. Between two appends the worker makes one call outside, with a time limit, on a thread that can
//! be given up. Whatever happens to it in between, the next one goes on from what the log says. Read in this order:
//! [`options`], [`worker`], [`dispatch`], [`claims`], [`stop_signal`], [`steps`], [`own_data`], [`creation`], [`unread_answers`], [`retirement`], [`jobs`],
//! [`calls`], [`running_time`], [`single_run`], [`failure`], [`sweep`], [`strangers`], [`adoption`], [`sweep_claims`], [`verification`].

mod adoption;
mod calls;
mod claims;
mod creation;
mod deferral;
mod dispatch;
mod failure;
mod jobs;
pub(crate) mod options;
mod own_data;
mod retirement;
mod running_time;
mod single_run;
mod steps;
mod stop_signal;
mod strangers;
pub(crate) mod sweep;
mod sweep_claims;
mod unread_answers;
pub(crate) mod verification;
pub(crate) mod worker;

#[cfg(test)]
mod tests;
