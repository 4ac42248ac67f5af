//! Owns a node of the exploration: a log that is held to the rules, the world outside, two workers, and what may still
//! go wrong. Nothing here decides: a command is asked of `judge`, and its records are taken in by the replay.

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};
use std::time::Duration;

use super::form;
use super::outside::{Outside, Value, digest_of};
use super::promises::{self, Promise};
use super::worker::Worker;
use crate::audit::Replay;
use crate::domain::command::{Command, Prepared, Terms};
use crate::domain::decide::{Decision, Verdict, judge};
use crate::domain::event::Event;
use crate::domain::id::{DataKeyId, EventId, SecretId, VersionId};
use crate::domain::name::Actor;
use crate::domain::planned::Planned;
use crate::domain::position::{Position, Revision, WriterEpoch};
use crate::domain::record::{Context, Record, Subject};
use crate::domain::refusal::Refusal;
use crate::domain::secret::Secret;
use crate::domain::time::Timestamp;
use crate::domain::version::{SealedRef, VersionDetails};

/// How often something may still happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Left {
    /// Calls that go wrong.
    pub(super) faults: u8,
    /// Workers that die.
    pub(super) crashes: u8,
    /// Backups that are restored.
    pub(super) restores: u8,
    /// Things that people do, other than to lock, unlock and rotate.
    pub(super) whims: u8,
    /// Days that pass, two at a time.
    pub(super) days: u8,
}

#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) log: Replay,
    /// The rotations that it has planned.
    pub(super) planned: Planned,
    /// A backup, as the log that it holds.
    pub(super) kept: Option<Box<(Replay, Planned)>>,
    pub(super) outside: Outside,
    pub(super) workers: [Worker; 2],
    pub(super) left: Left,
    pub(super) now: Timestamp,
    /// What a restore left behind: credentials of the original that are in use and that the store does not know.
    pub(super) strangers: Vec<Value>,
    /// Secrets of a restored store whose credentials died after the backup.
    pub(super) stale: Vec<SecretId>,
    pub(super) broken: Option<Promise>,
    drawn: u64,
    form: Vec<u8>,
}

impl PartialEq for Node {
    fn eq(&self, other: &Self) -> bool {
        self.form == other.form
    }
}

impl Hash for Node {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.form.hash(state);
    }
}

pub(super) const START: &str = "2026-11-23T12:00:00Z";

/// How long a step of time is: longer than a lease, a deadline, and the pause between two reports.
pub(super) const DAYS: Duration = Duration::from_secs(2 * 24 * 60 * 60);

impl Node {
    pub(super) fn new(log: Replay, left: Left) -> Self {
        Self {
            log,
            planned: Planned::default(),
            kept: None,
            outside: Outside::default(),
            workers: [Worker::Idle, Worker::Idle],
            left,
            now: Timestamp::parse(START).unwrap(),
            strangers: Vec::new(),
            stale: Vec::new(),
            broken: None,
            drawn: 0,
            form: Vec::new(),
        }
    }

    /// A number that was never used.
    pub(super) fn draw(&mut self) -> u64 {
        self.drawn += 1;
        self.drawn
    }

    pub(super) fn id(&mut self) -> [u8; 16] {
        u128::from(self.draw()).to_be_bytes()
    }

    /// Seals a credential for a version.
    pub(super) fn sealed(&mut self, version: VersionId, value: Value) -> Prepared {
        let data_key = DataKeyId::from_bytes(self.id());
        let sealed = SealedRef { data_key, epoch: 1, sealed_bytes: 64, digest: digest_of(value) };
        Prepared { version, sealed, details: VersionDetails::Plain, expires_at: None, custom_metadata: None }
    }

    pub(super) fn secret(&self, id: SecretId) -> Option<&Secret> {
        self.log.state().secret(id).map(AsRef::as_ref)
    }

    pub(super) fn ids(&self) -> Vec<SecretId> {
        self.log.state().secrets.keys().copied().collect()
    }

    /// Asks as somebody.
    pub(super) fn ask(&mut self, actor: &str, command: &Command) -> Result<Decision, Refusal> {
        self.ask_on(&Terms::by(Actor::parse(actor).unwrap()), command)
    }

    pub(super) fn ask_on(&mut self, terms: &Terms, command: &Command) -> Result<Decision, Refusal> {
        match judge(self.log.state(), command, terms, self.now) {
            Verdict::Accept(decision) => {
                self.append(&decision.events, terms);
                Ok(decision)
            }
            Verdict::Refuse(refusal, audit) => {
                let audit: Vec<_> = audit.into_iter().map(|event| (None, event)).collect();
                self.append(&audit, terms);
                Err(refusal)
            }
            Verdict::Remembered(_) => unreachable!("no command of these has a key"),
        }
    }

    /// Makes records of events and takes them in, each held to the rules and to the promises.
    pub(super) fn append(&mut self, events: &[(Option<SecretId>, Event)], terms: &Terms) {
        for record in self.records(events, terms) {
            let before = record.secret().and_then(|id| self.log.state().secret(id)).cloned();
            if self.log.apply(&record).is_err() {
                self.broken.get_or_insert(Promise::Legal);
                return;
            }
            self.planned.take(&record.event);
            let after = record.secret().and_then(|id| self.log.state().secret(id));
            if let Some(broken) = promises::of_record(before.as_deref(), after.map(AsRef::as_ref), &record) {
                self.broken.get_or_insert(broken);
            }
            if let (Event::RotationCommitted(_), Some(subject)) = (&record.event, record.subject) {
                self.stale.retain(|stale| *stale != subject.secret);
            }
        }
    }

    fn records(&self, events: &[(Option<SecretId>, Event)], terms: &Terms) -> Vec<Record> {
        let count = u16::try_from(events.len()).unwrap();
        let mut revisions: BTreeMap<SecretId, Revision> = BTreeMap::new();
        let place = |(index, (secret, event)): (u16, &(Option<SecretId>, Event))| {
            let subject = secret.map(|secret| {
                let known = || self.secret(secret).map(|secret| secret.revision);
                let revision = revisions.get(&secret).copied().or_else(known).map_or(Revision::FIRST, Revision::next);
                revisions.insert(secret, revision);
                Subject { secret, revision }
            });
            let context = Context {
                actor: terms.actor.clone(),
                correlation: None,
                causation: None,
                idempotency: None,
                writer_epoch: WriterEpoch::FIRST,
            };
            let position = Position::new(self.log.size().get() + u64::from(index));
            let event_id = EventId::from_bytes(u128::from(position.get()).to_be_bytes());
            let event = event.clone();
            Record { position, index, count, subject, event_id, recorded_at: self.now, context, event }
        };
        (0..).zip(events).map(place).collect()
    }

    /// Ends a step: looks whether the promises hold, and brings the node into its one form.
    pub(super) fn settle(mut self) -> Self {
        self.broken = self.broken.or_else(|| promises::of_node(&self));
        self.form = form::of(&self);
        self
    }
}
