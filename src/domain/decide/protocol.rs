//! Owns the protocol of rotations that need an issuer: intent before each call, and the locks asked again at the commit.
//!
//! Nothing is called from here. What an answer leads to outside is the business of the worker, which asks again if it died
//! in between. Read next: [`super::super::due`].

use std::time::Duration;

use super::super::command::{Prepared, Terms};
use super::super::doubt;
use super::super::event::{RotationRefused, VersionAdded};
use super::super::held::{Held, held};
use super::super::id::RotationId;
use super::super::issuance::Issuance;
use super::super::limits;
use super::super::name::{OutsideId, Reason};
use super::super::patience::Patience;
use super::super::refusal::Refusal;
use super::super::rotation::{IssuedCredential, IssuerClass, Rotation, RotationStage, RotationTrigger};
use super::super::rotation_command::{NewRotation, RotationCommand as Asked};
use super::super::rotation_event::{
    AbortPlanned, CredentialIssued, CredentialKept, HoldOverridden, RotationAborted, RotationCommitted, RotationParked,
    RotationPlanned, RotationResumed, RotationStaged, ScheduledRotationRefused,
};
use super::super::secret::{Lifecycle, Secret};
use super::super::state::{State, Whole};
use super::super::stop::{Work, may};
use super::super::time::Timestamp;
use super::super::touch::{Obstacle, Unlocked, unlocked, unlocked_at_commit};
use super::super::version::{DestroyCause, VersionDetails};
use super::attempts::{Failed, attempt, fail};
use super::retirement::fail_retirement;
use super::{Decision, adoption, in_force, retirement, tasks};

pub(super) fn decide(
    state: &State,
    secret: &Secret,
    asked: &Asked,
    terms: &Terms,
    now: Timestamp,
) -> Result<Decision, Refusal> {
    asked.data().map_or(Ok(()), |data| in_force(state, data))?;
    match asked {
        Asked::Plan(new) => plan(state, secret, new, terms, now),
        Asked::Attempt { rotation, report_by } => call(state, secret, open(secret, *rotation)?, *report_by),
        Asked::Fail { rotation, failure, reason, retry_at, value, effort } => {
            let failed = Failed::of(*failure, reason, *retry_at, value.as_ref(), *effort);
            Ok(fail(secret, open(secret, *rotation)?, &failed, now))
        }
        Asked::Issue { rotation, outside, made, expires_at } => {
            issue(secret, open(secret, *rotation)?, outside.as_ref(), made.as_ref(), *expires_at)
        }
        Asked::Keep { rotation, answer, reason } => keep(secret, open(secret, *rotation)?, answer, reason),
        Asked::Commit { rotation } => commit(state, secret, open(secret, *rotation)?, now),
        Asked::BeginEnding { rotation, report_by } => tasks::begin_ending(secret, open(secret, *rotation)?, *report_by),
        Asked::FinishAbort { rotation } => finish_abort(secret, open(secret, *rotation)?),
        Asked::Abort { reason } => Ok(give_up(&state.whole, secret, any_open(secret)?, (reason, terms))),
        Asked::Resume => resume(secret, any_open(secret)?, now),
        Asked::Report { task, report } => tasks::report(state, secret, *task, report, now),
        Asked::CancelTask { task, reason } => tasks::cancel(&state.whole, secret, *task, reason),
        Asked::Adopt(adopted) => adoption::adopt(state, secret, adopted, terms, now),
        Asked::PlanRetirement { version } => retirement::plan_retirement(state, secret, *version),
        Asked::BeginRetirement { version, report_by } => tasks::begin_retirement(secret, *version, *report_by),
        Asked::FailRetirement { version, reason, retry_at: at } => fail_retirement(secret, *version, reason, *at, now),
        Asked::FinishRetirement { version } => retirement::finish_retirement(state, secret, *version, now),
        Asked::Acknowledge { version } => retirement::acknowledge(secret, *version, terms),
    }
}

