//! Owns how proptest makes random events from small parts.

use proptest::arbitrary::any;
use proptest::option;
use proptest::prelude::{BoxedStrategy, Just, Strategy, prop_oneof};
use proptest::sample::select;
use proptest::{collection, prop_compose};

use super::parts::{actor, description, id, json, lock_name, restored, text, time, token, version};
use super::{clocks, rotations, sample};
use crate::domain::event::*;
use crate::domain::id::{DataKeyId, EventId, GroupId, LogId, SecretId};
use crate::domain::lock::{LockRemoval, PlacedLock};
use crate::domain::name::{CorrelationId, GroupName, IdempotencyKey, Label, SecretName};
use crate::domain::policy::{Interval, IntervalUnit, RotationPolicy};
use crate::domain::position::{Position, VersionNumber, WriterEpoch};
use crate::domain::record::{Context, Idempotency};
use crate::domain::refusal::{Blocked, BlockingLock, Operation, Refusal};
use crate::domain::rotation::Credential;
use crate::domain::secret::{
    ApiKeyTarget, ApiKeyUse, Lifecycle, PasswordPolicy, SecretMetadata, SecretSpec, SecretType,
};
use crate::domain::settings::{AccessAudit, KeySlotKind, Settings};
use crate::domain::version::{
    Alias, CertificateDetails, DestroyCause, SealedRef, VersionData, VersionDetails, VersionOrigin,
};

/// Returns random events of all types.
pub(super) fn event() -> BoxedStrategy<Event> {
    prop_oneof![store_event(), secret_event(), version_event(), lock_event(), rotations::any_event(), audit_event()]
        .boxed()
}

/// Returns random contexts.
pub(super) fn context() -> impl Strategy<Value = Context> {
    let idempotency = (token(), any::<[u8; 32]>())
        .prop_map(|(key, fingerprint)| Idempotency { key: IdempotencyKey::parse(&key).unwrap(), fingerprint });
    let correlation = token().prop_map(|text| CorrelationId::parse(&text).unwrap());
    (actor(), option::of(correlation), option::of(id(EventId::from_bytes)), option::of(idempotency), any::<u64>())
        .prop_map(|(actor, correlation, causation, idempotency, epoch)| Context {
            actor,
            correlation,
            causation,
            idempotency,
            writer_epoch: WriterEpoch::new(epoch),
        })
}

fn store_event() -> BoxedStrategy<Event> {
    let settings = || {
        (select(AccessAudit::ALL), any::<bool>()).prop_map(|(access_audit, refuse_rotation_while_locked)| Settings {
            access_audit,
            refuse_rotation_while_locked,
        })
    };
    let group = || {
        (id(GroupId::from_bytes), text(2, 64), description())
            .prop_map(|(group, name, description)| (group, GroupName::parse(&name).unwrap(), description))
    };
    prop_oneof![
        (id(LogId::from_bytes), settings(), select(KeySlotKind::ALL))
            .prop_map(|(log_id, settings, key_slot)| StoreCreated { log_id, settings, key_slot }.into()),
        settings().prop_map(|settings| SettingsChanged { settings }.into()),
        (any::<u8>(), select(KeySlotKind::ALL)).prop_map(|(slot, kind)| KeySlotAdded { slot, kind }.into()),
        any::<u8>().prop_map(|slot| KeySlotRemoved { slot }.into()),
        any::<u32>().prop_map(|epoch| EpochRolled { epoch }.into()),
        any::<u32>().prop_map(|epoch| EpochRetired { epoch }.into()),
        any::<u32>().prop_map(|number| SigningKeySet { number, verifier_key: "key".into() }.into()),
        Just(HeartbeatRecorded {}.into()),
        clocks::any_event(),
        restored(),
        group().prop_map(|(group, name, description)| GroupCreated { group, name, description }.into()),
        group().prop_map(|(group, name, description)| GroupUpdated { group, name, description }.into()),
        id(GroupId::from_bytes).prop_map(|group| GroupDeleted { group }.into()),
        collection::vec(any::<u64>().prop_map(Position::new), 0..5)
            .prop_map(|positions| BodiesErased { positions: positions.into() }.into()),
        (group(), time(), time()).prop_map(|((group, name, description), created_at, updated_at)| {
            GroupRestated { group, name, description, created_at, updated_at }.into()
        }),
    ]
    .boxed()
}

