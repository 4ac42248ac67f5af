//! Owns one fixed value of everything, for golden files and measurements. Never change one: add another.

use super::restated::{group_restated, lock_restated, secret_restated, version_restated};
use super::{clocks, rotations};
use crate::domain::event::*;
use crate::domain::id::{DataKeyId, EventId, GroupId, LogId, SecretId, VersionId};
use crate::domain::incarnation::Incarnation;
use crate::domain::json::JsonObject;
use crate::domain::lock::{LockRemoval, NewLock, PlacedLock};
use crate::domain::name::{Actor, CorrelationId, Description, GroupName, IdempotencyKey, Label, LockName, SecretName};
use crate::domain::policy::{Interval, IntervalUnit, RotationPolicy};
use crate::domain::position::{Position, Revision, VersionNumber, WriterEpoch};
use crate::domain::quarantine::RestoredFrom;
use crate::domain::record::{Context, Idempotency};
use crate::domain::refusal::{Blocked, BlockingLock, Operation, Refusal};
use crate::domain::secret::{
    ApiKeyTarget, ApiKeyUse, Lifecycle, PasswordPolicy, SecretMetadata, SecretSpec, SecretType,
};
use crate::domain::settings::{AccessAudit, KeySlotKind, Settings};
use crate::domain::task::TaskStatus;
use crate::domain::time::Timestamp;
use crate::domain::version::{Alias, CertificateDetails, DestroyCause, SealedRef, VersionDetails, VersionOrigin};

pub(super) const SALT: [u8; 16] = *b"0123456789abcdef";

pub(super) const SECRET: SecretId = SecretId::from_bytes([0x51; 16]);
pub(super) const VERSION: VersionId = VersionId::from_bytes([0x52; 16]);
pub(super) const GROUP: GroupId = GroupId::from_bytes([0x53; 16]);
const DATA_KEY: DataKeyId = DataKeyId::from_bytes([0x54; 16]);

/// Returns every event type, most of them in several cases. Every tag of every wire enum occurs.
pub(super) fn events() -> Vec<(&'static str, Event)> {
    let mut events = store_events();
    events.extend(clocks::events());
    events.extend(secret_events());
    events.extend(version_events());
    events.extend(lock_events());
    events.extend(rotations::events());
    events.extend(audit_events());
    events
}

fn store_events() -> Vec<(&'static str, Event)> {
    let settings = Settings { access_audit: AccessAudit::Strict, refuse_rotation_while_locked: true };
    let name = GroupName::parse("payments").unwrap();
    let log_id = LogId::from_bytes([0x55; 16]);
    vec![
        ("full", StoreCreated { log_id, settings, key_slot: KeySlotKind::KeyFile }.into()),
        ("full", SettingsChanged { settings: Settings::default() }.into()),
        ("full", KeySlotAdded { slot: 7, kind: KeySlotKind::Passphrase }.into()),
        ("full", KeySlotRemoved { slot: 1 }.into()),
        ("full", EpochRolled { epoch: 2 }.into()),
        ("full", EpochRetired { epoch: 1 }.into()),
        ("full", SigningKeySet { number: 1, verifier_key: "latchkeep.log/00+00000000+AQ==".into() }.into()),
        ("full", HeartbeatRecorded {}.into()),
        ("full", GroupCreated { group: GROUP, name: name.clone(), description: Some(description()) }.into()),
        ("bare", GroupCreated { group: GROUP, name: name.clone(), description: None }.into()),
        ("full", GroupUpdated { group: GROUP, name, description: Some(description()) }.into()),
        ("full", GroupDeleted { group: GROUP }.into()),
        ("full", BodiesErased { positions: [Position::new(3), Position::new(17)].into() }.into()),
        ("full", group_restated(Some(description())).into()),
        ("bare", group_restated(None).into()),
        ("full", restored(RestoredFrom::Backup, 1_795_737_600, &[Position::new(3), Position::new(17)])),
        ("export", restored(RestoredFrom::Export, 1_795_737_600, &[])),
        ("after schema 1", restored(RestoredFrom::Backup, 0, &[])),
        ("full", QuarantineEnded {}.into()),
    ]
}

