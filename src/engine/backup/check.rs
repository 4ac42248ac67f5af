//! Owns the verification of a backup: every chunk, the chain, the tree, the signed checkpoint, the rules of the
//! history, and that all data of its last state is there with its keys.
//!
//! It needs the key of the backup and no key of the store. It reads once, and writes nothing. Read next:
//! [`super::restore`].

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::Read;

use crate::audit::{AcceptedStep, Flaw, Replay};
use crate::codec::backup::Entry;
use crate::codec::meta::decode_meta;
use crate::domain::id::{DataKeyId, LogId};
use crate::domain::position::Position;
use crate::domain::settings::KeySlotKind;
use crate::domain::state::{State, Whole};
use crate::domain::step::Step;
use crate::domain::time::Timestamp;
use crate::domain::version::SealedRef;
use crate::engine::log::Decoder;
use crate::engine::missing::MissingBodies;
use crate::error::Error;
use crate::ledger::{ChainEnd, ChainVerifier, Checkpoint, Frontier, RawRecord, frames};
use crate::seal::envelope;
use crate::seal::slots::Slots;
use crate::seal::unlock::Unlock;
use crate::seal::wrapped_key::{WrappedDataKey, WrappedEpochKey, WrappedSigningSeed};

use super::entries::EntryReader;
use super::trust::{BackupTrust, Held, Proved, has_seeds, open};

/// Keys of one kind in a backup, except data keys, at most; a store has far fewer.
const KEYS_MAX: usize = 65_536;

/// The content of a backup.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BackupReport {
    /// The id of the log, which names the store.
    pub log_id: LogId,
    /// The log size of the backup.
    pub log_size: Position,
    /// When the last record of that log was made.
    pub last_at: Timestamp,
    /// Secrets.
    pub secrets: u64,
    /// Versions whose data can be read.
    pub versions: u64,
    /// Bytes of their sealed data.
    pub sealed_bytes: u64,
    /// The note of the signed checkpoint of that size.
    pub checkpoint: String,
    /// How many records, from the first on, are proved to be the store's. The proof is a key or checkpoint that the
    /// verifier brought, or the sealed signing seeds at a restore, or that the store itself just wrote the backup. 0
    /// means that nothing is proved: anyone with the key of the backup could have written this log.
    pub proved_size: Position,
    /// The number of the signing key in force at that size, which signed the checkpoint, and the position of the record
    /// that set it.
    pub signing_key: (u32, Position),
    /// The numbers of the signing keys in the log that nothing proves to be the store's.
    pub unproved_keys: Vec<u32>,
    /// Harmless errors that an earlier release wrote: the first thousand. A verification and a restore look for them;
    /// taking a backup does not.
    pub flaws: Vec<Flaw>,
    /// The illegal steps that an earlier restore accepted, or this one: at most 1,000.
    pub accepted_steps: Vec<AcceptedStep>,
}

impl BackupReport {
    pub(super) fn of(log_id: LogId, state: &State, checkpoint: &str, proved: Proved) -> Self {
        let (mut versions, mut sealed_bytes) = (0_u64, 0_u64);
        for sealed in live(state) {
            versions = versions.saturating_add(1);
            sealed_bytes = sealed_bytes.saturating_add(u64::from(sealed.sealed_bytes));
        }
        Self {
            log_id,
            log_size: state.whole.log_size,
            last_at: state.whole.last_at,
            secrets: u64::try_from(state.secrets.len()).unwrap_or(u64::MAX),
            versions,
            sealed_bytes,
            checkpoint: checkpoint.to_owned(),
            proved_size: proved.size,
            signing_key: in_force(&state.whole),
            unproved_keys: proved.unproved_keys,
            flaws: Vec::new(),
            accepted_steps: Vec::new(),
        }
    }
}

/// Returns the signing key in force at the end of a log; every log begins with one.
fn in_force(whole: &Whole) -> (u32, Position) {
    let number = whole.signing_key_at(whole.log_size).unwrap_or_default();
    (number, whole.signing_keys.get(&number).map_or(Position::FIRST, |key| key.set_at))
}

/// Iterates over the data that a state names.
pub(super) fn live(state: &State) -> impl Iterator<Item = &SealedRef> {
    state.secrets.values().flat_map(|secret| secret.sealed()).map(|(_, sealed)| sealed)
}

/// A backup that passed verification.
pub(crate) struct Checked {
    pub(crate) report: BackupReport,
    /// Identifies the file.
    pub(super) header: [u8; 32],
    pub(super) log_id: LogId,
    pub(super) state: State,
    pub(super) end: ChainEnd,
    pub(super) slots: BTreeMap<u8, Vec<u8>>,
    pub(super) epochs: BTreeMap<u32, WrappedEpochKey>,
    pub(super) seeds: BTreeMap<u32, Vec<u8>>,
    /// Bodies that were copied before they were erased.
    pub(super) still_there: BTreeSet<Position>,
}