fn secret_event() -> BoxedStrategy<Event> {
    let created = (id(GroupId::from_bytes), metadata(), spec(), option::of(policy()));
    let data_keys = collection::vec(id(DataKeyId::from_bytes), 0..5);
    prop_oneof![
        created.prop_map(|(group, metadata, spec, policy)| SecretCreated { group, metadata, spec, policy }.into()),
        metadata().prop_map(|metadata| SecretUpdated { metadata }.into()),
        spec().prop_map(|spec| SpecUpdated { spec }.into()),
        policy().prop_map(|policy| PolicySet { policy }.into()),
        Just(PolicyCleared {}.into()),
        data_keys.prop_map(|keys| SecretDeleted { data_keys: keys.into() }.into()),
        select(Lifecycle::ALL).prop_map(|lifecycle| SecretExpired { lifecycle }.into()),
        version().prop_map(|version| ExpirationHeld { version }.into()),
        secret_restated(),
    ]
    .boxed()
}

prop_compose! {
    fn metadata()(
        name in "[a-zA-Z0-9_][a-zA-Z0-9._-]{0,40}[a-zA-Z0-9]",
        description in description(),
        labels in collection::vec(text(2, 64), 0..4),
        custom_metadata in option::of(json()),
        expires_at in option::of(time()),
        retention in any::<u8>(),
        refuse_rotation_while_locked in any::<Option<bool>>(),
    ) -> SecretMetadata {
        let labels = labels.iter().map(|label| Label::parse(label).unwrap()).collect();
        let name = SecretName::parse(&name).unwrap();
        SecretMetadata { name, description, labels, custom_metadata, expires_at, retention, refuse_rotation_while_locked }
    }
}

fn spec() -> BoxedStrategy<SecretSpec> {
    let password_policy = any::<(u16, bool, bool, bool)>().prop_map(|(length, digits, symbols, uppercase)| {
        PasswordPolicy { length, include_digits: digits, include_symbols: symbols, include_uppercase: uppercase }
    });
    let groups = collection::vec(text(2, 64).prop_map(|text| Label::parse(&text).unwrap()), 0..4);
    let target = prop_oneof![
        actor().prop_map(ApiKeyTarget::ServiceId),
        groups.prop_map(|groups| ApiKeyTarget::AccessGroups(groups.into())),
    ];
    prop_oneof![
        select(vec![SecretSpec::Arbitrary, SecretSpec::Kv, SecretSpec::ImportedCert]),
        select(rotations::specs().map(|(_, spec)| spec).to_vec()),
        password_policy.prop_map(|password_policy| SecretSpec::UsernamePassword { password_policy }),
        (any::<u32>(), select(ApiKeyUse::ALL), target).prop_map(|(ttl_secs, api_key_use, target)| {
            SecretSpec::IamCredentials { ttl_secs, api_key_use, target }
        }),
    ]
    .boxed()
}

prop_compose! {
    fn secret_restated()(
        group in id(GroupId::from_bytes),
        metadata in metadata().prop_map(Box::new),
        spec in spec(),
        policy in option::of(policy()),
        lifecycle in select(Lifecycle::ALL),
        (expiry_held_since, retrieved_at) in (option::of(time()), option::of(time())),
        (created_at, updated_at) in (time(), time()),
        created_by in actor(),
        (rotation_refused_at, is_deleting, scheduled_from) in (option::of(time()), any::<bool>(), option::of(time())),
        given_up in rotations::any_given_up(),
        rotation in option::of(rotations::any_rotation().prop_map(Box::new)),
        lineage in option::of(rotations::any_lineage().prop_map(Box::new)),
    ) -> Event {
        SecretRestated {
            group, metadata, spec, policy, lifecycle, expiry_held_since, created_at, created_by, updated_at, retrieved_at,
            rotation_refused_at, rotation, is_deleting, scheduled_from, given_up, lineage,
        }.into()
    }
}

