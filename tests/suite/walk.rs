//! A walk over the log that holds it to what must be true of every log, worked out from the records alone.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use latchkeep::{
    Event, LockName, LogEntry, Position, Receipt, Record, Revision, SecretId, SecretType, Store, Timestamp, VersionId,
};

/// Every record, in order.
pub(crate) fn records(store: &Store) -> Vec<Record> {
    let mut found = Vec::new();
    let show = |entry| {
        match entry {
            LogEntry::Known(record) => found.push(*record),
            other => panic!("an event that nobody knows: {other:?}"),
        }
        ControlFlow::Continue(())
    };
    store.for_each_record(Position::FIRST, show).unwrap();
    found
}

pub(crate) fn labels(records: &[Record]) -> Vec<&'static str> {
    records.iter().map(|record| record.event.label()).collect()
}

/// What follows from the records read so far.
#[derive(Default)]
struct Walk {
    locks: BTreeMap<SecretId, BTreeMap<VersionId, BTreeSet<LockName>>>,
    certificates: BTreeSet<SecretId>,
    revisions: BTreeMap<SecretId, Revision>,
    last_at: Option<Timestamp>,
}

/// Walks over the log: no event ever destroyed or replaced data under a lock, revisions and positions have no gaps, and
/// time never runs back but behind a record that rebases the clock. Gives the records.
#[track_caller]
pub(crate) fn sound_log(store: &Store) -> Vec<Record> {
    let records = records(store);
    let mut walk = Walk::default();
    for (at, record) in records.iter().enumerate() {
        assert_eq!(record.position.get(), at as u64, "positions have no gaps");
        assert!(walk.last_at <= Some(record.recorded_at), "time ran back at {at}");
        walk.last_at = Some(match &record.event {
            Event::ClockRebased(rebased) => rebased.observed_at,
            _ => record.recorded_at,
        });
        let first = at - usize::from(record.index);
        assert_eq!(records[first].index, 0);
        assert_eq!(records[first].count, record.count);
        assert_eq!(records[first].context, record.context, "a batch has one context");
        walk.take(record);
    }
    assert!(records.last().unwrap().ends_batch());
    records
}

impl Walk {
    fn take(&mut self, record: &Record) {
        let Some(subject) = record.subject else { return };
        let id = subject.secret;
        let before = self.revisions.insert(id, subject.revision).map_or(0, Revision::get);
        assert_eq!(subject.revision.get(), before + 1, "revisions have no gaps");
        let position = record.position;
        match &record.event {
            Event::SecretCreated(created) => {
                if created.spec.secret_type() == SecretType::ImportedCert {
                    self.certificates.insert(id);
                }
            }
            Event::LockPlaced(event) => {
                self.locks_on(id, event.version).insert(event.lock.name.clone());
            }
            Event::LockRemoved(event) => {
                assert!(self.locks_on(id, event.version).remove(&event.name), "removed at {position}, but not placed");
            }
            Event::LockExpired(event) => {
                assert!(self.locks_on(id, event.version).remove(&event.name), "expired at {position}, but not placed");
            }
            Event::VersionRegenerated(event) => self.free(id, event.version, record),
            Event::VersionDataDestroyed(event) => self.free(id, event.version, record),
            Event::SecretDeleted(_) => {
                let all = self.locks.remove(&id).unwrap_or_default();
                assert!(all.values().all(BTreeSet::is_empty), "{position} deleted a locked secret: {all:?}");
            }
            _ => {}
        }
    }

    fn locks_on(&mut self, id: SecretId, version: VersionId) -> &mut BTreeSet<LockName> {
        self.locks.entry(id).or_default().entry(version).or_default()
    }

    fn free(&mut self, id: SecretId, version: VersionId, record: &Record) {
        let locks = self.locks_on(id, version).clone();
        assert!(locks.is_empty(), "{} at {} hit a version locked by {locks:?}", record.event.label(), record.position);
    }
}

/// Holds a receipt to the record that it speaks of.
#[track_caller]
pub(crate) fn receipt_matches(records: &[Record], receipt: &Receipt) {
    let last = &records[usize::try_from(receipt.position.get()).unwrap()];
    assert!(last.ends_batch(), "a receipt points to the end of its batch");
    assert_eq!(u32::from(last.count), receipt.events);
    assert_eq!(last.recorded_at, receipt.recorded_at);
    if let (Some(subject), Some(revision)) = (last.subject, receipt.revision) {
        assert_eq!((Some(subject.secret), subject.revision), (receipt.secret, revision));
    }
}
