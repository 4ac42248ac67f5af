//! Owns what is known of a secret whose words are hidden: everything but what the erased bodies said.
//!
//! Few kinds of event can be erased, and the header of each stays: its kind, its secret, its revision, its time. All else is
//! followed as ever, with what is not known left open. So a lock that certainly stands protects its version here as well,
//! rotations are held to their steps, and what is restated later is held to all of it. What an event of a later release did,
//! nobody knows: behind one, only revisions are followed. Read next: [`told`], [`marks`].

mod groups;
mod made;
mod marks;
mod told;

use std::collections::BTreeSet;
use std::sync::Arc;

use super::super::event::Event;
use super::super::event_kind::{of_rotation, of_trail, of_whole};
use super::super::evolve;
use super::super::id::VersionId;
use super::super::position::{Revision, VersionNumber};
use super::super::rebase::{self, Rebased};
use super::super::record::Record;
use super::super::secret::{Lifecycle, Secret};
use super::super::state::Whole;
use super::super::step::HiddenRecord;
use super::super::time::Timestamp;
use marks::Marks;

pub(super) use groups::HiddenGroups;

/// A secret of which not everything was seen.
#[derive(Clone, Debug)]
pub(super) struct Hidden {
    pub(super) revision: Revision,
    /// What is known of it; nothing of one that was made before a slice, or that a later release changed.
    known: Option<Box<Known>>,
}

/// All that is known of a hidden secret.
#[derive(Clone, Debug)]
struct Known {
    /// What it is, with something in the place of what is not known.
    secret: Secret,
    seen: Seen,
    marks: Marks,
    /// When its expiry was last held back.
    held: Option<Timestamp>,
    /// What happened to versions of which nobody can say yet which ones they are.
    later: Vec<Record>,
}

/// What was seen of a secret.
#[derive(Clone, Debug)]
#[allow(
    clippy::struct_excessive_bools,
    reason = "each part of a secret was seen or not, whatever became of the others"
)]
struct Seen {
    /// How it was made.
    creation: bool,
    metadata: bool,
    spec: bool,
    policy: bool,
    /// What was said of versions later.
    version_words: bool,
    /// Versions that stand under an id of ours.
    unnamed: BTreeSet<VersionId>,
    /// Versions whose making was not seen.
    unseen: BTreeSet<VersionNumber>,
    /// Whether everything that happened to versions is known, or kept until it can be told whose it was.
    versions: bool,
    /// Whether the last record was a commit, behind which a version comes.
    is_commit: bool,
}

/// Records about versions that are kept until their versions are known.
const LATER_MAX: usize = 1_024;

/// All bodies that can be erased are of this schema; in another one, a later release wrote what it knows.
const ERASABLE_SCHEMA: u16 = 1;

impl Hidden {
    /// Begins where a secret gets out of sight: with what was known of it, or with the header of its creation.
    pub(super) fn begin(before: Option<Arc<Secret>>, record: &HiddenRecord, revision: Revision) -> Self {
        let known = match before {
            Some(secret) => Some(Known::from(Arc::unwrap_or_clone(secret))),
            None if record.number == numbers::SECRET_CREATED && revision == Revision::FIRST => Known::made(record),
            None => None,
        };
        Self { revision, known: known.map(Box::new) }
    }

    /// Begins where nothing is known.
    pub(super) const fn unknown(revision: Revision) -> Self {
        Self { revision, known: None }
    }

    /// Takes a record in whose event cannot be read.
    pub(super) fn take_erased(&mut self, record: &HiddenRecord, revision: Revision) {
        self.revision = revision;
        let Some(known) = &mut self.known else { return };
        if !known.take_erased(record, revision) {
            self.known = None;
        }
    }

    /// Learns from an event, before it is held to the rules, which version is meant.
    pub(super) fn name(&mut self, event: &Event) {
        if let Some(known) = &mut self.known {
            known.name(event);
        }
    }

    /// Takes a record in that was seen, once it was held to the rules.
    pub(super) fn take(&mut self, (record, revision): (&Record, Revision), whole: &Whole) {
        self.revision = revision;
        if let Some(known) = &mut self.known {
            known.take(record, revision, whole);
        }
    }

    /// Leaves the trace of an event of the audit trail.
    pub(super) fn trace(&mut self, record: &Record) {
        if let Some(known) = &mut self.known {
            evolve::trace(&mut known.secret, record);
        }
    }

    /// Moves what counts on, once the clock is rebased. What is kept until its version is known has no place for that.
    pub(super) fn rebase(&mut self, rebased: &Rebased, all: &[Rebased]) {
        let Some(known) = &mut self.known else { return };
        if !known.later.is_empty() {
            known.seen.versions = false;
            known.later.clear();
        }
        if !known.seen.spec {
            // Whether its credentials are dynamic is not known, and so not where their ends went.
            known.seen.unseen.extend(known.secret.versions.iter().map(|version| version.number));
        }
        rebase::move_times(&mut known.secret, rebased, all);
    }

    /// Takes the data away that a restore did not bring along.
    pub(super) fn lose_data(&mut self, record: &Record) {
        if let Some(known) = &mut self.known {
            evolve::lose_data_of(&mut known.secret, record);
        }
    }
}

/// The numbers of the kinds of event whose bodies can be erased.
mod numbers {
    use crate::domain::event;
    use crate::domain::event_shape::Kind;

