//! Owns acting as somebody: each command with who asks, under which conditions, and its answer.
//!
//! Read next: [`super::prepare`].

use std::fmt;

use crate::domain::command::{SecretChanges, Terms};
use crate::domain::decide::recall;
use crate::domain::id::{EventId, SecretId};
use crate::domain::lock::{LockNames, NewLock};
use crate::domain::name::{Actor, CorrelationId, IdempotencyKey, LockName};
use crate::domain::position::Revision;
use crate::domain::receipt::Receipt;
use crate::domain::record::Idempotency;
use crate::domain::refusal::Refusal;
use crate::domain::settings::Settings;
use crate::domain::version::VersionRef;
use crate::engine::Patience;
use crate::engine::queue::Order;
use crate::engine::reply::{Check, Done, Pending, Reply};
use crate::error::Error;

use super::command::Command;
use super::new_secret::{NewData, NewSecret};
use super::prepare::Ready;
use super::repeated;
use super::store::Store;

/// Somebody who acts on a store, and the conditions on which the next commands are asked. Cheap to clone and change.
///
/// ```
/// use latchkeep::{Actor, LockName, NewLock, NewSecret, SecretBytes, SecretName, StoreOptions, Unlock, VersionRef};
///
/// let store = StoreOptions::in_memory(Unlock::bytes(SecretBytes::copy_from(&[7; 32]))).create()?;
/// let ops = store.acting_as(Actor::parse("ops")?);
/// let secret = NewSecret::arbitrary(SecretName::parse("token")?, SecretBytes::copy_from(b"s3cr3t"))?;
/// let made = ops.create(secret)?;
/// let id = made.secret.unwrap();
/// ops.place_lock(id, VersionRef::Current, NewLock::new(LockName::parse("billing")?))?;
///
/// let refused = ops.delete(id).unwrap_err();
/// assert_eq!(refused.code(), "secret_version_locked");
/// assert_eq!(refused.refusal().unwrap().blocked().unwrap().locks[0].name.as_str(), "billing");
/// # Ok::<(), latchkeep::Error>(())
/// ```
#[derive(Clone)]
pub struct Session {
    store: Store,
    terms: Terms,
    key: Option<IdempotencyKey>,
}

impl Session {
    pub(super) fn new(store: Store, actor: Actor) -> Self {
        Self { store, terms: Terms::by(actor), key: None }
    }

    /// Gives who acts.
    #[must_use]
    pub const fn actor(&self) -> &Actor {
        &self.terms.actor
    }

    /// Gives the store.
    #[must_use]
    pub const fn store(&self) -> &Store {
        &self.store
    }

    /// Makes the next commands be refused unless the secret has this revision.
    #[must_use]
    pub const fn expecting(mut self, revision: Revision) -> Self {
        self.terms.expected_revision = Some(revision);
        self
    }

    /// Makes the next command be done once, however often it is asked: for a day, the same command of this actor under
    /// the same key is answered as the first time, and another one is refused. Secret data that comes along is compared with
    /// what the first command stored, as long as that is there: no hash of it is kept.
    ///
    /// No answer is forgotten before its day is over. So there is room for [`REMEMBERED_OF_ACTOR_MAX`](crate::limits::REMEMBERED_OF_ACTOR_MAX)
    /// keys of an actor and [`REMEMBERED_MAX`](crate::limits::REMEMBERED_MAX) of all; a command under a further one is not
    /// done, and fails with kind `Unavailable`, code `busy`.
    #[must_use]
    pub fn once(mut self, key: IdempotencyKey) -> Self {
        self.key = Some(key);
        self
    }

    /// Ties the next events to those of the same cause in other systems.
    #[must_use]
    pub fn correlated(mut self, id: CorrelationId) -> Self {
        self.terms.correlation = Some(id);
        self
    }

    /// Names the event that led to the next commands.
    #[must_use]
    pub const fn caused_by(mut self, event: EventId) -> Self {
        self.terms.causation = Some(event);
        self
    }

