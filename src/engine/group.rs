//! Owns a group of commands until it is committed: one batch of rows, and the answers that wait for it.
//!
//! Read next: [`super::committer`].

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::codec::error::CodecError;
use crate::codec::{context, event, keys};
use crate::domain::command::Terms;
use crate::domain::erasable::Erasable;
use crate::domain::event::Event;
use crate::domain::id::{DataKeyId, SecretId};
use crate::domain::legal::walk::after;
use crate::domain::position::{Position, Revision, WriterEpoch};
use crate::domain::record::{Context, Record, Subject};
use crate::domain::refusal::Refusal;
use crate::domain::secret::Secret;
use crate::domain::state::State;
use crate::domain::time::Timestamp;
use crate::error::Error;
use crate::ledger::{Erasure, NewRecord};
use crate::seal::keyring::Keyring;
use crate::storage::chunks::{count, expect_no_value, put_chunked, remove_counted};
use crate::storage::{Batch, Storage};

use super::draw::Draw;
use super::erasure::Rewritten;
use super::history::History;
use super::log::header_subject;
use super::queue::Payload;
use super::reply::{Outcome, Reply};
use super::saved::{Item, Mark, Saved, Saving};
use super::snapshot::Snapshot;
use super::tree;
use super::voucher;

/// Commands in a group, at most: with more, the first ones would wait too long.
const COMMANDS_MAX: usize = 1_024;

/// Bytes of a group, at most, without its last command.
const BYTES_MAX: usize = 8 * 1_024 * 1_024;

/// Bytes of the records of one command, at most. No command comes near: a thousand of the largest locks take half of
/// it, and an erasure restates at most 16 MiB.
const COMMAND_BYTES_MAX: usize = 24 * 1_024 * 1_024;

/// Bytes of a group that erases, at most: the bound of a storage, less space for row keys.
const ERASURE_BYTES_MAX: usize = 60 * 1_024 * 1_024;

/// Bytes of rows of saved and past states in a commit, at most, without the last of them.
const ROWS_BYTES_MAX: usize = 8 * 1_024 * 1_024;

/// Bytes of a batch up to which such rows are added: with the largest of them it stays within the bound of a storage.
const CARRYING_BYTES_MAX: usize = 24 * 1_024 * 1_024;

/// Commands that are decided and not durable yet.
#[derive(Debug)]
pub(super) struct Group {
    first: Position,
    pub(super) batch: Batch,
    log: Vec<u8>,
    records: usize,
    pub(super) replies: Vec<(Reply, Outcome)>,
    pub(super) keyring: Option<Arc<Keyring>>,
}

impl Group {
    pub(super) fn new(first: Position) -> Self {
        Self { first, batch: Batch::new(), log: Vec::new(), records: 0, replies: Vec::new(), keyring: None }
    }

    /// Returns whether there is nothing to write and no caller to answer.
    pub(super) fn is_empty(&self) -> bool {
        self.replies.is_empty() && self.log.is_empty() && self.batch.is_empty()
    }

    pub(super) fn is_full(&self) -> bool {
        self.replies.len() >= COMMANDS_MAX || self.bytes() >= BYTES_MAX
    }

    /// Returns the bytes that wait to be written.
    fn bytes(&self) -> usize {
        self.log.len().saturating_add(self.batch.bytes())
    }

    /// Adds an answer, which is given once the group is durable.
    pub(super) fn answer(&mut self, reply: Reply, outcome: Outcome) {
        self.replies.push((reply, outcome));
    }

    /// Appends the events of one command to the log, with the rows that belong to it, and applies them to the snapshot.
    ///
    /// If it fails, nothing has changed.
    pub(super) fn append(
        &mut self,
        snapshot: &mut Snapshot,
        events: Vec<(Option<SecretId>, Event)>,
        payload: Payload,
        by: &By<'_>,
        draw: &mut Draw,
    ) -> Result<Vec<Record>, Error> {
        let mut vouching = snapshot.vouching.clone();
        vouching.follow(&payload);
        let (brought, keyring) = rows_of(payload)?;
        let records = place(snapshot, events, by, draw)?;
        // Always checked: what a later check would refuse is never written.
        let after = after(&snapshot.state, &records).map_err(|step| Error::illegal_batch(&step))?;
        self.lay(snapshot, &records, after, draw)?;
        snapshot.vouching = vouching;
        self.take(brought, keyring);
        Ok(records)
    }

    /// Appends events without the check of legality, as a faulty release may have done.
    #[cfg(test)]
    pub(super) fn append_unlawful(
        &mut self,
        snapshot: &mut Snapshot,
        events: Vec<(Option<SecretId>, Event)>,
        by: &By<'_>,
        draw: &mut Draw,
    ) -> Result<(), Error> {
        let records = place(snapshot, events, by, draw)?;
        let mut after = snapshot.state.clone();
        records.iter().for_each(|record| crate::domain::evolve::evolve(&mut after, record));
        self.lay(snapshot, &records, after, draw)
    }

