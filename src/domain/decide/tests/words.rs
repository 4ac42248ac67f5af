//! What a secret says about itself fits into one event together, or is refused; and a change never makes it worse.

use super::world::{World, actor};
use crate::domain::command::{Change, Command, SecretChanges};
use crate::domain::id::SecretId;
use crate::domain::issuance::Issuance;
use crate::domain::json::JsonObject;
use crate::domain::limits;
use crate::domain::name::{Description, IssuerName, Label};
use crate::domain::refusal::Refusal;
use crate::domain::rotation::IssuerClass::CreateWithToken;
use crate::domain::secret::SecretSpec;

fn wide(chars: usize) -> String {
    "\u{1F512}".repeat(chars)
}

fn json() -> JsonObject {
    JsonObject::parse(&format!("{{\"a\":\"{}\"}}", "x".repeat(10_000))).unwrap()
}

fn spec(consumers: usize) -> SecretSpec {
    let consumers = (0..consumers).map(|_| actor(&wide(256))).collect();
    let issuer = IssuerName::parse("issuer").unwrap();
    SecretSpec::ServiceCredentials {
        issuance: Issuance { consumers, parameters: Some(json()), ..Issuance::by(issuer) },
    }
}

#[track_caller]
fn update(world: &mut World, secret: SecretId, changes: SecretChanges) -> bool {
    match world.ask(&Command::UpdateSecret { secret, changes: Box::new(changes) }) {
        Ok(_) => true,
        Err(Refusal::InvalidArgument { field, .. }) => {
            assert_eq!(&*field, "metadata");
            false
        }
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn a_change_that_makes_the_words_of_a_secret_too_many_is_refused() {
    let (mut world, secret) = World::with_ends(CreateWithToken, &[None]);
    let described = || SecretChanges {
        description: Change::Set(Description::parse(&wide(limits::DESCRIPTION_CHARS_MAX)).unwrap()),
        ..SecretChanges::default()
    };
    let labelled = || SecretChanges {
        labels: Some((0..limits::LABELS_MAX).map(|_| Label::parse(&wide(64)).unwrap()).collect()),
        custom_metadata: Change::Set(json()),
        ..SecretChanges::default()
    };
    assert!(update(&mut world, secret, SecretChanges { spec: Some(spec(32)), ..SecretChanges::default() }));
    assert!(update(&mut world, secret, described()));
    assert!(!update(&mut world, secret, labelled()), "each fits, all of them do not");
    assert!(update(&mut world, secret, SecretChanges { spec: Some(spec(20)), ..SecretChanges::default() }));
    assert!(update(&mut world, secret, labelled()));
    assert!(!update(&mut world, secret, SecretChanges { spec: Some(spec(32)), ..SecretChanges::default() }));
}

/// An earlier release took it: what stands stays, and may become less.
#[test]
fn what_is_too_much_already_can_be_made_less() {
    let (mut world, secret) = World::with_ends(CreateWithToken, &[None]);
    let old = std::sync::Arc::make_mut(world.state.secrets.get_mut(&secret).unwrap());
    old.spec = spec(32);
    old.metadata.labels = (0..limits::LABELS_MAX).map(|_| Label::parse(&wide(64)).unwrap()).collect();
    old.metadata.description = Some(Description::parse(&wide(limits::DESCRIPTION_CHARS_MAX)).unwrap());
    old.metadata.custom_metadata = Some(json());
    let shorter = |chars: usize| SecretChanges {
        description: Change::Set(Description::parse(&wide(chars)).unwrap()),
        ..SecretChanges::default()
    };
    assert!(update(&mut world, secret, shorter(1_000)));
    assert!(!update(&mut world, secret, shorter(1_001)));
}
