//! Owns the fixed values of rotations and credentials, and of the events about them.

use proptest::arbitrary::any;
use proptest::prelude::{BoxedStrategy, Strategy};
use proptest::prop_compose;
use proptest::sample::select;

use super::sample::{GROUP, SECRET, VERSION, actor, bare_metadata, json, sealed, time};
use crate::domain::doubt::RotationLineage;
use crate::domain::event::{Event, SecretCreated};
use crate::domain::held::Held;
use crate::domain::id::{DataKeyId, RotationId};
use crate::domain::incarnation::Incarnation;
use crate::domain::issuance::Issuance;
use crate::domain::name::{Actor, IssuerName, OutsideId, Reason, SecretName};
use crate::domain::position::VersionNumber;
use crate::domain::refusal::Refusal;
use crate::domain::rotation::{
    AttemptFailure, Credential, IssuedCredential, IssuerClass, Parked, Retirement, Rotation, RotationStage,
    RotationTrigger,
};
use crate::domain::rotation_event::*;
use crate::domain::schedule::GivenUp;
use crate::domain::secret::{SecretSpec, SecretType};
use crate::domain::time::Timestamp;

pub(super) const ROTATION: RotationId = RotationId::from_bytes([0x58; 16]);

fn issuer() -> IssuerName {
    IssuerName::parse("orders-db").unwrap()
}

fn reason() -> Reason {
    Reason::parse("connection refused").unwrap()
}

