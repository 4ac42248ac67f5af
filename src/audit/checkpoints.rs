//! Owns what the signed checkpoints of an export show: the one that it ends with, and an earlier one that was kept elsewhere.
//!
//! Each is opened under the key in force at its size; each may vouch for a key that signed the other. Read next:
//! [`super::keys`].

use crate::domain::position::Position;
use crate::ledger::{Checkpoint, Frontier, Note, RecordHeader, TreeHead};

use super::cosignatures::Cosignatures;
use super::event_line::Told;
use super::findings::Findings;
use super::header::ExportHeader;
use super::keys::{Keys, Named, Opened, VouchedBy};
use super::last_line::LastLine;
use super::signature_line::SignatureLine;
use super::verdict::{Check, Outcome, Place};
use super::verify::VerifyOptions;

/// The checkpoints of an export, while it is read.
#[derive(Debug)]
pub(super) struct Checkpoints {
    keys: Keys,
    /// What the export says of itself.
    header: ExportHeader,
    earlier: Option<Earlier>,
    /// The record that set the key of the last checkpoint, when the earlier one vouches for it.
    vouched_change: Option<Position>,
    cosignatures: Cosignatures,
    /// The verdict on them; none before the last line was read.
    pub(super) cosigned: Option<Outcome>,
    pub(super) signatures: Vec<SignatureLine>,
}

/// An earlier checkpoint, not to be believed before its signature was looked at.
#[derive(Debug)]
struct Earlier {
    note: String,
    says: Result<Checkpoint, String>,
    /// The tree of this export at its size.
    found: Option<TreeHead>,
}

impl Checkpoints {
    pub(super) fn new(header: &ExportHeader, options: &VerifyOptions) -> Self {
        let mut keys = Keys::new(options, header);
        keys.ask(header.size());
        let earlier = options.earlier.as_ref().map(|note| {
            let says = Checkpoint::read_unverified(note).map_err(|error| error.to_string());
            if let Ok(checkpoint) = &says {
                keys.ask(checkpoint.tree_head.size);
            }
            Earlier { note: note.clone(), says, found: None }
        });
        Self {
            keys,
            header: header.clone(),
            earlier,
            vouched_change: None,
            cosignatures: Cosignatures::new(options),
            cosigned: None,
            signatures: Vec::new(),
        }
    }

    /// Is shown each record.
    pub(super) fn take(&mut self, header: &RecordHeader, told: &Told) {
        self.keys.take(header, told);
    }

    /// Is shown the tree before the first record, and after each; keeps it at the size of the earlier checkpoint.
    pub(super) fn note_tree(&mut self, tree: &Frontier) {
        if let Some(Earlier { says: Ok(earlier), found, .. }) = &mut self.earlier
            && earlier.tree_head.size == tree.size()
        {
            *found = Some(tree.tree_head());
        }
    }

    /// Tells whether the export names the keys itself.
    pub(super) fn are_keys_of_export(&self) -> bool {
        self.keys.vouched_by == VouchedBy::Export
    }

    /// Comes to the verdicts on signature and consistency, once the tree was held to the last checkpoint.
    pub(super) fn judge(&mut self, last: &LastLine, tree_head: &TreeHead, findings: &mut Findings, place: Place) {
        let closing = self.open(&last.note, self.header.size());
        self.judge_cosignatures(&last.note, &closing, place);
        let earlier = self.earlier.as_ref().map(|earlier| self.open_earlier(earlier));
        let lies_on_log = self.earlier.as_ref().map(|earlier| earlier.is_extended(last, tree_head));
        match &closing {
            Err(why) => findings.fail(Check::Signature, place, why),
            Ok(Opened { unvouched: Some(at), .. }) => {
                let by_earlier =
                    matches!((&earlier, &lies_on_log), (Some(Ok(earlier)), Some(Ok(()))) if earlier.vouches(*at));
                if by_earlier {
                    self.vouched_change = Some(*at);
                } else {
                    findings.fail(Check::Signature, place, &unvouched(*at));
                }
            }
            Ok(_) => {}
        }
        match (earlier, lies_on_log) {
            (Some(Err(why)), _) => {
                let why = format!("the earlier checkpoint cannot be used: {why}");
                findings.fail(Check::Consistency, Place::default(), &why);
            }
            (Some(Ok(_)), Some(Err(why))) => findings.fail(Check::Consistency, place, &why),
            (Some(Ok(Opened { unvouched: Some(at), .. })), _) => {
                let has_tree = !findings.has_failed(Check::Tree);
                if !has_tree || !closing.is_ok_and(|closing| closing.vouches(at)) {
                    let why = format!("the earlier checkpoint cannot be used: it is signed {}", unvouched(at));
                    findings.fail(Check::Consistency, Place::default(), &why);
                }
            }
            _ => {}
        }
    }

