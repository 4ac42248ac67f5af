//! Owns what a restore makes of a rotation that was under way at the backup: the original went on, and what came of it there is
//! not known here.
//!
//! A restored store is another incarnation of it, so what tells is in which one a rotation was planned, not when: a clock may be
//! wrong. Its value may be the one that the account has by now, and what it made may be in use, so neither is ended before the
//! issuer or a person has settled it. Read next: [`super::decide`].

use serde::{Deserialize, Serialize};

use super::incarnation::Incarnation;
use super::rotation::{IssuerClass, Rotation, RotationStage};
use super::secret::Secret;
use super::state::Whole;
use super::time::Timestamp;

/// In which incarnations of the store the rotation that is under way was planned, and last resumed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RotationLineage {
    /// The incarnation in which it was planned.
    pub planned_in: Incarnation,
    /// The incarnation in which a person last resumed it.
    pub resumed_in: Option<Incarnation>,
}

impl RotationLineage {
    /// Begins with a plan.
    pub(super) fn planned(whole: &Whole) -> Self {
        Self { planned_in: whole.incarnation(), resumed_in: None }
    }

    /// Gives what is known of a rotation that is restated: no more than its times.
    pub(super) fn of(rotation: &Rotation, whole: &Whole) -> Self {
        let is_from_before = whole.restored.is_some_and(|restored| rotation.planned_at <= restored.at);
        Self { planned_in: if is_from_before { Incarnation::ORIGINAL } else { whole.incarnation() }, resumed_in: None }
    }
}

/// Notes that a rotation is resumed.
pub(super) fn note_resumed(secret: &mut Secret, whole: &Whole) {
    if let Some(lineage) = &mut secret.lineage {
        lineage.resumed_in = Some(whole.incarnation());
    }
}

/// Notes up to when the time of a rotation was counted. After a restore none is counted of one that waits for a person, so that one
/// of which a restatement says so was resumed.
pub(super) fn note_counted(secret: &mut Secret, counted_at: Timestamp, whole: &Whole) {
    if is_from_before(secret, whole) && whole.restored.is_some_and(|restored| counted_at > restored.at) {
        note_resumed(secret, whole);
    }
}

/// Tells whether the rotation of a secret was planned before the store was restored.
pub(crate) fn is_from_before(secret: &Secret, whole: &Whole) -> bool {
    secret.rotation_is_from_before(whole.incarnation())
}

impl Secret {
    /// Tells whether its rotation that is under way was planned in an earlier incarnation than this one of the store: the original of
    /// a restored store went on with it.
    #[must_use]
    pub fn rotation_is_from_before(&self, incarnation: Incarnation) -> bool {
        self.lineage.as_deref().is_some_and(|lineage| lineage.planned_in != incarnation)
    }
}

/// Tells whether the original may have called the issuer, or heard from it, without a record of it here.
pub(crate) fn is_unsettled(secret: &Secret, rotation: &Rotation, whole: &Whole) -> bool {
    let is_open = rotation.stage == RotationStage::Planned || rotation.stage.is_out();
    is_open && is_from_before(secret, whole)
}

/// Tells whether a person has to look before the rotation continues: another call would end what the original made, or make it
/// twice. Of the other classes a call with the same value, or by the same token, leads where the original went.
pub(crate) fn awaits_person(secret: &Secret, rotation: &Rotation, whole: &Whole) -> bool {
    let is_concerned = matches!(rotation.class, IssuerClass::CreateDiscoverable | IssuerClass::Opaque);
    is_concerned && is_unsettled(secret, rotation, whole) && !was_resumed(secret, whole)
}

/// Tells whether a rotation of such a class was resumed since the restore.
fn was_resumed(secret: &Secret, whole: &Whole) -> bool {
    secret.lineage.as_deref().and_then(|lineage| lineage.resumed_in) == Some(whole.incarnation())
}

/// Tells whether a credential was made for a rotation that was under way at the backup, then or since, and not put into use here:
/// the original may have put it into use, or what it got by the same token.
pub(crate) fn is_made_before(secret: &Secret, rotation: &Rotation, whole: &Whole) -> bool {
    rotation.stage.is_made() && rotation.class != IssuerClass::SetValue && is_from_before(secret, whole)
}

/// Tells whether giving a rotation up ends nothing outside, since what the original made may be in use there.
pub(crate) fn leaves_what_was_made(secret: &Secret, rotation: &Rotation, whole: &Whole) -> bool {
    if is_made_before(secret, rotation, whole) {
        return true;
    }
    match rotation.class {
        IssuerClass::SetValue => false,
        IssuerClass::CreateWithToken => is_unsettled(secret, rotation, whole),
        IssuerClass::CreateDiscoverable | IssuerClass::Opaque => awaits_person(secret, rotation, whole),
    }
}
