//! Owns the log as shown to people and programs: records in order, up to the last durable one.
//!
//! Read next: [`crate::ledger`].

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use serde_json::Value;

use crate::codec::event::{Decoded, decode_event, event_json};
use crate::domain::event::Event;
use crate::domain::id::SecretId;
use crate::domain::position::Position;
use crate::domain::record::{Context, Record};
use crate::domain::time::Timestamp;
use crate::engine::log::{Decoder, scan_records};
use crate::error::Error;
use crate::ledger::{ChainVerifier, Head, RawRecord, Subject};

use super::store::Store;

/// A record for display.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum LogEntry {
    /// A record that this release can read.
    Known(Box<Record>),
    /// A record that a later release wrote, or whose body was erased.
    Opaque {
        /// Its position.
        position: Position,
        /// When it was recorded.
        recorded_at: Timestamp,
        /// Its actor and the ids of its request; an erasure keeps them.
        context: Box<Context>,
        /// The secret that it changed, if it was about one.
        secret: Option<SecretId>,
        /// The number of its event type.
        event_type: u16,
        /// The schema of its body.
        schema: u16,
        /// Whether the body was erased.
        erased: bool,
    },
}

impl LogEntry {
    /// Makes an entry from a stored record.
    pub(crate) fn of(raw: &RawRecord<'_>, decoder: &mut Decoder) -> Result<Self, Error> {
        match decoder.decode(raw)? {
            Some(record) => Ok(Self::Known(Box::new(record))),
            None => Ok(opaque(raw, decoder.context_of(raw)?)),
        }
    }

    /// Returns the position of the record.
    #[must_use]
    pub const fn position(&self) -> Position {
        match self {
            Self::Known(record) => record.position,
            Self::Opaque { position, .. } => *position,
        }
    }

    /// Returns the secret that the record is about, as far as that can be read.
    #[must_use]
    pub fn secret(&self) -> Option<SecretId> {
        match self {
            Self::Known(record) => record.secret(),
            Self::Opaque { secret, .. } => *secret,
        }
    }
}

/// The result of a verification of the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct VerifiedChain {
    /// Records verified.
    pub records: u64,
    /// The chain value at the end, 32 bytes.
    pub head: [u8; 32],
}

impl Store {
    /// Calls `show` for the records from a position on, in order, until it stops or the last durable one was shown.
    /// Each record is first proved to be in the log. The hashes in its header prove context and body, the chain proves
    /// headers, and the tree, whose root is in the voucher, proves the chain.
    ///
    /// # Errors
    ///
    /// Kind `Corrupt` when a record cannot be read, code `rows_changed` when it is not the one that was written;
    /// `Unavailable` when the disk fails.
    pub fn for_each_record(
        &self,
        from: Position,
        mut show: impl FnMut(LogEntry) -> ControlFlow<()>,
    ) -> Result<(), Error> {
        let log = self.0.shared.held();
        let mut decoder = Decoder::default();
        log.each(from, log.end(), &mut |raw| Ok(show(LogEntry::of(raw, &mut decoder)?)))
    }

    /// Calls `show` for the records from a position on in their stored form, to verify or export them.
    ///
    /// # Errors
    ///
    /// As [`Store::for_each_record`].
    pub fn for_each_raw_record(
        &self,
        from: Position,
        mut show: impl FnMut(&RawRecord<'_>) -> ControlFlow<()>,
    ) -> Result<(), Error> {
        let log = self.0.shared.held();
        log.each(from, log.end(), &mut |raw| Ok(show(raw)))
    }

    /// Verifies the chain of the whole log up to the last durable record, from the bytes on disk. Also verifies that a
    /// record of the log erased each missing body. Calls `progress` with the number of verified records, every 65,536.
    ///
    /// # Errors
    ///
    /// Kind `Corrupt`, with the first fault; code `rows_changed` for a body that is missing without a reason, or is
    /// present although it was erased.
    pub fn verify_log(&self, mut progress: impl FnMut(u64)) -> Result<VerifiedChain, Error> {
        let shared = &self.0.shared;
        let (log, mut missing) = (shared.held(), BTreeSet::new());
        let end = log.snapshot.end;
        let mut verifier = ChainVerifier::from_genesis(&shared.log_id);
        scan_records(&*shared.storage, Position::FIRST, end.size, &mut |raw| {
            verifier.verify(raw)?;
            if raw.body().is_none() {
                missing.insert(raw.header().position);
            }
            if verifier.size().get().is_multiple_of(65_536) {
                progress(verifier.size().get());
            }
            Ok(ControlFlow::Continue(()))
        })?;
        let found = verifier.finish()?;
        if found.head != end.head || found.size != end.size {
            return Err(Error::records_lost(found.size.get(), end.size.get()));
        }
        log.check_bodies(Position::FIRST..end.size, &missing)?;
        let head: Head = found.head;
        Ok(VerifiedChain { records: found.size.get(), head: *head.as_bytes() })
    }
}

impl Event {
    /// Returns the event as JSON, for people. The bytes in the log are the truth.
    #[must_use]
    pub fn to_json(&self) -> Value {
        event_json(self)
    }

    /// Reads an event from the body of a record: its type number, its schema, and its bytes with the salt. Returns
    /// `None` for a type or schema of a later release.
    ///
    /// # Errors
    ///
    /// Kind `Corrupt` when the bytes do not fit the type.
    pub fn from_body(number: u16, schema: u16, body: &[u8]) -> Result<Option<Self>, Error> {
        match decode_event(number, schema, body)? {
            Decoded::Known(event) => Ok(Some(event)),
            Decoded::Unknown => Ok(None),
        }
    }
}

fn opaque(raw: &RawRecord<'_>, context: Context) -> LogEntry {
    let header = raw.header();
    LogEntry::Opaque {
        position: header.position,
        recorded_at: header.time,
        context: Box::new(context),
        secret: match header.subject {
            Subject::Store => None,
            Subject::Secret { id, .. } => Some(id),
        },
        event_type: header.event_type,
        schema: header.schema,
        erased: raw.body().is_none(),
    }
}