    /// Lets the next commands replace, renew and remove locks that belong to others, and rotations by issuers go over a grace and
    /// consumers that have not moved; the log says that it was forced.
    #[must_use]
    pub const fn by_force(mut self) -> Self {
        self.terms.force = true;
        self
    }

    /// Asks for something and waits until it is durable. Tries again by itself, a few times, when the secret or the keys
    /// change while its data is being sealed.
    ///
    /// # Errors
    ///
    /// Kind `Refused` with the reason, [`Refusal::Quarantined`] for all that would touch a version of a restored store that
    /// nobody has confirmed; `Unavailable`, `Closed`, `Corrupt` as their kinds say.
    ///
    /// # Durability
    ///
    /// With a receipt in hand the command survives the death of process, kernel and power.
    #[expect(clippy::needless_pass_by_value, reason = "a command is asked once, and its data wiped with it")]
    pub fn run(&self, command: Command) -> Result<Receipt, Error> {
        let ask = || self.ask(&command, Patience::Wait).and_then(Pending::wait);
        let mut answer = ask();
        for _ in 0..RETRIES_MAX {
            match answer {
                // Something changed before the sealing, or between it and the deciding: seal again, from what is there now.
                Err(error) if error.refusal() == Some(&Refusal::VersionChanged) => {
                    self.store.settle()?;
                    answer = ask();
                }
                answered => return answered,
            }
        }
        answer
    }

    /// Asks for something; the answer can be waited on, or awaited in any runtime. Waits while the queue is full. May be
    /// answered with [`Refusal::VersionChanged`] when the secret or the keys change while its data is being sealed; ask again
    /// then.
    ///
    /// # Errors
    ///
    /// What can be told before the command is queued: `Closed`, `Unavailable`, and refusals of its data.
    #[expect(clippy::needless_pass_by_value, reason = "a command is asked once, and its data wiped with it")]
    pub fn submit(&self, command: Command) -> Result<Pending, Error> {
        self.ask(&command, Patience::Wait)
    }

    /// Asks for something, unless the queue is full.
    ///
    /// # Errors
    ///
    /// As [`Session::submit`]; kind `Unavailable` with code `busy` when the queue is full.
    #[expect(clippy::needless_pass_by_value, reason = "a command is asked once, and its data wiped with it")]
    pub fn try_submit(&self, command: Command) -> Result<Pending, Error> {
        self.ask(&command, Patience::Refuse)
    }

    fn ask(&self, command: &Command, patience: Patience) -> Result<Pending, Error> {
        let terms = self.terms(command);
        let check = self.check(command)?;
        let Ready { command, payload } = match self.store.0.prepare(&command.0) {
            Ok(ready) => ready,
            // A repeated command may not be possible any more just because it was done.
            Err(error) => {
                return self.recall(&terms).filter(|_| error.refusal().is_some()).map_or(Err(error), |outcome| {
                    let (reply, slot) = Reply::pair();
                    reply.give(Ok(outcome.map(|receipt| Done { receipt, takes_data: false })));
                    Ok(Pending::new(slot, check))
                });
            }
        };
        let order = |reply| Order { command, terms, payload, reply };
        Ok(Pending::new(self.store.0.engine.ask(order, patience)?, check))
    }

    /// Gives what holds a remembered answer to the data of a command.
    pub(super) fn check(&self, command: &Command) -> Result<Option<Check>, Error> {
        self.key.as_ref().map_or(Ok(None), |_| repeated::check(&self.store.0, command))
    }

    /// Gives the terms of a read that may make a credential.
    pub(super) fn read_terms(&self, secret: SecretId) -> Terms {
        self.terms(&Command::read(secret, VersionRef::Current))
    }

    /// Gives what the idempotency key of a command remembers, or says to it, as of the last durable record.
    pub(super) fn recall(&self, terms: &Terms) -> Option<Result<Receipt, Refusal>> {
        let snapshot = self.store.0.engine.shared.published.load();
        let now = self.store.0.now();
        recall(&snapshot.state, terms, now)
    }