prop_compose! {
    fn version_restated()(
        (version, restored_from) in (version(), option::of(version())),
        (number, data_from) in any::<(u64, u64)>(),
        origin in select(VersionOrigin::ALL),
        data in prop_oneof![
            sealed().prop_map(VersionData::Available),
            (time(), select(DestroyCause::ALL)).prop_map(|(at, cause)| VersionData::Destroyed { at, cause }),
        ].prop_map(Box::new),
        details in details(),
        (expires_at, created_at, counts_from) in (option::of(time()), time(), time()),
        downloaded in any::<bool>(),
        custom_metadata in option::of(json()),
        created_by in actor(),
        credential in option::of(select(rotations::retirements().to_vec())),
        acknowledged_by in collection::vec(actor(), 0..4).prop_map(Into::into),
    ) -> Event {
        let credential = credential.map(|retirement| Box::new(Credential { retirement, ..rotations::credential() }));
        let (number, data_from) = (VersionNumber::new(number), Position::new(data_from));
        VersionRestated {
            version, number, origin, restored_from, data, data_from, details, expires_at, downloaded, custom_metadata,
            created_at, created_by, credential, acknowledged_by, counts_from,
        }.into()
    }
}

fn policy() -> impl Strategy<Value = RotationPolicy> {
    (any::<bool>(), any::<u16>(), select(IntervalUnit::ALL))
        .prop_map(|(auto_rotate, count, unit)| RotationPolicy { auto_rotate, interval: Interval { count, unit } })
}

prop_compose! {
    fn version_added()(
        version in version(),
        number in any::<u64>(),
        origin in select(VersionOrigin::ALL),
        restored_from in option::of(version()),
        sealed in sealed(),
        details in details(),
        expires_at in option::of(time()),
        custom_metadata in option::of(json()),
    ) -> Event {
        let number = VersionNumber::new(number);
        VersionAdded { version, number, origin, restored_from, sealed, details, expires_at, custom_metadata }.into()
    }
}

fn version_event() -> BoxedStrategy<Event> {
    let data_key = || id(DataKeyId::from_bytes);
    prop_oneof![
        version_added(),
        version_restated(),
        (version(), option::of(data_key()), sealed(), details(), option::of(time())).prop_map(
            |(version, destroyed, sealed, details, expires_at)| {
                VersionRegenerated { version, destroyed, sealed, details, expires_at }.into()
            }
        ),
        version().prop_map(|version| VersionDownloaded { version }.into()),
        (version(), option::of(json())).prop_map(|(version, custom_metadata)| VersionUpdated {
            version,
            custom_metadata
        }
        .into()),
        (version(), data_key(), select(DestroyCause::ALL))
            .prop_map(|(version, data_key, cause)| VersionDataDestroyed { version, data_key, cause }.into()),
    ]
    .boxed()
}

prop_compose! {
    fn sealed()(key in any::<[u8; 16]>(), epoch in any::<u32>(), sealed_bytes in any::<u32>(), digest in any::<[u8; 32]>())
        -> SealedRef {
        SealedRef { data_key: DataKeyId::from_bytes(key), epoch, sealed_bytes, digest }
    }
}

prop_compose! {
    fn certificate()(
        serial in "[0-9a-f]{0,40}",
        common_name in ".{0,20}",
        issuer in ".{0,20}",
        not_before in time(),
        not_after in time(),
        has_private_key in any::<bool>(),
        has_chain in any::<bool>(),
    ) -> CertificateDetails {
        let (serial, common_name, issuer) = (serial.into(), common_name.into(), issuer.into());
        CertificateDetails { serial, common_name, issuer, not_before, not_after, has_private_key, has_chain }
    }
}

fn details() -> BoxedStrategy<VersionDetails> {
    prop_oneof![
        Just(VersionDetails::Plain),
        actor().prop_map(|api_key_id| VersionDetails::ApiKey { api_key_id }),
        certificate().prop_map(|details| VersionDetails::Certificate(Box::new(details))),
    ]
    .boxed()
}

