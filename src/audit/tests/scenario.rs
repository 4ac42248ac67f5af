//! Owns the making of logs for tests: commands are judged and recorded as the writer does; events can also be forced in.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::audit::{Check, ExportHeader, ExportWriter, Outcome, Report, VerifyOptions, verify_export};
use crate::codec::context::encode_context;
use crate::codec::event::{Decoded, decode_event, encode_event, schema_of};
use crate::domain::batch::remember;
use crate::domain::command::{Command, LockTarget, Prepared, Terms};
use crate::domain::decide::{Decision, Verdict, judge};
use crate::domain::erasable::{About, Erasable};
use crate::domain::event::{Event, StoreCreated};
use crate::domain::evolve::evolve;
use crate::domain::id::{DataKeyId, EventId, GroupId, LogId, SecretId, VersionId};
use crate::domain::lock::{LockMode, NewLock, PlacedLock};
use crate::domain::name::{Actor, CorrelationId, LockName, SecretName};
use crate::domain::position::{Position, Revision, WriterEpoch};
use crate::domain::record::{self, Context, Record};
use crate::domain::secret::{ApiKeyTarget, ApiKeyUse, Secret, SecretMetadata, SecretSpec};
use crate::domain::settings::{KeySlotKind, Settings};
use crate::domain::state::State;
use crate::domain::time::Timestamp;
use crate::domain::version::{SealedRef, VersionDetails, VersionOrigin, VersionRef};
use crate::ledger::{
    ChainEnd, Checkpoint, ConsistencyProof, Erasure, Frontier, Head, InclusionProof, NewRecord, NoteSigner, ProofError,
    RawRecord, SignedCheckpoint, Subject, Subtree, TreeHash, TreeHashes, VerifierKey, frames, origin,
};

pub(super) const LOG: LogId = LogId::from_bytes([7; 16]);

/// A log on its way, and the state that it leads to.
#[derive(Clone, Debug)]
pub(super) struct Scenario {
    pub(super) state: State,
    pub(super) now: Timestamp,
    pub(super) terms: Terms,
    /// The type and schema to write instead of the right ones, for events of a later release.
    pub(super) disguise: Option<(u16, u16)>,
    pub(super) end: ChainEnd,
    pub(super) framed: Vec<u8>,
    pub(super) heads: Vec<Head>,
    drawn: u64,
    /// Positions whose bodies were erased by a command.
    pub(super) erased: Vec<u64>,
}

pub(super) fn actor(name: &str) -> Actor {
    Actor::parse(name).unwrap()
}

pub(super) fn lock_name(name: &str) -> LockName {
    LockName::parse(name).unwrap()
}

/// A permanent lock, as its event tells of it.
pub(super) fn placed_lock(name: &str) -> PlacedLock {
    lock(name).placed(Timestamp::EPOCH).unwrap()
}

pub(super) fn lock(name: &str) -> NewLock {
    NewLock::new(lock_name(name))
}

pub(super) fn api_key() -> SecretSpec {
    let target = ApiKeyTarget::ServiceId(actor("service-1"));
    SecretSpec::IamCredentials { ttl_secs: 3_600, api_key_use: ApiKeyUse::FreshPerRead, target }
}

pub(super) fn signer(number: u8) -> NoteSigner {
    NoteSigner::new(&origin(&LOG), &[number; 32]).unwrap()
}

pub(super) fn key(number: u8) -> VerifierKey {
    signer(number).verifier_key().clone()
}

/// Given.
impl Scenario {
    pub(super) fn empty() -> Self {
        Self {
            state: State::default(),
            now: Timestamp::parse("2026-11-23T12:00:00Z").unwrap(),
            terms: Terms::by(actor("tester \"one\"")),
            disguise: None,
            end: ChainEnd::genesis(&LOG),
            framed: Vec::new(),
            heads: Vec::new(),
            drawn: 0,
            erased: Vec::new(),
        }
    }

    pub(super) fn new() -> Self {
        let mut scenario = Self::empty();
        let created = StoreCreated { log_id: LOG, settings: Settings::default(), key_slot: KeySlotKind::KeyFile };
        scenario.append(vec![(None, created.into())]);
        scenario
    }

