//! Bounds that fit one by one and not together: refused as what they are, in the dry run too, before anything is decided.

use latchkeep::limits::{CONSUMERS_MAX, DESCRIPTION_CHARS_MAX, LABELS_MAX, METADATA_BYTES_MAX};
use latchkeep::{
    Actor, Command, Description, Issuance, IssuerName, JsonObject, Label, NewSecret, Position, SecretId, SecretName,
    Store,
};

use crate::support::{Home, session};

fn wide(chars: usize) -> String {
    "\u{1F512}".repeat(chars)
}

fn json(bytes: usize) -> JsonObject {
    JsonObject::parse(&format!("{{\"a\":\"{}\"}}", "x".repeat(bytes - 8))).unwrap()
}

fn issuance(consumers: usize) -> Issuance {
    Issuance {
        parameters: Some(json(METADATA_BYTES_MAX)),
        consumers: (0..consumers).map(|_| Actor::parse(&wide(256)).unwrap()).collect(),
        ..Issuance::by(IssuerName::parse(&"i".repeat(64)).unwrap())
    }
}

/// As much as each field takes.
fn largest(consumers: usize) -> NewSecret {
    NewSecret::service_credentials(SecretName::parse(&"s".repeat(256)).unwrap(), issuance(consumers))
        .described(Description::parse(&wide(DESCRIPTION_CHARS_MAX)).unwrap())
        .labelled((0..LABELS_MAX).map(|_| Label::parse(&wide(64)).unwrap()))
        .with_custom_metadata(json(METADATA_BYTES_MAX))
}

#[track_caller]
fn is_refused(store: &Store, command: impl Fn() -> Command) {
    let dry = session(store).dry_run(&command()).unwrap().refusal.unwrap();
    let refused = session(store).run(command()).unwrap_err();
    assert_eq!((dry.code(), dry.to_string()), (refused.code(), refused.to_string()));
    assert_eq!(refused.code(), "invalid_parameter", "{refused}");
    assert!(!refused.to_string().contains("backup"), "{refused}");
}

fn erase_all(store: &Store, id: SecretId) {
    let found = store.erasable_records(id, Position::FIRST, 1_000).unwrap();
    assert!(!found.is_empty());
    session(store).erase_bodies(found).unwrap();
    assert_eq!(store.scrub(|_| {}).unwrap().findings, Vec::<String>::new());
}

/// Such a secret was answered as damage, "go back to a backup"; one a little smaller was made, and could never be erased.
#[test]
fn words_that_fit_one_by_one_and_not_together_are_refused() {
    let store = Home::new().in_memory().create().unwrap();
    is_refused(&store, || Command::create(largest(CONSUMERS_MAX)));
    let mut most = CONSUMERS_MAX;
    let id = loop {
        match session(&store).create(largest(most)) {
            Ok(receipt) => break receipt.secret.unwrap(),
            Err(refused) => assert_eq!(refused.code(), "invalid_parameter", "{most} consumers: {refused}"),
        }
        most -= 1;
    };
    assert!(most > 20, "{most}");
    erase_all(&store, id);
}
