//! Owns the last line of an export: the signed checkpoint, and the proof that its log extends an earlier one.
//!
//! Neither is verified here. Read next: [`super::judge`].

use std::borrow::Cow;

use serde::Deserialize;

use crate::domain::position::Position;
use crate::ledger::{ConsistencyProof, NOTE_BYTES_MAX};

use super::fault::LineFault;
use super::header::{parse_hashes, push_hashes};
use super::scribe::{push_decimal, push_json_text};

/// What stands in the last line: a note that may be none, and a proof that may prove nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LastLine {
    pub(super) note: String,
    pub(super) consistency: Option<(Position, ConsistencyProof)>,
}

impl LastLine {
    pub(super) fn write(out: &mut Vec<u8>, note: &str, consistency: Option<(Position, &ConsistencyProof)>) {
        out.extend_from_slice(LAST_LINE);
        out.push(b':');
        push_json_text(out, note);
        out.extend_from_slice(b",\"consistency\":");
        match consistency {
            None => out.extend_from_slice(b"null"),
            Some((from, proof)) => {
                out.extend_from_slice(b"{\"from\":");
                push_decimal(out, from.get(), 1);
                out.extend_from_slice(b",\"proof\":");
                push_hashes(out, proof.hashes());
                out.push(b'}');
            }
        }
        out.push(b'}');
    }

    pub(super) fn parse(line: &str) -> Result<Self, LineFault> {
        let line: Line<'_> = serde_json::from_str(line).map_err(|error| LineFault::json(&error))?;
        if line.checkpoint.len() > NOTE_BYTES_MAX {
            return Err(LineFault::Field("checkpoint"));
        }
        let consistency = line.consistency.map(|consistency| {
            let hashes = parse_hashes(&consistency.proof, "proof")?;
            let proof = ConsistencyProof::new(hashes).map_err(|_| LineFault::Field("proof"))?;
            Ok((Position::new(consistency.from), proof))
        });
        Ok(Self { note: line.checkpoint.into_owned(), consistency: consistency.transpose()? })
    }
}

/// What a last line begins with, as it is written here.
pub(super) const LAST_LINE: &[u8] = b"{\"checkpoint\"";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line<'a> {
    #[serde(borrow)]
    checkpoint: Cow<'a, str>,
    #[serde(borrow, deserialize_with = "super::event_line::present")]
    consistency: Option<Consistency<'a>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Consistency<'a> {
    from: u64,
    #[serde(borrow)]
    proof: Vec<Cow<'a, str>>,
}