    /// A log with something of most kinds: 2 secrets, rotations, locks that come and go, a refusal, a read.
    pub(super) fn small() -> Self {
        let mut scenario = Self::new();
        let one = scenario.secret(SecretSpec::Arbitrary, "database");
        scenario.wait(1);
        scenario.lock(one, VersionRef::Current, vec![lock("billing"), lock("lease").until(scenario.after(60))]);
        scenario.terms.correlation = Some(CorrelationId::parse("ticket-17").unwrap());
        scenario.terms.causation = Some(EventId::from_bytes([9; 16]));
        scenario.rotate(one).unwrap();
        assert_eq!(scenario.rotate(one), None, "the lock refuses it");
        scenario.terms = Terms::by(actor("billing"));
        scenario.wait(61);
        let two = scenario.secret(api_key(), "api");
        scenario.read(two).unwrap();
        scenario.ask(&Command::Lapse { secret: one }).unwrap();
        scenario
    }

    pub(super) fn draw(&mut self) -> [u8; 16] {
        self.drawn += 1;
        u128::from(self.drawn).to_be_bytes()
    }

    pub(super) fn after(&self, secs: u64) -> Timestamp {
        self.now.plus(Duration::from_secs(secs))
    }

    pub(super) fn wait(&mut self, secs: u64) {
        self.now = self.after(secs).plus(Duration::from_nanos(1_500));
    }

    pub(super) fn sealed(&mut self) -> SealedRef {
        SealedRef { data_key: DataKeyId::from_bytes(self.draw()), epoch: 1, sealed_bytes: 64, digest: [3; 32] }
    }

    pub(super) fn prepared(&mut self) -> Prepared {
        let (version, sealed) = (VersionId::from_bytes(self.draw()), self.sealed());
        Prepared { version, sealed, details: VersionDetails::Plain, expires_at: None, custom_metadata: None }
    }

    pub(super) fn metadata(name: &str) -> SecretMetadata {
        SecretMetadata::bare(SecretName::parse(name).unwrap())
    }

    #[track_caller]
    pub(super) fn secret(&mut self, spec: SecretSpec, name: &str) -> SecretId {
        let id = SecretId::from_bytes(self.draw());
        let mut first = self.prepared();
        first.expires_at = (spec == SecretSpec::ImportedCert).then(|| self.after(5_000));
        let (group, metadata) = (GroupId::DEFAULT, Self::metadata(name));
        self.ask(&Command::CreateSecret { id, group, metadata, expires: None, spec, policy: None, first: Some(first) })
            .unwrap();
        id
    }

    pub(super) fn lock(&mut self, secret: SecretId, version: VersionRef, locks: Vec<NewLock>) {
        let target = LockTarget { secret, version, locks, mode: LockMode::Keep };
        self.ask(&Command::PlaceLocks { targets: vec![target] }).unwrap();
    }

    /// Rotates; `None` when that is refused.
    pub(super) fn rotate(&mut self, secret: SecretId) -> Option<u64> {
        let next = self.prepared();
        self.ask(&Command::Rotate { secret, origin: VersionOrigin::RotatedByHand, next })
    }

    /// Reads a dynamic secret.
    pub(super) fn read(&mut self, secret: SecretId) -> Option<u64> {
        let mut fresh = self.prepared();
        let current = self.get(secret).current().unwrap();
        fresh.version = current.id;
        let at_hand = current.data.sealed().map(|sealed| sealed.data_key);
        self.ask(&Command::ReadDynamic { secret, fresh, at_hand })
    }

