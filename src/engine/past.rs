//! Owns the store at a past moment: the last past state before a position, and the records after it.
//!
//! A secret is reported as hidden, and never made up, if its words were erased and not restated up to that moment. Rows
//! that their mark does not prove are skipped for an earlier past state, and finally for the beginning of the log. Read
//! next: [`super::history`].

use std::collections::BTreeSet;
use std::ops::{ControlFlow, Range};
use std::sync::Arc;

use crate::codec::keys;
use crate::codec::mark::RowTotal;
use crate::codec::past::{decode_past_mark, decode_past_secret, decode_past_whole};
use crate::domain::event::Event;
use crate::domain::id::{GroupId, SecretId};
use crate::domain::position::Position;
use crate::domain::record::{Record, Subject};
use crate::domain::secret::Secret;
use crate::domain::state::State;
use crate::domain::step::{ErasedRecord, Step, evolve_step};
use crate::domain::time::Timestamp;
use crate::error::{Error, ErrorKind};
use crate::ledger::{ChainEnd, ChainVerifier, Head};
use crate::storage::chunks::{read_chunked, scan_chunked};
use crate::storage::{KeyRange, Storage};

use super::held::HeldLog;
use super::history::last_mark;
use super::log::head_before;
use super::recovery::settle;
use super::replay::replay;
use super::saved::Mark;
use super::sharing::Sharing;
use super::snapshot::Snapshot;

/// The state after some number of records, as far as it can still be known.
#[derive(Clone, Debug, Default)]
pub(crate) struct Past {
    pub(crate) state: State,
    /// Secrets that existed, and of which no more is known.
    pub(crate) hidden: BTreeSet<SecretId>,
    /// Hidden secrets that are being restated.
    coming_back: BTreeSet<SecretId>,
    /// Groups that existed, and of which no more is known.
    hidden_groups: BTreeSet<GroupId>,
    /// Records about groups whose words are erased; the groups are unknown.
    erased_of_groups: BTreeSet<Position>,
    /// Records that were replayed.
    pub(crate) replayed: u64,
}

impl Past {
    /// Wraps a state that saw everything.
    pub(crate) fn known(state: State) -> Self {
        Self { state, ..Self::default() }
    }

    /// Returns whether other groups than those of the state may have existed.
    pub(crate) fn hides_groups(&self) -> bool {
        !self.hidden_groups.is_empty() || !self.erased_of_groups.is_empty()
    }

    /// Applies one step.
    fn take(&mut self, step: &Step) {
        evolve_step(&mut self.state, step);
        match step {
            Step::Erased(ErasedRecord { subject: Some(Subject { secret, .. }), .. }) => {
                self.coming_back.remove(secret);
                self.hidden.insert(*secret);
            }
            Step::Erased(erased) => {
                self.erased_of_groups.insert(erased.position);
            }
            Step::Told(Record { event: Event::BodiesErased(event), .. }) => {
                // What is still true of them follows in the same batch.
                for position in &event.positions {
                    self.erased_of_groups.remove(position);
                }
            }
            Step::Told(Record { event: Event::GroupRestated(event), .. }) => {
                _ = self.hidden_groups.remove(&event.group);
            }
            Step::Told(Record { event: Event::GroupDeleted(event), .. }) => _ = self.hidden_groups.remove(&event.group),
            Step::Told(Record { event: Event::SecretDeleted(_), subject: Some(subject), .. }) => {
                self.hidden.remove(&subject.secret);
            }
            // Its versions and locks follow in the same batch; until then only a part of it is known.
            Step::Told(Record { event: Event::SecretRestated(_), subject: Some(subject), .. }) => {
                self.coming_back.insert(subject.secret);
            }
            Step::Told(_) => {}
        }
        if step.ends_batch() {
            for id in std::mem::take(&mut self.coming_back) {
                self.hidden.remove(&id);
            }
        }
    }

    /// Removes secrets of which only a part is known.
    fn settle(&mut self) {
        for id in &self.hidden {
            self.state.take_out(*id);
        }
        settle(&mut self.state);
    }

    /// Removes locks whose lease had ended by a time, whether the log has recorded that yet or not.
    pub(crate) fn end_leases(&mut self, time: Timestamp) {
        let has_one = |secret: &Secret| secret.locks().any(|(_, lock)| lock.is_over(time));
        let secrets = self.state.secrets.values().filter(|secret| has_one(secret));
        for id in secrets.map(|secret| secret.id).collect::<Vec<_>>() {
            if let Some(secret) = self.state.secrets.get_mut(&id) {
                Secret::end_leases(secret, time);
            }
        }
    }
}