    pub(super) const SECRET_CREATED: u16 = <event::SecretCreated as Kind>::NUMBER;
    pub(super) const SECRET_UPDATED: u16 = <event::SecretUpdated as Kind>::NUMBER;
    pub(super) const SPEC_UPDATED: u16 = <event::SpecUpdated as Kind>::NUMBER;
    pub(super) const SECRET_RESTATED: u16 = <event::SecretRestated as Kind>::NUMBER;
    pub(super) const VERSION_ADDED: u16 = <event::VersionAdded as Kind>::NUMBER;
    pub(super) const VERSION_UPDATED: u16 = <event::VersionUpdated as Kind>::NUMBER;
    pub(super) const VERSION_RESTATED: u16 = <event::VersionRestated as Kind>::NUMBER;
    pub(super) const LOCK_PLACED: u16 = <event::LockPlaced as Kind>::NUMBER;
    pub(super) const LOCK_RESTATED: u16 = <event::LockRestated as Kind>::NUMBER;
}

impl Known {
    /// Takes what a header tells in; no when nobody knows what such an event does.
    fn take_erased(&mut self, record: &HiddenRecord, revision: Revision) -> bool {
        // A restatement says nothing that was not known to its writer, in whatever schema this release knows.
        let is_restated = matches!(record.number, numbers::SECRET_RESTATED | numbers::VERSION_RESTATED)
            && record.schema == ERASABLE_SCHEMA + 1;
        if record.schema != ERASABLE_SCHEMA && !is_restated {
            return false;
        }
        self.secret.revision = revision;
        self.secret.as_of = record.position.next();
        match record.number {
            // One that is made is not made again; `begin` has taken that.
            numbers::SECRET_CREATED => return revision == Revision::FIRST,
            numbers::SECRET_RESTATED | numbers::VERSION_RESTATED | numbers::LOCK_RESTATED => return true,
            numbers::SECRET_UPDATED => self.seen.metadata = false,
            numbers::SPEC_UPDATED => self.seen.spec = false,
            numbers::VERSION_UPDATED => self.seen.version_words = false,
            numbers::VERSION_ADDED => self.add(record),
            numbers::LOCK_PLACED => {
                let version = self.only_one();
                self.marks.place(record, version);
            }
            _ => return false,
        }
        self.secret.updated_at = record.recorded_at;
        self.seen.is_commit = false;
        true
    }

    /// Gives the one version that a lock can stand on, if there is but one.
    fn only_one(&self) -> Option<VersionNumber> {
        let mut there = self.secret.versions.iter().filter(|version| version.is_available());
        let first = there.next().filter(|_| self.seen.versions)?.number;
        there.next().is_none().then_some(first)
    }

    fn take(&mut self, record: &Record, revision: Revision, whole: &Whole) {
        self.seen.is_commit = matches!(record.event, Event::RotationCommitted(_) | Event::CredentialKept(_));
        // What is restated while it is hidden says nothing that was not known to its writer.
        if let Event::SecretRestated(_) | Event::VersionRestated(_) | Event::LockRestated(_) = &record.event {
            self.secret.revision = revision;
            self.secret.as_of = record.position.next();
            return;
        }
        if self.is_of_stranger(&record.event) {
            self.put_off(record, revision);
            return;
        }
        self.note_end(record);
        self.note_renewal(record);
        self.note(record);
        evolve::follow(&mut self.secret, (record, revision), whole);
    }

    /// Notes what an event tells anew, whatever is hidden of the secret.
    #[allow(
        clippy::unnested_or_patterns,
        clippy::match_same_arms,
        reason = "lists of events are macros; each says why it is left alone"
    )]
    fn note(&mut self, record: &Record) {
        match &record.event {
            Event::SecretUpdated(_) => self.seen.metadata = true,
            Event::SpecUpdated(_) => self.seen.spec = true,
            Event::PolicySet(_) | Event::PolicyCleared(_) => self.seen.policy = true,
            Event::ExpirationHeld(_) => self.held = Some(record.recorded_at),
            // Of which type it is may be hidden; with its first version each is in use.
            Event::VersionAdded(_) => self.secret.lifecycle = Lifecycle::Active,
            Event::VersionRegenerated(_) | Event::VersionDownloaded(_) => {
                self.secret.retrieved_at = Some(record.recorded_at);
            }
            // They change what is followed, or is told elsewhere.
            Event::SecretCreated(_) | Event::SecretDeleted(_) | Event::SecretExpired(_) => {}
            Event::VersionUpdated(_) | Event::VersionDataDestroyed(_) => {}
            Event::LockPlaced(_) | Event::LockRenewed(_) | Event::LockRemoved(_) | Event::LockExpired(_) => {}
            Event::SecretRestated(_) | Event::VersionRestated(_) | Event::LockRestated(_) => {}
            of_whole!() | of_trail!() | of_rotation!() => {}
        }
    }

    /// Learns the id of a version from an event about it, where no other version can be meant.
    fn name(&mut self, event: &Event) {
        let Some(id) = event.effect().earlier() else { return };
        let is_the_one =
            self.secret.version_by_id(id).is_none() && self.seen.unnamed.len() == 1 && self.later.is_empty();
        if is_the_one
            && let Some(placed) = self.seen.unnamed.pop_first()
            && let Some(version) = self.secret.version_by_id_mut(placed)
        {
            version.id = id;
        }
    }

    /// Tells whether an event is about a version of which nobody can say yet which one it is.
    fn is_of_stranger(&self, event: &Event) -> bool {
        let id = event.effect().earlier();
        id.is_some_and(|id| self.secret.version_by_id(id).is_none())
    }

    /// Keeps a record until its version is known.
    fn put_off(&mut self, record: &Record, revision: Revision) {
        self.secret.revision = revision;
        self.secret.as_of = record.position.next();
        self.secret.updated_at = record.recorded_at;
        self.note_end(record);
        self.note(record);
        if self.later.len() < LATER_MAX {
            self.later.push(record.clone());
        } else {
            self.seen.versions = false;
            self.later.clear();
        }
    }
}