    /// Erases the bodies that can be and are chosen.
    pub(super) fn erase(&mut self, choose: impl Fn(u64) -> bool) -> Option<u64> {
        let raws = self.raws();
        let left = raws.iter().filter(|raw| raw.erased().is_ok());
        let left = left.filter(|raw| !self.erased.contains(&raw.header().position.get()));
        let chosen = left.filter(|raw| choose(raw.header().position.get()));
        let body = |raw: &RawRecord<'_>| {
            let header = raw.header();
            let event = decode_event(header.event_type, header.schema, raw.body().unwrap()).unwrap();
            let about = match (header.subject, event) {
                (Subject::Secret { id, .. }, _) => About::Secret(id),
                (_, Decoded::Known(Event::GroupCreated(event))) => About::Group(event.group),
                (_, Decoded::Known(Event::GroupUpdated(event))) => About::Group(event.group),
                (_, Decoded::Known(Event::GroupRestated(event))) => About::Group(event.group),
                (_, other) => panic!("{other:?} cannot be erased"),
            };
            Erasable { position: header.position, about }
        };
        let bodies: Vec<_> = chosen.map(body).collect();
        let erased: Vec<_> = bodies.iter().map(|body| body.position.get()).collect();
        let done = self.ask(&Command::EraseBodies { bodies })?;
        self.erased.extend(erased);
        Some(done)
    }

    pub(super) fn get(&self, secret: SecretId) -> &Secret {
        self.state.secret(secret).unwrap()
    }

    pub(super) fn current(&self, secret: SecretId) -> VersionId {
        self.get(secret).current().unwrap().id
    }

    /// Does what the writer does with a command; gives the position of the last record, or none when it is refused.
    pub(super) fn ask(&mut self, command: &Command) -> Option<u64> {
        for secret in command.secrets() {
            if self.state.secret(secret).is_some() {
                let due = judge(&self.state, &Command::Lapse { secret }, &self.terms, self.now);
                if let Verdict::Accept(Decision { events, .. }) = due {
                    self.append(events);
                }
            }
        }
        match judge(&self.state, command, &self.terms, self.now) {
            Verdict::Accept(Decision { events, .. }) => self.append(events),
            Verdict::Refuse(_, audit) => {
                self.append(audit.map(|event| (None, event)).into_iter().collect());
                return None;
            }
            Verdict::Remembered(_) => {}
        }
        Some(self.size() - 1)
    }

    /// Records the events of a batch, whether they are allowed or not.
    pub(super) fn append(&mut self, events: Vec<(Option<SecretId>, Event)>) {
        let mut revisions: BTreeMap<SecretId, Revision> = BTreeMap::new();
        let subjects = events.iter().map(|(secret, _)| {
            secret.map(|secret| {
                let known = self.state.secret(secret).map(|secret| secret.revision);
                let revision = revisions.get(&secret).copied().or(known).map_or(Revision::FIRST, Revision::next);
                revisions.insert(secret, revision);
                record::Subject { secret, revision }
            })
        });
        let subjects: Vec<_> = subjects.collect();
        self.append_as(events.into_iter().map(|(_, event)| event).zip(subjects).collect());
    }

    /// Records the events of a batch under subjects that somebody else made.
    pub(super) fn append_as(&mut self, events: Vec<(Event, Option<record::Subject>)>) {
        let context = Context {
            actor: self.terms.actor.clone(),
            correlation: self.terms.correlation.clone(),
            causation: self.terms.causation,
            idempotency: self.terms.idempotency.clone(),
            writer_epoch: WriterEpoch::FIRST,
        };
        let context_bytes = encode_context(&context).unwrap();
        let count = u16::try_from(events.len()).unwrap();
        let first = self.end.size.get();
        let records: Vec<_> = (0..)
            .zip(events)
            .map(|(index, (event, subject))| Record {
                position: Position::new(first + u64::from(index)),
                index,
                count,
                subject,
                event_id: EventId::from_bytes((u128::from(first + u64::from(index)) << 64).to_be_bytes()),
                recorded_at: self.now,
                context: context.clone(),
                event,
            })
            .collect();
        let bodies: Vec<_> = records.iter().map(|record| encode_event(&record.event, &[5; 16]).unwrap()).collect();
        let new = records.iter().zip(&bodies).map(|(record, body)| self.new_record(record, &context_bytes, body));
        let new: Vec<_> = new.collect();
        if !new.is_empty() {
            self.heads.extend(self.end.append(&new, &mut self.framed).unwrap());
        }
        records.iter().for_each(|record| evolve(&mut self.state, record));
        remember(&mut self.state, &records);
    }

    fn new_record<'a>(&self, record: &Record, context: &'a [u8], body: &'a [u8]) -> NewRecord<'a> {
        let (event_type, schema) = self.disguise.unwrap_or((record.event.number(), schema_of(&record.event)));
        NewRecord {
            erasure: if record.event.is_erasable() { Erasure::Allowed } else { Erasure::Never },
            event_type,
            schema,
            subject: match record.subject {
                None => Subject::Store,
                Some(record::Subject { secret, revision }) => Subject::Secret { id: secret, revision },
            },
            event_id: record.event_id,
            time: record.recorded_at,
            context,
            body,
        }
    }
}

/// Then.
impl Scenario {
    pub(super) fn size(&self) -> u64 {
        self.end.size.get()
    }

