//! Owns the first line of an export: which log, which part of it, and from where its chain and its tree go on.
//!
//! Nothing in it is to be believed before the checkpoint at the end was compared with it. Read next: [`super::export`].

use std::borrow::Cow;

use serde::Deserialize;

use crate::domain::id::LogId;
use crate::domain::position::Position;
use crate::ledger::{Frontier, Head, TreeHash, VerifierKey, genesis, origin};

use super::fault::LineFault;
use super::scribe::{push_base64, push_decimal, push_json_text};

/// Verifier keys in the header of an export, at most.
pub const EXPORT_KEYS_MAX: usize = 64;

/// What an export says of itself in its first line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExportHeader {
    /// Which log.
    pub log_id: LogId,
    /// The keys that check the log's checkpoints, as the exporter knows them; at most [`EXPORT_KEYS_MAX`].
    pub vkeys: Vec<VerifierKey>,
    /// How many events follow.
    pub count: u64,
    /// The chain value before the first of them.
    pub head_before: Head,
    /// The tree before the first of them; its size is the position of that event.
    pub frontier: Frontier,
}

impl ExportHeader {
    /// Makes the header of an export of a whole log of so many records.
    #[must_use]
    pub fn whole(log_id: LogId, vkeys: Vec<VerifierKey>, count: u64) -> Self {
        Self { log_id, vkeys, count, head_before: genesis(&log_id), frontier: Frontier::default() }
    }

    /// Gives the position of the first event.
    #[must_use]
    pub const fn first(&self) -> Position {
        self.frontier.size()
    }

    /// Gives the size that the log had when it was exported: the events that the export goes up to.
    #[must_use]
    pub const fn size(&self) -> Position {
        Position::new(self.first().get().saturating_add(self.count))
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"format\":\"");
        out.extend_from_slice(FORMAT.as_bytes());
        out.extend_from_slice(b"\",\"log_id\":\"");
        out.extend_from_slice(self.log_id.to_hex().as_bytes());
        out.extend_from_slice(b"\",\"origin\":");
        push_json_text(out, &origin(&self.log_id));
        out.extend_from_slice(b",\"vkeys\":[");
        for (index, key) in self.vkeys.iter().enumerate() {
            out.extend_from_slice(if index == 0 { b"" } else { b"," });
            push_json_text(out, &key.to_string());
        }
        out.extend_from_slice(b"],\"first\":");
        push_decimal(out, self.first().get(), 1);
        out.extend_from_slice(b",\"count\":");
        push_decimal(out, self.count, 1);
        out.extend_from_slice(b",\"head_before\":\"");
        push_base64(out, self.head_before.as_bytes());
        out.extend_from_slice(b"\",\"frontier\":");
        push_hashes(out, self.frontier.hashes());
        out.push(b'}');
    }

    pub(super) fn parse(line: &[u8]) -> Result<Self, LineFault> {
        let line: Line<'_> = serde_json::from_slice(line).map_err(|error| LineFault::json(&error))?;
        if line.format != FORMAT {
            return Err(LineFault::Format);
        }
        let log_id = LogId::parse(&line.log_id).map_err(|_| LineFault::Field("log_id"))?;
        if log_id.to_hex() != line.log_id {
            return Err(LineFault::Field("log_id"));
        }
        if line.origin != origin(&log_id) {
            return Err(LineFault::Field("origin"));
        }
        if line.vkeys.len() > EXPORT_KEYS_MAX {
            return Err(LineFault::Field("vkeys"));
        }
        let vkeys = line.vkeys.iter().map(|key| VerifierKey::parse(key)).collect::<Result<_, _>>();
        let hashes = parse_hashes(&line.frontier, "frontier")?;
        let frontier = Frontier::new(Position::new(line.first), hashes).map_err(|_| LineFault::Field("frontier"))?;
        if line.first.checked_add(line.count).is_none() {
            return Err(LineFault::Field("count"));
        }
        Ok(Self {
            log_id,
            vkeys: vkeys.map_err(|_| LineFault::Field("vkeys"))?,
            count: line.count,
            head_before: Head::parse_base64(&line.head_before).map_err(|_| LineFault::Field("head_before"))?,
            frontier,
        })
    }
}

/// Writes hashes as a JSON array of base64.
pub(super) fn push_hashes(out: &mut Vec<u8>, hashes: &[TreeHash]) {
    out.push(b'[');
    for (index, hash) in hashes.iter().enumerate() {
        out.extend_from_slice(if index == 0 { b"\"" } else { b",\"" });
        push_base64(out, hash.as_bytes());
        out.push(b'"');
    }
    out.push(b']');
}

/// Reads hashes, of which nothing has more than a proof.
pub(super) fn parse_hashes(texts: &[Cow<'_, str>], field: &'static str) -> Result<Vec<TreeHash>, LineFault> {
    if texts.len() > crate::ledger::PROOF_HASHES_MAX {
        return Err(LineFault::Field(field));
    }
    texts.iter().map(|text| TreeHash::parse_base64(text).map_err(|_| LineFault::Field(field))).collect()
}

const FORMAT: &str = "latchkeep-export/1";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line<'a> {
    #[serde(borrow)]
    format: Cow<'a, str>,
    #[serde(borrow)]
    log_id: Cow<'a, str>,
    #[serde(borrow)]
    origin: Cow<'a, str>,
    #[serde(borrow)]
    vkeys: Vec<Cow<'a, str>>,
    first: u64,
    count: u64,
    #[serde(borrow)]
    head_before: Cow<'a, str>,
    #[serde(borrow)]
    frontier: Vec<Cow<'a, str>>,
}