/// Records that the issuer is about to be called; with a time, that a job is begun which reports by then.
fn call(
    state: &State,
    secret: &Secret,
    rotation: &Rotation,
    report_by: Option<Timestamp>,
) -> Result<Decision, Refusal> {
    tasks::begin(attempt(state, secret, rotation)?, rotation, report_by)
}

/// Finds the rotation that a step of the worker belongs to; another one may be under way by now, or none.
fn open(secret: &Secret, id: RotationId) -> Result<&Rotation, Refusal> {
    secret.rotation.as_deref().filter(|rotation| rotation.id == id).ok_or(Refusal::VersionChanged)
}

fn any_open(secret: &Secret) -> Result<&Rotation, Refusal> {
    secret.rotation.as_deref().ok_or(Refusal::RotationNotFound)
}

pub(in super::super) fn plan(
    state: &State,
    secret: &Secret,
    new: &NewRotation,
    terms: &Terms,
    now: Timestamp,
) -> Result<Decision, Refusal> {
    let (issuance, is_first) = may_begin(secret)?;
    if !fits(secret, new, is_first, now) {
        return Err(Refusal::VersionChanged);
    }
    if !(1..=limits::ATTEMPTS_MAX).contains(&new.attempts_max) {
        return Err(Refusal::invalid("attempts", "takes 1 to 100"));
    }
    unlocked(secret, new.class.touch(), &state.whole)?;
    let held = passed_over(held(secret, new.class.touch(), state.whole.settings, now), terms)?;
    secret.room()?;
    let planned = RotationPlanned {
        rotation: new.id,
        trigger: if is_first { RotationTrigger::FirstVersion } else { new.trigger },
        issuer: issuance.issuer.clone(),
        class: new.class,
        to: new.to,
        attempts_max: new.attempts_max,
        deadline: new.deadline,
        value: new.value.as_ref().map(|value| value.sealed),
    };
    let mut decision = Decision::about(secret.id).then(planned);
    decision = overridden(new.id, held, decision);
    decision.takes_data = new.value.is_some();
    Ok(decision)
}

/// Gives what a secret says to its issuer, and whether it waits for its first version, when a rotation may begin.
pub(super) fn may_begin(secret: &Secret) -> Result<(&Issuance, bool), Refusal> {
    let issuance = secret.spec.issuance().ok_or(Refusal::RotationNotSupported)?;
    if let Some(open) = &secret.rotation {
        return Err(Refusal::RotationOpen { rotation: open.id });
    }
    let is_first = secret.lifecycle == Lifecycle::PreActivation && secret.versions.is_empty();
    secret.may(Work::Issue)?;
    Ok((issuance, is_first))
}

/// Goes over what holds a rotation back by force, or refuses.
pub(super) fn passed_over(held: Option<Held>, terms: &Terms) -> Result<Option<Held>, Refusal> {
    match held {
        Some(held) if !terms.force => Err(Refusal::RotationHeld(Box::new(held))),
        held => Ok(held),
    }
}

/// Says what a rotation goes over by force, if it does.
pub(super) fn overridden(rotation: RotationId, held: Option<Held>, decision: Decision) -> Decision {
    match held {
        Some(Held { version, graced_until, consumers, .. }) => {
            decision.then(HoldOverridden { rotation, version, graced_until, consumers })
        }
        None => decision,
    }
}

/// Tells whether a rotation that was prepared still fits its secret; a policy may have gone meanwhile.
fn fits(secret: &Secret, new: &NewRotation, is_first: bool, now: Timestamp) -> bool {
    let is_asked_for = match new.trigger {
        RotationTrigger::FirstVersion => is_first,
        RotationTrigger::ByHand => true,
        RotationTrigger::ByPolicy => secret.may_rotate_at(now),
    };
    let is_for_it = new.value.as_ref().is_none_or(|value| value.version == new.to);
    is_asked_for && is_for_it && new.class.replaces_in_place() == new.value.is_some()
}

