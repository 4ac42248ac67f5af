//! What is shown of rotations and tasks.

use super::golden;
use super::sample::{actor, credential, issuance, policy, secret, time};
use crate::domain::id::{DataKeyId, RotationId, VersionId};
use crate::domain::name::{IssuerName, OutsideId, Reason};
use crate::domain::rotation::{
    IssuedCredential, IssuerClass, Parked, Retirement, Rotation, RotationStage, RotationTrigger,
};
use crate::domain::schedule::GivenUp;
use crate::domain::secret::{Secret, SecretSpec};
use crate::domain::settings::Settings;
use crate::domain::version::SealedRef;
use crate::view::{self, RotationDetails, RotationStatus, Task};

fn reason(text: &str) -> Reason {
    Reason::parse(text).unwrap()
}

fn made() -> IssuedCredential {
    let sealed = SealedRef { data_key: DataKeyId::from_bytes([4; 16]), epoch: 1, sealed_bytes: 64, digest: [0; 32] };
    IssuedCredential { outside: Some(OutsideId::parse("orders_v4").unwrap()), sealed, expires_at: None }
}

fn rotation(stage: RotationStage) -> Box<Rotation> {
    Box::new(Rotation {
        id: RotationId::from_bytes([0x88; 16]),
        trigger: RotationTrigger::ByPolicy,
        issuer: IssuerName::parse("orders").unwrap(),
        class: IssuerClass::CreateWithToken,
        to: VersionId::from_bytes([4; 16]),
        planned_at: time("12:00:00"),
        planned_by: actor("worker"),
        attempts_max: 5,
        deadline: time("18:00:00"),
        attempts: 2,
        value: None,
        stage,
        retry_at: Some(time("12:30:00")),
        failure: Some(reason("the server does not answer")),
        parked: None,
    })
}

/// A secret that an issuer makes, with a rotation in a stage.
fn rotating(stage: RotationStage) -> Secret {
    let mut secret = secret();
    secret.spec = SecretSpec::CustomCredentials { issuance: issuance() };
    secret.policy = Some(policy());
    secret.versions[1].credential = Some(credential(Retirement::InUse));
    secret.versions[2].credential = Some(credential(Retirement::InUse));
    secret.versions[2].acknowledged_by = [actor("shop")].into();
    secret.rotation = Some(rotation(stage));
    secret
}

#[test]
fn a_rotation_is_shown_in_each_stage() {
    let shown = |stage| view::Rotation::of(&rotation(stage));
    let since = time("13:00:00");
    golden("rotation", &shown(RotationStage::Staged { credential: made(), since, reported_at: since }));
    let ending =
        RotationStage::Ending { credential: Some(made()), reason: reason("called off"), report_by: time("15:00:00") };
    let ending = shown(ending);
    assert_eq!((ending.aborted_because.unwrap().as_str(), ending.report_by), ("called off", Some(time("15:00:00"))));
    let awaiting = shown(RotationStage::Awaiting { report_by: time("15:00:00") });
    assert_eq!((awaiting.report_by, awaiting.stage.as_str()), (Some(time("15:00:00")), "awaiting"));
    let mut parked = rotation(RotationStage::Attempted);
    parked.parked = Some(Parked { at: since, reason: reason("look at the server") });
    assert_eq!(view::Rotation::of(&parked).retry_at, None);
}

#[test]
fn a_status_names_the_locks_that_hold_a_rotation() {
    let since = time("13:00:00");
    let secret = rotating(RotationStage::Staged { credential: made(), since, reported_at: since });
    golden("rotation-status", &RotationStatus::of(&secret, Settings::default(), time("14:00:00")));
    golden("rotation-details", &RotationDetails::of(&secret, Settings::default(), time("14:00:00")));
}

#[test]
fn a_status_says_why_a_rotation_does_not_come() {
    let mut secret = rotating(RotationStage::Aborting { credential: None, reason: reason("called off") });
    let why = |secret: &Secret| RotationStatus::why_not(secret, time("14:00:00"));
    assert_eq!(why(&secret).unwrap(), "given up: called off; last failure: the server does not answer");
    secret.rotation = None;
    secret.given_up = Some(Box::new(GivenUp { at: time("13:00:00.5"), reason: reason("called off") }));
    assert_eq!(why(&secret).unwrap(), "given up 2026-11-23T13:00:00Z: called off");
    let failing = Retirement::Failing {
        at: time("13:00:00"),
        failures: 3,
        reason: reason("the role owns a table"),
        retry_at: time("15:00:00"),
    };
    secret.versions[1].credential = Some(credential(failing));
    assert_eq!(why(&secret).unwrap(), "an earlier credential could not be ended: the role owns a table");
    let credential = view::Credential::of(secret.versions[1].credential.as_ref().unwrap());
    golden("credential", &credential);
    assert_eq!((credential.state.as_str(), credential.failures), ("retiring", 3));
    secret.given_up = None;
    secret.versions[1].credential = None;
    assert_eq!(why(&secret), None);
}

#[test]
fn tasks_have_the_names_of_the_reference() {
    let mut secret = rotating(RotationStage::Awaiting { report_by: time("15:00:00") });
    // An id of version 7 holds the time at which it was drawn: an hour before the version was made.
    let millis = time("08:00:00").as_nanos() / 1_000_000;
    let id = RotationId::from_bytes(((u128::from(millis) << 80) | (7 << 76)).to_be_bytes());
    secret.versions[1].credential.as_mut().unwrap().rotation = id;
    let tasks = secret.tasks();
    golden("task", &Task::of(&secret, tasks.last().unwrap()));
    let done = Task::of(&secret, &tasks[0]);
    assert!(done.errors.is_empty());
    assert_eq!((done.creation_date, done.last_update_date), (time("08:00:00"), time("09:00:00")));
}
