//! Owns the erasing of words from the log: finding them, and erasing them.
//!
//! Read next: [`super::log_view`].

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use crate::domain::command::Command as Decided;
use crate::domain::id::SecretId;
use crate::domain::limits;
use crate::domain::position::Position;
use crate::domain::receipt::Receipt;
use crate::domain::refusal::Refusal;
use crate::engine::erasure::{erasable_records, look};
use crate::error::Error;

use super::command::Command;
use super::session::Session;
use super::store::Store;
use crate::engine::Engine;

impl Session {
    /// Erases the bodies of 1 to 1,000 records of the log, for good: those that make, change or restate groups,
    /// secrets, versions and locks. Only these can hold words of people. The log still verifies, and says which bodies
    /// are erased. If a secret or a group still exists, its present state is restated in the same batch, so its present
    /// words stay. Change those first ([`Session::update`]), then erase the earlier records. Deleted secrets are not
    /// restated. Actors, and the names in refusals, are not in these bodies.
    ///
    /// The store does nothing else while it erases: each commit with one of the records is read and rewritten. Old rows
    /// that a disk keeps, and earlier backups and exports, stay out of reach.
    ///
    /// ```
    /// use latchkeep::{Actor, Change, Description, LogEntry, NewSecret, Position, SecretBytes, SecretChanges, SecretName};
    /// use latchkeep::{StoreOptions, Unlock};
    ///
    /// let store = StoreOptions::in_memory(Unlock::bytes(SecretBytes::copy_from(&[7; 32]))).create()?;
    /// let ops = store.acting_as(Actor::parse("ops")?);
    /// let token = NewSecret::arbitrary(SecretName::parse("token")?, SecretBytes::copy_from(b"s3cr3t"))?;
    /// let secret = ops.create(token)?.secret.unwrap();
    /// let described = |text| SecretChanges { description: Change::Set(text), ..Default::default() };
    /// ops.update(secret, described(Description::parse("call Anna, 555-0100")?))?;
    /// ops.update(secret, described(Description::parse("call the desk")?))?;
    ///
    /// let records = store.erasable_records(secret, Position::FIRST, 1_000)?;
    /// ops.erase_bodies(records.iter().copied())?;
    /// let mut erased = 0;
    /// store.for_each_record(Position::FIRST, |entry| {
    ///     erased += usize::from(matches!(entry, LogEntry::Opaque { erased: true, .. }));
    ///     std::ops::ControlFlow::Continue(())
    /// })?;
    /// assert_eq!(erased, records.len());
    /// assert!(store.verify_log(|_| {}).is_ok());
    /// # Ok::<(), latchkeep::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Session::run`]: [`Refusal::InvalidArgument`], which names the position, for a record that does not exist,
    /// whose body is already erased, or cannot be erased; also for more than one batch can restate.
    pub fn erase_bodies(&self, positions: impl IntoIterator<Item = Position>) -> Result<Receipt, Error> {
        self.run(Command::erase_bodies(positions))
    }
}

impl Store {
    /// Returns the positions of records about a secret whose bodies can be erased, also of a deleted one: the first
    /// `limit` at or after `from`. Reads all of the log in between.
    ///
    /// # Errors
    ///
    /// As [`Store::for_each_record`].
    pub fn erasable_records(&self, secret: SecretId, from: Position, limit: usize) -> Result<Vec<Position>, Error> {
        let shared = &self.0.shared;
        let end = shared.published.with(|snapshot| snapshot.end.size);
        erasable_records(&*shared.storage, secret, from..end, limit)
    }
}

impl Engine {
    /// Checks the records to be erased.
    pub(super) fn prepare_erasure(&self, positions: &BTreeSet<Position>) -> Result<Decided, Error> {
        if positions.len() > limits::BODIES_ERASED_MAX {
            return Err(Refusal::invalid("positions", "takes 1 to 1,000 of them").into());
        }
        let shared = &self.shared;
        let end = shared.published.with(|snapshot| snapshot.end.size);
        let bodies = look(&*shared.storage, positions, end)?;
        let log = shared.held();
        // Also if the erasure will be refused: a missing body was erased only if the log says so.
        for position in positions.range(..end) {
            log.each(*position, position.next(), &mut |_| Ok(ControlFlow::Continue(())))?;
        }
        let bodies = bodies?;
        Ok(Decided::EraseBodies { bodies })
    }
}
