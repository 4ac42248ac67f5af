//! Owns the order of an export: takes its lines one after another and comes to a verdict on each check.
//!
//! A fault of one check never keeps another from being made, except where the export cannot be read any further. Read
//! next: [`super::verdict`].

use std::ops::ControlFlow;

use crate::codec::event::is_known;
use crate::domain::event::Event;
use crate::domain::position::Position;
use crate::ledger::{ChainVerifier, Checkpoint, Erasure, Frontier, RecordError, TreeHead, genesis, leaf};

use super::checkpoints::Checkpoints;
use super::erased::ErasedBodies;
use super::event_line::{Checked, Told, View};
use super::fault::LineFault;
use super::findings::Findings;
use super::header::ExportHeader;
use super::keys::Named;
use super::last_line::LastLine;
use super::lock_report::Watch;
use super::pipeline::{Item, Parcel};
use super::replay::Replay;
use super::verdict::{Check, Place, Report};
use super::verify::VerifyOptions;

/// What stands of an export so far.
#[derive(Debug)]
pub(super) struct Judge {
    pub(super) header: ExportHeader,
    pub(super) checkpoints: Checkpoints,
    chain: ChainVerifier,
    pub(super) tree: Frontier,
    pub(super) replay: Replay,
    pub(super) watch: Watch,
    findings: Findings,
    pub(super) line: u64,
    pub(super) records: u64,
    pub(super) erased: u64,
    pub(super) erased_bodies: ErasedBodies,
    pub(super) unknown: u64,
    /// Events of a later release whose view shows what cannot be compared here.
    pub(super) unseen_views: u64,
    last: Option<LastLine>,
    pub(super) is_cut: bool,
}

impl Judge {
    pub(super) fn new(header: ExportHeader, options: &VerifyOptions, watch: Watch) -> Self {
        let (first, log_id) = (header.first(), header.log_id);
        let is_whole = first == Position::FIRST;
        let mut judge = Self {
            checkpoints: Checkpoints::new(&header, options),
            chain: ChainVerifier::from_slice(first, header.head_before),
            tree: header.frontier.clone(),
            replay: if is_whole { Replay::from_genesis(log_id) } else { Replay::from_slice(first) },
            watch,
            findings: Findings::default(),
            line: 1,
            records: 0,
            erased: 0,
            erased_bodies: ErasedBodies::from(first),
            unknown: 0,
            unseen_views: 0,
            last: None,
            is_cut: false,
            header,
        };
        if is_whole {
            judge.chain = ChainVerifier::from_genesis(&log_id);
            if judge.header.head_before != genesis(&log_id) {
                let place = Place { line: Some(1), position: None };
                judge.findings.fail(Check::Chain, place, &"the chain does not begin at the genesis of its log");
            }
        }
        judge.replay.accept(options.accepted_steps.clone());
        judge.watch.begin(first, judge.header.size());
        judge.check_edge();
        judge.checkpoints.note_tree(&judge.tree);
        judge
    }

    /// Holds the chain value before a slice to the frontier, where its last record is a subtree of its own.
    fn check_edge(&mut self) {
        let edge = self.header.frontier.hashes().last().filter(|_| self.header.first().get() % 2 == 1);
        if edge.is_some_and(|edge| *edge != leaf(&self.header.head_before)) {
            let place = Place { line: Some(1), position: None };
            self.findings.fail(Check::Chain, place, &"head_before is not the chain value that the frontier ends with");
        }
    }

    /// Counts the records taken so far.
    pub(super) const fn records(&self) -> u64 {
        self.records
    }

    /// Takes the next lines; breaks off when no more of the export can be read.
    pub(super) fn take(&mut self, parcel: &Parcel) -> ControlFlow<()> {
        for item in &parcel.items {
            self.line = self.line.saturating_add(1);
            match item {
                _ if self.last.is_some() => return self.cut(LineFault::AfterEnd),
                Item::Event(_) if self.records >= self.header.count => return self.cut(LineFault::Surplus),
                Item::Event(checked) => self.take_event(checked),
                Item::Last(last) => {
                    let missing = self.header.count.saturating_sub(self.records);
                    if missing > 0 {
                        return self.cut(LineFault::Missing(missing));
                    }
                    self.last = Some(last.clone());
                }
            }
        }
        match parcel.end {
            None => ControlFlow::Continue(()),
            Some(fault) => {
                self.line = self.line.saturating_add(1);
                self.cut(if self.last.is_some() { LineFault::AfterEnd } else { fault })
            }
        }
    }

    /// Ends the reading at the current line.
    pub(super) fn cut(&mut self, fault: LineFault) -> ControlFlow<()> {
        let is_of_body = matches!(fault, LineFault::Record(RecordError::BodyMissing));
        let check = if is_of_body { Check::Bodies } else { Check::Structure };
        let place = Place { line: Some(self.line), position: self.position().filter(|_| self.last.is_none()) };
        self.findings.fail(check, place, &fault);
        self.is_cut = true;
        ControlFlow::Break(())
    }

    /// Gives the position that the record of the current line has to have.
    fn position(&self) -> Option<Position> {
        let position = self.header.first().get().checked_add(self.records)?;
        (self.records < self.header.count).then(|| Position::new(position))
    }

