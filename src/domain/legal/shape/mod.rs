//! Owns which records stand together: a batch is what one command leads to, no less and no more.
//!
//! The first record of a batch tells which commands it can be of; what has to follow is worked out by the very functions
//! that `decide` works it out by. Asked of batches of which everything was seen, with the secrets as they were before.
//! Read next: [`super::walk`].

mod rotation;
mod secret;
mod trail;

use std::sync::Arc;
use std::time::Duration;

use super::super::command::Terms;
use super::super::event::{BodiesErased, Event, StoreRestored};
use super::super::event_kind::{of_rotation, of_secret, of_trail, of_whole};
use super::super::id::SecretId;
use super::super::limits;
use super::super::policy::IntervalUnit;
use super::super::quarantine::RestoredFrom;
use super::super::record::Record;
use super::super::restate::restated;
use super::super::secret::Secret;
use super::super::state::State;
use super::super::time::Timestamp;
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
    /// Whether a later release than 0.1 wrote some record so far: what 0.1 did otherwise is legal no more.
    pub(super) is_newer: bool,
}

/// How much earlier than now release 0.1 may have found that a rotation is due.
const FIRST_AHEAD: Duration = Duration::from_secs(4 * 86_400);

/// Holds a batch to being what one command leads to. Earlier writers counted versions that a rotation forgets in the retention window,
/// so that with fifty versions the window had room for one less.
pub(super) fn check(batch: &Batch<'_>) -> Result<(), Rule> {
    check_as_told(batch).or_else(|rule| {
        let narrower = narrower(batch).ok_or(rule)?;
        let before: Vec<Arc<Secret>> = std::iter::once(narrower).chain(batch.before.iter().cloned()).collect();
        check_as_told(&Batch { before: &before, ..*batch }).map_err(|_| rule)
    })
}

/// Gives the secret of a batch with the window that earlier writers saw; nothing where it is the same.
fn narrower(batch: &Batch<'_>) -> Option<Arc<Secret>> {
    let id = batch.head.subject.map(|subject| subject.secret).or_else(|| batch.head.event.audited_secret())?;
    let secret = batch.secret(id)?;
    let kept = usize::from(secret.metadata.retention).saturating_sub(1);
    let making_way = secret.making_way();
    let in_window = secret.versions.iter().rev().take(kept).filter(|version| making_way.contains(&version.id)).count();
    let less = u8::try_from(in_window).ok().filter(|less| *less > 0)?;
    let mut secret = secret.clone();
    secret.metadata.retention = secret.metadata.retention.saturating_sub(less);
    Some(Arc::new(secret))
}

#[allow(clippy::unnested_or_patterns, reason = "the lists of events are macros, and name events one by one")]
fn check_as_told(batch: &Batch<'_>) -> Result<(), Rule> {
    match &batch.head.event {
        of_trail!() => trail::check(batch),
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

    /// Tells whether the policy of a secret asks for a rotation. Release 0.1 counted months from each rotation, so that ends of
    /// months moved, and it came up to three days earlier now and then.
    fn is_due(&self, secret: &Secret) -> bool {
        let in_months = secret.policy.is_some_and(|policy| policy.interval.unit == IntervalUnit::Month);
        let ahead = if in_months && !self.is_newer { FIRST_AHEAD } else { Duration::ZERO };
        secret.may_rotate_at(self.now().plus(ahead))
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
        // It is written under the time of the record before it, which stands still.
        let (now, whole) = (batch.now(), &batch.state.whole);
        fits(event.observed_at < now && now == whole.last_at)?;
        // Release 0.1 said it anew after each opening.
        fits(!batch.is_newer || whole.clocks.ran_back_at != Some(now))?;
    }
    batch.stands_alone()
}

/// A restore ends with the new signing key; one from an export makes a key slot of its own.
fn restore(batch: &Batch<'_>, event: &StoreRestored) -> Result<(), Rule> {
    let Some((last, slots)) = batch.rest.split_last() else { return Err(Rule::RestoreWithoutKey) };
    hold(matches!(last.event, Event::SigningKeySet(_)), Rule::RestoreWithoutKey)?;
    let from_backup = event.from == RestoredFrom::Backup;
    let fits = if from_backup { slots.is_empty() } else { is_own_slot(slots) };
    hold(fits && event.with_data == from_backup, Rule::BatchMismatch)
}

/// The lowest slot that is free is filled, and all others are emptied, in their order; of a full set, slot 0 is emptied first.
fn is_own_slot(slots: &[Record]) -> bool {
    let removed =
        |record: &Record| if let Event::KeySlotRemoved(event) = &record.event { Some(event.slot) } else { None };
    let (first, slots) = match slots {
        [first, rest @ ..] if removed(first).is_some() => (removed(first), rest),
        slots => (None, slots),
    };
    let [Record { event: Event::KeySlotAdded(added), .. }, others @ ..] = slots else { return false };
    let others: Vec<Option<u8>> = others.iter().map(removed).collect();
    let lowest = (0..limits::KEY_SLOTS_MAX).find(|slot| !others.contains(&Some(*slot)));
    let is_full = others.len().saturating_add(1) == usize::from(limits::KEY_SLOTS_MAX);
    let is_first = if first.is_some() { is_full && first == Some(added.slot) } else { !others.is_empty() };
    let in_order = others.iter().all(Option::is_some) && others.is_sorted();
    lowest == Some(added.slot) && is_first && in_order
}

/// What an erasure restates: groups, then secrets, in the order of their ids, each whole.
fn erase(batch: &Batch<'_>, _: &BodiesErased) -> Result<(), Rule> {
    let groups = batch.rest.iter().take_while(|record| matches!(record.event, Event::GroupRestated(_))).count();
    let (groups, mut rest) = batch.rest.split_at_checked(groups).unwrap_or_default();
    let group =
        |record: &Record| if let Event::GroupRestated(event) = &record.event { Some(event.group) } else { None };
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
