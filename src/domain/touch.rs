//! Owns the one rule: which versions an operation would modify, invalidate or destroy, and the refusal when one of them
//! carries a lock.
//!
//! Every row of the tables in the manual follows from [`touched`]. [`unlocked`] is the only maker of [`Unlocked`], and
//! what destroys data asks for one, so that no path goes around the rule. While a restored store is in quarantine there is
//! none at all. Read next: [`super::decide`].

use super::id::{DataKeyId, VersionId};
use super::limits;
use super::lock::Lock;
use super::refusal::{Blocked, Operation, Refusal};
use super::secret::{Secret, SecretSpec};
use super::settings::Settings;
use super::state::Whole;
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
    const fn can_touch(self) -> bool {
        !matches!(self, Self::ReadAsItIs | Self::Describe)
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
            let mut found = pushed_out(secret);
            found.extend(secret.current());
            widen(&mut found, secret, settings);
            found
        }
        Touch::Delete => with_data().collect(),
        Touch::DestroyData(id) | Touch::EndLease(id) => secret.version_by_id(id).into_iter().collect(),
        Touch::Expire => match secret.spec {
            // A certificate ends by its own date, whatever anybody holds.
            SecretSpec::ImportedCert | SecretSpec::PrivateCert { .. } => Vec::new(),
            _ => with_data().collect(),
        },
    }
}

/// Gives the versions whose data is not destroyed that fall out of the retention window when one more version is added.
fn pushed_out(secret: &Secret) -> Vec<&Version> {
    let kept = usize::from(secret.metadata.retention).saturating_sub(1);
    secret.versions.iter().rev().skip(kept).filter(|version| !version.is_destroyed()).collect()
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

/// Proof that no version an operation touches carries a lock. Made by [`unlocked`] alone.
#[derive(Debug)]
pub(crate) struct Unlocked {
    touched: Vec<VersionId>,
    data: Vec<(VersionId, DataKeyId)>,
}

impl Unlocked {
    /// Gives all touched versions, also those whose data is gone or not here.
    pub(crate) fn touched(&self) -> &[VersionId] {
        &self.touched
    }

    /// Gives the touched versions that have data, each with its data key.
    pub(crate) fn data(&self) -> &[(VersionId, DataKeyId)] {
        &self.data
    }
}

/// Holds an operation to the one rule.
///
/// # Errors
///
/// [`Refusal::Quarantined`] while the store is in quarantine, for all that can touch a version; [`Refusal::Locked`], with
/// every lock in the way (24 of them shown), when a touched version carries one.
pub(crate) fn unlocked(secret: &Secret, touch: Touch, whole: &Whole) -> Result<Unlocked, Refusal> {
    if let Some(restored) = whole.quarantine().filter(|_| touch.can_touch()) {
        return Err(Refusal::Quarantined { since: restored.at });
    }
    let versions = touched(secret, touch, whole.settings);
    let in_the_way = || versions.iter().flat_map(|version| version.locks.iter().map(move |lock| (*version, lock)));
    let locks_total = in_the_way().count();
    if locks_total == 0 {
        let data = versions.iter().filter_map(|version| Some((version.id, version.data.sealed()?.data_key))).collect();
        let touched = versions.iter().map(|version| version.id).collect();
        return Ok(Unlocked { touched, data });
    }
    let show = |(version, lock): (&Version, &Lock)| {
        Blocked::lock((version.id, version.number, secret.alias(version.id)), lock)
    };
    Err(Refusal::Locked(Box::new(Blocked {
        operation: touch.operation(),
        secret: secret.id,
        name: secret.metadata.name.clone(),
        secret_type: secret.secret_type(),
        locks: in_the_way().take(limits::BLOCKING_LOCKS_SHOWN_MAX).map(show).collect(),
        locks_total: u32::try_from(locks_total).unwrap_or(u32::MAX),
    })))
}
