//! Owns which key a checkpoint counts under, and who vouches for that key. The one home of both.
//!
//! *In force.* A record that sets a key puts it in force for sizes larger than the one which that record ends, so that the
//! key before it signs the change; after a restore, which begins its batch, for sizes larger than the one restored, since the
//! original may go on under the old key. The first key is in force from the beginning. A checkpoint of size n counts under the key
//! in force at n and no other. A slice does not show the keys that were set before it: there, every key that is known
//! otherwise counts until the slice sets another.
//!
//! *Vouched for.* A key that whoever verifies has brought is a root of trust. A key that a record of the log sets is vouched
//! for only by a checkpoint which covers that record, lies on this very log, and is signed by a root: then whoever owns the
//! root has put his name to the change. Without a root the export vouches for itself, which shows nothing, and the verdict
//! says so.
//!
//! Memory is that of the keys that were brought, and of the records in force at the sizes that are asked about, however
//! often a log changes its key. Read next: [`super::checkpoints`], which asks.

use std::collections::VecDeque;
use std::fmt;

use crate::domain::event::{Event, SigningKeySet, StoreRestored};
use crate::domain::event_shape::Kind;
use crate::domain::position::Position;
use crate::ledger::{
    Checkpoint, CheckpointError, NoteError, RecordHeader, SignedCheckpoint, VerifierKey, WitnessPolicy, origin,
};

use super::event_line::Told;
use super::header::{EXPORT_KEYS_MAX, ExportHeader};
use super::verify::VerifyOptions;

/// The keys of a log, as far as they are known.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    roots: Vec<Root>,
    pub(super) vouched_by: VouchedBy,
    origin: String,
    is_whole: bool,
    first: Option<Setting>,
    /// The keys that records of this export set, the newest of them; `None` for one that cannot be read.
    set: VecDeque<Option<VerifierKey>>,
    /// The number of the newest of them; numbers count from 1.
    newest_number: Option<usize>,
    asked: Vec<(Position, Option<Setting>)>,
    /// The last record that says that the store was restored.
    restored: Option<Position>,
}

/// Where keys come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum VouchedBy {
    /// Whoever verifies brought them.
    Verifier,
    /// Nobody: the export names them itself.
    Export,
}

/// A key that is known before the log is read.
#[derive(Clone, Debug)]
struct Root {
    key: VerifierKey,
    /// Whether a record of this export sets it, hence not before.
    is_set_later: bool,
}

/// A record that sets a key; none when it cannot be read.
#[derive(Clone, Debug)]
struct Setting {
    at: Position,
    /// It is in force for sizes larger than this.
    after: Position,
    key: Option<VerifierKey>,
}

/// A checkpoint with a signature of the key in force.
#[derive(Clone, Debug)]
pub(super) struct Opened {
    pub(super) checkpoint: Checkpoint,
    /// The record that sets the key, when that key is no root: somebody has to vouch for it.
    pub(super) unvouched: Option<Position>,
    /// The keys of the log that have signed it.
    pub(super) signed_by: Vec<VerifierKey>,
}

impl Opened {
    /// Tells whether it is signed by a root and covers the record at a position.
    pub(super) fn vouches(&self, at: Position) -> bool {
        self.unvouched.is_none() && at < self.checkpoint.tree_head.size
    }
}

/// Why a checkpoint cannot be opened.
#[derive(Clone, Debug)]
pub(super) enum Unopened {
    /// No key that is known signed it, and a slice does not show which key was in force at its size.
    KeyMissing,
    /// What is wrong with it, in words.
    Wrong(String),
}

impl From<String> for Unopened {
    fn from(why: String) -> Self {
        Self::Wrong(why)
    }
}

impl fmt::Display for Unopened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::KeyMissing => fmt::Display::fmt(&NO_KNOWN_SIGNER, f),
            Self::Wrong(why) => f.write_str(why),
        }
    }
}

