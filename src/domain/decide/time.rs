//! Owns what time does: leases of locks end, secrets and credentials expire, and locks hold expiry back.
//!
//! Nothing here happens by itself: the writer asks [`lapses`] when a secret next needs a look, and records what
//! [`lapse`] decides.

use super::super::event::{ExpirationHeld, LockExpired, SecretExpired, VersionDataDestroyed};
use super::super::secret::{Ending, Lifecycle, Secret};
use super::super::state::State;
use super::super::stop::{Work, may};
use super::super::time::Timestamp;
use super::super::touch::{Obstacle, Touch, unlocked};
use super::super::version::{DestroyCause, Version};
use super::{Decision, retirement};

/// Gives the next time at which something about a secret lapses; `None` while nothing will.
///
/// An expiry that a lock holds back is not due: removing the lock does it.
pub(crate) fn lapses(secret: &Secret) -> Option<Timestamp> {
    lapses_while(secret, |work| secret.may(work).is_ok())
}

/// The same, of what may be done.
fn lapses_while(secret: &Secret, may: impl Fn(Work) -> bool) -> Option<Timestamp> {
    let leases = secret.locks().filter_map(|(_, lock)| lock.expires_at).min().filter(|_| may(Work::EndLock));
    let expiry = expiry_due(secret).filter(|_| may(Work::Expire));
    leases.into_iter().chain(expiry).min()
}

/// When the secret, or the next credential of it, ends.
fn expiry_due(secret: &Secret) -> Option<Timestamp> {
    let held = secret.expiry_held_since.is_some();
    match secret.spec.ending() {
        Ending::Leases => {
            let waits = |version: &&Version| version.is_available() && (!held || version.locks.is_empty());
            secret.versions.iter().filter(waits).filter_map(|version| version.expires_at).min()
        }
        Ending::Credentials => end_of_credentials(secret, held),
        Ending::Data | Ending::Certificate => secret.expires_at().filter(|_| !held && !secret.is_renewed()),
    }
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

/// Gives the next time at which something about a secret lapses; `None` also while a state of the store stops time.
pub(crate) fn due_at(state: &State, secret: &Secret) -> Option<Timestamp> {
    lapses_while(secret, |work| may(secret, work, &state.whole).is_ok())
}

/// Decides all that time has made due on a secret.
pub(in super::super) fn lapse(state: &State, secret: &Secret, now: Timestamp) -> Decision {
    let mut after = secret.clone();
    let mut decision = Decision::about(secret.id);
    let ends = may(secret, Work::EndLock, &state.whole).is_ok();
    let is_over = |end: Option<Timestamp>| ends && end.is_some_and(|end| end <= now);
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
    if may(after, Work::Expire, &state.whole).is_err() {
        return decision;
    }
    let is_over = after.expires_at().is_some_and(|end| end <= now);
    match after.spec.ending() {
        Ending::Leases => end_each(state, after, now, None, decision),
        Ending::Credentials => end_credentials(state, after, now, decision),
        Ending::Data | Ending::Certificate if !is_over => decision,
        Ending::Data => end_data(state, after, decision),
        // A renewal that was missed is made late rather than never.
        Ending::Certificate if after.is_renewed() => decision,
        Ending::Certificate => decision.then(SecretExpired { lifecycle: Lifecycle::Deactivated }),
    }
}

/// Destroys the data of a secret that has expired.
fn end_data(state: &State, after: &Secret, decision: Decision) -> Decision {
    match unlocked(after, Touch::Expire, &state.whole) {
        Ok(witness) => {
            let destroy = |decision: Decision, (version, data_key): &(_, _)| {
                let cause = DestroyCause::Expired;
                decision.then(VersionDataDestroyed { version: *version, data_key: *data_key, cause })
            };
            let decision = witness.data().iter().fold(decision, destroy);
            decision.then(SecretExpired { lifecycle: Lifecycle::Destroyed })
        }
        Err(Obstacle::Locks(_)) => hold(after, last_locked(after), decision),
        Err(Obstacle::Stop(_)) => decision,
    }
}

/// Returns the newest version that carries a lock.
fn last_locked(secret: &Secret) -> Option<&Version> {
    secret.versions.iter().rev().find(|version| !version.locks.is_empty())
}

/// Ends what an issuer made: with the current credential the secret, with an earlier one that version alone.
///
/// While a rotation is open, parked or not, the current version waits for how it comes out: the next version may be on its
/// way, and to give one up may take the data of this one.
fn end_credentials(state: &State, after: &Secret, now: Timestamp, decision: Decision) -> Decision {
    let is_over = after.expires_at().is_some_and(|end| end <= now);
    if !is_over || after.rotation.is_some() {
        return end_each(state, after, now, None, decision);
    }
    match unlocked(after, Touch::Expire, &state.whole) {
        Ok(witness) => {
            let decision = retirement::let_touched_go(after, &witness, DestroyCause::Expired, decision);
            if has_credentials(after) {
                decision
            } else {
                decision.then(SecretExpired { lifecycle: Lifecycle::Destroyed })
            }
        }
        Err(Obstacle::Locks(_)) => end_each(state, after, now, last_locked(after), decision),
        Err(Obstacle::Stop(_)) => decision,
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
            Err(Obstacle::Locks(_)) => held = Some(version),
            Err(Obstacle::Stop(_)) => {}
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
