//! Owns what is made of a history: records left out, repeated, exchanged, joined with those of another, and numbered anew.

use std::collections::BTreeMap;

use crate::domain::event::{BodiesErased, Event, LockRestated, StoreRestored, VersionRestated};
use crate::domain::id::SecretId;
use crate::domain::position::{Position, Revision};
use crate::domain::record::{Record, Subject};
use crate::domain::refusal::Refusal;
use crate::domain::state::State;
use crate::domain::time::Timestamp;

/// What is done to a history.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    LeftOut,
    BatchLeftOut,
    RepeatedInBatch,
    RepeatedBehind,
    BatchRepeated,
    NeighboursExchanged,
    BatchesExchanged,
    BodiesExchanged,
    Joined,
    Split,
    Spliced,
}

impl Kind {
    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::LeftOut => "record left out",
            Self::BatchLeftOut => "batch left out",
            Self::RepeatedInBatch => "record repeated in its batch",
            Self::RepeatedBehind => "record repeated behind its batch",
            Self::BatchRepeated => "batch repeated",
            Self::NeighboursExchanged => "neighbouring records exchanged",
            Self::BatchesExchanged => "neighbouring batches exchanged",
            Self::BodiesExchanged => "bodies exchanged",
            Self::Joined => "two batches made one",
            Self::Split => "batch made two",
            Self::Spliced => "beginning of one history, end of another",
        }
    }
}

/// Batches of records whose numbers do not count.
pub(super) type Batches = Vec<Vec<Record>>;

/// A history that was changed: the same as the one it comes from in front of a batch.
pub(super) struct Mutant {
    pub(super) kind: Kind,
    /// The names of the events that were changed.
    pub(super) labels: String,
    pub(super) same: usize,
    pub(super) rest: Batches,
}

pub(super) fn batches(log: &[Record]) -> Batches {
    log.chunk_by(|record, _| !record.ends_batch()).map(<[Record]>::to_vec).collect()
}

/// Names the events of a batch.
pub(super) fn labels(batch: &[Record]) -> String {
    let mut labels: Vec<_> = batch.iter().map(|record| record.event.label()).collect();
    labels.dedup();
    labels.join("+")
}

/// Gives every mutant of one history.
pub(super) fn of(log: &Batches) -> Vec<Mutant> {
    let mut made = Vec::new();
    for (same, batch) in log.iter().enumerate() {
        let rest = &log[same..];
        let mut add = |kind, labels: String, first: Batches, taken: usize| {
            let first: Batches = first.into_iter().filter(|batch| !batch.is_empty()).collect();
            let rest = first.into_iter().chain(rest[taken..].iter().cloned()).collect();
            made.push(Mutant { kind, labels, same, rest });
        };
        add(Kind::BatchLeftOut, labels(batch), vec![], 1);
        add(Kind::BatchRepeated, labels(batch), vec![batch.clone(), batch.clone()], 1);
        for (at, record) in batch.iter().enumerate() {
            let label = || record.event.label().to_owned();
            let without = [&batch[..at], &batch[at + 1..]].concat();
            if batch.len() > 1 {
                add(Kind::LeftOut, label(), vec![without], 1);
            }
            let twice = [&batch[..=at], &batch[at..]].concat();
            add(Kind::RepeatedInBatch, label(), vec![twice], 1);
            add(Kind::RepeatedBehind, label(), vec![batch.clone(), vec![record.clone()]], 1);
            if at > 0 {
                let (one, two) = batch.split_at(at);
                add(Kind::Split, labels(batch), vec![one.to_vec(), two.to_vec()], 1);
            }
        }
        let Some(next) = rest.get(1) else { continue };
        let pair = || format!("{} <> {}", labels(batch), labels(next));
        add(Kind::BatchesExchanged, pair(), vec![next.clone(), batch.clone()], 2);
        add(Kind::Joined, pair(), vec![[&batch[..], next].concat()], 2);
    }
    exchanged(log, &mut made);
    made
}

/// Records so near each other are exchanged whatever they are; those of one kind, wherever they are.
const NEAR: usize = 6;

fn exchanged(log: &Batches, made: &mut Vec<Mutant>) {
    let places: Vec<(usize, usize)> =
        log.iter().enumerate().flat_map(|(at, batch)| (0..batch.len()).map(move |index| (at, index))).collect();
    for (first, one) in places.iter().enumerate() {
        for (far, two) in places.iter().enumerate().skip(first + 1) {
            let (a, b) = (&log[one.0][one.1], &log[two.0][two.1]);
            let pair = || format!("{} <> {}", a.event.label(), b.event.label());
            let mut add = |kind, change: &dyn Fn(&mut Record, &Record)| {
                let mut rest = log[one.0..].to_vec();
                change(&mut rest[0][one.1], b);
                change(&mut rest[two.0 - one.0][two.1], a);
                made.push(Mutant { kind, labels: pair(), same: one.0, rest });
            };
            if far == first + 1 {
                // Times belong to places: they go on forward.
                add(Kind::NeighboursExchanged, &|record, other| {
                    let at = record.recorded_at;
                    *record = Record { recorded_at: at, ..other.clone() };
                });
            }
            if a.event != b.event && (far - first < NEAR || a.event.number() == b.event.number()) {
                add(Kind::BodiesExchanged, &|record, other| record.event = other.event.clone());
            }
        }
    }
}

