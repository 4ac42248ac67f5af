//! Owns what stops work on a secret, or on all of them: a state of the store, such as quarantine, and where a secret stands in
//! its life.
//!
//! Writer, worker and verifier ask this one question, so that a state which is added here is respected by all of them. Locks
//! protect versions, and are asked apart. Read next: [`super::touch`].

use super::refusal::Refusal;
use super::secret::{Lifecycle, Secret};
use super::state::Whole;
use super::time::Timestamp;
use super::touch::Touch;

/// Work on a secret that a state may stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Work {
    /// The secret and its policy are described anew.
    Describe,
    /// Its current version is replaced, renewed by a read, or described anew.
    Use,
    /// An issuer makes its next version.
    Issue,
    /// A lock is placed.
    Lock,
    /// Versions are touched, or might be.
    Touch(Touch),
    /// The lease of a lock ends.
    EndLock,
    /// The secret, or a credential of it, ends.
    Expire,
    /// A job reports what it has made.
    ReportMade,
    /// A job reports what it has ended, or that it failed.
    ReportEnded,
    /// The worker does what is due next.
    Step,
    /// A sweep ends what is listed outside and is not known.
    Sweep,
}

/// What stops it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// The store was restored, and no person has looked at it since.
    Quarantine {
        /// Since when.
        since: Timestamp,
    },
    /// The secret is not yet in use, or not any more.
    Inactive {
        /// Where it stands.
        lifecycle: Lifecycle,
    },
}

impl From<Stop> for Refusal {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Quarantine { since } => Self::Quarantined { since },
            Stop::Inactive { lifecycle } => Self::SecretInactive { lifecycle },
        }
    }
}

/// Tells whether some work may be done on a secret.
///
/// # Errors
///
/// The [`Stop`] in its way; that of the store, where both are.
pub(crate) fn may(secret: &Secret, work: Work, whole: &Whole) -> Result<(), Stop> {
    whole.may(work)?;
    secret.may(work)
}

impl Whole {
    /// Tells whether the store as a whole lets some work be done, whatever the secret.
    ///
    /// # Errors
    ///
    /// [`Stop::Quarantine`] for whatever ends data or a credential. What somebody brings or asks for is stopped once it touches
    /// versions; that is asked apart, as [`Work::Touch`].
    pub(crate) fn may(&self, work: Work) -> Result<(), Stop> {
        let Some(restored) = self.quarantine() else { return Ok(()) };
        let is_stopped = match work {
            Work::Touch(touch) => touch.can_touch(),
            Work::EndLock | Work::Expire | Work::ReportEnded | Work::Step | Work::Sweep => true,
            // What was made is good to know at any time; of the others it is asked what they touch.
            Work::ReportMade | Work::Describe | Work::Use | Work::Issue | Work::Lock => false,
        };
        if is_stopped { Err(Stop::Quarantine { since: restored.at }) } else { Ok(()) }
    }

    /// Tells whether time does anything to the secrets of the store.
    pub(crate) fn lets_time_pass(&self) -> bool {
        self.may(Work::EndLock).is_ok() || self.may(Work::Expire).is_ok()
    }
}

impl Secret {
    /// Tells whether a secret lets some work be done, whatever the store.
    ///
    /// # Errors
    ///
    /// [`Stop::Inactive`] outside of its life; what is left to end, or to delete, goes on.
    pub(crate) fn may(&self, work: Work) -> Result<(), Stop> {
        let is_active = self.lifecycle == Lifecycle::Active;
        let is_open = match work {
            Work::Use | Work::Expire => is_active,
            // What an issuer is told may be why it has not made the first version.
            Work::Describe | Work::Issue => is_active || self.lifecycle == Lifecycle::PreActivation,
            Work::Lock => !self.is_deleting,
            Work::Touch(_) | Work::EndLock | Work::ReportMade | Work::ReportEnded | Work::Step | Work::Sweep => true,
        };
        if is_open { Ok(()) } else { Err(Stop::Inactive { lifecycle: self.lifecycle }) }
    }
}
