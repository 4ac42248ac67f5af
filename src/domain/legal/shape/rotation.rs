//! Owns which records stand together that begin with one about a rotation by an issuer, or about a credential.

use super::super::super::decide::{
    adopted, finish_retirement, is_aborting, may_park, plan_deletion, replace, was_parked_by, why_parked,
};
use super::super::super::event::{Event, VersionDataDestroyed};
use super::super::super::event_kind::{of_secret, of_trail, of_whole};
use super::super::super::held::{Held, held};
use super::super::super::id::{RotationId, VersionId};
use super::super::super::limits;
use super::super::super::patience::Patience;
use super::super::super::record::Record;
use super::super::super::refusal::Refusal;
use super::super::super::rotation::{
    AttemptFailure, Credential, IssuerClass, Rotation, RotationStage, RotationTrigger,
};
use super::super::super::rotation_event::{
    AttemptCounted, CredentialIssued, HoldOverridden, RotationAttemptFailed, RotationPlanned,
};
use super::super::super::secret::Secret;
use super::super::super::state::Whole;
use super::super::super::touch::{Touch, unlocked, unlocked_at_commit};
use super::super::super::version::DestroyCause;
use super::super::{Rule, hold};
use super::secret::{lapsed, place};
use super::{Batch, Events};

#[allow(clippy::unnested_or_patterns, reason = "the lists of events are macros, and name events one by one")]
pub(super) fn check(batch: &Batch<'_>) -> Result<(), Rule> {
    match &batch.head.event {
        Event::RotationPlanned(event) => plan(batch, event),
        Event::RotationAborted(_)
        | Event::RotationResumed(_)
        | Event::RetirementFailed(_)
        | Event::RetirementJobBegun(_)
        | Event::AbortPlanned(_)
        | Event::VersionAcknowledged(_) => batch.stands_alone(),
        Event::DeletionPlanned(_) => delete(batch),
        Event::RetirementPlanned(event) => plan_retirement(batch, event.version),
        Event::CredentialRetired(event) => {
            let would_be = finish_retirement(batch.state, batch.subject()?, event.version, batch.now());
            hold(would_be.is_ok_and(|decision| batch.is(&decision.events)), Rule::BatchMismatch)
        }
        Event::CredentialIssued(event) => issue(batch, event),
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
    let witness = unlocked(secret, Touch::Delete, &batch.state.whole).map_err(|refusal| Rule::of_touch(&refusal))?;
    // Release 0.1 gave a rotation up as if the store had not been restored.
    let wholes = [&batch.state.whole, &Whole::default()];
    let fits = wholes.into_iter().filter_map(|whole| plan_deletion(whole, secret, &witness));
    hold(fits.into_iter().any(|decision| batch.is(&decision.events)), Rule::BatchMismatch)
}

/// An answer of a call that cannot be read is kept as the credential, and the rotation parked with it.
fn issue(batch: &Batch<'_>, event: &CredentialIssued) -> Result<(), Rule> {
    if batch.rest.is_empty() {
        return Ok(());
    }
    let rotation = rotation(batch.subject()?)?;
    let is_unread = event.outside.is_none() && event.expires_at.is_none() && rotation.value.is_none();
    let is_parked = parks(batch.rest, event.rotation);
    hold(is_unread && is_parked && rotation.stage.is_called(), Rule::BatchMismatch)
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
    let [one] = batch.rest else { return if batch.rest.is_empty() { Ok(()) } else { adopt(batch, event) } };
    let secret = batch.subject()?;
    let held = held(secret, event.class.touch(), batch.state.whole.settings, batch.now());
    let fits = match (&one.event, held) {
        (Event::HoldOverridden(told), Some(Held { version, graced_until, consumers, .. })) => {
            *told == HoldOverridden { rotation: event.rotation, version, graced_until, consumers }
        }
        _ => false,
    };
    hold(fits, Rule::BatchMismatch)
}

/// A credential that exists outside becomes a version: a whole rotation in one batch. It was found by its tag, so its name outside
/// is known.
fn adopt(batch: &Batch<'_>, planned: &RotationPlanned) -> Result<(), Rule> {
    let is_found = planned.class == IssuerClass::CreateDiscoverable;
    let issued = batch.rest.iter().find_map(|record| match &record.event {
        Event::CredentialIssued(issued) if is_found && issued.outside.is_some() => Some(issued),
        _ => None,
    });
    let (secret, issued) = (batch.subject()?, issued.ok_or(Rule::BatchMismatch)?);
    hold(issued.expires_at.is_none_or(|end| end > batch.now()), Rule::CredentialEnded)?;
    let touch = planned.class.touch();
    let witness = unlocked(secret, touch, &batch.state.whole).map_err(|refusal| Rule::of_touch(&refusal))?;
    let held = held(secret, touch, batch.state.whole.settings, batch.now());
    let would_be = adopted(secret, planned, issued, held, &witness, (&batch.terms(), batch.now()));
    hold(batch.is(&would_be.events), Rule::BatchMismatch)
}

/// A failure says what it uses up, unless the rotation is given up, and parks the rotation where it has to. Release 0.1 did
/// not count, and parked some more.
fn fail(batch: &Batch<'_>, event: &RotationAttemptFailed) -> Result<(), Rule> {
    let rotation = rotation(batch.subject()?)?;
    let (counted, rest) = match batch.rest {
        [Record { event: Event::AttemptCounted(counted), .. }, rest @ ..] => (Some(counted), rest),
        rest => (None, rest),
    };
    let is_parked = parks(rest, event.rotation);
    let fits = match counted {
        Some(counted) => {
            let is_over = why_parked(rotation, event.failure, counted.attempts, &Patience::from(counted)).is_some();
            let has_to = is_over && rotation.parked.is_none();
            is_counted(batch, event.failure, counted)? && is_parked == has_to && (is_parked || rest.is_empty())
        }
        None => is_parked || (rest.is_empty() && !was_parked_by(rotation, event.failure)),
    };
    hold(fits, Rule::BatchMismatch)
}

/// Tells whether what is counted follows from what was counted before: one failure more, and one attempt, unless the issuer
/// may not have been available.
fn is_counted(batch: &Batch<'_>, failure: AttemptFailure, counted: &AttemptCounted) -> Result<bool, Rule> {
    let secret = batch.subject()?;
    let rotation = rotation(secret)?;
    let before = secret.patience.as_deref().map_or_else(|| Patience::of(rotation), Clone::clone);
    let is_in_turn = counted.rotation == rotation.id && !is_aborting(rotation);
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
    let witness = unlocked(secret, rotation.class.touch(), &batch.state.whole);
    hold(matches!(witness, Err(Refusal::Locked(_))), Rule::RefusedByNothing)?;
    let reported_at = match &rotation.stage {
        RotationStage::Staged { reported_at, .. } => Some(*reported_at),
        RotationStage::Planned
        | RotationStage::Attempted
        | RotationStage::Issued(_)
        | RotationStage::Aborting { .. }
        | RotationStage::Doubted
        | RotationStage::Awaiting { .. }
        | RotationStage::Ending { .. } => None,
    };
    let is_due = reported_at.is_none_or(|at| batch.now() >= at.plus(limits::REFUSED_ROTATION_PAUSE));
    hold(is_due, Rule::RotationOutOfTurn)?;
    let fits = match (rotation.trigger, batch.rest) {
        (RotationTrigger::ByPolicy, [one]) => {
            matches!(&one.event, Event::ScheduledRotationRefused(event) if event.secret == secret.id)
        }
        (RotationTrigger::FirstVersion | RotationTrigger::ByHand, [one]) => {
            reported_at.is_none() && matches!(&one.event, Event::RotationRefused(event) if event.secret == secret.id)
        }
        (RotationTrigger::FirstVersion | RotationTrigger::ByHand, []) => reported_at.is_some(),
        _ => false,
    };
    hold(fits, Rule::BatchMismatch)
}

/// The version follows its commit, and what falls out of the window is let go. Release 0.1 did not yet say of a credential
/// that another issuer made that it is kept, and ended it.
fn commit(batch: &Batch<'_>) -> Result<(), Rule> {
    let secret = batch.subject()?;
    let rotation = rotation(secret)?;
    let (RotationStage::Issued(credential) | RotationStage::Staged { credential, .. }) = &rotation.stage else {
        return Err(Rule::RotationOutOfTurn);
    };
    hold(credential.expires_at.is_none_or(|end| end > batch.now()), Rule::CredentialEnded)?;
    let witness =
        unlocked_at_commit(secret, rotation, &batch.state.whole).map_err(|refusal| Rule::of_touch(&refusal))?;
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
