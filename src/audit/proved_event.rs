//! Owns the check of one event's proof (C2SP tlog-proof) that brings its record along: no log, no export, no store.
//!
//! Nobody signs the record in a proof; it counts because its own hash leads to the root that is signed. Read next:
//! [`crate::ledger`], whose proof it is.

use std::fmt;

use crate::domain::event::Event;
use crate::ledger::{
    Checkpoint, Erasure, EventProof, EventProofError, HashedRecord, Note, RawRecord, RecordHeader, VerifierKey,
    WitnessPolicy, frames,
};

use super::cloud_event::cloud_event;
use super::content::{Content, Opener};
use super::cosignatures::Cosignatures;
use super::verdict::{Outcome, Place};
use super::verify::VerifyOptions;

/// An event that is proved to stand in a log.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProvedEvent {
    /// Which log, how large it was, and its root.
    pub checkpoint: Checkpoint,
    /// Where in it the event stands, when it was recorded, and what it is about.
    pub header: RecordHeader,
    /// The event as an export shows it: one CloudEvents object, as JSON on one line.
    pub cloud_event: String,
    /// Whether `cloud_event` shows what happened: its body is there, and this release can read it.
    pub is_readable: bool,
    /// Whether the witnesses that were asked for have cosigned the checkpoint: the caller decides whether that is enough.
    pub cosignatures: Outcome,
}

/// Verifies the proof of an event that brings its record along, as [`crate`]'s stores make it.
///
/// The checkpoint has to be signed by one of the keys in `options`, or of a log that its policy lists; nothing counts without
/// one. A single proof does not show which key was in force: bring the one that was in force at the checkpoint's size. What
/// `options` says of an earlier checkpoint is not looked at.
///
/// ```
/// use latchkeep::audit::{VerifyOptions, verify_event_proof};
///
/// let why = verify_event_proof("no proof", &VerifyOptions::default()).unwrap_err();
/// assert_eq!(why.to_string(), "proof of the event has no checkpoint");
/// ```
///
/// # Errors
///
/// [`ProvedEventError`], which says what is wrong with the proof, or with the record in it.
pub fn verify_event_proof(text: &str, options: &VerifyOptions) -> Result<ProvedEvent, ProvedEventError> {
    let proof = EventProof::parse(text).map_err(ProvedEventError::Proof)?;
    let record = only_record(proof.extra())?;
    let header = *record.header();
    if header.position != proof.index() {
        return Err(ProvedEventError::Position);
    }
    let hashed = HashedRecord::of(&record);
    if !hashed.fits() {
        return Err(ProvedEventError::Content);
    }
    let is_marked = header.erasure == Erasure::Allowed;
    if Event::is_erasable_by(header.event_type).is_some_and(|erasable| erasable != is_marked) {
        return Err(ProvedEventError::Erasure);
    }
    let of_policy = options.policy.as_ref().map(WitnessPolicy::logs).unwrap_or_default();
    let keys: Vec<VerifierKey> = options.keys.iter().chain(of_policy).cloned().collect();
    let signed = proof.verify(&hashed.head, &keys).map_err(ProvedEventError::Proof)?;
    let cosignatures = match Note::parse(signed.note()) {
        Ok(note) => Cosignatures::new(options).judge(&note, Place::default()),
        Err(error) => Outcome::NotChecked { why: error.to_string() },
    };
    let checkpoint = *signed.checkpoint();
    let cloud_event = cloud_event(&checkpoint.log_id, &record);
    let opened = Opener::default().open(&record);
    let is_readable = opened.context.is_ok() && matches!(opened.content, Content::Known(_));
    Ok(ProvedEvent { checkpoint, header, cloud_event, is_readable, cosignatures })
}

fn only_record(extra: &[u8]) -> Result<RawRecord<'_>, ProvedEventError> {
    let mut records = frames(extra);
    match (records.next(), records.next()) {
        (Some(Ok(record)), None) => Ok(record),
        _ => Err(ProvedEventError::Record),
    }
}

/// Why an event is not proved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProvedEventError {
    /// The proof is none, or does not hold.
    Proof(EventProofError),
    /// The extra data of the proof is not exactly one record.
    Record,
    /// The record stands at another position than the proof.
    Position,
    /// Context or body of the record are not those that its header names.
    Content,
    /// Whether the body may be erased is not what the type of the event says.
    Erasure,
}

impl fmt::Display for ProvedEventError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Proof(error) => error.fmt(f),
            Self::Record => f.write_str("proof of the event does not bring its record along"),
            Self::Position => f.write_str("record in the proof stands at another position than the proof"),
            Self::Erasure => f.write_str("record in the proof says of its body's erasure what its type does not"),
            Self::Content => f.write_str("record in the proof has another context or body than its header names"),
        }
    }
}

impl std::error::Error for ProvedEventError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        if let Self::Proof(error) = self { Some(error) } else { None }
    }
}
