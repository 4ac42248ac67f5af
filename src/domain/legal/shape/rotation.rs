//! Owns which records stand together that begin with one about a rotation by an issuer, or about a credential.

use super::super::super::command::Prepared;
use super::super::super::decide::{
    self, adopted, finish_retirement, may_park, plan_deletion, replace, was_parked_by, why_parked,
};
use super::super::super::event::{Event, VersionDataDestroyed};
use super::super::super::event_kind::{of_secret, of_trail, of_whole};
use super::super::super::held::{Held, held};
use super::super::super::id::{RotationId, VersionId};
use super::super::super::limits;
use super::super::super::name::Reason;
use super::super::super::patience::Patience;
use super::super::super::record::Record;
use super::super::super::refusal::Refusal;
use super::super::super::rotation::{
    AttemptFailure, Credential, IssuerClass, Rotation, RotationStage, RotationTrigger,
};
use super::super::super::rotation_command::NewRotation;
use super::super::super::rotation_event::{
    AttemptCounted, CredentialIssued, HoldOverridden, RetirementFailed, RotationAttemptFailed, RotationPlanned,
};
use super::super::super::secret::Secret;
use super::super::super::state::Whole;
use super::super::super::touch::{Obstacle, Touch, unlocked, unlocked_at_commit};
use super::super::super::version::{DestroyCause, SealedRef, VersionDetails};
use super::super::whole::newest_epoch;
use super::super::{Rule, hold};
use super::secret::{lapsed, place};
use super::{Batch, Events};

#[allow(clippy::unnested_or_patterns, reason = "the lists of events are macros, and name events one by one")]
pub(super) fn check(batch: &Batch<'_>) -> Result<(), Rule> {
    match &batch.head.event {
        Event::RotationPlanned(event) => plan(batch, event),
        Event::RetirementJobBegun(_) | Event::VersionAcknowledged(_) => batch.stands_alone(),
        Event::RetirementFailed(event) => fail_retirement(batch, event),
        Event::RotationAborted(event) => give_up(batch, &event.reason),
        Event::AbortPlanned(event) => give_up(batch, &event.reason),
        Event::RotationResumed(_) => resume(batch),
        Event::DeletionPlanned(_) => delete(batch),
        Event::RetirementPlanned(event) => plan_retirement(batch, event.version),
        Event::CredentialRetired(event) => {
            let would_be = finish_retirement(batch.state, batch.subject()?, event.version, batch.now());
            hold(would_be.is_ok_and(|decision| batch.is(&decision.events)), Rule::BatchMismatch)
        }
        Event::CredentialIssued(event) => issue(batch, event),
        Event::RotationAttempted(_) | Event::RotationParked(_) if batch.is_newer => attempt_by_now(batch),
        Event::RotationAttempted(event) => attempt(batch, event.rotation),
        Event::RotationAttemptFailed(event) => fail(batch, event),
        Event::RotationStaged(_) => stage(batch),
        Event::RotationCommitted(_) => commit(batch),
        Event::RotationParked(_) => {
            batch.stands_alone()?;
            let secret = batch.subject()?;
            hold(may_park(batch.state, secret, rotation(secret)?, batch.now()), Rule::RotationOutOfTurn)
        }
        Event::JobBegun(_) => {
            batch.stands_alone()?;
            let is_aborting = matches!(rotation(batch.subject()?)?.stage, RotationStage::Aborting { .. });
            hold(is_aborting, Rule::RotationOutOfTurn)
        }
        // None begins a batch: the first stands between a commit and its version, the others behind a failure and a plan.
        Event::CredentialKept(_) | Event::AttemptCounted(_) | Event::HoldOverridden(_) => Err(Rule::BatchMismatch),
        of_whole!() | of_trail!() | of_secret!() => Err(Rule::SubjectMismatch),
    }
}

