//! Owns the one rule: which versions an operation would modify, invalidate or destroy, and the refusal when one of them
//! carries a lock.
//!
//! Every row of the tables in the manual follows from [`touched`]. [`unlocked`] and [`unlocked_at_commit`] are
//! the only makers of [`Unlocked`], and what destroys data asks for one, so that no path goes around the rule. While a
//! restored store is in quarantine there is none at all: see [`super::stop`]. Read next: [`super::decide`].

use super::id::{DataKeyId, VersionId};
use super::limits;
use super::lock::Lock;
use super::refusal::{Blocked, Operation, Refusal};
use super::rotation::Rotation;
use super::secret::{Ending, Secret};
use super::settings::Settings;
use super::state::Whole;
use super::stop::{Stop, Work, may};
use super::version::Version;

/// What is about to happen to a secret, as far as its versions are concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(dead_code, reason = "every row of the table stands here, also those that touch nothing")]
pub(crate) enum Touch {
    /// Data is read as it is.
    ReadAsItIs,
    /// A read makes a new credential in the current version.
    Regenerate,
    /// A version is added; the credential before it stays valid.
    Rotate,
    /// A version is added; the issuer replaces the one credential in place.
    RotateInPlace,
    /// A version is added from the data of the previous one.
    Restore,
    /// The secret goes.
    Delete,
    /// The data of one version goes.
    DestroyData(VersionId),
    /// The secret is past its expiry.
    Expire,
    /// The credential in one version has ended: its lease is over, or its issuer said so.
    EndLease(VersionId),
    /// Metadata, labels, policies and locks change.
    Describe,
}

impl Touch {
    /// Tells whether it can touch a version at all.
    pub(super) const fn can_touch(self) -> bool {
        match self {
            Self::ReadAsItIs | Self::Describe => false,
            Self::Regenerate
            | Self::Rotate
            | Self::RotateInPlace
            | Self::Restore
            | Self::Delete
            | Self::DestroyData(_)
            | Self::Expire
            | Self::EndLease(_) => true,
        }
    }

    const fn operation(self) -> Operation {
        match self {
            Self::ReadAsItIs | Self::Regenerate => Operation::Read,
            Self::Rotate | Self::RotateInPlace | Self::Describe => Operation::Rotate,
            Self::Restore => Operation::Restore,
            Self::Delete => Operation::Delete,
            Self::DestroyData(_) => Operation::DestroyData,
            Self::Expire | Self::EndLease(_) => Operation::Expire,
        }
    }
}

/// Gives the versions that would be modified, invalidated or destroyed.
pub(crate) fn touched(secret: &Secret, touch: Touch, settings: Settings) -> Vec<&Version> {
    let with_data = || secret.versions.iter().filter(|version| !version.is_destroyed());
    match touch {
        Touch::ReadAsItIs | Touch::Describe => Vec::new(),
        Touch::Regenerate => secret.current().into_iter().collect(),
        Touch::Rotate | Touch::Restore => {
            let mut found = pushed_out(secret);
            widen(&mut found, secret, settings);
            found
        }
        Touch::RotateInPlace => {
            let mut found = replaced(secret);
            widen(&mut found, secret, settings);
            found
        }
        Touch::Delete => with_data().collect(),
        Touch::DestroyData(id) | Touch::EndLease(id) => secret.version_by_id(id).into_iter().collect(),
        Touch::Expire => match secret.spec.ending() {
            Ending::Certificate => Vec::new(),
            Ending::Data | Ending::Leases | Ending::Credentials => with_data().collect(),
        },
    }
}

/// Gives the versions whose data is not destroyed that fall out of the retention window when one more version is added.
fn pushed_out(secret: &Secret) -> Vec<&Version> {
    let kept = usize::from(secret.metadata.retention).saturating_sub(1);
    let making_way = secret.making_way();
    let counted = secret.versions.iter().rev().filter(|version| !making_way.contains(&version.id));
    counted.skip(kept).filter(|version| !version.is_destroyed()).collect()
}

/// Gives what is gone once an issuer has replaced the current credential in place: that one, and what falls out of the
/// retention window.
fn replaced(secret: &Secret) -> Vec<&Version> {
    let mut found = pushed_out(secret);
    found.extend(secret.current());
    found
}

