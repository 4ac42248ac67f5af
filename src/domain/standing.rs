//! Owns where a secret stands with its rotations, as people are shown it: a pure function of secret, settings and time.
//!
//! It decides nothing; what the worker does next is in [`super::due`]. Read next: [`super::impact`].

use super::due::{Step, steps};
use super::held::{Held, held};
use super::refusal::Refusal;
use super::rotation::{Credential, Rotation, RotationStage, RotationTrigger};
use super::secret::Secret;
use super::settings::Settings;
use super::time::Timestamp;

/// Where a secret stands with its rotations; the first that holds, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RotationStanding {
    /// A rotation waits for a person.
    Parked {
        /// Since when.
        since: Timestamp,
    },
    /// A credential is made and proved; a lock holds it back.
    Staged {
        /// Since when.
        since: Timestamp,
    },
    /// A rotation is under way.
    Open {
        /// Since when.
        since: Timestamp,
    },
    /// A rotation was due, and a lock, a grace or consumers refuse it, or it has no room since as many versions are kept as there can be.
    Blocked {
        /// Since when it is due.
        since: Timestamp,
    },
    /// The worker has something to do, other than to end a credential.
    Due {
        /// Since when.
        since: Timestamp,
    },
    /// The credential of a version is to be ended.
    Retiring {
        /// Since when.
        since: Timestamp,
    },
    /// A rotation comes by itself.
    Scheduled {
        /// When.
        at: Timestamp,
    },
}

impl RotationStanding {
    /// Tells where a rotation stands that is under way.
    const fn of(rotation: &Rotation) -> Self {
        if let Some(parked) = &rotation.parked {
            return Self::Parked { since: parked.at };
        }
        match &rotation.stage {
            RotationStage::Staged { since, .. } => Self::Staged { since: *since },
            RotationStage::Planned
            | RotationStage::Attempted
            | RotationStage::Doubted
            | RotationStage::Awaiting { .. }
            | RotationStage::Issued(_)
            | RotationStage::Aborting { .. }
            | RotationStage::Ending { .. } => Self::Open { since: rotation.planned_at },
        }
    }

    /// Gives the stable word for programs.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Parked { .. } => "parked",
            Self::Staged { .. } => "staged",
            Self::Open { .. } => "open",
            Self::Blocked { .. } => "blocked",
            Self::Due { .. } => "due",
            Self::Retiring { .. } => "retiring",
            Self::Scheduled { .. } => "scheduled",
        }
    }

    /// Gives since when it stands so; nothing for what lies ahead.
    #[must_use]
    pub const fn since(self) -> Option<Timestamp> {
        match self {
            Self::Parked { since }
            | Self::Staged { since }
            | Self::Open { since }
            | Self::Blocked { since }
            | Self::Due { since }
            | Self::Retiring { since } => Some(since),
            Self::Scheduled { .. } => None,
        }
    }
}

impl Secret {
    /// Tells where it stands with its rotations at a time; nothing when none is under way and none comes by itself.
    #[must_use]
    pub fn rotation_standing(&self, settings: Settings, now: Timestamp) -> Option<RotationStanding> {
        if let Some(rotation) = &self.rotation {
            return Some(RotationStanding::of(rotation));
        }
        if let Some(since) = self.blocked_since(settings, now) {
            return Some(RotationStanding::Blocked { since });
        }
        // What a worker waits for so that not all rotate at one instant is no part of the schedule.
        let on_schedule = |(at, step)| match step {
            Step::RotateHere | Step::Plan(RotationTrigger::ByPolicy) => (self.rotates_at().unwrap_or(at), step),
            Step::Plan(RotationTrigger::FirstVersion | RotationTrigger::ByHand)
            | Step::GoOn
            | Step::MakeRoom(_)
            | Step::PlanRetirement(_)
            | Step::Retire(_)
            | Step::Delete => (at, step),
        };
        let due = steps(self).map(on_schedule).filter(|(at, step)| *at <= now && !matches!(step, Step::Retire(_)));
        if let Some(since) = due.map(|(at, _)| at).min() {
            return Some(RotationStanding::Due { since });
        }
        let retiring = self.credentials().filter(|credential| credential.is_retiring());
        retiring
            .filter_map(Credential::since)
            .min()
            .map(|since| RotationStanding::Retiring { since })
            .or_else(|| self.next_rotation_at().map(|at| RotationStanding::Scheduled { at }))
    }

    /// Tells what beside locks would hold a rotation back at a time: the grace of a version that it would end, or consumers that
    /// have not moved from it.
    #[must_use]
    pub fn held_at(&self, settings: Settings, now: Timestamp) -> Option<Held> {
        held(self, self.rotation_touch(), settings, now)
    }

    /// Tells why a rotation that no lock, grace or consumers refuse would be refused: as many versions are kept as there can be, and
    /// the credentials of all are good outside.
    #[must_use]
    pub fn without_room(&self) -> Option<Refusal> {
        self.room().err()
    }

    /// Gives since when a rotation is due that a lock, a grace, consumers or the lack of room refused and still would.
    fn blocked_since(&self, settings: Settings, now: Timestamp) -> Option<Timestamp> {
        self.rotation_refused_at?;
        let due_at = self.rotation_due_at()?;
        let is_locked = || self.impact_of_rotation(settings).is_some_and(|impact| !impact.locks.is_empty());
        let is_refused = || is_locked() || self.held_at(settings, now).is_some() || !self.has_room();
        (self.refused_for(due_at).is_some() && is_refused()).then_some(due_at)
    }
}
