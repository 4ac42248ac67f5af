//! Owns which records stand together: a batch is what one command leads to, no less and no more.
//!
//! The first record of a batch tells which commands it can be of; what has to follow is worked out by the very functions
//! that `decide` works it out by. Asked of batches of which everything was seen, with the secrets as they were before.
//! Read next: [`super::walk`].

mod rotation;
mod secret;

use std::sync::Arc;

use super::super::command::Terms;
use super::super::event::{BodiesErased, Event, GroupRestated, StoreRestored};
use super::super::event_kind::{of_rotation, of_secret, of_trail, of_whole};
use super::super::held::{Held, held};
use super::super::id::SecretId;
use super::super::quarantine::RestoredFrom;
use super::super::record::Record;
use super::super::refusal::{Operation, Refusal};
use super::super::restate::restated;
use super::super::secret::Secret;
use super::super::settings::AccessAudit;
use super::super::state::State;
use super::super::time::Timestamp;
use super::super::touch::{Touch, unlocked};
use super::{Rule, hold};

/// Events with the secret of each, as decisions have them.
type Events = Vec<(Option<SecretId>, Event)>;

/// A batch, and what it met.
pub(super) struct Batch<'a> {
    /// What belongs to no secret; the batch has changed no more of it than its own events say.
    pub(super) state: &'a State,
    /// The secrets that the batch changed, as they were before it.
    pub(super) before: &'a [Arc<Secret>],
    pub(super) head: &'a Record,
    pub(super) rest: &'a [Record],
}

/// Holds a batch to being what one command leads to.
#[allow(clippy::unnested_or_patterns, reason = "the lists of events are macros, and name events one by one")]
pub(super) fn check(batch: &Batch<'_>) -> Result<(), Rule> {
    match &batch.head.event {
        of_trail!() => trail(batch),
        of_whole!() => whole(batch),
        of_secret!() => secret::check(batch),
        of_rotation!() => rotation::check(batch),
    }
}

impl Batch<'_> {
    /// Gives a secret as it was before the batch.
    fn secret(&self, id: SecretId) -> Option<&Secret> {
        let before = self.before.iter().find(|secret| secret.id == id);
        before.or_else(|| self.state.secret(id)).map(AsRef::as_ref)
    }

    /// Gives the secret that the first record is about, as it was before.
    fn subject(&self) -> Result<&Secret, Rule> {
        let id = self.head.subject.ok_or(Rule::SubjectMismatch)?.secret;
        self.secret(id).ok_or(Rule::UnknownSecret)
    }

    fn now(&self) -> Timestamp {
        self.head.recorded_at
    }

    /// Gives the terms of who caused the batch; whether force was needed, each event says.
    fn terms(&self) -> Terms {
        Terms { force: true, ..Terms::by(self.head.context.actor.clone()) }
    }

    fn records(&self) -> impl Iterator<Item = &Record> {
        std::iter::once(self.head).chain(self.rest)
    }

    /// Tells whether the batch has these events, and no others.
    fn is(&self, events: &Events) -> bool {
        same(self.records(), events)
    }

    fn stands_alone(&self) -> Result<(), Rule> {
        hold(self.rest.is_empty(), Rule::BatchMismatch)
    }
}

/// Tells whether records have these events, and no others.
fn same<'a>(records: impl Iterator<Item = &'a Record>, events: &Events) -> bool {
    let told = records.map(|record| (record.subject.map(|subject| subject.secret), &record.event));
    told.eq(events.iter().map(|(secret, event)| (*secret, event)))
}

fn whole(batch: &Batch<'_>) -> Result<(), Rule> {
    let fits = |is_so| hold(is_so, Rule::BatchMismatch);
    if let Event::StoreCreated(_) = &batch.head.event {
        return fits(
            batch.rest.iter().all(|record| matches!(record.event, Event::SigningKeySet(_))) && batch.rest.len() < 2,
        );
    }
    if let Event::StoreRestored(event) = &batch.head.event {
        return restore(batch, event);
    }
    if let Event::BodiesErased(event) = &batch.head.event {
        return erase(batch, event);
    }
    if let Event::GroupRestated(_) = &batch.head.event {
        return Err(Rule::RestatedAlone);
    }
    if let Event::ClockRanBack(event) = &batch.head.event {
        fits(event.observed_at < batch.now())?;
    }
    batch.stands_alone()
}

/// A restore ends with the new signing key; one from an export makes key slots of its own.
fn restore(batch: &Batch<'_>, event: &StoreRestored) -> Result<(), Rule> {
    let Some((last, slots)) = batch.rest.split_last() else { return Err(Rule::RestoreWithoutKey) };
    hold(matches!(last.event, Event::SigningKeySet(_)), Rule::RestoreWithoutKey)?;
    let from_backup = event.from == RestoredFrom::Backup;
    let is_slot = |record: &Record| matches!(record.event, Event::KeySlotAdded(_) | Event::KeySlotRemoved(_));
    let fits = event.with_data == from_backup && (slots.is_empty() || !from_backup) && slots.iter().all(is_slot);
    hold(fits, Rule::BatchMismatch)
}