/// Gives what begins as one history and goes on as another.
pub(super) fn spliced(one: &Batches, two: &Batches, is_same: bool) -> Vec<Mutant> {
    let mut made = Vec::new();
    for same in 1..=one.len() {
        for from in 1..two.len() {
            // What leaves out one batch, or repeats it, is made already.
            if !is_same || from > same + 1 || from + 1 < same {
                made.push(Mutant { kind: Kind::Spliced, labels: labels(&two[from]), same, rest: two[from..].to_vec() });
            }
        }
    }
    made
}

/// Numbers records anew: positions, revisions, counts of batches, and positions that events name.
pub(super) struct Numbers {
    /// Where records are by now that were somewhere else.
    moved: BTreeMap<Position, Position>,
    pub(super) next: Position,
    pub(super) last_at: Timestamp,
    pub(super) revisions: BTreeMap<SecretId, Revision>,
}

impl Numbers {
    /// Goes on behind a state.
    pub(super) fn behind(state: &State) -> Self {
        let next = state.log_size();
        let moved = (0..next.get()).map(|at| (Position::new(at), Position::new(at))).collect();
        let revisions = state.secrets.values().map(|secret| (secret.id, secret.revision)).collect();
        Self { moved, next, last_at: state.whole.last_at, revisions }
    }

    pub(super) fn batch(&mut self, batch: &[Record]) -> Vec<Record> {
        let count = u16::try_from(batch.len()).unwrap();
        let at = batch.iter().map(|record| record.recorded_at).max().unwrap().max(self.last_at);
        self.last_at = at;
        let mut numbered = Vec::with_capacity(batch.len());
        for (index, record) in (0..).zip(batch) {
            let position = self.next;
            self.next = position.next();
            self.moved.insert(record.position, position);
            let subject = record.subject.map(|subject| {
                let made = matches!(record.event, Event::SecretCreated(_));
                let before = self.revisions.get(&subject.secret).filter(|_| !made);
                let revision = before.map_or(Revision::FIRST, |before| before.next());
                self.revisions.insert(subject.secret, revision);
                Subject { secret: subject.secret, revision }
            });
            if let Event::ClockRebased(event) = &record.event {
                self.last_at = event.observed_at;
            }
            let event = self.renamed(&record.event, position);
            numbered.push(Record { position, index, count, subject, recorded_at: at, event, ..record.clone() });
        }
        numbered
    }

    fn renamed(&self, event: &Event, own: Position) -> Event {
        let moved = |position: Position| self.moved.get(&position).copied();
        match event {
            Event::BodiesErased(event) => {
                let mut positions: Vec<_> = event.positions.iter().filter_map(|position| moved(*position)).collect();
                positions.sort();
                positions.dedup();
                BodiesErased { positions: positions.into() }.into()
            }
            Event::StoreRestored(event) => StoreRestored { log_size: own, ..event.clone() }.into(),
            Event::VersionRestated(event) => {
                let data_from = moved(event.data_from).unwrap_or(event.data_from);
                VersionRestated { data_from, ..event.clone() }.into()
            }
            Event::LockRestated(event) => {
                let fencing_token = moved(event.fencing_token).unwrap_or(event.fencing_token);
                LockRestated { fencing_token, ..event.clone() }.into()
            }
            other => {
                let mut event = other.clone();
                refusal(&mut event).into_iter().for_each(|refusal| self.rename_tokens(refusal));
                event
            }
        }
    }

    /// Names the positions of locks that stand in the way anew.
    fn rename_tokens(&self, refusal: &mut Refusal) {
        let Refusal::Locked(blocked) = refusal else { return };
        for lock in &mut blocked.locks {
            lock.fencing_token = self.moved.get(&lock.fencing_token).copied().unwrap_or(lock.fencing_token);
        }
    }
}

fn refusal(event: &mut Event) -> Option<&mut Refusal> {
    match event {
        Event::ReadRefused(event) => Some(&mut event.refusal),
        Event::RotationRefused(event) => Some(&mut event.refusal),
        Event::ScheduledRotationRefused(event) => Some(&mut event.refusal),
        Event::DeletionRefused(event) => Some(&mut event.refusal),
        Event::DataDestructionRefused(event) => Some(&mut event.refusal),
        _ => None,
    }
}
