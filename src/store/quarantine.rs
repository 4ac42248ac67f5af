//! Owns the confirmation of a restored store by a person.
//!
//! Read next: [`crate::Restored`].

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::domain::ending::Ending;
use crate::domain::receipt::Receipt;
use crate::domain::secret::Secret;
use crate::error::Error;

use super::command::Command;
use super::session::Session;
use super::store::Store;

impl Store {
    /// Lists what ends at once if the quarantine ends now, by the time that the store goes by: leases, expiries, and credentials that
    /// the next run of a worker ends. Empty while the store is in no quarantine. Its cost grows with the number of secrets of which
    /// something is due.
    #[must_use]
    pub fn ends_with_quarantine(&self) -> Vec<(Arc<Secret>, Ending)> {
        let (now, snapshot) = (self.0.now(), self.0.view());
        let mut state = snapshot.state.clone();
        let Some(restored) = state.whole.restored.as_mut().filter(|restored| !restored.is_confirmed) else {
            return Vec::new();
        };
        restored.is_confirmed = true;
        let calendar = &snapshot.projections.calendar;
        let due: BTreeSet<_> = calendar.lapsed(now).chain(calendar.steps_elsewhere(now)).collect();
        let ending = |id| {
            let secret = state.secret(id)?;
            Some((Arc::clone(secret), Ending::of(&state, secret, now)?))
        };
        due.into_iter().filter_map(ending).collect()
    }
}

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