    fn judge_cosignatures(&mut self, note: &str, closing: &Result<Opened, String>, place: Place) {
        let Ok(note) = Note::parse(note) else {
            self.cosigned = Some(Outcome::NotChecked { why: "the checkpoint cannot be read".to_owned() });
            return;
        };
        self.cosigned = Some(self.cosignatures.judge(&note, place));
        let log = closing.as_ref().map(|opened| opened.signed_by.as_slice()).unwrap_or_default();
        let lines = note.signatures().map(|line| SignatureLine::of(line, log, &self.cosignatures.found));
        self.signatures = lines.collect();
    }

    /// Compares the keys that the header names with those that the records set.
    pub(super) fn named(&self) -> Named {
        self.keys.named(&self.header)
    }

    fn open(&self, note: &str, size: Position) -> Result<Opened, String> {
        let opened = self.keys.open(note, size)?;
        if opened.checkpoint.log_id == self.header.log_id {
            Ok(opened)
        } else {
            Err("the checkpoint is of another log".to_owned())
        }
    }

    fn open_earlier(&self, earlier: &Earlier) -> Result<Opened, String> {
        let size = earlier.says.as_ref().map_err(Clone::clone)?.tree_head.size;
        self.open(&earlier.note, size)
    }

    /// Says by whom the last checkpoint is signed, when it is.
    pub(super) fn signed_by(&self) -> Outcome {
        let found = match (self.keys.vouched_by, self.vouched_change) {
            (VouchedBy::Export, _) => {
                let why = "signed by a key that the export itself names: anybody could have made both";
                return Outcome::NotChecked { why: why.to_owned() };
            }
            (VouchedBy::Verifier, None) => "by a key that was given".to_owned(),
            (VouchedBy::Verifier, Some(at)) => format!(
                "by the key that the record at position {at} set; a key that was given signed the earlier checkpoint, which \
                 covers that record"
            ),
        };
        Outcome::Passed { found }
    }

    /// Says how the log stands to the earlier one, when nothing is wrong; nothing when there is none.
    pub(super) fn extended(&self) -> Option<String> {
        let earlier = self.earlier.as_ref()?.says.as_ref().ok()?;
        Some(format!("the log extends that of the earlier checkpoint, of size {}", earlier.tree_head.size))
    }
}

impl Earlier {
    /// Shows that the log extends the earlier one: by its tree at that size where the export covers it, and by the proof
    /// that the export brings.
    fn is_extended(&self, last: &LastLine, later: &TreeHead) -> Result<(), String> {
        let says = self.says.as_ref().map_err(Clone::clone)?.tree_head;
        if says.size > later.size {
            return Err(format!("the earlier log had {} records, this one has {}", says.size, later.size));
        }
        if self.found.is_some_and(|found| found != says) {
            return Err(format!("at size {} this log had another root: it was forked or rewritten", says.size));
        }
        let proof = last.consistency.as_ref().filter(|(from, _)| *from == says.size);
        match proof.map(|(_, proof)| proof.verify(&says, later)) {
            Some(Err(error)) => Err(error.to_string()),
            None if self.found.is_none() => {
                Err(format!("the export has no proof from size {}, and begins after it", says.size))
            }
            Some(Ok(())) | None => Ok(()),
        }
    }
}

fn unvouched(at: Position) -> String {
    format!(
        "by the key that the record at position {at} set, for which no given key vouches: give that key too, or as the \
         earlier checkpoint the one of size {}",
        at.next()
    )
}
