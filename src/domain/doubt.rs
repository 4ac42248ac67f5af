//! Owns what a restore makes of a rotation that was under way at the backup: the original went on, and what came of it there is
//! not known here.
//!
//! A pure function of the rotation and of the last restore; nothing is kept about it. Its value may be the one that the account
//! has by now, and what it made may be in use, so neither is ended before the issuer or a person has settled it. Read next:
//! [`super::decide`].

use super::rotation::{IssuerClass, Rotation, RotationStage};
use super::secret::Secret;
use super::state::Whole;

/// Tells whether a rotation was planned before the store was restored.
pub(crate) fn is_from_before(rotation: &Rotation, whole: &Whole) -> bool {
    whole.restored.is_some_and(|restored| rotation.planned_at <= restored.at)
}

/// Tells whether the original may have called the issuer, or heard from it, without a record of it here.
pub(crate) fn is_unsettled(rotation: &Rotation, whole: &Whole) -> bool {
    let is_open = rotation.stage == RotationStage::Planned || rotation.stage.is_out();
    is_open && is_from_before(rotation, whole)
}

/// Tells whether a person has to look before the rotation continues: another call would end what the original made, or make it
/// twice. Of the other classes a call with the same value, or by the same token, leads where the original went.
pub(crate) fn awaits_person(secret: &Secret, rotation: &Rotation, whole: &Whole) -> bool {
    let is_concerned = matches!(rotation.class, IssuerClass::CreateDiscoverable | IssuerClass::Opaque);
    is_concerned && is_unsettled(rotation, whole) && !was_resumed(secret, whole)
}

/// Tells whether a rotation of such a class was resumed since the restore: nothing else counts its time before that.
fn was_resumed(secret: &Secret, whole: &Whole) -> bool {
    let counted_at = secret.patience.as_deref().map(|patience| patience.counted_at);
    whole.restored.is_some_and(|restored| counted_at.is_some_and(|at| at > restored.at))
}

/// Tells whether a credential was made for a rotation that was under way at the backup, then or since, and not put into use here:
/// the original may have put it into use, or what it got by the same token.
pub(crate) fn is_made_before(rotation: &Rotation, whole: &Whole) -> bool {
    let is_made = matches!(rotation.stage, RotationStage::Issued(_) | RotationStage::Staged { .. });
    is_made && rotation.class != IssuerClass::SetValue && is_from_before(rotation, whole)
}

/// Tells whether giving a rotation up ends nothing outside, since what the original made may be in use there.
pub(crate) fn leaves_what_was_made(secret: &Secret, rotation: &Rotation, whole: &Whole) -> bool {
    if is_made_before(rotation, whole) {
        return true;
    }
    match rotation.class {
        IssuerClass::SetValue => false,
        IssuerClass::CreateWithToken => is_unsettled(rotation, whole),
        IssuerClass::CreateDiscoverable | IssuerClass::Opaque => awaits_person(secret, rotation, whole),
    }
}
