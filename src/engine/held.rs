//! Owns the log as proved by the voucher. No part of it is shown or signed before it is proved to be the log whose end
//! was read and verified at the open.
//!
//! The last chain value of a range proves the range, by a path in the tree up to the known root. The chain proves the
//! records before it, and hashes prove contexts and bodies. Stored subtrees only shorten the path: if they do not lead
//! to the root, the path is made from the log alone. Read next: [`super::tree`].

use std::collections::{BTreeMap, BTreeSet};
use std::ops::{ControlFlow, Range};
use std::sync::Arc;
use std::time::Duration;

use crate::domain::id::LogId;
use crate::domain::position::Position;
use crate::error::Error;
use crate::ledger::{
    ChainEnd, ChainVerifier, ConsistencyProof, Frontier, Head, InclusionProof, TreeHead, body_hash, frames, genesis,
    head,
};
use crate::storage::Storage;

use super::Shared;
use super::log::{self, ShowRecord, scan_records};
use super::missing::erased_by;
use super::snapshot::{Published, Snapshot, Waited};
use super::sync::Mutex;
use super::tree::StoredTree;

/// Records that are proved at a time, first: few, so that a reader of one record does not wait for many.
const PAGE_RECORDS_FIRST: usize = 64;

/// Records that are proved at a time, at most.
const PAGE_RECORDS_MAX: usize = 8_192;

/// Bytes that are proved at a time; at most one record more.
const PAGE_BYTES: usize = 1_024 * 1_024;

/// How long an erasure that is already on the disk may take until it is published.
const PUBLISHED_WITHIN: Duration = Duration::from_secs(1);

/// How often the log may grow by other records meanwhile.
const GROWN_MAX: u32 = 64;

/// The log up to the end of a snapshot.
pub(crate) struct HeldLog<'a> {
    pub(crate) storage: &'a dyn Storage,
    pub(crate) log_id: &'a LogId,
    pub(crate) snapshot: Arc<Snapshot>,
    pub(crate) published: &'a Published,
    pub(crate) erased: &'a Mutex<ErasedBodies>,
}

impl Shared {
    /// Returns the log up to the last durable record.
    pub(crate) fn held(&self) -> HeldLog<'_> {
        self.held_at(self.published.load())
    }

    /// Returns the log up to the end of a snapshot that was published.
    pub(crate) fn held_at(&self, snapshot: Arc<Snapshot>) -> HeldLog<'_> {
        let Self { storage, log_id, published, erased, .. } = self;
        HeldLog { storage: &**storage, log_id, snapshot, published, erased }
    }
}