fn issue(
    secret: &Secret,
    rotation: &Rotation,
    outside: Option<&OutsideId>,
    made: Option<&Prepared>,
    expires_at: Option<Timestamp>,
) -> Result<Decision, Refusal> {
    let sealed = match (made, rotation.value) {
        (Some(made), None) if made.version == rotation.to => made.sealed,
        (None, Some(value)) => value,
        _ => return Err(Refusal::VersionChanged),
    };
    if !rotation.stage.is_called() {
        return Err(Refusal::VersionChanged);
    }
    let mut decision = Decision::about(secret.id);
    decision.takes_data = made.is_some();
    Ok(decision.then(CredentialIssued { rotation: rotation.id, outside: outside.cloned(), sealed, expires_at }))
}

/// Keeps an answer that cannot be read as if it were the credential, and parks the rotation at once: nothing that was made is
/// thrown away for a fault of form.
fn keep(secret: &Secret, rotation: &Rotation, answer: &Prepared, reason: &Reason) -> Result<Decision, Refusal> {
    let issued = issue(secret, rotation, None, Some(answer), None)?;
    Ok(issued.then(RotationParked { rotation: rotation.id, reason: reason.clone() }))
}

pub(in super::super) fn commit(
    state: &State,
    secret: &Secret,
    rotation: &Rotation,
    now: Timestamp,
) -> Result<Decision, Refusal> {
    let credential = rotation.stage.made().ok_or(Refusal::VersionChanged)?;
    if rotation.parked.is_some() {
        return Err(Refusal::VersionChanged);
    }
    secret.may(Work::Issue)?;
    may(secret, Work::Touch(rotation.class.touch()), &state.whole)?;
    if credential.expires_at.is_some_and(|end| end <= now) {
        // The one that is current may be good for longer.
        return Ok(abort(&state.whole, secret, rotation, &Reason::of(ENDED)));
    }
    match unlocked_at_commit(secret, rotation, &state.whole) {
        Ok(witness) => Ok(replace(secret, rotation, credential, &witness)),
        Err(Obstacle::Locks(blocked)) => Ok(staged(secret, rotation, Refusal::Locked(blocked), now)),
        Err(Obstacle::Stop(stop)) => Err(stop.into()),
    }
}

const ENDED: &str = "its credential ended before it could be put into use; another rotation makes another one";

/// Adds the version, and lets the credentials that fall out of the window go; asks for the proof that none is locked.
pub(in super::super) fn replace(
    secret: &Secret,
    rotation: &Rotation,
    credential: &IssuedCredential,
    witness: &Unlocked,
) -> Decision {
    let mut decision = Decision::about(secret.id).on(rotation.to);
    decision = decision.then(RotationCommitted { rotation: rotation.id });
    // What the issuer replaced in place stays as previous; its credential is over, its data is not. What another issuer made
    // is as good as before.
    let replaced = secret.current().filter(|_| rotation.class.replaces_in_place());
    if let Some((version, credential)) = replaced.and_then(|version| Some((version.id, version.credential.as_deref()?)))
        && credential.is_in_use()
        && credential.issuer != rotation.issuer
    {
        decision = decision.then(CredentialKept { version, retiring_since: credential.since() });
    }
    decision = decision.then(VersionAdded {
        version: rotation.to,
        number: secret.next_number(),
        origin: rotation.trigger.origin(),
        restored_from: None,
        sealed: credential.sealed,
        details: VersionDetails::Plain,
        expires_at: credential.expires_at,
        custom_metadata: None,
    });
    let touched = witness.touched().iter().filter(|id| replaced.is_none_or(|replaced| replaced.id != **id));
    let fallen_out = touched.filter_map(|version| secret.version_by_id(*version));
    let decision =
        fallen_out.fold(decision, |decision, version| retirement::let_go(version, DestroyCause::Retention, decision));
    match replaced {
        Some(current) => retirement::end_replaced(current, &rotation.issuer, decision),
        None => decision,
    }
}