fn restored(from: RestoredFrom, incarnation: u64, accepted: &[Position]) -> Event {
    StoreRestored {
        from,
        log_size: Position::new(77),
        with_data: from == RestoredFrom::Backup,
        incarnation: Incarnation::new(incarnation),
        accepted_steps: accepted.into(),
    }
    .into()
}

fn secret_events() -> Vec<(&'static str, Event)> {
    let bare = |spec| SecretCreated { group: GroupId::DEFAULT, metadata: bare_metadata(), spec, policy: None }.into();
    let spec = api_key_spec(ApiKeyTarget::AccessGroups([label("readers"), label("writers")].into()));
    vec![
        (
            "full",
            SecretCreated { group: GROUP, metadata: metadata(), spec: spec.clone(), policy: Some(policy()) }.into(),
        ),
        ("arbitrary", bare(SecretSpec::Arbitrary)),
        ("username-password", bare(SecretSpec::UsernamePassword { password_policy: PasswordPolicy::default() })),
        ("kv", bare(SecretSpec::Kv)),
        ("imported-cert", bare(SecretSpec::ImportedCert)),
        ("full", SecretUpdated { metadata: metadata() }.into()),
        ("bare", SecretUpdated { metadata: bare_metadata() }.into()),
        ("access-groups", SpecUpdated { spec }.into()),
        ("service-id", SpecUpdated { spec: api_key_spec(ApiKeyTarget::ServiceId(actor("svc-1"))) }.into()),
        ("full", PolicySet { policy: policy() }.into()),
        ("full", PolicyCleared {}.into()),
        ("full", SecretDeleted { data_keys: [DATA_KEY, DataKeyId::from_bytes([0x56; 16])].into() }.into()),
        ("bare", SecretDeleted { data_keys: [].into() }.into()),
        ("full", SecretExpired { lifecycle: Lifecycle::Deactivated }.into()),
        ("full", ExpirationHeld { version: VERSION }.into()),
        ("full", secret_restated(true).into()),
        ("bare", secret_restated(false).into()),
    ]
}

fn version_events() -> Vec<(&'static str, Event)> {
    let api_key = VersionDetails::ApiKey { api_key_id: actor("ApiKey-1") };
    let added = |details, full: bool| VersionAdded {
        version: VERSION,
        number: VersionNumber::new(3),
        origin: VersionOrigin::RotatedByHand,
        restored_from: full.then_some(VersionId::from_bytes([0x57; 16])),
        sealed: sealed(),
        details,
        expires_at: full.then(|| time(90)),
        custom_metadata: full.then(json),
    };
    let certificate = VersionDetails::Certificate(Box::new(certificate()));
    let regenerated = |destroyed| VersionRegenerated {
        version: VERSION,
        destroyed,
        sealed: sealed(),
        details: api_key.clone(),
        expires_at: Some(time(90)),
    };
    vec![
        ("full", added(api_key.clone(), true).into()),
        ("bare", added(VersionDetails::Plain, false).into()),
        ("certificate", added(certificate, false).into()),
        ("full", regenerated(Some(DATA_KEY)).into()),
        ("bare", regenerated(None).into()),
        ("full", VersionDownloaded { version: VERSION }.into()),
        ("full", VersionUpdated { version: VERSION, custom_metadata: Some(json()) }.into()),
        ("bare", VersionUpdated { version: VERSION, custom_metadata: None }.into()),
        ("full", version_restated(true).into()),
        ("bare", version_restated(false).into()),
        ("full", VersionDataDestroyed { version: VERSION, data_key: DATA_KEY, cause: DestroyCause::Retention }.into()),
    ]
}

fn lock_events() -> Vec<(&'static str, Event)> {
    let name = lock_name("billing");
    let bare = NewLock::new(name.clone()).placed(time(0)).unwrap();
    vec![
        ("full", LockPlaced { version: VERSION, lock: new_lock(), forced: true }.into()),
        ("bare", LockPlaced { version: VERSION, lock: bare.clone(), forced: false }.into()),
        ("full", lock_restated(new_lock())),
        ("bare", lock_restated(bare)),
        ("full", LockRenewed { version: VERSION, name: name.clone(), expires_at: time(9), forced: false }.into()),
        (
            "full",
            LockRemoved { version: VERSION, name: name.clone(), cause: LockRemoval::Requested, forced: true }.into(),
        ),
        ("full", LockExpired { version: VERSION, name }.into()),
    ]
}