pub(super) fn specs() -> [(&'static str, SecretSpec); 3] {
    let full = Issuance {
        issuer: issuer(),
        parameters: Some(json()),
        grace_secs: 3_600,
        consumers: [actor("service/billing"), actor("service/web")].into(),
    };
    [
        ("service-credentials", SecretSpec::ServiceCredentials { issuance: full }),
        ("custom-credentials", SecretSpec::CustomCredentials { issuance: Issuance::by(issuer()) }),
        ("private-cert", SecretSpec::PrivateCert { issuance: Issuance::by(issuer()) }),
    ]
}

pub(super) fn held() -> Held {
    Held {
        secret: SECRET,
        name: SecretName::parse("orders-db").unwrap(),
        secret_type: SecretType::ServiceCredentials,
        version: VersionNumber::new(3),
        graced_until: Some(time(9)),
        consumers: [actor("service/billing"), actor("service/web")].into(),
    }
}

fn made() -> IssuedCredential {
    let outside = Some(OutsideId::parse("lk_orders_58").unwrap());
    IssuedCredential { outside, sealed: sealed(), expires_at: Some(time(90)) }
}

pub(super) fn credential() -> Credential {
    Credential {
        issuer: issuer(),
        class: IssuerClass::CreateDiscoverable,
        rotation: ROTATION,
        outside: made().outside,
        retirement: Retirement::Planned { at: time(7) },
    }
}

pub(super) fn rotation(full: bool) -> Rotation {
    let credential = made();
    Rotation {
        id: ROTATION,
        trigger: RotationTrigger::ByPolicy,
        issuer: issuer(),
        class: if full { IssuerClass::SetValue } else { IssuerClass::Opaque },
        to: VERSION,
        planned_at: time(4),
        planned_by: actor("latchkeep"),
        attempts_max: 10,
        deadline: time(6),
        attempts: 3,
        value: full.then(sealed),
        stage: if full {
            RotationStage::Staged { credential, since: time(5), reported_at: time(6) }
        } else {
            RotationStage::Attempted
        },
        retry_at: full.then(|| time(5)),
        failure: full.then(reason),
        parked: full.then(|| Parked { at: time(5), reason: reason() }),
    }
}

/// Returns every state of a credential's retirement.
pub(super) fn retirements() -> [Retirement; 5] {
    let at = Timestamp::EPOCH;
    [
        Retirement::InUse,
        Retirement::Planned { at },
        Retirement::Retired { at },
        Retirement::Failing { at, failures: 3, reason: reason(), retry_at: time(5) },
        Retirement::Awaiting { at, failures: 3, report_by: time(6) },
    ]
}

/// Returns every stage of a rotation.
pub(super) fn stages() -> [RotationStage; 10] {
    [
        RotationStage::Planned,
        RotationStage::Attempted,
        RotationStage::Issued(made()),
        RotationStage::Staged { credential: made(), since: time(5), reported_at: time(6) },
        RotationStage::Aborting { credential: Some(made()), reason: reason() },
        RotationStage::Aborting { credential: None, reason: reason() },
        RotationStage::Awaiting { report_by: time(6) },
        RotationStage::Doubted,
        RotationStage::Ending { credential: Some(made()), reason: reason(), report_by: time(6) },
        RotationStage::Ending { credential: None, reason: reason(), report_by: time(6) },
    ]
}

pub(super) fn events() -> Vec<(&'static str, Event)> {
    let create = |(case, spec)| {
        let created = SecretCreated { group: GROUP, metadata: bare_metadata(), spec, policy: None };
        (case, Event::from(created))
    };
    specs().into_iter().map(create).chain(protocol()).collect()
}

pub(super) fn scheduled_refused(refusal: Refusal) -> Event {
    ScheduledRotationRefused { secret: SECRET, refusal }.into()
}

fn protocol() -> Vec<(&'static str, Event)> {
    let (rotation, version, reason) = (ROTATION, VERSION, reason());
    let plan = |class, value| RotationPlanned {
        rotation,
        trigger: RotationTrigger::ByHand,
        issuer: issuer(),
        class,
        to: version,
        attempts_max: 10,
        deadline: time(6),
        value,
    };
    let failed = |value, destroyed| RotationAttemptFailed {
        rotation,
        failure: AttemptFailure::Unknown,
        reason: reason.clone(),
        retry_at: time(5),
        value,
        destroyed,
    };
    let overridden = |graced_until, consumers: &[Actor]| HoldOverridden {
        rotation,
        version: VersionNumber::new(3),
        graced_until,
        consumers: consumers.into(),
    };
    let counted = |run_at| AttemptCounted {
        rotation,
        attempts: 1,
        failures: 9,
        worked_secs: 7_200,
        limit_secs: 86_400,
        runs: 2,
        run_at,
        counted_at: time(6),
    };
    let IssuedCredential { outside, sealed: made, expires_at } = made();
    let data_keys = [DataKeyId::from_bytes([0x54; 16])].into();
    vec![
        ("full", DeletionPlanned {}.into()),
        ("full", RetirementPlanned { version }.into()),
        ("full", CredentialRetired { version }.into()),
        ("full", RetirementFailed { version, reason: reason.clone(), retry_at: time(5) }.into()),
        ("full", JobBegun { rotation, report_by: time(6) }.into()),
        ("full", RetirementJobBegun { version, report_by: time(6) }.into()),
        ("full", CredentialKept { version, retiring_since: Some(time(5)) }.into()),
        ("bare", CredentialKept { version, retiring_since: None }.into()),
        ("full", VersionAcknowledged { version, consumer: actor("service/web") }.into()),
        ("set-value", plan(IssuerClass::SetValue, Some(sealed())).into()),
        ("create-with-token", plan(IssuerClass::CreateWithToken, None).into()),
        ("full", RotationAttempted { rotation, attempt: 2 }.into()),
        ("full", failed(Some(sealed()), Some(DataKeyId::from_bytes([0x54; 16]))).into()),
        ("bare", failed(None, None).into()),
        ("full", counted(Some(time(5))).into()),
        ("bare", counted(None).into()),
        ("full", overridden(Some(time(9)), &[actor("service/web")]).into()),
        ("bare", overridden(None, &[]).into()),
        ("full", CredentialIssued { rotation, outside, sealed: made, expires_at }.into()),
        ("bare", CredentialIssued { rotation, outside: None, sealed: made, expires_at: None }.into()),
        ("full", RotationStaged { rotation }.into()),
        ("full", RotationCommitted { rotation }.into()),
        ("full", RotationAborted { rotation, reason: reason.clone(), data_keys }.into()),
        ("full", RotationParked { rotation, reason: reason.clone() }.into()),
        ("full", RotationResumed { rotation, deadline: time(9) }.into()),
        ("full", AbortPlanned { rotation, reason }.into()),
        ("full", StrangersFound { issuer: issuer(), credentials: 3 }.into()),
    ]
}

pub(super) fn given_up() -> Box<GivenUp> {
    Box::new(GivenUp { at: time(4), reason: reason() })
}

pub(super) fn any_given_up() -> impl Strategy<Value = Option<Box<GivenUp>>> {
    select([None, Some(given_up())].to_vec())
}

prop_compose! {
    pub(super) fn any_rotation()(
        full in any::<bool>(),
        stage in select(stages().to_vec()),
        trigger in select(RotationTrigger::ALL),
        class in select(IssuerClass::ALL),
        (planned_at, deadline) in (any::<u32>(), any::<u32>()),
        (attempts_max, attempts) in any::<(u16, u16)>(),
    ) -> Rotation {
        let [planned_at, deadline] = [planned_at, deadline].map(|secs| Timestamp::from_nanos(u64::from(secs)));
        Rotation { stage, trigger, class, planned_at, deadline, attempts_max, attempts, ..rotation(full) }
    }
}

/// Returns the events of rotations: they have few fields, and the fixed cases cover them all.
pub(super) fn any_event() -> BoxedStrategy<Event> {
    select(events().into_iter().map(|(_, event)| event).collect::<Vec<_>>()).boxed()
}

pub(super) fn any_lineage() -> impl Strategy<Value = RotationLineage> {
    let incarnation = || any::<u64>().prop_map(Incarnation::new);
    (incarnation(), proptest::option::of(incarnation()))
        .prop_map(|(planned_in, resumed_in)| RotationLineage { planned_in, resumed_in })
}