/// Says once that a lock holds a rotation back, and, when a policy asked for it, again each day.
fn staged(secret: &Secret, rotation: &Rotation, refusal: Refusal, now: Timestamp) -> Decision {
    let decision = Decision::about(secret.id);
    let reported_at = rotation.stage.reported_at();
    if reported_at.is_some_and(|at| now < at.plus(limits::REFUSED_ROTATION_PAUSE)) {
        return decision;
    }
    let decision = decision.then(RotationStaged { rotation: rotation.id });
    match rotation.trigger {
        RotationTrigger::ByPolicy => decision.audit(ScheduledRotationRefused { secret: secret.id, refusal }),
        RotationTrigger::FirstVersion | RotationTrigger::ByHand if reported_at.is_none() => {
            decision.audit(RotationRefused { secret: secret.id, refusal })
        }
        RotationTrigger::FirstVersion | RotationTrigger::ByHand => decision,
    }
}

/// Gives a rotation up as a person asks. One that is being given up already, and could not be ended, is settled at once by force: the
/// person says that the outside was looked after, and no call is made any more. Before the first attempt to end it, the call that
/// makes the credential may still be out. It touches no version, so no lock is asked.
fn give_up(whole: &Whole, secret: &Secret, rotation: &Rotation, (reason, terms): (&Reason, &Terms)) -> Decision {
    if terms.force && rotation.stage.is_given_up() && rotation.attempts > 0 {
        return Decision::about(secret.id).then(aborted(rotation, reason));
    }
    abort(whole, secret, rotation, reason)
}

/// Gives a rotation up: at once where nothing can have been made, else once it is retired. A person who gives one up whose
/// outcome cannot be asked for says that it was looked after. After a restore a value may be in use that was only planned at the
/// backup, and is kept until the one before is set again; what the original may have made is left to it.
pub(in super::super) fn abort(whole: &Whole, secret: &Secret, rotation: &Rotation, reason: &Reason) -> Decision {
    let decision = Decision::about(secret.id);
    let is_nothing_made = match &rotation.stage {
        RotationStage::Planned => {
            rotation.class != IssuerClass::SetValue || !doubt::is_unsettled(secret, rotation, whole)
        }
        RotationStage::Attempted | RotationStage::Awaiting { .. } => rotation.class == IssuerClass::Opaque,
        RotationStage::Doubted | RotationStage::Issued(_) | RotationStage::Staged { .. } => false,
        RotationStage::Aborting { .. } | RotationStage::Ending { .. } => return decision,
    };
    if is_nothing_made || doubt::leaves_what_was_made(secret, rotation, whole) {
        decision.then(aborted(rotation, reason))
    } else {
        decision.then(AbortPlanned { rotation: rotation.id, reason: reason.clone() })
    }
}

pub(in super::super) fn aborted(rotation: &Rotation, reason: &Reason) -> RotationAborted {
    let data_keys = rotation.sealed().map(|sealed| sealed.data_key).collect();
    RotationAborted { rotation: rotation.id, reason: reason.clone(), data_keys }
}

fn finish_abort(secret: &Secret, rotation: &Rotation) -> Result<Decision, Refusal> {
    // While a job ends it, its report is waited for.
    let RotationStage::Aborting { reason, .. } = &rotation.stage else { return Err(Refusal::VersionChanged) };
    Ok(Decision::about(secret.id).then(aborted(rotation, reason)))
}

pub(in super::super) fn resume(secret: &Secret, rotation: &Rotation, now: Timestamp) -> Result<Decision, Refusal> {
    if rotation.parked.is_none() {
        return Err(Refusal::RotationNotParked);
    }
    let patience = secret.patience.as_deref().map_or_else(|| Patience::of(rotation), Clone::clone);
    let deadline = now.plus(Duration::from_secs(patience.limit_secs));
    Ok(Decision::about(secret.id).then(RotationResumed { rotation: rotation.id, deadline }))
}
