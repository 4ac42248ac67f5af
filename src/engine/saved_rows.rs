//! Owns the reading of saved state: the rows beside the log, and whether the voucher proves them.
//!
//! Read next: [`super::recovery`].

use std::collections::BTreeSet;
use std::ops::ControlFlow;
use std::sync::Arc;

use crate::codec::error::Part;
use crate::codec::keys;
use crate::codec::mark::RowTotal;
use crate::codec::saved::{RowDigest, RowKey, decode_answer, decode_secret, decode_whole, row_digest};
use crate::codec::voucher::Voucher;
use crate::domain::legal::walk::Walk;
use crate::domain::position::Position;
use crate::domain::state::State;
use crate::error::Error;
use crate::storage::chunks::{read_chunked, scan_chunked};
use crate::storage::{Direction, KeyRange, Storage, StorageError};

use super::log::head_before;
use super::recovery::Start;
use super::saved::{Item, Mark};
use super::sharing::Sharing;

/// Rows beside the log.
#[derive(Clone, Default)]
pub(super) struct Rows {
    pub(super) items: Vec<Item>,
    pub(super) total: RowTotal,
    whole: [u8; 32],
}

/// Saved state as it is stored.
pub(super) struct Loaded {
    state: State,
    pub(super) rows: Rows,
    is_damaged: bool,
}

impl Loaded {
    /// Returns the position of the newest row.
    pub(super) fn as_of(&self) -> Position {
        let secrets = self.state.secrets.values().map(|secret| secret.as_of);
        secrets.chain([self.state.whole.log_size]).max().unwrap_or(Position::FIRST)
    }

    /// Returns a start from the rows, if the voucher proves them and its mark is on the chain of the log.
    pub(super) fn fits(self, storage: &dyn Storage, key: &RowKey, voucher: &Voucher) -> Result<Option<Start>, Error> {
        let Rows { total, whole, .. } = self.rows;
        let mark = voucher.saved;
        if self.is_damaged || !mark.covers(key, &total, &whole) {
            return Ok(None);
        }
        let mark = Mark { position: Position::new(mark.position), head: mark.head };
        let on_chain = head_before(storage, mark.position)? == Some(mark.head);
        let walk = Walk::from_rows(self.state);
        Ok(on_chain.then(|| Start { walk, mark, rows: total, whole: Some(whole), stale: Vec::new() }))
    }

    fn count(&mut self, item: Item, digest: Option<RowDigest>) {
        self.rows.items.push(item);
        match digest {
            Some(digest) => self.rows.total.add(&digest),
            None => self.is_damaged = true,
        }
    }
}

pub(super) fn load(storage: &dyn Storage, key: &RowKey) -> Result<Loaded, Error> {
    let mut found = Loaded { state: State::default(), rows: Rows::default(), is_damaged: false };
    if let Some(row) = read_chunked(storage, &keys::SAVED_WHOLE)? {
        match decode_whole(key, &row) {
            Ok((whole, digest)) => (found.state.whole, found.rows.whole) = (whole, *digest.as_bytes()),
            Err(_) => found.is_damaged = true,
        }
    }
    let mut sharing = Sharing::default();
    scan_chunked(storage, &KeyRange::prefix(&[keys::SAVED_SECRET]), &mut |row_key, row| {
        if let Some(id) = keys::parse_saved_secret(row_key) {
            let decoded = decode_secret(key, id, row).ok().filter(|(secret, _)| secret.id == id);
            found.count(Item::Secret(id), decoded.as_ref().map(|(_, digest)| *digest));
            if let Some((mut secret, _)) = decoded {
                sharing.share(&mut secret);
                found.state.secrets.insert(id, Arc::new(secret));
            }
        }
        ControlFlow::Continue(())
    })?;
    scan_chunked(storage, &KeyRange::prefix(&[keys::SAVED_ANSWER]), &mut |row_key, row| {
        if let Some(position) = keys::parse_saved_answer(row_key) {
            let decoded = decode_answer(key, position, row).ok();
            found.count(Item::Answer(position), decoded.as_ref().map(|(_, digest)| *digest));
            if let Some((answer, _)) = decoded {
                found.state.remembered.keep(position, Arc::new(answer));
            }
        }
        ControlFlow::Continue(())
    })?;
    Ok(found)
}

/// Reads rows one by one when a value cannot be put together from its chunks. Returns which rows there are, and the
/// total of the whole ones; their content is not used.
pub(super) fn survey(storage: &dyn Storage, key: &RowKey) -> Result<Loaded, Error> {
    let mut found = Loaded { state: State::default(), rows: Rows::default(), is_damaged: true };
    let mut prefixes = BTreeSet::new();
    for kind in [keys::SAVED_SECRET, keys::SAVED_ANSWER] {
        storage.scan(&KeyRange::prefix(&[kind]), Direction::Ascending, &mut |row_key, _| {
            prefixes.extend(row_key.split_last_chunk::<4>().map(|(prefix, _)| prefix.to_vec()));
            ControlFlow::Continue(())
        })?;
    }
    for row_key in prefixes {
        let (item, part) = match (keys::parse_saved_secret(&row_key), keys::parse_saved_answer(&row_key)) {
            (Some(id), _) => (Item::Secret(id), Part::SavedSecret),
            (None, Some(position)) => (Item::Answer(position), Part::SavedAnswer),
            (None, None) => continue,
        };
        let row = match read_chunked(storage, &row_key) {
            Err(StorageError::Corrupt { .. }) => None,
            read => read?,
        };
        found.count(item, row.and_then(|row| row_digest(key, part, &row_key, &row).ok()));
    }
    Ok(found)
}