fn audit_events() -> Vec<(&'static str, Event)> {
    let refusal = Refusal::Locked(Box::new(blocked()));
    let access = AccessRecorded {
        secret: SECRET,
        version: VERSION,
        reader: actor("service/billing"),
        reads: 7,
        first_at: time(1),
        last_at: time(2),
    };
    let mut events = vec![
        ("full", ReadRefused { secret: SECRET, refusal: refusal.clone() }.into()),
        ("full", RotationRefused { secret: SECRET, refusal: refusal.clone() }.into()),
        ("full", rotations::scheduled_refused(refusal.clone())),
        ("full", DeletionRefused { secret: SECRET, refusal: refusal.clone() }.into()),
        ("full", DataDestructionRefused { secret: SECRET, refusal }.into()),
        ("full", CommandHadNoEffect { secret: Some(SECRET) }.into()),
        ("bare", CommandHadNoEffect { secret: None }.into()),
        ("full", access.into()),
    ];
    let refused = |(case, refusal)| (case, CommandRefused { secret: Some(SECRET), refusal }.into());
    events.extend(refusals().into_iter().map(refused));
    events
}

/// Returns every refusal once.
pub(super) fn refusals() -> Vec<(&'static str, Refusal)> {
    let (rule, cause) = (|| "takes 1 day to 24 months".into(), DestroyCause::Requested);
    vec![
        ("locked", Refusal::Locked(Box::new(Blocked { locks: Vec::new(), ..blocked() }))),
        ("secret-not-found", Refusal::SecretNotFound),
        ("version-not-found", Refusal::VersionNotFound),
        ("group-not-found", Refusal::GroupNotFound),
        ("lock-not-found", Refusal::LockNotFound),
        ("secret-name-taken", Refusal::SecretNameTaken { by: SECRET }),
        ("group-name-taken", Refusal::GroupNameTaken),
        ("group-not-empty", Refusal::GroupNotEmpty { secrets: 4 }),
        ("group-is-default", Refusal::GroupIsDefault),
        ("group-limit-reached", Refusal::GroupLimitReached),
        ("secret-limit-reached", Refusal::SecretLimitReached),
        ("lock-limit-reached", Refusal::LockLimitReached { would_be: 1001 }),
        ("version-data-destroyed", Refusal::VersionDataDestroyed { cause }),
        ("version-data-unavailable", Refusal::VersionDataUnavailable { cause }),
        ("secret-inactive", Refusal::SecretInactive { lifecycle: Lifecycle::Destroyed }),
        ("rotation-not-supported", Refusal::RotationNotSupported),
        ("nothing-to-restore", Refusal::NothingToRestore),
        ("policy-not-supported", Refusal::PolicyNotSupported { rule: rule() }),
        ("policy-after-expiry", Refusal::PolicyAfterExpiry),
        ("lock-owned", Refusal::LockOwned { name: lock_name("billing"), owner: actor("alice") }),
        ("fencing-token-stale", Refusal::FencingTokenStale { actual: Position::new(9) }),
        ("revision-mismatch", Refusal::RevisionMismatch { actual: Revision::new(8) }),
        ("version-changed", Refusal::VersionChanged),
        ("idempotency-key-reused", Refusal::IdempotencyKeyReused),
        ("invalid-argument", Refusal::InvalidArgument { field: "rotation interval".into(), rule: rule() }),
        ("key-slot-unavailable", Refusal::KeySlotUnavailable { rule: rule() }),
        ("quarantined", Refusal::Quarantined { since: time(3) }),
        ("version-data-not-restored", Refusal::VersionDataNotRestored),
        ("rotation-open", Refusal::RotationOpen { rotation: rotations::ROTATION }),
        ("rotation-held", Refusal::RotationHeld(Box::new(rotations::held()))),
        ("version-limit-reached", Refusal::VersionLimitReached { version: VersionNumber::FIRST }),
        ("rotation-not-found", Refusal::RotationNotFound),
        ("rotation-not-parked", Refusal::RotationNotParked),
        ("task-not-found", Refusal::TaskNotFound),
        ("task-not-awaited", Refusal::TaskNotAwaited { status: TaskStatus::Failed }),
    ]
}