/// What failed is tried again, never at once. It is recorded where it is news; release 0.1 recorded each failure.
fn fail_retirement(batch: &Batch<'_>, event: &RetirementFailed) -> Result<(), Rule> {
    let RetirementFailed { version, reason, retry_at } = event;
    hold(*retry_at >= batch.now().plus(limits::RETRY_PAUSE_MIN), Rule::EndMismatch)?;
    let would_be = decide::fail_retirement(batch.subject()?, *version, reason, *retry_at, batch.now());
    hold(!batch.is_newer || would_be.is_ok_and(|news| batch.is(&news.events)), Rule::RetirementOutOfTurn)?;
    batch.stands_alone()
}

fn plan_retirement(batch: &Batch<'_>, version: VersionId) -> Result<(), Rule> {
    let secret = batch.subject()?;
    let version = secret.version_by_id(version).ok_or(Rule::VersionMissing)?;
    let is_current = secret.current().is_some_and(|current| current.id == version.id);
    // Of the current one, the end of its data was asked for, or it has come.
    let is_asked_for = batch.rest.is_empty() && (!is_current || version.is_available());
    if is_asked_for { Ok(()) } else { lapsed(batch).or_else(|_| delete(batch)).or_else(|_| place(batch)) }
}

fn rotation(secret: &Secret) -> Result<&Rotation, Rule> {
    secret.rotation.as_deref().ok_or(Rule::RotationMismatch)
}

fn delete(batch: &Batch<'_>) -> Result<(), Rule> {
    let secret = batch.subject()?;
    let witness = unlocked(secret, Touch::Delete, &batch.state.whole).map_err(|obstacle| Rule::of_touch(&obstacle))?;
    // Release 0.1 gave a rotation up as if the store had not been restored.
    let wholes = [&batch.state.whole, &Whole::default()];
    let fits = wholes.into_iter().filter_map(|whole| plan_deletion(whole, secret, &witness));
    hold(fits.into_iter().any(|decision| batch.is(&decision.events)), Rule::BatchMismatch)
}

/// What was made is told while it is waited for. An answer of a call that cannot be read is kept as the credential, and the
/// rotation parked with it.
fn issue(batch: &Batch<'_>, event: &CredentialIssued) -> Result<(), Rule> {
    let rotation = rotation(batch.subject()?)?;
    let is_waited_for = rotation.stage.is_called() || decide::is_making_awaited(rotation, &rotation.stage);
    hold(is_waited_for, Rule::RotationOutOfTurn)?;
    if rotation.value.is_none() {
        sealed_now(batch, &event.sealed)?;
    }
    if batch.rest.is_empty() {
        return Ok(());
    }
    let is_unread = event.outside.is_none() && event.expires_at.is_none() && rotation.value.is_none();
    let is_parked = parks(batch.rest, event.rotation);
    hold(is_unread && is_parked && rotation.stage.is_called(), Rule::BatchMismatch)
}

/// Holds data that comes from outside to the epoch in force.
fn sealed_now(batch: &Batch<'_>, sealed: &SealedRef) -> Result<(), Rule> {
    hold(newest_epoch(batch.state) == sealed.epoch, Rule::SealedEpoch)
}

/// A rotation is given up as far as its stage says; one that is being given up ends for the reason that was said then, or by
/// force, once it could not be ended, for any that a person says. Release 0.1 gave one up as if the store had not been restored.
fn give_up(batch: &Batch<'_>, reason: &Reason) -> Result<(), Rule> {
    let (secret, before) = (batch.subject()?, Whole::default());
    let rotation = rotation(secret)?;
    if let RotationStage::Aborting { reason: said, .. } | RotationStage::Ending { reason: said, .. } = &rotation.stage {
        let reason = if rotation.attempts > 0 { reason } else { said };
        let would_be = vec![(Some(secret.id), decide::aborted(rotation, reason).into())];
        return hold(batch.is(&would_be), Rule::RotationOutOfTurn);
    }
    let wholes = [&batch.state.whole, if batch.is_newer { &batch.state.whole } else { &before }];
    let fits = |whole: &Whole| batch.is(&decide::abort(whole, secret, rotation, reason).events);
    hold(wholes.into_iter().any(fits), Rule::RotationOutOfTurn)
}

