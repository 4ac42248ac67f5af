//! Owns the making of a store from an export: the same log, no data, and new keys.
//!
//! The log says which key slots and epochs existed, but an export has nothing that opens them. So the store gets a slot
//! of its own and removes the others, which the log records. It also gets fresh keys for the living epochs. Read next:
//! [`super::build`].

use std::collections::BTreeMap;
use std::io::{Read, Seek};

use crate::audit::{ExportRecords, Report, VerifyOptions, verify_export};
use crate::codec::keys;
use crate::codec::meta::{StoreMeta, encode_meta};
use crate::domain::event::{Event, KeySlotAdded, KeySlotRemoved};
use crate::domain::evolve::evolve;
use crate::domain::id::LogId;
use crate::domain::limits;
use crate::domain::position::Position;
use crate::domain::quarantine::RestoredFrom;
use crate::domain::settings::KeySlotKind;
use crate::domain::state::State;
use crate::engine::Engine;
use crate::engine::log::Decoder;
use crate::engine::open::{Opening, slot_kind};
use crate::engine::queue::Payload;
use crate::error::Error;
use crate::ledger::{RawRecord, TreeHead};
use crate::seal::key_epoch::KeyEpoch;
use crate::seal::keyring::Keyring;
use crate::seal::sealing_key::RootKey;
use crate::seal::slots::Slots;
use crate::storage::{AnchorMark, Put};

use super::build::{Birth, Builder, check_free, open, refuse_legal, storage};

/// Bytes of records in one commit, which then ends at the next end of a batch.
const COMMIT_BYTES: usize = 256 * 1_024;

/// Makes a store from an export, and opens it.
pub(crate) fn from_export<R: Read + Seek + Send>(
    mut export: R,
    options: &VerifyOptions,
    opening: &Opening,
    progress: &mut dyn FnMut(u64),
) -> Result<(Engine, Report), Error> {
    check_free(opening)?;
    export.rewind().map_err(Error::unreadable)?;
    let options = VerifyOptions { accepted_steps: opening.accepted_steps.clone(), ..options.clone() };
    let report = verify_export(&mut export, &options, &mut *progress);
    match (report.first_fault(), report.illegal_step) {
        (Some(_), Some(step)) if report.failures().count() == 1 => {
            return Err(Error::illegal_step("the export", &step));
        }
        (Some(fault), _) => return Err(Error::export_unsound(&fault.to_string())),
        (None, _) => refuse_legal(&opening.accepted_steps, &report.accepted_steps)?,
    }
    if report.unknown_events > 0 {
        return Err(Error::unknown_events(report.unknown_events));
    }
    let mut made = None;
    let storage = storage(opening, &mut |put| {
        export.rewind().map_err(Error::unreadable)?;
        let records = ExportRecords::begin(&mut export)?;
        let (mark, log_id, keyring) = write(records, report.tree_head, opening, put)?;
        made = Some((log_id, keyring));
        Ok(mark)
    })?;
    let (log_id, keyring) = made.ok_or_else(|| Error::internal("a store was built without keys"))?;
    Ok((open(storage, log_id, keyring, opening)?, report))
}

fn write<R: Read>(
    records: ExportRecords<R>,
    tree_head: Option<TreeHead>,
    opening: &Opening,
    put: &mut Put<'_>,
) -> Result<(AnchorMark, LogId, Keyring), Error> {
    let (log_id, first) = (records.header().log_id, records.header().first());
    if first > Position::FIRST {
        return Err(Error::export_unsound("it is a slice; a store needs the whole log"));
    }
    let mut log = Log { builder: Builder::new(put, &log_id), state: State::default(), frames: Vec::new(), first };
    let mut decoder = Decoder::default();
    records.each(&mut |raw| log.take(raw, &mut decoder))?;
    log.commit(log.first)?;
    let Log { builder, state, .. } = log;
    if Some(builder.frontier().tree_head()) != tree_head {
        return Err(Error::export_unsound("it changed while it was read; try again"));
    }
    let (mark, keyring) = finish(builder, log_id, &state, opening)?;
    Ok((mark, log_id, keyring))
}

/// Makes the keys of the store, and ends its log with the records of these changes.
fn finish(
    mut builder: Builder<'_, '_>,
    log_id: LogId,
    state: &State,
    opening: &Opening,
) -> Result<(AnchorMark, Keyring), Error> {
    let root = RootKey::random()?;
    let created_at = opening.clock.now();
    builder.row(&keys::STORE_META, &encode_meta(&StoreMeta { log_id, created_at }))?;
    let epochs = state.whole.epochs.iter().map(|epoch| KeyEpoch::new(*epoch));
    let (keyring, wrapped) = Keyring::create_with(log_id, &root, epochs)?;
    for epoch_key in wrapped {
        builder.row(&keys::epoch_key(epoch_key.epoch().get()), epoch_key.as_bytes())?;
    }
    let (slots, slot_row) = own_slot(&root, log_id, &state.whole.key_slots, opening)?;
    let birth = Birth {
        opening,
        log_id,
        keyring: &keyring,
        whole: &state.whole,
        from: RestoredFrom::Export,
        slots,
        kept_slots: &BTreeMap::new(),
        slot_rows: vec![slot_row],
    };
    Ok((builder.finish(birth)?, keyring))
}

/// Adds a slot of the store's own, at the lowest free number in its log, and removes all others.
fn own_slot(
    root: &RootKey,
    log_id: LogId,
    there: &BTreeMap<u8, KeySlotKind>,
    opening: &Opening,
) -> Result<(Vec<Event>, Payload), Error> {
    let free = (0..limits::KEY_SLOTS_MAX).find(|slot| !there.contains_key(slot));
    let slot = free.unwrap_or(0);
    let mut slots = Slots::new(log_id);
    let bytes = slots.add_at(slot, root, &opening.unlock, opening.passphrase_cost)?;
    let removed = |slot: u8| Event::from(KeySlotRemoved { slot });
    let added = Event::from(KeySlotAdded { slot, kind: slot_kind(&slots, slot)? });
    // A full set must lose one slot before it gets another.
    let first = free.is_none().then(|| removed(slot));
    let others = there.keys().filter(|other| **other != slot).map(|other| removed(*other));
    let events = first.into_iter().chain([added]).chain(others).collect();
    Ok((events, Payload::KeySlot { slot, bytes }))
}

/// A log while it is converted from lines of an export to commits.
struct Log<'b, 'p> {
    builder: Builder<'b, 'p>,
    state: State,
    frames: Vec<u8>,
    /// The position of the first record that is not committed.
    first: Position,
}

impl Log<'_, '_> {
    fn take(&mut self, raw: &RawRecord<'_>, decoder: &mut Decoder) -> Result<(), Error> {
        raw.frame(&mut self.frames);
        if let Some(record) = decoder.decode(raw)? {
            evolve(&mut self.state, &record);
        }
        let header = raw.header();
        let ends_batch = header.batch_index.saturating_add(1) >= header.batch_count;
        if ends_batch && self.frames.len() >= COMMIT_BYTES {
            self.commit(header.position.next())?;
        }
        Ok(())
    }

    /// Ends a commit before the record at a position.
    fn commit(&mut self, next: Position) -> Result<(), Error> {
        if !self.frames.is_empty() {
            self.builder.commit(self.first, &self.frames)?;
            self.frames.clear();
        }
        self.first = next;
        Ok(())
    }
}
