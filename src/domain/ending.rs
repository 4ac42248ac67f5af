//! Owns what ends of a secret as soon as time does its work again, in a store where it does none: in quarantine.
//!
//! The functions that a writer uses decide it. Read next: [`super::lapsed`].

use super::decide::lapse;
use super::due::{Step, steps};
use super::event::Event;
use super::lapsed::lapsed;
use super::name::LockName;
use super::position::VersionNumber;
use super::secret::Secret;
use super::state::State;
use super::time::Timestamp;

/// What ends of a secret.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Ending {
    /// The leases that end: the number of the version, and the name of the lock.
    pub leases: Vec<(VersionNumber, LockName)>,
    /// Whether the secret, or one of its versions, expires.
    pub expires: bool,
    /// The versions whose credentials a worker then ends: they expired, their grace is over, or somebody asked for it.
    pub credentials: Vec<VersionNumber>,
}

impl Ending {
    /// Returns what ends of a secret by a time; `None` where nothing does. `state` is in no quarantine.
    pub(crate) fn of(state: &State, secret: &Secret, now: Timestamp) -> Option<Self> {
        let number = |id| secret.version_by_id(id).map(|version| version.number);
        let mut ending = Self::default();
        for (_, event) in lapse(state, secret, now).events {
            // What time makes of a secret is an expiry that is held back, the end of a lease, or the end of a version.
            if let Event::LockExpired(over) = event {
                ending.leases.extend(number(over.version).map(|of| (of, over.name)));
            } else if !matches!(event, Event::ExpirationHeld(_)) {
                ending.expires = true;
            }
        }
        let after = lapsed(state, secret, now);
        let ended = steps(&after).filter(|(at, _)| *at <= now).filter_map(|(_, step)| match step {
            Step::PlanRetirement(version) | Step::Retire(version) => number(version),
            Step::RotateHere | Step::Plan(_) | Step::GoOn | Step::MakeRoom(_) | Step::Delete => None,
        });
        ending.credentials = ended.collect();
        (ending != Self::default()).then_some(ending)
    }
}
