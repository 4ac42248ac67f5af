//! Owns what the signed checkpoints of an export show: the one that it ends with, and an earlier one that was kept elsewhere.
//!
//! Each is opened under the key in force at its size; each may vouch for a key that signed the other. Read next:
//! [`super::keys`].

use crate::domain::position::Position;
use crate::ledger::{Checkpoint, Frontier, Note, RecordHeader, TreeHead};

use super::accepted::Accepted;
use super::cosignatures::Cosignatures;
use super::event_line::Told;
use super::findings::Findings;
use super::header::ExportHeader;
use super::keys::{Keys, Named, Opened, Unopened, VouchedBy};
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
    /// By size, smallest first.
    earlier: Vec<Earlier>,
    /// How many of them have a size that the export went past.
    met: usize,
    /// The restores that count for them.
    pub(super) accepted: Accepted,
    /// The record that set the key of the last checkpoint, when the earlier one vouches for it.
    vouched_change: Option<Position>,
    cosignatures: Cosignatures,
    /// The verdict on them; none before the last line was read.
    pub(super) cosigned: Option<Outcome>,
    pub(super) signatures: Vec<SignatureLine>,
    /// Sizes of earlier checkpoints of which the export shows nothing.
    unseen: Vec<Position>,
    /// Sizes of earlier checkpoints whose key is not known.
    unsigned: Vec<Position>,
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
        let mut earlier: Vec<_> = options.earlier.iter().map(|note| Earlier::read(note)).collect();
        earlier.sort_by_key(Earlier::size);
        for size in earlier.iter().filter_map(Earlier::size) {
            keys.ask(size);
        }
        Self {
            keys,
            header: header.clone(),
            earlier,
            met: 0,
            accepted: Accepted::new(&options.restores),
            vouched_change: None,
            cosignatures: Cosignatures::new(options),
            cosigned: None,
            signatures: Vec::new(),
            unseen: Vec::new(),
            unsigned: Vec::new(),
        }
    }

    /// Is shown each record.
    pub(super) fn take(&mut self, header: &RecordHeader, told: &Told) {
        self.keys.take(header, told);
        self.accepted.take(header, told);
    }

    /// Is shown the tree before the first record, and after each; keeps it at the sizes of the earlier checkpoints.
    pub(super) fn note_tree(&mut self, tree: &Frontier) {
        self.accepted.note_tree(tree);
        while let Some(earlier) = self.earlier.get_mut(self.met).filter(|it| it.size() <= Some(tree.size())) {
            if earlier.size() == Some(tree.size()) {
                earlier.found = Some(tree.tree_head());
            }
            self.met = self.met.saturating_add(1);
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
        let earlier: Vec<_> = self.earlier.iter().map(|earlier| self.stand(earlier, last, tree_head)).collect();
        match &closing {
            Err(why) => findings.fail(Check::Signature, place, why),
            Ok(Opened { unvouched: Some(at), .. }) => {
                if earlier.iter().any(|stand| stand.shown && stand.opened.as_ref().is_ok_and(|it| it.vouches(*at))) {
                    self.vouched_change = Some(*at);
                } else {
                    findings.fail(Check::Signature, place, &unvouched(*at));
                }
            }
            Ok(_) => {}
        }
        let unseen = earlier.iter().filter(|stand| !stand.shown && stand.fault.is_none());
        self.unseen = unseen.filter_map(|stand| stand.size).collect();
        let unsigned = earlier.iter().filter(|stand| matches!(stand.opened, Err(Unopened::KeyMissing)));
        self.unsigned = unsigned.filter_map(|stand| stand.size).collect();
        for stand in earlier {
            Self::judge_earlier(&stand, &closing, findings, place);
        }
    }

    fn judge_earlier(stand: &Stand, closing: &Result<Opened, Unopened>, findings: &mut Findings, place: Place) {
        let unusable = |why: &str| format!("the earlier checkpoint{} cannot be used: {why}", stand.of_size());
        match (&stand.opened, &stand.fault) {
            (Err(Unopened::Wrong(why)), _) => findings.fail(Check::Consistency, Place::default(), &unusable(why)),
            (_, Some(why)) => findings.fail(Check::Consistency, place, why),
            (Ok(Opened { unvouched: Some(at), .. }), None) => {
                let has_tree = !findings.has_failed(Check::Tree);
                if !has_tree || !closing.as_ref().is_ok_and(|closing| closing.vouches(*at)) {
                    let why = unusable(&format!("it is signed {}", unvouched(*at)));
                    findings.fail(Check::Consistency, Place::default(), &why);
                }
            }
            (Err(Unopened::KeyMissing) | Ok(_), None) => {}
        }
    }

    /// Says how an earlier checkpoint stands to this log.
    fn stand(&self, earlier: &Earlier, last: &LastLine, later: &TreeHead) -> Stand {
        let opened = match &earlier.says {
            Ok(says) => self.open(&earlier.note, says.tree_head.size),
            Err(why) => Err(Unopened::Wrong(why.clone())),
        };
        let (shown, fault) = match earlier.is_extended(last, later) {
            Ok(shown) => (shown, None),
            Err(why) => (false, Some(why)),
        };
        Stand { size: earlier.size(), opened, shown, fault }
    }

    fn judge_cosignatures(&mut self, note: &str, closing: &Result<Opened, Unopened>, place: Place) {
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

    fn open(&self, note: &str, size: Position) -> Result<Opened, Unopened> {
        let opened = self.keys.open(note, size)?;
        if opened.checkpoint.log_id == self.header.log_id {
            Ok(opened)
        } else {
            Err(Unopened::Wrong("the checkpoint is of another log".to_owned()))
        }
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

    /// Says how the log stands where there is no earlier checkpoint: nobody signs that a restore is accepted.
    fn alone(&self) -> Outcome {
        match self.accepted.last() {
            None => Outcome::NotAsked { why: "no earlier checkpoint was given".to_owned() },
            Some(size) => Outcome::NotChecked {
                why: format!(
                    "a restore at size {size} is accepted, and no earlier checkpoint up to that size was given"
                ),
            },
        }
    }

    /// Says why the export does not show how the log stands to the earlier ones, beside their sizes.
    fn unshown(&self, largest: Position) -> Option<String> {
        if largest == Position::FIRST {
            return Some("the earlier checkpoint is of size 0, which every log extends".to_owned());
        }
        if let Some(size) = self.accepted.unseen(self.header.first()) {
            return Some(format!(
                "the export does not show whether the log tells of the accepted restore at size {size}"
            ));
        }
        let size = self.unsigned.first()?;
        Some(format!(
            "the earlier checkpoint of size {size} is not signed by a key that was given, and this slice does not show which \
             key was in force then: the key that signed it has to be given too"
        ))
    }

    /// Says how the log stands to the earlier ones, when nothing is wrong.
    pub(super) fn extended(&self) -> Outcome {
        let Some(largest) = self.earlier.last().and_then(Earlier::size) else {
            return self.alone();
        };
        if let Some(why) = self.unshown(largest) {
            return Outcome::NotChecked { why };
        }
        match (self.unseen.as_slice(), self.earlier.len()) {
            ([], 1) => {
                Outcome::Passed { found: format!("the log extends that of the earlier checkpoint, of size {largest}") }
            }
            ([], all) => Outcome::Passed {
                found: format!("the log extends those of {all} earlier checkpoints, the largest of size {largest}"),
            },
            ([size, ..], all) => Outcome::NotChecked {
                why: format!(
                    "of {all} earlier checkpoints {} cannot be compared: the export has no proof from size {size}, and begins \
                     after it",
                    self.unseen.len()
                ),
            },
        }
    }
}

/// How an earlier checkpoint stands to the log of an export.
struct Stand {
    size: Option<Position>,
    /// The checkpoint, when it is signed as it has to be.
    opened: Result<Opened, Unopened>,
    /// Whether the export shows its log at that size, and it is the same.
    shown: bool,
    /// What is wrong with it.
    fault: Option<String>,
}

impl Stand {
    fn of_size(&self) -> String {
        self.size.map_or_else(String::new, |size| format!(" of size {size}"))
    }
}

impl Earlier {
    fn read(note: &str) -> Self {
        let says = Checkpoint::read_unverified(note).map_err(|error| error.to_string());
        Self { note: note.to_owned(), says, found: None }
    }

    /// Its size; none when it cannot be read.
    fn size(&self) -> Option<Position> {
        self.says.as_ref().ok().map(|says| says.tree_head.size)
    }

    /// Shows that the log extends the earlier one: by its tree at that size where the export covers it, and by the proof
    /// that the export brings. Tells whether one of the two is there.
    fn is_extended(&self, last: &LastLine, later: &TreeHead) -> Result<bool, String> {
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
            Some(Ok(())) => Ok(true),
            None => Ok(self.found.is_some()),
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