/// How the keys that the header of an export names stand to those that its records set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Named {
    /// They are the same.
    Fits,
    /// They are others.
    Differs,
    /// No record of the export sets so many of them, and they were not brought either.
    Unseen(usize),
}

impl Keys {
    /// Tells whether the verifier has brought no key, and no policy that lists logs.
    pub(super) fn come_from_export(options: &VerifyOptions) -> bool {
        options.keys.is_empty() && !options.policy.as_ref().is_some_and(WitnessPolicy::has_logs)
    }

    /// Takes the keys that whoever verifies has brought; those of the export only when there are none.
    pub(super) fn new(options: &VerifyOptions, header: &ExportHeader) -> Self {
        let of_policy = options.policy.as_ref().map(WitnessPolicy::logs).unwrap_or_default();
        let (keys, vouched_by): (Vec<_>, _) = if Self::come_from_export(options) {
            (header.vkeys.iter().collect(), VouchedBy::Export)
        } else {
            (options.keys.iter().chain(of_policy).collect(), VouchedBy::Verifier)
        };
        Self {
            roots: keys.into_iter().map(|key| Root { key: key.clone(), is_set_later: false }).collect(),
            vouched_by,
            origin: origin(&header.log_id),
            is_whole: header.first() == Position::FIRST,
            first: None,
            set: VecDeque::new(),
            newest_number: None,
            asked: Vec::new(),
            restored: None,
        }
    }

    /// Says, before the log is read, that a checkpoint of this size will be opened.
    pub(super) fn ask(&mut self, size: Position) {
        self.asked.push((size, None));
    }

    /// Takes a record in.
    pub(super) fn take(&mut self, header: &RecordHeader, told: &Told) {
        if header.event_type == STORE_RESTORED {
            self.restored = Some(header.position);
        }
        if header.event_type != SIGNING_KEY_SET {
            return;
        }
        let batch = header.position.get().saturating_sub(u64::from(header.batch_index));
        let restored = self.restored.filter(|restored| restored.get() >= batch);
        let event = match told {
            Told::Known(record) => Some(&record.event),
            Told::Unknown | Told::Erased | Told::Unreadable(_) => None,
        };
        let event = event.and_then(|event| if let Event::SigningKeySet(event) = event { Some(event) } else { None });
        let key = event.and_then(|event| VerifierKey::parse(&event.verifier_key).ok());
        let after = restored.unwrap_or_else(|| header.position.next());
        let setting = Setting { at: header.position, after, key: key.filter(|key| key.name() == self.origin) };
        self.keep(setting.key.clone(), event.map(|event| event.number));
        let is_first = self.is_whole || event.is_some_and(|event| event.number == FIRST_NUMBER);
        if is_first && self.first.is_none() {
            self.first = Some(setting.clone());
        } else {
            for root in self.roots.iter_mut().filter(|root| Some(&root.key) == setting.key.as_ref()) {
                root.is_set_later = true;
            }
        }
        for (_, in_force) in self.asked.iter_mut().filter(|(size, _)| setting.after < *size) {
            *in_force = Some(setting.clone());
        }
    }

    /// Keeps the keys that the header has to name.
    fn keep(&mut self, key: Option<VerifierKey>, number: Option<u32>) {
        if self.set.len() == EXPORT_KEYS_MAX {
            self.set.pop_front();
        }
        self.set.push_back(key);
        self.newest_number = number.and_then(|number| usize::try_from(number).ok());
    }