    /// Appends the records of one command, which lead to the state `after`, to the log.
    fn lay(&mut self, snapshot: &mut Snapshot, records: &[Record], after: State, draw: &mut Draw) -> Result<(), Error> {
        let Some(first) = records.first() else { return Ok(()) };
        let context = context::encode_context(&first.context).map_err(too_long)?;
        let body = |record: &Record| event::encode_event(&record.event, &draw.salt()?).map_err(too_long);
        let bodies = records.iter().map(body).collect::<Result<Vec<_>, Error>>()?;
        bounded(&context, &bodies)?;
        let new: Vec<_> =
            records.iter().zip(&bodies).map(|(record, body)| new_record(record, &context, body)).collect();
        let heads = snapshot.end.append(&new, &mut self.log)?;
        tree::grow(&mut snapshot.frontier, &heads, &mut self.batch)?;
        self.records = self.records.saturating_add(records.len());
        for record in records {
            self.remove_destroyed(snapshot, record)?;
        }
        snapshot.take(records, after);
        Ok(())
    }

    /// Adds the rows that belong to records of this group.
    pub(super) fn bring(&mut self, snapshot: &mut Snapshot, payload: Payload) -> Result<(), Error> {
        snapshot.vouching.follow(&payload);
        let (rows, keyring) = rows_of(payload)?;
        self.take(rows, keyring);
        Ok(())
    }

    fn take(&mut self, rows: Batch, keyring: Option<Arc<Keyring>>) {
        self.batch.absorb(rows);
        self.keyring = keyring.or_else(|| self.keyring.take());
    }

    /// Removes the rows of data keys that an event destroys.
    fn remove_destroyed(&mut self, snapshot: &Snapshot, record: &Record) -> Result<(), Error> {
        let destroyed = record.event.destroyed_data_keys();
        let Some(secret) = record.secret().and_then(|id| snapshot.state.secret(id)).filter(|_| !destroyed.is_empty())
        else {
            return Ok(());
        };
        for data_key in destroyed {
            self.batch.remove(keys::data_key(*data_key))?;
            let sealed_bytes = sealed_bytes(secret, *data_key);
            remove_counted(&mut self.batch, &keys::sealed_data(*data_key), count(sealed_bytes))?;
        }
        Ok(())
    }

    /// Rewrites commits without some of their bodies, and rows of saved and past states that may have the same words.
    /// The event of the erasure is already appended. Everything before this group must be durable, and no command may
    /// be decided until this group is durable too.
    pub(super) fn erase(
        &mut self,
        snapshot: &mut Snapshot,
        rewritten: &Rewritten,
        bodies: &[Erasable],
        storage: &dyn Storage,
    ) -> Result<(), Error> {
        rewritten.put(&mut self.batch)?;
        let secrets: BTreeSet<SecretId> = bodies.iter().filter_map(|body| body.about.secret()).collect();
        let rows: Vec<Item> = secrets.into_iter().map(Item::Secret).collect();
        let mut first = BTreeMap::new();
        for body in bodies {
            first
                .entry(body.about)
                .and_modify(|at: &mut Position| *at = body.position.min(*at))
                .or_insert(body.position);
        }
        self.carry(snapshot, storage, |saved, history, saving| {
            saved.refresh(saving, &rows)?;
            history.erase(saving, &first)
        })?;
        if self.bytes() > ERASURE_BYTES_MAX {
            return Err(Refusal::invalid("positions", "are about too much at once; erase fewer at a time").into());
        }
        Ok(())
    }

    /// Adds the log row to the batch, rows of saved state if it is time for them, and the voucher for all of it.
    ///
    /// Rows of saved state that cannot be made are left out: an open works without them.
    pub(super) fn close(&mut self, snapshot: &mut Snapshot, durable: Mark, storage: &dyn Storage) -> Result<(), Error> {
        if !self.log.is_empty() {
            self.lay_log(snapshot, durable, storage)?;
        }
        if self.batch.is_empty() { Ok(()) } else { voucher::put(&mut self.batch, snapshot) }
    }

    fn lay_log(&mut self, snapshot: &mut Snapshot, durable: Mark, storage: &dyn Storage) -> Result<(), Error> {
        // Whatever goes wrong, no record may ever overwrite another.
        let key = keys::log_commit(self.first);
        expect_no_value(&mut self.batch, &key)?;
        put_chunked(&mut self.batch, &key, &self.log)?;
        self.log.clear();
        if self.batch.bytes() <= CARRYING_BYTES_MAX {
            let records = self.records;
            let carried = self.carry(snapshot, storage, |saved, _, saving| saved.keep_up(saving, durable, records));
            let room = ROWS_BYTES_MAX.saturating_sub(carried.unwrap_or(0));
            if room > 0 {
                drop(self.carry(snapshot, storage, |_, history, saving| {
                    saving.bytes_max = room;
                    history.keep_up(saving, records)
                }));
            }
        }
        Ok(())
    }