/// Tells whether a version can no longer be protected by a lock: the issuer may have replaced the current credential in
/// place already, and the rotation takes this version with it.
pub(crate) fn is_replaced(secret: &Secret, version: VersionId) -> bool {
    let is_out = secret.rotation.as_ref().is_some_and(|rotation| rotation.has_replaced_current());
    is_out && replaced(secret).iter().any(|replaced| replaced.id == version)
}

/// Under the strict setting a rotation touches every locked version.
fn widen<'a>(found: &mut Vec<&'a Version>, secret: &'a Secret, settings: Settings) {
    if secret.metadata.refuse_rotation_while_locked.unwrap_or(settings.refuse_rotation_while_locked) {
        for version in secret.versions.iter().filter(|version| !version.locks.is_empty()) {
            if !found.iter().any(|other| other.id == version.id) {
                found.push(version);
            }
        }
    }
}

/// Why an operation may not touch versions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Obstacle {
    /// A state of the store or of the secret stops it.
    Stop(Stop),
    /// Locks protect what it would touch.
    Locks(Box<Blocked>),
}

impl From<Stop> for Obstacle {
    fn from(stop: Stop) -> Self {
        Self::Stop(stop)
    }
}

impl From<Obstacle> for Refusal {
    fn from(obstacle: Obstacle) -> Self {
        match obstacle {
            Obstacle::Stop(stop) => stop.into(),
            Obstacle::Locks(blocked) => Self::Locked(blocked),
        }
    }
}

/// Proof that no version an operation touches carries a lock. Made by [`unlocked`] and [`unlocked_at_commit`] alone.
#[derive(Debug)]
pub(crate) struct Unlocked {
    touched: Vec<VersionId>,
    data: Vec<(VersionId, DataKeyId)>,
}

impl Unlocked {
    fn of<'a>(versions: impl Iterator<Item = &'a Version>) -> Self {
        let mut found = Self { touched: Vec::new(), data: Vec::new() };
        for version in versions {
            found.touched.push(version.id);
            found.data.extend(version.data.sealed().map(|sealed| (version.id, sealed.data_key)));
        }
        found
    }

    /// Gives all touched versions, also those whose data is gone or not here.
    pub(crate) fn touched(&self) -> &[VersionId] {
        &self.touched
    }

    /// Gives the touched versions that have data, each with its data key.
    pub(crate) fn data(&self) -> &[(VersionId, DataKeyId)] {
        &self.data
    }
}

/// Holds the commit of a rotation to the one rule.
///
/// What an issuer has replaced in place is replaced: to hold the new version back would hand out a value that lets nobody in.
/// So the commit goes through, whatever was locked or set since the first call, and leaves versions with locks as they are.
///
/// # Errors
///
/// As [`unlocked`]; in place only [`Obstacle::Stop`].
pub(crate) fn unlocked_at_commit(secret: &Secret, rotation: &Rotation, whole: &Whole) -> Result<Unlocked, Obstacle> {
    if !rotation.has_replaced_current() {
        return unlocked(secret, rotation.class.touch(), whole);
    }
    may(secret, Work::Touch(Touch::RotateInPlace), whole)?;
    Ok(Unlocked::of(replaced(secret).into_iter().filter(|version| version.locks.is_empty())))
}

/// Holds an operation to the one rule.
///
/// # Errors
///
/// [`Obstacle::Stop`] while a state of the store or of the secret stops it, as quarantine stops all that can touch a version;
/// [`Obstacle::Locks`], with every lock in the way (24 of them shown), when a touched version carries one.
pub(crate) fn unlocked(secret: &Secret, touch: Touch, whole: &Whole) -> Result<Unlocked, Obstacle> {
    may(secret, Work::Touch(touch), whole)?;
    let versions = touched(secret, touch, whole.settings);
    let in_the_way = || versions.iter().flat_map(|version| version.locks.iter().map(move |lock| (*version, lock)));
    let locks_total = in_the_way().count();
    if locks_total == 0 {
        return Ok(Unlocked::of(versions.iter().copied()));
    }
    let show = |(version, lock): (&Version, &Lock)| {
        Blocked::lock((version.id, version.number, secret.alias(version.id)), lock)
    };
    Err(Obstacle::Locks(Box::new(Blocked {
        operation: touch.operation(),
        secret: secret.id,
        name: secret.metadata.name.clone(),
        secret_type: secret.secret_type(),
        locks: in_the_way().take(limits::BLOCKING_LOCKS_SHOWN_MAX).map(show).collect(),
        locks_total: u32::try_from(locks_total).unwrap_or(u32::MAX),
    })))
}
