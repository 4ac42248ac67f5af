//! Owns how rotations are laid out for people, and which secrets set the password of one account. Never secret data.
//!
//! Read next: [`super::commands`].

use std::collections::BTreeMap;
use std::sync::Arc;

use latchkeep::view::{BlockingLock, Cause, Rotation};
use latchkeep::{IssuerClass, Secret};

use crate::times::{retried, shown as shown_time};

/// Gives the names of secrets whose rotations set the password of one and the same account, as far as what they tell their issuers
/// says: each ends what the others have.
pub(crate) fn sharing_accounts(secrets: &[Arc<Secret>]) -> Vec<Vec<String>> {
    let mut accounts: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    for secret in secrets.iter().filter(|secret| sets_values(secret) && !secret.is_deleting) {
        let Some(issuance) = secret.spec.issuance() else { continue };
        let parameters = issuance.parameters.as_ref().map(ToString::to_string).unwrap_or_default();
        let account = (issuance.issuer.to_string(), parameters);
        accounts.entry(account).or_default().push(secret.metadata.name.to_string());
    }
    accounts.into_values().filter(|names| names.len() > 1).collect()
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

/// Gives what people read of a rotation that is under way.
pub(crate) fn facts(rotation: &Rotation) -> Vec<(&'static str, String)> {
    let mut facts = vec![
        ("rotation", format!("{} by {}, {}", rotation.stage, rotation.issuer, rotation.class)),
        ("rotation id", rotation.id.to_string()),
        ("planned", format!("{} by {}", shown_time(rotation.planned_at), rotation.planned_by)),
        ("attempts", format!("{} of {}", rotation.attempts, rotation.attempts_max)),
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
