//! Owns the handle of the rotation worker: what a host can ask of it.
//!
//! Read next: [`crate::rotation`], which does it.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::domain::id::SecretId;
use crate::domain::name::{IssuerName, OutsideId, Reason};
use crate::domain::receipt::Receipt;
use crate::domain::refusal::Refusal;
use crate::domain::rotation::IssuerClass;
use crate::domain::time::Timestamp;
use crate::domain::version::VersionRef;
use crate::error::Error;
use crate::rotation::options::WorkerOptions;
use crate::rotation::sweep::{Stranger, SweepReport};
use crate::rotation::verification::Verified;
use crate::rotation::worker::Worker;
use crate::seal::secret_bytes::SecretBytes;

use super::session::Session;
use super::store::Store;

/// Does what is due for rotations: of data that the store makes itself, and, with the issuers that the host registers, of
/// credentials in systems outside.
///
/// It holds a handle of the store, and ends with [`RotationWorker::stop`], when it is dropped, or when the store is closed. One
/// worker at a time does the rotations of a store: while one is started, or runs what is due, another is refused.
///
/// ```
/// use latchkeep::{
///     Actor, Interval, IntervalUnit, ManualClock, NewSecret, PasswordPolicy, RotationPolicy, RotationWorker, SecretBytes,
///     SecretName, StoreOptions, Timestamp, Unlock, Username, VersionOrigin, WorkerOptions,
/// };
/// use std::time::Duration;
///
/// let clock = ManualClock::at(Timestamp::parse("2026-11-23T12:00:00Z")?);
/// let unlock = Unlock::bytes(SecretBytes::copy_from(&[7; 32]));
/// let store = StoreOptions::in_memory(unlock).clock(clock.clone()).create()?;
/// let policy = RotationPolicy::every(Interval::new(30, IntervalUnit::Day)?);
/// let name = SecretName::parse("db-admin")?;
/// let new = NewSecret::generated_password(name, Username::parse("admin")?, PasswordPolicy::default()).rotating(policy);
/// let secret = store.acting_as(Actor::parse("ops")?).create(new)?.secret.unwrap();
///
/// let worker = RotationWorker::new(&store, WorkerOptions::new());
/// assert_eq!(worker.run_due()?, 0, "nothing is due yet");
/// clock.advance(Duration::from_secs(31 * 24 * 60 * 60));
/// worker.run_due()?;
/// assert_eq!(store.secret(secret)?.current().unwrap().origin, VersionOrigin::RotatedByPolicy);
/// # Ok::<(), latchkeep::Error>(())
/// ```
#[derive(Clone)]
pub struct RotationWorker(pub(crate) Arc<Worker>);

impl RotationWorker {
    /// Makes a worker that does something only when it is asked to: for programs that run now and then, and for tests.
    #[must_use]
    pub fn new(store: &Store, options: WorkerOptions) -> Self {
        Self(Arc::new(Worker::new(&store.0, options)))
    }

    /// Makes a worker that goes on by itself, on threads of its own, until it is stopped or the store is closed.
    ///
    /// # Errors
    ///
    /// Kind `Unavailable`, code `read_only`, when the store is open for reading only, code `worker_runs` while another worker does
    /// its rotations; kind `Internal` when the system gives no thread.
    pub fn start(store: &Store, options: WorkerOptions) -> Result<Self, Error> {
        Ok(Self(Arc::new(Worker::start(&store.0, options)?)))
    }

    /// Does all that is due until nothing is; gives how many steps that were. As many secrets are worked on at a time as a started
    /// worker takes up, on threads that end with the run; a single one in the caller's thread. What has to wait, because it
    /// failed or an issuer is busy, is left. A rotation by policy that is about to be due is due, since the next run may come too
    /// late: up to an eighth of its interval before its time, a day at most.
    ///
    /// # Errors
    ///
    /// Kind `Closed` or `Unavailable` when the store takes no commands any more. What was asked for before is answered then,
    /// and what was not can be taken up again. Code `worker_runs` while another worker does its rotations.
    /// Kind `Corrupt` when data of a secret is damaged; all others have had their turn, and [`waiting`](Self::waiting) names it.
    pub fn run_due(&self) -> Result<u64, Error> {
        self.0.core.run_due()
    }

