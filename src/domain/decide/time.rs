//! Owns what time does: leases of locks end, secrets and credentials expire, and locks hold expiry back.
//!
//! Nothing here happens by itself: the writer asks [`lapses`] when a secret next needs a look, and records what
//! [`lapse`] decides.

use super::super::event::{ExpirationHeld, LockExpired, SecretExpired, VersionDataDestroyed};
use super::super::secret::{Lifecycle, Secret, SecretSpec};
use super::super::state::State;
use super::super::time::Timestamp;
use super::super::touch::{Touch, unlocked};
use super::super::version::{DestroyCause, Version};
use super::Decision;

/// Gives the next time at which something about a secret lapses; `None` while nothing will.
///
/// An expiry that a lock holds back is not due: removing the lock does it.
pub(crate) fn lapses(secret: &Secret) -> Option<Timestamp> {
    let leases = secret.locks().filter_map(|(_, lock)| lock.expires_at).min();
    let held = secret.expiry_held_since.is_some();
    let expiry = match secret.spec {
        SecretSpec::IamCredentials { .. } => {
            let waits = |version: &&Version| version.is_available() && (!held || version.locks.is_empty());
            secret.versions.iter().filter(waits).filter_map(|version| version.expires_at).min()
        }
        _ if secret.lifecycle != Lifecycle::Active || held => None,
        _ => secret.expires_at(),
    };
    leases.into_iter().chain(expiry).min()
}

/// Gives the next time at which something about a secret lapses; `None` also while the store is in quarantine, where time
/// does nothing.
pub(crate) fn due_at(state: &State, secret: &Secret) -> Option<Timestamp> {
    if state.whole.quarantine().is_some() { None } else { lapses(secret) }
}

/// Decides all that time has made due on a secret.
pub(super) fn lapse(state: &State, secret: &Secret, now: Timestamp) -> Decision {
    if state.whole.quarantine().is_some() {
        return Decision::about(secret.id);
    }
    let mut after = secret.clone();
    let mut decision = Decision::about(secret.id);
    let is_over = |end: Option<Timestamp>| end.is_some_and(|end| end <= now);
    for version in &mut after.versions {
        for lock in version.locks.iter().filter(|lock| is_over(lock.expires_at)) {
            decision = decision.then(LockExpired { version: version.id, name: lock.name.clone() });
        }
        version.locks.retain(|lock| !is_over(lock.expires_at));
    }
    expire(state, &after, now, decision)
}

/// Adds what expiry does to a secret that would look like `after`; nothing when its time has not come.
pub(super) fn expire(state: &State, after: &Secret, now: Timestamp, decision: Decision) -> Decision {
    match after.spec {
        _ if state.whole.quarantine().is_some() => decision,
        SecretSpec::IamCredentials { .. } => end_leases(state, after, now, decision),
        _ if after.lifecycle != Lifecycle::Active || after.expires_at().is_none_or(|end| end > now) => decision,
        SecretSpec::ImportedCert | SecretSpec::PrivateCert { .. } => {
            decision.then(SecretExpired { lifecycle: Lifecycle::Deactivated })
        }
        _ => {
            if let Ok(witness) = unlocked(after, Touch::Expire, &state.whole) {
                let destroy = |decision: Decision, (version, data_key): &(_, _)| {
                    let cause = DestroyCause::Expired;
                    decision.then(VersionDataDestroyed { version: *version, data_key: *data_key, cause })
                };
                let decision = witness.data().iter().fold(decision, destroy);
                decision.then(SecretExpired { lifecycle: Lifecycle::Destroyed })
            } else {
                let locked = after.versions.iter().rev().find(|version| !version.locks.is_empty());
                hold(after, locked, decision)
            }
        }
    }
}

fn end_leases(state: &State, after: &Secret, now: Timestamp, mut decision: Decision) -> Decision {
    let mut held = None;
    for version in after.versions.iter().filter(|version| is_lease_over(after, version, now)) {
        match unlocked(after, Touch::EndLease(version.id), &state.whole) {
            Ok(witness) => {
                for (version, data_key) in witness.data() {
                    let cause = DestroyCause::LeaseEnded;
                    decision = decision.then(VersionDataDestroyed { version: *version, data_key: *data_key, cause });
                }
            }
            Err(_) => held = Some(version),
        }
    }
    hold(after, held, decision)
}

/// Tells whether a version holds a credential whose lease is over.
pub(super) fn is_lease_over(secret: &Secret, version: &Version, now: Timestamp) -> bool {
    let is_over = version.expires_at.is_some_and(|end| end <= now);
    secret.spec.ttl_secs().is_some() && version.is_available() && is_over
}

/// Notes, once, that a lock on a version holds an expiry back.
fn hold(after: &Secret, held: Option<&Version>, decision: Decision) -> Decision {
    match held {
        Some(version) if after.expiry_held_since.is_none() => decision.then(ExpirationHeld { version: version.id }),
        _ => decision,
    }
}
