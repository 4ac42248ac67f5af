//! Owns the fixed values of restatements.

use super::rotations::{credential, given_up, rotation};
use super::sample::{GROUP, VERSION, actor, bare_metadata, json, metadata, policy, sealed, time};
use crate::domain::doubt::RotationLineage;
use crate::domain::event::{Event, GroupRestated, LockRestated, SecretRestated, VersionRestated};
use crate::domain::id::VersionId;
use crate::domain::incarnation::Incarnation;
use crate::domain::lock::PlacedLock;
use crate::domain::name::{Description, GroupName};
use crate::domain::position::{Position, VersionNumber};
use crate::domain::secret::{Lifecycle, SecretSpec};
use crate::domain::version::{DestroyCause, VersionData, VersionDetails, VersionOrigin};

pub(super) fn group_restated(description: Option<Description>) -> GroupRestated {
    let name = GroupName::parse("payments").unwrap();
    GroupRestated { group: GROUP, name, description, created_at: time(1), updated_at: time(2) }
}

pub(super) fn secret_restated(full: bool) -> SecretRestated {
    SecretRestated {
        group: GROUP,
        metadata: Box::new(if full { metadata() } else { bare_metadata() }),
        spec: SecretSpec::Arbitrary,
        policy: full.then(policy),
        lifecycle: Lifecycle::Active,
        expiry_held_since: full.then(|| time(8)),
        created_at: time(1),
        created_by: actor("alice"),
        updated_at: time(2),
        retrieved_at: full.then(|| time(3)),
        rotation_refused_at: full.then(|| time(4)),
        scheduled_from: Some(time(1)),
        given_up: full.then(given_up),
        rotation: Some(Box::new(rotation(full))),
        is_deleting: full,
        lineage: full.then(|| {
            Box::new(RotationLineage { planned_in: Incarnation::new(5), resumed_in: Some(Incarnation::new(7)) })
        }),
    }
}

pub(super) fn version_restated(full: bool) -> VersionRestated {
    let destroyed = VersionData::Destroyed { at: time(5), cause: DestroyCause::Retention };
    VersionRestated {
        version: VERSION,
        number: VersionNumber::new(3),
        origin: VersionOrigin::Restored,
        restored_from: full.then_some(VersionId::from_bytes([0x57; 16])),
        data: Box::new(if full { VersionData::Available(sealed()) } else { destroyed }),
        data_from: Position::new(9),
        details: VersionDetails::Plain,
        expires_at: full.then(|| time(90)),
        downloaded: full,
        custom_metadata: full.then(json),
        created_at: time(1),
        created_by: actor("alice"),
        credential: full.then(|| Box::new(credential())),
        acknowledged_by: if full { [actor("service/web")].into() } else { Box::default() },
        counts_from: time(u64::from(!full)),
    }
}

pub(super) fn lock_restated(lock: PlacedLock) -> Event {
    let (created_at, updated_at) = (time(1), time(2));
    let (created_by, fencing_token) = (actor("alice"), Position::new(11));
    LockRestated { version: VERSION, lock, created_at, updated_at, created_by, fencing_token }.into()
}
