//! Owns the trait of issuers, which make, verify and retire credentials in outside systems.
//!
//! An issuer never uses the store. The rotation worker calls it, between two appends, on a thread that it may leave
//! behind. Read next: [`super::outcome`].

use std::time::Duration;

use crate::domain::id::{LogId, RotationId, SecretId};
use crate::domain::json::JsonObject;
use crate::domain::name::{OutsideId, SecretName};
use crate::domain::rotation::IssuerClass;
use crate::seal::secret_bytes::SecretBytes;

use super::job::Job;
use super::outcome::{Issued, IssuerError};

/// An issuer of credentials in an outside system.
///
/// Every method may be called again with the same order: after a crash, after a lost reply, or because the first call
/// exceeded its limit. [`IssuerClass`] says what must happen then, and the worker relies on it. A method may take long,
/// but should end by itself. At its time limit the worker leaves it and treats the result as unknown.
pub trait Issuer: Send + Sync {
    /// Returns the class of this issuer. It must not change while the issuer is registered under its name.
    fn class(&self) -> IssuerClass;

    /// Picks the value that [`Issuer::create`] will set, as a JSON object; makes no call outside. Only called for class
    /// `SetValue`: the store seals the value and records it before `create`.
    ///
    /// # Errors
    ///
    /// [`IssuerError`] when no value can be picked, or when this issuer does not pick values.
    fn pick(&self, order: &IssueOrder<'_>) -> Result<SecretBytes, IssuerError> {
        let _ = order;
        Err(IssuerError::refused("this issuer does not pick values"))
    }

    /// Makes a value from a password that an account already has, and that a person brings, as [`Issuer::pick`] would
    /// have made it; makes no call outside. Only called for class `SetValue`, by
    /// [`RotationWorker::adopt`](crate::RotationWorker::adopt).
    ///
    /// # Errors
    ///
    /// [`IssuerError`] when it cannot be a value, or when this issuer accepts none.
    fn take(&self, order: &IssueOrder<'_>, brought: &SecretBytes) -> Result<SecretBytes, IssuerError> {
        let _ = (order, brought);
        Err(IssuerError::refused("this issuer takes no password that was brought along"))
    }

    /// Returns what [`Issuer::create`] would have answered for a listed credential, from the data that a person brings.
    /// The credential then has to log in ([`Issuer::verify`]). Only called for class `CreateDiscoverable`, by
    /// [`RotationWorker::adopt_stranger`](crate::RotationWorker::adopt_stranger). By default the data is used
    /// unchanged. An issuer that can tell should refuse the data of another credential.
    ///
    /// # Errors
    ///
    /// [`IssuerError`] when the data does not belong to that credential, or the outside system does not answer.
    fn adopt(&self, order: &IssueOrder<'_>, outside: &OutsideId, brought: &SecretBytes) -> Result<Issued, IssuerError> {
        let _ = order;
        Ok(Issued::new(SecretBytes::copy_from(brought.expose())).known_as(outside.clone()))
    }

    /// Makes the credential, or sets the picked value (class `SetValue`, which gets it in `value`).
    ///
    /// # Errors
    ///
    /// [`IssuerError`], whose kind says whether anything may have been made.
    fn create(&self, order: &IssueOrder<'_>, value: Option<&SecretBytes>) -> Result<Issued, IssuerError>;

    /// Finds credentials that an earlier call with this order made and whose reply was lost. Only called for class
    /// `CreateDiscoverable`.
    ///
    /// # Errors
    ///
    /// [`IssuerError`] when the outside system does not answer.
    fn find(&self, order: &IssueOrder<'_>) -> Result<Vec<OutsideId>, IssuerError> {
        let _ = order;
        Ok(Vec::new())
    }

    /// Logs in with a credential like its user, to show that it works.
    ///
    /// # Errors
    ///
    /// [`IssuerError`] when it does not work, or not yet.
    fn verify(&self, order: &IssueOrder<'_>, credential: &SecretBytes) -> Result<(), IssuerError>;

    /// Ends a credential for good; succeeds if it does not exist any more. With class `SetValue` there is nothing to
    /// do: the old value became invalid when the new one was set.
    ///
    /// # Errors
    ///
    /// [`IssuerError`] when it may still work.
    fn retire(&self, order: &IssueOrder<'_>, outside: Option<&OutsideId>) -> Result<(), IssuerError>;

    /// Returns how long a job may take until it reports, for issuers that make and end credentials by jobs. The worker
    /// then calls [`Issuer::begin`] instead of [`Issuer::create`] and [`Issuer::retire`], which such an issuer refuses.
    /// `None` for all others. Only classes `CreateWithToken` and `Opaque` may have jobs.
    fn job_limit(&self) -> Option<Duration> {
        None
    }

    /// Begins a job, and does not wait for it. Only called for issuers with a [`Issuer::job_limit`].
    ///
    /// The store records that a job is about to begin before this call. The job reports its result to the store
    /// ([`Session::report_task`](crate::Session::report_task)). After this call has succeeded, the worker does nothing
    /// else for the task until the time limit of the job. For `CreateWithToken`, `begin` must be idempotent. If the job
    /// is running, do nothing; if it succeeded, report the same result again; if it failed, start a new job.
    ///
    /// # Errors
    ///
    /// [`IssuerError`], whose kind says whether a job may have been begun.
    fn begin(&self, order: &IssueOrder<'_>, job: &Job<'_>) -> Result<(), IssuerError> {
        let _ = (order, job);
        Err(IssuerError::refused("this issuer begins no jobs"))
    }

    /// Returns everything that carries a tag of this store, with its rotation, so that a sweep finds credentials that
    /// no rotation knows. Only called for class `CreateDiscoverable`.
    ///
    /// # Errors
    ///
    /// [`IssuerError`] when the outside system does not answer.
    fn list(&self, store: LogId) -> Result<Vec<(RotationId, OutsideId)>, IssuerError> {
        let _ = store;
        Ok(Vec::new())
    }
}

/// The secret and the rotation of a call to an issuer.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct IssueOrder<'a> {
    /// The store that makes the call.
    pub store: LogId,
    /// The secret.
    pub secret: SecretId,
    /// Its name at the time of the call.
    pub name: &'a SecretName,
    /// The rotation that the credential is made for. It identifies repeated calls.
    pub rotation: RotationId,
    /// The parameters in the secret's settings; never secret.
    pub parameters: Option<&'a JsonObject>,
}

impl<'a> IssueOrder<'a> {
    /// Makes an order; for tests of issuers, since the worker makes its own.
    #[must_use]
    pub const fn new(
        store: LogId,
        secret: SecretId,
        name: &'a SecretName,
        rotation: RotationId,
        parameters: Option<&'a JsonObject>,
    ) -> Self {
        Self { store, secret, name, rotation, parameters }
    }

    /// Refuses the parameters in the secret's settings, for issuers that take none. Ignoring them could hide a mistake.
    ///
    /// # Errors
    ///
    /// [`IssuerError`] (refused) when there are parameters; an empty object counts as none.
    pub fn without_parameters(&self) -> Result<(), IssuerError> {
        match self.parameters {
            Some(parameters) if !parameters.is_empty() => {
                Err(IssuerError::refused("this issuer takes no parameters; take them out of the secret's settings"))
            }
            _ => Ok(()),
        }
    }
}
