//! Owns the space that answers to idempotency keys need.
//!
//! Read next: [`crate::domain::remembered`].

use crate::domain::command::Terms;
use crate::domain::time::Timestamp;
use crate::error::Error;

use super::Writer;

impl Writer {
    /// Refuses a command under an idempotency key whose answer could not be remembered for a day.
    pub(super) fn find_room(&self, terms: &Terms, now: Timestamp) -> Result<(), Error> {
        let Some(idempotency) = &terms.idempotency else { return Ok(()) };
        let has_room = self.snapshot.state.remembered.has_room(&terms.actor, &idempotency.key, now);
        if has_room { Ok(()) } else { Err(Error::keys_used_up()) }
    }
}