    /// Adds rows of saved and past states; returns their bytes. If it fails, nothing has changed.
    pub(super) fn carry(
        &mut self,
        snapshot: &mut Snapshot,
        storage: &dyn Storage,
        write: impl FnOnce(&mut Saved, &mut History, &mut Saving<'_>) -> Result<(), Error>,
    ) -> Result<usize, Error> {
        let mut rows = Batch::new();
        let Snapshot { state, end, vouching, .. } = &*snapshot;
        let key = vouching.key.bytes();
        let (mut saved, mut history) = (snapshot.saved.clone(), snapshot.history.clone());
        write(
            &mut saved,
            &mut history,
            &mut Saving { batch: &mut rows, state, end, storage, key, bytes_max: ROWS_BYTES_MAX },
        )?;
        (snapshot.saved, snapshot.history) = (saved, history);
        let bytes = rows.bytes();
        self.batch.absorb(rows);
        Ok(bytes)
    }
}

/// Returns the rows of an accepted command, and the keyring that belongs to them.
fn rows_of(payload: Payload) -> Result<(Batch, Option<Arc<Keyring>>), Error> {
    let (mut rows, mut keys) = (Batch::new(), None);
    match payload {
        Payload::None => {}
        Payload::Sealed { data_key, wrapped, sealed } => {
            rows.put(keys::data_key(data_key), wrapped)?;
            put_chunked(&mut rows, &keys::sealed_data(data_key), &sealed)?;
        }
        Payload::KeySlot { slot, bytes } => put_chunked(&mut rows, &keys::key_slot(slot), &bytes)?,
        Payload::NoKeySlot { slot, chunks } => remove_counted(&mut rows, &keys::key_slot(slot), chunks)?,
        Payload::Epoch { epoch, wrapped, keyring } => {
            rows.put(keys::epoch_key(epoch), wrapped)?;
            keys = Some(keyring);
        }
        Payload::SigningSeed { number, wrapped } => _ = rows.put(keys::signing_seed(number), wrapped)?,
        Payload::NoEpoch { epoch, keyring } => {
            rows.remove(keys::epoch_key(epoch))?;
            keys = Some(keyring);
        }
    }
    Ok((rows, keys))
}

/// Checks the records of one command against their bound, before any of them is in the group.
fn bounded(context: &[u8], bodies: &[Vec<u8>]) -> Result<(), Error> {
    let record = |body: &Vec<u8>| FRAME_BYTES.saturating_add(context.len()).saturating_add(body.len());
    if bodies.iter().map(record).sum::<usize>() > COMMAND_BYTES_MAX {
        return Err(Refusal::invalid("command", "takes more of the log than one may; ask for less at once").into());
    }
    Ok(())
}

/// Bytes of a record besides context and body.
const FRAME_BYTES: usize = 177;

/// Converts the error of an event that is too long for the log: the caller is at fault, and nothing is damaged.
fn too_long(error: CodecError) -> Error {
    let CodecError::TooLong { .. } = error else { return error.into() };
    Refusal::invalid("command", "takes more bytes than an event may; shorten its texts").into()
}

/// The actor and the time of the events of a batch.
pub(super) struct By<'a> {
    pub(super) terms: &'a Terms,
    pub(super) now: Timestamp,
    pub(super) writer_epoch: WriterEpoch,
}

fn place(
    snapshot: &Snapshot,
    events: Vec<(Option<SecretId>, Event)>,
    by: &By<'_>,
    draw: &mut Draw,
) -> Result<Vec<Record>, Error> {
    let count = u16::try_from(events.len())
        .ok()
        .filter(|count| usize::from(*count) <= crate::domain::limits::BATCH_EVENTS_MAX)
        .ok_or_else(|| Error::internal("a command led to more events than one batch takes"))?;
    let context = Context {
        actor: by.terms.actor.clone(),
        correlation: by.terms.correlation.clone(),
        causation: by.terms.causation,
        idempotency: by.terms.idempotency.clone(),
        writer_epoch: by.writer_epoch,
    };
    let mut revisions = std::collections::BTreeMap::<SecretId, Revision>::new();
    let mut position = snapshot.end.size;
    let mut records = Vec::with_capacity(events.len());
    for (index, (secret, event)) in (0_u16..).zip(events) {
        let subject = secret.map(|secret| {
            let before = || snapshot.state.secret(secret).map_or(Revision::new(0), |secret| secret.revision);
            let revision = revisions.entry(secret).or_insert_with(before);
            *revision = revision.next();
            Subject { secret, revision: *revision }
        });
        let event_id = draw.event_id(by.now)?;
        let context = context.clone();
        records.push(Record { position, index, count, subject, event_id, recorded_at: by.now, context, event });
        position = position.next();
    }
    Ok(records)
}

fn new_record<'a>(record: &Record, context: &'a [u8], body: &'a [u8]) -> NewRecord<'a> {
    NewRecord {
        erasure: if record.event.is_erasable() { Erasure::Allowed } else { Erasure::Never },
        event_type: record.event.number(),
        schema: event::schema_of(&record.event),
        subject: header_subject(record.subject),
        event_id: record.event_id,
        time: record.recorded_at,
        context,
        body,
    }
}

fn sealed_bytes(secret: &Secret, data_key: DataKeyId) -> usize {
    let found = secret.sealed().find(|(_, sealed)| sealed.data_key == data_key);
    found.map_or(0, |(_, sealed)| usize::try_from(sealed.sealed_bytes).unwrap_or(usize::MAX))
}
