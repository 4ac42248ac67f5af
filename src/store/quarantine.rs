//! Owns the word of a person on a restored store.
//!
//! Read next: [`crate::Restored`].

use crate::domain::receipt::Receipt;
use crate::error::Error;

use super::command::Command;
use super::session::Session;

impl Session {
    /// Ends the quarantine of a restored store: from now on time does its work again, at once all that became due
    /// meanwhile, and versions can be touched. To be asked by a person who has found out which credentials made after the
    /// backup are in use. Nothing happens where no quarantine stands.
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
    /// As for every command: when this returns, it is recorded.
    pub fn end_quarantine(&self) -> Result<Receipt, Error> {
        self.run(Command::end_quarantine())
    }
}
