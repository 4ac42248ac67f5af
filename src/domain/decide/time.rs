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
use super::{Decision, retirement};

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
        _ if secret.lifecycle != Lifecycle::Active => None,
        _ if secret.spec.is_issued_credential() => end_of_credentials(secret, held),
        _ if held || secret.is_renewed() => None,
        _ => secret.expires_at(),
    };
    leases.into_iter().chain(expiry).min()
}

/// When the next credential of an issuer ends that can be let go, or be said to be held.
fn end_of_credentials(secret: &Secret, held: bool) -> Option<Timestamp> {
    let (current, earlier) = secret.versions.split_last()?;
    let can_go = |version: &&Version| version.can_be_let_go() && (!held || version.locks.is_empty());
    let earlier = earlier.iter().filter(can_go).filter_map(|version| version.expires_at).min();
    // The secret goes with the current one: as soon as nothing holds that, and again when the last credential is retired.
    let is_held = held && secret.versions.iter().any(|version| !version.is_destroyed() && !version.locks.is_empty());
    let has_work = secret.versions.iter().any(Version::can_be_let_go) || !has_credentials(secret);
    let with_secret = current.expires_at.filter(|_| secret.rotation.is_none() && !is_held && has_work);
    earlier.into_iter().chain(with_secret).min()
}

/// Tells whether a credential of any version is still good outside.
fn has_credentials(secret: &Secret) -> bool {
    secret.versions.iter().any(Version::has_credential_in_use)
}

/// Gives the next time at which something about a secret lapses; `None` also while the store is in quarantine, where time
/// does nothing.
pub(crate) fn due_at(state: &State, secret: &Secret) -> Option<Timestamp> {
    if state.whole.quarantine().is_some() { None } else { lapses(secret) }
}

/// Decides all that time has made due on a secret.
pub(in super::super) fn lapse(state: &State, secret: &Secret, now: Timestamp) -> Decision {
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
        SecretSpec::IamCredentials { .. } => end_each(state, after, now, None, decision),
        _ if after.spec.is_issued_credential() => end_credentials(state, after, now, decision),
        _ if after.lifecycle != Lifecycle::Active || after.expires_at().is_none_or(|end| end > now) => decision,
        // A renewal that was missed is made late rather than never.
        SecretSpec::PrivateCert { .. } if after.is_renewed() => decision,
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

/// Ends what an issuer made: with the current credential the secret, with an earlier one that version alone.
///
/// While a rotation is open, parked or not, the current version waits for how it comes out: the next version may be on its
/// way, and to give one up may take the data of this one.
fn end_credentials(state: &State, after: &Secret, now: Timestamp, decision: Decision) -> Decision {
    let is_over = after.expires_at().is_some_and(|end| end <= now);
    match unlocked(after, Touch::Expire, &state.whole) {
        _ if after.lifecycle != Lifecycle::Active => decision,
        _ if !is_over || after.rotation.is_some() => end_each(state, after, now, None, decision),
        Ok(witness) => {
            let decision = retirement::let_touched_go(after, &witness, DestroyCause::Expired, decision);
            if has_credentials(after) {
                decision
            } else {
                decision.then(SecretExpired { lifecycle: Lifecycle::Destroyed })
            }
        }
        Err(_) => {
            let locked = after.versions.iter().rev().find(|version| !version.locks.is_empty());
            end_each(state, after, now, locked, decision)
        }
    }
}

/// Ends the credentials that have ended, one by one, and says, once, that a lock holds one of them.
fn end_each<'a>(
    state: &State,
    after: &'a Secret,
    now: Timestamp,
    mut held: Option<&'a Version>,
    mut decision: Decision,
) -> Decision {
    for version in after.versions.iter().filter(|version| has_ended(after, version, now)) {
        match unlocked(after, Touch::EndLease(version.id), &state.whole) {
            Ok(witness) => {
                decision = retirement::let_touched_go(after, &witness, DestroyCause::LeaseEnded, decision);
            }
            Err(_) => held = Some(version),
        }
    }
    hold(after, held, decision)
}

/// Tells whether a version holds a credential whose time is over, and that can be let go without its secret.
pub(super) fn has_ended(secret: &Secret, version: &Version, now: Timestamp) -> bool {
    let is_over = version.expires_at.is_some_and(|end| end <= now);
    let is_earlier = || secret.current().is_some_and(|current| current.id != version.id);
    let ends_alone = secret.spec.ttl_secs().is_some() || (secret.spec.is_issued_credential() && is_earlier());
    is_over && ends_alone && version.can_be_let_go()
}

/// Notes, once, that a lock on a version holds an expiry back.
fn hold(after: &Secret, held: Option<&Version>, decision: Decision) -> Decision {
    match held {
        Some(version) if after.expiry_held_since.is_none() => decision.then(ExpirationHeld { version: version.id }),
        _ => decision,
    }
}
