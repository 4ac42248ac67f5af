//! Owns the handle: cheap to clone, shared by all threads of a host.
//!
//! Read next: [`super::session`], for the commands of an actor.

use std::fmt;
use std::sync::Arc;

use crate::domain::id::{GroupId, LogId, SecretId};
use crate::domain::name::{Actor, SecretName};
use crate::domain::secret::{Secret, SecretType};
use crate::domain::settings::{Group, Settings};
use crate::domain::time::Timestamp;
use crate::engine::Engine;
use crate::engine::scrub::{ScrubProgress, ScrubReport};
use crate::error::Error;
use crate::projection::lock_board::LockStatus;

use super::looking;
use super::session::Session;

/// An open store. Clones are handles on the same store. It closes when [`Store::close`] is called, or the last handle
/// is dropped.
///
/// A [`Session`] sends commands in the name of an actor: see [`Store::acting_as`]. The methods here always show the
/// last durable state.
///
/// ```
/// use latchkeep::{Actor, NewSecret, SecretBytes, SecretName, StoreOptions, Unlock, VersionRef};
///
/// let store = StoreOptions::in_memory(Unlock::bytes(SecretBytes::copy_from(&[7; 32]))).create()?;
/// let billing = store.acting_as(Actor::parse("billing")?);
/// let name = SecretName::parse("deploy-token")?;
/// let made = billing.create(NewSecret::arbitrary(name, SecretBytes::copy_from(b"s3cr3t"))?)?;
/// let read = billing.read(made.secret.unwrap(), VersionRef::Current)?;
/// assert_eq!(read.text()?, "s3cr3t");
/// # Ok::<(), latchkeep::Error>(())
/// ```
#[derive(Clone)]
pub struct Store(pub(crate) Arc<Engine>);

impl Store {
    pub(crate) fn new(engine: Engine) -> Self {
        Self(Arc::new(engine))
    }

    /// Returns a session of an actor. The host decides who the actor is; the log records it with every command.
    #[must_use]
    pub fn acting_as(&self, actor: Actor) -> Session {
        Session::new(self.clone(), actor)
    }

    /// Returns the id of the store's log, which also identifies the store.
    #[must_use]
    pub fn log_id(&self) -> LogId {
        self.0.shared.log_id
    }

    /// Returns a secret as it is now: metadata, versions, locks, but no data. `O(log n)` in the number of secrets.
    ///
    /// # Errors
    ///
    /// Kind `Refused` with [`crate::Refusal::SecretNotFound`].
    pub fn secret(&self, id: SecretId) -> Result<Arc<Secret>, Error> {
        Ok(self.0.find(id)?)
    }

    /// Finds a secret by type and name. `O(log n)` in the number of secrets.
    ///
    /// # Errors
    ///
    /// Kind `Refused` with [`crate::Refusal::SecretNotFound`].
    pub fn secret_named(&self, secret_type: SecretType, name: &SecretName) -> Result<Arc<Secret>, Error> {
        self.0.look(|snapshot| looking::secret_named(&snapshot.state, secret_type, name))
    }

    /// Returns all secrets as they are at one moment, in the order of their ids, which is that of their creation.
    /// Blocks no other caller, however many secrets there are.
    #[must_use]
    pub fn secrets(&self) -> Vec<Arc<Secret>> {
        looking::secrets(&self.0.view().state)
    }

    /// Returns the locks on all versions of a secret: which, since when, by whom, until when. `O(log n)` in the number
    /// of secrets, and linear in that of its locks.
    ///
    /// # Errors
    ///
    /// Kind `Refused` with [`crate::Refusal::SecretNotFound`].
    pub fn lock_status(&self, id: SecretId) -> Result<LockStatus, Error> {
        self.0.look(|snapshot| looking::lock_status(&snapshot.state, id))
    }

    /// Returns the groups except the default one, in the order of their ids.
    #[must_use]
    pub fn groups(&self) -> Vec<(GroupId, Group)> {
        looking::groups(&self.0.view().state)
    }

    /// Returns the settings of the store.
    #[must_use]
    pub fn settings(&self) -> Settings {
        self.0.look(|snapshot| snapshot.state.whole.settings)
    }

    /// Returns up to `limit` scheduled rotations, the next one first.
    #[must_use]
    pub fn scheduled_rotations(&self, limit: usize) -> Vec<(Timestamp, SecretId)> {
        self.0.view().projections.calendar.rotations().take(limit).collect()
    }

    /// Waits until everything requested before is durable, and what time has made due is done.
    ///
    /// # Errors
    ///
    /// Kind `Unavailable` when the store is poisoned, `Closed` when it is closed.
    pub fn settle(&self) -> Result<(), Error> {
        self.0.settle()
    }

    /// Reads all stored data. Recomputes the chain of the log, compares the state with a fresh replay, reads and
    /// unseals the data of every version, looks for data that should be gone, and reads the past states. Takes as long
    /// as reading the whole store, and the memory of a second state; the store works meanwhile.
    ///
    /// # Errors
    ///
    /// Kind `Unavailable` when the disk fails. Damage is no error: the report has it.
    pub fn scrub(&self, mut progress: impl FnMut(ScrubProgress)) -> Result<ScrubReport, Error> {
        self.0.scrub(&mut progress)
    }

    /// Closes the store: answers everything requested before, makes the next open fast, and gives the directory back.
    /// After that, other handles get errors of kind `Closed`. A second close is no error.
    ///
    /// # Errors
    ///
    /// Kind `Unavailable` when something could not be made durable; its caller then got an error too.
    pub fn close(&self) -> Result<(), Error> {
        self.0.close()
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").field("log_id", &self.log_id().to_hex()).finish_non_exhaustive()
    }
}