impl HeldLog<'_> {
    pub(crate) fn end(&self) -> Position {
        self.snapshot.end.size
    }

    /// Returns the right edge of the tree at a size that the log has reached.
    pub(crate) fn frontier_at(&self, size: Position) -> Result<Frontier, Error> {
        if size == self.end() {
            return Ok(self.snapshot.frontier.clone());
        }
        if size == Position::FIRST {
            return Ok(Frontier::default());
        }
        let now = self.snapshot.frontier.tree_head();
        self.prove(|tree| {
            let frontier = tree.frontier_at(size)?;
            let proof = ConsistencyProof::make(tree, size, now.size)?;
            Ok(proof.verify(&frontier.tree_head(), &now).is_ok().then_some(frontier))
        })
    }

    /// Proves that the log of a later size extends that of an earlier one.
    pub(crate) fn consistency(&self, earlier: Position, later: Position) -> Result<ConsistencyProof, Error> {
        let heads = [self.frontier_at(earlier)?.tree_head(), self.frontier_at(later)?.tree_head()];
        self.prove(|tree| {
            let proof = ConsistencyProof::make(tree, earlier, later)?;
            Ok(proof.verify(&heads[0], &heads[1]).is_ok().then_some(proof))
        })
    }

    /// Proves that the record at a position, with this chain value after it, is in the log.
    pub(crate) fn inclusion(&self, position: Position, head: &Head) -> Result<InclusionProof, Error> {
        let now = self.snapshot.frontier.tree_head();
        self.prove(|tree| {
            let proof = InclusionProof::make(tree, position, now.size)?;
            Ok(proof.verify(head, position, &now).is_ok().then_some(proof))
        })
    }

    /// Refuses a chain value that the log did not have at this size.
    pub(crate) fn check_head(&self, size: Position, head: &Head) -> Result<(), Error> {
        let ChainEnd { size: end, head: last, .. } = self.snapshot.end;
        let known = match size.get().checked_sub(1) {
            None => Some(genesis(self.log_id)),
            Some(_) if size == end => Some(last),
            Some(before) if size < end => {
                return self.inclusion(Position::new(before), head).map(drop);
            }
            Some(_) => None,
        };
        if known == Some(*head) { Ok(()) } else { Err(other_log()) }
    }

    /// Returns the chain value before a position that the log has reached.
    pub(crate) fn head_before(&self, position: Position) -> Result<Head, Error> {
        if position == Position::FIRST {
            return Ok(genesis(self.log_id));
        }
        let found = log::head_before(self.storage, position)?;
        let head = Head::from_bytes(found.ok_or_else(|| gone(position))?);
        self.check_head(position, &head)?;
        Ok(head)
    }

    /// Calls `visit` for the records from `from` up to `to`, each after it was proved, until `visit` stops.
    pub(crate) fn each(&self, from: Position, to: Position, visit: &mut ShowRecord<'_>) -> Result<(), Error> {
        let (mut next, mut records) = (from, PAGE_RECORDS_FIRST);
        while next < to {
            let page = self.page(next, to, records)?;
            for raw in frames(&page.bytes) {
                let raw = raw.map_err(|error| Error::corrupt(format!("the log is damaged: {error}")))?;
                if visit(&raw)?.is_break() {
                    return Ok(());
                }
            }
            next = page.next;
            records = records.saturating_mul(4).min(PAGE_RECORDS_MAX);
        }
        Ok(())
    }

    /// Reads some records, and proves them.
    fn page(&self, from: Position, to: Position, records_max: usize) -> Result<Page, Error> {
        let (mut page, mut missing) = (Page { bytes: Vec::new(), next: from }, BTreeSet::new());
        let mut verifier: Option<ChainVerifier> = None;
        let (mut left, mut last) = (records_max, None);
        scan_records(self.storage, from, to, &mut |raw| {
            let header = raw.header();
            let verifier = verifier.get_or_insert_with(|| ChainVerifier::from_slice(from, header.head_before));
            last = Some(verifier.verify(raw)?);
            if raw.body().is_none() {
                missing.insert(header.position);
            }
            raw.frame(&mut page.bytes);
            page.next = header.position.next();
            left = left.saturating_sub(1);
            let is_enough = left == 0 || page.bytes.len() >= PAGE_BYTES;
            Ok(if is_enough { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        })?;
        self.check_head(page.next, &last.ok_or_else(|| gone(from))?)?;
        self.check_bodies(from..page.next, &missing)?;
        Ok(page)
    }

    /// Refuses bodies of a span that are missing without a record that erased them, and bodies that are present despite
    /// such a record. Read the bodies after the snapshot of this log was taken.
    pub(crate) fn check_bodies(&self, span: Range<Position>, missing: &BTreeSet<Position>) -> Result<(), Error> {
        if missing.is_empty() && self.snapshot.history.erased_up_to() <= span.start {
            return Ok(());
        }
        for _ in 0..GROWN_MAX {
            let end = self.published.with(|snapshot| snapshot.end);
            let unexplained = {
                let mut erased = self.erased.lock();
                erased.catch_up(self.storage, self.log_id, &end)?;
                let mut in_span = erased.positions.range(span.clone());
                let is_there =
                    |(position, by): &(&Position, &Position)| **by < self.end() && !missing.contains(position);
                if let Some((position, _)) = in_span.find(is_there) {
                    return Err(Error::body_put_back(*position));
                }
                missing.iter().find(|position| !erased.positions.contains_key(position)).copied()
            };
            let Some(position) = unexplained else { return Ok(()) };
            // The record of the erasure is written with it, and published a moment later.
            if self.published.wait_beyond(end.size, PUBLISHED_WITHIN) != Waited::Grown {
                return Err(Error::body_missing(position));
            }
        }
        Err(Error::busy())
    }

    /// Returns the bodies that the log erased, as far as it is published.
    pub(crate) fn erased(&self) -> Result<BTreeSet<Position>, Error> {
        let snapshot = self.published.load();
        if snapshot.history.erased_up_to() == Position::FIRST {
            return Ok(BTreeSet::new());
        }
        let mut erased = self.erased.lock();
        erased.catch_up(self.storage, self.log_id, &snapshot.end)?;
        Ok(erased.positions.keys().copied().collect())
    }

    fn prove<T>(&self, proof: impl Fn(&StoredTree<'_>) -> Result<Option<T>, Error>) -> Result<T, Error> {
        for tree in [StoredTree::new(self.storage), StoredTree::of_the_log_alone(self.storage)] {
            if let Some(proved) = proof(&tree)? {
                return Ok(proved);
            }
        }
        Err(other_log())
    }

    /// Returns the tree head that the log had at a size; `None` when the log is shorter.
    pub(crate) fn tree_head_at(&self, size: Position) -> Result<Option<TreeHead>, Error> {
        if size > self.end() { Ok(None) } else { self.frontier_at(size).map(|frontier| Some(frontier.tree_head())) }
    }
}

fn other_log() -> Error {
    Error::rows_changed("records of its log are not those that it was made of")
}

fn gone(position: Position) -> Error {
    Error::corrupt(format!("record {position} is not in the log; restore it from a backup"))
}

/// Records that were proved.
struct Page {
    bytes: Vec<u8>,
    next: Position,
}

/// The bodies that the log erased, as far as it was read. It is read only when a body is missing.
#[derive(Debug, Default)]
pub(crate) struct ErasedBodies {
    read: Option<(Position, Head)>,
    /// Each with the record that erased it.
    positions: BTreeMap<Position, Position>,
}

impl ErasedBodies {
    /// Reads what was added to the log up to a known end.
    fn catch_up(&mut self, storage: &dyn Storage, log_id: &LogId, end: &ChainEnd) -> Result<(), Error> {
        let (from, mut before) = self.read.unwrap_or((Position::FIRST, genesis(log_id)));
        if from >= end.size {
            return Ok(());
        }
        let (mut found, mut read) = (Vec::new(), from);
        scan_records(storage, from, end.size, &mut |raw| {
            let header = raw.header();
            if header.position != read || header.head_before != before {
                return Err(other_log());
            }
            (before, read) = (head(raw.header_bytes()), header.position.next());
            let erased = raw.body().map(|body| erased_by(header, body)).transpose()?.unwrap_or_default();
            if !erased.is_empty() && raw.body().is_none_or(|body| header.body_hash != body_hash(body)) {
                return Err(other_log());
            }
            found.extend(erased.iter().map(|position| (*position, header.position)));
            Ok(ControlFlow::Continue(()))
        })?;
        if (read, before) != (end.size, end.head) {
            return Err(other_log());
        }
        self.positions.extend(found);
        self.read = Some((read, before));
        Ok(())
    }
}
