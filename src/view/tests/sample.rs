//! One secret with all that can be shown of one.

use crate::domain::fencing::FencingToken;
use crate::domain::id::{DataKeyId, GroupId, RotationId, SecretId, VersionId};
use crate::domain::incarnation::Incarnation;
use crate::domain::issuance::Issuance;
use crate::domain::json::JsonObject;
use crate::domain::lock::Lock;
use crate::domain::name::{Actor, Description, IssuerName, Label, LockName, OutsideId, SecretName};
use crate::domain::policy::{Interval, IntervalUnit, RotationPolicy};
use crate::domain::position::{Position, Revision, VersionNumber};
use crate::domain::rotation::{Credential, IssuerClass, Retirement};
use crate::domain::secret::{Lifecycle, Secret, SecretMetadata, SecretSpec};
use crate::domain::time::Timestamp;
use crate::domain::version::{DestroyCause, SealedRef, Version, VersionData, VersionDetails, VersionOrigin};

/// A time on the day of the sample.
pub(super) fn time(of_day: &str) -> Timestamp {
    Timestamp::parse(&format!("2026-11-23T{of_day}Z")).unwrap()
}

pub(super) fn actor(name: &str) -> Actor {
    Actor::parse(name).unwrap()
}

pub(super) fn object(text: &str) -> JsonObject {
    text.parse().unwrap()
}

pub(super) fn issuance() -> Issuance {
    Issuance {
        issuer: IssuerName::parse("orders").unwrap(),
        parameters: Some(object(r#"{"database":"orders"}"#)),
        grace_secs: 3_600,
        consumers: [actor("shop"), actor("billing")].into(),
    }
}

/// A permanent lock.
pub(super) fn lock(name: &str) -> Lock {
    Lock {
        name: LockName::parse(name).unwrap(),
        description: None,
        attributes: None,
        owner: None,
        created_at: time("10:00:00.5"),
        updated_at: time("10:00:00.5"),
        created_by: actor("anna"),
        expires_at: None,
        fencing_token: FencingToken { incarnation: Incarnation::ORIGINAL, position: Position::new(7) },
    }
}

/// A lease with all that a lock can have.
pub(super) fn lease(name: &str) -> Lock {
    Lock {
        description: Some(Description::parse("moves over on Monday").unwrap()),
        attributes: Some(object(r#"{"team":"payments"}"#)),
        owner: Some(actor("billing")),
        updated_at: time("11:00:00"),
        expires_at: Some(time("23:00:00.25")),
        fencing_token: FencingToken { incarnation: Incarnation::new(3), position: Position::new(9) },
        ..lock(name)
    }
}

pub(super) fn version(number: u8, locks: Vec<Lock>) -> Version {
    let sealed =
        SealedRef { data_key: DataKeyId::from_bytes([number; 16]), epoch: 1, sealed_bytes: 64, digest: [0; 32] };
    Version {
        id: VersionId::from_bytes([number; 16]),
        number: VersionNumber::new(number.into()),
        origin: VersionOrigin::RotatedByHand,
        restored_from: None,
        data: VersionData::Available(sealed),
        data_from: Position::new(number.into()),
        details: VersionDetails::Plain,
        expires_at: None,
        downloaded: true,
        custom_metadata: None,
        created_at: time("09:00:00"),
        counts_from: time("09:00:00"),
        created_by: actor("anna"),
        locks,
        credential: None,
        acknowledged_by: Box::default(),
    }
}

/// The credential behind a version.
pub(super) fn credential(retirement: Retirement) -> Box<Credential> {
    Box::new(Credential {
        issuer: IssuerName::parse("orders").unwrap(),
        class: IssuerClass::CreateWithToken,
        rotation: RotationId::from_bytes([0x77; 16]),
        outside: Some(OutsideId::parse("orders_v2").unwrap()),
        retirement,
    })
}

/// A secret of three versions: an old one, whose data is gone and that is locked still, one with two locks, and a free one.
pub(super) fn secret() -> Secret {
    let metadata = SecretMetadata {
        description: Some(Description::parse("of the shop").unwrap()),
        labels: [Label::parse("prod").unwrap()].into(),
        custom_metadata: Some(object(r#"{"cost":5}"#)),
        ..SecretMetadata::bare(SecretName::parse("token").unwrap())
    };
    let mut first = version(1, vec![lock("archive")]);
    first.data = VersionData::Destroyed { at: time("12:00:00"), cause: DestroyCause::Requested };
    Secret {
        id: SecretId::from_bytes([0xaa; 16]),
        group: GroupId::DEFAULT,
        metadata,
        spec: SecretSpec::Arbitrary,
        policy: None,
        lifecycle: Lifecycle::Active,
        expiry_held_since: None,
        versions: vec![first, version(2, vec![lease("billing"), lock("shop")]), version(3, Vec::new())],
        revision: Revision::new(8),
        as_of: Position::new(10),
        created_at: time("08:00:00"),
        created_by: actor("anna"),
        updated_at: time("11:00:00"),
        retrieved_at: Some(time("11:30:00")),
        rotation_refused_at: None,
        scheduled_from: time("08:00:00"),
        given_up: None,
        rotation: None,
        patience: None,
        lineage: None,
        is_deleting: false,
    }
}

/// A policy of 30 days.
pub(super) fn policy() -> RotationPolicy {
    RotationPolicy::every(Interval::new(30, IntervalUnit::Day).unwrap())
}