    /// Compares the keys that the header names with what the records set, once all were seen.
    pub(super) fn named(&self, header: &ExportHeader) -> Named {
        let set: Vec<_> = self.set.iter().flatten().collect();
        if set.len() != self.set.len() {
            return Named::Unseen(header.vkeys.len());
        }
        let is_short = |newest: usize| header.vkeys.len() != newest.min(EXPORT_KEYS_MAX);
        if !self.is_whole && self.newest_number.is_some_and(is_short) {
            return Named::Differs;
        }
        let Some(before) = header.vkeys.len().checked_sub(set.len()) else { return Named::Differs };
        let (before, later) = header.vkeys.split_at_checked(before).unwrap_or_default();
        if later.iter().ne(set.iter().copied()) || (self.is_whole && !set.is_empty() && !before.is_empty()) {
            return Named::Differs;
        }
        if before.is_empty() {
            // Every slice has a key that was set in it or before it.
            return if set.is_empty() && !self.is_whole { Named::Differs } else { Named::Fits };
        }
        let is_brought = |key: &VerifierKey| {
            self.vouched_by == VouchedBy::Verifier && self.roots.iter().any(|root| root.key == *key)
        };
        match before.iter().filter(|key| !is_brought(key)).count() {
            0 => Named::Fits,
            unseen => Named::Unseen(unseen),
        }
    }

    /// Opens a checkpoint under the key that was in force at a size that was asked about.
    ///
    /// # Errors
    ///
    /// [`Unopened`] when it is not signed by that key.
    pub(super) fn open(&self, note: &str, size: Position) -> Result<Opened, Unopened> {
        let at_size = self.asked.iter().find(|(asked, _)| *asked == size).and_then(|(_, setting)| setting.as_ref());
        let Some(setting) = at_size.or(self.first.as_ref()) else {
            return self.open_by_root(note, size);
        };
        let at = setting.at;
        let Some(key) = &setting.key else {
            return Err(format!("the record at position {at} sets a key that cannot be read").into());
        };
        match SignedCheckpoint::open(note, std::slice::from_ref(key)) {
            Ok(signed) => {
                let is_root = self.vouched_by == VouchedBy::Export || self.roots.iter().any(|root| root.key == *key);
                let unvouched = (!is_root).then_some(at);
                Ok(Opened { checkpoint: *signed.checkpoint(), unvouched, signed_by: signed.signed_by().to_vec() })
            }
            Err(NO_KNOWN_SIGNER) if self.has_root_signed(note) => Err(Unopened::Wrong(format!(
                "it is signed by a key that was not in force at size {size}: the record at position {at} set the one that was"
            ))),
            Err(NO_KNOWN_SIGNER) => Err(Unopened::Wrong(format!(
                "it is not signed by the key in force at size {size}, which the record at position {at} set"
            ))),
            Err(error) => Err(Unopened::Wrong(error.to_string())),
        }
    }

    /// Opens a checkpoint for which the export shows no key: any root counts that was not set later.
    fn open_by_root(&self, note: &str, size: Position) -> Result<Opened, Unopened> {
        let candidates = self.roots.iter().filter(|root| !root.is_set_later).map(|root| root.key.clone());
        match SignedCheckpoint::open(note, &candidates.collect::<Vec<_>>()) {
            Ok(signed) => {
                let signed_by = signed.signed_by().to_vec();
                Ok(Opened { checkpoint: *signed.checkpoint(), unvouched: None, signed_by })
            }
            Err(NO_KNOWN_SIGNER) if self.has_root_signed(note) => {
                Err(format!("it is signed by a key that was not in force at size {size}, but was set later").into())
            }
            Err(NO_KNOWN_SIGNER) if !self.is_whole => Err(Unopened::KeyMissing),
            Err(error) => Err(Unopened::Wrong(error.to_string())),
        }
    }

    /// Tells whether a known key signed a note, in force or not.
    fn has_root_signed(&self, note: &str) -> bool {
        let all: Vec<_> = self.roots.iter().map(|root| root.key.clone()).collect();
        SignedCheckpoint::open(note, &all).is_ok()
    }
}

/// The number of the key that a log begins with.
const FIRST_NUMBER: u32 = 1;

/// The number of the event of a restore.
pub(super) const STORE_RESTORED: u16 = <StoreRestored as Kind>::NUMBER;

/// The number of the event that sets a key.
const SIGNING_KEY_SET: u16 = <SigningKeySet as Kind>::NUMBER;

const NO_KNOWN_SIGNER: CheckpointError = CheckpointError::Note(NoteError::NoKnownSigner);
