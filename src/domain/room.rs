//! Owns whether a secret has room for one more version, and which credential is ended to make room.
//!
//! A secret keeps 50 versions. A version of an issuer's whose credential is good outside is never forgotten, so it takes room
//! until that credential is ended. A pure function of the secret. Read next: [`super::due`].

use std::time::Duration;

use super::id::VersionId;
use super::issuance::Issuance;
use super::limits;
use super::refusal::Refusal;
use super::rotation::{Credential, Retirement};
use super::secret::Secret;
use super::time::Timestamp;
use super::version::Version;

impl Secret {
    /// Refuses one more version while 50 are kept of which none can be forgotten, and none is by the rotation itself.
    pub(crate) fn room(&self) -> Result<(), Refusal> {
        match self.versions.first() {
            Some(oldest) if !self.has_room() => Err(Refusal::VersionLimitReached { version: oldest.number }),
            _ => Ok(()),
        }
    }

    /// Tells whether one more version can be kept. A secret without an issuer always has room: a rotation destroys the oldest data.
    pub(crate) fn has_room(&self) -> bool {
        if self.versions.len() < limits::VERSIONS_MAX || self.spec.issuance().is_none() {
            return true;
        }
        let earlier = self.versions.split_last().map(|(_, earlier)| earlier).unwrap_or_default();
        // The data that falls out of the window is destroyed with the commit; where no credential has to be ended, nothing is left.
        let kept = usize::from(self.metadata.retention).saturating_sub(1);
        let pushed_out = self.versions.len().saturating_sub(kept);
        let goes = |(at, version): (usize, &Version)| {
            version.is_over() || (at < pushed_out && !version.has_credential_in_use())
        };
        earlier.iter().enumerate().any(goes)
    }

    /// Gives the versions that are forgotten when one more is added: of the earliest of which nothing is left, as many as there are too
    /// many. They take up no place in the retention window: what they leave is good for one that is kept. A secret without an issuer
    /// forgets its oldest, whatever is left of later ones.
    pub(crate) fn making_way(&self) -> Vec<VersionId> {
        let surplus = self.versions.len().saturating_add(1).saturating_sub(limits::VERSIONS_MAX);
        if surplus == 0 || self.spec.issuance().is_none() {
            return Vec::new();
        }
        let earlier = self.versions.split_last().map(|(_, earlier)| earlier).unwrap_or_default();
        let over = earlier.iter().filter(|version| version.is_over()).take(surplus);
        // A lock on data that a restore did not bring along still stands.
        over.filter(|version| version.locks.is_empty()).map(|version| version.id).collect()
    }

    /// Tells whether room is on its way: a job is ending a credential, and none has failed to.
    pub(crate) fn awaits_room(&self) -> bool {
        self.credentials().any(|credential| matches!(credential.retirement, Retirement::Awaiting { failures: 0, .. }))
    }

    /// Gives which credential is to be ended so that a rotation which is due at `from` has room, and when: that of the oldest
    /// version that is neither current nor previous, has no lock, and has neither a grace nor consumers that are waited for.
    ///
    /// Nothing while there is room. Another one follows a day after the last that could not be ended, up to three in all: an
    /// issuer that is away for a day must not cost all earlier versions.
    pub(crate) fn makes_room(&self, from: Timestamp) -> Option<(Timestamp, VersionId)> {
        let issuance = self.spec.issuance().filter(|_| !self.has_room())?;
        let retiring = || self.credentials().filter(|credential| credential.is_retiring());
        if retiring().count() >= limits::ROOM_RETIREMENTS_MAX {
            return None;
        }
        let last = retiring().filter_map(Credential::since).max();
        let from = last.map_or(from, |last| from.max(last.plus(limits::REFUSED_ROTATION_PAUSE)));
        let can_go = |version: &Version| version.has_credential_in_use() && version.can_be_let_go();
        let mut can_go =
            forgettable(self).iter().enumerate().filter(|(_, version)| can_go(version) && version.locks.is_empty());
        can_go.find_map(|(at, version)| Some((self.left_at(at, issuance)?.max(from), version.id)))
    }

    /// Gives when the version at an index is waited for no more: its grace is over. Nothing while consumers have not moved from it, or
    /// it is the current one.
    pub(crate) fn left_at(&self, at: usize, issuance: &Issuance) -> Option<Timestamp> {
        let newer = self.versions.get(at.saturating_add(1)..).unwrap_or_default();
        let replaced_at = newer.first()?.counts_from;
        let has_moved = |consumer| newer.iter().any(|version| version.acknowledged_by.contains(consumer));
        let grace = Duration::from_secs(issuance.grace_secs.into());
        issuance.consumers.iter().all(has_moved).then(|| replaced_at.plus(grace))
    }
}

/// Gives the versions of a secret that may be forgotten, oldest first: all but current and previous.
pub(super) fn forgettable(secret: &Secret) -> &[Version] {
    secret.versions.get(..secret.versions.len().saturating_sub(2)).unwrap_or_default()
}
