//! Owns sessions: commands with an actor and terms, and their answers.
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
use super::prepare::Purpose;
use super::repeated;
use super::store::Store;
use crate::engine::prepare::Ready;

/// An actor on a store, and the terms of its next commands. Cheap to clone and change.
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

    /// Returns the actor.
    #[must_use]
    pub const fn actor(&self) -> &Actor {
        &self.terms.actor
    }

    /// Returns the store.
    #[must_use]
    pub const fn store(&self) -> &Store {
        &self.store
    }

    /// Lets the next commands be refused unless the secret has this revision.
    #[must_use]
    pub const fn expecting(mut self, revision: Revision) -> Self {
        self.terms.expected_revision = Some(revision);
        self
    }

    /// Lets the next command be done only once, however often it is sent. For a day, the same command of this actor
    /// under the same key gets the first answer again, and another command is refused. Secret data of a repeated
    /// command is compared with what the first command stored, as long as that exists; no hash of it is kept.
    ///
    /// No answer is forgotten before its day is over. So at most
    /// [`REMEMBERED_OF_ACTOR_MAX`](crate::limits::REMEMBERED_OF_ACTOR_MAX) keys of an actor and
    /// [`REMEMBERED_MAX`](crate::limits::REMEMBERED_MAX) in all are remembered. A command under a further key is not
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

    /// Lets the next commands replace, renew and remove locks that belong to other actors. Rotations by issuers also
    /// override a grace and consumers that have not moved. The log says that it was forced. An abort of a rotation that
    /// is being given up already then ends it without a call ([`Session::abort_rotation`]).
    #[must_use]
    pub const fn by_force(mut self) -> Self {
        self.terms.force = true;
        self
    }

    /// Sends a command and waits until it is durable. Tries again a few times if the secret or the keys change while
    /// its data is being sealed.
    ///
    /// # Errors
    ///
    /// Kind `Refused` with the reason, [`Refusal::Quarantined`] for every command that would touch a version of a
    /// restored store before a person has confirmed the store; `Unavailable`, `Closed`, `Corrupt` as their kinds say.
    ///
    /// # Durability
    ///
    /// A command with a receipt survives the death of process, kernel and power.
    #[expect(clippy::needless_pass_by_value, reason = "a command is asked once, and its data wiped with it")]
    pub fn run(&self, command: Command) -> Result<Receipt, Error> {
        let ask = || self.ask(&command, Patience::Wait).and_then(Pending::wait);
        let mut answer = ask();
        for _ in 0..RETRIES_MAX {
            match answer {
                // Something changed before the sealing, or between sealing and decision: seal again, from the present
                // state.
                Err(error) if error.refusal() == Some(&Refusal::VersionChanged) => {
                    self.store.settle()?;
                    answer = ask();
                }
                answered => return answered,
            }
        }
        answer
    }

    /// Sends a command; the caller can wait for the answer, or await it in any runtime. Blocks while the queue is full.
    /// The answer may be [`Refusal::VersionChanged`] if the secret or the keys change while its data is being sealed;
    /// send it again then.
    ///
    /// # Errors
    ///
    /// Errors that are known before the command is queued: `Closed`, `Unavailable`, and refusals of its data.
    #[expect(clippy::needless_pass_by_value, reason = "a command is asked once, and its data wiped with it")]
    pub fn submit(&self, command: Command) -> Result<Pending, Error> {
        self.ask(&command, Patience::Wait)
    }

    /// Sends a command, unless the queue is full.
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
        let Ready { command, payload } = match self.store.0.prepare(&command.0, Purpose::Ask) {
            Ok(ready) => ready,
            // A repeated command may be impossible now just because it was done.
            Err(error) => {
                return self.recall(&terms).filter(|_| error.refusal().is_some()).map_or(Err(error), |outcome| {
                    let (reply, slot) = Reply::pair();
                    reply.give(Ok(outcome.map(|receipt| Done { receipt, takes_data: false })));
                    Ok(Pending::new(slot, check))
                });
            }
        };
        let order = |reply| Order { command, terms, payload, reply };
        Ok(Pending::new(self.store.0.ask(order, patience)?, check))
    }

    /// Returns the check of a remembered answer against the data of a command.
    pub(super) fn check(&self, command: &Command) -> Result<Option<Check>, Error> {
        self.key.as_ref().map_or(Ok(None), |_| repeated::check(&self.store.0, command))
    }

    /// Returns the terms of a read that may make a credential.
    pub(super) fn read_terms(&self, secret: SecretId) -> Terms {
        self.terms(&Command::read(secret, VersionRef::Current))
    }

    /// Returns the remembered answer for the idempotency key of a command, or its refusal, as of the last durable
    /// record.
    pub(crate) fn recall(&self, terms: &Terms) -> Option<Result<Receipt, Refusal>> {
        let snapshot = self.store.0.shared.published.load();
        let now = self.store.0.now();
        recall(&snapshot.state, terms, now)
    }

    /// Returns the terms of a command, with what distinguishes it from others under the same idempotency key.
    pub(super) fn terms(&self, command: &Command) -> Terms {
        let mut terms = self.terms.clone();
        if let Some(key) = &self.key {
            let parts = command.shape(terms.expected_revision, terms.force);
            let keyring = self.store.0.shared.keyring();
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

    /// Adds a version. The current one becomes previous, with its locks; the data of a version that falls out of the
    /// retention window is destroyed.
    ///
    /// # Errors
    ///
    /// As [`Session::run`]: [`Refusal::Locked`] when a lock protects the version that would fall out,
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

    /// Places a lock on a version; replaces one of the same name there. The position in the receipt is the lock's
    /// fencing token.
    ///
    /// # Errors
    ///
    /// As [`Session::run`]: [`Refusal::VersionDataUnavailable`], [`Refusal::LockLimitReached`], [`Refusal::LockOwned`].
    pub fn place_lock(&self, secret: SecretId, version: VersionRef, lock: NewLock) -> Result<Receipt, Error> {
        self.run(Command::place_lock(secret, version, lock))
    }

    /// Removes one lock from a version; it is no error if there is no such lock.
    ///
    /// # Errors
    ///
    /// As [`Session::run`]: [`Refusal::LockOwned`], [`Refusal::VersionNotFound`].
    pub fn remove_lock(&self, secret: SecretId, version: VersionRef, name: LockName) -> Result<Receipt, Error> {
        self.run(Command::remove_locks(secret, version, LockNames::These(vec![name])))
    }

    /// Changes the settings of the store.
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

/// How often a command is tried again when a secret changes in between.
pub(super) const RETRIES_MAX: u32 = 8;