prop_compose! {
    fn new_lock()(
        name in lock_name(),
        description in description(),
        attributes in option::of(json()),
        owner in option::of(actor()),
        expires_at in option::of(time()),
    ) -> PlacedLock {
        PlacedLock { name, description, attributes, owner, expires_at }
    }
}

fn lock_event() -> BoxedStrategy<Event> {
    let restated = (version(), new_lock(), time(), time(), actor(), any::<u64>()).prop_map(
        |(version, lock, created_at, updated_at, created_by, token)| {
            let fencing_token = Position::new(token);
            LockRestated { version, lock, created_at, updated_at, created_by, fencing_token }.into()
        },
    );
    prop_oneof![
        (version(), new_lock(), any::<bool>())
            .prop_map(|(version, lock, forced)| LockPlaced { version, lock, forced }.into()),
        restated,
        (version(), lock_name(), time(), any::<bool>()).prop_map(|(version, name, expires_at, forced)| LockRenewed {
            version,
            name,
            expires_at,
            forced
        }
        .into()),
        (version(), lock_name(), select(LockRemoval::ALL), any::<bool>())
            .prop_map(|(version, name, cause, forced)| LockRemoved { version, name, cause, forced }.into()),
        (version(), lock_name()).prop_map(|(version, name)| LockExpired { version, name }.into()),
    ]
    .boxed()
}

fn audit_event() -> BoxedStrategy<Event> {
    let refused = || (id(SecretId::from_bytes), refusal());
    let maybe_secret = || option::of(id(SecretId::from_bytes));
    prop_oneof![
        refused().prop_map(|(secret, refusal)| ReadRefused { secret, refusal }.into()),
        refused().prop_map(|(secret, refusal)| RotationRefused { secret, refusal }.into()),
        refused().prop_map(|(secret, refusal)| DeletionRefused { secret, refusal }.into()),
        refused().prop_map(|(secret, refusal)| DataDestructionRefused { secret, refusal }.into()),
        (maybe_secret(), refusal()).prop_map(|(secret, refusal)| CommandRefused { secret, refusal }.into()),
        maybe_secret().prop_map(|secret| CommandHadNoEffect { secret }.into()),
        (id(SecretId::from_bytes), version(), actor(), any::<u64>(), time(), time()).prop_map(
            |(secret, version, reader, reads, first_at, last_at)| {
                AccessRecorded { secret, version, reader, reads, first_at, last_at }.into()
            }
        ),
    ]
    .boxed()
}

fn refusal() -> BoxedStrategy<Refusal> {
    let known = sample::refusals().into_iter().map(|(_, refusal)| refusal).collect::<Vec<_>>();
    let rules = (".{0,30}", ".{0,30}")
        .prop_map(|(field, rule)| Refusal::InvalidArgument { field: field.into(), rule: rule.into() });
    prop_oneof![select(known), rules, blocked().prop_map(|blocked| Refusal::Locked(Box::new(blocked)))].boxed()
}

prop_compose! {
    fn blocked()(
        operation in select(Operation::ALL),
        secret in id(SecretId::from_bytes),
        name in "[a-z]{2,40}",
        secret_type in select(SecretType::ALL),
        locks in collection::vec(blocking_lock(), 0..4),
        locks_total in any::<u32>(),
    ) -> Blocked {
        Blocked { operation, secret, name: SecretName::parse(&name).unwrap(), secret_type, locks, locks_total }
    }
}

prop_compose! {
    fn blocking_lock()(
        version in version(),
        number in any::<u64>(),
        alias in option::of(select(Alias::ALL)),
        name in lock_name(),
        owner in option::of(actor()),
        created_by in actor(),
        created_at in time(),
        expires_at in option::of(time()),
        token in any::<u64>(),
    ) -> BlockingLock {
        let (number, fencing_token) = (VersionNumber::new(number), Position::new(token));
        BlockingLock { version, number, alias, name, owner, created_by, created_at, expires_at, fencing_token }
    }
}
