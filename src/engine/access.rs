//! Owns the buffer of reads that are not in the audit trail yet: counted by reader and version, and bounded. It never
//! blocks a reader.
//!
//! Read next: [`super::reader`], which adds reads, and [`super::writer`], which records them.

use std::collections::HashMap;

use crate::domain::event::AccessRecorded;
use crate::domain::id::{SecretId, VersionId};
use crate::domain::name::Actor;
use crate::domain::time::Timestamp;

use super::sync::Mutex;

/// Kinds of read (secret, version, reader) that wait to be recorded, at most. The writer records them within a second.
const KINDS_MAX: usize = 8_192;

/// Events in one record of reads, at most, so that no batch grows large.
pub(super) const EVENTS_MAX: usize = 1_024;

/// Reads that returned data and are not in the log yet.
#[derive(Debug, Default)]
pub(crate) struct AccessBuffer(Mutex<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    reads: HashMap<(SecretId, VersionId, Actor), Reads>,
    missed: u64,
}

#[derive(Clone, Copy, Debug)]
struct Reads {
    count: u64,
    first_at: Timestamp,
    last_at: Timestamp,
}

impl AccessBuffer {
    /// Notes a read. When the buffer is full of other kinds of read, only the count of missed reads increases.
    pub(crate) fn note(&self, secret: SecretId, version: VersionId, reader: &Actor, now: Timestamp) {
        let mut waiting = self.0.lock();
        let full = waiting.reads.len() >= KINDS_MAX;
        let key = (secret, version, reader.clone());
        if let Some(reads) = waiting.reads.get_mut(&key) {
            reads.count = reads.count.saturating_add(1);
            reads.last_at = now;
        } else if full {
            waiting.missed = waiting.missed.saturating_add(1);
        } else {
            waiting.reads.insert(key, Reads { count: 1, first_at: now, last_at: now });
        }
    }

    /// Takes out up to one batch of waiting reads, in an order that does not depend on chance. No read gets a later
    /// time than `now`: after a rebase of the clock, a reader may not have known the new time yet.
    pub(crate) fn take(&self, now: Timestamp) -> Vec<AccessRecorded> {
        let mut waiting = self.0.lock();
        let mut keys: Vec<_> = waiting.reads.keys().cloned().collect();
        keys.sort_unstable();
        keys.truncate(EVENTS_MAX);
        let event = |key: (SecretId, VersionId, Actor)| {
            let reads = waiting.reads.remove(&key)?;
            let (secret, version, reader) = key;
            let (count, first_at, last_at) = (reads.count, reads.first_at.min(now), reads.last_at.min(now));
            Some(AccessRecorded { secret, version, reader, reads: count, first_at, last_at })
        };
        keys.into_iter().filter_map(event).collect()
    }

    /// Returns how many reads were not noted since the store was opened, because too many kinds of read waited.
    pub(crate) fn missed(&self) -> u64 {
        self.0.lock().missed
    }

    /// Returns whether no read waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.lock().reads.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_of_one_kind_are_counted_together_and_the_buffer_is_bounded() {
        let buffer = AccessBuffer::default();
        let (actor, version) = (Actor::parse("a").unwrap(), VersionId::from_bytes([1; 16]));
        for number in 0..KINDS_MAX as u128 + 10 {
            buffer.note(SecretId::from_bytes(number.to_be_bytes()), version, &actor, Timestamp::EPOCH);
        }
        buffer.note(SecretId::from_bytes([0; 16]), version, &actor, Timestamp::from_nanos(5));
        assert_eq!(buffer.missed(), 10);
        let first = buffer.take(Timestamp::MAX);
        assert_eq!(first.len(), EVENTS_MAX);
        assert_eq!((first[0].reads, first[0].last_at), (2, Timestamp::from_nanos(5)));
        let mut left = KINDS_MAX - EVENTS_MAX;
        while !buffer.is_empty() {
            left -= buffer.take(Timestamp::MAX).len();
        }
        assert_eq!(left, 0);
    }
}
