//! Owns the verification of an export from its first byte to its verdicts.
//!
//! It reads once, in constant memory but for the secrets that the log keeps alive, and never fails: whatever the input
//! is, the answer is a [`Report`]. Read next: [`super::pipeline`].

use std::collections::BTreeSet;
use std::io::Read;

use crate::domain::position::Position;
use crate::domain::time::Timestamp;
use crate::ledger::accepted_restore::AcceptedRestore;
use crate::ledger::{VerifierKey, WitnessKey, WitnessPolicy};

use super::LINE_BYTES_MAX;
use super::chunks::{Chunk, Chunks};
use super::cloud_event::source;
use super::fault::LineFault;
use super::findings::Findings;
use super::header::ExportHeader;
use super::judge::Judge;
use super::keys::Keys;
use super::lock_report::Watch;
use super::pipeline::run;
use super::verdict::{Check, Outcome, Place, Report};

/// What whoever verifies knows already, and has from elsewhere than the export.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct VerifyOptions {
    /// The notes of earlier checkpoints, all of which the log has to extend. Where the export shows nothing of a size, being a
    /// slice from a later position without a proof, that stays unchecked.
    pub earlier: Vec<String>,
    /// The restores that somebody accepted beside the earlier checkpoints, in an anchor file for example: those of `earlier` that
    /// the restores did not leave behind are all that is left of it. A log that does not tell of each fails the check of
    /// consistency; where a restore is accepted and `earlier` is empty, that stays unchecked.
    pub restores: Vec<AcceptedRestore>,
    /// The roots of trust: verifier keys of the log. A checkpoint counts under the key in force at its size alone; a key
    /// that the log sets later counts when it is here too, or when one of `earlier` is signed by one of these and covers the
    /// record that sets it. The logs of `policy` are counted among them. When there are none, those that the export names are taken;
    /// the signature is then not checked, since whoever made the export may have made them.
    pub keys: Vec<VerifierKey>,
    /// Witnesses whose cosignatures are looked for under the checkpoint. One that is wrong fails the check; one that is
    /// missing leaves it unchecked.
    pub witnesses: Vec<WitnessKey>,
    /// Which witnesses have to cosign the checkpoint; without their quorum the check fails.
    pub policy: Option<WitnessPolicy>,
    /// What time it is for whoever replays to a time ([`replay_export`](super::replay_export)), which matters for a log whose clock was
    /// rebased: its last stretch goes up to then, as that of an open store does ([`Store::as_of`](crate::Store::as_of)). `None`: up
    /// to its last record.
    pub now: Option<Timestamp>,
    /// Steps that a person accepts, who makes a store of the export.
    pub(crate) accepted_steps: BTreeSet<Position>,
}

/// Verifies an export, and tells `progress` now and then how many records were verified.
///
/// Reads ahead in a thread of its own and checks lines on all cores; results are taken in order. There is no error: an
/// input that fails, or is no export at all, is a fault of structure in the report.
///
/// ```
/// use latchkeep::audit::{Check, VerifyOptions, verify_export};
///
/// let report = verify_export(b"no export".as_slice(), &VerifyOptions::default(), |_| {});
/// assert_eq!(report.conclusion(), latchkeep::audit::Conclusion::Failed);
/// assert_eq!(report.first_fault().map(|verdict| verdict.check), Some(Check::Structure));
/// ```
pub fn verify_export<R: Read + Send>(reader: R, options: &VerifyOptions, progress: impl FnMut(u64)) -> Report {
    verify_watching(reader, options, Watch::nothing(), progress).0
}

/// Verifies an export and keeps an eye on its replay.
pub(super) fn verify_watching<R: Read + Send>(
    reader: R,
    options: &VerifyOptions,
    watch: Watch,
    mut progress: impl FnMut(u64),
) -> (Report, Watch) {
    let mut chunks = Chunks::new(reader);
    let (header, first) = match read_header(&mut chunks) {
        Ok(read) => read,
        Err(fault) => return (unreadable(fault, options), watch),
    };
    let source = source(&header.log_id);
    let mut judge = Judge::new(header, options, watch);
    let ran = run(first, chunks, &source, &mut |parcel| {
        let flow = judge.take(parcel);
        progress(judge.records());
        flow
    });
    if let Err(fault) = ran {
        let _ = judge.cut(fault);
    }
    judge.finish()
}

/// Reads the first line, and gives the rest of the chunk that it came with.
pub(super) fn read_header<R: Read>(chunks: &mut Chunks<R>) -> Result<(ExportHeader, Chunk), LineFault> {
    let mut chunk = chunks.next().ok_or(LineFault::Cut)?;
    let Some(end) = chunk.bytes.iter().position(|byte| *byte == b'\n') else {
        return Err(chunk.end.unwrap_or(LineFault::Cut));
    };
    if end > LINE_BYTES_MAX {
        return Err(LineFault::TooLong);
    }
    let header = ExportHeader::parse(chunk.bytes.get(..end).unwrap_or_default())?;
    chunk.bytes.drain(..=end);
    Ok((header, chunk))
}

/// Gives the report on something whose first line cannot be read.
fn unreadable(fault: LineFault, options: &VerifyOptions) -> Report {
    let mut findings = Findings::default();
    findings.fail(Check::Structure, Place { line: Some(1), position: None }, &fault);
    let outcome = || Outcome::NotChecked { why: "the first line cannot be read".to_owned() };
    Report {
        verdicts: Check::ALL.iter().map(|check| findings.verdict(*check, outcome)).collect(),
        records: 0,
        bodies_erased: 0,
        bodies_unexplained: 0,
        unknown_events: 0,
        tree_head: None,
        signatures: Vec::new(),
        keys_from_export: Keys::come_from_export(options),
        illegal_step: None,
        accepted_steps: Vec::new(),
    }
}