/// Returns contexts with all fields and with as few as possible.
pub(super) fn contexts() -> Vec<(&'static str, Context)> {
    let bare = Context {
        actor: actor("alice"),
        correlation: None,
        causation: None,
        idempotency: None,
        writer_epoch: WriterEpoch::new(3),
    };
    let idempotency = Idempotency { key: IdempotencyKey::parse("retry-1").unwrap(), fingerprint: [0x5a; 32] };
    let full = Context {
        correlation: Some(CorrelationId::parse("ticket-7").unwrap()),
        causation: Some(EventId::from_bytes([0x58; 16])),
        idempotency: Some(idempotency),
        ..bare.clone()
    };
    vec![("full", full), ("bare", bare)]
}

/// Returns the lock of a typical event: named, owned, on a lease.
pub(super) fn typical_lock_placed() -> Event {
    let lock = NewLock::new(lock_name("billing-eu-1")).owned_by(actor("service/billing")).until(time(60));
    LockPlaced { version: VERSION, lock: lock.placed(time(0)).unwrap(), forced: false }.into()
}

fn new_lock() -> PlacedLock {
    PlacedLock {
        name: lock_name("billing"),
        description: Some(description()),
        attributes: Some(json()),
        owner: Some(actor("service/billing")),
        expires_at: Some(time(60)),
    }
}

fn blocked() -> Blocked {
    let lock = |number, alias, owner: Option<Actor>| BlockingLock {
        version: VERSION,
        number: VersionNumber::new(number),
        alias,
        name: lock_name("billing"),
        created_by: actor("alice"),
        created_at: time(1),
        expires_at: owner.as_ref().map(|_| time(60)),
        owner,
        fencing_token: Position::new(11),
    };
    Blocked {
        operation: Operation::Rotate,
        secret: SECRET,
        name: SecretName::parse("db-prod").unwrap(),
        secret_type: SecretType::Arbitrary,
        locks: vec![lock(2, Some(Alias::Current), Some(actor("service/billing"))), lock(1, None, None)],
        locks_total: 2,
    }
}

pub(super) fn metadata() -> SecretMetadata {
    SecretMetadata {
        name: SecretName::parse("db-prod").unwrap(),
        description: Some(description()),
        labels: [label("env:prod"), label("team:pay")].into(),
        custom_metadata: Some(json()),
        expires_at: Some(time(365)),
        retention: 5,
        refuse_rotation_while_locked: Some(true),
    }
}

pub(super) fn bare_metadata() -> SecretMetadata {
    SecretMetadata::bare(metadata().name)
}

fn api_key_spec(target: ApiKeyTarget) -> SecretSpec {
    SecretSpec::IamCredentials { ttl_secs: 3_600, api_key_use: ApiKeyUse::FreshPerRead, target }
}

pub(super) fn sealed() -> SealedRef {
    SealedRef { data_key: DATA_KEY, epoch: 1, sealed_bytes: 96, digest: [0x59; 32] }
}

fn certificate() -> CertificateDetails {
    CertificateDetails {
        serial: "0a1b".into(),
        common_name: "db.example".into(),
        issuer: "Example CA".into(),
        not_before: time(0),
        not_after: time(365),
        has_private_key: true,
        has_chain: false,
    }
}

pub(super) fn policy() -> RotationPolicy {
    RotationPolicy::every(Interval::new(30, IntervalUnit::Day).unwrap())
}

pub(super) fn time(days: u64) -> Timestamp {
    Timestamp::parse("2026-11-23T12:00:00Z").unwrap().plus(std::time::Duration::from_secs(days * 86_400))
}

pub(super) fn json() -> JsonObject {
    JsonObject::parse(r#"{"team":"payments","on_call":[1,2.5,null]}"#).unwrap()
}

fn description() -> Description {
    Description::parse("main database, caf\u{e9}").unwrap()
}

pub(super) fn actor(text: &str) -> Actor {
    Actor::parse(text).unwrap()
}

fn label(text: &str) -> Label {
    Label::parse(text).unwrap()
}

pub(super) fn lock_name(text: &str) -> LockName {
    LockName::parse(text).unwrap()
}
