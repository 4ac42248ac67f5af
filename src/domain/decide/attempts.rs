//! Owns the attempts of a rotation: which may be made, what one that failed uses up, and when a person has to look.
//!
//! Read next: [`super::super::patience`].

use super::super::command::Prepared;
use super::super::doubt;
use super::super::limits;
use super::super::name::Reason;
use super::super::patience::{Effort, Patience};
use super::super::refusal::Refusal;
use super::super::rotation::{AttemptFailure, IssuerClass, Rotation, RotationStage};
use super::super::rotation_event::{RotationAttemptFailed, RotationAttempted, RotationParked};
use super::super::secret::Secret;
use super::super::stage::Phase;
use super::super::state::State;
use super::super::time::Timestamp;
use super::super::touch::unlocked;
use super::Decision;

pub(in super::super) fn attempt(state: &State, secret: &Secret, rotation: &Rotation) -> Result<Decision, Refusal> {
    let decision = Decision::about(secret.id);
    // While its job is at work, a report that is late, or a person, lets it go on.
    if rotation.parked.is_some() || rotation.is_at_work() {
        return Err(Refusal::VersionChanged);
    }
    if doubt::awaits_person(secret, rotation, &state.whole) {
        return Ok(decision.then(parked(rotation, RESTORED)));
    }
    let is_opaque = rotation.class == IssuerClass::Opaque;
    match &rotation.stage {
        // A person who resumed it has looked: nothing was made.
        RotationStage::Attempted | RotationStage::Awaiting { .. } if is_opaque && rotation.attempts > 0 => {
            return Ok(decision.then(parked(rotation, OUTCOME_UNKNOWN)));
        }
        RotationStage::Planned | RotationStage::Attempted | RotationStage::Doubted | RotationStage::Awaiting { .. } => {
        }
        RotationStage::Issued(_)
        | RotationStage::Staged { .. }
        | RotationStage::Aborting { .. }
        | RotationStage::Ending { .. } => {
            if !secret.sets_again() {
                return Err(Refusal::VersionChanged);
            }
        }
    }
    // Those that count are counted when they fail; of these, whoever made them died.
    if rotation.attempts >= rotation.attempts_max {
        return Ok(decision.then(parked(rotation, NO_ATTEMPT_LEFT)));
    }
    // Until the first call nothing has been touched outside; after it, no lock can have come onto what it touches.
    if rotation.stage == RotationStage::Planned {
        unlocked(secret, rotation.class.touch(), &state.whole)?;
    }
    let attempt = rotation.attempts.saturating_add(1);
    Ok(decision.then(RotationAttempted { rotation: rotation.id, attempt }))
}

const OUTCOME_UNKNOWN: &str = "nobody knows whether the issuer made a credential, and it cannot be asked: look in the \
                               outside system, then abort or resume";
const RESTORED: &str = "it was under way when the backup was taken, and what the original made by it may be in use: look in \
                        the outside system, then abort, which leaves that, or resume, which ends it where it can be found";
const NO_ATTEMPT_LEFT: &str = "every attempt failed: see the last failure, mend its cause, then resume or abort";
const NOT_PROVED: &str = "its value was set, and no login with it succeeded: see the last failure, mend its cause, then resume, \
                          which sets the value again, or abort, which sets the one before again";
const TOO_LATE: &str =
    "it could not be done in a day of work, or in five runs: see the last failure, then resume or abort";

fn parked(rotation: &Rotation, reason: &'static str) -> RotationParked {
    RotationParked { rotation: rotation.id, reason: Reason::of(reason) }
}

/// An attempt that failed.
pub(super) struct Failed<'a> {
    pub(super) failure: AttemptFailure,
    pub(super) reason: &'a Reason,
    pub(super) retry_at: Timestamp,
    pub(super) value: Option<&'a Prepared>,
    pub(super) effort: Effort,
}

impl<'a> Failed<'a> {
    pub(super) const fn of(
        failure: AttemptFailure,
        reason: &'a Reason,
        retry_at: Timestamp,
        value: Option<&'a Prepared>,
        effort: Effort,
    ) -> Self {
        Self { failure, reason, retry_at, value, effort }
    }
}