    pub(super) fn raws(&self) -> Vec<RawRecord<'_>> {
        frames(&self.framed).map(Result::unwrap).collect()
    }

    pub(super) fn frontier(&self, size: u64) -> Frontier {
        let mut frontier = Frontier::default();
        self.heads[..usize::try_from(size).unwrap()].iter().for_each(|head| frontier.append(head).unwrap());
        frontier
    }

    pub(super) fn checkpoint(&self, size: u64, signed_by: u8) -> SignedCheckpoint {
        let tree_head = self.frontier(size).tree_head();
        Checkpoint { log_id: LOG, tree_head }.sign(&[&signer(signed_by)]).unwrap()
    }

    pub(super) fn header(&self, first: u64) -> ExportHeader {
        let mut header = ExportHeader::whole(LOG, self.keys_set(), self.size() - first);
        if let Some(before) = first.checked_sub(1) {
            header.head_before = self.heads[usize::try_from(before).unwrap()];
            header.frontier = self.frontier(first);
        }
        header
    }

    /// The keys that a store would name: those that the log sets; without any, the one that signs.
    fn keys_set(&self) -> Vec<VerifierKey> {
        let set_by = |raw: &RawRecord<'_>| match decode_event(raw.header().event_type, raw.header().schema, raw.body()?)
        {
            Ok(Decoded::Known(Event::SigningKeySet(event))) => VerifierKey::parse(&event.verifier_key).ok(),
            _ => None,
        };
        let keys: Vec<_> = self.raws().iter().filter_map(set_by).collect();
        if keys.is_empty() { vec![key(1)] } else { keys }
    }

    pub(super) fn proof(&self, from: u64) -> ConsistencyProof {
        ConsistencyProof::make(&self.subtrees(), Position::new(from), self.end.size).unwrap()
    }

    pub(super) fn inclusion(&self, position: u64) -> InclusionProof {
        InclusionProof::make(&self.subtrees(), Position::new(position), self.end.size).unwrap()
    }

    fn subtrees(&self) -> Kept {
        let (mut frontier, mut subtrees) = (Frontier::default(), BTreeMap::new());
        for head in &self.heads {
            frontier.append_noting(head, |subtree, hash| _ = subtrees.insert(subtree, hash)).unwrap();
        }
        Kept(subtrees)
    }

    /// The export from a position on, with the proof from an earlier size, and some bodies erased.
    pub(super) fn export_as(&self, first: u64, from: Option<u64>, erased: &[u64]) -> Vec<u8> {
        let mut writer = ExportWriter::begin(Vec::new(), &self.header(first)).unwrap();
        for raw in &self.raws()[usize::try_from(first).unwrap()..] {
            let is_erased = [erased, &self.erased].concat().contains(&raw.header().position.get());
            writer.write(&if is_erased { raw.erased().unwrap() } else { *raw }).unwrap();
        }
        let proof = from.map(|from| (Position::new(from), self.proof(from)));
        let proof = proof.as_ref().map(|(from, proof)| (*from, proof));
        writer.finish(&self.checkpoint(self.size(), 1), proof).unwrap()
    }

    pub(super) fn export(&self) -> Vec<u8> {
        self.export_as(0, None, &[])
    }

    pub(super) fn lines(&self) -> Vec<String> {
        String::from_utf8(self.export()).unwrap().lines().map(str::to_owned).collect()
    }
}

struct Kept(BTreeMap<Subtree, TreeHash>);

impl TreeHashes for Kept {
    type Error = ProofError;

    fn subtree(&self, subtree: Subtree) -> Result<TreeHash, ProofError> {
        Ok(self.0[&subtree])
    }
}

/// Verifies under the key that scenarios sign with.
pub(super) fn verify(export: &[u8]) -> Report {
    verify_export(export, &brought(&[1]), |_| {})
}

/// What somebody brings who has these keys.
pub(super) fn brought(keys: &[u8]) -> VerifyOptions {
    VerifyOptions { keys: keys.iter().map(|number| key(*number)).collect(), ..VerifyOptions::default() }
}

pub(super) fn joined(lines: &[String]) -> Vec<u8> {
    lines.iter().flat_map(|line| [line.as_bytes(), b"\n"].concat()).collect()
}

/// Gives the word for how each check ended, but for cosignatures: `+` passed, `!` failed, `?` not checked, `.` not asked for.
pub(super) fn word(report: &Report) -> String {
    let word = |outcome: &Outcome| match outcome {
        Outcome::Passed { .. } => '+',
        Outcome::Failed { .. } => '!',
        Outcome::NotChecked { .. } => '?',
        Outcome::NotAsked { .. } => '.',
    };
    let verdicts = report.verdicts.iter().filter(|verdict| verdict.check != Check::Cosignatures);
    verdicts.map(|verdict| word(&verdict.outcome)).collect()
}

/// Gives the line and the words of a failed check.
#[track_caller]
pub(super) fn failure(report: &Report, check: Check) -> (u64, &str) {
    match &report.verdict(check).unwrap().outcome {
        Outcome::Failed { place, why } => (place.line.unwrap_or(0), why),
        other => panic!("{check:?} did not fail: {other:?}\n{report}"),
    }
}