    /// Begins a rotation that somebody asks for by hand; the worker takes it from there. For secrets whose credentials an
    /// issuer makes; others are rotated by [`Session::rotate`].
    ///
    /// # Errors
    ///
    /// Kind `Refused`: [`crate::Refusal::Locked`] when a lock stands on a version that it would touch,
    /// [`crate::Refusal::RotationHeld`] when the grace of a version that it would end runs, or consumers have not moved from it
    /// (unless the session acts by force), [`crate::Refusal::RotationOpen`] when one is under way, [`crate::Refusal::RotationNotSupported`]. Kind `Invalid` when no issuer of
    /// that name is registered; kind `Unavailable` when it is busy.
    pub fn rotate(&self, session: &Session, secret: SecretId) -> Result<Receipt, Error> {
        self.0.core.rotate_by_hand(&session.terms_of_rotation(secret), secret)
    }

    /// Retires what carries a tag of this store outside and no rotation knows of, if this log planned the rotation that made it.
    /// What another store of the same log id made, after a backup or a copy, is told of and left. A started worker does so by
    /// itself, now and then.
    ///
    /// # Errors
    ///
    /// Kind `Closed` or `Unavailable` when the store does not answer. What an issuer fails with stands in the report.
    pub fn sweep(&self) -> Result<SweepReport, Error> {
        self.0.sweep()
    }

    /// Gives the secrets of which a step has to wait without anything to record about it, and why; one with several reasons several times.
    /// What the log tells of the secret already, as the reason why a credential could not be ended, is left out.
    #[must_use]
    pub fn waiting(&self) -> Vec<(SecretId, Reason)> {
        self.0.core.waiting()
    }

    /// Lists the secrets for which something is to be done at a time that the store's time has not reached, but for attempts that failed,
    /// whose pauses count the time that passes. While the store's time stands still ([`crate::ClockStatus::stands_still`]), none of
    /// that comes. Looks at every secret.
    #[must_use]
    pub fn waiting_for_time(&self) -> Vec<SecretId> {
        self.0.core.waiting_for_time()
    }

    /// Gives how long it takes until the first of the rotations is tried again that may succeed by waiting alone: whose issuer was not
    /// available, whose last answer was lost, or whose credential did not log in yet. For hosts that let a single run wait out short
    /// outages. While the store's time stands still, this worker's own pauses count, and another worker tries again at once.
    #[must_use]
    pub fn retry_in(&self) -> Option<Duration> {
        self.0.core.first_retry_in()
    }

    /// Asks the issuer of a version whether its credential still logs in. Changes nothing and records nothing: the credential
    /// goes to the issuer alone. Blocks until the issuer answers, or its time limit.
    ///
    /// # Errors
    ///
    /// Kind `Refused`: [`crate::Refusal::RotationNotSupported`] when no issuer made the version,
    /// [`crate::Refusal::VersionDataDestroyed`], [`crate::Refusal::VersionNotFound`], [`crate::Refusal::SecretNotFound`].
    pub fn verify(&self, secret: SecretId, version: VersionRef) -> Result<Verified, Error> {
        self.0.core.verify(secret, version)
    }

    /// Begins a rotation that puts the password into use that an account has now, instead of a new one: nothing changes for
    /// whoever uses it. It has to log in. Only issuers of class `SetValue` that know how ([`crate::Issuer::take`]); the worker takes
    /// it from there. The conditions of the session hold. Under its idempotency key it is done once: asked again for the same secret, it
    /// answers as the first time and asks no issuer; the password is not compared.
    ///
    /// # Errors
    ///
    /// As [`RotationWorker::rotate`]; kind `Invalid` when the issuer does not take it, or the password does not log in.
    pub fn adopt(&self, session: &Session, secret: SecretId, brought: SecretBytes) -> Result<Receipt, Error> {
        let terms = session.terms_of(&format!("take the password of {secret:?}"));
        if let Some(answer) = session.recall(&terms) {
            return answer.map_err(Error::refused);
        }
        self.0.core.adopt(&terms, secret, brought)
    }

    /// Lists what carries a tag of this store outside and its log knows nothing of, at each issuer that can list. Ends nothing, and
    /// works in quarantine too. How many there are is recorded when it has changed, for [`crate::Status::strangers`], unless the
    /// store is open for reading only. What an issuer fails with stands in the report.
    ///
    /// # Errors
    ///
    /// Kind `Closed` or `Unavailable` when the store does not answer.
    pub fn strangers(&self) -> Result<SweepReport, Error> {
        self.0.core.strangers()
    }

