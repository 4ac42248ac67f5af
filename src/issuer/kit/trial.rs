//! Owns the setting of a test: the secret of the calls, and what happens to the outside system.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::domain::id::{LogId, RotationId, SecretId, TaskId};
use crate::domain::json::JsonObject;
use crate::domain::name::SecretName;
use crate::issuer::issuer::IssueOrder;
use crate::issuer::job::TaskReport;

/// How long a call may take by default: as long as a person would wait for a login.
const LIMIT_DEFAULT: Duration = Duration::from_secs(30);

/// The setting of a test of an issuer.
#[derive(Clone)]
pub struct Trial {
    pub(super) store: LogId,
    secret: SecretId,
    name: SecretName,
    parameters: Option<JsonObject>,
    pub(super) refused: Option<JsonObject>,
    pub(super) limit: Duration,
    pub(super) has_outside: bool,
    pub(super) outage: Option<Outage>,
    pub(super) reports: Option<Reports>,
}

/// Waits for the report of a job.
pub(super) type Reports = Arc<dyn Fn(TaskId) -> Option<TaskReport> + Send + Sync>;

/// Makes the outside system unavailable, and available again.
#[derive(Clone)]
pub(super) struct Outage {
    pub(super) begin: Arc<dyn Fn() + Send + Sync>,
    pub(super) end: Arc<dyn Fn() + Send + Sync>,
}

impl Trial {
    /// Makes a trial in the name of a store that no one else uses on the same outside system. Its rotations count up
    /// from 0, so a second trial needs another id, or an outside system that has forgotten the first.
    #[must_use]
    pub const fn new(store: LogId, name: SecretName) -> Self {
        Self {
            store,
            secret: SecretId::from_bytes(*store.as_bytes()),
            name,
            parameters: None,
            refused: None,
            limit: LIMIT_DEFAULT,
            has_outside: true,
            outage: None,
            reports: None,
        }
    }

    /// Sets the parameters in the secret's settings.
    #[must_use]
    pub fn with_parameters(mut self, parameters: JsonObject) -> Self {
        self.parameters = Some(parameters);
        self
    }

    /// Sets parameters that the issuer must refuse.
    #[must_use]
    pub fn refusing(mut self, parameters: JsonObject) -> Self {
        self.refused = Some(parameters);
        self
    }

    /// Sets how long each call may take; 30 seconds by default. A slower call is left, and is a finding. The trial
    /// continues, and the call may still have its thread when the trial ends.
    #[must_use]
    pub const fn giving_up_after(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Declares that no outside system knows the values, so that it cannot be checked whether an old one still works.
    #[must_use]
    pub const fn without_outside(mut self) -> Self {
        self.has_outside = false;
        self
    }

    /// Sets how to make the outside system unavailable, and available again and ready to answer.
    #[must_use]
    pub fn with_outage(
        mut self,
        begin: impl Fn() + Send + Sync + 'static,
        end: impl Fn() + Send + Sync + 'static,
    ) -> Self {
        self.outage = Some(Outage { begin: Arc::new(begin), end: Arc::new(end) });
        self
    }

    /// Sets how to wait for the report of a job, for issuers with jobs. It returns the report, or `None` when the job
    /// is over without one. Without this, such an issuer cannot be tested.
    #[must_use]
    pub fn with_reports(mut self, reports: impl Fn(TaskId) -> Option<TaskReport> + Send + Sync + 'static) -> Self {
        self.reports = Some(Arc::new(reports));
        self
    }

    /// Returns the order of the trial's rotation with this number, for calls of your own.
    #[must_use]
    pub fn order(&self, rotation: u32) -> IssueOrder<'_> {
        self.order_with(rotation, self.parameters.as_ref())
    }

    pub(super) fn order_with<'a>(&'a self, rotation: u32, parameters: Option<&'a JsonObject>) -> IssueOrder<'a> {
        IssueOrder::new(self.store, self.secret, &self.name, self.rotation(rotation), parameters)
    }

    /// Counts up in the last four bytes of the store's id.
    pub(super) fn rotation(&self, number: u32) -> RotationId {
        let id = u128::from_be_bytes(*self.store.as_bytes()) ^ u128::from(number);
        RotationId::from_bytes(id.to_be_bytes())
    }
}

impl fmt::Debug for Trial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trial").field("store", &self.store).field("name", &self.name).finish_non_exhaustive()
    }
}