/// Returns the state after `size` records of the log.
///
/// # Errors
///
/// Kind `Corrupt` when the log is damaged, or does not fit the voucher.
pub(crate) fn past(log: &HeldLog<'_>, size: Position) -> Result<Past, Error> {
    let mut at_most = size;
    let (mut past, mark) = loop {
        let Some(at) = last_mark(log.storage, at_most)? else { break (Past::default(), start(log)) };
        if let Some(found) = load_if_whole(log.storage, &log.snapshot, at)? {
            break found;
        }
        // It is damaged, of another release, or was just being changed.
        match at.get().checked_sub(1) {
            Some(before) => at_most = Position::new(before),
            None => break (Past::default(), start(log)),
        }
    };
    let mut end = (mark.position, Head::from_bytes(mark.head));
    if mark.position < size {
        let verifier = ChainVerifier::from_slice(mark.position, end.1);
        let ended = replay(log.storage, verifier, mark.position..size, &mut |batch| {
            for step in &batch {
                past.take(step);
            }
            Ok(())
        })?;
        log.check_bodies(mark.position..ended.end.size, ended.missing.all())?;
        end = (ended.end.size, ended.end.head);
        past.replayed = size.get().saturating_sub(mark.position.get());
    }
    if end.0 < size {
        return Err(Error::records_lost(end.0.get(), size.get()));
    }
    log.check_head(end.0, &end.1)?;
    past.state.whole.log_size = size;
    past.settle();
    Ok(past)
}

fn start(log: &HeldLog<'_>) -> Mark {
    let end = ChainEnd::genesis(log.log_id);
    Mark { position: end.size, head: *end.head.as_bytes() }
}

/// Loads a past state, if its mark proves its rows and it is on the chain of the log.
fn load_if_whole(storage: &dyn Storage, snapshot: &Snapshot, at: Position) -> Result<Option<(Past, Mark)>, Error> {
    match load(storage, snapshot, at) {
        Ok(Some((past, mark))) if head_before(storage, at)? == Some(mark.head) => Ok(Some((past, mark))),
        Err(error) if *error.kind() != ErrorKind::Corrupt => Err(error),
        _ => Ok(None),
    }
}

/// Loads a past state; `None` when its mark does not prove its rows, or words were erased since.
fn load(storage: &dyn Storage, snapshot: &Snapshot, at: Position) -> Result<Option<(Past, Mark)>, Error> {
    let key = snapshot.vouching.key.bytes();
    let Some(row) = storage.get(&keys::past_mark(at))? else { return Ok(None) };
    let Ok(mark) = decode_past_mark(key, at, &row) else { return Ok(None) };
    let Some(row) = read_chunked(storage, &keys::past_whole(at))? else { return Ok(None) };
    let Ok((whole, digest)) = decode_past_whole(key, at, &row) else { return Ok(None) };
    let mut past = Past { hidden_groups: whole.erased, ..Past::default() };
    past.state.whole = whole.whole;
    let (mut total, mut sharing) = (RowTotal::default(), Sharing::default());
    scan_chunked(storage, &KeyRange::prefix(&keys::past_secrets(at)), &mut |row_key, row| {
        let Some((_, id)) = keys::parse_past_secret(row_key) else { return ControlFlow::Continue(()) };
        let Ok((secret, digest)) = decode_past_secret(key, at, id, row) else { return ControlFlow::Break(()) };
        total.add(&digest);
        past.put(id, secret, &mut sharing);
        ControlFlow::Continue(())
    })?;
    let is_whole =
        total == mark.total && *digest.as_bytes() == mark.whole && mark.erased_up_to >= snapshot.history.erased_up_to();
    Ok(is_whole.then_some((past, Mark { position: at, head: mark.head })))
}

impl Past {
    fn put(&mut self, id: SecretId, secret: Option<Secret>, sharing: &mut Sharing) {
        match secret {
            Some(mut secret) => {
                sharing.share(&mut secret);
                let name = (secret.secret_type(), secret.metadata.name.clone());
                self.state.names.insert(name, id);
                self.state.secrets.insert(id, Arc::new(secret));
            }
            None => {
                self.hidden.insert(id);
            }
        }
    }
}

/// Returns the positions of past states that cannot be used: damaged, changed, or of another release.
pub(crate) fn unusable(storage: &dyn Storage, snapshot: &Snapshot) -> Result<Vec<Position>, Error> {
    let (mut found, mut at_most) = (Vec::new(), Position::new(u64::MAX));
    while let Some(at) = last_mark(storage, at_most)? {
        // An erasure may be changing its rows right now: look twice.
        let is_usable = || load_if_whole(storage, snapshot, at).map(|found| found.is_some());
        if !is_usable()? && !is_usable()? {
            found.push(at);
        }
        let Some(before) = at.get().checked_sub(1) else { break };
        at_most = Position::new(before);
    }
    Ok(found)
}

/// Returns how many records up to the end of a stretch were made at a time or before. Takes `O(log n)` looks at the
/// log, since recorded times never go back within a stretch.
pub(crate) fn size_at(log: &HeldLog<'_>, time: Timestamp, stretch: Range<Position>) -> Result<Position, Error> {
    let (mut known, mut end) = (stretch.start.get(), stretch.end.get());
    while known < end {
        let middle = known.midpoint(end);
        if time_of(log, Position::new(middle))? <= time {
            known = middle.saturating_add(1);
        } else {
            end = middle;
        }
    }
    Ok(Position::new(known))
}

/// Returns the time of a record in the log.
pub(crate) fn time_of(log: &HeldLog<'_>, position: Position) -> Result<Timestamp, Error> {
    let mut at = None;
    log.each(position, position.next(), &mut |raw| {
        at = Some(raw.header().time);
        Ok(ControlFlow::Break(()))
    })?;
    at.ok_or_else(|| Error::corrupt(format!("record {position} is not in the log; restore it from a backup")))
}