    /// Gives the registered issuers that cannot list what they made, with their classes: what they made is known only there.
    #[must_use]
    pub fn issuers_that_cannot_list(&self) -> Vec<(IssuerName, IssuerClass)> {
        self.0.core.issuers_that_cannot_list()
    }

    /// Lists the credentials that one issuer has outside, that carry the store's tag, and that its log knows nothing of. Ends nothing,
    /// and works in quarantine too. Records how many there are, as [`strangers`](Self::strangers). Blocks for one call of the issuer.
    ///
    /// # Errors
    ///
    /// Kind `Invalid` when the issuer is not registered, or cannot list what it made. Kind `Unavailable`, code
    /// `issuer_unavailable`, when it could not be asked; kind `Closed` or `Unavailable` when the store does not answer.
    pub fn strangers_of(&self, issuer: &IssuerName) -> Result<Vec<Stranger>, Error> {
        self.0.core.strangers_of(issuer)
    }

    /// Ends a credential outside that the log knows nothing of, because a person says that nobody uses it. Its issuer has to list it
    /// still, and the log may not know it by now.
    ///
    /// # Errors
    ///
    /// Kind `Invalid` when its issuer is not registered, does not list it, or refused to end it; when the log knows it. Kind
    /// `Unavailable`, code `issuer_unavailable`, when its issuer could not be asked, or it is unknown whether it ended it.
    pub fn end_stranger(&self, issuer: &IssuerName, outside: &OutsideId) -> Result<Stranger, Error> {
        self.0.core.end_stranger(issuer, outside)
    }

    /// Adopts a credential that exists outside and that the log does not know ([`RotationWorker::strangers`]): it becomes the
    /// current version of a secret, and the one before becomes previous, as by a rotation. From then on it is retired like any
    /// other, and sweeps know it.
    ///
    /// The issuer of the secret has to list it. It says what it takes as the data of a credential; a JSON object as `create`
    /// answers it always fits. The credential has to log in. `expires_at` says when it ends, where its issuer does not say so.
    /// One batch of records, durable when this answers. Under an idempotency key of the session it is done once: asked again for the same
    /// credential of the same secret, it answers as the first time and asks no issuer; its data is not compared. Blocks until the issuer has answered up to three calls, each with its time limit.
    ///
    /// # Errors
    ///
    /// Kind `Refused`: [`crate::Refusal::Locked`] when a lock stands on a version that a rotation would touch,
    /// [`crate::Refusal::RotationHeld`] when the grace of a version that falls out runs or consumers have not moved from it (unless
    /// the session acts by force), [`crate::Refusal::RotationOpen`] while a rotation is under way,
    /// [`crate::Refusal::Quarantined`], [`crate::Refusal::RotationNotSupported`], and what is wrong with the credential. Kind
    /// `Invalid` when the issuer is not registered or cannot list, does not list the credential, does not take its data, or it does
    /// not log in. Kind `Unavailable` when the issuer is busy.
    pub fn adopt_stranger(
        &self,
        session: &Session,
        secret: SecretId,
        outside: &OutsideId,
        brought: SecretBytes,
        expires_at: Option<Timestamp>,
    ) -> Result<Receipt, Error> {
        let found = session.store().secret(secret)?;
        let issuer = &found.spec.issuance().ok_or(Refusal::RotationNotSupported)?.issuer;
        let terms = session.terms_of(&format!("adopt {secret:?} {issuer} {outside}"));
        if let Some(answer) = session.recall(&terms) {
            return answer.map_err(Error::refused);
        }
        self.0.core.adopt_stranger(&terms, secret, outside, brought, expires_at)
    }

    /// Ends the worker's threads: waits until each has done the step that it is at, and rotations that are asked for are
    /// answered; what else is due is left. Calls that were given up are left behind. A [`run_due`](Self::run_due) or
    /// [`sweep`](Self::sweep) that another thread is at ends likewise, without being waited for.
    pub fn stop(&self) {
        self.0.stop();
    }
}

impl fmt::Debug for RotationWorker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RotationWorker").field("options", &self.0.core.options).finish_non_exhaustive()
    }
}
