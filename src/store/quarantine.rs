//! Owns the confirmation of a restored store by a person.
//!
//! Read next: [`crate::Restored`].

use crate::domain::receipt::Receipt;
use crate::error::Error;

use super::command::Command;
use super::session::Session;

impl Session {
    /// Ends the quarantine of a restored store. From now on leases and data lapse again, everything overdue at once,
    /// and versions can be touched. A person should call this who has found out which credentials made after the backup
    /// are in use. Does nothing in a store without quarantine.
    ///
    /// ```
    /// use latchkeep::{Actor, SecretBytes, StoreOptions, Unlock};
    ///
    /// let store = StoreOptions::in_memory(Unlock::bytes(SecretBytes::copy_from(&[7; 32]))).create()?;
    /// assert!(store.status()?.quarantine.is_none(), "a new store was never restored");
    /// assert_eq!(store.acting_as(Actor::parse("anna")?).end_quarantine()?.events, 0);
    /// # Ok::<(), latchkeep::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Session::run`].
    ///
    /// # Durability
    ///
    /// As for every command: when this returns, the command is durable.
    pub fn end_quarantine(&self) -> Result<Receipt, Error> {
        self.run(Command::end_quarantine())
    }
}