/// A rotation that is resumed has as much time as at its beginning. Release 0.1 counted that to the nanosecond.
fn resume(batch: &Batch<'_>) -> Result<(), Rule> {
    batch.stands_alone()?;
    let secret = batch.subject()?;
    let would_be = decide::resume(secret, rotation(secret)?, batch.now());
    let fits = would_be.is_ok_and(|decision| batch.is(&decision.events));
    hold(fits || !batch.is_newer, Rule::EndMismatch)
}

/// An attempt is made, by a job or not, or the rotation is parked instead.
fn attempt_by_now(batch: &Batch<'_>) -> Result<(), Rule> {
    let secret = batch.subject()?;
    let rotation = rotation(secret)?;
    let begun = |record: &Record| if let Event::JobBegun(event) = &record.event { Some(event.report_by) } else { None };
    let report_by = batch.rest.first().and_then(begun);
    let attempted = decide::attempt(batch.state, secret, rotation);
    let would_be = attempted.and_then(|attempted| decide::begin(attempted, rotation, report_by));
    hold(would_be.is_ok_and(|decision| batch.is(&decision.events)), Rule::RotationOutOfTurn)
}

/// Tells whether what follows is that a rotation is parked, and nothing else.
fn parks(rest: &[Record], id: RotationId) -> bool {
    matches!(rest, [one] if matches!(&one.event, Event::RotationParked(event) if event.rotation == id))
}

/// An attempt may be made by a job.
fn attempt(batch: &Batch<'_>, id: RotationId) -> Result<(), Rule> {
    let takes_jobs = rotation(batch.subject()?)?.class.takes_jobs();
    let is_job = |record: &Record| matches!(&record.event, Event::JobBegun(event) if event.rotation == id);
    let fits = batch.rest.is_empty() || (takes_jobs && batch.rest.len() == 1 && batch.rest.iter().all(is_job));
    hold(fits, Rule::BatchMismatch)
}

/// By force, a rotation goes over a grace or consumers, and says so. Release 0.1 did not look at them.
fn plan(batch: &Batch<'_>, event: &RotationPlanned) -> Result<(), Rule> {
    if batch.rest.len() > 1 {
        return adopt(batch, event);
    }
    event.value.map_or(Ok(()), |value| sealed_now(batch, &value))?;
    hold((1..=limits::ATTEMPTS_MAX).contains(&event.attempts_max), Rule::RotationOutOfTurn)?;
    if batch.is_newer {
        return plan_by_now(batch, event);
    }
    let is_due = event.trigger != RotationTrigger::ByPolicy || batch.is_due(batch.subject()?);
    hold(is_due, Rule::OriginMismatch)?;
    let [one] = batch.rest else { return Ok(()) };
    let secret = batch.subject()?;
    let held = held(secret, event.class.touch(), batch.state.whole.settings, batch.now());
    let (Event::HoldOverridden(told), Some(held)) = (&one.event, held) else { return Err(Rule::BatchMismatch) };
    let Held { version, graced_until, consumers, .. } = held;
    let would_be = HoldOverridden { rotation: event.rotation, version, graced_until, consumers };
    hold(*told == would_be, Rule::BatchMismatch)
}

/// A credential that exists outside becomes a version: a whole rotation in one batch. It was found by its tag, so its name outside
/// is known.
fn adopt(batch: &Batch<'_>, planned: &RotationPlanned) -> Result<(), Rule> {
    let is_found = planned.class == IssuerClass::CreateDiscoverable;
    let issued = batch.rest.iter().find_map(|record| {
        let Event::CredentialIssued(issued) = &record.event else { return None };
        (is_found && issued.outside.is_some()).then_some(issued)
    });
    let (secret, issued) = (batch.subject()?, issued.ok_or(Rule::BatchMismatch)?);
    hold(issued.expires_at.is_none_or(|end| end > batch.now()), Rule::CredentialEnded)?;
    sealed_now(batch, &issued.sealed)?;
    let is_by_hand = planned.trigger != RotationTrigger::ByPolicy && planned.attempts_max == 1;
    let knows = |other: &Secret| decide::knows(other, planned.rotation, issued.outside.as_ref());
    let is_known = knows(secret) || batch.state.secrets.values().any(|other| other.id != secret.id && knows(other));
    hold(is_by_hand && planned.deadline == batch.now() && !is_known, Rule::RotationOutOfTurn)?;
    hold(secret.has_room(), Rule::VersionCount)?;
    let touch = planned.class.touch();
    let witness = unlocked(secret, touch, &batch.state.whole).map_err(|obstacle| Rule::of_touch(&obstacle))?;
    let held = held(secret, touch, batch.state.whole.settings, batch.now());
    let would_be = adopted(secret, planned, issued, held, &witness, (&batch.terms(), batch.now()));
    hold(batch.is(&would_be.events), Rule::BatchMismatch)
}

