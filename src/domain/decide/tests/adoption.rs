//! Credentials that exist outside and that the log does not know: when one becomes a version, and what refuses that.

use super::kind::{DAY, Kind};
use super::protocol::Step;
use super::world::{Answer, World, actor, number, word};
use crate::domain::command::{Change, Command, SecretChanges, Terms};
use crate::domain::id::{RotationId, SecretId, VersionId};
use crate::domain::issuance::Issuance;
use crate::domain::name::{IssuerName, OutsideId};
use crate::domain::quarantine::RestoredFrom;
use crate::domain::rotation::{IssuerClass, Retirement};
use crate::domain::rotation_command::{Adopted, RotationCommand};
use crate::domain::secret::SecretSpec;
use crate::domain::time::Timestamp;
use crate::domain::version::VersionRef::{Current, Previous};

impl World {
    fn adoption(&mut self, secret: SecretId, name: u8, expires_at: Option<Timestamp>) -> Command {
        let version = VersionId::from_bytes(self.draw());
        let made = self.issued_data(version);
        let outside = OutsideId::parse(&format!("stranger-{name}")).unwrap();
        let (issuer, rotation) = (IssuerName::parse("db").unwrap(), RotationId::from_bytes([100 + name; 16]));
        let adopted = Adopted { issuer, rotation, outside, made, expires_at };
        Command::Rotation { secret, step: RotationCommand::Adopt(Box::new(adopted)) }
    }

    /// Adopts one of the credentials that the log does not know.
    pub(super) fn adopt(&mut self, secret: SecretId, name: u8, expires_at: Option<Timestamp>) -> Answer {
        let command = self.adoption(secret, name, expires_at);
        self.ask(&command)
    }
}

/// A secret with two versions of an issuer, and what is then done to it.
fn given(then: impl FnOnce(&mut World, SecretId)) -> (World, SecretId) {
    let (mut world, secret) = World::rotating(IssuerClass::CreateDiscoverable, &[]);
    then(&mut world, secret);
    (world, secret)
}

const WHOLE: [&str; 6] = [
    "RotationPlanned",
    "RotationAttempted",
    "CredentialIssued",
    "RotationCommitted",
    "VersionAdded",
    "RetirementPlanned",
];

#[test]
fn what_is_adopted_is_current_and_is_ended_as_any_other() {
    let (mut world, secret) = given(|_, _| ());
    let end = world.after(DAY);
    world.adopt(secret, 1, Some(end)).unwrap();
    world.check_events(&WHOLE);
    let version = world.version(secret, Current).clone();
    let credential = version.credential.as_deref().unwrap();
    assert_eq!((version.number.get(), version.expires_at), (3, Some(end)));
    assert_eq!(credential.outside.as_ref().map(OutsideId::as_str), Some("stranger-1"));
    assert_eq!((credential.rotation, &credential.retirement), (RotationId::from_bytes([101; 16]), &Retirement::InUse));
    assert_eq!(world.get(secret).rotation, None);
    world.step(secret, IssuerClass::CreateDiscoverable, Step::Plan).unwrap();
    for step in [Step::Attempt, Step::Issue, Step::Commit] {
        world.step(secret, IssuerClass::CreateDiscoverable, step).unwrap();
    }
    world.tell(secret, RotationCommand::PlanRetirement { version: Previous }).unwrap();
    world.retired(secret, Previous);
    world.check_replay();
}

#[test]
fn the_first_version_may_be_one_that_is_adopted() {
    let mut world = World::new();
    let secret = world.secret(Kind::Issued);
    world.adopt(secret, 1, None).unwrap();
    world.check_events(&WHOLE[..5]);
    assert_eq!(world.version(secret, Current).number.get(), 1);
    world.check_replay();
}

#[track_caller]
fn check(expected: &str, then: impl FnOnce(&mut World, SecretId)) {
    let (mut world, secret) = given(then);
    let versions = world.get(secret).versions.len();
    assert_eq!(word(&world.adopt(secret, 1, None)), expected);
    assert_eq!(world.get(secret).versions.len(), versions);
    world.check_replay();
}

#[test]
fn an_adoption_is_refused_where_a_rotation_is() {
    check("secret_version_locked", |world, secret| world.locked(secret, Previous, &["app"]));
    check("secret_version_locked", |world, secret| {
        let strict = SecretChanges { refuse_rotation_while_locked: Change::Set(true), ..Default::default() };
        world.update(secret, strict).unwrap();
        world.locked(secret, Current, &["app"]);
    });
    check("rotation_open", |world, secret| {
        world.step(secret, IssuerClass::CreateDiscoverable, Step::Plan).unwrap();
    });
    check("store_quarantined", |world, _| world.restored(RestoredFrom::Backup));
    check("secret_inactive", |world, secret| {
        world.ask(&Command::DeleteSecret { secret }).unwrap();
    });
    let (mut world, secret) = given(|world, secret| world.locked(secret, Current, &["app"]));
    assert_eq!(word(&world.adopt(secret, 1, None)), "ok", "no rotation touches it");
}

#[test]
fn what_is_known_has_ended_or_is_of_another_issuer_is_not_adopted() {
    let (mut world, secret) = given(|_, _| ());
    let ended = world.now;
    assert_eq!(word(&world.adopt(secret, 1, Some(ended))), "invalid_parameter");
    world.adopt(secret, 1, None).unwrap();
    let other = world.secret(Kind::Issued);
    for secret in [secret, other] {
        assert_eq!(word(&world.adopt(secret, 1, None)), "invalid_parameter", "it is known");
    }
    assert_eq!(word(&world.adopt(other, 2, None)), "ok");
    let issuance = Issuance::by(IssuerName::parse("another").unwrap());
    let spec = Some(SecretSpec::ServiceCredentials { issuance });
    world.update(secret, SecretChanges { spec, ..Default::default() }).unwrap();
    assert_eq!(word(&world.adopt(secret, 3, None)), "invalid_parameter", "its issuer is another one");
    let kv = world.secret(Kind::Kv);
    assert_eq!(word(&world.adopt(kv, 3, None)), "rotation_not_supported");
}

#[test]
fn consumers_hold_an_adoption_back_unless_it_is_forced() {
    let (mut world, secret) = given(|world, secret| {
        let issuance = Issuance { consumers: [actor("app")].into(), ..Issuance::by(IssuerName::parse("db").unwrap()) };
        let spec = Some(SecretSpec::ServiceCredentials { issuance });
        world.update(secret, SecretChanges { spec, ..Default::default() }).unwrap();
    });
    assert_eq!(word(&world.adopt(secret, 1, None)), "rotation_held");
    let (command, terms) = (world.adoption(secret, 1, None), Terms { force: true, ..world.terms.clone() });
    world.ask_on(&terms, &command).unwrap();
    let mut whole = WHOLE.to_vec();
    whole.insert(1, "HoldOverridden");
    world.check_events(&whole);
    assert_eq!(world.version(secret, number(3)).number.get(), 3);
    world.check_replay();
}
