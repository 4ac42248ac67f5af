//! The one explanation of a refusal.

use super::golden;
use super::sample::{actor, issuance, lease, secret, time};
use crate::domain::held::Held;
use crate::domain::lock::Lock;
use crate::domain::name::SecretName;
use crate::domain::position::VersionNumber;
use crate::domain::refusal::{LOCKED_MESSAGE, Operation, Refusal};
use crate::domain::secret::{Secret, SecretType};
use crate::domain::settings::Settings;
use crate::domain::state::Whole;
use crate::domain::touch::{Touch, unlocked};
use crate::view::{ErrorBody, EventSummary, Explanation, Forecast, Impact};

/// What stands in the way of a deletion.
fn refusal(secret: &Secret) -> Refusal {
    unlocked(secret, Touch::Delete, &Whole::default()).err().unwrap().into()
}

#[test]
fn a_refusal_by_locks_is_explained_in_parts() {
    let secret = secret();
    let explanation = Explanation::of(&refusal(&secret));
    assert!(explanation.block.as_ref().unwrap().blocked_by[0].fencing_token.is_none());
    let explanation = explanation.learn(&secret);
    golden("explanation", &explanation);
    golden("error-body", &ErrorBody::from(explanation.clone()).hinting(Some("latchkeep lock delete")));
    let block = explanation.locked().unwrap();
    assert_eq!((explanation.message.as_str(), block.blocked_total, block.unlisted()), (LOCKED_MESSAGE, 2, 0));
    assert_eq!(block.waits_for, [actor("anna"), actor("billing")]);
    assert_eq!(refusal(&secret).to_string(), format!("{}; {}", block.explanation, block.advice));
    let words: Vec<_> = block.blocked_by.iter().map(|lock| format!("{} {}", lock.name, lock.words())).collect();
    assert_eq!(
        words[0],
        "billing on version 2 (previous): since 2026-11-23T10:00:00Z, placed by anna, owned by billing, until 2026-11-23T23:00:00Z"
    );
    assert!(words[1].ends_with("owned by nobody, until it is removed"), "{words:?}");
}

#[test]
fn the_token_of_another_lock_is_not_learned() {
    let mut secret = secret();
    let refusal = refusal(&secret);
    secret.versions[1].locks[0].fencing_token.position = crate::domain::position::Position::new(12);
    let block = Explanation::of(&refusal).learn(&secret).block.unwrap();
    assert!(block.blocked_by[0].fencing_token.is_none() && block.blocked_by[1].fencing_token.is_some());
}

#[test]
fn it_ends_by_itself_only_where_all_locks_are_leases() {
    let mut secret = secret();
    secret.versions.remove(0);
    let until = |secret: &Secret| Explanation::of(&refusal(secret)).block.unwrap().until;
    assert_eq!(until(&secret), None);
    secret.versions[0].locks.pop();
    assert_eq!(until(&secret), Some(time("23:00:00.25")));
    let later = Lock { expires_at: Some(time("23:30:00")), ..lease("shop") };
    secret.versions[0].locks.push(later);
    assert_eq!(until(&secret), Some(time("23:30:00")));
    secret.versions[0].locks = (0..25).map(|index| lease(&format!("app-{index:02}"))).collect();
    let block = Explanation::of(&refusal(&secret)).block.unwrap();
    assert_eq!((block.until, block.blocked_total, block.unlisted()), (None, 25, 1));
}

#[test]
fn a_hold_is_explained_in_parts() {
    let held = |consumers: &[crate::domain::name::Actor]| Held {
        secret: secret().id,
        name: SecretName::parse("token").unwrap(),
        secret_type: SecretType::CustomCredentials,
        version: VersionNumber::new(2),
        graced_until: Some(time("12:00:00")),
        consumers: consumers.into(),
    };
    let explanation = Explanation::of(&Refusal::RotationHeld(Box::new(held(&issuance().consumers))));
    golden("explanation-of-a-hold", &explanation);
    assert!(explanation.locked().is_none());
    let graced = Explanation::of(&Refusal::RotationHeld(Box::new(held(&[])))).block.unwrap();
    assert_eq!((graced.until, graced.waits_for.len()), (Some(time("12:00:00")), 0));
}

#[test]
fn other_refusals_have_no_block() {
    let invalid = Explanation::of(&Refusal::InvalidArgument { field: "ttl".into(), rule: "takes a day".into() });
    golden("explanation-of-a-field", &invalid);
    assert_eq!(ErrorBody::from(invalid).errors[0].target.as_ref().unwrap().name, "ttl");
    let missing = Explanation::of(&Refusal::SecretNotFound);
    assert_eq!((missing.code.as_str(), missing.status_code, missing.block), ("not_found", 404, None));
}

#[test]
fn a_forecast_has_the_explanation_among_its_fields() {
    let secret = secret();
    let refused = Explanation::of(&refusal(&secret)).learn(&secret);
    golden("forecast-refused", &Forecast::refused(Operation::Delete, refused));
    let events = vec![EventSummary::new("VersionAdded", "version 4, rotated by hand".to_owned())];
    golden("forecast", &Forecast::done(Operation::Rotate, events));
    golden("impact", &Impact::of(&secret, &secret.impact_of_deletion(Settings::default())));
}
