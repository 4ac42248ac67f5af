//! Owns the drawing of ids and salts: UUIDs of version 7 (RFC 9562), which sort by time, from the system's randomness.
//!
//! It never makes a key; `seal` makes keys. Read next: [`super::group`].

use crate::domain::id::{EventId, GroupId, RotationId, SecretId, VersionId};
use crate::domain::time::Timestamp;
use crate::error::Error;
use crate::seal::random;

/// Randomness for ids and salts, read from the system in pieces of 4 KiB.
pub(super) struct Draw {
    pool: Box<[u8; POOL_BYTES]>,
    used: usize,
}

const POOL_BYTES: usize = 4_096;

impl Draw {
    pub(super) fn new() -> Self {
        Self { pool: Box::new([0; POOL_BYTES]), used: POOL_BYTES }
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        if POOL_BYTES.saturating_sub(self.used) < N {
            random::fill(&mut *self.pool)?;
            self.used = 0;
        }
        let mut drawn = [0; N];
        if let Some(source) = self.pool.get_mut(self.used..).and_then(|rest| rest.first_chunk_mut::<N>()) {
            drawn.copy_from_slice(source);
            source.fill(0);
        }
        self.used = self.used.saturating_add(N);
        Ok(drawn)
    }

    /// Draws the id of an event.
    pub(super) fn event_id(&mut self, now: Timestamp) -> Result<EventId, Error> {
        Ok(EventId::from_bytes(uuid(now, self.array()?)))
    }

    /// Draws the salt of a body.
    pub(super) fn salt(&mut self) -> Result<[u8; 16], Error> {
        self.array()
    }
}

/// Draws the id of a secret.
pub(crate) fn secret_id(now: Timestamp) -> Result<SecretId, Error> {
    Ok(SecretId::from_bytes(uuid(now, random::array()?)))
}

/// Draws the id of a version.
pub(crate) fn version_id(now: Timestamp) -> Result<VersionId, Error> {
    Ok(VersionId::from_bytes(uuid(now, random::array()?)))
}

/// Draws the id of a rotation.
pub(crate) fn rotation_id(now: Timestamp) -> Result<RotationId, Error> {
    Ok(RotationId::from_bytes(uuid(now, random::array()?)))
}

/// Draws the id of a group.
pub(crate) fn group_id(now: Timestamp) -> Result<GroupId, Error> {
    Ok(GroupId::from_bytes(uuid(now, random::array()?)))
}

fn uuid(now: Timestamp, chance: [u8; 10]) -> [u8; 16] {
    let millis = now.as_nanos() / 1_000_000;
    uuid::Builder::from_unix_timestamp_millis(millis, &chance).into_uuid().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_time_and_never_repeat() {
        let mut draw = Draw::new();
        let mut ids = std::collections::BTreeSet::new();
        let mut last = None;
        for millis in 0..2_000_u64 {
            let id = draw.event_id(Timestamp::from_nanos(millis * 1_000_000)).unwrap();
            assert!(ids.insert(id));
            assert!(last < Some(id));
            last = Some(id);
        }
    }
}