/// Verifies a backup, and checks its log against what the verifier brought.
pub(crate) fn check<R: Read>(
    input: R,
    key: &Unlock,
    trust: &BackupTrust,
    progress: &mut dyn FnMut(u64),
) -> Result<Checked, Error> {
    let mut entries = EntryReader::begin(input, key)?;
    let header = *entries.header();
    let log_id = match entries.next()? {
        Some((Entry::Meta, row)) => decode_meta(row)?.log_id,
        _ => return Err(damaged("does not begin with the description of a store")),
    };
    let mut checker = Checker::new(log_id, Held::to(trust)?);
    checker.replay.accept(trust.accepted_steps.clone());
    loop {
        progress(entries.bytes());
        match entries.next()? {
            Some((Entry::Checkpoint, note)) => {
                let note = String::from_utf8(note.to_vec()).map_err(|_| damaged("has a checkpoint that is no text"))?;
                return match entries.next()? {
                    None => checker.finish(header, &note),
                    Some(_) => Err(damaged("goes on after its checkpoint")),
                };
            }
            Some((entry, value)) => checker.take(entry, value)?,
            None => return Err(damaged("ends without a checkpoint")),
        }
    }
}

fn damaged(how: &str) -> Error {
    Error::backup_damaged(format!("the backup {how}; use another copy"))
}

/// Refuses a second entry with one row key: chance would decide which of the two is written.
fn once(is_first: bool) -> Result<(), Error> {
    if is_first { Ok(()) } else { Err(damaged("holds an entry twice")) }
}

/// The state of the verification.
struct Checker<'a> {
    log_id: LogId,
    chain: ChainVerifier,
    tree: Frontier,
    replay: Replay,
    decoder: Decoder,
    unknown_events: u64,
    /// The digests of sealed data.
    data: HashMap<DataKeyId, [u8; 32]>,
    /// The epochs of wrapped data keys; several if a key was wrapped anew during the copy.
    wrapped: HashMap<DataKeyId, BTreeSet<u32>>,
    slots: BTreeMap<u8, Vec<u8>>,
    epochs: BTreeMap<u32, WrappedEpochKey>,
    seeds: BTreeMap<u32, Vec<u8>>,
    missing: MissingBodies,
    held: Held<'a>,
}

impl<'a> Checker<'a> {
    fn new(log_id: LogId, held: Held<'a>) -> Self {
        Self {
            log_id,
            chain: ChainVerifier::from_genesis(&log_id),
            tree: Frontier::default(),
            replay: Replay::from_genesis(log_id),
            decoder: Decoder::default(),
            unknown_events: 0,
            data: HashMap::new(),
            wrapped: HashMap::new(),
            slots: BTreeMap::new(),
            epochs: BTreeMap::new(),
            seeds: BTreeMap::new(),
            missing: MissingBodies::default(),
            held,
        }
    }

    fn take(&mut self, entry: Entry, value: &[u8]) -> Result<(), Error> {
        if self.slots.len().max(self.epochs.len()).max(self.seeds.len()) > KEYS_MAX {
            return Err(damaged("holds more keys than a store has"));
        }
        match entry {
            Entry::SealedData(data_key) => once(self.data.insert(data_key, envelope::digest(value)).is_none())?,
            Entry::DataKey(data_key) => {
                let epoch = WrappedDataKey::from_bytes(value)?.epoch().get();
                once(self.wrapped.entry(data_key).or_default().insert(epoch))?;
            }
            Entry::KeySlot(slot) => once(self.slots.insert(slot, value.to_vec()).is_none())?,
            Entry::EpochKey(epoch) => {
                let wrapped = WrappedEpochKey::from_bytes(value)?;
                if wrapped.epoch().get() != epoch {
                    return Err(damaged("has an epoch key in another's place"));
                }
                once(self.epochs.insert(epoch, wrapped).is_none())?;
            }
            Entry::SigningSeed(number) => once(self.seeds.insert(number, value.to_vec()).is_none())?,
            Entry::Commit(first) => self.take_commit(first, value)?,
            Entry::Meta | Entry::Checkpoint => return Err(damaged("describes the store twice")),
        }
        Ok(())
    }

    fn take_commit(&mut self, first: Position, bytes: &[u8]) -> Result<(), Error> {
        if first != self.chain.size() {
            return Err(damaged("has commits of the log that do not follow each other"));
        }
        for raw in frames(bytes) {
            let raw = raw.map_err(|error| damaged(&format!("has a commit that cannot be read ({error})")))?;
            self.take_record(&raw)?;
        }
        if first == self.chain.size() { Err(damaged("has a commit without a record")) } else { Ok(()) }
    }

    fn take_record(&mut self, raw: &RawRecord<'_>) -> Result<(), Error> {
        let head = self.chain.verify(raw).map_err(|fault| damaged(&format!("has a log that is damaged ({fault})")))?;
        self.tree.append(&head)?;
        self.held.take(self.tree.size(), || self.tree.tree_head());
        self.missing.take(raw)?;
        let step = self.decoder.decode_step(raw)?;
        // Whether an illegal step was accepted is known only at the end. More steps than a restore can accept are
        // refused at once.
        let _ = match &step {
            Some(Step::Told(record)) => self.replay.apply(record),
            Some(Step::Erased(_)) => self.replay.apply_hidden(raw.header()),
            None => {
                self.unknown_events = self.unknown_events.saturating_add(1);
                self.replay.apply_hidden(raw.header())
            }
        };
        match self.replay.illegal().filter(|_| self.replay.is_beyond()) {
            Some(step) => {
                Err(damaged(&format!("has a log of which over 1,000 steps cannot have happened (first, {step})")))
            }
            None => Ok(()),
        }
    }

