//! The public interface: the handle that a host has, and its methods.
//!
//! Each method builds a command and sends it, or reads the published snapshot; nothing is decided here. Read next:
//! [`store`], then [`session`].

pub(crate) mod backup;
pub(crate) mod clock;
pub(crate) mod command;
pub(crate) mod erasing;
pub(crate) mod export;
pub(crate) mod forecast;
pub(crate) mod impact;
pub(crate) mod keys;
pub(crate) mod log_view;
mod looking;
pub(crate) mod moment;
pub(crate) mod new_secret;
pub(crate) mod options;
pub(crate) mod prepare;
pub(crate) mod proofs;
pub(crate) mod quarantine;
pub(crate) mod reading;
pub(crate) mod rebase;
mod repeated;
pub(crate) mod rotating;
pub(crate) mod rotation_worker;
pub(crate) mod session;
pub(crate) mod status;
#[expect(clippy::module_inception, reason = "the handle is what the module is named for")]
pub(crate) mod store;
pub(crate) mod tasks;
mod view;
pub(crate) mod watch;

pub use store::Store;