fn plan_by_now(batch: &Batch<'_>, event: &RotationPlanned) -> Result<(), Rule> {
    let RotationPlanned { rotation: id, trigger, class, to, attempts_max, deadline, value, .. } = *event;
    let value = value.map(|sealed| Prepared {
        version: to,
        sealed,
        details: VersionDetails::Plain,
        expires_at: None,
        custom_metadata: None,
    });
    let new = NewRotation { id, trigger, class, to, attempts_max, deadline, value };
    let would_be = decide::plan(batch.state, batch.subject()?, &new, &batch.terms(), batch.now());
    hold(would_be.is_ok_and(|decision| batch.is(&decision.events)), Rule::RotationOutOfTurn)
}

/// A failure says what it uses up, unless the rotation is given up, and parks the rotation where it has to. Release 0.1 did
/// not count, and parked some more.
fn fail(batch: &Batch<'_>, event: &RotationAttemptFailed) -> Result<(), Rule> {
    let rotation = rotation(batch.subject()?)?;
    hold(event.retry_at >= batch.now().plus(limits::RETRY_PAUSE_MIN), Rule::EndMismatch)?;
    if let Some(value) = &event.value {
        // A value that was refused gives way to another; one that may have been set is kept.
        let is_refused = event.failure == AttemptFailure::Refused && rotation.stage == RotationStage::Attempted;
        hold(is_refused && rotation.class.replaces_in_place(), Rule::DataKeyMismatch)?;
        sealed_now(batch, value)?;
    }
    let (counted, rest) = match batch.rest {
        [Record { event: Event::AttemptCounted(counted), .. }, rest @ ..] => (Some(counted), rest),
        rest => (None, rest),
    };
    let is_parked = parks(rest, event.rotation);
    let fits = match counted {
        Some(counted) => {
            let why = why_parked(rotation, event.failure, counted.attempts, &Patience::from(counted));
            let why = why.filter(|_| rotation.parked.is_none());
            is_counted(batch, event.failure, counted)? && says_why(rest, why)
        }
        None if rotation.stage.is_given_up() || batch.is_newer => rotation.stage.is_given_up() && rest.is_empty(),
        None => is_parked || (rest.is_empty() && !was_parked_by(rotation, event.failure)),
    };
    hold(fits, Rule::BatchMismatch)
}

/// Tells whether what follows is that a rotation is parked for a reason, or nothing without one.
fn says_why(rest: &[Record], why: Option<&str>) -> bool {
    let Some(why) = why else { return rest.is_empty() };
    let [Record { event: Event::RotationParked(event), .. }] = rest else { return false };
    decide::is_parked_for(&event.reason, why)
}

/// Tells whether what is counted follows from what was counted before: one failure more, and one attempt, unless the issuer
/// may not have been available.
fn is_counted(batch: &Batch<'_>, failure: AttemptFailure, counted: &AttemptCounted) -> Result<bool, Rule> {
    let secret = batch.subject()?;
    let rotation = rotation(secret)?;
    let before = secret.patience.as_deref().map_or_else(|| Patience::of(rotation), Clone::clone);
    let is_in_turn = counted.rotation == rotation.id && !rotation.stage.is_given_up();
    let earlier = rotation.attempts.saturating_sub(u16::from(rotation.stage.is_out()));
    let later = rotation.attempts.saturating_add(u16::from(!rotation.stage.is_out()));
    let one_more = counted.attempts == later || rotation.stage == RotationStage::Planned;
    let attempts_fit = one_more || (failure != AttemptFailure::Refused && counted.attempts == earlier);
    let runs_fit = (before.runs..=before.runs.saturating_add(1)).contains(&counted.runs);
    let time_fits = counted.limit_secs == before.limit_secs
        && counted.counted_at == batch.now()
        && counted.failures == before.failures.saturating_add(1);
    Ok(is_in_turn && attempts_fit && runs_fit && time_fits)
}