    fn take_event(&mut self, checked: &Checked) {
        let place = Place { line: Some(self.line), position: self.position() };
        self.records = self.records.saturating_add(1);
        if !self.findings.has_failed(Check::Chain) {
            match self.chain.verify_hashed(&checked.hashed) {
                Ok(head) if head != checked.head_shown => {
                    self.findings.fail(Check::Chain, place, &"lkhead is not the chain value after the record");
                }
                Ok(_) => {}
                Err(fault) => self.findings.fail(Check::Chain, place, &fault),
            }
        }
        if self.tree.append_leaf(checked.leaf, |_, _| {}).is_ok() {
            self.checkpoints.note_tree(&self.tree);
        }
        self.checkpoints.take(&checked.hashed.header, &checked.told);
        match checked.view {
            View::Fits => {}
            View::Differs(field) => {
                self.findings.fail(Check::JsonView, place, &format!("{field} is not what the bytes say"));
            }
            View::Unseen => self.unseen_views = self.unseen_views.saturating_add(1),
        }
        self.take_told(checked, place);
        self.take_step(checked);
    }

    fn take_told(&mut self, checked: &Checked, place: Place) {
        let header = &checked.hashed.header;
        match &checked.told {
            Told::Erased => {
                self.erased = self.erased.saturating_add(1);
                self.erased_bodies.note(header.position, is_known(header.event_type, header.schema));
            }
            Told::Unknown => self.unknown = self.unknown.saturating_add(1),
            Told::Unreadable(why) => self.findings.fail(Check::Bodies, place, why),
            Told::Known(record) => {
                if let Some(unerased) = self.erased_bodies.explain(&record.event) {
                    self.findings.fail(Check::Bodies, place, &unerased);
                }
            }
        }
        let is_marked = header.erasure == Erasure::Allowed;
        if Event::is_erasable_by(header.event_type).is_some_and(|erasable| erasable != is_marked) {
            self.findings.fail(Check::Bodies, place, &"whether its body may be erased is not what its type says");
        }
    }

    fn take_step(&mut self, checked: &Checked) {
        if self.replay.is_beyond() {
            return;
        }
        self.watch.before(&checked.hashed.header, &self.replay);
        // Whether an illegal step was accepted is known at the end.
        let _ = match &checked.told {
            Told::Known(record) => self.replay.apply(record),
            Told::Unknown | Told::Erased | Told::Unreadable(_) => self.replay.apply_hidden(&checked.hashed.header),
        };
    }

    /// Gives the place of the record of a position.
    fn place_of(&self, position: Position) -> Place {
        // The header is the first line.
        let line = position.get().checked_sub(self.header.first().get()).and_then(|index| index.checked_add(2));
        Place { line, position: Some(position) }
    }

    /// Comes to the verdicts.
    pub(super) fn finish(mut self) -> (Report, Watch) {
        self.line = self.line.saturating_add(1);
        if !self.is_cut && self.last.is_none() {
            let _ = self.cut(LineFault::Cut);
        }
        let tree_head = self.tree.tree_head();
        if let Some(step) = self.replay.illegal() {
            self.findings.fail(Check::Replay, self.place_of(step.position), &step);
        }
        if !self.is_cut {
            self.check_end(&tree_head);
        }
        self.watch.end(&self.replay);
        let verdicts = Check::ALL.iter().map(|check| {
            let outcome = self.outcome(*check);
            self.findings.verdict(*check, || outcome)
        });
        let report = Report {
            verdicts: verdicts.collect(),
            records: self.records,
            bodies_erased: self.erased,
            bodies_unexplained: self.erased_bodies.unexplained(),
            unknown_events: self.unknown,
            tree_head: Some(tree_head),
            keys_from_export: self.checkpoints.are_keys_of_export(),
            illegal_step: self.replay.illegal(),
            accepted_steps: self.replay.accepted_steps().to_vec(),
            signatures: std::mem::take(&mut self.checkpoints.signatures),
        };
        (report, self.watch)
    }

    /// Checks what is known once all of it was read.
    fn check_end(&mut self, tree_head: &TreeHead) {
        let place = Place { line: Some(self.line.saturating_sub(1)), position: None };
        if let Err(fault) = self.chain.clone().finish() {
            self.findings.fail(Check::Chain, place, &fault);
        }
        self.check_tree(tree_head, place);
        self.check_keys();
        if let Some(last) = &self.last {
            self.checkpoints.judge(last, tree_head, &mut self.findings, place);
        }
        self.check_restores();
    }

    fn check_keys(&mut self) {
        if self.checkpoints.named() == Named::Differs {
            let place = Place { line: Some(1), position: None };
            self.findings.fail(Check::Structure, place, &"vkeys are not the keys that the log sets");
        }
    }

    fn check_restores(&mut self) {
        let ExportHeader { log_id, .. } = self.header;
        let untold = self.checkpoints.accepted.untold(log_id, self.header.first(), self.replay.whole());
        if let Some(size) = untold {
            let why = format!(
                "the log does not tell of the restore at size {size} that is accepted beside the earlier checkpoints"
            );
            self.findings.fail(Check::Consistency, Place::default(), &why);
        }
    }

    fn check_tree(&mut self, found: &TreeHead, place: Place) {
        let Some(last) = &self.last else { return };
        match Checkpoint::read_unverified(&last.note) {
            Err(error) => self.findings.fail(Check::Tree, place, &error),
            Ok(checkpoint) if checkpoint.log_id != self.header.log_id => {
                self.findings.fail(Check::Tree, place, &OTHER_LOG);
            }
            Ok(Checkpoint { tree_head, .. }) if tree_head.size != found.size => {
                let why = format!("the checkpoint is of size {}, the export goes up to {}", tree_head.size, found.size);
                self.findings.fail(Check::Tree, place, &why);
            }
            Ok(Checkpoint { tree_head, .. }) if tree_head.root != found.root => {
                self.findings.fail(Check::Tree, place, &"the records do not give the root of the checkpoint");
            }
            Ok(_) => {}
        }
    }
}

const OTHER_LOG: &str = "the checkpoint is of another log";