    /// Ends the log.
    fn finish(self, header: [u8; 32], note: &str) -> Result<Checked, Error> {
        let end = self.chain.clone().finish().map_err(|fault| damaged(&format!("has a log that is cut ({fault})")))?;
        if self.unknown_events > 0 {
            return Err(Error::unknown_events(self.unknown_events));
        }
        if let Some(position) = self.missing.unexplained() {
            return Err(damaged(&format!("lacks the body of record {position}, which no record says was erased")));
        }
        let whole = &self.replay.state().whole;
        let size = self.tree.size();
        let checkpoint = Checkpoint::read_unverified(note).map_err(Error::from);
        let checkpoint = checkpoint.and_then(|read| open(note, whole, read.tree_head.size));
        let checkpoint = checkpoint.map_err(|error| damaged(&format!("has a checkpoint that is wrong: {error}")))?;
        if checkpoint.log_id != self.log_id || checkpoint.tree_head != self.tree.tree_head() {
            return Err(damaged("has a checkpoint of another log than its own"));
        }
        let proved = self.held.proved(size, whole)?;
        self.check_keys()?;
        self.check_data()?;
        // Everything else holds: it is not damaged.
        if let Some(step) = self.replay.illegal() {
            return Err(Error::illegal_step("the backup", &step));
        }
        let mut report = BackupReport::of(self.log_id, self.replay.state(), note, proved);
        report.flaws = self.replay.flaws().to_vec();
        report.accepted_steps = self.replay.accepted_steps().to_vec();
        let still_there = self.missing.still_there().clone();
        let Self { log_id, replay, slots, epochs, seeds, .. } = self;
        Ok(Checked { report, header, log_id, state: replay.into_state(), end, slots, epochs, seeds, still_there })
    }

    fn check_keys(&self) -> Result<(), Error> {
        let whole = &self.replay.state().whole;
        if !self.epochs.keys().eq(whole.epochs.iter()) {
            return Err(damaged("holds other epoch keys than its log speaks of"));
        }
        let known = |number: &u32| whole.signing_keys.contains_key(number);
        if !self.seeds.keys().all(known) || !self.slots.keys().all(|slot| whole.key_slots.contains_key(slot)) {
            return Err(damaged("holds key slots or signing keys that its log does not speak of"));
        }
        self.check_slots()?;
        self.check_seeds()
    }

    /// Checks the key slots against those of the log. Only its key shows whether a slot opens; a slot that was damaged
    /// in the store is empty.
    fn check_slots(&self) -> Result<(), Error> {
        let slots = &self.replay.state().whole.key_slots;
        if !slots.keys().eq(self.slots.keys()) {
            return Err(damaged("lacks a key slot that its log speaks of"));
        }
        let stored = self.slots.iter().filter(|(_, bytes)| !bytes.is_empty());
        let stored = Slots::decode(self.log_id, stored.map(|(number, bytes)| (*number, bytes.as_slice())));
        let is_known =
            |(number, kind): (u8, Result<KeySlotKind, _>)| kind.is_ok_and(|kind| slots.get(&number) == Some(&kind));
        if stored.iter().next().is_none() || !stored.iter().all(is_known) {
            return Err(damaged("has a key slot that is damaged, or another than its log speaks of"));
        }
        Ok(())
    }

    /// Checks the signing seeds against the keys of the log. Only a key of the store shows whether a seed opens and
    /// belongs to its key.
    fn check_seeds(&self) -> Result<(), Error> {
        for (number, bytes) in &self.seeds {
            let sealed = WrappedSigningSeed::from_bytes(bytes)
                .map_err(|error| damaged(&format!("has a key that is wrong: {error}")))?;
            if sealed.number() != *number {
                let how = format!("signing key {number} of its log is not the one that the store has sealed");
                return Err(Error::backup_forged(&how));
            }
        }
        has_seeds(&self.replay.state().whole, &self.seeds).map(drop)
    }

    /// Checks the data against the last state: all of it is there, and each data key is wrapped by a living epoch.
    fn check_data(&self) -> Result<(), Error> {
        for sealed in live(self.replay.state()) {
            // With two of them, chance would decide which one is written.
            let wrapped = self.wrapped.get(&sealed.data_key).into_iter().flatten();
            let is_wrapped = || wrapped.filter(|epoch| self.epochs.contains_key(epoch)).count() == 1;
            match self.data.get(&sealed.data_key) {
                Some(digest) if *digest == sealed.digest && is_wrapped() => {}
                Some(_) => return Err(damaged("holds data, or a data key, that is not what its log speaks of")),
                None => return Err(damaged("lacks data that its log speaks of")),
            }
        }
        Ok(())
    }
}
