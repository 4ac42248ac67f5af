//! Owns what an issuer is tried on: for whom it is asked, and what its outside system is put through meanwhile.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::domain::id::{LogId, RotationId, SecretId, TaskId};
use crate::domain::json::JsonObject;
use crate::domain::name::SecretName;
use crate::issuer::issuer::IssueOrder;
use crate::issuer::job::TaskReport;

/// How long a call may take, when nothing else is said: what a person would wait for a login.
const LIMIT_DEFAULT: Duration = Duration::from_secs(30);

/// What an issuer is tried on, and how.
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

/// Takes the outside system away, and brings it back.
#[derive(Clone)]
pub(super) struct Outage {
    pub(super) begin: Arc<dyn Fn() + Send + Sync>,
    pub(super) end: Arc<dyn Fn() + Send + Sync>,
}

impl Trial {
    /// Makes a trial in the name of a store that nobody else uses on the same outside system: its rotations count up from 0,
    /// so a second trial needs another id, or an outside system that has forgotten the first.
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

    /// Says what the secret's settings say to the issuer.
    #[must_use]
    pub fn with_parameters(mut self, parameters: JsonObject) -> Self {
        self.parameters = Some(parameters);
        self
    }

    /// Tells of parameters that the issuer must refuse.
    #[must_use]
    pub fn refusing(mut self, parameters: JsonObject) -> Self {
        self.refused = Some(parameters);
        self
    }

    /// Says how long each call may take; 30 seconds when nothing is said. A call that takes longer is given up, and is a
    /// finding; the trial goes on, and the call may still hold its thread when the trial ends.
    #[must_use]
    pub const fn giving_up_after(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Says that no outside system knows the values, so that whether an old one still works cannot be asked.
    #[must_use]
    pub const fn without_outside(mut self) -> Self {
        self.has_outside = false;
        self
    }

    /// Says how to take the outside system away and how to bring it back, ready to answer.
    #[must_use]
    pub fn with_outage(
        mut self,
        begin: impl Fn() + Send + Sync + 'static,
        end: impl Fn() + Send + Sync + 'static,
    ) -> Self {
        self.outage = Some(Outage { begin: Arc::new(begin), end: Arc::new(end) });
        self
    }

    /// Says how to wait for the report of a job, for issuers that leave their work to jobs: gives what the job says, or
    /// nothing when it is over without a word. Without this such an issuer cannot be tried.
    #[must_use]
    pub fn with_reports(mut self, reports: impl Fn(TaskId) -> Option<TaskReport> + Send + Sync + 'static) -> Self {
        self.reports = Some(Arc::new(reports));
        self
    }

    /// Gives the order of the trial's rotation with this number, for calls of one's own.
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