    /// Gives the terms of a command, with what tells it from others under the same idempotency key.
    pub(super) fn terms(&self, command: &Command) -> Terms {
        let mut terms = self.terms.clone();
        if let Some(key) = &self.key {
            let parts = command.shape(terms.expected_revision, terms.force);
            let keyring = self.store.0.engine.shared.keyring();
            let fingerprint = keyring.fingerprint(&[key.as_str().as_bytes(), parts.as_bytes()]);
            terms.idempotency = Some(Idempotency { key: key.clone(), fingerprint });
        }
        terms
    }

    /// Makes a secret. The receipt names the secret and its first version.
    ///
    /// # Errors
    ///
    /// As [`Session::run`]: [`Refusal::SecretNameTaken`], [`Refusal::GroupNotFound`], [`Refusal::InvalidArgument`], ...
    pub fn create(&self, new: NewSecret) -> Result<Receipt, Error> {
        self.run(Command::create(new))
    }

    /// Adds a version. What was current becomes previous, with its locks; what falls out of the retention window is
    /// destroyed.
    ///
    /// # Errors
    ///
    /// As [`Session::run`]: [`Refusal::Locked`] when a lock stands on the version that would fall out,
    /// [`Refusal::RotationNotSupported`] for dynamic secrets.
    pub fn rotate(&self, secret: SecretId, data: NewData) -> Result<Receipt, Error> {
        self.run(Command::rotate(secret, data))
    }

    /// Adds a version with the data of the previous one.
    ///
    /// # Errors
    ///
    /// As [`Session::rotate`], and [`Refusal::NothingToRestore`].
    pub fn restore(&self, secret: SecretId) -> Result<Receipt, Error> {
        self.run(Command::restore(secret))
    }

    /// Destroys the data of one version.
    ///
    /// # Errors
    ///
    /// As [`Session::run`]: [`Refusal::Locked`], [`Refusal::VersionDataDestroyed`], ...
    pub fn destroy_data(&self, secret: SecretId, version: VersionRef) -> Result<Receipt, Error> {
        self.run(Command::destroy_data(secret, version))
    }

    /// Deletes a secret.
    ///
    /// # Errors
    ///
    /// As [`Session::run`]: [`Refusal::Locked`] when any version is locked.
    pub fn delete(&self, secret: SecretId) -> Result<Receipt, Error> {
        self.run(Command::delete(secret))
    }

    /// Changes the metadata of a secret, locked or not.
    ///
    /// # Errors
    ///
    /// As [`Session::run`]: [`Refusal::InvalidArgument`], [`Refusal::SecretNameTaken`], ...
    pub fn update(&self, secret: SecretId, changes: SecretChanges) -> Result<Receipt, Error> {
        self.run(Command::update(secret, changes))
    }

    /// Places a lock on a version; one of the same name there is replaced. The position in the receipt is the lock's
    /// fencing token.
    ///
    /// # Errors
    ///
    /// As [`Session::run`]: [`Refusal::VersionDataUnavailable`], [`Refusal::LockLimitReached`], [`Refusal::LockOwned`].
    pub fn place_lock(&self, secret: SecretId, version: VersionRef, lock: NewLock) -> Result<Receipt, Error> {
        self.run(Command::place_lock(secret, version, lock))
    }

    /// Removes one lock from a version; no error when it does not stand there.
    ///
    /// # Errors
    ///
    /// As [`Session::run`]: [`Refusal::LockOwned`], [`Refusal::VersionNotFound`].
    pub fn remove_lock(&self, secret: SecretId, version: VersionRef, name: LockName) -> Result<Receipt, Error> {
        self.run(Command::remove_locks(secret, version, LockNames::These(vec![name])))
    }

    /// Changes what the store is set to.
    ///
    /// # Errors
    ///
    /// As [`Session::run`].
    pub fn change_settings(&self, settings: Settings) -> Result<Receipt, Error> {
        self.run(Command::change_settings(settings))
    }

    pub(crate) const fn raw_terms(&self) -> &Terms {
        &self.terms
    }

    pub(super) const fn key(&self) -> Option<&IdempotencyKey> {
        self.key.as_ref()
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("actor", self.actor()).finish_non_exhaustive()
    }
}

/// How often something is tried again when a secret changes in between.
pub(super) const RETRIES_MAX: u32 = 8;
