//! Owns how rotations are laid out for people, and which secrets set the password of one account. Never secret data.
//!
//! Read next: [`super::commands`].

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use latchkeep::view::{BlockingLock, Cause, Rotation};
use latchkeep::{IssuerClass, IssuerName, RotationStage, RotationWorker, Secret};

use crate::failure;
use crate::scene::Scene;
use crate::times::{retried, shown as shown_time};

/// Gives the names of secrets whose rotations set the password of one and the same account, as far as what they tell their issuers
/// says: each ends what the others have. With each, whether that is certain: of issuers `by_account` it is. A program may go by the name of
/// the secret instead, and has nothing else to go by where it is told nothing.
pub(crate) fn sharing_accounts(secrets: &[Arc<Secret>], by_account: &BTreeSet<IssuerName>) -> Vec<(Vec<String>, bool)> {
    let mut accounts: BTreeMap<(IssuerName, String), Vec<String>> = BTreeMap::new();
    for secret in secrets.iter().filter(|secret| sets_values(secret) && !secret.is_deleting) {
        let Some(issuance) = secret.spec.issuance() else { continue };
        let parameters = issuance.parameters.as_ref().map(ToString::to_string).unwrap_or_default();
        if parameters.is_empty() && !by_account.contains(&issuance.issuer) {
            continue;
        }
        let account = (issuance.issuer.clone(), parameters);
        accounts.entry(account).or_default().push(secret.metadata.name.to_string());
    }
    let shared = accounts.into_iter().filter(|(_, names)| names.len() > 1);
    shared.map(|((issuer, _), names)| (names, by_account.contains(&issuer))).collect()
}

/// Tells whether the issuer of a secret sets values in place, as far as its credentials say.
fn sets_values(secret: &Secret) -> bool {
    let open = secret.rotation.as_deref().map(|rotation| rotation.class);
    let made = || secret.current().and_then(|version| version.credential.as_deref()).map(|credential| credential.class);
    open.or_else(made) == Some(IssuerClass::SetValue)
}

/// Says of each lock which it is, on which version, and whose.
pub(crate) fn lock_words(locks: &[BlockingLock]) -> Vec<String> {
    locks.iter().map(|lock| format!("{} {}", lock.name, lock.words())).collect()
}

/// Tells whether a rotation is being given up.
pub(crate) const fn is_given_up(rotation: &latchkeep::Rotation) -> bool {
    matches!(rotation.stage, RotationStage::Aborting { .. } | RotationStage::Ending { .. })
}

/// Counts the attempts of a rotation, of as many as it may have; to end what is given up, it may have any number.
pub(crate) fn attempts(rotation: &Rotation, (of, to_end): (&str, &str)) -> String {
    if rotation.aborted_because.is_some() {
        format!("{}{to_end}", rotation.attempts)
    } else {
        format!("{}{of}{}", rotation.attempts, rotation.attempts_max)
    }
}

/// Says what may be left outside when a rotation is given up and no call is made.
pub(crate) fn may_be_left(rotation: &latchkeep::Rotation) -> String {
    let issuer = &rotation.issuer;
    let made = rotation.credential().and_then(|made| made.outside.as_ref());
    match (rotation.class, made) {
        (IssuerClass::SetValue, _) => {
            "the account may have the password that this rotation planned, which the store then destroys".to_owned()
        }
        (_, Some(outside)) => format!("{outside} may be left at {issuer}"),
        (IssuerClass::CreateDiscoverable, None) => {
            format!("a credential may be left at {issuer} until a later run finds and ends it")
        }
        (_, None) => format!("a credential made for rotation {} may be left at {issuer}", rotation.id),
    }
}

/// Says how the password of a store and that of an account come together again.
pub(crate) fn mend_account(secret: &Secret) -> String {
    let name = &secret.metadata.name;
    format!("set a password by hand, then: latchkeep rotation adopt {name} --from-file FILE --issuers FILE")
}

/// Says how to end a rotation that is being given up, where what was made cannot be ended; nothing if none is.
pub(crate) fn way_out(secret: &Secret) -> Option<String> {
    let rotation = secret.rotation.as_deref().filter(|rotation| is_given_up(rotation))?;
    let name = &secret.metadata.name;
    let left = may_be_left(rotation);
    let then = rotation.class.replaces_in_place().then(|| format!("; afterwards {}", mend_account(secret)));
    let command = format!("latchkeep rotation abort {name} --force --reason TEXT");
    Some(format!(
        "if it cannot be ended, look after it outside, then: {command} (makes no call; {left}){}",
        then.unwrap_or_default()
    ))
}

/// Gives what people read of a rotation that is under way.
pub(crate) fn facts(rotation: &Rotation) -> Vec<(&'static str, String)> {
    let mut facts = vec![
        ("rotation", format!("{} by {}, {}", rotation.stage, rotation.issuer, rotation.class)),
        ("rotation id", rotation.id.to_string()),
        ("planned", format!("{} by {}", shown_time(rotation.planned_at), rotation.planned_by)),
        ("attempts", attempts(rotation, (" of ", " to end what was made"))),
        ("deadline", shown_time(rotation.deadline)),
    ];
    let mut more = |name, fact: Option<String>| facts.extend(fact.map(|fact| (name, fact)));
    more("staged since", rotation.staged_since.map(shown_time));
    more("made outside", rotation.outside.as_ref().map(ToString::to_string));
    more("report by", rotation.report_by.map(shown_time));
    more("tried again", rotation.retry_at.map(retried));
    more("last failure", rotation.failure.as_ref().map(ToString::to_string));
    let parked = |parked: &Cause| format!("since {}: {}", shown_time(parked.at), parked.reason);
    more("parked", rotation.parked.as_ref().map(parked));
    more("given up", rotation.aborted_because.as_ref().map(ToString::to_string));
    facts
}

/// Warns of a grace that has no effect: an issuer that sets passwords ends the one before by the rotation itself.
pub(crate) fn warn_of_grace(scene: &Scene, worker: &RotationWorker) {
    let mut issuers = worker.issuers_that_cannot_list();
    issuers.retain(|(_, class)| class.replaces_in_place());
    for secret in scene.store().secrets() {
        let Some(issuance) = secret.spec.issuance().filter(|issuance| issuance.grace_secs > 0) else { continue };
        if issuers.iter().any(|(issuer, _)| *issuer == issuance.issuer) {
            let (name, issuer) = (&secret.metadata.name, &issuance.issuer);
            failure::warn(format!(
                "{name} has a grace that has no effect: issuer {issuer} is of class set_value, and a rotation ends the credential before"
            ));
        }
    }
}