pub(super) fn fail(secret: &Secret, rotation: &Rotation, failed: &Failed<'_>, now: Timestamp) -> Decision {
    let mut decision = Decision::about(secret.id);
    // A value that was refused is not set again, where another one was brought along; one that may have been set is kept.
    let replaces = failed.failure == AttemptFailure::Refused && rotation.stage == RotationStage::Attempted;
    let is_for_it = |value: &&Prepared| value.version == rotation.to;
    let value = failed.value.filter(|_| replaces && rotation.class.replaces_in_place()).filter(is_for_it);
    decision.takes_data = value.is_some();
    decision = decision.then(RotationAttemptFailed {
        rotation: rotation.id,
        failure: failed.failure,
        reason: failed.reason.clone(),
        // Never at once, whatever the worker says.
        retry_at: failed.retry_at.max(now.plus(limits::RETRY_PAUSE_MIN)),
        value: value.map(|value| value.sealed),
        destroyed: value.and_then(|_| rotation.value.map(|old| old.data_key)),
    });
    let (patience, attempts) = used_up(secret, rotation, failed, now);
    if !rotation.stage.is_given_up() {
        decision = decision.then(patience.counted(rotation, attempts));
    }
    match why_parked(rotation, failed.failure, attempts, &patience) {
        Some(why) if rotation.parked.is_none() => decision.then(parked(rotation, why)),
        _ => decision,
    }
}

/// Says why a person has to look after an attempt that failed, if one has.
pub(in super::super) fn why_parked(
    rotation: &Rotation,
    failure: AttemptFailure,
    attempts: u16,
    patience: &Patience,
) -> Option<&'static str> {
    let is_opaque = rotation.class == IssuerClass::Opaque && rotation.stage.is_out();
    if is_opaque && failure == AttemptFailure::Unknown {
        Some(OUTCOME_UNKNOWN)
    } else if rotation.stage.is_given_up() {
        None
    } else if attempts >= rotation.attempts_max {
        let is_set = rotation.class.replaces_in_place() && rotation.credential().is_some();
        Some(if is_set { NOT_PROVED } else { NO_ATTEMPT_LEFT })
    } else {
        patience.is_over().then_some(TOO_LATE)
    }
}

/// Tells whether a rotation was parked for a reason, as it is said now or was said before a value could be set again.
pub(in super::super) fn is_parked_for(told: &Reason, why: &str) -> bool {
    told.as_str() == why || (why == NOT_PROVED && told.as_str() == NO_ATTEMPT_LEFT)
}

/// Counts an attempt that failed, and the time that it took; one that found the issuer not available is no attempt.
fn used_up(secret: &Secret, rotation: &Rotation, failed: &Failed<'_>, now: Timestamp) -> (Patience, u16) {
    let patience = secret.patience.as_deref().map_or_else(|| Patience::of(rotation), Clone::clone);
    let patience = patience.and(failed.effort, now);
    let is_outage = failed.effort.is_outage || failed.failure == AttemptFailure::Unavailable;
    // One that was recorded before its call is counted already.
    let attempts = match rotation.stage.phase() {
        Phase::Planned => return (patience, rotation.attempts),
        // After a resumption none is counted, though a call is out.
        Phase::Called | Phase::Awaiting => rotation.attempts.saturating_sub(u16::from(is_outage)),
        Phase::Made | Phase::GivenUp => rotation.attempts.saturating_add(u16::from(!is_outage)),
    };
    (patience, attempts)
}

/// Tells whether a rotation is parked instead of being attempted once more. Release 0.1 looked at the deadline there, too.
pub(in super::super) fn may_park(state: &State, secret: &Secret, rotation: &Rotation, now: Timestamp) -> bool {
    let is_in_turn = rotation.stage == RotationStage::Planned || rotation.stage.is_out();
    let is_unknown = rotation.class == IssuerClass::Opaque && rotation.stage.is_out() && rotation.attempts > 0;
    let is_restored = doubt::awaits_person(secret, rotation, &state.whole);
    let is_over = is_restored || is_unknown || rotation.attempts >= rotation.attempts_max || now > rotation.deadline;
    is_in_turn && rotation.parked.is_none() && !rotation.is_at_work() && is_over
}

/// Tells whether release 0.1, which counted every attempt and no time, parked a rotation with a failure.
pub(in super::super) fn was_parked_by(rotation: &Rotation, failure: AttemptFailure) -> bool {
    let is_out = rotation.stage.is_out();
    let is_unknown = rotation.class == IssuerClass::Opaque && is_out && failure == AttemptFailure::Unknown;
    let is_counted = is_out || rotation.stage == RotationStage::Planned;
    let attempts = rotation.attempts.saturating_add(u16::from(!is_counted));
    let is_over = attempts >= rotation.attempts_max && !rotation.stage.is_given_up();
    rotation.parked.is_none() && (is_unknown || is_over)
}
