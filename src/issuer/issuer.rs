//! Owns what an issuer is: the trait that makes, proves and retires credentials in systems outside the store.
//!
//! It never touches the store; it is called by the rotation worker, between two appends, on a thread that may be given up.
//! Read next: [`super::outcome`].

use std::time::Duration;

use crate::domain::id::{LogId, RotationId, SecretId};
use crate::domain::json::JsonObject;
use crate::domain::name::{OutsideId, SecretName};
use crate::domain::rotation::IssuerClass;
use crate::seal::secret_bytes::SecretBytes;

use super::job::Job;
use super::outcome::{Issued, IssuerError};

/// Who makes credentials in a system outside the store.
///
/// Every method may be called again with the same order: after a crash, after a lost reply, or because the first call was
/// given up. What that does is what [`IssuerClass`] says, and what the worker relies on. A method may take long, but should
/// end by itself; the worker gives it up at its time limit and treats the outcome as unknown.
pub trait Issuer: Send + Sync {
    /// Tells what this issuer can do. The same for as long as it is registered under its name.
    fn class(&self) -> IssuerClass;

    /// Picks the value that [`Issuer::create`] is to set, as a JSON object; asks nobody outside. Only class `SetValue` is
    /// asked: the store seals the value and records it before the call.
    ///
    /// # Errors
    ///
    /// [`IssuerError`] when no value can be picked, or when this issuer does not pick values.
    fn pick(&self, order: &IssueOrder<'_>) -> Result<SecretBytes, IssuerError> {
        let _ = order;
        Err(IssuerError::refused("this issuer does not pick values"))
    }

    /// Makes a value of a password that an account has already, brought along by a person, as [`Issuer::pick`] would have made
    /// it; asks nobody outside. Only class `SetValue` is asked, by [`RotationWorker::adopt`](crate::RotationWorker::adopt).
    ///
    /// # Errors
    ///
    /// [`IssuerError`] when it cannot be a value, or when this issuer takes none.
    fn take(&self, order: &IssueOrder<'_>, brought: &SecretBytes) -> Result<SecretBytes, IssuerError> {
        let _ = (order, brought);
        Err(IssuerError::refused("this issuer takes no password that was brought along"))
    }

    /// Makes of a credential that it lists, and whose data a person brought along, what [`Issuer::create`] would have answered for
    /// it; then it has to log in ([`Issuer::verify`]). Only class `CreateDiscoverable` is asked, by
    /// [`RotationWorker::adopt_stranger`](crate::RotationWorker::adopt_stranger). The data is taken as it is where an issuer does
    /// not say more; an issuer that can tell should refuse the data of another credential.
    ///
    /// # Errors
    ///
    /// [`IssuerError`] when the data is none of that credential, or the outside system does not answer.
    fn adopt(&self, order: &IssueOrder<'_>, outside: &OutsideId, brought: &SecretBytes) -> Result<Issued, IssuerError> {
        let _ = order;
        Ok(Issued::new(SecretBytes::copy_from(brought.expose())).known_as(outside.clone()))
    }

    /// Makes the credential, or sets the value that was picked (class `SetValue`, which gets it in `value`).
    ///
    /// # Errors
    ///
    /// [`IssuerError`], whose kind says whether anything may have been made.
    fn create(&self, order: &IssueOrder<'_>, value: Option<&SecretBytes>) -> Result<Issued, IssuerError>;

    /// Finds what an earlier call with this order made and nobody heard of. Only class `CreateDiscoverable` is asked.
    ///
    /// # Errors
    ///
    /// [`IssuerError`] when the outside system does not answer.
    fn find(&self, order: &IssueOrder<'_>) -> Result<Vec<OutsideId>, IssuerError> {
        let _ = order;
        Ok(Vec::new())
    }

    /// Logs in with a credential: shows that it works, as its user would find out.
    ///
    /// # Errors
    ///
    /// [`IssuerError`] when it does not work, or not yet.
    fn verify(&self, order: &IssueOrder<'_>, credential: &SecretBytes) -> Result<(), IssuerError>;

    /// Ends a credential for good; fine when it is gone already. With class `SetValue` there is nothing to do: the old value
    /// died when the new one was set.
    ///
    /// # Errors
    ///
    /// [`IssuerError`] when it may still work.
    fn retire(&self, order: &IssueOrder<'_>, outside: Option<&OutsideId>) -> Result<(), IssuerError>;

    /// Tells how long a job may take until it reports, for issuers that leave making and ending to jobs: then the worker asks
    /// [`Issuer::begin`] instead of [`Issuer::create`] and [`Issuer::retire`], which such an issuer refuses. None for all
    /// others. Only classes `CreateWithToken` and `Opaque` take jobs.
    fn job_limit(&self) -> Option<Duration> {
        None
    }

    /// Begins a job, and does not wait for it. Only issuers with a [`Issuer::job_limit`] are asked.
    ///
    /// That a job is about to be begun is recorded before the call. Whoever runs the job tells the store what became of it
    /// ([`Session::report_task`](crate::Session::report_task)); until its time is over nothing else is done for its task
    /// once this call has answered that it is begun. With class `CreateWithToken` a task
    /// that is begun again while its job is at work stays that job; one whose job is over reports again what that one made;
    /// one whose job has failed begins anew.
    ///
    /// # Errors
    ///
    /// [`IssuerError`], whose kind says whether a job may have been begun.
    fn begin(&self, order: &IssueOrder<'_>, job: &Job<'_>) -> Result<(), IssuerError> {
        let _ = (order, job);
        Err(IssuerError::refused("this issuer begins no jobs"))
    }

    /// Lists everything that carries a tag of this store, with the rotation that it was made for, so that a sweep finds what
    /// no rotation knows of. Only class `CreateDiscoverable` is asked.
    ///
    /// # Errors
    ///
    /// [`IssuerError`] when the outside system does not answer.
    fn list(&self, store: LogId) -> Result<Vec<(RotationId, OutsideId)>, IssuerError> {
        let _ = store;
        Ok(Vec::new())
    }
}

/// For whom, and for which rotation, something is to be done.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct IssueOrder<'a> {
    /// The store that asks.
    pub store: LogId,
    /// The secret.
    pub secret: SecretId,
    /// Its name when it was asked.
    pub name: &'a SecretName,
    /// The rotation that the credential is made for: the token by which a call is known again.
    pub rotation: RotationId,
    /// What the secret's settings say to its issuer; never secret.
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

    /// Refuses what the secret's settings say to its issuer, for issuers that take no parameters: better than passing over
    /// what somebody meant.
    ///
    /// # Errors
    ///
    /// [`IssuerError`] (refused) when there are parameters; an empty object is none.
    pub fn without_parameters(&self) -> Result<(), IssuerError> {
        match self.parameters {
            Some(parameters) if !parameters.is_empty() => {
                Err(IssuerError::refused("this issuer takes no parameters; take them out of the secret's settings"))
            }
            _ => Ok(()),
        }
    }
}