/// What an erasure restates: groups, then secrets, in the order of their ids, each whole.
fn erase(batch: &Batch<'_>, _: &BodiesErased) -> Result<(), Rule> {
    let groups = batch.rest.iter().take_while(|record| matches!(record.event, Event::GroupRestated(_))).count();
    let (groups, mut rest) = batch.rest.split_at_checked(groups).unwrap_or_default();
    let group = |record: &Record| match &record.event {
        Event::GroupRestated(GroupRestated { group, .. }) => Some(*group),
        _ => None,
    };
    hold(groups.is_sorted_by(|one, other| group(one) < group(other)), Rule::BatchMismatch)?;
    let mut last = None;
    while let Some(first) = rest.first() {
        let id = first.subject.map(|subject| subject.secret);
        let is_first = matches!(first.event, Event::SecretRestated(_)) && id > last;
        hold(is_first && id.is_some(), Rule::BatchMismatch)?;
        let of_it = rest.iter().take_while(|record| record.subject.map(|subject| subject.secret) == id).count();
        let (told, others) = rest.split_at_checked(of_it).ok_or(Rule::BatchMismatch)?;
        if let Some(secret) = id.and_then(|id| batch.secret(id)) {
            let as_said = |event: Event| match (event, &first.event) {
                (Event::SecretRestated(known), Event::SecretRestated(said)) => known.told_as_by(said).into(),
                (event, _) => event,
            };
            let events: Events = restated(secret).map(|event| (id, as_said(event))).collect();
            // Release 0.1 counted nothing, and said nothing of it.
            let uncounted = told.iter().all(|record| !matches!(record.event, Event::AttemptCounted(_)));
            let is_older = |(_, event): &(_, Event)| !matches!(event, Event::AttemptCounted(_));
            let as_before: Events = events.iter().filter(|event| is_older(event)).cloned().collect();
            let is_whole = same(told.iter(), &events) || (uncounted && same(told.iter(), &as_before));
            hold(is_whole, Rule::RestatedInPart)?;
        }
        (last, rest) = (id, others);
    }
    Ok(())
}

/// What stands in the audit trail stands alone; reads are recorded many at a time.
fn trail(batch: &Batch<'_>) -> Result<(), Rule> {
    if let Event::AccessRecorded(_) = &batch.head.event {
        return hold(
            batch.rest.iter().all(|record| matches!(record.event, Event::AccessRecorded(_))),
            Rule::BatchMismatch,
        );
    }
    batch.stands_alone()?;
    if let Event::CommandHadNoEffect(_) | Event::CommandRefused(_) = &batch.head.event {
        return hold(batch.head.context.idempotency.is_some(), Rule::AnswerForNobody);
    }
    let refusal = batch.head.event.refusal().ok_or(Rule::BatchMismatch)?;
    refused(batch, refusal)
}

/// A rotation that a grace or consumers hold back is refused with their names.
fn held_back(batch: &Batch<'_>, told: &Held) -> Result<(), Rule> {
    let secret = batch.head.event.audited_secret().and_then(|id| batch.secret(id)).ok_or(Rule::UnknownSecret)?;
    let is_so = |touch| held(secret, touch, batch.state.whole.settings, batch.now()).as_ref() == Some(told);
    let is_of_rotation = matches!(batch.head.event, Event::RotationRefused(_) | Event::ScheduledRotationRefused(_));
    hold(is_of_rotation && (is_so(Touch::Rotate) || is_so(Touch::RotateInPlace)), Rule::RefusedByNothing)
}

/// A refusal by a lock is recorded of a secret in which locks stand in the way of what was asked for.
fn refused(batch: &Batch<'_>, refusal: &Refusal) -> Result<(), Rule> {
    if let Refusal::RotationHeld(told) = refusal {
        return held_back(batch, told);
    }
    let blocked = refusal.blocked().ok_or(Rule::RefusedByNothing)?;
    let secret = batch.head.event.audited_secret().and_then(|id| batch.secret(id)).ok_or(Rule::UnknownSecret)?;
    let is_so = |touch: Touch| match unlocked(secret, touch, &batch.state.whole) {
        Err(Refusal::Locked(found)) => found.locks_total == blocked.locks_total && found.secret == blocked.secret,
        Ok(_) | Err(_) => false,
    };
    let fits = match (&batch.head.event, blocked.operation) {
        (Event::ReadRefused(_), Operation::Read) => is_so(Touch::Regenerate),
        (Event::RotationRefused(_), Operation::Restore) => is_so(Touch::Restore),
        (Event::RotationRefused(_) | Event::ScheduledRotationRefused(_), Operation::Rotate) => {
            is_so(Touch::Rotate) || is_so(Touch::RotateInPlace)
        }
        (Event::DeletionRefused(_), Operation::Delete) => is_so(Touch::Delete),
        (Event::DataDestructionRefused(_), Operation::DestroyData) => {
            secret.versions.iter().any(|version| is_so(Touch::DestroyData(version.id)))
        }
        _ => false,
    };
    hold(fits, Rule::RefusedByNothing)
}

/// Where reads are recorded before data is handed out, the record of the read stands behind what it changed.
fn read(batch: &Batch<'_>) -> Result<(), Rule> {
    let secret = batch.subject()?.id;
    let is_it = |record: &Record| match &record.event {
        Event::AccessRecorded(access) => {
            let is_now = access.first_at == batch.now() && access.last_at == batch.now();
            access.secret == secret && access.reads == 1 && is_now && access.reader == batch.head.context.actor
        }
        _ => false,
    };
    let is_strict = batch.state.whole.settings.access_audit == AccessAudit::Strict;
    let fits = if is_strict { batch.rest.len() == 1 } else { batch.rest.is_empty() };
    hold(fits && batch.rest.iter().all(is_it), Rule::BatchMismatch)
}