/// A lock holds a commit back: said once, or, when a policy asked for it, each day, and then it is in the audit trail, too.
fn stage(batch: &Batch<'_>) -> Result<(), Rule> {
    let secret = batch.subject()?;
    let rotation = rotation(secret)?;
    if batch.is_newer {
        let would_be = decide::commit(batch.state, secret, rotation, batch.now());
        return hold(would_be.is_ok_and(|decision| batch.is(&decision.events)), Rule::RefusedByNothing);
    }
    let Err(Obstacle::Locks(blocked)) = unlocked(secret, rotation.class.touch(), &batch.state.whole) else {
        return Err(Rule::RefusedByNothing);
    };
    let refusal = Refusal::Locked(blocked);
    hold(rotation.parked.is_none(), Rule::RotationOutOfTurn)?;
    let is_it =
        |record: &Record| record.event.audited_secret() == Some(secret.id) && record.event.refusal() == Some(&refusal);
    hold(batch.rest.iter().all(is_it), Rule::RefusedByNothing)?;
    let reported_at = rotation.stage.reported_at();
    let is_due = reported_at.is_none_or(|at| batch.now() >= at.plus(limits::REFUSED_ROTATION_PAUSE));
    hold(is_due, Rule::RotationOutOfTurn)?;
    let fits = match (rotation.trigger, batch.rest) {
        (RotationTrigger::ByPolicy, [one]) => {
            matches!(one.event, Event::ScheduledRotationRefused(_))
        }
        (RotationTrigger::FirstVersion | RotationTrigger::ByHand, [one]) => {
            reported_at.is_none() && matches!(one.event, Event::RotationRefused(_))
        }
        (RotationTrigger::FirstVersion | RotationTrigger::ByHand, []) => reported_at.is_some(),
        (RotationTrigger::ByPolicy | RotationTrigger::FirstVersion | RotationTrigger::ByHand, _) => false,
    };
    hold(fits, Rule::BatchMismatch)
}

/// The version follows its commit, and what falls out of the window is let go. Release 0.1 did not yet say of a credential
/// that another issuer made that it is kept, and ended it.
fn commit(batch: &Batch<'_>) -> Result<(), Rule> {
    let secret = batch.subject()?;
    let rotation = rotation(secret)?;
    let credential = rotation.stage.made().ok_or(Rule::RotationOutOfTurn)?;
    hold(credential.expires_at.is_none_or(|end| end > batch.now()), Rule::CredentialEnded)?;
    let witness =
        unlocked_at_commit(secret, rotation, &batch.state.whole).map_err(|obstacle| Rule::of_touch(&obstacle))?;
    let would_be = replace(secret, rotation, credential, &witness).events;
    if batch.is(&would_be) {
        return Ok(());
    }
    let mut as_before: Events =
        would_be.into_iter().filter(|(_, event)| !matches!(event, Event::CredentialKept(_))).collect();
    let replaced = secret.current().filter(|_| rotation.class.replaces_in_place());
    if let Some(version) = replaced.filter(|version| version.credential.as_deref().is_some_and(Credential::is_retiring))
        && let Some(sealed) = version.data.sealed()
    {
        let (version, data_key, cause) = (version.id, sealed.data_key, DestroyCause::Retired);
        let ended = Event::from(VersionDataDestroyed { version, data_key, cause });
        if !as_before.iter().any(|(_, event)| *event == ended) {
            as_before.push((Some(secret.id), ended));
        }
    }
    hold(batch.is(&as_before), Rule::BatchMismatch)
}
